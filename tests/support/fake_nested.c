/* SPDX-License-Identifier: BSD-2-Clause */
/* See fake_nested.h. */
#include <pthread.h>
#include <stdlib.h>

#include <uiommu/env.h>

#include "base/bits.h"
#include "fake_nested.h"

struct nested_dom {
	struct uiommu_hwdom hwdom;
	struct nested_dom *next;
	struct fake_viommu *viommu; /* or NULL */
	uint32_t word[FAKE_NESTED_WORDS];
	struct uiommu_pasid_table table; /* of a vIOMMU with the host's ids */
};

struct queue {
	struct uiommu_hwqueue hw;
	unsigned int index;
	uiommu_pa_t pa;
};

struct vdev {
	struct uiommu_hwvdev hw;
	struct vdev *next;
	unsigned int count[FAKE_NESTED_WORDS];
};

struct fake_viommu {
	struct uiommu_hwviommu hw;
	struct fake_viommu *next;
	uint64_t id;
	bool host_ids;
	struct vdev *vdevs;
	struct queue *queue[FAKE_NR_QUEUES];
	void *window;
};

/* Protects all vIOMMUs and domains, those of any unit, the words and counts. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct fake_viommu *viommus;
static struct nested_dom *doms;
static struct fake_forgotten forgotten[8];
static unsigned int nr_forgotten, fail_forget;

static void *make(struct uiommu_unit *unit, size_t size)
{
	return unit->platform->obj_alloc(unit->platform->ctx, size);
}

static void drop(struct uiommu_unit *unit, void *obj)
{
	unit->platform->obj_free(unit->platform->ctx, obj);
}

static struct fake_viommu *to_viommu(struct uiommu_hwviommu *hw)
{
	return container_of(hw, struct fake_viommu, hw);
}

static struct nested_dom *to_nested(struct uiommu_hwdom *hw)
{
	return container_of(hw, struct nested_dom, hwdom);
}

/* ------------------------------------------------------------- domains -- */

static int list_dom(struct uiommu_unit *unit, struct fake_viommu *viommu,
		    const struct nested_dom *like, struct uiommu_hwdom **out)
{
	struct nested_dom *dom = make(unit, sizeof(*dom));

	if (!dom)
		return -ENOMEM;
	*dom = *like;
	dom->hwdom.unit = unit;
	dom->hwdom.type = UIOMMU_DOM_NESTED;
	dom->viommu = viommu;
	pthread_mutex_lock(&lock);
	dom->next = doms;
	doms = dom;
	pthread_mutex_unlock(&lock);
	*out = &dom->hwdom;
	return 0;
}

static int new_dom(struct uiommu_unit *unit, struct fake_viommu *viommu,
		   uint32_t flags, const struct uiommu_user_data *data,
		   struct uiommu_hwdom **out)
{
	struct nested_dom dom = { 0 };
	struct fake_nested_data what;
	int rc;

	if (flags & ~UIOMMU_DOM_PASID || data->type != FAKE_NESTED_DATA)
		return -EOPNOTSUPP;
	rc = uiommu_user_get(data, FAKE_NESTED_DATA, &what, sizeof(what), 4);
	if (rc)
		return rc;
	if (what.more)
		return -EIO;
	for (unsigned int i = 0; i < FAKE_NESTED_WORDS; i++)
		dom.word[i] = what.word;
	return list_dom(unit, viommu, &dom, out);
}

static int plain_dom(struct uiommu_hwdev *dev, struct uiommu_hwdom *parent,
		     uint32_t flags, const struct uiommu_user_data *data,
		     struct uiommu_hwdom **out)
{
	return new_dom(dev->unit, NULL, flags, data, out);
}

static int viommu_dom(struct uiommu_hwviommu *hw, uint32_t flags,
		      const struct uiommu_user_data *data,
		      struct uiommu_hwdom **out)
{
	return new_dom(hw->unit, to_viommu(hw), flags, data, out);
}

static int viommu_dom_make(struct uiommu_hwviommu *hw,
			   const struct uiommu_pasid_table *table,
			   struct uiommu_hwdom **out)
{
	const struct nested_dom dom = { .table = *table };

