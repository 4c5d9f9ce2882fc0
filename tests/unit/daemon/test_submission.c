/* SPDX-License-Identifier: MIT */
/* Submissions: what is taken, what is refused and in which words, and what is written back. */
#include "daemon/submission.h"
#include "daemon/submission_fields.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void all_fields_are_read(void **state)
{
    static const char json[] =
        "{\"name\":\"gpt\",\"tenant\":\"a\",\"key\":\"k1\",\"comment\":\"c\",\"script\":\"#!/bin/"
        "sh\\nexit 0\\n\",\"args\":[\"x\",\"\"],\"workdir\":\"/home/u\",\"environment\":{\"A_1\":"
        "\"b\"},\"output\":\"o-%j_%a.txt\",\"error\":\"e\",\"launch\":\"each\",\"priority\":"
        "\"spot\",\"workers\":4,\"min_workers\":2,\"max_workers\":8,\"devices\":8,\"spares\":1,"
        "\"cpu_milli\":500,\"memory_mib\":1024,\"chips\":[\"h800-sxm5\",{\"chip\":\"h20-96-sxm5\","
        "\"rate\":2.5}],\"workload\":\"llama3-8b\",\"batch\":64,\"work\":1e12,\"estimate_us\":1,"
        "\"time_limit_us\":2,\"deadline_us\":3,\"min_run_us\":4,\"after\":[7,9],\"array\":\"5,0-"
        "2\","
        "\"array_limit\":2,\"hold\":true,\"requeue\":false,\"checkpoint_signal\":\"SIGUSR1\","
        "\"signal_script\":true,\"signal_before_us\":5,\"grace_us\":6,\"checkpoint_interval_us\":7,"
        "\"checkpoint_cost_us\":8,\"restart_cost_us\":9}";
    fy_arena arena = {0};
    fy_submission s;
    fy_err err = {0};

    (void)state;
    if (fy_submission_read(&s, json, strlen(json), &arena, &err) != 0) {
        fail_msg("%s", err.text);
    }
    assert_string_equal(s.name, "gpt");
    assert_string_equal(s.script, "#!/bin/sh\nexit 0\n");
    assert_int_equal(s.n_args, 2);
    assert_string_equal(s.args[1], "");
    assert_string_equal(s.environment[0].key, "A_1");
    assert_int_equal(s.launch, FY_LAUNCH_EACH);
    assert_int_equal(s.priority, FY_SPOT);
    assert_int_equal(s.workers * 100 + s.min_workers * 10 + s.max_workers, 428);
    assert_int_equal(s.cpu_milli + s.memory_mib, 1524);
    assert_int_equal(s.n_chips, 2);
    assert_false(fy_known(s.chips[0].rate));
    assert_true(s.chips[1].rate == 2.5);
    assert_true(s.work == 1e12);
    assert_int_equal(s.estimate_us * 1000 + s.time_limit_us * 100 + s.deadline_us * 10, 1230);
    assert_int_equal(s.after[1], 9);
    assert_int_equal(s.n_array, 4);
    assert_int_equal(s.array[0] * 1000 + s.array[1] * 100 + s.array[2] * 10 + s.array[3], 125);
    assert_true(s.hold && !s.requeue && s.signal_script);
    assert_int_equal(s.checkpoint_signal, SIGUSR1);
    assert_int_equal(s.restart_cost_us, 9);
    fy_arena_free(&arena);
}

static void defaults_are_as_documented(void **state)
{
    static const char json[] = "{\"args\":[\"true\"],\"workers\":3}";
    fy_arena arena = {0};
    fy_submission s;

    (void)state;
    assert_int_equal(fy_submission_read(&s, json, strlen(json), &arena, NULL), 0);
    assert_string_equal(s.name, "job");
    assert_string_equal(s.workdir, "/");
    assert_null(s.tenant);
    assert_null(s.output);
    assert_int_equal(s.min_workers, 3);
    assert_int_equal(s.max_workers, 3);
    assert_int_equal(s.devices, 1);
    assert_true(s.requeue && !s.hold);
    assert_int_equal(s.grace_us, 30000000);
    assert_int_equal(s.time_limit_us, -1);
    assert_false(fy_known(s.work));
    assert_string_equal(fy_submission_write(&s, &arena, NULL),
                        "{\"args\":[\"true\"],\"workers\":3}");
    fy_arena_free(&arena);
}

