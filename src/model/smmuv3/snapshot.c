/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * snapshot.c - saving and restoring what software can see of an instance.
 *
 * A snapshot is little-endian: a header of 64 bytes, then sections.
 *
 *	header	0 magic, 8 version, 12 length of the header, 16 length of all,
 *		24 IDR0 to IDR6, 52 IIDR, 56 AIDR, 60 CRC-32 of everything, as
 *		if this field were 0
 *	section	0 id, 4 length of what follows, a multiple of 8
 *
 * The header's first 24 bytes and its CRC stay where they are in all versions.
 * A section whose id has SECTION_OPTIONAL may be skipped by who does not know
 * it.  Registers stand by their offset, so that a list may grow.
 *
 * Caches are not saved: starting with empty ones is what hardware may do at any
 * time.  Transactions that wait inside the model belong to devices of the
 * embedder, so there is no snapshot while there are any.  Nor is there one while
 * an interrupt or the outcome of a command is on its way out, lest it be lost.
 * Transactions that are merely under way count as coming later: what they leave
 * in registers (event queue, GERROR) is written under the lock in one piece with
 * the record, so waiting for them would gain nothing.
 *
 * A restore looks at everything before it changes anything.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "msmmu.h"

#define MAGIC "uiSMMUv3"
#define VERSION 1u
#define HEADER_LEN 64u
#define CRC_AT 60u

#define SECTION_REGISTERS 1u /* of {u32 offset, u32 0, u64 value} */
#define SECTION_HIDDEN 2u    /* u64 CR2 in effect */
#define SECTION_QUEUES 3u /* of {u64 QUEUE_*, BASE, PROD, CONS}, page 0 first */
#define SECTION_OPTIONAL BIT32(31)

#define QUEUE_ATC_FAILED BIT64(0)
/* Words of a queue. */
enum {
	Q_FLAGS,
	Q_BASE, /* those of page 0 stand among the registers: 0 here */
	Q_PROD,
	Q_CONS,
	Q_WORDS,
};
#define QUEUES_MAX 257u

/* What a snapshot says. */
struct state {
	uint64_t reg[SMMU_NR_REGISTERS];
	bool has[SMMU_NR_REGISTERS];
	uint64_t cr2;
	uint64_t queue[QUEUES_MAX][Q_WORDS];
	uint32_t nr_queues;
	bool has_hidden;
};

static const char *const reg_names[SMMU_NR_REGISTERS] = {
#define SMMU_X(name, off, sz, acc, grd, nds, bts) [SMMU_REGIDX_##name] = #name,
	SMMU_REGISTERS(SMMU_X)
#undef SMMU_X
};

__attribute__((format(printf, 3, 4))) static int refuse(const msmmu *m, int err,
							const char *fmt, ...)
{
	char line[160] = "smmuv3 snapshot: ";
	size_t at = strlen(line);
	va_list args;

	if (!m->host.log)
		return err;
	va_start(args, fmt);
	vsnprintf(line + at, sizeof(line) - at, fmt, args);
	va_end(args);
	m->host.log(m->host.ctx, line);
	return err;
}

static uint32_t crc32_of(const uint8_t *data, size_t len)
{
	uint32_t crc = ~UINT32_C(0);

	for (size_t i = 0; i < len; i++) {
		crc ^= i - CRC_AT < 4 ? 0 : data[i];
		for (unsigned int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xedb88320) : 0);
	}
	return ~crc;
}

/* Under the locks of all queues and lock. */
static bool quiescent(msmmu *m)
{
	/* Another thread is in the middle of a write to CR0. */
	if (MSMMU_REG(m, CR0) != MSMMU_REG(m, CR0ACK))
		return false;
	/* In this order: see msmmu.leaving. */
	return msmmu_atc_none(m) && msmmu_stall_none(m) &&
	       !load_acquire(&m->irq_pending) && !load_acquire(&m->leaving);
}

/* --------------------------------------------------------------- saving -- */

/* Without a buffer it only counts. */
struct writer {
	uint8_t *buf;
	size_t len;
};

static void put32(struct writer *w, uint32_t val)
{
	le32_t raw = cpu_to_le32(val);

	if (w->buf)
		memcpy(w->buf + w->len, &raw, 4);
	w->len += 4;
}

static void put64(struct writer *w, uint64_t val)
{
	put32(w, (uint32_t)val);
	put32(w, (uint32_t)(val >> 32));
}

static void put_header(struct writer *w, const msmmu *m, size_t total)
{
	if (w->buf)
		memcpy(w->buf, MAGIC, 8);
	w->len = 8;
	put32(w, VERSION);
	put32(w, HEADER_LEN);
	put64(w, total);
	for (unsigned int i = 0; i < 7; i++)
		put32(w, m->profile.idr[i]);
	put32(w, m->profile.iidr);
	put32(w, m->profile.aidr);
	put32(w, 0);
}

