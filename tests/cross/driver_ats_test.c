/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver, the model and ATCs of devices: when ATS is on, what is invalidated
 * and what is not, and devices that do not obey.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "driver_rig.h"

#define RW (UIOMMU_PROT_READ | UIOMMU_PROT_WRITE | UIOMMU_PROT_CACHE)
#define SID 5u
#define IOVA UINT64_C(0x40000000)
#define PASID 9u

struct world {
	struct rig *rig;
	struct uiommu_hwdev *dev;
	struct uiommu_hwdom *dom;
	struct uiommu_smmuv3_endpoint *ep;
};

static struct world begin(void)
{
	struct rig_cfg cfg;
	struct world w;

	rig_default(&cfg);
	/* What is not invalidated stays. */
	cfg.profile.caching = UIOMMU_SMMUV3_CACHING_GREEDY;
	w.rig = rig_create(&cfg);
	w.dev = rig_ats_device(w.rig, SID, 8);
	w.ep = rig_endpoint(w.rig, SID);
	w.dom = rig_domain(w.rig, UIOMMU_DOM_PAGING);
	return w;
}

static void end(struct world *w)
{
	w->rig->unit->ops->dev_remove(w->dev);
	w->rig->unit->ops->dom_free(w->dom);
	rig_destroy(w->rig);
}

/* No paging: an access that finds nothing fails. */
static int dma(struct world *w, uint32_t pasid, uint64_t iova, uint64_t *word,
	       bool write)
{
	struct uiommu_smmuv3_dma req = {
		.txn = { .iova = iova,
			 .ssid = pasid,
			 .flags = (pasid ? UIOMMU_TXN_SSV : 0) |
				  (write ? UIOMMU_TXN_WRITE : 0) },
		.buf = word,
		.len = 8,
	};

	return uiommu_smmuv3_endpoint_dma(w->ep, &req);
}

static uint64_t read_word(struct world *w, uint32_t pasid, uint64_t iova)
{
	uint64_t word = 0;

	assert_int_equal(dma(w, pasid, iova, &word, false), 0);
	return word;
}

static void put(struct rig *rig, unsigned int page, uint64_t val)
{
	memcpy(rig->ram + page * RIG_PAGE, &val, sizeof(val));
}

static struct uiommu_smmuv3_endpoint_stats stats(struct world *w)
{
	struct uiommu_smmuv3_endpoint_stats s;

	uiommu_smmuv3_endpoint_stats(w->ep, &s);
	return s;
}

static uint64_t commands(struct rig *rig)
{
	return rig_stats(rig).commands;
}

/* ------------------------------------------------------------ on and off - */

static unsigned int switched[2]; /* off, on */

/* At both instants the SMMU answers translation requests. */
static void entry_has_ats(struct rig *rig, bool enable)
{
	struct uiommu_smmuv3_txn txn = { .sid = SID, .iova = IOVA };
	struct uiommu_ats_translation tr;

	assert_int_equal(
		uiommu_smmuv3_model_ats_translate(rig->model, &txn, &tr), 0);
	switched[enable]++;
}

static void ats_follows_the_domain(void **state)
{
	struct world w = begin();
	struct uiommu_hwdom *identity = rig_domain(w.rig, UIOMMU_DOM_IDENTITY);
	struct uiommu_hwdom *blocked = rig_domain(w.rig, UIOMMU_DOM_BLOCKED);
	struct uiommu_smmuv3_txn txn = { .sid = SID, .iova = IOVA };
	struct uiommu_ats_translation tr;
	uint64_t before;

	memset(switched, 0, sizeof(switched));
	w.rig->watch_ats = entry_has_ats;
	put(w.rig, 0, 0xaa);
	rig_map(w.dom, IOVA, w.rig->ram, RIG_PAGE, RW);
	assert_false(w.dev->ats);
	rig_attach(w.dom, w.dev);
	assert_true(w.dev->ats);
	assert_int_equal(switched[1], 1);
	assert_int_equal(read_word(&w, 0, IOVA), 0xaa);
	assert_int_equal(read_word(&w, 0, IOVA), 0xaa);
	assert_int_equal(stats(&w).atc_misses, 1);
	assert_int_equal(stats(&w).atc_hits, 1);
	/* off before the entry stops to translate, and the ATC is emptied */
	before = rig_counter(w.rig, "cmd/atc_inv");
	rig_attach(identity, w.dev);
	assert_false(w.dev->ats);
	assert_int_equal(switched[0], 1);
	assert_int_equal(rig_counter(w.rig, "cmd/atc_inv"), before + 2);
	assert_int_equal(uiommu_smmuv3_model_ats_translate(w.rig->model, &txn,
							   &tr),
			 -EOPNOTSUPP);
	assert_int_equal(read_word(&w, 0, (uintptr_t)w.rig->ram), 0xaa);
	rig_attach(blocked, w.dev);
	assert_int_equal(switched[0], 1);
	rig_attach(w.dom, w.dev);
	assert_int_equal(switched[1], 2);
	assert_int_equal(read_word(&w, 0, IOVA), 0xaa);
	end(&w);
	assert_int_equal(switched[0], 2);
}

