/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unit.h - the driver's objects and what its files offer each other.
 *
 * Words: a *unit* is one SMMU; a *device* is what core calls so, with one or
 * more StreamIDs; a *domain* is one address space; an *attachment* says that a
 * domain is in use on a unit, under which tag.
 *
 * Lock order: dev_lock, dom->lock, asid.lock, evtq.lock, cmdq.lock.  The
 * command queue may be used inside all but the last two.
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
#include "log.h"
#include "make.h"

/* ---------------------------------------------------------- capabilities -- */

/* What the ID registers say, decoded; constant after probe. */
struct smmuv3_features {
	uint32_t idr[6];
	uint32_t iidr;
	uint32_t aidr;
	uint8_t sid_bits;
	uint8_t asid_bits;
	uint8_t oas;	     /* of the hardware: 32 to 52 */
	uint8_t granule_lg2; /* chosen for page tables */
	uint8_t pt_oas;
	bool two_level; /* stream table */
	bool coherent;
	bool hyp;
	bool msi;
	bool ats;
	bool btm;
	bool ril;
	bool bbml2;
	bool can_stall;
	uint64_t pgsizes;
};

/* Page tables take this many input bits: the most that all granules have. */
#define SMMUV3_IAS 48

/* The tag of all stage-1 entries; other VMIDs are for stage 2. */
#define SMMUV3_S1_VMID 0

struct smmuv3_unit;
struct smmuv3_dev;
struct smmuv3_dom;

/* Decode; on refusal logs the reason and returns -ENODEV. */
int smmuv3_features_read(struct smmuv3_features *f,
			 const struct uiommu_smmuv3_cfg *cfg);

/* ---------------------------------------------------------- stream table -- */

#define SMMUV3_SPLIT 8u
#define SMMUV3_L2_STES BIT32(SMMUV3_SPLIT)

