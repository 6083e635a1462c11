/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls of a client gone mad, on a whole machine: files opened, closed,
 * duplicated and mapped, calls with any number and any structure, registers
 * written, in an order that the input says.  After each input everything is
 * closed, and then no memory may be pinned and no mapping be left.
 *
 * An input is a list of steps: a byte that says which, and its operands.  User
 * memory is an arena of 16 pages with nothing before and behind it.  The words
 * of a structure that the input marks become addresses in the arena or
 * descriptors, so that calls get beyond their first check.  With FUZZ_TRACE set
 * in the environment each call and its answer is told.
 */
#include "ioctl_fuzz.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAX_STEPS 200

static const char *const nodes[] = {
	"/dev/iommu",
	"/dev/vfio/vfio",
	"/dev/vfio/0",
	"/dev/vfio/1",
	"/dev/vfio/devices/vfio0",
	"/dev/vfio/devices/vfio1",
	"/dev/vfio/devices",
	"",
};

static void write_line(void *ctx, const char *line, size_t len)
{
	must(fwrite(line, 1, len, ctx) == len, "memory");
}

/* Groups, address spaces, page tables: what the core has. */
static char *core_text(struct fuzz *f)
{
	struct uiommu_dump dump = { .parts = UIOMMU_DUMP_OBJECTS,
				    .write = write_line };
	char *text = NULL;
	size_t len;

	dump.ctx = open_memstream(&text, &len);
	must(dump.ctx, "memory");
	uiommu_core_dump(uiommu_machine_core(f->machine), &dump);
	fclose(dump.ctx);
	return text;
}

/* The machine lives as long as the program; inputs leave nothing behind. */
static struct fuzz *start(void)
{
	struct uiommu_machine_cfg cfg = { .devices = "ioat,testep,testep:stall",
					  .log_level = UIOMMU_LOG_ERROR };
	struct fuzz *f = calloc(1, sizeof(*f));
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char err[256] = "";
	uint8_t *mem;

