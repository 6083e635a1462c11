/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * abi_bad_viommu.c - the calls of /dev/iommu that make a guest's IOMMU: what is
 * good, and what Linux answers to what is not.
 */
#include <unistd.h>

#include "abi_bad.h"

/* ---------------------------------------------------------------- undo -- */

static void undo_viommu(struct bad_world *w, const void *answer)
{
	bad_destroy(w,
		    ((const struct iommu_viommu_alloc *)answer)->out_viommu_id);
}

static void undo_vdevice(struct bad_world *w, const void *answer)
{
	bad_destroy(
		w,
		((const struct iommu_vdevice_alloc *)answer)->out_vdevice_id);
}

static void undo_veventq(struct bad_world *w, const void *answer)
{
	const struct iommu_veventq_alloc *queue = answer;
	int fd = (int)queue->out_veventq_fd;

	assert_int_equal(uiommu_abi_close(w->abi, fd), 0);
	close(fd);
	bad_destroy(w, queue->out_veventq_id);
}

static void undo_nested(struct bad_world *w, const void *answer)
{
	bad_destroy(w, ((const struct iommu_hwpt_alloc *)answer)->out_hwpt_id);
}

/* ----------------------------------------------------------------- rows -- */

#define VIOMMU(field, val) SET(iommu_viommu_alloc, field, val)
static const struct bad_row viommu_rows[] = {
	ROW("no type", -EOPNOTSUPP, VIOMMU(type, 0)),
	ROW("the type before the device", -EOPNOTSUPP, VIOMMU(type, 0),
	    VIOMMU(dev_id, SYM(ID_GONE))),
	ROW("with queues for guests", -EOPNOTSUPP,
	    VIOMMU(type, IOMMU_VIOMMU_TYPE_TEGRA241_CMDQV)),
	ROW("of no type", -EOPNOTSUPP, VIOMMU(type, UINT32_MAX)),
	ROW("the device before the type's driver", -ENOENT,
	    VIOMMU(type, UINT32_MAX), VIOMMU(dev_id, SYM(ID_GONE))),
	ROW("over what is no parent", -EINVAL, VIOMMU(hwpt_id, SYM(ID_HWPT))),
	ROW("over what is no parent", -EINVAL, VIOMMU(hwpt_id, SYM(ID_AUTO))),
	ROW("over what is no parent", -EINVAL, VIOMMU(hwpt_id, SYM(ID_PASID))),
};

#define VDEVICE(field, val) SET(iommu_vdevice_alloc, field, val)
static const struct bad_row vdevice_rows[] = {
	ROW("a number in use", -EEXIST, VDEVICE(virt_id, VIRT_ID)),
	ROW("a device that has one", -EEXIST, VDEVICE(dev_id, SYM(ID_LOOSE))),
	ROW("the same again", -EEXIST, VDEVICE(dev_id, SYM(ID_LOOSE)),
	    VDEVICE(virt_id, VIRT_ID)),
};

#define VEVENTQ(field, val) SET(iommu_veventq_alloc, field, val)
static const struct bad_row veventq_rows[] = {
	ROW("no type", -EOPNOTSUPP, VEVENTQ(type, 0)),
	ROW("no depth", -EINVAL, VEVENTQ(veventq_depth, 0)),
	ROW("too deep", -EINVAL, VEVENTQ(veventq_depth, (1u << 19) + 1)),
	ROW("too deep", -EINVAL, VEVENTQ(veventq_depth, UINT32_MAX)),
	ROW("the depth before the guest", -EINVAL, VEVENTQ(veventq_depth, 0),
	    VEVENTQ(viommu_id, SYM(ID_GONE))),
	ROW("of a type that there is", -EEXIST,
	    VEVENTQ(type, IOMMU_VEVENTQ_TYPE_ARM_SMMUV3)),
	/* Nothing ever comes by it. */
	ROW("of no type", 0, VEVENTQ(type, 77)),
};

#define QUEUE(field, val) SET(iommu_hw_queue_alloc, field, val)
static const struct bad_row hw_queue_rows[] = {
	ROW("no type", -EOPNOTSUPP, QUEUE(type, 0)),
	ROW("no length", -EINVAL, QUEUE(length, 0)),
	ROW("across the end", -EOVERFLOW,
	    QUEUE(nesting_parent_iova, U64_MAX - 1)),
};

