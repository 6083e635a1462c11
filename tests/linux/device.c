/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mock devices: each alone in its group, made by a call, gone with the object
 * that the call made.
 */
#include "mock.h"

#include <stdio.h>

/* ------------------------------------------------------- made and gone -- */

/* The unit for devices of this kind, made when the first one comes. */
static int unit_get(struct ufd_call *call, bool dirty, struct uiommu_unit **out)
{
	struct test_world *world = test_world_of(call);
	const struct uiommu_mock_cfg cfg = {
		.platform = call->abi->host.platform,
		.host = &uiommu_core_host_ops,
		.host_ctx = call->abi->core,
		.dirty_tracking = dirty,
		.flaky_pasid = TEST_FLAKY_PASID,
	};
	struct uiommu_unit *unit;
	int rc = 0;

	pthread_mutex_lock(&world->lock);
	if (!world->unit[dirty]) {
		rc = uiommu_mock_create(&cfg, &unit);
		if (rc)
			goto out_unlock;
		rc = uiommu_core_add_unit(call->abi->core, unit);
		if (rc) {
			unit->ops->remove(unit);
			goto out_unlock;
		}
		world->unit[dirty] = unit;
	}
	*out = world->unit[dirty];
out_unlock:
	pthread_mutex_unlock(&world->lock);
	return rc;
}

static int core_device_new(struct ufd_call *call, struct test_device *td,
			   uint32_t flags)
{
	struct uiommu_device_cfg cfg = {
		.hw = {
			.name = td->name,
			.ids = &td->id,
			.nr_ids = 1,
			.pasid_bits = flags & TEST_DEVICE_PASID
					      ? UIOMMU_MOCK_PASID_BITS
					      : 0,
			.pri = true,
			.pri_pasid = true,
		},
		.default_domain = UIOMMU_DEFAULT_BLOCKED,
	};
	struct test_world *world = test_world_of(call);
	struct uiommu_unit *unit;
	int rc;

	if (flags & ~(TEST_DEVICE_NO_DIRTY | TEST_DEVICE_PASID))
		return -EINVAL;
	rc = unit_get(call, !(flags & TEST_DEVICE_NO_DIRTY), &unit);
	if (rc)
		return rc;
	pthread_mutex_lock(&world->lock);
	td->id = world->next_id++;
	pthread_mutex_unlock(&world->lock);
	snprintf(td->name, sizeof(td->name), "iommufd_mock%u", td->id);
	rc = uiommu_device_add(call->abi->core, unit, &cfg, &td->dev);
	if (rc)
		return rc;
	pthread_mutex_lock(&world->lock);
	list_add_tail(&world->devices, &td->node);
	pthread_mutex_unlock(&world->lock);
	return 0;
}

static void core_device_drop(struct uiommu_abi *abi, struct test_device *td)
{
	struct test_world *world = abi->host.extra->ctx;

	pthread_mutex_lock(&world->lock);
	list_del(&td->node);
	pthread_mutex_unlock(&world->lock);
	uiommu_device_remove(td->dev);
}

static void release(struct ufd_object *obj)
{
	struct test_device *td = (struct test_device *)obj;
	struct uiommu_abi *abi = obj->ctx->file.abi;

	ufd_device_unbind(td->idev);
	core_device_drop(abi, td);
	abi_free(abi, td);
}

static int attach_new(struct ufd_call *call, struct test_device *td)
{
	struct test_cmd *cmd = call->cmd;
	uint32_t pt_id = cmd->id;
	int rc;

	rc = ufd_device_attach(td->idev, &pt_id);
	if (rc)
		return rc;
	cmd->mock_domain.out_stdev_id = td->obj.id;
	cmd->mock_domain.out_idev_id = td->idev->obj.id;
	cmd->mock_domain.out_hwpt_id = pt_id;
	return ufd_respond(call);
}

