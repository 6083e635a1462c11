/* SPDX-License-Identifier: BSD-2-Clause */
/* Device files: information, regions, mappings, resets, features. */
#include "fixture.h"

static struct fx *fx;
static struct fx_legacy legacy;
static struct fake_pci *pci;
static int dev;

static int setup(void **state)
{
	fx_setup(state);
	fx = *state;
	fx_legacy_open(fx, &legacy, 2, VFIO_TYPE1v2_IOMMU);
	dev = legacy.device;
	pci = &fx->pci[2];
	return 0;
}

static int teardown(void **state)
{
	fx_legacy_close(fx, &legacy);
	return fx_teardown(state);
}

static void info(void **state)
{
	struct vfio_device_info info;

	for (uint32_t argsz = 16; argsz <= 32; argsz += 4) {
		memset(&info, 0xa5, sizeof(info));
		info.argsz = argsz;
		assert_int_equal(fx_ioctl(fx, dev, VFIO_DEVICE_GET_INFO, &info),
				 0);
		assert_int_equal(info.argsz, argsz);
		assert_int_equal(info.flags, 3);
		assert_int_equal(info.num_regions, 9);
		assert_int_equal(info.num_irqs, 5);
		assert_int_equal(info.cap_offset, argsz >= 20 ? 0 : 0xa5a5a5a5);
		assert_int_equal(info.pad, argsz >= 24 ? 0 : 0xa5a5a5a5);
	}
	info.argsz = 15;
	assert_int_equal(fx_ioctl(fx, dev, VFIO_DEVICE_GET_INFO, &info),
			 -EINVAL);
	assert_int_equal(fx_ioctl_val(fx, dev, VFIO_DEVICE_GET_INFO,
				      FX_BAD_PTR),
			 -EFAULT);
	assert_int_equal(fx_ioctl_val(fx, dev, 0x3b7f, 0), -ENOTTY);
	assert_int_equal(fx_ioctl_val(fx, dev, VFIO_DEVICE_IOEVENTFD, 0),
			 -ENOTTY);
	assert_int_equal(fx_ioctl_val(fx, dev, VFIO_DEVICE_QUERY_GFX_PLANE, 0),
			 -ENOTTY);
}

static void regions(void **state)
{
	static const struct {
		uint32_t flags, cap_offset, argsz;
		uint64_t size;
	} table[] = {
		{ 15, 32, 64, FAKE_BAR0_SIZE },
		{ 0, 0, 64, 0 },
		{ 3, 0, 64, 0x1000 },
		{ 3, 0, 64, 32 },
		{ 7, 0, 64, 256 },
		{ 0, 0, 64, 0 },
		{ 0, 0, 64, 0 },
		{ 3, 0, 64, 4096 },
	};
	union {
		struct vfio_region_info info;
		uint8_t bytes[64];
	} buf;
	const struct vfio_info_cap_header *cap;

	for (uint32_t i = 0; i < ARRAY_SIZE(table); i++) {
		memset(&buf, 0xa5, sizeof(buf));
		buf.info.argsz = sizeof(buf);
		buf.info.index = i;
		assert_int_equal(fx_ioctl(fx, dev, VFIO_DEVICE_GET_REGION_INFO,
					  &buf),
				 0);
		assert_int_equal(buf.info.flags, table[i].flags);
		assert_int_equal(buf.info.size, table[i].size);
		assert_int_equal(buf.info.offset, FX_REGION(i));
		assert_int_equal(buf.info.cap_offset, table[i].cap_offset);
		assert_int_equal(buf.info.argsz, table[i].argsz);
	}
	buf.info = (struct vfio_region_info){ .argsz = sizeof(buf) };
	assert_int_equal(fx_ioctl(fx, dev, VFIO_DEVICE_GET_REGION_INFO, &buf),
			 0);
	cap = (const void *)(buf.bytes + 32);
	assert_int_equal(cap->id, VFIO_REGION_INFO_CAP_MSIX_MAPPABLE);
	assert_int_equal(cap->version, 1);
	assert_int_equal(cap->next, 0);
	/* No room: the size is told, nothing is written behind. */
	memset(&buf, 0xa5, sizeof(buf));
	buf.info.argsz = 39;
	buf.info.index = 0;
	assert_int_equal(fx_ioctl(fx, dev, VFIO_DEVICE_GET_REGION_INFO, &buf),
			 0);
	assert_int_equal(buf.info.argsz, 40);
	assert_int_equal(buf.info.cap_offset, 0);
	assert_int_equal(buf.bytes[32], 0xa5);
	buf.info.argsz = 31;
	assert_int_equal(fx_ioctl(fx, dev, VFIO_DEVICE_GET_REGION_INFO, &buf),
			 -EINVAL);
	for (uint32_t i = 8; i < 12; i++) {
		buf.info = (struct vfio_region_info){ .argsz = 32, .index = i };
		assert_int_equal(fx_ioctl(fx, dev, VFIO_DEVICE_GET_REGION_INFO,
					  &buf),
				 -EINVAL);
	}
}

