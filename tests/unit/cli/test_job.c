/* SPDX-License-Identifier: MIT */
/* Jobs as people write them: scripts, YAML, words; each case with the JSON that it becomes. */
#include "cli/job.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Reads `text` as a script (or YAML) and then `words` parted by blanks; returns JSON or the error,
 * with the warnings after it where there are any. Freed by the caller. */
static char *read_job(const char *text, bool yaml, const char *words)
{
    char *environment[] = {"HOME=/home/u", "SLURM_X=1", "BASH_FUNC_f%%=() {", "ML=a b", NULL};
    char *copy = strdup(words), *save = NULL, *list[32], *out = NULL;
    const char *json = NULL;
    cli_job job;
    fy_err err = {0};
    fy_str all = {0};
    int n = 0, used = 0, rc = 0;

    for (char *w = strtok_r(copy, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save)) {
        list[n++] = w;
    }
    cli_job_open(&job, "/w", "me", 1000000);
    if (text != NULL) {
        rc = yaml ? cli_job_yaml(&job, "j.yaml", text, strlen(text), &err)
                  : cli_job_script(&job, "j.sh", text, strlen(text), &err);
    }
    if (rc == 0) {
        rc = cli_job_words(&job, list, n, CLI_UNKNOWN_FAILS, &used, &err);
    }
    if (rc == 0 && used < n) {
        cli_job_args(&job, list + used, n - used);
    }
    if (rc == 0) {
        rc = cli_job_finish(&job, environment, &json, NULL, &err);
    }
    fy_str_puts(&all, rc == 0 ? json : err.text);
    if (job.warnings.len > 0) {
        fy_str_printf(&all, "\n%s", job.warnings.text);
    }
    out = all.text;
    cli_job_close(&job);
    free(copy);
    return out;
}

typedef struct job_case {
    const char *text, *words, *want;
} job_case;

static void check(const job_case *cases, size_t n, bool yaml)
{
    for (size_t i = 0; i < n; i++) {
        char *got = read_job(cases[i].text, yaml, cases[i].words);

        if (strcmp(got, cases[i].want) != 0) {
            fail_msg("case %zu: \"%s\"\n  gives  %s\n  not    %s", i, cases[i].words, got,
                     cases[i].want);
        }
        free(got);
    }
}
#define CHECK(cases, yaml) check(cases, sizeof(cases) / sizeof *(cases), yaml)

#define CMD "{\"args\":[\"x\"],\"workdir\":\"/w\""

