/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What known programs do from start to end, call by call: DPDK and QEMU on the
 * legacy path, libvfn and Linux's selftests on the cdev, the selftests' four
 * container modes.
 */
#include "fixture.h"

#include <stdio.h>

static struct fx *fx;
static void *mem;
#define MEM_SIZE 0x100000ul

static int setup(void **state)
{
	fx_setup(state);
	fx = *state;
	mem = mmap(NULL, MEM_SIZE, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return 0;
}

static int teardown(void **state)
{
	munmap(mem, MEM_SIZE);
	return fx_teardown(state);
}

static uint64_t region_size(int dev, uint32_t index, uint32_t *flags)
{
	struct vfio_region_info info = { .argsz = sizeof(info),
					 .index = index };

	assert_int_equal(fx_ioctl(fx, dev, VFIO_DEVICE_GET_REGION_INFO, &info),
			 0);
	*flags = info.flags;
	return info.size;
}

static int open_group(unsigned int dev)
{
	char path[64];

	return fx_open(fx, fx_group_path(fx, dev, path));
}

static void ask_status(int group)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };

	assert_int_equal(fx_ioctl(fx, group, VFIO_GROUP_GET_STATUS, &status),
			 0);
	assert_true(status.flags & VFIO_GROUP_FLAGS_VIABLE);
}

/* Every BAR that can be mapped is, the others are read. */
static unsigned int map_bars(int dev, struct uiommu_map **maps)
{
	unsigned int nr = 0;
	uint32_t flags;

	for (uint32_t i = 0; i < 6; i++) {
		uint64_t size = region_size(dev, i, &flags);

		if (!(flags & VFIO_REGION_INFO_FLAG_MMAP))
			continue;
		assert_true(is_pow2(size));
		assert_int_equal(uiommu_abi_mmap(fx->abi, dev, size,
						 PROT_READ | PROT_WRITE,
						 MAP_SHARED, FX_REGION(i),
						 &maps[nr++]),
				 0);
	}
	return nr;
}

static void dpdk(void **state)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	struct vfio_irq_info irq = { .argsz = sizeof(irq), .index = 2 };
	struct uiommu_map *maps[6];
	int con, group, dev, req = fx_eventfd();
	unsigned int nr;
	uint32_t flags;
	uiommu_pa_t pa;

	con = fx_open(fx, "/dev/vfio/vfio");
	assert_int_equal(fx_ioctl_val(fx, con, VFIO_GET_API_VERSION, 0), 0);
	assert_int_equal(fx_ioctl_val(fx, con, VFIO_CHECK_EXTENSION, 1), 1);
	assert_int_equal(fx_ioctl_val(fx, con, VFIO_CHECK_EXTENSION, 7), 0);
	assert_int_equal(fx_ioctl_val(fx, con, VFIO_CHECK_EXTENSION, 8), 0);
	group = open_group(0);
	ask_status(group);
	assert_int_equal(fx_ioctl(fx, group, VFIO_GROUP_SET_CONTAINER, &con),
			 0);
	assert_int_equal(fx_ioctl_val(fx, con, VFIO_SET_IOMMU, 1), 0);
	/* IOVA is the virtual address. */
	assert_int_equal(
		fx_map(fx, con, (uintptr_t)mem, (uintptr_t)mem, MEM_SIZE), 0);
	dev = (int)fx_ioctl(fx, group, VFIO_GROUP_GET_DEVICE_FD, fx->bdf[0]);
	assert_true(dev >= 0);
	assert_int_equal(fx_ioctl(fx, dev, VFIO_DEVICE_GET_INFO, &info), 0);
	assert_int_equal(region_size(dev, 7, &flags), 4096);
	assert_false(flags & VFIO_REGION_INFO_FLAG_MMAP);
	for (unsigned int i = 0; i < 6; i++) {
		uint32_t bar = fx_cfg_read(fx, dev, 0x10 + 4 * i, 4);

		assert_int_equal(bar & 1, i == 3);
	}
	nr = map_bars(dev, maps);
	assert_int_equal(fx_ioctl(fx, dev, VFIO_DEVICE_GET_IRQ_INFO, &irq), 0);
	assert_true(irq.flags & VFIO_IRQ_INFO_EVENTFD);
	fx_cfg_write(fx, dev, 4, 2, fx_cfg_read(fx, dev, 4, 2) | 4);
	assert_int_equal(fx_ioctl_val(fx, dev, VFIO_DEVICE_RESET, 0), 0);
	assert_int_equal(
		fx_set_irqs(fx, dev, FX_TRIGGER_EVENTFD, 4, 0, 1, &req, 4), 0);
	assert_true(fx_translate(fx, 0, (uintptr_t)mem + 0x1234, &pa));
	assert_int_equal(pa, (uintptr_t)mem + 0x1234);
	/* The way out. */
	assert_int_equal(
		fx_set_irqs(fx, dev, FX_TRIGGER_NONE, 4, 0, 0, NULL, 0), 0);
	while (nr--)
		uiommu_map_put(maps[nr]);
	fx_close(fx, dev);
	assert_int_equal(fx_ioctl(fx, group, VFIO_GROUP_UNSET_CONTAINER, NULL),
			 0);
	fx_close(fx, group);
	fx_close(fx, con);
	close(req);
}

