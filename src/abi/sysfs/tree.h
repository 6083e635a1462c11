/* SPDX-License-Identifier: BSD-2-Clause */
/* tree.h - giving nodes to a visitor, with paths and text made on the way. */
#ifndef ABI_SYSFS_TREE_H
#define ABI_SYSFS_TREE_H

#include "abi/vfio/private.h"

struct tree {
	int (*fn)(void *ctx, const struct uiommu_node *node);
	void *ctx;
	int rc; /* the visitor's first non-zero: nothing is visited after it */
};

void tree_dir(struct tree *tree, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void tree_bytes(struct tree *tree, const char *path, unsigned int mode,
		const void *content, size_t len);
/* The text comes first, the path is the format. */
void tree_file(struct tree *tree, unsigned int mode, const char *text,
	       const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* As tree_file; the text is where the link points. */
void tree_link(struct tree *tree, const char *target, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void tree_char(struct tree *tree, unsigned int mode, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define TREE_PATH_MAX 256
#define TREE_TEXT_MAX 2048
/* Length of "DDDD:BB": what the devices of one bus have in common. */
#define TREE_BUS_LEN 7

/* pci.c: the files of one device, below /sys/devices. */
void tree_pci_device(struct tree *tree, struct uiommu_vdev *vdev,
		     unsigned int iommu);

/* Directory of the device, without /sys: "devices/pci0000:01/0000:01:00.0". */
void tree_pci_path(const struct uiommu_vdev *vdev, char *buf, size_t size);
/* Name of the i-th IOMMU of the system. */
void tree_iommu_name(struct uiommu_unit *unit, unsigned int i, char *buf,
		     size_t size);

#endif /* ABI_SYSFS_TREE_H */
