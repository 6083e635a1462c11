/* SPDX-License-Identifier: BSD-2-Clause */
/* file_test.c - memory of files, mapped for DMA by IOMMU_IOAS_MAP_FILE. */
#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/mman.h>

#include <uiommu/uapi/iommufd.h>

#define IOVA UINT64_C(0x10000000)
#define RING UINT64_C(0x20000000)
#define PAGE 0x1000u
#define BLOCK 0x200000u

struct world {
	struct uiommu_machine *machine;
	struct client c;
	uint8_t *ring; /* descriptor at 0, data at PAGE */
	int fd;	       /* a memfd of 8 pages */
	uint8_t *mem;  /* it, as the program sees it */
};

static int memfd(size_t size, unsigned int flags)
{
	int fd = memfd_create("file_test", MFD_CLOEXEC | flags);

	if (fd >= 0)
		assert_int_equal(ftruncate(fd, (off_t)size), 0);
	return fd;
}

static void setup(struct world *w)
{
	memset(w, 0, sizeof(*w));
	guard_ok();
	w->machine = machine_ok(NULL);
	client_open_iommufd(&w->c, w->machine, 0);
	w->ring = pages_ok(2 * PAGE);
	client_map_ok(&w->c, w->ring, 2 * PAGE, RING);
	w->fd = memfd(8 * PAGE, 0);
	assert_true(w->fd >= 0);
	w->mem = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, w->fd,
		      0);
	assert_true(w->mem != MAP_FAILED);
	ioat_init(&w->c);
}

static void teardown(struct world *w)
{
	client_close(&w->c);
	uiommu_machine_destroy(w->machine);
	pages_free(w->ring, 2 * PAGE);
	if (w->mem)
		munmap(w->mem, 8 * PAGE);
	close(w->fd);
}

static int map_file(struct world *w, int fd, uint32_t flags, uint64_t start,
		    uint64_t len, uint64_t iova)
{
	struct iommu_ioas_map_file cmd = {
		.size = sizeof(cmd),
		.flags = flags | IOMMU_IOAS_MAP_FIXED_IOVA |
			 IOMMU_IOAS_MAP_READABLE,
		.ioas_id = w->c.ioas_id,
		.fd = fd,
		.start = start,
		.length = len,
		.iova = iova,
	};

	return (int)client_ioctl(w->c.abi, w->c.space_fd, IOMMU_IOAS_MAP_FILE,
				 &cmd);
}

#define WRITE IOMMU_IOAS_MAP_WRITEABLE

static unsigned int dma(struct world *w, uint64_t dst, uint64_t src)
{
	unsigned int state;

	state = ioat_copy(&w->c, (struct ioat_desc *)w->ring, RING, dst, src,
			  64);
	if (state == IOAT_STS_HALTED)
		ioat_init(&w->c);
	return state;
}

/* Both ways, in the part that is mapped; the file may be closed meanwhile. */
static void device_and_program_share_a_file(void **state)
{
	struct world w;

	setup(&w);
	assert_int_equal(map_file(&w, w.fd, WRITE, 2 * PAGE, 4 * PAGE, IOVA),
			 0);
	close(w.fd);
	memset(w.ring + PAGE, 0x5a, 64);
	assert_int_equal(dma(&w, IOVA + PAGE + 128, RING + PAGE),
			 IOAT_STS_DONE);
	assert_int_equal(w.mem[3 * PAGE + 128], 0x5a);
	assert_int_equal(w.mem[3 * PAGE + 127], 0);
	memset(w.mem + 5 * PAGE, 0xa5, 64);
	assert_int_equal(dma(&w, RING + PAGE, IOVA + 3 * PAGE), IOAT_STS_DONE);
	assert_int_equal(w.ring[PAGE + 63], 0xa5);
	assert_int_equal(dma(&w, IOVA + 4 * PAGE, RING + PAGE),
			 IOAT_STS_HALTED);
	/* Nor does it need the program's mapping. */
	munmap(w.mem, 8 * PAGE);
	w.mem = NULL;
	assert_int_equal(dma(&w, IOVA, RING + PAGE), IOAT_STS_DONE);
	assert_int_equal(client_unmap(&w.c, IOVA, 4 * PAGE), 0);
	assert_int_equal(dma(&w, IOVA, RING + PAGE), IOAT_STS_HALTED);
	w.fd = -1;
	teardown(&w);
}

static void read_only(void **state)
{
	struct world w;

	setup(&w);
	memset(w.mem, 0x77, 64);
	assert_int_equal(map_file(&w, w.fd, 0, 0, PAGE, IOVA), 0);
	assert_int_equal(dma(&w, RING + PAGE, IOVA), IOAT_STS_DONE);
	assert_int_equal(w.ring[PAGE], 0x77);
	assert_int_equal(dma(&w, IOVA, RING + PAGE), IOAT_STS_HALTED);
	teardown(&w);
}

