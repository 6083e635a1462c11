/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory of an IOAS used by the CPU: pins, copies, and who asks for them back. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/atomic.h"
#include "turns.h"
#include "world.h"

#define PINS 8
#define DIRTY UIOMMU_ACCESS_WRITE
#define SLOW UIOMMU_ACCESS_SLOW

/* Who has an access, and what it has pinned. */
struct user {
	struct uiommu_access *access;
	pthread_mutex_t lock; /* the rest */
	struct {
		uint64_t iova, len;
	} pin[PINS];
	unsigned int nr;
	bool stubborn;	     /* does not let go */
	unsigned int asked;  /* times */
	uint64_t first, len; /* of the last time */
};

static void let_go(struct user *u, unsigned int i)
{
	uiommu_access_unpin_pages(u->access, u->pin[i].iova, u->pin[i].len);
	u->pin[i] = u->pin[--u->nr];
}

static void on_unmap(void *ctx, uiommu_iova_t iova, uint64_t len)
{
	struct user *u = ctx;
	uint64_t last = len == UINT64_MAX ? len : iova + len - 1;

	pthread_mutex_lock(&u->lock);
	u->asked++;
	u->first = iova;
	u->len = len;
	for (unsigned int i = u->nr; i-- && !u->stubborn;)
		if (u->pin[i].iova <= last &&
		    u->pin[i].iova + u->pin[i].len - 1 >= iova)
			let_go(u, i);
	pthread_mutex_unlock(&u->lock);
}

static const struct uiommu_access_ops pin_ops = { true, on_unmap };
static const struct uiommu_access_ops copy_ops = { false, on_unmap };

static void user_init(struct user *u, struct world *w,
		      const struct uiommu_access_ops *ops)
{
	*u = (struct user){ 0 };
	pthread_mutex_init(&u->lock, NULL);
	assert_int_equal(uiommu_access_create(w->core, ops, u, &u->access), 0);
}

static void user_fini(struct user *u)
{
	uiommu_access_destroy(u->access);
	assert_int_equal(u->nr, 0);
	pthread_mutex_destroy(&u->lock);
}

static void user_open(struct user *u, struct world *w, struct uiommu_ioas *ioas)
{
	user_init(u, w, &pin_ops);
	assert_int_equal(uiommu_access_attach(u->access, ioas), 0);
}

static int pin(struct user *u, uint64_t iova, uint64_t len, uint32_t flags,
	       uiommu_pa_t *pages)
{
	int rc;

	pthread_mutex_lock(&u->lock);
	rc = u->nr < PINS ? uiommu_access_pin_pages(u->access, iova, len, flags,
						    pages)
			  : -ENOSPC;
	if (!rc) {
		u->pin[u->nr].iova = iova;
		u->pin[u->nr++].len = len;
	}
	pthread_mutex_unlock(&u->lock);
	return rc;
}

/* The oldest one, unless all have been asked for meanwhile. */
static void unpin(struct user *u)
{
	pthread_mutex_lock(&u->lock);
	if (u->nr)
		let_go(u, 0);
	pthread_mutex_unlock(&u->lock);
}

/* Page i of memory is pinned want[i] - '0' times. */
static void check_pins(struct world *w, const char *want)
{
	for (unsigned int i = 0; want[i]; i++)
		if (w->mm.pins[i] != (uint32_t)(want[i] - '0'))
			fail_msg("page %u: %u pins, not %c", i, w->mm.pins[i],
				 want[i]);
}

