/* SPDX-License-Identifier: BSD-2-Clause */
/* stall.c - transactions that wait for software (IHI 0070 3.12.2). */
#include "msmmu.h"

bool msmmu_resume_cmd(msmmu *m, const struct smmu_cmd *cmd,
		      struct msmmu_work *work)
{
	return false;
}

bool msmmu_stall_term_cmd(msmmu *m, const struct smmu_cmd *cmd,
			  struct msmmu_work *work)
{
	return false;
}

void msmmu_stall_after_sync(msmmu *m)
{
}

void msmmu_stall_pump(msmmu *m)
{
}

void msmmu_stall_abort_all(msmmu *m)
{
}
