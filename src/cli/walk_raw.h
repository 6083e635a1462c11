/* SPDX-License-Identifier: BSD-2-Clause */
/* walk_raw.h - an SMMU put together from options: memory dumps, registers. */
#ifndef CLI_WALK_RAW_H
#define CLI_WALK_RAW_H

#include <uiommu/smmuv3_model.h>

#define WALK_MAX_MEM 64u
#define WALK_MAX_REGS 64u

struct walk_raw {
	struct {
		uint64_t pa;
		const uint8_t *bytes;
		size_t len;
	} mem[WALK_MAX_MEM];
	unsigned int nr_mem;
	struct {
		uint32_t offset;
		uint64_t value;
	} regs[WALK_MAX_REGS];
	unsigned int nr_regs;
	struct uiommu_smmuv3_profile profile;
	bool has_profile, has_cr0;
	struct uiommu_smmuv3_model *model;
	char log[160];
};

/* Values of --mem, --reg and --profile; 0 or the status after a message. */
int walk_raw_mem(struct walk_raw *raw, const char *value);
int walk_raw_reg(struct walk_raw *raw, const char *value);
int walk_raw_profile(struct walk_raw *raw, const char *value);
/* Make the model with the registers given; the same. */
int walk_raw_start(struct walk_raw *raw);
void walk_raw_stop(struct walk_raw *raw);

/* "0x1f", "31" or "037" up to max. */
bool walk_number(const char *text, uint64_t max, uint64_t *out);

#endif /* CLI_WALK_RAW_H */
