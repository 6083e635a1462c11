/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * core.h - the IOMMU core: devices, groups, domains, IO address spaces.
 *
 * Hosted.  Knows no hardware: units come from a driver (driver.h).
 *
 * Every function may be called from any thread unless stated; each takes the
 * locks of the objects it is given and holds none when it returns.  Objects are
 * destroyed by their owner when nobody else uses them, and destroying never
 * fails.  Objects of one core are not given to another.
 *
 * Functions return 0 or a negated errno, those of Linux for the same mistake;
 * after an error state is as it was, unless stated.  -ENOMEM may be of memory
 * for tables.  Addresses and lengths are in bytes, time is in nanoseconds.
 *
 * Hardware that does not answer (-ETIMEDOUT, -EIO) may go on using what it was
 * told to forget.  A domain whose invalidation it did not confirm is *lost*: its
 * tables and the memory that was mapped in it stay where they are for good, and
 * to map in it is -EIO.
 */
#ifndef UIOMMU_CORE_H
#define UIOMMU_CORE_H

#include <uiommu/driver.h>
#include <uiommu/dump.h>
#include <uiommu/ioas.h>
#include <uiommu/pasid_table.h>
#include <uiommu/platform.h>
#include <uiommu/types.h>
#include <uiommu/viommu.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uiommu_core;
struct uiommu_device;
struct uiommu_group;
struct uiommu_domain;
struct uiommu_sva_mm; /* mm.h */

/* ------------------------------------------------------------ instance -- */

struct uiommu_core_cfg {
	const struct uiommu_platform *platform; /* must outlive the core */
	/*
	 * Told of every fault that nobody else takes; dev is NULL where the
	 * hardware names no device we know.  A page request group without a
	 * handler is one, at its last address, with raw_type 0.  fault->cookie is
	 * the core's own.  Called from the driver's op `irq`, with no lock of the
	 * core held; it must not remove the device.  NULL: logged.
	 */
	void (*fault)(void *ctx, struct uiommu_device *dev,
		      const struct uiommu_fault *fault);
	void *ctx;
	/*
	 * How long a page fault group may wait for its answer, in nanoseconds of
	 * the platform's clock: see uiommu_core_iopf_expire().  0:
	 * UIOMMU_IOPF_TIMEOUT_NS; UIOMMU_IOPF_NO_TIMEOUT: for ever, as in Linux.
	 */
	uint64_t iopf_timeout_ns;
	/*
	 * The physical address at which devices see address 0 of a struct
	 * uiommu_sva_mm, and so on from there.
	 */
	uiommu_pa_t sva_pa;
};

#define UIOMMU_IOPF_TIMEOUT_NS UINT64_C(10000000000)
#define UIOMMU_IOPF_NO_TIMEOUT UINT64_MAX

/* `cfg` is copied.  -ENOMEM. */
int uiommu_core_create(const struct uiommu_core_cfg *cfg,
		       struct uiommu_core **out);
/*
 * All IOASes, domains, devices and page fault groups must be gone; the drivers
 * remove the units.  NULL is nothing.
 */
void uiommu_core_destroy(struct uiommu_core *core);

/* To be given to the driver's probe function as host and host_ctx. */
extern const struct uiommu_host_ops uiommu_core_host_ops;

/*
 * Take over a probed unit, until the core is destroyed; after an error it is
 * the caller's still.  -EINVAL: it was not probed with this core as its host_ctx;
 * -ENOMEM; else as dom_alloc of driver.h for a blocked domain.
 */
int uiommu_core_add_unit(struct uiommu_core *core, struct uiommu_unit *unit);

/* ------------------------------------------------- devices and groups -- */

/* Kinds of reserved IOVA ranges (Linux: enum iommu_resv_type). */
enum uiommu_resv_type {
	UIOMMU_RESV_DIRECT,
	UIOMMU_RESV_DIRECT_RELAXABLE,
	UIOMMU_RESV_RESERVED,
	UIOMMU_RESV_MSI,
	UIOMMU_RESV_SW_MSI,
};

struct uiommu_resv_region {
	struct uiommu_range range;
	enum uiommu_resv_type type;
};

