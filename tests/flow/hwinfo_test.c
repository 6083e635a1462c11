/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hwinfo_test.c - IOMMU_GET_HW_INFO on a whole machine: the registers of its SMMU
 * to the letter, what each device can, and what VMMs ask of it that give an
 * SMMUv3 of their own to guests on it.
 */
#include <errno.h>
#include <stddef.h>
#include <unistd.h>

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

/* ------------------------------------------------------- what VMMs want -- */

/* Fields of the registers (IHI 0070, 6.3), and what a VMM asks of them. */
static const struct want {
	const char *what;
	uint8_t idr, high, low;
	uint32_t least, most;
} wants[] = {
	{ "stage 1", 0, 1, 1, 1, 1 },
	{ "stage 2", 0, 0, 0, 1, 1 },
	{ "tables of AArch64", 0, 3, 3, 1, 1 },
	{ "coherent walks", 0, 4, 4, 1, 1 },
	/* TTENDIAN: mixed 0, little 2, big 3; 1 is reserved */
	{ "little-endian tables", 0, 22, 21, 0, 2 },
	{ "two-level stream table", 0, 28, 27, 1, 1 },
	{ "StreamIDs of 16 bits", 1, 5, 0, 16, 32 },
	/* QEMU wants the granules to be those that it emulates: all three. */
	{ "4K", 5, 4, 4, 1, 1 },
	{ "16K", 5, 5, 5, 1, 1 },
	{ "64K", 5, 6, 6, 1, 1 },
	{ "48 bits out", 5, 2, 0, 5, 7 },
	/* What its properties ask for: ril, ats, ssidsize. */
	{ "invalidation by range", 3, 10, 10, 1, 1 },
	{ "ATS", 0, 10, 10, 1, 1 },
	{ "SubstreamIDs of 20 bits", 1, 10, 6, 20, 20 },
};

static bool fits(const struct want *want,
		 const struct iommu_hw_info_arm_smmuv3 *info)
{
	uint32_t val = info->idr[want->idr] << (31 - want->high) >>
		       (31 - want->high + want->low);

	return val >= want->least && val <= want->most;
}

/* Whatever is named in `but` does not fit, and all else does. */
static void expect_fits(const struct iommu_hw_info_arm_smmuv3 *info,
			const char *but)
{
	for (size_t i = 0; i < sizeof(wants) / sizeof(wants[0]); i++)
		if (fits(&wants[i], info) == !!strstr(but, wants[i].what))
			fail_msg("%s: IDR%u is 0x%x", wants[i].what,
				 wants[i].idr, info->idr[wants[i].idr]);
}

/* Each device is asked for, whether the guest will have it behind one or not. */
static void is_taken(struct uiommu_machine *machine, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		struct iommu_hw_info_arm_smmuv3 info = { 0 };
		struct iommu_hw_info cmd = { 0 };
		struct client c;

		client_open_iommufd(&c, machine, i);
		assert_int_equal(get(&c, &cmd, &info, sizeof(info)), 0);
		assert_int_equal(cmd.out_data_type,
				 IOMMU_HW_INFO_TYPE_ARM_SMMUV3);
		expect_fits(&info, "");
		client_close(&c);
	}
	uiommu_machine_destroy(machine);
}

static void for_accelerated_guests(void **state)
{
	const struct uiommu_smmuv3_profile *poor =
		uiommu_smmuv3_profile_find("qemu-8");
	struct iommu_hw_info_arm_smmuv3 info = { 0 };

	is_taken(machine_ok(NULL), 1);
	is_taken(machine_ok("testep,testep:stall,ioat"), 3);
	is_taken(machine_of_ok("tests/flow/units.dtb"), 3);
	/* One that would not be: no machine can be made of it either. */
	memcpy(info.idr, poor->idr, sizeof(info.idr));
	expect_fits(&info, "48 bits out, ATS, SubstreamIDs of 20 bits");
}

/* ----------------------------------------------------- what is promised -- */

static int alloc(struct client *c, uint32_t pt, uint32_t flags, uint32_t *id)
{
	struct iommu_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.flags = flags,
		.dev_id = c->dev_id,
		.pt_id = pt,
	};
	int rc = (int)client_ioctl(c->abi, c->space_fd, IOMMU_HWPT_ALLOC, &cmd);

	*id = cmd.out_hwpt_id;
	return rc;
}

