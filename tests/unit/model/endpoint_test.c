/* SPDX-License-Identifier: BSD-2-Clause */
/* An endpoint's DMA by ATS, and what it does when there is no translation. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <uiommu/smmuv3_endpoint.h>

#include "rig.h"

#define SID 0x10u
#define EATS(n) ((uint64_t)(n) << 28)
#define WRITE UIOMMU_TXN_WRITE
#define SSV UIOMMU_TXN_SSV

struct ep_rig {
	struct rig rig;
	struct uiommu_smmuv3_endpoint *ep;
	uint64_t table; /* of all PASIDs and of none */
};

static int invalidate(void *arg, const struct uiommu_ats_inval *inval)
{
	struct ep_rig *er = arg;

	return uiommu_smmuv3_endpoint_ats_invalidate(er->ep, inval);
}

static void respond(void *arg, const struct uiommu_pri_response *resp)
{
	struct ep_rig *er = arg;

	uiommu_smmuv3_endpoint_pri_response(er->ep, resp);
}

static struct uiommu_smmuv3_endpoint_config config(struct ep_rig *er)
{
	return (struct uiommu_smmuv3_endpoint_config){
		.model = er->rig.model,
		.sid = SID,
		.atc_entries = 64,
		.page_requests = 4,
		.stu_lg2 = 12,
		.pasid = true,
	};
}

static void put_ste(struct ep_rig *er, uint64_t q0, uint64_t q1)
{
	struct smmu_ste ste = rig_ste_s1(RIG_CD);

	ste.q[0] = q0 | 4ull << 59;
	ste.q[1] |= q1;
	rig_ste(&er->rig, SID, &ste);
}

/* 16 substreams; without a PASID CD 0. */
static void stream(struct ep_rig *er, uint64_t eats)
{
	er->table = rig_table(&er->rig, 4096);
	for (unsigned int i = 0; i < 16; i++) {
		struct smmu_cd cd = rig_cd_4k(er->table, (uint16_t)(i + 1));

		rig_cd(&er->rig, RIG_CD + 64 * i, &cd);
	}
	put_ste(er, 0xb | RIG_CD, EATS(eats) | 2);
}

static struct ep_rig *begin(uint64_t eats, uint8_t stu_lg2)
{
	struct uiommu_smmuv3_profile p = rig_profile_ats();
	struct ep_rig *er = calloc(1, sizeof(*er));
	struct uiommu_smmuv3_endpoint_config c;

	p.idr[0] |= 2u << 6; /* HTTU, where a CD asks for it */
	p.idr[3] |= SMMU_IDR3_PASIDTT;
	rig_init_ats(&er->rig, &p);
	er->rig.ram.on_ats_inval = invalidate;
	er->rig.ram.on_pri_response = respond;
	er->rig.ram.endpoint_arg = er;
	stream(er, eats);
	c = config(er);
	c.stu_lg2 = stu_lg2;
	assert_int_equal(uiommu_smmuv3_endpoint_create(&c, &er->ep), 0);
	uiommu_smmuv3_endpoint_set_ats(er->ep, true);
	return er;
}

static int setup(void **state)
{
	*state = begin(1, 12);
	return 0;
}

static int teardown(void **state)
{
	struct ep_rig *er = *state;

	uiommu_smmuv3_endpoint_destroy(er->ep);
	rig_fini(&er->rig);
	free(er);
	return 0;
}

static void map(struct ep_rig *er, uint64_t iova, uint64_t pa, uint64_t attrs)
{
	rig_map4k(&er->rig, er->table, iova, pa, attrs);
}

static uint8_t *ram(struct ep_rig *er, uint64_t pa)
{
	return er->rig.ram.mem + (pa - RIG_BASE);
}

static int dma_as(struct ep_rig *er, uint32_t flags, uint32_t ssid,
		  uint64_t iova, void *buf, size_t len)
{
	struct uiommu_smmuv3_dma req = {
		.txn = { .sid = 999,
			 .ssid = ssid,
			 .flags = flags,
			 .iova = iova },
		.buf = buf,
		.len = len,
	};
	int rc = uiommu_smmuv3_endpoint_dma(er->ep, &req);

	if (!rc)
		assert_int_equal(req.done_len, len);
	return rc;
}

