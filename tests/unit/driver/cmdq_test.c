/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command queue on a fake SMMU: order, wrap, full queue, errors of every
 * kind, time-outs, and several producers at once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <uiommu/env.h>

#include "driver/smmuv3/cmd.h"
#include "driver/smmuv3/cmdq.h"
#include "fake_smmu.h"
#include "hw/smmuv3/queue.h"
#include "hw/smmuv3/regs.h"

#define MSEC 1000000ull

struct fixture {
	struct fake_smmu fake;
	struct smmuv3_cmdq q;
};

static struct fixture *start(uint8_t lg2, uint64_t timeout_ns)
{
	struct fixture *f = malloc(sizeof(*f));

	assert_non_null(f);
	fake_smmu_init(&f->fake);
	assert_int_equal(smmuv3_cmdq_init(&f->q, &f->fake.tp.platform,
					  FAKE_BASE, lg2, timeout_ns),
			 0);
	smmuv3_cmdq_program(&f->q);
	*fake_smmu_reg(&f->fake, SMMU_REG_CR0) = SMMU_CR0_CMDQEN;
	return f;
}

static void stop(struct fixture *f)
{
	assert_int_equal(f->fake.bad_commands, 0);
	smmuv3_cmdq_fini(&f->q);
	fake_smmu_fini(&f->fake);
	free(f);
}

static int send_n(struct smmuv3_cmdq *q, uint32_t first, unsigned int n)
{
	struct smmuv3_batch batch;
	unsigned int i;

	smmuv3_batch_init(&batch, q);
	for (i = 0; i < n; i++)
		smmuv3_batch_add(&batch, smmuv3_make_cfgi_ste(first + i, true));
	return smmuv3_batch_sync(&batch);
}

static uint32_t sid_of(const struct smmu_cmd *cmd)
{
	return cmd->q[0] >> 32;
}

static void a_batch_is_one_doorbell_and_one_sync(void **state)
{
	struct fixture *f = start(6, 1000 * MSEC);

	assert_int_equal(send_n(&f->q, 100, 3), 0);
	assert_int_equal(f->fake.nr, 4);
	assert_int_equal(sid_of(&f->fake.log[0]), 100);
	assert_int_equal(sid_of(&f->fake.log[2]), 102);
	assert_int_equal(f->fake.log[3].q[0], 0x46);
	/* one at programming time */
	assert_int_equal(f->fake.prod_writes, 1 + 1);
	assert_int_equal(f->q.doorbells, 1);
	assert_int_equal(f->q.count[SMMUV3_CMD_SYNC], 1);
	assert_int_equal(f->q.count[SMMUV3_CMD_CFGI_STE], 3);
	stop(f);
}

static void wraps_in_order_in_queues_of_every_size(void **state)
{
	unsigned int lg2, i, n, sent;
	struct fixture *f;
	uint32_t next, k;

	for (lg2 = 0; lg2 <= 7; lg2++) {
		f = start(lg2, 1000 * MSEC);
		for (i = 0, sent = 0; i < 300; i++, sent += n) {
			n = i % 45;
			assert_int_equal(send_n(&f->q, sent, n), 0);
		}
		for (k = 0, next = 0; k < f->fake.nr; k++)
			if ((f->fake.log[k].q[0] & 0xff) == 0x03)
				assert_int_equal(sid_of(&f->fake.log[k]),
						 next++);
		assert_int_equal(next, sent);
		assert_int_equal(fake_smmu_count(&f->fake, 0, 0x46), 300);
		stop(f);
	}
}

static void positions_may_wrap_around_32_bits(void **state)
{
	struct fixture *f = start(3, 1000 * MSEC);
	uint32_t near = UINT32_MAX - 20;
	unsigned int i;

	f->q.tail = near;
	f->q.published = near;
	f->q.cons = near;
	*fake_smmu_reg(&f->fake, SMMU_REG_CMDQ_PROD) = smmu_q_ptr(near, 3);
	*fake_smmu_reg(&f->fake, SMMU_REG_CMDQ_CONS) = smmu_q_ptr(near, 3);
	for (i = 0; i < 20; i++)
		assert_int_equal(send_n(&f->q, i, 3), 0);
	assert_int_equal(f->fake.nr, 80);
	stop(f);
}

