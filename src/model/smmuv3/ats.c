/* SPDX-License-Identifier: BSD-2-Clause */
/* ats.c - ATS: translation requests and CMD_ATC_INV (IHI 0070 3.9). */
#include "msmmu.h"

bool msmmu_atc_inv_cmd(msmmu *m, const struct smmu_cmd *cmd,
		       struct msmmu_work *work)
{
	return false;
}
