/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * private.h - the objects of /dev/iommu.
 *
 * One open file is one context.  A context numbers its objects; clients know
 * them by number only.  An object counts its users: 1 for standing in the
 * table, 1 for each call that is working on it, 1 for each object or
 * attachment that rests on it:
 *
 *   hwpt -> ioas      an attached device, or PASID of one -> hwpt
 *   driver (VFIO, or a user of the library) -> device
 *   hwpt -> fault     the descriptor of a fault queue -> fault
 *   access -> ioas    driver -> access
 *   what guests have: guest.h
 *
 * The last reference of the context's file may be held by its bound devices, its
 * accesses and the descriptors of its queues, so a context outlives its descriptor
 * as long as there is one.
 *
 * Locks, outermost first:
 *   ufd_ioas.lock     the list of hwpts, held while one is made for it
 *   ufd_group.lock    what the group's devices are attached to
 *   ufd_ctx.lock      the table of objects, the list of groups, compat IOAS
 *   ufd_eventq.lock   what is in a queue
 * Core is called with the first two held, never with the others, which are all
 * that page fault handlers take.
 */
#ifndef ABI_IOMMUFD_PRIVATE_H
#define ABI_IOMMUFD_PRIVATE_H

#include <errno.h>

#include <uiommu/uapi/iommufd.h>

#include "../private.h"
#include "base/bits.h"
#include "base/list.h"

/* ------------------------------------------------------------- context -- */

struct ufd_call;
struct ufd_object;
struct ufd_vdevice;

struct ufd_ctx {
	struct abi_file file; /* first */
	pthread_mutex_t lock;
	pthread_cond_t idle; /* an object that somebody waits for lost a user */

	/* All below: under `lock`. */
	struct ufd_object **slots; /* by id; [0] is never used */
	uint32_t nr_slots;
	uint32_t nr_used;  /* ids taken, published or not */
	uint32_t low_free; /* no id below is free */
	struct list groups;
	struct list devices;	   /* bound */
	struct ufd_object *compat; /* IOAS for VFIO's calls, or NULL */
	uint32_t nr_tombs;	   /* of nr_used: see ufd_object_entomb */
	struct list windows;	   /* struct ufd_window */
	uint64_t windows_end;	   /* no offset from here on is one's */
	enum abi_charge charge;
};

/* ------------------------------------------------------------- objects -- */

enum ufd_type {
	UFD_ANY,
	UFD_IOAS,
	UFD_HWPT,
	UFD_DEVICE,
	UFD_FAULT,
	UFD_EXTRA, /* of an extra call: goes by its `release` */
	UFD_ACCESS,
	UFD_HWPT_NESTED, /* a struct ufd_hwpt too */
	UFD_VIOMMU,
	UFD_VDEVICE,
	UFD_VEVENTQ,
	UFD_HW_QUEUE,
	UFD_TYPES,
};

struct ufd_object {
	struct ufd_ctx *ctx;
	uint32_t id;
	enum ufd_type type;
	/* Goes with its last user; set before it is published. */
	bool transient;
	void (*release)(struct ufd_object *obj); /* of UFD_EXTRA */
	/*
	 * Atomic.  Rises from the table under ctx->lock only, so whoever finds
	 * it at 1 there may take it to 0 and owns the object alone.
	 */
	uint32_t users;
};

/*
 * Take an id; nobody finds the object before ufd_object_publish.  -ENOMEM;
 * -ENOSPC.
 */
int ufd_object_init(struct ufd_ctx *ctx, struct ufd_object *obj,
		    enum ufd_type type);
void ufd_object_publish(struct ufd_object *obj);
/* Give the id of an unpublished object back; the caller frees the rest. */
void ufd_object_abort(struct ufd_object *obj);

/* What stands in the table, or NULL; ctx->lock. */
struct ufd_object *ufd_object_at(struct ufd_ctx *ctx, uint32_t id);
/* Find and count, or NULL.  For the time of one call. */
struct ufd_object *ufd_object_get(struct ufd_ctx *ctx, uint32_t id,
				  enum ufd_type type);
