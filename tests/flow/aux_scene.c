/* SPDX-License-Identifier: BSD-2-Clause */
/* aux_scene.c - see aux_scene.h. */
#include <uiommu/uapi/vfio.h>

#include "aux_scene.h"
#include "machine/pci.h"

#define PAGE UINT64_C(4096)
#define RW (UIOMMU_PROT_READ | UIOMMU_PROT_WRITE)
#define NR_PAGES 8u

/* ----------------------------------------------------------------- scene -- */

static void on_fault(void *ctx, const struct uiommu_smmuv3_fault_info *info)
{
	struct aux_scene *s = ctx;

	s->fault = *info;
	s->nr_faults++;
}

struct uiommu_group *aux_group(struct aux_scene *s, unsigned int i)
{
	return uiommu_device_group(s->dev[i]);
}

struct aux_space aux_space_new(struct aux_scene *s, unsigned int page)
{
	struct aux_space space = { .page = page };
	uiommu_iova_t iova = AUX_IOVA;
	uint8_t *at = s->mem + page * PAGE;

	*(uint64_t *)(void *)at = AUX_WORD(page);
	assert_int_equal(uiommu_domain_alloc(s->dev[0], &space.dom), 0);
	assert_int_equal(uiommu_ioas_create(s->core, &space.ioas), 0);
	assert_int_equal(uiommu_ioas_add_domain(space.ioas, space.dom), 0);
	assert_int_equal(uiommu_ioas_map(space.ioas, &s->machine->mm,
					 (uintptr_t)at, PAGE, RW,
					 UIOMMU_IOAS_FIXED_IOVA, &iova),
			 0);
	return space;
}

void aux_space_free(struct aux_space *space)
{
	uiommu_ioas_remove_domain(space->ioas, space->dom);
	uiommu_ioas_destroy(space->ioas);
	uiommu_domain_free(space->dom);
}

/* The devices are the client's, who has attached nothing. */
static void open_devices(struct aux_scene *s)
{
	struct vfio_device_detach_iommufd_pt pt = { .argsz = sizeof(pt) };
	const char *bdf, *type;

	for (unsigned int i = 0; i <= AUX_DEVS; i++) {
		assert_true(uiommu_machine_device(s->machine, i, &bdf, &type));
		s->dev[i] = uiommu_core_find_device(s->core, bdf);
		assert_non_null(s->dev[i]);
	}
	client_open_iommufd(&s->c[0], s->machine, 0);
	assert_int_equal(client_ioctl(s->c[0].abi, s->c[0].dev_fd,
				      VFIO_DEVICE_DETACH_IOMMUFD_PT, &pt),
			 0);
	for (unsigned int i = 1; i < AUX_DEVS; i++)
		client_open_beside(&s->c[i], &s->c[0], i);
	for (unsigned int i = 0; i < AUX_DEVS; i++)
		client_master(&s->c[i], true);
}

void aux_open(struct aux_scene *s)
{
	guard_ok();
	memset(s, 0, sizeof(*s));
	s->machine = machine_ok("testep*4,ioat");
	s->core = uiommu_machine_core(s->machine);
	uiommu_smmuv3_model_set_fault_observer(uiommu_machine_model(s->machine),
					       on_fault, s);
	open_devices(s);
	s->mem = pages_ok(NR_PAGES * PAGE);
	s->parent = aux_space_new(s, 0);
	s->other = aux_space_new(s, 1);
	s->aux = aux_space_new(s, 2);
	for (unsigned int i = 0; i < AUX_DEVS; i++) {
		assert_int_equal(uiommu_group_attach(aux_group(s, i),
						     i < 3 ? s->parent.dom
							   : s->other.dom),
				 0);
		assert_int_equal(uiommu_dev_enable_feature(s->dev[i], AUX), 0);
	}
}

void aux_close(struct aux_scene *s)
{
	for (unsigned int i = 0; i < AUX_DEVS; i++)
		assert_int_equal(uiommu_group_detach(aux_group(s, i)), 0);
	for (unsigned int i = 1; i < AUX_DEVS; i++)
		assert_int_equal(uiommu_abi_close(s->c[i].abi, s->c[i].dev_fd),
				 0);
	client_close(&s->c[0]);
	aux_space_free(&s->parent);
	aux_space_free(&s->other);
	aux_space_free(&s->aux);
	uiommu_machine_destroy(s->machine);
	pages_free(s->mem, NR_PAGES * PAGE);
}

uint32_t aux_attach_ok(struct aux_scene *s, const struct aux_space *space,
		       unsigned int i)
{
	int pasid;

	assert_int_equal(uiommu_aux_attach(space->dom, s->dev[i]), 0);
	pasid = uiommu_aux_pasid(space->dom, s->dev[i]);
	assert_true(pasid > 0);
	return (uint32_t)pasid;
}

/* --------------------------------------------------------------- judging -- */

uint64_t aux_reads(struct aux_scene *s, unsigned int i, uint32_t pasid)
{
	return testep_read_word(&s->c[i], pasid, AUX_IOVA);
}

void aux_reaches_nothing(struct aux_scene *s, unsigned int i, uint32_t pasid,
			 const struct aux_space *space)
{
	uint64_t *word = (uint64_t *)(void *)(s->mem + space->page * PAGE);

	assert_int_equal(aux_reads(s, i, pasid), 0);
	testep_fill(&s->c[i], 0, 0xdead);
	assert_int_equal(testep_go(&s->c[i], 0,
				   TESTEP_WRITE | TESTEP_WITH_PASID, AUX_IOVA,
				   8),
			 TESTEP_ABORTED);
	assert_int_equal(*word, AUX_WORD(space->page));
}

void aux_holds(struct aux_scene *s, unsigned int i, uint32_t pasid,
	       unsigned int page)
{
	struct uiommu_smmuv3_endpoint_stats was, is;

	assert_int_equal(aux_reads(s, i, pasid), AUX_WORD(page));
	uiommu_smmuv3_endpoint_stats(s->machine->dev[i]->ep, &was);
	assert_int_equal(aux_reads(s, i, pasid), AUX_WORD(page));
	uiommu_smmuv3_endpoint_stats(s->machine->dev[i]->ep, &is);
	assert_int_equal(is.atc_hits, was.atc_hits + 1);
	assert_int_equal(is.atc_misses, was.atc_misses);
}
