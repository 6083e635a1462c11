/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guests on the driver and the model: what they reach, what their commands take
 * away, whose faults are whose.
 */
#include <uiommu/uapi/iommufd.h>

#include "nested_guest.h"

/* ------------------------------------------------------------ translation -- */

static void two_stages_translate(void **state)
{
	struct rig *rig = open_rig();
	struct guest g;

	guest_open(&g, rig, 0);
	assert_int_equal(peek(&g, 0), word(&g, 0));
	assert_int_equal(peek(&g, 1), word(&g, 1));
	assert_int_equal(peek_pasid(&g, PASID, 0), word(&g, 10));
	nothing_reported(rig);
	/* The guest's memory as it is, when stage 1 is off. */
	rig_attach(g.parent, g.dev);
	assert_int_equal(rig_peek(rig, g.sid, UIOMMU_NO_PASID, ipa(DATA + 3)),
			 word(&g, 3));
	guest_close(&g);
	rig_destroy(rig);
}

static void guests_do_not_meet(void **state)
{
	struct rig *rig = open_rig();
	struct guest a, b;

	guest_open(&a, rig, 0);
	guest_open(&b, rig, 1);
	/* The same ASIDs, IOVAs, PASIDs. */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(peek(&a, 0), word(&a, 0));
		assert_int_equal(peek(&b, 0), word(&b, 0));
		assert_int_equal(peek_pasid(&a, PASID, 1), word(&a, 11));
		assert_int_equal(peek_pasid(&b, PASID, 1), word(&b, 11));
	}
	/* What one forgets the other has still: it was not changed for it. */
	map(&a, 1, 0, 5);
	map(&b, 1, 0, 5);
	command(&a, 0x30, 0);
	assert_int_equal(peek(&a, 0), word(&a, 5));
	assert_int_equal(peek(&b, 0), word(&b, 0));
	command(&b, 0x30, 0);
	assert_int_equal(peek(&b, 0), word(&b, 5));
	nothing_reported(rig);
	guest_close(&a);
	guest_close(&b);
	rig_destroy(rig);
}

/*
 * Random maps of both stages, of 64 pages each, against two arrays: what the device
 * reads is the one after the other.
 */
static void two_stages_are_two_arrays(void **state)
{
	enum {
		PAGES = 64
	};
	int first[PAGES], second[PAGES]; /* -1: nothing */
	struct rig *rig = open_rig();
	uint64_t seed = 0x2545f4914f6cdd1d;
	unsigned int at, to;
	struct guest g;

	guest_open(&g, rig, 0);
	for (at = 0; at < PAGES; at++) {
		first[at] = at < 2 ? (int)at : -1;
		second[at] = (int)at;
	}
	for (unsigned int i = 0; i < 4000; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		at = seed >> 33 & (PAGES - 1);
		to = seed >> 43 & (PAGES - 1);
		if (seed >> 53 & 1) {
			first[at] = seed >> 54 & 1 ? (int)to : -1;
			point(&g, 1, IOVA + at * RIG_PAGE,
			      first[at] < 0 ? 0 : ipa(DATA + to), true);
			command(&g, 0x0001000000000012,
				(IOVA + at * RIG_PAGE) | 1);
		} else {
			if (second[at] >= 0)
				rig_unmap(g.parent, ipa(DATA + at), RIG_PAGE);
			second[at] = seed >> 54 & 1 ? (int)to : -1;
			if (second[at] >= 0)
				rig_map(g.parent, ipa(DATA + at),
					page(&g, DATA + to), RIG_PAGE, RW);
		}
		at = seed >> 27 & (PAGES - 1);
		to = first[at] < 0 ? 0 : (unsigned int)first[at];
		assert_int_equal(peek(&g, at),
				 first[at] < 0 || second[to] < 0
					 ? RIG_STOPPED
					 : word(&g, (unsigned int)second[to]));
	}
	guest_close(&g);
	rig_destroy(rig);
}

/* ----------------------------------------------------------- invalidation -- */

#define TLBI_VA(asid) (0x12ull | (uint64_t)(asid) << 48)

