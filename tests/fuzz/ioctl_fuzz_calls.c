/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls as a client makes them: right structures, ids that there are, addresses
 * that meet.  Now and then a byte of one is changed on its way.
 */
#include "ioctl_fuzz.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <uiommu/uapi/vfio-nesting.h>

#define IOVA_FIRST UINT64_C(0x10000000)

/* --------------------------------------------------------------- choices -- */

uint64_t pick_iova(struct fuzz *f)
{
	uint8_t n = fuzz_u8(&f->in);

	/* Mostly one of 16 pages; some at 2 MiB and at the end of all. */
	if (n < 0xe0)
		return IOVA_FIRST + (uint64_t)(n % 16) * PAGE;
	if (n < 0xf8)
		return IOVA_FIRST + (uint64_t)(n & 7) * 0x200000;
	return -(uint64_t)(n & 7) * PAGE;
}

uint32_t pick_pasid(struct fuzz *f)
{
	static const uint32_t odd[] = { 0, 0xfffff, 0x100000, 0x80000000 };
	uint8_t n = fuzz_u8(&f->in);

	return n < 0xf0 ? 1u + n % 4 : odd[n % 4];
}

static uint64_t pick_len(struct fuzz *f)
{
	uint8_t n = fuzz_u8(&f->in);

	return n < 0xe0 ? (uint64_t)(1 + n % 4) * PAGE : n;
}

void add_object(struct fuzz *f, int fd, enum kind kind, uint32_t id)
{
	f->object[f->nr_objects++ % NR_OBJECTS] =
		(struct object){ kind, fd, id };
}

uint32_t pick_object(struct fuzz *f, int fd, enum kind kind)
{
	uint8_t n = fuzz_u8(&f->in);
	unsigned int nr = f->nr_objects < NR_OBJECTS ? f->nr_objects
						     : NR_OBJECTS;

	/* Any number, at times. */
	if (n >= 0xf0)
		return n & 0xf;
	for (unsigned int i = 0; i < nr; i++) {
		const struct object *obj = &f->object[(n + i) % nr];

		if (obj->kind == kind && obj->fd == fd)
			return obj->id;
	}
	return n % 8;
}

/* Of one in eight a byte is changed. */
static void change(struct fuzz *f, uint8_t *buf, size_t len)
{
	static const uint8_t odd[] = { 0, 1, 2, 4, 0x7f, 0x80, 0xff, 0x10 };
	uint8_t how = fuzz_u8(&f->in);

	if (how < 0xe0)
		return;
	buf[fuzz_u8(&f->in) % len] = odd[how % 8];
}

/* The structure comes back as the call left it. */
static long give(struct fuzz *f, int fd, unsigned long cmd, void *cmd_struct,
		 size_t len)
{
	uint8_t *at = f->arena + ARENA_SIZE - len;
	long rc;

	change(f, cmd_struct, len);
	memcpy(at, cmd_struct, len);
	rc = call(f, fd, cmd, (uintptr_t)at);
	memcpy(cmd_struct, at, len);
	return rc;
}
#define GIVE(f, fd, cmd, s) give(f, fd, cmd, s, sizeof(*(s)))

/* ----------------------------------------------------------------- files -- */

/* A device with a context of its own, or of another device's. */
static void client(struct fuzz *f)
{
	struct vfio_device_bind_iommufd bind = { .argsz = sizeof(bind) };
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	struct vfio_device_attach_iommufd_pt attach = { .argsz = sizeof(
								attach) };
	uint8_t how = fuzz_u8(&f->in);
	int *iommufd = &f->fd[how % 2], *dev = &f->fd[2 + how / 2 % NR_DEVICES];
	char path[40];

	snprintf(path, sizeof(path), "/dev/vfio/devices/vfio%u",
		 how / 2 % NR_DEVICES);
	if (*iommufd < 0)
		open_fd(f, iommufd, "/dev/iommu");
	if (*dev < 0)
		open_fd(f, dev, path);
	bind.iommufd = *iommufd;
	if (!GIVE(f, *dev, VFIO_DEVICE_BIND_IOMMUFD, &bind))
		add_object(f, *iommufd, KIND_DEVICE, bind.out_devid);
	if (!GIVE(f, *iommufd, IOMMU_IOAS_ALLOC, &alloc))
		add_object(f, *iommufd, KIND_IOAS, alloc.out_ioas_id);
	attach.pt_id = alloc.out_ioas_id;
	GIVE(f, *dev, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach);
}