/* 2^SPLIT consecutive StreamIDs, or all of a linear table. */
struct smmuv3_leaf {
	le64_t *stes;
	uiommu_pa_t pa;
	/* Published; read in read sections, e.g. from the event queue. */
	struct smmuv3_dev **devs;
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
 * hardware (-ETIMEDOUT, -EIO: they stay, filled with abort entries).
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
 * The CD table of one device (S1CDMax = 0: one CD).  It has two slots: the
 * STE points to one, the other is free to be filled; a change of domain swaps
 * the pointer, so no live CD is ever rewritten.
 */
struct smmuv3_cdtab {
	le64_t *cds;
	uiommu_pa_t pa;
	unsigned int live; /* slot in use */
};

int smmuv3_cdtab_init(struct smmuv3_unit *unit, struct smmuv3_cdtab *tab);
void smmuv3_cdtab_fini(struct smmuv3_unit *unit, struct smmuv3_cdtab *tab);
/* Fill the free slot and return its address. */
uiommu_pa_t smmuv3_cdtab_install(struct smmuv3_unit *unit,
				 struct smmuv3_cdtab *tab,
				 const struct smmu_cd *cd);
/* The STE points to the slot that was filled last. */
void smmuv3_cdtab_commit(struct smmuv3_cdtab *tab);

/* ------------------------------------------------------------------ ASID -- */

struct smmuv3_asids {
	/* Protects the members below. */
	struct uiommu_lock lock;
	uint64_t *map; /* one bit each, 1 = taken; ASID 0 is never searched */
	uint8_t bits;
	uint32_t next; /* where the search begins */
};

int smmuv3_asids_init(struct smmuv3_unit *unit);
void smmuv3_asids_fini(struct smmuv3_unit *unit);
/* -ENOSPC. */
int smmuv3_asid_get(struct smmuv3_unit *unit, uint16_t *asid);
/* The hardware holds nothing under the ASID any more. */
void smmuv3_asid_put(struct smmuv3_unit *unit, uint16_t asid);

/* ----------------------------------------------------------- event queue -- */

struct smmuv3_evtq {
	le64_t *slots;
	uiommu_pa_t pa;
	uint8_t lg2;
	/* Protects cons, and so who reads which record. */
	struct uiommu_lock lock;
	uint32_t cons; /* as in EVENTQ_CONS, OVACKFLG included */
	uint64_t events;
	uint64_t overflows;
};

int smmuv3_evtq_init(struct smmuv3_unit *unit, uint8_t lg2);
void smmuv3_evtq_fini(struct smmuv3_unit *unit);
void smmuv3_evtq_program(struct smmuv3_unit *unit);
/* Pure: a record in words of nobody's hardware; the cookie is left NULL. */
void smmuv3_evt_decode(const uint64_t record[4], struct uiommu_fault *fault);
/* The op. */
void smmuv3_irq(struct uiommu_unit *u, unsigned int line);

/* --------------------------------------------------------------- objects -- */

struct smmuv3_dom {
	struct uiommu_hwdom hwdom;
	/* The members below are for PAGING only. */
	struct uiommu_pgtable_info info;
	uint16_t asid;
	/* Protects att->users and the writing side of `atts`. */
	struct uiommu_lock lock;
	/*
	 * Where the domain is in use.  flush walks it in a read section without
	 * the lock; an attachment is published before the first STE that leads
	 * to the domain and leaves after the hardware has forgotten its ASID.
	 */
	struct smmuv3_att *atts;
};

struct smmuv3_att {
	struct smmuv3_att *next;
	struct smmuv3_unit *unit;
	uint16_t asid;
	uint16_t vmid;
	unsigned int users;		 /* devices */
	const struct uiommu_platform *p; /* the unit may go before it is freed */
	struct uiommu_defer defer;
};

struct smmuv3_dev {
	struct uiommu_hwdev hwdev;
	struct smmuv3_cdtab cdtab;
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
	struct smmuv3_evtq evtq;
	struct smmuv3_strtab strtab;
	struct smmuv3_asids asids;
	/* The hardware knows where our tables and queues are. */
	bool programmed;
	/* Protects the stream table's shape and who owns which StreamID. */
	struct uiommu_lock dev_lock;
	/* Hold nothing, so one of each serves everybody. */
	struct smmuv3_dom identity;
	struct smmuv3_dom blocked;
	uint64_t flushes;      /* flush calls that reached the hardware */
	uint64_t full_flushes; /* of these, with the whole ASID */
	uint64_t gerrors;
};

#define to_smmuv3_unit(u) container_of(u, struct smmuv3_unit, unit)
#define to_smmuv3_dom(d) container_of(d, struct smmuv3_dom, hwdom)
#define to_smmuv3_dev(d) container_of(d, struct smmuv3_dev, hwdev)

/* reset.c: 0, -ETIMEDOUT, -EIO */
int smmuv3_reset(struct smmuv3_unit *unit);
/* Every access is aborted, and the hardware reads no memory of ours. */
int smmuv3_disable(struct smmuv3_unit *unit);

/* dev.c */
int smmuv3_dev_add(struct uiommu_unit *u, const struct uiommu_hwdev_cfg *cfg,
		   struct uiommu_hwdev **out);
void smmuv3_dev_remove(struct uiommu_hwdev *d);
int smmuv3_attach(struct uiommu_hwdom *d, struct uiommu_hwdev *v);

/* domain.c */
void smmuv3_static_doms_init(struct smmuv3_unit *unit);
int smmuv3_dom_alloc(struct uiommu_unit *u, const struct uiommu_dom_cfg *cfg,
		     struct uiommu_hwdom **out);
void smmuv3_dom_free(struct uiommu_hwdom *d);
/* One more, one less device of the unit uses the domain. */
int smmuv3_att_get(struct smmuv3_dom *dom, struct smmuv3_unit *unit);
void smmuv3_att_put(struct smmuv3_dom *dom, struct smmuv3_unit *unit);

/* inv.c */
int smmuv3_flush(struct uiommu_hwdom *d, const struct uiommu_gather *gather);
int smmuv3_flush_all(struct uiommu_hwdom *d);
int smmuv3_inv_asid(struct smmuv3_unit *unit, uint16_t vmid, uint16_t asid);

/* What makes commands out of ranges; pure, so that a test can look on. */
struct smmuv3_inv_target {
	uint16_t vmid;
	uint16_t asid;
	uint8_t granule_lg2;
	bool range; /* IDR3.RIL */
};

/*
 * Give `emit` one CMD_TLBI_NH_VA after the other until the range is covered,
 * exactly; stops where emit returns false.  The range is granule aligned.
 */
void smmuv3_inv_range(const struct smmuv3_inv_target *target,
		      const struct uiommu_gather_range *range,
		      bool (*emit)(void *ctx, struct smmu_cmd cmd), void *ctx);

/* info.c */
void smmuv3_caps(struct uiommu_unit *u, struct uiommu_unit_caps *caps);
size_t smmuv3_hw_info(struct uiommu_unit *u, uint32_t *type, void *buf,
		      size_t len);
bool smmuv3_counter(struct uiommu_unit *u, unsigned int i, const char **name,
		    uint64_t *value);

/* ------------------------------------------------------ platform, in short -- */

static inline uint32_t smmuv3_read32(const struct smmuv3_unit *unit,
				     uint32_t off)
{
	const struct uiommu_platform *p = unit->unit.platform;

	return p->mmio_read32(p->ctx, unit->cfg.base + off);
}

static inline void smmuv3_write32(const struct smmuv3_unit *unit, uint32_t off,
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
