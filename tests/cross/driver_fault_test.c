/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver, the model and endpoints: accesses that stall or ask for pages, and
 * how they go on.  ATCs are driver_ats_test.c's.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "driver_rig.h"

#define RW (UIOMMU_PROT_READ | UIOMMU_PROT_WRITE | UIOMMU_PROT_CACHE)
#define SID 5u
#define IOVA UINT64_C(0xfef00000)

struct world {
	struct rig_cfg cfg;
	struct rig *rig;
	struct uiommu_hwdev *dev;
	struct uiommu_hwdom *dom;
	struct uiommu_smmuv3_endpoint *ep; /* NULL: a device that stalls */
};

/* An access that may wait. */
struct job {
	struct uiommu_smmuv3_dma dma;
	int status; /* 1: not over */
	uint64_t word;
};

static void over(struct uiommu_smmuv3_dma *req, int status)
{
	struct job *job =
		(struct job *)(void *)((char *)req - offsetof(struct job, dma));

	job->status = status;
}

static void add_stalling(struct world *w)
{
	uint32_t sid = SID;
	struct uiommu_hwdev_cfg cfg = {
		.ids = &sid,
		.nr_ids = 1,
		.stall = true,
		.pasid_bits = 8,
		.cookie = (void *)(uintptr_t)(0x1000 + SID),
	};

	assert_int_equal(
		w->rig->unit->ops->dev_add(w->rig->unit, &cfg, &w->dev), 0);
}

static struct world begin_with(struct rig_cfg *cfg, bool pri)
{
	struct world w = { .cfg = *cfg };

	w.rig = rig_create(cfg);
	if (pri) {
		w.dev = rig_ats_device(w.rig, SID, 8);
		w.ep = rig_endpoint(w.rig, SID);
	} else {
		add_stalling(&w);
	}
	w.dom = rig_domain(w.rig, UIOMMU_DOM_PAGING);
	rig_attach(w.dom, w.dev);
	return w;
}

static struct world begin(bool pri)
{
	struct rig_cfg cfg;

	rig_default(&cfg);
	return begin_with(&cfg, pri);
}

static void end(struct world *w)
{
	if (w->dev)
		w->rig->unit->ops->dev_remove(w->dev);
	w->rig->unit->ops->dom_free(w->dom);
	rig_destroy(w->rig);
}

/* With a PASID; 0: without. */
static int start_as(struct world *w, struct job *job, uint32_t pasid,
		    uint64_t iova, bool write)
{
	*job = (struct job){
		.dma = { .txn = { .sid = SID,
				  .ssid = pasid,
				  .iova = iova,
				  .flags = (write ? UIOMMU_TXN_WRITE : 0) |
					   (pasid ? UIOMMU_TXN_SSV : 0) },
			 .buf = &job->word,
			 .len = 8,
			 .done = over },
		.status = 1,
		.word = 0x1122334455667788,
	};
	return w->ep ? uiommu_smmuv3_endpoint_dma(w->ep, &job->dma)
		     : uiommu_smmuv3_model_dma(w->rig->model, &job->dma);
}

static int start(struct world *w, struct job *job, uint64_t iova, bool write)
{
	return start_as(w, job, 0, iova, write);
}

static int answer_fault(struct world *w, const struct uiommu_fault *f,
			enum uiommu_page_code code)
{
	const struct uiommu_page_response resp = {
		.stalled = true,
		.id = f->id,
		.pasid = f->pasid,
		.token = f->token,
		.code = code,
	};

	return w->rig->unit->ops->page_response(w->dev, &resp);
}

static int answer_page(struct world *w, const struct uiommu_page_request *r,
		       enum uiommu_page_code code)
{
	const struct uiommu_page_response resp = {
		.id = r->id,
		.pasid = r->pasid,
		.token = r->token,
		.code = code,
	};

	return w->rig->unit->ops->page_response(w->dev, &resp);
}

/* --------------------------------------------------------------- stalls -- */

