/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unit.h - the driver's objects and what its files offer each other.
 *
 * Words: a *unit* is one SMMU; a *device* is what core calls so, with one or
 * more StreamIDs; a *domain* is one address space; an *attachment* says that a
 * domain is in use on a unit, under which tag.
 *
 * Lock order: unit->dev_lock, dev->lock, dom->lock, the locks of the tags,
 * unit->dead_lock, evtq.lock or that of the PRI queue, cmdq.lock.  The command queue may be
 * used inside all but the last three.  Of all of them only cmdq.lock is taken in a
 * read section.
 */
#ifndef DRIVER_SMMUV3_UNIT_H
#define DRIVER_SMMUV3_UNIT_H

#include <uiommu/driver.h>
#include <uiommu/env.h>
#include <uiommu/smmuv3.h>

#include "base/atomic.h"
#include "base/bits.h"
#include "base/le.h"
#include "cmdq.h"
#include "fault.h"
#include "guest.h"
#include "log.h"
#include "make.h"

/* ---------------------------------------------------------- capabilities -- */

/* What the ID registers say, decoded; constant after probe. */
struct smmuv3_features {
	uint32_t idr[6];
	uint32_t idr6; /* 0 without enhanced command queues */
	uint32_t iidr;
	uint32_t aidr;
	uint8_t sid_bits;
	uint8_t ssid_bits; /* PASIDs that the driver gives out; 0: none */
	uint8_t asid_bits;
	uint8_t vmid_bits;
	uint8_t oas;	     /* of the hardware: 32 to 52 */
	uint8_t granule_lg2; /* chosen for page tables that are made by default */
	uint8_t pt_oas;	     /* of these */
	uint8_t ias;	     /* of these */
	uint8_t domain_oas; /* where nothing is asked for, if the granule can */
	uint8_t httu;	/* enum of IDR0.HTTU; 0 where walks are not coherent */
	bool s1;	/* stage 1 */
	bool s2;	/* stage 2 */
	bool two_level; /* stream table */
	bool cd2l;	/* CD tables of two levels */
	bool vax52;	/* 52-bit input addresses */
	bool ds;	/* 52-bit addresses with 4K and 16K granules */
	bool stt;	/* small translation tables */
	bool coherent;
	bool hyp;
	bool msi;
	bool ats;
	bool pri;
	bool btm;
	bool ril;
	uint8_t bbml; /* how leaves may change their size: 0, 1, 2 */
	bool can_stall;
	uint64_t pgsizes;
};

/* Page tables take this many input bits: the most that all granules have, */
#define SMMUV3_IAS 48
/* and output bits: the most that all granules have without IDR5.DS. */
#define SMMUV3_OAS 48

/* The tag of all stage-1 entries; other VMIDs are for stage 2. */
#define SMMUV3_S1_VMID 0

/* Without two levels a CD table is copied whole: 4096 CDs are 256 KiB. */
#define SMMUV3_MAX_LINEAR_SSID 12

struct smmuv3_unit;
struct smmuv3_dev;
struct smmuv3_dom;

/* Decode; on refusal logs the reason and returns -ENODEV. */
int smmuv3_features_read(struct smmuv3_features *f,
			 const struct uiommu_smmuv3_cfg *cfg);

/* What a page table asks of every SMMU that is to walk it. */
struct smmuv3_shape {
	uint8_t stage; /* 1 or 2 */
	uint8_t granule_lg2;
	uint8_t ias;
	uint8_t oas;
	uint32_t features; /* UIOMMU_PGTABLE_* */
	uint8_t httu;	   /* IDR0.HTTU at least this */
	bool coherent;
	uint8_t tag_bits; /* of ASIDs (stage 1) or VMIDs (stage 2) */
	const struct uiommu_platform *platform;
};

/* The shape that cfg asks of the unit; -EINVAL, -EOPNOTSUPP with a line. */
int smmuv3_shape_choose(const struct smmuv3_unit *unit,
			const struct uiommu_dom_cfg *cfg,
			struct smmuv3_shape *shape);
/* NULL if the unit can walk it, else the reason why not. */
const char *smmuv3_shape_misfit(const struct smmuv3_shape *shape,
				const struct smmuv3_unit *unit);
