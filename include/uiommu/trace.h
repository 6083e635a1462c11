/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace.h - the file that a machine writes its trace to: a ring of fixed-size
 * records that survives the death of the process, kill -9 included.
 *
 * The file is mapped shared by those who write.  Header, lanes and records
 * follow each other.  A lane is a ring that one thread writes; the last is for
 * all that came when the others were taken.  Who takes record `next` adds one to
 * it.  Record n of a lane stands at n modulo lane_records and has the sequence number
 * n + 1, which is stored last; while it is being written the number is 0, in the
 * last lane UIOMMU_TRACE_SEQ_BUSY.
 *
 * All words are little-endian.  Version 1.
 */
#ifndef UIOMMU_TRACE_H
#define UIOMMU_TRACE_H

#include <uiommu/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define UIOMMU_TRACE_MAGIC "uiommutr"
#define UIOMMU_TRACE_VERSION 1u
#define UIOMMU_TRACE_HEADER_SIZE 4096u
#define UIOMMU_TRACE_LANE_SIZE 64u
#define UIOMMU_TRACE_RECORD_SIZE 64u
#define UIOMMU_TRACE_MAX_LANES 64u
#define UIOMMU_TRACE_SEQ_BUSY (~UINT64_C(0))
#define UIOMMU_TRACE_MAX_RECORDS (1u << 24) /* of a lane; a power of two */
#define UIOMMU_TRACE_DEVICES 64u
#define UIOMMU_TRACE_SMMUS 8u
#define UIOMMU_TRACE_PROCESSES 16u

/* Ticks of the processor's counter, and nanoseconds since 1970. */
struct uiommu_trace_clock {
	uint64_t ticks;
	uint64_t ns;
};

struct uiommu_trace_device {
	char bdf[16];
	char type[8];
	uint32_t smmu;
	uint32_t sid;
};

struct uiommu_trace_header {
	char magic[8]; /* written last */
	uint32_t version;
	uint32_t header_size;
	uint32_t record_size;
	uint32_t nr_lanes;
	uint32_t lane_records;
	uint32_t nr_processes; /* that have joined; atomic */
	uint64_t ticks_per_s;  /* a first measurement */
	struct uiommu_trace_clock start;
	/* A later moment, in the one that now_index names. */
	struct uiommu_trace_clock now[2];
	uint32_t now_index;
	uint32_t nr_devices;
	char run[64]; /* who belongs together */
	uint32_t pid[UIOMMU_TRACE_PROCESSES];
	char smmu[UIOMMU_TRACE_SMMUS][24];
	struct uiommu_trace_device device[UIOMMU_TRACE_DEVICES];
};

struct uiommu_trace_lane {
	uint64_t next;	/* records taken so far; atomic */
	uint32_t taken; /* by a thread; atomic; not of the last lane */
	uint32_t pad[13];
};

enum uiommu_trace_kind {
	UIOMMU_TRACE_DMA = 1, /* IOVA; length 31:0, SSID 51:32, SSV 52; PA;
				 UIOMMU_TXN_* 31:0, bytes moved 63:32 */
	UIOMMU_TRACE_COMMAND, /* the two words */
	UIOMMU_TRACE_EVENT,   /* the four words */
	UIOMMU_TRACE_WRITE,   /* register offset, value, size */
	UIOMMU_TRACE_IRQ,     /* UIOMMU_SMMUV3_LINE_*, message address, data */
	UIOMMU_TRACE_PIN,     /* address in the process, length, PA */
	UIOMMU_TRACE_UNPIN,   /* -, length, PA */
	UIOMMU_TRACE_NR_KINDS,
};

struct uiommu_trace_record {
	uint64_t seq;
	uint64_t ticks;	   /* at its end */
	uint32_t duration; /* in ticks; 0: not known */
	uint8_t kind;
	uint8_t smmu;
	uint8_t process; /* index of pid */
	uint8_t pad;
	uint32_t sid;	/* DMA */
	int32_t result; /* DMA: 0 or a negative errno; COMMAND: CERROR_* */
	uint64_t word[4];
};

#ifdef __cplusplus
}
#endif

#endif /* UIOMMU_TRACE_H */
