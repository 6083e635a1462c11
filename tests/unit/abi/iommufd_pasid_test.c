/* SPDX-License-Identifier: BSD-2-Clause */
/* The library door of iommufd: page tables for PASIDs, rule by rule. */
#include "ufd_env.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/atomic.h"
#include "small_unit.h"

#define PASID 5
#define IOVA 0x10000

/*
 * A context with a device that is alone in its group, two IOASes that show
 * different memory at IOVA, and a page table of each made by the client.
 */
struct scene {
	struct ufd_env *env;
	int fd;
	struct uiommu_ufd_device *idev;
	uint32_t dev_id;
	uint32_t ioas[2];
	uint32_t hwpt[2];
};

static struct uiommu_ufd_device *bind_dev(struct ufd_env *env, int fd,
					  unsigned int dev, uint32_t *id)
{
	struct uiommu_ufd_device *idev;

	assert_int_equal(uiommu_ufd_device_bind(env->abi, fd, env->dev[dev],
						&idev, id),
			 0);
	return idev;
}

static void open_scene(struct scene *s, struct ufd_env *env)
{
	s->env = env;
	s->fd = env_open(env);
	s->idev = bind_dev(env, s->fd, 2, &s->dev_id);
	for (int i = 0; i < 2; i++) {
		s->ioas[i] = env_ioas(env, s->fd);
		env_map(env, s->fd, s->ioas[i], env->mem + i * PAGE, PAGE,
			IOVA);
		assert_int_equal(env_hwpt(env, s->fd, s->dev_id, s->ioas[i],
					  &s->hwpt[i]),
				 0);
	}
}

static void close_scene(struct scene *s)
{
	uiommu_ufd_device_unbind(s->idev);
	env_close(s->env, s->fd);
}

/* The page table's id, or the error; as attach() of the other tests. */
static int attach(struct uiommu_ufd_device *idev, uint32_t pasid, uint32_t pt)
{
	int rc = uiommu_ufd_device_pasid_attach(idev, pasid, &pt);

	return rc ? rc : (int)pt;
}

static int replace(struct uiommu_ufd_device *idev, uint32_t pasid, uint32_t pt)
{
	int rc = uiommu_ufd_device_pasid_replace(idev, pasid, &pt);

	return rc ? rc : (int)pt;
}

/* Which of the IOASes the PASID shows; -1: none. */
static int shows(struct scene *s, uint32_t pasid)
{
	uint8_t *at = env_dma_pasid(s->env, 2, pasid, IOVA);

	return at ? (int)((at - s->env->mem) / (ptrdiff_t)PAGE) : -1;
}

/* ------------------------------------------------------ clause by clause -- */

enum what {
	NOTHING,
	HWPT0,
	HWPT1,
	IOAS0,
	IOAS1,
	DEVICE,
	MISSING
};

static uint32_t id_of(const struct scene *s, enum what what)
{
	switch (what) {
	case HWPT0:
	case HWPT1:
		return s->hwpt[what - HWPT0];
	case IOAS0:
	case IOAS1:
		return s->ioas[what - IOAS0];
	case DEVICE:
		return s->dev_id;
	default:
		return 0x7000;
	}
}

