/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine.c - puts a machine together: host platform, reserved addresses,
 * SMMU models on its bus, core, driver, PCI functions, ABI.
 *
 * Creation is one ladder: each step undoes itself when it fails, and the
 * ladder takes down what stood before.  After creation nothing but the
 * contents of these parts changes.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <fcntl.h>

#include "hw/pcie/config.h"
#include "pci.h"

/* ------------------------------------------------------ embedder's side - */

/* Is this the call that a test wants to fail? */
static bool copy_fails(struct uiommu_machine *machine)
{
	return load_relaxed(&machine->fail_copies) &&
	       uiommu_host_fail_point(machine->host);
}

static int host_copy_from(void *ctx, void *dst, uint64_t uva, size_t len)
{
	if (copy_fails(ctx))
		return -EFAULT;
	return len ? uiommu_guard_copy(dst, (void *)(uintptr_t)uva, len) : 0;
}

static int host_copy_to(void *ctx, uint64_t uva, const void *src, size_t len)
{
	if (copy_fails(ctx))
		return -EFAULT;
	return len ? uiommu_guard_copy((void *)(uintptr_t)uva, src, len) : 0;
}

static int host_fd_new(void *ctx, const char *path, int flags)
{
	struct uiommu_machine *machine = ctx;
	int fd;

	if (machine->cfg.fd_new)
		return machine->cfg.fd_new(machine->cfg.ctx, path, flags);
	fd = open("/dev/null", O_RDWR | (flags & O_CLOEXEC));
	return fd < 0 ? -errno : fd;
}

static void host_fd_drop(void *ctx, int fd)
{
	struct uiommu_machine *machine = ctx;

	if (machine->cfg.fd_drop)
		machine->cfg.fd_drop(machine->cfg.ctx, fd);
	else
		close(fd);
}

static bool host_capable(void *ctx, int cap)
{
	struct uiommu_machine *machine = ctx;

	return !machine->cfg.capable ||
	       machine->cfg.capable(machine->cfg.ctx, cap);
}

static void host_leave(void *ctx)
{
	machine_settle(ctx);
}

void machine_settle(struct uiommu_machine *machine)
{
	/* Inside the model, or come from inside the driver: later. */
	if (dma_scope(machine->scope_key))
		return;
	pcidev_resume_paused(machine);
	msi_deliver(machine);
	irqbox_deliver(machine);
	pins_reap(&machine->pins);
	mm_put_late_maps(machine);
}

void uiommu_machine_poll(struct uiommu_machine *machine)
{
	machine_settle(machine);
}

/* -------------------------------------------------------------- devices - */

static void set_ats(void *cookie, bool enable)
{
	pcidev_host_ats(cookie, enable);
}

/* What the function has of ATS, PRI and PASIDs, for the core. */
static void add_features(struct pcidev *dev, const struct hw_dev *hw,
			 struct uiommu_device_cfg *cfg)
{
	cfg->hw.stall = hw->stall;
	cfg->hw.pasid_bits = pcidev_pasid_bits(dev);
	if (cfg->hw.pasid_bits) {
		pcidev_host_pasid(dev);
		cfg->pasid_exec = pcidev_pasid_ctrl(dev) & PCIE_PASID_CTRL_EXEC;
		cfg->pasid_priv = pcidev_pasid_ctrl(dev) & PCIE_PASID_CTRL_PRIV;
	}
	if (hw->stall)
		return;
	cfg->hw.ats = dev->ep && dev->cap_ats;
	cfg->hw.pri = cfg->hw.ats && dev->cap_pri;
	cfg->hw.pri_pasid = cfg->hw.pri;
	cfg->set_ats = set_ats;
}

static int add_dev(struct uiommu_machine *machine, const struct hw_dev *hw)
{
	struct uiommu_device_cfg cfg = {
		.hw = {
			.name = hw->bdf,
			.ids = &hw->sid,
			.nr_ids = 1,
		},
	};
	struct uiommu_vdev_cfg vdev_cfg;
	struct pcidev *dev;
	int rc;

	rc = pcidev_create(machine, hw, &dev);
	if (rc)
		return rc;
	cfg.hw.name = dev->bdf;
	cfg.hw.ids = &dev->sid;
	cfg.hw.cookie = dev;
	add_features(dev, hw, &cfg);
	rc = uiommu_device_add(machine->core, dev->smmu->unit, &cfg,
			       &dev->core_dev);
	if (rc)
		goto err_dev;
	pcidev_vdev_cfg(dev, &vdev_cfg);
	rc = uiommu_abi_add_device(machine->abi, dev->core_dev, &vdev_cfg,
				   &dev->vdev);
	if (rc)
		goto err_core;
	machine->dev[machine->nr_devs++] = dev;
	return 0;

err_core:
	uiommu_device_remove(dev->core_dev);
err_dev:
	pcidev_destroy(dev);
	return rc;
}

