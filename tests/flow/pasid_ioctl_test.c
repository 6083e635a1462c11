/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pasid_ioctl_test.c - PASIDs on a whole machine, by the ioctls of VFIO: what a
 * client attached is what the device reads, whatever is refused, replaced, closed
 * or fails meanwhile.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>

#include <uiommu/uapi/iommufd.h>

#include "base/atomic.h"
#include "nth.h"
#include "testep.h"

#define IOVA UINT64_C(0x10000000)
#define PAGE UINT64_C(4096)
#define PASID 5u
#define FOR_PASIDS IOMMU_HWPT_ALLOC_PASID

/* A device, and page tables for PASIDs of two IOASes that differ at IOVA. */
struct scene {
	struct uiommu_machine *machine;
	struct client c;
	uint32_t ioas[2], hwpt[2];
	uint8_t *mem;
};

static int destroy(struct client *c, uint32_t id)
{
	struct iommu_destroy cmd = { .size = sizeof(cmd), .id = id };

	return (int)client_ioctl(c->abi, c->space_fd, IOMMU_DESTROY, &cmd);
}

static void open_scene(struct scene *s)
{
	guard_ok();
	s->machine = machine_ok("testep");
	client_open_iommufd(&s->c, s->machine, 0);
	client_master(&s->c, true);
	assert_int_equal(client_detach(&s->c, 0), 0);
	s->ioas[0] = s->c.ioas_id;
	s->ioas[1] = client_ioas_ok(&s->c);
	s->mem = pages_ok(2 * PAGE);
	for (unsigned int i = 0; i < 2; i++) {
		*(uint64_t *)(void *)(s->mem + i * PAGE) = 0xa0 + i;
		s->c.ioas_id = s->ioas[i];
		client_map_ok(&s->c, s->mem + i * PAGE, PAGE, IOVA);
		s->hwpt[i] = client_hwpt_ok(&s->c, s->ioas[i], FOR_PASIDS);
	}
}

static void close_scene(struct scene *s)
{
	client_close(&s->c);
	pages_free(s->mem, 2 * PAGE);
	uiommu_machine_destroy(s->machine);
}

/* What the device reads at IOVA, 0: nothing; pasid 0: without. */
static uint64_t reads(struct scene *s, uint32_t pasid)
{
	return testep_read_word(&s->c, pasid, IOVA);
}

static void attach_ok(struct scene *s, uint32_t pasid, uint32_t pt)
{
	assert_int_equal(client_attach(&s->c, pasid, pt), 0);
}

static void two_address_spaces(void **state)
{
	struct scene s;

	open_scene(&s);
	/* Before the device itself has anything. */
	attach_ok(&s, PASID, s.hwpt[1]);
	assert_int_equal(reads(&s, PASID), 0xa1);
	assert_int_equal(reads(&s, 0), 0);
	attach_ok(&s, 0, s.hwpt[0]);
	assert_int_equal(reads(&s, 0), 0xa0);
	assert_int_equal(reads(&s, PASID), 0xa1);
	assert_int_equal(reads(&s, PASID + 1), 0);

	/* One page table, several PASIDs; each is replaced for itself. */
	attach_ok(&s, PASID + 1, s.hwpt[1]);
	attach_ok(&s, PASID, s.hwpt[0]);
	assert_int_equal(reads(&s, PASID), 0xa0);
	assert_int_equal(reads(&s, PASID + 1), 0xa1);
	s.c.ioas_id = s.ioas[1];
	assert_int_equal(client_unmap(&s.c, IOVA, PAGE), 0);
	assert_int_equal(reads(&s, PASID + 1), 0);
	assert_int_equal(reads(&s, PASID), 0xa0);
	assert_int_equal(client_detach(&s.c, PASID), 0);
	assert_int_equal(reads(&s, PASID), 0);
	assert_int_equal(reads(&s, 0), 0xa0);
	close_scene(&s);
}

