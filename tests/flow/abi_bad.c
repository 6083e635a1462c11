/* SPDX-License-Identifier: BSD-2-Clause */
/* abi_bad.c - what makes bad input of a description; see abi_bad.h. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "abi_bad.h"
#include "nth.h"

#define STRUCT_MAX 256u

/* Where an attempt puts its structure. */
enum place {
	AT_EDGE, /* writable, nothing readable behind it */
	AT_RO,	 /* the same, cannot be written */
	AT_SEAM, /* the first 8 bytes can be written, the rest not */
};

/* One bad call about to be made. */
struct attempt {
	const struct bad_call *call;
	const char *what;
	uint64_t val; /* for the message */
	uint8_t buf[STRUCT_MAX];
	size_t len; /* bytes that are there */
	enum place place;
	long want;
	bool undo; /* it did something although it failed */
};

/* --------------------------------------------------------------- state -- */

static void line_of_context(struct bad_world *w, FILE *out, enum bad_sym fd)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	struct iommu_destroy destroy = { .size = sizeof(destroy) };
	struct iommu_vfio_ioas compat = { .size = sizeof(compat) };
	long rc;

	assert_int_equal(bad_ioctl(w, fd, IOMMU_IOAS_ALLOC, &alloc), 0);
	destroy.id = alloc.out_ioas_id;
	assert_int_equal(bad_ioctl(w, fd, IOMMU_DESTROY, &destroy), 0);
	rc = bad_ioctl(w, fd, IOMMU_VFIO_IOAS, &compat);
	fprintf(out, "next id %u compat %ld %u\n", alloc.out_ioas_id, rc,
		compat.ioas_id);
}

char *bad_state(struct bad_world *w)
{
	struct iommu_option option = { .size = sizeof(option),
				       .option_id = IOMMU_OPTION_HUGE_PAGES,
				       .op = IOMMU_OPTION_OP_GET };
	char *machine = machine_text(w->machine), *text = NULL;
	struct uiommu_core_stats stats;
	int fd = dup(STDERR_FILENO);
	size_t len;
	FILE *out;

	close(fd);
	out = open_memstream(&text, &len);
	assert_non_null(out);
	fputs(machine, out);
	free(machine);
	line_of_context(w, out, FD_A);
	line_of_context(w, out, FD_B);
	line_of_context(w, out, FD_COMPAT);
	for (unsigned int id = ID_IOAS; id <= ID_EMPTY; id++) {
		option.object_id = (uint32_t)w->sym[id];
		assert_int_equal(bad_ioctl(w, FD_A, IOMMU_OPTION, &option), 0);
		fprintf(out, "huge pages %u\n", (unsigned int)option.val64);
	}
	uiommu_core_stats(uiommu_machine_core(w->machine), &stats);
	fprintf(out, "pinned %lu areas %lu next descriptor %d\n",
		(unsigned long)stats.pinned_bytes, (unsigned long)stats.areas,
		fd);
	fclose(out);
	return text;
}

/* Fails with the first line in which they differ. */
static void fail_texts(const char *what, const char *was, const char *is)
{
	size_t at = 0, from = 0;

	for (; was[at] && was[at] == is[at]; at++)
		if (was[at] == '\n')
			from = at + 1;
	fail_msg("%s:\n%.*s\nhas become\n%.*s", what,
		 (int)strcspn(was + from, "\n"), was + from,
		 (int)strcspn(is + from, "\n"), is + from);
}

void bad_expect_state(struct bad_world *w, const char *what, const char *was)
{
	char *is = bad_state(w);

	if (strcmp(is, was))
		fail_texts(what, was, is);
	free(is);
}

/* ------------------------------------------------------------ attempts -- */

/* The state is as it was before the attempt. */
static void expect_state(struct bad_world *w, const struct attempt *t,
			 const char *was)
{
	char what[128];

	snprintf(what, sizeof(what), "%s, %s (%#lx)", t->call->name, t->what,
		 (unsigned long)t->val);
	bad_expect_state(w, what, was);
}

uint64_t bad_resolve(const struct bad_world *w, uint64_t val)
{
	if ((val & ~UINT64_C(0xffffffff)) != SYM_TAG)
		return val;
	return w->sym[(uint32_t)val];
}

