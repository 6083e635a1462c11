/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Leaving the program: exec and exit.
 *
 * A program that is executed shall see the same devices, so the variables
 * that carry this library are put back into an environment that lost them.
 * One that cannot be preloaded into runs without devices, and is named.
 */
#include <alloca.h>
#include <stdarg.h>
#include <string.h>

#include "../program.h"
#include "preload.h"

#define SAME_AS(name) launch_public __attribute__((alias(name)))

extern char **environ;

/* ------------------------------------------------------- environment ----- */

static const char *find_var(char *const env[], const char *name)
{
	size_t len = strlen(name);

	for (; env && *env; env++)
		if (!strncmp(*env, name, len) && (*env)[len] == '=')
			return *env + len + 1;
	return NULL;
}

/* Is the variable of this "NAME=value" there, with any value? */
static bool has_var(char *const env[], const char *var)
{
	size_t len = strcspn(var, "=") + 1;

	for (; env && *env; env++)
		if (!strncmp(*env, var, len))
			return true;
	return false;
}

static size_t count_vars(char *const env[])
{
	size_t n = 0;

	while (env && env[n])
		n++;
	return n;
}

/* The run-time that has to come first in LD_PRELOAD; "" for most programs. */
struct first_library {
	char name[256];
};

/*
 * A vector with our variables in it.  Room for `vec` (count + LAUNCH_VARS + 2)
 * and for the strings comes from the caller's stack: between vfork and exec
 * nothing may be allocated that stays.
 */
static char **complete_env(char *const env[], const struct first_library *first,
			   char **vec, char *preload, size_t room)
{
	const char *theirs = find_var(env, "LD_PRELOAD");
	size_t n = 0;

	snprintf(preload, room, "LD_PRELOAD=%s%s%s%s%s", first->name,
		 first->name[0] ? ":" : "", launch.env.library,
		 theirs ? ":" : "", theirs ? theirs : "");
	for (; env && *env; env++)
		if (strncmp(*env, "LD_PRELOAD=", 11))
			vec[n++] = *env;
	vec[n++] = preload;
	for (unsigned int i = 0; i < LAUNCH_VARS; i++)
		if (launch.env.vars[i] && !has_var(env, launch.env.vars[i]))
			vec[n++] = launch.env.vars[i];
	vec[n] = NULL;
	return vec;
}

static bool env_is_complete(char *const env[],
			    const struct first_library *first)
{
	const char *theirs;

	/* A bad vector is the kernel's to refuse. */
	if (!launch.env.library || launch_inside ||
	    (env && (uintptr_t)env < 65536))
		return true;
	theirs = find_var(env, "LD_PRELOAD");
	return theirs && strstr(theirs, launch.env.library) &&
	       !strncmp(theirs, first->name, strlen(first->name)) &&
	       find_var(env, "UIOMMU_RUN_DIR");
}

static size_t preload_size(char *const env[])
{
	const char *theirs = find_var(env, "LD_PRELOAD");

	return strlen(launch.env.library) + (theirs ? strlen(theirs) : 0) +
	       sizeof(struct first_library) + 16;
}

/* `env` with everything in it; valid in the calling function only. */
#define COMPLETE_ENV(env, first)                                             \
	(env_is_complete(env, first)                                         \
		 ? (env)                                                     \
		 : complete_env(env, first,                                  \
				alloca((count_vars(env) + LAUNCH_VARS + 2) * \
				       sizeof(char *)),                      \
				alloca(preload_size(env)), preload_size(env)))

/* ---------------------------------------------------------------- exec --- */

/* Say what cannot be preloaded into; find out what has to come first. */
static void look_at(const char *path, struct first_library *first)
{
	struct program program;

	first->name[0] = '\0';
	if (launch_inside || !path || !launch.env.library)
		return;
	program_check(path, &program);
	if (program.kind == PROGRAM_REFUSED)
		launch_say("%s runs without the emulated devices: %s", path,
			   program.reason);
	if (program.asan)
		memcpy(first->name, program.asan_lib, sizeof(first->name));
}

static void look_for(const char *name, struct first_library *first)
{
	char path[PATH_MAX];

	first->name[0] = '\0';
	if (name && program_find(name, getenv("PATH"), path, sizeof(path)))
		look_at(path, first);
}

