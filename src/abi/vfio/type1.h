/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * type1.h - the type1 back end of a container: an IOAS, its domains, and what
 * type1 remembers of mappings beyond their areas.
 *
 * A mapping is one area of the IOAS, as MAP_DMA made it; areas are never cut
 * here.  Everything is protected by the container's lock.
 */
#ifndef ABI_VFIO_TYPE1_H
#define ABI_VFIO_TYPE1_H

#include "private.h"

/* Mappings that one container may have. */
#define TYPE1_MAX_DMA 65535u
#define TYPE1_MAX_BITMAP (UINT64_C(256) << 20)

struct uvfio_domain {
	struct list node;
	struct uiommu_domain *core;
	unsigned int nr_groups;
};

/* What a guest's stage does (nesting.c). */
struct type1_stage {
	struct uiommu_pasid_table table;
	bool has_asid; /* of its context, which is then the only one */
	uint16_t asid;
};

/* What a container of type 6 was told of its guest. */
struct type1_guest {
	bool bound;
	struct type1_stage stage; /* if bound */
	struct list msis;
};

struct uvfio_type1 {
	struct uiommu_abi *abi;
	struct uiommu_ioas *ioas;
	bool v2;
	bool nesting; /* type 6: the domains may have a guest's stage above them */
	bool dirty; /* logging was started */
	unsigned int nr_dma;
	struct list domains; /* uvfio_domain.node */
	/*
	 * First addresses of the mappings whose user address was given up
	 * (UNMAP_DMA with VADDR): a tree of tsearch, and how many.
	 */
	void *invalid;
	unsigned int nr_invalid;
	struct type1_guest guest;
};

/* Smallest page that all domains can map. */
uint64_t type1_pgsize(const struct uvfio_type1 *t1);

/* The mapping that begins at iova was invalidated?  (type1_unmap.c) */
bool type1_is_invalid(const struct uvfio_type1 *t1, uint64_t iova);
/* -ENOMEM. */
int type1_set_invalid(struct uvfio_type1 *t1, uint64_t iova);
/* Nothing if it was not. */
void type1_set_valid(struct uvfio_type1 *t1, uint64_t iova);
void type1_all_valid(struct uvfio_type1 *t1);

long type1_unmap(struct uvfio_type1 *t1, unsigned long arg);
long type1_dirty_pages(struct uvfio_type1 *t1, unsigned long arg);

/*
 * nesting.c: calls of uapi/vfio-nesting.h; -ENOTTY: it is none.  A new domain joins
 * what the others have, and only then its first group, which so has nothing else for a
 * moment; on error the domain has a part of it, and the group nothing.
 */
long type1_guest_ioctl(struct uvfio_type1 *t1, unsigned int cmd,
		       unsigned long arg);
int type1_guest_join(struct uvfio_type1 *t1, struct uvfio_domain *dom,
		     struct uiommu_group *group);
void type1_guest_end(struct uvfio_type1 *t1);

/*
 * dirty.c: a bitmap in user memory, one bit per `pgsize` bytes from `iova`.
 * Checks against a range of `size` bytes: -EINVAL.
 */
int type1_check_bitmap(const struct vfio_bitmap *bitmap, uint64_t size);
/* Set the bits of the mapping; -EFAULT. */
int type1_mark_dirty(struct uvfio_type1 *t1, const struct vfio_bitmap *bitmap,
		     uint64_t iova, const struct uiommu_range *range);
/* Would [first, last] cut a mapping in two at one of its ends? */
bool type1_cuts(struct uvfio_type1 *t1, uint64_t first, uint64_t last);

#endif /* ABI_VFIO_TYPE1_H */
