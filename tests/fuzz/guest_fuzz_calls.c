/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the VMM of a hostile guest calls for it: entries, commands and answers that
 * the guest made up go in as they are.
 */
#include "guest_fuzz.h"

static struct vmm *bad(struct fuzz *f)
{
	return &f->bad;
}

static unsigned int pick_device(struct fuzz *f, uint8_t how)
{
	return how % bad(f)->nr;
}

static uint32_t *pick_table(struct fuzz *f, uint8_t how)
{
	return &bad(f)->table[how % NR_TABLES];
}

/* ---------------------------------------------------------------- entries -- */

/* Fields that a guest may set, see docs/nested.md. */
#define GUEST_0 UINT64_C(0xf80fffffffffffff)
#define GUEST_1 UINT64_C(0x380000ff)

static void make_entry(struct fuzz *f, uint8_t how, uint64_t ste[2])
{
	static const uint8_t configs[] = { 5, 5, 5, 4 };
	uint64_t q[8];

	if (how % 16 == 0) {
		ste[0] = gen_u64(&f->in);
		ste[1] = gen_u64(&f->in);
		return;
	}
	gen_ste(&f->in, q);
	ste[0] = q[0];
	ste[1] = q[1];
	if (how % 16 == 1)
		return;
	ste[0] = (q[0] & GUEST_0 & ~UINT64_C(0xe)) |
		 (uint64_t)configs[how >> 2 & 3] << 1;
	ste[1] = q[1] & GUEST_1;
	if (how % 16 == 2)
		ste[0] = (ste[0] & ~UINT64_C(0x000fffffffffffc0)) |
			 (wild(f) & UINT64_C(0x000fffffffffffc0));
	if (how % 16 == 3) {
		gen_damage(&f->in, ste, 2);
		ste[0] &= GUEST_0;
		ste[1] &= GUEST_1;
		return;
	}
	/* Half of the others have eight contexts, and ATS. */
	if (how & 0x80) {
		ste[0] = (ste[0] & 0x3f) | 0x1800000000000000 | GEN_CDS;
		ste[1] = (ste[1] & 0x80000ff) | 0x10000000;
	}
}

/* Stage 1, without ATS: devices are not believed any more. */
static bool lacks_ats(const uint64_t ste[2])
{
	return (ste[0] & 0xf) == 0xb && !(ste[1] & 0x30000000);
}

/* A new one in the slot; what was there goes when it is not attached any more. */
static void entry(struct fuzz *f)
{
	uint8_t how = fuzz_u8(&f->in), where = fuzz_u8(&f->in);
	uint32_t flags = where & 0x80 ? 0 : IOMMU_HWPT_FAULT_ID_VALID;
	uint32_t *slot = pick_table(f, where), id, old = *slot;
	unsigned int dev = pick_device(f, where >> 2);
	uint64_t ste[2];
	int rc;

	make_entry(f, how, ste);
	flags |= where & 0x40 ? IOMMU_HWPT_ALLOC_PASID : 0;
	rc = vmm_table(bad(f), dev, flags, ste, &id);
	say(f, "entry %#jx %#jx: %d\n", (uintmax_t)ste[0], (uintmax_t)ste[1],
	    rc);
	assert_true(!rc || rc == -EIO || rc == -EOPNOTSUPP);
	if (rc)
		return;
	if (where & 0x30) {
		rc = client_attach(&bad(f)->dev[dev], 0, id);
		say(f, "attach device %u to it: %d\n", dev, rc);
		if (!rc && !dev)
			f->trusted = !lacks_ats(ste);
	}
	*slot = id;
	if (old) {
		vmm_destroy(bad(f), &old);
		/* Somebody has it still: it is forgotten, until all is closed. */
		if (old)
			say(f, "%u stays\n", old);
	}
}

static void attach(struct fuzz *f)
{
	uint8_t how = fuzz_u8(&f->in);
	unsigned int dev = pick_device(f, how >> 2);
	uint32_t pasid = how & 0x80 ? 1 + (how >> 2 & 3) : 0, pt;
	int rc;

	switch (how >> 4 & 3) {
	case 0:
		pt = bad(f)->parent;
		break;
	case 1:
		pt = bad(f)->dev[0].ioas_id;
		break;
	default:
		pt = *pick_table(f, how);
	}
	if (how >> 4 == 1) {
		rc = client_detach(&bad(f)->dev[dev], 0);
		say(f, "detach device %u: %d\n", dev, rc);
		return;
	}
	rc = client_attach(&bad(f)->dev[dev], pasid, pt);
	say(f, "attach device %u PASID %u to %u: %d\n", dev, pasid, pt, rc);
	if (!dev)
		f->trusted = true;
}

static void drop_table(struct fuzz *f)
{
	vmm_destroy(bad(f), pick_table(f, fuzz_u8(&f->in)));
}

