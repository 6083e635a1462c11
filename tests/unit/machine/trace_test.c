/* SPDX-License-Identifier: BSD-2-Clause */
/* trace_test.c - the file that a machine's trace is written to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <uiommu/machine.h>
#include <uiommu/trace.h>

/* A register that does not exist: a write is told and does nothing. */
#define NOWHERE 0x38u
#define RECORDS 16u

struct view {
	char path[64];
	const struct uiommu_trace_header *header;
	const struct uiommu_trace_lane *lane;
	const struct uiommu_trace_record *record;
	size_t size;
};

static struct uiommu_machine *make(const char *path, uint32_t records,
				   const char *run)
{
	const struct uiommu_machine_cfg cfg = {
		.log_level = UIOMMU_LOG_ERROR,
		.trace = path,
		.trace_run = run,
		.trace_records = records,
	};
	struct uiommu_machine *machine;
	char err[256] = "";

	if (uiommu_machine_create(&cfg, &machine, err, sizeof(err)))
		fail_msg("%s", err);
	return machine;
}

static void new_file(struct view *view)
{
	int fd;

	strcpy(view->path, "/tmp/uiommu-trace-XXXXXX");
	fd = mkstemp(view->path);
	assert_true(fd >= 0);
	close(fd);
}

static void look(struct view *view)
{
	int fd = open(view->path, O_RDONLY);
	struct stat st;
	const uint8_t *at;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	view->size = (size_t)st.st_size;
	at = mmap(NULL, view->size, PROT_READ, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(at, MAP_FAILED);
	close(fd);
	view->header = (const void *)at;
	assert_memory_equal(view->header->magic, UIOMMU_TRACE_MAGIC, 8);
	at += UIOMMU_TRACE_HEADER_SIZE;
	view->lane = (const void *)at;
	at += view->header->nr_lanes * UIOMMU_TRACE_LANE_SIZE;
	view->record = (const void *)at;
	assert_int_equal(view->size,
			 UIOMMU_TRACE_HEADER_SIZE +
				 view->header->nr_lanes *
					 (UIOMMU_TRACE_LANE_SIZE +
					  (size_t)view->header->lane_records *
						  UIOMMU_TRACE_RECORD_SIZE));
}

static void forget(struct view *view)
{
	munmap((void *)(uintptr_t)view->header, view->size);
	unlink(view->path);
}

/* The newest writes to NOWHERE in a lane: how many, and are they in order? */
static unsigned int newest(const struct view *view, uint32_t lane,
			   uint64_t *first, uint64_t *last)
{
	uint32_t records = view->header->lane_records;
	uint64_t next = view->lane[lane].next, n;
	unsigned int found = 0;

	for (n = next > records ? next - records : 0; n < next; n++) {
		const struct uiommu_trace_record *r =
			&view->record[lane * records + n % records];

		assert_int_equal(r->seq, n + 1);
		if (r->kind != UIOMMU_TRACE_WRITE || r->word[0] != NOWHERE)
			continue;
		if (found++)
			assert_true(r->word[1] > *last);
		else
			*first = r->word[1];
		*last = r->word[1];
	}
	return found;
}

static void write_some(struct uiommu_machine *machine, uint64_t from,
		       uint64_t n)
{
	for (uint64_t i = from; i < from + n; i++)
		uiommu_smmuv3_model_write(uiommu_machine_model(machine),
					  NOWHERE, 4, i);
}

static void the_newest_stay(void **state)
{
	struct uiommu_machine *machine;
	uint64_t first, last;
	struct view view;

	new_file(&view);
	machine = make(view.path, RECORDS, NULL);
	write_some(machine, 1, 100);
	look(&view);
	assert_true(view.lane[0].next >= 100);
	assert_int_equal(newest(&view, 0, &first, &last), RECORDS);
	assert_int_equal(first, 100 - RECORDS + 1);
	assert_int_equal(last, 100);
	uiommu_machine_destroy(machine);
	forget(&view);
}

#define THREADS 12u /* more than lanes */
#define EACH 1000u

static void *writer(void *machine)
{
	write_some(machine, 1, EACH);
	return NULL;
}

/* Records of a lane that are whole; the others were passed over. */
static uint64_t whole(const struct view *view, uint32_t lane)
{
	uint64_t next = view->lane[lane].next, good = 0;
	uint32_t records = view->header->lane_records;

	for (uint64_t n = next > records ? next - records : 0; n < next; n++) {
		const struct uiommu_trace_record *r =
			&view->record[lane * records + n % records];

		if (r->seq != n + 1)
			continue;
		assert_int_equal(r->kind, UIOMMU_TRACE_WRITE);
		assert_int_equal(r->word[0], NOWHERE);
		assert_in_range(r->word[1], 1, EACH);
		good++;
	}
	return good;
}

static void each_thread_its_lane(void **state)
{
	uint32_t shared;
	struct uiommu_machine *machine;
	pthread_t thread[THREADS];
	uint64_t sum = 0, start;
	struct view view;

	new_file(&view);
	machine = make(view.path, 2048, NULL);
	look(&view);
	start = view.lane[0].next;
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, writer, machine);
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	for (uint32_t i = 0; i < view.header->nr_lanes; i++)
		sum += view.lane[i].next;
	/*
	 * Nothing is lost, neither in lanes of one nor in the shared one; there
	 * a thread may pass over what one a round behind it still writes.
	 */
	shared = view.header->nr_lanes - 1;
	assert_in_range(sum, start + THREADS * EACH,
			start + THREADS * EACH + THREADS * THREADS);
	assert_in_range(whole(&view, shared), 2048 - THREADS * THREADS, 2048);
	for (uint32_t i = 1; i < view.header->nr_lanes - 1; i++)
		assert_int_equal(view.lane[i].next, EACH);
	uiommu_machine_destroy(machine);
	forget(&view);
}

