/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace.c - writing the trace: a shared mapping of a file (uiommu/trace.h).
 *
 * A thread that finds a free lane has it for itself, for good, and its records
 * cost no locked operation; those that come later share the last one.  Nothing
 * waits and no system call is made, but for a look at the clock now and then, by
 * which readers turn ticks into time.
 *
 * Written by several processes (fork, exec) it is one trace all the same.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <x86intrin.h>
#endif

#include "base/atomic.h"
#include "pci.h"

#define LANES 8u
#define LANE_RECORDS 16384u
/*
 * A look at the counter takes as long as a small access.  In a row of accesses
 * these have the time of the one before, but not many in a row.
 */
#define TIMED_BYTES 256u
#define UNTIMED 3u
/* How often the clock is looked at. */
#define CLOCK_PERIOD_MS 10u

_Static_assert(sizeof(struct uiommu_trace_header) <= UIOMMU_TRACE_HEADER_SIZE,
	       "the header has its place");
_Static_assert(sizeof(struct uiommu_trace_lane) == UIOMMU_TRACE_LANE_SIZE,
	       "a lane is a cache line");
_Static_assert(sizeof(struct uiommu_trace_record) == UIOMMU_TRACE_RECORD_SIZE,
	       "a record is a cache line");

/* This thread's lane, in the trace of that id, and when its DMA began. */
static __thread struct {
	uint32_t id;
	bool shared;
	struct uiommu_trace_lane *lane;
	struct uiommu_trace_record *ring;
	uint64_t dma_began;
	/* in a row of accesses: when the last one with a time ended */
	bool chain;
	uint8_t untimed; /* how many more may go without */
	uint64_t last;
} mine __attribute__((tls_model("initial-exec")));

/* --------------------------------------------------------------- clock -- */

static uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* The processor's counter is the same everywhere, at one speed. */
static bool use_counter;

static void find_counter(void)
{
#if defined(__x86_64__)
	unsigned int a, b, c, d;

	use_counter = __get_cpuid(0x80000007, &a, &b, &c, &d) && (d & BIT32(8));
#endif
}

static inline uint64_t ticks_now(void)
{
#if defined(__x86_64__)
	if (use_counter)
		return __rdtsc();
#endif
	return clock_ns(CLOCK_MONOTONIC);
}

static struct uiommu_trace_clock clock_pair(void)
{
	return (struct uiommu_trace_clock){
		.ticks = ticks_now(),
		.ns = clock_ns(CLOCK_REALTIME),
	};
}

static uint64_t measure_ticks(const struct uiommu_trace_clock *start)
{
	struct uiommu_trace_clock now;

	do {
		now = clock_pair();
	} while (now.ns - start->ns < 200000 && now.ns >= start->ns);
	if (now.ns <= start->ns)
		return 1000000000u;
	return (uint64_t)((double)(now.ticks - start->ticks) * 1e9 /
			  (double)(now.ns - start->ns));
}

/* Note the time in the half that nobody reads, then say so. */
static __attribute__((noinline)) void look_at_clock(struct trace *tr)
{
	struct uiommu_trace_header *header = tr->header;
	uint32_t free_half = !load_relaxed(&header->now_index);
	uint32_t idle = 0;

	if (!cmpxchg_acq_rel(&tr->clock_busy, &idle, 1))
		return;
	header->now[free_half] = clock_pair();
	store_release(&header->now_index, free_half);
	store_relaxed(&tr->next_clock,
		      header->now[free_half].ticks +
			      header->ticks_per_s / 1000 * CLOCK_PERIOD_MS);
	store_release(&tr->clock_busy, 0);
}

/* -------------------------------------------------------------- records - */

static __attribute__((noinline)) void take_lane(struct trace *tr)
{
	uint32_t last = tr->header->nr_lanes - 1, i;

	for (i = 0; i < last; i++) {
		uint32_t free = 0;

		if (cmpxchg_acq_rel(&tr->lane[i].taken, &free, 1))
			break;
	}
	mine.id = tr->id;
	mine.shared = i == last;
	mine.lane = &tr->lane[i];
	mine.ring = &tr->record[(uint64_t)i * (tr->mask + 1)];
}

/*
 * The next record of the lane that threads share.  One that a thread which is
 * a round behind still writes is passed over: `seq` says so, and whoever sets
 * that has the record to itself.
 */
