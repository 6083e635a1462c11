/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd.h - the verbs of the program `uiommu`.
 *
 * Each is called with argv[0] the verb and returns the exit status: 0 success,
 * 1 what was checked failed, 2 usage or input error with a message on stderr.
 */
#ifndef CLI_CMD_H
#define CLI_CMD_H

#include <stdbool.h>

enum {
	CMD_OK = 0,
	CMD_FAILED = 1,
	CMD_USAGE = 2
};

int cmd_run(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_dump(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_walk(int argc, char **argv);
int cmd_trace(int argc, char **argv);

/* Prints `help` if one of the arguments, up to "--", is --help or -h. */
bool cmd_helped(int argc, char **argv, const char *help);

/* A line on stderr, "uiommu: <verb>: " in front; CMD_USAGE. */
int cmd_complain(const char *verb, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif /* CLI_CMD_H */
