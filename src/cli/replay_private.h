/* SPDX-License-Identifier: BSD-2-Clause */
/* replay_private.h - between the files of replay. */
#ifndef CLI_REPLAY_PRIVATE_H
#define CLI_REPLAY_PRIVATE_H

#include "replay.h"

/* A write of "regs" or of a step. */
int replay_put_register(struct replay *replay, const json_t *write);

#endif /* CLI_REPLAY_PRIVATE_H */
