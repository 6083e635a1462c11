/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake_nested.h - guests for drivers without hardware: the ops of nested.h over
 * any driver's units and devices.  Such a driver names the ops, lets attach ask
 * fake_nested_attach, and dom_free hand NESTED domains to fake_nested_free.
 *
 * A guest's configuration is a word, which is what the domain's cache of four
 * words is filled with and an invalidation clears.
 *
 * PASID tables have at most FAKE_TABLE_BITS PASIDs, and no 64K leaves.
 */
#ifndef TESTS_FAKE_NESTED_H
#define TESTS_FAKE_NESTED_H

#include <uiommu/driver.h>

/* Kinds, as a client names them. */
#define FAKE_NESTED_DATA 0xdeadu
#define FAKE_NESTED_INVALIDATE 0xdeadbeefu
#define FAKE_VIOMMU 0xdeadbeefu
#define FAKE_VIOMMU_INVALIDATE 0xdeadbeefu
#define FAKE_VEVENTS 0xbeefbeefu
#define FAKE_QUEUES 0xdeadbeefu

#define FAKE_NESTED_WORDS 4
#define FAKE_NR_QUEUES 2
#define FAKE_TABLE_BITS 16
#define FAKE_WINDOW UINT64_C(8192)

/* May be given without `more`, which has to be 0. */
struct fake_nested_data {
	uint32_t word;
	uint32_t more;
};

/* -EOPNOTSUPP: flags but bit 0, which is all words; -EINVAL: no such word. */
struct fake_nested_inv {
	uint32_t flags;
	uint32_t index;
};

/* -EINVAL: no such word, no such device; counted by device and word. */
struct fake_viommu_inv {
	uint32_t flags;
	uint32_t virt_id;
	uint32_t index;
};

/* May be given without what comes after `out`, which says `in` again. */
struct fake_viommu_data {
	uint32_t in;
	uint32_t out;
	uint64_t window_offset;
	uint64_t window_len;
};

extern const struct uiommu_nested_ops fake_nested_ops;
/* The same without anything but nested domains straight over a parent. */
extern const struct uiommu_nested_ops fake_plain_nested_ops;

/* What attach of driver.h says to it. */
int fake_nested_attach(struct uiommu_hwdom *dom, struct uiommu_hwdev *dev);
void fake_nested_free(struct uiommu_hwdom *dom);
uint32_t fake_nested_word(struct uiommu_hwdom *dom, unsigned int i);

/* What the device has of a PASID table; false: nothing. */
bool fake_bound_table(const struct uiommu_hwdev *dev,
		      struct uiommu_pasid_table *table);

/* How many vIOMMUs and nested domains the unit has. */
unsigned int fake_nr_viommus(const struct uiommu_unit *unit);
unsigned int fake_nr_nested(const struct uiommu_unit *unit);

/* What was to be forgotten through a vIOMMU: by whom, of which device (NULL: all). */
struct fake_forgotten {
	const struct uiommu_unit *unit;
	const struct uiommu_hwdev *dev;
	struct uiommu_cache_info info;
};
/*
 * How often since the program began; the one `back` before the last, of up to 8.
 */
unsigned int fake_forgotten(unsigned int back, struct fake_forgotten *what);
/* The nth such call from now on fails with -ETIMEDOUT; 0: none. */
void fake_fail_forget(unsigned int nth);

/* Free what the core has left of a unit's, whose hardware kept it. */
void fake_nested_forget(struct uiommu_unit *unit);

/* How often a device's word was invalidated through the vIOMMU. */
unsigned int fake_viommu_count(struct uiommu_unit *unit, uint64_t virt_id,
			       unsigned int i);
/*
 * An event of the device that a guest of the unit knows by the id; its payload is
 * the id, of 4 bytes.  `lost`: events were lost instead.  -ENOENT: there is none
 * that is attached to a nested domain of its vIOMMU; else what the host says.
 */
int fake_guest_event(struct uiommu_unit *unit, uint64_t virt_id, bool lost);
/* What queue `index` of any vIOMMU of the unit is at; 0: there is none. */
uiommu_pa_t fake_queue_pa(struct uiommu_unit *unit, unsigned int index);

#endif /* TESTS_FAKE_NESTED_H */