static void put(struct bad_world *w, struct attempt *t,
		const struct bad_set *set)
{
	uint64_t val = bad_resolve(w, set->val);

	memcpy(t->buf + set->at.off, &val, set->at.len);
}

/* The good structure, from which an attempt starts. */
static void begin(struct bad_world *w, struct attempt *t,
		  const struct bad_call *call, const char *what)
{
	memset(t, 0, sizeof(*t));
	t->call = call;
	t->what = what;
	t->len = call->size;
	t->want = call->good;
	if (call->kind != BAD_PLAIN && call->kind != BAD_VALUE)
		memcpy(t->buf, &(uint32_t){ call->size }, sizeof(uint32_t));
	for (unsigned int i = 0; call->set[i].at.len; i++)
		put(w, t, &call->set[i]);
}

/* The structure where it belongs; its address. */
static uint64_t place(struct bad_world *w, const struct attempt *t)
{
	uint64_t at = w->edge - t->len;

	if (t->place == AT_RO)
		at = w->ro_edge - t->len;
	else if (t->place == AT_SEAM)
		at = w->ro_edge - PAGE - 8;
	if (t->place != AT_EDGE)
		assert_int_equal(mprotect((void *)(w->ro_edge - PAGE), PAGE,
					  PROT_READ | PROT_WRITE),
				 0);
	memcpy((void *)at, t->buf, t->len);
	if (t->place != AT_EDGE)
		assert_int_equal(mprotect((void *)(w->ro_edge - PAGE), PAGE,
					  PROT_READ),
				 0);
	return at;
}

static void make(struct bad_world *w, const struct attempt *t)
{
	const struct bad_call *call = t->call;
	uint64_t answer[STRUCT_MAX / 8]; /* where any structure may lie */
	char *was = bad_state(w);
	uint64_t arg;
	long rc;

	if (call->kind == BAD_VALUE)
		memcpy(&arg, t->buf, sizeof(arg));
	else
		arg = place(w, t);
	rc = bad_ioctl(w, call->fd, call->cmd, (void *)arg);
	if (rc != t->want && !(rc > 0 && t->want > 0))
		fail_msg("%s, %s (%#lx): %ld, not %ld", call->name, t->what,
			 (unsigned long)t->val, rc, t->want);
	if (call->kind == BAD_VALUE)
		memcpy(answer, &rc, sizeof(rc));
	else
		memcpy(answer, (void *)arg, t->len);
	if ((rc >= 0 || t->undo) && call->undo)
		call->undo(w, answer);
	expect_state(w, t, was);
	free(was);
}

/* At an address that is no place for a structure. */
static void make_at(struct bad_world *w, struct attempt *t, uint64_t arg)
{
	char *was = bad_state(w);
	long rc = bad_ioctl(w, t->call->fd, t->call->cmd, (void *)arg);

	if (rc != -EFAULT)
		fail_msg("%s at %#lx: %ld", t->call->name, (unsigned long)arg,
			 rc);
	expect_state(w, t, was);
	free(was);
}

/* ------------------------------------------------------ kinds of badness -- */

static void set_size(struct attempt *t, uint32_t size)
{
	memcpy(t->buf, &size, sizeof(size));
	t->val = size;
}

static void short_ones(struct bad_world *w, const struct bad_call *call)
{
	struct attempt t;

	for (uint32_t size = 0; size < call->min; size++) {
		begin(w, &t, call, "too short");
		set_size(&t, size);
		t.want = -EINVAL;
		make(w, &t);
	}
	begin(w, &t, call, "as short as may be");
	set_size(&t, call->min);
	t.len = call->min;
	t.want = call->min < call->size ? call->good_min : call->good;
	make(w, &t);
}

static void long_ones(struct bad_world *w, const struct bad_call *call)
{
	static const uint32_t more[] = { 1, 8, 100 };
	bool strict = call->kind != BAD_ARGSZ;
	struct attempt t;

	for (unsigned int i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
		begin(w, &t, call, "longer, zero");
		set_size(&t, call->size + more[i]);
		t.len = call->size + more[i];
		make(w, &t);
		t.what = "longer, not zero";
		t.buf[t.len - 1] = 1;
		t.want = strict ? -E2BIG : call->good;
		make(w, &t);
		if (call->chain)
			continue;
		begin(w, &t, call, "longer, but not there");
		set_size(&t, call->size + more[i]);
		t.want = strict ? -EFAULT : call->good;
		make(w, &t);
	}
}