/*
 * sva.c: the shape of a CPU's page table; -EINVAL, -EOPNOTSUPP with a line if
 * the unit would read it in another way.
 */
int smmuv3_sva_choose(const struct smmuv3_unit *unit,
		      const struct uiommu_cpu_tables *cpu,
		      struct smmuv3_shape *shape);
/* What the shape does not say: NULL, or why another unit cannot read it. */
const char *smmuv3_sva_misfit(const struct smmuv3_dom *dom,
			      const struct smmuv3_unit *unit);
/* Does the CPU's program have tags in the upper byte of its addresses? */
bool smmuv3_has_tags(const struct smmuv3_dom *dom);
/* Output bits of the widest page table that the unit can walk. */
uint8_t smmuv3_max_oas(const struct smmuv3_features *f);
/* Page table features for these sizes (ias 0: by default). */
uint32_t smmuv3_pt_features(const struct smmuv3_features *f,
			    uint8_t granule_lg2, uint8_t ias, uint8_t oas);
void smmuv3_shape_pgtable(const struct smmuv3_shape *shape,
			  struct uiommu_pgtable_cfg *cfg);

/* ---------------------------------------------------------- stream table -- */

#define SMMUV3_SPLIT 8u
#define SMMUV3_L2_STES BIT32(SMMUV3_SPLIT)

/* 2^SPLIT consecutive StreamIDs, or all of a linear table. */
struct smmuv3_leaf {
	le64_t *stes;
	uiommu_pa_t pa;
	/* Published; read in read sections, e.g. from the event queue. */
	struct smmuv3_dev **devs;
	/* The hardware has forgotten that it was not there; under dev_lock. */
	bool told;
};

struct smmuv3_strtab {
	uint8_t log2size; /* StreamIDs that the table covers */
	uint8_t leaf_lg2; /* StreamIDs per leaf */
	le64_t *l1;	  /* NULL: linear */
	uiommu_pa_t l1_pa;
	/* Published pointers, one per leaf; NULL: not there yet. */
	struct smmuv3_leaf **leaves;
};

int smmuv3_strtab_init(struct smmuv3_unit *unit);
void smmuv3_strtab_fini(struct smmuv3_unit *unit);
void smmuv3_strtab_program(struct smmuv3_unit *unit);

/* The entry of a StreamID whose leaf is there. */
le64_t *smmuv3_strtab_ste(struct smmuv3_unit *unit, uint32_t sid);
/* The device of a StreamID or NULL; in a read section or under dev_lock. */
struct smmuv3_dev *smmuv3_strtab_dev(struct smmuv3_unit *unit, uint32_t sid);

/*
 * Leaves for the StreamIDs of a device, dev_lock held: `prepare` allocates the
 * missing ones (-ENOMEM, nothing changed), `install` shows them to the
 * hardware (-ETIMEDOUT, -EIO: they stay, filled with abort entries, and are
 * told of again the next time).
 */
struct smmuv3_leaf_set {
	unsigned int nr;
	struct smmuv3_leaf **leaf; /* not installed yet */
	uint32_t *index;
};
int smmuv3_strtab_prepare(struct smmuv3_unit *unit, const uint32_t *ids,
			  unsigned int nr, struct smmuv3_leaf_set *set);
int smmuv3_strtab_install(struct smmuv3_unit *unit,
			  struct smmuv3_leaf_set *set);
void smmuv3_strtab_discard(struct smmuv3_unit *unit,
			   struct smmuv3_leaf_set *set);
void smmuv3_strtab_set_dev(struct smmuv3_unit *unit, uint32_t sid,
			   struct smmuv3_dev *dev);

/* -------------------------------------------------------------- CD table -- */

/*
 * Memory that held something the hardware may still read, because it did not
 * confirm that it forgot: it is given back when the SMMU is off.
 */
struct smmuv3_dead {
	struct smmuv3_dead *next;
	void *va;
	size_t size;
};

/*
 * A block of 2^lg2 CDs, and which domain each leads to (NULL: not valid).  64
 * of them are a leaf of a two-level table.
 */
struct smmuv3_cdleaf {
	struct smmuv3_dead dead; /* room for the day it is needed */
	le64_t *cds;
	uiommu_pa_t pa;
	uint8_t lg2;
	uint32_t nr; /* valid CDs */
	struct smmuv3_dom *dom[];
};

