/* SPDX-License-Identifier: BSD-2-Clause */
/* The command queue: consumption, wrap, errors and restart, CMD_SYNC. */
#include <pthread.h>

#include "base/atomic.h"
#include "rig.h"

#define CONS(r) (rd(r, SMMU_REG_CMDQ_CONS) & SMMU_CMDQ_CONS_RD)
#define ERR(r) (rd(r, SMMU_REG_CMDQ_CONS) >> 24 & 0x7f)

/* Put a command at an index without ringing. */
static void put(struct rig *r, uint32_t ptr, uint64_t q0, uint64_t q1)
{
	uint64_t pa = RIG_CMDQ + smmu_q_offset(ptr, RIG_CMDQ_LG2, 4);

	ram_w64(&r->ram, pa, q0);
	ram_w64(&r->ram, pa + 8, q1);
}

static void every_legal_command_is_consumed(void **state)
{
	struct rig *r = *state;
	static const uint64_t cmds[][2] = {
		{ 0x0000001000000001, 0 },	/* PREFETCH_CONFIG */
		{ 0x0000001000000002, 0x1000 }, /* PREFETCH_ADDR */
		{ 0x0000123400000003, 0x1 },	/* CFGI_STE */
		{ 0x0000000000000004, 0x1f },	/* CFGI_ALL */
		{ 0x0000123400000004, 0x3 },	/* CFGI_STE_RANGE */
		{ 0x0000123400003005, 0x1 },	/* CFGI_CD */
		{ 0x0000123400000006, 0 },	/* CFGI_CD_ALL */
		{ 0x0000000500000010, 0 },	/* NH_ALL */
		{ 0x0042000500000011, 0 },	/* NH_ASID */
		{ 0x0042000500000012, 0x0000004012345701 }, /* NH_VA */
		{ 0x0042000500002012, 0x400 },		    /* range, 4K */
		{ 0x0042000500508012, 0x400 },
		{ 0x0000000500000013, 0 },	/* NH_VAA */
		{ 0x20, 0 },			/* EL2_ALL */
		{ 0x0042000000000021, 0 },	/* EL2_ASID */
		{ 0x22, 0 },			/* EL2_VA */
		{ 0x23, 0 },			/* EL2_VAA */
		{ 0x0000000500000028, 0 },	/* S12_VMALL */
		{ 0x000000050000002a, 0x1000 }, /* S2_IPA */
		{ 0x30, 0 },			/* NSNH_ALL */
		{ 0x46, 0 },			/* SYNC */
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(cmds); i++) {
		rig_cmd(r, cmds[i][0], cmds[i][1]);
		assert_int_equal(CONS(r), i + 1);
		assert_int_equal(rd(r, SMMU_REG_GERROR), 0);
	}
	assert_int_equal(rig_stats(r).commands, ARRAY_SIZE(cmds));
	assert_int_equal(rig_stats(r).syncs, 1);
	assert_int_equal(rig_stats(r).commands_by_opcode[0x12], 3);
}