static const struct clause {
	enum what before; /* what the PASID has */
	bool replace;	  /* else attach */
	enum what to;
	int rc;
	int after; /* which IOAS it shows then; -1: none */
} clauses[] = {
	/* attach: absent -> present */
	{ NOTHING, false, HWPT0, 0, 0 },
	{ NOTHING, false, IOAS1, 0, 1 },
	/* the same again is nothing, another is refused */
	{ HWPT0, false, HWPT0, 0, 0 },
	{ HWPT0, false, HWPT1, -EINVAL, 0 },
	{ HWPT0, false, IOAS1, -EINVAL, 0 },
	{ HWPT0, false, IOAS0, -EINVAL, 0 }, /* not made by itself */
	{ IOAS0, false, IOAS0, 0, 0 },
	{ IOAS0, false, HWPT0, -EINVAL, 0 },
	{ IOAS0, false, IOAS1, -EINVAL, 0 },
	/* replace: present -> present */
	{ NOTHING, true, HWPT0, -EINVAL, -1 },
	{ NOTHING, true, IOAS0, -EINVAL, -1 },
	{ HWPT0, true, HWPT0, 0, 0 },
	{ HWPT0, true, HWPT1, 0, 1 },
	{ HWPT0, true, IOAS0, 0, 0 },
	{ HWPT0, true, IOAS1, 0, 1 },
	{ IOAS0, true, IOAS0, 0, 0 },
	{ IOAS0, true, HWPT1, 0, 1 },
	{ IOAS0, true, IOAS1, 0, 1 },
	/* neither IOAS nor page table */
	{ NOTHING, false, MISSING, -ENOENT, -1 },
	{ NOTHING, false, DEVICE, -EINVAL, -1 },
	{ HWPT0, true, MISSING, -ENOENT, 0 },
	{ HWPT0, true, DEVICE, -EINVAL, 0 },
};

static void every_clause(void **state)
{
	size_t nr = sizeof(clauses) / sizeof(clauses[0]);
	struct scene s;

	open_scene(&s, *state);
	for (size_t i = 0; i < nr; i++) {
		const struct clause *c = &clauses[i];
		uint32_t pt = id_of(&s, c->to), was = pt;
		int64_t pinned = s.env->pinned;
		unsigned int leaves = s.env->leaves;
		int now = 0, rc;

		if (c->before != NOTHING) {
			now = attach(s.idev, PASID, id_of(&s, c->before));
			assert_true(now > 0);
			leaves++;
		}
		rc = c->replace ? uiommu_ufd_device_pasid_replace(s.idev, PASID,
								  &pt)
				: uiommu_ufd_device_pasid_attach(s.idev, PASID,
								 &pt);
		if (rc != c->rc || shows(&s, PASID) != c->after)
			fail_msg("clause %zu: %d, shows %d", i, rc,
				 shows(&s, PASID));
		assert_int_equal(s.env->leaves, leaves + 1);
		/* In: an IOAS or a page table; out: the page table. */
		if (rc)
			assert_int_equal(pt, was);
		else if (c->to == HWPT0 || c->to == HWPT1)
			assert_int_equal(pt, was);
		else
			assert_int_not_equal(pt, was);
		if (!rc)
			assert_int_equal(env_destroy(s.env, s.fd, pt), -EBUSY);
		/* What was left by a replace is free again, or gone. */
		if (!rc && now && (uint32_t)now != pt && c->before == IOAS0)
			assert_int_equal(env_destroy(s.env, s.fd,
						     (uint32_t)now),
					 -ENOENT);
		uiommu_ufd_device_pasid_detach(s.idev, PASID);
		assert_int_equal(shows(&s, PASID), -1);
		uiommu_ufd_device_pasid_detach(s.idev, PASID);
		if (!rc && c->to >= IOAS0)
			assert_int_equal(env_destroy(s.env, s.fd, pt), -ENOENT);
		assert_int_equal(s.env->pinned, pinned);
	}
	/* Nobody uses them any more. */
	assert_int_equal(env_destroy(s.env, s.fd, s.hwpt[0]), 0);
	assert_int_equal(env_destroy(s.env, s.fd, s.hwpt[1]), 0);
	close_scene(&s);
}

