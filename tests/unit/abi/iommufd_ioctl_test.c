/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of /dev/iommu: numbers, sizes, user memory, and the errors of the
 * calls that need no device.  Rows call in order with structures that differ
 * from a good one in what the row names.
 */
#include "ufd_env.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define U64_MAX UINT64_MAX
#define U32_MAX UINT32_MAX

/* Any structure; each begins with its size. */
union any {
	uint32_t size;
	uint8_t bytes[128];
	struct iommu_destroy destroy;
	struct iommu_ioas_alloc alloc;
	struct iommu_ioas_iova_ranges ranges;
	struct iommu_ioas_allow_iovas allow;
	struct iommu_ioas_map map;
	struct iommu_ioas_copy copy;
	struct iommu_ioas_unmap unmap;
	struct iommu_option option;
	struct iommu_vfio_ioas vfio_ioas;
	struct iommu_hwpt_alloc hwpt;
	struct iommu_hw_info info;
	struct iommu_hwpt_set_dirty_tracking dirty;
	struct iommu_hwpt_get_dirty_bitmap bitmap;
	struct iommu_hwpt_invalidate inv;
	struct iommu_viommu_alloc viommu;
	struct iommu_vdevice_alloc vdevice;
	struct iommu_ioas_change_process process;
	struct iommu_veventq_alloc veventq;
	struct iommu_hw_queue_alloc queue;
	struct iommu_ioas_noiommu_get_pa get_pa;
};

/* ---------------------------------------------------------- user memory -- */

static void copies(void **state)
{
	struct ufd_env *env = *state;
	uint8_t dst[16], *edge = env_edge(env, 8);

	memset(edge, 7, 8);
	memset(dst, 0xff, sizeof(dst));
	/* Older than ours: the rest is zero. */
	assert_int_equal(
		abi_copy_struct_from(env->abi, dst, 16, (uintptr_t)edge, 8), 0);
	assert_int_equal(dst[7], 7);
	assert_int_equal(dst[8], 0);
	assert_int_equal(dst[15], 0);
	/* Nothing is always there; the end of the address space is not. */
	assert_int_equal(abi_copy_from(env->abi, dst, 0, 0), 0);
	assert_int_equal(abi_copy_to(env->abi, U64_MAX, dst, 0), 0);
	assert_int_equal(abi_copy_from(env->abi, dst, U64_MAX, 4), -EFAULT);
	assert_int_equal(abi_copy_to(env->abi, U64_MAX, dst, 4), -EFAULT);
}

static void strings(void **state)
{
	struct ufd_env *env = *state;
	char dst[600], *edge = env_edge(env, 10);

	/* To the last byte before the end of memory. */
	memcpy(edge, "0123456789", 10);
	edge[9] = 0;
	assert_int_equal(abi_copy_string(env->abi, dst, sizeof(dst),
					 (uintptr_t)edge),
			 0);
	assert_string_equal(dst, "012345678");
	assert_int_equal(abi_copy_string(env->abi, dst, 10, (uintptr_t)edge),
			 0);
	assert_int_equal(abi_copy_string(env->abi, dst, 9, (uintptr_t)edge),
			 -36);
	edge[9] = '9';
	assert_int_equal(abi_copy_string(env->abi, dst, sizeof(dst),
					 (uintptr_t)edge),
			 -EFAULT);
	assert_int_equal(abi_copy_string(env->abi, dst, sizeof(dst), 0),
			 -EFAULT);
	/* Longer than one piece. */
	memset(env->mem, 'x', 550);
	env->mem[550] = 0;
	assert_int_equal(abi_copy_string(env->abi, dst, sizeof(dst),
					 (uintptr_t)env->mem),
			 0);
	assert_int_equal(strlen(dst), 550);
}

/* ------------------------------------------------------ the whole table -- */

