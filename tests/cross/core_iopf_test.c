/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page faults through the core on an SMMUv3, of a device that asks for pages and
 * of one that is stalled, without a PASID and with one.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core_rig.h"

#define IOVA UINT64_C(0x40000000)
#define ASKS 5u
#define STALLS 6u
#define PASID 3u
#define SPACES 2u

/* An address space: the device's own, and its PASID's. */
struct place {
	struct core_rig *cr;
	struct uiommu_domain *dom;
	uint32_t pasid;
	bool keep; /* the groups that come; else map and answer */
	struct uiommu_iopf_group *kept;
	unsigned int came, withdrawn;
};

struct scene {
	struct core_rig cr;
	uint32_t sid;
	struct uiommu_device *dev;
	struct place place[SPACES];
};

/* What stands in the RAM page of this name. */
static uint64_t content(unsigned int page)
{
	return 0xa0 + page;
}

static int on_group(void *ctx, struct uiommu_iopf_group *group)
{
	struct place *p = ctx;

	assert_int_equal(group->pasid, p->pasid);
	assert_int_equal(group->nr, 1);
	p->came++;
	if (p->keep) {
		p->kept = group;
		return 0;
	}
	assert_int_equal(uiommu_domain_map(
				 p->dom, group->fault[0].iova & ~(uint64_t)4095,
				 (uintptr_t)core_rig_word(p->cr, p->pasid % 8),
				 RIG_PAGE, CORE_RIG_RW),
			 0);
	assert_int_equal(uiommu_iopf_group_respond(group, UIOMMU_PAGE_SUCCESS),
			 0);
	uiommu_iopf_group_put(group);
	return 0;
}

static void on_withdrawn(void *ctx, struct uiommu_iopf_group *group)
{
	struct place *p = ctx;

	p->withdrawn++;
	p->kept = NULL;
	uiommu_iopf_group_put(group);
}

static const struct uiommu_iopf_ops place_ops = { on_group, on_withdrawn };

static void new_domain(struct scene *s, struct place *p)
{
	assert_int_equal(uiommu_domain_alloc(s->dev, &p->dom), 0);
	assert_int_equal(uiommu_domain_set_iopf_handler(p->dom, &place_ops, p),
			 0);
}

static void open_scene(struct scene *s, uint32_t sid)
{
	const struct uiommu_hwdev_cfg hw = {
		.pasid_bits = 8,
		.ats = sid == ASKS,
		.pri = sid == ASKS,
		.pri_pasid = true,
		.stall = sid == STALLS,
	};
	struct rig_cfg cfg;

	*s = (struct scene){ .sid = sid };
	rig_default(&cfg);
	cfg.profile.caching = UIOMMU_SMMUV3_CACHING_GREEDY;
	core_rig_open(&s->cr, &cfg);
	for (unsigned int i = 0; i < 8; i++)
		*core_rig_word(&s->cr, i) = content(i);
	s->dev = core_rig_add(&s->cr, 0, sid, &hw);
	for (unsigned int i = 0; i < SPACES; i++) {
		s->place[i].cr = &s->cr;
		s->place[i].pasid = i ? PASID : UIOMMU_NO_PASID;
		new_domain(s, &s->place[i]);
	}
	assert_int_equal(uiommu_group_attach(uiommu_device_group(s->dev),
					     s->place[0].dom),
			 0);
	assert_int_equal(
		uiommu_device_pasid_attach(s->dev, PASID, s->place[1].dom), 0);
}

static void close_scene(struct scene *s)
{
	uiommu_device_pasid_detach(s->dev, PASID);
	uiommu_group_detach(uiommu_device_group(s->dev));
	uiommu_device_remove(s->dev);
	for (unsigned int i = 0; i < SPACES; i++)
		uiommu_domain_free(s->place[i].dom);
	core_rig_close(&s->cr);
}

/* A read of 8 bytes that may wait. */
struct access {
	struct uiommu_smmuv3_dma req;
	uint64_t word;
	int status; /* -EINPROGRESS: it waits */
};

