/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bound devices: who may bind, what they attach to, page tables made by
 * attaching, groups, replace that fails and changes nothing, what the IOMMU
 * says of itself.
 */
#include "ufd_env.h"

#include <string.h>
#include <sys/mman.h>

#include "small_unit.h"

static int bind(struct ufd_env *env, int fd, unsigned int dev,
		struct ufd_device **idev)
{
	struct abi_file *file = abi_fd_get(env->abi, fd);
	uint32_t id;
	int rc = ufd_device_bind(file, env->dev[dev], idev, &id);

	abi_file_put(file);
	return rc;
}

/* Attach or replace; the page table's id or the error. */
static int attach(struct ufd_device *idev, uint32_t pt)
{
	int rc = ufd_device_attach(idev, &pt);

	return rc ? rc : (int)pt;
}

static int replace(struct ufd_device *idev, uint32_t pt)
{
	int rc = ufd_device_replace(idev, &pt);

	return rc ? rc : (int)pt;
}

/* ------------------------------------------------------------- binding -- */

static void ownership(void **state)
{
	struct ufd_env *env = *state;
	int a = env_open(env), b = env_open(env);
	struct ufd_device *first, *second, *other;
	uint32_t id;

	first = env_bind(env, a, 0, &id);
	assert_int_equal(id, 1);
	/* The group belongs to the context now. */
	assert_int_equal(bind(env, b, 1, &other), -EPERM);
	second = env_bind(env, a, 1, &id);
	assert_int_equal(id, 2);
	other = env_bind(env, b, 2, &id);
	assert_int_equal(id, 1);
	ufd_device_unbind(first);
	assert_int_equal(bind(env, b, 0, &first), -EPERM);
	ufd_device_unbind(second);
	first = env_bind(env, b, 0, &id);
	assert_int_equal(id, 2);
	ufd_device_unbind(first);
	ufd_device_unbind(other);
	env_close(env, a);
	env_close(env, b);
}

static void refused(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env);
	struct uiommu_domain *domain;
	const struct abi_file_ops other = { .name = "other" };
	const struct abi_file_ops *ops;
	struct ufd_device *idev;
	struct abi_file *file;
	uint32_t id;

	assert_int_equal(bind(env, fd, 4, &idev), -EINVAL);
	assert_int_equal(bind(env, fd, 5, &idev), -EPERM);
	assert_int_equal(uiommu_device_claim_owner(env->dev[2], env), 0);
	assert_int_equal(bind(env, fd, 2, &idev), -EPERM);
	uiommu_device_release_owner(env->dev[2]);

	assert_int_equal(uiommu_domain_alloc(env->dev[2], &domain), 0);
	assert_int_equal(uiommu_group_attach(uiommu_device_group(env->dev[2]),
					     domain),
			 0);
	assert_int_equal(bind(env, fd, 2, &idev), -EBUSY);
	uiommu_group_detach(uiommu_device_group(env->dev[2]));
	uiommu_domain_free(domain);

	/* Not a context. */
	file = abi_fd_get(env->abi, fd);
	ops = file->ops;
	file->ops = &other;
	assert_null(ufd_ctx_of(file));
	assert_int_equal(ufd_device_bind(file, env->dev[2], &idev, &id),
			 -EINVAL);
	file->ops = ops;
	abi_file_put(file);
	/* Each failure has given its id back. */
	assert_int_equal(env_ioas(env, fd), 1);
	env_close(env, fd);
}

/* Is an address in none of the reserved regions? */
static bool usable(struct ufd_env *env, int fd, uint32_t ioas, uint64_t iova)
{
	struct iommu_iova_range r[8];
	struct iommu_ioas_iova_ranges cmd = { .size = sizeof(cmd),
					      .ioas_id = ioas,
					      .num_iovas = 8,
					      .allowed_iovas = (uintptr_t)r };
	uint32_t i;

	assert_int_equal(env_ioctl(env, fd, IOMMU_IOAS_IOVA_RANGES, &cmd), 0);
	for (i = 0; i < cmd.num_iovas; i++) {
		if (r[i].start <= iova && iova <= r[i].last)
			return true;
	}
	return false;
}

