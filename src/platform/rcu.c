/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rcu.c - read sections and deferred calls by liburcu, flavour "memb".
 *
 * liburcu's state is one per process, so this file is the one place with
 * file-scope data that changes: the list of threads that we registered.  A
 * thread is registered at its first read section and unregistered by a
 * pthread key's destructor.
 *
 * Fork: the child has one thread, but liburcu's registry still names those of
 * the parent, whose memory new threads will reuse.  Registration happens under
 * our own lock, which is held across the fork, and the child takes the dead
 * threads out.  liburcu's callback thread pauses around the fork and then
 * starts anew in the child.  That thread takes no signals: they are the
 * program's, which may wait for them in a thread of its own.
 *
 * ThreadSanitizer sees neither liburcu's barriers nor its queues.  Its view is
 * stated here and nowhere else: what a section did is ordered before a
 * callback that runs after the section's end, the call of defer before its
 * callback, and a callback before the end of a barrier.
 *
 * Licence: urcu's static headers are included (_LGPL_SOURCE), which asks for
 * source that is compatible with the LGPL; BSD-2-Clause is.  The functions
 * taken from there are inlines of under ten lines, which their header declares
 * usable from any code.
 */
#define _LGPL_SOURCE
#include <signal.h>
#include <urcu/urcu-memb.h>

#include "base/list.h"
#include "platform_private.h"

#if defined(__SANITIZE_THREAD__)
void __tsan_acquire(void *addr);
void __tsan_release(void *addr);
#define tsan_acquire(p) __tsan_acquire(p)
#define tsan_release(p) __tsan_release(p)
/*
 * What liburcu allocates here and frees there is in order by its own queues;
 * a program may state suppressions of its own in place of this one.
 */
const char *__tsan_default_suppressions(void);
__attribute__((weak)) const char *__tsan_default_suppressions(void)
{
	return "called_from_lib:liburcu-memb.so\n";
}
/* The library's own copies of the inlines are not instrumented. */
void plain_read_lock(void) __asm__("urcu_memb_read_lock");
void plain_read_unlock(void) __asm__("urcu_memb_read_unlock");
#else
#define tsan_acquire(p) ((void)(p))
#define tsan_release(p) ((void)(p))
#define plain_read_lock() urcu_memb_read_lock()
#define plain_read_unlock() urcu_memb_read_unlock()
#endif

struct member {
	struct list node;
	struct urcu_reader *reader;
};

/* How struct uiommu_defer is used. */
struct deferred {
	struct rcu_head head;
	void (*fn)(struct uiommu_defer *head);
	struct uiommu_host *host;
};

_Static_assert(sizeof(struct deferred) <= sizeof(struct uiommu_defer),
	       "a deferred call fits the caller's storage");

static __thread struct member self;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
/* Protects `members` and liburcu's registry; outermost of the platform. */
static pthread_mutex_t members_lock = PTHREAD_MUTEX_INITIALIZER;
static struct list members = { &members, &members };

static void thread_exit(void *arg)
{
	struct member *me = arg;

	pthread_mutex_lock(&members_lock);
	list_del(&me->node);
	urcu_memb_unregister_thread();
	pthread_mutex_unlock(&members_lock);
}

static void make_key(void)
{
	/* There are 1024 keys, and without ours nothing below can be right. */
	if (pthread_key_create(&key, thread_exit))
		UIOMMU_ASSERT(!"no pthread key left");
}

static __attribute__((noinline, cold)) void join(void)
{
	pthread_once(&once, make_key);
	self.reader = &URCU_TLS(urcu_memb_reader);
	pthread_mutex_lock(&members_lock);
	urcu_memb_register_thread();
	list_add_tail(&members, &self.node);
	pthread_mutex_unlock(&members_lock);
	/*
	 * Can fail only for want of memory; the thread then stays registered
	 * beyond its end, so it must not be allowed to go on.
	 */
	if (pthread_setspecific(key, &self))
		UIOMMU_ASSERT(!"no memory for a thread's key");
}

static pthread_once_t worker_once = PTHREAD_ONCE_INIT;

/* A thread inherits the signal mask of its maker. */
static void make_worker(void)
{
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	(void)urcu_memb_get_default_call_rcu_data();
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void host_rcu_read_begin(void *host)
{
	if (__builtin_expect(!URCU_TLS(urcu_memb_reader).registered, 0))
		join();
	plain_read_lock();
}

void host_rcu_read_end(void *host)
{
	tsan_release(&((struct uiommu_host *)host)->rcu_sync);
	plain_read_unlock();
}

static void run_deferred(struct rcu_head *head)
{
	struct deferred *call = container_of(head, struct deferred, head);
	struct uiommu_host *host;

	tsan_acquire(call);
	host = call->host;
	tsan_acquire(&host->rcu_sync);
	call->fn((struct uiommu_defer *)call);
	/* The call is gone; what it did is seen by whoever waited for it. */
	tsan_release(&host->rcu_sync);
	fetch_sub_acq_rel(&host->deferred, 1);
}

void host_rcu_defer(void *host, struct uiommu_defer *head,
		    void (*fn)(struct uiommu_defer *head))
{
	struct deferred *call = (struct deferred *)head;

	call->fn = fn;
	call->host = host;
	fetch_add_relaxed(&call->host->deferred, 1);
	/* liburcu wants the caller registered: it enters a section itself. */
	if (!URCU_TLS(urcu_memb_reader).registered)
		join();
	pthread_once(&worker_once, make_worker);
	tsan_release(call);
	urcu_memb_call_rcu(&call->head, run_deferred);
}

void host_rcu_wait_deferred(struct uiommu_host *host)
{
	if (!URCU_TLS(urcu_memb_reader).registered)
		join();
	/* A call may defer another, which liburcu does not wait for. */
	do
		urcu_memb_barrier();
	while (load_acquire(&host->deferred));
	tsan_acquire(&host->rcu_sync);
}

void host_rcu_before_fork(void)
{
	urcu_memb_call_rcu_before_fork();
	pthread_mutex_lock(&members_lock);
}

void host_rcu_after_fork_parent(void)
{
	pthread_mutex_unlock(&members_lock);
	urcu_memb_call_rcu_after_fork_parent();
}

void host_rcu_after_fork_child(void)
{
	struct member *it, *tmp;
	sigset_t all, old;

	list_for_each_safe(it, tmp, &members, node) {
		if (it == &self)
			continue;
		cds_list_del(&it->reader->node);
		list_del(&it->node);
	}
	pthread_mutex_unlock(&members_lock);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	urcu_memb_call_rcu_after_fork_child();
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}