int test_mock_domain(struct ufd_call *call)
{
	const struct test_cmd *cmd = call->cmd;
	struct uiommu_abi *abi = call->abi;
	struct test_device *td;
	uint32_t flags = 0, id;
	int rc;

	if (cmd->op == TEST_MOCK_DOMAIN_FLAGS)
		flags = cmd->mock_domain.dev_flags;
	td = abi_alloc(abi, sizeof(*td));
	if (!td)
		return -ENOMEM;
	td->obj.release = release;
	rc = ufd_object_init(call->ctx, &td->obj, UFD_EXTRA);
	if (rc)
		goto err_free;
	rc = core_device_new(call, td, flags);
	if (rc)
		goto err_object;
	rc = ufd_device_bind(&call->ctx->file, td->dev, &td->idev, &id);
	if (rc)
		goto err_device;
	ufd_device_hold_within(td->idev);
	rc = attach_new(call, td);
	if (rc)
		goto err_bind;
	ufd_object_publish(&td->obj);
	return 0;

err_bind:
	ufd_device_unbind(td->idev);
err_device:
	core_device_drop(abi, td);
err_object:
	ufd_object_abort(&td->obj);
err_free:
	abi_free(abi, td);
	return rc;
}

/* ------------------------------------------------------------- changes -- */

static struct test_device *device_get(struct ufd_call *call, uint32_t id)
{
	return (struct test_device *)ufd_object_get(call->ctx, id, UFD_EXTRA);
}

int test_mock_domain_replace(struct ufd_call *call)
{
	struct test_cmd *cmd = call->cmd;
	struct test_device *td = device_get(call, cmd->id);
	int rc;

	if (!td)
		return -ENOENT;
	rc = ufd_device_replace(td->idev, &cmd->replace.pt_id);
	if (!rc)
		rc = ufd_respond(call);
	ufd_object_put(&td->obj);
	return rc;
}

/* -------------------------------------------------------------- PASIDs -- */

/* PASID 0 is that of accesses without one. */
static int pasid_attach(struct ufd_device *idev, uint32_t pasid, uint32_t *pt)
{
	return pasid ? ufd_device_pasid_attach(idev, pasid, pt)
		     : ufd_device_attach(idev, pt);
}

static int pasid_replace(struct ufd_device *idev, uint32_t pasid, uint32_t *pt)
{
	return pasid ? ufd_device_pasid_replace(idev, pasid, pt)
		     : ufd_device_replace(idev, pt);
}

static void pasid_detach(struct ufd_device *idev, uint32_t pasid)
{
	if (pasid)
		ufd_device_pasid_detach(idev, pasid);
	else
		(void)ufd_device_detach(idev);
}

int test_pasid_attach(struct ufd_call *call)
{
	struct test_cmd *cmd = call->cmd;
	struct test_device *td = device_get(call, cmd->id);
	int rc;

	if (!td)
		return -ENOENT;
	rc = pasid_attach(td->idev, cmd->pasid.pasid, &cmd->pasid.pt_id);
	if (!rc) {
		rc = ufd_respond(call);
		if (rc)
			pasid_detach(td->idev, cmd->pasid.pasid);
	}
	ufd_object_put(&td->obj);
	return rc;
}

int test_pasid_replace(struct ufd_call *call)
{
	struct test_cmd *cmd = call->cmd;
	struct test_device *td = device_get(call, cmd->id);
	int rc;

	if (!td)
		return -ENOENT;
	rc = pasid_replace(td->idev, cmd->pasid.pasid, &cmd->pasid.pt_id);
	if (!rc)
		rc = ufd_respond(call);
	ufd_object_put(&td->obj);
	return rc;
}

int test_pasid_detach(struct ufd_call *call)
{
	const struct test_cmd *cmd = call->cmd;
	struct test_device *td = device_get(call, cmd->id);

	if (!td)
		return -ENOENT;
	pasid_detach(td->idev, cmd->pasid.pasid);
	ufd_object_put(&td->obj);
	return 0;
}

static int check_hwpt(struct ufd_call *call, const struct test_device *td)
{
	const struct test_cmd *cmd = call->cmd;
	struct uiommu_group *group = uiommu_device_group(td->dev);
	struct uiommu_domain *dom;
	struct ufd_object *obj;
	int rc = -EINVAL;

	dom = cmd->pasid.pasid
		      ? uiommu_group_pasid_domain(group, cmd->pasid.pasid)
		      : uiommu_group_domain(group);
	if (!cmd->pasid.pt_id)
		return dom ? -EINVAL : 0;
	obj = ufd_object_get(call->ctx, cmd->pasid.pt_id, UFD_ANY);
	if (!obj)
		return -ENOENT;
	if (ufd_is_hwpt(obj) && ((struct ufd_hwpt *)obj)->domain == dom)
		rc = 0;
	ufd_object_put(obj);
	return rc;
}