static int dma(struct ep_rig *er, uint32_t flags, uint64_t iova, void *buf,
	       size_t len)
{
	return dma_as(er, flags, 0, iova, buf, len);
}

static struct uiommu_smmuv3_endpoint_stats stats(struct ep_rig *er)
{
	struct uiommu_smmuv3_endpoint_stats s;

	uiommu_smmuv3_endpoint_stats(er->ep, &s);
	return s;
}

static void expect_stats(struct ep_rig *er, uint64_t hits, uint64_t misses,
			 uint64_t untranslated)
{
	assert_int_equal(stats(er).atc_hits, hits);
	assert_int_equal(stats(er).atc_misses, misses);
	assert_int_equal(stats(er).untranslated, untranslated);
}

static void atc_inv(struct ep_rig *er, uint64_t q0, uint64_t q1)
{
	rig_cmd(&er->rig, q0 | 0x40 | (uint64_t)SID << 32, q1);
	rig_sync(&er->rig);
}

/* ------------------------------------------------------ translated DMA -- */

static void moves_data_through_the_cache(void **state)
{
	struct ep_rig *er = *state;
	uint8_t out[3 * 4096], in[3 * 4096];

	for (unsigned int i = 0; i < 4; i++)
		map(er, 0x1000 * i, RIG_DATA + 0x5000 * i, LEAF_RW);
	for (unsigned int i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 7 + i / 256);
	/* four pages, of which the outer ones in part */
	assert_int_equal(dma(er, WRITE, 0x800, out, sizeof(out)), 0);
	expect_stats(er, 0, 4, 0);
	assert_memory_equal(ram(er, RIG_DATA + 0x800), out, 0x800);
	assert_memory_equal(ram(er, RIG_DATA + 0x5000), out + 0x800, 0x1000);
	assert_memory_equal(ram(er, RIG_DATA + 0xf000), out + 0x2800, 0x800);
	assert_int_equal(dma(er, 0, 0x800, in, sizeof(in)), 0);
	assert_memory_equal(in, out, sizeof(in));
	expect_stats(er, 4, 4, 0);
	assert_int_equal(rig_stats(&er->rig).dma_write_bytes, sizeof(out));
	assert_int_equal(rig_stats(&er->rig).dma_read_bytes, sizeof(in));
	rig_expect_no_event(&er->rig);
}

static void a_block_is_one_translation(void **state)
{
	struct ep_rig *er = *state;
	uint8_t byte = 0x5a;

	rig_map(&er->rig, er->table, 12, 0, 2, 0x200000, RIG_DATA | LEAF_RW);
	for (unsigned int i = 0; i < 512; i++)
		assert_int_equal(
			dma(er, WRITE, 0x200000 + i * 4096ull, &byte, 1), 0);
	expect_stats(er, 511, 1, 0);
	assert_int_equal(*ram(er, RIG_DATA + 511 * 4096ull), 0x5a);
}

static void rights_are_kept_and_asked_for_again(void **state)
{
	struct ep_rig *er = *state;
	uint8_t byte = 0;

	map(er, 0x1000, RIG_DATA, LEAF_RO);
	assert_int_equal(dma(er, 0, 0x1000, &byte, 1), 0);
	/* the entry does not allow it: asked again, and no event */
	assert_int_equal(dma(er, WRITE, 0x1000, &byte, 1), -EFAULT);
	assert_int_equal(dma(er, UIOMMU_TXN_ATOMIC, 0x1000, &byte, 1), -EFAULT);
	expect_stats(er, 0, 3, 0);
	/* it may now; nothing had to be invalidated in the ATC */
	map(er, 0x1000, RIG_DATA, LEAF_RW);
	rig_inval_all(&er->rig);
	assert_int_equal(dma(er, WRITE, 0x1000, &byte, 1), 0);
	assert_int_equal(dma(er, UIOMMU_TXN_ATOMIC, 0x1000, &byte, 1), 0);
	expect_stats(er, 1, 4, 0);
	rig_expect_no_event(&er->rig);
	assert_int_equal(rig_stats(&er->rig).aborts, 0);
}

