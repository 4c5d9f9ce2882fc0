/* SPDX-License-Identifier: MIT */
/*
 * The local engine with real processes: what a run gets, how it ends, what it reports, and that
 * nothing of it is left.
 */
#include "live/engine_end.h"

#include <fcntl.h>
#include <math.h>
#include <sys/file.h>

static const fy_run_key one = {1, 1};

static void a_run_prints_exits_and_is_forgotten(void **state)
{
    char path[200];
    rig r;
    fy_run run;

    (void)state;
    rig_new(&r);
    rig_open(&r);
    assert_int_equal(seen(&r, one).state, FY_RUN_NONE);
    start(&r, one,
          (order){.script = "echo \"out:$1:$FUYAO_JOB_ID\"\necho err >&2\nexit 3\n",
                  .args = {"a b;c"}});
    run = wait_state(&r, one, FY_RUN_EXITED);
    assert_int_equal(run.exit_code, 3);
    assert_int_equal(run.exit_signal, 0);
    assert_false(run.lost || run.refused || run.checkpointed || run.frozen);
    assert_true(run.started_us > 0 && run.ended_us >= run.started_us);
    assert_true(run.cpu_s >= 0 && run.max_rss_kib > 0);
    assert_string_equal(text_of(r.out), "out:a b;c:1\nerr\n");
    verb(&r, r.engine->ops->forget, one);
    verb(&r, r.engine->ops->forget, one);
    assert_int_equal(seen(&r, one).state, FY_RUN_NONE);
    (void)snprintf(path, sizeof path, "%s/run/1.1", r.state);
    assert_int_equal(access(path, F_OK), -1);
    rig_free(&r);
}

/* Built from nothing; nothing of a job's fields is ever read by a shell. */
static void the_environment_is_what_is_documented(void **state)
{
    const fy_pair more[] = {{"FUYAO_TP", "8"}, {"BAD NAME", "x"}, {"LANG", "$(id)"}};
    const char *env;
    rig r;

    (void)state;
    assert_int_equal(setenv("FUYAO_TEST_LEAK", "1", 1), 0);
    rig_new(&r);
    rig_open(&r);
    start(&r, (fy_run_key){5, 2},
          (order){.args = {"env"}, .environment = more, .n_environment = 3});
    assert_int_equal(wait_state(&r, (fy_run_key){5, 2}, FY_RUN_EXITED).exit_code, 0);
    env = text_of(r.out);
    assert_null(strstr(env, "FUYAO_TEST_LEAK"));
    assert_null(strstr(env, "BAD NAME"));
    assert_non_null(strstr(env, "FUYAO_JOB_ID=5\n"));
    assert_non_null(strstr(env, "FUYAO_ATTEMPT=2\n"));
    assert_non_null(strstr(env, "SLURM_RESTART_COUNT=1\n"));
    assert_non_null(strstr(env, "FUYAO_JOB_NAME=a; rm -rf $(HOME) 'name\n"));
    assert_non_null(strstr(env, "FUYAO_TP=8\n"));
    assert_non_null(strstr(env, "LANG=$(id)\n"));
    assert_non_null(strstr(env, "CUDA_VISIBLE_DEVICES=0,1\n"));
    assert_non_null(strstr(env, "SLURM_JOB_NODELIST=here\n"));
    assert_non_null(strstr(env, "MASTER_PORT=15005\n"));
    assert_null(strstr(env, "\nRANK="));
    rig_free(&r);
}

static void each_worker_has_its_rank(void **state)
{
    rig r;

    (void)state;
    rig_new(&r);
    rig_open(&r);
    start(&r, one,
          (order){.script = "echo \"$RANK/$WORLD_SIZE local $LOCAL_RANK\"\n",
                  .launch = FY_LAUNCH_EACH,
                  .workers = 3});
    assert_int_equal(wait_state(&r, one, FY_RUN_EXITED).exit_code, 0);
    assert_non_null(strstr(text_of(r.out), "0/3 local 0\n"));
    assert_non_null(strstr(text_of(r.out), "1/3 local 1\n"));
    assert_non_null(strstr(text_of(r.out), "2/3 local 2\n"));
    rig_free(&r);
}

/* The record of a large gang stays short enough to be read whole. */
static void a_gang_of_hundreds_ends(void **state)
{
    const char *out;
    int lines = 0;
    rig r;

    (void)state;
    rig_new(&r);
    rig_open(&r);
    start(&r, one, (order){.args = {"echo", "ran"}, .launch = FY_LAUNCH_EACH, .workers = 300});
    assert_int_equal(wait_state(&r, one, FY_RUN_EXITED).exit_code, 0);
    for (out = text_of(r.out); (out = strchr(out, '\n')) != NULL; out++) {
        lines++;
    }
    assert_int_equal(lines, 300);
    rig_free(&r);
}

