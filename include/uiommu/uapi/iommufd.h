/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uapi/iommufd.h - the user ABI of /dev/iommu as Linux 7.3 has it, stated by
 * us.
 *
 * Names, numbers and layouts are the kernel's, so a program can include this
 * file where it would include <linux/iommufd.h>, on systems whose own headers
 * are older or have none.  Whichever of the two comes first is used and the
 * other becomes empty.
 *
 * How a call works.  Every structure begins with `size`, which the caller sets
 * to sizeof(the structure it was compiled with).  A shorter one than the
 * kernel knows reads as if zeroes followed, down to a minimum per call; of a
 * longer one the rest must be zero (E2BIG).  The structure is written back as
 * far as the caller has it.  Reserved fields and unknown flags must be 0
 * (EOPNOTSUPP).  Objects are named by ids above 0 that belong to one open
 * file.  Ranges are inclusive: first and last byte.
 */
#if !defined(UIOMMU_UAPI_IOMMUFD_H) && !defined(_IOMMUFD_H) && \
	!defined(_UAPI_IOMMUFD_H)
#define UIOMMU_UAPI_IOMMUFD_H
#define _IOMMUFD_H
#define _UAPI_IOMMUFD_H

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

#define IOMMUFD_TYPE (';')

/* ------------------------------------------------------------- numbers -- */

enum {
	IOMMUFD_CMD_BASE = 0x80,
	IOMMUFD_CMD_DESTROY = 0x80,
	IOMMUFD_CMD_IOAS_ALLOC,
	IOMMUFD_CMD_IOAS_ALLOW_IOVAS,
	IOMMUFD_CMD_IOAS_COPY,
	IOMMUFD_CMD_IOAS_IOVA_RANGES,
	IOMMUFD_CMD_IOAS_MAP,
	IOMMUFD_CMD_IOAS_UNMAP,
	IOMMUFD_CMD_OPTION,
	IOMMUFD_CMD_VFIO_IOAS,
	IOMMUFD_CMD_HWPT_ALLOC,
	IOMMUFD_CMD_GET_HW_INFO,
	IOMMUFD_CMD_HWPT_SET_DIRTY_TRACKING,
	IOMMUFD_CMD_HWPT_GET_DIRTY_BITMAP,
	IOMMUFD_CMD_HWPT_INVALIDATE,
	IOMMUFD_CMD_FAULT_QUEUE_ALLOC,
	IOMMUFD_CMD_IOAS_MAP_FILE,
	IOMMUFD_CMD_VIOMMU_ALLOC, /* 0x90 */
	IOMMUFD_CMD_VDEVICE_ALLOC,
	IOMMUFD_CMD_IOAS_CHANGE_PROCESS,
	IOMMUFD_CMD_VEVENTQ_ALLOC,
	IOMMUFD_CMD_HW_QUEUE_ALLOC,
	IOMMUFD_CMD_IOAS_NOIOMMU_GET_PA,
};

