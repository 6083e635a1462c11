/* SPDX-License-Identifier: BSD-2-Clause */
#include "driver_rig.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "rig: %s\n", what);
	abort();
}

/* ---------------------------------------------------------------- memory */

static bool reachable(const struct rig *rig, uiommu_pa_t pa, size_t len)
{
	uint64_t ram = (uintptr_t)rig->ram;

	if (pa >= rig->arena.first && pa + len - 1 <= rig->arena.last)
		return true;
	return pa >= ram && pa + len <= ram + rig->ram_size;
}

/* Aligned words in one access, the rest byte by byte. */
static void copy(void *dst, const void *src, size_t len, uiommu_pa_t pa)
{
	uint8_t *d = dst;
	const uint8_t *s = src;
	uint64_t word;
	uint32_t half;

	if (len == 4 && pa % 4 == 0) {
		__atomic_load((const uint32_t *)src, &half, __ATOMIC_ACQUIRE);
		__atomic_store((uint32_t *)dst, &half, __ATOMIC_RELEASE);
		return;
	}
	for (; len >= 8 && pa % 8 == 0; d += 8, s += 8, len -= 8) {
		__atomic_load((const uint64_t *)(const void *)s, &word,
			      __ATOMIC_ACQUIRE);
		__atomic_store((uint64_t *)(void *)d, &word, __ATOMIC_RELEASE);
	}
	for (; len; len--)
		__atomic_store_n(d++, __atomic_load_n(s++, __ATOMIC_RELAXED),
				 __ATOMIC_RELAXED);
}

static int mem_read(void *ctx, uiommu_pa_t pa, void *buf, size_t len,
		    struct uiommu_mem_attrs attrs)
{
	if (!reachable(ctx, pa, len))
		return -EIO;
	copy(buf, (const void *)(uintptr_t)pa, len, pa);
	return 0;
}

static int mem_write(void *ctx, uiommu_pa_t pa, const void *buf, size_t len,
		     struct uiommu_mem_attrs attrs)
{
	const struct rig *rig = ctx;

	if (!reachable(rig, pa, len) ||
	    (rig->broken.last && pa >= rig->broken.first &&
	     pa <= rig->broken.last))
		return -EIO;
	copy((void *)(uintptr_t)pa, buf, len, pa);
	return 0;
}

