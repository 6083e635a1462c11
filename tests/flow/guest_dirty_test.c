/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest_dirty_test.c - what the host that migrates a guest is told: the pages of the
 * guest's memory that its device has written to through the guest's own tables, and
 * the pages of those tables in which the SMMU has set access flags and dirty state
 * for the guest.  Each story is told of accesses without PASID and with one, by the
 * SMMU's TLBs and by the device's ATC.
 */
#include <pthread.h>
#include <sched.h>

#include "base/atomic.h"
#include "guest.h"

/* Bits of a context: the SMMU sets access flags, and dirty state. */
#define CD_HA (UINT64_C(1) << 43)
#define CD_HD (UINT64_C(1) << 42)

/* A page for all, nG, cached: accessed, or not yet; and writable, or when marked. */
#define OLD 0xf43
#define YOUNG 0xb43
#define DBM (UINT64_C(1) << 51)
#define AP_2 0x80
#define CLEAN (DBM | AP_2)

#define FIRST DATA /* two pages of the guest behind IOVA */
#define SECOND (DATA + 1)

/* Whose tables, and by which way. */
struct way {
	const char *what;
	uint32_t pasid;
	unsigned int asid;
	uint32_t how;
};

static const struct way ways[] = {
	{ "TLB", 0, 1, TESTEP_UNTRANSLATED },
	{ "ATC", 0, 1, 0 },
	{ "TLB, with a PASID", PASID, 2, TESTEP_UNTRANSLATED },
	{ "ATC, with a PASID", PASID, 2, 0 },
};

struct dirt {
	struct guest g;
	const struct way *way;
};

static uint64_t bit(unsigned int nr)
{
	return UINT64_C(1) << nr;
}

/* The page that the leaves are in. */
static unsigned int leaves(const struct dirt *s)
{
	return TABLES + 3 * (s->way->asid - 1) + 2;
}

static uint64_t *leaf(struct dirt *s, unsigned int at)
{
	return &page(&s->g, leaves(s))[(IOVA >> 12 & 511) + at];
}

/* ------------------------------------------------------- what a host asks -- */

static void track(struct guest *g)
{
	struct iommu_hwpt_set_dirty_tracking cmd = {
		.size = sizeof(cmd),
		.flags = IOMMU_HWPT_DIRTY_TRACKING_ENABLE,
		.hwpt_id = g->parent,
	};

	assert_int_equal(
		scene_ioctl(&g->s, IOMMU_HWPT_SET_DIRTY_TRACKING, &cmd), 0);
}

static void get(struct guest *g, uint64_t first, unsigned int nr,
		uint32_t flags, uint64_t *bits)
{
	struct iommu_hwpt_get_dirty_bitmap cmd = {
		.size = sizeof(cmd),
		.hwpt_id = g->parent,
		.flags = flags,
		.iova = first,
		.length = nr * PAGE,
		.page_size = PAGE,
		.data = (uintptr_t)bits,
	};

	assert_int_equal(scene_ioctl(&g->s, IOMMU_HWPT_GET_DIRTY_BITMAP, &cmd),
			 0);
}

/* Of all the guest's pages these are dirty. */
static void expect_with(struct dirt *s, uint32_t flags, uint64_t want)
{
	uint64_t bits = 0;

	get(&s->g, GPA, NR_PAGES, flags, &bits);
	if (bits != want)
		fail_msg("%s: %#llx is dirty, not %#llx", s->way->what,
			 (unsigned long long)bits, (unsigned long long)want);
}

static void expect(struct dirt *s, uint64_t want)
{
	expect_with(s, 0, want);
}

/* ------------------------------------------------------ what a device does -- */

static unsigned int go(struct dirt *s, uint32_t op, unsigned int at)
{
	return testep_go_as(&s->g.s.dev[0], 1, s->way->pasid, op | s->way->how,
			    IOVA + at * PAGE + 8, 8);
}

static void reads_at(struct dirt *s, unsigned int at)
{
	assert_int_equal(go(s, TESTEP_READ, at), TESTEP_OK);
}

/* And the word arrives in that page of the guest. */
static void writes_at(struct dirt *s, unsigned int at, uint64_t word,
		      unsigned int data)
{
	testep_fill(&s->g.s.dev[0], 1, word);
	assert_int_equal(go(s, TESTEP_WRITE, at), TESTEP_OK);
	assert_int_equal(page(&s->g, data)[1], word);
}

/* All of stage 1, and what the device's ATC has of the way. */
static void forget(struct dirt *s)
{
	uint64_t pasid = s->way->pasid ? s->way->pasid << 12 | 0x800 : 0;

	command(&s->g, 0x30, 0);
	command(&s->g, (uint64_t)VSID << 32 | pasid | 0x40, 52);
}

