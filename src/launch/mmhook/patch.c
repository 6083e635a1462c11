/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Leading a system call instruction past us.
 *
 * Only the instruction itself changes: its two bytes become a short jump into
 * padding close by, where a long jump leads to a stub.  So no other
 * instruction has to move, whoever jumps to the instruction comes to us too,
 * and no thread can stand in the middle of what changes: one that has the
 * number in eax already takes the jump as it would have taken the call.
 *
 * A page of code is never written to.  It is copied, the copy is changed and
 * then moved over the original, which the kernel does at once for all
 * threads: one that runs there meanwhile waits in a page fault, and the
 * processors give up what they had decoded.  So nothing has to be stopped and
 * no signal is needed.  Neighbouring pages go together, and a site and its
 * padding lie on one page or on neighbours: so both jumps appear at once, and
 * where the kernel refuses, a site is led past us or is as it was.
 *
 * Stubs stay for ever, as a thread may be in one at any time.
 */
#include <elf.h>
#include <errno.h>
#include <gnu/libc-version.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "mmhook.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif

#define STUB_BYTES 256
#define NEAR_STEP (UINT64_C(1) << 20)
#define NEAR_LIMIT (UINT64_C(1) << 30)

/* What is installed; under the state's lock. */
static struct {
	bool done;
	unsigned long long adds; /* objects loaded ever, at the last look */
	struct uiommu_process_mm_info info;
	bool libc_missed;
	int rc;			 /* of the last look */
	struct mm_object object; /* being looked through */
} installed;

static void name_memory(uint64_t at, uint64_t len)
{
	mm_sys(SYS_prctl, PR_SET_VMA, PR_SET_VMA_ANON_NAME, at, len,
	       (uintptr_t) "uiommu-mm", 0);
}

/* --------------------------------------------------------------- stubs --- */

struct code {
	uint8_t *at;
	unsigned int len;
};

static void put(struct code *code, const void *bytes, unsigned int len)
{
	memcpy(code->at + code->len, bytes, len);
	code->len += len;
}

#define PUT(code, ...)                                  \
	do {                                            \
		const uint8_t put_[] = { __VA_ARGS__ }; \
		put(code, put_, sizeof(put_));          \
	} while (0)

static void put64(struct code *code, uint64_t v)
{
	put(code, &v, sizeof(v));
}

/* jmp to `to`, as if the code stood at `where`. */
static void put_jump(struct code *code, const uint8_t *where, const uint8_t *to)
{
	int32_t way = (int32_t)(to - (where + code->len + 5));

	PUT(code, 0xe9);
	put(code, &way, sizeof(way));
}

/* One more byte ahead: a distance that is known later. */
static unsigned int put_short(struct code *code, uint8_t opcode)
{
	PUT(code, opcode, 0);
	return code->len - 1;
}

static void land(struct code *code, unsigned int from)
{
	code->at[from] = (uint8_t)(code->len - from - 1);
}

#define JRCXZ 0xe3
#define PUT_STATE(code, state)                         \
	do {                                           \
		PUT(code, 0x49, 0xbb); /* mov, %r11 */ \
		put64(code, (uintptr_t)(state));       \
	} while (0)

/*
 * Is it one of our numbers?  The registers that the kernel overwrites, rcx
 * and r11, are free; flags are kept where the call is not ours.
 */
static void put_checks(struct code *code, unsigned int *hits)
{
	for (unsigned int i = 0; i < mm_nr_calls; i++) {
		int32_t disp = -(int32_t)mm_calls[i];

		PUT(code, 0x8d, 0x88); /* lea -nr(%rax), %ecx */
		put(code, &disp, sizeof(disp));
		hits[i] = put_short(code, JRCXZ);
	}
}

/* Write the stub of a system call to `out`, where it will run. */
static unsigned int make_stub(uint8_t *out, const struct mm_site *site,
			      struct mm_state *state)
{
	struct code code = { .at = out };
	const uint8_t *next = site->at + 2;
	unsigned int hits[32], pass, entry, back;
	int32_t way;

	if (mm_is_move(*site->spring))
		put(&code, site->spring, 5);
	put_checks(&code, hits);
	PUT(&code, 0x0f, 0x05);
	put_jump(&code, out, next);
	for (unsigned int i = 0; i < mm_nr_calls; i++)
		land(&code, hits[i]);
	PUT_STATE(&code, state);
	PUT(&code, 0xf0, 0x41, 0xff, 0x03); /* lock incl passing */
	PUT(&code, 0x41, 0x8b, 0x4b, 0x04); /* mov armed, %ecx */
	pass = put_short(&code, JRCXZ);
	PUT(&code, 0xf0, 0x41, 0xff, 0x0b); /* lock decl passing */
	PUT(&code, 0x4c, 0x8d, 0x1d);	    /* lea back(%rip), %r11 */
	back = code.len;
	PUT(&code, 0, 0, 0, 0);
	PUT(&code, 0xff, 0x25); /* jmp *entry(%rip) */
	entry = code.len;
	PUT(&code, 0, 0, 0, 0);
	land(&code, pass);
	PUT(&code, 0x0f, 0x05);
	PUT_STATE(&code, state);
	PUT(&code, 0xf0, 0x41, 0xff, 0x0b);
	put_jump(&code, out, next);
	way = (int32_t)(code.len - (entry + 4));
	memcpy(out + entry, &way, sizeof(way));
	put64(&code, (uintptr_t)mm_entry);
	put64(&code, (uintptr_t)next); /* struct mm_regs: next */
	PUT(&code, 0x0f, 0x05);	       /* MM_RESUME_RAW */
	way = (int32_t)(code.len - (back + 4));
	memcpy(out + back, &way, sizeof(way));
	put_jump(&code, out, next);
	return code.len;
}

