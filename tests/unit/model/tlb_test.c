/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The TLB from inside: which entry loses, what a fill refuses, generations that
 * come to their last number, and what an instance takes of memory.
 */
#include <stdlib.h>
#include <string.h>

#include "model/smmuv3/msmmu.h"
#include "model/smmuv3/tlb_inline.h"
#include "rig.h"

/* ---------------------------------------------------------- the cache --- */

#define KEY mcache_key(UINT64_C(0x1234), 5)

static int setup_cache(void **state)
{
	static const struct uiommu_model_host host;
	struct mcache *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	assert_int_equal(mcache_init(c, &host, MCACHE_WAYS), 0);
	*state = c;
	return 0;
}

static int teardown_cache(void **state)
{
	static const struct uiommu_model_host host;

	mcache_fini(*state, &host);
	free(*state);
	return 0;
}

static void put(struct mcache *c, uint64_t tag, uint64_t key, uint64_t out)
{
	struct mcache_entry e = { tag, key, out,
				  out ^ UINT64_C(0xabcdefabcdef) };

	mcache_fill(c, 0, &e, mcache_kills(c));
}

static bool has(const struct mcache *c, uint64_t tag, uint64_t key,
		uint64_t want)
{
	uint64_t out, aux;

	if (!mcache_find(c, 0, tag, key, &out, &aux))
		return false;
	assert_int_equal(out, want);
	assert_int_equal(aux, want ^ UINT64_C(0xabcdefabcdef));
	return true;
}

static bool is_tag(const struct mcache_kill *k, const struct mcache_entry *e)
{
	return e->tag == k->owner; /* the mask is 0 */
}

static void drop_tag(struct mcache *c, uint64_t tag)
{
	struct mcache_kill k = { .owner = tag, .match = is_tag };

	mcache_kill_begin(c);
	mcache_kill_set(c, 0, &k);
}

static void ways_take_turns(void **state)
{
	struct mcache *c = *state;

	for (uint64_t tag = 1; tag <= MCACHE_WAYS; tag++)
		put(c, tag, KEY, tag);
	for (uint64_t tag = 1; tag <= MCACHE_WAYS; tag++)
		assert_true(has(c, tag, KEY, tag));
	put(c, 5, KEY, 5);
	assert_false(has(c, 1, KEY, 1));
	for (uint64_t tag = 2; tag <= 5; tag++)
		assert_true(has(c, tag, KEY, tag));
}

static void the_emptied_way_is_next(void **state)
{
	for (uint64_t gone = 1; gone <= MCACHE_WAYS; gone++) {
		struct mcache *c = *state;

		mcache_clear(c);
		for (uint64_t tag = 1; tag <= MCACHE_WAYS; tag++)
			put(c, tag, KEY, tag);
		drop_tag(c, gone);
		assert_false(has(c, gone, KEY, gone));
		put(c, 9, KEY, 9);
		for (uint64_t tag = 1; tag <= MCACHE_WAYS; tag++)
			assert_int_equal(has(c, tag, KEY, tag), tag != gone);
		assert_true(has(c, 9, KEY, 9));
	}
}

static void owner_and_stamp_are_told_apart(void **state)
{
	struct mcache *c = *state;
	uint64_t later = mcache_key(UINT64_C(0x1234), 6);
	uint64_t other = mcache_key(UINT64_C(0x1235), 5);

	put(c, 1, KEY, 1);
	assert_false(has(c, 1, later, 1));
	assert_false(has(c, 1, other, 1));
	/* two owners of one tag live side by side, one has one entry only */
	put(c, 1, other, 2);
	assert_true(has(c, 1, KEY, 1));
	assert_true(has(c, 1, other, 2));
	put(c, 1, later, 3);
	assert_false(has(c, 1, KEY, 1));
	assert_true(has(c, 1, later, 3));
	assert_true(has(c, 1, other, 2));
}

