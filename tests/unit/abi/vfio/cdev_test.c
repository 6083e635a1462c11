/* SPDX-License-Identifier: BSD-2-Clause */
/* The cdev: gate, BIND, ATTACH, replace, DETACH. */
#include "fixture.h"

static struct fx *fx;

static int setup(void **state)
{
	fx_setup(state);
	fx = *state;
	return 0;
}

static int open_cdev(unsigned int dev)
{
	char path[64];

	return fx_open(fx, fx_cdev_path(fx, dev, path));
}

static long bind_to(int device, int iommufd)
{
	struct vfio_device_bind_iommufd bind = { .argsz = sizeof(bind),
						 .iommufd = iommufd };

	return fx_ioctl(fx, device, VFIO_DEVICE_BIND_IOMMUFD, &bind);
}

static long attach(int device, uint32_t *pt_id)
{
	struct vfio_device_attach_iommufd_pt pt = { .argsz = sizeof(pt),
						    .pt_id = *pt_id };
	long rc = fx_ioctl(fx, device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &pt);

	if (!rc)
		*pt_id = pt.pt_id;
	return rc;
}

static long detach(int device)
{
	struct vfio_device_detach_iommufd_pt pt = { .argsz = sizeof(pt) };

	return fx_ioctl(fx, device, VFIO_DEVICE_DETACH_IOMMUFD_PT, &pt);
}

static uint32_t new_ioas(int iommufd)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };

	assert_int_equal(fx_ioctl(fx, iommufd, IOMMU_IOAS_ALLOC, &alloc), 0);
	return alloc.out_ioas_id;
}

static bool info_works(int device)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };

	return !fx_ioctl(fx, device, VFIO_DEVICE_GET_INFO, &info);
}

static void nothing_before_bind(void **state)
{
	static const unsigned long cmds[] = {
		VFIO_DEVICE_GET_INFO,
		VFIO_DEVICE_GET_REGION_INFO,
		VFIO_DEVICE_GET_IRQ_INFO,
		VFIO_DEVICE_SET_IRQS,
		VFIO_DEVICE_RESET,
		VFIO_DEVICE_GET_PCI_HOT_RESET_INFO,
		VFIO_DEVICE_FEATURE,
		VFIO_DEVICE_ATTACH_IOMMUFD_PT,
		VFIO_DEVICE_DETACH_IOMMUFD_PT,
		0x3b7f,
	};
	int device = open_cdev(0);
	struct uiommu_map *map;
	uint32_t val[16] = { 64 };

	for (unsigned int i = 0; i < ARRAY_SIZE(cmds); i++)
		assert_int_equal(fx_ioctl(fx, device, cmds[i], val), -EINVAL);
	assert_int_equal(uiommu_abi_pread(fx->abi, device, (uintptr_t)val, 4,
					  FX_REGION(7)),
			 -EINVAL);
	assert_int_equal(uiommu_abi_pwrite(fx->abi, device, (uintptr_t)val, 4,
					   FX_REGION(7)),
			 -EINVAL);
	assert_int_equal(uiommu_abi_mmap(fx->abi, device, 0x1000, PROT_READ,
					 MAP_SHARED, 0, &map),
			 -EINVAL);
	assert_int_equal(fx->pci[0].resets, 0);
	fx_close(fx, device);
}

