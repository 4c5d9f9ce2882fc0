/* SPDX-License-Identifier: MIT */
/*
 * Files that get their name when they are whole: PATH.XXXXXX until then. Who is interrupted
 * (SIGINT, SIGTERM, SIGHUP) leaves none behind.
 */
#ifndef FUYAO_CLI_TEMPORARY_H
#define FUYAO_CLI_TEMPORARY_H

/* Make one beside `path`, with the mode a new file there would have. *name is owned by the caller,
 * until cli_temporary_forget. Returns a descriptor, or -1 with errno. */
int cli_temporary_open(char **name, const char *path);

/* It has its name now, or has been removed; frees `name` (NULL allowed). */
void cli_temporary_forget(char *name);

#endif
