/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names under which programs look at files, for the case without a namespace:
 * each finds the file's place in the tree and asks libc there.  Where libc
 * hands a path back, the tree's prefix is cut off again.  With a namespace
 * only the links of emulated descriptors are answered here.
 */
#include <stdarg.h>
#include <string.h>

#include "preload.h"

#define SAME_AS(name) launch_public __attribute__((alias(name)))

/* --------------------------------------------------------------- stat ---- */

/* A node is a link to the stand-in device in the tree, not in the program's
 * eyes. */
static int node_flags(int dirfd, const char *path, int flags)
{
	char buf[PATH_MAX];
	const char *abs;

	if (!launch.env.tree || launch_inside || !(flags & AT_SYMLINK_NOFOLLOW))
		return flags;
	abs = path_absolute(dirfd, path, buf);
	return abs && path_is_node(abs) ? flags & ~AT_SYMLINK_NOFOLLOW : flags;
}

launch_public int fstatat(int dirfd, const char *path, struct stat *st,
			  int flags)
{
	char buf[PATH_MAX];
	const char *at = path_redirect(dirfd, path, buf);

	return real_get()->fstatat(dirfd, at, st,
				   node_flags(dirfd, path, flags));
}

launch_public int stat(const char *path, struct stat *st)
{
	return fstatat(AT_FDCWD, path, st, 0);
}

launch_public int lstat(const char *path, struct stat *st)
{
	return fstatat(AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW);
}

launch_public int statx(int dirfd, const char *path, int flags,
			unsigned int mask, struct statx *st)
{
	char buf[PATH_MAX];
	const char *at = path_redirect(dirfd, path, buf);

	return real_get()->statx(dirfd, at, node_flags(dirfd, path, flags),
				 mask, st);
}

launch_public int statfs(const char *path, struct statfs *st)
{
	char buf[PATH_MAX];

	return real_get()->statfs(path_redirect(AT_FDCWD, path, buf), st);
}

SAME_AS("fstatat")
int fstatat64(int dirfd, const char *path, struct stat64 *st, int flags);
SAME_AS("stat") int stat64(const char *path, struct stat64 *st);
SAME_AS("lstat") int lstat64(const char *path, struct stat64 *st);
SAME_AS("statfs") int statfs64(const char *path, struct statfs64 *st);

/* Programs built against older versions of libc. */
int __xstat(int version, const char *path, struct stat *st);
int __lxstat(int version, const char *path, struct stat *st);
int __fxstatat(int version, int dirfd, const char *path, struct stat *st,
	       int flags);

launch_public int __xstat(int version, const char *path, struct stat *st)
{
	return stat(path, st);
}

launch_public int __lxstat(int version, const char *path, struct stat *st)
{
	return lstat(path, st);
}

launch_public int __fxstatat(int version, int dirfd, const char *path,
			     struct stat *st, int flags)
{
	return fstatat(dirfd, path, st, flags);
}

int __xstat64(int version, const char *path, struct stat *st);
SAME_AS("__xstat")
int __xstat64(int version, const char *path, struct stat *st);
int __lxstat64(int version, const char *path, struct stat *st);
SAME_AS("__lxstat")
int __lxstat64(int version, const char *path, struct stat *st);
int __fxstatat64(int version, int dirfd, const char *path, struct stat *st,
		 int flags);
SAME_AS("__fxstatat")
int __fxstatat64(int version, int dirfd, const char *path, struct stat *st,
		 int flags);

/* ------------------------------------------------------------- access ---- */

launch_public int faccessat(int dirfd, const char *path, int mode, int flags)
{
	char buf[PATH_MAX];

	return real_get()->faccessat(dirfd, path_redirect(dirfd, path, buf),
				     mode, flags);
}

launch_public int access(const char *path, int mode)
{
	return faccessat(AT_FDCWD, path, mode, 0);
}

launch_public int eaccess(const char *path, int mode)
{
	char buf[PATH_MAX];

	return real_get()->eaccess(path_redirect(AT_FDCWD, path, buf), mode);
}

SAME_AS("eaccess") int euidaccess(const char *path, int mode);

/* ls(1) asks for these. */
launch_public ssize_t getxattr(const char *path, const char *name, void *val,
			       size_t size)
{
	char buf[PATH_MAX];

	return real_get()->getxattr(path_redirect(AT_FDCWD, path, buf), name,
				    val, size);
}

launch_public ssize_t lgetxattr(const char *path, const char *name, void *val,
				size_t size)
{
	char buf[PATH_MAX];

	return real_get()->lgetxattr(path_redirect(AT_FDCWD, path, buf), name,
				     val, size);
}

