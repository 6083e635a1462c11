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
	uint32_t id; /* made by hand */
	int efd[2];
	int fd[3]; /* opened by hand */
};

/* ----------------------------------------------------------------- calls */

static long space_alloc(void *ctx)
{
	struct world *w = ctx;
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	long rc =
		client_ioctl(w->c.abi, w->c.space_fd, IOMMU_IOAS_ALLOC, &alloc);

	w->id = alloc.out_ioas_id;
	return rc;
}

static void destroy(void *ctx)
{
	struct world *w = ctx;
	struct iommu_destroy gone = { .size = sizeof(gone), .id = w->id };

	assert_int_equal(
		client_ioctl(w->c.abi, w->c.space_fd, IOMMU_DESTROY, &gone), 0);
}

/* Close those that were opened, last first; passes `rc` on. */
static long close_all(struct world *w, long rc)
{
	for (unsigned int i = 3; i-- > 0;) {
		if (w->fd[i] > 0)
			assert_int_equal(uiommu_abi_close(w->c.abi, w->fd[i]),
					 0);
		w->fd[i] = 0;
	}
	return rc;
}

static void closed(void *ctx)
{
	(void)close_all(ctx, 0);
}

/* Another device, bound to the client's iommufd, and its descriptor. */
static long open_and_bind(void *ctx)
{
	struct world *w = ctx;
	struct vfio_device_bind_iommufd bind = {
		.argsz = sizeof(bind),
		.iommufd = w->c.space_fd,
	};
	long rc;

	w->fd[0] = uiommu_abi_open(w->c.abi, "/dev/vfio/devices/vfio1", O_RDWR);
	if (w->fd[0] < 0)
		return w->fd[0];
	rc = client_ioctl(w->c.abi, w->fd[0], VFIO_DEVICE_BIND_IOMMUFD, &bind);
	return rc < 0 ? close_all(w, rc) : rc;
}

static long open_iommufd(void *ctx)
{
	struct world *w = ctx;

	w->fd[0] = uiommu_abi_open(w->c.abi, "/dev/iommu", O_RDWR);
	return w->fd[0];
}

static long queue_alloc(void *ctx)
{
	struct world *w = ctx;
	struct iommu_fault_alloc alloc = { .size = sizeof(alloc) };
	long rc = client_ioctl(w->c.abi, w->c.space_fd, IOMMU_FAULT_QUEUE_ALLOC,
			       &alloc);

	w->id = alloc.out_fault_id;
	w->fd[0] = (int)alloc.out_fault_fd;
	return rc;
}

static void queue_destroy(void *ctx)
{
	closed(ctx);
	destroy(ctx);
}

/* Another device by a container of its own. */
static long open_container(void *ctx)
{
	struct world *w = ctx;
	struct uiommu_abi *abi = w->c.abi;
	char bdf[16];
	const char *name, *type;
	long rc;

	assert_true(uiommu_machine_device(w->c.machine, 1, &name, &type));
	snprintf(bdf, sizeof(bdf), "%s", name);
	w->fd[0] = uiommu_abi_open(abi, "/dev/vfio/vfio", O_RDWR);
	if (w->fd[0] < 0)
		return w->fd[0];
	w->fd[1] = uiommu_abi_open(abi, "/dev/vfio/1", O_RDWR);
	if (w->fd[1] < 0)
		return close_all(w, w->fd[1]);
	rc = client_ioctl(abi, w->fd[1], VFIO_GROUP_SET_CONTAINER, &w->fd[0]);
	if (!rc)
		rc = uiommu_abi_ioctl(abi, w->fd[0], VFIO_SET_IOMMU,
				      VFIO_TYPE1v2_IOMMU);
	if (!rc)
		rc = client_ioctl(abi, w->fd[1], VFIO_GROUP_GET_DEVICE_FD, bdf);
	if (rc < 0)
		return close_all(w, rc);
	w->fd[2] = (int)rc;
	return rc;
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
		{ "IOAS_ALLOC", space_alloc, destroy, NULL, 2 },
		{ "IOAS_MAP", map, unmap, NULL, 3 },
		{ "SET_IRQS", vectors, no_vectors, NULL, 4 },
		{ "open", open_iommufd, closed, NULL, 1 },
		{ "BIND_IOMMUFD", open_and_bind, closed, NULL, 3 },
		{ "FAULT_QUEUE_ALLOC", queue_alloc, queue_destroy, NULL, 1 },
	};
	static const struct nth_call call = { "ATTACH_IOMMUFD_PT", attach,
					      detach, NULL, 10 };
	struct world w = { 0 };

	world_open(&w, false);
	assert_true(open_and_bind(&w) >= 0);
	closed(&w);
	for (unsigned int i = 0; i < 6; i++)
		nth_each(w.c.machine, &attached[i], &w);
	detach(&w);
	nth_each(w.c.machine, &call, &w);
	world_close(&w);
}

static void a_type1_client(void **state)
{
	static const struct nth_call calls[] = {
		{ "MAP_DMA", map, unmap, NULL, 3 },
		{ "SET_IRQS", vectors, no_vectors, NULL, 4 },
		{ "container and group", open_container, closed, NULL, 10 },
	};
	struct world w = { 0 };

	world_open(&w, true);
	/* One that has been in use is quiet, which it was not as it came. */
	assert_true(open_container(&w) > 0);
	closed(&w);
	for (unsigned int i = 0; i < 3; i++)
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
