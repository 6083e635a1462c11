/* SPDX-License-Identifier: BSD-2-Clause */
/* See board.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uiommu/smmuv3.h>

#include "board.h"

#define REGISTERS(i) (UINT64_C(0x09050000) + (i)*UIOMMU_SMMUV3_MMIO_SIZE)

void claim(bool holds, const char *what)
{
	printf("%s: %s\n", holds ? "yes" : "NO", what);
	if (!holds)
		exit(1);
}

void must(int rc, const char *what)
{
	if (!rc)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(-rc));
	exit(1);
}

/* ---------------------------------------------- memory, as the SMMUs see it */

static bool is_ram(const struct board *board, uiommu_pa_t pa, size_t len)
{
	return pa >= board->ram.first && pa <= board->ram.last &&
	       len - 1 <= board->ram.last - pa;
}

/* Words of 8 bytes are read and written at once: tables are made of them. */
static void copy(void *to, const void *from, size_t len)
{
	if (len == 8)
		__atomic_store_n((uint64_t *)to,
				 __atomic_load_n((const uint64_t *)from,
						 __ATOMIC_ACQUIRE),
				 __ATOMIC_RELEASE);
	else
		memcpy(to, from, len);
}

static int mem_read(void *ctx, uiommu_pa_t pa, void *buf, size_t len,
		    struct uiommu_mem_attrs attrs)
{
	if (!is_ram(ctx, pa, len))
		return -EIO;
	copy(buf, (const void *)(uintptr_t)pa, len);
	return 0;
}

static int mem_write(void *ctx, uiommu_pa_t pa, const void *buf, size_t len,
		     struct uiommu_mem_attrs attrs)
{
	if (!is_ram(ctx, pa, len))
		return -EIO;
	copy((void *)(uintptr_t)pa, buf, len);
	return 0;
}

static void *mem_direct(void *ctx, uiommu_pa_t pa, size_t len, bool write)
{
	return is_ram(ctx, pa, len) ? (void *)(uintptr_t)pa : NULL;
}

/* A real one has the driver look at its event queue: op `irq` of driver.h. */
static void on_irq(void *ctx, unsigned int line)
{
}

/* ------------------------------------------------------------- the SMMUs */

static uint64_t reg_read(void *model, uint32_t offset, unsigned int size)
{
	return uiommu_smmuv3_model_read(model, offset, size);
}

static void reg_write(void *model, uint32_t offset, unsigned int size,
		      uint64_t value)
{
	uiommu_smmuv3_model_write(model, offset, size, value);
}

static void add_smmu(struct board *board, unsigned int i)
{
	const struct uiommu_model_host mem = {
		.ctx = board,
		.read = mem_read,
		.write = mem_write,
		.direct = mem_direct,
		.irq = on_irq,
	};
	struct uiommu_bus_window window = {
		.base = REGISTERS(i),
		.size = UIOMMU_SMMUV3_MMIO_SIZE,
		.read = reg_read,
		.write = reg_write,
	};
	const struct uiommu_smmuv3_cfg cfg = {
		.platform = uiommu_host_platform(board->host),
		.base = REGISTERS(i),
		.host = &uiommu_core_host_ops,
		.host_ctx = board->core,
	};

	must(uiommu_smmuv3_model_create(uiommu_smmuv3_profile_find("full"),
					&mem, &board->model[i]),
	     "the SMMU");
	window.ctx = board->model[i];
	must(uiommu_host_add_window(board->host, &window), "its registers");
	must(uiommu_smmuv3_probe(&cfg, &board->unit[i]), "its driver");
	must(uiommu_core_add_unit(board->core, board->unit[i]), "the core");
}

void board_open(struct board *board, unsigned int nr_smmus)
{
	struct uiommu_core_cfg cfg = { 0 };

	memset(board, 0, sizeof(*board));
	must(uiommu_host_create(0, &board->host), "the platform");
	uiommu_host_arena(board->host, &board->ram);
	cfg.platform = uiommu_host_platform(board->host);
	must(uiommu_core_create(&cfg, &board->core), "the core");
	for (board->nr_smmus = 0; board->nr_smmus < nr_smmus; board->nr_smmus++)
		add_smmu(board, board->nr_smmus);
}

void board_close(struct board *board)
{
	const struct uiommu_platform *p = uiommu_host_platform(board->host);

	uiommu_core_destroy(board->core);
	while (board->nr_pages)
		p->table_free(p->ctx, board->page[--board->nr_pages], PAGE);
	uiommu_host_barrier(board->host);
	while (board->nr_smmus)
		uiommu_smmuv3_model_destroy(board->model[--board->nr_smmus]);
	claim(!uiommu_host_live(board->host), "all memory has come back");
	uiommu_host_destroy(board->host);
}

/* ------------------------------------------------------ devices and memory */

void board_add(struct board *board, struct endpoint *ep, unsigned int smmu,
	       uint32_t sid, const char *name)
{
	const struct uiommu_device_cfg cfg = {
		.hw = { .name = name,
			.ids = &sid,
			.nr_ids = 1,
			.pasid_bits = 8 },
	};

	*ep = (struct endpoint){ .board = board, .smmu = smmu, .sid = sid };
	must(uiommu_device_add(board->core, board->unit[smmu], &cfg, &ep->dev),
	     name);
}

uint64_t *board_page(struct board *board, uint64_t value)
{
	const struct uiommu_platform *p = uiommu_host_platform(board->host);
	uiommu_pa_t pa;
	uint64_t *page = NULL;

	if (board->nr_pages < BOARD_PAGES)
		page = p->table_alloc(p->ctx, PAGE, &pa);
	must(page ? 0 : -ENOMEM, "memory");
	board->page[board->nr_pages++] = page;
	*page = value;
	return page;
}

struct uiommu_domain *board_space(const struct endpoint *ep, uiommu_iova_t iova,
				  uint64_t *page)
{
	struct uiommu_domain *domain;

	must(uiommu_domain_alloc(ep->dev, &domain), "a domain");
	must(uiommu_domain_map(domain, iova, (uintptr_t)page, PAGE,
			       RW | UIOMMU_PROT_CACHE),
	     "a mapping");
	return domain;
}

static int dma(const struct endpoint *ep, uint32_t pasid, uiommu_iova_t iova,
	       uint64_t *value, uint32_t flags)
{
	struct uiommu_smmuv3_dma req = {
		.txn = { .sid = ep->sid, .flags = flags, .iova = iova },
		.buf = value,
		.len = sizeof(*value),
	};

	if (pasid != UIOMMU_NO_PASID) {
		req.txn.flags |= UIOMMU_TXN_SSV;
		req.txn.ssid = pasid;
	}
	return uiommu_smmuv3_model_dma(ep->board->model[ep->smmu], &req);
}

int dma_read(const struct endpoint *ep, uint32_t pasid, uiommu_iova_t iova,
	     uint64_t *value)
{
	return dma(ep, pasid, iova, value, 0);
}

int dma_write(const struct endpoint *ep, uint32_t pasid, uiommu_iova_t iova,
	      uint64_t value)
{
	return dma(ep, pasid, iova, &value, UIOMMU_TXN_WRITE);
}

bool dma_reads(const struct endpoint *ep, uint32_t pasid, uiommu_iova_t iova,
	       uint64_t want)
{
	uint64_t value;

	return !dma_read(ep, pasid, iova, &value) && value == want;
}

bool dma_stopped(const struct endpoint *ep, uint32_t pasid, uiommu_iova_t iova)
{
	uint64_t value;

	return dma_read(ep, pasid, iova, &value) == -EFAULT;
}