static int mem_cmpxchg64(void *ctx, uiommu_pa_t pa, uint64_t *expected,
			 uint64_t want)
{
	if (!reachable(ctx, pa, 8))
		return -EIO;
	__atomic_compare_exchange_n((uint64_t *)(uintptr_t)pa, expected, want,
				    false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
	return 0;
}

static void *mem_direct(void *ctx, uiommu_pa_t pa, size_t len, bool write)
{
	return reachable(ctx, pa, len) ? (void *)(uintptr_t)pa : NULL;
}

/* ------------------------------------------------------------ interrupts */

static void on_irq(void *ctx, unsigned int line)
{
	struct rig *rig = ctx;

	__atomic_fetch_or(&rig->pending, 1u << line, __ATOMIC_ACQ_REL);
}

void rig_irqs(struct rig *rig)
{
	uint32_t lines;
	unsigned int i;

	lines = __atomic_exchange_n(&rig->pending, 0, __ATOMIC_ACQ_REL);
	for (i = 0; i < UIOMMU_SMMUV3_NR_LINES; i++)
		if (lines >> i & 1)
			rig->unit->ops->irq(rig->unit, i);
}

static void on_fault(void *ctx, struct uiommu_unit *unit,
		     const struct uiommu_fault *fault)
{
	struct rig *rig = ctx;

	rig->fault[rig->nr_faults++ % RIG_MAX_FAULTS] = *fault;
}

static int on_vevent(void *ctx, struct uiommu_unit *unit, uint64_t id,
		     uint32_t type, const void *data, size_t len)
{
	struct rig *rig = ctx;

	if (!data) {
		rig->vevents_lost++;
		return 0;
	}
	must(type == UIOMMU_VEVENTQ_TYPE_ARM_SMMUV3 &&
		     len == sizeof(rig->vevent),
	     "an event of a guest");
	rig->nr_vevents++;
	rig->vevent_id = id;
	memcpy(&rig->vevent, data, len);
	return 0;
}

static void on_lost(void *ctx, struct uiommu_unit *unit)
{
	struct rig *rig = ctx;

	rig->lost++;
}

static void on_page(void *ctx, struct uiommu_unit *unit,
		    const struct uiommu_page_request *req)
{
	struct rig *rig = ctx;

	rig->page[rig->nr_pages++ % RIG_MAX_PAGES] = *req;
	if (rig->serve)
		rig->serve(rig->serve_arg, req);
}

static void on_pages_lost(void *ctx, struct uiommu_unit *unit)
{
	struct rig *rig = ctx;

	rig->pages_lost++;
}

static void set_ats(void *ctx, struct uiommu_unit *unit, void *cookie,
		    bool enable)
{
	uint32_t sid = (uint32_t)(uintptr_t)cookie - 0x1000;
	struct rig *rig = ctx;
	struct uiommu_smmuv3_endpoint *ep = rig_endpoint(rig, sid);

	if (rig->watch_ats)
		rig->watch_ats(rig, enable);
	/* It does not obey anybody. */
	if (sid == __atomic_load_n(&rig->deaf_sid, __ATOMIC_ACQUIRE) &&
	    rig->deaf_to_all)
		return;
	if (!enable)
		uiommu_smmuv3_endpoint_set_pri(ep, false);
	uiommu_smmuv3_endpoint_set_ats(ep, enable);
	if (enable)
		uiommu_smmuv3_endpoint_set_pri(ep, true);
}

static const struct uiommu_host_ops host_ops = {
	.report_fault = on_fault,
	.report_vevent = on_vevent,
	.faults_lost = on_lost,
	.report_page_request = on_page,
	.page_requests_lost = on_pages_lost,
	.set_ats = set_ats,
};

static const struct uiommu_host_ops host_without_pages = {
	.report_fault = on_fault,
	.faults_lost = on_lost,
	.set_ats = set_ats,
};

/* -------------------------------------------------------------- endpoints */

struct uiommu_smmuv3_endpoint *rig_endpoint(struct rig *rig, uint32_t sid)
{
	for (unsigned int i = 0; i < rig->nr_eps; i++)
		if (rig->ep_sid[i] == sid)
			return rig->ep[i];
	return NULL;
}

static int on_ats_invalidate(void *ctx, const struct uiommu_ats_inval *inval)
{
	struct rig *rig = ctx;
	struct uiommu_smmuv3_endpoint *ep = rig_endpoint(rig, inval->sid);

	if (inval->sid == __atomic_load_n(&rig->deaf_sid, __ATOMIC_ACQUIRE) &&
	    rig->deaf_for) {
		if (!rig->deaf_to_all)
			rig->deaf_for--;
		return -ETIMEDOUT;
	}
	if (!ep || (rig->deaf && rig->deaf == inval->sid))
		return 0;
	return uiommu_smmuv3_endpoint_ats_invalidate(ep, inval);
}

static void on_pri_response(void *ctx, const struct uiommu_pri_response *resp)
{
	struct uiommu_smmuv3_endpoint *ep = rig_endpoint(ctx, resp->sid);

	if (ep)
		uiommu_smmuv3_endpoint_pri_response(ep, resp);
}

static void on_answer(void *ctx, void *cookie, enum uiommu_pri_code code)
{
	*(int *)cookie = code;
}

struct uiommu_smmuv3_endpoint *rig_stranger(struct rig *rig, uint32_t sid)
{
	struct uiommu_smmuv3_endpoint_config config = {
		.model = rig->model,
		.sid = sid,
		.atc_entries = 256,
		.page_requests = 16,
		.stu_lg2 = 12,
		.pasid = true,
		.page_response = on_answer,
	};
	unsigned int i = rig->nr_eps;

	must(i < RIG_MAX_ENDPOINTS, "too many endpoints");
	must(!uiommu_smmuv3_endpoint_create(&config, &rig->ep[i]), "endpoint");
	rig->ep_sid[i] = sid;
	rig->nr_eps++;
	return rig->ep[i];
}

/* ----------------------------------------------------------------- setup */

void rig_default(struct rig_cfg *cfg)
{
	memset(cfg, 0, sizeof(*cfg));
	cfg->profile = *uiommu_smmuv3_profile_find("full");
	cfg->ram_size = 8u << 20;
	/* The machine may be busy; this hardware is never silent. */
	cfg->driver.timeout_ns = UINT64_C(60000000000);
}

void rig_caches(struct rig_cfg *cfg, bool all)
{
	if (all)
		cfg->profile.caching = UIOMMU_SMMUV3_CACHING_GREEDY;
	else
		cfg->profile.tlb_entries = cfg->profile.config_entries = 0;
}

static uint64_t bus_read(void *ctx, uint32_t offset, unsigned int size)
{
	struct rig *rig = ctx;

	return uiommu_smmuv3_model_read(rig->model, offset, size);
}

static void bus_write(void *ctx, uint32_t offset, unsigned int size,
		      uint64_t value)
{
	struct rig *rig = ctx;

	if (rig->yield)
		sched_yield();
	uiommu_smmuv3_model_write(rig->model, offset, size, value);
}

static void on_model_log(void *ctx, const char *msg)
{
	if (getenv("UIOMMU_TEST_LOG"))
		fprintf(stderr, "model: %s\n", msg);
}

int rig_probe(struct rig *rig, const struct rig_cfg *cfg)
{
	struct uiommu_smmuv3_cfg driver = cfg->driver;

	driver.platform = rig->platform;
	driver.base = rig->mmio;
	if (!driver.host) {
		driver.host = cfg->nobody_pages ? &host_without_pages
						: &host_ops;
		driver.host_ctx = rig;
	}
	return uiommu_smmuv3_probe(&driver, &rig->unit);
}

static void open_memory(struct rig *rig, const struct rig_cfg *cfg)
{
	rig->mmio = RIG_MMIO;
	rig->ram_size = cfg->ram_size;
	rig->ram = mmap(NULL, rig->ram_size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(rig->ram != MAP_FAILED, "memory");
	must(!uiommu_host_create(0, &rig->host), "host");
	if (!getenv("UIOMMU_TEST_LOG"))
		uiommu_host_set_log(rig->host, UIOMMU_LOG_ERROR);
	rig->platform = uiommu_host_platform(rig->host);
	uiommu_host_arena(rig->host, &rig->arena);
}

static void open_smmu(struct rig *rig, const struct rig_cfg *cfg)
{
	struct uiommu_model_host mem = {
		.ctx = rig,
		.read = mem_read,
		.write = mem_write,
		.cmpxchg64 = mem_cmpxchg64,
		.direct = cfg->no_direct ? NULL : mem_direct,
		.irq = on_irq,
		.ats_invalidate = on_ats_invalidate,
		.pri_response = on_pri_response,
		.log = on_model_log,
	};
	struct uiommu_bus_window window = {
		.base = rig->mmio,
		.read = bus_read,
		.write = bus_write,
	};

	must(!uiommu_smmuv3_model_create(&cfg->profile, &mem, &rig->model),
	     "model");
	window.ctx = rig;
	window.size = uiommu_smmuv3_model_mmio_size(rig->model);
	rig->yield = cfg->yield;
	must(!uiommu_host_add_window(rig->host, &window), "window");
	if (!cfg->no_probe)
		must(!rig_probe(rig, cfg), "probe");
}

struct rig *rig_create(const struct rig_cfg *cfg)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	must(rig, "memory");
	open_memory(rig, cfg);
	open_smmu(rig, cfg);
	return rig;
}

struct rig *rig_join(const struct rig_cfg *cfg, struct rig *first)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	static unsigned int nr;

	must(rig, "memory");
	*rig = (struct rig){
		.first = first,
		.mmio = RIG_MMIO +
			(uint64_t)(1 + nr++ % 64) * UIOMMU_SMMUV3_MMIO_SIZE,
		.host = first->host,
		.platform = first->platform,
		.arena = first->arena,
		.ram = first->ram,
		.ram_size = first->ram_size,
	};
	open_smmu(rig, cfg);
	return rig;
}