/* --------------------------------------------------------------- commands -- */

#define MAX_COMMANDS 130u

/* Those of a guest, as it may send them, or changed as it may not. */
static void make_command(struct fuzz *f, uint64_t q[2])
{
	static const uint8_t ops[] = { 0x10, 0x11, 0x12, 0x13,
				       0x30, 0x40, 0x05, 0x06 };
	uint8_t how = fuzz_u8(&f->in), c;
	unsigned int op;

	if (how >= 0xe0) {
		gen_cmd(&f->in, q);
		return;
	}
	op = ops[how & 7];
	q[0] = op;
	q[1] = 0;
	c = fuzz_u8(&f->in);
	if (op == 0x11 || op == 0x12)
		q[0] |= (uint64_t)(c & 3) << 48;
	if (op == 0x12 || op == 0x13) {
		q[1] = (gen_iova(&f->in) & ~UINT64_C(0xfff)) | c >> 7;
		if (c & 0x40) { /* a range */
			uint16_t r = fuzz_u16(&f->in);

			q[0] |= (uint64_t)(r & 31) << 12 |
				(uint64_t)(r >> 5 & 31) << 20;
			q[1] |= (uint64_t)(1 + (r >> 10) % 3) << 10 |
				(uint64_t)(r >> 12 & 3) << 8;
		}
	}
	if (op == 0x40 || op == 5 || op == 6)
		q[0] |= (uint64_t)(c & 3) << 32;
	if (op == 0x40) {
		q[0] |= (uint64_t)(c >> 2 & 7) << 12 |
			(uint64_t)(c >> 5 & 1) << 11 |
			(uint64_t)(c >> 6 & 1) << 9;
		q[1] = (gen_iova(&f->in) & ~UINT64_C(0xfff)) |
		       fuzz_u8(&f->in) % 64;
	}
	if (op == 5) {
		q[0] |= (uint64_t)(c >> 2 & 7) << 12;
		q[1] = c >> 7;
	}
	/* By the StreamID that a device has in truth, or a bit or two. */
	if (how & 0x08 && (how >> 4) == 0xd)
		q[0] |= (uint64_t)(1 + (c & 3)) << 40;
	else if (how & 0x08)
		gen_damage(&f->in, q, 2);
}

static void commands(struct fuzz *f)
{
	uint64_t cmd[MAX_COMMANDS][2];
	uint8_t how = fuzz_u8(&f->in), nr = fuzz_u8(&f->in), odd;
	struct iommu_hwpt_invalidate inv = {
		.size = sizeof(inv),
		.hwpt_id = bad(f)->viommu,
		.data_uptr = (uintptr_t)cmd,
		.data_type = IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3,
		.entry_len = 16,
		/* Few mostly, or more than a batch. */
		.entry_num = nr < 0xf0 ? nr % 6u : MAX_COMMANDS - nr % 16,
	};
	uint32_t given = inv.entry_num;
	long rc;

	for (unsigned int i = 0; i < given; i++) {
		if (i < 8)
			make_command(f, cmd[i]);
		else
			memcpy(cmd[i], cmd[i % 8], sizeof(cmd[i]));
	}
	if (how >= 0xf0) {
		odd = fuzz_u8(&f->in);
		switch (how & 3) {
		case 0:
			inv.entry_len = odd;
			inv.entry_num = given = given % 16;
			break;
		case 1:
			inv.data_type = odd;
			break;
		case 2:
			inv.hwpt_id = odd % 16;
			break;
		default:
			inv.hwpt_id = *pick_table(f, odd);
		}
	}
	rc = vmm_ioctl(bad(f), IOMMU_HWPT_INVALIDATE, &inv);
	say(f, "%u commands, %#jx %#jx first: %ld, %u done\n", given,
	    (uintmax_t)cmd[0][0], (uintmax_t)cmd[0][1], rc, inv.entry_num);
	assert_true(rc ? inv.entry_num < given || !given
		       : inv.entry_num == given);
}

/* ----------------------------------------------------------------- queues -- */

/* What it is told concerns its devices, by its own numbers. */
static void read_events(struct fuzz *f)
{
	struct vmm_event event;

	while (vmm_event(bad(f), &event)) {
		say(f, "event %#jx %#jx\n", (uintmax_t)event.smmu.evt[0],
		    (uintmax_t)event.smmu.evt[2]);
		if (event.header.flags & IOMMU_VEVENTQ_FLAG_LOST_EVENTS)
			continue;
		assert_true(event.smmu.evt[0] >> 32 < 8);
		assert_true(f->vsids >> (event.smmu.evt[0] >> 32) & 1);
		/* An address beside that of the access: of stage 2 alone. */
		assert_true(event.smmu.evt[1] >> 39 & 1 || !event.smmu.evt[3]);
	}
}

