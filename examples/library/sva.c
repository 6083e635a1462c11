/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sva.c - a device that uses the addresses of this program: it follows a list
 * that malloc made, writes into a local variable, and no longer finds what was
 * freed.  Nothing is mapped for it, and nothing pinned.
 *	cc sva.c $(pkg-config --cflags --libs uiommu)
 * The device is the machine's test endpoint.  Exit status 0: all as it is claimed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <uiommu/machine.h>
#include <uiommu/process.h>
#include <uiommu/uapi/vfio.h>

#define PAGE 4096
#define BLOCK 0x400000 /* that free gives back to the kernel */

struct item {
	uint64_t next, value;
};

struct engine {
	struct uiommu_machine *machine;
	struct uiommu_abi *abi;
	int iommufd, fd;
	uint64_t bar;
	struct uiommu_sva *sva;
};

static void claim(bool holds, const char *what)
{
	printf("%s: %s\n", holds ? "yes" : "NO", what);
	if (!holds)
		exit(1);
}

/* ------------------------------------------------- the device's registers */

/* Where a region lies in the device's file is VFIO's business. */
static uint64_t place(struct engine *e, unsigned int region)
{
	struct vfio_region_info info = { .argsz = sizeof(info),
					 .index = region };

	uiommu_abi_ioctl(e->abi, e->fd, VFIO_DEVICE_GET_REGION_INFO,
			 (uintptr_t)&info);
	return info.offset;
}

static void put(struct engine *e, uint64_t off, size_t size, uint64_t value)
{
	uiommu_abi_pwrite(e->abi, e->fd, (uintptr_t)&value, size, e->bar + off);
}

static uint64_t get(struct engine *e, uint64_t off, size_t size)
{
	uint64_t value = 0;

	uiommu_abi_pread(e->abi, e->fd, (uintptr_t)&value, size, e->bar + off);
	return value;
}

static void open_engine(struct engine *e)
{
	const struct uiommu_machine_cfg cfg = { .devices = "testep" };
	struct vfio_device_bind_iommufd bind = { .argsz = sizeof(bind) };
	char err[256];

	if (uiommu_machine_create(&cfg, &e->machine, err, sizeof(err)))
		claim(false, err);
	e->abi = uiommu_machine_abi(e->machine);
	e->iommufd = uiommu_abi_open(e->abi, "/dev/iommu", O_RDWR);
	e->fd = uiommu_abi_open(e->abi, "/dev/vfio/devices/vfio0", O_RDWR);
	bind.iommufd = e->iommufd;
	claim(e->fd >= 0 &&
		      !uiommu_abi_ioctl(e->abi, e->fd, VFIO_DEVICE_BIND_IOMMUFD,
					(uintptr_t)&bind),
	      "the device opens");
	/* PCI command: memory and bus master. */
	e->bar = place(e, VFIO_PCI_CONFIG_REGION_INDEX);
	put(e, 4, 2, 6);
	e->bar = place(e, VFIO_PCI_BAR0_REGION_INDEX);
}

/* ----------------------------------------- 8 bytes at an address of ours -- */

static bool dma(struct engine *e, bool read, uintptr_t at, uint64_t *word)
{
	/* Its registers for data, address, PASID, length, command, status. */
	if (!read)
		put(e, 0x40000, 8, *word);
	put(e, 0x4000, 8, at);
	put(e, 0x400c, 4, uiommu_sva_pasid(e->sva));
	put(e, 0x4014, 4, 8);
	put(e, 0x4008, 4, 0x101 | (read ? 0x10 : 0));
	/* It asks for the page, which comes while we look. */
	while (get(e, 0x4010, 4) == 2)
		;
	if (get(e, 0x4010, 4))
		return false;
	if (read)
		*word = get(e, 0x40000, 8);
	return true;
}

int main(void)
{
	uint64_t sum = 0, value, local = 0;
	struct item *list = NULL, *item;
	bool found = true;
	struct engine e;
	uintptr_t page;
	void *block;

	open_engine(&e);
	claim(!uiommu_sva_bind(uiommu_machine_core_device(e.machine, 0),
			       uiommu_process_mm(), &e.sva),
	      "the device is bound to this process");
	for (uint64_t n = 1; n <= 100 && (item = malloc(sizeof(*item))); n++) {
		*item = (struct item){ (uintptr_t)list, n };
		list = item;
	}
	for (uint64_t at = (uintptr_t)list; at && found;) {
		found = dma(&e, true, at + 8, &value) && dma(&e, true, at, &at);
		sum += value;
	}
	claim(found && sum == 5050,
	      "the device walked a list that malloc made");
	value = 42;
	claim(dma(&e, false, (uintptr_t)&local, &value) &&
		      *(volatile uint64_t *)&local == 42,
	      "and wrote into a local variable");
	block = malloc(BLOCK);
	page = ((uintptr_t)block + PAGE) & ~(uintptr_t)(PAGE - 1);
	claim(block && dma(&e, false, page, &value) &&
		      mprotect((void *)page, PAGE, PROT_READ) == 0 &&
		      !dma(&e, false, page, &value),
	      "it may do what the program may, and no more");
	free(block);
	claim(!dma(&e, true, page, &value), "what is freed it finds no more");
	uiommu_sva_unbind(e.sva);
	uiommu_abi_close(e.abi, e.fd);
	uiommu_abi_close(e.abi, e.iommufd);
	uiommu_machine_destroy(e.machine);
	return 0;
}
