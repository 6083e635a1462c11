/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * abi_bad_nesting.c - the three calls of a container of type 6, in which a guest's
 * PASID table is bound: what is good, and the answer to what is not.
 */
#include <uiommu/uapi/vfio-nesting.h>

#include "abi_bad.h"

/* ---------------------------------------------------------------- undo -- */

static void undo_bind(struct bad_world *w, const void *answer)
{
	bad_bind_guest(w);
}

static void undo_msi(struct bad_world *w, const void *answer)
{
	struct vfio_iommu_type1_bind_msi call;

	memcpy(&call, answer, sizeof(call));
	call.argsz = sizeof(call);
	call.flags = VFIO_GUEST_MSI_UNBIND;
	assert_int_equal(bad_ioctl(w, FD_T6, VFIO_IOMMU_BIND_MSI, &call), 0);
	bad_bind_msi(w);
}

/* ----------------------------------------------------------------- rows -- */

#define STAGE(field, val) SET(vfio_iommu_type1_bind_guest_stage, field, val)
#define TABLE(field, val) STAGE(config.pasid_table.field, val)
#define SMMU(field, val) STAGE(config.smmuv3_s1.field, val)
#define AS_V1 STAGE(config.flags, VFIO_GUEST_STAGE_PASID_TABLE)
#define AS_SMMU \
	STAGE(config.flags, VFIO_GUEST_STAGE_SMMUV3_S1 | VFIO_GUEST_STAGE_EXT)

static const struct bad_row bind_rows[] = {
	ROW("no kind of table", -EINVAL, STAGE(config.flags, 0)),
	ROW("both kinds", -EINVAL, STAGE(config.flags, 7)),
	ROW("neither kind", -EINVAL, STAGE(config.flags, VFIO_GUEST_STAGE_EXT)),
	ROW("behind the kind", -EINVAL, STAGE(config.padding, 1)),
	ROW("of v1, behind the kind", 0, AS_V1, STAGE(config.padding, U64_MAX)),
	ROW("no version", -EINVAL, TABLE(version, 0)),
	ROW("another version", -EINVAL, TABLE(version, 2)),
	ROW("no bytes", -EINVAL, TABLE(bytes, 0)),
	ROW("without its state", -EINVAL, TABLE(bytes, 19)),
	ROW("of v1, without its size", -EINVAL, AS_V1, TABLE(bytes, 16)),
	ROW("of v1, as short as may be", 0, AS_V1, TABLE(bytes, 17)),
	ROW("of v1, with anything behind", 0, AS_V1, TABLE(s1fmt, 0xff),
	    TABLE(s1dss, 0xff), TABLE(state, 0xff), TABLE(padding[3], 0xff)),
	ROW("more bytes than there are", -EINVAL, TABLE(bytes, 25)),
	ROW("no such format", -EINVAL, TABLE(s1fmt, 3)),
	ROW("without a PASID, what?", -EINVAL, TABLE(s1dss, 3)),
	ROW("no such state", -EINVAL, TABLE(state, 3)),
	ROW("behind the state", -EINVAL, TABLE(padding[0], 1)),
	ROW("more PASIDs than there are", -EINVAL, TABLE(pasid_bits, 21)),
	ROW("far more PASIDs", -EINVAL, TABLE(pasid_bits, 255)),
	ROW("not at a context", -EINVAL, TABLE(base_ptr, IOVA + 32)),
	ROW("not at its size", -EINVAL, TABLE(base_ptr, IOVA + 0x800)),
	ROW("beyond all memory", -EINVAL, TABLE(base_ptr, TOP)),
	ROW("across its end", -EINVAL, TABLE(base_ptr, TOP - 0x800)),
	ROW("at the end of all", -EINVAL, TABLE(base_ptr, U64_MAX)),
	ROW("where nothing is yet", 0, TABLE(base_ptr, TOP - 0x1000)),
	ROW("aborting, wherever it is", 0, TABLE(state, VFIO_GUEST_STATE_ABORT),
	    TABLE(base_ptr, U64_MAX)),
	ROW("an SMMU's, no such format", -EINVAL, AS_SMMU, SMMU(s1fmt, 3)),
	ROW("an SMMU's, what?", -EINVAL, AS_SMMU, SMMU(s1dss, 3)),
	ROW("an SMMU's, behind them", -EINVAL, AS_SMMU, SMMU(padding[1], 1)),
	ROW("an SMMU's, behind its ASID", -EINVAL, AS_SMMU,
	    SMMU(padding2[0], 1)),
	ROW("unbind, whatever it says", 0,
	    STAGE(flags, VFIO_GUEST_STAGE_UNBIND), STAGE(config.flags, U64_MAX),
	    TABLE(version, U64_MAX)),
};

#define INV(field, val) SET(vfio_iommu_type1_tlb_invalidate, field, val)
#define INFO(field, val) INV(info.field, val)