static void pasids_and_privilege_are_apart(void **state)
{
	struct ep_rig *er = *state;
	uint8_t byte = 0;

	map(er, 0x1000, RIG_DATA, LEAF_RO);
	map(er, 0x2000, RIG_DATA, 0xc81); /* kernel only */
	assert_int_equal(dma(er, 0, 0x1000, &byte, 1), 0);
	assert_int_equal(dma_as(er, SSV, 0, 0x1000, &byte, 1), -EFAULT);
	assert_int_equal(dma_as(er, SSV, 3, 0x1000, &byte, 1), 0);
	assert_int_equal(dma_as(er, SSV, 4, 0x1000, &byte, 1), 0);
	expect_stats(er, 0, 4, 0);
	assert_int_equal(dma_as(er, SSV, 3, 0x1000, &byte, 1), 0);
	expect_stats(er, 1, 4, 0);
	assert_int_equal(dma_as(er, SSV, 3, 0x2000, &byte, 1), -EFAULT);
	assert_int_equal(dma_as(er, SSV | UIOMMU_TXN_PRIV, 3, 0x2000, &byte, 1),
			 0);
	/* without a PASID nobody is privileged */
	assert_int_equal(dma(er, UIOMMU_TXN_PRIV, 0x2000, &byte, 1), -EFAULT);
	expect_stats(er, 1, 7, 0);
	/* execution is asked for if it is needed */
	assert_int_equal(
		dma_as(er, SSV | UIOMMU_TXN_INSTR, 3, 0x1000, &byte, 1), 0);
	assert_int_equal(
		dma_as(er, SSV | UIOMMU_TXN_INSTR, 3, 0x1000, &byte, 1), 0);
	assert_int_equal(dma_as(er, SSV, 3, 0x1000, &byte, 1), 0);
	expect_stats(er, 3, 8, 0);
	map(er, 0x3000, RIG_DATA, LEAF_RO | 1ull << 54);
	assert_int_equal(dma_as(er, SSV | UIOMMU_TXN_INSTR, 3, 0x3000, &byte,
				1),
			 -EFAULT);
}

/* Only who writes makes a page dirty. */
static void reads_leave_pages_clean(void **state)
{
	struct ep_rig *er = *state;
	uint64_t clean = RIG_DATA | 1ull << 51 | LEAF_RO | 3, pte;
	struct smmu_cd cd = rig_cd_4k(er->table, 1);
	uint8_t byte = 0;

	cd.q[0] |= SMMU_CD_0_HA | SMMU_CD_0_HD;
	rig_cd(&er->rig, RIG_CD, &cd);
	map(er, 0x1000, RIG_DATA, 1ull << 51 | LEAF_RO);
	pte = rig_pte4k(&er->rig, er->table, 0x1000);
	assert_int_equal(dma(er, 0, 0x1000, &byte, 1), 0);
	assert_int_equal(ram_r64(&er->rig.ram, pte), clean);
	assert_int_equal(dma(er, WRITE, 0x1000, &byte, 1), 0);
	assert_int_equal(ram_r64(&er->rig.ram, pte), clean & ~0x80ull);
	expect_stats(er, 0, 2, 0);
	assert_int_equal(dma(er, 0, 0x1000, &byte, 1), 0);
	expect_stats(er, 1, 2, 0);
}