/* What holds the leaves together, and the level-1 table if there is one. */
struct smmuv3_cdtop {
	struct smmuv3_dead dead;
	le64_t *l1; /* NULL: leaf 0 is all there is */
	uiommu_pa_t l1_pa;
	uint32_t nr_leaves;
	struct smmuv3_cdleaf *leaf[];
};

/*
 * The CDs of one device, as its STEs state them.  Two levels if lg2 is beyond
 * what a leaf holds and there is a level-1 table; else leaf 0 is read linearly
 * and may have more room than is in use.
 */
struct smmuv3_cdtab {
	uint8_t lg2;		  /* S1CDMax */
	uint32_t nr;		  /* valid CDs */
	struct smmuv3_cdtop *top; /* NULL: no table */
};

/* How a change of one CD is shown to the hardware. */
enum smmuv3_cdway {
	SMMUV3_CD_SAME,	 /* nothing changes */
	SMMUV3_CD_WRITE, /* the CD itself, in place */
	SMMUV3_CD_LEAF,	 /* the level-1 descriptor: another leaf, or none */
	SMMUV3_CD_STE,	 /* the STE: another table, or none */
};

/* A change that was prepared: nothing in it can fail but the hardware. */
struct smmuv3_cdplan {
	enum smmuv3_cdway way;
	uint32_t index;
	struct smmuv3_dom *dom; /* NULL: the CD goes */
	struct smmuv3_dom *was; /* what it leads to before */
	struct smmu_cd cd;
	struct smmuv3_cdtab next;	/* the table after the change */
	struct smmuv3_cdleaf *fresh;	/* new leaf that holds the CD */
	struct smmuv3_cdleaf *first;	/* new leaf 0, with more room */
	struct smmuv3_cdleaf *replaced; /* goes after the change */
};

/* Which domain a CD leads to; NULL: not valid.  dev->lock is held for all. */
struct smmuv3_dom *smmuv3_cdtab_dom(const struct smmuv3_cdtab *tab,
				    uint32_t index);
/* The first valid one from *index on, NULL: none; *index is moved there. */
struct smmuv3_dom *smmuv3_cdtab_next(const struct smmuv3_cdtab *tab,
				     uint32_t *index);
/*
 * Prepare CD `index` to become `cd` of `dom`, or to go (dom NULL).  Nothing
 * that the hardware can see changes.  -ENOMEM.
 */
int smmuv3_cdtab_prepare(struct smmuv3_dev *dev, uint32_t index,
			 struct smmuv3_dom *dom, const struct smmu_cd *cd,
			 struct smmuv3_cdplan *plan);
void smmuv3_cdtab_cancel(struct smmuv3_dev *dev, struct smmuv3_cdplan *plan);
/* Show it to the hardware, unless the STE does that.  -ETIMEDOUT, -EIO. */
int smmuv3_cdtab_commit(struct smmuv3_dev *dev, struct smmuv3_cdplan *plan);
/* It is in force: adopt it, free what it replaced. */
void smmuv3_cdtab_finish(struct smmuv3_dev *dev, struct smmuv3_cdplan *plan);
/*
 * The hardware did not confirm it: adopt it all the same, with the CD invalid
 * from now on.  `sure`: it has since forgotten all it knew of the device; else
 * what it may be reading is kept.
 */
void smmuv3_cdtab_abandon(struct smmuv3_dev *dev, struct smmuv3_cdplan *plan,
			  bool sure);
/* No CD is left: give it all back, or keep it (not sure). */
void smmuv3_cdtab_fini(struct smmuv3_dev *dev, bool sure);
/* How the STE states it. */
void smmuv3_cdtab_describe(const struct smmuv3_cdtab *tab,
			   struct smmuv3_ste_s1_cfg *s1);
/* Valid CDs but number 0. */
uint32_t smmuv3_cdtab_pasids(const struct smmuv3_cdtab *tab);
/* When the SMMU is off. */
void smmuv3_dead_free(struct smmuv3_unit *unit);

/* ------------------------------------------------------------------ tags -- */

/* ASIDs or VMIDs of a unit. */
struct smmuv3_tags {
	/* Protects the members below. */
	struct uiommu_lock lock;
	uint64_t *map; /* one bit each, 1 = taken; 0 is never given out */
	uint8_t bits;
	uint32_t next; /* where the search begins */
};