static void bind_arguments(void **state)
{
	int device = open_cdev(0), iommufd = fx_open(fx, "/dev/iommu");
	int foreign = fx_eventfd(), container = fx_open(fx, "/dev/vfio/vfio");
	uint8_t uuid[16] = { 0 };
	struct {
		struct vfio_device_bind_iommufd bind;
		uint64_t more;
	} arg;
	const struct {
		uint32_t argsz, flags;
		int iommufd;
		uint64_t token, more;
		long rc;
	} table[] = {
		{ 15, 0, iommufd, 0, 0, -EINVAL },
		{ 32, 0, iommufd, 0, 1, -E2BIG },
		{ 24, 2, iommufd, 0, 0, -EINVAL },
		{ 24, 0, -2, 0, 0, -EINVAL },
		{ 24, 1, iommufd, (uintptr_t)uuid, 0, -EINVAL },
		{ 16, 1, iommufd, (uintptr_t)uuid, 0, -EFAULT },
		{ 24, 1, iommufd, FX_BAD_PTR, 0, -EFAULT },
		{ 24, 0, 99999, 0, 0, -EBADF },
		{ 24, 0, foreign, 0, 0, -EBADFD },
		{ 24, 0, container, 0, 0, -EBADFD },
		{ 24, 0, device, 0, 0, -EBADFD },
		{ 16, 0, iommufd, 0, 0, 0 },
		{ 24, 0, iommufd, 0, 0, -EINVAL }, /* bound already */
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(table); i++) {
		long rc;

		arg.bind = (struct vfio_device_bind_iommufd){
			.argsz = table[i].argsz,
			.flags = table[i].flags,
			.iommufd = table[i].iommufd,
			.token_uuid_ptr = table[i].token,
		};
		arg.more = table[i].more;
		rc = fx_ioctl(fx, device, VFIO_DEVICE_BIND_IOMMUFD, &arg);
		if (rc != table[i].rc)
			fail_msg("row %u: %ld", i, rc);
		assert_int_equal(info_works(device), i >= 11);
	}
	assert_int_equal(fx_ioctl_val(fx, device, VFIO_DEVICE_BIND_IOMMUFD,
				      FX_BAD_PTR),
			 -EFAULT);
	fx_close(fx, device);
	fx_close(fx, iommufd);
	fx_close(fx, container);
	close(foreign);
}

static void one_user_at_a_time(void **state)
{
	int first = open_cdev(0), second = open_cdev(0), sibling;
	int iommufd = fx_open(fx, "/dev/iommu");
	int other = fx_open(fx, "/dev/iommu");

	assert_int_equal(bind_to(first, iommufd), 0);
	assert_int_equal(bind_to(second, iommufd), -EINVAL);
	fx_close(fx, first);
	assert_int_equal(bind_to(second, other), 0);
	fx_close(fx, second);

	/* Devices of one group share one context. */
	first = open_cdev(2);
	sibling = open_cdev(3);
	assert_int_equal(bind_to(first, iommufd), 0);
	assert_int_equal(bind_to(sibling, other), -EPERM);
	assert_int_equal(bind_to(sibling, iommufd), 0);
	fx_close(fx, first);
	fx_close(fx, sibling);
	/* Interrupts that are not isolated. */
	first = open_cdev(5);
	assert_int_equal(bind_to(first, iommufd), -EPERM);
	fx_close(fx, first);
	fx_close(fx, iommufd);
	fx_close(fx, other);
}

static void attach_arguments(void **state)
{
	struct vfio_device_attach_iommufd_pt pt;
	struct vfio_device_detach_iommufd_pt un;
	static const struct {
		uint32_t argsz, flags;
		long rc;
	} table[] = {
		{ 11, 0, -EINVAL },
		{ 12, 2, -EINVAL },
		{ 11, 1, -EINVAL },
	};
	struct fx_cdev cdev;
	uint32_t id;

	fx_cdev_open(fx, &cdev, 0, false);
	for (unsigned int i = 0; i < ARRAY_SIZE(table); i++) {
		pt = (struct vfio_device_attach_iommufd_pt){
			.argsz = table[i].argsz,
			.flags = table[i].flags,
			.pt_id = cdev.ioas,
		};
		assert_int_equal(fx_ioctl(fx, cdev.device,
					  VFIO_DEVICE_ATTACH_IOMMUFD_PT, &pt),
				 table[i].rc);
		un = (struct vfio_device_detach_iommufd_pt){
			.argsz = i ? table[i].argsz : 7,
			.flags = table[i].flags,
		};
		assert_int_equal(fx_ioctl(fx, cdev.device,
					  VFIO_DEVICE_DETACH_IOMMUFD_PT, &un),
				 table[i].rc);
	}
	assert_int_equal(fx_ioctl_val(fx, cdev.device,
				      VFIO_DEVICE_ATTACH_IOMMUFD_PT,
				      FX_BAD_PTR),
			 -EFAULT);
	id = UINT32_MAX;
	assert_int_equal(attach(cdev.device, &id), -ENOENT);
	id = cdev.devid;
	assert_int_equal(attach(cdev.device, &id), -EINVAL);
	assert_int_equal(detach(cdev.device), 0);
	pt = (struct vfio_device_attach_iommufd_pt){ .argsz = 12,
						     .pt_id = cdev.ioas };
	assert_int_equal(fx_ioctl(fx, cdev.device,
				  VFIO_DEVICE_ATTACH_IOMMUFD_PT, &pt),
			 0);
	assert_int_not_equal(pt.pt_id, cdev.ioas);
	fx_cdev_close(fx, &cdev);
}