/* One that was made by an attach is shared, and goes with its last user. */
static void shared_with_others(void **state)
{
	struct scene s;
	uint32_t pt, own;
	int auto_pt;

	open_scene(&s, *state);
	auto_pt = attach(s.idev, 1, s.ioas[0]);
	assert_true(auto_pt > 0);
	assert_int_equal(attach(s.idev, 2, s.ioas[0]), auto_pt);
	pt = s.ioas[0];
	assert_int_equal(uiommu_ufd_device_attach(s.idev, &pt), 0);
	assert_int_equal(pt, auto_pt);
	own = s.ioas[0];
	assert_int_equal(uiommu_ufd_device_replace(s.idev, &own), 0);
	assert_int_equal(own, auto_pt);

	/* An IOAS that changes while PASIDs show it. */
	env_map(s.env, s.fd, s.ioas[0], s.env->mem + 8 * PAGE, PAGE, 0x40000);
	assert_ptr_equal(env_dma_pasid(s.env, 2, 2, 0x40000),
			 s.env->mem + 8 * PAGE);
	assert_int_equal(env_unmap(s.env, s.fd, s.ioas[0], IOVA, PAGE), 0);
	assert_int_equal(shows(&s, 1), -1);

	uiommu_ufd_device_pasid_detach(s.idev, 1);
	uiommu_ufd_device_detach(s.idev);
	assert_int_equal(env_destroy(s.env, s.fd, (uint32_t)auto_pt), -EBUSY);
	uiommu_ufd_device_pasid_detach(s.idev, 2);
	assert_int_equal(env_destroy(s.env, s.fd, (uint32_t)auto_pt), -ENOENT);
	close_scene(&s);
}

/* A page table of the client's, made for it and used by PASIDs alone. */
static void several_ioases_on_one_device(void **state)
{
	struct scene s;

	open_scene(&s, *state);
	for (uint32_t pasid = 1; pasid < 100; pasid++)
		assert_true(attach(s.idev, pasid, s.hwpt[pasid & 1]) > 0);
	for (uint32_t pasid = 1; pasid < 100; pasid++)
		assert_int_equal(shows(&s, pasid), (int)(pasid & 1));
	for (uint32_t pasid = 1; pasid < 100; pasid++)
		uiommu_ufd_device_pasid_detach(s.idev, pasid);
	close_scene(&s);
}

static void only_alone_in_the_group(void **state)
{
	struct ufd_env *env = *state;
	struct uiommu_ufd_device *a;
	int fd = env_open(env);
	uint32_t id, ioas = env_ioas(env, fd), hwpt;

	a = bind_dev(env, fd, 0, &id); /* device 1 is of its group */
	assert_int_equal(env_hwpt(env, fd, id, ioas, &hwpt), 0);
	assert_int_equal(attach(a, PASID, hwpt), -EINVAL);
	assert_int_equal(attach(a, PASID, ioas), -EINVAL);
	assert_int_equal(replace(a, PASID, hwpt), -EINVAL);
	assert_int_equal(env_destroy(env, fd, hwpt), 0);
	uiommu_ufd_device_unbind(a);
	env_close(env, fd);
}

/* Devices that the rules of the core keep out, whatever the page table. */
static void devices_without(void **state)
{
	static const struct {
		uint8_t bits;
		bool routes_by_address;
		int rc;
	} rows[] = {
		{ 0, false, -EOPNOTSUPP },
		{ 8, true, -EINVAL },
		{ 8, false, 0 },
	};
	struct ufd_env *env = *state;
	const uint32_t sid = 40;
	int fd = env_open(env);
	uint32_t ioas = env_ioas(env, fd);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct uiommu_device_cfg cfg = {
			.hw = { .name = "x",
				.ids = &sid,
				.nr_ids = 1,
				.pasid_bits = rows[i].bits },
			.routes_by_address = rows[i].routes_by_address,
		};
		struct uiommu_ufd_device *idev;
		struct uiommu_device *dev;
		uint32_t id, hwpt;

		assert_int_equal(uiommu_device_add(env->core,
						   &env->unit[1]->unit, &cfg,
						   &dev),
				 0);
		assert_int_equal(uiommu_ufd_device_bind(env->abi, fd, dev,
							&idev, &id),
				 0);
		assert_int_equal(env_hwpt(env, fd, id, ioas, &hwpt), 0);
		for (int pt = 0; pt < 2; pt++) {
			int rc = attach(idev, PASID, pt ? hwpt : ioas);

			assert_int_equal(rc < 0 ? rc : 0, rows[i].rc);
			uiommu_ufd_device_pasid_detach(idev, PASID);
			assert_int_equal(replace(idev, PASID, pt ? hwpt : ioas),
					 -EINVAL);
		}
		assert_int_equal(env_destroy(env, fd, hwpt), 0);
		uiommu_ufd_device_unbind(idev);
		uiommu_device_remove(dev);
	}
	env_close(env, fd);
}

