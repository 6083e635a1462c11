/* SPDX-License-Identifier: BSD-2-Clause */
/* See under_fire.h. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/atomic.h"
#include "turns.h"
#include "under_fire.h"

#define HALF 5u /* of the accesses of a change, at least */
#define HOLD 4u /* accesses from one change to the next, at least */

struct fire {
	const struct under_fire *u;
	/* Changes by number, written by the one who makes them. */
	uint64_t begun, done;
	uint64_t counted; /* the change that accesses are across, 0: none */
	uint32_t stop;
	struct reader {
		struct fire *f;
		unsigned int nr;
		/*
		 * Its accesses: those across one change that concerns it, by what
		 * they found; others; others than there may be.
		 */
		uint64_t reads, olds, news, aborts, beside, wrong;
		uint64_t concerned; /* changes, by the one who makes them */
	} reader[UNDER_FIRE_READERS];
};

static uint64_t shown(const struct reader *r, uint64_t nr)
{
	return r->f->u->shown(r->f->u->arg, r->nr, nr);
}

static bool in_force(const struct reader *r, uint64_t value, uint64_t a,
		     uint64_t b)
{
	const struct under_fire *u = r->f->u;

	if (shown(r, a) == value)
		return true;
	for (a++; a <= b; a++)
		if (shown(r, a) == value ||
		    (value == u->aborted && u->aborts && u->aborts(u->arg, a)))
			return true;
	return false;
}

static void one_access(struct reader *r)
{
	struct fire *f = r->f;
	uint64_t a = load_acquire(&f->done), b, value;
	uint64_t nr = load_acquire(&f->counted);

	value = f->u->access(f->u->arg, r->nr);
	/* The access is before this look at what has begun. */
	fence_full();
	b = load_acquire(&f->begun);
	if (!in_force(r, value, a, b))
		turn(&r->wrong);
	else if (!nr || nr != load_acquire(&f->counted) ||
		 shown(r, nr - 1) == shown(r, nr))
		turn(&r->beside);
	else if (value == shown(r, nr - 1))
		turn(&r->olds);
	else if (value == shown(r, nr))
		turn(&r->news);
	else
		turn(&r->aborts);
	turn(&r->reads);
}

static void *keep_reading(void *arg)
{
	struct reader *r = arg;

	for (unsigned int n = 0; !load_acquire(&r->f->stop); n++) {
		one_access(r);
		/* More threads than processors: let the others have a go. */
		if (n % 13 == 0)
			sched_yield();
	}
	return NULL;
}

/* ----------------------------------------------------------- who changes -- */

static uint64_t across(const struct reader *r)
{
	return load_acquire(&r->olds) + load_acquire(&r->news) +
	       load_acquire(&r->aborts);
}

/* Until the reader has found this, too, often enough, and not less than the others. */
static void await_half(const struct reader *r, const uint64_t *count,
		       uint64_t from)
{
	while ((load_acquire(count) - from < HALF ||
		4 * load_acquire(count) < across(r)) &&
	       !load_acquire(&r->wrong))
		sched_yield();
}

static bool is_wrong(const struct fire *f)
{
	for (unsigned int i = 0; i < f->u->readers; i++)
		if (load_acquire(&f->reader[i].wrong))
			return true;
	return false;
}

static void hold(const struct fire *f)
{
	uint64_t from[UNDER_FIRE_READERS];
	unsigned int i;

	for (i = 0; i < f->u->readers; i++)
		from[i] = load_acquire(&f->reader[i].reads);
	for (i = 0; i < f->u->readers; i++)
		while (load_acquire(&f->reader[i].reads) - from[i] < HOLD)
			sched_yield();
}

static void change(struct fire *f, uint64_t nr)
{
	uint64_t olds[UNDER_FIRE_READERS], news[UNDER_FIRE_READERS];
	struct reader *r;
	unsigned int i;

	for (i = 0; i < f->u->readers; i++) {
		olds[i] = load_acquire(&f->reader[i].olds);
		news[i] = load_acquire(&f->reader[i].news);
	}
	store_release(&f->begun, nr);
	store_release(&f->counted, nr);
	fence_full();
	for (i = 0; i < f->u->readers; i++) {
		r = &f->reader[i];
		if (shown(r, nr - 1) != shown(r, nr))
			await_half(r, &r->olds, olds[i]);
	}
	f->u->change(f->u->arg, nr);
	/* What begins from here on finds the new one. */
	store_release(&f->done, nr);
	for (i = 0; i < f->u->readers; i++) {
		r = &f->reader[i];
		if (shown(r, nr - 1) == shown(r, nr))
			continue;
		await_half(r, &r->news, news[i]);
		r->concerned++;
	}
	store_release(&f->counted, 0);
}

static void judge(const struct reader *r)
{
	print_message(
		"# reader %u: %llu changes, across one %llu old, %llu new, "
		"%llu aborted; %llu beside\n",
		r->nr, (unsigned long long)r->concerned,
		(unsigned long long)r->olds, (unsigned long long)r->news,
		(unsigned long long)r->aborts, (unsigned long long)r->beside);
	assert_int_equal(r->wrong, 0);
	assert_true(r->concerned > 0);
	assert_true(across(r) >= 2 * HALF * r->concerned);
	assert_true(5 * r->olds >= across(r));
	assert_true(5 * r->news >= across(r));
	assert_true(r->f->u->aborts || !r->aborts);
}

void under_fire(const struct under_fire *u)
{
	struct fire f = { .u = u };
	pthread_t id[UNDER_FIRE_READERS];
	unsigned int i;
	uint64_t nr;

	assert_true(u->readers && u->readers <= UNDER_FIRE_READERS);
	for (i = 0; i < u->readers; i++) {
		f.reader[i].f = &f;
		f.reader[i].nr = i;
		assert_int_equal(pthread_create(&id[i], NULL, keep_reading,
						&f.reader[i]),
				 0);
	}
	for (nr = 1; nr <= u->changes && !is_wrong(&f); nr++) {
		change(&f, nr);
		hold(&f);
	}
	store_release(&f.stop, 1);
	for (i = 0; i < u->readers; i++)
		pthread_join(id[i], NULL);
	for (i = 0; i < u->readers; i++)
		judge(&f.reader[i]);
}