static void pages_are_pinned_when_asked_for_and_once(void **state)
{
	struct world *w = *state;
	struct uiommu_ioas *a = new_ioas(w), *b = new_ioas(w);
	struct user u, v;
	struct uiommu_domain *dom;
	uiommu_pa_t pages[4];
	uint64_t iova = 0x40000;

	w->mm.scatter = true;
	assert_int_equal(map_at(w, a, 0, 8, 0x10000, RW), 0);
	assert_int_equal(
		uiommu_ioas_copy(b, a, 0x10000, 8 * PAGE, RW, FIXED, &iova), 0);
	user_open(&u, w, a);
	user_open(&v, w, b);
	check_pins(w, "00000000");
	assert_int_equal(pin(&u, 0x12000, 3 * PAGE, DIRTY, pages), 0);
	check_pins(w, "00111000");
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(pages[i],
				 fake_mm_pa(&w->mm, MEM + (2 + i) * PAGE));
	/* The same again, overlapping, from another IOAS, by a domain. */
	assert_int_equal(pin(&u, 0x12000, 3 * PAGE, 0, pages), 0);
	assert_int_equal(pin(&v, 0x43000, 3 * PAGE + 1, 0, pages), 0);
	assert_int_equal(pages[3], fake_mm_pa(&w->mm, MEM + 6 * PAGE));
	check_pins(w, "00111110");
	dom = join(w, a);
	check_pins(w, "11111111");
	unpin(&u);
	unpin(&v);
	check_pins(w, "11111111");
	leave(a, dom);
	check_pins(w, "00111000");
	unpin(&u);
	check_pins(w, "00000000");
	user_fini(&u);
	user_fini(&v);
	uiommu_ioas_destroy(a);
	uiommu_ioas_destroy(b);
}

static void what_cannot_be_pinned(void **state)
{
	struct world *w = *state;
	struct uiommu_ioas *ioas = new_ioas(w);
	uint64_t iova = 0x20800, n;
	uiommu_pa_t pages[16];
	struct user u, c;
	unsigned int i;
	static const struct {
		uint64_t iova, len;
		uint32_t flags;
		int rc;
	} table[] = {
		{ 0x10000, 0, 0, -EINVAL },
		{ 0x10000, UINT64_MAX - 0xffff, 0, -ENOENT },
		{ 0x10000, UINT64_MAX - 0xffe0, 0, -EOVERFLOW },
		{ 0xf000, 2 * PAGE, 0, -ENOENT },
		/* A hole behind what is there. */
		{ 0x12000, 3 * PAGE, 0, -ENOENT },
		/* Not from the start of a page. */
		{ 0x10800, PAGE, 0, -EINVAL },
		{ 0x30000, PAGE, DIRTY, -EPERM },
		{ 0x31000, PAGE, 0, -EPERM },
		{ 0x40000, PAGE, 0, -EFAULT },
		{ 0x41000, PAGE, 0, -EFAULT },
	};

	user_init(&u, w, &pin_ops);
	user_init(&c, w, &copy_ops);
	assert_int_equal(pin(&u, 0x10000, PAGE, 0, pages), -ENOENT);
	assert_int_equal(uiommu_access_attach(c.access, ioas), 0);
	assert_int_equal(map_at(w, ioas, 0, 4, 0x10000, RW), 0);
	assert_int_equal(uiommu_ioas_map(ioas, &w->mm.mm, MEM, 0x800, RW, FIXED,
					 &iova),
			 0);
	assert_int_equal(pin(&c, 0x10000, PAGE, 0, pages), -EINVAL);
	assert_int_equal(uiommu_access_attach(u.access, ioas), -EADDRINUSE);
	assert_int_equal(uiommu_ioas_unmap(ioas, 0x20800, 0x800, &n), 0);
	assert_int_equal(uiommu_access_attach(u.access, ioas), 0);
	assert_int_equal(map_at(w, ioas, 4, 1, 0x30000, RO), 0);
	assert_int_equal(map_at(w, ioas, 5, 1, 0x31000, UIOMMU_PROT_WRITE), 0);
	w->mm.mmio = 6;
	assert_int_equal(map_at(w, ioas, 6, 1, 0x40000, RW), 0);
	iova = 0x41000;
	assert_int_equal(uiommu_ioas_map(ioas, &w->mm.mm, MEM + 6 * PAGE, PAGE,
					 RW, FIXED | UIOMMU_IOAS_MMIO_OK,
					 &iova),
			 0);
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_int_equal(pin(&u, table[i].iova, table[i].len,
				     table[i].flags, pages),
				 table[i].rc);
		check_pins(w, "0000000000000000");
	}
	user_fini(&u);
	user_fini(&c);
	uiommu_ioas_destroy(ioas);
}

