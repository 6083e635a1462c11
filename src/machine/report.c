/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * report.c - what a run did to the IOMMU and what it did wrong, for people.
 *
 * Faults are gathered from the models' observers, which know the table level;
 * equal ones (device, reason, direction, page) share an entry, and when the
 * log is full the oldest entry goes.  Complaints are gathered where memory is
 * accessed.  Both are rare, so one lock will do.
 */
#include <inttypes.h>

#include "pci.h"

int report_init(struct report *report)
{
	return -pthread_mutex_init(&report->lock, NULL);
}

void report_fini(struct report *report)
{
	pthread_mutex_destroy(&report->lock);
}

/* -------------------------------------------------------------- gather -- */

static bool same_fault(const struct fault_entry *a, const struct fault_entry *b)
{
	return a->dev == b->dev && a->sid == b->sid && a->flags == b->flags &&
	       a->ssid == b->ssid && a->reason == b->reason &&
	       a->stage == b->stage && a->level == b->level &&
	       a->first >> PIN_PAGE_LG2 == b->first >> PIN_PAGE_LG2;
}

/* The entry for a fault like `like`: one that is there, or a fresh one. */
static struct fault_entry *fault_slot(struct report *report,
				      const struct fault_entry *like)
{
	struct fault_entry *slot;

	for (unsigned int i = 0; i < report->nr_faults; i++)
		if (same_fault(&report->fault[i], like))
			return &report->fault[i];
	if (report->nr_faults < FAULT_LOG)
		slot = &report->fault[report->nr_faults++];
	else
		slot = &report->fault[report->next_fault++ % FAULT_LOG];
	*slot = *like;
	return slot;
}

/* Report lock held. */
static struct fault_entry *add_fault(struct report *report,
				     const struct fault_entry *like)
{
	struct fault_entry *slot = fault_slot(report, like);

	report->faults++;
	slot->first = min_u64(slot->first, like->first);
	slot->last = max_u64(slot->last, like->last);
	slot->count++;
	return slot;
}

void report_fault(void *ctx, const struct uiommu_smmuv3_fault_info *info)
{
	struct machine_smmu *smmu = ctx;
	struct report *report = &smmu->machine->report;
	struct fault_entry like = {
		.dev = smmu_device(smmu, info->txn.sid),
		.sid = info->txn.sid,
		.flags = info->txn.flags &
			 (UIOMMU_TXN_WRITE | UIOMMU_TXN_SSV | UIOMMU_TXN_INSTR),
		.ssid = info->txn.flags & UIOMMU_TXN_SSV ? info->txn.ssid : 0,
		.first = info->txn.iova,
		.last = info->txn.iova,
		.reason = info->reason ? info->reason : "aborted",
		.stage = info->stage,
		.level = info->level,
	};
	struct fault_entry *slot;

	if (info->txn.flags & UIOMMU_TXN_PROBE)
		return;
	pthread_mutex_lock(&report->lock);
	slot = add_fault(report, &like);
	/* A stalled one that is not recorded yet will be. */
	slot->silent |= !info->recorded && !info->stalled;
	pthread_mutex_unlock(&report->lock);
}

static struct pcidev *dev_by_core(const struct uiommu_machine *machine,
				  const struct uiommu_device *dev)
{
	for (unsigned int i = 0; i < machine->nr_devs; i++)
		if (machine->dev[i]->core_dev == dev)
			return machine->dev[i];
	return NULL;
}

/* Is the record one of those that the entry stands for? */
static bool is_of(const struct fault_entry *entry, const struct pcidev *dev,
		  const struct uiommu_fault *fault)
{
	uint32_t ssid = fault->pasid == UIOMMU_NO_PASID ? 0 : fault->pasid;

	/* Records about configuration have no address. */
	return entry->dev == dev && entry->sid == fault->id &&
	       entry->ssid == ssid &&
	       (entry->stage == 2) == !!(fault->flags & UIOMMU_FAULT_STAGE2) &&
	       (!fault->iova ||
		entry->first >> PIN_PAGE_LG2 == fault->iova >> PIN_PAGE_LG2);
}

