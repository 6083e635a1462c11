/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * abi_bad_hwpt.c - the calls of /dev/iommu about page tables:
 * what is good, and what Linux answers to what is not.
 */
#include <unistd.h>

#include "abi_bad.h"

/* ---------------------------------------------------------------- undo -- */

static void undo_hwpt(struct bad_world *w, const void *answer)
{
	bad_destroy(w, ((const struct iommu_hwpt_alloc *)answer)->out_hwpt_id);
}

static void undo_dirty(struct bad_world *w, const void *answer)
{
	struct iommu_hwpt_set_dirty_tracking off = {
		.size = sizeof(off), .hwpt_id = (uint32_t)w->sym[ID_DIRTY]
	};

	assert_int_equal(
		bad_ioctl(w, FD_A, IOMMU_HWPT_SET_DIRTY_TRACKING, &off), 0);
}

static void undo_fault(struct bad_world *w, const void *answer)
{
	const struct iommu_fault_alloc *fault = answer;
	int fd = (int)fault->out_fault_fd;

	assert_int_equal(uiommu_abi_close(w->abi, fd), 0);
	close(fd);
	bad_destroy(w, fault->out_fault_id);
}

/* ---------------------------------------------------------- page tables -- */

static const uint64_t zeroes[8];
#define HWPT(field, val) SET(iommu_hwpt_alloc, field, val)
#define FAULTS(id) HWPT(flags, IOMMU_HWPT_FAULT_ID_VALID), HWPT(fault_id, id)
static const struct bad_row hwpt_rows[] = {
	ROW("data without a type", -EINVAL, HWPT(data_len, 16)),
	ROW("a type without data", -EINVAL, HWPT(data_type, 2)),
	ROW("data for an IOAS", -EOPNOTSUPP, HWPT(data_type, 2),
	    HWPT(data_len, 16), HWPT(data_uptr, (uintptr_t)zeroes)),
	ROW("of no type", -EOPNOTSUPP, HWPT(data_type, UINT32_MAX),
	    HWPT(data_len, 16), HWPT(data_uptr, (uintptr_t)zeroes)),
	ROW("data before the device", -EINVAL, HWPT(data_len, 16),
	    HWPT(dev_id, SYM(ID_GONE))),
	ROW("the device before the rest", -ENOENT, HWPT(dev_id, SYM(ID_GONE)),
	    HWPT(pt_id, 0), HWPT(flags, UINT32_MAX)),
	ROW("of a page table that is no parent", -EOPNOTSUPP,
	    HWPT(pt_id, SYM(ID_HWPT))),
	ROW("no fault queue", -ENOENT, FAULTS(0)),
	ROW("no fault queue", -ENOENT, FAULTS(UINT32_MAX)),
	ROW("no fault queue", -ENOENT, FAULTS(SYM(ID_GONE))),
	ROW("no fault queue", -ENOENT, FAULTS(SYM(ID_FOREIGN))),
	ROW("no fault queue", -ENOENT, FAULTS(SYM(ID_IOAS))),
	ROW("no fault queue", -ENOENT, FAULTS(SYM(ID_DEV))),
	ROW("faults of a parent", -EOPNOTSUPP,
	    HWPT(flags,
		 IOMMU_HWPT_FAULT_ID_VALID | IOMMU_HWPT_ALLOC_NEST_PARENT),
	    HWPT(fault_id, SYM(ID_FAULT))),
	/* Not looked at. */
	ROW("a fault queue without its flag", 0, HWPT(fault_id, UINT32_MAX)),
	ROW("the last word", 0, HWPT(__reserved2, UINT32_MAX)),
	ROW("an address without data", 0, HWPT(data_uptr, U64_MAX)),
};

#define INFO(field, val) SET(iommu_hw_info, field, val)
static const struct bad_row info_rows[] = {
	ROW("null", -EFAULT, INFO(data_uptr, 0)),
	ROW("not there", -EFAULT, INFO(data_uptr, SYM(P_NONE))),
	ROW("half there", -EFAULT, INFO(data_uptr, SYM(P_HALF))),
	ROW("read only", -EFAULT, INFO(data_uptr, SYM(P_RO))),
	ROW("the rest not there", -EFAULT, INFO(data_uptr, SYM(P_BUF)),
	    INFO(data_len, 3 * PAGE)),
	ROW("of another IOMMU", -EOPNOTSUPP,
	    INFO(flags, IOMMU_HW_INFO_FLAG_INPUT_TYPE),
	    INFO(in_data_type, IOMMU_HW_INFO_TYPE_INTEL_VTD)),
	ROW("of none", -EOPNOTSUPP, INFO(flags, IOMMU_HW_INFO_FLAG_INPUT_TYPE),
	    INFO(in_data_type, UINT32_MAX)),
	/* Good. */
	ROW("no room, no memory", 0, INFO(data_len, 0), INFO(data_uptr, 0)),
	ROW("a type that does not count", 0, INFO(in_data_type, UINT32_MAX)),
};

