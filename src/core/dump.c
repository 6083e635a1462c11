/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dump.c - what there is, as text (dump.h).
 *
 * Objects are looked at one after the other, each under its own locks.  One
 * that is being looked at is *held*: whoever takes it off its list, before it
 * ends it, waits until no dump holds it (core_unlist), as the removal of a
 * device waits for fault reports.  A dump that holds a group or an IOAS waits
 * for that one's locks; whoever waits for a dump has none of them.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "bind_private.h"
#include "iopf_private.h"
#include "msi_private.h"

void core_list(struct uiommu_core *core, struct list *head, struct list *node)
{
	pthread_mutex_lock(&core->lock);
	list_add_tail(head, node);
	pthread_mutex_unlock(&core->lock);
}

void core_unlist(struct uiommu_core *core, struct list *node,
		 const uint32_t *held)
{
	const struct uiommu_platform *p = core->platform;

	for (;;) {
		pthread_mutex_lock(&core->lock);
		if (!held || !*held)
			break;
		pthread_mutex_unlock(&core->lock);
		p->relax(p->ctx);
	}
	list_del(node);
	pthread_mutex_unlock(&core->lock);
}

/* Where in an object of some type its node and its holders are. */
struct place {
	size_t node, held;
};

#define PLACE(type)                                              \
	{                                                        \
		offsetof(type, core_node), offsetof(type, held), \
	}
static const struct place group_place = PLACE(struct uiommu_group);
static const struct place domain_place = PLACE(struct uiommu_domain);
static const struct place ioas_place = PLACE(struct uiommu_ioas);

/* Let go of `obj`, NULL at first, and hold the one behind it; NULL: none. */
static void *next_object(struct uiommu_core *core, struct list *head,
			 const struct place *at, void *obj)
{
	struct list *node = head;
	char *next = NULL;

	pthread_mutex_lock(&core->lock);
	if (obj) {
		node = (void *)((char *)obj + at->node);
		--*(uint32_t *)(void *)((char *)obj + at->held);
	}
	if (node->next != head) {
		next = (char *)node->next - at->node;
		++*(uint32_t *)(void *)(next + at->held);
	}
	pthread_mutex_unlock(&core->lock);
	return next;
}

struct uiommu_group *core_next_group(struct uiommu_core *core,
				     struct uiommu_group *group)
{
	return next_object(core, &core->groups, &group_place, group);
}

struct uiommu_ioas *core_next_ioas(struct uiommu_core *core,
				   struct uiommu_ioas *ioas)
{
	return next_object(core, &core->ioases, &ioas_place, ioas);
}

/* --------------------------------------------------------------- lines -- */

#define line(...) uiommu_dump_line(__VA_ARGS__)

struct text {
	char s[64];
};

void uiommu_dump_line(const struct uiommu_dump *to, unsigned int depth,
		      const char *fmt, ...)
{
	char buf[1024];
	va_list ap;
	int at, len;

	at = snprintf(buf, sizeof(buf), "%*s", (int)(2 * (to->depth + depth)),
		      "");
	va_start(ap, fmt);
	len = vsnprintf(buf + at, sizeof(buf) - (size_t)at - 1, fmt, ap);
	va_end(ap);
	at += (int)min_u64((uint64_t)len, sizeof(buf) - (size_t)at - 2);
	buf[at++] = '\n';
	to->write(to->ctx, buf, (size_t)at);
}

static struct text address(const struct uiommu_dump *to, uint64_t addr,
			   uint64_t size)
{
	struct text text;

	if (to->address)
		to->address(to->ctx, addr, size, text.s, sizeof(text.s));
	else
		snprintf(text.s, sizeof(text.s), "0x%" PRIx64, addr);
	return text;
}

static struct text range(struct uiommu_range range)
{
	struct text text;

	snprintf(text.s, sizeof(text.s), "0x%" PRIx64 "..0x%" PRIx64,
		 range.first, range.last);
	return text;
}

/* --------------------------------------------------------------- units -- */

static const char *flag(bool on, const char *word)
{
	return on ? word : "";
}

