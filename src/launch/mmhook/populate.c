/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making pages present.  The kernel does it without an access by us
 * (MADV_POPULATE_*, Linux 5.14); before that we touch each page, guarded.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <uiommu/host.h>

#include "mmhook.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

static int touch(uint64_t page, bool write)
{
	uint64_t *word = (uint64_t *)(uintptr_t)page, seen;
	int rc = uiommu_guard_copy(&seen, word, sizeof(seen));

	/* Writing what is there: whoever writes meanwhile wins. */
	return rc || !write ? rc : uiommu_guard_cmpxchg64(word, &seen, seen);
}

int mm_populate_by_touch(uint64_t uva, uint64_t len, bool write)
{
	int rc = uiommu_guard_install();

	for (uint64_t at = 0; !rc && at < len; at += MM_PAGE)
		rc = touch(uva + at, write);
	return rc;
}

static long populate(uint64_t uva, uint64_t len, bool write)
{
	unsigned int tries = 16;
	long rc;

	do
		rc = mm_sys(SYS_madvise, uva, len,
			    write ? MADV_POPULATE_WRITE : MADV_POPULATE_READ, 0,
			    0, 0);
	while ((rc == -EINTR || rc == -EAGAIN) && --tries);
	return rc;
}

/* Does the kernel know how?  It says EINVAL to no right as well. */
static bool is_known(void)
{
	static const uint64_t ours;

	return !populate((uintptr_t)&ours & ~(MM_PAGE - 1), MM_PAGE, false);
}

int mm_populate(void *ctx, uint64_t uva, uint64_t len, bool write)
{
	struct mm_state *state = mm_state_get();
	uint64_t first = uva & ~(MM_PAGE - 1), end;
	long rc;

	if (!len)
		return 0;
	if (uva >= MM_VA_END || len > MM_VA_END - uva)
		return -EFAULT;
	end = (uva + len + MM_PAGE - 1) & ~(MM_PAGE - 1);
	/* First, so that there is no time in which nobody would be told. */
	if (state)
		mm_net_enter(state, first, end - 1);
	rc = populate(first, end - first, write);
	if (!rc)
		return 0;
	if (rc == -EINVAL && !is_known())
		return mm_populate_by_touch(first, end - first, write);
	return -EFAULT;
}
