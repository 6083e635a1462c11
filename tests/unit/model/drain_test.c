/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CMD_SYNC waits for accesses that began earlier; interrupts come outside of
 * everything; forks and threads that end are survived.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/atomic.h"
#include "model/smmuv3/msmmu.h"
#include "rig.h"

/* Memory that holds an access until it is let go. */
struct gate {
	struct model_ram *ram;
	int (*write)(void *ctx, uiommu_pa_t pa, const void *buf, size_t len,
		     struct uiommu_mem_attrs attrs);
	int (*read)(void *ctx, uiommu_pa_t pa, void *buf, size_t len,
		    struct uiommu_mem_attrs attrs);
	uint32_t armed, inside, open;
	uint64_t hold_pa; /* a read of this word waits after it was made */
	uint32_t allocs;
};

static void *gate_alloc(void *ctx, size_t size)
{
	struct gate *g = ctx;

	fetch_add_relaxed(&g->allocs, 1);
	return calloc(1, size);
}

static void gate_free(void *ctx, void *ptr)
{
	free(ptr);
}

/* All are of a thread that lives: others get none. */
static void take_all_slots(struct uiommu_smmuv3_model *model)
{
	struct model_drain *d = &model->drain;

	for (unsigned int i = 0; i < MODEL_SLOTS; i++)
		d->slot[i].tid = gettid();
	store_release(&d->nr_slots, MODEL_SLOTS);
}

static void nap(void)
{
	struct timespec ts = { 0, 1000000 };

	nanosleep(&ts, NULL);
}

static int gate_write(void *ctx, uiommu_pa_t pa, const void *buf, size_t len,
		      struct uiommu_mem_attrs attrs)
{
	struct gate *g = ctx;

	if (!attrs.walk && load_acquire(&g->armed)) {
		store_release(&g->inside, 1);
		while (!load_acquire(&g->open))
			nap();
	}
	return g->write(g->ram, pa, buf, len, attrs);
}

static int gate_read(void *ctx, uiommu_pa_t pa, void *buf, size_t len,
		     struct uiommu_mem_attrs attrs)
{
	struct gate *g = ctx;
	int rc = g->read(g->ram, pa, buf, len, attrs);

	if (pa == load_acquire(&g->hold_pa)) {
		store_release(&g->inside, 1);
		while (!load_acquire(&g->open))
			nap();
	}
	return rc;
}

/* Without slots no thread has a place of its own to say that it is inside. */
static void init_gated(struct rig *r, struct gate *g, bool slots)
{
	struct uiommu_smmuv3_profile p = rig_profile("full");
	struct uiommu_model_host host;

	rig_init(r, &p);
	uiommu_smmuv3_model_destroy(r->model);
	r->ram.use_direct = false;
	host = model_ram_host(&r->ram);
	*g = (struct gate){ .ram = &r->ram,
			    .write = host.write,
			    .read = host.read };
	host.ctx = g;
	host.write = gate_write;
	host.read = gate_read;
	host.alloc = gate_alloc;
	host.free = gate_free;
	host.irq = NULL;
	host.wake = NULL;
	host.log = NULL;
	assert_int_equal(uiommu_smmuv3_model_create(&p, &host, &r->model), 0);
	if (!slots)
		take_all_slots(r->model);
	wr64(r, SMMU_REG_CMDQ_BASE, RIG_CMDQ | RIG_CMDQ_LG2);
	wr64(r, SMMU_REG_EVENTQ_BASE, RIG_EVTQ | RIG_EVTQ_LG2);
	wr64(r, SMMU_REG_STRTAB_BASE, RIG_STRTAB);
	wr(r, SMMU_REG_STRTAB_BASE_CFG, 16);
	wr(r, SMMU_REG_CR0, 0xd);
}

static void *one_write(void *arg)
{
	struct rig *r = arg;
	uint64_t data = 0x1122334455667788;
	struct uiommu_smmuv3_dma dma = {
		.txn = { .sid = 1, .flags = UIOMMU_TXN_WRITE, .iova = 0x1000 },
		.buf = &data,
		.len = 8,
	};

	return uiommu_smmuv3_model_dma(r->model, &dma) ? arg : NULL;
}

