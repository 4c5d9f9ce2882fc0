/* SPDX-License-Identifier: MIT */
/*
 * The journal: an example line of every kind, which decodes and encodes to itself, and lines that
 * are refused with what is wrong.
 */
#include "fuyao/fleet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *const examples[] = {
    "0 chip chip=0 name=h20-96-sxm5",
    "-5 node name=p%200-0001 chip=0 devices=8 cpu_milli=2305843009213693951 memory_mib=0 "
    "rack=last idle_mw=1,2,3 active_mw=4,5,6 overhead_mw=7,8,9",
    "1 node-down node=3",
    "1 node-up node=2147483647",
    "1 node-drained node=-2147483648",
    "1 node-resumed node=0",
    "9223372036854775807 node-reserved node=1 tenant=-1 from_us=-9223372036854775808 to_us=5",
    "2 tenant tenant=0 name= weight=0.1 borrow_milli=-1 guarantee_milli=",
    "2 tenant tenant=1 name=\xe6\x89\xb6\xe6\x91\x87%3D%25%7F%01 weight=1e+300 borrow_milli=0 "
    "guarantee_milli=0,1000,-1",
    "3 submitted job=0 name=a tenant=0 priority=high workers=1 min=1 max=1 spares=0 devices=1 "
    "milli=500 cpu_milli=0 memory_mib=0 rates= work_q=-1 unit_q=1000000000000 end=finish "
    "interval_us=0 "
    "checkpoint_us=0 restart_us=0 limit_us=-1 deadline_us=-1 min_run_us=0 after= array=-1 "
    "array_limit=0",
    "3 submitted job=7 name=b tenant=0 priority=spot workers=4 min=2 max=8 spares=1 devices=8 "
    "milli=0 cpu_milli=1 memory_mib=2 rates=0:10:5:2,3:1:0:0 work_q=9223372036854775807 "
    "unit_q=0.001 end=cancel interval_us=9223372036854775807 checkpoint_us=1 restart_us=2 "
    "limit_us=3 deadline_us=4 min_run_us=5 after=0,6 array=1 array_limit=2",
    "4 cancelled job=9",
    "4 finished job=9 attempt=2",
    "4 failed job=9 attempt=2 node=-1 again=1",
    "4 progress job=9 attempt=2 done_q=100",
    "4 limits job=-1 limit=1000",
    "4 held job=1",
    "4 released job=1",
    "4 mix classes=",
    "4 mix classes=0:1:0:5,8000:1:500:9223372036854775807",
    "5 round hash=-1 policy=fifo config=",
    "5 round hash=7 policy=fifo config=placement%3Dpack%20seed%3D0",
    "5 starting job=1 attempt=1 reason=first chip=0 place=0*2:0,1;3*1:24",
    "5 starting job=1 attempt=1 reason=no-devices chip=0 place=5*1:",
    "5 started job=1 attempt=1 rate_q=10 pause_us=0",
    "5 stopping job=1 attempt=1 reason=preempt-order for=4",
    "5 stopped job=1 attempt=1 saved=1",
    "6 resizing job=1 attempt=1 rate_q=1 pause_us=2 chip=0 place=",
    "6 moved job=1 attempt=1 rate_q=1 pause_us=2 chip=1 place=7*1:9",
    "6 checkpointed job=1 attempt=1",
    "6 rated job=1 attempt=1 rate_q=0",
};

static int decode(fy_journal_reader *reader, const char *line, fy_event *event, fy_err *err)
{
    return fy_journal_decode(reader, line, strlen(line), event, err);
}

