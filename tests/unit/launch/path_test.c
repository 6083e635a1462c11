/* SPDX-License-Identifier: BSD-2-Clause */
/* Paths: their absolute form, which are nodes, and the tree's prefix. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "launch/preload/preload.h"

/* The parts of the library that are not under test. */
struct launch launch;
launch_tls unsigned int launch_inside;

static void expect(int dirfd, const char *path, const char *want)
{
	char buf[PATH_MAX];
	const char *got = path_absolute(dirfd, path, buf);

	if (!want) {
		assert_null(got);
		return;
	}
	assert_non_null(got);
	assert_string_equal(got, want);
}

static void absolute_forms(void **state)
{
	char long_path[2 * PATH_MAX];
	int dir = open("/dev", O_RDONLY | O_DIRECTORY);

	expect(AT_FDCWD, "/dev/vfio/vfio", "/dev/vfio/vfio");
	expect(AT_FDCWD, "/dev//vfio/./vfio", "/dev/vfio/vfio");
	expect(AT_FDCWD, "/sys/x/../bus/", "/sys/bus");
	expect(AT_FDCWD, "/../../dev/..", "/");
	expect(AT_FDCWD, "//", "/");
	expect(dir, "iommu", "/dev/iommu");
	expect(dir, "../sys/bus", "/sys/bus");
	expect(dir, ".", "/dev");
	expect(12345, "iommu", NULL);
	assert_int_equal(chdir("/dev"), 0);
	expect(AT_FDCWD, "vfio/7", "/dev/vfio/7");
	assert_int_equal(chdir("/"), 0);
	expect(AT_FDCWD, "dev/iommu", "/dev/iommu");
	/* Cannot be ours. */
	expect(AT_FDCWD, "/usr/bin/env", NULL);
	memset(long_path, 'a', sizeof(long_path));
	memcpy(long_path, "/dev/", 5);
	long_path[sizeof(long_path) - 1] = '\0';
	expect(AT_FDCWD, long_path, NULL);
	close(dir);
}

static void bad_pointers_are_left_to_the_kernel(void **state)
{
	void *page =
		mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(page != MAP_FAILED);
	errno = 99;
	expect(AT_FDCWD, NULL, NULL);
	expect(AT_FDCWD, (const char *)8, NULL);
	expect(AT_FDCWD, (const char *)-1L, NULL);
	expect(AT_FDCWD, page, NULL);
	assert_int_equal(errno, 99);
	munmap(page, 4096);
}

static void nodes(void **state)
{
	assert_true(path_is_node("/dev/iommu"));
	assert_true(path_is_node("/dev/vfio/vfio"));
	assert_true(path_is_node("/dev/vfio/12"));
	assert_true(path_is_node("/dev/vfio/devices/vfio0"));
	assert_false(path_is_node("/dev/vfio"));
	assert_false(path_is_node("/dev/vfio/devices"));
	assert_false(path_is_node("/dev/iommu2"));
	assert_false(path_is_node("/dev/null"));
}

static void expect_strip(const char *from, const char *want)
{
	char buf[PATH_MAX];

	strcpy(buf, from);
	assert_int_equal(path_strip(buf, strlen(buf)), strlen(want));
	assert_string_equal(buf, want);
}

static void the_prefix_is_cut(void **state)
{
	launch.env.tree = "/tmp/tree";
	launch.env.tree_len = 9;
	expect_strip("/tmp/tree/sys/bus", "/sys/bus");
	expect_strip("/tmp/tree", "/");
	expect_strip("/tmp/tree2/sys", "/tmp/tree2/sys");
	expect_strip("/tmp", "/tmp");
	launch.env.tree = NULL;
	expect_strip("/tmp/tree/sys", "/tmp/tree/sys");
}

static void files_of_the_tree_are_found_there(void **state)
{
	char dir[] = "/tmp/uiommu-path-XXXXXX", at[64], buf[PATH_MAX];
	const char *same = "/sys/kernel/other";

	assert_non_null(mkdtemp(dir));
	launch.env.tree = dir;
	launch.env.tree_len = strlen(dir);
	snprintf(at, sizeof(at), "%s/sys", dir);
	assert_int_equal(mkdir(at, 0700), 0);
	assert_string_equal(path_redirect(AT_FDCWD, "/sys/.", buf), at);
	assert_ptr_equal(path_redirect(AT_FDCWD, same, buf), same);
	assert_string_equal(path_redirect(AT_FDCWD, "/dev/vfio/..", buf),
			    "/dev");
	launch_inside = 1;
	assert_string_equal(path_redirect(AT_FDCWD, "/sys/.", buf), "/sys/.");
	launch_inside = 0;
	launch.env.tree = NULL;
	rmdir(at);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(absolute_forms),
		cmocka_unit_test(bad_pointers_are_left_to_the_kernel),
		cmocka_unit_test(nodes),
		cmocka_unit_test(the_prefix_is_cut),
		cmocka_unit_test(files_of_the_tree_are_found_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
