/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What devices do: attached, detached, with a PASID and without, by a file or by
 * the library; they access memory, are stalled or ask for pages, and somebody
 * answers, or not.
 */
#include "ioctl_fuzz.h"

#define CONFIG ((uint64_t)VFIO_PCI_CONFIG_REGION_INDEX << 40)

/* Registers of the test endpoint. */
#define SLOT(n) (0x4000u + 64u * (n))
#define SLOT_CTRL 0x08u
#define SLOT_PASID 0x0cu
#define SLOT_STATUS 0x10u
#define SLOT_LEN 0x14u

static int pick_device(struct fuzz *f)
{
	uint8_t n = fuzz_u8(&f->in);

	return f->fd[n < 0xe0 ? 2u + n % 4 : n % NR_FDS];
}

static void reg_write(struct fuzz *f, int fd, uint64_t off, unsigned int size,
		      uint64_t val)
{
	uiommu_abi_pwrite(f->abi, fd, (uintptr_t)&val, size, off);
}

/* ------------------------------------------------------ attach and detach -- */

static enum kind pick_table(struct fuzz *f)
{
	return fuzz_u8(&f->in) & 1 ? KIND_HWPT : KIND_IOAS;
}

static void attach(struct fuzz *f)
{
	struct vfio_device_attach_iommufd_pt cmd = { .argsz = sizeof(cmd) };
	int fd = pick_device(f);
	uint8_t *at = f->arena + ARENA_SIZE - sizeof(cmd);

	cmd.flags = fuzz_u8(&f->in) & VFIO_DEVICE_ATTACH_PASID;
	cmd.pasid = pick_pasid(f);
	cmd.pt_id = pick_object(f, f->fd[0], pick_table(f));
	memcpy(at, &cmd, sizeof(cmd));
	if (!call(f, fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT, (uintptr_t)at)) {
		memcpy(&cmd, at, sizeof(cmd));
		add_object(f, f->fd[0], KIND_HWPT, cmd.pt_id);
	}
}

static void detach(struct fuzz *f)
{
	struct vfio_device_detach_iommufd_pt cmd = { .argsz = sizeof(cmd) };
	uint8_t *at = f->arena + ARENA_SIZE - sizeof(cmd);
	int fd = pick_device(f);

	cmd.flags = fuzz_u8(&f->in) & VFIO_DEVICE_DETACH_PASID;
	cmd.pasid = pick_pasid(f);
	memcpy(at, &cmd, sizeof(cmd));
	call(f, fd, VFIO_DEVICE_DETACH_IOMMUFD_PT, (uintptr_t)at);
}

/* The library's door, for a device that a driver of ours has. */
static void library(struct fuzz *f)
{
	uint8_t n = fuzz_u8(&f->in) % NR_DEVICES, how = fuzz_u8(&f->in);
	struct uiommu_ufd_device **idev = &f->lib[n];
	uint32_t id, pasid;
	int rc = 0;

	if (!*idev) {
		rc = uiommu_ufd_device_bind(
			f->abi, f->fd[how & 1],
			uiommu_machine_core_device(f->machine, n), idev, &id);
		if (rc)
			*idev = NULL;
		else
			add_object(f, f->fd[how & 1], KIND_DEVICE, id);
		goto out;
	}
	pasid = pick_pasid(f);
	id = pick_object(f, f->fd[0], pick_table(f));
	switch (how % 8) {
	case 0:
		uiommu_ufd_device_unbind(*idev);
		*idev = NULL;
		break;
	case 1:
		rc = uiommu_ufd_device_attach(*idev, &id);
		break;
	case 2:
		rc = uiommu_ufd_device_replace(*idev, &id);
		break;
	case 3:
		rc = uiommu_ufd_device_detach(*idev);
		break;
	case 4:
		uiommu_ufd_device_pasid_detach(*idev, pasid);
		break;
	case 5:
		rc = uiommu_ufd_device_pasid_replace(*idev, pasid, &id);
		break;
	default:
		rc = uiommu_ufd_device_pasid_attach(*idev, pasid, &id);
	}
out:
	if (f->trace)
		fprintf(stderr, "library %u, %u: %d\n", n, how % 8, rc);
}

void library_unbind(struct fuzz *f)
{
	for (unsigned int i = 0; i < NR_DEVICES; i++) {
		if (f->lib[i])
			uiommu_ufd_device_unbind(f->lib[i]);
		f->lib[i] = NULL;
	}
}

/* ------------------------------------------------------------------- DMA -- */

/* A slot of the test endpoint, or anything else at those registers. */
static void access_memory(struct fuzz *f)
{
	uint8_t how = fuzz_u8(&f->in);
	int fd = pick_device(f);
	uint64_t slot = SLOT(how % 8);

	if (how & 0x80)
		reg_write(f, fd, CONFIG + 4, 2, 6);
	reg_write(f, fd, slot, 8, pick_iova(f) + (how & 0x40 ? 0xfc : 0));
	reg_write(f, fd, slot + SLOT_PASID, 4, pick_pasid(f));
	reg_write(f, fd, slot + SLOT_LEN, 4, how & 0x20 ? 4096 : 8);
	reg_write(f, fd, slot + SLOT_CTRL, 4,
		  1u | (uint32_t)(fuzz_u8(&f->in) << 4));
	if (!f->trace)
		return;
	uiommu_abi_pread(f->abi, fd, (uintptr_t)f->arena, 4,
			 slot + SLOT_STATUS);
	fprintf(stderr, "access by %d: %u\n", fd, f->arena[0]);
}

static void queue_read(struct fuzz *f)
{
	int fd = *pick_fd(f);
	ssize_t n;

	n = uiommu_abi_read(f->abi, fd, (uintptr_t)f->arena,
			    40u * (fuzz_u8(&f->in) % 8));
	if (f->trace)
		fprintf(stderr, "faults of %d: %zd\n", fd, n);
}

static void queue_answer(struct fuzz *f)
{
	struct iommu_hwpt_page_response answer = {
		.cookie = 1 + fuzz_u8(&f->in) % 4,
		.code = fuzz_u8(&f->in) % 16 / 5,
	};
	int fd = *pick_fd(f);
	ssize_t n;

	memcpy(f->arena, &answer, sizeof(answer));
	n = uiommu_abi_write(f->abi, fd, (uintptr_t)f->arena, sizeof(answer));
	if (f->trace)
		fprintf(stderr, "answer to %d: %zd\n", fd, n);
}

static void reset(struct fuzz *f)
{
	call(f, pick_device(f), VFIO_DEVICE_RESET, 0);
}

static void close_any(struct fuzz *f)
{
	close_fd(f, pick_fd(f));
}

void step_device(struct fuzz *f, unsigned int which)
{
	static void (*const steps[])(struct fuzz * f) = {
		attach,	       attach,	      detach,	  library,
		library,       access_memory, queue_read, queue_answer,
		access_memory, reset,	      close_any,
	};

	steps[which % (sizeof(steps) / sizeof(steps[0]))](f);
}