static void put_registers(struct writer *w, const msmmu *m,
			  const struct state *s)
{
	uint32_t n = 0;

	for (unsigned int i = 0; i < SMMU_NR_REGISTERS; i++)
		n += !msmmu_reg_is_id(i) && msmmu_reg_bits(m, i);
	put32(w, SECTION_REGISTERS);
	put32(w, 16 * n);
	for (unsigned int i = 0; i < SMMU_NR_REGISTERS; i++) {
		if (msmmu_reg_is_id(i) || !msmmu_reg_bits(m, i))
			continue;
		put32(w, msmmu_reg_offset(i));
		put32(w, 0);
		put64(w, s->reg[i]);
	}
}

static void put_queues(struct writer *w, const msmmu *m, const struct state *s)
{
	uint32_t n = 1 + m->nr_ecmdqs;

	put32(w, SECTION_QUEUES);
	put32(w, 8 * Q_WORDS * n);
	for (uint32_t i = 0; i < n; i++) {
		for (unsigned int j = 0; j < Q_WORDS; j++)
			put64(w, s->queue[i][j]);
	}
}

static size_t put_all(uint8_t *buf, const msmmu *m, const struct state *s,
		      size_t total)
{
	struct writer w = { buf, 0 };

	put_header(&w, m, total);
	put_registers(&w, m, s);
	put32(&w, SECTION_HIDDEN);
	put32(&w, 8);
	put64(&w, s->cr2);
	put_queues(&w, m, s);
	return w.len;
}

size_t uiommu_smmuv3_model_snapshot_size(struct uiommu_smmuv3_model *model)
{
	static const struct state nothing;

	return put_all(NULL, model, &nothing, 0);
}

/* Under the locks of all queues and lock. */
static void take(msmmu *m, struct state *s)
{
	for (unsigned int i = 0; i < SMMU_NR_REGISTERS; i++)
		s->reg[i] = msmmu_reg(m, i);
	s->cr2 = msmmu_cr2(m);
	pthread_mutex_lock(&m->atc_lock);
	for (uint32_t i = 0; i <= m->nr_ecmdqs; i++) {
		const struct msmmu_cmdq *q = msmmu_queue(m, i);

		s->queue[i][Q_FLAGS] = q->atc_failed ? QUEUE_ATC_FAILED : 0;
		if (!q->ecmdq)
			continue;
		s->queue[i][Q_BASE] = load_relaxed(q->base);
		s->queue[i][Q_PROD] = load_relaxed(q->prod);
		s->queue[i][Q_CONS] = load_relaxed(q->cons);
	}
	pthread_mutex_unlock(&m->atc_lock);
}

int uiommu_smmuv3_model_save(struct uiommu_smmuv3_model *model, void *buf,
			     size_t len)
{
	size_t total = uiommu_smmuv3_model_snapshot_size(model);
	struct writer crc = { buf, CRC_AT };
	struct state s = { 0 };
	bool quiet;

	model_check_fork(&model->drain);
	if (len < total)
		return -ENOSPC;
	/* Between two commands, and with no event half recorded. */
	if (!msmmu_cmdq_try_all(model))
		return -EBUSY;
	pthread_mutex_lock(&model->lock);
	quiet = quiescent(model);
	if (quiet)
		take(model, &s);
	pthread_mutex_unlock(&model->lock);
	msmmu_cmdq_release_all(model);
	if (!quiet)
		return -EBUSY;
	put_all(buf, model, &s, total);
	put32(&crc, crc32_of(buf, total));
	return 0;
}

/* ------------------------------------------------------------ restoring -- */

static uint32_t get32(const uint8_t *at)
{
	le32_t raw;

	memcpy(&raw, at, 4);
	return le32_to_cpu(raw);
}

static uint64_t get64(const uint8_t *at)
{
	return get32(at) | (uint64_t)get32(at + 4) << 32;
}

