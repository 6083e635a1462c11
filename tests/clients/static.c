/* SPDX-License-Identifier: BSD-2-Clause */
/* Nothing can be preloaded into this one. */
int main(void)
{
	return 0;
}
