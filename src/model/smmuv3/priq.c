/* SPDX-License-Identifier: BSD-2-Clause */
/* priq.c - page requests and their responses (IHI 0070 8). */
#include "msmmu.h"

bool msmmu_pri_resp_cmd(msmmu *m, const struct smmu_cmd *cmd,
			struct msmmu_work *work)
{
	return false;
}
