/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pgtable/...: VMSAv8-64 stage 1, 4K granule, 48 bits, on the hosted platform;
 * limit/...: what the machine allows, the same access patterns bare.
 *
 * A name says operation, leaf size, bytes of one call.  map and unmap work on
 * tables that were filled and emptied once: single pages leave their tables
 * in place, 2 MiB calls free them and so allocate them again.  unmap includes
 * the gather's release; no hardware is there to be flushed.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <uiommu/host.h>
#include <uiommu/pgtable.h>

#include "bench.h"

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define BASE (256 * GIB)
#define FAR_APART (1024 * GIB)
#define PA (64 * GIB)
#define NR_RANDOM 65536u
#define PROT (UIOMMU_PROT_READ | UIOMMU_PROT_WRITE | UIOMMU_PROT_CACHE)

struct space {
	struct uiommu_host *host;
	struct uiommu_pgtable *pt;
};

static void space_open(struct space *s)
{
	struct uiommu_pgtable_cfg cfg = {
		.fmt = UIOMMU_PGTABLE_VMSAV8_S1,
		.granule_lg2 = 12,
		.ias = 48,
		.oas = 48,
	};

	must(uiommu_host_create(0, &s->host) == 0, "host");
	cfg.platform = uiommu_host_platform(s->host);
	must(uiommu_pgtable_create(&cfg, &s->pt) == 0, "create");
}

static void space_close(struct space *s)
{
	uiommu_pgtable_destroy(s->pt);
	uiommu_host_barrier(s->host);
	uiommu_host_destroy(s->host);
}

/* nr calls of `bytes` each; pa_off makes larger leaves impossible. */
static void map_many(struct uiommu_pgtable *pt, uint64_t iova, uint64_t bytes,
		     uint64_t nr, uint64_t pa_off)
{
	struct uiommu_gather gather;
	int rc = 0;

	uiommu_gather_init(&gather);
	for (uint64_t i = 0; i < nr; i++, iova += bytes)
		rc |= uiommu_pgtable_map(pt, iova, iova - BASE + PA + pa_off,
					 bytes, PROT, &gather);
	must(!rc, "map");
}

static void unmap_many(struct uiommu_pgtable *pt, uint64_t iova, uint64_t bytes,
		       uint64_t nr)
{
	uint64_t unmapped, sum = 0;
	struct uiommu_gather gather;
	int rc = 0;

	uiommu_gather_init(&gather);
	for (uint64_t i = 0; i < nr; i++, iova += bytes) {
		rc |= uiommu_pgtable_unmap(pt, iova, bytes, &gather, &unmapped);
		uiommu_gather_release(&gather);
		sum += unmapped;
	}
	must(!rc && sum == nr * bytes, "unmap");
}

struct leaf_case {
	uint64_t bytes; /* of one call */
	uint64_t nr;	/* calls */
	uint64_t pa_off;
	unsigned int loops;
	bool unmap; /* which half is measured */
};

static void leaf_row(struct bench_run *run)
{
	const struct leaf_case *c = run->arg;
	struct space s;

	space_open(&s);
	map_many(s.pt, BASE, c->bytes, c->nr, c->pa_off);
	unmap_many(s.pt, BASE, c->bytes, c->nr);
	for (unsigned int i = 0; i < c->loops; i++) {
		uiommu_host_barrier(s.host);
		if (!c->unmap)
			bench_start(run);
		map_many(s.pt, BASE, c->bytes, c->nr, c->pa_off);
		if (!c->unmap)
			bench_stop(run, c->nr);
		else
			bench_start(run);
		unmap_many(s.pt, BASE, c->bytes, c->nr);
		if (c->unmap)
			bench_stop(run, c->nr);
	}
	space_close(&s);
}

static const struct leaf_case c_4k = { 4 * KIB, 65536, 0, 4, false };
static const struct leaf_case c_4k_un = { 4 * KIB, 65536, 0, 4, true };
static const struct leaf_case c_4k_2m = { 2 * MIB, 512, 4 * KIB, 4, false };
static const struct leaf_case c_4k_2m_un = { 2 * MIB, 512, 4 * KIB, 4, true };
static const struct leaf_case c_2m = { 2 * MIB, 2048, 0, 64, false };
static const struct leaf_case c_2m_un = { 2 * MIB, 2048, 0, 64, true };
static const struct leaf_case c_1g = { GIB, 1000, 0, 64, false };
static const struct leaf_case c_1g_un = { GIB, 1000, 0, 64, true };

