/* SPDX-License-Identifier: BSD-2-Clause */
/* dt_test.c - device trees, built here node by node: good, odd and wrong. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>

#include <cmocka.h>
#include <libfdt.h>

#include <uiommu/fw.h>

#define BLOB 8192

struct dt {
	char blob[BLOB];
	struct uiommu_fw *fw;
	char err[256];
};

static void cells_prop(struct dt *dt, const char *name, const uint32_t *val,
		       unsigned int nr)
{
	fdt32_t cells[32];

	for (unsigned int i = 0; i < nr; i++)
		cells[i] = cpu_to_fdt32(val[i]);
	assert_int_equal(fdt_property(dt->blob, name, cells, (int)nr * 4), 0);
}

#define CELLS(dt, name, ...)                              \
	do {                                              \
		const uint32_t v_[] = { __VA_ARGS__ };    \
		cells_prop(dt, name, v_, sizeof(v_) / 4); \
	} while (0)

static void open_node(struct dt *dt, const char *name)
{
	assert_int_equal(fdt_begin_node(dt->blob, name), 0);
}

static void close_node(struct dt *dt)
{
	assert_int_equal(fdt_end_node(dt->blob), 0);
}

static void text(struct dt *dt, const char *name, const char *val)
{
	assert_int_equal(fdt_property_string(dt->blob, name, val), 0);
}

static void begin(struct dt *dt)
{
	assert_int_equal(fdt_create(dt->blob, BLOB), 0);
	assert_int_equal(fdt_finish_reservemap(dt->blob), 0);
	open_node(dt, "");
	CELLS(dt, "#address-cells", 2);
	CELLS(dt, "#size-cells", 2);
}

static void smmu(struct dt *dt, const char *name, uint32_t base,
		 uint32_t phandle)
{
	open_node(dt, name);
	text(dt, "compatible", "arm,smmu-v3");
	CELLS(dt, "reg", 0, base, 0, 0x20000);
	CELLS(dt, "#iommu-cells", 1);
	CELLS(dt, "phandle", phandle);
	close_node(dt);
}

/* A host bridge, left open. */
static void bridge(struct dt *dt, const char *name)
{
	open_node(dt, name);
	text(dt, "device_type", "pci");
	CELLS(dt, "#address-cells", 3);
	CELLS(dt, "#size-cells", 2);
}

static void function(struct dt *dt, const char *name, uint32_t rid,
		     const char *compatible)
{
	open_node(dt, name);
	text(dt, "compatible", compatible);
	CELLS(dt, "reg", rid << 8, 0, 0, 0, 0);
	close_node(dt);
}

static int finish(struct dt *dt)
{
	close_node(dt);
	assert_int_equal(fdt_finish(dt->blob), 0);
	dt->err[0] = '\0';
	return uiommu_fw_read_dt(dt->blob, fdt_totalsize(dt->blob), &dt->fw,
				 dt->err, sizeof(dt->err));
}

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct dt));
	begin(*state);
	return 0;
}

static int teardown(void **state)
{
	struct dt *dt = *state;

	uiommu_fw_free(dt->fw);
	free(dt);
	return 0;
}

