/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * story_test.c - what the report tells of one access of a device, table by table:
 * which access it is, that it is told as it was, and that it is nothing else.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <uiommu/uapi/iommufd.h>
#include <uiommu/uapi/vfio.h>

#include "client.h"
#include "testep.h"

#define PAGE UINT64_C(4096)
#define LEN (16 * PAGE)
#define IOVA UINT64_C(0x12340000)
#define PASID 5u
#define RAISE_VECTOR 0x18

struct world {
	struct uiommu_machine *machine;
	struct client c;
	uint8_t *mem;
	char *text; /* of the last report */
};

static void open_on(struct world *w, struct uiommu_machine *machine)
{
	*w = (struct world){ .machine = machine, .mem = pages_ok(LEN) };
	client_open_iommufd(&w->c, machine, 0);
	client_master(&w->c, true);
	client_map_ok(&w->c, w->mem, LEN, IOVA);
}

/* Machines of these tests are made to explain. */
static void open_world(struct world *w)
{
	open_on(w, machine_ok("testep"));
}

static void close_world(struct world *w)
{
	if (w->c.machine)
		client_close(&w->c);
	uiommu_machine_destroy(w->machine);
	free(w->text);
	pages_free(w->mem, LEN);
}

/* The part of the report that tells of an access (or an abort); "" if none. */
static const char *story(struct world *w, const char *label)
{
	size_t len = 0;
	FILE *out;
	char *at, *end;

	free(w->text);
	w->text = NULL;
	out = open_memstream(&w->text, &len);
	uiommu_machine_report(w->machine, UIOMMU_REPORT_EXPLAIN, out);
	fclose(out);
	at = strstr(w->text, label);
	if (!at)
		return "";
	/* Up to the next line that has a label. */
	for (end = strchr(at, '\n'); end[1] == ' ' && end[3] == ' ';)
		end = strchr(end + 1, '\n');
	end[1] = '\0';
	return at;
}

static void expect_words(const char *text, const char *words)
{
	if (!strstr(text, words))
		fail_msg("no \"%s\" in:\n%s", words, text);
}

static void expect_no_words(const char *text, const char *words)
{
	if (strstr(text, words))
		fail_msg("\"%s\" in:\n%s", words, text);
}

static void expect_answer(const char *text, const char *fmt, uint64_t iova,
			  const void *to)
{
	char words[128];

	snprintf(words, sizeof(words), fmt, iova, (uint64_t)(uintptr_t)to);
	expect_words(text, words);
}

static unsigned int count(const char *text, const char *words)
{
	unsigned int n = 0;

	for (; (text = strstr(text, words)); text++)
		n++;
	return n;
}

static void reads(struct world *w, uint32_t pasid, uint64_t iova)
{
	assert_int_equal(testep_go_as(&w->c, 0, pasid, TESTEP_READ, iova, 8),
			 TESTEP_OK);
}

static void is_aborted(struct world *w, uint64_t iova)
{
	assert_int_equal(testep_go(&w->c, 0, TESTEP_READ | TESTEP_UNTRANSLATED,
				   iova, 8),
			 TESTEP_ABORTED);
}

/* ------------------------------------------------------------- stories -- */

static void nothing_unless_asked_for(void **state)
{
	const struct uiommu_machine_cfg cfg = {
		.devices = "testep",
		.log_level = UIOMMU_LOG_ERROR,
	};
	struct uiommu_machine *machine;
	struct world w;
	char err[256];

	if (uiommu_machine_create(&cfg, &machine, err, sizeof(err)))
		fail_msg("machine: %s", err);
	open_on(&w, machine);
	reads(&w, 0, IOVA);
	is_aborted(&w, IOVA + LEN);
	assert_string_equal(story(&w, "one access"), "");
	assert_string_equal(story(&w, "one abort"), "");
	close_world(&w);
	/* Nor what has not been. */
	open_world(&w);
	assert_string_equal(story(&w, "one access"), "");
	assert_string_equal(story(&w, "one abort"), "");
	close_world(&w);
}

static void told_as_it_was(void **state)
{
	struct world w;
	char *was;

	open_world(&w);
	reads(&w, 0, IOVA + 0x1010);
	was = strdup(story(&w, "one access"));
	expect_words(was, "0000:01:00.0  read of IOVA 0x12341010, 8 bytes by "
			  "ATS, by the tables of that moment\n");
	expect_words(was, " says stage 1\n");
	expect_words(was, "no PASID: its context at PA 0x");
	expect_words(was, "stage 1, of IOVA 0x12341010, 48 bits, tables of 4 "
			  "KiB:\n");
	/* From the top to the page, and each table is where the last one said. */
	assert_int_equal(count(was, "  level "), 4);
	assert_int_equal(count(was, ": a table at PA 0x"), 3);
	expect_answer(was,
		      ": a page of 4 KiB at PA 0x%2$" PRIx64
		      "; read, write, execute",
		      0, w.mem + PAGE);
	expect_answer(was, "so IOVA 0x%" PRIx64 " is PA 0x%" PRIx64 ", one ",
		      IOVA + 0x1010, w.mem + 0x1010);
	expect_no_words(was, "GPA");
	/* The tables go, and it stays what it was. */
	assert_int_equal(client_unmap(&w.c, IOVA, LEN), 0);
	is_aborted(&w, IOVA);
	client_close(&w.c);
	w.c.machine = NULL;
	assert_string_equal(story(&w, "one access"), was);
	free(was);
	close_world(&w);
}

