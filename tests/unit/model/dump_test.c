/* SPDX-License-Identifier: BSD-2-Clause */
/* The state of an instance as text. */
#include "stall_rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX (128u << 20)

static char *text;
static size_t text_len;

static void keep(void *ctx, const char *line, size_t len)
{
	/* a line each, whole */
	assert_int_equal(line[len - 1], '\n');
	assert_null(memchr(line, '\n', len - 1));
	assert_true(text_len + len < TEXT_MAX);
	memcpy(text + text_len, line, len);
	text_len += len;
	text[text_len] = '\0';
}

static const char *dump_parts(struct rig *r, uint32_t parts)
{
	const struct uiommu_dump to = { .parts = parts, .write = keep };

	if (!text)
		text = malloc(TEXT_MAX);
	assert_non_null(text);
	text[0] = '\0';
	text_len = 0;
	assert_int_equal(uiommu_smmuv3_model_dump(r->model, &to), 0);
	return text;
}

static const char *dump(struct rig *r)
{
	return dump_parts(r, UIOMMU_DUMP_TABLES);
}

/* The line that begins so, blanks in front aside; NULL: there is none. */
static const char *line_of(const char *begin)
{
	static char line[2048];
	size_t len = strlen(begin);

	for (const char *at = text; *at; at = strchr(at, '\n') + 1) {
		const char *word = at + strspn(at, " ");

		if (strncmp(word, begin, len))
			continue;
		snprintf(line, sizeof(line), "%.*s",
			 (int)(strchr(word, '\n') - word), word);
		return line;
	}
	return NULL;
}

static unsigned int count(const char *begin)
{
	unsigned int n = 0;

	for (const char *at = text; *at; at = strchr(at, '\n') + 1)
		n += !strncmp(at + strspn(at, " "), begin, strlen(begin));
	return n;
}

#define expect(line)                                                       \
	do {                                                               \
		const char *found_ = line_of(line);                        \
                                                                           \
		if (!found_ || strcmp(found_, line)) {                     \
			print_error("no line \"%s\" in:\n%s", line, text); \
			fail();                                            \
		}                                                          \
	} while (0)

static void stage1_by_ranges(void **state)
{
	struct rig *r = *state;
	uint64_t table = rig_stream(r, SID, 7);

	/* three pages, one that goes elsewhere, one with other rights */
	for (unsigned int i = 0; i < 3; i++)
		rig_map4k(r, table, 0x1000 + 0x1000 * i, RIG_DATA + 0x1000 * i,
			  LEAF_RW);
	rig_map4k(r, table, 0x4000, RIG_DATA, LEAF_RW);
	rig_map4k(r, table, 0x5000, RIG_DATA + 0x1000, LEAF_RO);
	/* a block; and something that software has left in an invalid entry */
	rig_map(r, table, 12, 0, 2, 0x40000000, RIG_DATA | LEAF_RW | 1);
	ram_w64(&r->ram, rig_pte4k(r, table, 0x8000), BIT64(55));
	dump(r);
	expect("STE 0x10 V=0x1 Config=0x5 SHCFG=0x1 "
	       "S1ContextPtr=0x40800400");
	expect("stage1 1 granule=4K level=0 input=48 output=48");
	expect("map 0x1000..0x3fff to=0x50000000 size=4K AP=1 AF=1 nG=1");
	expect("map 0x4000..0x4fff to=0x50000000 size=4K AP=1 AF=1 nG=1");
	expect("map 0x5000..0x5fff to=0x50001000 size=4K AP=3 AF=1 nG=1");
	expect("map 0x40000000..0x401fffff to=0x50000000 size=2M AP=1 AF=1 "
	       "nG=1");
	expect("marked 1");
	assert_int_equal(count("map"), 4);
}

/* A gigabyte of pages is one line. */
static void many_pages_are_one_line(void **state)
{
	struct rig *r = *state;
	uint64_t table = rig_stream(r, SID, 7);

	for (uint64_t at = 0; at < BIT64(30); at += 0x1000)
		rig_map4k(r, table, BIT64(32) + at, BIT64(36) + at, LEAF_RW);
	dump(r);
	expect("map 0x100000000..0x13fffffff to=0x1000000000 size=4K AP=1 "
	       "AF=1 nG=1");
	assert_int_equal(count("map"), 1);
}