static uint32_t refuse_sid_13(struct fake_smmu *fake,
			      const struct smmu_cmd *cmd);

/* Failures are told from each other wherever the positions have got to. */
static void a_refusal_is_its_producers_alone_at_any_position(void **state)
{
	static const uint32_t from[] = { 0, UINT32_C(1) << 31,
					 UINT32_MAX - 60 };
	struct smmuv3_batch batch;
	struct smmuv3_ticket ticket;
	struct fixture *f;
	unsigned int i, k;

	for (i = 0; i < 3; i++) {
		f = start(4, 1000 * MSEC);
		f->q.tail = from[i];
		f->q.published = from[i];
		f->q.cons = from[i];
		*fake_smmu_reg(&f->fake, SMMU_REG_CMDQ_PROD) =
			smmu_q_ptr(from[i], 4);
		*fake_smmu_reg(&f->fake, SMMU_REG_CMDQ_CONS) =
			smmu_q_ptr(from[i], 4);
		f->fake.refuse = refuse_sid_13;
		for (k = 0; k < 16; k++) {
			smmuv3_batch_init(&batch, &f->q);
			smmuv3_batch_add(&batch, smmuv3_make_cfgi_ste(1, true));
			smmuv3_batch_submit(&batch, &ticket);
			assert_int_equal(send_n(&f->q, 13, 1), -EIO);
			assert_int_equal(smmuv3_ticket_wait(&ticket), 0);
		}
		stop(f);
	}
}

/* ------------------------------------------------------------ time-outs -- */

static void a_mute_queue_times_out_and_recovers(void **state)
{
	struct fixture *f = start(3, 5 * MSEC);
	unsigned int i;

	f->fake.hold = true;
	/* Fills up, then cannot even reserve; each call ends in time. */
	for (i = 0; i < 5; i++)
		assert_int_equal(send_n(&f->q, 10 * i, 2), -ETIMEDOUT);
	f->fake.hold = false;
	fake_smmu_run(&f->fake, UINT32_MAX);
	assert_int_equal(send_n(&f->q, 500, 2), 0);
	/* What was published before was consumed, nothing twice. */
	assert_int_equal(f->fake.nr, 2 * 3 + 3);
	assert_int_equal(sid_of(&f->fake.log[f->fake.nr - 2]), 501);
	stop(f);
}

static uint64_t jumping_clock;

/* A minute passes between any two looks at the clock: we were stopped. */
static uint64_t jump(void *ctx)
{
	return jumping_clock += 60000 * MSEC;
}

static void resume_at_third_relax(void *ctx)
{
	static unsigned int nr;
	struct fixture *f;

	f = container_of(ctx, struct fixture, fake.tp);
	if (++nr == 3)
		fake_smmu_run(&f->fake, UINT32_MAX);
}

static void time_that_passed_elsewhere_is_not_the_hardwares(void **state)
{
	struct fixture *f = start(4, 20 * MSEC);

	f->fake.tp.platform.now_ns = jump;
	f->fake.tp.platform.relax = resume_at_third_relax;
	f->fake.hold = true;
	assert_int_equal(send_n(&f->q, 0, 2), 0);
	/* But patience ends. */
	assert_int_equal(send_n(&f->q, 0, 2), -ETIMEDOUT);
	stop(f);
}

static void registers_of_ones_are_no_completion(void **state)
{
	struct fixture *f = start(4, 5 * MSEC);

	f->fake.hold = true;
	f->fake.dead_reads = 1;
	assert_int_equal(send_n(&f->q, 0, 2), -ETIMEDOUT);
	stop(f);
}

