/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * iopf_test.c - IO page faults in the core: who gets a group, who answers it,
 * and that nobody waits for ever.
 */
#include "base/bits.h"
#include "world.h"

#define KEPT 16

/* A handler that keeps what it gets. */
struct keeper {
	struct uiommu_iopf_group *group[KEPT];
	unsigned int nr, withdrawn;
	int rc;	     /* what the next call returns */
	bool answer; /* Success at once */
	uint32_t perm, fault_nr;
};

static int on_group(void *ctx, struct uiommu_iopf_group *group)
{
	struct keeper *k = ctx;

	k->fault_nr = group->nr;
	k->perm = group->fault[group->nr - 1].perm;
	if (k->rc)
		return k->rc;
	if (k->answer) {
		assert_int_equal(uiommu_iopf_group_respond(group,
							   UIOMMU_PAGE_SUCCESS),
				 0);
		uiommu_iopf_group_put(group);
		return 0;
	}
	assert_true(k->nr < KEPT);
	k->group[k->nr++] = group;
	return 0;
}

static void on_withdrawn(void *ctx, struct uiommu_iopf_group *group)
{
	struct keeper *k = ctx;

	for (unsigned int i = 0; i < k->nr; i++)
		if (k->group[i] == group)
			k->withdrawn++;
}

static const struct uiommu_iopf_ops keeper_ops = { on_group, on_withdrawn };

static void let_all_go(struct keeper *k)
{
	while (k->nr)
		uiommu_iopf_group_put(k->group[--k->nr]);
	k->withdrawn = 0;
}

struct scene {
	struct world *w;
	struct uiommu_device *dev; /* can wait; id 20 */
	struct uiommu_group *group;
	struct uiommu_domain *dom; /* with the handler */
	struct keeper k;
};

static struct uiommu_device *add_waiting(struct world *w, uint32_t id,
					 struct uiommu_device *mate)
{
	struct uiommu_device_cfg cfg = {
		.hw = { .name = "w",
			.ids = &id,
			.nr_ids = 1,
			.pasid_bits = PASID_BITS },
		.group_with = mate,
	};
	struct uiommu_device *dev;

	w->fu->page_faults = true;
	assert_int_equal(uiommu_device_add(w->core, &w->fu->unit, &cfg, &dev),
			 0);
	w->fu->page_faults = false;
	return dev;
}

static struct uiommu_domain *handled(struct scene *s)
{
	struct uiommu_domain *dom = new_domain(s->w);

	assert_int_equal(
		uiommu_domain_set_iopf_handler(dom, &keeper_ops, &s->k), 0);
	return dom;
}

static void scene_open(struct scene *s, void **state)
{
	*s = (struct scene){ .w = *state };
	s->dev = add_waiting(s->w, 20, NULL);
	s->group = uiommu_device_group(s->dev);
	s->dom = handled(s);
}

static void scene_close(struct scene *s)
{
	uiommu_group_detach(s->group);
	let_all_go(&s->k);
	assert_int_equal(fake_waiting(s->w->fu), 0);
	assert_int_equal(s->w->fu->bad_answers, 0);
	uiommu_device_remove(s->dev);
	uiommu_domain_free(s->dom);
}

static void ask_by(struct scene *s, uint32_t pasid, uint32_t token,
		   uiommu_iova_t iova, uint32_t flags)
{
	const struct uiommu_page_request req = {
		.flags = flags,
		.id = 20,
		.pasid = pasid,
		.token = token,
		.iova = iova,
	};

	fake_page_request(s->w->fu, &req);
}

static void ask(struct scene *s, uint32_t token, uiommu_iova_t iova,
		uint32_t flags)
{
	ask_by(s, UIOMMU_NO_PASID, token, iova, flags);
}

#define LAST (UIOMMU_PAGE_READ | UIOMMU_PAGE_LAST)

static void stall(struct scene *s, uint32_t token, uint32_t flags)
{
	const struct uiommu_fault fault = {
		.kind = UIOMMU_FAULT_TRANSLATION,
		.flags = flags,
		.id = 20,
		.pasid = UIOMMU_NO_PASID,
		.token = token,
		.iova = 0x1234,
	};

	fake_stall(s->w->fu, &fault);
}

