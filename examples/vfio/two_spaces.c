/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * two_spaces.c - two devices, one IOVA, two address spaces.
 *
 * Two Intel IOAT DMA engines, each bound to vfio-pci, are attached to an IO
 * address space of their own.  The same IOVA means other memory in each.  Both
 * engines copy within their space; then one reaches for an IOVA that only the
 * other space has, and for one that neither has, and must be stopped.
 *
 * It uses nothing but Linux's headers, and runs the same on a server with two
 * such engines (vfio-pci bound) and under
 *
 *	uiommu run --device ioat,ioat -- two_spaces 0000:01:00.0 0000:02:00.0
 *
 * Exit status: 0 isolated, 1 not, 2 the devices cannot be used.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* Distributions before Linux 6.6 lack these; our statement of the ABI helps. */
#if defined(__has_include) && __has_include(<linux/iommufd.h>)
#include <linux/iommufd.h>
#include <linux/vfio.h>
#else
#include <uiommu/uapi/iommufd.h>
#include <uiommu/uapi/vfio.h>
#endif

#define BUFFER_SIZE (64 * 1024)
#define COPY_SIZE 4096
/* Where in the buffer things stand. */
#define DESCRIPTOR 0
#define COMPLETION 1024
#define SOURCE 4096
#define TARGET 8192

/* The IOVA that both spaces use, one that only the second has, one of none. */
#define COMMON_IOVA UINT64_C(0x10000000)
#define SECOND_IOVA UINT64_C(0x20000000)
#define NOBODYS_IOVA UINT64_C(0x40000000)

/* IOAT: registers of the chip and of its first channel. */
enum {
	IOAT_CBVER = 0x08,
	IOAT_CHANCTRL = 0x80,
	IOAT_CHANCMD = 0x84,
	IOAT_DMACOUNT = 0x86,
	IOAT_CHANSTS = 0x88,
	IOAT_CHAINADDR = 0x90,
	IOAT_CHANCMP = 0x98,
	IOAT_CHANERR = 0xa8,
};

enum {
	CHANCTRL_RUN = 0x0009,
	CHANCMD_RESET = 0x20
};
enum {
	STATUS_ACTIVE,
	STATUS_DONE,
	STATUS_SUSPENDED,
	STATUS_HALTED
};

/* One copy; the channel writes its status to CHANCMP when it is through. */
struct ioat_descriptor {
	uint32_t size;
	uint32_t control;
	uint64_t source;
	uint64_t target;
	uint64_t next;
	uint64_t reserved[4];
};

#define CONTROL_WRITE_COMPLETION (1u << 3)

struct engine {
	const char *bdf;
	int fd;
	uint32_t ioas;
	volatile uint8_t *regs;
	uint8_t *buffer; /* what COMMON_IOVA means to this engine */
};

static void fail(const char *what, const char *which)
{
	fprintf(stderr, "two_spaces: %s: %s: %s\n", which, what,
		strerror(errno));
	exit(2);
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Open the vfio character device of a PCI function. */
static int open_device(const char *bdf)
{
	char path[300];
	struct dirent *entry;
	DIR *dir;
	int fd = -1;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vfio-dev", bdf);
	dir = opendir(path);
	if (!dir)
		fail("no such device bound to vfio-pci", bdf);
	while (fd < 0 && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, "vfio", 4) != 0)
			continue;
		snprintf(path, sizeof(path), "/dev/vfio/devices/%s",
			 entry->d_name);
		fd = open(path, O_RDWR);
		if (fd < 0)
			fail(path, bdf);
	}
	closedir(dir);
	if (fd < 0) {
		errno = ENODEV;
		fail("no vfio character device", bdf);
	}
	return fd;
}

static uint32_t new_space(int iommufd)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };

	if (ioctl(iommufd, IOMMU_IOAS_ALLOC, &alloc))
		fail("IOMMU_IOAS_ALLOC", "/dev/iommu");
	return alloc.out_ioas_id;
}