static void every_kind_comes_back_to_itself(void **state)
{
    fy_journal_reader *reader = fy_journal_reader_new();
    fy_journal_line line = {0};
    bool seen[FY_N_EVENT_KINDS] = {false};

    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        fy_event event;
        fy_err err = {0};

        if (decode(reader, examples[i], &event, &err) != 0) {
            fail_msg("%s: %s", examples[i], err.text);
        }
        seen[event.kind] = true;
        fy_journal_encode(&event, &line);
        assert_int_equal(line.text[line.len - 1], '\n');
        line.text[line.len - 1] = '\0';
        assert_string_equal(line.text, examples[i]);
    }
    for (int k = 0; k < FY_N_EVENT_KINDS; k++) {
        if (!seen[k]) {
            fail_msg("no example of %s", fy_event_name((fy_event_kind)k));
        }
    }
    fy_journal_line_free(&line);
    fy_journal_reader_free(reader);
}

static void what_is_decoded_is_what_was_meant(void **state)
{
    fy_journal_reader *reader = fy_journal_reader_new();
    fy_event event;
    fy_err err = {0};

    (void)state;
    assert_int_equal(decode(reader, examples[1], &event, &err), 0);
    assert_int_equal(event.t_us, -5);
    assert_int_equal(event.kind, FY_EV_NODE_ADDED);
    assert_string_equal(event.node_record->name, "p 0-0001");
    assert_int_equal(event.node_record->rack, FY_RACK_LAST);
    assert_int_equal(event.node_record->overhead_mw[FY_HI], 9);
    assert_null(event.job_record);
    assert_null(event.place);
    assert_int_equal(decode(reader, examples[10], &event, &err), 0);
    assert_int_equal(event.job, 7);
    assert_int_equal(event.job_record->priority, FY_SPOT);
    assert_int_equal(event.job_record->n_rates, 2);
    assert_int_equal(event.job_record->rates[1].chip, 3);
    assert_int_equal(event.job_record->after[1], 6);
    assert_int_equal(decode(reader,
                            "5 starting job=1 attempt=2 reason=gain chip=4 "
                            "place=0*2:0,1,2,3;3*1:24,25",
                            &event, &err),
                     0);
    assert_int_equal(event.reason, FY_WHY_GAIN);
    assert_int_equal(event.place->chip, 4);
    assert_int_equal(event.place->workers, 3);
    assert_int_equal(event.place->n_chunks, 2);
    assert_int_equal(event.place->chunks[1].node, 3);
    assert_int_equal(event.place->n_devices, 6);
    assert_int_equal(event.place->devices[5], 25);
    fy_journal_reader_free(reader);
}