/* What the devices of a group use while nobody owns it or attaches anything. */
enum uiommu_default_domain {
	UIOMMU_DEFAULT_BLOCKED,
	UIOMMU_DEFAULT_IDENTITY,
	UIOMMU_DEFAULT_DMA, /* a paging domain of the group's own */
};

struct uiommu_device_cfg {
	/*
	 * As driver.h has it; name and ids are copied.  pasid_bits counts up to
	 * what the unit has, cookie for set_ats below alone.
	 */
	struct uiommu_hwdev_cfg hw;
	/*
	 * Put it into the group of this device, because the fabric cannot tell
	 * them apart or lets them talk to each other (Linux: iommu_group); the
	 * device stays until this one is there.  NULL: a group of its own.
	 */
	struct uiommu_device *group_with;
	/* More reserved regions than the unit's own; copied. */
	const struct uiommu_resv_region *resv;
	unsigned int nr_resv;
	/*
	 * For a device with hw.ats: turn its ATS, and with it PRI, on or off,
	 * under the rules of uiommu_host_ops.set_ats; `cookie` is hw.cookie.
	 * NULL: the device never uses it.
	 */
	void (*set_ats)(void *cookie, bool enable);
	/* The same for all devices of a group. */
	enum uiommu_default_domain default_domain;
	/*
	 * On the way to the IOMMU the fabric looks at addresses and not at
	 * PASIDs, so that an access meant for a PASID's address space may end at
	 * another device (PCIe without ACS): no PASID is attached.
	 */
	bool routes_by_address;
	/* Accesses with a PASID may fetch instructions, or be privileged. */
	bool pasid_exec;
	bool pasid_priv;
};

/*
 * The device uses its group's default domain until another is attached.
 *   -ENODEV	an unknown unit
 *   -EINVAL	a reserved region ends before it begins; no such default domain;
 *		the group has one of another kind, or one that does not fit the
 *		device's unit; no ids
 *   -EBUSY	the group has an owner or more than the default domain, PASIDs
 *		included
 *   -EEXIST, -ERANGE  an id is taken, or beyond what the unit can name
 *   -EOPNOTSUPP  the unit has no such default domain
 *   -ENOMEM, -ENOSPC, -ETIMEDOUT, -EIO  as dev_add and attach of driver.h
 */
int uiommu_device_add(struct uiommu_core *core, struct uiommu_unit *unit,
		      const struct uiommu_device_cfg *cfg,
		      struct uiommu_device **out);
/*
 * Nobody owns or uses it, and its group goes with its last device; PASIDs that
 * are still attached are taken off, with a line in the log.  Waits for fault
 * callbacks and page fault handlers that were given it, so not to be called
 * from one.
 */
void uiommu_device_remove(struct uiommu_device *dev);

/*
 * The first device that was added by this name, or NULL.  It is the caller's
 * business that nobody removes it.
 */
struct uiommu_device *uiommu_core_find_device(struct uiommu_core *core,
					      const char *name);
/* What never changes; the pointers hold as long as the device. */
const char *uiommu_device_name(const struct uiommu_device *dev);
struct uiommu_unit *uiommu_device_unit(const struct uiommu_device *dev);
struct uiommu_group *uiommu_device_group(const struct uiommu_device *dev);
/* Of no other group that is there: the lowest free number from 0 on. */
unsigned int uiommu_group_id(const struct uiommu_group *group);
unsigned int uiommu_group_nr_devices(const struct uiommu_group *group);

void uiommu_device_caps(const struct uiommu_device *dev,
			struct uiommu_unit_caps *caps);

/* What a device and its unit can do together. */
struct uiommu_device_features {
	uint8_t pasid_bits; /* 0: it has no PASIDs that could be used */
	bool pasid_exec;    /* as uiommu_device_cfg; without PASIDs false */
	bool pasid_priv;
	bool ats; /* it could use ATS, whether it does or not */
};
void uiommu_device_features(const struct uiommu_device *dev,
			    struct uiommu_device_features *features);

/*
 * The device's reserved regions in ascending order, with the SW_MSI window of 1
 * MiB at 0x8000000 where caps.msi_translated: stores up to `max` and returns how
 * many there are.
 */
