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

struct replay;

/*
 * A place to run cases in: RAM and a profile.  0 or -ENOMEM.
 */
int replay_create(struct replay **out);
void replay_destroy(struct replay *replay);

/*
 * Take ID registers from a recording's header.  On error err holds a sentence.
 */
int replay_set_id_regs(struct replay *replay, const json_t *id_regs, char *err,
		       size_t err_len);

/*
 * Run a case from reset and return its outcome, or NULL with a sentence that
 * names the key at fault in err.
 */
json_t *replay_run(struct replay *replay, const json_t *test_case, char *err,
		   size_t err_len);

/* Values are integers or strings like "0x1f": false if neither. */
bool replay_number(const json_t *value, uint64_t *out);

#endif /* CLI_REPLAY_H */
