/* SPDX-License-Identifier: BSD-2-Clause */
/* The hosted platform: arena, bus, failure injection, fork. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <uiommu/env.h>
#include <uiommu/host.h>

#include "base/atomic.h"
#include "base/bits.h"

static int setup(void **state)
{
	struct uiommu_host *host;

	if (uiommu_host_create(0, &host))
		return -1;
	*state = host;
	return 0;
}

static int teardown(void **state)
{
	uiommu_host_destroy(*state);
	return 0;
}

static void blocks_are_aligned_and_inside_the_arena(void **state)
{
	const struct uiommu_platform *p = uiommu_host_platform(*state);
	struct uiommu_range arena;

	uiommu_host_arena(*state, &arena);
	for (unsigned int lg2 = 6; lg2 <= 21; lg2++) {
		size_t size = (size_t)1 << lg2;
		uint8_t *blocks[3];
		uiommu_pa_t pa = 0;

		for (int round = 0; round < 2; round++) {
			for (int i = 0; i < 3; i++) {
				uint8_t *b = p->table_alloc(p->ctx, size, &pa);

				assert_non_null(b);
				assert_int_equal(pa % size, 0);
				assert_ptr_equal(p->pa_to_va(p->ctx, pa), b);
				assert_true(pa >= arena.first);
				assert_true(pa + size - 1 <= arena.last);
				memset(b, 0xa5, size);
				blocks[i] = b;
			}
			for (int i = 0; i < 3; i++)
				p->table_free(p->ctx, blocks[i], size);
		}
	}
	assert_int_equal(uiommu_host_live(*state), 0);
}

static void live_blocks_never_overlap(void **state)
{
	enum {
		N = 2000
	};
	const struct uiommu_platform *p = uiommu_host_platform(*state);
	struct {
		uint8_t *va;
		size_t size;
	} b[64] = { 0 };
	unsigned int seed = 7;

	for (int n = 0; n < N; n++) {
		unsigned int i = (unsigned int)rand_r(&seed) % 64;
		uiommu_pa_t pa;

		if (b[i].va) {
			for (size_t j = 0; j < b[i].size; j++)
				assert_int_equal(b[i].va[j], i);
			p->table_free(p->ctx, b[i].va, b[i].size);
			b[i].va = NULL;
			continue;
		}
		b[i].size = (size_t)64 << (rand_r(&seed) % 9);
		b[i].va = p->table_alloc(p->ctx, b[i].size, &pa);
		assert_non_null(b[i].va);
		memset(b[i].va, (int)i, b[i].size);
	}
	for (int i = 0; i < 64; i++)
		if (b[i].va)
			p->table_free(p->ctx, b[i].va, b[i].size);
	assert_int_equal(uiommu_host_live(*state), 0);
}

static void odd_sizes_and_a_full_arena_give_null(void **state)
{
	struct uiommu_host *host;
	const struct uiommu_platform *p;
	uiommu_pa_t pa;
	void *va;

	assert_int_equal(uiommu_host_create(1 << 20, &host), 0);
	p = uiommu_host_platform(host);
	assert_null(p->table_alloc(p->ctx, 32, &pa));
	assert_null(p->table_alloc(p->ctx, 96, &pa));
	assert_null(p->table_alloc(p->ctx, 0, &pa));
	assert_null(p->table_alloc(p->ctx, 2 << 20, &pa));
	assert_int_equal(uiommu_host_live(host), 0);
	for (int n = 0;; n++) {
		va = p->table_alloc(p->ctx, 4096, &pa);
		if (!va) {
			assert_true(n > 200);
			break;
		}
		assert_true(n <= 256);
	}
	uiommu_host_destroy(host);
}

struct freer {
	const struct uiommu_platform *p;
	void *va[64];
};

static void *free_all(void *arg)
{
	struct freer *f = arg;

	for (int i = 0; i < 64; i++)
		f->p->table_free(f->p->ctx, f->va[i], 4096);
	return NULL;
}

/* As deferred calls do it: otherwise the arena would only ever grow. */
static void what_one_thread_frees_another_gets(void **state)
{
	struct uiommu_host *host;
	struct freer f;
	pthread_t thread;
	uiommu_pa_t pa;

	assert_int_equal(uiommu_host_create(1 << 20, &host), 0);
	f.p = uiommu_host_platform(host);
	/* The arena has room for four times this. */
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 64; i++) {
			f.va[i] = f.p->table_alloc(f.p->ctx, 4096, &pa);
			assert_non_null(f.va[i]);
			memset(f.va[i], 0xff, 4096);
		}
		pthread_create(&thread, NULL, free_all, &f);
		pthread_join(thread, NULL);
	}
	assert_int_equal(uiommu_host_live(host), 0);
	uiommu_host_destroy(host);
}

