/* SPDX-License-Identifier: MIT */
/* `fuyao submit` and sbatch: a script, a YAML file or a command becomes a job. */
#include "cli/submit.h"

#include "base/doc.h"
#include "cli/client.h"
#include "cli/cmd.h"
#include "cli/job.h"

#include <errno.h>
#include <math.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
    "usage: fuyao submit [OPTION...] SCRIPT [ARGUMENT...]\n"
    "       fuyao submit [OPTION...] JOB.yaml\n"
    "       fuyao submit [OPTION...] -- COMMAND [ARGUMENT...]\n"
    "Hand in a job. A script may hold options in #FUYAO and #SBATCH lines before its first "
    "command;\n"
    "- reads it from standard input. What stands on the command line wins.\n\n"
    "what it asks for\n"
    "  --chips A,B               acceptable chips, best first; any if not said\n"
    "  --workers N --devices D   a gang of N workers with D devices each; default 1 and 1\n"
    "  --min-workers N, --max-workers N, --spares N\n"
    "  --share 25%               a share of one device\n"
    "  --cpus C, --mem 64G       of a worker\n"
    "  --workload ID --tokens 1T what it trains: rates and layout come from the planner\n"
    "  --steps N, --rate CHIP=R  its work in steps, and steps a second on a chip\n"
    "  --batch N, --service      sequences a step; a job without an end\n"
    "  --estimate T, --time T    how long it will run; when it is stopped (90s, 1h30m, "
    "1-12:00:00)\n"
    "  --deadline WHEN           2026-12-01T08:00 or +3d\n"
    "  --priority high|normal|spot, --tenant NAME, --min-run T\n"
    "order and interruption\n"
    "  -d, --after ID,ID         jobs that must finish well first (afterok:ID:ID as well)\n"
    "  -a, --array 0-9%2         ten tasks, two at a time\n"
    "  -H, --hold                wait for `fuyao release`\n"
    "  --signal [B:]USR1[@90]    asks for a checkpoint: before a stop and 90 s before the limit;\n"
    "                            B: only the script\n"
    "  --grace T                 between the signal and KILL; default 30s\n"
    "  --checkpoint-interval T, --checkpoint-cost T, --restart-cost T, --no-requeue\n"
    "what runs\n"
    "  -J, --name NAME; -D, --chdir FOLDER; -o, --output FILE; -e, --error FILE (%j %A %a %x)\n"
    "  --env NAME=VALUE, --export ALL|NONE|NAME,...; --launch once|each; --wrap COMMAND; "
    "--comment\n"
    "  --key KEY                 the same key again is the same job\n"
    "the answer\n"
    "  --dry-run                 say what would happen, hand nothing in\n"
    "  --print                   print the submission's JSON, without asking a daemon\n"
    "  --wait                    until it ends; exit 0 if it finished, else 1\n"
    "  --parsable, --json, -Q, --quiet, --socket PATH\n\n"
    "Slurm's -N -n -c -G --gpus-per-node --gpus-per-task --gres=gpu:TYPE:N -C -A -q -t mean what\n"
    "they mean there. fuyao-submit(1) says how nodes become workers.\n";

typedef struct submit_run {
    cli_manner manner;
    const char *program; /* before messages */
    cli_job job;
    char *text; /* of the file */
    size_t len;
} submit_run;

static int complain(const submit_run *run, int code, const char *fmt, ...) FY_PRINTF(3, 4);
static int complain(const submit_run *run, int code, const char *fmt, ...)
{
    va_list args;

    fprintf(stderr, run->manner == CLI_AS_SBATCH ? "sbatch: error: " : "fuyao: ");
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
    return run->manner == CLI_AS_SBATCH ? 1 : code;
}

static void print_warnings(const submit_run *run)
{
    for (const char *at = run->job.warnings.text; at != NULL && *at != '\0';) {
        size_t len = strcspn(at, "\n");
        char shown[500];
        char *line = strndup(at, len);

        fprintf(stderr, "%s: warning: %s\n", run->program, cli_shown(shown, sizeof shown, line));
        free(line);
        at += len + 1;
    }
}

/* ------------------------------------------------------------------ reading */

static bool ends_in(const char *text, const char *end)
{
    size_t a = strlen(text), b = strlen(end);

    return a > b && strcmp(text + a - b, end) == 0;
}

static void set_name(submit_run *run, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = strcmp(path, "-") == 0 ? "stdin" : slash != NULL ? slash + 1 : path;
    json_t *text = json_string(name);

    if (text != NULL && json_object_get(run->job.fields, "name") == NULL && name[0] != '\0') {
        json_object_set_new(run->job.fields, "name", text);
    } else {
        json_decref(text);
    }
}

