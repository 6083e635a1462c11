/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * container.c - /dev/vfio/vfio: groups that share one IO address space.
 *
 * A container is empty, then has groups, then (SET_IOMMU) an IOMMU back end
 * whose calls it passes on; the back end goes when the last group does, with
 * all mappings.  Groups keep the container's file, so it lives until the last
 * of them leaves, whoever closes first.
 */
#include <uiommu/uapi/vfio-nesting.h>

#include "private.h"

struct uvfio_container {
	struct abi_file file;
	struct abi_vfio *vfio;
	pthread_mutex_t lock; /* protects what follows */
	struct list groups;   /* uvfio_group.container_node */
	struct uvfio_type1 *t1;
};

static void container_release(struct abi_file *file)
{
	struct uvfio_container *container = uvfio_container_of(file);

	pthread_mutex_destroy(&container->lock);
	abi_free(file->abi, container);
}

/* Caller holds the lock: let the first `nr` groups go again. */
static void detach_groups(struct uvfio_container *container,
			  struct uvfio_type1 *t1, unsigned int nr)
{
	struct uvfio_group *group;

	list_for_each(group, &container->groups, container_node) {
		if (!nr--)
			return;
		uvfio_type1_detach(t1, group);
	}
}

static long attach_groups(struct uvfio_container *container,
			  struct uvfio_type1 *t1)
{
	struct uvfio_group *group;
	unsigned int nr = 0;
	int rc;

	list_for_each(group, &container->groups, container_node) {
		rc = uvfio_type1_attach(t1, group);
		if (rc) {
			detach_groups(container, t1, nr);
			return rc;
		}
		nr++;
	}
	return 0;
}

static long set_iommu(struct uvfio_container *container, unsigned long type)
{
	struct uvfio_type1 *t1;
	long rc;

	if (list_empty(&container->groups) || container->t1)
		return -EINVAL;
	if (!uvfio_type1_check(NULL, type))
		return -ENODEV;
	/* An extension that is no type of IOMMU. */
	if (type != VFIO_TYPE1_IOMMU && type != VFIO_TYPE1v2_IOMMU &&
	    type != VFIO_TYPE1_NESTING_IOMMU)
		return -EINVAL;
	rc = uvfio_type1_create(container->vfio, type, &t1);
	if (rc)
		return rc;
	rc = attach_groups(container, t1);
	if (rc)
		uvfio_type1_destroy(t1);
	else
		container->t1 = t1;
	return rc;
}

static long container_ioctl(struct abi_file *file, unsigned int cmd,
			    unsigned long arg)
{
	struct uvfio_container *container = uvfio_container_of(file);
	long rc;

	if (cmd == VFIO_GET_API_VERSION)
		return VFIO_API_VERSION;
	pthread_mutex_lock(&container->lock);
	if (cmd == VFIO_CHECK_EXTENSION)
		rc = uvfio_type1_check(container->t1, arg);
	else if (cmd == VFIO_SET_IOMMU)
		rc = set_iommu(container, arg);
	else if (container->t1)
		rc = uvfio_type1_ioctl(container->t1, cmd, arg);
	else
		rc = -EINVAL;
	pthread_mutex_unlock(&container->lock);
	return rc;
}

static const struct abi_file_ops container_ops = {
	.name = "vfio-container",
	.ioctl = container_ioctl,
	.release = container_release,
};

struct uvfio_container *uvfio_container_of(struct abi_file *file)
{
	if (file->ops != &container_ops)
		return NULL;
	return container_of(file, struct uvfio_container, file);
}

struct abi_file *uvfio_container_file(struct uvfio_container *container)
{
	return &container->file;
}

int uvfio_container_open(struct abi_vfio *vfio, struct abi_file **out)
{
	struct uvfio_container *container =
		abi_alloc(vfio->abi, sizeof(*container));

	if (!container)
		return -ENOMEM;
	abi_file_init(&container->file, vfio->abi, &container_ops);
	container->vfio = vfio;
	pthread_mutex_init(&container->lock, NULL);
	list_init(&container->groups);
	*out = &container->file;
	return 0;
}

bool uvfio_container_ready(struct uvfio_container *container)
{
	bool ready;

	pthread_mutex_lock(&container->lock);
	ready = container->t1;
	pthread_mutex_unlock(&container->lock);
	return ready;
}

int uvfio_container_add(struct uvfio_container *container,
			struct uvfio_group *group)
{
	struct uiommu_device *dev = uvfio_group_first(group)->dev;
	int rc;

	rc = uiommu_device_claim_owner(dev, container);
	if (rc)
		return rc;
	pthread_mutex_lock(&container->lock);
	if (container->t1)
		rc = uvfio_type1_attach(container->t1, group);
	if (!rc)
		list_add_tail(&container->groups, &group->container_node);
	pthread_mutex_unlock(&container->lock);
	if (rc)
		uiommu_device_release_owner(dev);
	return rc;
}

void uvfio_container_remove(struct uvfio_container *container,
			    struct uvfio_group *group)
{
	pthread_mutex_lock(&container->lock);
	list_del(&group->container_node);
	if (container->t1) {
		uvfio_type1_detach(container->t1, group);
		if (list_empty(&container->groups)) {
			uvfio_type1_destroy(container->t1);
			container->t1 = NULL;
		}
	}
	pthread_mutex_unlock(&container->lock);
	uiommu_device_release_owner(uvfio_group_first(group)->dev);
}