int smmuv3_tags_init(struct smmuv3_unit *unit, struct smmuv3_tags *tags,
		     uint8_t bits);
void smmuv3_tags_fini(struct smmuv3_unit *unit, struct smmuv3_tags *tags);
/* -ENOSPC. */
int smmuv3_tag_get(struct smmuv3_unit *unit, struct smmuv3_tags *tags,
		   uint16_t *tag);
/* The hardware holds nothing under the tag any more. */
void smmuv3_tag_put(struct smmuv3_unit *unit, struct smmuv3_tags *tags,
		    uint16_t tag);

/* ----------------------------------------------------------- event queue -- */

extern const struct smmuv3_recq_kind smmuv3_evtq_kind;
/* Pure: a record in words of nobody's hardware; the cookie is left NULL. */
void smmuv3_evt_decode(const uint64_t record[4], struct uiommu_fault *fault);
/* A GERROR_*_ABT_ERR that smmuv3_irq() has taken has been dealt with. */
void smmuv3_loss_ack(struct smmuv3_unit *unit, uint32_t loss);
/* The op. */
void smmuv3_irq(struct uiommu_unit *u, unsigned int line);

/* --------------------------------------------------------------- objects -- */

struct smmuv3_dom {
	struct uiommu_hwdom hwdom;
	struct uiommu_pgtable_info info; /* PAGING */
	struct uiommu_cpu_tables cpu;	 /* SHARED */
	/* NESTED: the guest, which has the parent, and its entry. */
	struct smmuv3_vsmmu *vsmmu;
	struct smmuv3_vste vste;
	/* The members below are for PAGING and SHARED only. */
	struct smmuv3_shape shape;
	bool nest_parent; /* guests' tables may stand above it */
	/* Protects att->users, `spare` and the writing side of `atts`. */
	struct uiommu_lock lock;
	/*
	 * Where the domain is in use, one for each unit.  flush walks it in a
	 * read section without the lock; an attachment is published before the
	 * first CD or STE that leads to the domain and leaves after the hardware
	 * has forgotten its tag.
	 */
	struct smmuv3_att *atts;
	struct smmuv3_att *spare; /* one to the domain's own unit, or NULL */
};

struct smmuv3_att {
	struct smmuv3_att *next;
	struct smmuv3_unit *unit;
	/* Constant while it is in the list; a flush may see a former one. */
	uint16_t asid;	    /* stage 1 */
	uint16_t vmid;	    /* of stage 2, else SMMUV3_S1_VMID */
	unsigned int users; /* devices, PASIDs of devices, and vSMMUs */
	/*
	 * The hardware may have kept a CD or STE that leads here: its
	 * configuration must go before its translations.  Written under
	 * dom->lock, read without.
	 */
	bool doubtful;
	bool exposed; /* some user's STE or CD led here */
	bool kept;    /* was the domain's spare one, and will be again */
	/*
	 * vSMMUs, each a user too, whose stage 1 stands above it.  Written under
	 * dom->lock, read without.
	 */
	uint32_t guests;
	/*
	 * Devices with ATS that use it here.  Written under dom->lock, read in
	 * read sections; see ats_flush.c.
	 */
	struct smmuv3_ats_user *ats;
	const struct uiommu_platform *p;
	struct uiommu_defer defer;
};

