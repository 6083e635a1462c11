/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program of one thread that rings a device's doorbell, reads the page fault
 * which that causes, maps the page and answers; and what poll, select and epoll
 * say of the queue meanwhile.  The device is the test endpoint.  The argument
 * "nobody": a page fault without a fault queue, which ends the DMA.
 */
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include "client.h"

#define IOVA UINT64_C(0xfef00000)
#define PAGE 4096u
#define NO_IOVA UINT64_C(0x123456000)

/* Registers of the device. */
#define ADDR 0x00
#define CMD 0x08
#define STATUS 0x10
#define DATA 0x1000
#define START 1u
#define TO_DEVICE 2u
#define OK 0u
#define ABORTED 1u

struct work {
	struct client c;
	int queue;
	uint32_t queue_id, hwpt;
	uint8_t *mem;
};

/* The registers may not be mapped, if that is what the device is like. */
static uint32_t rd32(struct work *w, unsigned int off)
{
	uint32_t val;

	if (w->c.bar)
		return *(volatile uint32_t *)(w->c.bar + off);
	CHECK(pread(w->c.device, &val, 4, off) == 4);
	return val;
}

static void wr32(struct work *w, unsigned int off, uint32_t val)
{
	if (w->c.bar)
		*(volatile uint32_t *)(w->c.bar + off) = val;
	else
		CHECK(pwrite(w->c.device, &val, 4, off) == 4);
}

static void ring(struct work *w, uint64_t iova, uint32_t cmd)
{
	wr32(w, ADDR, (uint32_t)iova);
	wr32(w, ADDR + 4, iova >> 32);
	wr32(w, CMD, cmd | START);
}

static int busy(struct work *w)
{
	return rd32(w, CMD) & START;
}

static void attach(struct work *w, uint32_t pt)
{
	struct vfio_device_attach_iommufd_pt cmd = {
		.argsz = sizeof(cmd),
		.pt_id = pt,
	};

	CHECK(!ioctl(w->c.device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &cmd));
}

/* The device's object: the only one that GET_HW_INFO knows. */
static uint32_t device_id(struct work *w)
{
	struct iommu_hw_info info = { .size = sizeof(info) };

	for (info.dev_id = 1; info.dev_id < 16; info.dev_id++)
		if (!ioctl(w->c.iommufd, IOMMU_GET_HW_INFO, &info))
			return info.dev_id;
	CHECK(!"no device");
	return 0;
}

static void open_queue(struct work *w)
{
	struct iommu_fault_alloc queue = { .size = sizeof(queue) };
	struct iommu_hwpt_alloc hwpt = {
		.size = sizeof(hwpt),
		.flags = IOMMU_HWPT_FAULT_ID_VALID,
		.dev_id = device_id(w),
		.pt_id = w->c.ioas,
	};

	CHECK(!ioctl(w->c.iommufd, IOMMU_FAULT_QUEUE_ALLOC, &queue));
	w->queue = (int)queue.out_fault_fd;
	w->queue_id = queue.out_fault_id;
	hwpt.fault_id = w->queue_id;
	CHECK(!ioctl(w->c.iommufd, IOMMU_HWPT_ALLOC, &hwpt));
	w->hwpt = hwpt.out_hwpt_id;
	attach(w, w->hwpt);
}

/* ------------------------------------------------------------ readiness -- */

static short polled(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN | POLLOUT };

	CHECK(poll(&pfd, 1, 0) >= 0);
	return pfd.revents;
}

static int selected(int fd)
{
	struct timeval now = { 0 };
	fd_set set;

	FD_ZERO(&set);
	FD_SET(fd, &set);
	return select(fd + 1, &set, NULL, NULL, &now);
}

static int waited(int epoll)
{
	struct epoll_event event;

	return epoll_wait(epoll, &event, 1, 0);
}

