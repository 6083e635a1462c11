/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VMSAv8-64 stage 1, 16K granule.  Produces pt_vmsav8_s1_16k_ops.
 */
#include "instances.h"
#include "../iter.h"

#define PT_INSTANCE_NAME vmsav8_s1_16k
#define PT_STAGE 1
#define PT_GRANULE_LG2 14
#include "vmsav8.h"

#include "../walk.h"
