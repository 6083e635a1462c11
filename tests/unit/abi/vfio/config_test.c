/* SPDX-License-Identifier: BSD-2-Clause */
/* Configuration space as a client sees it, and what gets through. */
#include "fixture.h"

#define CONFIG FX_REGION(VFIO_PCI_CONFIG_REGION_INDEX)

static struct fx *fx;
static struct fx_legacy legacy;
static struct fake_pci *pci;
static int dev;

static int setup(void **state)
{
	fx_setup(state);
	fx = *state;
	fx_legacy_open(fx, &legacy, 0, VFIO_TYPE1v2_IOMMU);
	dev = legacy.device;
	pci = &fx->pci[0];
	return 0;
}

static int teardown(void **state)
{
	fx_legacy_close(fx, &legacy);
	return fx_teardown(state);
}

static uint32_t get(unsigned int off, unsigned int size)
{
	return fx_cfg_read(fx, dev, off, size);
}

static void set(unsigned int off, unsigned int size, uint32_t val)
{
	fx_cfg_write(fx, dev, off, size, val);
}

static void identity_is_read_only(void **state)
{
	assert_int_equal(get(0, 2), 0x1234);
	assert_int_equal(get(2, 2), 0x1100);
	assert_int_equal(get(8, 4), 0x08800003);
	assert_int_equal(get(0x2c, 4), 0x00011af4);
	set(0, 4, 0);
	set(8, 4, 0);
	set(0x2c, 4, 0);
	assert_int_equal(get(0, 4), 0x11001234);
	assert_int_equal(get(8, 4), 0x08800003);
	assert_int_equal(get(0x2c, 4), 0x00011af4);
	assert_int_equal(get(0x3d, 1), 1);
}

static void command_starts_quiet(void **state)
{
	/* Decoding on, bus master off, on each opening. */
	assert_int_equal(get(4, 2), 3);
	set(4, 2, 7);
	assert_int_equal(get(4, 2), 7);
	assert_int_equal(fake_pci_cfg(pci, 4, 2) & 7, 7);
	set(4, 2, 2);
	assert_int_equal(get(4, 2), 2);
	set(4, 2, 6);
	fx_close(fx, dev);
	assert_int_equal(fake_pci_cfg(pci, 4, 2) & 4, 0);
	/* It was off before the reset, not by it. */
	assert_int_equal(pci->command_at_reset & 4, 0);
	dev = (int)fx_ioctl(fx, legacy.group, VFIO_GROUP_GET_DEVICE_FD,
			    fx->bdf[0]);
	legacy.device = dev;
	assert_int_equal(get(4, 2), 3);
}

static void intx_disable_is_virtual(void **state)
{
	assert_int_equal(fake_pci_cfg(pci, 4, 2) & 0x400, 0x400);
	assert_int_equal(get(4, 2) & 0x400, 0);
	set(4, 2, 0x406);
	assert_int_equal(get(4, 2), 0x406);
	set(4, 2, 0x006);
	assert_int_equal(get(4, 2), 0x006);
	assert_int_equal(fake_pci_cfg(pci, 4, 2) & 0x400, 0x400);
}

/* Writing back what was read would clear status bits. */
static void status_survives_command(void **state)
{
	pci->cfg[7] |= 0x80;
	set(4, 4, 0x00000006);
	assert_int_equal(fake_pci_cfg(pci, 6, 2) & 0x8000, 0x8000);
	set(4, 2, 0x0007);
	assert_int_equal(fake_pci_cfg(pci, 6, 2) & 0x8000, 0x8000);
	set(6, 2, 0xffff);
	assert_int_equal(fake_pci_cfg(pci, 6, 2) & 0x8000, 0x8000);
}

