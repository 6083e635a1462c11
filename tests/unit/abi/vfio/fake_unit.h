/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake_unit.h - an IOMMU without hardware, for tests of the floors above the
 * core: domains have real page tables, which the test walks itself.
 */
#ifndef TESTS_ABI_VFIO_FAKE_UNIT_H
#define TESTS_ABI_VFIO_FAKE_UNIT_H

#include <uiommu/driver.h>

struct fake_unit {
	struct uiommu_unit unit;
	struct uiommu_unit_caps caps;
	unsigned int attaches; /* atomic */
	int fail_attach; /* atomic: errno of the next attach to a paging domain */
	unsigned int set_pasids; /* atomic: that succeeded */
	int fail_pasid;		 /* atomic: errno of the next of a domain */
};

void fake_unit_init(struct fake_unit *fake,
		    const struct uiommu_platform *platform,
		    const struct uiommu_host_ops *host, void *host_ctx);
/* A driver that has no PASIDs at all. */
void fake_unit_without_pasids(struct fake_unit *fake);

#endif /* TESTS_ABI_VFIO_FAKE_UNIT_H */
