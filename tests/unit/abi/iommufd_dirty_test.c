/* SPDX-License-Identifier: BSD-2-Clause */
/* Dirty tracking of page tables: who may, and each bit of the bitmap. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "small_unit.h"
#include "ufd_env.h"

#define IOVA UINT64_C(0x100000)
/* Two areas of all memory there is, next to each other, and a third behind a hole. */
#define AREA (ENV_MEM_PAGES * PAGE)
#define HOLE (IOVA + 2 * AREA)
#define NO_CLEAR IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR

/* Device 3, whose unit keeps track, attached to a page table that does. */
struct scene {
	struct ufd_env *env;
	struct small_unit *unit;
	struct ufd_device *idev;
	int fd;
	uint32_t dev, ioas, hwpt;
};

static int set(struct scene *s, uint32_t hwpt, uint32_t flags)
{
	struct iommu_hwpt_set_dirty_tracking cmd = {
		.size = sizeof(cmd),
		.flags = flags,
		.hwpt_id = hwpt,
		.__reserved = 7, /* nobody looks at it */
	};

	return (int)env_ioctl(s->env, s->fd, IOMMU_HWPT_SET_DIRTY_TRACKING,
			      &cmd);
}

static void open_scene(struct scene *s, void **state)
{
	uint32_t pt;

	s->env = *state;
	s->unit = s->env->unit[1];
	s->fd = env_open(s->env);
	s->idev = env_bind(s->env, s->fd, 3, &s->dev);
	s->ioas = env_ioas(s->env, s->fd);
	env_map(s->env, s->fd, s->ioas, s->env->mem, AREA, IOVA);
	env_map(s->env, s->fd, s->ioas, s->env->mem, AREA, IOVA + AREA);
	env_map(s->env, s->fd, s->ioas, s->env->mem, AREA, HOLE + PAGE);
	assert_int_equal(env_hwpt_of(s->env, s->fd, s->dev, s->ioas,
				     IOMMU_HWPT_ALLOC_DIRTY_TRACKING, &s->hwpt),
			 0);
	pt = s->hwpt;
	assert_int_equal(ufd_device_attach(s->idev, &pt), 0);
	assert_int_equal(set(s, s->hwpt, 1), 0);
}

static void close_scene(struct scene *s)
{
	ufd_device_unbind(s->idev);
	env_close(s->env, s->fd);
}

static int get_of(struct scene *s, uint32_t flags, uint64_t iova, uint64_t len,
		  uint64_t page_size, const void *data)
{
	struct iommu_hwpt_get_dirty_bitmap cmd = {
		.size = sizeof(cmd),
		.hwpt_id = s->hwpt,
		.flags = flags,
		.iova = iova,
		.length = len,
		.page_size = page_size,
		.data = (uintptr_t)data,
	};

	return (int)env_ioctl(s->env, s->fd, IOMMU_HWPT_GET_DIRTY_BITMAP, &cmd);
}

/* The first 64 pages from `iova` on. */
static uint64_t get(struct scene *s, uint32_t flags, uint64_t iova)
{
	uint64_t bits = 0;

	assert_int_equal(get_of(s, flags, iova, 64 * PAGE, PAGE, &bits), 0);
	return bits;
}

/* --------------------------------------------------------------- errors -- */

