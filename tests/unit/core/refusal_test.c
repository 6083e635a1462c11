/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * refusal_test.c - bad input: the errno, a line in the log, and a core that is as
 * it was.
 */
#include <stdio.h>
#include <stdlib.h>

#include "space.h"

#define IOVA UINT64_C(0x40000000)
#define WRAPS (UINT64_MAX - 2 * PAGE + 1)

static void keep(void *ctx, const char *line, size_t len)
{
	assert_int_equal(fwrite(line, 1, len, ctx), len);
}

static char *text_of(struct world *w)
{
	struct uiommu_dump to = { .parts = UIOMMU_DUMP_ALL, .write = keep };
	char *text = NULL;
	size_t len;

	to.ctx = open_memstream(&text, &len);
	assert_non_null(to.ctx);
	uiommu_core_dump(w->core, &to);
	fclose(to.ctx);
	return text;
}

static void refused(struct world *w, const char *was, unsigned int lines,
		    const char *call)
{
	char *is = text_of(w);

	if (all_lines() == lines)
		print_error("%s: nothing in the log\n", call);
	assert_true(all_lines() > lines);
	assert_string_equal(is, was);
	free(is);
}

#define REFUSED(w, call, rc)                       \
	do {                                       \
		char *was_ = text_of(w);           \
		unsigned int lines_ = all_lines(); \
                                                   \
		assert_int_equal(call, rc);        \
		refused(w, was_, lines_, #call);   \
		free(was_);                        \
	} while (0)

static struct uiommu_domain *of_type(struct world *w, enum uiommu_dom_type type,
				     enum uiommu_stage stage)
{
	const struct uiommu_domain_cfg cfg = {
		.hw = { .type = type, .stage = stage },
	};
	struct uiommu_domain *dom;

	assert_int_equal(uiommu_domain_alloc_cfg(w->dev[0], &cfg, &dom), 0);
	return dom;
}

static void pasids(void **state)
{
	static const uint32_t bad[] = { 0, 1u << PASID_BITS, UINT32_MAX };
	struct world *w = *state;
	struct uiommu_device_cfg mate = { .hw.pasid_bits = PASID_BITS };
	struct uiommu_device *pair[2], *none;
	struct uiommu_domain *dom = new_domain(w), *other[3];
	uint32_t pasid;

	for (unsigned int i = 0; i < 3; i++)
		REFUSED(w, uiommu_device_pasid_attach(w->dev[0], bad[i], dom),
			-EINVAL);
	other[0] = of_type(w, UIOMMU_DOM_IDENTITY, 0);
	other[1] = of_type(w, UIOMMU_DOM_BLOCKED, 0);
	for (unsigned int i = 0; i < 2; i++)
		REFUSED(w, uiommu_device_pasid_attach(w->dev[0], 7, other[i]),
			-EOPNOTSUPP);
	REFUSED(w, uiommu_device_pasid_replace(w->dev[0], 7, dom), -EINVAL);
	/* What a PASID has stays its own. */
	assert_int_equal(uiommu_device_pasid_attach(w->dev[0], 7, dom), 0);
	REFUSED(w, uiommu_device_pasid_attach(w->dev[0], 7, dom), -EBUSY);
	for (unsigned int i = 0; i < 2; i++)
		REFUSED(w, uiommu_device_pasid_replace(w->dev[0], 7, other[i]),
			-EOPNOTSUPP);
	/* A group of two, and a device without any. */
	for (unsigned int i = 0; i < 2; i++) {
		mate.group_with = i ? pair[0] : NULL;
		assert_int_equal(add_device(w, w->fu, 30 + i, &mate, &pair[i]),
				 0);
	}
	REFUSED(w, uiommu_device_pasid_attach(pair[0], 7, dom), -EINVAL);
	mate = (struct uiommu_device_cfg){ 0 };
	assert_int_equal(add_device(w, w->fu, 32, &mate, &none), 0);
	REFUSED(w, uiommu_device_pasid_attach(none, 7, dom), -EOPNOTSUPP);
	/* Nobody more comes to a device that uses one. */
	mate.group_with = w->dev[0];
	REFUSED(w, add_device(w, w->fu, 33, &mate, &pair[1]), -EBUSY);
	mate.group_with = NULL;
	REFUSED(w, uiommu_pasid_alloc(w->core, 0, 5, &pasid), -EINVAL);
	REFUSED(w, uiommu_pasid_alloc(w->core, 5, 4, &pasid), -EINVAL);
	REFUSED(w, uiommu_pasid_alloc(w->core, 1, 1u << 20, &pasid), -EINVAL);
	REFUSED(w, (uiommu_pasid_free(w->core, 99), 0), 0);
	uiommu_device_pasid_detach(w->dev[0], 7);
	uiommu_device_remove(pair[1]);
	uiommu_device_remove(pair[0]);
	uiommu_device_remove(none);
	for (unsigned int i = 0; i < 2; i++)
		uiommu_domain_free(other[i]);
	uiommu_domain_free(dom);
}

/* That the driver does not make, whether or not it says why. */
static void domains(void **state)
{
	struct uiommu_domain_cfg cfg = { .hw.type = UIOMMU_DOM_PAGING };
	struct uiommu_domain *dom = NULL;
	struct world *w = *state;

	cfg.hw.stage = UIOMMU_STAGE_2 + 1;
	REFUSED(w, uiommu_domain_alloc_cfg(w->dev[0], &cfg, &dom), -EINVAL);
	cfg.hw.stage = UIOMMU_STAGE_ANY;
	cfg.hw.flags = UIOMMU_DOM_DIRTY;
	w->fu->caps.dirty_tracking = false;
	REFUSED(w, uiommu_domain_alloc_cfg(w->dev[0], &cfg, &dom), -EOPNOTSUPP);
	assert_null(dom);
}

static void groups_and_features(void **state)
{
	struct world *w = *state;
	struct uiommu_group *group = uiommu_device_group(w->dev[0]);
	struct uiommu_domain *dom = new_domain(w);
	int a, b;

	REFUSED(w, uiommu_device_claim_owner(w->dev[0], NULL), -EINVAL);
	assert_int_equal(uiommu_device_claim_owner(w->dev[0], &a), 0);
	REFUSED(w, uiommu_device_claim_owner(w->dev[0], &b), -EPERM);
	REFUSED(w, uiommu_group_replace(group, dom), -EINVAL);
	assert_int_equal(uiommu_group_attach(group, dom), 0);
	REFUSED(w, uiommu_group_attach(group, dom), -EBUSY);
	REFUSED(w, uiommu_dev_enable_feature(w->dev[0], 77), -ENODEV);
	REFUSED(w, uiommu_dev_disable_feature(w->dev[0], UIOMMU_DEV_FEAT_AUX),
		-EINVAL);
	assert_int_equal(
		uiommu_dev_enable_feature(w->dev[0], UIOMMU_DEV_FEAT_AUX), 0);
	REFUSED(w, uiommu_dev_enable_feature(w->dev[0], UIOMMU_DEV_FEAT_AUX),
		-EBUSY);
	REFUSED(w, uiommu_aux_attach(dom, w->dev[0]), -EINVAL);
	REFUSED(w, uiommu_domain_set_iopf_handler(dom, NULL, NULL), -EBUSY);
	REFUSED(w, uiommu_domain_set_dirty_tracking(dom, true), -EOPNOTSUPP);
	REFUSED(w, uiommu_sva_invalidate(dom, 0, PAGE), -EINVAL);
	uiommu_group_detach(group);
	uiommu_device_release_owner(w->dev[0]);
	uiommu_domain_free(dom);
}

static void addresses(void **state)
{
	struct world *w = *state;
	struct uiommu_ioas *ioas = new_ioas(w), *to = new_ioas(w);
	struct uiommu_domain *dom = join(w, ioas), *own = new_domain(w),
			     *flat = of_type(w, UIOMMU_DOM_IDENTITY, 0);
	const struct {
		uint64_t uva, len, iova;
		uint32_t prot, flags;
		int rc;
	} bad[] = {
		{ MEM, 0, IOVA, RW, FIXED, -EINVAL },
		{ MEM + 1, PAGE, IOVA, RW, FIXED, -EINVAL },
		{ MEM, PAGE + 1, IOVA, RW, FIXED, -EINVAL },
		{ MEM, PAGE, IOVA + 1, RW, FIXED, -EINVAL },
		{ MEM, PAGE, IOVA, 0, FIXED, -EINVAL },
		{ MEM, PAGE, IOVA, RW | 1u << 20, FIXED, -EINVAL },
		{ MEM, PAGE, IOVA, RW, 1u << 20, -EOPNOTSUPP },
		{ WRAPS, 4 * PAGE, IOVA, RW, FIXED, -EOVERFLOW },
		{ MEM, 4 * PAGE, WRAPS, RW, FIXED, -EOVERFLOW },
		/* of the second one mapped; beyond what the domain has */
		{ MEM, PAGE, 2 * IOVA, RW, FIXED, -EEXIST },
		{ MEM, PAGE, UINT64_C(1) << 48, RW, FIXED, -EINVAL },
		{ 0x1000, PAGE, IOVA, RW, FIXED, -EFAULT },
	};
	uint64_t n, iova;

	assert_int_equal(map_at(w, ioas, 0, 2, 2 * IOVA, RW), 0);
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		iova = bad[i].iova;
		REFUSED(w,
			uiommu_ioas_map(ioas, &w->mm.mm, bad[i].uva, bad[i].len,
					bad[i].prot, bad[i].flags, &iova),
			bad[i].rc);
	}
	REFUSED(w, uiommu_ioas_unmap(ioas, IOVA, 0, &n), -EINVAL);
	REFUSED(w, uiommu_ioas_unmap(ioas, WRAPS, 4 * PAGE, &n), -EOVERFLOW);
	REFUSED(w, uiommu_ioas_unmap(ioas, IOVA, PAGE, &n), -ENOENT);
	REFUSED(w, uiommu_ioas_unmap(ioas, 2 * IOVA, PAGE, &n), -ENOENT);
	REFUSED(w, uiommu_ioas_cut(ioas, 2 * IOVA + 1), -EINVAL);
	iova = IOVA;
	REFUSED(w, uiommu_ioas_copy(to, ioas, IOVA, PAGE, RW, FIXED, &iova),
		-ENOENT);
	REFUSED(w,
		uiommu_ioas_copy(to, ioas, WRAPS, 4 * PAGE, RW, FIXED, &iova),
		-EOVERFLOW);
	REFUSED(w, uiommu_ioas_copy(to, ioas, 2 * IOVA, 0, RW, FIXED, &iova),
		-EINVAL);
	/* A domain of one's own. */
	REFUSED(w, uiommu_domain_map(own, IOVA + 1, MEM, PAGE, RW), -EINVAL);
	REFUSED(w, uiommu_domain_map(own, IOVA, MEM + 1, PAGE, RW), -EINVAL);
	REFUSED(w, uiommu_domain_map(own, IOVA, MEM, 0, RW), -EINVAL);
	REFUSED(w, uiommu_domain_map(own, IOVA, MEM, PAGE, 0), -EINVAL);
	REFUSED(w, uiommu_domain_map(own, WRAPS, MEM, 4 * PAGE, RW), -ERANGE);
	REFUSED(w, uiommu_domain_map(flat, IOVA, MEM, PAGE, RW), -EINVAL);
	REFUSED(w, uiommu_domain_unmap(own, IOVA + 1, PAGE, &n), -EINVAL);
	REFUSED(w, uiommu_domain_unmap(flat, IOVA, PAGE, &n), -EINVAL);
	uiommu_domain_free(flat);
	uiommu_domain_free(own);
	uiommu_ioas_destroy(to);
	assert_int_equal(uiommu_ioas_unmap_all(ioas, &n), 0);
	leave(ioas, dom);
	uiommu_ioas_destroy(ioas);
}

