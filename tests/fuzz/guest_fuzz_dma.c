/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a hostile guest writes to its memory, where the SMMU reads its contexts and
 * tables, and what it has its devices do, meanwhile or later.
 *
 * One thing it does not do is to let a device with ATS claim that an address outside
 * its memory is translated already: such a device is trusted.
 */
#include <pthread.h>

#include "base/atomic.h"
#include "guest_fuzz.h"

#define NR_CONTEXTS 8u

uint64_t wild(struct fuzz *f)
{
	uint8_t how = fuzz_u8(&f->in);
	uint64_t n = how >> 3;

	switch (how % 8) {
	case 0: /* doorbells, as the guest sees them */
		return MSI_FIRST + (n % 8) * PAGE;
	case 1: /* the host's own memory */
		return (uintptr_t)f->memory + (n & 1 ? GEN_SIZE + CANARY : 0) +
		       (n >> 1) * PAGE;
	case 2: /* another guest's */
		return (uintptr_t)f->good.mem + GEN_DATA - GEN_BASE + n * PAGE;
	case 3: /* its own, but not by its own address; a device's registers */
		return n < 16 ? (uintptr_t)f->bad.mem + n * PAGE : f->window;
	case 4: /* next to its memory */
		return n & 1 ? GEN_BASE - PAGE : GEN_BASE + GEN_SIZE;
	case 5:
		return UINT64_C(1) << 2 * n;
	case 6:
		return gen_table((uint8_t)n);
	default:
		return gen_u64(&f->in) & ~UINT64_C(0xfff);
	}
}

static uint64_t *word_at(struct fuzz *f, uint64_t gpa)
{
	uint64_t off = (gpa - GEN_BASE) % GEN_SIZE & ~UINT64_C(7);

	return (uint64_t *)(void *)(f->bad.mem + off);
}

/* What the host has taken is nothing that the guest can write. */
static bool is_taken(const struct fuzz *f, const uint64_t *at)
{
	return f->taken >> ((const uint8_t *)at - f->bad.mem) / AREA & 1;
}

static void put(struct fuzz *f, uint64_t gpa, uint64_t word)
{
	uint64_t *at = word_at(f, gpa);

	if (is_taken(f, at))
		return;
	store_relaxed(at, word);
	say(f, "%#jx := %#jx\n", (uintmax_t)gpa, (uintmax_t)word);
}

/* ----------------------------------------------------------------- memory -- */

static void context(struct fuzz *f)
{
	uint8_t how = fuzz_u8(&f->in);
	uint64_t q[8], at = GEN_CDS + how % NR_CONTEXTS * 64u;

	/* A table above: of two levels. */
	if (how >= 0xe0) {
		put(f, GEN_L1CD + how % NR_CONTEXTS * 8u,
		    (how & 8 ? wild(f) : GEN_CDS) | !(how & 16));
		return;
	}
	gen_cd(&f->in, q);
	if (how & 0x40)
		q[how & 8 ? 2 : 1] = wild(f);
	for (unsigned int i = 0; i < 8; i++)
		put(f, at + 8 * i, q[i]);
}

/* Tables that are used mostly, and places in them that are. */
static uint64_t place(struct fuzz *f)
{
	uint8_t table = fuzz_u8(&f->in), index = fuzz_u8(&f->in);

	table = table < 0xc0 ? table % 13 : table;
	return gen_table(table) + 8u * (index < 0xe0 ? index % 16u : index);
}

static uint64_t new_desc(struct fuzz *f)
{
	uint8_t how = fuzz_u8(&f->in);
	uint64_t desc = gen_desc(&f->in);

	if (how < 0xa0)
		return desc;
	return (desc & ~UINT64_C(0x0000fffffffff000)) |
	       (wild(f) & UINT64_C(0x0000fffffffff000)) | 0x401;
}

static void descriptor(struct fuzz *f)
{
	uint64_t at = place(f);

	put(f, at, new_desc(f));
}

