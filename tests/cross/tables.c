/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pgtable/ writes, model/ walks: neither knows the other's code.  Random maps,
 * unmaps and changes of rights of every format against a naive array, looked up
 * by the model after each operation.  The model keeps what it may in its TLB,
 * contiguous groups as one entry too, and forgets what the gathers say by
 * commands as a driver gives them.  Dirty state is what the model's own updates
 * of descriptors leave.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <uiommu/pgtable.h>
#include <uiommu/smmuv3_model.h>

#include "base/bits.h"
#include "test_platform.h"

#define POOL_SIZE (UINT64_C(64) << 20)
#define CONFIG_PA UINT64_C(0x10000) /* stream table, one CD behind it */
#define CD_PA (CONFIG_PA + 0x800)
#define CMDQ_PA (CONFIG_PA + 0x1000)
#define CMDQ_LG2 6
#define PAGES 4096u /* of the window that is used */
#define OPS 1000u

struct cross {
	struct test_platform tp;
	struct uiommu_smmuv3_model *model;
	struct uiommu_pgtable *pt;
	struct uiommu_pgtable_info info;
	enum uiommu_pgtable_fmt fmt;
	uint64_t config[0x2000 / 8];
	uint32_t prod;
	uint64_t base; /* of the window */
	/* what each page should map to: 0 nothing, else pa | prot */
	uint64_t want[PAGES];
	bool dirty[PAGES];
	bool reported[PAGES];
	uint64_t seed;
};

static uint64_t rnd(struct cross *c, uint64_t n)
{
	c->seed ^= c->seed << 13;
	c->seed ^= c->seed >> 7;
	c->seed ^= c->seed << 17;
	return c->seed % n;
}

static int mem_read(void *ctx, uiommu_pa_t pa, void *buf, size_t len,
		    struct uiommu_mem_attrs attrs)
{
	struct cross *c = ctx;
	uint64_t off = pa - TEST_PLATFORM_POOL_PA;

	if (pa >= CONFIG_PA && pa + len <= CONFIG_PA + sizeof(c->config))
		memcpy(buf, (uint8_t *)c->config + (pa - CONFIG_PA), len);
	else if (pa >= TEST_PLATFORM_POOL_PA && off + len <= POOL_SIZE)
		memcpy(buf, c->tp.pool + off, len);
	else
		return -5;
	return 0;
}

static int mem_write(void *ctx, uiommu_pa_t pa, const void *buf, size_t len,
		     struct uiommu_mem_attrs attrs)
{
	return -5;
}

static int mem_cmpxchg64(void *ctx, uiommu_pa_t pa, uint64_t *expected,
			 uint64_t want)
{
	struct cross *c = ctx;
	uint64_t off = pa - TEST_PLATFORM_POOL_PA;

	if (pa < TEST_PLATFORM_POOL_PA || off + 8 > POOL_SIZE)
		return -5;
	__atomic_compare_exchange_n((uint64_t *)(c->tp.pool + off), expected,
				    want, false, __ATOMIC_ACQ_REL,
				    __ATOMIC_ACQUIRE);
	return 0;
}

static void command(struct cross *c, uint64_t q0, uint64_t q1)
{
	const uint32_t mask = (1u << (CMDQ_LG2 + 1)) - 1;
	uint64_t *slot = &c->config[(CMDQ_PA - CONFIG_PA) / 8 +
				    (c->prod & (mask >> 1)) * 2];

	slot[0] = q0;
	slot[1] = q1;
	c->prod = (c->prod + 1) & mask;
	uiommu_smmuv3_model_write(c->model, 0x98, 4, c->prod);
	assert_int_equal(uiommu_smmuv3_model_read(c->model, 0x9c, 4), c->prod);
}