	if (table->state > UIOMMU_GUEST_ABORT)
		return -EINVAL;
	if (table->state == UIOMMU_GUEST_TRANSLATE &&
	    table->pasid_bits > FAKE_TABLE_BITS)
		return -EINVAL;
	if (table->format == UIOMMU_PASID_TABLE_2L_64K)
		return -EOPNOTSUPP;
	return list_dom(hw->unit, to_viommu(hw), &dom, out);
}

void fake_nested_free(struct uiommu_hwdom *dom)
{
	struct nested_dom **link = &doms;

	pthread_mutex_lock(&lock);
	while (*link != to_nested(dom))
		link = &(*link)->next;
	*link = (*link)->next;
	pthread_mutex_unlock(&lock);
	drop(dom->unit, to_nested(dom));
}

uint32_t fake_nested_word(struct uiommu_hwdom *dom, unsigned int i)
{
	uint32_t word;

	pthread_mutex_lock(&lock);
	word = to_nested(dom)->word[i];
	pthread_mutex_unlock(&lock);
	return word;
}

static int clear_words(struct nested_dom *dom,
		       const struct fake_nested_inv *inv)
{
	if (inv->flags & ~1u)
		return -EOPNOTSUPP;
	if (inv->index >= FAKE_NESTED_WORDS)
		return -EINVAL;
	pthread_mutex_lock(&lock);
	for (unsigned int i = 0; i < FAKE_NESTED_WORDS; i++)
		if (inv->flags & 1 || i == inv->index)
			dom->word[i] = 0;
	pthread_mutex_unlock(&lock);
	return 0;
}

static int dom_invalidate(struct uiommu_hwdom *dom,
			  struct uiommu_user_array *array)
{
	uint32_t nr = array->entry_num, i;
	struct fake_nested_inv inv;
	int rc = 0;

	if (array->type != FAKE_NESTED_INVALIDATE)
		rc = -EINVAL;
	for (i = 0; i < nr && !rc; i++) {
		rc = uiommu_user_get_entry(array, FAKE_NESTED_INVALIDATE, i,
					   &inv, sizeof(inv), sizeof(inv));
		if (!rc)
			rc = clear_words(to_nested(dom), &inv);
		if (rc)
			break;
	}
	array->entry_num = i;
	return rc;
}

/* ------------------------------------------------------------- vIOMMUs -- */

static bool viommu_has(struct uiommu_hwdev *dev, uint32_t type)
{
	return type == FAKE_VIOMMU;
}

static int make_window(struct fake_viommu *viommu,
		       const struct uiommu_viommu_cfg *cfg)
{
	const struct uiommu_platform *p = viommu->hw.unit->platform;
	struct fake_viommu_data data;
	uiommu_pa_t pa;
	int rc;

	rc = uiommu_user_get(cfg->data, FAKE_VIOMMU, &data, sizeof(data), 8);
	if (rc)
		return rc;
	if (cfg->add_window) {
		viommu->window = p->table_alloc(p->ctx, FAKE_WINDOW, &pa);
		if (!viommu->window)
			return -ENOMEM;
		*(uint32_t *)viommu->window = data.in;
		rc = cfg->add_window(cfg->ctx, pa, FAKE_WINDOW,
				     &data.window_offset);
		if (rc)
			return rc;
		data.window_len = FAKE_WINDOW;
	}
	data.out = data.in;
	return uiommu_user_put(cfg->data, FAKE_VIOMMU, &data, sizeof(data), 8);
}

static void free_window(struct fake_viommu *viommu)
{
	const struct uiommu_platform *p = viommu->hw.unit->platform;

	if (viommu->window)
		p->table_free(p->ctx, viommu->window, FAKE_WINDOW);
}

static int viommu_alloc(struct uiommu_hwdev *dev, struct uiommu_hwdom *parent,
			uint32_t type, const struct uiommu_viommu_cfg *cfg,
			struct uiommu_hwviommu **out)
{
	struct fake_viommu *viommu = make(dev->unit, sizeof(*viommu));
	int rc = 0;