/* When one worker fails, the others are ended, and the first failure is what is told. */
static void a_worker_that_fails_ends_the_others(void **state)
{
    fy_run run;
    rig r;

    (void)state;
    rig_new(&r);
    rig_open(&r);
    start(&r, one,
          (order){.script = "[ $RANK = 1 ] && exit 9\nexec sleep 1000\n",
                  .launch = FY_LAUNCH_EACH,
                  .workers = 3});
    run = wait_state(&r, one, FY_RUN_EXITED);
    assert_int_equal(run.exit_code, 9);
    assert_int_equal(run.exit_signal, 0);
    rig_free(&r);
}

static void what_cannot_start_says_why(void **state)
{
    static const struct {
        order order;
        const char *says;
    } cases[] = {
        {{.args = {"true"}, .workdir = "/no/such/directory"},
         "cannot enter the working directory /no/such/directory: No such file or directory"},
        {{.args = {"fuyao-no-such-program"}},
         "cannot run fuyao-no-such-program: No such file or directory"},
        {{.script = "#! /no/such/shell -x\n"},
         "cannot run the script's interpreter /no/such/shell: No such file or directory"},
        {{.args = {"true"}, .output = "/no/such/output"},
         "cannot open output /no/such/output: No such file or directory"},
        {{.args = {"true"}, .output = "/proc/self/exe"}, "output is a symbolic link:"},
    };
    rig r;

    (void)state;
    rig_new(&r);
    rig_open(&r);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fy_run_key key = {(int64_t)i + 1, 1};
        fy_run run;

        start(&r, key, cases[i].order);
        run = wait_state(&r, key, FY_RUN_EXITED);
        assert_true(run.refused);
        assert_int_equal(run.started_us, 0);
        assert_non_null(run.text);
        if (strncmp(run.text, cases[i].says, strlen(cases[i].says)) != 0) {
            fail_msg("%s", run.text);
        }
    }
    rig_free(&r);
}

static void a_second_start_does_nothing(void **state)
{
    order o = {.script = "echo began\nread x < fifo\n"};
    char fifo[100];
    rig r;

    (void)state;
    rig_new(&r);
    rig_open(&r);
    (void)snprintf(fifo, sizeof fifo, "%s/fifo", r.folder);
    assert_int_equal(mkfifo(fifo, 0666), 0);
    for (int i = 0; i < 5; i++) {
        start(&r, one, o);
    }
    wait_text(&r, r.out, "began");
    start(&r, one, o);
    (void)close(open(fifo, O_WRONLY | O_CLOEXEC));
    (void)wait_state(&r, one, FY_RUN_EXITED);
    start(&r, one, o);
    assert_int_equal(seen(&r, one).state, FY_RUN_EXITED);
    assert_string_equal(text_of(r.out), "began\n");
    rig_free(&r);
}

static void a_later_attempt_keeps_the_output(void **state)
{
    rig r;

    (void)state;
    rig_new(&r);
    rig_open(&r);
    for (int attempt = 1; attempt <= 2; attempt++) {
        start(&r, (fy_run_key){1, attempt}, (order){.script = "echo $FUYAO_ATTEMPT\n"});
        (void)wait_state(&r, (fy_run_key){1, attempt}, FY_RUN_EXITED);
    }
    assert_string_equal(text_of(r.out), "1\n2\n");
    rig_free(&r);
}

/* Two daemons on one machine have jobs of the same numbers: the end of one's run is not the
 * other's. */
static void runs_of_two_daemons_are_apart(void **state)
{
    rig a, b;

    (void)state;
    rig_new(&a);
    rig_new(&b);
    a.options.no_cgroups = b.options.no_cgroups = false; /* where the machine permits them */
    rig_open(&a);
    rig_open(&b);
    start(&a, one, (order){.script = "sleep 1000\n"});
    assert_int_equal(wait_state(&a, one, FY_RUN_RUNNING).state, FY_RUN_RUNNING);
    start(&b, one, (order){.script = "sleep 1000 &\nexit 0\n"});
    assert_int_equal(wait_state(&b, one, FY_RUN_EXITED).exit_code, 0);
    start(&b, (fy_run_key){1, 2}, (order){.args = {"sleep", "1000"}});
    assert_int_equal(wait_state(&b, (fy_run_key){1, 2}, FY_RUN_RUNNING).state, FY_RUN_RUNNING);
    verb(&b, b.engine->ops->kill, (fy_run_key){1, 2});
    assert_int_equal(wait_state(&b, (fy_run_key){1, 2}, FY_RUN_EXITED).exit_signal, SIGKILL);
    assert_int_equal(seen(&a, one).state, FY_RUN_RUNNING);
    verb(&a, a.engine->ops->kill, one);
    assert_int_equal(wait_state(&a, one, FY_RUN_EXITED).exit_signal, SIGKILL);
    rig_free(&b);
    rig_free(&a);
}