static void stalled_access_goes_on(void **state)
{
	struct world w = begin(false);
	struct rig *rig = w.rig;
	struct uiommu_unit_caps caps;
	struct job job;

	rig->unit->ops->caps(rig->unit, &caps);
	assert_true(caps.page_faults);
	assert_int_equal(start(&w, &job, IOVA + 8, true), -EINPROGRESS);
	rig_irqs(rig);
	assert_int_equal(rig->nr_faults, 1);
	assert_int_equal(rig->fault[0].kind, UIOMMU_FAULT_TRANSLATION);
	assert_int_equal(rig->fault[0].flags,
			 UIOMMU_FAULT_STALLED | UIOMMU_FAULT_WRITE);
	assert_int_equal(rig->fault[0].iova, IOVA + 8);
	assert_ptr_equal(rig->fault[0].cookie, (void *)0x1005);
	assert_int_equal(job.status, 1);
	rig_map(w.dom, IOVA, rig->ram, RIG_PAGE, RW);
	assert_int_equal(answer_fault(&w, &rig->fault[0], UIOMMU_PAGE_SUCCESS),
			 0);
	assert_int_equal(job.status, 0);
	assert_memory_equal(rig->ram + 8, &job.word, 8);
	assert_int_equal(rig_counter(rig, "cmd/resume"), 1);
	end(&w);
}

static void stalled_access_is_aborted(void **state)
{
	struct world w = begin(false);
	struct job job[2];

	assert_int_equal(start(&w, &job[0], IOVA, false), -EINPROGRESS);
	assert_int_equal(start(&w, &job[1], IOVA + RIG_PAGE, false),
			 -EINPROGRESS);
	rig_irqs(w.rig);
	assert_int_equal(w.rig->nr_faults, 2);
	assert_int_not_equal(w.rig->fault[0].token, w.rig->fault[1].token);
	assert_int_equal(
		answer_fault(&w, &w.rig->fault[1], UIOMMU_PAGE_INVALID), 0);
	assert_int_equal(job[0].status, 1);
	assert_int_equal(job[1].status, -EFAULT);
	assert_int_equal(
		answer_fault(&w, &w.rig->fault[0], UIOMMU_PAGE_FAILURE), 0);
	assert_int_equal(job[0].status, -EFAULT);
	end(&w);
}

static void answers_that_make_no_sense(void **state)
{
	struct world w = begin(false);
	struct uiommu_fault other;
	struct job job;

	assert_int_equal(start(&w, &job, IOVA, false), -EINPROGRESS);
	rig_irqs(w.rig);
	other = w.rig->fault[0];
	other.id++;
	assert_int_equal(answer_fault(&w, &other, UIOMMU_PAGE_SUCCESS),
			 -EINVAL);
	other = w.rig->fault[0];
	other.token++;
	assert_int_equal(answer_fault(&w, &other, UIOMMU_PAGE_SUCCESS),
			 -ENOENT);
	other.token = 0x10000;
	assert_int_equal(answer_fault(&w, &other, UIOMMU_PAGE_SUCCESS),
			 -ENOENT);
	assert_int_equal(answer_fault(&w, &w.rig->fault[0],
				      (enum uiommu_page_code)3),
			 -EINVAL);
	assert_int_equal(job.status, 1);
	assert_int_equal(
		answer_fault(&w, &w.rig->fault[0], UIOMMU_PAGE_INVALID), 0);
	/* once only: the number may be another's by now */
	assert_int_equal(answer_fault(&w, &w.rig->fault[0],
				      UIOMMU_PAGE_INVALID),
			 -ENOENT);
	assert_int_equal(rig_counter(w.rig, "cmd/resume"), 1);
	end(&w);
}

/* A retry that faults again is another fault. */
static void early_answer(void **state)
{
	struct world w = begin(false);
	struct job job;

	assert_int_equal(start(&w, &job, IOVA, false), -EINPROGRESS);
	rig_irqs(w.rig);
	assert_int_equal(
		answer_fault(&w, &w.rig->fault[0], UIOMMU_PAGE_SUCCESS), 0);
	assert_int_equal(job.status, 1);
	rig_irqs(w.rig);
	assert_int_equal(w.rig->nr_faults, 2);
	rig_map(w.dom, IOVA, w.rig->ram, RIG_PAGE, RW);
	assert_int_equal(
		answer_fault(&w, &w.rig->fault[1], UIOMMU_PAGE_SUCCESS), 0);
	assert_int_equal(job.status, 0);
	end(&w);
}