static void attach_replace_detach(void **state)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.iova = 0x10000,
		.length = 0x1000,
	};
	void *mem = mmap(NULL, 0x2000, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct fx_cdev cdev;
	uint32_t other, id, missing = 12345;
	uiommu_pa_t pa;

	fx_cdev_open(fx, &cdev, 0, true);
	other = new_ioas(cdev.iommufd);
	map.ioas_id = cdev.ioas;
	map.user_va = (uintptr_t)mem;
	assert_int_equal(fx_ioctl(fx, cdev.iommufd, IOMMU_IOAS_MAP, &map), 0);
	map.ioas_id = other;
	map.user_va += 0x1000;
	assert_int_equal(fx_ioctl(fx, cdev.iommufd, IOMMU_IOAS_MAP, &map), 0);
	assert_true(fx_translate(fx, 0, 0x10000, &pa));
	assert_int_equal(pa, (uintptr_t)mem);
	/* A failed replace leaves the old one. */
	assert_int_equal(attach(cdev.device, &missing), -ENOENT);
	fx->unit[0].fail_attach = -EIO;
	id = other;
	assert_int_equal(attach(cdev.device, &id), -EIO);
	assert_true(fx_translate(fx, 0, 0x10000, &pa));
	assert_int_equal(pa, (uintptr_t)mem);
	assert_int_equal(attach(cdev.device, &id), 0);
	assert_true(fx_translate(fx, 0, 0x10000, &pa));
	assert_int_equal(pa, (uintptr_t)mem + 0x1000);
	assert_int_equal(detach(cdev.device), 0);
	assert_int_equal(detach(cdev.device), 0);
	assert_false(fx_translate(fx, 0, 0x10000, &pa));
	id = cdev.ioas;
	assert_int_equal(attach(cdev.device, &id), 0);
	assert_true(fx_translate(fx, 0, 0x10000, &pa));
	fx_cdev_close(fx, &cdev);
	assert_int_equal(fx->pins, 0);
	munmap(mem, 0x2000);
}

static void any_order_of_closing(void **state)
{
	struct fx_cdev cdev;

	fx_cdev_open(fx, &cdev, 0, true);
	fx_close(fx, cdev.iommufd);
	assert_true(info_works(cdev.device));
	fx_cfg_write(fx, cdev.device, 4, 2, 6);
	assert_int_equal(fake_pci_cfg(&fx->pci[0], 4, 2) & 4, 4);
	fx_close(fx, cdev.device);
	assert_int_equal(fake_pci_cfg(&fx->pci[0], 4, 2) & 4, 0);
	assert_false(uiommu_group_owned(uiommu_device_group(fx->pci[0].dev)));

	fx_cdev_open(fx, &cdev, 0, true);
	fx_close(fx, cdev.device);
	assert_false(uiommu_group_owned(uiommu_device_group(fx->pci[0].dev)));
	fx_close(fx, cdev.iommufd);
}

static void left_open_at_the_end(void **state)
{
	struct fx_cdev cdev;
	int32_t efd = fx_eventfd();

	/* The instance goes with everything open. */
	fx_cdev_open(fx, &cdev, 0, true);
	assert_int_equal(fx_set_irqs(fx, cdev.device, FX_TRIGGER_EVENTFD,
				     VFIO_PCI_MSIX_IRQ_INDEX, 0, 1, &efd, 4),
			 0);
	close(cdev.device);
	close(cdev.iommufd);
	close(efd);
}

static void group_files_do_not_bind(void **state)
{
	struct vfio_device_bind_iommufd bind = { .argsz = 15 };
	int iommufd = fx_open(fx, "/dev/iommu");
	struct fx_legacy legacy;

	fx_legacy_open(fx, &legacy, 0, VFIO_TYPE1_IOMMU);
	assert_int_equal(fx_ioctl(fx, legacy.device, VFIO_DEVICE_BIND_IOMMUFD,
				  &bind),
			 -EINVAL);
	assert_int_equal(bind_to(legacy.device, iommufd), -EINVAL);
	fx_legacy_close(fx, &legacy);
	fx_close(fx, iommufd);
}

