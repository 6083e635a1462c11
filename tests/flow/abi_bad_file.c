/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * abi_bad_file.c - numbers that are no calls, and reads, writes and mappings that
 * cannot be.
 */
#include <sys/mman.h>

#include "abi_bad.h"

/* --------------------------------------------------------------- numbers -- */

static const uint8_t iommufd_nrs[] = { 0x64, 0x65, 0x66, 0x70, 0x71, 0x72 };
static const uint8_t container_nrs[] = { 100, 101, 102, 112, 113, 114, 117 };
static const uint8_t nesting_nrs[] = { 100, 101, 102, 112, 113,
				       114, 117, 122, 123, 124 };
static const uint8_t group_nrs[] = { 103, 104, 105, 106 };
/* IOEVENTFD too, which we do not serve. */
static const uint8_t device_nrs[] = { 107, 108, 109, 110, 111, 112,
				      113, 116, 117, 118, 119, 120 };
static const uint8_t bind_nr[] = { 118 };
static const uint8_t empty_nrs[] = { 100, 101, 102 };

/* Files, the numbers that each knows, and what it says to the others. */
static const struct numbers {
	enum bad_sym fd;
	const uint8_t *known;
	unsigned int nr;
	bool first; /* and those of iommufd */
	int rc;
} numbers[] = {
#define KNOWN(table) table, sizeof(table)
	{ FD_A, KNOWN(iommufd_nrs), true, -ENOTTY },
	{ FD_COMPAT, KNOWN(iommufd_nrs), true, -ENOTTY },
	{ FD_QUEUE, NULL, 0, false, -ENOTTY },
	{ FD_EVENTS, NULL, 0, false, -ENOTTY },
	{ FD_CDEV, KNOWN(device_nrs), false, -ENOTTY },
	{ FD_GDEV, KNOWN(device_nrs), false, -ENOTTY },
	{ FD_UNBOUND, KNOWN(bind_nr), false, -EINVAL },
	{ FD_GROUP, KNOWN(group_nrs), false, -ENOTTY },
	{ FD_FREE, KNOWN(group_nrs), false, -ENOTTY },
	{ FD_T1, KNOWN(container_nrs), false, -ENOTTY },
	{ FD_T1V1, KNOWN(container_nrs), false, -ENOTTY },
	{ FD_T6, KNOWN(nesting_nrs), false, -ENOTTY },
	{ FD_EMPTY, KNOWN(empty_nrs), false, -EINVAL },
	{ FD_CLOSED, NULL, 0, false, -EBADF },
};

static bool knows(const struct numbers *of, unsigned int nr)
{
	if (of->first && nr >= IOMMUFD_CMD_BASE &&
	    nr <= IOMMUFD_CMD_IOAS_NOIOMMU_GET_PA)
		return true;
	return of->nr && memchr(of->known, (int)nr, of->nr);
}

static void expect(struct bad_world *w, const struct numbers *of,
		   unsigned long cmd)
{
	long rc = bad_ioctl(w, of->fd, cmd, (void *)w->sym[P_BUF]);

	if (rc != of->rc)
		fail_msg("file %d, call %#lx: %ld", of->fd, cmd, rc);
}