/* What an invalidation covers is asked for again, what it does not hits. */
static void invalidations_are_exact(void **state)
{
	static const struct {
		const char *name;
		uint64_t q0, q1;
		/* misses after it: page 1 and 9 of PASID none, 3, 4 */
		unsigned int none, three, four;
	} rows[] = {
		{ "page", 0, 0x1000, 1, 0, 0 },
		{ "another page", 0, 0x2000, 0, 0, 0 },
		{ "8 pages", 0, 0x3003, 1, 0, 0 },
		{ "16 pages", 0, 0xf004, 2, 0, 0 },
		{ "all without PASID", 0, 52, 2, 0, 0 },
		{ "page of PASID", 3 << 12 | 1 << 11, 0x1000, 0, 1, 0 },
		{ "PASID", 3 << 12 | 1 << 11, 52, 0, 2, 0 },
		{ "another PASID", 5 << 12 | 1 << 11, 52, 0, 0, 0 },
		{ "page of all PASIDs", 3 << 12 | 1 << 11 | 1 << 9, 0x1000, 0,
		  1, 1 },
		{ "all PASIDs", 3 << 12 | 1 << 11 | 1 << 9, 52, 0, 2, 2 },
		{ "G without SSV", 1 << 9, 0x1000, 1, 0, 0 },
	};
	struct ep_rig *er = *state;
	uint8_t byte = 0;

	map(er, 0x1000, RIG_DATA, LEAF_RW);
	map(er, 0x9000, RIG_DATA, LEAF_RW);
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		const unsigned int want[] = { rows[i].none, rows[i].three,
					      rows[i].four };

		for (unsigned int pass = 0; pass < 2; pass++) {
			for (unsigned int k = 0; k < 3; k++) {
				uint64_t before = stats(er).atc_misses;

				dma_as(er, k ? SSV : 0, k + 2, 0x1000, &byte,
				       1);
				dma_as(er, k ? SSV : 0, k + 2, 0x9000, &byte,
				       1);
				if (pass &&
				    stats(er).atc_misses - before != want[k])
					fail_msg("%s: owner %u", rows[i].name,
						 k);
			}
			if (!pass)
				atc_inv(er, rows[i].q0, rows[i].q1);
		}
	}
	assert_int_equal(stats(er).invalidations, ARRAY_SIZE(rows));
	/* for somebody else */
	rig_cmd(&er->rig, 0x40 | (uint64_t)(SID + 1) << 32, 52);
	rig_sync(&er->rig);
	dma(er, 0, 0x1000, &byte, 1);
	assert_int_equal(dma(er, 0, 0x1000, &byte, 1), 0);
}

static void old_translations_live_until_invalidated(void **state)
{
	struct ep_rig *er = *state;
	uint8_t byte;

	map(er, 0x1000, RIG_DATA, LEAF_RW);
	*ram(er, RIG_DATA) = 1;
	*ram(er, RIG_DATA + 0x1000) = 2;
	assert_int_equal(dma(er, 0, 0x1000, &byte, 1), 0);
	map(er, 0x1000, RIG_DATA + 0x1000, LEAF_RW);
	rig_inval_all(&er->rig);
	assert_int_equal(dma(er, 0, 0x1000, &byte, 1), 0);
	assert_int_equal(byte, 1);
	atc_inv(er, 0, 0x1000);
	assert_int_equal(dma(er, 0, 0x1000, &byte, 1), 0);
	assert_int_equal(byte, 2);
}

static void split_stage(void **state)
{
	struct ep_rig *er = *state;
	uint64_t s2 = rig_table(&er->rig, 8192);
	struct smmu_ste ste = rig_ste_s2(s2, 5);
	uint8_t byte = 0x77;

	ste.q[0] = 0xf | RIG_CD | 4ull << 59;
	ste.q[1] |= EATS(2) | 2;
	rig_ste(&er->rig, SID, &ste);
	rig_map(&er->rig, s2, 12, 1, 1, 0x40000000, 0x40000000 | 0x7fd);
	rig_map(&er->rig, s2, 12, 1, 3, 0x80000000, RIG_DATA | 0x7ff);
	map(er, 0x1000, 0x80000000, LEAF_RW);
	assert_int_equal(dma(er, WRITE, 0x1010, &byte, 1), 0);
	assert_int_equal(*ram(er, RIG_DATA + 0x10), 0x77);
	/* stage 2 is not in the ATC */
	rig_map(&er->rig, s2, 12, 1, 3, 0x80000000,
		(RIG_DATA + 0x1000) | 0x7ff);
	rig_inval_all(&er->rig);
	assert_int_equal(dma(er, WRITE, 0x1020, &byte, 1), 0);
	assert_int_equal(*ram(er, RIG_DATA + 0x1020), 0x77);
	expect_stats(er, 1, 1, 0);
}

/* ------------------------------------------------- without translation -- */

