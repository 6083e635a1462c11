/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run/dma/4k: the I/OAT engine copies 4 KiB, descriptors fetched and data moved
 * through the SMMU model and tables that the driver and core made; one
 * doorbell for 32 descriptors, as SPDK's perf rings it.  run/dma/4k/bypass is
 * the same engine on the same memory with the SMMU switched off, so the ratio
 * is what translation costs.  run/dma/4k/trace writes a trace meanwhile, as
 * `uiommu run --trace` does: four records for each copy.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <uiommu/machine.h>
#include <uiommu/uapi/iommufd.h>
#include <uiommu/uapi/vfio.h>

#include "bench.h"

#define PAGE 4096ul
#define RING 64u	/* descriptors, a page of them */
#define BURST 32u	/* for one doorbell */
#define DATA_PAGES 128u /* half of them sources */
#define COPIES 65536u

#define SMMU_CR0 0x20
#define SMMU_CR0_SMMUEN 1u
#define SMMU_GBPA 0x44
#define SMMU_GBPA_UPDATE (1u << 31)
#define SMMU_GBPA_ABORT (1u << 20)
#define IOAT_DMACOUNT 0x86
#define IOAT_CHAINADDR 0x90

struct desc {
	uint32_t size;
	uint32_t ctl;
	uint64_t src;
	uint64_t dst;
	uint64_t next;
	uint64_t rest[4];
};

struct rig {
	struct uiommu_machine *machine;
	struct uiommu_abi *abi;
	int dev_fd;
	uint64_t bar, cfg;
	struct desc *ring;
	uint8_t *data;
	uint16_t count;
	bool trace;
};

static long call(struct rig *r, int fd, unsigned long cmd, void *arg)
{
	return uiommu_abi_ioctl(r->abi, fd, cmd, (unsigned long)arg);
}

static void store(struct rig *r, uint64_t off, uint64_t val, unsigned int size)
{
	must(uiommu_abi_pwrite(r->abi, r->dev_fd, (uintptr_t)&val, size, off) ==
		     (ssize_t)size,
	     "register write");
}

static uint64_t region(struct rig *r, unsigned int index)
{
	struct vfio_region_info info = { .argsz = sizeof(info),
					 .index = index };

	must(!call(r, r->dev_fd, VFIO_DEVICE_GET_REGION_INFO, &info),
	     "REGION_INFO");
	return info.offset;
}

static int find_cdev(void *ctx, const struct uiommu_node *node)
{
	char *path = ctx;

	if (node->type != UIOMMU_NODE_CHAR ||
	    strncmp(node->path, "/dev/vfio/devices/", 18))
		return 0;
	snprintf(path, 64, "%s", node->path);
	return 1;
}

/* IOVA = address, so that the same descriptors work without the SMMU. */
static void map(struct rig *r, int iommufd, uint32_t ioas, void *va,
		unsigned long len)
{
	struct iommu_ioas_map cmd = {
		.size = sizeof(cmd),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = ioas,
		.user_va = (uintptr_t)va,
		.length = len,
		.iova = (uintptr_t)va,
	};

	must(!call(r, iommufd, IOMMU_IOAS_MAP, &cmd), "IOAS_MAP");
}

