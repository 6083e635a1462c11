/* SPDX-License-Identifier: BSD-2-Clause */
/* A trace as lines of text. */
#include <errno.h>

#include "base/bits.h"
#include "hw/smmuv3/event.h"
#include "hw/smmuv3/regs.h"
#include "records.h"
#include "trace_file.h"

#define ULL(x) ((unsigned long long)(x))

static void print_dma(const struct trace_file *file,
		      const struct uiommu_trace_record *r, FILE *out)
{
	uint32_t flags = (uint32_t)r->word[3];

	fprintf(out, "%s iova %#llx len %llu",
		flags & UIOMMU_TXN_ATOMIC  ? "atomic"
		: flags & UIOMMU_TXN_WRITE ? "write"
					   : "read",
		ULL(r->word[0]), ULL(r->word[1] & mask_lg2(32)));
	if (r->word[1] & BIT64(52))
		fprintf(out, " ssid %#llx",
			ULL(r->word[1] >> 32 & mask_lg2(20)));
	fprintf(out, "%s%s%s", flags & UIOMMU_TXN_PRIV ? " priv" : "",
		flags & UIOMMU_TXN_INSTR ? " instr" : "",
		flags & UIOMMU_TXN_TRANSLATED ? " translated" : "");
	if (r->result == -EINPROGRESS)
		fputs(" -> stalled", out);
	else if (r->result)
		fprintf(out, " -> abort after %llu bytes",
			ULL(r->word[3] >> 32));
	else
		fprintf(out, " -> pa %#llx", ULL(r->word[2]));
	if (r->duration)
		fprintf(out, " [%.0f ns]", trace_duration(file, r));
}

static void print_command(const struct uiommu_trace_record *r, FILE *out)
{
	static const char *const errors[] = { "", "CERROR_ILL", "CERROR_ABT",
					      "CERROR_ATC_INV_SYNC" };
	char line[300];

	record_line(&fields_cmd, r->word, cmd_when(r->word), line,
		    sizeof(line));
	fprintf(out, "%s%s%s", cmd_name(r->word), line[0] ? " " : "", line);
	if (cmd_name(r->word)[0] == '?')
		fprintf(out, " %#llx %#llx", ULL(r->word[0]), ULL(r->word[1]));
	if (r->result > 0 && r->result < (int)ARRAY_SIZE(errors))
		fprintf(out, " -> %s", errors[r->result]);
}

static void print_event(const struct uiommu_trace_record *r, FILE *out)
{
	unsigned int type =
		(unsigned int)FIELD_GET(SMMU_EVT_0_TYPE, r->word[0]);
	char line[400];

	record_line(&fields_event, r->word, event_when(r->word), line,
		    sizeof(line));
	fprintf(out, "%s %s", event_name(type), line);
}

static void print_irq(const struct uiommu_trace_record *r, FILE *out)
{
	fputs(trace_line_name(r->word[0]), out);
	if (r->word[1])
		fprintf(out, " by message %#llx to %#llx", ULL(r->word[2]),
			ULL(r->word[1]));
	else
		fputs(" by wire", out);
}

static void print_what(const struct trace_file *file,
		       const struct uiommu_trace_record *r, FILE *out)
{
	char name[32];

	switch (r->kind) {
	case UIOMMU_TRACE_DMA:
		print_dma(file, r, out);
		break;
	case UIOMMU_TRACE_COMMAND:
		print_command(r, out);
		break;
	case UIOMMU_TRACE_EVENT:
		print_event(r, out);
		break;
	case UIOMMU_TRACE_WRITE:
		fprintf(out, "%s = %#llx",
			trace_register((uint32_t)r->word[0], name,
				       sizeof(name)),
			ULL(r->word[1]));
		break;
	case UIOMMU_TRACE_IRQ:
		print_irq(r, out);
		break;
	case UIOMMU_TRACE_PIN:
		fprintf(out, "%#llx len %llu -> pa %#llx", ULL(r->word[0]),
			ULL(r->word[1]), ULL(r->word[2]));
		break;
	default: /* UNPIN */
		fprintf(out, "pa %#llx len %llu", ULL(r->word[2]),
			ULL(r->word[1]));
	}
}

static const char *source(const struct trace_file *file,
			  const struct uiommu_trace_record *r, char *buf,
			  size_t len)
{
	int device = trace_device(file, r);

	if (r->kind == UIOMMU_TRACE_PIN || r->kind == UIOMMU_TRACE_UNPIN)
		return "memory";
	if (r->kind != UIOMMU_TRACE_DMA)
		return trace_smmu_name(file, r, buf, len);
	if (device >= 0)
		return file->header.device[device].bdf;
	snprintf(buf, len, "sid %#x", r->sid);
	return buf;
}

void trace_print(const struct trace_file *file, FILE *out)
{
	bool several = file->header.nr_processes > 1;
	char name[32];

	for (size_t i = 0; i < file->n; i++) {
		const struct uiommu_trace_record *r = &file->records[i];

		fprintf(out, "%14.9f  %-12s  %-5s  ", trace_ns(file, r) / 1e9,
			source(file, r, name, sizeof(name)),
			trace_kind_name(r->kind));
		print_what(file, r, out);
		if (several)
			fprintf(out, " (pid %u)", file->header.pid[r->process]);
		fputc('\n', out);
	}
}
