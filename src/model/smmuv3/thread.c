/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * thread.c - consuming commands in a thread of the model's own.
 *
 * Only with profile.threaded_commands.  The thread is started by the first
 * doorbell, so that a forked child, in which it does not exist, gets a new one
 * by itself.  When no thread can be had, the doorbell consumes.
 */
#include "msmmu.h"

static void *thread_main(void *arg)
{
	msmmu *m = arg;

	pthread_mutex_lock(&m->kick_lock);
	while (!m->thread_stop) {
		if (!m->kicked) {
			pthread_cond_wait(&m->kick_cond, &m->kick_lock);
			continue;
		}
		m->kicked = false;
		pthread_mutex_unlock(&m->kick_lock);
		msmmu_cmdq_run(m);
		pthread_mutex_lock(&m->kick_lock);
	}
	pthread_mutex_unlock(&m->kick_lock);
	return NULL;
}

void msmmu_thread_kick(msmmu *m)
{
	bool runs;

	pthread_mutex_lock(&m->kick_lock);
	if (!m->thread_runs)
		m->thread_runs =
			!pthread_create(&m->thread, NULL, thread_main, m);
	runs = m->thread_runs;
	m->kicked = true;
	pthread_cond_signal(&m->kick_cond);
	pthread_mutex_unlock(&m->kick_lock);
	if (!runs)
		msmmu_cmdq_run(m);
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
}
