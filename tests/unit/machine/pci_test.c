/* SPDX-License-Identifier: BSD-2-Clause */
/* pci_test.c - configuration space, BARs and messages of a PCI function. */
#include "rig.h"

static uint32_t cfg(struct rig *rig, unsigned int off, unsigned int size)
{
	return pci_config_get(rig->dev, off, size);
}

static void nothing(void *arg)
{
}

static void header_says_what_it_is(void **state)
{
	static struct rig rig;

	rig_init(&rig, &pcidev_ioat);
	assert_int_equal(cfg(&rig, 0, 4), 0x20218086);
	assert_int_equal(cfg(&rig, 8, 4) >> 8, 0x088000);
	assert_int_equal(cfg(&rig, 0x0e, 1), 0);
	assert_int_equal(cfg(&rig, 0x3d, 1), 1);
	/* Read-only stays. */
	pci_config_set(rig.dev, 0, 4, 0x12345678);
	assert_int_equal(cfg(&rig, 0, 4), 0x20218086);
	/* Beyond the end. */
	assert_int_equal(cfg(&rig, 4095, 4), 0xffffffff);
	pci_config_set(rig.dev, 4096, 1, 0);
	rig_fini(&rig);
}

static void bar_can_be_sized(void **state)
{
	static struct rig rig;
	uint32_t lo, hi;

	rig_init(&rig, &pcidev_ioat);
	lo = cfg(&rig, 0x10, 4);
	hi = cfg(&rig, 0x14, 4);
	assert_int_equal(lo & 0xf, 4); /* 64-bit memory */
	assert_int_equal((lo & ~0xfu) | (uint64_t)hi << 32, rig.dev->bar_pa[0]);
	pci_config_set(rig.dev, 0x10, 4, 0xffffffff);
	pci_config_set(rig.dev, 0x14, 4, 0xffffffff);
	assert_int_equal(cfg(&rig, 0x10, 4), 0xffffc004);
	assert_int_equal(cfg(&rig, 0x14, 4), 0xffffffff);
	pci_config_set(rig.dev, 0x10, 4, lo);
	pci_config_set(rig.dev, 0x14, 4, hi);
	assert_int_equal(cfg(&rig, 0x10, 4), lo);
	rig_fini(&rig);
}

/* Every capability once, the lists end, extended ones begin at 0x100. */
static void capabilities_are_linked(void **state)
{
	static struct rig rig;
	unsigned int seen[256] = { 0 }, ext[256] = { 0 };
	unsigned int off, n = 0;

	rig_init(&rig, &pcidev_testep);
	assert_true(cfg(&rig, 6, 2) & 0x10);
	for (off = cfg(&rig, 0x34, 1); off; off = cfg(&rig, off + 1, 1)) {
		assert_in_range(off, 0x40, 0xfc);
		assert_true(++n < 32);
		seen[cfg(&rig, off, 1)]++;
	}
	assert_int_equal(seen[0x01], 1);
	assert_int_equal(seen[0x05], 1);
	assert_int_equal(seen[0x10], 1);
	assert_int_equal(seen[0x11], 1);
	for (off = 0x100; off; off = cfg(&rig, off, 4) >> 20) {
		assert_true(++n < 64);
		ext[cfg(&rig, off, 2) & 0xff]++;
	}
	assert_int_equal(ext[0x01], 1);
	assert_int_equal(ext[0x0f], 1);
	assert_int_equal(ext[0x13], 1);
	assert_int_equal(ext[0x1b], 1);
	rig_fini(&rig);
}