/* ----------------------------------------------------------------- tests -- */

static void a_group_is_given_whole_and_answered_once(void **state)
{
	struct uiommu_iopf_group *g;
	struct scene s;

	scene_open(&s, state);
	assert_int_equal(uiommu_group_attach(s.group, s.dom), 0);
	ask(&s, 7, 0x1000, UIOMMU_PAGE_READ);
	ask(&s, 8, 0x9000, UIOMMU_PAGE_READ);
	ask(&s, 7, 0x2000, UIOMMU_PAGE_WRITE);
	assert_int_equal(s.k.nr, 0);
	ask(&s, 7, 0x3000,
	    UIOMMU_PAGE_EXEC | UIOMMU_PAGE_PRIV | UIOMMU_PAGE_LAST);
	assert_int_equal(s.k.nr, 1);
	g = s.k.group[0];
	assert_ptr_equal(g->dev, s.dev);
	assert_ptr_equal(g->domain, s.dom);
	assert_int_equal(g->pasid, UIOMMU_NO_PASID);
	assert_int_equal(g->token, 7);
	assert_false(g->stalled);
	assert_int_equal(g->nr, 3);
	assert_int_equal(g->fault[0].iova, 0x1000);
	assert_int_equal(g->fault[0].perm, UIOMMU_PAGE_READ);
	assert_int_equal(g->fault[1].iova, 0x2000);
	assert_int_equal(g->fault[1].perm, UIOMMU_PAGE_WRITE);
	assert_int_equal(g->fault[2].iova, 0x3000);
	assert_int_equal(g->fault[2].perm, UIOMMU_PAGE_EXEC | UIOMMU_PAGE_PRIV);
	assert_int_equal(fake_waiting(s.w->fu), 1);

	assert_int_equal(uiommu_iopf_group_respond(g, UIOMMU_PAGE_FAILURE + 1),
			 -EINVAL);
	assert_int_equal(fake_waiting(s.w->fu), 1);
	assert_int_equal(uiommu_iopf_group_respond(g, UIOMMU_PAGE_SUCCESS), 0);
	assert_int_equal(s.w->fu->answer.code, UIOMMU_PAGE_SUCCESS);
	assert_int_equal(s.w->fu->answer.token, 7);
	assert_int_equal(uiommu_iopf_group_respond(g, UIOMMU_PAGE_SUCCESS),
			 -ENOENT);
	assert_int_equal(s.w->fu->answers, 1);

	/* The other group comes with its own last. */
	ask(&s, 8, 0xa000, LAST);
	assert_int_equal(s.k.group[1]->nr, 2);
	assert_true(s.k.group[1]->id > g->id);
	assert_int_equal(uiommu_device_iopf_respond(s.dev, g->id,
						    UIOMMU_PAGE_SUCCESS),
			 -ENOENT);
	assert_int_equal(uiommu_device_iopf_respond(s.w->dev[0],
						    s.k.group[1]->id,
						    UIOMMU_PAGE_SUCCESS),
			 -ENOENT);
	assert_int_equal(uiommu_device_iopf_respond(s.dev, s.k.group[1]->id,
						    UIOMMU_PAGE_INVALID),
			 0);
	assert_int_equal(s.w->fu->answer.code, UIOMMU_PAGE_INVALID);
	assert_int_equal(s.w->faults, 0);
	scene_close(&s);
}

