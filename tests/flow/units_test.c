/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * units_test.c - one address space for devices behind two SMMUs, through
 * /dev/iommu: the devices share one page table, and what is unmapped is gone
 * for both.
 */
#include "client.h"

#include <uiommu/uapi/iommufd.h>
#include <uiommu/uapi/vfio.h>

#define IOVA UINT64_C(0x10000000)
#define LEN 0x4000u

/* Both I/OAT devices of the topology, in one context. */
struct both {
	struct uiommu_machine *machine;
	struct client c[2];
	uint8_t *mem;
};

/* Attach, or replace; the page table. */
static uint32_t attach(struct client *c, uint32_t pt)
{
	struct vfio_device_attach_iommufd_pt attach = {
		.argsz = sizeof(attach),
		.pt_id = pt,
	};

	assert_int_equal(client_ioctl(c->abi, c->dev_fd,
				      VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach),
			 0);
	return attach.pt_id;
}

static void open_both(struct both *b)
{
	b->machine = machine_of_ok("examples/topology/two-smmus.dtb");
	client_open_iommufd(&b->c[0], b->machine, 0);
	client_open_beside(&b->c[1], &b->c[0], 2);
	attach(&b->c[1], b->c[0].ioas_id);
	b->mem = pages_ok(LEN);
	client_map_ok(&b->c[0], b->mem, LEN, IOVA);
	for (unsigned int i = 0; i < 2; i++)
		ioat_init(&b->c[i]);
}

static void close_both(struct both *b)
{
	assert_int_equal(uiommu_abi_close(b->c[1].abi, b->c[1].dev_fd), 0);
	client_close(&b->c[0]);
	pages_free(b->mem, LEN);
	uiommu_machine_destroy(b->machine);
}

/* Page 1 to page 2 by device i. */
static unsigned int copy(struct both *b, unsigned int i, uint8_t byte)
{
	memset(b->mem + 0x1000, byte, 0x1000);
	memset(b->mem + 0x2000, 0, 0x1000);
	return ioat_copy(&b->c[i], (struct ioat_desc *)(void *)b->mem, IOVA,
			 IOVA + 0x2000, IOVA + 0x1000, 0x1000);
}

static void one_page_table_for_both(void **state)
{
	struct both b;

	open_both(&b);
	/* Attaching again says which page table it is. */
	assert_int_equal(attach(&b.c[0], b.c[0].ioas_id),
			 attach(&b.c[1], b.c[0].ioas_id));
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(copy(&b, i, (uint8_t)(0xc0 + i)),
				 IOAT_STS_DONE);
		assert_int_equal(b.mem[0x2fff], 0xc0 + i);
	}
	close_both(&b);
}

/* The one moves away, the other stays; then the memory goes. */
static void one_moves_the_other_stays(void **state)
{
	struct both b;
	uint32_t other;

	guard_ok();
	open_both(&b);
	assert_int_equal(copy(&b, 1, 0xc1), IOAT_STS_DONE);
	other = client_ioas_ok(&b.c[0]);
	assert_int_not_equal(attach(&b.c[1], other),
			     attach(&b.c[0], b.c[0].ioas_id));
	assert_int_equal(copy(&b, 0, 0xc2), IOAT_STS_DONE);
	assert_int_equal(b.mem[0x2fff], 0xc2);
	assert_int_equal(copy(&b, 1, 0xc3), IOAT_STS_HALTED);
	assert_int_equal(b.mem[0x2fff], 0);
	attach(&b.c[1], b.c[0].ioas_id);
	ioat_init(&b.c[1]);
	assert_int_equal(copy(&b, 1, 0xc4), IOAT_STS_DONE);
	assert_int_equal(client_unmap(&b.c[0], IOVA, LEN), 0);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(copy(&b, i, 0xc5), IOAT_STS_HALTED);
		assert_int_equal(b.mem[0x2fff], 0);
	}
	client_map_ok(&b.c[0], b.mem, LEN, IOVA);
	close_both(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_page_table_for_both),
		cmocka_unit_test(one_moves_the_other_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
