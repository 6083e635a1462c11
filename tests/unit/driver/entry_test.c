/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The writer of live entries against a recorder that acts as the hardware
 * between any two stores: it may have read each word at any time since the last
 * sync, so every mix of the values that the words had since then is tried, and
 * each must mean the old entry, the new one or, where announced, an abort.
 *
 * What an entry means is written down here a second time, from the tables of
 * the specification and not from the driver's masks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "driver/smmuv3/entry.h"

/* ------------------------------------------- the meaning of an entry -- */

enum what {
	INVALID,
	ABORT,
	LIVE
};

struct meaning {
	enum what what;
	uint64_t q[8]; /* LIVE: the bits that count */
};

/* Bits hi..lo as the specification numbers them, of the word they are in. */
static uint64_t bits(unsigned int hi, unsigned int lo)
{
	return ~0ull >> (63 - (hi - lo)) << (lo % 64);
}

static void ste_meaning(const uint64_t q[8], struct meaning *m)
{
	unsigned int config = q[0] >> 1 & 7, i;
	uint64_t use[8] = { 0 };

	memset(m, 0, sizeof(*m));
	m->what = !(q[0] & 1) ? INVALID : config < 4 ? ABORT : LIVE;
	if (m->what != LIVE)
		return;
	use[0] = bits(3, 0);
	/* DRE CONT DCP PPAR MEV, MemAttr MTCFG ALLOCCFG, SHCFG, PRIVCFG
	 * INSTCFG */
	use[1] = bits(83, 76) | bits(104, 96) | bits(109, 108) | bits(115, 112);
	use[4] = bits(287, 272);
	use[5] = bits(328, 320);
	if (config != 4) /* EATS */
		use[1] |= bits(93, 92);
	if (config == 5) /* STRW */
		use[1] |= bits(95, 94);
	if (config & 1) {
		use[0] |= bits(55, 6) | bits(63, 59);
		if (q[0] >> 59) { /* S1Fmt and S1DSS: more than one CD */
			use[0] |= bits(5, 4);
			use[1] |= bits(65, 64);
		}
		/* S1CIR S1COR S1CSH, S1PIE, S1MPAM S1STALLD */
		use[1] |= bits(71, 66) | bits(88, 88) | bits(91, 90);
		use[2] |= bits(143, 128);
	}
	if (config & 2) {
		use[1] |= bits(75, 72) | bits(89, 89);
		use[2] |= bits(143, 128) | bits(191, 160);
		use[3] |= bits(195, 194) | bits(247, 196) | bits(254, 253);
		use[5] |= bits(331, 329) | bits(375, 332);
		use[7] = ~0ull;
	}
	for (i = 0; i < 8; i++)
		m->q[i] = q[i] & use[i];
}

/* Split-stage and full ATS: 0 where the entry has no ATS. */
static unsigned int ste_eats(const struct meaning *m)
{
	return m->what == LIVE ? m->q[1] >> (92 - 64) & 3 : 0;
}

static void cd_meaning(const uint64_t q[8], struct meaning *m)
{
	uint64_t use[8];
	unsigned int i;

	memset(m, 0, sizeof(*m));
	m->what = q[0] >> 31 & 1 ? LIVE : INVALID;
	if (m->what != LIVE)
		return;
	memset(use, 0xff, sizeof(use));
	if (q[0] >> 14 & 1) { /* EPD0 */
		use[0] &= ~bits(13, 0);
		use[1] &= ~(bits(66, 65) | bits(119, 68) | bits(127, 124));
	}
	if (q[0] >> 30 & 1) { /* EPD1 */
		use[0] &= ~bits(29, 16);
		use[2] &= ~(bits(130, 129) | bits(183, 132) | bits(191, 188));
	}
	for (i = 0; i < 8; i++)
		m->q[i] = q[i] & use[i];
}

static bool same(const struct meaning *a, const struct meaning *b)
{
	return a->what == b->what && !memcmp(a->q, b->q, sizeof(a->q));
}

/* ------------------------------------------------------- the recorder -- */

#define MAX_VERSIONS 4

struct recorder {
	void (*meaning)(const uint64_t q[8], struct meaning *m);
	struct meaning old, new;
	le64_t *live;
	/* Values each word had since the last sync. */
	uint64_t version[8][MAX_VERSIONS];
	unsigned int nr_versions[8];
	unsigned int stores, syncs;
	unsigned int fail_sync; /* this one returns -ETIMEDOUT; 0: none */
	bool saw_abort;
};

