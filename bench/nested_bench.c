/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guests on the driver and the model, and as a VMM has them by /dev/iommu.
 *
 *   driver/nested/tlbi_va/N  one of N commands of a guest, by address, in one call:
 *			      checked, translated, to the completed CMD_SYNC
 *   driver/nested/attach     from one guest's entry to another
 *   abi/nested/tlbi_va/1     the first by the ioctl
 *   abi/nested/attach	      the second by the ioctl of VFIO
 *   abi/nested/entry	      a guest has changed its entry: HWPT_ALLOC, the attach,
 *			      DESTROY of the one before
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <uiommu/host.h>
#include <uiommu/machine.h>
#include <uiommu/smmuv3.h>
#include <uiommu/uapi/iommufd.h>
#include <uiommu/uapi/vfio.h>

#include "bench.h"
#include "smmu.h"

#define MAX_COMMANDS 256u
#define ROUND 4096u /* commands, or attachments, of a repetition */
#define VSID 3u

struct setup {
	struct bench_smmu hw;
	struct uiommu_unit *unit;
	const struct uiommu_nested_ops *ops;
	struct uiommu_hwdev *dev;
	struct uiommu_hwdom *parent, *nested[2];
	struct uiommu_hwviommu *viommu;
	struct uiommu_hwvdev *vdev;
};

static struct uiommu_hwdom *new_nested(struct setup *s, uint64_t cds)
{
	const struct uiommu_hwpt_smmuv3 ste = { { 0xb | cds, 0xd4 } };
	const struct uiommu_user_data data = {
		.type = UIOMMU_HWPT_DATA_ARM_SMMUV3,
		.len = sizeof(ste),
		.at = (uintptr_t)&ste,
	};
	struct uiommu_hwdom *dom;

	must(!s->ops->viommu_dom_alloc(s->viommu, 0, &data, &dom), "nested");
	return dom;
}

static void open_setup(struct setup *s)
{
	const struct uiommu_dom_cfg stage2 = {
		.type = UIOMMU_DOM_PAGING,
		.stage = UIOMMU_STAGE_2,
		.flags = UIOMMU_DOM_NEST_PARENT,
	};
	const struct uiommu_viommu_cfg guest = { .id = 1 };
	struct uiommu_smmuv3_cfg cfg = { .base = BENCH_SMMU_MMIO };
	const uint32_t sid = 8;
	const struct uiommu_hwdev_cfg dev = { .ids = &sid, .nr_ids = 1 };

	bench_smmu_open(&s->hw);
	cfg.platform = uiommu_host_platform(s->hw.host);
	must(!uiommu_smmuv3_probe(&cfg, &s->unit), "probe");
	s->ops = s->unit->ops->nested;
	must(!s->unit->ops->dev_add(s->unit, &dev, &s->dev), "dev_add");
	must(!s->unit->ops->dom_alloc(s->unit, &stage2, &s->parent), "parent");
	must(!s->ops->viommu_alloc(s->dev, s->parent,
				   UIOMMU_VIOMMU_TYPE_ARM_SMMUV3, &guest,
				   &s->viommu),
	     "viommu");
	must(!s->ops->vdev_alloc(s->viommu, s->dev, VSID, &s->vdev), "vdev");
	s->nested[0] = new_nested(s, 0x40000000);
	s->nested[1] = new_nested(s, 0x50000000);
	must(!s->unit->ops->attach(s->nested[0], s->dev), "attach");
}

static void close_setup(struct setup *s)
{
	must(!s->unit->ops->attach(s->parent, s->dev), "attach");
	s->unit->ops->dom_free(s->nested[0]);
	s->unit->ops->dom_free(s->nested[1]);
	s->ops->vdev_free(s->vdev);
	s->ops->viommu_free(s->viommu);
	s->unit->ops->dev_remove(s->dev);
	s->unit->ops->dom_free(s->parent);
	s->unit->ops->remove(s->unit);
	bench_smmu_close(&s->hw);
}

