/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nested_2018.c - a guest's page tables over the host's by the other door: a VFIO
 * container of type 6, as it was proposed in 2018.
 *
 * The guest, its tables and the device are those of nested_guest.c.  What it says is
 * passed on in words of no hardware's: PASID table, caches, doorbells.  It uses Linux's
 * headers and uapi/vfio-nesting.h, which states what Linux never took, and runs under
 *
 *	uiommu run --device testep -- nested_2018 0000:01:00.0
 *
 * Exit status: 0 each step gave what it should, 1 not, 2 it cannot be tried.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/vfio.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <uiommu/uapi/vfio-nesting.h>

#include "nested.h"

/* The guest's own doorbell: where it is, and where its tables have it. */
#define DOORBELL_GPA UINT64_C(0x50000000)
#define DOORBELL_IOVA (IOVA + 100 * PAGE)

struct host {
	int container, group;
};

static bool failed;

bool check(bool ok, const char *what)
{
	printf("  %s  %s\n", ok ? "ok  " : "FAIL", what);
	failed |= !ok;
	return ok;
}

void fail(const char *what)
{
	fprintf(stderr, "nested_2018: %s: %s\n", what, strerror(errno));
	exit(2);
}

uint64_t word_of(unsigned int page)
{
	return UINT64_C(0xda7a000000000000) + page;
}

/* ------------------------------------------------------------ the host -- */

static int open_group(const char *bdf)
{
	char link[300], target[300] = { 0 }, path[300];
	int fd;

	snprintf(link, sizeof(link), "/sys/bus/pci/devices/%s/iommu_group",
		 bdf);
	if (readlink(link, target, sizeof(target) - 1) < 0)
		fail(link);
	snprintf(path, sizeof(path), "/dev/vfio/%s", basename(target));
	fd = open(path, O_RDWR);
	if (fd < 0)
		fail(path);
	return fd;
}

static void map_memory(struct host *host, struct vm *vm)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.iova = GPA,
		.size = NR_PAGES * PAGE,
	};

	vm->memory = mmap(NULL, NR_PAGES * PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (vm->memory == MAP_FAILED)
		fail("memory for the guest");
	map.vaddr = (uintptr_t)vm->memory;
	if (ioctl(host->container, VFIO_IOMMU_MAP_DMA, &map))
		fail("VFIO_IOMMU_MAP_DMA");
	for (unsigned int i = DATA; i < NR_PAGES; i++)
		guest_page(vm, i)[0] = word_of(i);
}

static void open_all(struct host *host, struct vm *vm, char *bdf)
{
	puts("The host makes a container of type 6; what it maps is guest memory.");
	host->container = open("/dev/vfio/vfio", O_RDWR);
	if (host->container < 0)
		fail("/dev/vfio/vfio");
	check(ioctl(host->container, VFIO_CHECK_EXTENSION,
		    VFIO_TYPE1_NESTING_IOMMU) == 1,
	      "it has such containers");
	host->group = open_group(bdf);
	if (ioctl(host->group, VFIO_GROUP_SET_CONTAINER, &host->container))
		fail("VFIO_GROUP_SET_CONTAINER");
	if (ioctl(host->container, VFIO_SET_IOMMU, VFIO_TYPE1_NESTING_IOMMU))
		fail("VFIO_SET_IOMMU");
	vm->dev_fd = ioctl(host->group, VFIO_GROUP_GET_DEVICE_FD, bdf);
	if (vm->dev_fd < 0)
		fail("VFIO_GROUP_GET_DEVICE_FD");
	vm->contexts = CONTEXTS;
	map_memory(host, vm);
	dma_enable(vm);
	check(dma_read(vm, NO_PASID, gpa_of(DATA)) == word_of(DATA),
	      "the device finds guest memory at guest physical addresses");
}

