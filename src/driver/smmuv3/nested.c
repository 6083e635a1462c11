/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guests: the ops of nested.h.
 *
 * A guest's vSMMU is a user of its parent's attachment to the unit, from when it is
 * made, so that the VMID is there and stays.  The attachment counts its guests: a
 * flush of the parent then takes along what TLBs and ATCs have made of both stages.
 *
 * A nested domain is two words that the guest gave; stream.c makes an entry of them
 * and of the parent, when a device is attached.  Which vSID it has then goes into
 * an object that events find with the device.
 */
#include "guest.h"
#include "cmd.h"
#include "hw/smmuv3/event.h"
#include "hw/smmuv3/regs.h"
#include "mutant.h"
#include "unit.h"

#define to_vsmmu(v) container_of(v, struct smmuv3_vsmmu, hw)
#define to_vdev(v) container_of(v, struct smmuv3_vdev, hw)

/* Commands to one CMD_SYNC. */
#define BATCH 63u

/* Words of a client's, in place. */
static void from_le(uint64_t *words, size_t nr)
{
	le64_t word;
	size_t i;

	for (i = 0; i < nr; i++) {
		memcpy(&word, &words[i], sizeof(word));
		words[i] = le64_to_cpu(word);
	}
}

static struct smmuv3_unit *unit_of(const struct smmuv3_vsmmu *vsmmu)
{
	return to_smmuv3_unit(vsmmu->hw.unit);
}

/* -------------------------------------------------------------- vSMMUs -- */

/*
 * A guest must not be able to get past caches that the host does not clean: so the
 * SMMU and, as the unit's caps promise, devices snoop.
 */
static bool has_guests(const struct smmuv3_unit *unit)
{
	return unit->feat.s1 && unit->feat.s2 && unit->feat.coherent;
}

static bool viommu_has(struct uiommu_hwdev *dev, uint32_t type)
{
	return type == UIOMMU_VIOMMU_TYPE_ARM_SMMUV3 &&
	       has_guests(to_smmuv3_unit(dev->unit));
}

/* A vIOMMU of the kernel's kind has its parent from the same SMMU. */
static bool can_be_parent(struct uiommu_hwdom *hw,
			  const struct smmuv3_unit *unit, bool host_ids)
{
	const struct smmuv3_dom *dom = to_smmuv3_dom(hw);

	if (hw->unit->ops != unit->unit.ops || hw->type != UIOMMU_DOM_PAGING ||
	    !dom->nest_parent)
		return false;
	return host_ids ? !smmuv3_shape_misfit(&dom->shape, unit)
			: hw->unit == &unit->unit;
}

/* One guest more, or less, of an attachment that the caller uses. */
static uint16_t count_guest(struct smmuv3_dom *parent, struct smmuv3_unit *unit,
			    uint32_t add)
{
	struct smmuv3_att *att;
	uint16_t vmid;

	smmuv3_lock(unit, &parent->lock);
	att = smmuv3_att_find(parent, unit);
	if (!DRIVER_MUTANT("guest: counted"))
		fetch_add_acq_rel(&att->guests, add);
	vmid = att->vmid;
	/* Before a guest's entry: pairs with the fence in flush. */
	fence_full();
	smmuv3_unlock(unit, &parent->lock);
	return vmid;
}

static int viommu_alloc(struct uiommu_hwdev *dev, struct uiommu_hwdom *parent,
			uint32_t type, const struct uiommu_viommu_cfg *cfg,
			struct uiommu_hwviommu **out)
{
	struct smmuv3_unit *unit = to_smmuv3_unit(dev->unit);
	struct smmuv3_vsmmu *vsmmu;
	int rc;