unsigned int uiommu_device_resv_regions(const struct uiommu_device *dev,
					struct uiommu_resv_region *regions,
					unsigned int max);

/*
 * DMA ownership.  An owner is any pointer.  Claiming moves the group from its
 * default domain to the blocked one; the same owner may claim again (counted)
 * through any device of the group.  -EPERM: somebody else owns it; -EBUSY: it,
 * or one of its PASIDs, is attached to a domain; -EINVAL: owner NULL; -ENOMEM,
 * -ETIMEDOUT, -EIO as the driver's attach, and as uiommu_group_attach().
 */
int uiommu_device_claim_owner(struct uiommu_device *dev, void *owner);
/*
 * One release for each claim.  The last moves the group to its default domain,
 * from whatever it was attached to, takes its PASIDs off (with a line in the log)
 * and forgets its doorbells.  Waits for page fault handlers.
 */
void uiommu_device_release_owner(struct uiommu_device *dev);
/* Is the group owned (by anybody)? */
bool uiommu_group_owned(struct uiommu_group *group);

/* ------------------------------------------------------------- domains -- */

struct uiommu_domain_cfg {
	struct uiommu_dom_cfg hw; /* all zero but the type: the unit's choice */
	/*
	 * For a SHARED domain without hw.cpu: the address space that it follows
	 * from here to uiommu_domain_free().  NULL: see hw.
	 */
	const struct uiommu_sva_mm *mm;
};

/*
 * A domain shaped by what the device's unit can do.  Devices behind other units
 * of the same driver may be attached too, as long as their hardware can use it
 * as it is.  If the unit lets accesses of devices snoop the CPUs' caches
 * (uiommu_unit_caps.enforce_coherency), the domain promises that, and no unit
 * that cannot keep the promise takes it.  A SHARED domain is for PASIDs only and
 * promises nothing.
 *   -EOPNOTSUPP  the unit has no such domains
 *   -EINVAL	no unit has; a line in the log tells the reason of either
 *   -ENOMEM
 *
 * A SHARED domain is not mapped into.  One that follows an address space takes
 * its pages on page faults, so its devices must be able to wait (-ENODEV at
 * attach), and has a thread.  Then also:
 *   -EINVAL	`mm` without SHARED or beside hw.cpu, or of sizes that no CPU has
 *   -EOPNOTSUPP  the unit does not line up with the CPU: coherence, page size,
 *		input and output addresses; of a page table of the CPU's also
 *		ASIDs, access flags and dirty state (docs/sva.md)
 *   others	as subscribe of mm.h
 */
int uiommu_domain_alloc_cfg(struct uiommu_device *dev,
			    const struct uiommu_domain_cfg *cfg,
			    struct uiommu_domain **out);
/* A paging domain as the device's unit likes it.  -EOPNOTSUPP, -ENOMEM. */
int uiommu_domain_alloc(struct uiommu_device *dev, struct uiommu_domain **out);
/* Not attached anywhere, not in an IOAS.  NULL is nothing. */
void uiommu_domain_free(struct uiommu_domain *domain);

enum uiommu_dom_type uiommu_domain_type(const struct uiommu_domain *domain);

/*
 * A pointer of whoever made the domain, to find his own by it; set before the
 * domain is attached.  `owner`, any pointer of his, tells them from those of
 * others.  NULL at first, and for another owner.
 */
void uiommu_domain_set_user(struct uiommu_domain *domain, const void *owner,
			    void *user);
void *uiommu_domain_user(const struct uiommu_domain *domain, const void *owner);
/*
 * PASIDs that have the domain are kept for whoever made it, who changes them by the
 * calls for a group, which nobody else calls for these: those for a device do not take
 * it away.  Before it is attached.
 */
void uiommu_domain_keep_pasids(struct uiommu_domain *domain);

/* What its unit's driver knows it by, as long as it lives. */
struct uiommu_hwdom *uiommu_domain_hw(const struct uiommu_domain *domain);

/* All zero unless the domain is a paging domain. */
struct uiommu_domain_geometry {
	struct uiommu_range aperture;
	uint64_t pgsizes;
	bool enforce_coherency; /* the domain's promise */
};
void uiommu_domain_geometry(const struct uiommu_domain *domain,
			    struct uiommu_domain_geometry *geometry);

