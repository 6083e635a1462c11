/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * aux_detach_test.c - a device that has an auxiliary domain no more has nothing
 * of it: in its CD, its ATC, the TLB, or by another domain's ASID.
 */
#include <uiommu/uapi/iommufd.h>
#include <uiommu/uapi/vfio.h>

#include "aux_scene.h"
#include "hw/smmuv3/cmd.h"

static void detach_of_nothing(void **state)
{
	struct aux_scene s;
	uint32_t pasid;

	aux_open(&s);
	NOTHING(&s, uiommu_aux_detach(s.aux.dom, s.dev[0]));
	pasid = aux_attach_ok(&s, &s.aux, 0);
	/* Not attached; another parent; an own domain; no PASIDs at all. */
	NOTHING(&s, uiommu_aux_detach(s.aux.dom, s.dev[1]));
	NOTHING(&s, uiommu_aux_detach(s.aux.dom, s.dev[3]));
	NOTHING(&s, uiommu_aux_detach(s.parent.dom, s.dev[0]));
	NOTHING(&s, uiommu_aux_detach(s.aux.dom, s.dev[AUX_NO_PASIDS]));
	/* No feature, and no own domain. */
	assert_int_equal(uiommu_dev_disable_feature(s.dev[1], AUX), 0);
	assert_int_equal(uiommu_group_detach(aux_group(&s, 1)), 0);
	NOTHING(&s, uiommu_aux_detach(s.aux.dom, s.dev[1]));
	assert_int_equal(aux_reads(&s, 0, pasid), AUX_WORD(2));
	uiommu_aux_detach(s.aux.dom, s.dev[0]);
	NOTHING(&s, uiommu_aux_detach(s.aux.dom, s.dev[0]));
	aux_reaches_nothing(&s, 0, pasid, &s.aux);
	aux_close(&s);
}

static uint64_t commands(struct aux_scene *s, unsigned int opcode)
{
	struct uiommu_smmuv3_stats stats;

	uiommu_smmuv3_model_stats(uiommu_machine_model(s->machine), &stats);
	return stats.commands_by_opcode[opcode];
}

/* Detach from device i; what was said to the SMMU. */
static void detach_and_count(struct aux_scene *s, unsigned int i)
{
	uint64_t cd = commands(s, SMMU_CMD_OP_CFGI_CD);
	uint64_t atc = commands(s, SMMU_CMD_OP_ATC_INV);
	uint64_t sync = commands(s, SMMU_CMD_OP_SYNC);

	uiommu_aux_detach(s->aux.dom, s->dev[i]);
	assert_true(commands(s, SMMU_CMD_OP_CFGI_CD) > cd);
	assert_true(commands(s, SMMU_CMD_OP_ATC_INV) > atc);
	/* A CD is out of use before translations by it are forgotten. */
	assert_true(commands(s, SMMU_CMD_OP_SYNC) >= sync + 2);
}

/*
 * All devices keep another PASID, so that their SubstreamIDs stay valid and a
 * translation that is left behind would be used.
 */
static void nothing_stale(void **state)
{
	struct aux_space keep;
	struct aux_scene s;
	uint32_t pasid = 0, kept = 0;

	aux_open(&s);
	keep = aux_space_new(&s, 3);
	for (unsigned int i = 0; i < 3; i++) {
		kept = aux_attach_ok(&s, &keep, i);
		pasid = aux_attach_ok(&s, &s.aux, i);
	}
	for (unsigned int round = 0; round < 3; round++) {
		for (unsigned int i = 0; i < 3; i++) {
			aux_holds(&s, i, pasid, s.aux.page);
			aux_holds(&s, i, kept, 3);
		}
		for (unsigned int i = 0; i < 3; i++) {
			detach_and_count(&s, (i + round) % 3);
			for (unsigned int j = 0; j < 3; j++) {
				unsigned int dev = (j + round) % 3;

				if (j <= i)
					aux_reaches_nothing(&s, dev, pasid,
							    &s.aux);
				else
					aux_holds(&s, dev, pasid, s.aux.page);
				aux_holds(&s, dev, kept, 3);
				aux_holds(&s, dev, 0, 0);
			}
		}
		/* Its PASID and its ASID are the next one's. */
		aux_space_free(&s.aux);
		s.aux = aux_space_new(&s, 4 + round);
		for (unsigned int i = 0; i < 3; i++) {
			aux_reaches_nothing(&s, i, pasid, &s.aux);
			assert_int_equal(aux_attach_ok(&s, &s.aux, i), pasid);
		}
	}
	for (unsigned int i = 0; i < 3; i++) {
		aux_holds(&s, i, pasid, s.aux.page);
		uiommu_aux_detach(s.aux.dom, s.dev[i]);
		uiommu_aux_detach(keep.dom, s.dev[i]);
	}
	aux_space_free(&keep);
	aux_close(&s);
}

