/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From gathers to commands.
 *
 * A gather says which addresses changed, the size of the smallest leaf that was
 * there, and whether tables went too.  Where the hardware knows ranges
 * (IDR3.RIL) a range becomes a few commands, each for (NUM + 1) << SCALE
 * granules; else one command for each leaf.  The commands cover the range and
 * nothing else: what is outside stays cached.
 *
 * Without ranges the count can be large.  From some number on it is better to
 * drop the whole ASID or VMID by one command and let the rest of the domain
 * refill.  Where that is depends on how much of the TLB the domain uses; the
 * bench measures both sides (driver/flush/command, driver/flush/refill): on our
 * model a command costs 73 ns and one entry refilled from warm tables 16, so
 * MAX_COMMANDS commands pay for some 580 entries.  They also fill half of a
 * queue that others want to use, which is why it is not more.
 *
 * One CMD_SYNC ends a flush.  Page table entries were cleared before the call;
 * the fence orders that before the look at the attachments (domain.c).
 */
#include "cmd.h"
#include "mutant.h"
#include "unit.h"

/* Half of a command queue of the default size. */
#define MAX_COMMANDS 128u

/* SCALE is five bits wide without IDR5.DS; with it, more than 39 means 39. */
#define SCALE_MAX 31u
#define SCALE_MAX_DS 39u
#define NUM_MAX 31u

static enum smmu_cmd_tg tg_code(uint8_t granule_lg2)
{
	switch (granule_lg2) {
	case 14:
		return SMMU_CMD_TG_16K;
	case 16:
		return SMMU_CMD_TG_64K;
	default:
		return SMMU_CMD_TG_4K;
	}
}

/* Bytes that an entry at `level` translates, as an exponent. */
static unsigned int level_lg2(uint8_t granule_lg2, int level)
{
	return granule_lg2 + (3 - level) * (granule_lg2 - 3);
}

/*
 * The level hint for a range: only where all leaves stood at one level that the
 * field can say, no table went, and both ends are aligned to such a leaf, as
 * the architecture demands.
 */
static uint8_t ttl_of(const struct smmuv3_inv_target *target,
		      const struct uiommu_gather_range *range)
{
	unsigned int lg2;

	if (!range->leaf_only || range->level < 1 || range->level > 3)
		return 0;
	/* Level 1 with 16K granules means "any" without DS. */
	if (target->granule_lg2 == 14 && range->level == 1 && !target->ds)
		return 0;
	lg2 = level_lg2(target->granule_lg2, range->level);
	if ((range->first | (range->last + 1)) & mask_lg2(lg2))
		return 0;
	return range->level;
}

static struct smmu_cmd make_tlbi(const struct smmuv3_inv_target *target,
				 const struct smmuv3_tlbi_va *va)
{
	if (target->stage2)
		return smmuv3_make_tlbi_s2_ipa(va);
	return target->all_asids ? smmuv3_make_tlbi_nh_vaa(va)
				 : smmuv3_make_tlbi_nh_va(va);
}

/* Granules in ranges of the form (NUM + 1) << SCALE. */
static void split_ranges(const struct smmuv3_inv_target *target,
			 const struct uiommu_gather_range *range,
			 smmuv3_emit_fn *emit, void *ctx)
{
	uint64_t left, take;
	struct smmuv3_tlbi_va va = {
		.addr = align_down_lg2(range->first, target->granule_lg2),
		.vmid = target->vmid,
		.asid = target->asid,
		.leaf = range->leaf_only,
	};
	uint8_t ttl = ttl_of(target, range);
	unsigned int scale, max = target->ds ? SCALE_MAX_DS : SCALE_MAX;

	left = ((range->last - va.addr) >> target->granule_lg2) + 1;
	while (left) {
		scale = min_u64(ffs_u64(left), max);
		take = (left >> scale) & NUM_MAX;
		/* Only at the largest scale can the low five bits be zero. */
		if (!take)
			take = NUM_MAX + 1;
		va.tg = tg_code(target->granule_lg2);
		va.ttl = ttl;
		va.num = take - 1;
		va.scale = scale;
		/* One granule and no hint is illegal as a range. */
		if (!va.num && !va.scale && !va.ttl)
			va.tg = SMMU_CMD_TG_SINGLE;
		if (!DRIVER_MUTANT("flush: TLBI of a range") &&
		    !emit(ctx, make_tlbi(target, &va)))
			return;
		va.addr += take << (scale + target->granule_lg2);
		left -= take << scale;
	}
}

/*
 * The step between single addresses: the largest block size that is not larger
 * than the smallest leaf.  A contiguous run may be cached as its parts, so it
 * does not count as one.
 */
