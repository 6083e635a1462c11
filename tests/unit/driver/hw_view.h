/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hw_view.h - stream table and CD tables as the hardware reads them, written
 * from the specification (IHI 0070 5.1 to 5.4) and not from the driver.
 */
#ifndef TESTS_HW_VIEW_H
#define TESTS_HW_VIEW_H

#include "fake_smmu.h"

enum hw_end {
	HW_TRANSLATED, /* by the CD in `cd` */
	HW_BYPASS,
	HW_STAGE2,
	HW_ABORTED,	    /* silently, by Config */
	HW_STREAM_DISABLED, /* F_STREAM_DISABLED */
	HW_BAD_STREAMID,
	HW_BAD_STE,
	HW_BAD_SUBSTREAMID,
	HW_BAD_CD,
};

#define HW_NO_SSID UINT32_MAX

/* Where an access of (sid, ssid) ends; ste and cd are filled as far as read. */
enum hw_end hw_look(struct fake_smmu *fake, uint32_t sid, uint32_t ssid,
		    uint64_t ste[8], uint64_t cd[8]);
/* ASID of the CD, or what kept it from being reached as -1 - enum hw_end. */
int hw_asid(struct fake_smmu *fake, uint32_t sid, uint32_t ssid);

/* All that the hardware can see of a stream: STE, every CD of it that counts. */
#define HW_SNAP_SSIDS 16
struct hw_snap {
	uint64_t ste[8];
	enum hw_end end[HW_SNAP_SSIDS + 1];
	uint64_t cd[HW_SNAP_SSIDS + 1][8];
};
void hw_snap(struct fake_smmu *fake, uint32_t sid, const uint32_t *ssids,
	     unsigned int nr, struct hw_snap *snap);

#endif /* TESTS_HW_VIEW_H */