static const struct bad_row invalidate_rows[] = {
	ROW("no version", -EINVAL, INFO(hdr.version, 0)),
	ROW("another version", -EINVAL, INFO(hdr.version, 2)),
	ROW("no such cache", -EINVAL, INFO(hdr.type, 3)),
	ROW("no such granularity", -EINVAL, INFO(granularity, 3)),
	ROW("pages of the PASID cache", -EINVAL, INFO(hdr.type, 2)),
	ROW("no pages", -EINVAL, INFO(nr_pages, 0)),
	ROW("pages across the end", -EINVAL, INFO(nr_pages, U64_MAX)),
	ROW("pages beyond the end", -EINVAL, INFO(addr, U64_MAX - PAGE + 1),
	    INFO(nr_pages, 2)),
	ROW("the last page of all", 0, INFO(addr, U64_MAX - PAGE + 1)),
	ROW("not at a page", -EINVAL, INFO(addr, IOVA + 1)),
	ROW("not at a large page", -EINVAL, INFO(size, 9),
	    INFO(addr, IOVA + PAGE)),
	ROW("pages larger than all", -EINVAL, INFO(size, 52)),
	ROW("pages of any size", -EINVAL, INFO(size, 255)),
	ROW("whose pages?", -EINVAL, INFO(flags, 0)),
	ROW("of all", 0, INFO(flags, VFIO_GUEST_INVALIDATE_GLOBAL)),
	ROW("whose?", -EINVAL, INFO(flags, 0), INFO(granularity, 1)),
	ROW("an ASID that cannot be", -EINVAL, INFO(arch_id, 0x10000)),
	ROW("a PASID that cannot be", -EINVAL, INFO(hdr.type, 0),
	    INFO(pasid, 1u << 20)),
	ROW("a context that cannot be", -EINVAL, INFO(hdr.type, 2),
	    INFO(granularity, 1), INFO(pasid, 1u << 31)),
	ROW("all, whatever else it says", 0, INFO(granularity, 0),
	    INFO(flags, 0), INFO(size, 255), INFO(nr_pages, 0),
	    INFO(pasid, U64_MAX), INFO(addr, 1)),
};

#define MSI(field, val) SET(vfio_iommu_type1_bind_msi, field, val)
#define BINDING(field, val) MSI(binding.field, val)

static const struct bad_row msi_rows[] = {
	ROW("no granule", -EINVAL, BINDING(granule, 0)),
	ROW("less than a page", -EINVAL, BINDING(granule, 11)),
	ROW("more than any page", -EINVAL, BINDING(granule, 40)),
	ROW("no shift at all", -EINVAL, BINDING(granule, 64)),
	ROW("a granule of many bits", -EINVAL, BINDING(granule, U64_MAX)),
	ROW("beyond all memory", -EINVAL, BINDING(gpa, TOP)),
	ROW("at the end of all", -EINVAL, BINDING(gpa, U64_MAX)),
	ROW("unbind what is not", -ENOENT, MSI(flags, VFIO_GUEST_MSI_UNBIND)),
	ROW("any address of the guest's", 0, BINDING(iova, U64_MAX)),
	ROW("anywhere in its page", 0, BINDING(iova, IOVA + 0x123),
	    BINDING(gpa, 0x20000123)),
	ROW("what is bound, by its second half", 0, BINDING(granule, 13),
	    BINDING(iova, IOVA + 5 * PAGE)),
	ROW("a page that has another's", -EEXIST, BINDING(granule, 21)),
	ROW("a page in another's", -EEXIST, BINDING(iova, IOVA + 5 * PAGE)),
};

/* ---------------------------------------------------------------- calls -- */

const struct bad_call bad_nesting[] = {
	{
		CALL(VFIO_IOMMU_BIND_GUEST_STAGE,
		     vfio_iommu_type1_bind_guest_stage, config),
		.fd = FD_T6,
		.kind = BAD_ARGSZ,
		.set = { STAGE(config.flags, VFIO_GUEST_STAGE_PASID_TABLE |
						     VFIO_GUEST_STAGE_EXT),
			 TABLE(version, 1), TABLE(bytes, 24),
			 TABLE(base_ptr, IOVA + PAGE), TABLE(pasid_bits, 6),
			 TABLE(s1dss, VFIO_GUEST_S1DSS_SSID0) },
		.undo = undo_bind,
		.bits = { { AT(vfio_iommu_type1_bind_guest_stage, flags),
			    VFIO_GUEST_STAGE_UNBIND, -EINVAL },
			  { AT(vfio_iommu_type1_bind_guest_stage, config.flags),
			    7, -EINVAL } },
		ROWS(bind_rows),
	},
	{
		CALL(VFIO_IOMMU_TLB_INVALIDATE, vfio_iommu_type1_tlb_invalidate,
		     info),
		.fd = FD_T6,
		.kind = BAD_ARGSZ,
		.set = { INFO(hdr.version, 1),
			 INFO(hdr.type, VFIO_GUEST_INVALIDATE_TLB),
			 INFO(granularity, VFIO_GUEST_INVALIDATE_PAGES),
			 INFO(flags, VFIO_GUEST_INVALIDATE_ARCH_ID),
			 INFO(nr_pages, 1), INFO(pasid, 1), INFO(arch_id, 1),
			 INFO(addr, IOVA) },
		.bits = { { AT(vfio_iommu_type1_tlb_invalidate, flags), 0,
			    -EINVAL },
			  { AT(vfio_iommu_type1_tlb_invalidate, info.flags), 7,
			    -EINVAL } },
		ROWS(invalidate_rows),
	},
	{
		CALL(VFIO_IOMMU_BIND_MSI, vfio_iommu_type1_bind_msi, binding),
		.fd = FD_T6,
		.kind = BAD_ARGSZ,
		.set = { BINDING(iova, IOVA), BINDING(gpa, 0x20000000),
			 BINDING(granule, 12) },
		.undo = undo_msi,
		.bits = { { AT(vfio_iommu_type1_bind_msi, flags),
			    VFIO_GUEST_MSI_UNBIND, -EINVAL } },
		ROWS(msi_rows),
	},
};
const unsigned int bad_nr_nesting =
	sizeof(bad_nesting) / sizeof(bad_nesting[0]);
