/* SPDX-License-Identifier: BSD-2-Clause */
/* Snapshots: what is saved comes back, what is damaged is refused whole. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot_rig.h"

#define HEADER 64u
#define CRC_AT 60u

static void put_le(uint8_t *at, uint64_t val, unsigned int n)
{
	while (n--) {
		*at++ = (uint8_t)val;
		val >>= 8;
	}
}

static uint64_t get_le(const uint8_t *at, unsigned int n)
{
	uint64_t val = 0;

	while (n--)
		val = val << 8 | at[n];
	return val;
}

/* Make the checksum right again: CRC-32 as in zlib, its own field as 0. */
static void reseal(struct shot *s)
{
	uint32_t crc = 0xffffffff;

	put_le(s->bytes + CRC_AT, 0, 4);
	for (size_t i = 0; i < s->len; i++) {
		crc ^= s->bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
	}
	put_le(s->bytes + CRC_AT, ~crc, 4);
}

/* The value of the register at `offset`. */
static uint8_t *find_reg(struct shot *s, uint32_t offset)
{
	uint64_t n = get_le(s->bytes + HEADER + 4, 4) / 16;

	for (uint64_t i = 0; i < n; i++) {
		uint8_t *entry = s->bytes + HEADER + 8 + 16 * i;

		if (get_le(entry, 4) == offset)
			return entry + 8;
	}
	fail_msg("no register at 0x%x", offset);
	return NULL;
}

/* Everything at a value of its own, an error and an event pending. */
static void stir(struct rig *r)
{
	wr(r, SMMU_REG_CR0, 0);
	wr(r, SMMU_REG_IRQ_CTRL, 0);
	wr64(r, SMMU_REG_GERROR_IRQ_CFG0, RIG_DATA + 0x100);
	wr(r, SMMU_REG_GERROR_IRQ_CFG1, 0x12345678);
	wr(r, SMMU_REG_GERROR_IRQ_CFG2, 0x3f);
	wr64(r, SMMU_REG_EVENTQ_IRQ_CFG0, RIG_DATA + 0x104);
	wr(r, SMMU_REG_EVENTQ_IRQ_CFG1, 0x9abcdef0);
	wr(r, SMMU_REG_EVENTQ_IRQ_CFG2, 0x1f);
	wr(r, SMMU_REG_CR1, 0xd75);
	wr(r, SMMU_REG_GBPA, 0x80030011);
	wr(r, SMMU_REG_IRQ_CTRL, 5);
	wr(r, SMMU_REG_CR0, 0xd);
	rig_stream(r, 1, 1);
	rig_cmd(r, 0xff, 0);
	assert_int_equal(rig_xlate(r, 1, 0, 0x1000,
				   &(struct uiommu_smmuv3_xlate){ 0 }),
			 -EFAULT);
}

static void everything_comes_back(void **state)
{
	struct rig *r = *state, other;
	struct uiommu_smmuv3_profile p = rig_profile("full");
	struct shot shot;

	stir(r);
	shot = take(r);
	/* a larger TLB and a thread are none of its business */
	p.tlb_entries = 64;
	p.config_entries = 0;
	p.threaded_commands = true;
	rig_init_off(&other, &p);
	assert_int_equal(restore(&other, &shot), 0);
	for (uint32_t off = 0; off < UIOMMU_SMMUV3_MMIO_SIZE; off += 4)
		assert_int_equal(rd(&other, off), rd(r, off));
	assert_true(state_is(&other, &shot));
	/* the error is still there: nothing is consumed */
	assert_int_equal(rd(&other, SMMU_REG_CMDQ_CONS) >> 24, 1);
	assert_int_equal(other.ram.irqs[UIOMMU_SMMUV3_LINE_GERROR], 0);
	rig_fini(&other);
	drop(&shot);
}

static void too_small_a_buffer(void **state)
{
	struct rig *r = *state;
	size_t len = uiommu_smmuv3_model_snapshot_size(r->model);
	uint8_t *buf = test_malloc(len);

	for (size_t i = 0; i < len; i++)
		assert_int_equal(uiommu_smmuv3_model_save(r->model, buf, i),
				 -ENOSPC);
	assert_int_equal(uiommu_smmuv3_model_save(r->model, buf, len), 0);
	test_free(buf);
}

