/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * queues.h - what faces software: registers, interrupts, queues, and who waits
 * in them.  A part of msmmu.h, which includes it.
 */
#ifndef MODEL_SMMUV3_QUEUES_H
#define MODEL_SMMUV3_QUEUES_H

#include "../mutant.h"

/* thread.c: commands consumed by a thread of the model's own */
void msmmu_thread_stop(msmmu *m);
void msmmu_thread_kick(msmmu *m, struct msmmu_cmdq *q);

/* mmio.c, ecmdq.c, ctrl.c: the register window */
int msmmu_ecmdq_init(msmmu *m);
void msmmu_ecmdq_fini(msmmu *m);
void msmmu_ecmdq_reset(msmmu *m);
uint32_t msmmu_ecmdq_pages_size(const msmmu *m);
uint64_t msmmu_ecmdq_read(msmmu *m, uint32_t offset, unsigned int size);
void msmmu_ecmdq_write(msmmu *m, uint32_t offset, unsigned int size,
		       uint64_t val);
/* The registers of page 0 that tell where the control pages are. */
uint64_t msmmu_ecmdq_page_info(const msmmu *m, uint32_t offset,
			       unsigned int size);
/* Under m->lock: is one of them on? */
bool msmmu_ecmdq_any_on(const msmmu *m);
/* `val` counts where `mask` is 1; side effects included. */
void msmmu_write_cr0(msmmu *m, uint32_t val, uint32_t mask);
void msmmu_write_irq_ctrl(msmmu *m, uint32_t val, uint32_t mask);
void msmmu_write_gbpa(msmmu *m, uint32_t val);

/* Bits of register `idx` that may be 1; 0: this instance has no such register. */
uint64_t msmmu_reg_bits(const msmmu *m, unsigned int idx);
uint32_t msmmu_reg_offset(unsigned int idx);
static inline bool msmmu_reg_is_id(unsigned int idx)
{
	return idx <= SMMU_REGIDX_AIDR || idx == SMMU_REGIDX_IDR6;
}
uint32_t msmmu_cr0_fields(const msmmu *m);
/* Under m->lock: take all registers but the ID registers, and what follows. */
void msmmu_regs_load(msmmu *m, const uint64_t reg[SMMU_NR_REGISTERS],
		     uint32_t cr2);

/* irq.c; the first two under m->lock */
void msmmu_irq_raise(msmmu *m, enum uiommu_smmuv3_line line);
void msmmu_gerror_raise(msmmu *m, uint32_t bit);
/* Outside of all locks. */
void msmmu_irq_deliver_(msmmu *m);
int msmmu_msi_write(msmmu *m, uint64_t addr, uint32_t data, uint8_t memattr,
		    uint8_t sh);
static inline void msmmu_irq_deliver(msmmu *m)
{
	if (unlikely(load_acquire(&m->irq_pending)))
		msmmu_irq_deliver_(m);
}

/* evtq.c; returns whether a record stands for it in the queue */
bool msmmu_event(struct msmmu_txn *t);
/* The same under m->lock. */
bool msmmu_event_locked(struct msmmu_txn *t);
/* Under m->lock: would a record be written? */
bool msmmu_event_room(const msmmu *m);
/* The four words for t->fault. */
void msmmu_event_record(const struct msmmu_txn *t,
			uint64_t rec[SMMU_EVT_QWORDS]);
/*
 * Where an entry of a queue is.  An address above the output size is cut, it
 * does not abort (IHI 0070 3.4.3).
 */
static inline uint64_t msmmu_queue_entry(const msmmu *m, uint64_t base,
					 unsigned int lg2, uint32_t ptr,
					 unsigned int entry_lg2)
{
	unsigned int align = (unsigned int)max_u64(lg2 + entry_lg2, 5);

	return (align_down_lg2(base & SMMU_Q_BASE_ADDR, align) +
		smmu_q_offset(ptr, lg2, entry_lg2)) &
	       mask_lg2(MUTANT("queue-address-cut") ? 64 : m->caps.oas);
}

/*
 * What a consumed command wants done once the lock of its queue, q, is released:
 * fn, if set, is called outside all locks.
 */
struct msmmu_work {
	struct msmmu_cmdq *q;
	void (*fn)(msmmu *m, const struct msmmu_work *work);
	/* for the tracer: what was fetched, and how it ended */
	bool fetched;
	uint8_t cerror;
	struct smmu_cmd cmd;
	union {
		struct {
			unsigned int cs;
			uint64_t msi_addr;
			uint32_t msi_data;
			uint8_t msi_attr, msi_sh;
		} sync;
		struct uiommu_ats_inval atc;
		struct uiommu_pri_response pri;
	};
};