void report_unowned(void *ctx, struct uiommu_device *dev,
		    const struct uiommu_fault *fault)
{
	struct uiommu_machine *machine = ctx;
	struct report *report = &machine->report;
	bool pasid = fault->pasid != UIOMMU_NO_PASID, found = false;
	const struct fault_entry like = {
		.dev = dev_by_core(machine, dev),
		.sid = fault->id,
		.flags = (fault->flags & UIOMMU_FAULT_WRITE ? UIOMMU_TXN_WRITE
							    : 0) |
			 (pasid ? UIOMMU_TXN_SSV : 0),
		.ssid = pasid ? fault->pasid : 0,
		.first = fault->iova,
		.last = fault->iova,
		.reason = "page request, and no fault queue",
		.level = -128,
	};

	pthread_mutex_lock(&report->lock);
	/* What has no record is no abort, so the model has not told of it. */
	if (!fault->raw_type)
		(void)add_fault(report, &like);
	for (unsigned int i = 0; i < report->nr_faults; i++) {
		struct fault_entry *entry = &report->fault[i];

		if (!is_of(entry, like.dev, fault))
			continue;
		entry->unowned = true;
		found = true;
	}
	if (!found)
		report->faults_unowned++;
	pthread_mutex_unlock(&report->lock);
}

static void add_complaint(struct report *report, const struct complaint *new)
{
	for (unsigned int i = 0; i < report->nr_complaints; i++) {
		struct complaint *old = &report->complaint[i];

		if (old->kind != new->kind || old->write != new->write ||
		    old->dev != new->dev || strcmp(old->what, new->what) ||
		    old->uva >> PIN_PAGE_LG2 != new->uva >> PIN_PAGE_LG2)
			continue;
		old->count++;
		old->bytes += new->bytes;
		return;
	}
	if (report->nr_complaints == FAULT_LOG) {
		report->complaints_lost++;
		return;
	}
	report->complaint[report->nr_complaints++] = *new;
}

/* Which IOVA is the byte at `buf` of the thread's current access? */
static uint64_t iova_of(const struct dma_scope *scope, const void *buf)
{
	const struct uiommu_smmuv3_dma *dma = scope->dma;
	uintptr_t at = (uintptr_t)buf, first = (uintptr_t)dma->buf;

	if (at < first || at - first >= dma->len)
		return dma->txn.iova;
	return dma->txn.iova + (at - first);
}

static void report_access(struct uiommu_machine *machine,
			  const struct pin_gone *gone, uint64_t uva, size_t len,
			  bool write, const void *buf)
{
	struct dma_scope *scope = dma_scope(machine->scope_key);
	struct complaint new = {
		.kind = gone->replaced ? COMPLAINT_REPLACED
				       : COMPLAINT_RELEASED,
		.write = write,
		.uva = uva,
		.bytes = len,
		.count = 1,
	};

	memcpy(new.what, gone->what, sizeof(new.what));
	if (scope && scope->dma) {
		new.dev = scope->dev;
		new.iova = iova_of(scope, buf);
	}
	pthread_mutex_lock(&machine->report.lock);
	add_complaint(&machine->report, &new);
	pthread_mutex_unlock(&machine->report.lock);
}

void report_gone(struct uiommu_machine *machine, uint64_t uva, size_t len,
		 bool write, const void *buf)
{
	struct pin_gone gone = { .what = "unknown" };

	(void)pins_find_gone(&machine->pins, uva, &gone);
	report_access(machine, &gone, uva, len, write, buf);
}

void report_parts(struct uiommu_machine *machine, uint64_t uva, size_t len,
		  bool write, const void *buf)
{
	uint64_t at = uva, last = uva + len - 1;
	struct pin_gone part;

	while (at <= last && pins_find_part(&machine->pins, at, last, &part)) {
		const struct uiommu_range *range = &part.range;

		report_access(machine, &part, range->first,
			      range->last - range->first + 1, write,
			      (const uint8_t *)buf + (range->first - uva));
		at = range->last + 1;
	}
}

/* --------------------------------------------------------------- print -- */

struct report_text report_bytes(uint64_t n)
{
	static const char *const unit[] = { "KiB", "MiB", "GiB", "TiB", "PiB" };
	double val = (double)n / 1024;
	unsigned int i = 0;
	struct report_text text;

	if (n < 1024) {
		snprintf(text.s, sizeof(text.s), "%" PRIu64 " byte%s", n,
			 n == 1 ? "" : "s");
		return text;
	}
	for (; val >= 1024 && i < ARRAY_SIZE(unit) - 1; i++)
		val /= 1024;
	snprintf(text.s, sizeof(text.s), "%.*f %s",
		 val < 10 && n % 1024 ? 1 : 0, val, unit[i]);
	return text;
}