struct smmuv3_dev {
	struct uiommu_hwdev hwdev;
	/* Protects the CD table, hwdev.dom and the STEs; held until a change of
	 * them is complete.
	 */
	struct uiommu_lock lock;
	struct smmuv3_dev *next; /* of unit->devs */
	struct smmuv3_cdtab cdtab;
	uint8_t pasid_bits;
	/* The hardware failed: its STEs abort, whatever is attached. */
	bool stopped;
	/* What the device and the unit have between them. */
	bool has_ats, pri, pri_pasid, stall;
	/* It did not complete an invalidation: it has no ATS any more. */
	bool ats_lost;
	/*
	 * Flushes have to tell it: from before ATS is on (hwdev.ats) until its
	 * ATC has been emptied with ATS off, or its STE has no EATS.  Atomic;
	 * changed under lock.
	 */
	bool ats_on;
	/* A flush has to know whether it obeys; atomic.  See ats_flush.c. */
	uint32_t ats_suspect;
	bool ats_late; /* it was asked, and did not answer in time; under lock */
	struct smmuv3_vdev *vdev; /* or NULL; under lock */
	/* Published; under lock, read in read sections.  NULL: the host's. */
	struct smmuv3_vstream *guest;
	/* NULL: no guest has had it, or it was spent.  Under lock; ats_flush.c. */
	struct smmuv3_ats_user *spare;
	/*
	 * What the host has to answer, see fault.c: for each StreamID 512 page
	 * request groups, a word each, and 65536 STAGs, a bit each.  Atomic.
	 * NULL: no PRI, no stalls.
	 */
	uint32_t *groups;
	uint64_t *stags;
	bool leaving; /* atomic */
	/*
	 * Records of before, in queues that nobody had read, are of a device
	 * that had the StreamIDs earlier.
	 */
	uint64_t first_event;
	/*
	 * Events and page requests of before are of somebody who had the device
	 * earlier, if not of another device.  Atomic; changed under lock.
	 */
	uint64_t first_handed;
	uint64_t first_request;
	struct uiommu_defer defer;
	const struct uiommu_platform *p;
	unsigned int nr_ids;
	uint32_t ids[];
};

struct smmuv3_unit {
	struct uiommu_unit unit;
	struct uiommu_smmuv3_cfg cfg;
	struct smmuv3_features feat;
	struct smmuv3_cmdq cmdq;
	struct smmuv3_recq evtq;
	struct smmuv3_priq priq;
	struct smmuv3_strtab strtab;
	struct smmuv3_tags asids;
	struct smmuv3_tags vmids;
	/* The hardware knows where our tables and queues are. */
	bool programmed;
	/*
	 * Protects the stream table's shape, who owns which StreamID, and the
	 * lists of devices and vSMMUs.
	 */
	struct uiommu_lock dev_lock;
	struct smmuv3_dev *devs;
	struct smmuv3_vsmmu *vsmmus;
	/* One of them may answer, or fail, after its time-out; atomic. */
	uint32_t ats_late;
	/* Protects `dead`. */
	struct uiommu_lock dead_lock;
	struct smmuv3_dead *dead;
	/*
	 * Attachments to this unit, and 1 for the unit itself: whose count ends
	 * frees it.  `gone`: removed, nothing is to be sent any more.
	 */
	uint32_t refs;
	bool gone;
	/* Hold nothing, so one of each serves everybody. */
	struct smmuv3_dom identity;
	struct smmuv3_dom blocked;
	uint64_t flushes;      /* flush calls that reached the hardware */
	uint64_t full_flushes; /* of these, with the whole ASID */
	uint64_t gerrors;
	/* GERROR_*_ABT_ERR that somebody deals with; under cmdq.lock. */
	uint32_t losses;
};

#define to_smmuv3_unit(u) container_of(u, struct smmuv3_unit, unit)
#define to_smmuv3_dom(d) container_of(d, struct smmuv3_dom, hwdom)
#define to_smmuv3_dev(d) container_of(d, struct smmuv3_dev, hwdev)

/* Is there a page table, and so attachments with tags? */
static inline bool smmuv3_translates(const struct smmuv3_dom *dom)
{
	return dom && (dom->hwdom.type == UIOMMU_DOM_PAGING ||
		       dom->hwdom.type == UIOMMU_DOM_SHARED);
}

static inline bool smmuv3_is_nested(const struct smmuv3_dom *dom)
{
	return dom && dom->hwdom.type == UIOMMU_DOM_NESTED;
}

/* The domain whose attachments count it as in use: itself, or its parent. */
static inline struct smmuv3_dom *smmuv3_table_of(struct smmuv3_dom *dom)
{
	if (smmuv3_is_nested(dom))
		return to_smmuv3_dom(dom->vsmmu->hw.parent);
	return smmuv3_translates(dom) ? dom : NULL;
}

/* Under what ssid the device itself uses it: see smmuv3_use_get(). */
static inline uint32_t smmuv3_own_ssid(const struct smmuv3_dom *dom)
{
	return smmuv3_is_nested(dom) ? SMMUV3_SSID_GUEST : 0;
}