/* Commands; under the lock of their queue.  False: CERROR_ILL. */
bool msmmu_pri_resp_cmd(msmmu *m, const struct smmu_cmd *cmd,
			struct msmmu_work *work); /* priq.c */
bool msmmu_resume_cmd(msmmu *m, const struct smmu_cmd *cmd,
		      struct msmmu_work *work); /* stall.c */
bool msmmu_stall_term_cmd(msmmu *m, const struct smmu_cmd *cmd,
			  struct msmmu_work *work); /* stall.c */

/* stall.c */
int msmmu_stall_init(msmmu *m);
void msmmu_stall_fini(msmmu *m);
/* In a forked child: threads that ran requests are not there. */
void msmmu_stall_forked(msmmu *m);
/*
 * Inside: the fault of `t` stalls `req`, which is no longer the caller's from
 * then on.  Returns whether it has been recorded.
 */
bool msmmu_stall_park(struct msmmu_txn *t, struct uiommu_smmuv3_dma *req);
/* Outside all locks: requests that may go on or have to end. */
void msmmu_stall_run(msmmu *m);
/* On leaving: what was put off while this thread was inside. */
static inline void msmmu_stall_catch_up(msmmu *m)
{
	if (unlikely(load_relaxed(&m->stall.due)))
		msmmu_stall_run(m);
}
/* Under m->lock: nothing waits, and nobody is making anything go on. */
bool msmmu_stall_none(const msmmu *m);
/* Under m->lock: all that wait, those with a record (and a STAG) first. */
void msmmu_stall_each(msmmu *m,
		      void (*fn)(void *ctx, const struct uiommu_smmuv3_dma *req,
				 const uint16_t *stag),
		      void *ctx);
/* The next four outside all locks.  A CMD_SYNC has completed. */
void msmmu_stall_after_sync(msmmu *m);
/* The event queue may have become writable. */
void msmmu_stall_pump(msmmu *m);
/* CR0.SMMUEN went from 1 to 0: all that is stalled ends with an abort. */
void msmmu_stall_abort_all(msmmu *m);

/*
 * dma.c: move what is left of `req`.  Called inside, returns outside; after
 * -EINPROGRESS req is not the caller's any more.
 */
int msmmu_dma_go(msmmu *m, struct model_slot *slot,
		 struct uiommu_smmuv3_dma *req, bool was_stalled);
/* RAZ/WI: pass by the piece at done_len.  Returns its length. */
size_t msmmu_dma_skip(struct uiommu_smmuv3_dma *req);

/* How a command ended. */
enum msmmu_outcome {
	MSMMU_PASS, /* CONS moves on */
	MSMMU_WAIT, /* something outside must end first; kicked again then */
	MSMMU_STOP_ILL,
	MSMMU_STOP_ATC,
};

/* cmdq.c */
int msmmu_cmdq_init(msmmu *m, struct msmmu_cmdq *q);
void msmmu_cmdq_fini(msmmu *m, struct msmmu_cmdq *q);
/* Locks of all queues; after a fork too. */
void msmmu_cmdq_locks_init(msmmu *m);
void msmmu_cmdq_locks_fini(msmmu *m);
void msmmu_cmdq_run(msmmu *m, struct msmmu_cmdq *q);
void msmmu_cmdq_kick(msmmu *m, struct msmmu_cmdq *q);
/* The queue has been turned off: return when nobody consumes any more. */
void msmmu_cmdq_settle(msmmu *m, struct msmmu_cmdq *q);

/* atcinv.c; the first two under the lock of the queue */
enum msmmu_outcome msmmu_atc_inv_cmd(msmmu *m, const struct smmu_cmd *cmd,
				     struct msmmu_work *work);
/* May a CMD_SYNC of the queue go on?  PASS, WAIT or STOP_ATC. */
enum msmmu_outcome msmmu_atc_sync(msmmu *m, struct msmmu_cmdq *q);
void msmmu_atc_reset(msmmu *m);
/* No endpoint owes an answer, and no queue waits for a tag. */
bool msmmu_atc_none(msmmu *m);
/*
 * Take the locks of all queues, between two commands of each; false, and none is
 * held, if a queue is being consumed.
 */
bool msmmu_cmdq_try_all(msmmu *m);
void msmmu_cmdq_release_all(msmmu *m);

/* command.c; under the lock of the queue */
enum msmmu_outcome msmmu_command(msmmu *m, struct msmmu_cmdq *q,
				 const struct smmu_cmd *cmd,
				 struct msmmu_work *work);
/* CONS has passed the command: messages, before the next one is begun. */
void msmmu_command_passed(msmmu *m, const struct msmmu_work *work);

#endif /* MODEL_SMMUV3_QUEUES_H */
