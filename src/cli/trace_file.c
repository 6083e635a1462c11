/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace_file.c - reading a trace, which a living or killed process may have
 * left in any state.
 *
 * Nothing in the file is believed before it was checked.  A record counts if
 * its sequence number is the one that belongs to its place; one that was being
 * written when the process died has another.
 */
#include "trace_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"
#include "cmd.h"
#include "hw/smmuv3/cmd.h"
#include "hw/smmuv3/event.h"
#include "hw/smmuv3/regs.h"
#include "records.h"

#define complain(file, fmt, ...) \
	cmd_complain("trace", "%s: " fmt, (file)->path, ##__VA_ARGS__)

/* -------------------------------------------------------------- header -- */

/* Names go to terminals and into JSON. */
static void clean_name(char *name, size_t size)
{
	name[size - 1] = '\0';
	for (; *name; name++)
		if (*name < ' ' || *name > '~' || *name == '"' || *name == '\\')
			*name = '?';
}

static int check_header(struct trace_file *file)
{
	struct uiommu_trace_header *h = &file->header;

	if (memcmp(h->magic, UIOMMU_TRACE_MAGIC, sizeof(h->magic)))
		return complain(file, "no trace of uiommu");
	if (h->version != UIOMMU_TRACE_VERSION)
		return complain(file, "version %u, and %u is read here",
				h->version, UIOMMU_TRACE_VERSION);
	if (h->header_size != UIOMMU_TRACE_HEADER_SIZE ||
	    h->record_size != UIOMMU_TRACE_RECORD_SIZE)
		return complain(file,
				"damaged header: %u bytes with records of %u",
				h->header_size, h->record_size);
	if (!h->nr_lanes || h->nr_lanes > UIOMMU_TRACE_MAX_LANES)
		return complain(file, "damaged header: %u lanes", h->nr_lanes);
	if (!h->lane_records || h->lane_records > UIOMMU_TRACE_MAX_RECORDS ||
	    (h->lane_records & (h->lane_records - 1)))
		return complain(file, "damaged header: %u records in a lane",
				h->lane_records);
	if (h->now_index > 1 || h->nr_devices > UIOMMU_TRACE_DEVICES)
		return complain(file, "damaged header: %u devices",
				h->nr_devices);
	for (unsigned int i = 0; i < UIOMMU_TRACE_SMMUS; i++)
		clean_name(h->smmu[i], sizeof(h->smmu[i]));
	for (unsigned int i = 0; i < h->nr_devices; i++) {
		clean_name(h->device[i].bdf, sizeof(h->device[i].bdf));
		clean_name(h->device[i].type, sizeof(h->device[i].type));
	}
	return 0;
}

/* The longer the trace, the better is known how long a tick is. */
static void find_speed(struct trace_file *file)
{
	const struct uiommu_trace_header *h = &file->header;
	const struct uiommu_trace_clock *now = &h->now[h->now_index];

	file->ns_per_tick = h->ticks_per_s ? 1e9 / (double)h->ticks_per_s : 1;
	if (now->ticks > h->start.ticks && now->ns > h->start.ns &&
	    now->ns - h->start.ns > 1000000)
		file->ns_per_tick = (double)(now->ns - h->start.ns) /
				    (double)(now->ticks - h->start.ticks);
}

/* ------------------------------------------------------------- records -- */

static int by_time(const void *left, const void *right)
{
	const struct uiommu_trace_record *a = left, *b = right;

	if (a->ticks != b->ticks)
		return a->ticks < b->ticks ? -1 : 1;
	return a->seq < b->seq ? -1 : a->seq > b->seq;
}

static void take_lane(struct trace_file *file,
		      const struct uiommu_trace_record *ring, uint64_t next)
{
	uint64_t room = file->header.lane_records;
	uint64_t kept = min_u64(next, room);

	file->overwritten += next - kept;
	for (uint64_t n = next - kept; n < next; n++) {
		const struct uiommu_trace_record *r = &ring[n & (room - 1)];

		if (r->seq != n + 1 || !r->kind ||
		    r->kind >= UIOMMU_TRACE_NR_KINDS ||
		    r->smmu >= UIOMMU_TRACE_SMMUS ||
		    r->process >= UIOMMU_TRACE_PROCESSES)
			file->unreadable++;
		else
			file->records[file->n++] = *r;
	}
}

static int read_all(int fd, void *to, size_t len, off_t at)
{
	uint8_t *p = to;

	while (len) {
		ssize_t got = pread(fd, p, len, at);

		if (got <= 0)
			return got ? -errno : -EIO;
		p += got;
		at += got;
		len -= (size_t)got;
	}
	return 0;
}

static int read_records(struct trace_file *file, int fd)
{
	const struct uiommu_trace_header *h = &file->header;
	size_t ring = (size_t)h->lane_records * UIOMMU_TRACE_RECORD_SIZE;
	struct uiommu_trace_lane lanes[UIOMMU_TRACE_MAX_LANES];
	struct uiommu_trace_record *part = malloc(ring);
	off_t at = UIOMMU_TRACE_HEADER_SIZE;
	int rc;

	file->records = malloc(ring * h->nr_lanes);
	if (!part || !file->records) {
		free(part);
		return -ENOMEM;
	}
	rc = read_all(fd, lanes, h->nr_lanes * sizeof(lanes[0]), at);
	at += h->nr_lanes * UIOMMU_TRACE_LANE_SIZE;
	for (unsigned int i = 0; !rc && i < h->nr_lanes; i++) {
		rc = read_all(fd, part, ring, at);
		at += (off_t)ring;
		if (!rc)
			take_lane(file, part, lanes[i].next);
	}
	free(part);
	qsort(file->records, file->n, sizeof(*file->records), by_time);
	return rc;
}

static int load(struct trace_file *file, int fd)
{
	struct trace_file *f = file;
	uint64_t need;
	struct stat st;
	int rc;

	if (fstat(fd, &st))
		return complain(f, "%s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return complain(f, "no regular file");
	if (!st.st_size)
		return complain(f, "empty: the program has opened no device");
	if (st.st_size < (off_t)sizeof(f->header))
		return complain(f, "%lld bytes: too short for a trace",
				(long long)st.st_size);
	rc = read_all(fd, &f->header, sizeof(f->header), 0);
	if (rc)
		return complain(f, "%s", strerror(-rc));
	rc = check_header(f);
	if (rc)
		return rc;
	need = UIOMMU_TRACE_HEADER_SIZE +
	       f->header.nr_lanes * (UIOMMU_TRACE_LANE_SIZE +
				     (uint64_t)f->header.lane_records *
					     UIOMMU_TRACE_RECORD_SIZE);
	if ((uint64_t)st.st_size < need)
		return complain(f, "cut short: %lld bytes of %llu",
				(long long)st.st_size,
				(unsigned long long)need);
	find_speed(f);
	rc = read_records(f, fd);
	return rc ? complain(f, "%s", strerror(-rc)) : 0;
}

int trace_load(struct trace_file *file, const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), rc;

	*file = (struct trace_file){ .path = path };
	if (fd < 0)
		return complain(file, "%s", strerror(errno));
	rc = load(file, fd);
	close(fd);
	if (rc)
		trace_unload(file);
	return rc;
}

void trace_unload(struct trace_file *file)
{
	free(file->records);
	file->records = NULL;
	file->n = 0;
}

/* --------------------------------------------------------- what it says - */

double trace_ns(const struct trace_file *file,
		const struct uiommu_trace_record *record)
{
	return (double)(int64_t)(record->ticks - file->header.start.ticks) *
	       file->ns_per_tick;
}

double trace_duration(const struct trace_file *file,
		      const struct uiommu_trace_record *record)
{
	return record->duration * file->ns_per_tick;
}

bool trace_sid(const struct uiommu_trace_record *record, uint32_t *sid)
{
	const struct field *field = &fields_cmd.fields[0];

	switch (record->kind) {
	case UIOMMU_TRACE_DMA:
		*sid = record->sid;
		return true;
	case UIOMMU_TRACE_EVENT:
		*sid = (uint32_t)FIELD_GET(SMMU_EVT_0_SID, record->word[0]);
		return true;
	case UIOMMU_TRACE_COMMAND:
		/* Some commands name one. */
		for (size_t i = 0; i < fields_cmd.n; i++, field++) {
			if (strcmp(field->name, "SID"))
				continue;
			*sid = (uint32_t)field_value(field, record->word);
			return field->when & cmd_when(record->word);
		}
		return false;
	default:
		return false;
	}
}

int trace_device(const struct trace_file *file,
		 const struct uiommu_trace_record *record)
{
	uint32_t sid;

	if (!trace_sid(record, &sid))
		return -1;
	for (unsigned int i = 0; i < file->header.nr_devices; i++)
		if (file->header.device[i].sid == sid &&
		    file->header.device[i].smmu == record->smmu)
			return (int)i;
	return -1;
}

static const char *const kind_names[UIOMMU_TRACE_NR_KINDS] = {
	[UIOMMU_TRACE_DMA] = "dma",	[UIOMMU_TRACE_COMMAND] = "cmd",
	[UIOMMU_TRACE_EVENT] = "event", [UIOMMU_TRACE_WRITE] = "write",
	[UIOMMU_TRACE_IRQ] = "irq",	[UIOMMU_TRACE_PIN] = "pin",
	[UIOMMU_TRACE_UNPIN] = "unpin",
};

const char *trace_kind_name(unsigned int kind)
{
	return kind_names[kind];
}

uint32_t trace_kind_bits(const char *name, size_t len)
{
	for (unsigned int i = 1; i < UIOMMU_TRACE_NR_KINDS; i++)
		if (strlen(kind_names[i]) == len &&
		    !strncmp(kind_names[i], name, len))
			return BIT32(i);
	return 0;
}

const char *trace_register(uint32_t offset, char *buf, size_t len)
{
	static const struct {
		const char *name;
		uint32_t offset, size;
	} regs[] = {
#define SMMU_X(name, offset, size, access, guard, needs, bits) \
	{ #name, offset, size },
		SMMU_REGISTERS(SMMU_X)
#undef SMMU_X
	};

	for (size_t i = 0; i < ARRAY_SIZE(regs); i++) {
		if (offset == regs[i].offset)
			return regs[i].name;
		if (offset != regs[i].offset + 4 || regs[i].size != 8)
			continue;
		snprintf(buf, len, "%s+4", regs[i].name);
		return buf;
	}
	snprintf(buf, len, "%#x", offset);
	return buf;
}

const char *trace_line_name(uint64_t line)
{
	static const char *const names[] = { "eventq", "priq", "cmd-sync",
					     "gerror" };

	return line < ARRAY_SIZE(names) ? names[line] : "?";
}

const char *trace_smmu_name(const struct trace_file *file,
			    const struct uiommu_trace_record *record, char *buf,
			    size_t len)
{
	if (file->header.smmu[record->smmu][0])
		return file->header.smmu[record->smmu];
	snprintf(buf, len, "smmu%u", record->smmu);
	return buf;
}

/* -------------------------------------------------------------- select -- */

static bool is_wanted(const struct trace_file *file,
		      const struct trace_filter *filter,
		      const struct uiommu_trace_record *record)
{
	double ns = trace_ns(file, record);
	uint32_t sid;
	int device;

	if (filter->kinds && !(filter->kinds & BIT32(record->kind)))
		return false;
	if ((filter->has_since && ns < filter->since) ||
	    (filter->has_until && ns > filter->until))
		return false;
	if (filter->by_sid && (!trace_sid(record, &sid) || sid != filter->sid))
		return false;
	if (!filter->bdf)
		return true;
	device = trace_device(file, record);
	return device >= 0 &&
	       !strcmp(file->header.device[device].bdf, filter->bdf);
}

static bool has_device(const struct trace_file *file, const char *bdf)
{
	for (unsigned int i = 0; i < file->header.nr_devices; i++)
		if (!strcmp(file->header.device[i].bdf, bdf))
			return true;
	return false;
}

int trace_select(struct trace_file *file, const struct trace_filter *filter)
{
	size_t n = 0;

	if (filter->bdf && !has_device(file, filter->bdf))
		return complain(file, "--device: there is no \"%s\" in it",
				filter->bdf);
	for (size_t i = 0; i < file->n; i++)
		if (is_wanted(file, filter, &file->records[i]))
			file->records[n++] = file->records[i];
	file->n = n;
	if (filter->has_last && n > filter->last) {
		memmove(file->records, file->records + n - filter->last,
			filter->last * sizeof(*file->records));
		file->n = filter->last;
	}
	return 0;
}