static ssize_t rd(unsigned int index, uint64_t off, size_t len, void *buf)
{
	return uiommu_abi_pread(fx->abi, dev, (uintptr_t)buf, len,
				FX_REGION(index) + off);
}

static ssize_t wr(unsigned int index, uint64_t off, size_t len, const void *buf)
{
	return uiommu_abi_pwrite(fx->abi, dev, (uintptr_t)buf, len,
				 FX_REGION(index) + off);
}

static void reads_and_writes(void **state)
{
	uint8_t data[64], back[64];

	for (unsigned int i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i + 1);
	/* All lengths at all alignments. */
	for (unsigned int off = 0; off < 16; off++)
		for (unsigned int len = 1; len <= 33; len++) {
			memset(pci->bar[0], 0, 64);
			assert_int_equal(wr(0, off, len, data), len);
			assert_memory_equal(pci->bar[0] + off, data, len);
			assert_int_equal(pci->bar[0][off + len], 0);
			assert_int_equal(rd(0, off, len, back), len);
			assert_memory_equal(back, data, len);
		}
	assert_int_equal(wr(2, 0xffc, 4, data), 4);
	assert_memory_equal(pci->bar[2] + 0xffc, data, 4);
	assert_int_equal(wr(3, 8, 8, data), 8);
	assert_memory_equal(pci->bar[3] + 8, data, 8);
	/* Clipped at the end, refused beyond it and where nothing is. */
	assert_int_equal(rd(0, FAKE_BAR0_SIZE - 4, 64, back), 4);
	assert_int_equal(rd(0, FAKE_BAR0_SIZE, 1, back), -EINVAL);
	assert_int_equal(rd(1, 0, 4, back), -EINVAL);
	assert_int_equal(rd(5, 0, 4, back), -EINVAL);
	assert_int_equal(rd(6, 0, 4, back), -EINVAL);
	assert_int_equal(wr(6, 0, 4, back), -EINVAL);
	assert_int_equal(rd(8, 0, 4, back), -EINVAL);
	assert_int_equal(rd(9, 0, 4, back), -EINVAL);
	assert_int_equal(rd(1u << 20, 0, 4, back), -EINVAL);
	assert_int_equal(rd(0, 0, 4, (void *)FX_BAD_PTR), -EFAULT);
	assert_int_equal(wr(0, 0, 4, (void *)FX_BAD_PTR), -EFAULT);
	/* There is no position to read at. */
	assert_int_equal(uiommu_abi_read(fx->abi, dev, (uintptr_t)back, 4),
			 -EINVAL);
}