	if (!viommu)
		return -ENOMEM;
	viommu->hw.unit = dev->unit;
	viommu->hw.parent = parent;
	viommu->id = cfg->id;
	viommu->host_ids = cfg->host_ids;
	if (cfg->data && cfg->data->len)
		rc = make_window(viommu, cfg);
	if (rc) {
		free_window(viommu);
		drop(dev->unit, viommu);
		return rc;
	}
	pthread_mutex_lock(&lock);
	viommu->next = viommus;
	viommus = viommu;
	pthread_mutex_unlock(&lock);
	*out = &viommu->hw;
	return 0;
}

static void viommu_free(struct uiommu_hwviommu *hw)
{
	struct fake_viommu *viommu = to_viommu(hw), **link = &viommus;

	pthread_mutex_lock(&lock);
	if (viommu->vdevs || viommu->queue[0] || viommu->queue[1])
		abort();
	while (*link != viommu)
		link = &(*link)->next;
	*link = viommu->next;
	pthread_mutex_unlock(&lock);
	free_window(viommu);
	drop(hw->unit, viommu);
}

void fake_nested_forget(struct uiommu_unit *unit)
{
	struct fake_viommu *viommu, *next;
	struct nested_dom *dom, *more;

	for (dom = doms; dom; dom = more) {
		more = dom->next;
		if (dom->hwdom.unit == unit)
			fake_nested_free(&dom->hwdom);
	}
	for (viommu = viommus; viommu; viommu = next) {
		next = viommu->next;
		if (viommu->hw.unit == unit)
			viommu_free(&viommu->hw);
	}
}

/* ------------------------------------------------------------ vdevices -- */

/* Lock held. */
static struct vdev *find_vdev(const struct fake_viommu *viommu,
			      uint64_t virt_id)
{
	struct vdev *it = viommu->vdevs;

	while (it && it->hw.virt_id != virt_id)
		it = it->next;
	return it;
}

static int vdev_alloc(struct uiommu_hwviommu *hw, struct uiommu_hwdev *dev,
		      uint64_t virt_id, struct uiommu_hwvdev **out)
{
	struct fake_viommu *viommu = to_viommu(hw);
	struct vdev *vdev = make(hw->unit, sizeof(*vdev));

	if (!vdev)
		return -ENOMEM;
	vdev->hw = (struct uiommu_hwvdev){ hw, dev, virt_id };
	pthread_mutex_lock(&lock);
	vdev->next = viommu->vdevs;
	viommu->vdevs = vdev;
	pthread_mutex_unlock(&lock);
	*out = &vdev->hw;
	return 0;
}

static void vdev_free(struct uiommu_hwvdev *hw)
{
	struct fake_viommu *viommu = to_viommu(hw->viommu);
	struct vdev **link = &viommu->vdevs, *vdev;

	pthread_mutex_lock(&lock);
	while (&(*link)->hw != hw)
		link = &(*link)->next;
	vdev = *link;
	*link = vdev->next;
	pthread_mutex_unlock(&lock);
	drop(viommu->hw.unit, vdev);
}

int fake_nested_attach(struct uiommu_hwdom *dom, struct uiommu_hwdev *dev)
{
	const struct fake_viommu *viommu = to_nested(dom)->viommu;
	const struct vdev *it;

	if (dom->unit != dev->unit)
		return -EINVAL;
	if (!viommu || viommu->host_ids)
		return 0;
	pthread_mutex_lock(&lock);
	for (it = viommu->vdevs; it && it->hw.dev != dev; it = it->next)
		;
	pthread_mutex_unlock(&lock);
	return it ? 0 : -ENOENT;
}

static int invalidate_one(struct fake_viommu *viommu,
			  const struct fake_viommu_inv *inv)
{
	struct vdev *vdev;
	int rc = 0;

	if (inv->flags & ~1u)
		return -EOPNOTSUPP;
	if (inv->index >= FAKE_NESTED_WORDS)
		return -EINVAL;
	pthread_mutex_lock(&lock);
	vdev = find_vdev(viommu, inv->virt_id);
	if (!vdev)
		rc = -EINVAL;
	for (unsigned int i = 0; vdev && i < FAKE_NESTED_WORDS; i++)
		vdev->count[i] += inv->flags & 1 || i == inv->index;
	pthread_mutex_unlock(&lock);
	return rc;
}

