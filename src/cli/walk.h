/* SPDX-License-Identifier: BSD-2-Clause */
/* walk.h - one access explained: what was found, and the ways to show it. */
#ifndef CLI_WALK_H
#define CLI_WALK_H

#include <stdio.h>

#include <uiommu/smmuv3_model.h>

#include "fields.h"

/*
 * The longest way: two tables of two levels, the second behind stage 2, then
 * at each of 5 levels a walk of 5, another if the level has to be written, and
 * one for the access.
 */
#define WALK_MAX_STEPS 128u

struct walk {
	struct uiommu_smmuv3_model *model;
	const struct uiommu_smmuv3_profile *profile;
	struct uiommu_smmuv3_txn txn;
	/* of a case; else NULL and -1 */
	const char *file, *case_id;
	long case_step;
	uint64_t len;
	bool assumed_on; /* nobody said that the SMMU is on */
	/* what came of it */
	struct uiommu_smmuv3_step steps[WALK_MAX_STEPS];
	unsigned int nr_steps;
	int answer;
	struct uiommu_smmuv3_explanation why;
};

/* Let the model explain walk->txn. */
void walk_explain(struct walk *walk);

/* A register as the model has it. */
uint64_t walk_reg(const struct walk *walk, uint32_t offset);
/* The last step of a kind, or NULL. */
const struct uiommu_smmuv3_step *walk_last(const struct walk *walk,
					   enum uiommu_smmuv3_step_kind kind);
/* A word of that step, 0 if there was none. */
uint64_t walk_word(const struct walk *walk, enum uiommu_smmuv3_step_kind kind,
		   unsigned int i);

/* walk_when.c: which fields of this step's words matter. */
uint32_t walk_when(const struct walk *walk,
		   const struct uiommu_smmuv3_step *step);
/*
 * Of stage 1: is it EL2 without E2H?  Are the hierarchical attributes of TTB0 or
 * TTB1 off?  Are pages marked dirty?
 */
bool walk_is_el2(const struct walk *walk);
bool walk_is_had(const struct walk *walk, unsigned int half);
bool walk_marks_dirty(const struct walk *walk);

const struct field_table *walk_fields(const struct uiommu_smmuv3_step *step);
/* What a field of this step means, or NULL. */
const char *walk_meaning(const struct walk *walk, const struct field *field,
			 uint64_t value, char *buf, size_t len);
/* "ste", "stage-1 descriptor": for machines, for people. */
const char *walk_kind(const struct uiommu_smmuv3_step *step, bool people);

const char *walk_desc_name(enum uiommu_smmuv3_desc desc);

/* Why a record that the architecture wants is lost all the same, or NULL. */
const char *walk_lost(const struct walk *walk);

/* walk_reason.c: why the access ended, naming what is wrong. */
void walk_reason(const struct walk *walk, char *buf, size_t len);

/* Registers that say how accesses are treated. */
struct walk_reg {
	const char *name;
	uint32_t offset;
};
extern const struct walk_reg walk_regs[];
extern const unsigned int walk_nr_regs;
/* What such a register says, or "". */
void walk_reg_words(const struct walk *walk, uint32_t offset, char *buf,
		    size_t len);

/* walk_text.c, walk_json.c */
void walk_print(const struct walk *walk, FILE *out);
int walk_print_json(const struct walk *walk, FILE *out);

#endif /* CLI_WALK_H */
