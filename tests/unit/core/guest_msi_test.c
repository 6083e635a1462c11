/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest_msi_test.c - doorbells of the host at guests' doorbells: which binding a
 * doorbell takes, where it is then, and what is left when something goes wrong.
 *
 * The fake driver translates by the parent's table alone, so its devices access
 * what a guest's tables make of an IOVA: a guest physical address.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_nested.h"
#include "turns.h"
#include "world.h"

#define WINDOW UINT64_C(0x8000000)
#define IOVA UINT64_C(0x5550000000)
#define GPA UINT64_C(0x8090000)
#define BELL UINT64_C(0xfee00000) /* the i-th is page i from here on */

struct scene {
	struct world *w;
	struct uiommu_domain *parent;
	struct uiommu_group *group; /* of the first device, in the parent */
};

static struct uiommu_group *group_of(struct uiommu_device *dev)
{
	return uiommu_device_group(dev);
}

static struct uiommu_domain *stage2(struct world *w)
{
	const struct uiommu_domain_cfg cfg = {
		.hw = { .type = UIOMMU_DOM_PAGING,
			.stage = UIOMMU_STAGE_2,
			.flags = UIOMMU_DOM_NEST_PARENT },
	};
	struct uiommu_domain *dom;

	assert_int_equal(uiommu_domain_alloc_cfg(w->dev[0], &cfg, &dom), 0);
	return dom;
}

static void scene_open(struct scene *s, void **state)
{
	s->w = *state;
	s->parent = stage2(s->w);
	s->group = group_of(s->w->dev[0]);
	assert_int_equal(uiommu_group_attach(s->group, s->parent), 0);
}

static void scene_close(struct scene *s)
{
	assert_int_equal(uiommu_group_detach(s->group), 0);
	uiommu_domain_free(s->parent);
}

/* The i-th pair of a guest's doorbell. */
static int bind(struct scene *s, unsigned int i)
{
	return uiommu_bind_guest_msi(s->parent, IOVA + i * PAGE, GPA + i * PAGE,
				     12);
}

static void bind_ok(struct scene *s, unsigned int i)
{
	assert_int_equal(bind(s, i), 0);
}

static int unbind(struct scene *s, unsigned int i)
{
	return uiommu_unbind_guest_msi(s->parent, IOVA + i * PAGE);
}

static int map_bell(struct scene *s, unsigned int i, uiommu_iova_t *iova)
{
	return uiommu_group_msi_map(s->group, BELL + i * PAGE + 0x40, iova);
}

/* Doorbell `bell` is at the i-th guest's doorbell. */
static void expect_at(struct scene *s, unsigned int bell, unsigned int i)
{
	uiommu_iova_t iova = 0;
	uiommu_pa_t pa = 0;

	assert_int_equal(map_bell(s, bell, &iova), 0);
	assert_int_equal(iova, IOVA + i * PAGE + 0x40);
	assert_int_equal(
		fake_dma(s->w->fu, 1, GPA + i * PAGE + 0x40, true, &pa), 0);
	assert_int_equal(pa, BELL + bell * PAGE + 0x40);
}

static bool nothing_at(struct scene *s, uint64_t gpa)
{
	uiommu_pa_t pa;

	return fake_dma(s->w->fu, 1, gpa, false, &pa) == -EFAULT;
}

/* ------------------------------------------------------------------ text -- */

static void keep(void *ctx, const char *line, size_t len)
{
	assert_int_equal(fwrite(line, 1, len, ctx), len);
}

/* All that the core knows, and what the domain's table says; to be freed. */
static char *text_of(struct scene *s)
{
	struct uiommu_dump to = { .parts = UIOMMU_DUMP_ALL, .write = keep };
	char *text = NULL;
	size_t len;

	to.ctx = open_memstream(&text, &len);
	assert_non_null(to.ctx);
	uiommu_core_dump(s->w->core, &to);
	for (unsigned int i = 0; i < 256; i++) {
		uint64_t at = WINDOW + i * PAGE;
		uiommu_pa_t pa;

		if (!uiommu_domain_iova_to_pa(s->parent, at, &pa))
			fprintf(to.ctx, "0x%llx -> 0x%llx\n",
				(unsigned long long)at, (unsigned long long)pa);
	}
	fclose(to.ctx);
	return text;
}

