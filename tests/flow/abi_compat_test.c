/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * abi_compat_test.c - an iommufd that plays a VFIO container, with an SMMUv3
 * underneath: what old programs ask of it, in both versions of type1.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "abi_scene.h"

/* A client whose container is a context of iommufd. */
struct compat {
	struct client c;
	uint8_t *mem;
	uint32_t ioas;
};

static long compat_ioas(struct compat *w, uint16_t op, uint32_t *id)
{
	struct iommu_vfio_ioas cmd = { sizeof(cmd), *id, op, 0 };
	long rc = client_ioctl(w->c.abi, w->c.space_fd, IOMMU_VFIO_IOAS, &cmd);

	*id = cmd.ioas_id;
	return rc;
}

static void compat_open(struct compat *w, unsigned long version)
{
	struct client *c = &w->c;

	guard_ok();
	memset(w, 0, sizeof(*w));
	c->machine = machine_ok("testep");
	c->abi = uiommu_machine_abi(c->machine);
	c->cfg_off = (uint64_t)VFIO_PCI_CONFIG_REGION_INDEX << 40;
	w->mem = pages_ok(NR_PAGES * PAGE);
	for (unsigned int i = 0; i < NR_PAGES; i++)
		*(uint64_t *)(void *)(w->mem + i * PAGE) = word_of(i);
	c->space_fd = uiommu_abi_open(c->abi, "/dev/iommu", O_RDWR);
	c->group_fd = uiommu_abi_open(c->abi, "/dev/vfio/0", O_RDWR);
	assert_true(c->space_fd >= 0 && c->group_fd >= 0);
	/* There is none before the group comes. */
	assert_int_equal(compat_ioas(w, IOMMU_VFIO_IOAS_GET, &w->ioas),
			 -ENODEV);
	assert_int_equal(uiommu_abi_ioctl(c->abi, c->space_fd, VFIO_SET_IOMMU,
					  version),
			 -ENODEV);
	assert_int_equal(client_ioctl(c->abi, c->group_fd,
				      VFIO_GROUP_SET_CONTAINER, &c->space_fd),
			 0);
	assert_int_equal(compat_ioas(w, IOMMU_VFIO_IOAS_GET, &w->ioas), 0);
	assert_int_equal(uiommu_abi_ioctl(c->abi, c->space_fd, VFIO_SET_IOMMU,
					  version),
			 0);
	c->dev_fd = (int)client_ioctl(c->abi, c->group_fd,
				      VFIO_GROUP_GET_DEVICE_FD,
				      (void *)(uintptr_t) "0000:01:00.0");
	assert_true(c->dev_fd >= 0);
	client_master(c, true);
}

static void compat_close(struct compat *w)
{
	client_close(&w->c);
	uiommu_machine_destroy(w->c.machine);
	pages_free(w->mem, NR_PAGES * PAGE);
}

static uint64_t unmap_dma(struct compat *w, uint32_t flags, uint64_t iova,
			  uint64_t size, int want)
{
	struct vfio_iommu_type1_dma_unmap cmd = {
		.argsz = sizeof(cmd), .flags = flags, .iova = iova, .size = size
	};

	assert_int_equal(client_ioctl(w->c.abi, w->c.space_fd,
				      VFIO_IOMMU_UNMAP_DMA, &cmd),
			 want);
	return cmd.size;
}

static void expect_words(struct compat *w, unsigned int page, unsigned int nr,
			 bool there)
{
	for (unsigned int i = page; i < page + nr; i++)
		assert_int_equal(testep_read_word(&w->c, 0, BASE + i * PAGE),
				 there ? word_of(i) : 0);
}

/* Both versions. */
static void each(void (*story)(struct compat *w, bool v2))
{
	struct compat w;

	compat_open(&w, VFIO_TYPE1_IOMMU);
	story(&w, false);
	compat_close(&w);
	compat_open(&w, VFIO_TYPE1v2_IOMMU);
	story(&w, true);
	compat_close(&w);
}