static uint64_t map_at(uint64_t at, uint64_t len)
{
	long rc = mm_map(at, len, MAP_FIXED_NOREPLACE);

	if (rc == (long)at)
		return at;
	/* Before Linux 4.17 the address is but a hint. */
	if (rc > 0)
		mm_sys(SYS_munmap, (uint64_t)rc, len, 0, 0, 0, 0);
	return 0;
}

/*
 * Address space that jumps from all of [first, end) reach; 0: none.  Rather
 * below: above a program its heap grows.
 */
static uint64_t map_near(uint64_t first, uint64_t end, uint64_t len)
{
	uint64_t at = 0, way;

	for (way = NEAR_STEP; !at && way < NEAR_LIMIT && way < first;
	     way += NEAR_STEP)
		at = map_at((first - way) & ~(MM_PAGE - 1), len);
	for (way = NEAR_STEP; !at && way < NEAR_LIMIT; way += NEAR_STEP)
		at = map_at((end + way) & ~(MM_PAGE - 1), len);
	return at;
}

/* --------------------------------------------------------------- pages --- */

static uint64_t page_of(const uint8_t *at)
{
	return (uintptr_t)at & ~(MM_PAGE - 1);
}

/* The lowest page from `from` on that changes; UINT64_MAX: none. */
static uint64_t next_page(const struct mm_object *obj, uint64_t from)
{
	uint64_t page = UINT64_MAX;

	for (unsigned int i = 0; i < obj->nr_sites; i++) {
		const uint64_t of[2] = { page_of(obj->site[i].at),
					 page_of(obj->site[i].spring) };

		for (unsigned int k = 0; k < 2; k++)
			if (of[k] >= from && of[k] < page)
				page = of[k];
	}
	return page;
}

/* The two jumps of a site in the copy, which is `by` away from the original. */
static void write_jumps(const struct mm_site *site, const uint8_t *stub,
			int64_t by)
{
	struct code spring = { .at = site->spring + by };

	put_jump(&spring, site->spring, stub);
	site->at[by] = 0xeb;
	site->at[by + 1] = (uint8_t)(site->spring - (site->at + 2));
}

/* [first, end): pages that change, none beside them does. */
static int swap_pages(struct mm_object *obj, uint64_t first, uint64_t end,
		      uint64_t stubs)
{
	const uint64_t len = end - first;
	unsigned int i = obj->patched;
	uint64_t copy;
	long rc;

	rc = mm_map(0, len, 0);
	if (rc < 0)
		return (int)rc;
	copy = (uint64_t)rc;
	memcpy((void *)(uintptr_t)copy, (const void *)(uintptr_t)first, len);
	for (; i < obj->nr_sites && page_of(obj->site[i].at) < end; i++)
		write_jumps(&obj->site[i],
			    (uint8_t *)(uintptr_t)(stubs + i * STUB_BYTES),
			    (int64_t)(copy - first));
	name_memory(copy, len);
	rc = mm_sys(SYS_mprotect, copy, len, PROT_READ | PROT_EXEC, 0, 0, 0);
	if (!rc)
		rc = mm_sys(SYS_mremap, copy, len, len,
			    MREMAP_MAYMOVE | MREMAP_FIXED, first, 0);
	if (rc < 0) {
		mm_sys(SYS_munmap, copy, len, 0, 0, 0, 0);
		return (int)rc;
	}
	obj->patched = i;
	return 0;
}

int mm_patch(struct mm_state *state, struct mm_object *obj)
{
	uint64_t len = (obj->nr_sites * STUB_BYTES + MM_PAGE - 1) &
		       ~(MM_PAGE - 1);
	uint64_t stubs = map_near((uintptr_t)obj->text,
				  (uintptr_t)obj->text + obj->text_len, len);
	uint64_t first, end;
	int rc;

	if (!stubs)
		return -ENOMEM;
	name_memory(stubs, len);
	for (unsigned int i = 0; i < obj->nr_sites; i++)
		make_stub((uint8_t *)(uintptr_t)(stubs + i * STUB_BYTES),
			  &obj->site[i], state);
	rc = (int)mm_sys(SYS_mprotect, stubs, len, PROT_READ | PROT_EXEC, 0, 0,
			 0);
	for (first = next_page(obj, 0); !rc && first != UINT64_MAX;
	     first = next_page(obj, end)) {
		end = first + MM_PAGE;
		while (next_page(obj, end) == end)
			end += MM_PAGE;
		rc = swap_pages(obj, first, end, stubs);
	}
	if (rc && !obj->patched)
		mm_sys(SYS_munmap, stubs, len, 0, 0, 0, 0);
	return rc;
}