static void removal_ends_what_is_stalled(void **state)
{
	struct world w = begin(false);
	struct job job[3];

	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(start(&w, &job[i], IOVA + i * RIG_PAGE, true),
				 -EINPROGRESS);
	w.rig->unit->ops->dev_remove(w.dev);
	w.dev = NULL;
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(job[i].status, -EFAULT);
	end(&w);
}

/* Stage 2 stalls as stage 1 does; an answer may come after a replacement. */
static void stage_2_stalls_too(void **state)
{
	struct world w = begin(false);
	struct uiommu_hwdom *s2 = rig_stage2(w.rig);
	struct job job[3];

	rig_attach(s2, w.dev);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(start(&w, &job[i], IOVA + i * RIG_PAGE, true),
				 -EINPROGRESS);
	rig_irqs(w.rig);
	assert_int_equal(w.rig->nr_faults, 3);
	assert_int_equal(w.rig->fault[0].flags, UIOMMU_FAULT_STALLED |
							UIOMMU_FAULT_WRITE |
							UIOMMU_FAULT_STAGE2);
	assert_int_equal(w.rig->fault[0].ipa, IOVA);
	rig_map(s2, IOVA, w.rig->ram, RIG_PAGE, RW);
	assert_int_equal(
		answer_fault(&w, &w.rig->fault[0], UIOMMU_PAGE_SUCCESS), 0);
	assert_int_equal(job[0].status, 0);
	assert_memory_equal(w.rig->ram, &job[0].word, 8);
	assert_int_equal(
		answer_fault(&w, &w.rig->fault[1], UIOMMU_PAGE_INVALID), 0);
	assert_int_equal(job[1].status, -EFAULT);
	/* tried again it finds the domain of then */
	rig_map(w.dom, IOVA + 2 * RIG_PAGE, w.rig->ram + RIG_PAGE, RIG_PAGE,
		RW);
	rig_attach(w.dom, w.dev);
	assert_int_equal(job[2].status, 1);
	assert_int_equal(
		answer_fault(&w, &w.rig->fault[2], UIOMMU_PAGE_SUCCESS), 0);
	assert_int_equal(job[2].status, 0);
	assert_memory_equal(w.rig->ram + RIG_PAGE, &job[2].word, 8);
	/* and what a removal finds is aborted */
	rig_attach(s2, w.dev);
	assert_int_equal(start(&w, &job[0], IOVA + RIG_PAGE, true),
			 -EINPROGRESS);
	rig_irqs(w.rig);
	w.rig->unit->ops->dev_remove(w.dev);
	w.dev = NULL;
	assert_int_equal(job[0].status, -EFAULT);
	w.rig->unit->ops->dom_free(s2);
	end(&w);
}

static void break_queue(struct rig *rig, uint32_t base_reg, size_t size)
{
	uint64_t base = uiommu_smmuv3_model_read(rig->model, base_reg, 8) &
			0x00ffffffffffffe0;

	rig->broken = (struct uiommu_range){ base, base + size - 1 };
}

/* A stalled access whose record was lost would wait for ever. */
static void stalls_end_with_their_records(void **state)
{
	struct world w = begin(false);
	struct rig *rig = w.rig;
	struct job job[3];

	assert_int_equal(start(&w, &job[0], IOVA, true), -EINPROGRESS);
	rig_irqs(rig);
	assert_int_equal(rig->nr_faults, 1);
	break_queue(rig, 0xa0, 32 << 8);
	assert_int_equal(start(&w, &job[1], IOVA + RIG_PAGE, true),
			 -EINPROGRESS);
	rig_irqs(rig);
	assert_int_equal(rig->lost, 1);
	assert_int_equal(rig->nr_faults, 1);
	assert_int_equal(job[0].status, -EFAULT);
	assert_int_equal(job[1].status, -EFAULT);
	assert_int_equal(answer_fault(&w, &rig->fault[0], UIOMMU_PAGE_SUCCESS),
			 -ENOENT);
	/* and it goes on as before */
	rig->broken.last = 0;
	assert_int_equal(start(&w, &job[2], IOVA, true), -EINPROGRESS);
	rig_irqs(rig);
	assert_int_equal(rig->nr_faults, 2);
	rig_map(w.dom, IOVA, rig->ram, RIG_PAGE, RW);
	assert_int_equal(answer_fault(&w, &rig->fault[1], UIOMMU_PAGE_SUCCESS),
			 0);
	assert_int_equal(job[2].status, 0);
	end(&w);
}

