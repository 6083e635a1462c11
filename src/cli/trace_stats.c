/* SPDX-License-Identifier: BSD-2-Clause */
/* A trace in figures. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "hw/smmuv3/event.h"
#include "records.h"
#include "trace_file.h"

#define ULL(x) ((unsigned long long)(x))

struct dma_stats {
	uint64_t count[2], bytes[2]; /* reads, writes */
	uint64_t aborts, stalls;
	size_t n;
};

static void count_dma(struct dma_stats *stats,
		      const struct uiommu_trace_record *r)
{
	bool write = r->word[3] & UIOMMU_TXN_WRITE;

	stats->count[write]++;
	stats->bytes[write] += r->word[3] >> 32;
	if (r->result == -EINPROGRESS)
		stats->stalls++;
	else if (r->result)
		stats->aborts++;
}

static int by_value(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return a < b ? -1 : a > b;
}

static void print_times(const struct trace_file *file, uint32_t *ticks,
			size_t n, FILE *out)
{
	double tick = file->ns_per_tick;

	if (!n)
		return;
	qsort(ticks, n, sizeof(*ticks), by_value);
	fprintf(out, "; ns: least %.0f, median %.0f, 99%% %.0f, most %.0f",
		ticks[0] * tick, ticks[n / 2] * tick,
		ticks[n - 1 - (n - 1) / 100] * tick, ticks[n - 1] * tick);
}

/* Of one device (-1: those that are not in the list). */
static void print_device(const struct trace_file *file, int device,
			 uint32_t *ticks, FILE *out)
{
	struct dma_stats stats = { 0 };

	for (size_t i = 0; i < file->n; i++) {
		const struct uiommu_trace_record *r = &file->records[i];

		if (r->kind != UIOMMU_TRACE_DMA ||
		    trace_device(file, r) != device)
			continue;
		count_dma(&stats, r);
		if (r->duration)
			ticks[stats.n++] = r->duration;
	}
	if (!stats.count[0] && !stats.count[1])
		return;
	fprintf(out,
		"dma       %s  %llu reads of %llu bytes, %llu writes of %llu "
		"bytes, %llu aborts, %llu stalls",
		device < 0 ? "others" : file->header.device[device].bdf,
		ULL(stats.count[0]), ULL(stats.bytes[0]), ULL(stats.count[1]),
		ULL(stats.bytes[1]), ULL(stats.aborts), ULL(stats.stalls));
	print_times(file, ticks, stats.n, out);
	fputc('\n', out);
}

/* How often each name of a kind occurs. */
static void print_names(const struct trace_file *file, unsigned int kind,
			const char *title, FILE *out)
{
	uint64_t count[256] = { 0 };
	bool first = true;

	for (size_t i = 0; i < file->n; i++)
		if (file->records[i].kind == kind)
			count[file->records[i].word[0] & 0xff]++;
	for (unsigned int i = 0; i < ARRAY_SIZE(count); i++) {
		const uint64_t words[4] = { i };
		const char *name =
			kind == UIOMMU_TRACE_COMMAND ? cmd_name(words)
			: kind == UIOMMU_TRACE_EVENT ? event_name(i)
						     : trace_line_name(i);

		if (!count[i])
			continue;
		fprintf(out, "%s%s %llu", first ? title : ", ", name,
			ULL(count[i]));
		first = false;
	}
	if (!first)
		fputc('\n', out);
}

static uint64_t count_kind(const struct trace_file *file, unsigned int kind)
{
	uint64_t n = 0;

	for (size_t i = 0; i < file->n; i++)
		n += file->records[i].kind == kind;
	return n;
}

void trace_print_stats(const struct trace_file *file, FILE *out)
{
	uint32_t *ticks = malloc((file->n + 1) * sizeof(*ticks));
	double from = 0, to = 0;

	if (!ticks)
		return;
	if (file->n) {
		from = trace_ns(file, &file->records[0]);
		to = trace_ns(file, &file->records[file->n - 1]);
	}
	fprintf(out,
		"records   %zu in %.6f s, %llu overwritten, %llu "
		"unreadable\n",
		file->n, (to - from) / 1e9, ULL(file->overwritten),
		ULL(file->unreadable));
	for (int i = 0; i < (int)file->header.nr_devices; i++)
		print_device(file, i, ticks, out);
	print_device(file, -1, ticks, out);
	print_names(file, UIOMMU_TRACE_COMMAND, "commands  ", out);
	print_names(file, UIOMMU_TRACE_EVENT, "events    ", out);
	print_names(file, UIOMMU_TRACE_IRQ, "irqs      ", out);
	fprintf(out, "writes    %llu to registers\n",
		ULL(count_kind(file, UIOMMU_TRACE_WRITE)));
	fprintf(out, "memory    pinned %llu times, unpinned %llu times\n",
		ULL(count_kind(file, UIOMMU_TRACE_PIN)),
		ULL(count_kind(file, UIOMMU_TRACE_UNPIN)));
	free(ticks);
}