/* A command for each stride, with the level where it is told. */
static void forget(struct cross *c, const struct uiommu_gather_range *r)
{
	bool s1 = c->fmt == UIOMMU_PGTABLE_VMSAV8_S1;
	uint64_t q0 = s1 ? 0x12 : 0x2a | 1ull << 32, low = 0, at;

	if (r->level > 0)
		low = (uint64_t)r->level << 8 |
		      (uint64_t)(c->info.granule_lg2 - 10) / 2 << 10;
	/* 16K at level 1 has no hint without DS. */
	if (c->info.granule_lg2 == 14 && r->level == 1 && !c->info.ds)
		low = 0;
	if ((r->last - r->first) >> r->stride_lg2 > 300) {
		command(c, s1 ? 0x10 : 0x28 | 1ull << 32, 0);
		return;
	}
	for (at = r->first; at <= r->last; at += 1ull << r->stride_lg2)
		command(c, q0, (at & ~0xfffull) | low | (r->leaf_only ? 1 : 0));
}

static void flush(struct cross *c, struct uiommu_gather *gather)
{
	for (uint32_t i = 0; i < gather->nr_ranges; i++)
		forget(c, &gather->range[i]);
	command(c, 0x46, 0);
	uiommu_gather_release(gather);
}

static uint64_t tg_code(unsigned int granule)
{
	return granule == 12 ? 0 : granule == 16 ? 1 : 2;
}

static void point_model_at(struct cross *c, enum uiommu_pgtable_fmt fmt)
{
	const struct uiommu_pgtable_info *i = &c->info;
	uint64_t t0sz = 64u - i->ias, tg = tg_code(i->granule_lg2);
	uint64_t *ste = &c->config[8], *cd = &c->config[0x800 / 8];
	uint64_t sl0 =
		(uint64_t)((i->granule_lg2 == 12 ? 2 : 3) - i->start_level) & 3;
	uint64_t ps = i->oas == 52 ? 6 : 5;
	bool hd = i->features & UIOMMU_PGTABLE_DBM;

	ste[1] = 1ull << 44;
	if (fmt == UIOMMU_PGTABLE_VMSAV8_S1) {
		ste[0] = CD_PA | 0xb;
		/* EPD1, V, AA64, R, A; SH0 inner; HD, HA */
		cd[0] = 0x00006200c0003000 | t0sz | tg << 6 | ps << 32 |
			(hd ? 3ull << 42 : 0);
		cd[1] = i->root;
		cd[2] = i->ds ? 1ull << 58 : 0;
		cd[3] = i->mair;
	} else {
		ste[0] = 0xd;
		/* AA64, R, VMID 1; SH0 inner; S2HD, S2HA */
		ste[2] = 0x0408300000000001 | t0sz << 32 | sl0 << 38 |
			 tg << 46 | ps << 48 | (hd ? 3ull << 55 : 0);
		ste[3] = i->root | (i->ds ? 8 : 0);
	}
}

struct row {
	enum uiommu_pgtable_fmt fmt;
	unsigned int granule, ias, oas;
	uint32_t features;
};

static void cross_open(struct cross *c, const struct row *row)
{
	struct uiommu_smmuv3_profile p = *uiommu_smmuv3_profile_find("full");
	struct uiommu_model_host host = {
		.ctx = c,
		.read = mem_read,
		.write = mem_write,
		.cmpxchg64 = mem_cmpxchg64,
	};
	struct uiommu_pgtable_cfg cfg = {
		.platform = &c->tp.platform,
		.fmt = row->fmt,
		.granule_lg2 = (uint8_t)row->granule,
		.ias = (uint8_t)row->ias,
		.oas = (uint8_t)row->oas,
		.features = row->features,
	};

	memset(c, 0, sizeof(*c));
	c->fmt = row->fmt;
	c->seed = 88172645463325252ull + row->granule * 64 + row->ias;
	test_platform_init(&c->tp);
	test_platform_use_pool(&c->tp, POOL_SIZE);
	assert_int_equal(uiommu_pgtable_create(&cfg, &c->pt), 0);
	uiommu_pgtable_info(c->pt, &c->info);
	point_model_at(c, row->fmt);
	/* across the end of a first-level entry, far up */
	c->base = (3ull << (row->ias - 2)) -
		  ((uint64_t)PAGES / 2 << row->granule);
	p.idr[0] = (p.idr[0] & ~0xc0u) | 2 << 6; /* HTTU: AF and dirty */
	if (row->oas == 52)			 /* OAS, DS, VAX */
		p.idr[5] = (p.idr[5] & ~7u) | 6 | 1 << 7 | 1 << 10;
	assert_int_equal(uiommu_smmuv3_model_create(&p, &host, &c->model), 0);
	uiommu_smmuv3_model_write(c->model, 0x80, 8, CONFIG_PA);
	uiommu_smmuv3_model_write(c->model, 0x88, 4, 4);
	uiommu_smmuv3_model_write(c->model, 0x90, 8, CMDQ_PA | CMDQ_LG2);
	uiommu_smmuv3_model_write(c->model, 0x20, 4, 9);
}

