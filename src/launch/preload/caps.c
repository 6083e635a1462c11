/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capabilities: which ones the program has for the devices.
 *
 * There is no system to protect, and the machine has no limits that its user could
 * raise; so a program is taken to have what it was not given.  What it had when it
 * began and gave up is gone, as on a system where it matters: programs that look
 * how limits work (Linux's own tests) do that.
 */
#include <linux/capability.h>
#include <sys/syscall.h>

#include "preload.h"

/* Of this thread, one bit each; all if nobody can tell. */
static uint64_t caps_now(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (real_get()->syscall(SYS_capget, &head, data))
		return UINT64_MAX;
	return data[0].effective | (uint64_t)data[1].effective << 32;
}

void caps_note(void)
{
	launch.caps = caps_now();
}

bool caps_has(void *ctx, int cap)
{
	uint64_t bit = UINT64_C(1) << cap;

	return !(launch.caps & bit) || (caps_now() & bit);
}