/* --------------------------------------------------------------- errors -- */

static uint32_t refuse_sid_13(struct fake_smmu *fake,
			      const struct smmu_cmd *cmd)
{
	if ((cmd->q[0] & 0xff) != 0x03 || sid_of(cmd) != 13)
		return 0;
	fake->refusals++;
	return SMMU_CERROR_ILL;
}

static void a_refused_command_fails_its_batch_only(void **state)
{
	struct fixture *f = start(5, 1000 * MSEC);

	f->fake.refuse = refuse_sid_13;
	assert_int_equal(send_n(&f->q, 0, 3), 0);
	assert_int_equal(send_n(&f->q, 12, 3), -EIO);
	assert_int_equal(send_n(&f->q, 20, 3), 0);
	assert_int_equal(f->fake.refusals, 1);
	/* The rest of the batch ran; a SYNC stands in for the bad one. */
	assert_int_equal(f->fake.nr, 4 + 4 + 4);
	assert_int_equal(f->fake.log[5].q[0], 0x46);
	assert_int_equal(f->fake.log[5].q[1], 0);
	assert_int_equal(sid_of(&f->fake.log[6]), 14);
	assert_int_equal(*fake_smmu_reg(&f->fake, SMMU_REG_GERROR),
			 *fake_smmu_reg(&f->fake, SMMU_REG_GERRORN));
	assert_true(f->fake.tp.log_lines > 0);
	stop(f);
}

static void a_refusal_in_an_early_piece_is_not_forgotten(void **state)
{
	struct fixture *f = start(7, 1000 * MSEC);

	f->fake.refuse = refuse_sid_13;
	/* Three pieces; the first holds the bad one. */
	assert_int_equal(send_n(&f->q, 10, 40), -EIO);
	assert_int_equal(send_n(&f->q, 100, 40), 0);
	/* More than the queue holds: no way to know, so the worst is said. */
	assert_int_equal(send_n(&f->q, 10, 300), -EIO);
	assert_int_equal(send_n(&f->q, 100, 300), 0);
	stop(f);
}

static uint32_t refuse_with_code(struct fake_smmu *fake,
				 const struct smmu_cmd *cmd)
{
	uint32_t code = fake->refusals & 0xff;

	/* code and how many times in the bytes of `refusals` */
	if (!(fake->refusals >> 8) || (cmd->q[0] & 0xff) != 0x46)
		return 0;
	fake->refusals -= 0x100;
	return code;
}

static void an_abort_on_fetch_is_tried_again(void **state)
{
	struct fixture *f = start(4, 1000 * MSEC);

	f->fake.refuse = refuse_with_code;
	f->fake.refusals = 0x200 | SMMU_CERROR_ABT;
	assert_int_equal(send_n(&f->q, 0, 2), 0);
	assert_int_equal(f->fake.refusals >> 8, 0);
	stop(f);
}

static void endless_aborts_end_in_an_error(void **state)
{
	struct fixture *f = start(4, 100000 * MSEC);

	f->fake.refuse = refuse_with_code;
	f->fake.refusals = 0xff00 | SMMU_CERROR_ABT;
	assert_int_equal(send_n(&f->q, 0, 2), -EIO);
	assert_int_equal(send_n(&f->q, 0, 2), -EIO);
	assert_true(f->q.dead);
	stop(f);
}

static int send_atc(struct smmuv3_cmdq *q)
{
	struct smmuv3_batch batch;

	smmuv3_batch_init(&batch, q);
	smmuv3_batch_add(&batch, smmuv3_make_atc_inv(1, 0, 0, 12));
	return smmuv3_batch_sync(&batch);
}

/*
 * Told are those whose CMD_ATC_INV may have been the one: between their first
 * command and their CMD_SYNC a CMD_SYNC has stopped.
 */
