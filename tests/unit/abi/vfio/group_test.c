/* SPDX-License-Identifier: BSD-2-Clause */
/* Groups and containers: who may open, join and leave what, and when. */
#include "fixture.h"

static uint32_t status(struct fx *fx, int group)
{
	struct vfio_group_status st = { .argsz = sizeof(st) };

	assert_int_equal(fx_ioctl(fx, group, VFIO_GROUP_GET_STATUS, &st), 0);
	return st.flags;
}

static int open_group(struct fx *fx, unsigned int dev)
{
	char path[64];

	return fx_open(fx, fx_group_path(fx, dev, path));
}

static void nodes_that_are_not_there(void **state)
{
	static const char *const paths[] = {
		"/dev/vfio/",
		"/dev/vfio/99",
		"/dev/vfio/01",
		"/dev/vfio/vfio0",
		"/dev/vfio/devices",
		"/dev/vfio/devices/vfio",
		"/dev/vfio/devices/vfio6",
		"/dev/vfio/devices/vfio00",
		"/dev/vfio/devices/vfio0x",
		"/dev/vfio/4294967296",
		"/dev/vfio/-1",
	};
	struct fx *fx = fx_of(state);

	for (unsigned int i = 0; i < ARRAY_SIZE(paths); i++)
		assert_int_equal(fx_open(fx, paths[i]), -ENOENT);
}

static void a_group_has_one_opener(void **state)
{
	struct fx *fx = fx_of(state);
	int group = open_group(fx, 0);

	assert_true(group >= 0);
	assert_int_equal(open_group(fx, 0), -EBUSY);
	fx_close(fx, group);
	group = open_group(fx, 0);
	assert_true(group >= 0);
	fx_close(fx, group);
}

static void status_rules(void **state)
{
	struct vfio_group_status st = { .argsz = 7 };
	struct fx *fx = fx_of(state);
	int group = open_group(fx, 0), container;

	assert_int_equal(fx_ioctl(fx, group, VFIO_GROUP_GET_STATUS, &st),
			 -EINVAL);
	assert_int_equal(fx_ioctl_val(fx, group, VFIO_GROUP_GET_STATUS,
				      FX_BAD_PTR),
			 -EFAULT);
	assert_int_equal(status(fx, group), VFIO_GROUP_FLAGS_VIABLE);
	container = fx_open(fx, "/dev/vfio/vfio");
	assert_int_equal(
		fx_ioctl(fx, group, VFIO_GROUP_SET_CONTAINER, &container), 0);
	assert_int_equal(status(fx, group),
			 VFIO_GROUP_FLAGS_VIABLE |
				 VFIO_GROUP_FLAGS_CONTAINER_SET);
	assert_int_equal(fx_ioctl(fx, group, VFIO_GROUP_UNSET_CONTAINER, NULL),
			 0);
	assert_int_equal(status(fx, group), VFIO_GROUP_FLAGS_VIABLE);
	/* Somebody else has it: not viable, and not to be had. */
	assert_int_equal(uiommu_device_claim_owner(fx->pci[0].dev, fx), 0);
	assert_int_equal(status(fx, group), 0);
	assert_int_equal(fx_ioctl(fx, group, VFIO_GROUP_SET_CONTAINER,
				  &container),
			 -EPERM);
	uiommu_device_release_owner(fx->pci[0].dev);
	assert_int_equal(fx_ioctl_val(fx, group, 0x3b7f, 0), -ENOTTY);
	fx_close(fx, group);
	fx_close(fx, container);
}

