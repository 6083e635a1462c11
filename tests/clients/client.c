/* SPDX-License-Identifier: BSD-2-Clause */
#include <dirent.h>

#include "client.h"

/* The name of the device's character device, as libvfn finds it. */
static void find_cdev(char *path, size_t size)
{
	DIR *dir = opendir(SYSFS "/vfio-dev");
	struct dirent *entry;

	CHECK(dir);
	while ((entry = readdir(dir)))
		if (!strncmp(entry->d_name, "vfio", 4))
			break;
	CHECK(entry);
	CHECK((size_t)snprintf(path, size, "/dev/vfio/devices/%s",
			       entry->d_name) < size);
	closedir(dir);
}

void client_open_any(struct client *c)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	struct vfio_device_bind_iommufd bind = { .argsz = sizeof(bind) };
	struct vfio_device_attach_iommufd_pt attach = {
		.argsz = sizeof(attach),
	};
	char path[300];

	find_cdev(path, sizeof(path));
	c->iommufd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	CHECK(c->iommufd >= 0);
	CHECK(!ioctl(c->iommufd, IOMMU_IOAS_ALLOC, &alloc));
	c->ioas = alloc.out_ioas_id;
	c->device = open(path, O_RDWR | O_CLOEXEC);
	CHECK(c->device >= 0);
	bind.iommufd = c->iommufd;
	CHECK(!ioctl(c->device, VFIO_DEVICE_BIND_IOMMUFD, &bind));
	attach.pt_id = c->ioas;
	CHECK(!ioctl(c->device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach));
	c->bar = mmap(NULL, BAR_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
		      c->device, 0);
	if (c->bar == MAP_FAILED)
		c->bar = NULL;
}

void client_open(struct client *c)
{
	client_open_any(c);
	CHECK(c->bar);
}

void client_map(struct client *c, uint64_t iova, void *mem, size_t len)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = c->ioas,
		.user_va = (uintptr_t)mem,
		.length = len,
		.iova = iova,
	};

	CHECK(!ioctl(c->iommufd, IOMMU_IOAS_MAP, &map));
}

void client_unmap(struct client *c, uint64_t iova, size_t len)
{
	struct iommu_ioas_unmap unmap = {
		.size = sizeof(unmap),
		.ioas_id = c->ioas,
		.iova = iova,
		.length = len,
	};

	CHECK(!ioctl(c->iommufd, IOMMU_IOAS_UNMAP, &unmap));
}

void client_master(struct client *c)
{
	struct vfio_region_info info = {
		.argsz = sizeof(info),
		.index = VFIO_PCI_CONFIG_REGION_INDEX,
	};
	uint16_t command;

	CHECK(!ioctl(c->device, VFIO_DEVICE_GET_REGION_INFO, &info));
	CHECK(pread(c->device, &command, 2, (off_t)info.offset + 4) == 2);
	command |= 6; /* memory, bus master */
	CHECK(pwrite(c->device, &command, 2, (off_t)info.offset + 4) == 2);
}

void client_start_ioat(struct client *c)
{
	client_master(c);
	wr8(c, CHANCMD, 0x20);
	CHECK(rd8(c, CHANCMD) == 0);
}

unsigned int client_copy(struct client *c, struct ioat_desc *desc,
			 uint64_t desc_iova, uint64_t dst, uint64_t src,
			 uint32_t len)
{
	unsigned int state;

	memset(desc, 0, sizeof(*desc));
	desc->size = len;
	desc->src = src;
	desc->dst = dst;
	desc->next = desc_iova;
	wr64(c, CHAINADDR, desc_iova);
	wr16(c, CHANCTRL, 9);
	wr16(c, DMACOUNT, 1);
	do {
		state = rd64(c, CHANSTS) & 7;
	} while (!state);
	return state;
}