static int add_devs(struct uiommu_machine *machine, const struct hw_desc *hw,
		    char *err, size_t err_len)
{
	for (unsigned int i = 0; i < hw->nr_devs; i++) {
		int rc = add_dev(machine, &hw->dev[i]);

		if (!rc)
			continue;
		machine_say(err, err_len, "device %s (%s): %s", hw->dev[i].bdf,
			    hw->dev[i].type->info.name,
			    rc == -EEXIST ? "its address is taken"
					  : strerror(-rc));
		return rc == -EEXIST || rc == -ERANGE ? -EINVAL : rc;
	}
	return 0;
}

/* The ABI is gone, so nobody uses them. */
static void drop_devs(struct uiommu_machine *machine)
{
	while (machine->nr_devs) {
		struct pcidev *dev = machine->dev[machine->nr_devs - 1];

		/* Its ATC may be asked to forget what it has. */
		uiommu_device_remove(dev->core_dev);
		machine->nr_devs--;
		pcidev_destroy(dev);
	}
}

/* --------------------------------------------------------------- create - */

static int make_pins(struct uiommu_machine *machine)
{
	const struct pins_cfg cfg = {
		.platform = machine->platform,
		.alias_window = {
			.first = machine->carve.base + CARVE_ALIAS,
			.last = machine->carve.base + CARVE_SIZE - 1,
		},
		.ctx = machine,
		.unpinned = NULL,
		.drain = mm_drain,
	};

	machine->mm.ctx = machine;
	machine->mm.pin = mm_pin;
	machine->mm.unpin = mm_unpin;
	machine->mm.copy = mm_copy;
	machine->mm.copy_pinned = mm_copy_pinned;
	trace_mm(machine);
	return pins_init(&machine->pins, &cfg);
}

static void unpinned(void *ctx, uint64_t first, uint64_t last)
{
	struct uiommu_machine *machine = ctx;

	if (machine->cfg.unpinned)
		machine->cfg.unpinned(machine->cfg.ctx, first, last);
}

/* What has no other parts below it than the host. */
static int make_base(struct uiommu_machine *machine)
{
	int rc;

	rc = uiommu_host_create(0, &machine->host);
	if (rc)
		return rc;
	uiommu_host_set_log(machine->host, machine->cfg.log_level);
	machine->platform = uiommu_host_platform(machine->host);
	uiommu_host_arena(machine->host, &machine->arena);
	rc = carve_init(&machine->carve);
	if (rc)
		goto err_host;
	rc = make_pins(machine);
	if (rc)
		goto err_carve;
	machine->pins.cfg.unpinned = unpinned;
	rc = msi_init(machine);
	if (rc)
		goto err_pins;
	rc = report_init(&machine->report);
	if (rc)
		goto err_msi;
	rc = -pthread_key_create(&machine->scope_key, NULL);
	if (rc)
		goto err_report;
	rc = -pthread_rwlock_init(&machine->gate, NULL);
	if (rc)
		goto err_key;
	rc = -pthread_mutex_init(&machine->fork_lock, NULL);
	if (rc)
		goto err_gate;
	return 0;

err_gate:
	pthread_rwlock_destroy(&machine->gate);
err_key:
	pthread_key_delete(machine->scope_key);
err_report:
	report_fini(&machine->report);
err_msi:
	msi_fini(machine);
err_pins:
	pins_fini(&machine->pins);
err_carve:
	carve_fini(&machine->carve);
err_host:
	uiommu_host_destroy(machine->host);
	return rc;
}

static void drop_base(struct uiommu_machine *machine)
{
	pthread_mutex_destroy(&machine->fork_lock);
	pthread_rwlock_destroy(&machine->gate);
	pthread_key_delete(machine->scope_key);
	report_fini(&machine->report);
	msi_fini(machine);
	pins_fini(&machine->pins);
	carve_fini(&machine->carve);
	uiommu_host_destroy(machine->host);
}

static int make_core(struct uiommu_machine *machine)
{
	const struct uiommu_core_cfg cfg = {
		.platform = machine->platform,
		.fault = report_unowned,
		.ctx = machine,
		/* Linux has none, and a program may stand in a debugger. */
		.iopf_timeout_ns = UIOMMU_IOPF_NO_TIMEOUT,
		.sva_pa = RAM_SHARED,
	};

	return uiommu_core_create(&cfg, &machine->core);
}

