/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fault.h - what devices ask for and are answered: the PRI queue (priq.c),
 * responses (fault.c), and address translation caches of devices (ats.c,
 * ats_flush.c).
 */
#ifndef DRIVER_SMMUV3_FAULT_H
#define DRIVER_SMMUV3_FAULT_H

#include <uiommu/driver.h>

#include "base/le.h"
#include "hw/smmuv3/ste.h"
#include "recq.h"

struct smmuv3_unit;
struct smmuv3_dev;
struct smmuv3_dom;

/* ------------------------------------------------------------- PRI queue -- */

struct smmuv3_priq {
	struct smmuv3_recq queue; /* no slots: the SMMU has no PRI */
	uint32_t draining;	  /* somebody is; atomic */
	uint32_t aborted; /* a write to it, and that has not been told; atomic */
	uint64_t refused; /* answered for want of somebody who would */
};

extern const struct smmuv3_recq_kind smmuv3_priq_kind;
/* Pure: a record; the cookie is left NULL. */
void smmuv3_pri_decode(const uint64_t record[2],
		       struct uiommu_page_request *req);
/* The interrupt: report until the queue is empty.  No lock is held. */
void smmuv3_priq_drain(struct smmuv3_unit *unit);
/*
 * GERROR.PRIQ_ABT_ERR is active: records may be missing.  It is acknowledged when
 * what came before has been told.
 */
void smmuv3_priq_aborted(struct smmuv3_unit *unit);

/* ------------------------------------------------------------- responses -- */

/* What a device has by itself: -ENOMEM. */
int smmuv3_fault_dev_init(struct smmuv3_dev *dev,
			  const struct uiommu_hwdev_cfg *cfg);
void smmuv3_fault_dev_fini(struct smmuv3_dev *dev);

/* Is there somebody to answer, and something to be answered? */
bool smmuv3_can_page(const struct smmuv3_unit *unit);
/* What becomes of something that wants an answer. */
enum smmuv3_fate {
	SMMUV3_TELL,   /* the host will answer */
	SMMUV3_REFUSE, /* the caller does */
	SMMUV3_DONE,   /* somebody did, or nobody has to */
};

/*
 * A stalled fault is about to be told to the host; `index` is that of the
 * StreamID in dev->ids.  False: it is over, for the device leaves.
 */
bool smmuv3_stall_expect(struct smmuv3_dev *dev, unsigned int index,
			 uint32_t stag);
/* Nobody would answer. */
void smmuv3_stall_abort(struct smmuv3_unit *unit, uint32_t sid, uint32_t stag);
/* A group is complete; UIOMMU_NO_PASID: without one. */
enum smmuv3_fate smmuv3_group_expect(struct smmuv3_dev *dev, unsigned int index,
				     uint32_t group, uint32_t pasid);
/* Index of a StreamID of the device, or nr_ids. */
unsigned int smmuv3_dev_index(const struct smmuv3_dev *dev, uint32_t sid);
/* The op. */
int smmuv3_page_response(struct uiommu_hwdev *d,
			 const struct uiommu_page_response *resp);
/*
 * The device comes into other hands: what it has asked for so far and nobody has read
 * yet is answered here, the host is not asked.  Of its events of before no guest is
 * told, and the host with UIOMMU_FAULT_BEFORE.  dev->lock is held, or nobody has the
 * device yet.
 */
void smmuv3_fault_dev_handed(struct smmuv3_dev *dev);
/* From here on the host is told of nothing that would have to be answered. */
void smmuv3_fault_dev_leave(struct smmuv3_dev *dev);
/* The device's STEs abort; so do the accesses that they have stalled. */
int smmuv3_stall_end(struct smmuv3_dev *dev);
/*
 * All that any device has stalled is aborted, by entries that abort for that
 * long; takes dev_lock and dev->lock.
 */
void smmuv3_stalls_end(struct smmuv3_unit *unit);
/* Its PRI is off; what the host was told of and has not answered is answered. */
void smmuv3_groups_end(struct smmuv3_dev *dev);

