/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Paths: which are ours, and where they lie when there is no namespace.
 *
 * Without a namespace `uiommu run` has written the files into a tree, a
 * directory that looks like / as far as our nodes and their parents go;
 * entries of the parents that are the host's are links to the real ones.  A
 * path belongs to the tree if the file exists there.
 */
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "preload.h"

bool path_readable(const char *path)
{
	uintptr_t p = (uintptr_t)path;
	int err = errno;
	bool ok;

	if (p < 65536 || p >> 47)
		return false;
	ok = real_get()->syscall(SYS_faccessat, AT_FDCWD, path, F_OK) == 0 ||
	     errno != EFAULT;
	errno = err;
	return ok;
}

/* Nothing of ours lies elsewhere; saves the work for everything else. */
static bool may_be_ours(int dirfd, const char *path)
{
	if (path[0] == '/')
		return strstr(path, "/dev") || strstr(path, "/sys") ||
		       strstr(path, "//") || strstr(path, "..") ||
		       launch_extends(path);
	if (dirfd != AT_FDCWD)
		return path[0] != '\0';
	/* Relative to the current directory, which may be in there. */
	return true;
}

/* The directory a relative path starts from; its length, 0: not known. */
static size_t start_of(int dirfd, char *buf)
{
	char link[64];
	ssize_t len;

	if (dirfd == AT_FDCWD)
		snprintf(link, sizeof(link), "/proc/self/cwd");
	else
		snprintf(link, sizeof(link), "/proc/self/fd/%d", dirfd);
	len = real_get()->readlinkat(AT_FDCWD, link, buf, PATH_MAX - 1);
	if (len <= 0 || buf[0] != '/')
		return 0;
	buf[len] = '\0';
	return path_strip(buf, (size_t)len);
}

/* Append the parts of `path` to the absolute path of length n in buf. */
static bool append(char *buf, size_t n, const char *path)
{
	while (*path) {
		size_t len = strcspn(path, "/");

		if (len == 2 && path[0] == '.' && path[1] == '.') {
			while (n && buf[--n] != '/')
				;
		} else if (len && !(len == 1 && path[0] == '.')) {
			if (n + len + 2 > PATH_MAX)
				return false;
			buf[n++] = '/';
			memcpy(buf + n, path, len);
			n += len;
		}
		path += len;
		path += strspn(path, "/");
	}
	if (!n)
		buf[n++] = '/';
	buf[n] = '\0';
	return true;
}

const char *path_absolute(int dirfd, const char *path, char *buf)
{
	size_t n = 0;
	int err = errno;

	if (!path || !path_readable(path) || !may_be_ours(dirfd, path))
		return NULL;
	if (path[0] != '/')
		n = start_of(dirfd, buf);
	errno = err;
	if (path[0] != '/' && !n)
		return NULL;
	if (n == 1) /* the root */
		n = 0;
	return append(buf, n, path) ? buf : NULL;
}

bool path_is_node(const char *abs)
{
	return !strcmp(abs, "/dev/iommu") ||
	       (!strncmp(abs, "/dev/vfio/", 10) &&
		strcmp(abs, "/dev/vfio/devices")) ||
	       launch_extends(abs);
}

size_t path_strip(char *path, size_t len)
{
	size_t cut = launch.env.tree_len;

	if (!launch.env.tree || len < cut ||
	    memcmp(path, launch.env.tree, cut) ||
	    (len > cut && path[cut] != '/'))
		return len;
	if (len == cut) {
		path[0] = '/';
		cut--;
		len = cut + 1;
	} else {
		memmove(path, path + cut, len - cut);
	}
	path[len - cut] = '\0';
	return len - cut;
}

const char *path_redirect(int dirfd, const char *path, char *buf)
{
	size_t cut = launch.env.tree_len, len;
	int err = errno;
	struct stat st;
	bool there;

	if (!launch.env.tree || launch_inside ||
	    !path_absolute(dirfd, path, buf))
		return path;
	len = strlen(buf);
	if ((strncmp(buf, "/sys", 4) && strncmp(buf, "/dev", 4)) ||
	    len + cut + 1 > PATH_MAX)
		return path;
	/* The directory itself is the host's, with most of what is in it. */
	if (!strcmp(buf, "/dev"))
		return buf;
	memmove(buf + cut, buf, len + 1);
	memcpy(buf, launch.env.tree, cut);
	there = !real_get()->fstatat(AT_FDCWD, buf, &st, AT_SYMLINK_NOFOLLOW);
	errno = err;
	return there ? buf : path;
}