/* The alignment is a page as long as somebody may pin. */
static void alignment(void **state)
{
	struct world *w = *state;
	struct uiommu_ioas *ioas = new_ioas(w);
	uint64_t align, iova = 0x10800;
	struct user u, v, c;

	user_init(&c, w, &copy_ops);
	assert_int_equal(uiommu_access_attach(c.access, ioas), 0);
	uiommu_ioas_iova_ranges(ioas, NULL, 0, &align);
	assert_int_equal(align, 1);
	user_open(&u, w, ioas);
	user_open(&v, w, ioas);
	uiommu_ioas_iova_ranges(ioas, NULL, 0, &align);
	assert_int_equal(align, PAGE);
	assert_int_equal(uiommu_ioas_map(ioas, &w->mm.mm, MEM, PAGE, RW, FIXED,
					 &iova),
			 -EINVAL);
	assert_int_equal(uiommu_ioas_set_huge_pages(ioas, false), 0);
	assert_int_equal(uiommu_ioas_set_huge_pages(ioas, true), 0);
	user_fini(&u);
	uiommu_ioas_iova_ranges(ioas, NULL, 0, &align);
	assert_int_equal(align, PAGE);
	user_fini(&v);
	uiommu_ioas_iova_ranges(ioas, NULL, 0, &align);
	assert_int_equal(align, 1);
	assert_int_equal(uiommu_ioas_map(ioas, &w->mm.mm, MEM, PAGE, RW, FIXED,
					 &iova),
			 0);
	user_fini(&c);
	uiommu_ioas_destroy(ioas);
}

static void unmap_asks_for_what_is_pinned(void **state)
{
	struct world *w = *state;
	struct uiommu_ioas *ioas = new_ioas(w);
	struct uiommu_domain *dom = join(w, ioas);
	uiommu_pa_t pages[4];
	struct user u, v;
	uint64_t n;

	user_open(&u, w, ioas);
	user_open(&v, w, ioas);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(
			map_at(w, ioas, 2 * i, 2, 0x10000 * (i + 1), RW), 0);
	assert_int_equal(pin(&u, 0x20000, PAGE, 0, pages), 0);
	assert_int_equal(pin(&u, 0x41000, PAGE, 0, pages), 0);
	assert_int_equal(pin(&v, 0x20000, 2 * PAGE, 0, pages), 0);
	/* Nobody is asked for what nobody has. */
	assert_int_equal(uiommu_ioas_unmap(ioas, 0x10000, 2 * PAGE, &n), 0);
	assert_int_equal(u.asked + v.asked, 0);
	/* All are asked for what somebody has, with the area's range. */
	assert_int_equal(uiommu_ioas_unmap(ioas, 0x20000, 0x20000, &n), 0);
	assert_int_equal(n, 4 * PAGE);
	assert_int_equal(u.asked, 1);
	assert_int_equal(v.asked, 1);
	assert_int_equal(u.first, 0x20000);
	assert_int_equal(u.len, 2 * PAGE);
	assert_int_equal(u.nr, 1);
	assert_int_equal(v.nr, 0);
	assert_true(shows_nothing(dom, 0x20000, 2));
	assert_int_equal(uiommu_ioas_unmap_all(ioas, &n), 0);
	assert_int_equal(n, 2 * PAGE);
	assert_int_equal(u.nr, 0);
	check_pins(w, "00000000");
	user_fini(&u);
	user_fini(&v);
	leave(ioas, dom);
	uiommu_ioas_destroy(ioas);
}