#define IOMMU_DESTROY _IO(IOMMUFD_TYPE, 0x80)
#define IOMMU_IOAS_ALLOC _IO(IOMMUFD_TYPE, 0x81)
#define IOMMU_IOAS_ALLOW_IOVAS _IO(IOMMUFD_TYPE, 0x82)
#define IOMMU_IOAS_COPY _IO(IOMMUFD_TYPE, 0x83)
#define IOMMU_IOAS_IOVA_RANGES _IO(IOMMUFD_TYPE, 0x84)
#define IOMMU_IOAS_MAP _IO(IOMMUFD_TYPE, 0x85)
#define IOMMU_IOAS_UNMAP _IO(IOMMUFD_TYPE, 0x86)
#define IOMMU_OPTION _IO(IOMMUFD_TYPE, 0x87)
#define IOMMU_VFIO_IOAS _IO(IOMMUFD_TYPE, 0x88)
#define IOMMU_HWPT_ALLOC _IO(IOMMUFD_TYPE, 0x89)
#define IOMMU_GET_HW_INFO _IO(IOMMUFD_TYPE, 0x8a)
#define IOMMU_HWPT_SET_DIRTY_TRACKING _IO(IOMMUFD_TYPE, 0x8b)
#define IOMMU_HWPT_GET_DIRTY_BITMAP _IO(IOMMUFD_TYPE, 0x8c)
#define IOMMU_HWPT_INVALIDATE _IO(IOMMUFD_TYPE, 0x8d)
#define IOMMU_FAULT_QUEUE_ALLOC _IO(IOMMUFD_TYPE, 0x8e)
#define IOMMU_IOAS_MAP_FILE _IO(IOMMUFD_TYPE, 0x8f)
#define IOMMU_VIOMMU_ALLOC _IO(IOMMUFD_TYPE, 0x90)
#define IOMMU_VDEVICE_ALLOC _IO(IOMMUFD_TYPE, 0x91)
#define IOMMU_IOAS_CHANGE_PROCESS _IO(IOMMUFD_TYPE, 0x92)
#define IOMMU_VEVENTQ_ALLOC _IO(IOMMUFD_TYPE, 0x93)
#define IOMMU_HW_QUEUE_ALLOC _IO(IOMMUFD_TYPE, 0x94)
#define IOMMU_IOAS_NOIOMMU_GET_PA _IO(IOMMUFD_TYPE, 0x95)

/* ------------------------------------------------------------- objects -- */

/* Give an object back.  EBUSY while anything else uses it. */
struct iommu_destroy {
	__u32 size;
	__u32 id;
};
UIOMMU_UAPI_SIZE(iommu_destroy, 8);

/* ---------------------------------------------------------------- IOAS -- */

/* A new, empty IO address space. */
struct iommu_ioas_alloc {
	__u32 size;
	__u32 flags; /* 0 */
	__u32 out_ioas_id;
};
UIOMMU_UAPI_SIZE(iommu_ioas_alloc, 12);

struct iommu_iova_range {
	__aligned_u64 start;
	__aligned_u64 last;
};
UIOMMU_UAPI_SIZE(iommu_iova_range, 16);

/*
 * The ranges that may be used now.  EMSGSIZE: there are more than num_iovas,
 * which then says how many.
 */
struct iommu_ioas_iova_ranges {
	__u32 size;
	__u32 ioas_id;
	__u32 num_iovas; /* in: room; out: how many there are */
	__u32 __reserved;
	__aligned_u64 allowed_iovas; /* struct iommu_iova_range[] to fill */
	__aligned_u64 out_iova_alignment;
};
UIOMMU_UAPI_SIZE(iommu_ioas_iova_ranges, 32);

/* Where the kernel may choose IOVAs; replaces what was said before. */
struct iommu_ioas_allow_iovas {
	__u32 size;
	__u32 ioas_id;
	__u32 num_iovas;
	__u32 __reserved;
	__aligned_u64 allowed_iovas; /* struct iommu_iova_range[] */
};
UIOMMU_UAPI_SIZE(iommu_ioas_allow_iovas, 24);

enum iommufd_ioas_map_flags {
	IOMMU_IOAS_MAP_FIXED_IOVA = 1 << 0,
	IOMMU_IOAS_MAP_WRITEABLE = 1 << 1, /* by the device */
	IOMMU_IOAS_MAP_READABLE = 1 << 2,
};

/* Make memory of the caller visible to devices. */
struct iommu_ioas_map {
	__u32 size;
	__u32 flags;
	__u32 ioas_id;
	__u32 __reserved;
	__aligned_u64 user_va;
	__aligned_u64 length;
	__aligned_u64 iova; /* in with FIXED_IOVA, out always */
};
UIOMMU_UAPI_SIZE(iommu_ioas_map, 40);

/* The same for a memfd or a dma-buf. */
struct iommu_ioas_map_file {
	__u32 size;
	__u32 flags;
	__u32 ioas_id;
	__s32 fd;
	__aligned_u64 start; /* in the file */
	__aligned_u64 length;
	__aligned_u64 iova;
};
UIOMMU_UAPI_SIZE(iommu_ioas_map_file, 40);

