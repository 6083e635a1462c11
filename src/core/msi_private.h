/* SPDX-License-Identifier: BSD-2-Clause */
/* msi_private.h - what msi.c has in domains, and a dump tells. */
#ifndef CORE_MSI_PRIVATE_H
#define CORE_MSI_PRIVATE_H

#include "core_private.h"

/*
 * A guest's doorbell, which its own tables have at `iova`.  Of the host's it may
 * have one: its page, one of 4 KiB whatever the guest's are, is mapped at gpa.
 */
struct core_msi_binding {
	struct list node; /* uiommu_domain.msi_bindings */
	uiommu_iova_t iova;
	uint64_t gpa;
	uint8_t granule_lg2; /* of the guest's page */
	bool taken;
	unsigned int slot; /* if taken */
};

#endif /* CORE_MSI_PRIVATE_H */
