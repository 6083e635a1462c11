/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tree.c - /dev and /sys as programs expect them around VFIO.
 *
 * The tree is not kept anywhere: each visit makes the nodes from the devices
 * there are, parents before children.  Directories that exist on any Linux
 * (/sys itself, /dev) are taken for granted, those below are named.  Links are
 * relative, as the kernel's are, and their last component is what programs
 * parse: a group's number, a driver's name.
 *
 * A character device reads as 1:3 in its `dev` file: what stands in for it in
 * the client's view is a bind of /dev/null, and programs compare the two.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tree.h"

/* ----------------------------------------------------------- visiting --- */

static void visit(struct tree *tree, const struct uiommu_node *node)
{
	if (!tree->rc)
		tree->rc = tree->fn(tree->ctx, node);
}

#define FORMAT_PATH(path, fmt)                              \
	do {                                                \
		va_list ap;                                 \
		va_start(ap, fmt);                          \
		vsnprintf((path), sizeof(path), (fmt), ap); \
		va_end(ap);                                 \
	} while (0)

void tree_dir(struct tree *tree, const char *fmt, ...)
{
	char path[TREE_PATH_MAX];
	struct uiommu_node node = { .type = UIOMMU_NODE_DIR,
				    .path = path,
				    .mode = 0755 };

	FORMAT_PATH(path, fmt);
	visit(tree, &node);
}

void tree_bytes(struct tree *tree, const char *path, unsigned int mode,
		const void *content, size_t len)
{
	struct uiommu_node node = {
		.type = UIOMMU_NODE_FILE,
		.path = path,
		.mode = mode,
		.content = content,
		.len = len,
	};

	visit(tree, &node);
}

void tree_file(struct tree *tree, unsigned int mode, const char *text,
	       const char *fmt, ...)
{
	char path[TREE_PATH_MAX];

	FORMAT_PATH(path, fmt);
	tree_bytes(tree, path, mode, text, strlen(text));
}

void tree_link(struct tree *tree, const char *target, const char *fmt, ...)
{
	char path[TREE_PATH_MAX];
	struct uiommu_node node = {
		.type = UIOMMU_NODE_LINK,
		.path = path,
		.mode = 0777,
		.content = target,
		.len = strlen(target),
	};

	FORMAT_PATH(path, fmt);
	visit(tree, &node);
}

void tree_char(struct tree *tree, unsigned int mode, const char *fmt, ...)
{
	char path[TREE_PATH_MAX];
	struct uiommu_node node = { .type = UIOMMU_NODE_CHAR,
				    .path = path,
				    .mode = mode };

	FORMAT_PATH(path, fmt);
	visit(tree, &node);
}

/* ------------------------------------------------------------- fixed ---- */

static const char *const dirs[] = {
	"/sys/bus",
	"/sys/bus/pci",
	"/sys/bus/pci/devices",
	"/sys/bus/pci/drivers",
	"/sys/bus/pci/drivers/vfio-pci",
	"/sys/class",
	"/sys/class/iommu",
	"/sys/class/vfio",
	"/sys/class/vfio-dev",
	"/sys/devices",
	"/sys/devices/virtual",
	"/sys/devices/virtual/iommu",
	"/sys/devices/virtual/vfio",
	"/sys/kernel",
	"/sys/kernel/iommu_groups",
	"/sys/module",
	"/sys/module/iommufd",
	"/sys/module/vfio",
	"/sys/module/vfio/parameters",
	"/sys/module/vfio_iommu_type1",
	"/sys/module/vfio_pci",
};

/* Written by programs that bind drivers; reading them is not possible. */
static const char *const write_only[] = {
	"/sys/bus/pci/drivers_probe",
	"/sys/bus/pci/drivers/vfio-pci/bind",
	"/sys/bus/pci/drivers/vfio-pci/new_id",
	"/sys/bus/pci/drivers/vfio-pci/remove_id",
	"/sys/bus/pci/drivers/vfio-pci/unbind",
};

static void visit_fixed(struct tree *tree)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(dirs); i++)
		tree_dir(tree, "%s", dirs[i]);
	for (unsigned int i = 0; i < ARRAY_SIZE(write_only); i++)
		tree_file(tree, 0200, "", "%s", write_only[i]);
	tree_file(tree, 0644, "N\n",
		  "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode");
	tree_dir(tree, "/dev/vfio");
	tree_dir(tree, "/dev/vfio/devices");
	tree_char(tree, 0666, "/dev/vfio/vfio");
}

/* ------------------------------------------------------------- groups --- */

static const char *resv_name(enum uiommu_resv_type type)
{
	switch (type) {
	case UIOMMU_RESV_DIRECT:
		return "direct";
	case UIOMMU_RESV_DIRECT_RELAXABLE:
		return "direct-relaxable";
	case UIOMMU_RESV_RESERVED:
		return "reserved";
	default:
		return "msi";
	}
}

#define MAX_RESV 16

/* One line per region, in the order in which the core gives them. */
static void resv_text(struct uvfio_group *group, char *text, size_t size)
{
	struct uiommu_resv_region regions[MAX_RESV];
	struct uiommu_vdev *vdev = uvfio_group_first(group);
	unsigned int nr;
	size_t at = 0;

	nr = uiommu_device_resv_regions(vdev->dev, regions, MAX_RESV);
	text[0] = '\0';
	for (unsigned int i = 0; i < min_u64(nr, MAX_RESV); i++)
		at += (size_t)snprintf(
			text + at, size - at, "0x%016llx 0x%016llx %s\n",
			(unsigned long long)regions[i].range.first,
			(unsigned long long)regions[i].range.last,
			resv_name(regions[i].type));
}

