/* SPDX-License-Identifier: BSD-2-Clause */
/* The mappings that a context's client has made and not undone, for reports. */
#include "private.h"

void ufd_visit_areas(struct ufd_ctx *ctx, uiommu_abi_area_fn *fn, void *arg)
{
	struct ufd_object *obj, *compat;
	uint32_t nr;

	pthread_mutex_lock(&ctx->lock);
	nr = ctx->nr_slots;
	compat = ctx->compat;
	pthread_mutex_unlock(&ctx->lock);
	for (uint32_t id = 1; id < nr; id++) {
		struct uiommu_area_info area;
		uiommu_iova_t at = 0;

		obj = ufd_object_get(ctx, id, UFD_IOAS);
		if (!obj)
			continue;
		while (obj != compat &&
		       !uiommu_ioas_next_area(
			       container_of(obj, struct ufd_ioas, obj)->ioas,
			       at, &area)) {
			fn(arg, id, &area);
			at = area.range.last + 1;
			if (!at)
				break;
		}
		ufd_object_put(obj);
	}
}