	if (cfg->host_ids && !has_guests(unit))
		return -EOPNOTSUPP;
	if (!can_be_parent(parent, unit, cfg->host_ids)) {
		smmuv3_log(unit->unit.platform, UIOMMU_LOG_WARN,
			   "no vIOMMU: the parent is not for this SMMU");
		return -EINVAL;
	}
	vsmmu = smmuv3_obj_alloc(unit, sizeof(*vsmmu));
	if (!vsmmu)
		return -ENOMEM;
	vsmmu->hw.unit = dev->unit;
	vsmmu->hw.parent = parent;
	vsmmu->id = cfg->id;
	vsmmu->host_ids = cfg->host_ids;
	rc = smmuv3_lock_init(unit, &vsmmu->lock);
	if (rc)
		goto err_free;
	rc = smmuv3_att_get(to_smmuv3_dom(parent), unit);
	if (rc)
		goto err_lock;
	vsmmu->vmid = count_guest(to_smmuv3_dom(parent), unit, 1);
	smmuv3_lock(unit, &unit->dev_lock);
	vsmmu->next = unit->vsmmus;
	unit->vsmmus = vsmmu;
	smmuv3_unlock(unit, &unit->dev_lock);
	*out = &vsmmu->hw;
	return 0;

err_lock:
	smmuv3_lock_fini(unit, &vsmmu->lock);
err_free:
	smmuv3_obj_free(unit, vsmmu);
	return rc;
}

static void viommu_free(struct uiommu_hwviommu *hw)
{
	struct smmuv3_vsmmu *vsmmu = to_vsmmu(hw);
	struct smmuv3_dom *parent = to_smmuv3_dom(hw->parent);
	struct smmuv3_unit *unit = unit_of(vsmmu);
	struct smmuv3_vsmmu **link = &unit->vsmmus;

	smmuv3_lock(unit, &unit->dev_lock);
	while (*link != vsmmu)
		link = &(*link)->next;
	*link = vsmmu->next;
	smmuv3_unlock(unit, &unit->dev_lock);
	count_guest(parent, unit, UINT32_MAX);
	smmuv3_att_put(parent, unit, SMMUV3_LEAVE_UNUSED);
	smmuv3_lock_fini(unit, &vsmmu->lock);
	smmuv3_obj_free(unit, vsmmu);
}

/* ------------------------------------------------------- nested domains -- */

/* Of two words in CPU order. */
static int dom_new(struct uiommu_hwviommu *hw, const uint64_t q[2],
		   struct uiommu_hwdom **out)
{
	struct smmuv3_unit *unit = to_smmuv3_unit(hw->unit);
	struct smmuv3_vste vste;
	struct smmuv3_dom *dom;
	int rc = smmuv3_vste_check(q, &vste);

	if (rc)
		return rc;
	dom = smmuv3_obj_alloc(unit, sizeof(*dom));
	if (!dom)
		return -ENOMEM;
	dom->hwdom.unit = hw->unit;
	dom->hwdom.type = UIOMMU_DOM_NESTED;
	dom->vsmmu = to_vsmmu(hw);
	dom->vste = vste;
	*out = &dom->hwdom;
	return 0;
}

static int viommu_dom_alloc(struct uiommu_hwviommu *hw, uint32_t flags,
			    const struct uiommu_user_data *data,
			    struct uiommu_hwdom **out)
{
	struct uiommu_hwpt_smmuv3 user;
	int rc;

	if (flags)
		return -EOPNOTSUPP;
	rc = uiommu_user_get(data, UIOMMU_HWPT_DATA_ARM_SMMUV3, &user,
			     sizeof(user), sizeof(user));
	if (rc)
		return rc;
	from_le(user.ste, ARRAY_SIZE(user.ste));
	return dom_new(hw, user.ste, out);
}

static int viommu_dom_make(struct uiommu_hwviommu *hw,
			   const struct uiommu_pasid_table *table,
			   struct uiommu_hwdom **out)
{
	const struct smmuv3_dom *parent = to_smmuv3_dom(hw->parent);
	uint64_t q[2];
	int rc;

	rc = smmuv3_make_guest_words(&to_smmuv3_unit(hw->unit)->feat,
				     parent->info.ias, table, q);
	return rc ? rc : dom_new(hw, q, out);
}

void smmuv3_nested_free(struct smmuv3_dom *dom)
{
	smmuv3_obj_free(to_smmuv3_unit(dom->hwdom.unit), dom);
}

/* ------------------------------------------------------------- vdevices -- */

static struct smmuv3_vdev **list_of(struct smmuv3_vsmmu *vsmmu, uint64_t vsid)
{
	return &vsmmu->vdevs[vsid % SMMUV3_VDEV_LISTS];
}

