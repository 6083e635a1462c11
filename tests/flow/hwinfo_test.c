/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hwinfo_test.c - IOMMU_GET_HW_INFO on a whole machine: the registers of its SMMU
 * to the letter, and what each device can.
 */
#include <errno.h>

#include <uiommu/smmuv3_model.h>
#include <uiommu/uapi/iommufd.h>

#include "client.h"

static int get(struct client *c, struct iommu_hw_info *cmd, void *data,
	       uint32_t len)
{
	*cmd = (struct iommu_hw_info){
		.size = sizeof(*cmd),
		.flags = cmd->flags,
		.dev_id = c->dev_id,
		.data_len = len,
		.data_uptr = (uintptr_t)data,
		.in_data_type = cmd->in_data_type,
	};
	return (int)client_ioctl(c->abi, c->space_fd, IOMMU_GET_HW_INFO, cmd);
}

/* IDR0 to IDR5, IIDR, AIDR: offsets of IHI 0070, 6.2. */
static void registers_to_the_letter(void **state)
{
	struct uiommu_machine *machine = machine_ok("testep");
	struct uiommu_smmuv3_model *model = uiommu_machine_model(machine);
	struct iommu_hw_info_arm_smmuv3 info[2];
	struct iommu_hw_info cmd = { 0 };
	struct client c;

	client_open_iommufd(&c, machine, 0);
	memset(info, 0xff, sizeof(info));
	assert_int_equal(get(&c, &cmd, info, sizeof(info)), 0);
	assert_int_equal(cmd.out_data_type, IOMMU_HW_INFO_TYPE_ARM_SMMUV3);
	assert_int_equal(cmd.data_len, 40);
	assert_int_equal(info[0].flags, 0);
	assert_int_equal(info[0].__reserved, 0);
	for (uint32_t i = 0; i < 6; i++) {
		assert_int_equal(info[0].idr[i],
				 uiommu_smmuv3_model_read(model, 4 * i, 4));
		if (i != 2 && i != 4)
			assert_int_not_equal(info[0].idr[i], 0);
	}
	assert_int_equal(info[0].iidr,
			 uiommu_smmuv3_model_read(model, 0x18, 4));
	assert_int_equal(info[0].aidr,
			 uiommu_smmuv3_model_read(model, 0x1c, 4));
	/* More room than there is: zero. */
	for (size_t i = 0; i < sizeof(info[1]); i++)
		assert_int_equal(((uint8_t *)&info[1])[i], 0);

	/* By the type that is asked for. */
	cmd.flags = IOMMU_HW_INFO_FLAG_INPUT_TYPE;
	cmd.in_data_type = IOMMU_HW_INFO_TYPE_ARM_SMMUV3;
	assert_int_equal(get(&c, &cmd, NULL, 0), 0);
	assert_int_equal(cmd.data_len, 40);
	cmd.in_data_type = IOMMU_HW_INFO_TYPE_DEFAULT;
	assert_int_equal(get(&c, &cmd, NULL, 0), 0);
	assert_int_equal(cmd.out_data_type, IOMMU_HW_INFO_TYPE_ARM_SMMUV3);
	cmd.in_data_type = IOMMU_HW_INFO_TYPE_INTEL_VTD;
	assert_int_equal(get(&c, &cmd, NULL, 0), -EOPNOTSUPP);
	cmd.in_data_type = IOMMU_HW_INFO_TYPE_TEGRA241_CMDQV;
	assert_int_equal(get(&c, &cmd, NULL, 0), -EOPNOTSUPP);
	client_close(&c);
	uiommu_machine_destroy(machine);
}

/* The test endpoint has all there is, unless it may be stalled; I/OAT nothing. */
static void what_devices_can(void **state)
{
	static const struct {
		uint8_t pasid_log2;
		uint64_t caps;
	} want[] = {
		{ 20, IOMMU_HW_CAP_DIRTY_TRACKING |
			      IOMMU_HW_CAP_PCI_PASID_EXEC |
			      IOMMU_HW_CAP_PCI_PASID_PRIV },
		{ 20, IOMMU_HW_CAP_DIRTY_TRACKING |
			      IOMMU_HW_CAP_PCI_PASID_EXEC |
			      IOMMU_HW_CAP_PCI_PASID_PRIV |
			      IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED },
		{ 0, IOMMU_HW_CAP_DIRTY_TRACKING |
			     IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED },
	};
	struct uiommu_machine *machine = machine_ok("testep,testep:stall,ioat");

	for (unsigned int i = 0; i < 3; i++) {
		struct iommu_hw_info cmd = { 0 };
		struct client c;

		client_open_iommufd(&c, machine, i);
		assert_int_equal(get(&c, &cmd, NULL, 0), 0);
		assert_int_equal(cmd.out_max_pasid_log2, want[i].pasid_log2);
		assert_int_equal(cmd.out_capabilities, want[i].caps);
		client_close(&c);
	}
	uiommu_machine_destroy(machine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registers_to_the_letter),
		cmocka_unit_test(what_devices_can),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
