/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address space: what the program maps, unmaps and moves.
 *
 * Two kinds of addresses need care.  Trapped BARs are reserved address space
 * without access, whatever protection the program asks for.  Memory that is
 * pinned for DMA is its own physical address, so it must not go while a device
 * may reach it: an unmapped part stays, its addresses taken, until the last
 * pin has gone; where something else takes its place, the machine is told
 * first, and the device's accesses abort from then on.
 */
#include <stdarg.h>
#include <string.h>

#include "preload.h"

#define SAME_AS(name) launch_public __attribute__((alias(name)))

#define PAGE UINT64_C(4096)
#define ADDRESS_END (UINT64_C(1) << 47)

/* A range of whole pages; false: libc will refuse it anyway. */
static bool span_of(const void *addr, size_t len, uint64_t *first,
		    uint64_t *last)
{
	uint64_t end;

	*first = (uintptr_t)addr;
	len = (len + PAGE - 1) & ~(size_t)(PAGE - 1);
	if (!len || *first % PAGE ||
	    __builtin_add_overflow(*first, (uint64_t)len, &end))
		return false;
	*last = end - 1;
	return end <= ADDRESS_END;
}

/* Something else takes the place of [first, last]. */
static void displace(struct uiommu_machine *machine, uint64_t first,
		     uint64_t last, const char *what)
{
	launch_enter();
	uiommu_machine_replace(machine, first, last, what);
	launch_leave();
	if (load_acquire(&launch.bars))
		bars_remove(first, last);
}

/* --------------------------------------------------------------- mmap ---- */