/* Map what another IOAS, or another part of this one, has mapped. */
struct iommu_ioas_copy {
	__u32 size;
	__u32 flags; /* enum iommufd_ioas_map_flags */
	__u32 dst_ioas_id;
	__u32 src_ioas_id;
	__aligned_u64 length;
	__aligned_u64 dst_iova;
	__aligned_u64 src_iova;
};
UIOMMU_UAPI_SIZE(iommu_ioas_copy, 40);

/* Whole mappings only.  iova 0, length 2^64-1: all of them. */
struct iommu_ioas_unmap {
	__u32 size;
	__u32 ioas_id;
	__aligned_u64 iova;
	__aligned_u64 length; /* out: bytes that were mapped */
};
UIOMMU_UAPI_SIZE(iommu_ioas_unmap, 24);

/* Charge all mappings of the file to the calling process. */
struct iommu_ioas_change_process {
	__u32 size;
	__u32 __reserved;
};
UIOMMU_UAPI_SIZE(iommu_ioas_change_process, 8);

/* Physical addresses, where there is no IOMMU. */
struct iommu_ioas_noiommu_get_pa {
	__u32 size;
	__u32 flags; /* 0 */
	__u32 ioas_id;
	__u32 __reserved;
	__aligned_u64 iova;
	__aligned_u64 length; /* out: contiguous bytes */
	__aligned_u64 out_phys;
};
UIOMMU_UAPI_SIZE(iommu_ioas_noiommu_get_pa, 40);

/* ------------------------------------------------------------- options -- */

enum iommufd_option {
	IOMMU_OPTION_RLIMIT_MODE = 0, /* object_id 0; 0: per user, 1: per mm */
	IOMMU_OPTION_HUGE_PAGES = 1,  /* of an IOAS; 0: page by page */
};

enum iommufd_option_ops {
	IOMMU_OPTION_OP_SET = 0,
	IOMMU_OPTION_OP_GET = 1,
};

struct iommu_option {
	__u32 size;
	__u32 option_id;
	__u16 op;
	__u16 __reserved;
	__u32 object_id;
	__aligned_u64 val64;
};
UIOMMU_UAPI_SIZE(iommu_option, 24);

enum iommufd_vfio_ioas_op {
	IOMMU_VFIO_IOAS_GET = 0,
	IOMMU_VFIO_IOAS_SET = 1,
	IOMMU_VFIO_IOAS_CLEAR = 2,
};

/* Which IOAS the VFIO container calls on this file mean. */
struct iommu_vfio_ioas {
	__u32 size;
	__u32 ioas_id;
	__u16 op;
	__u16 __reserved;
};
UIOMMU_UAPI_SIZE(iommu_vfio_ioas, 12);

/* ------------------------------------------------ hardware page tables -- */

enum iommufd_hwpt_alloc_flags {
	IOMMU_HWPT_ALLOC_NEST_PARENT = 1 << 0,
	IOMMU_HWPT_ALLOC_DIRTY_TRACKING = 1 << 1,
	IOMMU_HWPT_FAULT_ID_VALID = 1 << 2,
	IOMMU_HWPT_ALLOC_PASID = 1 << 3,
};

enum iommu_hwpt_data_type {
	IOMMU_HWPT_DATA_NONE = 0,
	IOMMU_HWPT_DATA_VTD_S1 = 1,
	IOMMU_HWPT_DATA_ARM_SMMUV3 = 2,
	IOMMU_HWPT_DATA_AMD_GUEST = 3,
};

enum iommu_hwpt_vtd_s1_flags {
	IOMMU_VTD_S1_SRE = 1 << 0,
	IOMMU_VTD_S1_EAFE = 1 << 1,
	IOMMU_VTD_S1_WPE = 1 << 2,
};

struct iommu_hwpt_vtd_s1 {
	__aligned_u64 flags;
	__aligned_u64 pgtbl_addr;
	__u32 addr_width;
	__u32 __reserved;
};
UIOMMU_UAPI_SIZE(iommu_hwpt_vtd_s1, 24);