static __attribute__((noinline)) struct uiommu_trace_record *
take_shared(struct trace *tr, uint64_t *n)
{
	struct uiommu_trace_record *record;
	uint64_t seq;

	do {
		*n = fetch_add_relaxed(&mine.lane->next, 1);
		record = &mine.ring[*n & tr->mask];
		seq = load_relaxed(&record->seq);
	} while (seq == UIOMMU_TRACE_SEQ_BUSY ||
		 !cmpxchg_acq_rel(&record->seq, &seq, UIOMMU_TRACE_SEQ_BUSY));
	return record;
}

/*
 * The next record of this thread's lane, to be filled in and given to done().
 * Written in place: the ring is larger than the caches, so every line counts.
 */
static inline struct uiommu_trace_record *take(struct trace *tr, uint8_t kind,
					       uint64_t *n)
{
	struct uiommu_trace_record *record;

	if (mine.id != tr->id)
		take_lane(tr);
	if (mine.shared) {
		record = take_shared(tr, n);
	} else {
		*n = mine.lane->next;
		store_relaxed(&mine.lane->next, *n + 1);
		record = &mine.ring[*n & tr->mask];
		store_relaxed(&record->seq, 0);
	}
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	record->kind = kind;
	record->process = tr->process;
	record->pad = 0;
	return record;
}

static inline void done(struct trace *tr, struct uiommu_trace_record *record,
			uint64_t n, uint64_t now)
{
	record->ticks = now;
	store_release(&record->seq, n + 1);
	/* The next but one, by then it has arrived. */
	__builtin_prefetch(&mine.ring[(n + 2) & tr->mask], 1);
	if (now >= load_relaxed(&tr->next_clock))
		look_at_clock(tr);
}

static uint32_t ticks_since(uint64_t began, uint64_t now)
{
	return (uint32_t)min_u64(now - began, UINT32_MAX);
}

/* When an access ended. */
static inline uint64_t dma_ended(const struct uiommu_smmuv3_trace *what)
{
	if (mine.untimed && what->dma.len < TIMED_BYTES && !what->result) {
		mine.untimed--;
		return mine.last;
	}
	mine.last = ticks_now();
	mine.untimed = mine.chain ? UNTIMED : 0;
	return mine.last;
}

static void put_dma(struct trace *tr, uint8_t smmu,
		    const struct uiommu_smmuv3_trace *what)
{
	const struct uiommu_smmuv3_txn *txn = what->dma.txn;
	uint64_t len = min_u64(what->dma.len, UINT32_MAX);
	uint64_t now = dma_ended(what), n;
	struct uiommu_trace_record *record = take(tr, UIOMMU_TRACE_DMA, &n);

	if (txn->flags & UIOMMU_TXN_SSV)
		len |= (uint64_t)txn->ssid << 32 | BIT64(52);
	record->smmu = smmu;
	record->sid = txn->sid;
	record->result = what->result;
	record->duration = mine.dma_began ? ticks_since(mine.dma_began, now)
					  : 0;
	/* What goes on after it in this thread has waited, who knows since. */
	mine.dma_began = 0;
	record->word[0] = txn->iova;
	record->word[1] = len;
	record->word[2] = what->dma.pa;
	record->word[3] = txn->flags | min_u64(what->dma.done_len, UINT32_MAX)
					       << 32;
	done(tr, record, n, now);
}

static void put(struct trace *tr, uint8_t kind, uint8_t smmu, int result,
		const uint64_t words[4])
{
	struct uiommu_trace_record *record;
	uint64_t now = ticks_now(), n;

	record = take(tr, kind, &n);
	record->smmu = smmu;
	record->sid = 0;
	record->result = result;
	record->duration = 0;
	memcpy(record->word, words, sizeof(record->word));
	done(tr, record, n, now);
}