/*
 * ASID 1: IOVA, and the page after the next, which a greedy model does not fetch
 * along; ASID 2 the same.  All four are cached, then
 * all four are changed: who is found changed?
 */
static unsigned int changed_by(struct guest *g, uint64_t q0, uint64_t q1)
{
	unsigned int i, found = 0;

	for (i = 0; i < 4; i++) {
		map(g, i / 2 + 1, 2 * (i % 2), 10 * (i / 2) + i % 2);
		command(g, 0x30, 0);
		peek_pasid(g, i / 2 ? PASID : UIOMMU_NO_PASID, 2 * (i % 2));
	}
	for (i = 0; i < 4; i++)
		peek_pasid(g, i / 2 ? PASID : UIOMMU_NO_PASID, 2 * (i % 2));
	for (i = 0; i < 4; i++)
		map(g, i / 2 + 1, 2 * (i % 2), 20 + i);
	command(g, q0, q1);
	for (i = 0; i < 4; i++)
		if (peek_pasid(g, i / 2 ? PASID : UIOMMU_NO_PASID,
			       2 * (i % 2)) == word(g, 20 + i))
			found |= 1u << i;
	return found;
}

static void each_command_reaches_what_it_says(void **state)
{
	struct rig *rig = open_rig();
	struct guest g;

	guest_open(&g, rig, 0);
	assert_int_equal(changed_by(&g, 0x30, 0), 0xf);
	assert_int_equal(changed_by(&g, 0x10, 0), 0xf);
	assert_int_equal(changed_by(&g, 0x0001000000000011, 0), 0x3);
	assert_int_equal(changed_by(&g, 0x0002000000000011, 0), 0xc);
	assert_int_equal(changed_by(&g, TLBI_VA(1), IOVA | 1), 0x1);
	assert_int_equal(changed_by(&g, TLBI_VA(2), (IOVA + 2 * RIG_PAGE) | 1),
			 0x8);
	assert_int_equal(changed_by(&g, 0x13, IOVA), 0x5);
	/* Three pages: NUM 2, 4K; two of them. */
	assert_int_equal(changed_by(&g, TLBI_VA(1) | 0x2000, IOVA | 0x400),
			 0x3);
	assert_int_equal(changed_by(&g, TLBI_VA(1) | 0x1000, IOVA | 0x400),
			 0x1);
	/* An ASID that it does not use, and CDs, are not what was changed. */
	assert_int_equal(changed_by(&g, 0x0003000000000011, 0), 0);
	assert_int_equal(changed_by(&g, (uint64_t)VSID << 32 | 6, 0), 0);
	/* The VMID that it claims counts for nothing. */
	assert_int_equal(changed_by(&g, 0x0001123400000011, 0), 0x3);
	nothing_reported(rig);
	guest_close(&g);
	rig_destroy(rig);
}

static void contexts_change(void **state)
{
	struct rig *rig = open_rig();
	struct guest g;

	guest_open(&g, rig, 0);
	assert_int_equal(peek(&g, 0), word(&g, 0));
	assert_int_equal(peek_pasid(&g, PASID, 0), word(&g, 10));
	/* Each PASID with the other's tables. */
	write_cd(&g, 0, 2);
	write_cd(&g, PASID, 1);
	command(&g, (uint64_t)VSID << 32 | PASID << 12 | 5, 1);
	assert_int_equal(peek_pasid(&g, PASID, 0), word(&g, 0));
	assert_int_equal(peek(&g, 0), word(&g, 0));
	command(&g, (uint64_t)VSID << 32 | 6, 0);
	assert_int_equal(peek(&g, 0), word(&g, 10));
	nothing_reported(rig);
	guest_close(&g);
	rig_destroy(rig);
}

/* ------------------------------------------------------------------- ATCs -- */

