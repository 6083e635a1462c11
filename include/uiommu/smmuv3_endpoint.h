/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * smmuv3_endpoint.h - a PCIe endpoint behind an SMMUv3 model, with an address
 * translation cache (ATS) and page requests (PRI), so that emulated devices
 * need not have their own.
 *
 * The embedder creates one for each function that has ATS, hands the host
 * callbacks ats_invalidate() and pri_response() with its StreamID on to it, and
 * lets the device do its DMA through it.
 *
 * Thread safety: every function may be called from any thread at any time,
 * except create and destroy, which want the endpoint to themselves.  None of
 * them may be called from a memory callback of the model.  An access with a
 * cached translation takes no lock.
 *
 * When the CMD_SYNC after a CMD_ATC_INV has completed, no access with a
 * translation that the invalidation covers can still happen.
 */
#ifndef UIOMMU_SMMUV3_ENDPOINT_H
#define UIOMMU_SMMUV3_ENDPOINT_H

#include <uiommu/smmuv3_model.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uiommu_smmuv3_endpoint;

/* As many page request groups as an index of PRI can tell apart. */
#define UIOMMU_SMMUV3_ENDPOINT_MAX_GROUPS 512u

struct uiommu_smmuv3_endpoint_config {
	struct uiommu_smmuv3_model *model; /* outlives the endpoint */
	uint32_t sid;
	/* Translations to keep: a power of two up to 2^20, 0 = none. */
	uint32_t atc_entries;
	/* Page request groups under way at a time, 0 = PRI is not there. */
	uint32_t page_requests;
	/*
	 * Smallest Translation Unit: log2 of bytes, 12 to 43.  Translations are
	 * asked for by it; an answer for less is an error, so it must not be
	 * above the smallest granule that software uses.
	 */
	uint8_t stu_lg2;
	bool pasid; /* DMA may have a PASID (UIOMMU_TXN_SSV) */
	/*
	 * The answer to uiommu_smmuv3_endpoint_page_request().  Outside all
	 * locks; may use the endpoint.  May be NULL.
	 */
	void (*page_response)(void *ctx, void *cookie,
			      enum uiommu_pri_code code);
	void *ctx;
};

/*
 * ATS and PRI are off at first.  -EINVAL: a number is out of its range;
 * -ENOMEM.  All memory is taken here, by the model host's alloc().
 */
int uiommu_smmuv3_endpoint_create(
	const struct uiommu_smmuv3_endpoint_config *config,
	struct uiommu_smmuv3_endpoint **out);
/* As reset() first.  NULL is nothing. */
void uiommu_smmuv3_endpoint_destroy(struct uiommu_smmuv3_endpoint *ep);

/*
 * The Enable bits of the ATS and PRI capabilities.
 *
 * Each call of set_ats() empties the cache.  While ATS is off DMA is
 * untranslated; it is too after a translation request was answered with
 * Unsupported Request, until set_ats() enables it again.
 *
 * set_pri(false) sends nothing any more.  DMA that waits for its turn to send
 * ends with -EFAULT; DMA that waits for an answer goes on waiting for it.
 */
void uiommu_smmuv3_endpoint_set_ats(struct uiommu_smmuv3_endpoint *ep,
				    bool enable);
void uiommu_smmuv3_endpoint_set_pri(struct uiommu_smmuv3_endpoint *ep,
				    bool enable);

/*
 * The STU field of the ATS capability, which must be off: log2 of bytes as in
 * the configuration.  -EINVAL: out of its range.
 */
int uiommu_smmuv3_endpoint_set_stu(struct uiommu_smmuv3_endpoint *ep,
				   uint8_t stu_lg2);
/*
 * Outstanding Page Request Allocation: how many groups may be under way from
 * now on, at most as many as it was created with, which is what it begins with.
 * At 0 PRI acts as off.  PRI must be off.
 */