static void who_does_not_let_go_blocks(void **state)
{
	struct world *w = *state;
	struct uiommu_ioas *ioas = new_ioas(w);
	uiommu_pa_t page;
	struct user u;
	uint8_t byte;
	uint64_t n;

	user_open(&u, w, ioas);
	assert_int_equal(map_at(w, ioas, 0, 2, 0x10000, RW), 0);
	assert_int_equal(map_at(w, ioas, 2, 2, 0x12000, RW), 0);
	assert_int_equal(pin(&u, 0x12000, PAGE, 0, &page), 0);
	u.stubborn = true;
	assert_int_equal(uiommu_ioas_unmap(ioas, 0, 0x100000, &n), -EDEADLK);
	/* What comes before it went; it stays, for its pins only. */
	assert_int_equal(n, 2 * PAGE);
	assert_int_equal(u.asked, 101);
	check_pins(w, "0010");
	assert_int_equal(pin(&u, 0x12000, PAGE, 0, &page), -EINVAL);
	assert_int_equal(uiommu_access_rw(u.access, 0x12000, &byte, 1, 0),
			 -EINVAL);
	assert_int_equal(uiommu_ioas_cut(ioas, 0x13000), -EBUSY);
	unpin(&u);
	assert_int_equal(uiommu_ioas_unmap(ioas, 0x12000, 2 * PAGE, &n), 0);
	user_fini(&u);
	uiommu_ioas_destroy(ioas);
}

static void pinned_areas_are_not_cut(void **state)
{
	struct world *w = *state;
	struct uiommu_ioas *ioas = new_ioas(w);
	uiommu_pa_t pages[4];
	struct user u;

	user_open(&u, w, ioas);
	assert_int_equal(map_at(w, ioas, 0, 4, 0x10000, RW), 0);
	assert_int_equal(pin(&u, 0x10000, PAGE, 0, pages), 0);
	assert_int_equal(uiommu_ioas_cut(ioas, 0x12000), -EINVAL);
	unpin(&u);
	assert_int_equal(uiommu_ioas_cut(ioas, 0x12000), 0);
	/* Across the cut. */
	assert_int_equal(pin(&u, 0x10000, 4 * PAGE, 0, pages), 0);
	assert_int_equal(pages[3], fake_mm_pa(&w->mm, MEM + 3 * PAGE));
	check_pins(w, "1111");
	unpin(&u);
	check_pins(w, "0000");
	user_fini(&u);
	uiommu_ioas_destroy(ioas);
}

/* Without operations: nobody is asked, the area is locked. */
static void an_owner_locks(void **state)
{
	struct world *w = *state;
	struct uiommu_ioas *ioas = new_ioas(w);
	uiommu_pa_t page;
	struct user u;
	uint64_t n;

	user_init(&u, w, NULL);
	assert_int_equal(uiommu_access_attach(u.access, ioas), 0);
	assert_int_equal(map_at(w, ioas, 0, 2, 0x10000, RW), 0);
	assert_int_equal(pin(&u, 0x10000, PAGE, 0, &page), 0);
	assert_int_equal(uiommu_ioas_unmap(ioas, 0x10000, 2 * PAGE, &n),
			 -EBUSY);
	assert_int_equal(uiommu_ioas_unmap_all(ioas, &n), -EBUSY);
	assert_int_equal(u.asked, 0);
	unpin(&u);
	assert_int_equal(uiommu_ioas_unmap_all(ioas, &n), 0);
	user_fini(&u);
	uiommu_ioas_destroy(ioas);
}

