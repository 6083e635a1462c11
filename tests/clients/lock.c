/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory for devices, of another kind than the usual.  The argument:
 *   memfd	a file in memory, mapped by its descriptor
 *   limit	more than may be locked, once the right to that is given up
 */
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "client.h"

#define IOVA 0x10000000u
#define FILE_IOVA 0x20000000u
#define PAGE 4096u
#define SMALL (16 * PAGE)

static int map_file(struct client *c, int fd, uint64_t start, uint64_t len,
		    uint64_t iova)
{
	struct iommu_ioas_map_file map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = c->ioas,
		.fd = fd,
		.start = start,
		.length = len,
		.iova = iova,
	};

	return ioctl(c->iommufd, IOMMU_IOAS_MAP_FILE, &map);
}

static void of_a_memfd(struct client *c)
{
	uint8_t *own = aligned_alloc(PAGE, SMALL), *seen;
	int fd = memfd_create("client", MFD_CLOEXEC);

	CHECK(fd >= 0);
	CHECK(!ftruncate(fd, 4 * PAGE));
	client_map(c, IOVA, own, SMALL);
	CHECK_FAILS(map_file(c, fd, 0, 5 * PAGE, FILE_IOVA), EINVAL);
	CHECK_FAILS(map_file(c, 99, 0, PAGE, FILE_IOVA), EBADF);
	CHECK(!map_file(c, fd, PAGE, 3 * PAGE, FILE_IOVA));
	seen = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(seen != MAP_FAILED);
	close(fd);
	client_start_ioat(c);
	memset(own + PAGE, 0x5a, PAGE);
	CHECK(client_copy(c, (struct ioat_desc *)own, IOVA, FILE_IOVA + PAGE,
			  IOVA + PAGE, PAGE) == STS_DONE);
	CHECK(seen[2 * PAGE] == 0x5a && seen[3 * PAGE - 1] == 0x5a);
	CHECK(!seen[2 * PAGE - 1]);
	CHECK(!munmap(seen, 4 * PAGE));
	memset(own + PAGE, 0, PAGE);
	CHECK(client_copy(c, (struct ioat_desc *)own, IOVA, IOVA + PAGE,
			  FILE_IOVA + PAGE, PAGE) == STS_DONE);
	CHECK(own[PAGE] == 0x5a);
	client_unmap(c, FILE_IOVA, 3 * PAGE);
	client_unmap(c, IOVA, SMALL);
	free(own);
}

/* Give it up; was it there? */
static int drop_ipc_lock(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	const unsigned int bit = 1u << CAP_IPC_LOCK;

	CHECK(!syscall(SYS_capget, &head, data));
	if (!(data[0].effective & bit))
		return 0;
	data[0].effective &= ~bit;
	CHECK(!syscall(SYS_capset, &head, data));
	return 1;
}

static void at_the_limit(struct client *c)
{
	uint8_t *mem = aligned_alloc(PAGE, 2 * SMALL);
	struct rlimit limit;
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE,
		.ioas_id = c->ioas,
		.user_va = (uintptr_t)mem,
		.length = 2 * SMALL,
		.iova = IOVA,
	};

	CHECK(!getrlimit(RLIMIT_MEMLOCK, &limit));
	limit.rlim_cur = SMALL;
	CHECK(!setrlimit(RLIMIT_MEMLOCK, &limit));
	client_map(c, IOVA, mem, 2 * SMALL);
	client_unmap(c, IOVA, 2 * SMALL);
	if (drop_ipc_lock()) {
		CHECK_FAILS(ioctl(c->iommufd, IOMMU_IOAS_MAP, &map), ENOMEM);
	} else {
		/* Who never had it is not held to the limit. */
		CHECK(!ioctl(c->iommufd, IOMMU_IOAS_MAP, &map));
		client_unmap(c, IOVA, 2 * SMALL);
	}
	client_map(c, IOVA, mem, SMALL);
	client_unmap(c, IOVA, SMALL);
	free(mem);
}

int main(int argc, char **argv)
{
	struct client c;

	CHECK(argc == 2);
	client_open(&c);
	if (!strcmp(argv[1], "memfd"))
		of_a_memfd(&c);
	else
		at_the_limit(&c);
	close(c.device);
	close(c.iommufd);
	return 0;
}