static void *one_sync(void *arg)
{
	rig_cmd(arg, SMMU_CMD_OP_SYNC, 0);
	return NULL;
}

static void sync_waits(bool slots)
{
	pthread_t writer, syncer;
	struct gate gate;
	struct rig r;
	uint64_t table;
	void *failed;

	init_gated(&r, &gate, slots);
	table = rig_stream(&r, 1, 7);
	rig_map4k(&r, table, 0x1000, RIG_DATA, LEAF_RW);
	store_release(&gate.armed, 1);
	assert_int_equal(pthread_create(&writer, NULL, one_write, &r), 0);
	while (!load_acquire(&gate.inside))
		nap();
	/* an invalidation alone does not wait */
	rig_cmd(&r, SMMU_CMD_OP_TLBI_NSNH_ALL, 0);
	assert_int_equal(rd(&r, SMMU_REG_CMDQ_CONS), 1);
	assert_int_equal(pthread_create(&syncer, NULL, one_sync, &r), 0);
	for (unsigned int i = 0; i < 30; i++) {
		nap();
		assert_int_equal(rd(&r, SMMU_REG_CMDQ_CONS), 1);
	}
	assert_int_equal(ram_r64(&r.ram, RIG_DATA), 0);
	store_release(&gate.open, 1);
	pthread_join(syncer, NULL);
	/* the moment SYNC is done, the access is in memory */
	assert_int_equal(rd(&r, SMMU_REG_CMDQ_CONS), 2);
	assert_int_equal(ram_r64(&r.ram, RIG_DATA), 0x1122334455667788);
	pthread_join(writer, &failed);
	assert_null(failed);
	rig_fini(&r);
}

static void sync_waits_for_an_access_under_way(void **state)
{
	sync_waits(true);
}

static void sync_waits_where_slots_have_run_out(void **state)
{
	sync_waits(false);
}

static void *turn_off(void *arg)
{
	wr(arg, SMMU_REG_CR0, 0xc);
	return NULL;
}

/* The SMMU is off when what it let through has arrived; then CR0ACK says so. */
static void turning_off_waits_for_an_access_under_way(void **state)
{
	pthread_t writer, off;
	struct gate gate;
	struct rig r;
	uint64_t table;
	void *failed;

	init_gated(&r, &gate, true);
	table = rig_stream(&r, 1, 7);
	rig_map4k(&r, table, 0x1000, RIG_DATA, LEAF_RW);
	store_release(&gate.armed, 1);
	assert_int_equal(pthread_create(&writer, NULL, one_write, &r), 0);
	while (!load_acquire(&gate.inside))
		nap();
	assert_int_equal(pthread_create(&off, NULL, turn_off, &r), 0);
	while (rd(&r, SMMU_REG_CR0) != 0xc)
		nap();
	for (unsigned int i = 0; i < 30; i++) {
		nap();
		assert_int_equal(rd(&r, SMMU_REG_CR0ACK), 0xd);
	}
	/* guarded still, and not to be taken back; other fields are free */
	wr64(&r, SMMU_REG_STRTAB_BASE, 0x1000);
	assert_int_equal(rd64(&r, SMMU_REG_STRTAB_BASE), RIG_STRTAB);
	wr(&r, SMMU_REG_CR0, 0x9);
	assert_int_equal(rd(&r, SMMU_REG_CR0), 0x8);
	assert_int_equal(rd(&r, SMMU_REG_CR0ACK), 0x9);
	store_release(&gate.open, 1);
	pthread_join(off, NULL);
	assert_int_equal(rd(&r, SMMU_REG_CR0ACK), 0x8);
	assert_int_equal(ram_r64(&r.ram, RIG_DATA), 0x1122334455667788);
	pthread_join(writer, &failed);
	assert_null(failed);
	rig_fini(&r);
}

/*
 * An invalidation overtakes a look-up that has read the old word already: what
 * was read must not be kept.  `cmd` is given between the read and the fill.
 */
