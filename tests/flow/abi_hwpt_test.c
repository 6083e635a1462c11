/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * abi_hwpt_test.c - page tables through the ABI with an SMMUv3 underneath: who
 * shares them, how devices move from one to another, and what keeps a device
 * where it is.
 */
#include <sys/mman.h>

#include "abi_scene.h"

/* --------------------------------------------------------------- sharing -- */

static void automatic_ones(void **state)
{
	struct scene s;

	scene_open(&s, 2);
	/* Two devices behind one SMMU need one page table. */
	assert_int_equal(s.hwpt[0], s.hwpt[1]);
	assert_int_equal(map_fixed(&s, s.ioas, 0, 2, BASE), 0);
	expect_pages(&s, 0, 2, BASE);
	assert_int_equal(destroy(&s, s.hwpt[0]), -EBUSY);
	assert_int_equal(detach(&s, 0), 0);
	assert_int_equal(testep_read_word(&s.dev[0], 0, BASE), 0);
	assert_int_equal(testep_read_word(&s.dev[1], 0, BASE), word_of(0));
	assert_int_equal(destroy(&s, s.hwpt[1]), -EBUSY);
	/* By its number too, as long as somebody has it. */
	assert_int_equal(attach(&s, 0, &s.hwpt[1]), 0);
	expect_pages(&s, 0, 2, BASE);
	assert_int_equal(detach(&s, 0), 0);
	assert_int_equal(detach(&s, 1), 0);
	assert_int_equal(destroy(&s, s.hwpt[1]), -ENOENT);
	expect_none(&s, 2, BASE);
	expect_pinned(&s, 0);
	scene_close(&s);
}

static void what_attaches(void **state)
{
	struct iommu_fault_alloc fault = { .size = sizeof(fault) };
	uint32_t none = 0, gone = 1000, pt;
	struct scene s;

	scene_open(&s, 1);
	assert_int_equal(map_fixed(&s, s.ioas, 0, 1, BASE), 0);
	assert_int_equal(scene_ioctl(&s, IOMMU_FAULT_QUEUE_ALLOC, &fault), 0);
	pt = fault.out_fault_id;
	assert_int_equal(attach(&s, 0, &none), -ENOENT);
	assert_int_equal(attach(&s, 0, &gone), -ENOENT);
	assert_int_equal(attach(&s, 0, &pt), -EINVAL);
	pt = s.dev_id[0];
	assert_int_equal(attach(&s, 0, &pt), -EINVAL);
	expect_pages(&s, 0, 1, BASE);
	assert_int_equal(uiommu_abi_close(s.abi, (int)fault.out_fault_fd), 0);
	scene_close(&s);
}

/* --------------------------------------------------------------- replace -- */

static void to_another_space(void **state)
{
	struct scene s;

	for (unsigned int nr = 1; nr <= 2; nr++) {
		uint32_t other, pt, old;

		scene_open(&s, nr);
		other = ioas_ok(&s);
		old = s.hwpt[0];
		assert_int_equal(map_fixed(&s, s.ioas, 0, 1, BASE), 0);
		assert_int_equal(map_fixed(&s, other, 1, 1, BASE), 0);
		pt = other;
		assert_int_equal(attach(&s, 0, &pt), 0);
		assert_int_not_equal(pt, old);
		assert_int_equal(testep_read_word(&s.dev[0], 0, BASE),
				 word_of(1));
		/* The old one goes unless the other device has it. */
		assert_int_equal(destroy(&s, old), nr == 1 ? -ENOENT : -EBUSY);
		if (nr == 2)
			assert_int_equal(testep_read_word(&s.dev[1], 0, BASE),
					 word_of(0));
		/* Where it is already. */
		old = pt;
		pt = other;
		assert_int_equal(attach(&s, 0, &pt), 0);
		assert_int_equal(pt, old);
		pt = s.ioas;
		assert_int_equal(attach(&s, 0, &pt), 0);
		assert_int_equal(testep_read_word(&s.dev[0], 0, BASE),
				 word_of(0));
		assert_int_equal(destroy(&s, other), 0);
		scene_close(&s);
	}
}