static const struct {
	unsigned int cmd;
	uint32_t size, min;
	int zeroes; /* the answer to a structure of zeroes */
} calls[] = {
	{ IOMMU_DESTROY, 8, 8, -ENOENT },
	{ IOMMU_IOAS_ALLOC, 12, 12, 0 },
	{ IOMMU_IOAS_ALLOW_IOVAS, 24, 24, -ENOENT },
	{ IOMMU_IOAS_COPY, 40, 40, -EINVAL },
	{ IOMMU_IOAS_IOVA_RANGES, 32, 32, -ENOENT },
	{ IOMMU_IOAS_MAP, 40, 40, -EINVAL },
	{ IOMMU_IOAS_UNMAP, 24, 24, -ENOENT },
	{ IOMMU_OPTION, 24, 24, -EBUSY }, /* there is an IOAS already */
	{ IOMMU_VFIO_IOAS, 12, 12, -ENODEV },
	{ IOMMU_HWPT_ALLOC, 48, 24, -ENOENT },
	{ IOMMU_GET_HW_INFO, 40, 32, -ENOENT },
	{ IOMMU_HWPT_SET_DIRTY_TRACKING, 16, 16, -ENOENT },
	{ IOMMU_HWPT_GET_DIRTY_BITMAP, 48, 48, -ENOENT },
	{ IOMMU_HWPT_INVALIDATE, 32, 32, -ENOENT },
	{ IOMMU_FAULT_QUEUE_ALLOC, 16, 16, 0 }, /* closed at the end */
	{ IOMMU_VIOMMU_ALLOC, 40, 24, -EOPNOTSUPP },
	{ IOMMU_VDEVICE_ALLOC, 24, 24, -ENOENT },
	{ IOMMU_IOAS_MAP_FILE, 40, 40, -EINVAL },
	{ IOMMU_IOAS_CHANGE_PROCESS, 8, 8, 0 },
	{ IOMMU_VEVENTQ_ALLOC, 32, 28, -EOPNOTSUPP },
	{ IOMMU_HW_QUEUE_ALLOC, 40, 40, -EOPNOTSUPP },
	{ IOMMU_IOAS_NOIOMMU_GET_PA, 40, 40, -EOPNOTSUPP },
};

static void sizes(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env);
	unsigned int i;
	union any any;
	void *edge;

	env_ioas(env, fd);
	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		memset(&any, 0, sizeof(any));
		any.size = calls[i].min - 1;
		assert_int_equal(env_ioctl(env, fd, calls[i].cmd, &any),
				 -EINVAL);
		any.size = calls[i].min;
		assert_int_equal(env_ioctl(env, fd, calls[i].cmd, &any),
				 calls[i].zeroes);
		/* From the future: zero is fine, anything else is not. */
		memset(&any, 0, sizeof(any));
		any.size = calls[i].size + 1;
		any.bytes[calls[i].size] = 1;
		assert_int_equal(env_ioctl(env, fd, calls[i].cmd, &any),
				 -E2BIG);
		any.bytes[calls[i].size] = 0;
		assert_int_equal(env_ioctl(env, fd, calls[i].cmd, &any),
				 calls[i].zeroes);
		/* Nothing is read beyond what the caller says it has. */
		edge = env_edge(env, calls[i].min);
		memset(edge, 0, calls[i].min);
		*(uint32_t *)edge = calls[i].min;
		assert_int_equal(env_ioctl(env, fd, calls[i].cmd, edge),
				 calls[i].zeroes);
		/* What it says it has and has not. */
		*(uint32_t *)edge = calls[i].min + 1;
		assert_int_equal(env_ioctl(env, fd, calls[i].cmd, edge),
				 -EFAULT);
		assert_int_equal(env_ioctl(env, fd, calls[i].cmd, NULL),
				 -EFAULT);
	}
	env_close(env, fd);
}

/* A non-zero byte before the unreadable page wins; the other way round not. */
static void size_far_beyond(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env);
	uint32_t *cmd = env_edge(env, 3 * PAGE);

	cmd[0] = 4 * PAGE;
	assert_int_equal(env_ioctl(env, fd, IOMMU_DESTROY, cmd), -EFAULT);
	((uint8_t *)cmd)[3 * PAGE - 1] = 1;
	assert_int_equal(env_ioctl(env, fd, IOMMU_DESTROY, cmd), -E2BIG);
	cmd[0] = 3 * PAGE - 1;
	assert_int_equal(env_ioctl(env, fd, IOMMU_DESTROY, cmd), -ENOENT);
	cmd[0] = U32_MAX;
	assert_int_equal(env_ioctl(env, fd, IOMMU_DESTROY, cmd), -E2BIG);
	env_close(env, fd);
}