/*
 * Direct mapping calls, for owners of a paging domain that is in no IOAS, attached
 * or not: iova, pa and len are multiples of the domain's smallest leaf.  They may
 * run side by side, of the same domain too.
 *
 * `prot` is of UIOMMU_PROT_*; memory of CPUs should have CACHE.  All or nothing:
 *   -EINVAL	no paging domain; unaligned, len 0; prot without read and write,
 *		with both CACHE and MMIO, or with PRIV at stage 2
 *   -ERANGE	beyond the aperture or the output size
 *   -EEXIST	a page of the range is mapped
 *   -ENOMEM
 *   -ETIMEDOUT, -EIO  the domain is lost
 */
int uiommu_domain_map(struct uiommu_domain *domain, uiommu_iova_t iova,
		      uiommu_pa_t pa, uint64_t len, uint32_t prot);
/*
 * Whatever is mapped in the range, holes are skipped; leaves across its ends are
 * split.  When it returns no unit has a translation any more, no device's ATC,
 * and no access by one is under way.  *unmapped is what has gone.
 *   -EINVAL	no paging domain; unaligned, len 0
 *   -ERANGE	beyond the aperture
 *   -ENOMEM	a leaf could not be split
 *   -ETIMEDOUT, -EIO  the domain is lost: devices may reach what was mapped
 */
int uiommu_domain_unmap(struct uiommu_domain *domain, uiommu_iova_t iova,
			uint64_t len, uint64_t *unmapped);
/*
 * Where an access to this very byte goes: 0 and *pa, or -ENOENT.  In an identity
 * domain every address is its own.  Takes no lock.
 */
int uiommu_domain_iova_to_pa(struct uiommu_domain *domain, uiommu_iova_t iova,
			     uiommu_pa_t *pa);

/*
 * Which pages devices write to.  Turning it on, again too, forgets what was
 * written before; off again is nothing (Linux: IOMMU_HWPT_SET_DIRTY_TRACKING).
 * -EOPNOTSUPP: the domain was made without UIOMMU_DOM_DIRTY; -ETIMEDOUT, -EIO: the
 * hardware does not answer, and it is on or off as before.
 */
int uiommu_domain_set_dirty_tracking(struct uiommu_domain *domain, bool enable);
bool uiommu_domain_dirty_tracking(struct uiommu_domain *domain);
/*
 * As op read_dirty of driver.h, which see for what an answer promises; `flags`:
 * UIOMMU_DIRTY_NO_CLEAR.  -EOPNOTSUPP as above; -EINVAL: not turned on, unknown
 * flags, or the range is not whole pages; -ERANGE: beyond the aperture;
 * -ETIMEDOUT, -EIO.  fn must not call the core.
 */
int uiommu_domain_read_dirty(struct uiommu_domain *domain, uiommu_iova_t iova,
			     uint64_t len, uint32_t flags, uiommu_dirty_fn *fn,
			     void *ctx);

/*
 * Attach all devices of a group, which must be in the blocked or default
 * domain (-EBUSY), or move them from the domain they have (replace; -EINVAL
 * when there is none; the same one again is nothing).  When it returns 0, no
 * access of theirs is under way in the old domain.  The devices may be behind
 * several units, and the domain may serve other groups.  On error every device
 * is where it was, except that hardware which does not answer blocks it
 * (-ETIMEDOUT, -EIO).  A line in the log tells why a domain is refused.
 *   -EINVAL	the domain does not fit a device, is for PASIDs only, or is an
 *		auxiliary one
 *   -EBUSY	a stage-2 domain, beside PASIDs of the group; any domain, beside
 *		auxiliary ones
 *   -ENODEV	it has a page fault handler, and a device cannot wait
 *   -EOPNOTSUPP, -EEXIST, -ERANGE  the group's doorbells cannot be mapped in it:
 *		its pages are larger than 4 KiB, something else stands there, or
 *		it does not reach there
 *   -ENOSPC	no ASID or VMID is left; of a guest's bindings (pasid_table.h) none is
 *		free for a doorbell of the group
 *   -ENOMEM
 */
