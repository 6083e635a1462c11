/* SPDX-License-Identifier: BSD-2-Clause */
/* space.h - an address space, and two devices that can wait, to be bound to it. */
#ifndef TESTS_CORE_SPACE_H
#define TESTS_CORE_SPACE_H

#include "fake_space.h"
#include "world.h"

struct scene {
	struct world *w;
	struct uiommu_device *dev[2]; /* can wait; ids 20, 21 */
	struct space space;
	uint32_t token;
	struct uiommu_sva *sva; /* scene_bind()'s */
};

struct uiommu_device *add_waiting(struct world *w, uint32_t id,
				  const struct uiommu_device_cfg *like);
void scene_open(struct scene *s, void **state);
void scene_close(struct scene *s);
/* The same with device 0 bound to the space; its PASID. */
uint32_t scene_bind(struct scene *s, void **state);
void scene_unbind(struct scene *s);
struct uiommu_sva *bind_ok(struct scene *s, unsigned int i);
/* A page request of device i; the code of the answer. */
unsigned int ask(struct scene *s, unsigned int i, uint32_t pasid, uint64_t iova,
		 uint32_t perm);
/* Does an access of device i end where it should? */
bool reaches(struct scene *s, unsigned int i, uint32_t pasid, uint64_t iova,
	     bool write);

#define R UIOMMU_PAGE_READ
#define W UIOMMU_PAGE_WRITE

#endif /* TESTS_CORE_SPACE_H */