static void anything(struct fuzz *f)
{
	uint64_t at = GEN_BASE + 4u * (uint64_t)fuzz_u16(&f->in);

	put(f, at, gen_u64(&f->in));
}

/* Everything as it was in the beginning, but what is cached. */
static void put_world(void *f, uint64_t pa, uint64_t word)
{
	put(f, pa, word);
}

static void start_over(struct fuzz *f)
{
	gen_world(put_world, f);
}

static void add_flip(struct fuzz *f)
{
	uint8_t how = fuzz_u8(&f->in);
	struct flip *flip = &f->flip[f->nr_flips++ % NR_FLIPS];

	if (how & 0x80) {
		flip->at = word_at(f, GEN_CDS + how % 16 * 8u);
		flip->value = how & 0x40 ? *flip->at ^ 1ull << how % 64
					 : gen_u64(&f->in);
		return;
	}
	flip->at = word_at(f, place(f));
	flip->value = new_desc(f);
}

void step_memory(struct fuzz *f, unsigned int which)
{
	static void (*const steps[])(struct fuzz * f) = {
		context,    context,  descriptor, descriptor, descriptor,
		descriptor, anything, start_over, add_flip,   add_flip,
	};

	steps[which % (sizeof(steps) / sizeof(steps[0]))](f);
}

/* ---------------------------------------------------------------- devices -- */

/* Slots' registers, and what testep.h has not. */
#define SLOT_CTRL 0x08u
#define SLOT_PASID 0x0cu
#define SLOT_STATUS 0x10u
#define SLOT_LEN 0x14u
#define SLOT_OPERAND 0x20u
#define SLOT_COMPARE 0x28u
#define SLOT_RESULT 0x30u

#define CTRL_OP 0xf0u
#define CTRL_TRANSLATED (1u << 11)
#define CTRL_BITS 0x0037f7f0u /* all but TRANSLATED, and the reserved */

/* One access of a device, whatever becomes of it. */
struct access {
	unsigned int dev, slot;
	uint32_t ctrl, pasid, len;
	uint64_t iova;
};

static void make_access(struct fuzz *f, struct access *a, bool old)
{
	static const uint32_t lens[] = { 8, 4, 4096, 1, 64, 8, 4095, 3 };
	uint8_t how = fuzz_u8(&f->in), what = fuzz_u8(&f->in);
	bool believed;

	*a = (struct access){
		.dev = old ? NR_DEVICES : how % NR_DEVICES,
		.slot = how >> 1 & 7,
		.len = lens[how >> 4 & 7],
		.pasid = what & 7,
		/* Reads and writes mostly, or anything. */
		.ctrl = what >> 3 & 1 ? TESTEP_READ : TESTEP_WRITE,
		.iova = gen_iova(&f->in),
	};
	if (what & 0x10)
		a->ctrl |= TESTEP_WITH_PASID;
	if (what & 0x20)
		a->ctrl |= TESTEP_UNTRANSLATED;
	if (what >= 0xc0)
		a->ctrl = (uint32_t)(fuzz_u16(&f->in) | fuzz_u8(&f->in) << 16);
	a->ctrl &= CTRL_BITS | CTRL_TRANSLATED;
	believed = a->dev == NR_DEVICES || (!a->dev && f->trusted);
	if (f->taken && believed)
		a->ctrl &= ~CTRL_TRANSLATED;
	/* A message, or what would be an address of somebody else's. */
	if (how & 0x80)
		a->iova = what & 0x40 ? wild(f) + (a->iova & 0xff8)
				      : MSI_FIRST + (a->iova & 0x7f);
	/* Without ATS a device may say so, and is not believed. */
	if (a->ctrl & CTRL_TRANSLATED)
		a->iova = believed ? (uintptr_t)f->bad.mem + a->iova % 0x4000
				   : wild(f);
}

