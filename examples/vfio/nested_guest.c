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
 *	uiommu run --device testep,ioat --explain -- \
 *		nested_guest 0000:01:00.0 0000:02:00.0
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

static bool failed;

bool check(bool ok, const char *what)
{
	printf("  %s  %s\n", ok ? "ok  " : "FAIL", what);
	failed |= !ok;
	return ok;
}

uint64_t word_of(unsigned int page)
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
	/* Who cannot ask for pages is expected to wait for them. */
	vm->stalls = !vm->ats;
	vm->dirty = info.capabilities & FD_CAP_DIRTY_TRACKING;
	printf("      IDR0 0x%08x IDR1 0x%08x IDR5 0x%08x; %u bits of PASID, %s,"
	       " dirty tracking %s\n",
	       smmu.idr[0], smmu.idr[1], smmu.idr[5], info.max_pasid_log2,
	       vm->ats ? "ATS" : "no ATS", vm->dirty ? "yes" : "no");
	if (!check(info.type == FD_HW_INFO_SMMUV3 && (smmu.idr[0] & 3) == 3,
		   "it is an SMMUv3 with two stages of translation"))
		return;
	check(smmu.idr[5] & 1 << 4,
	      "it walks tables of 4 KiB, as the guest's are");
	check(info.max_pasid_log2 >= 6 && (smmu.idr[1] >> 6 & 31) >= 6,
	      "device and SMMU can have the guest's 64 PASIDs");
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
	vm_make_vdevice(vm, VSID);
	guest_map(vm, ASID_NONE, IOVA, gpa_of(DATA));
	guest_map(vm, ASID_FIRST, IOVA, gpa_of(DATA + 1));
	guest_map(vm, ASID_SECOND, IOVA, gpa_of(DATA + 2));
	guest_set_context(vm, NO_PASID, ASID_NONE);
	guest_set_context(vm, FIRST, ASID_FIRST);
	guest_set_context(vm, SECOND, ASID_SECOND);
	guest_stream_entry(vm, ste);
	vm_make_nested(vm, ste, vm->faults);
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
	puts("The way of the first PASID, by what is in guest memory:");
	check(guest_tell_walk(vm, FIRST, IOVA) == gpa_of(DATA + 1),
	      "it ends at the page where the device read");
	check(dma_write(vm, FIRST, IOVA, 1) && guest_page(vm, DATA + 1)[0] == 1,
	      "what it writes by the first PASID gets there");
	check(guest_page(vm, DATA)[0] == word_of(DATA) &&
		      guest_page(vm, DATA + 2)[0] == word_of(DATA + 2),
	      "and nowhere else");
	guest_page(vm, DATA + 1)[0] = word_of(DATA + 1);
}

/* By what ATS says of it, and nobody translates any more. */
static uint64_t read_translated(struct vm *vm, uint64_t addr)
{
	uint64_t word;

	dma_start(vm, READ | TRANSLATED, NO_PASID, addr, 0);
	dma_end(vm, &word);
	return word;
}

static void device_asks(struct vm *vm)
{
	uint64_t first = 0, second = 0, none;

	if (!vm->ats) {
		puts("This device has no ATS: it does not ask for addresses.");
		return;
	}
	puts("The device asks what is at its IOVA (ATS), by both PASIDs.");
	check(dma_translate(vm, FIRST, IOVA, &first) ==
			      (MAY_READ | MAY_WRITE) &&
		      dma_translate(vm, SECOND, IOVA, &second) ==
			      (MAY_READ | MAY_WRITE),
	      "it may read and write there");
	printf("      by PASID %u: PA 0x%" PRIx64 ", by PASID %u: PA 0x%" PRIx64
	       "\n",
	       FIRST, first, SECOND, second);
	check(read_translated(vm, first) == word_of(DATA + 1) &&
		      read_translated(vm, second) == word_of(DATA + 2),
	      "these are of memory: both stages are behind it");
	check(dma_translate(vm, FIRST, IOVA + 7 * PAGE, &none) == 0,
	      "of what is not mapped it is given nothing");
}

/* --------------------------------------------------------- invalidation -- */

