/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * live.c - `uiommu dump PID` of a program that runs.
 *
 * A thread waits at a socket in the abstract name space whose name has the
 * process's number, and writes a dump to whoever connects and is the same user.
 * The program does not notice: the thread takes none of its signals, and has a
 * table of descriptors of its own, so that it occupies none of the program's
 * and keeps none of its files open.  It begins with the machine (a process that
 * uses none has none), ends with the process, and is not there in a forked child
 * until that opens a node itself.  Where the kernel has no such tables (before
 * 5.9) or the name is taken there is no thread.
 *
 * A dump is made between launch_enter() and launch_leave(), so that a fork waits
 * for it, and sent outside.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>

#include "preload.h"

#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE (1U << 1)
#endif

enum {
	STACK = 1 << 20,
	PATIENCE_S = 10, /* with one who does not read */
};

/* Descriptors 0 to 2 lead nowhere; all others are free.  0 or -1. */
static int own_descriptors(void)
{
	if (real_get()->syscall(SYS_close_range, 0u, ~0u, CLOSE_RANGE_UNSHARE))
		return -1;
	for (int fd = 0; fd < 3; fd++)
		if (real_get()->openat(AT_FDCWD, "/dev/null", O_RDWR) != fd)
			return -1;
	return 0;
}

static int listen_here(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int len = snprintf(addr.sun_path + 1, sizeof(addr.sun_path) - 1,
			   LAUNCH_LIVE_NAME, (int)getpid());
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 ||
	    bind(fd, (struct sockaddr *)&addr,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
			     (size_t)len)) ||
	    listen(fd, 4))
		return -1;
	return fd;
}

static bool is_friend(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) &&
	       (cred.uid == geteuid() || cred.uid == 0);
}

static void answer(int fd)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	char *text = NULL;
	size_t len = 0, done = 0;
	FILE *out;

	if (!is_friend(fd))
		return;
	out = open_memstream(&text, &len);
	if (!out)
		return;
	launch_dump(out);
	if (fclose(out))
		len = 0;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	while (done < len) {
		ssize_t n = send(fd, text + done, len - done, MSG_NOSIGNAL);

		/* A change of user stops all threads for a moment. */
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	free(text);
}

static void *serve(void *arg)
{
	int fd, one;

	/* All of this thread is on the machine's side. */
	launch_inside++;
	pthread_setname_np(pthread_self(), "uiommu-dump");
	if (own_descriptors())
		return NULL;
	fd = listen_here();
	while (fd >= 0) {
		one = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		if (one < 0 && errno != EINTR && errno != ECONNABORTED)
			break;
		if (one < 0)
			continue;
		answer(one);
		real_get()->close(one);
	}
	return NULL;
}

void live_start(void)
{
	sigset_t block, before;
	pthread_attr_t attr;
	pthread_t thread;

	if ((launch.env.report & LAUNCH_NO_LIVE) || launch_is_borrowed() ||
	    exchange_acq_rel(&launch.live, true))
		return;
	launch_inside++;
	/* Faults are this thread's own. */
	sigfillset(&block);
	sigdelset(&block, SIGSEGV);
	sigdelset(&block, SIGBUS);
	real_get()->pthread_sigmask(SIG_SETMASK, &block, &before);
	if (!pthread_attr_init(&attr)) {
		pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
		pthread_attr_setstacksize(&attr, STACK);
		(void)!pthread_create(&thread, &attr, serve, NULL);
		pthread_attr_destroy(&attr);
	}
	real_get()->pthread_sigmask(SIG_SETMASK, &before, NULL);
	launch_inside--;
}
