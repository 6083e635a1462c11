/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * endpoint.c - an endpoint's DMA by ATS.
 *
 * DMA is moved in pieces, each with one translation.  A piece is inside the
 * model (drain.h) from the look-up in the ATC, or the translation request, to
 * its last byte.  An invalidation first takes the translations out, and then
 * CMD_SYNC waits for everybody inside: whoever found an old translation has
 * finished, whoever comes later does not find it.  A translation that could not
 * be kept, because an invalidation overtook it, is good for the piece that
 * asked for it, and for no other.
 *
 * A piece therefore takes at most one request, whatever others do.
 */
#include <errno.h>
#include <sched.h>

#include "../mutant.h"
#include "endpoint.h"

#define DMA_FLAGS                                                  \
	(UIOMMU_TXN_WRITE | UIOMMU_TXN_SSV | UIOMMU_TXN_PRIV |     \
	 UIOMMU_TXN_INSTR | UIOMMU_TXN_ATOMIC | UIOMMU_TXN_ATTRS | \
	 UIOMMU_TXN_NO_SNOOP)

#define STU_LG2_MIN 12u
#define STU_LG2_MAX 43u

/* ------------------------------------------------------- make, unmake --- */

static bool config_ok(const struct uiommu_smmuv3_endpoint_config *c)
{
	return c->model &&
	       (!c->atc_entries ||
		(is_pow2(c->atc_entries) && c->atc_entries <= BIT32(20))) &&
	       c->page_requests <= UIOMMU_SMMUV3_ENDPOINT_MAX_GROUPS &&
	       c->stu_lg2 >= STU_LG2_MIN && c->stu_lg2 <= STU_LG2_MAX;
}

int uiommu_smmuv3_endpoint_create(
	const struct uiommu_smmuv3_endpoint_config *config,
	struct uiommu_smmuv3_endpoint **out)
{
	struct uiommu_smmuv3_endpoint *ep;
	msmmu *m = config->model;
	int rc;

	if (!config_ok(config))
		return -EINVAL;
	ep = model_alloc(&m->host, sizeof(*ep));
	if (!ep)
		return -ENOMEM;
	ep->m = m;
	ep->config = *config;
	ep->stu_lg2 = config->stu_lg2;
	rc = atc_init(&ep->atc, &m->host, config->atc_entries);
	if (rc)
		goto err_free;
	rc = ep_pri_init(ep);
	if (rc)
		goto err_atc;
	*out = ep;
	return 0;

err_atc:
	atc_fini(&ep->atc, &m->host);
err_free:
	model_free(&m->host, ep);
	return rc;
}

void uiommu_smmuv3_endpoint_destroy(struct uiommu_smmuv3_endpoint *ep)
{
	if (!ep)
		return;
	ep_pri_fini(ep);
	atc_fini(&ep->atc, &ep->m->host);
	model_free(&ep->m->host, ep);
}

/* ------------------------------------------------------------ ATS state -- */

/*
 * The word moves before the cache is emptied, and a piece takes its ticket
 * before it reads the word: what it then puts in was asked for while ATS was
 * on, or is not kept.
 */
void uiommu_smmuv3_endpoint_set_ats(struct uiommu_smmuv3_endpoint *ep,
				    bool enable)
{
	uint64_t old = load_acquire(&ep->ats), next;

	do {
		next = ((old >> 1) + 1) << 1;
	} while (!cmpxchg_acq_rel(&ep->ats, &old, next));
	if (!MUTANT("endpoint-enable-empties"))
		atc_clear(&ep->atc);
	if (enable) {
		old = next;
		/* Unless somebody else has set it meanwhile. */
		(void)cmpxchg_acq_rel(&ep->ats, &old, next | EP_ATS_USABLE);
	}
}

int uiommu_smmuv3_endpoint_set_stu(struct uiommu_smmuv3_endpoint *ep,
				   uint8_t stu_lg2)
{
	if (stu_lg2 < STU_LG2_MIN || stu_lg2 > STU_LG2_MAX)
		return -EINVAL;
	store_relaxed(&ep->stu_lg2, stu_lg2);
	return 0;
}

void uiommu_smmuv3_endpoint_reset(struct uiommu_smmuv3_endpoint *ep)
{
	uiommu_smmuv3_endpoint_set_ats(ep, false);
	store_relaxed(&ep->stu_lg2, ep->config.stu_lg2);
	uiommu_smmuv3_endpoint_reset_pri(ep);
	uiommu_smmuv3_endpoint_set_page_requests(ep, ep->config.page_requests);
}

/* Unsupported Request, to what was asked when the word was `seen`. */
static void ats_refused(struct uiommu_smmuv3_endpoint *ep, uint64_t seen)
{
	if (cmpxchg_acq_rel(&ep->ats, &seen, seen & ~(uint64_t)EP_ATS_USABLE))
		atc_clear(&ep->atc);
}