/* Where nobody answers nothing may wait. */
static void nobody_answers_stalls(void **state)
{
	struct rig_cfg cfg;
	struct world w;
	struct job job;

	rig_default(&cfg);
	cfg.nobody_pages = true;
	w = begin_with(&cfg, false);
	assert_int_equal(start(&w, &job, IOVA, false), -EFAULT);
	rig_irqs(w.rig);
	assert_int_equal(w.rig->nr_faults, 1);
	assert_int_equal(w.rig->fault[0].flags, 0);
	end(&w);
}

/* -------------------------------------------------------- page requests -- */

static void page_request_is_served(void **state)
{
	struct world w = begin(true);
	struct rig *rig = w.rig;
	struct job job;

	assert_int_equal(start(&w, &job, IOVA + 16, true), -EINPROGRESS);
	rig_irqs(rig);
	assert_int_equal(rig->nr_pages, 1);
	assert_int_equal(rig->page[0].flags,
			 UIOMMU_PAGE_WRITE | UIOMMU_PAGE_LAST);
	assert_int_equal(rig->page[0].id, SID);
	assert_int_equal(rig->page[0].pasid, UIOMMU_NO_PASID);
	assert_int_equal(rig->page[0].iova, IOVA);
	assert_ptr_equal(rig->page[0].cookie, (void *)0x1005);
	rig_map(w.dom, IOVA, rig->ram, RIG_PAGE, RW);
	assert_int_equal(answer_page(&w, &rig->page[0], UIOMMU_PAGE_SUCCESS),
			 0);
	assert_int_equal(job.status, 0);
	assert_memory_equal(rig->ram + 16, &job.word, 8);
	/* once */
	assert_int_equal(answer_page(&w, &rig->page[0], UIOMMU_PAGE_SUCCESS),
			 -ENOENT);
	assert_int_equal(rig_counter(rig, "cmd/pri_resp"), 1);
	assert_int_equal(rig->nr_faults, 0);
	end(&w);
}

static void page_request_is_refused(void **state)
{
	struct world w = begin(true);
	struct job job;

	assert_int_equal(start(&w, &job, IOVA, false), -EINPROGRESS);
	rig_irqs(w.rig);
	assert_int_equal(answer_page(&w, &w.rig->page[0], UIOMMU_PAGE_INVALID),
			 0);
	assert_int_equal(job.status, -EFAULT);
	assert_int_equal(start(&w, &job, IOVA, false), -EINPROGRESS);
	rig_irqs(w.rig);
	assert_int_equal(answer_page(&w, &w.rig->page[1], UIOMMU_PAGE_FAILURE),
			 0);
	assert_int_equal(job.status, -EFAULT);
	end(&w);
}

