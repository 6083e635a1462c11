/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every call that changes the address space, made by the program or by libc
 * inside of something, is told before the kernel hears of it: in begin the old
 * memory is still there.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mmhook_watch.h"

/* -------------------------------------------------------- calls by name -- */

static void munmap_is_told(void **state)
{
	char *at = fresh(3);
	struct watch w;

	watch(&w, at + PAGE, PAGE, true);
	assert_int_equal(munmap(at + PAGE, PAGE), 0);
	assert_int_equal(w.told_first, (uintptr_t)at + PAGE);
	assert_int_equal(w.told_last, (uintptr_t)at + 2 * PAGE - 1);
	assert_int_equal(munmap(at, PAGE), 0);
	assert_int_equal(munmap(at + 2 * PAGE, 1), 0);
	unwatch(&w, 1, UIOMMU_MM_UNMAP);
}

static void refused_calls_change_nothing(void **state)
{
	char *at = fresh(1);
	struct watch w;

	watch(&w, at, PAGE, true);
	assert_int_equal(munmap(at + 1, PAGE), -1);
	assert_int_equal(errno, EINVAL);
#if !SANITIZED
	/* Their runtimes do not survive it. */
	assert_int_equal(munmap(at, (size_t)-1), -1);
	assert_int_equal(errno, EINVAL);
#endif
	assert_int_equal(mprotect(at + 8, PAGE, PROT_READ), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(madvise(at, PAGE, 12345), -1);
	assert_int_equal(errno, EINVAL);
	assert_ptr_equal(mremap(at, PAGE, 0, MREMAP_MAYMOVE), MAP_FAILED);
	assert_int_equal(errno, EINVAL);
	assert_ptr_equal(mmap(at, PAGE, PROT_READ,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
			      -1, 0),
			 MAP_FAILED);
	assert_int_equal(errno, EEXIST);
	assert_true(*(uint64_t *)(void *)at == MARK);
	assert_int_equal(mm->unsubscribe(mm->ctx, &w.n), 0);
	/* munmap of too much may have been told; then it was ended as well. */
	assert_int_equal(w.begun, w.ended);
	munmap(at, PAGE);
}

static void mprotect_is_told(void **state)
{
	char *at = fresh(2);
	struct watch w;

	watch(&w, at, 2 * PAGE, true);
	assert_int_equal(mprotect(at, PAGE, PROT_READ), 0);
	assert_int_equal(pkey_mprotect(at, PAGE, PROT_READ | PROT_WRITE, -1),
			 0);
	unwatch(&w, 2, UIOMMU_MM_PROTECT);
	munmap(at, 2 * PAGE);
}

static void discards_are_told(void **state)
{
	static const int advice[] = { MADV_DONTNEED, MADV_FREE, MADV_REMOVE };

	for (unsigned int i = 0; i < 3; i++) {
		int flags = advice[i] == MADV_REMOVE ? MAP_SHARED : MAP_PRIVATE;
		uint64_t *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				    flags | MAP_ANONYMOUS, -1, 0);
		struct watch w;

		assert_ptr_not_equal(at, MAP_FAILED);
		*at = MARK;
		watch(&w, at, PAGE, true);
		assert_int_equal(madvise(at, PAGE, MADV_NORMAL), 0);
		assert_int_equal(w.begun, 0);
		assert_int_equal(madvise(at, PAGE, advice[i]), 0);
		unwatch(&w, 1, UIOMMU_MM_DISCARD);
		if (advice[i] != MADV_FREE)
			assert_true(*at == 0);
		munmap(at, PAGE);
	}
}