#define DIRTY(field, val) SET(iommu_hwpt_get_dirty_bitmap, field, val)
#define DIRTY_ROWS                                                             \
	ROW("no length", -EINVAL, DIRTY(length, 0)),                           \
		ROW("across the end", -EOVERFLOW,                              \
		    DIRTY(iova, U64_MAX - PAGE + 1), DIRTY(length, PAGE + 1)), \
		ROW("not at a page", -EINVAL, DIRTY(iova, IOVA + 1)),          \
		ROW("part of a page", -EINVAL, DIRTY(length, PAGE - 1)),       \
		ROW("no page size", -EINVAL, DIRTY(page_size, 0)),             \
		ROW("not at such a page", -EINVAL,                             \
		    DIRTY(page_size, PAGE * 0x100000)),                        \
		ROW("the id first", -ENOENT, DIRTY(hwpt_id, SYM(ID_GONE)),     \
		    DIRTY(length, 0))
static const struct bad_row bitmap_rows[] = { DIRTY_ROWS };
static const struct bad_row tracked_rows[] = {
	DIRTY_ROWS,
	/* Bits that cannot be told are not told of. */
	ROW("null", 0, DIRTY(data, 0)),
	ROW("not there", 0, DIRTY(data, SYM(P_NONE))),
	ROW("of the kernel", 0, DIRTY(data, U64_MAX - 7)),
	ROW("of nothing", 0, DIRTY(iova, 0x40000000)),
};

#define INV(field, val) SET(iommu_hwpt_invalidate, field, val)
static const struct bad_row invalidate_rows[] = {
	ROW("no data", -EINVAL, INV(data_uptr, 0)),
	ROW("no entry", -EINVAL, INV(entry_len, 0)),
	ROW("too long an entry", -EINVAL, INV(entry_len, PAGE + 1)),
	ROW("too many", -EINVAL, INV(entry_num, (1u << 19) + 1)),
	ROW("too many, of nothing", -EINVAL, INV(entry_num, UINT32_MAX),
	    INV(hwpt_id, 0)),
	ROW("none, of nothing", -ENOENT, INV(entry_num, 0), INV(hwpt_id, 0)),
	ROW("none", -EINVAL, INV(entry_num, 0)),
};

/* ---------------------------------------------------------------- table -- */