static void live_counts_objects_and_tables(void **state)
{
	const struct uiommu_platform *p = uiommu_host_platform(*state);
	uiommu_pa_t pa;
	void *o = p->obj_alloc(p->ctx, 100);
	void *t = p->table_alloc(p->ctx, 4096, &pa);

	assert_int_equal(uiommu_host_live(*state), 2);
	p->obj_free(p->ctx, o);
	assert_int_equal(uiommu_host_live(*state), 1);
	p->table_free(p->ctx, t, 4096);
	p->obj_free(p->ctx, NULL);
	assert_int_equal(uiommu_host_live(*state), 0);
}

static void exactly_the_nth_call_fails(void **state)
{
	const struct uiommu_platform *p = uiommu_host_platform(*state);
	struct uiommu_lock lock;
	uiommu_pa_t pa;
	void *a, *b;

	uiommu_host_fail_nth(*state, 2);
	a = p->obj_alloc(p->ctx, 8);
	assert_non_null(a);
	assert_null(p->table_alloc(p->ctx, 64, &pa));
	b = p->table_alloc(p->ctx, 64, &pa);
	assert_non_null(b);
	assert_true(uiommu_host_fail_nth(*state, 1));
	assert_int_equal(p->lock_init(p->ctx, &lock), -ENOMEM);
	assert_true(uiommu_host_fail_nth(*state, 5));
	assert_int_equal(p->lock_init(p->ctx, &lock), 0);
	p->lock_fini(p->ctx, &lock);
	assert_false(uiommu_host_fail_nth(*state, 0));
	p->obj_free(p->ctx, a);
	p->table_free(p->ctx, b, 64);
}

struct regs {
	uint32_t offset;
	unsigned int size;
	uint64_t value;
};

static uint64_t reg_read(void *ctx, uint32_t offset, unsigned int size)
{
	struct regs *r = ctx;

	r->offset = offset;
	r->size = size;
	return r->value;
}

static void reg_write(void *ctx, uint32_t offset, unsigned int size,
		      uint64_t value)
{
	*(struct regs *)ctx = (struct regs){ offset, size, value };
}

static void windows_answer_where_they_are(void **state)
{
	const struct uiommu_platform *p = uiommu_host_platform(*state);
	struct regs regs[3] = { 0 };
	uint64_t base[3] = { 0x20000, 0x1000, 0x40000 };

	for (int i = 0; i < 3; i++) {
		struct uiommu_bus_window w = { base[i], 0x1000, &regs[i],
					       reg_read, reg_write };

		assert_int_equal(uiommu_host_add_window(*state, &w), 0);
		assert_int_equal(uiommu_host_add_window(*state, &w), -EEXIST);
		w.base += 0xfff;
		assert_int_equal(uiommu_host_add_window(*state, &w), -EEXIST);
		w.size = 0;
		assert_int_equal(uiommu_host_add_window(*state, &w), -EINVAL);
	}
	for (int i = 0; i < 3; i++) {
		p->mmio_write32(p->ctx, base[i] + 0xffc, 0x1234 + (unsigned)i);
		assert_int_equal(regs[i].offset, 0xffc);
		assert_int_equal(regs[i].size, 4);
		assert_int_equal(regs[i].value, 0x1234 + i);
		regs[i].value = 0x1122334455667788;
		assert_int_equal(p->mmio_read64(p->ctx, base[i] + 8),
				 0x1122334455667788);
		assert_int_equal(regs[i].size, 8);
		p->mmio_write64(p->ctx, base[i], UINT64_MAX);
		assert_int_equal(regs[i].value, UINT64_MAX);
	}
	/* Between, below, above, and across an end. */
	assert_int_equal(p->mmio_read32(p->ctx, 0x3000), UINT32_MAX);
	assert_int_equal(p->mmio_read32(p->ctx, 0xffc), UINT32_MAX);
	assert_int_equal(p->mmio_read64(p->ctx, 0x41000), UINT64_MAX);
	regs[0].value = 0;
	assert_int_equal(p->mmio_read64(p->ctx, 0x20ffc), UINT64_MAX);
	p->mmio_write32(p->ctx, 0x3000, 1);
}