static void on_done(struct uiommu_smmuv3_dma *req, int status)
{
	struct access *a = (struct access *)req;

	a->status = status;
}

static void start(struct scene *s, struct access *a, uint32_t pasid,
		  uint64_t iova)
{
	struct uiommu_smmuv3_endpoint *ep = rig_endpoint(s->cr.rig[0], s->sid);
	int rc;

	*a = (struct access){
		.req = {
			.txn = { .sid = s->sid, .iova = iova },
			.buf = &a->word,
			.len = 8,
			.done = on_done,
		},
		.status = -EINPROGRESS,
	};
	if (pasid != UIOMMU_NO_PASID) {
		a->req.txn.ssid = pasid;
		a->req.txn.flags = UIOMMU_TXN_SSV;
	}
	rc = ep ? uiommu_smmuv3_endpoint_dma(ep, &a->req)
		: uiommu_smmuv3_model_dma(s->cr.rig[0]->model, &a->req);
	if (rc != -EINPROGRESS)
		a->status = rc;
}

/* Pages come from the handler of the space that was asked for them. */
static void pages_come(uint32_t sid)
{
	struct access a[SPACES], b;
	struct scene s;

	open_scene(&s, sid);
	for (unsigned int i = 0; i < SPACES; i++) {
		start(&s, &a[i], s.place[i].pasid, IOVA);
		assert_int_equal(a[i].status, -EINPROGRESS);
	}
	core_rig_irqs(&s.cr);
	for (unsigned int i = 0; i < SPACES; i++) {
		assert_int_equal(a[i].status, 0);
		assert_int_equal(a[i].word, content(s.place[i].pasid % 8));
		assert_int_equal(s.place[i].came, 1);
		/* It is there now. */
		start(&s, &b, s.place[i].pasid, IOVA + 8);
		assert_int_equal(b.status, 0);
	}
	/* A PASID without a domain has no handler. */
	start(&s, &b, PASID + 1, IOVA);
	core_rig_irqs(&s.cr);
	assert_int_equal(b.status, -EFAULT);
	assert_int_equal(s.place[0].came + s.place[1].came, 2);
	close_scene(&s);
}

/* One space goes while both wait: that one's access ends, and no other. */
static void one_space_goes(uint32_t sid)
{
	struct access a[SPACES];
	struct uiommu_domain *old;
	struct scene s;

	open_scene(&s, sid);
	for (unsigned int i = 0; i < SPACES; i++) {
		s.place[i].keep = true;
		start(&s, &a[i], s.place[i].pasid, IOVA);
	}
	core_rig_irqs(&s.cr);
	assert_int_equal(s.place[0].came + s.place[1].came, 2);
	old = s.place[1].dom;
	new_domain(&s, &s.place[1]);
	assert_int_equal(
		uiommu_device_pasid_replace(s.dev, PASID, s.place[1].dom), 0);
	uiommu_domain_free(old);
	assert_int_equal(s.place[1].withdrawn, 1);
	assert_int_equal(a[1].status, -EFAULT);
	assert_int_equal(s.place[0].withdrawn, 0);
	assert_int_equal(a[0].status, -EINPROGRESS);
	/* The next fault is the new domain's. */
	s.place[1].keep = false;
	start(&s, &a[1], PASID, IOVA);
	core_rig_irqs(&s.cr);
	assert_int_equal(a[1].status, 0);
	assert_int_equal(a[1].word, content(PASID));

	uiommu_group_detach(uiommu_device_group(s.dev));
	assert_int_equal(s.place[0].withdrawn, 1);
	assert_int_equal(a[0].status, -EFAULT);
	/* The PASID's domain stays. */
	start(&s, &a[1], PASID, IOVA);
	assert_int_equal(a[1].status, 0);
	close_scene(&s);
}

static void a_device_that_asks(void **state)
{
	pages_come(ASKS);
	one_space_goes(ASKS);
}

static void a_device_that_is_stalled(void **state)
{
	pages_come(STALLS);
	one_space_goes(STALLS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_device_that_asks),
		cmocka_unit_test(a_device_that_is_stalled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
