/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * abi.h - the Linux ABI (/dev/iommu, /dev/vfio) on top of the core, without a
 * kernel: open, ioctl, read, write, mmap and close as functions, plus the
 * nodes and sysfs files that programs look at.
 *
 * Whoever embeds it (launch/, a test, a fuzzer) owns the real file descriptors
 * and user memory and is told of through struct uiommu_abi_host.  Emulated PCI
 * devices stand behind struct uiommu_vdev_ops.
 *
 * Functions return 0 or a positive result and a negated errno, exactly the
 * kernel's.  Every function may be called from any thread.
 */
#ifndef UIOMMU_ABI_H
#define UIOMMU_ABI_H

#include <sys/types.h>

#include <uiommu/core.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uiommu_abi;
struct uiommu_vdev;

/*
 * Calls of /dev/iommu that Linux has not, for tests.  A handler is one of the
 * library's own kind (src/abi/iommufd/private.h).
 */
struct ufd_call;

struct uiommu_abi_call {
	unsigned int cmd;
	uint32_t size; /* of its structure, at most 128 */
	uint32_t min_size;
	int (*handler)(struct ufd_call *call);
};

struct abi_file;
struct uiommu_node;

struct uiommu_abi_extra {
	void *ctx; /* the handlers' */
	const struct uiommu_abi_call *calls;
	unsigned int nr_calls;
	/* Files to look at, parents first. */
	const struct uiommu_node *nodes;
	unsigned int nr_nodes;
	/* Open one more device; -ENOENT: none of these.  NULL: there are none. */
	int (*open)(struct uiommu_abi *abi, const char *path, int flags,
		    struct abi_file **out);
};

struct uiommu_abi_host {
	void *ctx;

	/* User memory by address: 0 or -EFAULT. */
	int (*copy_from)(void *ctx, void *dst, uint64_t uva, size_t len);
	int (*copy_to)(void *ctx, uint64_t uva, const void *src, size_t len);
	/* Pins user memory for DMA. */
	const struct uiommu_mm *mm;
	/*
	 * The memory of a file of the client, with offsets in it for addresses, from
	 * which [start, +len) will be mapped.  What is no memory, or not there, is
	 * for its `pin` to tell (-EINVAL).  Stored is a copy, with one count that
	 * the caller puts.  -EBADF: no descriptor; -ENOMEM.  NULL: there are no such
	 * files (-EBADF).
	 */
	int (*file_mm)(void *ctx, int fd, uint64_t start, uint64_t len,
		       struct uiommu_mm *mm);

	/*
	 * A real file descriptor that stands for the emulated file at `path`
	 * ("/dev/vfio/7", "anon_inode:[vfio-device]"); open flags as in open(2)
	 * (O_CLOEXEC matters).  The fd or a negated errno.
	 */
	int (*fd_new)(void *ctx, const char *path, int flags);
	/* Undo fd_new, or fd_new_event, after an error. */
	void (*fd_drop)(void *ctx, int fd);
	/*
	 * The same for a file that poll(2) and its kin wait for: writable at any
	 * time, readable as event_set says (at first not).  *event names it for
	 * the other two, until event_end, also when its descriptor has been closed.
	 * Setting what is set wakes waiters again.  All three NULL: the host has
	 * no such descriptors, fd_new is called.
	 */
	int (*fd_new_event)(void *ctx, const char *path, int flags, int *event);
	void (*event_set)(void *ctx, int event, bool readable);
	void (*event_end)(void *ctx, int event);

	/*
	 * An interrupt vector of the system for a device: its store of msg->data
	 * to msg->addr (a physical address) calls fire(arg), in the thread that
	 * stores and with no lock held; that of another device must not.
	 * -ENOSPC.  *handle is for msi_free, which returns when no fire is
	 * running.
	 */
	int (*msi_alloc)(void *ctx, struct uiommu_device *dev,
			 void (*fire)(void *arg), void *arg,
			 struct uiommu_msi_msg *msg, unsigned int *handle);
	void (*msi_free)(void *ctx, unsigned int handle);

	/* Called at the end of every entry, with no lock held; may be NULL. */
	void (*leave)(void *ctx);
	/* Has the caller this capability (CAP_* of Linux)?  NULL: yes. */
	bool (*capable)(void *ctx, int cap);

	/* Objects come from its obj_alloc and obj_free.  NULL: from libc. */
	const struct uiommu_platform *platform;

	/* NULL: none. */
	const struct uiommu_abi_extra *extra;
};

int uiommu_abi_create(struct uiommu_core *core,
		      const struct uiommu_abi_host *host,
		      struct uiommu_abi **out);
/* Closes what is open and removes the devices. */
void uiommu_abi_destroy(struct uiommu_abi *abi);

/* --------------------------------------------------- system calls -------- */

