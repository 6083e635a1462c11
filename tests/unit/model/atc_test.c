/* SPDX-License-Identifier: BSD-2-Clause */
/* The endpoint's translation cache by itself, and against a naive list. */
#include <stdlib.h>
#include <string.h>

#include "model/smmuv3/atc.h"
#include "rig.h"

static const struct uiommu_model_host host; /* malloc and free */

static struct atc_owner pasid(uint32_t p, bool priv)
{
	return (struct atc_owner){ .ssv = true, .pasid = p, .priv = priv };
}

static const struct atc_owner none;

static struct uiommu_ats_translation tr(uint64_t addr, uint8_t lg2)
{
	return (struct uiommu_ats_translation){
		.addr = addr, .size_lg2 = lg2, .read = true, .write = true
	};
}

static void put(struct atc *atc, struct atc_owner owner, uint64_t at,
		struct uiommu_ats_translation t)
{
	struct atc_ticket ticket = atc_ticket(atc);

	atc_insert(atc, &owner, at, &t, &ticket);
}

static bool has(struct atc *atc, struct atc_owner owner, uint64_t at,
		uint64_t addr)
{
	struct atc_entry e;

	if (!atc_find(atc, &owner, at, &e))
		return false;
	assert_int_equal(e.addr, addr);
	return true;
}

static void owners_are_apart(void **state)
{
	struct atc atc;
	struct uiommu_ats_translation t;
	struct atc_entry e;

	assert_int_equal(atc_init(&atc, &host, 64), 0);
	put(&atc, none, 0x5000, tr(0x10000, 12));
	put(&atc, pasid(0, false), 0x5000, tr(0x20000, 12));
	put(&atc, pasid(0, true), 0x5000, tr(0x30000, 12));
	put(&atc, pasid(0xfffff, false), 0x5000, tr(0x40000, 12));
	assert_true(has(&atc, none, 0x5fff, 0x10000));
	assert_true(has(&atc, pasid(0, false), 0x5000, 0x20000));
	assert_true(has(&atc, pasid(0, true), 0x5000, 0x30000));
	assert_true(has(&atc, pasid(0xfffff, false), 0x5000, 0x40000));
	assert_false(has(&atc, pasid(0xfffff, true), 0x5000, 0));
	assert_false(has(&atc, pasid(1, false), 0x5000, 0));
	assert_false(has(&atc, none, 0x6000, 0));
	/* all bits of the address count */
	assert_false(has(&atc, none, 0x5000 | 1ull << 63, 0));
	/* rights and a second answer for the same page */
	t = tr(0x50000, 12);
	t.write = false;
	t.exec = true;
	put(&atc, none, 0x5000, t);
	assert_true(atc_find(&atc, &none, 0x5000, &e));
	assert_int_equal(e.addr, 0x50000);
	assert_int_equal(e.size_lg2, 12);
	assert_true(e.read && !e.write && e.exec);
	atc_fini(&atc, &host);
}

static void global_entries(void **state)
{
	struct uiommu_ats_inval inval = {
		.ssv = true, .ssid = 7, .addr = 0x5000, .size_lg2 = 12
	};
	struct uiommu_ats_translation t = tr(0x10000, 12);
	struct atc atc;

	assert_int_equal(atc_init(&atc, &host, 64), 0);
	t.global = true;
	put(&atc, pasid(3, false), 0x5000, t);
	assert_true(has(&atc, pasid(4, false), 0x5000, 0x10000));
	assert_false(has(&atc, pasid(4, true), 0x5000, 0));
	assert_false(has(&atc, none, 0x5000, 0));
	/* any PASID's invalidation reaches it */
	inval.ssv = false;
	atc_invalidate(&atc, &inval);
	assert_true(has(&atc, pasid(4, false), 0x5000, 0x10000));
	inval.ssv = true;
	atc_invalidate(&atc, &inval);
	assert_false(has(&atc, pasid(3, false), 0x5000, 0));
	/* without PASID there is nothing to be global over */
	put(&atc, none, 0x5000, t);
	assert_true(has(&atc, none, 0x5000, 0x10000));
	assert_false(has(&atc, pasid(3, false), 0x5000, 0));
	atc_fini(&atc, &host);
}

static void what_was_asked_for_before_is_not_kept(void **state)
{
	struct uiommu_ats_inval inval = { .addr = 0xffff000, .size_lg2 = 12 };
	struct uiommu_ats_translation t = tr(0x10000, 12);
	struct atc_ticket ticket;
	struct atc atc;

	assert_int_equal(atc_init(&atc, &host, 64), 0);
	/* whatever it was that was invalidated */
	ticket = atc_ticket(&atc);
	atc_invalidate(&atc, &inval);
	atc_insert(&atc, &none, 0x5000, &t, &ticket);
	assert_false(has(&atc, none, 0x5000, 0));
	ticket = atc_ticket(&atc);
	atc_clear(&atc);
	atc_insert(&atc, &none, 0x5000, &t, &ticket);
	assert_false(has(&atc, none, 0x5000, 0));
	ticket = atc_ticket(&atc);
	atc_insert(&atc, &none, 0x5000, &t, &ticket);
	assert_true(has(&atc, none, 0x5000, 0x10000));
	atc_clear(&atc);
	assert_false(has(&atc, none, 0x5000, 0));
	atc_fini(&atc, &host);
}