static const struct {
    const char *json, *text; /* the error, or its beginning */
} wrong_cases[] = {
    {"", "not JSON, line 1 column 0: '[' or '{' expected near end of file"},
    {"{\"args\":[\"a\"],\"args\":[\"b\"]}",
     "not JSON, line 1 column 20: duplicate object key near '\"args\"'"},
    {"{\"args\":[\"a\\u0000b\"]}", "not JSON, line 1 column 19: a text holds \\u0000"},
    {"[1]", "a submission is an object with `script` or `args`, not a list"},
    {"{}", "nothing to run: give `script`, or the command in `args`"},
    {"{\"args\":[\"\"]}", "nothing to run: give `script`, or the command in `args`"},
    {"{\"worker\":1}", "no field \"worker\"; there are workers, "},
    {"{\"\\n\":1}", "no field \"?\"; there are "},
    {"{\"workers\":0}", "workers: 0 is out of range; it wants 1 to 1048576"},
    {"{\"workers\":2.0}", "workers: holds a number with decimals; it wants a whole number"},
    {"{\"workers\":null}", "workers: holds null; it wants a whole number, or leave it out"},
    {"{\"devices\":5000}", "devices: 5000 is out of range; it wants 0 to 4096"},
    {"{\"work\":0}", "work: 0 is out of range; it wants more than 0, at most 1e18"},
    {"{\"name\":\"\"}", "name: is empty; leave it out"},
    {"{\"name\":\"a\\u001b[2Jb\"}", "name: \"a?[2Jb\" has a control character at byte 1"},
    {"{\"name\":\"a\\u202eb\"}", "name: \"a???b\" has a control character at byte 1"},
    {"{\"name\":\"a\\u2066b\"}", "name: \"a???b\" has a control character at byte 1"},
    {"{\"name\":\"a\\u0085b\"}", "name: \"a??b\" has a control character at byte 1"},
    {"{\"workdir\":\"tmp\"}", "workdir: \"tmp\" is no absolute path; it begins with /"},
    {"{\"output\":\"a%q\"}", "output: \"a%q\" has a % that means nothing; there are %j (job), "},
    {"{\"output\":\"a%\"}", "output: \"a%\" has a % that means nothing"},
    {"{\"launch\":\"all\"}", "launch: \"all\" is none of once, each"},
    {"{\"priority\":\"urgent\"}", "priority: \"urgent\" is none of high, normal, spot"},
    {"{\"hold\":1}", "hold: holds a whole number; it wants true or false"},
    {"{\"checkpoint_signal\":\"USR9\"}",
     "checkpoint_signal: \"USR9\" is no signal; write for example USR1, TERM or 10"},
    {"{\"checkpoint_signal\":\"65\"}", "checkpoint_signal: \"65\" is no signal"},
    {"{\"array\":\"\"}", "array: \"\" is no list of indices; write for example 0-9 or "},
    {"{\"array\":\"3-1\"}", "array: \"3-1\" is no list of indices"},
    {"{\"array\":\"1,1\"}", "array: \"1,1\" names task 1 twice"},
    {"{\"array\":\"0-100000\"}", "array: \"0-100000\" has more than 100000 tasks"},
    {"{\"array\":\"0-9:0\"}", "array: \"0-9:0\" is no list of indices"},
    {"{\"args\":\"true\"}", "args: holds a text; it wants a list"},
    {"{\"args\":[1]}", "args[0]: holds a whole number; it wants a text"},
    {"{\"environment\":{\"1A\":\"\"}}",
     "environment: \"1A\" is no name of a variable; letters, digits and _, no digit first"},
    {"{\"environment\":{\"A\":1}}", "environment.A: holds a whole number; it wants a text"},
    {"{\"chips\":[\"\"]}", "chips[0]: \"\" is no name of a chip; `fuyao chips` lists them"},
    {"{\"chips\":[\"a\",\"a\"]}", "chips: \"a\" stands there twice"},
    {"{\"chips\":[{\"rate\":1}]}", "chips[0]: it wants a chip's name, or {"},
    {"{\"chips\":[{\"chip\":\"a\",\"speed\":1}]}", "chips[0]: it wants a chip's name, or {"},
    {"{\"chips\":[{\"chip\":\"a\",\"rate\":-1}]}", "chips[0].rate: -1 is out of range"},
    {"{\"after\":[-1]}", "after[0]: it wants a job's id, a whole number"},
    {"{\"args\":[\"a\"],\"workers\":2,\"min_workers\":3}",
     "workers: 2 must lie within min_workers 3 and max_workers 2"},
    {"{\"args\":[\"a\"],\"milli\":500,\"devices\":2}",
     "milli: a share of a device is for one worker with one device, not for 1 with 2"},
    {"{\"args\":[\"a\"],\"workers\":1000000,\"devices\":4000}",
     "workers: 1000000 of 4000 devices are too many"},
    {"{\"args\":[\"a\"],\"service\":true,\"work\":1}",
     "service: has no end; leave out `work` and `estimate_us`"},
    {"{\"args\":[\"a\"],\"array_limit\":2}",
     "array_limit: there is no `array` that it could limit"},
    {"{\"args\":[\"a\"],\"signal_before_us\":2}",
     "signal_before_us: there is no `checkpoint_signal` to send"},
    {"{\"grace_us\":99999999999}", "grace_us: 99999999999 is out of range"},
};