/* reset.c: 0, -ETIMEDOUT, -EIO */
int smmuv3_reset(struct smmuv3_unit *unit);
/* Every access is aborted, and the hardware reads no memory of ours. */
int smmuv3_disable(struct smmuv3_unit *unit);

/* dev.c */
int smmuv3_dev_add(struct uiommu_unit *u, const struct uiommu_hwdev_cfg *cfg,
		   struct uiommu_hwdev **out);
void smmuv3_dev_remove(struct uiommu_hwdev *d);

/*
 * stream.c: the STEs of a device, which are all equal; dev->lock is held.
 * The entry for a RID domain (NULL: blocked) and a CD table,
 */
void smmuv3_stream_make(const struct smmuv3_dev *dev, struct smmuv3_dom *dom,
			const struct smmuv3_cdtab *tab, struct smmu_ste *ste);
/* and its way into the stream table.  -ETIMEDOUT, -EIO. */
int smmuv3_stream_install(struct smmuv3_dev *dev, const struct smmu_ste *ste);
/* Will that pass through an abort entry? */
bool smmuv3_stream_aborts(struct smmuv3_dev *dev, const struct smmu_ste *ste);
/*
 * Nothing is left in the entries of a device that had the StreamIDs before and
 * was removed while the hardware did not answer.  -ETIMEDOUT, -EIO.
 */
int smmuv3_stream_start(struct smmuv3_dev *dev);
/*
 * Abort entries, stored for all StreamIDs before the hardware is asked for
 * anything.  0: it has forgotten all that it knew of them.
 */
int smmuv3_stream_stop(struct smmuv3_dev *dev);
/* Make the hardware forget STEs and CDs of the device, and wait. */
int smmuv3_stream_forget(struct smmuv3_dev *dev);

/* attach.c */
int smmuv3_attach(struct uiommu_hwdom *d, struct uiommu_hwdev *v);
int smmuv3_set_pasid(struct uiommu_hwdom *d, struct uiommu_hwdev *v,
		     uint32_t pasid, struct uiommu_hwdom *old);
/* The same once more, as dev->ats_lost has changed it; dev->lock is held. */
int smmuv3_attach_anew(struct smmuv3_dev *dev);
/* The device's CD for a domain that is attached to its unit. */
void smmuv3_dom_cd(struct smmuv3_dom *dom, const struct smmuv3_dev *dev,
		   struct smmu_cd *cd);

/* domain.c */
void smmuv3_static_doms_init(struct smmuv3_unit *unit);
int smmuv3_dom_alloc(struct uiommu_unit *u, const struct uiommu_dom_cfg *cfg,
		     struct uiommu_hwdom **out);
void smmuv3_dom_free(struct uiommu_hwdom *d);
/* One more user on the unit: a device or a PASID.  -ENOMEM, -ENOSPC. */
int smmuv3_att_get(struct smmuv3_dom *dom, struct smmuv3_unit *unit);
/* One user less; the hardware forgets the tag with the last. */
void smmuv3_att_put(struct smmuv3_dom *dom, struct smmuv3_unit *unit,
		    enum smmuv3_leave leave);
static inline enum smmuv3_leave smmuv3_leave(bool sure)
{
	return sure ? SMMUV3_LEAVE_SURE : SMMUV3_LEAVE_DOUBTFUL;
}
/* The attachment; the caller is one of its users. */
const struct smmuv3_att *smmuv3_att_of(const struct smmuv3_dom *dom,
				       const struct smmuv3_unit *unit);
/* That of the unit, or NULL; dom->lock is held. */
struct smmuv3_att *smmuv3_att_find(struct smmuv3_dom *dom,
				   const struct smmuv3_unit *unit);
/* probe.c: one reference less. */
void smmuv3_unit_put(struct smmuv3_unit *unit);

/* inv.c */
int smmuv3_flush(struct uiommu_hwdom *d, const struct uiommu_gather *gather);
int smmuv3_flush_all(struct uiommu_hwdom *d);
int smmuv3_read_dirty(struct uiommu_hwdom *d, uiommu_iova_t iova, uint64_t len,
		      uint32_t flags, uiommu_dirty_fn *fn, void *ctx);
/* All of an attachment's tag; configuration too where it is doubtful. */
int smmuv3_inv_att(const struct smmuv3_att *att);