static void unsupported_means_untranslated(void **state)
{
	struct ep_rig *er = *state;
	uint8_t buf[0x2000];

	map(er, 0x1000, RIG_DATA, LEAF_RW);
	map(er, 0x2000, RIG_DATA + 0x3000, LEAF_RW);
	put_ste(er, 0xb | RIG_CD, 2); /* EATS off */
	rig_inval_all(&er->rig);
	memset(buf, 0x33, sizeof(buf));
	assert_int_equal(dma(er, WRITE, 0x1000, buf, sizeof(buf)), 0);
	rig_expect_event(&er->rig, 0x0000001000000005, 0xc0000001, 0x1000, 0);
	assert_int_equal(*ram(er, RIG_DATA + 0x3fff), 0x33);
	expect_stats(er, 0, 1, 1);
	/* not tried again */
	put_ste(er, 0xb | RIG_CD, EATS(1) | 2);
	rig_inval_all(&er->rig);
	assert_int_equal(dma(er, WRITE, 0x1000, buf, sizeof(buf)), 0);
	expect_stats(er, 0, 1, 2);
	/* until it is enabled anew */
	uiommu_smmuv3_endpoint_set_ats(er->ep, true);
	assert_int_equal(dma(er, WRITE, 0x1000, buf, sizeof(buf)), 0);
	expect_stats(er, 0, 3, 2);
	rig_expect_no_event(&er->rig);
	/* untranslated accesses fault as such, and tell how far they came */
	uiommu_smmuv3_endpoint_set_ats(er->ep, false);
	{
		struct uiommu_smmuv3_dma req = { .txn = { .iova = 0x2800 },
						 .buf = buf,
						 .len = 0x1000 };

		assert_int_equal(uiommu_smmuv3_endpoint_dma(er->ep, &req),
				 -EFAULT);
		assert_int_equal(req.done_len, 0x800);
	}
	rig_expect_event(&er->rig, 0x0000001000000010, 0x0000020800000000,
			 0x3000, 0);
}

/* Half of the transfer is translated when ATS ends. */
static void unsupported_in_the_middle(void **state)
{
	struct ep_rig *er = *state;
	uint8_t buf[0x2000];

	map(er, 0x1000, RIG_DATA, LEAF_RW);
	map(er, 0x2000, RIG_DATA + 0x3000, LEAF_RW);
	memset(buf, 0x44, sizeof(buf));
	assert_int_equal(dma(er, WRITE, 0x1000, buf, 1), 0);
	/* without ATSCHK the SMMU takes what the ATC has */
	wr(&er->rig, SMMU_REG_CR0, RIG_CR0_ATS & ~SMMU_CR0_ATSCHK);
	put_ste(er, 0xb | RIG_CD, 2);
	rig_inval_all(&er->rig);
	assert_int_equal(dma(er, WRITE, 0x1000, buf, sizeof(buf)), 0);
	assert_int_equal(*ram(er, RIG_DATA + 0x3fff), 0x44);
	expect_stats(er, 1, 2, 1);
	/* what was in the ATC went with it */
	uiommu_smmuv3_endpoint_set_ats(er->ep, true);
	assert_int_equal(dma(er, WRITE, 0x1000, buf, 1), 0);
	expect_stats(er, 1, 3, 2);
}

static void completer_abort_ends_it(void **state)
{
	struct ep_rig *er = *state;
	uint8_t byte = 0;

	ram_w64(&er->rig.ram, rig_ste_addr(SID), 0);
	assert_int_equal(dma(er, 0, 0x1000, &byte, 1), -EFAULT);
	assert_int_equal(dma(er, 0, 0x1000, &byte, 1), -EFAULT);
	/* tried each time, never without ATS */
	expect_stats(er, 0, 2, 0);
	assert_int_equal(er->rig.info.event_type, SMMU_EVT_C_BAD_STE);
}

static void forbidden_when_the_stream_changed(void **state)
{
	struct ep_rig *er = *state;
	uint8_t byte = 0;

	map(er, 0x1000, RIG_DATA, LEAF_RW);
	assert_int_equal(dma(er, 0, 0x1000, &byte, 1), 0);
	put_ste(er, 0xb | RIG_CD, 2);
	rig_inval_all(&er->rig);
	/* software forgot the ATC */
	assert_int_equal(dma(er, 0, 0x1008, &byte, 1), -EFAULT);
	rig_expect_event(&er->rig, 0x0000001000000007, 0x0000000800000000,
			 RIG_DATA + 8, 0);
	expect_stats(er, 1, 1, 0);
}