static void what_tables_take_away(void **state)
{
	struct rig *r = *state;
	uint64_t table = rig_stream(r, SID, 7), entry;

	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RW);
	entry = ram_r64(&r->ram, table);
	/* APTable 10: no writes below */
	ram_w64(&r->ram, table, entry | BIT64(62));
	dump(r);
	expect("map 0x1000..0x1fff to=0x50000000 size=4K AP=1 AF=1 nG=1 "
	       "Table=2");
	/* HAD0: the tables take nothing away */
	ram_w64(&r->ram, RIG_CD + 64ull * SID + 8, table | BIT64(1));
	dump(r);
	expect("map 0x1000..0x1fff to=0x50000000 size=4K AP=1 AF=1 nG=1");
}

static void upper_half(void **state)
{
	struct rig *r = *state;
	uint64_t table = rig_stream(r, SID, 7), top = rig_table(r, 4096);
	uint64_t cd = RIG_CD + 64ull * SID, q0 = ram_r64(&r->ram, cd);

	/* EPD1 off: T1SZ 16, TG1 4K */
	q0 = (q0 & ~BIT64(30)) | 16ull << 16 | 2ull << 22;
	ram_w64(&r->ram, cd, q0);
	ram_w64(&r->ram, cd + 16, top);
	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RW);
	rig_map4k(r, top, 0xfffffffff000, RIG_DATA, LEAF_RW);
	dump(r);
	expect("stage1 2 TTB=1 granule=4K level=0 input=48 output=48");
	expect("map 0xfffffffffffff000..0xffffffffffffffff to=0x50000000 "
	       "size=4K AP=1 AF=1 nG=1");
}

static void nested(void **state)
{
	struct rig *r = *state;
	uint64_t table = rig_stream(r, SID, 1), s2 = rig_table(r, 8192);
	struct smmu_ste ste = rig_ste_s2(s2, 5);

	ste.q[0] = 0xf | (RIG_CD + 64ull * SID);
	rig_ste(r, SID, &ste);
	rig_map(r, s2, 12, 1, 1, RIG_BASE, RIG_BASE | 0x7fd);
	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RW);
	/* this one is where stage 2 has nothing */
	rig_map(r, table, 12, 0, 2, 0x40000000, 0x8000000000 | 3);
	dump(r);
	expect("stage2 1 granule=4K level=1 input=40 output=48");
	expect("map 0x40000000..0x7fffffff to=0x40000000 size=1G MemAttr=f "
	       "S2AP=3 SH=3 AF=1");
	expect("stage1 2 granule=4K level=0 input=48 output=48");
	expect("map 0x1000..0x1fff to=0x50000000 size=4K AP=1 AF=1 nG=1");
	expect("unreadable 0x40000000..0x401fffff");
}

/* ---------------------------------------------------------- entries ----- */

static void equal_entries_are_one_line(void **state)
{
	struct rig *r = *state;
	struct smmu_ste bypass = { { 0x9 } }, abort = { { 0x1 } };

	for (uint32_t sid = 0x20; sid < 0x30; sid++)
		rig_ste(r, sid, &abort);
	rig_ste(r, 0x28, &bypass);
	dump(r);
	expect("STE 0x20..0x27 V=0x1 Config=0x0");
	expect("STE 0x28 V=0x1 Config=0x4");
	expect("STE 0x29..0x2f V=0x1 Config=0x0");
	assert_int_equal(count("STE"), 3);
}

static void what_is_illegal(void **state)
{
	struct rig *r = *state;
	struct smmu_ste ste = rig_ste_s1(RIG_CD);
	uint64_t cd = RIG_CD + 64ull * SID;

	rig_stream(r, SID, 7);
	/* no AArch64 */
	ram_w64(&r->ram, cd, ram_r64(&r->ram, cd) & ~BIT64(41));
	/* S1CDMax beyond SSIDSIZE; a bit that is nobody's */
	ste.q[0] |= 31ull << 59;
	ste.q[7] = 0x1234;
	rig_ste(r, 0x11, &ste);
	dump(r);
	assert_non_null(strstr(line_of("CD 0x0"), "illegal=\"CD.AA64 "));
	assert_non_null(
		strstr(line_of("STE 0x11"), " word7=0x1234 illegal=\""));
	assert_int_equal(count("stage1"), 0);
}