static void a_cache_of_nothing(void **state)
{
	struct uiommu_ats_inval inval = { .size_lg2 = 64 };
	struct atc atc;

	assert_int_equal(atc_init(&atc, &host, 0), 0);
	put(&atc, none, 0x5000, tr(0x10000, 12));
	assert_false(has(&atc, none, 0x5000, 0));
	atc_invalidate(&atc, &inval);
	atc_clear(&atc);
	atc_fini(&atc, &host);
}

/* ------------------------------------------------ against a naive list -- */

#define NR 4096u

struct naive {
	struct {
		struct atc_owner owner;
		uint64_t first, addr;
		uint8_t lg2;
		bool live, global;
	} e[NR];
};

static uint64_t rnd(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static struct atc_owner random_owner(uint64_t *seed)
{
	uint64_t r = rnd(seed);

	return r % 4 ? pasid(r >> 8 & 3, r >> 16 & 1) : none;
}

static uint64_t random_at(uint64_t *seed)
{
	uint64_t r = rnd(seed);

	/* a small window, and its mirror at the top */
	return (r & 0x3ffffff) | (r & 1 ? 0xfff0000000000000 : 0);
}

static bool covers(const struct naive *n, unsigned int i,
		   const struct uiommu_ats_inval *inval)
{
	uint64_t first = inval->addr & ~mask_lg2(inval->size_lg2);
	uint64_t last = inval->addr | mask_lg2(inval->size_lg2);

	if (n->e[i].first > last ||
	    (n->e[i].first | mask_lg2(n->e[i].lg2)) < first)
		return false;
	if (!inval->ssv)
		return !n->e[i].owner.ssv;
	return n->e[i].owner.ssv && (inval->global || n->e[i].global ||
				     n->e[i].owner.pasid == inval->ssid);
}

static void random_inval(struct naive *n, struct atc *atc, uint64_t *seed)
{
	static const uint8_t sizes[] = { 12, 12, 13, 16, 21, 24, 30, 64 };
	struct atc_owner owner = random_owner(seed);
	struct uiommu_ats_inval inval = {
		.ssv = owner.ssv,
		.ssid = owner.pasid,
		.global = owner.ssv && rnd(seed) % 8 == 0,
		.addr = random_at(seed),
		.size_lg2 = sizes[rnd(seed) % 8],
	};

	inval.addr &= ~mask_lg2(inval.size_lg2);
	atc_invalidate(atc, &inval);
	for (unsigned int i = 0; i < NR; i++) {
		if (covers(n, i, &inval))
			n->e[i].live = false;
	}
}

static void random_insert(struct naive *n, struct atc *atc, unsigned int i,
			  uint64_t *seed)
{
	static const uint8_t sizes[] = { 12, 12, 12, 14, 16, 21 };
	uint64_t at = random_at(seed);
	struct uiommu_ats_translation t =
		tr((uint64_t)i << 30, sizes[rnd(seed) % 6]);

	n->e[i].owner = random_owner(seed);
	n->e[i].global = t.global = rnd(seed) % 16 == 0;
	n->e[i].first = at & ~mask_lg2(t.size_lg2);
	n->e[i].lg2 = t.size_lg2;
	n->e[i].addr = t.addr;
	n->e[i].live = true;
	put(atc, n->e[i].owner, at, t);
}

/* What is found must be alive, of that owner, and cover the address. */
static bool check(const struct naive *n, struct atc *atc,
		  struct atc_owner owner, uint64_t at)
{
	struct atc_entry e;
	unsigned int i;

	if (!atc_find(atc, &owner, at, &e))
		return false;
	i = (unsigned int)(e.addr >> 30);
	assert_true(n->e[i].live);
	assert_int_equal(n->e[i].lg2, e.size_lg2);
	assert_int_equal(n->e[i].first, at & ~mask_lg2(e.size_lg2));
	assert_int_equal(n->e[i].owner.ssv, owner.ssv);
	assert_int_equal(n->e[i].owner.priv, owner.priv);
	assert_true(n->e[i].owner.pasid == owner.pasid || n->e[i].global);
	return true;
}

static void against_a_naive_list(void **state)
{
	struct naive *n = calloc(1, sizeof(*n));
	uint64_t seed = 0x1234567, hits = 0;
	struct atc atc;

	assert_int_equal(atc_init(&atc, &host, 512), 0);
	for (unsigned int i = 0; i < NR; i++) {
		random_insert(n, &atc, i, &seed);
		/* it is there now */
		assert_true(check(n, &atc, n->e[i].owner, n->e[i].first));
		if (i % 8 == 0)
			random_inval(n, &atc, &seed);
		for (unsigned int k = 0; k < 8; k++)
			hits += check(n, &atc, random_owner(&seed),
				      random_at(&seed));
	}
	/* few of the last can have been lost to others */
	for (unsigned int i = NR - 64; i < NR; i++)
		hits += n->e[i].live &&
			check(n, &atc, n->e[i].owner, n->e[i].first);
	assert_true(hits > 32);
	atc_fini(&atc, &host);
	free(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(owners_are_apart),
		cmocka_unit_test(global_entries),
		cmocka_unit_test(what_was_asked_for_before_is_not_kept),
		cmocka_unit_test(a_cache_of_nothing),
		cmocka_unit_test(against_a_naive_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