/* The same through a container, or an iommufd that plays one. */
static void container(struct fuzz *f)
{
	static const char *const names[] = { "0000:01:00.0", "0000:02:00.0",
					     "0000:03:00.0" };
	uint8_t how = fuzz_u8(&f->in);
	unsigned int n = how / 4 % NR_DEVICES;
	int *space = &f->fd[how & 1 ? 0 : 6], *group = &f->fd[7 + n];
	char path[20];

	snprintf(path, sizeof(path), "/dev/vfio/%u", n);
	if (*space < 0)
		open_fd(f, space, how & 1 ? "/dev/iommu" : "/dev/vfio/vfio");
	if (*group < 0)
		open_fd(f, group, path);
	memcpy(f->arena, space, sizeof(*space));
	call(f, *group, VFIO_GROUP_SET_CONTAINER, (uintptr_t)f->arena);
	call(f, *space, VFIO_SET_IOMMU,
	     how >= 0xc0 && how & 2 ? VFIO_TYPE1_NESTING_IOMMU
	     : how & 2		    ? VFIO_TYPE1_IOMMU
				    : VFIO_TYPE1v2_IOMMU);
	memcpy(f->arena, names[n], strlen(names[n]) + 1);
	call(f, *group, VFIO_GROUP_GET_DEVICE_FD, (uintptr_t)f->arena);
}

/* --------------------------------------------------------- address spaces -- */

static void ioas_alloc(struct fuzz *f, int fd)
{
	struct iommu_ioas_alloc cmd = { .size = sizeof(cmd) };

	if (!GIVE(f, fd, IOMMU_IOAS_ALLOC, &cmd))
		add_object(f, fd, KIND_IOAS, cmd.out_ioas_id);
}

static void map(struct fuzz *f, int fd)
{
	struct iommu_ioas_map cmd = { .size = sizeof(cmd),
				      .flags = fuzz_u8(&f->in) & 7 };
	uint8_t at = fuzz_u8(&f->in);

	cmd.ioas_id = pick_object(f, fd, KIND_IOAS);
	cmd.user_va = arena_at(f, (uint16_t)((at & 0xf) * PAGE)) + at / 0xf8;
	cmd.length = pick_len(f);
	cmd.iova = pick_iova(f);
	GIVE(f, fd, IOMMU_IOAS_MAP, &cmd);
}

static void map_file(struct fuzz *f, int fd)
{
	struct iommu_ioas_map_file cmd = { .size = sizeof(cmd),
					   .flags = fuzz_u8(&f->in) & 7 };
	int memfd = memfd_create("fuzz", MFD_CLOEXEC);

	must(memfd >= 0 && !ftruncate(memfd, 8 * PAGE), "memfd");
	cmd.ioas_id = pick_object(f, fd, KIND_IOAS);
	cmd.fd = memfd;
	cmd.start = (uint64_t)(fuzz_u8(&f->in) % 8) * PAGE;
	cmd.length = pick_len(f);
	cmd.iova = pick_iova(f);
	GIVE(f, fd, IOMMU_IOAS_MAP_FILE, &cmd);
	close(memfd);
}

static void unmap(struct fuzz *f, int fd)
{
	struct iommu_ioas_unmap cmd = { .size = sizeof(cmd) };

	cmd.ioas_id = pick_object(f, fd, KIND_IOAS);
	cmd.iova = pick_iova(f);
	cmd.length = pick_len(f);
	if (fuzz_u8(&f->in) >= 0xe0) {
		cmd.iova = 0;
		cmd.length = UINT64_MAX;
	}
	GIVE(f, fd, IOMMU_IOAS_UNMAP, &cmd);
}

