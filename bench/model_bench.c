/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model/translate/...: one DMA translation of the SMMUv3 model.
 * model/inval/...: one invalidation by command, completed by CMD_SYNC.
 *
 * hit/N: N pages in turn, all in the TLB.  miss/...: random pages of 1 GiB, so
 * that nearly every look-up walks tables that are warm in the CPU's caches;
 * nested has 4K pages at both stages.  Tables are filled in here, word by word:
 * nothing but the model is measured.
 *
 * asid-64k and the others of its kind: a TLB of 64 K entries is filled by 16
 * ASIDs with 4 K pages each, then comes the command, which is one for a page,
 * an ASID, or what its name says, from the doorbell on; /sync: to the end of the
 * CMD_SYNC behind it.  The caches of the CPU hold the TLB's fill, not the
 * command queue's code.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <uiommu/smmuv3_model.h>

#include "base/bits.h"
#include "bench.h"

#define RAM_BASE UINT64_C(0x40000000)
#define RAM_SIZE UINT64_C(0x2000000)
#define STRTAB RAM_BASE
#define CDS (RAM_BASE + 0x10000)
#define TABLES (RAM_BASE + 0x100000)
#define DATA UINT64_C(0x1000000000)
#define IOVA UINT64_C(0x4000000000)
#define NR_PAGES 262144u
#define NR_RANDOM 65536u
#define OPS 4000000u
#define CMDQ (RAM_BASE + 0x20000)
#define CMDQ_LG2 6u
#define NR_ASIDS 16u /* from SID_ASID on, ASIDs from 16 */
#define ASID_PAGES 4096u
#define NR_INVALS 8u

#define SID_S1 1u
#define SID_NESTED 2u
#define SID_ASID 16u
#define LEAF UINT64_C(0xc43)	/* page, AF, not global, read-write */
#define S2_LEAF UINT64_C(0x4ff) /* page, AF, read-write, write-back */

struct rig {
	uint8_t *ram;
	uint64_t next;
	uint32_t prod;
	struct uiommu_smmuv3_model *model;
};

static void *direct(void *ctx, uiommu_pa_t pa, size_t len, bool write)
{
	struct rig *r = ctx;
	uint64_t off = pa - RAM_BASE;

	return off < RAM_SIZE && len <= RAM_SIZE - off ? r->ram + off : NULL;
}

static int mem_read(void *ctx, uiommu_pa_t pa, void *buf, size_t len,
		    struct uiommu_mem_attrs attrs)
{
	void *p = direct(ctx, pa, len, false);

	if (!p)
		return -5;
	memcpy(buf, p, len);
	return 0;
}

static int mem_write(void *ctx, uiommu_pa_t pa, const void *buf, size_t len,
		     struct uiommu_mem_attrs attrs)
{
	void *p = direct(ctx, pa, len, true);

	if (!p)
		return -5;
	memcpy(p, buf, len);
	return 0;
}

static uint64_t *word(struct rig *r, uint64_t pa)
{
	return (uint64_t *)(void *)(r->ram + (pa - RAM_BASE));
}

static uint64_t table(struct rig *r, uint64_t bytes)
{
	uint64_t pa = (r->next + bytes - 1) & ~(bytes - 1);

	r->next = pa + bytes;
	must(r->next <= RAM_BASE + RAM_SIZE, "table memory");
	return pa;
}

static void map(struct rig *r, uint64_t root, unsigned int shift, uint64_t in,
		uint64_t desc)
{
	uint64_t mask = 1023; /* the root may be two tables */

	for (;; shift -= 9, mask = 511) {
		uint64_t *w = word(r, root + 8 * (in >> shift & mask));

		if (shift == 12) {
			*w = desc;
			return;
		}
		if (!*w)
			*w = table(r, 4096) | 3;
		root = *w & ~UINT64_C(0xfff);
	}
}

static void put_cd(struct rig *r, uint64_t at, uint64_t asid, uint64_t table)
{
	/* T0SZ 16, EPD1, V, IPS 48, AA64, R, A */
	*word(r, at) = UINT64_C(0x00006205c0000010) | asid << 48;
	*word(r, at + 8) = table;
	*word(r, at + 24) = 0xff;
}

