/* SPDX-License-Identifier: BSD-2-Clause */
/* small_unit.h - an IOMMU driver without an IOMMU. */
#ifndef TESTS_SMALL_UNIT_H
#define TESTS_SMALL_UNIT_H

#include "ufd_env.h"

/* What GET_HW_INFO of a small unit says: type, length, first word. */
#define SMALL_INFO_TYPE 2
#define SMALL_INFO_LEN 40
#define SMALL_INFO_WORD UINT32_C(0xfeedbeef)

struct small_unit *small_unit_create(const struct uiommu_platform *platform,
				     struct uiommu_core *core);

#endif /* TESTS_SMALL_UNIT_H */
