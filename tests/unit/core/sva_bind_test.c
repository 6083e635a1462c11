/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sva_bind_test.c - devices that share an address space: who may, what is
 * counted, and that a bind that fails has changed nothing.
 */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bits.h"
#include "space.h"

/* ----------------------------------------------------- bind and unbind --- */

static void bind_is_counted_by_device_and_space(void **state)
{
	struct uiommu_sva *a, *again, *b, *c;
	struct space other;
	struct scene s;
	uint32_t pasid;

	scene_open(&s, state);
	space_init(&other);
	a = bind_ok(&s, 0);
	pasid = uiommu_sva_pasid(a);
	assert_true(pasid > 0);
	again = bind_ok(&s, 0);
	assert_ptr_equal(a, again);
	b = bind_ok(&s, 1);
	assert_ptr_not_equal(a, b);
	/* All devices of one space have its PASID and its domain. */
	assert_int_equal(uiommu_sva_pasid(b), pasid);
	assert_ptr_equal(uiommu_device_pasid_domain(s.dev[0], pasid),
			 uiommu_device_pasid_domain(s.dev[1], pasid));
	assert_int_equal(
		uiommu_domain_type(uiommu_device_pasid_domain(s.dev[0], pasid)),
		UIOMMU_DOM_SHARED);
	assert_int_equal(s.space.nr, 1);
	/* Another space is another one. */
	assert_int_equal(uiommu_sva_bind(s.dev[0], &other.mm, &c), 0);
	assert_int_not_equal(uiommu_sva_pasid(c), pasid);
	uiommu_sva_unbind(c);
	assert_int_equal(other.nr, 0);

	uiommu_sva_unbind(a);
	assert_int_equal(uiommu_device_nr_pasids(s.dev[0]), 1);
	uiommu_sva_unbind(again);
	assert_int_equal(uiommu_device_nr_pasids(s.dev[0]), 0);
	assert_int_equal(uiommu_device_nr_pasids(s.dev[1]), 1);
	assert_int_equal(s.space.nr, 1);
	uiommu_sva_unbind(b);
	assert_int_equal(s.space.nr, 0);
	/* The number is free again. */
	a = bind_ok(&s, 1);
	assert_int_equal(uiommu_sva_pasid(a), pasid);
	uiommu_sva_unbind(a);
	scene_close(&s);
}

static void who_may_not_bind(void **state)
{
	struct uiommu_device_cfg cfg = { .hw.pasid_bits = PASID_BITS };
	struct uiommu_device *mate, *dev;
	struct uiommu_sva *sva = NULL, *kept;
	struct scene s;

	scene_open(&s, state);
	assert_int_equal(uiommu_sva_bind(s.dev[0], NULL, &sva), -EINVAL);
	/* Cannot wait. */
	assert_int_equal(uiommu_sva_bind(s.w->dev[0], &s.space.mm, &sva),
			 -ENODEV);
	/* No PASIDs. */
	cfg.hw.pasid_bits = 0;
	dev = add_waiting(s.w, 30, &cfg);
	assert_int_equal(uiommu_sva_bind(dev, &s.space.mm, &sva), -EOPNOTSUPP);
	uiommu_device_remove(dev);
	/* A fabric that looks at addresses. */
	cfg.hw.pasid_bits = PASID_BITS;
	cfg.routes_by_address = true;
	dev = add_waiting(s.w, 30, &cfg);
	assert_int_equal(uiommu_sva_bind(dev, &s.space.mm, &sva), -EINVAL);
	assert_non_null(strstr(last_line(), "isolate"));
	uiommu_device_remove(dev);
	/* A group of two. */
	cfg.routes_by_address = false;
	dev = add_waiting(s.w, 30, &cfg);
	cfg.group_with = dev;
	mate = add_waiting(s.w, 31, &cfg);
	assert_int_equal(uiommu_sva_bind(dev, &s.space.mm, &sva), -EINVAL);
	uiommu_device_remove(mate);
	/* Alone it may; and then the group gets no other. */
	assert_int_equal(uiommu_sva_bind(dev, &s.space.mm, &kept), 0);
	s.w->fu->page_faults = true;
	assert_int_equal(add_device(s.w, s.w->fu, 31, &cfg, &mate), -EBUSY);
	s.w->fu->page_faults = false;
	uiommu_sva_unbind(kept);
	uiommu_device_remove(dev);
	/* A PASID that a later device does not have. */
	kept = bind_ok(&s, 0);
	while (uiommu_sva_pasid(kept) < 2) {
		uint32_t first;

		uiommu_sva_unbind(kept);
		assert_int_equal(uiommu_pasid_alloc(s.w->core, 1, 1, &first),
				 0);
		kept = bind_ok(&s, 0);
	}
	cfg.group_with = NULL;
	cfg.hw.pasid_bits = 1;
	dev = add_waiting(s.w, 30, &cfg);
	assert_int_equal(uiommu_sva_bind(dev, &s.space.mm, &sva), -EINVAL);
	uiommu_device_remove(dev);
	uiommu_sva_unbind(kept);
	uiommu_pasid_free(s.w->core, 1);
	/* The owner of the space refuses. */
	s.space.refuse = -EOPNOTSUPP;
	assert_int_equal(uiommu_sva_bind(s.dev[0], &s.space.mm, &sva),
			 -EOPNOTSUPP);
	s.space.refuse = 0;
	/* Input addresses that are too few. */
	s.w->fu->ias = 39;
	assert_int_equal(uiommu_sva_bind(s.dev[0], &s.space.mm, &sva),
			 -EOPNOTSUPP);
	s.w->fu->ias = 48;
	assert_non_null(strstr(last_line(), "input addresses"));
	assert_null(sva);
	scene_close(&s);
}