int uiommu_smmuv3_endpoint_ats_invalidate(struct uiommu_smmuv3_endpoint *ep,
					  const struct uiommu_ats_inval *inval)
{
	EP_COUNT(ep, invalidations);
	if (inval->sid == ep->config.sid && !MUTANT("endpoint-invalidate"))
		atc_invalidate(&ep->atc, inval);
	return 0;
}

/* --------------------------------------------------------------- pieces -- */

struct ep_want ep_want(const struct uiommu_smmuv3_dma *req)
{
	uint32_t flags = req->txn.flags;
	bool ssv = flags & UIOMMU_TXN_SSV;
	bool write = flags & (UIOMMU_TXN_WRITE | UIOMMU_TXN_ATOMIC);
	bool fetch = ssv && !write && (flags & UIOMMU_TXN_INSTR);

	return (struct ep_want){
		.owner = {
			.ssv = ssv,
			.pasid = ssv ? req->txn.ssid : 0,
			.priv = ssv && (flags & UIOMMU_TXN_PRIV),
		},
		.write = write,
		.read = !(flags & UIOMMU_TXN_WRITE) ||
			(flags & UIOMMU_TXN_ATOMIC),
		.exec = fetch,
	};
}

/* One piece on its way. */
struct piece {
	struct msmmu_txn t;
	struct uiommu_smmuv3_txn in; /* what t.in points to */
	uint64_t at;
	/* the model has something to tell when it has been left */
	bool failed, recorded;
};

static bool grants(const struct atc_entry *e, const struct ep_want *want)
{
	return (e->read || !want->read) && (e->write || !want->write) &&
	       (e->exec || !want->exec);
}

/* Ask the SMMU.  0, -EAGAIN: not these rights, -EOPNOTSUPP, -EFAULT. */
static int request(struct uiommu_smmuv3_endpoint *ep, struct piece *p,
		   const struct ep_want *want, const struct atc_ticket *ticket,
		   struct atc_entry *out)
{
	uint8_t stu_lg2 = load_relaxed(&ep->stu_lg2);
	struct uiommu_ats_translation tr;
	struct uiommu_smmuv3_txn txn = {
		.sid = ep->config.sid,
		.ssid = want->owner.pasid,
		.iova = align_down_lg2(p->at, stu_lg2),
		.flags = (want->owner.ssv ? UIOMMU_TXN_SSV : 0) |
			 (want->owner.priv ? UIOMMU_TXN_PRIV : 0) |
			 (want->exec ? UIOMMU_TXN_INSTR : 0) |
			 (want->write ? 0 : UIOMMU_ATS_NO_WRITE),
	};
	int rc;

	EP_COUNT(ep, atc_misses);
	p->in = msmmu_ats_txn(&txn);
	p->t.ats_nw = !want->write && !MUTANT("endpoint-no-write");
	rc = msmmu_ats_request(&p->t, &tr, &p->recorded);
	if (rc) {
		p->failed = true;
		return rc == -EOPNOTSUPP ? rc : -EFAULT;
	}
	if (!tr.read && !tr.write)
		return -EAGAIN;
	if (tr.size_lg2 < stu_lg2)
		return -EFAULT;
	atc_insert(&ep->atc, &want->owner, p->at, &tr, ticket);
	*out = (struct atc_entry){
		.addr = tr.addr,
		.size_lg2 = tr.size_lg2,
		.read = tr.read,
		.write = tr.write,
		.exec = tr.exec,
	};
	return grants(out, want) ? 0 : -EAGAIN;
}

/* Move bytes up to the end of the translation. */
static int access(struct uiommu_smmuv3_endpoint *ep, struct piece *p,
		  struct uiommu_smmuv3_dma *req, const struct atc_entry *e)
{
	bool write = req->txn.flags & UIOMMU_TXN_WRITE;
	uint64_t offset = p->at & mask_lg2(e->size_lg2);
	uint64_t room = mask_lg2(e->size_lg2) - offset, more;
	size_t len = req->len - req->done_len;
	struct uiommu_smmuv3_xlate x;

	p->in = req->txn;
	p->in.sid = ep->config.sid;
	p->in.flags |= UIOMMU_TXN_TRANSLATED | UIOMMU_TXN_NO_STALL;
	p->in.iova = e->addr + offset;
	p->t.ats = false;
	if (msmmu_translate(&p->t, &x)) {
		p->failed = true;
		p->recorded = msmmu_abort(&p->t);
		return -EFAULT;
	}
	more = mask_lg2(x.size_lg2) - (p->in.iova & mask_lg2(x.size_lg2));
	room = min_u64(room, more);
	if (len - 1 > room)
		len = room + 1;
	if (unlikely(req->atomic)
		    ? msmmu_atomic(ep->m, &x, req)
		    : msmmu_move(ep->m, p->in.sid, &x,
				 (uint8_t *)req->buf + req->done_len, len,
				 write)) {
		msmmu_memory_abort(&p->t, x.pa);
		p->failed = true;
		p->recorded = msmmu_abort(&p->t);
		return -EFAULT;
	}
	model_count(p->t.slot,
		    write ? MSMMU_DMA_WRITE_BYTES : MSMMU_DMA_READ_BYTES, len);
	req->done_len += len;
	return 0;
}

