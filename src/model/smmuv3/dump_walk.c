/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dump_walk.c - translation tables as ranges (VMSAv8-64, DDI 0487 D8).
 *
 * Every descriptor of a table is read the way a walk reads it, the last level
 * first come; leaves whose input and output go on from one to the next with the
 * same attributes are one line.  A table that many contexts share is told once.
 * A table that leads to itself ends at the last level, as it does for a walk,
 * and where the words that may be read are used up.
 */
#include <inttypes.h>

#include "dump.h"
#include "walk_inline.h"

#define DEPTH 5 /* levels -1 to 3 */

/* A table on the way. */
struct level {
	uint64_t table, in;
	uint32_t next, count;
	struct walk_leaf above; /* what the tables above take away */
};

/* What the line to come says; `words` all that makes leaves differ. */
struct run {
	enum {
		RUN_NONE,
		RUN_MAP,
		RUN_ABORT, /* memory does not answer */
	} kind;
	uint64_t first, len, out;
	uint64_t attrs;
	uint8_t shift, taken;
	bool bad; /* output address above the size */
};

struct visit {
	struct dump *d;
	struct msmmu_txn *t;
	const struct msmmu_half *half;
	unsigned int stage;
	bool top; /* TTB1 */
	struct run run;
	uint64_t marked; /* invalid descriptors that are not 0 */
	struct level level[DEPTH];
};

/* --------------------------------------------------------------- lines -- */

#define LEAF(name, mask)                                  \
	do {                                              \
		if (attrs & (mask))                       \
			dump_add(d, " " name "=%" PRIx64, \
				 FIELD_GET(mask, attrs)); \
	} while (0)

static void add_attrs(struct dump *d, unsigned int stage, uint64_t attrs)
{
	if (stage == 1) {
		LEAF("AttrIndx", VMSA_S1_ATTRINDX);
		LEAF("AP", VMSA_S1_AP);
	} else {
		LEAF("MemAttr", VMSA_S2_MEMATTR);
		LEAF("S2AP", VMSA_S2_S2AP);
	}
	LEAF("SH", VMSA_LEAF_SH);
	LEAF("AF", VMSA_LEAF_AF);
	LEAF("DBM", VMSA_LEAF_DBM);
	LEAF("Contiguous", VMSA_LEAF_CONTIGUOUS);
	LEAF("SW", VMSA_LEAF_SW);
	if (stage == 1) {
		LEAF("nG", VMSA_S1_NG);
		LEAF("PXN", VMSA_S1_PXN);
		LEAF("UXN", VMSA_S1_UXN);
	} else {
		LEAF("XN", VMSA_S2_XN);
	}
}

static void add_size(struct dump *d, unsigned int lg2)
{
	static const char unit[] = { 'B', 'K', 'M', 'G', 'T', 'P' };

	dump_add(d, " size=%u%c", 1u << lg2 % 10, unit[lg2 / 10 % 6]);
}

static void flush_run(struct visit *v)
{
	struct run *run = &v->run;
	struct dump *d = v->d;

	if (run->kind == RUN_NONE)
		return;
	dump_begin(d, "%s 0x%" PRIx64 "..0x%" PRIx64,
		   run->kind == RUN_MAP ? "map" : "unreadable", run->first,
		   run->first + run->len - 1);
	if (run->kind == RUN_MAP) {
		dump_add(d, " to=");
		if (v->stage == 1 && v->t->ctx->s2)
			dump_add(d, "0x%" PRIx64, run->out); /* an IPA */
		else
			dump_address(d, run->out, run->len);
		add_size(d, run->shift);
		add_attrs(d, v->stage, run->attrs);
		if (run->taken)
			dump_add(d, " Table=%x", run->taken);
		if (run->bad)
			dump_add(d, " wrong=\"address size\"");
	}
	dump_end(d);
	run->kind = RUN_NONE;
}

static void add_run(struct visit *v, const struct run *new)
{
	struct run *run = &v->run;

	if (run->kind == new->kind && run->first + run->len == new->first &&
	    (new->kind != RUN_MAP ||
	     (run->out + run->len == new->out && run->attrs == new->attrs &&
	      run->shift == new->shift && run->taken == new->taken &&
	      run->bad == new->bad))) {
		run->len += new->len;
		return;
	}
	flush_run(v);
	*run = *new;
}

/* --------------------------------------------------------- descriptors -- */

/* All of a leaf that is not its address, nor its kind. */
static uint64_t leaf_attrs(const struct msmmu_half *half, uint64_t desc,
			   unsigned int shift)
{
	uint64_t mask = GENMASK64(47, shift) | VMSA_DESC_TYPE;

	if (half->oa_form == MSMMU_OA_64K_52)
		mask |= VMSA_OA_64K_51_48;
	if (half->oa_form == MSMMU_OA_DS)
		mask |= GENMASK64(49, 48) | VMSA_OA_DS_51_50;
	return desc & ~mask;
}

static void visit_leaf(struct visit *v, const struct walk_leaf *leaf,
		       uint64_t in, uint64_t addr, unsigned int shift)
{
	struct run run = {
		.kind = RUN_MAP,
		.first = in,
		.len = BIT64(shift),
		.out = align_down_lg2(addr, shift),
		.attrs = leaf_attrs(v->half, leaf->desc, shift),
		.shift = (uint8_t)shift,
		/* APTable, UXNTable, PXNTable of the tables above */
		.taken = (uint8_t)(leaf->no_unpriv | leaf->no_write << 1 |
				   leaf->uxn << 2 | leaf->pxn << 3),
		.bad = addr >> v->half->out_bits,
	};

	add_run(v, &run);
}