static void expect_text(struct scene *s, char *before)
{
	char *after = text_of(s);

	assert_string_equal(before, after);
	free(after);
	free(before);
}

/* ------------------------------------------------------------ the order -- */

static void doorbells_take_bindings_in_order(void **state)
{
	unsigned int lines = log_lines();
	uiommu_iova_t iova;
	struct scene s;
	char *before;

	scene_open(&s, state);
	bind_ok(&s, 0);
	bind_ok(&s, 1);
	/* A binding alone leads nowhere. */
	assert_true(nothing_at(&s, GPA));
	expect_at(&s, 7, 0);
	expect_at(&s, 5, 1);
	expect_at(&s, 7, 0);
	/* Another message of the same page. */
	assert_int_equal(uiommu_group_msi_map(s.group, BELL + 7 * PAGE + 0xff0,
					      &iova),
			 0);
	assert_int_equal(iova, IOVA + 0xff0);
	assert_true(nothing_at(&s, WINDOW));
	/* None free: it says why, and changes nothing. */
	assert_int_equal(log_lines(), lines);
	before = text_of(&s);
	assert_int_equal(map_bell(&s, 7 + 1, &iova), -ENOSPC);
	expect_text(&s, before);
	assert_int_equal(log_lines(), lines + 1);
	assert_non_null(strstr(last_line(), "0xfee08000"));
	bind_ok(&s, 2);
	expect_at(&s, 7 + 1, 2);
	scene_close(&s);
}

static void the_same_iova_changes_nothing(void **state)
{
	struct scene s;
	char *before;

	scene_open(&s, state);
	bind_ok(&s, 0);
	before = text_of(&s);
	assert_int_equal(uiommu_bind_guest_msi(s.parent, IOVA + 0x123,
					       GPA + 9 * PAGE, 12),
			 0);
	/* The same start of another page. */
	assert_int_equal(uiommu_bind_guest_msi(s.parent, IOVA + 1, GPA, 16), 0);
	expect_text(&s, before);
	expect_at(&s, 0, 0);
	before = text_of(&s);
	assert_int_equal(bind(&s, 0), 0);
	expect_text(&s, before);
	scene_close(&s);
}

/* Of a guest's 64 KiB the doorbell has the first four, where it will be written. */
static void pages_larger_than_the_doorbells(void **state)
{
	uiommu_iova_t iova;
	uiommu_pa_t pa;
	struct scene s;

	scene_open(&s, state);
	assert_int_equal(uiommu_bind_guest_msi(s.parent, IOVA + 0xf123,
					       GPA + 0xe040, 16),
			 0);
	assert_int_equal(map_bell(&s, 3, &iova), 0);
	assert_int_equal(iova, IOVA + 0x40);
	assert_int_equal(fake_dma(s.w->fu, 1, GPA + 0x40, true, &pa), 0);
	assert_int_equal(pa, BELL + 3 * PAGE + 0x40);
	for (unsigned int i = 1; i < 17; i++)
		assert_true(nothing_at(&s, GPA + i * PAGE));
	assert_true(nothing_at(&s, GPA - PAGE));
	/* Anywhere in the page is enough to name it. */
	assert_int_equal(uiommu_unbind_guest_msi(s.parent, IOVA + 0x10000),
			 -ENOENT);
	assert_int_equal(uiommu_unbind_guest_msi(s.parent, IOVA + 0xffff), 0);
	assert_true(nothing_at(&s, GPA));
	scene_close(&s);
}

/* Two IOVAs of a guest, of two devices perhaps, lead to one doorbell of its own. */
static void a_place_has_one_doorbell(void **state)
{
	uiommu_iova_t iova;
	struct scene s;

	scene_open(&s, state);
	bind_ok(&s, 0);
	assert_int_equal(
		uiommu_bind_guest_msi(s.parent, IOVA + 8 * PAGE, GPA, 12), 0);
	expect_at(&s, 0, 0);
	assert_int_equal(map_bell(&s, 1, &iova), -ENOSPC);
	bind_ok(&s, 1);
	expect_at(&s, 1, 1);
	/* With the first gone it is free again. */
	assert_int_equal(unbind(&s, 0), 0);
	assert_int_equal(map_bell(&s, 2, &iova), 0);
	assert_int_equal(iova, IOVA + 8 * PAGE + 0x40);
	scene_close(&s);
}