static void an_atc_time_out_is_reported_once(void **state)
{
	struct fixture *f = start(5, 1000 * MSEC);
	struct smmuv3_batch long_one, other;
	struct smmuv3_ticket ticket;
	unsigned int i;

	f->fake.refuse = refuse_with_code;
	f->fake.refusals = 0x100 | SMMU_CERROR_ATC_INV_SYNC;
	assert_int_equal(send_atc(&f->q), SMMUV3_DISOBEYED);
	assert_int_equal(send_atc(&f->q), 0);
	/* The SYNC itself ran in the end. */
	assert_int_equal(fake_smmu_count(&f->fake, 0, 0x46), 2);

	/* The SYNC of somebody without ATS stops in our place, */
	smmuv3_batch_init(&long_one, &f->q);
	for (i = 0; i <= SMMUV3_BATCH_LEN; i++)
		smmuv3_batch_add(&long_one, smmuv3_make_atc_inv(2, 0, 0, 12));
	/* and of these nothing is in the queue yet. */
	smmuv3_batch_init(&other, &f->q);
	smmuv3_batch_add(&other, smmuv3_make_atc_inv(3, 0, 0, 12));
	f->fake.refusals = 0x100 | SMMU_CERROR_ATC_INV_SYNC;
	assert_int_equal(send_n(&f->q, 0, 2), 0);
	smmuv3_batch_submit(&other, &ticket);
	assert_int_equal(smmuv3_ticket_wait(&ticket), 0);
	smmuv3_batch_submit(&long_one, &ticket);
	assert_int_equal(smmuv3_ticket_wait(&ticket), SMMUV3_DISOBEYED);
	assert_int_equal(f->q.atc_errors, 2);
	assert_int_equal(f->q.errors, 0);
	stop(f);
}

/* A guest whose device does not obey must not be able to fill the log. */
static void atc_time_outs_are_told_of_ever_more_seldom(void **state)
{
	struct fixture *f = start(5, 1000 * MSEC);
	uint64_t lines = f->fake.tp.log_lines;

	f->fake.refuse = refuse_with_code;
	for (unsigned int i = 0; i < 1000; i++) {
		f->fake.refusals = 0x100 | SMMU_CERROR_ATC_INV_SYNC;
		assert_int_equal(send_atc(&f->q), SMMUV3_DISOBEYED);
	}
	assert_int_equal(f->q.atc_errors, 1000);
	assert_in_range(f->fake.tp.log_lines - lines, 1, 10);
	stop(f);
}

/* A device that never obeys does not stop the queue for good. */
static void endless_atc_time_outs_end(void **state)
{
	struct fixture *f = start(4, 5 * MSEC);

	f->fake.refuse = refuse_with_code;
	f->fake.refusals = 0xffffff00 | SMMU_CERROR_ATC_INV_SYNC;
	assert_int_equal(send_atc(&f->q), -ETIMEDOUT);
	assert_false(f->q.dead);
	f->fake.refusals = 0;
	smmuv3_cmdq_check_error(&f->q);
	assert_int_equal(send_n(&f->q, 0, 2), 0);
	stop(f);
}

/* A refused command beside it is no matter of a device's. */
static void a_refusal_is_not_disobedience(void **state)
{
	struct fixture *f = start(4, 1000 * MSEC);
	struct smmuv3_batch batch;
	struct smmuv3_ticket ticket;

	f->fake.refuse = refuse_sid_13;
	smmuv3_batch_init(&batch, &f->q);
	smmuv3_batch_add(&batch, smmuv3_make_atc_inv(1, 0, 0, 12));
	smmuv3_batch_add(&batch, smmuv3_make_cfgi_ste(13, true));
	smmuv3_batch_submit(&batch, &ticket);
	assert_int_equal(smmuv3_ticket_wait(&ticket), -EIO);
	stop(f);
}

static void an_unknown_code_is_a_refusal(void **state)
{
	struct fixture *f = start(4, 1000 * MSEC);

	f->fake.refuse = refuse_with_code;
	f->fake.refusals = 0x100 | 0x7f;
	assert_int_equal(send_n(&f->q, 0, 2), -EIO);
	assert_int_equal(send_n(&f->q, 0, 2), 0);
	stop(f);
}