/*
 * The descriptor that `at` comes to.  True: it is a table, which *below is.
 */
static bool visit_desc(struct visit *v, struct level *at, int level,
		       struct level *below)
{
	const struct msmmu_half *half = v->half;
	unsigned int shift = msmmu_level_shift(half->granule_lg2, level);
	uint64_t in = at->in + ((uint64_t)at->next << shift), addr;
	bool by_stage2 = v->stage == 1 && v->t->ctx->s2;
	struct walk_leaf leaf = at->above;

	leaf.level = (int8_t)level;
	leaf.desc_pa = at->table + 8ull * at->next++;
	leaf.attrs = model_walk_attrs(half->walk_mair, half->walk_sh);
	if (!read_desc(v->t, half, v->stage, by_stage2, &leaf)) {
		add_run(v, &(struct run){ .kind = RUN_ABORT,
					  .first = in,
					  .len = BIT64(shift) });
		return false;
	}
	addr = desc_address(half, leaf.desc);
	if (!check_desc(v->t, half, v->stage, &leaf, addr) &&
	    v->t->fault.type == SMMU_EVT_F_TRANSLATION) {
		v->marked += !!leaf.desc;
		return false;
	}
	if (level == 3 || !(leaf.desc & 2) || addr >> half->out_bits) {
		visit_leaf(v, &leaf, in, addr, shift);
		return false;
	}
	if (v->stage == 1 && !half->had)
		take_table_attrs(v->t, &leaf);
	*below = (struct level){
		.table = addr,
		.in = in,
		.count = BIT32(half->granule_lg2 - 3u),
		.above = leaf,
	};
	return true;
}

static void visit_all(struct visit *v)
{
	const struct msmmu_half *half = v->half;
	unsigned int shift = msmmu_level_shift(half->granule_lg2, half->start);
	uint64_t price = v->stage == 1 && v->t->ctx->s2 ? 6 : 1;
	int depth = 0;

	v->level[0] = (struct level){
		.table = half->ttb,
		.in = v->top ? ~mask_lg2(half->in_bits) : 0,
		.count = BIT32(half->in_bits - shift),
	};
	while (depth >= 0) {
		struct level *at = &v->level[depth];

		if (at->next == at->count) {
			depth--;
			continue;
		}
		if (!dump_spend(v->d, price))
			break;
		if (visit_desc(v, at, half->start + depth,
			       &v->level[depth + 1]))
			depth++;
	}
	flush_run(v);
}

/* -------------------------------------------------------------- tables -- */

/* The number of a table; *again: it has been told. */
static uint32_t number_of(struct dump *d, const struct visit *v, bool *again)
{
	const struct msmmu_half *half = v->half;
	const struct msmmu_ctx *ctx = v->t->ctx;
	struct dump_table want = {
		.ttb = half->ttb,
		.ttb2 = v->stage == 1 && ctx->s2 ? ctx->stage2.ttb | 1 : 0,
		.shape = 1u | v->stage << 1 | v->top << 3 | half->had << 4 |
			 half->big_endian << 5 | half->oa_form << 6 |
			 (uint64_t)half->granule_lg2 << 8 |
			 (uint64_t)half->in_bits << 16 |
			 (uint64_t)half->out_bits << 24 |
			 (uint64_t)ctx->single_priv << 32 |
			 (uint64_t)ctx->stage2.in_bits << 40,
	};
	uint64_t hash = (want.ttb ^ want.ttb2 << 1 ^ want.shape) *
			UINT64_C(0x9e3779b97f4a7c15);
	struct dump_table *slot;

	*again = true;
	for (uint32_t i = 0; i < DUMP_TABLES; i++) {
		slot = &d->tables[((hash >> 40) + i) & (DUMP_TABLES - 1)];
		if (slot->ttb == want.ttb && slot->ttb2 == want.ttb2 &&
		    slot->shape == want.shape)
			return slot->number;
		if (!slot->shape)
			break;
	}
	*again = false;
	want.number = ++d->nr_tables;
	/* One too many is told each time. */
	if (d->nr_tables < DUMP_TABLES / 2)
		*slot = want;
	return want.number;
}

static void dump_half(struct dump *d, struct msmmu_txn *t,
		      const struct msmmu_half *half, unsigned int stage,
		      bool top)
{
	struct visit v = {
		.d = d, .t = t, .half = half, .stage = stage, .top = top
	};
	bool again;
	uint32_t number;

	if (half->off)
		return;
	number = number_of(d, &v, &again);
	dump_begin(d, "stage%u %u%s", stage, number, top ? " TTB=1" : "");
	if (again) {
		dump_add(d, " above");
		dump_end(d);
		return;
	}
	dump_add(d, " granule=%uK level=%d input=%u output=%u",
		 1u << (half->granule_lg2 - 10), half->start, half->in_bits,
		 half->out_bits);
	dump_end(d);
	d->depth++;
	dump_list_begin(d);
	visit_all(&v);
	dump_list_end(d);
	if (v.marked) {
		dump_begin(d, "marked %" PRIu64, v.marked);
		dump_end(d);
	}
	d->depth--;
}

void dump_context(struct dump *d, struct msmmu_txn *t)
{
	dump_half(d, t, &t->ctx->half[0], 1, false);
	if (t->ctx->two_halves)
		dump_half(d, t, &t->ctx->half[1], 1, true);
}

void dump_stage2(struct dump *d, struct msmmu_txn *t)
{
	dump_half(d, t, &t->ctx->stage2, 2, false);
}
