/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Access flags and dirty state that the SMMU writes into descriptors: when, how
 * much, and when not.  Descriptors are compared as whole words.
 */
#include "htt_rig.h"

static uint64_t walks(struct rig *r)
{
	return rig_stats(r).walks;
}

static void access_flag_is_set(void **state)
{
	struct rig *r = *state;
	uint64_t table = stream_with(r, CD_HA);
	uint64_t n;

	put(r, table, 0x1000, RIG_DATA | RW_OLD);
	assert_int_equal(go(r, 0, 0x1234), 0);
	expect_desc(r, table, 0x1000, RIG_DATA | RW_OLD | AF);
	/* once: what follows hits, and writes find a dirty page */
	n = walks(r);
	assert_int_equal(go(r, 0, 0x1238), 0);
	assert_int_equal(go(r, UIOMMU_TXN_WRITE, 0x1238), 0);
	assert_int_equal(walks(r), n);
	/* a write sets it too; other bits stay, software's among them */
	put(r, table, 0x2000, RIG_DATA | RW_OLD | 0xfull << 55);
	assert_int_equal(go(r, UIOMMU_TXN_WRITE, 0x2000), 0);
	expect_desc(r, table, 0x2000, RIG_DATA | RW_OLD | AF | 0xfull << 55);
	/* a block */
	rig_map(r, table, 12, 0, 2, 0x200000, 0x40000000 | (RW_OLD & ~2ull));
	rig_inval_all(r);
	assert_int_equal(go(r, 0, 0x234567), 0);
	rig_expect_no_event(r);
}

static void access_flag_is_not_set(void **state)
{
	struct rig *r = *state;
	uint64_t table = stream_with(r, CD_HA | CD_HD);
	static const struct {
		uint64_t desc;
		uint32_t flags;
		uint8_t type;
	} rows[] = {
		{ RIG_DATA | (RW_OLD & ~1ull), 0, SMMU_EVT_F_TRANSLATION },
		{ RIG_DATA | (RW_OLD & ~2ull), 0, SMMU_EVT_F_TRANSLATION },
		/* read-only, no DBM */
		{ RIG_DATA | RW_OLD | AP_RO, UIOMMU_TXN_WRITE,
		  SMMU_EVT_F_PERMISSION },
		/* clean, but not for the unprivileged */
		{ RIG_DATA | (CLEAN_OLD & ~0x40ull), UIOMMU_TXN_WRITE,
		  SMMU_EVT_F_PERMISSION },
		{ RIG_DATA | RW_OLD | 1ull << 54, UIOMMU_TXN_INSTR,
		  SMMU_EVT_F_PERMISSION },
	};
	struct smmu_cd cd = rig_cd_4k(table, 7);

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		put(r, table, 0x1000, rows[i].desc);
		rig_expect_fault(r, 1, rows[i].flags, 0x1000, rows[i].type);
		expect_desc(r, table, 0x1000, rows[i].desc);
	}
	/* output address above IPS */
	cd.q[0] = (cd.q[0] & ~(7ull << 32)) | 1ull << 32 | CD_HA;
	rig_cd(r, RIG_CD + 64, &cd);
	put(r, table, 0x1000, 1ull << 36 | RW_OLD);
	rig_expect_fault(r, 1, 0, 0x1000, SMMU_EVT_F_ADDR_SIZE);
	expect_desc(r, table, 0x1000, 1ull << 36 | RW_OLD);
}

/* HA alone, HD alone, neither; AFFD with each. */
static void enables(void **state)
{
	static const struct {
		unsigned int httu;
		uint64_t cd;
		int read, write; /* 0, or the fault */
		uint64_t after_write;
	} rows[] = {
		{ 2, 0, SMMU_EVT_F_ACCESS, SMMU_EVT_F_ACCESS, CLEAN_OLD },
		{ 2, CD_HD, SMMU_EVT_F_ACCESS, SMMU_EVT_F_ACCESS, CLEAN_OLD },
		{ 2, CD_HA, 0, SMMU_EVT_F_PERMISSION, CLEAN_OLD | AF },
		{ 2, CD_HA | CD_HD, 0, 0, (CLEAN_OLD | AF) & ~AP_RO },
		{ 1, CD_HA, 0, SMMU_EVT_F_PERMISSION, CLEAN_OLD | AF },
		{ 2, CD_AFFD, 0, SMMU_EVT_F_PERMISSION, CLEAN_OLD },
		/* AFFD counts for nothing beside HA */
		{ 2, CD_AFFD | CD_HA, 0, SMMU_EVT_F_PERMISSION,
		  CLEAN_OLD | AF },
		{ 2, CD_AFFD | CD_HD, 0, SMMU_EVT_F_PERMISSION, CLEAN_OLD },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rig r;
		uint64_t table;

		setup(&r, rows[i].httu);
		table = stream_with(&r, rows[i].cd);
		put(&r, table, 0x1000, RIG_DATA | CLEAN_OLD);
		r.info.event_type = 0;
		go(&r, 0, 0x1000);
		assert_int_equal(r.info.event_type, rows[i].read);
		r.info.event_type = 0;
		go(&r, UIOMMU_TXN_WRITE, 0x1000);
		assert_int_equal(r.info.event_type, rows[i].write);
		expect_desc(&r, table, 0x1000, RIG_DATA | rows[i].after_write);
		rig_fini(&r);
	}
}