static int vdev_alloc(struct uiommu_hwviommu *hw, struct uiommu_hwdev *d,
		      uint64_t virt_id, struct uiommu_hwvdev **out)
{
	struct smmuv3_vsmmu *vsmmu = to_vsmmu(hw);
	struct smmuv3_dev *dev = to_smmuv3_dev(d);
	struct smmuv3_unit *unit = unit_of(vsmmu);
	struct smmuv3_vdev *vdev;

	/* A command names one StreamID. */
	if (dev->nr_ids != 1)
		return -EOPNOTSUPP;
	vdev = smmuv3_obj_alloc(unit, sizeof(*vdev));
	if (!vdev)
		return -ENOMEM;
	vdev->hw = (struct uiommu_hwvdev){ hw, d, virt_id };
	smmuv3_lock(unit, &dev->lock);
	dev->vdev = vdev;
	smmuv3_unlock(unit, &dev->lock);
	smmuv3_lock(unit, &vsmmu->lock);
	vdev->next = *list_of(vsmmu, virt_id);
	*list_of(vsmmu, virt_id) = vdev;
	smmuv3_unlock(unit, &vsmmu->lock);
	*out = &vdev->hw;
	return 0;
}

static void vdev_free(struct uiommu_hwvdev *hw)
{
	struct smmuv3_vsmmu *vsmmu = to_vsmmu(hw->viommu);
	struct smmuv3_dev *dev = to_smmuv3_dev(hw->dev);
	struct smmuv3_unit *unit = unit_of(vsmmu);
	struct smmuv3_vdev **link = list_of(vsmmu, hw->virt_id);

	smmuv3_lock(unit, &vsmmu->lock);
	while (*link != to_vdev(hw))
		link = &(*link)->next;
	*link = to_vdev(hw)->next;
	smmuv3_unlock(unit, &vsmmu->lock);
	smmuv3_lock(unit, &dev->lock);
	dev->vdev = NULL;
	smmuv3_unlock(unit, &dev->lock);
	smmuv3_obj_free(unit, to_vdev(hw));
}

/* The StreamID that a guest means; -EIO: it has no such device. */
static int find_sid(struct smmuv3_vsmmu *vsmmu, uint32_t vsid, uint32_t *sid)
{
	struct smmuv3_unit *unit = unit_of(vsmmu);
	const struct smmuv3_vdev *it;

	smmuv3_lock(unit, &vsmmu->lock);
	it = *list_of(vsmmu, vsid);
	while (it && it->hw.virt_id != vsid &&
	       !DRIVER_MUTANT("vcmd: its own StreamIDs"))
		it = it->next;
	if (it)
		*sid = to_smmuv3_dev(it->hw.dev)->ids[0];
	smmuv3_unlock(unit, &vsmmu->lock);
	return it ? 0 : -EIO;
}

int smmuv3_vstream_make(const struct smmuv3_dev *dev,
			const struct smmuv3_dom *dom,
			struct smmuv3_vstream **out)
{
	const struct smmuv3_unit *unit = to_smmuv3_unit(dev->hwdev.unit);
	struct smmuv3_vstream *v;

	*out = NULL;
	if (dom->hwdom.type != UIOMMU_DOM_NESTED || dom->vsmmu->host_ids)
		return 0;
	/* Without it neither commands nor events would find each other. */
	if (!dev->vdev || (dev->vdev->hw.viommu != &dom->vsmmu->hw &&
			   !DRIVER_MUTANT("guest: whose vdevice")))
		return dom->vste.config == SMMU_STE_CONFIG_S1 ? -ENOENT : 0;
	v = smmuv3_obj_alloc(unit, sizeof(*v));
	if (!v)
		return -ENOMEM;
	v->id = dom->vsmmu->id;
	v->vsid = (uint32_t)dev->vdev->hw.virt_id;
	v->p = dev->p;
	*out = v;
	return 0;
}

void smmuv3_vstream_discard(struct smmuv3_vstream *v)
{
	if (v)
		v->p->obj_free(v->p->ctx, v);
}

static void vstream_free(struct uiommu_defer *defer)
{
	smmuv3_vstream_discard(
		container_of(defer, struct smmuv3_vstream, defer));
}

void smmuv3_vstream_publish(struct smmuv3_dev *dev, struct smmuv3_vstream *v)
{
	struct smmuv3_vstream *old = dev->guest;

	if (!v && DRIVER_MUTANT("vevent: a guest that has gone"))
		return;
	store_release(&dev->guest, v);
	if (old)
		old->p->defer(old->p->ctx, &old->defer, vstream_free);
}