static void cross_close(struct cross *c)
{
	uiommu_smmuv3_model_destroy(c->model);
	uiommu_pgtable_destroy(c->pt);
	test_platform_fini(&c->tp);
}

static void check_page(struct cross *c, unsigned int page)
{
	unsigned int g = c->info.granule_lg2;
	uint64_t off = rnd(c, 1ull << g), want = c->want[page];
	struct uiommu_smmuv3_txn txn = {
		.sid = 1,
		.flags = UIOMMU_TXN_PROBE,
		.iova = c->base + ((uint64_t)page << g) + off,
	};
	struct uiommu_smmuv3_xlate x;
	int rc = uiommu_smmuv3_model_translate(c->model, &txn, &x);

	if (!(want & UIOMMU_PROT_READ)) {
		assert_int_equal(rc, -14);
		return;
	}
	assert_int_equal(rc, 0);
	assert_int_equal(x.pa, (want & ~0xfffull) + off);
	/* a clean page allows writes, but not without an update */
	assert_int_equal(x.writable,
			 (want & UIOMMU_PROT_WRITE) &&
				 (c->dirty[page] ||
				  !(c->info.features & UIOMMU_PGTABLE_DBM)));
	assert_int_equal(x.executable, !!(want & UIOMMU_PROT_EXEC));
	assert_int_equal(x.attrs.mair == 0xff, !!(want & UIOMMU_PROT_CACHE));
}

/* One that the model performs, with all its consequences for descriptors. */
static void write_page(struct cross *c, unsigned int page)
{
	unsigned int g = c->info.granule_lg2, n;
	struct uiommu_smmuv3_txn txn = {
		.sid = 1,
		.flags = UIOMMU_TXN_WRITE,
		.iova = c->base + ((uint64_t)page << g),
	};
	struct uiommu_smmuv3_xlate x;
	int rc = uiommu_smmuv3_model_translate(c->model, &txn, &x);

	if (!(c->want[page] & UIOMMU_PROT_WRITE)) {
		assert_int_equal(rc, -14);
		return;
	}
	assert_int_equal(rc, 0);
	assert_int_equal(x.pa, c->want[page] & ~0xfffull);
	if (!(c->info.features & UIOMMU_PGTABLE_DBM))
		return;
	/* the whole leaf is dirty now */
	page = (unsigned int)(((txn.iova >> x.size_lg2 << x.size_lg2) -
			       c->base) >>
			      g);
	for (n = 1u << (x.size_lg2 - g); n; n--)
		c->dirty[page++] = true;
}

static void report(void *ctx, uiommu_iova_t iova, uint64_t size)
{
	struct cross *c = ctx;
	uint64_t page = (iova - c->base) >> c->info.granule_lg2;

	for (; size; size -= 1ull << c->info.granule_lg2, page++) {
		assert_true(page < PAGES);
		assert_true(c->dirty[page]);
		c->reported[page] = true;
	}
}

