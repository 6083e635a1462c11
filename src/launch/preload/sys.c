/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * syscall(2): programs that call the kernel by number through libc.  The
 * numbers that other files of this library care about go their way; the rest
 * goes to libc's function.
 */
#include <stdarg.h>
#include <sys/syscall.h>

#include "preload.h"

static long file_call(long nr, const long a[6], bool *known)
{
	*known = true;
	switch (nr) {
	case SYS_open:
		return launch_openat(AT_FDCWD, (const char *)a[0], (int)a[1],
				     (unsigned int)a[2]);
	case SYS_openat:
		return launch_openat((int)a[0], (const char *)a[1], (int)a[2],
				     (unsigned int)a[3]);
	case SYS_close:
		return close((int)a[0]);
	case SYS_close_range:
		return close_range((unsigned int)a[0], (unsigned int)a[1],
				   (int)a[2]);
	case SYS_dup:
		return dup((int)a[0]);
	case SYS_dup2:
		return dup2((int)a[0], (int)a[1]);
	case SYS_dup3:
		return dup3((int)a[0], (int)a[1], (int)a[2]);
	case SYS_fcntl:
		return fcntl((int)a[0], (int)a[1], a[2]);
	case SYS_ioctl:
		return ioctl((int)a[0], (unsigned long)a[1], a[2]);
	case SYS_read:
		return read((int)a[0], (void *)a[1], (size_t)a[2]);
	case SYS_write:
		return write((int)a[0], (const void *)a[1], (size_t)a[2]);
	case SYS_pread64:
		return pread((int)a[0], (void *)a[1], (size_t)a[2], a[3]);
	case SYS_pwrite64:
		return pwrite((int)a[0], (const void *)a[1], (size_t)a[2],
			      a[3]);
	default:
		*known = false;
		return 0;
	}
}

static long memory_call(long nr, const long a[6], bool *known)
{
	*known = true;
	switch (nr) {
	case SYS_mmap:
		return (long)launch_mmap((void *)a[0], (size_t)a[1], (int)a[2],
					 (int)a[3], (int)a[4], a[5]);
	case SYS_munmap:
		return launch_munmap((void *)a[0], (size_t)a[1]);
	case SYS_mprotect:
		return launch_mprotect((void *)a[0], (size_t)a[1], (int)a[2]);
	case SYS_madvise:
		return launch_madvise((void *)a[0], (size_t)a[1], (int)a[2]);
	case SYS_mremap:
		return (long)launch_mremap((void *)a[0], (size_t)a[1],
					   (size_t)a[2], (int)a[3],
					   (void *)a[4]);
	case SYS_exit_group:
		launch_report(true);
		*known = false;
		return 0;
	default:
		*known = false;
		return 0;
	}
}

launch_public long syscall(long nr, ...)
{
	bool known = false;
	long a[6], rc = 0;
	va_list ap;

	va_start(ap, nr);
	for (unsigned int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (!launch_inside)
		rc = file_call(nr, a, &known);
	if (!known && !launch_inside)
		rc = memory_call(nr, a, &known);
	if (known)
		return rc;
	return real_get()->syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}