static void wrong_input_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong_cases / sizeof *wrong_cases; i++) {
        fy_arena arena = {0};
        fy_submission s;
        fy_err err = {0};
        int rc =
            fy_submission_read(&s, wrong_cases[i].json, strlen(wrong_cases[i].json), &arena, &err);

        assert_true(rc == FY_EINVAL || rc == FY_EPARSE);
        assert_int_equal(err.code, rc);
        if (strncmp(err.text, wrong_cases[i].text, strlen(wrong_cases[i].text)) != 0) {
            fail_msg("%s\n  gives  %s\n  not    %s", wrong_cases[i].json, err.text,
                     wrong_cases[i].text);
        }
        fy_arena_free(&arena);
    }
}

/* `{"FIELD":"aaa..."}` with `len` letters; freed by the caller. */
static char *long_text(const char *field, const char *before, size_t len)
{
    char *json = fy_calloc(len + 64, 1);
    size_t at = (size_t)sprintf(json, "{\"args\":[\"a\"],\"%s\":\"%s", field, before);

    memset(json + at, 'a', len);
    strcpy(json + at + len, "\"}");
    return json;
}

static void sizes_are_bounded(void **state)
{
    static const struct {
        const char *field, *before;
        size_t most;
    } cases[] = {
        {"name", "", 120},     {"tenant", "", 120},     {"key", "", 120},
        {"comment", "", 1000}, {"script", "", 1 << 20}, {"workdir", "/", 4094},
        {"output", "", 4095},  {"workload", "", 120},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int over = 0; over < 2; over++) {
            char *json = long_text(cases[i].field, cases[i].before, cases[i].most + (size_t)over);
            fy_arena arena = {0};
            fy_submission s;
            fy_err err = {0};
            int rc = fy_submission_read(&s, json, strlen(json), &arena, &err);

            assert_int_equal(rc, over == 0 ? 0 : FY_EINVAL);
            assert_true(over == 0 || strstr(err.text, " bytes, more than ") != NULL);
            fy_arena_free(&arena);
            free(json);
        }
    }
}

static void too_much_is_not_parsed(void **state)
{
    size_t len = FY_SUBMISSION_MAX_BYTES + 1;
    char *blank = fy_calloc(len, 1);
    fy_arena arena = {0};
    fy_submission s, *list;
    fy_err err = {0};
    int n;

    (void)state;
    memset(blank, ' ', len);
    assert_int_equal(fy_submission_read(&s, blank, len, &arena, &err), FY_EINVAL);
    assert_string_equal(err.text, "the submission has 4194305 bytes, more than 4194304");
    assert_int_equal(fy_submission_read_list(&list, &n, NULL, blank, len, &arena, &err), FY_EINVAL);
    fy_arena_free(&arena);
    free(blank);
}

static void lists_are_read_whole_or_not_at_all(void **state)
{
    static const char good[] = "[{\"args\":[\"a\"]},{\"script\":\"x\"}]";
    static const char one[] = "{\"args\":[\"a\"]}";
    static const char bad[] = "[{\"args\":[\"a\"]},{\"workers\":0}]";
    fy_arena arena = {0};
    fy_submission *all;
    fy_err err = {0};
    int n;
    bool list;

    (void)state;
    assert_int_equal(fy_submission_read_list(&all, &n, &list, good, strlen(good), &arena, &err), 0);
    assert_true(list);
    assert_int_equal(n, 2);
    assert_string_equal(all[1].script, "x");
    assert_int_equal(fy_submission_read_list(&all, &n, &list, one, strlen(one), &arena, &err), 0);
    assert_false(list);
    assert_int_equal(n, 1);
    assert_int_equal(fy_submission_read_list(&all, &n, &list, bad, strlen(bad), &arena, &err),
                     FY_EINVAL);
    assert_string_equal(err.text, "[1]: workers: 0 is out of range; it wants 1 to 1048576");
    assert_int_equal(n, 0);
    assert_null(all);
    assert_int_equal(fy_submission_read_list(&all, &n, &list, "[]", 2, &arena, &err), FY_EINVAL);
    fy_arena_free(&arena);
}

static void texts_are_shown_without_harm(void **state)
{
    char shown[FY_SHOWN_TEXT];

    (void)state;
    assert_string_equal(fy_text_shown(shown, "ok 扶摇"), "ok 扶摇");
    assert_string_equal(fy_text_shown(shown, "a\033b\x7f"), "a?b?");
    /* cut before a character that would not fit whole */
    assert_string_equal(
        fy_text_shown(shown, "12345678901234567890123456789012345678901234567890123456摇摇"),
        "12345678901234567890123456789012345678901234567890123456...");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_fields_are_read),
        cmocka_unit_test(defaults_are_as_documented),
        cmocka_unit_test(wrong_input_is_named),
        cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(too_much_is_not_parsed),
        cmocka_unit_test(lists_are_read_whole_or_not_at_all),
        cmocka_unit_test(texts_are_shown_without_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
