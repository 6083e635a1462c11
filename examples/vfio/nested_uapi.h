/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nested_uapi.h - what of Linux's ABI nested_guest uses and older headers lack:
 * iommufd's for guests came with Linux 6.13 to 6.16, Debian 12 has those of 6.1.
 *
 * The names are this program's own, so that no version of <linux/iommufd.h> and
 * <linux/vfio.h> is in its way.  Offsets and numbers are the kernel's.
 */
#ifndef NESTED_UAPI_H
#define NESTED_UAPI_H

#include <linux/ioctl.h>
#include <stdint.h>

/* ---------------------------------------------- of a vfio device's file -- */

#define VDEV_BIND _IO(';', 100 + 18)
#define VDEV_ATTACH _IO(';', 100 + 19)

struct vdev_bind {
	uint32_t argsz, flags;
	int32_t iommufd;
	uint32_t dev_id; /* out */
};

struct vdev_attach {
	uint32_t argsz, flags;
	uint32_t pt_id;
};

/* ---------------------------------------------------------- of iommufd -- */

#define FD_DESTROY _IO(';', 0x80)
#define FD_IOAS_ALLOC _IO(';', 0x81)
#define FD_IOAS_MAP _IO(';', 0x85)
#define FD_HWPT_ALLOC _IO(';', 0x89)
#define FD_GET_HW_INFO _IO(';', 0x8a)
#define FD_SET_DIRTY_TRACKING _IO(';', 0x8b)
#define FD_GET_DIRTY_BITMAP _IO(';', 0x8c)
#define FD_HWPT_INVALIDATE _IO(';', 0x8d)
#define FD_FAULT_QUEUE_ALLOC _IO(';', 0x8e)
#define FD_VIOMMU_ALLOC _IO(';', 0x90)
#define FD_VDEVICE_ALLOC _IO(';', 0x91)
#define FD_VEVENTQ_ALLOC _IO(';', 0x93)

struct fd_destroy {
	uint32_t size, id;
};

struct fd_ioas_alloc {
	uint32_t size, flags;
	uint32_t id; /* out */
};

#define FD_MAP_FIXED_RW 7u

struct fd_ioas_map {
	uint32_t size, flags;
	uint32_t ioas_id, reserved;
	uint64_t user_va, length, iova;
};

#define FD_CAP_DIRTY_TRACKING 1u
#define FD_CAP_NO_ATS 8u
/* Hardware, vIOMMU and event queue have the same number for an SMMUv3. */
#define FD_HW_INFO_SMMUV3 2u
#define FD_VIOMMU_SMMUV3 1u
#define FD_VEVENTQ_SMMUV3 1u
#define FD_HWPT_DATA_SMMUV3 2u
#define FD_INVALIDATE_SMMUV3 1u

struct fd_hw_info {
	uint32_t size, flags;
	uint32_t dev_id, data_len;
	uint64_t data;
	uint32_t type;		/* out */
	uint8_t max_pasid_log2; /* out */
	uint8_t reserved[3];
	uint64_t capabilities; /* out */
};

struct fd_hw_info_smmuv3 {
	uint32_t flags, reserved;
	uint32_t idr[6], iidr, aidr;
};

#define FD_HWPT_NEST_PARENT 1u
#define FD_HWPT_DIRTY_TRACKING 2u
#define FD_HWPT_FAULT_QUEUE 4u

struct fd_hwpt_alloc {
	uint32_t size, flags;
	uint32_t dev_id, pt_id;
	uint32_t id; /* out */
	uint32_t reserved;
	uint32_t data_type, data_len;
	uint64_t data;
	uint32_t fault_id, reserved2;
};

struct fd_viommu_alloc {
	uint32_t size, flags;
	uint32_t type, dev_id, hwpt_id;
	uint32_t id; /* out */
	uint32_t data_len, reserved;
	uint64_t data;
};

struct fd_vdevice_alloc {
	uint32_t size, viommu_id, dev_id;
	uint32_t id; /* out */
	uint64_t virt_id;
};

struct fd_veventq_alloc {
	uint32_t size, flags;
	uint32_t viommu_id, type, depth;
	uint32_t id, fd; /* out */
	uint32_t reserved;
};

struct fd_vevent_smmuv3 {
	uint32_t flags, sequence;
	uint64_t evt[4]; /* little endian */
};

struct fd_invalidate {
	uint32_t size, viommu_id;
	uint64_t data;
	uint32_t data_type, entry_len;
	uint32_t entry_num; /* out: how many were carried out */
	uint32_t reserved;
};

struct fd_fault_alloc {
	uint32_t size, flags;
	uint32_t id, fd; /* out */
};

#define FD_FAULT_PASID_VALID 1u
#define FD_FAULT_READ 1u /* perm */

struct fd_fault {
	uint32_t flags, dev_id, pasid, grpid;
	uint32_t perm, reserved;
	uint64_t addr;
	uint32_t length, cookie;
};

#define FD_RESPONSE_SUCCESS 0u
#define FD_RESPONSE_INVALID 1u

struct fd_response {
	uint32_t cookie, code;
};

struct fd_dirty_tracking {
	uint32_t size, flags;
	uint32_t hwpt_id, reserved;
};

struct fd_dirty_bitmap {
	uint32_t size, hwpt_id, flags, reserved;
	uint64_t iova, length, page_size, data;
};

#define NESTED_SIZE(name, bytes) \
	_Static_assert(sizeof(struct name) == (bytes), #name)
NESTED_SIZE(vdev_bind, 16);
NESTED_SIZE(vdev_attach, 12);
NESTED_SIZE(fd_ioas_alloc, 12);
NESTED_SIZE(fd_ioas_map, 40);
NESTED_SIZE(fd_hw_info, 40);
NESTED_SIZE(fd_hw_info_smmuv3, 40);
NESTED_SIZE(fd_hwpt_alloc, 48);
NESTED_SIZE(fd_viommu_alloc, 40);
NESTED_SIZE(fd_vdevice_alloc, 24);
NESTED_SIZE(fd_veventq_alloc, 32);
NESTED_SIZE(fd_vevent_smmuv3, 40);
NESTED_SIZE(fd_invalidate, 32);
NESTED_SIZE(fd_fault, 40);
NESTED_SIZE(fd_dirty_bitmap, 48);

#endif /* NESTED_UAPI_H */