/* What options become; the command is always `x`. */
static const job_case option_cases[] = {
    {NULL, "-- x", CMD "}"},
    {NULL, "--workers 4 --devices=8 -- x", CMD ",\"workers\":4,\"devices\":8}"},
    {NULL, "-N2 --gpus-per-node=h800:8 -- x",
     CMD ",\"workers\":2,\"devices\":8,\"chips\":[\"h800\"]}"},
    {NULL, "-N 2-4 -G 16 -- x", CMD ",\"workers\":2,\"devices\":8}"},
    {NULL, "-G 4 -- x", CMD ",\"devices\":4}"},
    {NULL, "-G 64 -- x", CMD ",\"workers\":8,\"devices\":8}"},
    {NULL, "-G 9 -- x", CMD ",\"workers\":9}"},
    {NULL, "-n 16 --gpus-per-task=1 -N 2 -- x",
     CMD ",\"workers\":2,\"devices\":8,\"cpu_milli\":8000}"},
    {NULL, "-n 4 -c 2 -- x", CMD ",\"workers\":4,\"devices\":0,\"cpu_milli\":2000}"},
    {NULL, "-N 2 --ntasks-per-node=4 -c 3 --mem-per-cpu=1G -- x",
     CMD ",\"workers\":2,\"devices\":0,\"cpu_milli\":12000,\"memory_mib\":12288}"},
    {NULL, "--gres=gpu:h20:2,lustre --mem 1 -- x",
     CMD ",\"devices\":2,\"memory_mib\":1,\"chips\":[\"h20\"]}\n"
         "--gres=lustre is passed over: only gpu is known\n"},
    {NULL, "--gres=gpu -C [h800|h20] -- x", CMD ",\"chips\":[\"h800\",\"h20\"]}"},
    {NULL, "-C a&b -- x",
     CMD "}\n--constraint=a&b is passed over: only chips joined by | are known\n"},
    {NULL, "--workers 3 -N 2 --gres=gpu:8 -- x", CMD ",\"workers\":3,\"devices\":8}"},
    {NULL, "-t 90 --estimate 1h30m --grace 5s -- x",
     CMD ",\"estimate_us\":5400000000,\"time_limit_us\":5400000000,\"grace_us\":5000000}"},
    {NULL, "-t 1-0 -- x", CMD ",\"time_limit_us\":86400000000}"},
    {NULL, "-t 10:30 -- x", CMD ",\"time_limit_us\":630000000}"},
    {NULL, "-t UNLIMITED -- x", CMD "}"},
    {NULL, "--deadline +1m -- x", CMD ",\"deadline_us\":61000000}"},
    {NULL, "--deadline 1970-01-02T00:00:01Z -- x", CMD ",\"deadline_us\":86401000000}"},
    {NULL, "--signal=TERM -- x",
     CMD ",\"checkpoint_signal\":\"TERM\",\"signal_before_us\":60000000}"},
    {NULL, "--signal=RB:10@2m -- x",
     CMD ",\"checkpoint_signal\":\"USR1\",\"signal_script\":true,"
         "\"signal_before_us\":120000000}"},
    {NULL, "-d afterok:3:4,afterok:7 -- x", CMD ",\"after\":[3,4,7]}"},
    {NULL, "--after 3,4 -- x", CMD ",\"after\":[3,4]}"},
    {NULL, "-a 4,0-2%2 -- x", CMD ",\"array\":\"0-2,4\",\"array_limit\":2}"},
    {NULL, "-o %4j-%u.%J -- x", CMD ",\"output\":\"%j-me.%j\"}"},
    {NULL, "-D sub -- x", "{\"args\":[\"x\"],\"workdir\":\"/w/sub\"}"},
    {NULL, "--share 25% -- x", CMD ",\"milli\":250}"},
    {NULL, "--rate a=2.5 --chips b,a --rate a=3k -- x",
     CMD ",\"chips\":[\"b\",{\"chip\":\"a\",\"rate\":3000.0}]}"},
    {NULL, "--tokens 1T --workload w -- x", CMD ",\"workload\":\"w\",\"work\":1000000000000.0}"},
    {NULL, "-q spot -A prod -H --no-requeue -- x",
     "{\"tenant\":\"prod\",\"args\":[\"x\"],\"workdir\":\"/"
     "w\",\"priority\":\"spot\",\"hold\":true,\"requeue\":false}"},
    {NULL, "-q gold -p gpu -- x",
     CMD "}\n--qos=gold is passed over: there are high, normal and spot\n--partition is passed "
         "over: there are no partitions; --chips names chips\n"},
    {NULL, "--export=ALL,X=1 -- x",
     CMD ",\"environment\":{\"HOME\":\"/home/u\",\"ML\":\"a b\",\"X\":\"1\"}}"},
    {NULL, "--export=ML,NO -- x",
     CMD ",\"environment\":{\"ML\":\"a b\"}}\n--export: NO is not set here\n"},
    {NULL, "-HQ --env A=b=c -- x", CMD ",\"environment\":{\"A\":\"b=c\"},\"hold\":true}"},
    {NULL, "--wrap x", "{\"name\":\"wrap\",\"script\":\"#!/bin/sh\\nx\\n\",\"workdir\":\"/w\"}"},
};

static void options_become_fields(void **state)
{
    (void)state;
    CHECK(option_cases, false);
}

static const job_case wrong_cases[] = {
    {NULL, "", "nothing to run: give `script`, or the command in `args`"},
    {NULL, "--nope=1 -- x", "no option --nope; `fuyao submit --help`"},
    {NULL, "-Z -- x", "no option -Z; `fuyao submit --help`"},
    {NULL, "--workers", "--workers needs a value"},
    {NULL, "--hold=1 -- x", "--hold takes no value"},
    {NULL, "--workers x -- x", "--workers: \"x\" is no whole number from 1 to 1048576"},
    {NULL, "--grace 30 -- x", "--grace: \"30\" has no unit; write for example 30s or 30m"},
    {NULL, "-t 1:2:3:4 -- x",
     "--time: \"1:2:3:4\" is no time; write for example 90s, 10m, 1h30m, 2 d or 1-12:00:00"},
    {NULL, "--deadline tomorrow -- x",
     "--deadline: \"tomorrow\" is no instant; write for example 2026-12-01T08:00, "
     "2026-12-01T08:00:00Z or +3d"},
    {NULL, "--mem 64X -- x", "--mem: \"64X\" is no size; write for example 64G, 512M or 64 GiB"},
    {NULL, "--tokens many -- x",
     "--tokens: \"many\" is no amount; write for example 20000, 300B, 1T or 1.5e13"},
    {NULL, "-d afterany:3 -- x",
     "--dependency: \"afterany:3\" cannot be waited for; write for example afterok:17:18 (no other "
     "kind is known)"},
    {NULL, "-a 0-3%x -- x", "--array: \"0-3%x\" has no number after %; write for example 0-9%2"},
    {NULL, "-a 3-0 -- x",
     "array: \"3-0\" is no list of indices; write for example 0-9 or "
     "1,5,20-30:2, indices up to 4000000"},
    {NULL, "--signal=NOPE -- x",
     "checkpoint_signal: \"NOPE\" is no signal; write for example USR1, TERM or 10"},
    {NULL, "-G 4 -N 3 -- x", "4 devices do not divide over 3 nodes"},
    {NULL, "--share 2222222222222222222222222 -- x",
     "--share: \"2222222222222222222222222\" is no share of a device; write for example 0.25 or 25 "
     "%"},
    {NULL, "--share 2 -- x",
     "--share: \"2\" is no share of a device; write for example 0.25 or 25 %"},
    {NULL, "--gres=gpu:x:y:z -- x",
     "--gres: \"x:y:z\" is no number of devices; write for example 8 "
     "or h800:8"},
    {NULL, "-o a%q -- x",
     "output: \"a%q\" has a % that means nothing; there are %j (job), %A "
     "(first of its array), %a (index in it), %x (name), %%"},
    {"#!/bin/sh\n#FUYAO --workers 0\n", "",
     "j.sh:2: --workers: \"0\" is no whole number from 1 to 1048576"},
    {"#!/bin/sh\n#FUYAO --name 'a\n", "", "j.sh:2: a quote (') is not closed"},
    {"", "", "j.sh: the script is empty"},
};