/* Stream table entries of a guest: valid and aborting, and what is no such. */
static const uint64_t aborts[2] = { 1 };
static const uint64_t longer[3] = { 1 };
static const uint64_t no_config[2] = { 1 | 6 << 1 };
static const uint64_t odd_bit[2] = { 1 | UINT64_C(1) << 52 };
static const uint64_t odd_word[2] = { 1, UINT64_C(1) << 63 };
static const uint64_t no_eats[2] = { 1, UINT64_C(2) << 28 };
#define NESTED(field, val) SET(iommu_hwpt_alloc, field, val)
#define STE(words) NESTED(data_uptr, (uintptr_t)(words))
static const struct bad_row nested_rows[] = {
	ROW("no data", -EINVAL, NESTED(data_len, 0)),
	ROW("data of no type", -EINVAL, NESTED(data_type, 0)),
	ROW("data of another type", -EINVAL, NESTED(data_type, 1)),
	ROW("data of no known type", -EINVAL, NESTED(data_type, UINT32_MAX)),
	ROW("too short", -EINVAL, NESTED(data_len, 15)),
	ROW("too long", -EINVAL, NESTED(data_len, 24), STE(longer)),
	ROW("null", -EFAULT, STE(0)),
	ROW("not there", -EFAULT, STE(SYM(P_NONE))),
	ROW("no such configuration", -EIO, STE(no_config)),
	ROW("a bit of others", -EIO, STE(odd_bit)),
	ROW("a bit of others", -EIO, STE(odd_word)),
	ROW("no such ATS", -EIO, STE(no_eats)),
	ROW("a parent", -EOPNOTSUPP,
	    NESTED(flags, IOMMU_HWPT_ALLOC_NEST_PARENT)),
	ROW("tracked", -EOPNOTSUPP,
	    NESTED(flags, IOMMU_HWPT_ALLOC_DIRTY_TRACKING)),
	ROW("for PASIDs", -EOPNOTSUPP, NESTED(flags, IOMMU_HWPT_ALLOC_PASID)),
	ROW("right in the parent", -EOPNOTSUPP, NESTED(pt_id, SYM(ID_PARENT))),
	ROW("in no parent", -EINVAL, NESTED(pt_id, SYM(ID_VDEV))),
	ROW("no fault queue", -ENOENT, NESTED(flags, IOMMU_HWPT_FAULT_ID_VALID),
	    NESTED(fault_id, SYM(ID_IOAS))),
};

/* Commands of a guest: all of its own, and what is no such. */
static const uint64_t all[2] = { 0x30 };
static const uint64_t no_opcode[2] = { 0xff };
static const uint64_t odd_command[2] = { 0x30, 1 };
static const uint64_t of_nobody[2] = { 0x06 | UINT64_C(99) << 32 };
static const uint64_t longer_all[3] = { 0x30, 0, 1 };
#define INV(field, val) SET(iommu_hwpt_invalidate, field, val)
#define COMMAND(words) INV(data_uptr, (uintptr_t)(words))
static const struct bad_row invalidate_rows[] = {
	ROW("null", -EINVAL, COMMAND(0)),
	ROW("not there", -EFAULT, COMMAND(SYM(P_NONE))),
	ROW("the second not there", -EFAULT, COMMAND(SYM(P_HALF)),
	    INV(entry_num, 2)),
	ROW("of another type", -EINVAL, INV(data_type, 0)),
	ROW("of no type", -EINVAL, INV(data_type, UINT32_MAX)),
	ROW("none", -EINVAL, INV(entry_num, 0)),
	ROW("too many", -EINVAL, INV(entry_num, (1u << 19) + 1)),
	ROW("no length", -EINVAL, INV(entry_len, 0)),
	ROW("longer than a page", -EINVAL, INV(entry_len, PAGE + 1)),
	ROW("longer", -E2BIG, COMMAND(longer_all), INV(entry_len, 24)),
	ROW("no such command", -EIO, COMMAND(no_opcode)),
	ROW("a bit too many", -EIO, COMMAND(odd_command)),
	ROW("of a device that is none", -EIO, COMMAND(of_nobody)),
};

/* ---------------------------------------------------------------- table -- */

