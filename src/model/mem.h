/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mem.h - how a model reaches the embedder's memory.
 *
 * Words that hardware and software share (descriptors, table entries, commands)
 * are read by aligned 64-bit accesses that are single-copy atomic, either
 * through the embedder's short cut or through its read callback.
 */
#ifndef MODEL_MEM_H
#define MODEL_MEM_H

#include <errno.h>
#include <stdlib.h>

#include <uiommu/model.h>

#include "base/atomic.h"
#include "base/le.h"

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* Attributes of a model's own access to tables and queues. */
static inline struct uiommu_mem_attrs model_walk_attrs(uint8_t mair, uint8_t sh)
{
	return (struct uiommu_mem_attrs){
		.mair = mair,
		.sh = sh & 3,
		.priv = 1,
		.walk = 1,
	};
}

/* By the short cut, if that is offered here. */
static inline bool model_direct64(const struct uiommu_model_host *host,
				  uiommu_pa_t pa, uint64_t *val)
{
	const uint64_t *word;

	if (!host->direct)
		return false;
	word = host->direct(host->ctx, pa, 8, false);
	if (unlikely(!word))
		return false;
	*val = le64_to_cpu((le64_t){ load_acquire(word) });
	return true;
}

/* By the callback, which alone wants to know of attributes.  0 or -EIO. */
static inline int model_call64(const struct uiommu_model_host *host,
			       uiommu_pa_t pa, uint64_t *val,
			       struct uiommu_mem_attrs attrs)
{
	le64_t raw;
	int rc = host->read(host->ctx, pa, &raw, 8, attrs);

	*val = rc ? 0 : le64_to_cpu(raw);
	return rc;
}

/* Memory as it is, in the CPU's order of a little-endian word.  0 or -EIO. */
static inline int model_read64(const struct uiommu_model_host *host,
			       uiommu_pa_t pa, uint64_t *val,
			       struct uiommu_mem_attrs attrs)
{
	return model_direct64(host, pa, val)
		       ? 0
		       : model_call64(host, pa, val, attrs);
}

/*
 * Compare-and-swap of such a word: if it is *val it becomes `want`; *val tells
 * what was there.  0 or -EIO.
 */
static inline int model_cmpxchg64(const struct uiommu_model_host *host,
				  uiommu_pa_t pa, uint64_t *val, uint64_t want)
{
	uint64_t raw = cpu_to_le64(*val).raw, new = cpu_to_le64(want).raw;
	int rc = 0;

	if (host->direct) {
		uint64_t *word = host->direct(host->ctx, pa, 8, true);

		if (likely(word)) {
			(void)cmpxchg_acq_rel(word, &raw, new);
			goto out;
		}
	}
	if (!host->cmpxchg64)
		return -EIO;
	rc = host->cmpxchg64(host->ctx, pa, &raw, new);
out:
	*val = le64_to_cpu((le64_t){ raw });
	return rc;
}

/* `n` consecutive words; each is read atomically, the whole is not. */
static inline int model_read64s(const struct uiommu_model_host *host,
				uiommu_pa_t pa, uint64_t *val, unsigned int n,
				struct uiommu_mem_attrs attrs)
{
	for (unsigned int i = 0; i < n; i++) {
		int rc = model_read64(host, pa + 8 * i, &val[i], attrs);

		if (rc)
			return rc;
	}
	return 0;
}

/* Zeroed, aligned to two cache lines; NULL when out of memory. */
void *model_alloc(const struct uiommu_model_host *host, size_t size);
void model_free(const struct uiommu_model_host *host, void *ptr);

#endif /* MODEL_MEM_H */