static void fills_that_are_refused(void **state)
{
	struct mcache *c = *state;
	struct mcache_entry e = { 1, KEY, 1, 1 };
	uint64_t kills = mcache_kills(c);

	/* overtaken by an invalidation */
	mcache_kill_begin(c);
	mcache_fill(c, 0, &e, kills);
	assert_false(has(c, 1, KEY, 1));
	/* and into a set that somebody has taken: nobody waits */
	c->set->seq++;
	mcache_fill(c, 0, &e, mcache_kills(c));
	c->set->seq++;
	assert_false(has(c, 1, KEY, 1));
	/* a set that is taken has nothing for readers */
	put(c, 2, KEY, 2);
	c->set->seq++;
	assert_false(has(c, 2, KEY, 2));
	c->set->seq++;
	assert_true(has(c, 2, KEY, 2));
}

static void tags_tell_their_size(void **state)
{
	uint64_t in = UINT64_C(0x00a5f731e4c82000) + 0x123;

	for (unsigned int lg2 = 12; lg2 <= 52; lg2++) {
		uint64_t tag = tlb_tag(in, lg2);

		assert_int_equal(tlb_tag_of(in, BIT64(lg2 - 12)), tag);
		assert_int_equal(tlb_tag_lg2(tag), lg2);
		assert_int_equal(tlb_tag_first(tag), in & ~mask_lg2(lg2));
		/* the byte on top is not part of it */
		assert_int_equal(tlb_tag(in | UINT64_C(0xff) << 56, lg2), tag);
	}
}

static void rights_come_back_whole(void **state)
{
	/* what both grant, and what stage 1 asks stage 2 for, are the same */
	for (uint32_t rights = 0; rights < 1024; rights++) {
		uint32_t both = tlb_both(rights);
		uint32_t back = tlb_rights(rights & MSMMU_S1_ALL, both);

		assert_int_equal(tlb_both(back), both);
		assert_int_equal(back & MSMMU_S1_ALL, rights & MSMMU_S1_ALL);
		assert_int_equal(rights & MSMMU_S2_ALL & ~back, 0);
		if ((rights & MSMMU_S1_ALL) == MSMMU_S1_ALL)
			assert_int_equal(back, rights);
	}
}

/* -------------------------------------------------------- generations --- */

/*
 * The number that an old entry was made with comes again when the generation
 * starts over: nothing of old must be found by it.
 */
static void expect_start_over(struct rig *r, uint64_t *word,
			      uint64_t last_but_1, uint64_t q0, uint64_t q1)
{
	uint64_t root = rig_stream(r, 1, 7), l2 = root, copy;

	rig_map4k(r, root, 0x1000, RIG_DATA, LEAF_RW);
	rig_map4k(r, root, 0x2000, RIG_DATA + 0x1000, LEAF_RW);
	rig_inval_all(r);
	*word = 0;
	rig_expect_pa(r, 1, 0x1000, RIG_DATA);
	/* another level-3 table, with other pages */
	copy = rig_table(r, 4096);
	ram_w64(&r->ram, copy + 8, (RIG_DATA + 0x8000) | LEAF_RW | 3);
	ram_w64(&r->ram, copy + 16, (RIG_DATA + 0x9000) | LEAF_RW | 3);
	for (unsigned int i = 0; i < 2; i++)
		l2 = ram_r64(&r->ram, l2) & GENMASK64(47, 12);
	ram_w64(&r->ram, l2, copy | 3);
	*word = last_but_1;
	rig_cmd(r, q0, q1);
	rig_sync(r);
	assert_int_equal(*word, 0);
	rig_expect_pa(r, 1, 0x1000, RIG_DATA + 0x8000);
	rig_expect_pa(r, 1, 0x2000, RIG_DATA + 0x9000);
}

static struct msmmu_space *space_of(struct rig *r)
{
	struct msmmu_ctx ctx = { .regime = MSMMU_REGIME_EL1, .asid = 7 };

	msmmu_ctx_set_views(r->model, &ctx);
	return ctx.local.space;
}

