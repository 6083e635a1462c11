/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The objects of a context, as lines (dump.h).
 *
 * They are looked at under the context's lock, where none goes away and none
 * comes; what a line tells beside the count does not change while the object
 * lives.
 */
#include "private.h"

#include <uiommu/dump.h>

#include "base/atomic.h"

static const char *type_name(enum ufd_type type)
{
	static const char *const names[UFD_TYPES] = {
		[UFD_IOAS] = "ioas",
		[UFD_HWPT] = "hwpt",
		[UFD_DEVICE] = "device",
		[UFD_FAULT] = "fault",
		[UFD_EXTRA] = "extra",
		[UFD_ACCESS] = "access",
		[UFD_HWPT_NESTED] = "hwpt_nested",
		[UFD_VIOMMU] = "viommu",
		[UFD_VDEVICE] = "vdevice",
		[UFD_VEVENTQ] = "veventq",
		[UFD_HW_QUEUE] = "hw_queue",
	};

	return names[type];
}

static void dump_object(const struct uiommu_dump *to,
			const struct ufd_object *obj)
{
	const struct ufd_hwpt *hwpt = (const struct ufd_hwpt *)obj;
	const struct ufd_device *idev = (const struct ufd_device *)obj;
	const char *type = type_name(obj->type);
	unsigned int users = load_relaxed(&obj->users);

	switch (obj->type) {
	case UFD_HWPT:
		uiommu_dump_line(to, 1, "%s id=%u users=%u ioas=%u%s", type,
				 obj->id, users, hwpt->ioas->obj.id,
				 obj->transient ? " auto" : "");
		return;
	case UFD_HWPT_NESTED:
		uiommu_dump_line(to, 1, "%s id=%u users=%u over=%u", type,
				 obj->id, users, hwpt->over->id);
		return;
	case UFD_DEVICE:
		uiommu_dump_line(to, 1, "%s id=%u users=%u name=%s", type,
				 obj->id, users, uiommu_device_name(idev->dev));
		return;
	default:
		uiommu_dump_line(to, 1, "%s id=%u users=%u", type, obj->id,
				 users);
	}
}

void ufd_dump(struct ufd_ctx *ctx, const struct uiommu_dump *to)
{
	pthread_mutex_lock(&ctx->lock);
	uiommu_dump_line(to, 0, "iommufd ids=%u charge=%s", ctx->nr_used,
			 ctx->charge == ABI_CHARGE_USER ? "user" : "process");
	for (uint32_t id = 1; id < ctx->nr_slots; id++) {
		const struct ufd_object *obj = ufd_object_at(ctx, id);

		if (obj)
			dump_object(to, obj);
	}
	pthread_mutex_unlock(&ctx->lock);
}