static void qemu_irqs(int dev)
{
	struct vfio_irq_info irq = { .argsz = sizeof(irq) };
	int32_t efd = fx_eventfd();

	for (irq.index = 3; irq.index < 5; irq.index++) {
		assert_int_equal(
			fx_ioctl(fx, dev, VFIO_DEVICE_GET_IRQ_INFO, &irq), 0);
		assert_int_equal(irq.count, 1);
		assert_int_equal(fx_set_irqs(fx, dev, FX_TRIGGER_EVENTFD,
					     irq.index, 0, 1, &efd, 4),
				 0);
	}
	/* INTx first, MSI-X when the guest enables it. */
	assert_int_equal(
		fx_set_irqs(fx, dev, FX_TRIGGER_EVENTFD, 0, 0, 1, &efd, 4), 0);
	assert_int_equal(
		fx_set_irqs(fx, dev, FX_TRIGGER_NONE, 0, 0, 0, NULL, 0), 0);
	assert_int_equal(
		fx_set_irqs(fx, dev, FX_TRIGGER_EVENTFD, 2, 0, 1, &efd, 4), 0);
	assert_int_equal(
		fx_set_irqs(fx, dev, FX_TRIGGER_NONE, 2, 0, 0, NULL, 0), 0);
	close(efd);
}

static void qemu_legacy(void **state)
{
	union {
		struct vfio_iommu_type1_info info;
		uint8_t bytes[256];
	} buf = { .info = { .argsz = sizeof(buf.info) } };
	struct vfio_device_info info = { .argsz = sizeof(info) };
	int con, group = open_group(0), dev;
	uint64_t done;
	uint32_t flags;

	ask_status(group);
	con = fx_open(fx, "/dev/vfio/vfio");
	assert_int_equal(fx_ioctl_val(fx, con, VFIO_GET_API_VERSION, 0), 0);
	assert_int_equal(fx_ioctl_val(fx, con, VFIO_CHECK_EXTENSION, 3), 1);
	assert_int_equal(fx_ioctl(fx, group, VFIO_GROUP_SET_CONTAINER, &con),
			 0);
	assert_int_equal(fx_ioctl_val(fx, con, VFIO_SET_IOMMU, 3), 0);
	assert_int_equal(fx_ioctl(fx, con, VFIO_IOMMU_GET_INFO, &buf), 0);
	assert_in_range(buf.info.argsz, 25, sizeof(buf));
	assert_int_equal(fx_ioctl(fx, con, VFIO_IOMMU_GET_INFO, &buf), 0);
	assert_int_equal(buf.info.cap_offset, 24);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(fx_map(fx, con, (uintptr_t)mem + i * 0x40000,
					i * 0x40000, 0x40000),
				 0);
	dev = (int)fx_ioctl(fx, group, VFIO_GROUP_GET_DEVICE_FD, fx->bdf[0]);
	assert_true(dev >= 0);
	assert_int_equal(fx_ioctl(fx, dev, VFIO_DEVICE_GET_INFO, &info), 0);
	for (uint32_t i = 0; i < 8; i++)
		region_size(dev, i, &flags);
	/* It insists on a pin and a capability list. */
	assert_int_equal(fx_cfg_read(fx, dev, 0x3d, 1), 1);
	assert_true(fx_cfg_read(fx, dev, 0x34, 1) >= 0x40);
	qemu_irqs(dev);
	assert_int_equal(fx_ioctl_val(fx, dev, VFIO_DEVICE_RESET, 0), 0);
	/* The guest's memory map changes: pieces go and come. */
	assert_int_equal(fx_unmap(fx, con, 0x40000, 0x40000, &done), 0);
	assert_int_equal(done, 0x40000);
	assert_int_equal(
		fx_map(fx, con, (uintptr_t)mem + 0x40000, 0x40000, 0x20000), 0);
	assert_int_equal(fx_unmap(fx, con, 0, MEM_SIZE, &done), 0);
	assert_int_equal(done, 0x40000 * 3 + 0x20000);
	fx_close(fx, dev);
	fx_close(fx, group);
	fx_close(fx, con);
}

