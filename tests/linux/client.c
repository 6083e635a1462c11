/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program under `uiommu-mock run`: what it finds there that it would not find
 * under `uiommu run`.  Prints TAP.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <uiommu/uapi/iommufd.h>

#define TEST_CMD _IO(IOMMUFD_TYPE, IOMMUFD_CMD_BASE + 32)
#define DEBUGFS "/sys/kernel/debug"

/* The operations that are used here, of the structure in mock.h. */
struct test_cmd {
	uint32_t size, op, id, reserved;
	uint32_t arg[13];
	uint32_t last;
};

static unsigned int nr, failed;

static void ok(int good, const char *what)
{
	printf("%s %u - %s\n", good ? "ok" : "not ok", ++nr, what);
	failed += !good;
}

/* A context with a mock device in it; -1: none could be had. */
static int with_device(void)
{
	struct iommu_ioas_alloc ioas = { .size = sizeof(ioas) };
	struct test_cmd cmd = { .size = sizeof(cmd), .op = 2 };
	int fd = open("/dev/iommu", O_RDWR);

	if (fd < 0 || ioctl(fd, IOMMU_IOAS_ALLOC, &ioas))
		return -1;
	cmd.id = ioas.out_ioas_id;
	return ioctl(fd, TEST_CMD, &cmd) ? -1 : fd;
}

static void devices(void)
{
	int fd = with_device(), status = -1;
	pid_t pid;

	ok(fd >= 0, "a mock device");
	pid = fork();
	if (!pid)
		_exit(with_device() < 0);
	ok(pid > 0 && waitpid(pid, &status, 0) == pid && !status,
	   "and one in a child");
	ok(!close(fd), "closed with its device");
}

static void fail_nth(void)
{
	struct iommu_ioas_alloc ioas = { .size = sizeof(ioas) };
	char path[64], text[16] = "";
	int fd, at;

	snprintf(path, sizeof(path), "/proc/self/task/%d/fail-nth", getpid());
	at = open(path, O_RDWR);
	fd = open("/dev/iommu", O_RDWR);
	ok(at >= 0 && fd >= 0, "fail-nth is there");
	ok(pwrite(at, "1", 1, 0) == 1 &&
		   ioctl(fd, IOMMU_IOAS_ALLOC, &ioas) == -1 && errno == EFAULT,
	   "a call fails");
	ok(pread(at, text, sizeof(text), 0) == 2 && !strcmp(text, "0\n"),
	   "and it is told");
	ok(!ioctl(fd, IOMMU_IOAS_ALLOC, &ioas), "the next one does not");
	close(at);
	close(fd);
}

static void debugfs(void)
{
	DIR *dir = opendir(DEBUGFS);
	struct dirent *entry;
	unsigned int found = 0;
	int fd = -1;

	while (dir && (entry = readdir(dir)))
		found += !strncmp(entry->d_name, "fail", 4);
	ok(found == 2, "two switchboards in debugfs");
	if (dir)
		fd = openat(dirfd(dir), "failslab/ignore-gfp-wait", O_WRONLY);
	ok(fd >= 0 && write(fd, "N", 1) == 1, "a switch can be set");
}

int main(void)
{
	devices();
	fail_nth();
	debugfs();
	printf("1..%u\n", nr);
	return failed != 0;
}