static void check_mix(struct recorder *rec, const unsigned int pick[8])
{
	struct meaning m;
	uint64_t q[8];
	unsigned int i;

	for (i = 0; i < 8; i++)
		q[i] = rec->version[i][pick[i]];
	rec->meaning(q, &m);
	if (same(&m, &rec->old) || same(&m, &rec->new))
		return;
	assert_int_equal(m.what, ABORT);
	rec->saw_abort = true;
}

static void check_all_mixes(struct recorder *rec)
{
	unsigned int pick[8] = { 0 }, i;

	do {
		check_mix(rec, pick);
		for (i = 0; i < 8; i++) {
			if (++pick[i] < rec->nr_versions[i])
				break;
			pick[i] = 0;
		}
	} while (i < 8);
}

static void rec_store(void *ctx, unsigned int i, le64_t value)
{
	struct recorder *rec = ctx;

	assert_in_range(i, 0, 7);
	assert_true(rec->nr_versions[i] < MAX_VERSIONS);
	rec->live[i] = value;
	rec->version[i][rec->nr_versions[i]++] = le64_to_cpu(value);
	rec->stores++;
	check_all_mixes(rec);
}

static void forget(struct recorder *rec)
{
	unsigned int i;

	for (i = 0; i < 8; i++) {
		rec->version[i][0] = le64_to_cpu(rec->live[i]);
		rec->nr_versions[i] = 1;
	}
}

static int rec_sync(void *ctx)
{
	struct recorder *rec = ctx;

	if (++rec->syncs == rec->fail_sync)
		return -ETIMEDOUT;
	forget(rec);
	return 0;
}

static const struct smmuv3_entry_ops ste_ops = {
	.used = smmuv3_ste_used,
	.abort_q0 = 1,
	.indirect = smmuv3_ste_indirect,
	.store = rec_store,
	.sync = rec_sync,
};

static const struct smmuv3_entry_ops cd_ops = {
	.used = smmuv3_cd_used,
	.store = rec_store,
	.sync = rec_sync,
};

static int write_entry(const struct smmuv3_entry_ops *ops, struct recorder *rec,
		       const uint64_t from[8], const uint64_t to[8],
		       unsigned int fail_sync)
{
	static le64_t live[8];
	unsigned int i;

	memset(rec, 0, sizeof(*rec));
	rec->meaning = ops == &cd_ops ? cd_meaning : ste_meaning;
	rec->live = live;
	rec->fail_sync = fail_sync;
	for (i = 0; i < 8; i++)
		live[i] = cpu_to_le64(from[i]);
	rec->meaning(from, &rec->old);
	rec->meaning(to, &rec->new);
	forget(rec);
	return smmuv3_entry_write(ops, rec, live, to);
}

/* After success memory is the target, and nothing else may be cached. */
static void assert_done(const struct recorder *rec, const uint64_t to[8])
{
	unsigned int i;

	for (i = 0; i < 8; i++) {
		assert_int_equal(le64_to_cpu(rec->live[i]), to[i]);
		assert_int_equal(rec->nr_versions[i], 1);
	}
}

/* ---------------------------------------------------- random entries -- */

static uint64_t rng = 88172645463325252ull;

static uint64_t rnd(void)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng;
}

/* A few values per field, so that fields often agree between two entries. */
static uint64_t some(uint64_t mask)
{
	static const uint64_t pattern[4] = { 0x5a5a5a5a5a5a5a5aull,
					     0xa5c3a5c3a5c3a5c3ull,
					     0x3c963c963c963c96ull,
					     0xffffffffffffffffull };

	return pattern[rnd() % 4] & mask;
}

/* One of 1 to `max`, few enough to meet again. */
static uint64_t one_of(uint64_t max)
{
	static const uint8_t few[4] = { 1, 2, 5, 9 };

	return 1 + few[rnd() % 4] % max;
}

/*
 * A legal entry of each kind that a driver may want (IHI 0070 5.2.2): abort,
 * bypass, stage 1 with one CD, a linear or a two-level table and each S1DSS,
 * stage 2, both; tags are never 0.
 */
