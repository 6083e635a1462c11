/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The container of type 6: doorbells of the guest, several IOMMUs, of which all do what
 * is asked or none, who comes and goes, and calls without memory.
 */
#include "nesting_scene.h"

/* ------------------------------------------------------------- interrupts -- */

static long one_vector(int efd)
{
	return fx_set_irqs(fx, legacy.device, FX_TRIGGER_EVENTFD, MSIX, 0, 1,
			   &efd, sizeof(efd));
}

static long no_vectors(void)
{
	return fx_set_irqs(fx, legacy.device, FX_TRIGGER_NONE, MSIX, 0, 0, NULL,
			   0);
}

/* What the device was told to write to. */
static uint64_t told(void)
{
	uint64_t addr;

	memcpy(&addr, fx->pci[0].bar[0] + FAKE_MSIX_TABLE, sizeof(addr));
	return addr;
}

static void bad_bindings(void **state)
{
	static const struct bad bad[] = {
		SET(msi_call, argsz, 31, -EINVAL),
		SET(msi_call, flags, 2, -EINVAL),
		SET(msi_call, flags, VFIO_GUEST_MSI_UNBIND, -ENOENT),
		SET(msi_call, binding.granule, 0, -EINVAL),
		SET(msi_call, binding.granule, 11, -EINVAL),
		SET(msi_call, binding.granule, 40, -EINVAL),
		SET(msi_call, binding.granule, 64, -EINVAL),
		SET(msi_call, binding.granule, UINT32_MAX, -EINVAL),
		SET(msi_call, binding.gpa, 1ull << 48, -EINVAL),
	};
	msi_call good = {
		.argsz = sizeof(good),
		.binding = { .iova = MSI_IOVA, .gpa = GPA, .granule = 12 },
	};
	int efd = fx_eventfd();

	each_bad(VFIO_IOMMU_BIND_MSI, &good, sizeof(good), bad,
		 ARRAY_SIZE(bad));
	/* Nothing was bound: the window is where doorbells are. */
	assert_int_equal(one_vector(efd), 0);
	assert_int_equal(told() & ~0xfffffull, FX_WINDOW);
	assert_int_equal(no_vectors(), 0);
	close(efd);
}

static void a_doorbell_of_the_guest(void **state)
{
	int efd = fx_eventfd();
	uiommu_pa_t pa;

	assert_int_equal(msi(0, MSI_IOVA + 0x123, GPA + 0x456, 12), 0);
	assert_int_equal(msi(0, MSI_IOVA + 0x321, GPA + 5 * PAGE, 12), 0);
	assert_int_equal(msi(0, MSI_IOVA, GPA, 13), -EEXIST);
	assert_int_equal(msi(0, MSI_IOVA, GPA, 11), -EINVAL);
	assert_int_equal(bind(table_call(BASE)), 0);
	assert_false(fx_translate(fx, 0, GPA, &pa));
	assert_int_equal(one_vector(efd), 0);
	assert_int_equal(told(), MSI_IOVA + 0x40);
	assert_true(fx_translate(fx, 0, GPA, &pa));
	assert_int_equal(pa, FX_DOORBELL);
	assert_int_equal(no_vectors(), 0);
	assert_int_equal(msi(VFIO_GUEST_MSI_UNBIND, MSI_IOVA + 1, 0, 12), 0);
	assert_false(fx_translate(fx, 0, GPA, &pa));
	assert_int_equal(msi(VFIO_GUEST_MSI_UNBIND, MSI_IOVA, 0, 12), -ENOENT);
	close(efd);
}

/* A larger page with the same start is the binding that is there, and no other one. */
static void a_doorbell_by_another_size(void **state)
{
	const uint64_t at = 0x8000;

	assert_int_equal(msi(0, at, GPA, 12), 0);
	assert_int_equal(msi(0, at + PAGE, GPA + PAGE, 13), 0);
	assert_int_equal(msi(VFIO_GUEST_MSI_UNBIND, at, 0, 12), 0);
	assert_int_equal(msi(0, at + PAGE, GPA + PAGE, 12), 0);
	assert_int_equal(msi(VFIO_GUEST_MSI_UNBIND, at + PAGE, 0, 12), 0);
	assert_int_equal(msi(VFIO_GUEST_MSI_UNBIND, at, 0, 12), -ENOENT);
}