	must(f, "memory");
	f->trace = getenv("FUZZ_TRACE");
	must(!uiommu_machine_create(&cfg, &f->machine, err, sizeof(err)), err);
	f->abi = uiommu_machine_abi(f->machine);
	mem = mmap(NULL, ARENA_SIZE + 2 * page, PROT_NONE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(mem != MAP_FAILED, "arena");
	f->arena = mem + page;
	must(!mprotect(f->arena, ARENA_SIZE, PROT_READ | PROT_WRITE), "arena");
	f->idle = core_text(f);
	return f;
}

/* --------------------------------------------------------------- steps -- */

void close_fd(struct fuzz *f, int *fd)
{
	if (*fd < 0)
		return;
	must(!uiommu_abi_close(f->abi, *fd), "close of an open descriptor");
	close(*fd);
	*fd = -1;
}

void open_fd(struct fuzz *f, int *fd, const char *path)
{
	close_fd(f, fd);
	*fd = uiommu_abi_open(f->abi, path, O_RDWR);
	if (f->trace)
		fprintf(stderr, "open %s: %d\n", path, *fd);
	if (*fd < 0)
		*fd = -1;
}

static void step_open(struct fuzz *f)
{
	int *fd = pick_fd(f);

	open_fd(f, fd,
		nodes[fuzz_u8(&f->in) % (sizeof(nodes) / sizeof(nodes[0]))]);
}

static void step_dup(struct fuzz *f)
{
	int *from = pick_fd(f), *to = pick_fd(f);

	if (*from < 0 || from == to)
		return;
	close_fd(f, to);
	*to = dup(*from);
	must(*to >= 0, "dup");
	if (uiommu_abi_dup(f->abi, *from, *to)) {
		close(*to);
		*to = -1;
	}
}

/*
 * A structure in the arena: bytes of the input, then a mask of 32-bit words
 * that become descriptors and a mask of 64-bit words that become addresses.
 */
static uint64_t make_struct(struct fuzz *f)
{
	size_t len = fuzz_u8(&f->in) % STRUCT_MAX;
	uint8_t fds = fuzz_u8(&f->in), pointers = fuzz_u8(&f->in), buf[96];
	/* At the end of the arena, or far from it. */
	size_t at = pointers & 1 ? ARENA_SIZE - len : 0x8000;
	unsigned int i;
	uint64_t addr;

	memset(buf, 0, sizeof(buf));
	fuzz_bytes(&f->in, buf, len);
	for (i = 0; i < 8; i++) {
		if (fds & 1u << i)
			memcpy(buf + i * 4, &f->fd[buf[i * 4] % NR_FDS], 4);
		if (i && pointers & 1u << i) {
			uint16_t off;

			memcpy(&off, buf + i * 8, 2);
			addr = arena_at(f, off);
			memcpy(buf + i * 8, &addr, 8);
		}
	}
	memcpy(f->arena + at, buf, len);
	return (uintptr_t)f->arena + at;
}

/* The number of a file that calls give back. */
void take_fd(struct fuzz *f, long fd)
{
	unsigned int i;

	for (i = 0; i < NR_FDS; i++) {
		if (f->fd[i] >= 0)
			continue;
		f->fd[i] = (int)fd;
		return;
	}
	uiommu_abi_close(f->abi, (int)fd);
	close((int)fd);
}

static bool have_fd(struct fuzz *f, long fd)
{
	unsigned int i;

	for (i = 0; i < NR_FDS; i++) {
		if (f->fd[i] == fd)
			return true;
	}
	return false;
}

/* The calls that give a file back in their structure. */
static void take_queue(struct fuzz *f, unsigned long cmd, uint64_t arg)
{
	struct iommu_fault_alloc fault;
	struct iommu_veventq_alloc events;

	if (cmd == IOMMU_FAULT_QUEUE_ALLOC) {
		memcpy(&fault, (const void *)(uintptr_t)arg, sizeof(fault));
		take_fd(f, (int)fault.out_fault_fd);
	} else if (cmd == IOMMU_VEVENTQ_ALLOC) {
		memcpy(&events, (const void *)(uintptr_t)arg,
		       offsetof(struct iommu_veventq_alloc, __reserved));
		take_fd(f, (int)events.out_veventq_fd);
	}
}

long call(struct fuzz *f, int fd, unsigned long cmd, uint64_t arg)
{
	long rc = uiommu_abi_ioctl(f->abi, fd, cmd, arg);

	if (f->trace)
		fprintf(stderr, "ioctl %d %#lx: %ld\n", fd, cmd, rc);
	must(rc > -4096, "an answer that is no error number");
	if (!rc)
		take_queue(f, (uint32_t)cmd, arg);
	if (rc > 2 && uiommu_abi_owns(f->abi, (int)rc) && !have_fd(f, rc))
		take_fd(f, rc);
	return rc;
}

static void step_ioctl(struct fuzz *f)
{
	int fd = *pick_fd(f);
	unsigned long nr = fuzz_u8(&f->in), cmd = 0x3b00 | nr;
	uint64_t arg;

	if (nr == 0xff)
		cmd = (unsigned long)fuzz_u16(&f->in) << 16 | fuzz_u16(&f->in);
	/* Two calls whose argument is a number. */
	if (cmd == VFIO_CHECK_EXTENSION || cmd == VFIO_SET_IOMMU)
		arg = fuzz_u8(&f->in);
	else
		arg = make_struct(f);
	call(f, fd, cmd, arg);
}

static void step_ids(struct fuzz *f)
{
	/* A device by name, as a client writes it. */
	static const char *const names[] = { "0000:01:00.0", "0000:02:00.0" };
	int fd = *pick_fd(f);
	const char *name = names[fuzz_u8(&f->in) & 1];

	memcpy(f->arena, name, strlen(name) + 1);
	call(f, fd, VFIO_GROUP_GET_DEVICE_FD, (uintptr_t)f->arena);
}

static void step_rw(struct fuzz *f)
{
	int fd = *pick_fd(f);
	uint8_t how = fuzz_u8(&f->in);
	uint64_t off = (uint64_t)(fuzz_u8(&f->in) % 12) << 40 |
		       fuzz_u16(&f->in);
	uint64_t uva = arena_at(f, fuzz_u16(&f->in));
	size_t len = fuzz_u8(&f->in);
	ssize_t rc;

	switch (how % 4) {
	case 0:
		rc = uiommu_abi_pread(f->abi, fd, uva, len, off);
		break;
	case 1:
		rc = uiommu_abi_pwrite(f->abi, fd, uva, len, off);
		break;
	case 2:
		rc = uiommu_abi_read(f->abi, fd, uva, len);
		break;
	default:
		rc = uiommu_abi_write(f->abi, fd, uva, len);
	}
	if (f->trace)
		fprintf(stderr, "read or write (%u) %d: %zd\n", how % 4, fd,
			rc);
	must(rc <= (ssize_t)len, "more bytes than asked for");
}

static void step_map(struct fuzz *f)
{
	int fd = *pick_fd(f);
	uint8_t how = fuzz_u8(&f->in);
	struct uiommu_map **map = &f->map[how % NR_MAPS];
	uint64_t off = (uint64_t)(how >> 4) << 40 | (uint64_t)fuzz_u8(&f->in)
							    << 12;
	size_t len = (size_t)fuzz_u8(&f->in) << 11;
	int rc;

	if (*map)
		uiommu_map_put(*map);
	*map = NULL;
	rc = uiommu_abi_mmap(f->abi, fd, len, PROT_READ | PROT_WRITE,
			     how & 8 ? MAP_PRIVATE : MAP_SHARED, off, map);
	if (f->trace)
		fprintf(stderr, "map %d: %d\n", fd, rc);
	if (rc)
		*map = NULL;
}

/* Registers through a mapping: inside its first page, as the trap would. */
static void step_access(struct fuzz *f)
{
	uint8_t how = fuzz_u8(&f->in);
	struct uiommu_map *map = f->map[how % NR_MAPS];
	unsigned int size = 1u << (how >> 2) % 4;
	uint64_t off = fuzz_u16(&f->in) % 4096u & ~(uint64_t)(size - 1);
	uint64_t val = 0;

	if (!map)
		return;
	if (how & 0x80) {
		uiommu_map_read(map, off, size, &val);
	} else {
		fuzz_bytes(&f->in, &val, size);
		uiommu_map_write(map, off, size, val);
	}
}

static void step_memory(struct fuzz *f)
{
	uint16_t off = fuzz_u16(&f->in);
	size_t len = fuzz_u8(&f->in);

	if (len > ARENA_SIZE - off)
		len = ARENA_SIZE - off;
	fuzz_bytes(&f->in, f->arena + off, len);
}

/* ----------------------------------------------------------------- run -- */

static void raw_step(struct fuzz *f, unsigned int which)
{
	switch (which % 10) {
	case 0:
		step_open(f);
		break;
	case 1:
		close_fd(f, pick_fd(f));
		break;
	case 2:
		step_dup(f);
		break;
	case 3:
		step_ids(f);
		break;
	case 4:
		step_rw(f);
		break;
	case 5:
		step_map(f);
		break;
	case 6:
		step_access(f);
		break;
	case 7:
		step_memory(f);
		break;
	default:
		step_ioctl(f);
	}
}

/* Half of the steps are good calls, or nearly: they get far. */
static void step(struct fuzz *f)
{
	uint8_t which = fuzz_u8(&f->in);

	if (which < 0x80)
		raw_step(f, which);
	else if (which < 0xe0)
		step_good(f, which & 0x7f);
	else
		step_device(f, which & 0x1f);
}

static void finish(struct fuzz *f)
{
	struct uiommu_core_stats stats;
	unsigned int i;
	char *text;

	library_unbind(f);
	for (i = 0; i < NR_MAPS; i++) {
		if (f->map[i])
			uiommu_map_put(f->map[i]);
		f->map[i] = NULL;
	}
	for (i = 0; i < NR_FDS; i++)
		close_fd(f, &f->fd[i]);
	uiommu_core_stats(uiommu_machine_core(f->machine), &stats);
	must(!stats.pinned_bytes, "memory left pinned");
	must(!stats.areas, "mappings left");
	text = core_text(f);
	if (f->trace && strcmp(text, f->idle))
		fprintf(stderr, "was\n%sis\n%s", f->idle, text);
	must(!strcmp(text, f->idle), "the core is not what it was");
	free(text);
	memset(f->arena, 0, ARENA_SIZE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fuzz *f;
	unsigned int i;

	if (!f)
		f = start();
	for (i = 0; i < NR_FDS; i++)
		f->fd[i] = -1;
	f->nr_objects = 0;
	f->in = (struct fuzz_input){ data, size };
	for (i = 0; i < MAX_STEPS && f->in.left; i++)
		step(f);
	finish(f);
	return 0;
}