int uiommu_group_attach(struct uiommu_group *group,
			struct uiommu_domain *domain);
int uiommu_group_replace(struct uiommu_group *group,
			 struct uiommu_domain *domain);
/*
 * Back to blocked (owned) or the default domain.  PASIDs keep their domains.
 * -EBUSY: auxiliary domains are attached; never fails otherwise.
 */
int uiommu_group_detach(struct uiommu_group *group);
/* The attached domain or NULL. */
struct uiommu_domain *uiommu_group_domain(struct uiommu_group *group);
/*
 * What the group uses when nobody owns it or attaches anything; NULL: blocked.
 * The core's: it lives as long as the group.
 */
struct uiommu_domain *uiommu_group_default_domain(struct uiommu_group *group);

/* ------------------------------------------------------ IO page faults -- */

/*
 * A device that sends page requests (PCIe PRI), or whose accesses are stalled,
 * waits for an answer: a *group* of faults is answered as one.  A group goes to
 * the handler of the domain that the device, or its PASID, has at that time; a
 * group that finds no handler is answered with Invalid and told of as a fault.
 *
 * A handler answers each group once, in the call or at any time later, from any
 * thread.  A group is answered by the core, and the handler told by
 * `withdrawn`,
 *   - with Invalid when the device or PASID leaves the domain: before detach,
 *     replace, uiommu_device_release_owner or _remove return;
 *   - with Failure when it has waited for too long.
 * Requests of a group whose last has not come yet are kept with the device, up
 * to 512; they are dropped beyond that, at a Stop Marker of their PASID, when
 * the hardware has lost some, and when the device leaves.  That loses hints: a
 * device asks again for what it does not find.
 */
struct uiommu_iopf {
	uiommu_iova_t iova; /* a page's (PRI) or the access's */
	uint32_t perm;	    /* UIOMMU_PAGE_READ, _WRITE, _EXEC, _PRIV */
};

/* Counted; `dev` and `domain` are there until it is answered or withdrawn. */
struct uiommu_iopf_group {
	struct uiommu_device *dev;
	struct uiommu_domain *domain;
	uint64_t id;	/* of no other group of the core; never 0 */
	uint32_t pasid; /* UIOMMU_NO_PASID: none */
	uint32_t token; /* as the hardware numbers them */
	bool stalled;	/* an access that waits, and not a page request */
	unsigned int nr;
	const struct uiommu_iopf *fault; /* nr, in the order they came */
	void *room[4];			 /* the handler's, NULL at first */
};

struct uiommu_iopf_ops {
	/*
	 * A group, with a reference on it for the handler.  No lock of the core
	 * is held.  It may wait for nothing that a thread may hold while it
	 * detaches or replaces the domain, nor do that itself.  An error: the
	 * core answers with Failure and takes the reference back.
	 */
	int (*fault)(void *ctx, struct uiommu_iopf_group *group);
	/*
	 * The core has answered the group, `fault` has returned 0.  The handler
	 * lets its reference go, now or later.  The same rules.
	 */
	void (*withdrawn)(void *ctx, struct uiommu_iopf_group *group);
};

/*
 * Give a domain a handler; `ops` and `ctx` live as long as it.  Then it attaches
 * only to devices that can wait (-ENODEV): with hw.pri or hw.stall, behind a unit
 * with caps.page_faults.  For the domain's maker, who does not attach it at the
 * same time.  -EBUSY: it is attached, or has one.
 */
int uiommu_domain_set_iopf_handler(struct uiommu_domain *domain,
				   const struct uiommu_iopf_ops *ops,
				   void *ctx);
/*
 * Answer a group.  What was mapped before is found by the device's next try.
 *   -EINVAL	no such code
 *   -ENOENT	it has been answered: by the handler, or withdrawn
 *   -ETIMEDOUT, -EIO  the hardware does not answer; the group is over
 */
int uiommu_iopf_group_respond(struct uiommu_iopf_group *group,
			      enum uiommu_page_code code);
/* The same by id; -ENOENT: no group of the device with that id waits. */
int uiommu_device_iopf_respond(struct uiommu_device *dev, uint64_t id,
			       enum uiommu_page_code code);