/*
 * Open a node by its absolute path.  Returns the descriptor that host.fd_new
 * gave.  -ENOENT: no node of ours; errors of the node.
 */
int uiommu_abi_open(struct uiommu_abi *abi, const char *path, int flags);
/* Is `fd` ours?  A few nanoseconds, for any number. */
bool uiommu_abi_owns(const struct uiommu_abi *abi, int fd);
/* After dup(2) and its kin: `to` is another descriptor of the same file. */
int uiommu_abi_dup(struct uiommu_abi *abi, int from, int to);
/* The last descriptor releases the file.  -EBADF. */
int uiommu_abi_close(struct uiommu_abi *abi, int fd);

long uiommu_abi_ioctl(struct uiommu_abi *abi, int fd, unsigned long cmd,
		      unsigned long arg);
ssize_t uiommu_abi_read(struct uiommu_abi *abi, int fd, uint64_t uva,
			size_t len);
ssize_t uiommu_abi_write(struct uiommu_abi *abi, int fd, uint64_t uva,
			 size_t len);
ssize_t uiommu_abi_pread(struct uiommu_abi *abi, int fd, uint64_t uva,
			 size_t len, uint64_t off);
ssize_t uiommu_abi_pwrite(struct uiommu_abi *abi, int fd, uint64_t uva,
			  size_t len, uint64_t off);

/*
 * Visit what clients have mapped by open descriptors of /dev/iommu, by
 * IOMMU_IOAS_MAP and its like, and not unmapped; not what VFIO's type1 calls
 * have.  fn must not call the ABI.
 */
typedef void uiommu_abi_area_fn(void *ctx, uint32_t ioas_id,
				const struct uiommu_area_info *area);
void uiommu_abi_visit_areas(struct uiommu_abi *abi, uiommu_abi_area_fn *fn,
			    void *ctx);

/*
 * The objects of each open /dev/iommu, as lines (dump.h): their ids, kinds, how many
 * rest on them, themselves included, and on what they rest.  The last opened comes
 * first.
 */
void uiommu_abi_dump(struct uiommu_abi *abi, const struct uiommu_dump *dump);

/*
 * A mapping of device registers.  The embedder reserves address space, traps
 * accesses and hands them on.  Counted: a mapping keeps its file.
 */
struct uiommu_map;

int uiommu_abi_mmap(struct uiommu_abi *abi, int fd, size_t len, int prot,
		    int flags, uint64_t off, struct uiommu_map **out);
struct uiommu_map *uiommu_map_get(struct uiommu_map *map);
void uiommu_map_put(struct uiommu_map *map);
/*
 * Access `size` (1, 2, 4 or 8) bytes, aligned, at `off` from the start of the
 * mapping.  -EIO where a processor would get a bus error.
 */
int uiommu_map_read(struct uiommu_map *map, uint64_t off, unsigned int size,
		    uint64_t *val);
int uiommu_map_write(struct uiommu_map *map, uint64_t off, unsigned int size,
		     uint64_t val);
/* Physical address of the mapping's first byte (for pinning it). */
uiommu_pa_t uiommu_map_pa(const struct uiommu_map *map);

/* ------------------------------------ iommufd for users of the library -- */

/*
 * What a kernel driver calls: a device of the core becomes an object of an open
 * /dev/iommu, and its accesses, without PASID and with, are given to what the
 * client made there.
 */
struct uiommu_ufd_device;

/*
 * Take DMA ownership of the device for the context behind `fd`, which lives at
 * least until the unbind.  The object's id for the client is stored.
 *   -EBADF	no descriptor of ours; -EINVAL: not an iommufd, or the device's
 *		accesses are not coherent with caches
 *   -EPERM	owned by somebody else, or its interrupts are not isolated
 *   -EBUSY	attached to something of others; -ENOMEM, -ENOSPC
 */
int uiommu_ufd_device_bind(struct uiommu_abi *abi, int fd,
			   struct uiommu_device *dev,
			   struct uiommu_ufd_device **out, uint32_t *id);
/*
 * Detaches what is attached; that PASIDs still are is an error of the caller,
 * told of in the log.  No other call for the device is under way.
 */
void uiommu_ufd_device_unbind(struct uiommu_ufd_device *idev);

/*
 * The accesses without PASID, for all devices of the group: attach where nothing
 * is attached, replace where something is.  *pt_id is an IOAS, for which a page
 * table is found or made that goes with its last user, or a page table (HWPT);
 * the page table's id is stored.  Errors as VFIO_DEVICE_ATTACH_IOMMUFD_PT.
 * Replace and detach: -EBUSY while auxiliary domains are attached.
 */
int uiommu_ufd_device_attach(struct uiommu_ufd_device *idev, uint32_t *pt_id);
int uiommu_ufd_device_replace(struct uiommu_ufd_device *idev, uint32_t *pt_id);
int uiommu_ufd_device_detach(struct uiommu_ufd_device *idev);

