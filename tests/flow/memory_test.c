/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memory_test.c - what the process does to memory that is mapped for DMA:
 * gives it back, puts something else there, forks.
 *
 * The tests play the launcher: they tell the machine, and unmap when it says
 * that memory is free.
 */
#include "client.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define IOVA UINT64_C(0x10000000)
#define RING UINT64_C(0x20000000)
#define PAGE 0x1000u

#if defined(__SANITIZE_THREAD__)
/* Liburcu's callback thread starts anew in the child. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "die_after_fork=0";
}
#endif

struct world {
	struct uiommu_machine *machine;
	struct client c;
	uint8_t *ring; /* descriptor at 0, data at PAGE */
	uint8_t *mem;  /* two pages at IOVA */
	unsigned int unpinned;
	struct uiommu_range freed;
};

static void on_unpinned(void *ctx, uint64_t first, uint64_t last)
{
	struct world *w = ctx;

	w->unpinned++;
	w->freed.first = first;
	w->freed.last = last;
}

static void setup(struct world *w)
{
	const struct uiommu_machine_cfg cfg = {
		.ctx = w,
		.unpinned = on_unpinned,
	};
	char err[128];

	guard_ok();
	memset(w, 0, sizeof(*w));
	assert_int_equal(
		uiommu_machine_create(&cfg, &w->machine, err, sizeof(err)), 0);
	client_open_iommufd(&w->c, w->machine, 0);
	w->ring = pages_ok(2 * PAGE);
	w->mem = pages_ok(2 * PAGE);
	client_map_ok(&w->c, w->ring, 2 * PAGE, RING);
	client_map_ok(&w->c, w->mem, 2 * PAGE, IOVA);
	ioat_init(&w->c);
}

static void teardown(struct world *w)
{
	client_close(&w->c);
	uiommu_machine_destroy(w->machine);
	pages_free(w->ring, 2 * PAGE);
	pages_free(w->mem, 2 * PAGE);
}

/* The device writes 64 bytes of `byte` at an IOVA; the state it ends in. */
static unsigned int dma_write(struct world *w, uint64_t iova, int byte)
{
	unsigned int state;

	memset(w->ring + PAGE, byte, 64);
	state = ioat_copy(&w->c, (struct ioat_desc *)w->ring, RING, iova,
			  RING + PAGE, 64);
	if (state == IOAT_STS_HALTED)
		ioat_init(&w->c);
	return state;
}

static uint64_t first_of(const void *va)
{
	return (uintptr_t)va;
}

static void pinned_names_the_part(void **state)
{
	struct uiommu_range range;
	struct world w;

	setup(&w);
	assert_true(uiommu_machine_pinned(w.machine, first_of(w.mem) + 100,
					  first_of(w.mem) + PAGE, &range));
	assert_int_equal(range.first, first_of(w.mem) + 100);
	assert_int_equal(range.last, first_of(w.mem) + PAGE);
	assert_int_equal(client_unmap(&w.c, IOVA, 2 * PAGE), 0);
	assert_false(uiommu_machine_pinned(w.machine, first_of(w.mem),
					   first_of(w.mem) + 2 * PAGE - 1,
					   &range));
	teardown(&w);
}

