/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uapi/vfio-nesting.h - guests on /dev/vfio/vfio: the container of type 6 and its
 * three calls, as they were proposed for Linux in August 2018 (v1) and never
 * merged, stated by us.
 *
 * Numbers, sizes and places are v1's.  What the review of v1 added stands in places
 * that v1 left unused, and counts where a flag says so that v1 did not have: the
 * bytes of a program written for v1 mean what they meant.  Goes together with
 * <linux/vfio.h> and with uapi/vfio.h, in any order.
 *
 * SET_IOMMU with VFIO_TYPE1_NESTING_IOMMU makes a container like that of
 * VFIO_TYPE1v2_IOMMU whose mappings are the guest's memory: what it calls IOVAs are
 * guest physical addresses.  Devices reach it by these addresses until the guest's
 * tables are bound, and by what those translate from then on.  Containers of other
 * types do not know the three calls (ENOTTY).
 *
 * All three: EFAULT; EINVAL, argsz is too small, or an unknown flag or value; ENODEV,
 * the IOMMU cannot do that.  They count for all devices of the container, and for
 * those that join it later; a call that fails has changed nothing.
 */
#ifndef UIOMMU_UAPI_VFIO_NESTING_H
#define UIOMMU_UAPI_VFIO_NESTING_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* The layout is ABI: its size is checked where it is stated. */
#ifdef __cplusplus
#define UIOMMU_UAPI_SIZE(name, bytes) \
	static_assert(sizeof(struct name) == (bytes), #name)
#else
#define UIOMMU_UAPI_SIZE(name, bytes) \
	_Static_assert(sizeof(struct name) == (bytes), #name)
#endif

/* Of CHECK_EXTENSION and SET_IOMMU. */
#ifndef VFIO_TYPE1_NESTING_IOMMU
#define VFIO_TYPE1_NESTING_IOMMU 6
#endif

#define VFIO_IOMMU_BIND_GUEST_STAGE _IO(';', 100 + 22)
#define VFIO_IOMMU_TLB_INVALIDATE _IO(';', 100 + 23)
#define VFIO_IOMMU_BIND_MSI _IO(';', 100 + 24)

/* ------------------------------------------------------ the guest's stage -- */

/* Context tables: in one piece, or of two levels with leaves of that size. */
#define VFIO_GUEST_S1FMT_LINEAR 0
#define VFIO_GUEST_S1FMT_4K_L2 1
#define VFIO_GUEST_S1FMT_64K_L2 2

/* Accesses without a PASID: end, bypass the guest's stage, or take context 0. */
#define VFIO_GUEST_S1DSS_TERMINATE 0
#define VFIO_GUEST_S1DSS_BYPASS 1
#define VFIO_GUEST_S1DSS_SSID0 2

/* What the guest's stage does with accesses. */
#define VFIO_GUEST_STATE_TRANSLATE 0
#define VFIO_GUEST_STATE_BYPASS 1
#define VFIO_GUEST_STATE_ABORT 2

#define VFIO_GUEST_PASID_TABLE_VERSION 1

/*
 * base_ptr and pasid_bits count for TRANSLATE.  v1 has no s1fmt, s1dss and state:
 * without VFIO_GUEST_STAGE_EXT they are LINEAR, SSID0 and TRANSLATE.
 */
struct vfio_guest_pasid_table {
	__u32 version;
	__u32 bytes; /* of this structure: 17 at least, 20 with EXT, 24 at most */
	__aligned_u64 base_ptr; /* guest physical */
	__u8 pasid_bits; /* 0: one context, for accesses without a PASID */
	__u8 s1fmt;
	__u8 s1dss;
	__u8 state;
	__u8 padding[4];
};
UIOMMU_UAPI_SIZE(vfio_guest_pasid_table, 24);

/*
 * The same in words of an SMMUv3.  `aborted` comes first, then `disabled` and
 * `bypassed`, which are both the bypass of the guest's stage.  v1 has one context:
 * without VFIO_GUEST_STAGE_EXT s1cdmax is 0, and `asid` is that context's, which is
 * taken for invalidations that come without arch_id.  With EXT `asid` is nothing.
 */
struct vfio_guest_smmuv3_s1 {
	__u8 disabled;
	__u8 bypassed;
	__u8 aborted;
	__u8 s1fmt;
	__u8 s1dss;
	__u8 s1cdmax; /* as pasid_bits */
	__u8 padding[2];
	__aligned_u64 cdptr_dma; /* as base_ptr */
	__u16 asid;
	__u8 padding2[6];
};
UIOMMU_UAPI_SIZE(vfio_guest_smmuv3_s1, 24);

/* One of the first two; with EXT the fields count that v1 does not have. */
#define VFIO_GUEST_STAGE_PASID_TABLE (1 << 0)
#define VFIO_GUEST_STAGE_SMMUV3_S1 (1 << 1)
#define VFIO_GUEST_STAGE_EXT (1 << 2)

struct vfio_guest_stage_config {
	__u32 flags;
	__u32 padding;
	union {
		struct vfio_guest_pasid_table pasid_table;
		struct vfio_guest_smmuv3_s1 smmuv3_s1;
	};
};
UIOMMU_UAPI_SIZE(vfio_guest_stage_config, 32);

/* Not of v1.  The guest's stage is bypassed, as before it was bound. */
#define VFIO_GUEST_STAGE_UNBIND (1 << 0)

/*
 * Let the guest's tables translate; bound again, they replace those before.  With
 * UNBIND `config` is not looked at, and nothing bound is no error.
 *   EINVAL  more PASIDs than the IOMMU has, a base that it cannot reach or that is
 *	     not aligned
 *   EBUSY   the host uses PASIDs of a device
 *   EIO, ETIMEDOUT  hardware does not answer, or did not before
 */
struct vfio_iommu_type1_bind_guest_stage {
	__u32 argsz;
	__u32 flags;
	struct vfio_guest_stage_config config;
};
UIOMMU_UAPI_SIZE(vfio_iommu_type1_bind_guest_stage, 40);

/* ----------------------------------------------------------- invalidation -- */

#define VFIO_GUEST_INVALIDATE_VERSION 1

/* Which cache. */
#define VFIO_GUEST_INVALIDATE_DEVICE_TLB 0
#define VFIO_GUEST_INVALIDATE_TLB 1
#define VFIO_GUEST_INVALIDATE_PASID_CACHE 2

/* What of it; pages are not of the PASID cache. */
#define VFIO_GUEST_INVALIDATE_ALL_PASIDS 0
#define VFIO_GUEST_INVALIDATE_ONE_PASID 1
#define VFIO_GUEST_INVALIDATE_PAGES 2

#define VFIO_GUEST_INVALIDATE_LEAF (1 << 0)
#define VFIO_GUEST_INVALIDATE_GLOBAL (1 << 1)
/* Not of v1: arch_id is there. */
#define VFIO_GUEST_INVALIDATE_ARCH_ID (1 << 2)

/* In the place of a PASID: accesses that have none.  0 is these, too. */
#define VFIO_GUEST_NO_PASID 0xffffffff

struct vfio_guest_invalidate_hdr {
	__u32 version;
	__u32 type;
};
UIOMMU_UAPI_SIZE(vfio_guest_invalidate_hdr, 8);

struct vfio_guest_invalidate_info {
	struct vfio_guest_invalidate_hdr hdr;
	__u32 granularity;
	__u32 flags;
	__u8 size; /* of a page: 4 KiB << size */
	__u8 padding[7];
	__aligned_u64 nr_pages; /* from addr on */
	__u32 pasid;
	__u32 arch_id; /* of TLBs of one PASID and of its pages: their ASID */
	__aligned_u64 addr;
};
UIOMMU_UAPI_SIZE(vfio_guest_invalidate_info, 48);

/*
 * The guest has changed its tables: returns when what is named is forgotten.
 *   EINVAL  nothing is bound; pages of the PASID cache, or none; TLBs of a PASID or of
 *	     its pages without arch_id, unless v1's configuration of an SMMUv3 gave it
 *   EIO, ETIMEDOUT  hardware does not answer; all others have been told
 */
struct vfio_iommu_type1_tlb_invalidate {
	__u32 argsz;
	__u32 flags;
	struct vfio_guest_invalidate_info info;
};
UIOMMU_UAPI_SIZE(vfio_iommu_type1_tlb_invalidate, 56);

/* ------------------------------------------------------------- interrupts -- */

struct vfio_guest_msi_binding {
	__aligned_u64 iova;
	__aligned_u64 gpa;
	__u32 granule; /* log2 of the page that the guest maps it by */
	__u32 padding;
};
UIOMMU_UAPI_SIZE(vfio_guest_msi_binding, 24);

/*
 * Not of v1.  The binding whose page has `iova` goes, with the doorbell that is there;
 * gpa and granule are not looked at.
 *   ENOENT  there is no such binding
 *   EIO, ETIMEDOUT  it is gone, but hardware that does not answer may still lead there
 */
#define VFIO_GUEST_MSI_UNBIND (1 << 0)

/*
 * The guest has mapped `iova` to a doorbell of its own at `gpa`, both rounded down to
 * the granule: the next doorbell of the host's that a device needs is put there.  The
 * same iova again changes nothing.  When all are taken SET_IRQS fails (ENOSPC).
 *   EINVAL  no such granule, an address out of reach
 *   EEXIST  it overlaps another binding
 *   ENOSPC  there are 1024 bindings
 */
struct vfio_iommu_type1_bind_msi {
	__u32 argsz;
	__u32 flags;
	struct vfio_guest_msi_binding binding;
};
UIOMMU_UAPI_SIZE(vfio_iommu_type1_bind_msi, 32);

#undef UIOMMU_UAPI_SIZE

#endif /* UIOMMU_UAPI_VFIO_NESTING_H */