static void numbers(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env);
	union any any = { .size = 128 };
	unsigned int nr;

	for (nr = 0x96; nr < 0x100; nr++)
		assert_int_equal(env_ioctl(env, fd, 0x3b00 + nr, &any),
				 -ENOTTY);
	/* Nobody looks at the size of what is below and above. */
	assert_int_equal(env_ioctl(env, fd, 0x3b96, NULL), -ENOTTY);
	assert_int_equal(env_ioctl(env, fd, 0x3b7f, NULL), -ENOTTY);
	/* The right number of another type. */
	assert_int_equal(env_ioctl(env, fd, 0x3c81, &any), -ENOTTY);
	assert_int_equal(env_ioctl(env, fd, 0xc0083b80, &any), -ENOTTY);
	/* Only 32 bits are a number. */
	memset(&any, 0, sizeof(any));
	any.size = 8;
	assert_int_equal(env_ioctl(env, fd, 0x100003b80, &any), -ENOENT);
	env_close(env, fd);
}

static void other_operations(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env);
	struct uiommu_map *map;
	char byte;

	assert_int_equal(uiommu_abi_read(env->abi, fd, (uintptr_t)&byte, 1),
			 -EINVAL);
	assert_int_equal(uiommu_abi_write(env->abi, fd, (uintptr_t)&byte, 1),
			 -EINVAL);
	assert_int_equal(uiommu_abi_pread(env->abi, fd, (uintptr_t)&byte, 1, 0),
			 -EINVAL);
	assert_int_equal(uiommu_abi_pwrite(env->abi, fd, (uintptr_t)&byte, 1,
					   0),
			 -EINVAL);
	assert_int_equal(uiommu_abi_mmap(env->abi, fd, PAGE, PROT_READ,
					 MAP_PRIVATE, 0, &map),
			 -EINVAL);
	assert_int_equal(uiommu_abi_mmap(env->abi, fd, 0, PROT_READ, MAP_SHARED,
					 PAGE, &map),
			 -EINVAL);
	assert_int_equal(uiommu_abi_mmap(env->abi, fd, PAGE, PROT_READ,
					 MAP_SHARED, 100, &map),
			 -EINVAL);
	/* mmap(2) makes a page of it. */
	assert_int_equal(uiommu_abi_mmap(env->abi, fd, 100, PROT_READ,
					 MAP_SHARED, PAGE, &map),
			 -ENXIO);
	assert_int_equal(uiommu_abi_mmap(env->abi, fd, PAGE, PROT_EXEC,
					 MAP_SHARED, 0, &map),
			 -EPERM);
	assert_int_equal(uiommu_abi_mmap(env->abi, fd, PAGE, PROT_READ,
					 MAP_SHARED, PAGE, &map),
			 -ENXIO);
	env_close(env, fd);
}

/* ------------------------------------------------- errors, row by row --- */

struct row {
	unsigned int cmd;
	union any any;
	int rc;
};

static void run_rows(struct ufd_env *env, int fd, const struct row *rows,
		     size_t nr)
{
	size_t i;
	long rc;

	for (i = 0; i < nr; i++) {
		union any any = rows[i].any;

		rc = env_ioctl(env, fd, rows[i].cmd, &any);
		if (rc != rows[i].rc)
			fail_msg("row %zu, call %#x: %ld, not %d", i,
				 rows[i].cmd, rc, rows[i].rc);
	}
}

#define RUN(env, fd, rows) \
	run_rows(env, fd, rows, sizeof(rows) / sizeof((rows)[0]))

#define FIXED IOMMU_IOAS_MAP_FIXED_IOVA
#define RW (IOMMU_IOAS_MAP_WRITEABLE | IOMMU_IOAS_MAP_READABLE)

#define MAP(rc, ...)                                               \
	{                                                          \
		IOMMU_IOAS_MAP, { .map = { 40, __VA_ARGS__ } }, rc \
	}

