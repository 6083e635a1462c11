/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * eventfd.c - eventfds of the client.
 *
 * We keep a descriptor of our own, so that the client may close its one.  It
 * is the same open file; a signal adds one to the counter that the client
 * reads.  A counter at its limit stays there, as the kernel leaves it, instead
 * of making the signaller wait.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "private.h"

/* Our descriptors stay out of the low numbers where there is room. */
#define EFD_LOWEST 512

static bool is_eventfd(int fd)
{
	char path[32], target[32];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return false;
	target[n] = '\0';
	return !strcmp(target, "anon_inode:[eventfd]");
}

int uvfio_eventfd_get(int fd, int *out)
{
	int efd = fcntl(fd, F_DUPFD_CLOEXEC, EFD_LOWEST);

	if (efd < 0 && errno != EBADF)
		efd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (efd < 0)
		return -errno;
	if (!is_eventfd(efd)) {
		close(efd);
		return -EINVAL;
	}
	*out = efd;
	return 0;
}

void uvfio_eventfd_put(int efd)
{
	if (efd >= 0)
		close(efd);
}

void uvfio_eventfd_signal(int efd)
{
	struct pollfd pfd = { .fd = efd, .events = POLLOUT };
	uint64_t one = 1;
	int saved = errno;
	ssize_t n;

	/* Not writable: the counter is full. */
	if (poll(&pfd, 1, 0) == 1 && (pfd.revents & POLLOUT)) {
		n = write(efd, &one, sizeof(one));
		(void)n;
	}
	errno = saved;
}

int uvfio_foreign_fd(int fd, int other)
{
	return fcntl(fd, F_GETFD) < 0 ? -EBADF : -other;
}
