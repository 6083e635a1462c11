/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which memory stands at an address: the kernel compares page frames, a process
 * knows that shared memory is the same by the file and the offset that
 * /proc/self/maps has for it.
 */
#include "mock.h"

#include <stdio.h>
#include <stdlib.h>

/* One line. */
struct test_frame_map {
	uint64_t first, last;
	uint64_t off;
	unsigned int dev[2];
	uint64_t ino;
	bool shared;
};

static bool read_line(FILE *in, struct test_frame_map *map)
{
	unsigned long long first, end, off, ino;
	char rights[5];
	int c;

	if (fscanf(in, "%llx-%llx %4s %llx %x:%x %llu", &first, &end, rights,
		   &off, &map->dev[0], &map->dev[1], &ino) != 7)
		return false;
	map->first = first;
	map->last = end - 1;
	map->off = off;
	map->ino = ino;
	map->shared = rights[3] == 's';
	do
		c = getc(in);
	while (c != '\n' && c != EOF);
	return true;
}

int test_frames_read(struct test_frames *frames)
{
	FILE *in = fopen("/proc/self/maps", "re");
	struct test_frame_map map, *grown;
	int rc = 0;

	*frames = (struct test_frames){ 0 };
	if (!in)
		return -ENOENT;
	while (!rc && read_line(in, &map)) {
		if (!map.shared)
			continue;
		grown = realloc(frames->map, (frames->nr + 1) * sizeof(map));
		if (grown) {
			frames->map = grown;
			frames->map[frames->nr++] = map;
		} else {
			rc = -ENOMEM;
		}
	}
	fclose(in);
	return rc;
}

void test_frames_free(struct test_frames *frames)
{
	free(frames->map);
}

static const struct test_frame_map *find(const struct test_frames *frames,
					 uint64_t va)
{
	for (unsigned int i = 0; i < frames->nr; i++)
		if (va >= frames->map[i].first && va <= frames->map[i].last)
			return &frames->map[i];
	return NULL;
}

static bool same_file(const struct test_frame_map *a,
		      const struct test_frame_map *b)
{
	return a->ino == b->ino && a->dev[0] == b->dev[0] &&
	       a->dev[1] == b->dev[1];
}

bool test_frames_same(const struct test_frames *frames, uint64_t a, uint64_t b)
{
	const struct test_frame_map *x = find(frames, a), *y = find(frames, b);

	if (a == b)
		return true;
	return x && y && same_file(x, y) &&
	       x->off + (a - x->first) == y->off + (b - y->first);
}

unsigned int test_frames_pins(const struct test_frames *frames,
			      struct uiommu_machine *machine, uint64_t va)
{
	const struct test_frame_map *at = find(frames, va), *map;
	unsigned int pins = 0;
	uint64_t off;

	if (!at)
		return uiommu_machine_pin_count(machine, va);
	off = at->off + (va - at->first);
	for (unsigned int i = 0; i < frames->nr; i++) {
		map = &frames->map[i];
		if (same_file(at, map) && off >= map->off &&
		    off - map->off <= map->last - map->first)
			pins += uiommu_machine_pin_count(
				machine, map->first + (off - map->off));
	}
	return pins;
}
