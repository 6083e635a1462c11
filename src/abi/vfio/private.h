/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * private.h - the objects of /dev/vfio and what its files ask of each other.
 *
 * A vdev is a PCI device shown to clients; it lives as long as the ABI.  Its
 * group and the group's node live as long.  What comes and goes are files:
 * container, group file, device file (through a group or through the cdev).
 * A device file from a group keeps the group file, the group keeps the
 * container or iommufd it was put into; so closing in any order is safe.
 *
 * Locks, outermost first:
 *   uvfio_device_file.lock  BIND, ATTACH, DETACH of one cdev file
 *   uvfio_group.lock        who uses the group and its devices, and the steps
 *                           between used and unused
 *   uvfio_container.lock    the container's groups, its IOMMU, its mappings
 *   uiommu_vdev.lock        configuration space and interrupts of a device;
 *                           several only inside abi_vfio.reset_lock, which is
 *                           taken before them
 *   abi_vfio.lock           the lists of devices and groups
 *   uvfio_vector.lock, uvfio_intx.lock   innermost: what an up-call takes
 * Core, iommufd and the device's ops are called with any of them held but the
 * innermost and abi_vfio.lock.  Pinning happens under the first and the third;
 * whoever implements it must not drop files (uiommu_map_put) with a lock held
 * that pinning takes.
 */
#ifndef ABI_VFIO_PRIVATE_H
#define ABI_VFIO_PRIVATE_H

#include <errno.h>
#include <stdlib.h>

#include <uiommu/uapi/vfio.h>

#include "../private.h"
#include "base/atomic.h"
#include "base/bits.h"
#include "pci_regs.h"

#define UVFIO_PAGE_SIZE UINT64_C(4096)
/* A region's place in the device's file. */
#define UVFIO_REGION_LG2 40
#define UVFIO_REGION_OFF(index) ((uint64_t)(index) << UVFIO_REGION_LG2)
#define UVFIO_REGION_INDEX(off) ((unsigned int)((off) >> UVFIO_REGION_LG2))
#define UVFIO_REGION_POS(off) ((off)&mask_lg2(UVFIO_REGION_LG2))

#define UVFIO_BDF_MAX 16

/* ------------------------------------------------------------ instance -- */

struct abi_vfio {
	struct uiommu_abi *abi;
	/* Protects the two lists; their members stay until the end. */
	pthread_mutex_t lock;
	struct list devices; /* uiommu_vdev.node, in order of nr */
	struct list groups;  /* uvfio_group.node */
	unsigned int next_nr;
	/* Held while the locks of several devices are taken. */
	pthread_mutex_t reset_lock;
};

struct uvfio_container;
struct uvfio_type1;
struct uvfio_domain;

struct uvfio_group {
	struct list node;
	struct abi_vfio *vfio;
	struct uiommu_group *core;
	unsigned int id;
	/* Protects what follows. */
	pthread_mutex_t lock;
	struct list devices;  /* uiommu_vdev.group_node; grows while unused */
	bool opened;	      /* somebody has the group's file */
	unsigned int nr_cdev; /* devices bound through the cdev */
	unsigned int nr_open; /* device files of the group's file */
	struct uvfio_container *container; /* counted; or */
	struct abi_file *iommufd;	   /* counted */
	/* Under uvfio_container.lock. */
	struct list container_node;
	struct uvfio_domain *domain;
};

/* ---------------------------------------------------------- interrupts -- */

struct uvfio_vector {
	pthread_mutex_t lock; /* protects efd while it is signalled */
	int efd;	      /* -1: none */
	bool used;	      /* handle and msg are valid */
	unsigned int handle;
	struct uiommu_msi_msg msg;
	uiommu_iova_t iova; /* what the device was told to write to */
};

struct uvfio_intx {
	pthread_mutex_t lock; /* protects all */
	bool enabled;
	bool level;  /* of the pin */
	bool masked; /* by the client or because it was signalled */
	bool off;    /* COMMAND.InterruptDisable as the client set it */
	int efd;
};

#define UVFIO_IRQ_NONE VFIO_PCI_NUM_IRQS

struct uvfio_irqs {
	unsigned int type; /* VFIO_PCI_{INTX,MSI,MSIX}_IRQ_INDEX or NONE */
	struct uvfio_vector *vec;
	unsigned int nr_vec; /* allocated: all that the capability has */
	uint64_t reach;	     /* the highest address that it can name */
	int single[2];	     /* ERR, REQ: eventfd or -1 */
	struct uvfio_intx intx;
};

/* -------------------------------------------------------------- device -- */

/* What the device's configuration space says, read once. */
struct uvfio_pci {
	uint16_t cfg_size;
	uint8_t pm, msi, msix, exp, af; /* offsets; 0: none */
	uint16_t nr_msi, nr_msix;	/* vectors */
	bool msi_64, msi_mask;
	uint8_t msi_len;
	uint8_t msix_bar;
	uint32_t msix_table;
	uint8_t pin;
};

