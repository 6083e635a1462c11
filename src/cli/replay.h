/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replay.h - running one recorded case on the SMMUv3 model alone.
 *
 * The format of cases and outcomes: docs/case-format.md.
 */
#ifndef CLI_REPLAY_H
#define CLI_REPLAY_H

#include <jansson.h>

#include <uiommu/smmuv3_model.h>

#include "recording.h"
#include "replay_json.h"
#include "replay_ram.h"

/* A place to run cases in. */
struct replay {
	struct replay_ram ram;
	struct uiommu_smmuv3_profile profile;
	struct uiommu_smmuv3_model *model; /* between start and stop */
	/* as last written; where the software's queues are */
	uint64_t cmdq_base, evtq_base;
	bool drain;    /* somebody consumes the event queue */
	char log[160]; /* what the model said last */
	struct replay_error error;
};

/* 0 or -ENOMEM. */
int replay_create(struct replay **out);
void replay_destroy(struct replay *replay);

/*
 * What a value of a recording is: a header is taken note of and gives 0, a
 * record or a bare case gives 1 and *out (borrowed).  -1 after a message.
 */
int replay_take(struct replay *replay, const struct recording *rec,
		const json_t *value, const json_t **out);

/*
 * A model in reset state, the case's memory and register writes.  The calls
 * below return 0, or -EINVAL with replay->error.
 */
int replay_start(struct replay *replay, const json_t *test_case);
void replay_stop(struct replay *replay);
/* Do step i of the case and add what came of it to `result`. */
int replay_step(struct replay *replay, const json_t *test_case, size_t i,
		json_t *result);
/* Run a case from reset and return its outcome, or NULL with replay->error. */
json_t *replay_run(struct replay *replay, const json_t *test_case);
/* Say on stderr what replay->error is, of the case in the value taken last. */
int replay_complain(const struct replay *replay, const struct recording *rec,
		    const json_t *value, const json_t *test_case);

/* The request of a "dma" step; buf has room for REPLAY_MAX_DMA bytes. */
#define REPLAY_MAX_DMA 64u
int replay_dma_request(struct replay *replay, const json_t *step,
		       struct uiommu_smmuv3_dma *dma, uint8_t *buf);

/* replay_events.c: the records between CONS and PROD, consumed if wished. */
json_t *replay_events(struct replay *replay, bool consume);

#endif /* CLI_REPLAY_H */
