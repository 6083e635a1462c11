/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors: close, duplicates, ioctl, read and write.
 *
 * A real descriptor stands behind every emulated one, so numbers, limits,
 * close-on-exec, poll and fork are the kernel's own.  The emulated side is
 * told before a number goes and after it comes, so that a number which the
 * kernel gives to another thread in between is never taken for ours.
 */
#include <linux/kvm.h>
#include <stdarg.h>
#include <string.h>

#include "preload.h"

#define SAME_AS(name) launch_public __attribute__((alias(name)))

static void note_use(void)
{
	if (!load_relaxed(&launch.used))
		store_relaxed(&launch.used, true);
}

/* ---------------------------------------------------- close, duplicate --- */

static void forget(struct uiommu_abi *abi, int fd)
{
	if (launch_is_borrowed())
		return;
	launch_enter();
	names_clear(fd);
	uiommu_abi_close(abi, fd);
	launch_leave();
}

launch_public int close(int fd)
{
	struct uiommu_abi *abi = launch_abi_of(fd);

	if (abi)
		forget(abi, fd);
	return real_get()->close(fd);
}

static void forget_range(unsigned int first, unsigned int last)
{
	int end = names_last();

	for (int fd = (int)first; fd <= end && (unsigned int)fd <= last; fd++) {
		struct uiommu_abi *abi = names_get(fd) ? launch_abi_of(fd)
						       : NULL;

		if (abi)
			forget(abi, fd);
	}
}

void launch_fd_close_all(void)
{
	if (!launch_machine())
		return;
	store_relaxed(&launch.last_thread, gettid());
	forget_range(0, INT_MAX);
	bars_remove(0, UINT64_MAX); /* they keep their device open */
}

launch_public int close_range(unsigned int first, unsigned int last, int flags)
{
	if (launch_machine() && first <= last && first <= INT_MAX &&
	    !(flags & (int)CLOSE_RANGE_CLOEXEC))
		forget_range(first, last);
	return real_get()->close_range(first, last, flags);
}

launch_public void closefrom(int first)
{
	if (launch_machine())
		forget_range(first < 0 ? 0 : (unsigned int)first, INT_MAX);
	real_get()->closefrom(first);
}

/* `to` has just become a copy of `from`. */
static int copied(int from, int to)
{
	struct uiommu_abi *abi = to >= 0 && to != from ? launch_abi_of(from)
						       : NULL;
	int rc;

	if (!abi || launch_is_borrowed())
		return to;
	launch_enter();
	rc = uiommu_abi_dup(abi, from, to);
	if (!rc)
		names_copy(from, to);
	launch_leave();
	if (!rc)
		return to;
	real_get()->close(to);
	return (int)launch_result(rc);
}

launch_public int dup(int fd)
{
	return copied(fd, real_get()->dup(fd));
}

/* The number `to` is about to be taken over, if `from` is any good. */
static void overwrite(int from, int to)
{
	struct uiommu_abi *abi = from != to ? launch_abi_of(to) : NULL;

	if (abi && real_get()->fcntl(from, F_GETFD) >= 0)
		forget(abi, to);
}

launch_public int dup2(int from, int to)
{
	overwrite(from, to);
	return copied(from, real_get()->dup2(from, to));
}

launch_public int dup3(int from, int to, int flags)
{
	if (!(flags & ~O_CLOEXEC))
		overwrite(from, to);
	return copied(from, real_get()->dup3(from, to, flags));
}

launch_public int fcntl(int fd, int cmd, ...)
{
	va_list ap;
	void *arg;
	int rc;

	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	rc = real_get()->fcntl(fd, cmd, arg);
	if (cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC)
		return copied(fd, rc);
	return rc;
}

SAME_AS("fcntl") int fcntl64(int fd, int cmd, ...);
SAME_AS("fcntl") int __fcntl(int fd, int cmd, ...);
SAME_AS("close") int __close(int fd);

/* -------------------------------------------------------------- ioctl ---- */

/*
 * A VMM tells KVM which VFIO files it uses.  KVM knows nothing of ours; the
 * answer it would give for real ones is yes.
 */