/* The guest's 64 contexts; what has no PASID takes the first. */
static bool bind_guest(const struct host *host, uint8_t state)
{
	struct vfio_iommu_type1_bind_guest_stage bind = {
		.argsz = sizeof(bind),
		.config = {
			.flags = VFIO_GUEST_STAGE_PASID_TABLE |
				 VFIO_GUEST_STAGE_EXT,
			.pasid_table = {
				.version = VFIO_GUEST_PASID_TABLE_VERSION,
				.bytes = sizeof(bind.config.pasid_table),
				.base_ptr = gpa_of(CONTEXTS),
				.pasid_bits = 6,
				.s1fmt = VFIO_GUEST_S1FMT_LINEAR,
				.s1dss = VFIO_GUEST_S1DSS_SSID0,
				.state = state,
			},
		},
	};

	return !ioctl(host->container, VFIO_IOMMU_BIND_GUEST_STAGE, &bind);
}

static bool unbind_guest(const struct host *host)
{
	struct vfio_iommu_type1_bind_guest_stage bind = {
		.argsz = sizeof(bind),
		.flags = VFIO_GUEST_STAGE_UNBIND,
	};

	return !ioctl(host->container, VFIO_IOMMU_BIND_GUEST_STAGE, &bind);
}

/* One page, in TLBs by its ASID; in the device by its PASID. */
static bool forget_page(const struct host *host, uint32_t type, uint32_t asid,
			uint32_t pasid, uint64_t iova)
{
	struct vfio_iommu_type1_tlb_invalidate inv = {
		.argsz = sizeof(inv),
		.info = {
			.hdr = { VFIO_GUEST_INVALIDATE_VERSION, type },
			.granularity = VFIO_GUEST_INVALIDATE_PAGES,
			.flags = VFIO_GUEST_INVALIDATE_ARCH_ID |
				 VFIO_GUEST_INVALIDATE_LEAF,
			.nr_pages = 1,
			.pasid = pasid,
			.arch_id = asid,
			.addr = iova,
		},
	};

	return !ioctl(host->container, VFIO_IOMMU_TLB_INVALIDATE, &inv);
}

static bool forget_context(const struct host *host, uint32_t type,
			   uint32_t pasid)
{
	struct vfio_iommu_type1_tlb_invalidate inv = {
		.argsz = sizeof(inv),
		.info = {
			.hdr = { VFIO_GUEST_INVALIDATE_VERSION, type },
			.granularity = VFIO_GUEST_INVALIDATE_ONE_PASID,
			.pasid = pasid,
		},
	};

	return !ioctl(host->container, VFIO_IOMMU_TLB_INVALIDATE, &inv);
}

/* ------------------------------------------------------------- the story -- */

static void guest_boots(const struct host *host, struct vm *vm)
{
	puts("The guest has contexts for two PASIDs and page tables: they are bound.");
	guest_map(vm, ASID_NONE, IOVA, gpa_of(DATA));
	guest_map(vm, ASID_FIRST, IOVA, gpa_of(DATA + 1));
	guest_map(vm, ASID_SECOND, IOVA, gpa_of(DATA + 2));
	guest_set_context(vm, NO_PASID, ASID_NONE);
	guest_set_context(vm, FIRST, ASID_FIRST);
	guest_set_context(vm, SECOND, ASID_SECOND);
	check(bind_guest(host, VFIO_GUEST_STATE_TRANSLATE),
	      "BIND_GUEST_STAGE takes the guest's PASID table");
	check(dma_read(vm, NO_PASID, IOVA) == word_of(DATA),
	      "without PASID the device reads the page of the guest's kernel");
	check(dma_read(vm, FIRST, IOVA) == word_of(DATA + 1),
	      "by the first PASID that of the first process");
	check(dma_read(vm, SECOND, IOVA) == word_of(DATA + 2),
	      "by the second that of the second");
	check(dma_stopped(vm, AT_ONCE | READ, NO_PASID, gpa_of(DATA)),
	      "and nothing by guest physical addresses any more");
}