static void the_interrupt_repairs_too(void **state)
{
	struct fixture *f = start(4, 5 * MSEC);

	/* A waiter that gave up leaves the repair to the interrupt. */
	f->fake.hold = true;
	assert_int_equal(send_n(&f->q, 13, 1), -ETIMEDOUT);
	f->fake.refuse = refuse_sid_13;
	f->fake.hold = false;
	fake_smmu_run(&f->fake, 10);
	assert_int_equal(f->fake.nr, 0);
	smmuv3_cmdq_check_error(&f->q);
	assert_int_equal(f->fake.nr, 2);
	assert_int_equal(send_n(&f->q, 1, 1), 0);
	stop(f);
}

static void init_fails_clean(void **state)
{
	struct test_platform tp;
	struct smmuv3_cmdq q;
	unsigned int n;

	for (n = 1;; n++) {
		test_platform_init(&tp);
		test_platform_fail_nth(&tp, n);
		if (!smmuv3_cmdq_init(&q, &tp.platform, 0, 4, 1))
			break;
		test_platform_fini(&tp);
	}
	assert_int_equal(n, 4);
	smmuv3_cmdq_fini(&q);
	test_platform_fini(&tp);
}

/* ------------------------------------------------------ many producers -- */

#define THREADS 4
#define ROUNDS 1500

/* Per thread: next sequence number that the hardware must see. */
static uint32_t seen[THREADS];
static bool poisoned_runs;

/* Checks the order; refuses sequence numbers that are poisoned. */
static uint32_t watch(struct fake_smmu *fake, const struct smmu_cmd *cmd)
{
	uint32_t sid = sid_of(cmd), thread = sid >> 24;

	if ((cmd->q[0] & 0xff) != 0x03)
		return 0;
	if (thread >= THREADS || (sid & 0xffffff) != seen[thread])
		abort();
	__atomic_store_n(&seen[thread], seen[thread] + 1, __ATOMIC_RELEASE);
	return cmd->q[1] & 1 ? 0 : SMMU_CERROR_ILL;
}

struct producer {
	struct fixture *f;
	uint32_t id;
	uint32_t wrong; /* healthy batches that reported an error */
	uint32_t lost;	/* poisoned batches that did not */
	uint32_t early; /* came back before its commands were consumed */
};

static void *produce(void *arg)
{
	struct producer *p = arg;
	uint32_t seq = 0, round, n, i, rng = p->id * 7919 + 1;
	struct smmuv3_batch batch;
	bool poison;
	int rc;

	for (round = 0; round < ROUNDS; round++) {
		rng = rng * 1664525 + 1013904223;
		n = (rng >> 16) % 20;
		poison = poisoned_runs && n && (rng >> 24) % 16 == 0;
		smmuv3_batch_init(&batch, &p->f->q);
		for (i = 0; i < n; i++, seq++)
			smmuv3_batch_add(&batch,
					 smmuv3_make_cfgi_ste(p->id << 24 | seq,
							      !poison || i));
		rc = smmuv3_batch_sync(&batch);
		p->wrong += !poison && rc;
		p->lost += poison && !rc;
		p->early += __atomic_load_n(&seen[p->id], __ATOMIC_ACQUIRE) !=
			    seq;
	}
	return NULL;
}

static void *consumer(void *arg)
{
	struct fixture *f = arg;

	while (!__atomic_load_n(&f->fake.tp.hold, __ATOMIC_ACQUIRE)) {
		fake_smmu_run(&f->fake, 3);
		sched_yield();
	}
	return NULL;
}