/* The kernel's answers where there is no such memory. */
static void no_memory_there(void **state)
{
	char path[] = "/var/tmp/uiommu-file-XXXXXX";
	struct world w;
	int fd, pipes[2];

	setup(&w);
	assert_int_equal(map_file(&w, -1, 0, 0, PAGE, IOVA), -EBADF);
	assert_int_equal(map_file(&w, 999, 0, 0, PAGE, IOVA), -EBADF);
	assert_int_equal(map_file(&w, w.fd, WRITE, 7 * PAGE, 2 * PAGE, IOVA),
			 -EINVAL);
	assert_int_equal(map_file(&w, w.fd, WRITE, 1000 * PAGE, PAGE, IOVA),
			 -EINVAL);
	assert_int_equal(map_file(&w, w.fd, WRITE, INT64_MAX & ~UINT64_C(4095),
				  PAGE, IOVA),
			 -EINVAL);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(map_file(&w, pipes[0], 0, 0, PAGE, IOVA), -EINVAL);
	close(pipes[0]);
	close(pipes[1]);
	/* The descriptor of an iommufd is a file as well. */
	assert_int_equal(map_file(&w, w.c.space_fd, 0, 0, PAGE, IOVA), -EINVAL);
	fd = mkstemp(path);
	if (fd >= 0) {
		unlink(path);
		assert_int_equal(ftruncate(fd, PAGE), 0);
		assert_int_equal(map_file(&w, fd, 0, 0, PAGE, IOVA), -EINVAL);
		close(fd);
	}
	/* Nothing is left: the place is free. */
	assert_int_equal(map_file(&w, w.fd, WRITE, 0, 8 * PAGE, IOVA), 0);
	assert_int_equal(ftruncate(w.fd, 0), 0);
	assert_int_equal(map_file(&w, w.fd, WRITE, 0, PAGE, IOVA + 8 * PAGE),
			 -EINVAL);
	/* What was cut off under the device ends its accesses, not us. */
	assert_int_equal(dma(&w, IOVA, RING + PAGE), IOAT_STS_HALTED);
	teardown(&w);
}

/* Two maps of one file, and the program's memory of it. */
static void mapped_twice(void **state)
{
	struct world w;

	setup(&w);
	assert_int_equal(map_file(&w, w.fd, WRITE, 0, 8 * PAGE, IOVA), 0);
	assert_int_equal(map_file(&w, w.fd, WRITE, PAGE, PAGE, IOVA + BLOCK),
			 0);
	client_map_ok(&w.c, w.mem, 8 * PAGE, IOVA + 2 * BLOCK);
	memset(w.ring + PAGE, 0x11, 64);
	assert_int_equal(dma(&w, IOVA + PAGE, RING + PAGE), IOAT_STS_DONE);
	assert_int_equal(w.mem[PAGE], 0x11);
	assert_int_equal(client_unmap(&w.c, IOVA, 8 * PAGE), 0);
	memset(w.ring + PAGE, 0x22, 64);
	assert_int_equal(dma(&w, IOVA + BLOCK, RING + PAGE), IOAT_STS_DONE);
	assert_int_equal(w.mem[PAGE], 0x22);
	memset(w.ring + PAGE, 0x33, 64);
	assert_int_equal(dma(&w, IOVA + 2 * BLOCK + PAGE, RING + PAGE),
			 IOAT_STS_DONE);
	assert_int_equal(w.mem[PAGE], 0x33);
	assert_int_equal(dma(&w, RING + PAGE, IOVA + BLOCK), IOAT_STS_DONE);
	assert_int_equal(w.ring[PAGE], 0x33);
	teardown(&w);
}

/* Of huge pages, if the system has some; a map does not make it larger. */
static void huge_pages(void **state)
{
	struct world w;
	uint8_t *mem;
	int fd;

	setup(&w);
	fd = memfd(BLOCK, MFD_HUGETLB | 21u << 26);
	mem = fd < 0 ? MAP_FAILED
		     : mmap(NULL, BLOCK, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_POPULATE, fd, 0);
	if (mem == MAP_FAILED) {
		print_message("# no huge pages here\n");
		if (fd >= 0)
			close(fd);
		teardown(&w);
		return;
	}
	assert_int_equal(map_file(&w, fd, WRITE, BLOCK, PAGE, IOVA), -EINVAL);
	assert_int_equal(lseek(fd, 0, SEEK_END), BLOCK);
	assert_int_equal(map_file(&w, fd, WRITE, 5 * PAGE, 3 * PAGE, IOVA), 0);
	memset(w.ring + PAGE, 0x44, 64);
	assert_int_equal(dma(&w, IOVA + PAGE, RING + PAGE), IOAT_STS_DONE);
	assert_int_equal(mem[6 * PAGE], 0x44);
	close(fd);
	munmap(mem, BLOCK);
	teardown(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(device_and_program_share_a_file),
		cmocka_unit_test(read_only),
		cmocka_unit_test(no_memory_there),
		cmocka_unit_test(mapped_twice),
		cmocka_unit_test(huge_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