/* All of a group, in order, with a PASID; then its Stop Marker. */
static void a_group_is_answered_once(void **state)
{
	struct world w = begin(true);
	struct uiommu_pri_request pages[3] = {
		{ .ssv = true, .ssid = 7, .addr = 0x1000, .read = true },
		{ .ssv = true, .ssid = 7, .addr = 0x2000, .write = true },
		{ .ssv = true,
		  .ssid = 7,
		  .addr = 0x3000,
		  .read = true,
		  .exec = true,
		  .priv = true },
	};
	struct uiommu_page_request *got = w.rig->page;
	int code = -1;

	assert_int_equal(
		uiommu_smmuv3_endpoint_page_request(w.ep, pages, 3, &code), 0);
	rig_irqs(w.rig);
	assert_int_equal(w.rig->nr_pages, 3);
	assert_int_equal(got[0].flags, UIOMMU_PAGE_READ);
	assert_int_equal(got[1].flags, UIOMMU_PAGE_WRITE);
	assert_int_equal(got[2].flags, UIOMMU_PAGE_READ | UIOMMU_PAGE_EXEC |
					       UIOMMU_PAGE_PRIV |
					       UIOMMU_PAGE_LAST);
	assert_int_equal(got[2].pasid, 7);
	assert_int_equal(got[0].token, got[2].token);
	assert_int_equal(code, -1);
	assert_int_equal(answer_page(&w, &got[2], UIOMMU_PAGE_INVALID), 0);
	assert_int_equal(code, UIOMMU_PRI_INVALID);
	assert_int_equal(uiommu_smmuv3_endpoint_stop_marker(w.ep, 7), 0);
	rig_irqs(w.rig);
	assert_int_equal(w.rig->nr_pages, 4);
	assert_int_equal(got[3].flags, UIOMMU_PAGE_STOP);
	assert_int_equal(got[3].pasid, 7);
	assert_int_equal(answer_page(&w, &got[3], UIOMMU_PAGE_SUCCESS),
			 -ENOENT);
	end(&w);
}

/* Whoever waits when its device goes is told that nothing comes. */
static void removal_answers_page_requests(void **state)
{
	struct world w = begin(true);
	struct uiommu_pri_request page = {
		.ssv = true, .ssid = 7, .addr = 0x1000, .read = true
	};
	struct job job;
	int code = -1;

	assert_int_equal(start(&w, &job, IOVA, false), -EINPROGRESS);
	assert_int_equal(
		uiommu_smmuv3_endpoint_page_request(w.ep, &page, 1, &code), 0);
	rig_irqs(w.rig);
	assert_int_equal(w.rig->nr_pages, 2);
	w.rig->unit->ops->dev_remove(w.dev);
	w.dev = NULL;
	assert_int_equal(code, UIOMMU_PRI_INVALID);
	assert_int_equal(job.status, -EFAULT);
	assert_int_equal(rig_counter(w.rig, "cmd/pri_resp"), 2);
	end(&w);
}

/* A queue that cannot be written refuses; when it can, requests come again. */
static void a_page_queue_that_aborts(void **state)
{
	struct world w = begin(true);
	struct uiommu_pri_request page = { .addr = 0x1000, .read = true };
	int code[3] = { -1, -1, -1 };

	assert_int_equal(uiommu_smmuv3_endpoint_page_request(w.ep, &page, 1,
							     &code[0]),
			 0);
	break_queue(w.rig, 0xc0, 16 << 8);
	assert_int_equal(uiommu_smmuv3_endpoint_page_request(w.ep, &page, 1,
							     &code[1]),
			 0);
	assert_int_equal(code[1], UIOMMU_PRI_FAILURE);
	rig_irqs(w.rig);
	assert_int_equal(w.rig->nr_pages, 1);
	assert_int_equal(w.rig->pages_lost, 1);
	w.rig->broken.last = 0;
	assert_int_equal(uiommu_smmuv3_endpoint_page_request(w.ep, &page, 1,
							     &code[2]),
			 0);
	assert_int_equal(code[2], -1);
	rig_irqs(w.rig);
	assert_int_equal(w.rig->nr_pages, 2);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(answer_page(&w, &w.rig->page[i],
					     UIOMMU_PAGE_SUCCESS),
				 0);
	assert_int_equal(code[0], UIOMMU_PRI_SUCCESS);
	assert_int_equal(code[2], UIOMMU_PRI_SUCCESS);
	end(&w);
}

static void strangers_are_refused(void **state)
{
	struct world w = begin(true);
	struct uiommu_smmuv3_endpoint *ep = rig_stranger(w.rig, 99);
	struct uiommu_pri_request page = { .addr = 0x1000, .read = true };
	int code = -1;

	uiommu_smmuv3_endpoint_set_pri(ep, true);
	assert_int_equal(
		uiommu_smmuv3_endpoint_page_request(ep, &page, 1, &code), 0);
	assert_int_equal(code, -1);
	rig_irqs(w.rig);
	assert_int_equal(code, UIOMMU_PRI_FAILURE);
	assert_int_equal(w.rig->nr_pages, 0);
	assert_int_equal(rig_counter(w.rig, "page_requests/refused"), 1);
	end(&w);
}