const struct bad_call bad_hwpt[] = {
	{
		CALL(IOMMU_HWPT_ALLOC, iommu_hwpt_alloc, __reserved),
		.fd = FD_A,
		.set = { HWPT(dev_id, SYM(ID_DEV)), HWPT(pt_id, SYM(ID_IOAS)) },
		.writes = true,
		.undo = undo_hwpt,
		.id = { { AT(iommu_hwpt_alloc, dev_id), IS_DEV, -ENOENT,
			  -ENOENT },
			{ AT(iommu_hwpt_alloc, pt_id),
			  IS_IOAS | IS_HWPT | IS(ID_VIOMMU), -EINVAL,
			  -EINVAL } },
		.bits = { { AT(iommu_hwpt_alloc, flags), 0xf, -EOPNOTSUPP },
			  RESERVED(iommu_hwpt_alloc, __reserved) },
		ROWS(hwpt_rows),
	},
	{
		CALL(IOMMU_GET_HW_INFO, iommu_hw_info, __reserved),
		.fd = FD_A,
		.set = { INFO(dev_id, SYM(ID_DEV)), INFO(data_len, 64),
			 INFO(data_uptr, SYM(P_BUF)) },
		.writes = true,
		.id = { { AT(iommu_hw_info, dev_id), IS_DEV, -ENOENT,
			  -ENOENT } },
		.bits = { { AT(iommu_hw_info, flags),
			    IOMMU_HW_INFO_FLAG_INPUT_TYPE, -EOPNOTSUPP },
			  RESERVED(iommu_hw_info, __reserved) },
		ROWS(info_rows),
	},
	{
		/* A page table that was made without dirty tracking. */
		CALL(IOMMU_HWPT_SET_DIRTY_TRACKING,
		     iommu_hwpt_set_dirty_tracking, __reserved),
		.fd = FD_A,
		.set = { SET(iommu_hwpt_set_dirty_tracking, hwpt_id,
			     SYM(ID_HWPT)),
			 SET(iommu_hwpt_set_dirty_tracking, flags,
			     IOMMU_HWPT_DIRTY_TRACKING_ENABLE) },
		.good = -EOPNOTSUPP,
		.id = { { AT(iommu_hwpt_set_dirty_tracking, hwpt_id), IS_HWPT,
			  -ENOENT, -ENOENT } },
		.bits = { { AT(iommu_hwpt_set_dirty_tracking, flags), 1,
			    -EOPNOTSUPP } },
	},
	{
		CALL(IOMMU_HWPT_SET_DIRTY_TRACKING,
		     iommu_hwpt_set_dirty_tracking, __reserved),
		.fd = FD_A,
		.set = { SET(iommu_hwpt_set_dirty_tracking, hwpt_id,
			     SYM(ID_DIRTY)),
			 SET(iommu_hwpt_set_dirty_tracking, flags,
			     IOMMU_HWPT_DIRTY_TRACKING_ENABLE) },
		.undo = undo_dirty,
		.id = { { AT(iommu_hwpt_set_dirty_tracking, hwpt_id), IS_HWPT,
			  -ENOENT, -ENOENT } },
		.bits = { { AT(iommu_hwpt_set_dirty_tracking, flags), 1,
			    -EOPNOTSUPP } },
	},
	{
		CALL(IOMMU_HWPT_GET_DIRTY_BITMAP, iommu_hwpt_get_dirty_bitmap,
		     data),
		.fd = FD_A,
		.set = { DIRTY(hwpt_id, SYM(ID_HWPT)), DIRTY(iova, IOVA),
			 DIRTY(length, 4 * PAGE), DIRTY(page_size, PAGE),
			 DIRTY(data, SYM(P_BUF)) },
		.good = -EOPNOTSUPP,
		.id = { { AT(iommu_hwpt_get_dirty_bitmap, hwpt_id), IS_HWPT,
			  -ENOENT, -ENOENT } },
		.bits = { { AT(iommu_hwpt_get_dirty_bitmap, flags), 1,
			    -EOPNOTSUPP },
			  RESERVED(iommu_hwpt_get_dirty_bitmap, __reserved) },
		ROWS(bitmap_rows),
	},
	{
		CALL(IOMMU_HWPT_GET_DIRTY_BITMAP, iommu_hwpt_get_dirty_bitmap,
		     data),
		.fd = FD_A,
		.set = { DIRTY(hwpt_id, SYM(ID_DIRTY)), DIRTY(iova, IOVA),
			 DIRTY(length, 4 * PAGE), DIRTY(page_size, PAGE),
			 DIRTY(data, SYM(P_BUF)) },
		.id = { { AT(iommu_hwpt_get_dirty_bitmap, hwpt_id), IS_HWPT,
			  -ENOENT, -ENOENT } },
		.bits = { { AT(iommu_hwpt_get_dirty_bitmap, flags), 1,
			    -EOPNOTSUPP },
			  RESERVED(iommu_hwpt_get_dirty_bitmap, __reserved) },
		ROWS(tracked_rows),
	},
	{
		/* A page table whose contents are not the caller's. */
		CALL(IOMMU_HWPT_INVALIDATE, iommu_hwpt_invalidate, __reserved),
		.fd = FD_A,
		.set = { INV(hwpt_id, SYM(ID_HWPT)), INV(data_type, 1),
			 INV(data_uptr, SYM(P_BUF)), INV(entry_len, 16),
			 INV(entry_num, 1) },
		.good = -EINVAL,
		.writes = true,
		.id = { { AT(iommu_hwpt_invalidate, hwpt_id), IS(ID_VIOMMU),
			  -ENOENT, -EINVAL } },
		.bits = { RESERVED(iommu_hwpt_invalidate, __reserved) },
		ROWS(invalidate_rows),
	},
	{
		CALL(IOMMU_FAULT_QUEUE_ALLOC, iommu_fault_alloc, out_fault_fd),
		.fd = FD_A,
		.writes = true,
		.undo = undo_fault,
		.bits = { RESERVED(iommu_fault_alloc, flags) },
	},
};
const unsigned int bad_nr_hwpt = sizeof(bad_hwpt) / sizeof(bad_hwpt[0]);
