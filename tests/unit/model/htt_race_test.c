/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Updates of descriptors that do not go smoothly: memory that aborts, others
 * that are faster, and CPUs that change the same descriptors all the time.
 */
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "base/atomic.h"
#include "htt_rig.h"

/* A host whose compare-and-swap does something else first. */
struct odd {
	struct uiommu_model_host inner;
	struct model_ram *ram;
	uint64_t pa;  /* whose updates */
	uint64_t now; /* is written before the first */
	bool toggles; /* or a software bit changes before each */
	bool aborts;
	unsigned int calls;
};

static int odd_read(void *ctx, uiommu_pa_t pa, void *buf, size_t len,
		    struct uiommu_mem_attrs attrs)
{
	struct odd *o = ctx;

	return o->inner.read(o->inner.ctx, pa, buf, len, attrs);
}

static int odd_write(void *ctx, uiommu_pa_t pa, const void *buf, size_t len,
		     struct uiommu_mem_attrs attrs)
{
	struct odd *o = ctx;

	return o->inner.write(o->inner.ctx, pa, buf, len, attrs);
}

static int odd_cmpxchg64(void *ctx, uiommu_pa_t pa, uint64_t *expected,
			 uint64_t want)
{
	struct odd *o = ctx;

	if (pa == o->pa) {
		if (o->aborts)
			return -5;
		if (o->toggles)
			ram_w64(o->ram, pa, ram_r64(o->ram, pa) ^ 1ull << 55);
		else if (!o->calls)
			ram_w64(o->ram, pa, o->now);
		o->calls++;
	}
	return o->inner.cmpxchg64(o->inner.ctx, pa, expected, want);
}

static void odd_irq(void *ctx, unsigned int line)
{
}

static void be_odd(struct rig *r, struct odd *o)
{
	struct uiommu_smmuv3_profile p = htt_profile(3);
	struct uiommu_model_host host = {
		.ctx = o,
		.read = odd_read,
		.write = odd_write,
		.cmpxchg64 = odd_cmpxchg64,
		.irq = odd_irq,
	};

	o->inner = model_ram_host(&r->ram);
	o->ram = &r->ram;
	rig_remake(r, &p, &host);
}

static void an_update_that_aborts(void **state)
{
	struct rig *r = *state;
	struct odd o = { .aborts = true };
	struct uiommu_smmuv3_xlate x;
	struct nested n;
	uint64_t table;

	be_odd(r, &o);
	table = stream_with(r, CD_HA);
	put(r, table, 0x1000, RIG_DATA | RW_OLD);
	o.pa = rig_pte4k(r, table, 0x1000);
	assert_int_equal(rig_xlate(r, 1, 0, 0x1234, &x), -14);
	rig_expect_event(r, 0x000000010000000b, 0x0000010800000000, 0x1234,
			 o.pa);
	/* stage 2's page of a table of stage 1 */
	n = nested(r, CD_HA, STE_S2HA, S2_OLD);
	o.pa = s2_pte(r, n.s2, n.s1);
	assert_int_equal(rig_xlate(r, 1, 0, 0x5678, &x), -14);
	rig_expect_event(r, 0x000000010000000b, 0x0000018800000000, 0x5678,
			 o.pa);
	/* of the CD, and of the page itself */
	o.pa = s2_pte(r, n.s2, RIG_CD);
	put(r, n.s2, RIG_CD, RIG_CD | S2_OLD); /* no such place: unharmed */
	ram_w64(&r->ram, o.pa, RIG_CD | S2_OLD);
	rig_inval_all(r);
	assert_int_equal(rig_xlate(r, 1, 0, 0x5678, &x), -14);
	rig_expect_event(r, 0x000000010000000b, 0x0000008800000000, 0x5678,
			 o.pa);
	o.pa = s2_pte(r, n.s2, 0x12345000);
	assert_int_equal(rig_xlate(r, 1, 0, 0x5678, &x), -14);
	rig_expect_event(r, 0x000000010000000b, 0x0000028800000000, 0x5678,
			 o.pa);
}

