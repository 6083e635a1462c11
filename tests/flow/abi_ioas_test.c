/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * abi_ioas_test.c - address spaces through the ABI with an SMMUv3 underneath:
 * what Linux's own iommufd tests ask of the mock hardware, asked again, with
 * devices' DMA as the witness.  Each story is told with no device, one and two.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "abi_scene.h"

#define RUN(story)                             \
	static void story##_each(void **state) \
	{                                      \
		scene_each(story);             \
	}

/* ----------------------------------------------------------- life of it -- */

static void destroy_rules(struct scene *s)
{
	uint32_t id = ioas_ok(s);

	assert_int_equal(map_fixed(s, s->ioas, 0, 4, BASE), 0);
	/* Areas go with it, attachments keep it. */
	assert_int_equal(map_fixed(s, id, 0, 4, BASE), 0);
	assert_int_equal(destroy(s, id), 0);
	assert_int_equal(destroy(s, id), -ENOENT);
	assert_int_equal(destroy(s, s->ioas), s->nr ? -EBUSY : 0);
	expect_pages(s, 0, 4, BASE);
	for (unsigned int i = 0; i < s->nr; i++)
		assert_int_equal(detach(s, i), 0);
	if (s->nr)
		assert_int_equal(destroy(s, s->ioas), 0);
	expect_none(s, 4, BASE);
	expect_pinned(s, 0);
}
RUN(destroy_rules)

/* What is left when the file is closed. */
static void left_behind(struct scene *s)
{
	for (unsigned int i = 0; i < 10; i++)
		assert_int_equal(map_fixed(s, s->ioas, i, 1, BASE + i * PAGE),
				 0);
	expect_pages(s, 0, 10, BASE);
	expect_pinned(s, s->nr ? 10 : 0);
}
RUN(left_behind)

/* ----------------------------------------------------------------- areas -- */

static void areas(struct scene *s)
{
	uint64_t len;

	for (unsigned int i = 0; i < 10; i++)
		assert_int_equal(unmap_len(s, s->ioas, BASE + i * PAGE, PAGE),
				 -ENOENT);
	for (unsigned int i = 0; i < 10; i++)
		assert_int_equal(map_fixed(s, s->ioas, i, 1, BASE + i * PAGE),
				 0);
	expect_pages(s, 0, 10, BASE);
	for (unsigned int i = 0; i < 10; i += 2)
		assert_int_equal(unmap_len(s, s->ioas, BASE + i * PAGE, PAGE),
				 0);
	for (unsigned int i = 0; i < 10; i += 2) {
		expect_none(s, 1, BASE + i * PAGE);
		expect_pages(s, i + 1, 1, BASE + (i + 1) * PAGE);
	}
	len = UINT64_MAX;
	assert_int_equal(unmap(s, s->ioas, 0, &len), 0);
	assert_int_equal(len, 5 * PAGE);
	len = UINT64_MAX;
	assert_int_equal(unmap(s, s->ioas, 0, &len), 0);
	assert_int_equal(len, 0);
	expect_none(s, 10, BASE);
	expect_pinned(s, 0);
}
RUN(areas)

static void no_parts(struct scene *s)
{
	static const struct {
		unsigned int first, nr; /* pages around an area at 2 to 4 */
	} overlaps[] = { { 2, 3 }, { 1, 2 }, { 4, 2 }, { 3, 1 }, { 0, 8 } };
	uint64_t at = BASE + 2 * PAGE;

	assert_int_equal(map_fixed(s, s->ioas, 2, 3, at), 0);
	for (unsigned int i = 0; i < 5; i++)
		assert_int_equal(map_fixed(s, s->ioas, 10, overlaps[i].nr,
					   BASE + overlaps[i].first * PAGE),
				 -EEXIST);
	assert_int_equal(unmap_len(s, s->ioas, at, PAGE), -ENOENT);
	assert_int_equal(unmap_len(s, s->ioas, at + PAGE, PAGE), -ENOENT);
	assert_int_equal(unmap_len(s, s->ioas, at + 2 * PAGE, PAGE), -ENOENT);
	assert_int_equal(unmap_len(s, s->ioas, at - PAGE, 3 * PAGE), -ENOENT);
	expect_pages(s, 2, 3, at);
	expect_none(s, 2, BASE);
	assert_int_equal(unmap_len(s, s->ioas, at, 3 * PAGE), 0);
}
RUN(no_parts)