static void an_abort_tells_where_it_ended(void **state)
{
	struct world w;
	const char *text;

	open_world(&w);
	is_aborted(&w, IOVA + LEN);
	text = story(&w, "one abort");
	expect_words(text, "read of IOVA 0x12350000, 8 bytes, by the tables");
	assert_int_equal(count(text, ": a table at PA 0x"), 3);
	expect_words(text, ": nothing, 0x0\n");
	expect_words(text,
		     "there it ends: translation, stage 1, table level 3\n");
	/* One is told; others of the same configuration are in the log. */
	is_aborted(&w, UINT64_C(1) << 40);
	expect_words(story(&w, "one abort"), "IOVA 0x12350000");
	assert_string_equal(story(&w, "one access"), "");
	close_world(&w);
}

/* The newest, but none that went through less. */
static void the_one_that_went_through_most(void **state)
{
	struct world w;
	uint32_t other, aside;

	open_world(&w);
	reads(&w, 0, IOVA);
	other = client_hwpt_ok(&w.c, w.c.ioas_id, IOMMU_HWPT_ALLOC_PASID);
	assert_int_equal(client_attach(&w.c, 0, other), 0);
	/* Not told: there was one of the same configuration. */
	reads(&w, 0, IOVA + PAGE);
	reads(&w, 0, IOVA + 2 * PAGE);
	expect_words(story(&w, "one access"), "IOVA 0x12341000,");
	aside = client_hwpt_ok(&w.c, w.c.ioas_id, IOMMU_HWPT_ALLOC_PASID);
	assert_int_equal(client_attach(&w.c, PASID, aside), 0);
	reads(&w, PASID, IOVA + 3 * PAGE);
	expect_words(story(&w, "one access"),
		     "PASID 5  read of IOVA 0x12343000,");
	expect_words(story(&w, "one access"), "PASID 5: its context at PA 0x");
	assert_int_equal(client_detach(&w.c, PASID), 0);
	reads(&w, 0, IOVA);
	expect_words(story(&w, "one access"),
		     "PASID 5  read of IOVA 0x12343000,");
	close_world(&w);
}

static void of_stage_2_alone(void **state)
{
	struct world w;
	const char *text;

	open_world(&w);
	assert_int_equal(
		client_attach(&w.c, 0,
			      client_hwpt_ok(&w.c, w.c.ioas_id,
					     IOMMU_HWPT_ALLOC_NEST_PARENT)),
		0);
	reads(&w, 0, IOVA + 8);
	text = story(&w, "one access");
	expect_words(text, " says stage 2, VMID ");
	expect_words(text, "stage 2, of GPA 0x12340008, ");
	expect_answer(text, "so IOVA 0x%" PRIx64 " is PA 0x%" PRIx64 ", one ",
		      IOVA + 8, w.mem + 8);
	expect_no_words(text, "context");
	expect_no_words(text, "stage 1");
	close_world(&w);
}

static void no_interrupts(void **state)
{
	const int efd = eventfd(0, EFD_NONBLOCK);
	uint64_t raised = 0;
	struct world w;

	open_world(&w);
	client_msix_ok(&w.c, &efd, 1);
	bar_write(&w.c, RAISE_VECTOR, 4, 0);
	assert_int_equal(read(efd, &raised, 8), 8);
	assert_string_equal(story(&w, "one access"), "");
	reads(&w, 0, IOVA);
	expect_words(story(&w, "one access"), "IOVA 0x12340000,");
	close(efd);
	close_world(&w);
}

/* ----------------------------------------------------- both stages -- */

static uint32_t viommu_ok(struct world *w, uint32_t parent)
{
	struct iommu_viommu_alloc viommu = {
		.size = sizeof(viommu),
		.type = IOMMU_VIOMMU_TYPE_ARM_SMMUV3,
		.dev_id = w->c.dev_id,
		.hwpt_id = parent,
	};
	struct iommu_vdevice_alloc vdev = {
		.size = sizeof(vdev),
		.dev_id = w->c.dev_id,
		.virt_id = 7,
	};

	assert_int_equal(client_ioctl(w->c.abi, w->c.space_fd,
				      IOMMU_VIOMMU_ALLOC, &viommu),
			 0);
	vdev.viommu_id = viommu.out_viommu_id;
	assert_int_equal(client_ioctl(w->c.abi, w->c.space_fd,
				      IOMMU_VDEVICE_ALLOC, &vdev),
			 0);
	return viommu.out_viommu_id;
}

