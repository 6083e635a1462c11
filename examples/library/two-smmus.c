/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * two-smmus.c - one address space for devices behind two SMMUs: mapped once, it
 * is there for both, and unmapped once, both have forgotten it.  Exit status 0:
 * all as it is claimed.
 *	cc two-smmus.c board.c $(pkg-config --cflags --libs uiommu)
 */
#include <stdio.h>

#include "board.h"

#define IOVA UINT64_C(0x10000)
#define PASID 5u

enum {
	HELLO = 0x6e110,
	AGAIN = 0xa9a19
};

/* Translations that the SMMU had ready: it remembers. */
static uint64_t remembered(const struct endpoint *ep)
{
	struct uiommu_smmuv3_stats stats;

	uiommu_smmuv3_model_stats(ep->board->model[ep->smmu], &stats);
	return stats.tlb_hits;
}

/* Read until the SMMU need not look into the page table any more. */
static bool warm_up(const struct endpoint *ep, uint32_t pasid)
{
	uint64_t before = remembered(ep), value;

	for (unsigned int i = 0; i < 100 && remembered(ep) == before; i++)
		if (dma_read(ep, pasid, IOVA, &value))
			return false;
	return remembered(ep) > before;
}

static void unmap_reaches_both(struct uiommu_domain *space,
			       const struct endpoint *left,
			       const struct endpoint *right)
{
	uint64_t unmapped;

	claim(warm_up(left, UIOMMU_NO_PASID) && warm_up(right, PASID),
	      "both SMMUs keep the translation");
	must(uiommu_domain_unmap(space, IOVA, PAGE, &unmapped), "unmap");
	claim(unmapped == PAGE && dma_stopped(left, UIOMMU_NO_PASID, IOVA) &&
		      dma_stopped(right, UIOMMU_NO_PASID, IOVA) &&
		      dma_stopped(right, PASID, IOVA),
	      "when unmap has returned, neither of them does");
}

/* To replace one's domain is no business of the other's. */
static void replace_one(const struct endpoint *left,
			const struct endpoint *right, struct uiommu_domain *own)
{
	must(uiommu_group_replace(uiommu_device_group(left->dev), own),
	     "replace");
	claim(dma_reads(left, UIOMMU_NO_PASID, IOVA, AGAIN) &&
		      dma_reads(right, UIOMMU_NO_PASID, IOVA, HELLO) &&
		      dma_reads(right, PASID, IOVA, HELLO),
	      "a device that gets another domain does not disturb the others");
}

int main(void)
{
	struct uiommu_domain *space, *own;
	struct endpoint left, right;
	struct board board;
	uint64_t *page;

	board_open(&board, 2);
	board_add(&board, &left, 0, 0x100, "left");
	/* The same number, behind another SMMU, is another device. */
	board_add(&board, &right, 1, 0x100, "right");
	page = board_page(&board, HELLO);
	space = board_space(&left, IOVA, page);
	own = board_space(&left, IOVA, board_page(&board, AGAIN));
	must(uiommu_group_attach(uiommu_device_group(left.dev), space), "left");
	claim(dma_reads(&left, UIOMMU_NO_PASID, IOVA, HELLO) &&
		      dma_stopped(&right, UIOMMU_NO_PASID, IOVA),
	      "the left device has the address space, the right one has not");
	must(uiommu_group_attach(uiommu_device_group(right.dev), space),
	     "right");
	must(uiommu_device_pasid_attach(right.dev, PASID, space), "PASID");
	claim(dma_reads(&right, UIOMMU_NO_PASID, IOVA, HELLO) &&
		      dma_reads(&right, PASID, IOVA, HELLO),
	      "then it has it, with a PASID too");
	claim(!dma_write(&right, PASID, IOVA, AGAIN) && *page == AGAIN &&
		      dma_reads(&left, UIOMMU_NO_PASID, IOVA, AGAIN),
	      "what one writes the other reads");

	unmap_reaches_both(space, &left, &right);
	*page = HELLO;
	must(uiommu_domain_map(space, IOVA, (uintptr_t)page, PAGE,
			       RW | UIOMMU_PROT_CACHE),
	     "map");
	replace_one(&left, &right, own);

	uiommu_device_pasid_detach(right.dev, PASID);
	must(uiommu_group_detach(uiommu_device_group(left.dev)), "left");
	must(uiommu_group_detach(uiommu_device_group(right.dev)), "right");
	uiommu_device_remove(left.dev);
	uiommu_device_remove(right.dev);
	uiommu_domain_free(space);
	uiommu_domain_free(own);
	board_close(&board);
	return 0;
}
