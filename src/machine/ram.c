/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ram.c - the machine's physical memory, as the SMMU model reaches it.
 *
 * Four kinds of addresses answer: the arena of tables, always there and used
 * directly; the carved region with doorbells, BARs and aliases; memory of the
 * process at its own addresses, but only while it is pinned; and the same
 * addresses with bit 47 set, where domains that share them lead (RAM_SHARED):
 * no pin there, for the domain follows the process; but what it gave back while
 * pinned, so that no call took it away, is not there.  Everything else is an
 * external abort.  Memory of the process may be inaccessible, in spite of its
 * pin too, so it is reached through guarded copies.
 *
 * The pins are looked at and the copy is made inside one read section: that is
 * what mm_drain() waits for after a page was made dead or, where addresses are
 * shared, released.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pci.h"

/* ------------------------------------------------------------- arena ---- */

static bool in_arena(const struct uiommu_machine *machine, uint64_t pa,
		     size_t len)
{
	return pa >= machine->arena.first && pa <= machine->arena.last &&
	       len <= machine->arena.last - pa + 1;
}

static void *arena_ptr(uint64_t pa)
{
	return (void *)(uintptr_t)pa;
}

/* Tables are shared with the driver: words are single-copy atomic. */
static void word_copy(void *dst, const void *src, size_t len, bool write)
{
	const void *shared = write ? dst : src;

	if (len == 8 && !((uintptr_t)shared & 7)) {
		uint64_t word;

		if (write) {
			memcpy(&word, src, 8);
			store_release((uint64_t *)dst, word);
		} else {
			word = load_acquire((const uint64_t *)src);
			memcpy(dst, &word, 8);
		}
		return;
	}
	if (len == 4 && !((uintptr_t)shared & 3)) {
		uint32_t word;

		if (write) {
			memcpy(&word, src, 4);
			store_release((uint32_t *)dst, word);
		} else {
			word = load_acquire((const uint32_t *)src);
			memcpy(dst, &word, 4);
		}
		return;
	}
	memcpy(dst, src, len);
}

static void arena_copy(uint64_t pa, void *buf, size_t len, bool write)
{
	uint8_t *p = buf;

	/* Structures of words, as long as words go. */
	while (len >= 8 && !(pa & 7)) {
		if (write)
			word_copy(arena_ptr(pa), p, 8, true);
		else
			word_copy(p, arena_ptr(pa), 8, false);
		pa += 8;
		p += 8;
		len -= 8;
	}
	if (write)
		word_copy(arena_ptr(pa), p, len, true);
	else
		word_copy(p, arena_ptr(pa), len, false);
}

/* ------------------------------------------------- memory of the process */

static bool is_shared(uint64_t pa, size_t len)
{
	return pa >= RAM_SHARED && pa - RAM_SHARED < RAM_SHARED &&
	       len <= RAM_SHARED - (pa - RAM_SHARED);
}

/* From here on mm_released() waits for accesses of this kind. */
static void note_sharing(struct uiommu_machine *machine)
{
	if (load_acquire(&machine->sharing))
		return;
	store_release(&machine->sharing, 1);
	/* Either it sees this, or we see what was released. */
	fence_full();
}

/*
 * Memory that the process gave back, and that stands where it was for the sake
 * of its pins only, is none of the process's: UIOMMU_PA_INVALID, or the first
 * such page.
 */
static uint64_t given_back(const struct pins *pins, uint64_t va, size_t len)
{
	uint64_t page = align_down_lg2(va, PIN_PAGE_LG2);

	for (; page < va + len; page += PIN_PAGE)
		if ((pins_word(pins, page) & (PIN_RELEASED | PIN_DEAD)) ==
		    PIN_RELEASED)
			return page;
	return UIOMMU_PA_INVALID;
}

/* As the process itself could: a right that it lacks is an abort. */
static int shared_access(struct uiommu_machine *machine, uint64_t pa, void *buf,
			 size_t len, bool write)
{
	const struct uiommu_platform *platform = machine->platform;
	uint64_t va = pa - RAM_SHARED, gone;
	int rc = -EIO;

	note_sharing(machine);
	platform->read_begin(platform->ctx);
	gone = given_back(&machine->pins, va, len);
	if (gone == UIOMMU_PA_INVALID)
		rc = mm_copy(NULL, va, buf, len, write);
	platform->read_end(platform->ctx);
	if (gone != UIOMMU_PA_INVALID)
		report_gone(machine, max_u64(gone, va), len, write, buf);
	return rc ? -EIO : 0;
}