static struct client *device(struct fuzz *f, unsigned int dev)
{
	return dev == NR_DEVICES ? &f->old : &f->bad.dev[dev];
}

static bool reads(uint32_t ctrl)
{
	return (ctrl & CTRL_OP) == TESTEP_READ;
}

/* A device may be one that does not answer, by its command register. */
static void poke(struct client *c, uint64_t off, unsigned int size,
		 uint64_t val)
{
	uiommu_abi_pwrite(c->abi, c->dev_fd, (uintptr_t)&val, size,
			  c->bar_off + off);
}

static uint64_t peek(struct client *c, uint64_t off, unsigned int size)
{
	uint64_t val = 0;

	uiommu_abi_pread(c->abi, c->dev_fd, (uintptr_t)&val, size,
			 c->bar_off + off);
	return val;
}

static unsigned int go(struct fuzz *f, const struct access *a)
{
	struct client *c = device(f, a->dev);
	uint64_t slot = TESTEP_SLOT(a->slot);

	poke(c, slot, 8, a->iova);
	poke(c, slot + SLOT_PASID, 4, a->pasid);
	poke(c, slot + SLOT_LEN, 4, a->len);
	poke(c, slot + SLOT_CTRL, 4, a->ctrl | 1);
	return (unsigned int)peek(c, slot + SLOT_STATUS, 4);
}

static void check_result(struct fuzz *f, const struct access *a)
{
	struct client *c = device(f, a->dev);
	uint64_t page = TESTEP_DATA(a->slot);

	assert_false(
		is_secret(f, peek(c, TESTEP_SLOT(a->slot) + SLOT_RESULT, 8)));
	if (!reads(a->ctrl) || a->iova % 8)
		return;
	assert_false(is_secret(f, peek(c, page, 8)));
	assert_false(is_secret(f, peek(c, page + (a->len - 1) / 8 * 8, 8)));
}

void access_by(struct fuzz *f, bool old)
{
	struct access a;
	unsigned int status;

	make_access(f, &a, old);
	status = go(f, &a);
	say(f, "device %u: %#x at %#jx, %u bytes, PASID %u: %u\n", a.dev,
	    a.ctrl, (uintmax_t)a.iova, a.len, a.pasid, status);
	check_result(f, &a);
}

static void access_memory(struct fuzz *f)
{
	access_by(f, false);
}

/* What a slot writes next: a descriptor, perhaps, or a message. */
static void fill(struct fuzz *f)
{
	uint8_t how = fuzz_u8(&f->in);
	struct client *c = &f->bad.dev[how % f->bad.nr];
	uint64_t word = how & 0x80 ? new_desc(f) : fuzz_u8(&f->in) % 16;
	unsigned int slot = how >> 1 & 7;
	const uint64_t *at;

	poke(c, TESTEP_DATA(slot), 8, word);
	poke(c, TESTEP_SLOT(slot) + SLOT_OPERAND, 8, word);
	at = word_at(f, GEN_BASE + 8u * (uint64_t)fuzz_u16(&f->in));
	poke(c, TESTEP_SLOT(slot) + SLOT_COMPARE, 8, is_taken(f, at) ? 0 : *at);
}

/* What it is told of the waiting ones. */
static void look(struct fuzz *f)
{
	uint8_t how = fuzz_u8(&f->in);
	struct access a = {
		.dev = how % f->bad.nr,
		.slot = how >> 1 & 7,
		.ctrl = TESTEP_READ,
		.len = 8,
	};

	check_result(f, &a);
}

/* Capabilities, the command register, anything in configuration space. */
static void configure(struct fuzz *f)
{
	uint8_t how = fuzz_u8(&f->in), off = fuzz_u8(&f->in);
	struct client *c = &f->bad.dev[how % f->bad.nr];
	uint32_t val = fuzz_u8(&f->in);
	bool all = how & 0x40;

	if (how >= 0xe0) {
		uiommu_abi_ioctl(f->abi, c->dev_fd, VFIO_DEVICE_RESET, 0);
		client_master(c, true);
		return;
	}
	if (how >= 0xc0) {
		client_master(c, how & 2);
		return;
	}
	uiommu_abi_pwrite(f->abi, c->dev_fd, (uintptr_t)&val, 2,
			  c->cfg_off + 4u * off + (all ? 0x100 : 0));
}

