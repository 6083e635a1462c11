/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fdevent.c - descriptors of emulated files that the program polls.
 *
 * An eventfd is readable while its counter is not 0 and practically always
 * writable, and the kernel does the rest: poll, select, epoll of both kinds, and
 * descriptors that the program has copied.  We keep a descriptor of our own, so
 * that the program may close its one.  A forked child shares the counter with
 * its parent, though not the file behind it; so we never wait for what another
 * process may have read, not even between a look and the read.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include "machine_private.h"

/* Out of the low numbers where there is room. */
#define OWN_LOWEST 512

static int own_copy(int fd)
{
	int own = fcntl(fd, F_DUPFD_CLOEXEC, OWN_LOWEST);

	if (own < 0)
		own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return own < 0 ? -errno : own;
}

int fdevent_new(void *ctx, const char *path, int flags, int *event)
{
	struct uiommu_machine *machine = ctx;
	int fd, own, rc = 0;

	fd = eventfd(0, flags & O_CLOEXEC ? EFD_CLOEXEC : 0);
	if (fd < 0)
		return -errno;
	own = own_copy(fd);
	if (own < 0) {
		rc = own;
		goto err_fd;
	}
	if (machine->cfg.fd_name)
		rc = machine->cfg.fd_name(machine->cfg.ctx, fd, path);
	if (rc)
		goto err_own;
	*event = own;
	return fd;

err_own:
	close(own);
err_fd:
	close(fd);
	return rc;
}

/* Not at the largest count, where a write would wait: then it is readable. */
static void make_readable(int event)
{
	struct pollfd pfd = { .fd = event, .events = POLLOUT };
	uint64_t count = 1;

	if (poll(&pfd, 1, 0) == 1)
		(void)!write(event, &count, sizeof(count));
}

static void make_empty(int event)
{
	uint64_t count;
	struct iovec vec = { &count, sizeof(count) };

	(void)!preadv2(event, &vec, 1, -1, RWF_NOWAIT);
}

void fdevent_set(void *ctx, int event, bool readable)
{
	int saved = errno;

	if (readable)
		make_readable(event);
	else
		make_empty(event);
	errno = saved;
}

void fdevent_end(void *ctx, int event)
{
	close(event);
}