static void run_producers(uint8_t lg2, bool threaded, bool poison)
{
	struct fixture *f = start(lg2, 20000 * MSEC);
	struct producer p[THREADS];
	pthread_t thread[THREADS], hw;
	uint32_t wrong = 0;
	unsigned int i;

	memset(seen, 0, sizeof(seen));
	poisoned_runs = poison;
	f->fake.refuse = watch;
	f->fake.hold = threaded;
	if (threaded)
		pthread_create(&hw, NULL, consumer, f);
	for (i = 0; i < THREADS; i++) {
		p[i] = (struct producer){ .f = f, .id = i };
		pthread_create(&thread[i], NULL, produce, &p[i]);
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(thread[i], NULL);
		assert_int_equal(p[i].lost, 0);
		assert_int_equal(p[i].early, 0);
		wrong += p[i].wrong;
	}
	/* Stop the consumer: any flag that both sides see will do. */
	__atomic_store_n(&f->fake.tp.hold, true, __ATOMIC_RELEASE);
	if (threaded)
		pthread_join(hw, NULL);
	/* A later failure in the same slot may blame a neighbour; rarely. */
	assert_in_range(wrong, 0, poison ? THREADS * ROUNDS / 20 : 0);
	assert_true(f->q.doorbells <= THREADS * ROUNDS * 2 * 20);
	assert_int_equal(f->q.count[SMMUV3_CMD_SYNC], THREADS * ROUNDS);
	stop(f);
}

static void producers_with_a_prompt_smmu(void **state)
{
	run_producers(8, false, false);
}

static void producers_with_a_slow_smmu_and_a_small_queue(void **state)
{
	run_producers(3, true, false);
	run_producers(0, true, false);
}

static void producers_with_bad_commands_among_them(void **state)
{
	run_producers(9, false, true);
	run_producers(9, true, true);
}

/* --------------------------------------------- chosen interleavings -- */

/*
 * Two producers, A and B.  A gate holds a thread where it writes a slot (the
 * platform's clean_range, which stands between reservation and mark) or where
 * it is about to ring the doorbell.
 */
enum {
	A_FILLS = 1,
	B_FILLS = 2,
	A_RINGS = 4
};

static uint32_t gate_shut;  /* who has to wait */
static uint32_t gate_there; /* who does */
static __thread uint32_t gate_fill, gate_ring;