void uiommu_smmuv3_endpoint_set_page_requests(struct uiommu_smmuv3_endpoint *ep,
					      uint32_t n);
/* Page request groups that have not been answered. */
uint32_t uiommu_smmuv3_endpoint_unanswered(struct uiommu_smmuv3_endpoint *ep);
/*
 * The Reset bit of the PRI capability: PRI is off, DMA that waits ends with
 * -EFAULT, page_response() is called with Failure for groups that were sent by
 * page_request(), and an answer to a group of before is for nobody.
 */
void uiommu_smmuv3_endpoint_reset_pri(struct uiommu_smmuv3_endpoint *ep);
/*
 * Function level reset: that, and ATS is off; translation unit and page requests
 * are as it was created.
 */
void uiommu_smmuv3_endpoint_reset(struct uiommu_smmuv3_endpoint *ep);

/*
 * The device's DMA, as uiommu_smmuv3_model_dma(); txn.sid does not count.
 *   0		all bytes moved
 *   -EFAULT	an access was aborted or there is no right to it, and paging
 *		did not help; req->done_len bytes were moved
 *   -EINPROGRESS  waits for a page; req->done() will be called, in the thread
 *		that brought the answer.  Only with PRI on, and with done()
 *   -EINVAL	as there, a PASID where the endpoint has none, or flags other
 *		than WRITE, SSV, PRIV, INSTR, ATOMIC, ATTRS and NO_SNOOP
 *
 * A page that is asked for and granted several times without an access being
 * possible is given up on (-EFAULT).
 */
int uiommu_smmuv3_endpoint_dma(struct uiommu_smmuv3_endpoint *ep,
			       struct uiommu_smmuv3_dma *req);

/*
 * Send `n` pages as one page request group; of each page count addr, ssv, ssid,
 * read, write, exec, priv.  The answer comes by page_response() with `cookie`,
 * perhaps before this returns.  0; -EOPNOTSUPP: PRI is off; -EBUSY: as many
 * groups as may be are under way; -EINVAL: no pages, or a PASID where the
 * endpoint has none.
 */
int uiommu_smmuv3_endpoint_page_request(struct uiommu_smmuv3_endpoint *ep,
					const struct uiommu_pri_request *pages,
					unsigned int n, void *cookie);
/* Stop Marker: no page requests of this PASID come after it. */
int uiommu_smmuv3_endpoint_stop_marker(struct uiommu_smmuv3_endpoint *ep,
				       uint32_t pasid);

/* For the host callback of the same name; never -EINPROGRESS. */
int uiommu_smmuv3_endpoint_ats_invalidate(struct uiommu_smmuv3_endpoint *ep,
					  const struct uiommu_ats_inval *inval);
/*
 * Does a group wait for this answer, for an endpoint that wants PASIDs in
 * responses: with that of the group if it was asked with one, else without?
 * Failure may come without.
 */
bool uiommu_smmuv3_endpoint_expects(struct uiommu_smmuv3_endpoint *ep,
				    const struct uiommu_pri_response *resp);
/* For the host callback of the same name.  DMA that waited goes on in here. */
void uiommu_smmuv3_endpoint_pri_response(struct uiommu_smmuv3_endpoint *ep,
					 const struct uiommu_pri_response *resp);

/* Since creation; monotonic, not a snapshot. */
struct uiommu_smmuv3_endpoint_stats {
	uint64_t atc_hits;
	uint64_t atc_misses;	/* = translation requests */
	uint64_t invalidations; /* ATS Invalidate Requests */
	uint64_t page_requests; /* pages asked for, without Stop Markers */
	uint64_t page_responses;
	uint64_t untranslated; /* pieces of DMA that went without ATS */
};

void uiommu_smmuv3_endpoint_stats(struct uiommu_smmuv3_endpoint *ep,
				  struct uiommu_smmuv3_endpoint_stats *stats);

#ifdef __cplusplus
}
#endif

#endif /* UIOMMU_SMMUV3_ENDPOINT_H */