/* Count an object that is known by address unless it is being destroyed. */
bool ufd_object_try_get(struct ufd_object *obj);
/* The same with ctx->lock held. */
bool ufd_object_try_get_locked(struct ufd_object *obj);
/* Not with the lock of an IOAS held: a transient object may be destroyed. */
void ufd_object_put(struct ufd_object *obj);
/* The same for a transient object; true: it was the last, free the object. */
bool ufd_object_put_last(struct ufd_object *obj);
/* One user more, for a holder that already counts. */
void ufd_object_hold(struct ufd_object *obj);

/* As IOMMU_DESTROY: -ENOENT; -EBUSY. */
int ufd_object_destroy(struct ufd_ctx *ctx, uint32_t id);
/*
 * Hide the object from lookups, wait until the calls under way have let go and
 * `own` users are left, and take it out of the table.  The caller frees it.
 */
void ufd_object_retire(struct ufd_object *obj, uint32_t own);

/*
 * The same where the id is to be nobody's until the context ends, and nobody waits
 * yet; false: somebody else is destroying the object.
 */
bool ufd_object_entomb(struct ufd_object *obj);
/* Until the calls under way have let go of it.  The caller frees it. */
void ufd_object_await(struct ufd_object *obj, uint32_t own);

/* -------------------------------------------------------------- kinds --- */

struct ufd_ioas {
	struct ufd_object obj; /* first */
	struct uiommu_ioas *ioas;
	pthread_mutex_t lock;
	struct list hwpts; /* under lock; in the order they were made */
};

/*
 * A nested one is filled from no IOAS: `ioas` is its parent's, whose count stands
 * for it.
 */
struct ufd_hwpt {
	struct ufd_object obj; /* first */
	struct ufd_ioas *ioas;
	struct ufd_object *over; /* NESTED: parent hwpt or vIOMMU, counted */
	struct list node;	 /* ioas->hwpts */
	struct uiommu_domain *domain;
	uint32_t flags;		 /* IOMMU_HWPT_* that it was asked for with */
	struct ufd_fault *fault; /* NULL: none */
};

/* A group of devices as one context knows it. */
struct ufd_group {
	struct list node; /* ctx->groups */
	struct uiommu_group *group;
	unsigned int refs; /* bound devices; under ctx->lock */
	pthread_mutex_t lock;
	/* Under lock. */
	struct list members;	/* bound devices */
	struct ufd_hwpt *hwpt;	/* NULL: nothing attached */
	struct list attached;	/* devices */
	unsigned int nr_pasids; /* in the sets of its devices */
};

/* Numbers below 2^32: pasid_set.c. */
#define UFD_PASID_CHUNK 1024u
struct ufd_pasid_chunk {
	uint32_t nr; /* its first PASID is nr * UFD_PASID_CHUNK */
	uint64_t bits[UFD_PASID_CHUNK / 64];
};
struct ufd_pasid_set {
	struct ufd_pasid_chunk *at; /* ascending */
	uint32_t nr, size;
};

struct ufd_device {
	struct ufd_object obj; /* first */
	struct uiommu_device *dev;
	struct ufd_group *group;
	struct list bound; /* ctx->devices; under ctx->lock */
	bool held_within;  /* by an object of the context, not by a file */
	/* All below: under group->lock. */
	struct list member;	  /* group->members */
	struct ufd_vdevice *vdev; /* or NULL */
	bool leaving;		  /* it gets none any more */
	struct list node;	  /* group->attached */
	bool attached;
	struct ufd_pasid_set pasids;	 /* that the client attached */
	struct ufd_pasid_set lib_pasids; /* that the library attached */
};

/*
 * An object of the context is the device's driver, and unbinds it when it goes:
 * the device does not keep the context.
 */
void ufd_device_hold_within(struct ufd_device *idev);

/*
 * The object of a device, or, of one that is not bound here, of another in its
 * group.  0: there is none.
 */
uint32_t ufd_device_id_of(struct ufd_ctx *ctx, const struct uiommu_device *dev);

