/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Code typed by hand: which system calls are found in it, where the jumps go,
 * and that it still does what it did.  And what each call does to which
 * addresses.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "launch/mmhook/insn.h"

#define PAGE 4096ul

/* --------------------------------------------------------- the number ---- */

#define MUNMAP 0xb8, 0x0b, 0, 0, 0 /* mov $11, %eax */
#define GETPID 0xb8, 0x27, 0, 0, 0 /* mov $39, %eax */
#define SYSCALL 0x0f, 0x05
#define RET 0xc3

struct sample {
	const char *name;
	uint8_t code[40];
	unsigned int len, at;
	enum mm_carries want;
};

static const struct sample samples[] = {
	{ "ours", { MUNMAP, SYSCALL, RET }, 8, 5, MM_CARRIES_OURS },
	{ "another", { GETPID, SYSCALL, RET }, 8, 5, MM_CARRIES_OTHER },
	{ "an argument",
	  { 0x89, 0xf8 /* mov %edi, %eax */, SYSCALL, RET },
	  5,
	  2,
	  MM_CARRIES_PERHAPS },
	{ "none at all", { SYSCALL, RET }, 3, 0, MM_CARRIES_PERHAPS },
	{ "cleared", { 0x31, 0xc0, SYSCALL, RET }, 5, 2, MM_CARRIES_OTHER },
	{ "a part of another instruction",
	  { 0xb8, SYSCALL, 0, 0, RET },
	  6,
	  1,
	  MM_CARRIES_NOTHING },
	{ "a copy, in a loop",
	  { 0xbd, 0xca, 0, 0, 0 /* mov $202, %ebp */, 0x89,
	    0xe8 /* mov %ebp, %eax */, SYSCALL, 0x85, 0xc0, 0x75,
	    0xf8 /* jne to the copy */, RET },
	  14,
	  7,
	  MM_CARRIES_OTHER },
	{ "a copy that the loop changes",
	  { 0xbd, 0xca, 0, 0, 0, 0x89, 0xe8, SYSCALL, 0xbd, 0x0b, 0, 0,
	    0 /* mov $11, %ebp */, 0x75, 0xf5 /* jne to the copy */, RET },
	  17,
	  7,
	  MM_CARRIES_OURS },
	{ "two ways that meet",
	  { GETPID, 0xeb, 0x05 /* jmp to the call */, MUNMAP, SYSCALL, RET },
	  15,
	  12,
	  MM_CARRIES_OURS },
	{ "two ways, neither ours",
	  { GETPID, 0xeb, 0x05, 0xb8, 0x01, 0, 0, 0, SYSCALL, RET },
	  15,
	  12,
	  MM_CARRIES_OTHER },
	{ "after a function",
	  { GETPID, 0xe8, 0, 0, 0, 0 /* call */, SYSCALL, RET },
	  13,
	  10,
	  MM_CARRIES_PERHAPS },
	{ "after a call",
	  { GETPID, SYSCALL, SYSCALL, RET },
	  10,
	  7,
	  MM_CARRIES_PERHAPS },
	{ "half of it changed",
	  { GETPID, 0xb0, 0x0b /* mov $11, %al */, SYSCALL, RET },
	  10,
	  7,
	  MM_CARRIES_PERHAPS },
	{ "behind padding that nobody runs",
	  { GETPID, 0xeb, 0x01, 0x90, SYSCALL, RET },
	  11,
	  8,
	  MM_CARRIES_OTHER },
	{ "perhaps changed",
	  { GETPID, 0x0f, 0x44, 0xc7 /* cmove %edi, %eax */, SYSCALL, RET },
	  11,
	  8,
	  MM_CARRIES_PERHAPS },
};

static void numbers_are_followed(void **state)
{
	for (unsigned int i = 0; i < sizeof(samples) / sizeof(samples[0]);
	     i++) {
		const struct sample *s = &samples[i];
		const struct mm_function fn = { s->code, s->code + s->len };

		if (mm_carries(&fn, s->code + s->at) != s->want)
			fail_msg("%s", s->name);
	}
}

/* ------------------------------------------------- an object of our own -- */

/*
 * A page of code and behind it the table of its functions, as a linker would
 * make it: a header, a sorted row for each, and what the rows point to.
 */
struct object {
	uint8_t *page;
	unsigned int len; /* of the code so far */
	unsigned int nr;
	struct {
		unsigned int first, len;
	} fn[8];
	struct mm_object obj;
};