static void changing_the_ioas(void **state)
{
	struct world *w = *state;
	struct uiommu_ioas *a = new_ioas(w), *b = new_ioas(w);
	uint64_t iova = 0x10800, n;
	uiommu_pa_t page;
	struct user u;

	user_open(&u, w, a);
	assert_int_equal(map_at(w, a, 0, 1, 0x10000, RW), 0);
	assert_int_equal(pin(&u, 0x10000, PAGE, 0, &page), 0);
	/* Does not fit: all is as before. */
	assert_int_equal(
		uiommu_ioas_map(b, &w->mm.mm, MEM, PAGE, RW, FIXED, &iova), 0);
	assert_int_equal(uiommu_access_attach(u.access, b), -EADDRINUSE);
	assert_int_equal(u.asked, 0);
	assert_int_equal(pin(&u, 0x10000, PAGE, 0, &page), 0);
	/* The same one: nothing happens. */
	assert_int_equal(uiommu_access_attach(u.access, a), 0);
	assert_int_equal(u.asked, 0);
	assert_int_equal(uiommu_ioas_unmap_all(b, &n), 0);
	assert_int_equal(map_at(w, b, 7, 1, 0x10000, RW), 0);
	assert_int_equal(uiommu_access_attach(u.access, b), 0);
	assert_int_equal(u.asked, 1);
	assert_int_equal(u.first, 0);
	assert_true(u.len == UINT64_MAX);
	assert_int_equal(u.nr, 0);
	check_pins(w, "00000000");
	assert_int_equal(pin(&u, 0x10000, PAGE, 0, &page), 0);
	assert_int_equal(page, fake_mm_pa(&w->mm, MEM + 7 * PAGE));
	/* The first one does not know it any more. */
	uiommu_ioas_destroy(a);
	assert_int_equal(uiommu_access_attach(u.access, NULL), 0);
	check_pins(w, "00000000");
	assert_int_equal(pin(&u, 0x10000, PAGE, 0, &page), -ENOENT);
	user_fini(&u);
	uiommu_ioas_destroy(b);
}

static void copies(void **state)
{
	static const uint32_t ways[] = { 0, SLOW };
	struct world *w = *state;
	struct uiommu_ioas *ioas = new_ioas(w);
	struct user u;
	uint8_t buf[3 * PAGE], want[sizeof(buf)];

	w->mm.scatter = true;
	w->mm.read_only = 9;
	w->mm.mmio = 10;
	user_init(&u, w, &copy_ops);
	assert_int_equal(uiommu_access_rw(u.access, 0x10000, buf, 1, 0),
			 -ENOENT);
	assert_int_equal(uiommu_access_attach(u.access, ioas), 0);
	/* Memory 4, 5 then 0, 1; then a hole. */
	assert_int_equal(map_at(w, ioas, 4, 2, 0x10000, RW), 0);
	assert_int_equal(map_at(w, ioas, 0, 2, 0x12000, RW), 0);
	assert_int_equal(map_at(w, ioas, 8, 1, 0x20000, RO), 0);
	assert_int_equal(map_at(w, ioas, 2000, 1, 0x21000, RW), 0);
	for (unsigned int i = 0; i < 8 * PAGE; i++)
		w->mm.bytes[i] = (uint8_t)(i * 7 + (i >> 8));
	for (unsigned int i = 0; i < 2; i++) {
		uint32_t way = ways[i];
		struct uiommu_access *a = u.access;

		memcpy(want, w->mm.bytes + 4 * PAGE + 0x456, 2 * PAGE - 0x456);
		memcpy(want + 2 * PAGE - 0x456, w->mm.bytes, PAGE);
		assert_int_equal(uiommu_access_rw(a, 0x10456, buf,
						  3 * PAGE - 0x456, way),
				 0);
		assert_memory_equal(buf, want, 3 * PAGE - 0x456);
		memset(buf, 0xa0 + (int)i, sizeof(buf));
		assert_int_equal(
			uiommu_access_rw(a, 0x11fff, buf, 2, way | DIRTY), 0);
		assert_int_equal(w->mm.bytes[6 * PAGE - 1], 0xa0 + i);
		assert_int_equal(w->mm.bytes[0], 0xa0 + i);
		assert_int_equal(w->mm.bytes[1], (uint8_t)7);
		/* What comes before the hole is moved. */
		assert_int_equal(uiommu_access_rw(a, 0x13ffe, buf, 3,
						  way | DIRTY),
				 -ENOENT);
		assert_int_equal(w->mm.bytes[2 * PAGE - 2], 0xa0 + i);
		assert_int_equal(uiommu_access_rw(a, 0x20000, buf, 1, way), 0);
		assert_int_equal(uiommu_access_rw(a, 0x20000, buf, 1,
						  way | DIRTY),
				 -EPERM);
		assert_int_equal(uiommu_access_rw(a, 0x21000, buf, 1, way),
				 -EFAULT);
		assert_int_equal(uiommu_access_rw(a, 0x10000, buf, 0, way),
				 -EINVAL);
		assert_int_equal(uiommu_access_rw(a, UINT64_MAX, buf, 2, way),
				 -EOVERFLOW);
		check_pins(w, "0000000000000000");
	}
	user_fini(&u);
	uiommu_ioas_destroy(ioas);
}