static void copy(struct fuzz *f, int fd)
{
	struct iommu_ioas_copy cmd = { .size = sizeof(cmd),
				       .flags = fuzz_u8(&f->in) & 7 };

	cmd.dst_ioas_id = pick_object(f, fd, KIND_IOAS);
	cmd.src_ioas_id = pick_object(f, fd, KIND_IOAS);
	cmd.length = pick_len(f);
	cmd.dst_iova = pick_iova(f);
	cmd.src_iova = pick_iova(f);
	GIVE(f, fd, IOMMU_IOAS_COPY, &cmd);
}

static void allow(struct fuzz *f, int fd)
{
	struct iommu_ioas_allow_iovas cmd = { .size = sizeof(cmd) };
	struct iommu_iova_range *range = (void *)f->arena;

	cmd.ioas_id = pick_object(f, fd, KIND_IOAS);
	cmd.num_iovas = fuzz_u8(&f->in) % 4;
	cmd.allowed_iovas = (uintptr_t)range;
	for (unsigned int i = 0; i < cmd.num_iovas; i++) {
		range[i].start = pick_iova(f);
		range[i].last = range[i].start + pick_len(f) - 1;
	}
	GIVE(f, fd, IOMMU_IOAS_ALLOW_IOVAS, &cmd);
}

static void ranges(struct fuzz *f, int fd)
{
	struct iommu_ioas_iova_ranges cmd = { .size = sizeof(cmd) };

	cmd.ioas_id = pick_object(f, fd, KIND_IOAS);
	cmd.num_iovas = fuzz_u8(&f->in) % 8;
	cmd.allowed_iovas = (uintptr_t)f->arena;
	GIVE(f, fd, IOMMU_IOAS_IOVA_RANGES, &cmd);
}

static void option(struct fuzz *f, int fd)
{
	struct iommu_option cmd = { .size = sizeof(cmd) };
	uint8_t how = fuzz_u8(&f->in);

	cmd.option_id = how & 1;
	cmd.op = how >> 1 & 1;
	cmd.val64 = how >> 2 & 1;
	if (cmd.option_id)
		cmd.object_id = pick_object(f, fd, KIND_IOAS);
	GIVE(f, fd, IOMMU_OPTION, &cmd);
}

static void vfio_ioas(struct fuzz *f, int fd)
{
	struct iommu_vfio_ioas cmd = { .size = sizeof(cmd),
				       .op = fuzz_u8(&f->in) % 3 };

	cmd.ioas_id = pick_object(f, fd, KIND_IOAS);
	GIVE(f, fd, IOMMU_VFIO_IOAS, &cmd);
}

static void change_process(struct fuzz *f, int fd)
{
	struct iommu_ioas_change_process cmd = { .size = sizeof(cmd) };

	GIVE(f, fd, IOMMU_IOAS_CHANGE_PROCESS, &cmd);
}

static void type1_map(struct fuzz *f, int fd)
{
	struct vfio_iommu_type1_dma_map cmd = { .argsz = sizeof(cmd),
						.flags = fuzz_u8(&f->in) & 7 };

	cmd.vaddr = arena_at(f, (uint16_t)(fuzz_u8(&f->in) % 16 * PAGE));
	cmd.iova = pick_iova(f);
	cmd.size = pick_len(f);
	GIVE(f, fd, VFIO_IOMMU_MAP_DMA, &cmd);
}

static void type1_unmap(struct fuzz *f, int fd)
{
	struct {
		struct vfio_iommu_type1_dma_unmap head;
		struct vfio_bitmap bitmap;
	} cmd = { .head.argsz = sizeof(cmd),
		  .head.flags = fuzz_u8(&f->in) & 7 };

	cmd.head.iova = pick_iova(f);
	cmd.head.size = pick_len(f);
	cmd.bitmap = (struct vfio_bitmap){ PAGE, 8, (void *)f->arena };
	GIVE(f, fd, VFIO_IOMMU_UNMAP_DMA, &cmd);
}

