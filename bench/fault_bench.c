/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * driver/page_fault and its like: an access that waits for a page, from the
 * doorbell over the record, the interrupt and the host, which maps the page and
 * answers, to the end of the access; all in one thread.
 *
 *   driver/page_fault	     by PRI: an endpoint with an ATC asks for the page
 *   driver/stall_fault	     the SMMU stalls the access
 *   core/page_fault, core/stall_fault  the same through the core and the handler
 *			     of a domain
 *   core/sva_fault, core/sva_stall_fault  of a device bound to this process, at
 *			     pages that the process has and the device's table has
 *			     not
 *   driver/unmap_sync/4k/ats  unmap one page of a device with ATS, and flush
 *
 * The notes hold commands and SYNCs per operation.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <uiommu/core.h>
#include <uiommu/host.h>
#include <uiommu/process.h>
#include <uiommu/smmuv3.h>
#include <uiommu/smmuv3_endpoint.h>

#include "bench.h"

#define PAGE UINT64_C(4096)
#define MMIO UINT64_C(0x09050000)
#define IOVA (UINT64_C(256) << 30)
#define PROT (UIOMMU_PROT_READ | UIOMMU_PROT_WRITE | UIOMMU_PROT_CACHE)
#define BATCH 1024u
#define SID 8u

struct setup {
	struct uiommu_host *host;
	struct uiommu_range arena;
	struct uiommu_smmuv3_model *model;
	struct uiommu_smmuv3_endpoint *ep; /* NULL: the device stalls */
	struct uiommu_unit *unit;
	struct uiommu_hwdev *dev;
	struct uiommu_hwdom *dom;
	/* Through the core: in place of dev and dom. */
	struct uiommu_core *core;
	struct uiommu_device *core_dev;
	struct uiommu_domain *domain;
	struct uiommu_sva *sva; /* NULL: not bound */
	void *shared;		/* then: BATCH pages of the process */
	void *memory;		/* one page for all addresses */
	uiommu_pa_t pa;
	uint32_t lines; /* interrupts to be delivered */
	unsigned int done;
};

static void map(struct setup *s, uint64_t iova)
{
	struct uiommu_gather gather;

	if (s->core) {
		must(!uiommu_domain_map(s->domain, iova, s->pa, PAGE, PROT),
		     "map");
		return;
	}
	uiommu_gather_init(&gather);
	must(!uiommu_pgtable_map(s->dom->pt, iova, s->pa, PAGE, PROT, &gather),
	     "map");
	uiommu_gather_release(&gather);
}

static void unmap(struct setup *s, uint64_t iova)
{
	struct uiommu_gather gather;
	uint64_t unmapped;

	if (s->core) {
		must(!uiommu_domain_unmap(s->domain, iova, PAGE, &unmapped),
		     "unmap");
		return;
	}
	uiommu_gather_init(&gather);
	must(!uiommu_pgtable_unmap(s->dom->pt, iova, PAGE, &gather, &unmapped),
	     "unmap");
	must(!s->unit->ops->flush(s->dom, &gather), "flush");
	uiommu_gather_release(&gather);
}

/* ------------------------------------------------------------------ host -- */

static void on_page(void *ctx, struct uiommu_unit *unit,
		    const struct uiommu_page_request *req)
{
	const struct uiommu_page_response resp = {
		.id = req->id,
		.pasid = req->pasid,
		.token = req->token,
	};
	struct setup *s = ctx;

	map(s, req->iova);
	must(!unit->ops->page_response(s->dev, &resp), "response");
}

static void on_fault(void *ctx, struct uiommu_unit *unit,
		     const struct uiommu_fault *fault)
{
	const struct uiommu_page_response resp = {
		.stalled = true,
		.id = fault->id,
		.pasid = fault->pasid,
		.token = fault->token,
	};
	struct setup *s = ctx;

	must(fault->flags & UIOMMU_FAULT_STALLED, "stall");
	map(s, fault->iova & ~(PAGE - 1));
	must(!unit->ops->page_response(s->dev, &resp), "response");
}

static void switch_ats(void *cookie, bool enable)
{
	struct setup *s = cookie;

	uiommu_smmuv3_endpoint_set_ats(s->ep, enable);
	uiommu_smmuv3_endpoint_set_pri(s->ep, enable);
}

static void set_ats(void *ctx, struct uiommu_unit *unit, void *cookie,
		    bool enable)
{
	switch_ats(ctx, enable);
}

static const struct uiommu_host_ops host_ops = {
	.report_fault = on_fault,
	.report_page_request = on_page,
	.set_ats = set_ats,
};

