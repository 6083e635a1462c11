/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * topology_test.c - which machine comes of --device and --topology, and what
 * is said when none does.
 */
#include "client.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define IOVA UINT64_C(0x10000000)
#define LEN 0x4000u

static char err[256];

static int make(const char *devices, const char *topology,
		struct uiommu_machine **machine)
{
	const struct uiommu_machine_cfg cfg = {
		.devices = devices,
		.topology = topology,
	};

	return uiommu_machine_create(&cfg, machine, err, sizeof(err));
}

static void is_device(struct uiommu_machine *machine, unsigned int i,
		      const char *bdf, const char *type)
{
	const char *has_bdf, *has_type;

	assert_true(uiommu_machine_device(machine, i, &has_bdf, &has_type));
	assert_string_equal(has_bdf, bdf);
	assert_string_equal(has_type, type);
}

static void devices_in_order(void **state)
{
	struct uiommu_machine *machine;
	const char *bdf, *type;

	assert_int_equal(make("testep,ioat:rw*2", NULL, &machine), 0);
	is_device(machine, 0, "0000:01:00.0", "testep");
	is_device(machine, 1, "0000:02:00.0", "ioat");
	is_device(machine, 2, "0000:03:00.0", "ioat");
	assert_false(uiommu_machine_device(machine, 3, &bdf, &type));
	uiommu_machine_destroy(machine);

	assert_int_equal(make(NULL, NULL, &machine), 0);
	is_device(machine, 0, "0000:01:00.0", "ioat");
	uiommu_machine_destroy(machine);
}

static void refused(const char *devices, const char *word)
{
	struct uiommu_machine *machine = NULL;

	assert_int_equal(make(devices, NULL, &machine), -EINVAL);
	assert_null(machine);
	if (!strstr(err, word))
		fail_msg("\"%s\" does not name %s", err, word);
}

static void bad_device_lists(void **state)
{
	refused("nic", "\"nic\"");
	refused("nic", "ioat, testep");
	refused("", "types:");
	refused("ioat,", "types:");
	refused("ioat:huge", "\"huge\"");
	refused("ioat:", "option");
	refused("ioat*", "\"*\"");
	refused("ioat*0", "\"*\"");
	refused("ioat*2x", "\"*\"");
	refused("ioat*65", "\"*\"");
	refused("ioat*64,ioat", "64");
}

/* Full of devices: it is made, and each is of use. */
static void as_many_devices_as_fit(void **state)
{
	struct uiommu_machine *machine;
	struct client c;

	assert_int_equal(make("ioat*64", NULL, &machine), 0);
	is_device(machine, 63, "0000:40:00.0", "ioat");
	client_open_iommufd(&c, machine, 63);
	ioat_init(&c);
	client_close(&c);
	uiommu_machine_destroy(machine);
}

static const char *dtb(const char *name)
{
	static char path[512];
	const char *root = getenv("UIOMMU_BUILD_ROOT");

	snprintf(path, sizeof(path), "%s/examples/topology/%s.dtb",
		 root ? root : ".", name);
	return path;
}

/* Two devices behind two SMMUs, StreamIDs unlike the requester IDs. */
static void two_smmus(void **state)
{
	struct uiommu_machine *machine;
	uint8_t *mem[2];
	struct client c[2];

	if (make(NULL, dtb("two-smmus"), &machine))
		fail_msg("%s", err);
	is_device(machine, 0, "0000:01:00.0", "ioat");
	is_device(machine, 1, "0000:02:00.0", "testep");
	is_device(machine, 2, "0001:01:00.0", "ioat");
	for (unsigned int i = 0; i < 2; i++) {
		client_open_iommufd(&c[i], machine, 2 * i);
		mem[i] = pages_ok(LEN);
		memset(mem[i] + 0x1000, 0xc0 + (int)i, 0x1000);
		client_map_ok(&c[i], mem[i], LEN, IOVA);
		ioat_init(&c[i]);
		assert_int_equal(ioat_copy(&c[i], (struct ioat_desc *)mem[i],
					   IOVA, IOVA + 0x2000, IOVA + 0x1000,
					   0x1000),
				 IOAT_STS_DONE);
		assert_int_equal(mem[i][0x2fff], 0xc0 + i);
	}
	for (unsigned int i = 0; i < 2; i++) {
		client_close(&c[i]);
		pages_free(mem[i], LEN);
	}
	uiommu_machine_destroy(machine);
}

static void default_as_a_file(void **state)
{
	struct uiommu_machine *machine;

	if (make(NULL, dtb("default"), &machine))
		fail_msg("%s", err);
	is_device(machine, 0, "0000:01:00.0", "ioat");
	uiommu_machine_destroy(machine);
}

static void bad_topologies(void **state)
{
	struct uiommu_machine *machine;
	char path[] = "/tmp/uiommu-topology-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(make(NULL, "/nonexistent/file.dtb", &machine),
			 -ENOENT);
	assert_non_null(strstr(err, "/nonexistent/file.dtb"));
	assert_int_equal(make(NULL, path, &machine), -EINVAL);
	assert_non_null(strstr(err, path));
	assert_int_equal(write(fd, "hello world, no tree", 20), 20);
	assert_int_equal(make(NULL, path, &machine), -EINVAL);
	assert_non_null(strstr(err, "not a flattened device tree"));
	assert_int_equal(make(NULL, "/tmp", &machine), -EINVAL);
	close(fd);
	unlink(path);
}

static void devtypes_are_listed(void **state)
{
	const struct uiommu_machine_devtype *type;
	unsigned int n = 0;

	while ((type = uiommu_machine_devtype(n))) {
		assert_non_null(type->name);
		assert_int_equal(strlen(type->ids), 9);
		assert_non_null(type->summary);
		n++;
	}
	assert_true(n >= 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(devices_in_order),
		cmocka_unit_test(bad_device_lists),
		cmocka_unit_test(as_many_devices_as_fit),
		cmocka_unit_test(two_smmus),
		cmocka_unit_test(default_as_a_file),
		cmocka_unit_test(bad_topologies),
		cmocka_unit_test(devtypes_are_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
