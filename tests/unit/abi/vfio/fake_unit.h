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
};

void fake_unit_init(struct fake_unit *fake,
		    const struct uiommu_platform *platform,
		    const struct uiommu_host_ops *host, void *host_ctx);

#endif /* TESTS_ABI_VFIO_FAKE_UNIT_H */