static void rig_open(struct rig *r, uint32_t tlb_entries)
{
	struct uiommu_smmuv3_profile profile =
		*uiommu_smmuv3_profile_find("full");
	struct uiommu_model_host host = {
		.ctx = r,
		.read = mem_read,
		.write = mem_write,
		.direct = direct,
	};
	uint64_t s1, s2;

	r->next = TABLES;
	r->ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(r->ram != MAP_FAILED, "memory");
	/* Not the CPU's own TLB is to be measured. */
	(void)madvise(r->ram, RAM_SIZE, MADV_HUGEPAGE);
	s1 = table(r, 4096);
	s2 = table(r, 8192);
	for (uint64_t i = 0; i < NR_PAGES; i++) {
		uint64_t off = i << 12;

		map(r, s1, 39, IOVA + off, (DATA + off) | LEAF);
		map(r, s2, 30, DATA + off, (DATA + off) | S2_LEAF);
	}
	/* the stage-1 tables and CDs, as stage 2 sees them */
	for (uint64_t pa = RAM_BASE; pa < RAM_BASE + RAM_SIZE; pa += 4096)
		map(r, s2, 30, pa, pa | S2_LEAF);
	put_cd(r, CDS, 1, s1);
	for (unsigned int i = 0; i < NR_ASIDS; i++) {
		uint64_t cd = CDS + 64 * (i + 1);

		put_cd(r, cd, 16 + i, s1);
		*word(r, STRTAB + 64 * (SID_ASID + i)) = cd | 0xb;
	}
	*word(r, STRTAB + 64 * SID_S1) = CDS | 0xb;
	*word(r, STRTAB + 64 * SID_NESTED) = CDS | 0xf;
	/* T0SZ 24, SL0 1, PS 48, AA64, R, VMID 5 */
	*word(r, STRTAB + 64 * SID_NESTED + 16) = UINT64_C(0x040d005800000005);
	*word(r, STRTAB + 64 * SID_NESTED + 24) = s2;
	if (tlb_entries)
		profile.tlb_entries = tlb_entries;
	must(!uiommu_smmuv3_model_create(&profile, &host, &r->model), "create");
	uiommu_smmuv3_model_write(r->model, 0x80, 8, STRTAB);
	uiommu_smmuv3_model_write(r->model, 0x88, 4, 5);
	uiommu_smmuv3_model_write(r->model, 0x90, 8, CMDQ | CMDQ_LG2);
	r->prod = 0;
	uiommu_smmuv3_model_write(r->model, 0x20, 4, 9);
}

static void rig_close(struct rig *r)
{
	uiommu_smmuv3_model_destroy(r->model);
	munmap(r->ram, RAM_SIZE);
}

static void one(struct rig *r, uint32_t sid, uint64_t iova)
{
	struct uiommu_smmuv3_txn txn = { .sid = sid, .iova = iova };
	struct uiommu_smmuv3_xlate x;
	int rc = uiommu_smmuv3_model_translate(r->model, &txn, &x);

	must(!rc && x.pa == DATA + (iova - IOVA), "translation");
	bench_use(x.pa);
}

struct job {
	struct rig *rig;
	uint32_t sid;
	unsigned int pages;
	const uint64_t *addr; /* NR_RANDOM of them, or NULL: pages in turn */
	unsigned int ops;
};

static void work(void *arg, unsigned int thread)
{
	const struct job *job = arg;

	if (job->addr) {
		for (unsigned int i = 0; i < job->ops; i++)
			one(job->rig, job->sid, job->addr[i % NR_RANDOM]);
		return;
	}
	for (unsigned int i = 0; i < job->ops; i++)
		one(job->rig, job->sid,
		    IOVA + ((uint64_t)(i & (job->pages - 1)) << 12));
}

static void run_job(struct bench_run *run, struct job *job)
{
	work(job, 0);
	if (run->threads > 1) {
		bench_parallel(run, job->ops, work, job);
		return;
	}
	bench_start(run);
	work(job, 0);
	bench_stop(run, job->ops);
}

static void hit(struct bench_run *run)
{
	struct rig r;
	struct job job = { .rig = &r,
			   .sid = SID_S1,
			   .ops = OPS,
			   .pages = *(const unsigned int *)run->arg };

	rig_open(&r, 0);
	run_job(run, &job);
	rig_close(&r);
}