/* A capability that is there works, one that is not is refused; PASIDs likewise. */
static void promises_hold(struct uiommu_machine *machine, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		struct iommu_hw_info cmd = { 0 };
		struct client c;
		uint32_t id, last;
		bool dirty;

		client_open_iommufd(&c, machine, i);
		assert_int_equal(get(&c, &cmd, NULL, 0), 0);
		dirty = cmd.out_capabilities & IOMMU_HW_CAP_DIRTY_TRACKING;
		assert_int_equal(alloc(&c, c.ioas_id,
				       IOMMU_HWPT_ALLOC_DIRTY_TRACKING, &id),
				 dirty ? 0 : -EOPNOTSUPP);
		assert_int_equal(alloc(&c, c.ioas_id,
				       IOMMU_HWPT_ALLOC_DIRTY_TRACKING |
					       IOMMU_HWPT_ALLOC_NEST_PARENT,
				       &id),
				 dirty ? 0 : -EOPNOTSUPP);
		assert_int_equal(alloc(&c, c.ioas_id,
				       IOMMU_HWPT_ALLOC_NEST_PARENT, &id),
				 0);
		last = (1u << cmd.out_max_pasid_log2) - 1;
		if (!last) {
			client_close(&c);
			continue;
		}
		id = client_hwpt_ok(&c, c.ioas_id, IOMMU_HWPT_ALLOC_PASID);
		assert_int_equal(client_attach(&c, 0, id), 0);
		id = client_hwpt_ok(&c, c.ioas_id, IOMMU_HWPT_ALLOC_PASID);
		assert_int_equal(client_attach(&c, last, id), 0);
		assert_int_equal(client_attach(&c, last + 1, id), -EINVAL);
		assert_int_equal(client_detach(&c, last), 0);
		client_close(&c);
	}
	uiommu_machine_destroy(machine);
}

static void what_is_promised(void **state)
{
	promises_hold(machine_ok("testep,testep:stall,ioat"), 3);
	promises_hold(machine_of_ok("tests/flow/units.dtb"), 3);
}

/* ---------------------------------------------------------- what is not -- */

#define REFUSED(errno_, field_, val_)                                          \
	{                                                                      \
		.rc = -(errno_), .at = offsetof(struct iommu_hw_info, field_), \
		.len = sizeof(((struct iommu_hw_info *)0)->field_),            \
		.val = (val_),                                                 \
	}

/* One field is wrong: that error, and neither structure is written to. */
static void refusals(void **state)
{
	static const struct {
		int rc;
		size_t at, len;
		uint64_t val;
	} rows[] = {
		REFUSED(EINVAL, size, 31),
		REFUSED(E2BIG, size, 48),
		REFUSED(EOPNOTSUPP, flags, 2),
		REFUSED(EOPNOTSUPP, flags, 3),
		REFUSED(EOPNOTSUPP, flags, 1u << 31),
		REFUSED(EOPNOTSUPP, __reserved[0], 1),
		REFUSED(EOPNOTSUPP, __reserved[1], 1),
		REFUSED(EOPNOTSUPP, __reserved[2], 0x80),
		REFUSED(EOPNOTSUPP, in_data_type, IOMMU_HW_INFO_TYPE_INTEL_VTD),
		REFUSED(EOPNOTSUPP, in_data_type,
			IOMMU_HW_INFO_TYPE_TEGRA241_CMDQV),
		REFUSED(EOPNOTSUPP, in_data_type, IOMMU_HW_INFO_TYPE_AMD),
		REFUSED(EOPNOTSUPP, in_data_type, UINT32_MAX),
		REFUSED(ENOENT, dev_id, 0),
		REFUSED(ENOENT, dev_id, 4711),
		REFUSED(EFAULT, data_uptr, 0),
		REFUSED(EFAULT, data_uptr, 4096),
	};
	struct uiommu_machine *machine = machine_ok("testep");
	struct iommu_hw_info_arm_smmuv3 info, was;
	struct client c;

	client_open_iommufd(&c, machine, 0);
	guard_ok();
	memset(&was, 0x5a, sizeof(was));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct {
			struct iommu_hw_info cmd;
			uint64_t more;
		} is = {
			.cmd = {
				.size = sizeof(is.cmd),
				.flags = IOMMU_HW_INFO_FLAG_INPUT_TYPE,
				.dev_id = c.dev_id,
				.data_len = sizeof(info),
				.data_uptr = (uintptr_t)&info,
				.in_data_type =
					IOMMU_HW_INFO_TYPE_ARM_SMMUV3,
				.out_capabilities = 0x5a,
			},
			.more = 1,
		}, sent;

		memset(&info, 0x5a, sizeof(info));
		memcpy((uint8_t *)&is.cmd + rows[i].at, &rows[i].val,
		       rows[i].len);
		sent = is;
		if (client_ioctl(c.abi, c.space_fd, IOMMU_GET_HW_INFO,
				 &is.cmd) != rows[i].rc)
			fail_msg("row %zu", i);
		assert_memory_equal(&is, &sent, sizeof(is));
		assert_memory_equal(&info, &was, sizeof(info));
	}
	client_close(&c);
	uiommu_machine_destroy(machine);
}

