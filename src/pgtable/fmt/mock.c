/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mock IOMMU, 2K granule in tables of 4K.  Produces pt_mock_ops.
 */
#include "instances.h"
#include "../iter.h"

#define PT_INSTANCE_NAME mock
#include "mock.h"

#include "../walk.h"