static __attribute__((noinline)) void
put_other(struct trace *tr, uint8_t smmu,
	  const struct uiommu_smmuv3_trace *what)
{
	switch (what->kind) {
	case UIOMMU_SMMUV3_TRACE_COMMAND:
		put(tr, UIOMMU_TRACE_COMMAND, smmu, what->result,
		    (const uint64_t[4]){ what->words[0], what->words[1] });
		break;
	case UIOMMU_SMMUV3_TRACE_EVENT:
		put(tr, UIOMMU_TRACE_EVENT, smmu, 0, what->words);
		break;
	case UIOMMU_SMMUV3_TRACE_REGISTER:
		put(tr, UIOMMU_TRACE_WRITE, smmu, 0,
		    (const uint64_t[4]){ what->reg.offset, what->reg.value,
					 what->reg.size });
		break;
	case UIOMMU_SMMUV3_TRACE_IRQ:
		put(tr, UIOMMU_TRACE_IRQ, smmu, 0,
		    (const uint64_t[4]){ what->irq.line, what->irq.addr,
					 what->irq.data });
		break;
	default:
		break;
	}
}

/* The model's tracer. */
static void tell(void *ctx, const struct uiommu_smmuv3_trace *what)
{
	struct machine_smmu *smmu = ctx;
	struct trace *tr = &smmu->machine->trace;
	uint8_t i = (uint8_t)(smmu - smmu->machine->smmu);

	if (what->kind == UIOMMU_SMMUV3_TRACE_DMA)
		put_dma(tr, i, what);
	else
		put_other(tr, i, what);
}

static int traced_dma(struct uiommu_smmuv3_model *model,
		      struct uiommu_smmuv3_dma *req)
{
	/* One access may cause another before it ends. */
	uint64_t outer = mine.dma_began;
	int rc;

	/* What follows another closely began when that ended. */
	mine.dma_began = mine.untimed ? mine.last : ticks_now();
	rc = uiommu_smmuv3_model_dma(model, req);
	mine.dma_began = outer;
	return rc;
}

void trace_smmu(struct machine_smmu *smmu)
{
	struct trace *tr = &smmu->machine->trace;
	unsigned int i = (unsigned int)(smmu - smmu->machine->smmu);

	if (!tr->header)
		return;
	if (i < UIOMMU_TRACE_SMMUS)
		memcpy(tr->header->smmu[i], smmu->name,
		       sizeof(tr->header->smmu[i]));
	smmu->dma = traced_dma;
	uiommu_smmuv3_model_set_tracer(smmu->model, tell, smmu);
}

void trace_chain(struct uiommu_machine *machine, bool begin)
{
	if (!machine->trace.header)
		return;
	mine.chain = begin;
	mine.untimed = 0;
}

/* ------------------------------------------------------------- memory --- */

static int traced_pin(void *ctx, uint64_t uva, uint64_t len, uint32_t flags,
		      struct uiommu_run *run)
{
	struct uiommu_machine *machine = ctx;
	int rc = mm_pin(ctx, uva, len, flags, run);

	if (!rc)
		put(&machine->trace, UIOMMU_TRACE_PIN, 0, 0,
		    (const uint64_t[4]){ uva, run->len, run->pa });
	return rc;
}

static void traced_unpin(void *ctx, uiommu_pa_t pa, uint64_t len,
			 uint32_t flags)
{
	struct uiommu_machine *machine = ctx;

	put(&machine->trace, UIOMMU_TRACE_UNPIN, 0, 0,
	    (const uint64_t[4]){ 0, len, pa });
	mm_unpin(ctx, pa, len, flags);
}

void trace_mm(struct uiommu_machine *machine)
{
	if (!machine->trace.header)
		return;
	machine->mm.pin = traced_pin;
	machine->mm.unpin = traced_unpin;
}

/* ---------------------------------------------------------------- file -- */

static size_t file_size(uint32_t lanes, uint32_t records)
{
	return UIOMMU_TRACE_HEADER_SIZE + lanes * UIOMMU_TRACE_LANE_SIZE +
	       (size_t)lanes * records * UIOMMU_TRACE_RECORD_SIZE;
}