static void without_reset(void **state)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	int container = fx_open(fx, "/dev/iommu"), device = open_cdev(0);

	fx->pci[0].reset_rc = -ENOTTY;
	assert_int_equal(bind_to(device, container), 0);
	assert_int_equal(fx_ioctl(fx, device, VFIO_DEVICE_GET_INFO, &info), 0);
	assert_int_equal(info.flags, VFIO_DEVICE_FLAGS_PCI);
	assert_int_equal(fx_ioctl_val(fx, device, VFIO_DEVICE_RESET, 0),
			 -EINVAL);
	fx_close(fx, device);
	fx_close(fx, container);
}

/* What a bind that fails half-way leaves: nothing. */
static void bind_without_memory(void **state)
{
	int device = open_cdev(0), iommufd = fx_open(fx, "/dev/iommu");
	uint64_t n = 0;
	long rc;

	do {
		test_platform_fail_nth(&fx->tp, ++n);
		rc = bind_to(device, iommufd);
		if (rc) {
			assert_int_equal(rc, -ENOMEM);
			assert_false(info_works(device));
			assert_false(uiommu_group_owned(
				uiommu_device_group(fx->pci[0].dev)));
		}
		assert_true(n < 100);
	} while (rc);
	test_platform_fail_nth(&fx->tp, 0);
	assert_true(n > 1);
	fx_close(fx, device);
	fx_close(fx, iommufd);
}

static void bind_answer_cannot_be_written(void **state)
{
	int device = open_cdev(0), iommufd = fx_open(fx, "/dev/iommu");

	fx->fail_copy_to = true;
	assert_int_equal(bind_to(device, iommufd), -EFAULT);
	fx->fail_copy_to = false;
	assert_false(info_works(device));
	assert_int_equal(bind_to(device, iommufd), 0);
	fx_close(fx, device);
	fx_close(fx, iommufd);
}

static void attach_answer_cannot_be_written(void **state)
{
	struct fx_cdev cdev;
	uint32_t id;

	fx_cdev_open(fx, &cdev, 0, false);
	id = cdev.ioas;
	fx->fail_copy_to = true;
	assert_int_equal(attach(cdev.device, &id), -EFAULT);
	fx->fail_copy_to = false;
	assert_null(uiommu_group_domain(uiommu_device_group(fx->pci[0].dev)));
	assert_int_equal(attach(cdev.device, &id), 0);
	fx_cdev_close(fx, &cdev);
}

/* ------------------------------------------------------- odd devices ---- */

/* A second function on top of a device of the core, changed before it is. */
static int open_odd(struct fake_pci *odd, int iommufd)
{
	struct uiommu_vdev_cfg cfg = { .bdf = "0000:07:00.0",
				       .ops = &fake_pci_ops,
				       .ctx = odd };
	int device;

	fake_pci_bars(cfg.bar, FX_MMIO_PA + 0x1000000);
	assert_int_equal(uiommu_abi_add_device(fx->abi, fx->pci[0].dev, &cfg,
					       &odd->vdev),
			 0);
	device = open_cdev(FX_DEVICES);
	assert_int_equal(bind_to(device, iommufd), 0);
	return device;
}

static uint32_t irq_count(int device, uint32_t index)
{
	struct vfio_irq_info irq = { .argsz = sizeof(irq), .index = index };

	assert_int_equal(fx_ioctl(fx, device, VFIO_DEVICE_GET_IRQ_INFO, &irq),
			 0);
	return irq.count;
}

static void interrupt_table_beyond_its_bar(void **state)
{
	int iommufd = fx_open(fx, "/dev/iommu"), device;
	int32_t efd = fx_eventfd();
	struct fake_pci odd;

	fake_pci_init(&odd, 0x1200);
	odd.cfg[FAKE_MSIX + 4] = 0x90; /* 8 entries from 0x3f90 */
	odd.cfg[FAKE_MSIX + 5] = 0x3f;
	device = open_odd(&odd, iommufd);
	assert_int_equal(irq_count(device, VFIO_PCI_MSIX_IRQ_INDEX), 0);
	assert_int_equal(fx_set_irqs(fx, device, FX_TRIGGER_EVENTFD,
				     VFIO_PCI_MSIX_IRQ_INDEX, 0, 1, &efd, 4),
			 -EINVAL);
	assert_int_equal(fx_cfg_read(fx, device, FAKE_EXP + 1, 1), 0);
	assert_int_equal(fx_cfg_read(fx, device, FAKE_MSIX, 1), 0);
	fx_close(fx, device);
	fx_close(fx, iommufd);
	close(efd);
	pthread_mutex_destroy(&odd.lock);
}

