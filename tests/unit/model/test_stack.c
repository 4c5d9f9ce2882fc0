/* SPDX-License-Identifier: MIT */
/* Stacks and constants from YAML: what stands in for what, and the lines about bad input. */
#include "../../planner.h"
#include "model/stack.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NUMBERS(matmul)                                                                            \
    "    spread: '0.05'\n    matmul: '" matmul "'\n    memory: '0.8'\n    attention: '0.9'\n"      \
    "    gap: '3e-6'\n    launch: '7e-6'\n    link: '0.7'\n    network: '0.6'\n"                   \
    "    latency: '6e-6'\n    exposed: '0'\n    step: '0.02'\n    micro: '0'\n    jitter: '0'\n"

#define STACK(id, rest)                                                                            \
    "  - id: " id "\n    name: Stack\n    source: made up\n    attention: flash2\n"                \
    "    capture: eager\n    recompute: none\n    fp8_weight_bytes: 2\n    gradient_bytes: 4\n"    \
    "    optimizer_bytes: 12\n    loss_bytes: 6\n" rest

/* a -> b -> c; c has a row for Old and New, b none, d is near nothing. */
static const char stacks_text[] = "stacks:\n" STACK("a", "    near: b\n    overlap: dp tp\n")
    STACK("b", "    near: c\n") STACK("c", "") STACK("d", "");

static const char constants_text[] =
    "constants:\n"
    "  - rows: 0\n" NUMBERS("0.92") "  - rows: 19\n    family: Old\n    stack: c\n" NUMBERS("0.5") "  - rows: 14\n    family: New\n    stack: c\n" NUMBERS(
        "0.6") "  - rows: 17\n    family: New\n    stack: a\n" NUMBERS("0.7") "  - rows: 15\n    "
                                                                              "family: New\n    "
                                                                              "stack: a\n    "
                                                                              "without: "
                                                                              "mine\n" NUMBERS(
                                                                                  "0."
                                                                                  "71") "  - rows: "
                                                                                        "0\n    "
                                                                                        "family: "
                                                                                        "New\n    "
                                                                                        "stack: "
                                                                                        "c\n "
                                                                                        "   "
                                                                                        "without: "
                                                                                        "mine"
                                                                                        "\n" NUMBERS(
                                                                                            "0.9");

static int parse(fy_stacks **out, const char *stacks, const char *constants, fy_err *err)
{
    return fy_stacks_parse(out, "stacks.yaml", stacks, strlen(stacks), "constants.yaml", constants,
                           strlen(constants), err);
}

static fy_stacks *parsed(void)
{
    fy_stacks *all = NULL;
    fy_err err = {0};
    if (parse(&all, stacks_text, constants_text, &err) != 0) {
        fail_msg("%s", err.text);
    }
    return all;
}

static fy_constants constants(const fy_stacks *all, const char *stack, const char *arch,
                              const char *without)
{
    fy_chip chip = {.id = "chip-1", .arch = arch};
    return fy_stacks_constants(all, fy_stacks_find(all, stack), &chip, without);
}

static void check(const char *what, fy_constants c, double matmul, fy_grade grade, double spread)
{
    near(what, c.value[FY_C_MATMUL], matmul, 0);
    near(what, c.spread, spread, 1e-12);
    assert_int_equal(c.grade, grade);
}

static void test_read(void **state)
{
    fy_stacks *all = parsed();
    (void)state;
    assert_int_equal(fy_stacks_count(all), 4);
    const fy_stack *a = fy_stacks_find(all, "a");
    assert_ptr_equal(a, fy_stacks_at(all, 0));
    assert_int_equal(a->overlap, FY_OVERLAP_DP | FY_OVERLAP_TP);
    assert_int_equal(a->attention, FY_ATTN_FLASH2);
    assert_int_equal(a->loss_bytes_selective, 6); /* as without recomputation */
    assert_false(a->dropout);
    assert_null(fy_stacks_find(all, "A"));
    assert_null(fy_stacks_find(all, ""));
    fy_stacks_free(all);
    fy_stacks_free(NULL);
}

/* The pair's own; else the same stack on the family with most rows; else its neighbours'; else the
 * prior. What is borrowed is assumed, on another maker's chip, and reaches nowhere. */