static void registers_need_memory_decoding(void **state)
{
	struct uiommu_vdev_cfg vdev;
	static struct rig rig;
	uint64_t val;

	rig_init(&rig, &pcidev_ioat);
	pcidev_vdev_cfg(rig.dev, &vdev);
	rig_command(&rig, 0);
	assert_int_equal(vdev.ops->bar_read(vdev.ctx, 0, 8, 1, &val), -EIO);
	assert_int_equal(vdev.ops->bar_write(vdev.ctx, 0, 8, 1, 0), -EIO);
	rig_command(&rig, PCIE_COMMAND_MEMORY);
	assert_int_equal(vdev.ops->bar_read(vdev.ctx, 0, 8, 1, &val), 0);
	/* Odd accesses. */
	assert_int_equal(vdev.ops->bar_read(vdev.ctx, 0, 1, 2, &val), -EIO);
	assert_int_equal(vdev.ops->bar_read(vdev.ctx, 0, 0, 3, &val), -EIO);
	assert_int_equal(vdev.ops->bar_read(vdev.ctx, 0, 0x4000, 4, &val),
			 -EIO);
	assert_int_equal(vdev.ops->bar_read(vdev.ctx, 1, 0, 4, &val), -EIO);
	assert_int_equal(vdev.ops->bar_read(vdev.ctx, 6, 0, 4, &val), -EIO);
	rig_fini(&rig);
}

#define TESTEP_IRQ 0x18

static void message_arrives(void **state)
{
	static struct rig rig;

	rig_init(&rig, &pcidev_testep);
	rig_write(&rig, TESTEP_IRQ, 4, 2);
	assert_int_equal(rig.fired, 0); /* MSI-X is off */
	rig_msix(&rig, 2);
	rig_write(&rig, TESTEP_IRQ, 4, 2);
	assert_int_equal(rig.fired, 1);
	/* Another vector, still masked: pending, not sent. */
	rig_write(&rig, TESTEP_IRQ, 4, 1);
	assert_int_equal(rig.fired, 1);
	assert_int_equal(rig_read(&rig, 0x3000, 8), 2);
	rig_fini(&rig);
}

static void msi_adds_the_number(void **state)
{
	static struct rig rig;
	struct uiommu_msi_msg msg;
	unsigned int handle, cap;

	rig_init(&rig, &pcidev_testep);
	/* Messages are 4-byte stores: the rig counts vectors 0 and 1. */
	assert_int_equal(
		msi_alloc(&rig.machine, NULL, nothing, NULL, &msg, &handle), 0);
	assert_int_equal(rig.msg.data, 0);
	cap = rig.dev->cap_msi;
	pci_config_set(rig.dev, cap + PCIE_MSI_ADDR_LO, 4,
		       (uint32_t)rig.msg.addr);
	pci_config_set(rig.dev, cap + PCIE_MSI_ADDR_HI, 4,
		       (uint32_t)(rig.msg.addr >> 32));
	pci_config_set(rig.dev, cap + PCIE_MSI_DATA, 2, 0);
	pci_config_set(rig.dev, cap + PCIE_MSI_CTRL, 2,
		       PCIE_MSI_CTRL_ENABLE |
			       2u << PCIE_MSI_CTRL_MULTI_ENABLE_SHIFT);
	rig_write(&rig, TESTEP_IRQ, 4, 0);
	assert_int_equal(rig.fired, 1);
	rig_write(&rig, TESTEP_IRQ, 4, 1); /* data 1: somebody else's */
	assert_int_equal(rig.fired, 1);
	/* One message enabled: all numbers are 0. */
	pci_config_set(rig.dev, cap + PCIE_MSI_CTRL, 2, PCIE_MSI_CTRL_ENABLE);
	rig_write(&rig, TESTEP_IRQ, 4, 3);
	assert_int_equal(rig.fired, 2);
	msi_free(&rig.machine, handle);
	rig_fini(&rig);
}