static void illegal_commands_stop_and_restart(void **state)
{
	struct rig *r = *state;
	static const uint64_t bad[][2] = {
		{ 0, 0 }, /* reserved opcodes */
		{ 0x47, 0 },
		{ 0xff, 0 },
		{ 0x08, 0 },
		{ 0x401, 0 }, /* SSec on prefetch and CFGI */
		{ 0x403, 0 },
		{ 0x405, 0 },
		{ 0x07, 0 }, /* MPAM is absent */
		{ 0x18, 0 }, /* EL3 and Secure */
		{ 0x1a, 0 },
		{ 0x50, 0 },
		{ 0x60, 0 },
		{ 0x40, 0x34 }, /* ATS, PRI, stalls are absent */
		{ 0x41, 0 },
		{ 0x44, 0 },
		{ 0x45, 0 },
		{ 0x3046, 0 },	 /* SYNC with CS 3 */
		{ 0x12, 0x400 }, /* range of nothing: NUM SCALE TTL 0 */
		{ 0x13, 0x800 },
		{ 0x2a, 0xc00 },
		{ 0x12, 0x900 }, /* 16K has no level-1 leaves: TTL 0 */
		{ 0x70, 0 },	 /* DPT is absent */
	};
	struct uiommu_smmuv3_profile p = rig_profile_plain();
	uint32_t gerror = 0;

	rig_fini(r);
	rig_init(r, &p);
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		uint32_t at = CONS(r);

		put(r, at, bad[i][0], bad[i][1]);
		put(r, at + 1, SMMU_CMD_OP_SYNC, 0);
		wr(r, SMMU_REG_CMDQ_PROD, smmu_q_add(at, 2, RIG_CMDQ_LG2));
		assert_int_equal(CONS(r), at);
		assert_int_equal(ERR(r), 1);
		gerror ^= 1;
		assert_int_equal(rd(r, SMMU_REG_GERROR), gerror);
		/* a doorbell or CMDQEN does not restart it */
		wr(r, SMMU_REG_CMDQ_PROD, smmu_q_add(at, 2, RIG_CMDQ_LG2));
		wr(r, SMMU_REG_CR0, 0x5);
		wr(r, SMMU_REG_CR0, 0xd);
		assert_int_equal(CONS(r), at);
		/* acknowledged but not mended: the same again */
		wr(r, SMMU_REG_GERRORN, gerror);
		gerror ^= 1;
		assert_int_equal(rd(r, SMMU_REG_GERROR), gerror);
		assert_int_equal(CONS(r), at);
		put(r, at, SMMU_CMD_OP_SYNC, 0);
		wr(r, SMMU_REG_GERRORN, gerror);
		assert_int_equal(CONS(r), smmu_q_add(at, 2, RIG_CMDQ_LG2));
		assert_int_equal(rd(r, SMMU_REG_GERROR), gerror);
	}
	/* GERROR interrupts: one for each error */
	assert_int_equal(r->ram.irqs[UIOMMU_SMMUV3_LINE_GERROR],
			 2 * ARRAY_SIZE(bad));
}

/* Replace the command that stopped the queue, and go on. */
static void mend(struct rig *r, uint32_t at)
{
	assert_int_equal(CONS(r), at);
	assert_int_equal(ERR(r), 1);
	put(r, at, SMMU_CMD_OP_SYNC, 0);
	wr(r, SMMU_REG_GERRORN, rd(r, SMMU_REG_GERROR));
	assert_int_equal(CONS(r), smmu_q_add(at, 1, RIG_CMDQ_LG2));
}

/* All opcodes; those that this SMMU knows are in the table. */
static void opcodes_are_known_or_illegal(void **state)
{
	struct rig *r = *state;
	static const uint8_t known[] = { 0x01, 0x02, 0x03, 0x04, 0x05, 0x06,
					 0x10, 0x11, 0x12, 0x13, 0x20, 0x21,
					 0x22, 0x23, 0x28, 0x2a, 0x30, 0x46 };
	unsigned int n = 0;

	for (uint32_t op = 0; op < 256; op++) {
		uint32_t at = CONS(r);
		bool legal = false;

		/* the features of these come and go with the profile */
		if (op == 0x40 || op == 0x41 || op == 0x44 || op == 0x45)
			continue;
		for (unsigned int i = 0; i < ARRAY_SIZE(known); i++)
			legal |= known[i] == op;
		rig_cmd(r, op, 0);
		if (legal)
			assert_int_equal(CONS(r),
					 smmu_q_add(at, 1, RIG_CMDQ_LG2));
		else
			mend(r, at);
		n += legal;
	}
	assert_int_equal(n, ARRAY_SIZE(known));
}