int test_pasid_check_hwpt(struct ufd_call *call)
{
	const struct test_cmd *cmd = call->cmd;
	struct test_device *td = device_get(call, cmd->id);
	int rc;

	if (!td)
		return -ENOENT;
	rc = check_hwpt(call, td);
	ufd_object_put(&td->obj);
	return rc;
}

/* ------------------------------------------------- what a device has --- */

/* By the core's device.  false: it is none of ours. */
static bool mock_id_of(struct test_world *world,
		       const struct uiommu_device *dev, uint32_t *id)
{
	struct test_device *td;
	bool found = false;

	pthread_mutex_lock(&world->lock);
	list_for_each(td, &world->devices, node) {
		if (td->dev != dev)
			continue;
		*id = td->id;
		found = true;
	}
	pthread_mutex_unlock(&world->lock);
	return found;
}

/* Do it with the mock device that is bound under this id. */
static int with_bound(struct ufd_call *call, uint32_t idev_id,
		      int (*fn)(const struct test_cmd *cmd,
				struct uiommu_unit *unit, uint32_t id))
{
	struct ufd_device *idev = ufd_device_get(call->ctx, idev_id);
	int rc = -EINVAL;
	uint32_t id;

	if (!idev)
		return -ENOENT;
	if (mock_id_of(test_world_of(call), idev->dev, &id))
		rc = fn(call->cmd, uiommu_device_unit(idev->dev), id);
	ufd_object_put(&idev->obj);
	return rc;
}

static int check_cache(const struct test_cmd *cmd, struct uiommu_unit *unit,
		       uint32_t id)
{
	uint32_t word = 0;
	int rc = uiommu_mock_cache_word(unit, id, cmd->dev_cache.id, &word);

	return rc || word != cmd->dev_cache.cache ? -EINVAL : 0;
}

int test_check_dev_cache(struct ufd_call *call)
{
	const struct test_cmd *cmd = call->cmd;

	return with_bound(call, cmd->id, check_cache);
}

static int trigger(const struct test_cmd *cmd, struct uiommu_unit *unit,
		   uint32_t id)
{
	const struct uiommu_page_request req = {
		.flags = UIOMMU_PAGE_LAST | cmd->iopf.perm,
		.pasid = cmd->iopf.pasid ? cmd->iopf.pasid : UIOMMU_NO_PASID,
		.token = cmd->iopf.grpid,
		.iova = cmd->iopf.addr,
	};
	int rc = uiommu_mock_page_request(unit, id, &req);

	if (!rc)
		unit->ops->irq(unit, 0);
	return rc;
}

int test_trigger_iopf(struct ufd_call *call)
{
	const struct test_cmd *cmd = call->cmd;

	return with_bound(call, cmd->iopf.dev_id, trigger);
}

static int vevent(const struct test_cmd *cmd, struct uiommu_unit *unit,
		  uint32_t id)
{
	return uiommu_mock_vevent(unit, id);
}

int test_trigger_vevent(struct ufd_call *call)
{
	const struct test_cmd *cmd = call->cmd;

	return with_bound(call, cmd->vevent.dev_id, vevent);
}

int test_check_iotlb(struct ufd_call *call)
{
	const struct test_cmd *cmd = call->cmd;
	struct ufd_object *obj;
	uint32_t word;
	int rc;

	obj = ufd_object_get(call->ctx, cmd->id, UFD_HWPT_NESTED);
	if (!obj)
		return -ENOENT;
	rc = uiommu_mock_iotlb_word(
		uiommu_domain_hw(((struct ufd_hwpt *)obj)->domain),
		cmd->check_iotlb.id, &word);
	ufd_object_put(obj);
	return rc || word != cmd->check_iotlb.iotlb ? -EINVAL : 0;
}