/* What makes commands out of ranges; pure, so that a test can look on. */
struct smmuv3_inv_target {
	uint16_t vmid;
	uint16_t asid;
	uint8_t granule_lg2;
	bool range;	/* IDR3.RIL */
	bool stage2;	/* CMD_TLBI_S2_IPA instead of NH_VA */
	bool all_asids; /* else: NH_VAA instead of NH_VA */
	bool ds;	/* IDR5.DS: larger ranges, level 1 of 16K */
};

/*
 * Give `emit` one CMD_TLBI_* after the other until the granules that the range
 * lies in are covered, exactly; stops where emit returns false.
 */
void smmuv3_inv_range(const struct smmuv3_inv_target *target,
		      const struct uiommu_gather_range *range,
		      smmuv3_emit_fn *emit, void *ctx);

/* info.c */
void smmuv3_caps(struct uiommu_unit *u, struct uiommu_unit_caps *caps);
size_t smmuv3_hw_info(struct uiommu_unit *u, uint32_t *type, void *buf,
		      size_t len);
bool smmuv3_counter(struct uiommu_unit *u, unsigned int i, const char **name,
		    uint64_t *value);

/* ------------------------------------------------------ platform, in short -- */

static inline uint32_t smmuv3_read32(const struct smmuv3_unit *unit,
				     uint64_t off)
{
	const struct uiommu_platform *p = unit->unit.platform;

	return p->mmio_read32(p->ctx, unit->cfg.base + off);
}

static inline void smmuv3_write32(const struct smmuv3_unit *unit, uint64_t off,
				  uint32_t val)
{
	const struct uiommu_platform *p = unit->unit.platform;

	p->mmio_write32(p->ctx, unit->cfg.base + off, val);
}

static inline void smmuv3_write64(const struct smmuv3_unit *unit, uint32_t off,
				  uint64_t val)
{
	const struct uiommu_platform *p = unit->unit.platform;

	p->mmio_write64(p->ctx, unit->cfg.base + off, val);
}

static inline void *smmuv3_obj_alloc(const struct smmuv3_unit *unit,
				     size_t size)
{
	return unit->unit.platform->obj_alloc(unit->unit.platform->ctx, size);
}

static inline void smmuv3_obj_free(const struct smmuv3_unit *unit, void *obj)
{
	if (obj)
		unit->unit.platform->obj_free(unit->unit.platform->ctx, obj);
}

static inline void smmuv3_lock(const struct smmuv3_unit *unit,
			       struct uiommu_lock *lock)
{
	unit->unit.platform->lock(unit->unit.platform->ctx, lock);
}

static inline void smmuv3_unlock(const struct smmuv3_unit *unit,
				 struct uiommu_lock *lock)
{
	unit->unit.platform->unlock(unit->unit.platform->ctx, lock);
}

static inline int smmuv3_lock_init(const struct smmuv3_unit *unit,
				   struct uiommu_lock *lock)
{
	return unit->unit.platform->lock_init(unit->unit.platform->ctx, lock);
}

static inline void smmuv3_lock_fini(const struct smmuv3_unit *unit,
				    struct uiommu_lock *lock)
{
	unit->unit.platform->lock_fini(unit->unit.platform->ctx, lock);
}

static inline void smmuv3_clean(const struct smmuv3_unit *unit, const void *va,
				size_t len)
{
	const struct uiommu_platform *p = unit->unit.platform;

	if (p->clean_range)
		p->clean_range(p->ctx, va, len);
}

/* False, with a line in the log: beyond the SMMU's output address size. */
bool smmuv3_can_reach(const struct smmuv3_unit *unit, uiommu_pa_t pa,
		      size_t size);
/*
 * Memory for the hardware, at least 64 bytes, zeroed, in reach of its output
 * address size; NULL if there is none.
 */
void *smmuv3_table_alloc(const struct smmuv3_unit *unit, size_t size,
			 uiommu_pa_t *pa);
void smmuv3_table_free(const struct smmuv3_unit *unit, void *va, size_t size);

/* Store one word of a table that the hardware reads. */
void smmuv3_store(const struct smmuv3_unit *unit, le64_t *word, le64_t value);

#endif /* DRIVER_SMMUV3_UNIT_H */