/* ------------------------------------------------------------------- ATS -- */

/*
 * In place of a PASID: everything that the device has, its PASIDs included, which a
 * guest gives out.
 */
#define SMMUV3_SSID_GUEST UINT32_MAX

/* One device or PASID of it whose ATC may hold what an attachment translates. */
struct smmuv3_ats_user {
	struct smmuv3_ats_user *next;
	struct smmuv3_dev *dev;
	uint32_t ssid; /* 0: accesses without PASID; or _GUEST */
	const struct uiommu_platform *p;
	struct uiommu_defer defer;
};

/* In what state a user leaves an attachment. */
enum smmuv3_leave {
	SMMUV3_LEAVE_UNUSED,   /* no STE or CD was written for it */
	SMMUV3_LEAVE_SURE,     /* the hardware has forgotten all of them */
	SMMUV3_LEAVE_DOUBTFUL, /* it did not say so */
};

/*
 * smmuv3_att_get() and smmuv3_att_put() for a device or a PASID of it (ssid, 0,
 * or _GUEST), with its entry among those whose ATCs have to be told.  It is the
 * parent that is used of a nested domain; nothing, of one without a table and of
 * NULL.  dev->lock is held.
 */
int smmuv3_use_get(struct smmuv3_dev *dev, struct smmuv3_dom *dom,
		   uint32_t ssid);
void smmuv3_use_put(struct smmuv3_dev *dev, struct smmuv3_dom *dom,
		    uint32_t ssid, enum smmuv3_leave leave);

struct smmuv3_batch;
/* Everything in the ATC, of the accesses with and without PASIDs. */
void smmuv3_ats_add_all(const struct smmuv3_dev *dev,
			struct smmuv3_batch *batch);

/* EATS of an entry that translates for the device. */
enum smmu_ste_eats smmuv3_ats_eats(const struct smmuv3_dev *dev);
/*
 * Around the installation of `ste`: ATS is off before an entry that does not
 * have it, and before one that can be reached through an abort entry only; the
 * ATC is empty before one that has it comes.  False: it does not obey, and has
 * lost ATS: make the entry anew;
 */
bool smmuv3_ats_before(struct smmuv3_dev *dev, const struct smmu_ste *ste);
/*
 * if ATS stays on it forgets what the domain of before has translated for `ssid`,
 * as in smmuv3_use_get() (`cached`: there was one).  1: it did not, and has lost ATS: make the entry
 * anew; -ETIMEDOUT, -EIO.
 */
int smmuv3_ats_after(struct smmuv3_dev *dev, uint32_t ssid, bool cached);
/* It is all in force: ATS as the entry has it. */
void smmuv3_ats_enable(struct smmuv3_dev *dev, const struct smmu_ste *ste);
/* It is in force: what an ATC holds is worthless if the entry has no ATS. */
void smmuv3_ats_entry(struct smmuv3_dev *dev, const struct smmu_ste *ste);
/* The device must not use ATS any more. */
void smmuv3_ats_off(struct smmuv3_dev *dev);
/*
 * Did it forget everything, or has it no ATS any more?  dev->lock is held.
 * -ETIMEDOUT, -EIO.
 */
int smmuv3_ats_ask(struct smmuv3_dev *dev);

/*
 * After the TLBs of all SMMUs have forgotten the ranges (gather NULL:
 * everything): so do the devices, or they have no ATS any more.  In no read
 * section, with no lock; takes dev_lock and dev->lock.  -ETIMEDOUT, -EIO.
 */
int smmuv3_ats_flush(struct smmuv3_dom *dom,
		     const struct uiommu_gather *gather);
/*
 * The command queue has gone on after an error: who was too late for a flush is
 * asked once more.  Locks as for that.
 */
void smmuv3_ats_late(struct smmuv3_unit *unit);
/* log2 of the smallest aligned span that covers both, 12 to 64. */
unsigned int smmuv3_ats_span(uint64_t first, uint64_t last);

#endif /* DRIVER_SMMUV3_FAULT_H */