static void rotation(void **state)
{
	uint32_t hwpt[3], pt, other;
	struct scene s;

	scene_open(&s, 2);
	assert_int_equal(map_fixed(&s, s.ioas, 0, 2, BASE), 0);
	assert_int_equal(hwpt_alloc(&s, 0, s.ioas, ~0u, &pt), -EOPNOTSUPP);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(hwpt_alloc(&s, i % 2, s.ioas, 0, &hwpt[i]), 0);
	/* Pinned once, however many show them. */
	expect_pinned(&s, 2);
	for (unsigned int i = 0; i < 9; i++) {
		pt = hwpt[i % 3];
		assert_int_equal(attach(&s, 0, &pt), 0);
		assert_int_equal(pt, hwpt[i % 3]);
		pt = hwpt[i / 3];
		assert_int_equal(attach(&s, 1, &pt), 0);
		expect_pages(&s, 0, 2, BASE);
		assert_int_equal(destroy(&s, hwpt[i % 3]), -EBUSY);
		/* What is mapped now is in all of them. */
		assert_int_equal(map_fixed(&s, s.ioas, 2, 1, BASE + 2 * PAGE),
				 0);
		expect_pages(&s, 0, 3, BASE);
		assert_int_equal(unmap_len(&s, s.ioas, BASE + 2 * PAGE, PAGE),
				 0);
		expect_none(&s, 1, BASE + 2 * PAGE);
	}
	/* Made by hand, they stay, and are nobody's automatic one. */
	pt = s.ioas;
	assert_int_equal(attach(&s, 0, &pt), 0);
	assert_int_equal(attach(&s, 1, &s.ioas), 0);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_not_equal(pt, hwpt[i]);
		assert_int_equal(destroy(&s, hwpt[i]), 0);
	}
	expect_pages(&s, 0, 2, BASE);
	other = ioas_ok(&s);
	assert_int_equal(hwpt_alloc(&s, 0, other, 0, &hwpt[0]), 0);
	assert_int_equal(destroy(&s, other), -EBUSY);
	assert_int_equal(destroy(&s, hwpt[0]), 0);
	assert_int_equal(destroy(&s, other), 0);
	scene_close(&s);
}

/* A device joins and leaves while things are mapped; pins are counted once. */
static void joins_later(void **state)
{
	struct scene s;
	uint32_t pt;

	scene_open(&s, 2);
	assert_int_equal(detach(&s, 1), 0);
	for (unsigned int nr = 1; nr <= 8; nr++) {
		assert_int_equal(map_fixed(&s, s.ioas, 0, nr, BASE), 0);
		expect_pinned(&s, nr);
		pt = s.ioas;
		assert_int_equal(attach(&s, 1, &pt), 0);
		expect_pages(&s, 0, nr, BASE);
		expect_pinned(&s, nr);
		assert_int_equal(detach(&s, 1), 0);
		assert_int_equal(testep_read_word(&s.dev[1], 0, BASE), 0);
		assert_int_equal(testep_read_word(&s.dev[0], 0, BASE),
				 word_of(0));
		expect_pinned(&s, nr);
		assert_int_equal(unmap_len(&s, s.ioas, BASE, nr * PAGE), 0);
		expect_pinned(&s, 0);
	}
	scene_close(&s);
}

/* -------------------------------------------------------------- refusals -- */

static void in_msi_window(struct scene *s, uint32_t ioas)
{
	assert_int_equal(map_fixed(s, ioas, 0, 1, MSI_FIRST + PAGE), 0);
}

static void beyond_tables(struct scene *s, uint32_t ioas)
{
	assert_int_equal(map_fixed(s, ioas, 0, 2, TOP - PAGE), 0);
}

static void no_page(struct scene *s, uint32_t ioas)
{
	uint64_t iova = BASE;

	assert_int_equal(
		map_at(s, ioas, (uintptr_t)s->mem, 100, FIXED | RW, &iova), 0);
}

static void allows_msi(struct scene *s, uint32_t ioas)
{
	static const struct iommu_iova_range range[] = { { MSI_LAST - PAGE + 1,
							   MSI_LAST + PAGE } };
	struct iommu_ioas_allow_iovas cmd = { sizeof(cmd), ioas, 1, 0,
					      (uintptr_t)range };

	assert_int_equal(scene_ioctl(s, IOMMU_IOAS_ALLOW_IOVAS, &cmd), 0);
}

