/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * devlist.c - the device types there are, and the --device list that asks for
 * them: "ioat,ioat:rw,testep*3".
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "pci.h"

static const struct pcidev_type *const types[] = {
	&pcidev_ioat,
	&pcidev_testep,
};

const struct uiommu_machine_devtype *uiommu_machine_devtype(unsigned int i)
{
	return i < ARRAY_SIZE(types) ? &types[i]->info : NULL;
}

const struct pcidev_type *hw_find_type(const char *name, size_t len)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(types); i++)
		if (strlen(types[i]->info.name) == len &&
		    !memcmp(types[i]->info.name, name, len))
			return types[i];
	return NULL;
}

void hw_type_names(char *buf, size_t len)
{
	size_t at = 0;

	buf[0] = '\0';
	for (unsigned int i = 0; i < ARRAY_SIZE(types) && at < len; i++)
		at += (size_t)snprintf(buf + at, len - at, "%s%s",
				       i ? ", " : "", types[i]->info.name);
}

void machine_say(char *err, size_t err_len, const char *fmt, ...)
{
	va_list args;

	if (!err || !err_len)
		return;
	va_start(args, fmt);
	vsnprintf(err, err_len, fmt, args);
	va_end(args);
}

int hw_dev_options(const char *options, size_t len, struct hw_dev *dev,
		   char *err, size_t err_len)
{
	for (;;) {
		const char *end = memchr(options, ':', len);
		size_t n = end ? (size_t)(end - options) : len;

		if (n == 2 && !memcmp(options, "rw", 2)) {
			dev->policy = UIOMMU_BAR_RW;
		} else if (n == 4 && !memcmp(options, "trap", 4)) {
			dev->policy = UIOMMU_BAR_TRAP;
		} else if (n == 5 && !memcmp(options, "stall", 5)) {
			dev->stall = true;
		} else {
			machine_say(err, err_len,
				    "device option \"%.*s\" is not known "
				    "(options: rw, trap, stall)",
				    (int)n, options);
			return -EINVAL;
		}
		if (!end)
			return 0;
		options += n + 1;
		len -= n + 1;
	}
}

/* Each on a bus of its own, as behind root ports: alone in its group. */
static int add_one(struct hw_desc *hw, const struct hw_dev *like, char *err,
		   size_t err_len)
{
	struct hw_dev *dev;

	if (hw->nr_devs == MACHINE_DEVICES) {
		machine_say(err, err_len,
			    "more than %d devices: a machine has no room for "
			    "them",
			    MACHINE_DEVICES);
		return -EINVAL;
	}
	dev = &hw->dev[hw->nr_devs++];
	*dev = *like;
	dev->rid = PCIE_RID(hw->nr_devs, 0, 0);
	dev->sid = dev->rid;
	snprintf(dev->bdf, sizeof(dev->bdf), "0000:%02x:00.0", hw->nr_devs);
	return 0;
}

/* One entry: type, options, and "*n" to have n of them. */
static int add_entry(struct hw_desc *hw, const char *entry, size_t len,
		     enum uiommu_bar_policy policy, char *err, size_t err_len)
{
	struct hw_dev dev = { .policy = policy };
	size_t name = strcspn(entry, ":*,"), used = len;
	const char *star = memchr(entry, '*', len);
	unsigned long count = 1;
	char names[128], *end;
	int rc;

	if (star) {
		used = (size_t)(star - entry);
		count = strtoul(star + 1, &end, 10);
		if (end != entry + len || end == star + 1 || !count ||
		    count > MACHINE_DEVICES) {
			machine_say(err, err_len,
				    "device \"%.*s\": a number from 1 to %d "
				    "must follow the \"*\"",
				    (int)len, entry, MACHINE_DEVICES);
			return -EINVAL;
		}
	}
	name = name < used ? name : used;
	dev.type = hw_find_type(entry, name);
	if (!dev.type) {
		hw_type_names(names, sizeof(names));
		machine_say(err, err_len,
			    "device type \"%.*s\" is not known (types: %s)",
			    (int)name, entry, names);
		return -EINVAL;
	}
	if (name < used) {
		rc = hw_dev_options(entry + name + 1, used - name - 1, &dev,
				    err, err_len);
		if (rc)
			return rc;
	}
	while (count--) {
		rc = add_one(hw, &dev, err, err_len);
		if (rc)
			return rc;
	}
	return 0;
}

int hw_from_list(const char *list, enum uiommu_bar_policy policy,
		 struct hw_desc *hw, char *err, size_t err_len)
{
	int rc;

	memset(hw, 0, sizeof(*hw));
	hw->nr_smmus = 1;
	strcpy(hw->smmu[0].name, "smmu0");
	strcpy(hw->smmu[0].profile, "full");
	if (!list)
		list = "ioat";
	for (;;) {
		size_t len = strcspn(list, ",");

		rc = add_entry(hw, list, len, policy, err, err_len);
		if (rc || !list[len])
			return rc;
		list += len + 1;
	}
}
