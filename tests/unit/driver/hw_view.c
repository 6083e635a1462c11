/* SPDX-License-Identifier: BSD-2-Clause */
#include "hw_view.h"

#include <string.h>

static uint64_t bits(uint64_t word, unsigned int hi, unsigned int lo)
{
	return word >> lo & (~0ull >> (63 - (hi - lo)));
}

/* Address of CD `index` by the STE; 0: the level-1 descriptor is not valid. */
static uint64_t cd_addr(struct fake_smmu *fake, const uint64_t ste[8],
			uint32_t index)
{
	uint64_t ptr = bits(ste[0], 55, 6) << 6, desc;
	unsigned int fmt = bits(ste[0], 5, 4), max = bits(ste[0], 63, 59);
	unsigned int split = fmt == 2 ? 10 : 6;

	if (!max || fmt == 0 || fmt == 3)
		return ptr + (uint64_t)index * 64;
	desc = fake_smmu_mem(fake, ptr + (uint64_t)(index >> split) * 8);
	if (!(desc & 1))
		return 0;
	return (bits(desc, 55, 12) << 12) +
	       (uint64_t)(index & ((1u << split) - 1)) * 64;
}

static enum hw_end read_cd(struct fake_smmu *fake, const uint64_t ste[8],
			   uint32_t index, uint64_t cd[8])
{
	uint64_t pa = cd_addr(fake, ste, index);
	unsigned int i;

	if (!pa)
		return HW_BAD_SUBSTREAMID;
	for (i = 0; i < 8; i++)
		cd[i] = fake_smmu_mem(fake, pa + i * 8);
	return cd[0] >> 31 & 1 ? HW_TRANSLATED : HW_BAD_CD;
}

enum hw_end hw_look(struct fake_smmu *fake, uint32_t sid, uint32_t ssid,
		    uint64_t ste[8], uint64_t cd[8])
{
	unsigned int config, max, dss;

	memset(cd, 0, 64);
	if (!fake_smmu_ste(fake, sid, ste))
		return HW_BAD_STREAMID;
	if (!(ste[0] & 1))
		return HW_BAD_STE;
	config = bits(ste[0], 3, 1);
	max = bits(ste[0], 63, 59);
	dss = bits(ste[1], 1, 0);
	if (config < 4)
		return HW_ABORTED;
	if (!(config & 1)) {
		if (ssid != HW_NO_SSID)
			return HW_BAD_SUBSTREAMID;
		return config == 4 ? HW_BYPASS : HW_STAGE2;
	}
	if (!max)
		return ssid == HW_NO_SSID ? read_cd(fake, ste, 0, cd)
					  : HW_BAD_SUBSTREAMID;
	if (ssid == HW_NO_SSID) {
		if (dss == 1)
			return HW_BYPASS;
		return dss == 2 ? read_cd(fake, ste, 0, cd)
				: HW_STREAM_DISABLED;
	}
	if (ssid >> max)
		return HW_BAD_SUBSTREAMID;
	if (!ssid && dss == 2)
		return HW_STREAM_DISABLED;
	return read_cd(fake, ste, ssid, cd);
}

int hw_asid(struct fake_smmu *fake, uint32_t sid, uint32_t ssid)
{
	uint64_t ste[8], cd[8];
	enum hw_end end = hw_look(fake, sid, ssid, ste, cd);

	return end == HW_TRANSLATED ? (int)(cd[0] >> 48) : -1 - (int)end;
}

void hw_snap(struct fake_smmu *fake, uint32_t sid, const uint32_t *ssids,
	     unsigned int nr, struct hw_snap *snap)
{
	unsigned int i;

	memset(snap, 0, sizeof(*snap));
	snap->end[0] = hw_look(fake, sid, HW_NO_SSID, snap->ste, snap->cd[0]);
	for (i = 0; i < nr; i++)
		snap->end[i + 1] = hw_look(fake, sid, ssids[i], snap->ste,
					   snap->cd[i + 1]);
}
