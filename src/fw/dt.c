/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dt.c - reading a flattened device tree by libfdt.
 *
 * Two passes over the nodes: the IOMMUs first, because everything else refers
 * to them by phandle, then the masters, host bridges and PCI functions.  The
 * blob is checked as a whole before, so that no property can lead outside it;
 * what the properties say is checked here.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <libfdt.h>

#include "base/bits.h"
#include "base/overflow.h"
#include "fw_private.h"

#define DT_PATH_MAX 256

struct reader {
	const void *blob;
	struct uiommu_fw *fw;
	char *err;
	size_t err_len;
};

/* "/node: sentence"; returns -EINVAL. */
static int complain(const struct reader *rd, int node, const char *fmt, ...)
{
	char path[DT_PATH_MAX];
	va_list args;
	int len;

	if (!rd->err || !rd->err_len)
		return -EINVAL;
	if (fdt_get_path(rd->blob, node, path, sizeof(path)))
		strcpy(path, "(node)");
	len = snprintf(rd->err, rd->err_len, "%s: ", path);
	if (len < 0 || (size_t)len >= rd->err_len)
		return -EINVAL;
	va_start(args, fmt);
	vsnprintf(rd->err + len, rd->err_len - (size_t)len, fmt, args);
	va_end(args);
	return -EINVAL;
}

static char *path_of(const struct reader *rd, int node)
{
	char path[DT_PATH_MAX];

	if (fdt_get_path(rd->blob, node, path, sizeof(path)))
		strcpy(path, "?");
	return fw_strdup(rd->fw, path);
}

/* The property as cells: their number; 0: not there; -1: not whole cells. */
static int cells(const struct reader *rd, int node, const char *name,
		 const fdt32_t **out)
{
	int len;

	*out = fdt_getprop(rd->blob, node, name, &len);
	if (!*out)
		return 0;
	return len % 4 ? -1 : len / 4;
}

static uint32_t cell_or(const struct reader *rd, int node, const char *name,
			uint32_t otherwise)
{
	const fdt32_t *prop;

	return cells(rd, node, name, &prop) == 1 ? fdt32_to_cpu(*prop)
						 : otherwise;
}

static uint64_t join(const fdt32_t *prop, int nr)
{
	uint64_t val = 0;

	while (nr-- > 0)
		val = val << 32 | fdt32_to_cpu(*prop++);
	return val;
}

/* A string property, whole and with its NUL, copied; *out NULL: not there. */
static int string(const struct reader *rd, int node, const char *name,
		  const char **out)
{
	const char *prop;
	int len;

	*out = NULL;
	prop = fdt_getprop(rd->blob, node, name, &len);
	if (!prop)
		return 0;
	if (!len || prop[len - 1])
		return complain(rd, node, "%s is not a string", name);
	*out = fw_strdup(rd->fw, prop);
	return *out ? 0 : -ENOMEM;
}

static bool disabled(const struct reader *rd, int node)
{
	int len;
	const char *status = fdt_getprop(rd->blob, node, "status", &len);

	return status && len > 0 && !status[len - 1] &&
	       strcmp(status, "okay") && strcmp(status, "ok");
}

/* -------------------------------------------------------------- IOMMUs -- */

static int read_iommu(struct reader *rd, int node)
{
	int parent = fdt_parent_offset(rd->blob, node);
	int ac = fdt_address_cells(rd->blob, parent);
	int sc = fdt_size_cells(rd->blob, parent);
	struct uiommu_fw_iommu *iommu;
	const fdt32_t *reg;
	uint64_t last;
	int nr, rc;

	if (ac < 1 || ac > 2 || sc < 1 || sc > 2)
		return complain(rd, node,
				"the parent's #address-cells or "
				"#size-cells is not 1 or 2");
	nr = cells(rd, node, "reg", &reg);
	if (nr < ac + sc)
		return complain(rd, node, "reg is missing or too short");
	if (cell_or(rd, node, "#iommu-cells", 0) != 1)
		return complain(rd, node, "#iommu-cells is not 1");
	iommu = fw_grow((void **)&rd->fw->iommus, &rd->fw->nr_iommus,
			sizeof(*iommu));
	if (!iommu)
		return -ENOMEM;
	iommu->compatible = "arm,smmu-v3";
	iommu->base = join(reg, ac);
	iommu->size = join(reg + ac, sc);
	iommu->handle = fdt_get_phandle(rd->blob, node);
	iommu->coherent = fdt_getprop(rd->blob, node, "dma-coherent", NULL);
	if (!iommu->size || last_overflows(iommu->base, iommu->size, &last))
		return complain(rd, node, "reg describes no range");
	iommu->path = path_of(rd, node);
	rc = string(rd, node, "uiommu,profile", &iommu->profile);
	return iommu->path ? rc : -ENOMEM;
}

