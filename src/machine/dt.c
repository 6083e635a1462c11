/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dt.c - which hardware a machine has, from a flattened device tree.
 *
 * The binding:
 *   - "arm,smmu-v3" nodes are SMMUs; "uiommu,profile" names a profile of the
 *     model ("full" when it is missing).  reg is where the driver finds it.
 *   - host bridges (device_type "pci") have iommu-map as always; each child
 *     whose compatible is "uiommu,<type>" is an emulated function of that type
 *     at the bus, device and function of its reg (first cell of the PCI bus
 *     binding).  "uiommu,options" takes what follows the colon in --device.
 *   - a function that iommu-map leaves out is an error: its DMA would not be
 *     translated.
 * examples/topology/default.dts is the built-in machine written down.
 */
#include <stdio.h>
#include <stdlib.h>

#include "pci.h"

#define DT_MAX (16u << 20)
#define DT_PREFIX "uiommu,"

struct source {
	const char *file;
	char *err;
	size_t err_len;
};

static int read_file(const struct source *src, void **blob, size_t *len)
{
	FILE *f = fopen(src->file, "rbe");
	char *buf = NULL;
	int rc = -ENOMEM;

	if (!f) {
		machine_say(src->err, src->err_len, "%s: %s", src->file,
			    strerror(errno));
		return errno == ENOMEM ? -ENOMEM : -ENOENT;
	}
	buf = malloc(DT_MAX);
	if (!buf)
		goto out;
	*len = fread(buf, 1, DT_MAX, f);
	rc = -EINVAL;
	if (ferror(f) || *len == DT_MAX) {
		machine_say(src->err, src->err_len,
			    "%s: cannot be read, or longer than 16 MiB",
			    src->file);
		goto out;
	}
	*blob = buf;
	buf = NULL;
	rc = 0;
out:
	free(buf);
	fclose(f);
	return rc;
}

static int take_smmus(const struct source *src, const struct uiommu_fw *fw,
		      struct hw_desc *hw)
{
	const struct uiommu_fw_iommu *iommu;

	for (unsigned int i = 0; (iommu = uiommu_fw_iommu(fw, i)); i++) {
		const char *profile = iommu->profile ? iommu->profile : "full";
		struct hw_smmu *smmu = &hw->smmu[i];

		if (i == MACHINE_SMMUS) {
			machine_say(src->err, src->err_len,
				    "%s: %s: more than %d SMMUs", src->file,
				    iommu->path, MACHINE_SMMUS);
			return -EINVAL;
		}
		if (!uiommu_smmuv3_profile_find(profile)) {
			machine_say(
				src->err, src->err_len,
				"%s: %s: uiommu,profile \"%s\" is not known",
				src->file, iommu->path, profile);
			return -EINVAL;
		}
		if (iommu->size < UIOMMU_SMMUV3_MMIO_SIZE) {
			machine_say(src->err, src->err_len,
				    "%s: %s: reg is shorter than 0x%x",
				    src->file, iommu->path,
				    UIOMMU_SMMUV3_MMIO_SIZE);
			return -EINVAL;
		}
		snprintf(smmu->name, sizeof(smmu->name), "smmu%u", i);
		snprintf(smmu->profile, sizeof(smmu->profile), "%s", profile);
		smmu->base = iommu->base;
		hw->nr_smmus = i + 1;
	}
	if (hw->nr_smmus)
		return 0;
	machine_say(src->err, src->err_len,
		    "%s: no node is compatible with arm,smmu-v3", src->file);
	return -EINVAL;
}

static int find_type(const struct source *src,
		     const struct uiommu_fw_pci_dev *dev,
		     const struct pcidev_type **out)
{
	const char *name = dev->compatible + strlen(DT_PREFIX);
	char names[128];

	*out = NULL;
	if (strncmp(dev->compatible, DT_PREFIX, strlen(DT_PREFIX)))
		return 0; /* not ours to emulate */
	*out = hw_find_type(name, strlen(name));
	if (*out)
		return 0;
	hw_type_names(names, sizeof(names));
	machine_say(src->err, src->err_len,
		    "%s: %s: device type \"%s\" is not known (types: %s)",
		    src->file, dev->path, name, names);
	return -EINVAL;
}

static int take_dev(const struct source *src, const struct uiommu_fw *fw,
		    const struct uiommu_fw_pci_dev *from,
		    const struct pcidev_type *type,
		    enum uiommu_bar_policy policy, struct hw_desc *hw)
{
	const struct uiommu_fw_pci_host *host =
		uiommu_fw_pci_host(fw, from->host);
	struct hw_dev *dev = &hw->dev[hw->nr_devs];
	char why[128];
	int rc;

	if (hw->nr_devs == MACHINE_DEVICES) {
		machine_say(src->err, src->err_len,
			    "%s: %s: more than %d devices", src->file,
			    from->path, MACHINE_DEVICES);
		return -EINVAL;
	}
	dev->type = type;
	dev->rid = from->rid;
	dev->policy = policy;
	if (uiommu_fw_pci_id(fw, from->host, from->rid, &dev->smmu,
			     &dev->sid)) {
		machine_say(src->err, src->err_len,
			    "%s: %s: no iommu-map entry of %s covers it",
			    src->file, from->path, host->path);
		return -EINVAL;
	}
	if (host->domain > 0xffff) {
		machine_say(src->err, src->err_len,
			    "%s: %s: linux,pci-domain is beyond 0xffff",
			    src->file, host->path);
		return -EINVAL;
	}
	snprintf(dev->bdf, sizeof(dev->bdf), "%04x:%02x:%02x.%x",
		 host->domain & 0xffff, from->rid >> 8, from->rid >> 3 & 0x1f,
		 from->rid & 7u);
	if (from->options) {
		rc = hw_dev_options(from->options, strlen(from->options), dev,
				    why, sizeof(why));
		if (rc) {
			machine_say(src->err, src->err_len,
				    "%s: %s: uiommu,options: %s", src->file,
				    from->path, why);
			return rc;
		}
	}
	hw->nr_devs++;
	return 0;
}

static int take_devs(const struct source *src, const struct uiommu_fw *fw,
		     enum uiommu_bar_policy policy, struct hw_desc *hw)
{
	const struct uiommu_fw_pci_dev *dev;
	const struct pcidev_type *type;
	int rc;

	for (unsigned int i = 0; (dev = uiommu_fw_pci_dev(fw, i)); i++) {
		rc = find_type(src, dev, &type);
		if (!rc && type)
			rc = take_dev(src, fw, dev, type, policy, hw);
		if (rc)
			return rc;
	}
	return 0;
}

int hw_from_dt(const char *file, enum uiommu_bar_policy policy,
	       struct hw_desc *hw, char *err, size_t err_len)
{
	struct source src = { file, err, err_len };
	struct uiommu_fw *fw = NULL;
	void *blob = NULL;
	char why[256] = "out of memory";
	size_t len;
	int rc;

	memset(hw, 0, sizeof(*hw));
	rc = read_file(&src, &blob, &len);
	if (rc)
		return rc;
	rc = uiommu_fw_read_dt(blob, len, &fw, why, sizeof(why));
	free(blob);
	if (rc) {
		machine_say(err, err_len, "%s: %s", file, why);
		return rc;
	}
	rc = take_smmus(&src, fw, hw);
	if (!rc)
		rc = take_devs(&src, fw, policy, hw);
	uiommu_fw_free(fw);
	return rc;
}