/* The one binding goes to another doorbell first. */
static void no_binding_is_left(void **state)
{
	struct uiommu_group *group = uiommu_device_group(fx->pci[0].dev);
	int efd = fx_eventfd();
	uiommu_iova_t iova;

	assert_int_equal(msi(0, MSI_IOVA, GPA, 12), 0);
	assert_int_equal(uiommu_group_msi_map(group, 0x60000000, &iova), 0);
	assert_int_equal(iova & ~0xfffull, MSI_IOVA);
	assert_int_equal(one_vector(efd), -ENOSPC);
	assert_int_equal(no_vectors(), -EINVAL);
	assert_int_equal(msi(0, 2 * MSI_IOVA, GPA + PAGE, 12), 0);
	assert_int_equal(one_vector(efd), 0);
	assert_int_equal(told(), 2 * MSI_IOVA + 0x40);
	close(efd);
}

/* Device 1 has MSI of 32 bits: what it cannot name it does not take. */
static void a_binding_out_of_reach(void **state)
{
	const uint64_t high = 1ull << 32;
	int group = open_group(1), efd = fx_eventfd(), device;
	uiommu_pa_t pa;

	assert_int_equal(fx_ioctl(fx, group, VFIO_GROUP_SET_CONTAINER, &con),
			 0);
	device = (int)fx_ioctl(fx, group, VFIO_GROUP_GET_DEVICE_FD, fx->bdf[1]);
	assert_int_equal(msi(0, high, GPA, 12), 0);
	assert_int_equal(msi(0, MSI_IOVA, GPA + PAGE, 12), 0);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(fx_set_irqs(fx, device, FX_TRIGGER_EVENTFD,
					     VFIO_PCI_MSI_IRQ_INDEX, 0, 1, &efd,
					     sizeof(efd)),
				 -EIO);
		assert_false(fx_translate(fx, 1, GPA, &pa));
		assert_false(fx_translate(fx, 1, GPA + PAGE, &pa));
	}
	assert_int_equal(msi(VFIO_GUEST_MSI_UNBIND, high, 0, 12), 0);
	assert_int_equal(fx_set_irqs(fx, device, FX_TRIGGER_EVENTFD,
				     VFIO_PCI_MSI_IRQ_INDEX, 0, 1, &efd,
				     sizeof(efd)),
			 0);
	assert_int_equal(fake_pci_cfg(&fx->pci[1], FAKE_MSI + 4, 4),
			 MSI_IOVA + 0x40);
	fx_close(fx, device);
	fx_close(fx, group);
	close(efd);
}

/* ---------------------------------------------------------- several IOMMUs -- */

static void all_or_nothing(void **state)
{
	add_far_ok();
	fx->unit[1].fail_make = -ENOSPC;
	fx->unit[1].fail_make_at = 1;
	assert_int_equal(bind(table_call(BASE)), -ENOSPC);
	assert_null(table_of(0));
	assert_null(table_of(4));
	assert_int_equal(bind(table_call(BASE)), 0);
	assert_int_equal(base_of(4), BASE);
	fx->unit[1].fail_make_at = 1;
	assert_int_equal(bind(table_call(BASE + PAGE)), -ENOSPC);
	assert_int_equal(base_of(0), BASE);
	assert_int_equal(base_of(4), BASE);
	/* Each is told what is invalid. */
	fx->unit[0].nr_forgot = fx->unit[1].nr_forgot = 0;
	assert_int_equal(invalidate(inv_pages()), 0);
	assert_int_equal(fx->unit[0].nr_forgot, 1);
	assert_int_equal(fx->unit[1].nr_forgot, 1);
	/* Also if another one does not answer. */
	fx->unit[0].fail_forget = -ETIMEDOUT;
	assert_int_equal(invalidate(inv_pages()), -ETIMEDOUT);
	assert_int_equal(fx->unit[1].nr_forgot, 2);
	fx->unit[0].fail_forget = 0;
	assert_int_equal(unbind(), 0);
	assert_null(table_of(0));
	assert_null(table_of(4));
}

