/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pci.h - an emulated PCI Express function: what every file in dev/ gets for
 * free and what it adds.
 *
 * A device is a state machine that never waits.  Register accesses change its
 * registers under the device's lock and then call pcidev_kick(), which runs
 * type->run() with no lock held, now or as soon as that is allowed.  run()
 * does its memory accesses with pcidev_dma(); when one is pending it returns,
 * and goes on from the request's done().
 */
#ifndef MACHINE_PCI_H
#define MACHINE_PCI_H

#include <uiommu/smmuv3_endpoint.h>

#include "hw/pcie/config.h"
#include "machine_private.h"

#define PCIDEV_VECTORS_MAX 64

/* What a type has besides the header. */
#define PCIDEV_AER (1u << 0)
#define PCIDEV_PASID (1u << 1)
#define PCIDEV_ATS (1u << 2)
#define PCIDEV_PRI (1u << 3)
#define PCIDEV_INTX (1u << 4)
#define PCIDEV_ATOMICS (1u << 5) /* may send atomic operations */

struct pcidev_type {
	struct uiommu_machine_devtype info;
	uint16_t vendor;
	uint16_t device;
	uint16_t subsystem_vendor;
	uint16_t subsystem;
	uint32_t class_code; /* 24 bits */
	uint8_t revision;
	uint32_t features;
	uint64_t bar_size[UIOMMU_VDEV_BARS]; /* 64-bit memory: even ones only */
	uint8_t nr_vectors;		     /* MSI-X; 0: none */
	uint8_t nr_msi_lg2;		     /* MSI messages; 255: none */
	uint8_t msix_bar;
	uint32_t msix_table; /* offsets in that BAR */
	uint32_t msix_pba;
	size_t priv_size;

	/* Everything below is called without the device's lock. */
	int (*init)(struct pcidev *dev);
	void (*fini)(struct pcidev *dev);
	/* Registers to their reset values; stop what runs; do not wait. */
	void (*reset)(struct pcidev *dev);
	/* Is work of the device under way in another thread? */
	bool (*busy)(struct pcidev *dev);
	int (*bar_read)(struct pcidev *dev, unsigned int bar, uint64_t off,
			unsigned int size, uint64_t *val);
	int (*bar_write)(struct pcidev *dev, unsigned int bar, uint64_t off,
			 unsigned int size, uint64_t val);
	/* Do what there is to do; may be called when there is nothing. */
	void (*run)(struct pcidev *dev);
	/* Of an endpoint (smmuv3_endpoint.h); ctx is the device. */
	void (*page_response)(void *ctx, void *cookie,
			      enum uiommu_pri_code code);
};

/* A memory access; `dma` is the model's part. */
struct pcidev_req {
	struct uiommu_smmuv3_dma dma;
	struct pcidev *dev;
	void (*done)(struct pcidev_req *req, int status);
};

struct pcidev_vector {
	uint32_t addr_lo, addr_hi, data, ctrl;
	/* What is being sent; not touched while `sending`. */
	uint64_t target;
	uint32_t message;
	bool sending;
	bool again; /* raised once more while it is sent */
	struct pcidev_req req;
};

struct pcidev {
	struct uiommu_machine *machine;
	const struct pcidev_type *type;
	struct machine_smmu *smmu;
	struct uiommu_device *core_dev;
	struct uiommu_vdev *vdev;
	char bdf[16];
	uint16_t rid;
	uint32_t sid;
	enum uiommu_bar_policy policy;
	uiommu_pa_t bar_pa[UIOMMU_VDEV_BARS];

	/* Protects configuration space, the vectors, intx and, by the types'
	 * choice, their registers. */
	pthread_mutex_t lock;
	uint8_t config[PCIE_CFG_SIZE];
	uint8_t wmask[PCIE_CFG_SIZE]; /* bits that software may write */
	uint8_t w1c[PCIE_CFG_SIZE];   /* bits that writing 1 clears */
	/* Offsets, 0: none; and what it all starts with.  Built once. */
	uint16_t cap_msix, cap_msi, cap_exp;
	uint16_t cap_ats, cap_pri, cap_pasid;
	uint8_t at_reset[PCIE_CFG_SIZE];
	/* Of MSI-X; MSI uses them to send, and never both are on. */
	struct pcidev_vector vector[PCIDEV_VECTORS_MAX];
	uint64_t pba;  /* pending vectors, a bit each */
	bool intx;     /* what the type wants of its pin */
	bool intx_out; /* what the ABI was told */

	/* ATS and PRI of a type that has them, else NULL. */
	struct uiommu_smmuv3_endpoint *ep;
	bool ats_on;	     /* atomic */
	uint32_t ats_writes; /* of what the endpoint is told; atomic */
	/* What the system wants on, whatever resets the function; lock. */
	bool host_ats, host_pasid;

	uint32_t command;   /* copy of the command register; atomic */
	uint32_t kicked;    /* run() is due; atomic */
	uint64_t accesses;  /* register accesses; atomic */
	uint64_t dma_bytes; /* atomic */
	/* STORY_*: what the next access that ends so is kept for; atomic. */
	uint32_t story_due;
	struct stories *stories; /* NULL: nobody wants them */

	void *priv;
};

int pcidev_create(struct uiommu_machine *machine, const struct hw_dev *hw,
		  struct pcidev **out);
void pcidev_destroy(struct pcidev *dev);
/* What the ABI is told of it. */
void pcidev_vdev_cfg(struct pcidev *dev, struct uiommu_vdev_cfg *cfg);