launch_public ssize_t listxattr(const char *path, char *list, size_t size)
{
	char buf[PATH_MAX];

	return real_get()->listxattr(path_redirect(AT_FDCWD, path, buf), list,
				     size);
}

launch_public ssize_t llistxattr(const char *path, char *list, size_t size)
{
	char buf[PATH_MAX];

	return real_get()->llistxattr(path_redirect(AT_FDCWD, path, buf), list,
				      size);
}

/* -------------------------------------------------------------- links ---- */

/* The descriptor that a path under /proc names; -1: none. */
static int proc_fd(const char *path)
{
	const char *at;
	char *end;
	long fd;

	if (strncmp(path, "/proc/", 6))
		return -1;
	if (!strncmp(path + 6, "self/fd/", 8))
		at = path + 14;
	else if (strtol(path + 6, &end, 10) == getpid() &&
		 !strncmp(end, "/fd/", 4))
		at = end + 4;
	else
		return -1;
	fd = strtol(at, &end, 10);
	return end != at && !*end && fd >= 0 && fd <= INT_MAX ? (int)fd : -1;
}

/* The name of an emulated descriptor, if that is what the link is. */
static const char *emulated_link(int dirfd, const char *path)
{
	char start[PATH_MAX], joined[PATH_MAX + 32], link[64];
	int fd = -1;

	if (!launch_machine())
		return NULL;
	if (path[0] == '/') {
		fd = proc_fd(path);
	} else if (path[0] >= '0' && path[0] <= '9') {
		/* A name in a directory that was opened: /proc/self/fd. */
		ssize_t len;

		snprintf(link, sizeof(link), "/proc/self/fd/%d", dirfd);
		len = real_get()->readlinkat(
			AT_FDCWD, dirfd == AT_FDCWD ? "/proc/self/cwd" : link,
			start, sizeof(start) - 1);
		if (len <= 0)
			return NULL;
		start[len] = '\0';
		snprintf(joined, sizeof(joined), "%s/%.16s", start, path);
		fd = proc_fd(joined);
	}
	return fd >= 0 && launch_abi_of(fd) ? names_get(fd) : NULL;
}

static ssize_t give(char *buf, size_t size, const char *text, size_t len)
{
	if (len > size)
		len = size;
	memcpy(buf, text, len);
	return (ssize_t)len;
}

launch_public ssize_t readlinkat(int dirfd, const char *path, char *buf,
				 size_t size)
{
	char room[PATH_MAX];
	const char *name;
	ssize_t len;

	if (launch_inside || (!launch.env.tree && !launch_machine()) ||
	    !path_readable(path))
		return real_get()->readlinkat(dirfd, path, buf, size);
	name = emulated_link(dirfd, path);
	if (name && size)
		return give(buf, size, name, strlen(name));
	if (!launch.env.tree)
		return real_get()->readlinkat(dirfd, path, buf, size);
	len = real_get()->readlinkat(dirfd, path_redirect(dirfd, path, room),
				     room, sizeof(room) - 1);
	if (len < 0 || !size)
		return real_get()->readlinkat(
			dirfd, path_redirect(dirfd, path, room), buf, size);
	room[len] = '\0';
	return give(buf, size, room, path_strip(room, (size_t)len));
}

launch_public ssize_t readlink(const char *path, char *buf, size_t size)
{
	return readlinkat(AT_FDCWD, path, buf, size);
}

void __chk_fail(void) __attribute__((noreturn));
ssize_t __readlink_chk(const char *path, char *buf, size_t size, size_t room);
ssize_t __readlinkat_chk(int dirfd, const char *path, char *buf, size_t size,
			 size_t room);

launch_public ssize_t __readlink_chk(const char *path, char *buf, size_t size,
				     size_t room)
{
	if (size > room)
		__chk_fail();
	return readlinkat(AT_FDCWD, path, buf, size);
}

launch_public ssize_t __readlinkat_chk(int dirfd, const char *path, char *buf,
				       size_t size, size_t room)
{
	if (size > room)
		__chk_fail();
	return readlinkat(dirfd, path, buf, size);
}

launch_public char *realpath(const char *path, char *out)
{
	char buf[PATH_MAX], *res;

	res = real_get()->realpath(path_redirect(AT_FDCWD, path, buf), out);
	if (res && launch.env.tree && !launch_inside)
		path_strip(res, strlen(res));
	return res;
}

char *__realpath_chk(const char *path, char *out, size_t room);

