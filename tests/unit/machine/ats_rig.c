/* SPDX-License-Identifier: BSD-2-Clause */
/* ats_rig.c - see ats_rig.h. */
#include <stdlib.h>
#include <sys/mman.h>

#include "ats_rig.h"

#define RW (UIOMMU_PROT_READ | UIOMMU_PROT_WRITE | UIOMMU_PROT_CACHE)

/* ------------------------------------------------------------------ host -- */

static void on_fault(void *ctx, struct uiommu_unit *unit,
		     const struct uiommu_fault *fault)
{
	struct ats_rig *rig = ctx;

	assert_true(rig->nr_faults < ATS_TOLD);
	rig->fault[rig->nr_faults++] = *fault;
}

static void on_page(void *ctx, struct uiommu_unit *unit,
		    const struct uiommu_page_request *req)
{
	struct ats_rig *rig = ctx;

	assert_true(rig->nr_pages < ATS_TOLD);
	rig->page[rig->nr_pages++] = *req;
}

static void set_ats(void *ctx, struct uiommu_unit *unit, void *cookie,
		    bool enable)
{
	if (!enable)
		pcidev_set_pri(cookie, false);
	pcidev_set_ats(cookie, enable);
	if (enable)
		pcidev_set_pri(cookie, true);
}

static const struct uiommu_host_ops host_ops = {
	.report_fault = on_fault,
	.report_page_request = on_page,
	.set_ats = set_ats,
};

static void fire(void *arg)
{
	struct ats_rig *rig = arg;

	rig->fired++;
}

/* ----------------------------------------------------------------- setup -- */

static void make_base(struct uiommu_machine *machine)
{
	struct pins_cfg pins = { .ctx = machine, .drain = mm_drain };

	assert_int_equal(uiommu_guard_install(), 0);
	assert_int_equal(uiommu_host_create(0, &machine->host), 0);
	machine->platform = uiommu_host_platform(machine->host);
	uiommu_host_arena(machine->host, &machine->arena);
	assert_int_equal(carve_init(&machine->carve), 0);
	pins.platform = machine->platform;
	pins.alias_window.first = machine->carve.base + CARVE_ALIAS;
	pins.alias_window.last = machine->carve.base + CARVE_SIZE - 1;
	assert_int_equal(pins_init(&machine->pins, &pins), 0);
	assert_int_equal(msi_init(machine), 0);
	assert_int_equal(report_init(&machine->report), 0);
	assert_int_equal(pthread_key_create(&machine->scope_key, NULL), 0);
}

static void make_smmu(struct ats_rig *rig)
{
	struct uiommu_machine *machine = &rig->machine;
	struct uiommu_smmuv3_cfg cfg = {
		.platform = machine->platform,
		.host = &host_ops,
		.host_ctx = rig,
		.timeout_ns = UINT64_C(60000000000),
	};
	struct hw_desc *hw = calloc(1, sizeof(*hw));
	char err[128];

	hw->nr_smmus = 1;
	strcpy(hw->smmu[0].name, "smmu0");
	strcpy(hw->smmu[0].profile, "full");
	assert_int_equal(smmu_make_models(machine, hw, err, sizeof(err)), 0);
	free(hw);
	cfg.base = machine->smmu[0].base;
	assert_int_equal(uiommu_smmuv3_probe(&cfg, &rig->unit), 0);
	machine->smmu[0].unit = rig->unit;
}

static void make_device(struct ats_rig *rig, bool stall)
{
	const struct hw_dev hw = {
		.type = &pcidev_testep,
		.bdf = "0000:01:00.0",
		.rid = 0x100,
		.sid = 0x100,
	};
	struct uiommu_hwdev_cfg cfg = {
		.ids = &hw.sid,
		.nr_ids = 1,
		.pasid_bits = 20,
		.ats = !stall,
		.pri = !stall,
		.pri_pasid = true,
		.stall = stall,
	};

	assert_int_equal(pcidev_create(&rig->machine, &hw, &rig->dev), 0);
	rig->machine.dev[rig->machine.nr_devs++] = rig->dev;
	cfg.cookie = rig->dev;
	assert_int_equal(rig->unit->ops->dev_add(rig->unit, &cfg, &rig->hwdev),
			 0);
	ats_set_cfg(rig, PCIE_CFG_COMMAND, 2,
		    PCIE_COMMAND_MEMORY | PCIE_COMMAND_BUS_MASTER);
	ats_set_cfg(rig, rig->dev->cap_pasid + PCIE_PASID_CTRL, 2,
		    PCIE_PASID_CTRL_ENABLE | PCIE_PASID_CTRL_EXEC |
			    PCIE_PASID_CTRL_PRIV);
}

struct ats_rig *ats_rig_new(bool stall)
{
	const struct uiommu_dom_cfg paging = { .type = UIOMMU_DOM_PAGING };
	struct ats_rig *rig = calloc(1, sizeof(*rig));
	struct uiommu_run run;
	size_t done = 0, len = ATS_PAGES * TESTEP_PAGE_SIZE;