/* Address space for a BAR, without access; MAP_FAILED and errno. */
static void *reserve(void *addr, size_t len, int flags)
{
	flags &= MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_32BIT;
	return real_get()->mmap(
		addr, len, PROT_NONE,
		flags | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

static void map_put(struct uiommu_map *map)
{
	launch_enter();
	uiommu_map_put(map);
	launch_leave();
}

static void *map_bar(struct uiommu_abi *abi, struct bar_map *bar, void *addr,
		     size_t len, int flags, int fd, off_t off)
{
	uint64_t first, last;
	void *at;
	int rc;

	launch_enter();
	rc = uiommu_abi_mmap(abi, fd, len, bar->prot, flags, (uint64_t)off,
			     &bar->map);
	launch_leave();
	if (rc) {
		launch_result(rc);
		return MAP_FAILED;
	}
	if ((flags & MAP_FIXED) && span_of(addr, len, &first, &last))
		displace(launch_machine(), first, last, "mmap");
	at = reserve(addr, len, flags);
	if (at == MAP_FAILED)
		goto err_put;
	if (span_of(at, len, &bar->first, &bar->last))
		rc = bars_add(bar);
	if (!rc)
		return at;
	real_get()->munmap(at, len);
	errno = -rc;
err_put:
	rc = errno;
	map_put(bar->map);
	errno = rc;
	return MAP_FAILED;
}

/* Does something that a device may reach, or a BAR, lie there? */
static bool is_taken(struct uiommu_machine *machine, uint64_t first,
		     uint64_t last)
{
	struct uiommu_range pin;
	struct bar_map bar;
	bool taken;

	if (bars_find(first, last, &bar)) {
		map_put(bar.map);
		return true;
	}
	launch_enter();
	taken = uiommu_machine_pinned(machine, first, last, &pin);
	launch_leave();
	return taken;
}

/* A call that fails must change nothing, so it fails before we do anything. */
static bool would_map(size_t len, int prot, int flags, int fd, off_t off)
{
	void *probe =
		real_get()->mmap(NULL, len, prot, flags & ~MAP_FIXED, fd, off);

	return probe != MAP_FAILED && !real_get()->munmap(probe, len);
}

void *launch_mmap(void *addr, size_t len, int prot, int flags, int fd,
		  off_t off)
{
	struct uiommu_abi *abi = flags & MAP_ANONYMOUS ? NULL
						       : launch_abi_of(fd);
	struct uiommu_machine *machine = launch_machine();
	struct bar_map bar = { .prot = prot };
	uint64_t first, last;

	if (abi)
		return map_bar(abi, &bar, addr, len, flags, fd, off);
	if (launch_rare(machine) && (flags & MAP_FIXED) &&
	    span_of(addr, len, &first, &last)) {
		if (is_taken(machine, first, last) &&
		    !would_map(len, prot, flags, fd, off))
			return MAP_FAILED;
		displace(machine, first, last, "mmap");
	}
	return real_get()->mmap(addr, len, prot, flags, fd, off);
}

launch_public void *mmap(void *addr, size_t len, int prot, int flags, int fd,
			 off_t off)
{
	return launch_mmap(addr, len, prot, flags, fd, off);
}

SAME_AS("mmap")
void *mmap64(void *addr, size_t len, int prot, int flags, int fd, off_t off);

/* ------------------------------------------------------------- munmap ---- */

void launch_unpinned(void *ctx, uint64_t first, uint64_t last)
{
	launch_inside++;
	heap_unpinned(first, last);
	launch_inside--;
}

/* Less than a huge page cannot go: it stays with its pinned neighbours. */
static int unmap_real(uint64_t first, uint64_t end)
{
	int rc;

	if (first >= end)
		return 0;
	rc = real_get()->munmap((void *)(uintptr_t)first, end - first);
	return rc && errno != EINVAL ? -1 : 0;
}

/* Unmap what is free to go; what is pinned waits. */
static int unmap_around_pins(struct uiommu_machine *machine, uint64_t first,
			     uint64_t last)
{
	struct uiommu_range pin;
	uint64_t at = first;
	int rc = 0;

	while (at <= last) {
		launch_enter();
		if (!uiommu_machine_pinned(machine, at, last, &pin)) {
			launch_leave();
			break;
		}
		rc = uiommu_machine_release(machine, pin.first, pin.last,
					    "munmap");
		launch_leave();
		if (rc)
			return (int)launch_result(rc);
		if (unmap_real(at, pin.first))
			return -1;
		at = pin.last + 1;
	}
	return unmap_real(at, last + 1);
}

int launch_munmap(void *addr, size_t len)
{
	struct uiommu_machine *machine = launch_machine();
	struct uiommu_range pin;
	uint64_t first, last;
	bool pinned;

	if (!launch_rare(machine) || !span_of(addr, len, &first, &last))
		return real_get()->munmap(addr, len);
	if (load_acquire(&launch.bars)) {
		int rc = bars_remove(first, last);

		if (rc)
			return (int)launch_result(rc);
	}
	launch_enter();
	pinned = uiommu_machine_pinned(machine, first, last, &pin);
	launch_leave();
	if (!pinned)
		return real_get()->munmap(addr, len);
	return unmap_around_pins(machine, first, last);
}

launch_public int munmap(void *addr, size_t len)
{
	return launch_munmap(addr, len);
}

/* ---------------------------------------------------- mprotect, madvise -- */

/* BARs stay without access; the rest gets what was asked for. */
static int protect_around_bars(uint64_t first, uint64_t last, int prot)
{
	struct bar_map bar;
	int rc;

	while (first <= last && bars_find(first, last, &bar)) {
		uint64_t end = bar.last < last ? bar.last : last;

		map_put(bar.map);
		if (bar.first > first &&
		    real_get()->mprotect((void *)(uintptr_t)first,
					 bar.first - first, prot))
			return -1;
		if (bar.first < first)
			bar.first = first;
		rc = bars_protect(bar.first, end, prot);
		if (rc)
			return (int)launch_result(rc);
		first = end + 1;
	}
	if (first > last)
		return 0;
	return real_get()->mprotect((void *)(uintptr_t)first, last + 1 - first,
				    prot);
}

int launch_mprotect(void *addr, size_t len, int prot)
{
	uint64_t first, last;

	if (launch_machine() && load_acquire(&launch.bars) &&
	    span_of(addr, len, &first, &last))
		return protect_around_bars(first, last, prot);
	return real_get()->mprotect(addr, len, prot);
}

launch_public int mprotect(void *addr, size_t len, int prot)
{
	return launch_mprotect(addr, len, prot);
}

/*
 * Is the page private memory without a file?  Then discarding it gives the
 * program new zeroed memory, while the kernel's pins would keep the old pages.
 */
static bool is_private_anonymous(uint64_t addr)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long first, end, inode;
	char line[PATH_MAX + 128], perms[8];
	bool found = false;

	if (!maps)
		return true;
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %7s %*x %*x:%*x %lu", &first, &end,
			   perms, &inode) != 4)
			continue;
		if (addr < first || addr >= end)
			continue;
		found = perms[3] == 'p' && !inode;
		break;
	}
	fclose(maps);
	return found;
}