/* --------------------------------------------------- attach and detach -- */

static void auto_page_table(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env), pt;
	uint32_t ioas = env_ioas(env, fd), id;
	struct ufd_device *a = env_bind(env, fd, 0, &id);
	struct ufd_device *c = env_bind(env, fd, 2, &id);
	struct ufd_device *d = env_bind(env, fd, 3, &id);

	env_map(env, fd, ioas, env->mem, 4 * PAGE, 0x10000);
	assert_int_equal(env->pinned, 0);
	pt = attach(a, ioas);
	assert_true(pt > 0);
	assert_int_equal(env->pinned, 4);
	assert_ptr_equal(env_dma(env, 0, 0x13004), env->mem + 0x3004);
	assert_null(env_dma(env, 2, 0x13004));
	assert_int_equal(attach(a, ioas), -EBUSY);
	assert_int_equal(attach(a, (uint32_t)pt), -EBUSY);

	/* Shared where it fits, another one behind the other unit. */
	assert_int_equal(attach(c, ioas), pt);
	assert_ptr_equal(env_dma(env, 2, 0x13004), env->mem + 0x3004);
	assert_int_not_equal(attach(d, ioas), pt);
	assert_int_equal(env->pinned, 4);

	/* Later mappings are in all of them. */
	env_map(env, fd, ioas, env->mem + PAGE, PAGE, 0x20000);
	assert_ptr_equal(env_dma(env, 0, 0x20000), env->mem + PAGE);
	assert_ptr_equal(env_dma(env, 3, 0x20000), env->mem + PAGE);
	assert_int_equal(env_unmap(env, fd, ioas, 0x10000, 4 * PAGE), 0);
	assert_null(env_dma(env, 0, 0x10000));
	assert_null(env_dma(env, 3, 0x10000));
	assert_int_equal(env->pinned, 1);

	/* It goes with its last device. */
	assert_int_equal(env_destroy(env, fd, (uint32_t)pt), -EBUSY);
	ufd_device_detach(a);
	assert_null(env_dma(env, 0, 0x20000));
	assert_ptr_equal(env_dma(env, 2, 0x20000), env->mem + PAGE);
	assert_int_equal(env_destroy(env, fd, (uint32_t)pt), -EBUSY);
	ufd_device_unbind(c);
	assert_int_equal(env_destroy(env, fd, (uint32_t)pt), -ENOENT);
	assert_int_equal(env_destroy(env, fd, ioas), -EBUSY);
	ufd_device_unbind(d);
	assert_int_equal(env->pinned, 0);
	assert_int_equal(env_destroy(env, fd, ioas), 0);
	ufd_device_unbind(a);
	env_close(env, fd);
}