/* A translated address is only taken from who has ATS. */
static void translated_addresses_are_checked(void **state)
{
	struct world w = begin();
	struct uiommu_hwdom *identity = rig_domain(w.rig, UIOMMU_DOM_IDENTITY);
	struct uiommu_smmuv3_dma req = {
		.txn = { .sid = SID,
			 .iova = (uintptr_t)w.rig->ram,
			 .flags = UIOMMU_TXN_TRANSLATED },
		.len = 8,
	};
	uint64_t word = 0;

	req.buf = &word;
	put(w.rig, 0, 0xbb);
	assert_int_equal(uiommu_smmuv3_model_dma(w.rig->model, &req), -EFAULT);
	rig_attach(w.dom, w.dev);
	assert_int_equal(uiommu_smmuv3_model_dma(w.rig->model, &req), 0);
	assert_int_equal(word, 0xbb);
	rig_attach(identity, w.dev);
	assert_int_equal(uiommu_smmuv3_model_dma(w.rig->model, &req), -EFAULT);
	end(&w);
}

/* --------------------------------------------------------- invalidation -- */

static void unmap_reaches_the_atc(void **state)
{
	struct world w = begin();
	uint64_t word, before;

	rig_attach(w.dom, w.dev);
	rig_map(w.dom, IOVA, w.rig->ram, 2 * RIG_PAGE, RW);
	read_word(&w, 0, IOVA);
	read_word(&w, 0, IOVA + RIG_PAGE);
	before = commands(w.rig);
	rig_unmap(w.dom, IOVA, RIG_PAGE);
	/* TLBI, SYNC, ATC_INV, SYNC */
	assert_int_equal(commands(w.rig) - before, 4);
	assert_int_equal(dma(&w, 0, IOVA, &word, false), -EFAULT);
	/* and nothing else went */
	read_word(&w, 0, IOVA + RIG_PAGE);
	assert_int_equal(stats(&w).atc_hits, 1);
	end(&w);
}

static void ranges_and_everything(void **state)
{
	struct world w = begin();
	uint64_t before, word, hits;

	rig_attach(w.dom, w.dev);
	rig_map(w.dom, IOVA, w.rig->ram, 64 * RIG_PAGE, RW);
	for (unsigned int i = 0; i < 64; i++)
		read_word(&w, 0, IOVA + i * RIG_PAGE);
	/* pages 3 to 12: the span of 16 around them */
	before = rig_counter(w.rig, "cmd/atc_inv");
	rig_unmap(w.dom, IOVA + 3 * RIG_PAGE, 10 * RIG_PAGE);
	assert_int_equal(rig_counter(w.rig, "cmd/atc_inv") - before, 1);
	for (unsigned int i = 3; i < 13; i++)
		assert_int_equal(dma(&w, 0, IOVA + i * RIG_PAGE, &word, false),
				 -EFAULT);
	/* what is outside of it still hits, until everything goes */
	hits = stats(&w).atc_hits;
	read_word(&w, 0, IOVA + 16 * RIG_PAGE);
	assert_int_equal(stats(&w).atc_hits, ++hits);
	assert_int_equal(w.dom->unit->ops->flush_all(w.dom), 0);
	read_word(&w, 0, IOVA + 16 * RIG_PAGE);
	assert_int_equal(stats(&w).atc_hits, hits);
	end(&w);
}

