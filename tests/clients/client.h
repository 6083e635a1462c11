/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * client.h - small programs as others write them: system calls on nodes, and
 * nothing of uiommu but the statement of the Linux ABI.
 *
 * A program exits 0 when all it checked held, else 1 with a line on stderr
 * that names the place; it prints nothing on stdout.
 */
#ifndef TESTS_CLIENTS_CLIENT_H
#define TESTS_CLIENTS_CLIENT_H

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <uiommu/uapi/iommufd.h>
#include <uiommu/uapi/vfio.h>

#define CHECK(cond)                                                         \
	do {                                                                \
		if (!(cond)) {                                              \
			fprintf(stderr, "%s:%d: %s (errno %d)\n", __FILE__, \
				__LINE__, #cond, errno);                    \
			_exit(1);                                           \
		}                                                           \
	} while (0)

/* The call fails with this errno. */
#define CHECK_FAILS(call, err)       \
	do {                         \
		errno = 0;           \
		CHECK((call) == -1); \
		CHECK(errno == err); \
	} while (0)

#define BDF "0000:01:00.0"
#define SYSFS "/sys/bus/pci/devices/" BDF
#define BAR_SIZE 0x4000

/* A device behind an IO address space of iommufd. */
struct client {
	int iommufd;
	int device;
	uint32_t ioas;
	volatile uint8_t *bar;
};

/* Open, bind and attach the first device; its BAR 0 mapped. */
void client_open(struct client *c);
/* The same of a device that may not have it mapped: then `bar` is NULL. */
void client_open_any(struct client *c);
void client_map(struct client *c, uint64_t iova, void *mem, size_t len);
void client_unmap(struct client *c, uint64_t iova, size_t len);
/* Registers and DMA on. */
void client_master(struct client *c);

/* Registers of the I/OAT device. */
#define CHANCNT 0x00 /* 8 bits: 1 */
#define XFERCAP 0x01
#define INTRCTRL 0x03
#define CBVER 0x08     /* 8 bits: 0x33 */
#define INTRDELAY 0x0c /* 16 bits */
#define CHANCTRL 0x80  /* 16 bits */
#define CHANCMD 0x84   /* 8 bits */
#define DMACOUNT 0x86  /* 16 bits */
#define CHANSTS 0x88   /* 64 bits */
#define CHAINADDR 0x90 /* 64 bits */
#define CHANCMP 0x98   /* 64 bits */
#define CHANERR 0xa8   /* 32 bits */

#define STS_DONE 1
#define STS_HALTED 3

static inline uint8_t rd8(const struct client *c, unsigned int off)
{
	return *(volatile uint8_t *)(c->bar + off);
}

static inline uint16_t rd16(const struct client *c, unsigned int off)
{
	return *(volatile uint16_t *)(c->bar + off);
}

static inline uint64_t rd64(const struct client *c, unsigned int off)
{
	return *(volatile uint64_t *)(c->bar + off);
}

static inline void wr8(const struct client *c, unsigned int off, uint8_t v)
{
	*(volatile uint8_t *)(c->bar + off) = v;
}

static inline void wr16(const struct client *c, unsigned int off, uint16_t v)
{
	*(volatile uint16_t *)(c->bar + off) = v;
}

static inline void wr64(const struct client *c, unsigned int off, uint64_t v)
{
	*(volatile uint64_t *)(c->bar + off) = v;
}

struct ioat_desc {
	uint32_t size;
	uint32_t ctl;
	uint64_t src;
	uint64_t dst;
	uint64_t next;
	uint64_t rest[4];
};

/*
 * Let the device copy by a descriptor at `desc`, which it sees at desc_iova;
 * the state it ends in.
 */
unsigned int client_copy(struct client *c, struct ioat_desc *desc,
			 uint64_t desc_iova, uint64_t dst, uint64_t src,
			 uint32_t len);
/* Bus master on, channel reset. */
void client_start_ioat(struct client *c);

#endif /* TESTS_CLIENTS_CLIENT_H */
