/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nested.h - the parts of the example nested_guest.
 *
 *	nested_vm.c	what a VMM holds: iommufd, the guest's memory, the device
 *	nested_dma.c	what the device does
 *	nested_ioat.c	the story of a DMA engine beside it
 *	nested_tables.c	what the guest writes into its memory: stage 1
 *	nested_faults.c	the story of events, page faults and interrupts
 *	nested_guest.c	all of the story else
 *
 * nested_2018 has the same guest and device (nested_dma.c, nested_tables.c) and another
 * host; of struct vm it uses dev_fd, bar, memory and contexts.
 */
#ifndef NESTED_H
#define NESTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nested_uapi.h"

#define PAGE UINT64_C(4096)
/* Guest memory: 64 pages, where the guest finds them. */
#define GPA UINT64_C(0x40000000)
#define NR_PAGES 64u
/* Its pages: contexts, 3 of tables for each of 3 ASIDs, some others, data. */
#define CONTEXTS 0u
#define TABLES 1u
#define DOORBELLS 10u
#define ENGINE_CONTEXTS 11u
#define DATA 16u
#define IOVA UINT64_C(0x12345000)
/* Two processes of the guest, and accesses that are of none. */
#define NO_PASID 0u
#define FIRST 3u
#define SECOND 5u
#define ASID_NONE 1u
#define ASID_FIRST 2u
#define ASID_SECOND 3u
/* StreamIDs of the guest: of its device, of nothing, of its DMA engine. */
#define VSID 0x11u
#define VSID_NOBODY 0x12u
#define VSID_ENGINE 0x13u

/* How long to wait for what comes at once on a machine that is not loaded. */
#define WAIT_MS 30000

/* A guest and one device of it. */
struct vm {
	const char *bdf;
	int iommufd, dev_fd;
	uint64_t bar; /* of BAR 0 in the device's file */
	uint32_t dev_id, vdevice, nested;
	uint32_t ioas, parent, viommu;
	uint32_t events, faults; /* queues; their files are: */
	int events_fd, faults_fd;
	uint8_t *memory;
	unsigned int contexts; /* the page of its context descriptors */
	bool ats, stalls, dirty;
};

/* ------------------------------------------------------ nested_guest.c -- */

/* Tell it; what is not ok makes the program fail. */
bool check(bool ok, const char *what);
/* What stands at the beginning of a page of data, a word that tells where it is. */
uint64_t word_of(unsigned int page);

/* ----------------------------------------------------- nested_faults.c -- */

void guest_is_told(struct vm *vm);
void guest_answers_faults(struct vm *vm);
void guest_takes_interrupt(struct vm *vm);

/* --------------------------------------------------------- nested_vm.c -- */

/* Ends the program: the device cannot be used. */
void fail(const char *what);
/* IOMMU_*; ends the program if it fails. */
void must(const struct vm *vm, unsigned long request, void *arg,
	  const char *what);
/* Bind the device; memory is mapped into an IOAS from GPA on. */
void vm_open(struct vm *vm, const char *bdf);
/* The same guest, with another device; close its dev_fd. */
void vm_with_device(struct vm *vm, const struct vm *of, const char *bdf);
void vm_attach(struct vm *vm, uint32_t pt_id);
/* Stage 2; without dirty state if the host refuses that, which `dirty` tells then. */
void vm_make_parent(struct vm *vm);
/* What the guest sees of it: vIOMMU, its device, its events. */
void vm_make_viommu(struct vm *vm);
void vm_make_vdevice(struct vm *vm, uint32_t vsid);
/*
 * Of the two words that the guest has written into its stream table.  Page faults go
 * to that queue; 0: there are none, what is not mapped is not waited for.
 */
void vm_make_nested(struct vm *vm, const uint64_t ste[2], uint32_t faults);
/* Commands of the guest's queue; how many were done.  errno: why no more. */
unsigned int vm_commands(struct vm *vm, const uint64_t (*cmd)[2],
			 unsigned int nr);