static void *pages(unsigned long len)
{
	void *va = mmap(NULL, len, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	must(va != MAP_FAILED, "memory");
	return va;
}

static void open_device(struct rig *r)
{
	struct iommu_ioas_alloc ioas = { .size = sizeof(ioas) };
	struct vfio_device_bind_iommufd bind = { .argsz = sizeof(bind) };
	struct vfio_device_attach_iommufd_pt attach = {
		.argsz = sizeof(attach),
	};
	char path[64] = "";

	uiommu_abi_visit_nodes(r->abi, find_cdev, path);
	bind.iommufd = uiommu_abi_open(r->abi, "/dev/iommu", 0);
	r->dev_fd = uiommu_abi_open(r->abi, path, 0);
	must(bind.iommufd >= 0 && r->dev_fd >= 0, "open");
	must(!call(r, r->dev_fd, VFIO_DEVICE_BIND_IOMMUFD, &bind), "BIND");
	must(!call(r, bind.iommufd, IOMMU_IOAS_ALLOC, &ioas), "IOAS_ALLOC");
	attach.pt_id = ioas.out_ioas_id;
	must(!call(r, r->dev_fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach),
	     "ATTACH");
	map(r, bind.iommufd, ioas.out_ioas_id, r->ring,
	    RING * sizeof(*r->ring));
	map(r, bind.iommufd, ioas.out_ioas_id, r->data, DATA_PAGES * PAGE);
	r->bar = region(r, VFIO_PCI_BAR0_REGION_INDEX);
	r->cfg = region(r, VFIO_PCI_CONFIG_REGION_INDEX);
	store(r, r->cfg + 4, 6, 2); /* memory, bus master */
}

static struct rig *rig_get(struct rig *r)
{
	struct uiommu_machine_cfg cfg = { .log_level = UIOMMU_LOG_ERROR };
	char err[256], trace[] = "/tmp/uiommu-bench-XXXXXX";

	if (r->machine)
		return r;
	if (r->trace) {
		int fd = mkstemp(trace);

		must(fd >= 0, "mkstemp");
		close(fd);
		cfg.trace = trace;
	}
	must(!uiommu_machine_create(&cfg, &r->machine, err, sizeof(err)),
	     "machine");
	if (r->trace)
		unlink(trace);
	r->abi = uiommu_machine_abi(r->machine);
	r->ring = pages(RING * sizeof(*r->ring));
	r->data = pages(DATA_PAGES * PAGE);
	for (unsigned int i = 0; i < RING; i++) {
		struct desc *d = &r->ring[i];

		d->size = PAGE;
		d->src = (uintptr_t)r->data + i * PAGE;
		d->dst = d->src + DATA_PAGES / 2 * PAGE;
		d->next = (uintptr_t)&r->ring[(i + 1) % RING];
	}
	open_device(r);
	store(r, r->bar + IOAT_CHAINADDR, (uintptr_t)r->ring, 8);
	return r;
}

static void set_smmu(struct rig *r, bool on)
{
	struct uiommu_smmuv3_model *model = uiommu_machine_model(r->machine);
	uint64_t cr0 = uiommu_smmuv3_model_read(model, SMMU_CR0, 4);
	uint64_t gbpa = uiommu_smmuv3_model_read(model, SMMU_GBPA, 4);

	/* The driver wants what comes without translation to be aborted. */
	gbpa &= ~(uint64_t)SMMU_GBPA_ABORT;
	gbpa |= on ? SMMU_GBPA_ABORT : 0;
	uiommu_smmuv3_model_write(model, SMMU_GBPA, 4, gbpa | SMMU_GBPA_UPDATE);
	cr0 = on ? cr0 | SMMU_CR0_SMMUEN : cr0 & ~(uint64_t)SMMU_CR0_SMMUEN;
	uiommu_smmuv3_model_write(model, SMMU_CR0, 4, cr0);
}

static void copy(struct rig *r)
{
	for (unsigned int i = 0; i < COPIES; i += BURST) {
		r->count = (uint16_t)(r->count + BURST);
		store(r, r->bar + IOAT_DMACOUNT, r->count, 2);
	}
}

/* Did they arrive?  One byte of each source, changed every time. */
static void stamp(struct rig *r, unsigned int rep)
{
	for (unsigned int i = 0; i < DATA_PAGES / 2; i++)
		r->data[i * PAGE] = (uint8_t)(rep + i);
}

static void check(struct rig *r, unsigned int rep)
{
	for (unsigned int i = 0; i < DATA_PAGES / 2; i++)
		must(r->data[(i + DATA_PAGES / 2) * PAGE] == (uint8_t)(rep + i),
		     "copy");
}

static void dma(struct bench_run *run, bool on)
{
	struct rig *r = rig_get(run->arg);

	stamp(r, run->rep + on);
	set_smmu(r, on);
	bench_start(run);
	copy(r);
	bench_stop(run, COPIES);
	set_smmu(r, true);
	check(r, run->rep + on);
}

static void dma_translated(struct bench_run *run)
{
	dma(run, true);
}

static void dma_bypass(struct bench_run *run)
{
	dma(run, false);
}

void run_bench_register(struct bench *b);

void run_bench_register(struct bench *b)
{
	static struct rig rig; /* made by the row that comes first */
	static struct rig traced = { .trace = true };
	const struct bench_row rows[] = {
		{ .name = "run/dma/4k",
		  .fn = dma_translated,
		  .arg = &rig,
		  .pages_per_op = 1 },
		{ .name = "run/dma/4k/bypass",
		  .fn = dma_bypass,
		  .arg = &rig,
		  .pages_per_op = 1 },
		{ .name = "run/dma/4k/trace",
		  .fn = dma_translated,
		  .arg = &traced,
		  .pages_per_op = 1 },
	};

	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		bench_add(b, &rows[i]);
}