static void two_level_stream_table(void **state)
{
	struct rig *r = *state;
	uint64_t l1 = RIG_STRTAB, l2 = rig_table(r, 64 * 64);
	struct smmu_ste bypass = { { 0x9 } };

	wr(r, SMMU_REG_CR0, 0xe);
	/* 10 bits in all, 6 of them below; a table of 8 entries, and a hole */
	wr(r, SMMU_REG_STRTAB_BASE_CFG, 1u << 16 | 6u << 6 | 10);
	wr64(r, SMMU_REG_STRTAB_BASE, l1);
	for (unsigned int i = 0; i < 16; i++)
		ram_w64(&r->ram, l1 + 8 * i, 0);
	ram_w64(&r->ram, l1 + 8 * 2, l2 | 4);
	ram_w64(&r->ram, l1 + 8 * 4, RIG_HOLE | 7);
	wr(r, SMMU_REG_CR0, 0xf);
	for (unsigned int i = 0; i < 8; i++)
		ram_w64(&r->ram, l2 + 64 * (6 + i), bypass.q[0]);
	dump(r);
	expect("stream-table StreamIDs=0x400 split=6");
	/* what is beyond the span is not in the table */
	expect("STE 0x86..0x87 V=0x1 Config=0x4");
	expect("STE 0x100..0x13f unreadable");
	assert_int_equal(count("STE"), 2);
	/* the level-1 table itself */
	wr(r, SMMU_REG_CR0, 0xe);
	wr64(r, SMMU_REG_STRTAB_BASE, RIG_HOLE);
	wr(r, SMMU_REG_CR0, 0xf);
	dump(r);
	expect("STE 0x0..0x3ff unreadable");
}

static void cd_tables(void **state)
{
	static const unsigned int splits[] = { 0, 6, 10 };
	struct rig *r = *state;
	uint64_t table = rig_table(r, 4096), l1 = rig_table(r, 65536);
	uint64_t l2 = rig_table(r, 65536 * 2);
	struct smmu_cd cd = rig_cd_4k(table, 9);

	l2 = (l2 + 65535) & ~65535ull;
	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RW);
	rig_cd(r, l2 + 64 * 3, &cd);
	rig_cd(r, l2 + 64 * 4, &cd);
	for (unsigned int i = 0; i < 3; i++) {
		struct smmu_ste ste = rig_ste_s1(splits[i] ? l1 : l2);

		/* 11 bits of SubstreamID; S1DSS: 0 is for all without */
		ste.q[0] |= 11ull << 59 | (uint64_t)i << 4;
		ste.q[1] |= 2;
		rig_ste(r, SID, &ste);
		for (unsigned int j = 0; j < 32; j++)
			ram_w64(&r->ram, l1 + 8 * j, 0);
		ram_w64(&r->ram, l1 + 8, l2 | 1);
		dump(r);
		if (splits[i] == 0)
			expect("CD 0x3..0x4 T0SZ=0x10 EPD1=0x1 V=0x1 IPS=0x5 "
			       "AA64=0x1 R=0x1 A=0x1 ASID=0x9 MAIR0=0xff "
			       "TTB0=0x41000000");
		else if (splits[i] == 6)
			assert_non_null(line_of("CD 0x43..0x44 "));
		else
			assert_non_null(line_of("CD 0x403..0x404 "));
		assert_int_equal(count("CD"), 1);
		assert_int_equal(count("map"), 1);
	}
	/* a table of CDs where no memory is */
	ram_w64(&r->ram, l1 + 8, RIG_HOLE | 1);
	dump(r);
	expect("CD 0x400..0x7ff unreadable");
}

/* A table that many have is told once. */
static void shared_tables(void **state)
{
	struct rig *r = *state;
	uint64_t table = rig_stream(r, SID, 1);
	struct smmu_cd cd = rig_cd_4k(table, 2);
	struct smmu_ste ste = rig_ste_s1(RIG_CD + 64 * 0x11);

	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RW);
	rig_cd(r, RIG_CD + 64 * 0x11, &cd);
	rig_ste(r, 0x11, &ste);
	dump(r);
	assert_int_equal(count("map"), 1);
	expect("stage1 1 above");
}