/* A range takes all that lies in it, whatever the holes. */
static void contained(struct scene *s)
{
	uint64_t len = 32 * PAGE;

	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(map_fixed(s, s->ioas, 8 * i, 4,
					   BASE + 8 * i * PAGE),
				 0);
	assert_int_equal(unmap_len(s, s->ioas, BASE, 31 * PAGE - 3 * PAGE - 1),
			 -ENOENT);
	/* What lay in front of the one that was cut is gone. */
	expect_none(s, 4, BASE);
	expect_pages(s, 24, 4, BASE + 24 * PAGE);
	assert_int_equal(map_fixed(s, s->ioas, 0, 4, BASE), 0);
	assert_int_equal(map_fixed(s, s->ioas, 8, 4, BASE + 8 * PAGE), 0);
	assert_int_equal(map_fixed(s, s->ioas, 16, 4, BASE + 16 * PAGE), 0);
	assert_int_equal(unmap(s, s->ioas, BASE - PAGE, &len), 0);
	assert_int_equal(len, 16 * PAGE);
	expect_none(s, 32, BASE);
}
RUN(contained)

/* Every start and length, on a range of eight pages. */
static void all_aligns(struct scene *s)
{
	for (unsigned int start = 0; start < 8; start++)
		for (unsigned int nr = 1; nr <= 8 - start; nr++) {
			uint64_t iova = 0, len = nr * PAGE;

			assert_int_equal(
				map_at(s, s->ioas,
				       (uintptr_t)s->mem + start * PAGE, len,
				       RW, &iova),
				0);
			expect_pages(s, start, nr, iova);
			expect_none(s, 1, iova + len);
			expect_pinned(s, s->nr ? nr : 0);
			assert_int_equal(unmap_len(s, s->ioas, iova, len), 0);
			expect_none(s, nr, iova);
		}
	expect_pinned(s, 0);
}
RUN(all_aligns)

/* ----------------------------------------------------- where it is placed -- */

static int allow(struct scene *s, const struct iommu_iova_range *ranges,
		 uint32_t nr)
{
	struct iommu_ioas_allow_iovas cmd = { sizeof(cmd), s->ioas, nr, 0,
					      (uintptr_t)ranges };

	return (int)scene_ioctl(s, IOMMU_IOAS_ALLOW_IOVAS, &cmd);
}

static void chosen(struct scene *s)
{
	uint64_t iova[12], size;

	for (unsigned int i = 0; i < 12; i++) {
		size = (i + 1) * PAGE;
		iova[i] = 0;
		assert_int_equal(map_at(s, s->ioas, (uintptr_t)s->mem, size, RW,
					&iova[i]),
				 0);
		assert_int_not_equal(iova[i], 0);
		/* As aligned as length and address are, in powers of two. */
		while (size & (size - 1))
			size &= size - 1;
		while (size > PAGE && (uintptr_t)s->mem % size)
			size /= 2;
		assert_int_equal(iova[i] % size, 0);
		assert_true(iova[i] + (i + 1) * PAGE <= MSI_FIRST ||
			    iova[i] > MSI_LAST);
		expect_pages(s, 0, i + 1, iova[i]);
	}
	for (unsigned int i = 0; i < 12; i++)
		assert_int_equal(unmap_len(s, s->ioas, iova[i], (i + 1) * PAGE),
				 0);
}
RUN(chosen)

