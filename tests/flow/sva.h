/* SPDX-License-Identifier: BSD-2-Clause */
/* sva.h - the test endpoint in this process's address space. */
#ifndef TESTS_FLOW_SVA_H
#define TESTS_FLOW_SVA_H

#include <sched.h>

#include <uiommu/process.h>

#include "testep.h"

/* Device `index` of the machine, opened, and bound to the process. */
struct sva_client {
	struct client c;
	struct uiommu_device *dev;
	struct uiommu_sva *sva;
};

static inline void sva_open_unbound_ok(struct sva_client *s,
				       struct uiommu_machine *machine,
				       unsigned int index)
{
	client_open_iommufd(&s->c, machine, index);
	client_master(&s->c, true);
	s->dev = uiommu_machine_core_device(machine, index);
	assert_non_null(s->dev);
}

static inline void sva_open_mm_ok(struct sva_client *s,
				  struct uiommu_machine *machine,
				  unsigned int index,
				  const struct uiommu_sva_mm *mm)
{
	sva_open_unbound_ok(s, machine, index);
	assert_int_equal(uiommu_sva_bind(s->dev, mm, &s->sva), 0);
}

static inline void sva_open_ok(struct sva_client *s,
			       struct uiommu_machine *machine,
			       unsigned int index)
{
	sva_open_mm_ok(s, machine, index, uiommu_process_mm());
}

static inline void sva_start_as(struct sva_client *s, unsigned int slot,
				uint32_t pasid, uint32_t op, const void *at,
				uint32_t len)
{
	testep_go_as(&s->c, slot, pasid, op, (uintptr_t)at, len);
}

static inline void sva_start(struct sva_client *s, unsigned int slot,
			     uint32_t op, const void *at, uint32_t len)
{
	sva_start_as(s, slot, uiommu_sva_pasid(s->sva), op, at, len);
}

/* Until the slot has ended: each look lets the machine go on. */
static inline unsigned int sva_end(struct sva_client *s, unsigned int slot)
{
	unsigned int status;

	while ((status = testep_status(&s->c, slot)) == TESTEP_WORKING)
		sched_yield();
	return status;
}

static inline unsigned int sva_do(struct sva_client *s, unsigned int slot,
				  uint32_t op, const void *at, uint32_t len)
{
	sva_start(s, slot, op, at, len);
	return sva_end(s, slot);
}

#endif /* TESTS_FLOW_SVA_H */