/* ------------------------------------------------------------- objects --- */

static void note_missed(const struct mm_object *obj, unsigned int nr,
			const uint8_t *at)
{
	struct uiommu_process_mm_info *info = &installed.info;

	if (!info->missed)
		snprintf(info->missed_where, sizeof(info->missed_where),
			 "%s+0x%llx", *obj->name ? obj->name : "the program",
			 (unsigned long long)((uintptr_t)at - obj->base));
	info->missed += nr;
}

/* Is this the object whose missing calls are fatal? */
static bool is_libc(const struct mm_object *obj)
{
	uint64_t version = (uintptr_t)gnu_get_libc_version,
		 text = (uintptr_t)obj->text;

	return (version >= text && version - text < obj->text_len) ||
	       obj->base == getauxval(AT_BASE);
}

static void install_text(struct mm_state *state, struct mm_object *obj)
{
	int rc = 0;

	mm_scan(obj);
	if (obj->nr_sites)
		rc = mm_patch(state, obj);
	installed.info.unsure += obj->unsure;
	if (obj->missed)
		note_missed(obj, obj->missed, obj->first_missed);
	if (rc) {
		note_missed(obj, obj->nr_sites - obj->patched,
			    obj->site[obj->patched].at);
		installed.rc = rc;
	}
	installed.info.sites += obj->patched;
	if (is_libc(obj) && (obj->missed || rc))
		installed.libc_missed = true;
}

/*
 * The runtime of ThreadSanitizer maps memory in the middle of anything, where
 * nothing that it instruments may run; so what it does is not told.
 */
static bool is_left_alone(const char *name)
{
	const char *file = strrchr(name, '/');

	return !strncmp(file ? file + 1 : name, "libtsan.so", 10);
}

static int install_object(struct dl_phdr_info *info, size_t size, void *ctx)
{
	struct mm_object *obj = &installed.object;
	const ElfW(Phdr) *ph = info->dlpi_phdr;

	installed.adds = info->dlpi_adds;
	if (is_left_alone(info->dlpi_name))
		return 0;
	obj->name = info->dlpi_name;
	obj->base = info->dlpi_addr;
	obj->table = NULL;
	obj->table_len = 0;
	for (unsigned int i = 0; i < info->dlpi_phnum; i++) {
		if (ph[i].p_type == PT_GNU_EH_FRAME) {
			obj->table =
				(const uint8_t *)(obj->base + ph[i].p_vaddr);
			obj->table_len = ph[i].p_memsz;
		}
		/* The kernel's own page cannot change the address space. */
		if (ph[i].p_type == PT_LOAD &&
		    obj->base + ph[i].p_vaddr == getauxval(AT_SYSINFO_EHDR))
			return 0;
	}
	installed.info.objects++;
	for (unsigned int i = 0; i < info->dlpi_phnum; i++) {
		if (ph[i].p_type != PT_LOAD || !(ph[i].p_flags & PF_X) ||
		    !(ph[i].p_flags & PF_R))
			continue;
		obj->text = (const uint8_t *)(obj->base + ph[i].p_vaddr);
		obj->text_len = ph[i].p_memsz;
		install_text(ctx, obj);
	}
	return 0;
}

static int note_adds(struct dl_phdr_info *info, size_t size, void *adds)
{
	*(unsigned long long *)adds = info->dlpi_adds;
	return 1;
}

/*
 * The linker's lock is held all through, so that no object goes or comes
 * while it is looked at.  What was led past us before is not found again.
 */
int mm_install(struct mm_state *state)
{
	unsigned long long adds = 0;

	dl_iterate_phdr(note_adds, &adds);
	if (installed.done && adds == installed.adds)
		return 0;
	if (!installed.done)
		mm_entry_init();
	installed.info.objects = 0;
	installed.info.missed = 0;
	installed.info.unsure = 0;
	installed.info.missed_where[0] = '\0';
	installed.libc_missed = false;
	installed.rc = 0;
	dl_iterate_phdr(install_object, state);
	/* What was refused is tried again. */
	installed.done = !installed.rc && !installed.libc_missed;
	if (installed.libc_missed)
		return installed.rc ? installed.rc : -ENOTSUP;
	return 0;
}

void mm_install_info(struct uiommu_process_mm_info *info)
{
	*info = installed.info;
}