/* References; all must have gone before the core is destroyed. */
void uiommu_iopf_group_get(struct uiommu_iopf_group *group);
void uiommu_iopf_group_put(struct uiommu_iopf_group *group);
/*
 * Answer the groups of all devices that have waited for too long; how many there
 * were.  No thread of the core looks for them: a device's groups are looked at when
 * it reports another, and here.
 */
unsigned int uiommu_core_iopf_expire(struct uiommu_core *core);

/* -------------------------------------------------------------- PASIDs -- */

/*
 * PASIDs that no two users of the core have: the lowest free one in
 * [first, last].  Whoever attaches PASIDs by numbers of his own need not ask
 * for them here.  -EINVAL: first is 0, or last is below it or from 2^20 on;
 * -ENOSPC; -ENOMEM.  O(1) however many are given out.
 */
int uiommu_pasid_alloc(struct uiommu_core *core, uint32_t first, uint32_t last,
		       uint32_t *pasid);
/*
 * Not in use any more on any device that may be given it again.  A number that
 * nobody has is nothing, with a line in the log.
 */
void uiommu_pasid_free(struct uiommu_core *core, uint32_t pasid);

/* PASIDs of the device are below this; 0: it, or its unit, has none. */
uint32_t uiommu_device_max_pasids(const struct uiommu_device *dev);

/*
 * Use `domain` for the accesses of the device with `pasid`.  The domain may
 * serve other PASIDs, devices and groups too; the device itself may use any
 * domain, or none, that is not a stage-2 domain.  Each call takes the lock of
 * the device's group.  After an error all is as it was, and a line in the log
 * tells the reason.
 *   -EOPNOTSUPP  the device or its unit has no PASIDs; the domain does not
 *		translate: identity, blocked
 *   -EINVAL	PASID 0 or beyond the device's; the device is not alone in its
 *		group, or the fabric does not isolate PASIDs; the domain is for
 *		other hardware, does not fit the device's unit, is a stage-2 or
 *		an auxiliary domain, or the device's own is a stage-2 domain
 *   -EBUSY	the PASID has a domain
 *   -ENODEV	it has a page fault handler, and the device cannot wait
 *   -ENOSPC, -ENOMEM, -ETIMEDOUT, -EIO  as set_pasid of driver.h
 */
int uiommu_device_pasid_attach(struct uiommu_device *dev, uint32_t pasid,
			       struct uiommu_domain *domain);
/*
 * Another domain for a PASID that has one; accesses find the old or the new one
 * at every instant.  The same one again is nothing.  Errors as above, but:
 *   -EINVAL	also: the PASID has no domain
 *   -EBUSY	it belongs to an auxiliary domain, or is kept for others
 *		(uiommu_domain_keep_pasids), as those of /dev/iommu are
 *   -ETIMEDOUT, -EIO  the old domain is attached still, but if the hardware
 *		stays silent accesses are aborted
 */
int uiommu_device_pasid_replace(struct uiommu_device *dev, uint32_t pasid,
				struct uiommu_domain *domain);
/*
 * Accesses with the PASID abort from now on, and none is under way in its domain;
 * if the hardware does not answer, the log says so.  One without domain, of an
 * auxiliary one, or kept for others, of which the log tells: nothing.
 */
void uiommu_device_pasid_detach(struct uiommu_device *dev, uint32_t pasid);
/* The PASID's domain, auxiliary or not, or NULL. */
struct uiommu_domain *uiommu_device_pasid_domain(struct uiommu_device *dev,
						 uint32_t pasid);
/*
 * The same for a group of any size, as Linux's iommufd does it: the domain is for
 * all of its devices that have PASIDs, and the caller knows that the fabric tells
 * them apart.  Devices that have none are left out, so where nobody has any, the
 * group has the PASID and no hardware is told.  Errors as above, but
 *   -EOPNOTSUPP  only: the driver has no PASIDs, or the domain does not translate
 *   -EINVAL	neither for a device that is not alone nor for the fabric, unless
 *		the domain is SHARED
 * On error every device has what it had; but if the hardware does not answer
 * (-ETIMEDOUT, -EIO) and one cannot get it back, none has anything.
 */
int uiommu_group_pasid_attach(struct uiommu_group *group, uint32_t pasid,
			      struct uiommu_domain *domain);