static void an_ATC_in_a_guests_hands(void **state)
{
	struct uiommu_hwdom *no_ats;
	struct rig *rig = open_rig();
	struct guest g;

	guest_open(&g, rig, 0);
	assert_true(g.dev->ats);
	assert_int_equal(by_atc(&g, 0, 0), word(&g, 0));
	assert_int_equal(by_atc(&g, PASID, 0), word(&g, 10));
	map(&g, 1, 0, 5);
	map(&g, 2, 0, 15);
	command(&g, 0x30, 0);
	/* Until it is told. */
	assert_int_equal(by_atc(&g, 0, 0), word(&g, 0));
	command(&g, (uint64_t)VSID << 32 | 0x40, IOVA);
	assert_int_equal(by_atc(&g, 0, 0), word(&g, 5));
	assert_int_equal(by_atc(&g, PASID, 0), word(&g, 10));
	command(&g, (uint64_t)VSID << 32 | PASID << 12 | 0x840, 52);
	assert_int_equal(by_atc(&g, PASID, 0), word(&g, 15));
	/* A guest that does not know of ATS does not have it. */
	no_ats = new_nested(&g, 0x300000000000000b | ipa(CDS), 0xd6);
	rig_attach(no_ats, g.dev);
	assert_false(g.dev->ats);
	assert_int_equal(by_atc(&g, 0, 0), word(&g, 5));
	rig_attach(g.nested, g.dev);
	assert_true(g.dev->ats);
	rig->unit->ops->dom_free(no_ats);
	nothing_reported(rig);
	guest_close(&g);
	rig_destroy(rig);
}

/* With ATS on from one to the other, PASIDs of before are forgotten. */
static void an_ATC_leaves_a_guest(void **state)
{
	struct rig *rig = open_rig();
	struct guest g;

	guest_open(&g, rig, 0);
	assert_int_equal(by_atc(&g, 0, 0), word(&g, 0));
	assert_int_equal(by_atc(&g, PASID, 0), word(&g, 10));
	rig_attach(g.parent, g.dev);
	assert_true(g.dev->ats);
	assert_int_equal(by_atc(&g, 0, 0), RIG_STOPPED);
	assert_int_equal(by_atc(&g, PASID, 0), RIG_STOPPED);
	guest_close(&g);
	rig_destroy(rig);
}

static void what_the_host_unmaps_is_gone(void **state)
{
	struct rig *rig = open_rig();
	struct guest g;

	guest_open(&g, rig, 0);
	assert_int_equal(peek(&g, 0), word(&g, 0));
	assert_int_equal(by_atc(&g, 0, 0), word(&g, 0));
	assert_int_equal(by_atc(&g, PASID, 0), word(&g, 10));
	rig_unmap(g.parent, ipa(DATA), RIG_PAGE);
	rig_unmap(g.parent, ipa(DATA + 10), RIG_PAGE);
	assert_int_equal(peek(&g, 0), RIG_STOPPED);
	assert_int_equal(by_atc(&g, 0, 0), RIG_STOPPED);
	assert_int_equal(by_atc(&g, PASID, 0), RIG_STOPPED);
	assert_int_equal(by_atc(&g, 0, 1), word(&g, 1));
	guest_close(&g);
	rig_destroy(rig);
}

/* By the SMMU's TLB and by the ATC, with and without a PASID. */
static void all_find(struct guest *g, unsigned int at, uint64_t want)
{
	assert_int_equal(peek(g, at), want);
	assert_int_equal(peek_pasid(g, PASID, at), want);
	assert_int_equal(by_atc(g, 0, at), want);
	assert_int_equal(by_atc(g, PASID, at), want);
}

/*
 * A page out of a block of stage 2, where the guest has a block as well, or pages:
 * the rest of the block stays.
 */