static void each_flipped_bit_is_refused(void **state)
{
	struct rig *r = *state;
	struct shot shot, now;

	stir(r);
	shot = take(r);
	wr(r, SMMU_REG_GBPA, 0x80100000);
	now = take(r);
	for (size_t i = 0; i < shot.len; i++) {
		for (unsigned int bit = 0; bit < 8; bit++) {
			shot.bytes[i] ^= 1u << bit;
			assert_int_equal(restore(r, &shot), -EINVAL);
			assert_non_null(strstr(r->ram.last_log, "snapshot"));
			shot.bytes[i] ^= 1u << bit;
		}
		assert_true(state_is(r, &now));
	}
	assert_int_equal(restore(r, &shot), 0);
	assert_true(state_is(r, &shot));
	drop(&shot);
	drop(&now);
}

static void each_length_but_the_right_one_is_refused(void **state)
{
	struct rig *r = *state;
	struct shot shot, now, part;

	stir(r);
	shot = take(r);
	wr(r, SMMU_REG_GBPA, 0x80100000);
	now = take(r);
	for (size_t len = 0; len < shot.len + 16; len++) {
		if (len == shot.len)
			continue;
		/* in a block of its own, for the address sanitizer */
		part = (struct shot){ len, malloc(len ? len : 1) };
		memset(part.bytes, 0, len);
		memcpy(part.bytes, shot.bytes, min_u64(len, shot.len));
		assert_int_equal(restore(r, &part), -EINVAL);
		if (len >= HEADER) {
			put_le(part.bytes + 16, len, 8);
			reseal(&part);
			assert_true(restore(r, &part) < 0);
		}
		free(part.bytes);
		assert_true(state_is(r, &now));
	}
	drop(&shot);
	drop(&now);
}

/* With the checksum made right: refused, or a state that can be. */
static void each_flipped_bit_resealed(void **state)
{
	struct rig *r = *state;
	unsigned int taken = 0, refused = 0;
	struct shot shot, now;

	shot = take(r);
	wr(r, SMMU_REG_CR0, 0);
	wr(r, SMMU_REG_GBPA, 0x80100000);
	now = take(r);
	for (size_t i = 0; i < 8 * shot.len; i++) {
		if (i / 8 >= CRC_AT && i / 8 < CRC_AT + 4)
			continue;
		shot.bytes[i / 8] ^= 1u << i % 8;
		reseal(&shot);
		if (restore(r, &shot)) {
			assert_true(r->ram.last_log[0]);
			assert_true(state_is(r, &now));
			refused++;
		} else {
			/* commands may have been taken, and an error raised */
			taken++;
			assert_int_equal(rd(r, SMMU_REG_CR0),
					 rd(r, SMMU_REG_CR0ACK));
			assert_int_equal(restore(r, &now), 0);
		}
		shot.bytes[i / 8] ^= 1u << i % 8;
	}
	assert_true(refused > 900);
	assert_true(taken > 300);
	drop(&shot);
	drop(&now);
}

struct lie {
	uint32_t at;	   /* offset in the snapshot, or of a register */
	unsigned int size; /* 0: a register */
	uint64_t val;
	int err;
	const char *why;
};

