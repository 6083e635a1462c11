/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * types.h - the words every other header uses.
 *
 * `last` is inclusive, `end` exclusive; a name that ends in _lg2 holds the
 * exponent of a power of two; lengths and sizes are in bytes.
 */
#ifndef UIOMMU_TYPES_H
#define UIOMMU_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Address a device puts on the bus: the input of the first stage in use. */
typedef uint64_t uiommu_iova_t;

/* Address the IOMMU puts out, or a table or queue is found at. */
typedef uint64_t uiommu_pa_t;

#define UIOMMU_PA_INVALID (~(uiommu_pa_t)0)

/* Inclusive on both ends, so that the whole 64-bit space can be stated. */
struct uiommu_range {
	uint64_t first;
	uint64_t last;
};

/* What a mapping allows (map, translate). */
#define UIOMMU_PROT_READ (1u << 0)
#define UIOMMU_PROT_WRITE (1u << 1)
/* Without it the range is never executable. */
#define UIOMMU_PROT_EXEC (1u << 2)
/* Normal write-back memory, coherent with the CPUs. */
#define UIOMMU_PROT_CACHE (1u << 3)
/* Device memory (doorbells, BARs); excludes UIOMMU_PROT_CACHE. */
#define UIOMMU_PROT_MMIO (1u << 4)
/* Only privileged transactions may use it (stage 1). */
#define UIOMMU_PROT_PRIV (1u << 5)
#define UIOMMU_PROT_ALL 0x3fu

/* A PASID is 1 to 20 bits wide; "no PASID" is a flag or this value. */
#define UIOMMU_NO_PASID (~(uint32_t)0)

/* A message signalled interrupt: a 32-bit store of data to addr. */
struct uiommu_msi_msg {
	uint64_t addr;
	uint32_t data;
};

#endif /* UIOMMU_TYPES_H */