static int make_abi(struct uiommu_machine *machine)
{
	const struct uiommu_abi_host host = {
		.ctx = machine,
		.copy_from = host_copy_from,
		.copy_to = host_copy_to,
		.mm = &machine->mm,
		.file_mm = host_file_mm,
		.fd_new = host_fd_new,
		.fd_drop = host_fd_drop,
		.fd_new_event = fdevent_new,
		.event_set = fdevent_set,
		.event_end = fdevent_end,
		.msi_alloc = msi_alloc,
		.msi_free = msi_free,
		.leave = host_leave,
		.capable = host_capable,
		.platform = machine->platform,
		.extra = machine->cfg.extra,
	};

	return uiommu_abi_create(machine->core, &host, &machine->abi);
}

static int assemble(struct uiommu_machine *machine, const struct hw_desc *hw,
		    char *err, size_t err_len)
{
	int rc;

	rc = trace_open(machine);
	if (rc) {
		machine_say(err, err_len, "trace %s: %s", machine->cfg.trace,
			    strerror(-rc));
		return rc;
	}
	rc = make_base(machine);
	if (rc)
		goto err_trace;
	rc = smmu_make_models(machine, hw, err, err_len);
	if (rc)
		goto err_base;
	rc = make_core(machine);
	if (rc)
		goto err_models;
	rc = smmu_probe_units(machine, err, err_len);
	if (rc)
		goto err_core;
	rc = make_abi(machine);
	if (rc)
		goto err_core;
	rc = add_devs(machine, hw, err, err_len);
	if (rc)
		goto err_abi;
	trace_name_devices(machine);
	return 0;

err_abi:
	uiommu_abi_destroy(machine->abi);
	drop_devs(machine);
err_core:
	uiommu_core_destroy(machine->core);
err_models:
	smmu_drop_models(machine);
err_base:
	drop_base(machine);
err_trace:
	trace_close(machine);
	return rc;
}

int uiommu_machine_create(const struct uiommu_machine_cfg *cfg,
			  struct uiommu_machine **out, char *err,
			  size_t err_len)
{
	struct uiommu_machine *machine;
	struct hw_desc *hw;
	int rc;

	machine_say(err, err_len, "%s", "");
	/* Memory of the process may go away under a copy at any time. */
	rc = uiommu_guard_install();
	if (rc)
		return rc;
	machine = calloc(1, sizeof(*machine));
	hw = calloc(1, sizeof(*hw));
	rc = -ENOMEM;
	if (!machine || !hw)
		goto err_free;
	machine->cfg = *cfg;
	if (cfg->topology)
		rc = hw_from_dt(cfg->topology, cfg->bar_policy, hw, err,
				err_len);
	else
		rc = hw_from_list(cfg->devices, cfg->bar_policy, hw, err,
				  err_len);
	if (rc)
		goto err_free;
	rc = assemble(machine, hw, err, err_len);
	if (rc)
		goto err_free;
	free(hw);
	*out = machine;
	return 0;

err_free:
	if (err && err_len && !err[0])
		machine_say(err, err_len, "the machine cannot be made: %s",
			    strerror(-rc));
	free(hw);
	free(machine);
	return rc;
}

void uiommu_machine_destroy(struct uiommu_machine *machine)
{
	if (!machine)
		return;
	machine_settle(machine);
	uiommu_abi_destroy(machine->abi);
	machine->abi = NULL;
	machine_settle(machine);
	drop_devs(machine);
	uiommu_core_destroy(machine->core);
	smmu_drop_models(machine);
	drop_base(machine);
	trace_close(machine);
	free(machine);
}

/* ------------------------------------------------------------ accessors - */

struct uiommu_abi *uiommu_machine_abi(struct uiommu_machine *machine)
{
	return machine->abi;
}

struct uiommu_core *uiommu_machine_core(struct uiommu_machine *machine)
{
	return machine->core;
}

struct uiommu_device *uiommu_machine_core_device(struct uiommu_machine *machine,
						 unsigned int i)
{
	return i < machine->nr_devs ? machine->dev[i]->core_dev : NULL;
}

struct uiommu_smmuv3_model *uiommu_machine_model(struct uiommu_machine *machine)
{
	return machine->smmu[0].model;
}

