/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The net below: system calls that do not come to us, in memory that was made
 * present for a device.
 *
 * Such memory is registered with a userfaultfd for write protection, which is
 * never armed, so no access is slower for it.  But the kernel then tells when
 * it is unmapped, moved or discarded, and lets the caller go on only when the
 * event has been read.  A thread of ours reads it, and tells subscribers that
 * the change is late: it may have been made already.
 *
 * Calls that do come to us mostly take their range out first, since nobody
 * needs to wait for what was told.  Which ranges are registered is remembered so that
 * neither that nor populate costs a call each time; forgetting one only costs
 * time, so the memory of it is small.
 *
 * The thread must never wait for anybody who may wait for the kernel's event:
 * it allocates nothing and takes the one lock here, whose holders wait only
 * for the kernel.  It and its descriptor stay for ever, for memory that is
 * registered and has no reader would stop whoever unmaps it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "mmhook.h"

#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif

#define EVENTS                                                  \
	(UFFD_FEATURE_EVENT_UNMAP | UFFD_FEATURE_EVENT_REMOVE | \
	 UFFD_FEATURE_EVENT_REMAP)
#define STACK (128u * 1024)

enum {
	NET_NONE,
	NET_STARTING,
	NET_THERE,
};

static uint32_t forgone; /* atomic */

/* ----------------------------------------------------------- what is in -- */