static int on_group(void *ctx, struct uiommu_iopf_group *group)
{
	struct setup *s = ctx;

	for (unsigned int i = 0; i < group->nr; i++)
		map(s, group->fault[i].iova & ~(PAGE - 1));
	must(!uiommu_iopf_group_respond(group, UIOMMU_PAGE_SUCCESS),
	     "response");
	uiommu_iopf_group_put(group);
	return 0;
}

static void on_withdrawn(void *ctx, struct uiommu_iopf_group *group)
{
	must(false, "answer in time");
}

static const struct uiommu_iopf_ops iopf_ops = { on_group, on_withdrawn };

/* --------------------------------------------------------------- machine -- */

static void *mem_direct(void *ctx, uiommu_pa_t pa, size_t len, bool write)
{
	struct setup *s = ctx;
	uint64_t shared = (uintptr_t)s->shared;

	if (pa >= s->arena.first && pa + len - 1 <= s->arena.last)
		return (void *)(uintptr_t)pa;
	return s->shared && pa >= shared && pa + len <= shared + BATCH * PAGE
		       ? (void *)(uintptr_t)pa
		       : NULL;
}

static int mem_read(void *ctx, uiommu_pa_t pa, void *buf, size_t len,
		    struct uiommu_mem_attrs attrs)
{
	const void *mem = mem_direct(ctx, pa, len, false);

	if (!mem)
		return -EIO;
	__builtin_memcpy(buf, mem, len);
	return 0;
}

static int mem_write(void *ctx, uiommu_pa_t pa, const void *buf, size_t len,
		     struct uiommu_mem_attrs attrs)
{
	void *mem = mem_direct(ctx, pa, len, true);

	if (!mem)
		return -EIO;
	__builtin_memcpy(mem, buf, len);
	return 0;
}

static void on_irq(void *ctx, unsigned int line)
{
	struct setup *s = ctx;

	s->lines |= 1u << line;
}

static int on_inval(void *ctx, const struct uiommu_ats_inval *inval)
{
	struct setup *s = ctx;

	return uiommu_smmuv3_endpoint_ats_invalidate(s->ep, inval);
}

static void on_response(void *ctx, const struct uiommu_pri_response *resp)
{
	struct setup *s = ctx;

	uiommu_smmuv3_endpoint_pri_response(s->ep, resp);
}

static uint64_t bus_read(void *ctx, uint32_t offset, unsigned int size)
{
	return uiommu_smmuv3_model_read(ctx, offset, size);
}

static void bus_write(void *ctx, uint32_t offset, unsigned int size,
		      uint64_t value)
{
	uiommu_smmuv3_model_write(ctx, offset, size, value);
}

static void open_hardware(struct setup *s)
{
	const struct uiommu_model_host mem = {
		.ctx = s,
		.read = mem_read,
		.write = mem_write,
		.direct = mem_direct,
		.irq = on_irq,
		.ats_invalidate = on_inval,
		.pri_response = on_response,
	};
	struct uiommu_bus_window window = {
		.base = MMIO,
		.size = UIOMMU_SMMUV3_MMIO_SIZE,
		.read = bus_read,
		.write = bus_write,
	};
	const struct uiommu_platform *p;

	must(!uiommu_host_create(0, &s->host), "host");
	uiommu_host_arena(s->host, &s->arena);
	p = uiommu_host_platform(s->host);
	s->memory = p->table_alloc(p->ctx, PAGE, &s->pa);
	must(s->memory, "memory");
	must(!uiommu_smmuv3_model_create(uiommu_smmuv3_profile_find("full"),
					 &mem, &s->model),
	     "model");
	window.ctx = s->model;
	must(!uiommu_host_add_window(s->host, &window), "window");
}

/* NULL: not on this host. */
static const struct uiommu_sva_mm *process_mm(void)
{
#ifdef HAVE_MM_BENCH
	return uiommu_process_mm();
#else
	return NULL;
#endif
}