static uint32_t attach(int dev, uint32_t id)
{
	struct vfio_device_attach_iommufd_pt pt = { .argsz = sizeof(pt),
						    .pt_id = id };

	assert_int_equal(fx_ioctl(fx, dev, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &pt),
			 0);
	return pt.pt_id;
}

static void ask_ranges(int iommufd, uint32_t ioas)
{
	struct iommu_iova_range ranges[8];
	struct iommu_ioas_iova_ranges req = { .size = sizeof(req),
					      .ioas_id = ioas };

	assert_int_equal(fx_ioctl(fx, iommufd, IOMMU_IOAS_IOVA_RANGES, &req),
			 -EMSGSIZE);
	assert_in_range(req.num_iovas, 1, 8);
	req.allowed_iovas = (uintptr_t)ranges;
	assert_int_equal(fx_ioctl(fx, iommufd, IOMMU_IOAS_IOVA_RANGES, &req),
			 0);
}

static uint64_t ioas_map(int iommufd, uint32_t ioas, uint32_t fixed,
			 uint64_t iova)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = fixed | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = ioas,
		.user_va = (uintptr_t)mem,
		.length = MEM_SIZE,
		.iova = iova,
	};

	assert_int_equal(fx_ioctl(fx, iommufd, IOMMU_IOAS_MAP, &map), 0);
	return map.iova;
}

/* Some send the older, shorter structures. */
static void old_bind(int dev, int iommufd)
{
	struct vfio_device_bind_iommufd bind = { .argsz = 16,
						 .iommufd = iommufd };

	assert_int_equal(fx_ioctl(fx, dev, VFIO_DEVICE_BIND_IOMMUFD, &bind), 0);
	assert_int_not_equal(bind.out_devid, 0);
}

static void libvfn(void **state)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	struct vfio_device_info info = { .argsz = sizeof(info) };
	struct vfio_irq_info irq = { .argsz = sizeof(irq), .index = 2 };
	int iommufd = fx_open(fx, "/dev/iommu"), dev, efd = fx_eventfd();
	struct uiommu_map *regs, *bells;
	char path[64];
	uint64_t iova;
	uint32_t flags;
	uiommu_pa_t pa;

	assert_int_equal(fx_ioctl(fx, iommufd, IOMMU_IOAS_ALLOC, &alloc), 0);
	dev = fx_open(fx, fx_cdev_path(fx, 0, path));
	old_bind(dev, iommufd);
	attach(dev, alloc.out_ioas_id);
	ask_ranges(iommufd, alloc.out_ioas_id);
	assert_int_equal(fx_ioctl(fx, dev, VFIO_DEVICE_GET_INFO, &info), 0);
	region_size(dev, 7, &flags);
	for (uint32_t i = 0; i < 6; i++)
		region_size(dev, i, &flags);
	fx_cfg_write(fx, dev, 4, 2, fx_cfg_read(fx, dev, 4, 2) | 4);
	assert_int_equal(fx_ioctl(fx, dev, VFIO_DEVICE_GET_IRQ_INFO, &irq), 0);
	assert_true(irq.count > 0);
	/* Registers and doorbells are mapped apart. */
	assert_int_equal(uiommu_abi_mmap(fx->abi, dev, 0x1000, PROT_READ,
					 MAP_SHARED, 0, &regs),
			 0);
	assert_int_equal(uiommu_abi_mmap(fx->abi, dev, 0x1000, PROT_WRITE,
					 MAP_SHARED, 0x1000, &bells),
			 0);
	assert_int_equal(uiommu_map_write(bells, 8, 4, 5), 0);
	assert_int_equal(fx->pci[0].bar[0][0x1008], 5);
	iova = ioas_map(iommufd, alloc.out_ioas_id, 0, 0);
	assert_true(fx_translate(fx, 0, iova, &pa));
	assert_int_equal(
		fx_set_irqs(fx, dev, FX_TRIGGER_EVENTFD, 2, 0, 1, &efd, 4), 0);
	assert_true(fake_pci_send_msix(&fx->pci[0], 0));
	assert_int_equal(fx_events(efd), 1);
	/* It leaves by exiting. */
	uiommu_map_put(regs);
	uiommu_map_put(bells);
	fx_close(fx, iommufd);
	fx_close(fx, dev);
	close(efd);
}

