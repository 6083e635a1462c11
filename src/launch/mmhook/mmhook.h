/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmhook.h - how changes of this process's address space are seen before they
 * are made (uiommu/process.h).
 *
 * scan.c finds the system call instructions that may carry such a change,
 * patch.c leads each past a stub, the stub comes to entry.c when somebody is
 * subscribed, call.c knows what a call does to which addresses, and notify.c
 * tells the subscribers around the call.
 *
 * The patches belong to the process and so does what stands here: it is the
 * one state of its kind, and has to be found by code that has no context.
 */
#ifndef LAUNCH_MMHOOK_H
#define LAUNCH_MMHOOK_H

#include <uiommu/process.h>

#include "base/atomic.h"

#define MM_PAGE_LG2 12
#define MM_PAGE UINT64_C(4096)
#define MM_VA_BITS 47 /* more only for who asks for it by address */
#define MM_VA_END (UINT64_C(1) << MM_VA_BITS)

#define MM_NOTIFIERS_MAX 128

/*
 * Runs where no sanitizer may look: in threads that their runtime has not seen
 * yet or has let go already, and inside of what they stand in front of.
 */
#define mm_unseen __attribute__((no_sanitize("address", "thread", "undefined")))

/* -------------------------------------------------------------- call.c --- */

struct mm_range {
	uint64_t first;
	uint64_t last;
	unsigned int reason; /* enum uiommu_mm_reason */
};

struct mm_span {
	uint64_t first, last; /* last 0: none */
};

/* What a system call is about to do to the address space. */
struct mm_change {
	unsigned int nr; /* of ranges; 0: nothing that anybody has to know */
	struct mm_range range[2];
	struct mm_span remapped; /* what mremap is called for, moved or not */
};

/* The calls that may change it, by number. */
extern const uint16_t mm_calls[];
extern const unsigned int mm_nr_calls;

bool mm_is_call(long nr);
/*
 * Which ranges a call is about to change; more rather than less.  What the
 * kernel will refuse may come out as a range or not.
 */
void mm_change_of(long nr, const uint64_t arg[6], struct mm_change *change);

/* ------------------------------------------------------------- entry.c --- */

/* What a stub left of the registers, from the top of the stack upwards. */
struct mm_regs {
	uint64_t rbp, rbx;
	uint64_t arg[6]; /* rdi rsi rdx r10 r8 r9 */
	uint64_t rax;	 /* the number; afterwards the result */
	uint64_t resume; /* in the stub; MM_RESUME_RAW before: call there */
	uint64_t next;	 /* the instruction after the system call */
	uint64_t flags;
	uint8_t red_zone[128];
};

#define MM_RESUME_RAW 2

/* Where stubs go when somebody is subscribed; not a C function. */
extern const char mm_entry[];
/* Before the first: which registers the processor has. */
void mm_entry_init(void);

/* The kernel's answer, -errno.  The only system call instruction of ours. */
long mm_raw(long nr, const uint64_t arg[6]);
extern const char mm_raw_first[], mm_raw_last[];

static inline mm_unseen long mm_sys(long nr, uint64_t a, uint64_t b, uint64_t c,
				    uint64_t d, uint64_t e, uint64_t f)
{
	const uint64_t arg[6] = { a, b, c, d, e, f };

	return mm_raw(nr, arg);
}

/* ------------------------------------------------------------ notify.c --- */

/*
 * The subscribers at one time.  Two of these take turns: who changes them
 * fills the one that is not current, makes it current, and waits until nobody
 * reads the other.  A reader counts itself in, and only then looks whether the
 * set is still current; so it never reads one that is being filled.
 */
struct mm_set {
	uint32_t readers; /* atomic */
	uint32_t nr;
	struct uiommu_mm_notifier *at[MM_NOTIFIERS_MAX];
};

#define MM_NET_SPANS 128u

/* See net.c. */
struct mm_net {
	uint32_t active; /* NET_*; atomic */
	uint32_t lock;	 /* of all below; spins, innermost */
	bool tried;	 /* under the state's lock */
	uint32_t fd;
	uint32_t next; /* the span to be overwritten next */
	struct mm_span in[MM_NET_SPANS];
};

