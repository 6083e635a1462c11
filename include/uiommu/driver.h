/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * driver.h - the contract between the IOMMU core and a hardware driver.
 *
 * The core calls down through struct uiommu_driver_ops; the driver calls up
 * through struct uiommu_host_ops only.  A driver embeds the three public
 * structures below in its own.  A hypervisor without the core uses the ops
 * directly.
 *
 * Locking: the driver protects its own state; every op may be called from
 * several threads unless its comment says otherwise.  The caller serialises
 * attach on one device (the core: group lock).  No op is called inside a read
 * section of the platform.
 */
#ifndef UIOMMU_DRIVER_H
#define UIOMMU_DRIVER_H

#include <uiommu/nested.h>
#include <uiommu/pgtable.h>
#include <uiommu/platform.h>
#include <uiommu/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uiommu_unit;
struct uiommu_hwdev;
struct uiommu_hwdom;

enum uiommu_dom_type {
	UIOMMU_DOM_BLOCKED,  /* every access faults */
	UIOMMU_DOM_IDENTITY, /* no translation */
	UIOMMU_DOM_PAGING,   /* translated by a page table of ours */
	/*
	 * Translated by a page table that a CPU uses, for a PASID: whoever
	 * changes that table calls flush, with gathers that hold ranges only.
	 */
	UIOMMU_DOM_SHARED,
	/*
	 * Translated by a guest's tables, and what these say by a stage-2 domain:
	 * nested.h, whose ops make it.
	 */
	UIOMMU_DOM_NESTED,
};

/*
 * How a CPU translates, as its registers say.  Arm64: TTBR0_EL1, TCR_EL1 and
 * MAIR_EL1, of which the lower half of the address space is used.
 */
enum uiommu_cpu_kind {
	UIOMMU_CPU_ARM64 = 1,
};

struct uiommu_cpu_tables {
	enum uiommu_cpu_kind kind;
	uint64_t ttbr0;
	uint64_t tcr;
	uint64_t mair;
};

/* What one IOMMU can do, in words that no hardware owns. */
struct uiommu_unit_caps {
	uint64_t pgsizes; /* leaf sizes of a paging domain made by default */
	uint8_t ias;	  /* input bits of a paging domain made by default */
	uint8_t oas;	 /* and output bits: further up nothing can be mapped */
	uint8_t max_oas; /* output bits that uiommu_dom_cfg.oas may ask for */
	uint8_t max_pasid_lg2; /* 0: no PASIDs */
	uint32_t granules;     /* bit n: uiommu_dom_cfg.granule_lg2 may be n */
	bool stage2;	       /* UIOMMU_STAGE_2 domains */
	/* Walks and, when a domain asks for it, DMA are coherent with CPUs. */
	bool coherent;
	bool enforce_coherency;
	bool dirty_tracking;
	bool page_faults;
	bool ats;
	/*
	 * Interrupt messages of devices pass through the translation, so they
	 * need a mapping in each domain (Linux: SW_MSI).
	 */
	bool msi_translated;
	/* Interrupt messages cannot reach other owners' vectors. */
	bool msi_isolated;
};

struct uiommu_hwdev_cfg {
	const char *name;
	const uint32_t *ids; /* the hardware's names for it (StreamIDs) */
	unsigned int nr_ids;
	uint8_t pasid_bits; /* 0: the device has no PASIDs */
	bool ats;	    /* has an ATC: see uiommu_host_ops.set_ats */
	bool pri;	    /* sends page requests */
	bool pri_pasid;	    /* and wants the PASID in responses */
	bool stall;	    /* may be stalled by the IOMMU; not with `ats` */
	void *cookie;	    /* given back in faults */
};

/* Which of the hardware's stages translates; counts for PAGING. */
enum uiommu_stage {
	UIOMMU_STAGE_ANY, /* the first, where there is one */
	UIOMMU_STAGE_1,
	UIOMMU_STAGE_2, /* below a guest's own tables; takes no PASIDs */
};

/*
 * The hardware keeps track of the pages that devices write to, from the first
 * attach to the last (uiommu_unit_caps.dirty_tracking).
 */