const struct bad_call bad_viommu[] = {
	{
		CALL(IOMMU_VIOMMU_ALLOC, iommu_viommu_alloc, out_viommu_id),
		.fd = FD_A,
		.set = { VIOMMU(type, IOMMU_VIOMMU_TYPE_ARM_SMMUV3),
			 VIOMMU(dev_id, SYM(ID_DEV)),
			 VIOMMU(hwpt_id, SYM(ID_PARENT)) },
		.writes = true,
		.undo = undo_viommu,
		.id = { { AT(iommu_viommu_alloc, dev_id), IS_DEV, -ENOENT,
			  -ENOENT },
			{ AT(iommu_viommu_alloc, hwpt_id), IS_HWPT, -ENOENT,
			  -ENOENT } },
		.bits = { RESERVED(iommu_viommu_alloc, flags) },
		ROWS(viommu_rows),
	},
	{
		CALL(IOMMU_VDEVICE_ALLOC, iommu_vdevice_alloc, virt_id),
		.fd = FD_A,
		.set = { VDEVICE(viommu_id, SYM(ID_VIOMMU)),
			 VDEVICE(dev_id, SYM(ID_DEV)), VDEVICE(virt_id, 7) },
		.writes = true,
		.undo = undo_vdevice,
		.id = { { AT(iommu_vdevice_alloc, viommu_id), IS(ID_VIOMMU),
			  -ENOENT, -ENOENT },
			{ AT(iommu_vdevice_alloc, dev_id), IS_DEV, -ENOENT,
			  -ENOENT } },
		ROWS(vdevice_rows),
	},
	{
		CALL(IOMMU_VEVENTQ_ALLOC, iommu_veventq_alloc, out_veventq_fd),
		.fd = FD_A,
		.set = { VEVENTQ(viommu_id, SYM(ID_VIOMMU)),
			 VEVENTQ(type, IOMMU_VEVENTQ_TYPE_TEGRA241_CMDQV),
			 VEVENTQ(veventq_depth, 1u << 19) },
		.writes = true,
		.undo = undo_veventq,
		.id = { { AT(iommu_veventq_alloc, viommu_id), IS(ID_VIOMMU),
			  -ENOENT, -ENOENT } },
		.bits = { RESERVED(iommu_veventq_alloc, flags),
			  RESERVED(iommu_veventq_alloc, __reserved) },
		ROWS(veventq_rows),
	},
	{
		/* Of an SMMUv3 without queues for guests. */
		CALL(IOMMU_HW_QUEUE_ALLOC, iommu_hw_queue_alloc, length),
		.fd = FD_A,
		.set = { QUEUE(viommu_id, SYM(ID_VIOMMU)),
			 QUEUE(type, IOMMU_HW_QUEUE_TYPE_TEGRA241_CMDQV),
			 QUEUE(nesting_parent_iova, IOVA),
			 QUEUE(length, PAGE) },
		.good = -EOPNOTSUPP,
		.id = { { AT(iommu_hw_queue_alloc, viommu_id), IS(ID_VIOMMU),
			  -ENOENT, -ENOENT } },
		.bits = { RESERVED(iommu_hw_queue_alloc, flags) },
		ROWS(hw_queue_rows),
	},
	{
		CALL(IOMMU_HWPT_ALLOC, iommu_hwpt_alloc, __reserved),
		.fd = FD_A,
		.set = { NESTED(dev_id, SYM(ID_DEV)),
			 NESTED(pt_id, SYM(ID_VIOMMU)),
			 NESTED(data_type, IOMMU_HWPT_DATA_ARM_SMMUV3),
			 NESTED(data_len, 16), STE(aborts) },
		.good_min = -EOPNOTSUPP, /* then there is no data */
		.writes = true,
		.undo = undo_nested,
		.id = { { AT(iommu_hwpt_alloc, dev_id), IS_DEV, -ENOENT,
			  -ENOENT } },
		.bits = { { AT(iommu_hwpt_alloc, flags), 4, -EOPNOTSUPP },
			  RESERVED(iommu_hwpt_alloc, __reserved) },
		ROWS(nested_rows),
	},
	{
		CALL(IOMMU_HWPT_INVALIDATE, iommu_hwpt_invalidate, __reserved),
		.fd = FD_A,
		.set = { INV(hwpt_id, SYM(ID_VIOMMU)), INV(data_type, 1),
			 COMMAND(all), INV(entry_len, 16), INV(entry_num, 1) },
		.writes = true,
		.bits = { RESERVED(iommu_hwpt_invalidate, __reserved) },
		ROWS(invalidate_rows),
	},
};
const unsigned int bad_nr_viommu = sizeof(bad_viommu) / sizeof(bad_viommu[0]);
