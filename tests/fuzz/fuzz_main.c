/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * <target> [--random SECONDS] PATH...
 *
 * Stands in for libFuzzer: runs every file of the paths given (a directory
 * means its files), and then, if asked, random changes of them for so many
 * seconds.  An input that fails stops the program at the spot; with --random
 * it has been written to ./crash-input before.
 */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define INPUT_MAX 4096u
#define MAX_FILES 1024u

struct corpus {
	uint8_t *data[MAX_FILES];
	size_t size[MAX_FILES];
	unsigned int nr;
};

static int add_file(struct corpus *c, const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = malloc(INPUT_MAX);

	if (!f || !data || c->nr == MAX_FILES) {
		fprintf(stderr, "%s: cannot be read\n", path);
		free(data);
		if (f)
			fclose(f);
		return 2;
	}
	c->size[c->nr] = fread(data, 1, INPUT_MAX, f);
	c->data[c->nr++] = data;
	fclose(f);
	return 0;
}

static int add_path(struct corpus *c, const char *path)
{
	struct dirent *entry;
	char name[4096];
	struct stat st;
	DIR *dir;
	int rc = 0;

	if (stat(path, &st) || !S_ISDIR(st.st_mode))
		return add_file(c, path);
	dir = opendir(path);
	if (!dir)
		return 2;
	while (!rc && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		rc = add_file(c, name);
	}
	closedir(dir);
	return rc;
}

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Change, cut out, repeat or fetch from another input. */
static size_t change(const struct corpus *c, uint8_t *buf, size_t size,
		     uint64_t *seed)
{
	static const uint8_t odd[] = { 0, 1, 2, 0x7f, 0x80, 0xff };
	unsigned int from = (unsigned int)(next_random(seed) % c->nr);
	size_t at = size ? next_random(seed) % size : 0;
	size_t len = 1 + next_random(seed) % 16;

	if (len > size - at)
		len = size - at;
	switch (next_random(seed) % 5) {
	case 0:
		if (size)
			buf[at] = (uint8_t)next_random(seed);
		return size;
	case 1:
		if (size)
			buf[at] = odd[next_random(seed) % sizeof(odd)];
		return size;
	case 2:
		memmove(buf + at, buf + at + len, size - at - len);
		return size - len;
	case 3:
		if (size + len > INPUT_MAX)
			return size;
		memmove(buf + at + len, buf + at, size - at);
		return size + len;
	default:
		len = next_random(seed) % (c->size[from] + 1);
		if (size + len > INPUT_MAX)
			len = INPUT_MAX - size;
		memcpy(buf + size, c->data[from], len);
		return size + len;
	}
}

static void save(const uint8_t *buf, size_t size)
{
	FILE *f = fopen("crash-input", "wb");

	if (!f)
		return;
	fwrite(buf, 1, size, f);
	fclose(f);
}

static unsigned long run_random(const struct corpus *c, unsigned int seconds)
{
	time_t end = time(NULL) + (time_t)seconds;
	uint64_t seed = 0x9e3779b97f4a7c15;
	unsigned long runs = 0;
	uint8_t buf[INPUT_MAX];
	size_t size;
	int changes;

	while (c->nr && time(NULL) < end) {
		unsigned int from = (unsigned int)(next_random(&seed) % c->nr);

		size = c->size[from];
		memcpy(buf, c->data[from], size);
		changes = 1 + (int)(next_random(&seed) % 8);
		while (changes--)
			size = change(c, buf, size, &seed);
		save(buf, size);
		LLVMFuzzerTestOneInput(buf, size);
		runs++;
	}
	if (runs)
		remove("crash-input");
	return runs;
}

int main(int argc, char **argv)
{
	struct corpus *c = calloc(1, sizeof(*c));
	unsigned int seconds = 0, i;
	unsigned long runs;
	int rc = 0, arg;

	for (arg = 1; c && !rc && arg < argc; arg++) {
		if (!strcmp(argv[arg], "--random") && arg + 1 < argc)
			seconds = (unsigned int)atoi(argv[++arg]);
		else
			rc = add_path(c, argv[arg]);
	}
	if (!c || rc || !c->nr) {
		fprintf(stderr, "usage: [--random SECONDS] PATH...\n");
		rc = 2;
		goto out_free;
	}
	for (i = 0; i < c->nr; i++)
		LLVMFuzzerTestOneInput(c->data[i], c->size[i]);
	runs = run_random(c, seconds);
	printf("%u inputs, %lu changed ones\n", c->nr, runs);
out_free:
	for (i = 0; c && i < c->nr; i++)
		free(c->data[i]);
	free(c);
	return rc;
}