/* A device is known as long as it is bound, and by its own context only. */
static void of_whose_devices(void **state)
{
	struct uiommu_machine *machine = machine_ok("testep,ioat");
	struct iommu_hw_info cmd = { 0 };
	struct client c, other;
	uint32_t dev_id;

	client_open_iommufd(&c, machine, 0);
	client_open_iommufd(&other, machine, 1);
	assert_int_equal(get(&c, &cmd, NULL, 0), 0);
	/* An object that is no device. */
	dev_id = c.dev_id;
	c.dev_id = c.ioas_id;
	assert_int_equal(get(&c, &cmd, NULL, 0), -ENOENT);
	/* Of the context without the device. */
	c.dev_id = dev_id;
	assert_int_equal(uiommu_abi_close(c.abi, c.dev_fd), 0);
	assert_int_equal(get(&c, &cmd, NULL, 0), -ENOENT);
	assert_int_equal(get(&other, &cmd, NULL, 0), 0);
	assert_int_equal(uiommu_abi_close(c.abi, c.space_fd), 0);
	close(c.dev_fd);
	close(c.space_fd);
	client_close(&other);
	uiommu_machine_destroy(machine);
}

/* One parent per SMMU: of another one's it is told at once, and no further. */
static void no_guest_over_another_smmus_parent(void **state)
{
	struct uiommu_machine *machine = machine_of_ok("tests/flow/units.dtb");
	struct iommu_viommu_alloc cmd = {
		.size = sizeof(cmd),
		.type = IOMMU_VIOMMU_TYPE_ARM_SMMUV3,
	};
	struct client c[2];

	client_open_iommufd(&c[0], machine, 0);
	client_open_beside(&c[1], &c[0], 1);
	cmd.hwpt_id = client_hwpt_ok(&c[0], c[0].ioas_id,
				     IOMMU_HWPT_ALLOC_NEST_PARENT);
	cmd.dev_id = c[1].dev_id;
	assert_int_equal(client_ioctl(c[0].abi, c[0].space_fd,
				      IOMMU_VIOMMU_ALLOC, &cmd),
			 -EINVAL);
	cmd.dev_id = c[0].dev_id;
	assert_int_equal(client_ioctl(c[0].abi, c[0].space_fd,
				      IOMMU_VIOMMU_ALLOC, &cmd),
			 0);
	cmd.hwpt_id = client_hwpt_ok(&c[1], c[0].ioas_id,
				     IOMMU_HWPT_ALLOC_NEST_PARENT);
	cmd.dev_id = c[1].dev_id;
	assert_int_equal(client_ioctl(c[0].abi, c[0].space_fd,
				      IOMMU_VIOMMU_ALLOC, &cmd),
			 0);
	assert_int_equal(uiommu_abi_close(c[1].abi, c[1].dev_fd), 0);
	close(c[1].dev_fd);
	client_close(&c[0]);
	uiommu_machine_destroy(machine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registers_to_the_letter),
		cmocka_unit_test(what_devices_can),
		cmocka_unit_test(for_accelerated_guests),
		cmocka_unit_test(what_is_promised),
		cmocka_unit_test(refusals),
		cmocka_unit_test(of_whose_devices),
		cmocka_unit_test(no_guest_over_another_smmus_parent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