static void set_container_errors(void **state)
{
	struct fx *fx = fx_of(state);
	int group = open_group(fx, 0), other = open_group(fx, 2), bad = 999999;
	int container = fx_open(fx, "/dev/vfio/vfio"), foreign = fx_eventfd();
	int minus = -1;

	assert_int_equal(fx_ioctl_val(fx, group, VFIO_GROUP_SET_CONTAINER,
				      FX_BAD_PTR),
			 -EFAULT);
	assert_int_equal(fx_ioctl(fx, group, VFIO_GROUP_SET_CONTAINER, &bad),
			 -EBADF);
	assert_int_equal(fx_ioctl(fx, group, VFIO_GROUP_SET_CONTAINER, &minus),
			 -EBADF);
	assert_int_equal(fx_ioctl(fx, group, VFIO_GROUP_SET_CONTAINER,
				  &foreign),
			 -EBADFD);
	assert_int_equal(fx_ioctl(fx, group, VFIO_GROUP_SET_CONTAINER, &other),
			 -EBADFD);
	assert_int_equal(fx_ioctl(fx, group, VFIO_GROUP_UNSET_CONTAINER, NULL),
			 -EINVAL);
	assert_int_equal(
		fx_ioctl(fx, group, VFIO_GROUP_SET_CONTAINER, &container), 0);
	/* Already in one: said before the descriptor is looked into. */
	assert_int_equal(fx_ioctl(fx, group, VFIO_GROUP_SET_CONTAINER,
				  &foreign),
			 -EINVAL);
	assert_int_equal(fx_ioctl(fx, group, VFIO_GROUP_SET_CONTAINER, &bad),
			 -EBADF);
	fx_close(fx, group);
	fx_close(fx, other);
	fx_close(fx, container);
	close(foreign);
}

static void container_without_groups(void **state)
{
	struct fx *fx = fx_of(state);
	int container = fx_open(fx, "/dev/vfio/vfio");
	static const struct {
		unsigned long ext;
		long answer;
	} table[] = {
		{ VFIO_TYPE1_IOMMU, 1 },
		{ VFIO_TYPE1v2_IOMMU, 1 },
		{ VFIO_UNMAP_ALL, 1 },
		{ VFIO_DMA_CC_IOMMU, 0 },
		{ VFIO_UPDATE_VADDR, 0 },
		{ VFIO_TYPE1_NESTING_IOMMU, 1 },
		{ VFIO_NOIOMMU_IOMMU, 0 },
		{ VFIO_SPAPR_TCE_IOMMU, 0 },
		{ 1000, 0 },
	};

	assert_int_equal(fx_ioctl_val(fx, container, VFIO_GET_API_VERSION, 0),
			 VFIO_API_VERSION);
	for (unsigned int i = 0; i < ARRAY_SIZE(table); i++)
		assert_int_equal(fx_ioctl_val(fx, container,
					      VFIO_CHECK_EXTENSION,
					      table[i].ext),
				 table[i].answer);
	assert_int_equal(fx_ioctl_val(fx, container, VFIO_SET_IOMMU,
				      VFIO_TYPE1_IOMMU),
			 -EINVAL);
	assert_int_equal(fx_ioctl_val(fx, container, VFIO_IOMMU_GET_INFO, 0),
			 -EINVAL);
	assert_int_equal(fx_ioctl_val(fx, container, 0x3b7f, 0), -EINVAL);
	fx_close(fx, container);
}

static void set_iommu_rules(void **state)
{
	struct fx *fx = fx_of(state);
	int group = open_group(fx, 0),
	    container = fx_open(fx, "/dev/vfio/vfio");

	assert_int_equal(
		fx_ioctl(fx, group, VFIO_GROUP_SET_CONTAINER, &container), 0);
	/* It has one stage only. */
	assert_int_equal(fx_ioctl_val(fx, container, VFIO_SET_IOMMU,
				      VFIO_TYPE1_NESTING_IOMMU),
			 -EINVAL);
	assert_int_equal(fx_ioctl_val(fx, container, VFIO_SET_IOMMU,
				      VFIO_NOIOMMU_IOMMU),
			 -ENODEV);
	assert_int_equal(fx_ioctl_val(fx, container, VFIO_SET_IOMMU,
				      VFIO_UNMAP_ALL),
			 -EINVAL);
	/* No IOMMU yet, no devices. */
	assert_int_equal(fx_ioctl(fx, group, VFIO_GROUP_GET_DEVICE_FD,
				  fx->bdf[0]),
			 -EINVAL);
	assert_int_equal(fx_ioctl_val(fx, container, VFIO_SET_IOMMU,
				      VFIO_TYPE1v2_IOMMU),
			 0);
	assert_int_equal(fx_ioctl_val(fx, container, VFIO_SET_IOMMU,
				      VFIO_TYPE1v2_IOMMU),
			 -EINVAL);
	assert_int_equal(fx_ioctl_val(fx, container, VFIO_CHECK_EXTENSION,
				      VFIO_DMA_CC_IOMMU),
			 1);
	assert_int_equal(fx_ioctl_val(fx, container, VFIO_CHECK_EXTENSION,
				      VFIO_UPDATE_VADDR),
			 1);
	assert_int_equal(fx_ioctl_val(fx, container, 0x3b7f, 0), -ENOTTY);
	assert_int_equal(fx_ioctl_val(fx, container, VFIO_IOMMU_ENABLE, 0),
			 -ENOTTY);
	/* The last group takes the IOMMU with it. */
	assert_int_equal(fx_ioctl(fx, group, VFIO_GROUP_UNSET_CONTAINER, NULL),
			 0);
	assert_int_equal(fx_ioctl_val(fx, container, VFIO_IOMMU_GET_INFO, 0),
			 -EINVAL);
	fx_close(fx, group);
	fx_close(fx, container);
}

