/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A trace in the Trace Event Format, which Perfetto and Chrome open: a track
 * for each device or StreamID, and for commands, events, register writes and
 * interrupts of each SMMU.  Times are microseconds.
 *
 * No text but names of ours and of the header, which has been cleaned, gets in,
 * so nothing has to be escaped.
 */
#include <errno.h>

#include "base/bits.h"
#include "hw/smmuv3/event.h"
#include "records.h"
#include "trace_file.h"

#define ULL(x) ((unsigned long long)(x))

enum {
	TRACK_MEMORY = 1,
	TRACK_SMMU = 10,     /* + 10 * SMMU + kind */
	TRACK_DEVICE = 1000, /* + index */
};
/* of a StreamID that no device has; readers want 31 bits */
#define TRACK_SID (1u << 30)

static uint64_t track(const struct trace_file *file,
		      const struct uiommu_trace_record *r)
{
	int device = trace_device(file, r);

	if (r->kind == UIOMMU_TRACE_PIN || r->kind == UIOMMU_TRACE_UNPIN)
		return TRACK_MEMORY;
	if (r->kind != UIOMMU_TRACE_DMA)
		return TRACK_SMMU + 10u * r->smmu + r->kind;
	return device >= 0 ? TRACK_DEVICE + (uint64_t)device
			   : TRACK_SID | (r->sid & (TRACK_SID - 1));
}

static uint32_t pid_of(const struct trace_file *file,
		       const struct uiommu_trace_record *r)
{
	uint32_t pid = file->header.pid[r->process];

	return pid ? pid : 1;
}

static void track_name(const struct trace_file *file,
		       const struct uiommu_trace_record *r, char *buf,
		       size_t len)
{
	static const char *const kinds[UIOMMU_TRACE_NR_KINDS] = {
		[UIOMMU_TRACE_COMMAND] = "commands",
		[UIOMMU_TRACE_EVENT] = "events",
		[UIOMMU_TRACE_WRITE] = "register writes",
		[UIOMMU_TRACE_IRQ] = "interrupts",
	};
	int device = trace_device(file, r);
	char smmu[32];

	if (r->kind == UIOMMU_TRACE_DMA && device >= 0)
		snprintf(buf, len, "%s %s", file->header.device[device].bdf,
			 file->header.device[device].type);
	else if (r->kind == UIOMMU_TRACE_DMA)
		snprintf(buf, len, "StreamID %#x", r->sid);
	else if (!kinds[r->kind])
		snprintf(buf, len, "pinned memory");
	else
		snprintf(buf, len, "%s %s",
			 trace_smmu_name(file, r, smmu, sizeof(smmu)),
			 kinds[r->kind]);
}

/* ---------------------------------------------------------------- names - */

struct seen {
	uint64_t track;
	uint32_t pid;
};

/* A track is named once; of very many the last are not. */
static bool is_new(struct seen *seen, size_t room, size_t *n, uint64_t track,
		   uint32_t pid)
{
	for (size_t i = 0; i < *n; i++)
		if (seen[i].track == track && seen[i].pid == pid)
			return false;
	if (*n == room)
		return false;
	seen[(*n)++] = (struct seen){ track, pid };
	return true;
}

static void print_names(const struct trace_file *file, FILE *out)
{
	struct seen seen[512];
	size_t n = 0;
	char name[64];

	for (uint32_t i = 0;
	     i < min_u64(file->header.nr_processes, UIOMMU_TRACE_PROCESSES);
	     i++)
		fprintf(out,
			"{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":%u,"
			"\"args\":{\"name\":\"uiommu run\"}},\n",
			file->header.pid[i] ? file->header.pid[i] : 1);
	for (size_t i = 0; i < file->n; i++) {
		const struct uiommu_trace_record *r = &file->records[i];
		uint64_t tid = track(file, r);

		if (!is_new(seen, ARRAY_SIZE(seen), &n, tid, pid_of(file, r)))
			continue;
		track_name(file, r, name, sizeof(name));
		fprintf(out,
			"{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":%u,"
			"\"tid\":%llu,\"args\":{\"name\":\"%s\"}},\n",
			pid_of(file, r), ULL(tid), name);
	}
}

/* -------------------------------------------------------------- records - */