static void read_dirty(struct cross *c, uint64_t iova, unsigned int page,
		       unsigned int n)
{
	struct uiommu_gather gather;

	if (!(c->info.features & UIOMMU_PGTABLE_DBM))
		return;
	memset(c->reported, 0, sizeof(c->reported));
	uiommu_gather_init(&gather);
	assert_int_equal(uiommu_pgtable_read_and_clear_dirty(
				 c->pt, iova,
				 (uint64_t)n << c->info.granule_lg2, 0, report,
				 c, &gather),
			 0);
	flush(c, &gather);
	for (unsigned int i = page; i < page + n; i++)
		assert_int_equal(c->reported[i], c->dirty[i]);
	for (unsigned int i = 0; i < PAGES; i++)
		c->dirty[i] = c->dirty[i] && !c->reported[i];
}

static void unmap(struct cross *c, uint64_t iova, unsigned int page,
		  unsigned int n)
{
	struct uiommu_gather gather;
	uint64_t gone;
	int rc;

	uiommu_gather_init(&gather);
	do {
		rc = uiommu_pgtable_unmap(c->pt, iova,
					  (uint64_t)n << c->info.granule_lg2,
					  &gather, &gone);
		flush(c, &gather);
	} while (rc == -11);
	assert_int_equal(rc, 0);
	memset(&c->want[page], 0, n * sizeof(c->want[0]));
	memset(&c->dirty[page], 0, n * sizeof(c->dirty[0]));
}

static void protect(struct cross *c, uint64_t iova, unsigned int page,
		    unsigned int n, uint32_t rights)
{
	const uint64_t all = UIOMMU_PROT_READ | UIOMMU_PROT_WRITE |
			     UIOMMU_PROT_EXEC;
	struct uiommu_gather gather;
	int rc;

	uiommu_gather_init(&gather);
	do {
		rc = uiommu_pgtable_protect(c->pt, iova,
					    (uint64_t)n << c->info.granule_lg2,
					    rights, &gather);
		flush(c, &gather);
	} while (rc == -11);
	assert_int_equal(rc, 0);
	for (unsigned int i = page; i < page + n; i++) {
		if (c->want[i])
			c->want[i] = (c->want[i] & ~all) | rights;
		c->dirty[i] = c->dirty[i] && (rights & UIOMMU_PROT_WRITE);
	}
}

static void map(struct cross *c, uint64_t iova, unsigned int page,
		unsigned int n, uint32_t prot)
{
	unsigned int g = c->info.granule_lg2;
	struct uiommu_gather gather;
	uint64_t pa;
	int rc;

	/* the same distance for all, so that blocks are possible */
	pa = (c->info.oas == 52 ? 0xb000000000000ull : 1ull << 42) +
	     ((uint64_t)page << g);
	prot |= rnd(c, 2) ? UIOMMU_PROT_CACHE : 0;
	uiommu_gather_init(&gather);
	do {
		rc = uiommu_pgtable_map(c->pt, iova, pa, (uint64_t)n << g, prot,
					&gather);
		flush(c, &gather);
	} while (rc == -11);
	for (unsigned int i = 0; i < n; i++) {
		if (rc == -17 && c->want[page + i])
			return; /* as it should */
		if (!rc) {
			assert_int_equal(c->want[page + i], 0);
			c->want[page + i] = (pa + ((uint64_t)i << g)) | prot;
		}
	}
	assert_int_equal(rc, 0);
}

static void change(struct cross *c)
{
	unsigned int g = c->info.granule_lg2;
	unsigned int page = (unsigned int)rnd(c, PAGES);
	unsigned int n = 1 + (unsigned int)rnd(c, rnd(c, 3) ? 16 : PAGES / 2);
	uint32_t rights = UIOMMU_PROT_READ;
	struct uiommu_gather gather;
	uint64_t iova;

	if (!rnd(c, 4))
		page &= ~511u; /* so that blocks fit */
	if (n > PAGES - page)
		n = PAGES - page;
	iova = c->base + ((uint64_t)page << g);
	rights |= rnd(c, 2) ? UIOMMU_PROT_WRITE : 0;
	rights |= rnd(c, 2) ? UIOMMU_PROT_EXEC : 0;
	switch (rnd(c, 8)) {
	case 0 ... 2:
		unmap(c, iova, page, n);
		break;
	case 3:
		protect(c, iova, page, n, rights);
		break;
	case 4:
		read_dirty(c, iova, page, n);
		uiommu_gather_init(&gather);
		uiommu_pgtable_trim(c->pt, &gather);
		flush(c, &gather);
		break;
	default:
		map(c, iova, page, n, rights);
	}
}

