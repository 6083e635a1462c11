/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * testep_regs.h - registers of the test endpoint (1234:11e9), BAR 0.
 *
 * It does on command what devices do: memory accesses with all that PCIe lets a
 * function say, translation requests, page requests, interrupts.  There are 64
 * *slots*, each with registers, a page of data and a request of its own; all may
 * be under way at a time.  A slot is programmed, started, and tells how it
 * ended.  Slot 0 is also there at offset 0, which is all that programs for the
 * simple kind of this device know: ADDR, CMD and the page at 0x1000.
 *
 *   0x00000	registers
 *   0x01000	the page of slot 0
 *   0x02000	MSI-X table, 0x03000 pending bits
 *   0x04000	slots, 64 bytes each
 *   0x40000	pages, 4096 bytes each
 *
 * Registers are accessed by 4 or 8 bytes, pages by 1 to 8; what is not listed
 * reads 0.  While a slot works its registers but CTRL and STATUS cannot be
 * written, and its page reads 0.
 */
#ifndef MACHINE_DEV_TESTEP_REGS_H
#define MACHINE_DEV_TESTEP_REGS_H

#include "base/bits.h"

#define TESTEP_SLOTS 64u
#define TESTEP_PAGE_SIZE 4096u
#define TESTEP_VECTORS 4u

#define TESTEP_PAGE0 0x1000u
#define TESTEP_MSIX_TABLE 0x2000u
#define TESTEP_MSIX_PBA 0x3000u
#define TESTEP_SLOT(n) (0x4000u + 64u * (n))
#define TESTEP_PAGES 0x40000u
#define TESTEP_BAR_SIZE 0x80000u

/* ------------------------------------------------ registers at offset 0 -- */

/* Of slot 0, as in its own place. */
#define TESTEP_ADDR 0x00 /* 64 bits */
/*
 * Bit 0 starts slot 0 and reads 1 while it works, bit 1: read memory into the
 * page, else write the page to memory; the rest is 0.  Changes no flags.
 */
#define TESTEP_CMD 0x08
#define TESTEP_STATUS 0x10
#define TESTEP_LEN 0x14
/* A write raises the MSI-X vector of that number. */
#define TESTEP_IRQ 0x18
/* Requests finished, of all slots. */
#define TESTEP_DONE 0x1c
/* Start these slots, the lowest first.  Bits of working slots are ignored. */
#define TESTEP_START 0x20 /* 64 bits */
/* Slots that are working. */
#define TESTEP_WORK 0x28 /* 64 bits */
/* Slots that have finished since their bit was cleared, by writing 1. */
#define TESTEP_FINISHED 0x30 /* 64 bits */
/* Read: what PCIe capabilities allow now, TESTEP_CAPS_*. */
#define TESTEP_CAPS 0x38

#define TESTEP_CMD_START BIT32(0)
#define TESTEP_CMD_READ BIT32(1)

#define TESTEP_CAPS_ATS BIT32(0) /* accesses go by the ATC */
#define TESTEP_CAPS_PRI BIT32(1)
#define TESTEP_CAPS_PASID BIT32(2)
#define TESTEP_CAPS_EXEC BIT32(3)
#define TESTEP_CAPS_PRIV BIT32(4)
#define TESTEP_CAPS_ATOMICS BIT32(5) /* AtomicOp Requester Enable */

/* ------------------------------------------------- registers of a slot -- */

#define TESTEP_SLOT_ADDR 0x00 /* 64 bits: IOVA, or PA with TRANSLATED */
#define TESTEP_SLOT_CTRL 0x08
#define TESTEP_SLOT_PASID 0x0c
#define TESTEP_SLOT_STATUS 0x10 /* enum testep_status; read only */
/* Bytes: 1 to 4096, 4 or 8 for an atomic operation.  4096 after reset. */
#define TESTEP_SLOT_LEN 0x14
#define TESTEP_SLOT_MOVED 0x18 /* bytes moved; read only */
/* Of a translation request: TESTEP_XLATE_*; read only. */
#define TESTEP_SLOT_XLATE 0x1c
#define TESTEP_SLOT_OPERAND 0x20 /* 64 bits, of an atomic operation */
#define TESTEP_SLOT_COMPARE 0x28 /* 64 bits */
/* What was in memory; the translated address.  64 bits, read only. */
#define TESTEP_SLOT_RESULT 0x30

/* CTRL */
#define TESTEP_CTRL_START BIT32(0) /* reads 1 while it works */
#define TESTEP_CTRL_OP GENMASK32(7, 4)
#define TESTEP_CTRL_PASID BIT32(8) /* with the slot's PASID */
#define TESTEP_CTRL_PRIV BIT32(9)  /* privileged, needs a PASID */
#define TESTEP_CTRL_EXEC BIT32(10) /* execute, needs a PASID */
/* ADDR is translated already: the ATC is passed by. */
#define TESTEP_CTRL_TRANSLATED BIT32(11)
/* An untranslated access although ATS is on. */
#define TESTEP_CTRL_UNTRANSLATED BIT32(12)
/* An untranslated access that may not be stalled. */
#define TESTEP_CTRL_NO_STALL BIT32(13)
#define TESTEP_CTRL_NO_SNOOP BIT32(14)
#define TESTEP_CTRL_IRQ BIT32(15) /* raise VECTOR when it has finished */
#define TESTEP_CTRL_VECTOR GENMASK32(17, 16)
/* Of a page request and a translation request. */
#define TESTEP_CTRL_WANT_R BIT32(20)
#define TESTEP_CTRL_WANT_W BIT32(21)
#define TESTEP_CTRL_BITS                                               \
	(TESTEP_CTRL_OP | TESTEP_CTRL_PASID | TESTEP_CTRL_PRIV |       \
	 TESTEP_CTRL_EXEC | TESTEP_CTRL_TRANSLATED |                   \
	 TESTEP_CTRL_UNTRANSLATED | TESTEP_CTRL_NO_STALL |             \
	 TESTEP_CTRL_NO_SNOOP | TESTEP_CTRL_IRQ | TESTEP_CTRL_VECTOR | \
	 TESTEP_CTRL_WANT_R | TESTEP_CTRL_WANT_W)

enum testep_op {
	TESTEP_OP_WRITE, /* the page to memory */
	TESTEP_OP_READ,	 /* memory to the page */
	TESTEP_OP_FETCH_ADD,
	TESTEP_OP_SWAP,
	TESTEP_OP_CAS,
	TESTEP_OP_TRANSLATE,	/* an ATS Translation Request */
	TESTEP_OP_PAGE_REQUEST, /* finishes with the response */
	TESTEP_OP_STOP_MARKER,
	TESTEP_NR_OPS,
};

enum testep_status {
	TESTEP_OK,	/* moved, translated, or answered with Success */
	TESTEP_ABORTED, /* aborted, or the page did not come */
	TESTEP_WORKING,
	/* a register's value, or a capability that is off: nothing was sent */
	TESTEP_REFUSED,
	TESTEP_INVALID, /* page request: Invalid Request */
	TESTEP_FAILURE, /* page request: Response Failure, or reset */
	TESTEP_BUSY,	/* page request: as many as may be are under way */
};

#define TESTEP_XLATE_SIZE_LG2 GENMASK32(7, 0)
#define TESTEP_XLATE_R BIT32(8)
#define TESTEP_XLATE_W BIT32(9)
#define TESTEP_XLATE_X BIT32(10)
#define TESTEP_XLATE_PRIV BIT32(11)

#endif /* MACHINE_DEV_TESTEP_REGS_H */