/*
 * Configuration space as a client sees it: per bit, does its value come from
 * the shadow, and do writes count?  A bit that is writable and not virtual
 * reaches the device.
 */
struct uvfio_config {
	uint8_t shadow[PCI_CFG_EXT_SIZE];
	uint8_t virt[PCI_CFG_EXT_SIZE];
	uint8_t writable[PCI_CFG_EXT_SIZE];
};

struct uiommu_vdev {
	struct list node;
	struct list group_node;
	struct abi_vfio *vfio;
	struct uvfio_group *group;
	struct uiommu_device *dev;
	char bdf[UVFIO_BDF_MAX];
	struct uiommu_vdev_bar bar[UIOMMU_VDEV_BARS];
	const struct uiommu_vdev_ops *ops;
	void *ctx;
	unsigned int nr; /* vfio<nr> */
	struct uvfio_pci pci;

	/* Under uvfio_group.lock. */
	unsigned int open_count;
	bool cdev; /* its opener came through the cdev */
	struct ufd_device *idev;
	const struct abi_file *iommufd; /* identity only; idev keeps it */
	uint32_t devid;

	/* Protects what follows. */
	pthread_mutex_t lock;
	struct uvfio_config cfg;
	struct uvfio_irqs irq;
	bool reset_works;

	/* Atomic: memory decoding is on, mapped BARs may be accessed. */
	bool mem_on;
};

struct uvfio_device_file {
	struct abi_file file;
	struct uiommu_vdev *vdev;
	struct abi_file *group_file; /* counted; NULL: cdev */
	pthread_mutex_t lock;	     /* protects the marks */
	bool attached;
	bool attached_as_0; /* by PASID 0 */
	bool granted;	    /* atomic: bound or opened through its group */
};

static inline struct uvfio_device_file *uvfio_device_file(struct abi_file *file)
{
	return container_of(file, struct uvfio_device_file, file);
}

/* vdev.c */
struct uiommu_vdev *uvfio_vdev_find(struct abi_vfio *vfio, const char *bdf);
/*
 * First opener: reset, bus master off, a fresh view of configuration space.
 * Caller holds the group's lock.  -EAGAIN.
 */
int uvfio_vdev_enable(struct uiommu_vdev *vdev);
void uvfio_vdev_disable(struct uiommu_vdev *vdev);

/* device.c */
int uvfio_device_file_new(struct uiommu_vdev *vdev, struct abi_file *group_file,
			  struct uvfio_device_file **out);
/* Let ioctls, reads and mappings through from here on. */
void uvfio_device_file_grant(struct uvfio_device_file *df);

/* cdev.c */
int uvfio_cdev_open(struct uiommu_vdev *vdev, struct abi_file **out);
void uvfio_cdev_release(struct uvfio_device_file *df);
long uvfio_cdev_bind(struct uvfio_device_file *df, unsigned long arg);
long uvfio_cdev_attach(struct uvfio_device_file *df, unsigned long arg);
long uvfio_cdev_detach(struct uvfio_device_file *df, unsigned long arg);

/* group.c */
int uvfio_group_open(struct uvfio_group *group, struct abi_file **out);
/* A device file that came from the group goes. */
void uvfio_group_device_release(struct uvfio_device_file *df);
/* The group behind a group file, or NULL. */
struct uvfio_group *uvfio_group_of(struct abi_file *file);
/* First device of a group: the one through which the group is claimed. */
struct uiommu_vdev *uvfio_group_first(struct uvfio_group *group);

/* container.c */
int uvfio_container_open(struct abi_vfio *vfio, struct abi_file **out);
/* NULL: the file is no container. */
struct uvfio_container *uvfio_container_of(struct abi_file *file);
struct abi_file *uvfio_container_file(struct uvfio_container *container);
/* Caller holds the group's lock. */
int uvfio_container_add(struct uvfio_container *container,
			struct uvfio_group *group);
void uvfio_container_remove(struct uvfio_container *container,
			    struct uvfio_group *group);
/* Has SET_IOMMU been done? */
bool uvfio_container_ready(struct uvfio_container *container);

/*
 * type1.c, type1_unmap.c, dirty.c, nesting.c: an IOAS with the rules of the type1
 * driver.  `type` is that of SET_IOMMU.  All under the container's lock.
 */
int uvfio_type1_check(const struct uvfio_type1 *t1, unsigned long ext);
int uvfio_type1_create(struct abi_vfio *vfio, unsigned long type,
		       struct uvfio_type1 **out);
/* No group is in it any more. */
void uvfio_type1_destroy(struct uvfio_type1 *t1);
int uvfio_type1_attach(struct uvfio_type1 *t1, struct uvfio_group *group);
/* After the last group destroy it: mappings do not outlive their groups. */
void uvfio_type1_detach(struct uvfio_type1 *t1, struct uvfio_group *group);
long uvfio_type1_ioctl(struct uvfio_type1 *t1, unsigned int cmd,
		       unsigned long arg);