static void no_memory(struct scene *s, uint32_t ioas)
{
	uint64_t iova = BASE, va = (uintptr_t)s->mem + NR_PAGES * PAGE;
	void *gone = mmap((void *)va, PAGE, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(gone != MAP_FAILED);
	assert_int_equal(munmap(gone, PAGE), 0);
	assert_int_equal(
		map_at(s, ioas, (uintptr_t)gone, PAGE, FIXED | RW, &iova), 0);
}

/* What an IOAS without devices may have, and no device may come to. */
static const struct {
	void (*spoil)(struct scene *s, uint32_t ioas);
	int attach, hwpt; /* what comes of it */
} spoilt[] = {
	{ in_msi_window, -EADDRINUSE, 0 },
	{ allows_msi, -EADDRINUSE, 0 },
	{ beyond_tables, -EADDRINUSE, -EADDRINUSE },
	{ no_page, -EADDRINUSE, -EADDRINUSE },
	{ no_memory, -EFAULT, -EFAULT },
};

static void stays_where_it_is(void **state)
{
	struct scene s;
	uint32_t pt, ioas, hwpt;

	scene_open(&s, 1);
	assert_int_equal(map_fixed(&s, s.ioas, 0, 1, BASE), 0);
	for (unsigned int i = 0; i < sizeof(spoilt) / sizeof(spoilt[0]); i++) {
		ioas = ioas_ok(&s);
		spoilt[i].spoil(&s, ioas);
		for (unsigned int again = 0; again < 2; again++) {
			pt = ioas;
			assert_int_equal(attach(&s, 0, &pt), spoilt[i].attach);
			expect_pages(&s, 0, 1, BASE);
			expect_pinned(&s, 1);
		}
		assert_int_equal(hwpt_alloc(&s, 0, ioas, 0, &hwpt),
				 spoilt[i].hwpt);
		if (!spoilt[i].hwpt)
			assert_int_equal(destroy(&s, hwpt), 0);
		/* Nothing of the attempts keeps it. */
		assert_int_equal(destroy(&s, ioas), 0);
	}
	assert_int_equal(attach(&s, 0, &s.hwpt[0]), 0);
	expect_pages(&s, 0, 1, BASE);
	scene_close(&s);
}

/* ---------------------------------------------------------- information -- */

static void information(void **state)
{
	struct iommu_hw_info_arm_smmuv3 exact;
	uint8_t buf[64];
	struct iommu_hw_info cmd = { .size = sizeof(cmd) };
	struct scene s;

	scene_open(&s, 1);
	cmd.dev_id = s.dev_id[0];
	assert_int_equal(scene_ioctl(&s, IOMMU_GET_HW_INFO, &cmd), 0);
	assert_int_equal(cmd.out_data_type, IOMMU_HW_INFO_TYPE_ARM_SMMUV3);
	assert_int_equal(cmd.data_len, sizeof(exact));
	cmd.data_uptr = (uintptr_t)&exact;
	assert_int_equal(scene_ioctl(&s, IOMMU_GET_HW_INFO, &cmd), 0);
	/* Stage 1 and 2, and the identification that a guest would read. */
	assert_int_equal(exact.idr[0] & 3, 3);
	assert_int_equal(exact.flags | exact.__reserved, 0);
	for (cmd.data_len = 0; cmd.data_len <= sizeof(buf);) {
		uint32_t len = cmd.data_len;

		memset(buf, 0xa5, sizeof(buf));
		cmd.data_uptr = (uintptr_t)buf;
		assert_int_equal(scene_ioctl(&s, IOMMU_GET_HW_INFO, &cmd), 0);
		assert_int_equal(cmd.data_len, sizeof(exact));
		for (uint32_t i = 0; i < sizeof(buf); i++)
			assert_int_equal(buf[i],
					 i >= len ? 0xa5
					 : i >= sizeof(exact)
						 ? 0
						 : ((uint8_t *)&exact)[i]);
		cmd.data_len = len + 1;
	}
	cmd.data_len = sizeof(buf);
	cmd.flags = IOMMU_HW_INFO_FLAG_INPUT_TYPE;
	cmd.in_data_type = IOMMU_HW_INFO_TYPE_ARM_SMMUV3;
	assert_int_equal(scene_ioctl(&s, IOMMU_GET_HW_INFO, &cmd), 0);
	cmd.in_data_type = IOMMU_HW_INFO_TYPE_AMD;
	assert_int_equal(scene_ioctl(&s, IOMMU_GET_HW_INFO, &cmd), -EOPNOTSUPP);
	scene_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(automatic_ones),
		cmocka_unit_test(what_attaches),
		cmocka_unit_test(to_another_space),
		cmocka_unit_test(rotation),
		cmocka_unit_test(joins_later),
		cmocka_unit_test(stays_where_it_is),
		cmocka_unit_test(information),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