#define UIOMMU_DOM_DIRTY (1u << 0)
/* PASIDs are to use it, so it is of a stage that they can. */
#define UIOMMU_DOM_PASID (1u << 1)
/* Of STAGE_2: guests' own tables are to stand above it, so the unit has both. */
#define UIOMMU_DOM_NEST_PARENT (1u << 2)

struct uiommu_dom_cfg {
	enum uiommu_dom_type type;
	/*
	 * The rest counts for PAGING; 0: as the unit likes it, which is what its
	 * caps tell.  A domain fits units that can walk its page table, so one
	 * with fewer bits fits more of them.
	 */
	enum uiommu_stage stage;
	uint8_t granule_lg2; /* the smallest page */
	uint8_t ias;	     /* input address bits */
	uint8_t oas;	     /* output address bits */
	uint32_t flags;	     /* UIOMMU_DOM_* */
	/* SHARED; copied.  Nothing else of this structure counts then. */
	const struct uiommu_cpu_tables *cpu;
	/*
	 * What a client asks for beyond that, in the words of its hardware; NULL:
	 * nothing.  Fetched, under the rules of nested.h, by those drivers that
	 * know its type; from others -EOPNOTSUPP.
	 */
	const struct uiommu_user_data *data;
};

/* A leaf of a page table that was written to. */
typedef void uiommu_dirty_fn(void *ctx, uiommu_iova_t iova, uint64_t size);

/* A translation fault or another event that a device caused. */
enum uiommu_fault_kind {
	UIOMMU_FAULT_TRANSLATION, /* nothing is mapped there */
	UIOMMU_FAULT_PERMISSION,
	UIOMMU_FAULT_ACCESS_FLAG,
	UIOMMU_FAULT_ADDR_SIZE,
	UIOMMU_FAULT_EXTERNAL_ABORT, /* a table could not be read */
	UIOMMU_FAULT_CONFIG,	     /* the device's entry is unusable */
	UIOMMU_FAULT_UNKNOWN_ID,     /* no entry for the device at all */
	UIOMMU_FAULT_OTHER,
};

#define UIOMMU_FAULT_WRITE (1u << 0)
#define UIOMMU_FAULT_INSTR (1u << 1)
#define UIOMMU_FAULT_PRIV (1u << 2)
#define UIOMMU_FAULT_STAGE2 (1u << 3)
#define UIOMMU_FAULT_STALLED (1u << 4) /* waits for op page_response */
/* By whoever had the device before: not for its domain's handler. */
#define UIOMMU_FAULT_BEFORE (1u << 5)

struct uiommu_fault {
	enum uiommu_fault_kind kind;
	uint32_t flags;
	uint32_t id;	/* of the device, as the hardware names it */
	uint32_t pasid; /* UIOMMU_NO_PASID: none */
	uiommu_iova_t iova;
	uint64_t ipa;	/* stage 2 only */
	void *cookie;	/* of uiommu_hwdev_cfg, NULL: unknown id */
	uint32_t token; /* with STALLED: for the response */
	/* The record as the hardware wrote it, for those who know it; 0: none */
	uint32_t raw_type;
	uint64_t raw[4];
};

/* A device's wish for a page of 4096 bytes (PCIe PRI). */
#define UIOMMU_PAGE_READ (1u << 0)
#define UIOMMU_PAGE_WRITE (1u << 1)
#define UIOMMU_PAGE_EXEC (1u << 2)
#define UIOMMU_PAGE_PRIV (1u << 3)
/* The group is complete, and is to be answered as one. */
#define UIOMMU_PAGE_LAST (1u << 4)
/* No wish: what comes later has nothing to do with what came before it. */
#define UIOMMU_PAGE_STOP (1u << 5)

struct uiommu_page_request {
	uint32_t flags;
	uint32_t id;	/* of the device, as the hardware names it */
	uint32_t pasid; /* UIOMMU_NO_PASID: none */
	uint32_t token; /* of the group */
	uiommu_iova_t iova;
	void *cookie; /* of uiommu_hwdev_cfg */
};