/* The device after `prev` (NULL: the first); devices stay, so no lock is kept. */
static struct uiommu_vdev *next_member(struct uvfio_group *group,
				       struct uiommu_vdev *prev)
{
	struct list *next;

	pthread_mutex_lock(&group->lock);
	next = prev ? prev->group_node.next : group->devices.next;
	pthread_mutex_unlock(&group->lock);
	if (next == &group->devices)
		return NULL;
	return list_entry(next, struct uiommu_vdev, group_node);
}

static void visit_group(struct tree *tree, struct uvfio_group *group)
{
	char text[TREE_TEXT_MAX], target[TREE_PATH_MAX];
	struct uiommu_vdev *vdev = NULL;

	tree_dir(tree, "/sys/kernel/iommu_groups/%u", group->id);
	tree_dir(tree, "/sys/kernel/iommu_groups/%u/devices", group->id);
	while ((vdev = next_member(group, vdev))) {
		tree_pci_path(vdev, text, sizeof(text));
		snprintf(target, sizeof(target), "../../../../%.200s", text);
		tree_link(tree, target,
			  "/sys/kernel/iommu_groups/%u/devices/%s", group->id,
			  vdev->bdf);
	}
	tree_file(tree, 0644, "DMA\n", "/sys/kernel/iommu_groups/%u/type",
		  group->id);
	resv_text(group, text, sizeof(text));
	tree_file(tree, 0444, text,
		  "/sys/kernel/iommu_groups/%u/reserved_regions", group->id);

	tree_dir(tree, "/sys/devices/virtual/vfio/%u", group->id);
	tree_file(tree, 0444, "1:3\n", "/sys/devices/virtual/vfio/%u/dev",
		  group->id);
	snprintf(text, sizeof(text), "MAJOR=1\nMINOR=3\nDEVNAME=vfio/%u\n",
		 group->id);
	tree_file(tree, 0644, text, "/sys/devices/virtual/vfio/%u/uevent",
		  group->id);
	snprintf(target, sizeof(target), "../../devices/virtual/vfio/%u",
		 group->id);
	tree_link(tree, target, "/sys/class/vfio/%u", group->id);
	tree_char(tree, 0600, "/dev/vfio/%u", group->id);
}

/* ------------------------------------------------------------- IOMMUs --- */

/* IOMMUs in the order in which devices name them. */
#define MAX_UNITS 64

struct units {
	struct uiommu_unit *unit[MAX_UNITS];
	unsigned int nr;
};

static unsigned int find_unit(struct units *units, struct uiommu_unit *unit)
{
	unsigned int i = 0;

	while (i < units->nr && units->unit[i] != unit)
		i++;
	if (i == units->nr && i < MAX_UNITS)
		units->unit[units->nr++] = unit;
	return i;
}

void tree_iommu_name(struct uiommu_unit *unit, unsigned int i, char *buf,
		     size_t size)
{
	snprintf(buf, size, "%.32s.%u", unit->ops->name, i);
}

static void visit_unit(struct tree *tree, struct uiommu_unit *unit,
		       unsigned int i)
{
	char name[64], target[TREE_PATH_MAX];

	tree_iommu_name(unit, i, name, sizeof(name));
	tree_dir(tree, "/sys/devices/virtual/iommu/%s", name);
	tree_dir(tree, "/sys/devices/virtual/iommu/%s/devices", name);
	snprintf(target, sizeof(target), "../../devices/virtual/iommu/%s",
		 name);
	tree_link(tree, target, "/sys/class/iommu/%s", name);
}

/* --------------------------------------------------------------- tree --- */

/* The i-th device, or NULL.  Devices stay and keep their place. */
static struct uiommu_vdev *nth_device(struct abi_vfio *vfio, unsigned int i)
{
	struct uiommu_vdev *vdev, *found = NULL;

	pthread_mutex_lock(&vfio->lock);
	list_for_each(vdev, &vfio->devices, node) {
		if (i--)
			continue;
		found = vdev;
		break;
	}
	pthread_mutex_unlock(&vfio->lock);
	return found;
}

static bool first_of_bus(struct abi_vfio *vfio, struct uiommu_vdev *vdev)
{
	struct uiommu_vdev *it;

	for (unsigned int i = 0; (it = nth_device(vfio, i)) != vdev; i++)
		if (!strncmp(it->bdf, vdev->bdf, TREE_BUS_LEN))
			return false;
	return true;
}

int abi_vfio_visit_nodes(struct abi_vfio *vfio,
			 int (*fn)(void *ctx, const struct uiommu_node *node),
			 void *ctx)
{
	struct tree tree = { .fn = fn, .ctx = ctx };
	struct units units = { .nr = 0 };
	struct uiommu_vdev *vdev;
	unsigned int unit, known;

	visit_fixed(&tree);
	for (unsigned int i = 0; (vdev = nth_device(vfio, i)); i++) {
		known = units.nr;
		unit = find_unit(&units, uiommu_device_unit(vdev->dev));
		if (unit == known)
			visit_unit(&tree, uiommu_device_unit(vdev->dev), unit);
		if (next_member(vdev->group, NULL) == vdev)
			visit_group(&tree, vdev->group);
		if (first_of_bus(vfio, vdev))
			tree_dir(&tree, "/sys/devices/pci%.*s", TREE_BUS_LEN,
				 vdev->bdf);
		tree_pci_device(&tree, vdev, unit);
	}
	return tree.rc;
}