/* A stage, or EL2, that is not there. */
static void absent_stages_make_commands_illegal(void **state)
{
	struct rig *r = *state;
	static const struct {
		uint32_t op;
		bool s1_only, s2_only, no_hyp; /* legal with that */
	} rows[] = {
		{ 0x03, 1, 1, 1 }, { 0x04, 1, 1, 1 }, { 0x05, 1, 0, 1 },
		{ 0x06, 1, 0, 1 }, { 0x10, 1, 0, 1 }, { 0x11, 1, 0, 1 },
		{ 0x12, 1, 0, 1 }, { 0x13, 1, 0, 1 }, { 0x20, 0, 0, 0 },
		{ 0x21, 0, 0, 0 }, { 0x22, 0, 0, 0 }, { 0x23, 0, 0, 0 },
		{ 0x28, 0, 1, 1 }, { 0x2a, 0, 1, 1 }, { 0x30, 1, 1, 1 },
	};

	for (unsigned int which = 0; which < 3; which++) {
		struct uiommu_smmuv3_profile p = rig_profile_plain();

		/* later ones have Hyp, if they have both stages */
		p.idr[0] &= ~SMMU_IDR0_HYP;
		p.aidr = 1;
		if (which == 0) {
			p.idr[0] &= ~(SMMU_IDR0_S2P | SMMU_IDR0_VMID16);
			p.idr[0] &= ~(SMMU_IDR0_ATS | SMMU_IDR0_PRI);
			p.idr[3] &= ~(SMMU_IDR3_XNX | SMMU_IDR3_FWB |
				      SMMU_IDR3_PTWNNC);
		} else if (which == 1) {
			p.idr[0] &= ~SMMU_IDR0_S1P;
			p.idr[3] &= ~(SMMU_IDR3_HAD | SMMU_IDR3_E0PD |
				      SMMU_IDR3_EPAN);
		}
		rig_fini(r);
		rig_init(r, &p);
		for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
			bool legal = which == 0	  ? rows[i].s1_only
				     : which == 1 ? rows[i].s2_only
						  : rows[i].no_hyp;
			uint32_t at = CONS(r);

			rig_cmd(r, rows[i].op, 0);
			if (legal)
				assert_int_equal(CONS(r),
						 smmu_q_add(at, 1,
							    RIG_CMDQ_LG2));
			else
				mend(r, at);
		}
	}
}

/* Invalidations, prefetches and their errors do not need the SMMU on. */
static void commands_work_while_the_smmu_is_off(void **state)
{
	struct rig *r = *state;

	wr(r, SMMU_REG_CR0, SMMU_CR0_CMDQEN);
	rig_cmd(r, SMMU_CMD_OP_CFGI_STE_RANGE, SMMU_CMD_CFGI_RANGE_ALL);
	rig_cmd(r, SMMU_CMD_OP_TLBI_NSNH_ALL, 0);
	rig_cmd(r, SMMU_CMD_OP_PREFETCH_ADDR, 0x1000);
	rig_sync(r);
	/* illegal goes before without effect */
	rig_cmd(r, SMMU_CMD_OP_PREFETCH_CONFIG | SMMU_CMD_0_SSEC, 0);
	mend(r, 4);
}

static void contradicting_indices_stand_still(void **state)
{
	struct rig *r = *state;
	uint32_t n = 1u << RIG_CMDQ_LG2;

	for (uint32_t i = 0; i < n; i++)
		put(r, i, SMMU_CMD_OP_SYNC, 0);
	wr(r, SMMU_REG_CMDQ_PROD, 5);
	assert_int_equal(CONS(r), 5);
	/* more than the queue holds: by one, and by all but one */
	wr(r, SMMU_REG_CMDQ_PROD, n + 6);
	assert_int_equal(CONS(r), 5);
	wr(r, SMMU_REG_CMDQ_PROD, 4);
	assert_int_equal(CONS(r), 5);
	assert_int_equal(rig_stats(r).commands, 5);
	/* as much as it holds */
	wr(r, SMMU_REG_CMDQ_PROD, n + 5);
	assert_int_equal(CONS(r), n + 5);
	assert_int_equal(rig_stats(r).commands, n + 5);
	assert_int_equal(rd(r, SMMU_REG_GERROR), 0);
}

