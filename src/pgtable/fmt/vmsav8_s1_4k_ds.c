/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VMSAv8-64 stage 1, 4K granule, addresses of 52 bits (DS = 1).  Produces
 * pt_vmsav8_s1_4k_ds_ops.
 */
#include "instances.h"
#include "../iter.h"

#define PT_INSTANCE_NAME vmsav8_s1_4k_ds
#define PT_STAGE 1
#define PT_GRANULE_LG2 12
#define PT_DS 1
#include "vmsav8.h"

#include "../walk.h"