/* ------------------------------------------------------- and the window -- */

static void bindings_go_before_the_window(void **state)
{
	uiommu_iova_t iova;
	uiommu_pa_t pa;
	struct scene s;

	scene_open(&s, state);
	assert_int_equal(map_bell(&s, 0, &iova), 0);
	assert_int_equal(iova, WINDOW + 0x40);
	bind_ok(&s, 0);
	/* A device that was told of the window still finds it. */
	assert_int_equal(fake_dma(s.w->fu, 1, iova, true, &pa), 0);
	expect_at(&s, 0, 0);
	assert_int_equal(fake_dma(s.w->fu, 1, iova, true, &pa), 0);
	assert_int_equal(pa, BELL + 0x40);
	/* With the last binding the window is back. */
	assert_int_equal(unbind(&s, 0), 0);
	assert_true(nothing_at(&s, GPA));
	assert_int_equal(map_bell(&s, 0, &iova), 0);
	assert_int_equal(iova, WINDOW + 0x40);
	assert_int_equal(map_bell(&s, 1, &iova), 0);
	assert_int_equal(iova, WINDOW + PAGE + 0x40);
	scene_close(&s);
}

static void a_guests_domain_has_its_parents(void **state)
{
	const struct uiommu_viommu_args args = { .type = FAKE_VIOMMU };
	struct fake_nested_data word = { .word = 1 };
	const struct uiommu_user_data data = { .type = FAKE_NESTED_DATA,
					       .len = sizeof(word),
					       .at = (uintptr_t)&word };
	struct uiommu_viommu *viommu;
	struct uiommu_vdevice *vdev;
	struct uiommu_domain *dom;
	uiommu_iova_t iova;
	uiommu_pa_t pa;
	struct scene s;

	scene_open(&s, state);
	assert_int_equal(
		uiommu_viommu_create(s.w->dev[0], s.parent, &args, &viommu), 0);
	assert_int_equal(uiommu_vdevice_create(viommu, s.w->dev[0], 1, &vdev),
			 0);
	assert_int_equal(uiommu_viommu_domain_alloc(viommu, 0, &data, &dom), 0);
	assert_int_equal(uiommu_bind_guest_msi(dom, IOVA, GPA, 12), -EINVAL);
	assert_int_equal(uiommu_unbind_guest_msi(dom, IOVA), -ENOENT);
	bind_ok(&s, 0);
	assert_int_equal(uiommu_group_replace(s.group, dom), 0);
	assert_int_equal(map_bell(&s, 0, &iova), 0);
	assert_int_equal(iova, IOVA + 0x40);
	assert_int_equal(uiommu_domain_iova_to_pa(s.parent, GPA, &pa), 0);
	assert_int_equal(pa, BELL);
	assert_int_equal(uiommu_group_replace(s.group, s.parent), 0);
	uiommu_domain_free(dom);
	uiommu_vdevice_destroy(vdev);
	uiommu_viommu_destroy(viommu);
	scene_close(&s);
}

/* --------------------------------------------------------- who comes later -- */

/* A second group, which has doorbells 0 to 2 from another domain. */
static struct uiommu_group *with_doorbells(struct scene *s,
					   struct uiommu_domain *dom)
{
	struct uiommu_group *group = group_of(s->w->dev[1]);
	uiommu_iova_t iova;

	assert_int_equal(uiommu_group_attach(group, dom), 0);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(
			uiommu_group_msi_map(group, BELL + i * PAGE, &iova), 0);
	return group;
}

