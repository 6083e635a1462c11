/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * instances.h - the instances of this build: format, object that pgtable.c
 * finds it by.  Leaving one out means a line here and a file in meson.build.
 */
#ifndef PGTABLE_FMT_INSTANCES_H
#define PGTABLE_FMT_INSTANCES_H

#include "../pt.h"

#define PT_INSTANCES(x)                                                     \
	x(UIOMMU_PGTABLE_VMSAV8_S1, pt_vmsav8_s1_4k_ops)                    \
		x(UIOMMU_PGTABLE_VMSAV8_S1, pt_vmsav8_s1_16k_ops)           \
			x(UIOMMU_PGTABLE_VMSAV8_S1, pt_vmsav8_s1_64k_ops)   \
				x(UIOMMU_PGTABLE_VMSAV8_S2,                 \
				  pt_vmsav8_s2_4k_ops)                      \
					x(UIOMMU_PGTABLE_VMSAV8_S2,         \
					  pt_vmsav8_s2_16k_ops)             \
						x(UIOMMU_PGTABLE_VMSAV8_S2, \
						  pt_vmsav8_s2_64k_ops)

#define PT_DECLARE(fmt, name) extern const struct pt_ops name;
PT_INSTANCES(PT_DECLARE)
#undef PT_DECLARE

#endif /* PGTABLE_FMT_INSTANCES_H */
