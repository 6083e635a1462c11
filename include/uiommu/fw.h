/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fw.h - what firmware tables tell of IOMMUs and the devices behind them, in
 * words that no table format owns.
 *
 * Read-only once made; any number of threads may look at it.
 */
#ifndef UIOMMU_FW_H
#define UIOMMU_FW_H

#include <uiommu/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uiommu_fw;

/* An IOMMU. */
struct uiommu_fw_iommu {
	const char *path;	/* where the table names it: "/smmu@2b400000" */
	const char *compatible; /* the first one that this reader knows */
	const char *profile;	/* "uiommu,profile", NULL: not given */
	uiommu_pa_t base;	/* of its registers */
	uint64_t size;
	bool coherent;
	uint32_t handle; /* the table's own name for it (phandle) */
};

/* What a PCI host bridge makes of a requester ID. */
struct uiommu_fw_pci_host {
	const char *path;
	uint32_t domain; /* PCI segment */
	uint8_t first_bus;
	uint8_t last_bus;
};

/* A device that stands by itself and names its IOMMU. */
struct uiommu_fw_master {
	const char *path;
	unsigned int iommu; /* index */
	const uint32_t *ids;
	unsigned int nr_ids;
	uint8_t pasid_bits;
	bool stall; /* may be stalled by its IOMMU */
};

/* A PCI function that the table names under a host bridge. */
struct uiommu_fw_pci_dev {
	const char *path;
	const char *compatible;
	const char *options; /* "uiommu,options", NULL: not given */
	unsigned int host;   /* index */
	uint16_t rid;	     /* bus, device and function */
};

/*
 * Read a flattened device tree (nodes "arm,smmu-v3", properties iommus,
 * iommu-map, iommu-map-mask, pasid-num-bits, dma-can-stall,
 * linux,pci-domain, bus-range).  On error a sentence that says what is wrong
 * at which node is in err.
 *   -EINVAL	not a device tree, or one that contradicts itself
 *   -ENOMEM
 * A tree without any IOMMU is no error: the caller looks at the count.  The
 * blob may be freed afterwards.
 */
int uiommu_fw_read_dt(const void *blob, size_t len, struct uiommu_fw **out,
		      char *err, size_t err_len);
void uiommu_fw_free(struct uiommu_fw *fw);

/* The i-th of each kind in the order of the table; NULL past the end. */
const struct uiommu_fw_iommu *uiommu_fw_iommu(const struct uiommu_fw *fw,
					      unsigned int i);
const struct uiommu_fw_master *uiommu_fw_master(const struct uiommu_fw *fw,
						unsigned int i);
const struct uiommu_fw_pci_host *uiommu_fw_pci_host(const struct uiommu_fw *fw,
						    unsigned int i);
const struct uiommu_fw_pci_dev *uiommu_fw_pci_dev(const struct uiommu_fw *fw,
						  unsigned int i);

/*
 * Which IOMMU translates requester ID `rid` below a host bridge, under which
 * name.  -ENOENT: none, its DMA is not translated.
 */
int uiommu_fw_pci_id(const struct uiommu_fw *fw, unsigned int host,
		     uint16_t rid, unsigned int *iommu, uint32_t *id);

#ifdef __cplusplus
}
#endif

#endif /* UIOMMU_FW_H */