/*
 * Start a memory access of `len` bytes at `iova`; flags UIOMMU_TXN_WRITE...
 * 0 or -EFAULT when it is over, -EINPROGRESS when req->done() comes later,
 * perhaps before this call returns: then touch nothing that done() touches.
 * No lock may be held.
 */
int pcidev_dma(struct pcidev *dev, struct pcidev_req *req, uiommu_iova_t iova,
	       void *buf, size_t len, uint32_t flags);
/*
 * The same with all that a transaction can say: of req->dma the type has filled
 * in txn but its sid, buf, len, atomic and compare.  `ats`: by the ATC while ATS
 * is on.  -EINVAL: what its PASID capability does not allow, or as
 * uiommu_smmuv3_model_dma().
 */
int pcidev_submit(struct pcidev *dev, struct pcidev_req *req, bool ats);
/*
 * Around other calls into the model: what they cause is delivered at the end.
 */
void pcidev_enter(struct pcidev *dev, struct dma_scope *scope);
void pcidev_leave(struct pcidev *dev, struct dma_scope *scope);
/* Raise MSI-X vector `nr`, or the MSI, or pulse nothing.  No lock held. */
void pcidev_notify(struct pcidev *dev, unsigned int nr);
/* Are messages in use (MSI-X or MSI), so that the pin is silent? */
bool pcidev_messages(struct pcidev *dev);
/* Level of the INTx pin.  No lock held. */
void pcidev_intx(struct pcidev *dev, bool level);
/* There may be work for run().  No lock held. */
void pcidev_kick(struct pcidev *dev);
/*
 * Called by run(): there is more to do, but this thread has done enough.  The
 * next one that comes by goes on (pcidev_resume_paused).
 */
void pcidev_pause(struct pcidev *dev);
void pcidev_resume_paused(struct uiommu_machine *machine);
/* Run the kicked devices. */
void pcidev_run_kicked(struct uiommu_machine *machine);
void pcidev_reset(struct pcidev *dev);

/*
 * ATS and PRI (pci_ats.c).  What an operating system does by the capabilities,
 * with the smallest translation unit and all page requests there are; no lock is
 * held.
 */
void pcidev_set_ats(struct pcidev *dev, bool enable);
void pcidev_set_pri(struct pcidev *dev, bool enable);
/* PCIE_PASID_CTRL_* */
uint32_t pcidev_pasid_ctrl(struct pcidev *dev);
/*
 * Has software enabled the PASID that these UIOMMU_TXN_* tell of, and what comes
 * with one?
 */
bool pcidev_pasid_ok(struct pcidev *dev, uint32_t flags);
/*
 * The same on behalf of the system's IOMMU driver, for good: a reset leaves it
 * as it is.  The first with PRI, and from inside the driver.
 */
void pcidev_host_ats(struct pcidev *dev, bool enable);
void pcidev_host_pasid(struct pcidev *dev);
/* What devices of the function's kind can do of that. */
uint8_t pcidev_pasid_bits(struct pcidev *dev);
/* Has software allowed atomic operations? */
bool pcidev_atomics(struct pcidev *dev);

/* Outstanding page requests that a function can have. */
#define PCI_PAGE_REQUESTS 32u

int pci_ats_init(struct pcidev *dev);
void pci_ats_fini(struct pcidev *dev);
void pci_ats_reset(struct pcidev *dev);
/* After a reset of the configuration space; under the lock. */
void pci_ats_keep(struct pcidev *dev);
/* What was kept is in force again. */
void pci_ats_resume(struct pcidev *dev);
void pci_ats_config_written(struct pcidev *dev, unsigned int off,
			    unsigned int size, uint32_t val);
/* The page request interface is off, and no request is without an answer. */
bool pci_ats_stopped(struct pcidev *dev);
/* The model's host callbacks for a device with an endpoint. */
int pci_ats_invalidate(struct pcidev *dev,
		       const struct uiommu_ats_inval *inval);
void pci_ats_page_response(struct pcidev *dev,
			   const struct uiommu_pri_response *resp);

/* Configuration space (pci_config.c); _set builds it, under no lock. */
void pci_config_build(struct pcidev *dev);
void pci_config_reset(struct pcidev *dev);
uint32_t pci_config_get(struct pcidev *dev, unsigned int off,
			unsigned int size);
void pci_config_set(struct pcidev *dev, unsigned int off, unsigned int size,
		    uint32_t val);
/* A field of the type's own: initial value, writable and W1C bits. */
void pci_config_field32(struct pcidev *dev, unsigned int off, uint32_t val,
			uint32_t writable, uint32_t w1c);

/* Change a field, writable or not; under the lock. */
void pci_config_put(struct pcidev *dev, unsigned int off, unsigned int size,
		    uint32_t val);
/* Set bits of a status register.  Takes the device's lock. */
void pci_config_or32(struct pcidev *dev, unsigned int off, uint32_t bits);

/* MSI-X table and PBA (pci_msix.c). */
bool msix_covers(const struct pcidev *dev, unsigned int bar, uint64_t off,
		 unsigned int size);
int msix_read(struct pcidev *dev, uint64_t off, unsigned int size,
	      uint64_t *val);
int msix_write(struct pcidev *dev, uint64_t off, unsigned int size,
	       uint64_t val);
void msix_reset(struct pcidev *dev);
/* Send what is pending and no longer masked. */
void msix_flush(struct pcidev *dev);

/* The types there are. */
extern const struct pcidev_type pcidev_ioat;
extern const struct pcidev_type pcidev_testep;

#endif /* MACHINE_PCI_H */
