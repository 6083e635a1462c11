/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * world.h - what each test of the core starts from: a host, a core, one unit
 * of the fake driver with devices 1 to 4 (each alone in its group, with PASIDs), user
 * memory of 1024 pages at MEM.  world_close() checks that nothing is left
 * pinned, alive or complained about.
 */
#ifndef TESTS_CORE_WORLD_H
#define TESTS_CORE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <uiommu/core.h>
#include <uiommu/env.h>
#include <uiommu/host.h>

#include "fake_driver.h"

#define PAGE FAKE_PAGE
#define MEM UINT64_C(0x7f0000000000)
#define MEM_PAGES 1024
#define RW (UIOMMU_PROT_READ | UIOMMU_PROT_WRITE)
#define RO UIOMMU_PROT_READ
#define FIXED UIOMMU_IOAS_FIXED_IOVA
#define NR_DEVS 4
#define PASID_BITS 16

struct world {
	struct uiommu_host *host;
	struct uiommu_platform own; /* the host's, but that it keeps the log */
	const struct uiommu_platform *platform;
	struct uiommu_core *core;
	struct fake_unit *fu;
	struct uiommu_device *dev[NR_DEVS]; /* ids 1..4 */
	struct fake_mm mm;
	/* The last fault that the core passed on. */
	struct uiommu_device *fault_dev;
	struct uiommu_fault fault;
	unsigned int faults;
};

/* cmocka fixtures: *state is a struct world. */
int world_open(void **state);
int world_close(void **state);
/* world_open() with a core that `like` says the rest of. */
struct world *world_make(const struct uiommu_core_cfg *like);

/* Lines of the log since the program began, and the last one. */
unsigned int log_lines(void);
/* And with those for debugging. */
unsigned int all_lines(void);
const char *last_line(void);

/*
 * One more device, with this id, behind a unit.  `like` says the rest; NULL: as
 * the devices of the world.
 */
int add_device(struct world *w, struct fake_unit *fu, uint32_t id,
	       const struct uiommu_device_cfg *like,
	       struct uiommu_device **dev);

/* Shorthands that assert success. */
/* One more unit, not yet known to the core. */
struct fake_unit *new_unit(struct world *w);
struct uiommu_ioas *new_ioas(struct world *w);
struct uiommu_domain *new_domain(struct world *w);
/* A new domain, added to the IOAS. */
struct uiommu_domain *join(struct world *w, struct uiommu_ioas *ioas);
void leave(struct uiommu_ioas *ioas, struct uiommu_domain *dom);

/* Map `pages` pages of user memory from page `from` at a fixed place. */
int map_at(struct world *w, struct uiommu_ioas *ioas, unsigned int from,
	   unsigned int pages, uint64_t iova, uint32_t prot);
/* Does every domain look-up of [iova, +pages) lead to user pages from..? */
bool shows(struct world *w, struct uiommu_domain *dom, uint64_t iova,
	   unsigned int from, unsigned int pages);
bool shows_nothing(struct uiommu_domain *dom, uint64_t iova,
		   unsigned int pages);

/*
 * A line per area, range and figure, and for each domain what the first
 * `pages` pages of IOVA translate to: equal before and after a call that
 * failed.  To be freed.
 */
char *dump(struct world *w, struct uiommu_ioas *ioas,
	   struct uiommu_domain *const *doms, unsigned int nr_doms,
	   unsigned int pages);

#endif /* TESTS_CORE_WORLD_H */