/* Page tables that do not go together with PASIDs. */
static void refusals(void **state)
{
	struct scene s;
	uint32_t plain, parent;

	open_scene(&s);
	plain = client_hwpt_ok(&s.c, s.ioas[1], 0);
	parent = client_hwpt_ok(&s.c, s.ioas[1], IOMMU_HWPT_ALLOC_NEST_PARENT);
	attach_ok(&s, PASID, s.hwpt[0]);
	assert_int_equal(client_attach(&s.c, PASID, plain), -EINVAL);
	assert_int_equal(client_attach(&s.c, PASID, parent), -EINVAL);
	assert_int_equal(client_attach(&s.c, PASID, s.ioas[1]), -EINVAL);
	assert_int_equal(client_attach(&s.c, 0, plain), -EINVAL);
	assert_int_equal(client_attach(&s.c, 0, parent), -EINVAL);
	assert_int_equal(client_attach(&s.c, 0, s.ioas[0]), -EINVAL);
	assert_int_equal(client_attach(&s.c, 1u << 20, s.hwpt[1]), -EINVAL);
	assert_int_equal(destroy(&s.c, s.hwpt[0]), -EBUSY);
	assert_int_equal(reads(&s, PASID), 0xa0);
	assert_int_equal(reads(&s, 0), 0);
	attach_ok(&s, (1u << 20) - 1, s.hwpt[1]);
	assert_int_equal(reads(&s, (1u << 20) - 1), 0xa1);

	/* The device's own first: the other way round. */
	assert_int_equal(client_detach(&s.c, PASID), 0);
	assert_int_equal(client_detach(&s.c, (1u << 20) - 1), 0);
	attach_ok(&s, 0, parent);
	assert_int_equal(reads(&s, 0), 0xa1);
	assert_int_equal(client_attach(&s.c, PASID, s.hwpt[0]), -EINVAL);
	attach_ok(&s, 0, plain);
	assert_int_equal(client_attach(&s.c, PASID, s.hwpt[0]), -EINVAL);
	assert_int_equal(reads(&s, PASID), 0);
	assert_int_equal(reads(&s, 0), 0xa1);
	close_scene(&s);
}

/* The file is closed with PASIDs attached; the next user finds none of them. */
static void closed_with_pasids(void **state)
{
	struct scene s;
	struct client next;

	open_scene(&s);
	attach_ok(&s, 0, s.hwpt[0]);
	for (uint32_t pasid = 1; pasid < 40; pasid++)
		attach_ok(&s, pasid, s.hwpt[pasid & 1]);
	assert_int_equal(uiommu_abi_close(s.c.abi, s.c.dev_fd), 0);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(destroy(&s.c, s.hwpt[i]), 0);
		assert_int_equal(destroy(&s.c, s.ioas[i]), 0);
	}
	client_open_iommufd(&next, s.machine, 0);
	client_master(&next, true);
	for (uint32_t pasid = 0; pasid < 40; pasid++)
		assert_int_equal(testep_read_word(&next, pasid, IOVA), 0);
	client_close(&next);
	assert_int_equal(uiommu_abi_close(s.c.abi, s.c.space_fd), 0);
	pages_free(s.mem, 2 * PAGE);
	uiommu_machine_destroy(s.machine);
}

/* -------------------------------------------------------------- under fire */

struct fire {
	struct scene s;
	uint32_t stop; /* atomic */
	/* Atomic: accesses that found either page table, or neither. */
	uint64_t saw[2], nothing;
};

static void *read_on(void *ctx)
{
	struct fire *f = ctx;
	struct client *c = &f->s.c;

	bar_write(c, TESTEP_SLOT(0) + 0x0c, 4, PASID);
	while (!load_acquire(&f->stop)) {
		uint64_t word = 0;

		testep_fill(c, 0, 0xdead);
		if (testep_go(c, 0, TESTEP_READ | TESTEP_WITH_PASID, IOVA, 8) ==
		    TESTEP_OK)
			word = testep_word(c, 0);
		fetch_add_relaxed(word == 0xa0	 ? &f->saw[0]
				  : word == 0xa1 ? &f->saw[1]
						 : &f->nothing,
				  1);
	}
	return NULL;
}

