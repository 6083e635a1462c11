/* SPDX-License-Identifier: BSD-2-Clause */
/* The tree of nodes: complete, consistent, as the programs parse it. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_NODES 1024

struct copy {
	enum uiommu_node_type type;
	unsigned int mode;
	char *path;
	char *content;
	size_t len;
};

static struct fx *fx;
static struct copy nodes[MAX_NODES];
static unsigned int nr_nodes;

static int collect(void *ctx, const struct uiommu_node *node)
{
	struct copy *copy = &nodes[nr_nodes];

	assert_true(nr_nodes < MAX_NODES);
	copy->type = node->type;
	copy->mode = node->mode;
	copy->path = strdup(node->path);
	copy->len = node->len;
	copy->content = calloc(1, node->len + 1);
	if (node->len)
		memcpy(copy->content, node->content, node->len);
	nr_nodes++;
	return 0;
}

static int setup(void **state)
{
	fx_setup(state);
	fx = *state;
	nr_nodes = 0;
	assert_int_equal(uiommu_abi_visit_nodes(fx->abi, collect, NULL), 0);
	return 0;
}

static int teardown(void **state)
{
	for (unsigned int i = 0; i < nr_nodes; i++) {
		free(nodes[i].path);
		free(nodes[i].content);
	}
	return fx_teardown(state);
}

static struct copy *find_upto(const char *path, unsigned int end)
{
	for (unsigned int i = 0; i < end; i++)
		if (!strcmp(nodes[i].path, path))
			return &nodes[i];
	return NULL;
}

static struct copy *find(const char *path)
{
	return find_upto(path, nr_nodes);
}

/* Fold "a/../" away; `out` holds an absolute path without links. */
static void fold(const char *path, char *out)
{
	char *end = out;

	for (const char *p = path; *p;) {
		size_t n = strcspn(p + 1, "/") + 1;

		if (n == 3 && !strncmp(p, "/..", 3)) {
			while (end > out && *--end != '/')
				;
		} else {
			memcpy(end, p, n);
			end += n;
		}
		p += n;
	}
	*end = '\0';
}

static void resolve_link(const struct copy *link, char *out)
{
	char joined[1024];
	const char *slash = strrchr(link->path, '/');

	snprintf(joined, sizeof(joined), "%.*s/%s", (int)(slash - link->path),
		 link->path, link->content);
	fold(joined, out);
}

static const char *text(const char *path)
{
	struct copy *node = find(path);

	if (!node)
		fail_msg("%s is missing", path);
	assert_int_equal(node->type, UIOMMU_NODE_FILE);
	return node->content;
}

static const char *link_base(const char *path)
{
	struct copy *node = find(path);

	if (!node)
		fail_msg("%s is missing", path);
	assert_int_equal(node->type, UIOMMU_NODE_LINK);
	return strrchr(node->content, '/') + 1;
}

static void parents_come_first(void **state)
{
	char parent[512];

	for (unsigned int i = 0; i < nr_nodes; i++) {
		char *slash;

		snprintf(parent, sizeof(parent), "%s", nodes[i].path);
		slash = strrchr(parent, '/');
		*slash = '\0';
		if (!strcmp(parent, "/sys") || !strcmp(parent, "/dev"))
			continue;
		if (!find_upto(parent, i))
			fail_msg("%s before its parent", nodes[i].path);
		assert_int_equal(find_upto(parent, i)->type, UIOMMU_NODE_DIR);
	}
}

static void no_path_twice(void **state)
{
	for (unsigned int i = 0; i < nr_nodes; i++)
		if (find_upto(nodes[i].path, i))
			fail_msg("%s twice", nodes[i].path);
}

/* Real directories stand under /sys/devices, links lead there. */
static void links_lead_somewhere(void **state)
{
	char target[1024];

	for (unsigned int i = 0; i < nr_nodes; i++) {
		if (nodes[i].type != UIOMMU_NODE_LINK)
			continue;
		assert_int_not_equal(nodes[i].content[0], '/');
		resolve_link(&nodes[i], target);
		if (!find(target))
			fail_msg("%s -> %s: nothing at %s", nodes[i].path,
				 nodes[i].content, target);
		assert_int_equal(find(target)->type, UIOMMU_NODE_DIR);
	}
}

static void files_of_a_device(void **state)
{
#define DIR "/sys/devices/pci0000:01/0000:01:00.1/"
	static const struct {
		const char *path, *content;
	} table[] = {
		{ DIR "vendor", "0x1234\n" },
		{ DIR "device", "0x1101\n" },
		{ DIR "subsystem_vendor", "0x1af4\n" },
		{ DIR "subsystem_device", "0x0001\n" },
		{ DIR "class", "0x088000\n" },
		{ DIR "revision", "0x03\n" },
		{ DIR "irq", "11\n" },
		{ DIR "numa_node", "-1\n" },
		{ DIR "enable", "1\n" },
		{ DIR "driver_override", "vfio-pci\n" },
		{ DIR "modalias",
		  "pci:v00001234d00001101sv00001AF4sd00000001bc08sc80i00\n" },
		{ DIR "uevent",
		  "DRIVER=vfio-pci\nPCI_CLASS=88000\nPCI_ID=1234:1101\n"
		  "PCI_SUBSYS_ID=1AF4:0001\nPCI_SLOT_NAME=0000:01:00.1\n"
		  "MODALIAS="
		  "pci:v00001234d00001101sv00001AF4sd00000001bc08sc80i00\n" },
		{ DIR "vfio-dev/vfio1/dev", "1:3\n" },
		{ DIR "reset_method", "flr\n" },
	};
	uint32_t word;

	for (unsigned int i = 0; i < ARRAY_SIZE(table); i++)
		assert_string_equal(text(table[i].path), table[i].content);
	assert_int_equal(find(DIR "config")->len, 4096);
	memcpy(&word, find(DIR "config")->content, 4);
	assert_int_equal(word, 0x11011234);
	assert_null(find(DIR "sriov_totalvfs"));
	assert_null(find("/sys/devices/pci0000:03/0000:03:00.0/reset"));
	assert_string_equal(link_base(DIR "driver"), "vfio-pci");
	assert_string_equal(link_base(DIR "subsystem"), "pci");
#undef DIR
}

