/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finding the system call instructions of an object, and room beside them.
 *
 * Bytes that look like the instruction may be part of another one, so the
 * function around them is decoded from its start; where functions start and
 * end is told by the table that unwinders use.  If the call's number is not
 * plain, the site is taken: its stub looks at the number when it runs.
 *
 * Room is padding, first that between two functions, which belongs to none:
 * nothing but no-operations, behind an instruction that never goes on to the
 * next.
 */
#include <string.h>

#include "insn.h"

#define SPRING_LEN 5
#define MOV_EAX 0xb8 /* with the number in the next four bytes */
/* How far a jump of two bytes reaches from its end. */
#define REACH_UP 127
#define REACH_DOWN 128

/* ------------------------------------------------ the table of functions - */

/* The only encodings in use: 4-byte offsets from the table, and from here. */
static const uint8_t encodings[4] = { 1, 0x1b, 0x03, 0x3b };

static int32_t get32(const uint8_t *p)
{
	int32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint32_t table_count(const struct mm_object *obj)
{
	uint32_t nr;

	if (obj->table_len < 12 ||
	    memcmp(obj->table, encodings, sizeof(encodings)))
		return 0;
	nr = (uint32_t)get32(obj->table + 8);
	return nr <= (obj->table_len - 12) / 8 ? nr : 0;
}

/* The i-th function; false: its entry is not of the kind we know. */
static bool table_entry(const struct mm_object *obj, uint32_t i,
			struct mm_function *fn)
{
	const uint8_t *row = obj->table + 12 + 8 * (uint64_t)i;
	const uint8_t *fde = obj->table + get32(row + 4);

	fn->first = obj->table + get32(row);
	if (fde + 8 + get32(fde + 8) != fn->first)
		return false;
	fn->end = fn->first + (uint32_t)get32(fde + 12);
	return true;
}

/* Index of the last function that starts at or below `at`; nr: none. */
static uint32_t table_find(const struct mm_object *obj, const uint8_t *at)
{
	uint32_t nr = table_count(obj), low = 0, high = nr;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (obj->table + get32(obj->table + 12 + 8 * (uint64_t)mid) <=
		    at)
			low = mid + 1;
		else
			high = mid;
	}
	return low ? low - 1 : nr;
}

static bool in_text(const struct mm_object *obj, const struct mm_function *fn)
{
	return fn->first >= obj->text && fn->end > fn->first &&
	       fn->end <= obj->text + obj->text_len;
}

/* ----------------------------------------------------------------- room -- */

/* Can a function stop with it?  With a call, if that never returns. */
static bool is_end(const struct mm_insn *insn)
{
	return mm_insn_ends(insn) ||
	       insn->raw.meta.category == ZYDIS_CATEGORY_CALL;
}

/* Are these bytes never run? */
static bool is_padding(const struct mm_function *before, const uint8_t *end)
{
	const uint8_t *p = before->first;
	struct mm_insn insn;

	do {
		if (!mm_decode(p, before->end, &insn))
			return false;
		p += insn.raw.length;
	} while (p < before->end);
	if (p != before->end || !is_end(&insn))
		return false;
	for (; p < end; p += insn.raw.length)
		if (!mm_decode(p, end, &insn) ||
		    (insn.raw.mnemonic != ZYDIS_MNEMONIC_NOP &&
		     insn.raw.mnemonic != ZYDIS_MNEMONIC_INT3))
			return false;
	return true;
}

static bool is_taken(const struct mm_object *obj, const uint8_t *spring)
{
	for (unsigned int i = 0; i < obj->nr_sites; i++)
		if (spring < obj->site[i].spring + SPRING_LEN &&
		    obj->site[i].spring < spring + SPRING_LEN)
			return true;
	return false;
}

static bool same_page(const uint8_t *p, unsigned int len)
{
	return (uintptr_t)p / MM_PAGE == ((uintptr_t)p + len - 1) / MM_PAGE;
}

static bool reaches(const uint8_t *at, const uint8_t *spring)
{
	int64_t way = spring - (at + 2);

	return way >= -REACH_DOWN && way <= REACH_UP;
}

/* Five bytes of [p, end) that are free and in reach, or NULL. */
static const uint8_t *room_in(const struct mm_object *obj, const uint8_t *p,
			      const uint8_t *end, const uint8_t *at)
{
	for (; p + SPRING_LEN <= end; p++)
		if (reaches(at, p) && same_page(p, SPRING_LEN) &&
		    !is_taken(obj, p))
			return p;
	return NULL;
}

