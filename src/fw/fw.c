/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fw.c - the neutral description of IOMMUs and what stands behind them: its
 * storage, and the questions it answers.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fw_private.h"

struct uiommu_fw *fw_new(void)
{
	return calloc(1, sizeof(struct uiommu_fw));
}

void *fw_grow(void **array, unsigned int *nr, size_t size)
{
	char *bigger = realloc(*array, (*nr + 1) * size);

	if (!bigger)
		return NULL;
	*array = bigger;
	memset(bigger + *nr * size, 0, size);
	return bigger + (*nr)++ * size;
}

void *fw_own(struct uiommu_fw *fw, size_t size)
{
	void *mem = calloc(1, size ? size : 1);
	void **slot;

	if (!mem)
		return NULL;
	slot = fw_grow((void **)&fw->owned, &fw->nr_owned, sizeof(*slot));
	if (!slot) {
		free(mem);
		return NULL;
	}
	*slot = mem;
	return mem;
}

char *fw_strdup(struct uiommu_fw *fw, const char *s)
{
	size_t len = strlen(s) + 1;
	char *copy = fw_own(fw, len);

	if (copy)
		memcpy(copy, s, len);
	return copy;
}

void uiommu_fw_free(struct uiommu_fw *fw)
{
	if (!fw)
		return;
	for (unsigned int i = 0; i < fw->nr_owned; i++)
		free(fw->owned[i]);
	free(fw->owned);
	free(fw->iommus);
	free(fw->masters);
	free(fw->hosts);
	free(fw->host_masks);
	free(fw->devs);
	free(fw->maps);
	free(fw);
}

const struct uiommu_fw_iommu *uiommu_fw_iommu(const struct uiommu_fw *fw,
					      unsigned int i)
{
	return i < fw->nr_iommus ? &fw->iommus[i] : NULL;
}

const struct uiommu_fw_master *uiommu_fw_master(const struct uiommu_fw *fw,
						unsigned int i)
{
	return i < fw->nr_masters ? &fw->masters[i] : NULL;
}

const struct uiommu_fw_pci_host *uiommu_fw_pci_host(const struct uiommu_fw *fw,
						    unsigned int i)
{
	return i < fw->nr_hosts ? &fw->hosts[i] : NULL;
}

const struct uiommu_fw_pci_dev *uiommu_fw_pci_dev(const struct uiommu_fw *fw,
						  unsigned int i)
{
	return i < fw->nr_devs ? &fw->devs[i] : NULL;
}

int uiommu_fw_pci_id(const struct uiommu_fw *fw, unsigned int host,
		     uint16_t rid, unsigned int *iommu, uint32_t *id)
{
	uint32_t masked;

	if (host >= fw->nr_hosts)
		return -ENOENT;
	masked = rid & fw->host_masks[host];
	for (unsigned int i = 0; i < fw->nr_maps; i++) {
		const struct fw_map *map = &fw->maps[i];

		if (map->host != host || masked < map->rid_base ||
		    masked - map->rid_base >= map->length)
			continue;
		*iommu = map->iommu;
		*id = map->id_base + (masked - map->rid_base);
		return 0;
	}
	return -ENOENT;
}