static void who_comes_later_has_its_doorbells(void **state)
{
	unsigned int lines = log_lines();
	struct uiommu_domain *other;
	struct uiommu_group *group;
	uiommu_iova_t iova;
	struct scene s;
	char *before;

	scene_open(&s, state);
	other = new_domain(s.w);
	group = with_doorbells(&s, other);
	bind_ok(&s, 0);
	bind_ok(&s, 1);
	expect_at(&s, 2, 0);
	/* Two more are wanted, one is free: none is taken. */
	before = text_of(&s);
	assert_int_equal(uiommu_group_replace(group, s.parent), -ENOSPC);
	expect_text(&s, before);
	assert_ptr_equal(uiommu_group_domain(group), other);
	assert_int_equal(log_lines(), lines + 1);
	bind_ok(&s, 2);
	assert_int_equal(uiommu_group_replace(group, s.parent), 0);
	expect_at(&s, 0, 1);
	expect_at(&s, 1, 2);
	expect_at(&s, 2, 0);
	assert_int_equal(
		uiommu_group_msi_map(group, BELL + 2 * PAGE + 0x80, &iova), 0);
	assert_int_equal(iova, IOVA + 0x80);
	/* What is not a guest's has them in the window as before. */
	assert_int_equal(uiommu_group_replace(group, other), 0);
	assert_int_equal(uiommu_group_msi_map(group, BELL + 2 * PAGE, &iova),
			 0);
	assert_int_equal(iova, WINDOW + 2 * PAGE);
	assert_int_equal(uiommu_group_detach(group), 0);
	uiommu_domain_free(other);
	scene_close(&s);
}

/* Who cannot write there takes nothing, and the next one does not go for it. */
static void places_out_of_reach(void **state)
{
	const uint64_t last = WINDOW + 0x40;
	uiommu_iova_t iova = 1;
	struct scene s;
	char *before;

	scene_open(&s, state);
	/* The window: doorbell 0 ends with its address, and 1 is above. */
	before = text_of(&s);
	assert_int_equal(uiommu_group_msi_map_within(s.group, BELL + 0x40,
						     last - 1, &iova),
			 -EOVERFLOW);
	assert_int_equal(uiommu_group_msi_map_within(s.group, BELL + 0x40, 0,
						     &iova),
			 -EOVERFLOW);
	expect_text(&s, before);
	assert_int_equal(iova, 1);
	assert_int_equal(uiommu_group_msi_map_within(s.group, BELL + 0x40, last,
						     &iova),
			 0);
	assert_int_equal(iova, last);
	/* And a guest's. */
	bind_ok(&s, 0);
	bind_ok(&s, 1);
	before = text_of(&s);
	assert_int_equal(uiommu_group_msi_map_within(s.group, BELL + PAGE,
						     IOVA - 1, &iova),
			 -EOVERFLOW);
	expect_text(&s, before);
	assert_true(nothing_at(&s, GPA));
	assert_int_equal(uiommu_group_msi_map_within(s.group, BELL + PAGE, IOVA,
						     &iova),
			 0);
	assert_int_equal(iova, IOVA);
	/* One that is there already. */
	assert_int_equal(uiommu_group_msi_map_within(s.group, BELL + PAGE,
						     IOVA - 1, &iova),
			 -EOVERFLOW);
	expect_at(&s, 1, 0);
	scene_close(&s);
}

static void two_guests_with_the_same_addresses(void **state)
{
	struct uiommu_domain *other;
	struct uiommu_group *group;
	uiommu_iova_t iova;
	uiommu_pa_t pa;
	struct scene s;

	scene_open(&s, state);
	other = stage2(s.w);
	group = group_of(s.w->dev[1]);
	assert_int_equal(uiommu_group_attach(group, other), 0);
	bind_ok(&s, 0);
	assert_int_equal(uiommu_bind_guest_msi(other, IOVA, GPA, 12), 0);
	expect_at(&s, 0, 0);
	assert_int_equal(uiommu_group_msi_map(group, BELL + PAGE, &iova), 0);
	assert_int_equal(iova, IOVA);
	assert_int_equal(fake_dma(s.w->fu, 2, GPA, false, &pa), 0);
	assert_int_equal(pa, BELL + PAGE);
	assert_int_equal(unbind(&s, 0), 0);
	assert_true(nothing_at(&s, GPA));
	assert_int_equal(fake_dma(s.w->fu, 2, GPA, false, &pa), 0);
	assert_int_equal(pa, BELL + PAGE);
	assert_int_equal(uiommu_group_detach(group), 0);
	uiommu_domain_free(other);
	scene_close(&s);
}

/* ------------------------------------------------------------ the end of one */

