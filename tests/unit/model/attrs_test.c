/* SPDX-License-Identifier: BSD-2-Clause */
#include "rig.h"
int main(void)
{
	return 0;
}
