/* SPDX-License-Identifier: BSD-2-Clause */
/* guest_fuzz.h - what the parts of the fuzzer of guests share. */
#ifndef TESTS_FUZZ_GUEST_FUZZ_H
#define TESTS_FUZZ_GUEST_FUZZ_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uiommu/uapi/iommufd.h>
#include <uiommu/uapi/vfio.h>

#include "model_gen.h"
#include "testep.h"

#define PAGE 4096u
#define NR_AREAS 4u /* of a guest's memory, mapped by themselves */
#define AREA (GEN_SIZE / NR_AREAS)
#define CANARY 0x10000u /* bytes before, between and behind the guests */
#define NR_DEVICES 2u	/* of a guest at most */
#define NR_TABLES 4u	/* nested page tables of a guest */
#define NR_FLIPS 8u
#define PASID 3u /* what guests begin with */
#define VSID 1u
#define MSI_FIRST UINT64_C(0x08000000)

/* What a VMM has for a guest; it has the memory of model_gen.h. */
struct vmm {
	struct client dev[NR_DEVICES];
	unsigned int nr;
	uint8_t *mem;
	uint32_t parent, viommu, events, faults;
	int events_fd, faults_fd;
	uint32_t vdev[NR_DEVICES]; /* 0: none */
	uint32_t table[NR_TABLES]; /* 0: none */
};

/* A word of the guest's memory that changes while the SMMU may read it. */
struct flip {
	uint64_t *at;
	uint64_t value;
};

struct fuzz {
	struct uiommu_machine *machine;
	struct uiommu_abi *abi;
	/* canaries, the hostile guest's, canaries, the other's, canaries */
	uint8_t *memory, *should_be;
	size_t size;
	struct vmm bad, good;
	struct client old; /* of the hostile guest, too */
	bool old_is_open;
	struct client host; /* another device, with a page of the host's */
	uint64_t tag;	    /* what the words of others begin with */
	uint64_t window;    /* registers of the other's device, a PA */
	int irq_fd;	    /* of the other guest */
	unsigned int turn;
	char *objects, *tables; /* the machine without the hostile guest */
	/* of the input */
	struct fuzz_input in;
	uint32_t cookie[4]; /* of groups that the hostile guest was told of */
	bool trusted;	    /* its first device has ATS, or may have */
	uint8_t vsids;	    /* that its devices have had, a bit each */
	/* Its areas that the host has taken, and uses itself; what was there. */
	uint8_t taken;
	uint8_t kept[GEN_SIZE];
	struct flip flip[NR_FLIPS];
	unsigned int nr_flips;
	bool trace;
};

#define say(f, ...) ((f)->trace ? (void)fprintf(stderr, __VA_ARGS__) : (void)0)

/* guest_fuzz_vmm.c: what VMMs do. */
long vmm_ioctl(struct vmm *g, unsigned long cmd, void *arg);
void vmm_open(struct vmm *g, struct uiommu_machine *machine, uint8_t *mem,
	      unsigned int first, unsigned int nr);
void vmm_close(struct vmm *g);
int vmm_map(struct vmm *g, unsigned int area);
int vmm_unmap(struct vmm *g, unsigned int area);
int vmm_table(struct vmm *g, unsigned int dev, uint32_t flags,
	      const uint64_t ste[2], uint32_t *id);
int vmm_vdevice(struct vmm *g, unsigned int dev, uint64_t vsid);
int vmm_events(struct vmm *g, uint32_t depth);
void vmm_destroy(struct vmm *g, uint32_t *id);
/* The next event in the queue, or false. */
struct vmm_event {
	struct iommufd_vevent_header header;
	struct iommu_vevent_arm_smmuv3 smmu;
};
bool vmm_event(struct vmm *g, struct vmm_event *event);
bool vmm_fault(struct vmm *g, struct iommu_hwpt_pgfault *fault);

void close_file(struct uiommu_abi *abi, int fd);

/* guest_fuzz_2018.c: a device by the interface of 2018, for the same guest. */
void step_old(struct fuzz *f, unsigned int which);
int old_map(struct fuzz *f, unsigned int area);
int old_unmap(struct fuzz *f, unsigned int area);
void old_close(struct fuzz *f);

/* guest_fuzz_calls.c: what the hostile guest's SMMU and VMM do. */
void step_call(struct fuzz *f, unsigned int which);
/* guest_fuzz_dma.c: what it writes to memory, and its devices do. */
void step_memory(struct fuzz *f, unsigned int which);
void step_device(struct fuzz *f, unsigned int which);
/* An access of one of its devices, or the one of 2018. */
void access_by(struct fuzz *f, bool old);
/* Vectors with no descriptor behind them, or none. */
void vectors(struct fuzz *f, struct client *c, uint8_t how);
/* An address that leads somewhere else. */
uint64_t wild(struct fuzz *f);

/* guest_fuzz_others.c: who must not notice. */
void others_open(struct fuzz *f);
void others_check(struct fuzz *f, bool all);
/*
 * The host takes an area of the hostile guest's memory, which is unmapped, for its
 * own secrets; it gives it back before it is mapped.
 */
void others_take(struct fuzz *f, unsigned int area);
void others_give(struct fuzz *f, unsigned int area);
/* Has the device got something that is others'? */
bool is_secret(const struct fuzz *f, uint64_t word);

#endif /* TESTS_FUZZ_GUEST_FUZZ_H */
