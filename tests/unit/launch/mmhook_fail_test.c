/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Subscribing where the kernel refuses: each system call of ours fails once, in
 * a child that has not subscribed before.  The program goes on all the same,
 * and the next attempt finds everything.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch/mmhook/mmhook.h"
#include "mmhook_watch.h"

#define NEVER 77

/* The program is linked so that all calls of mm_raw come here. */
long __real_mm_raw(long nr, const uint64_t arg[6]);
long __wrap_mm_raw(long nr, const uint64_t arg[6]);

static unsigned int calls, fail_at;
/* What a mremap of ours has left to be unmapped. */
static uint64_t moved;

static unseen long move_away(const uint64_t arg[6])
{
	const uint64_t behind[6] = { arg[0] + arg[1], PAGE, PROT_NONE,
				     MAP_PRIVATE | MAP_ANONYMOUS,
				     (uint64_t)-1 };
	long rc;

	/* Or something is there already. */
	__real_mm_raw(SYS_mmap, behind);
	rc = __real_mm_raw(SYS_mremap, arg);
	if (rc > 0)
		moved = (uint64_t)rc;
	return rc;
}

unseen long __wrap_mm_raw(long nr, const uint64_t arg[6])
{
	if (__atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED) == fail_at)
		return -ENOMEM;
	if (nr == SYS_mremap && arg[3] == MREMAP_MAYMOVE)
		return move_away(arg);
	if (nr == SYS_munmap && arg[0] == moved)
		moved = 0;
	return __real_mm_raw(nr, arg);
}

/* ------------------------------------------------------------ a process - */

/* ThreadSanitizer would have each child wait a second for its threads. */
static _Noreturn void leave(int rc)
{
	syscall(SYS_exit_group, rc);
	__builtin_unreachable();
}

static void *thread(void *arg)
{
	free(malloc(1 << 20));
	return arg;
}

/* A call or two of each kind. */
static int work(void)
{
	char *at = fresh(4);
	pthread_t t;
	void *heap = malloc(1 << 20);
	bool good;

	good = heap && !mprotect(at, PAGE, PROT_READ) &&
	       !madvise(at + PAGE, PAGE, MADV_DONTNEED) &&
	       mmap(at, PAGE, PROT_READ,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at &&
	       mremap(at, 4 * PAGE, 2 * PAGE, 0) == at &&
	       !munmap(at, 2 * PAGE) &&
	       !pthread_create(&t, NULL, thread, NULL) &&
	       !pthread_join(t, NULL);
	free(heap);
	return good ? 0 : 1;
}

static int try_failing(unsigned int nth, unsigned int *sites)
{
	struct uiommu_process_mm_info info;
	struct watch first = { .n = { watch_begin, watch_end } }, w = first;
	int rc;

	calls = 0;
	fail_at = nth;
	rc = mm->subscribe(mm->ctx, &first.n);
	fail_at = 0;
	if (calls < nth)
		return NEVER;
	if (work())
		return 1;
	if (rc && mm->unsubscribe(mm->ctx, &first.n) != -ENOENT)
		return 2;
	if (mm->subscribe(mm->ctx, &w.n))
		return 3;
	w.first = (uintptr_t)fresh(1);
	w.last = w.first + PAGE - 1;
	if (munmap((void *)(uintptr_t)w.first, PAGE) || w.begun != 1 ||
	    w.ended != 1 || work())
		return 4;
	uiommu_process_mm_info(&info);
	if (info.missed || info.missed_where[0])
		return 5;
	if (!nth)
		*sites = info.sites;
	if (!nth && moved)
		return 6;
	return info.sites == *sites ? 0 : 7;
}

static int in_child(unsigned int nth, unsigned int *sites)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		leave(try_failing(nth, sites));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void each_call_may_fail(void **state)
{
	unsigned int *sites = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned int nth;
	int rc;

	assert_int_equal(in_child(0, sites), 0);
	for (nth = 1; (rc = in_child(nth, sites)) != NEVER; nth++)
		if (rc)
			fail_msg("call %u: %d", nth, rc);
	assert_true(nth > 20);
	munmap(sites, PAGE);
}

/* ------------------------------------------------------------- an object - */

#define PAGES 5

/*
 * munmap() three times, on pages that are not neighbours: nothing but the move
 * of the number gives room, so the jump there is run as soon as it stands.
 * Volatile, or these bytes are found in code that has them in one number.
 */
static const volatile uint8_t unmap_code[] = { 0xb8, 0x0b, 0,	 0,
					       0,    0x0f, 0x05, 0xc3 };

typedef long (*unmap_fn)(void *at, size_t len);

static int patch_failing(unsigned int nth)
{
	static struct mm_object obj;
	uint8_t *text = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct watch w;
	int rc;

	for (unsigned int i = 0; i < PAGES; i += 2) {
		for (unsigned int k = 0; k < sizeof(unmap_code); k++)
			text[i * PAGE + k] = unmap_code[k];
		obj.site[obj.nr_sites++] =
			(struct mm_site){ .at = text + i * PAGE + 5,
					  .spring = text + i * PAGE };
	}
	mprotect(text, PAGES * PAGE, PROT_READ | PROT_EXEC);
	obj.text = text;
	obj.text_len = PAGES * PAGE;
	watch(&w, fresh(1), PAGE, false);
	calls = 0;
	fail_at = nth;
	rc = mm_patch(mm_state_get(), &obj);
	fail_at = 0;
	if (calls < nth)
		return NEVER;
	for (unsigned int i = 0; i < PAGES; i += 2) {
		void *at = fresh(1);

		w.first = (uintptr_t)at;
		w.last = w.first + PAGE - 1;
		w.begun = 0;
		if (((unmap_fn)(uintptr_t)(text + i * PAGE))(at, PAGE))
			return 1;
		if (w.begun != (text[i * PAGE] == 0xe9) || (!rc && !w.begun))
			return 2;
	}
	return 0;
}

static void what_is_led_past_us_stays_so(void **state)
{
	unsigned int nth = 0;
	int status;
	pid_t pid;

	do {
		pid = fork();
		if (!pid)
			leave(patch_failing(nth));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (status && status != NEVER << 8)
			fail_msg("call %u: status 0x%x", nth, status);
		nth++;
	} while (!status);
	assert_true(nth > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_call_may_fail),
		cmocka_unit_test(what_is_led_past_us_stays_so),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