static void resource_has_13_lines(void **state)
{
	const char *p = text("/sys/devices/pci0000:01/0000:01:00.0/resource");
	unsigned long long start, end, flags;
	unsigned int lines = 0;
	int n;

	for (; sscanf(p, "%llx %llx %llx\n%n", &start, &end, &flags, &n) == 3;
	     p += n, lines++) {
		if (lines == 0) {
			assert_int_equal(start, FX_MMIO_PA);
			assert_int_equal(end, FX_MMIO_PA + FAKE_BAR0_SIZE - 1);
			assert_int_equal(flags, 0x14220c);
		} else if (lines == 3) {
			assert_int_equal(start, 0xc000);
			assert_int_equal(flags, 0x40101);
		} else if (lines == 1 || lines > 4) {
			assert_int_equal(start | end | flags, 0);
		}
	}
	assert_int_equal(lines, 13);
	assert_int_equal(*p, 0);
}

static void groups(void **state)
{
	char path[256], base[16], real[1024];

	for (unsigned int i = 0; i < FX_DEVICES; i++) {
		unsigned int id =
			uiommu_group_id(uiommu_device_group(fx->pci[i].dev));

		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s",
			 fx->bdf[i]);
		resolve_link(find(path), real);
		strcat(real, "/iommu_group");
		snprintf(base, sizeof(base), "%u", id);
		assert_string_equal(link_base(real), base);
		snprintf(path, sizeof(path),
			 "/sys/kernel/iommu_groups/%u/devices/%s", id,
			 fx->bdf[i]);
		assert_non_null(find(path));
		snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%u/type",
			 id);
		assert_string_equal(text(path), "DMA\n");
		snprintf(path, sizeof(path),
			 "/sys/kernel/iommu_groups/%u/reserved_regions", id);
		assert_string_equal(
			text(path),
			i == 4 ? "0x0000000300000000 0x0000000300000fff "
				 "reserved\n"
			       : "0x0000000008000000 0x00000000080fffff "
				 "msi\n");
		snprintf(path, sizeof(path), "/dev/vfio/%u", id);
		assert_int_equal(find(path)->type, UIOMMU_NODE_CHAR);
		snprintf(path, sizeof(path), "/sys/class/vfio/%u", id);
		assert_non_null(find(path));
	}
}

static void what_programs_look_for(void **state)
{
	static const char *const dirs[] = {
		"/sys/module/vfio",
		"/sys/module/vfio_pci",
		"/sys/module/vfio_iommu_type1",
		"/sys/module/iommufd",
		"/sys/bus/pci/drivers/vfio-pci",
		"/sys/kernel/iommu_groups",
		"/dev/vfio",
		"/dev/vfio/devices",
	};
	static const char *const files[] = {
		"/sys/bus/pci/drivers/vfio-pci/bind",
		"/sys/bus/pci/drivers/vfio-pci/unbind",
		"/sys/bus/pci/drivers/vfio-pci/new_id",
		"/sys/bus/pci/drivers/vfio-pci/remove_id",
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(dirs); i++)
		assert_int_equal(find(dirs[i])->type, UIOMMU_NODE_DIR);
	for (unsigned int i = 0; i < ARRAY_SIZE(files); i++)
		assert_int_equal(find(files[i])->type, UIOMMU_NODE_FILE);
	assert_string_equal(text("/sys/module/vfio/parameters/"
				 "enable_unsafe_noiommu_mode"),
			    "N\n");
	assert_int_equal(find("/dev/iommu")->type, UIOMMU_NODE_CHAR);
	assert_int_equal(find("/dev/vfio/vfio")->mode, 0666);
	assert_non_null(find("/sys/bus/pci/drivers/vfio-pci/0000:01:00.0"));
	assert_non_null(find("/sys/class/iommu/fake.0"));
	assert_non_null(
		find("/sys/devices/virtual/iommu/fake.1/devices/0000:00:03.0"));
	assert_non_null(find("/sys/class/vfio-dev/vfio5"));
	assert_null(find("/sys/kernel/debug/iommu/intel"));
}

/* Every node that is to be opened can be. */
static void nodes_open(void **state)
{
	for (unsigned int i = 0; i < nr_nodes; i++) {
		int fd;

		if (nodes[i].type != UIOMMU_NODE_CHAR)
			continue;
		fd = fx_open(fx, nodes[i].path);
		if (fd < 0)
			fail_msg("%s: %d", nodes[i].path, fd);
		fx_close(fx, fd);
	}
}

static int stop_at_tenth(void *ctx, const struct uiommu_node *node)
{
	return ++*(unsigned int *)ctx == 10 ? 77 : 0;
}

static void visitor_may_stop(void **state)
{
	unsigned int seen = 0;

	assert_int_equal(uiommu_abi_visit_nodes(fx->abi, stop_at_tenth, &seen),
			 77);
	assert_int_equal(seen, 10);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(parents_come_first),	   T(no_path_twice),
		T(links_lead_somewhere),   T(files_of_a_device),
		T(resource_has_13_lines),  T(groups),
		T(what_programs_look_for), T(nodes_open),
		T(visitor_may_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