int uiommu_group_pasid_replace(struct uiommu_group *group, uint32_t pasid,
			       struct uiommu_domain *domain);
void uiommu_group_pasid_detach(struct uiommu_group *group, uint32_t pasid);
struct uiommu_domain *uiommu_group_pasid_domain(struct uiommu_group *group,
						uint32_t pasid);
/* How many have one, those of auxiliary domains among them. */
unsigned int uiommu_device_nr_pasids(struct uiommu_device *dev);
/*
 * Detach any PASID that is not kept for others, for a user that ends: its domain,
 * which the device uses no more, and its number; NULL: there is none.
 */
struct uiommu_domain *uiommu_device_pasid_detach_any(struct uiommu_device *dev,
						     uint32_t *pasid);

/* --------------------------------------------------- auxiliary domains -- */

enum uiommu_dev_feature {
	UIOMMU_DEV_FEAT_AUX, /* auxiliary domains */
};

/* Could it be enabled?  A device that is not alone in its group gets no domain. */
bool uiommu_dev_has_feature(const struct uiommu_device *dev,
			    enum uiommu_dev_feature feature);
bool uiommu_dev_feature_enabled(struct uiommu_device *dev,
				enum uiommu_dev_feature feature);
/* -ENODEV: the device does not have it; -EBUSY: it is enabled. */
int uiommu_dev_enable_feature(struct uiommu_device *dev,
			      enum uiommu_dev_feature feature);
/* -EINVAL: not enabled; -EBUSY: auxiliary domains are attached. */
int uiommu_dev_disable_feature(struct uiommu_device *dev,
			       enum uiommu_dev_feature feature);

/*
 * An auxiliary domain is one more address space of a device that has one of its
 * own, the parent; the device reaches it by a PASID that the core chooses and
 * that is the same for all devices which attach the domain.  Whether a domain
 * is auxiliary or a normal one is decided by its first attach, for good.  All
 * its devices have the same parent, which they keep until they have detached.
 * Another device with that parent that is not attached reaches nothing.
 *   -EINVAL	the feature is not enabled; the device's own domain, or this
 *		one, is no stage-1 paging domain; this one has been attached
 *		as a normal domain; it has another parent; its PASID is beyond
 *		the device's; and as uiommu_device_pasid_attach
 *   -EBUSY	the device has it, or its PASID was attached by number
 *   -ENOSPC	no PASID is left
 *   others	as uiommu_device_pasid_attach
 */
int uiommu_aux_attach(struct uiommu_domain *domain, struct uiommu_device *dev);
/*
 * As uiommu_device_pasid_detach(); with the last device the domain's parent and
 * PASID go.  Not attached, no parent, feature not enabled: nothing.
 */
void uiommu_aux_detach(struct uiommu_domain *domain, struct uiommu_device *dev);
/* All of the device, for a user that ends. */
void uiommu_aux_detach_all(struct uiommu_device *dev);
/* The PASID, or -EINVAL: the device does not have the domain. */
int uiommu_aux_pasid(struct uiommu_domain *domain, struct uiommu_device *dev);

/* ------------------------------------------------------ shared addresses -- */

struct uiommu_sva;

/*
 * Let the device use the addresses of an address space, with the handle's PASID:
 * it finds what the address space's owner finds there, or a fault; docs/sva.md
 * says how.  Counted by device and address space; all devices of one address
 * space have the same PASID and the same domain, also behind several units whose
 * hardware can walk its table.  `mm` stays until the last unbind.
 *   -ENODEV	the device can neither send page requests nor be stalled
 *   -EOPNOTSUPP  it has no PASIDs; the unit does not line up with the CPU
 *   -EINVAL	no `mm`, or mm->cpu says what no CPU can; it is not alone in its
 *		group, the fabric does not isolate PASIDs, its unit cannot use the
 *		domain that other devices use, or the PASID is beyond its own
 *   -ENOSPC	no PASID is left
 *   -EBUSY	this is a child of fork, and a device is bound from before it
 *   others	as subscribe of mm.h and set_pasid of driver.h
 * After an error all is as it was; a line in the log tells the reason.
 */
