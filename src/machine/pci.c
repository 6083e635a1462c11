/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pci.c - an emulated PCI Express function between the ABI and its type: BAR
 * dispatch, DMA through the SMMU, the INTx pin, reset.
 *
 * A thread that is inside the model has a scope (machine_private.h).  DMA sets
 * one up and takes it down; on the way out it delivers what the access caused.
 * A kick inside a scope is only noted, because run() would enter the model
 * again from its own memory callback.
 */
#include "pci.h"

#define KICK_ROUNDS 64u

/* ----------------------------------------------------------------- DMA -- */

static void scope_leave(struct uiommu_machine *machine,
			const struct dma_scope *scope)
{
	pthread_setspecific(machine->scope_key, NULL);
	for (unsigned int i = 0; i < scope->nr_vectors; i++)
		msi_fire(machine, scope->vector[i]);
	for (unsigned int i = 0; i < machine->nr_smmus; i++)
		if (load_relaxed(&machine->smmu[i].irq_pending))
			irqbox_deliver(machine);
}

/* A pending access is over.  The thread may come from inside the driver. */
static void dma_resumed(struct uiommu_smmuv3_dma *dma, int status)
{
	struct pcidev_req *req = container_of(dma, struct pcidev_req, dma);
	struct uiommu_machine *machine = req->dev->machine;
	struct dma_scope *outer = dma_scope(machine->scope_key);
	struct dma_scope scope = { .dev = req->dev, .resumed = true };

	pthread_setspecific(machine->scope_key, &scope);
	req->done(req, status);
	pthread_setspecific(machine->scope_key, outer);
}

/* Before what it has caused is delivered, which may change the tables. */
static void keep_story(struct pcidev *dev, const struct pcidev_req *req,
		       bool ats, int rc)
{
	uint32_t due = load_relaxed(&dev->story_due);

	if (!due)
		return;
	if (!rc && (due & STORY_WENT))
		story_take(dev, &req->dma, ats, STORY_WENT);
	else if (rc == -EFAULT && (due & STORY_ABORTED))
		story_take(dev, &req->dma, ats, STORY_ABORTED);
}

static int dma_start(struct pcidev *dev, struct pcidev_req *req, bool ats)
{
	int rc = ats ? uiommu_smmuv3_endpoint_dma(dev->ep, &req->dma)
		     : dev->smmu->dma(dev->smmu->model, &req->dma);

	keep_story(dev, req, ats, rc);
	return rc;
}

/* Inside the scope of an access further out, which delivers for both. */
static int dma_nested(struct pcidev *dev, struct pcidev_req *req, bool ats,
		      struct dma_scope *outer)
{
	const struct uiommu_smmuv3_dma *before = outer->dma;
	int rc;

	outer->dma = &req->dma;
	rc = dma_start(dev, req, ats);
	outer->dma = before;
	return rc;
}

void pcidev_enter(struct pcidev *dev, struct dma_scope *scope)
{
	pthread_key_t key = dev->machine->scope_key;

	/* Inside another one, which delivers. */
	*scope = (struct dma_scope){ .dev = dma_scope(key) ? NULL : dev };
	if (scope->dev)
		pthread_setspecific(key, scope);
}

void pcidev_leave(struct pcidev *dev, struct dma_scope *scope)
{
	if (scope->dev)
		scope_leave(dev->machine, scope);
}

bool pcidev_pasid_ok(struct pcidev *dev, uint32_t flags)
{
	uint32_t ctrl;

	if (!(flags & UIOMMU_TXN_SSV))
		return !(flags & (UIOMMU_TXN_PRIV | UIOMMU_TXN_INSTR));
	ctrl = pcidev_pasid_ctrl(dev);
	return (ctrl & PCIE_PASID_CTRL_ENABLE) &&
	       (!(flags & UIOMMU_TXN_PRIV) || (ctrl & PCIE_PASID_CTRL_PRIV)) &&
	       (!(flags & UIOMMU_TXN_INSTR) || (ctrl & PCIE_PASID_CTRL_EXEC));
}

int pcidev_submit(struct pcidev *dev, struct pcidev_req *req, bool ats)
{
	struct uiommu_machine *machine = dev->machine;
	struct dma_scope *outer, scope;
	int rc;

	if (!(load_acquire(&dev->command) & PCIE_COMMAND_BUS_MASTER))
		return -EFAULT;
	if (!pcidev_pasid_ok(dev, req->dma.txn.flags))
		return -EINVAL;
	req->dev = dev;
	req->dma.txn.sid = dev->sid;
	req->dma.done_len = 0;
	req->dma.done = dma_resumed;
	/* Two threads at once may lose some; it is for people. */
	store_relaxed(&dev->dma_bytes,
		      load_relaxed(&dev->dma_bytes) + req->dma.len);

	ats = ats && load_acquire(&dev->ats_on);
	outer = dma_scope(machine->scope_key);
	if (outer)
		return dma_nested(dev, req, ats, outer);
	scope = (struct dma_scope){ .dev = dev, .dma = &req->dma };
	pthread_setspecific(machine->scope_key, &scope);
	rc = dma_start(dev, req, ats);
	scope_leave(machine, &scope);
	return rc;
}