static void prod_may_move_back_while_stopped(void **state)
{
	struct rig *r = *state;

	put(r, 0, SMMU_CMD_OP_TLBI_NSNH_ALL, 0);
	put(r, 1, 0xff, 0);
	put(r, 2, SMMU_CMD_OP_SYNC, 0);
	put(r, 3, SMMU_CMD_OP_SYNC, 0);
	wr(r, SMMU_REG_CMDQ_PROD, 4);
	assert_int_equal(CONS(r), 1);
	wr(r, SMMU_REG_CMDQ_PROD, 1);
	assert_int_equal(CONS(r), 1);
	assert_int_equal(ERR(r), 1);
	/* nothing to do: acknowledged, and the error is over */
	wr(r, SMMU_REG_GERRORN, 1);
	assert_int_equal(CONS(r), 1);
	assert_int_equal(rd(r, SMMU_REG_GERROR), 1);
	wr(r, SMMU_REG_CMDQ_PROD, 2);
	assert_int_equal(rd(r, SMMU_REG_GERROR), 0);
	/* mended, but not acknowledged */
	put(r, 1, SMMU_CMD_OP_SYNC, 0);
	wr(r, SMMU_REG_CMDQ_PROD, 3);
	assert_int_equal(CONS(r), 1);
	/* what stands there now is what counts */
	wr(r, SMMU_REG_GERRORN, 0);
	assert_int_equal(CONS(r), 3);
	assert_int_equal(rig_stats(r).syncs, 2);
	assert_int_equal(rig_stats(r).commands_by_opcode[0xff], 0);
}

static void room_in_a_full_queue_wakes(void **state)
{
	struct rig *r = *state;
	uint32_t n = 1u << RIG_CMDQ_LG2;

	for (uint32_t i = 0; i < n; i++)
		put(r, i, SMMU_CMD_OP_TLBI_NSNH_ALL, 0);
	wr(r, SMMU_REG_CMDQ_PROD, n - 1);
	assert_int_equal(r->ram.wakes, 0);
	wr(r, SMMU_REG_CMDQ_PROD, 2 * n - 1);
	assert_int_equal(CONS(r), 2 * n - 1);
	assert_int_equal(r->ram.wakes, 1);
}

/* 3.4.3: those of queues are cut to the output size, they do not abort. */
static void an_address_above_the_output_size_is_cut(void **state)
{
	struct rig *r = *state;

	wr(r, SMMU_REG_CR0, 0);
	wr64(r, SMMU_REG_CMDQ_BASE, 1ull << 50 | RIG_CMDQ | RIG_CMDQ_LG2);
	wr(r, SMMU_REG_CR0, 8);
	put(r, 0, SMMU_CMD_OP_TLBI_NSNH_ALL, 0);
	wr(r, SMMU_REG_CMDQ_PROD, 1);
	assert_int_equal(CONS(r), 1);
	assert_int_equal(rd(r, SMMU_REG_GERROR), 0);
}

static void ttl_makes_a_short_range_legal(void **state)
{
	struct rig *r = *state;

	rig_cmd(r, 0x0042000500000012, 0x0000004012345701);
	rig_cmd(r, 0x12, 0x401 | 0x300); /* TG 4K, TTL 3 */
	rig_cmd(r, 0x12, 0x800 | 0x200); /* TG 16K, TTL 2 */
	assert_int_equal(rd(r, SMMU_REG_GERROR), 0);
}