/* The first two words of a guest's stream table entry. */
struct iommu_hwpt_arm_smmuv3 {
	__aligned_le64 ste[2];
};
UIOMMU_UAPI_SIZE(iommu_hwpt_arm_smmuv3, 16);

struct iommu_hwpt_amd_guest {
	__aligned_u64 dte[4];
};
UIOMMU_UAPI_SIZE(iommu_hwpt_amd_guest, 32);

/*
 * A page table of the hardware.  pt_id an IOAS: filled from it; a nesting
 * parent or a vIOMMU: the caller's own tables, described at data_uptr.
 */
struct iommu_hwpt_alloc {
	__u32 size;
	__u32 flags;
	__u32 dev_id;
	__u32 pt_id;
	__u32 out_hwpt_id;
	__u32 __reserved;
	__u32 data_type;
	__u32 data_len;
	__aligned_u64 data_uptr;
	__u32 fault_id;
	__u32 __reserved2;
};
UIOMMU_UAPI_SIZE(iommu_hwpt_alloc, 48);

/* ------------------------------------------------ hardware information -- */

enum iommu_hw_info_type {
	IOMMU_HW_INFO_TYPE_NONE = 0,
	IOMMU_HW_INFO_TYPE_DEFAULT = 0,
	IOMMU_HW_INFO_TYPE_INTEL_VTD = 1,
	IOMMU_HW_INFO_TYPE_ARM_SMMUV3 = 2,
	IOMMU_HW_INFO_TYPE_TEGRA241_CMDQV = 3,
	IOMMU_HW_INFO_TYPE_AMD = 4,
};

enum iommu_hw_info_vtd_flags {
	IOMMU_HW_INFO_VTD_ERRATA_772415_SPR17 = 1 << 0,
};

struct iommu_hw_info_vtd {
	__u32 flags;
	__u32 __reserved;
	__aligned_u64 cap_reg;
	__aligned_u64 ecap_reg;
};
UIOMMU_UAPI_SIZE(iommu_hw_info_vtd, 24);

enum iommu_hw_info_arm_smmuv3_flags {
	IOMMU_HW_INFO_ARM_SMMUV3_ERRATA_REPEAT_TLBI_CFGI = 1 << 0,
};

/* Registers as the SMMU shows them. */
struct iommu_hw_info_arm_smmuv3 {
	__u32 flags;
	__u32 __reserved;
	__u32 idr[6];
	__u32 iidr;
	__u32 aidr;
};
UIOMMU_UAPI_SIZE(iommu_hw_info_arm_smmuv3, 40);

struct iommu_hw_info_tegra241_cmdqv {
	__u32 flags;
	__u8 version;
	__u8 log2vcmdqs;
	__u8 log2vsids;
	__u8 __reserved;
};
UIOMMU_UAPI_SIZE(iommu_hw_info_tegra241_cmdqv, 8);

struct iommu_hw_info_amd {
	__aligned_u64 efr;
	__aligned_u64 efr2;
};
UIOMMU_UAPI_SIZE(iommu_hw_info_amd, 16);

enum iommufd_hw_capabilities {
	IOMMU_HW_CAP_DIRTY_TRACKING = 1 << 0,
	IOMMU_HW_CAP_PCI_PASID_EXEC = 1 << 1,
	IOMMU_HW_CAP_PCI_PASID_PRIV = 1 << 2,
	IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED = 1 << 3,
};

enum iommufd_hw_info_flags {
	IOMMU_HW_INFO_FLAG_INPUT_TYPE = 1 << 0, /* in_data_type counts */
};

/* What the IOMMU of a bound device is. */
struct iommu_hw_info {
	__u32 size;
	__u32 flags;
	__u32 dev_id;
	__u32 data_len; /* in: room; out: what the kernel has */
	__aligned_u64 data_uptr;
	union {
		__u32 in_data_type;
		__u32 out_data_type;
	};
	__u8 out_max_pasid_log2;
	__u8 __reserved[3];
	__aligned_u64 out_capabilities;
};
UIOMMU_UAPI_SIZE(iommu_hw_info, 40);

