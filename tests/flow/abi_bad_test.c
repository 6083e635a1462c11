/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bad input to every call of /dev/iommu, of devices, groups and containers, on a
 * whole machine (abi_bad.h): the kernel's error, and nothing has changed.
 */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "abi_bad.h"

static void run(const struct bad_call *calls, unsigned int nr)
{
	struct bad_world w;

	bad_open(&w);
	for (unsigned int i = 0; i < nr; i++)
		bad_call(&w, &calls[i]);
	bad_close(&w);
}

static void of_address_spaces(void **state)
{
	run(bad_ioas, bad_nr_ioas);
}

static void of_page_tables(void **state)
{
	run(bad_hwpt, bad_nr_hwpt);
}

static void of_virtual_iommus(void **state)
{
	run(bad_viommu, bad_nr_viommu);
}

static void of_devices(void **state)
{
	run(bad_devices, bad_nr_devices);
}

static void of_containers(void **state)
{
	run(bad_containers, bad_nr_containers);
}

static void of_guests_containers(void **state)
{
	run(bad_nesting, bad_nr_nesting);
}

static void of_files(void **state)
{
	struct bad_world w;

	bad_open(&w);
	bad_numbers(&w);
	bad_files(&w);
	bad_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_address_spaces),
		cmocka_unit_test(of_page_tables),
		cmocka_unit_test(of_virtual_iommus),
		cmocka_unit_test(of_devices),
		cmocka_unit_test(of_containers),
		cmocka_unit_test(of_guests_containers),
		cmocka_unit_test(of_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