static void group_moves_as_one(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env), pt, other;
	uint32_t one = env_ioas(env, fd), two = env_ioas(env, fd), id, manual;
	struct ufd_device *a = env_bind(env, fd, 0, &id);
	struct ufd_device *b = env_bind(env, fd, 1, &id);

	env_map(env, fd, one, env->mem, PAGE, 0x10000);
	env_map(env, fd, two, env->mem + PAGE, PAGE, 0x10000);
	assert_int_equal(env_hwpt(env, fd, id, two, &manual), 0);
	pt = attach(a, one);
	/* The hardware has moved, but b has not said so. */
	assert_ptr_equal(env_dma(env, 1, 0x10000), env->mem);
	assert_int_equal(replace(b, one), -EINVAL);
	assert_int_equal(attach(b, two), -EINVAL);
	assert_int_equal(attach(b, manual), -EINVAL);
	assert_int_equal(attach(b, one), pt);

	/* Replace takes both along; the old one is gone. */
	other = replace(a, two);
	assert_true(other > 0);
	assert_ptr_equal(env_dma(env, 1, 0x10000), env->mem + PAGE);
	if (other != pt)
		assert_int_equal(env_destroy(env, fd, (uint32_t)pt), -ENOENT);
	assert_int_equal(env_destroy(env, fd, one), 0);
	/* To itself, by both names. */
	assert_int_equal(replace(b, (uint32_t)other), other);
	assert_int_equal(replace(b, two), other);
	/* To one that was asked for, and the automatic one goes. */
	assert_int_equal(replace(b, manual), (int)manual);
	assert_int_equal(env_destroy(env, fd, (uint32_t)other), -ENOENT);
	assert_int_equal(env_destroy(env, fd, manual), -EBUSY);

	ufd_device_detach(a);
	assert_int_equal(replace(a, two), -EINVAL);
	assert_ptr_equal(env_dma(env, 0, 0x10000), env->mem + PAGE);
	ufd_device_detach(b);
	assert_null(env_dma(env, 0, 0x10000));
	assert_int_equal(replace(a, two), -EINVAL);
	assert_int_equal(env_destroy(env, fd, manual), 0);
	/* No trial page table has stayed. */
	assert_int_equal(env_destroy(env, fd, two), 0);
	ufd_device_unbind(a);
	ufd_device_unbind(b);
	env_close(env, fd);
}

static void errors_change_nothing(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env), pt;
	uint32_t one = env_ioas(env, fd), two = env_ioas(env, fd), id, dev;
	struct ufd_device *c = env_bind(env, fd, 2, &dev);

	/* Memory that is not there is found out when a device comes. */
	env_map(env, fd, two, env->mem, PAGE, 0x10000);
	env_map(env, fd, two, env->mem - PAGE, PAGE, 0x20000);
	assert_int_equal(attach(c, two), -EFAULT);
	assert_int_equal(env->pinned, 0);
	assert_int_equal(env_hwpt(env, fd, dev, two, &id), -EFAULT);
	/* Detached as before, and its id free. */
	pt = attach(c, one);
	assert_int_equal(pt, dev + 1);
	assert_int_equal(replace(c, two), -EFAULT);
	env_map(env, fd, one, env->mem, PAGE, 0x10000);
	assert_ptr_equal(env_dma(env, 2, 0x10000), env->mem);

	/* The driver refuses. */
	assert_int_equal(env_unmap(env, fd, two, 0x20000, PAGE), 0);
	env->unit[0]->attach_rc = -ENOMEM;
	assert_int_equal(replace(c, two), -ENOMEM);
	assert_ptr_equal(env_dma(env, 2, 0x10000), env->mem);
	assert_true(usable(env, fd, two, 0x8000000));
	assert_false(usable(env, fd, one, 0x8000000));
	/* Nor is it asked when nothing changes. */
	assert_int_equal(replace(c, one), pt);
	ufd_device_detach(c);
	assert_int_equal(attach(c, one), -ENOMEM);
	env->unit[0]->attach_rc = -EINVAL;
	assert_int_equal(attach(c, one), -EINVAL);
	env->unit[0]->attach_rc = 0;
	assert_int_equal(attach(c, one), pt);

	/* With a domain, a map of bad memory fails at once. */
	struct iommu_ioas_map map = { .size = sizeof(map),
				      .flags = 7,
				      .ioas_id = one,
				      .user_va = (uintptr_t)env_edge(env, PAGE),
				      .length = 2 * PAGE,
				      .iova = 0x40000 };

	assert_int_equal(env_ioctl(env, fd, IOMMU_IOAS_MAP, &map), -EFAULT);
	assert_int_equal(env_unmap(env, fd, one, 0x40000, 2 * PAGE), -ENOENT);
	assert_int_equal(env->pinned, 1);
	ufd_device_unbind(c);
	env_close(env, fd);
}

