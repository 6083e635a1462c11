/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pasid_nth_test.c - PASIDs with the nth call of the platform failing, for each
 * n: by domain on devices behind three SMMUs that share it, and by the library's
 * calls of iommufd.
 */
#include <uiommu/uapi/iommufd.h>

#include "machine/machine_private.h"
#include "nth.h"
#include "testep.h"

#define IOVA UINT64_C(0x10000000)
#define PAGE UINT64_C(4096)
#define RW (UIOMMU_PROT_READ | UIOMMU_PROT_WRITE)
#define DEVS 3u
#define SPACES 2u
#define WORD(space) (UINT64_C(0xa0) + (space))

/* Each address space has page `space` of mem at IOVA. */
struct scene {
	struct uiommu_machine *machine;
	struct client c[DEVS];
	struct uiommu_device *dev[DEVS];
	struct uiommu_ioas *ioas[SPACES];
	struct uiommu_domain *dom[SPACES];
	struct uiommu_ufd_device *idev; /* device 0 */
	uint32_t ioas_id[SPACES];
	uint8_t *mem;
	/* Of a call. */
	unsigned int subject;
	uint32_t pasid;
};

static void open_machine(struct scene *s)
{
	guard_ok();
	*s = (struct scene){
		.machine = machine_of_ok("tests/flow/units.dtb"),
	};
	for (unsigned int i = 0; i < DEVS; i++) {
		client_open_iommufd(&s->c[i], s->machine, i);
		client_master(&s->c[i], true);
		s->dev[i] = uiommu_machine_core_device(s->machine, i);
	}
	s->mem = pages_ok(SPACES * PAGE);
	for (unsigned int i = 0; i < SPACES; i++)
		*(uint64_t *)(void *)(s->mem + i * PAGE) = WORD(i);
}

static void close_machine(struct scene *s)
{
	for (unsigned int i = 0; i < DEVS; i++)
		client_close(&s->c[i]);
	uiommu_machine_destroy(s->machine);
	pages_free(s->mem, SPACES * PAGE);
}

/* What the subject's PASID reaches: a space, SPACES: nothing. */
static void expect_at(struct scene *s, unsigned int space)
{
	uint64_t want = space < SPACES ? WORD(space) : 0;

	assert_int_equal(testep_read_word(&s->c[s->subject], s->pasid, IOVA),
			 want);
}

/* --------------------------------------------------------------- by domain -- */

static long run_attach(void *ctx)
{
	struct scene *s = ctx;

	return uiommu_device_pasid_attach(s->dev[s->subject], s->pasid,
					  s->dom[0]);
}

static void undo_attach(void *ctx)
{
	struct scene *s = ctx;

	uiommu_device_pasid_detach(s->dev[s->subject], s->pasid);
}

static void check_attach(void *ctx, bool done)
{
	expect_at(ctx, done ? 0 : SPACES);
}

static long run_replace(void *ctx)
{
	struct scene *s = ctx;

	return uiommu_device_pasid_replace(s->dev[s->subject], s->pasid,
					   s->dom[1]);
}

static void undo_replace(void *ctx)
{
	struct scene *s = ctx;

	assert_int_equal(uiommu_device_pasid_replace(s->dev[s->subject],
						     s->pasid, s->dom[0]),
			 0);
}

static void check_replace(void *ctx, bool done)
{
	expect_at(ctx, done);
}

static long run_detach(void *ctx)
{
	undo_attach(ctx);
	return 0;
}

static void undo_detach(void *ctx)
{
	assert_int_equal(run_attach(ctx), 0);
}

/* A detach never fails. */
static void check_detach(void *ctx, bool done)
{
	assert_true(done);
	expect_at(ctx, SPACES);
}

static const struct nth_call by_domain[] = {
	{ "pasid_replace", run_replace, undo_replace, check_replace, 0 },
	{ "pasid_detach", run_detach, undo_detach, check_detach, 0 },
};