static int viommu_invalidate(struct uiommu_hwviommu *hw,
			     struct uiommu_user_array *array)
{
	uint32_t nr = array->entry_num, i = 0;
	struct fake_viommu_inv *inv;
	int rc;

	array->entry_num = 0;
	/* None at all is a question about the type. */
	if (!nr && array->type == FAKE_VIOMMU_INVALIDATE)
		return 0;
	inv = make(hw->unit, (nr ? nr : 1) * sizeof(*inv));
	if (!inv)
		return -ENOMEM;
	array->entry_num = nr;
	rc = uiommu_user_get_all(array, FAKE_VIOMMU_INVALIDATE, inv,
				 sizeof(*inv));
	while (!rc && i < nr) {
		rc = invalidate_one(to_viommu(hw), &inv[i]);
		i += !rc;
	}
	array->entry_num = i;
	drop(hw->unit, inv);
	return rc;
}

/* Lock held: that of any vIOMMU of the unit. */
static struct vdev *find_any(const struct uiommu_unit *unit, uint64_t virt_id,
			     uint64_t *id)
{
	const struct fake_viommu *it;
	struct vdev *vdev;

	for (it = viommus; it; it = it->next) {
		if (it->hw.unit != unit)
			continue;
		vdev = find_vdev(it, virt_id);
		*id = it->id;
		if (vdev)
			return vdev;
	}
	return NULL;
}

unsigned int fake_viommu_count(struct uiommu_unit *unit, uint64_t virt_id,
			       unsigned int i)
{
	unsigned int count = 0;
	struct vdev *vdev;
	uint64_t id;

	pthread_mutex_lock(&lock);
	vdev = find_any(unit, virt_id, &id);
	if (vdev)
		count = vdev->count[i];
	pthread_mutex_unlock(&lock);
	return count;
}

int fake_guest_event(struct uiommu_unit *unit, uint64_t virt_id, bool lost)
{
	uint32_t payload = (uint32_t)virt_id;
	struct uiommu_hwdom *dom;
	struct vdev *vdev;
	bool found;
	uint64_t id;

	pthread_mutex_lock(&lock);
	vdev = find_any(unit, virt_id, &id);
	dom = vdev ? vdev->hw.dev->dom : NULL;
	found = dom && dom->type == UIOMMU_DOM_NESTED &&
		to_nested(dom)->viommu == to_viommu(vdev->hw.viommu);
	pthread_mutex_unlock(&lock);
	if (!found)
		return -ENOENT;
	return unit->host->report_vevent(unit->host_ctx, unit, id, FAKE_VEVENTS,
					 lost ? NULL : &payload,
					 lost ? 0 : sizeof(payload));
}

/* -------------------------------------------------------- PASID tables -- */

bool fake_bound_table(const struct uiommu_hwdev *dev,
		      struct uiommu_pasid_table *table)
{
	bool bound;

	pthread_mutex_lock(&lock);
	bound = dev->dom && dev->dom->type == UIOMMU_DOM_NESTED &&
		to_nested(dev->dom)->viommu &&
		to_nested(dev->dom)->viommu->host_ids;
	if (bound)
		*table = to_nested(dev->dom)->table;
	pthread_mutex_unlock(&lock);
	return bound;
}

static int viommu_forget(struct uiommu_hwviommu *hw, struct uiommu_hwdev *dev,
			 const struct uiommu_cache_info *info)
{
	int rc = uiommu_cache_check(info);

	if (rc)
		return rc;
	pthread_mutex_lock(&lock);
	forgotten[nr_forgotten++ % ARRAY_SIZE(forgotten)] =
		(struct fake_forgotten){ hw->unit, dev, *info };
	if (fail_forget && !--fail_forget)
		rc = -ETIMEDOUT;
	pthread_mutex_unlock(&lock);
	return rc;
}

