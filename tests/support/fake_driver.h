/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake_driver.h - a driver without hardware, for tests of the core.
 *
 * Domains have real page tables (VMSAv8-64 stage 1, 4K); the "hardware" is
 * fake_dma(), which translates through the table and remembers what it found
 * until a flush covers it, so that a missing or late flush shows.  A domain
 * serves devices of any fake unit with the same granule and input size.
 * Operations fail on request.  Beside it fake_mm: user memory of so many pages, with a
 * pin count for each, which notices memory that is given back while the
 * hardware still remembers it.
 */
#ifndef TESTS_FAKE_DRIVER_H
#define TESTS_FAKE_DRIVER_H

#include <pthread.h>

#include <uiommu/core.h>

#define FAKE_DEVS 64
#define FAKE_TLB 1024
#define FAKE_WAITING 1024
#define FAKE_PAGE UINT64_C(4096)
/* Pages from IOVA 0 for which writes are kept track of. */
#define FAKE_DIRTY 1024

struct fake_unit;

struct fake_hwdom {
	struct uiommu_hwdom hwdom;
	struct fake_unit *owner;
	struct fake_hwdom *next;
	uint32_t flags; /* UIOMMU_DOM_* */
	enum uiommu_stage stage;
	uint8_t granule_lg2, ias;
	uint32_t users; /* devices and PASIDs; atomic */

	/* Protects the members below; inside a unit's lock. */
	pthread_mutex_t lock;
	struct {
		uiommu_iova_t iova;
		uiommu_pa_t pa;
	} tlb[FAKE_TLB];
	unsigned int nr_tlb;
	bool dirty[FAKE_DIRTY];
};

/* A device; the unit's lock protects what changes. */
struct fake_hwdev {
	struct uiommu_hwdev hwdev;
	uint32_t id;
	uint8_t pasid_bits;
	struct {
		uint32_t pasid;
		struct fake_hwdom *dom;
	} * pasids;
	unsigned int nr_pasids, max_pasids;
};

struct fake_unit {
	struct uiommu_unit unit;
	struct uiommu_unit_caps caps;
	uint8_t ias; /* of domains made from now on */
	uint8_t granule_lg2;

	/*
	 * Atomic.  The nth such call from now on fails, and each one after it
	 * if `stuck`; 0: none.
	 */
	uint32_t fail_attach, fail_flush, fail_pasid, fail_dirty;
	uint32_t stuck;
	int fail_rc;	  /* of attach and set_pasid; 0: -ENOMEM */
	uint32_t crashed; /* a flush has failed */
	bool page_faults; /* of devices added from now on */
	uint64_t attaches, flushes, set_pasids;

	/* Protects all below, and the devices. */
	pthread_mutex_t lock;
	struct fake_hwdev *devs[FAKE_DEVS];
	struct fake_hwdom *doms;
	unsigned int nr_doms;
	struct uiommu_page_response waiting[FAKE_WAITING];
	unsigned int nr_waiting;
	struct uiommu_page_response answer; /* the last */
	unsigned int answers, bad_answers;
	unsigned int fail_response; /* the nth fails; 0: none */
};

/*
 * With coherent, translated-MSI caps, 48 bits, PASIDs of 16 and dirty tracking;
 * change them before adding.
 */
struct fake_unit *fake_unit_create(const struct uiommu_platform *platform,
				   struct uiommu_core *core);
/*
 * The device with this id reads or writes at `iova`: 0 and the address, or
 * -EFAULT.
 */
int fake_dma(struct fake_unit *fu, uint32_t id, uiommu_iova_t iova, bool write,
	     uiommu_pa_t *pa);
/* The same with a PASID (UIOMMU_NO_PASID: without). */
int fake_dma_pasid(struct fake_unit *fu, uint32_t id, uint32_t pasid,
		   uiommu_iova_t iova, bool write, uiommu_pa_t *pa);
/*
 * The device with this id sends a page request, or is stalled.  What is to be
 * answered (LAST, stalls) waits in fu->waiting until it is; a second answer, or
 * one to nothing, is -ENOENT and counted.
 */
void fake_page_request(struct fake_unit *fu,
		       const struct uiommu_page_request *req);
void fake_stall(struct fake_unit *fu, const struct uiommu_fault *fault);
/* The driver's op. */
int fake_page_response(struct uiommu_hwdev *dev,
		       const struct uiommu_page_response *resp);
/* How many wait for their answer. */
unsigned int fake_waiting(struct fake_unit *fu);

/* Does any domain's TLB still hold something in [pa, pa+len)? */
bool fake_remembers(struct fake_unit *fu, uiommu_pa_t pa, uint64_t len);

struct fake_mm {
	struct uiommu_mm mm;
	uint64_t base; /* user address of page 0 */
	unsigned int nr_pages;
	unsigned int max_run; /* pages in one answer of pin; 0: no limit */
	bool scatter;	      /* no two pages are contiguous */
	uint64_t limit;	      /* pins at a time; 0: no limit */
	unsigned int read_only, mmio; /* page with that trait; ~0u: none */
	struct fake_unit *watch;      /* complain about early unpins; or NULL */
	uint8_t *bytes;		      /* what is in the memory */

	/* Protects all below. */
	pthread_mutex_t lock;
	uint32_t *pins;
	uint64_t total;
	uint32_t fail_pin; /* the nth page pinned from now on; 0: none */
	unsigned int bad;  /* unpins too many, or too early; copies unpinned */
};

void fake_mm_init(struct fake_mm *fm, uint64_t base, unsigned int nr_pages);
void fake_mm_fini(struct fake_mm *fm);
uiommu_pa_t fake_mm_pa(const struct fake_mm *fm, uint64_t uva);

#endif /* TESTS_FAKE_DRIVER_H */