/* An mm that has no copy is reached through pins; one without both, not at all. */
static void ways_of_memory(void **state)
{
	struct world *w = *state;
	struct uiommu_mm *mm = &w->mm.mm;
	struct uiommu_ioas *ioas = new_ioas(w);
	uint64_t iova = 0x10000;
	struct user u;
	uint8_t byte;

	user_init(&u, w, &copy_ops);
	assert_int_equal(uiommu_access_attach(u.access, ioas), 0);
	mm->copy = NULL;
	assert_int_equal(uiommu_ioas_map(ioas, mm, MEM, PAGE, RW, FIXED, &iova),
			 0);
	mm->copy_pinned = NULL;
	iova = 0x20000;
	assert_int_equal(uiommu_ioas_map(ioas, mm, MEM, PAGE, RW, FIXED, &iova),
			 0);
	w->mm.bytes[5] = 0x5a;
	assert_int_equal(uiommu_access_rw(u.access, 0x10005, &byte, 1, 0), 0);
	assert_int_equal(byte, 0x5a);
	w->mm.fail_pin = 1;
	assert_int_equal(uiommu_access_rw(u.access, 0x10005, &byte, 1, 0),
			 -EFAULT);
	assert_int_equal(uiommu_access_rw(u.access, 0x20005, &byte, 1, 0),
			 -EFAULT);
	check_pins(w, "0");
	user_fini(&u);
	uiommu_ioas_destroy(ioas);
}

/* Each allocation fails once; nothing is pinned or claimed then. */
static void without_memory(void **state)
{
	struct world *w = *state;
	struct uiommu_ioas *ioas = new_ioas(w);
	uiommu_pa_t pages[8];
	unsigned int failed = 0;
	struct user u;
	uint64_t n;
	int rc;

	w->mm.scatter = true;
	assert_int_equal(map_at(w, ioas, 0, 4, 0x10000, RW), 0);
	assert_int_equal(map_at(w, ioas, 4, 4, 0x14000, RW), 0);
	for (unsigned int nth = 1;; nth++) {
		uiommu_host_fail_nth(w->host, nth);
		rc = uiommu_access_create(w->core, &pin_ops, &u, &u.access);
		if (!uiommu_host_fail_nth(w->host, 0))
			break;
		assert_int_equal(rc, -ENOMEM);
		failed++;
	}
	uiommu_access_destroy(u.access);
	assert_true(failed > 0);
	user_open(&u, w, ioas);
	/* Pages in the middle, so that the pins around are several. */
	assert_int_equal(pin(&u, 0x12000, 4 * PAGE, 0, pages), 0);
	for (unsigned int nth = 1;; nth++) {
		uiommu_host_fail_nth(w->host, nth);
		rc = pin(&u, 0x10000, 7 * PAGE, 0, pages);
		if (!uiommu_host_fail_nth(w->host, 0))
			break;
		assert_int_equal(rc, -ENOMEM);
		check_pins(w, "00111100");
		failed++;
	}
	assert_int_equal(rc, 0);
	assert_true(failed > 3);
	check_pins(w, "11111110");
	/* No area believes to be pinned. */
	unpin(&u);
	unpin(&u);
	u.stubborn = true;
	assert_int_equal(uiommu_ioas_unmap_all(ioas, &n), 0);
	user_fini(&u);
	uiommu_ioas_destroy(ioas);
}

/* ---------------------------------------------------------------- races -- */

/* An assertion of a thread that is not the test's. */
static void must(bool good, const char *what, int rc)
{
	if (good)
		return;
	fprintf(stderr, "%s: %d\n", what, rc);
	abort();
}

struct ring {
	struct world *w;
	struct uiommu_ioas *ioas[2];
	struct user u;
	uint32_t stop; /* atomic */
	uint64_t pinned, copied, unmapped, changed, joined;
};

