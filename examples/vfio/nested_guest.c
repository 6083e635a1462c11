/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nested_guest.c - a guest's page tables over the host's, as a VMM sets them up for
 * a guest with a virtual SMMUv3 and an assigned device.
 *
 * There is no CPU that runs a guest here: the program writes into guest memory what a
 * guest would, and passes on its commands, as a VMM does.  What the device reads and
 * writes goes through both stages: the guest's tables make a guest physical address
 * of the IOVA, the host's make memory of that.
 *
 * It uses nothing but Linux's headers and runs under
 *
 *	uiommu run --device testep --explain -- nested_guest 0000:01:00.0
 *
 * On a server with an SMMUv3 only the device, nested_dma.c, is another.
 *
 * Exit status: 0 each step gave what it should, 1 not, 2 it cannot be tried.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "nested.h"

#define IOVA UINT64_C(0x12345000)
/* Two processes of the guest, and accesses that are of none. */
#define FIRST 3u
#define SECOND 5u
#define ASID_NONE 1u
#define ASID_FIRST 2u
#define ASID_SECOND 3u

static bool failed;

static bool check(bool ok, const char *what)
{
	printf("  %s  %s\n", ok ? "ok  " : "FAIL", what);
	failed |= !ok;
	return ok;
}

/* A word that tells where it is. */
static uint64_t word_of(unsigned int page)
{
	return UINT64_C(0xda7a000000000000) + page;
}

static void fill(struct vm *vm)
{
	for (unsigned int i = DATA; i < NR_PAGES; i++)
		guest_page(vm, i)[0] = word_of(i);
}

/* ------------------------------------------------------------- hardware -- */

static void what_there_is(struct vm *vm)
{
	struct fd_hw_info_smmuv3 smmu = { 0 };
	struct fd_hw_info info = {
		.size = sizeof(info),
		.dev_id = vm->dev_id,
		.data_len = sizeof(smmu),
		.data = (uintptr_t)&smmu,
	};

	puts("The host looks at its hardware.");
	must(vm, FD_GET_HW_INFO, &info, "IOMMU_GET_HW_INFO");
	vm->ats = !(info.capabilities & FD_CAP_NO_ATS);
	vm->dirty = info.capabilities & FD_CAP_DIRTY_TRACKING;
	printf("      IDR0 0x%08x IDR1 0x%08x IDR5 0x%08x; %u bits of PASID, %s,"
	       " dirty tracking %s\n",
	       smmu.idr[0], smmu.idr[1], smmu.idr[5], info.max_pasid_log2,
	       vm->ats ? "ATS" : "no ATS", vm->dirty ? "yes" : "no");
	if (!check(info.type == FD_HW_INFO_SMMUV3 && (smmu.idr[0] & 3) == 3,
		   "it is an SMMUv3 with two stages of translation"))
		return;
	check(info.max_pasid_log2 >= 3, "the device can have PASIDs");
}

/* ---------------------------------------------------------------- setup -- */

static void host_alone(struct vm *vm)
{
	puts("The host makes stage 2, a nesting parent, of the guest's memory.");
	vm_make_parent(vm);
	vm_attach(vm, vm->parent);
	check(dma_read(vm, NO_PASID, gpa_of(DATA)) == word_of(DATA),
	      "the device finds guest memory at guest physical addresses");
}

static void guest_boots(struct vm *vm)
{
	uint64_t ste[2];

	puts("The guest gets a vIOMMU with the device, and boots: context");
	puts("descriptors for two PASIDs, page tables, a stream table entry.");
	vm_make_viommu(vm);
	guest_map(vm, ASID_NONE, IOVA, DATA);
	guest_map(vm, ASID_FIRST, IOVA, DATA + 1);
	guest_map(vm, ASID_SECOND, IOVA, DATA + 2);
	guest_set_context(vm, NO_PASID, ASID_NONE);
	guest_set_context(vm, FIRST, ASID_FIRST);
	guest_set_context(vm, SECOND, ASID_SECOND);
	guest_stream_entry(vm, ste);
	vm_make_nested(vm, ste);
	vm_attach(vm, vm->nested);
	printf("      the entry is 0x%016" PRIx64 " 0x%016" PRIx64 "\n", ste[0],
	       ste[1]);
}