static void memory_that_aborts(void **state)
{
	struct ep_rig *er = *state;
	struct uiommu_smmuv3_dma req = {
		.txn = { .flags = WRITE, .iova = 0x1000 }, .len = 0x2000
	};

	req.buf = calloc(1, req.len);
	map(er, 0x1000, RIG_DATA, LEAF_RW);
	map(er, 0x2000, 1ull << 40, LEAF_RW);
	assert_int_equal(uiommu_smmuv3_endpoint_dma(er->ep, &req), -EFAULT);
	assert_int_equal(req.done_len, 0x1000);
	assert_int_equal(er->rig.faults, 1);
	assert_int_equal(er->rig.info.event_type, 0);
	assert_int_equal(er->rig.info.desc_pa, 1ull << 40);
	rig_expect_no_event(&er->rig);
	free(req.buf);
}

static void enabling_empties_the_cache(void **state)
{
	struct ep_rig *er = *state;
	uint8_t byte = 0;

	map(er, 0x1000, RIG_DATA, LEAF_RW);
	assert_int_equal(dma(er, 0, 0x1000, &byte, 1), 0);
	uiommu_smmuv3_endpoint_set_ats(er->ep, false);
	assert_int_equal(dma(er, 0, 0x1000, &byte, 1), 0);
	expect_stats(er, 0, 1, 1);
	uiommu_smmuv3_endpoint_set_ats(er->ep, true);
	assert_int_equal(dma(er, 0, 0x1000, &byte, 1), 0);
	expect_stats(er, 0, 2, 1);
}

static void a_unit_larger_than_a_page(void **state)
{
	struct ep_rig *er = begin(1, 21);
	void *arg = er;
	uint8_t byte = 0;

	map(er, 0x1000, RIG_DATA, LEAF_RW);
	map(er, 0x0000, RIG_DATA, LEAF_RW);
	rig_map(&er->rig, er->table, 12, 0, 2, 0x200000, RIG_DATA | LEAF_RW);
	assert_int_equal(dma(er, 0, 0x234567, &byte, 1), 0);
	assert_int_equal(dma(er, 0, 0x3fffff, &byte, 1), 0);
	expect_stats(er, 1, 1, 0);
	/* half an answer is none */
	assert_int_equal(dma(er, 0, 0x1000, &byte, 1), -EFAULT);
	rig_expect_no_event(&er->rig);
	teardown(&arg);
}

static void works_without_a_cache(void **state)
{
	struct ep_rig *er = *state;
	struct uiommu_smmuv3_endpoint_config c = config(er);
	uint8_t buf[0x2000];

	uiommu_smmuv3_endpoint_destroy(er->ep);
	c.atc_entries = 0;
	assert_int_equal(uiommu_smmuv3_endpoint_create(&c, &er->ep), 0);
	uiommu_smmuv3_endpoint_set_ats(er->ep, true);
	map(er, 0x1000, RIG_DATA, LEAF_RW);
	map(er, 0x2000, RIG_DATA, LEAF_RW);
	assert_int_equal(dma(er, WRITE, 0x1000, buf, sizeof(buf)), 0);
	assert_int_equal(dma(er, 0, 0x1000, buf, sizeof(buf)), 0);
	expect_stats(er, 0, 4, 0);
	atc_inv(er, 0, 52);
}

/* --------------------------------------------------------- bad input ---- */

