/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calls of /dev/iommu: one row each.
 *
 * A call is looked up by its number, its structure is copied in by one rule
 * for all (abi_copy_struct_from), and the handler works on the copy.  Numbers
 * below the table and above it are left to the calls of a VFIO container, which
 * know theirs and answer ENOTTY to the rest.
 */
#include "private.h"

#include <stddef.h>

#include <uiommu/env.h>

#define FIRST_NR IOMMUFD_CMD_BASE

union call_buffer {
	struct iommu_destroy destroy;
	struct iommu_fault_alloc fault_alloc;
	struct iommu_hw_info hw_info;
	struct iommu_hw_queue_alloc hw_queue_alloc;
	struct iommu_hwpt_alloc hwpt_alloc;
	struct iommu_hwpt_get_dirty_bitmap get_dirty_bitmap;
	struct iommu_hwpt_invalidate invalidate;
	struct iommu_hwpt_set_dirty_tracking set_dirty_tracking;
	struct iommu_ioas_alloc ioas_alloc;
	struct iommu_ioas_allow_iovas allow_iovas;
	struct iommu_ioas_change_process change_process;
	struct iommu_ioas_copy copy;
	struct iommu_ioas_iova_ranges iova_ranges;
	struct iommu_ioas_map map;
	struct iommu_ioas_map_file map_file;
	struct iommu_ioas_noiommu_get_pa get_pa;
	struct iommu_ioas_unmap unmap;
	struct iommu_option option;
	struct iommu_vdevice_alloc vdevice_alloc;
	struct iommu_veventq_alloc veventq_alloc;
	struct iommu_vfio_ioas vfio_ioas;
	struct iommu_viommu_alloc viommu_alloc;
	uint64_t extra[16];
};

struct call_row {
	unsigned int number;
	uint32_t size;
	uint32_t min_size;
	int (*handler)(struct ufd_call *call);
};

/*
 * The number, the structure (and with it the handler), the last field that a
 * caller must have.  A union that is too small divides by 0.
 */
#define ROW(nr, name, last)                                           \
	[_IOC_NR(IOMMU_##nr) - FIRST_NR] = {                          \
		.number = IOMMU_##nr,                                 \
		.size = sizeof(struct iommu_##name) +                 \
			0 / (sizeof(union call_buffer) >=             \
			     sizeof(struct iommu_##name)),            \
		.min_size = offsetof(struct iommu_##name, last) +     \
			    sizeof(((struct iommu_##name *)0)->last), \
		.handler = ufd_##name,                                \
	}

static const struct call_row rows[] = {
	ROW(DESTROY, destroy, id),
	ROW(FAULT_QUEUE_ALLOC, fault_alloc, out_fault_fd),
	ROW(GET_HW_INFO, hw_info, __reserved),
	ROW(HWPT_ALLOC, hwpt_alloc, __reserved),
	ROW(HWPT_GET_DIRTY_BITMAP, hwpt_get_dirty_bitmap, data),
	ROW(HWPT_INVALIDATE, hwpt_invalidate, __reserved),
	ROW(HWPT_SET_DIRTY_TRACKING, hwpt_set_dirty_tracking, __reserved),
	ROW(HW_QUEUE_ALLOC, hw_queue_alloc, length),
	ROW(IOAS_ALLOC, ioas_alloc, out_ioas_id),
	ROW(IOAS_ALLOW_IOVAS, ioas_allow_iovas, allowed_iovas),
	ROW(IOAS_CHANGE_PROCESS, ioas_change_process, __reserved),
	ROW(IOAS_COPY, ioas_copy, src_iova),
	ROW(IOAS_IOVA_RANGES, ioas_iova_ranges, out_iova_alignment),
	ROW(IOAS_MAP, ioas_map, iova),
	ROW(IOAS_MAP_FILE, ioas_map_file, iova),
	ROW(IOAS_NOIOMMU_GET_PA, ioas_noiommu_get_pa, out_phys),
	ROW(IOAS_UNMAP, ioas_unmap, length),
	ROW(OPTION, option, val64),
	ROW(VDEVICE_ALLOC, vdevice_alloc, virt_id),
	ROW(VEVENTQ_ALLOC, veventq_alloc, out_veventq_fd),
	ROW(VFIO_IOAS, vfio_ioas, __reserved),
	ROW(VIOMMU_ALLOC, viommu_alloc, out_viommu_id),
};

int ufd_respond(const struct ufd_call *call)
{
	uint32_t len = call->user_size < call->size ? call->user_size
						    : call->size;

	return abi_copy_to(call->abi, call->arg, call->cmd, len);
}

static long run(struct ufd_call *call, const struct call_row *row)
{
	union call_buffer buf;
	int rc;

	if (call->user_size < row->min_size)
		return -EINVAL;
	rc = abi_copy_struct_from(call->abi, &buf, row->size, call->arg,
				  call->user_size);
	if (rc)
		return rc;
	call->cmd = &buf;
	call->size = row->size;
	return row->handler(call);
}

/* A call that only this instance has; false: it has not. */
static bool find_extra(const struct uiommu_abi *abi, unsigned int cmd,
		       struct call_row *row)
{
	const struct uiommu_abi_extra *extra = abi->host.extra;

	for (unsigned int i = 0; extra && i < extra->nr_calls; i++) {
		if (extra->calls[i].cmd != cmd)
			continue;
		*row = (struct call_row){
			.number = cmd,
			.size = extra->calls[i].size,
			.min_size = extra->calls[i].min_size,
			.handler = extra->calls[i].handler,
		};
		UIOMMU_ASSERT(row->size <= sizeof(union call_buffer));
		return true;
	}
	return false;
}

long ufd_ioctl(struct abi_file *file, unsigned int cmd, unsigned long arg)
{
	unsigned int nr = _IOC_NR(cmd) - FIRST_NR;
	struct ufd_ctx *ctx = ufd_ctx_of(file);
	struct call_row row;
	struct ufd_call call = { .ctx = ctx, .abi = file->abi, .arg = arg };
	int rc;

	/* Numbers below the first have wrapped and are large. */
	if (nr < ARRAY_SIZE(rows))
		row = rows[nr];
	else if (!find_extra(file->abi, cmd, &row))
		return ufd_vfio_ioctl(ctx, cmd, arg);
	rc = abi_copy_from(file->abi, &call.user_size, arg,
			   sizeof(call.user_size));
	if (rc)
		return rc;
	if (!row.handler || row.number != cmd)
		return -ENOTTY;
	return run(&call, &row);
}