enum uiommu_page_code {
	UIOMMU_PAGE_SUCCESS, /* try again */
	UIOMMU_PAGE_INVALID, /* there is no such page */
	/* The same for a stalled access; the device stops sending requests. */
	UIOMMU_PAGE_FAILURE,
};

/* To a stalled fault, or to a group: what that said. */
struct uiommu_page_response {
	bool stalled;
	uint32_t id;
	uint32_t pasid;
	uint32_t token;
	enum uiommu_page_code code;
};

/*
 * Up-calls, all but set_ats made from the op `irq` with no lock of the driver
 * held.  They may call driver ops.
 *
 * One that an `irq` in another thread is just making may still carry the cookie
 * of a device when dev_remove has returned: keep what it names until the irqs
 * that were under way have returned, or look it up first.
 */
struct uiommu_host_ops {
	void (*report_fault)(void *host_ctx, struct uiommu_unit *unit,
			     const struct uiommu_fault *fault);
	/*
	 * Records were lost; NULL: log only.  Those of stalled accesses are lost
	 * only where the hardware cannot write its queue; then everything that
	 * was stalled on the unit has been aborted, and an answer to what was
	 * told finds nothing (-ENOENT).
	 */
	void (*faults_lost)(void *host_ctx, struct uiommu_unit *unit);

	/*
	 * A page request of a device with cfg.pri.  The host collects a group and
	 * calls op page_response once, now or later, after its LAST; never after
	 * a STOP, and not after dev_remove, which has answered by then.  A host
	 * that has this function answers stalled faults too.
	 * NULL: it cannot: groups are answered with Failure, nothing stalls.
	 */
	void (*report_page_request)(void *host_ctx, struct uiommu_unit *unit,
				    const struct uiommu_page_request *req);
	/*
	 * Page requests were lost: groups whose LAST has not come yet are to be
	 * forgotten.  The hardware has answered them, with Success (they will be
	 * asked for again) where there was no room, with Failure where it could
	 * not write its queue.  May be NULL.
	 */
	void (*page_requests_lost)(void *host_ctx, struct uiommu_unit *unit);

	/*
	 * An event that is a guest's: `len` bytes of the kernel's kind `type`, as
	 * its hardware would write them, for the vIOMMU that was made with `id`
	 * (which may have gone).  data NULL: some were lost.  -EOPNOTSUPP: the
	 * client takes no such events, it is the host's; -ENOMEM: it is lost, and
	 * the client told so.  A fault of stage 2, which is the host's in any
	 * case, comes by report_fault as well.  NULL: as -EOPNOTSUPP.
	 */
	int (*report_vevent)(void *host_ctx, struct uiommu_unit *unit,
			     uint64_t id, uint32_t type, const void *data,
			     size_t len);

	/*
	 * Turn ATS of a device with cfg.ats on or off, and with it PRI.  Called
	 * from attach, set_pasid and dev_remove, and, when it does not obey, from
	 * flush, flush_all, read_dirty and irq; no lock of the caller's may be in
	 * the way.  On: the hardware is ready for it and the ATC has been emptied.
	 * Off: when it returns the device's later accesses are untranslated, and
	 * those under way are told by their completions (the driver waits for
	 * invalidations it sends).  It goes off and on again around a change that
	 * passes through a state without ATS (attach: between stage 2 and the
	 * rest).  A lock of the driver is held: no op may be called but
	 * page_response.
	 * NULL: uiommu_hwdev.ats says what the device may do; whoever turns it
	 * on has to turn it off before an attach that ends that.
	 */
	void (*set_ats)(void *host_ctx, struct uiommu_unit *unit, void *cookie,
			bool enable);
};

struct uiommu_driver_ops {
	const char *name;