static void wrong_words_are_named(void **state)
{
    (void)state;
    CHECK(wrong_cases, false);
}

#define SH(text, more) "{\"name\":\"n\",\"script\":\"" text "\",\"workdir\":\"/w\"" more "}"
static const job_case script_cases[] = {
    /* Fuyao's lines win over Slurm's wherever they stand, the command line over both */
    {"#!/bin/sh\n#FUYAO -J a\n#SBATCH -J b\ntrue\n", "-J n",
     SH("#!/bin/sh\\n#FUYAO -J a\\n#SBATCH -J b\\ntrue\\n", ",\"devices\":0")},
    {"#!/bin/sh\n#FUYAO -J n\n#SBATCH -J b\n", "",
     SH("#!/bin/sh\\n#FUYAO -J n\\n#SBATCH -J b\\n", ",\"devices\":0")},
    /* only before the first command; blanks before #, comments and CR in between */
    {"#!/bin/sh\r\n\r\n# c\n#FUYAO -J n\r\n:\n#FUYAO -H\n", "",
     SH("#!/bin/sh\\r\\n\\r\\n# c\\n#FUYAO -J n\\r\\n:\\n#FUYAO -H\\n", "")},
    {"#FUYAOX -H\n#FUYAO\n##FUYAO -H\n #FUYAO -H\n", "-J n",
     SH("#FUYAOX -H\\n#FUYAO\\n##FUYAO -H\\n #FUYAO -H\\n", "")},
    /* quotes and comments */
    {"#FUYAO -J n --comment \"a 'b' # \\\"c\\\"\" --env A='x y'#z # -H\n", "",
     "{\"name\":\"n\",\"comment\":\"a 'b' # \\\"c\\\"\",\"script\":\"#FUYAO -J n --comment \\\"a "
     "'b' "
     "# \\\\\\\"c\\\\\\\"\\\" --env A='x y'#z # "
     "-H\\n\",\"workdir\":\"/w\",\"environment\":{\"A\":\"x "
     "y#z\"}}"},
    /* what is unknown is named with its line, its value goes with it */
    {"#SBATCH --frob yes -J n word\n", "",
     SH("#SBATCH --frob yes -J n word\\n", ",\"devices\":0") "\nj.sh:1: --frob is passed over: no "
                                                             "such option\nj.sh:1: \"word\" is "
                                                             "passed over: it is no option\n"},
};

static void scripts_are_read_to_their_first_command(void **state)
{
    (void)state;
    CHECK(script_cases, false);
}

static const job_case yaml_cases[] = {
    {"command: [x, 'y z']\nworkers: 4\nchips: [a, b]\nafter: [3, 4]\nhold: true\nrequeue: false\n",
     "--workers 5",
     "{\"args\":[\"x\",\"y z\"],\"workdir\":\"/w\",\"workers\":5,\"chips\":[\"a\",\"b\"],"
     "\"after\":[3,4],\"hold\":true,\"requeue\":false}"},
    {"script: |\n  #!/bin/sh\n  true\nenv: [A=1]\nrate: [a=2]\nmemory: 64 GiB\nshare: 25 %\n", "",
     "{\"script\":\"#!/bin/sh\\ntrue\\n\",\"workdir\":\"/w\",\"environment\":{\"A\":\"1\"},"
     "\"milli\":250,\"memory_mib\":65536,\"chips\":[{\"chip\":\"a\",\"rate\":2.0}]}"},
    {"command: [x]\nworker: 4\n", "", "j.yaml:2: unknown key \"worker\""},
    {"command: [x]\nworkers: 4\nworkers: 5\n", "",
     "j.yaml:3: duplicate key \"workers\"; give it once"},
    {"command: [x]\n\ntime: soon\n", "",
     "j.yaml:3: --time: \"soon\" is no time; write for example 90s, 10m, 1h30m, 2 d or 1-12:00:00"},
    {"command: [x]\nhold: 1\n", "", "j.yaml:2: \"1\" is neither true nor false"},
};

static void yaml_says_the_same_options(void **state)
{
    (void)state;
    CHECK(yaml_cases, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_become_fields),
        cmocka_unit_test(wrong_words_are_named),
        cmocka_unit_test(scripts_are_read_to_their_first_command),
        cmocka_unit_test(yaml_says_the_same_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
