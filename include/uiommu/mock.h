/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mock.h - a second driver, for an IOMMU that exists in memory only.
 *
 * It is for tests of this tree, and so not installed, but a driver like any other:
 * all work goes through the ops of driver.h.
 * What a device behind the IOMMU does, and would do by itself if there were
 * hardware, is asked for by the functions here.  Nothing caches, so what a call
 * of the driver changes is in force when it returns.
 *
 * Its domains are laid out in one of two ways (uiommu_dom_cfg): by default
 * pages of 2 KiB, 1 MiB and 512 MiB and addresses from 16 MiB to 2 GiB; with
 * granule_lg2 12, pages of 4 KiB and 1 MiB and addresses of 56 bits.
 */
#ifndef UIOMMU_MOCK_H
#define UIOMMU_MOCK_H

#include <uiommu/driver.h>

#ifdef __cplusplus
extern "C" {
#endif

#define UIOMMU_MOCK_APERTURE_FIRST UINT64_C(0x1000000)
#define UIOMMU_MOCK_APERTURE_LAST UINT64_C(0x7fffffff)
#define UIOMMU_MOCK_PASID_BITS 20

struct uiommu_mock_cfg {
	/* Must outlive the unit. */
	const struct uiommu_platform *platform;
	/* NULL: nobody hears of faults. */
	const struct uiommu_host_ops *host;
	void *host_ctx;
	/* Domains may keep dirty state (UIOMMU_DOM_DIRTY). */
	bool dirty_tracking;
	/*
	 * A PASID whose attachments fail every second time in a row, with
	 * -ENOMEM; 0: none.
	 */
	uint32_t flaky_pasid;
};

/* -ENOMEM. */
int uiommu_mock_create(const struct uiommu_mock_cfg *cfg,
		       struct uiommu_unit **out);

/* GET_HW_INFO: the type and payload of the kernel's mock driver. */
#define UIOMMU_HW_INFO_TYPE_MOCK 0xfeedbeefu
#define UIOMMU_MOCK_REG 0xdeadbeefu

struct uiommu_hw_info_mock {
	uint32_t flags;
	uint32_t reg;
};

/*
 * The device of the unit with this id accesses `iova`, with a PASID or
 * UIOMMU_NO_PASID.  Where the access goes is stored in *pa; a write leaves dirty
 * state.  What is done at *pa is the caller's business: no flush waits for it.
 * -EFAULT: it is aborted, and the next op irq reports it; -ENOENT: no
 * such device.
 */
int uiommu_mock_access(struct uiommu_unit *unit, uint32_t id, uint32_t pasid,
		       uiommu_iova_t iova, bool write, uiommu_pa_t *pa);

/* A device has words that its owner can look at, all alike at first. */
#define UIOMMU_MOCK_CACHE_WORDS 4
#define UIOMMU_MOCK_CACHE_INITIAL 0xbaddadu

/* -ENOENT: no such device; -EINVAL: no such word. */
int uiommu_mock_cache_word(struct uiommu_unit *unit, uint32_t id,
			   unsigned int index, uint32_t *word);

/*
 * As if a device had written to `iova` in this domain, attached or not.
 * -ENOENT: nothing is mapped there.
 */
int uiommu_mock_set_dirty(struct uiommu_hwdom *dom, uiommu_iova_t iova);

/*
 * The device sends a page request: flags, pasid, token and iova of *req count.
 * The next op irq tells the host.  -ENOENT: no such device, or one without page
 * requests; -ENOSPC: too many wait for irq, this one is lost, and the host is
 * told that some are.
 */
int uiommu_mock_page_request(struct uiommu_unit *unit, uint32_t id,
			     const struct uiommu_page_request *req);

/* ------------------------------------------------------------- guests -- */

/*
 * Numbers and structures (nested.h) of the kernel's mock driver.  A guest's own
 * stage of translation changes nothing; a nested domain has words, "iotlb", which
 * invalidations of it set to 0, as those of a vIOMMU do with the words of a device.
 */
#define UIOMMU_MOCK_DATA_TYPE 0xdeadu /* of a domain */
#define UIOMMU_MOCK_DOM_INVALIDATE 0xdeadbeefu
#define UIOMMU_MOCK_VIOMMU_TYPE 0xdeadbeefu
#define UIOMMU_MOCK_VIOMMU_INVALIDATE 0xdeadbeefu
#define UIOMMU_MOCK_VEVENT_TYPE 0xbeefbeefu
#define UIOMMU_MOCK_QUEUE_TYPE 0xdeadbeefu

#define UIOMMU_MOCK_IOTLB_WORDS 4
#define UIOMMU_MOCK_QUEUES 2
/* All words, whatever the entry names. */
#define UIOMMU_MOCK_INVALIDATE_ALL (1u << 0)

struct uiommu_mock_dom_data {
	uint32_t iotlb;	 /* nested: the words at first */
	uint32_t layout; /* else: 1 for pages of 4 KiB, 0 by default */
};

struct uiommu_mock_dom_inval {
	uint32_t flags;
	uint32_t word;
};

/*
 * With these a vIOMMU has two pages that its client can map, whose first word is
 * `in`, which comes back in `out`.
 */
struct uiommu_mock_viommu_data {
	uint32_t in;
	uint32_t out;
	uint64_t out_mmap_offset;
	uint64_t out_mmap_length;
};

struct uiommu_mock_viommu_inval {
	uint32_t flags;
	uint32_t virt_id;
	uint32_t word;
};

struct uiommu_mock_vevent {
	uint32_t virt_id;
};

/* -EINVAL: no such word, or no nested domain. */
int uiommu_mock_iotlb_word(struct uiommu_hwdom *dom, unsigned int index,
			   uint32_t *word);

/*
 * The device has an event for its guest, which is told at once, as by an
 * interrupt.  -ENOENT: no such device, or it is attached to no domain of a
 * vIOMMU, or has the virtual id 0; others as uiommu_host_ops.report_vevent.
 */
int uiommu_mock_vevent(struct uiommu_unit *unit, uint32_t id);

#ifdef __cplusplus
}
#endif

#endif /* UIOMMU_MOCK_H */
