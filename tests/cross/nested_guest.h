/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nested_guest.h - a guest on the driver and the model: it writes CDs and stage-1
 * tables in its own memory, at addresses that the host's stage 2 gives it, and sends
 * commands as its SMMU would take them.
 */
#ifndef TESTS_NESTED_GUEST_H
#define TESTS_NESTED_GUEST_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "driver_rig.h"

#define RW (UIOMMU_PROT_READ | UIOMMU_PROT_WRITE | UIOMMU_PROT_CACHE)
#define RAM UINT64_C(0x40000000) /* where every guest has its memory */
#define GUEST_PAGES 256u
#define IOVA UINT64_C(0x12345000) /* and maps its pages from */
#define VSID 0x33u
#define PASID 2u

/* Pages of a guest's memory. */
enum {
	CDS,	/* 64 of them, linear */
	TABLES, /* three for each of ASIDs 1 and 2 */
	DATA = 16,
};

struct guest {
	struct rig *rig;
	unsigned int first; /* of its pages in the RAM */
	uint32_t sid;
	uint64_t id;
	struct uiommu_hwdev *dev;
	struct uiommu_hwdom *parent, *nested;
	struct uiommu_hwviommu *viommu;
	struct uiommu_hwvdev *vdev;
};

const struct uiommu_nested_ops *nops_of(const struct rig *rig);
uint64_t *page(struct guest *g, unsigned int nr);
uint64_t ipa(unsigned int nr);
/* 39 bits, 4K, faults abort and are recorded; both PASIDs have ASIDs. */
void write_cd(struct guest *g, unsigned int ssid, unsigned int asid);
/* An IOVA of an ASID to a page of its own, or anywhere. */
void point(struct guest *g, unsigned int asid, uint64_t iova, uint64_t to,
	   bool writable);
void map(struct guest *g, unsigned int asid, unsigned int at,
	 unsigned int data);
/* Each data page says whose it is. */
uint64_t word(const struct guest *g, unsigned int data);
void command(struct guest *g, uint64_t q0, uint64_t q1);
uint64_t peek_pasid(struct guest *g, uint32_t pasid, unsigned int at);
uint64_t peek(struct guest *g, unsigned int at);
/* The same through the device's ATC; pasid 0: without. */
uint64_t by_atc(struct guest *g, uint32_t pasid, unsigned int at);
struct uiommu_hwdom *new_nested(struct guest *g, uint64_t q0, uint64_t q1);
/* 64 CDs, S1DSS = SSID0, cached; the guest has turned ATS on if it can. */
struct uiommu_hwdom *new_s1(struct guest *g);
void guest_open(struct guest *g, struct rig *rig, unsigned int nr);
void guest_close(struct guest *g);
/* What is not invalidated stays, or nothing does. */
struct rig *open_rig(void);
struct rig *open_rig_caching(bool all);
void nothing_reported(struct rig *rig);

#endif /* TESTS_NESTED_GUEST_H */