/* ----------------------------------------------------------- page faults -- */

static int keep_group(void *ctx, struct uiommu_iopf_group *group)
{
	*(struct uiommu_iopf_group **)ctx = group;
	return 0;
}

static void lose_group(void *ctx, struct uiommu_iopf_group *group)
{
	assert_true(false);
}

/* Of one that is answered, of another device, and none at all. */
static void answers(void **state)
{
	static const struct uiommu_iopf_ops ops = { keep_group, lose_group };
	const struct uiommu_page_request req = {
		.flags = UIOMMU_PAGE_READ | UIOMMU_PAGE_LAST,
		.id = 20,
		.pasid = UIOMMU_NO_PASID,
		.token = 5,
		.iova = IOVA,
	};
	struct uiommu_iopf_group *kept = NULL;
	struct uiommu_domain *dom;
	struct scene s;

	scene_open(&s, state);
	dom = new_domain(s.w);
	assert_int_equal(uiommu_domain_set_iopf_handler(dom, &ops, &kept), 0);
	REFUSED(s.w, uiommu_group_attach(uiommu_device_group(s.w->dev[0]), dom),
		-ENODEV);
	assert_int_equal(
		uiommu_group_attach(uiommu_device_group(s.dev[0]), dom), 0);
	fake_page_request(s.w->fu, &req);
	REFUSED(s.w, uiommu_iopf_group_respond(kept, 77), -EINVAL);
	REFUSED(s.w,
		uiommu_device_iopf_respond(s.dev[0], kept->id + 1,
					   UIOMMU_PAGE_SUCCESS),
		-ENOENT);
	REFUSED(s.w,
		uiommu_device_iopf_respond(s.dev[1], kept->id,
					   UIOMMU_PAGE_SUCCESS),
		-ENOENT);
	assert_int_equal(uiommu_iopf_group_respond(kept, UIOMMU_PAGE_SUCCESS),
			 0);
	REFUSED(s.w, uiommu_iopf_group_respond(kept, UIOMMU_PAGE_SUCCESS),
		-ENOENT);
	REFUSED(s.w,
		uiommu_device_iopf_respond(s.dev[0], kept->id,
					   UIOMMU_PAGE_SUCCESS),
		-ENOENT);
	uiommu_iopf_group_put(kept);
	uiommu_group_detach(uiommu_device_group(s.dev[0]));
	uiommu_domain_free(dom);
	scene_close(&s);
}