static int read_file(submit_run *run, const char *path, fy_err *err)
{
    bool standard = strcmp(path, "-") == 0;
    bool yaml = ends_in(path, ".yaml") || ends_in(path, ".yml");

    if (fy_read_file(&run->text, &run->len, standard ? "/dev/stdin" : path, CLI_JOB_MAX_FILE,
                     err) != 0) {
        return run->manner == CLI_AS_SBATCH && err->code == FY_ENOENT
                   ? fy_fail(err, FY_ENOENT, "Unable to open file %.150s", path)
                   : err->code;
    }
    if (yaml) {
        return cli_job_yaml(&run->job, path, run->text, run->len, err);
    }
    if (run->manner == CLI_AS_SBATCH && strncmp(run->text, "#!", 2) != 0) {
        return fy_fail(err, FY_EPARSE,
                       "This does not look like a batch script. The first line must start with #! "
                       "followed by the path to an interpreter.");
    }
    return cli_job_script(&run->job, standard ? "standard input" : path, run->text, run->len, err);
}

/* The files first, then the words of the command line, which win. */
static int read_all(submit_run *run, int argc, char **argv, fy_err *err)
{
    cli_unknown unknown = run->manner == CLI_AS_SBATCH ? CLI_UNKNOWN_WARNS : CLI_UNKNOWN_FAILS;
    cli_job first; /* where do the options end? */
    int used = 0, rc;

    cli_job_open(&first, run->job.folder, run->job.user, run->job.now_us);
    rc = cli_job_words(&first, argv + 1, argc - 1, unknown, &used, err);
    bool help = first.help, wrapped = first.wrap != NULL;
    cli_job_close(&first);
    if (rc != 0 || help) {
        run->job.help = help;
        return rc;
    }
    char **rest = argv + 1 + used;
    int n = argc - 1 - used;
    bool command = used > 0 && strcmp(argv[used], "--") == 0;

    run->job.from_slurm = run->manner == CLI_AS_SBATCH;
    if (wrapped && n > 0) {
        return fy_fail(err, FY_EINVAL, "--wrap is the whole script: \"%.60s\" is too much", *rest);
    }
    if (n == 0 && !wrapped && run->manner == CLI_AS_FUYAO) {
        return fy_fail(err, FY_EINVAL,
                       "nothing to run: name a script, a YAML file, or a command after --");
    }
    if (!wrapped && !command) {
        rc = read_file(run, n > 0 ? *rest : "-", err);
    }
    if (rc == 0) {
        rc = cli_job_words(&run->job, argv + 1, argc - 1, unknown, &used, err);
    }
    if (rc == 0 && command) {
        cli_job_args(&run->job, rest, n);
    } else if (rc == 0 && n > 1) {
        cli_job_args(&run->job, rest + 1, n - 1);
    }
    if (rc == 0 && !wrapped) {
        set_name(run, n > 0 ? *rest : "-");
    }
    return rc;
}

/* ------------------------------------------------------------------ answers */

static int run_state(cli_client *client, int64_t id, char state[32])
{
    char path[64];
    json_t *job = NULL;
    int code;

    snprintf(path, sizeof path, "/v1/jobs/%lld", (long long)id);
    code = cli_get(client, path, &job);
    if (code == 0) {
        const char *text = cli_text_of(job, "state");

        snprintf(state, 32, "%s", text != NULL ? text : "");
    }
    json_decref(job);
    return code;
}

/* Until all have ended; the time between two looks grows to a second. */
static int wait_for(const submit_run *run, cli_client *client, int64_t id, int64_t count)
{
    long pause_ms = 50;
    int worst = CLI_OK;

    for (int64_t i = id; i < id + count;) {
        char state[32] = "";
        int code = run_state(client, i, state);

        if (code != 0) {
            return code;
        }
        if (cli_has_ended(state)) {
            if (strcmp(state, "finished") != 0) {
                worst = complain(run, CLI_NO, "job %lld: %s", (long long)i, state);
            }
            i++;
            continue;
        }
        nanosleep(&(struct timespec){pause_ms / 1000, pause_ms % 1000 * 1000000}, NULL);
        pause_ms = pause_ms < 1000 ? pause_ms * 3 / 2 : 1000;
    }
    return worst;
}

static void print_taken(const submit_run *run, const json_t *answer)
{
    long long id = (long long)cli_int_of(answer, "id", -1);
    long long count = (long long)cli_int_of(answer, "count", 1);

    if (run->job.json) {
        cli_print_json(answer);
    } else if (run->job.quiet && !run->job.parsable) {
        return;
    } else if (run->manner == CLI_AS_SBATCH && !run->job.parsable) {
        printf("Submitted batch job %lld\n", id);
    } else if (run->job.parsable || count <= 1) {
        printf("%lld\n", id);
    } else {
        printf("%lld-%lld\n", id, id + count - 1);
    }
}

/* Each chip that it could run on: idle devices there, and how long it would take. */
static void print_chips(const json_t *chips)
{
    for (size_t i = 0; i < json_array_size(chips); i++) {
        const json_t *c = json_array_get(chips, i);
        double run_s = cli_number_of(c, "expected_run_s");
        char name[100], grade[40], span[CLI_CLOCK];

        printf("%-20s %s, %.4g devices idle", i == 0 ? "could run on" : "",
               cli_shown(name, sizeof name, cli_text_of(c, "chip")),
               cli_number_of(c, "idle_devices"));
        if (run_s > 0) {
            printf(", would take %s (%s)", cli_clock(span, run_s),
                   cli_shown(grade, sizeof grade, cli_text_of(c, "grade")));
        }
        putchar('\n');
    }
}

