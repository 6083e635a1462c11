/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sva_test.c - a device of a whole machine uses this process's addresses: what
 * malloc gave, what was never touched, what is taken away and comes back.  By
 * page requests and by stalls.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <uiommu/host.h>

#include "sva.h"

#define PAGE 4096u
/* The allocators of sanitizers keep what is freed for a while. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FREE_UNMAPS 0
#else
#define FREE_UNMAPS 1
#endif

static uint64_t global_word;

/* What the device reads at `at`; the test fails if it finds nothing. */
static uint64_t look(struct sva_client *s, const void *at)
{
	assert_int_equal(sva_do(s, 1, TESTEP_READ, at, 8), TESTEP_OK);
	return testep_word(&s->c, 1);
}

static unsigned int put(struct sva_client *s, void *at, uint64_t word)
{
	testep_fill(&s->c, 2, word);
	return sva_do(s, 2, TESTEP_WRITE, at, 8);
}

/* No pin, no map: the addresses are just there. */
static void any_memory(struct sva_client *s)
{
	uint64_t on_stack = 17, *heap = malloc(3 * PAGE);
	char *fresh = pages_ok(4 * PAGE);

	assert_non_null(heap);
	global_word = 16;
	heap[700] = 18;
	assert_int_equal(look(s, &global_word), 16);
	assert_int_equal(look(s, &on_stack), 17);
	assert_int_equal(look(s, &heap[700]), 18);
	assert_int_equal(put(s, &on_stack, 20), TESTEP_OK);
	assert_int_equal(on_stack, 20);
	assert_int_equal(put(s, &heap[700], 19), TESTEP_OK);
	assert_int_equal(heap[700], 19);
	/* Never touched: read as zeroes, and then written. */
	assert_int_equal(look(s, fresh + PAGE), 0);
	assert_int_equal(put(s, fresh + PAGE, 21), TESTEP_OK);
	assert_int_equal(*(uint64_t *)(fresh + PAGE), 21);
	assert_int_equal(put(s, fresh + 2 * PAGE, 22), TESTEP_OK);
	assert_int_equal(*(uint64_t *)(fresh + 2 * PAGE), 22);
	/* What the program writes now the device reads then. */
	*(uint64_t *)(fresh + PAGE) = 23;
	assert_int_equal(look(s, fresh + PAGE), 23);
	/* Across two pages, at an odd place. */
	memset(fresh, 7, 2 * PAGE);
	assert_int_equal(sva_do(s, 3, TESTEP_READ, fresh + PAGE - 3, 8),
			 TESTEP_OK);
	assert_int_equal(testep_word(&s->c, 3), UINT64_C(0x0707070707070707));
	pages_free(fresh, 4 * PAGE);
	free(heap);
}

static void rights_and_holes(struct sva_client *s)
{
	char *at = pages_ok(3 * PAGE);

	*(uint64_t *)at = 31;
	assert_int_equal(put(s, at, 32), TESTEP_OK);
	assert_int_equal(mprotect(at, PAGE, PROT_READ), 0);
	assert_int_equal(look(s, at), 32);
	assert_int_equal(put(s, at, 33), TESTEP_ABORTED);
	assert_int_equal(*(uint64_t *)at, 32);
	assert_int_equal(mprotect(at, PAGE, PROT_NONE), 0);
	assert_int_equal(sva_do(s, 0, TESTEP_READ, at, 8), TESTEP_ABORTED);
	assert_int_equal(mprotect(at, PAGE, PROT_READ | PROT_WRITE), 0);
	assert_int_equal(put(s, at, 34), TESTEP_OK);
	assert_int_equal(*(uint64_t *)at, 34);
	assert_int_equal(munmap(at + PAGE, PAGE), 0);
	assert_int_equal(sva_do(s, 0, TESTEP_READ, at + PAGE, 8),
			 TESTEP_ABORTED);
	assert_int_equal(sva_do(s, 0, TESTEP_READ, NULL, 8), TESTEP_ABORTED);
	assert_int_equal(sva_do(s, 0, TESTEP_READ,
				(void *)(uintptr_t)(UINT64_C(1) << 47), 8),
			 TESTEP_ABORTED);
	pages_free(at, 3 * PAGE);
}