static void read_faults(struct fuzz *f)
{
	struct iommu_hwpt_pgfault fault;

	for (unsigned int i = 0; i < 4 && vmm_fault(bad(f), &fault); i++) {
		say(f, "fault of device %u at %#jx, cookie %u\n", fault.dev_id,
		    (uintmax_t)fault.addr, fault.cookie);
		assert_true(fault.dev_id == bad(f)->dev[0].dev_id ||
			    fault.dev_id == bad(f)->dev[1].dev_id);
		f->cookie[i] = fault.cookie;
	}
}

static void answer(struct fuzz *f)
{
	uint8_t how = fuzz_u8(&f->in);
	struct iommu_hwpt_page_response response = {
		.cookie = how & 0x80 ? how & 7u : f->cookie[how & 3],
		.code = how >> 2 & 7 ? how >> 2 & 1 : fuzz_u8(&f->in),
	};
	ssize_t rc = uiommu_abi_write(f->abi, bad(f)->faults_fd,
				      (uintptr_t)&response, sizeof(response));

	say(f, "answer %u to %u: %zd\n", response.code, response.cookie, rc);
}

static void answer_all(struct fuzz *f)
{
	struct iommu_hwpt_page_response response = { 0 };
	struct iommu_hwpt_pgfault fault;

	/* Bounded: an access that goes on may ask again. */
	for (unsigned int i = 0; i < 8 && vmm_fault(bad(f), &fault); i++) {
		response.cookie = fault.cookie;
		uiommu_abi_write(f->abi, bad(f)->faults_fd,
				 (uintptr_t)&response, sizeof(response));
	}
}

/* ---------------------------------------------------- objects and memory -- */

static void renumber(struct fuzz *f)
{
	uint8_t how = fuzz_u8(&f->in);
	unsigned int dev = pick_device(f, how);
	int rc;

	vmm_destroy(bad(f), &bad(f)->vdev[dev]);
	if (how & 0x80)
		return;
	rc = vmm_vdevice(bad(f), dev, how >> 1 & 7);
	say(f, "vdevice %u for device %u: %d\n", how >> 1 & 7, dev, rc);
	if (!rc)
		f->vsids |= (uint8_t)(1u << (how >> 1 & 7));
}

static void new_queue(struct fuzz *f)
{
	uint8_t how = fuzz_u8(&f->in);

	if (bad(f)->events_fd >= 0) {
		close_file(f->abi, bad(f)->events_fd);
		bad(f)->events_fd = -1;
	}
	vmm_destroy(bad(f), &bad(f)->events);
	if (!(how & 0x80))
		(void)vmm_events(bad(f), 1 + how % 4u);
}

/* The host takes memory, and gives it back. */
static void memory(struct fuzz *f)
{
	uint8_t how = fuzz_u8(&f->in);
	unsigned int area = how % NR_AREAS;
	bool taken = f->taken >> area & 1;
	int rc;

	if (taken && how & 4)
		others_give(f, area);
	rc = how & 4 ? vmm_map(bad(f), area) : vmm_unmap(bad(f), area);
	say(f, "%s area %u: %d\n", how & 4 ? "map" : "unmap", area, rc);
	assert_int_equal(rc, taken == (how >> 2 & 1)
				     ? 0
				     : (how & 4 ? -EEXIST : -ENOENT));
	if (!rc && f->old_is_open)
		assert_int_equal(
			how & 4 ? old_map(f, area) : old_unmap(f, area), 0);
	if (!rc && !(how & 4))
		others_take(f, area);
}

static void dirty(struct fuzz *f)
{
	uint64_t bits[GEN_SIZE / PAGE / 64] = { 0 };
	uint8_t how = fuzz_u8(&f->in);
	struct iommu_hwpt_set_dirty_tracking set = {
		.size = sizeof(set),
		.flags = how & 1,
		.hwpt_id = bad(f)->parent,
	};
	struct iommu_hwpt_get_dirty_bitmap get = {
		.size = sizeof(get),
		.hwpt_id = bad(f)->parent,
		.flags = how & 2 ? IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR : 0,
		.iova = GEN_BASE,
		.length = GEN_SIZE,
		.page_size = PAGE,
		.data = (uintptr_t)bits,
	};

	if (how & 4)
		vmm_ioctl(bad(f), IOMMU_HWPT_SET_DIRTY_TRACKING, &set);
	else
		vmm_ioctl(bad(f), IOMMU_HWPT_GET_DIRTY_BITMAP, &get);
}

void step_call(struct fuzz *f, unsigned int which)
{
	static void (*const steps[])(struct fuzz * f) = {
		commands, commands, commands,	 commands,   entry,
		entry,	  entry,    attach,	 drop_table, read_events,
		answer,	  answer,   read_faults, answer_all, renumber,
		memory,	  memory,   dirty,	 new_queue,
	};

	steps[which % (sizeof(steps) / sizeof(steps[0]))](f);
}
