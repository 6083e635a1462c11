/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nesting_nth_test.c - the life of a guest in a container of type 6 with the nth
 * allocation failing: two SMMUs that share no page table, all or nothing.
 */
#include "nesting_scene.h"
#include "nth.h"

static long run_bind(void *ctx)
{
	return nest_bind_table(ctx);
}

static void undo_unbind(void *ctx)
{
	assert_int_equal(nest_unbind(ctx), 0);
}

static void undo_to_v1(void *ctx)
{
	assert_int_equal(nest_bind_v1(ctx, 1), 0);
}

/* Each device has the old state or the new one, all of them the same. */
static void check_bind(void *ctx, bool done)
{
	struct guest *g = ctx;

	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(reads_of(g, i, 0), done ? word_of(DATA) : 0);
		assert_int_equal(testep_read_word(&g->s.dev[i], 0, gpa(DATA)),
				 done ? 0 : word_of(DATA));
	}
}

static void check_replace(void *ctx, bool done)
{
	struct guest *g = ctx;

	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(reads_of(g, i, 0), word_of(DATA));
		assert_int_equal(testep_read_word(&g->s.dev[i], PASID, IOVA),
				 done ? word_of(DATA + 1) : 0);
	}
}

static long run_unbind(void *ctx)
{
	return nest_unbind(ctx);
}

static void check_unbind(void *ctx, bool done)
{
	assert_true(done);
	check_bind(ctx, false);
}

static long run_msi(void *ctx)
{
	return nest_msi(ctx, 0);
}

static void undo_msi(void *ctx)
{
	assert_int_equal(nest_msi(ctx, VFIO_GUEST_MSI_UNBIND), 0);
}

static long run_invalidate(void *ctx)
{
	return nest_invalidate(ctx, VFIO_GUEST_INVALIDATE_TLB,
			       VFIO_GUEST_INVALIDATE_PAGES, 0, 0, 1, 0, 3);
}

static void undo_nothing(void *ctx)
{
}

/* The second device's group, open and in no container. */
static long run_join(void *ctx)
{
	struct guest *g = ctx;
	int fd = g->s.fd;

	return client_ioctl(g->s.abi, g->s.dev[1].group_fd,
			    VFIO_GROUP_SET_CONTAINER, &fd);
}

static void undo_join(void *ctx)
{
	struct guest *g = ctx;

	assert_int_equal(client_ioctl(g->s.abi, g->s.dev[1].group_fd,
				      VFIO_GROUP_UNSET_CONTAINER, NULL),
			 0);
}

static long run_set_iommu(void *ctx)
{
	struct guest *g = ctx;

	return uiommu_abi_ioctl(g->s.abi, g->s.fd, VFIO_SET_IOMMU,
				VFIO_TYPE1_NESTING_IOMMU);
}

/* The container is empty again when all have left it. */
static void undo_set_iommu(void *ctx)
{
	struct guest *g = ctx;

	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(client_ioctl(g->s.abi, g->s.dev[i].group_fd,
					      VFIO_GROUP_UNSET_CONTAINER, NULL),
				 0);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(client_ioctl(g->s.abi, g->s.dev[i].group_fd,
					      VFIO_GROUP_SET_CONTAINER,
					      &g->s.fd),
				 0);
}

static void close_device(struct guest *g, unsigned int i)
{
	assert_int_equal(uiommu_abi_close(g->s.abi, g->s.dev[i].dev_fd), 0);
}

static void open_device(struct guest *g, unsigned int i)
{
	g->s.dev[i].dev_fd = (int)client_ioctl(g->s.abi, g->s.dev[i].group_fd,
					       VFIO_GROUP_GET_DEVICE_FD,
					       g->s.dev[i].bdf);
	assert_true(g->s.dev[i].dev_fd >= 0);
	client_master(&g->s.dev[i], true);
}

static void a_life(void **state)
{
	static const struct nth_call unbound[] = {
		{ "bind", run_bind, undo_unbind, check_bind, 4 },
		{ "bind an MSI", run_msi, undo_msi, NULL, 3 },
	};
	static const struct nth_call bound[] = {
		{ "bind another", run_bind, undo_to_v1, check_replace, 2 },
		{ "unbind", run_unbind, undo_to_v1, check_unbind, 0 },
		{ "invalidate", run_invalidate, undo_nothing, NULL, 0 },
	};
	static const struct nth_call join = { "join what is bound", run_join,
					      undo_join, NULL, 6 };
	static const struct nth_call set_iommu = { "SET_IOMMU", run_set_iommu,
						   undo_set_iommu, NULL, 6 };
	struct guest g;

	guard_ok();
	nest_open_machine(&g, machine_of_ok("tests/flow/nesting.dtb"), 2);
	nest_map_ok(&g);
	for (unsigned int i = 0; i < 2; i++)
		nth_each(g.s.machine, &unbound[i], &g);
	undo_to_v1(&g);
	for (unsigned int i = 0; i < 3; i++)
		nth_each(g.s.machine, &bound[i], &g);
	assert_int_equal(nest_msi(&g, 0), 0);
	close_device(&g, 1);
	undo_join(&g);
	nth_each(g.s.machine, &join, &g);
	assert_int_equal(run_join(&g), 0);
	close_device(&g, 0);
	undo_set_iommu(&g);
	nth_each(g.s.machine, &set_iommu, &g);
	assert_int_equal(run_set_iommu(&g), 0);
	for (unsigned int i = 0; i < 2; i++)
		open_device(&g, i);
	nest_close(&g);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(a_life),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
