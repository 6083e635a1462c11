/* SPDX-License-Identifier: BSD-2-Clause */
/* Guarded copies: good memory, no memory, files cut short, chaining. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <uiommu/env.h>
#include <uiommu/host.h>

/* A program with a handler of its own, which asks us first. */
static void on_fault(int sig, siginfo_t *info, void *uc)
{
	if (!uiommu_guard_fixup(uc))
		_exit(43);
}

/* cmocka puts its handlers around each test, so each test puts ours above. */
static void take_signals(void)
{
	struct sigaction sa = { .sa_sigaction = on_fault,
				.sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
}

static void *pages(int prot, size_t n)
{
	void *p =
		mmap(NULL, n * 4096, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	return p;
}

static void every_length_is_copied(void **state)
{
	uint8_t src[1100], dst[1100];

	for (size_t i = 0; i < sizeof(src); i++)
		src[i] = (uint8_t)(i * 7 + 1);
	for (size_t len = 0; len <= 1000; len++) {
		memset(dst, 0, sizeof(dst));
		assert_int_equal(uiommu_guard_copy(dst + len % 9, src + len % 5,
						   len),
				 0);
		assert_memory_equal(dst + len % 9, src + len % 5, len);
		assert_int_equal(dst[len % 9 + len], 0);
	}
}

static void missing_memory_is_reported_at_either_end(void **state)
{
	static const size_t lens[] = { 1, 2, 4, 8, 3, 64, 255, 767, 768, 4096 };
	uint8_t *none = pages(PROT_NONE, 1), buf[4096];

	take_signals();
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		assert_int_equal(uiommu_guard_copy(buf, none, lens[i]),
				 -EFAULT);
		assert_int_equal(uiommu_guard_copy(none, buf, lens[i]),
				 -EFAULT);
		/* Not canonical: no page fault but a protection fault. */
		assert_int_equal(
			uiommu_guard_copy(buf, (void *)(uintptr_t)(1ull << 60),
					  lens[i]),
			-EFAULT);
	}
	assert_int_equal(uiommu_guard_copy(buf, NULL, 8), -EFAULT);
	assert_int_equal(uiommu_guard_copy(none, none, 0), 0);
	munmap(none, 4096);
}

static void a_copy_that_runs_off_the_end_stops_there(void **state)
{
	uint8_t *p = pages(PROT_READ | PROT_WRITE, 2), buf[8192];

	take_signals();
	mprotect(p + 4096, 4096, PROT_NONE);
	memset(buf, 0x5a, sizeof(buf));
	assert_int_equal(uiommu_guard_copy(p + 4000, buf, 200), -EFAULT);
	assert_int_equal(p[4095], 0x5a);
	assert_int_equal(uiommu_guard_copy(p, buf, 8192), -EFAULT);
	assert_int_equal(uiommu_guard_copy(p, buf, 4096), 0);
	munmap(p, 8192);
}

static void read_only_memory_is_not_written(void **state)
{
	uint8_t *p = pages(PROT_READ, 1);
	uint64_t v = 1;

	take_signals();
	assert_int_equal(uiommu_guard_copy(p, &v, 8), -EFAULT);
	assert_int_equal(uiommu_guard_copy(&v, p, 8), 0);
	assert_int_equal(v, 0);
	munmap(p, 4096);
}

static void a_file_cut_short_is_a_bus_error(void **state)
{
	int fd = memfd_create("guard", 0);
	uint8_t *p, buf[8];

	take_signals();
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 4096), 0);
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(p, MAP_FAILED);
	assert_int_equal(uiommu_guard_copy(buf, p, 8), 0);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(uiommu_guard_copy(buf, p, 8), -EFAULT);
	munmap(p, 4096);
	close(fd);
}

static void compare_and_swap(void **state)
{
	uint64_t *none = pages(PROT_NONE, 1), word = 5, expected = 4;

	take_signals();
	assert_int_equal(uiommu_guard_cmpxchg64(&word, &expected, 9), 0);
	assert_int_equal(word, 5);
	assert_int_equal(expected, 5);
	assert_int_equal(uiommu_guard_cmpxchg64(&word, &expected, 9), 0);
	assert_int_equal(word, 9);
	assert_int_equal(expected, 5);
	assert_int_equal(uiommu_guard_cmpxchg64(none, &expected, 9), -EFAULT);
	assert_int_equal(uiommu_guard_cmpxchg64((void *)((char *)&word + 4),
						&expected, 1),
			 -EFAULT);
	munmap(none, 4096);
}

static void own_handler(int sig)
{
	_exit(42);
}

/*
 * Handlers that chain: our copies survive, and faults that are not ours reach
 * the handler that was there first.
 */
static int child(void)
{
	uint8_t *none = pages(PROT_NONE, 1);
	struct sigaction sa = { .sa_handler = own_handler };
	uint8_t buf[8];

	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	if (uiommu_guard_install() || uiommu_guard_install())
		return 1;
	if (uiommu_guard_copy(buf, none, 8) != -EFAULT)
		return 2;
	*(volatile uint8_t *)none = 1;
	return 3;
}

static void other_faults_reach_the_earlier_handler(void **state)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(child());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 42);
}

/* Ends by a signal it sends itself, or by a fault, or not. */
static int child_by(void (*before)(int), bool by_kill)
{
	uint8_t *none = pages(PROT_NONE, 1);

	signal(SIGSEGV, before);
	if (uiommu_guard_install())
		return 1;
	if (by_kill)
		kill(getpid(), SIGSEGV);
	else
		*(volatile uint8_t *)none = 1;
	return 0;
}

static void the_default_and_ignored_stay_what_they_were(void **state)
{
	static const struct {
		void (*before)(int);
		bool by_kill, dies;
	} cases[] = {
		{ SIG_DFL, false, true },
		{ SIG_DFL, true, true },
		{ SIG_IGN, false, true },
		{ SIG_IGN, true, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int status;
		pid_t pid = fork();

		if (pid == 0)
			_exit(child_by(cases[i].before, cases[i].by_kill));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (cases[i].dies)
			assert_true(WIFSIGNALED(status) &&
				    WTERMSIG(status) == SIGSEGV);
		else
			assert_int_equal(status, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_length_is_copied),
		cmocka_unit_test(missing_memory_is_reported_at_either_end),
		cmocka_unit_test(a_copy_that_runs_off_the_end_stops_there),
		cmocka_unit_test(read_only_memory_is_not_written),
		cmocka_unit_test(a_file_cut_short_is_a_bus_error),
		cmocka_unit_test(compare_and_swap),
		cmocka_unit_test(other_faults_reach_the_earlier_handler),
		cmocka_unit_test(the_default_and_ignored_stay_what_they_were),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