/*
 * In memory that the kernel wipes in a forked child: there, nothing is
 * subscribed and nobody is inside.  Stubs know the first two words.
 */
struct mm_state {
	/*
	 * Calls that went through while nobody was subscribed.  A stub counts
	 * itself in and then looks at `armed`; subscribe sets `armed` and then
	 * waits for 0.  Both by locked instructions, so one sees the other.
	 */
	uint32_t passing; /* atomic */
	uint32_t armed;	  /* atomic */
	uint32_t lock;	  /* of subscribe and unsubscribe; atomic */
	uint32_t current; /* set[current % 2]; atomic */
	bool tried;	  /* calls of libc do come to us; under the lock */
	uint64_t told;	  /* atomic */
	uint64_t nested;  /* atomic */
	uint64_t late;	  /* atomic */
	struct mm_net net;
	struct mm_set set[2];
};

/* NULL before the first subscribe; then the same for ever. */
struct mm_state *mm_state_get(void);
/* Memory of our own, readable and writable; -errno.  flags: beside anonymous. */
long mm_map(uint64_t at, uint64_t len, int flags);
void mm_lock(struct mm_state *state);
void mm_unlock(struct mm_state *state);

int mm_subscribe(void *ctx, struct uiommu_mm_notifier *n);
int mm_unsubscribe(void *ctx, struct uiommu_mm_notifier *n);
uint64_t mm_hold(void *ctx);
void mm_release(void *ctx, uint64_t held);
/* From mm_entry. */
void mm_dispatch(struct mm_regs *regs);

/* From net.c's thread: begin and end of what the kernel does by itself. */
void mm_tell_late(struct mm_state *state, const struct mm_change *change);

/* --------------------------------------------------------------- net.c --- */

/* The state's lock is held.  Where it cannot be had there is none. */
void mm_net_start(struct mm_state *state);
bool mm_net_is_there(const struct mm_state *state);
/* [first, last], whole pages, was made present for a device. */
void mm_net_enter(struct mm_state *state, uint64_t first, uint64_t last);
/* A change that is told is about to be made. */
void mm_net_leave(struct mm_state *state, const struct mm_change *change);

/* -------------------------------------------------------------- scan.c --- */

enum {
	MM_SITES_MAX = 128, /* in one object */
};

struct mm_site {
	uint8_t *at; /* the two bytes of the instruction */
	/*
	 * Five bytes in reach of them that are never run; or a move that comes
	 * right before, which the stub then does.
	 */
	uint8_t *spring;
};

/* The opcodes of "mov $imm32, %reg"; padding never starts with one. */
static inline bool mm_is_move(uint8_t opcode)
{
	return (opcode & 0xf8) == 0xb8;
}

struct mm_object {
	const char *name;
	uint64_t base;
	/* The part that holds code, and the table of its functions. */
	const uint8_t *text;
	uint64_t text_len;
	const uint8_t *table;
	uint64_t table_len;

	/* Found. */
	unsigned int nr_sites;
	struct mm_site site[MM_SITES_MAX]; /* in order */
	unsigned int missed;		   /* that are ours */
	unsigned int unsure;		   /* missed as well, that may be */
	const uint8_t *first_missed;

	unsigned int patched; /* so many of the sites, from the first on */
};

/* Fill in what is found in obj->text. */
void mm_scan(struct mm_object *obj);

/* ------------------------------------------------------------- patch.c --- */

/*
 * Look through what is loaded and was not before, and lead its system calls
 * past us.  The state's lock is held.  -ENOTSUP, -ENOMEM, -EPERM, -EACCES.
 */
int mm_install(struct mm_state *state);
void mm_install_info(struct uiommu_process_mm_info *info);
/* Lead an object's sites past us; on an error some of them are. */
int mm_patch(struct mm_state *state, struct mm_object *obj);

/* ---------------------------------------------------------- populate.c --- */

int mm_populate(void *ctx, uint64_t uva, uint64_t len, bool write);
/* The way without MADV_POPULATE, for its test too. */
int mm_populate_by_touch(uint64_t uva, uint64_t len, bool write);

#endif /* LAUNCH_MMHOOK_H */