static void killed_before_it_began_it_never_begins(void **state)
{
    fy_run run;
    rig r;

    (void)state;
    rig_new(&r);
    rig_open(&r);
    verb(&r, r.engine->ops->kill, one);
    start(&r, one, (order){.script = "echo ran\n"});
    run = wait_state(&r, one, FY_RUN_EXITED);
    assert_true(run.refused);
    assert_string_equal(run.text, "stopped before it began");
    assert_string_equal(text_of(r.out), "");
    rig_free(&r);
}

/* ------------------------------------------------------------------ signals and what is left */

static void the_checkpoint_signal_reaches_the_script(void **state)
{
    fy_run run;
    rig r;

    (void)state;
    rig_new(&r);
    rig_open(&r);
    start(&r, one,
          (order){.script = "trap 'echo saved; kill $!; exit 0' USR1\n"
                            "sleep 1000 & echo ready\nwait\n",
                  .checkpoint_signal = SIGUSR1});
    wait_text(&r, r.out, "ready");
    assert_int_equal(r.engine->ops->signal(r.engine, one, SIGUSR1, true, NULL), 0);
    run = wait_state(&r, one, FY_RUN_EXITED);
    assert_true(run.checkpointed && run.exit_code == 0);
    assert_string_equal(text_of(r.out), "ready\nsaved\n");
    rig_free(&r);
}

/* To all: also to what has left the process group. Unanswered, it is no checkpoint. */
static void a_signal_to_all_reaches_all(void **state)
{
    pid_t child;
    fy_run run;
    rig r;

    (void)state;
    rig_new(&r);
    rig_open(&r);
    start(&r, one,
          (order){.script = "setsid sleep 1000 & echo child=$!\nwait $!\necho gone\nexit 4\n"});
    wait_text(&r, r.out, "child=");
    child = number_in(r.out, "child=");
    assert_true(is_alive(child));
    assert_int_equal(r.engine->ops->signal(r.engine, one, SIGWINCH, false, NULL), 0);
    assert_int_equal(r.engine->ops->signal(r.engine, one, SIGHUP, false, NULL), 0);
    run = wait_state(&r, one, FY_RUN_EXITED);
    assert_int_equal(run.exit_signal, SIGHUP);
    assert_false(run.checkpointed);
    assert_false(is_alive(child));
    rig_free(&r);
}

/* EXITED is told once all is gone, whatever the job left behind. */
static void stragglers_are_gone_before_the_end_is_told(void **state)
{
    static const char stubborn[] =
        "(trap '' TERM HUP INT; setsid sh -c 'echo child=$$; while :; do sleep 1000; done' &)\n"
        "sleep 1000\n";
    static const char *const scripts[] = {
        "sleep 1000 & echo child=$!\nexit 0\n",
        "setsid sleep 1000 & echo child=$!\nexit 0\n",
        stubborn,
    };
    rig r;

    (void)state;
    rig_new(&r);
    rig_open(&r);
    for (int i = 0; i < 3; i++) {
        fy_run_key key = {i + 1, 1};
        pid_t child;

        start(&r, key, (order){.script = scripts[i]});
        wait_text(&r, r.out, "child=");
        child = number_in(r.out, "child=");
        if (i == 2) {
            assert_int_equal(end_run(&r, key).exit_signal, SIGKILL);
        }
        (void)wait_state(&r, key, FY_RUN_EXITED);
        assert_false(is_alive(child));
        assert_int_equal(unlink(r.out), 0);
    }
    rig_free(&r);
}

/* ------------------------------------------------------------------ progress */

