/* SPDX-License-Identifier: BSD-2-Clause */
#include "core_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "core rig: %s\n", what);
	abort();
}

/* A device is named by its SMMU and its StreamID: "0:5". */
static struct rig *find(struct core_rig *cr, const struct uiommu_device *dev,
			uint32_t *sid)
{
	char *end;
	unsigned long smmu = strtoul(uiommu_device_name(dev), &end, 10);

	*sid = (uint32_t)strtoul(end + 1, NULL, 10);
	return cr->rig[smmu];
}

static struct core_rig *of_core; /* one rig in a program at a time */

static void set_ats(void *ctx, struct uiommu_unit *unit, void *cookie,
		    bool enable)
{
	uint32_t sid;
	struct rig *rig = find(of_core, cookie, &sid);

	uiommu_smmuv3_endpoint_set_ats(rig_endpoint(rig, sid), enable);
	uiommu_smmuv3_endpoint_set_pri(rig_endpoint(rig, sid), enable);
}

static void on_fault(void *ctx, struct uiommu_device *dev,
		     const struct uiommu_fault *fault)
{
	struct core_rig *cr = ctx;

	cr->fault = *fault;
	cr->nr_faults++;
}

static void probe(struct core_rig *cr, const struct rig_cfg *cfg)
{
	static struct uiommu_host_ops ops; /* the core's, but for ATS */
	struct rig *rig = cr->rig[cr->nr_rigs];
	struct uiommu_smmuv3_cfg driver = cfg->driver;
	struct uiommu_unit *unit;

	ops = uiommu_core_host_ops;
	ops.set_ats = set_ats;
	driver.platform = rig->platform;
	driver.base = rig->mmio;
	driver.host = &ops;
	driver.host_ctx = cr->core;
	must(!uiommu_smmuv3_probe(&driver, &unit), "probe");
	must(!uiommu_core_add_unit(cr->core, unit), "add_unit");
	rig->unit = unit;
	cr->nr_rigs++;
}

void core_rig_open(struct core_rig *cr, struct rig_cfg *cfg)
{
	struct uiommu_core_cfg core = { .fault = on_fault, .ctx = cr };

	memset(cr, 0, sizeof(*cr));
	of_core = cr;
	cfg->no_probe = true;
	cr->rig[0] = rig_create(cfg);
	core.platform = cr->rig[0]->platform;
	must(!uiommu_core_create(&core, &cr->core), "core");
	probe(cr, cfg);
}

void core_rig_join(struct core_rig *cr, struct rig_cfg *cfg)
{
	cfg->no_probe = true;
	cr->rig[cr->nr_rigs] = rig_join(cfg, cr->rig[0]);
	probe(cr, cfg);
}

void core_rig_close(struct core_rig *cr)
{
	uiommu_core_destroy(cr->core);
	while (cr->nr_rigs--) {
		cr->rig[cr->nr_rigs]->unit = NULL;
		rig_destroy(cr->rig[cr->nr_rigs]);
	}
	of_core = NULL;
}

struct uiommu_device *core_rig_device(struct core_rig *cr, unsigned int smmu,
				      uint32_t sid, uint8_t pasid_bits,
				      bool ats)
{
	const struct uiommu_hwdev_cfg hw = {
		.pasid_bits = pasid_bits,
		.ats = ats,
	};

	return core_rig_add(cr, smmu, sid, &hw);
}

struct uiommu_device *core_rig_add(struct core_rig *cr, unsigned int smmu,
				   uint32_t sid,
				   const struct uiommu_hwdev_cfg *hw)
{
	struct uiommu_device_cfg cfg = { .hw = *hw };
	struct uiommu_device *dev;
	char name[32];

	snprintf(name, sizeof(name), "%u:%u", smmu, sid);
	cfg.hw.name = name;
	cfg.hw.ids = &sid;
	cfg.hw.nr_ids = 1;
	if (hw->ats)
		rig_stranger(cr->rig[smmu], sid);
	must(!uiommu_device_add(cr->core, cr->rig[smmu]->unit, &cfg, &dev),
	     "device_add");
	return dev;
}

uint64_t *core_rig_word(struct core_rig *cr, unsigned int page)
{
	return rig_word(cr->rig[0], page);
}

struct uiommu_domain *core_rig_domain(struct core_rig *cr,
				      struct uiommu_device *dev, uint64_t iova,
				      unsigned int page)
{
	struct uiommu_domain *dom;

	must(!uiommu_domain_alloc(dev, &dom), "domain_alloc");
	must(!uiommu_domain_map(dom, iova, (uintptr_t)core_rig_word(cr, page),
				RIG_PAGE, CORE_RIG_RW),
	     "map");
	return dom;
}

uint64_t core_rig_read(struct core_rig *cr, unsigned int smmu, uint32_t sid,
		       uint32_t pasid, uint64_t iova)
{
	struct uiommu_smmuv3_endpoint *ep = rig_endpoint(cr->rig[smmu], sid);
	uint64_t word = 0;
	struct uiommu_smmuv3_dma req = {
		.txn = { .sid = sid, .iova = iova },
		.buf = &word,
		.len = 8,
	};

	if (pasid != UIOMMU_NO_PASID) {
		req.txn.ssid = pasid;
		req.txn.flags = UIOMMU_TXN_SSV;
	}
	if (ep ? uiommu_smmuv3_endpoint_dma(ep, &req)
	       : uiommu_smmuv3_model_dma(cr->rig[smmu]->model, &req))
		return 0;
	return word;
}

void core_rig_irqs(struct core_rig *cr)
{
	for (unsigned int i = 0; i < cr->nr_rigs; i++)
		rig_irqs(cr->rig[i]);
}