static void a_stalled_fault_is_a_group_of_one(void **state)
{
	struct scene s;

	scene_open(&s, state);
	assert_int_equal(uiommu_group_attach(s.group, s.dom), 0);
	stall(&s, 3, UIOMMU_FAULT_WRITE | UIOMMU_FAULT_PRIV);
	assert_int_equal(s.k.nr, 1);
	assert_true(s.k.group[0]->stalled);
	assert_int_equal(s.k.group[0]->nr, 1);
	assert_int_equal(s.k.group[0]->fault[0].iova, 0x1234);
	assert_int_equal(s.k.perm, UIOMMU_PAGE_WRITE | UIOMMU_PAGE_PRIV);
	stall(&s, 4, UIOMMU_FAULT_INSTR);
	assert_int_equal(s.k.perm, UIOMMU_PAGE_READ | UIOMMU_PAGE_EXEC);
	assert_int_equal(uiommu_iopf_group_respond(s.k.group[1],
						   UIOMMU_PAGE_SUCCESS),
			 0);
	assert_true(s.w->fu->answer.stalled);
	assert_int_equal(s.w->fu->answer.token, 4);
	scene_close(&s);
	assert_int_equal(s.w->faults, 0);
}

static void without_a_handler_the_answer_is_invalid(void **state)
{
	struct uiommu_domain *plain;
	struct scene s;

	scene_open(&s, state);
	plain = new_domain(s.w);
	/* Blocked, then a domain without handler. */
	for (unsigned int i = 0; i < 2; i++) {
		s.w->faults = 0;
		ask(&s, 1, 0x1000, UIOMMU_PAGE_READ);
		ask(&s, 1, 0x2000, UIOMMU_PAGE_WRITE | UIOMMU_PAGE_LAST);
		assert_int_equal(s.w->fu->answer.code, UIOMMU_PAGE_INVALID);
		assert_int_equal(s.w->faults, 1);
		assert_ptr_equal(s.w->fault_dev, s.dev);
		assert_int_equal(s.w->fault.iova, 0x2000);
		assert_int_equal(s.w->fault.flags, UIOMMU_FAULT_WRITE);
		stall(&s, 2, 0);
		assert_int_equal(s.w->fu->answer.code, UIOMMU_PAGE_INVALID);
		assert_true(s.w->fu->answer.stalled);
		assert_int_equal(s.w->faults, 2);
		assert_int_equal(fake_waiting(s.w->fu), 0);
		if (!i)
			assert_int_equal(uiommu_group_attach(s.group, plain),
					 0);
	}
	/* A PASID that has no domain is not the device's own. */
	assert_int_equal(uiommu_group_replace(s.group, s.dom), 0);
	{
		const struct uiommu_page_request req = {
			.flags = LAST,
			.id = 20,
			.pasid = 5,
		};

		fake_page_request(s.w->fu, &req);
	}
	assert_int_equal(s.k.nr, 0);
	assert_int_equal(s.w->fu->answer.pasid, 5);
	assert_int_equal(s.w->fu->answer.code, UIOMMU_PAGE_INVALID);
	scene_close(&s);
	uiommu_domain_free(plain);
}

static void handlers_need_devices_that_wait(void **state)
{
	struct uiommu_group *g;
	struct uiommu_domain *plain;
	struct uiommu_device *mate;
	struct scene s;

	scene_open(&s, state);
	plain = new_domain(s.w);
	g = uiommu_device_group(s.w->dev[0]);
	assert_int_equal(uiommu_domain_set_iopf_handler(s.dom, &keeper_ops,
							&s.k),
			 -EBUSY);
	assert_int_equal(uiommu_group_attach(g, s.dom), -ENODEV);
	assert_null(uiommu_group_domain(g));
	assert_int_equal(uiommu_group_attach(g, plain), 0);
	assert_int_equal(uiommu_group_replace(g, s.dom), -ENODEV);
	assert_ptr_equal(uiommu_group_domain(g), plain);
	assert_int_equal(uiommu_domain_set_iopf_handler(plain, &keeper_ops,
							&s.k),
			 -EBUSY);
	uiommu_group_detach(g);

	/* One of two cannot. */
	{
		uint32_t id = 21;
		struct uiommu_device_cfg cfg = {
			.hw = { .name = "m", .ids = &id, .nr_ids = 1 },
			.group_with = s.dev,
		};

		assert_int_equal(uiommu_device_add(s.w->core, &s.w->fu->unit,
						   &cfg, &mate),
				 0);
	}
	assert_int_equal(uiommu_group_attach(s.group, s.dom), -ENODEV);
	ask(&s, 1, 0x1000, LAST);
	assert_int_equal(s.k.nr, 0);
	uiommu_device_remove(mate);
	assert_int_equal(uiommu_group_attach(s.group, s.dom), 0);
	scene_close(&s);
	uiommu_domain_free(plain);
}

