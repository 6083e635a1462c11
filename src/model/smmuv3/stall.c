/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stall.c - transactions that wait for software (IHI 0070 3.12.2).
 *
 * A stalled request is in one of three lists, linked through req->opaque, so
 * that any number can be:
 *   recorded  has an event record and a STAG; CMD_RESUME, CMD_STALL_TERM or
 *	       CR0.SMMUEN = 0 takes it out
 *   waiting   no STAG was free or the event queue could not be written; in the
 *	       order of their tickets.  Each is translated anew, and recorded if
 *	       it still faults, when its turn comes
 *   ready     it is decided how the request goes on, and a thread is to do it
 * or it is in the hands of one thread, which is inside from before it takes the
 * request out of its list.  So after a drain each is in a list or over.
 *
 * Nobody sleeps here: what makes room for a waiting request, or makes one
 * ready, calls stall_run() afterwards, outside all locks.  Whoever finds room
 * but puts a request behind others that wait relies on that call.  stall_run()
 * calls done(), which may come back in with further commands; those leave their
 * work to the call that is under way in the same thread, so that the stack does
 * not grow with the number of requests.  A thread that is inside (a command
 * written by a memory callback) leaves it for when it leaves.
 */
#include <errno.h>

#include "msmmu.h"
#include "../mutant.h"
#include "tell.h"

enum verdict {
	RETRY,
	ABORT,
	RAZ_WI,
};

/* Lies in req->opaque; m->lock, or the thread that has the request. */
struct stalled {
	struct list node;
	uint64_t ticket; /* place among the waiting ones */
	uint32_t sid;
	uint16_t stag;
	uint8_t verdict;
} __attribute__((may_alias));

#define NO_TICKET (~UINT64_C(0))

_Static_assert(sizeof(struct stalled) <=
		       sizeof(((struct uiommu_smmuv3_dma *)NULL)->opaque),
	       "a stalled request brings its memory along");

/* A thread in stall_run(); on its stack. */
struct msmmu_runner {
	pthread_t self;
	struct msmmu_runner *next;
};

static struct stalled *stalled_of(struct uiommu_smmuv3_dma *req)
{
	return (struct stalled *)(void *)req->opaque;
}

static struct uiommu_smmuv3_dma *request_of(struct stalled *st)
{
	return container_of((void *)st, struct uiommu_smmuv3_dma, opaque);
}

/* ---------------------------------------------------- under m->lock ----- */

static uint16_t tag_next_free(const struct msmmu_stall *s)
{
	return s->free_stag[s->first_free];
}

static void tag_take(struct msmmu_stall *s, struct uiommu_smmuv3_dma *req)
{
	s->by_stag[tag_next_free(s)] = req;
	s->first_free = (s->first_free + 1) % s->nr_stags;
	s->nr_free--;
}

static void tag_release(struct msmmu_stall *s, uint16_t stag)
{
	s->by_stag[stag] = NULL;
	s->free_stag[(s->first_free + s->nr_free) % s->nr_stags] = stag;
	s->nr_free++;
}

static void set_waiting(struct msmmu_stall *s, int change)
{
	store_relaxed(&s->nr_waiting, s->nr_waiting + (uint32_t)change);
}

static struct stalled *first_waiting(struct msmmu_stall *s)
{
	return list_first(&s->waiting, struct stalled, node);
}

/* May the request with this ticket be recorded now? */
static bool has_turn(msmmu *m, uint64_t ticket)
{
	struct stalled *first = first_waiting(&m->stall);

	return m->stall.nr_free && (!first || ticket < first->ticket) &&
	       msmmu_event_room(m);
}

static void wait_in_line(struct msmmu_stall *s, struct stalled *st)
{
	struct stalled *first = first_waiting(s);
	struct list *pos = s->waiting.prev;

	if (st->ticket == NO_TICKET)
		st->ticket = s->next_ticket++;
	/*
	 * Back to its place: the front after a turn in vain, the end when all
	 * have looked again, as they do one after the other.
	 */
	if (first && st->ticket < first->ticket)
		pos = &s->waiting;
	while (pos != &s->waiting &&
	       list_entry(pos, struct stalled, node)->ticket > st->ticket)
		pos = pos->prev;
	list_add(pos, &st->node);
	set_waiting(s, 1);
}

static void stop_waiting(struct msmmu_stall *s, struct stalled *st,
			 enum verdict verdict)
{
	list_del(&st->node);
	set_waiting(s, -1);
	st->verdict = verdict;
}

static void stop_waiting_all(struct msmmu_stall *s, enum verdict verdict)
{
	struct stalled *st;

	while ((st = first_waiting(s))) {
		stop_waiting(s, st, verdict);
		list_add_tail(&s->ready, &st->node);
	}
}

static void decide(struct msmmu_stall *s, struct stalled *st,
		   enum verdict verdict)
{
	tag_release(s, st->stag);
	st->verdict = verdict;
	/* If it stalls again, it is behind those that wait. */
	st->ticket = NO_TICKET;
	list_del(&st->node);
	list_add_tail(&s->ready, &st->node);
}

