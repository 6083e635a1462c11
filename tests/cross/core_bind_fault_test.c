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
	int rc;

	*a = (struct access){
		.req = {
			.txn = { .sid = sid,
				 .iova = iova,
				 .ssid = pasid,
				 .flags = UIOMMU_TXN_SSV },
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
		cmocka_unit_test(a_stalled_access_of_a_guest),
		cmocka_unit_test(a_page_request_of_a_guest),
		cmocka_unit_test(who_must_not_be_stalled),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