/* The ASID goes with the last device, and nobody's translations by it stay. */
static void the_last_device_takes_the_asid(void **state)
{
	struct aux_scene s;
	uint64_t tlbi;

	aux_open(&s);
	for (unsigned int i = 0; i < 3; i++)
		aux_holds(&s, i, aux_attach_ok(&s, &s.aux, i), 2);
	tlbi = commands(&s, SMMU_CMD_OP_TLBI_NH_ASID);
	for (unsigned int i = 0; i < 2; i++)
		uiommu_aux_detach(s.aux.dom, s.dev[i]);
	assert_int_equal(commands(&s, SMMU_CMD_OP_TLBI_NH_ASID), tlbi);
	uiommu_aux_detach(s.aux.dom, s.dev[2]);
	aux_space_free(&s.aux);
	assert_int_equal(commands(&s, SMMU_CMD_OP_TLBI_NH_ASID), tlbi + 1);
	s.aux = aux_space_new(&s, 4);
	aux_close(&s);
}

/* A client that ends takes its device off; the others go on. */
static void a_client_ends(void **state)
{
	struct aux_scene s;
	uint32_t pasid;

	aux_open(&s);
	aux_attach_ok(&s, &s.aux, 1);
	pasid = aux_attach_ok(&s, &s.aux, 2);
	aux_holds(&s, 1, pasid, 2);
	aux_holds(&s, 2, pasid, 2);
	assert_int_equal(uiommu_abi_close(s.c[1].abi, s.c[1].dev_fd), 0);
	assert_int_equal(uiommu_aux_pasid(s.aux.dom, s.dev[1]), -EINVAL);
	assert_int_equal(aux_reads(&s, 2, pasid), AUX_WORD(2));
	client_open_beside(&s.c[1], &s.c[0], 1);
	client_master(&s.c[1], true);
	aux_reaches_nothing(&s, 1, pasid, &s.aux);
	assert_int_equal(uiommu_group_attach(aux_group(&s, 1), s.parent.dom),
			 0);
	aux_reaches_nothing(&s, 1, pasid, &s.aux);
	assert_int_equal(aux_reads(&s, 1, 0), AUX_WORD(0));
	uiommu_aux_detach(s.aux.dom, s.dev[2]);
	aux_close(&s);
}

/* The parent is a page table of the client, who cannot take it away either. */
static void a_parent_of_the_client(void **state)
{
	struct aux_scene s;
	struct client *c = &s.c[1];
	uint32_t pasid, other;

	aux_open(&s);
	assert_int_equal(uiommu_group_detach(aux_group(&s, 1)), 0);
	assert_int_equal(client_attach(c, 0, c->ioas_id), 0);
	other = client_ioas_ok(c);
	pasid = aux_attach_ok(&s, &s.aux, 1);
	REFUSED(&s, client_detach(c, 0), -EBUSY);
	REFUSED(&s, client_attach(c, 0, other), -EBUSY);
	aux_holds(&s, 1, pasid, 2);
	uiommu_aux_detach(s.aux.dom, s.dev[1]);
	assert_int_equal(client_detach(c, 0), 0);

	/* It ends, which cannot be refused. */
	assert_int_equal(client_attach(c, 0, c->ioas_id), 0);
	assert_int_equal(aux_attach_ok(&s, &s.aux, 1), pasid);
	assert_int_equal(uiommu_abi_close(c->abi, c->dev_fd), 0);
	assert_int_equal(uiommu_aux_pasid(s.aux.dom, s.dev[1]), -EINVAL);
	client_open_beside(c, &s.c[0], 1);
	client_master(c, true);
	aux_reaches_nothing(&s, 1, pasid, &s.aux);
	aux_close(&s);
}

/* So is the container's, which ends without being asked. */
static void a_parent_in_a_container(void **state)
{
	struct uiommu_domain *aux;
	struct uiommu_device *dev;
	const char *bdf, *type;
	struct client c;

	guard_ok();
	client_open_type1(&c, machine_ok("testep"), 0);
	assert_true(uiommu_machine_device(c.machine, 0, &bdf, &type));
	dev = uiommu_core_find_device(uiommu_machine_core(c.machine), bdf);
	assert_int_equal(uiommu_domain_alloc(dev, &aux), 0);
	assert_int_equal(uiommu_dev_enable_feature(dev, UIOMMU_DEV_FEAT_AUX),
			 0);
	assert_int_equal(uiommu_aux_attach(aux, dev), 0);
	client_close(&c);
	assert_int_equal(uiommu_aux_pasid(aux, dev), -EINVAL);
	assert_null(uiommu_group_domain(uiommu_device_group(dev)));
	uiommu_domain_free(aux);
	uiommu_machine_destroy(c.machine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(detach_of_nothing),
		cmocka_unit_test(nothing_stale),
		cmocka_unit_test(the_last_device_takes_the_asid),
		cmocka_unit_test(a_client_ends),
		cmocka_unit_test(a_parent_of_the_client),
		cmocka_unit_test(a_parent_in_a_container),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