static void test_stand_ins(void **state)
{
    fy_stacks *all = parsed();
    (void)state;
    check("own", constants(all, "a", "New", NULL), 0.7, FY_GRADE_FITTED, 0.05);
    check("other family", constants(all, "a", "Old", NULL), 0.7, FY_GRADE_ASSUMED, 0.15);
    check("neighbour, same family", constants(all, "b", "New", NULL), 0.6, FY_GRADE_ASSUMED, 0.15);
    check("neighbour, most rows", constants(all, "b", "Third", NULL), 0.5, FY_GRADE_ASSUMED, 0.15);
    check("prior", constants(all, "d", "New", NULL), 0.92, FY_GRADE_ASSUMED, 0.05);
    check("no family", constants(all, "d", NULL, NULL), 0.92, FY_GRADE_ASSUMED, 0.05);
    fy_chip chip = {.id = "chip-1", .arch = "Old", .vendor = "NVIDIA"};
    fy_constants c = fy_stacks_constants(all, fy_stacks_find(all, "a"), &chip, NULL);
    check("same maker", c, 0.7, FY_GRADE_ASSUMED, 0.05);
    chip.arch = "New";
    c = fy_stacks_constants(all, fy_stacks_find(all, "b"), &chip, NULL);
    check("same maker, another stack", c, 0.6, FY_GRADE_ASSUMED, 0.07);
    fy_stacks_free(all);
}

/* How far the fitted runs reach is read, kept for the pair itself, and told where it is wrong. */
static void test_reach(void **state)
{
    static const struct {
        const char *keys, *text;
    } bad[] = {
        {"    devices: 8\n    shares: matmul 0.5 host\n",
         "shares: \"host\": give a term and its share, again and again"},
        {"    devices: 8\n    shares: matmul much\n",
         "shares: \"much\" is not a number from 0 to 1000"},
        {"    devices: 8\n    precisions: fp16 fp17\n", "precisions: \"fp17\" is none"},
        {"    pressed: '1'\n", "devices: shares, pressed and precisions need the largest run's"},
    };
    static const char *const head = "constants:\n  - rows: 0\n" NUMBERS("0.92");
    char text[2000];
    fy_stacks *all = NULL;
    fy_err err = {0};
    (void)state;
    for (size_t i = 0; i <= sizeof bad / sizeof *bad; i++) {
        const char *keys = i == 0 ? "    devices: 64\n    sharded: true\n    pressed: '0.25'\n"
                                    "    precisions: fp16 bf16\n    shares: matmul 0.5 dp 0.1\n"
                                  : bad[i - 1].keys;
        snprintf(text, sizeof text, "%s  - rows: 9\n    family: New\n    stack: a\n%s%s", head,
                 NUMBERS("0.7"), keys);
        int rc = fy_stacks_parse(&all, "s", stacks_text, strlen(stacks_text), "c", text,
                                 strlen(text), &err);
        if (i > 0) {
            assert_int_not_equal(rc, 0);
            if (strstr(err.text, bad[i - 1].text) == NULL) {
                fail_msg("%s", err.text);
            }
            continue;
        }
        assert_int_equal(rc, 0);
        fy_reach r = constants(all, "a", "New", NULL).reach;
        assert_int_equal(r.devices, 64);
        assert_true(r.sharded && !r.experts);
        assert_int_equal(r.precisions, 1U << FY_PREC_FP16 | 1U << FY_PREC_BF16);
        near("share", r.share[FY_T_MATMUL], 0.5, 0);
        near("of another", r.share[FY_T_DP], 0.1, 0);
        near("pressed", r.pressed, 0.25, 0);
        assert_int_equal(constants(all, "a", "Old", NULL).reach.devices, 0);
        fy_stacks_free(all);
    }
}

/* Leaving out a set: the fit without it, else the whole one where the set took no part; a pair
 * without other rows looks further. */
static void test_without(void **state)
{
    fy_stacks *all = parsed();
    (void)state;
    check("without", constants(all, "a", "New", "mine"), 0.71, FY_GRADE_FITTED, 0.05);
    check("took no part", constants(all, "a", "New", "theirs"), 0.7, FY_GRADE_FITTED, 0.05);
    check("nothing left", constants(all, "c", "New", "mine"), 0.5, FY_GRADE_ASSUMED, 0.15);
    fy_stacks_free(all);
}