void rig_destroy(struct rig *rig)
{
	unsigned int i;

	if (rig->unit)
		rig->unit->ops->remove(rig->unit);
	/* What runs deferred may defer the next call in turn. */
	for (i = 0; i < 4 && (i < 2 || uiommu_host_live(rig->host)); i++)
		uiommu_host_barrier(rig->host);
	if (!rig->first)
		must(!uiommu_host_live(rig->host), "something was not freed");
	while (rig->nr_eps)
		uiommu_smmuv3_endpoint_destroy(rig->ep[--rig->nr_eps]);
	uiommu_smmuv3_model_destroy(rig->model);
	if (!rig->first) {
		uiommu_host_destroy(rig->host);
		munmap(rig->ram, rig->ram_size);
	}
	free(rig);
}

/* ------------------------------------------------------------ operations */

struct uiommu_hwdev *rig_device(struct rig *rig, uint32_t sid)
{
	return rig_pasid_device(rig, sid, 0);
}

struct uiommu_hwdev *rig_pasid_device(struct rig *rig, uint32_t sid,
				      uint8_t pasid_bits)
{
	struct uiommu_hwdev_cfg cfg = {
		.name = "rig",
		.ids = &sid,
		.nr_ids = 1,
		.pasid_bits = pasid_bits,
		.cookie = (void *)(uintptr_t)(0x1000 + sid),
	};
	struct uiommu_hwdev *dev;

	must(!rig->unit->ops->dev_add(rig->unit, &cfg, &dev), "dev_add");
	return dev;
}