static void allowed(struct scene *s)
{
	static const struct iommu_iova_range ranges[] = {
		{ BASE, BASE + 2 * PAGE - 1 },
		{ BASE + 8 * PAGE, BASE + 12 * PAGE - 1 },
	};
	static const struct iommu_iova_range msi[] = {
		{ MSI_FIRST, MSI_FIRST + PAGE - 1 }
	};
	uint64_t iova = 0;

	assert_int_equal(allow(s, ranges, 2), 0);
	assert_int_equal(
		map_at(s, s->ioas, (uintptr_t)s->mem, 4 * PAGE, RW, &iova), 0);
	assert_int_equal(iova, BASE + 8 * PAGE);
	expect_pages(s, 0, 4, iova);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(map_at(s, s->ioas,
					(uintptr_t)s->mem + i * PAGE, PAGE, RW,
					&iova),
				 0);
		assert_int_equal(iova, BASE + i * PAGE);
	}
	assert_int_equal(map_at(s, s->ioas, (uintptr_t)s->mem, PAGE, RW, &iova),
			 -ENOSPC);
	/* Only choices are bound by it. */
	assert_int_equal(map_fixed(s, s->ioas, 0, 1, BASE + 4 * PAGE), 0);
	expect_pages(s, 0, 1, BASE + 4 * PAGE);
	/* What a device has reserved cannot be allowed. */
	assert_int_equal(allow(s, msi, 1), s->nr ? -EADDRINUSE : 0);
	assert_int_equal(allow(s, NULL, 0), 0);
	assert_int_equal(map_at(s, s->ioas, (uintptr_t)s->mem, PAGE, RW, &iova),
			 0);
	assert_int_equal(unmap_len(s, s->ioas, 0, UINT64_MAX), 0);
}
RUN(allowed)

static void usable(struct scene *s)
{
	struct iommu_iova_range r[4];
	struct iommu_ioas_iova_ranges cmd = { .size = sizeof(cmd),
					      .ioas_id = s->ioas,
					      .allowed_iovas = (uintptr_t)r };
	const uint32_t nr = s->nr ? 2 : 1;

	memset(r, 0xa5, sizeof(r));
	assert_int_equal(scene_ioctl(s, IOMMU_IOAS_IOVA_RANGES, &cmd),
			 -EMSGSIZE);
	assert_int_equal(cmd.num_iovas, nr);
	assert_int_equal(r[0].start, UINT64_C(0xa5a5a5a5a5a5a5a5));
	assert_int_equal(scene_ioctl(s, IOMMU_IOAS_IOVA_RANGES, &cmd), 0);
	assert_int_equal(cmd.out_iova_alignment, s->nr ? PAGE : 1);
	assert_int_equal(r[0].start, 0);
	assert_int_equal(r[nr].start, UINT64_C(0xa5a5a5a5a5a5a5a5));
	if (!s->nr) {
		assert_int_equal(r[0].last, UINT64_MAX);
		return;
	}
	assert_int_equal(r[0].last, MSI_FIRST - 1);
	assert_int_equal(r[1].start, MSI_LAST + 1);
	assert_int_equal(r[1].last, TOP - 1);
	/* Room for one: it is written, and the number. */
	memset(r, 0xa5, sizeof(r));
	cmd.num_iovas = 1;
	assert_int_equal(scene_ioctl(s, IOMMU_IOAS_IOVA_RANGES, &cmd),
			 -EMSGSIZE);
	assert_int_equal(cmd.num_iovas, 2);
	assert_int_equal(r[0].last, MSI_FIRST - 1);
	assert_int_equal(r[1].start, UINT64_C(0xa5a5a5a5a5a5a5a5));
}
RUN(usable)