static void progress_is_read(void **state)
{
    fy_run run;
    rig r;

    (void)state;
    rig_new(&r);
    rig_open(&r);
    start(&r, one,
          (order){.script = "echo 10 saved >> $FUYAO_PROGRESS\n"
                            "echo 12.5 >> $FUYAO_PROGRESS\n"
                            "echo so far\nsleep 1000\n"});
    wait_text(&r, r.out, "so far");
    run = wait_state(&r, one, FY_RUN_RUNNING);
    assert_true(run.progress == 12.5 && run.saved == 10 && run.progress_us > 0);
    run = end_run(&r, one);
    assert_true(run.progress == 12.5 && !run.checkpointed);

    start(&r, (fy_run_key){2, 1},
          (order){.script = "echo 7 saved > $FUYAO_PROGRESS\nkill -9 $$\n"});
    run = wait_state(&r, (fy_run_key){2, 1}, FY_RUN_EXITED);
    assert_true(run.progress == 7 && run.saved == 7 && run.checkpointed);
    assert_int_equal(run.exit_signal, SIGKILL);
    rig_free(&r);
}

/* Whatever the job makes of its file, reading it does no harm and does not wait. */
/* Forget a run whose shim is gone: that lets go of the run file's lock. */
static void forget_gone(rig *r, fy_run_key key)
{
    char path[200];
    int fd;

    (void)snprintf(path, sizeof path, "%s/run/%lld.1/run", r->state, (long long)key.job);
    fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    (void)close(fd);
    verb(r, r->engine->ops->forget, key);
    assert_int_equal(seen(r, key).state, FY_RUN_NONE);
}

/* What a run that is forgotten left in its folder is nobody else's. */
static void a_folder_used_again_is_clean(void **state)
{
    static const char *const left[] = {
        "echo 5 saved > $FUYAO_PROGRESS\n",
        "echo 5 saved > $FUYAO_PROGRESS\nln $FUYAO_PROGRESS ${FUYAO_PROGRESS%/*}/more\n",
        "rm $FUYAO_PROGRESS\nmkfifo $FUYAO_PROGRESS\n",
        "rm $FUYAO_PROGRESS\nln -s /etc/passwd $FUYAO_PROGRESS\n",
        "rm $FUYAO_PROGRESS\nmkdir $FUYAO_PROGRESS\n",
        "chmod 666 $FUYAO_PROGRESS\n",
    };
    fy_run_key key = one;
    char path[200];
    fy_run run;
    rig r;

    (void)state;
    rig_new(&r);
    rig_open(&r);
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) {
        start(&r, key, (order){.script = left[i]});
        (void)wait_state(&r, key, FY_RUN_EXITED);
        forget_gone(&r, key);
        key.job++;
        start(&r, key, (order){.script = "stat -c '%a %s %F' $FUYAO_PROGRESS; exit 4\n"});
        run = wait_state(&r, key, FY_RUN_EXITED);
        assert_int_equal(run.exit_code, 4);
        assert_true(isnan(run.progress) && isnan(run.saved));
        assert_string_equal(text_of(r.out), "600 0 regular empty file\n");
        forget_gone(&r, key);
        assert_int_equal(remove(r.out), 0);
        key.job++;
    }
    (void)snprintf(path, sizeof path, "%s/run/spare-0", r.state);
    assert_int_equal(access(path, F_OK), 0);
    r.engine->ops->close(r.engine);
    rig_open(&r);
    assert_int_equal(access(path, F_OK), -1);
    rig_free(&r);
}

static void a_hostile_progress_file_harms_nobody(void **state)
{
    static const char *const makes[] = {
        "rm $FUYAO_PROGRESS; mkfifo $FUYAO_PROGRESS",
        "ln -sf /dev/zero $FUYAO_PROGRESS",
        "rm $FUYAO_PROGRESS; mkdir $FUYAO_PROGRESS",
        "rm $FUYAO_PROGRESS; truncate -s 8T $FUYAO_PROGRESS || echo no",
        "head -c 3000000 /dev/urandom | tr '\\n' x > $FUYAO_PROGRESS",
        "rm $FUYAO_PROGRESS",
    };
    char script[300];
    rig r;

    (void)state;
    rig_new(&r);
    rig_open(&r);
    for (int i = 0; i < (int)(sizeof makes / sizeof makes[0]); i++) {
        fy_run_key key = {i + 1, 1};
        fy_run run;

        (void)snprintf(script, sizeof script, "%s\nexit 0\n", makes[i]);
        start(&r, key, (order){.script = script});
        run = wait_state(&r, key, FY_RUN_EXITED);
        assert_int_equal(run.exit_code, 0);
        assert_true(isnan(run.progress) && isnan(run.saved));
        verb(&r, r.engine->ops->forget, key);
        assert_int_equal(seen(&r, key).state, FY_RUN_NONE);
    }
    rig_free(&r);
}

/* ------------------------------------------------------------------ limits and rights */

