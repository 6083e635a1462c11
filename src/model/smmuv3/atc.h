/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * atc.h - an endpoint's address translation cache.
 *
 * Translations are kept by PASID (or none), privilege, page and size, in a
 * cache that is read without a lock (cache.h).  A translation that was asked
 * for before an invalidation and arrives after it must not be kept: whoever
 * asks takes a ticket first and puts in what he got with it.
 */
#ifndef MODEL_SMMUV3_ATC_H
#define MODEL_SMMUV3_ATC_H

#include <uiommu/smmuv3_model.h>

#include "../cache.h"

struct atc {
	struct mcache cache;
	/* Bit n: there may be entries of 2^(n + 12) bytes; only grows. */
	uint64_t sizes;
	/* Stamp of entries that count; moves when all are dropped. */
	uint64_t generation;
};

/* Whose translations: an access of the endpoint, of which these count. */
struct atc_owner {
	uint32_t pasid;
	bool ssv, priv;
};

struct atc_entry {
	uint64_t addr; /* translated, of the region's first byte */
	uint8_t size_lg2;
	bool read, write, exec;
};

struct atc_ticket {
	uint64_t kills, generation;
};

/* `entries` a power of two or 0.  -ENOMEM. */
int atc_init(struct atc *atc, const struct uiommu_model_host *host,
	     uint32_t entries);
void atc_fini(struct atc *atc, const struct uiommu_model_host *host);

struct atc_ticket atc_ticket(const struct atc *atc);
bool atc_find(const struct atc *atc, const struct atc_owner *owner, uint64_t at,
	      struct atc_entry *out);
/* `tr` for `at`, asked for after the ticket was taken. */
void atc_insert(struct atc *atc, const struct atc_owner *owner, uint64_t at,
		const struct uiommu_ats_translation *tr,
		const struct atc_ticket *ticket);

/* After these no look-up finds what they cover, nor is it put in any more. */
void atc_invalidate(struct atc *atc, const struct uiommu_ats_inval *inval);
void atc_clear(struct atc *atc);

#endif /* MODEL_SMMUV3_ATC_H */