static void *pinner(void *arg)
{
	struct ring *r = arg;
	uiommu_pa_t pages[4];

	while (!load_acquire(&r->stop)) {
		int rc = pin(&r->u, 0x11000, 3 * PAGE, DIRTY, pages);

		if (!rc)
			turn(&r->pinned);
		if (rc == -ENOSPC)
			unpin(&r->u);
		else
			must(!rc || rc == -ENOENT || rc == -EINVAL, "pin", rc);
	}
	return NULL;
}

static void *copier(void *arg)
{
	struct ring *r = arg;
	uint8_t buf[64];

	while (!load_acquire(&r->stop)) {
		uint32_t slow = load_relaxed(&r->copied) & 1 ? SLOW : 0;
		int rc = uiommu_access_rw(r->u.access, 0x11fe0, buf,
					  sizeof(buf), slow);

		if (!rc)
			turn(&r->copied);
		else
			must(rc == -ENOENT || rc == -EINVAL, "copy", rc);
	}
	return NULL;
}

static void *mapper(void *arg)
{
	struct ring *r = arg;
	unsigned int at = 0;
	uint64_t n;

	while (!load_acquire(&r->stop)) {
		struct uiommu_ioas *ioas = r->ioas[at++ & 1];
		int rc = map_at(r->w, ioas, at & 7, 2, 0x10000, RW);

		must(!rc, "map", rc);
		rc = map_at(r->w, ioas, 16, 2, 0x12000, RW);
		must(!rc, "second map", rc);
		rc = uiommu_ioas_unmap(ioas, 0x10000, 4 * PAGE, &n);
		must(!rc && n == 4 * PAGE, "unmap", rc);
		turn(&r->unmapped);
	}
	return NULL;
}

static void *changer(void *arg)
{
	struct ring *r = arg;
	unsigned int at = 0;

	while (!load_acquire(&r->stop)) {
		int rc = uiommu_access_attach(r->u.access, r->ioas[++at & 1]);

		must(!rc, "attach", rc);
		/* Writers come first: let the others in. */
		usleep(50);
		turn(&r->changed);
	}
	return NULL;
}

static void *joiner(void *arg)
{
	struct ring *r = arg;

	while (!load_acquire(&r->stop)) {
		struct uiommu_domain *dom = new_domain(r->w);

		int rc = uiommu_ioas_add_domain(r->ioas[0], dom);

		must(!rc, "join", rc);
		uiommu_ioas_remove_domain(r->ioas[0], dom);
		uiommu_domain_free(dom);
		turn(&r->joined);
	}
	return NULL;
}

static void all_at_once(void **state)
{
	static void *(*const threads[])(void *) = { pinner, copier, mapper,
						    changer, joiner };
	struct world *w = *state;
	struct ring r = { .w = w, .ioas = { new_ioas(w), new_ioas(w) } };
	const uint64_t *const counts[] = { &r.pinned, &r.copied, &r.unmapped,
					   &r.changed, &r.joined };
	pthread_t thread[5];
	bool all;

	user_open(&r.u, w, r.ioas[0]);
	for (unsigned int i = 0; i < 5; i++)
		pthread_create(&thread[i], NULL, threads[i], &r);
	all = let_fight(300, counts, 5);
	store_release(&r.stop, 1);
	for (unsigned int i = 0; i < 5; i++)
		pthread_join(thread[i], NULL);
	assert_true(all);
	user_fini(&r.u);
	uiommu_ioas_destroy(r.ioas[0]);
	uiommu_ioas_destroy(r.ioas[1]);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)
	const struct CMUnitTest tests[] = {
		T(pages_are_pinned_when_asked_for_and_once),
		T(what_cannot_be_pinned),
		T(alignment),
		T(unmap_asks_for_what_is_pinned),
		T(who_does_not_let_go_blocks),
		T(pinned_areas_are_not_cut),
		T(an_owner_locks),
		T(changing_the_ioas),
		T(copies),
		T(ways_of_memory),
		T(without_memory),
		T(all_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