static void dump_unit(const struct uiommu_dump *to, unsigned int i,
		      const struct core_unit *cunit)
{
	const struct uiommu_unit_caps *c = &cunit->caps;

	line(to, 1,
	     "unit %u driver=%s input=%u output=%u pgsizes=0x%" PRIx64
	     " granules=0x%x pasid_bits=%u%s%s%s%s%s%s%s",
	     i, cunit->unit->ops->name, c->ias, c->oas, c->pgsizes, c->granules,
	     c->max_pasid_lg2, flag(c->stage2, " stage2"),
	     flag(c->coherent, " coherent"),
	     flag(c->enforce_coherency, " enforce_coherency"),
	     flag(c->dirty_tracking, " dirty_tracking"),
	     flag(c->page_faults, " page_faults"),
	     flag(c->msi_translated, " msi_translated"),
	     flag(c->msi_isolated, " msi_isolated"));
}

static unsigned int unit_number(struct uiommu_core *core,
				const struct core_unit *cunit)
{
	const struct core_unit *it;
	unsigned int i = 0;

	/* Units only come. */
	pthread_mutex_lock(&core->lock);
	list_for_each(it, &core->units, node) {
		if (it == cunit)
			break;
		i++;
	}
	pthread_mutex_unlock(&core->lock);
	return i;
}

static void dump_units(struct uiommu_core *core, const struct uiommu_dump *to)
{
	const struct core_unit *it;
	unsigned int i = 0;

	pthread_mutex_lock(&core->lock);
	list_for_each(it, &core->units, node)
		dump_unit(to, i++, it);
	pthread_mutex_unlock(&core->lock);
}

/* -------------------------------------------------------------- groups -- */

static const char *resv_name(enum uiommu_resv_type type)
{
	static const char *const names[] = {
		[UIOMMU_RESV_DIRECT] = "direct",
		[UIOMMU_RESV_DIRECT_RELAXABLE] = "direct_relaxable",
		[UIOMMU_RESV_RESERVED] = "reserved",
		[UIOMMU_RESV_MSI] = "msi",
		[UIOMMU_RESV_SW_MSI] = "sw_msi",
	};

	return (size_t)type < ARRAY_SIZE(names) ? names[type] : "?";
}

/* What the device's hardware uses, where that is not what its group says. */
static const char *hw_state(const struct uiommu_device *dev,
			    const struct uiommu_group *group)
{
	const struct uiommu_domain *dom = core_group_current(group);
	const struct uiommu_hwdom *now = dev->hw->dom;

	/* Before its first domain a device is blocked too. */
	if (!now)
		return dom ? " hardware=none" : "";
	if (now == core_group_hwdom(group, dev))
		return "";
	return now == dev->cunit->blocked ? " hardware=blocked"
					  : " hardware=other";
}

/* Group lock held. */
static void dump_device(const struct uiommu_dump *to,
			const struct uiommu_device *dev)
{
	line(to, 2, "device %s unit=%u pasid_bits=%u%s%s%s%s", dev->name,
	     unit_number(dev->core, dev->cunit), dev->pasid_bits,
	     flag(dev->routes_by_address, " routes_by_address"),
	     flag(dev->aux_enabled, " aux"),
	     flag(load_relaxed(&dev->hw->ats), " ats"),
	     hw_state(dev, dev->group));
	for (unsigned int i = 0; i < dev->nr_resv; i++)
		line(to, 3, "reserved %s type=%s", range(dev->resv[i].range).s,
		     resv_name(dev->resv[i].type));
}

static int by_pasid(const void *a, const void *b)
{
	const struct core_pasid *x = a, *y = b;

	return x->pasid < y->pasid ? -1 : x->pasid > y->pasid;
}

/* Those that follow each other and are alike are one line; ascending. */
static void dump_sorted_pasids(const struct uiommu_dump *to,
			       const struct core_pasid *at, uint32_t nr)
{
	uint32_t first = 0;

	for (uint32_t i = 1; i <= nr; i++) {
		if (i < nr && at[i].pasid == at[i - 1].pasid + 1 &&
		    at[i].dom == at[first].dom &&
		    at[i].flags == at[first].flags)
			continue;
		line(to, 2, "pasid %u..%u domain=%u%s%s%s", at[first].pasid,
		     at[i - 1].pasid, at[first].dom->number,
		     flag(at[first].flags & CORE_PASID_AUX, " aux"),
		     flag(at[first].flags & CORE_PASID_SVA, " sva"),
		     flag(at[first].flags & CORE_PASID_LOST, " lost"));
		first = i;
	}
}