static void bad_lines_are_refused(void **state)
{
    static const struct {
        const char *line, *says;
    } cases[] = {
        {"", "column 1: give an integer"},
        {"x", "column 1: give an integer"},
        {"01 held job=1", "column 1: give an integer without"},
        {"+1 held job=1", "column 1"},
        {"-0 held job=1", "column 1"},
        {"9223372036854775808 held job=1", "column 1: this number does not fit 64 bits"},
        {"-9223372036854775809 held job=1", "does not fit"},
        {"99999999999999999999999 held job=1", "does not fit"},
        {"1", "column 2: a space and the kind"},
        {"1  held job=1", "unknown word"},
        {"1 helt job=1", "column 3: unknown word"},
        {"1 held", "job: this key must come here"},
        {"1 held job", "job: this key must come here"},
        {"1 held job=", "job: give an integer"},
        {"1 held job=1 ", "column 13: the line goes on"},
        {"1 held job=1 job=1", "the line goes on"},
        {"1 held job=1x", "job: the value goes on"},
        {"1 held node=1", "job: this key must come here"},
        {"1 node-down node=2147483648", "node: this number is out of range"},
        {"1 finished attempt=1 job=1", "job: this key must come here"},
        {"1 chip chip=0 name=a=b", "name: this byte must be written"},
        {"1 chip chip=0 name=%41", "name: % must begin"},
        {"1 chip chip=0 name=%0a", "name: % must begin"},
        {"1 chip chip=0 name=%00", "name: % must begin"},
        {"1 chip chip=0 name=%2", "name: % must begin"},
        {"1 tenant tenant=0 name=a weight=1.0 borrow_milli=0 guarantee_milli=", "weight: give"},
        {"1 tenant tenant=0 name=a weight=nan borrow_milli=0 guarantee_milli=", "weight: give"},
        {"1 tenant tenant=0 name=a weight=1e999 borrow_milli=0 guarantee_milli=", "weight: give"},
        {"1 tenant tenant=0 name=a weight=1 borrow_milli=0 guarantee_milli=1,", "guarantee_milli"},
        {"1 tenant tenant=0 name=a weight=1 borrow_milli=0 guarantee_milli=,", "guarantee_milli"},
        {"1 stopping job=1 attempt=1 reason=whim for=1", "reason: unknown word"},
        {"1 mix classes=1:2:3", "classes: give cpu_milli:devices:milli:weight"},
        {"1 mix classes=1:2:3:0", "classes: this number is out of range"},
        {"1 moved job=1 attempt=1 rate_q=1 pause_us=0 chip=0 place=1*0:", "place: give node"},
        {"1 moved job=1 attempt=1 rate_q=1 pause_us=0 chip=0 place=1*2:5", "equally many"},
        {"1 moved job=1 attempt=1 rate_q=1 pause_us=0 chip=0 place=1*1:5;2*1:6,7", "equally many"},
        {"1 moved job=1 attempt=1 rate_q=1 pause_us=0 chip=0 place=1*1:5;", "place: give"},
        {"1 moved job=1 attempt=1 rate_q=1 pause_us=0 chip=0 place=1*1:5,", "place: give"},
        {"1 moved job=1 attempt=1 rate_q=1 pause_us=0 chip=0 place=1*2147483647:;2*1:", "place"},
    };
    fy_journal_reader *reader = fy_journal_reader_new();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fy_event event;
        fy_err err = {0};

        assert_int_equal(decode(reader, cases[i].line, &event, &err), FY_EPARSE);
        if (strstr(err.text, cases[i].says) == NULL) {
            fail_msg("\"%s\" gives \"%s\", not \"%s\"", cases[i].line, err.text, cases[i].says);
        }
    }
    fy_journal_reader_free(reader);
}

static void a_nul_byte_is_refused(void **state)
{
    static const char line[] = "1 chip chip=0 name=a\0b";
    fy_journal_reader *reader = fy_journal_reader_new();
    fy_event event;
    fy_err err = {0};

    (void)state;
    assert_int_equal(fy_journal_decode(reader, line, sizeof line - 1, &event, &err), FY_EPARSE);
    assert_int_equal(fy_journal_decode(reader, line, sizeof line - 1, &event, NULL), FY_EPARSE);
    fy_journal_reader_free(reader);
}

/* A line cut anywhere is refused, or is another whole line (its last value is shorter). */
static void cut_lines_are_refused(void **state)
{
    fy_journal_reader *reader = fy_journal_reader_new();
    fy_journal_line line = {0};
    int refused = 0;

    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        for (size_t len = 0; len < strlen(examples[i]); len++) {
            char *copy = test_malloc(len + 1); /* nothing behind it, so that reading on is seen */
            fy_event event;

            memcpy(copy, examples[i], len);
            if (fy_journal_decode(reader, copy, len, &event, NULL) == 0) {
                fy_journal_encode(&event, &line);
                assert_int_equal(line.len, len + 1);
                assert_memory_equal(line.text, copy, len);
            } else {
                refused++;
            }
            test_free(copy);
        }
    }
    assert_true(refused > 1000);
    fy_journal_line_free(&line);
    fy_journal_reader_free(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_comes_back_to_itself),
        cmocka_unit_test(what_is_decoded_is_what_was_meant),
        cmocka_unit_test(bad_lines_are_refused),
        cmocka_unit_test(a_nul_byte_is_refused),
        cmocka_unit_test(cut_lines_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