/* A page table that is made for a PASID is filled before the PASID has it. */
static void not_at_once(void **state)
{
	struct scene s;

	open_scene(&s, *state);
	s.env->unit[0]->probe = IOVA;
	assert_true(attach(s.idev, PASID, s.ioas[0]) > 0);
	assert_true(replace(s.idev, PASID, s.ioas[1]) > 0);
	assert_int_equal(s.env->unit[0]->mapped, 2);
	assert_int_equal(s.env->unit[0]->unmapped, 0);
	/* So what cannot be filled is not tried. */
	uiommu_ufd_device_pasid_detach(s.idev, PASID);
	assert_int_equal(env_destroy(s.env, s.fd, s.hwpt[0]), 0);
	env_map(s.env, s.fd, s.ioas[0], s.env->mem - PAGE, PAGE, 2 * IOVA);
	assert_int_equal(attach(s.idev, PASID, s.ioas[0]), -EFAULT);
	assert_true(attach(s.idev, PASID, s.ioas[1]) > 0);
	assert_int_equal(replace(s.idev, PASID, s.ioas[0]), -EFAULT);
	assert_int_equal(shows(&s, PASID), 1);
	assert_int_equal(s.env->unit[0]->mapped, 3);
	assert_int_equal(s.env->unit[0]->unmapped, 0);
	uiommu_ufd_device_pasid_detach(s.idev, PASID);
	close_scene(&s);
}

static void numbers_that_are_none(void **state)
{
	static const uint32_t bad[] = { 0, 256, 1024, ~0u };
	struct scene s;

	open_scene(&s, *state);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(attach(s.idev, bad[i], s.hwpt[0]), -EINVAL);
		assert_int_equal(attach(s.idev, bad[i], s.ioas[0]), -EINVAL);
		assert_int_equal(replace(s.idev, bad[i], s.hwpt[0]), -EINVAL);
		uiommu_ufd_device_pasid_detach(s.idev, bad[i]);
	}
	assert_int_equal(env_destroy(s.env, s.fd, s.hwpt[0]), 0);
	close_scene(&s);
}

/* Reserved regions and doorbells are of the accesses without PASID. */
static void reserved_regions_do_not_count(void **state)
{
	struct scene s;
	uint32_t pt;

	open_scene(&s, *state);
	/* In the middle of the doorbells' window. */
	env_map(s.env, s.fd, s.ioas[1], s.env->mem, PAGE, 0x8000000);
	pt = s.hwpt[1];
	assert_int_equal(uiommu_ufd_device_attach(s.idev, &pt), -EADDRINUSE);
	assert_int_equal(attach(s.idev, PASID, s.hwpt[1]), (int)s.hwpt[1]);
	assert_ptr_equal(env_dma_pasid(s.env, 2, PASID, 0x8000000), s.env->mem);
	/* Nor do they come into the way later. */
	env_map(s.env, s.fd, s.ioas[1], s.env->mem, PAGE, 0x8001000);
	uiommu_ufd_device_pasid_detach(s.idev, PASID);
	close_scene(&s);
}

/* One more device, behind a unit that cannot enforce coherent accesses. */
static struct uiommu_device *add_loose(struct ufd_env *env)
{
	struct small_unit *unit =
		small_unit_create(&env->tp.platform, env->core);
	const uint32_t id = 8;
	const struct uiommu_device_cfg cfg = {
		.hw = { .name = "loose",
			.ids = &id,
			.nr_ids = 1,
			.pasid_bits = 8 },
	};
	struct uiommu_device *dev;

	unit->caps.enforce_coherency = false;
	assert_int_equal(uiommu_core_add_unit(env->core, &unit->unit), 0);
	assert_int_equal(uiommu_device_add(env->core, &unit->unit, &cfg, &dev),
			 0);
	return dev;
}