/* A site's own file: for a chip before the family's, the last file first; errors keep what was. */
static void test_add(void **state)
{
    char path[] = "/tmp/fuyao-constants-XXXXXX";
    int fd = mkstemp(path);
    fy_stacks *all = parsed();
    fy_err err = {0};
    (void)state;
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    fputs("constants:\n"
          "  - rows: 3\n    chip: chip-1\n    family: New\n    stack: a\n" NUMBERS(
              "0.8") "  - rows: 3\n    family: Old\n    stack: c\n" NUMBERS("0.55"),
          file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(fy_stacks_add_constants(all, path, &err), 0);
    check("this chip", constants(all, "a", "New", NULL), 0.8, FY_GRADE_FITTED, 0.05);
    check("the pair anew", constants(all, "c", "Old", NULL), 0.55, FY_GRADE_FITTED, 0.05);
    fy_chip other = {.id = "chip-2", .arch = "New"};
    check("another chip", fy_stacks_constants(all, fy_stacks_find(all, "a"), &other, NULL), 0.7,
          FY_GRADE_FITTED, 0.05);
    check("the prior stays", constants(all, "d", "New", NULL), 0.92, FY_GRADE_ASSUMED, 0.05);
    (void)unlink(path);
    assert_int_equal(fy_stacks_add_constants(all, path, &err), FY_ENOENT);
    check("still there", constants(all, "a", "New", NULL), 0.8, FY_GRADE_FITTED, 0.05);
    fy_stacks_free(all);
}

static void refuse(const char *stacks, const char *constants, const char *line)
{
    fy_stacks *all = NULL;
    fy_err err = {0};
    int rc = parse(&all, stacks, constants, &err);
    if (rc == 0 || strcmp(err.text, line) != 0) {
        fail_msg("\"%s\" instead of \"%s\"", rc == 0 ? "loaded" : err.text, line);
    }
    assert_null(all);
    assert_int_equal(err.code, rc);
}

static void test_bad_stacks(void **state)
{
    static const struct {
        const char *text, *line;
    } cases[] = {
        {"stacks:\n" STACK("a", "    near: z\n"), "stacks.yaml:2: stack \"a\": no stack \"z\""},
        {"stacks:\n" STACK("a", "") STACK("a", ""), "stacks.yaml:12: stack \"a\" is there twice"},
        {"stacks:\n" STACK("a", "    overlap: dp np\n"),
         "stacks.yaml:2: overlap: \"np\" is none of tp, dp, pp, ep"},
        {"stacks:\n" STACK("a", "    zero: 4\n"),
         "stacks.yaml:2: stack \"a\": attention is one of unfused, fused-softmax, flash1, flash2, "
         "flash3; "
         "capture of eager, compiled, captured; recompute of none, selective, full; zero of 0 to "
         "3"},
        {"stacks:\n" STACK("a", "    loss_bytes_selective: 1001\n"),
         "stacks.yaml:2: stack \"a\": at most 1000 bytes of a weight or a logit"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        refuse(cases[i].text, constants_text, cases[i].line);
    }
}

static void test_bad_constants(void **state)
{
    static const struct {
        const char *text, *line;
    } cases[] = {
        {"constants:\n  - rows: 9\n    family: Old\n    stack: c\n" NUMBERS("0.5"),
         "constants.yaml:2: one entry without a family is needed: the prior"},
        {"constants:\n  - rows: 0\n" NUMBERS("much"),
         "constants.yaml:2: matmul: \"much\" is not a number from 0.001 to 1000"},
        {"constants:\n  - rows: 0\n" NUMBERS("0"),
         "constants.yaml:2: matmul: \"0\" is not a number from 0.001 to 1000"},
        {"constants:\n  - rows: 0\n" NUMBERS("-1"),
         "constants.yaml:2: matmul: \"-1\" is not a number from 0.001 to 1000"},
        {"constants:\n  - rows: 0\n" NUMBERS("nan"),
         "constants.yaml:2: matmul: \"nan\" is not a number from 0.001 to 1000"},
        {"constants:\n  - rows: 1\n    family: New\n    stack: z\n" NUMBERS("0.5"),
         "constants.yaml:2: no stack \"z\""},
        {"constants:\n  - rows: 1\n    chip: chip-1\n    stack: a\n" NUMBERS("0.5"),
         "constants.yaml:2: family is missing; only the prior has none, nor a stack"},
        {"constants:\n  - rows: 4000000000\n" NUMBERS("0.5"),
         "constants.yaml:2: rows: at most 2147483647"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        refuse(stacks_text, cases[i].text, cases[i].line);
    }
}

/* The shipped files: every stack has constants on every generation, none of them 0 or absurd. */
static void test_shipped(void **state)
{
    static const char *const families[] = {"Ampere", "Hopper", "Ada", "Ascend", ""};
    fy_stacks *all = NULL;
    fy_err err = {0};
    (void)state;
    if (fy_stacks_load(&all, getenv("FUYAO_DATA"), &err) != 0) {
        fail_msg("%s", err.text);
    }
    for (int i = 0; i < fy_stacks_count(all); i++) {
        for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
            fy_constants c = constants(all, fy_stacks_at(all, i)->id, families[f], NULL);
            between("matmul", c.value[FY_C_MATMUL], 0.6, 1.2);
            between("memory", c.value[FY_C_MEMORY], 0.3, 1.2);
            between("link", c.value[FY_C_LINK], 0.3, 1.5);
            between("network", c.value[FY_C_NETWORK], 0.2, 1.5);
            between("spread", c.spread, 0.01, 1);
        }
    }
    assert_int_equal(fy_stacks_load(&all, "/nonexistent", &err), FY_ENOENT);
    fy_stacks_free(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),          cmocka_unit_test(test_stand_ins),
        cmocka_unit_test(test_reach),         cmocka_unit_test(test_without),
        cmocka_unit_test(test_add),           cmocka_unit_test(test_bad_stacks),
        cmocka_unit_test(test_bad_constants), cmocka_unit_test(test_shipped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