/* Given back: it stays for the device, --check tells, the unmap frees it. */
static void released_stays_until_unmap(void **state)
{
	struct uiommu_range range;
	struct world w;
	char *text = NULL, want[64];
	size_t len;
	FILE *out;

	setup(&w);
	assert_int_equal(uiommu_machine_release(w.machine, first_of(w.mem),
						first_of(w.mem) + 2 * PAGE - 1,
						"munmap"),
			 0);
	assert_int_equal(uiommu_machine_release(w.machine, first_of(w.mem),
						first_of(w.mem) + 2 * PAGE - 1,
						"munmap"),
			 -EINVAL);
	assert_false(uiommu_machine_pinned(w.machine, first_of(w.mem),
					   first_of(w.mem) + PAGE, &range));
	/* By itself no mistake yet: a program may end like this. */
	assert_int_equal(uiommu_machine_check(w.machine), 0);
	assert_int_equal(dma_write(&w, IOVA + PAGE + 16, 0x5a), IOAT_STS_DONE);
	assert_int_equal(uiommu_machine_check(w.machine), 1);
	assert_int_equal(w.mem[PAGE + 16], 0x5a);

	out = open_memstream(&text, &len);
	uiommu_machine_report(w.machine, UIOMMU_REPORT_CHECK, out);
	fclose(out);
	snprintf(want, sizeof(want), "0x%lx",
		 (unsigned long)first_of(w.mem) + PAGE + 16);
	assert_non_null(strstr(text, want));
	assert_non_null(strstr(text, "munmap"));
	assert_non_null(strstr(text, "IOVA 0x10001010"));
	free(text);

	/* A second mapping of what was given back fails. */
	assert_int_equal(client_map(&w.c, w.mem, PAGE, 3 * IOVA), -EFAULT);

	assert_int_equal(w.unpinned, 0);
	assert_int_equal(client_unmap(&w.c, IOVA, 2 * PAGE), 0);
	assert_int_equal(w.unpinned, 1);
	assert_int_equal(w.freed.first, first_of(w.mem));
	assert_int_equal(w.freed.last, first_of(w.mem) + 2 * PAGE - 1);
	/* Now it is like any other memory. */
	client_map_ok(&w.c, w.mem, PAGE, 3 * IOVA);
	teardown(&w);
}

/*
 * Mapped twice, by two calls: it is the device's until the last mapping goes, and
 * the first to go takes nothing from the other.
 */
static void mapped_twice(void **state)
{
	struct uiommu_range range;
	struct world w;

	setup(&w);
	client_map_ok(&w.c, w.mem, 2 * PAGE, 3 * IOVA);
	assert_int_equal(dma_write(&w, IOVA + PAGE, 1), IOAT_STS_DONE);
	assert_int_equal(w.mem[PAGE], 1);
	assert_int_equal(dma_write(&w, 3 * IOVA + PAGE, 2), IOAT_STS_DONE);
	assert_int_equal(w.mem[PAGE], 2);
	assert_int_equal(client_unmap(&w.c, 3 * IOVA, 2 * PAGE), 0);
	assert_true(uiommu_machine_pinned(w.machine, first_of(w.mem),
					  first_of(w.mem) + 2 * PAGE - 1,
					  &range));
	assert_int_equal(dma_write(&w, IOVA + PAGE, 3), IOAT_STS_DONE);

	/* And given back by the program in between. */
	client_map_ok(&w.c, w.mem, PAGE, 3 * IOVA);
	assert_int_equal(uiommu_machine_release(w.machine, first_of(w.mem),
						first_of(w.mem) + 2 * PAGE - 1,
						"munmap"),
			 0);
	assert_int_equal(client_unmap(&w.c, IOVA, 2 * PAGE), 0);
	assert_int_equal(w.unpinned, 1);
	assert_int_equal(w.freed.first, first_of(w.mem) + PAGE);
	assert_int_equal(w.freed.last, first_of(w.mem) + 2 * PAGE - 1);
	assert_int_equal(dma_write(&w, 3 * IOVA + 16, 4), IOAT_STS_DONE);
	assert_int_equal(w.mem[16], 4);
	assert_int_equal(client_unmap(&w.c, 3 * IOVA, PAGE), 0);
	assert_int_equal(w.unpinned, 2);
	assert_int_equal(w.freed.first, first_of(w.mem));
	assert_int_equal(w.freed.last, first_of(w.mem) + PAGE - 1);
	teardown(&w);
}