static int epoll_of(int fd, uint32_t flags)
{
	struct epoll_event event = { .events = EPOLLIN | flags };
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	CHECK(epoll >= 0);
	CHECK(!epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
	return epoll;
}

static void readiness(struct work *w)
{
	int level = epoll_of(w->queue, 0), edge = epoll_of(w->queue, EPOLLET);
	struct iommu_hwpt_page_response no[2] = { { 1, 1 }, { 2, 1 } };
	struct iommu_hwpt_pgfault fault;

	CHECK(polled(w->queue) == POLLOUT);
	CHECK(!selected(w->queue) && !waited(level) && !waited(edge));
	ring(w, IOVA, TO_DEVICE);
	CHECK(polled(w->queue) == (POLLIN | POLLOUT));
	CHECK(selected(w->queue) == 1 && waited(level) == 1);
	CHECK(waited(edge) == 1 && waited(edge) == 0);
	CHECK(read(w->queue, &fault, sizeof(fault)) == sizeof(fault));
	CHECK(polled(w->queue) == POLLOUT);
	CHECK(!selected(w->queue) && !waited(level) && !waited(edge));
	CHECK(write(w->queue, no, sizeof(no[0])) == sizeof(no[0]));
	CHECK(!busy(w) && rd32(w, STATUS) == ABORTED);
	/* Each one is news. */
	ring(w, IOVA, TO_DEVICE);
	CHECK(waited(edge) == 1);
	CHECK(read(w->queue, &fault, sizeof(fault)) == sizeof(fault));
	no[0].cookie = fault.cookie;
	CHECK(write(w->queue, no, sizeof(no)) == sizeof(no[0]));
	close(level);
	close(edge);
}

/* ---------------------------------------------------------- the stories -- */

static void the_descriptor(struct work *w)
{
	struct iommu_hwpt_pgfault fault;
	char path[64], link[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", w->queue);
	n = readlink(path, link, sizeof(link) - 1);
	CHECK(n > 0);
	link[n] = 0;
	CHECK(!strcmp(link, "anon_inode:[iommufd-pgfault]"));
	CHECK(fcntl(w->queue, F_GETFD) == FD_CLOEXEC);
	CHECK((fcntl(w->queue, F_GETFL) & O_ACCMODE) == O_RDWR);
	/* It never waits. */
	CHECK(read(w->queue, &fault, sizeof(fault)) == 0);
	CHECK(!fcntl(w->queue, F_SETFL, O_NONBLOCK));
	CHECK(read(w->queue, &fault, sizeof(fault)) == 0);
	CHECK(!fcntl(w->queue, F_SETFL, 0));
	CHECK_FAILS(read(w->queue, &fault, sizeof(fault) - 1), ESPIPE);
	CHECK_FAILS(pread(w->queue, &fault, sizeof(fault), 0), ESPIPE);
	CHECK_FAILS(write(w->queue, &fault, 7), ESPIPE);
}

static uint32_t take(struct work *w, int fd, uint64_t addr, uint32_t perm)
{
	struct iommu_hwpt_pgfault fault;

	CHECK(read(fd, &fault, sizeof(fault)) == sizeof(fault));
	CHECK(fault.addr == addr && fault.perm == perm);
	CHECK(fault.flags == IOMMU_PGFAULT_FLAGS_LAST_PAGE);
	CHECK(fault.dev_id == device_id(w));
	return fault.cookie;
}

static void answer(struct work *w, uint32_t cookie, uint32_t code)
{
	struct iommu_hwpt_page_response response = { cookie, code };

	CHECK(write(w->queue, &response, sizeof(response)) == sizeof(response));
}

/* Memory to the device and back. */
static void there_and_back(struct work *w)
{
	int copy = dup(w->queue);
	uint32_t cookie;

	memset(w->mem, 0x42, PAGE);
	ring(w, IOVA, TO_DEVICE);
	CHECK(busy(w));
	cookie = take(w, copy, IOVA, IOMMU_PGFAULT_PERM_READ);
	close(copy);
	CHECK(busy(w));
	client_map(&w->c, IOVA, w->mem, PAGE);
	answer(w, cookie, IOMMUFD_PAGE_RESP_SUCCESS);
	CHECK(!busy(w) && rd32(w, STATUS) == OK);
	CHECK(rd32(w, DATA) == 0x42424242);
	memset(w->mem, 0, PAGE);
	ring(w, IOVA, 0);
	CHECK(!busy(w));
	for (unsigned int i = 0; i < PAGE; i++)
		CHECK(w->mem[i] == 0x42);
	client_unmap(&w->c, IOVA, PAGE);
	/* What was unmapped faults again. */
	ring(w, IOVA, 0);
	answer(w, take(w, w->queue, IOVA, IOMMU_PGFAULT_PERM_WRITE),
	       IOMMUFD_PAGE_RESP_INVALID);
	CHECK(!busy(w) && rd32(w, STATUS) == ABORTED);
}

static void *answerer(void *arg)
{
	struct work *w = arg;
	struct pollfd pfd = { .fd = w->queue, .events = POLLIN };

	CHECK(poll(&pfd, 1, -1) == 1 && pfd.revents == POLLIN);
	answer(w, take(w, w->queue, NO_IOVA, IOMMU_PGFAULT_PERM_READ),
	       IOMMUFD_PAGE_RESP_INVALID);
	return NULL;
}

static void another_thread_answers(struct work *w)
{
	pthread_t thread;

	CHECK(!pthread_create(&thread, NULL, answerer, w));
	ring(w, NO_IOVA, TO_DEVICE);
	CHECK(!pthread_join(thread, NULL));
	CHECK(!busy(w));
}

/* A reset of the device leaves what the IOMMU has set up in it. */
static void reset(struct work *w)
{
	CHECK(!ioctl(w->c.device, VFIO_DEVICE_RESET));
	client_master(&w->c);
	CHECK(!busy(w));
	there_and_back(w);
}

static void leave(struct work *w)
{
	struct iommu_hwpt_page_response late = { 0 };
	struct iommu_destroy destroy = { sizeof(destroy), w->queue_id };

	ring(w, NO_IOVA, TO_DEVICE);
	late.cookie = take(w, w->queue, NO_IOVA, IOMMU_PGFAULT_PERM_READ);
	CHECK(busy(w));
	attach(w, w->c.ioas);
	CHECK(!busy(w));
	CHECK_FAILS(write(w->queue, &late, sizeof(late)), EINVAL);
	attach(w, w->hwpt);
	/* Closed with one unread: it waits until the device leaves. */
	ring(w, NO_IOVA, TO_DEVICE);
	CHECK_FAILS(ioctl(w->c.iommufd, IOMMU_DESTROY, &destroy), EBUSY);
	CHECK(!close(w->queue));
	CHECK(busy(w));
	attach(w, w->c.ioas);
	CHECK(!busy(w));
	destroy.id = w->hwpt;
	CHECK(!ioctl(w->c.iommufd, IOMMU_DESTROY, &destroy));
	destroy.id = w->queue_id;
	CHECK(!ioctl(w->c.iommufd, IOMMU_DESTROY, &destroy));
}

int main(int argc, char **argv)
{
	struct work w;

	client_open_any(&w.c);
	client_master(&w.c);
	w.mem = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(w.mem != MAP_FAILED);
	if (argc > 1) {
		ring(&w, NO_IOVA, TO_DEVICE);
		CHECK(!busy(&w) && rd32(&w, STATUS) == ABORTED);
		return 0;
	}
	open_queue(&w);
	the_descriptor(&w);
	there_and_back(&w);
	readiness(&w);
	another_thread_answers(&w);
	reset(&w);
	leave(&w);
	return 0;
}
