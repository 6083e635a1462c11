/* SPDX-License-Identifier: BSD-2-Clause */
/* Judging program files: real ones, and files that only look like some. */
#include <elf.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "launch/program.h"

static char dir[] = "/tmp/uiommu-program-XXXXXX";
static char path[64];

static void put(const void *data, size_t len, mode_t mode)
{
	int fd;

	unlink(path);
	fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

/* A small dynamic program of one's own making. */
struct image {
	Elf64_Ehdr head;
	Elf64_Phdr ph[3];
	char interp[32];
	Elf64_Dyn dyn[4];
	char strings[64];
};

static struct image image(void)
{
	struct image img = {
		.head = {
			.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64,
				     ELFDATA2LSB, EV_CURRENT },
			.e_type = ET_DYN,
			.e_machine = EM_X86_64,
			.e_phoff = offsetof(struct image, ph),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = 3,
		},
		.ph = {
			{ .p_type = PT_INTERP,
			  .p_offset = offsetof(struct image, interp),
			  .p_filesz = 28 },
			{ .p_type = PT_LOAD, .p_offset = 0, .p_vaddr = 0x1000,
			  .p_filesz = sizeof(struct image) },
			{ .p_type = PT_DYNAMIC,
			  .p_offset = offsetof(struct image, dyn),
			  .p_filesz = sizeof(img.dyn) },
		},
		.interp = "/lib64/ld-linux-x86-64.so.2",
		.dyn = {
			{ DT_NEEDED, { .d_val = 1 } },
			{ DT_STRTAB,
			  { .d_ptr = 0x1000 +
				     offsetof(struct image, strings) } },
			{ DT_NEEDED, { .d_val = 11 } },
		},
		.strings = "\0libc.so.6\0libasan.so.8",
	};

	return img;
}

static enum program_kind judge(const struct image *img, struct program *program)
{
	put(img, sizeof(*img), 0755);
	program_check(path, program);
	return program->kind;
}

static void dynamic_programs_are_accepted(void **state)
{
	struct image img = image();
	struct program program;

	assert_int_equal(judge(&img, &program), PROGRAM_OK);
	assert_string_equal(program.reason, "");
	assert_true(program.asan);
	assert_string_equal(program.asan_lib, "libasan.so.8");
	img.dyn[2].d_un.d_val = 1;
	assert_int_equal(judge(&img, &program), PROGRAM_OK);
	assert_false(program.asan);
}

static void others_are_refused_with_the_reason(void **state)
{
	struct program program;
	struct image img = image();

	img.ph[0].p_type = PT_NOTE;
	assert_int_equal(judge(&img, &program), PROGRAM_REFUSED);
	assert_non_null(strstr(program.reason, "static"));
	img = image();
	img.head.e_machine = EM_AARCH64;
	assert_int_equal(judge(&img, &program), PROGRAM_REFUSED);
	assert_non_null(strstr(program.reason, "architecture"));
	img = image();
	img.head.e_ident[EI_CLASS] = ELFCLASS32;
	assert_int_equal(judge(&img, &program), PROGRAM_REFUSED);
	assert_non_null(strstr(program.reason, "32-bit"));
	img = image();
	strcpy(img.interp, "/lib/ld-musl-x86_64.so.1");
	assert_int_equal(judge(&img, &program), PROGRAM_REFUSED);
	assert_non_null(strstr(program.reason, "musl"));
	img = image();
	img.head.e_type = ET_REL;
	assert_int_equal(judge(&img, &program), PROGRAM_REFUSED);
	put("#!/no/such/interpreter\n", 23, 0755);
	program_check(path, &program);
	assert_int_equal(program.kind, PROGRAM_MISSING);
	put("", 0, 0755);
	program_check(path, &program);
	assert_int_equal(program.kind, PROGRAM_REFUSED);
	program_check("/no/such/program", &program);
	assert_int_equal(program.kind, PROGRAM_MISSING);
	program_check("/", &program);
	assert_int_equal(program.kind, PROGRAM_MISSING);
}

/* Numbers in a file are not to be trusted, whatever they are. */
static void damaged_files_are_survived(void **state)
{
	struct program program;

	srandom(3);
	for (unsigned int i = 0; i < 3000; i++) {
		struct image img = image();
		uint8_t *bytes = (uint8_t *)&img;

		for (unsigned int n = random() % 6 + 1; n; n--)
			bytes[4 + (size_t)random() % (sizeof(img) - 4)] =
				random() % 3 ? (uint8_t)random() : 0xff;
		put(&img,
		    (size_t)random() % 8 ? sizeof(img)
					 : (size_t)random() % sizeof(img),
		    0755);
		program_check(path, &program);
		assert_true(program.kind <= PROGRAM_REFUSED);
		assert_true(memchr(program.reason, 0, sizeof(program.reason)));
		assert_true(
			memchr(program.asan_lib, 0, sizeof(program.asan_lib)));
	}
}

static void programs_are_found_as_the_shell_does(void **state)
{
	char buf[128], env[128];

	put("#!/bin/sh\n", 10, 0755);
	snprintf(env, sizeof(env), "/no/such:%s", dir);
	assert_true(program_find("prog", env, buf, sizeof(buf)));
	assert_string_equal(buf, path);
	assert_false(program_find("other", env, buf, sizeof(buf)));
	assert_false(program_find("", env, buf, sizeof(buf)));
	assert_false(program_find("prog", env, buf, 8));
	assert_true(program_find("./x", env, buf, sizeof(buf)));
	assert_string_equal(buf, "./x");
}

static int make_dir(void **state)
{
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/prog", dir);
	return 0;
}

static int remove_dir(void **state)
{
	unlink(path);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dynamic_programs_are_accepted),
		cmocka_unit_test(others_are_refused_with_the_reason),
		cmocka_unit_test(damaged_files_are_survived),
		cmocka_unit_test(programs_are_found_as_the_shell_does),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