static void a_page_of_what_was_a_block(void **state)
{
	enum {
		FROM = 6, /* pages of the block */
		GONE,
		TO = 9
	};
	const uint64_t at = 0x80000000, mib2 = 2 << 20, block = 0x12400000;
	struct rig *rig = open_rig();
	struct guest g;
	uint8_t *mem;

	guest_open(&g, rig, 0);
	/* Behind its memory. */
	mem = (uint8_t *)(((uintptr_t)rig->ram + 2 * mib2 - 1) & ~(mib2 - 1));
	for (unsigned int asid = 1; asid < 3; asid++) {
		for (unsigned int i = FROM; i < TO; i++) {
			*(uint64_t *)(void *)(mem + i * RIG_PAGE) = i;
			point(&g, asid, IOVA + i * RIG_PAGE, at + i * RIG_PAGE,
			      true);
		}
		/* Level 2, beside the table of IOVA. */
		page(&g, TABLES + 3 * (asid - 1) + 1)[block >> 21 & 511] =
			at | 0xf41;
	}
	for (unsigned int is_block = 0; is_block < 2; is_block++) {
		const unsigned int first = is_block ? (block - IOVA) / RIG_PAGE
						    : 0;

		rig_map(g.parent, at, mem, mib2, RW);
		for (unsigned int i = FROM; i < TO; i++)
			all_find(&g, first + i, i);
		rig_unmap(g.parent, at + GONE * RIG_PAGE, RIG_PAGE);
		for (unsigned int i = FROM; i < TO; i++)
			all_find(&g, first + i, i == GONE ? RIG_STOPPED : i);
		rig_unmap(g.parent, at, GONE * RIG_PAGE);
		rig_unmap(g.parent, at + (GONE + 1) * RIG_PAGE,
			  mib2 - (GONE + 1) * RIG_PAGE);
		for (unsigned int i = FROM; i < TO; i++)
			all_find(&g, first + i, RIG_STOPPED);
	}
	guest_close(&g);
	rig_destroy(rig);
}

/* ----------------------------------------------------------------- faults -- */

static void is_told_to_guest(struct guest *g, unsigned int type)
{
	assert_int_equal(g->rig->nr_vevents, 1);
	assert_int_equal(g->rig->vevent_id, g->id);
	assert_int_equal(g->rig->vevent.evt[0] & 0xff, type);
	assert_int_equal(g->rig->vevent.evt[0] >> 32, VSID);
	g->rig->nr_vevents = 0;
}

static void is_guests_event(struct guest *g, unsigned int type)
{
	rig_irqs(g->rig);
	assert_int_equal(g->rig->nr_faults, 0);
	is_told_to_guest(g, type);
	assert_int_equal(g->rig->vevent.evt[3], 0);
}

/* A kind of fault, at an address of stage 2. */
struct s2_fault {
	unsigned int type;
	enum uiommu_fault_kind kind;
	uint64_t at;
};

/* CLASS: CD, TT, IN.  Both are told. */
static void is_hosts_event(struct guest *g, const struct s2_fault *f,
			   unsigned int class)
{
	rig_irqs(g->rig);
	is_told_to_guest(g, f->type);
	assert_int_equal(g->rig->vevent.evt[1] >> 39 & 7, class << 1 | 1);
	assert_int_equal(g->rig->vevent.evt[3], f->at);
	assert_int_equal(g->rig->nr_faults, 1);
	assert_true(g->rig->fault[0].flags & UIOMMU_FAULT_STAGE2);
	assert_int_equal(g->rig->fault[0].kind, f->kind);
	assert_int_equal(g->rig->fault[0].ipa, f->at);
	assert_int_equal(g->rig->fault[0].raw[1] >> 40 & 3, class);
	assert_int_equal(g->rig->fault[0].id, g->sid);
	g->rig->nr_faults = 0;
}

/* On the final address, on a table of stage 1, and on the fetch of a CD. */
static void stage_2_faults(struct guest *g, const struct s2_fault *f)
{
	struct uiommu_hwdom *dom;

	point(g, 1, IOVA + 9 * RIG_PAGE, f->at, true);
	page(g, TABLES)[1] = f->at | 3;
	command(g, 0x30, 0);
	assert_int_equal(peek(g, 9), RIG_STOPPED);
	is_hosts_event(g, f, 2);
	assert_int_equal(rig_peek(g->rig, g->sid, UIOMMU_NO_PASID, 1ull << 30),
			 RIG_STOPPED);
	is_hosts_event(g, f, 1);
	dom = new_nested(g, 0x300000000000000b | f->at, 0xd6);
	rig_attach(dom, g->dev);
	assert_int_equal(peek(g, 0), RIG_STOPPED);
	is_hosts_event(g, f, 0);
	rig_attach(g->nested, g->dev);
	g->rig->unit->ops->dom_free(dom);
}