/* region.c: the client's offset is index and position. */
long uvfio_region_info(struct uiommu_vdev *vdev, unsigned long arg);
ssize_t uvfio_region_read(struct uiommu_vdev *vdev, uint64_t uva, size_t len,
			  uint64_t off);
ssize_t uvfio_region_write(struct uiommu_vdev *vdev, uint64_t uva, size_t len,
			   uint64_t off);
bool uvfio_bar_mappable(const struct uiommu_vdev *vdev, unsigned int bar);

/* map.c */
int uvfio_map_new(struct uvfio_device_file *df, size_t len, int prot, int flags,
		  uint64_t off, struct uiommu_map **out);

/* config.c; callers hold vdev->lock */
uint32_t uvfio_hw_config_read(struct uiommu_vdev *vdev, unsigned int off,
			      unsigned int size);
void uvfio_hw_config_write(struct uiommu_vdev *vdev, unsigned int off,
			   unsigned int size, uint32_t val);
/* Read, change the bits of `mask` to those of `val`, write. */
void uvfio_hw_config_update(struct uiommu_vdev *vdev, unsigned int off,
			    unsigned int size, uint32_t mask, uint32_t val);
/* Bytes inside one aligned word of 1, 2 or 4. */
uint32_t uvfio_config_read(struct uiommu_vdev *vdev, unsigned int off,
			   unsigned int size);
void uvfio_config_write(struct uiommu_vdev *vdev, unsigned int off,
			unsigned int size, uint32_t val);
/* Recompute vdev->mem_on. */
void uvfio_config_sync_mem(struct uiommu_vdev *vdev);

/* config_map.c */
/* Find the capabilities (no client yet, no lock needed). */
void uvfio_pci_probe(struct uiommu_vdev *vdev);
/* Lay out what a client sees; caller holds vdev->lock. */
void uvfio_config_init(struct uiommu_vdev *vdev);

/* irq.c */
long uvfio_irq_info(struct uiommu_vdev *vdev, unsigned long arg);
long uvfio_set_irqs(struct uiommu_vdev *vdev, unsigned long arg);
unsigned int uvfio_irq_count(const struct uiommu_vdev *vdev,
			     unsigned int index);
/* Everything off; caller holds vdev->lock. */
void uvfio_irq_disable_all(struct uiommu_vdev *vdev);

/* One checked request of SET_IRQS; caller holds vdev->lock. */
struct uvfio_irq_req {
	unsigned int index, start, count;
	uint32_t data_type; /* VFIO_IRQ_SET_DATA_* */
	const uint8_t *bools;
	const int32_t *fds;
};

/* intx.c */
int uvfio_intx_trigger(struct uiommu_vdev *vdev,
		       const struct uvfio_irq_req *req);
int uvfio_intx_mask(struct uiommu_vdev *vdev, const struct uvfio_irq_req *req);
int uvfio_intx_unmask(struct uiommu_vdev *vdev,
		      const struct uvfio_irq_req *req);
void uvfio_intx_disable(struct uiommu_vdev *vdev);
/* The client wrote COMMAND.InterruptDisable. */
void uvfio_intx_set_off(struct uiommu_vdev *vdev, bool off);

/* msi.c (requests, vectors), msi_hw.c (the device's registers) */
int uvfio_msi_trigger(struct uiommu_vdev *vdev,
		      const struct uvfio_irq_req *req);
void uvfio_msi_disable(struct uiommu_vdev *vdev);
/* Tell the device again what it should know, after a reset. */
void uvfio_msi_restore(struct uiommu_vdev *vdev);
/* The group has a domain: make all doorbells reachable in it. */
void uvfio_msi_remap(struct uiommu_vdev *vdev);
void uvfio_msi_hw_enable(struct uiommu_vdev *vdev);
void uvfio_msi_hw_disable(struct uiommu_vdev *vdev);
/* Vector i: write its message and unmask it, or mask it. */
void uvfio_msi_hw_program(struct uiommu_vdev *vdev, unsigned int i);
void uvfio_msi_hw_mask(struct uiommu_vdev *vdev, unsigned int i);

/* eventfd.c */
/* A descriptor of our own for the client's eventfd.  -EBADF, -EINVAL. */
int uvfio_eventfd_get(int fd, int *out);
void uvfio_eventfd_put(int efd);
/* Add one; never blocks. */
void uvfio_eventfd_signal(int efd);

/* reset.c */
/* Reset keeping what the client configured; caller holds vdev->lock. */
int uvfio_reset_locked(struct uiommu_vdev *vdev);
long uvfio_reset(struct uiommu_vdev *vdev);
long uvfio_hot_reset_info(struct uvfio_device_file *df, unsigned long arg);
long uvfio_hot_reset(struct uvfio_device_file *df, unsigned long arg);

/* feature.c */
long uvfio_feature(struct uiommu_vdev *vdev, unsigned long arg);

/* errno for a descriptor that is not ours: not open at all, or `other`. */
int uvfio_foreign_fd(int fd, int other);

#endif /* ABI_VFIO_PRIVATE_H */