static void a_write_marks_dirty(void **state)
{
	struct rig *r = *state;
	uint64_t table = stream_with(r, CD_HA | CD_HD);
	struct uiommu_smmuv3_xlate x;
	uint64_t n;

	/* one step: access flag with it */
	put(r, table, 0x1000, RIG_DATA | CLEAN_OLD);
	assert_int_equal(go(r, UIOMMU_TXN_WRITE, 0x1000), 0);
	expect_desc(r, table, 0x1000, (RIG_DATA | CLEAN_OLD | AF) & ~AP_RO);
	/* read first: cached as clean, the write goes to the tables */
	put(r, table, 0x2000, RIG_DATA | CLEAN_OLD);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(rig_xlate(r, 1, 0, 0x2000, &x), 0);
		assert_false(x.writable);
		assert_true(x.readable);
	}
	expect_desc(r, table, 0x2000, RIG_DATA | CLEAN_OLD | AF);
	n = walks(r);
	assert_int_equal(rig_xlate(r, 1, UIOMMU_TXN_WRITE, 0x2000, &x), 0);
	assert_true(x.writable);
	assert_int_equal(walks(r), n + 1);
	expect_desc(r, table, 0x2000, (RIG_DATA | CLEAN_OLD | AF) & ~AP_RO);
	/* and the second does not */
	assert_int_equal(go(r, UIOMMU_TXN_WRITE, 0x2000), 0);
	assert_int_equal(walks(r), n + 1);
	/* an atomic is a write */
	put(r, table, 0x3000, RIG_DATA | CLEAN_OLD);
	assert_int_equal(go(r, UIOMMU_TXN_ATOMIC, 0x3000), 0);
	expect_desc(r, table, 0x3000, (RIG_DATA | CLEAN_OLD | AF) & ~AP_RO);
	/* a privileged page for the privileged */
	put(r, table, 0x4000, RIG_DATA | (CLEAN_OLD & ~0x40ull));
	assert_int_equal(go(r, UIOMMU_TXN_PRIV | UIOMMU_TXN_WRITE, 0x4000), 0);
	expect_desc(r, table, 0x4000,
		    (RIG_DATA | CLEAN_OLD | AF) & ~(AP_RO | 0x40ull));
	rig_expect_no_event(r);
}

static void tables_that_forbid_writing_win(void **state)
{
	struct rig *r = *state;
	uint64_t table = stream_with(r, CD_HA | CD_HD);

	put(r, table, 0x1000, RIG_DATA | CLEAN_OLD);
	ram_w64(&r->ram, table, ram_r64(&r->ram, table) | 2ull << 61);
	rig_inval_all(r);
	assert_int_equal(go(r, 0, 0x1000), 0);
	rig_expect_fault(r, 1, UIOMMU_TXN_WRITE, 0x1000, SMMU_EVT_F_PERMISSION);
	expect_desc(r, table, 0x1000, RIG_DATA | CLEAN_OLD | AF);
}

/* For WXN, for privileged execution and for PAN a clean page is writable. */
static void clean_counts_as_writable(void **state)
{
	struct rig *r = *state;
	static const struct {
		uint64_t cd;
		uint32_t flags;
		bool ok;
	} rows[] = {
		{ CD_HA, UIOMMU_TXN_INSTR | UIOMMU_TXN_PRIV, true },
		{ CD_HA | CD_HD, UIOMMU_TXN_INSTR | UIOMMU_TXN_PRIV, false },
		{ CD_HA | CD_HD, UIOMMU_TXN_INSTR, true },
		{ CD_HA | 1ull << 36, UIOMMU_TXN_INSTR, true },
		{ CD_HA | CD_HD | 1ull << 36, UIOMMU_TXN_INSTR, false },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t table = stream_with(r, rows[i].cd);

		put(r, table, 0x1000, RIG_DATA | CLEAN_OLD | AF);
		/* from the tables and from the TLB */
		for (unsigned int n = 0; n < 2; n++) {
			assert_int_equal(go(r, rows[i].flags, 0x1000),
					 rows[i].ok ? 0 : -14);
			assert_int_equal(go(r, 0, 0x1000), 0);
		}
		expect_desc(r, table, 0x1000, RIG_DATA | CLEAN_OLD | AF);
	}
}