static void overtaken(uint64_t q0, uint64_t q1, bool config)
{
	struct uiommu_smmuv3_txn txn = { .sid = 1, .iova = 0x1000 };
	struct uiommu_smmuv3_xlate x = { 0 };
	uint64_t table, other;
	pthread_t reader;
	struct gate gate;
	struct smmu_cd cd;
	struct rig r;
	void *failed;

	init_gated(&r, &gate, true);
	table = rig_stream(&r, 1, 7);
	other = rig_table(&r, 4096);
	rig_map4k(&r, table, 0x1000, RIG_DATA, LEAF_RW);
	rig_map4k(&r, other, 0x1000, RIG_DATA + 0x2000, LEAF_RW);
	store_release(&gate.hold_pa,
		      config ? RIG_CD + 64 + 8 : rig_pte4k(&r, table, 0x1000));
	assert_int_equal(pthread_create(&reader, NULL, one_write, &r), 0);
	while (!load_acquire(&gate.inside))
		nap();
	store_release(&gate.hold_pa, 0);
	if (config) {
		cd = rig_cd_4k(other, 8);
		rig_cd(&r, RIG_CD + 64, &cd);
	} else {
		ram_w64(&r.ram, rig_pte4k(&r, table, 0x1000),
			(RIG_DATA + 0x2000) | LEAF_RW | 3);
	}
	rig_cmd(&r, q0, q1);
	store_release(&gate.open, 1);
	pthread_join(reader, &failed);
	assert_null(failed);
	rig_sync(&r);
	assert_int_equal(uiommu_smmuv3_model_translate(r.model, &txn, &x), 0);
	assert_int_equal(x.pa, RIG_DATA + 0x2000);
	rig_fini(&r);
}

static void look_ups_that_are_overtaken_are_not_kept(void **state)
{
	static const struct {
		uint64_t q0, q1;
		bool config;
	} cmds[] = {
		{ 0x0007000000000012, 0x1001, false }, /* NH_VA */
		{ 0x0007000000002012, 0x0401, false }, /* range */
		{ 0x13, 0x1001, false },	       /* NH_VAA */
		{ 0x0007000000000011, 0, false },      /* NH_ASID */
		{ 0x10, 0, false },		       /* NH_ALL */
		{ 0x30, 0, false },		       /* NSNH_ALL */
		{ 0x0000000100000003, 1, true },       /* CFGI_STE */
		{ 0x0000000000000004, 3, true },       /* of a range */
		{ 0x0000000100000005, 1, true },       /* CFGI_CD */
		{ 0x0000000100000006, 0, true },       /* CFGI_CD_ALL */
		{ 0x04, 0x1f, true },		       /* CFGI_ALL */
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(cmds); i++)
		overtaken(cmds[i].q0, cmds[i].q1, cmds[i].config);
}

/* --------------------------------------------------- unmap under fire --- */

struct fire {
	struct rig *r;
	uint32_t stop, next;
	uint64_t done;
};

static void *keep_writing(void *arg)
{
	struct fire *f = arg;
	uint64_t part = fetch_add_relaxed(&f->next, 1);
	uint8_t buf[2048];

	memset(buf, 0xee, sizeof(buf));
	while (!load_acquire(&f->stop)) {
		struct uiommu_smmuv3_dma dma = {
			.txn = { .sid = 1,
				 .flags = UIOMMU_TXN_WRITE,
				 .iova = 0x1000 + part * sizeof(buf) },
			.buf = buf,
			.len = sizeof(buf),
		};

		(void)uiommu_smmuv3_model_dma(f->r->model, &dma);
		fetch_add_relaxed(&f->done, 1);
	}
	return NULL;
}