/* Another unit's page table does not fit: told by the driver. */
static void wrong_unit(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env);
	uint32_t ioas = env_ioas(env, fd), dev, other, hwpt;
	struct ufd_device *a = env_bind(env, fd, 0, &dev);
	struct ufd_device *d = env_bind(env, fd, 3, &other);

	assert_int_equal(env_hwpt(env, fd, dev, ioas, &hwpt), 0);
	assert_int_equal(attach(d, hwpt), -EINVAL);
	assert_int_equal(attach(a, hwpt), (int)hwpt);
	assert_true(attach(d, ioas) > 0);
	assert_int_equal(replace(d, hwpt), -EINVAL);
	/* One that was asked for is never shared by an attach to the IOAS. */
	ufd_device_detach(a);
	assert_int_not_equal(attach(a, ioas), (int)hwpt);
	ufd_device_unbind(a);
	ufd_device_unbind(d);
	env_close(env, fd);
}

/* ----------------------------------------------------- reserved regions -- */

static unsigned int ranges_of(struct ufd_env *env, int fd, uint32_t ioas,
			      struct iommu_iova_range *r, unsigned int max)
{
	struct iommu_ioas_iova_ranges cmd = { .size = sizeof(cmd),
					      .ioas_id = ioas,
					      .num_iovas = max,
					      .allowed_iovas = (uintptr_t)r };

	assert_int_equal(env_ioctl(env, fd, IOMMU_IOAS_IOVA_RANGES, &cmd), 0);
	return cmd.num_iovas;
}

/* The window for interrupts, which units with translated MSIs reserve. */
static struct uiommu_range msi_window(struct ufd_env *env, unsigned int dev)
{
	struct uiommu_resv_region regions[8];
	unsigned int i,
		nr = uiommu_device_resv_regions(env->dev[dev], regions, 8);

	for (i = 0; i < nr && i < 8; i++) {
		if (regions[i].type == UIOMMU_RESV_SW_MSI)
			return regions[i].range;
	}
	fail_msg("device %u has no window", dev);
	return (struct uiommu_range){ 0, 0 };
}

static void reserved_regions(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env);
	uint32_t one = env_ioas(env, fd), two = env_ioas(env, fd), id;
	struct ufd_device *a = env_bind(env, fd, 0, &id);
	struct ufd_device *b = env_bind(env, fd, 1, &id);
	struct uiommu_range window = msi_window(env, 0);
	struct iommu_iova_range r[4];
	int pt;

	/* A mapping in the way. */
	env_map(env, fd, one, env->mem, PAGE, window.first);
	assert_int_equal(attach(a, one), -EADDRINUSE);
	assert_int_equal(env->pinned, 0);
	assert_null(uiommu_group_domain(uiommu_device_group(env->dev[0])));
	assert_int_equal(env_unmap(env, fd, one, window.first, PAGE), 0);

	pt = attach(a, one);
	assert_int_equal(attach(b, one), pt);
	/* Two holes: the window, and what page tables do not reach. */
	assert_int_equal(ranges_of(env, fd, one, r, 4), 2);
	assert_int_equal(r[0].start, 0);
	assert_int_equal(r[0].last, window.first - 1);
	assert_int_equal(r[1].start, window.last + 1);
	assert_int_equal(r[1].last, (UINT64_C(1) << 48) - 1);

	/* Replace checks the new IOAS and gives the old one's regions back. */
	env_map(env, fd, two, env->mem, PAGE, window.last);
	assert_int_equal(replace(a, two), -EADDRINUSE);
	assert_int_equal(ranges_of(env, fd, one, r, 4), 2);
	assert_int_equal(ranges_of(env, fd, two, r, 4), 1);
	assert_int_equal(env_unmap(env, fd, two, window.last, PAGE), 0);
	assert_true(replace(a, two) > 0);
	assert_int_equal(ranges_of(env, fd, one, r, 4), 1);
	assert_int_equal(r[0].last, UINT64_MAX);
	assert_int_equal(ranges_of(env, fd, two, r, 4), 2);

	/* They go with the last device. */
	ufd_device_detach(a);
	assert_int_equal(ranges_of(env, fd, two, r, 4), 2);
	ufd_device_detach(b);
	assert_int_equal(ranges_of(env, fd, two, r, 4), 1);
	ufd_device_unbind(a);
	ufd_device_unbind(b);
	env_close(env, fd);
}