struct ufd_ioas *ufd_ioas_get(struct ufd_ctx *ctx, uint32_t id);
struct ufd_device *ufd_device_get(struct ufd_ctx *ctx, uint32_t id);
struct ufd_hwpt *ufd_hwpt_get(struct ufd_ctx *ctx, uint32_t id);

/* Make an unpublished IOAS.  -ENOMEM, -ENOSPC. */
int ufd_ioas_new(struct ufd_ctx *ctx, struct ufd_ioas **out);
/* Undo it. */
void ufd_ioas_abort(struct ufd_ioas *ioas);
/* Free one that is out of the table. */
void ufd_ioas_release(struct ufd_ioas *ioas);

/* Room for this many ranges needs no allocation. */
#define UFD_FEW_RANGES 16u
/*
 * All usable ranges: *nr of them, in `few` (UFD_FEW_RANGES) or in memory that
 * the caller frees.  NULL: no memory.
 */
struct uiommu_range *ufd_ioas_usable(struct uiommu_abi *abi,
				     struct ufd_ioas *ioas,
				     struct uiommu_range *few, unsigned int *nr,
				     uint64_t *alignment);

/* A client's bytes for drivers; `mem` lives as long as they. */
void ufd_user_mem(struct uiommu_abi *abi, struct uiommu_user_mem *mem);

/*
 * Make an unpublished page table for devices like `idev`, filled from the
 * IOAS, whose lock the caller holds; `flags` are IOMMU_HWPT_*, `data` of the
 * client's, or NULL.  Undone by ufd_hwpt_abort under the same lock.
 */
int ufd_hwpt_new(struct ufd_ioas *ioas, struct ufd_device *idev, uint32_t flags,
		 const struct uiommu_user_data *data, struct ufd_hwpt **out);
/* The same in two steps: the second one fills it. */
int ufd_hwpt_new_empty(struct ufd_ioas *ioas, struct ufd_device *idev,
		       uint32_t flags, const struct uiommu_user_data *data,
		       struct ufd_hwpt **out);
int ufd_hwpt_fill(struct ufd_hwpt *hwpt);
void ufd_hwpt_abort(struct ufd_hwpt *hwpt);
/* Free one that is out of the table; the second with that lock held. */
void ufd_hwpt_release(struct ufd_hwpt *hwpt);
void ufd_hwpt_release_locked(struct ufd_hwpt *hwpt);

/* ------------------------------------------------------------ accesses -- */

/*
 * For a driver that uses the memory in an IOAS by the CPU.  Pinning and copying
 * are the core's, on `core`.
 */
struct ufd_access {
	struct ufd_object obj; /* first */
	struct uiommu_access *core;
	/* Protects the rest.  Nothing is done with it held. */
	pthread_mutex_t lock;
	bool changing;
	struct ufd_ioas *ioas; /* counted; NULL: not attached */
};

/*
 * Make an access an object of the context, whose file it keeps; the client cannot
 * destroy it.  -ENOMEM, -ENOSPC.
 */
int ufd_access_create(struct ufd_ctx *ctx, const struct uiommu_access_ops *ops,
		      void *data, struct ufd_access **out, uint32_t *id);
/* No other call for it is under way; the driver's pins are asked for. */
void ufd_access_destroy(struct ufd_access *access);

/*
 * Attach where nothing is attached, replace where something is.  ops->unmap is
 * called by a replace, and by a detach, for all addresses.
 *   -ENOENT	no such IOAS; replace: nothing is attached
 *   -EINVAL	attach: something is
 *   -EBUSY	another thread is changing it
 *   -EADDRINUSE  as uiommu_access_attach; what was attached still is
 */
int ufd_access_attach(struct ufd_access *access, uint32_t ioas_id);
int ufd_access_replace(struct ufd_access *access, uint32_t ioas_id);
/* Something is attached.  -EBUSY. */
int ufd_access_detach(struct ufd_access *access);

static inline bool ufd_is_hwpt(const struct ufd_object *obj)
{
	return obj->type == UFD_HWPT || obj->type == UFD_HWPT_NESTED;
}