struct uiommu_hwdev *rig_ats_device(struct rig *rig, uint32_t sid,
				    uint8_t pasid_bits)
{
	struct uiommu_hwdev_cfg cfg = {
		.name = "endpoint",
		.ids = &sid,
		.nr_ids = 1,
		.pasid_bits = pasid_bits,
		.ats = true,
		.pri = true,
		.pri_pasid = true,
		.cookie = (void *)(uintptr_t)(0x1000 + sid),
	};
	struct uiommu_hwdev *dev;

	rig_stranger(rig, sid);
	must(!rig->unit->ops->dev_add(rig->unit, &cfg, &dev), "dev_add");
	return dev;
}

struct uiommu_hwdom *rig_domain(struct rig *rig, enum uiommu_dom_type type)
{
	struct uiommu_dom_cfg cfg = { type };
	struct uiommu_hwdom *dom;

	must(!rig->unit->ops->dom_alloc(rig->unit, &cfg, &dom), "dom_alloc");
	return dom;
}

struct uiommu_hwdom *rig_stage2(struct rig *rig)
{
	struct uiommu_dom_cfg cfg = { UIOMMU_DOM_PAGING, UIOMMU_STAGE_2 };
	struct uiommu_hwdom *dom;

	must(!rig->unit->ops->dom_alloc(rig->unit, &cfg, &dom), "dom_alloc");
	return dom;
}

void rig_attach(struct uiommu_hwdom *dom, struct uiommu_hwdev *dev)
{
	must(!dev->unit->ops->attach(dom, dev), "attach");
}

void rig_set_pasid(struct uiommu_hwdom *dom, struct uiommu_hwdev *dev,
		   uint32_t pasid, struct uiommu_hwdom *old)
{
	must(!dev->unit->ops->set_pasid(dom, dev, pasid, old), "set_pasid");
}

void rig_flush(struct uiommu_hwdom *dom, struct uiommu_gather *gather)
{
	must(!dom->unit->ops->flush(dom, gather), "flush");
	uiommu_gather_release(gather);
}

void rig_map(struct uiommu_hwdom *dom, uint64_t iova, const void *va,
	     uint64_t len, uint32_t prot)
{
	struct uiommu_gather gather;
	int rc;

	uiommu_gather_init(&gather);
	do {
		rc = uiommu_pgtable_map(dom->pt, iova, (uintptr_t)va, len, prot,
					&gather);
		rig_flush(dom, &gather);
	} while (rc == -EAGAIN);
	must(!rc, "map");
}