/* --------------------------------------------------- Linux selftests ---- */

static void selftest_irqs(int dev)
{
	struct vfio_irq_info irq = { .argsz = sizeof(irq) };
	int32_t fds[8];

	for (uint32_t index = 1; index <= 2; index++) {
		irq.index = index;
		assert_int_equal(
			fx_ioctl(fx, dev, VFIO_DEVICE_GET_IRQ_INFO, &irq), 0);
		for (uint32_t i = 0; i < irq.count; i++)
			fds[i] = fx_eventfd();
		assert_int_equal(fx_set_irqs(fx, dev, FX_TRIGGER_EVENTFD, index,
					     0, irq.count, fds, irq.count * 4),
				 0);
		for (uint32_t i = 0; i < irq.count; i++) {
			assert_int_equal(fx_events(fds[i]), 0);
			assert_int_equal(fx_set_irqs(fx, dev, FX_TRIGGER_NONE,
						     index, i, 1, NULL, 0),
					 0);
			assert_int_equal(fx_events(fds[i]), 1);
			close(fds[i]);
		}
		assert_int_equal(fx_set_irqs(fx, dev, FX_TRIGGER_NONE, index, 0,
					     0, NULL, 0),
				 0);
	}
}

static void selftest_device(int dev)
{
	struct uiommu_map *maps[6];
	uint32_t flags;
	unsigned int nr;

	assert_int_equal(fx_cfg_read(fx, dev, 0, 2), 0x1234);
	assert_int_equal(fx_cfg_read(fx, dev, 4, 2) & 4, 0);
	fx_cfg_write(fx, dev, 4, 2, fx_cfg_read(fx, dev, 4, 2) | 4);
	assert_int_equal(fx_cfg_read(fx, dev, 4, 2) & 4, 4);
	fx_cfg_write(fx, dev, 4, 2, fx_cfg_read(fx, dev, 4, 2) & ~4u);
	assert_int_equal(fx_cfg_read(fx, dev, 4, 2) & 4, 0);
	region_size(dev, 7, &flags);
	assert_false(flags & VFIO_REGION_INFO_FLAG_MMAP);
	nr = map_bars(dev, maps);
	assert_int_equal(nr, 2);
	while (nr--)
		uiommu_map_put(maps[nr]);
	selftest_irqs(dev);
	assert_int_equal(fx_ioctl_val(fx, dev, VFIO_DEVICE_RESET, 0), 0);
}