/* The descriptor of a page, at level 3 of 48 bits. */
static uint64_t *s2_leaf(struct guest *g, uint64_t at)
{
	struct uiommu_pgtable_info info;
	uint64_t *table;

	uiommu_pgtable_info(g->parent->pt, &info);
	assert_int_equal(info.start_level, 0);
	table = (uint64_t *)(uintptr_t)info.root;
	for (unsigned int shift = 39; shift > 12; shift -= 9) {
		uint64_t desc = table[at >> shift & 511];

		assert_int_equal(desc & 3, 3);
		table = (uint64_t *)(uintptr_t)(desc & 0x0000fffffffff000);
	}
	return &table[at >> 12 & 511];
}

static void faults_and_whose_they_are(void **state)
{
	const struct s2_fault nothing = { 0x10, UIOMMU_FAULT_TRANSLATION,
					  RAM + GUEST_PAGES * RIG_PAGE };
	const struct s2_fault no_flag = { 0x12, UIOMMU_FAULT_ACCESS_FLAG,
					  0x90000000 };
	const struct s2_fault no_read = { 0x13, UIOMMU_FAULT_PERMISSION,
					  0x90001000 };
	struct rig *rig = open_rig();
	uint64_t val = 1;
	struct guest g;

	guest_open(&g, rig, 0);
	/* Stage 1: nothing there, read only. */
	assert_int_equal(peek(&g, 7), RIG_STOPPED);
	is_guests_event(&g, 0x10);
	assert_int_equal(rig->vevent.evt[2], IOVA + 7 * RIG_PAGE);
	point(&g, 1, IOVA + 8 * RIG_PAGE, ipa(DATA), false);
	assert_int_equal(rig_dma_write(rig, g.sid, IOVA + 8 * RIG_PAGE, &val,
				       8),
			 -EFAULT);
	is_guests_event(&g, 0x13);
	/* Stage 2; the host itself does not make those without access flag. */
	rig_map(g.parent, no_flag.at, page(&g, DATA), RIG_PAGE, RW);
	*s2_leaf(&g, no_flag.at) &= ~(1ull << 10);
	rig_map(g.parent, no_read.at, page(&g, DATA), RIG_PAGE,
		UIOMMU_PROT_WRITE | UIOMMU_PROT_CACHE);
	stage_2_faults(&g, &nothing);
	stage_2_faults(&g, &no_flag);
	stage_2_faults(&g, &no_read);
	guest_close(&g);
	rig_destroy(rig);
}

static void contexts_that_are_bad(void **state)
{
	struct rig *rig = open_rig();
	struct uiommu_hwdom *dom;
	struct guest g;

	guest_open(&g, rig, 0);
	/* No CD, a bad one, none so high. */
	assert_int_equal(peek_pasid(&g, 1, 0), RIG_STOPPED);
	is_guests_event(&g, 0x0a);
	page(&g, CDS)[PASID * 8] &= ~(1ull << 41);
	command(&g, (uint64_t)VSID << 32 | 6, 0);
	assert_int_equal(peek_pasid(&g, PASID, 0), RIG_STOPPED);
	is_guests_event(&g, 0x0a);
	assert_int_equal(peek_pasid(&g, 200, 0), RIG_STOPPED);
	is_guests_event(&g, 0x08);
	/* An entry that the SMMU does not take: more CDs than there can be. */
	dom = new_nested(&g, 0xf80000000000000b | ipa(CDS), 0xd6);
	rig_attach(dom, g.dev);
	assert_int_equal(peek(&g, 0), RIG_STOPPED);
	is_guests_event(&g, 0x04);
	rig_attach(g.nested, g.dev);
	rig->unit->ops->dom_free(dom);
	assert_int_equal(peek(&g, 0), word(&g, 0));
	guest_close(&g);
	rig_destroy(rig);
}