/* 1234567 -> "1,234,567" */
static struct report_text number(uint64_t n)
{
	char digits[24];
	struct report_text text;
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, n), at = 0;

	for (int i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			text.s[at++] = ',';
		text.s[at++] = digits[i];
	}
	text.s[at] = '\0';
	return text;
}

#define LABEL REPORT_LABEL

static void print_devices(struct uiommu_machine *machine, FILE *out)
{
	for (unsigned int i = 0; i < machine->nr_devs; i++) {
		struct pcidev *dev = machine->dev[i];
		struct uiommu_group *group = uiommu_device_group(dev->core_dev);

		fprintf(out,
			LABEL "%s  %-7s group %u  %s register accesses, %s by "
			      "DMA\n",
			i ? "" : "devices", dev->bdf, dev->type->info.name,
			uiommu_group_id(group),
			number(load_relaxed(&dev->accesses)).s,
			report_bytes(load_relaxed(&dev->dma_bytes)).s);
	}
}

static void print_core(const struct uiommu_core_stats *stats, FILE *out)
{
	fprintf(out, LABEL "%s made, %s freed, %s attached\n", "domains",
		number(stats->domains_made).s, number(stats->domains_freed).s,
		number(stats->attaches).s);
	fprintf(out, LABEL "%s made (%s), %s undone (%s), at most %s at once\n",
		"mappings", number(stats->maps).s,
		report_bytes(stats->map_bytes).s, number(stats->unmaps).s,
		report_bytes(stats->unmap_bytes).s,
		number(stats->areas_peak).s);
	fprintf(out, LABEL "%s at most, %s now\n", "pinned",
		report_bytes(stats->pinned_peak).s,
		report_bytes(stats->pinned_bytes).s);
	fprintf(out, LABEL "%s at most\n", "page tables",
		report_bytes(stats->table_bytes_peak).s);
}

static void print_model(const struct uiommu_smmuv3_stats *stats, FILE *out)
{
	uint64_t looked = stats->tlb_hits + stats->tlb_misses;

	fprintf(out, LABEL "%s read, %s written\n", "DMA",
		report_bytes(stats->dma_read_bytes).s,
		report_bytes(stats->dma_write_bytes).s);
	fprintf(out, LABEL "%s transactions translated, %s aborted\n", "SMMU",
		number(stats->translations - stats->aborts).s,
		number(stats->aborts).s);
	if (looked)
		fprintf(out, LABEL "%.2f %% hits (%s misses)\n", "TLB",
			100.0 * (double)stats->tlb_hits / (double)looked,
			number(stats->tlb_misses).s);
	fprintf(out, LABEL "%s, reading %s descriptors\n", "table walks",
		number(stats->walks).s, number(stats->walk_reads).s);
	fprintf(out, LABEL "%s, %s of them waits for completion\n", "commands",
		number(stats->commands).s, number(stats->syncs).s);
}

static void print_doorbell(const struct msi *msi, FILE *out)
{
	uint64_t strays = load_relaxed(&msi->strays);

	if (strays)
		fprintf(out, LABEL "%s messages of no vector of their device\n",
			"doorbell", number(strays).s);
}

/* The driver's own counters, those that are not 0. */
static void print_counters(const struct machine_smmu *smmu, FILE *out)
{
	const struct uiommu_driver_ops *ops = smmu->unit->ops;
	const char *name;
	uint64_t value;
	bool first = true;

	if (!ops->counter)
		return;
	for (unsigned int i = 0; ops->counter(smmu->unit, i, &name, &value);
	     i++) {
		if (!value)
			continue;
		fprintf(out, LABEL "%12s  %s\n", first ? smmu->name : "",
			number(value).s, name);
		first = false;
	}
}

void report_txn(FILE *out, const struct pcidev *dev,
		const struct uiommu_smmuv3_txn *txn)
{
	if (dev)
		fputs(dev->bdf, out);
	else
		fprintf(out, "StreamID 0x%x", txn->sid);
	if (txn->flags & UIOMMU_TXN_SSV)
		fprintf(out, " PASID %u", txn->ssid);
	fprintf(out, "  %s of IOVA 0x%" PRIx64,
		txn->flags & UIOMMU_TXN_WRITE	? "write"
		: txn->flags & UIOMMU_TXN_INSTR ? "fetch"
						: "read",
		txn->iova);
}