static void bars_can_be_sized(void **state)
{
	static const struct {
		unsigned int bar;
		uint32_t sized, moved;
	} table[] = {
		{ 0, 0xffffc00c, 0x1234400c }, { 1, ~0u, 0x12345678 },
		{ 2, 0xfffff000, 0x12345000 }, { 3, 0xffffffe1, 0x12345661 },
		{ 4, 0xffffff00, 0x12345600 }, { 5, 0, 0 },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(table); i++) {
		unsigned int off = 0x10 + 4 * table[i].bar;
		uint32_t real = fake_pci_cfg(pci, off, 4);

		set(off, 4, ~0u);
		assert_int_equal(get(off, 4), table[i].sized);
		set(off, 4, 0x12345678);
		assert_int_equal(get(off, 4), table[i].moved);
		assert_int_equal(fake_pci_cfg(pci, off, 4), real);
	}
	set(0x30, 4, ~0u);
	assert_int_equal(get(0x30, 4), 0);
	set(0x3c, 1, 5);
	assert_int_equal(get(0x3c, 2), 0x0105);
}

static void capabilities_that_are_shown(void **state)
{
	static const uint8_t want[][2] = {
		{ 0x01, FAKE_PM },
		{ 0x05, FAKE_MSI },
		{ 0x10, FAKE_EXP },
		{ 0x11, FAKE_MSIX },
	};
	unsigned int off = get(0x34, 1);

	assert_int_equal(get(6, 2) & 0x10, 0x10);
	for (unsigned int i = 0; i < ARRAY_SIZE(want); i++) {
		assert_int_equal(off, want[i][1]);
		assert_int_equal(get(off, 1), want[i][0]);
		off = get(off + 1, 1);
	}
	assert_int_equal(off, 0);
	assert_int_equal(get(FAKE_ODD, 2), 0);
}

static void extended_capabilities_that_are_shown(void **state)
{
	/* AER leads to ATS; PASID reads as nothing and takes nothing. */
	assert_int_equal(get(0x100, 4), 0x15010001);
	assert_int_equal(get(0x150, 4), 0x0001000f);
	assert_int_equal(get(0x140, 4), 0);
	assert_int_equal(get(0x144, 4), 0);
	set(0x144, 4, ~0u);
	assert_int_equal(fake_pci_cfg(pci, 0x144, 4), 0x00001406);
	/* ATS is not the client's to enable. */
	set(0x154, 4, ~0u);
	assert_int_equal(fake_pci_cfg(pci, 0x154, 4), 0x20);
}

static void own_registers_of_the_device(void **state)
{
	pci->cfg[0x180] = 0xff;
	assert_int_equal(get(0x180, 4), 0xff);
	set(0x180, 4, 0x0f);
	assert_int_equal(get(0x180, 4), 0xf0);
	set(0x180, 1, 0x30);
	assert_int_equal(get(0x180, 4), 0xc0);
	/* AER: status by ones, masks as written. */
	pci->cfg[0x104] = 0x30;
	set(0x104, 4, 0x10);
	assert_int_equal(get(0x104, 4), 0x20);
	set(0x108, 4, 0x55aa);
	assert_int_equal(get(0x108, 4), 0x55aa);
}

static void message_registers_are_virtual(void **state)
{
	set(FAKE_MSI + 4, 4, 0xfee00000);
	set(FAKE_MSI + 2, 2, 0xffff);
	assert_int_equal(get(FAKE_MSI + 4, 4), 0xfee00000);
	/* Enable and number of messages stick, what the device is does not. */
	assert_int_equal(get(FAKE_MSI + 2, 2), 0x01f5);
	assert_int_equal(fake_pci_cfg(pci, FAKE_MSI + 4, 4), 0);
	assert_int_equal(fake_pci_cfg(pci, FAKE_MSI + 2, 2), 0x0184);
	set(FAKE_MSIX + 2, 2, 0xffff);
	assert_int_equal(get(FAKE_MSIX + 2, 2), 0xc007);
	assert_int_equal(fake_pci_cfg(pci, FAKE_MSIX + 2, 2), 0x0007);
	set(FAKE_MSIX + 4, 4, 0);
	assert_int_equal(get(FAKE_MSIX + 4, 4), FAKE_MSIX_TABLE);
}

