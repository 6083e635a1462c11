/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dma-bufs of memory that nobody else has, to be mapped and taken away.
 */
#include "mock.h"

#include <fcntl.h>
#include <sys/mman.h>

#define PAGES_MAX 512

struct memory {
	struct uiommu_abi *abi;
	void *at;
	size_t size;
};

static void memory_free(void *owner)
{
	struct memory *memory = owner;

	munmap(memory->at, memory->size);
	abi_free(memory->abi, memory);
}

static struct memory *memory_new(struct uiommu_abi *abi, size_t size)
{
	struct memory *memory = abi_alloc(abi, sizeof(*memory));

	if (!memory)
		return NULL;
	memory->abi = abi;
	memory->size = size;
	memory->at = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory->at == MAP_FAILED) {
		abi_free(abi, memory);
		return NULL;
	}
	return memory;
}

/* The descriptor is what the call returns, as the tests want it. */
int test_dmabuf_get(struct ufd_call *call)
{
	const struct test_cmd *cmd = call->cmd;
	uint64_t size = align_up_lg2(cmd->dmabuf_get.length, 12);
	struct abi_dmabuf *buf;
	struct memory *memory;
	int rc;

	if (!size || size > PAGES_MAX * TEST_PAGE)
		return -EINVAL;
	memory = memory_new(call->abi, size);
	if (!memory)
		return -ENOMEM;
	rc = abi_dmabuf_create(call->abi, call->abi->host.mm,
			       (uintptr_t)memory->at, size, memory_free, memory,
			       &buf);
	if (rc) {
		memory_free(memory);
		return rc;
	}
	rc = abi_fd_install(
		call->abi, abi_dmabuf_file(buf), "anon_inode:dmabuf",
		O_RDWR | ((int)cmd->dmabuf_get.open_flags & O_CLOEXEC));
	if (rc < 0)
		abi_file_put(abi_dmabuf_file(buf));
	return rc;
}

int test_dmabuf_revoke(struct ufd_call *call)
{
	const struct test_cmd *cmd = call->cmd;
	struct abi_file *file = abi_fd_get(call->abi, cmd->dmabuf_revoke.fd);
	struct abi_dmabuf *buf;

	if (!file)
		return -EBADF;
	buf = abi_dmabuf_of(file);
	if (buf)
		abi_dmabuf_revoke(buf, cmd->dmabuf_revoke.revoked);
	abi_file_put(file);
	return buf ? 0 : -EINVAL;
}