/* Group lock held. */
static void dump_pasids(const struct uiommu_dump *to,
			const struct uiommu_group *group)
{
	const struct core_pasid_map *map = &group->pasids;
	struct core_pasid *sorted;
	uint32_t nr = 0;

	if (!map->nr)
		return;
	sorted = core_alloc(group->core, map->nr * sizeof(*sorted));
	if (!sorted) {
		line(to, 2, "pasids %u \"no memory to sort them\"", map->nr);
		return;
	}
	for (uint32_t i = 0; i < map->size; i++)
		if (map->at[i].pasid)
			sorted[nr++] = map->at[i];
	qsort(sorted, nr, sizeof(*sorted), by_pasid);
	dump_sorted_pasids(to, sorted, nr);
	core_free(group->core, sorted);
}

static struct text domain_name(const struct uiommu_domain *dom)
{
	struct text text = { "blocked" };

	/* One that has come since the numbers were given has none. */
	if (dom)
		snprintf(text.s, sizeof(text.s), "%u", dom->number);
	return text;
}

static void dump_group(const struct uiommu_dump *to, struct uiommu_group *group)
{
	const struct uiommu_device *dev;

	pthread_mutex_lock(&group->lock);
	line(to, 1, "group %u domain=%s default=%s owned=%u", group->id,
	     domain_name(group->domain).s, domain_name(group->def).s,
	     group->owner_count);
	list_for_each(dev, &group->devices, group_node)
		dump_device(to, dev);
	dump_pasids(to, group);
	for (uint64_t slots = group->msi_slots; slots; slots &= slots - 1)
		line(to, 2, "doorbell slot=%u", ffs_u64(slots));
	pthread_mutex_unlock(&group->lock);
}

/* ------------------------------------------------------------- domains -- */

static void dump_guest_doorbell(const struct uiommu_dump *to,
				const struct core_msi_binding *binding)
{
	char slot[16] = "";

	if (binding->taken)
		snprintf(slot, sizeof(slot), " slot=%u", binding->slot);
	line(to, 2,
	     "guest_doorbell iova=0x%" PRIx64 " gpa=0x%" PRIx64 " granule=%u%s",
	     binding->iova, binding->gpa, binding->granule_lg2, slot);
}

static void dump_doorbells(const struct uiommu_dump *to,
			   struct uiommu_domain *dom)
{
	const struct core_msi_binding *it;
	struct uiommu_core *core = dom->core;
	struct core_msi_slot slot;

	pthread_mutex_lock(&dom->msi_lock);
	for (uint64_t slots = dom->msi_slots; slots; slots &= slots - 1) {
		unsigned int i = ffs_u64(slots);

		pthread_mutex_lock(&core->lock);
		slot = core->msi[i];
		pthread_mutex_unlock(&core->lock);
		line(to, 2, "doorbell slot=%u window=0x%" PRIx64 " page=%s", i,
		     slot.window, address(to, slot.page, 1).s);
	}
	list_for_each(it, &dom->msi_bindings, node)
		dump_guest_doorbell(to, it);
	pthread_mutex_unlock(&dom->msi_lock);
}

static const char *type_name(enum uiommu_dom_type type)
{
	static const char *const names[] = {
		[UIOMMU_DOM_BLOCKED] = "blocked",
		[UIOMMU_DOM_IDENTITY] = "identity",
		[UIOMMU_DOM_PAGING] = "paging",
		[UIOMMU_DOM_SHARED] = "shared",
		[UIOMMU_DOM_NESTED] = "nested",
	};

	return (size_t)type < ARRAY_SIZE(names) && names[type] ? names[type]
							       : "other";
}

static const char *use_name(enum core_use use)
{
	return use == CORE_USE_NORMAL ? " normal"
	       : use == CORE_USE_AUX  ? " auxiliary"
				      : "";
}

static void dump_guest(const struct uiommu_dump *to, struct uiommu_domain *dom)
{
	static const char *const states[] = {
		[UIOMMU_GUEST_TRANSLATE] = "translate",
		[UIOMMU_GUEST_BYPASS] = "bypass",
		[UIOMMU_GUEST_ABORT] = "abort",
	};
	const struct uiommu_pasid_table *table;

	pthread_rwlock_rdlock(&dom->bind_lock);
	if (dom->binding) {
		table = core_binding_table(dom->binding);
		line(to, 2, "guest state=%s pasid_bits=%u base=0x%" PRIx64,
		     states[table->state], table->pasid_bits, table->base);
	}
	pthread_rwlock_unlock(&dom->bind_lock);
}