/* ---------------------------------------------------------- a guest, again -- */

/* Its contexts with those bits, and its pages by those descriptors. */
static void open_way(struct dirt *s, const struct way *way, uint64_t cd,
		     uint64_t first, uint64_t second)
{
	s->way = way;
	scene_open(&s->g.s, 1);
	guest_start_with(&s->g, IOMMU_HWPT_ALLOC_DIRTY_TRACKING);
	page(&s->g, 0)[8 * way->pasid] |= cd;
	*leaf(s, 0) = gpa(FIRST) | first;
	*leaf(s, 1) = gpa(SECOND) | second;
	track(&s->g);
	expect(s, 0);
}

static void each_way(void (*story)(struct dirt *s), uint64_t cd, uint64_t first,
		     uint64_t second)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct dirt s = { 0 };

		open_way(&s, &ways[i], cd, first, second);
		story(&s);
		guest_close(&s.g);
	}
}

/* ------------------------------------------------- the guest marks nothing -- */

static void data_alone(struct dirt *s)
{
	reads_at(s, 0);
	reads_at(s, 1);
	expect(s, 0);
	writes_at(s, 0, 1, FIRST);
	writes_at(s, 0, 2, FIRST);
	expect_with(s, IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR, bit(FIRST));
	writes_at(s, 1, 3, SECOND);
	expect_with(s, IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR,
		    bit(FIRST) | bit(SECOND));
	expect(s, bit(FIRST) | bit(SECOND));
	expect(s, 0);
	/* What TLBs and the ATC had from before says nothing more of it. */
	reads_at(s, 0);
	expect(s, 0);
	writes_at(s, 0, 4, FIRST);
	expect(s, bit(FIRST));
	writes_at(s, 1, 5, SECOND);
	expect(s, bit(SECOND));
	/* What is forgotten by being turned on is told anew as well. */
	writes_at(s, 0, 6, FIRST);
	track(&s->g);
	expect(s, 0);
	writes_at(s, 0, 7, FIRST);
	expect(s, bit(FIRST));
}

static void tables_that_nobody_marks(void **state)
{
	each_way(data_alone, 0, OLD, OLD);
}

/* Of one page only: the other stays as it is. */
static void a_part(struct dirt *s)
{
	uint64_t bits = 0;

	writes_at(s, 0, 1, FIRST);
	writes_at(s, 1, 2, SECOND);
	get(&s->g, gpa(FIRST), 1, 0, &bits);
	assert_int_equal(bits, 1);
	expect_with(s, IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR, bit(SECOND));
	writes_at(s, 0, 3, FIRST);
	expect(s, bit(FIRST) | bit(SECOND));
}

static void a_part_of_the_memory(void **state)
{
	each_way(a_part, 0, OLD, OLD);
}

/* ------------------------------------------------- the SMMU marks for it --- */

/* A read sets the access flag: the table is written to, the page is not. */
static void accessed(struct dirt *s)
{
	reads_at(s, 0);
	assert_int_equal(*leaf(s, 0), gpa(FIRST) | OLD);
	assert_int_equal(*leaf(s, 1), gpa(SECOND) | YOUNG);
	expect_with(s, IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR, bit(leaves(s)));
	expect(s, bit(leaves(s)));
	/* It is set already. */
	reads_at(s, 0);
	expect(s, 0);
	writes_at(s, 0, 1, FIRST);
	expect(s, bit(FIRST));
	/* The same page of the table, by an entry that is not in it yet. */
	writes_at(s, 1, 2, SECOND);
	assert_int_equal(*leaf(s, 1), gpa(SECOND) | OLD);
	expect(s, bit(SECOND) | bit(leaves(s)));
	/* The guest ages its pages. */
	*leaf(s, 0) = gpa(FIRST) | YOUNG;
	forget(s);
	reads_at(s, 0);
	assert_int_equal(*leaf(s, 0), gpa(FIRST) | OLD);
	expect(s, bit(leaves(s)));
}

static void access_flags_of_the_guests(void **state)
{
	each_way(accessed, CD_HA, YOUNG, YOUNG);
	each_way(accessed, CD_HA | CD_HD, YOUNG, YOUNG);
}