void report_reason(FILE *out, const char *reason, uint8_t stage, int8_t level)
{
	fputs(reason, out);
	if (stage)
		fprintf(out, ", stage %u", stage);
	if (level != -128)
		fprintf(out, ", table level %d", level);
}

static void print_fault(const struct fault_entry *fault, const char *label,
			FILE *out)
{
	const struct uiommu_smmuv3_txn txn = {
		.sid = fault->sid,
		.ssid = fault->ssid,
		.flags = fault->flags,
		.iova = fault->first,
	};

	fprintf(out, LABEL, label);
	report_txn(out, fault->dev, &txn);
	if (fault->last != fault->first)
		fprintf(out, " to 0x%" PRIx64, fault->last);
	fputs(": ", out);
	report_reason(out, fault->reason, fault->stage, fault->level);
	if (fault->count > 1)
		fprintf(out, " (%s times)", number(fault->count).s);
	fputc('\n', out);
}

static void print_faults(struct report *report, FILE *out)
{
	pthread_mutex_lock(&report->lock);
	if (!report->faults)
		fprintf(out, LABEL "none\n", "faults");
	else
		fprintf(out, LABEL "%s\n", "faults", number(report->faults).s);
	/* Oldest first. */
	for (unsigned int i = 0; i < report->nr_faults; i++) {
		unsigned int at = i;

		if (report->nr_faults == FAULT_LOG)
			at = (report->next_fault + i) % FAULT_LOG;
		print_fault(&report->fault[at], "", out);
	}
	pthread_mutex_unlock(&report->lock);
}

static void add_stats(struct uiommu_smmuv3_stats *sum,
		      const struct uiommu_smmuv3_stats *one)
{
	const uint64_t *from = (const uint64_t *)one;
	uint64_t *to = (uint64_t *)sum;

	for (size_t i = 0; i < sizeof(*sum) / sizeof(*to); i++)
		to[i] += from[i];
}

static void print_complaint(const struct complaint *complaint,
			    const char *label, FILE *out)
{
	bool replaced = complaint->kind == COMPLAINT_REPLACED;

	fprintf(out, LABEL "%s  %s 0x%" PRIx64 " (%s", label,
		complaint->dev ? complaint->dev->bdf : "a device",
		complaint->write ? "wrote to" : "read from", complaint->uva,
		report_bytes(complaint->bytes).s);
	if (complaint->count > 1)
		fprintf(out, " in %s accesses", number(complaint->count).s);
	fprintf(out,
		"), memory %s by %s while mapped at IOVA 0x%" PRIx64 "%s\n",
		replaced ? "replaced" : "given back", complaint->what,
		complaint->iova, replaced ? ": aborted" : "");
}

/* What the program did to memory that devices still use; often nothing. */
static void print_memory(struct report *report, FILE *out)
{
	pthread_mutex_lock(&report->lock);
	for (unsigned int i = 0; i < report->nr_complaints; i++)
		print_complaint(&report->complaint[i], i ? "" : "memory", out);
	pthread_mutex_unlock(&report->lock);
}

static void explain(struct uiommu_machine *machine, FILE *out)
{
	struct uiommu_smmuv3_stats sum = { 0 }, one;
	struct uiommu_core_stats core;

	uiommu_core_stats(machine->core, &core);
	for (unsigned int i = 0; i < machine->nr_smmus; i++) {
		uiommu_smmuv3_model_stats(machine->smmu[i].model, &one);
		add_stats(&sum, &one);
	}
	fprintf(out, "uiommu: what the program did with the IOMMU\n");
	print_devices(machine, out);
	print_core(&core, out);
	print_model(&sum, out);
	print_doorbell(&machine->msi, out);
	for (unsigned int i = 0; i < machine->nr_smmus; i++)
		print_counters(&machine->smmu[i], out);
	print_faults(&machine->report, out);
	print_memory(&machine->report, out);
	for (unsigned int i = 0; i < machine->nr_devs; i++)
		story_print(machine->dev[i], out);
}

/* --------------------------------------------------------------- check -- */

/* Pins that belong to no mapping: nobody can undo them any more. */
static unsigned int lost_pins(struct uiommu_machine *machine, FILE *out)
{
	struct uiommu_core_stats core;

	uiommu_core_stats(machine->core, &core);
	if (core.areas || !core.pinned_bytes)
		return 0;
	if (out)
		fprintf(out, LABEL "%s for no mapping\n", "pinned",
			report_bytes(core.pinned_bytes).s);
	return 1;
}

