/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * real.h - the functions that the interposed ones stand in front of.
 *
 * One list; `real.<name>` is what the next library in the chain (libc, or a
 * sanitizer's run-time) has under that name.
 */
#ifndef LAUNCH_REAL_H
#define LAUNCH_REAL_H

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

/* What _FORTIFY_SOURCE calls; not in a header. */
void __longjmp_chk(sigjmp_buf env, int val) __attribute__((noreturn));

/* clang-format off */
#define REAL_FUNCTIONS(X)                                              \
	X(openat) X(close) X(close_range) X(closefrom)                 \
	X(dup) X(dup2) X(dup3) X(fcntl) X(ioctl)                       \
	X(read) X(write) X(pread) X(pwrite)                            \
	X(readv) X(writev) X(preadv) X(pwritev)                        \
	X(mmap) X(munmap) X(mprotect) X(madvise) X(mremap)             \
	X(free) X(realloc)                                             \
	X(sigaction) X(signal) X(sigprocmask) X(pthread_sigmask)       \
	X(execve) X(execvpe) X(fexecve) X(execveat)                    \
	X(posix_spawn) X(posix_spawnp)                                 \
	X(_exit) X(abort) X(quick_exit) X(syscall)                     \
	X(fopen) X(freopen) X(opendir) X(scandir)                      \
	X(fstatat) X(statx) X(statfs) X(faccessat) X(eaccess)          \
	X(readlinkat) X(realpath) X(glob) X(nftw) X(chdir) X(getcwd)     \
	X(getxattr) X(lgetxattr) X(listxattr) X(llistxattr)            \
	X(longjmp) X(_longjmp) X(siglongjmp) X(__longjmp_chk)         \
	X(pthread_rwlock_init) X(pthread_rwlock_rdlock)               \
	X(pthread_rwlock_wrlock) X(pthread_rwlock_unlock)
/* clang-format on */

struct real {
#define REAL_MEMBER(name) __typeof__(&name) name;
	REAL_FUNCTIONS(REAL_MEMBER)
#undef REAL_MEMBER
};

extern struct real real;

/* Before the constructor others of the program may already call us. */
void real_resolve(void);

/* The table, filled in. */
static inline const struct real *real_get(void)
{
	if (__builtin_expect(!real.syscall, 0))
		real_resolve();
	return &real;
}

#endif /* LAUNCH_REAL_H */