/* Signals are blocked, so that no handler of this thread comes here again. */
static mm_unseen void net_lock(struct mm_net *net)
{
	while (exchange_acq_rel(&net->lock, 1u))
		mm_sys(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
}

static mm_unseen void net_unlock(struct mm_net *net)
{
	store_release(&net->lock, 0u);
}

static mm_unseen long net_ioctl(const struct mm_net *net, unsigned long cmd,
				void *arg)
{
	return mm_sys(SYS_ioctl, net->fd, cmd, (uintptr_t)arg, 0, 0, 0);
}

static mm_unseen void put(struct mm_net *net, uint64_t first, uint64_t last)
{
	net->in[net->next] = (struct mm_span){ first, last };
	net->next = (net->next + 1) % MM_NET_SPANS;
}

/* Take [first, last] out of span i, with the kernel's knowledge or without. */
static mm_unseen void cut(struct mm_net *net, unsigned int i, uint64_t first,
			  uint64_t last, bool kernel)
{
	struct mm_span *in = &net->in[i], was = *in;
	struct uffdio_range range;

	if (!was.last || was.first > last || was.last < first)
		return;
	if (first < was.first)
		first = was.first;
	if (last > was.last)
		last = was.last;
	range.start = first;
	range.len = last - first + 1;
	if (kernel)
		net_ioctl(net, UFFDIO_UNREGISTER, &range);
	*in = (struct mm_span){ 0, 0 };
	if (was.first < first)
		*in = (struct mm_span){ was.first, first - 1 };
	if (was.last > last && in->last)
		put(net, last + 1, was.last);
	else if (was.last > last)
		*in = (struct mm_span){ last + 1, was.last };
}

static mm_unseen void cut_all(struct mm_net *net, uint64_t first, uint64_t last,
			      bool kernel)
{
	net_lock(net);
	for (unsigned int i = 0; i < MM_NET_SPANS; i++)
		cut(net, i, first, last, kernel);
	net_unlock(net);
}

bool mm_net_is_there(const struct mm_state *state)
{
	return load_acquire(&state->net.active) == NET_THERE;
}

/*
 * A part that is discarded stays in, although that costs a wait: taken out, it
 * would cut its mapping in pieces, which mremap refuses to move or to extend.
 * So mremap takes out whatever it is called for.
 */
mm_unseen void mm_net_leave(struct mm_state *state,
			    const struct mm_change *change)
{
	struct mm_net *net = &state->net;
	struct uffdio_range range;

	if (load_acquire(&net->active) != NET_THERE)
		return;
	for (unsigned int r = 0; r < change->nr; r++)
		if (change->range[r].reason != UIOMMU_MM_PROTECT &&
		    change->range[r].reason != UIOMMU_MM_DISCARD)
			cut_all(net, change->range[r].first,
				change->range[r].last, true);
	if (!change->remapped.last)
		return;
	/* Whether remembered or not. */
	range.start = change->remapped.first;
	range.len = change->remapped.last + 1 - range.start;
	net_ioctl(net, UFFDIO_UNREGISTER, &range);
	cut_all(net, change->remapped.first, change->remapped.last, false);
}

/* -------------------------------------------------------- coming in ------ */

/* What PROCMAP_QUERY of /proc/self/maps takes (Linux 6.11). */
struct procmap_query {
	uint64_t size;
	uint64_t flags; /* 0: the mapping that covers addr */
	uint64_t addr;
	uint64_t first, end;
	uint64_t unused[4];   /* its flags, page size, offset, inode */
	uint32_t unused32[4]; /* device, sizes of names */
	uint64_t names[2];
};

#define PROCMAP_QUERY _IOWR('f', 17, struct procmap_query)

_Static_assert(sizeof(struct procmap_query) == 104, "as the kernel has it");

/* One number in base 16, and what comes after it. */
static bool parse(const char **at, uint64_t *v)
{
	const char *from = *at;

	for (*v = 0;; (*at)++) {
		char c = **at;

		if (c >= '0' && c <= '9')
			*v = *v << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			*v = *v << 4 | (uint64_t)(c - 'a' + 10);
		else
			return *at != from;
	}
}

/* The mapping that an address lies in, by a line of /proc/self/maps. */
static bool line_covers(const char *line, uint64_t addr, struct mm_span *out)
{
	if (!parse(&line, &out->first) || *line++ != '-' ||
	    !parse(&line, &out->last))
		return false;
	out->last--;
	return addr >= out->first && addr <= out->last;
}

/*
 * Without stdio, which allocates; and lines may be longer than the buffer: all
 * that counts is how they begin.
 */
static bool read_mapping(uint64_t fd, uint64_t addr, struct mm_span *out)
{
	char buf[1024], line[40];
	unsigned int len = 0;
	long got;

	do {
		got = mm_sys(SYS_read, fd, (uintptr_t)buf, sizeof(buf), 0, 0,
			     0);
		for (long i = 0; i < got; i++) {
			if (len < sizeof(line) - 1)
				line[len++] = buf[i];
			if (buf[i] != '\n')
				continue;
			line[len] = 0;
			if (line_covers(line, addr, out))
				return true;
			len = 0;
		}
	} while (got > 0);
	return false;
}

static bool find_mapping(uint64_t addr, struct mm_span *out)
{
	struct procmap_query query = { .size = sizeof(query), .addr = addr };
	bool found;
	long fd, rc;

	fd = mm_sys(SYS_openat, (uint64_t)AT_FDCWD,
		    (uintptr_t) "/proc/self/maps", O_RDONLY | O_CLOEXEC, 0, 0,
		    0);
	if (fd < 0)
		return false;
	rc = mm_sys(SYS_ioctl, (uint64_t)fd, PROCMAP_QUERY, (uintptr_t)&query,
		    0, 0, 0);
	if (rc == -ENOTTY) {
		found = read_mapping((uint64_t)fd, addr, out);
	} else {
		*out = (struct mm_span){ query.first, query.end - 1 };
		found = !rc;
	}
	mm_sys(SYS_close, (uint64_t)fd, 0, 0, 0, 0, 0);
	return found;
}

static bool is_in(const struct mm_net *net, uint64_t first, uint64_t last)
{
	for (unsigned int i = 0; i < MM_NET_SPANS; i++)
		if (net->in[i].last >= last && net->in[i].first <= first)
			return true;
	return false;
}

/*
 * Register the whole mapping: registering pages would cut it into pieces.
 * What cannot be registered (most files) stays outside.
 */
static void enter_mapping(struct mm_net *net, uint64_t addr,
			  struct mm_span *mapping)
{
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_WP };

	if (!find_mapping(addr, mapping)) {
		mapping->last = addr | (MM_PAGE - 1);
		return;
	}
	if (is_in(net, mapping->first, mapping->last))
		return;
	reg.range.start = mapping->first;
	reg.range.len = mapping->last + 1 - mapping->first;
	if (net_ioctl(net, UFFDIO_REGISTER, &reg))
		return;
	for (unsigned int i = 0; i < MM_NET_SPANS; i++)
		cut(net, i, mapping->first, mapping->last, false);
	put(net, mapping->first, mapping->last);
}

void mm_net_enter(struct mm_state *state, uint64_t first, uint64_t last)
{
	struct mm_net *net = &state->net;
	struct mm_span mapping;
	uint64_t held;

	if (load_acquire(&net->active) != NET_THERE)
		return;
	held = mm_hold(NULL);
	net_lock(net);
	if (!is_in(net, first, last)) {
		for (; first <= last; first = mapping.last + 1)
			enter_mapping(net, first, &mapping);
	}
	net_unlock(net);
	mm_release(NULL, held);
}

