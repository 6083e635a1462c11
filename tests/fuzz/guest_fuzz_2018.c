/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hostile guest has one more device, by the door of 2018: a container of type 6
 * (uapi/vfio-nesting.h), with the same memory.  It is opened when an input first
 * comes to it.
 */
#include <uiommu/uapi/vfio-nesting.h>

#include "guest_fuzz.h"

static long call(struct fuzz *f, unsigned long cmd, void *arg, const char *what)
{
	long rc = client_ioctl(f->abi, f->old.space_fd, cmd, arg);

	say(f, "%s: %ld\n", what, rc);
	assert_true(rc <= 0 && rc > -4096);
	return rc;
}

/* ----------------------------------------------------------------- memory -- */

int old_map(struct fuzz *f, unsigned int area)
{
	return client_map(&f->old, f->bad.mem + area * AREA, AREA,
			  GEN_BASE + area * AREA);
}

int old_unmap(struct fuzz *f, unsigned int area)
{
	return client_unmap(&f->old, GEN_BASE + area * AREA, AREA);
}

static void open_old(struct fuzz *f)
{
	client_open_container(&f->old, f->machine, NR_DEVICES,
			      VFIO_TYPE1_NESTING_IOMMU);
	for (unsigned int i = 0; i < NR_AREAS; i++)
		if (!(f->taken >> i & 1))
			assert_int_equal(old_map(f, i), 0);
	client_master(&f->old, true);
	f->old_is_open = true;
}

void old_close(struct fuzz *f)
{
	if (!f->old_is_open)
		return;
	close_file(f->abi, f->old.dev_fd);
	close_file(f->abi, f->old.group_fd);
	close_file(f->abi, f->old.space_fd);
	f->old_is_open = false;
}

/* ------------------------------------------------------------------ calls -- */

/* The first byte says what is odd about a structure; most are as they should be. */
static void damage(struct fuzz *f, void *bytes, size_t len)
{
	uint8_t how = fuzz_u8(&f->in);

	if (how < 0xc0)
		return;
	((uint8_t *)bytes)[fuzz_u8(&f->in) % len] ^= (uint8_t)(1u << how % 8);
}

static uint64_t table_address(struct fuzz *f, uint8_t how)
{
	return how & 0x80 ? wild(f) : how & 0x40 ? GEN_L1CD : GEN_CDS;
}

static void bind(struct fuzz *f)
{
	struct vfio_iommu_type1_bind_guest_stage cmd = { .argsz = sizeof(cmd) };
	uint8_t how = fuzz_u8(&f->in), what = fuzz_u8(&f->in);

	if (how & 0x20) {
		cmd.config.flags = VFIO_GUEST_STAGE_SMMUV3_S1;
		cmd.config.smmuv3_s1 = (struct vfio_guest_smmuv3_s1){
			.disabled = what == 0xff,
			.bypassed = what == 0xfe,
			.aborted = what == 0xfd,
			.s1fmt = what & 3,
			.s1dss = what >> 2 & 3,
			.s1cdmax = how & 7,
			.cdptr_dma = table_address(f, how),
			.asid = what >> 4,
		};
	} else {
		cmd.config.flags = VFIO_GUEST_STAGE_PASID_TABLE;
		cmd.config.pasid_table = (struct vfio_guest_pasid_table){
			.version = VFIO_GUEST_PASID_TABLE_VERSION,
			.bytes = sizeof(cmd.config.pasid_table),
			.base_ptr = table_address(f, how),
			.pasid_bits = how & 7,
			.s1fmt = what & 3,
			.s1dss = what >> 2 & 3,
			.state = what >> 5 & 3,
		};
	}
	cmd.config.flags |= how & 0x10 ? VFIO_GUEST_STAGE_EXT : 0;
	cmd.flags = how & 0x08 ? VFIO_GUEST_STAGE_UNBIND : 0;
	damage(f, &cmd, sizeof(cmd));
	call(f, VFIO_IOMMU_BIND_GUEST_STAGE, &cmd, "bind a guest's stage");
}

static void invalidate(struct fuzz *f)
{
	struct vfio_iommu_type1_tlb_invalidate cmd = { .argsz = sizeof(cmd) };
	uint8_t how = fuzz_u8(&f->in), what = fuzz_u8(&f->in);

	cmd.info = (struct vfio_guest_invalidate_info){
		.hdr = { VFIO_GUEST_INVALIDATE_VERSION, how & 3 },
		.granularity = how >> 2 & 3,
		.flags = how >> 4 & 7,
		.size = what & 0x40 ? what & 15 : 0,
		.nr_pages = what & 0x80 ? gen_u64(&f->in) : 1u + (what & 7),
		.pasid = what & 0x20 ? VFIO_GUEST_NO_PASID : what >> 2 & 7,
		.arch_id = what & 3,
		.addr = gen_iova(&f->in),
	};
	damage(f, &cmd, sizeof(cmd));
	call(f, VFIO_IOMMU_TLB_INVALIDATE, &cmd, "invalidate");
}

static void doorbell(struct fuzz *f)
{
	struct vfio_iommu_type1_bind_msi cmd = { .argsz = sizeof(cmd) };
	uint8_t how = fuzz_u8(&f->in);

	cmd.flags = how & 1 ? VFIO_GUEST_MSI_UNBIND : 0;
	cmd.binding.iova = how & 2 ? gen_iova(&f->in) : MSI_FIRST;
	cmd.binding.gpa = how & 4 ? wild(f) : MSI_FIRST + (how >> 4) * PAGE;
	cmd.binding.granule = how & 8 ? fuzz_u8(&f->in) : 12;
	damage(f, &cmd, sizeof(cmd));
	call(f, VFIO_IOMMU_BIND_MSI, &cmd, "bind a doorbell");
}

static void interrupts(struct fuzz *f)
{
	vectors(f, &f->old, fuzz_u8(&f->in));
}

static void access_memory(struct fuzz *f)
{
	access_by(f, true);
}

void step_old(struct fuzz *f, unsigned int which)
{
	static void (*const steps[])(struct fuzz * f) = {
		bind,	       bind,	      invalidate, doorbell,
		access_memory, access_memory, interrupts, access_memory,
	};

	if (!f->old_is_open)
		open_old(f);
	steps[which % (sizeof(steps) / sizeof(steps[0]))](f);
}
