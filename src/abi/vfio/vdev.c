/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vdev.c - PCI devices shown to clients: adding them, opening /dev/vfio nodes,
 * and what happens to a device between its first opener and its last closer.
 *
 * A device that nobody has open is quiet: no bus mastering, no interrupts, as
 * it comes out of reset.
 */
#include <stdio.h>
#include <string.h>

#include "private.h"

/* ------------------------------------------------------------- groups --- */

/* Caller holds vfio->lock. */
static struct uvfio_group *find_group(struct abi_vfio *vfio,
				      struct uiommu_group *core)
{
	struct uvfio_group *group;

	list_for_each(group, &vfio->groups, node)
		if (group->core == core)
			return group;
	return NULL;
}

static int get_group(struct abi_vfio *vfio, struct uiommu_group *core,
		     struct uvfio_group **out)
{
	struct uvfio_group *group;

	pthread_mutex_lock(&vfio->lock);
	group = find_group(vfio, core);
	if (!group) {
		group = abi_alloc(vfio->abi, sizeof(*group));
		if (group) {
			group->vfio = vfio;
			group->core = core;
			group->id = uiommu_group_id(core);
			pthread_mutex_init(&group->lock, NULL);
			list_init(&group->devices);
			list_init(&group->container_node);
			list_add_tail(&vfio->groups, &group->node);
		}
	}
	pthread_mutex_unlock(&vfio->lock);
	*out = group;
	return group ? 0 : -ENOMEM;
}

static void free_group(struct uvfio_group *group)
{
	list_del(&group->node);
	pthread_mutex_destroy(&group->lock);
	abi_free(group->vfio->abi, group);
}

struct uiommu_vdev *uvfio_group_first(struct uvfio_group *group)
{
	return list_first(&group->devices, struct uiommu_vdev, group_node);
}

/* ------------------------------------------------------------ devices --- */

struct uiommu_vdev *uvfio_vdev_find(struct abi_vfio *vfio, const char *bdf)
{
	struct uiommu_vdev *vdev, *found = NULL;

	pthread_mutex_lock(&vfio->lock);
	list_for_each(vdev, &vfio->devices, node)
		if (!strcmp(vdev->bdf, bdf))
			found = vdev;
	pthread_mutex_unlock(&vfio->lock);
	return found;
}

static int vdev_new(struct abi_vfio *vfio, struct uiommu_device *dev,
		    const struct uiommu_vdev_cfg *cfg, struct uiommu_vdev **out)
{
	struct uiommu_vdev *vdev = abi_alloc(vfio->abi, sizeof(*vdev));

	if (!vdev)
		return -ENOMEM;
	vdev->vfio = vfio;
	vdev->dev = dev;
	snprintf(vdev->bdf, sizeof(vdev->bdf), "%s", cfg->bdf);
	memcpy(vdev->bar, cfg->bar, sizeof(vdev->bar));
	vdev->ops = cfg->ops;
	vdev->ctx = cfg->ctx;
	vdev->irq.type = UVFIO_IRQ_NONE;
	vdev->irq.single[0] = -1;
	vdev->irq.single[1] = -1;
	vdev->irq.intx.efd = -1;
	pthread_mutex_init(&vdev->irq.intx.lock, NULL);
	pthread_mutex_init(&vdev->lock, NULL);
	list_init(&vdev->group_node);
	uvfio_pci_probe(vdev);
	*out = vdev;
	return 0;
}

static void vdev_free(struct uiommu_vdev *vdev)
{
	pthread_mutex_destroy(&vdev->lock);
	pthread_mutex_destroy(&vdev->irq.intx.lock);
	abi_free(vdev->vfio->abi, vdev);
}

static bool cfg_valid(const struct uiommu_vdev_cfg *cfg)
{
	unsigned int seg, bus, dev, fn;
	char extra;

	if (!cfg->bdf || strlen(cfg->bdf) >= UVFIO_BDF_MAX || !cfg->ops ||
	    sscanf(cfg->bdf, "%4x:%2x:%2x.%1x%c", &seg, &bus, &dev, &fn,
		   &extra) != 4)
		return false;
	for (unsigned int i = 0; i < UIOMMU_VDEV_BARS; i++)
		if (cfg->bar[i].size && !is_pow2(cfg->bar[i].size))
			return false;
	return true;
}

int uiommu_abi_add_device(struct uiommu_abi *abi, struct uiommu_device *dev,
			  const struct uiommu_vdev_cfg *cfg,
			  struct uiommu_vdev **out)
{
	struct abi_vfio *vfio = abi->vfio;
	struct uvfio_group *group;
	struct uiommu_vdev *vdev;
	int rc;

	if (!cfg_valid(cfg))
		return -EINVAL;
	if (uvfio_vdev_find(vfio, cfg->bdf))
		return -EEXIST;
	rc = vdev_new(vfio, dev, cfg, &vdev);
	if (rc)
		return rc;
	rc = get_group(vfio, uiommu_device_group(dev), &group);
	if (rc)
		goto err_free;

	/* A group in use stays as it is: its owner has counted its devices. */
	pthread_mutex_lock(&group->lock);
	if (group->container || group->iommufd || group->nr_cdev) {
		rc = -EBUSY;
		goto err_unlock;
	}
	vdev->group = group;
	list_add_tail(&group->devices, &vdev->group_node);
	pthread_mutex_lock(&vfio->lock);
	vdev->nr = vfio->next_nr++;
	list_add_tail(&vfio->devices, &vdev->node);
	pthread_mutex_unlock(&vfio->lock);
	pthread_mutex_unlock(&group->lock);
	*out = vdev;
	return 0;

err_unlock:
	pthread_mutex_unlock(&group->lock);
err_free:
	vdev_free(vdev);
	return rc;
}

