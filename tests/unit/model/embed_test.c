/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The model as a guest in another program: several instances, the embedder's
 * allocator, memory with and without the short cut, what callbacks are told.
 */
#include <dirent.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic.h"
#include "rig.h"

/* ------------------------------------------------------------ instances -- */

struct instance {
	struct rig r;
	uint64_t table;
	uint64_t pa; /* where page 1 of stream 1 leads */
	uint32_t stop;
	uint64_t good, bad;
};

static void instance_init(struct instance *in, const char *profile, uint64_t pa)
{
	struct uiommu_smmuv3_profile p = rig_profile(profile);

	memset(in, 0, sizeof(*in));
	rig_init(&in->r, &p);
	in->pa = pa;
	in->table = rig_stream(&in->r, 1, 1);
	if (p.idr[5] % 8 == SMMU_IDR5_OAS_44)
		/* IPS 48 acts as 44 */
		assert_true(pa >> 44 == 0);
	rig_map4k(&in->r, in->table, 0x1000, pa, LEAF_RW);
}

static void *translate_both(void *arg)
{
	struct instance *in = arg;
	struct uiommu_smmuv3_xlate x;

	while (!load_acquire(&in[0].stop)) {
		for (unsigned int i = 0; i < 2; i++) {
			int rc = rig_xlate(&in[i].r, 1, 0, 0x1234, &x);
			bool ok = !rc && x.pa == in[i].pa + 0x234;

			fetch_add_relaxed(ok ? &in[i].good : &in[i].bad, 1);
		}
	}
	return NULL;
}

/* Same StreamIDs, ASIDs and addresses, other answers; in the same threads. */
static void two_instances_do_not_mix(void **state)
{
	struct instance *in = test_calloc(2, sizeof(*in));
	unsigned int rounds = 0;
	pthread_t thread[3];

	instance_init(&in[0], "full", RIG_DATA);
	instance_init(&in[1], "qemu-8", RIG_DATA + 0x10000);
	assert_int_equal(rd(&in[0].r, SMMU_REG_AIDR), 3);
	assert_int_equal(rd(&in[1].r, SMMU_REG_AIDR), 1);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&thread[i], NULL,
						translate_both, in),
				 0);
	/* what one forgets the other does not */
	while (rounds < 200 || load_relaxed(&in[0].good) < 1000 ||
	       load_relaxed(&in[1].good) < 1000)
		rig_inval_all(&in[rounds++ & 1].r);
	store_release(&in[0].stop, 1);
	for (unsigned int i = 0; i < 3; i++)
		pthread_join(thread[i], NULL);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(in[i].bad, 0);
		rig_expect_no_event(&in[i].r);
	}
	/* and one outlives the other */
	rig_fini(&in[0].r);
	rig_expect_pa(&in[1].r, 1, 0x1000, in[1].pa);
	assert_int_equal(rig_stats(&in[1].r).syncs, rounds / 2);
	rig_fini(&in[1].r);
	test_free(in);
}