/* What an IOMMU lacks that the process's CPUs have. */
static void who_does_not_line_up(void **state)
{
	const struct uiommu_core_cfg far = { .sva_pa = UINT64_C(1) << 48 };
	struct uiommu_sva *sva = NULL;
	struct uiommu_device *dev;
	struct fake_unit *fu;
	struct scene s;
	void *other;

	scene_open(&s, state);
	fu = new_unit(s.w);
	fu->caps.coherent = false;
	fu->page_faults = true;
	assert_int_equal(uiommu_core_add_unit(s.w->core, &fu->unit), 0);
	assert_int_equal(add_device(s.w, fu, 40, NULL, &dev), 0);
	assert_int_equal(uiommu_sva_bind(dev, &s.space.mm, &sva), -EOPNOTSUPP);
	assert_non_null(strstr(last_line(), "coherent"));
	uiommu_device_remove(dev);
	scene_close(&s);
	/* Memory is where this one's output addresses do not reach. */
	other = world_make(&far);
	scene_open(&s, &other);
	assert_int_equal(uiommu_sva_bind(s.dev[0], &s.space.mm, &sva),
			 -EOPNOTSUPP);
	assert_non_null(strstr(last_line(), "output addresses"));
	assert_null(sva);
	scene_close(&s);
	world_close(&other);
}

static void a_bound_pasid_is_bind_s(void **state)
{
	struct scene s;
	uint32_t pasid = scene_bind(&s, state);
	struct uiommu_domain *other = new_domain(s.w);

	assert_int_equal(uiommu_device_pasid_attach(s.dev[0], pasid, other),
			 -EBUSY);
	assert_int_equal(uiommu_device_pasid_replace(s.dev[0], pasid, other),
			 -EBUSY);
	uiommu_device_pasid_detach(s.dev[0], pasid);
	assert_int_equal(ask(&s, 0, pasid, AT(1), R), UIOMMU_PAGE_SUCCESS);
	assert_true(reaches(&s, 0, pasid, AT(1), false));
	uiommu_domain_free(other);
	scene_unbind(&s);
}

/* What an owner has forgotten is gone; who binds then has it again. */
static void bound_before_and_taken_off(void **state)
{
	struct uiommu_sva *old, *sva;
	struct scene s;
	uint32_t pasid;

	scene_open(&s, state);
	assert_int_equal(uiommu_device_claim_owner(s.dev[0], &s), 0);
	old = bind_ok(&s, 0);
	pasid = uiommu_sva_pasid(old);
	uiommu_device_release_owner(s.dev[0]);
	assert_int_equal(uiommu_device_nr_pasids(s.dev[0]), 0);

	s.w->fu->fail_rc = -ENOSPC;
	s.w->fu->fail_pasid = 1;
	assert_int_equal(uiommu_sva_bind(s.dev[0], &s.space.mm, &sva), -ENOSPC);
	sva = bind_ok(&s, 0);
	assert_int_equal(uiommu_sva_pasid(sva), pasid);
	assert_int_equal(ask(&s, 0, pasid, AT(1), W), UIOMMU_PAGE_SUCCESS);
	assert_true(reaches(&s, 0, pasid, AT(1), true));
	uiommu_sva_unbind(old);
	assert_true(reaches(&s, 0, pasid, AT(1), true));
	uiommu_sva_unbind(sva);
	assert_int_equal(uiommu_device_nr_pasids(s.dev[0]), 0);
	assert_int_equal(s.space.nr, 0);
	scene_close(&s);
}