static void unmasking_sends_what_is_pending(void **state)
{
	unsigned int ctrl;
	static struct rig rig;

	rig_init(&rig, &pcidev_testep);
	rig_msix(&rig, 0);
	rig_write(&rig, 0x200c, 4, 1);
	rig_write(&rig, TESTEP_IRQ, 4, 0);
	rig_write(&rig, TESTEP_IRQ, 4, 0);
	assert_int_equal(rig.fired, 0);
	assert_int_equal(rig_read(&rig, 0x3000, 4), 1);
	rig_write(&rig, 0x200c, 4, 0);
	assert_int_equal(rig.fired, 1);
	assert_int_equal(rig_read(&rig, 0x3000, 4), 0);
	/* The function's mask does the same. */
	ctrl = rig.dev->cap_msix + PCIE_MSIX_CTRL;
	pci_config_set(rig.dev, ctrl, 2,
		       PCIE_MSIX_CTRL_ENABLE | PCIE_MSIX_CTRL_MASK_ALL);
	rig_write(&rig, TESTEP_IRQ, 4, 0);
	assert_int_equal(rig.fired, 1);
	pci_config_set(rig.dev, ctrl, 2, PCIE_MSIX_CTRL_ENABLE);
	assert_int_equal(rig.fired, 2);
	rig_fini(&rig);
}

static void message_needs_bus_master(void **state)
{
	static struct rig rig;

	rig_init(&rig, &pcidev_testep);
	rig_msix(&rig, 0);
	rig_command(&rig, PCIE_COMMAND_MEMORY);
	rig_write(&rig, TESTEP_IRQ, 4, 0);
	assert_int_equal(rig.fired, 0);
	rig_fini(&rig);
}

/* Raised three times while one is on its way: one more follows. */
static void message_can_be_pending(void **state)
{
	static struct rig rig;

	rig_init(&rig, &pcidev_testep);
	rig_msix(&rig, 0);
	rig.pend = true;
	for (int i = 0; i < 4; i++)
		rig_write(&rig, TESTEP_IRQ, 4, 0);
	assert_int_equal(rig.accesses, 1);
	assert_true(rig_resume(&rig));
	assert_true(rig_resume(&rig));
	assert_false(rig_resume(&rig));
	/* Come from inside somebody: delivered when it is safe. */
	assert_int_equal(rig.fired, 0);
	msi_deliver(&rig.machine);
	assert_int_equal(rig.fired, 1);
	rig.pend = false;
	rig_write(&rig, TESTEP_IRQ, 4, 0);
	assert_int_equal(rig.fired, 2);
	rig_fini(&rig);
}

static void freed_vector_is_silent(void **state)
{
	static struct rig rig;
	struct uiommu_msi_msg msg;
	unsigned int handle;
	uint32_t data;

	rig_init(&rig, &pcidev_testep);
	rig_msix(&rig, 0);
	assert_int_equal(
		msi_alloc(&rig.machine, NULL, nothing, NULL, &msg, &handle), 0);
	assert_int_not_equal(handle, rig.handle);
	msi_free(&rig.machine, rig.handle);
	rig_write(&rig, TESTEP_IRQ, 4, 0);
	assert_int_equal(rig.fired, 0);
	/* Not the doorbell, or not a number of anybody's. */
	data = 60000;
	assert_int_equal(
		msi_store(&rig.machine, rig.dev, MSI_DOORBELL, &data, 4), 0);
	assert_int_equal(
		msi_store(&rig.machine, rig.dev, MSI_DOORBELL, &data, 2), -EIO);
	assert_int_equal(msi_store(&rig.machine, rig.dev, 0, &data, 4), -EIO);
	msi_free(&rig.machine, handle);
	rig_fini(&rig);
}

