/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest_scene.h - what tests of guests in iommufd start from: a device, an IOAS with
 * two pages at 0x10000, a page table that was made a parent, and a vIOMMU; and the
 * calls in short, which return 0 or the error.
 */
#ifndef TESTS_GUEST_SCENE_H
#define TESTS_GUEST_SCENE_H

#include "ufd_env.h"

#define DEV 2 /* alone in its group, with page faults */
#define VIRT 0x99

struct scene {
	struct ufd_env *env;
	int fd;
	struct ufd_device *idev;
	uint32_t dev, ioas, parent, viommu;
};

/* Of the queues that veventq_alloc makes, with FAKE_VEVENTS. */
struct record {
	struct iommufd_vevent_header header;
	uint32_t virt_id;
};

long call(struct scene *s, unsigned long nr, void *cmd);
int destroy(struct scene *s, uint32_t id);
int hwpt_alloc(struct scene *s, uint32_t flags, uint32_t pt, uint32_t type,
	       const void *data, uint32_t len, uint32_t *id);
int viommu_alloc(struct scene *s, uint32_t type, uint32_t dev, uint32_t hwpt,
		 uint32_t *id);
int vdevice_alloc(struct scene *s, uint32_t viommu, uint32_t dev,
		  uint64_t virt_id, uint32_t *id);
int queue_alloc(struct scene *s, uint32_t type, uint32_t index, uint64_t iova,
		uint64_t len, uint32_t *id);
/* Made with a word of 7, as what attach() attaches. */
uint32_t nested(struct scene *s, uint32_t pt, uint32_t flags);

void scene_open(struct scene *s, void **state);
void scene_close(struct scene *s);
/* The id that the next object gets: a call that failed has kept none. */
uint32_t next_id(struct scene *s);
int veventq_alloc(struct scene *s, uint32_t type, uint32_t depth, uint32_t *id,
		  int *fd);
/* Read a descriptor; an event of device VIRT, as fake_guest_event. */
long rd(struct scene *s, int fd, void *buf, size_t len);
int event(struct scene *s);
/* The device in the guest's hands, as VIRT; and out of them. */
void attach(struct scene *s, uint32_t *hwpt, uint32_t *vdev);
void detach(struct scene *s, uint32_t hwpt, uint32_t vdev);

#endif /* TESTS_GUEST_SCENE_H */