int uiommu_sva_bind(struct uiommu_device *dev, const struct uiommu_sva_mm *mm,
		    struct uiommu_sva **out);
/*
 * The last one waits until no access and no page fault of the device is under
 * way in the address space; what the device still asks for is answered Invalid.
 * Also after uiommu_device_release_owner(), which takes off what is bound (a bind
 * puts it back), and after uiommu_device_remove().  NULL is nothing.  Not from a
 * callback of the address space, nor from a page fault handler.
 */
void uiommu_sva_unbind(struct uiommu_sva *sva);
uint32_t uiommu_sva_pasid(const struct uiommu_sva *sva);

/*
 * The owner of a CPU's page table (uiommu_dom_cfg.cpu) has changed what it says
 * of [first, last]: returns when no device of the domain uses what was there.
 * -EINVAL: no such domain, or first > last; -ETIMEDOUT, -EIO: the hardware does
 * not answer.  Page faults of such a domain go to the handler that its owner has
 * set.
 */
int uiommu_sva_invalidate(struct uiommu_domain *domain, uint64_t first,
			  uint64_t last);

/* ----------------------------------------------------------------- MSI -- */

/*
 * Make the doorbell page at physical address `doorbell` reachable for the
 * group's devices: in the software MSI window of the
 * domain they use now, and of every domain attached later while it stays.
 * Stores the IOVA that devices must write to (the doorbell's own address where
 * messages are not translated, or the domain is an identity one).  Pages are of
 * 4 KiB; what was given a place keeps it for the core's life.  Domains of PASIDs
 * have no doorbells.  Behind a guest's tables the window is in the parent, and
 * uiommu_bind_guest_msi() of pasid_table.h gives doorbells other places.
 *   -ENOENT	nothing is attached: blocked
 *   -ENOSPC	there are more than 64 doorbell pages; the domain has bindings of a
 *		guest's, but none is free
 *   -EOPNOTSUPP  the domain's pages are larger
 *   others	as uiommu_domain_map()
 */
int uiommu_group_msi_map(struct uiommu_group *group, uiommu_pa_t doorbell,
			 uiommu_iova_t *iova);
/*
 * The same for a device that can write no higher than to `last`.
 *   -EOVERFLOW  the doorbell's place is above, and it is not mapped
 */
int uiommu_group_msi_map_within(struct uiommu_group *group,
				uiommu_pa_t doorbell, uiommu_iova_t last,
				uiommu_iova_t *iova);
/* The software MSI window's start, or false if the group has none. */
bool uiommu_group_msi_window(struct uiommu_group *group, uiommu_iova_t *window);

/* ------------------------------------------------------------- figures -- */

/* Counters since creation; not a snapshot. */
struct uiommu_core_stats {
	uint64_t maps;
	uint64_t unmaps;
	uint64_t map_bytes;
	uint64_t unmap_bytes;
	uint64_t domains_made;
	uint64_t domains_freed;
	uint64_t attaches;
	uint64_t faults;
	uint64_t iopf_groups;	 /* given to handlers */
	uint64_t iopf_withdrawn; /* of these: answered by the core */
	uint64_t pinned_bytes;	 /* now */
	uint64_t pinned_peak;
	uint64_t areas; /* now */
	uint64_t areas_peak;
	uint64_t table_bytes_peak; /* page tables of all domains */
};
void uiommu_core_stats(struct uiommu_core *core,
		       struct uiommu_core_stats *stats);

/*
 * What there is now as text (dump.h), of part OBJECTS: units, groups with their
 * devices and PASIDs, IOASes with their areas, domains, address spaces with what
 * is bound to them; of part QUEUES: page faults that wait.  Domains and IOASes have
 * numbers in the order of their making.  Each object is looked at under its own
 * locks; threads that end one wait while it is.
 */
void uiommu_core_dump(struct uiommu_core *core, const struct uiommu_dump *dump);
/*
 * A line of one's own in a dump, without its newline, `depth` things inside the
 * outermost; cut off beyond 1000 characters.
 */
void uiommu_dump_line(const struct uiommu_dump *dump, unsigned int depth,
		      const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#ifdef __cplusplus
}
#endif

#endif /* UIOMMU_CORE_H */