static int inside(struct uiommu_smmuv3_endpoint *ep, struct piece *p,
		  struct uiommu_smmuv3_dma *req, uint64_t *ats)
{
	struct ep_want want = ep_want(req);
	struct atc_ticket ticket = atc_ticket(&ep->atc);
	struct atc_entry e;
	int rc;

	*ats = load_acquire(&ep->ats);
	if (!(*ats & EP_ATS_USABLE))
		return -EOPNOTSUPP;
	if (atc_find(&ep->atc, &want.owner, p->at, &e) && grants(&e, &want)) {
		EP_COUNT(ep, atc_hits);
	} else {
		rc = request(ep, p, &want, &ticket, &e);
		if (rc)
			return rc;
	}
	if (MUTANT("endpoint-inside")) {
		model_leave(&ep->m->drain, p->t.slot);
		sched_yield();
		p->t.slot = model_enter(&ep->m->drain);
	}
	return access(ep, p, req, &e);
}

/* 0, -EAGAIN: no right, -EOPNOTSUPP: not by ATS, -EFAULT. */
static int move_piece(struct uiommu_smmuv3_endpoint *ep,
		      struct uiommu_smmuv3_dma *req)
{
	struct piece p = {
		.t = { .m = ep->m },
		.at = req->txn.iova + req->done_len,
	};
	uint64_t ats;
	int rc;

	p.t.in = &p.in;
	p.t.slot = model_enter(&ep->m->drain);
	rc = inside(ep, &p, req, &ats);
	model_leave(&ep->m->drain, p.t.slot);
	if (unlikely(p.failed))
		msmmu_after_abort(&p.t, p.recorded);
	msmmu_stall_catch_up(ep->m);
	if (unlikely(load_relaxed(&ep->m->nr_retired) > MSMMU_RECLAIM))
		msmmu_reclaim(ep->m, p.t.slot);
	if (unlikely(rc == -EOPNOTSUPP && (ats & EP_ATS_USABLE)))
		ats_refused(ep, ats);
	return rc;
}

/* All the rest, as a device without ATS would. */
static int move_untranslated(struct uiommu_smmuv3_endpoint *ep,
			     struct uiommu_smmuv3_dma *req)
{
	struct uiommu_smmuv3_dma rest = {
		.txn = req->txn,
		.buf = (uint8_t *)req->buf + req->done_len,
		.len = req->len - req->done_len,
		.atomic = req->atomic,
		.compare = req->compare,
	};
	int rc;

	EP_COUNT(ep, untranslated);
	rest.txn.sid = ep->config.sid;
	rest.txn.iova += req->done_len;
	rest.txn.flags |= UIOMMU_TXN_NO_STALL;
	rc = uiommu_smmuv3_model_dma(ep->m, &rest);
	req->done_len += rest.done_len;
	return rc;
}

int ep_go_on(struct uiommu_smmuv3_endpoint *ep, struct uiommu_smmuv3_dma *req)
{
	int rc;

	while (req->done_len < req->len) {
		rc = move_piece(ep, req);
		if (!rc) {
			req->opaque[EP_ATTEMPTS] = NULL;
			continue;
		}
		if (rc == -EOPNOTSUPP)
			return move_untranslated(ep, req);
		if (rc == -EAGAIN)
			rc = ep_ask_for_page(ep, req);
		if (rc)
			return rc;
	}
	return 0;
}

int uiommu_smmuv3_endpoint_dma(struct uiommu_smmuv3_endpoint *ep,
			       struct uiommu_smmuv3_dma *req)
{
	req->done_len = 0;
	if (!req->len || (req->txn.flags & ~DMA_FLAGS) ||
	    (req->atomic && !msmmu_atomic_valid(req)) ||
	    ((req->txn.flags & UIOMMU_TXN_SSV) && !ep->config.pasid))
		return -EINVAL;
	req->opaque[EP_ATTEMPTS] = NULL;
	return ep_go_on(ep, req);
}

void uiommu_smmuv3_endpoint_stats(struct uiommu_smmuv3_endpoint *ep,
				  struct uiommu_smmuv3_endpoint_stats *stats)
{
	*stats = (struct uiommu_smmuv3_endpoint_stats){
		.atc_hits = load_relaxed(&ep->stats.atc_hits),
		.atc_misses = load_relaxed(&ep->stats.atc_misses),
		.invalidations = load_relaxed(&ep->stats.invalidations),
		.page_requests = load_relaxed(&ep->stats.page_requests),
		.page_responses = load_relaxed(&ep->stats.page_responses),
		.untranslated = load_relaxed(&ep->stats.untranslated),
	};
}