int pcidev_dma(struct pcidev *dev, struct pcidev_req *req, uiommu_iova_t iova,
	       void *buf, size_t len, uint32_t flags)
{
	req->dma.txn.ssid = 0;
	req->dma.txn.flags = flags;
	req->dma.txn.iova = iova;
	req->dma.buf = buf;
	req->dma.len = len;
	req->dma.atomic = UIOMMU_ATOMIC_NONE;
	return pcidev_submit(dev, req, false);
}

/* --------------------------------------------------------------- kicks -- */

static void run(struct pcidev *dev)
{
	msix_flush(dev);
	if (!dev->type->run)
		return;
	trace_chain(dev->machine, true);
	dev->type->run(dev);
	trace_chain(dev->machine, false);
}

static void kick_later(struct pcidev *dev)
{
	store_release(&dev->kicked, 1);
	store_release(&dev->machine->kicked, 1);
}

void pcidev_pause(struct pcidev *dev)
{
	store_release(&dev->kicked, 1);
	store_release(&dev->machine->paused, 1);
}

void pcidev_resume_paused(struct uiommu_machine *machine)
{
	if (load_relaxed(&machine->paused) &&
	    exchange_acq_rel(&machine->paused, 0))
		store_release(&machine->kicked, 1);
	pcidev_run_kicked(machine);
}

void pcidev_kick(struct pcidev *dev)
{
	if (dma_scope(dev->machine->scope_key)) {
		kick_later(dev);
		return;
	}
	run(dev);
	pcidev_run_kicked(dev->machine);
}

/*
 * Devices that ring each other's doorbells can do so for ever, so this ends
 * after some rounds and the next access to a device goes on.
 */
void pcidev_run_kicked(struct uiommu_machine *machine)
{
	for (unsigned int round = 0; round < KICK_ROUNDS; round++) {
		if (load_relaxed(&machine->paused) ||
		    !load_relaxed(&machine->kicked) ||
		    !exchange_acq_rel(&machine->kicked, 0))
			return;
		for (unsigned int i = 0; i < machine->nr_devs; i++) {
			struct pcidev *dev = machine->dev[i];

			if (load_relaxed(&dev->kicked) &&
			    exchange_acq_rel(&dev->kicked, 0))
				run(dev);
		}
	}
}

/* ---------------------------------------------------------------- INTx -- */

void pcidev_intx(struct pcidev *dev, bool level)
{
	bool changed, out;

	if (!(dev->type->features & PCIDEV_INTX))
		return;
	pthread_mutex_lock(&dev->lock);
	dev->intx = level;
	out = level && !(dev->command & PCIE_COMMAND_INTX_DISABLE);
	changed = out != dev->intx_out;
	dev->intx_out = out;
	pthread_mutex_unlock(&dev->lock);
	if (changed && dev->vdev)
		uiommu_vdev_intx(dev->vdev, out);
}

/* --------------------------------------------------- what the ABI calls - */

static bool decodes(struct pcidev *dev, unsigned int bar, uint64_t off,
		    unsigned int size)
{
	uint64_t bar_size;

	if (bar >= UIOMMU_VDEV_BARS || !size || size > 8 || !is_pow2(size) ||
	    off & (size - 1))
		return false;
	bar_size = dev->type->bar_size[bar];
	if (off >= bar_size || size > bar_size - off)
		return false;
	return load_acquire(&dev->command) & PCIE_COMMAND_MEMORY;
}

static int op_bar_read(void *ctx, unsigned int bar, uint64_t off,
		       unsigned int size, uint64_t *val)
{
	struct pcidev *dev = ctx;

	if (!decodes(dev, bar, off, size))
		return -EIO;
	fetch_add_relaxed(&dev->accesses, 1);
	/* Work that was left over goes on when somebody looks. */
	if (load_relaxed(&dev->kicked) && !dma_scope(dev->machine->scope_key))
		pcidev_run_kicked(dev->machine);
	if (msix_covers(dev, bar, off, size))
		return msix_read(dev, off, size, val);
	return dev->type->bar_read(dev, bar, off, size, val);
}

static int op_bar_write(void *ctx, unsigned int bar, uint64_t off,
			unsigned int size, uint64_t val)
{
	struct pcidev *dev = ctx;

	if (!decodes(dev, bar, off, size))
		return -EIO;
	fetch_add_relaxed(&dev->accesses, 1);
	if (msix_covers(dev, bar, off, size))
		return msix_write(dev, off, size, val);
	return dev->type->bar_write(dev, bar, off, size, val);
}