void rig_unmap_only(struct uiommu_hwdom *dom, uint64_t iova, uint64_t len,
		    struct uiommu_gather *gather)
{
	uint64_t unmapped;
	int rc;

	do {
		rc = uiommu_pgtable_unmap(dom->pt, iova, len, gather,
					  &unmapped);
		if (rc == -EAGAIN)
			rig_flush(dom, gather);
	} while (rc == -EAGAIN);
	must(!rc && unmapped == len, "unmap");
}

void rig_unmap(struct uiommu_hwdom *dom, uint64_t iova, uint64_t len)
{
	struct uiommu_gather gather;

	uiommu_gather_init(&gather);
	rig_unmap_only(dom, iova, len, &gather);
	rig_flush(dom, &gather);
}

int rig_dma_pasid(struct rig *rig, uint32_t sid, uint32_t pasid, uint64_t iova,
		  void *buf, size_t len, bool write)
{
	struct uiommu_smmuv3_dma req = {
		.txn = { .sid = sid,
			 .iova = iova,
			 .flags = write ? UIOMMU_TXN_WRITE : 0 },
		.buf = buf,
		.len = len,
	};

	if (pasid != UIOMMU_NO_PASID) {
		req.txn.ssid = pasid;
		req.txn.flags |= UIOMMU_TXN_SSV;
	}
	return uiommu_smmuv3_model_dma(rig->model, &req);
}

uint64_t *rig_word(struct rig *rig, unsigned int page)
{
	return (uint64_t *)(void *)(rig->ram + (size_t)page * RIG_PAGE);
}

struct uiommu_hwdom *rig_domain_at(struct rig *rig, uint64_t iova,
				   unsigned int page)
{
	struct uiommu_hwdom *dom = rig_domain(rig, UIOMMU_DOM_PAGING);

	*rig_word(rig, page) = page;
	rig_map(dom, iova, rig_word(rig, page), RIG_PAGE,
		UIOMMU_PROT_READ | UIOMMU_PROT_WRITE | UIOMMU_PROT_CACHE);
	return dom;
}

uint64_t rig_peek(struct rig *rig, uint32_t sid, uint32_t pasid, uint64_t iova)
{
	uint64_t word = 0;

	return rig_dma_pasid(rig, sid, pasid, iova, &word, 8, false)
		       ? RIG_STOPPED
		       : word;
}

int rig_dma_read(struct rig *rig, uint32_t sid, uint64_t iova, void *buf,
		 size_t len)
{
	return rig_dma_pasid(rig, sid, UIOMMU_NO_PASID, iova, buf, len, false);
}

int rig_dma_write(struct rig *rig, uint32_t sid, uint64_t iova, const void *buf,
		  size_t len)
{
	uint8_t bytes[RIG_PAGE];

	must(len <= sizeof(bytes), "length");
	memcpy(bytes, buf, len);
	return rig_dma_pasid(rig, sid, UIOMMU_NO_PASID, iova, bytes, len, true);
}

/* --------------------------------------------------------------- figures */

static void dump_line(void *ctx, const char *line, size_t len)
{
	must(fwrite(line, 1, len, ctx) == len, "memory");
}

char *rig_dump(struct rig *rig)
{
	struct uiommu_dump dump = {
		.parts = UIOMMU_DUMP_TABLES,
		.write = dump_line,
	};
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	must(out, "memory");
	dump.ctx = out;
	must(!uiommu_smmuv3_model_dump(rig->model, &dump), "dump");
	fclose(out);
	return text;
}

struct uiommu_smmuv3_stats rig_stats(struct rig *rig)
{
	struct uiommu_smmuv3_stats stats;

	uiommu_smmuv3_model_stats(rig->model, &stats);
	return stats;
}

uint64_t rig_counter(struct rig *rig, const char *name)
{
	const char *found;
	unsigned int i;
	uint64_t value;

	for (i = 0; rig->unit->ops->counter(rig->unit, i, &found, &value); i++)
		if (!strcmp(found, name))
			return value;
	must(false, "no such counter");
	return 0;
}
