/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VMSAv8-64 stage 2, 64K granule.  Produces pt_vmsav8_s2_64k_ops.
 */
#include "instances.h"
#include "../iter.h"

#define PT_INSTANCE_NAME vmsav8_s2_64k
#define PT_STAGE 2
#define PT_GRANULE_LG2 16
#include "vmsav8.h"

#include "../walk.h"