/* A write makes the guest's page dirty in its own table, which makes that dirty. */
static void written(struct dirt *s)
{
	reads_at(s, 0);
	expect(s, 0);
	assert_int_equal(*leaf(s, 0), gpa(FIRST) | OLD | CLEAN);
	writes_at(s, 0, 1, FIRST);
	assert_int_equal(*leaf(s, 0), gpa(FIRST) | OLD | DBM);
	assert_int_equal(*leaf(s, 1), gpa(SECOND) | YOUNG | CLEAN);
	expect(s, bit(FIRST) | bit(leaves(s)));
	writes_at(s, 0, 2, FIRST);
	expect(s, bit(FIRST));
	/* Both at once. */
	writes_at(s, 1, 3, SECOND);
	assert_int_equal(*leaf(s, 1), gpa(SECOND) | OLD | DBM);
	expect_with(s, IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR,
		    bit(SECOND) | bit(leaves(s)));
	expect(s, bit(SECOND) | bit(leaves(s)));
	writes_at(s, 1, 4, SECOND);
	writes_at(s, 0, 5, FIRST);
	expect(s, bit(FIRST) | bit(SECOND));
	/* The guest takes its own look: what is clean is marked again. */
	*leaf(s, 0) = gpa(FIRST) | OLD | CLEAN;
	forget(s);
	writes_at(s, 0, 6, FIRST);
	assert_int_equal(*leaf(s, 0), gpa(FIRST) | OLD | DBM);
	expect(s, bit(FIRST) | bit(leaves(s)));
}

static void dirty_state_of_the_guests(void **state)
{
	each_way(written, CD_HA | CD_HD, OLD | CLEAN, YOUNG | CLEAN);
}

/*
 * A write that stage 1 refuses leaves no trace.  One that stage 2 refuses has been
 * marked in the guest's table by then: that is told, and nothing else.
 */
static void refused(struct dirt *s)
{
	const uint64_t at = UINT64_C(0x50000000);
	uint64_t iova = at;

	assert_int_equal(map_at(&s->g.s, s->g.s.ioas,
				(uintptr_t)page(&s->g, SPARE + 4), PAGE,
				FIXED | READABLE, &iova),
			 0);
	*leaf(s, 1) = at | OLD | CLEAN;
	assert_int_equal(go(s, TESTEP_WRITE, 0), TESTEP_ABORTED);
	expect(s, 0);
	assert_int_equal(go(s, TESTEP_WRITE, 1), TESTEP_ABORTED);
	assert_int_equal(*leaf(s, 1), at | OLD | DBM);
	expect(s, bit(leaves(s)));
	assert_int_equal(go(s, TESTEP_WRITE, 1), TESTEP_ABORTED);
	expect(s, 0);
	reads_at(s, 1);
	expect(s, 0);
	assert_int_equal(unmap_len(&s->g.s, s->g.s.ioas, at, PAGE), 0);
}

static void accesses_that_are_refused(void **state)
{
	each_way(refused, CD_HA | CD_HD, OLD | AP_2, OLD | CLEAN);
}

/* ----------------------------------------------------- blocks at stage 2 --- */

#define BLOCK UINT64_C(0x200000)
#define BLOCK_PAGES 512u
#define BLOCK_AT UINT64_C(0x80000000)

static unsigned int dirty_of_block(struct guest *g, unsigned int nr,
				   uint32_t flags)
{
	uint64_t bits[BLOCK_PAGES / 64] = { 0 };
	unsigned int sum = 0;

	get(g, BLOCK_AT + nr * BLOCK, BLOCK_PAGES, flags, bits);
	for (unsigned int i = 0; i < BLOCK_PAGES / 64; i++)
		sum += (unsigned int)__builtin_popcountll(bits[i]);
	return sum;
}

/* The guest has its leaves in the first of two blocks, its data in the second. */
static void in_blocks(struct dirt *s)
{
	const unsigned int whole = BLOCK_PAGES;
	uint8_t *mem = pages_ok(3 * BLOCK);
	uint8_t *two = mem + (-(uintptr_t)mem & (BLOCK - 1));
	uint64_t *entry = (uint64_t *)(void *)two + (IOVA >> 12 & 511);
	uint64_t at = BLOCK_AT, page_of = BLOCK_AT + BLOCK + 7 * PAGE;
	struct guest *g = &s->g;

	assert_int_equal(map_at(&g->s, g->s.ioas, (uintptr_t)two, 2 * BLOCK,
				FIXED | RW, &at),
			 0);
	*entry = page_of | OLD | CLEAN;
	page(g, leaves(s) - 1)[IOVA >> 21 & 511] = BLOCK_AT | 3;
	reads_at(s, 0);
	assert_int_equal(dirty_of_block(g, 0, 0), 0);
	assert_int_equal(dirty_of_block(g, 1, 0), 0);
	assert_int_equal(go(s, TESTEP_WRITE, 0), TESTEP_OK);
	assert_int_equal(*entry, page_of | OLD | DBM);
	assert_int_equal(dirty_of_block(g, 0,
					IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR),
			 whole);
	assert_int_equal(dirty_of_block(g, 0, 0), whole);
	assert_int_equal(dirty_of_block(g, 1, 0), whole);
	assert_int_equal(go(s, TESTEP_WRITE, 0), TESTEP_OK);
	assert_int_equal(dirty_of_block(g, 0, 0), 0);
	assert_int_equal(dirty_of_block(g, 1, 0), whole);
	reads_at(s, 0);
	assert_int_equal(dirty_of_block(g, 1, 0), 0);
	expect(s, 0);
	assert_int_equal(unmap_len(&g->s, g->s.ioas, BLOCK_AT, 2 * BLOCK), 0);
	pages_free(mem, 3 * BLOCK);
}

