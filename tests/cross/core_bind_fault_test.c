/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices of a guest whose PASID table is bound to a domain, on the driver and the
 * model: whose their faults are, and those that wait.
 */
#include "bound_guest.h"

/* ----------------------------------------------------------------- faults -- */

struct told {
	unsigned int nr;
	struct uiommu_device *dev;
	struct uiommu_fault fault;
	bool take;
};

static bool on_fault(void *ctx, struct uiommu_device *dev,
		     const struct uiommu_fault *fault)
{
	struct told *told = ctx;

	told->nr++;
	told->dev = dev;
	told->fault = *fault;
	return told->take;
}

static void a_bad_context_is_the_guests_to_know(void **state)
{
	struct told told = { .take = true };
	struct bound b;

	bound_open(&b);
	bound_attach(&b, 0, 5, false);
	bound_attach(&b, 1, 6, false);
	uiommu_domain_set_fault_handler(b.dom, on_fault, &told);
	bound_bind(&b, &bound_cds);
	memset(page(&b.g, CDS) + 8 * 7, 0, 64);
	assert_int_equal(bound_read(&b, 1, 6, 7, IOVA), 0);
	assert_int_equal(told.nr, 1);
	assert_ptr_equal(told.dev, b.dev[1]);
	assert_int_equal(told.fault.kind, UIOMMU_FAULT_CONFIG);
	assert_int_equal(told.fault.raw_type, 0x0a); /* C_BAD_CD */
	assert_int_equal(told.fault.pasid, 7);
	assert_int_equal(b.cr.nr_faults, 0);
	/* Who does not take it leaves it to others. */
	told.take = false;
	assert_int_equal(bound_read(&b, 0, 5, PASID, 0x1000), 0);
	assert_int_equal(told.nr, 2);
	assert_ptr_equal(told.dev, b.dev[0]);
	assert_int_equal(told.fault.kind, UIOMMU_FAULT_TRANSLATION);
	assert_int_equal(told.fault.flags & UIOMMU_FAULT_STAGE2, 0);
	assert_int_equal(b.cr.nr_faults, 1);
	uiommu_domain_set_fault_handler(b.dom, NULL, NULL);
	assert_int_equal(bound_read(&b, 0, 5, PASID, 0x1000), 0);
	assert_int_equal(told.nr, 2);
	assert_int_equal(b.cr.nr_faults, 2);
	bound_close(&b);
}

/* A domain with the memory of somebody else, or of no guest. */
static struct uiommu_domain *domain_of(struct bound *b, bool guest)
{
	const struct uiommu_domain_cfg cfg = {
		.hw = { .type = UIOMMU_DOM_PAGING,
			.stage = UIOMMU_STAGE_2,
			.flags = guest ? UIOMMU_DOM_NEST_PARENT : 0 },
	};
	struct uiommu_domain *dom;

	assert_int_equal(uiommu_domain_alloc_cfg(b->dev[0], &cfg, &dom), 0);
	return dom;
}

/* How a device comes from one domain to another. */
enum way {
	REPLACED,
	DETACHED,
	WAYS,
};

static void go_to(struct bound *b, enum way way, struct uiommu_domain *next)
{
	struct uiommu_group *group = bound_group(b, 0);

	if (way == REPLACED) {
		assert_int_equal(uiommu_group_replace(group, next), 0);
		return;
	}
	assert_int_equal(uiommu_group_detach(group), 0);
	assert_int_equal(uiommu_group_attach(group, next), 0);
}

/* What one has done before is nothing for the next, a guest with a table or without. */
static void what_another_did(bool bound, enum way way, bool guest)
{
	struct told mine = { .take = true }, next = { .take = true };
	struct uiommu_domain *dom;
	unsigned int faults;
	struct bound b;

	bound_open(&b);
	bound_attach(&b, 0, 5, false);
	uiommu_domain_set_fault_handler(b.dom, on_fault, &mine);
	if (bound)
		bound_bind(&b, &bound_cds);
	dom = domain_of(&b, guest);
	uiommu_domain_set_fault_handler(dom, on_fault, &next);
	faults = b.cr.nr_faults;
	/* Nobody reads the queue yet. */
	assert_int_equal(core_rig_read(&b.cr, 0, 5, UIOMMU_NO_PASID, 0x1000),
			 0);
	go_to(&b, way, dom);
	core_rig_irqs(&b.cr);
	assert_int_equal(mine.nr + next.nr, 0);
	assert_int_equal(b.cr.nr_faults, faults + 1);
	/* What it does from then on is. */
	assert_int_equal(bound_read(&b, 0, 5, UIOMMU_NO_PASID, 0x1000), 0);
	assert_int_equal(next.nr, 1);
	/* And the other way. */
	assert_int_equal(core_rig_read(&b.cr, 0, 5, UIOMMU_NO_PASID, 0x1000),
			 0);
	go_to(&b, way, b.dom);
	core_rig_irqs(&b.cr);
	assert_int_equal(mine.nr, 0);
	assert_int_equal(next.nr, 1);
	uiommu_domain_free(dom);
	bound_close(&b);
}