static void print_line(const char *name, const char *text)
{
    char shown[1000];

    if (text != NULL) {
        printf("%-20s %s\n", name, cli_shown(shown, sizeof shown, text));
    }
}

/* What a dry run says. */
static void print_tried(const json_t *answer)
{
    cli_say_virtual(answer);
    print_line("tenant", cli_text_of(answer, "tenant"));
    if (cli_int_of(answer, "jobs", 1) > 1) {
        printf("%-20s %lld\n", "jobs", (long long)cli_int_of(answer, "jobs", 1));
    }
    printf("%-20s %lld\n", "devices", (long long)cli_int_of(answer, "devices", 0));
    print_chips(json_object_get(answer, "chips"));
    if (cli_flag_of(answer, "starts_now")) {
        print_line("would start", "now");
        return;
    }
    print_line("would wait", cli_text_of(answer, "why"));
    print_line("expected", cli_text_of(answer, "expected"));
    print_line("change", cli_text_of(json_object_get(answer, "change"), "text"));
}

static int hand_in(submit_run *run, const char *json, size_t len)
{
    cli_client *client = NULL;
    cli_answer answer = {0};
    json_t *value = NULL;
    int code = cli_client_open(&client, run->job.socket, run->program);

    if (code == 0) {
        code = cli_request(client, run->job.dry_run ? "/v1/jobs?dry_run=1" : "/v1/jobs", json, len,
                           &answer);
    }
    if (code == 0) {
        code = cli_refused(client, &answer);
    }
    if (code == 0) {
        value =
            json_loadb(answer.body.text != NULL ? answer.body.text : "", answer.body.len, 0, NULL);
        if (value == NULL) {
            code = complain(run, CLI_ENVIRONMENT, "the daemon's answer is no JSON");
        } else if (!run->job.dry_run) {
            print_taken(run, value);
            (void)fflush(stdout);
        } else if (run->job.json) {
            cli_print_json(value);
        } else {
            print_tried(value);
        }
    }
    if (code == 0 && run->job.wait && !run->job.dry_run) {
        code = wait_for(run, client, cli_int_of(value, "id", -1), cli_int_of(value, "count", 1));
    }
    json_decref(value);
    fy_str_free(&answer.body);
    cli_client_close(client);
    return code != 0 && run->manner == CLI_AS_SBATCH ? 1 : code;
}

/* ------------------------------------------------------------------ the command */

/* Slurm's own name for the output, so that what a script expects is there. */
static void set_slurm_output(cli_job *job)
{
    bool array = json_object_get(job->fields, "array") != NULL;

    if (json_object_get(job->fields, "output") == NULL) {
        json_object_set_new(job->fields, "output",
                            json_string(array ? "slurm-%A_%a.out" : "slurm-%j.out"));
    }
}

/* Without a catalogue the names go as they are. */
static void name_chips(cli_job *job)
{
    fy_catalog *catalog = NULL;

    if (json_object_get(job->fields, "chips") != NULL && cli_catalog(&catalog) == 0) {
        cli_submit_chips(job->fields, catalog);
    }
    fy_catalog_free(catalog);
}

static int submit(submit_run *run, int argc, char **argv)
{
    fy_err err = {0};
    const char *json = NULL;
    size_t len = 0;
    int rc = read_all(run, argc, argv, &err);

    if (rc == 0 && run->job.help) {
        fputs(usage, stdout);
        return CLI_OK;
    }
    if (rc == 0) {
        if (run->manner == CLI_AS_SBATCH) {
            set_slurm_output(&run->job);
            if (run->job.export == CLI_EXPORT_UNSAID) {
                run->job.export = CLI_EXPORT_ALL;
            }
        }
        name_chips(&run->job);
        rc = cli_job_finish(&run->job, environ, &json, &len, &err);
    }
    print_warnings(run);
    if (rc != 0) {
        return complain(run, err.code == FY_EIO ? CLI_ENVIRONMENT : CLI_USAGE, "%s", err.text);
    }
    if (run->job.print) {
        puts(json);
        return CLI_OK;
    }
    return hand_in(run, json, len);
}

int cli_submit(cli_manner manner, int argc, char **argv)
{
    submit_run run = {.manner = manner, .program = manner == CLI_AS_SBATCH ? "sbatch" : "fuyao"};
    const struct passwd *me = getpwuid(geteuid());
    char *folder = getcwd(NULL, 0);
    struct timespec now;
    int code;

    if (folder == NULL) {
        return complain(&run, CLI_ENVIRONMENT, "the current folder cannot be read: %s",
                        strerror(errno));
    }
    clock_gettime(CLOCK_REALTIME, &now);
    cli_job_open(&run.job, folder, me != NULL ? me->pw_name : NULL,
                 (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    code = submit(&run, argc, argv);
    cli_job_close(&run.job);
    free(run.text);
    free(folder);
    return code;
}

int cmd_submit(int argc, char **argv)
{
    return cli_submit(CLI_AS_FUYAO, argc, argv);
}