/* ------------------------------------------------------------- the reader - */

static mm_unseen bool change_in(const struct uffd_msg *msg,
				struct mm_change *change)
{
	struct mm_range *range = &change->range[0];

	change->nr = 1;
	switch (msg->event) {
	case UFFD_EVENT_REMAP:
		range->first = msg->arg.remap.from;
		range->last = msg->arg.remap.from + msg->arg.remap.len - 1;
		range->reason = UIOMMU_MM_MOVE | UIOMMU_MM_LATE;
		break;
	case UFFD_EVENT_REMOVE:
		range->first = msg->arg.remove.start;
		range->last = msg->arg.remove.end - 1;
		range->reason = UIOMMU_MM_DISCARD | UIOMMU_MM_LATE;
		break;
	case UFFD_EVENT_UNMAP:
		range->first = msg->arg.remove.start;
		range->last = msg->arg.remove.end - 1;
		range->reason = UIOMMU_MM_UNMAP | UIOMMU_MM_LATE;
		break;
	default:
		return false;
	}
	return true;
}

/*
 * The thread has descriptors of its own, or rather one: the program may close
 * the number that it does not know, and open another file by it.
 */
static bool keep_only(uint64_t fd)
{
	return !mm_sys(SYS_unshare, CLONE_FILES, 0, 0, 0, 0, 0) &&
	       (!fd || !mm_sys(SYS_close_range, 0, fd - 1, 0, 0, 0, 0)) &&
	       !mm_sys(SYS_close_range, fd + 1, UINT32_MAX, 0, 0, 0, 0);
}

static mm_unseen void *read_events(void *arg)
{
	struct mm_state *state = arg;
	struct mm_change change;
	struct uffd_msg msg;
	long got;

	mm_sys(SYS_prctl, PR_SET_NAME, (uintptr_t) "uiommu-mm", 0, 0, 0, 0);
	if (!keep_only(state->net.fd)) {
		store_release(&state->net.active, NET_NONE);
		return NULL;
	}
	store_release(&state->net.active, NET_THERE);
	for (;;) {
		got = mm_sys(SYS_read, state->net.fd, (uintptr_t)&msg,
			     sizeof(msg), 0, 0, 0);
		if (got == -EINTR || got == -EAGAIN)
			continue;
		if (got != (long)sizeof(msg))
			break;
		if (!change_in(&msg, &change))
			continue;
		/* What is moved stays registered, at its new place. */
		if (change.range[0].reason !=
		    (UIOMMU_MM_DISCARD | UIOMMU_MM_LATE))
			cut_all(&state->net, change.range[0].first,
				change.range[0].last, false);
		mm_tell_late(state, &change);
	}
	return NULL;
}

static int start_reader(struct mm_state *state)
{
	pthread_attr_t attr;
	pthread_t thread;
	uint64_t held;
	int rc;

	rc = pthread_attr_init(&attr);
	if (rc)
		return -rc;
	pthread_attr_setstacksize(&attr, STACK);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	/* The thread inherits what is blocked. */
	held = mm_hold(NULL);
	rc = pthread_create(&thread, &attr, read_events, state);
	mm_release(NULL, held);
	pthread_attr_destroy(&attr);
	return -rc;
}

void mm_net_start(struct mm_state *state)
{
	struct mm_net *net = &state->net;
	struct uffdio_api api = { .api = UFFD_API, .features = EVENTS };
	long fd;

	if (net->tried || load_relaxed(&forgone))
		return;
	net->tried = true;
	fd = mm_sys(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY, 0, 0, 0,
		    0, 0);
	/* Before Linux 5.11 there is no such restriction. */
	if (fd == -EINVAL)
		fd = mm_sys(SYS_userfaultfd, O_CLOEXEC, 0, 0, 0, 0, 0);
	if (fd < 0)
		return;
	net->fd = (uint32_t)fd;
	store_relaxed(&net->active, NET_STARTING);
	if (net_ioctl(net, UFFDIO_API, &api) || start_reader(state))
		store_relaxed(&net->active, NET_NONE);
	while (load_acquire(&net->active) == NET_STARTING)
		mm_sys(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
	if (load_relaxed(&net->active) == NET_NONE)
		mm_sys(SYS_close, net->fd, 0, 0, 0, 0, 0);
}

void uiommu_process_mm_forgo_net(void)
{
	store_relaxed(&forgone, 1u);
}
