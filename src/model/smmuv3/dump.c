/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dump.c - the state of an instance as text: registers, queues, what waits; and
 * the making of lines.
 *
 * Memory is read inside, as by a transaction: what the tables lead to is not
 * freed meanwhile by software that waits for its CMD_SYNC first.  Queues are
 * looked at without their locks, which consumers hold while they wait for those
 * inside.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "dump.h"
#include "hw/smmuv3/names.h"
#include "hw/smmuv3/pri.h"
#include "tell.h"

/* --------------------------------------------------------------- lines -- */

static void add_text(struct dump *d, const char *fmt, va_list ap)
{
	/* Room for the newline stays. */
	size_t room = sizeof(d->line) - 1 - d->len;
	int n = vsnprintf(d->line + d->len, room, fmt, ap);

	if (n > 0)
		d->len += min_u64((size_t)n, room - 1);
}

void dump_add(struct dump *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_text(d, fmt, ap);
	va_end(ap);
}

void dump_begin(struct dump *d, const char *fmt, ...)
{
	va_list ap;

	d->len = 0;
	dump_add(d, "%*s", (int)(2 * d->depth), "");
	va_start(ap, fmt);
	add_text(d, fmt, ap);
	va_end(ap);
}

void dump_address(struct dump *d, uint64_t addr, uint64_t size)
{
	char name[64];

	if (!d->to->address) {
		dump_add(d, "0x%" PRIx64, addr);
		return;
	}
	d->to->address(d->to->ctx, addr, size, name, sizeof(name));
	dump_add(d, "%s", name);
}

void dump_end(struct dump *d)
{
	d->line[d->len++] = '\n';
	(void)dump_spend(d, DUMP_LINE_COST);
	if (d->listing && ++d->lines > DUMP_LINES) {
		/* FNV-1a */
		for (size_t i = 0; i < d->len; i++)
			d->digest = (d->digest ^ (uint8_t)d->line[i]) *
				    UINT64_C(0x100000001b3);
		d->left_out++;
		return;
	}
	d->to->write(d->to->ctx, d->line, d->len);
}

void dump_list_begin(struct dump *d)
{
	d->listing = true;
	d->lines = 0;
	d->left_out = 0;
	d->digest = UINT64_C(0xcbf29ce484222325);
}

void dump_list_end(struct dump *d)
{
	d->listing = false;
	if (!d->left_out)
		return;
	dump_begin(d, "more %" PRIu64 " digest=0x%016" PRIx64, d->left_out,
		   d->digest);
	d->left_out = 0;
	dump_end(d);
}

/* ----------------------------------------------------------- registers -- */

static void add_bits(struct dump *d, uint32_t value, const char *const *names)
{
	for (unsigned int i = 0; names[i]; i++)
		if (names[i][0] && (value >> i & 1))
			dump_add(d, " %s=1", names[i]);
}

static const char *const cr0_bits[] = { "SMMUEN", "PRIQEN", "EVENTQEN",
					"CMDQEN", "ATSCHK", NULL };
static const char *const irq_bits[] = { "GERROR_IRQEN", "PRIQ_IRQEN",
					"EVENTQ_IRQEN", NULL };
static const char *const gerror_bits[] = {
	"CMDQ_ERR",
	"",
	"EVENTQ_ABT_ERR",
	"PRIQ_ABT_ERR",
	"MSI_CMDQ_ABT_ERR",
	"MSI_EVENTQ_ABT_ERR",
	"MSI_PRIQ_ABT_ERR",
	"MSI_GERROR_ABT_ERR",
	"SFM_ERR",
	"CMDQP_ERR",
	NULL,
};

static void bits_line(struct dump *d, const char *name, uint64_t value,
		      const char *const *names)
{
	dump_begin(d, "%s", name);
	add_bits(d, (uint32_t)value, names);
	dump_end(d);
}