static void random_ste(uint64_t q[8])
{
	static const uint8_t configs[5] = { 0, 4, 5, 6, 7 };
	unsigned int config = configs[rnd() % 5], eats;

	memset(q, 0, 64);
	q[0] = 1 | config << 1;
	if (!(config & 4))
		return;
	q[1] = some(bits(109, 108));
	eats = rnd() % 3;
	/* Split-stage ATS wants both stages, and either wants no stalls. */
	if (config != 4 && (eats != 2 || config == 7))
		q[1] |= (uint64_t)eats << (92 - 64);
	if (config & 1) {
		q[0] |= some(bits(55, 6) & ~0xfffull);
		if (rnd() % 3) {
			q[0] |= one_of(19) << 59;
			q[0] |= (rnd() % 3) << 4;
			q[1] |= rnd() % 3;
		}
		q[1] |= some(bits(71, 66)) | some(bits(91, 91));
		q[2] |= one_of(9);
	}
	if (config == 5 && rnd() % 4 == 0)
		q[1] |= 2ull << (94 - 64); /* STRW: EL2 */
	if (config & 2) {
		q[2] |= one_of(9) | (16 + one_of(9)) << 32;
		q[2] |= some(bits(173, 168)) | some(bits(182, 179));
		/* S2S only without ATS */
		if (!(q[1] & bits(93, 92)))
			q[2] |= some(bits(185, 185));
		q[3] |= some(bits(247, 196) & ~0xfffull);
	}
	if (config == 7)
		q[5] |= some(bits(375, 332));
}

static void random_cd(uint64_t q[8])
{
	unsigned int half;

	memset(q, 0, 64);
	if (rnd() % 8 == 0)
		return; /* none */
	half = rnd() % 3;
	q[0] = 1ull << 31 | 1ull << 41 | 0xe000ull << 32 | some(bits(63, 48));
	q[0] |= some(bits(34, 32));
	if (half != 1)
		q[0] |= some(bits(13, 0)), q[1] |= some(bits(119, 68));
	else
		q[0] |= 1 << 14;
	if (half != 0)
		q[0] |= some(bits(29, 16)), q[2] |= some(bits(183, 132));
	else
		q[0] |= 1 << 30;
	q[3] = some(~0ull);
}

static void any_ste_to_any_other(void **state)
{
	uint64_t from[8], to[8];
	struct recorder rec;
	unsigned int i, hit = 0, aborts = 0;
	enum smmuv3_entry_way way;
	le64_t live[8];
	unsigned int w;

	for (i = 0; i < 30000; i++) {
		random_ste(from);
		random_ste(to);
		for (w = 0; w < 8; w++)
			live[w] = cpu_to_le64(from[w]);
		way = smmuv3_entry_way(&ste_ops, live, to);
		assert_int_equal(write_entry(&ste_ops, &rec, from, to, 0), 0);
		assert_done(&rec, to);
		if (way != SMMUV3_ENTRY_ABORT && rec.old.what != ABORT &&
		    rec.new.what != ABORT)
			assert_false(rec.saw_abort);
		if (ste_eats(&rec.old) + ste_eats(&rec.new) == 3 &&
		    ste_eats(&rec.old) && ste_eats(&rec.new))
			assert_int_equal(way, SMMUV3_ENTRY_ABORT);
		hit += way == SMMUV3_ENTRY_HITLESS;
		aborts += way == SMMUV3_ENTRY_ABORT;
	}
	/* The generator reaches both. */
	assert_true(hit > 1000);
	assert_true(aborts > 1000);
}

static void any_cd_to_any_other_or_not_at_all(void **state)
{
	uint64_t from[8], to[8];
	unsigned int i, w, hit = 0, refused = 0;
	struct recorder rec;
	int rc;

	for (i = 0; i < 30000; i++) {
		random_cd(from);
		random_cd(to);
		/* Often nearly the same. */
		if (rnd() % 2) {
			memcpy(to, from, sizeof(to));
			to[rnd() % 4] ^= some(bits(63, 48) | bits(12, 8));
		}
		rc = write_entry(&cd_ops, &rec, from, to, 0);
		assert_false(rec.saw_abort);
		if (rc) {
			assert_int_equal(rc, -EBUSY);
			assert_int_equal(rec.stores, 0);
			for (w = 0; w < 8; w++)
				assert_int_equal(le64_to_cpu(rec.live[w]),
						 from[w]);
			refused++;
		} else {
			assert_done(&rec, to);
			hit += rec.stores != 0;
		}
	}
	assert_true(hit > 1000);
	assert_true(refused > 1000);
}

