/* SPDX-License-Identifier: BSD-2-Clause */
/* model_fuzz.h - what the parts of the model's fuzzer share. */
#ifndef TESTS_FUZZ_MODEL_FUZZ_H
#define TESTS_FUZZ_MODEL_FUZZ_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uiommu/smmuv3_model.h>

#include "base/le.h"
#include "fuzz.h"
#include "hw/smmuv3/cmd.h"
#include "hw/smmuv3/event.h"
#include "hw/smmuv3/regs.h"
#include "model_gen.h"

/* Nested, 52 bits: 5 levels of 5 + 1, CDs, and as much for what is prefetched. */
#define MAX_ACCESSES 1024u
#define BUF_SIZE 8192u

#define NR_DMAS 16u
#define NR_TAGS 16u

/* A device's access, which may wait for software. */
struct dma {
	struct uiommu_smmuv3_dma req;
	struct fuzz *f;
	bool busy;
	uint8_t buf[BUF_SIZE];
};

struct fuzz {
	struct uiommu_smmuv3_model *cached, *plain;
	struct uiommu_smmuv3_profile profile;
	struct fuzz_input in;
	uint8_t *mem;
	unsigned int oas;
	bool direct, trace, from_reset;
	unsigned int accesses, writes;
	/* the page that aborts; a word that changes after that many reads */
	uint64_t hole;
	unsigned int change_in;
	uint64_t change_at, change_by;
	struct dma *dmas;
	/* invalidations that endpoints have not answered */
	uint32_t tag[NR_TAGS];
	unsigned int nr_tags, responses;
	uint8_t ats_answer;
	uint8_t *snapshot, *plain_snapshot;
	size_t snapshot_len;
};

static inline void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "model fuzz: %s\n", what);
	abort();
}

/* model_fuzz.c: registers of the cached model; writes go to both where needed */
uint32_t rd(struct fuzz *f, uint32_t off);
void wr(struct fuzz *f, uint32_t off, unsigned int size, uint64_t val);
/* n little-endian words at pa, wherever that is in memory */
void store(struct fuzz *f, uint64_t pa, const uint64_t *q, unsigned int n);
/* Put a command in the queue and ring. */
void give(struct fuzz *f, const uint64_t q[2]);
void step_ste(struct fuzz *f);
void step_cd(struct fuzz *f);
void step_desc(struct fuzz *f);

/* model_fuzz_txn.c */
struct uiommu_smmuv3_txn gen_txn(struct fuzz *f);
void step_translate(struct fuzz *f);
void step_dma(struct fuzz *f);
void step_resume(struct fuzz *f);
void step_compare(struct fuzz *f);
/* No access may be left waiting. */
void all_ended(const struct fuzz *f);

/* model_fuzz_ats.c */
int fuzz_ats_invalidate(void *ctx, const struct uiommu_ats_inval *inval);
void fuzz_pri_response(void *ctx, const struct uiommu_pri_response *resp);
void ats_answer_all(struct fuzz *f, int status);
void step_ats(struct fuzz *f);
void step_inval_done(struct fuzz *f);
void step_page_request(struct fuzz *f);

/* model_fuzz_state.c */
void step_save(struct fuzz *f);
void step_restore(struct fuzz *f);

#endif /* TESTS_FUZZ_MODEL_FUZZ_H */