static void type1_dirty(struct fuzz *f, int fd)
{
	struct {
		struct vfio_iommu_type1_dirty_bitmap head;
		struct vfio_iommu_type1_dirty_bitmap_get get;
	} cmd = { .head.argsz = sizeof(cmd),
		  .head.flags = 1u << fuzz_u8(&f->in) % 3 };

	cmd.get.iova = pick_iova(f);
	cmd.get.size = pick_len(f);
	cmd.get.bitmap = (struct vfio_bitmap){ PAGE, 8, (void *)f->arena };
	GIVE(f, fd, VFIO_IOMMU_DIRTY_PAGES, &cmd);
}

/* ------------------------------------------------------------ page tables -- */

static void hwpt(struct fuzz *f, int fd)
{
	struct iommu_hwpt_alloc cmd = { .size = sizeof(cmd) };
	uint8_t how = fuzz_u8(&f->in);

	cmd.flags = how & 0xf;
	cmd.dev_id = pick_object(f, fd, KIND_DEVICE);
	cmd.pt_id = pick_object(f, fd,
				how & 0x80   ? KIND_VIOMMU
				: how & 0x40 ? KIND_HWPT
					     : KIND_IOAS);
	cmd.fault_id = pick_object(f, fd, KIND_FAULT);
	if (how & 0xc0) {
		cmd.data_type = IOMMU_HWPT_DATA_ARM_SMMUV3;
		cmd.data_len = sizeof(struct iommu_hwpt_arm_smmuv3);
		cmd.data_uptr = (uintptr_t)f->arena;
		fuzz_bytes(&f->in, f->arena, 16);
	}
	if (!GIVE(f, fd, IOMMU_HWPT_ALLOC, &cmd))
		add_object(f, fd, KIND_HWPT, cmd.out_hwpt_id);
}

static void fault_queue(struct fuzz *f, int fd)
{
	struct iommu_fault_alloc cmd = { .size = sizeof(cmd) };

	if (!GIVE(f, fd, IOMMU_FAULT_QUEUE_ALLOC, &cmd))
		add_object(f, fd, KIND_FAULT, cmd.out_fault_id);
}

static void hw_info(struct fuzz *f, int fd)
{
	struct iommu_hw_info cmd = { .size = sizeof(cmd),
				     .data_len = fuzz_u8(&f->in),
				     .data_uptr = (uintptr_t)f->arena };

	cmd.dev_id = pick_object(f, fd, KIND_DEVICE);
	GIVE(f, fd, IOMMU_GET_HW_INFO, &cmd);
}

static void dirty(struct fuzz *f, int fd)
{
	struct iommu_hwpt_set_dirty_tracking set = { .size = sizeof(set) };
	struct iommu_hwpt_get_dirty_bitmap get = { .size = sizeof(get),
						   .page_size = PAGE,
						   .data = (uintptr_t)f->arena };
	uint8_t how = fuzz_u8(&f->in);

	if (how & 2) {
		set.flags = how & 1;
		set.hwpt_id = pick_object(f, fd, KIND_HWPT);
		GIVE(f, fd, IOMMU_HWPT_SET_DIRTY_TRACKING, &set);
		return;
	}
	get.flags = how & 1;
	get.hwpt_id = pick_object(f, fd, KIND_HWPT);
	get.iova = pick_iova(f);
	get.length = pick_len(f);
	GIVE(f, fd, IOMMU_HWPT_GET_DIRTY_BITMAP, &get);
}

static void destroy(struct fuzz *f, int fd)
{
	struct iommu_destroy cmd = { .size = sizeof(cmd) };

	cmd.id = pick_object(f, fd, fuzz_u8(&f->in) % NR_KINDS);
	GIVE(f, fd, IOMMU_DESTROY, &cmd);
}