static void interrupts_must_be_isolated(void **state)
{
	struct fx *fx = fx_of(state);
	int group = open_group(fx, 5),
	    container = fx_open(fx, "/dev/vfio/vfio");

	assert_int_equal(
		fx_ioctl(fx, group, VFIO_GROUP_SET_CONTAINER, &container), 0);
	assert_int_equal(fx_ioctl_val(fx, container, VFIO_SET_IOMMU,
				      VFIO_TYPE1_IOMMU),
			 -EPERM);
	fx_close(fx, group);
	fx_close(fx, container);
}

/* What the driver answers comes through, and nothing is left of the try. */
static void attach_that_fails(void **state)
{
	struct fx *fx = fx_of(state);
	int group = open_group(fx, 0),
	    container = fx_open(fx, "/dev/vfio/vfio");

	fx->unit[0].fail_attach = -EIO;
	assert_int_equal(
		fx_ioctl(fx, group, VFIO_GROUP_SET_CONTAINER, &container), 0);
	assert_int_equal(fx_ioctl_val(fx, container, VFIO_SET_IOMMU,
				      VFIO_TYPE1_IOMMU),
			 -EIO);
	assert_int_equal(fx_ioctl_val(fx, container, VFIO_SET_IOMMU,
				      VFIO_TYPE1_IOMMU),
			 0);
	fx_close(fx, group);
	fx_close(fx, container);
}

/* A group that cannot join a container with an IOMMU leaves no trace. */
static void joining_that_fails(void **state)
{
	struct fx *fx = fx_of(state);
	int unsafe = open_group(fx, 5), far = open_group(fx, 4);
	struct fx_legacy legacy;
	uiommu_pa_t pa;

	fx_legacy_open(fx, &legacy, 0, VFIO_TYPE1_IOMMU);
	assert_int_equal(fx_ioctl(fx, unsafe, VFIO_GROUP_SET_CONTAINER,
				  &legacy.container),
			 -EPERM);
	assert_int_equal(status(fx, unsafe), VFIO_GROUP_FLAGS_VIABLE);
	fx->unit[1].fail_attach = -EIO;
	assert_int_equal(fx_ioctl(fx, far, VFIO_GROUP_SET_CONTAINER,
				  &legacy.container),
			 -EIO);
	assert_int_equal(status(fx, far), VFIO_GROUP_FLAGS_VIABLE);
	/* What it must not see can be mapped as if it had never come. */
	assert_int_equal(fx_map(fx, legacy.container, 0x600000000000,
				FX_RESERVED, 0x1000),
			 0);
	/* And now it cannot come, for just that. */
	assert_int_equal(fx_ioctl(fx, far, VFIO_GROUP_SET_CONTAINER,
				  &legacy.container),
			 -EINVAL);
	assert_int_equal(
		fx_unmap(fx, legacy.container, FX_RESERVED, 0x1000, NULL), 0);
	assert_int_equal(fx_ioctl(fx, far, VFIO_GROUP_SET_CONTAINER,
				  &legacy.container),
			 0);
	assert_int_equal(fx_map(fx, legacy.container, 0x600000000000,
				FX_RESERVED, 0x1000),
			 -EINVAL);
	assert_false(fx_translate(fx, 4, FX_RESERVED, &pa));
	fx_close(fx, far);
	assert_int_equal(fx_map(fx, legacy.container, 0x600000000000,
				FX_RESERVED, 0x1000),
			 0);
	fx_close(fx, unsafe);
	fx_legacy_close(fx, &legacy);
}