static const struct lie lies[] = {
	{ 0, 1, 'x', -EINVAL, "not one" },
	{ 8, 4, 2, -EPROTONOSUPPORT, "version 2" },
	{ 8, 4, 0, -EPROTONOSUPPORT, "version 0" },
	{ 12, 4, 56, -EINVAL, "header" },
	{ 24, 4, 0x0d44101b, -EINVAL, "IDR0 is 0x0d44101b there" },
	{ 44, 4, 0x74, -EINVAL, "IDR5" },
	{ 48, 4, 1, -EINVAL, "IDR6" },
	{ 52, 4, 0, -EINVAL, "IIDR" },
	{ 56, 4, 2, -EINVAL, "AIDR" },
	{ 64, 4, 7, -EPROTONOSUPPORT, "unknown section 7" },
	{ 64, 4, 0x80000001, -EINVAL, "CR0 is missing" },
	{ 68, 4, 12, -EINVAL, "length of section 1" },
	{ 68, 4, 8, -EINVAL, "odd length" },
	{ 68, 4, 0xfffffff8, -EINVAL, "length of section 1" },
	{ 72, 4, 0x28, -EINVAL, "CR1 stands there twice" },
	{ 72, 4, 0x30, -EINVAL, "no register at 0x30" },
	{ 72, 4, 0, -EINVAL, "no register at 0x0" },
	{ 76, 4, 1, -EINVAL, "no register at 0x20" },
	{ SMMU_REG_CR0, 0, 0x20d, -EINVAL, "CR0 has reserved bits" },
	{ SMMU_REG_CR0, 0, 0x100000000, -EINVAL, "CR0 has reserved bits" },
	{ SMMU_REG_CR0, 0, 0, -EINVAL, "CR0ACK is not CR0" },
	{ SMMU_REG_CR0ACK, 0, 0, -EINVAL, "CR0ACK is not CR0" },
	{ SMMU_REG_CR1, 0, 0x1000, -EINVAL, "CR1 has reserved bits" },
	{ SMMU_REG_GBPA, 0, 0x80000000, -EINVAL, "GBPA.Update" },
	{ SMMU_REG_IRQ_CTRLACK, 0, 0, -EINVAL, "IRQ_CTRLACK" },
	{ SMMU_REG_GERROR, 0, 1 << 8, -EINVAL, "GERROR" },
	{ SMMU_REG_STATUSR, 0, 1, -EINVAL, "STATUSR" },
	{ SMMU_REG_STRTAB_BASE, 0, 1ull << 63, -EINVAL, "STRTAB_BASE has" },
	{ SMMU_REG_EVENTQ_PROD, 0, 1 << 20, -EINVAL, "EVENTQ_PROD has" },
	{ SMMU_REG_EVENTQ_CONS, 0, 0x80000003, 0, "" },
};

static void lies_are_named(void **state)
{
	struct rig *r = *state;
	struct shot shot = take(r), now, copy;

	wr(r, SMMU_REG_GBPA, 0x80100000);
	now = take(r);
	copy = take(r);
	for (unsigned int i = 0; i < ARRAY_SIZE(lies); i++) {
		const struct lie *lie = &lies[i];

		memcpy(copy.bytes, shot.bytes, shot.len);
		if (lie->size)
			put_le(copy.bytes + lie->at, lie->val, lie->size);
		else
			put_le(find_reg(&copy, lie->at), lie->val, 8);
		reseal(&copy);
		assert_int_equal(restore(r, &copy), lie->err);
		if (!strstr(r->ram.last_log, lie->why))
			fail_msg("row %u: \"%s\", not \"%s\"", i,
				 r->ram.last_log, lie->why);
		assert_true(state_is(r, lie->err ? &now : &copy));
		assert_int_equal(restore(r, &now), 0);
	}
	drop(&shot);
	drop(&now);
	drop(&copy);
}

/* What a later version may add, and what it may not leave out. */
static void sections(void **state)
{
	struct rig *r = *state;
	struct shot shot = take(r), more;
	uint64_t regs = get_le(shot.bytes + HEADER + 4, 4);

	more.len = shot.len + 24;
	more.bytes = test_malloc(more.len);
	memcpy(more.bytes, shot.bytes, shot.len);
	put_le(more.bytes + 16, more.len, 8);
	memset(more.bytes + shot.len, 0xee, 24);
	put_le(more.bytes + shot.len, 0x80000123, 4);
	put_le(more.bytes + shot.len + 4, 16, 4);
	reseal(&more);
	assert_int_equal(restore(r, &more), 0);
	put_le(more.bytes + shot.len, 0x123, 4);
	reseal(&more);
	assert_int_equal(restore(r, &more), -EPROTONOSUPPORT);
	/* a section of hidden state twice */
	put_le(more.bytes + shot.len, 2, 4);
	put_le(more.bytes + shot.len + 4, 8, 4);
	put_le(more.bytes + shot.len + 8, 0, 8);
	more.len -= 8;
	put_le(more.bytes + 16, more.len, 8);
	reseal(&more);
	assert_int_equal(restore(r, &more), -EINVAL);
	assert_non_null(strstr(r->ram.last_log, "hidden"));
	/* queues twice */
	test_free(more.bytes);
	more.len = shot.len + 40;
	more.bytes = test_malloc(more.len);
	memcpy(more.bytes, shot.bytes, shot.len);
	memcpy(more.bytes + shot.len, shot.bytes + shot.len - 40, 40);
	put_le(more.bytes + 16, more.len, 8);
	reseal(&more);
	assert_int_equal(restore(r, &more), -EINVAL);
	assert_non_null(strstr(r->ram.last_log, "queues"));
	/* and none of the two at all */
	more.len = HEADER + 8 + regs;
	put_le(more.bytes + 16, more.len, 8);
	reseal(&more);
	assert_int_equal(restore(r, &more), -EINVAL);
	assert_non_null(strstr(r->ram.last_log, "is missing"));
	assert_true(state_is(r, &shot));
	drop(&shot);
	test_free(more.bytes);
}

