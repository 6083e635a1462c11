/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every way to reach a node and its descriptor: names of open, duplicates,
 * close, system calls by number, links under /proc, and garbage.  Built with
 * _FORTIFY_SOURCE, so that the calls are the checked ones where libc has them.
 */
#include <dirent.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <linux/kvm.h>

#include "client.h"

/* Is it a working descriptor of /dev/iommu? */
static int works(int fd)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };

	return fd >= 0 && !ioctl(fd, IOMMU_IOAS_ALLOC, &alloc) &&
	       alloc.out_ioas_id;
}

static void opens(int flags)
{
	char node[] = "/dev/iommu";
	int dir, fd;

	/* Flags that the compiler cannot see make it call __open_2. */
	fd = open(node, flags);
	CHECK(works(fd) && !close(fd));
	fd = open64(node, flags);
	CHECK(works(fd) && !close(fd));
	fd = openat(AT_FDCWD, node, flags);
	CHECK(works(fd) && !close(fd));
	fd = (int)syscall(SYS_openat, AT_FDCWD, node, flags);
	CHECK(works(fd) && !close(fd));
	fd = open("/dev//./vfio/../iommu", flags);
	CHECK(works(fd) && !close(fd));
	dir = open("/dev", O_RDONLY | O_DIRECTORY);
	CHECK(dir >= 0);
	fd = openat(dir, "iommu", flags);
	CHECK(works(fd) && !close(fd) && !close(dir));
	CHECK(!chdir("/dev"));
	fd = open("iommu", flags);
	CHECK(works(fd) && !close(fd) && !chdir("/"));
	CHECK_FAILS(open(node, flags | O_DIRECTORY), ENOTDIR);
	CHECK_FAILS(open(node, flags | O_CREAT | O_EXCL, 0600), EEXIST);
	CHECK_FAILS(open("/dev/vfio/12345", flags), ENOENT);
}

static void duplicates(void)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	int fd = open("/dev/iommu", O_RDWR), copy, other;

	copy = dup(fd);
	CHECK(works(copy) && !close(fd) && works(copy));
	other = fcntl(copy, F_DUPFD_CLOEXEC, 100);
	CHECK(other >= 100 && works(other));
	CHECK(fcntl(other, F_GETFD) == FD_CLOEXEC);
	CHECK(dup2(copy, 77) == 77 && works(77));
	CHECK(dup2(copy, copy) == copy && works(copy));
	CHECK_FAILS(dup3(copy, copy, 0), EINVAL);
	CHECK_FAILS(dup2(12345, 77), EBADF);
	CHECK(works(77)); /* untouched by the failure */
	/* Over an emulated one: it is gone. */
	fd = open("/dev/null", O_RDWR);
	CHECK(dup2(fd, 77) == 77);
	CHECK_FAILS(ioctl(77, IOMMU_IOAS_ALLOC, &alloc), ENOTTY);
	CHECK(!close_range(100, ~0u, 0));
	CHECK_FAILS(ioctl(other, IOMMU_IOAS_ALLOC, &alloc), EBADF);
	CHECK(works(copy) && !close(copy));
	CHECK_FAILS(ioctl(copy, IOMMU_IOAS_ALLOC, &alloc), EBADF);
	CHECK_FAILS(close(copy), EBADF);
	CHECK(!close(77));
}

/* SPDK finds DPDK's container by reading the link of every descriptor. */
static void links(void)
{
	char path[64], text[PATH_MAX];
	int fd = open("/dev/vfio/vfio", O_RDWR), found = 0;
	struct dirent *entry;
	struct stat st;
	ssize_t len;
	DIR *dir;

	CHECK(fd >= 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	len = readlink(path, text, sizeof(text) - 1);
	CHECK(len == 14 && !memcmp(text, "/dev/vfio/vfio", 14));
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(), fd);
	len = readlink(path, text, 4);
	CHECK(len == 4 && !memcmp(text, "/dev", 4));
	dir = opendir("/proc/self/fd");
	CHECK(dir);
	while ((entry = readdir(dir))) {
		len = readlinkat(dirfd(dir), entry->d_name, text,
				 sizeof(text) - 1);
		found += len == 14 && !memcmp(text, "/dev/vfio/vfio", 14);
	}
	closedir(dir);
	CHECK(found == 1);
	CHECK(!fstat(fd, &st) && S_ISCHR(st.st_mode));
	CHECK(!stat("/dev/vfio/vfio", &st) && S_ISCHR(st.st_mode));
	CHECK(!lstat("/dev/vfio/vfio", &st) && S_ISCHR(st.st_mode));
	close(fd);
}