static void map_errors(void **state)
{
	struct ufd_env *env = *state;
	uint64_t va = (uintptr_t)env->mem;
	int fd = env_open(env);
	uint32_t id = env_ioas(env, fd);
	/* flags, ioas, reserved, va, length, iova */
	const struct row rows[] = {
		MAP(-EOPNOTSUPP, 8 | RW, 99, 0, va, U64_MAX, 0),
		MAP(-EOPNOTSUPP, RW, 99, 1, va, U64_MAX, 0),
		MAP(-EOVERFLOW, 0, 99, 0, va, U64_MAX, 0),
		MAP(-EOVERFLOW, 0, 99, 0, va, PAGE, U64_MAX),
		MAP(-EINVAL, FIXED, 99, 0, va, PAGE, 0),
		MAP(-ENOENT, RW, 99, 0, U64_MAX, 0, 0),
		MAP(-ENOENT, RW, 0, 0, va, PAGE, 0),
		MAP(-EOVERFLOW, RW, id, 0, U64_MAX - 1, PAGE, 0),
		MAP(-EINVAL, RW, id, 0, va, 0, 0),
		MAP(-EOVERFLOW, FIXED | RW, id, 0, va, 2 * PAGE,
		    U64_MAX - PAGE),
		MAP(0, FIXED | RW, id, 0, va, 4 * PAGE, 0x10000),
		MAP(-EEXIST, FIXED | RW, id, 0, va, PAGE, 0x10000),
		MAP(-EEXIST, FIXED | RW, id, 0, va, PAGE, 0x13000),
		MAP(-EEXIST, FIXED | RW, id, 0, va, 2 * PAGE, 0xf000),
		MAP(-EEXIST, FIXED | RW, id, 0, va, 6 * PAGE, 0xf000),
		MAP(-EEXIST, FIXED | RW, id, 0, va, 1, 0x13fff),
		MAP(0, FIXED | RW, id, 0, va, 1, 0x14000),
		MAP(-EOVERFLOW, RW, id, 0, 0, U64_MAX / 2, 0),
		/* No domain yet: nobody looks at the memory. */
		MAP(0, FIXED | RW, id, 0, 0x1000, PAGE, 0x20000),
	};

	RUN(env, fd, rows);
	env_close(env, fd);
}

#define COPY(rc, ...)                                                \
	{                                                            \
		IOMMU_IOAS_COPY, { .copy = { 40, __VA_ARGS__ } }, rc \
	}

static void copy_errors(void **state)
{
	struct ufd_env *env = *state;
	uint64_t va = (uintptr_t)env->mem;
	int fd = env_open(env);
	uint32_t src = env_ioas(env, fd), dst = env_ioas(env, fd);
	/* flags, dst, src, length, dst iova, src iova */
	const struct row rows[] = {
		COPY(-EOPNOTSUPP, 8, dst, src, U64_MAX, 0, 0),
		COPY(-EOVERFLOW, 0, dst, src, U64_MAX, 0, 0),
		COPY(-EOVERFLOW, 0, dst, src, PAGE, U64_MAX, 0),
		COPY(-EOVERFLOW, 0, dst, src, PAGE, 0, U64_MAX),
		COPY(-EINVAL, FIXED, 99, 99, 0, 0, 0),
		COPY(-ENOENT, RW, dst, 99, 0, 0, 0),
		COPY(-EINVAL, RW, 99, src, 0, 0, 0),
		COPY(-EOVERFLOW, RW, 99, src, PAGE, 0, U64_MAX - 1),
		COPY(-ENOENT, RW, 99, src, PAGE, 0, 0),
		COPY(-ENOENT, RW, dst, src, PAGE, 0, 0),
		MAP(0, FIXED | RW, src, 0, va, 4 * PAGE, 0x10000),
		MAP(0, FIXED | IOMMU_IOAS_MAP_READABLE, src, 0, va, PAGE,
		    0x14000),
		COPY(-ENOENT, RW, 99, src, PAGE, 0, 0x10000),
		COPY(-ENOENT, RW, dst, src, 6 * PAGE, 0, 0x10000),
		COPY(-ENOENT, RW, dst, src, 2 * PAGE, 0, 0xf000),
		COPY(-EPERM, RW, dst, src, PAGE, 0, 0x14000),
		COPY(0, FIXED | RW, dst, src, 2 * PAGE, 0, 0x11000),
		COPY(-EEXIST, FIXED | RW, dst, src, PAGE, PAGE, 0x11000),
		COPY(-EOVERFLOW, FIXED | RW, dst, src, 2 * PAGE, U64_MAX - PAGE,
		     0x11000),
		/* From two areas, into the same IOAS. */
		COPY(0, FIXED | IOMMU_IOAS_MAP_READABLE, src, src, 2 * PAGE,
		     0x20000, 0x13000),
	};

	RUN(env, fd, rows);
	assert_int_equal(env_unmap(env, fd, dst, 0, 2 * PAGE), 0);
	assert_int_equal(env_unmap(env, fd, src, 0x20000, 2 * PAGE), 0);
	env_close(env, fd);
}