	/*
	 * Quiesce the hardware and free the unit.  No device is left on it, and
	 * no domain that it made.
	 */
	void (*remove)(struct uiommu_unit *unit);
	void (*caps)(struct uiommu_unit *unit, struct uiommu_unit_caps *caps);
	/*
	 * What the kernel's GET_HW_INFO reports: *type is the kernel's number;
	 * up to `len` bytes go into buf; returns the full size.
	 */
	size_t (*hw_info)(struct uiommu_unit *unit, uint32_t *type, void *buf,
			  size_t len);
	/*
	 * An interrupt of the unit: the driver's own numbering of lines.  Never
	 * called from inside another op in the same thread.
	 */
	void (*irq)(struct uiommu_unit *unit, unsigned int line);

	/*
	 * Make a device known; all its DMA is blocked from here to its first
	 * attach.  -EINVAL: no ids; -EEXIST: an id is taken; -ERANGE: beyond what
	 * the hardware names (a line in the log tells which); -ENOMEM; -ETIMEDOUT
	 * or -EIO as for flush.
	 */
	int (*dev_add)(struct uiommu_unit *unit,
		       const struct uiommu_hwdev_cfg *cfg,
		       struct uiommu_hwdev **out);
	/*
	 * What is attached is detached, PASIDs with a line in the log.  ATS goes
	 * off; page request groups that the host was told of in whole and has not
	 * answered are answered with INVALID, stalled accesses are aborted: the
	 * host must not answer either any more.  What the device has left in the
	 * hardware's queues is nobody's: groups are answered in the same way,
	 * faults have no cookie and are not stalled, also when a device with the
	 * same ids has been added meanwhile.
	 */
	void (*dev_remove)(struct uiommu_hwdev *dev);

	/*
	 * -EOPNOTSUPP: the unit has no such domains, or does not translate as
	 * the CPU does; -EINVAL: nobody has, or no CPU does (a line in the log
	 * tells the reason of either), or NESTED; -ENOMEM.
	 */
	int (*dom_alloc)(struct uiommu_unit *unit,
			 const struct uiommu_dom_cfg *cfg,
			 struct uiommu_hwdom **out);
	/* No device is attached to it any more. */
	void (*dom_free)(struct uiommu_hwdom *dom);

	/*
	 * Make `dev` use `dom` for its accesses without PASID, in place of what
	 * it used; accesses find the old or the new one at every instant (one
	 * stage 2, the other not: or are aborted).  A domain may serve many
	 * devices, also behind other units of the driver whose hardware can walk
	 * its page table.  Everything that can fail comes before the first
	 * change.  When it returns 0 no access that began later, and none
	 * cached, uses the old domain.
	 *   -EINVAL	the domain does not fit the device's unit, or is SHARED (a
	 *		line in the log tells the reason)
	 *   -EBUSY	the device has PASIDs in use, which cannot stand beside
	 *		this domain (stage 2)
	 *   -ENOSPC	no address space id (ASID, VMID) is left
	 *   -ENOMEM
	 *   -ETIMEDOUT, -EIO  the hardware does not answer: the device is left
	 *		with no domain (dom NULL), without ATS and, until a later
	 *		call succeeds, blocked with all its PASIDs; a domain that
	 *		is freed keeps what the hardware may still read
	 * A device whose ATC does not obey is no failure: it loses ATS for good
	 * (a line in the log, set_ats, uiommu_hwdev.ats) and is attached.
	 *
	 * What waits for an answer, stalled or a page request group, goes on to
	 * wait for it; a stalled access that is tried again finds the new domain.
	 */
	int (*attach)(struct uiommu_hwdom *dom, struct uiommu_hwdev *dev);

	/*
	 * The same for the accesses with `pasid`, which use `old` now (NULL:
	 * they are aborted) and `dom` after it (NULL: aborted).  NULL for both,
	 * or the same domain again, is nothing.  PASIDs keep their domains while
	 * the device itself is attached to another one, a blocked or identity
	 * domain included.  NULL: the driver has no PASIDs.
	 *   -EOPNOTSUPP  the device or the unit has no PASIDs
	 *   -EINVAL	pasid is 0 or beyond the device's; it does not have `old`;
	 *		dom is no stage-1 domain that fits; the device's own
	 *		domain is a stage-2 domain
	 *   -EBUSY	old is NULL and the PASID has a domain
	 *   -ENOSPC, -ENOMEM, as for attach; a detach needs neither
	 *   -ETIMEDOUT, -EIO  as for attach; the PASID has no domain any more
	 */
	int (*set_pasid)(struct uiommu_hwdom *dom, struct uiommu_hwdev *dev,
			 uint32_t pasid, struct uiommu_hwdom *old);