/* ------------------------------------------------------------ HWPT_ALLOC -- */

static void hwpt_alloc_errors(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env);
	uint32_t ioas = env_ioas(env, fd), dev;
	struct ufd_device *idev = env_bind(env, fd, 0, &dev);
	struct iommu_hwpt_alloc good = { .size = sizeof(good),
					 .dev_id = dev,
					 .pt_id = ioas };
	uint32_t word = SMALL_INFO_WORD;
	struct iommu_hwpt_alloc cmd, *ro;

#define DATA(len)                                               \
	(cmd.data_type = SMALL_DATA_TYPE, cmd.data_len = (len), \
	 cmd.data_uptr = (uintptr_t)&word)
#define TRY(rc, change)                                                      \
	do {                                                                 \
		cmd = good;                                                  \
		change;                                                      \
		assert_int_equal(env_ioctl(env, fd, IOMMU_HWPT_ALLOC, &cmd), \
				 rc);                                        \
	} while (0)

	TRY(-EOPNOTSUPP, cmd.__reserved = 1; cmd.data_len = 1);
	TRY(-EINVAL, cmd.data_len = 1; cmd.dev_id = 99);
	TRY(-EINVAL, cmd.data_type = 2; cmd.dev_id = 99);
	TRY(-ENOENT, cmd.dev_id = 99; cmd.pt_id = 99);
	TRY(-EINVAL, cmd.pt_id = 99; cmd.flags = 0x80);
	TRY(-EOPNOTSUPP, cmd.flags = IOMMU_HWPT_ALLOC_NEST_PARENT);
	TRY(-EOPNOTSUPP, cmd.flags = IOMMU_HWPT_ALLOC_DIRTY_TRACKING);
	TRY(-EOPNOTSUPP, cmd.flags = IOMMU_HWPT_FAULT_ID_VALID |
				     IOMMU_HWPT_ALLOC_NEST_PARENT);
	TRY(-EOPNOTSUPP, cmd.flags = IOMMU_HWPT_FAULT_ID_VALID | 0x80);
	TRY(-ENOENT, cmd.flags = IOMMU_HWPT_FAULT_ID_VALID);
	TRY(-ENOENT, cmd.flags = IOMMU_HWPT_FAULT_ID_VALID;
	    cmd.fault_id = ioas);
	TRY(-EOPNOTSUPP, cmd.flags = 0x80);
	TRY(-EOPNOTSUPP, cmd.data_type = 2; cmd.data_len = 16);
	/* Data that the driver knows is read by it, after all that is checked. */
	TRY(-EOPNOTSUPP, DATA(4); cmd.flags = 0x80);
	TRY(-EOPNOTSUPP, DATA(4); cmd.flags = IOMMU_HWPT_ALLOC_DIRTY_TRACKING);
	TRY(-EOPNOTSUPP, DATA(4); cmd.data_type++);
	TRY(-EINVAL, DATA(3));
	TRY(-EINVAL, DATA(5));
	TRY(-EFAULT, DATA(4); cmd.data_uptr = 0);
	TRY(-EINVAL, DATA(4); cmd.data_uptr = (uintptr_t)&good);
	TRY(-ENOENT, DATA(4); cmd.flags = IOMMU_HWPT_FAULT_ID_VALID);
	TRY(0, DATA(4));
	assert_int_equal(cmd.out_hwpt_id, dev + 1);
	assert_int_equal(env_destroy(env, fd, cmd.out_hwpt_id), 0);
	/* Fields that nobody looks at. */
	TRY(0, cmd.fault_id = 77; cmd.__reserved2 = 5);
	assert_int_equal(cmd.out_hwpt_id, dev + 1);
	/* The short structure of the first kernels. */
	TRY(0, cmd.size = 24);
	assert_int_equal(cmd.out_hwpt_id, dev + 2);

	ro = (void *)env->mem;
	*ro = good;
	assert_int_equal(mprotect(env->mem, PAGE, PROT_READ), 0);
	assert_int_equal(env_ioctl(env, fd, IOMMU_HWPT_ALLOC, ro), -EFAULT);
	mprotect(env->mem, PAGE, PROT_READ | PROT_WRITE);
	TRY(0, cmd.size = 24);
	assert_int_equal(cmd.out_hwpt_id, dev + 3);
