/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run/ioctl: one call of /dev/iommu as a client makes it, from the descriptor
 * number to the answer in its memory: IOMMU_OPTION, which copies a structure
 * in, looks an object up and copies a value out.  What the launcher adds in
 * front of it (an interposed function) is not in here.
 *
 * abi/ioctl/...: the cheapest call, one that only tells a number; and a page
 * mapped and unmapped in an IOAS without devices, one call each.  With two
 * threads both use one descriptor, or one each.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uiommu/machine.h>
#include <uiommu/uapi/iommufd.h>
#include <uiommu/uapi/vfio.h>

#include "bench.h"

#define OPS 1000000u
#define MAP_OPS 200000u
#define MAX_THREADS 2

struct client {
	int fd;
	uint32_t ioas;
	uint64_t page[2 * 4096 / 8]; /* some page of it is whole */
};

/* Made when the first row runs; the program's end unmakes it. */
struct rig {
	struct uiommu_machine *machine;
	struct uiommu_abi *abi;
	struct client client[MAX_THREADS];
	bool one_fd;
};

static long call(struct uiommu_abi *abi, int fd, unsigned long cmd, void *arg)
{
	return uiommu_abi_ioctl(abi, fd, cmd, (unsigned long)arg);
}

static struct rig *rig_create(void)
{
	struct uiommu_machine_cfg cfg = { .log_level = UIOMMU_LOG_ERROR };
	struct rig *r = calloc(1, sizeof(*r));
	char err[256];
	unsigned int i;

	must(r, "memory");
	must(!uiommu_machine_create(&cfg, &r->machine, err, sizeof(err)),
	     "machine");
	r->abi = uiommu_machine_abi(r->machine);
	for (i = 0; i < MAX_THREADS; i++) {
		struct iommu_ioas_alloc cmd = { .size = sizeof(cmd) };
		struct client *c = &r->client[i];

		c->fd = uiommu_abi_open(r->abi, "/dev/iommu", 0);
		must(c->fd >= 0, "open");
		must(!call(r->abi, c->fd, IOMMU_IOAS_ALLOC, &cmd), "IOAS");
		c->ioas = cmd.out_ioas_id;
	}
	return r;
}

static void rig_destroy(struct rig *r)
{
	unsigned int i;

	for (i = 0; i < MAX_THREADS; i++)
		uiommu_abi_close(r->abi, r->client[i].fd);
	uiommu_machine_destroy(r->machine);
	free(r);
}

static void options(void *arg, unsigned int thread)
{
	struct rig *r = arg;
	struct client *c = &r->client[r->one_fd ? 0 : thread];
	struct iommu_option cmd = {
		.size = sizeof(cmd),
		.option_id = IOMMU_OPTION_HUGE_PAGES,
		.op = IOMMU_OPTION_OP_GET,
		.object_id = c->ioas,
	};
	unsigned int i;

	for (i = 0; i < OPS; i++)
		must(!call(r->abi, c->fd, IOMMU_OPTION, &cmd), "option");
	must(cmd.val64 == 1, "answer");
}

static void versions(void *arg, unsigned int thread)
{
	struct rig *r = arg;
	unsigned int i;

	for (i = 0; i < OPS; i++)
		must(call(r->abi, r->client[thread].fd, VFIO_GET_API_VERSION,
			  NULL) == VFIO_API_VERSION,
		     "version");
}

static void maps(void *arg, unsigned int thread)
{
	struct rig *r = arg;
	struct client *c = &r->client[thread];
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE,
		.ioas_id = c->ioas,
		.user_va = ((uintptr_t)c->page + 4095) & ~UINT64_C(4095),
		.length = 4096,
		.iova = 0x100000,
	};
	struct iommu_ioas_unmap unmap = {
		.size = sizeof(unmap),
		.ioas_id = c->ioas,
		.iova = map.iova,
		.length = map.length,
	};
	unsigned int i;

	for (i = 0; i < MAP_OPS / 2; i++) {
		must(!call(r->abi, c->fd, IOMMU_IOAS_MAP, &map), "map");
		must(!call(r->abi, c->fd, IOMMU_IOAS_UNMAP, &unmap), "unmap");
	}
}

static void run(struct bench_run *run, uint64_t ops, bool one_fd,
		void (*fn)(void *arg, unsigned int thread))
{
	struct rig *r = rig_create();

	r->one_fd = one_fd;
	if (run->threads > 1) {
		bench_parallel(run, ops, fn, r);
	} else {
		bench_start(run);
		fn(r, 0);
		bench_stop(run, ops);
	}
	rig_destroy(r);
}

static void run_options(struct bench_run *b)
{
	run(b, OPS, false, options);
}

static void run_options_one_fd(struct bench_run *b)
{
	run(b, OPS, true, options);
}

static void run_versions(struct bench_run *b)
{
	run(b, OPS, false, versions);
}

static void run_maps(struct bench_run *b)
{
	run(b, MAP_OPS, false, maps);
}

void abi_bench_register(struct bench *b);
void abi_bench_register(struct bench *b)
{
	static const struct bench_row rows[] = {
		{ .name = "run/ioctl", .fn = run_options, .threads = 1 },
		{ .name = "run/ioctl", .fn = run_options, .threads = 2 },
		{ .name = "abi/ioctl/one-fd",
		  .fn = run_options_one_fd,
		  .threads = 2 },
		{ .name = "abi/ioctl/version",
		  .fn = run_versions,
		  .threads = 1 },
		{ .name = "abi/ioctl/map", .fn = run_maps, .threads = 1 },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		bench_add(b, &rows[i]);
}