static void the_interrupt_table_is_hidden(void **state)
{
	uint32_t ones[12], val = 0;

	memset(pci->bar[0] + FAKE_MSIX_TABLE - 8, 0x11, 8);
	memset(pci->bar[0] + FAKE_MSIX_TABLE + 128, 0x22, 8);
	assert_int_equal(rd(0, FAKE_MSIX_TABLE - 8, 16, ones), 16);
	assert_int_equal(ones[0], 0x11111111);
	assert_int_equal(ones[1], 0x11111111);
	assert_int_equal(ones[2], ~0u);
	assert_int_equal(ones[3], ~0u);
	assert_int_equal(rd(0, FAKE_MSIX_TABLE + 120, 16, ones), 16);
	assert_int_equal(ones[1], ~0u);
	assert_int_equal(ones[2], 0x22222222);
	assert_int_equal(wr(0, FAKE_MSIX_TABLE + 12, 4, &val), 4);
	assert_int_equal(pci->bar[0][FAKE_MSIX_TABLE + 12], 1);
}

static void decoding_off(void **state)
{
	struct uiommu_map *map;
	uint64_t val = 0;

	assert_int_equal(uiommu_abi_mmap(fx->abi, dev, 0x4000,
					 PROT_READ | PROT_WRITE, MAP_SHARED, 0,
					 &map),
			 0);
	fx_cfg_write(fx, dev, 4, 2, 0);
	assert_int_equal(rd(0, 0, 4, &val), -EIO);
	assert_int_equal(wr(0, 0, 4, &val), -EIO);
	assert_int_equal(uiommu_map_read(map, 0, 4, &val), -EIO);
	assert_int_equal(uiommu_map_write(map, 0, 4, 1), -EIO);
	fx_cfg_write(fx, dev, 4, 2, 2);
	assert_int_equal(uiommu_map_write(map, 0, 4, 0x55), 0);
	assert_int_equal(uiommu_map_read(map, 0, 4, &val), 0);
	assert_int_equal(val, 0x55);
	uiommu_map_put(map);
}

static void mappings_that_are_refused(void **state)
{
	static const struct {
		uint64_t off;
		size_t len;
		int flags;
	} table[] = {
		{ FX_REGION(0), 0x4000, MAP_PRIVATE },
		{ FX_REGION(0), 0x5000, MAP_SHARED },
		{ FX_REGION(0), 0x4001, MAP_SHARED },
		{ FX_REGION(0) + 0x4000, 0x1000, MAP_SHARED },
		{ FX_REGION(0) + 0x3000, 0x2000, MAP_SHARED },
		{ FX_REGION(0) + 0x800, 0x1000, MAP_SHARED },
		{ FX_REGION(0), 0, MAP_SHARED },
		{ FX_REGION(0), SIZE_MAX, MAP_SHARED },
		{ FX_REGION(1), 0x1000, MAP_SHARED },
		{ FX_REGION(2), 0x1000, MAP_SHARED },
		{ FX_REGION(3), 0x1000, MAP_SHARED },
		{ FX_REGION(4), 0x2000, MAP_SHARED },
		{ FX_REGION(5), 0x1000, MAP_SHARED },
		{ FX_REGION(6), 0x1000, MAP_SHARED },
		{ FX_REGION(7), 0x1000, MAP_SHARED },
		{ FX_REGION(9), 0x1000, MAP_SHARED },
	};
	struct uiommu_map *map;

	for (unsigned int i = 0; i < ARRAY_SIZE(table); i++)
		if (uiommu_abi_mmap(fx->abi, dev, table[i].len, PROT_READ,
				    table[i].flags, table[i].off,
				    &map) != -EINVAL)
			fail_msg("row %u", i);
	assert_int_equal(uiommu_abi_mmap(fx->abi, legacy.group, 0x1000,
					 PROT_READ, MAP_SHARED, 0, &map),
			 -ENODEV);
}

