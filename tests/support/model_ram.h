/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model_ram.h - physical memory for tests of a model: sparse, with holes that
 * abort, and a record of interrupts.
 *
 * Memory is [base, base + size); everything else aborts, and so does what a
 * test has poisoned.  Accesses by the model and by the test may race; words are
 * accessed atomically.
 */
#ifndef TESTS_SUPPORT_MODEL_RAM_H
#define TESTS_SUPPORT_MODEL_RAM_H

#include <uiommu/model.h>

#define MODEL_RAM_LINES 8u

struct model_ram {
	uint64_t base, size;
	uint8_t *mem;
	bool use_direct; /* offer the short cut */
	/* [poison_first, poison_last] aborts; first > last: nothing does */
	uint64_t poison_first, poison_last;
	uint64_t irqs[MODEL_RAM_LINES];
	uint64_t wakes;
	uint64_t reads, writes; /* callbacks, atomically counted */
	/* the last interrupt message */
	uint64_t msi_count, msi_addr;
	uint32_t msi_data;
	struct uiommu_mem_attrs msi_attrs, last_attrs;
	/* called for each interrupt, if set */
	void (*on_irq)(void *arg, unsigned int line);
	void *on_irq_arg;
	/* called after each read callback, if set */
	void (*on_read)(void *arg, uint64_t pa);
	void *on_read_arg;
	char last_log[160];
	/* the endpoints' side of ATS and PRI, if set */
	int (*on_ats_inval)(void *arg, const struct uiommu_ats_inval *inval);
	void (*on_pri_response)(void *arg,
				const struct uiommu_pri_response *resp);
	void *endpoint_arg;
};

int model_ram_init(struct model_ram *ram, uint64_t base, uint64_t size);
void model_ram_fini(struct model_ram *ram);
/* Callbacks that use `ram`. */
struct uiommu_model_host model_ram_host(struct model_ram *ram);

void ram_w64(struct model_ram *ram, uint64_t pa, uint64_t val);
uint64_t ram_r64(struct model_ram *ram, uint64_t pa);
uint32_t ram_r32(struct model_ram *ram, uint64_t pa);
void ram_zero(struct model_ram *ram, uint64_t pa, uint64_t len);
void ram_poison(struct model_ram *ram, uint64_t first, uint64_t last);

#endif /* TESTS_SUPPORT_MODEL_RAM_H */