/* ------------------------------------------------------ dirty tracking -- */

enum iommufd_hwpt_set_dirty_tracking_flags {
	IOMMU_HWPT_DIRTY_TRACKING_ENABLE = 1,
};

struct iommu_hwpt_set_dirty_tracking {
	__u32 size;
	__u32 flags;
	__u32 hwpt_id;
	__u32 __reserved;
};
UIOMMU_UAPI_SIZE(iommu_hwpt_set_dirty_tracking, 16);

enum iommufd_hwpt_get_dirty_bitmap_flags {
	IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR = 1,
};

/* Bit n stands for [iova + n * page_size, +page_size); bits are added. */
struct iommu_hwpt_get_dirty_bitmap {
	__u32 size;
	__u32 hwpt_id;
	__u32 flags;
	__u32 __reserved;
	__aligned_u64 iova;
	__aligned_u64 length;
	__aligned_u64 page_size;
	__aligned_u64 data;
};
UIOMMU_UAPI_SIZE(iommu_hwpt_get_dirty_bitmap, 48);

/* -------------------------------------------------------- invalidation -- */

enum iommu_hwpt_invalidate_data_type {
	IOMMU_HWPT_INVALIDATE_DATA_VTD_S1 = 0,
	IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3 = 1,
};

enum iommu_hwpt_vtd_s1_invalidate_flags {
	IOMMU_VTD_INV_FLAGS_LEAF = 1 << 0,
};

struct iommu_hwpt_vtd_s1_invalidate {
	__aligned_u64 addr;
	__aligned_u64 npages;
	__u32 flags;
	__u32 __reserved;
};
UIOMMU_UAPI_SIZE(iommu_hwpt_vtd_s1_invalidate, 24);

/* A guest's command as it stands in its command queue. */
struct iommu_viommu_arm_smmuv3_invalidate {
	__aligned_le64 cmd[2];
};
UIOMMU_UAPI_SIZE(iommu_viommu_arm_smmuv3_invalidate, 16);

struct iommu_hwpt_invalidate {
	__u32 size;
	__u32 hwpt_id; /* nested page table or vIOMMU */
	__aligned_u64 data_uptr;
	__u32 data_type;
	__u32 entry_len;
	__u32 entry_num; /* out, on errors too: entries done */
	__u32 __reserved;
};
UIOMMU_UAPI_SIZE(iommu_hwpt_invalidate, 32);

/* -------------------------------------------------------- fault queues -- */

/* Read from the queue's descriptor. */
enum iommu_hwpt_pgfault_flags {
	IOMMU_PGFAULT_FLAGS_PASID_VALID = 1 << 0,
	IOMMU_PGFAULT_FLAGS_LAST_PAGE = 1 << 1, /* of its group */
};

enum iommu_hwpt_pgfault_perm {
	IOMMU_PGFAULT_PERM_READ = 1 << 0,
	IOMMU_PGFAULT_PERM_WRITE = 1 << 1,
	IOMMU_PGFAULT_PERM_EXEC = 1 << 2,
	IOMMU_PGFAULT_PERM_PRIV = 1 << 3,
};

struct iommu_hwpt_pgfault {
	__u32 flags;
	__u32 dev_id;
	__u32 pasid;
	__u32 grpid;
	__u32 perm;
	__u32 __reserved;
	__aligned_u64 addr;
	__u32 length;
	__u32 cookie; /* names the group in the answer */
};
UIOMMU_UAPI_SIZE(iommu_hwpt_pgfault, 40);

/* Written to it. */
enum iommufd_page_response_code {
	IOMMUFD_PAGE_RESP_SUCCESS = 0,
	IOMMUFD_PAGE_RESP_INVALID = 1,
};

struct iommu_hwpt_page_response {
	__u32 cookie;
	__u32 code;
};
UIOMMU_UAPI_SIZE(iommu_hwpt_page_response, 8);