static void dma_by_pasid(struct vm *vm)
{
	printf("The device accesses IOVA 0x%" PRIx64
	       ", by PASID and without.\n",
	       IOVA);
	check(dma_read(vm, NO_PASID, IOVA) == word_of(DATA),
	      "without PASID it reads the page of the guest's kernel");
	check(dma_read(vm, FIRST, IOVA) == word_of(DATA + 1),
	      "by the first PASID that of the first process");
	check(dma_read(vm, SECOND, IOVA) == word_of(DATA + 2),
	      "by the second that of the second");
	check(dma_write(vm, FIRST, IOVA, 1) && guest_page(vm, DATA + 1)[0] == 1,
	      "what it writes by the first PASID gets there");
	check(guest_page(vm, DATA)[0] == word_of(DATA) &&
		      guest_page(vm, DATA + 2)[0] == word_of(DATA + 2),
	      "and nowhere else");
	guest_page(vm, DATA + 1)[0] = word_of(DATA + 1);
}

/* --------------------------------------------------------- invalidation -- */

static void guest_changes_tables(struct vm *vm)
{
	uint64_t cmd[3][2];

	puts("The guest moves the page of its second process, and invalidates.");
	guest_map(vm, ASID_SECOND, IOVA, DATA + 8);
	cmd_tlbi_va(cmd[0], ASID_SECOND, IOVA);
	cmd_atc_inv(cmd[1], VSID, SECOND, IOVA);
	check(vm_commands(vm, cmd, vm->ats ? 2 : 1) == (vm->ats ? 2 : 1),
	      "its commands are carried out");
	check(dma_read(vm, SECOND, IOVA) == word_of(DATA + 8),
	      "the device finds the new page");
	check(dma_read(vm, FIRST, IOVA) == word_of(DATA + 1),
	      "the first process has its own as before");

	puts("It gives the second PASID the tables of the first process.");
	guest_set_context(vm, SECOND, ASID_FIRST);
	cmd_cfgi_cd(cmd[0], VSID, SECOND);
	check(vm_commands(vm, cmd, vm->ats ? 2 : 1) == (vm->ats ? 2 : 1) &&
		      dma_read(vm, SECOND, IOVA) == word_of(DATA + 1),
	      "after CFGI_CD the device sees them");

	puts("It names a device that is not its own.");
	cmd_cfgi_cd(cmd[2], VSID + 1, SECOND);
	cmd_cfgi_cd(cmd[1], VSID, SECOND);
	check(vm_commands(vm, cmd, 3) == 2 && errno == EIO,
	      "two commands are carried out, the third is refused");
	guest_set_context(vm, SECOND, ASID_SECOND);
	cmd_atc_inv(cmd[1], VSID, SECOND, IOVA);
	vm_commands(vm, cmd, vm->ats ? 2 : 1);
	check(dma_read(vm, SECOND, IOVA) == word_of(DATA + 8),
	      "the second process has its tables again");
}

/* --------------------------------------------------------------- faults -- */

#define EVENT_TRANSLATION 0x10

static void guest_is_told(struct vm *vm)
{
	const uint64_t hole = IOVA + 7 * PAGE;
	struct fd_vevent_smmuv3 event = { 0 };

	puts("The device reaches for what the guest has not mapped.");
	dma_start(vm, READ | AT_ONCE, FIRST, hole, 0);
	check(dma_end(vm, NULL) == ABORTED, "the access is aborted");
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

/* ------------------------------------------------------------- the story -- */

int main(int argc, char **argv)
{
	struct vm vm = { 0 };

	if (argc != 2) {
		fprintf(stderr, "usage: nested_guest BDF\n");
		return 2;
	}
	vm_open(&vm, argv[1]);
	dma_enable(&vm);
	fill(&vm);
	what_there_is(&vm);
	host_alone(&vm);
	guest_boots(&vm);
	dma_by_pasid(&vm);
	guest_changes_tables(&vm);
	guest_is_told(&vm);
	puts(failed ? "NOT as it should be" : "as it should be");
	return failed ? 1 : 0;
}
