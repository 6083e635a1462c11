/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pci_ats.c - ATS, PRI and PASID of a function: what their capabilities say, and
 * the endpoint (smmuv3_endpoint.h) that does it.
 *
 * A write to a capability changes the configuration space under the device's
 * lock; the endpoint is told afterwards without it, for it may end DMA that
 * waits, and so call the device.  Writers that overlap look again whether
 * somebody wrote meanwhile, so the endpoint ends up as the last write said.
 *
 * A Response Failure sets that bit of the PRI status and stops further requests,
 * until software has turned the interface off and on, or has cleared the bit and
 * written the control register.  A response for a group that does not wait, or
 * whose PASID is not the one it was asked with, is dropped and leaves the bit for
 * an unexpected index.
 */
#include "pci.h"

#define ATC_ENTRIES 1024u

/* Accesses with an address of ATS go through the model like all others. */
int pci_ats_init(struct pcidev *dev)
{
	const struct uiommu_smmuv3_endpoint_config config = {
		.model = dev->smmu->model,
		.sid = dev->sid,
		.atc_entries = ATC_ENTRIES,
		.page_requests = dev->type->features & PCIDEV_PRI
					 ? PCI_PAGE_REQUESTS
					 : 0,
		.stu_lg2 = 12,
		.pasid = dev->type->features & PCIDEV_PASID,
		.page_response = dev->type->page_response,
		.ctx = dev,
	};

	/* A test that stands in for the model has no endpoints. */
	if (!(dev->type->features & PCIDEV_ATS) ||
	    dev->smmu->dma != uiommu_smmuv3_model_dma)
		return 0;
	return uiommu_smmuv3_endpoint_create(&config, &dev->ep);
}

void pci_ats_fini(struct pcidev *dev)
{
	uiommu_smmuv3_endpoint_destroy(dev->ep);
	dev->ep = NULL;
}

/* ------------------------------------------------------- configuration -- */

/* What the registers ask for. */
struct wanted {
	bool ats, pri;
	uint8_t stu_lg2;
	uint32_t allocation;
};

static void read_wanted(struct pcidev *dev, struct wanted *w)
{
	uint32_t ats = pci_config_get(dev, dev->cap_ats + PCIE_ATS_CTRL, 2);
	uint32_t pri = 0, status = 0;

	*w = (struct wanted){
		.ats = ats & PCIE_ATS_CTRL_ENABLE,
		.stu_lg2 = (uint8_t)(12 + (ats & PCIE_ATS_CTRL_STU_MASK)),
	};
	if (!dev->cap_pri)
		return;
	pri = pci_config_get(dev, dev->cap_pri + PCIE_PRI_CTRL, 2);
	/* Not the byte with Stopped, which asks here. */
	status = pci_config_get(dev, dev->cap_pri + PCIE_PRI_STATUS, 1);
	w->pri = (pri & PCIE_PRI_CTRL_ENABLE) &&
		 !(status & PCIE_PRI_STATUS_FAILURE);
	w->allocation =
		pci_config_get(dev, dev->cap_pri + PCIE_PRI_ALLOCATION, 4);
}

static void apply_ats(struct pcidev *dev, const struct wanted *w)
{
	if (w->ats)
		(void)uiommu_smmuv3_endpoint_set_stu(dev->ep, w->stu_lg2);
	uiommu_smmuv3_endpoint_set_ats(dev->ep, w->ats);
	store_release(&dev->ats_on, w->ats);
}

static void apply_pri(struct pcidev *dev, const struct wanted *w)
{
	if (w->pri)
		uiommu_smmuv3_endpoint_set_page_requests(dev->ep,
							 w->allocation);
	uiommu_smmuv3_endpoint_set_pri(dev->ep, w->pri);
}

static void apply(struct pcidev *dev, bool ats, bool pri)
{
	struct wanted w;
	uint32_t seen;

	do {
		seen = load_acquire(&dev->ats_writes);
		read_wanted(dev, &w);
		if (ats)
			apply_ats(dev, &w);
		if (pri)
			apply_pri(dev, &w);
	} while (load_acquire(&dev->ats_writes) != seen);
}

static bool touches(unsigned int off, unsigned int size, unsigned int reg,
		    unsigned int reg_size)
{
	return off < reg + reg_size && reg < off + size;
}

/* Does the write ask for a reset of the page request interface? */
static bool pri_reset(const struct pcidev *dev, unsigned int off,
		      unsigned int size, uint32_t val)
{
	unsigned int ctrl = dev->cap_pri + PCIE_PRI_CTRL;

	if (off > ctrl || off + size <= ctrl)
		return false;
	val >>= 8 * (ctrl - off);
	return (val & PCIE_PRI_CTRL_RESET) && !(val & PCIE_PRI_CTRL_ENABLE);
}

void pci_ats_config_written(struct pcidev *dev, unsigned int off,
			    unsigned int size, uint32_t val)
{
	bool ats = dev->cap_ats &&
		   touches(off, size, dev->cap_ats + PCIE_ATS_CTRL, 2);
	bool pri = dev->cap_pri &&
		   touches(off, size, dev->cap_pri + PCIE_PRI_CTRL, 2);

	if (!dev->ep || (!ats && !pri))
		return;
	if (pri && pri_reset(dev, off, size, val))
		uiommu_smmuv3_endpoint_reset_pri(dev->ep);
	fetch_add_acq_rel(&dev->ats_writes, 1);
	apply(dev, ats, pri);
}

