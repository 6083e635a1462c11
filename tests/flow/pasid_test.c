/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pasid_test.c - PASIDs on a whole machine, by the library's calls of iommufd:
 * the test endpoint reads two address spaces of a client at the same time, one
 * of them is replaced, and what was detached is out of reach.
 */
#include <errno.h>

#include <uiommu/uapi/iommufd.h>

#include "client.h"
#include "testep.h"

#define IOVA UINT64_C(0x10000000)
#define PAGE UINT64_C(4096)
#define PASID 5u

/* A client whose device shows IOAS 0 without PASID; both IOASes map IOVA. */
struct scene {
	struct uiommu_machine *machine;
	struct client c;
	struct uiommu_ufd_device *idev;
	uint32_t dev_id, ioas[2];
	uint8_t *mem; /* a page of each */
};

static void map_ok(struct scene *s, uint32_t ioas, uint8_t *va, uint64_t iova)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = ioas,
		.user_va = (uintptr_t)va,
		.length = PAGE,
		.iova = iova,
	};

	assert_int_equal(
		client_ioctl(s->c.abi, s->c.space_fd, IOMMU_IOAS_MAP, &map), 0);
}

static void open_scene(struct scene *s)
{
	struct uiommu_device *dev;

	s->machine = machine_ok("testep");
	client_open_iommufd(&s->c, s->machine, 0);
	client_master(&s->c, true);
	dev = uiommu_core_find_device(uiommu_machine_core(s->machine),
				      s->c.bdf);
	assert_non_null(dev);
	assert_true(uiommu_device_max_pasids(dev) > PASID);
	assert_int_equal(uiommu_ufd_device_bind(s->c.abi, s->c.space_fd, dev,
						&s->idev, &s->dev_id),
			 0);
	s->ioas[0] = s->c.ioas_id;
	s->ioas[1] = client_ioas_ok(&s->c);
	s->mem = pages_ok(2 * PAGE);
	for (unsigned int i = 0; i < 2; i++) {
		*(uint64_t *)(void *)(s->mem + i * PAGE) = 0xa0 + i;
		map_ok(s, s->ioas[i], s->mem + i * PAGE, IOVA);
	}
}

static void close_scene(struct scene *s)
{
	uiommu_ufd_device_unbind(s->idev);
	client_close(&s->c);
	pages_free(s->mem, 2 * PAGE);
	uiommu_machine_destroy(s->machine);
}

/* What the device reads at IOVA, 0: nothing; pasid 0: without. */
static uint64_t reads(struct scene *s, uint32_t pasid)
{
	return testep_read_word(&s->c, pasid, IOVA);
}

static uint32_t attach(struct scene *s, uint32_t pasid, uint32_t pt)
{
	assert_int_equal(uiommu_ufd_device_pasid_attach(s->idev, pasid, &pt),
			 0);
	return pt;
}

static uint32_t replace(struct scene *s, uint32_t pasid, uint32_t pt)
{
	assert_int_equal(uiommu_ufd_device_pasid_replace(s->idev, pasid, &pt),
			 0);
	return pt;
}