static void put_other_memory(struct world *w)
{
	assert_ptr_equal(mmap(w->mem, 2 * PAGE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
			 w->mem);
}

static void replace_ok(struct world *w)
{
	assert_int_equal(uiommu_machine_replace(w->machine, first_of(w->mem),
						first_of(w->mem) + 2 * PAGE - 1,
						"mmap"),
			 0);
	put_other_memory(w);
}

/* Old mapping: abort, new memory untouched.  New mapping: works. */
static void replaced_is_out_of_reach(void **state)
{
	struct uiommu_range range;
	struct world w;

	setup(&w);
	assert_int_equal(dma_write(&w, IOVA, 1), IOAT_STS_DONE);
	replace_ok(&w);
	assert_false(uiommu_machine_pinned(w.machine, first_of(w.mem),
					   first_of(w.mem) + PAGE, &range));
	assert_int_equal(dma_write(&w, IOVA, 2), IOAT_STS_HALTED);
	assert_int_equal(w.mem[0], 0);
	assert_int_not_equal(uiommu_machine_check(w.machine), 0);

	client_map_ok(&w.c, w.mem, 2 * PAGE, 3 * IOVA);
	assert_int_equal(dma_write(&w, 3 * IOVA + PAGE - 32, 3), IOAT_STS_DONE);
	assert_int_equal(w.mem[PAGE - 33], 0);
	assert_int_equal(w.mem[PAGE - 32], 3);
	assert_int_equal(w.mem[PAGE + 31], 3);
	assert_int_equal(dma_write(&w, IOVA, 4), IOAT_STS_HALTED);
	assert_int_equal(w.mem[0], 0);
	assert_true(uiommu_machine_pinned(w.machine, first_of(w.mem),
					  first_of(w.mem) + 2 * PAGE - 1,
					  &range));

	/* And once more. */
	replace_ok(&w);
	assert_int_equal(dma_write(&w, 3 * IOVA, 5), IOAT_STS_HALTED);
	client_map_ok(&w.c, w.mem, PAGE, 5 * IOVA);
	client_map_ok(&w.c, w.mem, PAGE, 6 * IOVA);
	assert_int_equal(dma_write(&w, 5 * IOVA, 6), IOAT_STS_DONE);
	assert_int_equal(w.mem[0], 6);
	assert_int_equal(dma_write(&w, 6 * IOVA + 64, 7), IOAT_STS_DONE);
	assert_int_equal(w.mem[64], 7);

	/* The new memory given back in its turn. */
	assert_int_equal(uiommu_machine_release(w.machine, first_of(w.mem),
						first_of(w.mem) + PAGE - 1,
						"free"),
			 0);
	assert_int_equal(client_unmap(&w.c, 5 * IOVA, PAGE), 0);
	assert_int_equal(w.unpinned, 0);
	assert_int_equal(client_unmap(&w.c, 6 * IOVA, PAGE), 0);
	assert_int_equal(w.unpinned, 1);
	assert_int_equal(w.freed.first, first_of(w.mem));

	/* All old mappings gone: the address is itself again. */
	assert_int_equal(client_unmap(&w.c, 3 * IOVA, 2 * PAGE), 0);
	assert_int_equal(client_unmap(&w.c, IOVA, 2 * PAGE), 0);
	client_map_ok(&w.c, w.mem, 2 * PAGE, IOVA);
	assert_int_equal(dma_write(&w, IOVA, 8), IOAT_STS_DONE);
	assert_int_equal(w.mem[0], 8);
	teardown(&w);
}

/* Released first, then something else placed there. */
static void released_then_replaced(void **state)
{
	struct world w;

	setup(&w);
	assert_int_equal(uiommu_machine_release(w.machine, first_of(w.mem),
						first_of(w.mem) + 2 * PAGE - 1,
						"munmap"),
			 0);
	replace_ok(&w);
	assert_int_equal(dma_write(&w, IOVA, 9), IOAT_STS_HALTED);
	assert_int_equal(w.mem[0], 0);
	assert_int_equal(client_unmap(&w.c, IOVA, 2 * PAGE), 0);
	/* Nobody may unmap what stands there now. */
	assert_int_equal(w.unpinned, 0);
	teardown(&w);
}

/* Without anybody telling the machine: an error, not a crash. */
static void vanished_memory_aborts(void **state)
{
	struct world w;

	setup(&w);
	/* Rights of the CPU are not the device's. */
	assert_int_equal(mprotect(w.mem, 2 * PAGE, PROT_NONE), 0);
	assert_int_equal(dma_write(&w, IOVA, 1), IOAT_STS_DONE);
	assert_int_equal(mprotect(w.mem, 2 * PAGE, PROT_READ), 0);
	assert_int_equal(w.mem[0], 1);
	assert_int_equal(munmap(w.mem, 2 * PAGE), 0);
	assert_int_equal(dma_write(&w, IOVA, 1), IOAT_STS_HALTED);
	w.mem = pages_ok(2 * PAGE);
	teardown(&w);
}

/* The pages of shared memory outlive the mapping that a device was given. */
static void shared_memory_is_kept(void **state)
{
	int fd = memfd_create("shared", MFD_CLOEXEC);
	uint8_t *mem, *view, *over;
	struct world w;

	setup(&w);
	assert_int_equal(ftruncate(fd, 4 * PAGE), 0);
	mem = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	view = mmap(NULL, 4 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	assert_true(mem != MAP_FAILED && view != MAP_FAILED);
	client_map_ok(&w.c, mem, 4 * PAGE, 3 * IOVA);

	/* Two pages of four make room for private memory. */
	assert_int_equal(uiommu_machine_replace(w.machine, first_of(mem) + PAGE,
						first_of(mem) + 3 * PAGE - 1,
						"mmap"),
			 0);
	over = mmap(mem + PAGE, 2 * PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	assert_ptr_equal(over, mem + PAGE);

	/* Across the border, inside, and to what was not touched. */
	assert_int_equal(dma_write(&w, 3 * IOVA + PAGE - 32, 1), IOAT_STS_DONE);
	assert_int_equal(view[PAGE - 32], 1);
	assert_int_equal(view[PAGE + 31], 1);
	assert_int_equal(dma_write(&w, 3 * IOVA + 2 * PAGE, 2), IOAT_STS_DONE);
	assert_int_equal(view[2 * PAGE], 2);
	assert_int_equal(dma_write(&w, 3 * IOVA + 3 * PAGE, 3), IOAT_STS_DONE);
	assert_int_equal(view[3 * PAGE], 3);
	assert_int_equal(over[0] | over[31] | over[PAGE], 0);
	/* The device reads there as well. */
	assert_int_equal(ioat_copy(&w.c, (struct ioat_desc *)w.ring, RING,
				   RING + PAGE, 3 * IOVA + 2 * PAGE, 64),
			 IOAT_STS_DONE);
	assert_int_equal(w.ring[PAGE], 2);
	/* It is a mistake of the program all the same. */
	assert_int_not_equal(uiommu_machine_check(w.machine), 0);

	/* The new memory at the same address is another page to the device. */
	client_map_ok(&w.c, over, PAGE, 7 * IOVA);
	assert_int_equal(dma_write(&w, 7 * IOVA, 4), IOAT_STS_DONE);
	assert_int_equal(over[0], 4);
	assert_int_equal(view[PAGE], 1);
	assert_int_equal(client_unmap(&w.c, 7 * IOVA, PAGE), 0);
	assert_int_equal(client_unmap(&w.c, 3 * IOVA, 4 * PAGE), 0);
	teardown(&w);
	munmap(mem, 4 * PAGE);
	munmap(view, 4 * PAGE);
	close(fd);
}

static void what_cannot_be_pinned(void **state)
{
	uint8_t *ro = pages_ok(3 * PAGE);
	struct world w;

	setup(&w);
	assert_int_equal(mprotect(ro, 2 * PAGE, PROT_READ), 0);
	assert_int_equal(client_map(&w.c, ro, PAGE, 3 * IOVA), -EFAULT);
	assert_int_equal(munmap(ro + PAGE, PAGE), 0);
	assert_int_equal(client_map(&w.c, ro, 3 * PAGE, 3 * IOVA), -EFAULT);
	assert_int_equal(client_map(&w.c, NULL, PAGE, 3 * IOVA), -EFAULT);
	assert_int_equal(client_map(&w.c, (void *)(UINTPTR_MAX - 0x1fff), PAGE,
				    3 * IOVA),
			 -EFAULT);
	/* As much as an address space holds: refused before much is done. */
	assert_int_equal(client_map(&w.c, ro + 2 * PAGE, UINT64_C(1) << 46,
				    3 * IOVA),
			 -EFAULT);
	/* Nothing of it stayed behind. */
	assert_false(uiommu_machine_pinned(w.machine, first_of(ro),
					   first_of(ro) + 3 * PAGE - 1,
					   &(struct uiommu_range){ 0 }));
	client_map_ok(&w.c, ro + 2 * PAGE, PAGE, 3 * IOVA);
	teardown(&w);
	munmap(ro, PAGE);
	munmap(ro + 2 * PAGE, PAGE);
}

/* Parent and child go on, each with its own machine and memory. */
static void fork_gives_two_machines(void **state)
{
	struct world w;
	int status;
	pid_t pid;

	setup(&w);
	assert_int_equal(dma_write(&w, IOVA, 1), IOAT_STS_DONE);
	uiommu_machine_before_fork(w.machine);
	pid = fork();
	if (!pid) {
		unsigned int ok;

		uiommu_machine_after_fork_child(w.machine);
		uiommu_machine_enter(w.machine);
		uiommu_machine_exit(w.machine);
		ok = dma_write(&w, IOVA, 2) == IOAT_STS_DONE && w.mem[0] == 2 &&
		     !client_unmap(&w.c, IOVA, 2 * PAGE) &&
		     dma_write(&w, IOVA, 3) == IOAT_STS_HALTED;
		client_close(&w.c);
		uiommu_machine_destroy(w.machine);
		_exit(ok ? 0 : 1);
	}
	uiommu_machine_after_fork_parent(w.machine);
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(w.mem[0], 1);
	assert_int_equal(dma_write(&w, IOVA, 4), IOAT_STS_DONE);
	assert_int_equal(w.mem[0], 4);
	teardown(&w);
}

static void two_machines_in_a_process(void **state)
{
	struct world a, b;

	setup(&a);
	setup(&b);
	assert_int_equal(dma_write(&a, IOVA, 1), IOAT_STS_DONE);
	assert_int_equal(dma_write(&b, IOVA, 2), IOAT_STS_DONE);
	assert_int_equal(a.mem[0], 1);
	assert_int_equal(b.mem[0], 2);
	/* One machine's pins are not the other's. */
	assert_false(uiommu_machine_pinned(a.machine, first_of(b.mem),
					   first_of(b.mem) + PAGE - 1,
					   &(struct uiommu_range){ 0 }));
	teardown(&a);
	assert_int_equal(dma_write(&b, IOVA, 3), IOAT_STS_DONE);
	teardown(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pinned_names_the_part),
		cmocka_unit_test(released_stays_until_unmap),
		cmocka_unit_test(mapped_twice),
		cmocka_unit_test(replaced_is_out_of_reach),
		cmocka_unit_test(released_then_replaced),
		cmocka_unit_test(vanished_memory_aborts),
		cmocka_unit_test(shared_memory_is_kept),
		cmocka_unit_test(what_cannot_be_pinned),
		cmocka_unit_test(fork_gives_two_machines),
		cmocka_unit_test(two_machines_in_a_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