static void time_moves_forward(void **state)
{
	const struct uiommu_platform *p = uiommu_host_platform(*state);
	uint64_t then = p->now_ns(p->ctx);

	for (int i = 0; i < 100; i++)
		p->relax(p->ctx);
	assert_true(p->now_ns(p->ctx) > then);
}

struct reader {
	const struct uiommu_platform *p;
	uint32_t step; /* atomic: 1 inside, 2 may leave, 3 left */
};

static void *read_until_told(void *arg)
{
	struct reader *r = arg;

	r->p->read_begin(r->p->ctx);
	r->p->read_begin(r->p->ctx);
	r->p->read_end(r->p->ctx);
	store_release(&r->step, 1);
	while (load_acquire(&r->step) != 2)
		usleep(100);
	/* Written before the section ends; the callback must see it. */
	store_release(&r->step, 3);
	r->p->read_end(r->p->ctx);
	return NULL;
}

struct late {
	struct uiommu_defer defer;
	struct reader *reader;
	uint32_t seen; /* atomic */
};

static void note(struct uiommu_defer *head)
{
	struct late *late = container_of(head, struct late, defer);

	store_release(&late->seen, 100 + load_acquire(&late->reader->step));
}

static void deferred_calls_wait_for_open_sections(void **state)
{
	struct reader r = { uiommu_host_platform(*state), 0 };
	struct late late = { .reader = &r };
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, read_until_told, &r), 0);
	while (load_acquire(&r.step) != 1)
		usleep(100);
	r.p->defer(r.p->ctx, &late.defer, note);
	usleep(50000);
	assert_int_equal(load_acquire(&late.seen), 0);
	store_release(&r.step, 2);
	uiommu_host_barrier(*state);
	assert_int_equal(load_acquire(&late.seen), 103);
	pthread_join(thread, NULL);
}

struct chain {
	struct uiommu_defer defer;
	const struct uiommu_platform *p;
	uint32_t left; /* atomic */
};

/* As who frees tables goes on with what has come meanwhile. */
static void next_link(struct uiommu_defer *head)
{
	struct chain *chain = container_of(head, struct chain, defer);

	if (fetch_sub_acq_rel(&chain->left, 1) > 1)
		chain->p->defer(chain->p->ctx, head, next_link);
}

static void calls_that_deferred_calls_make(void **state)
{
	struct chain chain = { .p = uiommu_host_platform(*state), .left = 5 };

	chain.p->defer(chain.p->ctx, &chain.defer, next_link);
	uiommu_host_barrier(*state);
	assert_int_equal(load_acquire(&chain.left), 0);
}

/* ThreadSanitizer has no children that start threads. */
#ifndef __SANITIZE_THREAD__
/* Run in a child: sections, deferral, allocation, new threads. */
static int child(struct uiommu_host *host)
{
	const struct uiommu_platform *p = uiommu_host_platform(host);
	struct reader r = { p, 0 };
	struct late late = { .reader = &r };
	pthread_t thread;
	uiommu_pa_t pa;
	void *t;

	alarm(20);
	t = p->table_alloc(p->ctx, 4096, &pa);
	if (!t)
		return 1;
	p->table_free(p->ctx, t, 4096);
	if (pthread_create(&thread, NULL, read_until_told, &r))
		return 2;
	while (load_acquire(&r.step) != 1)
		usleep(100);
	p->defer(p->ctx, &late.defer, note);
	store_release(&r.step, 2);
	uiommu_host_barrier(host);
	pthread_join(thread, NULL);
	return load_acquire(&late.seen) == 103 ? 0 : 3;
}

