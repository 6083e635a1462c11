/* SPDX-License-Identifier: BSD-2-Clause */
/* See tables.h. */
#include "tables.h"

#define CONFIG_PA UINT64_C(0x10000) /* stream table, CDs behind it */
#define CD_PA (CONFIG_PA + 0x800)
#define CMDQ_PA (CONFIG_PA + 0x1000)
#define CMDQ_LG2 6
#define POOL_SIZE (UINT64_C(64) << 20)
/* Where stage 2 puts the tables of stage 1. */
#define BEHIND (TEST_PLATFORM_POOL_PA + 2 * POOL_SIZE)

uint64_t walker_rnd(struct walker *w, uint64_t n)
{
	w->seed ^= w->seed << 13;
	w->seed ^= w->seed >> 7;
	w->seed ^= w->seed << 17;
	return w->seed % n;
}

static uint64_t rnd(struct tables *t, uint64_t n)
{
	return walker_rnd(t->w, n);
}

/* ----------------------------------------------------------------- memory -- */

static uint8_t *memory_at(struct walker *w, uint64_t pa, size_t len)
{
	static const uint64_t first[] = { TEST_PLATFORM_POOL_PA, BEHIND };

	if (pa >= CONFIG_PA && pa + len <= CONFIG_PA + sizeof(w->config))
		return (uint8_t *)w->config + (pa - CONFIG_PA);
	for (unsigned int i = 0; i < ARRAY_SIZE(first); i++)
		if (pa >= first[i] && pa - first[i] + len <= POOL_SIZE)
			return w->tp[i].pool + (pa - first[i]);
	return NULL;
}

static int mem_read(void *ctx, uiommu_pa_t pa, void *buf, size_t len,
		    struct uiommu_mem_attrs attrs)
{
	const uint8_t *mem = memory_at(ctx, pa, len);

	if (!mem)
		return -5;
	memcpy(buf, mem, len);
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
	uint8_t *mem = memory_at(ctx, pa, 8);

