/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * smmu.c - the machine's SMMUs: a model each, its registers as a window on the
 * bus, its memory the machine's, and the driver's unit that runs it.
 */
#include "pci.h"

static uint64_t window_read(void *ctx, uint32_t offset, unsigned int size)
{
	struct machine_smmu *smmu = ctx;

	return uiommu_smmuv3_model_read(smmu->model, offset, size);
}

static void window_write(void *ctx, uint32_t offset, unsigned int size,
			 uint64_t value)
{
	struct machine_smmu *smmu = ctx;

	uiommu_smmuv3_model_write(smmu->model, offset, size, value);
}

static void model_log(void *ctx, const char *msg)
{
	struct machine_smmu *smmu = ctx;
	const struct uiommu_platform *platform = smmu->machine->platform;

	platform->log(platform->ctx, UIOMMU_LOG_WARN, msg);
}

/* The model's context is the SMMU, memory is the machine's. */
static int smmu_read(void *ctx, uiommu_pa_t pa, void *buf, size_t len,
		     struct uiommu_mem_attrs attrs)
{
	struct machine_smmu *smmu = ctx;

	return ram_read(smmu->machine, pa, buf, len, attrs);
}

static int smmu_write(void *ctx, uiommu_pa_t pa, const void *buf, size_t len,
		      struct uiommu_mem_attrs attrs)
{
	struct machine_smmu *smmu = ctx;

	return ram_write(smmu->machine, pa, buf, len, attrs);
}

struct pcidev *smmu_device(const struct machine_smmu *smmu, uint32_t sid)
{
	const struct uiommu_machine *machine = smmu->machine;

	for (unsigned int i = 0; i < machine->nr_devs; i++)
		if (machine->dev[i]->smmu == smmu &&
		    machine->dev[i]->sid == sid)
			return machine->dev[i];
	return NULL;
}

/* The doorbell's page is there for devices alone, which it tells apart. */
static int smmu_device_write(void *ctx, uint32_t sid, uiommu_pa_t pa,
			     const void *buf, size_t len,
			     struct uiommu_mem_attrs attrs)
{
	struct machine_smmu *smmu = ctx;
	uint64_t page = smmu->machine->carve.base + CARVE_MSI;

	if (pa >= page && pa - page < PIN_PAGE)
		return msi_store(smmu->machine, smmu_device(smmu, sid),
				 pa - page, buf, len);
	return ram_write(smmu->machine, pa, buf, len, attrs);
}

static int smmu_cmpxchg64(void *ctx, uiommu_pa_t pa, uint64_t *expected,
			  uint64_t want)
{
	struct machine_smmu *smmu = ctx;

	return ram_cmpxchg64(smmu->machine, pa, expected, want);
}

static void *smmu_direct(void *ctx, uiommu_pa_t pa, size_t len, bool write)
{
	struct machine_smmu *smmu = ctx;

	return ram_direct(smmu->machine, pa, len, write);
}

/* The device with an endpoint that has this StreamID. */
static struct pcidev *endpoint_of(const struct machine_smmu *smmu, uint32_t sid)
{
	struct pcidev *dev = smmu_device(smmu, sid);

	return dev && dev->ep ? dev : NULL;
}

static int smmu_ats_invalidate(void *ctx, const struct uiommu_ats_inval *inval)
{
	struct pcidev *dev = endpoint_of(ctx, inval->sid);

	return dev ? pci_ats_invalidate(dev, inval) : 0;
}

static void smmu_pri_response(void *ctx, const struct uiommu_pri_response *resp)
{
	struct pcidev *dev = endpoint_of(ctx, resp->sid);

	if (dev)
		pci_ats_page_response(dev, resp);
}

static int make_model(struct uiommu_machine *machine, unsigned int i,
		      const struct hw_smmu *hw)
{
	struct machine_smmu *smmu = &machine->smmu[i];
	const struct uiommu_model_host host = {
		.ctx = smmu,
		.read = smmu_read,
		.write = smmu_write,
		.device_write = smmu_device_write,
		.cmpxchg64 = smmu_cmpxchg64,
		.direct = smmu_direct,
		.irq = irqbox_raise,
		.ats_invalidate = smmu_ats_invalidate,
		.pri_response = smmu_pri_response,
		.log = model_log,
	};
	const struct uiommu_bus_window window = {
		.base = hw->base ? hw->base
				 : machine->carve.base + CARVE_SMMU +
					   i * CARVE_SMMU_STEP,
		.size = UIOMMU_SMMUV3_MMIO_SIZE,
		.ctx = smmu,
		.read = window_read,
		.write = window_write,
	};
	int rc;

	smmu->machine = machine;
	smmu->base = window.base;
	smmu->dma = uiommu_smmuv3_model_dma;
	memcpy(smmu->name, hw->name, sizeof(smmu->name));
	rc = uiommu_smmuv3_model_create(uiommu_smmuv3_profile_find(hw->profile),
					&host, &smmu->model);
	if (rc)
		return rc;
	uiommu_smmuv3_model_set_fault_observer(smmu->model, report_fault, smmu);
	if (machine->cfg.explain)
		uiommu_smmuv3_model_set_notifier(smmu->model,
						 story_config_changed, smmu);
	trace_smmu(smmu);
	rc = uiommu_host_add_window(machine->host, &window);
	if (rc) {
		uiommu_smmuv3_model_destroy(smmu->model);
		smmu->model = NULL;
		return rc;
	}
	machine->nr_smmus++;
	return 0;
}

void smmu_drop_models(struct uiommu_machine *machine)
{
	while (machine->nr_smmus)
		uiommu_smmuv3_model_destroy(
			machine->smmu[--machine->nr_smmus].model);
}

int smmu_make_models(struct uiommu_machine *machine, const struct hw_desc *hw,
		     char *err, size_t err_len)
{
	for (unsigned int i = 0; i < hw->nr_smmus; i++) {
		int rc = make_model(machine, i, &hw->smmu[i]);

		if (!rc)
			continue;
		machine_say(err, err_len,
			    "%s: no model of profile \"%s\" at 0x%llx: %s",
			    hw->smmu[i].name, hw->smmu[i].profile,
			    (unsigned long long)hw->smmu[i].base,
			    strerror(-rc));
		smmu_drop_models(machine);
		return rc == -EEXIST ? -EINVAL : rc;
	}
	return 0;
}

/* Units belong to the core as soon as it has them. */
int smmu_probe_units(struct uiommu_machine *machine, char *err, size_t err_len)
{
	for (unsigned int i = 0; i < machine->nr_smmus; i++) {
		struct machine_smmu *smmu = &machine->smmu[i];
		const struct uiommu_smmuv3_cfg cfg = {
			.platform = machine->platform,
			.base = smmu->base,
			.host = &uiommu_core_host_ops,
			.host_ctx = machine->core,
		};
		struct uiommu_unit *unit;
		int rc;

		rc = uiommu_smmuv3_probe(&cfg, &unit);
		if (!rc) {
			rc = uiommu_core_add_unit(machine->core, unit);
			if (rc)
				unit->ops->remove(unit);
		}
		if (rc) {
			machine_say(err, err_len,
				    "%s: the driver cannot use it: %s",
				    smmu->name, strerror(-rc));
			return rc;
		}
		smmu->unit = unit;
	}
	return 0;
}