/* -------------------------------------------------------------- queues -- */

/* The first member of each kind of queue. */
struct ufd_eventq {
	struct ufd_object obj; /* first */
	struct abi_file file;  /* of its descriptor */

	/* Innermost.  Protects all below, and the queue. */
	pthread_mutex_t lock;
	int event;  /* ABI_NO_EVENT before and after the descriptor is open */
	bool ready; /* as it was set */
};

static inline struct ufd_eventq *ufd_eventq_of(struct abi_file *file)
{
	return container_of(file, struct ufd_eventq, file);
}

void ufd_eventq_init(struct ufd_eventq *q, struct uiommu_abi *abi,
		     const struct abi_file_ops *ops);
void ufd_eventq_fini(struct ufd_eventq *q);
/* Is there something to read?  `news`: wakes in any case.  Lock held. */
void ufd_eventq_tell(struct ufd_eventq *q, bool ready, bool news);
/*
 * Give the client an unpublished queue, whose numbers are stored in the call's
 * structure.  -EFAULT, -EMFILE, -ENOMEM: it is unpublished still.
 */
int ufd_eventq_open(struct ufd_eventq *q, struct ufd_call *call,
		    const char *path, uint32_t *out_id, uint32_t *out_fd);
/* For the ops of their files. */
ssize_t ufd_eventq_pio(struct abi_file *file, uint64_t uva, size_t len,
		       uint64_t off);
void ufd_eventq_close(struct abi_file *file);

/* ------------------------------------------------------- fault queues -- */

struct ufd_fault;

/*
 * Let a fault queue take the page faults of a domain that is not attached yet;
 * counted until ufd_fault_put.  -ENOENT: no such queue.
 */
int ufd_fault_serve(struct ufd_ctx *ctx, uint32_t id,
		    struct uiommu_domain *domain, struct ufd_fault **out);
/* The domain is gone; NULL is fine. */
void ufd_fault_put(struct ufd_fault *fault);
/* Free one that is out of the table. */
void ufd_fault_release(struct ufd_object *obj);

/* ---------------------------------------------------- guests' objects -- */

/* Free one that is out of the table. */
void ufd_nested_release(struct ufd_object *obj);
void ufd_viommu_release(struct ufd_object *obj);
void ufd_vdevice_release(struct ufd_object *obj);
void ufd_veventq_release(struct ufd_object *obj);
void ufd_hw_queue_release(struct ufd_object *obj);

/* ------------------------------------------------------------- changes -- */

/*
 * What a change lets go of after the locks: the page table that it has moved
 * away from, with how many counts that lost, and its own count of the new one.
 */
struct ufd_left {
	struct ufd_hwpt *hwpt;
	unsigned int users;
	struct ufd_hwpt *used;
};

/* An attach or a replace; both functions have the group's lock. */
struct ufd_change {
	struct ufd_device *idev;
	uint32_t pasid; /* for those that have one */
	/*
	 * To this page table, as a whole or not at all; counts it when it is
	 * in use.  -EINVAL also: it does not fit, another one may.
	 */
	int (*to)(const struct ufd_change *ch, struct ufd_hwpt *hwpt,
		  struct ufd_left *left);
	/*
	 * Undo `to`.  With it a page table that is made for the change is filled
	 * after it, as in the kernel, so that errors of `to` win; NULL: before.
	 */
	void (*undo)(const struct ufd_change *ch, struct ufd_left *left);
};

/*
 * To the page table *pt_id, or to one of the IOAS *pt_id, which is made if none
 * fits; *pt_id becomes the page table's.  -ENOENT; -EINVAL: neither; errors of
 * making one and of `to`.
 */
int ufd_change_to(const struct ufd_change *ch, uint32_t *pt_id);
void ufd_let_go(const struct ufd_left *left);

/* What is left of the library's PASIDs of a device, with a line in the log. */
void ufd_device_pasids_drop(struct ufd_device *idev);