#define UNMAP(rc, ...)                                                 \
	{                                                              \
		IOMMU_IOAS_UNMAP, { .unmap = { 24, __VA_ARGS__ } }, rc \
	}

static void unmap_errors(void **state)
{
	struct ufd_env *env = *state;
	uint64_t va = (uintptr_t)env->mem;
	int fd = env_open(env);
	uint32_t id = env_ioas(env, fd);
	struct iommu_ioas_unmap all = { sizeof(all), id, 0, U64_MAX };
	const struct row rows[] = {
		UNMAP(-ENOENT, 99, U64_MAX, 0),
		UNMAP(-EOVERFLOW, id, U64_MAX, 1),
		UNMAP(-EOVERFLOW, id, 1, U64_MAX),
		UNMAP(-EINVAL, id, 0, 0),
		UNMAP(-EOVERFLOW, id, U64_MAX - 1, PAGE),
		UNMAP(-ENOENT, id, 0, PAGE),
		UNMAP(0, id, 0, U64_MAX), /* all of nothing */
		MAP(0, FIXED | RW, id, 0, va, 2 * PAGE, 0x10000),
		MAP(0, FIXED | RW, id, 0, va, 2 * PAGE, 0x12000),
		MAP(0, FIXED | RW, id, 0, va, 2 * PAGE, 0x20000),
		UNMAP(-ENOENT, id, 0x10000, PAGE),
		UNMAP(-ENOENT, id, 0x11000, PAGE),
		/* The first goes although the second cannot. */
		UNMAP(-ENOENT, id, 0x10000, 3 * PAGE),
		UNMAP(-ENOENT, id, 0x10000, 2 * PAGE),
	};

	RUN(env, fd, rows);
	/* The holes do not count. */
	assert_int_equal(env_ioctl(env, fd, IOMMU_IOAS_UNMAP, &all), 0);
	assert_int_equal(all.length, 4 * PAGE);
	env_close(env, fd);
}

#define OPTION(rc, ...)                                             \
	{                                                           \
		IOMMU_OPTION, { .option = { 24, __VA_ARGS__ } }, rc \
	}

static void option_errors(void **state)
{
	struct ufd_env *env = *state;
	uint64_t va = (uintptr_t)env->mem;
	int fd = env_open(env);
	/* option, op, reserved, object, value */
	const struct row before[] = {
		OPTION(-EOPNOTSUPP, 0, 1, 1, 0, 0),
		OPTION(-EOPNOTSUPP, 2, 1, 0, 0, 0),
		OPTION(-EOPNOTSUPP, 0, 2, 0, 0, 0),
		OPTION(-EOPNOTSUPP, 0, 1, 0, 1, 0),
		OPTION(-EOPNOTSUPP, 0, 0, 0, 1, 0),
		OPTION(-EINVAL, 0, 0, 0, 0, 2),
		OPTION(0, 0, 0, 0, 0, 1),
		OPTION(0, 0, 0, 0, 0, 0),
		OPTION(-ENOENT, 1, 1, 0, 0, 0),
		OPTION(-ENOENT, 1, 0, 0, 7, 2),
		OPTION(-ENOENT, 1, 9, 0, 7, 2),
	};
	const struct row after[] = {
		/* id 1 is an IOAS now */
		OPTION(-EBUSY, 0, 0, 0, 0, 2),
		OPTION(0, 0, 1, 0, 0, 2),
		OPTION(-EOPNOTSUPP, 1, 2, 0, 1, 0),
		OPTION(-EINVAL, 1, 0, 0, 1, 2),
		OPTION(0, 1, 0, 0, 1, 0),
		OPTION(0, 1, 0, 0, 1, 0),
		MAP(-EINVAL, FIXED | RW, 1, 0, va, 100, 0x1000),
		OPTION(0, 1, 0, 0, 1, 1),
		MAP(0, FIXED | RW, 1, 0, va, 100, 0x1000),
		OPTION(-EADDRINUSE, 1, 0, 0, 1, 0),
	};
	struct iommu_option *edge;

	RUN(env, fd, before);
	env->no_caps = true;
	run_rows(env, fd, &(struct row)OPTION(-EPERM, 0, 0, 0, 0, 2), 1);
	env->no_caps = false;
	assert_int_equal(env_ioas(env, fd), 1);
	RUN(env, fd, after);

	/* Only the value comes back. */
	edge = env_edge(env, sizeof(*edge));
	*edge = (struct iommu_option){ .size = sizeof(*edge),
				       .option_id = IOMMU_OPTION_HUGE_PAGES,
				       .op = IOMMU_OPTION_OP_GET,
				       .object_id = 1,
				       .val64 = 77 };
	assert_int_equal(env_ioctl(env, fd, IOMMU_OPTION, edge), 0);
	assert_int_equal(edge->val64, 1);
	env_close(env, fd);
}

