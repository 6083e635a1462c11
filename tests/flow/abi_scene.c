/* SPDX-License-Identifier: BSD-2-Clause */
/* abi_scene.c - see abi_scene.h. */
#include <fcntl.h>

#include "abi_scene.h"

long scene_ioctl(struct scene *s, unsigned long cmd, void *arg)
{
	return client_ioctl(s->abi, s->fd, cmd, arg);
}

uint64_t word_of(unsigned int page)
{
	return 0x5eed0000 + page;
}

static void open_device(struct scene *s, unsigned int i)
{
	const struct client context = {
		.machine = s->machine,
		.space_fd = s->fd,
		.ioas_id = s->ioas,
	};
	struct client *c = &s->dev[i];

	client_open_beside(c, &context, s->first + i);
	s->dev_id[i] = c->dev_id;
	s->hwpt[i] = s->ioas;
	assert_int_equal(attach(s, i, &s->hwpt[i]), 0);
	client_master(c, true);
}

void scene_join(struct scene *s, struct uiommu_machine *machine,
		unsigned int first, unsigned int nr)
{
	memset(s, 0, sizeof(*s));
	s->machine = machine;
	s->joined = true;
	s->first = first;
	s->abi = uiommu_machine_abi(s->machine);
	s->mem = pages_ok(NR_PAGES * PAGE);
	for (unsigned int i = 0; i < NR_PAGES; i++)
		*(uint64_t *)(void *)(s->mem + i * PAGE) = word_of(i);
	s->fd = uiommu_abi_open(s->abi, "/dev/iommu", O_RDWR);
	assert_true(s->fd >= 0);
	s->ioas = ioas_ok(s);
	s->nr = nr;
	for (unsigned int i = 0; i < nr; i++)
		open_device(s, i);
}

void scene_open(struct scene *s, unsigned int nr)
{
	guard_ok();
	scene_join(s, machine_ok("testep,testep"), 0, nr);
	s->joined = false;
}

void scene_close(struct scene *s)
{
	for (unsigned int i = 0; i < s->nr; i++)
		assert_int_equal(uiommu_abi_close(s->abi, s->dev[i].dev_fd), 0);
	assert_int_equal(uiommu_abi_close(s->abi, s->fd), 0);
	if (!s->joined) {
		expect_pinned(s, 0);
		uiommu_machine_destroy(s->machine);
	}
	pages_free(s->mem, NR_PAGES * PAGE);
}

void scene_each(void (*story)(struct scene *s))
{
	struct scene s;

	for (unsigned int nr = 0; nr <= MAX_DEVICES; nr++) {
		scene_open(&s, nr);
		story(&s);
		scene_close(&s);
	}
}

/* ----------------------------------------------------------------- calls -- */

uint32_t ioas_ok(struct scene *s)
{
	struct iommu_ioas_alloc cmd = { .size = sizeof(cmd) };

	assert_int_equal(scene_ioctl(s, IOMMU_IOAS_ALLOC, &cmd), 0);
	return cmd.out_ioas_id;
}

int destroy(struct scene *s, uint32_t id)
{
	struct iommu_destroy cmd = { sizeof(cmd), id };

	return (int)scene_ioctl(s, IOMMU_DESTROY, &cmd);
}

int map_at(struct scene *s, uint32_t ioas, uint64_t va, uint64_t len,
	   uint32_t flags, uint64_t *iova)
{
	struct iommu_ioas_map cmd = {
		.size = sizeof(cmd),
		.flags = flags,
		.ioas_id = ioas,
		.user_va = va,
		.length = len,
		.iova = *iova,
	};
	int rc = (int)scene_ioctl(s, IOMMU_IOAS_MAP, &cmd);

	*iova = cmd.iova;
	return rc;
}

int map_fixed(struct scene *s, uint32_t ioas, unsigned int page,
	      unsigned int nr, uint64_t iova)
{
	return map_at(s, ioas, (uintptr_t)s->mem + page * PAGE, nr * PAGE,
		      FIXED | RW, &iova);
}