/* A guest's entry with its context at `cd`. */
static void attach_nested(struct world *w, uint32_t viommu, uint64_t cd)
{
	const struct iommu_hwpt_arm_smmuv3 ste = { { 0xb | cd, 0xd4 } };
	struct iommu_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.dev_id = w->c.dev_id,
		.pt_id = viommu,
		.data_type = IOMMU_HWPT_DATA_ARM_SMMUV3,
		.data_len = sizeof(ste),
		.data_uptr = (uintptr_t)&ste,
	};

	assert_int_equal(client_ioctl(w->c.abi, w->c.space_fd, IOMMU_HWPT_ALLOC,
				      &cmd),
			 0);
	assert_int_equal(client_attach(&w->c, 0, cmd.out_hwpt_id), 0);
}

/* A CD in page 0 and three tables behind it, page 8 at 0x40000000 + 8 pages. */
static void write_guest(struct world *w)
{
	uint64_t *cd = (uint64_t *)w->mem;

	cd[1] = IOVA + PAGE;
	cd[3] = 0xff;
	cd[0] = 0x1e205c0003519; /* ASID 1; 39 bits, 4K; faults abort */
	*(uint64_t *)(w->mem + PAGE + 8) = (IOVA + 2 * PAGE) | 3;
	*(uint64_t *)(w->mem + 2 * PAGE) = (IOVA + 3 * PAGE) | 3;
	*(uint64_t *)(w->mem + 3 * PAGE + 8 * 8) = (IOVA + 8 * PAGE) | 0xf43;
}

static void of_both_stages(void **state)
{
	struct world w;
	uint32_t parent, viommu;
	const char *text;
	char words[160];

	open_world(&w);
	write_guest(&w);
	parent =
		client_hwpt_ok(&w.c, w.c.ioas_id, IOMMU_HWPT_ALLOC_NEST_PARENT);
	assert_int_equal(client_attach(&w.c, 0, parent), 0);
	viommu = viommu_ok(&w, parent);
	attach_nested(&w, viommu, IOVA);
	reads(&w, 0, 0x40008010);
	text = story(&w, "one access");
	expect_words(text, " says stage 1 over stage 2, VMID ");
	expect_answer(text,
		      "no PASID: its context at GPA 0x%" PRIx64
		      " (PA 0x%" PRIx64 ") says ASID 1\n",
		      IOVA, w.mem);
	expect_words(text, "stage 1 (the guest's), of IOVA 0x40008010, 39 "
			   "bits, tables of 4 KiB:\n");
	expect_answer(text,
		      "level 1 at GPA 0x%" PRIx64 " (PA 0x%" PRIx64
		      "): a table at GPA 0x12342000\n",
		      IOVA + PAGE + 8, w.mem + PAGE + 8);
	expect_answer(
		text,
		"level 3 at GPA 0x%" PRIx64 " (PA 0x%" PRIx64
		"): a page of 4 KiB at GPA 0x12348000; read, write, execute",
		IOVA + 3 * PAGE + 64, w.mem + 3 * PAGE + 64);
	expect_words(text, "stage 2 (the host's), of GPA 0x12348010, ");
	snprintf(words, sizeof(words),
		 "so IOVA 0x40008010 is GPA 0x12348010 is PA 0x%" PRIx64
		 ", one translation of 4 KiB; read, write, execute\n",
		 (uint64_t)(uintptr_t)(w.mem + 8 * PAGE + 0x10));
	expect_words(text, words);
	/* 3 of stage 1; 4 of stage 2 for each of them, the context, the page. */
	expect_words(text, "23 descriptors on the way, 16 of them");
	assert_in_range(count(text, "\n"), 10, 20);

	/* Stage 2 has nothing where the guest says that its context is. */
	attach_nested(&w, viommu, IOVA + LEN);
	is_aborted(&w, 0x40008010);
	text = story(&w, "one abort");
	expect_words(text, "stage 2 (the host's), of GPA 0x12350000, ");
	expect_words(text, ": nothing, 0x0\n");
	expect_words(text, "there it ends: translation, stage 2, table level ");
	expect_no_words(text, "context");
	assert_int_equal(client_attach(&w.c, 0, parent), 0);
	close_world(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_unless_asked_for),
		cmocka_unit_test(told_as_it_was),
		cmocka_unit_test(an_abort_tells_where_it_ended),
		cmocka_unit_test(the_one_that_went_through_most),
		cmocka_unit_test(of_stage_2_alone),
		cmocka_unit_test(no_interrupts),
		cmocka_unit_test(of_both_stages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