/* One of several groups does not fit: none is attached. */
static void set_iommu_all_or_nothing(void **state)
{
	struct fx *fx = fx_of(state);
	int good = open_group(fx, 0), bad = open_group(fx, 5);
	int container = fx_open(fx, "/dev/vfio/vfio");

	assert_int_equal(
		fx_ioctl(fx, good, VFIO_GROUP_SET_CONTAINER, &container), 0);
	assert_int_equal(
		fx_ioctl(fx, bad, VFIO_GROUP_SET_CONTAINER, &container), 0);
	assert_int_equal(fx_ioctl_val(fx, container, VFIO_SET_IOMMU,
				      VFIO_TYPE1_IOMMU),
			 -EPERM);
	assert_null(uiommu_group_domain(uiommu_device_group(fx->pci[0].dev)));
	assert_int_equal(fx_ioctl(fx, bad, VFIO_GROUP_UNSET_CONTAINER, NULL),
			 0);
	assert_int_equal(fx_ioctl_val(fx, container, VFIO_SET_IOMMU,
				      VFIO_TYPE1_IOMMU),
			 0);
	assert_non_null(
		uiommu_group_domain(uiommu_device_group(fx->pci[0].dev)));
	fx_close(fx, good);
	fx_close(fx, bad);
	fx_close(fx, container);
}

static void device_names(void **state)
{
	static const struct {
		const char *name;
		long rc;
	} table[] = {
		{ "0000:01:00.1", -ENODEV }, /* another group's */
		{ "0000:09:00.0", -ENODEV },
		{ "", -ENODEV },
		{ "0000:01:00.0x", -ENODEV },
		{ "0000:01:00.0 vf_token=00000000-0000-0000-0000-000000000000",
		  -EINVAL },
		{ "0000:01:00.0 vf_token=1", -EINVAL },
		{ "0000:01:00.0 speed=fast", -EINVAL },
	};
	struct fx *fx = fx_of(state);
	struct fx_legacy legacy;
	static char longname[5000];
	int again;

	fx_legacy_open(fx, &legacy, 0, VFIO_TYPE1_IOMMU);
	for (unsigned int i = 0; i < ARRAY_SIZE(table); i++)
		assert_int_equal(uiommu_abi_ioctl(fx->abi, legacy.group,
						  VFIO_GROUP_GET_DEVICE_FD,
						  (unsigned long)table[i].name),
				 table[i].rc);
	assert_int_equal(fx_ioctl_val(fx, legacy.group,
				      VFIO_GROUP_GET_DEVICE_FD, FX_BAD_PTR),
			 -EFAULT);
	memset(longname, 'a', sizeof(longname));
	assert_int_equal(fx_ioctl(fx, legacy.group, VFIO_GROUP_GET_DEVICE_FD,
				  longname),
			 -EINVAL);
	again = (int)uiommu_abi_ioctl(fx->abi, legacy.group,
				      VFIO_GROUP_GET_DEVICE_FD,
				      (unsigned long)"0000:01:00.0  ");
	assert_true(again >= 0);
	fx_close(fx, again);
	/* The same device may be opened again. */
	again = (int)fx_ioctl(fx, legacy.group, VFIO_GROUP_GET_DEVICE_FD,
			      fx->bdf[0]);
	assert_true(again >= 0);
	assert_int_equal(fx->pci[0].resets, 1);
	fx_close(fx, again);
	assert_int_equal(fx->pci[0].resets, 1);
	fx_legacy_close(fx, &legacy);
	assert_int_equal(fx->pci[0].resets, 2);
}

static void a_name_without_container(void **state)
{
	struct fx *fx = fx_of(state);
	int group = open_group(fx, 0);

	assert_int_equal(fx_ioctl(fx, group, VFIO_GROUP_GET_DEVICE_FD,
				  fx->bdf[0]),
			 -EINVAL);
	/* The name is looked at first. */
	assert_int_equal(fx_ioctl(fx, group, VFIO_GROUP_GET_DEVICE_FD,
				  fx->bdf[1]),
			 -ENODEV);
	fx_close(fx, group);
}

static void unset_while_devices_are_open(void **state)
{
	struct fx *fx = fx_of(state);
	struct fx_legacy legacy;

	fx_legacy_open(fx, &legacy, 0, VFIO_TYPE1_IOMMU);
	assert_int_equal(fx_ioctl(fx, legacy.group, VFIO_GROUP_UNSET_CONTAINER,
				  NULL),
			 -EBUSY);
	fx_close(fx, legacy.device);
	assert_int_equal(fx_ioctl(fx, legacy.group, VFIO_GROUP_UNSET_CONTAINER,
				  NULL),
			 0);
	fx_close(fx, legacy.group);
	fx_close(fx, legacy.container);
}