static uint32_t peek_word(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static void wait_at_gate(uint32_t who)
{
	if (!who || !(peek_word(&gate_shut) & who))
		return;
	__atomic_fetch_or(&gate_there, who, __ATOMIC_ACQ_REL);
	while (peek_word(&gate_shut) & who)
		sched_yield();
}

static void open_gate(uint32_t who)
{
	__atomic_fetch_and(&gate_shut, ~who, __ATOMIC_ACQ_REL);
}

static void wait_until_there(uint32_t who)
{
	while (!(peek_word(&gate_there) & who))
		sched_yield();
}

static void gate_clean_range(void *ctx, const void *va, size_t len)
{
	wait_at_gate(gate_fill);
}

static void gate_doorbell(struct fake_smmu *fake, uint32_t off, uint64_t val)
{
	if (off == SMMU_REG_CMDQ_PROD)
		wait_at_gate(gate_ring);
}

struct one {
	struct fixture *f;
	uint32_t sid, fill, ring;
	int rc;
};

static void *send_one(void *arg)
{
	struct one *one = arg;

	gate_fill = one->fill;
	gate_ring = one->ring;
	one->rc = send_n(&one->f->q, one->sid, 1);
	return NULL;
}

static void settle(void)
{
	unsigned int i;

	for (i = 0; i < 200; i++)
		sched_yield();
}

static struct fixture *start_gated(uint32_t shut)
{
	struct fixture *f = start(4, 20000 * MSEC);

	gate_shut = shut;
	gate_there = 0;
	f->fake.tp.platform.clean_range = gate_clean_range;
	f->fake.before_write = gate_doorbell;
	f->fake.prod_writes = 0;
	return f;
}

static uint32_t prod_writes(struct fixture *f)
{
	uint32_t nr;

	pthread_mutex_lock(&f->fake.mutex);
	nr = f->fake.prod_writes;
	pthread_mutex_unlock(&f->fake.mutex);
	return nr;
}

static void the_publisher_waits_for_slots_of_others(void **state)
{
	struct fixture *f = start_gated(A_FILLS | B_FILLS);
	struct one a = { .f = f, .sid = 1, .fill = A_FILLS },
		   b = { .f = f, .sid = 2, .fill = B_FILLS };
	pthread_t ta, tb;

	/* A opens the batch, B joins it; A is done first. */
	pthread_create(&ta, NULL, send_one, &a);
	wait_until_there(A_FILLS);
	pthread_create(&tb, NULL, send_one, &b);
	wait_until_there(B_FILLS);
	open_gate(A_FILLS);
	settle();
	assert_int_equal(prod_writes(f), 0);
	open_gate(B_FILLS);
	pthread_join(ta, NULL);
	pthread_join(tb, NULL);
	assert_int_equal(a.rc | b.rc, 0);
	/* One doorbell for both. */
	assert_int_equal(f->fake.prod_writes, 1);
	assert_int_equal(f->fake.nr, 4);
	stop(f);
}

static void doorbells_ring_in_order(void **state)
{
	struct fixture *f = start_gated(A_RINGS);
	struct one a = { .f = f, .sid = 1, .ring = A_RINGS },
		   b = { .f = f, .sid = 2 };
	pthread_t ta, tb;

	/* A has closed its batch and is about to ring; B opens the next. */
	pthread_create(&ta, NULL, send_one, &a);
	wait_until_there(A_RINGS);
	pthread_create(&tb, NULL, send_one, &b);
	settle();
	assert_int_equal(prod_writes(f), 0);
	open_gate(A_RINGS);
	pthread_join(ta, NULL);
	pthread_join(tb, NULL);
	assert_int_equal(a.rc | b.rc, 0);
	assert_int_equal(f->fake.nr, 4);
	assert_int_equal(sid_of(&f->fake.log[0]), 1);
	assert_int_equal(sid_of(&f->fake.log[2]), 2);
	stop(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_batch_is_one_doorbell_and_one_sync),
		cmocka_unit_test(wraps_in_order_in_queues_of_every_size),
		cmocka_unit_test(positions_may_wrap_around_32_bits),
		cmocka_unit_test(
			a_refusal_is_its_producers_alone_at_any_position),
		cmocka_unit_test(a_mute_queue_times_out_and_recovers),
		cmocka_unit_test(
			time_that_passed_elsewhere_is_not_the_hardwares),
		cmocka_unit_test(registers_of_ones_are_no_completion),
		cmocka_unit_test(a_refused_command_fails_its_batch_only),
		cmocka_unit_test(a_refusal_in_an_early_piece_is_not_forgotten),
		cmocka_unit_test(an_abort_on_fetch_is_tried_again),
		cmocka_unit_test(endless_aborts_end_in_an_error),
		cmocka_unit_test(an_atc_time_out_is_reported_once),
		cmocka_unit_test(atc_time_outs_are_told_of_ever_more_seldom),
		cmocka_unit_test(endless_atc_time_outs_end),
		cmocka_unit_test(a_refusal_is_not_disobedience),
		cmocka_unit_test(an_unknown_code_is_a_refusal),
		cmocka_unit_test(the_interrupt_repairs_too),
		cmocka_unit_test(init_fails_clean),
		cmocka_unit_test(the_publisher_waits_for_slots_of_others),
		cmocka_unit_test(doorbells_ring_in_order),
		cmocka_unit_test(producers_with_a_prompt_smmu),
		cmocka_unit_test(producers_with_a_slow_smmu_and_a_small_queue),
		cmocka_unit_test(producers_with_bad_commands_among_them),
	};

	return cmocka_run_group_tests_name("driver-cmdq", tests, NULL, NULL);
}