static void memory_is_quiet_after_unmap_and_sync(void **state)
{
	struct rig *r = *state;
	struct fire fire = { .r = r };
	time_t begin = time(NULL);
	uint64_t table = rig_stream(r, 1, 7), pte;
	pthread_t thread[2];

	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RW);
	pte = rig_pte4k(r, table, 0x1000);
	/* the rig's observer is not for several threads */
	uiommu_smmuv3_model_set_fault_observer(r->model, NULL, NULL);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, keep_writing,
						&fire),
				 0);
	for (unsigned int round = 0; round < 10 || time(NULL) - begin <= 1;
	     round++) {
		uint64_t before = load_acquire(&fire.done);

		ram_w64(&r->ram, pte, RIG_DATA | LEAF_RW | 3);
		while (load_acquire(&fire.done) < before + 10)
			sched_yield();
		ram_w64(&r->ram, pte, 0);
		rig_cmd(r, 0x0007000000000012, 0x1001);
		rig_sync(r);
		/* the page is ours now */
		ram_zero(&r->ram, RIG_DATA, 4096);
		before = load_acquire(&fire.done);
		while (load_acquire(&fire.done) < before + 3)
			sched_yield();
		for (uint64_t off = 0; off < 4096; off += 8)
			assert_int_equal(ram_r64(&r->ram, RIG_DATA + off), 0);
	}
	store_release(&fire.stop, 1);
	for (unsigned int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
}

/* ----------------------------------------------------------- re-entry --- */

static void irq_handler(void *arg, unsigned int line)
{
	struct rig *r = arg;
	uint64_t data = 5;
	struct uiommu_smmuv3_dma dma = {
		.txn = { .sid = 1, .flags = UIOMMU_TXN_WRITE, .iova = 0x1000 },
		.buf = &data,
		.len = 8,
	};

	if (line != UIOMMU_SMMUV3_LINE_EVENTQ)
		return;
	assert_int_equal(uiommu_smmuv3_model_dma(r->model, &dma), 0);
	rig_cmd(r, SMMU_CMD_OP_TLBI_NSNH_ALL, 0);
	rig_sync(r);
}

static void an_irq_handler_may_use_the_model(void **state)
{
	struct rig *r = *state;
	uint64_t table = rig_stream(r, 1, 7);

	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RW);
	r->ram.on_irq = irq_handler;
	r->ram.on_irq_arg = r;
	rig_expect_fault(r, 1, 0, 0x2000, SMMU_EVT_F_TRANSLATION);
	assert_int_equal(ram_r64(&r->ram, RIG_DATA), 5);
	assert_int_equal(rig_stats(r).syncs, 1);
}

static void *short_life(void *arg)
{
	struct rig *r = arg;

	rig_expect_pa(r, 1, 0x1000, RIG_DATA);
	return NULL;
}

static void threads_come_and_go(void **state)
{
	struct rig *r = *state;
	uint64_t table = rig_stream(r, 1, 7);

	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RW);
	for (unsigned int i = 0; i < 500; i++) {
		pthread_t t;

		assert_int_equal(pthread_create(&t, NULL, short_life, r), 0);
		pthread_join(t, NULL);
	}
	rig_sync(r);
	assert_int_equal(rig_stats(r).translations, 500);
}

/* Somebody may wait for it who has the allocator's lock. */
static void first_accesses_do_not_allocate(void **state)
{
	pthread_t thread[100];
	struct gate gate;
	struct rig r;
	uint64_t table;
	uint32_t allocs;
	void *failed;

	init_gated(&r, &gate, true);
	table = rig_stream(&r, 1, 7);
	rig_map4k(&r, table, 0x1000, RIG_DATA, LEAF_RW);
	allocs = load_relaxed(&gate.allocs);
	/* All have slots of their own: each waits inside for the others. */
	store_release(&gate.armed, 1);
	for (unsigned int i = 0; i < ARRAY_SIZE(thread); i++)
		assert_int_equal(
			pthread_create(&thread[i], NULL, one_write, &r), 0);
	while (load_acquire(&r.model->drain.nr_slots) < ARRAY_SIZE(thread))
		nap();
	store_release(&gate.open, 1);
	for (unsigned int i = 0; i < ARRAY_SIZE(thread); i++) {
		pthread_join(thread[i], &failed);
		assert_null(failed);
	}
	assert_int_equal(load_relaxed(&gate.allocs), allocs);
	rig_fini(&r);
}