/* Somebody is faster: what they wrote is what counts. */
static void lost_races(void **state)
{
	static const struct {
		uint64_t now, after;
		uint8_t type; /* 0: works */
	} rows[] = {
		/* a bit of software's */
		{ RIG_DATA | CLEAN_OLD | 1ull << 57,
		  ((RIG_DATA | CLEAN_OLD | 1ull << 57 | AF) & ~AP_RO), 0 },
		/* already done */
		{ RIG_DATA | RW_OLD | AF, RIG_DATA | RW_OLD | AF, 0 },
		/* another page */
		{ (RIG_DATA + 0x9000) | CLEAN_OLD,
		  (((RIG_DATA + 0x9000) | CLEAN_OLD | AF) & ~AP_RO), 0 },
		/* unmapped */
		{ 0, 0, SMMU_EVT_F_TRANSLATION },
		{ (RIG_DATA | CLEAN_OLD) & ~1ull,
		  (RIG_DATA | CLEAN_OLD) & ~1ull, SMMU_EVT_F_TRANSLATION },
		/* out of range, or not to be written */
		{ (RIG_DATA | CLEAN_OLD) & ~DBM, (RIG_DATA | CLEAN_OLD) & ~DBM,
		  SMMU_EVT_F_PERMISSION },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rig *r = *state;
		struct odd o = { .now = rows[i].now };
		struct uiommu_smmuv3_xlate x;
		uint64_t table;

		be_odd(r, &o);
		table = stream_with(r, CD_HA | CD_HD);
		put(r, table, 0x1000, RIG_DATA | CLEAN_OLD);
		o.pa = rig_pte4k(r, table, 0x1000);
		r->info.event_type = 0;
		assert_int_equal(rig_xlate(r, 1, UIOMMU_TXN_WRITE, 0x1123, &x),
				 rows[i].type ? -14 : 0);
		assert_int_equal(r->info.event_type, rows[i].type);
		expect_desc(r, table, 0x1000, rows[i].after);
		if (!rows[i].type)
			assert_int_equal(x.pa,
					 (rows[i].now & GENMASK64(47, 12)) +
						 0x123);
	}
}

/* A block becomes a table while it is marked: the walk goes down. */
static void a_block_that_is_split(void **state)
{
	struct rig *r = *state;
	struct odd o = { 0 };
	uint64_t table, l3;

	be_odd(r, &o);
	table = stream_with(r, CD_HA);
	rig_map(r, table, 12, 0, 2, 0x200000, RIG_DATA | (RW_OLD & ~2ull));
	l3 = rig_table(r, 4096);
	ram_w64(&r->ram, l3 + 8, (RIG_DATA + 0x5000) | RW_OLD);
	o.pa = rig_pte4k(r, table, 0x200000); /* walks the block as a table */
	o.pa = ram_r64(&r->ram, table) & ~0xfffull;
	o.pa = (ram_r64(&r->ram, o.pa) & ~0xfffull) + 8;
	o.now = l3 | 3;
	rig_expect_pa(r, 1, 0x201234, RIG_DATA + 0x5234);
	assert_int_equal(ram_r64(&r->ram, o.pa), l3 | 3);
	assert_int_equal(ram_r64(&r->ram, l3 + 8),
			 (RIG_DATA + 0x5000) | RW_OLD | AF);
}

/* Others that never stop cost an abort, and a bounded number of tries. */
static void races_that_never_end(void **state)
{
	struct rig *r = *state;
	struct odd o = { .toggles = true };
	struct uiommu_smmuv3_xlate x;
	uint64_t table, was;

	be_odd(r, &o);
	table = stream_with(r, CD_HA | CD_HD);
	put(r, table, 0x1000, RIG_DATA | CLEAN_OLD);
	o.pa = rig_pte4k(r, table, 0x1000);
	assert_int_equal(rig_xlate(r, 1, UIOMMU_TXN_WRITE, 0x1234, &x), -14);
	rig_expect_event(r, 0x000000010000000b, 0x0000010000000000, 0x1234,
			 o.pa);
	assert_in_range(o.calls, 2, 5000);
	was = ram_r64(&r->ram, o.pa) & ~(1ull << 55);
	assert_int_equal(was, RIG_DATA | CLEAN_OLD);
	o.toggles = false;
	assert_int_equal(rig_xlate(r, 1, UIOMMU_TXN_WRITE, 0x1234, &x), 0);
}