static int check_header(const msmmu *m, const uint8_t *buf, size_t len)
{
	static const char *const names[] = { "IDR0", "IDR1", "IDR2",
					     "IDR3", "IDR4", "IDR5",
					     "IDR6", "IIDR", "AIDR" };
	uint32_t id[9];

	if (len < HEADER_LEN || memcmp(buf, MAGIC, 8))
		return refuse(m, -EINVAL, "not one of an SMMUv3");
	if (get64(buf + 16) != len)
		return refuse(m, -EINVAL, "%zu bytes, but it says %llu", len,
			      (unsigned long long)get64(buf + 16));
	if (get32(buf + CRC_AT) != crc32_of(buf, len))
		return refuse(m, -EINVAL, "damaged (CRC)");
	if (get32(buf + 8) != VERSION)
		return refuse(m, -EPROTONOSUPPORT,
			      "version %u, this model knows %u", get32(buf + 8),
			      VERSION);
	if (get32(buf + 12) != HEADER_LEN)
		return refuse(m, -EINVAL, "length of the header is %u",
			      get32(buf + 12));
	memcpy(id, m->profile.idr, sizeof(m->profile.idr));
	id[7] = m->profile.iidr;
	id[8] = m->profile.aidr;
	for (unsigned int i = 0; i < ARRAY_SIZE(id); i++) {
		if (get32(buf + 24 + 4 * i) != id[i])
			return refuse(m, -EINVAL,
				      "%s is 0x%08x there, 0x%08x here",
				      names[i], get32(buf + 24 + 4 * i), id[i]);
	}
	return 0;
}

static int take_register(const msmmu *m, const uint8_t *at, struct state *s)
{
	uint32_t offset = get32(at);
	unsigned int i = 0;

	while (i < SMMU_NR_REGISTERS &&
	       (msmmu_reg_is_id(i) || msmmu_reg_offset(i) != offset))
		i++;
	if (i == SMMU_NR_REGISTERS || !msmmu_reg_bits(m, i) || get32(at + 4))
		return refuse(m, -EINVAL, "no register at 0x%x", offset);
	if (s->has[i])
		return refuse(m, -EINVAL, "%s stands there twice",
			      reg_names[i]);
	s->has[i] = true;
	s->reg[i] = get64(at + 8);
	if (s->reg[i] & ~msmmu_reg_bits(m, i))
		return refuse(m, -EINVAL, "%s has reserved bits set",
			      reg_names[i]);
	return 0;
}

static int take_queues(const msmmu *m, const uint8_t *at, uint32_t len,
		       struct state *s)
{
	if (s->nr_queues || len != 8 * Q_WORDS * (1 + m->nr_ecmdqs))
		return refuse(m, -EINVAL, "section of queues");
	for (s->nr_queues = 0; s->nr_queues <= m->nr_ecmdqs; s->nr_queues++) {
		for (unsigned int j = 0; j < Q_WORDS; j++, at += 8)
			s->queue[s->nr_queues][j] = get64(at);
	}
	return 0;
}

static int take_section(const msmmu *m, uint32_t id, const uint8_t *at,
			uint32_t len, struct state *s)
{
	int rc = 0;

	switch (id) {
	case SECTION_REGISTERS:
		if (len % 16)
			return refuse(m, -EINVAL, "registers: odd length");
		for (uint32_t i = 0; !rc && i < len; i += 16)
			rc = take_register(m, at + i, s);
		return rc;
	case SECTION_HIDDEN:
		if (len != 8 || s->has_hidden)
			return refuse(m, -EINVAL, "section of hidden state");
		s->has_hidden = true;
		s->cr2 = get64(at);
		return 0;
	case SECTION_QUEUES:
		return take_queues(m, at, len, s);
	default:
		if (id & SECTION_OPTIONAL)
			return 0;
		return refuse(m, -EPROTONOSUPPORT, "unknown section %u", id);
	}
}

static int take_sections(const msmmu *m, const uint8_t *buf, size_t len,
			 struct state *s)
{
	size_t at = HEADER_LEN;

	while (at < len) {
		uint32_t id, n;
		int rc;

		if (len - at < 8)
			return refuse(m, -EINVAL, "rest after the sections");
		id = get32(buf + at);
		n = get32(buf + at + 4);
		at += 8;
		if (n % 8 || n > len - at)
			return refuse(m, -EINVAL, "length of section %u", id);
		rc = take_section(m, id, buf + at, n, s);
		if (rc)
			return rc;
		at += n;
	}
	return 0;
}

/* A queue whose PROD.EN is not acknowledged does not exist between writes. */
static bool queue_ok(const msmmu *m, const uint64_t q[Q_WORDS], bool ecmdq)
{
	const uint64_t bits[Q_WORDS] = {
		m->caps.ats ? QUEUE_ATC_FAILED : 0,
		ecmdq ? SMMU_CMDQ_BASE_RA | SMMU_Q_BASE_ADDR |
				SMMU_Q_BASE_LOG2SIZE
		      : 0,
		ecmdq ? SMMU_ECMDQ_PROD_EN | SMMU_ECMDQ_PROD_ERRACK |
				SMMU_ECMDQ_PROD_WR
		      : 0,
		ecmdq ? SMMU_ECMDQ_CONS_ENACK | SMMU_ECMDQ_CONS_ERR |
				SMMU_ECMDQ_CONS_ERR_REASON | SMMU_ECMDQ_CONS_RD
		      : 0,
	};

	for (unsigned int i = 0; i < Q_WORDS; i++) {
		if (q[i] & ~bits[i])
			return false;
	}
	return !(q[Q_PROD] & SMMU_ECMDQ_PROD_EN) ==
	       !(q[Q_CONS] & SMMU_ECMDQ_CONS_ENACK);
}