/* The handle outlives its device, and means no other. */
static void bound_and_removed(void **state)
{
	struct uiommu_sva *old, *sva;
	struct scene s;
	uint32_t pasid;

	scene_open(&s, state);
	old = bind_ok(&s, 0);
	sva = bind_ok(&s, 1);
	pasid = uiommu_sva_pasid(old);
	uiommu_device_remove(s.dev[0]);
	assert_non_null(strstr(last_line(), "still bound"));
	/* As likely as not where the other one was. */
	s.dev[0] = add_waiting(s.w, 20, NULL);
	assert_int_equal(uiommu_device_nr_pasids(s.dev[0]), 0);
	assert_false(reaches(&s, 0, pasid, AT(1), true));
	s.sva = bind_ok(&s, 0);
	assert_int_equal(uiommu_sva_pasid(s.sva), pasid);
	assert_int_equal(ask(&s, 0, pasid, AT(1), W), UIOMMU_PAGE_SUCCESS);
	uiommu_sva_unbind(old);
	assert_true(reaches(&s, 0, pasid, AT(1), true));
	uiommu_sva_unbind(sva);
	assert_true(reaches(&s, 0, pasid, AT(1), true));
	scene_unbind(&s);
}

/* The domain by the same doors as any other. */
static void the_domain_by_itself(void **state)
{
	struct uiommu_domain_cfg cfg = { .hw.type = UIOMMU_DOM_SHARED };
	struct uiommu_domain *dom;
	struct uiommu_ioas *ioas;
	struct scene s;
	uint64_t n;

	scene_open(&s, state);
	cfg.mm = &s.space.mm;
	cfg.hw.type = UIOMMU_DOM_PAGING;
	assert_int_equal(uiommu_domain_alloc_cfg(s.dev[0], &cfg, &dom),
			 -EINVAL);
	cfg.hw.type = UIOMMU_DOM_SHARED;
	assert_int_equal(uiommu_domain_alloc_cfg(s.dev[0], &cfg, &dom), 0);
	/* Nobody maps into it, nor uses it without a PASID. */
	assert_int_equal(uiommu_domain_map(dom, 0, 0, PAGE, RW), -EINVAL);
	assert_int_equal(uiommu_domain_unmap(dom, 0, PAGE, &n), -EINVAL);
	ioas = new_ioas(s.w);
	assert_int_equal(uiommu_ioas_add_domain(ioas, dom), -EINVAL);
	uiommu_ioas_destroy(ioas);
	assert_int_equal(uiommu_group_attach(uiommu_device_group(s.dev[0]),
					     dom),
			 -EINVAL);
	assert_int_equal(uiommu_sva_invalidate(dom, 0, PAGE), -EINVAL);
	assert_int_equal(uiommu_domain_set_iopf_handler(dom, NULL, NULL),
			 -EBUSY);
	assert_int_equal(uiommu_device_pasid_attach(s.w->dev[0], 9, dom),
			 -ENODEV);
	assert_int_equal(uiommu_device_pasid_attach(s.dev[0], 9, dom), 0);
	assert_int_equal(ask(&s, 0, 9, AT(3), W), UIOMMU_PAGE_SUCCESS);
	assert_true(reaches(&s, 0, 9, AT(3), true));
	/* From a space to an ordinary domain, and back. */
	{
		struct uiommu_domain *plain = new_domain(s.w);

		assert_int_equal(
			uiommu_device_pasid_replace(s.dev[0], 9, plain), 0);
		assert_false(reaches(&s, 0, 9, AT(3), true));
		assert_int_equal(uiommu_device_pasid_replace(s.dev[0], 9, dom),
				 0);
		assert_true(reaches(&s, 0, 9, AT(3), true));
		uiommu_device_pasid_detach(s.dev[0], 9);
		uiommu_domain_free(plain);
	}
	uiommu_domain_free(dom);
	scene_close(&s);
}