void pci_ats_reset(struct pcidev *dev)
{
	if (!dev->ep)
		return;
	fetch_add_acq_rel(&dev->ats_writes, 1);
	store_release(&dev->ats_on, false);
	uiommu_smmuv3_endpoint_reset(dev->ep);
}

bool pci_ats_stopped(struct pcidev *dev)
{
	struct wanted w;

	if (!dev->ep)
		return true;
	read_wanted(dev, &w);
	return !w.pri && !uiommu_smmuv3_endpoint_unanswered(dev->ep);
}

void pcidev_set_ats(struct pcidev *dev, bool enable)
{
	unsigned int off = dev->cap_ats + PCIE_ATS_CTRL;

	if (dev->cap_ats)
		pci_config_set(dev, off, 2, enable ? PCIE_ATS_CTRL_ENABLE : 0);
}

void pcidev_set_pri(struct pcidev *dev, bool enable)
{
	if (!dev->cap_pri)
		return;
	if (enable) {
		pci_config_set(dev, dev->cap_pri + PCIE_PRI_STATUS, 2,
			       PCIE_PRI_STATUS_FAILURE);
		pci_config_set(dev, dev->cap_pri + PCIE_PRI_ALLOCATION, 4,
			       PCI_PAGE_REQUESTS);
	}
	pci_config_set(dev, dev->cap_pri + PCIE_PRI_CTRL, 2,
		       enable ? PCIE_PRI_CTRL_ENABLE : 0);
}

/*
 * The caller is inside the driver, perhaps with a lock of the device: what the
 * end of an access that waited brings about is delivered later.
 */
void pcidev_host_ats(struct pcidev *dev, bool enable)
{
	pthread_key_t key = dev->machine->scope_key;
	struct dma_scope *outer = dma_scope(key);
	struct dma_scope scope = { .dev = dev, .resumed = true };

	pthread_setspecific(key, &scope);
	pthread_mutex_lock(&dev->lock);
	dev->host_ats = enable;
	pthread_mutex_unlock(&dev->lock);
	if (!enable)
		pcidev_set_pri(dev, false);
	pcidev_set_ats(dev, enable);
	if (enable)
		pcidev_set_pri(dev, true);
	pthread_setspecific(key, outer);
}

static void keep_pasid(struct pcidev *dev)
{
	if (dev->cap_pasid && dev->host_pasid)
		pci_config_put(dev, dev->cap_pasid + PCIE_PASID_CTRL, 2,
			       PCIE_PASID_CTRL_ENABLE | PCIE_PASID_CTRL_EXEC |
				       PCIE_PASID_CTRL_PRIV);
}

void pcidev_host_pasid(struct pcidev *dev)
{
	pthread_mutex_lock(&dev->lock);
	dev->host_pasid = true;
	keep_pasid(dev);
	pthread_mutex_unlock(&dev->lock);
}

uint8_t pcidev_pasid_bits(struct pcidev *dev)
{
	if (!dev->cap_pasid)
		return 0;
	return pci_config_get(dev, dev->cap_pasid + PCIE_PASID_CAP, 2) >>
		       PCIE_PASID_CAP_WIDTH_SHIFT &
	       0x1f;
}

void pci_ats_keep(struct pcidev *dev)
{
	keep_pasid(dev);
	if (!dev->host_ats)
		return;
	if (dev->cap_ats)
		pci_config_put(dev, dev->cap_ats + PCIE_ATS_CTRL, 2,
			       PCIE_ATS_CTRL_ENABLE);
	if (!dev->cap_pri)
		return;
	pci_config_put(dev, dev->cap_pri + PCIE_PRI_ALLOCATION, 4,
		       PCI_PAGE_REQUESTS);
	pci_config_put(dev, dev->cap_pri + PCIE_PRI_CTRL, 2,
		       PCIE_PRI_CTRL_ENABLE);
}

void pci_ats_resume(struct pcidev *dev)
{
	if (dev->ep)
		apply(dev, true, dev->cap_pri);
}

uint32_t pcidev_pasid_ctrl(struct pcidev *dev)
{
	if (!dev->cap_pasid)
		return 0;
	return pci_config_get(dev, dev->cap_pasid + PCIE_PASID_CTRL, 2);
}

bool pcidev_atomics(struct pcidev *dev)
{
	return pci_config_get(dev, dev->cap_exp + PCIE_EXP_DEVCTL2, 2) &
	       PCIE_EXP_DEVCTL2_ATOMIC_REQ;
}

/* ---------------------------------------------------- the SMMU's calls -- */

int pci_ats_invalidate(struct pcidev *dev, const struct uiommu_ats_inval *inval)
{
	return uiommu_smmuv3_endpoint_ats_invalidate(dev->ep, inval);
}

void pci_ats_page_response(struct pcidev *dev,
			   const struct uiommu_pri_response *resp)
{
	/* The status is the upper half of the control word. */
	unsigned int off = dev->cap_pri + PCIE_PRI_CTRL;

	if (!dev->cap_pri)
		return;
	if (!uiommu_smmuv3_endpoint_expects(dev->ep, resp)) {
		pci_config_or32(dev, off, PCIE_PRI_STATUS_UPRGI << 16);
		return;
	}
	if (resp->code == UIOMMU_PRI_FAILURE) {
		pci_config_or32(dev, off, PCIE_PRI_STATUS_FAILURE << 16);
		fetch_add_acq_rel(&dev->ats_writes, 1);
		apply(dev, false, true);
	}
	uiommu_smmuv3_endpoint_pri_response(dev->ep, resp);
}