static void map(int iommufd, uint32_t ioas, uint64_t iova, void *memory)
{
	struct iommu_ioas_map m = {
		.size = sizeof(m),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = ioas,
		.user_va = (uintptr_t)memory,
		.length = BUFFER_SIZE,
		.iova = iova,
	};

	if (ioctl(iommufd, IOMMU_IOAS_MAP, &m))
		fail("IOMMU_IOAS_MAP", "/dev/iommu");
}

static uint8_t *new_buffer(void)
{
	void *memory = mmap(NULL, BUFFER_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		fail("mmap", "buffer");
	return memory;
}

/* Let the function master the bus and answer memory accesses. */
static void enable_pci(struct engine *e)
{
	struct vfio_region_info config = {
		.argsz = sizeof(config),
		.index = VFIO_PCI_CONFIG_REGION_INDEX,
	};
	uint16_t command;

	if (ioctl(e->fd, VFIO_DEVICE_GET_REGION_INFO, &config) ||
	    pread(e->fd, &command, 2, (off_t)config.offset + 4) != 2)
		fail("configuration space", e->bdf);
	command |= 0x6; /* memory, bus master */
	if (pwrite(e->fd, &command, 2, (off_t)config.offset + 4) != 2)
		fail("configuration space", e->bdf);
}

static void map_registers(struct engine *e)
{
	struct vfio_region_info bar = {
		.argsz = sizeof(bar),
		.index = VFIO_PCI_BAR0_REGION_INDEX,
	};
	void *regs;

	if (ioctl(e->fd, VFIO_DEVICE_GET_REGION_INFO, &bar))
		fail("VFIO_DEVICE_GET_REGION_INFO", e->bdf);
	regs = mmap(NULL, bar.size, PROT_READ | PROT_WRITE, MAP_SHARED, e->fd,
		    (off_t)bar.offset);
	if (regs == MAP_FAILED)
		fail("mapping BAR 0", e->bdf);
	e->regs = regs;
}

/* Bind to iommufd, attach to a space of its own, get at the registers. */
static void open_engine(struct engine *e, const char *bdf, int iommufd)
{
	struct vfio_device_bind_iommufd bind = {
		.argsz = sizeof(bind),
		.iommufd = iommufd,
	};
	struct vfio_device_attach_iommufd_pt attach = {
		.argsz = sizeof(attach),
	};

	e->bdf = bdf;
	e->fd = open_device(bdf);
	e->ioas = new_space(iommufd);
	e->buffer = new_buffer();
	map(iommufd, e->ioas, COMMON_IOVA, e->buffer);
	if (ioctl(e->fd, VFIO_DEVICE_BIND_IOMMUFD, &bind))
		fail("VFIO_DEVICE_BIND_IOMMUFD", bdf);
	attach.pt_id = e->ioas;
	if (ioctl(e->fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach))
		fail("VFIO_DEVICE_ATTACH_IOMMUFD_PT", bdf);
	map_registers(e);
	enable_pci(e);
	if ((e->regs[IOAT_CBVER] & 0xf0) != 0x30) {
		errno = ENODEV;
		fail("not an IOAT engine of version 3", bdf);
	}
}

static uint32_t reg32(struct engine *e, unsigned int offset)
{
	return *(volatile uint32_t *)(e->regs + offset);
}

static void set_reg64(struct engine *e, unsigned int offset, uint64_t value)
{
	*(volatile uint64_t *)(e->regs + offset) = value;
}

static void reset_channel(struct engine *e)
{
	uint64_t deadline = now_ms() + 5000;

	*(volatile uint32_t *)(e->regs + IOAT_CHANERR) = reg32(e, IOAT_CHANERR);
	e->regs[IOAT_CHANCMD] = CHANCMD_RESET;
	while ((e->regs[IOAT_CHANCMD] & CHANCMD_RESET) && now_ms() < deadline)
		;
}

/* Copy COPY_SIZE bytes between IOVAs; false and *error when it is stopped. */
static bool copy(struct engine *e, uint64_t from, uint64_t to, uint32_t *error)
{
	struct ioat_descriptor *d = (void *)(e->buffer + DESCRIPTOR);
	uint64_t deadline = now_ms() + 5000;
	uint32_t status;

	reset_channel(e);
	memset(d, 0, sizeof(*d));
	d->size = COPY_SIZE;
	d->control = CONTROL_WRITE_COMPLETION;
	d->source = from;
	d->target = to;
	d->next = COMMON_IOVA + DESCRIPTOR;
	set_reg64(e, IOAT_CHANCMP, COMMON_IOVA + COMPLETION);
	*(volatile uint16_t *)(e->regs + IOAT_CHANCTRL) = CHANCTRL_RUN;
	set_reg64(e, IOAT_CHAINADDR, COMMON_IOVA + DESCRIPTOR);
	__sync_synchronize();
	*(volatile uint16_t *)(e->regs + IOAT_DMACOUNT) = 1;
	do
		status = reg32(e, IOAT_CHANSTS) & 7;
	while (status == STATUS_ACTIVE && now_ms() < deadline);
	*error = reg32(e, IOAT_CHANERR);
	return status == STATUS_DONE && !*error;
}

static bool all_bytes_are(const uint8_t *p, uint8_t value)
{
	for (size_t i = 0; i < COPY_SIZE; i++)
		if (p[i] != value)
			return false;
	return true;
}

static bool check(bool ok, const char *what)
{
	printf("%s  %s\n", ok ? "ok  " : "FAIL", what);
	return ok;
}

static bool same_iova_other_memory(struct engine *a, struct engine *b)
{
	uint32_t error;
	bool ok;

	memset(a->buffer + SOURCE, 0xaa, COPY_SIZE);
	memset(b->buffer + SOURCE, 0xbb, COPY_SIZE);
	memset(a->buffer + TARGET, 0, COPY_SIZE);
	memset(b->buffer + TARGET, 0, COPY_SIZE);
	ok = check(copy(a, COMMON_IOVA + SOURCE, COMMON_IOVA + TARGET, &error),
		   "the first engine copies within its space");
	ok &= check(all_bytes_are(a->buffer + TARGET, 0xaa),
		    "it found its own bytes");
	ok &= check(all_bytes_are(b->buffer + TARGET, 0),
		    "and wrote nothing into the second space");
	ok &= check(copy(b, COMMON_IOVA + SOURCE, COMMON_IOVA + TARGET, &error),
		    "the second engine copies at the same IOVAs");
	ok &= check(all_bytes_are(b->buffer + TARGET, 0xbb) &&
			    all_bytes_are(a->buffer + TARGET, 0xaa),
		    "each space keeps its own result");
	return ok;
}

static bool stopped_at(struct engine *e, uint64_t iova, const char *what)
{
	uint32_t error = 0;
	bool done, ok;

	memset(e->buffer + TARGET, 0x55, COPY_SIZE);
	done = copy(e, iova, COMMON_IOVA + TARGET, &error);
	ok = check(!done && all_bytes_are(e->buffer + TARGET, 0x55), what);
	printf("      %s, IOVA 0x%llx: the engine reports CHANERR 0x%x\n",
	       e->bdf, (unsigned long long)iova, error);
	return ok;
}

int main(int argc, char **argv)
{
	struct engine a, b;
	uint8_t *shared;
	int iommufd;
	bool ok;

	if (argc != 3) {
		fprintf(stderr, "usage: two_spaces BDF BDF\n");
		return 2;
	}
	iommufd = open("/dev/iommu", O_RDWR);
	if (iommufd < 0)
		fail("open", "/dev/iommu");
	open_engine(&a, argv[1], iommufd);
	open_engine(&b, argv[2], iommufd);
	shared = new_buffer();
	memset(shared, 0xcc, BUFFER_SIZE);
	map(iommufd, b.ioas, SECOND_IOVA, shared);

	ok = same_iova_other_memory(&a, &b);
	ok &= stopped_at(&a, SECOND_IOVA,
			 "the first engine cannot read what only the second "
			 "space maps");
	ok &= stopped_at(&b, NOBODYS_IOVA,
			 "the second cannot read what nobody maps");
	ok &= same_iova_other_memory(&a, &b);
	puts(ok ? "isolated" : "NOT isolated");
	return ok ? 0 : 1;
}
