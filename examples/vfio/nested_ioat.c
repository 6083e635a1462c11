/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nested_ioat.c - an Intel IOAT DMA engine beside the other device, of the same guest.
 * It copies by the same tables for accesses without PASID, but by a context descriptor
 * of its own, for it does not wait for pages.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "nested.h"

/* Registers of the chip, which is of version 3, and of its first channel. */
enum {
	CBVER = 0x08,
	CHANCTRL = 0x80,
	CHANCMD = 0x84,
	DMACOUNT = 0x86,
	CHANSTS = 0x88,
	CHAINADDR = 0x90,
	CHANCMP = 0x98,
	CHANERR = 0xa8,
};

#define RUN 0x0009
#define RESET 0x20
#define STATUS_DONE 1
#define STATUS_HALTED 3
#define WRITE_COMPLETION 8

/* What the guest has mapped for it, in pages from IOVA and DATA on. */
#define DESCRIPTOR 20u
#define TARGET 21u

static void start(struct vm *engine, uint64_t from, uint64_t to, uint32_t size)
{
	volatile uint64_t *d = guest_page(engine, DATA + DESCRIPTOR);

	set_reg(engine, CHANERR, get_reg(engine, CHANERR, 4), 4);
	set_reg(engine, CHANCMD, RESET, 1);
	for (int ms = 0; get_reg(engine, CHANCMD, 1) & RESET && ms < WAIT_MS;
	     ms++)
		usleep(1000);
	d[0] = size | (uint64_t)WRITE_COMPLETION << 32;
	d[1] = from;
	d[2] = to;
	d[3] = IOVA + DESCRIPTOR * PAGE;
	__sync_synchronize();
	set_reg(engine, CHANCMP, IOVA + DESCRIPTOR * PAGE + 1024, 8);
	set_reg(engine, CHANCTRL, RUN, 2);
	set_reg(engine, CHAINADDR, IOVA + DESCRIPTOR * PAGE, 8);
	set_reg(engine, DMACOUNT, 1, 2);
}

/* How the copy ended, DONE or HALTED; WAIT_MS at most. */
static unsigned int copy(struct vm *engine, uint64_t from, uint64_t to)
{
	unsigned int status, ms = 0;

	start(engine, from, to, PAGE);
	do {
		status = get_reg(engine, CHANSTS, 4) & 7;
		if (status == STATUS_DONE || status == STATUS_HALTED)
			break;
		usleep(1000);
	} while (ms++ < WAIT_MS);
	return status;
}

static void open_engine(struct vm *engine, const struct vm *vm, const char *bdf)
{
	uint64_t ste[2];

	vm_with_device(engine, vm, bdf);
	pci_enable(engine);
	errno = ENODEV;
	if ((get_reg(engine, CBVER, 1) & 0xf0) != 0x30)
		fail("not an IOAT engine of version 3");
	vm_make_vdevice(engine, VSID_ENGINE);
	guest_map(engine, ASID_NONE, IOVA + DESCRIPTOR * PAGE,
		  gpa_of(DATA + DESCRIPTOR));
	guest_map(engine, ASID_NONE, IOVA + TARGET * PAGE,
		  gpa_of(DATA + TARGET));
	engine->contexts = ENGINE_CONTEXTS;
	guest_set_context(engine, NO_PASID, ASID_NONE);
	guest_stream_entry(engine, ste);
	vm_make_nested(engine, ste, 0);
	vm_attach(engine, engine->nested);
}

static bool same_pages(struct vm *engine, unsigned int a, unsigned int b)
{
	unsigned int i;

	for (i = 0; i < PAGE / 8; i++)
		if (guest_page(engine, a)[i] != guest_page(engine, b)[i])
			return false;
	return true;
}

void guest_copies(const struct vm *vm, const char *bdf)
{
	const uint64_t hole = IOVA + 30 * PAGE;
	struct fd_vevent_smmuv3 event = { 0 };
	struct vm engine;

	puts("The guest gets a DMA engine, too, and copies a page with it.");
	open_engine(&engine, vm, bdf);
	for (unsigned int i = 1; i < PAGE / 8; i++)
		guest_page(&engine, DATA)[i] = i;
	check(copy(&engine, IOVA, IOVA + TARGET * PAGE) == STATUS_DONE &&
		      guest_page(&engine, DATA + TARGET)[0] == word_of(DATA) &&
		      same_pages(&engine, DATA, DATA + TARGET),
	      "descriptor, source and target are found through both stages");
	check(copy(&engine, hole, IOVA + TARGET * PAGE) == STATUS_HALTED,
	      "from what is not mapped it copies nothing");
	check(vm_event(&engine, &event) && event.evt[2] == hole &&
		      event.evt[0] >> 32 == VSID_ENGINE,
	      "and the guest is told, by the engine's StreamID");
	vm_attach(&engine, engine.parent);
	vm_destroy(&engine, engine.nested);
	vm_destroy(&engine, engine.vdevice);
	close(engine.dev_fd);
}