#undef TRY
	ufd_device_unbind(idev);
	env_close(env, fd);
}

#define NEST IOMMU_HWPT_ALLOC_NEST_PARENT
#define DIRTY IOMMU_HWPT_ALLOC_DIRTY_TRACKING
#define FAULT IOMMU_HWPT_FAULT_ID_VALID
#define PASID IOMMU_HWPT_ALLOC_PASID

static void try_flags(struct ufd_env *env, int fd, uint32_t dev, uint32_t ioas,
		      uint32_t flags, bool fine)
{
	int queue_fd;
	struct iommu_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.flags = flags,
		.dev_id = dev,
		.pt_id = ioas,
		.fault_id = env_queue(env, fd, &queue_fd),
	};

	if (env_ioctl(env, fd, IOMMU_HWPT_ALLOC, &cmd) !=
	    (fine ? 0 : -EOPNOTSUPP))
		fail_msg("flags %x of device %u", flags, dev);
	env_close(env, queue_fd);
	/* A queue that has a page table stays. */
	if (fine && flags & FAULT)
		assert_int_equal(env_destroy(env, fd, cmd.fault_id), -EBUSY);
	if (fine)
		assert_int_equal(env_destroy(env, fd, cmd.out_hwpt_id), 0);
	assert_int_equal(env_destroy(env, fd, cmd.fault_id), 0);
}

/* Every combination of flags, by what the hardware has. */
static void hwpt_alloc_flags(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env);
	uint32_t ioas = env_ioas(env, fd), dev;
	const uint32_t id = 8;
	const struct uiommu_device_cfg cfg = {
		.hw = { .name = "x", .ids = &id, .nr_ids = 1 },
	};

	for (int have = 0; have < 4; have++) {
		struct small_unit *unit =
			small_unit_create(&env->tp.platform, env->core);
		struct uiommu_ufd_device *idev;
		struct uiommu_device *core_dev;

		unit->caps.stage2 = have & 1;
		unit->caps.dirty_tracking = have & 2;
		assert_int_equal(uiommu_core_add_unit(env->core, &unit->unit),
				 0);
		assert_int_equal(uiommu_device_add(env->core, &unit->unit, &cfg,
						   &core_dev),
				 0);
		assert_int_equal(uiommu_ufd_device_bind(env->abi, fd, core_dev,
							&idev, &dev),
				 0);
		for (uint32_t flags = 0; flags < 32; flags++) {
			bool fine = flags < 16;

			if (flags & NEST &&
			    (flags & (FAULT | PASID) || !(have & 1)))
				fine = false;
			if (flags & DIRTY && !(have & 2))
				fine = false;
			try_flags(env, fd, dev, ioas, flags, fine);
		}
		uiommu_ufd_device_unbind(idev);
		uiommu_device_remove(core_dev);
	}
	env_close(env, fd);
}