static void dump_domain(const struct uiommu_dump *to, struct uiommu_domain *dom)
{
	const struct uiommu_pgtable_info *info = &dom->info;

	if (!dom->number)
		return;
	pthread_mutex_lock(&dom->lock);
	line(to, 1, "domain %u type=%s unit=%u users=%u%s%s%s%s", dom->number,
	     type_name(uiommu_domain_type(dom)),
	     unit_number(dom->core, dom->cunit), dom->attached,
	     use_name(dom->used || dom->attached ? dom->use : CORE_USE_NONE),
	     flag(dom->coherency, " coherency"),
	     flag(dom->dirty_tracking, " dirty_tracking"),
	     flag(load_acquire(&dom->dead), " dead"));
	if (dom->aux.nr)
		line(to, 2, "auxiliary parent=%s pasid=%u devices=%u",
		     domain_name(dom->aux.parent).s, dom->aux.pasid,
		     dom->aux.nr);
	pthread_mutex_unlock(&dom->lock);
	if (dom->parent)
		line(to, 2, "over parent=%s%s", domain_name(dom->parent).s,
		     flag(dom->viommu, " viommu"));
	dump_guest(to, dom);
	if (dom->hw->pt)
		line(to, 2,
		     "table aperture=%s output=%u pgsizes=0x%" PRIx64
		     " root=%s",
		     range(info->aperture).s, info->oas, info->pgsizes,
		     address(to, info->root, 1).s);
	dump_doorbells(to, dom);
}

/* --------------------------------------------------------------- IOASes -- */

/* Whether it is pinned is its maker's and its ender's to know. */
static const char *area_state(const struct core_area *area)
{
	switch (load_acquire(&area->state)) {
	case CORE_AREA_BUILDING:
		return " building";
	case CORE_AREA_DYING:
		return " dying";
	default:
		return flag(area->pinned, " pinned");
	}
}

/* IOAS lock held. */
static void dump_area(const struct uiommu_dump *to,
		      const struct core_area *area)
{
	uint64_t uva = area->pages->base + area->offset;
	const struct uiommu_range where = { area->node.first, area->node.last };

	line(to, 2, "area %s memory=%s%s%s%s%s%s%s", range(where).s,
	     address(to, uva, core_area_len(area)).s,
	     flag(area->prot & UIOMMU_PROT_READ, " read"),
	     flag(area->prot & UIOMMU_PROT_WRITE, " write"),
	     flag(area->prot & UIOMMU_PROT_EXEC, " exec"),
	     flag(area->prot & UIOMMU_PROT_PRIV, " priv"),
	     flag(area->pages->pin_flags & UIOMMU_PIN_MMIO_OK, " mmio_ok"),
	     area_state(area));
}

static bool is_below(const struct uiommu_range *a, const struct uiommu_range *b)
{
	return a->first != b->first ? a->first < b->first : a->last < b->last;
}

/* IOAS lock held.  The list has no order: the least above what was told. */
static void dump_reserved(const struct uiommu_dump *to,
			  const struct uiommu_ioas *ioas)
{
	const struct core_resv *it, *last = NULL, *next;

	for (;; last = next) {
		next = NULL;
		list_for_each(it, &ioas->reserved, node) {
			if (last && !is_below(&last->range, &it->range))
				continue;
			if (!next || is_below(&it->range, &next->range))
				next = it;
		}
		if (!next)
			return;
		line(to, 2, "reserved %s refs=%u", range(next->range).s,
		     next->refs);
	}
}

static void dump_ioas(const struct uiommu_dump *to, struct uiommu_ioas *ioas)
{
	const struct uiommu_domain *dom;
	struct itree_node *n;

	if (!ioas->number)
		return;
	pthread_rwlock_rdlock(&ioas->domains_lock);
	pthread_rwlock_rdlock(&ioas->lock);
	line(to, 1, "ioas %u domains=%u alignment=0x%" PRIx64 "%s",
	     ioas->number, ioas->nr_domains, ioas->alignment,
	     flag(!ioas->huge_pages, " small_pages"));
	list_for_each(dom, &ioas->domains, ioas_node)
		line(to, 2, "domain %u", dom->number);
	for (unsigned int i = 0; i < ioas->nr_allowed; i++)
		line(to, 2, "allowed %s", range(ioas->allowed[i]).s);
	dump_reserved(to, ioas);
	for (n = itree_find(&ioas->areas, 0); n; n = itree_next(n))
		dump_area(to, core_area_of(n));
	pthread_rwlock_unlock(&ioas->lock);
	pthread_rwlock_unlock(&ioas->domains_lock);
}

