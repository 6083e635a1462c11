/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unit.h - what the files of the mock driver share.
 *
 * There is no hardware: where another driver writes registers and tables, this
 * one changes its own structures, under one lock for each unit, which accesses
 * of devices take as well.  So a change of the driver has been completed for
 * the devices when it returns.  Page tables are changed without it; accesses
 * walk them in a read section and with a lock of the domain, by which a flush
 * knows that those of before are over.
 */
#ifndef DRIVER_MOCK_UNIT_H
#define DRIVER_MOCK_UNIT_H

#include <uiommu/env.h>
#include <uiommu/mock.h>

#include "base/atomic.h"
#include "base/bits.h"
#include "base/list.h"

/* What waits for op irq. */
#define MOCK_QUEUE 64u

struct mock_record {
	struct uiommu_hwdev *dev;
	bool is_request;
	union {
		struct uiommu_page_request request;
		struct uiommu_fault fault;
	};
};

enum mock_counter {
	MOCK_ATTACHES,
	MOCK_SET_PASIDS,
	MOCK_FLUSHES,
	MOCK_ACCESSES,
	MOCK_ABORTS,
	MOCK_PAGE_REQUESTS,
	MOCK_PAGE_RESPONSES,
	MOCK_COUNTERS,
};

struct mock_unit {
	struct uiommu_unit unit; /* first */
	bool dirty_tracking;
	uint32_t flaky_pasid;

	/*
	 * Protects all below and what devices are attached to.  Taken inside:
	 * a domain's lock; nothing else is called with it held but the
	 * allocator.
	 */
	struct uiommu_lock lock;
	struct list devs;
	struct mock_record queue[MOCK_QUEUE];
	unsigned int queued;
	bool faults_lost;
	bool requests_lost;
	uint64_t counter[MOCK_COUNTERS]; /* atomic */
};

struct mock_viommu {
	struct uiommu_hwviommu hw; /* first */
	uint64_t id;
	void *pages; /* that the client maps; NULL: none */
	/* Under the unit's lock. */
	struct list vdevs;
	struct mock_queue *queue[UIOMMU_MOCK_QUEUES];
};

struct mock_vdev {
	struct uiommu_hwvdev hw; /* first */
	struct list node;	 /* mock_viommu.vdevs */
};

struct mock_queue {
	struct uiommu_hwqueue hw; /* first */
	uint32_t index;
};

struct mock_dom {
	struct uiommu_hwdom hwdom; /* first */
	uint32_t flags;		   /* UIOMMU_DOM_* */
	uint32_t users;		   /* atomic: attachments */
	/* Held while an access walks the table; inside the unit's lock. */
	struct uiommu_lock lock;
	uiommu_pa_t root;
	int8_t start_level;

	/* NESTED only. */
	struct mock_dom *parent;
	struct mock_viommu *viommu;		 /* or NULL */
	uint32_t iotlb[UIOMMU_MOCK_IOTLB_WORDS]; /* under the unit's lock */
};

/* One PASID of a device that has a domain. */
struct mock_pasid {
	struct list node; /* mock_dev.pasids */
	uint32_t pasid;
	struct mock_dom *dom;
};

/* A page request group that the host was told of and has not answered. */
struct mock_group {
	struct list node; /* mock_dev.groups */
	uint32_t token;
	uint32_t pasid;
};

struct mock_dev {
	struct uiommu_hwdev hwdev; /* first */
	struct list node;	   /* mock_unit.devs */
	uint32_t id;
	uint8_t pasid_bits;
	bool armed; /* the next attachment of the flaky PASID fails */
	uint32_t cache[UIOMMU_MOCK_CACHE_WORDS];
	/* What it is attached to, and what the guest calls it there. */
	struct mock_viommu *viommu;
	uint64_t virt_id;
	struct list pasids;
	struct list groups;
};

static inline struct mock_unit *mock_unit_of(struct uiommu_unit *unit)
{
	return container_of(unit, struct mock_unit, unit);
}

static inline struct mock_dom *mock_dom_of(struct uiommu_hwdom *dom)
{
	return dom ? container_of(dom, struct mock_dom, hwdom) : NULL;
}

