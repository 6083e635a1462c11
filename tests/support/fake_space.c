/* SPDX-License-Identifier: BSD-2-Clause */
/* See fake_space.h. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/atomic.h"
#include "fake_space.h"

static int space_subscribe(void *ctx, struct uiommu_mm_notifier *n)
{
	struct space *s = ctx;

	if (s->refuse)
		return s->refuse;
	s->n[s->nr++] = n;
	return 0;
}

static int space_unsubscribe(void *ctx, struct uiommu_mm_notifier *n)
{
	struct space *s = ctx;

	for (unsigned int i = 0; i < s->nr; i++) {
		if (s->n[i] != n)
			continue;
		s->n[i] = s->n[--s->nr];
		return 0;
	}
	return -ENOENT;
}

static void meanwhile(struct space *s, bool early)
{
	void (*fn)(struct space * s) = s->meanwhile;

	if (!fn || s->early != early)
		return;
	s->meanwhile = NULL;
	fn(s);
}

static int space_populate(void *ctx, uint64_t uva, uint64_t len, bool write)
{
	struct space *s = ctx;
	uint64_t i = (uva - HOME) / SPACE_PAGE;
	int rc;

	assert_int_equal(len, SPACE_PAGE);
	assert_int_equal(load_relaxed(&s->held), 0);
	s->populated++;
	meanwhile(s, true);
	rc = i < PAGES && s->right[i] > write ? 0 : -EFAULT;
	meanwhile(s, false);
	return rc;
}

static uint64_t space_hold(void *ctx)
{
	struct space *s = ctx;

	fetch_add_acq_rel(&s->held, 1);
	return 77;
}

static void space_release(void *ctx, uint64_t held)
{
	struct space *s = ctx;

	assert_int_equal(held, 77);
	fetch_sub_acq_rel(&s->held, 1);
}

void space_init(struct space *s)
{
	*s = (struct space){
		.mm = {
			.ctx = s,
			.subscribe = space_subscribe,
			.unsubscribe = space_unsubscribe,
			.populate = space_populate,
			.hold = space_hold,
			.release = space_release,
			.page_lg2 = 12,
			.va_bits = 47,
		},
	};
	memset(s->right, 2, sizeof(s->right));
}

void begin(struct space *s, uint64_t first, uint64_t last)
{
	for (unsigned int i = 0; i < s->nr; i++)
		s->n[i]->begin(s->n[i], first, last, UIOMMU_MM_UNMAP);
}

void end(struct space *s, uint64_t first, uint64_t last)
{
	for (unsigned int i = s->nr; i--;)
		s->n[i]->end(s->n[i], first, last, UIOMMU_MM_UNMAP);
}