/*
 * The same for the accesses with a PASID, by rules of their own.
 *
 * attach: from nothing to something.  0 also if that page table is attached.
 *   -EINVAL	another one is attached
 * replace: from something to something.  0 also if it is the same.
 *   -EINVAL	nothing is attached
 * Accesses find the old or the new page table at every instant; after an error
 * the old one is attached as before.  Both:
 *   -ENOENT	*pt_id is no object
 *   -EINVAL	*pt_id is neither IOAS nor page table; the device's accesses
 *		were promised to be coherent, and the page table cannot be made
 *		so; and as uiommu_device_pasid_attach, whose other errors come
 *		too: PASIDs are for devices that are alone in their group
 *   -EADDRINUSE, -EFAULT, -ENOMEM, -ENOSPC  of making a page table
 * The page table is filled before it is attached.  The device's reserved regions
 * and the doorbells of its interrupts concern accesses without PASID and are not
 * looked at.  A page table that a PASID uses cannot be destroyed (-EBUSY).
 */
int uiommu_ufd_device_pasid_attach(struct uiommu_ufd_device *idev,
				   uint32_t pasid, uint32_t *pt_id);
int uiommu_ufd_device_pasid_replace(struct uiommu_ufd_device *idev,
				    uint32_t pasid, uint32_t *pt_id);
/* Nothing attached: nothing happens. */
void uiommu_ufd_device_pasid_detach(struct uiommu_ufd_device *idev,
				    uint32_t pasid);

/* ------------------------------------------------- nodes and sysfs ------- */

enum uiommu_node_type {
	UIOMMU_NODE_DIR,
	UIOMMU_NODE_FILE, /* content: its text or bytes */
	UIOMMU_NODE_LINK, /* content: where it points */
	UIOMMU_NODE_CHAR, /* a device node to be opened by uiommu_abi_open */
};

struct uiommu_node {
	enum uiommu_node_type type;
	const char *path; /* absolute: /dev/..., /sys/... */
	unsigned int mode;
	const void *content;
	size_t len;
};

/* Visit every node, parents first; stops at and returns fn's first non-zero. */
int uiommu_abi_visit_nodes(struct uiommu_abi *abi,
			   int (*fn)(void *ctx, const struct uiommu_node *node),
			   void *ctx);

/* ---------------------------------------------------- PCI devices -------- */

#define UIOMMU_VDEV_BARS 6

#define UIOMMU_BAR_MMAP (1u << 0) /* may be mapped; else pread/pwrite only */
#define UIOMMU_BAR_IO (1u << 1)	  /* IO space */

struct uiommu_vdev_bar {
	uint64_t size; /* power of two; 0: none */
	uint32_t flags;
	uiommu_pa_t pa; /* where it lies in the machine's physical space */
};

/*
 * What a PCI device does when it is accessed.  Called from any thread with no
 * lock of the ABI held that the up-calls take.
 */
struct uiommu_vdev_ops {
	/* BAR accesses, aligned, size 1, 2, 4 or 8, inside the BAR.  -EIO. */
	int (*bar_read)(void *ctx, unsigned int bar, uint64_t off,
			unsigned int size, uint64_t *val);
	int (*bar_write)(void *ctx, unsigned int bar, uint64_t off,
			 unsigned int size, uint64_t val);
	/*
	 * The device's own configuration space, 4096 bytes, as a host bridge
	 * sees it: aligned, size 1, 2 or 4.  Capabilities, command register, BAR
	 * sizing and MSI enable bits are the device's; what a client of VFIO may
	 * see and change of them is the ABI's business.
	 */
	uint32_t (*config_read)(void *ctx, unsigned int off, unsigned int size);
	void (*config_write)(void *ctx, unsigned int off, unsigned int size,
			     uint32_t val);
	/* Function level reset; waits for DMA under way.  NULL: has none. */
	int (*reset)(void *ctx);
};

struct uiommu_vdev_cfg {
	const char *bdf; /* "0000:01:00.0" */
	struct uiommu_vdev_bar bar[UIOMMU_VDEV_BARS];
	const struct uiommu_vdev_ops *ops;
	void *ctx;
};

/* Show a device of the core as a vfio-pci device.  -EEXIST, -ENOMEM. */
int uiommu_abi_add_device(struct uiommu_abi *abi, struct uiommu_device *dev,
			  const struct uiommu_vdev_cfg *cfg,
			  struct uiommu_vdev **out);
/* Up-call: the device's INTx pin changed.  (MSIs are memory writes.) */
void uiommu_vdev_intx(struct uiommu_vdev *vdev, bool level);

#ifdef __cplusplus
}
#endif

#endif /* UIOMMU_ABI_H */