static int map_file(struct trace *tr, int fd, uint32_t lanes, uint32_t records)
{
	uint8_t *at;

	tr->size = file_size(lanes, records);
	tr->mask = records - 1;
	at = mmap(NULL, tr->size, PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_POPULATE, fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	tr->header = (struct uiommu_trace_header *)(void *)at;
	at += UIOMMU_TRACE_HEADER_SIZE;
	tr->lane = (struct uiommu_trace_lane *)(void *)at;
	at += lanes * UIOMMU_TRACE_LANE_SIZE;
	tr->record = (struct uiommu_trace_record *)(void *)at;
	return 0;
}

static int make_file(struct trace *tr, int fd, uint32_t records,
		     const char *run)
{
	struct uiommu_trace_header *header;
	int rc;

	/* The whole of it, so that no disk is full later. */
	if (ftruncate(fd, 0))
		return -errno;
	rc = posix_fallocate(fd, 0, (off_t)file_size(LANES, records));
	if (rc)
		return -rc;
	rc = map_file(tr, fd, LANES, records);
	if (rc)
		return rc;
	header = tr->header;
	header->version = UIOMMU_TRACE_VERSION;
	header->header_size = UIOMMU_TRACE_HEADER_SIZE;
	header->record_size = UIOMMU_TRACE_RECORD_SIZE;
	header->nr_lanes = LANES;
	header->lane_records = records;
	header->start = clock_pair();
	header->ticks_per_s = measure_ticks(&header->start);
	header->now[0] = header->start;
	snprintf(header->run, sizeof(header->run), "%s", run ? run : "");
	fence_full();
	memcpy(header->magic, UIOMMU_TRACE_MAGIC, sizeof(header->magic));
	return 0;
}

/* Another process of this run has made it. */
static bool join_file(struct trace *tr, int fd, const char *run)
{
	struct uiommu_trace_header header;
	struct stat st;

	if (!run || fstat(fd, &st) ||
	    pread(fd, &header, sizeof(header), 0) != sizeof(header) ||
	    memcmp(header.magic, UIOMMU_TRACE_MAGIC, sizeof(header.magic)) ||
	    header.version != UIOMMU_TRACE_VERSION ||
	    strncmp(header.run, run, sizeof(header.run) - 1) ||
	    header.nr_lanes != LANES || !header.lane_records ||
	    header.lane_records > UIOMMU_TRACE_MAX_RECORDS ||
	    (header.lane_records & (header.lane_records - 1)) ||
	    (size_t)st.st_size < file_size(LANES, header.lane_records))
		return false;
	return !map_file(tr, fd, LANES, header.lane_records);
}

static void join_process(struct trace *tr)
{
	static uint32_t ids;
	uint32_t n = fetch_add_acq_rel(&tr->header->nr_processes, 1);

	/* A forked child's thread has no lane of its own yet. */
	tr->id = fetch_add_relaxed(&ids, 1) + 1;
	if (n >= UIOMMU_TRACE_PROCESSES)
		n = UIOMMU_TRACE_PROCESSES - 1;
	tr->header->pid[n] = (uint32_t)getpid();
	tr->process = (uint8_t)n;
}

int trace_open(struct uiommu_machine *machine)
{
	const struct uiommu_machine_cfg *cfg = &machine->cfg;
	uint32_t records = cfg->trace_records ? cfg->trace_records
					      : LANE_RECORDS;
	struct trace *tr = &machine->trace;
	int fd, rc = 0;

	if (!cfg->trace)
		return 0;
	if (records > UIOMMU_TRACE_MAX_RECORDS || (records & (records - 1)))
		return -EINVAL;
	fd = open(cfg->trace, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	find_counter();
	/* One at a time: the first makes it. */
	if (flock(fd, LOCK_EX))
		rc = -errno;
	if (!rc && !join_file(tr, fd, cfg->trace_run))
		rc = make_file(tr, fd, records, cfg->trace_run);
	if (!rc)
		join_process(tr);
	close(fd);
	return rc;
}

void trace_close(struct uiommu_machine *machine)
{
	struct trace *tr = &machine->trace;

	if (!tr->header)
		return;
	look_at_clock(tr);
	munmap(tr->header, tr->size);
	tr->header = NULL;
}

void trace_name_devices(struct uiommu_machine *machine)
{
	struct uiommu_trace_header *header = machine->trace.header;

	if (!header)
		return;
	for (unsigned int i = 0; i < machine->nr_devs; i++) {
		const struct pcidev *dev = machine->dev[i];
		struct uiommu_trace_device *to = &header->device[i];

		snprintf(to->bdf, sizeof(to->bdf), "%s", dev->bdf);
		snprintf(to->type, sizeof(to->type), "%s",
			 dev->type->info.name);
		to->smmu = (uint32_t)(dev->smmu - machine->smmu);
		to->sid = dev->sid;
	}
	store_release(&header->nr_devices, machine->nr_devs);
}

void trace_after_fork_child(struct uiommu_machine *machine)
{
	if (machine->trace.header)
		join_process(&machine->trace);
}