static void smmu_off(void **state)
{
	struct rig *r = *state;

	rig_stream(r, SID, 7);
	wr(r, SMMU_REG_CR0, 0xe);
	dump(r);
	expect("CR0 PRIQEN=1 EVENTQEN=1 CMDQEN=1");
	assert_int_equal(count("STE"), 0);
	assert_int_equal(count("stream-table"), 0);
}

/* ------------------------------------------------------------ traces ---- */

static void leaves_no_trace(void **state)
{
	struct rig *r = *state;
	uint64_t table = rig_stream(r, SID, 1);
	struct uiommu_smmuv3_stats before, after;
	struct uiommu_smmuv3_xlate x;
	uint64_t cd = RIG_CD + 64ull * SID, pte;
	char *first;

	/* HA, HD: a page that is not accessed yet, and writable if clean */
	ram_w64(&r->ram, cd, ram_r64(&r->ram, cd) | BIT64(43) | BIT64(42));
	rig_map4k(r, table, 0x1000, RIG_DATA,
		  (LEAF_RO & ~BIT64(10)) | BIT64(51));
	pte = ram_r64(&r->ram, rig_pte4k(r, table, 0x1000));
	before = rig_stats(r);
	first = strdup(dump_parts(r, UIOMMU_DUMP_ALL));
	after = rig_stats(r);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(ram_r64(&r->ram, rig_pte4k(r, table, 0x1000)), pte);
	assert_string_equal(dump_parts(r, UIOMMU_DUMP_ALL), first);
	rig_expect_no_event(r);
	assert_int_equal(r->faults, 0);
	/* nothing was cached */
	assert_int_equal(rig_xlate(r, SID, 0, 0x1000, &x), 0);
	after = rig_stats(r);
	assert_int_equal(after.config_misses - before.config_misses, 1);
	assert_int_equal(after.tlb_misses - before.tlb_misses, 1);
	free(first);
}

/* What is cached is not what is told. */
static void tells_memory_not_caches(void **state)
{
	struct rig *r = *state;
	uint64_t table = rig_stream(r, SID, 1);

	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RW);
	rig_expect_pa(r, SID, 0x1000, RIG_DATA);
	rig_map4k(r, table, 0x1000, RIG_DATA + 0x1000, LEAF_RW);
	dump(r);
	expect("map 0x1000..0x1fff to=0x50001000 size=4K AP=1 AF=1 nG=1");
}

/* ------------------------------------------------------------ queues ---- */

static void what_is_in_the_queues(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_xlate x;

	rig_sync(r);
	assert_int_equal(rig_xlate(r, 0x21, 0, 0x4567, &x), -EFAULT);
	/* a command that is none, and one behind it */
	rig_cmd(r, 0xff, 0);
	rig_cmd(r, SMMU_CMD_OP_TLBI_NSNH_ALL, 0);
	dump_parts(r, UIOMMU_DUMP_QUEUES);
	expect("queue CMDQ BASE=0x40010000 LOG2SIZE=6 PROD=3 PROD.wrap=0 "
	       "CONS=1 CONS.wrap=0 PROD.flags=0x0 CONS.flags=0x1000000");
	expect("CMD 1 words=0x00000000000000ff,0x0000000000000000");
	expect("CMD 2 TLBI_NSNH_ALL "
	       "words=0x0000000000000030,0x0000000000000000");
	expect("EVENT 0 C_BAD_STE StreamID=0x21 InputAddr=0x0 "
	       "words=0x0000002100000004,0x0000000000000000,"
	       "0x0000000000000000,0x0000000000000000");
	assert_int_equal(count("registers"), 0);
	dump(r);
	expect("GERROR CMDQ_ERR=1");
	assert_int_equal(count("queue"), 0);
}

static void queue_without_memory(void **state)
{
	struct rig *r = *state;

	wr(r, SMMU_REG_CR0, 0x5);
	wr64(r, SMMU_REG_CMDQ_BASE, RIG_HOLE | 3);
	wr(r, SMMU_REG_CMDQ_PROD, 3);
	wr(r, SMMU_REG_CMDQ_CONS, 0);
	dump_parts(r, UIOMMU_DUMP_QUEUES);
	expect("CMD 0 unreadable");
	assert_int_equal(count("CMD "), 3);
}

