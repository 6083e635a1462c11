/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * User memory: every byte that crosses between a client and the ABI does so
 * here, through the host's two copy functions.
 *
 * Addresses come from clients and mean nothing until a copy succeeds.  A copy
 * that fails may have moved a part; callers treat what they copied in as
 * garbage then.
 */
#include <errno.h>
#include <string.h>

#include "base/overflow.h"
#include "private.h"

#define ENAMETOOLONG_LINUX 36

/* Pieces in which unknown lengths are read, and never across this boundary. */
#define PIECE 256u

int abi_copy_from(struct uiommu_abi *abi, void *dst, uint64_t uva, size_t len)
{
	uint64_t end;

	if (!len)
		return 0;
	if (add_overflows(uva, (uint64_t)len, &end))
		return -EFAULT;
	return abi->host.copy_from(abi->host.ctx, dst, uva, len);
}

int abi_copy_to(struct uiommu_abi *abi, uint64_t uva, const void *src,
		size_t len)
{
	uint64_t end;

	if (!len)
		return 0;
	if (add_overflows(uva, (uint64_t)len, &end))
		return -EFAULT;
	return abi->host.copy_to(abi->host.ctx, uva, src, len);
}

/* Length of the piece of [uva, uva+len) that ends at a multiple of PIECE. */
static size_t piece_len(uint64_t uva, uint64_t len)
{
	uint64_t room = PIECE - uva % PIECE;

	return (size_t)(len < room ? len : room);
}

/*
 * Are all bytes zero?  0, -E2BIG or -EFAULT, whichever comes first in memory:
 * a piece lies in one page, so that it is readable as a whole or not at all.
 */
static int check_zero(struct uiommu_abi *abi, uint64_t uva, uint64_t len)
{
	uint8_t buf[PIECE];
	size_t n, i;
	int rc;

	for (; len; uva += n, len -= n) {
		n = piece_len(uva, len);
		rc = abi_copy_from(abi, buf, uva, n);
		if (rc)
			return rc;
		for (i = 0; i < n; i++) {
			if (buf[i])
				return -E2BIG;
		}
	}
	return 0;
}

int abi_copy_struct_from(struct uiommu_abi *abi, void *dst, size_t size,
			 uint64_t uva, size_t user_size)
{
	size_t known = user_size < size ? user_size : size;
	int rc;

	if (user_size > size) {
		rc = check_zero(abi, uva + size, user_size - size);
		if (rc)
			return rc;
	}
	rc = abi_copy_from(abi, dst, uva, known);
	if (rc)
		return rc;
	memset((char *)dst + known, 0, size - known);
	return 0;
}

int abi_copy_string(struct uiommu_abi *abi, char *dst, size_t size,
		    uint64_t uva)
{
	size_t done = 0, n;
	int rc;

	while (done < size) {
		n = piece_len(uva + done, size - done);
		rc = abi_copy_from(abi, dst + done, uva + done, n);
		if (rc)
			return rc;
		if (memchr(dst + done, 0, n))
			return 0;
		done += n;
	}
	return -ENAMETOOLONG_LINUX;
}