/* --------------------------------------------------------------- whole -- */

/* In the order of their making, without gaps, so that nothing of the past
 * shows.
 */
static void number_objects(struct uiommu_core *core)
{
	struct uiommu_domain *dom;
	struct uiommu_ioas *ioas;
	unsigned int n;

	pthread_mutex_lock(&core->lock);
	n = 0;
	list_for_each(dom, &core->domains, core_node)
		dom->number = ++n;
	n = 0;
	list_for_each(ioas, &core->ioases, core_node)
		ioas->number = ++n;
	pthread_mutex_unlock(&core->lock);
}

static unsigned int count_abandoned(struct uiommu_core *core)
{
	const struct core_pages *pages;
	unsigned int n = 0;

	pthread_mutex_lock(&core->lock);
	list_for_each(pages, &core->abandoned, abandoned)
		n++;
	pthread_mutex_unlock(&core->lock);
	return n;
}

static void dump_objects(struct uiommu_core *core, const struct uiommu_dump *to)
{
	void *obj = NULL;

	pthread_mutex_lock(&core->dump_lock);
	number_objects(core);
	line(to, 0, "core areas=%" PRIu64 " pinned=%" PRIu64 " abandoned=%u",
	     load_relaxed(&core->stats.areas),
	     load_relaxed(&core->stats.pinned_bytes), count_abandoned(core));
	dump_units(core, to);
	while ((obj = next_object(core, &core->groups, &group_place, obj)))
		dump_group(to, obj);
	while ((obj = core_next_ioas(core, obj)))
		dump_ioas(to, obj);
	while ((obj = next_object(core, &core->domains, &domain_place, obj)))
		dump_domain(to, obj);
	core_sva_dump(core, to);
	pthread_mutex_unlock(&core->dump_lock);
}

/* --------------------------------------------------------- page faults -- */

static void dump_fault_group(const struct uiommu_dump *to,
			     const struct uiommu_iopf_group *group)
{
	char pasid[16] = "none";

	if (group->pasid != UIOMMU_NO_PASID)
		snprintf(pasid, sizeof(pasid), "%u", group->pasid);
	line(to, 1, "group pasid=%s token=%u pages=%u%s", pasid, group->token,
	     group->nr, flag(group->stalled, " stalled"));
	for (unsigned int i = 0; i < group->nr; i++) {
		uint32_t perm = group->fault[i].perm;

		line(to, 2, "page 0x%" PRIx64 "%s%s%s%s", group->fault[i].iova,
		     flag(perm & UIOMMU_PAGE_READ, " read"),
		     flag(perm & UIOMMU_PAGE_WRITE, " write"),
		     flag(perm & UIOMMU_PAGE_EXEC, " exec"),
		     flag(perm & UIOMMU_PAGE_PRIV, " priv"));
	}
}

/* Of each device that waits for any. */
static void dump_page_faults(struct uiommu_core *core,
			     const struct uiommu_dump *to)
{
	const struct core_iopf_group *it;
	struct uiommu_device *dev;

	pthread_mutex_lock(&core->lock);
	list_for_each(dev, &core->devices, core_node) {
		pthread_mutex_lock(&dev->iopf.lock);
		if (dev->iopf.nr_partial || !list_empty(&dev->iopf.groups))
			line(to, 0, "page_faults %s partial=%u", dev->name,
			     dev->iopf.nr_partial);
		list_for_each(it, &dev->iopf.groups, node)
			dump_fault_group(to, &it->pub);
		pthread_mutex_unlock(&dev->iopf.lock);
	}
	pthread_mutex_unlock(&core->lock);
}

void uiommu_core_dump(struct uiommu_core *core, const struct uiommu_dump *to)
{
	if (to->parts & UIOMMU_DUMP_OBJECTS)
		dump_objects(core, to);
	if (to->parts & UIOMMU_DUMP_QUEUES)
		dump_page_faults(core, to);
}