static void mmap_over_is_told(void **state)
{
	uint64_t *at = fresh(1);
	struct watch w;

	watch(&w, at, PAGE, true);
	assert_ptr_equal(mmap(at, PAGE, PROT_READ,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
			 at);
	unwatch(&w, 1, UIOMMU_MM_REPLACE);
	assert_true(*at == 0);
	munmap(at, PAGE);
}

static void mremap_is_told(void **state)
{
	char *at = fresh(4), *to = fresh(4), *new;
	struct watch w, over;

	watch(&w, at + 3 * PAGE, PAGE, true);
	assert_ptr_equal(mremap(at, 4 * PAGE, 3 * PAGE, 0), at);
	unwatch(&w, 1, UIOMMU_MM_UNMAP);

	watch(&w, at, 3 * PAGE, true);
	watch(&over, to, 3 * PAGE, true);
	assert_ptr_equal(mremap(at, 3 * PAGE, 3 * PAGE,
				MREMAP_MAYMOVE | MREMAP_FIXED, to),
			 to);
	unwatch(&over, 1, UIOMMU_MM_REPLACE);
	unwatch(&w, 1, UIOMMU_MM_MOVE);

	watch(&w, to, 3 * PAGE, true);
	new = mremap(to, 3 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
	assert_ptr_not_equal(new, MAP_FAILED);
	unwatch(&w, 1, UIOMMU_MM_MOVE);
	munmap(new, 64 * PAGE);
	munmap(to + 3 * PAGE, PAGE);
}

static void brk_is_told(void **state)
{
	char *old = sbrk(0),
	     *at = (char *)(((uintptr_t)old + PAGE - 1) & ~(PAGE - 1));
	struct watch w;

	assert_int_equal(brk(at + 4 * PAGE), 0);
	*(uint64_t *)(void *)(at + PAGE) = MARK;
	watch(&w, at + PAGE, 3 * PAGE, true);
	assert_ptr_equal(sbrk(-(intptr_t)(2 * PAGE)), at + 4 * PAGE);
	assert_int_equal(w.told_first, (uintptr_t)at + 2 * PAGE);
	assert_int_equal(brk(at + PAGE), 0);
	unwatch(&w, 2, UIOMMU_MM_UNMAP);
	assert_int_equal(brk(old), 0);
}

static void shared_segments_are_told(void **state)
{
	int id = shmget(IPC_PRIVATE, 2 * PAGE, IPC_CREAT | 0600);
	uint64_t *at, *over = fresh(2);
	struct watch w;

	if (id < 0)
		NOT_HERE("no System V shared memory");
	at = shmat(id, NULL, 0);
	assert_ptr_not_equal(at, (void *)-1);
	*at = MARK;
	watch(&w, at, 2 * PAGE, true);
	assert_int_equal(shmdt(at), 0);
	unwatch(&w, 1, UIOMMU_MM_UNMAP);

	watch(&w, over, 2 * PAGE, true);
	assert_ptr_equal(shmat(id, over, SHM_REMAP), over);
	unwatch(&w, 1, UIOMMU_MM_REPLACE);
	assert_true(*over == MARK);
	assert_int_equal(shmdt(over), 0);
	shmctl(id, IPC_RMID, NULL);
}

/* The number is libc's to find out at run time. */
static void calls_by_number_are_told(void **state)
{
	uint64_t *at = fresh(2);
	struct watch w;

	watch(&w, at, PAGE, true);
	assert_int_equal(syscall(SYS_mprotect, at, PAGE, PROT_READ), 0);
	assert_int_equal(w.begun, 1);
	assert_int_equal(syscall(SYS_getppid), getppid());
	assert_int_equal(syscall(SYS_munmap, at + 1, PAGE), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(syscall(SYS_munmap, at, 2 * PAGE), 0);
	assert_int_equal(mm->unsubscribe(mm->ctx, &w.n), 0);
	assert_int_equal(w.begun, 2);
	assert_int_equal(w.ended, 2);
	assert_int_equal(w.alive, 2);
}

/* ------------------------------------------------- what libc does inside - */

static void large_blocks_are_told(void **state)
{
	uint64_t *block, *moved, *page;
	struct watch w;

	/* Allocators of sanitizers keep what is freed. */
	if (SANITIZED)
		NOT_HERE("allocators of sanitizers keep what is freed");
	block = malloc(8 << 20);
	/* The word that is looked at lies in the first whole page. */
	page = (uint64_t *)(((uintptr_t)block + PAGE - 1) & ~(PAGE - 1));
	*page = MARK;
	watch(&w, page, PAGE, true);
	moved = realloc(block, 64 << 20);
	assert_non_null(moved);
	assert_int_equal(mm->unsubscribe(mm->ctx, &w.n), 0);
	if (moved != block) {
		assert_int_equal(w.begun, 1);
		assert_int_equal(w.alive, 1);
		assert_int_equal(w.ended, 1);
	}
	page = (uint64_t *)(((uintptr_t)moved + PAGE - 1) & ~(PAGE - 1));
	*page = MARK;
	watch(&w, page, PAGE, true);
	free(moved);
	assert_int_equal(mm->unsubscribe(mm->ctx, &w.n), 0);
	assert_true(w.begun >= 1);
	assert_int_equal(w.alive, w.begun);
	assert_int_equal(w.ended, w.begun);
}

static uint64_t *stack_word;

static void *on_stack(void *arg)
{
	uint64_t word = MARK;

	stack_word = &word;
	/* Far below: what a thread gives back when it ends. */
	((volatile char *)__builtin_alloca(256 * 1024))[0] = 1;
	stack_word = arg;
	return NULL;
}

static void thread_stacks_are_told(void **state)
{
	pthread_t threads[8];
	pthread_attr_t attr;
	struct watch w;

	/* More than libc keeps for new threads. */
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 16 << 20);
	memset(&w, 0, sizeof(w));
	w.n.begin = watch_begin;
	w.n.end = watch_end;
	w.last = UINT64_MAX;
	assert_int_equal(mm->subscribe(mm->ctx, &w.n), 0);
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(
			pthread_create(&threads[i], &attr, on_stack, NULL), 0);
	for (unsigned int i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(mm->unsubscribe(mm->ctx, &w.n), 0);
	pthread_attr_destroy(&attr);
	assert_true(w.reasons & 1u << UIOMMU_MM_DISCARD);
	assert_true(w.reasons & 1u << UIOMMU_MM_UNMAP);
	assert_true(w.reasons & 1u << UIOMMU_MM_PROTECT);
	assert_int_equal(w.begun, w.ended);
}

/* A library is mapped, changed and unmapped by the dynamic linker. */
static void libraries_are_told(void **state)
{
	struct watch w;
	void *lib;

	memset(&w, 0, sizeof(w));
	w.n.begin = watch_begin;
	w.n.end = watch_end;
	w.last = UINT64_MAX;
	assert_int_equal(mm->subscribe(mm->ctx, &w.n), 0);
	lib = dlopen("libfdt.so.1", RTLD_NOW | RTLD_LOCAL);
	if (lib) {
		uint64_t at = (uintptr_t)dlsym(lib, "fdt_next_node");

		assert_true(w.reasons & 1u << UIOMMU_MM_REPLACE);
		assert_true(w.reasons & 1u << UIOMMU_MM_PROTECT);
		w.first = at;
		w.last = at + 1;
		w.reasons = 0;
		dlclose(lib);
		assert_int_equal(w.reasons, 1u << UIOMMU_MM_UNMAP);
	}
	assert_int_equal(mm->unsubscribe(mm->ctx, &w.n), 0);
	assert_int_equal(w.begun, w.ended);
	if (!lib)
		NOT_HERE("no library to load");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(munmap_is_told),
		cmocka_unit_test(refused_calls_change_nothing),
		cmocka_unit_test(mprotect_is_told),
		cmocka_unit_test(discards_are_told),
		cmocka_unit_test(mmap_over_is_told),
		cmocka_unit_test(mremap_is_told),
		cmocka_unit_test(brk_is_told),
		cmocka_unit_test(shared_segments_are_told),
		cmocka_unit_test(calls_by_number_are_told),
		cmocka_unit_test(large_blocks_are_told),
		cmocka_unit_test(thread_stacks_are_told),
		cmocka_unit_test(libraries_are_told),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
