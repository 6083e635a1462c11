/* SPDX-License-Identifier: BSD-2-Clause */
/* trace_file.h - a trace (uiommu/trace.h) read, checked and put in order. */
#ifndef CLI_TRACE_FILE_H
#define CLI_TRACE_FILE_H

#include <stdbool.h>
#include <stdio.h>

#include <uiommu/smmuv3_model.h>
#include <uiommu/trace.h>

struct trace_file {
	const char *path;
	struct uiommu_trace_header header; /* names end with 0 and are ASCII */
	/* by time; what is not asked for has been taken out */
	struct uiommu_trace_record *records;
	size_t n;
	uint64_t overwritten; /* older ones that newer took the place of */
	uint64_t unreadable;  /* written half, or damaged */
	double ns_per_tick;
};

/* What is asked for. */
struct trace_filter {
	uint32_t kinds; /* bit per UIOMMU_TRACE_*; 0: all */
	bool by_sid;
	uint32_t sid;
	const char *bdf; /* NULL: any */
	bool has_since, has_until;
	double since, until; /* ns from the start */
	bool has_last;
	size_t last;
};

/* 0, or the exit status after a message with the reason. */
int trace_load(struct trace_file *file, const char *path);
int trace_select(struct trace_file *file, const struct trace_filter *filter);
void trace_unload(struct trace_file *file);

/* Nanoseconds from the start to the end of the record; of its duration. */
double trace_ns(const struct trace_file *file,
		const struct uiommu_trace_record *record);
double trace_duration(const struct trace_file *file,
		      const struct uiommu_trace_record *record);
/* The StreamID the record is about; false: none. */
bool trace_sid(const struct uiommu_trace_record *record, uint32_t *sid);
/* Which device that is, or -1. */
int trace_device(const struct trace_file *file,
		 const struct uiommu_trace_record *record);

/* "dma", "cmd", ...: of a kind, and the kinds of a name (0: no such). */
const char *trace_kind_name(unsigned int kind);
uint32_t trace_kind_bits(const char *name, size_t len);
/* "STRTAB_BASE", "CMDQ_BASE+4", "0x38"; "eventq". */
const char *trace_register(uint32_t offset, char *buf, size_t len);
const char *trace_line_name(uint64_t line);
/* "smmu" and a number if it has no name. */
const char *trace_smmu_name(const struct trace_file *file,
			    const struct uiommu_trace_record *record, char *buf,
			    size_t len);

/* trace_text.c, trace_stats.c, trace_json.c */
void trace_print(const struct trace_file *file, FILE *out);
void trace_print_stats(const struct trace_file *file, FILE *out);
void trace_print_json(const struct trace_file *file, FILE *out);

#endif /* CLI_TRACE_FILE_H */
