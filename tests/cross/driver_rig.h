/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * driver_rig.h - the driver on the model, with a little memory: everything that
 * a device's access passes, and nothing above.
 *
 * Memory is the hosted platform's arena (tables, queues) and a few MiB of RAM
 * for devices; physical addresses are addresses of this process; everything
 * else is an external abort.  Interrupts of the model are kept and delivered by
 * rig_irqs(), since the driver's irq op must not run inside another op.
 */
#ifndef TESTS_DRIVER_RIG_H
#define TESTS_DRIVER_RIG_H

#include <uiommu/driver.h>
#include <uiommu/host.h>
#include <uiommu/smmuv3.h>
#include <uiommu/smmuv3_endpoint.h>
#include <uiommu/smmuv3_model.h>

#define RIG_PAGE 4096u
#define RIG_MMIO UINT64_C(0x09050000)
#define RIG_STOPPED UINT64_C(0xdead)
#define RIG_MAX_FAULTS 64
#define RIG_MAX_PAGES 64
#define RIG_MAX_ENDPOINTS 4

struct rig {
	struct rig *first; /* whose host and RAM these are; NULL: our own */
	uint64_t mmio;
	struct uiommu_host *host;
	const struct uiommu_platform *platform;
	struct uiommu_range arena;
	struct uiommu_smmuv3_model *model;
	struct uiommu_unit *unit;
	uint8_t *ram; /* ram_size bytes */
	size_t ram_size;
	uint32_t pending; /* interrupt lines, atomic */
	bool yield;

	/* Faults that were reported; protected by nothing: one rig_irqs() at a
	 * time. */
	struct uiommu_fault fault[RIG_MAX_FAULTS];
	unsigned int nr_faults;
	unsigned int lost;
	/* Of guests, which take all; by whose id, the last. */
	unsigned int nr_vevents, vevents_lost;
	uint64_t vevent_id;
	struct uiommu_vevent_smmuv3 vevent;

	/* Page requests, in the same way; `serve` is told too if it is set. */
	struct uiommu_page_request page[RIG_MAX_PAGES];
	unsigned int nr_pages;
	unsigned int pages_lost;
	void (*serve)(void *arg, const struct uiommu_page_request *req);
	void *serve_arg;
	struct uiommu_smmuv3_endpoint *ep[RIG_MAX_ENDPOINTS];
	uint32_t ep_sid[RIG_MAX_ENDPOINTS];
	unsigned int nr_eps;
	uint32_t deaf; /* says that it obeys and does not; 0: none */
	/* Writes to here are external aborts. */
	struct uiommu_range broken;
	/*
	 * The one with this StreamID (atomic) does not complete so many
	 * invalidations; `to_all`: all, nor is it turned off by anybody.
	 */
	uint32_t deaf_sid;
	unsigned int deaf_for;
	bool deaf_to_all;
	/* Looks on when the driver turns ATS on or off. */
	void (*watch_ats)(struct rig *rig, bool enable);
};

struct rig_cfg {
	struct uiommu_smmuv3_profile profile;
	struct uiommu_smmuv3_cfg driver; /* platform, base: the rig's */
	size_t ram_size;
	bool no_direct; /* memory by callbacks only */
	/* Before each register write let others run: between the stores of the
	 * driver and the commands that follow them.
	 */
	bool yield;
	bool nobody_pages; /* the host takes no page requests */
	/*
	 * Everything but the probe, so that the platform can be another one, or
	 * the unit somebody else's, who removes it: then `unit` stays NULL.
	 */
	bool no_probe;
};

/* The "full" profile, 8 MiB, default queues. */
void rig_default(struct rig_cfg *cfg);
/* Of the SMMU: all that it may, for as long as it may, or nothing. */
void rig_caches(struct rig_cfg *cfg, bool all);
struct rig *rig_create(const struct rig_cfg *cfg);
/* One more SMMU on the host and RAM of `first`, which is destroyed after it. */
struct rig *rig_join(const struct rig_cfg *cfg, struct rig *first);
/* Removes the unit, unless it is NULL; fails the test if anything is left allocated. */
void rig_destroy(struct rig *rig);
/*
 * Probe (again); the old unit is forgotten.  By the host of cfg->driver if it
 * names one.
 */
int rig_probe(struct rig *rig, const struct rig_cfg *cfg);

/* These end the program with a message when the driver says no. */
struct uiommu_hwdev *rig_device(struct rig *rig, uint32_t sid);
/* One that sends PASIDs. */
struct uiommu_hwdev *rig_pasid_device(struct rig *rig, uint32_t sid,
				      uint8_t pasid_bits);
/* One with an ATC and page requests; its endpoint goes with the rig. */
struct uiommu_hwdev *rig_ats_device(struct rig *rig, uint32_t sid,
				    uint8_t pasid_bits);
struct uiommu_smmuv3_endpoint *rig_endpoint(struct rig *rig, uint32_t sid);
/* An endpoint that the driver knows nothing of. */
struct uiommu_smmuv3_endpoint *rig_stranger(struct rig *rig, uint32_t sid);
struct uiommu_hwdom *rig_domain(struct rig *rig, enum uiommu_dom_type type);
struct uiommu_hwdom *rig_stage2(struct rig *rig);
void rig_attach(struct uiommu_hwdom *dom, struct uiommu_hwdev *dev);
/* NULL for `dom` detaches. */
void rig_set_pasid(struct uiommu_hwdom *dom, struct uiommu_hwdev *dev,
		   uint32_t pasid, struct uiommu_hwdom *old);
void rig_map(struct uiommu_hwdom *dom, uint64_t iova, const void *va,
	     uint64_t len, uint32_t prot);
/* With everything: flush, again where the table asks for it, release. */
void rig_unmap(struct uiommu_hwdom *dom, uint64_t iova, uint64_t len);
/* Only the page table; the caller flushes and releases. */
void rig_unmap_only(struct uiommu_hwdom *dom, uint64_t iova, uint64_t len,
		    struct uiommu_gather *gather);
void rig_flush(struct uiommu_hwdom *dom, struct uiommu_gather *gather);

/* A device's access: 0 or -EFAULT. */
int rig_dma_read(struct rig *rig, uint32_t sid, uint64_t iova, void *buf,
		 size_t len);
int rig_dma_write(struct rig *rig, uint32_t sid, uint64_t iova, const void *buf,
		  size_t len);
/* With UIOMMU_NO_PASID as the ones above. */
int rig_dma_pasid(struct rig *rig, uint32_t sid, uint32_t pasid, uint64_t iova,
		  void *buf, size_t len, bool write);
/* The first word of RAM page `page`. */
uint64_t *rig_word(struct rig *rig, unsigned int page);
/* A paging domain with that page at `iova`; its first word is its number. */
struct uiommu_hwdom *rig_domain_at(struct rig *rig, uint64_t iova,
				   unsigned int page);
/* The word that the device reads, or RIG_STOPPED. */
uint64_t rig_peek(struct rig *rig, uint32_t sid, uint32_t pasid, uint64_t iova);
/* Deliver interrupts to the driver. */
void rig_irqs(struct rig *rig);

/* What the hardware reads, as text; to be freed. */
char *rig_dump(struct rig *rig);

struct uiommu_smmuv3_stats rig_stats(struct rig *rig);
/* The driver's counter of this name. */
uint64_t rig_counter(struct rig *rig, const char *name);

#endif /* TESTS_DRIVER_RIG_H */