static void tlbi_va(struct bench_run *run)
{
	const uint32_t nr = *(const uint32_t *)run->arg;
	uint64_t cmd[MAX_COMMANDS][2];
	struct setup s = { 0 };
	unsigned int i;

	for (i = 0; i < nr; i++) {
		cmd[i][0] = 0x12 | UINT64_C(1) << 48;
		cmd[i][1] = 0x100000001 + i * UINT64_C(4096);
	}
	open_setup(&s);
	bench_start(run);
	for (i = 0; i < ROUND / nr; i++) {
		struct uiommu_user_array array = {
			.type = UIOMMU_VIOMMU_INVALIDATE_ARM_SMMUV3,
			.entry_len = sizeof(cmd[0]),
			.entry_num = nr,
			.at = (uintptr_t)cmd,
		};

		must(!s.ops->viommu_invalidate(s.viommu, &array), "command");
	}
	bench_stop(run, ROUND);
	close_setup(&s);
}

static void attach(struct bench_run *run)
{
	struct setup s = { 0 };
	unsigned int i;

	open_setup(&s);
	bench_start(run);
	for (i = 1; i <= ROUND; i++)
		must(!s.unit->ops->attach(s.nested[i % 2], s.dev), "attach");
	bench_stop(run, ROUND);
	close_setup(&s);
}

/* ------------------------------------------------------------- by ioctl -- */

struct vmm {
	struct uiommu_machine *machine;
	struct uiommu_abi *abi;
	int fd, dev_fd;
	uint32_t dev_id, viommu, nested[2];
};

static void must_call(struct vmm *v, unsigned long cmd, void *arg,
		      const char *what)
{
	must(!uiommu_abi_ioctl(v->abi, v->fd, cmd, (unsigned long)arg), what);
}

static uint32_t hwpt_of(struct vmm *v, uint64_t cds)
{
	const struct iommu_hwpt_arm_smmuv3 ste = { { 0xb | cds, 0xd4 } };
	struct iommu_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.dev_id = v->dev_id,
		.pt_id = v->viommu,
		.data_type = IOMMU_HWPT_DATA_ARM_SMMUV3,
		.data_len = sizeof(ste),
		.data_uptr = (uintptr_t)&ste,
	};

	must_call(v, IOMMU_HWPT_ALLOC, &cmd, "nested");
	return cmd.out_hwpt_id;
}

static void vmm_attach(struct vmm *v, uint32_t pt)
{
	struct vfio_device_attach_iommufd_pt cmd = {
		.argsz = sizeof(cmd),
		.pt_id = pt,
	};

	must(!uiommu_abi_ioctl(v->abi, v->dev_fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT,
			       (unsigned long)&cmd),
	     "attach");
}

static void vmm_destroy(struct vmm *v, uint32_t id)
{
	struct iommu_destroy cmd = { .size = sizeof(cmd), .id = id };

	must_call(v, IOMMU_DESTROY, &cmd, "destroy");
}

static void vmm_bind(struct vmm *v)
{
	struct vfio_device_bind_iommufd bind = { .argsz = sizeof(bind) };

	v->fd = uiommu_abi_open(v->abi, "/dev/iommu", O_RDWR);
	v->dev_fd = uiommu_abi_open(v->abi, "/dev/vfio/devices/vfio0", O_RDWR);
	must(v->fd >= 0 && v->dev_fd >= 0, "open");
	bind.iommufd = v->fd;
	must(!uiommu_abi_ioctl(v->abi, v->dev_fd, VFIO_DEVICE_BIND_IOMMUFD,
			       (unsigned long)&bind),
	     "bind");
	v->dev_id = bind.out_devid;
}