/* Registers by their names; `mask` is what of it is an address. */
static void value_line(struct dump *d, const char *name, uint64_t value,
		       uint64_t mask)
{
	if (!value)
		return;
	dump_begin(d, "%s", name);
	if (value & mask) {
		dump_add(d, " ADDR=");
		dump_address(d, value & mask, 1);
	}
	if (value & ~mask)
		dump_add(d, " value=0x%" PRIx64, value & ~mask);
	dump_end(d);
}

#define VALUE(d, name, mask) value_line(d, #name, MSMMU_REG((d)->m, name), mask)

static void dump_registers(struct dump *d)
{
	const msmmu *m = d->m;

	dump_begin(d, "registers");
	dump_end(d);
	d->depth++;
	bits_line(d, "CR0", MSMMU_REG(m, CR0), cr0_bits);
	bits_line(d, "CR0ACK", MSMMU_REG(m, CR0ACK), cr0_bits);
	VALUE(d, CR1, 0);
	VALUE(d, CR2, 0);
	value_line(d, "GBPA", m->gbpa, 0);
	VALUE(d, STRTAB_BASE, SMMU_STRTAB_BASE_ADDR);
	dump_begin(d, "STRTAB_BASE_CFG LOG2SIZE=%u SPLIT=%u FMT=%u",
		   (unsigned int)FIELD_GET(SMMU_STRTAB_BASE_CFG_LOG2SIZE,
					   MSMMU_REG(m, STRTAB_BASE_CFG)),
		   (unsigned int)FIELD_GET(SMMU_STRTAB_BASE_CFG_SPLIT,
					   MSMMU_REG(m, STRTAB_BASE_CFG)),
		   (unsigned int)FIELD_GET(SMMU_STRTAB_BASE_CFG_FMT,
					   MSMMU_REG(m, STRTAB_BASE_CFG)));
	dump_end(d);
	bits_line(d, "IRQ_CTRL", MSMMU_REG(m, IRQ_CTRL), irq_bits);
	VALUE(d, GERROR_IRQ_CFG0, SMMU_IRQ_CFG0_ADDR);
	VALUE(d, GERROR_IRQ_CFG1, 0);
	VALUE(d, GERROR_IRQ_CFG2, 0);
	VALUE(d, EVENTQ_IRQ_CFG0, SMMU_IRQ_CFG0_ADDR);
	VALUE(d, EVENTQ_IRQ_CFG1, 0);
	VALUE(d, EVENTQ_IRQ_CFG2, 0);
	VALUE(d, PRIQ_IRQ_CFG0, SMMU_IRQ_CFG0_ADDR);
	VALUE(d, PRIQ_IRQ_CFG1, 0);
	VALUE(d, PRIQ_IRQ_CFG2, 0);
	bits_line(d, "GERROR", MSMMU_REG(m, GERROR) ^ MSMMU_REG(m, GERRORN),
		  gerror_bits);
	d->depth--;
}

/* -------------------------------------------------------------- queues -- */

struct queue {
	const char *name, *kind;
	unsigned int entry_lg2;
	uint64_t base;
	uint32_t prod, cons;
	void (*entry)(struct dump *d, const uint64_t *words);
};

static void add_words(struct dump *d, const uint64_t *words, unsigned int n)
{
	dump_add(d, " words=");
	for (unsigned int i = 0; i < n; i++)
		dump_add(d, "%s0x%016" PRIx64, i ? "," : "", words[i]);
}

static void add_ssid(struct dump *d, bool ssv, uint32_t ssid)
{
	if (ssv)
		dump_add(d, " SubstreamID=0x%x", ssid);
}

static void cmd_entry(struct dump *d, const uint64_t *words)
{
	unsigned int op = FIELD_GET(SMMU_CMD_0_OP, words[0]);
	const char *name = smmu_cmd_name(op);

	if (name)
		dump_add(d, " %s", name);
	add_words(d, words, SMMU_CMD_QWORDS);
}