struct iommu_fault_alloc {
	__u32 size;
	__u32 flags; /* 0 */
	__u32 out_fault_id;
	__u32 out_fault_fd;
};
UIOMMU_UAPI_SIZE(iommu_fault_alloc, 16);

/* ------------------------------------------------------ virtual IOMMUs -- */

enum iommu_viommu_type {
	IOMMU_VIOMMU_TYPE_DEFAULT = 0,
	IOMMU_VIOMMU_TYPE_ARM_SMMUV3 = 1,
	IOMMU_VIOMMU_TYPE_TEGRA241_CMDQV = 2,
};

struct iommu_viommu_tegra241_cmdqv {
	__aligned_u64 out_vintf_mmap_offset;
	__aligned_u64 out_vintf_mmap_length;
};
UIOMMU_UAPI_SIZE(iommu_viommu_tegra241_cmdqv, 16);

/* A guest's share of the IOMMU of dev_id, over the nesting parent hwpt_id. */
struct iommu_viommu_alloc {
	__u32 size;
	__u32 flags; /* 0 */
	__u32 type;
	__u32 dev_id;
	__u32 hwpt_id;
	__u32 out_viommu_id;
	__u32 data_len;
	__u32 __reserved;
	__aligned_u64 data_uptr;
};
UIOMMU_UAPI_SIZE(iommu_viommu_alloc, 40);

/* What the guest calls the device (a stream id on SMMUv3). */
struct iommu_vdevice_alloc {
	__u32 size;
	__u32 viommu_id;
	__u32 dev_id;
	__u32 out_vdevice_id;
	__aligned_u64 virt_id;
};
UIOMMU_UAPI_SIZE(iommu_vdevice_alloc, 24);

enum iommu_veventq_flag {
	IOMMU_VEVENTQ_FLAG_LOST_EVENTS = 1U << 0,
};

/* In front of each event, alone when events were lost. */
struct iommufd_vevent_header {
	__u32 flags;
	__u32 sequence;
};
UIOMMU_UAPI_SIZE(iommufd_vevent_header, 8);

enum iommu_veventq_type {
	IOMMU_VEVENTQ_TYPE_DEFAULT = 0,
	IOMMU_VEVENTQ_TYPE_ARM_SMMUV3 = 1,
	IOMMU_VEVENTQ_TYPE_TEGRA241_CMDQV = 2,
};

/* The event record with the guest's stream id in it. */
struct iommu_vevent_arm_smmuv3 {
	__aligned_le64 evt[4];
};
UIOMMU_UAPI_SIZE(iommu_vevent_arm_smmuv3, 32);

struct iommu_vevent_tegra241_cmdqv {
	__aligned_le64 lvcmdq_err_map[2];
};
UIOMMU_UAPI_SIZE(iommu_vevent_tegra241_cmdqv, 16);

struct iommu_veventq_alloc {
	__u32 size;
	__u32 flags; /* 0 */
	__u32 viommu_id;
	__u32 type;
	__u32 veventq_depth;
	__u32 out_veventq_id;
	__u32 out_veventq_fd;
	__u32 __reserved;
};
UIOMMU_UAPI_SIZE(iommu_veventq_alloc, 32);

enum iommu_hw_queue_type {
	IOMMU_HW_QUEUE_TYPE_DEFAULT = 0,
	IOMMU_HW_QUEUE_TYPE_TEGRA241_CMDQV = 1,
};

/* A queue in the guest's memory that the hardware reads by itself. */
struct iommu_hw_queue_alloc {
	__u32 size;
	__u32 flags; /* 0 */
	__u32 viommu_id;
	__u32 type;
	__u32 index;
	__u32 out_hw_queue_id;
	__aligned_u64 nesting_parent_iova;
	__aligned_u64 length;
};
UIOMMU_UAPI_SIZE(iommu_hw_queue_alloc, 40);

#undef UIOMMU_UAPI_SIZE

#endif /* UIOMMU_UAPI_IOMMUFD_H */
