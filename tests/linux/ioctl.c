/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The call itself: one number, and an operation in the structure.
 */
#include "mock.h"

#include <stddef.h>

static int (*const handlers[TEST_OPS])(struct ufd_call *call) = {
	[TEST_ADD_RESERVED] = test_add_reserved,
	[TEST_MOCK_DOMAIN] = test_mock_domain,
	[TEST_CHECK_MAP] = test_check_map,
	[TEST_CHECK_REFS] = test_check_refs,
	[TEST_CREATE_ACCESS] = test_create_access,
	[TEST_DESTROY_ACCESS_PAGES] = test_destroy_access_pages,
	[TEST_ACCESS_PAGES] = test_access_pages,
	[TEST_ACCESS_RW] = test_access_rw,
	[TEST_ACCESS_REPLACE_IOAS] = test_access_replace_ioas,
	[TEST_DIRTY] = test_dirty,
	[TEST_PASID_ATTACH] = test_pasid_attach,
	[TEST_PASID_REPLACE] = test_pasid_replace,
	[TEST_PASID_DETACH] = test_pasid_detach,
	[TEST_PASID_CHECK_HWPT] = test_pasid_check_hwpt,
	[TEST_MEMORY_LIMIT] = test_memory_limit,
	[TEST_MOCK_DOMAIN_REPLACE] = test_mock_domain_replace,
	[TEST_MOCK_DOMAIN_FLAGS] = test_mock_domain,
	[TEST_CHECK_DEV_CACHE] = test_check_dev_cache,
	[TEST_CHECK_IOTLB] = test_check_iotlb,
	[TEST_TRIGGER_VEVENT] = test_trigger_vevent,
	[TEST_DMABUF_GET] = test_dmabuf_get,
	[TEST_DMABUF_REVOKE] = test_dmabuf_revoke,
	[TEST_TRIGGER_IOPF] = test_trigger_iopf,
};

static int run(struct ufd_call *call)
{
	const struct test_cmd *cmd = call->cmd;

	if (cmd->op >= TEST_OPS || !handlers[cmd->op])
		return -EOPNOTSUPP;
	return handlers[cmd->op](call);
}

static const struct uiommu_abi_call calls[] = {
	{
		.cmd = TEST_CMD,
		.size = sizeof(struct test_cmd),
		.min_size = offsetof(struct test_cmd, last) + sizeof(uint32_t),
		.handler = run,
	},
};

void test_extra_init(struct uiommu_abi_extra *extra, struct test_world *world)
{
	pthread_mutex_init(&world->lock, NULL);
	list_init(&world->devices);
	*extra = (struct uiommu_abi_extra){
		.ctx = world,
		.calls = calls,
		.nr_calls = ARRAY_SIZE(calls),
		.nodes = test_debugfs,
		.nr_nodes = test_nr_debugfs,
		.open = test_fail_nth_open,
	};
}