static void event_entry(struct dump *d, const uint64_t *words)
{
	const char *name =
		smmu_event_name(FIELD_GET(SMMU_EVT_0_TYPE, words[0]));

	if (name)
		dump_add(d, " %s", name);
	dump_add(d, " StreamID=0x%x",
		 (uint32_t)FIELD_GET(SMMU_EVT_0_SID, words[0]));
	add_ssid(d, words[0] & SMMU_EVT_0_SSV,
		 (uint32_t)FIELD_GET(SMMU_EVT_0_SSID, words[0]));
	dump_add(d, " InputAddr=0x%" PRIx64, words[2]);
	add_words(d, words, SMMU_EVT_QWORDS);
}

static void pri_entry(struct dump *d, const uint64_t *words)
{
	dump_add(d, " StreamID=0x%x",
		 (uint32_t)FIELD_GET(SMMU_PRI_0_SID, words[0]));
	add_ssid(d, words[0] & SMMU_PRI_0_SSV,
		 (uint32_t)FIELD_GET(SMMU_PRI_0_SSID, words[0]));
	dump_add(d, " PRGIndex=%u Addr=0x%" PRIx64 "%s%s%s%s",
		 (unsigned int)FIELD_GET(SMMU_PRI_1_PRGINDEX, words[1]),
		 words[1] & SMMU_PRI_1_ADDR,
		 words[0] & SMMU_PRI_0_R ? " R=1" : "",
		 words[0] & SMMU_PRI_0_W ? " W=1" : "",
		 words[0] & SMMU_PRI_0_X ? " X=1" : "",
		 words[0] & SMMU_PRI_0_LAST ? " Last=1" : "");
	add_words(d, words, SMMU_PRI_QWORDS);
}

static void dump_entries(struct dump *d, const struct queue *q,
			 unsigned int lg2, uint32_t count)
{
	unsigned int n = 1u << (q->entry_lg2 - 3);
	uint64_t words[SMMU_EVT_QWORDS];

	dump_list_begin(d);
	for (uint32_t i = 0; i < count && dump_spend(d, n); i++) {
		uint32_t at = smmu_q_add(q->cons, i, lg2);

		dump_begin(d, "%s %u", q->kind, smmu_q_index(at, lg2));
		if (model_read64s(&d->m->host,
				  msmmu_queue_entry(d->m, q->base, lg2, at,
						    q->entry_lg2),
				  words, n, msmmu_queue_attrs(d->m, q->base)))
			dump_add(d, " unreadable");
		else
			q->entry(d, words);
		dump_end(d);
	}
	dump_list_end(d);
}

static void dump_queue(struct dump *d, const struct queue *q,
		       unsigned int lg2_max)
{
	unsigned int lg2 = (unsigned int)min_u64(
		FIELD_GET(SMMU_Q_BASE_LOG2SIZE, q->base), lg2_max);
	uint32_t count = smmu_q_count(q->prod, q->cons, lg2);

	dump_begin(d, "queue %s BASE=", q->name);
	dump_address(d, q->base & SMMU_Q_BASE_ADDR, 1);
	dump_add(d, " LOG2SIZE=%u PROD=%u PROD.wrap=%u CONS=%u CONS.wrap=%u",
		 lg2, smmu_q_index(q->prod, lg2), q->prod >> lg2 & 1,
		 smmu_q_index(q->cons, lg2), q->cons >> lg2 & 1);
	/* Flags and errors stand above. */
	if ((q->prod | q->cons) & ~GENMASK32(19, 0))
		dump_add(d, " PROD.flags=0x%x CONS.flags=0x%x",
			 q->prod & ~GENMASK32(19, 0),
			 q->cons & ~GENMASK32(19, 0));
	dump_end(d);
	d->depth++;
	dump_entries(d, q, lg2, (uint32_t)min_u64(count, BIT32(lg2)));
	d->depth--;
}