static void big_endian_tables(void **state)
{
	struct rig *r = *state;
	struct uiommu_model_host host = model_ram_host(&r->ram);
	struct uiommu_smmuv3_profile p = htt_profile(3);
	uint64_t pa, table;
	struct smmu_cd cd;

	p.idr[0] &= ~SMMU_IDR0_TTENDIAN;
	/* by the short cut and by callbacks */
	for (unsigned int i = 0; i < 2; i++) {
		host.direct = i ? NULL : host.direct;
		rig_remake(r, &p, &host);
		table = rig_stream(r, 1, 7);
		cd = rig_cd_4k(table, 7);
		cd.q[0] |= CD_HA | CD_HD | 1ull << 15;
		cd.q[1] |= CD_HAFT;
		rig_cd(r, RIG_CD + 64, &cd);
		pa = table;
		for (unsigned int level = 0; level < 3; level++) {
			uint64_t next = rig_table(r, 4096);

			ram_w64(&r->ram, pa, __builtin_bswap64(next | 3));
			pa = next;
		}
		ram_w64(&r->ram, pa, __builtin_bswap64(RIG_DATA | CLEAN_OLD));
		assert_int_equal(go(r, UIOMMU_TXN_WRITE, 0x123), 0);
		assert_int_equal(ram_r64(&r->ram, pa),
				 __builtin_bswap64((RIG_DATA | CLEAN_OLD | AF) &
						   ~AP_RO));
		assert_int_equal(__builtin_bswap64(ram_r64(&r->ram, table)) &
					 0xfff,
				 0x403);
	}
}

/* Nothing can be marked there; what is marked already can be used. */
static void memory_without_atomics_aborts(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_profile p = htt_profile(2);
	struct uiommu_model_host host = model_ram_host(&r->ram);
	uint64_t table, pte;

	host.cmpxchg64 = NULL;
	for (unsigned int i = 0; i < 2; i++) {
		host.direct = i ? model_ram_host(&r->ram).direct : NULL;
		rig_remake(r, &p, &host);
		table = stream_with(r, CD_HA);
		rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RW & ~AF);
		rig_map4k(r, table, 0x2000, RIG_DATA, LEAF_RW);
		pte = rig_pte4k(r, table, 0x1000);
		assert_int_equal(go(r, 0, 0x2000), 0);
		if (i) {
			/* the short cut will do */
			assert_int_equal(go(r, 0, 0x1000), 0);
			assert_true(ram_r64(&r->ram, pte) & AF);
			continue;
		}
		rig_expect_fault(r, 1, 0, 0x1000, SMMU_EVT_F_WALK_EABT);
		assert_false(ram_r64(&r->ram, pte) & AF);
	}
}

/* ----------------------------------------------- CPUs and devices -------- */

/*
 * Devices read and write pages; one CPU counts in the software bits of their
 * descriptors; another (the test's own thread) unmaps a page, waits for the
 * SMMU, takes note of what became of it, and maps it clean again.  Then:
 * no count is lost; nothing is marked in a descriptor while it is invalid;
 * dirty comes with accessed; and a page whose contents changed is dirty.
 */
#define NR_PAGES 4u
#define NR_DEVICES 2u
#define ROUNDS 240u
#define SOFT (0xfull << 55)

struct race {
	struct rig r;
	uint64_t pte[NR_PAGES]; /* PAs */
	uint32_t counts[NR_PAGES];
	uint32_t stop, wrong;
	uint64_t writes, reads; /* that went through */
	uint64_t tries;
};

static uint64_t *word_at(struct race *race, uint64_t pa)
{
	return (uint64_t *)(void *)(race->r.ram.mem + (pa - RIG_BASE));
}

static void *device(void *arg)
{
	struct race *race = arg;
	uint64_t n = (uintptr_t)pthread_self() | 1, reads = 0, writes = 0;

	while (!load_relaxed(&race->stop)) {
		struct uiommu_smmuv3_dma dma = { .buf = &n, .len = 8 };
		uint64_t copy = ++n, page = n % NR_PAGES;
		int rc;

		dma.txn.sid = 1;
		dma.txn.iova = 0x1000 * (page + 1) + 0x10;
		dma.txn.flags = n % 8 < 3 ? UIOMMU_TXN_WRITE : 0;
		rc = uiommu_smmuv3_model_dma(race->r.model, &dma);
		if (rc && rc != -14)
			store_relaxed(&race->wrong, 1);
		fetch_add_relaxed(&race->tries, 1);
		if (!rc)
			*(dma.txn.flags ? &writes : &reads) += 1;
		n = copy;
	}
	fetch_add_relaxed(&race->writes, writes);
	fetch_add_relaxed(&race->reads, reads);
	return NULL;
}