/* Room behind function i, or NULL. */
static const uint8_t *room_behind(const struct mm_object *obj, uint32_t i,
				  const uint8_t *at)
{
	struct mm_function fn, next;
	const uint8_t *p;

	if (!table_entry(obj, i, &fn) || !table_entry(obj, i + 1, &next) ||
	    !in_text(obj, &fn) || !in_text(obj, &next))
		return NULL;
	p = room_in(obj, fn.end, next.first, at);
	return p && is_padding(&fn, next.first) ? p : NULL;
}

/* Room before a place in the function itself to which something jumps. */
static const uint8_t *room_inside(const struct mm_object *obj,
				  const struct mm_function *fn,
				  const uint8_t *at)
{
	const uint8_t *p = fn->first, *end, *room = NULL;

	while (!room && (p = mm_dead_padding(fn, p, &end))) {
		room = room_in(obj, p, end, at);
		p = end;
	}
	return room;
}

static const uint8_t *find_room(const struct mm_object *obj, uint32_t i,
				const uint8_t *at)
{
	uint32_t nr = table_count(obj);
	const uint8_t *room = NULL;
	struct mm_function fn;

	for (uint32_t k = i; !room && k + 1 < nr; k++) {
		if (!table_entry(obj, k, &fn) || fn.end > at + 2 + REACH_UP)
			break;
		room = room_behind(obj, k, at);
	}
	for (uint32_t k = i; !room && k--;) {
		room = room_behind(obj, k, at);
		if (!table_entry(obj, k + 1, &fn) ||
		    fn.first < at + 2 - REACH_DOWN)
			break;
	}
	return room;
}

/* ---------------------------------------------------------------- sites -- */

static void miss(struct mm_object *obj, const uint8_t *at)
{
	if (!obj->missed++)
		obj->first_missed = at;
}

/* The way compilers and libc write it, if nothing else is known. */
static bool looks_like_call(const struct mm_object *obj, const uint8_t *at)
{
	return at - obj->text >= 5 && at[-5] == MOV_EAX &&
	       mm_is_call(get32(at - 4));
}

/*
 * Without room the jump may take the place of a "mov $imm32, %reg" that comes
 * right before, and the stub does the move.  Who stands between the two goes
 * back to the first; so nobody else may come there.
 */
static const uint8_t *move_before(const struct mm_function *fn,
				  const uint8_t *at)
{
	const uint8_t *move = at - SPRING_LEN;
	struct mm_insn insn;

	if (at - fn->first < SPRING_LEN || !mm_is_move(*move) ||
	    !same_page(move, SPRING_LEN) || mm_is_target(at))
		return NULL;
	for (const uint8_t *p = fn->first; p <= move; p += insn.raw.length) {
		if (!mm_decode(p, fn->end, &insn))
			return NULL;
		if (p == move && insn.raw.length == SPRING_LEN)
			return p;
	}
	return NULL;
}

static void take(struct mm_object *obj, uint32_t i, const uint8_t *at,
		 const struct mm_function *fn, enum mm_carries carries)
{
	const uint8_t *room = find_room(obj, i, at);
	struct mm_site *site = &obj->site[obj->nr_sites];

	if (!room)
		room = room_inside(obj, fn, at);
	if (!room)
		room = move_before(fn, at);

	if (!room || !same_page(at, 2) || obj->nr_sites == MM_SITES_MAX) {
		if (carries == MM_CARRIES_OURS)
			miss(obj, at);
		else
			obj->unsure++;
		return;
	}
	site->at = (uint8_t *)(uintptr_t)at;
	site->spring = (uint8_t *)(uintptr_t)room;
	obj->nr_sites++;
}

static void consider(struct mm_object *obj, const uint8_t *at)
{
	enum mm_carries carries = MM_CARRIES_NOTHING;
	uint32_t i = table_find(obj, at);
	struct mm_function fn;

	if (i < table_count(obj) && table_entry(obj, i, &fn) &&
	    in_text(obj, &fn) && at + 2 <= fn.end)
		carries = mm_carries(&fn, at);
	if (carries == MM_CARRIES_OURS || carries == MM_CARRIES_PERHAPS)
		take(obj, i, at, &fn, carries);
	else if (carries == MM_CARRIES_NOTHING && looks_like_call(obj, at))
		miss(obj, at);
}

void mm_scan(struct mm_object *obj)
{
	const uint8_t *p = obj->text, *end = p + obj->text_len;

	obj->nr_sites = 0;
	obj->patched = 0;
	obj->missed = 0;
	obj->unsure = 0;
	obj->first_missed = NULL;
	for (; (p = memmem(p, (size_t)(end - p), "\x0f\x05", 2)); p += 2)
		if ((const char *)p < mm_raw_first ||
		    (const char *)p >= mm_raw_last)
			consider(obj, p);
}