/* What a thread may do now, or NULL. */
static struct stalled *take_work(msmmu *m)
{
	struct msmmu_stall *s = &m->stall;
	struct stalled *st = list_first(&s->ready, struct stalled, node);

	if (st) {
		list_del(&st->node);
		return st;
	}
	st = first_waiting(s);
	if (!st || !s->nr_free || !msmmu_event_room(m))
		return NULL;
	stop_waiting(s, st, RETRY);
	return st;
}

/* ------------------------------------------------------------ stalling -- */

bool msmmu_stall_park(struct msmmu_txn *t, struct uiommu_smmuv3_dma *req)
{
	struct stalled *st = stalled_of(req);
	msmmu *m = t->m;
	struct msmmu_stall *s = &m->stall;
	bool recorded = false;

	if (!t->was_stalled) {
		st->ticket = NO_TICKET;
		st->sid = t->in->sid;
	}
	pthread_mutex_lock(&m->lock);
	s->stalls += !t->was_stalled;
	if (has_turn(m, st->ticket)) {
		t->fault.stag = st->stag = tag_next_free(s);
		recorded = msmmu_event_locked(t);
	}
	if (recorded) {
		tag_take(s, req);
		list_add_tail(&s->recorded, &st->node);
	} else {
		wait_in_line(s, st);
	}
	pthread_mutex_unlock(&m->lock);
	return recorded;
}

/* ------------------------------------------------------------ going on -- */

/* Inside, with a request that is in no list; returns outside. */
static void go_on(msmmu *m, struct model_slot *slot, struct stalled *st)
{
	struct uiommu_smmuv3_dma *req = request_of(st);
	bool was_stalled = st->verdict == RETRY;
	int rc = 0;

	if (st->verdict == ABORT) {
		model_count(slot, MSMMU_ABORTS, 1);
		rc = -EFAULT;
	} else if (st->verdict == RAZ_WI) {
		msmmu_dma_skip(req);
	}
	if (rc || req->done_len == req->len) {
		model_leave(&m->drain, slot);
		if (unlikely(m->trace))
			msmmu_trace_dma(m, &req->txn, req->len, req->done_len,
					UIOMMU_PA_INVALID, rc);
	} else {
		rc = msmmu_dma_go(m, slot, req, was_stalled);
	}
	if (rc != -EINPROGRESS)
		req->done(req, rc);
}

static bool is_running(const struct msmmu_stall *s)
{
	for (const struct msmmu_runner *it = s->runners; it; it = it->next) {
		if (pthread_equal(it->self, pthread_self()))
			return true;
	}
	return false;
}

static void forget_runner(struct msmmu_stall *s, struct msmmu_runner *me)
{
	for (struct msmmu_runner **at = &s->runners; *at; at = &(*at)->next) {
		if (*at == me) {
			*at = me->next;
			return;
		}
	}
}

/* Is the calling thread to do the work now?  Else another call will. */
static bool begin_running(msmmu *m, struct msmmu_runner *me)
{
	const struct model_slot *slot = model_slot_get(&m->drain);
	bool inside = slot != &m->drain.shared &&
		      model_is_inside(&m->drain, slot);
	bool begin;

	pthread_mutex_lock(&m->lock);
	begin = !inside && !is_running(&m->stall);
	store_relaxed(&m->stall.due, inside);
	if (begin) {
		me->next = m->stall.runners;
		m->stall.runners = me;
	}
	pthread_mutex_unlock(&m->lock);
	return begin;
}

void msmmu_stall_run(msmmu *m)
{
	struct msmmu_runner me = { .self = pthread_self() };
	struct model_slot *slot;
	struct stalled *st;

	if (!begin_running(m, &me))
		return;
	do {
		slot = model_enter(&m->drain);
		pthread_mutex_lock(&m->lock);
		st = take_work(m);
		if (!st)
			forget_runner(&m->stall, &me);
		pthread_mutex_unlock(&m->lock);
		if (st)
			go_on(m, slot, st);
		else
			model_leave(&m->drain, slot);
	} while (st);
}

bool msmmu_stall_none(const msmmu *m)
{
	const struct msmmu_stall *s = &m->stall;

	return list_empty(&s->recorded) && list_empty(&s->waiting) &&
	       list_empty(&s->ready) && !s->runners;
}

void msmmu_stall_each(msmmu *m,
		      void (*fn)(void *ctx, const struct uiommu_smmuv3_dma *req,
				 const uint16_t *stag),
		      void *ctx)
{
	struct stalled *st;

	list_for_each(st, &m->stall.recorded, node)
		fn(ctx, request_of(st), &st->stag);
	list_for_each(st, &m->stall.waiting, node)
		fn(ctx, request_of(st), NULL);
}

/* ------------------------------------------------------------ commands -- */

static void run_after(msmmu *m, const struct msmmu_work *work)
{
	msmmu_stall_run(m);
}

static enum verdict resume_verdict(const msmmu *m, uint64_t word)
{
	if ((word & SMMU_CMD_RESUME_0_AC) && !MUTANT("resume-retry"))
		return RETRY;
	if (((word & SMMU_CMD_RESUME_0_AB) && !MUTANT("resume-abort")) ||
	    (m->caps.term_only && !MUTANT("resume-term-model")))
		return ABORT;
	return RAZ_WI;
}