/* ------------------------------------------------- opened and closed ---- */

/* Decode what the device has, drive nothing. */
static void set_quiet(struct uiommu_vdev *vdev)
{
	uint32_t val = PCI_COMMAND_INTX_OFF;

	for (unsigned int i = 0; i < UIOMMU_VDEV_BARS; i++) {
		if (!vdev->bar[i].size)
			continue;
		val |= vdev->bar[i].flags & UIOMMU_BAR_IO ? PCI_COMMAND_IO
							  : PCI_COMMAND_MEM;
	}
	uvfio_hw_config_update(vdev, PCI_COMMAND, 2,
			       PCI_COMMAND_MASTER | PCI_COMMAND_IO |
				       PCI_COMMAND_MEM | PCI_COMMAND_INTX_OFF,
			       val);
}

int uvfio_vdev_enable(struct uiommu_vdev *vdev)
{
	int rc;

	pthread_mutex_lock(&vdev->lock);
	set_quiet(vdev);
	rc = uvfio_reset_locked(vdev);
	if (rc == -EAGAIN)
		goto out_unlock;
	vdev->reset_works = !rc;
	rc = 0;
	uvfio_config_init(vdev);
	uvfio_config_sync_mem(vdev);
	/* What the last client had set in COMMAND is gone. */
	uvfio_intx_set_off(vdev, false);
out_unlock:
	pthread_mutex_unlock(&vdev->lock);
	return rc;
}

void uvfio_vdev_disable(struct uiommu_vdev *vdev)
{
	pthread_mutex_lock(&vdev->lock);
	uvfio_irq_disable_all(vdev);
	uvfio_hw_config_update(vdev, PCI_COMMAND, 2, PCI_COMMAND_MASTER, 0);
	uvfio_reset_locked(vdev);
	set_quiet(vdev);
	store_release(&vdev->mem_on, false);
	pthread_mutex_unlock(&vdev->lock);
}

/* ------------------------------------------------------------ instance -- */

int abi_vfio_create(struct uiommu_abi *abi, struct abi_vfio **out)
{
	struct abi_vfio *vfio = abi_alloc(abi, sizeof(*vfio));

	if (!vfio)
		return -ENOMEM;
	vfio->abi = abi;
	pthread_mutex_init(&vfio->lock, NULL);
	pthread_mutex_init(&vfio->reset_lock, NULL);
	list_init(&vfio->devices);
	list_init(&vfio->groups);
	*out = vfio;
	return 0;
}

void abi_vfio_destroy(struct abi_vfio *vfio)
{
	struct uiommu_vdev *vdev, *next_vdev;
	struct uvfio_group *group, *next_group;

	list_for_each_safe(vdev, next_vdev, &vfio->devices, node)
		vdev_free(vdev);
	list_for_each_safe(group, next_group, &vfio->groups, node)
		free_group(group);
	pthread_mutex_destroy(&vfio->reset_lock);
	pthread_mutex_destroy(&vfio->lock);
	abi_free(vfio->abi, vfio);
}

/* A decimal number that ends the string and has no leading zeroes. */
static bool parse_nr(const char *s, unsigned int *nr)
{
	char *end;
	unsigned long val;

	if (*s < '0' || *s > '9' || (*s == '0' && s[1]))
		return false;
	errno = 0;
	val = strtoul(s, &end, 10);
	if (*end || errno || val > UINT32_MAX)
		return false;
	*nr = (unsigned int)val;
	return true;
}

static struct uvfio_group *group_by_id(struct abi_vfio *vfio, unsigned int id)
{
	struct uvfio_group *group, *found = NULL;

	pthread_mutex_lock(&vfio->lock);
	list_for_each(group, &vfio->groups, node)
		if (group->id == id)
			found = group;
	pthread_mutex_unlock(&vfio->lock);
	return found;
}

static struct uiommu_vdev *vdev_by_nr(struct abi_vfio *vfio, unsigned int nr)
{
	struct uiommu_vdev *vdev, *found = NULL;

	pthread_mutex_lock(&vfio->lock);
	list_for_each(vdev, &vfio->devices, node)
		if (vdev->nr == nr)
			found = vdev;
	pthread_mutex_unlock(&vfio->lock);
	return found;
}

int abi_vfio_open(struct abi_vfio *vfio, const char *path, int flags,
		  struct abi_file **out)
{
	static const char dir[] = "/dev/vfio/", cdev[] = "devices/vfio";
	struct uvfio_group *group;
	struct uiommu_vdev *vdev;
	unsigned int nr;

	if (strncmp(path, dir, sizeof(dir) - 1))
		return -ENOENT;
	path += sizeof(dir) - 1;
	if (!strcmp(path, "vfio"))
		return uvfio_container_open(vfio, out);
	if (parse_nr(path, &nr)) {
		group = group_by_id(vfio, nr);
		return group ? uvfio_group_open(group, out) : -ENOENT;
	}
	if (strncmp(path, cdev, sizeof(cdev) - 1) ||
	    !parse_nr(path + sizeof(cdev) - 1, &nr))
		return -ENOENT;
	vdev = vdev_by_nr(vfio, nr);
	return vdev ? uvfio_cdev_open(vdev, out) : -ENOENT;
}
