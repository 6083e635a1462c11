/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls of a client of a whole machine with the nth allocation of core, driver
 * or pins failing, for each n: the machine's dump, with addresses as numbers, is
 * the same byte for byte after the call as before it.
 */
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <uiommu/uapi/iommufd.h>
#include <uiommu/uapi/vfio.h>

#include "../../flow/nth.h"

#define IOVA UINT64_C(0x40000000)
#define LEN UINT64_C(0x400000)

struct world {
	struct client c;
	uint8_t *mem;
	uint32_t hwpt; /* made by hand */
	uint64_t iova;
	int efd[2];
};

/* ----------------------------------------------------------------- calls */

static long space_alloc(void *ctx)
{
	struct world *w = ctx;
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	long rc =
		client_ioctl(w->c.abi, w->c.space_fd, IOMMU_IOAS_ALLOC, &alloc);

	w->hwpt = alloc.out_ioas_id;
	return rc;
}

static void destroy(void *ctx)
{
	struct world *w = ctx;
	struct iommu_destroy gone = { .size = sizeof(gone), .id = w->hwpt };

	assert_int_equal(
		client_ioctl(w->c.abi, w->c.space_fd, IOMMU_DESTROY, &gone), 0);
}

static long attach(void *ctx)
{
	struct world *w = ctx;
	struct vfio_device_attach_iommufd_pt pt = {
		.argsz = sizeof(pt),
		.pt_id = w->c.ioas_id,
	};

	return client_ioctl(w->c.abi, w->c.dev_fd,
			    VFIO_DEVICE_ATTACH_IOMMUFD_PT, &pt);
}

static void detach(void *ctx)
{
	struct world *w = ctx;
	struct vfio_device_detach_iommufd_pt pt = { .argsz = sizeof(pt) };

	assert_int_equal(client_ioctl(w->c.abi, w->c.dev_fd,
				      VFIO_DEVICE_DETACH_IOMMUFD_PT, &pt),
			 0);
}

static long map(void *ctx)
{
	struct world *w = ctx;

	return client_map(&w->c, w->mem, LEN, IOVA + LEN);
}

static void unmap(void *ctx)
{
	struct world *w = ctx;

	assert_int_equal(client_unmap(&w->c, IOVA + LEN, LEN), 0);
}

static long vectors(void *ctx)
{
	struct world *w = ctx;
	struct {
		struct vfio_irq_set head;
		int32_t fd[1];
	} set = {
		.head = {
			.argsz = sizeof(set),
			.flags = VFIO_IRQ_SET_DATA_EVENTFD |
				 VFIO_IRQ_SET_ACTION_TRIGGER,
			.index = VFIO_PCI_MSIX_IRQ_INDEX,
			.count = 1,
		},
		.fd = { w->efd[0] },
	};

	return client_ioctl(w->c.abi, w->c.dev_fd, VFIO_DEVICE_SET_IRQS, &set);
}

static void no_vectors(void *ctx)
{
	struct world *w = ctx;
	struct vfio_irq_set set = {
		.argsz = sizeof(set),
		.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = VFIO_PCI_MSIX_IRQ_INDEX,
	};

	assert_int_equal(client_ioctl(w->c.abi, w->c.dev_fd,
				      VFIO_DEVICE_SET_IRQS, &set),
			 0);
}

/* ----------------------------------------------------------------- cases */

static void world_open(struct world *w, bool type1)
{
	struct uiommu_machine *machine = machine_ok("ioat,testep");

	if (type1)
		client_open_type1(&w->c, machine, 0);
	else
		client_open_iommufd(&w->c, machine, 0);
	w->mem = pages_ok(LEN);
	w->efd[0] = eventfd(0, EFD_CLOEXEC);
	client_map_ok(&w->c, w->mem, LEN / 2, IOVA);
}

static void world_close(struct world *w)
{
	client_close(&w->c);
	close(w->efd[0]);
	uiommu_machine_destroy(w->c.machine);
	pages_free(w->mem, LEN);
}

static void an_iommufd_client(void **state)
{
	static const struct nth_call attached[] = {
		{ "IOAS_ALLOC", space_alloc, destroy, NULL, 1 },
		{ "IOAS_MAP", map, unmap, NULL, 3 },
		{ "SET_IRQS", vectors, no_vectors, NULL, 0 },
	};
	static const struct nth_call call = { "ATTACH_IOMMUFD_PT", attach,
					      detach, NULL, 3 };
	struct world w = { 0 };

	world_open(&w, false);
	for (unsigned int i = 0; i < 3; i++)
		nth_each(w.c.machine, &attached[i], &w);
	detach(&w);
	nth_each(w.c.machine, &call, &w);
	world_close(&w);
}

static void a_type1_client(void **state)
{
	static const struct nth_call calls[] = {
		{ "MAP_DMA", map, unmap, NULL, 3 },
		{ "SET_IRQS", vectors, no_vectors, NULL, 0 },
	};
	struct world w = { 0 };

	world_open(&w, true);
	for (unsigned int i = 0; i < 2; i++)
		nth_each(w.c.machine, &calls[i], &w);
	world_close(&w);
}

/* A second time all is as after the first: nothing adds up. */
static void coming_and_going(void **state)
{
	struct world w = { .c.machine = machine_ok("ioat,testep") };
	char *was = NULL, *is;

	for (unsigned int round = 0; round < 4; round++) {
		struct client c;
		uint8_t *mem = pages_ok(LEN);
		int efd[2] = { eventfd(0, EFD_CLOEXEC),
			       eventfd(0, EFD_CLOEXEC) };

		if (round & 1)
			client_open_type1(&c, w.c.machine, 0);
		else
			client_open_iommufd(&c, w.c.machine, 0);
		client_map_ok(&c, mem, LEN, IOVA);
		client_msix_ok(&c, efd, 1);
		ioat_init(&c);
		assert_int_equal(ioat_copy(&c, (void *)mem, IOVA, IOVA + 0x1000,
					   IOVA + 0x2000, 64),
				 IOAT_STS_DONE);
		client_close(&c);
		close(efd[0]);
		close(efd[1]);
		pages_free(mem, LEN);
		is = machine_text(w.c.machine);
		if (was)
			assert_string_equal(is, was);
		free(was);
		was = is;
	}
	free(was);
	uiommu_machine_destroy(w.c.machine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_iommufd_client),
		cmocka_unit_test(a_type1_client),
		cmocka_unit_test(coming_and_going),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