static struct uiommu_domain *domain_of(unsigned int dev)
{
	return uiommu_group_domain(uiommu_device_group(fx->pci[dev].dev));
}

/* The second IOMMU fails, for a new page and for one that all have already. */
static void all_have_a_doorbell_or_none(void **state)
{
	const uint64_t at = 0x8000, beyond = 1ull << 40;
	int efd = fx_eventfd();

	fx->unit[1].caps.ias = 40;
	add_far_ok();
	assert_int_equal(msi(0, at, beyond, 12), -EINVAL);
	assert_int_equal(msi(VFIO_GUEST_MSI_UNBIND, at, 0, 12), -ENOENT);
	assert_int_equal(uiommu_unbind_guest_msi(domain_of(0), at), -ENOENT);
	assert_int_equal(msi(0, at, GPA, 12), 0);
	assert_int_equal(msi(0, at + PAGE, beyond, 13), -EINVAL);
	assert_int_equal(one_vector(efd), 0);
	assert_int_equal(told(), at + 0x40);
	assert_int_equal(uiommu_unbind_guest_msi(domain_of(4), at), 0);
	assert_int_equal(msi(VFIO_GUEST_MSI_UNBIND, at, 0, 12), -ENOENT);
	assert_int_equal(msi(VFIO_GUEST_MSI_UNBIND, at, 0, 12), -ENOENT);
	close(efd);
}

static void who_comes_later_has_it_too(void **state)
{
	int group = open_group(1);
	uiommu_iova_t iova;

	assert_int_equal(bind(table_call(BASE)), 0);
	assert_int_equal(msi(0, MSI_IOVA, GPA, 12), 0);
	add_far_ok();
	assert_int_equal(base_of(4), BASE);
	/* Of the same domain as device 0. */
	assert_int_equal(fx_ioctl(fx, group, VFIO_GROUP_SET_CONTAINER, &con),
			 0);
	assert_int_equal(fx->unit[0].parents, 1);
	assert_int_equal(base_of(1), BASE);
	assert_int_equal(
		uiommu_group_msi_map(uiommu_device_group(fx->pci[1].dev),
				     FX_DOORBELL, &iova),
		0);
	assert_int_equal(iova, MSI_IOVA);
	/* Who leaves has nothing of it, and the others have what they had. */
	fx_close(fx, group);
	assert_null(table_of(1));
	assert_int_equal(base_of(0), BASE);
	assert_int_equal(uiommu_unbind_guest_msi(domain_of(4), MSI_IOVA), 0);
	fx_close(fx, far);
	far = -1;
	assert_null(table_of(4));
	assert_int_equal(base_of(0), BASE);
}

/* Not for a moment has it all memory of a guest whose accesses end. */
static void who_comes_later_has_nothing_else(void **state)
{
	bind_call call = table_call(BASE);

	call.config.pasid_table.state = VFIO_GUEST_STATE_ABORT;
	assert_int_equal(bind(call), 0);
	/* Of the domain alone, to which nobody asks to be attached. */
	fx->unit[1].fail_attach = -EIO;
	add_far_ok();
	assert_int_equal(fx->unit[1].fail_attach, -EIO);
	assert_int_equal(table_of(4)->state, UIOMMU_GUEST_ABORT);
	fx->unit[1].fail_attach = 0;
}

static void what_is_unbound_nobody_gets(void **state)
{
	assert_int_equal(bind(table_call(BASE)), 0);
	assert_int_equal(msi(0, MSI_IOVA, GPA, 12), 0);
	assert_int_equal(msi(VFIO_GUEST_MSI_UNBIND, MSI_IOVA, 0, 12), 0);
	assert_int_equal(unbind(), 0);
	add_far_ok();
	assert_null(table_of(4));
	assert_int_equal(uiommu_unbind_guest_msi(domain_of(4), MSI_IOVA),
			 -ENOENT);
}