/* A set of PASIDs, empty when all zero; under its group's lock. */
bool ufd_pasid_has(const struct ufd_pasid_set *set, uint32_t pasid);
/* Make room for this one.  -ENOMEM. */
int ufd_pasid_reserve(struct uiommu_abi *abi, struct ufd_pasid_set *set,
		      uint32_t pasid);
/* The room is not needed after all. */
void ufd_pasid_unreserve(struct uiommu_abi *abi, struct ufd_pasid_set *set);
/* One that is not in it, into the room that was made. */
void ufd_pasid_add(struct ufd_pasid_set *set, uint32_t pasid);
/* One that is in it; an empty set has no memory. */
void ufd_pasid_remove(struct uiommu_abi *abi, struct ufd_pasid_set *set,
		      uint32_t pasid);
/* Any of them; false: there is none. */
bool ufd_pasid_any(const struct ufd_pasid_set *set, uint32_t *pasid);

/*
 * May the group have this page table without PASID, beside the PASIDs that its
 * devices have?  Under its lock; -EINVAL.
 */
int ufd_slots_check(const struct ufd_group *igroup,
		    const struct ufd_hwpt *hwpt);
/* Of a PASID that the device has, by either door; the group's lock is held. */
struct ufd_hwpt *ufd_pasid_hwpt(const struct ufd_device *idev, uint32_t pasid);
/* All PASIDs of a device that goes. */
void ufd_slots_drop(struct ufd_device *idev);

/* --------------------------------------------------------------- calls --- */

/* One call under way: `cmd` is our copy of the caller's structure. */
struct ufd_call {
	struct ufd_ctx *ctx;
	struct uiommu_abi *abi;
	void *cmd;
	uint64_t arg; /* where the structure is */
	uint32_t user_size;
	uint32_t size; /* of our structure */
};

/* Write the structure back as far as the caller has it.  -EFAULT. */
int ufd_respond(const struct ufd_call *call);

long ufd_ioctl(struct abi_file *file, unsigned int cmd, unsigned long arg);

int ufd_destroy(struct ufd_call *call);
int ufd_ioas_alloc(struct ufd_call *call);
int ufd_ioas_allow_iovas(struct ufd_call *call);
int ufd_ioas_copy(struct ufd_call *call);
int ufd_ioas_iova_ranges(struct ufd_call *call);
int ufd_ioas_map(struct ufd_call *call);
int ufd_ioas_map_file(struct ufd_call *call);
int ufd_ioas_unmap(struct ufd_call *call);
int ufd_ioas_change_process(struct ufd_call *call);
int ufd_ioas_noiommu_get_pa(struct ufd_call *call);
int ufd_option(struct ufd_call *call);
int ufd_vfio_ioas(struct ufd_call *call);
int ufd_hwpt_alloc(struct ufd_call *call);
int ufd_hwpt_set_dirty_tracking(struct ufd_call *call);
int ufd_hwpt_get_dirty_bitmap(struct ufd_call *call);
int ufd_hwpt_invalidate(struct ufd_call *call);
int ufd_hw_info(struct ufd_call *call);
int ufd_fault_alloc(struct ufd_call *call);
int ufd_viommu_alloc(struct ufd_call *call);
int ufd_vdevice_alloc(struct ufd_call *call);
int ufd_veventq_alloc(struct ufd_call *call);
int ufd_hw_queue_alloc(struct ufd_call *call);

/* Whom the context's maps are charged to (IOMMU_OPTION_RLIMIT_MODE). */
enum abi_charge ufd_charge(struct ufd_ctx *ctx);

/* The context's IOAS for VFIO's calls, counted, or NULL. */
struct ufd_ioas *ufd_compat_get(struct ufd_ctx *ctx);

int ufd_mmap(struct abi_file *file, size_t len, int prot, int flags,
	     uint64_t off, struct uiommu_map **out);

/* The value 2^64-1 stands for "all" or "none" in many calls. */
#define UFD_U64_MAX (~UINT64_C(0))

#endif /* ABI_IOMMUFD_PRIVATE_H */