static void who_may(void **state)
{
	struct scene s;
	uint32_t plain;

	open_scene(&s, state);
	assert_int_equal(env_hwpt(s.env, s.fd, s.dev, s.ioas, &plain), 0);
	assert_int_equal(set(&s, 0x7000, 2), -EOPNOTSUPP);
	assert_int_equal(set(&s, s.hwpt, 3), -EOPNOTSUPP);
	assert_int_equal(set(&s, 0x7000, 1), -ENOENT);
	assert_int_equal(set(&s, 0, 1), -ENOENT);
	assert_int_equal(set(&s, s.ioas, 1), -ENOENT);
	assert_int_equal(set(&s, s.dev, 0), -ENOENT);
	assert_int_equal(set(&s, plain, 1), -EOPNOTSUPP);
	assert_int_equal(set(&s, plain, 0), -EOPNOTSUPP);
	assert_int_equal(set(&s, s.hwpt, 0), 0);
	assert_int_equal(set(&s, s.hwpt, 0), 0);
	s.unit->dirty_rc = -ETIMEDOUT;
	assert_int_equal(set(&s, s.hwpt, 1), -ETIMEDOUT);
	s.unit->dirty_rc = 0;
	assert_int_equal(set(&s, s.hwpt, 1), 0);
	assert_int_equal(set(&s, s.hwpt, 1), 0);
	close_scene(&s);
}

static void get_errors(void **state)
{
	struct iommu_hwpt_get_dirty_bitmap good = {
		.size = sizeof(good),
		.iova = IOVA,
		.length = PAGE,
		.page_size = PAGE,
	};
	struct iommu_hwpt_get_dirty_bitmap cmd;
	struct scene s;
	uint32_t plain;
	uint64_t bits = 0;

	open_scene(&s, state);
	assert_int_equal(env_hwpt(s.env, s.fd, s.dev, s.ioas, &plain), 0);
	good.hwpt_id = s.hwpt;
	good.data = (uintptr_t)&bits;
#define TRY(rc, change)                                                        \
	do {                                                                   \
		cmd = good;                                                    \
		change;                                                        \
		assert_int_equal(env_ioctl(s.env, s.fd,                        \
					   IOMMU_HWPT_GET_DIRTY_BITMAP, &cmd), \
				 rc);                                          \
	} while (0)
	TRY(0, );
	TRY(-EINVAL, cmd.size = 47);
	TRY(-EOPNOTSUPP, cmd.flags = 2; cmd.hwpt_id = 99);
	TRY(-EOPNOTSUPP, cmd.__reserved = 1; cmd.hwpt_id = 99);
	TRY(-ENOENT, cmd.hwpt_id = 99; cmd.length = 0);
	TRY(-ENOENT, cmd.hwpt_id = s.ioas);
	TRY(-EINVAL, cmd.length = 0; cmd.hwpt_id = plain);
	TRY(-EOVERFLOW, cmd.iova = UINT64_MAX; cmd.length = 2);
	TRY(-EOVERFLOW, cmd.length = UINT64_MAX);
	TRY(-EINVAL, cmd.iova = IOVA + 2048);
	TRY(-EINVAL, cmd.length = 2048);
	TRY(-EINVAL, cmd.page_size = 0; cmd.hwpt_id = plain);
	TRY(-EINVAL, cmd.page_size = 2 * PAGE);
	TRY(-EINVAL, cmd.page_size = 2 * PAGE; cmd.iova = IOVA + PAGE);
	TRY(-EINVAL, cmd.page_size = 0x1001);
	TRY(-EOPNOTSUPP, cmd.hwpt_id = plain);
	/* The last page there is; nothing is mapped there. */
	TRY(0, cmd.iova = UINT64_MAX - PAGE + 1);
	/* Its lowest bit is what counts. */
	TRY(0, cmd.page_size = 0x3000; cmd.length = 0x10000);
	test_platform_fail_nth(&s.env->tp, 1);
	TRY(-ENOMEM, );
	test_platform_fail_nth(&s.env->tp, 0);
#undef TRY
	assert_int_equal(bits, 0);
	small_dirty(s.unit, IOVA, PAGE);
	s.unit->dirty_rc = -EIO;
	assert_int_equal(get_of(&s, 0, IOVA, PAGE, PAGE, &bits), -EIO);
	s.unit->dirty_rc = 0;
	assert_int_equal(get(&s, 0, IOVA), 1);
	close_scene(&s);
}

/* ------------------------------------------------------------------ bits -- */