static void miss(struct bench_run *run)
{
	struct rig r;
	struct job job = { .rig = &r,
			   .ops = OPS / 4,
			   .sid = *(const unsigned int *)run->arg };
	uint64_t *addr = malloc(NR_RANDOM * sizeof(*addr));
	uint64_t seed = 42;

	must(addr, "memory");
	for (unsigned int i = 0; i < NR_RANDOM; i++)
		addr[i] = IOVA + (bench_random(&seed) % NR_PAGES << 12);
	job.addr = addr;
	rig_open(&r, 0);
	run_job(run, &job);
	rig_close(&r);
	free(addr);
}

/* ---------------------------------------------------------- commands --- */

struct inval {
	const char *name;
	uint64_t q0, q1;
	bool sync; /* in the time too */
};

static void put_cmd(struct rig *r, uint64_t q0, uint64_t q1)
{
	uint64_t at = CMDQ + (r->prod & mask_lg2(CMDQ_LG2)) * 16;

	*word(r, at) = q0;
	*word(r, at + 8) = q1;
	r->prod = (r->prod + 1) & (uint32_t)mask_lg2(CMDQ_LG2 + 1);
}

static void ring(struct rig *r)
{
	uiommu_smmuv3_model_write(r->model, 0x98, 4, r->prod);
	must(uiommu_smmuv3_model_read(r->model, 0x9c, 4) == r->prod, "command");
}

/* Fill the TLB, then time the command, by itself or with its CMD_SYNC. */
static void inval(struct bench_run *run)
{
	const struct inval *what = run->arg;
	struct rig r;

	rig_open(&r, NR_ASIDS * ASID_PAGES);
	for (unsigned int i = 0; i < NR_INVALS; i++) {
		for (uint64_t page = 0; page < ASID_PAGES; page++) {
			for (uint32_t as = 0; as < NR_ASIDS; as++)
				one(&r, SID_ASID + as, IOVA + (page << 12));
		}
		put_cmd(&r, what->q0, what->q1);
		if (what->sync)
			put_cmd(&r, 0x46, 0);
		bench_start(run);
		ring(&r);
		bench_stop(run, 1);
		put_cmd(&r, 0x46, 0);
		ring(&r);
	}
	rig_close(&r);
}

static void register_invals(struct bench *b)
{
	/* ASID 20, VMID 0; the range is 2 x 2^17 pages of 4K */
	static const struct inval invals[] = {
		{ "model/inval/asid-64k", 0x11 | UINT64_C(20) << 48, 0, false },
		{ "model/inval/asid-64k/sync", 0x11 | UINT64_C(20) << 48, 0,
		  true },
		{ "model/inval/va-64k/sync", 0x12 | UINT64_C(20) << 48,
		  IOVA | 1, true },
		{ "model/inval/vaa-64k/sync", 0x13, IOVA | 1, true },
		{ "model/inval/range-1g-64k/sync",
		  0x12 | UINT64_C(20) << 48 | 1 << 12 | 17 << 20,
		  IOVA | 1 << 10 | 1, true },
		{ "model/inval/all-64k/sync", 0x10, 0, true },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(invals); i++) {
		struct bench_row row = {
			.name = invals[i].name,
			.fn = inval,
			.arg = (void *)(uintptr_t)&invals[i],
		};

		bench_add(b, &row);
	}
}

void model_bench_register(struct bench *b);

void model_bench_register(struct bench *b)
{
	static const unsigned int pages[3] = { 1, 64, 512 };
	static const unsigned int sids[2] = { SID_S1, SID_NESTED };
	static const char *const names[3] = {
		"model/translate/hit/1",
		"model/translate/hit/64",
		"model/translate/hit/512",
	};

	for (unsigned int i = 0; i < 3; i++) {
		for (unsigned int threads = 1; threads <= 2; threads++) {
			struct bench_row row = {
				.name = names[i],
				.fn = hit,
				.arg = (void *)(uintptr_t)&pages[i],
				.threads = threads,
			};

			bench_add(b, &row);
		}
	}
	for (unsigned int i = 0; i < 2; i++) {
		struct bench_row row = {
			.name = i ? "model/translate/miss/nested"
				  : "model/translate/miss/s1",
			.fn = miss,
			.arg = (void *)(uintptr_t)&sids[i],
		};

		bench_add(b, &row);
	}
	register_invals(b);
}