static void lacking_hardware(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env);
	uint32_t id = env_ioas(env, fd);
	const struct row rows[] = {
		{ IOMMU_HWPT_SET_DIRTY_TRACKING,
		  { .dirty = { 16, 2, id, 0 } },
		  -EOPNOTSUPP },
		{ IOMMU_HWPT_SET_DIRTY_TRACKING,
		  { .dirty = { 16, 1, id, 0 } },
		  -ENOENT },
		{ IOMMU_HWPT_GET_DIRTY_BITMAP,
		  { .bitmap = { 48, id, 2, 0 } },
		  -EOPNOTSUPP },
		{ IOMMU_HWPT_GET_DIRTY_BITMAP,
		  { .bitmap = { 48, id, 1, 1 } },
		  -EOPNOTSUPP },
		{ IOMMU_HWPT_GET_DIRTY_BITMAP,
		  { .bitmap = { 48, id, 1, 0 } },
		  -ENOENT },
		{ IOMMU_HWPT_INVALIDATE,
		  { .inv = { 32, id, 1, 0, 1, 1, 1 } },
		  -EOPNOTSUPP },
		{ IOMMU_HWPT_INVALIDATE,
		  { .inv = { 32, 9, 0, 0, 1, 1, 0 } },
		  -EINVAL },
		{ IOMMU_HWPT_INVALIDATE,
		  { .inv = { 32, 9, 1, 0, 4097, 1, 0 } },
		  -EINVAL },
		{ IOMMU_HWPT_INVALIDATE,
		  { .inv = { 32, 9, 1, 0, 1, 0x80001, 0 } },
		  -EINVAL },
		{ IOMMU_HWPT_INVALIDATE,
		  { .inv = { 32, 9, 1, 0, 1, 1, 0 } },
		  -ENOENT },
		{ IOMMU_HWPT_INVALIDATE,
		  { .inv = { 32, id, 1, 0, 1, 1, 0 } },
		  -EINVAL },
		{ IOMMU_VIOMMU_ALLOC, { .viommu = { 40, 1, 1 } }, -EOPNOTSUPP },
		{ IOMMU_VIOMMU_ALLOC, { .viommu = { 40, 0, 1 } }, -ENOENT },
		{ IOMMU_VEVENTQ_ALLOC,
		  { .veventq = { 32, 0, 1, 1, 0 } },
		  -EINVAL },
		{ IOMMU_VEVENTQ_ALLOC,
		  { .veventq = { 32, 0, 1, 1, 0x80001 } },
		  -EINVAL },
		{ IOMMU_VEVENTQ_ALLOC,
		  { .veventq = { 32, 0, 1, 1, 0x80000 } },
		  -ENOENT },
		{ IOMMU_HW_QUEUE_ALLOC, { .queue = { 40, 0, 1, 1 } }, -EINVAL },
		{ IOMMU_HW_QUEUE_ALLOC,
		  { .queue = { 40, 0, 1, 1, 0, 0, U64_MAX, 2 } },
		  -EOVERFLOW },
		{ IOMMU_HW_QUEUE_ALLOC,
		  { .queue = { 40, 0, 1, 1, 0, 0, U64_MAX, 1 } },
		  -ENOENT },
		{ IOMMU_IOAS_CHANGE_PROCESS,
		  { .process = { 8, 1 } },
		  -EOPNOTSUPP },
		{ IOMMU_IOAS_CHANGE_PROCESS, { .process = { 8, 0 } }, 0 },
	};
	struct iommu_ioas_change_process process = { sizeof(process), 0 };
	struct iommu_hwpt_invalidate inv = { .size = sizeof(inv),
					     .hwpt_id = id,
					     .entry_num = 5 };

	RUN(env, fd, rows);
	/* The number of entries done is told with the error. */
	assert_int_equal(env_ioctl(env, fd, IOMMU_HWPT_INVALIDATE, &inv),
			 -EINVAL);
	assert_int_equal(inv.entry_num, 0);
	env_map(env, fd, id, env->mem, PAGE, 0);
	assert_int_equal(env_ioctl(env, fd, IOMMU_IOAS_CHANGE_PROCESS,
				   &process),
			 -EINVAL);
	env_close(env, fd);
}