static void vmm_open(struct vmm *v)
{
	const struct uiommu_machine_cfg cfg = {
		.devices = "testep",
		.log_level = UIOMMU_LOG_ERROR,
	};
	struct iommu_ioas_alloc ioas = { .size = sizeof(ioas) };
	struct iommu_hwpt_alloc parent = {
		.size = sizeof(parent),
		.flags = IOMMU_HWPT_ALLOC_NEST_PARENT,
	};
	struct iommu_viommu_alloc viommu = {
		.size = sizeof(viommu),
		.type = IOMMU_VIOMMU_TYPE_ARM_SMMUV3,
	};
	struct iommu_vdevice_alloc vdev = {
		.size = sizeof(vdev),
		.virt_id = VSID,
	};
	char err[256];

	must(!uiommu_machine_create(&cfg, &v->machine, err, sizeof(err)),
	     "machine");
	v->abi = uiommu_machine_abi(v->machine);
	vmm_bind(v);
	must_call(v, IOMMU_IOAS_ALLOC, &ioas, "IOAS");
	parent.dev_id = viommu.dev_id = vdev.dev_id = v->dev_id;
	parent.pt_id = ioas.out_ioas_id;
	must_call(v, IOMMU_HWPT_ALLOC, &parent, "parent");
	viommu.hwpt_id = parent.out_hwpt_id;
	must_call(v, IOMMU_VIOMMU_ALLOC, &viommu, "viommu");
	v->viommu = vdev.viommu_id = viommu.out_viommu_id;
	must_call(v, IOMMU_VDEVICE_ALLOC, &vdev, "vdevice");
	v->nested[0] = hwpt_of(v, 0x40000000);
	v->nested[1] = hwpt_of(v, 0x50000000);
	vmm_attach(v, v->nested[0]);
}

static void vmm_close(struct vmm *v)
{
	must(!uiommu_abi_close(v->abi, v->dev_fd), "close");
	must(!uiommu_abi_close(v->abi, v->fd), "close");
	close(v->dev_fd);
	close(v->fd);
	uiommu_machine_destroy(v->machine);
}

static void abi_tlbi_va(struct bench_run *run)
{
	const uint64_t cmd[2] = { 0x12 | UINT64_C(1) << 48, 0x100000001 };
	struct vmm v = { 0 };
	unsigned int i;

	vmm_open(&v);
	bench_start(run);
	for (i = 0; i < ROUND; i++) {
		struct iommu_hwpt_invalidate inv = {
			.size = sizeof(inv),
			.hwpt_id = v.viommu,
			.data_uptr = (uintptr_t)cmd,
			.data_type = IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3,
			.entry_len = sizeof(cmd),
			.entry_num = 1,
		};

		must_call(&v, IOMMU_HWPT_INVALIDATE, &inv, "command");
	}
	bench_stop(run, ROUND);
	vmm_close(&v);
}

static void abi_attach(struct bench_run *run)
{
	struct vmm v = { 0 };
	unsigned int i;

	vmm_open(&v);
	bench_start(run);
	for (i = 1; i <= ROUND; i++)
		vmm_attach(&v, v.nested[i % 2]);
	bench_stop(run, ROUND);
	vmm_close(&v);
}

static void abi_entry(struct bench_run *run)
{
	struct vmm v = { 0 };
	unsigned int i;

	vmm_open(&v);
	bench_start(run);
	for (i = 1; i <= ROUND; i++) {
		const uint32_t was = v.nested[0];

		v.nested[0] = hwpt_of(&v, 0x40000000 + (i % 2) * 0x10000);
		vmm_attach(&v, v.nested[0]);
		vmm_destroy(&v, was);
	}
	bench_stop(run, ROUND);
	vmm_close(&v);
}

void nested_bench_register(struct bench *b);
void nested_bench_register(struct bench *b)
{
	static uint32_t nr[] = { 1, 16, MAX_COMMANDS };
	const struct bench_row rows[] = {
		{ .name = "driver/nested/tlbi_va/1",
		  .fn = tlbi_va,
		  .arg = &nr[0] },
		{ .name = "driver/nested/tlbi_va/16",
		  .fn = tlbi_va,
		  .arg = &nr[1] },
		{ .name = "driver/nested/tlbi_va/256",
		  .fn = tlbi_va,
		  .arg = &nr[2] },
		{ .name = "driver/nested/attach", .fn = attach },
		{ .name = "abi/nested/tlbi_va/1", .fn = abi_tlbi_va },
		{ .name = "abi/nested/attach", .fn = abi_attach },
		{ .name = "abi/nested/entry", .fn = abi_entry },
	};

	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		bench_add(b, &rows[i]);
}