/* Index by phandle; -1: none. */
static int find_iommu(const struct reader *rd, uint32_t handle)
{
	if (!handle)
		return -1;
	for (unsigned int i = 0; i < rd->fw->nr_iommus; i++)
		if (rd->fw->iommus[i].handle == handle)
			return (int)i;
	return -1;
}

/* ------------------------------------------------------------- masters -- */

static int read_master(struct reader *rd, int node, const fdt32_t *prop, int nr)
{
	struct uiommu_fw_master *master;
	uint32_t *ids;
	int iommu;

	if (nr < 2 || nr % 2)
		return complain(rd, node,
				"iommus is not pairs of an IOMMU "
				"and an id");
	iommu = find_iommu(rd, fdt32_to_cpu(prop[0]));
	if (iommu < 0)
		return 0; /* behind an IOMMU that we do not drive */
	ids = fw_own(rd->fw, (size_t)(nr / 2) * sizeof(*ids));
	if (!ids)
		return -ENOMEM;
	for (int i = 0; i < nr / 2; i++) {
		if (prop[2 * i] != prop[0])
			return complain(rd, node,
					"iommus names two different IOMMUs");
		ids[i] = fdt32_to_cpu(prop[2 * i + 1]);
	}
	master = fw_grow((void **)&rd->fw->masters, &rd->fw->nr_masters,
			 sizeof(*master));
	if (!master)
		return -ENOMEM;
	master->iommu = (unsigned int)iommu;
	master->ids = ids;
	master->nr_ids = (unsigned int)(nr / 2);
	master->pasid_bits =
		(uint8_t)min_u64(20, cell_or(rd, node, "pasid-num-bits", 0));
	master->stall = fdt_getprop(rd->blob, node, "dma-can-stall", NULL);
	master->path = path_of(rd, node);
	return master->path ? 0 : -ENOMEM;
}

/* --------------------------------------------------------- host bridges - */

static int read_map(struct reader *rd, int node, unsigned int host,
		    const fdt32_t *prop, int nr)
{
	if (nr < 4 || nr % 4)
		return complain(rd, node,
				"iommu-map is not groups of four "
				"cells");
	for (int i = 0; i < nr; i += 4) {
		int iommu = find_iommu(rd, fdt32_to_cpu(prop[i + 1]));
		struct fw_map *map;
		uint32_t last;

		if (iommu < 0)
			return complain(rd, node,
					"iommu-map, group %d: phandle 0x%x is "
					"of no arm,smmu-v3",
					i / 4, fdt32_to_cpu(prop[i + 1]));
		map = fw_grow((void **)&rd->fw->maps, &rd->fw->nr_maps,
			      sizeof(*map));
		if (!map)
			return -ENOMEM;
		map->host = host;
		map->rid_base = fdt32_to_cpu(prop[i]);
		map->iommu = (unsigned int)iommu;
		map->id_base = fdt32_to_cpu(prop[i + 2]);
		map->length = fdt32_to_cpu(prop[i + 3]);
		if (!map->length ||
		    add_overflows(map->id_base, map->length - 1, &last) ||
		    add_overflows(map->rid_base, map->length - 1, &last) ||
		    last > 0xffff)
			return complain(rd, node,
					"iommu-map, group %d: requester IDs "
					"beyond 0xffff",
					i / 4);
	}
	return 0;
}

static int read_function(struct reader *rd, int node, unsigned int host)
{
	const struct uiommu_fw_pci_host *bridge = &rd->fw->hosts[host];
	struct uiommu_fw_pci_dev *dev;
	const fdt32_t *reg;
	const char *compatible;
	uint32_t rid;
	int rc;

	rc = string(rd, node, "compatible", &compatible);
	if (rc || !compatible)
		return rc;
	if (cells(rd, node, "reg", &reg) < 1)
		return complain(rd, node, "reg is missing");
	/* phys.hi of the PCI bus binding: bus, device, function in 23..8. */
	rid = fdt32_to_cpu(reg[0]) >> 8 & 0xffff;
	if (rid >> 8 < bridge->first_bus || rid >> 8 > bridge->last_bus)
		return complain(rd, node,
				"bus %u is not in the bridge's "
				"bus-range",
				rid >> 8);
	dev = fw_grow((void **)&rd->fw->devs, &rd->fw->nr_devs, sizeof(*dev));
	if (!dev)
		return -ENOMEM;
	dev->compatible = compatible;
	dev->host = host;
	dev->rid = (uint16_t)rid;
	rc = string(rd, node, "uiommu,options", &dev->options);
	dev->path = path_of(rd, node);
	return dev->path ? rc : -ENOMEM;
}

