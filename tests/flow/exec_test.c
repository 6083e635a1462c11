/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * exec_test.c - a device that fetches instructions, as the PASID capability lets it:
 * what a program maps for devices is executable for them, because the kernel never
 * maps a program's memory without that right; what a guest's own tables forbid stays
 * forbidden.
 */
#include <sys/mman.h>

#include "nesting_scene.h"

#define EXEC (1u << 10)
#define PRIV (1u << 9)
#define FETCH(how) (TESTEP_READ | EXEC | (how))
#define HOST_PASID 9u
#define WRITEABLE IOMMU_IOAS_MAP_WRITEABLE

/* By a translation of its own, and by the ATC. */
static const uint32_t hows[] = { TESTEP_UNTRANSLATED, 0 };

static void expect_fetch(struct client *c, uint32_t pasid, uint32_t how,
			 uint64_t iova, uint64_t word)
{
	for (unsigned int i = 0; i < 2; i++) {
		testep_fill(c, 1, 0xdead);
		assert_int_equal(testep_go_as(c, 1, pasid, FETCH(how | hows[i]),
					      iova, 8),
				 TESTEP_OK);
		assert_int_equal(testep_word(c, 1), word);
	}
}

static void expect_no_fetch(struct client *c, uint32_t pasid, uint32_t how,
			    uint64_t iova)
{
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(testep_go_as(c, 1, pasid, FETCH(how | hows[i]),
					      iova, 8),
				 TESTEP_ABORTED);
}

/* ------------------------------------------------------ the host's stage 1 */

static void pasid_open(struct scene *s)
{
	uint32_t hwpt;

	scene_open(s, 1);
	assert_int_equal(
		hwpt_alloc(s, 0, s->ioas, IOMMU_HWPT_ALLOC_PASID, &hwpt), 0);
	assert_int_equal(client_attach(&s->dev[0], 0, hwpt), 0);
	assert_int_equal(client_attach(&s->dev[0], HOST_PASID, hwpt), 0);
}

/* At stage 1 what may be written may be read. */
static void maps_of_each_right(void **state)
{
	static const uint32_t rights[] = { READABLE, RW, WRITEABLE };
	struct scene s;

	pasid_open(&s);
	for (unsigned int i = 0; i < 3; i++) {
		uint64_t iova = BASE + i * PAGE;

		assert_int_equal(map_at(&s, s.ioas, (uintptr_t)s.mem + i * PAGE,
					PAGE, FIXED | rights[i], &iova),
				 0);
		expect_fetch(&s.dev[0], HOST_PASID, 0, iova, word_of(i));
	}
	expect_no_fetch(&s.dev[0], HOST_PASID, 0, BASE + 3 * PAGE);
	scene_close(&s);
}

static void a_copy(void **state)
{
	struct scene s;
	uint32_t other;

	pasid_open(&s);
	other = ioas_ok(&s);
	assert_int_equal(map_fixed(&s, other, 5, 1, 0), 0);
	assert_int_equal(
		copy_to(&s, s.ioas, BASE, other, 0, PAGE, FIXED | READABLE), 0);
	expect_fetch(&s.dev[0], HOST_PASID, 0, BASE, word_of(5));
	scene_close(&s);
}

static void a_file(void **state)
{
	int fd = memfd_create("exec", MFD_CLOEXEC);
	uint64_t word = 0xc0de;
	struct scene s;

	pasid_open(&s);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)PAGE), 0);
	assert_int_equal(pwrite(fd, &word, 8, 0), 8);
	{
		struct iommu_ioas_map_file cmd = {
			.size = sizeof(cmd),
			.flags = FIXED | READABLE,
			.ioas_id = s.ioas,
			.fd = fd,
			.length = PAGE,
			.iova = BASE,
		};

		assert_int_equal(scene_ioctl(&s, IOMMU_IOAS_MAP_FILE, &cmd), 0);
	}
	expect_fetch(&s.dev[0], HOST_PASID, 0, BASE, word);
	assert_int_equal(unmap_len(&s, s.ioas, BASE, PAGE), 0);
	close(fd);
	scene_close(&s);
}