	/*
	 * Make the hardware forget the gather's ranges, everywhere the domain is
	 * in use, and wait until it has.  The caller releases the gather after
	 * success.  -ETIMEDOUT or -EIO: the hardware does not answer; then what
	 * the gather holds must not be freed.  A device whose ATC does not obey,
	 * asked once more for itself, loses ATS for good as in attach, which is
	 * success: what it holds is not believed any more.  One that the hardware
	 * waits for longer than the driver makes this -ETIMEDOUT, and is asked
	 * again by irq when the hardware gives it up.
	 */
	int (*flush)(struct uiommu_hwdom *dom,
		     const struct uiommu_gather *gather);
	/* The same for all addresses of the domain. */
	int (*flush_all)(struct uiommu_hwdom *dom);

	/*
	 * Report what devices have written to in [iova, iova + len) since it was
	 * mapped or last cleared, clear that unless flags say
	 * UIOMMU_DIRTY_NO_CLEAR, and make the hardware forget it: a write that
	 * begins after the return is in a later answer, and one of before in
	 * this one, its data in memory.  Tracking begins by a call whose answer
	 * is dropped.  NULL: no such domains.
	 *   -EOPNOTSUPP  the domain was made without UIOMMU_DOM_DIRTY
	 *   -EINVAL, -ERANGE  as uiommu_pgtable_read_and_clear_dirty()
	 *   -ETIMEDOUT, -EIO  as for flush: what was reported is cleared, but
	 *		writes that came meanwhile may be in no answer
	 */
	int (*read_dirty)(struct uiommu_hwdom *dom, uiommu_iova_t iova,
			  uint64_t len, uint32_t flags, uiommu_dirty_fn *fn,
			  void *ctx);

	/*
	 * Answer a stalled fault or a page request group of `dev`, once, with the
	 * id, token and, for a group, pasid that were told.  The driver adds the
	 * PASID to the response where cfg.pri_pasid.  0; -ENOENT: nothing like
	 * that waits; -EINVAL: id is not the device's, or the code is unknown;
	 * -ETIMEDOUT or -EIO: the hardware does not answer, and the answer is
	 * spent.  NULL: neither happens.
	 */
	int (*page_response)(struct uiommu_hwdev *dev,
			     const struct uiommu_page_response *resp);

	/* Guests; NULL: none. */
	const struct uiommu_nested_ops *nested;

	/* Counters: the i-th as a name and a value; false past the end. */
	bool (*counter)(struct uiommu_unit *unit, unsigned int i,
			const char **name, uint64_t *value);
};

/* The parts of a driver's objects that its callers see; read-only for them. */
struct uiommu_unit {
	const struct uiommu_driver_ops *ops;
	const struct uiommu_platform *platform;
	const struct uiommu_host_ops *host;
	void *host_ctx;
};

struct uiommu_hwdev {
	struct uiommu_unit *unit;
	const char *name;
	void *cookie;
	struct uiommu_hwdom *dom; /* current, NULL before the first attach */
	bool ats;		  /* the hardware lets it use ATS */
	/* Its page requests or stalled accesses reach the host; constant. */
	bool page_faults;
};

struct uiommu_hwdom {
	struct uiommu_unit *unit;
	enum uiommu_dom_type type;
	/* The page table that map and unmap work on; NULL unless PAGING. */
	struct uiommu_pgtable *pt;
	/*
	 * Where the hardware takes less than its page table could hold: leaf
	 * sizes and addresses of the domain.  pgsizes 0: as the page table's.
	 */
	uint64_t pgsizes;
	struct uiommu_range aperture;
};

#ifdef __cplusplus
}
#endif

#endif /* UIOMMU_DRIVER_H */