void vectors(struct fuzz *f, struct client *c, uint8_t how)
{
	const int none[2] = { -1, -1 };
	union {
		struct vfio_irq_set head;
		uint8_t bytes[sizeof(struct vfio_irq_set) + sizeof(none)];
	} set = { .head = {
			  .argsz = sizeof(struct vfio_irq_set),
			  .flags = VFIO_IRQ_SET_DATA_NONE |
				   VFIO_IRQ_SET_ACTION_TRIGGER,
			  .index = how & 0x40 ? VFIO_PCI_MSI_IRQ_INDEX
					      : VFIO_PCI_MSIX_IRQ_INDEX,
		  } };

	client_ioctl(c->abi, c->dev_fd, VFIO_DEVICE_SET_IRQS, &set);
	if (how & 0x80)
		return;
	set.head.flags = VFIO_IRQ_SET_DATA_EVENTFD |
			 VFIO_IRQ_SET_ACTION_TRIGGER;
	set.head.count = 1 + (how >> 1 & 1);
	set.head.argsz += set.head.count * (uint32_t)sizeof(int);
	memcpy(set.head.data, none, sizeof(none));
	client_ioctl(c->abi, c->dev_fd, VFIO_DEVICE_SET_IRQS, &set);
}

static void interrupts(struct fuzz *f)
{
	uint8_t how = fuzz_u8(&f->in);

	vectors(f, &f->bad.dev[how % f->bad.nr], how);
}

/* ------------------------------------------------------------------- race -- */

struct race {
	struct flip flip[NR_FLIPS];
	unsigned int nr;
	uint32_t stop;
};

static void *keep_flipping(void *arg)
{
	struct race *race = arg;
	uint64_t old[NR_FLIPS];
	unsigned int i;

	for (i = 0; i < race->nr; i++)
		old[i] = load_relaxed(race->flip[i].at);
	while (!load_acquire(&race->stop)) {
		for (i = 0; i < race->nr; i++)
			store_relaxed(race->flip[i].at, race->flip[i].value);
		for (i = 0; i < race->nr; i++)
			store_relaxed(race->flip[i].at, old[i]);
	}
	return NULL;
}

/* The same few accesses, while tables change under the SMMU's eyes. */
static void race(struct fuzz *f)
{
	struct race race = { 0 };
	uint8_t how = fuzz_u8(&f->in);
	struct access a[3];
	pthread_t thread;

	for (unsigned int i = 0; i < 3; i++)
		make_access(f, &a[i], false);
	for (unsigned int i = 0; i < NR_FLIPS && i < f->nr_flips; i++)
		if (!is_taken(f, f->flip[i].at))
			race.flip[race.nr++] = f->flip[i];
	if (!race.nr)
		return;
	assert_int_equal(pthread_create(&thread, NULL, keep_flipping, &race),
			 0);
	for (unsigned int i = 0; i < 8u + how % 32u; i++) {
		go(f, &a[i % 3]);
		check_result(f, &a[i % 3]);
		if (i % 8 == 7)
			others_check(f, false);
	}
	store_release(&race.stop, 1);
	pthread_join(thread, NULL);
}

void step_device(struct fuzz *f, unsigned int which)
{
	static void (*const steps[])(struct fuzz * f) = {
		access_memory, access_memory, access_memory, access_memory,
		access_memory, access_memory, fill,	     fill,
		look,	       configure,     interrupts,    race,
	};

	steps[which % (sizeof(steps) / sizeof(steps[0]))](f);
}