launch_public char *__realpath_chk(const char *path, char *out, size_t room)
{
	if (room < PATH_MAX)
		__chk_fail();
	return realpath(path, out);
}

launch_public char *canonicalize_file_name(const char *path)
{
	return realpath(path, NULL);
}

/* -------------------------------------------------- streams, directories - */

/* A node opened as a stream: through our open, then the rest by libc. */
static FILE *open_stream(const char *path, const char *mode)
{
	char buf[PATH_MAX];
	const char *abs = launch_inside ? NULL
					: path_absolute(AT_FDCWD, path, buf);
	int fd;

	if (!abs || !path_is_node(abs))
		return real_get()->fopen(path_redirect(AT_FDCWD, path, buf),
					 mode);
	fd = launch_openat(
		AT_FDCWD, path,
		mode[0] == 'r' && !strchr(mode, '+') ? O_RDONLY : O_RDWR, 0);
	return fd < 0 ? NULL : fdopen(fd, mode);
}

launch_public FILE *fopen(const char *path, const char *mode)
{
	return open_stream(path, mode);
}

SAME_AS("fopen") FILE *fopen64(const char *path, const char *mode);

launch_public FILE *freopen(const char *path, const char *mode, FILE *stream)
{
	char buf[PATH_MAX];

	if (path)
		path = path_redirect(AT_FDCWD, path, buf);
	return real_get()->freopen(path, mode, stream);
}

SAME_AS("freopen")
FILE *freopen64(const char *path, const char *mode, FILE *stream);

launch_public DIR *opendir(const char *path)
{
	char buf[PATH_MAX];

	return real_get()->opendir(path_redirect(AT_FDCWD, path, buf));
}

launch_public int scandir(const char *path, struct dirent ***names,
			  int (*filter)(const struct dirent *),
			  int (*compare)(const struct dirent **,
					 const struct dirent **))
{
	char buf[PATH_MAX];

	return real_get()->scandir(path_redirect(AT_FDCWD, path, buf), names,
				   filter, compare);
}

SAME_AS("scandir")
int scandir64(const char *path, struct dirent64 ***names,
	      int (*filter)(const struct dirent64 *),
	      int (*compare)(const struct dirent64 **,
			     const struct dirent64 **));

launch_public int chdir(const char *path)
{
	char buf[PATH_MAX];

	return real_get()->chdir(path_redirect(AT_FDCWD, path, buf));
}

launch_public char *getcwd(char *out, size_t size)
{
	char *res = real_get()->getcwd(out, size);

	if (res && launch.env.tree && !launch_inside)
		path_strip(res, strlen(res));
	return res;
}

/* ----------------------------------------------------- glob, tree walks -- */

static void *glob_opendir(const char *path)
{
	return opendir(path);
}

static struct dirent *glob_readdir(void *dir)
{
	return readdir(dir);
}

static void glob_closedir(void *dir)
{
	closedir(dir);
}

launch_public int glob(const char *pattern, int flags,
		       int (*on_error)(const char *, int), glob_t *result)
{
	if (launch.env.tree && !launch_inside && !(flags & GLOB_ALTDIRFUNC)) {
		result->gl_opendir = glob_opendir;
		result->gl_readdir = glob_readdir;
		result->gl_closedir = glob_closedir;
		result->gl_stat = stat;
		result->gl_lstat = lstat;
		flags |= GLOB_ALTDIRFUNC;
	}
	return real_get()->glob(pattern, flags, on_error, result);
}

SAME_AS("glob")
int glob64(const char *pattern, int flags, int (*on_error)(const char *, int),
	   glob64_t *result);

/* The walk that this thread is in, for the callback. */
static launch_tls struct {
	__nftw_func_t fn;
	size_t cut;
} walk;

static int walk_cut(const char *path, const struct stat *st, int type,
		    struct FTW *ftw)
{
	/* A copy: libc goes on building paths by the original. */
	struct FTW seen = *ftw;

	seen.base -= (int)walk.cut;
	return walk.fn(path + walk.cut, st, type, &seen);
}

launch_public int nftw(const char *path, __nftw_func_t fn, int depth, int flags)
{
	char buf[PATH_MAX];
	const char *at = path_redirect(AT_FDCWD, path, buf);
	__typeof__(walk) outer = walk;
	int rc;

	if (at == path)
		return real_get()->nftw(path, fn, depth, flags);
	walk.fn = fn;
	walk.cut = launch.env.tree_len;
	rc = real_get()->nftw(at, walk_cut, depth, flags);
	walk = outer;
	return rc;
}

SAME_AS("nftw")
int nftw64(const char *path, __nftw64_func_t fn, int depth, int flags);
