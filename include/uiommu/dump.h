/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dump.h - a state as text: what there is now, so that two states can be
 * compared byte for byte.
 *
 * A line is a thing, indented by two blanks for each thing that it is in:
 *
 *	KIND [FIRST[..LAST]] [NAME=VALUE]...
 *
 * A value has no blanks, or stands in "quotes".  Lines have an order that does
 * not depend on where things lie in memory, and there is no time and no total
 * since some beginning in them; PROD and CONS of queues, which do count, are of
 * part QUEUES.  Addresses are told as numbers, or by the caller's function as
 * words that say the same in every run.
 */
#ifndef UIOMMU_DUMP_H
#define UIOMMU_DUMP_H

#include <uiommu/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The first line of a dump that is kept or sent. */
#define UIOMMU_DUMP_FIRST "uiommu-dump 1\n"

#define UIOMMU_DUMP_OBJECTS (1u << 0) /* who is there, and belongs to whom */
#define UIOMMU_DUMP_TABLES (1u << 1)  /* what the hardware reads */
#define UIOMMU_DUMP_QUEUES (1u << 2)  /* queues, and what waits */
#define UIOMMU_DUMP_ALL 0x7u

struct uiommu_dump {
	void *ctx;
	uint32_t parts;	    /* UIOMMU_DUMP_* */
	unsigned int depth; /* of the outermost lines */
	/*
	 * A whole line, newline included.  Called with locks held: it must
	 * not call what is being dumped, nor wait for a thread that does; and
	 * while devices share the process's addresses, not unmap any, as malloc
	 * may.
	 */
	void (*write)(void *ctx, const char *line, size_t len);
	/*
	 * What to call physical address `addr`, where `size` bytes are of
	 * interest: written to buf, at most len - 1 characters without blanks.
	 * NULL: its number.  As write.
	 */
	void (*address)(void *ctx, uint64_t addr, uint64_t size, char *buf,
			size_t len);
};

#ifdef __cplusplus
}
#endif

#endif /* UIOMMU_DUMP_H */