static void object_init(struct object *o)
{
	memset(o, 0, sizeof(*o));
	o->page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(o->page, MAP_FAILED);
	memset(o->page, 0xcc, PAGE);
}

/* Where it starts; `padding` bytes of one-byte no-operations follow. */
static uint8_t *object_add(struct object *o, const uint8_t *code,
			   unsigned int len, unsigned int padding)
{
	uint8_t *at = o->page + o->len;

	memcpy(at, code, len);
	memset(at + len, 0x90, padding);
	o->fn[o->nr].first = o->len;
	o->fn[o->nr++].len = len;
	o->len += len + padding;
	return at;
}

static void put32(uint8_t *at, int64_t v)
{
	int32_t v32 = (int32_t)v;

	memcpy(at, &v32, sizeof(v32));
}

static void object_finish(struct object *o)
{
	static const uint8_t head[4] = { 1, 0x1b, 0x03, 0x3b };
	uint8_t *table = o->page + PAGE;

	memcpy(table, head, sizeof(head));
	put32(table + 8, o->nr);
	for (unsigned int i = 0; i < o->nr; i++) {
		uint8_t *fde = table + 1024 + 32 * i, *row = table + 12 + 8 * i;

		put32(row, o->page + o->fn[i].first - table);
		put32(row + 4, fde - table);
		put32(fde + 8, o->page + o->fn[i].first - (fde + 8));
		put32(fde + 12, o->fn[i].len);
	}
	mprotect(o->page, PAGE, PROT_READ | PROT_EXEC);
	o->obj = (struct mm_object){ .name = "ours",
				     .text = o->page,
				     .text_len = o->len,
				     .table = table,
				     .table_len = 1024 };
	mm_scan(&o->obj);
}

static const uint8_t unmap_code[] = { MUNMAP, SYSCALL, RET };
static const uint8_t pid_code[] = { GETPID, SYSCALL, RET };
static const uint8_t any_code[] = { 0x89,    0xf8,	 /* mov %edi, %eax */
				    0x48,    0x89, 0xf7, /* mov %rsi, %rdi */
				    0x48,    0x89, 0xd6, /* mov %rdx, %rsi */
				    SYSCALL, RET };
static const uint8_t no_code[] = { 0x31, 0xc0, RET };

static struct {
	struct uiommu_mm_notifier n;
	uint64_t first;
	unsigned int told;
} seen;

static void on_begin(struct uiommu_mm_notifier *n, uint64_t first,
		     uint64_t last, unsigned int reason)
{
	seen.told += first == seen.first;
}

static void on_end(struct uiommu_mm_notifier *n, uint64_t first, uint64_t last,
		   unsigned int reason)
{
}

typedef long (*unmap_fn)(void *at, size_t len);
typedef long (*any_fn)(long nr, void *at, size_t len);

static void *watched(void)
{
	void *at =
		mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	seen.first = (uintptr_t)at;
	seen.told = 0;
	return at;
}

static void patch(struct object *o)
{
	assert_int_equal(mm_patch(mm_state_get(), &o->obj), 0);
}

static void padding_takes_the_jump(void **state)
{
	struct object o;
	uint8_t *pid, *unmap, *any;

	object_init(&o);
	object_add(&o, no_code, sizeof(no_code), 5);
	pid = object_add(&o, pid_code, sizeof(pid_code), 4);
	unmap = object_add(&o, unmap_code, sizeof(unmap_code), 6);
	any = object_add(&o, any_code, sizeof(any_code), 0);
	object_add(&o, no_code, sizeof(no_code), 0);
	object_finish(&o);
	assert_int_equal(o.obj.nr_sites, 2);
	assert_int_equal(o.obj.missed + o.obj.unsure, 0);
	assert_ptr_equal(o.obj.site[0].at, unmap + 5);
	assert_ptr_equal(o.obj.site[0].spring, unmap + 8);
	assert_ptr_equal(o.obj.site[1].at, any + 8);
	assert_ptr_equal(o.obj.site[1].spring, o.page + 3);
	patch(&o);
	assert_memory_equal(unmap, unmap_code, 5);
	assert_int_equal(unmap[5], 0xeb);
	assert_int_equal(unmap[8], 0xe9);
	assert_memory_equal(pid, pid_code, sizeof(pid_code));

	assert_int_equal(((unmap_fn)(uintptr_t)unmap)(watched(), PAGE), 0);
	assert_int_equal(seen.told, 1);
	assert_int_equal(((any_fn)(uintptr_t)any)(SYS_munmap, watched(), PAGE),
			 0);
	assert_int_equal(seen.told, 1);
	assert_int_equal(((any_fn)(uintptr_t)any)(SYS_munmap, o.page + 1, PAGE),
			 -EINVAL);
	assert_int_equal(((any_fn)(uintptr_t)any)(SYS_getpid, NULL, 0),
			 syscall(SYS_getpid));
	munmap(o.page, 2 * PAGE);
}

