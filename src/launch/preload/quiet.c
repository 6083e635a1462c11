/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locks that a sanitizer in the program must not follow.
 *
 * The machine's gate is taken for writing around fork and made anew in the
 * child, where its owner's thread does not exist under its old number.
 * ThreadSanitizer would take that for an error of the program.  The linker
 * sends this library's own calls here, past the sanitizer's.
 */
#include "preload.h"

int __wrap_pthread_rwlock_init(pthread_rwlock_t *lock,
			       const pthread_rwlockattr_t *attr);
int __wrap_pthread_rwlock_rdlock(pthread_rwlock_t *lock);
int __wrap_pthread_rwlock_wrlock(pthread_rwlock_t *lock);
int __wrap_pthread_rwlock_unlock(pthread_rwlock_t *lock);

int __wrap_pthread_rwlock_init(pthread_rwlock_t *lock,
			       const pthread_rwlockattr_t *attr)
{
	return real_get()->pthread_rwlock_init(lock, attr);
}

int __wrap_pthread_rwlock_rdlock(pthread_rwlock_t *lock)
{
	return real_get()->pthread_rwlock_rdlock(lock);
}

int __wrap_pthread_rwlock_wrlock(pthread_rwlock_t *lock)
{
	return real_get()->pthread_rwlock_wrlock(lock);
}

int __wrap_pthread_rwlock_unlock(pthread_rwlock_t *lock)
{
	return real_get()->pthread_rwlock_unlock(lock);
}