static void generation_of_an_asid(void **state)
{
	struct rig *r = *state;

	expect_start_over(r, &space_of(r)->word,
			  (SPACE_GEN_LAST - 1) << SPACE_GEN_SHIFT,
			  0x11 | 7ull << 48, 0);
}

static void generation_of_a_vmid(void **state)
{
	struct rig *r = *state;

	expect_start_over(r, &r->model->vm_gens[0], MSMMU_GEN_LAST - 1, 0x10,
			  0);
}

static void generation_of_all(void **state)
{
	struct rig *r = *state;

	expect_start_over(r, &r->model->tlb_all_gen, MSMMU_GEN_LAST - 1, 0x30,
			  0);
}

static void generation_of_tables(void **state)
{
	struct rig *r = *state;

	expect_start_over(r, &r->model->tables_gen, MSMMU_GEN_LAST - 1,
			  0x12 | 7ull << 48, 0x1000);
}

/* ------------------------------------------------------------- memory --- */

static size_t taken, blocks;

static void *count_alloc(void *ctx, size_t size)
{
	taken += size;
	blocks++;
	return malloc(size);
}

static void count_free(void *ctx, void *ptr)
{
	blocks -= ptr != NULL;
	free(ptr);
}

static size_t bytes_of(const struct uiommu_smmuv3_profile *profile)
{
	struct uiommu_smmuv3_txn txn = { .sid = 1 };
	struct uiommu_smmuv3_model *model;
	struct uiommu_smmuv3_xlate x;
	struct uiommu_model_host host;
	struct model_ram ram;

	assert_int_equal(model_ram_init(&ram, RIG_BASE, 0x10000), 0);
	host = model_ram_host(&ram);
	host.alloc = count_alloc;
	host.free = count_free;
	taken = 0;
	assert_int_equal(uiommu_smmuv3_model_create(profile, &host, &model), 0);
	/* a thread's slot too */
	(void)uiommu_smmuv3_model_translate(model, &txn, &x);
	uiommu_smmuv3_model_destroy(model);
	assert_int_equal(blocks, 0);
	model_ram_fini(&ram);
	return taken;
}

static void memory_of_an_instance(void **state)
{
	const struct uiommu_smmuv3_profile *ready;
	struct uiommu_smmuv3_profile p;

	for (unsigned int i = 0; (ready = uiommu_smmuv3_profile_get(i)); i++) {
		assert_int_equal(ready->tlb_entries, 16384);
		assert_in_range(bytes_of(ready), 1, 2u << 20);
	}
	p = rig_profile("full");
	p.tlb_entries = 65536;
	assert_in_range(bytes_of(&p), 65536 * 32, 65536 * 40 + (1u << 20));
}

/* As many entries as the profile says are held at a time. */
static void all_entries_are_used(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_profile p = rig_profile("full");
	uint64_t root, walks;

	rig_fini(r);
	p.tlb_entries = 1024;
	rig_init(r, &p);
	root = rig_stream(r, 1, 7);
	for (uint64_t i = 0; i < 1024; i++)
		rig_map4k(r, root, i << 12, RIG_DATA + (i << 12), LEAF_RW);
	for (uint64_t i = 0; i < 1024; i++)
		rig_expect_pa(r, 1, i << 12, RIG_DATA + (i << 12));
	walks = rig_stats(r).walks;
	for (uint64_t i = 0; i < 1024; i++)
		rig_expect_pa(r, 1, i << 12, RIG_DATA + (i << 12));
	assert_int_equal(rig_stats(r).walks, walks);
}

#define C(name) \
	cmocka_unit_test_setup_teardown(name, setup_cache, teardown_cache)
#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		C(ways_take_turns),
		C(the_emptied_way_is_next),
		C(owner_and_stamp_are_told_apart),
		C(fills_that_are_refused),
		cmocka_unit_test(tags_tell_their_size),
		cmocka_unit_test(rights_come_back_whole),
		T(generation_of_an_asid),
		T(generation_of_a_vmid),
		T(generation_of_all),
		T(generation_of_tables),
		cmocka_unit_test(memory_of_an_instance),
		T(all_entries_are_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
