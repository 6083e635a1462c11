/* SPDX-License-Identifier: BSD-2-Clause */
/* rig.c - see rig.h.  The model pointer of the rig's SMMU is the rig. */
#include "rig.h"

/* The bytes move, or the access aborts, or it is a message. */
static int move(struct rig *rig, struct uiommu_smmuv3_dma *req)
{
	uint64_t first = req->txn.iova, last = first + req->len - 1;
	uint64_t page = rig->machine.carve.base + CARVE_MSI;
	bool write = req->txn.flags & UIOMMU_TXN_WRITE;

	if (first >= page && first < page + 4096)
		return msi_store(&rig->machine, rig->dev, first - page,
				 req->buf, req->len)
			       ? -EFAULT
			       : 0;
	if (first < RIG_IOVA || last >= RIG_IOVA + RIG_MEM || last < first)
		return -EFAULT;
	if (rig->bad >= first && rig->bad <= last)
		return -EFAULT;
	if (write)
		memcpy(&rig->mem[first - RIG_IOVA], req->buf, req->len);
	else
		memcpy(req->buf, &rig->mem[first - RIG_IOVA], req->len);
	return 0;
}

static int rig_dma(struct uiommu_smmuv3_model *model,
		   struct uiommu_smmuv3_dma *req)
{
	struct rig *rig = (struct rig *)model;

	rig->accesses++;
	if (!rig->pend)
		return move(rig, req);
	assert_null(rig->pending);
	rig->pending = req;
	return -EINPROGRESS;
}

bool rig_resume(struct rig *rig)
{
	struct uiommu_smmuv3_dma *req = rig->pending;

	if (!req)
		return false;
	rig->pending = NULL;
	req->done(req, move(rig, req));
	return true;
}

static void fire(void *arg)
{
	struct rig *rig = arg;

	rig->fired++;
}

void rig_init(struct rig *rig, const struct pcidev_type *type)
{
	struct uiommu_machine *machine = &rig->machine;
	const struct hw_dev hw = {
		.type = type,
		.bdf = "0000:01:00.0",
		.rid = 0x100,
		.sid = 0x100,
	};

	memset(rig, 0, sizeof(*rig));
	assert_int_equal(uiommu_host_create(0, &machine->host), 0);
	machine->platform = uiommu_host_platform(machine->host);
	assert_int_equal(carve_init(&machine->carve), 0);
	assert_int_equal(msi_init(machine), 0);
	assert_int_equal(report_init(&machine->report), 0);
	assert_int_equal(pthread_key_create(&machine->scope_key, NULL), 0);
	machine->nr_smmus = 1;
	machine->smmu[0].machine = machine;
	machine->smmu[0].model = (struct uiommu_smmuv3_model *)rig;
	machine->smmu[0].dma = rig_dma;
	assert_int_equal(pcidev_create(machine, &hw, &rig->dev), 0);
	machine->dev[0] = rig->dev;
	machine->nr_devs = 1;
	assert_int_equal(msi_alloc(machine, NULL, fire, rig, &rig->msg,
				   &rig->handle),
			 0);
	rig_command(rig, PCIE_COMMAND_MEMORY | PCIE_COMMAND_BUS_MASTER);
}

void rig_fini(struct rig *rig)
{
	struct uiommu_machine *machine = &rig->machine;

	assert_null(rig->pending);
	msi_free(machine, rig->handle);
	pcidev_destroy(rig->dev);
	pthread_key_delete(machine->scope_key);
	report_fini(&machine->report);
	msi_fini(machine);
	carve_fini(&machine->carve);
	assert_int_equal(uiommu_host_live(machine->host), 0);
	uiommu_host_destroy(machine->host);
}

uint64_t rig_read(struct rig *rig, uint64_t off, unsigned int size)
{
	struct uiommu_vdev_cfg cfg;
	uint64_t val = ~UINT64_C(0);

	pcidev_vdev_cfg(rig->dev, &cfg);
	assert_int_equal(cfg.ops->bar_read(cfg.ctx, 0, off, size, &val), 0);
	return val;
}

void rig_write(struct rig *rig, uint64_t off, unsigned int size, uint64_t val)
{
	struct uiommu_vdev_cfg cfg;

	pcidev_vdev_cfg(rig->dev, &cfg);
	assert_int_equal(cfg.ops->bar_write(cfg.ctx, 0, off, size, val), 0);
}

void rig_command(struct rig *rig, uint32_t command)
{
	pci_config_set(rig->dev, PCIE_CFG_COMMAND, 2, command);
}

void rig_msix(struct rig *rig, unsigned int nr)
{
	uint64_t entry = rig->dev->type->msix_table + nr * PCIE_MSIX_ENTRY_SIZE;

	rig_write(rig, entry, 8, rig->msg.addr);
	rig_write(rig, entry + 8, 4, rig->msg.data);
	rig_write(rig, entry + 12, 4, 0);
	pci_config_set(rig->dev, rig->dev->cap_msix + PCIE_MSIX_CTRL, 2,
		       PCIE_MSIX_CTRL_ENABLE);
}
