/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fixture.h - the ABI on the real core, with an IOMMU and PCI devices made for
 * tests.  User memory is this process's; what lies below 64 KiB or in the hole
 * is not accessible.
 *
 * Devices 0 and 1 are alone in their groups (on bus 1), 2 and 3 share one (on
 * bus 2); 4 stands behind a second IOMMU, which does not
 * translate interrupts and whose driver has no PASIDs, on the root bus; 5 has no
 * reset, and its IOMMU does not isolate interrupts.  Device 1 has no PASIDs, 3
 * has them with 4 bits, all others with 8.  MSI of 1
 * and 4 has addresses of 32 bits.
 */
#ifndef TESTS_ABI_VFIO_FIXTURE_H
#define TESTS_ABI_VFIO_FIXTURE_H

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include <uiommu/abi.h>
#include <uiommu/uapi/iommufd.h>
#include <uiommu/uapi/vfio-nesting.h>
#include <uiommu/uapi/vfio.h>

#include "base/bits.h"
#include "fake_pci.h"
#include "fake_unit.h"
#include "test_platform.h"

#define FX_DEVICES 6
#define FX_VECTORS 64
#define FX_DOORBELL UINT64_C(0x40000000)
#define FX_MSI_DATA 0x40u
/* User addresses that are not there, and that are a mapped BAR. */
#define FX_HOLE UINT64_C(0x6f0000000000)
#define FX_MMIO UINT64_C(0x700000000000)
#define FX_AREA_SIZE UINT64_C(0x100000000)
#define FX_MMIO_PA UINT64_C(0x80000000)
#define FX_WINDOW UINT64_C(0x08000000)
/* Device 4 must not see this page. */
#define FX_RESERVED UINT64_C(0x300000000)
#define FX_BAD_PTR 0x1000ul

struct fx_vector {
	bool used;
	void (*fire)(void *arg);
	void *arg;
};

struct fx {
	struct test_platform tp;
	struct uiommu_core *core;
	struct fake_unit unit[3];
	struct fake_pci pci[FX_DEVICES];
	char bdf[FX_DEVICES][16];
	struct uiommu_abi *abi;
	struct uiommu_mm mm;
	pthread_mutex_t lock; /* vectors; held while they fire */
	struct fx_vector vec[FX_VECTORS];
	uint64_t doorbell;    /* its page */
	unsigned int max_vec; /* how many there may be */
	unsigned int gap;  /* this one is somebody else's; FX_VECTORS: none */
	bool fail_copy_to; /* nothing can be written to the client */
	unsigned int open_fds; /* before anything was opened */
	uint64_t arena[2];     /* if set: only this can be copied from and to */
	uint64_t pins;	       /* bytes, atomic */
};

int fx_setup(void **state);
int fx_teardown(void **state);

static inline struct fx *fx_of(void **state)
{
	return *state;
}

/* Calls as a program makes them. */
int fx_open(struct fx *fx, const char *path);
void fx_close(struct fx *fx, int fd);
long fx_ioctl(struct fx *fx, int fd, unsigned long cmd, void *arg);
long fx_ioctl_val(struct fx *fx, int fd, unsigned long cmd, unsigned long arg);

/* Path of a device's group and cdev. */
const char *fx_group_path(struct fx *fx, unsigned int dev, char *buf);
const char *fx_cdev_path(struct fx *fx, unsigned int dev, char *buf);

/* Legacy: container with an IOMMU of `type` and the device's group in it. */
struct fx_legacy {
	int container, group, device;
};
void fx_legacy_open(struct fx *fx, struct fx_legacy *legacy, unsigned int dev,
		    unsigned long type);
void fx_legacy_close(struct fx *fx, struct fx_legacy *legacy);

/* cdev: bound to an iommufd; with `attach` to an IOAS of it too. */
struct fx_cdev {
	int iommufd, device;
	uint32_t devid, ioas, pt;
};
void fx_cdev_open(struct fx *fx, struct fx_cdev *cdev, unsigned int dev,
		  bool attach);
void fx_cdev_close(struct fx *fx, struct fx_cdev *cdev);

/* Bits 15:0 of configuration space and of registers, through the file. */
uint32_t fx_cfg_read(struct fx *fx, int device, unsigned int off,
		     unsigned int size);
void fx_cfg_write(struct fx *fx, int device, unsigned int off,
		  unsigned int size, uint32_t val);
#define FX_REGION(index) ((uint64_t)(index) << 40)

/* SET_IRQS; data may be NULL. */
long fx_set_irqs(struct fx *fx, int device, uint32_t flags, uint32_t index,
		 uint32_t start, uint32_t count, const void *data, size_t size);
#define FX_TRIGGER_EVENTFD \
	(VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER)
#define FX_TRIGGER_NONE (VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER)
#define FX_TRIGGER_BOOL (VFIO_IRQ_SET_DATA_BOOL | VFIO_IRQ_SET_ACTION_TRIGGER)

/* A non-blocking eventfd, and what it counted since (0: nothing). */
int fx_eventfd(void);
uint64_t fx_events(int efd);

/* type1 */
long fx_map(struct fx *fx, int container, uint64_t uva, uint64_t iova,
	    uint64_t size);
long fx_unmap(struct fx *fx, int container, uint64_t iova, uint64_t size,
	      uint64_t *unmapped);
/* Where the device's DMA to `iova` goes; false: faults. */
bool fx_translate(struct fx *fx, unsigned int dev, uint64_t iova,
		  uiommu_pa_t *pa);
/* The same with a PASID. */
bool fx_translate_pasid(struct fx *fx, unsigned int dev, uint32_t pasid,
			uint64_t iova, uiommu_pa_t *pa);

#endif /* TESTS_ABI_VFIO_FIXTURE_H */