static void guest_invalidates(const struct host *host, struct vm *vm)
{
	puts("The guest changes a page of the first process, and says so.");
	guest_map(vm, ASID_FIRST, IOVA, gpa_of(DATA + 4));
	check(forget_page(host, VFIO_GUEST_INVALIDATE_TLB, ASID_FIRST, FIRST,
			  IOVA) &&
		      forget_page(host, VFIO_GUEST_INVALIDATE_DEVICE_TLB, 0,
				  FIRST, IOVA),
	      "TLB_INVALIDATE takes pages of TLBs and of the device");
	check(dma_read(vm, FIRST, IOVA) == word_of(DATA + 4),
	      "the device finds the new page");
	puts("It gives the second PASID to the first process, and says so.");
	guest_set_context(vm, SECOND, ASID_FIRST);
	check(forget_context(host, VFIO_GUEST_INVALIDATE_PASID_CACHE, SECOND) &&
		      forget_context(host, VFIO_GUEST_INVALIDATE_DEVICE_TLB,
				     SECOND),
	      "TLB_INVALIDATE takes a PASID of the PASID cache and of the device");
	check(dma_read(vm, SECOND, IOVA) == word_of(DATA + 4),
	      "the device finds the first process's page by it");
	check(!forget_page(host, VFIO_GUEST_INVALIDATE_PASID_CACHE, ASID_FIRST,
			   FIRST, IOVA) &&
		      errno == EINVAL,
	      "pages of the PASID cache are nothing: EINVAL");
}

static void guest_takes_interrupts(const struct host *host, struct vm *vm)
{
	struct vfio_iommu_type1_bind_msi msi = {
		.argsz = sizeof(msi),
		.binding = { .iova = DOORBELL_IOVA,
			     .gpa = DOORBELL_GPA,
			     .granule = 12 },
	};
	uint64_t count = 0;
	int fd;

	puts("The guest has a doorbell of its own; the host puts its own there.");
	guest_map(vm, ASID_NONE, DOORBELL_IOVA, DOORBELL_GPA);
	check(!ioctl(host->container, VFIO_IOMMU_BIND_MSI, &msi),
	      "BIND_MSI takes where the guest has it");
	fd = dma_interrupt_fd(vm);
	dma_raise_interrupt(vm);
	if (poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, WAIT_MS) ==
	    1)
		check(read(fd, &count, sizeof(count)) == sizeof(count) &&
			      count == 1,
		      "an interrupt passes both stages");
	else
		check(false, "an interrupt passes both stages");
	close(fd);
}

static void states(const struct host *host, struct vm *vm)
{
	puts("The guest turns its SMMU off, and goes.");
	check(bind_guest(host, VFIO_GUEST_STATE_ABORT) &&
		      dma_stopped(vm, AT_ONCE | READ, NO_PASID, IOVA) &&
		      dma_stopped(vm, AT_ONCE | READ, NO_PASID, gpa_of(DATA)),
	      "abort: nothing passes");
	check(bind_guest(host, VFIO_GUEST_STATE_BYPASS) &&
		      dma_read(vm, NO_PASID, gpa_of(DATA)) == word_of(DATA),
	      "bypass: guest physical addresses pass");
	check(bind_guest(host, VFIO_GUEST_STATE_TRANSLATE) &&
		      dma_read(vm, NO_PASID, IOVA) == word_of(DATA),
	      "its tables again");
	check(unbind_guest(host) &&
		      dma_read(vm, NO_PASID, gpa_of(DATA)) == word_of(DATA),
	      "unbound: as before the first bind");
}

int main(int argc, char **argv)
{
	struct host host;
	struct vm vm = { 0 };

	if (argc != 2) {
		fprintf(stderr,
			"usage: nested_2018 DOMAIN:BUS:DEVICE.FUNCTION\n");
		return 2;
	}
	open_all(&host, &vm, argv[1]);
	guest_boots(&host, &vm);
	guest_invalidates(&host, &vm);
	guest_takes_interrupts(&host, &vm);
	states(&host, &vm);
	close(vm.dev_fd);
	close(host.group);
	close(host.container);
	munmap(vm.memory, NR_PAGES * PAGE);
	puts(failed ? "Not all was as it should be."
		    : "All was as it should be.");
	return failed;
}