static void numbers(void)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	int fd = (int)syscall(SYS_openat, AT_FDCWD, "/dev/iommu", O_RDWR);
	int copy;

	CHECK(fd >= 0);
	CHECK(!syscall(SYS_ioctl, fd, IOMMU_IOAS_ALLOC, &alloc));
	copy = (int)syscall(SYS_dup, fd);
	CHECK(works(copy));
	CHECK(!syscall(SYS_close, fd));
	CHECK(works(copy) && !syscall(SYS_close, copy));
	CHECK_FAILS(ioctl(copy, IOMMU_IOAS_ALLOC, &alloc), EBADF);
}

/* What a child of vfork closes is its own, though its memory is ours. */
static void borrowed_memory(void)
{
	int fd = open("/dev/iommu", O_RDWR), status;
	pid_t pid = vfork();

	if (!pid) {
		close(fd);
		close_range(3, ~0u, 0);
		_exit(0);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && !status);
	CHECK(works(fd) && !close(fd));
}

/* A VMM tells KVM of its VFIO files; the real KVM would refuse ours. */
static void kvm(void)
{
	struct kvm_create_device dev = { .type = KVM_DEV_TYPE_VFIO };
	int fd = open("/dev/kvm", O_RDWR), group, vm;
	struct kvm_device_attr attr = {
		.group = KVM_DEV_VFIO_GROUP,
		.attr = KVM_DEV_VFIO_GROUP_ADD,
		.addr = (uintptr_t)&group,
	};

	vm = fd < 0 ? -1 : ioctl(fd, KVM_CREATE_VM, 0);
	if (vm < 0)
		return;
	group = open("/dev/vfio/0", O_RDWR);
	CHECK(group >= 0);
	CHECK(!ioctl(vm, KVM_CREATE_DEVICE, &dev));
	CHECK(!ioctl((int)dev.fd, KVM_SET_DEVICE_ATTR, &attr));
	attr.attr = KVM_DEV_VFIO_GROUP_DEL;
	CHECK(!ioctl((int)dev.fd, KVM_SET_DEVICE_ATTR, &attr));
	attr.addr = 1;
	CHECK(ioctl((int)dev.fd, KVM_SET_DEVICE_ATTR, &attr) == -1);
	CHECK(!close((int)dev.fd) && !close(vm) && !close(fd));
	CHECK(!close(group));
}

static void garbage(void)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	struct {
		struct iommu_ioas_alloc alloc;
		uint8_t tail[32];
	} big = { .alloc.size = sizeof(big) };
	static void *const bad[] = { NULL, (void *)1, (void *)-1L,
				     (void *)0xdeadbeef000,
				     (void *)0x8000000000000000 };
	int fd = open("/dev/iommu", O_RDWR);
	char buf[16] = "";
	uint32_t seed = 1;

	CHECK_FAILS(ioctl(fd, 0x12345678, &alloc), ENOTTY);
	CHECK_FAILS(ioctl(fd, _IO(';', 0xff), &alloc), ENOTTY);
	alloc.size = 4;
	CHECK_FAILS(ioctl(fd, IOMMU_IOAS_ALLOC, &alloc), EINVAL);
	big.tail[20] = 1;
	CHECK_FAILS(ioctl(fd, IOMMU_IOAS_ALLOC, &big), E2BIG);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK_FAILS(ioctl(fd, IOMMU_IOAS_ALLOC, bad[i]), EFAULT);
		CHECK_FAILS(open(bad[i], O_RDONLY), EFAULT);
		CHECK_FAILS(readlink(bad[i], buf, sizeof(buf)), EFAULT);
	}
	CHECK(read(fd, buf, sizeof(buf)) == -1);
	CHECK(write(fd, buf, sizeof(buf)) == -1);
	CHECK(pread(fd, buf, sizeof(buf), 0) == -1);
	CHECK(readv(fd, bad[3], 2) == -1);
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED);
	/* Any command with any contents comes back. */
	for (unsigned int i = 0; i < 20000; i++) {
		uint32_t words[16];

		for (unsigned int w = 0; w < 16; w++)
			words[w] = (seed = seed * 1103515245 + 12345) >> 7;
		words[0] = seed >> 16 & 63;
		ioctl(fd, _IO(';', 0x60 + (seed >> 8 & 63)), words);
	}
	CHECK(works(fd) && !close(fd));
}

int main(int argc, char **argv)
{
	/* Unknown to the compiler. */
	opens(O_RDWR | (argc > 5 ? O_APPEND : 0));
	duplicates();
	links();
	numbers();
	borrowed_memory();
	kvm();
	garbage();
	return 0;
}