/* --------------------------------------------------------------- ranges -- */

static int allow(struct ufd_env *env, int fd, uint32_t id, const void *ranges,
		 uint32_t nr)
{
	struct iommu_ioas_allow_iovas cmd = { sizeof(cmd), id, nr, 0,
					      (uintptr_t)ranges };

	return (int)env_ioctl(env, fd, IOMMU_IOAS_ALLOW_IOVAS, &cmd);
}

static void allowed_ranges(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env);
	uint32_t id = env_ioas(env, fd);
	struct iommu_iova_range r[4] = {
		{ 0x30000, 0x3ffff },
		{ 0x10000, 0x1ffff },
		{ 0x20000, 0x20000 },
		{ 0x1ffff, 0x2ffff },
	};
	struct iommu_iova_range *edge;
	struct iommu_ioas_allow_iovas bad = { sizeof(bad), id, 0, 1, 0 };

	assert_int_equal(env_ioctl(env, fd, IOMMU_IOAS_ALLOW_IOVAS, &bad),
			 -EOPNOTSUPP);
	assert_int_equal(allow(env, fd, 99, NULL, 1), -ENOENT);
	assert_int_equal(allow(env, fd, id, NULL, 1), -EFAULT);
	assert_int_equal(allow(env, fd, id, r, 3), -EINVAL);
	assert_int_equal(allow(env, fd, id, r, 2), 0);
	r[2] = r[3];
	assert_int_equal(allow(env, fd, id, r, 3), -EINVAL);

	/* The first wrong entry decides: overlap, then end of memory. */
	edge = env_edge(env, 2 * sizeof(*edge));
	edge[0] = r[1];
	edge[1] = r[0];
	assert_int_equal(allow(env, fd, id, edge, 3), -EFAULT);
	edge[1] = r[3];
	assert_int_equal(allow(env, fd, id, edge, 3), -EINVAL);

	/* The list of two ranges still stands. */
	assert_int_equal(env_map_anywhere(env, fd, id, env->mem, PAGE),
			 0x10000);
	assert_int_equal(allow(env, fd, id, r, 1), 0);
	assert_int_equal(env_map_anywhere(env, fd, id, env->mem, PAGE),
			 0x30000);
	assert_int_equal(allow(env, fd, id, NULL, 0), 0);
	assert_int_equal(env_map_anywhere(env, fd, id, env->mem, PAGE), PAGE);
	env_close(env, fd);
}

