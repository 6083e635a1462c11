/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine_stress.c - devices that copy without a pause while their memory is
 * mapped, unmapped, replaced and given back, interrupts are switched, devices
 * reset and the process forks.
 *
 * What must hold: memory that took the place of other memory is never written;
 * a copy that says DONE has moved its bytes; an abort is reported by the device
 * and nothing worse happens; nothing hangs.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <cmocka.h>

#include <uiommu/uapi/vfio.h>

#include "base/atomic.h"
#include "client.h"
#include "turns.h"

#define IOVA UINT64_C(0x10000000)
#define MOVING UINT64_C(0x40000000)
#define PAGE 0x1000u
#define MEM 0x10000u

#if defined(__SANITIZE_THREAD__)
/* Liburcu's callback thread starts anew in the child. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "die_after_fork=0";
}
#endif

struct shared {
	struct uiommu_machine *machine;
	struct client c[3];
	uint8_t *mem[3];
	uint32_t stop; /* atomic */
	uint64_t copies[3], aborts[3];
	uint64_t turns[3]; /* copies, done or aborted; atomic */
	uint64_t changes;
};

struct worker {
	struct shared *s;
	unsigned int i;
	pthread_t thread;
};

static void start(struct shared *s)
{
	guard_ok();
	memset(s, 0, sizeof(*s));
	s->machine = machine_ok("ioat*3");
	for (unsigned int i = 0; i < 3; i++) {
		if (i == 1)
			client_open_type1(&s->c[i], s->machine, i);
		else
			client_open_iommufd(&s->c[i], s->machine, i);
		s->mem[i] = pages_ok(MEM);
		client_map_ok(&s->c[i], s->mem[i], MEM, IOVA);
		ioat_init(&s->c[i]);
	}
}

static void finish(struct shared *s)
{
	for (unsigned int i = 0; i < 3; i++)
		client_close(&s->c[i]);
	uiommu_machine_destroy(s->machine);
	for (unsigned int i = 0; i < 3; i++)
		pages_free(s->mem[i], MEM);
}

/* A copy; after an abort the channel is brought back. */
static bool copy(struct shared *s, unsigned int i, uint64_t dst, uint64_t src,
		 uint32_t len)
{
	bool ok;

	uiommu_machine_enter(s->machine);
	ok = ioat_copy(&s->c[i], (struct ioat_desc *)s->mem[i], IOVA, dst, src,
		       len) == IOAT_STS_DONE;
	if (!ok)
		ioat_init(&s->c[i]);
	uiommu_machine_exit(s->machine);
	s->copies[i] += ok;
	s->aborts[i] += !ok;
	turn(&s->turns[i]);
	return ok;
}

/* Device i copies inside its own memory and looks at the result. */
static void *copier(void *arg)
{
	struct worker *w = arg;
	struct shared *s = w->s;
	uint8_t *mem = s->mem[w->i];

	for (unsigned int n = 1; !load_relaxed(&s->stop); n++) {
		memset(mem + PAGE, (int)n, 3 * PAGE);
		assert_true(copy(s, w->i, IOVA + 5 * PAGE + 8, IOVA + PAGE + 3,
				 2 * PAGE));
		assert_memory_equal(mem + 5 * PAGE + 8, mem + PAGE + 3,
				    2 * PAGE);
	}
	return NULL;
}

/* Device i writes where the mapping comes and goes. */
static void *writer(void *arg)
{
	struct worker *w = arg;
	struct shared *s = w->s;

	memset(s->mem[w->i] + PAGE, 0xee, PAGE);
	while (!load_relaxed(&s->stop))
		copy(s, w->i, MOVING + 16, IOVA + PAGE, 2000);
	return NULL;
}

static void run_workers(struct shared *s, struct worker *w, unsigned int n,
			void *(*fn[])(void *), void (*change)(struct shared *))
{
	const uint64_t *const turns[] = { &s->turns[0], &s->turns[1],
					  &s->turns[2] };
	uint64_t end = now_ms() + stress_ms(2000);

	for (unsigned int i = 0; i < n; i++) {
		w[i].s = s;
		w[i].i = i;
		assert_int_equal(
			pthread_create(&w[i].thread, NULL, fn[i], &w[i]), 0);
	}
	while (now_ms() < end ||
	       (now_ms() < end + TURNS_PATIENCE_MS &&
		(s->changes < 4 || !all_had_turns(turns, n)))) {
		change(s);
		s->changes++;
	}
	store_relaxed(&s->stop, 1);
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(pthread_join(w[i].thread, NULL), 0);
}

/* The device is in the middle of it. */
static void await_write(const volatile uint8_t *page)
{
	const uint64_t end = now_ms() + TURNS_PATIENCE_MS;

	while (!page[1000]) {
		assert_true(now_ms() < end);
		sched_yield();
	}
}