static void a_failed_sync_stops_between_old_and_new(void **state)
{
	uint64_t from[8], to[8];
	struct recorder rec;
	unsigned int i, at, failed = 0;

	for (i = 0; i < 3000; i++) {
		random_ste(from);
		random_ste(to);
		for (at = 1; at <= 4; at++) {
			if (write_entry(&ste_ops, &rec, from, to, at)) {
				assert_int_equal(rec.syncs, at);
				failed++;
			} else {
				assert_true(rec.syncs < at);
			}
		}
	}
	assert_true(failed > 3000);
}

/* ---------------------------------------------------- ways of our own -- */

static enum smmuv3_entry_way way_between(const struct smmu_ste *from,
					 const struct smmu_ste *to,
					 unsigned int *syncs)
{
	enum smmuv3_entry_way way;
	struct recorder rec;
	le64_t live[8];
	unsigned int i;

	for (i = 0; i < 8; i++)
		live[i] = cpu_to_le64(from->q[i]);
	way = smmuv3_entry_way(&ste_ops, live, to->q);
	assert_int_equal(write_entry(&ste_ops, &rec, from->q, to->q, 0), 0);
	*syncs = rec.syncs;
	return way;
}

static void what_attach_does_is_hitless(void **state)
{
	struct smmuv3_ste_s1_cfg cfg = {
		.cdtab = 0x1000,
		.coherent = true,
		.no_stall = true,
		.vmid = 7,
	};
	struct smmu_ste abort, bypass, s1a, s1b;
	unsigned int syncs;

	smmuv3_make_ste_abort(&abort);
	smmuv3_make_ste_bypass(&bypass);
	smmuv3_make_ste_s1(&s1a, &cfg);
	cfg.cdtab = 0x1040;
	smmuv3_make_ste_s1(&s1b, &cfg);

	assert_int_equal(way_between(&s1a, &s1b, &syncs), SMMUV3_ENTRY_HITLESS);
	assert_int_equal(syncs, 1);
	assert_int_equal(way_between(&abort, &s1a, &syncs),
			 SMMUV3_ENTRY_HITLESS);
	assert_int_equal(syncs, 2);
	assert_int_equal(way_between(&s1a, &abort, &syncs),
			 SMMUV3_ENTRY_HITLESS);
	assert_int_equal(way_between(&bypass, &s1a, &syncs),
			 SMMUV3_ENTRY_HITLESS);
	assert_int_equal(way_between(&s1a, &bypass, &syncs),
			 SMMUV3_ENTRY_HITLESS);
	assert_int_equal(way_between(&s1a, &s1a, &syncs), SMMUV3_ENTRY_SAME);
	assert_int_equal(syncs, 0);
}

static void another_vmid_needs_the_abort_entry(void **state)
{
	struct smmuv3_ste_s1_cfg cfg = { .cdtab = 0x1000, .vmid = 7 };
	struct smmu_ste from, to;
	unsigned int syncs;

	smmuv3_make_ste_s1(&from, &cfg);
	cfg.cdtab = 0x2000;
	cfg.vmid = 8;
	smmuv3_make_ste_s1(&to, &cfg);
	assert_int_equal(way_between(&from, &to, &syncs), SMMUV3_ENTRY_ABORT);
	/* The same pointer: one word. */
	cfg.cdtab = 0x1000;
	smmuv3_make_ste_s1(&to, &cfg);
	assert_int_equal(way_between(&from, &to, &syncs), SMMUV3_ENTRY_HITLESS);
}

static void stage1_to_stage2_with_one_tag_is_hitless(void **state)
{
	struct smmuv3_ste_s1_cfg cfg = { .cdtab = 0x1000,
					 .coherent = true,
					 .vmid = 7 };
	struct smmu_ste s1, s2;
	unsigned int syncs;

	smmuv3_make_ste_s1(&s1, &cfg);
	memset(&s2, 0, sizeof(s2));
	s2.q[0] = 0xd;
	s2.q[1] = 0x0000100000000000;
	s2.q[2] = 0x044d355800000007;
	s2.q[3] = 0x12345000;
	assert_int_equal(way_between(&s1, &s2, &syncs), SMMUV3_ENTRY_HITLESS);
	assert_int_equal(syncs, 3);
	s2.q[2] = 0x044d355800000005;
	assert_int_equal(way_between(&s1, &s2, &syncs), SMMUV3_ENTRY_ABORT);
}

