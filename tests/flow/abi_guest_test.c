/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * abi_guest_test.c - guests through the ABI with an SMMUv3 underneath: what a VMM
 * with an accelerated SMMUv3 calls, and where the DMA of its devices ends.
 */
#include "guest.h"

/* ----------------------------------------------------------------- stories -- */

static void a_guest_translates(void **state)
{
	struct guest g;
	uint32_t id, pt;

	guest_open(&g);
	assert_int_equal(reads(&g, 0, 0), word_of(DATA));
	assert_int_equal(reads(&g, PASID, 0), word_of(DATA + 1));
	/* Its own tables, then none, then nothing at all, and again. */
	assert_int_equal(nested_alloc(&g, g.viommu, 0x9, 0, &id), 0);
	pt = id;
	assert_int_equal(attach(&g.s, 0, &pt), 0);
	assert_int_equal(testep_read_word(&g.s.dev[0], 0, gpa(DATA + 2)),
			 word_of(DATA + 2));
	assert_int_equal(reads(&g, 0, 0), 0);
	assert_int_equal(destroy(&g.s, id), -EBUSY);
	pt = g.nested;
	assert_int_equal(attach(&g.s, 0, &pt), 0);
	assert_int_equal(destroy(&g.s, id), 0);
	assert_int_equal(nested_alloc(&g, g.viommu, 0x1, 0, &id), 0);
	pt = id;
	assert_int_equal(attach(&g.s, 0, &pt), 0);
	assert_int_equal(reads(&g, 0, 0), 0);
	assert_int_equal(testep_read_word(&g.s.dev[0], 0, gpa(DATA + 2)), 0);
	pt = g.nested;
	assert_int_equal(attach(&g.s, 0, &pt), 0);
	assert_int_equal(reads(&g, 0, 0), word_of(DATA));
	/* The other device is the host's as before. */
	assert_int_equal(testep_read_word(&g.s.dev[1], 0, gpa(DATA)),
			 word_of(DATA));
	guest_close(&g);
}

static void a_guest_invalidates(void **state)
{
	const uint64_t cmds[3][2] = {
		{ 0x0001000000000012, IOVA | 1 },
		{ (uint64_t)VSID << 32 | 0x40, IOVA },
		{ (uint64_t)(VSID + 1) << 32 | 0x40, IOVA },
	};
	struct guest g;
	uint32_t done;

	guest_open(&g);
	assert_int_equal(reads(&g, 0, 0), word_of(DATA));
	point(&g, 1, 0, DATA + 5);
	assert_int_equal(commands(&g, cmds, 3, &done), -EIO);
	assert_int_equal(done, 2);
	assert_int_equal(reads(&g, 0, 0), word_of(DATA + 5));
	/* The other device, once the guest has it, has a number too. */
	write_cd(&g, 0, 2);
	command(&g, (uint64_t)VSID << 32 | 6, 0);
	command(&g, (uint64_t)VSID << 32 | 0x40, 52);
	assert_int_equal(reads(&g, 0, 0), word_of(DATA + 1));
	assert_int_equal(commands(&g, cmds, 0, &done), -EINVAL);
	guest_close(&g);
}

static void a_guest_is_told_of_faults(void **state)
{
	struct event event;
	struct guest g;

	guest_open(&g);
	assert_int_equal(next_event(&g, &event), 0);
	/* An access that is untranslated, as ATS tells of nothing. */
	assert_int_equal(testep_go(&g.s.dev[0], 1,
				   TESTEP_READ | TESTEP_UNTRANSLATED,
				   IOVA + 7 * PAGE, 8),
			 TESTEP_ABORTED);
	assert_int_equal(next_event(&g, &event), sizeof(event));
	assert_int_equal(event.header.flags, 0);
	assert_int_equal(event.header.sequence, 0);
	assert_int_equal(event.smmu.evt[0] & 0xff, 0x10);
	assert_int_equal(event.smmu.evt[0] >> 32, VSID);
	assert_int_equal(event.smmu.evt[2], IOVA + 7 * PAGE);
	assert_int_equal(next_event(&g, &event), 0);
	guest_close(&g);
}

/*
 * A page that the guest has not mapped yet, of a PASID that it gave out: the device
 * waits, the guest maps and answers.
 */