/* --------------------------------------------------------- virtual IOMMUs -- */

static void viommu(struct fuzz *f, int fd)
{
	struct iommu_viommu_alloc cmd = {
		.size = sizeof(cmd), .type = IOMMU_VIOMMU_TYPE_ARM_SMMUV3
	};

	cmd.dev_id = pick_object(f, fd, KIND_DEVICE);
	cmd.hwpt_id = pick_object(f, fd, KIND_HWPT);
	if (!GIVE(f, fd, IOMMU_VIOMMU_ALLOC, &cmd))
		add_object(f, fd, KIND_VIOMMU, cmd.out_viommu_id);
}

static void vdevice(struct fuzz *f, int fd)
{
	struct iommu_vdevice_alloc cmd = { .size = sizeof(cmd) };

	cmd.viommu_id = pick_object(f, fd, KIND_VIOMMU);
	cmd.dev_id = pick_object(f, fd, KIND_DEVICE);
	cmd.virt_id = fuzz_u8(&f->in) % 4;
	if (!GIVE(f, fd, IOMMU_VDEVICE_ALLOC, &cmd))
		add_object(f, fd, KIND_VDEVICE, cmd.out_vdevice_id);
}

static void veventq(struct fuzz *f, int fd)
{
	struct iommu_veventq_alloc cmd = {
		.size = sizeof(cmd), .type = IOMMU_VEVENTQ_TYPE_ARM_SMMUV3
	};

	cmd.viommu_id = pick_object(f, fd, KIND_VIOMMU);
	cmd.veventq_depth = 1 + fuzz_u8(&f->in) % 4;
	if (!GIVE(f, fd, IOMMU_VEVENTQ_ALLOC, &cmd))
		add_object(f, fd, KIND_QUEUE, cmd.out_veventq_id);
}

static void hw_queue(struct fuzz *f, int fd)
{
	struct iommu_hw_queue_alloc cmd = {
		.size = sizeof(cmd), .type = IOMMU_HW_QUEUE_TYPE_TEGRA241_CMDQV
	};

	cmd.viommu_id = pick_object(f, fd, KIND_VIOMMU);
	cmd.nesting_parent_iova = pick_iova(f);
	cmd.length = pick_len(f);
	if (!GIVE(f, fd, IOMMU_HW_QUEUE_ALLOC, &cmd))
		add_object(f, fd, KIND_QUEUE, cmd.out_hw_queue_id);
}

/* Commands of a guest: an opcode that is known, with any operands. */
static void invalidate(struct fuzz *f, int fd)
{
	static const uint8_t opcodes[] = { 0x30, 0x10, 0x11, 0x12,
					   0x13, 0x40, 0x05, 0x06 };
	struct iommu_hwpt_invalidate cmd = {
		.size = sizeof(cmd),
		.data_uptr = (uintptr_t)f->arena,
		.data_type = IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3,
		.entry_len = 16
	};

	cmd.hwpt_id = pick_object(f, fd, KIND_VIOMMU);
	cmd.entry_num = fuzz_u8(&f->in) % 4;
	for (unsigned int i = 0; i < cmd.entry_num; i++) {
		memset(f->arena + 16 * i, 0, 16);
		fuzz_bytes(&f->in, f->arena + 16 * i + 1, fuzz_u8(&f->in) % 16);
		f->arena[16 * i] = opcodes[fuzz_u8(&f->in) % 8];
	}
	GIVE(f, fd, IOMMU_HWPT_INVALIDATE, &cmd);
}

/* ------------------------------------------------- containers of type 6 -- */