static int read_functions(struct reader *rd, int bridge, unsigned int host)
{
	int child, rc;

	fdt_for_each_subnode(child, rd->blob, bridge)
	{
		if (disabled(rd, child))
			continue;
		rc = read_function(rd, child, host);
		if (rc)
			return rc;
	}
	return 0;
}

static int add_host(struct reader *rd, int node, unsigned int *index)
{
	struct uiommu_fw_pci_host *host;
	const fdt32_t *range;
	unsigned int nr_masks = rd->fw->nr_hosts;
	uint32_t *mask;
	int nr;

	mask = fw_grow((void **)&rd->fw->host_masks, &nr_masks, sizeof(*mask));
	if (!mask)
		return -ENOMEM;
	*mask = cell_or(rd, node, "iommu-map-mask", 0xffff);
	host = fw_grow((void **)&rd->fw->hosts, &rd->fw->nr_hosts,
		       sizeof(*host));
	if (!host)
		return -ENOMEM;
	*index = rd->fw->nr_hosts - 1;
	host->last_bus = 255;
	nr = cells(rd, node, "bus-range", &range);
	if (nr) {
		uint32_t first, last;

		if (nr != 2)
			return complain(rd, node, "bus-range is not two cells");
		first = fdt32_to_cpu(range[0]);
		last = fdt32_to_cpu(range[1]);
		if (first > last || last > 255)
			return complain(rd, node, "bus-range %u to %u", first,
					last);
		host->first_bus = (uint8_t)first;
		host->last_bus = (uint8_t)last;
	}
	host->domain = cell_or(rd, node, "linux,pci-domain", *index);
	host->path = path_of(rd, node);
	return host->path ? 0 : -ENOMEM;
}

static int read_host(struct reader *rd, int node)
{
	const fdt32_t *map;
	unsigned int host;
	int nr, rc;

	rc = add_host(rd, node, &host);
	if (rc)
		return rc;
	nr = cells(rd, node, "iommu-map", &map);
	if (nr) {
		rc = read_map(rd, node, host, map, nr);
		if (rc)
			return rc;
	}
	return read_functions(rd, node, host);
}

static bool is_pci_host(const struct reader *rd, int node)
{
	int len;
	const char *type = fdt_getprop(rd->blob, node, "device_type", &len);

	return type && len == 4 && !memcmp(type, "pci", 4);
}

/* -------------------------------------------------------------- passes -- */

static int pass_iommus(struct reader *rd)
{
	int node, rc;

	for (node = fdt_next_node(rd->blob, -1, NULL); node >= 0;
	     node = fdt_next_node(rd->blob, node, NULL)) {
		if (fdt_node_check_compatible(rd->blob, node, "arm,smmu-v3") ||
		    disabled(rd, node))
			continue;
		rc = read_iommu(rd, node);
		if (rc)
			return rc;
	}
	return 0;
}

static int pass_masters(struct reader *rd)
{
	const fdt32_t *prop;
	int node, nr, rc = 0;

	for (node = fdt_next_node(rd->blob, -1, NULL); node >= 0 && !rc;
	     node = fdt_next_node(rd->blob, node, NULL)) {
		if (disabled(rd, node))
			continue;
		nr = cells(rd, node, "iommus", &prop);
		if (nr)
			rc = read_master(rd, node, prop, nr);
		else if (is_pci_host(rd, node))
			rc = read_host(rd, node);
	}
	return rc;
}

int uiommu_fw_read_dt(const void *blob, size_t len, struct uiommu_fw **out,
		      char *err, size_t err_len)
{
	struct reader rd = { .blob = blob, .err = err, .err_len = err_len };
	int rc;

	rc = fdt_check_full(blob, len);
	if (rc) {
		if (err && err_len)
			snprintf(err, err_len,
				 "not a flattened device tree: %s",
				 fdt_strerror(rc));
		return -EINVAL;
	}
	rd.fw = fw_new();
	if (!rd.fw)
		return -ENOMEM;
	rc = pass_iommus(&rd);
	if (!rc)
		rc = pass_masters(&rd);
	if (rc) {
		uiommu_fw_free(rd.fw);
		return rc;
	}
	*out = rd.fw;
	return 0;
}