static void a_forked_child_goes_on(void **state)
{
	struct reader r[3];
	pthread_t thread[3];
	int status;
	pid_t pid;

	/* Threads that are inside a section and will not exist there. */
	for (int i = 0; i < 3; i++) {
		r[i] = (struct reader){ uiommu_host_platform(*state), 0 };
		pthread_create(&thread[i], NULL, read_until_told, &r[i]);
		while (load_acquire(&r[i].step) != 1)
			usleep(100);
	}
	uiommu_host_before_fork(*state);
	pid = fork();
	if (pid == 0) {
		uiommu_host_after_fork_child(*state);
		_exit(child(*state));
	}
	uiommu_host_after_fork_parent(*state);
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	for (int i = 0; i < 3; i++) {
		store_release(&r[i].step, 2);
		pthread_join(thread[i], NULL);
	}
	assert_int_equal(child(*state), 0);
	alarm(0);
}
#endif

static uint32_t signals; /* atomic */

static void on_signal(int sig)
{
	fetch_add_relaxed(&signals, 1);
}

/* The thread behind defer must not take what the program waits for. */
static void signals_are_left_to_the_program(void **state)
{
	const struct uiommu_platform *p = uiommu_host_platform(*state);
	struct reader r = { p, 3 };
	struct late late = { .reader = &r };
	struct sigaction sa = { .sa_handler = on_signal };
	sigset_t usr1, pending;

	p->defer(p->ctx, &late.defer, note);
	uiommu_host_barrier(*state);
	sigaction(SIGUSR1, &sa, NULL);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &usr1, NULL);
	kill(getpid(), SIGUSR1);
	usleep(20000);
	assert_int_equal(load_relaxed(&signals), 0);
	sigpending(&pending);
	assert_true(sigismember(&pending, SIGUSR1));
	pthread_sigmask(SIG_UNBLOCK, &usr1, NULL);
	assert_int_equal(load_relaxed(&signals), 1);
}

struct node {
	struct uiommu_defer defer;
	const struct uiommu_platform *p;
	uint64_t a, b; /* b = ~a while the node is alive */
};

struct shared {
	const struct uiommu_platform *p;
	struct node *node; /* atomic, published */
	uint32_t stop;
	uint64_t bad;
};

static void free_node(struct uiommu_defer *head)
{
	struct node *n = container_of(head, struct node, defer);

	n->a = 0;
	n->b = 0;
	n->p->table_free(n->p->ctx, n, 128);
}

static void *reader_thread(void *arg)
{
	struct shared *s = arg;

	while (!load_acquire(&s->stop)) {
		struct node *n;

		s->p->read_begin(s->p->ctx);
		n = load_acquire(&s->node);
		if (n && n->a != ~n->b)
			fetch_add_relaxed(&s->bad, 1);
		s->p->read_end(s->p->ctx);
	}
	return NULL;
}

static void readers_never_see_freed_tables(void **state)
{
	struct shared s = { uiommu_host_platform(*state), NULL, 0, 0 };
	pthread_t thread[2];

	for (int i = 0; i < 2; i++)
		pthread_create(&thread[i], NULL, reader_thread, &s);
	for (uint64_t i = 0; i < 5000; i++) {
		uiommu_pa_t pa;
		struct node *n = s.p->table_alloc(s.p->ctx, 128, &pa), *old;

		assert_non_null(n);
		n->p = s.p;
		n->a = i;
		n->b = ~i;
		old = exchange_acq_rel(&s.node, n);
		if (old)
			s.p->defer(s.p->ctx, &old->defer, free_node);
	}
	store_release(&s.stop, 1);
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	s.p->table_free(s.p->ctx, s.node, 128);
	uiommu_host_barrier(*state);
	assert_int_equal(s.bad, 0);
	assert_int_equal(uiommu_host_live(*state), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_are_aligned_and_inside_the_arena),
		cmocka_unit_test(live_blocks_never_overlap),
		cmocka_unit_test(odd_sizes_and_a_full_arena_give_null),
		cmocka_unit_test(what_one_thread_frees_another_gets),
		cmocka_unit_test(live_counts_objects_and_tables),
		cmocka_unit_test(exactly_the_nth_call_fails),
		cmocka_unit_test(windows_answer_where_they_are),
		cmocka_unit_test(time_moves_forward),
		cmocka_unit_test(deferred_calls_wait_for_open_sections),
		cmocka_unit_test(calls_that_deferred_calls_make),
		cmocka_unit_test(signals_are_left_to_the_program),
#ifndef __SANITIZE_THREAD__
		cmocka_unit_test(a_forked_child_goes_on),
#endif
		cmocka_unit_test(readers_never_see_freed_tables),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