/* A device that was promised coherency, and a page table without. */
static void coherency_is_enforced(void **state)
{
	struct ufd_env *env = *state;
	struct uiommu_device *dev = add_loose(env);
	struct uiommu_ufd_device *loose;
	uint32_t id, hwpt;
	struct scene s;

	open_scene(&s, env);
	env->unit[0]->takes_all = true;
	assert_int_equal(
		uiommu_ufd_device_bind(env->abi, s.fd, dev, &loose, &id), 0);
	assert_int_equal(env_hwpt(env, s.fd, id, s.ioas[1], &hwpt), 0);
	assert_int_equal(attach(loose, PASID, hwpt), (int)hwpt);
	assert_int_equal(attach(s.idev, PASID, hwpt), -EINVAL);
	assert_int_equal(attach(s.idev, PASID, s.hwpt[0]), (int)s.hwpt[0]);
	assert_int_equal(replace(s.idev, PASID, hwpt), -EINVAL);
	assert_int_equal(shows(&s, PASID), 0);
	/* For the IOAS there is another one that keeps the promise. */
	assert_true(replace(s.idev, PASID, s.ioas[1]) > 0);
	assert_int_equal(shows(&s, PASID), 1);
	uiommu_ufd_device_pasid_detach(s.idev, PASID);
	uiommu_ufd_device_pasid_detach(loose, PASID);
	uiommu_ufd_device_unbind(loose);
	close_scene(&s);
	uiommu_device_remove(dev);
}

/* ------------------------------------------------------------ the bind -- */

static void bind_and_unbind(void **state)
{
	struct ufd_env *env = *state;
	struct uiommu_ufd_device *idev, *second;
	int fd = env_open(env), other = env_open(env);
	uint32_t id, pt, ioas;

	assert_int_equal(uiommu_ufd_device_bind(env->abi, 999, env->dev[2],
						&idev, &id),
			 -EBADF);
	idev = bind_dev(env, fd, 2, &id);
	assert_int_equal(uiommu_ufd_device_bind(env->abi, other, env->dev[2],
						&second, &id),
			 -EPERM);
	assert_int_equal(uiommu_ufd_device_bind(env->abi, other, env->dev[4],
						&second, &id),
			 -EINVAL);
	assert_int_equal(env_destroy(env, fd, id), -EBUSY);
	ioas = env_ioas(env, fd);
	pt = ioas;
	assert_int_equal(uiommu_ufd_device_replace(idev, &pt), -EINVAL);
	assert_int_equal(uiommu_ufd_device_attach(idev, &pt), 0);
	/* The context outlives its descriptor. */
	env_close(env, fd);
	assert_int_equal(attach(idev, PASID, pt), (int)pt);
	uiommu_ufd_device_pasid_detach(idev, PASID);
	uiommu_ufd_device_unbind(idev);
	idev = bind_dev(env, other, 2, &id);
	uiommu_ufd_device_unbind(idev);
	env_close(env, other);
}

/* Forgotten PASIDs: told of, taken off, and nothing is left of them. */
static void unbind_with_pasids(void **state)
{
	struct scene s;
	uint64_t lines;
	int auto_pt;

	open_scene(&s, *state);
	auto_pt = attach(s.idev, 7, s.ioas[0]);
	for (uint32_t pasid = 10; pasid < 40; pasid++)
		assert_true(attach(s.idev, pasid, s.hwpt[1]) > 0);
	lines = load_relaxed(&s.env->tp.log_lines);
	uiommu_ufd_device_unbind(s.idev);
	assert_true(load_relaxed(&s.env->tp.log_lines) > lines);
	assert_int_equal(uiommu_device_nr_pasids(s.env->dev[2]), 0);
	assert_int_equal(env_destroy(s.env, s.fd, (uint32_t)auto_pt), -ENOENT);
	assert_int_equal(env_destroy(s.env, s.fd, s.hwpt[1]), 0);
	env_close(s.env, s.fd);
}

