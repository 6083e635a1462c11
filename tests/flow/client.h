/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * client.h - a small VFIO client on abi.h, for tests of the whole stack: a
 * machine, devices opened by either door, I/OAT driven through its registers.
 *
 * Functions whose name ends in _ok fail the test when they fail.
 */
#ifndef TESTS_FLOW_CLIENT_H
#define TESTS_FLOW_CLIENT_H

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <uiommu/machine.h>

/* One device, opened. */
struct client {
	struct uiommu_machine *machine;
	struct uiommu_abi *abi;
	unsigned int index; /* of the device */
	char bdf[16];
	int dev_fd;
	int space_fd;	  /* container or iommufd */
	int group_fd;	  /* container only, else -1 */
	uint32_t ioas_id; /* iommufd only */
	uint32_t dev_id;  /* the same */
	uint64_t bar_off; /* of BAR 0 in the device's file */
	uint64_t cfg_off;
};

struct uiommu_machine *machine_ok(const char *devices);
/* One that logs warnings, too. */
struct uiommu_machine *machine_warning_ok(const char *devices);
/* As a device tree says; the path is below the build's root. */
struct uiommu_machine *machine_of_ok(const char *topology);
/*
 * Cmocka takes SIGSEGV and SIGBUS for each test, so one that makes guarded
 * copies fail takes them back.
 */
void guard_ok(void);

/* What machines log from one to the other, as text. */
struct logged {
	int fd, stderr_fd;
};
void log_begin(struct logged *l);
void log_end(struct logged *l, char *text, size_t size);

long client_ioctl(struct uiommu_abi *abi, int fd, unsigned long cmd, void *arg);

/*
 * In a container of that type; one more device in the container of another client:
 * SET_CONTAINER's answer.
 */
void client_open_container(struct client *c, struct uiommu_machine *machine,
			   unsigned int index, unsigned long type);
int client_join(struct client *c, const struct client *other,
		unsigned int index);
/* The first again: SET_IOMMU's answer, and nothing is open if it says no. */
int client_try_container(struct client *c, struct uiommu_machine *machine,
			 unsigned int index, unsigned long type);
void client_leave(struct client *c);
/* Through container and group, and through cdev and iommufd. */
void client_open_type1(struct client *c, struct uiommu_machine *machine,
		       unsigned int index);
void client_open_iommufd(struct client *c, struct uiommu_machine *machine,
			 unsigned int index);
/* By the iommufd of another client, not attached; close its dev_fd only. */
void client_open_beside(struct client *c, const struct client *other,
			unsigned int index);
void client_close(struct client *c);
/* One more IOAS in its iommufd. */
uint32_t client_ioas_ok(struct client *c);
/* A page table of iommufd for the device: IOMMU_HWPT_ALLOC_*. */
uint32_t client_hwpt_ok(struct client *c, uint32_t ioas, uint32_t flags);
/* Give it to the device, to a PASID; 0: the device itself. */
int client_attach(struct client *c, uint32_t pasid, uint32_t pt_id);
int client_detach(struct client *c, uint32_t pasid);

/* Map memory of ours, readable and writable for the device. */
int client_map(struct client *c, void *va, uint64_t len, uint64_t iova);
void client_map_ok(struct client *c, void *va, uint64_t len, uint64_t iova);
int client_unmap(struct client *c, uint64_t iova, uint64_t len);

uint64_t bar_read(struct client *c, uint64_t off, unsigned int size);
void bar_write(struct client *c, uint64_t off, unsigned int size, uint64_t v);
uint32_t cfg_read(struct client *c, uint64_t off, unsigned int size);
void cfg_write(struct client *c, uint64_t off, unsigned int size, uint32_t v);
/* Bus master on (or off). */
void client_master(struct client *c, bool on);
/* Enable MSI-X vectors 0 to n-1 with these eventfds, 0: off; SET_IRQS's answer. */
int client_msix(struct client *c, const int *efd, unsigned int n);
void client_msix_ok(struct client *c, const int *efd, unsigned int n);

/* Page-aligned anonymous memory. */
void *pages_ok(size_t len);
void pages_free(void *va, size_t len);

/* ------------------------------------------------------------- I/OAT --- */

#define IOAT_CHANCTRL 0x80
#define IOAT_CHANCMD 0x84
#define IOAT_DMACOUNT 0x86
#define IOAT_CHANSTS 0x88
#define IOAT_CHAINADDR 0x90
#define IOAT_CHANCMP 0x98
#define IOAT_CHANERR 0xa8

#define IOAT_STS_DONE 1
#define IOAT_STS_SUSPENDED 2
#define IOAT_STS_HALTED 3
#define IOAT_STS_ARMED 4

#define IOAT_CTL_INT 0x1u
#define IOAT_CTL_UPDATE 0x8u
#define IOAT_CTL_NULL 0x20u
#define IOAT_CTL_FILL (1u << 24)

struct ioat_desc {
	uint32_t size;
	uint32_t ctl;
	uint64_t src;
	uint64_t dst;
	uint64_t next;
	uint64_t rest[4];
};

/* Bus master on, channel reset, MSI-X by vector. */
void ioat_init(struct client *c);
/* Run `count` descriptors from `chain` on; returns the state it ends in. */
unsigned int ioat_run(struct client *c, uint64_t chain, unsigned int count);
/*
 * One copy by way of a descriptor at `desc_iova`, which `desc` is mapped at.
 * Returns the state: DONE or HALTED.
 */
unsigned int ioat_copy(struct client *c, struct ioat_desc *desc,
		       uint64_t desc_iova, uint64_t dst, uint64_t src,
		       uint32_t len);

#endif /* TESTS_FLOW_CLIENT_H */