static void finds_smmu_bridge_and_function(void **state)
{
	const struct uiommu_fw_iommu *iommu;
	const struct uiommu_fw_pci_host *host;
	const struct uiommu_fw_pci_dev *dev;
	struct dt *dt = *state;
	unsigned int index;
	uint32_t id;

	smmu(dt, "iommu@2b400000", 0x2b400000, 7);
	bridge(dt, "pcie@0");
	CELLS(dt, "iommu-map", 0, 7, 0x1000, 0x200, 0x300, 7, 0x8000, 0x10);
	CELLS(dt, "bus-range", 0, 3);
	CELLS(dt, "linux,pci-domain", 5);
	function(dt, "dma@1,0", 0x100, "uiommu,ioat");
	close_node(dt);
	assert_int_equal(finish(dt), 0);

	iommu = uiommu_fw_iommu(dt->fw, 0);
	assert_non_null(iommu);
	assert_string_equal(iommu->path, "/iommu@2b400000");
	assert_int_equal(iommu->base, 0x2b400000);
	assert_int_equal(iommu->size, 0x20000);
	assert_false(iommu->coherent);
	assert_null(iommu->profile);
	assert_null(uiommu_fw_iommu(dt->fw, 1));
	host = uiommu_fw_pci_host(dt->fw, 0);
	assert_int_equal(host->domain, 5);
	assert_int_equal(host->last_bus, 3);
	dev = uiommu_fw_pci_dev(dt->fw, 0);
	assert_int_equal(dev->rid, 0x100);
	assert_string_equal(dev->compatible, "uiommu,ioat");
	assert_null(uiommu_fw_pci_dev(dt->fw, 1));

	assert_int_equal(uiommu_fw_pci_id(dt->fw, 0, 0x100, &index, &id), 0);
	assert_int_equal(index, 0);
	assert_int_equal(id, 0x1100);
	assert_int_equal(uiommu_fw_pci_id(dt->fw, 0, 0x1ff, &index, &id), 0);
	assert_int_equal(uiommu_fw_pci_id(dt->fw, 0, 0x200, &index, &id),
			 -ENOENT);
	assert_int_equal(uiommu_fw_pci_id(dt->fw, 0, 0x305, &index, &id), 0);
	assert_int_equal(id, 0x8005);
	assert_int_equal(uiommu_fw_pci_id(dt->fw, 1, 0, &index, &id), -ENOENT);
}

static void mask_comes_first(void **state)
{
	struct dt *dt = *state;
	unsigned int index;
	uint32_t id;

	smmu(dt, "iommu@0", 0x1000, 1);
	bridge(dt, "pcie@0");
	CELLS(dt, "iommu-map", 0, 1, 0x40, 0x10000);
	CELLS(dt, "iommu-map-mask", 0xfff8);
	close_node(dt);
	assert_int_equal(finish(dt), 0);
	assert_int_equal(uiommu_fw_pci_id(dt->fw, 0, 0x10f, &index, &id), 0);
	assert_int_equal(id, 0x148);
}

static void finds_masters(void **state)
{
	const struct uiommu_fw_master *master;
	struct dt *dt = *state;

	smmu(dt, "iommu@a", 0x1000, 1);
	smmu(dt, "iommu@b", 0x100000, 2);
	open_node(dt, "dma@c");
	CELLS(dt, "iommus", 2, 0x11, 2, 0x12);
	CELLS(dt, "pasid-num-bits", 20);
	assert_int_equal(fdt_property(dt->blob, "dma-can-stall", NULL, 0), 0);
	close_node(dt);
	open_node(dt, "gpu@d"); /* behind an IOMMU of another kind */
	CELLS(dt, "iommus", 99, 1);
	close_node(dt);
	open_node(dt, "off@e");
	CELLS(dt, "iommus", 1, 1);
	text(dt, "status", "disabled");
	close_node(dt);
	assert_int_equal(finish(dt), 0);
	master = uiommu_fw_master(dt->fw, 0);
	assert_int_equal(master->iommu, 1);
	assert_int_equal(master->nr_ids, 2);
	assert_int_equal(master->ids[1], 0x12);
	assert_int_equal(master->pasid_bits, 20);
	assert_true(master->stall);
	assert_null(uiommu_fw_master(dt->fw, 1));
}

static void without_an_iommu(void **state)
{
	struct dt *dt = *state;

	assert_int_equal(finish(dt), 0);
	assert_null(uiommu_fw_iommu(dt->fw, 0));
}

/* The sentence names the node. */
static void wrong(struct dt *dt, const char *node)
{
	assert_int_equal(finish(dt), -EINVAL);
	assert_non_null(strstr(dt->err, node));
}

static void map_to_nowhere(void **state)
{
	bridge(*state, "pcie@5");
	CELLS((struct dt *)*state, "iommu-map", 0, 42, 0, 0x100);
	close_node(*state);
	wrong(*state, "/pcie@5");
}

