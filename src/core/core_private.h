/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * core_private.h - what the files of the core share, and the lock order of the
 * whole project.
 *
 * Nouns.  A *unit* is one IOMMU, run by a driver.  A *device* belongs to a
 * unit and to a *group*, the smallest set that can be isolated.  A *domain* is
 * one translation that groups attach to.  An *IOAS* is an address space: a set
 * of *areas*, each a range of IOVA backed by part of a *pages* object, kept
 * the same in all domains of the IOAS.  A pages object is a range of user
 * memory; the parts of it that areas in use need are pinned, as *segments*,
 * each a list of physically contiguous *runs*.
 *
 * THE LOCK ORDER.  A thread takes locks only downwards in this list.  Each
 * line is held, if at all, by one thread for one object of its kind, except
 * where it says otherwise.
 *
 *	 1  launch/	what keeps the client's file descriptors
 *	 2  abi/	a context's or container's own lock
 *	 3  abi/	one object's lock (group state of a context, device)
 *	3a  core	uiommu_core.sva_lock
 *	 4  core	uiommu_core.dump_lock, then uiommu_domain.bind_lock (several
 *			by ascending addresses), then uiommu_group.lock
 *	4a  core	uiommu_domain.lock (never two domains at a time), or
 *			uiommu_viommu.lock
 *	4b  core	uiommu_access.lock
 *	 5  core	uiommu_ioas.domains_lock (never two IOASes at a time)
 *	 6  core	uiommu_ioas.lock (never two IOASes at a time)
 *	 7  core	core_pages.lock
 *	 8  core	uiommu_domain.msi_lock
 *	 9  core	uiommu_core.lock
 *	10  core	core_iopf.lock
 *	10a core	core_sva_mm.lock (with what an address space's hold does)
 *	11  embedder	behind uiommu_mm.pin and unpin (pins, client memory)
 *	12  driver	a unit's lists, then a domain's, then its queues' locks
 *	13  platform	the host's own
 *	14  model	behind register accesses; never calls back up
 *
 * Page tables have no lock.  Up-calls (faults, interrupts) are made with no
 * lock of 4 to 14 held, but set_ats with the driver's lock of the device.  A
 * thread that detaches or replaces a domain waits for page fault handlers, with
 * locks of 1 to 3a held perhaps and none of the others.  Read sections of the
 * platform are not locks: none of 1 to 12 is taken inside one.
 *
 * Every allocation of the core goes through core_alloc, every lock through
 * core_mutex_init and core_rwlock_init.
 */
#ifndef CORE_PRIVATE_H
#define CORE_PRIVATE_H

#include <pthread.h>

#include <uiommu/core.h>
#include <uiommu/env.h>

#include "base/atomic.h"
#include "base/bits.h"
#include "base/list.h"
#include "base/overflow.h"
#include "itree.h"

/* ------------------------------------------------------------ registry -- */

struct core_unit {
	struct list node; /* in uiommu_core.units */
	struct uiommu_unit *unit;
	struct uiommu_unit_caps caps;
	struct uiommu_hwdom *blocked; /* for all its devices at rest */
};

/*
 * A doorbell page's place in the software MSI window: slot = index.  Where it has
 * another place, or none, the slot is its number.
 */
#define CORE_MSI_SLOTS 64
struct core_msi_slot {
	uiommu_iova_t window;
	uiommu_pa_t page;
};

/* PASIDs that are given out: see pasid_alloc.c. */
#define CORE_PASID_BITS 20
#define CORE_PASID_WORDS (1u << (CORE_PASID_BITS - 6))
#define CORE_PASID_CHUNKS (CORE_PASID_WORDS / 64)
struct core_pasid_ids {
	uint64_t *chunk[CORE_PASID_CHUNKS]; /* 64 words each, or NULL */
	uint16_t used[CORE_PASID_CHUNKS];   /* bits set in it */
	uint64_t full[CORE_PASID_CHUNKS];   /* a bit for each full word */
	uint64_t all_full[CORE_PASID_CHUNKS / 64];
};

/* Lists of devices, so that a fault's device is found without a walk. */
#define CORE_DEVICE_LISTS_LG2 8
#define CORE_DEVICE_LISTS (1u << CORE_DEVICE_LISTS_LG2)

struct uiommu_core {
	const struct uiommu_platform *platform;
	struct uiommu_core_cfg cfg;
	uint64_t page_size;		/* of this process */
	struct uiommu_core_stats stats; /* each member atomic */
	uint64_t table_bytes; /* of all domains as last seen; atomic */
	uint64_t iopf_ids;    /* of page fault groups; atomic */
	uint64_t event_ids;   /* of vIOMMUs; atomic */

	/* One dump at a time; it protects the numbers of domains and IOASes. */
	pthread_mutex_t dump_lock;

	/* Protects the members below. */
	pthread_mutex_t lock;
	struct list units;
	struct list groups; /* ascending ids */
	struct list devices;
	struct list device_at[CORE_DEVICE_LISTS]; /* the same, by address */
	struct list domains; /* in the order of their making, like ioases */
	struct list ioases;
	struct core_msi_slot msi[CORE_MSI_SLOTS]; /* never taken back */
	unsigned int nr_msi;
	struct core_pasid_ids pasids;
	struct list event_sources; /* of vIOMMUs */
	struct list abandoned; /* core_pages that stay pinned, a ref on each */
	struct list revocable; /* core_pages that can be */

	/* Protects sva_spaces and what hangs on it, with `lock`: sva.c. */
	pthread_mutex_t sva_lock;
	struct list sva_spaces;
};

/* Nobody has a PASID any more, or nobody will look. */
void core_pasid_ids_fini(struct uiommu_core *core);
/*
 * The IOAS behind `ioas` in the order of their making, held, which that no longer
 * is.  NULL before the first one and behind the last.
 */
struct uiommu_ioas *core_next_ioas(struct uiommu_core *core,
				   struct uiommu_ioas *ioas);
/* Put an object, finished, at the end of one of the lists above. */
void core_list(struct uiommu_core *core, struct list *head, struct list *node);
/*
 * Take an object off one of the lists above, before it ends, once no dump holds
 * it (`held` counts those; core lock).  No lock of the object or of the core may
 * be held but those of groups and above.  `held` NULL: none ever does, there is
 * nothing to wait for.
 */
void core_unlist(struct uiommu_core *core, struct list *node,
		 const uint32_t *held);

void *core_alloc(struct uiommu_core *core, size_t size);
void core_free(struct uiommu_core *core, void *obj);
int core_mutex_init(pthread_mutex_t *lock);
/* Waiting writers come first, so that readers cannot starve them. */
int core_rwlock_init(pthread_rwlock_t *lock);
void core_log(struct uiommu_core *core, enum uiommu_log_level level,
	      const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/*
 * A call is over: if it was refused, a line for debugging says which one ("FMT:
 * refused (RC)").  Returns rc.
 */
int core_told(struct uiommu_core *core, int rc, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Add to a counter; with a peak, raise that too. */
void core_count(uint64_t *counter, uint64_t add);
void core_gauge(uint64_t *gauge, uint64_t *peak, int64_t add);

/* ------------------------------------------------------ IO page faults -- */

/* A device's faults that wait, and who answers them. */
struct core_iopf {
	/* Protects the lists and the counts of what stands in them. */
	pthread_mutex_t lock;
	struct list atts;    /* core_iopf_att, the newest first */
	struct list partial; /* requests without their group's last, by age */
	unsigned int nr_partial;
	struct list groups; /* that have not been answered, by age */
};

void core_iopf_init(struct core_iopf *iopf);

/*
 * A domain with a handler comes into use, before the hardware is told, for all
 * devices of a group (and their accesses with `pasid`): from here on its handler
 * is called, in place of that of an earlier one.  -ENODEV: a device cannot wait;
 * -ENOMEM.  Nothing for a domain without a handler, or NULL.  Group lock held.
 */
int core_iopf_begin(struct uiommu_group *group, uint32_t pasid,
		    struct uiommu_domain *dom);
/*
 * It goes out of use, after the hardware has been told: no group comes to it any
 * more.  Groups that it still has are withdrawn by core_group_unlock.  Group lock
 * held.
 */
void core_iopf_end(struct uiommu_group *group, uint32_t pasid,
		   const struct uiommu_domain *dom);
/*
 * Forget requests of the group's devices whose last has not come yet: they are known
 * from those of later by nothing.  Group lock held.
 */
void core_iopf_drop(struct uiommu_group *group);
/* All of a device that is about to go. */
void core_iopf_end_all(struct uiommu_device *dev, struct list *ended);
/*
 * Wait for the handlers, answer and withdraw the groups that ended uses still
 * have.  No lock of the core held.
 */
void core_iopf_finish(struct list *ended);

/* What a driver reports of a device that is held. */
void core_iopf_request(struct uiommu_device *dev,
		       const struct uiommu_page_request *req);
/* A stalled fault.  False: nobody takes it, so it has been ended. */
bool core_iopf_stalled(struct uiommu_device *dev,
		       const struct uiommu_fault *fault);
/* Forget the requests of all groups of a unit that have no last yet. */
void core_iopf_lost(struct uiommu_core *core, const struct uiommu_unit *unit);
/* Nobody took it: tell the embedder, or the log. */
void core_fault_unowned(struct uiommu_device *dev,
			const struct uiommu_fault *fault);

/* ------------------------------------------------------ guests' events -- */

/* A vIOMMU as drivers know it, and who takes what it reports: event.c. */
struct core_event_source {
	struct list node;  /* uiommu_core.event_sources; core lock */
	uint64_t id;	   /* constant */
	struct list sinks; /* core lock */
};

void core_events_open(struct uiommu_core *core, struct core_event_source *src,
		      uint64_t id);
/* Nobody takes its events any more. */
void core_events_close(struct uiommu_core *core, struct core_event_source *src);
/* As uiommu_viommu_set_events() and uiommu_viommu_clear_events(). */
int core_events_set(struct uiommu_core *core, struct core_event_source *src,
		    uint32_t type, uiommu_vevent_fn *fn, void *ctx);
void core_events_clear(struct uiommu_core *core, struct core_event_source *src,
		       uint32_t type);
/* The up-call. */
int core_report_vevent(void *host_ctx, struct uiommu_unit *unit, uint64_t id,
		       uint32_t type, const void *data, size_t len);

/* -------------------------------------------------- devices and groups -- */

struct uiommu_device {
	struct uiommu_core *core;
	struct core_unit *cunit;
	struct uiommu_group *group;
	struct uiommu_hwdev *hw;
	struct list core_node;	/* uiommu_core.devices; core lock */
	struct list at_node;	/* uiommu_core.device_at; core lock */
	struct list group_node; /* uiommu_group.devices; group lock */
	uint32_t reports;	/* of faults, under way; atomic */
	struct core_iopf iopf;
	void (*set_ats)(void *cookie, bool enable); /* NULL: none; constant */
	void *cookie;		/* the embedder's; constant */
	uint8_t pasid_bits;	/* its own and the unit's; 0: none */
	bool routes_by_address; /* as uiommu_device_cfg */
	bool pasid_exec;
	bool pasid_priv;
	bool ats;			    /* its own and the unit's */
	bool aux_enabled;		    /* group lock */
	struct uiommu_vdevice *vdev;	    /* or NULL; group lock */
	struct uiommu_domain *fault_domain; /* told of its faults; core lock */
	char *name;
	unsigned int nr_resv;
	struct uiommu_resv_region resv[]; /* ascending; fixed */
};

/* A PASID of a group and its domain. */
#define CORE_PASID_AUX BIT32(0)	 /* put there by uiommu_aux_attach */
#define CORE_PASID_LOST BIT32(1) /* the hardware has nothing there: pasid.c */
#define CORE_PASID_SVA BIT32(2)	 /* put there by uiommu_sva_bind */
struct core_pasid {
	uint32_t pasid; /* 0: an empty place */
	uint32_t flags;
	struct uiommu_domain *dom;
};

/* All of a group: pasid_map.c. */
struct core_pasid_map {
	struct core_pasid *at;
	uint32_t size; /* places, a power of two or 0 */
	uint32_t nr;   /* in use */
	uint32_t low;  /* all places below are empty */
};

struct uiommu_group {
	struct uiommu_core *core;
	struct list core_node; /* uiommu_core.groups; core lock */
	uint32_t held;	       /* by dumps; core lock */
	unsigned int id;

	/* Protects the members below. */
	pthread_mutex_t lock;
	struct list devices;
	unsigned int nr_devices;
	void *owner;
	unsigned int owner_count;
	struct uiommu_domain *domain; /* attached, or NULL */
	struct core_binding *binding; /* what its devices have of `domain`;
				       * NULL: that itself */
	struct uiommu_domain *def;    /* at rest; NULL: blocked; fixed by the
				       * first device */
	enum uiommu_default_domain def_kind;
	uint64_t msi_slots;	      /* doorbells that each domain must have */
	struct core_pasid_map pasids; /* of all its devices */
	uint32_t nr_aux;	      /* of them, auxiliary */
	struct list iopf_ended;	      /* for core_group_unlock */
};

/* A domain, and what is bound to it, as devices have them. */
struct core_place {
	struct uiommu_domain *dom;    /* NULL: blocked */
	struct core_binding *binding; /* NULL: the domain itself */
};

/* The list of device_at that a device at this address is in. */
struct list *core_device_list(struct uiommu_core *core, const void *dev);

/* Wherever a domain may have gone out of use: ends that, without the lock. */
void core_group_unlock(struct uiommu_group *group);

int core_group_create(struct uiommu_core *core, struct uiommu_group **out);
/*
 * Tells the driver of the device, whose configuration is cfg but for `hw`, and
 * attaches it to the default domain; frees a group that stays empty on error.
 */
int core_group_join(struct uiommu_group *group, struct uiommu_device *dev,
		    const struct uiommu_hwdev_cfg *hw,
		    const struct uiommu_device_cfg *cfg);
/* The driver forgets the device; frees the group with its last one. */
void core_group_leave(struct uiommu_group *group, struct uiommu_device *dev);
/* The domain its devices use, NULL: blocked.  Group lock held. */
struct uiommu_domain *core_group_current(const struct uiommu_group *group);
/* What the hardware has for a device of the group.  Group lock held. */
struct uiommu_hwdom *core_group_hwdom(const struct uiommu_group *group,
				      const struct uiommu_device *dev);
/*
 * The group behind `group` by ascending ids, held, which that no longer is.  NULL
 * before the first one and behind the last.
 */
struct uiommu_group *core_next_group(struct uiommu_core *core,
				     struct uiommu_group *group);

/* -------------------------------------------------------------- PASIDs -- */

/* Group lock held for all of these. */

/* The entry of a PASID or NULL; pointers hold until the next change. */
struct core_pasid *core_pasid_find(const struct core_pasid_map *map,
				   uint32_t pasid);
/* Any entry, NULL: there is none. */
struct core_pasid *core_pasid_any(struct core_pasid_map *map);
/* An entry with this mark, which there is. */
struct core_pasid *core_pasid_marked(const struct core_pasid_map *map,
				     uint32_t flag);
/* Make room for one more.  -ENOMEM. */
int core_pasid_reserve(struct uiommu_core *core, struct core_pasid_map *map);
/* The room is not needed after all. */
void core_pasid_unreserve(struct uiommu_core *core, struct core_pasid_map *map);
/* Into the room that was made; the PASID is not there yet. */
void core_pasid_insert(struct core_pasid_map *map,
		       const struct core_pasid *entry);
void core_pasid_erase(struct uiommu_core *core, struct core_pasid_map *map,
		      struct core_pasid *entry);

/* Could any PASID of the device be used, were it alone in its group? */
bool core_pasid_usable(const struct uiommu_device *dev);
/*
 * As uiommu_device_pasid_attach; the caller counts the domain, before it, and
 * after a detach no longer.
 */
int core_pasid_attach(struct uiommu_device *dev, uint32_t pasid,
		      struct uiommu_domain *dom, uint32_t flags);
/* Whatever the hardware says, the entry is gone. */
void core_pasid_detach(struct uiommu_group *group, struct core_pasid *entry);
/* What was forgotten, with a line in the log; the domains are let go. */
void core_pasid_detach_all(struct uiommu_group *group, const char *when);
/* Take an auxiliary domain off the group and let it go. */
void core_aux_drop(struct uiommu_group *group, struct core_pasid *entry);

/* ------------------------------------------------------------- domains -- */

/* What a domain is for, from its first attach on. */
enum core_use {
	CORE_USE_NONE,
	CORE_USE_NORMAL, /* groups, and PASIDs by number */
	CORE_USE_AUX,	 /* auxiliary: aux.c */
};

struct uiommu_domain {
	struct uiommu_core *core;
	struct list core_node;	 /* uiommu_core.domains; core lock */
	uint32_t held;		 /* by dumps; core lock */
	unsigned int number;	 /* in a dump; dump_lock */
	struct core_unit *cunit; /* it was made for; others may use it too */
	struct uiommu_hwdom *hw;
	struct uiommu_dom_cfg cfg;
	struct uiommu_pgtable_info info; /* zero unless PAGING */
	bool coherency;			 /* promised */
	const void *owner;		 /* its maker, and */
	void *user;			 /* what that knows it by */
	bool keep_pasids;		 /* for the maker */
	struct core_sva_mm *sva;	 /* of an address space, or NULL */
	/* NESTED: what it is over, and whose it is (NULL: the parent's alone). */
	struct uiommu_domain *parent;
	struct uiommu_viommu *viommu;
	uint32_t children; /* nested domains and vIOMMUs over it; atomic, and
			    * written with `lock` held */

	/*
	 * A guest's PASID table over it: pasid_table.c.  bind_lock is held shared
	 * by who attaches a group or looks at `binding`, exclusively by who
	 * changes it and moves the groups; never while a handler is waited for.
	 */
	pthread_rwlock_t bind_lock;
	struct core_binding *binding; /* NULL: none */
	uint32_t bound; /* or about to be; atomic, written with `lock` held */

	/* Who takes faults; core lock. */
	uiommu_domain_fault_fn *fault_fn;
	void *fault_ctx;
	/* Changes so far; atomic, written when the other turn has no calls. */
	uint32_t fault_turn;
	/* Calls under way, by turns; atomic, raised under that lock. */
	uint32_t fault_calls[2];

	/* Protects the members below; held over calls of the driver. */
	pthread_mutex_t lock;
	bool dirty_tracking;
	enum core_use use;
	bool used;	   /* has been attached: `use` stays */
	uint32_t attached; /* users: groups, PASIDs; read by an atomic */
	/* Auxiliary, and while a device has it: */
	struct {
		struct uiommu_domain *parent; /* of every device */
		uint32_t pasid;		      /* on every device */
		uint32_t nr;		      /* devices */
	} aux;

	uint32_t dead;	      /* a flush failed: nothing is freed; atomic */
	uint64_t table_bytes; /* as last counted; atomic */

	/* Page faults; constant from the first attach on.  NULL: no handler. */
	const struct uiommu_iopf_ops *iopf_ops;
	void *iopf_ctx;

	/* Protects the members below, over the mappings that make them true. */
	pthread_mutex_t msi_lock;
	uint64_t msi_slots;	  /* doorbells in the window */
	struct list msi_bindings; /* core_msi_binding, the oldest first */

	/* Of the IOAS it is in; its domains_lock. */
	struct list ioas_node;
	struct uiommu_ioas *ioas;
};

/* Made in three steps: with its locks, for a unit; -ENOMEM; */
int core_domain_new(struct uiommu_core *core, struct core_unit *cunit,
		    struct uiommu_domain **out);
/* without the driver's part after all; or with it, for all to see. */
void core_domain_discard(struct uiommu_domain *dom);
void core_domain_publish(struct uiommu_domain *dom);
/* A domain, nested or not, is freed: what it rests on has a child less. */
void core_nested_close(struct uiommu_domain *dom);
/* The hardware may use it for ever, and what it rests on. */
void core_domain_lose(struct uiommu_domain *dom);
/* Could guests' tables stand above it, on such hardware? */
bool core_domain_takes_guests(const struct uiommu_domain *dom,
			      const struct core_unit *cunit);
/* The one with the page table of ours, if any: a nested one has its parent's. */
static inline struct uiommu_domain *core_domain_table(struct uiommu_domain *dom)
{
	return dom->parent ? dom->parent : dom;
}
/*
 * May the device use the domain, as far as the core knows?  The driver knows
 * more.  -EINVAL, with a line in the log.
 */
int core_domain_check(const struct uiommu_domain *dom,
		      const struct uiommu_device *dev);
/*
 * One user more, before it is attached.  -EINVAL, with a line in the log: it is
 * for another use.
 */
int core_domain_get(struct uiommu_domain *dom, enum core_use use);
int core_domain_get_locked(struct uiommu_domain *dom, enum core_use use);
/* One less; was it ever attached by this user? */
void core_domain_put(struct uiommu_domain *dom, bool used);
void core_domain_put_locked(struct uiommu_domain *dom, bool used);
uint64_t core_domain_granule(const struct uiommu_domain *dom);
/* Bring the figures up to date after tables came or went. */
void core_domain_count_tables(struct uiommu_domain *dom);
/* As uiommu_pgtable_map, with the flushes it asks for; `step` 0: any leaf. */
int core_domain_map(struct uiommu_domain *dom, uiommu_iova_t iova,
		    uiommu_pa_t pa, uint64_t len, uint32_t prot, uint64_t step);
/* Unmap and gather; what is gathered still waits for core_domain_flush. */
int core_domain_unmap(struct uiommu_domain *dom, uiommu_iova_t iova,
		      uint64_t len, struct uiommu_gather *gather,
		      uint64_t *unmapped);
/*
 * Make the hardware forget, then free the tables.  On error the domain is dead
 * and nothing that the hardware might still use may be freed.
 */
int core_domain_flush(struct uiommu_domain *dom, struct uiommu_gather *gather);

/*
 * Faults of the group's devices are told to `dom` (NULL: the embedder) from now on.
 * Group lock held.
 */
void core_faults_to(struct uiommu_group *group, struct uiommu_domain *dom);
void core_device_faults_to(struct uiommu_device *dev,
			   struct uiommu_domain *dom);
/* Nobody is told of the domain any more, and nobody is being. */
void core_faults_close(struct uiommu_domain *dom);

/*
 * Give `dom` the doorbells in `slots`: while it has bindings, one of these each,
 * else a place in the window.  On error it has those it had.
 */
int core_msi_install(struct uiommu_domain *dom, uint64_t slots);
/* The domain ends; its page table is of no use any more. */
void core_msi_close(struct uiommu_domain *dom);

/* ------------------------------------------------- shared address spaces -- */

/* What the driver is asked for; cfg without an address space: no change. */
int core_sva_shape(const struct uiommu_domain_cfg *cfg,
		   struct uiommu_dom_cfg *hw);
/* Keep a new domain in step with the address space, and answer its faults. */
int core_sva_open(struct uiommu_domain *dom, const struct uiommu_sva_mm *mm);
/* Not any more; nothing is attached.  Any domain. */
void core_sva_close(struct uiommu_domain *dom);
/* Not in a child of fork, to which it has come from its parent. */
bool core_sva_lives(const struct uiommu_domain *dom);
/* Whatever the first flush has to allocate is allocated here. */
void core_sva_try_flush(struct uiommu_domain *dom);
/* The device is about to go; what is bound stays as handles that lead nowhere. */
void core_sva_forget(struct uiommu_device *dev);
/* The address spaces and what is bound to them; the dump lock is held. */
void core_sva_dump(struct uiommu_core *core, const struct uiommu_dump *to);

/* --------------------------------------------------------------- pages -- */

/* From byte offset `off` to the next run's, or to the end of its segment. */
struct core_run {
	uint64_t off;
	uiommu_pa_t pa;
	bool mmio;
};

/* Bytes [first, last] of a pages object, pinned; whole pages. */
struct core_seg {
	struct itree_node node; /* keyed by byte offset */
	uint32_t refs;		/* areas, and pins of accesses, that need it */
	unsigned int nr_runs, max_runs;
	struct core_run *runs; /* &one, or in `mem` */
	struct core_run *mem;  /* NULL: none */
	struct core_run one;
};

struct core_pages {
	struct uiommu_core *core;
	struct uiommu_mm mm;
	uint64_t base;	       /* user address, start of a page */
	uint32_t pin_flags;    /* UIOMMU_PIN_* */
	uint32_t refs;	       /* areas; atomic */
	struct list abandoned; /* in uiommu_core.abandoned; core lock */
	struct list revocable; /* in uiommu_core.revocable; core lock */
	bool revoked;	       /* not to be mapped any more; atomic */

	/* Protects segs, and what is mapped by reading them. */
	pthread_mutex_t lock;
	struct itree segs;
};

int core_pages_create(struct uiommu_core *core, const struct uiommu_mm *mm,
		      uint64_t uva, uint32_t pin_flags,
		      struct core_pages **out);
struct core_pages *core_pages_get(struct core_pages *pages);
void core_pages_put(struct core_pages *pages);
/* What is pinned now stays so for good; the core keeps the books. */
void core_pages_abandon(struct core_pages *pages);
/* The core ends: forget the books, not the pins. */
void core_pages_forget(struct core_pages *pages);
/* Caller holds pages->lock for these; offsets in bytes, inclusive. */
int core_pages_pin(struct core_pages *pages, uint64_t first, uint64_t last);
void core_pages_unpin(struct core_pages *pages, uint64_t first, uint64_t last);
/* Make [.., at) and [at, ..) independent halves of something pinned. */
int core_pages_cut(struct core_pages *pages, uint64_t at);

/* Walk the runs of [first, last], neighbours joined. */
struct core_run_iter {
	struct core_seg *seg;
	unsigned int run;
	uint64_t at, end; /* [at, end) is to be given */
};
void core_runs_begin(struct core_run_iter *it, struct core_pages *pages,
		     uint64_t first, uint64_t last);
bool core_runs_next(struct core_run_iter *it, struct uiommu_run *run);

/* ---------------------------------------------------------------- IOAS -- */

enum core_area_state {
	CORE_AREA_BUILDING, /* its maker pins and maps */
	CORE_AREA_READY,
	CORE_AREA_DYING, /* its end has begun */
};

/*
 * [node.first, node.last] of IOVA shows bytes of `pages` from `offset`.  The
 * node and the offset change only by a cut, under both locks exclusively.
 */
struct core_area {
	struct itree_node node; /* in uiommu_ioas.areas */
	struct list batch;	/* of the call that makes or unmaps it */
	struct core_pages *pages;
	uint64_t offset; /* in bytes from pages->base */
	/*
	 * Pins of accesses, and those of them that lock; atomic.  They rise with
	 * the IOAS lock held and keep the area as it is: it is neither cut nor
	 * begins to end.
	 */
	uint32_t accesses, locks;
	bool no_access; /* somebody waits for them to fall; IOAS lock */
	uint32_t prot;
	uint32_t state; /* enum core_area_state; atomic, see struct uiommu_ioas */
	/* Pages are pinned for it.  Its maker's, its ender's, or who holds
	 * domains_lock exclusively.
	 */
	bool pinned;
};

/* A range kept out of the IOAS, by `refs` parties. */
struct core_resv {
	struct list node;
	struct uiommu_range range;
	uint32_t refs;
};

/*
 * An area's state: its maker turns BUILDING into READY by a store-release and
 * without a lock; READY becomes DYING under `lock` exclusively, after which
 * only that thread touches the area.  An area of any state keeps its IOVA.
 *
 * domains_lock protects the set of domains.  Held shared from the placement of
 * an area to the end of its pinning and mapping, and likewise for unmapping:
 * so who holds it exclusively sees only READY areas.
 * lock protects the rest; it is never held across pinning, page tables or
 * flushes, except where domains_lock is held exclusively, and shared in
 * uiommu_access_rw, whose areas may not go under it.
 */
struct uiommu_ioas {
	struct uiommu_core *core;
	struct list core_node; /* uiommu_core.ioases; core lock */
	uint32_t held;	       /* by dumps; core lock */
	unsigned int number;   /* in a dump; dump_lock */
	pthread_rwlock_t domains_lock;
	struct list domains;
	unsigned int nr_domains;

	pthread_rwlock_t lock;
	struct list accesses;	    /* struct core_access_link, by order */
	unsigned int nr_page_users; /* of them, need whole pages */
	uint64_t access_order;	    /* of the next one */
	struct itree areas;
	struct list reserved;	      /* struct core_resv, no order */
	struct uiommu_range *allowed; /* ascending, disjoint */
	unsigned int nr_allowed;
	uint64_t alignment; /* a power of two */
	bool huge_pages;    /* changes with domains_lock exclusively too */
};

static inline struct core_area *core_area_of(struct itree_node *node)
{
	return node ? container_of(node, struct core_area, node) : NULL;
}

static inline uint64_t core_area_len(const struct core_area *area)
{
	return area->node.last - area->node.first + 1;
}

/* Where its first byte is in a page. */
static inline uint64_t core_area_page_offset(const struct core_area *area)
{
	return area->offset & (area->pages->core->page_size - 1);
}

/* An access among those of an IOAS. */
struct core_access_link {
	struct list node; /* uiommu_ioas.accesses */
	struct uiommu_access *access;
	uint64_t order; /* rises along the list */
};

/*
 * access.c: ask all accesses of the IOAS to unpin what they have in [first, +len).
 * No lock of the core held.
 */
void core_accesses_ask(struct uiommu_ioas *ioas, uint64_t first, uint64_t len);

/* The area at this address if it is READY, or NULL; IOAS lock. */
struct core_area *core_ready_area(const struct uiommu_ioas *ioas,
				  uint64_t iova);

/*
 * attach.c: an access begins or ceases to need whole pages.  -EADDRINUSE: an area
 * has none.  domains_lock, and the IOAS lock exclusively.
 */
int core_need_pages(struct uiommu_ioas *ioas, bool need);

/* resv.c: IOAS lock exclusively, -EADDRINUSE where areas or allowed lie. */
int core_reserve(struct uiommu_ioas *ioas, uint64_t first, uint64_t last);
void core_unreserve(struct uiommu_ioas *ioas, uint64_t first, uint64_t last);
bool core_is_reserved(const struct uiommu_ioas *ioas, uint64_t first,
		      uint64_t last);
/* The lowest range that ends at or after `at`; false: none. */
bool core_next_reserved(const struct uiommu_ioas *ioas, uint64_t at,
			struct uiommu_range *range);

/* iova.c: IOAS lock exclusively. */
int core_iova_check(const struct uiommu_ioas *ioas, uiommu_iova_t iova,
		    uint64_t len);
int core_iova_alloc(const struct uiommu_ioas *ioas, uint64_t addr, uint64_t len,
		    uiommu_iova_t *iova);

/*
 * area.c: domains_lock held, so that the set of domains stands still; not the
 * IOAS lock.
 */
/* Pin, and map into all domains; nothing to do without a domain. */
int core_area_fill(struct uiommu_ioas *ioas, struct core_area *area);
int core_area_pin(struct core_area *area);
void core_area_unpin(struct core_area *area);
/*
 * Hardware that does not answer may use the area's memory for ever: leave it
 * pinned beyond the area's end.  `needed`: others of its domains go on, so the
 * area keeps a pin of its own.
 */
void core_area_abandon(struct core_area *area, bool needed);
/* Map what is pinned into one domain; on error nothing is mapped there. */
int core_area_map(struct uiommu_ioas *ioas, struct core_area *area,
		  struct uiommu_domain *dom);
/*
 * Unmap the areas of `batch`, ascending, from one domain and flush.
 * -ENOMEM: a leaf hangs over a cut and cannot be split; they are all mapped as
 * before.  Another error: unmapped, but the hardware may still use them.
 */
int core_areas_unmap(struct uiommu_ioas *ioas, struct list *batch,
		     struct uiommu_domain *dom);
/*
 * Unmap from all domains and unpin.  -ENOMEM as above; after any other trouble
 * the memory is abandoned, and 0 is returned.
 */
int core_areas_unfill(struct uiommu_ioas *ioas, struct list *batch);
/* An area, empty, in state BUILDING; takes over a reference on `pages`. */
struct core_area *core_area_create(struct uiommu_ioas *ioas,
				   struct core_pages *pages, uint64_t offset,
				   uint64_t len, uint32_t prot);
void core_area_free(struct uiommu_ioas *ioas, struct core_area *area);

#endif /* CORE_PRIVATE_H */