static bool is_kvm_vfio(unsigned long cmd, const void *arg)
{
	struct kvm_device_attr attr;
	int32_t fd;

	if (cmd != KVM_SET_DEVICE_ATTR ||
	    uiommu_guard_copy(&attr, arg, sizeof(attr)))
		return false;
	/* Group 1 is KVM_DEV_VFIO_FILE, once KVM_DEV_VFIO_GROUP. */
	if (attr.group != KVM_DEV_VFIO_GROUP ||
	    (attr.attr != KVM_DEV_VFIO_GROUP_ADD &&
	     attr.attr != KVM_DEV_VFIO_GROUP_DEL))
		return false;
	if (uiommu_guard_copy(&fd, (const void *)(uintptr_t)attr.addr,
			      sizeof(fd)))
		return false;
	return launch_abi_of(fd) != NULL;
}

/* A kernel without KVM's VFIO device still has to give one. */
static int kvm_create_device(int fd, struct kvm_create_device *arg)
{
	int rc = real_get()->ioctl(fd, KVM_CREATE_DEVICE, arg);
	struct kvm_create_device dev;

	if (rc >= 0 || errno != ENODEV ||
	    uiommu_guard_copy(&dev, arg, sizeof(dev)) ||
	    dev.type != KVM_DEV_TYPE_VFIO)
		return rc;
	if (dev.flags & KVM_CREATE_DEVICE_TEST)
		return 0;
	rc = real_get()->openat(AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC);
	if (rc < 0)
		return rc;
	arg->fd = (uint32_t)rc;
	return 0;
}

static int other_ioctl(int fd, unsigned long cmd, void *arg)
{
	if (launch_rare(cmd == KVM_SET_DEVICE_ATTR) && launch_machine() &&
	    is_kvm_vfio(cmd, arg))
		return 0;
	if (launch_rare(cmd == KVM_CREATE_DEVICE) && launch_machine())
		return kvm_create_device(fd, arg);
	return real_get()->ioctl(fd, cmd, arg);
}

launch_public int ioctl(int fd, unsigned long cmd, ...)
{
	struct uiommu_abi *abi = launch_abi_of(fd);
	va_list ap;
	void *arg;
	long rc;

	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (!abi)
		return other_ioctl(fd, cmd, arg);
	note_use();
	launch_enter();
	rc = uiommu_abi_ioctl(abi, fd, (unsigned int)cmd, (unsigned long)arg);
	launch_leave();
	return (int)launch_result(rc);
}

/* ------------------------------------------------------- read and write -- */

static ssize_t abi_io(struct uiommu_abi *abi, int fd, void *buf, size_t len,
		      bool to_device)
{
	uint64_t uva = (uintptr_t)buf;
	ssize_t rc;

	note_use();
	launch_enter();
	rc = to_device ? uiommu_abi_write(abi, fd, uva, len)
		       : uiommu_abi_read(abi, fd, uva, len);
	launch_leave();
	return launch_result(rc);
}

static ssize_t abi_pio(struct uiommu_abi *abi, int fd, struct iovec vec,
		       off_t off, bool to_device)
{
	uint64_t uva = (uintptr_t)vec.iov_base;
	ssize_t rc;

	if (off < 0)
		return launch_result(-EINVAL);
	note_use();
	launch_enter();
	rc = to_device ? uiommu_abi_pwrite(abi, fd, uva, vec.iov_len,
					   (uint64_t)off)
		       : uiommu_abi_pread(abi, fd, uva, vec.iov_len,
					  (uint64_t)off);
	launch_leave();
	return launch_result(rc);
}

launch_public ssize_t read(int fd, void *buf, size_t len)
{
	struct uiommu_abi *abi = launch_abi_of(fd);

	return abi ? abi_io(abi, fd, buf, len, false)
		   : real_get()->read(fd, buf, len);
}

launch_public ssize_t write(int fd, const void *buf, size_t len)
{
	struct uiommu_abi *abi = launch_abi_of(fd);

	return abi ? abi_io(abi, fd, (void *)(uintptr_t)buf, len, true)
		   : real_get()->write(fd, buf, len);
}

