/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * aux_scene.h - auxiliary domains on a whole machine: devices behind one SMMU,
 * opened by a client, get them by the library's calls, and what the devices
 * reach is the judge.  What is refused leaves the machine as it was, byte for
 * byte.
 */
#ifndef TESTS_FLOW_AUX_SCENE_H
#define TESTS_FLOW_AUX_SCENE_H

#include <errno.h>

#include "nth.h"
#include "testep.h"

#define AUX UIOMMU_DEV_FEAT_AUX
#define AUX_IOVA UINT64_C(0x10000000)
#define AUX_DEVS 4u
#define AUX_NO_PASIDS 4u /* the device that has none */
/* What is in page number `page` of the scene. */
#define AUX_WORD(page) (UINT64_C(0xa0) + (page))

/* An address space: page number `page` of the scene at AUX_IOVA. */
struct aux_space {
	struct uiommu_ioas *ioas;
	struct uiommu_domain *dom;
	unsigned int page;
};

/* Devices 0 to 2 have `parent`, device 3 `other`, all of them the feature. */
struct aux_scene {
	struct uiommu_machine *machine;
	struct uiommu_core *core;
	struct client c[AUX_DEVS];
	struct uiommu_device *dev[AUX_DEVS + 1];
	struct aux_space parent, other, aux;
	uint8_t *mem;
	uint32_t pasid;	      /* that an attach would get */
	unsigned int subject; /* the device of a call */
	/* The last fault. */
	struct uiommu_smmuv3_fault_info fault;
	unsigned int nr_faults;
};

/* The call is refused with this error, and nothing has changed. */
#define REFUSED(s, call, rc)                                      \
	do {                                                      \
		char *was_ = machine_text((s)->machine);          \
                                                                  \
		assert_int_equal(call, rc);                       \
		expect_text((s)->machine, was_, #call, __LINE__); \
		free(was_);                                       \
	} while (0)

/* The call changes nothing. */
#define NOTHING(s, call)                                          \
	do {                                                      \
		char *was_ = machine_text((s)->machine);          \
                                                                  \
		call;                                             \
		expect_text((s)->machine, was_, #call, __LINE__); \
		free(was_);                                       \
	} while (0)

void aux_open(struct aux_scene *s);
void aux_close(struct aux_scene *s);
/* An address space of page number `page`, below 8, which nobody has. */
struct aux_space aux_space_new(struct aux_scene *s, unsigned int page);
void aux_space_free(struct aux_space *space);
struct uiommu_group *aux_group(struct aux_scene *s, unsigned int i);
/* Attach to device i; the PASID. */
uint32_t aux_attach_ok(struct aux_scene *s, const struct aux_space *space,
		       unsigned int i);

/* What device i reads by the PASID, 0: nothing; pasid 0: without. */
uint64_t aux_reads(struct aux_scene *s, unsigned int i, uint32_t pasid);
/* It neither reads the page of `space` by the PASID, nor does it write there. */
void aux_reaches_nothing(struct aux_scene *s, unsigned int i, uint32_t pasid,
			 const struct aux_space *space);
/* It reads `page`, and has the translation in its ATC. */
void aux_holds(struct aux_scene *s, unsigned int i, uint32_t pasid,
	       unsigned int page);

#endif /* TESTS_FLOW_AUX_SCENE_H */