static void each_way_from_one_to_another(void **state)
{
	for (int way = 0; way < WAYS; way++)
		for (int bound = 0; bound < 2; bound++)
			for (int guest = 0; guest < 2; guest++)
				what_another_did(bound, (enum way)way, guest);
}

/* One who is no guest answers for who came before him, and so is told. */
static void from_a_domain_of_the_host_to_another(void **state)
{
	struct told next = { .take = true };
	struct uiommu_domain *dom[2];
	struct bound b;

	bound_open(&b);
	bound_add(&b, 0, 5, false);
	for (unsigned int i = 0; i < 2; i++)
		dom[i] = domain_of(&b, false);
	assert_int_equal(uiommu_group_attach(bound_group(&b, 0), dom[0]), 0);
	uiommu_domain_set_fault_handler(dom[1], on_fault, &next);
	assert_int_equal(core_rig_read(&b.cr, 0, 5, UIOMMU_NO_PASID, 0x1000),
			 0);
	go_to(&b, REPLACED, dom[1]);
	core_rig_irqs(&b.cr);
	assert_int_equal(next.nr, 1);
	assert_int_equal(uiommu_group_detach(bound_group(&b, 0)), 0);
	for (unsigned int i = 0; i < 2; i++)
		uiommu_domain_free(dom[i]);
	bound_close(&b);
}

/* ------------------------------------------------------ faults that wait -- */

/* A read that may wait. */
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

static void start(struct bound *b, struct access *a, uint32_t sid,
		  uint32_t pasid, uint64_t iova)
{
	struct uiommu_smmuv3_endpoint *ep = rig_endpoint(b->cr.rig[0], sid);
	bool none = pasid == UIOMMU_NO_PASID;
	int rc;

	*a = (struct access){
		.req = {
			.txn = { .sid = sid,
				 .iova = iova,
				 .ssid = none ? 0 : pasid,
				 .flags = none ? 0 : UIOMMU_TXN_SSV },
			.buf = &a->word,
			.len = 8,
			.done = on_done,
		},
		.status = -EINPROGRESS,
	};
	rc = ep ? uiommu_smmuv3_endpoint_dma(ep, &a->req)
		: uiommu_smmuv3_model_dma(b->cr.rig[0]->model, &a->req);
	if (rc != -EINPROGRESS)
		a->status = rc;
}

/* A guest that keeps a group, and answers when it is told to. */
struct pager {
	struct uiommu_iopf_group *group;
	unsigned int came, withdrawn;
};

static int on_group(void *ctx, struct uiommu_iopf_group *group)
{
	struct pager *p = ctx;

	assert_null(p->group);
	p->group = group;
	p->came++;
	return 0;
}

static void on_withdrawn(void *ctx, struct uiommu_iopf_group *group)
{
	struct pager *p = ctx;

	assert_ptr_equal(p->group, group);
	uiommu_iopf_group_put(group);
	p->group = NULL;
	p->withdrawn++;
}

static void respond(struct pager *p, enum uiommu_page_code code)
{
	assert_int_equal(uiommu_iopf_group_respond(p->group, code), 0);
	uiommu_iopf_group_put(p->group);
	p->group = NULL;
}

