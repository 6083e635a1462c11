/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rig.h - PCI functions without an SMMU: their accesses go straight to memory,
 * can be refused by address, and can be left pending until the test says so.
 */
#ifndef TESTS_MACHINE_RIG_H
#define TESTS_MACHINE_RIG_H

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "machine/pci.h"

#define RIG_MEM 0x40000u
/* Where the rig's memory stands for devices. */
#define RIG_IOVA UINT64_C(0x100000)
#define RIG_FIRED 8

struct rig {
	struct uiommu_machine machine;
	struct pcidev *dev;
	uint8_t mem[RIG_MEM];
	/* Accesses of this address abort. */
	uint64_t bad;
	/* Leave accesses pending; the one that is. */
	bool pend;
	struct uiommu_smmuv3_dma *pending;
	unsigned int accesses;
	/* Messages that reached the doorbell. */
	unsigned int fired;
	unsigned int handle;
	struct uiommu_msi_msg msg;
};

void rig_init(struct rig *rig, const struct pcidev_type *type);
void rig_fini(struct rig *rig);

/* Finish the pending access; false: there is none. */
bool rig_resume(struct rig *rig);

uint64_t rig_read(struct rig *rig, uint64_t off, unsigned int size);
void rig_write(struct rig *rig, uint64_t off, unsigned int size, uint64_t val);
/* Memory decoding, bus master. */
void rig_command(struct rig *rig, uint32_t command);
/* Point MSI-X vector `nr` at the rig's doorbell; enable MSI-X. */
void rig_msix(struct rig *rig, unsigned int nr);

#endif /* TESTS_MACHINE_RIG_H */