static void mappings(void **state)
{
	struct uiommu_map *map, *tail;
	uint64_t val;

	assert_int_equal(uiommu_abi_mmap(fx->abi, dev, 0x1000, PROT_READ,
					 MAP_SHARED, FX_REGION(0), &map),
			 0);
	assert_int_equal(uiommu_abi_mmap(fx->abi, dev, 0x2fff, PROT_READ,
					 MAP_SHARED, FX_REGION(0) + 0x1000,
					 &tail),
			 0);
	assert_int_equal(uiommu_map_pa(map), FX_MMIO_PA + 0x200000);
	assert_int_equal(uiommu_map_pa(tail), FX_MMIO_PA + 0x201000);
	for (unsigned int size = 1; size <= 8; size *= 2) {
		assert_int_equal(uiommu_map_write(tail, 8 * size, size,
						  0x0123456789abcdef),
				 0);
		assert_int_equal(uiommu_map_read(tail, 8 * size, size, &val),
				 0);
		assert_int_equal(val, 0x0123456789abcdef & mask_lg2(8 * size));
		assert_memory_equal(pci->bar[0] + 0x1000 + 8 * size, &val,
				    size);
		assert_int_equal(uiommu_map_read(map, 8 * size, size, &val), 0);
		assert_int_equal(val, 0);
	}
	assert_int_equal(uiommu_map_read(map, 0x1000, 4, &val), -EINVAL);
	assert_int_equal(uiommu_map_read(map, 2, 4, &val), -EINVAL);
	assert_int_equal(uiommu_map_read(map, 0, 3, &val), -EINVAL);
	assert_int_equal(uiommu_map_read(map, 0, 16, &val), -EINVAL);
	/* The table inside a mapping is the hardware's own. */
	assert_int_equal(uiommu_map_read(tail, 0x100c, 4, &val), 0);
	assert_int_equal(val, 1);
	uiommu_map_put(tail);
	/* A BAR smaller than its page. */
	assert_int_equal(uiommu_abi_mmap(fx->abi, dev, 0x1000, PROT_READ,
					 MAP_SHARED, FX_REGION(4), &tail),
			 0);
	assert_int_equal(uiommu_map_write(tail, 252, 4, 7), 0);
	assert_int_equal(pci->bar[4][252], 7);
	assert_int_equal(uiommu_map_write(tail, 256, 4, 7), 0);
	assert_int_equal(pci->bar[4][256], 0);
	assert_int_equal(uiommu_map_read(tail, 256, 4, &val), 0);
	assert_int_equal(val, 0xffffffff);
	uiommu_map_put(tail);

	/* A mapping keeps its device, and is counted. */
	uiommu_map_get(map);
	fx_close(fx, dev);
	assert_int_equal(pci->resets, 1);
	assert_int_equal(uiommu_map_write(map, 0, 4, 1), 0);
	uiommu_map_put(map);
	assert_int_equal(pci->resets, 1);
	uiommu_map_put(map);
	assert_int_equal(pci->resets, 2);
	legacy.device = (int)fx_ioctl(fx, legacy.group,
				      VFIO_GROUP_GET_DEVICE_FD, fx->bdf[2]);
}

static struct uiommu_map *map_in_reset;
static int rc_in_reset;

static void touch(struct fake_pci *fake)
{
	uint64_t val;

	rc_in_reset = uiommu_map_read(map_in_reset, 0, 4, &val);
}

