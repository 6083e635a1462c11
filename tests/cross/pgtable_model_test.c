/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pgtable/ writes, model/ walks: neither knows the other's code.  Random maps
 * and unmaps of every format against a naive array, looked up by the model
 * after each operation.
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
#define PAGES 4096u /* of the window that is used */
#define OPS 400u

struct cross {
	struct test_platform tp;
	struct uiommu_smmuv3_model *model;
	struct uiommu_pgtable *pt;
	struct uiommu_pgtable_info info;
	uint64_t config[0x1000 / 8];
	uint64_t base; /* of the window */
	/* what each page should map to: 0 nothing, else pa | prot */
	uint64_t want[PAGES];
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

	ste[1] = 1ull << 44;
	if (fmt == UIOMMU_PGTABLE_VMSAV8_S1) {
		ste[0] = CD_PA | 0xb;
		/* EPD1, V, IPS 48, AA64, R, A */
		cd[0] = 0x00006205c0000000 | t0sz | tg << 6;
		cd[1] = i->root;
		cd[3] = i->mair;
	} else {
		ste[0] = 0xd;
		/* PS 48, AA64, R, VMID 1 */
		ste[2] = 0x040d000000000001 | t0sz << 32 | sl0 << 38 | tg << 46;
		ste[3] = i->root;
	}
}

static void cross_open(struct cross *c, enum uiommu_pgtable_fmt fmt,
		       unsigned int granule, unsigned int ias)
{
	struct uiommu_smmuv3_profile p = *uiommu_smmuv3_profile_find("full");
	struct uiommu_model_host host = {
		.ctx = c,
		.read = mem_read,
		.write = mem_write,
	};
	struct uiommu_pgtable_cfg cfg = {
		.platform = &c->tp.platform,
		.fmt = fmt,
		.granule_lg2 = (uint8_t)granule,
		.ias = (uint8_t)ias,
		.oas = 48,
		.features = UIOMMU_PGTABLE_BBML2,
	};

	memset(c, 0, sizeof(*c));
	c->seed = 88172645463325252ull + granule * 64 + ias;
	test_platform_init(&c->tp);
	test_platform_use_pool(&c->tp, POOL_SIZE);
	assert_int_equal(uiommu_pgtable_create(&cfg, &c->pt), 0);
	uiommu_pgtable_info(c->pt, &c->info);
	point_model_at(c, fmt);
	/* across the end of a first-level entry, far up */
	c->base = (3ull << (ias - 2)) - ((uint64_t)PAGES / 2 << granule);
	p.tlb_entries = 0; /* nothing to invalidate */
	assert_int_equal(uiommu_smmuv3_model_create(&p, &host, &c->model), 0);
	uiommu_smmuv3_model_write(c->model, 0x80, 8, CONFIG_PA);
	uiommu_smmuv3_model_write(c->model, 0x88, 4, 4);
	uiommu_smmuv3_model_write(c->model, 0x20, 4, 1);
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
		/* write-only exists at stage 2 */
		assert_int_equal(rc, -14);
		return;
	}
	assert_int_equal(rc, 0);
	assert_int_equal(x.pa, (want & ~0xfffull) + off);
	assert_int_equal(x.writable, !!(want & UIOMMU_PROT_WRITE));
	assert_int_equal(x.executable, !!(want & UIOMMU_PROT_EXEC));
	assert_int_equal(x.attrs.mair == 0xff, !!(want & UIOMMU_PROT_CACHE));
}

static void change(struct cross *c)
{
	unsigned int g = c->info.granule_lg2;
	unsigned int page = (unsigned int)rnd(c, PAGES);
	unsigned int n = 1 + (unsigned int)rnd(c, rnd(c, 3) ? 16 : PAGES / 2);
	uint64_t iova, pa, gone;
	uint32_t prot = UIOMMU_PROT_READ;
	struct uiommu_gather gather;
	int rc;

	if (!rnd(c, 4))
		page &= ~511u; /* so that blocks fit */
	if (n > PAGES - page)
		n = PAGES - page;
	iova = c->base + ((uint64_t)page << g);
	uiommu_gather_init(&gather);
	if (rnd(c, 3) == 0) {
		rc = uiommu_pgtable_unmap(c->pt, iova, (uint64_t)n << g,
					  &gather, &gone);
		assert_int_equal(rc, 0);
		memset(&c->want[page], 0, n * sizeof(c->want[0]));
		uiommu_gather_release(&gather);
		return;
	}
	/* the same distance for all, so that blocks are possible */
	pa = (1ull << 42) + ((uint64_t)page << g);
	prot |= rnd(c, 2) ? UIOMMU_PROT_WRITE : 0;
	prot |= rnd(c, 2) ? UIOMMU_PROT_CACHE : 0;
	prot |= rnd(c, 2) ? UIOMMU_PROT_EXEC : 0;
	rc = uiommu_pgtable_map(c->pt, iova, pa, (uint64_t)n << g, prot,
				&gather);
	uiommu_gather_release(&gather);
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

static void random_maps(void **state)
{
	static const struct {
		enum uiommu_pgtable_fmt fmt;
		unsigned int granule, ias;
	} rows[] = {
		{ UIOMMU_PGTABLE_VMSAV8_S1, 12, 48 },
		{ UIOMMU_PGTABLE_VMSAV8_S1, 12, 39 },
		{ UIOMMU_PGTABLE_VMSAV8_S1, 14, 47 },
		{ UIOMMU_PGTABLE_VMSAV8_S1, 14, 48 },
		{ UIOMMU_PGTABLE_VMSAV8_S1, 16, 48 },
		{ UIOMMU_PGTABLE_VMSAV8_S1, 16, 42 },
		{ UIOMMU_PGTABLE_VMSAV8_S2, 12, 40 },
		{ UIOMMU_PGTABLE_VMSAV8_S2, 12, 48 },
		{ UIOMMU_PGTABLE_VMSAV8_S2, 14, 40 },
		{ UIOMMU_PGTABLE_VMSAV8_S2, 14, 48 },
		{ UIOMMU_PGTABLE_VMSAV8_S2, 16, 40 },
		{ UIOMMU_PGTABLE_VMSAV8_S2, 16, 48 },
	};
	static struct cross c;

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		cross_open(&c, rows[i].fmt, rows[i].granule, rows[i].ias);
		for (unsigned int op = 0; op < OPS; op++) {
			change(&c);
			for (unsigned int n = 0; n < 32; n++)
				check_page(&c, (unsigned int)rnd(&c, PAGES));
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