static void guest_changes_tables(struct vm *vm)
{
	uint64_t cmd[3][2];

	puts("The guest moves the page of its second process, and invalidates.");
	guest_map(vm, ASID_SECOND, IOVA, gpa_of(DATA + 8));
	cmd_tlbi_va(cmd[0], ASID_SECOND, IOVA);
	check(vm_commands(vm, cmd, 1) == 1, "TLBI_NH_VA is carried out");
	if (vm->ats) {
		/* The SMMU has forgotten; the device need not have. */
		printf("      the device reads the %s page\n",
		       dma_read(vm, SECOND, IOVA) == word_of(DATA + 8) ? "new"
								       : "old");
		cmd_atc_inv(cmd[1], VSID, SECOND, IOVA);
		check(vm_commands(vm, cmd + 1, 1) == 1,
		      "ATC_INV is, which tells the device");
	}
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
	cmd_cfgi_cd(cmd[2], VSID_NOBODY, SECOND);
	cmd_cfgi_cd(cmd[1], VSID, SECOND);
	check(vm_commands(vm, cmd, 3) == 2 && errno == EIO,
	      "two commands are carried out, the third is refused");
	guest_set_context(vm, SECOND, ASID_SECOND);
	cmd_atc_inv(cmd[1], VSID, SECOND, IOVA);
	cmd_cfgi_cd(cmd[0], VSID, SECOND);
	check(vm_commands(vm, cmd, vm->ats ? 2 : 1) == (vm->ats ? 2 : 1) &&
		      dma_read(vm, SECOND, IOVA) == word_of(DATA + 8),
	      "the second process has its tables again");
}

/* ------------------------------------------------- migration, and the end -- */

static uint64_t bit(unsigned int page)
{
	return UINT64_C(1) << page;
}

static void host_migrates(struct vm *vm)
{
	if (!vm->dirty) {
		puts("The host does not track what devices change: no migration.");
		return;
	}
	puts("The host migrates the guest: which pages does the device change?");
	vm_track_dirty(vm);
	check(dma_read(vm, FIRST, IOVA) == word_of(DATA + 1) &&
		      vm_dirty(vm) == 0,
	      "none while it only reads");
	check(dma_write(vm, FIRST, IOVA, 1) && dma_write(vm, SECOND, IOVA, 2) &&
		      vm_dirty(vm) == (bit(DATA + 1) | bit(DATA + 8)),
	      "the two that it writes to, by their guest physical address");
	check(vm_dirty(vm) == 0, "which are then told no more");
	check(dma_write(vm, SECOND, IOVA, 3) && vm_dirty(vm) == bit(DATA + 8),
	      "but when they are written to again");
}

static void guest_reboots(struct vm *vm)
{
	static const uint64_t bypass[2] = { 1 | 4 << 1 }, none[2] = { 0 };
	const uint32_t tables = vm->nested;
	uint32_t all;

	puts("The guest reboots: its firmware lets the device pass.");
	vm_make_nested(vm, bypass, 0);
	vm_attach(vm, vm->nested);
	all = vm->nested;
	check(dma_read(vm, NO_PASID, gpa_of(DATA + 3)) == word_of(DATA + 3),
	      "guest physical addresses are the device's");
	check(dma_stopped(vm, READ, NO_PASID, IOVA),
	      "and tables nothing to it");
	puts("Its system has no entry for the device yet.");
	vm_make_nested(vm, none, 0);
	vm_attach(vm, vm->nested);
	vm_destroy(vm, all);
	check(dma_stopped(vm, READ, NO_PASID, gpa_of(DATA + 3)),
	      "the device gets at nothing");
	all = vm->nested;
	vm_attach(vm, tables);
	vm_destroy(vm, all);
	vm->nested = tables;
	check(dma_read(vm, NO_PASID, IOVA) == word_of(DATA),
	      "with its entry all is as before");
}

static void guest_goes(struct vm *vm)
{
	puts("The guest is gone; the host has the device back.");
	vm_attach(vm, vm->parent);
	check(dma_read(vm, NO_PASID, gpa_of(DATA)) == word_of(DATA) &&
		      dma_stopped(vm, READ, FIRST, IOVA),
	      "it finds guest memory, and no PASID anything");
	vm_close_guest(vm);
}

/* ------------------------------------------------------------- the story -- */

int main(int argc, char **argv)
{
	struct vm vm = { 0 };

	if (argc != 2 && argc != 3) {
		fprintf(stderr, "usage: nested_guest BDF [BDF of an IOAT]\n");
		return 2;
	}
	vm_open(&vm, argv[1]);
	dma_enable(&vm);
	fill(&vm);
	what_there_is(&vm);
	host_alone(&vm);
	guest_boots(&vm);
	dma_by_pasid(&vm);
	device_asks(&vm);
	guest_changes_tables(&vm);
	guest_is_told(&vm);
	guest_answers_faults(&vm);
	guest_takes_interrupt(&vm);
	if (argc == 3)
		guest_copies(&vm, argv[2]);
	host_migrates(&vm);
	guest_reboots(&vm);
	guest_goes(&vm);
	vm_close(&vm);
	puts(failed ? "NOT as it should be" : "as it should be");
	return failed ? 1 : 0;
}