/* At least ten accesses for each change, and each finds one or the other. */
static void replaced_under_fire(void **state)
{
	struct fire f = { 0 };
	pthread_t thread;

	open_scene(&f.s);
	attach_ok(&f.s, PASID, f.s.hwpt[0]);
	assert_int_equal(pthread_create(&thread, NULL, read_on, &f), 0);
	for (unsigned int i = 1; i <= 200; i++) {
		uint64_t seen = load_relaxed(&f.saw[i & 1]);

		attach_ok(&f.s, PASID, f.s.hwpt[i & 1]);
		/* A refused one is as if it had not been. */
		assert_int_equal(client_attach(&f.s.c, PASID, f.s.ioas[0]),
				 -EINVAL);
		while (load_relaxed(&f.saw[i & 1]) < seen + 10 &&
		       !load_relaxed(&f.nothing))
			sched_yield();
	}
	store_release(&f.stop, 1);
	pthread_join(thread, NULL);
	assert_int_equal(f.nothing, 0);
	assert_true(f.saw[0] >= 1000 && f.saw[1] >= 1000);
	close_scene(&f.s);
}

/* ------------------------------------------------- the nth call failing -- */

static long run_attach(void *ctx)
{
	struct scene *s = ctx;

	return client_attach(&s->c, PASID, s->hwpt[1]);
}

static void undo_attach(void *ctx)
{
	struct scene *s = ctx;

	assert_int_equal(client_detach(&s->c, PASID), 0);
}

static void check_attach(void *ctx, bool done)
{
	assert_int_equal(reads(ctx, PASID), done ? 0xa1 : 0);
	assert_int_equal(reads(ctx, 0), 0xa0);
}

static void undo_replace(void *ctx)
{
	struct scene *s = ctx;

	attach_ok(s, PASID, s->hwpt[0]);
}

static void check_replace(void *ctx, bool done)
{
	assert_int_equal(reads(ctx, PASID), done ? 0xa1 : 0xa0);
	assert_int_equal(reads(ctx, 0), 0xa0);
}

static long run_detach(void *ctx)
{
	undo_attach(ctx);
	return 0;
}

static void check_detach(void *ctx, bool done)
{
	assert_true(done);
	check_attach(ctx, false);
}

static long run_hwpt(void *ctx)
{
	struct scene *s = ctx;
	struct iommu_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.flags = FOR_PASIDS | IOMMU_HWPT_ALLOC_DIRTY_TRACKING,
		.dev_id = s->c.dev_id,
		.pt_id = s->ioas[0],
	};
	long rc = client_ioctl(s->c.abi, s->c.space_fd, IOMMU_HWPT_ALLOC, &cmd);

	return rc ? rc : (long)cmd.out_hwpt_id;
}

static void undo_hwpt(void *ctx)
{
	struct scene *s = ctx;
	uint32_t next;

	/* Ids are the lowest free ones. */
	next = client_ioas_ok(&s->c);
	assert_int_equal(destroy(&s->c, next), 0);
	assert_int_equal(destroy(&s->c, next - 1), 0);
}

static void with_the_nth_failing(void **state)
{
	static const struct nth_call attach = { "attach", run_attach,
						undo_attach, check_attach, 3 };
	static const struct nth_call replace = { "replace", run_attach,
						 undo_replace, check_replace,
						 2 };
	static const struct nth_call detach = { "detach", run_detach,
						undo_replace, check_detach, 0 };
	static const struct nth_call hwpt = { "hwpt", run_hwpt, undo_hwpt, NULL,
					      3 };
	struct scene s;

	open_scene(&s);
	attach_ok(&s, 0, s.hwpt[0]);
	nth_each(s.machine, &attach, &s);
	attach_ok(&s, PASID, s.hwpt[0]);
	nth_each(s.machine, &replace, &s);
	nth_each(s.machine, &detach, &s);
	nth_each(s.machine, &hwpt, &s);
	close_scene(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_address_spaces),
		cmocka_unit_test(refusals),
		cmocka_unit_test(closed_with_pasids),
		cmocka_unit_test(replaced_under_fire),
		cmocka_unit_test(with_the_nth_failing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