/* An ATC knows no ASIDs: what the old domain left must go. */
static void replace_reaches_the_atc(void **state)
{
	struct world w = begin();
	struct uiommu_hwdom *other = rig_domain(w.rig, UIOMMU_DOM_PAGING);
	struct uiommu_hwdom *s2 = rig_stage2(w.rig);

	put(w.rig, 0, 0xaa);
	put(w.rig, 1, 0xbb);
	put(w.rig, 2, 0xcc);
	rig_map(w.dom, IOVA, w.rig->ram, RIG_PAGE, RW);
	rig_map(other, IOVA, w.rig->ram + RIG_PAGE, RIG_PAGE, RW);
	rig_map(s2, IOVA, w.rig->ram + 2 * RIG_PAGE, RIG_PAGE, RW);
	for (unsigned int i = 0; i < 3; i++) {
		rig_attach(w.dom, w.dev);
		assert_int_equal(read_word(&w, 0, IOVA), 0xaa);
		rig_attach(other, w.dev);
		assert_int_equal(read_word(&w, 0, IOVA), 0xbb);
		rig_attach(s2, w.dev);
		assert_int_equal(read_word(&w, 0, IOVA), 0xcc);
	}
	rig_attach(w.dom, w.dev);
	w.rig->unit->ops->dom_free(other);
	w.rig->unit->ops->dom_free(s2);
	end(&w);
}

static void pasids_are_apart(void **state)
{
	struct world w = begin();
	struct uiommu_hwdom *other = rig_domain(w.rig, UIOMMU_DOM_PAGING);
	uint64_t word, hits;

	put(w.rig, 0, 0xaa);
	put(w.rig, 1, 0xbb);
	rig_map(w.dom, IOVA, w.rig->ram, RIG_PAGE, RW);
	rig_map(other, IOVA, w.rig->ram + RIG_PAGE, RIG_PAGE, RW);
	rig_attach(w.dom, w.dev);
	rig_set_pasid(other, w.dev, PASID, NULL);
	assert_int_equal(read_word(&w, 0, IOVA), 0xaa);
	assert_int_equal(read_word(&w, PASID, IOVA), 0xbb);
	/* of the PASID's domain: the other stays */
	rig_unmap(other, IOVA, RIG_PAGE);
	assert_int_equal(dma(&w, PASID, IOVA, &word, false), -EFAULT);
	hits = stats(&w).atc_hits;
	assert_int_equal(read_word(&w, 0, IOVA), 0xaa);
	assert_int_equal(stats(&w).atc_hits, hits + 1);
	/* one domain for both: one unmap reaches both */
	rig_set_pasid(w.dom, w.dev, PASID, other);
	assert_int_equal(read_word(&w, PASID, IOVA), 0xaa);
	rig_unmap(w.dom, IOVA, RIG_PAGE);
	assert_int_equal(dma(&w, PASID, IOVA, &word, false), -EFAULT);
	assert_int_equal(dma(&w, 0, IOVA, &word, false), -EFAULT);
	/* replaced, and detached */
	rig_map(w.dom, IOVA, w.rig->ram, RIG_PAGE, RW);
	rig_map(other, IOVA, w.rig->ram + RIG_PAGE, RIG_PAGE, RW);
	assert_int_equal(read_word(&w, PASID, IOVA), 0xaa);
	rig_set_pasid(other, w.dev, PASID, w.dom);
	assert_int_equal(read_word(&w, PASID, IOVA), 0xbb);
	rig_set_pasid(NULL, w.dev, PASID, other);
	assert_int_equal(dma(&w, PASID, IOVA, &word, false), -EFAULT);
	assert_int_equal(read_word(&w, 0, IOVA), 0xaa);
	w.rig->unit->ops->dom_free(other);
	end(&w);
}

/* ---------------------------------------------------------------- dirty -- */

static void count_pages(void *ctx, uiommu_iova_t iova, uint64_t len)
{
	*(uint64_t *)ctx += len / RIG_PAGE;
}

static uint64_t dirty_pages(struct world *w, struct uiommu_hwdom *dom)
{
	uint64_t nr = 0;

	assert_int_equal(w->rig->unit->ops->read_dirty(dom, IOVA, 2 * RIG_PAGE,
						       0, count_pages, &nr),
			 0);
	return nr;
}

/* An ATC that may write does not ask again, unless it is told to. */
static void dirty_pages_are_seen_again(void **state)
{
	const struct uiommu_dom_cfg cfg = { .type = UIOMMU_DOM_PAGING,
					    .flags = UIOMMU_DOM_DIRTY };
	struct world w = begin();
	struct uiommu_hwdom *dom;
	uint64_t word = 1;

	assert_int_equal(w.rig->unit->ops->dom_alloc(w.rig->unit, &cfg, &dom),
			 0);
	rig_map(dom, IOVA, w.rig->ram, 2 * RIG_PAGE, RW);
	rig_attach(dom, w.dev);
	dirty_pages(&w, dom);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(dma(&w, 0, IOVA, &word, true), 0);
		assert_int_equal(dirty_pages(&w, dom), 1);
		assert_int_equal(dirty_pages(&w, dom), 0);
	}
	rig_attach(w.dom, w.dev);
	w.rig->unit->ops->dom_free(dom);
	end(&w);
}