static void who_cannot_have_it_does_not_come(void **state)
{
	assert_int_equal(bind(table_call(BASE)), 0);
	fx->unit[1].fail_make = -ENOSPC;
	fx->unit[1].fail_make_at = 1;
	assert_int_equal(add_far(), -ENOSPC);
	assert_null(uiommu_group_domain(uiommu_device_group(fx->pci[4].dev)));
	assert_int_equal(add_far(), 0);
	assert_int_equal(base_of(4), BASE);
}

/* The container that is left by all is empty again: of type 3, say. */
static void the_last_one_ends_it(void **state)
{
	int group = open_group(1), container = fx_open(fx, "/dev/vfio/vfio");
	int saved = con;

	con = container;
	assert_int_equal(fx_ioctl(fx, group, VFIO_GROUP_SET_CONTAINER, &con),
			 0);
	assert_int_equal(fx_ioctl_val(fx, con, VFIO_SET_IOMMU,
				      VFIO_TYPE1_NESTING_IOMMU),
			 0);
	assert_int_equal(bind(table_call(BASE)), 0);
	assert_int_equal(msi(0, MSI_IOVA, GPA, 12), 0);
	assert_int_equal(fx_ioctl(fx, group, VFIO_GROUP_UNSET_CONTAINER, NULL),
			 0);
	assert_null(table_of(1));
	assert_int_equal(unbind(), -EINVAL);
	assert_int_equal(fx_ioctl(fx, group, VFIO_GROUP_SET_CONTAINER, &con),
			 0);
	assert_int_equal(
		fx_ioctl_val(fx, con, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU), 0);
	assert_int_equal(unbind(), -ENOTTY);
	assert_null(table_of(1));
	con = saved;
	fx_close(fx, group);
	fx_close(fx, container);
}

/* ------------------------------------------------------ the nth allocation -- */

static long do_bind(void)
{
	return bind(table_call(BASE + PAGE));
}

static void bind_undone(void)
{
	assert_int_equal(bind(table_call(BASE)), 0);
}

static void bind_as_before(void)
{
	assert_int_equal(base_of(0), BASE);
	assert_int_equal(base_of(4), BASE);
}

static long do_msi(void)
{
	return msi(0, MSI_IOVA, GPA, 12);
}

static void msi_undone(void)
{
	assert_int_equal(msi(VFIO_GUEST_MSI_UNBIND, MSI_IOVA, 0, 12), 0);
}

static void msi_as_before(void)
{
	assert_int_equal(msi(VFIO_GUEST_MSI_UNBIND, MSI_IOVA, 0, 12), -ENOENT);
}

static void memory_runs_out(void **state)
{
	static const struct {
		long (*call)(void);
		void (*undo)(void), (*as_before)(void);
	} calls[] = {
		{ do_bind, bind_undone, bind_as_before },
		{ do_msi, msi_undone, msi_as_before },
	};

	add_far_ok();
	bind_undone();
	for (unsigned int i = 0; i < ARRAY_SIZE(calls); i++) {
		unsigned int n = 0;
		long rc = -ENOMEM;

		while (rc) {
			fx->tp.fail_in = ++n;
			rc = calls[i].call();
			fx->tp.fail_in = 0;
			assert_true(!rc || rc == -ENOMEM);
			if (rc)
				calls[i].as_before();
		}
		/* Two domains at least, and the container's own. */
		assert_true(n > 2);
		calls[i].undo();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(bad_bindings),
		TEST(a_doorbell_of_the_guest),
		TEST(a_doorbell_by_another_size),
		TEST(no_binding_is_left),
		TEST(a_binding_out_of_reach),
		TEST(all_or_nothing),
		TEST(all_have_a_doorbell_or_none),
		TEST(who_comes_later_has_it_too),
		TEST(who_comes_later_has_nothing_else),
		TEST(what_is_unbound_nobody_gets),
		TEST(who_cannot_have_it_does_not_come),
		TEST(the_last_one_ends_it),
		TEST(memory_runs_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