static int shared_cmpxchg64(struct uiommu_machine *machine, uint64_t pa,
			    uint64_t *expected, uint64_t want)
{
	const struct uiommu_platform *platform = machine->platform;
	uint64_t va = pa - RAM_SHARED;
	int rc = -EIO;

	note_sharing(machine);
	platform->read_begin(platform->ctx);
	if (given_back(&machine->pins, va, 8) == UIOMMU_PA_INVALID)
		rc = uiommu_guard_cmpxchg64(arena_ptr(va), expected, want);
	platform->read_end(platform->ctx);
	return rc ? -EIO : 0;
}

void mm_released(struct uiommu_machine *machine, uint64_t first, uint64_t last)
{
	fence_full();
	if (load_acquire(&machine->sharing))
		mm_drain(machine, first + RAM_SHARED, last + RAM_SHARED);
}

/* What looking at the pages of an access found out. */
struct pages_state {
	uint64_t gone; /* a page that the process gave up */
	bool dead;     /* it was replaced */
	bool kept;     /* but stands elsewhere */
	bool part;     /* freed bytes lie on a page */
};

/* May a device reach all of [pa, pa+len)? */
static bool pages_ok(const struct pins *pins, uint64_t pa, size_t len,
		     struct pages_state *state)
{
	uint64_t page = align_down_lg2(pa, PIN_PAGE_LG2);

	for (; page < pa + len; page += PIN_PAGE) {
		uint32_t word = pins_word(pins, page);

		if (word & PIN_DEAD) {
			state->gone = page;
			state->dead = true;
			state->kept = word & PIN_KEPT;
			return false;
		}
		if (!(word & PIN_COUNT_MASK))
			return false;
		if (word & PIN_RELEASED)
			state->gone = page;
		else if (word & PIN_PART)
			state->part = true;
	}
	return true;
}

/*
 * The CPU's rights to a page may have been taken away since it was pinned
 * (mprotect); those of the device stay.  The kernel copies past them.
 */
static int forced(uint64_t uva, void *buf, size_t len, bool write)
{
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -EIO;
	n = write ? pwrite(fd, buf, len, (off_t)uva)
		  : pread(fd, buf, len, (off_t)uva);
	close(fd);
	return n == (ssize_t)len ? 0 : -EIO;
}

static int guarded(uint64_t uva, void *buf, size_t len, bool write)
{
	return mm_copy(NULL, uva, buf, len, write)
		       ? forced(uva, buf, len, write)
		       : 0;
}

static int memory_access(struct uiommu_machine *machine, uint64_t pa, void *buf,
			 size_t len, bool write);

/* Page by page, where some of the pages stand elsewhere now. */
static int kept_access(struct uiommu_machine *machine, uint64_t pa, void *buf,
		       size_t len, bool write)
{
	uint8_t *p = buf;
	int rc = 0;

	while (len && !rc) {
		uint64_t page = align_down_lg2(pa, PIN_PAGE_LG2);
		size_t n = (size_t)min_u64(len, page + PIN_PAGE - pa);

		if (pins_word(&machine->pins, page) & PIN_KEPT)
			rc = pins_kept_copy(&machine->pins, pa, p, n, write);
		else
			rc = memory_access(machine, pa, p, n, write);
		pa += n;
		p += n;
		len -= n;
	}
	return rc;
}

/* Pinned memory; in the alias window one page at a time. */
static int memory_access(struct uiommu_machine *machine, uint64_t pa, void *buf,
			 size_t len, bool write)
{
	const struct uiommu_platform *platform = machine->platform;
	struct pages_state state = { .gone = UIOMMU_PA_INVALID };
	uint64_t uva = pa;
	int rc = -EIO;

	platform->read_begin(platform->ctx);
	if (pages_ok(&machine->pins, pa, len, &state)) {
		uva = pins_uva(&machine->pins, pa);
		rc = guarded(uva, buf, len, write);
	} else if (state.dead) {
		uva = pins_uva(&machine->pins, max_u64(state.gone, pa));
	}
	platform->read_end(platform->ctx);
	if (state.kept)
		rc = kept_access(machine, pa, buf, len, write);
	if (state.gone != UIOMMU_PA_INVALID)
		report_gone(machine, uva, len, write, buf);
	if (state.part)
		report_parts(machine, uva, len, write, buf);
	return rc;
}