static void a_host_without_pages_refuses(void **state)
{
	struct uiommu_unit_caps caps;
	struct rig_cfg cfg;
	struct world w;
	struct job job;

	rig_default(&cfg);
	cfg.nobody_pages = true;
	w = begin_with(&cfg, true);
	w.rig->unit->ops->caps(w.rig->unit, &caps);
	assert_false(caps.page_faults);
	assert_int_equal(start(&w, &job, IOVA, false), -EINPROGRESS);
	rig_irqs(w.rig);
	assert_int_equal(job.status, -EFAULT);
	end(&w);
}

/*
 * Nobody had read it when the device was taken away, and then given to somebody else:
 * he is not told, and the device is answered.
 */
static void hands_change(bool pri, uint32_t pasid)
{
	struct world w = begin(pri);
	struct uiommu_hwdom *none = rig_domain(w.rig, UIOMMU_DOM_BLOCKED);
	struct uiommu_hwdom *other = rig_domain(w.rig, UIOMMU_DOM_PAGING);
	struct job job;

	if (pasid) {
		rig_attach(none, w.dev);
		rig_set_pasid(w.dom, w.dev, pasid, NULL);
	}
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(start_as(&w, &job, pasid, IOVA, false),
				 -EINPROGRESS);
		if (pasid) {
			rig_set_pasid(NULL, w.dev, pasid, w.dom);
			rig_set_pasid(other, w.dev, pasid, NULL);
		} else {
			rig_attach(none, w.dev);
			rig_attach(other, w.dev);
		}
		rig_irqs(w.rig);
		assert_int_equal(w.rig->nr_pages, 0);
		for (unsigned int f = 0; f < w.rig->nr_faults; f++)
			assert_false(w.rig->fault[f].flags &
				     UIOMMU_FAULT_STALLED);
		assert_int_equal(job.status, -EFAULT);
		w.rig->nr_faults = 0;
		/* What it asks for now it is told. */
		assert_int_equal(start_as(&w, &job, pasid, IOVA, false),
				 -EINPROGRESS);
		rig_irqs(w.rig);
		assert_int_equal(w.rig->nr_pages + w.rig->nr_faults, 1);
		assert_int_equal(pri ? answer_page(&w, &w.rig->page[0],
						   UIOMMU_PAGE_INVALID)
				     : answer_fault(&w, &w.rig->fault[0],
						    UIOMMU_PAGE_INVALID),
				 0);
		assert_int_equal(job.status, -EFAULT);
		w.rig->nr_pages = w.rig->nr_faults = 0;
		if (pasid)
			rig_set_pasid(w.dom, w.dev, pasid, other);
		else
			rig_attach(w.dom, w.dev);
	}
	if (pasid)
		rig_set_pasid(NULL, w.dev, pasid, w.dom);
	w.rig->unit->ops->dom_free(other);
	end(&w);
}

static void a_stall_of_who_had_the_device(void **state)
{
	hands_change(false, 0);
	hands_change(false, 5);
}

static void a_page_request_of_who_had_the_device(void **state)
{
	hands_change(true, 0);
	hands_change(true, 5);
}

/*
 * Four records fit.  The rest the SMMU answers itself (try again), until the
 * driver has said that it knows; nothing hangs and nothing is told twice.
 */
