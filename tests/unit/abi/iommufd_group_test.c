/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Groups of three through iommufd: one of them refuses, or stands in the way, and
 * the core's state is the same text as before; any of them may go first.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "small_unit.h"
#include "ufd_env.h"

#define MEMBERS 3u
#define IOVA 0x10000
#define RESERVED UINT64_C(0x30000)

/* The second has a page that must stay free. */
struct scene {
	struct ufd_env *env;
	struct uiommu_device *dev[MEMBERS];
	struct uiommu_ufd_device *idev[MEMBERS];
	uint32_t id[MEMBERS];
	int fd;
	uint32_t ioas[2];
};

static void open_scene(struct scene *s, void **state)
{
	static const struct uiommu_resv_region resv = {
		{ RESERVED, RESERVED + 0xfff }, UIOMMU_RESV_RESERVED
	};
	struct uiommu_device_cfg cfg = { .hw = { .name = "m", .nr_ids = 1 } };
	uint32_t sid;

	s->env = *state;
	s->fd = env_open(s->env);
	cfg.hw.ids = &sid;
	for (unsigned int i = 0; i < MEMBERS; i++) {
		sid = 32 + i;
		cfg.group_with = i ? s->dev[0] : NULL;
		cfg.resv = &resv;
		cfg.nr_resv = i == 1;
		assert_int_equal(uiommu_device_add(s->env->core,
						   &s->env->unit[1]->unit, &cfg,
						   &s->dev[i]),
				 0);
	}
	for (unsigned int i = 0; i < MEMBERS; i++)
		assert_int_equal(uiommu_ufd_device_bind(s->env->abi, s->fd,
							s->dev[i], &s->idev[i],
							&s->id[i]),
				 0);
	for (unsigned int i = 0; i < 2; i++) {
		s->ioas[i] = env_ioas(s->env, s->fd);
		env_map(s->env, s->fd, s->ioas[i], s->env->mem + i * PAGE, PAGE,
			IOVA);
	}
}

static void close_scene(struct scene *s)
{
	for (unsigned int i = 0; i < MEMBERS; i++)
		uiommu_ufd_device_unbind(s->idev[i]);
	env_close(s->env, s->fd);
	for (unsigned int i = MEMBERS; i-- > 0;)
		uiommu_device_remove(s->dev[i]);
}

static int attach(struct scene *s, unsigned int i, uint32_t pt)
{
	int rc = uiommu_ufd_device_attach(s->idev[i], &pt);

	return rc ? rc : (int)pt;
}

static int replace(struct scene *s, unsigned int i, uint32_t pt)
{
	int rc = uiommu_ufd_device_replace(s->idev[i], &pt);

	return rc ? rc : (int)pt;
}

/* Which of the IOASes the group shows; -1: none. */
static int shows(struct scene *s)
{
	struct uiommu_domain *dom =
		uiommu_group_domain(uiommu_device_group(s->dev[0]));
	uiommu_pa_t pa;

	if (!dom || uiommu_domain_iova_to_pa(dom, IOVA, &pa))
		return -1;
	return (int)((pa - (uintptr_t)s->env->mem) / PAGE);
}

/* ---------------------------------------------------------- as it was -- */

static void print_line(void *ctx, const char *line, size_t len)
{
	assert_int_equal(fwrite(line, 1, len, ctx), len);
}

static char *text_of(struct scene *s)
{
	struct uiommu_dump dump = { .parts = UIOMMU_DUMP_OBJECTS,
				    .write = print_line };
	char *text = NULL;
	size_t len;

	dump.ctx = open_memstream(&text, &len);
	assert_non_null(dump.ctx);
	uiommu_core_dump(s->env->core, &dump);
	fclose(dump.ctx);
	return text;
}

static void as_it_was(struct scene *s, char *was)
{
	char *is = text_of(s);

	assert_string_equal(is, was);
	free(is);
	free(was);
}

/* The nth attach of a device to a page table fails from now on. */
static void fail_nth(struct scene *s, unsigned int n, int rc)
{
	s->env->unit[1]->attach_nth = n;
	s->env->unit[1]->nth_rc = rc;
}

