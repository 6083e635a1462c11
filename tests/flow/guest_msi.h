/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest_msi.h - interrupts of a guest's device: who raises them, where the guest's
 * tables lead them, and what is seen when they do not arrive.
 *
 * The doorbell page is, at stage 2, at the start of the window for software MSIs,
 * or where a binding has it.
 */
#ifndef TESTS_FLOW_GUEST_MSI_H
#define TESTS_FLOW_GUEST_MSI_H

#include "guest.h"

#define DOORBELL (MSI_FIRST + 0x40) /* where messages go, in the page */
/* What a binding says: behind the window, and where a guest's own may be. */
#define BOUND_IOVA (MSI_FIRST + UINT64_C(0x100000))
#define BOUND_GPA UINT64_C(0x9090000)
/* Attributes of a leaf. */
#define READ_WRITE 0xf43u
#define READ_ONLY 0xfc3u
#define F_TRANSLATION 0x10
#define F_PERMISSION 0x13

int eventfd_ok(void);
/* Signals since it was asked last. */
uint64_t fired(int efd);
/* The device raises its first vector. */
void send_msi(struct client *c);
/* The guest's device writes of itself; without PASID, as its messages are; TESTEP_*. */
unsigned int writes_as(struct guest *g, uint32_t how, uint64_t iova,
		       uint64_t what, uint32_t len);
/* And not by its ATC, as those. */
unsigned int writes(struct guest *g, uint64_t iova, uint64_t what,
		    uint32_t len);

/* It raises its first vector, which comes, and no event. */
void expect_fires(struct guest *g, int efd);
/* It does not come, but one event of the guest's stage. */
void expect_event(struct guest *g, int efd, uint8_t type, uint64_t iova);
/* One of the host's stage, of which the host hears as well. */
void expect_unmapped(struct guest *g, int efd, uint64_t iova, uint64_t ipa);

/*
 * What the guest's tables of ASID 1 have at a doorbell's IOVA, 0: nothing.  SPARE is
 * the table around MSI_FIRST.
 */
void lead(struct guest *g, uint64_t iova, uint64_t leaf);
void forget(struct guest *g, uint64_t iova);

/* The host's stage 1 instead of the guest. */
void attach_ioas(struct guest *g);
struct uiommu_group *group_of(struct guest *g);
/* Where the guest's memory is; the device goes back to the guest's tables. */
struct uiommu_domain *parent_of(struct guest *g);

/* guest_open(), with the first vector on. */
void open_with_vector(struct guest *g, int *efd);
void close_with_vector(struct guest *g, int efd);

/* Two guests, with the same StreamID, ASIDs, IOVAs and guest physical addresses. */
struct two {
	struct uiommu_machine *machine;
	struct guest g[2];
	int efd[2];
};

void two_open(struct two *t);
void two_close(struct two *t);
/* This guest's interrupt comes, or is its fault; nothing at the other. */
void only_fires(struct two *t, unsigned int i);
void only_faults(struct two *t, unsigned int i, uint64_t iova);

#endif /* TESTS_FLOW_GUEST_MSI_H */