static void selftest_cdev(void **state)
{
	struct iommu_ioas_unmap unmap = { .size = sizeof(unmap) };
	struct iommu_ioas_map wrap = { .size = sizeof(wrap),
				       .flags = 7,
				       .user_va = (uintptr_t)mem,
				       .iova = ~0xfffull,
				       .length = 0x2000 };
	struct fx_cdev cdev;

	fx_cdev_open(fx, &cdev, 0, true);
	selftest_device(cdev.device);
	ask_ranges(cdev.iommufd, cdev.ioas);
	ioas_map(cdev.iommufd, cdev.ioas, IOMMU_IOAS_MAP_FIXED_IOVA, 0x100000);
	unmap.ioas_id = cdev.ioas;
	unmap.iova = 0x100000;
	unmap.length = MEM_SIZE;
	assert_int_equal(fx_ioctl(fx, cdev.iommufd, IOMMU_IOAS_UNMAP, &unmap),
			 0);
	ioas_map(cdev.iommufd, cdev.ioas, IOMMU_IOAS_MAP_FIXED_IOVA, 0x100000);
	unmap.iova = 0;
	unmap.length = UINT64_MAX;
	assert_int_equal(fx_ioctl(fx, cdev.iommufd, IOMMU_IOAS_UNMAP, &unmap),
			 0);
	assert_int_equal(unmap.length, MEM_SIZE);
	wrap.ioas_id = cdev.ioas;
	assert_int_equal(fx_ioctl(fx, cdev.iommufd, IOMMU_IOAS_MAP, &wrap),
			 -EOVERFLOW);
	fx_cdev_close(fx, &cdev);
}

static void one_container_mode(const char *path, unsigned long type)
{
	struct vfio_iommu_type1_dma_unmap all = {
		.argsz = sizeof(all),
		.flags = VFIO_DMA_UNMAP_FLAG_ALL,
	};
	int con = fx_open(fx, path), group = open_group(0), dev;
	uint64_t last = 0xfffffffff000ull, done;

	ask_status(group);
	assert_int_equal(fx_ioctl(fx, group, VFIO_GROUP_SET_CONTAINER, &con),
			 0);
	assert_true(fx_ioctl_val(fx, con, VFIO_CHECK_EXTENSION, type) > 0);
	assert_int_equal(fx_ioctl_val(fx, con, VFIO_SET_IOMMU, type), 0);
	dev = (int)fx_ioctl(fx, group, VFIO_GROUP_GET_DEVICE_FD, fx->bdf[0]);
	assert_true(dev >= 0);
	selftest_device(dev);
	assert_int_equal(fx_map(fx, con, (uintptr_t)mem, 0x200000, MEM_SIZE),
			 0);
	assert_int_equal(fx_unmap(fx, con, 0x200000, MEM_SIZE, &done), 0);
	assert_int_equal(done, MEM_SIZE);
	/* The limits. */
	assert_int_equal(fx_map(fx, con, (uintptr_t)mem, last, 0x1000), 0);
	assert_int_equal(fx_unmap(fx, con, last, 0x1000, &done), 0);
	assert_int_equal(done, 0x1000);
	assert_int_equal(fx_map(fx, con, (uintptr_t)mem, last, 0x1000), 0);
	assert_int_equal(fx_ioctl(fx, con, VFIO_IOMMU_UNMAP_DMA, &all), 0);
	assert_int_equal(all.size, 0x1000);
	assert_int_equal(fx_map(fx, con, (uintptr_t)mem, ~0xfffull, 0x2000),
			 -EOVERFLOW);
	assert_int_equal(fx_unmap(fx, con, ~0xfffull, 0x2000, &done),
			 -EOVERFLOW);
	/* Registers as memory: type1 takes them, iommufd does not. */
	assert_int_equal(!fx_map(fx, con, FX_MMIO, 0x1000, 0x1000),
			 !strcmp(path, "/dev/vfio/vfio"));
	fx_close(fx, dev);
	assert_int_equal(fx_ioctl(fx, group, VFIO_GROUP_UNSET_CONTAINER, NULL),
			 0);
	fx_close(fx, group);
	fx_close(fx, con);
}

static void selftest_containers(void **state)
{
	one_container_mode("/dev/vfio/vfio", VFIO_TYPE1_IOMMU);
	one_container_mode("/dev/vfio/vfio", VFIO_TYPE1v2_IOMMU);
	one_container_mode("/dev/iommu", VFIO_TYPE1_IOMMU);
	one_container_mode("/dev/iommu", VFIO_TYPE1v2_IOMMU);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(dpdk),	  T(qemu_legacy),	  T(libvfn),
		T(selftest_cdev), T(selftest_containers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