static void note_gone(void *ctx, const struct pin_gone *gone)
{
	FILE *out = ctx;

	fprintf(out,
		LABEL "0x%" PRIx64 " (%s), %s by %s, is still mapped for DMA\n",
		"(memory)", gone->range.first,
		report_bytes(gone->range.last - gone->range.first + 1).s,
		gone->replaced ? "replaced" : "given back", gone->what);
}

/*
 * What is left to the end of the process, which undoes it.  No mistake by
 * itself, even when the memory went first: DPDK ends that way.
 */
static void note_left(struct uiommu_machine *machine, FILE *out)
{
	struct uiommu_core_stats core;

	pins_visit_gone(&machine->pins, note_gone, out);
	uiommu_core_stats(machine->core, &core);
	if (core.areas)
		fprintf(out, LABEL "%s left to the program's end, %s\n",
			"(mappings)", number(core.areas).s,
			report_bytes(core.pinned_bytes).s);
}

static void add_left(void *ctx, uint32_t ioas_id,
		     const struct uiommu_area_info *area)
{
	struct report *report = ctx;

	pthread_mutex_lock(&report->lock);
	if (report->nr_left < FAULT_LOG)
		report->left[report->nr_left] = (struct left_area){
			.ioas_id = ioas_id,
			.range = area->range,
			.uva = area->uva,
		};
	report->nr_left++;
	pthread_mutex_unlock(&report->lock);
}

void uiommu_machine_note_left(struct uiommu_machine *machine)
{
	struct report *report = &machine->report;

	pthread_mutex_lock(&report->lock);
	report->nr_left = 0;
	pthread_mutex_unlock(&report->lock);
	/* The ABI's locks are above the report's. */
	uiommu_abi_visit_areas(machine->abi, add_left, report);
}

static unsigned int check_left(const struct report *report, FILE *out)
{
	uint64_t shown = min_u64(report->nr_left, FAULT_LOG);

	for (uint64_t i = 0; out && i < shown; i++) {
		const struct left_area *left = &report->left[i];

		fprintf(out,
			LABEL "IOVA 0x%" PRIx64 " to 0x%" PRIx64
			      " of IOAS %u (memory at 0x%" PRIx64
			      ") is left mapped at the program's end\n",
			"mapping", left->range.first, left->range.last,
			left->ioas_id, left->uva);
	}
	if (out && report->nr_left > shown)
		fprintf(out, LABEL "and %s more\n", "",
			number(report->nr_left - shown).s);
	return (unsigned int)min_u64(report->nr_left, UINT32_MAX / 2);
}

/* Count, and print when there is somewhere to print to. */
static unsigned int check(struct uiommu_machine *machine, FILE *out)
{
	struct report *report = &machine->report;
	unsigned int n = 0;

	pthread_mutex_lock(&report->lock);
	for (unsigned int i = 0; i < report->nr_faults; i++) {
		const struct fault_entry *fault = &report->fault[i];

		if (!fault->unowned && !fault->silent)
			continue;
		n++;
		if (out)
			print_fault(fault, "fault", out);
	}
	/* Of those that the log has no more. */
	if (report->faults_unowned) {
		n++;
		if (out)
			fprintf(out, LABEL "%s more that nobody took\n",
				"fault", number(report->faults_unowned).s);
	}
	for (unsigned int i = 0; i < report->nr_complaints; i++, n++)
		if (out)
			print_complaint(&report->complaint[i], "memory", out);
	if (report->complaints_lost && out)
		fprintf(out, "  and %s more\n",
			number(report->complaints_lost).s);
	n += check_left(report, out);
	pthread_mutex_unlock(&report->lock);
	return n + lost_pins(machine, out);
}

unsigned int uiommu_machine_check(struct uiommu_machine *machine)
{
	uiommu_machine_poll(machine);
	return check(machine, NULL);
}

void uiommu_machine_report(struct uiommu_machine *machine, unsigned int flags,
			   FILE *out)
{
	uiommu_machine_poll(machine);
	if (flags & UIOMMU_REPORT_EXPLAIN)
		explain(machine, out);
	if (!(flags & UIOMMU_REPORT_CHECK))
		return;
	if (!check(machine, NULL)) {
		fprintf(out, "uiommu: check: nothing to complain of\n");
		note_left(machine, out);
		return;
	}
	fprintf(out, "uiommu: check: wrong use of DMA\n");
	check(machine, out);
	note_left(machine, out);
}