/* ------------------------------------------------------- invalidations -- */

static int convert(struct smmuv3_vsmmu *vsmmu, struct smmu_cmd *cmd)
{
	uint32_t sid;
	int rc;

	rc = smmuv3_vcmd_check(&unit_of(vsmmu)->feat, cmd);
	if (rc)
		return rc;
	if (!smmuv3_vcmd_has_sid(cmd)) {
		if (!DRIVER_MUTANT("vcmd: VMID"))
			smmuv3_vcmd_set_vmid(cmd, vsmmu->vmid);
		return 0;
	}
	/* The command was made here, for a device that was found. */
	if (vsmmu->host_ids)
		return 0;
	rc = find_sid(vsmmu, FIELD_GET(SMMU_CMD_0_SID, cmd->q[0]), &sid);
	if (!rc && !DRIVER_MUTANT("vcmd: StreamID"))
		smmuv3_vcmd_set_sid(cmd, sid);
	return rc;
}

static int issue(struct smmuv3_vsmmu *vsmmu, const struct smmu_cmd *cmd,
		 uint32_t nr)
{
	struct smmuv3_batch batch;
	uint32_t i;
	int rc;

	if (!nr)
		return 0;
	smmuv3_batch_init(&batch, &unit_of(vsmmu)->cmdq);
	for (i = 0; i < nr; i++)
		if (!DRIVER_MUTANT("vcmd: issue"))
			smmuv3_batch_add(&batch, cmd[i]);
	rc = smmuv3_batch_sync(&batch);
	/* Its device holds what the guest has mapped, and nothing else. */
	return rc == SMMUV3_DISOBEYED ? 0 : rc;
}

/* In order; what comes before a bad one is carried out. *done is a whole batch. */
static int run(struct smmuv3_vsmmu *vsmmu, struct smmu_cmd *cmd, uint32_t nr,
	       uint32_t *done)
{
	uint32_t from = 0, i = 0;
	int rc = 0, err;

	*done = 0;
	while (from < nr && !rc) {
		while (i < nr && i - from < BATCH && !rc) {
			rc = convert(vsmmu, &cmd[i]);
			i += !rc;
		}
		err = rc && DRIVER_MUTANT("vcmd: those before a bad one")
			      ? 0
			      : issue(vsmmu, cmd + from, i - from);
		if (err)
			return err;
		*done = from = i;
	}
	return rc;
}

static int viommu_invalidate(struct uiommu_hwviommu *hw,
			     struct uiommu_user_array *array)
{
	const struct uiommu_user_array all = *array;
	struct smmuv3_vsmmu *vsmmu = to_vsmmu(hw);
	struct smmuv3_unit *unit = unit_of(vsmmu);
	struct smmu_cmd *cmd;
	int rc;

	array->entry_num = 0;
	if (!all.entry_num || all.type != UIOMMU_VIOMMU_INVALIDATE_ARM_SMMUV3)
		return -EINVAL;
	cmd = smmuv3_obj_alloc(unit, all.entry_num * sizeof(*cmd));
	if (!cmd)
		return -ENOMEM;
	rc = uiommu_user_get_all(&all, all.type, cmd, sizeof(*cmd));
	if (!rc) {
		from_le(cmd[0].q, (size_t)all.entry_num * SMMU_CMD_QWORDS);
		rc = run(vsmmu, cmd, all.entry_num, &array->entry_num);
	}
	smmuv3_obj_free(unit, cmd);
	return rc;
}

/* Commands made here, in batches like those of a client. */
struct sender {
	struct smmuv3_vsmmu *vsmmu;
	struct smmu_cmd cmd[BATCH];
	uint32_t nr;
	int rc; /* the first error, or -ETIMEDOUT: nothing is sent any more */
};

static void send_all(struct sender *s)
{
	int rc = issue(s->vsmmu, s->cmd, s->nr);

	if (!s->rc || rc == -ETIMEDOUT)
		s->rc = rc;
	s->nr = 0;
}

static bool send(void *ctx, struct smmu_cmd cmd)
{
	struct sender *s = ctx;
	int rc;

	if (s->rc == -ETIMEDOUT)
		return false;
	rc = convert(s->vsmmu, &cmd);
	s->rc = s->rc ? s->rc : rc;
	if (!rc)
		s->cmd[s->nr++] = cmd;
	if (s->nr == BATCH)
		send_all(s);
	return s->rc != -ETIMEDOUT;
}