/*
 * An auxiliary domain of the embedder, with a pointer of his own in it, is no page
 * table of the context: not for the calls by its PASID, not at the end.
 */
static void domains_of_others(void **state)
{
	static const uint8_t untouched[512];
	struct uiommu_domain *aux;
	uint8_t own[512] = { 0 };
	struct uiommu_device *dev;
	struct scene s;
	uint32_t pt, pasid;

	open_scene(&s, *state);
	dev = s.env->dev[2];
	pt = s.hwpt[0];
	assert_int_equal(uiommu_ufd_device_attach(s.idev, &pt), 0);
	assert_int_equal(uiommu_domain_alloc(dev, &aux), 0);
	uiommu_domain_set_user(aux, own, own);
	assert_int_equal(uiommu_dev_enable_feature(dev, UIOMMU_DEV_FEAT_AUX),
			 0);
	assert_int_equal(uiommu_aux_attach(aux, dev), 0);
	pasid = (uint32_t)uiommu_aux_pasid(aux, dev);

	assert_int_equal(attach(s.idev, pasid, s.hwpt[1]), -EINVAL);
	assert_int_equal(replace(s.idev, pasid, s.hwpt[1]), -EINVAL);
	uiommu_ufd_device_pasid_detach(s.idev, pasid);
	assert_int_equal(uiommu_aux_pasid(aux, dev), (int)pasid);
	assert_memory_equal(own, untouched, sizeof(own));

	assert_true(attach(s.idev, pasid + 1, s.hwpt[1]) > 0);
	uiommu_ufd_device_unbind(s.idev);
	assert_int_equal(uiommu_device_nr_pasids(dev), 0);
	assert_memory_equal(own, untouched, sizeof(own));
	assert_int_equal(uiommu_dev_disable_feature(dev, UIOMMU_DEV_FEAT_AUX),
			 0);
	uiommu_domain_free(aux);
	assert_int_equal(env_destroy(s.env, s.fd, s.hwpt[0]), 0);
	assert_int_equal(env_destroy(s.env, s.fd, s.hwpt[1]), 0);
	env_close(s.env, s.fd);
}

/*
 * What a PASID has of a context is not anybody's to take away by the core's calls,
 * whichever door attached it.
 */
static void not_for_others(void **state)
{
	struct ufd_device *second;
	struct uiommu_domain *other;
	struct uiommu_device *dev;
	uint32_t id, for_pasids, pt, i;
	struct scene s;

	open_scene(&s, *state);
	dev = s.env->dev[2];
	second = env_bind(s.env, s.fd, 2, &id);
	assert_int_equal(env_hwpt_of(s.env, s.fd, id, s.ioas[1],
				     IOMMU_HWPT_ALLOC_PASID, &for_pasids),
			 0);
	assert_int_equal(uiommu_domain_alloc(dev, &other), 0);
	pt = for_pasids;
	assert_int_equal(ufd_device_pasid_attach(second, PASID, &pt), 0);
	assert_int_equal(attach(s.idev, PASID + 1, s.hwpt[1]), (int)s.hwpt[1]);

	for (i = PASID; i <= PASID + 1; i++) {
		uiommu_device_pasid_detach(dev, i);
		assert_int_equal(shows(&s, i), 1);
		assert_int_equal(uiommu_device_pasid_replace(dev, i, other),
				 -EBUSY);
		assert_int_equal(shows(&s, i), 1);
	}
	assert_null(uiommu_device_pasid_detach_any(dev, &i));
	assert_int_equal(uiommu_device_pasid_attach(dev, PASID + 2, other), 0);
	assert_ptr_equal(uiommu_device_pasid_detach_any(dev, &i), other);
	assert_int_equal(i, PASID + 2);

	ufd_device_pasid_detach(second, PASID);
	uiommu_ufd_device_pasid_detach(s.idev, PASID + 1);
	assert_int_equal(uiommu_device_nr_pasids(dev), 0);
	uiommu_domain_free(other);
	ufd_device_unbind(second);
	close_scene(&s);
}