static void wrong_configurations(void **state)
{
	struct ep_rig *er = *state;
	struct uiommu_smmuv3_endpoint *ep;
	struct uiommu_smmuv3_endpoint_config c = config(er);
	struct uiommu_smmuv3_dma req = { 0 };
	uint8_t byte;

	c.model = NULL;
	assert_int_equal(uiommu_smmuv3_endpoint_create(&c, &ep), -EINVAL);
	c = config(er);
	c.atc_entries = 3;
	assert_int_equal(uiommu_smmuv3_endpoint_create(&c, &ep), -EINVAL);
	c.atc_entries = 1u << 21;
	assert_int_equal(uiommu_smmuv3_endpoint_create(&c, &ep), -EINVAL);
	c = config(er);
	c.page_requests = 513;
	assert_int_equal(uiommu_smmuv3_endpoint_create(&c, &ep), -EINVAL);
	c = config(er);
	c.stu_lg2 = 11;
	assert_int_equal(uiommu_smmuv3_endpoint_create(&c, &ep), -EINVAL);
	c.stu_lg2 = 44;
	assert_int_equal(uiommu_smmuv3_endpoint_create(&c, &ep), -EINVAL);
	c = config(er);
	c.pasid = false;
	c.atc_entries = 1;
	assert_int_equal(uiommu_smmuv3_endpoint_create(&c, &ep), 0);
	req.buf = &byte;
	assert_int_equal(uiommu_smmuv3_endpoint_dma(ep, &req), -EINVAL);
	req.len = 1;
	req.txn.flags = SSV;
	assert_int_equal(uiommu_smmuv3_endpoint_dma(ep, &req), -EINVAL);
	req.txn.flags = UIOMMU_TXN_TRANSLATED;
	assert_int_equal(uiommu_smmuv3_endpoint_dma(ep, &req), -EINVAL);
	assert_int_equal(uiommu_smmuv3_endpoint_stop_marker(ep, 1), -EINVAL);
	uiommu_smmuv3_endpoint_destroy(ep);
	uiommu_smmuv3_endpoint_destroy(NULL);
}

struct purse {
	unsigned int left, out;
};

static void *purse_alloc(void *ctx, size_t size)
{
	struct purse *purse = ctx;

	if (!purse->left)
		return NULL;
	purse->left--;
	purse->out++;
	return calloc(1, size);
}

static void purse_free(void *ctx, void *ptr)
{
	struct purse *purse = ctx;

	purse->out -= !!ptr;
	free(ptr);
}

static int no_memory(void *ctx, uiommu_pa_t pa, void *buf, size_t len,
		     struct uiommu_mem_attrs attrs)
{
	return -EIO;
}

static int no_memory_w(void *ctx, uiommu_pa_t pa, const void *buf, size_t len,
		       struct uiommu_mem_attrs attrs)
{
	return -EIO;
}

static void out_of_memory(void **state)
{
	struct purse purse = { .left = 1000 };
	struct uiommu_model_host host = { .ctx = &purse,
					  .read = no_memory,
					  .write = no_memory_w,
					  .alloc = purse_alloc,
					  .free = purse_free };
	struct uiommu_smmuv3_profile p = rig_profile_ats();
	struct ep_rig er = { 0 };
	struct uiommu_smmuv3_endpoint *ep;
	struct uiommu_smmuv3_endpoint_config c;
	unsigned int n = 0, before;
	int rc;

	assert_int_equal(uiommu_smmuv3_model_create(&p, &host, &er.rig.model),
			 0);
	before = purse.out;
	c = config(&er);
	do {
		purse.left = n++;
		rc = uiommu_smmuv3_endpoint_create(&c, &ep);
		if (rc) {
			assert_int_equal(rc, -ENOMEM);
			assert_int_equal(purse.out, before);
		}
	} while (rc);
	assert_true(n > 3);
	uiommu_smmuv3_endpoint_destroy(ep);
	assert_int_equal(purse.out, before);
	uiommu_smmuv3_model_destroy(er.rig.model);
	assert_int_equal(purse.out, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(moves_data_through_the_cache),
		T(a_block_is_one_translation),
		T(rights_are_kept_and_asked_for_again),
		T(pasids_and_privilege_are_apart),
		T(reads_leave_pages_clean),
		T(invalidations_are_exact),
		T(old_translations_live_until_invalidated),
		T(split_stage),
		T(unsupported_means_untranslated),
		T(unsupported_in_the_middle),
		T(completer_abort_ends_it),
		T(forbidden_when_the_stream_changed),
		T(memory_that_aborts),
		T(enabling_empties_the_cache),
		cmocka_unit_test(a_unit_larger_than_a_page),
		T(works_without_a_cache),
		T(wrong_configurations),
		cmocka_unit_test(out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
