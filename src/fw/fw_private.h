/* SPDX-License-Identifier: BSD-2-Clause */
/* fw_private.h - the description that readers of firmware tables fill in. */
#ifndef FW_PRIVATE_H
#define FW_PRIVATE_H

#include <uiommu/fw.h>

/* One line of a host bridge's map: requester IDs to an IOMMU's names. */
struct fw_map {
	unsigned int host;
	uint32_t rid_base;
	uint32_t length;
	unsigned int iommu;
	uint32_t id_base;
};

/* Strings and arrays of the description belong to it. */
struct uiommu_fw {
	struct uiommu_fw_iommu *iommus;
	unsigned int nr_iommus;
	struct uiommu_fw_master *masters;
	unsigned int nr_masters;
	struct uiommu_fw_pci_host *hosts;
	uint32_t *host_masks; /* iommu-map-mask of each */
	unsigned int nr_hosts;
	struct uiommu_fw_pci_dev *devs;
	unsigned int nr_devs;
	struct fw_map *maps;
	unsigned int nr_maps;

	void **owned; /* everything else to be freed */
	unsigned int nr_owned;
};

struct uiommu_fw *fw_new(void);
/* Room for one more element at the end of an array; NULL: out of memory. */
void *fw_grow(void **array, unsigned int *nr, size_t size);
/* Memory that goes with the description; zeroed. */
void *fw_own(struct uiommu_fw *fw, size_t size);
char *fw_strdup(struct uiommu_fw *fw, const char *s);

#endif /* FW_PRIVATE_H */