static void *counting_cpu(void *arg)
{
	struct race *race = arg;

	for (unsigned int i = 0; !load_relaxed(&race->stop); i++) {
		unsigned int page = i % NR_PAGES;
		uint64_t *word = word_at(race, race->pte[page]);
		uint64_t old = load_relaxed(word);

		while (!cmpxchg_acq_rel(word, &old,
					(old & ~SOFT) |
						((old + (1ull << 55)) & SOFT)))
			;
		race->counts[page]++;
		if (i % 64 == 63)
			sched_yield();
	}
	return NULL;
}

/* Take a page away and give it back; returns whether it was dirty. */
static bool turn_over(struct race *race, unsigned int page)
{
	struct rig *r = &race->r;
	uint64_t *word = word_at(race, race->pte[page]);
	uint64_t data = RIG_DATA + 0x1000ull * page;
	uint64_t before, was, now, tries = load_relaxed(&race->tries);

	/* let the devices at it */
	while (load_relaxed(&race->tries) - tries < 8)
		sched_yield();
	before = ram_r64(&r->ram, data + 0x18); /* as of the last time */
	was = fetch_and_acq_rel(word, ~1ull);
	/* TLBI_NH_VA for ASID 7, VMID 0 */
	rig_cmd(r, 0x12 | 7ull << 48, 0x1000ull * (page + 1));
	rig_sync(r);
	now = load_acquire(word);
	/* what a walk that had read it before wrote, it wrote before this */
	assert_int_equal((now ^ was) & ~(SOFT | 1), 0);
	if (!(now & AP_RO))
		assert_true(now & AF);
	if (ram_r64(&r->ram, data + 0x10) != before)
		assert_false(now & AP_RO);
	ram_w64(&r->ram, data + 0x18, ram_r64(&r->ram, data + 0x10));
	was = now;
	while (!cmpxchg_acq_rel(word, &was, (was & SOFT) | data | CLEAN_OLD))
		assert_int_equal((was ^ now) & ~SOFT, 0);
	return !(now & AP_RO);
}

static void run_race(struct race *race)
{
	pthread_t thread[NR_DEVICES + 1];
	uint32_t dirty = 0;
	uint64_t table;

	/* the rig's observer is not made for several threads */
	uiommu_smmuv3_model_set_fault_observer(race->r.model, NULL, NULL);
	table = stream_with(&race->r, CD_HA | CD_HD);
	for (unsigned int i = 0; i < NR_PAGES; i++) {
		put(&race->r, table, 0x1000ull * (i + 1),
		    (RIG_DATA + 0x1000ull * i) | CLEAN_OLD);
		race->pte[i] = rig_pte4k(&race->r, table, 0x1000ull * (i + 1));
	}
	for (unsigned int i = 0; i <= NR_DEVICES; i++)
		assert_int_equal(pthread_create(&thread[i], NULL,
						i ? device : counting_cpu,
						race),
				 0);
	for (unsigned int i = 0; i < ROUNDS; i++)
		dirty += turn_over(race, i % NR_PAGES);
	store_relaxed(&race->stop, 1);
	for (unsigned int i = 0; i <= NR_DEVICES; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(race->wrong, 0);
	for (unsigned int i = 0; i < NR_PAGES; i++)
		assert_int_equal(ram_r64(&race->r.ram, race->pte[i]) >> 55 & 15,
				 race->counts[i] & 15);
	/* there was something to race for */
	assert_true(dirty > 20);
	assert_true(race->reads > 100 && race->writes > 100);
}

static void nothing_is_lost(void **state)
{
	struct race *race = calloc(1, sizeof(*race));

	setup(&race->r, 2);
	run_race(race);
	rig_fini(&race->r);
	free(race);
}

/* The same without the short cut and without a TLB: every access walks. */
static void nothing_is_lost_by_callbacks(void **state)
{
	struct race *race = calloc(1, sizeof(*race));
	struct uiommu_smmuv3_profile p = htt_profile(2);
	struct uiommu_model_host host;

	setup(&race->r, 2);
	host = model_ram_host(&race->r.ram);
	host.direct = NULL;
	p.tlb_entries = 0;
	rig_remake(&race->r, &p, &host);
	run_race(race);
	rig_fini(&race->r);
	free(race);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		H(an_update_that_aborts),
		H(lost_races),
		H(a_block_that_is_split),
		H(races_that_never_end),
		H(big_endian_tables),
		D(memory_without_atomics_aborts),
		cmocka_unit_test(nothing_is_lost),
		cmocka_unit_test(nothing_is_lost_by_callbacks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