/* Each way out answers what waits, once, before it returns. */
static void leaving_withdraws(void **state)
{
	struct uiommu_domain *other;
	struct uiommu_core_stats stats;
	struct uiommu_device *mate;
	struct scene s;
	int owner;

	scene_open(&s, state);
	mate = add_waiting(s.w, 21, s.dev);
	other = handled(&s);
	for (unsigned int way = 0; way < 4; way++) {
		if (way == 2)
			assert_int_equal(
				uiommu_device_claim_owner(s.dev, &owner), 0);
		assert_int_equal(uiommu_group_attach(s.group, s.dom), 0);
		ask(&s, 1, 0x1000, LAST);
		stall(&s, 2, 0);
		ask(&s, 3, 0x1000, UIOMMU_PAGE_READ);
		ask(&s, 4, 0x1000, LAST);
		assert_int_equal(uiommu_iopf_group_respond(s.k.group[2],
							   UIOMMU_PAGE_SUCCESS),
				 0);
		if (way == 0)
			uiommu_group_detach(s.group);
		else if (way == 1)
			assert_int_equal(uiommu_group_replace(s.group, other),
					 0);
		else if (way == 2)
			uiommu_device_release_owner(s.dev);
		else
			uiommu_device_remove(s.dev);
		assert_int_equal(fake_waiting(s.w->fu), 0);
		assert_int_equal(s.k.withdrawn, 2);
		assert_int_equal(s.w->fu->answer.code, UIOMMU_PAGE_INVALID);
		assert_int_equal(uiommu_iopf_group_respond(s.k.group[0],
							   UIOMMU_PAGE_SUCCESS),
				 -ENOENT);
		let_all_go(&s.k);
		if (way == 1) {
			/* What had come without its last is not the next's. */
			ask(&s, 3, 0x2000, LAST);
			assert_int_equal(s.k.fault_nr, 1);
			assert_ptr_equal(s.k.group[0]->domain, other);
			uiommu_group_detach(s.group);
			let_all_go(&s.k);
		}
	}
	uiommu_group_detach(s.group);
	uiommu_device_remove(mate);
	uiommu_core_stats(s.w->core, &stats);
	assert_int_equal(stats.iopf_groups, 4 * 3 + 1);
	assert_int_equal(stats.iopf_withdrawn, 4 * 2 + 1);
	assert_int_equal(s.w->fu->bad_answers, 0);
	uiommu_domain_free(s.dom);
	uiommu_domain_free(other);
}

/* An attach that fails leaves nothing that could get a group. */
static void a_failed_attach_takes_no_groups(void **state)
{
	struct uiommu_domain *other;
	struct scene s;

	scene_open(&s, state);
	other = handled(&s);
	s.w->fu->fail_attach = 1;
	assert_int_equal(uiommu_group_attach(s.group, s.dom), -ENOMEM);
	ask(&s, 1, 0x1000, LAST);
	assert_int_equal(s.k.nr, 0);
	assert_int_equal(uiommu_group_attach(s.group, s.dom), 0);
	s.w->fu->fail_attach = 1;
	assert_int_equal(uiommu_group_replace(s.group, other), -ENOMEM);
	ask(&s, 1, 0x1000, LAST);
	assert_ptr_equal(s.k.group[0]->domain, s.dom);
	scene_close(&s);
	uiommu_domain_free(other);
}