static void stalled_transactions(void **state)
{
	struct rig *r = *state;
	static struct stall_job jobs[2];

	stall_stream(r, SID);
	memset(jobs, 0, sizeof(jobs));
	assert_int_equal(stall_start(r, &jobs[0], SID, 0, 0x1008, 8), PENDING);
	/* there is one record only, so the next has to wait for its turn */
	assert_int_equal(stall_start(r, &jobs[1], SID, UIOMMU_TXN_WRITE, 0x2000,
				     8),
			 PENDING);
	dump_parts(r, UIOMMU_DUMP_QUEUES);
	expect("stalled StreamID=0x10 InputAddr=0x1008 R=1 STAG=0");
	expect("stalled StreamID=0x10 InputAddr=0x2000 W=1 unrecorded");
	wr(r, SMMU_REG_CR0, 0xe);
	stall_expect_done(&jobs[1], ABORTED);
}

/* ---------------------------------------------------------- bounds ------ */

/* A table whose every entry is itself. */
static void table_that_leads_to_itself(void **state)
{
	struct rig *r = *state;
	uint64_t table = rig_stream(r, SID, 1);

	for (unsigned int i = 0; i < 512; i++)
		ram_w64(&r->ram, table + 8 * i, table | 0x403);
	dump(r);
	assert_int_equal(count("unfinished"), 1);
	assert_int_equal(count("more"), 1);
}

static void largest_tables(void **state)
{
	struct rig *r = *state;
	struct smmu_ste ste = rig_ste_s1(RIG_BASE);

	/* as many StreamIDs and SubstreamIDs as there may be, all the same */
	wr(r, SMMU_REG_CR0, 0xe);
	wr(r, SMMU_REG_STRTAB_BASE_CFG, 1u << 16 | 6u << 6 | 32);
	wr64(r, SMMU_REG_STRTAB_BASE, RIG_HOLE);
	wr(r, SMMU_REG_CR0, 0xf);
	dump(r);
	assert_int_equal(count("STE"), 1);
	wr(r, SMMU_REG_CR0, 0xe);
	wr(r, SMMU_REG_STRTAB_BASE_CFG, 10);
	wr64(r, SMMU_REG_STRTAB_BASE, RIG_STRTAB);
	wr(r, SMMU_REG_CR0, 0xf);
	ste.q[0] |= 20ull << 59;
	for (uint32_t sid = 0; sid < 1024; sid += 2)
		rig_ste(r, sid, &ste);
	dump(r);
	assert_int_equal(count("unfinished"), 1);
}