static uint32_t op_config_read(void *ctx, unsigned int off, unsigned int size)
{
	return pci_config_get(ctx, off, size);
}

static void op_config_write(void *ctx, unsigned int off, unsigned int size,
			    uint32_t val)
{
	pci_config_set(ctx, off, size, val);
}

static int op_reset(void *ctx)
{
	pcidev_reset(ctx);
	return 0;
}

static const struct uiommu_vdev_ops vdev_ops = {
	.bar_read = op_bar_read,
	.bar_write = op_bar_write,
	.config_read = op_config_read,
	.config_write = op_config_write,
	.reset = op_reset,
};

void pcidev_vdev_cfg(struct pcidev *dev, struct uiommu_vdev_cfg *cfg)
{
	*cfg = (struct uiommu_vdev_cfg){
		.bdf = dev->bdf,
		.ops = &vdev_ops,
		.ctx = dev,
	};
	for (unsigned int i = 0; i < UIOMMU_VDEV_BARS; i++) {
		cfg->bar[i].size = dev->type->bar_size[i];
		cfg->bar[i].pa = dev->bar_pa[i];
		if (dev->policy == UIOMMU_BAR_TRAP)
			cfg->bar[i].flags = UIOMMU_BAR_MMAP;
	}
}

/*
 * The bus master bit goes first, so that whatever still runs finds its next
 * access refused and ends.
 */
void pcidev_reset(struct pcidev *dev)
{
	const struct uiommu_platform *platform = dev->machine->platform;

	store_release(&dev->command, 0);
	if (dev->type->reset)
		dev->type->reset(dev);
	/* What waits for a page is told that it does not come. */
	pci_ats_reset(dev);
	/* In a scope it may be ourselves who is at it. */
	while (!dma_scope(dev->machine->scope_key) && dev->type->busy &&
	       dev->type->busy(dev))
		platform->relax(platform->ctx);
	pthread_mutex_lock(&dev->lock);
	pci_config_reset(dev);
	pci_ats_keep(dev);
	msix_reset(dev);
	pthread_mutex_unlock(&dev->lock);
	/* Once more, for a write that was just being applied. */
	pci_ats_reset(dev);
	pci_ats_resume(dev);
	pcidev_intx(dev, false);
}

/* ----------------------------------------------------- make and destroy - */

static int place_bars(struct pcidev *dev)
{
	for (unsigned int i = 0; i < UIOMMU_VDEV_BARS; i++) {
		uint64_t size = dev->type->bar_size[i];

		if (!size)
			continue;
		dev->bar_pa[i] = carve_bar(&dev->machine->carve, size);
		if (!dev->bar_pa[i])
			return -ENOMEM;
	}
	return 0;
}

int pcidev_create(struct uiommu_machine *machine, const struct hw_dev *hw,
		  struct pcidev **out)
{
	struct pcidev *dev;
	int rc = -ENOMEM;

	dev = machine_alloc(machine, sizeof(*dev));
	if (!dev)
		return -ENOMEM;
	dev->machine = machine;
	dev->type = hw->type;
	dev->smmu = &machine->smmu[hw->smmu];
	dev->rid = hw->rid;
	dev->sid = hw->sid;
	dev->policy = hw->policy;
	memcpy(dev->bdf, hw->bdf, sizeof(dev->bdf));
	rc = place_bars(dev);
	if (rc)
		goto err_dev;
	rc = -pthread_mutex_init(&dev->lock, NULL);
	if (rc)
		goto err_dev;
	pci_config_build(dev);
	msix_reset(dev);
	rc = -ENOMEM;
	dev->priv = machine_alloc(machine, hw->type->priv_size);
	if (!dev->priv)
		goto err_lock;
	rc = hw->type->init(dev);
	if (rc)
		goto err_priv;
	rc = pci_ats_init(dev);
	if (rc)
		goto err_type;
	rc = story_init(dev);
	if (rc)
		goto err_ats;
	*out = dev;
	return 0;

err_ats:
	pci_ats_fini(dev);
err_type:
	if (hw->type->fini)
		hw->type->fini(dev);
err_priv:
	machine_free(machine, dev->priv);
err_lock:
	pthread_mutex_destroy(&dev->lock);
err_dev:
	machine_free(machine, dev);
	return rc;
}

void pcidev_destroy(struct pcidev *dev)
{
	struct uiommu_machine *machine = dev->machine;

	story_fini(dev);
	pci_ats_fini(dev);
	if (dev->type->fini)
		dev->type->fini(dev);
	machine_free(machine, dev->priv);
	pthread_mutex_destroy(&dev->lock);
	machine_free(machine, dev);
}