/* Mappings are in the page table before any device uses it. */
static void hwpt_is_filled_at_once(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env);
	uint32_t ioas = env_ioas(env, fd), dev, hwpt;
	struct ufd_device *idev = env_bind(env, fd, 0, &dev);
	struct iommu_hwpt_set_dirty_tracking dirty = { sizeof(dirty), 1 };
	struct iommu_hwpt_get_dirty_bitmap map = { .size = sizeof(map) };

	env_map(env, fd, ioas, env->mem, 7 * PAGE, 0x10000);
	assert_int_equal(env_hwpt(env, fd, dev, ioas, &hwpt), 0);
	assert_int_equal(env->pinned, 7);

	/* It has no dirty tracking; the range is checked before that. */
	dirty.hwpt_id = hwpt;
	assert_int_equal(env_ioctl(env, fd, IOMMU_HWPT_SET_DIRTY_TRACKING,
				   &dirty),
			 -EOPNOTSUPP);
	map.hwpt_id = hwpt;
	assert_int_equal(env_ioctl(env, fd, IOMMU_HWPT_GET_DIRTY_BITMAP, &map),
			 -EINVAL);
	map.iova = UINT64_MAX;
	map.length = 2;
	assert_int_equal(env_ioctl(env, fd, IOMMU_HWPT_GET_DIRTY_BITMAP, &map),
			 -EOVERFLOW);
	map.iova = PAGE / 2;
	map.length = PAGE;
	map.page_size = PAGE;
	assert_int_equal(env_ioctl(env, fd, IOMMU_HWPT_GET_DIRTY_BITMAP, &map),
			 -EINVAL);
	map.iova = 0;
	assert_int_equal(env_ioctl(env, fd, IOMMU_HWPT_GET_DIRTY_BITMAP, &map),
			 -EOPNOTSUPP);
	map.page_size = 0;
	assert_int_equal(env_ioctl(env, fd, IOMMU_HWPT_GET_DIRTY_BITMAP, &map),
			 -EINVAL);

	assert_int_equal(env_destroy(env, fd, hwpt), 0);
	assert_int_equal(env->pinned, 0);
	ufd_device_unbind(idev);
	env_close(env, fd);
}

/* ------------------------------------------------------------- hw info -- */

static void set_ats(void *cookie, bool enable)
{
}

static void hw_info(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env);
	uint32_t dev, buf[16];
	struct ufd_device *idev = env_bind(env, fd, 0, &dev);
	struct iommu_hw_info good = { .size = sizeof(good), .dev_id = dev };
	struct iommu_hw_info cmd;

#define TRY(rc, change)                                                       \
	do {                                                                  \
		cmd = good;                                                   \
		change;                                                       \
		assert_int_equal(env_ioctl(env, fd, IOMMU_GET_HW_INFO, &cmd), \
				 rc);                                         \
	} while (0)

	TRY(-EOPNOTSUPP, cmd.flags = 2);
	TRY(-EOPNOTSUPP, cmd.__reserved[2] = 1);
	TRY(-ENOENT, cmd.dev_id = 99);
	TRY(-EFAULT, cmd.data_len = 4);
	TRY(-EOPNOTSUPP, cmd.flags = 1; cmd.in_data_type = 1);
	/* How much there is. */
	TRY(0, );
	assert_int_equal(cmd.data_len, SMALL_INFO_LEN);
	assert_int_equal(cmd.out_data_type, SMALL_INFO_TYPE);
	/* What device 0 has of them, and its unit. */
	assert_int_equal(cmd.out_max_pasid_log2, 8);
	assert_int_equal(cmd.out_capabilities,
			 IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED);
	/* A type that is not asked for is not looked at. */
	TRY(0, cmd.in_data_type = 1);
	TRY(0, cmd.flags = 1; cmd.in_data_type = SMALL_INFO_TYPE);
	/* More room than there is to say: the rest becomes zero. */
	memset(buf, 0xff, sizeof(buf));
	TRY(0, cmd.data_len = 44; cmd.data_uptr = (uintptr_t)buf);
	assert_int_equal(buf[0], SMALL_INFO_WORD);
	assert_int_equal(buf[10], 0);
	assert_int_equal(buf[11], UINT32_MAX);
	/* Less: a part. */
	memset(buf, 0xff, sizeof(buf));
	TRY(0, cmd.data_len = 4; cmd.data_uptr = (uintptr_t)buf);
	assert_int_equal(buf[0], SMALL_INFO_WORD);
	assert_int_equal(buf[1], UINT32_MAX);
	assert_int_equal(cmd.data_len, SMALL_INFO_LEN);
	/* Room that is not there, behind the part that is. */
	TRY(-EFAULT, cmd.data_len = 1000;
	    cmd.data_uptr = (uintptr_t)env_edge(env, 100));