static int alias_access(struct uiommu_machine *machine, uint64_t pa, void *buf,
			size_t len, bool write)
{
	uint8_t *p = buf;

	while (len) {
		size_t n = (size_t)(PIN_PAGE - (pa & (PIN_PAGE - 1)));
		int rc;

		n = n < len ? n : len;
		rc = memory_access(machine, pa, p, n, write);
		if (rc)
			return rc;
		pa += n;
		p += n;
		len -= n;
	}
	return 0;
}

/* ------------------------------------------------- registers of devices */

static int bar_word(struct pcidev *dev, unsigned int bar, uint64_t off,
		    uint8_t *p, unsigned int size, bool write)
{
	struct uiommu_vdev_cfg cfg;
	uint64_t val = 0;
	int rc;

	pcidev_vdev_cfg(dev, &cfg);
	if (write) {
		memcpy(&val, p, size);
		return cfg.ops->bar_write(dev, bar, off, size, val);
	}
	rc = cfg.ops->bar_read(dev, bar, off, size, &val);
	memcpy(p, &val, size);
	return rc;
}

static int bar_span(struct pcidev *dev, unsigned int bar, uint64_t off,
		    void *buf, size_t len, bool write)
{
	uint8_t *p = buf;

	while (len) {
		unsigned int size = 8;

		while (size > len || off & (size - 1))
			size /= 2;
		if (bar_word(dev, bar, off, p, size, write))
			return -EIO;
		off += size;
		p += size;
		len -= size;
	}
	return 0;
}

/* One device's DMA into another's BAR, peer to peer. */
static int bar_access(struct uiommu_machine *machine, uint64_t pa, void *buf,
		      size_t len, bool write)
{
	for (unsigned int i = 0; i < machine->nr_devs; i++) {
		struct pcidev *dev = machine->dev[i];

		for (unsigned int bar = 0; bar < UIOMMU_VDEV_BARS; bar++) {
			uint64_t size = dev->type->bar_size[bar];
			uint64_t off = pa - dev->bar_pa[bar];

			if (!size || pa < dev->bar_pa[bar] || off >= size ||
			    len > size - off)
				continue;
			return bar_span(dev, bar, off, buf, len, write);
		}
	}
	return -EIO;
}

static int carve_access(struct uiommu_machine *machine, uint64_t pa, void *buf,
			size_t len, bool write)
{
	uint64_t off = pa - machine->carve.base;

	if (off >= CARVE_ALIAS)
		return alias_access(machine, pa, buf, len, write);
	if (off >= CARVE_BAR)
		return bar_access(machine, pa, buf, len, write);
	return -EIO;
}

/* ---------------------------------------------------------- callbacks --- */

static int ram_access(struct uiommu_machine *machine, uint64_t pa, void *buf,
		      size_t len, bool write)
{
	if (in_arena(machine, pa, len)) {
		arena_copy(pa, buf, len, write);
		return 0;
	}
	if (!len || pa + len < pa)
		return -EIO;
	if (is_shared(pa, len))
		return shared_access(machine, pa, buf, len, write);
	if (pa >= machine->carve.base &&
	    pa - machine->carve.base < CARVE_SIZE &&
	    len <= CARVE_SIZE - (pa - machine->carve.base))
		return carve_access(machine, pa, buf, len, write);
	return memory_access(machine, pa, buf, len, write);
}

/*
 * A device must not write tables, whoever let it: nothing of the arena is ever
 * mapped, so an address there can only come from a wrong table or from bypass.
 */
static bool foreign(const struct uiommu_machine *machine, uint64_t pa,
		    size_t len, struct uiommu_mem_attrs attrs)
{
	return !attrs.walk && !attrs.msi && in_arena(machine, pa, len);
}

