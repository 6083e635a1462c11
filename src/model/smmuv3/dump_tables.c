/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dump_tables.c - the stream table and the tables of context descriptors
 * (IHI 0070 5.1 to 5.4): every entry that is valid, by the names of its fields.
 * Entries next to each other that are the same word by word are one line.
 */
#include <inttypes.h>
#include <string.h>

#include "dump.h"
#include "hw/smmuv3/names.h"

/* -------------------------------------------------------------- fields -- */

struct field {
	const char *name;
	unsigned int word;
	uint64_t mask;
	bool address;
	bool always;
};

#define FIELD(name, word, mask) \
	{ #name, word, mask, .always = (mask) == SMMU_STE_0_CONFIG },
#define ADDRESS(name, word, mask) { #name, word, mask, .address = true },
static const struct field ste_fields[] = { SMMU_STE_FIELDS(
	FIELD) SMMU_STE_ADDRESSES(ADDRESS) };
static const struct field cd_fields[] = { SMMU_CD_FIELDS(FIELD)
						  SMMU_CD_ADDRESSES(ADDRESS) };
#undef FIELD
#undef ADDRESS

/* Those that are not 0; what belongs to no field as words. */
static void add_fields(struct dump *d, const struct field *fields, size_t n,
		       const uint64_t *words, unsigned int nr_words,
		       bool by_stage2)
{
	uint64_t rest[SMMU_STE_QWORDS];

	memcpy(rest, words, nr_words * sizeof(*rest));
	for (size_t i = 0; i < n; i++) {
		const struct field *f = &fields[i];
		uint64_t bits = words[f->word] & f->mask;

		rest[f->word] &= ~f->mask;
		/* An STE that aborts says so. */
		if (!bits && !f->always)
			continue;
		dump_add(d, " %s=", f->name);
		if (!f->address)
			dump_add(d, "0x%" PRIx64,
				 bits >> __builtin_ctzll(f->mask));
		else if (by_stage2)
			dump_add(d, "0x%" PRIx64, bits);
		else
			dump_address(d, bits, 1);
	}
	for (unsigned int i = 0; i < nr_words; i++)
		if (rest[i])
			dump_add(d, " word%u=0x%" PRIx64, i, rest[i]);
}

/* ---------------------------------------------------------------- runs -- */

/* Entries [first, last] that are the same. */
struct entries {
	bool any;
	uint32_t first, last;
	uint64_t q[SMMU_STE_QWORDS];
	const char *why; /* ILLEGAL, or NULL */
	bool unreadable;
};

/* Is it one more of them?  Then it has been added. */
static bool same_entry(struct entries *run, const struct entries *one)
{
	if (!run->any || run->last + 1 != one->first ||
	    run->unreadable != one->unreadable || run->why != one->why ||
	    memcmp(run->q, one->q, sizeof(run->q)))
		return false;
	run->last = one->last;
	return true;
}

static void begin_entry(struct dump *d, const char *kind,
			const struct entries *run)
{
	dump_begin(d, "%s 0x%x", kind, run->first);
	if (run->last != run->first)
		dump_add(d, "..0x%x", run->last);
	if (run->unreadable)
		dump_add(d, " unreadable");
}

static void end_entry(struct dump *d, const struct entries *run)
{
	if (run->why)
		dump_add(d, " illegal=\"%s\"", run->why);
	dump_end(d);
}

/* ------------------------------------------------------------------ CDs -- */

struct stream {
	struct dump *d;
	struct msmmu_txn *t;
	const struct smmu_ste *ste;
	const struct msmmu_ctx *base; /* what the STE says */
	struct msmmu_ctx ctx;	      /* and a CD */
	struct entries run;
};

static void flush_cds(struct stream *s)
{
	struct dump *d = s->d;
	struct smmu_cd cd;

	if (!s->run.any)
		return;
	s->run.any = false;
	begin_entry(d, "CD", &s->run);
	if (!s->run.unreadable)
		add_fields(d, cd_fields, ARRAY_SIZE(cd_fields), s->run.q,
			   SMMU_CD_QWORDS, s->base->s2);
	end_entry(d, &s->run);
	if (s->run.unreadable || s->run.why)
		return;
	memcpy(cd.q, s->run.q, sizeof(cd.q));
	s->ctx = *s->base;
	msmmu_cd_decode(d->m, &cd, &s->ctx);
	msmmu_ctx_set_views(d->m, &s->ctx);
	s->t->ctx = &s->ctx;
	d->depth++;
	dump_context(d, s->t);
	d->depth--;
}

static void add_cd(struct stream *s, const struct entries *one)
{
	if (same_entry(&s->run, one))
		return;
	flush_cds(s);
	s->run = *one;
}

/*
 * The CD `index`, or the table that it would be in; returns the index to go on
 * with.
 */
static uint32_t visit_cd(struct stream *s, uint32_t index, unsigned int split)
{
	uint32_t beyond = align_down_lg2(index, split) + BIT32(split);
	struct entries one = { .any = true, .first = index, .last = index };
	uint64_t pa = UIOMMU_PA_INVALID;
	struct smmu_cd cd;
	bool cacheable;

	s->ctx = *s->base;
	s->t->ctx = &s->ctx;
	if (!msmmu_cd_load(s->t, s->ste, &s->ctx, index, &cd, &pa,
			   &cacheable)) {
		switch (s->ctx.fault.type) {
		case SMMU_EVT_C_BAD_SUBSTREAMID:
			return beyond; /* no table here */
		case SMMU_EVT_C_BAD_CD:
			one.why = s->ctx.fault.reason;
			break;
		default:
			one.unreadable = true;
			if (pa == UIOMMU_PA_INVALID)
				one.last = beyond - 1;
			break;
		}
	}
	if (!one.unreadable) {
		memcpy(one.q, cd.q, sizeof(one.q));
		if (!(cd.q[0] & SMMU_CD_0_V))
			return index + 1;
	}
	add_cd(s, &one);
	return one.last + 1;
}

static void dump_cds(struct dump *d, struct msmmu_txn *t,
		     const struct smmu_ste *ste, const struct msmmu_ctx *base)
{
	struct stream s = { .d = d, .t = t, .ste = ste, .base = base };
	unsigned int fmt = FIELD_GET(SMMU_STE_0_S1FMT, ste->q[0]);
	unsigned int cdmax = d->m->caps.ssid_bits
				     ? FIELD_GET(SMMU_STE_0_S1CDMAX, ste->q[0])
				     : 0;
	unsigned int split = !cdmax			   ? 0
			     : fmt == SMMU_STE_S1FMT_4K_L2 ? SMMU_CD_4K_L2_SPLIT
			     : fmt == SMMU_STE_S1FMT_64K_L2
				     ? SMMU_CD_64K_L2_SPLIT
				     : 0;
	uint32_t index = 0;

	while (index < BIT32(cdmax) && dump_spend(d, base->s2 ? 36 : 9))
		index = visit_cd(&s, index, split);
	flush_cds(&s);
}

/* ----------------------------------------------------------------- STEs -- */

/* What transactions of the stream go through. */
static void dump_stream(struct dump *d, const struct entries *run)
{
	const struct uiommu_smmuv3_txn in = {
		.sid = run->first,
		.flags = UIOMMU_TXN_PROBE,
	};
	struct msmmu_txn t = { .m = d->m, .slot = d->slot, .in = &in };
	struct msmmu_ctx ctx = {
		.sid = run->first,
		.priv_and = 1,
		.instr_and = 1,
	};
	struct smmu_ste ste;

	memcpy(ste.q, run->q, sizeof(ste.q));
	t.ctx = &ctx;
	msmmu_ste_decode(d->m, &ste, &ctx);
	msmmu_ctx_set_views(d->m, &ctx);
	msmmu_txn_rights(&t);
	d->depth++;
	if (ctx.s2)
		dump_stage2(d, &t);
	if (ctx.s1)
		dump_cds(d, &t, &ste, &ctx);
	d->depth--;
}

static void flush_stes(struct dump *d, struct entries *run)
{
	if (!run->any)
		return;
	run->any = false;
	begin_entry(d, "STE", run);
	if (!run->unreadable)
		add_fields(d, ste_fields, ARRAY_SIZE(ste_fields), run->q,
			   SMMU_STE_QWORDS, false);
	end_entry(d, run);
	if (!run->unreadable && !run->why)
		dump_stream(d, run);
}

/* The STE of `sid`, as visit_cd() does it. */
static uint64_t visit_ste(struct dump *d, struct entries *run, uint32_t sid,
			  unsigned int split)
{
	uint64_t beyond = align_down_lg2(sid, split) + BIT64(split);
	struct entries one = { .any = true, .first = sid, .last = sid };
	struct msmmu_ctx ctx = { .sid = sid };
	uint64_t pa = UIOMMU_PA_INVALID;
	struct smmu_ste ste;
	bool cacheable;

	if (!msmmu_ste_load(d->m, &ctx, &ste, &pa, &cacheable)) {
		switch (ctx.fault.type) {
		case SMMU_EVT_C_BAD_STREAMID:
			return beyond; /* from here on there is no table */
		case SMMU_EVT_C_BAD_STE:
			one.why = ctx.fault.reason;
			break;
		default:
			one.unreadable = true;
			if (pa == UIOMMU_PA_INVALID)
				one.last = (uint32_t)(beyond - 1);
			break;
		}
	}
	if (!one.unreadable) {
		memcpy(one.q, ste.q, sizeof(one.q));
		if (!(ste.q[0] & SMMU_STE_0_V))
			return sid + UINT64_C(1);
	}
	if (!same_entry(run, &one)) {
		flush_stes(d, run);
		*run = one;
	}
	return one.last + UINT64_C(1);
}

void dump_stream_table(struct dump *d)
{
	struct entries run = { 0 };
	unsigned int lg2, split;
	uint64_t sid = 0;

	msmmu_strtab_shape(d->m, &lg2, &split);
	dump_begin(d, "stream-table StreamIDs=0x%" PRIx64, BIT64(lg2));
	if (split)
		dump_add(d, " split=%u", split);
	dump_end(d);
	d->depth++;
	while (sid < BIT64(lg2) && dump_spend(d, 9))
		sid = visit_ste(d, &run, (uint32_t)sid, split);
	flush_stes(d, &run);
	d->depth--;
}
