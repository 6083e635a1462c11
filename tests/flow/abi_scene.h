/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * abi_scene.h - one context of iommufd and up to two test endpoints in it, whose
 * DMA tells what is mapped: each page of the scene's memory begins with a word of
 * its own.
 *
 * Functions that return int give the call's answer, those in _ok fail the test.
 */
#ifndef TESTS_FLOW_ABI_SCENE_H
#define TESTS_FLOW_ABI_SCENE_H

#include <errno.h>

#include <uiommu/uapi/iommufd.h>
#include <uiommu/uapi/vfio.h>

#include "client.h"
#include "testep.h"

#define PAGE UINT64_C(4096)
#define NR_PAGES 64u
#define MSI_FIRST UINT64_C(0x08000000)
#define MSI_LAST UINT64_C(0x080fffff)
#define TOP (UINT64_C(1) << 48)
#define BASE UINT64_C(0x10000000)
#define FIXED IOMMU_IOAS_MAP_FIXED_IOVA
#define READABLE IOMMU_IOAS_MAP_READABLE
#define RW (IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_WRITEABLE)
#define MAX_DEVICES 2u

struct scene {
	struct uiommu_machine *machine;
	bool joined; /* the machine is not its own */
	struct uiommu_abi *abi;
	int fd;
	unsigned int first; /* of the machine's devices */
	unsigned int nr;    /* devices, all attached to `ioas` at first */
	struct client dev[MAX_DEVICES];
	uint32_t dev_id[MAX_DEVICES], hwpt[MAX_DEVICES];
	uint32_t ioas;
	uint8_t *mem;
};

void scene_open(struct scene *s, unsigned int nr);
/*
 * One more context on a machine that is there, and stays: with `nr` of its devices
 * from `first` on.
 */
void scene_join(struct scene *s, struct uiommu_machine *machine,
		unsigned int first, unsigned int nr);
/* Nothing may be pinned then, if the machine is the scene's own. */
void scene_close(struct scene *s);
/* The story with no device, one and two. */
void scene_each(void (*story)(struct scene *s));

long scene_ioctl(struct scene *s, unsigned long cmd, void *arg);
uint32_t ioas_ok(struct scene *s);
int destroy(struct scene *s, uint32_t id);
/* Memory from page `page` on, or any address; *iova is the answer. */
int map_at(struct scene *s, uint32_t ioas, uint64_t va, uint64_t len,
	   uint32_t flags, uint64_t *iova);
int map_fixed(struct scene *s, uint32_t ioas, unsigned int page,
	      unsigned int nr, uint64_t iova);
/* *len: what was unmapped. */
int unmap(struct scene *s, uint32_t ioas, uint64_t iova, uint64_t *len);
int unmap_len(struct scene *s, uint32_t ioas, uint64_t iova, uint64_t len);
int copy_to(struct scene *s, uint32_t dst, uint64_t dst_iova, uint32_t src,
	    uint64_t src_iova, uint64_t len, uint32_t flags);
int hwpt_alloc(struct scene *s, unsigned int dev, uint32_t pt, uint32_t flags,
	       uint32_t *id);
/* Attach or replace; *pt becomes the page table. */
int attach(struct scene *s, unsigned int dev, uint32_t *pt);
int detach(struct scene *s, unsigned int dev);
int huge_pages(struct scene *s, uint32_t ioas, int val); /* -1: get */

/* The word at the head of a page of the scene's memory. */
uint64_t word_of(unsigned int page);
/* Every device sees pages `page` on at iova, or nothing at all. */
void expect_pages(struct scene *s, unsigned int page, unsigned int nr,
		  uint64_t iova);
void expect_none(struct scene *s, unsigned int nr, uint64_t iova);
void expect_pinned(struct scene *s, uint64_t pages);

#endif /* TESTS_FLOW_ABI_SCENE_H */