static void replace_and_look(struct shared *s)
{
	static const uint8_t zero[PAGE];
	uint8_t *page = pages_ok(PAGE);
	uint64_t first = (uintptr_t)page;

	uiommu_machine_enter(s->machine);
	client_map_ok(&s->c[1], page, PAGE, MOVING);
	uiommu_machine_exit(s->machine);
	await_write(page);
	uiommu_machine_enter(s->machine);
	assert_int_equal(uiommu_machine_replace(s->machine, first,
						first + PAGE - 1, "mmap"),
			 0);
	uiommu_machine_exit(s->machine);
	assert_ptr_equal(mmap(page, PAGE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
			 page);
	for (unsigned int i = 0; i < 20; i++)
		assert_memory_equal(page, zero, PAGE);
	uiommu_machine_enter(s->machine);
	assert_int_equal(client_unmap(&s->c[1], MOVING, PAGE), 0);
	uiommu_machine_exit(s->machine);
	assert_memory_equal(page, zero, PAGE);
	pages_free(page, PAGE);
}

static void replaced_memory_is_never_written(void **state)
{
	void *(*fn[])(void *) = { copier, writer, copier };
	static struct worker w[3];
	static struct shared s;

	start(&s);
	run_workers(&s, w, 3, fn, replace_and_look);
	assert_true(s.changes > 3 && s.copies[0] && s.copies[2]);
	assert_true(s.copies[1] + s.aborts[1]);
	finish(&s);
}

/* After unmap returned, nothing arrives any more. */
static void unmap_and_look(struct shared *s)
{
	static uint8_t zero[PAGE];
	uint8_t *page = pages_ok(PAGE);

	uiommu_machine_enter(s->machine);
	client_map_ok(&s->c[1], page, PAGE, MOVING);
	uiommu_machine_exit(s->machine);
	await_write(page);
	uiommu_machine_enter(s->machine);
	assert_int_equal(client_unmap(&s->c[1], MOVING, PAGE), 0);
	uiommu_machine_exit(s->machine);
	memset(page, 0, PAGE);
	for (unsigned int i = 0; i < 20; i++)
		assert_memory_equal(page, zero, PAGE);
	pages_free(page, PAGE);
}

static void unmapped_memory_is_never_written(void **state)
{
	void *(*fn[])(void *) = { copier, writer, copier };
	static struct worker w[3];
	static struct shared s;

	start(&s);
	run_workers(&s, w, 3, fn, unmap_and_look);
	assert_true(s.changes > 3 && s.copies[0] && s.copies[2]);
	finish(&s);
}

/* Device i asks for an interrupt with every copy. */
static void *interrupter(void *arg)
{
	struct worker *w = arg;
	struct shared *s = w->s;
	struct client *c = &s->c[w->i];
	struct ioat_desc *desc = (struct ioat_desc *)s->mem[w->i];

	memset(desc, 0, sizeof(*desc));
	desc->size = 64;
	desc->ctl = IOAT_CTL_INT;
	desc->src = IOVA + PAGE;
	desc->dst = IOVA + 2 * PAGE;
	desc->next = IOVA;
	while (!load_relaxed(&s->stop)) {
		uiommu_machine_enter(s->machine);
		if (ioat_run(c, IOVA, 1) != IOAT_STS_DONE)
			ioat_init(c);
		uiommu_machine_exit(s->machine);
		s->copies[w->i]++;
		turn(&s->turns[w->i]);
	}
	return NULL;
}

static void switch_interrupts(struct shared *s)
{
	int efd = eventfd(0, EFD_NONBLOCK);
	struct vfio_irq_set off = {
		.argsz = sizeof(off),
		.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = VFIO_PCI_MSIX_IRQ_INDEX,
	};

	assert_true(efd >= 0);
	uiommu_machine_enter(s->machine);
	client_msix_ok(&s->c[1], &efd, 1);
	uiommu_machine_exit(s->machine);
	usleep(200);
	uiommu_machine_enter(s->machine);
	assert_int_equal(client_ioctl(s->c[1].abi, s->c[1].dev_fd,
				      VFIO_DEVICE_SET_IRQS, &off),
			 0);
	uiommu_machine_poll(s->machine);
	uiommu_machine_exit(s->machine);
	close(efd);
}

static void interrupts_come_and_go(void **state)
{
	void *(*fn[])(void *) = { copier, interrupter, copier };
	static struct worker w[3];
	static struct shared s;

	start(&s);
	run_workers(&s, w, 3, fn, switch_interrupts);
	assert_true(s.changes > 3 && s.copies[1]);
	finish(&s);
}

static void fork_and_look(struct shared *s)
{
	int status;
	pid_t pid;

	uiommu_machine_before_fork(s->machine);
	pid = fork();
	if (!pid) {
		uiommu_machine_after_fork_child(s->machine);
		alarm(60);
		/* The threads are gone; their devices are idle and usable. */
		for (unsigned int i = 0; i < 3; i++)
			if (!copy(s, i, IOVA + PAGE, IOVA + 2 * PAGE, 64))
				_exit(2);
		_exit(0);
	}
	uiommu_machine_after_fork_parent(s->machine);
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void forks_in_the_middle(void **state)
{
	void *(*fn[])(void *) = { copier, writer, copier };
	static struct worker w[3];
	static struct shared s;

	start(&s);
	run_workers(&s, w, 3, fn, fork_and_look);
	assert_true(s.changes);
	finish(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replaced_memory_is_never_written),
		cmocka_unit_test(unmapped_memory_is_never_written),
		cmocka_unit_test(interrupts_come_and_go),
		cmocka_unit_test(forks_in_the_middle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
