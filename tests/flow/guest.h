/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest.h - what a VMM with an accelerated SMMUv3 calls for a guest, and what the
 * guest writes.
 *
 * The guest's memory is that of its scene, from GPA on.  It has CDs in page 0, of
 * which CD 0 and CD PASID are used with ASIDs 1 and 2, and stage-1 tables in the
 * pages after it.  Its device is the scene's first.
 *
 * Calls that return int give the ioctl's answer and may be made in any thread.
 */
#ifndef TESTS_FLOW_GUEST_H
#define TESTS_FLOW_GUEST_H

#include "abi_scene.h"

#define GPA UINT64_C(0x40000000)
#define IOVA UINT64_C(0x12345000)
#define VSID 0x11u
#define PASID 3u
#define TABLES 1u /* 3 pages each for ASIDs 1 and 2 */
#define SPARE 8u  /* up to DATA */
#define DATA 16u
#define ANY_ATS 0x10000000
/* The words of its stream table entry: 64 CDs, S1DSS = SSID0, cached. */
#define STE_S1_0 (UINT64_C(0x300000000000000b) | GPA)
#define STE_S1_1 (ANY_ATS | 0xd6)

struct guest {
	struct scene s;
	uint32_t parent, viommu, vdev, nested, events;
	int events_fd;
};

/* Words are written as a CPU does that another looks on. */
uint64_t *page(struct guest *g, unsigned int nr);
uint64_t gpa(unsigned int nr);
/* 39 bits, 4K; faults abort and are recorded. */
void write_cd(struct guest *g, unsigned int ssid, unsigned int asid);
/* A page behind IOVA is this one of the guest's memory; 0: none. */
void point(struct guest *g, unsigned int asid, unsigned int at,
	   unsigned int data);
/* What the device finds in it, 0: nothing; pasid 0: without. */
uint64_t reads(struct guest *g, uint32_t pasid, unsigned int at);

/* fault: a fault queue's id, 0: none. */
int nested_alloc_with(struct guest *g, uint32_t pt, uint64_t q0, uint64_t q1,
		      uint32_t fault, uint32_t *id);
int nested_alloc(struct guest *g, uint32_t pt, uint64_t q0, uint64_t q1,
		 uint32_t *id);
/* Attach its device, which must not fail. */
void attach_ok(struct guest *g, uint32_t pt);
int viommu_alloc(struct guest *g, uint32_t type, uint32_t hwpt, uint32_t *id);
int vdevice_alloc(struct guest *g, unsigned int dev, uint64_t vsid,
		  uint32_t *id);
int veventq_alloc(struct guest *g, uint32_t depth, uint32_t *id, int *fd);
int commands(struct guest *g, const uint64_t (*cmds)[2], uint32_t nr,
	     uint32_t *done);
/* Must be carried out. */
void command(struct guest *g, uint64_t q0, uint64_t q1);

struct event {
	struct iommufd_vevent_header header;
	struct iommu_vevent_arm_smmuv3 smmu;
};

ssize_t next_event(struct guest *g, struct event *event);

/* Its tables and contexts as they are at first. */
void guest_boot(struct guest *g);
/*
 * As QEMU does when the guest's SMMU and its device come up, in a scene that is
 * there; guest_open makes one, with two devices.  Flags of the page table that is
 * the guest's memory, besides NEST_PARENT.
 */
void guest_start_with(struct guest *g, uint32_t parent_flags);
void guest_start(struct guest *g);
void guest_open(struct guest *g);
void guest_close(struct guest *g);

#endif /* TESTS_FLOW_GUEST_H */