/* Nothing but the move of the number to put the jump into. */
static void a_move_takes_the_jump(void **state)
{
	struct object o;
	uint8_t *unmap;

	object_init(&o);
	object_add(&o, no_code, sizeof(no_code), 4);
	unmap = object_add(&o, unmap_code, sizeof(unmap_code), 0);
	object_add(&o, no_code, sizeof(no_code), 0);
	object_finish(&o);
	assert_int_equal(o.obj.nr_sites, 1);
	assert_ptr_equal(o.obj.site[0].spring, unmap);
	patch(&o);
	assert_int_equal(((unmap_fn)(uintptr_t)unmap)(watched(), PAGE), 0);
	assert_int_equal(seen.told, 1);
	/* Who had done the move already goes back to it. */
	assert_int_equal(((unmap_fn)(uintptr_t)(unmap + 5))(watched(), PAGE),
			 0);
	assert_int_equal(seen.told, 1);
	munmap(o.page, 2 * PAGE);
}

/* Bytes that somebody may run, and calls that others jump to. */
static void what_is_not_safe_is_missed(void **state)
{
	static const uint8_t falls[] = { 0x31, 0xc0 };
	static const uint8_t joined[] = { 0x74, 0x05, /* je to the call */
					  MUNMAP, SYSCALL, RET };
	struct object o;

	object_init(&o);
	object_add(&o, falls, sizeof(falls), 10);
	object_add(&o, joined, sizeof(joined), 0);
	object_add(&o, no_code, sizeof(no_code), 0);
	object_finish(&o);
	assert_int_equal(o.obj.nr_sites, 0);
	assert_int_equal(o.obj.missed, 0);
	assert_int_equal(o.obj.unsure, 1);
	munmap(o.page, 2 * PAGE);

	/* Without a table nothing is touched. */
	object_init(&o);
	object_add(&o, unmap_code, sizeof(unmap_code), 8);
	object_add(&o, no_code, sizeof(no_code), 0);
	object_finish(&o);
	o.obj.table_len = 0;
	mm_scan(&o.obj);
	assert_int_equal(o.obj.nr_sites, 0);
	assert_int_equal(o.obj.missed, 1);
	assert_ptr_equal(o.obj.first_missed, o.page + 5);
	munmap(o.page, 2 * PAGE);
}

/* ------------------------------------------------------------- changes --- */

struct call {
	long nr;
	uint64_t arg[6];
	unsigned int ranges;
	struct mm_range want[2];
};

#define R(first, last, reason)                  \
	{                                       \
		first, last, UIOMMU_MM_##reason \
	}
#define TOP (MM_VA_END - 1)

