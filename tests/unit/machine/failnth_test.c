/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls of a client of a whole machine with the nth allocation of core, driver
 * or pins failing, for each n: the machine's dump, with addresses as numbers, is
 * the same byte for byte after the call as before it.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <uiommu/uapi/iommufd.h>
#include <uiommu/uapi/vfio.h>

#include "../../flow/client.h"
#include "machine/machine_private.h"

#define IOVA UINT64_C(0x40000000)
#define LEN UINT64_C(0x400000)

struct world {
	struct client c;
	uint8_t *mem;
	uint32_t hwpt; /* made by hand */
	uint64_t iova;
	int efd[2];
};

struct call {
	const char *name;
	long (*run)(struct world *w);
	void (*undo)(struct world *w);
	unsigned int least;
};

static void print_line(void *ctx, const char *line, size_t len)
{
	assert_int_equal(fwrite(line, 1, len, ctx), len);
}

static void number(void *ctx, uint64_t addr, uint64_t size, char *buf,
		   size_t len)
{
	snprintf(buf, len, "0x%" PRIx64, addr);
}

static char *look(struct world *w)
{
	struct uiommu_dump dump = {
		.parts = UIOMMU_DUMP_OBJECTS | UIOMMU_DUMP_TABLES,
		.write = print_line,
		.address = number,
	};
	char *text = NULL;
	size_t len;

	dump.ctx = open_memstream(&text, &len);
	assert_non_null(dump.ctx);
	assert_int_equal(uiommu_machine_dump(w->c.machine, &dump), 0);
	fclose(dump.ctx);
	return text;
}

static void expect_same(struct world *w, const struct call *call,
			unsigned int n, const char *was)
{
	char *is = look(w);

	if (strcmp(is, was))
		print_error("%s, allocation %u: before\n%safter\n%s",
			    call->name, n, was, is);
	assert_string_equal(is, was);
	free(is);
}

static unsigned int try(struct world *w, const struct call *call)
{
	struct uiommu_host *host = w->c.machine->host;
	unsigned int failed = 0;
	char *was = look(w);

	for (unsigned int n = 1;; n++) {
		bool fired;
		long rc;

		(void)uiommu_host_fail_nth(host, n);
		rc = call->run(w);
		fired = uiommu_host_fail_nth(host, 0);
		if (rc < 0 && !fired)
			print_error("%s: %ld\n", call->name, rc);
		assert_true(rc >= 0 || fired);
		if (!fired)
			break;
		if (rc >= 0)
			call->undo(w);
		else
			failed++;
		expect_same(w, call, n, was);
	}
	free(was);
	call->undo(w);
	return failed;
}

/* ----------------------------------------------------------------- calls */

static long space_alloc(struct world *w)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	long rc =
		client_ioctl(w->c.abi, w->c.space_fd, IOMMU_IOAS_ALLOC, &alloc);

	w->hwpt = alloc.out_ioas_id;
	return rc;
}

static void destroy(struct world *w)
{
	struct iommu_destroy gone = { .size = sizeof(gone), .id = w->hwpt };

	assert_int_equal(
		client_ioctl(w->c.abi, w->c.space_fd, IOMMU_DESTROY, &gone), 0);
}

static long attach(struct world *w)
{
	struct vfio_device_attach_iommufd_pt pt = {
		.argsz = sizeof(pt),
		.pt_id = w->c.ioas_id,
	};

	return client_ioctl(w->c.abi, w->c.dev_fd,
			    VFIO_DEVICE_ATTACH_IOMMUFD_PT, &pt);
}

static void detach(struct world *w)
{
	struct vfio_device_detach_iommufd_pt pt = { .argsz = sizeof(pt) };

	assert_int_equal(client_ioctl(w->c.abi, w->c.dev_fd,
				      VFIO_DEVICE_DETACH_IOMMUFD_PT, &pt),
			 0);
}

static long map(struct world *w)
{
	return client_map(&w->c, w->mem, LEN, IOVA + LEN);
}

static void unmap(struct world *w)
{
	assert_int_equal(client_unmap(&w->c, IOVA + LEN, LEN), 0);
}

static long vectors(struct world *w)
{
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

static void no_vectors(struct world *w)
{
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
	static const struct call attached[] = {
		{ "IOAS_ALLOC", space_alloc, destroy, 1 },
		{ "IOAS_MAP", map, unmap, 3 },
		{ "SET_IRQS", vectors, no_vectors, 0 },
	};
	static const struct call call = { "ATTACH_IOMMUFD_PT", attach, detach,
					  3 };
	struct world w = { 0 };

	world_open(&w, false);
	for (unsigned int i = 0; i < 3; i++)
		assert_true(try(&w, &attached[i]) >= attached[i].least);
	detach(&w);
	assert_true(try(&w, &call) >= call.least);
	world_close(&w);
}

static void a_type1_client(void **state)
{
	static const struct call calls[] = {
		{ "MAP_DMA", map, unmap, 3 },
		{ "SET_IRQS", vectors, no_vectors, 0 },
	};
	struct world w = { 0 };

	world_open(&w, true);
	for (unsigned int i = 0; i < 2; i++)
		assert_true(try(&w, &calls[i]) >= calls[i].least);
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
		is = look(&w);
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