/* How much of it there has to be is how much is read. */
static void pointers(struct bad_world *w, const struct bad_call *call)
{
	size_t need = call->kind == BAD_SIZE || call->kind == BAD_GROWS
			      ? call->size
			      : call->min;
	struct attempt t;

	begin(w, &t, call, "pointer");
	make_at(w, &t, 0);
	make_at(w, &t, 1);
	make_at(w, &t, w->sym[P_NONE]);
	make_at(w, &t, U64_MAX);
	make_at(w, &t, U64_MAX - 7);
	make_at(w, &t, UINT64_C(1) << 63);
	make_at(w, &t, UINT64_C(0x0000800000000000));
	for (t.len = 1; t.len < need; t.len++) {
		place(w, &t);
		make_at(w, &t, w->edge - t.len);
	}
}

static void read_only(struct bad_world *w, const struct bad_call *call)
{
	struct attempt t;

	begin(w, &t, call, "memory that can be read only");
	t.place = AT_RO;
	if (call->writes) {
		t.want = -EFAULT;
		t.undo = call->keeps;
	}
	make(w, &t);
	if (!call->writes || call->size <= 8)
		return;
	t.what = "memory that can be written in part";
	t.place = AT_SEAM;
	make(w, &t);
}

static void ids(struct bad_world *w, const struct bad_call *call,
		const struct bad_id *id)
{
	static const uint64_t never[] = { 0, 0x7fffffff, 0x80000000,
					  0xffffffff };
	struct attempt t;

	for (unsigned int i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
		begin(w, &t, call, "an id that never was");
		t.val = never[i];
		put(w, &t, &(struct bad_set){ id->at, never[i] });
		t.want = id->missing;
		make(w, &t);
	}
	for (unsigned int i = 0; i < NR_IDS; i++) {
		bool gone = i == ID_GONE || i == ID_FOREIGN;

		if (id->good & IS(i))
			continue;
		begin(w, &t, call,
		      gone ? "an id gone or of others"
			   : "an id of another type");
		t.val = w->sym[i];
		put(w, &t, &(struct bad_set){ id->at, SYM(i) });
		t.want = gone ? id->missing : id->wrong;
		make(w, &t);
	}
}

static void bits(struct bad_world *w, const struct bad_call *call,
		 const struct bad_bits *field)
{
	struct attempt t;

	for (unsigned int bit = 0; bit < 8u * field->at.len; bit++) {
		if (field->good >> bit & 1)
			continue;
		begin(w, &t, call, "a bit that must be 0");
		t.val = bit;
		t.buf[field->at.off + bit / 8] |= (uint8_t)(1u << bit % 8);
		t.want = field->rc;
		make(w, &t);
	}
}

static void rows(struct bad_world *w, const struct bad_call *call)
{
	struct attempt t;

	for (unsigned int i = 0; i < call->nr_rows; i++) {
		const struct bad_row *row = &call->rows[i];

		begin(w, &t, call, row->what);
		t.val = i;
		for (unsigned int k = 0; k < BAD_SETS && row->set[k].at.len;
		     k++)
			put(w, &t, &row->set[k]);
		t.want = row->rc;
		t.undo = row->done;
		make(w, &t);
	}
}

void bad_call(struct bad_world *w, const struct bad_call *call)
{
	bool sized = call->kind != BAD_PLAIN && call->kind != BAD_VALUE;
	struct attempt t;

	assert_true(call->size + 100u <= STRUCT_MAX);
	begin(w, &t, call, "good");
	make(w, &t);
	if (call->kind != BAD_VALUE) {
		pointers(w, call);
		read_only(w, call);
	}
	if (sized) {
		short_ones(w, call);
		long_ones(w, call);
	}
	for (unsigned int i = 0; i < 4 && call->id[i].at.len; i++)
		ids(w, call, &call->id[i]);
	for (unsigned int i = 0; i < 5 && call->bits[i].at.len; i++)
		bits(w, call, &call->bits[i]);
	rows(w, call);
}

long bad_ioctl(struct bad_world *w, enum bad_sym fd, unsigned long cmd,
	       const void *arg)
{
	return uiommu_abi_ioctl(w->abi, (int)w->sym[fd], cmd,
				(unsigned long)(uintptr_t)arg);
}