static inline struct mock_dev *mock_dev_of(struct uiommu_hwdev *dev)
{
	return container_of(dev, struct mock_dev, hwdev);
}

static inline void *mock_alloc(struct uiommu_unit *unit, size_t size)
{
	return unit->platform->obj_alloc(unit->platform->ctx, size);
}

static inline void mock_free(struct uiommu_unit *unit, void *obj)
{
	unit->platform->obj_free(unit->platform->ctx, obj);
}

static inline void mock_lock(struct mock_unit *mu)
{
	mu->unit.platform->lock(mu->unit.platform->ctx, &mu->lock);
}

static inline void mock_unlock(struct mock_unit *mu)
{
	mu->unit.platform->unlock(mu->unit.platform->ctx, &mu->lock);
}

static inline void mock_dom_lock(struct mock_dom *dom)
{
	const struct uiommu_platform *pf = dom->hwdom.unit->platform;

	pf->lock(pf->ctx, &dom->lock);
}

static inline void mock_dom_unlock(struct mock_dom *dom)
{
	const struct uiommu_platform *pf = dom->hwdom.unit->platform;

	pf->unlock(pf->ctx, &dom->lock);
}

static inline void mock_count(struct mock_unit *mu, enum mock_counter what)
{
	fetch_add_relaxed(&mu->counter[what], 1);
}

/* The device with this id, or NULL; lock held. */
struct mock_dev *mock_dev_find(struct mock_unit *mu, uint32_t id);
/* The domain of its accesses with this PASID, or NULL; lock held. */
struct mock_dom *mock_dev_dom(struct mock_dev *dev, uint32_t pasid);

int mock_dev_add(struct uiommu_unit *unit, const struct uiommu_hwdev_cfg *cfg,
		 struct uiommu_hwdev **out);
void mock_dev_remove(struct uiommu_hwdev *dev);
int mock_attach(struct uiommu_hwdom *dom, struct uiommu_hwdev *dev);
int mock_set_pasid(struct uiommu_hwdom *dom, struct uiommu_hwdev *dev,
		   uint32_t pasid, struct uiommu_hwdom *old);

/* What a client gave for one.  -EOPNOTSUPP: another type; -EINVAL, -EFAULT. */
int mock_dom_data(const struct uiommu_user_data *data,
		  struct uiommu_mock_dom_data *d);
/* One with nothing but its lock, or NULL. */
struct mock_dom *mock_dom_new(struct uiommu_unit *unit,
			      enum uiommu_dom_type type);
int mock_dom_alloc(struct uiommu_unit *unit, const struct uiommu_dom_cfg *cfg,
		   struct uiommu_hwdom **out);
void mock_dom_free(struct uiommu_hwdom *dom);
int mock_flush(struct uiommu_hwdom *dom, const struct uiommu_gather *gather);
int mock_flush_all(struct uiommu_hwdom *dom);
int mock_read_dirty(struct uiommu_hwdom *dom, uiommu_iova_t iova, uint64_t len,
		    uint32_t flags, uiommu_dirty_fn *fn, void *ctx);

extern const struct uiommu_nested_ops mock_nested_ops;
/* The device's vdevice in the vIOMMU, or NULL; lock held. */
struct mock_vdev *mock_vdev_find(struct mock_viommu *viommu,
				 const struct mock_dev *dev);
/* Where the domain has `iova`.  false: nowhere. */
bool mock_dom_lookup(struct mock_dom *dom, uiommu_iova_t iova, uiommu_pa_t *pa);

void mock_irq(struct uiommu_unit *unit, unsigned int line);
int mock_page_response(struct uiommu_hwdev *dev,
		       const struct uiommu_page_response *resp);
/* Put a fault into the queue; lock held. */
void mock_report(struct mock_unit *mu, struct mock_dev *dev,
		 const struct uiommu_fault *fault);
/* Forget what is queued of a device, and what it waits for; lock held. */
void mock_drop_requests(struct mock_unit *mu, struct mock_dev *dev);

#endif /* DRIVER_MOCK_UNIT_H */