void bad_numbers(struct bad_world *w)
{
	for (unsigned int i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		for (unsigned int nr = 0; nr < 0x100; nr++) {
			/* The number alone, with a size and a direction. */
			if (!knows(&numbers[i], nr))
				expect(w, &numbers[i], _IO(VFIO_TYPE, nr));
			expect(w, &numbers[i], _IO('<', nr));
			expect(w, &numbers[i],
			       _IOC(_IOC_WRITE, VFIO_TYPE, nr, 0));
			expect(w, &numbers[i],
			       _IOC(_IOC_NONE, VFIO_TYPE, nr, 8));
		}
}

/* ------------------------------------------------------- reads and writes -- */

enum op {
	READ,
	WRITE,
	PREAD,
	PWRITE,
	MMAP, /* mem: the flags, len and off as given */
};

#define REGION(index) ((uint64_t)(index) << 40)
#define CONFIG REGION(VFIO_PCI_CONFIG_REGION_INDEX)

static const struct file_row {
	const char *what;
	enum bad_sym fd;
	enum op op;
	uint64_t mem, len, off;
	long rc;
} file_rows[] = {
	{ "of a context", FD_A, READ, SYM(P_BUF), 8, 0, -EINVAL },
	{ "of a context", FD_A, WRITE, SYM(P_BUF), 8, 0, -EINVAL },
	{ "of a context", FD_A, PREAD, SYM(P_BUF), 8, 0, -EINVAL },
	{ "of a context", FD_A, PWRITE, SYM(P_BUF), 8, 0, -EINVAL },
	{ "of a container", FD_T1, READ, SYM(P_BUF), 8, 0, -EINVAL },
	{ "of a container", FD_T1, WRITE, SYM(P_BUF), 8, 0, -EINVAL },
	{ "of a group", FD_GROUP, READ, SYM(P_BUF), 8, 0, -EINVAL },
	{ "unbound", FD_UNBOUND, PREAD, SYM(P_BUF), 4, CONFIG, -EINVAL },
	{ "unbound", FD_UNBOUND, PWRITE, SYM(P_BUF), 4, CONFIG, -EINVAL },
	{ "closed", FD_CLOSED, READ, SYM(P_BUF), 8, 0, -EBADF },
	{ "closed", FD_CLOSED, PREAD, SYM(P_BUF), 8, 0, -EBADF },

	{ "no group of faults", FD_QUEUE, READ, SYM(P_NONE), 40, 0, 0 },
	{ "part of a record", FD_QUEUE, READ, SYM(P_BUF), 39, 0, -ESPIPE },
	{ "more than a record", FD_QUEUE, READ, SYM(P_BUF), 41, 0, -ESPIPE },
	{ "no whole answer", FD_QUEUE, WRITE, SYM(P_BUF), 7, 0, -ESPIPE },
	{ "an answer to nothing", FD_QUEUE, WRITE, SYM(P_BUF), 8, 0, -EINVAL },
	{ "null", FD_QUEUE, WRITE, 0, 8, 0, -EFAULT },
	{ "not there", FD_QUEUE, WRITE, SYM(P_NONE), 8, 0, -EFAULT },

	{ "no event", FD_EVENTS, READ, SYM(P_NONE), 40, 0, 0 },
	{ "no room for a head", FD_EVENTS, READ, SYM(P_BUF), 7, 0, -EINVAL },
	{ "no room at all", FD_EVENTS, READ, SYM(P_BUF), 0, 0, -EINVAL },
	{ "only to be read", FD_EVENTS, WRITE, SYM(P_BUF), 8, 0, -EINVAL },
	{ "of events", FD_EVENTS, MMAP, MAP_SHARED, PAGE, 0, -ENODEV },

	{ "config, null", FD_CDEV, PREAD, 0, 4, CONFIG, -EFAULT },
	{ "config, null", FD_CDEV, PWRITE, 0, 4, CONFIG, -EFAULT },
	{ "config, not there", FD_CDEV, PREAD, SYM(P_NONE), 4, CONFIG,
	  -EFAULT },
	{ "config, read only", FD_CDEV, PREAD, SYM(P_RO), 4, CONFIG, -EFAULT },
	{ "config, half there", FD_CDEV, PREAD, SYM(P_HALF), 32, CONFIG,
	  -EFAULT },
	{ "behind config", FD_CDEV, PREAD, SYM(P_BUF), 4, CONFIG + 4096,
	  -EFAULT },
	{ "across its end", FD_CDEV, PREAD, SYM(P_BUF), 8, CONFIG + 4092,
	  -EFAULT },
	{ "registers, null", FD_CDEV, PREAD, 0, 4, 0, -EFAULT },
	{ "registers, null", FD_CDEV, PWRITE, 0, 4, 0, -EFAULT },
	{ "registers, not there", FD_CDEV, PREAD, SYM(P_NONE), 8, 0, -EFAULT },
	{ "registers, read only", FD_CDEV, PREAD, SYM(P_RO), 8, 0, -EFAULT },
	{ "behind the registers", FD_CDEV, PREAD, SYM(P_BUF), 4, REGION(1) - 4,
	  -EINVAL },
	{ "no such register file", FD_CDEV, PREAD, SYM(P_BUF), 4, REGION(5),
	  -EINVAL },
	{ "ROM", FD_CDEV, PWRITE, SYM(P_BUF), 4,
	  REGION(VFIO_PCI_ROM_REGION_INDEX), -EINVAL },
	{ "VGA", FD_CDEV, PREAD, SYM(P_BUF), 4,
	  REGION(VFIO_PCI_VGA_REGION_INDEX), -EINVAL },
	{ "no such region", FD_CDEV, PREAD, SYM(P_BUF), 4,
	  REGION(VFIO_PCI_NUM_REGIONS), -EINVAL },
	{ "the last region", FD_CDEV, PREAD, SYM(P_BUF), 4, U64_MAX - 3,
	  -EINVAL },

	{ "unbound", FD_UNBOUND, MMAP, MAP_SHARED, PAGE, 0, -EINVAL },
	{ "of a group", FD_GROUP, MMAP, MAP_SHARED, PAGE, 0, -ENODEV },
	{ "of a container", FD_T1, MMAP, MAP_SHARED, PAGE, 0, -ENODEV },
	{ "of a queue", FD_QUEUE, MMAP, MAP_SHARED, PAGE, 0, -ENODEV },
	{ "closed", FD_CLOSED, MMAP, MAP_SHARED, PAGE, 0, -EBADF },
	{ "of a context", FD_A, MMAP, MAP_SHARED, PAGE, 0, -ENXIO },
	{ "of a context, private", FD_A, MMAP, MAP_PRIVATE, PAGE, 0, -EINVAL },
	{ "private", FD_CDEV, MMAP, MAP_PRIVATE, PAGE, 0, -EINVAL },
	{ "config", FD_CDEV, MMAP, MAP_SHARED, PAGE, CONFIG, -EINVAL },
	{ "no such region", FD_CDEV, MMAP, MAP_SHARED, PAGE, REGION(9),
	  -EINVAL },
	{ "no such BAR", FD_CDEV, MMAP, MAP_SHARED, PAGE, REGION(5), -EINVAL },
	{ "behind the BAR", FD_CDEV, MMAP, MAP_SHARED, PAGE, REGION(1) - PAGE,
	  -EINVAL },
	{ "longer than the BAR", FD_CDEV, MMAP, MAP_SHARED, 1u << 30, 0,
	  -EINVAL },
	{ "of no length", FD_CDEV, MMAP, MAP_SHARED, 0, 0, -EINVAL },
	{ "of all lengths", FD_CDEV, MMAP, MAP_SHARED, U64_MAX, 0, -EINVAL },
	{ "not at a page", FD_CDEV, MMAP, MAP_SHARED, PAGE, 8, -EINVAL },
};

static long do_op(struct bad_world *w, const struct file_row *row)
{
	uint64_t mem = bad_resolve(w, row->mem);
	int fd = (int)w->sym[row->fd];
	struct uiommu_map *map;

	switch (row->op) {
	case READ:
		return uiommu_abi_read(w->abi, fd, mem, row->len);
	case WRITE:
		return uiommu_abi_write(w->abi, fd, mem, row->len);
	case PREAD:
		return uiommu_abi_pread(w->abi, fd, mem, row->len, row->off);
	case PWRITE:
		return uiommu_abi_pwrite(w->abi, fd, mem, row->len, row->off);
	default:
		return uiommu_abi_mmap(w->abi, fd, row->len,
				       PROT_READ | PROT_WRITE, (int)mem,
				       row->off, &map);
	}
}

void bad_files(struct bad_world *w)
{
	memset((void *)w->sym[P_BUF], 0, PAGE);
	for (unsigned int i = 0; i < sizeof(file_rows) / sizeof(file_rows[0]);
	     i++) {
		const struct file_row *row = &file_rows[i];
		char *was = bad_state(w);
		long rc = do_op(w, row);

		if (rc != row->rc)
			fail_msg("row %u, %s: %ld, not %ld", i, row->what, rc,
				 row->rc);
		bad_expect_state(w, row->what, was);
		free(was);
	}
}