static void reset(void **state)
{
	uint64_t val = 0x1234;
	uint32_t bars[2];

	assert_int_equal(wr(0, 0, 4, &val), 4);
	fx_cfg_write(fx, dev, 4, 2, 6);
	assert_int_equal(fx_ioctl_val(fx, dev, VFIO_DEVICE_RESET, 0), 0);
	assert_int_equal(pci->resets, 2);
	assert_int_equal(rd(0, 0, 4, &val), 4);
	assert_int_equal(val, 0);
	assert_int_equal(fx_cfg_read(fx, dev, 4, 2), 6);
	bars[0] = fake_pci_cfg(pci, 0x10, 4);
	bars[1] = fake_pci_cfg(pci, 0x18, 4);
	assert_int_equal(bars[0], (FX_MMIO_PA + 0x200000) | 0xc);
	assert_int_equal(bars[1], FX_MMIO_PA + 0x210000);
	/* Mapped registers are not to be had meanwhile. */
	assert_int_equal(uiommu_abi_mmap(fx->abi, dev, 0x1000, PROT_READ,
					 MAP_SHARED, 0, &map_in_reset),
			 0);
	pci->in_reset = touch;
	assert_int_equal(fx_ioctl_val(fx, dev, VFIO_DEVICE_RESET, 0), 0);
	pci->in_reset = NULL;
	assert_int_equal(rc_in_reset, -EIO);
	touch(pci);
	assert_int_equal(rc_in_reset, 0);
	uiommu_map_put(map_in_reset);
	pci->reset_rc = -EAGAIN;
	assert_int_equal(fx_ioctl_val(fx, dev, VFIO_DEVICE_RESET, 0), -EAGAIN);
	pci->reset_rc = 0;
}

/* ---------------------------------------------------------- hot reset --- */

union hot_buf {
	struct vfio_pci_hot_reset_info info;
	uint8_t bytes[64];
};

static void hot_reset_info(void **state)
{
	union hot_buf buf = { .info = { .argsz = 11 } };

	assert_int_equal(fx_ioctl(fx, dev, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO,
				  &buf),
			 -EINVAL);
	buf.info.argsz = 12;
	assert_int_equal(fx_ioctl(fx, dev, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO,
				  &buf),
			 -ENOSPC);
	assert_int_equal(buf.info.count, 2);
	buf.info.argsz = sizeof(buf);
	assert_int_equal(
		fx_ioctl(fx, dev, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &buf), 0);
	assert_int_equal(buf.info.count, 2);
	assert_int_equal(buf.info.flags, 0);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(
			buf.info.devices[i].group_id,
			uiommu_group_id(uiommu_device_group(pci->dev)));
		assert_int_equal(buf.info.devices[i].segment, 0);
		assert_int_equal(buf.info.devices[i].bus, 2);
		assert_int_equal(buf.info.devices[i].devfn, i);
	}
	assert_int_equal(fx_ioctl_val(fx, dev,
				      VFIO_DEVICE_GET_PCI_HOT_RESET_INFO,
				      FX_BAD_PTR),
			 -EFAULT);
}

static long hot_reset(int device, uint32_t flags, uint32_t count,
		      const int32_t *fds)
{
	union {
		struct vfio_pci_hot_reset hdr;
		uint8_t bytes[64];
	} buf = {
		.hdr = { .argsz = sizeof(buf), .flags = flags, .count = count }
	};

	memcpy(buf.bytes + sizeof(buf.hdr), fds, sizeof(*fds) * (count & 3));
	return fx_ioctl(fx, device, VFIO_DEVICE_PCI_HOT_RESET, &buf);
}