static void bits_are_set_and_forgotten(void **state)
{
	struct scene s;
	uint64_t bits;

	open_scene(&s, state);
	assert_int_equal(get(&s, 0, IOVA), 0);
	small_dirty(s.unit, IOVA, PAGE);
	small_dirty(s.unit, IOVA + 5 * PAGE, PAGE);
	small_dirty(s.unit, IOVA + 63 * PAGE, PAGE);
	assert_int_equal(get(&s, NO_CLEAR, IOVA), UINT64_C(1) << 63 | 0x21);
	assert_int_equal(get(&s, NO_CLEAR, IOVA + PAGE),
			 UINT64_C(1) << 62 | 0x10);
	/* What was set stays set. */
	bits = 0xf00;
	assert_int_equal(get_of(&s, 0, IOVA, 6 * PAGE, PAGE, &bits), 0);
	assert_int_equal(bits, 0xf21);
	assert_int_equal(get(&s, 0, IOVA), UINT64_C(1) << 63);
	assert_int_equal(get(&s, 0, IOVA), 0);

	/* Off: nothing is told; on again: what was before is forgotten. */
	small_dirty(s.unit, IOVA, PAGE);
	assert_int_equal(set(&s, s.hwpt, 0), 0);
	assert_int_equal(get(&s, 0, IOVA), 0);
	assert_int_equal(set(&s, s.hwpt, 1), 0);
	assert_int_equal(get(&s, 0, IOVA), 0);
	small_dirty(s.unit, IOVA, PAGE);
	assert_int_equal(set(&s, s.hwpt, 1), 0);
	assert_int_equal(get(&s, 0, IOVA), 0);
	close_scene(&s);
}

/* A leaf has all its bits, of those that are asked for; bits of other sizes. */
static void leaves_and_pages(void **state)
{
	struct scene s;
	uint64_t bits[2] = { 0 };

	open_scene(&s, state);
	small_dirty(s.unit, IOVA + 2 * PAGE, 8 * PAGE);
	assert_int_equal(get(&s, NO_CLEAR, IOVA), 0x3fc);
	assert_int_equal(get(&s, NO_CLEAR, IOVA + 4 * PAGE), 0x3f);
	assert_int_equal(get_of(&s, NO_CLEAR, IOVA, 16 * PAGE, 4 * PAGE, bits),
			 0);
	assert_int_equal(bits[0], 7);
	bits[0] = 0;
	assert_int_equal(get_of(&s, NO_CLEAR, IOVA, 4 * PAGE, PAGE / 2, bits),
			 0);
	assert_int_equal(bits[0], 0xf0);
	bits[0] = 0;
	/* 0x3000: bits of 0x1000. */
	assert_int_equal(get_of(&s, 0, IOVA, 16 * PAGE, 0x3000, bits), 0);
	assert_int_equal(bits[0], 0x3fc);
	assert_int_equal(get(&s, 0, IOVA), 0);
	/* One that is larger than all that is asked for. */
	small_dirty(s.unit, 0, UINT64_C(1) << 40);
	assert_int_equal(get(&s, 0, IOVA), UINT64_MAX);
	close_scene(&s);
}

/* Areas that follow each other are one; a hole ends it. */
static void up_to_the_first_hole(void **state)
{
	uint64_t bits[4] = { 0 };
	struct scene s;

	open_scene(&s, state);
	small_dirty(s.unit, IOVA - PAGE, PAGE);
	small_dirty(s.unit, IOVA + AREA - PAGE, PAGE);
	small_dirty(s.unit, IOVA + AREA, PAGE);
	small_dirty(s.unit, HOLE - PAGE, PAGE);
	small_dirty(s.unit, HOLE, PAGE);
	small_dirty(s.unit, HOLE + PAGE, PAGE);
	/* It begins in a hole. */
	assert_int_equal(get(&s, 0, IOVA - PAGE), 0);
	assert_int_equal(get_of(&s, 0, IOVA, 256 * PAGE, PAGE, bits), 0);
	assert_int_equal(bits[0], UINT64_C(1) << 63);
	assert_int_equal(bits[1], UINT64_C(1) << 63 | 1);
	assert_int_equal(bits[2], 0);
	assert_int_equal(bits[3], 0);
	assert_int_equal(get(&s, 0, HOLE), 0);
	assert_int_equal(get(&s, 0, HOLE + PAGE), 1);
	/* What is unmapped is a hole. */
	assert_int_equal(env_unmap(s.env, s.fd, s.ioas, IOVA, AREA), 0);
	small_dirty(s.unit, IOVA + AREA, PAGE);
	assert_int_equal(get(&s, 0, IOVA), 0);
	assert_int_equal(get(&s, 0, IOVA + AREA), 1);
	close_scene(&s);
}