static uint64_t *random_pages(uint64_t base, uint64_t nr_pages, uint64_t seed)
{
	uint64_t *v = malloc(NR_RANDOM * sizeof(*v));

	must(v != NULL, "malloc");
	for (unsigned int i = 0; i < NR_RANDOM; i++)
		v[i] = base + (bench_random(&seed) >> 8) % nr_pages * 4096;
	return v;
}

/* Each address waits for the answer before: bit 63 is clear, only we know. */
static void look_dependent(struct uiommu_pgtable *pt, const uint64_t *iova)
{
	struct uiommu_pgtable_leaf leaf = { 0 };
	int rc = 0;

	for (unsigned int i = 0; i < NR_RANDOM; i++)
		rc |= uiommu_pgtable_translate(pt, iova[i] + (leaf.pa >> 63),
					       &leaf);
	must(!rc, "translate");
}

static void look_independent(struct uiommu_pgtable *pt, const uint64_t *iova)
{
	struct uiommu_pgtable_leaf leaf;
	uint64_t sum = 0;
	int rc = 0;

	for (unsigned int i = 0; i < NR_RANDOM; i++) {
		rc |= uiommu_pgtable_translate(pt, iova[i], &leaf);
		sum += leaf.pa;
	}
	bench_use(sum);
	must(!rc, "translate");
}

static void translate_row(struct bench_run *run, uint64_t nr_pages,
			  void (*look)(struct uiommu_pgtable *pt,
				       const uint64_t *iova))
{
	uint64_t *iova = random_pages(BASE, nr_pages, run->rep + 1);
	struct space s;

	space_open(&s);
	map_many(s.pt, BASE, GIB, 1, 4 * KIB);
	look(s.pt, iova);
	bench_start(run);
	for (int i = 0; i < 2; i++)
		look(s.pt, iova);
	bench_stop(run, 2 * NR_RANDOM);
	unmap_many(s.pt, BASE, GIB, 1);
	space_close(&s);
	free(iova);
}

static void translate_hot(struct bench_run *run)
{
	translate_row(run, 64, look_dependent);
}

static void translate_rand(struct bench_run *run)
{
	translate_row(run, GIB / 4096, look_independent);
}

struct cycle {
	struct space s;
	uint64_t *iova[2];
};

static void cycle_thread(void *arg, unsigned int thread)
{
	const struct cycle *c = arg;
	const uint64_t *iova = c->iova[thread];
	struct uiommu_gather gather;
	uint64_t unmapped;
	int rc = 0;

	uiommu_gather_init(&gather);
	for (unsigned int i = 0; i < NR_RANDOM; i++) {
		uint64_t at = iova[i];

		rc |= uiommu_pgtable_map(c->s.pt, at, at, 4096, PROT, &gather);
		rc |= uiommu_pgtable_unmap(c->s.pt, at, 4096, &gather,
					   &unmapped);
		uiommu_gather_release(&gather);
	}
	must(!rc, "cycle");
}

static void cycle_row(struct bench_run *run)
{
	struct cycle c;

	space_open(&c.s);
	for (unsigned int t = 0; t < run->threads; t++) {
		uint64_t base = BASE + t * FAR_APART;

		c.iova[t] = random_pages(base, GIB / 4096, run->rep + t + 1);
		map_many(c.s.pt, base, 4096, GIB / 4096, 0);
		unmap_many(c.s.pt, base, 4096, GIB / 4096);
	}
	bench_parallel(run, NR_RANDOM, cycle_thread, &c);
	for (unsigned int t = 0; t < run->threads; t++)
		free(c.iova[t]);
	space_close(&c.s);
}

/* ---- the machine ---- */

/* On large pages where the system has them, as the arena of tables is. */
static void *huge_alloc(size_t size)
{
	void *p = aligned_alloc(2 * MIB, size);

	must(p != NULL, "malloc");
	(void)madvise(p, size, MADV_HUGEPAGE);
	memset(p, 0, size);
	return p;
}