/* Wait WAIT_MS at most for an event, a page fault; false: none has come. */
bool vm_event(struct vm *vm, struct fd_vevent_smmuv3 *event);
bool vm_fault(struct vm *vm, struct fd_fault *fault);
void vm_answer(struct vm *vm, uint32_t cookie, uint32_t code);
/* A bit for each page of guest memory that was written to since the last time. */
void vm_track_dirty(struct vm *vm);
uint64_t vm_dirty(struct vm *vm);
void vm_destroy(struct vm *vm, uint32_t id);
/* All that is above the parent, which the device has to be attached to. */
void vm_close_guest(struct vm *vm);
/* And the rest. */
void vm_close(struct vm *vm);
/* WAIT_MS at most until there is something to be read. */
bool wait_for(int fd);

/* -------------------------------------------------------- nested_dma.c -- */

/* The test endpoint: one access at a time, of 8 bytes. */
enum access {
	WRITE = 0x00,
	READ = 0x10,
	TRANSLATED = 0x800, /* at an address that ATS has given */
	AT_ONCE = 0x3000,   /* not by ATS, nor to be stalled */
};
/* What ATS allows at an address. */
enum granted {
	MAY_READ = 1,
	MAY_WRITE = 2,
};
enum ended {
	DONE,
	ABORTED,
	WORKING,
};
/* Let a device master the bus and find its BAR 0; its vendor and device. */
uint32_t pci_enable(struct vm *vm);
void set_reg(struct vm *vm, uint64_t reg, uint64_t value, size_t size);
uint64_t get_reg(struct vm *vm, uint64_t reg, size_t size);
/* Ends the program if it is no test endpoint. */
void dma_enable(struct vm *vm);
void dma_start(struct vm *vm, uint32_t access, uint32_t pasid, uint64_t iova,
	       uint64_t word);
/* Wait WAIT_MS at most for its end; *word is what was read. */
enum ended dma_end(struct vm *vm, uint64_t *word);
bool dma_stopped(struct vm *vm, uint32_t access, uint32_t pasid, uint64_t iova);
/* The word that a device reads; 0: none. */
uint64_t dma_read(struct vm *vm, uint32_t pasid, uint64_t iova);
bool dma_write(struct vm *vm, uint32_t pasid, uint64_t iova, uint64_t word);
/* Ask by ATS for reading and writing: MAY_*, and for what address. */
unsigned int dma_translate(struct vm *vm, uint32_t pasid, uint64_t iova,
			   uint64_t *addr);
/* An eventfd for the first MSI-X vector. */
int dma_interrupt_fd(struct vm *vm);
void dma_raise_interrupt(struct vm *vm);

/* ------------------------------------------------------- nested_ioat.c -- */

/* The story of a second device of the guest, without PASIDs. */
void guest_copies(const struct vm *vm, const char *bdf);

/* ----------------------------------------------------- nested_tables.c -- */

uint64_t gpa_of(unsigned int page);
volatile uint64_t *guest_page(struct vm *vm, unsigned int page);
/* Give a PASID, or 0 for accesses without, the tables of an ASID. */
void guest_set_context(struct vm *vm, uint32_t pasid, unsigned int asid);
/* In the tables of an ASID, within the 2 MiB around IOVA. */
void guest_map(struct vm *vm, unsigned int asid, uint64_t iova, uint64_t gpa);
/* A doorbell is where the host says that it is, for the guest too. */
void guest_map_doorbell(struct vm *vm, unsigned int asid, uint64_t doorbell);
void guest_stream_entry(const struct vm *vm, uint64_t ste[2]);
/* In words: what the SMMU reads on the way from an IOVA to memory; the page's GPA. */
uint64_t guest_tell_walk(struct vm *vm, uint32_t pasid, uint64_t iova);
/* Commands; each is two words. */
void cmd_tlbi_va(uint64_t cmd[2], unsigned int asid, uint64_t iova);
void cmd_cfgi_cd(uint64_t cmd[2], uint32_t vsid, uint32_t pasid);
void cmd_atc_inv(uint64_t cmd[2], uint32_t vsid, uint32_t pasid, uint64_t iova);

#endif /* NESTED_H */
