/* SPDX-License-Identifier: BSD-2-Clause */
/* fdevent_test.c - descriptors that are made readable and not readable again. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include "machine/machine_private.h"

#define ROUNDS 20000

static struct uiommu_machine machine;

static bool is_readable(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, 0) == 1;
}

static void says_what_was_set(void **state)
{
	int event, fd = fdevent_new(&machine, "x", O_CLOEXEC, &event);

	assert_true(fd >= 0);
	assert_false(is_readable(fd));
	fdevent_set(&machine, event, false);
	assert_false(is_readable(fd));
	for (unsigned int i = 0; i < 3; i++)
		fdevent_set(&machine, event, true);
	assert_true(is_readable(fd));
	fdevent_set(&machine, event, false);
	assert_false(is_readable(fd));
	/* Without the program's one. */
	close(fd);
	fdevent_set(&machine, event, true);
	assert_true(is_readable(event));
	fdevent_end(&machine, event);
}

struct sharers {
	int event;
	pthread_barrier_t before, after;
};

static void *clear(void *arg)
{
	struct sharers *s = arg;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&s->before);
		fdevent_set(&machine, s->event, false);
		pthread_barrier_wait(&s->after);
	}
	return NULL;
}

/* As a parent and its forked child do: one of them finds nothing left. */
static void two_clear_what_they_share(void **state)
{
	struct sharers s;
	pthread_t thread[2];
	int fd = fdevent_new(&machine, "x", O_CLOEXEC, &s.event);

	assert_true(fd >= 0);
	/* It is to fail, not to hang. */
	alarm(60);
	pthread_barrier_init(&s.before, NULL, 3);
	pthread_barrier_init(&s.after, NULL, 3);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, clear, &s),
				 0);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		fdevent_set(&machine, s.event, true);
		pthread_barrier_wait(&s.before);
		pthread_barrier_wait(&s.after);
		assert_false(is_readable(fd));
	}
	for (unsigned int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	alarm(0);
	pthread_barrier_destroy(&s.before);
	pthread_barrier_destroy(&s.after);
	fdevent_end(&machine, s.event);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_what_was_set),
		cmocka_unit_test(two_clear_what_they_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