/* --------------------------------------------------------------- stories -- */

static void option_of(struct compat *w, bool v2)
{
	struct iommu_option cmd = { .size = sizeof(cmd),
				    .option_id = IOMMU_OPTION_HUGE_PAGES,
				    .op = IOMMU_OPTION_OP_GET,
				    .object_id = w->ioas,
				    .val64 = 7 };

	assert_int_equal(
		client_ioctl(w->c.abi, w->c.space_fd, IOMMU_OPTION, &cmd), 0);
	assert_int_equal(cmd.val64, v2);
}

static void options(void **state)
{
	each(option_of);
}

/* The chain that a buffer of argsz bytes holds is whole and ends. */
static void walk_chain(const uint8_t *buf, uint32_t argsz, bool all)
{
	const struct vfio_iommu_type1_info *info = (const void *)buf;
	uint32_t at = info->cap_offset, avail = 0, ranges = 0;
	const struct vfio_info_cap_header *cap;

	assert_int_equal(at != 0, all);
	for (; at; at = cap->next) {
		assert_true(at + sizeof(*cap) <= argsz);
		cap = (const void *)(buf + at);
		avail += cap->id == VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL;
		ranges += cap->id == VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE;
		assert_true(!cap->next || cap->next > at);
	}
	assert_int_equal(avail, all);
	assert_int_equal(ranges, all);
}

static void information_of(struct compat *w, bool v2)
{
	struct vfio_iommu_type1_info head = { .argsz = sizeof(head) };
	uint32_t total, argsz;
	uint8_t *buf;

	assert_int_equal(client_ioctl(w->c.abi, w->c.space_fd,
				      VFIO_IOMMU_GET_INFO, &head),
			 0);
	total = head.argsz;
	assert_true(total > sizeof(head));
	assert_int_equal(head.cap_offset, 0);
	assert_int_equal(head.flags,
			 VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS);
	assert_true(head.iova_pgsizes & PAGE);
	assert_int_equal(head.iova_pgsizes & (PAGE - 1), 0);
	buf = malloc(total + 64);
	assert_non_null(buf);
	for (argsz = 16; argsz <= total + 8; argsz++) {
		memset(buf, 0xa5, total + 64);
		memcpy(buf, &argsz, sizeof(argsz));
		assert_int_equal(client_ioctl(w->c.abi, w->c.space_fd,
					      VFIO_IOMMU_GET_INFO, buf),
				 0);
		assert_int_equal(*(uint32_t *)buf, total);
		for (uint32_t i = argsz; i < total + 64; i++)
			assert_int_equal(buf[i], 0xa5);
		if (argsz >= sizeof(head))
			walk_chain(buf, argsz, argsz >= total);
	}
	free(buf);
}

static void information(void **state)
{
	each(information_of);
}

/* Page by page, in an order that is none. */
static void map_and_unmap_of(struct compat *w, bool v2)
{
	assert_int_equal(unmap_dma(w, 0, BASE, PAGE, 0), 0);
	for (unsigned int i = 0; i < NR_PAGES; i++) {
		unsigned int page = i * 29 % NR_PAGES;

		client_map_ok(&w->c, w->mem + page * PAGE, PAGE,
			      BASE + page * PAGE);
	}
	expect_words(w, 0, NR_PAGES, true);
	assert_int_equal(client_map(&w->c, w->mem, PAGE, BASE), -EEXIST);
	for (unsigned int i = 0; i < NR_PAGES; i++) {
		unsigned int page = i * 37 % NR_PAGES;

		assert_int_equal(unmap_dma(w, 0, BASE + page * PAGE, PAGE, 0),
				 PAGE);
		expect_words(w, page, 1, false);
	}
	client_map_ok(&w->c, w->mem, 4 * PAGE, BASE);
	client_map_ok(&w->c, w->mem + 8 * PAGE, PAGE, BASE + 8 * PAGE);
	unmap_dma(w, VFIO_DMA_UNMAP_FLAG_ALL, 1, 0, -EINVAL);
	unmap_dma(w, VFIO_DMA_UNMAP_FLAG_ALL, 0, 1, -EINVAL);
	expect_words(w, 0, 4, true);
	assert_int_equal(unmap_dma(w, VFIO_DMA_UNMAP_FLAG_ALL, 0, 0, 0),
			 5 * PAGE);
	expect_words(w, 0, 9, false);
	assert_int_equal(unmap_dma(w, VFIO_DMA_UNMAP_FLAG_ALL, 0, 0, 0), 0);
}