/* Other memory at the same address is what the device sees at once. */
static void the_past_is_gone(struct sva_client *s)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
	const int rw = PROT_READ | PROT_WRITE;
	char *at = pages_ok(4 * PAGE), *moved;
	uint64_t *block, *next;
	volatile uintptr_t was; /* the compiler need not know what it is */

	*(uint64_t *)at = 41;
	*(uint64_t *)(at + 2 * PAGE) = 42;
	assert_int_equal(look(s, at), 41);
	assert_int_equal(look(s, at + 2 * PAGE), 42);
	assert_int_equal(madvise(at, PAGE, MADV_DONTNEED), 0);
	assert_int_equal(look(s, at), 0);
	*(uint64_t *)at = 43;
	assert_int_equal(look(s, at), 43);
	assert_ptr_equal(mmap(at, PAGE, rw, flags, -1, 0), at);
	assert_int_equal(look(s, at), 0);
	/* A page moves; where it was there is none. */
	moved = mremap(at + 2 * PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		       at);
	assert_ptr_equal(moved, at);
	assert_int_equal(look(s, at), 42);
	assert_int_equal(sva_do(s, 0, TESTEP_READ, at + 2 * PAGE, 8),
			 TESTEP_ABORTED);
	munmap(at, 4 * PAGE);
	/* What libc does by itself. */
	block = malloc(1 << 20);
	assert_non_null(block);
	block[1000] = 44;
	assert_int_equal(look(s, &block[1000]), 44);
	was = (uintptr_t)&block[1000];
	free(block);
	if (FREE_UNMAPS)
		assert_int_equal(sva_do(s, 0, TESTEP_READ, (void *)was, 8),
				 TESTEP_ABORTED);
	next = malloc(1 << 20);
	assert_non_null(next);
	next[1000] = 45;
	assert_int_equal(look(s, &next[1000]), 45);
	free(next);
}

