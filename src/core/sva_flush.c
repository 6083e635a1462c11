/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sva_flush.c - a thread for each domain of an address space, that tells the
 * hardware what to forget.
 *
 * A change of the address space is told in whatever thread makes it: one that
 * is starting or ending, that has little stack, that read sections do not know,
 * that holds malloc's locks.  A flush there would need all that such a thread
 * has not got, so it waits while this one does it.  This thread takes no
 * signals, has been through a flush before it is needed (what is allocated at a
 * thread's first use is there then), and calls nothing that allocates:
 *
 *	cmdq.c		positions are taken without a lock; a flush waits for
 *			who has one and has not filled it: they allocate nothing
 *			in between
 *	the model	a queue's lock, its own, an endpoint's: all storage is
 *			there since the instance was made.  CMD_SYNC waits for
 *			transactions under way, which copy and do not allocate
 *			(but for their thread's first)
 *	gather_release	hands tables to a grace period; liburcu's thread frees
 *			them, into the arena, which has spin locks only
 *
 * Neither is a line written to the log here: `lost` is told by who comes next.
 * What a signal handler changes in the middle of those is docs/limits.md's.
 */
#include <signal.h>

#include "sva_private.h"

/* No lock held. */
static int flush(struct core_sva_mm *s, struct uiommu_gather *gather)
{
	struct uiommu_domain *dom = s->dom;
	int rc;

	if (load_acquire(&dom->dead))
		return -EIO;
	rc = dom->cunit->unit->ops->flush(dom->hw, gather);
	if (rc)
		store_release(&dom->dead, 1);
	else
		uiommu_gather_release(gather);
	return rc;
}

static void *flusher(void *arg)
{
	struct core_sva_mm *s = arg;
	struct sva_flush *it;
	int rc;

	pthread_mutex_lock(&s->lock);
	for (;;) {
		it = list_first(&s->flushes, struct sva_flush, node);
		if (!it && s->stop)
			break;
		if (!it) {
			pthread_cond_wait(&s->todo, &s->lock);
			continue;
		}
		list_del(&it->node);
		pthread_mutex_unlock(&s->lock);
		rc = flush(s, &it->gather);
		pthread_mutex_lock(&s->lock);
		if (rc)
			s->lost = rc;
		it->done = true;
		pthread_cond_broadcast(&s->done);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

void sva_flush_wait(struct core_sva_mm *s, struct sva_flush *flush)
{
	int state;

	/* Waiting on a condition could end a thread that is to be cancelled. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	flush->done = false;
	list_add_tail(&s->flushes, &flush->node);
	pthread_cond_signal(&s->todo);
	while (!flush->done)
		pthread_cond_wait(&s->done, &s->lock);
	pthread_setcancelstate(state, NULL);
}

struct first_use {
	struct uiommu_defer defer;
	uint32_t over; /* atomic */
};

static void first_use_over(struct uiommu_defer *head)
{
	struct first_use *first = container_of(head, struct first_use, defer);

	store_release(&first->over, 1);
}

/* Whoever runs deferred calls is there from now on. */
static void start_deferring(const struct uiommu_platform *p)
{
	struct first_use first = { .over = 0 };

	p->defer(p->ctx, &first.defer, first_use_over);
	while (!load_acquire(&first.over))
		p->relax(p->ctx);
}

static void *flusher_entry(void *arg)
{
	struct core_sva_mm *s = arg;
	const struct uiommu_platform *p = s->dom->core->platform;

	p->read_begin(p->ctx);
	p->read_end(p->ctx);
	return flusher(s);
}

int sva_flusher_start(struct core_sva_mm *s)
{
	sigset_t all, old;
	int rc;

	start_deferring(s->dom->core->platform);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = -pthread_create(&s->flusher, NULL, flusher_entry, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc == -EAGAIN ? -ENOMEM : rc;
}

void sva_flusher_stop(struct core_sva_mm *s)
{
	uint64_t held = sva_lock(s);

	s->stop = true;
	pthread_cond_signal(&s->todo);
	sva_unlock(s, held);
	pthread_join(s->flusher, NULL);
}