static void requests_without_a_last_are_bounded(void **state)
{
	struct scene s;
	uint64_t live;

	scene_open(&s, state);
	assert_int_equal(uiommu_group_attach(s.group, s.dom), 0);
	live = uiommu_host_live(s.w->host);
	for (uint32_t i = 0; i < 5000; i++)
		ask(&s, i % 500, i * PAGE, UIOMMU_PAGE_READ);
	assert_true(uiommu_host_live(s.w->host) <= live + 512);
	ask(&s, 499, 0, LAST);
	assert_int_equal(s.k.nr, 1);

	/* A Stop Marker, and records that the hardware has lost. */
	ask(&s, 1, 0x1000, UIOMMU_PAGE_READ);
	ask(&s, 0, 0, UIOMMU_PAGE_STOP);
	ask(&s, 1, 0x1000, LAST);
	assert_int_equal(s.k.fault_nr, 1);
	ask(&s, 2, 0x1000, UIOMMU_PAGE_READ);
	s.w->fu->unit.host->page_requests_lost(s.w->core, &s.w->fu->unit);
	ask(&s, 2, 0x1000, LAST);
	assert_int_equal(s.k.fault_nr, 1);
	ask(&s, 3, 0x1000, UIOMMU_PAGE_READ);
	ask(&s, 3, 0x1000, LAST);
	assert_int_equal(s.k.fault_nr, 2);
	scene_close(&s);
}

static void a_handler_may_fail_or_answer_at_once(void **state)
{
	struct scene s;

	scene_open(&s, state);
	assert_int_equal(uiommu_group_attach(s.group, s.dom), 0);
	s.k.rc = -ENOMEM;
	ask(&s, 1, 0x1000, LAST);
	assert_int_equal(s.w->fu->answer.code, UIOMMU_PAGE_FAILURE);
	assert_int_equal(fake_waiting(s.w->fu), 0);
	s.k.rc = 0;
	s.k.answer = true;
	ask(&s, 1, 0x1000, LAST);
	assert_int_equal(s.w->fu->answer.code, UIOMMU_PAGE_SUCCESS);
	assert_int_equal(fake_waiting(s.w->fu), 0);
	s.k.answer = false;
	/* Hardware that does not answer: the group is over all the same. */
	ask(&s, 1, 0x1000, LAST);
	s.w->fu->fail_response = 1;
	assert_int_equal(uiommu_iopf_group_respond(s.k.group[0],
						   UIOMMU_PAGE_SUCCESS),
			 -ETIMEDOUT);
	assert_int_equal(uiommu_iopf_group_respond(s.k.group[0],
						   UIOMMU_PAGE_SUCCESS),
			 -ENOENT);
	scene_close(&s);
}

/* Out of memory a device is told so; nothing is left behind. */
static void every_allocation_may_fail(void **state)
{
	struct scene s;
	unsigned int failures = 0;
	bool fired = true;
	int rc;

	scene_open(&s, state);
	for (unsigned int n = 1; fired; n++) {
		uint64_t live = uiommu_host_live(s.w->host);

		uiommu_host_fail_nth(s.w->host, n);
		rc = uiommu_group_attach(s.group, s.dom);
		fired = uiommu_host_fail_nth(s.w->host, 0);
		assert_int_equal(rc, fired ? -ENOMEM : 0);
		failures += fired;
		if (fired)
			assert_int_equal(uiommu_host_live(s.w->host), live);
	}
	assert_true(failures >= 1);
	fired = true;
	for (unsigned int n = 1; fired; n++) {
		uiommu_host_fail_nth(s.w->host, n);
		ask(&s, 1, 0x1000, UIOMMU_PAGE_READ);
		ask(&s, 1, 0x2000, LAST);
		fired = uiommu_host_fail_nth(s.w->host, 0);
		if (n == 1) /* a hint less */
			assert_int_equal(s.k.fault_nr, 1);
		else if (n == 2)
			assert_int_equal(s.w->fu->answer.code,
					 UIOMMU_PAGE_FAILURE);
		else
			assert_int_equal(s.k.fault_nr, 2);
		assert_int_equal(s.k.nr, n == 2 ? 0 : 1);
		assert_int_equal(fake_waiting(s.w->fu), s.k.nr);
		if (s.k.nr)
			assert_int_equal(
				uiommu_iopf_group_respond(s.k.group[0],
							  UIOMMU_PAGE_SUCCESS),
				0);
		let_all_go(&s.k);
	}
	scene_close(&s);
}