/* Registers that the model itself writes must fit those that they follow. */
static const char *misfit(const msmmu *m, const uint64_t *reg)
{
	if (reg[SMMU_REGIDX_CR0ACK] != reg[SMMU_REGIDX_CR0])
		return "CR0ACK is not CR0";
	if (reg[SMMU_REGIDX_IRQ_CTRLACK] != reg[SMMU_REGIDX_IRQ_CTRL])
		return "IRQ_CTRLACK is not IRQ_CTRL";
	if (reg[SMMU_REGIDX_GBPA] & SMMU_GBPA_UPDATE)
		return "GBPA.Update is set";
	if (reg[SMMU_REGIDX_STATUSR])
		return "STATUSR is not 0";
	if (reg[SMMU_REGIDX_GERROR] & SMMU_GERROR_SFM_ERR)
		return "GERROR says service failure mode";
	return NULL;
}

static int check_state(const msmmu *m, const struct state *s)
{
	const char *wrong = misfit(m, s->reg);

	for (unsigned int i = 0; i < SMMU_NR_REGISTERS; i++) {
		if (!msmmu_reg_is_id(i) && msmmu_reg_bits(m, i) && !s->has[i])
			return refuse(m, -EINVAL, "%s is missing",
				      reg_names[i]);
	}
	if (wrong)
		return refuse(m, -EINVAL, "%s", wrong);
	if (!s->has_hidden || !s->nr_queues)
		return refuse(m, -EINVAL, "a section is missing");
	if (s->cr2 & ~msmmu_reg_bits(m, SMMU_REGIDX_CR2))
		return refuse(m, -EINVAL, "CR2 in effect has reserved bits");
	for (uint32_t i = 0; i < s->nr_queues; i++) {
		if (!queue_ok(m, s->queue[i], i))
			return refuse(m, -EINVAL, "command queue %u", i);
	}
	return 0;
}

/* Under the locks of all queues and lock; nobody is inside. */
static void apply(msmmu *m, const struct state *s)
{
	msmmu_regs_load(m, s->reg, (uint32_t)s->cr2);
	m->last_event.valid = false;
	pthread_mutex_lock(&m->atc_lock);
	for (uint32_t i = 0; i <= m->nr_ecmdqs; i++) {
		struct msmmu_cmdq *q = msmmu_queue(m, i);

		q->atc_failed = s->queue[i][Q_FLAGS] & QUEUE_ATC_FAILED;
		q->nr_later = 0;
		if (!q->ecmdq)
			continue;
		store_relaxed(q->base, s->queue[i][Q_BASE]);
		store_relaxed(q->prod, s->queue[i][Q_PROD]);
		store_release(q->cons, s->queue[i][Q_CONS]);
	}
	pthread_mutex_unlock(&m->atc_lock);
}

int uiommu_smmuv3_model_restore(struct uiommu_smmuv3_model *model,
				const void *buf, size_t len)
{
	struct state s = { 0 };
	bool quiet;
	int rc;

	model_check_fork(&model->drain);
	rc = check_header(model, buf, len);
	if (!rc)
		rc = take_sections(model, buf, len, &s);
	if (!rc)
		rc = check_state(model, &s);
	if (rc)
		return rc;
	if (!msmmu_cmdq_try_all(model))
		return refuse(model, -EBUSY, "commands are being consumed");
	pthread_mutex_lock(&model->lock);
	quiet = quiescent(model);
	if (quiet)
		apply(model, &s);
	pthread_mutex_unlock(&model->lock);
	if (quiet) {
		/* Nor does a thread of our own look at caches now. */
		model_drain(&model->drain);
		msmmu_tlb_reset(model);
		msmmu_cfg_reset(model);
		msmmu_notify_all(model);
	}
	msmmu_cmdq_release_all(model);
	if (!quiet)
		return refuse(model, -EBUSY, "transactions are waiting");
	/* Commands that had not been consumed when it was saved. */
	for (uint32_t i = 0; i <= model->nr_ecmdqs; i++)
		msmmu_cmdq_kick(model, msmmu_queue(model, i));
	return 0;
}