static const struct call calls[] = {
	{ SYS_munmap, { 0x1000, 1 }, 1, { R(0x1000, 0x1fff, UNMAP) } },
	{ SYS_munmap, { 0x1000, 0x1001 }, 1, { R(0x1000, 0x2fff, UNMAP) } },
	{ SYS_munmap, { 0x1001, 0x1000 }, 0 },
	{ SYS_munmap, { 0x1000, 0 }, 0 },
	{ SYS_munmap, { MM_VA_END, 0x1000 }, 0 },
	{ SYS_munmap, { 0x1000, UINT64_MAX }, 1, { R(0x1000, TOP, UNMAP) } },
	{ SYS_munmap, { 0x1000, -4097ul }, 1, { R(0x1000, TOP, UNMAP) } },
	{ SYS_mmap, { 0x1000, 0x1000, 0, MAP_PRIVATE }, 0 },
	{ SYS_mmap,
	  { 0x1000, 0x1000, 0, MAP_FIXED },
	  1,
	  { R(0x1000, 0x1fff, REPLACE) } },
	{ SYS_mmap, { 0x1000, 0x1000, 0, MAP_FIXED | 0x100000 }, 0 },
	{ SYS_mprotect, { 0x1000, 2 }, 1, { R(0x1000, 0x1fff, PROTECT) } },
	{ SYS_madvise, { 0x1000, 2, MADV_WILLNEED }, 0 },
	{ SYS_madvise,
	  { 0x1000, 2, MADV_FREE },
	  1,
	  { R(0x1000, 0x1fff, DISCARD) } },
	{ SYS_madvise, { 0x1000, 2, 102 }, 1, { R(0x1000, 0x1fff, DISCARD) } },
	{ SYS_process_madvise,
	  { 5, 0, 1, MADV_DONTNEED },
	  1,
	  { R(0, TOP, DISCARD) } },
	{ SYS_process_madvise, { 5, 0, 1, MADV_COLD }, 0 },
	{ SYS_mremap,
	  { 0x4000, 0x3000, 0x1000, 0 },
	  1,
	  { R(0x5000, 0x6fff, UNMAP) } },
	{ SYS_mremap, { 0x4000, 0x1000, 0x1000, MREMAP_MAYMOVE }, 0 },
	{ SYS_mremap, { 0x4000, 0x1000, 0x2000, 0 }, 0 },
	{ SYS_mremap,
	  { 0x4000, 0x1000, 0x2000, MREMAP_MAYMOVE },
	  1,
	  { R(0x4000, 0x4fff, MOVE) } },
	{ SYS_mremap, { 0x4000, 0, 0x2000, MREMAP_MAYMOVE }, 0 },
	{ SYS_mremap,
	  { 0x4000, 0x1000, 0x2000, 3, 0x9000 },
	  2,
	  { R(0x4000, 0x4fff, MOVE), R(0x9000, 0xafff, REPLACE) } },
	{ SYS_mremap,
	  { 0x4000, 0x1000, 0x1000, MREMAP_MAYMOVE | 4, 0x9000 },
	  1,
	  { R(0x4000, 0x4fff, MOVE) } },
	{ SYS_shmdt, { 0x4000 }, 1, { R(0x4000, TOP, UNMAP) } },
	{ SYS_shmat, { 0, 0x4000, 0 }, 0 },
	{ SYS_remap_file_pages,
	  { 0x4000, 0x1000 },
	  1,
	  { R(0x4000, 0x4fff, REPLACE) } },
	{ SYS_brk, { 0 }, 0 },
	{ SYS_brk, { UINT64_MAX }, 0 },
	{ SYS_getpid, { 0x1000, 0x1000 }, 0 },
};

static void calls_have_their_ranges(void **state)
{
	for (unsigned int i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		const struct call *c = &calls[i];
		struct mm_change change;

		mm_change_of(c->nr, c->arg, &change);
		if (change.nr != c->ranges)
			fail_msg("call %u: %u ranges", i, change.nr);
		for (unsigned int r = 0; r < c->ranges; r++) {
			assert_int_equal(change.range[r].first,
					 c->want[r].first);
			assert_int_equal(change.range[r].last, c->want[r].last);
			assert_int_equal(change.range[r].reason,
					 c->want[r].reason);
		}
	}
}

/* ------------------------------------------------------ without MADV ----- */

static void touching_populates(void **state)
{
	char *at = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t va = (uintptr_t)at;
	unsigned char vec[3];

	at[5] = 7;
	assert_int_equal(mm_populate_by_touch(va, 2 * PAGE, true), 0);
	assert_int_equal(at[5], 7);
	assert_int_equal(mincore(at, 3 * PAGE, vec), 0);
	assert_true(vec[0] & vec[1] & 1);
	assert_false(vec[2] & 1);
	mprotect(at, PAGE, PROT_READ);
	assert_int_equal(mm_populate_by_touch(va, PAGE, false), 0);
	assert_int_equal(mm_populate_by_touch(va, PAGE, true), -EFAULT);
	mprotect(at + PAGE, PAGE, PROT_NONE);
	assert_int_equal(mm_populate_by_touch(va, 2 * PAGE, false), -EFAULT);
	munmap(at + 2 * PAGE, PAGE);
	assert_int_equal(mm_populate_by_touch(va + 2 * PAGE, PAGE, false),
			 -EFAULT);
	munmap(at, 2 * PAGE);
}

static int setup(void **state)
{
	const struct uiommu_sva_mm *mm = uiommu_process_mm();

	seen.n.begin = on_begin;
	seen.n.end = on_end;
	return mm ? mm->subscribe(mm->ctx, &seen.n) : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_followed),
		cmocka_unit_test(padding_takes_the_jump),
		cmocka_unit_test(a_move_takes_the_jump),
		cmocka_unit_test(what_is_not_safe_is_missed),
		cmocka_unit_test(calls_have_their_ranges),
		cmocka_unit_test(touching_populates),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
