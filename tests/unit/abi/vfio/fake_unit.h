/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake_unit.h - an IOMMU without hardware, for tests of the floors above the
 * core: domains have real page tables, which the test walks itself.
 */
#ifndef TESTS_ABI_VFIO_FAKE_UNIT_H
#define TESTS_ABI_VFIO_FAKE_UNIT_H

#include <uiommu/driver.h>

#define FAKE_UNIT_DEVICES 4

struct fake_unit {
	struct uiommu_unit unit;
	struct uiommu_unit_caps caps;
	unsigned int attaches; /* atomic */
	int fail_attach; /* atomic: errno of the next attach to a paging domain */
	unsigned int set_pasids; /* atomic: that succeeded */
	int fail_pasid;		 /* atomic: errno of the next of a domain */
	struct uiommu_hwdev *dev[FAKE_UNIT_DEVICES];
	/* Both stages are there, so guests can be. */
	bool guests;
	bool no_tables;		   /* but no tables of theirs */
	unsigned int parents;	   /* domains made for guests */
	unsigned int fail_make_at; /* a guest's next configuration but n - 1 */
	int fail_make;		   /* errno of that */
	int fail_forget;	   /* errno of a guest's invalidations */
	unsigned int nr_forgot;	   /* those that went well, and the last one */
	struct uiommu_cache_info forgot;
};

void fake_unit_init(struct fake_unit *fake,
		    const struct uiommu_platform *platform,
		    const struct uiommu_host_ops *host, void *host_ctx);
/* A driver that has no PASIDs at all. */
void fake_unit_without_pasids(struct fake_unit *fake);

/* fake_guest.c */
extern const struct uiommu_nested_ops fake_guest_ops;
void fake_guest_free(struct uiommu_hwdom *dom);
/* The guest's table that translates for a device; NULL: none. */
const struct uiommu_pasid_table *fake_unit_table(const struct fake_unit *fake,
						 const char *name);

#endif /* TESTS_ABI_VFIO_FAKE_UNIT_H */