/* The recorded request that StreamID and STAG name, or NULL. */
static struct stalled *find_recorded(struct msmmu_stall *s, uint32_t sid,
				     uint64_t stag)
{
	struct stalled *st;

	if (MUTANT("resume-stag-match"))
		st = list_first(&s->recorded, struct stalled, node);
	else if (stag < s->nr_stags && s->by_stag[stag])
		st = stalled_of(s->by_stag[stag]);
	else
		st = NULL;
	return st && (st->sid == sid || MUTANT("resume-sid-match")) ? st : NULL;
}

bool msmmu_resume_cmd(msmmu *m, const struct smmu_cmd *cmd,
		      struct msmmu_work *work)
{
	struct stalled *st;

	if (m->caps.stall_model == SMMU_IDR0_STALL_MODEL_TERM ||
	    (cmd->q[0] & SMMU_CMD_0_SSEC))
		return false;
	pthread_mutex_lock(&m->lock);
	st = find_recorded(&m->stall,
			   (uint32_t)FIELD_GET(SMMU_CMD_0_SID, cmd->q[0]),
			   FIELD_GET(SMMU_CMD_RESUME_1_STAG, cmd->q[1]));
	if (st) {
		decide(&m->stall, st, resume_verdict(m, cmd->q[0]));
		m->stall.resumed++;
		work->fn = run_after;
	}
	pthread_mutex_unlock(&m->lock);
	return true;
}

static void terminate(struct msmmu_stall *s, uint32_t sid, bool all)
{
	struct list *at, *next;
	struct stalled *st;

	for (at = s->recorded.next; at != &s->recorded; at = next) {
		next = at->next;
		st = list_entry(at, struct stalled, node);
		if (all || st->sid == sid)
			decide(s, st, ABORT);
	}
	for (at = s->waiting.next; at != &s->waiting; at = next) {
		next = at->next;
		st = list_entry(at, struct stalled, node);
		if (!all && st->sid != sid)
			continue;
		stop_waiting(s, st, ABORT);
		list_add_tail(&s->ready, &st->node);
	}
	/* Not those that software has answered already, unless all must go. */
	list_for_each(st, &s->ready, node) {
		if (all || (st->sid == sid && st->verdict == RETRY))
			st->verdict = ABORT;
	}
}

bool msmmu_stall_term_cmd(msmmu *m, const struct smmu_cmd *cmd,
			  struct msmmu_work *work)
{
	uint32_t sid = (uint32_t)FIELD_GET(SMMU_CMD_0_SID, cmd->q[0]);

	if (m->caps.stall_model == SMMU_IDR0_STALL_MODEL_TERM ||
	    (cmd->q[0] & SMMU_CMD_0_SSEC))
		return false;
	if (MUTANT("stall-term"))
		return true;
	pthread_mutex_lock(&m->lock);
	terminate(&m->stall, sid, false);
	pthread_mutex_unlock(&m->lock);
	work->fn = run_after;
	return true;
}

/* -------------------------------------------------------------- events -- */

void msmmu_stall_after_sync(msmmu *m)
{
	/* Those that waited before the SYNC's drain are seen without the lock. */
	if (!load_relaxed(&m->stall.nr_waiting) || MUTANT("stall-sync-retry"))
		return;
	pthread_mutex_lock(&m->lock);
	stop_waiting_all(&m->stall, RETRY);
	pthread_mutex_unlock(&m->lock);
	msmmu_stall_run(m);
}

void msmmu_stall_pump(msmmu *m)
{
	/*
	 * The caller has held the lock to change a register: who waits without
	 * having seen the change is seen here.
	 */
	if (load_relaxed(&m->stall.nr_waiting) && !MUTANT("stall-pump"))
		msmmu_stall_run(m);
}

void msmmu_stall_abort_all(msmmu *m)
{
	if (MUTANT("stall-smmuen"))
		return;
	pthread_mutex_lock(&m->lock);
	terminate(&m->stall, 0, true);
	pthread_mutex_unlock(&m->lock);
	msmmu_stall_run(m);
}

/* ------------------------------------------------------------ instance -- */

int msmmu_stall_init(msmmu *m)
{
	struct msmmu_stall *s = &m->stall;
	uint32_t n = m->caps.stall_max;

	list_init(&s->recorded);
	list_init(&s->waiting);
	list_init(&s->ready);
	if (!n)
		return 0;
	s->by_stag = model_alloc(&m->host, n * sizeof(*s->by_stag));
	s->free_stag = model_alloc(&m->host, n * sizeof(*s->free_stag));
	if (!s->by_stag || !s->free_stag)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		s->free_stag[i] = (uint16_t)i;
	s->nr_stags = s->nr_free = n;
	return 0;
}

void msmmu_stall_fini(msmmu *m)
{
	model_free(&m->host, m->stall.by_stag);
	model_free(&m->host, m->stall.free_stag);
}

void msmmu_stall_forked(msmmu *m)
{
	m->stall.runners = NULL;
	m->stall.due = 0;
}