/* -------------------------------------------------------- client's memory -- */

/* Wherever the bitmap begins, no byte before or behind it is touched. */
static void any_address(void **state)
{
	struct scene s;
	uint8_t buf[40];

	open_scene(&s, state);
	for (unsigned int off = 1; off < 18; off++) {
		memset(buf, 0, sizeof(buf));
		small_dirty(s.unit, IOVA, PAGE);
		small_dirty(s.unit, IOVA + 69 * PAGE, PAGE);
		assert_int_equal(
			get_of(&s, 0, IOVA, 70 * PAGE, PAGE, buf + off), 0);
		for (unsigned int i = 0; i < sizeof(buf); i++)
			assert_int_equal(buf[i], i == off	? 1
						 : i == off + 8 ? 1u << 5
								: 0);
	}
	/* The very last byte of what can be reached. */
	memset(env_edge(s.env, 1), 0, 1);
	small_dirty(s.unit, IOVA + 7 * PAGE, PAGE);
	assert_int_equal(
		get_of(&s, 0, IOVA, 8 * PAGE, PAGE, env_edge(s.env, 1)), 0);
	assert_int_equal(*(uint8_t *)env_edge(s.env, 1), 0x80);
	close_scene(&s);
}

/* No word about it, and the bits are lost, as in the kernel. */
static void memory_that_is_not_there(void **state)
{
	struct scene s;
	uint8_t *edge;

	open_scene(&s, state);
	small_dirty(s.unit, IOVA, PAGE);
	assert_int_equal(get_of(&s, NO_CLEAR, IOVA, PAGE, PAGE, NULL), 0);
	assert_int_equal(get(&s, NO_CLEAR, IOVA), 1);
	assert_int_equal(get_of(&s, 0, IOVA, PAGE, PAGE, NULL), 0);
	assert_int_equal(get(&s, 0, IOVA), 0);
	/* Half of it is. */
	edge = env_edge(s.env, 8);
	memset(edge, 0, 8);
	small_dirty(s.unit, IOVA, 128 * PAGE);
	assert_int_equal(get_of(&s, 0, IOVA, 128 * PAGE, PAGE, edge), 0);
	for (int i = 0; i < 8; i++)
		assert_int_equal(edge[i], 0xff);
	/* It can be read only. */
	small_dirty(s.unit, IOVA, PAGE);
	memset(s.env->mem, 0, 8);
	assert_int_equal(mprotect(s.env->mem, PAGE, PROT_READ), 0);
	assert_int_equal(get_of(&s, 0, IOVA, PAGE, PAGE, s.env->mem), 0);
	assert_int_equal(s.env->mem[0], 0);
	mprotect(s.env->mem, PAGE, PROT_READ | PROT_WRITE);
	close_scene(&s);
}

/* ------------------------------------------------------- against an array -- */

#define LEAVES 12u

struct naive {
	struct uiommu_range leaf[LEAVES];
	uint64_t first, last; /* asked for, mapped */
};

static bool is_dirty(const struct naive *n, uint64_t first, uint64_t last)
{
	for (unsigned int i = 0; i < LEAVES; i++) {
		uint64_t lo = n->leaf[i].first > first ? n->leaf[i].first
						       : first;
		uint64_t hi = n->leaf[i].last < last ? n->leaf[i].last : last;

		if (lo <= hi && lo <= n->last && hi >= n->first)
			return true;
	}
	return false;
}