static uint64_t random_word(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Structures of any content, most of which lead into each other. */
static void memory_of_any_content(void **state)
{
	enum {
		WORDS = 4096
	};
	struct rig *r = *state;
	uint64_t seed = 0x1234567;

	wr(r, SMMU_REG_CR0, 0xe);
	wr(r, SMMU_REG_STRTAB_BASE_CFG, 5);
	wr(r, SMMU_REG_CR0, 0xf);
	for (unsigned int round = 0; round < 10; round++) {
		for (unsigned int i = 0; i < 32 * 8; i++) {
			uint64_t word = random_word(&seed);

			/* valid, and translating more often than not */
			if (i % 8 == 0)
				word = (word & ~0xffffffffffffceull) |
				       (RIG_TABLES + (word & 0x7000)) | 0xb |
				       (word & 4) | (word >> 8 & 0x30);
			if (i % 8 == 3)
				word = RIG_TABLES + (word & 0x7000);
			ram_w64(&r->ram, RIG_STRTAB + 8ull * i, word);
		}
		for (unsigned int i = 0; i < WORDS; i++) {
			uint64_t word = random_word(&seed);

			/* a CD, a table, a leaf, or anything */
			if (word >> 62 == 0)
				word = (word & 0xfff) |
				       (RIG_TABLES + (word >> 16 & 0x7000)) | 3;
			else if (word >> 62 == 1)
				word = 0x0000620580004010ull | word << 50;
			ram_w64(&r->ram, RIG_TABLES + 8ull * i, word);
		}
		dump_parts(r, UIOMMU_DUMP_TABLES);
		assert_true(count("unfinished") <= 1);
	}
	assert_true(count("STE") > 0);
}

/* So many lines, and a digest of the others. */
static void lines_that_are_left_out(void **state)
{
	struct rig *r = *state;
	uint64_t table = rig_stream(r, SID, 1);
	char *first;

	for (unsigned int i = 0; i < 16384 + 10; i++)
		rig_map4k(r, table, 0x2000ull * i, RIG_DATA, LEAF_RW);
	first = strdup(dump(r));
	assert_int_equal(count("map"), 16384);
	assert_int_equal(count("more 10 digest=0x"), 1);
	/* the last of them */
	rig_map4k(r, table, 0x2000ull * (16384 + 9), RIG_DATA, LEAF_RO);
	dump(r);
	assert_int_equal(count("more 10 digest=0x"), 1);
	assert_string_not_equal(text, first);
	rig_map4k(r, table, 0x2000ull * (16384 + 9), RIG_DATA, LEAF_RW);
	assert_string_equal(dump(r), first);
	free(first);
}

static void words_for_addresses(void *ctx, uint64_t addr, uint64_t size,
				char *buf, size_t len)
{
	snprintf(buf, len, "base+0x%llx", (unsigned long long)addr - RIG_BASE);
}

static void addresses_by_name(void **state)
{
	const struct uiommu_dump to = {
		.parts = UIOMMU_DUMP_ALL,
		.depth = 2,
		.write = keep,
		.address = words_for_addresses,
	};
	struct rig *r = *state;
	uint64_t table = rig_stream(r, SID, 1);

	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RW);
	dump(r);
	text_len = 0;
	assert_int_equal(uiommu_smmuv3_model_dump(r->model, &to), 0);
	expect("map 0x1000..0x1fff to=base+0x10000000 size=4K AP=1 AF=1 nG=1");
	expect("STRTAB_BASE ADDR=base+0x400000");
	assert_null(strstr(text, "0x40400000"));
	assert_memory_equal(text, "    registers\n", 14);
}

static unsigned int allowed;

static void *scarce_alloc(void *ctx, size_t size)
{
	return allowed && allowed-- ? malloc(size) : NULL;
}

static void scarce_free(void *ctx, void *ptr)
{
	free(ptr);
}

static int no_memory(void *ctx, uiommu_pa_t pa, void *buf, size_t len,
		     struct uiommu_mem_attrs attrs)
{
	return -EIO;
}

static int no_write(void *ctx, uiommu_pa_t pa, const void *buf, size_t len,
		    struct uiommu_mem_attrs attrs)
{
	return -EIO;
}

static void no_line(void *ctx, const char *line, size_t len)
{
	fail();
}

static void out_of_memory(void **state)
{
	const struct uiommu_model_host host = {
		.read = no_memory,
		.write = no_write,
		.alloc = scarce_alloc,
		.free = scarce_free,
	};
	const struct uiommu_dump none = { .parts = UIOMMU_DUMP_ALL,
					  .write = no_line };
	struct uiommu_smmuv3_model *model;

	allowed = 1000000;
	assert_int_equal(
		uiommu_smmuv3_model_create(uiommu_smmuv3_profile_find("full"),
					   &host, &model),
		0);
	for (unsigned int n = 0; n < 2; n++) {
		allowed = n;
		assert_int_equal(uiommu_smmuv3_model_dump(model, &none),
				 -ENOMEM);
	}
	uiommu_smmuv3_model_destroy(model);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

static int done(void **state)
{
	free(text);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(stage1_by_ranges),
		T(many_pages_are_one_line),
		T(what_tables_take_away),
		T(upper_half),
		T(nested),
		T(equal_entries_are_one_line),
		T(what_is_illegal),
		T(two_level_stream_table),
		T(cd_tables),
		T(shared_tables),
		T(smmu_off),
		T(leaves_no_trace),
		T(tells_memory_not_caches),
		T(what_is_in_the_queues),
		T(queue_without_memory),
		cmocka_unit_test_setup_teardown(
			stalled_transactions, stall_setup_one, stall_teardown),
		T(table_that_leads_to_itself),
		T(largest_tables),
		T(memory_of_any_content),
		T(lines_that_are_left_out),
		T(addresses_by_name),
		cmocka_unit_test(out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, done);
}