/* -------------------------------------------------------------- time-outs -- */

static uint64_t the_time;

static uint64_t test_now(void *ctx)
{
	return the_time;
}

/* A core with a clock of the test's. */
static void nobody_waits_for_ever(void **state)
{
	struct world *w = *state;
	struct uiommu_platform platform = *w->platform;
	struct uiommu_core_cfg cfg = { .platform = &platform };
	struct world w2 = { .host = w->host, .platform = &platform };
	struct scene s = { .w = &w2 };

	platform.now_ns = test_now;
	the_time = 1000;
	assert_int_equal(uiommu_core_create(&cfg, &w2.core), 0);
	w2.fu = fake_unit_create(&platform, w2.core);
	assert_int_equal(uiommu_core_add_unit(w2.core, &w2.fu->unit), 0);
	s.dev = w2.dev[0] = add_waiting(&w2, 20, NULL);
	s.group = uiommu_device_group(s.dev);
	s.dom = handled(&s);
	assert_int_equal(uiommu_group_attach(s.group, s.dom), 0);
	ask(&s, 1, 0x1000, LAST);
	the_time += 5;
	ask(&s, 2, 0x2000, LAST);
	the_time += UIOMMU_IOPF_TIMEOUT_NS - 6;
	assert_int_equal(uiommu_core_iopf_expire(w2.core), 0);
	the_time++;
	assert_int_equal(uiommu_core_iopf_expire(w2.core), 1);
	assert_int_equal(w2.fu->answer.code, UIOMMU_PAGE_FAILURE);
	assert_int_equal(w2.fu->answer.token, 1);
	assert_int_equal(s.k.withdrawn, 1);
	assert_int_equal(uiommu_iopf_group_respond(s.k.group[0],
						   UIOMMU_PAGE_SUCCESS),
			 -ENOENT);
	/* The next event does it too. */
	the_time += 5;
	ask(&s, 3, 0x3000, LAST);
	assert_int_equal(w2.fu->answer.token, 2);
	assert_int_equal(s.k.withdrawn, 2);
	assert_int_equal(uiommu_iopf_group_respond(s.k.group[2],
						   UIOMMU_PAGE_SUCCESS),
			 0);
	assert_int_equal(uiommu_core_iopf_expire(w2.core), 0);
	scene_close(&s);
	uiommu_core_destroy(w2.core);
}

static struct {
	unsigned int on, off;
	void *cookie;
} ats;

static void on_ats(void *cookie, bool enable)
{
	ats.cookie = cookie;
	if (enable)
		ats.on++;
	else
		ats.off++;
}

static void ats_is_switched_by_the_embedder(void **state)
{
	struct world *w = *state;
	const struct uiommu_host_ops *host = w->fu->unit.host;
	uint32_t id = 20;
	struct uiommu_device_cfg cfg = {
		.hw = { .name = "a", .ids = &id, .nr_ids = 1, .cookie = w },
		.set_ats = on_ats,
	};
	struct uiommu_device *dev;

	assert_int_equal(uiommu_device_add(w->core, &w->fu->unit, &cfg, &dev),
			 0);
	host->set_ats(w->core, &w->fu->unit, dev, true);
	assert_ptr_equal(ats.cookie, w);
	host->set_ats(w->core, &w->fu->unit, dev, false);
	host->set_ats(w->core, &w->fu->unit, w->dev[0], true);
	assert_int_equal(ats.on, 1);
	assert_int_equal(ats.off, 1);
	uiommu_device_remove(dev);
}

