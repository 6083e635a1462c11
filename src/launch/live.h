/* SPDX-License-Identifier: BSD-2-Clause */
/* live.h - what the library and those who ask it for a dump agree on. */
#ifndef LAUNCH_LIVE_H
#define LAUNCH_LIVE_H

/* The socket's name in the abstract name space; %d is the process. */
#define LAUNCH_LIVE_NAME "uiommu-dump-%d"

#endif /* LAUNCH_LIVE_H */