launch_public ssize_t pread(int fd, void *buf, size_t len, off_t off)
{
	struct uiommu_abi *abi = launch_abi_of(fd);

	return abi ? abi_pio(abi, fd, (struct iovec){ buf, len }, off, false)
		   : real_get()->pread(fd, buf, len, off);
}

launch_public ssize_t pwrite(int fd, const void *buf, size_t len, off_t off)
{
	struct uiommu_abi *abi = launch_abi_of(fd);
	struct iovec vec = { (void *)(uintptr_t)buf, len };

	return abi ? abi_pio(abi, fd, vec, off, true)
		   : real_get()->pwrite(fd, buf, len, off);
}

/* One after the other, up to the first that comes short. */
static ssize_t abi_vec(struct uiommu_abi *abi, int fd, const struct iovec *vec,
		       int count, off_t *off, bool to_device)
{
	ssize_t done = 0;

	if (count < 0 || count > IOV_MAX)
		return launch_result(-EINVAL);
	for (int i = 0; i < count; i++) {
		struct iovec one;
		ssize_t n;

		if (uiommu_guard_copy(&one, &vec[i], sizeof(one)))
			return launch_result(-EFAULT);
		n = off ? abi_pio(abi, fd, one, *off + done, to_device)
			: abi_io(abi, fd, one.iov_base, one.iov_len, to_device);
		if (n < 0)
			return done ? done : n;
		done += n;
		if ((size_t)n < one.iov_len)
			break;
	}
	return done;
}

launch_public ssize_t readv(int fd, const struct iovec *vec, int count)
{
	struct uiommu_abi *abi = launch_abi_of(fd);

	return abi ? abi_vec(abi, fd, vec, count, NULL, false)
		   : real_get()->readv(fd, vec, count);
}

launch_public ssize_t writev(int fd, const struct iovec *vec, int count)
{
	struct uiommu_abi *abi = launch_abi_of(fd);

	return abi ? abi_vec(abi, fd, vec, count, NULL, true)
		   : real_get()->writev(fd, vec, count);
}

launch_public ssize_t preadv(int fd, const struct iovec *vec, int count,
			     off_t off)
{
	struct uiommu_abi *abi = launch_abi_of(fd);

	return abi ? abi_vec(abi, fd, vec, count, &off, false)
		   : real_get()->preadv(fd, vec, count, off);
}

launch_public ssize_t pwritev(int fd, const struct iovec *vec, int count,
			      off_t off)
{
	struct uiommu_abi *abi = launch_abi_of(fd);

	return abi ? abi_vec(abi, fd, vec, count, &off, true)
		   : real_get()->pwritev(fd, vec, count, off);
}

/* What _FORTIFY_SOURCE calls: the room in the buffer comes last. */
void __chk_fail(void) __attribute__((noreturn));
ssize_t __read_chk(int fd, void *buf, size_t len, size_t room);
ssize_t __pread_chk(int fd, void *buf, size_t len, off_t off, size_t room);

launch_public ssize_t __read_chk(int fd, void *buf, size_t len, size_t room)
{
	if (len > room)
		__chk_fail();
	return read(fd, buf, len);
}

launch_public ssize_t __pread_chk(int fd, void *buf, size_t len, off_t off,
				  size_t room)
{
	if (len > room)
		__chk_fail();
	return pread(fd, buf, len, off);
}

ssize_t __pread64_chk(int fd, void *buf, size_t len, off_t off, size_t room);
SAME_AS("__pread_chk")
ssize_t __pread64_chk(int fd, void *buf, size_t len, off_t off, size_t room);
SAME_AS("pread") ssize_t pread64(int fd, void *buf, size_t len, off_t off);
SAME_AS("pwrite")
ssize_t pwrite64(int fd, const void *buf, size_t len, off_t off);
SAME_AS("preadv")
ssize_t preadv64(int fd, const struct iovec *vec, int count, off_t off);
SAME_AS("pwritev")
ssize_t pwritev64(int fd, const struct iovec *vec, int count, off_t off);
SAME_AS("read") ssize_t __read(int fd, void *buf, size_t len);
SAME_AS("write") ssize_t __write(int fd, const void *buf, size_t len);