/* The door that asks nobody whether the devices can be told apart. */
static void not_for_a_whole_group(void **state)
{
	struct uiommu_domain_cfg cfg = { .hw.type = UIOMMU_DOM_SHARED };
	struct uiommu_device_cfg more = { .hw.pasid_bits = PASID_BITS };
	struct uiommu_device *pair[2], *open;
	struct uiommu_group *group;
	struct uiommu_domain *dom;
	struct scene s;

	scene_open(&s, state);
	cfg.mm = &s.space.mm;
	assert_int_equal(uiommu_domain_alloc_cfg(s.dev[0], &cfg, &dom), 0);
	for (unsigned int i = 0; i < 2; i++) {
		more.group_with = i ? pair[0] : NULL;
		pair[i] = add_waiting(s.w, 30 + i, &more);
	}
	group = uiommu_device_group(pair[0]);
	assert_int_equal(uiommu_group_pasid_attach(group, 9, dom), -EINVAL);
	more.group_with = NULL;
	more.routes_by_address = true;
	open = add_waiting(s.w, 32, &more);
	assert_int_equal(uiommu_group_pasid_attach(uiommu_device_group(open), 9,
						   dom),
			 -EINVAL);
	assert_int_equal(uiommu_device_nr_pasids(open), 0);
	/* Alone it may. */
	uiommu_device_remove(pair[1]);
	assert_int_equal(uiommu_group_pasid_attach(group, 9, dom), 0);
	uiommu_group_pasid_detach(group, 9);
	uiommu_device_remove(pair[0]);
	uiommu_device_remove(open);
	uiommu_domain_free(dom);
	scene_close(&s);
}

/* A device behind another unit, of `ias` input bits. */
static struct uiommu_device *behind(struct world *w, uint8_t ias,
				    struct fake_unit **fu)
{
	struct uiommu_device *dev;

	*fu = new_unit(w);
	(*fu)->ias = ias;
	(*fu)->page_faults = true;
	assert_int_equal(uiommu_core_add_unit(w->core, &(*fu)->unit), 0);
	assert_int_equal(add_device(w, *fu, 40, NULL, &dev), 0);
	return dev;
}

static void devices_behind_several_units(void **state)
{
	struct uiommu_sva *near, *far, *no = NULL;
	struct fake_unit *alike, *other;
	struct uiommu_device *dev[2];
	struct uiommu_page_request req = {
		.flags = UIOMMU_PAGE_WRITE | UIOMMU_PAGE_LAST,
		.id = 40,
		.token = 1,
		.iova = AT(1),
	};
	struct scene s;
	uiommu_pa_t pa;

	scene_open(&s, state);
	dev[0] = behind(s.w, 48, &alike);
	dev[1] = behind(s.w, 40, &other);
	near = bind_ok(&s, 0);
	assert_int_equal(uiommu_sva_bind(dev[0], &s.space.mm, &far), 0);
	assert_int_equal(uiommu_sva_bind(dev[1], &s.space.mm, &no), -EINVAL);
	assert_null(no);
	assert_int_equal(uiommu_device_nr_pasids(dev[1]), 0);
	req.pasid = uiommu_sva_pasid(far);
	assert_int_equal(req.pasid, uiommu_sva_pasid(near));
	/* What one asks for the other finds, and both lose it. */
	fake_page_request(alike, &req);
	assert_int_equal(alike->answer.code, UIOMMU_PAGE_SUCCESS);
	assert_true(reaches(&s, 0, req.pasid, AT(1), true));
	assert_int_equal(fake_dma_pasid(alike, 40, req.pasid, AT(1), true, &pa),
			 0);
	begin(&s.space, AT(1), AT(2) - 1);
	assert_false(reaches(&s, 0, req.pasid, AT(1), true));
	assert_int_equal(fake_dma_pasid(alike, 40, req.pasid, AT(1), true, &pa),
			 -EFAULT);
	end(&s.space, AT(1), AT(2) - 1);
	/* Of two, the later to go is not the one whose unit made the domain. */
	uiommu_sva_unbind(near);
	req.token = 2;
	fake_page_request(alike, &req);
	assert_int_equal(fake_dma_pasid(alike, 40, req.pasid, AT(1), true, &pa),
			 0);
	uiommu_sva_unbind(far);
	uiommu_device_remove(dev[0]);
	uiommu_device_remove(dev[1]);
	scene_close(&s);
}

/* ------------------------------------------------------------- failures -- */