/* ------------------------------------------------------------ transitions -- */

/* All the guest's kinds of entry, to each from each; what it was is forgotten. */
static void from_each_state_to_each(void **state)
{
	struct rig *rig = open_rig();
	struct uiommu_hwdom *dom[5];
	struct guest g;
	uint64_t own;

	guest_open(&g, rig, 0);
	dom[0] = g.nested;
	dom[1] = g.parent;
	dom[2] = new_nested(&g, 0x9, 0);
	dom[3] = new_nested(&g, 0x1, 0);
	dom[4] = rig_domain_at(rig, IOVA, 2 * GUEST_PAGES);
	own = *rig_word(rig, 2 * GUEST_PAGES);
	for (unsigned int from = 0; from < 5; from++)
		for (unsigned int to = 0; to < 5; to++) {
			const uint64_t s1[5] = { word(&g, 0), RIG_STOPPED,
						 RIG_STOPPED, RIG_STOPPED,
						 own };
			const uint64_t s2[5] = { RIG_STOPPED, word(&g, 0),
						 word(&g, 0), RIG_STOPPED,
						 RIG_STOPPED };

			rig_attach(dom[from], g.dev);
			peek(&g, 0);
			rig_attach(dom[to], g.dev);
			assert_int_equal(peek(&g, 0), s1[to]);
			assert_int_equal(rig_peek(rig, g.sid, UIOMMU_NO_PASID,
						  ipa(DATA)),
					 s2[to]);
		}
	rig_attach(g.nested, g.dev);
	rig->unit->ops->dom_free(dom[2]);
	rig->unit->ops->dom_free(dom[3]);
	rig->unit->ops->dom_free(dom[4]);
	guest_close(&g);
	rig_destroy(rig);
}

/* --------------------------------------------------------- the Linux ABI -- */

static void what_is_the_kernels(void **state)
{
	_Static_assert(UIOMMU_HWPT_DATA_ARM_SMMUV3 ==
			       (unsigned int)IOMMU_HWPT_DATA_ARM_SMMUV3,
		       "entries");
	_Static_assert(UIOMMU_VIOMMU_TYPE_ARM_SMMUV3 ==
			       (unsigned int)IOMMU_VIOMMU_TYPE_ARM_SMMUV3,
		       "vIOMMUs");
	_Static_assert(
		UIOMMU_VIOMMU_INVALIDATE_ARM_SMMUV3 ==
			(unsigned int)IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3,
		"commands");
	_Static_assert(UIOMMU_VEVENTQ_TYPE_ARM_SMMUV3 ==
			       (unsigned int)IOMMU_VEVENTQ_TYPE_ARM_SMMUV3,
		       "events");
	assert_int_equal(sizeof(struct uiommu_hwpt_smmuv3),
			 sizeof(struct iommu_hwpt_arm_smmuv3));
	assert_int_equal(sizeof(struct uiommu_viommu_smmuv3_invalidate),
			 sizeof(struct iommu_viommu_arm_smmuv3_invalidate));
	assert_int_equal(sizeof(struct uiommu_vevent_smmuv3),
			 sizeof(struct iommu_vevent_arm_smmuv3));
	assert_int_equal(sizeof(struct uiommu_hw_info_smmuv3),
			 sizeof(struct iommu_hw_info_arm_smmuv3));
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(two_stages_translate),
		cmocka_unit_test(guests_do_not_meet),
		cmocka_unit_test(two_stages_are_two_arrays),
		cmocka_unit_test(each_command_reaches_what_it_says),
		cmocka_unit_test(contexts_change),
		cmocka_unit_test(an_ATC_in_a_guests_hands),
		cmocka_unit_test(an_ATC_leaves_a_guest),
		cmocka_unit_test(what_the_host_unmaps_is_gone),
		cmocka_unit_test(a_page_of_what_was_a_block),
		cmocka_unit_test(faults_and_whose_they_are),
		cmocka_unit_test(contexts_that_are_bad),
		cmocka_unit_test(from_each_state_to_each),
		cmocka_unit_test(what_is_the_kernels),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