static void two_address_spaces(void **state)
{
	struct iommu_ioas_unmap unmap = {
		.size = sizeof(unmap),
		.iova = IOVA,
		.length = PAGE,
	};
	struct scene s;

	guard_ok();
	open_scene(&s);
	assert_int_equal(reads(&s, 0), 0xa0);
	assert_int_equal(reads(&s, PASID), 0);
	attach(&s, PASID, s.ioas[1]);
	assert_int_equal(reads(&s, PASID), 0xa1);
	assert_int_equal(reads(&s, 0), 0xa0);
	assert_int_equal(reads(&s, PASID + 1), 0);

	/* The device's own page table serves a PASID too. */
	attach(&s, PASID + 1, s.ioas[0]);
	assert_int_equal(reads(&s, PASID + 1), 0xa0);
	replace(&s, PASID + 1, s.ioas[1]);
	assert_int_equal(reads(&s, PASID + 1), 0xa1);

	/* What the client unmaps is gone for all that show it. */
	unmap.ioas_id = s.ioas[1];
	assert_int_equal(client_ioctl(s.c.abi, s.c.space_fd, IOMMU_IOAS_UNMAP,
				      &unmap),
			 0);
	assert_int_equal(reads(&s, PASID), 0);
	assert_int_equal(reads(&s, PASID + 1), 0);
	assert_int_equal(reads(&s, 0), 0xa0);
	map_ok(&s, s.ioas[1], s.mem, IOVA);
	assert_int_equal(reads(&s, PASID), 0xa0);
	uiommu_ufd_device_pasid_detach(s.idev, PASID);
	assert_int_equal(reads(&s, PASID), 0);
	uiommu_ufd_device_pasid_detach(s.idev, PASID + 1);
	assert_int_equal(reads(&s, PASID + 1), 0);
	close_scene(&s);
}

/* What is refused leaves the device with what it has. */
static void refusals(void **state)
{
	struct scene s;
	uint32_t pt, parent;

	guard_ok();
	open_scene(&s);
	attach(&s, PASID, s.ioas[1]);
	pt = s.ioas[0];
	assert_int_equal(uiommu_ufd_device_pasid_attach(s.idev, PASID, &pt),
			 -EINVAL);
	assert_int_equal(uiommu_ufd_device_pasid_attach(s.idev, 0, &pt),
			 -EINVAL);
	assert_int_equal(uiommu_ufd_device_pasid_attach(s.idev, 1u << 20, &pt),
			 -EINVAL);
	assert_int_equal(uiommu_ufd_device_pasid_replace(s.idev, 9, &pt),
			 -EINVAL);
	pt = 0x7777;
	assert_int_equal(uiommu_ufd_device_pasid_replace(s.idev, PASID, &pt),
			 -ENOENT);
	/* Below guests' tables there are no PASIDs. */
	parent = client_hwpt_ok(&s.c, s.ioas[0], IOMMU_HWPT_ALLOC_NEST_PARENT);
	pt = parent;
	assert_int_equal(uiommu_ufd_device_pasid_attach(s.idev, 9, &pt),
			 -EINVAL);
	assert_int_equal(uiommu_ufd_device_pasid_replace(s.idev, PASID, &pt),
			 -EINVAL);
	assert_int_equal(client_attach(&s.c, 0, parent), -EBUSY);
	assert_int_equal(reads(&s, PASID), 0xa1);
	assert_int_equal(reads(&s, 0), 0xa0);
	assert_int_equal(reads(&s, 9), 0);
	uiommu_ufd_device_pasid_detach(s.idev, PASID);
	close_scene(&s);
}

/* One device, many queues, each with an address space. */
static void many_pasids(void **state)
{
	struct scene s;

	guard_ok();
	open_scene(&s);
	for (uint32_t pasid = 1; pasid < 64; pasid++)
		attach(&s, pasid, s.ioas[pasid & 1]);
	for (uint32_t pasid = 1; pasid < 64; pasid++)
		assert_int_equal(reads(&s, pasid), 0xa0 + (pasid & 1));
	for (uint32_t pasid = 1; pasid < 64; pasid++)
		replace(&s, pasid, s.ioas[!(pasid & 1)]);
	for (uint32_t pasid = 1; pasid < 64; pasid++)
		assert_int_equal(reads(&s, pasid), 0xa0 + !(pasid & 1));
	for (uint32_t pasid = 1; pasid < 64; pasid++)
		uiommu_ufd_device_pasid_detach(s.idev, pasid);
	for (uint32_t pasid = 1; pasid < 64; pasid++)
		assert_int_equal(reads(&s, pasid), 0);
	close_scene(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_address_spaces),
		cmocka_unit_test(refusals),
		cmocka_unit_test(many_pasids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
