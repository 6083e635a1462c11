/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * aux.c - an auxiliary domain: a second address space for two devices that share
 * their own one, by a PASID that the core chooses.  Exit status 0: all as it is
 * claimed.
 *	cc aux.c board.c $(pkg-config --cflags --libs uiommu)
 */
#include <errno.h>
#include <stdio.h>

#include "board.h"

#define IOVA UINT64_C(0x10000)

enum {
	SHARED = 0x5ed,
	GUEST = 0x9e57
};

static uint32_t attach(struct uiommu_domain *guest, const struct endpoint *a,
		       const struct endpoint *b)
{
	int pasid;

	claim(uiommu_aux_pasid(guest, a->dev) == -EINVAL,
	      "a domain that a device does not have has no PASID there");
	claim(uiommu_aux_attach(guest, a->dev) == -EINVAL,
	      "before it is used, the feature has to be enabled");
	must(uiommu_dev_enable_feature(a->dev, UIOMMU_DEV_FEAT_AUX), "a");
	must(uiommu_dev_enable_feature(b->dev, UIOMMU_DEV_FEAT_AUX), "b");
	must(uiommu_aux_attach(guest, a->dev), "attach to a");
	pasid = uiommu_aux_pasid(guest, a->dev);
	claim(pasid > 0 && dma_reads(a, (uint32_t)pasid, IOVA, GUEST) &&
		      dma_reads(a, UIOMMU_NO_PASID, IOVA, SHARED),
	      "device a has two address spaces");
	claim(dma_stopped(b, (uint32_t)pasid, IOVA),
	      "device b, with the same parent, has not, before it attaches");
	must(uiommu_aux_attach(guest, b->dev), "attach to b");
	claim(uiommu_aux_pasid(guest, b->dev) == pasid &&
		      dma_reads(b, (uint32_t)pasid, IOVA, GUEST),
	      "then it reaches it, by the same PASID");
	printf("the core chose PASID %d\n", pasid);
	return (uint32_t)pasid;
}

static void rules(struct uiommu_domain *guest, struct uiommu_domain *other,
		  const struct endpoint *a)
{
	struct uiommu_group *group = uiommu_device_group(a->dev);

	claim(uiommu_group_detach(group) == -EBUSY &&
		      uiommu_dev_disable_feature(a->dev, UIOMMU_DEV_FEAT_AUX) ==
			      -EBUSY,
	      "the parent and the feature stay while it is attached");
	claim(uiommu_group_replace(group, other) == -EBUSY &&
		      dma_reads(a, UIOMMU_NO_PASID, IOVA, SHARED),
	      "nor can the parent be replaced");
	claim(uiommu_device_pasid_attach(a->dev, 99, guest) == -EINVAL,
	      "an auxiliary domain is no normal one");
}

static void detach(struct uiommu_domain *guest, uint32_t pasid, uint64_t *page,
		   const struct endpoint *a, const struct endpoint *b)
{
	uint64_t unmapped;

	uiommu_aux_detach(guest, a->dev);
	claim(dma_stopped(a, pasid, IOVA) &&
		      dma_reads(a, UIOMMU_NO_PASID, IOVA, SHARED),
	      "a detached device reaches its own address space only");
	claim(dma_reads(b, pasid, IOVA, GUEST) &&
		      !dma_write(b, pasid, IOVA, GUEST + 1) &&
		      *page == GUEST + 1,
	      "the other one goes on");
	must(uiommu_domain_unmap(guest, IOVA, PAGE, &unmapped), "unmap");
	claim(unmapped == PAGE && dma_stopped(b, pasid, IOVA),
	      "until what it used is unmapped");
	uiommu_aux_detach(guest, b->dev);
	uiommu_aux_detach(guest, b->dev);
	claim(uiommu_aux_pasid(guest, b->dev) == -EINVAL,
	      "to detach once more is nothing");
}

int main(void)
{
	struct uiommu_domain *parent, *guest, *other;
	struct endpoint a, b;
	struct board board;
	uint64_t *page;
	uint32_t pasid;

	board_open(&board, 1);
	board_add(&board, &a, 0, 0x100, "a");
	board_add(&board, &b, 0, 0x200, "b");
	page = board_page(&board, GUEST);
	parent = board_space(&a, IOVA, board_page(&board, SHARED));
	other = board_space(&a, IOVA, board_page(&board, 0));
	guest = board_space(&a, IOVA, page);
	must(uiommu_group_attach(uiommu_device_group(a.dev), parent), "a");
	must(uiommu_group_attach(uiommu_device_group(b.dev), parent), "b");

	pasid = attach(guest, &a, &b);
	rules(guest, other, &a);
	detach(guest, pasid, page, &a, &b);

	must(uiommu_dev_disable_feature(a.dev, UIOMMU_DEV_FEAT_AUX), "a");
	must(uiommu_dev_disable_feature(b.dev, UIOMMU_DEV_FEAT_AUX), "b");
	must(uiommu_group_detach(uiommu_device_group(a.dev)), "detach a");
	must(uiommu_group_detach(uiommu_device_group(b.dev)), "detach b");
	uiommu_device_remove(a.dev);
	uiommu_device_remove(b.dev);
	uiommu_domain_free(guest);
	uiommu_domain_free(other);
	uiommu_domain_free(parent);
	board_close(&board);
	return 0;
}
