/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * instances.h - the instances of this build: format, features that choose the
 * instance, object that pgtable.c finds it by.  Leaving one out means a line
 * here and a file in meson.build.
 */
#ifndef PGTABLE_FMT_INSTANCES_H
#define PGTABLE_FMT_INSTANCES_H

#include "../pt.h"

/* clang-format off */
#define PT_INSTANCES(x)                                                      \
	x(UIOMMU_PGTABLE_VMSAV8_S1, 0, pt_vmsav8_s1_4k_ops)                  \
	x(UIOMMU_PGTABLE_VMSAV8_S1, 0, pt_vmsav8_s1_16k_ops)                 \
	x(UIOMMU_PGTABLE_VMSAV8_S1, 0, pt_vmsav8_s1_64k_ops)                 \
	x(UIOMMU_PGTABLE_VMSAV8_S2, 0, pt_vmsav8_s2_4k_ops)                  \
	x(UIOMMU_PGTABLE_VMSAV8_S2, 0, pt_vmsav8_s2_16k_ops)                 \
	x(UIOMMU_PGTABLE_VMSAV8_S2, 0, pt_vmsav8_s2_64k_ops)                 \
	x(UIOMMU_PGTABLE_VMSAV8_S1, UIOMMU_PGTABLE_DS, pt_vmsav8_s1_4k_ds_ops)  \
	x(UIOMMU_PGTABLE_VMSAV8_S1, UIOMMU_PGTABLE_DS, pt_vmsav8_s1_16k_ds_ops) \
	x(UIOMMU_PGTABLE_VMSAV8_S2, UIOMMU_PGTABLE_DS, pt_vmsav8_s2_4k_ds_ops)  \
	x(UIOMMU_PGTABLE_VMSAV8_S2, UIOMMU_PGTABLE_DS, pt_vmsav8_s2_16k_ds_ops) \
	x(UIOMMU_PGTABLE_MOCK, 0, pt_mock_ops)
/* clang-format on */

#define PT_DECLARE(fmt, features, name) extern const struct pt_ops name;
PT_INSTANCES(PT_DECLARE)
#undef PT_DECLARE

#endif /* PGTABLE_FMT_INSTANCES_H */