static void unbinding_unmaps(void **state)
{
	struct scene s;
	uiommu_pa_t pa;

	scene_open(&s, state);
	for (unsigned int i = 0; i < 3; i++)
		bind_ok(&s, i);
	expect_at(&s, 0, 0);
	expect_at(&s, 1, 1);
	/* The TLB has both. */
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(
			fake_dma(s.w->fu, 1, GPA + i * PAGE, false, &pa), 0);
	assert_int_equal(unbind(&s, 0), 0);
	assert_true(nothing_at(&s, GPA));
	assert_false(fake_remembers(s.w->fu, BELL, PAGE));
	assert_true(fake_remembers(s.w->fu, BELL + PAGE, PAGE));
	assert_int_equal(unbind(&s, 0), -ENOENT);
	/* A free one is just gone. */
	assert_int_equal(unbind(&s, 2), 0);
	bind_ok(&s, 4);
	expect_at(&s, 0, 4);
	expect_at(&s, 1, 1);
	scene_close(&s);
}

static void hardware_that_does_not_answer(void **state)
{
	struct scene s;

	scene_open(&s, state);
	bind_ok(&s, 0);
	expect_at(&s, 0, 0);
	s.w->fu->fail_flush = 1;
	assert_int_equal(unbind(&s, 0), -ETIMEDOUT);
	assert_int_equal(unbind(&s, 0), -ENOENT);
	assert_int_equal(uiommu_group_detach(s.group), 0);
	uiommu_domain_free(s.parent);
	/* The page table is left to the hardware. */
	s.w->fu->crashed = 1;
}

/* ---------------------------------------------------------------- refused -- */

static void what_is_refused(void **state)
{
	struct uiommu_domain *plain;
	struct scene s;
	char *before;

	scene_open(&s, state);
	plain = new_domain(s.w);
	assert_int_equal(uiommu_bind_guest_msi(s.parent, IOVA, GPA, 16), 0);
	before = text_of(&s);
	assert_int_equal(uiommu_bind_guest_msi(plain, IOVA, GPA, 12), -EINVAL);
	assert_int_equal(uiommu_unbind_guest_msi(plain, IOVA), -ENOENT);
	for (unsigned int lg2 = 0; lg2 < 256; lg2++)
		if (lg2 < 12 || lg2 > 39)
			assert_int_equal(uiommu_bind_guest_msi(s.parent,
							       1ull << 40, 0,
							       (uint8_t)lg2),
					 -EINVAL);
	assert_int_equal(uiommu_bind_guest_msi(s.parent, 0, 1ull << 48, 12),
			 -EINVAL);
	assert_int_equal(uiommu_bind_guest_msi(s.parent, 0, ~0ull, 12),
			 -EINVAL);
	/* In another's page, around it, at its end. */
	assert_int_equal(uiommu_bind_guest_msi(s.parent, IOVA + PAGE, 0, 12),
			 -EEXIST);
	assert_int_equal(uiommu_bind_guest_msi(s.parent, IOVA, 0, 30), -EEXIST);
	assert_int_equal(uiommu_bind_guest_msi(s.parent, IOVA + 0xffff, 0, 12),
			 -EEXIST);
	expect_text(&s, before);
	/* The last pages there are. */
	assert_int_equal(uiommu_bind_guest_msi(s.parent, ~0ull,
					       (1ull << 48) - 1, 12),
			 0);
	assert_int_equal(uiommu_bind_guest_msi(s.parent, IOVA + 0x10000, 0, 12),
			 0);
	assert_int_equal(uiommu_unbind_guest_msi(s.parent, ~0ull), 0);
	uiommu_domain_free(plain);
	scene_close(&s);
}

static void there_are_not_endlessly_many(void **state)
{
	struct scene s;

	scene_open(&s, state);
	for (unsigned int i = 0; i < 1024; i++)
		bind_ok(&s, i);
	assert_int_equal(bind(&s, 1024), -ENOSPC);
	assert_int_equal(bind(&s, 1023), 0);
	assert_int_equal(unbind(&s, 512), 0);
	assert_int_equal(bind(&s, 1024), 0);
	expect_at(&s, 0, 0);
	scene_close(&s);
}

