/* SPDX-License-Identifier: BSD-2-Clause */
/* Asking a program that runs for its machine's state: see preload/live.c. */
#include "live.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <uiommu/dump.h>
#include <uiommu/launch.h>

#include "base/bits.h"

/* Connected to the socket of `pid`, or a negative errno. */
static int reach(int pid)
{
	const struct timeval patience = { .tv_sec = 30 };
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int len = snprintf(addr.sun_path + 1, sizeof(addr.sun_path) - 1,
			   LAUNCH_LIVE_NAME, pid);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct ucred cred;
	socklen_t size = sizeof(cred);
	int rc;

	if (fd < 0)
		return -errno;
	/* It may be stopped, and others may wait for it already. */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&addr,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
				(size_t)len))) {
		rc = errno == EAGAIN ? -ETIMEDOUT : -ESRCH;
		close(fd);
		return rc;
	}
	/* Anybody may take a name. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) ||
	    (geteuid() && cred.uid != geteuid())) {
		close(fd);
		return -EACCES;
	}
	return fd;
}

/* The one of the process's children that answers. */
static int reach_child(int pid)
{
	char path[64];
	int child, fd = -ESRCH;
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	in = fopen(path, "re");
	if (!in)
		return -ESRCH;
	while (fd < 0 && fscanf(in, "%d", &child) == 1)
		fd = reach(child);
	fclose(in);
	return fd;
}

static int receive(int fd, char **text)
{
	size_t room = 0, len = 0;
	ssize_t n;

	*text = NULL;
	do {
		if (room - len < 4096) {
			char *more = realloc(*text, room = 2 * room + 65536);

			if (!more) {
				free(*text);
				return -ENOMEM;
			}
			*text = more;
		}
		n = read(fd, *text + len, room - len - 1);
		len += n > 0 ? (size_t)n : 0;
	} while (n > 0 || (n < 0 && errno == EINTR));
	(*text)[len] = '\0';
	if (!n && !strncmp(*text, UIOMMU_DUMP_FIRST, strlen(UIOMMU_DUMP_FIRST)))
		return 0;
	free(*text);
	/* It ended meanwhile, or hangs. */
	return n < 0 ? -ETIMEDOUT : -ESRCH;
}

int uiommu_launch_dump(int pid, char **text, char *err, size_t err_len)
{
	int fd = reach(pid), rc;

	if (fd == -ESRCH)
		fd = reach_child(pid);
	rc = fd;
	if (fd >= 0) {
		rc = receive(fd, text);
		close(fd);
	}
	if (!rc)
		return 0;
	if (rc == -ESRCH && kill(pid, 0) && errno == ESRCH)
		snprintf(err, err_len, "%d: no such process", pid);
	else if (rc == -ESRCH)
		snprintf(err, err_len,
			 "%d: no program under uiommu run that has opened a "
			 "device",
			 pid);
	else if (rc == -EACCES)
		snprintf(err, err_len, "%d: another user's program", pid);
	else
		snprintf(err, err_len, "%d: %s", pid, strerror(-rc));
	return rc;
}
