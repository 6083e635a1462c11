/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's interface of fault injection, as far as its tests of iommufd use it:
 * a file of each thread whose number counts down to the call that fails, and
 * switches in debugfs, which say which calls can and have no effect here.
 *
 * The number counts what the whole process does.
 */
#include "mock.h"

#include <stdio.h>
#include <string.h>

#define TEXT_MAX 24

static struct uiommu_machine *machine_of(struct abi_file *file)
{
	return file->abi->host.ctx;
}

/* The copy is no part of what is counted. */
static ssize_t fail_nth_pread(struct abi_file *file, uint64_t uva, size_t len,
			      uint64_t off)
{
	struct uiommu_machine *machine = machine_of(file);
	uint64_t left = uiommu_machine_fail_left(machine);
	char text[TEXT_MAX];
	size_t n;
	int rc;

	n = (size_t)snprintf(text, sizeof(text), "%llu\n",
			     (unsigned long long)left);
	if (off >= n)
		return 0;
	n = min_u64(n - off, len);
	uiommu_machine_fail_nth(machine, 0);
	rc = abi_copy_to(file->abi, uva, text + off, n);
	uiommu_machine_fail_nth(machine, left);
	return rc ? rc : (ssize_t)n;
}

static ssize_t fail_nth_pwrite(struct abi_file *file, uint64_t uva, size_t len,
			       uint64_t off)
{
	char text[TEXT_MAX] = "";
	unsigned int nth;
	char end;

	uiommu_machine_fail_nth(machine_of(file), 0);
	if (len >= sizeof(text))
		return -EINVAL;
	if (abi_copy_from(file->abi, text, uva, len))
		return -EFAULT;
	if (sscanf(text, "%u%c", &nth, &end) < 1)
		return -EINVAL;
	uiommu_machine_fail_nth(machine_of(file), nth);
	return (ssize_t)len;
}

static ssize_t fail_nth_read(struct abi_file *file, uint64_t uva, size_t len)
{
	return fail_nth_pread(file, uva, len, 0);
}

static ssize_t fail_nth_write(struct abi_file *file, uint64_t uva, size_t len)
{
	return fail_nth_pwrite(file, uva, len, 0);
}

static void fail_nth_release(struct abi_file *file)
{
	uiommu_machine_fail_nth(machine_of(file), 0);
	abi_free(file->abi, file);
}

static const struct abi_file_ops fail_nth_ops = {
	.name = "fail-nth",
	.read = fail_nth_read,
	.write = fail_nth_write,
	.pread = fail_nth_pread,
	.pwrite = fail_nth_pwrite,
	.release = fail_nth_release,
};

/* Of any thread of any process: who asks for one means his own. */
bool test_is_fail_nth(const char *path)
{
	static const char name[] = "/fail-nth";
	size_t len = strlen(path);

	return !strncmp(path, "/proc/", 6) && len > sizeof(name) &&
	       !strcmp(path + len - (sizeof(name) - 1), name);
}

int test_fail_nth_open(struct uiommu_abi *abi, const char *path, int flags,
		       struct abi_file **out)
{
	struct abi_file *file;

	if (!test_is_fail_nth(path))
		return -ENOENT;
	file = abi_alloc(abi, sizeof(*file));
	if (!file)
		return -ENOMEM;
	abi_file_init(file, abi, &fail_nth_ops);
	*out = file;
	return 0;
}

/* --------------------------------------------------------------- debugfs -- */

#define DEBUGFS "/sys/kernel/debug"
#define DIR(at)                                                           \
	{                                                                 \
		.type = UIOMMU_NODE_DIR, .path = DEBUGFS at, .mode = 0755 \
	}
#define KNOB(at, text)                                                      \
	{                                                                   \
		.type = UIOMMU_NODE_FILE, .path = DEBUGFS at, .mode = 0600, \
		.content = text, .len = sizeof(text) - 1                    \
	}

const struct uiommu_node test_debugfs[] = {
	DIR(""),
	DIR("/failslab"),
	KNOB("/failslab/ignore-gfp-wait", "Y\n"),
	KNOB("/failslab/verbose", "2\n"),
	DIR("/fail_page_alloc"),
	KNOB("/fail_page_alloc/ignore-gfp-wait", "Y\n"),
	KNOB("/fail_page_alloc/ignore-gfp-highmem", "Y\n"),
	KNOB("/fail_page_alloc/verbose", "2\n"),
};
const unsigned int test_nr_debugfs = ARRAY_SIZE(test_debugfs);