static void dump_cmdqs(struct dump *d, msmmu *m)
{
	char name[24];

	for (uint32_t i = 0; i <= m->nr_ecmdqs; i++) {
		const struct msmmu_cmdq *cq = msmmu_queue(m, i);
		struct queue q = {
			.name = name,
			.kind = "CMD",
			.entry_lg2 = SMMU_CMD_SIZE_LG2,
			.base = load_relaxed(cq->base),
			.prod = (uint32_t)load_relaxed(cq->prod),
			.cons = (uint32_t)load_relaxed(cq->cons),
			.entry = cmd_entry,
		};

		if (i && !(q.prod & SMMU_ECMDQ_PROD_EN))
			continue;
		if (i)
			snprintf(name, sizeof(name), "ECMDQ.%u", i - 1);
		else
			snprintf(name, sizeof(name), "CMDQ");
		dump_queue(d, &q, m->caps.cmdq_lg2);
	}
}

static void dump_queues(struct dump *d, msmmu *m)
{
	const struct queue events = {
		.name = "EVENTQ",
		.kind = "EVENT",
		.entry_lg2 = SMMU_EVT_SIZE_LG2,
		.base = MSMMU_REG(d->m, EVENTQ_BASE),
		.prod = (uint32_t)MSMMU_REG(d->m, EVENTQ_PROD),
		.cons = (uint32_t)MSMMU_REG(d->m, EVENTQ_CONS),
		.entry = event_entry,
	};
	const struct queue pris = {
		.name = "PRIQ",
		.kind = "PRI",
		.entry_lg2 = SMMU_PRI_SIZE_LG2,
		.base = MSMMU_REG(d->m, PRIQ_BASE),
		.prod = (uint32_t)MSMMU_REG(d->m, PRIQ_PROD),
		.cons = (uint32_t)MSMMU_REG(d->m, PRIQ_CONS),
		.entry = pri_entry,
	};

	dump_cmdqs(d, m);
	dump_queue(d, &events, m->caps.evtq_lg2);
	if (m->caps.pri)
		dump_queue(d, &pris, m->caps.priq_lg2);
}

static void dump_stalled(void *ctx, const struct uiommu_smmuv3_dma *req,
			 const uint16_t *stag)
{
	const struct uiommu_smmuv3_txn *txn = &req->txn;
	struct dump *d = ctx;

	dump_begin(d, "stalled StreamID=0x%x", txn->sid);
	add_ssid(d, txn->flags & UIOMMU_TXN_SSV, txn->ssid);
	dump_add(d, " InputAddr=0x%" PRIx64 " %s", txn->iova + req->done_len,
		 txn->flags & UIOMMU_TXN_WRITE ? "W=1" : "R=1");
	if (stag)
		dump_add(d, " STAG=%u", *stag);
	else
		dump_add(d, " unrecorded");
	dump_end(d);
}

/* --------------------------------------------------------------- whole -- */

static void dump_inside(struct dump *d, msmmu *m)
{
	if (d->to->parts & UIOMMU_DUMP_TABLES) {
		dump_registers(d);
		if (d->m->enabled)
			dump_stream_table(d);
	}
	if (d->to->parts & UIOMMU_DUMP_QUEUES) {
		dump_queues(d, m);
		pthread_mutex_lock(&m->lock);
		msmmu_stall_each(m, dump_stalled, d);
		pthread_mutex_unlock(&m->lock);
	}
	if (d->words)
		return;
	dump_begin(d, "unfinished \"more than %" PRIu64 " words to read\"",
		   DUMP_WORDS);
	dump_end(d);
}

int uiommu_smmuv3_model_dump(struct uiommu_smmuv3_model *model,
			     const struct uiommu_dump *to)
{
	struct model_slot *slot, uncounted = { 0 };
	struct uiommu_smmuv3_model view;
	struct dump *d;

	d = model_alloc(&model->host, sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->tables = model_alloc(&model->host, DUMP_TABLES * sizeof(*d->tables));
	if (!d->tables) {
		model_free(&model->host, d);
		return -ENOMEM;
	}
	d->to = to;
	d->m = &view;
	d->slot = &uncounted;
	d->depth = to->depth;
	d->words = DUMP_WORDS;
	slot = model_enter(&model->drain);
	msmmu_make_view(&view, model);
	dump_inside(d, model);
	model_leave(&model->drain, slot);
	model_free(&model->host, d->tables);
	model_free(&model->host, d);
	return 0;
}