static void conventional_without_anything(void **state)
{
	int iommufd = fx_open(fx, "/dev/iommu"), device;
	struct vfio_region_info info = {
		.argsz = sizeof(info),
		.index = VFIO_PCI_CONFIG_REGION_INDEX,
	};
	struct fake_pci odd;
	uint32_t val;

	fake_pci_init(&odd, 0x1200);
	odd.cfg[6] = 0;	   /* no capabilities */
	odd.cfg[0x3d] = 0; /* no pin */
	device = open_odd(&odd, iommufd);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(irq_count(device, i), i >= 3);
	assert_int_equal(
		fx_ioctl(fx, device, VFIO_DEVICE_GET_REGION_INFO, &info), 0);
	assert_int_equal(info.size, 256);
	assert_int_equal(uiommu_abi_pread(fx->abi, device, (uintptr_t)&val, 4,
					  FX_REGION(7) + 256),
			 -EFAULT);
	assert_int_equal(fx_cfg_read(fx, device, 0x34, 1), 0);
	fx_close(fx, device);
	fx_close(fx, iommufd);
	pthread_mutex_destroy(&odd.lock);
}

/* The other way to ask for a reset, and capabilities whose bodies are raw. */
static void advanced_features(void **state)
{
	int iommufd = fx_open(fx, "/dev/iommu"), device;
	struct fake_pci odd;

	fake_pci_init(&odd, 0x1200);
	odd.cfg[FAKE_ODD] = 0x13;
	odd.cfg[FAKE_ODD + 3] = 3;
	odd.cfg[FAKE_MSI] = 0x09; /* a vendor's own */
	odd.cfg[0x150] = 0x1e;	  /* not known */
	device = open_odd(&odd, iommufd);
	assert_int_equal(irq_count(device, VFIO_PCI_MSI_IRQ_INDEX), 0);
	assert_int_equal(fx_cfg_read(fx, device, FAKE_ODD, 1), 0x13);
	assert_int_equal(fx_cfg_read(fx, device, FAKE_MSI, 1), 0x09);
	fx_cfg_write(fx, device, FAKE_MSI + 8, 4, 0x12345678);
	assert_int_equal(fake_pci_cfg(&odd, FAKE_MSI + 8, 4), 0x12345678);
	assert_int_equal(odd.resets, 1);
	fx_cfg_write(fx, device, FAKE_ODD + 4, 1, 1);
	assert_int_equal(odd.resets, 2);
	assert_int_equal(fx_cfg_read(fx, device, FAKE_ODD + 4, 1), 0);
	/* AER is the only extended capability left. */
	assert_int_equal(fx_cfg_read(fx, device, 0x100, 4), 0x00010001);
	assert_int_equal(fx_cfg_read(fx, device, 0x150, 4), 0);
	fx_close(fx, device);
	fx_close(fx, iommufd);
	pthread_mutex_destroy(&odd.lock);
}

/* A reset that cannot be had now ends BIND; nothing stays bound. */
static void bind_while_reset_is_busy(void **state)
{
	int iommufd = fx_open(fx, "/dev/iommu"), device = open_cdev(0);

	fx->pci[0].reset_rc = -EAGAIN;
	assert_int_equal(bind_to(device, iommufd), -EAGAIN);
	fx->pci[0].reset_rc = 0;
	assert_false(info_works(device));
	assert_false(uiommu_group_owned(uiommu_device_group(fx->pci[0].dev)));
	assert_int_equal(bind_to(device, iommufd), 0);
	fx_close(fx, device);
	fx_close(fx, iommufd);
}

/* A replace that runs out of memory leaves the attachment as it was. */
static void replace_without_memory(void **state)
{
	void *mem = mmap(NULL, 0x1000, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE,
		.user_va = (uintptr_t)mem,
		.length = 0x1000,
		.iova = 0x10000,
	};
	struct fx_cdev cdev;
	uint32_t other, id;
	uiommu_pa_t pa;
	uint64_t n = 0;
	long rc;

	fx_cdev_open(fx, &cdev, 0, true);
	map.ioas_id = cdev.ioas;
	assert_int_equal(fx_ioctl(fx, cdev.iommufd, IOMMU_IOAS_MAP, &map), 0);
	other = new_ioas(cdev.iommufd);
	do {
		test_platform_fail_nth(&fx->tp, ++n);
		id = other;
		rc = attach(cdev.device, &id);
		if (rc) {
			assert_int_equal(rc, -ENOMEM);
			assert_true(fx_translate(fx, 0, 0x10000, &pa));
		}
		assert_true(n < 100);
	} while (rc);
	test_platform_fail_nth(&fx->tp, 0);
	assert_true(n > 2);
	assert_false(fx_translate(fx, 0, 0x10000, &pa));
	fx_cdev_close(fx, &cdev);
	munmap(mem, 0x1000);
}