/* Forms of a CD table: pointer, format and size are one word. */
static void a_cd_table_grows_and_shrinks_hitless(void **state)
{
	struct smmuv3_ste_s1_cfg cfg = { .cdtab = 0x1000,
					 .s1dss = 2,
					 .vmid = 7 };
	struct smmu_ste one, linear, two, terminate, bypass;
	unsigned int syncs;

	smmuv3_make_ste_s1(&one, &cfg);
	cfg.s1cdmax = 6;
	smmuv3_make_ste_s1(&linear, &cfg);
	cfg.cdtab = 0x2000;
	cfg.s1cdmax = 20;
	cfg.s1fmt = 1;
	smmuv3_make_ste_s1(&two, &cfg);
	cfg.s1dss = 0;
	smmuv3_make_ste_s1(&terminate, &cfg);
	smmuv3_make_ste_bypass(&bypass);

	assert_int_equal(way_between(&one, &linear, &syncs),
			 SMMUV3_ENTRY_HITLESS);
	assert_int_equal(syncs, 1);
	assert_int_equal(way_between(&linear, &two, &syncs),
			 SMMUV3_ENTRY_HITLESS);
	assert_int_equal(syncs, 1);
	assert_int_equal(way_between(&two, &one, &syncs), SMMUV3_ENTRY_HITLESS);
	assert_int_equal(syncs, 1);
	assert_int_equal(way_between(&two, &terminate, &syncs),
			 SMMUV3_ENTRY_HITLESS);
	assert_int_equal(syncs, 1);
	assert_int_equal(way_between(&bypass, &terminate, &syncs),
			 SMMUV3_ENTRY_HITLESS);
	/* another format and what becomes of no substream: two words */
	assert_int_equal(way_between(&linear, &terminate, &syncs),
			 SMMUV3_ENTRY_ABORT);
}

static void a_cd_comes_and_goes_by_one_store(void **state)
{
	struct smmuv3_cd_cfg cfg = {
		.pt = { .root = 0x7000,
			.granule_lg2 = 12,
			.ias = 48,
			.oas = 48 },
		.asid = 0x33,
	};
	uint64_t none[8] = { 0 }, gone[8];
	struct recorder rec;
	struct smmu_cd cd;

	smmuv3_make_cd_s1(&cd, &cfg);
	assert_int_equal(write_entry(&cd_ops, &rec, none, cd.q, 0), 0);
	assert_int_equal(rec.syncs, 2);
	memcpy(gone, cd.q, sizeof(gone));
	gone[0] &= ~(1ull << 31);
	assert_int_equal(write_entry(&cd_ops, &rec, cd.q, gone, 0), 0);
	assert_int_equal(rec.stores, 1);
	assert_int_equal(rec.syncs, 1);
	/* back again, and nothing else was changed in between */
	assert_int_equal(write_entry(&cd_ops, &rec, gone, cd.q, 0), 0);
	assert_int_equal(rec.stores, 1);
}

static void stopping_needs_one_store(void **state)
{
	uint64_t from[8];
	struct recorder rec;
	unsigned int i;

	for (i = 0; i < 100; i++) {
		random_ste(from);
		write_entry(&ste_ops, &rec, from, from, 0);
		smmuv3_entry_stop(&ste_ops, &rec);
		assert_int_equal(rec.stores, 1);
		assert_int_equal(rec.syncs, 0);
		assert_int_equal(le64_to_cpu(rec.live[0]), 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_ste_to_any_other),
		cmocka_unit_test(any_cd_to_any_other_or_not_at_all),
		cmocka_unit_test(a_failed_sync_stops_between_old_and_new),
		cmocka_unit_test(what_attach_does_is_hitless),
		cmocka_unit_test(another_vmid_needs_the_abort_entry),
		cmocka_unit_test(stage1_to_stage2_with_one_tag_is_hitless),
		cmocka_unit_test(a_cd_table_grows_and_shrinks_hitless),
		cmocka_unit_test(a_cd_comes_and_goes_by_one_store),
		cmocka_unit_test(stopping_needs_one_store),
	};

	return cmocka_run_group_tests_name("driver-entry", tests, NULL, NULL);
}