int ram_read(void *ctx, uiommu_pa_t pa, void *buf, size_t len,
	     struct uiommu_mem_attrs attrs)
{
	if (foreign(ctx, pa, len, attrs))
		return -EIO;
	return ram_access(ctx, pa, buf, len, false);
}

int ram_write(void *ctx, uiommu_pa_t pa, const void *buf, size_t len,
	      struct uiommu_mem_attrs attrs)
{
	if (foreign(ctx, pa, len, attrs))
		return -EIO;
	/* One path for both directions; a write only reads the buffer. */
	return ram_access(ctx, pa, (void *)(uintptr_t)buf, len, true);
}

int ram_cmpxchg64(void *ctx, uiommu_pa_t pa, uint64_t *expected, uint64_t want)
{
	struct uiommu_machine *machine = ctx;
	const struct uiommu_platform *platform = machine->platform;
	struct pages_state state = { .gone = UIOMMU_PA_INVALID };
	int rc = -EIO;

	if (pa & 7)
		return -EIO;
	if (in_arena(machine, pa, 8)) {
		(void)cmpxchg_acq_rel((uint64_t *)arena_ptr(pa), expected,
				      want);
		return 0;
	}
	if (is_shared(pa, 8))
		return shared_cmpxchg64(machine, pa, expected, want);
	platform->read_begin(platform->ctx);
	if (pages_ok(&machine->pins, pa, 8, &state)) {
		void *word = arena_ptr(pins_uva(&machine->pins, pa));

		if (!uiommu_guard_cmpxchg64(word, expected, want))
			rc = 0;
	}
	platform->read_end(platform->ctx);
	return rc;
}

/* Tables only: memory of the process may go away under a pointer. */
void *ram_direct(void *ctx, uiommu_pa_t pa, size_t len, bool write)
{
	return in_arena(ctx, pa, len) ? arena_ptr(pa) : NULL;
}

/* ------------------------------------------------------ struct uiommu_mm */

static int touch(uint64_t uva, uint64_t len, bool write)
{
	for (uint64_t off = 0; off < len; off += PIN_PAGE) {
		uint64_t *word = arena_ptr(uva + off), val;

		if (uiommu_guard_copy(&val, word, sizeof(val)))
			return -EFAULT;
		/* Storing what is there makes the page ours. */
		if (write && uiommu_guard_cmpxchg64(word, &val, val))
			return -EFAULT;
	}
	return 0;
}

/* Make the pages present with the rights asked for. */
static int populate(uint64_t uva, uint64_t len, bool write)
{
	int advice = write ? MADV_POPULATE_WRITE : MADV_POPULATE_READ;

	if (!madvise(arena_ptr(uva), len, advice))
		return 0;
	/* Kernels before 5.14, and mappings it cannot populate. */
	return errno == EINVAL ? touch(uva, len, write) : -EFAULT;
}

/* A BAR that the process has mapped. */
static int pin_bar(struct uiommu_map *map, uint64_t map_off, uint64_t left,
		   uint64_t len, uint32_t flags, struct uiommu_run *run)
{
	run->pa = uiommu_map_pa(map) + map_off;
	run->len = min_u64(len, align_down_lg2(left, PIN_PAGE_LG2));
	run->mmio = true;
	if (!(flags & UIOMMU_PIN_MMIO_OK) || !run->len)
		return -EFAULT;
	return 0;
}

/*
 * A mapping looked at while pinning.  To put the last reference closes the
 * device, which takes locks that the one who pins may hold; so it waits until
 * nobody is inside.
 */
struct late_map {
	struct late_map *next;
	struct uiommu_map *map;
};

void mm_put_late_maps(struct uiommu_machine *machine)
{
	struct late_map *late, *next;

	if (!load_relaxed(&machine->late_maps))
		return;
	for (late = exchange_acq_rel(&machine->late_maps, NULL); late;
	     late = next) {
		next = late->next;
		uiommu_map_put(late->map);
		free(late);
	}
}

static void put_map_late(struct uiommu_machine *machine, struct late_map *late,
			 struct uiommu_map *map)
{
	late->map = map;
	late->next = load_relaxed(&machine->late_maps);
	while (!cmpxchg_acq_rel(&machine->late_maps, &late->next, late))
		;
}