static void huge_page_option(struct scene *s)
{
	assert_int_equal(huge_pages(s, s->ioas, -1), 1);
	assert_int_equal(huge_pages(s, s->ioas, 0), 0);
	assert_int_equal(huge_pages(s, s->ioas, -1), 0);
	assert_int_equal(huge_pages(s, s->ioas, 0), 0);
	assert_int_equal(huge_pages(s, s->ioas, 2), -EINVAL);
	assert_int_equal(map_fixed(s, s->ioas, 0, 8, BASE), 0);
	expect_pages(s, 0, 8, BASE);
	assert_int_equal(unmap_len(s, s->ioas, BASE, 8 * PAGE), 0);
	assert_int_equal(huge_pages(s, s->ioas, 1), 0);
	assert_int_equal(map_fixed(s, s->ioas, 0, 8, BASE), 0);
	/* Page tables that are filled already cannot change. */
	assert_int_equal(huge_pages(s, s->ioas, 0), s->nr ? -EINVAL : 0);
	expect_pages(s, 0, 8, BASE);
}
RUN(huge_page_option)

/* Lengths that are no pages: as the devices have it, or without any as it is. */
static void odd_lengths(struct scene *s)
{
	uint64_t iova;
	int rc;

	for (unsigned int len = 1; len < 2 * PAGE; len += 61) {
		iova = BASE;
		rc = map_at(s, s->ioas, (uintptr_t)s->mem, len, FIXED | RW,
			    &iova);
		assert_int_equal(rc, s->nr && len % PAGE ? -EINVAL : 0);
		if (!rc)
			assert_int_equal(unmap_len(s, s->ioas, BASE, len), 0);
	}
	iova = BASE + 1;
	assert_int_equal(map_at(s, s->ioas, (uintptr_t)s->mem + 1, PAGE,
				FIXED | RW, &iova),
			 s->nr ? -EINVAL : 0);
	if (s->nr)
		return;
	/* Now alignment cannot grow. */
	assert_int_equal(huge_pages(s, s->ioas, 0), -EADDRINUSE);
	assert_int_equal(unmap_len(s, s->ioas, BASE + 1, PAGE), 0);
	assert_int_equal(huge_pages(s, s->ioas, 0), 0);
	assert_int_equal(map_at(s, s->ioas, (uintptr_t)s->mem + 1, PAGE,
				FIXED | RW, &iova),
			 -EINVAL);
}
RUN(odd_lengths)

/* ---------------------------------------------------------------- memory -- */

static void memory_half_there(struct scene *s)
{
	uint8_t *mem = pages_ok(2 * PAGE);
	uint64_t iova = BASE;

	munmap(mem + PAGE, PAGE);
	/* Nobody looks before there is a page table. */
	assert_int_equal(map_at(s, s->ioas, (uintptr_t)mem, 2 * PAGE,
				FIXED | RW, &iova),
			 s->nr ? -EFAULT : 0);
	if (!s->nr)
		assert_int_equal(unmap_len(s, s->ioas, BASE, 2 * PAGE), 0);
	expect_none(s, 2, BASE);
	expect_pinned(s, 0);
	assert_int_equal(
		map_at(s, s->ioas, (uintptr_t)mem, PAGE, FIXED | RW, &iova), 0);
	assert_int_equal(unmap_len(s, s->ioas, BASE, PAGE), 0);
	munmap(mem, PAGE);
}
RUN(memory_half_there)

/* A private page of a file: the device sees what the process writes to it. */
static void private_file(struct scene *s)
{
	int memfd = memfd_create("ioas", MFD_CLOEXEC);
	uint64_t iova = BASE, *mem, word = 0xf11e;

	assert_true(memfd >= 0);
	assert_int_equal(pwrite(memfd, &word, sizeof(word), 0), sizeof(word));
	assert_int_equal(ftruncate(memfd, PAGE), 0);
	mem = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, memfd, 0);
	assert_true(mem != MAP_FAILED);
	assert_int_equal(map_at(s, s->ioas, (uintptr_t)mem, PAGE,
				FIXED | READABLE, &iova),
			 0);
	for (unsigned int i = 0; i < s->nr; i++)
		assert_int_equal(testep_read_word(&s->dev[i], 0, BASE), 0xf11e);
	*mem = 0xc0b1ed;
	for (unsigned int i = 0; i < s->nr; i++) {
		assert_int_equal(testep_read_word(&s->dev[i], 0, BASE),
				 0xc0b1ed);
		/* And may not write. */
		assert_int_equal(testep_go(&s->dev[i], 1, TESTEP_WRITE, BASE,
					   8),
				 TESTEP_ABORTED);
	}
	assert_int_equal(unmap_len(s, s->ioas, BASE, PAGE), 0);
	munmap(mem, PAGE);
	close(memfd);
}
RUN(private_file)