static void blocks_of_the_host(void **state)
{
	each_way(in_blocks, CD_HA | CD_HD, OLD, OLD);
}

/* --------------------------------------------------------------- migration */

/* Behind IOVA, by leaves of one table; the data pages take turns. */
#define MARKS 187u
#define PASSES 3u
#define WORDS (PAGE / 8)

static unsigned int data_of(unsigned int at)
{
	return DATA + at % (NR_PAGES - DATA);
}

struct migration {
	struct dirt s;
	uint64_t leaves[WORDS];
	uint64_t data[NR_PAGES]; /* of each page the word that is written to */
	uint32_t stop;		 /* atomic */
	uint64_t rounds;	 /* atomic: looks that the host has had */
};

static void *write_all(void *ctx)
{
	struct migration *m = ctx;
	uint64_t seen = 0;

	for (unsigned int i = 0; i < PASSES * MARKS; i++) {
		testep_fill(&m->s.g.s.dev[0], 1, i + 1);
		(void)go(&m->s, TESTEP_WRITE, i % MARKS);
		if (i % 8)
			continue;
		while (load_acquire(&m->rounds) == seen)
			sched_yield();
		seen = load_acquire(&m->rounds);
	}
	store_release(&m->stop, 1);
	return NULL;
}

static void copy_dirty(struct migration *m)
{
	struct guest *g = &m->s.g;
	uint64_t bits = 0;

	get(g, GPA, NR_PAGES, 0, &bits);
	for (unsigned int i = 0; i < NR_PAGES; i++)
		if (bits & bit(i))
			m->data[i] = load_relaxed(&page(g, i)[1]);
	if (!(bits & bit(leaves(&m->s))))
		return;
	for (unsigned int i = 0; i < WORDS; i++)
		m->leaves[i] = load_relaxed(&page(g, leaves(&m->s))[i]);
}

static void copy_begin(struct migration *m)
{
	struct guest *g = &m->s.g;

	for (unsigned int i = 0; i < MARKS; i++)
		*leaf(&m->s, i) = gpa(data_of(i)) | YOUNG | CLEAN;
	memcpy(m->leaves, page(g, leaves(&m->s)), PAGE);
	for (unsigned int i = 0; i < NR_PAGES; i++)
		m->data[i] = page(g, i)[1];
}

/*
 * The host copies what it is told while the device writes on, by pages that nobody
 * has marked yet and by those that are known: a last look makes the copy complete.
 */
static void migrate(const struct way *way)
{
	struct migration *m = calloc(1, sizeof(*m));
	struct guest *g;
	pthread_t thread;

	assert_non_null(m);
	g = &m->s.g;
	open_way(&m->s, way, CD_HA | CD_HD, 0, 0);
	copy_begin(m);
	assert_int_equal(pthread_create(&thread, NULL, write_all, m), 0);
	while (!load_acquire(&m->stop)) {
		copy_dirty(m);
		fetch_add_relaxed(&m->rounds, 1);
	}
	pthread_join(thread, NULL);
	copy_dirty(m);
	for (unsigned int i = 0; i < MARKS; i++)
		assert_int_equal(*leaf(&m->s, i), gpa(data_of(i)) | OLD | DBM);
	assert_memory_equal(m->leaves, page(g, leaves(&m->s)), PAGE);
	for (unsigned int i = DATA; i < NR_PAGES; i++)
		assert_int_equal(m->data[i], page(g, i)[1]);
	guest_close(g);
	free(m);
}

static void nothing_is_missed(void **state)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		migrate(&ways[i]);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(tables_that_nobody_marks),
		cmocka_unit_test(a_part_of_the_memory),
		cmocka_unit_test(access_flags_of_the_guests),
		cmocka_unit_test(dirty_state_of_the_guests),
		cmocka_unit_test(accesses_that_are_refused),
		cmocka_unit_test(blocks_of_the_host),
		cmocka_unit_test(nothing_is_missed),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