static void express_control(void **state)
{
	/* Error reporting is the client's; payload sizes are remembered only. */
	set(FAKE_EXP + 8, 2, 0x500f);
	assert_int_equal(get(FAKE_EXP + 8, 2), 0x500f);
	assert_int_equal(fake_pci_cfg(pci, FAKE_EXP + 8, 2), 0x200f);
	set(FAKE_EXP + 4, 4, 0);
	assert_int_equal(get(FAKE_EXP + 4, 4), 0x10008002);
}

static void reset_by_configuration(void **state)
{
	unsigned int before = pci->resets;

	set(4, 2, 6);
	set(FAKE_EXP + 8, 2, 0xa810);
	assert_int_equal(pci->resets, before + 1);
	assert_int_equal(get(FAKE_EXP + 8, 2) & 0x8000, 0);
	/* What the client had set up is there again. */
	assert_int_equal(get(4, 2), 6);
	assert_int_equal(fake_pci_cfg(pci, 4, 2) & 7, 6);
}

static void power_states(void **state)
{
	uint32_t val;

	set(FAKE_PM + 4, 2, 3);
	assert_int_equal(get(FAKE_PM + 4, 2), 0x000b);
	assert_int_equal(uiommu_abi_pread(fx->abi, dev, (uintptr_t)&val, 4, 0),
			 -EIO);
	set(FAKE_PM + 4, 2, 0);
	assert_int_equal(uiommu_abi_pread(fx->abi, dev, (uintptr_t)&val, 4, 0),
			 4);
	/* NoSoftReset: nothing was lost on the way. */
	assert_int_equal(pci->resets, 1);
	pci->cfg[FAKE_PM + 4] = 0;
	set(FAKE_PM + 4, 2, 3);
	set(FAKE_PM + 4, 2, 0);
	assert_int_equal(pci->resets, 2);
	/* A reset wakes it up too. */
	set(FAKE_PM + 4, 2, 3);
	assert_int_equal(fx_ioctl_val(fx, dev, VFIO_DEVICE_RESET, 0), 0);
	assert_int_equal(get(FAKE_PM + 4, 2) & 3, 0);
	assert_int_equal(uiommu_abi_pread(fx->abi, dev, (uintptr_t)&val, 4, 0),
			 4);
}

static ssize_t rd(uint64_t off, size_t len, void *buf)
{
	return uiommu_abi_pread(fx->abi, dev, (uintptr_t)buf, len,
				CONFIG + off);
}

static void lengths_and_ends(void **state)
{
	uint8_t buf[4100], bytes[16];

	assert_int_equal(rd(0, 4096, buf), 4096);
	/* Any cut gives the same bytes. */
	for (unsigned int off = 0; off < 16; off++)
		for (unsigned int len = 1; off + len <= 16; len++) {
			assert_int_equal(rd(off, len, bytes), len);
			assert_memory_equal(bytes, buf + off, len);
		}
	assert_int_equal(rd(0, 4097, buf), -EFAULT);
	assert_int_equal(rd(4096, 1, buf), -EFAULT);
	assert_int_equal(rd(4095, 2, buf), -EFAULT);
	assert_int_equal(rd(4095, 1, buf), 1);
	assert_int_equal(rd(0, 0, buf), 0);
	assert_int_equal(rd(0, 4, (void *)FX_BAD_PTR), -EFAULT);
	assert_int_equal(uiommu_abi_pwrite(fx->abi, dev, FX_BAD_PTR, 4,
					   CONFIG + 4),
			 -EFAULT);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(identity_is_read_only),
		T(command_starts_quiet),
		T(intx_disable_is_virtual),
		T(status_survives_command),
		T(bars_can_be_sized),
		T(capabilities_that_are_shown),
		T(extended_capabilities_that_are_shown),
		T(own_registers_of_the_device),
		T(message_registers_are_virtual),
		T(express_control),
		T(reset_by_configuration),
		T(power_states),
		T(lengths_and_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