static void devices_are_named(void **state)
{
	struct uiommu_machine *machine;
	struct view view;

	new_file(&view);
	machine = make(view.path, RECORDS, NULL);
	look(&view);
	assert_int_equal(view.header->nr_devices, 1);
	assert_string_equal(view.header->device[0].bdf, "0000:01:00.0");
	assert_string_equal(view.header->device[0].type, "ioat");
	assert_int_equal(view.header->pid[0], getpid());
	assert_true(view.header->ticks_per_s > 1000000);
	uiommu_machine_destroy(machine);
	forget(&view);
}

/* A forked child adds to the trace, under its own number. */
static void a_child_joins(void **state)
{
	struct uiommu_machine *machine;
	unsigned int found = 0;
	struct view view;
	int status;
	pid_t pid;

	new_file(&view);
	machine = make(view.path, 2048, NULL);
	uiommu_machine_before_fork(machine);
	pid = fork();
	if (!pid) {
		uiommu_machine_after_fork_child(machine);
		write_some(machine, 1000, 5);
		raise(SIGKILL);
	}
	uiommu_machine_after_fork_parent(machine);
	write_some(machine, 1, 5);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	look(&view);
	assert_int_equal(view.header->nr_processes, 2);
	assert_int_equal(view.header->pid[1], pid);
	for (uint64_t i = 0; i < view.lane[1].next; i++) {
		assert_int_equal(view.record[2048 + i].process, 1);
		found += view.record[2048 + i].word[1] >= 1000;
	}
	assert_int_equal(found, 5);
	uiommu_machine_destroy(machine);
	forget(&view);
}

static void one_run_one_trace(void **state)
{
	struct uiommu_machine *machine;
	struct view view;

	new_file(&view);
	uiommu_machine_destroy(make(view.path, RECORDS, "run 1"));
	machine = make(view.path, 0, "run 1");
	look(&view);
	assert_int_equal(view.header->nr_processes, 2);
	assert_int_equal(view.header->lane_records, RECORDS);
	munmap((void *)(uintptr_t)view.header, view.size);
	uiommu_machine_destroy(machine);
	/* another run starts anew */
	machine = make(view.path, RECORDS, "run 2");
	look(&view);
	assert_int_equal(view.header->nr_processes, 1);
	uiommu_machine_destroy(machine);
	forget(&view);
}

static void a_file_that_cannot_be(void **state)
{
	struct uiommu_machine_cfg cfg = { .trace = "/does/not/exist" };
	struct uiommu_machine *machine;
	char err[256] = "";

	assert_int_equal(
		uiommu_machine_create(&cfg, &machine, err, sizeof(err)), -2);
	assert_non_null(strstr(err, "/does/not/exist"));
	cfg.trace = "/tmp";
	assert_true(uiommu_machine_create(&cfg, &machine, err, sizeof(err)) <
		    0);
	cfg.trace_records = 3;
	assert_int_equal(
		uiommu_machine_create(&cfg, &machine, err, sizeof(err)), -22);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_newest_stay),
		cmocka_unit_test(each_thread_its_lane),
		cmocka_unit_test(devices_are_named),
		cmocka_unit_test(a_child_joins),
		cmocka_unit_test(one_run_one_trace),
		cmocka_unit_test(a_file_that_cannot_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