static unsigned int stride_of(const struct smmuv3_inv_target *target,
			      const struct uiommu_gather_range *range)
{
	unsigned int lg2 = target->granule_lg2, next;
	int level;

	for (level = 2; level >= 0; level--) {
		next = level_lg2(target->granule_lg2, level);
		if (next > range->stride_lg2)
			break;
		lg2 = next;
	}
	return lg2;
}

static void split_addresses(const struct smmuv3_inv_target *target,
			    const struct uiommu_gather_range *range,
			    smmuv3_emit_fn *emit, void *ctx)
{
	unsigned int lg2 = stride_of(target, range);
	struct smmuv3_tlbi_va va = {
		.addr = align_down_lg2(range->first, lg2),
		.vmid = target->vmid,
		.asid = target->asid,
		.leaf = range->leaf_only,
	};

	for (;;) {
		if (!DRIVER_MUTANT("flush: TLBI of an address") &&
		    !emit(ctx, make_tlbi(target, &va)))
			return;
		/* Written so that the end of the address space is no trap. */
		if (range->last - va.addr <= mask_lg2(lg2))
			return;
		va.addr += BIT64(lg2);
	}
}

void smmuv3_inv_range(const struct smmuv3_inv_target *target,
		      const struct uiommu_gather_range *range,
		      smmuv3_emit_fn *emit, void *ctx)
{
	if (target->range)
		split_ranges(target, range, emit, ctx);
	else
		split_addresses(target, range, emit, ctx);
}

/* -------------------------------------------------------------- flushes -- */

static bool count_command(void *ctx, struct smmu_cmd cmd)
{
	unsigned int *nr = ctx;

	return ++*nr <= MAX_COMMANDS;
}

static bool add_command(void *ctx, struct smmu_cmd cmd)
{
	smmuv3_batch_add(ctx, cmd);
	return true;
}

/* Is dropping the whole ASID the better way? */
static bool too_many(const struct smmuv3_inv_target *target,
		     const struct uiommu_gather *gather)
{
	unsigned int nr = 0;
	uint32_t i;

	/* Tables without a range: say nothing about where, so everywhere. */
	if (!gather || !gather->nr_ranges)
		return true;
	for (i = 0; i < gather->nr_ranges && nr <= MAX_COMMANDS; i++)
		smmuv3_inv_range(target, &gather->range[i], count_command, &nr);
	return nr > MAX_COMMANDS;
}

static struct smmu_cmd drop_tag(const struct smmuv3_att *att, bool stage2)
{
	return stage2 ? smmuv3_make_tlbi_s12_vmall(load_relaxed(&att->vmid))
		      : smmuv3_make_tlbi_nh_asid(att->vmid,
						 load_relaxed(&att->asid));
}

/*
 * What TLBs have made of both stages is not found by an IPA (IHI 0070 4.4.3.1).  It
 * can be made anew as long as the second stage is not forgotten.
 */
static void forget_combined(struct smmuv3_batch *batch, uint16_t vmid)
{
	if (DRIVER_MUTANT("flush: TLBI of both stages"))
		return;
	smmuv3_batch_add(batch, smmuv3_make_sync());
	smmuv3_batch_add(batch, smmuv3_make_tlbi_nh_all(vmid));
}

/* Hand one attachment's commands over.  gather NULL: everything. */
static void submit_att(const struct smmuv3_dom *dom,
		       const struct smmuv3_att *att,
		       const struct uiommu_gather *gather,
		       struct smmuv3_ticket *ticket)
{
	struct smmuv3_unit *unit = att->unit;
	struct smmuv3_inv_target target = {
		.vmid = load_relaxed(&att->vmid),
		.asid = load_relaxed(&att->asid),
		.granule_lg2 = dom->shape.granule_lg2,
		.range = unit->feat.ril,
		.stage2 = dom->shape.stage == 2,
		.ds = unit->feat.ds,
	};
	struct smmuv3_batch batch;
	uint32_t i;

	smmuv3_batch_init(&batch, &unit->cmdq);
	/*
	 * An entry of before may be in use still, and with it an ATC that nobody
	 * tells any more: the one in memory aborts.
	 */
	if (load_relaxed(&att->doubtful) &&
	    !DRIVER_MUTANT("flush: CFGI of a doubtful one"))
		smmuv3_batch_add(&batch, smmuv3_make_cfgi_all());
	fetch_add_relaxed(&unit->flushes, 1);
	if (too_many(&target, gather)) {
		fetch_add_relaxed(&unit->full_flushes, 1);
		if (!DRIVER_MUTANT("flush: TLBI of the tag"))
			smmuv3_batch_add(&batch, drop_tag(att, target.stage2));
	} else {
		for (i = 0; i < gather->nr_ranges; i++)
			smmuv3_inv_range(&target, &gather->range[i],
					 add_command, &batch);
		if (load_acquire(&att->guests))
			forget_combined(&batch, target.vmid);
	}
	smmuv3_batch_submit(&batch, ticket);
}

