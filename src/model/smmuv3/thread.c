/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * thread.c - consuming commands in a thread of the model's own.
 *
 * Only with profile.threaded_commands.  One thread serves all queues, each that
 * was kicked in turn.  It is started by the first doorbell, so that a forked
 * child, in which it does not exist, gets a new one by itself.  When no thread
 * can be had, the doorbell consumes.
 */
#include "msmmu.h"

/* Under kick_lock: a queue that was kicked, from `start` on. */
static struct msmmu_cmdq *take_kicked(msmmu *m, uint32_t *start)
{
	uint32_t nr = 1 + m->nr_ecmdqs;

	for (uint32_t i = 0; i < nr; i++) {
		struct msmmu_cmdq *q = msmmu_queue(m, (*start + i) % nr);

		if (q->kicked) {
			q->kicked = false;
			*start = (*start + i + 1) % nr;
			return q;
		}
	}
	m->kicked = false;
	return NULL;
}

static void *thread_main(void *arg)
{
	msmmu *m = arg;
	struct msmmu_cmdq *q;
	uint32_t start = 0;

	pthread_mutex_lock(&m->kick_lock);
	while (!m->thread_stop) {
		if (!m->kicked) {
			pthread_cond_wait(&m->kick_cond, &m->kick_lock);
			continue;
		}
		q = take_kicked(m, &start);
		if (!q)
			continue;
		pthread_mutex_unlock(&m->kick_lock);
		msmmu_cmdq_run(m, q);
		pthread_mutex_lock(&m->kick_lock);
	}
	pthread_mutex_unlock(&m->kick_lock);
	return NULL;
}

void msmmu_thread_kick(msmmu *m, struct msmmu_cmdq *q)
{
	bool runs;

	pthread_mutex_lock(&m->kick_lock);
	if (!m->thread_runs)
		m->thread_runs =
			!pthread_create(&m->thread, NULL, thread_main, m);
	runs = m->thread_runs;
	q->kicked = runs;
	m->kicked |= runs;
	pthread_cond_signal(&m->kick_cond);
	pthread_mutex_unlock(&m->kick_lock);
	if (!runs)
		msmmu_cmdq_run(m, q);
}

void msmmu_thread_stop(msmmu *m)
{
	if (!m->thread_runs)
		return;
	pthread_mutex_lock(&m->kick_lock);
	m->thread_stop = true;
	pthread_cond_signal(&m->kick_cond);
	pthread_mutex_unlock(&m->kick_lock);
	pthread_join(m->thread, NULL);
	/* The next doorbell may start another one. */
	m->thread_runs = false;
	m->thread_stop = false;
	m->kicked = false;
	for (uint32_t i = 0; i <= m->nr_ecmdqs; i++)
		msmmu_queue(m, i)->kicked = false;
}