static unsigned int count_entries(const char *dir)
{
	DIR *d = opendir(dir);
	unsigned int n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static unsigned int count_maps(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	unsigned int n = 0;
	int c;

	assert_non_null(f);
	while ((c = fgetc(f)) != EOF)
		n += c == '\n';
	fclose(f);
	return n;
}

static void live_once(const char *profile, bool threaded)
{
	struct uiommu_smmuv3_profile p = rig_profile(profile);
	struct rig r;
	uint64_t table;

	p.threaded_commands = threaded;
	rig_init(&r, &p);
	table = rig_stream(&r, 1, 1);
	rig_map4k(&r, table, 0x1000, RIG_DATA, LEAF_RW);
	rig_expect_pa(&r, 1, 0x1000, RIG_DATA);
	rig_cmd(&r, SMMU_CMD_OP_SYNC, 0);
	if (threaded)
		while (load_acquire(&r.ram.irqs[0]) ||
		       rd(&r, SMMU_REG_CMDQ_CONS) != rd(&r, SMMU_REG_CMDQ_PROD))
			;
	rig_fini(&r);
}

static void coming_and_going_leaks_nothing(void **state)
{
	const struct uiommu_smmuv3_profile *p;
	__attribute__((unused)) unsigned int maps = 0;
	unsigned int tasks = 0, files = 0;

	for (unsigned int round = 0; round < 40; round++) {
		for (unsigned int i = 0; (p = uiommu_smmuv3_profile_get(i));
		     i++)
			live_once(p->name, round % 2);
		if (round != 5)
			continue;
		maps = count_maps();
		tasks = count_entries("/proc/self/task");
		files = count_entries("/proc/self/fd");
	}
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	/* sanitizers keep what is freed */
	assert_true(count_maps() <= maps + 2);
#endif
	assert_int_equal(count_entries("/proc/self/task"), tasks);
	assert_int_equal(count_entries("/proc/self/fd"), files);
}

/* ------------------------------------------------------------ allocator -- */

/* Gives out from one block, counts, and fails when told to. */
struct purse {
	uint8_t *block;
	size_t at, size;
	unsigned int left; /* allocations that still succeed */
	unsigned int out;
	size_t bytes;
};

static void *purse_alloc(void *ctx, size_t size)
{
	struct purse *p = ctx;
	void *ptr = p->block + p->at;

	if (!p->left || size > p->size - p->at)
		return NULL;
	p->left--;
	p->out++;
	p->bytes += size;
	p->at += (size + 15) & ~15ul;
	memset(ptr, 0xa5, size); /* need not be zeroes */
	return ptr;
}

static void purse_free(void *ctx, void *ptr)
{
	struct purse *p = ctx;

	assert_true((uint8_t *)ptr >= p->block &&
		    (uint8_t *)ptr < p->block + p->at);
	p->out--;
}

static int deaf_read(void *ctx, uiommu_pa_t pa, void *buf, size_t len,
		     struct uiommu_mem_attrs attrs)
{
	return -EIO;
}

static int deaf_write(void *ctx, uiommu_pa_t pa, const void *buf, size_t len,
		      struct uiommu_mem_attrs attrs)
{
	return -EIO;
}

static int deaf_cmpxchg(void *ctx, uiommu_pa_t pa, uint64_t *expected,
			uint64_t want)
{
	return -EIO;
}

/* The least that an embedder provides; nobody hears interrupts or words. */
static struct uiommu_model_host deaf_host(struct purse *purse)
{
	return (struct uiommu_model_host){
		.ctx = purse,
		.read = deaf_read,
		.write = deaf_write,
		.cmpxchg64 = deaf_cmpxchg,
		.alloc = purse ? purse_alloc : NULL,
		.free = purse ? purse_free : NULL,
	};
}

static void all_that_can_be_done(struct uiommu_smmuv3_model *model)
{
	struct uiommu_smmuv3_txn txn = { .sid = 1, .iova = 0x1000 };
	uint64_t word = 0;
	struct uiommu_smmuv3_dma dma = { .txn = txn, .buf = &word, .len = 8 };
	struct uiommu_smmuv3_stats stats;
	struct uiommu_smmuv3_xlate x;
	uint8_t shot[4096];
	size_t len = uiommu_smmuv3_model_snapshot_size(model);

	assert_int_equal(uiommu_smmuv3_model_translate(model, &txn, &x), 0);
	assert_int_equal(uiommu_smmuv3_model_dma(model, &dma), -EFAULT);
	uiommu_smmuv3_model_write(model, SMMU_REG_CMDQ_BASE, 8, 4);
	uiommu_smmuv3_model_write(model, SMMU_REG_EVENTQ_BASE, 8, 4);
	uiommu_smmuv3_model_write(model, SMMU_REG_IRQ_CTRL, 4, 7);
	uiommu_smmuv3_model_write(model, SMMU_REG_CR0, 4, 0xd);
	/* no stream table, no event queue, no command queue */
	assert_int_equal(uiommu_smmuv3_model_translate(model, &txn, &x),
			 -EFAULT);
	uiommu_smmuv3_model_write(model, SMMU_REG_CMDQ_PROD, 4, 1);
	uiommu_smmuv3_model_memory_changed(model, 0, 4096);
	uiommu_smmuv3_model_stats(model, &stats);
	assert_int_equal(stats.aborts, 2);
	assert_int_equal(uiommu_smmuv3_model_save(model, shot, len), 0);
	assert_int_equal(uiommu_smmuv3_model_restore(model, shot, len), 0);
	shot[100] ^= 1;
	assert_int_equal(uiommu_smmuv3_model_restore(model, shot, len),
			 -EINVAL);
	uiommu_smmuv3_model_reset(model);
}

static void fail_each_allocation(const struct uiommu_smmuv3_profile *p)
{
	struct purse purse = { .size = 16 << 20 };
	struct uiommu_model_host host = deaf_host(&purse);
	struct uiommu_smmuv3_model *model = NULL;
	unsigned int n = 0;
	size_t before, bytes;
	int rc;

	purse.block = malloc(purse.size);
	assert_non_null(purse.block);
	do {
		purse.at = 0;
		purse.bytes = 0;
		purse.left = n++;
		rc = uiommu_smmuv3_model_create(p, &host, &model);
		if (rc) {
			assert_int_equal(rc, -ENOMEM);
			assert_int_equal(purse.out, 0);
		}
	} while (rc);
	assert_true(n > 4);
	bytes = purse.bytes;
	/* none is left for slots of threads: slower, but it works */
	before = mallinfo2().uordblks;
	all_that_can_be_done(model);
	assert_int_equal(mallinfo2().uordblks, before);
	assert_int_equal(purse.bytes, bytes);
	uiommu_smmuv3_model_destroy(model);
	assert_int_equal(purse.out, 0);
	if (p->tlb_entries == 16384)
		assert_in_range(bytes, 0, 2 << 20);
	/* every byte is the allocator's */
	purse.left = ~0u;
	purse.at = 0;
	before = mallinfo2().uordblks;
	assert_int_equal(uiommu_smmuv3_model_create(p, &host, &model), 0);
	all_that_can_be_done(model);
	assert_int_equal(mallinfo2().uordblks, before);
	uiommu_smmuv3_model_destroy(model);
	assert_int_equal(mallinfo2().uordblks, before);
	assert_int_equal(purse.out, 0);
	free(purse.block);
}

static void every_allocation_may_fail(void **state)
{
	struct uiommu_smmuv3_profile p;

	for (unsigned int i = 0; uiommu_smmuv3_profile_get(i); i++) {
		p = *uiommu_smmuv3_profile_get(i);
		fail_each_allocation(&p);
		p.caching = UIOMMU_SMMUV3_CACHING_GREEDY;
		fail_each_allocation(&p);
		p.tlb_entries = 0;
		fail_each_allocation(&p);
		p.config_entries = 0;
		fail_each_allocation(&p);
	}
}

static char last_line[200];

static void note_line(void *ctx, const char *msg)
{
	assert_null(strchr(msg, '\n'));
	snprintf(last_line, sizeof(last_line), "%s", msg);
}

static void hosts_that_will_not_do(void **state)
{
	struct uiommu_smmuv3_profile p = rig_profile("full");
	struct uiommu_smmuv3_model *model = NULL;
	struct purse purse = { 0 };
	struct uiommu_model_host host;

	for (unsigned int i = 0; i < 4; i++) {
		host = deaf_host(i > 1 ? &purse : NULL);
		host.log = note_line;
		if (i == 0)
			host.read = NULL;
		if (i == 1)
			host.write = NULL;
		if (i == 2)
			host.alloc = NULL;
		if (i == 3)
			host.free = NULL;
		last_line[0] = 0;
		assert_int_equal(uiommu_smmuv3_model_create(&p, &host, &model),
				 -EINVAL);
		assert_non_null(strstr(last_line, "callbacks"));
		host.log = NULL;
		assert_int_equal(uiommu_smmuv3_model_create(&p, &host, &model),
				 -EINVAL);
	}
	assert_null(model);
	uiommu_smmuv3_model_destroy(NULL);
}

/* --------------------------------------------------------------- memory -- */

/* The same story twice, told through callbacks and through the short cut. */
static void the_short_cut_changes_nothing(void **state)
{
	struct uiommu_smmuv3_profile p = rig_profile("full");
	uint8_t buf[2][9000];
	struct rig r[2];

	for (unsigned int i = 0; i < 2; i++) {
		struct uiommu_smmuv3_dma dma = {
			.txn = { .sid = 1,
				 .flags = UIOMMU_TXN_WRITE,
				 .iova = 0x1ffd },
			.buf = buf[i],
			.len = sizeof(buf[i]),
		};
		struct uiommu_model_host host;
		uint64_t table;

		rig_init(&r[i], &p);
		uiommu_smmuv3_model_destroy(r[i].model);
		r[i].ram.use_direct = i;
		host = model_ram_host(&r[i].ram);
		assert_int_equal(
			uiommu_smmuv3_model_create(&p, &host, &r[i].model), 0);
		wr64(&r[i], SMMU_REG_CMDQ_BASE, RIG_CMDQ | RIG_CMDQ_LG2);
		wr64(&r[i], SMMU_REG_EVENTQ_BASE, RIG_EVTQ | RIG_EVTQ_LG2);
		wr64(&r[i], SMMU_REG_STRTAB_BASE, RIG_STRTAB);
		wr(&r[i], SMMU_REG_STRTAB_BASE_CFG, 16);
		wr(&r[i], SMMU_REG_CR0, 0xd);
		table = rig_stream(&r[i], 1, 1);
		for (uint64_t page = 1; page < 4; page++)
			rig_map4k(&r[i], table, page << 12,
				  RIG_DATA + ((8 - page) << 12), LEAF_RW);
		for (size_t j = 0; j < dma.len; j++)
			buf[i][j] = (uint8_t)(j * 7 + j / 256);
		/* page 4 is not there */
		assert_int_equal(uiommu_smmuv3_model_dma(r[i].model, &dma),
				 -EFAULT);
		assert_int_equal(dma.done_len, 0x4000 - 0x1ffd);
		rig_sync(&r[i]);
		dma.txn.flags = 0;
		memset(buf[i], 0, sizeof(buf[i]));
		dma.len = 0x4000 - 0x1ffd;
		assert_int_equal(uiommu_smmuv3_model_dma(r[i].model, &dma), 0);
	}
	assert_memory_equal(buf[0], buf[1], sizeof(buf[0]));
	assert_int_equal(buf[0][8000], (uint8_t)(8000 * 7 + 8000 / 256));
	assert_memory_equal(r[0].ram.mem, r[1].ram.mem, RIG_STRTAB - RIG_BASE);
	assert_memory_equal(r[0].ram.mem + (RIG_DATA - RIG_BASE),
			    r[1].ram.mem + (RIG_DATA - RIG_BASE), 0x10000);
	assert_true(r[0].ram.reads > r[1].ram.reads + 10);
	rig_fini(&r[0]);
	rig_fini(&r[1]);
}

/* ----------------------------------------------------------- attributes -- */

struct access {
	uint64_t pa;
	bool write;
	struct uiommu_mem_attrs attrs;
};

struct watch {
	struct rig r;
	struct uiommu_model_host inner;
	struct access log[64];
	unsigned int n;
	unsigned int device_writes;
	uint32_t sid; /* of the last one */
};

static void note(struct watch *w, uint64_t pa, bool write,
		 struct uiommu_mem_attrs attrs)
{
	assert_true(w->n < ARRAY_SIZE(w->log));
	w->log[w->n++] = (struct access){ pa, write, attrs };
}

static int watch_read(void *ctx, uiommu_pa_t pa, void *buf, size_t len,
		      struct uiommu_mem_attrs attrs)
{
	struct watch *w = ctx;

	note(w, pa, false, attrs);
	return w->inner.read(w->inner.ctx, pa, buf, len, attrs);
}

static int watch_write(void *ctx, uiommu_pa_t pa, const void *buf, size_t len,
		       struct uiommu_mem_attrs attrs)
{
	struct watch *w = ctx;

	note(w, pa, true, attrs);
	return w->inner.write(w->inner.ctx, pa, buf, len, attrs);
}

static int watch_device_write(void *ctx, uint32_t sid, uiommu_pa_t pa,
			      const void *buf, size_t len,
			      struct uiommu_mem_attrs attrs)
{
	struct watch *w = ctx;

	w->device_writes++;
	w->sid = sid;
	return watch_write(ctx, pa, buf, len, attrs);
}

/* The one kind of access that there was to [pa, pa + len). */
static struct uiommu_mem_attrs only(struct watch *w, uint64_t pa, uint64_t len,
				    bool write)
{
	const struct access *first = NULL;

	for (unsigned int i = 0; i < w->n; i++) {
		const struct access *a = &w->log[i];

		if (a->pa < pa || a->pa - pa >= len)
			continue;
		assert_int_equal(a->write, write);
		if (!first)
			first = a;
		assert_memory_equal(&a->attrs, &first->attrs, sizeof(a->attrs));
	}
	if (!first)
		fail_msg("no access at 0x%llx", (unsigned long long)pa);
	return first->attrs;
}

#define ATTRS(mair_, sh_, ...) \
	((struct uiommu_mem_attrs){ .mair = (mair_), .sh = (sh_), __VA_ARGS__ })

#define EXPECT(pa, len, write, ...)                                          \
	do {                                                                 \
		struct uiommu_mem_attrs got = only(w, (pa), (len), (write)); \
		struct uiommu_mem_attrs want = ATTRS(__VA_ARGS__);           \
		if (memcmp(&got, &want, sizeof(got)))                        \
			fail_msg("line %d: mair %#x sh %u priv %u instr %u " \
				 "walk %u msi %u",                           \
				 __LINE__, got.mair, got.sh, got.priv,       \
				 got.instr, got.walk, got.msi);              \
	} while (0)

static void watch_init(struct watch *w)
{
	struct uiommu_smmuv3_profile p = rig_profile("full");
	struct uiommu_model_host host;

	memset(w, 0, sizeof(*w));
	assert_int_equal(model_ram_init(&w->r.ram, RIG_BASE, RIG_SIZE), 0);
	w->r.next_table = RIG_TABLES;
	w->inner = model_ram_host(&w->r.ram);
	host = w->inner;
	host.ctx = w;
	host.read = watch_read;
	host.write = watch_write;
	host.device_write = watch_device_write;
	host.direct = NULL;
	host.irq = NULL;
	host.wake = NULL;
	host.log = NULL;
	assert_int_equal(uiommu_smmuv3_model_create(&p, &host, &w->r.model), 0);
}

static void attributes_reach_the_callbacks(void **state)
{
	struct watch *w = test_malloc(sizeof(*w));
	struct rig *r = &w->r;
	struct uiommu_smmuv3_dma dma = { .len = 8 };
	struct smmu_ste ste = rig_ste_s1(RIG_CD);
	uint64_t table, word = 0;
	struct smmu_cd cd;

	watch_init(w);
	table = rig_table(r, 4096);
	cd = rig_cd_4k(table, 1);
	/* CD fetches write-back, outer; walks write-through, inner */
	ste.q[1] |= 1 << 2 | 1 << 4 | 2 << 6;
	cd.q[0] |= 2 << 8 | 2 << 10 | 3 << 12;
	rig_cd(r, RIG_CD, &cd);
	rig_ste(r, 1, &ste);
	/* read-only, executable, inner shareable; nothing at 0x2000 */
	rig_map4k(r, table, 0x1000, RIG_DATA, LEAF_RO | 0x300);
	rig_map4k(r, table, 0x3000, RIG_DATA + 0x1000, LEAF_RW | 0x200);
	wr64(r, SMMU_REG_CMDQ_BASE, RIG_CMDQ | RIG_CMDQ_LG2);
	wr64(r, SMMU_REG_EVENTQ_BASE,
	     SMMU_EVENTQ_BASE_WA | RIG_EVTQ | RIG_EVTQ_LG2);
	wr64(r, SMMU_REG_STRTAB_BASE, RIG_STRTAB);
	wr(r, SMMU_REG_STRTAB_BASE_CFG, 16);
	/*
	 * Tables non-cacheable; queues write-back, inner shareable, and only
	 * that of events allocates.
	 */
	wr(r, SMMU_REG_CR1, 1 | 1 << 2 | 3 << 4);
	wr64(r, SMMU_REG_EVENTQ_IRQ_CFG0, RIG_DATA + 0x8000);
	wr(r, SMMU_REG_EVENTQ_IRQ_CFG2, 0x1); /* Device-nGnRE */
	wr(r, SMMU_REG_IRQ_CTRL, 4);
	wr(r, SMMU_REG_CR0, 0xd);
	assert_int_equal(w->n, 0);

	dma.buf = &word;
	dma.txn = (struct uiommu_smmuv3_txn){ .sid = 1,
					      .flags = UIOMMU_TXN_PRIV |
						       UIOMMU_TXN_INSTR,
					      .iova = 0x1000 };
	assert_int_equal(uiommu_smmuv3_model_dma(r->model, &dma), 0);
	EXPECT(rig_ste_addr(1), 64, false, 0x44, 2, .priv = 1, .walk = 1);
	EXPECT(RIG_CD, 64, false, 0xff, 2, .priv = 1, .walk = 1);
	EXPECT(RIG_TABLES, 1 << 20, false, 0xaa, 3, .priv = 1, .walk = 1);
	EXPECT(RIG_DATA, 8, false, 0xff, 3, .priv = 1, .instr = 1);

	w->n = 0;
	dma.txn.flags = UIOMMU_TXN_WRITE;
	dma.txn.iova = 0x3000;
	assert_int_equal(uiommu_smmuv3_model_dma(r->model, &dma), 0);
	EXPECT(RIG_DATA + 0x1000, 8, true, 0xff, 2);

	/* a fault: the record, then the message */
	w->n = 0;
	dma.txn.iova = 0x2000;
	assert_int_equal(uiommu_smmuv3_model_dma(r->model, &dma), -EFAULT);
	EXPECT(RIG_EVTQ, 32, true, 0xff, 3, .priv = 1, .walk = 1);
	EXPECT(RIG_DATA + 0x8000, 4, true, 0x04, 2, .priv = 1, .msi = 1);
	assert_int_equal(w->log[w->n - 1].pa, RIG_DATA + 0x8000);
	/* Those are its own, one was a device's. */
	assert_int_equal(w->device_writes, 1);
	assert_int_equal(w->sid, 1);

	/* a command and its message; without irq and wake nothing happens */
	w->n = 0;
	rig_cmd(r,
		SMMU_CMD_OP_SYNC | 1 << 12 | 3ull << 22 | 0xfull << 24 |
			0x77ull << 32,
		RIG_DATA + 0x9000);
	EXPECT(RIG_CMDQ, 16, false, 0xcc, 3, .priv = 1, .walk = 1);
	EXPECT(RIG_DATA + 0x9000, 4, true, 0xff, 3, .priv = 1, .msi = 1);
	rig_cmd(r, SMMU_CMD_OP_SYNC | 1 << 12, 0);
	rig_cmd(r, SMMU_CMD_OP_SYNC | 2 << 12, 0);
	rig_cmd(r, 0xff, 0);
	assert_int_equal(rd(r, SMMU_REG_GERROR), 1);
	rig_fini(r);
	test_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_instances_do_not_mix),
		cmocka_unit_test(coming_and_going_leaks_nothing),
		cmocka_unit_test(every_allocation_may_fail),
		cmocka_unit_test(hosts_that_will_not_do),
		cmocka_unit_test(the_short_cut_changes_nothing),
		cmocka_unit_test(attributes_reach_the_callbacks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