/* How many SMMUs work on a flush at the same time: bounds the stack. */
#define MAX_TICKETS 32

static int wait_all(const struct smmuv3_ticket *ticket, unsigned int nr)
{
	unsigned int i;
	int rc = 0, err;

	for (i = 0; i < nr; i++) {
		err = smmuv3_ticket_wait(&ticket[i]);
		rc = rc ? rc : err;
	}
	return rc;
}

/*
 * To every SMMU, each with one CMD_SYNC, before the first is waited for.  An
 * attachment that comes while the list is read need not be found: whoever
 * publishes it reads the entries that the caller has cleared.
 */
static int flush_dom(struct smmuv3_dom *dom, const struct uiommu_gather *gather)
{
	const struct uiommu_platform *p = dom->hwdom.unit->platform;
	struct smmuv3_ticket ticket[MAX_TICKETS];
	const struct smmuv3_att *att;
	unsigned int nr = 0;
	int rc = 0, err;

	/* Entries are cleared before the list is read: pairs with att_get. */
	fence_full();
	p->read_begin(p->ctx);
	for (att = load_acquire(&dom->atts); att;
	     att = load_acquire(&att->next)) {
		if (load_acquire(&att->unit->gone))
			continue;
		if (nr == MAX_TICKETS) {
			err = wait_all(ticket, nr);
			rc = rc ? rc : err;
			nr = 0;
		}
		submit_att(dom, att, gather, &ticket[nr++]);
		if (DRIVER_MUTANT("flush: every unit"))
			break;
	}
	err = wait_all(ticket, nr);
	rc = rc ? rc : err;
	p->read_end(p->ctx);
	/* Not before: a device would be given again what a TLB has. */
	return rc ? rc : smmuv3_ats_flush(dom, gather);
}

int smmuv3_flush(struct uiommu_hwdom *d, const struct uiommu_gather *gather)
{
	if (!smmuv3_translates(to_smmuv3_dom(d)) || uiommu_gather_empty(gather))
		return 0;
	return flush_dom(to_smmuv3_dom(d), gather);
}

int smmuv3_flush_all(struct uiommu_hwdom *d)
{
	if (!smmuv3_translates(to_smmuv3_dom(d)))
		return 0;
	return flush_dom(to_smmuv3_dom(d), NULL);
}

/*
 * The hardware may have kept that a page is dirty and not say so again until it
 * has forgotten it: only then has the caller seen every write up to its call.
 */
int smmuv3_read_dirty(struct uiommu_hwdom *d, uiommu_iova_t iova, uint64_t len,
		      uint32_t flags, uiommu_dirty_fn *fn, void *ctx)
{
	struct uiommu_gather gather;
	int rc, err;

	if (d->type != UIOMMU_DOM_PAGING) {
		smmuv3_log(d->unit->platform, UIOMMU_LOG_WARN,
			   "no dirty state: not a domain of pages of ours");
		return -EOPNOTSUPP;
	}
	uiommu_gather_init(&gather);
	rc = uiommu_pgtable_read_and_clear_dirty(d->pt, iova, len, flags, fn,
						 ctx, &gather);
	if (DRIVER_MUTANT("dirty: flush of what was cleared"))
		return rc;
	err = smmuv3_flush(d, &gather);
	/* No table is in it. */
	return rc ? rc : err;
}

int smmuv3_inv_att(const struct smmuv3_att *att)
{
	bool stage2 = att->vmid != SMMUV3_S1_VMID;
	struct smmuv3_batch batch;
	int rc;

	/* Off, and so are its caches. */
	if (att->unit->gone)
		return 0;
	if (att->doubtful && !DRIVER_MUTANT("domain: CFGI of a doubtful one")) {
		smmuv3_batch_init(&batch, &att->unit->cmdq);
		smmuv3_batch_add(&batch, smmuv3_make_cfgi_all());
		rc = smmuv3_batch_sync(&batch);
		if (rc)
			return rc;
	}
	smmuv3_batch_init(&batch, &att->unit->cmdq);
	smmuv3_batch_add(&batch, drop_tag(att, stage2));
	return smmuv3_batch_sync(&batch);
}