/* As root the job runs as another user, for root's processes are not counted. */
static void a_fork_bomb_is_held_and_killed(void **state)
{
    fy_run run;
    rig r;

    (void)state;
    rig_new(&r);
    r.options.max_processes = 40;
    rig_open(&r);
    start(&r, one,
          (order){.script = "echo ready\nbomb() { bomb & bomb & sleep 1000; }\nbomb\n",
                  .uid = OTHER_USER});
    wait_text(&r, r.out, "ork"); /* "Cannot fork": the limit holds */
    run = end_run(&r, one);
    assert_false(run.refused);
    if (geteuid() == 0) {
        fy_process *all;
        size_t n = fy_process_all(&all);

        for (size_t i = 0; i < n; i++) {
            char path[40];
            struct stat st;

            (void)snprintf(path, sizeof path, "/proc/%d", (int)all[i].pid);
            assert_false(stat(path, &st) == 0 && st.st_uid == OTHER_USER && all[i].state != 'Z');
        }
        free(all);
    }
    rig_free(&r);
}

static void endless_printing_is_bounded(void **state)
{
    struct stat st;
    fy_run run;
    rig r;

    (void)state;
    rig_new(&r);
    r.options.max_file_bytes = 1 << 20;
    rig_open(&r);
    start(&r, one, (order){.args = {"yes", "for ever"}});
    run = wait_state(&r, one, FY_RUN_EXITED);
    assert_int_equal(run.exit_signal, SIGXFSZ);
    assert_string_equal(run.text, "wrote a file beyond the limit on its size");
    assert_int_equal(stat(r.out, &st), 0);
    assert_int_equal(st.st_size, 1 << 20);
    rig_free(&r);
}

static void a_run_has_its_users_rights_and_no_others(void **state)
{
    char secret[100];
    const char *out;
    rig r;

    (void)state;
    if (geteuid() != 0) {
        print_message("# skipped: only root runs jobs as others\n");
        return;
    }
    rig_new(&r);
    rig_open(&r);
    (void)snprintf(secret, sizeof secret, "%s/secret", r.folder);
    (void)close(open(secret, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    start(&r, one,
          (order){.script = "id -u; id -G; grep NoNewPrivs /proc/self/status\n"
                            "grep CapEff /proc/self/status\nls /proc/self/fd | wc -l\n"
                            "cat secret && echo leaked\ncat $FUYAO_RUN/run && echo read\n"
                            "echo 5 > $FUYAO_PROGRESS && echo reported\n"
                            "echo x > $FUYAO_RUN/new || echo kept out\n",
                  .uid = OTHER_USER});
    assert_int_equal(wait_state(&r, one, FY_RUN_EXITED).exit_code, 0);
    out = text_of(r.out);
    assert_int_equal(
        strncmp(out, "61234\n61234\nNoNewPrivs:\t1\nCapEff:\t0000000000000000\n4\n", 50), 0);
    assert_null(strstr(out, "leaked"));
    assert_null(strstr(out, "read\n"));
    assert_non_null(strstr(out, "reported\n"));
    assert_non_null(strstr(out, "kept out\n"));
    start(&r, (fy_run_key){2, 1}, (order){.args = {"true"}, .output = secret, .uid = OTHER_USER});
    assert_true(wait_state(&r, (fy_run_key){2, 1}, FY_RUN_EXITED).refused);
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_prints_exits_and_is_forgotten),
        cmocka_unit_test(the_environment_is_what_is_documented),
        cmocka_unit_test(each_worker_has_its_rank),
        cmocka_unit_test(a_gang_of_hundreds_ends),
        cmocka_unit_test(a_worker_that_fails_ends_the_others),
        cmocka_unit_test(what_cannot_start_says_why),
        cmocka_unit_test(a_second_start_does_nothing),
        cmocka_unit_test(a_later_attempt_keeps_the_output),
        cmocka_unit_test(runs_of_two_daemons_are_apart),
        cmocka_unit_test(killed_before_it_began_it_never_begins),
        cmocka_unit_test(the_checkpoint_signal_reaches_the_script),
        cmocka_unit_test(a_signal_to_all_reaches_all),
        cmocka_unit_test(stragglers_are_gone_before_the_end_is_told),
        cmocka_unit_test(progress_is_read),
        cmocka_unit_test(a_folder_used_again_is_clean),
        cmocka_unit_test(a_hostile_progress_file_harms_nobody),
        cmocka_unit_test(a_fork_bomb_is_held_and_killed),
        cmocka_unit_test(endless_printing_is_bounded),
        cmocka_unit_test(a_run_has_its_users_rights_and_no_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
