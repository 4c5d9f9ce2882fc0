/* SPDX-License-Identifier: MIT */
/*
 * What the commands of `fuyao` share: their entry points, exit codes, the data folder, errors.
 * A command gets argv from its own name on and returns an exit code; main flushes standard output
 * and turns a failed write into CLI_ENVIRONMENT.
 */
#ifndef FUYAO_CLI_CMD_H
#define FUYAO_CLI_CMD_H

#include "fuyao/chip.h"
#include "fuyao/error.h"

enum { CLI_OK = 0, CLI_NO = 1, CLI_USAGE = 2, CLI_ENVIRONMENT = 3 };

int cmd_backup(int argc, char **argv);
int cmd_cancel(int argc, char **argv);
int cmd_chips(int argc, char **argv);
int cmd_drain(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_gen(int argc, char **argv);
int cmd_hold(int argc, char **argv);
int cmd_logs(int argc, char **argv);
int cmd_nodes(int argc, char **argv);
int cmd_plan(int argc, char **argv);
int cmd_policy(int argc, char **argv);
int cmd_progress(int argc, char **argv);
int cmd_queue(int argc, char **argv);
int cmd_release(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_requeue(int argc, char **argv);
int cmd_reserve(int argc, char **argv);
int cmd_resume(int argc, char **argv);
int cmd_rules(int argc, char **argv);
int cmd_show(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_sim(int argc, char **argv);
int cmd_reload(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_submit(int argc, char **argv);
int cmd_tenants(int argc, char **argv);
int cmd_token(int argc, char **argv);
int cmd_usage(int argc, char **argv);

/* Print `fuyao: TEXT` on standard error; returns `code`. */
int cli_fail(int code, const char *fmt, ...) FY_PRINTF(2, 3);

/* Print `fuyao: ` and the error's text; returns the exit code that fits its code. */
int cli_fail_err(const fy_err *err);

/*
 * The folder with catalog.yaml: $FUYAO_DATA, else ../data beside the program, else the one named
 * when it was built.
 *   out   at least CLI_PATH_MAX bytes
 * Returns 0, or an exit code after printing why.
 */
enum { CLI_PATH_MAX = 4096 };
int cli_data_dir(char out[CLI_PATH_MAX]);

/* The catalogue of that folder; freed by the caller with fy_catalog_free. Returns as above. */
int cli_catalog(fy_catalog **out);

/*
 * The chip with that id; fails naming chips with ids like it. Returns 0, or an exit code after
 * printing why.
 */
int cli_find_chip(const fy_catalog *catalog, const char *id, const fy_chip **out);

#endif