static void hot_reset_by_groups(void **state)
{
	int32_t fds[3] = { legacy.group, 99999, legacy.container };
	struct vfio_pci_hot_reset hdr = { .argsz = 11 };
	struct fx_legacy other;
	char path[64];
	int wrong;

	assert_int_equal(fx_ioctl(fx, dev, VFIO_DEVICE_PCI_HOT_RESET, &hdr),
			 -EINVAL);
	assert_int_equal(hot_reset(dev, 1, 1, fds), -EINVAL);
	assert_int_equal(hot_reset(dev, 0, 0, fds), -EINVAL);
	assert_int_equal(hot_reset(dev, 0, 3, fds), -EINVAL);
	assert_int_equal(hot_reset(dev, 0, 1u << 30, fds), -EINVAL);
	assert_int_equal(hot_reset(dev, 0, 1, fds + 1), -EBADF);
	assert_int_equal(hot_reset(dev, 0, 1, fds + 2), -EINVAL);
	wrong = fx_open(fx, fx_group_path(fx, 0, path));
	assert_int_equal(hot_reset(dev, 0, 1, &wrong), -EINVAL);
	fx_close(fx, wrong);
	assert_int_equal(fx->pci[3].resets, 0);
	assert_int_equal(hot_reset(dev, 0, 1, fds), 0);
	assert_int_equal(pci->resets, 2);
	assert_int_equal(fx->pci[3].resets, 1);
	/* Functions 1.0 and 1.1 are in groups of their own: both needed. */
	fx_legacy_open(fx, &other, 0, VFIO_TYPE1_IOMMU);
	assert_int_equal(hot_reset(other.device, 0, 1, &other.group), -EINVAL);
	fds[0] = other.group;
	fds[1] = fx_open(fx, fx_group_path(fx, 1, path));
	assert_int_equal(hot_reset(other.device, 0, 2, fds), 0);
	fx_close(fx, fds[1]);
	fx_legacy_close(fx, &other);
	/* No bridge above it. */
	fx_legacy_open(fx, &other, 4, VFIO_TYPE1_IOMMU);
	assert_int_equal(hot_reset(other.device, 0, 1, &other.group), -ENODEV);
	fx_legacy_close(fx, &other);
}

static void features(void **state)
{
	static const struct {
		uint32_t argsz, flags;
		long rc;
	} table[] = {
		{ 7, 0, -EINVAL },
		{ 8, 1u << 19, -EINVAL },
		{ 8, VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_SET,
		  -EINVAL },
		{ 8,
		  VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_SET |
			  VFIO_DEVICE_FEATURE_PROBE,
		  -ENOTTY },
		{ 8, VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_MIGRATION,
		  -ENOTTY },
		{ 24, VFIO_DEVICE_FEATURE_SET, -ENOTTY },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(table); i++) {
		struct vfio_device_feature feature = {
			.argsz = table[i].argsz,
			.flags = table[i].flags,
		};

		assert_int_equal(fx_ioctl(fx, dev, VFIO_DEVICE_FEATURE,
					  &feature),
				 table[i].rc);
	}
	assert_int_equal(fx_ioctl_val(fx, dev, VFIO_DEVICE_FEATURE, FX_BAD_PTR),
			 -EFAULT);
}

/* ---------------------------------------------------- adding devices ---- */

static long add(const char *bdf, uint64_t bar_size)
{
	struct uiommu_vdev_cfg cfg = {
		.bdf = bdf,
		.ops = &fake_pci_ops,
		.ctx = pci,
	};
	struct uiommu_vdev *vdev;

	cfg.bar[0].size = bar_size;
	return uiommu_abi_add_device(fx->abi, pci->dev, &cfg, &vdev);
}

static void devices_that_cannot_be_added(void **state)
{
	assert_int_equal(add("0000:01:00.0", 0x1000), -EEXIST);
	assert_int_equal(add("nonsense", 0x1000), -EINVAL);
	assert_int_equal(add("0000:01:00.0 ", 0x1000), -EINVAL);
	assert_int_equal(add("0000:09:00.0", 0x1001), -EINVAL);
	assert_int_equal(add(NULL, 0x1000), -EINVAL);
	/* Its group is in use. */
	assert_int_equal(add("0000:09:00.0", 0x1000), -EBUSY);
	test_platform_fail_nth(&fx->tp, 1);
	assert_int_equal(add("0000:09:00.0", 0x1000), -ENOMEM);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(info),
		T(regions),
		T(reads_and_writes),
		T(the_interrupt_table_is_hidden),
		T(decoding_off),
		T(mappings_that_are_refused),
		T(mappings),
		T(reset),
		T(hot_reset_info),
		T(hot_reset_by_groups),
		T(features),
		T(devices_that_cannot_be_added),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