/* The program lives on, so the report is not its last. */
static int failed(int rc)
{
	if (!launch_is_borrowed())
		store_relaxed(&launch.reported, false);
	return rc;
}

launch_public int execve(const char *path, char *const argv[],
			 char *const env[])
{
	struct first_library first;

	look_at(path, &first);
	launch_report(false);
	return failed(
		real_get()->execve(path, argv, COMPLETE_ENV(env, &first)));
}

launch_public int execveat(int dirfd, const char *path, char *const argv[],
			   char *const env[], int flags)
{
	struct first_library first = { "" };

	launch_report(false);
	return failed(real_get()->execveat(dirfd, path, argv,
					   COMPLETE_ENV(env, &first), flags));
}

launch_public int fexecve(int fd, char *const argv[], char *const env[])
{
	struct first_library first = { "" };

	launch_report(false);
	return failed(real_get()->fexecve(fd, argv, COMPLETE_ENV(env, &first)));
}

launch_public int execvpe(const char *file, char *const argv[],
			  char *const env[])
{
	struct first_library first;

	look_for(file, &first);
	launch_report(false);
	return failed(
		real_get()->execvpe(file, argv, COMPLETE_ENV(env, &first)));
}

launch_public int execv(const char *path, char *const argv[])
{
	return execve(path, argv, environ);
}

launch_public int execvp(const char *file, char *const argv[])
{
	return execvpe(file, argv, environ);
}

/* Arguments of the list forms up to and with the null pointer. */
static int count_args(va_list ap)
{
	int n = 1;

	while (va_arg(ap, char *))
		n++;
	return n + 1;
}

static void copy_args(char **argv, const char *first, va_list ap, int n)
{
	argv[0] = (char *)(uintptr_t)first;
	for (int i = 1; i < n; i++)
		argv[i] = va_arg(ap, char *);
}

#define ARGS_TO_VECTOR(argv, first)                         \
	do {                                                \
		va_list ap_;                                \
		int n_;                                     \
                                                            \
		va_start(ap_, first);                       \
		n_ = count_args(ap_);                       \
		va_end(ap_);                                \
		argv = alloca((size_t)n_ * sizeof(char *)); \
		va_start(ap_, first);                       \
		copy_args(argv, first, ap_, n_);            \
		va_end(ap_);                                \
	} while (0)

launch_public int execl(const char *path, const char *arg, ...)
{
	char **argv;

	ARGS_TO_VECTOR(argv, arg);
	return execve(path, argv, environ);
}

launch_public int execlp(const char *file, const char *arg, ...)
{
	char **argv;

	ARGS_TO_VECTOR(argv, arg);
	return execvpe(file, argv, environ);
}

launch_public int execle(const char *path, const char *arg, ...)
{
	char **argv, **env;
	va_list ap;

	ARGS_TO_VECTOR(argv, arg);
	va_start(ap, arg);
	while (va_arg(ap, char *))
		;
	env = va_arg(ap, char **);
	va_end(ap);
	return execve(path, argv, env);
}

launch_public int posix_spawn(pid_t *pid, const char *path,
			      const posix_spawn_file_actions_t *actions,
			      const posix_spawnattr_t *attr, char *const argv[],
			      char *const env[])
{
	struct first_library first;

	look_at(path, &first);
	return real_get()->posix_spawn(pid, path, actions, attr, argv,
				       COMPLETE_ENV(env, &first));
}

launch_public int posix_spawnp(pid_t *pid, const char *file,
			       const posix_spawn_file_actions_t *actions,
			       const posix_spawnattr_t *attr,
			       char *const argv[], char *const env[])
{
	struct first_library first;

	look_for(file, &first);
	return real_get()->posix_spawnp(pid, file, actions, attr, argv,
					COMPLETE_ENV(env, &first));
}

/* ---------------------------------------------------------------- exit --- */

launch_public void _exit(int status)
{
	launch_report(true);
	real_get()->_exit(status);
	__builtin_unreachable();
}

SAME_AS("_exit") void _Exit(int status) __attribute__((noreturn));

launch_public void quick_exit(int status)
{
	launch_report(true);
	real_get()->quick_exit(status);
	__builtin_unreachable();
}

launch_public void abort(void)
{
	launch_report(true);
	real_get()->abort();
	__builtin_unreachable();
}