static void wraps_and_consumes_a_full_queue(void **state)
{
	struct rig *r = *state;
	uint32_t n = 1u << RIG_CMDQ_LG2;

	for (uint32_t i = 0; i < n; i++)
		put(r, i, SMMU_CMD_OP_TLBI_NSNH_ALL, 0);
	wr(r, SMMU_REG_CMDQ_PROD, n); /* index 0, wrapped: full */
	assert_int_equal(CONS(r), n);
	assert_int_equal(rig_stats(r).commands, n);
	wr(r, SMMU_REG_CMDQ_PROD, 0); /* full again, back to wrap 0 */
	assert_int_equal(CONS(r), 0);
	assert_int_equal(rig_stats(r).commands, 2 * n);
	/* bits above the wrap do not matter */
	wr(r, SMMU_REG_CMDQ_PROD, 0xf0000);
	assert_int_equal(rig_stats(r).commands, 2 * n);
}

static void fetch_abort(void **state)
{
	struct rig *r = *state;

	put(r, 0, SMMU_CMD_OP_TLBI_NSNH_ALL, 0);
	put(r, 1, SMMU_CMD_OP_TLBI_NSNH_ALL, 0);
	ram_poison(&r->ram, RIG_CMDQ + 16, RIG_CMDQ + 31);
	wr(r, SMMU_REG_CMDQ_PROD, 2);
	assert_int_equal(CONS(r), 1);
	assert_int_equal(ERR(r), 2);
	assert_int_equal(rd(r, SMMU_REG_GERROR), 1);
	ram_poison(&r->ram, 1, 0);
	wr(r, SMMU_REG_GERRORN, 1);
	assert_int_equal(CONS(r), 2);
}

static void disabled_queue_waits(void **state)
{
	struct rig *r = *state;

	wr(r, SMMU_REG_CR0, 0x5);
	rig_cmd(r, SMMU_CMD_OP_SYNC, 0);
	assert_int_equal(CONS(r), 0);
	wr(r, SMMU_REG_CR0, 0xd);
	assert_int_equal(CONS(r), 1);
}

static void size_is_capped_and_may_be_one(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_profile p = rig_profile("full");

	rig_fini(r);
	p.idr[1] = (p.idr[1] & ~SMMU_IDR1_CMDQS) | 2u << 21;
	rig_init(r, &p);
	wr(r, SMMU_REG_CR0, 0);
	wr64(r, SMMU_REG_CMDQ_BASE, RIG_CMDQ | 19);
	assert_int_equal(rd64(r, SMMU_REG_CMDQ_BASE), RIG_CMDQ | 19);
	wr(r, SMMU_REG_CR0, 8);
	for (uint32_t i = 0; i < 4; i++)
		ram_w64(&r->ram, RIG_CMDQ + 16 * i, SMMU_CMD_OP_SYNC);
	wr(r, SMMU_REG_CMDQ_PROD, 4); /* full at a size of four */
	assert_int_equal(CONS(r), 4);
	wr(r, SMMU_REG_CR0, 0);
	wr64(r, SMMU_REG_CMDQ_BASE, RIG_CMDQ);
	wr(r, SMMU_REG_CMDQ_PROD, 0);
	wr(r, SMMU_REG_CMDQ_CONS, 0);
	wr(r, SMMU_REG_CR0, 8);
	wr(r, SMMU_REG_CMDQ_PROD, 1); /* one entry */
	assert_int_equal(CONS(r), 1);
	wr(r, SMMU_REG_CMDQ_PROD, 0);
	assert_int_equal(CONS(r), 0);
}