static void overflow(void **state)
{
	struct rig_cfg cfg;
	struct world w;
	struct uiommu_pri_request page = { .addr = 0x1000, .read = true };
	struct uiommu_pri_request pages[3];
	int code[8], late = -1;

	rig_default(&cfg);
	cfg.driver.priq_lg2 = 2;
	w = begin_with(&cfg, true);
	for (unsigned int i = 0; i < 6; i++) {
		code[i] = -1;
		assert_int_equal(uiommu_smmuv3_endpoint_page_request(
					 w.ep, &page, 1, &code[i]),
				 0);
	}
	for (unsigned int i = 0; i < 6; i++)
		assert_int_equal(code[i], i < 4 ? -1 : (int)UIOMMU_PRI_SUCCESS);
	rig_irqs(w.rig);
	assert_int_equal(w.rig->nr_pages, 4);
	assert_int_equal(w.rig->pages_lost, 1);
	assert_int_equal(rig_counter(w.rig, "page_requests/overflows"), 1);
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(answer_page(&w, &w.rig->page[i],
					     UIOMMU_PAGE_INVALID),
				 0);
		assert_int_equal(code[i], UIOMMU_PRI_INVALID);
	}
	/* acknowledged: the next one comes through */
	assert_int_equal(
		uiommu_smmuv3_endpoint_page_request(w.ep, &page, 1, &late), 0);
	rig_irqs(w.rig);
	assert_int_equal(w.rig->nr_pages, 5);
	assert_int_equal(answer_page(&w, &w.rig->page[4], UIOMMU_PAGE_SUCCESS),
			 0);
	assert_int_equal(late, UIOMMU_PRI_SUCCESS);
	/* a group that loses its last one is no group */
	for (unsigned int i = 0; i < 3; i++)
		pages[i] = page;
	code[0] = code[1] = -1;
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(uiommu_smmuv3_endpoint_page_request(
					 w.ep, pages, 3, &code[i]),
				 0);
	assert_int_equal(code[1], UIOMMU_PRI_SUCCESS);
	rig_irqs(w.rig);
	assert_int_equal(w.rig->nr_pages, 9);
	assert_int_equal(w.rig->pages_lost, 2);
	assert_int_equal(w.rig->page[8].flags, UIOMMU_PAGE_READ);
	assert_int_equal(answer_page(&w, &w.rig->page[8], UIOMMU_PAGE_SUCCESS),
			 -ENOENT);
	assert_int_equal(answer_page(&w, &w.rig->page[7], UIOMMU_PAGE_SUCCESS),
			 0);
	end(&w);
}

/* Requests that come while the queue is served, from answers given at once. */
static void serve_now(void *arg, const struct uiommu_page_request *req)
{
	struct world *w = arg;

	rig_map(w->dom, req->iova, w->rig->ram + (req->iova - IOVA), RIG_PAGE,
		RW);
	answer_page(w, req, UIOMMU_PAGE_SUCCESS);
}

static void answers_from_the_interrupt(void **state)
{
	struct world w = begin(true);
	uint8_t *buf = calloc(40, RIG_PAGE);
	struct job job = {
		.dma = { .txn = { .iova = IOVA, .flags = UIOMMU_TXN_WRITE },
			 .buf = buf,
			 .len = 40 * RIG_PAGE,
			 .done = over },
		.status = 1,
	};

	w.rig->serve = serve_now;
	w.rig->serve_arg = &w;
	assert_int_equal(uiommu_smmuv3_endpoint_dma(w.ep, &job.dma),
			 -EINPROGRESS);
	rig_irqs(w.rig);
	/* each page was asked for by the answer to the one before */
	assert_int_equal(w.rig->nr_pages, 40);
	assert_int_equal(job.status, 0);
	assert_int_equal(job.dma.done_len, 40 * RIG_PAGE);
	free(buf);
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stalled_access_goes_on),
		cmocka_unit_test(stalled_access_is_aborted),
		cmocka_unit_test(answers_that_make_no_sense),
		cmocka_unit_test(early_answer),
		cmocka_unit_test(removal_ends_what_is_stalled),
		cmocka_unit_test(stage_2_stalls_too),
		cmocka_unit_test(stalls_end_with_their_records),
		cmocka_unit_test(nobody_answers_stalls),
		cmocka_unit_test(page_request_is_served),
		cmocka_unit_test(page_request_is_refused),
		cmocka_unit_test(a_group_is_answered_once),
		cmocka_unit_test(removal_answers_page_requests),
		cmocka_unit_test(a_page_queue_that_aborts),
		cmocka_unit_test(strangers_are_refused),
		cmocka_unit_test(a_host_without_pages_refuses),
		cmocka_unit_test(a_stall_of_who_had_the_device),
		cmocka_unit_test(a_page_request_of_who_had_the_device),
		cmocka_unit_test(overflow),
		cmocka_unit_test(answers_from_the_interrupt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
