/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * event.h - event records, four little-endian 64-bit words (IHI 0070 7.3).
 *
 * SMMU_EVENTS is the list: X(name, number).  Fields are masks of the word their
 * name counts; which record has which field is in the comment.
 */
#ifndef HW_SMMUV3_EVENT_H
#define HW_SMMUV3_EVENT_H

#include "base/bits.h"

#define SMMU_EVT_QWORDS 4u

/* clang-format off */
#define SMMU_EVENTS(X)		\
X(F_UUT,		0x01)	\
X(C_BAD_STREAMID,	0x02)	\
X(F_STE_FETCH,		0x03)	\
X(C_BAD_STE,		0x04)	\
X(F_BAD_ATS_TREQ,	0x05)	\
X(F_STREAM_DISABLED,	0x06)	\
X(F_TRANSL_FORBIDDEN,	0x07)	\
X(C_BAD_SUBSTREAMID,	0x08)	\
X(F_CD_FETCH,		0x09)	\
X(C_BAD_CD,		0x0a)	\
X(F_WALK_EABT,		0x0b)	\
X(F_TRANSLATION,	0x10)	\
X(F_ADDR_SIZE,		0x11)	\
X(F_ACCESS,		0x12)	\
X(F_PERMISSION,		0x13)	\
X(F_TLB_CONFLICT,	0x20)	\
X(F_CFG_CONFLICT,	0x21)	\
X(E_PAGE_REQUEST,	0x24)	\
X(F_VMS_FETCH,		0x25)
/* clang-format on */

enum smmu_event_type {
#define SMMU_X(name, number) SMMU_EVT_##name = (number),
	SMMU_EVENTS(SMMU_X)
#undef SMMU_X
};

/* every record */
#define SMMU_EVT_0_TYPE GENMASK64(7, 0)
#define SMMU_EVT_0_SSV BIT64(11)
#define SMMU_EVT_0_SSID GENMASK64(31, 12)
#define SMMU_EVT_0_SID GENMASK64(63, 32)

/* the four translation faults */
#define SMMU_EVT_1_STAG GENMASK64(15, 0)
#define SMMU_EVT_1_STALL BIT64(31)
/* records about aborted fetches, F_UUT, conflicts */
#define SMMU_EVT_1_REASON GENMASK64(15, 0)
/* records with an input address */
#define SMMU_EVT_1_PNU BIT64(33)
#define SMMU_EVT_1_IND BIT64(34)
#define SMMU_EVT_1_RNW BIT64(35)
/* the four translation faults, F_WALK_EABT */
#define SMMU_EVT_1_NSIPA BIT64(38)
#define SMMU_EVT_1_S2 BIT64(39)
#define SMMU_EVT_1_CLASS GENMASK64(41, 40)
#define SMMU_EVT_CLASS_CD 0u
#define SMMU_EVT_CLASS_TT 1u
#define SMMU_EVT_CLASS_IN 2u
/* F_PERMISSION with CLASS TT: the access to the descriptor was a read */
#define SMMU_EVT_1_TTRNW BIT64(44)
/* F_BAD_ATS_TREQ */
#define SMMU_EVT_1_TREQ_SPAN GENMASK64(3, 0)
#define SMMU_EVT_1_TREQ_P BIT64(28)
#define SMMU_EVT_1_TREQ_X BIT64(29)
#define SMMU_EVT_1_TREQ_W BIT64(30)
#define SMMU_EVT_1_TREQ_R BIT64(31)
/* E_PAGE_REQUEST */
#define SMMU_EVT_1_PAGE_UX BIT64(33)
#define SMMU_EVT_1_PAGE_UW BIT64(34)
#define SMMU_EVT_1_PAGE_UR BIT64(35)
#define SMMU_EVT_1_PAGE_PX BIT64(37)
#define SMMU_EVT_1_PAGE_PW BIT64(38)
#define SMMU_EVT_1_PAGE_PR BIT64(39)
#define SMMU_EVT_1_PAGE_SPAN GENMASK64(51, 44)

#define SMMU_EVT_2_INPUT_ADDR GENMASK64(63, 0)
#define SMMU_EVT_2_INPUT_PAGE GENMASK64(63, 12) /* ATS and page requests */

/* F_TRANSLATION and its like */
#define SMMU_EVT_3_IPA GENMASK64(55, 12)
/* F_STE_FETCH, F_CD_FETCH, F_WALK_EABT, F_VMS_FETCH */
#define SMMU_EVT_3_FETCH_ADDR GENMASK64(55, 3)

/* As the specification spells it, or NULL. */
static inline const char *smmu_event_name(unsigned int type)
{
	switch (type) {
#define SMMU_X(name, number)  \
	case SMMU_EVT_##name: \
		return #name;
		SMMU_EVENTS(SMMU_X)
#undef SMMU_X
	default:
		return 0;
	}
}

#endif /* HW_SMMUV3_EVENT_H */