static void sync_signals(void **state)
{
	struct rig *r = *state;

	rig_cmd(r, 0x46, 0);
	assert_int_equal(r->ram.irqs[UIOMMU_SMMUV3_LINE_SYNC], 0);
	rig_cmd(r, 0x1046, 0);
	assert_int_equal(r->ram.irqs[UIOMMU_SMMUV3_LINE_SYNC], 1);
	rig_cmd(r, 0x2046, 0);
	assert_int_equal(r->ram.wakes, 1);
	/* by message, Inner Shareable write-back */
	rig_cmd(r, 0x123456780fc01046, RIG_DATA);
	assert_int_equal(r->ram.msi_count, 1);
	assert_int_equal(r->ram.msi_addr, RIG_DATA);
	assert_int_equal(r->ram.msi_data, 0x12345678);
	assert_int_equal(ram_r32(&r->ram, RIG_DATA), 0x12345678);
	assert_int_equal(r->ram.msi_attrs.mair, 0xff);
	assert_int_equal(r->ram.msi_attrs.sh, 3);
	/* the wire does not ask for the address */
	assert_int_equal(r->ram.irqs[UIOMMU_SMMUV3_LINE_SYNC], 2);
	/* a message that aborts: consumed all the same */
	rig_cmd(r, 0x123456780fc01046, 0x80001000);
	assert_int_equal(CONS(r), 5);
	assert_int_equal(rd(r, SMMU_REG_GERROR), SMMU_GERROR_MSI_CMDQ_ABT_ERR);
	/* once more before it is acknowledged is lost */
	rig_cmd(r, 0x123456780fc01046, 0x80001000);
	assert_int_equal(rd(r, SMMU_REG_GERROR), SMMU_GERROR_MSI_CMDQ_ABT_ERR);
	assert_int_equal(r->ram.irqs[UIOMMU_SMMUV3_LINE_GERROR], 1);
}

/* Whether there is a message is asked of all bits of its address. */
static void sync_message_address_is_cut_after_the_test(void **state)
{
	struct rig *r = *state;

	rig_cmd(r, 0x1046, 1ull << 52 | (RIG_DATA + 4));
	assert_int_equal(r->ram.msi_addr, RIG_DATA + 4);
	rig_cmd(r, 0x1046, 1ull << 52); /* physical address 0 aborts */
	assert_int_equal(rd(r, SMMU_REG_GERROR), SMMU_GERROR_MSI_CMDQ_ABT_ERR);
	/* bits that are no address */
	wr(r, SMMU_REG_GERRORN, rd(r, SMMU_REG_GERROR));
	rig_cmd(r, 0x1046, 1ull << 63 | 3);
	assert_int_equal(rd(r, SMMU_REG_GERROR), rd(r, SMMU_REG_GERRORN));
	assert_int_equal(r->ram.msi_count, 1);
	assert_int_equal(r->ram.irqs[UIOMMU_SMMUV3_LINE_SYNC], 3);
	assert_int_equal(CONS(r), 3);
}

struct nest {
	struct rig *r;
	unsigned int left;
};

static void ring_again(void *arg, unsigned int line)
{
	struct nest *n = arg;

	if (line != UIOMMU_SMMUV3_LINE_SYNC || !n->left)
		return;
	n->left--;
	rig_cmd(n->r, 0x1046, 0);
}

/* An interrupt handler may ring, as often as it likes. */
static void doorbell_from_an_interrupt(void **state)
{
	struct rig *r = *state;
	struct nest n = { r, 100 };

	r->ram.on_irq = ring_again;
	r->ram.on_irq_arg = &n;
	rig_cmd(r, 0x1046, 0);
	assert_int_equal(n.left, 0);
	assert_int_equal(rig_stats(r).syncs, 101);
	assert_int_equal(CONS(r), rd(r, SMMU_REG_CMDQ_PROD));
}

static void *ring(void *arg)
{
	struct rig *r = arg;

	while (!load_acquire(&r->next_table))
		wr(r, SMMU_REG_GERRORN, 0); /* asks the queue to look again */
	return NULL;
}