/* Four levels over 1 GiB of 4K pages: indices, loads, nothing else. */
static uint64_t bare_walk(const uint64_t *root, uint64_t iova)
{
	const uint64_t *t = root;

	t = (const uint64_t *)(uintptr_t)t[iova >> 39 & 511];
	t = (const uint64_t *)(uintptr_t)t[iova >> 30 & 511];
	t = (const uint64_t *)(uintptr_t)t[iova >> 21 & 511];
	return t[iova >> 12 & 511];
}

static void bare_tables(uint64_t *mem)
{
	uint64_t *l3;

	mem[BASE >> 39 & 511] = (uintptr_t)(mem + 512);
	mem[512 + (BASE >> 30 & 511)] = (uintptr_t)(mem + 1024);
	for (uint64_t i = 0; i < 512; i++) {
		l3 = mem + 1536 + i * 512;
		mem[1024 + i] = (uintptr_t)l3;
		for (uint64_t k = 0; k < 512; k++)
			l3[k] = PA + (i << 21 | k << 12);
	}
}

static void limit_walk(struct bench_run *run, uint64_t nr_pages, bool dep)
{
	uint64_t *iova = random_pages(BASE, nr_pages, run->rep + 1);
	uint64_t *mem = huge_alloc(4 * MIB), pa = 0, sum = 0;

	bare_tables(mem);
	for (int i = -1; i < 2; i++) {
		if (!i)
			bench_start(run);
		for (unsigned int k = 0; k < NR_RANDOM; k++) {
			pa = bare_walk(mem, iova[k] + (dep ? pa >> 63 : 0));
			sum += pa;
		}
	}
	bench_stop(run, 2 * NR_RANDOM);
	bench_use(sum);
	free(mem);
	free(iova);
}

static void limit_walk_hot(struct bench_run *run)
{
	limit_walk(run, 64, true);
}

static void limit_walk_rand(struct bench_run *run)
{
	limit_walk(run, GIB / 4096, false);
}

static void limit_fill(struct bench_run *run)
{
	char *mem = huge_alloc(2 * MIB);

	for (int i = -1; i < 8; i++) {
		if (!i)
			bench_start(run);
		for (uint64_t t = 0; t < 64; t++) {
			volatile uint64_t *e = (void *)(mem + t * 4096);

			for (uint64_t k = 0; k < 512; k++)
				e[k] = 0x703 | t << 21 | k << 12;
		}
	}
	bench_stop(run, 8 * 64);
	free(mem);
}

static void limit_cas(struct bench_run *run)
{
	uint64_t word = 0, old;

	bench_start(run);
	for (unsigned int i = 0; i < 1000000; i++) {
		old = i;
		__atomic_compare_exchange_n(&word, &old, i + 1, false,
					    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
	}
	bench_stop(run, 1000000);
	bench_use(word);
}

void pgtable_bench_register(struct bench *b);

void pgtable_bench_register(struct bench *b)
{
#define LEAF(row, c, pages)                                        \
	{                                                          \
		row, leaf_row, (void *)(uintptr_t) & (c), 1, pages \
	}
	const struct bench_row rows[] = {
		LEAF("pgtable/map/4k/4k", c_4k, 1),
		LEAF("pgtable/unmap/4k/4k", c_4k_un, 1),
		LEAF("pgtable/map/4k/2m", c_4k_2m, 512),
		LEAF("pgtable/unmap/4k/2m", c_4k_2m_un, 512),
		LEAF("pgtable/map/2m/2m", c_2m, 512),
		LEAF("pgtable/unmap/2m/2m", c_2m_un, 512),
		LEAF("pgtable/map/1g/1g", c_1g, 262144),
		LEAF("pgtable/unmap/1g/1g", c_1g_un, 262144),
		{ "pgtable/translate/hot", translate_hot, NULL, 1, 1 },
		{ "pgtable/translate/rand-1g", translate_rand, NULL, 1, 1 },
		{ "pgtable/cycle/rand-1g", cycle_row, NULL, 1, 1 },
		{ "pgtable/cycle/rand-1g", cycle_row, NULL, 2, 1 },
		{ "limit/walk4dep/hot", limit_walk_hot, NULL, 1, 1 },
		{ "limit/walk4/rand-1g", limit_walk_rand, NULL, 1, 1 },
		{ "limit/fill512", limit_fill, NULL, 1, 512 },
		{ "limit/cmpxchg", limit_cas, NULL, 1, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		bench_add(b, &rows[i]);
}