/* A device that left is not told any more. */
static void who_left_is_not_told(void **state)
{
	struct world w = begin();
	struct uiommu_hwdev *plain = rig_device(w.rig, 77);
	uint64_t before;

	rig_map(w.dom, IOVA, w.rig->ram, RIG_PAGE, RW);
	rig_attach(w.dom, w.dev);
	rig_attach(w.dom, plain);
	rig_attach(rig_domain(w.rig, UIOMMU_DOM_BLOCKED), w.dev);
	before = commands(w.rig);
	rig_unmap(w.dom, IOVA, RIG_PAGE);
	assert_int_equal(commands(w.rig) - before, 2);
	w.rig->unit->ops->dev_remove(plain);
	end(&w);
}

/* ------------------------------------------------------------ disobeying - */

static void deaf(struct rig *rig, uint32_t sid, unsigned int times)
{
	rig->deaf_sid = sid;
	rig->deaf_for = times;
}

static bool has_ats(struct rig *rig, uint32_t sid)
{
	struct uiommu_smmuv3_txn txn = { .sid = sid, .iova = IOVA };
	struct uiommu_ats_translation tr;

	return uiommu_smmuv3_model_ats_translate(rig->model, &txn, &tr) !=
	       -EOPNOTSUPP;
}

/* A time-out that the device makes good for when it is asked again. */
static void flush_asks_again(void **state)
{
	struct world w = begin();
	uint64_t word;

	rig_attach(w.dom, w.dev);
	rig_map(w.dom, IOVA, w.rig->ram, 2 * RIG_PAGE, RW);
	read_word(&w, 0, IOVA);
	read_word(&w, 0, IOVA + RIG_PAGE);
	deaf(w.rig, SID, 1);
	rig_unmap(w.dom, IOVA, RIG_PAGE);
	assert_int_equal(rig_counter(w.rig, "cmdq/atc_timeouts"), 1);
	assert_true(w.dev->ats && has_ats(w.rig, SID));
	assert_int_equal(dma(&w, 0, IOVA, &word, false), -EFAULT);
	read_word(&w, 0, IOVA + RIG_PAGE);
	end(&w);
}

/*
 * One that does not obey may keep what it holds: nobody takes it.  The flush has
 * succeeded then, for memory that the device cannot reach any more, and so have
 * those of its neighbours, who keep their ATS.
 */
static void flush_takes_ats_away(void **state)
{
	struct world w = begin();
	struct uiommu_hwdev *other = rig_ats_device(w.rig, SID + 1, 8);
	struct uiommu_smmuv3_dma held = {
		.txn = { .sid = SID,
			 .iova = (uintptr_t)w.rig->ram,
			 .flags = UIOMMU_TXN_TRANSLATED },
		.len = 8,
	};
	uint64_t word, before;

	held.buf = &word;
	put(w.rig, 1, 0xbb);
	rig_attach(w.dom, w.dev);
	rig_attach(w.dom, other);
	rig_map(w.dom, IOVA, w.rig->ram, 2 * RIG_PAGE, RW);
	read_word(&w, 0, IOVA);
	memset(switched, 0, sizeof(switched));
	w.rig->watch_ats = entry_has_ats;
	assert_int_equal(uiommu_smmuv3_model_dma(w.rig->model, &held), 0);
	deaf(w.rig, SID, 100);
	rig_unmap(w.dom, IOVA, RIG_PAGE);
	/* the ATC holds it, and nobody believes it any more */
	assert_int_equal(uiommu_smmuv3_model_dma(w.rig->model, &held), -EFAULT);
	assert_int_equal(switched[0], 1);
	assert_false(w.dev->ats || has_ats(w.rig, SID));
	assert_true(other->ats && has_ats(w.rig, SID + 1));
	assert_int_equal(dma(&w, 0, IOVA, &word, false), -EFAULT);
	assert_int_equal(read_word(&w, 0, IOVA + RIG_PAGE), 0xbb);
	/* from now on it is not asked */
	before = rig_counter(w.rig, "cmdq/atc_timeouts");
	rig_unmap(w.dom, IOVA + RIG_PAGE, RIG_PAGE);
	assert_int_equal(rig_counter(w.rig, "cmdq/atc_timeouts"), before);
	w.rig->watch_ats = NULL;
	w.rig->unit->ops->dev_remove(other);
	end(&w);
}