int unmap(struct scene *s, uint32_t ioas, uint64_t iova, uint64_t *len)
{
	struct iommu_ioas_unmap cmd = { sizeof(cmd), ioas, iova, *len };
	int rc = (int)scene_ioctl(s, IOMMU_IOAS_UNMAP, &cmd);

	*len = cmd.length;
	return rc;
}

int unmap_len(struct scene *s, uint32_t ioas, uint64_t iova, uint64_t len)
{
	return unmap(s, ioas, iova, &len);
}

int copy_to(struct scene *s, uint32_t dst, uint64_t dst_iova, uint32_t src,
	    uint64_t src_iova, uint64_t len, uint32_t flags)
{
	struct iommu_ioas_copy cmd = {
		.size = sizeof(cmd),
		.flags = flags,
		.dst_ioas_id = dst,
		.src_ioas_id = src,
		.length = len,
		.dst_iova = dst_iova,
		.src_iova = src_iova,
	};

	return (int)scene_ioctl(s, IOMMU_IOAS_COPY, &cmd);
}

int hwpt_alloc(struct scene *s, unsigned int dev, uint32_t pt, uint32_t flags,
	       uint32_t *id)
{
	struct iommu_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.flags = flags,
		.dev_id = s->dev_id[dev],
		.pt_id = pt,
	};
	int rc = (int)scene_ioctl(s, IOMMU_HWPT_ALLOC, &cmd);

	*id = cmd.out_hwpt_id;
	return rc;
}

int attach(struct scene *s, unsigned int dev, uint32_t *pt)
{
	struct vfio_device_attach_iommufd_pt cmd = { .argsz = sizeof(cmd),
						     .pt_id = *pt };
	int rc = (int)client_ioctl(s->abi, s->dev[dev].dev_fd,
				   VFIO_DEVICE_ATTACH_IOMMUFD_PT, &cmd);

	*pt = cmd.pt_id;
	return rc;
}

int detach(struct scene *s, unsigned int dev)
{
	struct vfio_device_detach_iommufd_pt cmd = { .argsz = sizeof(cmd) };

	return (int)client_ioctl(s->abi, s->dev[dev].dev_fd,
				 VFIO_DEVICE_DETACH_IOMMUFD_PT, &cmd);
}

int huge_pages(struct scene *s, uint32_t ioas, int val)
{
	struct iommu_option cmd = {
		.size = sizeof(cmd),
		.option_id = IOMMU_OPTION_HUGE_PAGES,
		.op = val < 0 ? IOMMU_OPTION_OP_GET : IOMMU_OPTION_OP_SET,
		.object_id = ioas,
		.val64 = val < 0 ? 77 : (uint64_t)val,
	};
	int rc = (int)scene_ioctl(s, IOMMU_OPTION, &cmd);

	return rc || val >= 0 ? rc : (int)cmd.val64;
}

/* ------------------------------------------------------- what is mapped -- */

void expect_pages(struct scene *s, unsigned int page, unsigned int nr,
		  uint64_t iova)
{
	for (unsigned int d = 0; d < s->nr; d++)
		for (unsigned int i = 0; i < nr; i++)
			assert_int_equal(testep_read_word(&s->dev[d], 0,
							  iova + i * PAGE),
					 word_of(page + i));
}

void expect_none(struct scene *s, unsigned int nr, uint64_t iova)
{
	for (unsigned int d = 0; d < s->nr; d++)
		for (unsigned int i = 0; i < nr; i++)
			assert_int_equal(testep_read_word(&s->dev[d], 0,
							  iova + i * PAGE),
					 0);
}

void expect_pinned(struct scene *s, uint64_t pages)
{
	struct uiommu_core_stats stats;

	uiommu_core_stats(uiommu_machine_core(s->machine), &stats);
	assert_int_equal(stats.pinned_bytes, pages * PAGE);
}
