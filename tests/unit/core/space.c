/* SPDX-License-Identifier: BSD-2-Clause */
/* See space.h. */
#include "space.h"

struct uiommu_device *add_waiting(struct world *w, uint32_t id,
				  const struct uiommu_device_cfg *like)
{
	struct uiommu_device *dev;

	w->fu->page_faults = true;
	assert_int_equal(add_device(w, w->fu, id, like, &dev), 0);
	w->fu->page_faults = false;
	return dev;
}

void scene_open(struct scene *s, void **state)
{
	*s = (struct scene){ .w = *state };
	for (unsigned int i = 0; i < 2; i++)
		s->dev[i] = add_waiting(s->w, 20 + i, NULL);
	space_init(&s->space);
}

void scene_close(struct scene *s)
{
	assert_int_equal(s->space.nr, 0);
	assert_int_equal(s->space.held, 0);
	assert_int_equal(fake_waiting(s->w->fu), 0);
	assert_int_equal(s->w->fu->bad_answers, 0);
	for (unsigned int i = 0; i < 2; i++)
		uiommu_device_remove(s->dev[i]);
}

struct uiommu_sva *bind_ok(struct scene *s, unsigned int i)
{
	struct uiommu_sva *sva;

	assert_int_equal(uiommu_sva_bind(s->dev[i], &s->space.mm, &sva), 0);
	return sva;
}

uint32_t scene_bind(struct scene *s, void **state)
{
	scene_open(s, state);
	s->sva = bind_ok(s, 0);
	return uiommu_sva_pasid(s->sva);
}

void scene_unbind(struct scene *s)
{
	uiommu_sva_unbind(s->sva);
	scene_close(s);
}

unsigned int ask(struct scene *s, unsigned int i, uint32_t pasid, uint64_t iova,
		 uint32_t perm)
{
	const struct uiommu_page_request req = {
		.flags = perm | UIOMMU_PAGE_LAST,
		.id = 20 + i,
		.pasid = pasid,
		.token = ++s->token,
		.iova = iova,
	};
	unsigned int before = s->w->fu->answers;

	fake_page_request(s->w->fu, &req);
	assert_int_equal(s->w->fu->answers, before + 1);
	return s->w->fu->answer.code;
}

bool reaches(struct scene *s, unsigned int i, uint32_t pasid, uint64_t iova,
	     bool write)
{
	uiommu_pa_t pa;

	if (fake_dma_pasid(s->w->fu, 20 + i, pasid, iova, write, &pa))
		return false;
	assert_int_equal(pa, iova);
	return true;
}
