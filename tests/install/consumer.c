/* SPDX-License-Identifier: BSD-2-Clause */
/* Built by tests/install/install_test against an installed copy. */
#include <stdio.h>

#include <uiommu/uiommu.h>

int main(void)
{
	struct uiommu_machine_cfg cfg = { .devices = "ioat" };
	struct uiommu_machine *machine;
	const char *bdf, *type;
	char err[200];
	int rc = uiommu_machine_create(&cfg, &machine, err, sizeof(err));

	if (rc) {
		fprintf(stderr, "%d: %s\n", rc, err);
		return 1;
	}
	rc = !uiommu_machine_device(machine, 0, &bdf, &type);
	printf("%s %s\n", bdf, type);
	uiommu_machine_destroy(machine);
	return rc;
}