static void a_guest_answers_page_faults(void **state)
{
	struct iommu_fault_alloc queue = { .size = sizeof(queue) };
	struct iommu_hwpt_page_response answer;
	struct iommu_hwpt_pgfault f;
	struct guest g;
	uint32_t pt;
	int fd;

	guest_open(&g);
	assert_int_equal(scene_ioctl(&g.s, IOMMU_FAULT_QUEUE_ALLOC, &queue), 0);
	fd = (int)queue.out_fault_fd;
	assert_int_equal(nested_alloc_with(&g, g.viommu, STE_S1_0, STE_S1_1,
					   queue.out_fault_id, &pt),
			 0);
	assert_int_equal(attach(&g.s, 0, &pt), 0);
	for (unsigned int i = 0; i < 2; i++) {
		uint32_t pasid = i ? PASID : 0;

		assert_int_equal(testep_go_as(&g.s.dev[0], 2, pasid,
					      TESTEP_READ, IOVA + 9 * PAGE, 8),
				 TESTEP_WORKING);
		assert_int_equal(uiommu_abi_read(g.s.abi, fd, (uintptr_t)&f,
						 sizeof(f)),
				 sizeof(f));
		assert_int_equal(f.addr, IOVA + 9 * PAGE);
		assert_int_equal(f.dev_id, g.s.dev_id[0]);
		assert_int_equal(f.flags & IOMMU_PGFAULT_FLAGS_PASID_VALID,
				 i ? IOMMU_PGFAULT_FLAGS_PASID_VALID : 0);
		assert_int_equal(f.pasid, pasid);
		point(&g, i + 1, 9, DATA + 20 + i);
		answer = (struct iommu_hwpt_page_response){
			f.cookie, IOMMUFD_PAGE_RESP_SUCCESS
		};
		assert_int_equal(uiommu_abi_write(g.s.abi, fd,
						  (uintptr_t)&answer,
						  sizeof(answer)),
				 sizeof(answer));
		assert_int_equal(testep_status(&g.s.dev[0], 2), TESTEP_OK);
		assert_int_equal(testep_word(&g.s.dev[0], 2),
				 word_of(DATA + 20 + i));
	}
	/* One that waits when the guest loses the device is over. */
	assert_int_equal(testep_go_as(&g.s.dev[0], 2, PASID, TESTEP_READ,
				      IOVA + 10 * PAGE, 8),
			 TESTEP_WORKING);
	pt = g.parent;
	assert_int_equal(attach(&g.s, 0, &pt), 0);
	assert_int_equal(testep_status(&g.s.dev[0], 2), TESTEP_ABORTED);
	assert_int_equal(uiommu_abi_read(g.s.abi, fd, (uintptr_t)&f, sizeof(f)),
			 0);
	assert_int_equal(uiommu_abi_close(g.s.abi, fd), 0);
	guest_close(&g);
}

/* While TLBs and an ATC hold what both stages made. */
static void the_host_takes_memory_back(void **state)
{
	struct guest g;

	guest_open(&g);
	assert_int_equal(reads(&g, 0, 0), word_of(DATA));
	assert_int_equal(reads(&g, PASID, 0), word_of(DATA + 1));
	assert_int_equal(unmap_len(&g.s, g.s.ioas, GPA, NR_PAGES * PAGE), 0);
	expect_pinned(&g.s, 0);
	assert_int_equal(reads(&g, 0, 0), 0);
	assert_int_equal(reads(&g, PASID, 0), 0);
	assert_int_equal(map_fixed(&g.s, g.s.ioas, 0, NR_PAGES, GPA), 0);
	assert_int_equal(reads(&g, 0, 0), word_of(DATA));
	guest_close(&g);
}

/* The device is taken out while the guest has it. */
static void the_device_goes_first(void **state)
{
	struct guest g;

	guest_open(&g);
	assert_int_equal(destroy(&g.s, g.viommu), -EBUSY);
	assert_int_equal(uiommu_abi_close(g.s.abi, g.s.dev[0].dev_fd), 0);
	assert_int_equal(destroy(&g.s, g.vdev), -ENOENT);
	assert_int_equal(destroy(&g.s, g.nested), 0);
	assert_int_equal(uiommu_abi_close(g.s.abi, g.events_fd), 0);
	assert_int_equal(destroy(&g.s, g.events), 0);
	assert_int_equal(destroy(&g.s, g.viommu), 0);
	assert_int_equal(destroy(&g.s, g.parent), 0);
	g.s.dev[0] = g.s.dev[1];
	g.s.nr = 1;
	g.s.dev_id[0] = g.s.dev_id[1];
	scene_close(&g.s);
}

static void what_the_SMMU_refuses(void **state)
{
	uint32_t id, plain, pt;
	struct guest g;

	guest_open(&g);
	assert_int_equal(viommu_alloc(&g, IOMMU_VIOMMU_TYPE_TEGRA241_CMDQV,
				      g.parent, &id),
			 -EOPNOTSUPP);
	assert_int_equal(hwpt_alloc(&g.s, 0, g.s.ioas, 0, &plain), 0);
	assert_int_equal(viommu_alloc(&g, IOMMU_VIOMMU_TYPE_ARM_SMMUV3, plain,
				      &id),
			 -EINVAL);
	/* Only by way of the vIOMMU. */
	assert_int_equal(nested_alloc(&g, g.parent, 0xb, 0, &id), -EOPNOTSUPP);
	/* Stage 2 is not the guest's. */
	assert_int_equal(nested_alloc(&g, g.viommu, 0xd, 0, &id), -EIO);
	assert_int_equal(nested_alloc(&g, g.viommu, 0xb, 1ull << 44, &id),
			 -EIO);
	/* A device that the guest does not know. */
	pt = g.nested;
	assert_int_equal(attach(&g.s, 1, &pt), -ENOENT);
	assert_int_equal(testep_read_word(&g.s.dev[1], 0, gpa(DATA)),
			 word_of(DATA));
	assert_int_equal(vdevice_alloc(&g, 1, VSID, &id), -EEXIST);
	assert_int_equal(vdevice_alloc(&g, 1, VSID + 1, &id), 0);
	assert_int_equal(attach(&g.s, 1, &pt), 0);
	assert_int_equal(testep_read_word(&g.s.dev[1], 0, IOVA), word_of(DATA));
	assert_int_equal(destroy(&g.s, plain), 0);
	guest_close(&g);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(a_guest_translates),
		cmocka_unit_test(a_guest_invalidates),
		cmocka_unit_test(a_guest_is_told_of_faults),
		cmocka_unit_test(a_guest_answers_page_faults),
		cmocka_unit_test(the_host_takes_memory_back),
		cmocka_unit_test(the_device_goes_first),
		cmocka_unit_test(what_the_SMMU_refuses),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