/* More than fit the list's first memory; in descending order. */
static void many_allowed_ranges(void **state)
{
	enum {
		NR = 1000
	};
	struct ufd_env *env = *state;
	int fd = env_open(env);
	uint32_t id = env_ioas(env, fd), i;
	struct iommu_iova_range *r = calloc(NR, sizeof(*r));

	assert_non_null(r);
	for (i = 0; i < NR; i++) {
		r[NR - 1 - i].start = 0x100000 + i * 0x2000;
		r[NR - 1 - i].last = r[NR - 1 - i].start + PAGE - 1;
	}
	assert_int_equal(allow(env, fd, id, r, NR), 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(env_map_anywhere(env, fd, id, env->mem, PAGE),
				 0x100000 + i * 0x2000);
	r[0].start = r[1].last;
	assert_int_equal(allow(env, fd, id, r, NR), -EINVAL);
	free(r);
	env_close(env, fd);
}

static void usable_ranges(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env);
	uint32_t id = env_ioas(env, fd);
	struct iommu_iova_range r[2] = { { 5, 5 }, { 5, 5 } };
	struct iommu_ioas_iova_ranges cmd = { .size = sizeof(cmd),
					      .ioas_id = id };

	cmd.__reserved = 1;
	assert_int_equal(env_ioctl(env, fd, IOMMU_IOAS_IOVA_RANGES, &cmd),
			 -EOPNOTSUPP);
	cmd.__reserved = 0;
	/* Asking how many there are. */
	assert_int_equal(env_ioctl(env, fd, IOMMU_IOAS_IOVA_RANGES, &cmd),
			 -EMSGSIZE);
	assert_int_equal(cmd.num_iovas, 1);
	assert_int_equal(cmd.out_iova_alignment, 1);
	assert_int_equal(env_ioctl(env, fd, IOMMU_IOAS_IOVA_RANGES, &cmd),
			 -EFAULT);
	cmd.num_iovas = 2;
	cmd.allowed_iovas = (uintptr_t)r;
	assert_int_equal(env_ioctl(env, fd, IOMMU_IOAS_IOVA_RANGES, &cmd), 0);
	assert_int_equal(cmd.num_iovas, 1);
	assert_int_equal(r[0].start, 0);
	assert_int_equal(r[0].last, U64_MAX);
	assert_int_equal(r[1].start, 5);
	env_close(env, fd);
}

/* ------------------------------------------------ answers not delivered -- */

/* A structure that can be read and not written. */
static void *read_only(struct ufd_env *env, const void *cmd, size_t len)
{
	memcpy(env->mem, cmd, len);
	assert_int_equal(mprotect(env->mem, PAGE, PROT_READ), 0);
	return env->mem;
}

static void read_write(struct ufd_env *env)
{
	mprotect(env->mem, PAGE, PROT_READ | PROT_WRITE);
}

static void answer_lost(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env);
	uint32_t id = env_ioas(env, fd);
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	struct iommu_ioas_map map = { .size = sizeof(map),
				      .flags = RW | FIXED,
				      .ioas_id = id,
				      .user_va = (uintptr_t)env->mem,
				      .length = PAGE,
				      .iova = 0x5000 };
	struct iommu_ioas_unmap unmap = { sizeof(unmap), id, 0x5000, PAGE };

	assert_int_equal(env_ioctl(env, fd, IOMMU_IOAS_ALLOC,
				   read_only(env, &alloc, sizeof(alloc))),
			 -EFAULT);
	read_write(env);
	/* Its id is free again. */
	assert_int_equal(env_ioas(env, fd), id + 1);

	assert_int_equal(env_ioctl(env, fd, IOMMU_IOAS_MAP,
				   read_only(env, &map, sizeof(map))),
			 -EFAULT);
	read_write(env);
	assert_int_equal(env_unmap(env, fd, id, 0x5000, PAGE), -ENOENT);

	/* An unmap is not taken back. */
	env_map(env, fd, id, env->mem, PAGE, 0x5000);
	assert_int_equal(env_ioctl(env, fd, IOMMU_IOAS_UNMAP,
				   read_only(env, &unmap, sizeof(unmap))),
			 -EFAULT);
	read_write(env);
	assert_int_equal(env_unmap(env, fd, id, 0x5000, PAGE), -ENOENT);
	env_close(env, fd);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, ufd_env_setup, ufd_env_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(copies),
		TEST(strings),
		TEST(sizes),
		TEST(size_far_beyond),
		TEST(numbers),
		TEST(other_operations),
		TEST(map_errors),
		TEST(copy_errors),
		TEST(unmap_errors),
		TEST(option_errors),
		TEST(lacking_hardware),
		TEST(allowed_ranges),
		TEST(many_allowed_ranges),
		TEST(usable_ranges),
		TEST(answer_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