static void a_probe_changes_nothing(void **state)
{
	struct rig *r = *state;
	uint64_t table = stream_with(r, CD_HA | CD_HD);
	struct uiommu_smmuv3_xlate x;

	put(r, table, 0x1000, RIG_DATA | CLEAN_OLD);
	assert_int_equal(rig_xlate(r, 1, UIOMMU_TXN_PROBE | UIOMMU_TXN_WRITE,
				   0x1000, &x),
			 0);
	assert_true(x.writable);
	assert_int_equal(go(r, UIOMMU_TXN_PROBE, 0x1000), 0);
	expect_desc(r, table, 0x1000, RIG_DATA | CLEAN_OLD);
	/* and leaves nothing in the TLB that would hide the next access */
	assert_int_equal(go(r, 0, 0x1000), 0);
	expect_desc(r, table, 0x1000, RIG_DATA | CLEAN_OLD | AF);
}

static void second_stage(void **state)
{
	struct rig *r = *state;
	uint64_t table = s2_stream(r, STE_S2HA | STE_S2HD);

	rig_map(r, table, 12, 1, 3, 0x1000, RIG_DATA | S2_OLD);
	assert_int_equal(go(r, 0, 0x1000), 0);
	expect_s2(r, table, 0x1000, RIG_DATA | S2_RW);
	/* clean, with a look at it before the write */
	rig_map(r, table, 12, 1, 3, 0x2000, RIG_DATA | (S2_CLEAN & ~AF));
	assert_int_equal(go(r, 0, 0x2000), 0);
	expect_s2(r, table, 0x2000, RIG_DATA | S2_CLEAN);
	assert_int_equal(go(r, UIOMMU_TXN_WRITE, 0x2000), 0);
	expect_s2(r, table, 0x2000, RIG_DATA | S2_CLEAN | S2_W);
	/* write only once it is dirty: an atomic misses the read */
	rig_map(r, table, 12, 1, 3, 0x3000, RIG_DATA | (S2_CLEAN & ~0x440ull));
	assert_int_equal(go(r, UIOMMU_TXN_ATOMIC, 0x3000), -14);
	rig_expect_event(r, 0x0000000100000013, 0x0000028800000000, 0x3000,
			 0x3000);
	expect_s2(r, table, 0x3000, RIG_DATA | (S2_CLEAN & ~0x440ull));
	assert_int_equal(go(r, UIOMMU_TXN_WRITE, 0x3000), 0);
	expect_s2(r, table, 0x3000, RIG_DATA | (S2_CLEAN & ~0x40ull) | S2_W);
	/* no DBM */
	rig_map(r, table, 12, 1, 3, 0x4000, RIG_DATA | (S2_OLD & ~S2_W));
	rig_expect_fault(r, 1, UIOMMU_TXN_WRITE, 0x4000, SMMU_EVT_F_PERMISSION);
	expect_s2(r, table, 0x4000, RIG_DATA | (S2_OLD & ~S2_W));
}

static void second_stage_enables(void **state)
{
	struct rig *r = *state;
	uint64_t table = s2_stream(r, STE_S2HD);

	rig_map(r, table, 12, 1, 3, 0x1000, RIG_DATA | (S2_CLEAN & ~AF));
	rig_expect_fault(r, 1, 0, 0x1000, SMMU_EVT_F_ACCESS);
	table = s2_stream(r, STE_S2HA);
	rig_map(r, table, 12, 1, 3, 0x1000, RIG_DATA | (S2_CLEAN & ~AF));
	assert_int_equal(go(r, 0, 0x1000), 0);
	rig_expect_fault(r, 1, UIOMMU_TXN_WRITE, 0x1000, SMMU_EVT_F_PERMISSION);
	expect_s2(r, table, 0x1000, RIG_DATA | S2_CLEAN);
	/* S2AFFD counts for nothing beside S2HA */
	table = s2_stream(r, STE_S2HA | 1ull << 53);
	rig_map(r, table, 12, 1, 3, 0x1000, RIG_DATA | S2_OLD);
	assert_int_equal(go(r, 0, 0x1000), 0);
	expect_s2(r, table, 0x1000, RIG_DATA | S2_RW);
}

