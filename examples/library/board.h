/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * board.h - what the examples run on: memory, one or two SMMUv3s with our driver
 * and a core on top, and DMA of devices that are nothing but a StreamID.
 *
 * In a program of yours, the devices are yours; the rest is as it stands here.
 * All functions end the program with a message when something fails.
 */
#ifndef BOARD_H
#define BOARD_H

#include <uiommu/core.h>
#include <uiommu/host.h>
#include <uiommu/smmuv3_model.h>

#define BOARD_SMMUS 2
#define BOARD_PAGES 8

#define RW (UIOMMU_PROT_READ | UIOMMU_PROT_WRITE)
#define PAGE UINT64_C(4096)

struct board {
	struct uiommu_host *host;
	struct uiommu_range ram; /* physical addresses are the CPU's */
	struct uiommu_core *core;
	unsigned int nr_smmus;
	struct uiommu_smmuv3_model *model[BOARD_SMMUS];
	struct uiommu_unit *unit[BOARD_SMMUS];
	uint64_t *page[BOARD_PAGES];
	unsigned int nr_pages;
};

/* A device, and where it stands. */
struct endpoint {
	struct board *board;
	unsigned int smmu;
	uint32_t sid;
	struct uiommu_device *dev;
};

void board_open(struct board *board, unsigned int nr_smmus);
/* Devices and domains have gone. */
void board_close(struct board *board);

/* A device with PASIDs of 8 bits, alone in its group. */
void board_add(struct board *board, struct endpoint *ep, unsigned int smmu,
	       uint32_t sid, const char *name);

/* A page of memory that holds `value`; board_close takes it back. */
uint64_t *board_page(struct board *board, uint64_t value);
/* An address space in which one page is mapped at `iova`. */
struct uiommu_domain *board_space(const struct endpoint *ep, uiommu_iova_t iova,
				  uint64_t *page);

/*
 * DMA of 8 bytes; pasid UIOMMU_NO_PASID: without.  0, or -EFAULT: the SMMU
 * stopped it.
 */
int dma_read(const struct endpoint *ep, uint32_t pasid, uiommu_iova_t iova,
	     uint64_t *value);
int dma_write(const struct endpoint *ep, uint32_t pasid, uiommu_iova_t iova,
	      uint64_t value);

/* Is that what it reads?  Is it stopped? */
bool dma_reads(const struct endpoint *ep, uint32_t pasid, uiommu_iova_t iova,
	       uint64_t want);
bool dma_stopped(const struct endpoint *ep, uint32_t pasid, uiommu_iova_t iova);

/* Print what is claimed; ends the program with status 1 if it does not hold. */
void claim(bool holds, const char *what);
/* The same of a call that must not fail, and without a line if it has not. */
void must(int rc, const char *what);

#endif /* BOARD_H */