/* Numbers that make tables grow; the same domain for all devices. */
static void by_domain_behind_three_smmus(void **state)
{
	static const uint32_t numbers[] = { 1, 2, 4, 64, 1024, 1500 };
	struct nth_call attaching = { "pasid_attach", run_attach, undo_attach,
				      check_attach, 0 };
	struct scene s;

	open_machine(&s);
	for (unsigned int i = 0; i < SPACES; i++) {
		uiommu_iova_t iova = IOVA;

		assert_int_equal(uiommu_domain_alloc(s.dev[0], &s.dom[i]), 0);
		assert_int_equal(
			uiommu_ioas_create(uiommu_machine_core(s.machine),
					   &s.ioas[i]),
			0);
		assert_int_equal(uiommu_ioas_add_domain(s.ioas[i], s.dom[i]),
				 0);
		assert_int_equal(uiommu_ioas_map(s.ioas[i], &s.machine->mm,
						 (uintptr_t)(s.mem + i * PAGE),
						 PAGE, RW,
						 UIOMMU_IOAS_FIXED_IOVA, &iova),
				 0);
	}
	for (unsigned int n = 0; n < 6; n++) {
		s.pasid = numbers[n];
		for (s.subject = 0; s.subject < DEVS; s.subject++) {
			/* A device's first CD table has to be made. */
			attaching.least = n ? 0 : 1;
			nth_each(s.machine, &attaching, &s);
			assert_int_equal(run_attach(&s), 0);
			for (unsigned int i = 0; i < 2; i++)
				nth_each(s.machine, &by_domain[i], &s);
		}
	}
	for (unsigned int n = 0; n < 6; n++)
		for (unsigned int i = 0; i < DEVS; i++)
			uiommu_device_pasid_detach(s.dev[i], numbers[n]);
	for (unsigned int i = 0; i < SPACES; i++) {
		uiommu_ioas_remove_domain(s.ioas[i], s.dom[i]);
		uiommu_ioas_destroy(s.ioas[i]);
		uiommu_domain_free(s.dom[i]);
	}
	close_machine(&s);
}

/* ---------------------------------------------------------- by the library -- */

static long run_pt_attach(void *ctx)
{
	struct scene *s = ctx;
	uint32_t pt = s->ioas_id[0];

	return uiommu_ufd_device_pasid_attach(s->idev, s->pasid, &pt);
}

static void undo_pt_attach(void *ctx)
{
	struct scene *s = ctx;

	uiommu_ufd_device_pasid_detach(s->idev, s->pasid);
}

static long run_pt_replace(void *ctx)
{
	struct scene *s = ctx;
	uint32_t pt = s->ioas_id[1];

	return uiommu_ufd_device_pasid_replace(s->idev, s->pasid, &pt);
}

static void undo_pt_replace(void *ctx)
{
	struct scene *s = ctx;
	uint32_t pt = s->ioas_id[0];

	assert_int_equal(
		uiommu_ufd_device_pasid_replace(s->idev, s->pasid, &pt), 0);
}

static long run_pt_detach(void *ctx)
{
	undo_pt_attach(ctx);
	return 0;
}

static void undo_pt_detach(void *ctx)
{
	assert_int_equal(run_pt_attach(ctx), 0);
}

static void new_ioas(struct scene *s, unsigned int i)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.user_va = (uintptr_t)(s->mem + i * PAGE),
		.length = PAGE,
		.iova = IOVA,
	};

	s->ioas_id[i] = map.ioas_id = client_ioas_ok(&s->c[0]);
	assert_int_equal(client_ioctl(s->c[0].abi, s->c[0].space_fd,
				      IOMMU_IOAS_MAP, &map),
			 0);
}

/* Page tables that are made for the PASID and go with it. */
static void by_the_library(void **state)
{
	static const struct nth_call calls[] = {
		{ "ufd pasid_attach", run_pt_attach, undo_pt_attach,
		  check_attach, 4 },
		{ "ufd pasid_replace", run_pt_replace, undo_pt_replace,
		  check_replace, 3 },
		{ "ufd pasid_detach", run_pt_detach, undo_pt_detach,
		  check_detach, 0 },
	};
	uint32_t id;
	struct scene s;

	open_machine(&s);
	assert_int_equal(uiommu_ufd_device_bind(s.c[0].abi, s.c[0].space_fd,
						s.dev[0], &s.idev, &id),
			 0);
	for (unsigned int i = 0; i < SPACES; i++)
		new_ioas(&s, i);
	for (s.pasid = 1; s.pasid < 2000; s.pasid += 1999 / 2) {
		nth_each(s.machine, &calls[0], &s);
		assert_int_equal(run_pt_attach(&s), 0);
		for (unsigned int i = 1; i < 3; i++)
			nth_each(s.machine, &calls[i], &s);
		undo_pt_attach(&s);
	}
	uiommu_ufd_device_unbind(s.idev);
	close_machine(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_domain_behind_three_smmus),
		cmocka_unit_test(by_the_library),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