static void one_access_marks_all_steps(void **state)
{
	struct rig *r = *state;
	struct nested n =
		nested(r, CD_HA | CD_HD, STE_S2HA | STE_S2HD, S2_CLEAN & ~AF);

	assert_int_equal(go(r, 0, 0x5678), 0);
	/* the page of the last table was written, nothing else was */
	expect_desc(r, n.s1, 0x5000, 0x12345000 | RW_OLD | AF);
	expect_s2(r, n.s2, n.l3, n.l3 | S2_CLEAN | S2_W);
	expect_s2(r, n.s2, n.s1, n.s1 | S2_CLEAN);
	expect_s2(r, n.s2, n.cd & ~0xfffull, RIG_CD | S2_CLEAN);
	expect_s2(r, n.s2, 0x12345000, RIG_DATA | S2_CLEAN);
	assert_int_equal(go(r, UIOMMU_TXN_WRITE, 0x5678), 0);
	expect_s2(r, n.s2, 0x12345000, RIG_DATA | S2_CLEAN | S2_W);
	expect_s2(r, n.s2, n.cd & ~0xfffull, RIG_CD | S2_CLEAN);
	/*
	 * The next page: where its table is, is known by now, but not what
	 * stage 2 says of it.
	 */
	put(r, n.s1, 0x6000, 0x12345000 | CLEAN_OLD);
	rig_map(r, n.s1, 12, 0, 3, 0x7000, 0x12345000 | CLEAN_OLD);
	assert_int_equal(go(r, UIOMMU_TXN_WRITE, 0x6000), 0);
	assert_int_equal(go(r, UIOMMU_TXN_WRITE, 0x7000), 0);
	expect_desc(r, n.s1, 0x7000, (0x12345000 | CLEAN_OLD | AF) & ~AP_RO);
	rig_expect_no_event(r);
}

static void tables_behind_read_only_pages(void **state)
{
	struct rig *r = *state;
	struct nested n =
		nested(r, CD_HA | CD_HD, STE_S2HA | STE_S2HD, S2_RW & ~S2_W);
	struct uiommu_smmuv3_xlate x;

	/* F_PERMISSION, S2, CLASS = TT, TTRnW = 0, IPA of the descriptor */
	assert_int_equal(rig_xlate(r, 1, 0, 0x5678, &x), -14);
	rig_expect_event(r, 0x0000000100000013, 0x0000018800000000, 0x5678,
			 n.l3);
	expect_desc(r, n.s1, 0x5000, 0x12345000 | RW_OLD);
	/* privileged, with a SubstreamID in vain for lack of one: no; a write */
	assert_int_equal(rig_xlate(r, 1, UIOMMU_TXN_WRITE | UIOMMU_TXN_PRIV,
				   0x5678, &x),
			 -14);
	rig_expect_event(r, 0x0000000100000013, 0x0000018200000000, 0x5678,
			 n.l3);
	/* a probe says so too */
	assert_int_equal(go(r, UIOMMU_TXN_PROBE, 0x5678), -14);
	assert_int_equal(r->info.event_type, SMMU_EVT_F_PERMISSION);
	/* where nothing has to be written it may be read */
	put(r, n.s1, 0x5000, 0x12345000 | RW_OLD | AF);
	assert_int_equal(go(r, 0, 0x5678), 0);
	/* the table's place is known now: the same answer for its neighbour */
	ram_w64(&r->ram, n.l3 + 8 * 6, 0x12345000 | RW_OLD);
	assert_int_equal(go(r, 0, 0x6678), -14);
	rig_expect_event(r, 0x0000000100000013, 0x0000018800000000, 0x6678,
			 n.l3);
}

static void first_stage_is_marked_though_the_second_faults(void **state)
{
	struct rig *r = *state;
	struct nested n = nested(r, CD_HA, STE_S2HA, S2_RW);
	struct uiommu_smmuv3_xlate x;

	rig_map(r, n.s2, 12, 1, 3, 0x12345000, 0);
	assert_int_equal(rig_xlate(r, 1, 0, 0x5678, &x), -14);
	rig_expect_event(r, 0x0000000100000010, 0x0000028800000000, 0x5678,
			 0x12345000);
	expect_desc(r, n.s1, 0x5000, 0x12345000 | RW_OLD | AF);
}

