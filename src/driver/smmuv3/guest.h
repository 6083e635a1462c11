/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest.h - guests on an SMMU: what they may say in a stream table entry and in
 * commands, and whose StreamIDs are whose.
 *
 * A guest has the VMID of its stage-2 domain, the parent.  Its contexts and its
 * stage-1 tables are in its memory; what TLBs make of them is tagged with that
 * VMID, so whatever it says about ASIDs and addresses concerns itself alone.  It
 * knows devices by StreamIDs of its own (vSIDs).
 */
#ifndef DRIVER_SMMUV3_GUEST_H
#define DRIVER_SMMUV3_GUEST_H

#include <uiommu/driver.h>

#include "hw/smmuv3/cmd.h"
#include "hw/smmuv3/ste.h"
#include "make.h"

struct smmuv3_dev;
struct smmuv3_dom;
struct smmuv3_features;
struct smmuv3_unit;

/* ------------------------------------------------- entries (vste.c, pure) -- */

/* Two words of a guest's entry that were found good. */
struct smmuv3_vste {
	uint64_t q[2]; /* without V, Config and EATS */
	/* ABORT (not valid, too), BYPASS, S1. */
	enum smmu_ste_config config;
	bool ats;
};

/*
 * Words 0 and 1 of a guest's entry, in CPU order: its own fields only, of
 * which Config and EATS have values that the host can make something of.  What the
 * others say is for the SMMU to judge, and the guest to be told.  One that is not
 * valid is taken whatever it holds.  -EIO.
 */
int smmuv3_vste_check(const uint64_t in[2], struct smmuv3_vste *vste);

/* Both stages: the guest's CDs over the host's stage 2. */
void smmuv3_make_ste_nested(struct smmu_ste *ste,
			    const struct smmuv3_ste_s2_cfg *s2,
			    const struct smmuv3_vste *vste);

/* ------------------------------------------------ commands (vcmd.c, pure) -- */

/*
 * May a guest of this SMMU send the command?  Nothing but what concerns stage 1 and
 * its own devices, with no bit that could stop the queue which all share.  -EIO.
 */
int smmuv3_vcmd_check(const struct smmuv3_features *f,
		      const struct smmu_cmd *cmd);
/* Does it name a StreamID, in SMMU_CMD_0_SID?  Else it has a VMID. */
bool smmuv3_vcmd_has_sid(const struct smmu_cmd *cmd);
/* The same for the guest's VMID; ALL of everything becomes all of the guest. */
void smmuv3_vcmd_set_vmid(struct smmu_cmd *cmd, uint16_t vmid);
void smmuv3_vcmd_set_sid(struct smmu_cmd *cmd, uint32_t sid);

/* ------------------------------ in words of no hardware's (bind.c, pure) -- */

/*
 * A PASID table as words 0 and 1 of a guest's entry.  ipa_bits: of the addresses
 * that its parent translates.  -EINVAL, -EOPNOTSUPP as viommu_dom_make.
 */
int smmuv3_make_guest_words(const struct smmuv3_features *f, uint8_t ipa_bits,
			    const struct uiommu_pasid_table *table,
			    uint64_t q[2]);

/* Takes one command after the other, as long as it returns true. */
typedef bool smmuv3_emit_fn(void *ctx, struct smmu_cmd cmd);

/* Is it something that a unit can do?  -EINVAL. */
int smmuv3_forget_check(const struct smmuv3_features *f,
			const struct uiommu_cache_info *info);
/*
 * Checked, and of the type that the name says; of one StreamID where it says so.
 * TLBs' commands still need the VMID.  `pasids`: the device sends some.
 */
void smmuv3_forget_tlb(const struct smmuv3_features *f,
		       const struct uiommu_cache_info *info,
		       smmuv3_emit_fn *emit, void *ctx);
void smmuv3_forget_contexts(const struct uiommu_cache_info *info, uint32_t sid,
			    smmuv3_emit_fn *emit, void *ctx);
void smmuv3_forget_atc(const struct uiommu_cache_info *info, uint32_t sid,
		       bool pasids, smmuv3_emit_fn *emit, void *ctx);

/* ---------------------------------------------------- objects (nested.c) -- */

#define SMMUV3_VDEV_LISTS 64u

struct smmuv3_vdev {
	struct uiommu_hwvdev hw;
	struct smmuv3_vdev *next; /* of smmuv3_vsmmu.vdevs */
};

struct smmuv3_vsmmu {
	struct uiommu_hwviommu hw;
	struct smmuv3_vsmmu *next; /* of unit->vsmmus */
	uint64_t id;		   /* in events; 0: it takes none */
	bool host_ids;		   /* it has no vdevices, nor needs any */
	uint16_t vmid; /* the parent's on the unit, as long as this one is there */
	/* Protects the lists.  Outside of nothing but cmdq.lock. */
	struct uiommu_lock lock;
	struct smmuv3_vdev *vdevs[SMMUV3_VDEV_LISTS]; /* by vSID */
};

/*
 * In whose hands a device is, for its events: made for an attachment, published in
 * smmuv3_dev.guest, read in read sections.
 */
struct smmuv3_vstream {
	uint64_t id;
	uint32_t vsid;
	const struct uiommu_platform *p;
	struct uiommu_defer defer;
};

extern const struct uiommu_nested_ops smmuv3_nested_ops;
void smmuv3_nested_free(struct smmuv3_dom *dom);

/*
 * What the device needs for an attachment to `dom`; *out is NULL if nothing.
 * dev->lock is held.  -ENOENT: a guest that translates has no vdevice for it;
 * -ENOMEM.
 */
int smmuv3_vstream_make(const struct smmuv3_dev *dev,
			const struct smmuv3_dom *dom,
			struct smmuv3_vstream **out);
/* It is in force, NULL: none; the one before goes.  dev->lock is held. */
void smmuv3_vstream_publish(struct smmuv3_dev *dev, struct smmuv3_vstream *v);
/* It was not needed. */
void smmuv3_vstream_discard(struct smmuv3_vstream *v);

/*
 * Is the event a guest's, and nobody else's, and does it take it?  Faults of stage 2
 * are told to it, and are the host's all the same: the guest named the address, the
 * host may have forgotten to put memory there.  `v` is a copy of the device's.  No
 * lock is held.
 */
bool smmuv3_guest_event(struct smmuv3_unit *unit,
			const struct smmuv3_vstream *v,
			const struct uiommu_fault *fault);

/* Some events were lost, and nobody knows whose.  No lock is held. */
void smmuv3_guest_events_lost(struct smmuv3_unit *unit);

#endif /* DRIVER_SMMUV3_GUEST_H */