static void discard(struct uiommu_machine *machine, uint64_t first,
		    uint64_t last, int advice)
{
	struct uiommu_range pin;

	launch_enter();
	while (first <= last &&
	       uiommu_machine_pinned(machine, first, last, &pin)) {
		if (advice == MADV_REMOVE || is_private_anonymous(pin.first))
			uiommu_machine_replace(machine, pin.first, pin.last,
					       "madvise");
		if (pin.last == UINT64_MAX)
			break;
		first = pin.last + 1;
	}
	launch_leave();
}

int launch_madvise(void *addr, size_t len, int advice)
{
	struct uiommu_machine *machine = launch_machine();
	uint64_t first, last;

	if (launch_rare(machine) &&
	    (advice == MADV_DONTNEED || advice == MADV_REMOVE ||
	     advice == MADV_FREE) &&
	    span_of(addr, len, &first, &last))
		discard(machine, first, last, advice);
	return real_get()->madvise(addr, len, advice);
}

launch_public int madvise(void *addr, size_t len, int advice)
{
	return launch_madvise(addr, len, advice);
}

/* ------------------------------------------------------------- mremap ---- */

static void *fail(int err)
{
	errno = err;
	return MAP_FAILED;
}

/* A BAR may move as a whole; the kernel does not let it grow either. */
static void *remap_bar(uint64_t first, size_t len, size_t new_len, int flags,
		       void *to)
{
	struct bar_map bar;
	uint64_t to_first, to_last;
	void *at;

	if (!bars_find(first, first, &bar))
		return fail(EFAULT);
	if (bar.first != first || bar.last != first + len - 1 ||
	    new_len != len) {
		map_put(bar.map);
		return fail(EFAULT);
	}
	if (!(flags & MREMAP_FIXED)) {
		map_put(bar.map);
		return (void *)(uintptr_t)first;
	}
	if (!span_of(to, len, &to_first, &to_last)) {
		map_put(bar.map);
		return fail(EINVAL);
	}
	displace(launch_machine(), to_first, to_last, "mremap");
	at = real_get()->mremap((void *)(uintptr_t)first, len, len, flags, to);
	if (at == MAP_FAILED) {
		map_put(bar.map);
		return at;
	}
	bars_remove(first, bar.last);
	bar.first = to_first;
	bar.last = to_last;
	if (!bars_add(&bar))
		return at;
	real_get()->munmap(at, len);
	map_put(bar.map);
	return fail(ENOMEM);
}

/* Moving takes the pages away from the address the devices know. */
static void *remap_memory(struct uiommu_machine *machine, void *addr,
			  size_t old_len, size_t new_len, int flags, void *to)
{
	uint64_t first, last, to_first, to_last;
	struct uiommu_range pin;
	bool pinned, fixed = flags & MREMAP_FIXED;
	void *at;

	span_of(addr, old_len, &first, &last);
	launch_enter();
	pinned = uiommu_machine_pinned(machine, first, last, &pin);
	launch_leave();
	if (pinned && !fixed) {
		/* Shrinking unmaps the tail; growing in place moves nothing. */
		if (new_len && new_len <= old_len) {
			new_len = (new_len + PAGE - 1) & ~(PAGE - 1);
			if (new_len < last + 1 - first &&
			    launch_munmap((char *)addr + new_len,
					  last + 1 - first - new_len))
				return MAP_FAILED;
			return addr;
		}
		at = real_get()->mremap(addr, old_len, new_len,
					flags & ~MREMAP_MAYMOVE);
		if (at != MAP_FAILED || !(flags & MREMAP_MAYMOVE))
			return at;
	}
	if (pinned)
		displace(machine, first, last, "mremap");
	if (fixed && span_of(to, new_len, &to_first, &to_last))
		displace(machine, to_first, to_last, "mremap");
	return real_get()->mremap(addr, old_len, new_len, flags, to);
}

void *launch_mremap(void *addr, size_t old_len, size_t new_len, int flags,
		    void *to)
{
	struct uiommu_machine *machine = launch_machine();
	uint64_t first, last;

	if (!launch_rare(machine) || !span_of(addr, old_len, &first, &last))
		return real_get()->mremap(addr, old_len, new_len, flags, to);
	if (bars_cover(first))
		return remap_bar(first, last + 1 - first,
				 (new_len + PAGE - 1) & ~(PAGE - 1), flags, to);
	return remap_memory(machine, addr, old_len, new_len, flags, to);
}

launch_public void *mremap(void *addr, size_t old_len, size_t new_len,
			   int flags, ...)
{
	void *to = NULL;
	va_list ap;

	va_start(ap, flags);
	if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))
		to = va_arg(ap, void *);
	va_end(ap);
	return launch_mremap(addr, old_len, new_len, flags, to);
}