static void probing_nested_changes_nothing(void **state)
{
	struct rig *r = *state;
	struct nested n =
		nested(r, CD_HA | CD_HD, STE_S2HA | STE_S2HD, S2_CLEAN & ~AF);

	assert_int_equal(go(r, UIOMMU_TXN_PROBE | UIOMMU_TXN_WRITE, 0x5678), 0);
	expect_desc(r, n.s1, 0x5000, 0x12345000 | RW_OLD);
	expect_s2(r, n.s2, n.l3, n.l3 | (S2_CLEAN & ~AF));
	expect_s2(r, n.s2, RIG_CD, RIG_CD | (S2_CLEAN & ~AF));
	assert_int_equal(go(r, 0, 0x5678), 0);
	expect_s2(r, n.s2, RIG_CD, RIG_CD | S2_CLEAN);
	expect_s2(r, n.s2, n.l3, n.l3 | S2_CLEAN | S2_W);
}

static void tables_get_flags(void **state)
{
	struct rig *r = *state;
	uint64_t table = stream_with(r, CD_HA);
	struct smmu_cd cd = rig_cd_4k(table, 7);
	uint64_t next;

	put(r, table, 0x1000, RIG_DATA | RW_OLD);
	next = ram_r64(&r->ram, table);
	assert_int_equal(go(r, 0, 0x1000), 0);
	assert_int_equal(ram_r64(&r->ram, table), next); /* HAFT is off */
	cd.q[0] |= CD_HA;
	cd.q[1] |= CD_HAFT;
	rig_cd(r, RIG_CD + 64, &cd);
	rig_inval_all(r);
	/* a probe leaves them, and keeps no short cut past them */
	assert_int_equal(go(r, UIOMMU_TXN_PROBE, 0x1000), 0);
	assert_int_equal(ram_r64(&r->ram, table), next);
	assert_int_equal(go(r, 0, 0x1000), 0);
	for (uint64_t pa = table, l = 0; l < 3; l++) {
		uint64_t desc = ram_r64(&r->ram, pa);

		assert_int_equal(desc & 0xfff, 0x403);
		pa = (desc & ~0xfffull) + (l == 2 ? 8 : 0);
	}
	/* stage 2's */
	table = s2_stream(r, STE_S2HA | STE_S2HAFT);
	rig_map(r, table, 12, 1, 3, 0x1000, RIG_DATA | S2_OLD);
	assert_int_equal(go(r, 0, 0x1000), 0);
	next = ram_r64(&r->ram, table);
	assert_int_equal(next & 0xfff, 0x403);
	assert_int_equal(ram_r64(&r->ram, next & ~0xfffull) & 0xfff, 0x403);
}

static void table_flags_need_the_feature(void **state)
{
	struct rig *r = *state; /* HTTU = 2: HAFT is RES0 */
	uint64_t table = stream_with(r, CD_HA);
	struct smmu_cd cd = rig_cd_4k(table, 7);

	cd.q[0] |= CD_HA;
	cd.q[1] |= CD_HAFT;
	rig_cd(r, RIG_CD + 64, &cd);
	put(r, table, 0x1000, RIG_DATA | RW_OLD);
	assert_int_equal(go(r, 0, 0x1000), 0);
	assert_int_equal(ram_r64(&r->ram, table) & 0xfff, 3);
}

static void table_flags_are_written_through_stage2(void **state)
{
	struct rig *r = *state;
	struct nested n = nested(r, CD_HA, STE_S2HA | STE_S2HD, S2_RW & ~S2_W);
	struct smmu_cd cd = rig_cd_4k(n.s1, 7);
	struct uiommu_smmuv3_xlate x;

	cd.q[0] |= CD_HA;
	cd.q[1] |= CD_HAFT;
	rig_cd(r, n.cd, &cd);
	rig_inval_all(r);
	assert_int_equal(rig_xlate(r, 1, 0, 0x5678, &x), -14);
	rig_expect_event(r, 0x0000000100000013, 0x0000018800000000, 0x5678,
			 n.s1);
	rig_map(r, n.s2, 12, 1, 3, n.s1, n.s1 | S2_CLEAN);
	rig_inval_all(r);
	assert_int_equal(rig_xlate(r, 1, 0, 0x5678, &x), -14);
	assert_int_equal(ram_r64(&r->ram, n.s1) & 0xfff, 0x403);
	expect_s2(r, n.s2, n.s1, n.s1 | S2_CLEAN | S2_W);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		D(access_flag_is_set),
		D(access_flag_is_not_set),
		cmocka_unit_test(enables),
		D(a_write_marks_dirty),
		D(tables_that_forbid_writing_win),
		D(clean_counts_as_writable),
		D(a_probe_changes_nothing),
		D(second_stage),
		D(second_stage_enables),
		D(one_access_marks_all_steps),
		D(tables_behind_read_only_pages),
		D(first_stage_is_marked_though_the_second_faults),
		D(probing_nested_changes_nothing),
		H(tables_get_flags),
		D(table_flags_need_the_feature),
		H(table_flags_are_written_through_stage2),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