static const char *record_name(const struct uiommu_trace_record *r, char *buf,
			       size_t len)
{
	switch (r->kind) {
	case UIOMMU_TRACE_DMA:
		return r->result == -EINPROGRESS       ? "stalled"
		       : r->result		       ? "abort"
		       : r->word[3] & UIOMMU_TXN_WRITE ? "write"
						       : "read";
	case UIOMMU_TRACE_COMMAND:
		return cmd_name(r->word);
	case UIOMMU_TRACE_EVENT:
		return event_name(
			(unsigned int)FIELD_GET(SMMU_EVT_0_TYPE, r->word[0]));
	case UIOMMU_TRACE_WRITE:
		return trace_register((uint32_t)r->word[0], buf, len);
	case UIOMMU_TRACE_IRQ:
		return trace_line_name(r->word[0]);
	default:
		return trace_kind_name(r->kind);
	}
}

static void print_fields(const struct field_table *table, const uint64_t *words,
			 uint32_t when, FILE *out)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct field *field = &table->fields[i];

		if (field_matters(field, words, when))
			fprintf(out, "\"%s\":\"%#llx\",", field->name,
				ULL(field_value(field, words)));
	}
}

static void print_args(const struct uiommu_trace_record *r, FILE *out)
{
	switch (r->kind) {
	case UIOMMU_TRACE_DMA:
		fprintf(out,
			"\"iova\":\"%#llx\",\"len\":%llu,\"pa\":\"%#llx\","
			"\"sid\":\"%#x\",\"moved\":%llu,",
			ULL(r->word[0]), ULL(r->word[1] & mask_lg2(32)),
			ULL(r->word[2]), r->sid, ULL(r->word[3] >> 32));
		if (r->word[1] & BIT64(52))
			fprintf(out, "\"ssid\":\"%#llx\",",
				ULL(r->word[1] >> 32 & mask_lg2(20)));
		break;
	case UIOMMU_TRACE_COMMAND:
		print_fields(&fields_cmd, r->word, cmd_when(r->word), out);
		break;
	case UIOMMU_TRACE_EVENT:
		print_fields(&fields_event, r->word, event_when(r->word), out);
		break;
	case UIOMMU_TRACE_WRITE:
		fprintf(out, "\"value\":\"%#llx\",", ULL(r->word[1]));
		break;
	case UIOMMU_TRACE_IRQ:
		fprintf(out, "\"address\":\"%#llx\",\"data\":\"%#llx\",",
			ULL(r->word[1]), ULL(r->word[2]));
		break;
	default:
		fprintf(out,
			"\"address\":\"%#llx\",\"len\":%llu,\"pa\":\"%#llx\",",
			ULL(r->word[0]), ULL(r->word[1]), ULL(r->word[2]));
	}
	fprintf(out, "\"result\":%d", r->result);
}

static void print_record(const struct trace_file *file,
			 const struct uiommu_trace_record *r, FILE *out)
{
	double end = trace_ns(file, r), took = trace_duration(file, r);
	char name[32];

	fprintf(out, "{\"name\":\"%s\",\"cat\":\"%s\",",
		record_name(r, name, sizeof(name)), trace_kind_name(r->kind));
	if (r->duration)
		fprintf(out, "\"ph\":\"X\",\"ts\":%.3f,\"dur\":%.3f,",
			(end - took) / 1e3, took / 1e3);
	else
		fprintf(out, "\"ph\":\"i\",\"s\":\"t\",\"ts\":%.3f,",
			end / 1e3);
	fprintf(out, "\"pid\":%u,\"tid\":%llu,\"args\":{", pid_of(file, r),
		ULL(track(file, r)));
	print_args(r, out);
	fputs("}}", out);
}

void trace_print_json(const struct trace_file *file, FILE *out)
{
	fputs("{\"displayTimeUnit\":\"ns\",\n", out);
	fprintf(out,
		"\"otherData\":{\"program\":\"uiommu\","
		"\"start_ns\":%llu,\"overwritten\":%llu,\"unreadable\":%llu},\n",
		ULL(file->header.start.ns), ULL(file->overwritten),
		ULL(file->unreadable));
	fputs("\"traceEvents\":[\n", out);
	print_names(file, out);
	for (size_t i = 0; i < file->n; i++) {
		print_record(file, &file->records[i], out);
		fputs(",\n", out);
	}
	/* The list must not end with a comma. */
	fputs("{\"name\":\"end\",\"ph\":\"M\",\"pid\":1,\"args\":{}}\n]}\n",
	      out);
}
