/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ats_rig.h - a test endpoint on a whole SMMU: the model, the driver, and a host
 * that is told of faults and page requests.  No core and no ABI.
 */
#ifndef TESTS_MACHINE_ATS_RIG_H
#define TESTS_MACHINE_ATS_RIG_H

#include "machine/dev/testep_regs.h"
#include "rig.h"

#define ATS_PAGES 80u
#define ATS_TOLD 96u

struct ats_rig {
	struct uiommu_machine machine;
	struct pcidev *dev;
	struct uiommu_unit *unit;
	struct uiommu_hwdev *hwdev;
	struct uiommu_hwdom *dom;
	/* Memory of ours for the device, pinned. */
	uint8_t *mem;
	/* What the host was told. */
	struct uiommu_page_request page[ATS_TOLD];
	unsigned int nr_pages;
	struct uiommu_fault fault[ATS_TOLD];
	unsigned int nr_faults;
	/* Messages that came. */
	unsigned int fired;
	unsigned int handle;
	struct uiommu_msi_msg msg;
};

/* Attached to a paging domain; `stall`: may be stalled, and has no ATS. */
struct ats_rig *ats_rig_new(bool stall);
void ats_rig_free(struct ats_rig *rig);

/* Page i of the memory at `iova`. */
void ats_map(struct ats_rig *rig, struct uiommu_hwdom *dom, uint64_t iova,
	     unsigned int i);
void ats_unmap(struct ats_rig *rig, struct uiommu_hwdom *dom, uint64_t iova);
uint64_t *ats_word(struct ats_rig *rig, unsigned int page, unsigned int off);
/* Answer what was told as number n. */
void ats_answer_page(struct ats_rig *rig, unsigned int n,
		     enum uiommu_page_code code);
void ats_answer_fault(struct ats_rig *rig, unsigned int n,
		      enum uiommu_page_code code);

uint64_t ats_read(struct ats_rig *rig, uint64_t off, unsigned int size);
void ats_write(struct ats_rig *rig, uint64_t off, unsigned int size,
	       uint64_t val);
/* A slot's request: program and start it; its status afterwards. */
enum testep_status ats_go(struct ats_rig *rig, unsigned int slot, uint32_t ctrl,
			  uint64_t addr, uint32_t len);
enum testep_status ats_status(struct ats_rig *rig, unsigned int slot);
uint32_t ats_cfg(struct ats_rig *rig, unsigned int off, unsigned int size);
void ats_set_cfg(struct ats_rig *rig, unsigned int off, unsigned int size,
		 uint32_t val);

#define ATS_OP(op) ((uint32_t)(op) << 4)

#endif /* TESTS_MACHINE_ATS_RIG_H */