/* The process's addresses are the physical ones. */
static void bind_process(struct setup *s)
{
	s->shared = mmap(NULL, BATCH * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(s->shared != MAP_FAILED, "mmap");
	memset(s->shared, 1, BATCH * PAGE);
	must(!uiommu_sva_bind(s->core_dev, process_mm(), &s->sva), "bind");
}

static void unbind_process(struct setup *s)
{
	uiommu_sva_unbind(s->sva);
	munmap(s->shared, BATCH * PAGE);
}

/* The device and its domain, by the driver's own ops or by the core's. */
static void add_device(struct setup *s, const struct uiommu_device_cfg *cfg)
{
	struct uiommu_dom_cfg paging = { .type = UIOMMU_DOM_PAGING };
	const struct uiommu_driver_ops *ops = s->unit->ops;

	if (!s->core) {
		must(!ops->dev_add(s->unit, &cfg->hw, &s->dev), "dev_add");
		must(!ops->dom_alloc(s->unit, &paging, &s->dom), "domain");
		must(!ops->attach(s->dom, s->dev), "attach");
		return;
	}
	must(!uiommu_core_add_unit(s->core, s->unit), "unit");
	must(!uiommu_device_add(s->core, s->unit, cfg, &s->core_dev), "device");
	if (cfg->hw.pasid_bits) {
		bind_process(s);
		return;
	}
	must(!uiommu_domain_alloc(s->core_dev, &s->domain), "domain");
	must(!uiommu_domain_set_iopf_handler(s->domain, &iopf_ops, s),
	     "handler");
	must(!uiommu_group_attach(uiommu_device_group(s->core_dev), s->domain),
	     "attach");
}

#define BY_PRI (1u << 0) /* else by stalls */
#define BY_CORE (1u << 1)
#define BY_PROCESS (1u << 2) /* with BY_CORE: the process's own addresses */

static void open_setup(struct setup *s, unsigned int how)
{
	struct uiommu_smmuv3_endpoint_config config = {
		.sid = SID,
		.atc_entries = 256,
		.page_requests = 16,
		.stu_lg2 = 12,
		.pasid = how & BY_PROCESS,
	};
	struct uiommu_smmuv3_cfg cfg = { .base = MMIO,
					 .host = &host_ops,
					 .host_ctx = s };
	struct uiommu_core_cfg core = { 0 };
	uint32_t sid = SID;
	const struct uiommu_device_cfg dev = {
		.hw = {
			.ids = &sid,
			.nr_ids = 1,
			.ats = how & BY_PRI,
			.pri = how & BY_PRI,
			.stall = !(how & BY_PRI),
			.pasid_bits = how & BY_PROCESS ? 8 : 0,
			.cookie = s,
		},
		.set_ats = switch_ats,
	};

	*s = (struct setup){ 0 };
	open_hardware(s);
	config.model = s->model;
	if (how & BY_PRI)
		must(!uiommu_smmuv3_endpoint_create(&config, &s->ep),
		     "endpoint");
	core.platform = cfg.platform = uiommu_host_platform(s->host);
	if (how & BY_CORE) {
		must(!uiommu_core_create(&core, &s->core), "core");
		cfg.host = &uiommu_core_host_ops;
		cfg.host_ctx = s->core;
	}
	must(!uiommu_smmuv3_probe(&cfg, &s->unit), "probe");
	add_device(s, &dev);
}

static void remove_device(struct setup *s)
{
	if (!s->core) {
		s->unit->ops->dev_remove(s->dev);
		s->unit->ops->dom_free(s->dom);
		s->unit->ops->remove(s->unit);
		return;
	}
	if (s->sva)
		unbind_process(s);
	uiommu_group_detach(uiommu_device_group(s->core_dev));
	uiommu_domain_free(s->domain);
	uiommu_device_remove(s->core_dev);
	uiommu_core_destroy(s->core);
}

static void close_setup(struct setup *s)
{
	const struct uiommu_platform *p = uiommu_host_platform(s->host);

	remove_device(s);
	uiommu_host_barrier(s->host);
	uiommu_smmuv3_endpoint_destroy(s->ep);
	uiommu_smmuv3_model_destroy(s->model);
	p->table_free(p->ctx, s->memory, PAGE);
	uiommu_host_destroy(s->host);
}

/* ------------------------------------------------------------ operations -- */

struct access {
	struct uiommu_smmuv3_dma dma;
	struct setup *s;
	uint64_t word;
};

static void over(struct uiommu_smmuv3_dma *req, int status)
{
	struct access *a =
		(struct access *)(void *)((char *)req -
					  offsetof(struct access, dma));

	must(!status, "access");
	a->s->done++;
}

static uint64_t page_at(const struct setup *s, unsigned int i)
{
	return (s->sva ? (uintptr_t)s->shared : IOVA) + i * PAGE;
}

/* One access to a page that is not there, and all that it causes. */
static void fault(struct setup *s, uint64_t iova)
{
	struct access a = {
		.dma = { .txn = { .sid = SID,
				  .iova = iova,
				  .flags = UIOMMU_TXN_WRITE },
			 .len = 8,
			 .done = over },
		.s = s,
	};
	unsigned int line, before = s->done;
	int rc;

	if (s->sva) {
		a.dma.txn.flags |= UIOMMU_TXN_SSV;
		a.dma.txn.ssid = uiommu_sva_pasid(s->sva);
	}
	a.dma.buf = &a.word;
	rc = s->ep ? uiommu_smmuv3_endpoint_dma(s->ep, &a.dma)
		   : uiommu_smmuv3_model_dma(s->model, &a.dma);
	must(rc == -EINPROGRESS, "waiting");
	while (s->lines) {
		line = (unsigned int)__builtin_ctz(s->lines);
		s->lines &= s->lines - 1;
		s->unit->ops->irq(s->unit, line);
	}
	must(s->done == before + 1, "resuming");
}

static void faults(struct bench_run *run, unsigned int how)
{
	struct setup s;
	unsigned int i;

	open_setup(&s, how);
	/* The tables are there, the pages not. */
	for (i = 0; i < BATCH && !s.sva; i++)
		map(&s, page_at(&s, i));
	for (i = 0; i < BATCH && !s.sva; i++)
		unmap(&s, page_at(&s, i));
	bench_start(run);
	for (i = 0; i < BATCH; i++)
		fault(&s, page_at(&s, i));
	bench_stop(run, BATCH);
	close_setup(&s);
}

static void page_fault(struct bench_run *run)
{
	faults(run, BY_PRI);
}

static void stall_fault(struct bench_run *run)
{
	faults(run, 0);
}

static void core_page_fault(struct bench_run *run)
{
	faults(run, BY_PRI | BY_CORE);
}

static void core_stall_fault(struct bench_run *run)
{
	faults(run, BY_CORE);
}

static void sva_fault(struct bench_run *run)
{
	faults(run, BY_PRI | BY_CORE | BY_PROCESS);
}

static void sva_stall_fault(struct bench_run *run)
{
	faults(run, BY_CORE | BY_PROCESS);
}

static void unmap_ats(struct bench_run *run)
{
	struct setup s;
	unsigned int i;

	open_setup(&s, BY_PRI);
	for (i = 0; i < BATCH; i++)
		fault(&s, IOVA + i * PAGE);
	bench_start(run);
	for (i = 0; i < BATCH; i++)
		unmap(&s, IOVA + i * PAGE);
	bench_stop(run, BATCH);
	close_setup(&s);
}

static void count(char *note, size_t size, unsigned int how,
		  void (*before)(struct setup *s, uint64_t iova),
		  void (*op)(struct setup *s, uint64_t iova))
{
	struct uiommu_smmuv3_stats first, last;
	struct setup s;

	open_setup(&s, how);
	if (before)
		before(&s, page_at(&s, 0));
	uiommu_smmuv3_model_stats(s.model, &first);
	op(&s, page_at(&s, 0));
	uiommu_smmuv3_model_stats(s.model, &last);
	close_setup(&s);
	snprintf(note, size, "commands=%u syncs=%u",
		 (unsigned int)(last.commands - first.commands),
		 (unsigned int)(last.syncs - first.syncs));
}

void fault_bench_register(struct bench *b);
void fault_bench_register(struct bench *b)
{
	static char note[7][64];
	const struct bench_row rows[] = {
		{ .name = "driver/page_fault",
		  .fn = page_fault,
		  .note = note[0] },
		{ .name = "driver/stall_fault",
		  .fn = stall_fault,
		  .note = note[1] },
		{ .name = "driver/unmap_sync/4k/ats",
		  .fn = unmap_ats,
		  .pages_per_op = 1,
		  .note = note[2] },
		{ .name = "core/page_fault",
		  .fn = core_page_fault,
		  .note = note[3] },
		{ .name = "core/stall_fault",
		  .fn = core_stall_fault,
		  .note = note[4] },
		{ .name = "core/sva_fault", .fn = sva_fault, .note = note[5] },
		{ .name = "core/sva_stall_fault",
		  .fn = sva_stall_fault,
		  .note = note[6] },
	};
	unsigned int nr = sizeof(rows) / sizeof(rows[0]), i;

	count(note[0], sizeof(note[0]), BY_PRI, NULL, fault);
	count(note[1], sizeof(note[1]), 0, NULL, fault);
	count(note[2], sizeof(note[2]), BY_PRI, fault, unmap);
	count(note[3], sizeof(note[3]), BY_PRI | BY_CORE, NULL, fault);
	count(note[4], sizeof(note[4]), BY_CORE, NULL, fault);
	if (process_mm()) {
		count(note[5], sizeof(note[5]), BY_PRI | BY_CORE | BY_PROCESS,
		      NULL, fault);
		count(note[6], sizeof(note[6]), BY_CORE | BY_PROCESS, NULL,
		      fault);
	} else {
		nr -= 2;
	}
	for (i = 0; i < nr; i++)
		bench_add(b, &rows[i]);
}