/* Leaves anywhere, of any size, over several chunks of the reader's. */
static void random_leaves(void **state)
{
	static uint8_t map[2 * AREA / 8 + 64], want[2 * AREA / 8 + 64];
	static const unsigned int shifts[] = { 0, 0, 1, 3, 9, 12, 13, 16 };
	unsigned int seed = 11;
	struct scene s;

	open_scene(&s, state);
	for (unsigned int round = 0; round < 400; round++) {
		unsigned int shift = shifts[round % 8];
		uint64_t step = shift > 12 ? UINT64_C(1) << shift : PAGE;
		uint64_t steps = 2 * AREA / step;
		uint64_t from = (uint64_t)rand_r(&seed) % steps;
		uint64_t len = 1 + (uint64_t)rand_r(&seed) % (steps - from);
		unsigned int off = (unsigned int)rand_r(&seed) % 9;
		uint64_t size = UINT64_C(1) << shift;
		struct naive n = { .first = IOVA + from * step };

		n.last = n.first + len * step - 1;
		for (unsigned int i = 0; i < LEAVES; i++) {
			uint64_t leaf = PAGE << rand_r(&seed) % 9;
			uint64_t at =
				(IOVA + (uint64_t)rand_r(&seed) % (2 * AREA)) &
				~(leaf - 1);

			n.leaf[i].first = at;
			n.leaf[i].last = at + leaf - 1;
			small_dirty(s.unit, at, leaf);
		}
		memset(map, 0, sizeof(map));
		memset(want, 0, sizeof(want));
		for (uint64_t b = 0; b < (len * step) >> shift; b++) {
			uint64_t first = n.first + b * size;

			if (is_dirty(&n, first, first + size - 1))
				want[off + b / 8] |= (uint8_t)(1 << b % 8);
		}
		assert_int_equal(get_of(&s, NO_CLEAR, n.first, len * step, size,
					map + off),
				 0);
		assert_memory_equal(map, want, sizeof(map));
		memset(map, 0, sizeof(map));
		assert_int_equal(
			get_of(&s, 0, n.first, len * step, size, map + off), 0);
		assert_memory_equal(map, want, sizeof(map));
		/* Whatever was outside goes too. */
		assert_int_equal(set(&s, s.hwpt, 1), 0);
	}
	close_scene(&s);
}

/* What it costs: looks at the hardware, not pages. */
static void few_looks(void **state)
{
	static uint8_t map[2 * AREA / PAGE / 8];
	struct scene s;
	unsigned int reads;

	open_scene(&s, state);
	reads = s.unit->dirty_reads;
	assert_int_equal(get_of(&s, 0, IOVA, 2 * AREA, PAGE, map), 0);
	assert_int_equal(s.unit->dirty_reads, reads + 1);
	/* One leaf over all of it, told once, is not asked for again. */
	small_dirty(s.unit, IOVA, 2 * AREA);
	reads = s.unit->dirty_reads;
	{
		static uint8_t bytes[2 * AREA / 8];

		assert_int_equal(get_of(&s, NO_CLEAR, IOVA, 2 * AREA, 1, bytes),
				 0);
		for (size_t i = 0; i < sizeof(bytes); i++)
			assert_int_equal(bytes[i], 0xff);
	}
	assert_int_equal(s.unit->dirty_reads, reads + 1);
	close_scene(&s);
}

int main(void)
{
#define T(name) \
	cmocka_unit_test_setup_teardown(name, ufd_env_setup, ufd_env_teardown)
	const struct CMUnitTest tests[] = {
		T(who_may),
		T(get_errors),
		T(bits_are_set_and_forgotten),
		T(leaves_and_pages),
		T(up_to_the_first_hole),
		T(any_address),
		T(memory_that_is_not_there),
		T(random_leaves),
		T(few_looks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