	if (!mem)
		return -5;
	__atomic_compare_exchange_n((uint64_t *)(void *)mem, expected, want,
				    false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
	return 0;
}

/* --------------------------------------------------------------- commands -- */

static void command(struct walker *w, uint64_t q0, uint64_t q1)
{
	const uint32_t mask = (1u << (CMDQ_LG2 + 1)) - 1;
	uint64_t *slot = &w->config[(CMDQ_PA - CONFIG_PA) / 8 +
				    (w->prod & (mask >> 1)) * 2];

	slot[0] = q0;
	slot[1] = q1;
	w->prod = (w->prod + 1) & mask;
	uiommu_smmuv3_model_write(w->model, 0x98, 4, w->prod);
	assert_int_equal(uiommu_smmuv3_model_read(w->model, 0x9c, 4), w->prod);
}

static uint64_t vmid(const struct tables *t)
{
	return t->fmt == UIOMMU_PGTABLE_VMSAV8_S2 || t->guests ? 1ull << 32 : 0;
}

/* A command for each stride, with the level where it is told. */
static void forget(struct tables *t, const struct uiommu_gather_range *r)
{
	bool s1 = t->fmt == UIOMMU_PGTABLE_VMSAV8_S1;
	uint64_t q0 = (s1 ? 0x12 : 0x2a) | vmid(t), low = 0, at;

	if (r->level > 0)
		low = (uint64_t)r->level << 8 |
		      (uint64_t)(t->info.granule_lg2 - 10) / 2 << 10;
	/* 16K at level 1 has no hint without DS. */
	if (t->info.granule_lg2 == 14 && r->level == 1 && !t->info.ds)
		low = 0;
	if ((r->last - r->first) >> r->stride_lg2 > 300) {
		command(t->w, (s1 ? 0x10 : 0x28) | vmid(t), 0);
		return;
	}
	for (at = r->first; at <= r->last; at += 1ull << r->stride_lg2)
		command(t->w, q0 | (uint64_t)t->asid << 48,
			(at & ~0xfffull) | low | (r->leaf_only ? 1 : 0));
}

static void flush(struct tables *t, struct uiommu_gather *gather)
{
	for (uint32_t i = 0; i < gather->nr_ranges; i++)
		forget(t, &gather->range[i]);
	/* What was made of both stages is not found by an IPA. */
	if (gather->nr_ranges && t->guests &&
	    t->fmt == UIOMMU_PGTABLE_VMSAV8_S2)
		command(t->w, 0x10 | vmid(t), 0);
	command(t->w, 0x46, 0);
	uiommu_gather_release(gather);
}

/* --------------------------------------------------------- coming and going -- */

static uint64_t tg_code(unsigned int granule)
{
	return granule == 12 ? 0 : granule == 16 ? 1 : 2;
}

static uint64_t ps_code(const struct uiommu_pgtable_info *i)
{
	return i->oas == 52 ? 6 : 5;
}

/* Of a stage 1: the CD of a SubstreamID. */
static void make_cd(struct tables *t, unsigned int ssid)
{
	const struct uiommu_pgtable_info *i = &t->info;
	uint64_t *cd = &t->w->config[(CD_PA - CONFIG_PA) / 8 + ssid * 8];
	bool hd = i->features & UIOMMU_PGTABLE_DBM;

	/* EPD1, V, AA64, R, A; SH0 inner; HD, HA */
	cd[0] = 0x00006200c0003000 | (64u - i->ias) |
		tg_code(i->granule_lg2) << 6 | ps_code(i) << 32 |
		(hd ? 3ull << 42 : 0) | (uint64_t)t->asid << 48;
	cd[1] = i->root;
	cd[2] = i->ds ? 1ull << 58 : 0;
	cd[3] = i->mair;
}

static void make_stage2(struct tables *t, uint64_t *ste)
{
	const struct uiommu_pgtable_info *i = &t->info;
	uint64_t sl0 =
		(uint64_t)((i->granule_lg2 == 12 ? 2 : 3) - i->start_level) & 3;
	bool hd = i->features & UIOMMU_PGTABLE_DBM;

	/* AA64, R, VMID 1; SH0 inner; S2HD, S2HA */
	ste[2] = 0x0408300000000001 | (64ull - i->ias) << 32 | sl0 << 38 |
		 tg_code(i->granule_lg2) << 46 | ps_code(i) << 48 |
		 (hd ? 3ull << 55 : 0);
	ste[3] = i->root | (i->ds ? 8 : 0);
}

static void make_ste(struct tables *t)
{
	uint64_t *ste = &t->w->config[8];

	ste[1] = 1ull << 44;
	if (t->fmt == UIOMMU_PGTABLE_VMSAV8_S1) {
		ste[0] = CD_PA | 0xb;
		return;
	}
	make_stage2(t, ste);
	ste[0] = 0xd;
	if (!t->guests)
		return;
	/* Two CDs; accesses without SubstreamID have the first one. */
	ste[0] = 1ull << 59 | CD_PA | 0xf;
	ste[1] |= 2;
}

static void make_tables(struct tables *t, struct test_platform *tp,
			const struct tables_row *row)
{
	struct uiommu_pgtable_cfg cfg = {
		.platform = &tp->platform,
		.fmt = row->fmt,
		.granule_lg2 = (uint8_t)row->granule,
		.ias = (uint8_t)row->ias,
		.oas = (uint8_t)row->oas,
		.features = row->features,
	};

	t->fmt = row->fmt;
	assert_int_equal(uiommu_pgtable_create(&cfg, &t->pt), 0);
	uiommu_pgtable_info(t->pt, &t->info);
	/* two blocks of level 2 at least */
	t->pages = row->granule == 16 ? TABLES_PAGES : 4096;
	/* across the end of a first-level entry, far up */
	t->base = (3ull << (row->ias - 2)) -
		  ((uint64_t)t->pages / 2 << row->granule);
	t->to = row->oas == 52 ? 0xb000000000000ull : 1ull << 42;
}

void tables_open(struct tables *t, struct walker *w,
		 const struct tables_row *row)
{
	memset(t, 0, sizeof(*t));
	t->w = w;
	make_tables(t, &w->tp[0], row);
	make_ste(t);
	if (row->fmt == UIOMMU_PGTABLE_VMSAV8_S1)
		make_cd(t, 0);
}

static void map_ok(struct tables *t, uint64_t iova, uint64_t pa, uint64_t len)
{
	struct uiommu_gather gather;

	uiommu_gather_init(&gather);
	assert_int_equal(uiommu_pgtable_map(t->pt, iova, pa, len,
					    UIOMMU_PROT_READ |
						    UIOMMU_PROT_WRITE |
						    UIOMMU_PROT_CACHE,
					    &gather),
			 0);
	uiommu_gather_release(&gather);
}

void tables_open_guests(struct tables *s2, struct walker *w,
			const struct tables_row *row)
{
	memset(s2, 0, sizeof(*s2));
	s2->w = w;
	s2->guests = true;
	make_tables(s2, &w->tp[0], row);
	make_ste(s2);
	map_ok(s2, CONFIG_PA, CONFIG_PA, 1ull << row->granule);
	map_ok(s2, TEST_PLATFORM_POOL_PA, BEHIND, POOL_SIZE);
}

void tables_open_over(struct tables *s1, const struct tables *s2,
		      unsigned int ssid, const struct tables_row *row)
{
	memset(s1, 0, sizeof(*s1));
	s1->w = s2->w;
	s1->guests = true;
	s1->asid = (uint16_t)(ssid + 1);
	make_tables(s1, &s1->w->tp[1], row);
	/* The middle of one window leads to that of the other. */
	s1->to = s2->base + ((uint64_t)s2->pages / 2 << s2->info.granule_lg2) -
		 ((uint64_t)s1->pages / 2 << row->granule);
	make_cd(s1, ssid);
}

void tables_close(struct tables *t)
{
	uiommu_pgtable_destroy(t->pt);
}

void walker_open(struct walker *w, uint64_t seed)
{
	memset(w, 0, sizeof(*w));
	w->seed = seed;
	for (unsigned int i = 0; i < ARRAY_SIZE(w->tp); i++) {
		test_platform_init(&w->tp[i]);
		test_platform_use_pool(&w->tp[i], POOL_SIZE);
	}
}

void walker_start(struct walker *w, unsigned int oas)
{
	struct uiommu_smmuv3_profile p = *uiommu_smmuv3_profile_find("full");
	struct uiommu_model_host host = {
		.ctx = w,
		.read = mem_read,
		.write = mem_write,
		.cmpxchg64 = mem_cmpxchg64,
	};

	p.idr[0] = (p.idr[0] & ~0xc0u) | 2 << 6; /* HTTU: AF and dirty */
	if (oas == 52)				 /* OAS, DS, VAX */
		p.idr[5] = (p.idr[5] & ~7u) | 6 | 1 << 7 | 1 << 10;
	assert_int_equal(uiommu_smmuv3_model_create(&p, &host, &w->model), 0);
	uiommu_smmuv3_model_write(w->model, 0x80, 8, CONFIG_PA);
	uiommu_smmuv3_model_write(w->model, 0x88, 4, 4);
	uiommu_smmuv3_model_write(w->model, 0x90, 8, CMDQ_PA | CMDQ_LG2);
	uiommu_smmuv3_model_write(w->model, 0x20, 4, 9);
}

void walker_close(struct walker *w)
{
	uiommu_smmuv3_model_destroy(w->model);
	for (unsigned int i = 0; i < ARRAY_SIZE(w->tp); i++)
		test_platform_fini(&w->tp[i]);
}

uint64_t tables_at(const struct tables *t, uint64_t addr)
{
	uint64_t page = (addr - t->base) >> t->info.granule_lg2;

	return page < t->pages ? t->want[page] : 0;
}

/* ---------------------------------------------------------------- changes -- */

static void report(void *ctx, uiommu_iova_t iova, uint64_t size)
{
	struct tables *t = ctx;
	uint64_t page = (iova - t->base) >> t->info.granule_lg2;

	for (; size; size -= 1ull << t->info.granule_lg2, page++) {
		assert_true(page < t->pages);
		assert_true(t->dirty[page]);
		t->reported[page] = true;
	}
}

static void read_dirty(struct tables *t, uint64_t iova, unsigned int page,
		       unsigned int n)
{
	struct uiommu_gather gather;

	if (!(t->info.features & UIOMMU_PGTABLE_DBM))
		return;
	memset(t->reported, 0, sizeof(t->reported));
	uiommu_gather_init(&gather);
	assert_int_equal(uiommu_pgtable_read_and_clear_dirty(
				 t->pt, iova,
				 (uint64_t)n << t->info.granule_lg2, 0, report,
				 t, &gather),
			 0);
	flush(t, &gather);
	for (unsigned int i = page; i < page + n; i++)
		assert_int_equal(t->reported[i], t->dirty[i]);
	for (unsigned int i = 0; i < t->pages; i++)
		t->dirty[i] = t->dirty[i] && !t->reported[i];
}

static void unmap(struct tables *t, uint64_t iova, unsigned int page,
		  unsigned int n)
{
	struct uiommu_gather gather;
	uint64_t gone;
	int rc;

	uiommu_gather_init(&gather);
	do {
		rc = uiommu_pgtable_unmap(t->pt, iova,
					  (uint64_t)n << t->info.granule_lg2,
					  &gather, &gone);
		flush(t, &gather);
	} while (rc == -11);
	assert_int_equal(rc, 0);
	memset(&t->want[page], 0, n * sizeof(t->want[0]));
	memset(&t->dirty[page], 0, n * sizeof(t->dirty[0]));
}

static void protect(struct tables *t, uint64_t iova, unsigned int page,
		    unsigned int n, uint32_t rights)
{
	const uint64_t all = UIOMMU_PROT_READ | UIOMMU_PROT_WRITE |
			     UIOMMU_PROT_EXEC;
	struct uiommu_gather gather;
	int rc;

	uiommu_gather_init(&gather);
	do {
		rc = uiommu_pgtable_protect(t->pt, iova,
					    (uint64_t)n << t->info.granule_lg2,
					    rights, &gather);
		flush(t, &gather);
	} while (rc == -11);
	assert_int_equal(rc, 0);
	for (unsigned int i = page; i < page + n; i++) {
		if (t->want[i])
			t->want[i] = (t->want[i] & ~all) | rights;
		t->dirty[i] = t->dirty[i] && (rights & UIOMMU_PROT_WRITE);
	}
}

static void map(struct tables *t, uint64_t iova, unsigned int page,
		unsigned int n, uint32_t prot)
{
	unsigned int g = t->info.granule_lg2;
	struct uiommu_gather gather;
	uint64_t pa;
	int rc;

	/* the same distance for all, so that blocks are possible */
	pa = t->to + ((uint64_t)page << g);
	prot |= rnd(t, 2) ? UIOMMU_PROT_CACHE : 0;
	uiommu_gather_init(&gather);
	do {
		rc = uiommu_pgtable_map(t->pt, iova, pa, (uint64_t)n << g, prot,
					&gather);
		flush(t, &gather);
	} while (rc == -11);
	for (unsigned int i = 0; i < n; i++) {
		if (rc == -17 && t->want[page + i])
			return; /* as it should */
		if (!rc) {
			assert_int_equal(t->want[page + i], 0);
			t->want[page + i] = (pa + ((uint64_t)i << g)) | prot;
		}
	}
	assert_int_equal(rc, 0);
}

void tables_map_all(struct tables *t)
{
	map(t, t->base, 0, t->pages,
	    UIOMMU_PROT_READ | UIOMMU_PROT_WRITE | UIOMMU_PROT_EXEC);
}

void tables_change(struct tables *t)
{
	unsigned int g = t->info.granule_lg2;
	unsigned int page = (unsigned int)rnd(t, t->pages);
	unsigned int n =
		1 + (unsigned int)rnd(t, rnd(t, 3) ? 16 : t->pages / 2);
	uint32_t rights = UIOMMU_PROT_READ;
	struct uiommu_gather gather;
	uint64_t iova;

	/* so that blocks fit, and whole ones */
	if (!rnd(t, 4)) {
		page &= ~((1u << (g - 3)) - 1);
		n = rnd(t, 2) ? n : 1u << (g - 3);
	}
	if (n > t->pages - page)
		n = t->pages - page;
	iova = t->base + ((uint64_t)page << g);
	rights |= rnd(t, 2) ? UIOMMU_PROT_WRITE : 0;
	rights |= rnd(t, 2) ? UIOMMU_PROT_EXEC : 0;
	switch (rnd(t, 8)) {
	case 0 ... 2:
		unmap(t, iova, page, n);
		break;
	case 3:
		protect(t, iova, page, n, rights);
		break;
	case 4:
		read_dirty(t, iova, page, n);
		uiommu_gather_init(&gather);
		uiommu_pgtable_trim(t->pt, &gather);
		flush(t, &gather);
		break;
	default:
		map(t, iova, page, n, rights);
	}
}