/* Is it a BAR?  1 and its answer in *rc, 0, or -ENOMEM. */
static int pin_if_bar(struct uiommu_machine *machine, uint64_t uva,
		      uint64_t len, uint32_t flags, struct uiommu_run *run,
		      int *rc)
{
	const struct uiommu_machine_cfg *cfg = &machine->cfg;
	uint64_t map_off, left;
	struct uiommu_map *map;
	struct late_map *late;

	if (!cfg->find_map)
		return 0;
	late = malloc(sizeof(*late));
	if (!late)
		return -ENOMEM;
	map = cfg->find_map(cfg->ctx, uva, &map_off, &left);
	if (!map) {
		free(late);
		return 0;
	}
	*rc = pin_bar(map, map_off, left, len, flags, run);
	put_map_late(machine, late, map);
	return 1;
}

/*
 * How much is tried at once: to the next multiple, so that runs keep the
 * alignment of large leaves, and a length that cannot be is refused quickly.
 */
#define PIN_STEP_LG2 30

int mm_pin(void *ctx, uint64_t uva, uint64_t len, uint32_t flags,
	   struct uiommu_run *run)
{
	struct uiommu_machine *machine = ctx;
	int rc, bar;

	bar = pin_if_bar(machine, uva, len, flags, run, &rc);
	if (bar)
		return bar < 0 ? bar : rc;
	len = min_u64(len,
		      BIT64(PIN_STEP_LG2) - (uva & mask_lg2(PIN_STEP_LG2)));
	/*
	 * Counted first, so that whoever takes the memory away meanwhile knows.
	 * What cannot be populated as a whole may begin with what can: a BAR or
	 * a hole comes later.
	 */
	for (;;) {
		rc = pins_add(&machine->pins, uva, len, run);
		if (rc)
			return rc;
		rc = populate(pins_uva(&machine->pins, run->pa), run->len,
			      flags & UIOMMU_PIN_WRITE);
		if (!rc)
			return 0;
		pins_del(&machine->pins, run->pa, run->len);
		if (run->len == PIN_PAGE)
			return rc;
		len = align_down_lg2(run->len / 2, PIN_PAGE_LG2);
	}
}

void mm_unpin(void *ctx, uiommu_pa_t pa, uint64_t len, uint32_t flags)
{
	struct uiommu_machine *machine = ctx;

	if (pa >= machine->carve.base && pa - machine->carve.base < CARVE_ALIAS)
		return; /* a BAR */
	pins_del(&machine->pins, pa, len);
}

int mm_copy(void *ctx, uint64_t uva, void *buf, size_t len, bool write)
{
	void *mem = arena_ptr(uva);

	return write ? uiommu_guard_copy(mem, buf, len)
		     : uiommu_guard_copy(buf, mem, len);
}

int mm_copy_pinned(void *ctx, uiommu_pa_t pa, void *buf, size_t len, bool write)
{
	return ram_access(ctx, pa, buf, len, write) ? -EFAULT : 0;
}

/* ---------------------------------------------------------------- drain - */

struct drain {
	struct uiommu_defer defer;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool over;
};

static void drain_over(struct uiommu_defer *head)
{
	struct drain *drain = container_of(head, struct drain, defer);

	pthread_mutex_lock(&drain->lock);
	drain->over = true;
	pthread_cond_signal(&drain->cond);
	pthread_mutex_unlock(&drain->lock);
}

void mm_drain(void *ctx, uint64_t first, uint64_t last)
{
	struct uiommu_machine *machine = ctx;
	const struct uiommu_platform *platform = machine->platform;
	struct drain drain = {
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.cond = PTHREAD_COND_INITIALIZER,
	};

	for (unsigned int i = 0; i < machine->nr_smmus; i++)
		uiommu_smmuv3_model_memory_changed(machine->smmu[i].model,
						   first, last - first + 1);
	platform->defer(platform->ctx, &drain.defer, drain_over);
	pthread_mutex_lock(&drain.lock);
	while (!drain.over)
		pthread_cond_wait(&drain.cond, &drain.lock);
	pthread_mutex_unlock(&drain.lock);
	pthread_cond_destroy(&drain.cond);
	pthread_mutex_destroy(&drain.lock);
}