bool uiommu_machine_device(struct uiommu_machine *machine, unsigned int i,
			   const char **bdf, const char **type)
{
	if (i >= machine->nr_devs)
		return false;
	*bdf = machine->dev[i]->bdf;
	*type = machine->dev[i]->type->info.name;
	return true;
}

bool uiommu_machine_pinned(struct uiommu_machine *machine, uint64_t first,
			   uint64_t last, struct uiommu_range *pinned)
{
	return pins_next(&machine->pins, first, last, pinned);
}

unsigned int uiommu_machine_pin_count(struct uiommu_machine *machine,
				      uint64_t uva)
{
	return pins_count(&machine->pins, uva);
}

bool uiommu_machine_maybe_pinned(struct uiommu_machine *machine, uint64_t first,
				 uint64_t last)
{
	return pins_maybe(&machine->pins, first, last);
}

int uiommu_machine_release(struct uiommu_machine *machine, uint64_t first,
			   uint64_t last, const char *what)
{
	int rc;

	/* Whole pages, or bytes of one. */
	if (last - first < PIN_PAGE - 1)
		return pins_release_part(&machine->pins, first, last, what);
	rc = pins_release(&machine->pins, first, last, what);
	if (!rc)
		mm_released(machine, first, last);
	return rc;
}

int uiommu_machine_replace(struct uiommu_machine *machine, uint64_t first,
			   uint64_t last, const char *what)
{
	return pins_replace(&machine->pins, first, last, what);
}

void uiommu_machine_fail_nth(struct uiommu_machine *machine, uint64_t nth)
{
	(void)uiommu_host_fail_nth(machine->host, 0);
	store_relaxed(&machine->fail_copies, nth != 0);
	(void)uiommu_host_fail_nth(machine->host, nth);
}

uint64_t uiommu_machine_fail_left(const struct uiommu_machine *machine)
{
	return uiommu_host_fail_left(machine->host);
}

/* ----------------------------------------------------------------- fork - */

/* How many brackets this thread is between, of any machine. */
static __thread unsigned int inside;

void uiommu_machine_enter(struct uiommu_machine *machine)
{
	/*
	 * The gate alone lets those who come in pass those who wait to shut it,
	 * since who is inside may come in once more: a few busy threads would
	 * keep it open for ever.
	 */
	if (!inside++ && load_acquire(&machine->forking)) {
		pthread_mutex_lock(&machine->fork_lock);
		pthread_mutex_unlock(&machine->fork_lock);
	}
	pthread_rwlock_rdlock(&machine->gate);
}

void uiommu_machine_exit(struct uiommu_machine *machine)
{
	pthread_rwlock_unlock(&machine->gate);
	inside--;
}

/*
 * With the gate shut nobody is in the machine, so every lock in it and in the
 * parts it is made of is free in the child too.  The machine's own are taken
 * all the same, for those who do not use the brackets.
 */
void uiommu_machine_before_fork(struct uiommu_machine *machine)
{
	pthread_mutex_lock(&machine->fork_lock);
	store_release(&machine->forking, true);
	pthread_rwlock_wrlock(&machine->gate);
	pthread_mutex_lock(&machine->msi.lock);
	for (unsigned int i = 0; i < machine->nr_devs; i++)
		pthread_mutex_lock(&machine->dev[i]->lock);
	pthread_mutex_lock(&machine->pins.lock);
	pthread_mutex_lock(&machine->report.lock);
	uiommu_host_before_fork(machine->host);
}

static void unlock_all(struct uiommu_machine *machine)
{
	pthread_mutex_unlock(&machine->report.lock);
	pthread_mutex_unlock(&machine->pins.lock);
	for (unsigned int i = machine->nr_devs; i-- > 0;)
		pthread_mutex_unlock(&machine->dev[i]->lock);
	pthread_mutex_unlock(&machine->msi.lock);
}

static void end_fork(struct uiommu_machine *machine)
{
	store_release(&machine->forking, false);
	pthread_mutex_unlock(&machine->fork_lock);
}

void uiommu_machine_after_fork_parent(struct uiommu_machine *machine)
{
	uiommu_host_after_fork_parent(machine->host);
	unlock_all(machine);
	pthread_rwlock_unlock(&machine->gate);
	end_fork(machine);
}

void uiommu_machine_after_fork_child(struct uiommu_machine *machine)
{
	uiommu_host_after_fork_child(machine->host);
	unlock_all(machine);
	trace_after_fork_child(machine);
	/* A write lock belongs to the thread that took it, in the parent. */
	pthread_rwlock_init(&machine->gate, NULL);
	end_fork(machine);
}
