/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nested_faults.c - what reaches the guest: events, page faults that the device waits
 * in, interrupts.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nested.h"

#define EVENT_TRANSLATION 0x10

void guest_is_told(struct vm *vm)
{
	const uint64_t hole = IOVA + 7 * PAGE;
	struct fd_vevent_smmuv3 event = { 0 };

	puts("The device reaches for what the guest has not mapped.");
	check(dma_stopped(vm, READ | AT_ONCE, FIRST, hole),
	      "the access is aborted");
	if (!check(vm_event(vm, &event), "the guest gets an event"))
		return;
	printf("      0x%016" PRIx64 " 0x%016" PRIx64 " 0x%016" PRIx64 "\n",
	       event.evt[0], event.evt[1], event.evt[2]);
	check((event.evt[0] & 0xff) == EVENT_TRANSLATION &&
		      event.evt[2] == hole,
	      "a translation fault at that IOVA");
	check(event.evt[0] >> 32 == VSID &&
		      (event.evt[0] >> 12 & 0xfffff) == FIRST,
	      "of its own StreamID and its first PASID");
}

/* ----------------------------------------------------------- page faults -- */

/* The device waits for a page that there is not; the fault that tells of it. */
static bool device_waits(struct vm *vm, uint32_t pasid, uint64_t iova,
			 struct fd_fault *fault)
{
	dma_start(vm, READ, pasid, iova, 0);
	if (!check(vm_fault(vm, fault), "a page fault is in the queue"))
		return false;
	printf("      device %u, PASID %u, IOVA 0x%" PRIx64 ", group %u\n",
	       fault->dev_id, fault->pasid, (uint64_t)fault->addr,
	       fault->grpid);
	return check(fault->dev_id == vm->dev_id && fault->addr == iova &&
			     fault->flags & FD_FAULT_PASID_VALID &&
			     fault->pasid == pasid &&
			     fault->perm & FD_FAULT_READ,
		     "it names the device, the PASID, the page, and a read");
}

void guest_answers_faults(struct vm *vm)
{
	struct fd_fault fault = { 0 };
	uint64_t word = 0;

	printf("The device wants a page that is not there yet, and waits (%s).\n",
	       vm->ats ? "page request" : "stall");
	if (!device_waits(vm, FIRST, IOVA + 9 * PAGE, &fault))
		return;
	guest_map(vm, ASID_FIRST, IOVA + 9 * PAGE, gpa_of(DATA + 9));
	vm_answer(vm, fault.cookie, FD_RESPONSE_SUCCESS);
	check(dma_end(vm, &word) == DONE && word == word_of(DATA + 9),
	      "the guest maps it and answers: the device reads it");

	puts("It wants one of the second process, which may not have it.");
	if (!device_waits(vm, SECOND, IOVA + 10 * PAGE, &fault))
		return;
	vm_answer(vm, fault.cookie, FD_RESPONSE_INVALID);
	check(dma_end(vm, &word) == ABORTED,
	      "the guest says no: the access is aborted");
}

/* ------------------------------------------------------------ interrupts -- */

/* Where the host puts the doorbells of MSIs. */
static bool is_doorbell(const struct vm *vm, uint64_t iova)
{
	unsigned long long first, last;
	char path[128], line[128];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path),
		 "/sys/bus/pci/devices/%s/iommu_group/reserved_regions",
		 vm->bdf);
	f = fopen(path, "r");
	if (!f)
		fail(path);
	while (fgets(line, sizeof(line), f))
		found |= strstr(line, "msi") &&
			 sscanf(line, "%llx %llx", &first, &last) == 2 &&
			 iova >= first && iova <= last;
	fclose(f);
	return found;
}

/* The page that the device could not write to; it is over for that interrupt. */
static uint64_t told_by_event(struct vm *vm)
{
	struct fd_vevent_smmuv3 event = { 0 };

	if (!check(vm_event(vm, &event), "the guest gets an event"))
		return 0;
	check((event.evt[0] & 0xff) == EVENT_TRANSLATION,
	      "of a translation fault");
	return event.evt[2] & ~(PAGE - 1);
}

void guest_takes_interrupt(struct vm *vm)
{
	struct fd_fault fault = { 0 };
	int fd = dma_interrupt_fd(vm);
	uint64_t count, doorbell;

	puts("The device raises an interrupt, whose doorbell is not mapped.");
	dma_raise_interrupt(vm);
	if (vm->ats)
		doorbell = told_by_event(vm);
	else if (check(vm_fault(vm, &fault),
		       "its write waits, as other accesses do"))
		doorbell = fault.addr & ~(PAGE - 1);
	else
		doorbell = 0;
	printf("      at 0x%" PRIx64 "\n", doorbell);
	if (!check(is_doorbell(vm, doorbell), "it was to the host's doorbell"))
		return;
	check(read(fd, &count, 8) < 0 && errno == EAGAIN,
	      "the interrupt has not come");
	guest_map_doorbell(vm, ASID_NONE, doorbell);
	if (vm->ats)
		dma_raise_interrupt(vm);
	else
		vm_answer(vm, fault.cookie, FD_RESPONSE_SUCCESS);
	check(wait_for(fd) && read(fd, &count, 8) == 8 && count == 1,
	      "the guest maps it: the interrupt comes, through both stages");
}