unsigned int fake_forgotten(unsigned int back, struct fake_forgotten *what)
{
	unsigned int nr;

	pthread_mutex_lock(&lock);
	nr = nr_forgotten;
	*what = forgotten[(nr - 1 - back) % ARRAY_SIZE(forgotten)];
	pthread_mutex_unlock(&lock);
	return nr;
}

unsigned int fake_nr_viommus(const struct uiommu_unit *unit)
{
	const struct fake_viommu *it;
	unsigned int nr = 0;

	pthread_mutex_lock(&lock);
	for (it = viommus; it; it = it->next)
		nr += it->hw.unit == unit;
	pthread_mutex_unlock(&lock);
	return nr;
}

unsigned int fake_nr_nested(const struct uiommu_unit *unit)
{
	const struct nested_dom *it;
	unsigned int nr = 0;

	pthread_mutex_lock(&lock);
	for (it = doms; it; it = it->next)
		nr += it->hwdom.unit == unit;
	pthread_mutex_unlock(&lock);
	return nr;
}

void fake_fail_forget(unsigned int nth)
{
	pthread_mutex_lock(&lock);
	fail_forget = nth;
	pthread_mutex_unlock(&lock);
}

/* -------------------------------------------------------------- queues -- */

static bool queue_has(struct uiommu_hwviommu *hw, uint32_t type)
{
	return type == FAKE_QUEUES;
}

/* Lock held.  In order from 0 on; each needs the one before it. */
static int put_queue(struct fake_viommu *viommu, struct queue *queue)
{
	struct queue *before = NULL;

	if (viommu->queue[queue->index])
		return -EEXIST;
	if (queue->index) {
		before = viommu->queue[queue->index - 1];
		if (!before)
			return -EIO;
	}
	queue->hw.needs = before ? &before->hw : NULL;
	viommu->queue[queue->index] = queue;
	return 0;
}

static int queue_alloc(struct uiommu_hwviommu *hw, uint32_t type,
		       uint32_t index, uiommu_iova_t iova, uiommu_pa_t pa,
		       uint64_t len, struct uiommu_hwqueue **out)
{
	struct queue *queue;
	int rc;

	if (index >= FAKE_NR_QUEUES)
		return -EINVAL;
	queue = make(hw->unit, sizeof(*queue));
	if (!queue)
		return -ENOMEM;
	queue->hw.viommu = hw;
	queue->index = index;
	queue->pa = pa;
	pthread_mutex_lock(&lock);
	rc = put_queue(to_viommu(hw), queue);
	pthread_mutex_unlock(&lock);
	if (rc)
		drop(hw->unit, queue);
	else
		*out = &queue->hw;
	return rc;
}

static void queue_free(struct uiommu_hwqueue *hw)
{
	struct queue *queue = container_of(hw, struct queue, hw);
	struct fake_viommu *viommu = to_viommu(hw->viommu);

	pthread_mutex_lock(&lock);
	viommu->queue[queue->index] = NULL;
	pthread_mutex_unlock(&lock);
	drop(viommu->hw.unit, queue);
}

uiommu_pa_t fake_queue_pa(struct uiommu_unit *unit, unsigned int index)
{
	const struct fake_viommu *it;
	uiommu_pa_t pa = 0;

	pthread_mutex_lock(&lock);
	for (it = viommus; it; it = it->next)
		if (it->hw.unit == unit && it->queue[index])
			pa = it->queue[index]->pa;
	pthread_mutex_unlock(&lock);
	return pa;
}

const struct uiommu_nested_ops fake_nested_ops = {
	.dom_alloc = plain_dom,
	.dom_invalidate = dom_invalidate,
	.viommu_has = viommu_has,
	.viommu_alloc = viommu_alloc,
	.viommu_free = viommu_free,
	.viommu_dom_alloc = viommu_dom,
	.viommu_invalidate = viommu_invalidate,
	.viommu_dom_make = viommu_dom_make,
	.viommu_forget = viommu_forget,
	.vdev_alloc = vdev_alloc,
	.vdev_free = vdev_free,
	.queue_has = queue_has,
	.queue_alloc = queue_alloc,
	.queue_free = queue_free,
};

const struct uiommu_nested_ops fake_plain_nested_ops = {
	.dom_alloc = plain_dom,
};