/* The calls of type1, which iommufd answers for the IOAS that was set. */
static void as_a_container(void **state)
{
	struct scene s;

	pasid_open(&s);
	{
		struct iommu_vfio_ioas set = {
			.size = sizeof(set),
			.ioas_id = s.ioas,
			.op = IOMMU_VFIO_IOAS_SET,
		};
		struct vfio_iommu_type1_dma_map map = {
			.argsz = sizeof(map),
			.flags = VFIO_DMA_MAP_FLAG_READ,
			.vaddr = (uintptr_t)s.mem + 3 * PAGE,
			.iova = BASE,
			.size = PAGE,
		};

		assert_int_equal(scene_ioctl(&s, IOMMU_VFIO_IOAS, &set), 0);
		assert_int_equal(scene_ioctl(&s, VFIO_IOMMU_MAP_DMA, &map), 0);
	}
	expect_fetch(&s.dev[0], HOST_PASID, 0, BASE, word_of(3));
	scene_close(&s);
}

/* -------------------------------------------------------- above stage 2 -- */

#define LEAF_OF_PASID (TABLES + 5)
#define LEAF_AT 0x145u
#define UXN (UINT64_C(1) << 54)
#define PXN (UINT64_C(1) << 53)
/* A page of the guest that its devices may only write. */
#define WRITE_ONLY_AT UINT64_C(0x50000000)

static void leaf(struct guest *g, uint64_t desc)
{
	page(g, LEAF_OF_PASID)[LEAF_AT] = desc;
	/* All of stage 1, and what the device's ATC has of the PASID. */
	command(g, 0x30, 0);
	command(g, (uint64_t)VSID << 32 | PASID << 12 | 0x840, 52);
}

static unsigned int go(struct client *c, uint32_t pasid, uint32_t op)
{
	return testep_go_as(c, 1, pasid, op, IOVA, 8);
}

/* 0xf43: for all; 0xf03: for the privileged. */
static void a_guests_page(void **state)
{
	uint64_t at = WRITE_ONLY_AT;
	struct client *c;
	struct guest g;

	guest_open(&g);
	c = &g.s.dev[0];
	expect_fetch(c, PASID, 0, IOVA, word_of(DATA + 1));
	leaf(&g, gpa(DATA) | 0xf43 | UXN);
	expect_no_fetch(c, PASID, 0, IOVA);
	assert_int_equal(reads(&g, PASID, 0), word_of(DATA));
	leaf(&g, gpa(DATA) | 0xf03);
	expect_fetch(c, PASID, PRIV, IOVA, word_of(DATA));
	leaf(&g, gpa(DATA) | 0xf03 | PXN);
	expect_no_fetch(c, PASID, PRIV, IOVA);
	/*
	 * At stage 2 what may not be read may be executed; not by ATS, which
	 * grants nothing without Read.
	 */
	assert_int_equal(map_at(&g.s, g.s.ioas, (uintptr_t)page(&g, SPARE),
				PAGE, FIXED | WRITEABLE, &at),
			 0);
	leaf(&g, WRITE_ONLY_AT | 0xf43);
	assert_int_equal(go(c, PASID, FETCH(TESTEP_UNTRANSLATED)), TESTEP_OK);
	assert_int_equal(testep_word(c, 1), word_of(SPARE));
	assert_int_equal(go(c, PASID, FETCH(0)), TESTEP_ABORTED);
	assert_int_equal(go(c, PASID, TESTEP_READ), TESTEP_ABORTED);
	assert_int_equal(go(c, PASID, TESTEP_WRITE), TESTEP_OK);
	assert_int_equal(unmap_len(&g.s, g.s.ioas, WRITE_ONLY_AT, PAGE), 0);
	guest_close(&g);
}

static void a_guests_page_in_a_container(void **state)
{
	struct guest g;

	nest_open(&g, 1);
	assert_int_equal(nest_bind_table(&g), 0);
	expect_fetch(&g.s.dev[0], PASID, 0, IOVA, word_of(DATA + 1));
	nest_close(&g);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(maps_of_each_right),
		cmocka_unit_test(a_copy),
		cmocka_unit_test(a_file),
		cmocka_unit_test(as_a_container),
		cmocka_unit_test(a_guests_page),
		cmocka_unit_test(a_guests_page_in_a_container),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