/* As of an instance whose own thread had not come to them yet. */
static void waiting_commands_are_consumed(void **state)
{
	struct rig *r = *state;
	struct shot shot;

	for (unsigned int i = 0; i < 3; i++)
		rig_cmd(r, SMMU_CMD_OP_SYNC, 0);
	shot = take(r);
	put_le(find_reg(&shot, SMMU_REG_CMDQ_CONS), 1, 8);
	reseal(&shot);
	assert_int_equal(restore(r, &shot), 0);
	assert_int_equal(rd(r, SMMU_REG_CMDQ_CONS), 3);
	assert_int_equal(rig_stats(r).syncs, 5);
	/* indices that cannot be are the guest's doing, and do no harm */
	put_le(find_reg(&shot, SMMU_REG_CMDQ_CONS), 0xfffff, 8);
	put_le(find_reg(&shot, SMMU_REG_EVENTQ_PROD), 0x800fffff, 8);
	reseal(&shot);
	assert_int_equal(restore(r, &shot), 0);
	rig_stream(r, 1, 1);
	assert_int_equal(rig_xlate(r, 1, 0, 0x1000,
				   &(struct uiommu_smmuv3_xlate){ 0 }),
			 -EFAULT);
	drop(&shot);
}

struct told {
	enum uiommu_smmuv3_inval_kind kind[4];
	unsigned int nr;
};

static void tell(void *ctx, const struct uiommu_smmuv3_inval *inval)
{
	struct told *t = ctx;

	assert_true(t->nr < ARRAY_SIZE(t->kind));
	t->kind[t->nr++] = inval->kind;
}

/* Who shadows the tables starts anew, before any command is consumed. */
static void a_restore_is_told(void **state)
{
	struct rig *r = *state;
	struct told t = { .nr = 0 };
	struct shot shot;

	rig_cmd(r, SMMU_CMD_OP_TLBI_NSNH_ALL, 0);
	shot = take(r);
	put_le(find_reg(&shot, SMMU_REG_CMDQ_CONS), 0, 8);
	reseal(&shot);
	uiommu_smmuv3_model_set_notifier(r->model, tell, &t);
	assert_int_equal(restore(r, &shot), 0);
	assert_int_equal(t.nr, 2);
	assert_int_equal(t.kind[0], UIOMMU_SMMUV3_INVAL_ALL);
	assert_int_equal(t.kind[1], UIOMMU_SMMUV3_INVAL_TLB);
	/* one that is refused changes nothing */
	shot.bytes[HEADER] ^= 1;
	assert_int_equal(restore(r, &shot), -EINVAL);
	assert_int_equal(t.nr, 2);
	drop(&shot);
}

/* ------------------------------------------------------ more queues --- */

/* Four ECMDQs, in two pages. */
static struct uiommu_smmuv3_profile with_ecmdqs(void)
{
	struct uiommu_smmuv3_profile p = rig_profile("full");

	p.idr[1] |= SMMU_IDR1_ECMDQ;
	p.idr[6] = 1 << 24 | 1 << 16;
	return p;
}

static void ecmdq_cmd(struct rig *r, uint32_t reg, uint64_t pa, uint64_t q0)
{
	uint32_t prod = rd(r, reg + SMMU_REG_ECMDQ_PROD);

	ram_w64(&r->ram, pa + (prod % 4 * 16), q0);
	ram_w64(&r->ram, pa + (prod % 4 * 16) + 8, 0);
	wr(r, reg + SMMU_REG_ECMDQ_PROD,
	   (prod & ~0xfu) | ((prod + 1) & 7) | SMMU_ECMDQ_PROD_EN);
}