/* Chains that run in circles, or out of the space, come to an end. */
static void chains_without_end(void **state)
{
	int iommufd = fx_open(fx, "/dev/iommu"), device;
	struct fake_pci odd;

	fake_pci_init(&odd, 0x1200);
	odd.cfg[FAKE_MSIX + 1] = FAKE_PM;
	memcpy(odd.cfg + 0x150, "\x0f\x00\x01\x10", 4);
	memcpy(odd.cfg + 0x100, "\x01\x00\xc1\xff", 4); /* to 0xffc */
	memcpy(odd.cfg + 0xffc, "\x10\x00\x01\x10", 4); /* and back */
	device = open_odd(&odd, iommufd);
	assert_int_equal(irq_count(device, VFIO_PCI_MSIX_IRQ_INDEX), 8);
	fx_close(fx, device);
	fx_close(fx, iommufd);
	pthread_mutex_destroy(&odd.lock);
}

/* ---------------------------------------------------------- hot reset --- */

static void hot_reset_of_ours(void **state)
{
	union {
		struct vfio_pci_hot_reset_info info;
		uint8_t bytes[64];
	} buf = { .info = { .argsz = sizeof(buf) } };
	struct vfio_pci_hot_reset hot = { .argsz = sizeof(hot) };
	struct fx_cdev cdev;
	int second;

	/* 1.0 is bound, 1.1 is nobody's: not ours to reset. */
	fx_cdev_open(fx, &cdev, 0, false);
	assert_int_equal(fx_ioctl(fx, cdev.device,
				  VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &buf),
			 0);
	assert_int_equal(buf.info.flags, VFIO_PCI_HOT_RESET_FLAG_DEV_ID);
	assert_int_equal(buf.info.count, 2);
	assert_int_equal(buf.info.devices[0].devid, cdev.devid);
	assert_int_equal(buf.info.devices[1].devid, UINT32_MAX);
	assert_int_equal(fx_ioctl(fx, cdev.device, VFIO_DEVICE_PCI_HOT_RESET,
				  &hot),
			 -EINVAL);
	second = open_cdev(1);
	assert_int_equal(bind_to(second, cdev.iommufd), 0);
	buf.info.argsz = sizeof(buf);
	assert_int_equal(fx_ioctl(fx, cdev.device,
				  VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &buf),
			 0);
	assert_int_equal(buf.info.flags,
			 VFIO_PCI_HOT_RESET_FLAG_DEV_ID |
				 VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED);
	assert_int_equal(
		fx_ioctl(fx, cdev.device, VFIO_DEVICE_PCI_HOT_RESET, &hot), 0);
	assert_int_equal(fx->pci[0].resets, 2);
	assert_int_equal(fx->pci[1].resets, 2);
	hot.count = 1;
	assert_int_equal(fx_ioctl(fx, cdev.device, VFIO_DEVICE_PCI_HOT_RESET,
				  &hot),
			 -EINVAL);
	fx_close(fx, second);
	fx_cdev_close(fx, &cdev);

	/* In one group: ours with the sibling, open or not. */
	fx_cdev_open(fx, &cdev, 2, false);
	buf.info.argsz = sizeof(buf);
	assert_int_equal(fx_ioctl(fx, cdev.device,
				  VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &buf),
			 0);
	assert_int_equal(buf.info.devices[1].devid, 0);
	fx_cdev_close(fx, &cdev);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, fx_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(nothing_before_bind),
		T(bind_arguments),
		T(one_user_at_a_time),
		T(attach_arguments),
		T(attach_replace_detach),
		T(any_order_of_closing),
		T(left_open_at_the_end),
		T(group_files_do_not_bind),
		T(without_reset),
		T(bind_without_memory),
		T(bind_answer_cannot_be_written),
		T(attach_answer_cannot_be_written),
		T(interrupt_table_beyond_its_bar),
		T(conventional_without_anything),
		T(chains_without_end),
		T(advanced_features),
		T(bind_while_reset_is_busy),
		T(replace_without_memory),
		T(hot_reset_of_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