#undef TRY
	ufd_device_unbind(idev);
	env_close(env, fd);
}

/* Each capability by itself; the sizes that a caller may have. */
static void hw_capabilities(void **state)
{
	static const struct {
		bool dirty, ats, exec, priv;
		uint8_t pasid_bits, log2;
		uint64_t want;
	} rows[] = {
		{ .want = 8 },
		{ .dirty = true, .want = 9 },
		{ .ats = true, .want = 0 },
		{ .exec = true, .priv = true, .want = 8 },
		{ .exec = true, .pasid_bits = 20, .log2 = 10, .want = 10 },
		{ .priv = true, .pasid_bits = 1, .log2 = 1, .want = 12 },
		{ true, true, true, true, 7, 7, 7 },
	};
	struct ufd_env *env = *state;
	int fd = env_open(env);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct small_unit *unit =
			small_unit_create(&env->tp.platform, env->core);
		const uint32_t id = 8;
		const struct uiommu_device_cfg cfg = {
			.hw = { .name = "x",
				.ids = &id,
				.nr_ids = 1,
				.pasid_bits = rows[i].pasid_bits,
				.ats = rows[i].ats },
			.set_ats = set_ats,
			.pasid_exec = rows[i].exec,
			.pasid_priv = rows[i].priv,
		};
		struct iommu_hw_info cmd = { .size = 40 };
		struct uiommu_ufd_device *idev;
		struct uiommu_device *core_dev;

		unit->caps.dirty_tracking = rows[i].dirty;
		unit->caps.ats = true;
		assert_int_equal(uiommu_core_add_unit(env->core, &unit->unit),
				 0);
		assert_int_equal(uiommu_device_add(env->core, &unit->unit, &cfg,
						   &core_dev),
				 0);
		assert_int_equal(uiommu_ufd_device_bind(env->abi, fd, core_dev,
							&idev, &cmd.dev_id),
				 0);
		assert_int_equal(env_ioctl(env, fd, IOMMU_GET_HW_INFO, &cmd),
				 0);
		if (cmd.out_max_pasid_log2 != rows[i].log2 ||
		    cmd.out_capabilities != rows[i].want)
			fail_msg("row %zu: %u, %llx", i, cmd.out_max_pasid_log2,
				 (unsigned long long)cmd.out_capabilities);
		/* The structure of before there were capabilities. */
		cmd = (struct iommu_hw_info){ .size = 32,
					      .dev_id = cmd.dev_id,
					      .out_capabilities = 0x55 };
		assert_int_equal(env_ioctl(env, fd, IOMMU_GET_HW_INFO, &cmd),
				 0);
		assert_int_equal(cmd.out_max_pasid_log2, rows[i].log2);
		assert_int_equal(cmd.out_capabilities, 0x55);
		cmd.size = 31;
		assert_int_equal(env_ioctl(env, fd, IOMMU_GET_HW_INFO, &cmd),
				 -EINVAL);
		uiommu_ufd_device_unbind(idev);
		uiommu_device_remove(core_dev);
	}
	env_close(env, fd);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, ufd_env_setup, ufd_env_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ownership),
		TEST(auto_page_table),
		TEST(group_moves_as_one),
		TEST(errors_change_nothing),
		TEST(wrong_unit),
		TEST(reserved_regions),
		TEST(hwpt_alloc_errors),
		TEST(hwpt_alloc_flags),
		TEST(hwpt_is_filled_at_once),
		TEST(hw_info),
		TEST(hw_capabilities),
		TEST(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