/* ------------------------------------------------------------------ copy -- */

static void copies(struct scene *s)
{
	uint32_t other = ioas_ok(s);

	assert_int_equal(map_fixed(s, s->ioas, 0, 4, BASE), 0);
	assert_int_equal(map_fixed(s, s->ioas, 4, 4, BASE + 4 * PAGE), 0);
	/* Within, from the middle of one area to the middle of the next. */
	assert_int_equal(copy_to(s, s->ioas, BASE + 32 * PAGE, s->ioas,
				 BASE + 2 * PAGE, 4 * PAGE, FIXED | RW),
			 0);
	expect_pages(s, 2, 4, BASE + 32 * PAGE);
	/* The same pages, pinned once. */
	expect_pinned(s, s->nr ? 8 : 0);
	/* To another one, at 0, and from there back. */
	assert_int_equal(
		copy_to(s, other, 0, s->ioas, BASE, 8 * PAGE, FIXED | RW), 0);
	assert_int_equal(copy_to(s, s->ioas, BASE + 16 * PAGE, other, PAGE,
				 PAGE, FIXED | READABLE),
			 0);
	expect_pages(s, 1, 1, BASE + 16 * PAGE);
	/* The original may go first. */
	assert_int_equal(unmap_len(s, s->ioas, BASE, 8 * PAGE), 0);
	expect_none(s, 8, BASE);
	expect_pages(s, 2, 4, BASE + 32 * PAGE);
	expect_pages(s, 1, 1, BASE + 16 * PAGE);
	assert_int_equal(destroy(s, other), 0);
	expect_pages(s, 1, 1, BASE + 16 * PAGE);
	assert_int_equal(unmap_len(s, s->ioas, 0, UINT64_MAX), 0);
	expect_pinned(s, 0);
}
RUN(copies)

/* From every 511th byte: what is not all there is not copied. */
static void copy_sweep(struct scene *s)
{
	uint32_t other = ioas_ok(s);
	uint64_t at, end = BASE + 4 * PAGE;
	bool inside;

	assert_int_equal(map_fixed(s, s->ioas, 0, 4, BASE), 0);
	for (at = BASE - PAGE; at < end + PAGE; at += 511) {
		inside = at >= BASE && at + 2048 <= end;
		assert_int_equal(copy_to(s, other, 0, s->ioas, at, 2048,
					 FIXED | RW),
				 inside ? 0 : -ENOENT);
		if (inside)
			assert_int_equal(unmap_len(s, other, 0, 2048), 0);
	}
	assert_int_equal(copy_to(s, other, 0, s->ioas, BASE, 0, FIXED | RW),
			 -EINVAL);
}
RUN(copy_sweep)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(destroy_rules_each),
		cmocka_unit_test(left_behind_each),
		cmocka_unit_test(areas_each),
		cmocka_unit_test(no_parts_each),
		cmocka_unit_test(contained_each),
		cmocka_unit_test(all_aligns_each),
		cmocka_unit_test(chosen_each),
		cmocka_unit_test(allowed_each),
		cmocka_unit_test(usable_each),
		cmocka_unit_test(huge_page_option_each),
		cmocka_unit_test(odd_lengths_each),
		cmocka_unit_test(memory_half_there_each),
		cmocka_unit_test(private_file_each),
		cmocka_unit_test(copies_each),
		cmocka_unit_test(copy_sweep_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
