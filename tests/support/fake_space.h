/* SPDX-License-Identifier: BSD-2-Clause */
/* fake_space.h - an address space whose changes are made by the test. */
#ifndef TESTS_FAKE_SPACE_H
#define TESTS_FAKE_SPACE_H

#include <uiommu/mm.h>

#define SPACE_PAGE UINT64_C(4096)
#define PAGES 64u
#define HOME UINT64_C(0x7f0000000000)
#define AT(i) (HOME + (uint64_t)(i)*SPACE_PAGE)

/* An address space of PAGES pages. */
struct space {
	struct uiommu_sva_mm mm;
	struct uiommu_mm_notifier *n[8]; /* subscribed */
	unsigned int nr;
	uint8_t right[PAGES]; /* 0, 1: read, 2: write */
	unsigned int populated;
	int refuse; /* subscribe's error */
	/* Called once by populate, after or before it has looked. */
	void (*meanwhile)(struct space *s);
	bool early;
	int held; /* holds less releases; atomic */
};

/* Rights to all pages. */
void space_init(struct space *s);
/* A change, as its thread tells it. */
void begin(struct space *s, uint64_t first, uint64_t last);
void end(struct space *s, uint64_t first, uint64_t last);

#endif /* TESTS_FAKE_SPACE_H */