static void address_spaces(void **state)
{
	struct uiommu_domain_cfg cfg = { .hw.type = UIOMMU_DOM_PAGING };
	struct uiommu_domain *dom = NULL;
	struct uiommu_sva *sva = NULL;
	struct scene s;

	scene_open(&s, state);
	cfg.mm = &s.space.mm;
	REFUSED(s.w, uiommu_domain_alloc_cfg(s.dev[0], &cfg, &dom), -EINVAL);
	REFUSED(s.w, uiommu_sva_bind(s.dev[0], NULL, &sva), -EINVAL);
	REFUSED(s.w, uiommu_sva_bind(s.w->dev[0], &s.space.mm, &sva), -ENODEV);
	/* No address space has these sizes. */
	s.space.mm.va_bits = 64;
	REFUSED(s.w, uiommu_sva_bind(s.dev[0], &s.space.mm, &sva), -EINVAL);
	s.space.mm.va_bits = 12;
	REFUSED(s.w, uiommu_sva_bind(s.dev[0], &s.space.mm, &sva), -EINVAL);
	s.space.mm.va_bits = 47;
	s.space.mm.page_lg2 = 11;
	REFUSED(s.w, uiommu_sva_bind(s.dev[0], &s.space.mm, &sva), -EINVAL);
	s.space.mm.page_lg2 = 12;
	s.space.mm.va_bits = 50;
	REFUSED(s.w, uiommu_sva_bind(s.dev[0], &s.space.mm, &sva), -EOPNOTSUPP);
	assert_null(dom);
	assert_null(sva);
	scene_close(&s);
}

/* Where the address space lies for devices does not fit, and must not wrap. */
static void address_spaces_far_away(void **state)
{
	static const uint64_t far[] = { UINT64_C(1) << 48, UINT64_MAX - PAGE };
	struct uiommu_sva *sva = NULL;
	struct scene s;
	void *world;

	for (unsigned int i = 0; i < 2; i++) {
		const struct uiommu_core_cfg cfg = { .sva_pa = far[i] };

		world = world_make(&cfg);
		scene_open(&s, &world);
		REFUSED(s.w, uiommu_sva_bind(s.dev[0], &s.space.mm, &sva),
			-EOPNOTSUPP);
		assert_null(sva);
		scene_close(&s);
		world_close(&world);
	}
}

#define T(test) cmocka_unit_test_setup_teardown(test, world_open, world_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(pasids),
		T(domains),
		T(groups_and_features),
		T(addresses),
		T(answers),
		T(address_spaces),
		cmocka_unit_test(address_spaces_far_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