static void guest_stage(struct fuzz *f, int fd)
{
	struct vfio_iommu_type1_bind_guest_stage cmd = { .argsz = sizeof(cmd) };
	struct vfio_guest_stage_config *config = &cmd.config;
	uint8_t how = fuzz_u8(&f->in);

	cmd.flags = how >= 0xe0;
	config->flags = 1u << (how & 1) | (how & 2 ? VFIO_GUEST_STAGE_EXT : 0);
	if (how & 1) {
		config->smmuv3_s1.bypassed = how >> 6 == 1;
		config->smmuv3_s1.aborted = how >> 6 == 2;
		config->smmuv3_s1.s1fmt = how >> 2 & 3;
		config->smmuv3_s1.s1dss = how >> 4 & 3;
		config->smmuv3_s1.s1cdmax = fuzz_u8(&f->in);
		config->smmuv3_s1.cdptr_dma = pick_iova(f);
		config->smmuv3_s1.asid = fuzz_u8(&f->in) % 4;
	} else {
		config->pasid_table.version = 1;
		config->pasid_table.bytes = 20;
		config->pasid_table.s1fmt = how >> 2 & 3;
		config->pasid_table.s1dss = how >> 4 & 3;
		config->pasid_table.state = how >> 6;
		config->pasid_table.pasid_bits = fuzz_u8(&f->in);
		config->pasid_table.base_ptr = pick_iova(f);
	}
	GIVE(f, fd, VFIO_IOMMU_BIND_GUEST_STAGE, &cmd);
}

static void guest_invalidate(struct fuzz *f, int fd)
{
	struct vfio_iommu_type1_tlb_invalidate cmd = { .argsz = sizeof(cmd) };
	uint8_t how = fuzz_u8(&f->in);

	cmd.info.hdr.version = 1;
	cmd.info.hdr.type = how % 3;
	cmd.info.granularity = how / 3 % 3;
	cmd.info.flags = how >> 5;
	cmd.info.size = fuzz_u8(&f->in);
	cmd.info.nr_pages = fuzz_u8(&f->in);
	cmd.info.pasid = pick_pasid(f);
	cmd.info.arch_id = fuzz_u8(&f->in) % 4;
	cmd.info.addr = pick_iova(f);
	GIVE(f, fd, VFIO_IOMMU_TLB_INVALIDATE, &cmd);
}

static void guest_msi(struct fuzz *f, int fd)
{
	struct vfio_iommu_type1_bind_msi cmd = { .argsz = sizeof(cmd) };
	uint8_t how = fuzz_u8(&f->in);

	cmd.flags = how & 1;
	cmd.binding.granule = how & 0x80 ? how : 12u + how % 10;
	cmd.binding.iova = pick_iova(f);
	cmd.binding.gpa = pick_iova(f);
	GIVE(f, fd, VFIO_IOMMU_BIND_MSI, &cmd);
}

void step_good(struct fuzz *f, unsigned int which)
{
	static void (*const guest[])(struct fuzz * f,
				     int fd) = { guest_stage, guest_invalidate,
						 guest_msi };
	static void (*const steps[])(struct fuzz * f, int fd) = {
		ioas_alloc, map,       map,	    map,	 unmap,
		unmap,	    copy,      allow,	    ranges,	 option,
		vfio_ioas,  hwpt,      hwpt,	    hwpt,	 fault_queue,
		hw_info,    dirty,     destroy,	    destroy,	 viommu,
		vdevice,    veventq,   hw_queue,    invalidate,	 change_process,
		map_file,   type1_map, type1_unmap, type1_dirty,
	};
	const unsigned int nr = sizeof(steps) / sizeof(steps[0]);
	unsigned int n = which % (nr + 4);

	/*
	 * Numbers that name others a second time: what was recorded before there
	 * were these mostly means what it did.
	 */
	if (which >= STEPS_GOOD - 3)
		guest[which - (STEPS_GOOD - 3)](
			f,
			f->fd[fuzz_u8(&f->in) % 8 ? 6 : fuzz_u8(&f->in) % 7]);
	else if (n < nr)
		steps[n](f,
			 f->fd[fuzz_u8(&f->in) % 7 ? 0 : fuzz_u8(&f->in) % 7]);
	else if (n < nr + 3)
		client(f);
	else
		container(f);
}