static void map_cut_short(void **state)
{
	smmu(*state, "iommu@0", 0x1000, 1);
	bridge(*state, "pcie@5");
	CELLS((struct dt *)*state, "iommu-map", 0, 1, 0);
	close_node(*state);
	wrong(*state, "/pcie@5");
}

static void map_beyond_the_ids(void **state)
{
	smmu(*state, "iommu@0", 0x1000, 1);
	bridge(*state, "pcie@5");
	CELLS((struct dt *)*state, "iommu-map", 0x8000, 1, 0, 0x8001);
	close_node(*state);
	wrong(*state, "group 0");
}

static void smmu_without_registers(void **state)
{
	struct dt *dt = *state;

	open_node(dt, "iommu@9");
	text(dt, "compatible", "arm,smmu-v3");
	CELLS(dt, "#iommu-cells", 1);
	close_node(dt);
	wrong(dt, "/iommu@9");
}

static void smmu_of_no_size(void **state)
{
	struct dt *dt = *state;

	open_node(dt, "iommu@9");
	text(dt, "compatible", "arm,smmu-v3");
	CELLS(dt, "reg", 0, 0x1000, 0, 0);
	CELLS(dt, "#iommu-cells", 1);
	close_node(dt);
	wrong(dt, "/iommu@9");
}

static void master_with_half_a_pair(void **state)
{
	struct dt *dt = *state;

	smmu(dt, "iommu@0", 0x1000, 1);
	open_node(dt, "dma@3");
	CELLS(dt, "iommus", 1);
	close_node(dt);
	wrong(dt, "/dma@3");
}

static void function_on_a_foreign_bus(void **state)
{
	struct dt *dt = *state;

	smmu(dt, "iommu@0", 0x1000, 1);
	bridge(dt, "pcie@5");
	CELLS(dt, "bus-range", 0, 1);
	function(dt, "dma@2,0", 0x200, "uiommu,ioat");
	close_node(dt);
	wrong(dt, "/pcie@5/dma@2,0");
}

/* Every cut and every flipped byte: an answer, never a crash. */
static void damaged_blobs(void **state)
{
	struct dt *dt = *state;
	unsigned int seed = 1;
	size_t size;
	char *copy;

	smmu(dt, "iommu@0", 0x1000, 1);
	bridge(dt, "pcie@5");
	CELLS(dt, "iommu-map", 0, 1, 0, 0x10000);
	function(dt, "dma@2,0", 0x200, "uiommu,ioat");
	close_node(dt);
	assert_int_equal(finish(dt), 0);
	size = fdt_totalsize(dt->blob);
	for (size_t len = 0; len < size; len += 3) {
		struct uiommu_fw *fw;

		/* Exactly so long, for AddressSanitizer. */
		copy = malloc(len ? len : 1);
		memcpy(copy, dt->blob, len);
		assert_int_equal(uiommu_fw_read_dt(copy, len, &fw, NULL, 0),
				 -EINVAL);
		free(copy);
	}
	for (unsigned int i = 0; i < 4000; i++) {
		struct uiommu_fw *fw = NULL;

		copy = malloc(size);
		memcpy(copy, dt->blob, size);
		for (unsigned int n = 0; n <= i % 4; n++)
			copy[(unsigned int)rand_r(&seed) % size] =
				(char)rand_r(&seed);
		if (!uiommu_fw_read_dt(copy, size, &fw, dt->err,
				       sizeof(dt->err)))
			uiommu_fw_free(fw);
		free(copy);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(finds_smmu_bridge_and_function),
		T(mask_comes_first),
		T(finds_masters),
		T(without_an_iommu),
		T(map_to_nowhere),
		T(map_cut_short),
		T(map_beyond_the_ids),
		T(smmu_without_registers),
		T(smmu_of_no_size),
		T(master_with_half_a_pair),
		T(function_on_a_foreign_bus),
		T(damaged_blobs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