static void one_refuses(void **state)
{
	static const int errors[] = { -ENOMEM, -ENOSPC, -EINVAL, -EBUSY };
	struct scene s;
	uint32_t manual;
	char *was;
	int pt;

	open_scene(&s, state);
	assert_int_equal(env_hwpt(s.env, s.fd, s.id[0], s.ioas[1], &manual), 0);
	for (size_t e = 0; e < sizeof(errors) / sizeof(errors[0]); e++) {
		for (unsigned int n = 1; n <= MEMBERS; n++) {
			was = text_of(&s);
			fail_nth(&s, n, errors[e]);
			assert_int_equal(attach(&s, 1, s.ioas[0]), errors[e]);
			as_it_was(&s, was);
			/* The page table it was tried with has gone. */
			pt = attach(&s, 1, s.ioas[0]);
			assert_true(pt > 0);
			assert_int_equal(attach(&s, 2, s.ioas[0]), pt);

			was = text_of(&s);
			fail_nth(&s, n, errors[e]);
			assert_int_equal(replace(&s, 2, manual), errors[e]);
			as_it_was(&s, was);
			was = text_of(&s);
			fail_nth(&s, n, errors[e]);
			assert_int_equal(replace(&s, 1, s.ioas[1]), errors[e]);
			as_it_was(&s, was);
			assert_int_equal(shows(&s), 0);
			assert_int_equal(env_destroy(s.env, s.fd, (uint32_t)pt),
					 -EBUSY);
			fail_nth(&s, 0, 0);
			assert_int_equal(uiommu_ufd_device_detach(s.idev[1]),
					 0);
			assert_int_equal(shows(&s), 0);
			assert_int_equal(uiommu_ufd_device_detach(s.idev[2]),
					 0);
			assert_int_equal(shows(&s), -1);
			assert_int_equal(env_destroy(s.env, s.fd, (uint32_t)pt),
					 -ENOENT);
		}
	}
	assert_int_equal(env_destroy(s.env, s.fd, manual), 0);
	close_scene(&s);
}

/* What one must not reach keeps the group out, once that one is attached. */
static void one_stands_in_the_way(void **state)
{
	struct scene s;
	char *was;
	int pt;

	open_scene(&s, state);
	env_map(s.env, s.fd, s.ioas[1], s.env->mem, PAGE, RESERVED);
	/* Without it nobody minds. */
	pt = attach(&s, 0, s.ioas[1]);
	assert_true(pt > 0);
	was = text_of(&s);
	assert_int_equal(attach(&s, 1, s.ioas[1]), -EADDRINUSE);
	as_it_was(&s, was);
	assert_int_equal(attach(&s, 2, s.ioas[1]), pt);
	assert_true(replace(&s, 2, s.ioas[0]) > 0);
	assert_true(attach(&s, 1, s.ioas[0]) > 0);
	/* Now another of the group cannot take it there. */
	for (unsigned int i = 0; i < MEMBERS; i++) {
		was = text_of(&s);
		assert_int_equal(replace(&s, i, s.ioas[1]), -EADDRINUSE);
		as_it_was(&s, was);
		assert_int_equal(shows(&s), 0);
	}
	/* The page is the group's for as long as that one is in it. */
	assert_int_equal(uiommu_ufd_device_detach(s.idev[1]), 0);
	env_map(s.env, s.fd, s.ioas[0], s.env->mem, PAGE, RESERVED);
	assert_true(replace(&s, 0, s.ioas[1]) > 0);
	assert_int_equal(shows(&s), 1);
	close_scene(&s);
}

/* Whoever goes first; the last one takes the page table along. */
static void every_order_of_going(void **state)
{
	static const unsigned int orders[][MEMBERS] = {
		{ 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
		{ 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 },
	};
	struct scene s;

	open_scene(&s, state);
	for (unsigned int o = 0; o < 6; o++) {
		int pt = 0;

		for (unsigned int i = 0; i < MEMBERS; i++) {
			int now = attach(&s, orders[5 - o][i], s.ioas[0]);

			assert_true(now > 0 && (!pt || now == pt));
			pt = now;
		}
		pt = replace(&s, orders[o][0], s.ioas[1]);
		for (unsigned int i = 0; i < MEMBERS; i++) {
			assert_int_equal(shows(&s), 1);
			assert_int_equal(env_destroy(s.env, s.fd, (uint32_t)pt),
					 -EBUSY);
			assert_int_equal(
				uiommu_ufd_device_detach(s.idev[orders[o][i]]),
				0);
			/* Who has gone cannot move the others. */
			assert_int_equal(replace(&s, orders[o][i], s.ioas[0]),
					 -EINVAL);
		}
		assert_int_equal(shows(&s), -1);
		assert_int_equal(env_destroy(s.env, s.fd, (uint32_t)pt),
				 -ENOENT);
	}
	close_scene(&s);
}

int main(void)
{
#define T(name) \
	cmocka_unit_test_setup_teardown(name, ufd_env_setup, ufd_env_teardown)
	const struct CMUnitTest tests[] = {
		T(one_refuses),
		T(one_stands_in_the_way),
		T(every_order_of_going),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
