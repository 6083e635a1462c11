/* SPDX-License-Identifier: BSD-2-Clause */
/* Snapshots as tests handle them. */
#ifndef TESTS_UNIT_MODEL_SNAPSHOT_RIG_H
#define TESTS_UNIT_MODEL_SNAPSHOT_RIG_H

#include <string.h>

#include "rig.h"

struct shot {
	size_t len;
	uint8_t *bytes;
};

static inline struct shot take(struct rig *r)
{
	struct shot s;

	s.len = uiommu_smmuv3_model_snapshot_size(r->model);
	s.bytes = test_malloc(s.len);
	memset(s.bytes, 0x5a, s.len);
	assert_int_equal(uiommu_smmuv3_model_save(r->model, s.bytes, s.len), 0);
	return s;
}

static inline void drop(struct shot *s)
{
	test_free(s->bytes);
}

static inline int restore(struct rig *r, const struct shot *s)
{
	r->ram.last_log[0] = 0;
	return uiommu_smmuv3_model_restore(r->model, s->bytes, s->len);
}

static inline bool state_is(struct rig *r, const struct shot *want)
{
	struct shot now = take(r);
	bool same = now.len == want->len &&
		    !memcmp(now.bytes, want->bytes, now.len);

	drop(&now);
	return same;
}

#endif /* TESTS_UNIT_MODEL_SNAPSHOT_RIG_H */