static void queues_of_their_own(void **state)
{
	struct uiommu_smmuv3_profile p = with_ecmdqs();
	const uint32_t reg = 0x38000; /* page 1, queue 1 */
	const uint64_t pa = RIG_BASE + 0x30000;
	struct shot shot, now;
	struct rig r, other;
	uint8_t *word;

	rig_init(&r, &p);
	wr64(&r, reg + SMMU_REG_ECMDQ_BASE, pa | 2);
	wr(&r, reg + SMMU_REG_ECMDQ_PROD, SMMU_ECMDQ_PROD_EN);
	assert_int_equal(rd(&r, reg + SMMU_REG_ECMDQ_CONS) >> 31, 1);
	ecmdq_cmd(&r, reg, pa, SMMU_CMD_OP_SYNC);
	ecmdq_cmd(&r, reg, pa, 0xff);
	assert_int_equal(rd(&r, reg + SMMU_REG_ECMDQ_CONS), 0x81800001);
	shot = take(&r);

	rig_init_off(&other, &p);
	now = take(&other);
	assert_int_equal(restore(&other, &shot), 0);
	assert_true(state_is(&other, &shot));
	for (uint32_t off = 0; off < 0x40000; off += 4)
		assert_int_equal(rd(&other, off), rd(&r, off));
	/* it goes on where it stopped */
	ram_w64(&other.ram, pa + 16, SMMU_CMD_OP_SYNC);
	wr(&other, reg + SMMU_REG_ECMDQ_PROD,
	   SMMU_ECMDQ_PROD_EN | SMMU_ECMDQ_PROD_ERRACK | 2);
	assert_int_equal(rd(&other, reg + SMMU_REG_ECMDQ_CONS) & 0xfffff, 2);
	assert_int_equal(restore(&other, &now), 0);

	/* the last queue: its EN without ENACK, and bits that are not there */
	word = shot.bytes + shot.len - 16;
	assert_int_equal(get_le(word, 8), 0x80000002);
	put_le(word, 2, 8);
	reseal(&shot);
	assert_int_equal(restore(&other, &shot), -EINVAL);
	assert_non_null(strstr(other.ram.last_log, "command queue 4"));
	put_le(word, 0x180000002, 8);
	reseal(&shot);
	assert_int_equal(restore(&other, &shot), -EINVAL);
	/* BASE of the queue of page 0 does not stand here */
	put_le(word, 0x80000002, 8);
	put_le(shot.bytes + shot.len - 5 * 32 + 8, 1, 8);
	reseal(&shot);
	assert_int_equal(restore(&other, &shot), -EINVAL);
	assert_non_null(strstr(other.ram.last_log, "command queue 0"));
	assert_true(state_is(&other, &now));
	/* another number of queues is another profile */
	p.idr[6] = 0;
	rig_fini(&r);
	rig_init(&r, &p);
	assert_int_equal(restore(&r, &now), -EINVAL);
	assert_non_null(strstr(r.ram.last_log, "IDR6"));
	rig_fini(&r);
	rig_fini(&other);
	drop(&shot);
	drop(&now);
}

/* CR2 takes effect with SMMUEN: until then there are two values of it. */
static void cr2_that_is_not_in_effect(void **state)
{
	struct rig *r = *state;
	struct shot shot, now;
	uint8_t *hidden;

	wr(r, SMMU_REG_CR0, 0xc);
	wr(r, SMMU_REG_CR2, SMMU_CR2_E2H);
	shot = take(r);
	hidden = shot.bytes + shot.len - 40 - 8;
	assert_int_equal(get_le(hidden, 8), SMMU_CR2_RECINVSID);
	assert_int_equal(get_le(find_reg(&shot, SMMU_REG_CR2), 8),
			 SMMU_CR2_E2H);
	uiommu_smmuv3_model_reset(r->model);
	now = take(r);
	put_le(hidden, 4, 8);
	reseal(&shot);
	assert_int_equal(restore(r, &shot), -EINVAL);
	assert_non_null(strstr(r->ram.last_log, "CR2 in effect"));
	assert_true(state_is(r, &now));
	put_le(hidden, SMMU_CR2_RECINVSID, 8);
	reseal(&shot);
	assert_int_equal(restore(r, &shot), 0);
	assert_true(state_is(r, &shot));
	drop(&shot);
	drop(&now);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(everything_comes_back),
		T(too_small_a_buffer),
		T(each_flipped_bit_is_refused),
		T(each_length_but_the_right_one_is_refused),
		T(each_flipped_bit_resealed),
		T(lies_are_named),
		T(sections),
		T(waiting_commands_are_consumed),
		T(a_restore_is_told),
		cmocka_unit_test(queues_of_their_own),
		T(cr2_that_is_not_in_effect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