/* A child has nobody who tells and nobody who flushes. */
static void in_a_child_of_fork(void **state)
{
	struct scene s;
	uint32_t pasid = scene_bind(&s, state);
	struct uiommu_sva *more;
	int status;
	pid_t pid = fork();

	if (!pid) {
		unsigned int bad = 0;

		if (ask(&s, 0, pasid, AT(1), W) != UIOMMU_PAGE_INVALID)
			bad |= 1;
		if (uiommu_sva_bind(s.dev[1], &s.space.mm, &more) != -EBUSY)
			bad |= 2;
		uiommu_sva_unbind(s.sva);
		if (uiommu_device_nr_pasids(s.dev[0]))
			bad |= 4;
		_exit((int)bad);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(ask(&s, 0, pasid, AT(1), W), UIOMMU_PAGE_SUCCESS);
	scene_unbind(&s);
}

/* The nth allocation of a bind, then of a fault, fails: all is as it was. */
static void out_of_memory(void **state)
{
	struct uiommu_sva *sva = NULL, *second = NULL;
	unsigned int failures = 0;
	struct scene s;
	uint64_t live;
	uint32_t p;
	int rc;

	scene_open(&s, state);
	uiommu_host_barrier(s.w->host);
	live = uiommu_host_live(s.w->host);
	for (uint64_t n = 1;; n++) {
		uiommu_host_fail_nth(s.w->host, n);
		rc = uiommu_sva_bind(s.dev[0], &s.space.mm, &sva);
		if (!uiommu_host_fail_nth(s.w->host, 0))
			break;
		failures++;
		assert_int_equal(rc, -ENOMEM);
		assert_null(sva);
		assert_int_equal(s.space.nr, 0);
		assert_int_equal(uiommu_device_nr_pasids(s.dev[0]), 0);
		uiommu_host_barrier(s.w->host);
		assert_int_equal(uiommu_host_live(s.w->host), live);
	}
	assert_int_equal(rc, 0);
	assert_true(failures >= 6);
	p = uiommu_sva_pasid(sva);
	/* A second device: the first one keeps what it has. */
	failures = 0;
	for (uint64_t n = 1;; n++) {
		uiommu_host_fail_nth(s.w->host, n);
		rc = uiommu_sva_bind(s.dev[1], &s.space.mm, &second);
		if (!uiommu_host_fail_nth(s.w->host, 0))
			break;
		failures++;
		assert_int_equal(rc, -ENOMEM);
		assert_null(second);
		assert_int_equal(s.space.nr, 1);
		assert_int_equal(uiommu_device_nr_pasids(s.dev[0]), 1);
		assert_int_equal(uiommu_device_nr_pasids(s.dev[1]), 0);
	}
	assert_int_equal(rc, 0);
	assert_true(failures >= 1);
	/* Of a fault: its group, then the page's tables. */
	failures = 0;
	for (uint64_t n = 1;; n++) {
		unsigned int code;

		uiommu_host_fail_nth(s.w->host, n);
		code = ask(&s, 0, p, AT(0), W);
		if (!uiommu_host_fail_nth(s.w->host, 0)) {
			assert_int_equal(code, UIOMMU_PAGE_SUCCESS);
			break;
		}
		failures++;
		assert_int_not_equal(code, UIOMMU_PAGE_SUCCESS);
		assert_false(reaches(&s, 0, p, AT(0), false));
	}
	assert_true(failures >= 2);
	assert_true(reaches(&s, 1, p, AT(0), true));
	uiommu_sva_unbind(second);
	uiommu_sva_unbind(sva);
	scene_close(&s);
}

/* The driver refuses. */
static void the_driver_refuses(void **state)
{
	static const int rcs[] = { -ENOSPC, -EINVAL, -ETIMEDOUT };
	struct uiommu_sva *sva = NULL;
	struct scene s;

	scene_open(&s, state);
	for (unsigned int i = 0; i < ARRAY_SIZE(rcs); i++) {
		s.w->fu->fail_rc = rcs[i];
		s.w->fu->fail_pasid = 1;
		assert_int_equal(uiommu_sva_bind(s.dev[0], &s.space.mm, &sva),
				 rcs[i]);
		assert_null(sva);
		assert_int_equal(s.space.nr, 0);
	}
	sva = bind_ok(&s, 0);
	uiommu_sva_unbind(sva);
	scene_close(&s);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, world_open, world_close)
	const struct CMUnitTest tests[] = {
		TEST(bind_is_counted_by_device_and_space),
		TEST(who_may_not_bind),
		TEST(who_does_not_line_up),
		TEST(a_bound_pasid_is_bind_s),
		TEST(bound_before_and_taken_off),
		TEST(bound_and_removed),
		TEST(the_domain_by_itself),
		TEST(not_for_a_whole_group),
		TEST(devices_behind_several_units),
		TEST(in_a_child_of_fork),
		TEST(out_of_memory),
		TEST(the_driver_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
