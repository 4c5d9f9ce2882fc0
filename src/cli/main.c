/* SPDX-License-Identifier: MIT */
/* The program `fuyao`: finds the command named on the command line and runs it. */
#include "cli/cmd.h"
#include "cli/slurm.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} commands[] = {
    {"backup", cmd_backup, "copy a daemon's state while it works"},
    {"cancel", cmd_cancel, "end jobs, or send them a signal"},
    {"chips", cmd_chips, "what is known of each chip; one chip against another"},
    {"drain", cmd_drain, "start nothing new on a node"},
    {"explain", cmd_explain, "why a job waits, and what would start it"},
    {"gen", cmd_gen, "a synthetic multi-tenant trace for a fleet"},
    {"hold", cmd_hold, "keep waiting jobs from starting"},
    {"logs", cmd_logs, "a job's output, as it is or as it grows"},
    {"nodes", cmd_nodes, "machines, their devices and who holds them"},
    {"plan", cmd_plan, "the best layout of a training on given chips; measured runs against it"},
    {"policy", cmd_policy, "which policy decides, and another from now on"},
    {"progress", cmd_progress, "called by a job: how much of its work is done"},
    {"queue", cmd_queue, "jobs that wait or run"},
    {"release", cmd_release, "let held jobs start"},
    {"reload", cmd_reload, "have the daemon read its configuration again"},
    {"replay", cmd_replay, "a journal's events once more; its decisions verified; another policy"},
    {"requeue", cmd_requeue, "stop running jobs and queue them again"},
    {"reserve", cmd_reserve, "keep a node for a tenant"},
    {"resume", cmd_resume, "use a drained node again"},
    {"rules", cmd_rules, "what may be bought on a day, by which rule and numbers"},
    {"serve", cmd_serve, "run tenants' jobs on this machine"},
    {"show", cmd_show, "everything about one job"},
    {"sim", cmd_sim, "replay a trace on a fleet under one or more policies"},
    {"status", cmd_status, "the daemon itself"},
    {"submit", cmd_submit, "hand in a job"},
    {"tenants", cmd_tenants, "guarantees, weights and what each tenant holds"},
    {"token", cmd_token, "access tokens for loopback TCP"},
    {"usage", cmd_usage, "device-hours by tenant and by chip"},
};

enum { N_COMMANDS = sizeof commands / sizeof *commands };

static void print_help(FILE *to)
{
    fputs("usage: fuyao COMMAND [ARGUMENT...]\n\n", to);
    for (int i = 0; i < N_COMMANDS; i++) {
        fprintf(to, "  %-8s %s\n", commands[i].name, commands[i].summary);
    }
    fputs("\n`fuyao COMMAND --help` explains one. Exit status: 0 ok, 1 the answer is no,\n"
          "2 wrong use or input, 3 environment.\n",
          to);
}

/* The exit code of the whole run: output that could not be written is the environment's fault. */
static int finish(int code)
{
    errno = 0;
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        if (errno == EPIPE) {
            return CLI_ENVIRONMENT; /* whoever read has seen enough: nobody to tell */
        }
        return cli_fail(CLI_ENVIRONMENT, "cannot write to standard output%s%s",
                        errno != 0 ? ": " : "", errno != 0 ? strerror(errno) : "");
    }
    return code;
}

/* Tables need the widths of characters: names may be Chinese. Nothing else follows the locale. */
static void set_characters(void)
{
    if (setlocale(LC_CTYPE, "") == NULL || strcmp(nl_langinfo(CODESET), "UTF-8") != 0) {
        (void)setlocale(LC_CTYPE, "C.UTF-8");
    }
}

int main(int argc, char **argv)
{
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    slurm_main other = argc > 0 ? slurm_program(slash != NULL ? slash + 1 : argv[0]) : NULL;

    signal(SIGPIPE, SIG_IGN); /* a closed pipe is a failed write, reported as one */
    set_characters();
    if (other != NULL) {
        return finish(other(argc, argv));
    }
    if (argc < 2) {
        print_help(stderr);
        return CLI_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--version") == 0) {
        puts("fuyao " FY_VERSION);
        return finish(CLI_OK);
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_help(stdout);
        return finish(CLI_OK);
    }
    for (int i = 0; i < N_COMMANDS; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return finish(commands[i].run(argc - 1, argv + 1));
        }
    }
    return cli_fail(CLI_USAGE, "no command \"%.40s\"; `fuyao --help` lists them", name);
}