/* A child's changes are its own. */
static void a_child(struct sva_client *s)
{
	uint64_t *at = pages_ok(PAGE);
	pid_t pid;
	int status;

	*at = 51;
	assert_int_equal(look(s, at), 51);
	pid = fork();
	if (!pid) {
		*at = 52;
		munmap(at, PAGE);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(look(s, at), 51);
	assert_int_equal(put(s, at, 53), TESTEP_OK);
	assert_int_equal(*at, 53);
	pages_free(at, PAGE);
}

static void run_all(unsigned int index)
{
	struct uiommu_machine *machine = machine_ok("testep,testep:stall");
	struct sva_client s;
	uint64_t word = 61;

	guard_ok();
	sva_open_ok(&s, machine, index);
	any_memory(&s);
	rights_and_holes(&s);
	the_past_is_gone(&s);
	a_child(&s);
	assert_int_equal(look(&s, &word), 61);
	uiommu_sva_unbind(s.sva);
	/* Nobody is bound: the PASID leads nowhere. */
	testep_go_as(&s.c, 0, 1, TESTEP_READ, (uintptr_t)&word, 8);
	assert_int_equal(sva_end(&s, 0), TESTEP_ABORTED);
	client_close(&s.c);
	uiommu_machine_destroy(machine);
}

static void by_page_requests(void **state)
{
	run_all(0);
}

static void by_stalls(void **state)
{
	run_all(1);
}

/* Beside memory that is mapped for DMA, and two devices by one PASID. */
static void beside_dma_and_each_other(void **state)
{
	struct uiommu_machine *machine = machine_ok("testep,testep:stall");
	uint64_t *dma = pages_ok(PAGE), *at = pages_ok(PAGE);
	struct sva_client a, b;

	guard_ok();
	sva_open_ok(&a, machine, 0);
	sva_open_ok(&b, machine, 1);
	assert_int_equal(uiommu_sva_pasid(a.sva), uiommu_sva_pasid(b.sva));
	*dma = 71;
	*at = 72;
	client_map_ok(&a.c, dma, PAGE, 0x1000000);
	assert_int_equal(testep_go(&a.c, 0, TESTEP_READ, 0x1000000, 8),
			 TESTEP_OK);
	assert_int_equal(testep_word(&a.c, 0), 71);
	/* Its own domain knows no addresses of the process. */
	testep_go(&a.c, 0, TESTEP_READ, (uintptr_t)at, 8);
	assert_int_equal(sva_end(&a, 0), TESTEP_ABORTED);
	assert_int_equal(look(&a, at), 72);
	assert_int_equal(look(&b, at), 72);
	assert_int_equal(put(&b, at, 73), TESTEP_OK);
	assert_int_equal(look(&a, at), 73);
	assert_int_equal(madvise(at, PAGE, MADV_DONTNEED), 0);
	assert_int_equal(look(&a, at), 0);
	assert_int_equal(look(&b, at), 0);
	uiommu_sva_unbind(a.sva);
	assert_int_equal(look(&b, at), 0);
	uiommu_sva_unbind(b.sva);
	client_close(&a.c);
	client_close(&b.c);
	pages_free(at, PAGE);
	pages_free(dma, PAGE);
	uiommu_machine_destroy(machine);
}

/*
 * Memory that is mapped for DMA too, and that the program gives back: whoever
 * runs it leaves it there for the DMA, and by its address it is gone.
 */
static void given_back_but_pinned(void **state)
{
	struct uiommu_machine *machine = machine_ok("testep,testep:stall");
	char *at = pages_ok(2 * PAGE);
	uintptr_t first = (uintptr_t)at;
	struct sva_client s;

	guard_ok();
	for (unsigned int i = 0; i < 2; i++) {
		sva_open_ok(&s, machine, i);
		*(uint64_t *)at = 81;
		*(uint64_t *)(at + PAGE) = 82;
		client_map_ok(&s.c, at, PAGE, 0x1000000);
		assert_int_equal(look(&s, at), 81);
		assert_int_equal(look(&s, at + PAGE), 82);
		assert_int_equal(uiommu_machine_release(machine, first,
							first + PAGE - 1,
							"munmap"),
				 0);
		assert_int_equal(sva_do(&s, 0, TESTEP_READ, at, 8),
				 TESTEP_ABORTED);
		assert_int_equal(put(&s, at + PAGE - 4, 83), TESTEP_ABORTED);
		assert_int_equal(sva_do(&s, 0, TESTEP_READ, at + PAGE - 4, 8),
				 TESTEP_ABORTED);
		assert_int_equal(look(&s, at + PAGE), 82);
		assert_int_equal(testep_go(&s.c, 0, TESTEP_READ, 0x1000000, 8),
				 TESTEP_OK);
		assert_int_equal(testep_word(&s.c, 0), 81);
		/* The last pin goes; then so does the memory. */
		assert_int_equal(client_unmap(&s.c, 0x1000000, PAGE), 0);
		assert_int_equal(munmap(at, PAGE), 0);
		assert_int_equal(sva_do(&s, 0, TESTEP_READ, at, 8),
				 TESTEP_ABORTED);
		assert_ptr_equal(mmap(at, PAGE, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
				      -1, 0),
				 at);
		assert_int_equal(look(&s, at), 0);
		uiommu_sva_unbind(s.sva);
		client_close(&s.c);
	}
	pages_free(at, 2 * PAGE);
	uiommu_machine_destroy(machine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_page_requests),
		cmocka_unit_test(by_stalls),
		cmocka_unit_test(beside_dma_and_each_other),
		cmocka_unit_test(given_back_but_pinned),
	};

	/* A large block is always a mapping of its own. */
	mallopt(M_MMAP_THRESHOLD, 1 << 18);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