#define S1 UIOMMU_PGTABLE_VMSAV8_S1
#define S2 UIOMMU_PGTABLE_VMSAV8_S2
#define BBML2 UIOMMU_PGTABLE_BBML2
#define BBML1 UIOMMU_PGTABLE_BBML1
#define DS UIOMMU_PGTABLE_DS
#define CONT UIOMMU_PGTABLE_CONTIG
#define DBM UIOMMU_PGTABLE_DBM

static void random_maps(void **state)
{
	static const struct row rows[] = {
		{ S1, 12, 48, 48, BBML2 },
		{ S1, 12, 39, 48, 0 },
		{ S1, 14, 47, 48, BBML2 },
		{ S1, 14, 48, 48, 0 },
		{ S1, 16, 48, 48, BBML2 },
		{ S1, 16, 42, 48, 0 },
		{ S2, 12, 40, 48, BBML2 },
		{ S2, 12, 48, 48, 0 },
		{ S2, 14, 40, 48, BBML2 },
		{ S2, 14, 48, 48, 0 },
		{ S2, 16, 40, 48, BBML2 },
		{ S2, 16, 48, 48, 0 },
		/* more than 48 bits */
		{ S1, 12, 52, 52, DS },
		{ S1, 12, 48, 52, DS | BBML2 },
		{ S1, 14, 52, 52, DS | BBML2 },
		{ S1, 14, 49, 52, DS },
		{ S1, 16, 52, 52, BBML2 },
		{ S2, 12, 52, 52, DS },
		{ S2, 12, 50, 52, DS | BBML2 },
		{ S2, 12, 47, 52, DS },
		{ S2, 14, 52, 52, DS },
		{ S2, 14, 50, 52, DS | BBML2 },
		{ S2, 16, 52, 52, 0 },
		/* contiguous groups */
		{ S1, 12, 48, 48, CONT },
		{ S1, 12, 48, 48, CONT | BBML1 },
		{ S1, 12, 48, 48, CONT | BBML2 },
		{ S1, 14, 47, 48, CONT | BBML1 },
		{ S1, 14, 52, 52, CONT | DS },
		{ S1, 16, 48, 48, CONT | BBML2 },
		{ S2, 12, 40, 48, CONT },
		{ S2, 14, 40, 48, CONT | BBML2 },
		{ S2, 16, 48, 48, CONT },
		/* dirty state */
		{ S1, 12, 48, 48, DBM | BBML2 },
		{ S1, 12, 48, 48, DBM },
		{ S1, 14, 52, 52, DBM | DS | BBML2 },
		{ S1, 16, 48, 48, DBM },
		{ S2, 12, 40, 48, DBM | BBML2 },
		{ S2, 12, 52, 52, DBM | DS },
		{ S2, 14, 48, 48, DBM },
		{ S2, 16, 48, 48, DBM | BBML2 },
	};
	static struct cross c;

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		print_message("# stage %d granule %u bits %u features %#x\n",
			      rows[i].fmt == S1 ? 1 : 2, rows[i].granule,
			      rows[i].ias, rows[i].features);
		cross_open(&c, &rows[i]);
		for (unsigned int op = 0; op < OPS; op++) {
			change(&c);
			for (unsigned int n = 0; n < 32; n++)
				check_page(&c, (unsigned int)rnd(&c, PAGES));
			for (unsigned int n = 0; n < 8; n++)
				write_page(&c, (unsigned int)rnd(&c, PAGES));
		}
		for (unsigned int page = 0; page < PAGES; page++)
			check_page(&c, page);
		cross_close(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_maps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
