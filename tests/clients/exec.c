/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program that becomes another: it must find the devices too, also when the
 * environment was cleared on the way.  Arguments: how, program, arguments.
 */
#include <spawn.h>
#include <sys/wait.h>

#include "client.h"

extern char **environ;

static int wait_for(pid_t pid)
{
	int status;

	CHECK(waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

int main(int argc, char **argv)
{
	static char *empty[] = { NULL };
	const char *how = argc > 2 ? argv[1] : "";
	pid_t pid;

	/* The devices were used before. */
	CHECK(open("/dev/iommu", O_RDWR | O_CLOEXEC) >= 0);
	if (!strcmp(how, "execve"))
		execve(argv[2], argv + 2, environ);
	else if (!strcmp(how, "cleared"))
		execve(argv[2], argv + 2, empty);
	else if (!strcmp(how, "clearenv") && !clearenv())
		execv(argv[2], argv + 2);
	else if (!strcmp(how, "execvp"))
		execvp(argv[2], argv + 2);
	else if (!strcmp(how, "execl"))
		execl(argv[2], argv[2], argv[3], NULL);
	else if (!strcmp(how, "spawn")) {
		CHECK(!posix_spawn(&pid, argv[2], NULL, NULL, argv + 2, empty));
		return wait_for(pid);
	} else if (!strcmp(how, "fork")) {
		pid = fork();
		if (!pid)
			execv(argv[2], argv + 2);
		return wait_for(pid);
	} else if (!strcmp(how, "vfork")) {
		pid = vfork();
		if (!pid) {
			execv(argv[2], argv + 2);
			_exit(127);
		}
		return wait_for(pid);
	}
	return 4;
}
