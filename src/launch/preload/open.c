/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The names under which programs open files.  Each comes down to
 * launch_openat(): an emulated node, a file of the redirected tree, or libc.
 */
#include <stdarg.h>
#include <string.h>

#include "preload.h"

/* What open(2) refuses before it looks at the device. */
static int check_flags(int flags)
{
	if ((flags & O_CREAT) && (flags & O_EXCL))
		return -EEXIST;
	if (flags & O_DIRECTORY)
		return -ENOTDIR;
	return 0;
}

static int open_node(const char *abs, int flags)
{
	struct uiommu_abi *abi = launch_start();
	int rc = check_flags(flags);

	if (!abi)
		return -ENODEV;
	if (rc)
		return rc;
	launch_enter();
	rc = uiommu_abi_open(abi, abs, flags);
	launch_leave();
	return rc;
}

int launch_openat(int dirfd, const char *path, int flags, unsigned int mode)
{
	char buf[PATH_MAX];
	const char *abs;
	int rc;

	if (launch_inside)
		return real_get()->openat(dirfd, path, flags, mode);
	abs = path_absolute(dirfd, path, buf);
	if (!abs)
		return real_get()->openat(dirfd, path, flags, mode);
	if (path_is_node(abs) && !(flags & O_PATH) && !launch_is_borrowed()) {
		rc = open_node(abs, flags);
		if (rc != -ENOENT)
			return (int)launch_result(rc);
	}
	path = path_redirect(dirfd, path, buf);
	return real_get()->openat(dirfd, path, flags, mode);
}

int launch_fd_new(void *ctx, const char *path, int flags)
{
	const char *node = "/dev/null";
	int fd, rc;

	flags &= O_ACCMODE | O_CLOEXEC | O_NONBLOCK;
	/* In the namespace the node is there, and gives the right link. */
	if (!launch.env.tree && path[0] == '/')
		node = path;
	fd = real_get()->openat(AT_FDCWD, node, flags);
	if (fd < 0 && node == path)
		fd = real_get()->openat(AT_FDCWD, "/dev/null", flags);
	if (fd < 0)
		return -errno;
	rc = names_set(fd, path);
	if (rc) {
		real_get()->close(fd);
		return rc;
	}
	return fd;
}

int launch_fd_name(void *ctx, int fd, const char *path)
{
	return names_set(fd, path);
}

void launch_fd_drop(void *ctx, int fd)
{
	names_clear(fd);
	real_get()->close(fd);
}

/* --------------------------------------------------------- the names ----- */

static unsigned int mode_of(int flags, va_list ap)
{
	if (flags & (O_CREAT | __O_TMPFILE))
		return va_arg(ap, unsigned int);
	return 0;
}

launch_public int open(const char *path, int flags, ...)
{
	unsigned int mode;
	va_list ap;

	va_start(ap, flags);
	mode = mode_of(flags, ap);
	va_end(ap);
	return launch_openat(AT_FDCWD, path, flags, mode);
}

launch_public int openat(int dirfd, const char *path, int flags, ...)
{
	unsigned int mode;
	va_list ap;

	va_start(ap, flags);
	mode = mode_of(flags, ap);
	va_end(ap);
	return launch_openat(dirfd, path, flags, mode);
}

launch_public int creat(const char *path, mode_t mode)
{
	return launch_openat(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC,
			     mode);
}

/* What _FORTIFY_SOURCE calls when no mode is given. */
int __open_2(const char *path, int flags);
int __openat_2(int dirfd, const char *path, int flags);

launch_public int __open_2(const char *path, int flags)
{
	return launch_openat(AT_FDCWD, path, flags, 0);
}

launch_public int __openat_2(int dirfd, const char *path, int flags)
{
	return launch_openat(dirfd, path, flags, 0);
}

#define SAME_AS(name) launch_public __attribute__((alias(name)))

SAME_AS("open") int open64(const char *path, int flags, ...);
SAME_AS("open") int __open(const char *path, int flags, ...);
SAME_AS("open") int __open64(const char *path, int flags, ...);
SAME_AS("openat") int openat64(int dirfd, const char *path, int flags, ...);
SAME_AS("creat") int creat64(const char *path, mode_t mode);
int __open64_2(const char *path, int flags);
SAME_AS("__open_2") int __open64_2(const char *path, int flags);
int __openat64_2(int dirfd, const char *path, int flags);
SAME_AS("__openat_2") int __openat64_2(int dirfd, const char *path, int flags);