static void the_guests_memory_is_there_already(void **state)
{
	uiommu_iova_t iova;
	struct scene s;
	char *before;

	scene_open(&s, state);
	assert_int_equal(uiommu_domain_map(s.parent, GPA, 0x4000, PAGE, RW), 0);
	bind_ok(&s, 0);
	before = text_of(&s);
	assert_int_equal(map_bell(&s, 0, &iova), -EEXIST);
	expect_text(&s, before);
	scene_close(&s);
}

/* More than the doorbell's page would be the guest's. */
static void larger_pages_of_the_host(void **state)
{
	uiommu_iova_t iova;
	struct world *w = *state;
	struct scene s;
	char *before;

	w->fu->granule_lg2 = 16;
	scene_open(&s, state);
	w->fu->granule_lg2 = 12;
	assert_int_equal(uiommu_bind_guest_msi(s.parent, IOVA, GPA, 16), 0);
	before = text_of(&s);
	assert_int_equal(map_bell(&s, 0, &iova), -EOPNOTSUPP);
	expect_text(&s, before);
	scene_close(&s);
}

/* ------------------------------------------------------- nth allocation -- */

struct step {
	const char *name;
	int (*run)(struct scene *s);
	unsigned int least; /* allocations that must be seen to fail */
};

static int step_bind(struct scene *s)
{
	return bind(s, 2);
}

static int step_map(struct scene *s)
{
	uiommu_iova_t iova;

	return map_bell(s, 0, &iova);
}

static int step_attach(struct scene *s)
{
	return uiommu_group_replace(group_of(s->w->dev[1]), s->parent);
}

static int step_unbind(struct scene *s)
{
	return unbind(s, 0);
}

/* Bindings so far apart that each needs tables of its own. */
static unsigned int walk(struct world *w, const struct step *step)
{
	struct uiommu_domain *other = new_domain(w);
	unsigned int n = 0, failures = 0;
	struct uiommu_group *group;
	bool fired;
	void *world = w;

	do {
		struct scene s;
		char *before;
		int rc;

		scene_open(&s, &world);
		group = with_doorbells(&s, other);
		for (unsigned int i = 0; i < 2; i++)
			assert_int_equal(uiommu_bind_guest_msi(
						 s.parent, IOVA + i * PAGE,
						 GPA + ((uint64_t)i << 30), 12),
					 0);
		assert_int_equal(uiommu_bind_guest_msi(s.parent, 0, 0, 12), 0);
		before = text_of(&s);
		uiommu_host_fail_nth(w->host, ++n);
		rc = step->run(&s);
		fired = uiommu_host_fail_nth(w->host, 0);
		if (rc) {
			assert_true(fired);
			assert_int_equal(rc, -ENOMEM);
			failures++;
			expect_text(&s, before);
			rc = step->run(&s);
		} else {
			free(before);
		}
		if (rc)
			fail_msg("%s: %d", step->name, rc);
		assert_int_equal(uiommu_group_detach(group), 0);
		scene_close(&s);
	} while (fired && n < 100);
	uiommu_domain_free(other);
	return failures;
}

static void the_nth_allocation_fails(void **state)
{
	static const struct step steps[] = {
		{ "bind", step_bind, 1 },
		{ "map", step_map, 1 },
		{ "attach", step_attach, 3 },
		{ "unbind", step_unbind, 0 },
	};

	for (unsigned int i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		unsigned int seen = walk(*state, &steps[i]);

		if (seen < steps[i].least)
			fail_msg("%s: only %u failed", steps[i].name, seen);
	}
}

int main(void)
{
#define CASE(name) \
	cmocka_unit_test_setup_teardown(name, world_open, world_close)
	const struct CMUnitTest cases[] = {
		CASE(doorbells_take_bindings_in_order),
		CASE(the_same_iova_changes_nothing),
		CASE(pages_larger_than_the_doorbells),
		CASE(a_place_has_one_doorbell),
		CASE(bindings_go_before_the_window),
		CASE(a_guests_domain_has_its_parents),
		CASE(who_comes_later_has_its_doorbells),
		CASE(places_out_of_reach),
		CASE(two_guests_with_the_same_addresses),
		CASE(unbinding_unmaps),
		CASE(hardware_that_does_not_answer),
		CASE(what_is_refused),
		CASE(there_are_not_endlessly_many),
		CASE(the_guests_memory_is_there_already),
		CASE(larger_pages_of_the_host),
		CASE(the_nth_allocation_fails),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