static bool usable(struct fx *fx, int device)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };

	return !fx_ioctl(fx, device, VFIO_DEVICE_GET_INFO, &info);
}

/* All six orders of closing container, group and device. */
static void any_order_of_closing(void **state)
{
	static const unsigned int orders[6][3] = {
		{ 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
		{ 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 },
	};
	struct fx *fx = fx_of(state);
	struct fx_legacy legacy;
	uint8_t *mem = mmap(NULL, 0x1000, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (unsigned int i = 0; i < ARRAY_SIZE(orders); i++) {
		bool device_open = true, container_open = true;
		uiommu_pa_t pa;

		fx_legacy_open(fx, &legacy, 0, VFIO_TYPE1v2_IOMMU);
		assert_int_equal(fx_map(fx, legacy.container, (uintptr_t)mem,
					0x10000, 0x1000),
				 0);
		int fds[3] = { legacy.container, legacy.group, legacy.device };

		for (unsigned int k = 0; k < 3; k++) {
			fx_close(fx, fds[orders[i][k]]);
			device_open &= orders[i][k] != 2;
			container_open &= orders[i][k] != 0;
			/* A device keeps the whole chain alive. */
			if (device_open) {
				assert_true(usable(fx, legacy.device));
				assert_true(fx_translate(fx, 0, 0x10000, &pa));
			}
			if (device_open && container_open)
				assert_int_equal(open_group(fx, 0), -EBUSY);
		}
		assert_false(fx_translate(fx, 0, 0x10000, &pa));
		assert_int_equal(fx->pins, 0);
	}
	munmap(mem, 0x1000);
}

static void group_in_use_by_device_only(void **state)
{
	struct fx *fx = fx_of(state);
	struct fx_legacy legacy;
	int group;

	fx_legacy_open(fx, &legacy, 0, VFIO_TYPE1_IOMMU);
	fx_close(fx, legacy.group);
	fx_close(fx, legacy.container);
	/* The device still holds the group's one opening. */
	assert_int_equal(open_group(fx, 0), -EBUSY);
	fx_close(fx, legacy.device);
	group = open_group(fx, 0);
	assert_true(group >= 0);
	assert_int_equal(status(fx, group), VFIO_GROUP_FLAGS_VIABLE);
	fx_close(fx, group);
}

static void two_groups_in_one_container(void **state)
{
	struct fx *fx = fx_of(state);
	struct fx_legacy legacy;
	uint8_t *mem = mmap(NULL, 0x4000, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int far = open_group(fx, 4), near = open_group(fx, 1), dev;
	uiommu_pa_t pa;

	fx_legacy_open(fx, &legacy, 0, VFIO_TYPE1_IOMMU);
	assert_int_equal(fx_map(fx, legacy.container, (uintptr_t)mem, 0x10000,
				0x2000),
			 0);
	/* Same IOMMU: same domain.  Another: a second one, filled at once. */
	assert_int_equal(fx_ioctl(fx, near, VFIO_GROUP_SET_CONTAINER,
				  &legacy.container),
			 0);
	assert_int_equal(fx_ioctl(fx, far, VFIO_GROUP_SET_CONTAINER,
				  &legacy.container),
			 0);
	assert_ptr_equal(
		uiommu_group_domain(uiommu_device_group(fx->pci[0].dev)),
		uiommu_group_domain(uiommu_device_group(fx->pci[1].dev)));
	assert_ptr_not_equal(
		uiommu_group_domain(uiommu_device_group(fx->pci[0].dev)),
		uiommu_group_domain(uiommu_device_group(fx->pci[4].dev)));
	assert_true(fx_translate(fx, 4, 0x11000, &pa));
	assert_int_equal(pa, (uintptr_t)mem + 0x1000);
	dev = (int)fx_ioctl(fx, far, VFIO_GROUP_GET_DEVICE_FD, fx->bdf[4]);
	assert_true(dev >= 0);
	/* Later mappings reach both; the first group may leave. */
	assert_int_equal(fx_map(fx, legacy.container, (uintptr_t)mem + 0x2000,
				0x20000, 0x2000),
			 0);
	assert_true(fx_translate(fx, 0, 0x20000, &pa));
	assert_true(fx_translate(fx, 4, 0x20000, &pa));
	fx_close(fx, legacy.device);
	fx_close(fx, legacy.group);
	fx_close(fx, near);
	assert_false(fx_translate(fx, 0, 0x20000, &pa));
	assert_true(fx_translate(fx, 4, 0x20000, &pa));
	assert_int_equal(fx_unmap(fx, legacy.container, 0x20000, 0x2000, NULL),
			 0);
	fx_close(fx, dev);
	fx_close(fx, far);
	/* Empty again: mappings are gone, a group may come anew. */
	assert_int_equal(fx->pins, 0);
	assert_int_equal(fx_map(fx, legacy.container, (uintptr_t)mem, 0x10000,
				0x2000),
			 -EINVAL);
	fx_close(fx, legacy.container);
	munmap(mem, 0x4000);
}

static void group_against_cdev(void **state)
{
	struct fx *fx = fx_of(state);
	struct vfio_device_bind_iommufd bind = { .argsz = sizeof(bind) };
	struct fx_cdev cdev;
	int group, dev;
	char path[64];

	/* Device 2 is bound by its cdev: the group's file is closed to all. */
	fx_cdev_open(fx, &cdev, 2, false);
	assert_int_equal(open_group(fx, 2), -EBUSY);
	assert_int_equal(open_group(fx, 3), -EBUSY);
	fx_close(fx, cdev.device);
	group = open_group(fx, 3);
	assert_true(group >= 0);
	/* And the other way round. */
	dev = fx_open(fx, fx_cdev_path(fx, 2, path));
	bind.iommufd = cdev.iommufd;
	assert_int_equal(fx_ioctl(fx, dev, VFIO_DEVICE_BIND_IOMMUFD, &bind),
			 -EBUSY);
	fx_close(fx, group);
	assert_int_equal(fx_ioctl(fx, dev, VFIO_DEVICE_BIND_IOMMUFD, &bind), 0);
	fx_close(fx, dev);
	fx_close(fx, cdev.iommufd);
}

/* ------------------------------------------- iommufd as a container ----- */

static void iommufd_as_container(void **state)
{
	struct fx *fx = fx_of(state);
	int iommufd = fx_open(fx, "/dev/iommu"), group = open_group(fx, 0);
	uint8_t *mem = mmap(NULL, 0x2000, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct vfio_device_attach_iommufd_pt pt = { .argsz = sizeof(pt) };
	uiommu_pa_t pa;
	int dev;

	assert_int_equal(
		fx_ioctl(fx, group, VFIO_GROUP_SET_CONTAINER, &iommufd), 0);
	assert_int_equal(status(fx, group),
			 VFIO_GROUP_FLAGS_VIABLE |
				 VFIO_GROUP_FLAGS_CONTAINER_SET);
	assert_int_equal(fx_ioctl_val(fx, iommufd, VFIO_SET_IOMMU,
				      VFIO_TYPE1v2_IOMMU),
			 0);
	dev = (int)fx_ioctl(fx, group, VFIO_GROUP_GET_DEVICE_FD, fx->bdf[0]);
	assert_true(dev >= 0);
	assert_true(usable(fx, dev));
	assert_int_equal(fx_map(fx, iommufd, (uintptr_t)mem, 0x10000, 0x2000),
			 0);
	assert_true(fx_translate(fx, 0, 0x11000, &pa));
	assert_int_equal(pa, (uintptr_t)mem + 0x1000);
	/* MMIO is not for iommufd. */
	assert_int_equal(fx_map(fx, iommufd, FX_MMIO, 0x20000, 0x1000),
			 -EFAULT);
	assert_int_equal(fx_ioctl(fx, dev, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &pt),
			 -ENOTTY);
	assert_int_equal(fx_ioctl(fx, dev, VFIO_DEVICE_DETACH_IOMMUFD_PT, &pt),
			 -ENOTTY);
	assert_int_equal(fx_ioctl(fx, group, VFIO_GROUP_UNSET_CONTAINER, NULL),
			 -EBUSY);
	fx_close(fx, iommufd);
	fx_close(fx, group);
	assert_true(usable(fx, dev));
	fx_close(fx, dev);
	assert_int_equal(fx->pins, 0);
	munmap(mem, 0x2000);
}

static void iommufd_container_claims_late(void **state)
{
	struct fx *fx = fx_of(state);
	int iommufd = fx_open(fx, "/dev/iommu"), group = open_group(fx, 0);

	assert_int_equal(uiommu_device_claim_owner(fx->pci[0].dev, fx), 0);
	assert_int_equal(
		fx_ioctl(fx, group, VFIO_GROUP_SET_CONTAINER, &iommufd), 0);
	assert_int_equal(fx_ioctl(fx, group, VFIO_GROUP_GET_DEVICE_FD,
				  fx->bdf[0]),
			 -EPERM);
	uiommu_device_release_owner(fx->pci[0].dev);
	fx_close(fx, group);
	fx_close(fx, iommufd);
}

/* The nth allocation of the whole way to a device fails, for every n. */
static void opening_without_memory(void **state)
{
	struct fx *fx = fx_of(state);
	bool done = false;

	for (uint64_t n = 1; !done; n++) {
		int con = -1, group = -1, dev = -1;
		long rc;

		test_platform_fail_nth(&fx->tp, n);
		con = fx_open(fx, "/dev/vfio/vfio");
		group = con < 0 ? con : open_group(fx, 0);
		rc = group;
		if (group >= 0)
			rc = fx_ioctl(fx, group, VFIO_GROUP_SET_CONTAINER,
				      &con);
		if (!rc)
			rc = fx_ioctl_val(fx, con, VFIO_SET_IOMMU,
					  VFIO_TYPE1_IOMMU);
		if (!rc)
			rc = dev = (int)fx_ioctl(fx, group,
						 VFIO_GROUP_GET_DEVICE_FD,
						 fx->bdf[0]);
		done = !test_platform_fail_nth(&fx->tp, 0);
		assert_true(done ? rc >= 0 : rc == -ENOMEM);
		if (dev >= 0)
			fx_close(fx, dev);
		if (group >= 0)
			fx_close(fx, group);
		if (con >= 0)
			fx_close(fx, con);
		assert_false(uiommu_group_owned(
			uiommu_device_group(fx->pci[0].dev)));
		assert_true(n < 200);
		assert_true(!done || n > 8);
	}
}

static void reset_that_is_busy(void **state)
{
	struct fx *fx = fx_of(state);
	struct fx_legacy legacy;

	fx_legacy_open(fx, &legacy, 0, VFIO_TYPE1_IOMMU);
	fx_close(fx, legacy.device);
	fx->pci[0].reset_rc = -EAGAIN;
	assert_int_equal(fx_ioctl(fx, legacy.group, VFIO_GROUP_GET_DEVICE_FD,
				  fx->bdf[0]),
			 -EAGAIN);
	fx->pci[0].reset_rc = 0;
	legacy.device = (int)fx_ioctl(fx, legacy.group,
				      VFIO_GROUP_GET_DEVICE_FD, fx->bdf[0]);
	assert_true(legacy.device >= 0);
	fx_legacy_close(fx, &legacy);

	/* Through iommufd the device is let go of again. */
	legacy.container = fx_open(fx, "/dev/iommu");
	legacy.group = open_group(fx, 0);
	assert_int_equal(fx_ioctl(fx, legacy.group, VFIO_GROUP_SET_CONTAINER,
				  &legacy.container),
			 0);
	fx->pci[0].reset_rc = -EAGAIN;
	assert_int_equal(fx_ioctl(fx, legacy.group, VFIO_GROUP_GET_DEVICE_FD,
				  fx->bdf[0]),
			 -EAGAIN);
	fx->pci[0].reset_rc = 0;
	assert_false(uiommu_group_owned(uiommu_device_group(fx->pci[0].dev)));
	fx_close(fx, legacy.group);
	fx_close(fx, legacy.container);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(nodes_that_are_not_there),
		T(a_group_has_one_opener),
		T(status_rules),
		T(set_container_errors),
		T(container_without_groups),
		T(set_iommu_rules),
		T(interrupts_must_be_isolated),
		T(attach_that_fails),
		T(joining_that_fails),
		T(set_iommu_all_or_nothing),
		T(device_names),
		T(a_name_without_container),
		T(unset_while_devices_are_open),
		T(any_order_of_closing),
		T(group_in_use_by_device_only),
		T(two_groups_in_one_container),
		T(group_against_cdev),
		T(iommufd_as_container),
		T(iommufd_container_claims_late),
		T(opening_without_memory),
		T(reset_that_is_busy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