static void several_instances_in_a_thread(void **state)
{
	struct uiommu_smmuv3_profile p = rig_profile("full");
	struct rig r[4];

	for (unsigned int i = 0; i < 4; i++) {
		rig_init(&r[i], &p);
		rig_map4k(&r[i], rig_stream(&r[i], 1, 7), 0x1000,
			  RIG_DATA + i * 0x1000, LEAF_RW);
	}
	for (unsigned int n = 0; n < 100; n++) {
		for (unsigned int i = 0; i < 4; i++)
			rig_expect_pa(&r[i], 1, 0x1000, RIG_DATA + i * 0x1000);
	}
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(rig_stats(&r[i]).translations, 100);
		rig_sync(&r[i]);
		rig_fini(&r[i]);
	}
}

/* An access of a thread that comes back in through other instances. */
struct nested {
	struct rig *r; /* the first is the one that the access is of */
	unsigned int nr;
	bool done;
	uint32_t made, end;
};

static int nested_write(void *ctx, uiommu_pa_t pa, const void *buf, size_t len,
			struct uiommu_mem_attrs attrs)
{
	struct nested *n = ctx;

	if (!attrs.walk && !n->done) {
		n->done = true;
		for (unsigned int i = 1; i < n->nr; i++)
			rig_expect_pa(&n->r[i], 1, 0x1000, RIG_DATA);
		rig_cmd(&n->r[0], SMMU_CMD_OP_SYNC, 0);
	}
	return model_ram_host(&n->r->ram).write(&n->r->ram, pa, buf, len, attrs);
}

static int nested_read(void *ctx, uiommu_pa_t pa, void *buf, size_t len,
		       struct uiommu_mem_attrs attrs)
{
	struct nested *n = ctx;

	return model_ram_host(&n->r->ram).read(&n->r->ram, pa, buf, len, attrs);
}

/* By a thread of its own, which has the first slot as long as it lives. */
static void *make_nested(void *arg)
{
	struct uiommu_smmuv3_profile p = rig_profile("full");
	const struct uiommu_model_host host = {
		.ctx = arg,
		.read = nested_read,
		.write = nested_write,
	};
	struct nested *n = arg;

	rig_remake(n->r, &p, &host);
	rig_sync(n->r);
	store_release(&n->made, 1);
	while (!load_acquire(&n->end))
		nap();
	return NULL;
}

/*
 * A thread that is inside never waits for itself, with as many instances on its
 * way as it likes, also where a slot of a thread that has ended is to be had.
 */
static void a_thread_keeps_its_place_among_instances(void **state)
{
	struct uiommu_smmuv3_profile p = rig_profile("full");
	struct nested n;
	struct rig r[4];
	pthread_t maker;

	for (unsigned int i = 0; i < 4; i++)
		rig_init(&r[i], &p);
	n = (struct nested){ .r = r, .nr = 4 };
	r[0].ram.use_direct = false;
	assert_int_equal(pthread_create(&maker, NULL, make_nested, &n), 0);
	while (!load_acquire(&n.made))
		nap();
	/* This thread's slot comes behind one that becomes free. */
	rig_sync(&r[0]);
	store_release(&n.end, 1);
	pthread_join(maker, NULL);
	for (unsigned int i = 0; i < 4; i++)
		rig_map4k(&r[i], rig_stream(&r[i], 1, 7), 0x1000, RIG_DATA,
			  LEAF_RW);
	alarm(60);
	assert_null(one_write(&r[0]));
	assert_true(n.done);
	assert_int_equal(rig_stats(&r[0]).syncs, 3);
	alarm(0);
	for (unsigned int i = 0; i < 4; i++)
		rig_fini(&r[i]);
}

