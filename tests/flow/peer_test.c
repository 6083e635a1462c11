/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * peer_test.c - one device's DMA into another's registers: mapped through
 * type1, refused by iommufd, and deferred where a device would enter the SMMU
 * from within its own access.
 */
#include "client.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include <uiommu/uapi/vfio.h>

#define IOVA UINT64_C(0x10000000)
#define BAR_IOVA UINT64_C(0x30000000)
#define PAGE 0x1000u
#define LEN (4 * PAGE)

/* The launcher's part: an address at which a BAR is mapped. */
struct world {
	struct uiommu_machine *machine;
	struct client c[2];
	uint8_t *mem[2];
	uint8_t *window; /* where BAR 0 of device 1 "is mapped" */
	struct uiommu_map *map;
};

static struct uiommu_map *find_map(void *ctx, uint64_t uva, uint64_t *off,
				   uint64_t *left)
{
	struct world *w = ctx;
	uint64_t first = (uintptr_t)w->window;

	if (!w->map || uva < first || uva >= first + LEN)
		return NULL;
	*off = uva - first;
	*left = LEN - *off;
	return uiommu_map_get(w->map);
}

static void setup(struct world *w)
{
	struct uiommu_machine_cfg cfg = {
		.devices = "ioat*2",
		.ctx = w,
		.find_map = find_map,
	};
	char err[128];

	guard_ok();
	memset(w, 0, sizeof(*w));
	assert_int_equal(
		uiommu_machine_create(&cfg, &w->machine, err, sizeof(err)), 0);
	client_open_type1(&w->c[0], w->machine, 0);
	client_open_iommufd(&w->c[1], w->machine, 1);
	for (unsigned int i = 0; i < 2; i++) {
		w->mem[i] = pages_ok(LEN);
		client_map_ok(&w->c[i], w->mem[i], LEN, IOVA);
		ioat_init(&w->c[i]);
	}
	assert_int_equal(uiommu_abi_mmap(w->c[1].abi, w->c[1].dev_fd, LEN,
					 PROT_READ | PROT_WRITE, MAP_SHARED,
					 w->c[1].bar_off, &w->map),
			 0);
	w->window =
		mmap(NULL, LEN, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(w->window != MAP_FAILED);
}

static void teardown(struct world *w)
{
	uiommu_map_put(w->map);
	for (unsigned int i = 0; i < 2; i++)
		client_close(&w->c[i]);
	uiommu_machine_destroy(w->machine);
	for (unsigned int i = 0; i < 2; i++)
		pages_free(w->mem[i], LEN);
	munmap(w->window, LEN);
}

/* Device 0 writes 8 bytes into device 1's registers. */
static unsigned int poke(struct world *w, uint64_t reg, uint64_t val,
			 unsigned int size)
{
	memcpy(w->mem[0] + PAGE, &val, 8);
	return ioat_copy(&w->c[0], (struct ioat_desc *)w->mem[0], IOVA,
			 BAR_IOVA + reg, IOVA + PAGE, size);
}

static void type1_maps_a_bar(void **state)
{
	struct world w;

	setup(&w);
	client_map_ok(&w.c[0], w.window, LEN, BAR_IOVA);
	assert_int_equal(poke(&w, IOAT_CHAINADDR, 0x1234567890abcd40, 8),
			 IOAT_STS_DONE);
	assert_int_equal(bar_read(&w.c[1], IOAT_CHAINADDR, 8),
			 0x1234567890abcd40);
	/* And reads them. */
	assert_int_equal(ioat_copy(&w.c[0], (struct ioat_desc *)w.mem[0], IOVA,
				   IOVA + PAGE + 64, BAR_IOVA + 8, 1),
			 IOAT_STS_DONE);
	assert_int_equal(w.mem[0][PAGE + 64], 0x33);
	assert_int_equal(client_unmap(&w.c[0], BAR_IOVA, LEN), 0);
	assert_int_equal(poke(&w, IOAT_CHAINADDR, 0, 8), IOAT_STS_HALTED);
	teardown(&w);
}

static void iommufd_refuses_a_bar(void **state)
{
	struct world w;

	setup(&w);
	assert_int_equal(client_map(&w.c[1], w.window, LEN, BAR_IOVA), -EFAULT);
	assert_int_equal(client_map(&w.c[1], w.window + PAGE, PAGE, BAR_IOVA),
			 -EFAULT);
	teardown(&w);
}

/* The doorbell of device 1 is rung by device 0, in the middle of its DMA. */
static void one_device_starts_the_other(void **state)
{
	int efd = eventfd(0, EFD_NONBLOCK);
	struct ioat_desc *desc;
	uint64_t count;
	struct world w;

	setup(&w);
	client_map_ok(&w.c[0], w.window, LEN, BAR_IOVA);
	client_msix_ok(&w.c[1], &efd, 1);
	desc = (struct ioat_desc *)w.mem[1];
	desc->size = 256;
	desc->ctl = IOAT_CTL_INT;
	desc->src = IOVA + PAGE;
	desc->dst = IOVA + 2 * PAGE;
	desc->next = IOVA;
	memset(w.mem[1] + PAGE, 0x77, 256);
	bar_write(&w.c[1], IOAT_CHAINADDR, 8, IOVA);
	assert_int_equal(poke(&w, IOAT_DMACOUNT, 1, 2), IOAT_STS_DONE);
	assert_int_equal(bar_read(&w.c[1], IOAT_CHANSTS, 8) & 7, IOAT_STS_DONE);
	assert_int_equal(w.mem[1][2 * PAGE + 255], 0x77);
	assert_int_equal(read(efd, &count, 8), 8);
	assert_int_equal(count, 1);
	teardown(&w);
	close(efd);
}

/* Its own reset register, hit by its own write: the reset comes after. */
static void a_device_resets_itself(void **state)
{
	struct world w;
	uint8_t *own;

	setup(&w);
	uiommu_map_put(w.map);
	assert_int_equal(uiommu_abi_mmap(w.c[0].abi, w.c[0].dev_fd, LEN,
					 PROT_READ | PROT_WRITE, MAP_SHARED,
					 w.c[0].bar_off, &w.map),
			 0);
	own = w.window;
	client_map_ok(&w.c[0], own, LEN, BAR_IOVA);
	assert_int_equal(poke(&w, IOAT_CHANCMD, 0x20, 1), IOAT_STS_HALTED);
	assert_int_equal(bar_read(&w.c[0], IOAT_CHANERR, 4), 0);
	assert_int_equal(bar_read(&w.c[0], IOAT_CHAINADDR, 8), 0);
	teardown(&w);
}

/*
 * Two descriptors that write the device's own DMACOUNT, so that there is always
 * more to do: the doorbell returns, and a reset ends it.
 */
static void a_chain_that_feeds_itself(void **state)
{
	struct ioat_desc *desc;
	struct world w;

	setup(&w);
	uiommu_map_put(w.map);
	assert_int_equal(uiommu_abi_mmap(w.c[0].abi, w.c[0].dev_fd, LEN,
					 PROT_READ | PROT_WRITE, MAP_SHARED,
					 w.c[0].bar_off, &w.map),
			 0);
	client_map_ok(&w.c[0], w.window, LEN, BAR_IOVA);
	desc = (struct ioat_desc *)w.mem[0];
	for (unsigned int i = 0; i < 2; i++) {
		w.mem[0][PAGE + 2 * i] = i ? 5 : 0;
		desc[i].size = 2;
		desc[i].src = IOVA + PAGE + 2 * i;
		desc[i].dst = BAR_IOVA + IOAT_DMACOUNT;
		desc[i].next = IOVA + 64 * !i;
	}
	bar_write(&w.c[0], IOAT_CHAINADDR, 8, IOVA);
	bar_write(&w.c[0], IOAT_DMACOUNT, 2, 1);
	bar_write(&w.c[0], IOAT_CHANCMD, 1, 0x20);
	assert_int_equal(bar_read(&w.c[0], IOAT_CHANSTS, 8) & 7,
			 IOAT_STS_HALTED);
	teardown(&w);
}

/* Registers do not answer while memory decoding is off. */
static void a_deaf_device_aborts(void **state)
{
	struct world w;

	setup(&w);
	client_map_ok(&w.c[0], w.window, LEN, BAR_IOVA);
	cfg_write(&w.c[1], 4, 2, 0);
	assert_int_equal(poke(&w, IOAT_CHAINADDR, 64, 8), IOAT_STS_HALTED);
	teardown(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(type1_maps_a_bar),
		cmocka_unit_test(iommufd_refuses_a_bar),
		cmocka_unit_test(one_device_starts_the_other),
		cmocka_unit_test(a_device_resets_itself),
		cmocka_unit_test(a_chain_that_feeds_itself),
		cmocka_unit_test(a_deaf_device_aborts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