static void faults_that_wait(uint32_t sid, bool stall)
{
	static const struct uiommu_iopf_ops ops = { on_group, on_withdrawn };
	const struct uiommu_hwdev_cfg hw = {
		.pasid_bits = 8,
		.ats = !stall,
		.pri = !stall,
		.pri_pasid = true,
		.stall = stall,
	};
	const uint64_t iova = IOVA + 8 * RIG_PAGE;
	struct pager p = { 0 };
	struct access a;
	struct bound b;

	bound_open(&b);
	/* The context lets what faults wait. */
	if (stall)
		page(&b.g, CDS)[8 * PASID] |= UINT64_C(1) << 44;
	bound_add_like(&b, 0, &sid, 1, &hw);
	assert_int_equal(uiommu_domain_set_iopf_handler(b.dom, &ops, &p), 0);
	assert_int_equal(uiommu_group_attach(bound_group(&b, 0), b.dom), 0);
	bound_bind(&b, &bound_cds);
	start(&b, &a, sid, PASID, iova);
	assert_int_equal(a.status, -EINPROGRESS);
	core_rig_irqs(&b.cr);
	assert_int_equal(p.came, 1);
	assert_int_equal(p.group->pasid, PASID);
	assert_int_equal(p.group->fault[0].iova & ~UINT64_C(0xfff), iova);
	assert_int_equal(p.group->stalled, stall);
	point(&b.g, 2, iova, ipa(DATA + 7), true);
	respond(&p, UIOMMU_PAGE_SUCCESS);
	core_rig_irqs(&b.cr);
	assert_int_equal(a.status, 0);
	assert_int_equal(a.word, word(&b.g, 7));
	/* One that is refused. */
	start(&b, &a, sid, PASID, iova + RIG_PAGE);
	core_rig_irqs(&b.cr);
	respond(&p, UIOMMU_PAGE_INVALID);
	core_rig_irqs(&b.cr);
	assert_int_equal(a.status, -EFAULT);
	/* One that the device is taken away from. */
	start(&b, &a, sid, PASID, iova + RIG_PAGE);
	core_rig_irqs(&b.cr);
	assert_int_equal(uiommu_group_detach(bound_group(&b, 0)), 0);
	core_rig_irqs(&b.cr);
	assert_int_equal(p.withdrawn, 1);
	assert_int_equal(a.status, -EFAULT);
	assert_int_equal(p.came, 3);
	bound_close(&b);
}

static void a_stalled_access_of_a_guest(void **state)
{
	faults_that_wait(6, true);
}

static void a_page_request_of_a_guest(void **state)
{
	faults_that_wait(5, false);
}

/* What has been asked for and not read goes to the next of the host's, and no guest. */
static void what_is_asked_of_the_next(uint32_t sid, bool stall, bool guest)
{
	static const struct uiommu_iopf_ops ops = { on_group, on_withdrawn };
	const struct uiommu_hwdev_cfg hw = {
		.ats = !stall,
		.pri = !stall,
		.stall = stall,
	};
	struct pager p[2] = { 0 };
	struct uiommu_domain *dom[2];
	struct access a;
	struct bound b;

	bound_open(&b);
	bound_add_like(&b, 0, &sid, 1, &hw);
	for (unsigned int i = 0; i < 2; i++) {
		dom[i] = domain_of(&b, guest);
		assert_int_equal(
			uiommu_domain_set_iopf_handler(dom[i], &ops, &p[i]), 0);
	}
	assert_int_equal(uiommu_group_attach(bound_group(&b, 0), dom[0]), 0);
	start(&b, &a, sid, UIOMMU_NO_PASID, 0x1000);
	assert_int_equal(a.status, -EINPROGRESS);
	go_to(&b, REPLACED, dom[1]);
	core_rig_irqs(&b.cr);
	assert_int_equal(p[0].came, 0);
	assert_int_equal(p[1].came, !guest);
	if (!guest)
		respond(&p[1], UIOMMU_PAGE_INVALID);
	core_rig_irqs(&b.cr);
	assert_int_equal(a.status, -EFAULT);
	assert_int_equal(uiommu_group_detach(bound_group(&b, 0)), 0);
	for (unsigned int i = 0; i < 2; i++)
		uiommu_domain_free(dom[i]);
	bound_close(&b);
}

static void who_is_asked_for_another(void **state)
{
	for (int guest = 0; guest < 2; guest++) {
		what_is_asked_of_the_next(6, true, guest);
		what_is_asked_of_the_next(5, false, guest);
	}
}

/* A device that may not be stalled is not, whatever the guest's contexts say. */
static void who_must_not_be_stalled(void **state)
{
	struct told told = { .take = true };
	struct bound b;

	bound_open(&b);
	page(&b.g, CDS)[8 * PASID] |= UINT64_C(1) << 44;
	bound_attach(&b, 0, 5, false);
	uiommu_domain_set_fault_handler(b.dom, on_fault, &told);
	bound_bind(&b, &bound_cds);
	assert_int_equal(bound_read(&b, 0, 5, PASID, IOVA), 0);
	assert_int_equal(told.nr, 1);
	assert_int_equal(told.fault.raw_type, 0x0a); /* C_BAD_CD */
	assert_int_equal(bound_read(&b, 0, 5, UIOMMU_NO_PASID, IOVA),
			 word(&b.g, 0));
	bound_close(&b);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(a_bad_context_is_the_guests_to_know),
		cmocka_unit_test(each_way_from_one_to_another),
		cmocka_unit_test(from_a_domain_of_the_host_to_another),
		cmocka_unit_test(a_stalled_access_of_a_guest),
		cmocka_unit_test(a_page_request_of_a_guest),
		cmocka_unit_test(who_is_asked_for_another),
		cmocka_unit_test(who_must_not_be_stalled),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