/* The faults of a PASID are its domain's, while it has it. */
static void a_pasid_has_a_handler_of_its_own(void **state)
{
	struct uiommu_domain *plain;
	struct scene s;

	scene_open(&s, state);
	plain = new_domain(s.w);
	assert_int_equal(uiommu_device_pasid_attach(s.w->dev[0], 5, s.dom),
			 -ENODEV);
	assert_int_equal(uiommu_device_nr_pasids(s.w->dev[0]), 0);
	assert_int_equal(uiommu_device_pasid_attach(s.dev, 5, s.dom), 0);
	assert_int_equal(uiommu_device_pasid_attach(s.dev, 6, plain), 0);
	ask(&s, 1, 0x1000, LAST);
	ask_by(&s, 6, 2, 0x1000, LAST);
	assert_int_equal(s.k.nr, 0);
	assert_int_equal(s.w->fu->answer.code, UIOMMU_PAGE_INVALID);
	ask_by(&s, 5, 3, 0x1000, LAST);
	assert_int_equal(s.k.nr, 1);
	assert_int_equal(s.k.group[0]->pasid, 5);
	assert_ptr_equal(s.k.group[0]->domain, s.dom);
	assert_int_equal(uiommu_iopf_group_respond(s.k.group[0],
						   UIOMMU_PAGE_SUCCESS),
			 0);

	/* A replace that fails leaves the handler as it was. */
	s.w->fu->fail_pasid = 1;
	assert_int_equal(uiommu_device_pasid_replace(s.dev, 5, plain), -ENOMEM);
	ask_by(&s, 5, 4, 0x1000, LAST);
	assert_int_equal(s.k.nr, 2);
	assert_int_equal(s.k.withdrawn, 0);
	s.w->fu->fail_pasid = 1;
	assert_int_equal(uiommu_device_pasid_replace(s.dev, 6, s.dom), -ENOMEM);
	ask_by(&s, 6, 5, 0x1000, LAST);
	assert_int_equal(s.k.nr, 2);

	/* What waits when the domain goes is answered for it. */
	assert_int_equal(uiommu_device_pasid_replace(s.dev, 5, plain), 0);
	assert_int_equal(s.k.withdrawn, 1);
	assert_int_equal(s.w->fu->answer.code, UIOMMU_PAGE_INVALID);
	assert_int_equal(uiommu_device_pasid_replace(s.dev, 6, s.dom), 0);
	ask_by(&s, 6, 6, 0x1000, LAST);
	assert_int_equal(s.k.nr, 3);
	uiommu_device_pasid_detach(s.dev, 6);
	assert_int_equal(s.k.withdrawn, 2);
	ask_by(&s, 6, 7, 0x1000, LAST);
	assert_int_equal(s.k.nr, 3);
	uiommu_device_pasid_detach(s.dev, 5);
	uiommu_domain_free(plain);
	scene_close(&s);
}

/* So are those of an auxiliary domain. */
static void an_auxiliary_domain_has_one_too(void **state)
{
	struct uiommu_domain *parent;
	uint32_t pasid;
	struct scene s;

	scene_open(&s, state);
	parent = new_domain(s.w);
	assert_int_equal(uiommu_group_attach(s.group, parent), 0);
	assert_int_equal(uiommu_dev_enable_feature(s.dev, UIOMMU_DEV_FEAT_AUX),
			 0);
	assert_int_equal(uiommu_aux_attach(s.dom, s.dev), 0);
	pasid = (uint32_t)uiommu_aux_pasid(s.dom, s.dev);
	ask_by(&s, pasid, 1, 0x1000, LAST);
	assert_int_equal(s.k.nr, 1);
	uiommu_aux_detach(s.dom, s.dev);
	assert_int_equal(s.k.withdrawn, 1);
	uiommu_group_detach(s.group);
	uiommu_domain_free(parent);
	scene_close(&s);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)
	const struct CMUnitTest tests[] = {
		T(a_group_is_given_whole_and_answered_once),
		T(a_stalled_fault_is_a_group_of_one),
		T(without_a_handler_the_answer_is_invalid),
		T(handlers_need_devices_that_wait),
		T(leaving_withdraws),
		T(a_failed_attach_takes_no_groups),
		T(requests_without_a_last_are_bounded),
		T(a_handler_may_fail_or_answer_at_once),
		T(every_allocation_may_fail),
		T(nobody_waits_for_ever),
		T(ats_is_switched_by_the_embedder),
		T(a_pasid_has_a_handler_of_its_own),
		T(an_auxiliary_domain_has_one_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