/* StreamIDs that something is to be forgotten of, ascending: the lowest from `from`. */
struct streams {
	uint64_t from;
	unsigned int nr;
	struct {
		uint32_t sid;
		bool pasids;
	} at[64];
};

static void add_stream(struct streams *to, uint32_t sid, bool pasids)
{
	unsigned int i = to->nr;

	if (sid < to->from)
		return;
	if (i == ARRAY_SIZE(to->at)) {
		if (sid > to->at[--i].sid)
			return;
	} else {
		to->nr++;
	}
	for (; i && to->at[i - 1].sid > sid; i--)
		to->at[i] = to->at[i - 1];
	to->at[i].sid = sid;
	to->at[i].pasids = pasids;
}

/* dev->lock is held, so that its domain and its caches are of one another. */
static void find_streams(const struct smmuv3_vsmmu *vsmmu,
			 const struct smmuv3_dev *dev,
			 enum uiommu_cache_type type, struct streams *to)
{
	struct uiommu_hwdom *now = dev->hwdev.dom;
	unsigned int i;

	if (!now || now->type != UIOMMU_DOM_NESTED ||
	    to_smmuv3_dom(now)->vsmmu != vsmmu)
		return;
	if (type == UIOMMU_CACHE_DEVICE_TLB && !load_acquire(&dev->ats_on))
		return;
	for (i = 0; i < dev->nr_ids; i++) {
		if (i && DRIVER_MUTANT("forget: every StreamID"))
			return;
		add_stream(to, dev->ids[i], dev->pasid_bits != 0);
	}
}

/* `only`: of one device, NULL: of all that have a domain of the guest. */
static void next_streams(const struct smmuv3_vsmmu *vsmmu,
			 const struct smmuv3_dev *only,
			 enum uiommu_cache_type type, struct streams *to)
{
	struct smmuv3_unit *unit = unit_of(vsmmu);
	struct smmuv3_dev *dev;

	to->nr = 0;
	smmuv3_lock(unit, &unit->dev_lock);
	for (dev = unit->devs; dev; dev = dev->next) {
		if (only && dev != only)
			continue;
		smmuv3_lock(unit, &dev->lock);
		find_streams(vsmmu, dev, type, to);
		smmuv3_unlock(unit, &dev->lock);
	}
	smmuv3_unlock(unit, &unit->dev_lock);
}

/*
 * Nobody waits for a device that does not answer but who sends to it: no lock is held
 * by then.  One that has got another domain meanwhile forgets in vain.
 */
static void forget_of_devs(struct sender *s, const struct smmuv3_dev *only,
			   const struct uiommu_cache_info *info)
{
	struct streams streams = { .from = 0 };
	unsigned int i;

	do {
		next_streams(s->vsmmu, only, info->type, &streams);
		for (i = 0; i < streams.nr && s->rc != -ETIMEDOUT; i++) {
			uint32_t sid = streams.at[i].sid;

			if (info->type == UIOMMU_CACHE_PASID)
				smmuv3_forget_contexts(info, sid, send, s);
			else
				smmuv3_forget_atc(info, sid,
						  streams.at[i].pasids, send,
						  s);
			streams.from = (uint64_t)sid + 1;
		}
	} while (streams.nr == ARRAY_SIZE(streams.at) && s->rc != -ETIMEDOUT);
}

static int viommu_forget(struct uiommu_hwviommu *hw, struct uiommu_hwdev *dev,
			 const struct uiommu_cache_info *info)
{
	struct sender s = { .vsmmu = to_vsmmu(hw) };
	const struct smmuv3_features *f = &unit_of(s.vsmmu)->feat;
	int rc;

	rc = smmuv3_forget_check(f, info);
	if (rc)
		return rc;
	if (info->type == UIOMMU_CACHE_TLB)
		smmuv3_forget_tlb(f, info, send, &s);
	else
		forget_of_devs(&s, dev ? to_smmuv3_dev(dev) : NULL, info);
	if (s.rc != -ETIMEDOUT)
		send_all(&s);
	return s.rc;
}

/* --------------------------------------------------------------- events -- */