/*
 * Who takes them away in spite of that has a mistake, and is stopped: nobody looks
 * for such a PASID for ever.
 */
static void whoever_takes_them_is_stopped(void **state)
{
	struct ufd_device *second;
	struct uiommu_domain *other;
	struct uiommu_group *group;
	uint32_t id, pt;
	struct scene s;

	open_scene(&s, *state);
	group = uiommu_device_group(s.env->dev[2]);
	second = env_bind(s.env, s.fd, 2, &id);
	assert_int_equal(env_hwpt_of(s.env, s.fd, id, s.ioas[1],
				     IOMMU_HWPT_ALLOC_PASID, &pt),
			 0);
	assert_int_equal(uiommu_domain_alloc(s.env->dev[2], &other), 0);
	assert_int_equal(ufd_device_pasid_attach(second, PASID, &pt), 0);
	assert_true(attach(s.idev, PASID + 1, s.hwpt[1]) > 0);

	for (unsigned int i = 0; i < 4; i++) {
		const bool library = i & 1, put_other = i & 2;
		int status;
		pid_t pid = fork();

		if (!pid) {
			signal(SIGILL, SIG_DFL);
			alarm(60);
			if (put_other)
				uiommu_group_pasid_replace(
					group, PASID + library, other);
			else
				uiommu_group_pasid_detach(group,
							  PASID + library);
			if (library)
				uiommu_ufd_device_unbind(s.idev);
			else
				ufd_device_unbind(second);
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		assert_true(WTERMSIG(status) == SIGILL ||
			    WTERMSIG(status) == SIGTRAP);
	}
	uiommu_domain_free(other);
	ufd_device_unbind(second);
	close_scene(&s);
}

/*
 * The device is bound twice: by the library, and as VFIO does for a client's file.
 * Neither has the other's PASIDs in hand, whichever ends first, and forgotten
 * ones and auxiliary domains of the first are not the other's.
 */
static void two_users_of_a_device(void **state)
{
	struct ufd_device *second;
	struct uiommu_domain *aux;
	struct uiommu_device *dev;
	uint32_t id, for_pasids, pt;
	struct scene s;

	open_scene(&s, *state);
	dev = s.env->dev[2];
	second = env_bind(s.env, s.fd, 2, &id);
	assert_int_equal(env_hwpt_of(s.env, s.fd, s.dev_id, s.ioas[1],
				     IOMMU_HWPT_ALLOC_PASID, &for_pasids),
			 0);
	pt = for_pasids;
	assert_int_equal(ufd_device_pasid_attach(second, 6, &pt), 0);
	assert_true(attach(s.idev, 7, s.hwpt[0]) > 0);
	assert_int_equal(ufd_device_pasid_attach(second, 7, &pt), -EBUSY);
	ufd_device_pasid_detach(second, 7);
	assert_int_equal(ufd_device_pasid_replace(second, 7, &pt), -EINVAL);
	assert_int_equal(attach(s.idev, 6, s.hwpt[0]), -EINVAL);
	assert_int_equal(replace(s.idev, 6, s.hwpt[0]), -EINVAL);
	uiommu_ufd_device_pasid_detach(s.idev, 6);
	assert_int_equal(shows(&s, 6), 1);
	assert_int_equal(shows(&s, 7), 0);

	/* The embedder's, on the page table that the device has by it. */
	pt = for_pasids;
	assert_int_equal(uiommu_ufd_device_attach(s.idev, &pt), 0);
	assert_int_equal(uiommu_domain_alloc(dev, &aux), 0);
	assert_int_equal(uiommu_dev_enable_feature(dev, UIOMMU_DEV_FEAT_AUX),
			 0);
	assert_int_equal(uiommu_aux_attach(aux, dev), 0);
	for (uint32_t pasid = 20; pasid < 40; pasid++) {
		pt = for_pasids;
		assert_int_equal(ufd_device_pasid_attach(second, pasid, &pt),
				 0);
	}
	uiommu_ufd_device_unbind(s.idev);
	assert_int_equal(uiommu_aux_pasid(aux, dev), -EINVAL);
	uiommu_domain_free(aux);
	assert_int_equal(shows(&s, 6), 1);
	assert_int_equal(shows(&s, 7), -1);
	assert_int_equal(uiommu_device_nr_pasids(dev), 21);
	assert_int_equal(env_destroy(s.env, s.fd, s.hwpt[0]), 0);
	assert_int_equal(env_destroy(s.env, s.fd, for_pasids), -EBUSY);
	ufd_device_unbind(second);
	assert_int_equal(env_destroy(s.env, s.fd, for_pasids), 0);
	env_close(s.env, s.fd);
}

/* ------------------------------------------------------------- failures -- */

static void the_hardware_refuses(void **state)
{
	struct scene s;

	open_scene(&s, *state);
	s.env->unit[0]->pasid_rc = -ENOSPC;
	assert_int_equal(attach(s.idev, PASID, s.hwpt[0]), -ENOSPC);
	assert_int_equal(attach(s.idev, PASID, s.ioas[0]), -ENOSPC);
	assert_int_equal(shows(&s, PASID), -1);
	s.env->unit[0]->pasid_rc = 0;
	assert_true(attach(s.idev, PASID, s.hwpt[0]) > 0);
	s.env->unit[0]->pasid_rc = -ENOSPC;
	assert_int_equal(replace(s.idev, PASID, s.hwpt[1]), -ENOSPC);
	assert_int_equal(replace(s.idev, PASID, s.ioas[1]), -ENOSPC);
	assert_int_equal(shows(&s, PASID), 0);
	assert_int_equal(env_destroy(s.env, s.fd, s.hwpt[1]), 0);
	assert_int_equal(env_destroy(s.env, s.fd, s.hwpt[0]), -EBUSY);
	uiommu_ufd_device_pasid_detach(s.idev, PASID);
	assert_int_equal(env_destroy(s.env, s.fd, s.hwpt[0]), 0);
	close_scene(&s);
}

/* The nth allocation fails, of an attach (first) or a replace. */
static void fail_each(struct scene *s, bool first)
{
	uint64_t objs, n;
	int rc, before;

	for (n = 1;; n++) {
		if (!first)
			assert_true(attach(s->idev, PASID, s->hwpt[0]) > 0);
		before = shows(s, PASID);
		objs = load_relaxed(&s->env->tp.live_objs);
		test_platform_fail_nth(&s->env->tp, n);
		rc = first ? attach(s->idev, PASID, s->ioas[1])
			   : replace(s->idev, PASID, s->ioas[1]);
		if (!test_platform_fail_nth(&s->env->tp, 0))
			break;
		assert_int_equal(rc, -ENOMEM);
		assert_int_equal(shows(s, PASID), before);
		assert_int_equal(load_relaxed(&s->env->tp.live_objs), objs);
		uiommu_ufd_device_pasid_detach(s->idev, PASID);
	}
	assert_true(n > 3);
	assert_true(rc > 0);
	assert_int_equal(shows(s, PASID), 1);
	uiommu_ufd_device_pasid_detach(s->idev, PASID);
}

static void out_of_memory(void **state)
{
	struct scene s;

	open_scene(&s, *state);
	fail_each(&s, true);
	fail_each(&s, false);
	close_scene(&s);
}

int main(void)
{
#define T(name) \
	cmocka_unit_test_setup_teardown(name, ufd_env_setup, ufd_env_teardown)
	const struct CMUnitTest tests[] = {
		T(every_clause),
		T(shared_with_others),
		T(several_ioases_on_one_device),
		T(only_alone_in_the_group),
		T(devices_without),
		T(not_at_once),
		T(numbers_that_are_none),
		T(reserved_regions_do_not_count),
		T(coherency_is_enforced),
		T(bind_and_unbind),
		T(unbind_with_pasids),
		T(domains_of_others),
		T(not_for_others),
		T(whoever_takes_them_is_stopped),
		T(two_users_of_a_device),
		T(the_hardware_refuses),
		T(out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