static void reset_forgets(void **state)
{
	static struct rig rig;

	rig_init(&rig, &pcidev_testep);
	rig_msix(&rig, 0);
	rig_write(&rig, 0, 8, 0x1122334455667788);
	assert_int_equal(rig_read(&rig, 0, 8), 0x1122334455667788);
	pcidev_reset(rig.dev);
	assert_int_equal(cfg(&rig, PCIE_CFG_COMMAND, 2), 0);
	assert_int_equal(cfg(&rig, rig.dev->cap_msix + PCIE_MSIX_CTRL, 2), 3);
	assert_int_equal((cfg(&rig, 0x10, 4) & ~0xfu) |
				 (uint64_t)cfg(&rig, 0x14, 4) << 32,
			 rig.dev->bar_pa[0]);
	rig_command(&rig, PCIE_COMMAND_MEMORY);
	assert_int_equal(rig_read(&rig, 0, 8), 0);
	assert_int_equal(rig_read(&rig, 0x200c, 4), 1);
	/* The bit in the PCI Express capability does it too. */
	rig_write(&rig, 0, 8, 5);
	pci_config_set(rig.dev, rig.dev->cap_exp + PCIE_EXP_DEVCTL, 2,
		       PCIE_EXP_DEVCTL_FLR);
	rig_command(&rig, PCIE_COMMAND_MEMORY);
	assert_int_equal(rig_read(&rig, 0, 8), 0);
	rig_fini(&rig);
}

/* The test endpoint's page goes out and comes back. */
static void endpoint_moves_its_page(void **state)
{
	static struct rig rig;

	rig_init(&rig, &pcidev_testep);
	memset(rig.mem, 0x42, 4096);
	rig_write(&rig, 0, 8, RIG_IOVA);
	rig_write(&rig, 8, 4, 3);
	assert_int_equal(rig_read(&rig, 8, 4) & 1, 0);
	assert_int_equal(rig_read(&rig, 0x1ff8, 8), 0x4242424242424242);
	memset(rig.mem, 0, 4096);
	rig.pend = true;
	rig_write(&rig, 8, 4, 1);
	assert_int_equal(rig_read(&rig, 8, 4) & 1, 1);
	assert_true(rig_resume(&rig));
	assert_int_equal(rig_read(&rig, 8, 4) & 1, 0);
	assert_int_equal(rig.mem[4095], 0x42);
	rig.pend = false;
	rig_write(&rig, 0, 8, 0);
	rig_write(&rig, 8, 4, 1);
	assert_int_equal(rig_read(&rig, 0x10, 4), 1); /* aborted */
	rig_fini(&rig);
}

/* Header, the type's part, its stories: without one of them there is none. */
static void made_whole_or_not(void **state)
{
	const struct hw_dev hw = { .type = &pcidev_ioat, .rid = 0x200 };
	struct pcidev *dev = NULL;
	static struct rig rig;
	unsigned int n = 0;
	uint64_t live;
	int rc;

	rig_init(&rig, &pcidev_ioat);
	rig.machine.cfg.explain = true;
	live = uiommu_host_live(rig.machine.host);
	do {
		assert_int_equal(uiommu_host_fail_nth(rig.machine.host, ++n),
				 0);
		rc = pcidev_create(&rig.machine, &hw, &dev);
		(void)uiommu_host_fail_nth(rig.machine.host, 0);
		if (!rc)
			break;
		assert_int_equal(rc, -ENOMEM);
		assert_int_equal(uiommu_host_live(rig.machine.host), live);
	} while (n < 10);
	assert_int_equal(n, 4);
	pcidev_destroy(dev);
	rig_fini(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_says_what_it_is),
		cmocka_unit_test(bar_can_be_sized),
		cmocka_unit_test(capabilities_are_linked),
		cmocka_unit_test(registers_need_memory_decoding),
		cmocka_unit_test(message_arrives),
		cmocka_unit_test(msi_adds_the_number),
		cmocka_unit_test(unmasking_sends_what_is_pending),
		cmocka_unit_test(message_needs_bus_master),
		cmocka_unit_test(message_can_be_pending),
		cmocka_unit_test(freed_vector_is_silent),
		cmocka_unit_test(reset_forgets),
		cmocka_unit_test(endpoint_moves_its_page),
		cmocka_unit_test(made_whole_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