/* On several SMMUs, more than are asked at a time. */
static void flush_of_many_units(void **state)
{
	struct world w = begin();
	struct uiommu_hwdev *dev[11];
	struct rig *rig[11];
	struct rig_cfg cfg;

	rig_default(&cfg);
	rig_map(w.dom, IOVA, w.rig->ram, RIG_PAGE, RW);
	for (unsigned int i = 0; i < 11; i++) {
		rig[i] = rig_join(&cfg, w.rig);
		dev[i] = rig_ats_device(rig[i], SID, 0);
		rig_attach(w.dom, dev[i]);
		deaf(rig[i], SID, i == 3 ? 0 : 100);
	}
	rig_unmap(w.dom, IOVA, RIG_PAGE);
	for (unsigned int i = 0; i < 11; i++) {
		assert_int_equal(has_ats(rig[i], SID), i == 3);
		rig[i]->unit->ops->dev_remove(dev[i]);
	}
	w.rig->unit->ops->dev_remove(w.dev);
	w.rig->unit->ops->dom_free(w.dom);
	for (unsigned int i = 0; i < 11; i++)
		rig_destroy(rig[i]);
	rig_destroy(w.rig);
}

/*
 * In an attach the device loses ATS too: what it holds is of no use, and what it
 * asks untranslated goes on.
 */
static void attach_takes_ats_away(void **state)
{
	struct world w = begin();
	struct uiommu_hwdom *other = rig_domain(w.rig, UIOMMU_DOM_PAGING);

	put(w.rig, 0, 0xaa);
	put(w.rig, 1, 0xbb);
	rig_map(w.dom, IOVA, w.rig->ram, RIG_PAGE, RW);
	rig_map(other, IOVA, w.rig->ram + RIG_PAGE, RIG_PAGE, RW);
	rig_attach(w.dom, w.dev);
	assert_int_equal(read_word(&w, 0, IOVA), 0xaa);
	deaf(w.rig, SID, 100);
	rig_attach(other, w.dev);
	assert_false(w.dev->ats || has_ats(w.rig, SID));
	assert_int_equal(read_word(&w, 0, IOVA), 0xbb);
	assert_true(stats(&w).untranslated > 0);
	/* for good */
	deaf(w.rig, SID, 0);
	rig_attach(w.dom, w.dev);
	assert_false(w.dev->ats);
	assert_int_equal(read_word(&w, 0, IOVA), 0xaa);
	w.rig->unit->ops->dom_free(other);
	end(&w);
}

/* Beside PASIDs an identity domain is in ATCs as any other. */
static void identity_leaves_the_atc(void **state)
{
	struct world w = begin();
	struct uiommu_hwdom *identity = rig_domain(w.rig, UIOMMU_DOM_IDENTITY);
	uint64_t word;

	put(w.rig, 0, 0xaa);
	rig_set_pasid(w.dom, w.dev, PASID, NULL);
	rig_attach(identity, w.dev);
	assert_int_equal(read_word(&w, 0, (uintptr_t)w.rig->ram), 0xaa);
	assert_int_equal(read_word(&w, 0, (uintptr_t)w.rig->ram), 0xaa);
	assert_int_equal(stats(&w).atc_hits, 1);
	rig_attach(w.dom, w.dev);
	assert_int_equal(dma(&w, 0, (uintptr_t)w.rig->ram, &word, false),
			 -EFAULT);
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ats_follows_the_domain),
		cmocka_unit_test(translated_addresses_are_checked),
		cmocka_unit_test(unmap_reaches_the_atc),
		cmocka_unit_test(ranges_and_everything),
		cmocka_unit_test(replace_reaches_the_atc),
		cmocka_unit_test(pasids_are_apart),
		cmocka_unit_test(dirty_pages_are_seen_again),
		cmocka_unit_test(who_left_is_not_told),
		cmocka_unit_test(flush_asks_again),
		cmocka_unit_test(flush_takes_ats_away),
		cmocka_unit_test(flush_of_many_units),
		cmocka_unit_test(attach_takes_ats_away),
		cmocka_unit_test(identity_leaves_the_atc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
