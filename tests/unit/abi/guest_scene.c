/* SPDX-License-Identifier: BSD-2-Clause */
/* See guest_scene.h. */
#include "guest_scene.h"

#include "fake_nested.h"

long call(struct scene *s, unsigned long nr, void *cmd)
{
	return env_ioctl(s->env, s->fd, nr, cmd);
}

int destroy(struct scene *s, uint32_t id)
{
	return env_destroy(s->env, s->fd, id);
}

int hwpt_alloc(struct scene *s, uint32_t flags, uint32_t pt, uint32_t type,
	       const void *data, uint32_t len, uint32_t *id)
{
	struct iommu_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.flags = flags,
		.dev_id = s->dev,
		.pt_id = pt,
		.data_type = type,
		.data_len = len,
		.data_uptr = (uintptr_t)data,
	};
	int rc = (int)call(s, IOMMU_HWPT_ALLOC, &cmd);

	*id = cmd.out_hwpt_id;
	return rc;
}

int viommu_alloc(struct scene *s, uint32_t type, uint32_t dev, uint32_t hwpt,
		 uint32_t *id)
{
	struct iommu_viommu_alloc cmd = {
		.size = sizeof(cmd),
		.type = type,
		.dev_id = dev,
		.hwpt_id = hwpt,
	};
	int rc = (int)call(s, IOMMU_VIOMMU_ALLOC, &cmd);

	*id = cmd.out_viommu_id;
	return rc;
}

int vdevice_alloc(struct scene *s, uint32_t viommu, uint32_t dev,
		  uint64_t virt_id, uint32_t *id)
{
	struct iommu_vdevice_alloc cmd = {
		.size = sizeof(cmd),
		.viommu_id = viommu,
		.dev_id = dev,
		.virt_id = virt_id,
	};
	int rc = (int)call(s, IOMMU_VDEVICE_ALLOC, &cmd);

	*id = cmd.out_vdevice_id;
	return rc;
}

int queue_alloc(struct scene *s, uint32_t type, uint32_t index, uint64_t iova,
		uint64_t len, uint32_t *id)
{
	struct iommu_hw_queue_alloc cmd = {
		.size = sizeof(cmd),
		.viommu_id = s->viommu,
		.type = type,
		.index = index,
		.nesting_parent_iova = iova,
		.length = len,
	};
	int rc = (int)call(s, IOMMU_HW_QUEUE_ALLOC, &cmd);

	*id = cmd.out_hw_queue_id;
	return rc;
}

uint32_t nested(struct scene *s, uint32_t pt, uint32_t flags)
{
	const struct fake_nested_data data = { .word = 7 };
	uint32_t id;

	assert_int_equal(hwpt_alloc(s, flags, pt, FAKE_NESTED_DATA, &data,
				    sizeof(data), &id),
			 0);
	return id;
}

void scene_open(struct scene *s, void **state)
{
	*s = (struct scene){ .env = *state };
	for (int i = 0; i < ENV_UNITS; i++)
		s->env->unit[i]->caps.stage2 = true;
	s->fd = env_open(s->env);
	s->ioas = env_ioas(s->env, s->fd);
	env_map(s->env, s->fd, s->ioas, s->env->mem, 2 * PAGE, 0x10000);
	s->idev = env_bind(s->env, s->fd, DEV, &s->dev);
	assert_int_equal(hwpt_alloc(s, IOMMU_HWPT_ALLOC_NEST_PARENT, s->ioas, 0,
				    NULL, 0, &s->parent),
			 0);
	assert_int_equal(
		viommu_alloc(s, FAKE_VIOMMU, s->dev, s->parent, &s->viommu), 0);
}

void scene_close(struct scene *s)
{
	if (s->idev)
		ufd_device_unbind(s->idev);
	assert_int_equal(destroy(s, s->viommu), 0);
	assert_int_equal(destroy(s, s->parent), 0);
	assert_int_equal(destroy(s, s->ioas), 0);
	env_close(s->env, s->fd);
}

uint32_t next_id(struct scene *s)
{
	uint32_t id = env_ioas(s->env, s->fd);

	assert_int_equal(destroy(s, id), 0);
	return id;
}

int veventq_alloc(struct scene *s, uint32_t type, uint32_t depth, uint32_t *id,
		  int *fd)
{
	struct iommu_veventq_alloc cmd = {
		.size = sizeof(cmd),
		.viommu_id = s->viommu,
		.type = type,
		.veventq_depth = depth,
	};
	int rc = (int)call(s, IOMMU_VEVENTQ_ALLOC, &cmd);

	*id = cmd.out_veventq_id;
	*fd = (int)cmd.out_veventq_fd;
	return rc;
}

long rd(struct scene *s, int fd, void *buf, size_t len)
{
	return uiommu_abi_read(s->env->abi, fd, (uintptr_t)buf, len);
}

int event(struct scene *s)
{
	return fake_guest_event(&s->env->unit[0]->unit, VIRT, false);
}

void attach(struct scene *s, uint32_t *hwpt, uint32_t *vdev)
{
	uint32_t pt;

	*hwpt = nested(s, s->viommu, 0);
	assert_int_equal(vdevice_alloc(s, s->viommu, s->dev, VIRT, vdev), 0);
	pt = *hwpt;
	assert_int_equal(ufd_device_attach(s->idev, &pt), 0);
}

void detach(struct scene *s, uint32_t hwpt, uint32_t vdev)
{
	ufd_device_detach(s->idev);
	assert_int_equal(destroy(s, vdev), 0);
	assert_int_equal(destroy(s, hwpt), 0);
}