/*
 * Its own entry and contexts, and faults at either stage, which wait for nobody.
 * Not what an aborted fetch leaves (F_STE_FETCH, F_CD_FETCH, F_WALK_EABT): that has
 * the physical address of the fetch (IHI 0070 7.3), and the host has put there what
 * aborts.
 */
static bool is_guests(const struct uiommu_fault *fault)
{
	if (fault->flags & UIOMMU_FAULT_STALLED)
		return false;
	switch (fault->raw_type) {
	case SMMU_EVT_C_BAD_STE:
	case SMMU_EVT_F_STREAM_DISABLED:
	case SMMU_EVT_C_BAD_SUBSTREAMID:
	case SMMU_EVT_C_BAD_CD:
	case SMMU_EVT_F_TRANSLATION:
	case SMMU_EVT_F_ADDR_SIZE:
	case SMMU_EVT_F_ACCESS:
	case SMMU_EVT_F_PERMISSION:
		return true;
	default:
		return false;
	}
}

/* As the guest's SMMU would write it. */
static void make_vevent(const struct smmuv3_vstream *v,
			const struct uiommu_fault *fault,
			struct uiommu_vevent_smmuv3 *event)
{
	bool s2 = fault->flags & UIOMMU_FAULT_STAGE2;
	le64_t words[SMMU_EVT_QWORDS];
	unsigned int i;

	for (i = 0; i < SMMU_EVT_QWORDS; i++)
		words[i] = cpu_to_le64(fault->raw[i]);
	if (!DRIVER_MUTANT("vevent: StreamID"))
		words[0] = cpu_to_le64((fault->raw[0] & ~SMMU_EVT_0_SID) |
				       FIELD_PREP(SMMU_EVT_0_SID, v->vsid));
	/* The IPA, or UNKNOWN, which may be an address of the host's. */
	if (!s2 && !DRIVER_MUTANT("vevent: unknown IPA"))
		words[3] = cpu_to_le64(0);
	memcpy(event->evt, words, sizeof(event->evt));
}

bool smmuv3_guest_event(struct smmuv3_unit *unit,
			const struct smmuv3_vstream *v,
			const struct uiommu_fault *fault)
{
	const struct uiommu_host_ops *host = unit->unit.host;
	bool s2 = fault->flags & UIOMMU_FAULT_STAGE2;
	struct uiommu_vevent_smmuv3 event;
	int rc;

	if (!v->id || !is_guests(fault) || !host || !host->report_vevent)
		return false;
	if (s2 && DRIVER_MUTANT("vevent: stage 2"))
		return false;
	make_vevent(v, fault, &event);
	rc = host->report_vevent(unit->unit.host_ctx, &unit->unit, v->id,
				 UIOMMU_VEVENTQ_TYPE_ARM_SMMUV3, &event,
				 sizeof(event));
	return rc != -EOPNOTSUPP && !(s2 && !DRIVER_MUTANT("vevent: host"));
}

/* The guest with the lowest id above `after`, 0: there is none. */
static uint64_t next_guest(struct smmuv3_unit *unit, uint64_t after)
{
	const struct smmuv3_vsmmu *it;
	uint64_t id = 0;

	smmuv3_lock(unit, &unit->dev_lock);
	for (it = unit->vsmmus; it; it = it->next)
		if (it->id > after && (!id || it->id < id))
			id = it->id;
	smmuv3_unlock(unit, &unit->dev_lock);
	return id;
}

void smmuv3_guest_events_lost(struct smmuv3_unit *unit)
{
	const struct uiommu_host_ops *host = unit->unit.host;
	uint64_t id = 0;

	if (!host || !host->report_vevent || DRIVER_MUTANT("vevent: lost"))
		return;
	while ((id = next_guest(unit, id)))
		(void)host->report_vevent(unit->unit.host_ctx, &unit->unit, id,
					  UIOMMU_VEVENTQ_TYPE_ARM_SMMUV3, NULL,
					  0);
}

const struct uiommu_nested_ops smmuv3_nested_ops = {
	.viommu_has = viommu_has,
	.viommu_alloc = viommu_alloc,
	.viommu_free = viommu_free,
	.viommu_dom_alloc = viommu_dom_alloc,
	.viommu_invalidate = viommu_invalidate,
	.viommu_dom_make = viommu_dom_make,
	.viommu_forget = viommu_forget,
	.vdev_alloc = vdev_alloc,
	.vdev_free = vdev_free,
};