/* Messages of one queue are written in order, whoever consumes. */
static void two_threads_consume_in_order(void **state)
{
	struct rig *r = *state;
	pthread_t thread;
	uint32_t last = 0;

	store_release(&r->next_table, 0);
	assert_int_equal(pthread_create(&thread, NULL, ring, r), 0);
	for (uint32_t i = 0; i < 500; i++) {
		put(r, 2 * i, 0x1046 | (uint64_t)(2 * i + 1) << 32, RIG_DATA);
		put(r, 2 * i + 1, 0x1046 | (uint64_t)(2 * i + 2) << 32,
		    RIG_DATA);
		wr(r, SMMU_REG_CMDQ_PROD, smmu_q_ptr(2 * i + 2, RIG_CMDQ_LG2));
		while (CONS(r) != smmu_q_ptr(2 * i + 2, RIG_CMDQ_LG2))
			;
		/* the first is there as soon as the second has been passed */
		last = ram_r32(&r->ram, RIG_DATA);
		assert_true(last == 2 * i + 1 || last == 2 * i + 2);
	}
	store_release(&r->next_table, 1);
	pthread_join(thread, NULL);
	assert_int_equal(ram_r32(&r->ram, RIG_DATA), 1000);
	assert_int_equal(rig_stats(r).syncs, 1000);
}

static void gerror_by_message(void **state)
{
	struct rig *r = *state;

	wr(r, SMMU_REG_IRQ_CTRL, 0);
	wr64(r, SMMU_REG_GERROR_IRQ_CFG0, RIG_DATA + 8);
	wr(r, SMMU_REG_GERROR_IRQ_CFG1, 77);
	wr(r, SMMU_REG_IRQ_CTRL, SMMU_IRQ_CTRL_GERROR_IRQEN);
	rig_cmd(r, 0, 0);
	assert_int_equal(r->ram.msi_addr, RIG_DATA + 8);
	assert_int_equal(r->ram.msi_data, 77);
	assert_int_equal(r->ram.irqs[UIOMMU_SMMUV3_LINE_GERROR], 1);
	/* its own abort is noted and raises nothing */
	wr(r, SMMU_REG_IRQ_CTRL, 0);
	wr64(r, SMMU_REG_GERROR_IRQ_CFG0, RIG_HOLE);
	wr(r, SMMU_REG_IRQ_CTRL, SMMU_IRQ_CTRL_GERROR_IRQEN);
	wr(r, SMMU_REG_GERRORN, 1);
	assert_int_equal(rd(r, SMMU_REG_GERROR),
			 SMMU_GERROR_MSI_GERROR_ABT_ERR);
	assert_int_equal(r->ram.msi_count, 1);
}

static void commands_in_a_thread(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_profile p = rig_profile("full");

	rig_fini(r);
	p.threaded_commands = true;
	rig_init(r, &p);
	for (unsigned int i = 0; i < 20; i++)
		rig_cmd(r, SMMU_CMD_OP_SYNC, 0);
	while (CONS(r) != 20)
		;
	while (rig_stats(r).syncs != 20)
		;
	/* a reset ends what it does, and the next doorbell starts it again */
	for (unsigned int i = 0; i < 20; i++)
		rig_cmd(r, SMMU_CMD_OP_SYNC, 0);
	uiommu_smmuv3_model_reset(r->model);
	assert_int_equal(CONS(r), 0);
	wr64(r, SMMU_REG_CMDQ_BASE, RIG_CMDQ | RIG_CMDQ_LG2);
	wr(r, SMMU_REG_CR0, SMMU_CR0_CMDQEN);
	rig_cmd(r, SMMU_CMD_OP_SYNC, 0);
	while (CONS(r) != 1)
		;
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(every_legal_command_is_consumed),
		T(illegal_commands_stop_and_restart),
		T(opcodes_are_known_or_illegal),
		T(absent_stages_make_commands_illegal),
		T(commands_work_while_the_smmu_is_off),
		T(contradicting_indices_stand_still),
		T(prod_may_move_back_while_stopped),
		T(room_in_a_full_queue_wakes),
		T(an_address_above_the_output_size_is_cut),
		T(ttl_makes_a_short_range_legal),
		T(wraps_and_consumes_a_full_queue),
		T(fetch_abort),
		T(disabled_queue_waits),
		T(size_is_capped_and_may_be_one),
		T(sync_signals),
		T(sync_message_address_is_cut_after_the_test),
		T(doorbell_from_an_interrupt),
		T(two_threads_consume_in_order),
		T(gerror_by_message),
		T(commands_in_a_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