/* Fork while another thread is inside; the child must not wait for it. */
static void a_forked_child_goes_on(void **state)
{
	pthread_t writer;
	struct gate gate;
	struct rig r;
	uint64_t table;
	int status;
	pid_t pid;

	init_gated(&r, &gate, true);
	table = rig_stream(&r, 1, 7);
	rig_map4k(&r, table, 0x1000, RIG_DATA, LEAF_RW);
	store_release(&gate.armed, 1);
	assert_int_equal(pthread_create(&writer, NULL, one_write, &r), 0);
	while (!load_acquire(&gate.inside))
		nap();
	pid = fork();
	if (!pid) {
		struct uiommu_smmuv3_xlate x = { 0 };

		alarm(20);
		rig_cmd(&r, SMMU_CMD_OP_TLBI_NSNH_ALL, 0);
		rig_cmd(&r, SMMU_CMD_OP_SYNC, 0);
		_exit(rd(&r, SMMU_REG_CMDQ_CONS) == 2 &&
				      !rig_xlate(&r, 1, 0, 0x1000, &x) &&
				      x.pa == RIG_DATA
			      ? 0
			      : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	store_release(&gate.open, 1);
	pthread_join(writer, NULL);
	rig_fini(&r);
}

/* ---------------------------------------------------------------- DMA --- */

static void dma_is_split_where_translations_end(void **state)
{
	struct rig *r = *state;
	uint64_t table = rig_stream(r, 1, 7);
	uint8_t out[0x3000], in[0x3000];
	struct uiommu_smmuv3_dma dma = {
		.txn = { .sid = 1, .flags = UIOMMU_TXN_WRITE, .iova = 0x1800 },
		.buf = out,
		.len = 0x2000,
	};

	for (unsigned int i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 7);
	rig_map4k(r, table, 0x1000, RIG_DATA + 0x5000, LEAF_RW);
	rig_map4k(r, table, 0x2000, RIG_DATA + 0x1000, LEAF_RW);
	rig_map4k(r, table, 0x3000, RIG_DATA + 0x9000, LEAF_RW);
	assert_int_equal(uiommu_smmuv3_model_dma(r->model, &dma), 0);
	assert_int_equal(dma.done_len, 0x2000);
	assert_memory_equal(r->ram.mem + (RIG_DATA - RIG_BASE) + 0x5800, out,
			    0x800);
	assert_memory_equal(r->ram.mem + (RIG_DATA - RIG_BASE) + 0x1000,
			    out + 0x800, 0x1000);
	assert_memory_equal(r->ram.mem + (RIG_DATA - RIG_BASE) + 0x9000,
			    out + 0x1800, 0x800);
	dma.txn.flags = 0;
	dma.buf = in;
	assert_int_equal(uiommu_smmuv3_model_dma(r->model, &dma), 0);
	assert_memory_equal(in, out, 0x2000);
	assert_int_equal(rig_stats(r).dma_read_bytes, 0x2000);
	assert_int_equal(rig_stats(r).dma_write_bytes, 0x2000);
	/* a hole stops it, and says how far it came */
	dma.txn.iova = 0x2800;
	dma.len = 0x3000;
	assert_int_equal(uiommu_smmuv3_model_dma(r->model, &dma), -14);
	assert_int_equal(dma.done_len, 0x1800);
	rig_expect_event(r, 0x0000000100000010, 0x0000020800000000, 0x4000, 0);
	dma.len = 0;
	assert_int_equal(uiommu_smmuv3_model_dma(r->model, &dma), -22);
	/* memory that says no: an abort without an event */
	rig_map4k(r, table, 0x4000, RIG_HOLE, LEAF_RW);
	dma.txn.iova = 0x4000;
	dma.len = 8;
	assert_int_equal(uiommu_smmuv3_model_dma(r->model, &dma), -14);
	rig_expect_no_event(r);
	assert_int_equal(r->info.event_type, 0);
	/* past the top of the address space */
	dma.txn.iova = ~0ull - 3;
	assert_int_equal(uiommu_smmuv3_model_dma(r->model, &dma), -14);
	uiommu_smmuv3_model_memory_changed(r->model, RIG_DATA, 4096);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sync_waits_for_an_access_under_way),
		cmocka_unit_test(sync_waits_where_slots_have_run_out),
		cmocka_unit_test(turning_off_waits_for_an_access_under_way),
		cmocka_unit_test(look_ups_that_are_overtaken_are_not_kept),
		T(memory_is_quiet_after_unmap_and_sync),
		T(an_irq_handler_may_use_the_model),
		T(threads_come_and_go),
		cmocka_unit_test(first_accesses_do_not_allocate),
		cmocka_unit_test(several_instances_in_a_thread),
		cmocka_unit_test(a_thread_keeps_its_place_among_instances),
		cmocka_unit_test(a_forked_child_goes_on),
		T(dma_is_split_where_translations_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