static void map_and_unmap(void **state)
{
	each(map_and_unmap_of);
}

/* Version 1 cuts one large mapping into pieces, version 2 does not. */
static void pieces_of(struct compat *w, bool v2)
{
	const uint64_t piece = NR_PAGES / 16 * PAGE;
	unsigned int pages = NR_PAGES / 16;

	client_map_ok(&w->c, w->mem, NR_PAGES * PAGE, BASE);
	expect_words(w, 0, NR_PAGES, true);
	for (unsigned int i = 0; i < 16; i++) {
		unsigned int n = i * 11 % 16;

		if (v2) {
			unmap_dma(w, 0, BASE + n * piece, piece, -ENOENT);
			continue;
		}
		assert_int_equal(unmap_dma(w, 0, BASE + n * piece, piece, 0),
				 piece);
		expect_words(w, n * pages, pages, false);
		n = (i + 1) * 11 % 16;
		if (i < 15)
			expect_words(w, n * pages, pages, true);
	}
	if (v2) {
		expect_words(w, 0, NR_PAGES, true);
		assert_int_equal(unmap_dma(w, 0, BASE, NR_PAGES * PAGE, 0),
				 NR_PAGES * PAGE);
	}
	expect_words(w, 0, NR_PAGES, false);
}

static void pieces(void **state)
{
	each(pieces_of);
}

/* The IOAS is the context's: set, looked at, taken away, mapped by both doors. */
static void the_ioas(void **state)
{
	struct iommu_ioas_map map = { .size = sizeof(map),
				      .flags = FIXED | RW,
				      .length = PAGE,
				      .iova = BASE };
	struct compat w;
	uint32_t id = 0;

	compat_open(&w, VFIO_TYPE1v2_IOMMU);
	map.ioas_id = w.ioas;
	map.user_va = (uintptr_t)w.mem;
	assert_int_equal(
		client_ioctl(w.c.abi, w.c.space_fd, IOMMU_IOAS_MAP, &map), 0);
	expect_words(&w, 0, 1, true);
	assert_int_equal(unmap_dma(&w, 0, BASE, PAGE, 0), PAGE);
	client_map_ok(&w.c, w.mem, PAGE, BASE);
	assert_int_equal(compat_ioas(&w, IOMMU_VFIO_IOAS_CLEAR, &id), 0);
	assert_int_equal(compat_ioas(&w, IOMMU_VFIO_IOAS_CLEAR, &id), 0);
	assert_int_equal(compat_ioas(&w, IOMMU_VFIO_IOAS_GET, &id), -ENODEV);
	unmap_dma(&w, 0, BASE, PAGE, -ENODEV);
	/* The device is where it was. */
	expect_words(&w, 0, 1, true);
	id = w.ioas;
	assert_int_equal(compat_ioas(&w, IOMMU_VFIO_IOAS_SET, &id), 0);
	assert_int_equal(unmap_dma(&w, 0, BASE, PAGE, 0), PAGE);
	expect_words(&w, 0, 1, false);
	compat_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options),	 cmocka_unit_test(information),
		cmocka_unit_test(map_and_unmap), cmocka_unit_test(pieces),
		cmocka_unit_test(the_ioas),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
