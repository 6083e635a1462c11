/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * env.h - the compile-time seam between the freestanding parts of uiommu
 * (pgtable/, driver/) and whoever builds them.
 *
 * An integrator who has no libc replaces this one header.  It supplies
 *   - error numbers, with the values Linux gives them,
 *   - memcpy, memmove, memset, memcmp,
 *   - UIOMMU_ASSERT(), which may compile to nothing.
 * Functions return 0 or a positive result on success and a negated error
 * number on failure.
 */
#ifndef UIOMMU_ENV_H
#define UIOMMU_ENV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef EPERM
#define EPERM 1
#endif
#ifndef ENOENT
#define ENOENT 2
#endif
#ifndef EIO
#define EIO 5
#endif
#ifndef E2BIG
#define E2BIG 7
#endif
#ifndef EBADF
#define EBADF 9
#endif
#ifndef EAGAIN
#define EAGAIN 11
#endif
#ifndef ENOMEM
#define ENOMEM 12
#endif
#ifndef EACCES
#define EACCES 13
#endif
#ifndef EFAULT
#define EFAULT 14
#endif
#ifndef EBUSY
#define EBUSY 16
#endif
#ifndef EEXIST
#define EEXIST 17
#endif
#ifndef ENODEV
#define ENODEV 19
#endif
#ifndef EINVAL
#define EINVAL 22
#endif
#ifndef ENOTTY
#define ENOTTY 25
#endif
#ifndef ENOSPC
#define ENOSPC 28
#endif
#ifndef ERANGE
#define ERANGE 34
#endif
#ifndef EDEADLK
#define EDEADLK 35
#endif
#ifndef EOVERFLOW
#define EOVERFLOW 75
#endif
#ifndef EMSGSIZE
#define EMSGSIZE 90
#endif
#ifndef EOPNOTSUPP
#define EOPNOTSUPP 95
#endif
#ifndef EADDRINUSE
#define EADDRINUSE 98
#endif
#ifndef ETIMEDOUT
#define ETIMEDOUT 110
#endif
#ifndef EINPROGRESS
#define EINPROGRESS 115
#endif

#ifdef __cplusplus
extern "C" {
#endif
void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
#ifdef __cplusplus
}
#endif

/*
 * A broken invariant of ours, never a reaction to input.  The default stops
 * the program at the spot; define UIOMMU_ASSERT before including this header,
 * or replace the header, to do otherwise.
 */
#ifndef UIOMMU_ASSERT
#ifdef NDEBUG
#define UIOMMU_ASSERT(cond) ((void)sizeof(cond))
#else
#define UIOMMU_ASSERT(cond) ((cond) ? (void)0 : __builtin_trap())
#endif
#endif

#endif /* UIOMMU_ENV_H */