	make_base(&rig->machine);
	make_smmu(rig);
	make_device(rig, stall);
	assert_int_equal(msi_alloc(&rig->machine, rig->dev->core_dev, fire, rig,
				   &rig->msg, &rig->handle),
			 0);
	rig->mem = mmap(NULL, len, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(rig->mem != MAP_FAILED);
	while (done < len) {
		assert_int_equal(mm_pin(&rig->machine,
					(uintptr_t)rig->mem + done, len - done,
					UIOMMU_PIN_WRITE, &run),
				 0);
		assert_int_equal(run.pa, (uintptr_t)rig->mem + done);
		done += run.len;
	}
	assert_int_equal(
		rig->unit->ops->dom_alloc(rig->unit, &paging, &rig->dom), 0);
	assert_int_equal(rig->unit->ops->attach(rig->dom, rig->hwdev), 0);
	return rig;
}

void ats_rig_free(struct ats_rig *rig)
{
	struct uiommu_machine *machine = &rig->machine;
	size_t len = ATS_PAGES * TESTEP_PAGE_SIZE;

	rig->unit->ops->dev_remove(rig->hwdev);
	rig->unit->ops->dom_free(rig->dom);
	machine->nr_devs = 0;
	pcidev_destroy(rig->dev);
	msi_free(machine, rig->handle);
	mm_unpin(machine, (uintptr_t)rig->mem, len, UIOMMU_PIN_WRITE);
	rig->unit->ops->remove(rig->unit);
	for (unsigned int i = 0; i < 4; i++)
		uiommu_host_barrier(machine->host);
	smmu_drop_models(machine);
	pthread_key_delete(machine->scope_key);
	report_fini(&machine->report);
	msi_fini(machine);
	pins_fini(&machine->pins);
	carve_fini(&machine->carve);
	assert_int_equal(uiommu_host_live(machine->host), 0);
	uiommu_host_destroy(machine->host);
	munmap(rig->mem, len);
	free(rig);
}

/* ---------------------------------------------------------------- memory -- */

void ats_map(struct ats_rig *rig, struct uiommu_hwdom *dom, uint64_t iova,
	     unsigned int i)
{
	struct uiommu_gather gather;

	assert_true(i < ATS_PAGES);
	uiommu_gather_init(&gather);
	assert_int_equal(
		uiommu_pgtable_map(dom->pt, iova,
				   (uintptr_t)rig->mem + i * TESTEP_PAGE_SIZE,
				   TESTEP_PAGE_SIZE, RW, &gather),
		0);
	assert_int_equal(rig->unit->ops->flush(dom, &gather), 0);
	uiommu_gather_release(&gather);
}

void ats_unmap(struct ats_rig *rig, struct uiommu_hwdom *dom, uint64_t iova)
{
	struct uiommu_gather gather;
	uint64_t unmapped;

	uiommu_gather_init(&gather);
	assert_int_equal(uiommu_pgtable_unmap(dom->pt, iova, TESTEP_PAGE_SIZE,
					      &gather, &unmapped),
			 0);
	assert_int_equal(rig->unit->ops->flush(dom, &gather), 0);
	uiommu_gather_release(&gather);
}

uint64_t *ats_word(struct ats_rig *rig, unsigned int page, unsigned int off)
{
	return (uint64_t *)(void *)(rig->mem + page * TESTEP_PAGE_SIZE + off);
}

/* --------------------------------------------------------------- answers -- */

void ats_answer_page(struct ats_rig *rig, unsigned int n,
		     enum uiommu_page_code code)
{
	const struct uiommu_page_response resp = {
		.id = rig->page[n].id,
		.pasid = rig->page[n].pasid,
		.token = rig->page[n].token,
		.code = code,
	};

	assert_true(n < rig->nr_pages);
	assert_int_equal(rig->unit->ops->page_response(rig->hwdev, &resp), 0);
	machine_settle(&rig->machine);
}

void ats_answer_fault(struct ats_rig *rig, unsigned int n,
		      enum uiommu_page_code code)
{
	const struct uiommu_page_response resp = {
		.stalled = true,
		.id = rig->fault[n].id,
		.pasid = rig->fault[n].pasid,
		.token = rig->fault[n].token,
		.code = code,
	};

	assert_true(n < rig->nr_faults);
	assert_int_equal(rig->unit->ops->page_response(rig->hwdev, &resp), 0);
	machine_settle(&rig->machine);
}

/* -------------------------------------------------------------- registers - */

uint64_t ats_read(struct ats_rig *rig, uint64_t off, unsigned int size)
{
	struct uiommu_vdev_cfg cfg;
	uint64_t val = ~UINT64_C(0);

	pcidev_vdev_cfg(rig->dev, &cfg);
	assert_int_equal(cfg.ops->bar_read(cfg.ctx, 0, off, size, &val), 0);
	return val;
}

void ats_write(struct ats_rig *rig, uint64_t off, unsigned int size,
	       uint64_t val)
{
	struct uiommu_vdev_cfg cfg;

	pcidev_vdev_cfg(rig->dev, &cfg);
	assert_int_equal(cfg.ops->bar_write(cfg.ctx, 0, off, size, val), 0);
}

enum testep_status ats_status(struct ats_rig *rig, unsigned int slot)
{
	return ats_read(rig, TESTEP_SLOT(slot) + TESTEP_SLOT_STATUS, 4);
}

enum testep_status ats_go(struct ats_rig *rig, unsigned int slot, uint32_t ctrl,
			  uint64_t addr, uint32_t len)
{
	ats_write(rig, TESTEP_SLOT(slot) + TESTEP_SLOT_ADDR, 8, addr);
	ats_write(rig, TESTEP_SLOT(slot) + TESTEP_SLOT_LEN, 4, len);
	ats_write(rig, TESTEP_SLOT(slot) + TESTEP_SLOT_CTRL, 4,
		  ctrl | TESTEP_CTRL_START);
	return ats_status(rig, slot);
}

uint32_t ats_cfg(struct ats_rig *rig, unsigned int off, unsigned int size)
{
	return pci_config_get(rig->dev, off, size);
}

void ats_set_cfg(struct ats_rig *rig, unsigned int off, unsigned int size,
		 uint32_t val)
{
	pci_config_set(rig->dev, off, size, val);
}
