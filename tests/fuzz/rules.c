/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a file of rules: loaded, or refused with one line. What is loaded answers for a chip
 * with all its numbers, with none, and with some; knowing a number never widens what is possible.
 */
#include "supply/rules.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static fy_range number(double x)
{
    return (fy_range){x, x, x, isnan(x) ? FY_GRADE_UNKNOWN : FY_GRADE_DATASHEET, NULL};
}

static unsigned possible(const fy_rules *rules, const fy_chip *chip, fy_gate gate, int day)
{
    fy_rule_query query = {.day = day, .to = "CN"};
    fy_ruling r = fy_rules_gate(rules, chip, gate, &query);
    assert(r.n_facts >= 0 && r.n_facts <= FY_RULE_MAX_FACTS && r.possible != 0);
    assert((r.so_far == FY_OUTCOME_UNKNOWN) == ((r.possible & (r.possible - 1)) != 0));
    assert(r.so_far == FY_OUTCOME_UNKNOWN || r.possible == 1U << r.so_far);
    double duty = fy_rules_duty(rules, chip, &query);
    assert(isnan(duty) || (duty >= 0 && isfinite(duty)));
    return r.possible;
}

static void ask(const fy_rules *rules)
{
    fy_chip none = {.id = "chip-1",
                    .vendor = "NVIDIA",
                    .form = "",
                    .tpp = number(NAN),
                    .performance_density = number(NAN),
                    .link_bytes_per_s = number(NAN),
                    .pcie_gen = number(NAN),
                    .memory_bytes_per_s = number(NAN),
                    .node_nm = number(NAN)};
    fy_chip some = none, all;
    some.tpp = number(4800);
    some.link_bytes_per_s = number(600e9);
    all = some;
    all.form = "SXM5";
    all.performance_density = number(5.92);
    all.pcie_gen = number(5);
    all.memory_bytes_per_s = number(1400e9);
    int day = 0;
    for (int n = 0; n < 64 && day < FY_DAY_NEVER; n++) {
        for (int g = 0; g < FY_N_GATES; g++) {
            unsigned a = possible(rules, &none, (fy_gate)g, day);
            unsigned b = possible(rules, &some, (fy_gate)g, day);
            unsigned c = possible(rules, &all, (fy_gate)g, day);
            assert((b & ~a) == 0 && (c & ~b) == 0 && (c & (c - 1)) == 0);
        }
        int next = fy_rules_next_change(rules, day);
        assert(next > day);
        day = next;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fy_rules *rules = NULL;
    fy_err err = {0};
    int rc = fy_rules_parse(&rules, "input", (const char *)data, size, &err);
    if (rc == 0) {
        ask(rules);
        fy_rules_free(rules);
    } else {
        assert(rules == NULL && err.code == rc && strncmp(err.text, "input", 5) == 0);
        assert(strchr(err.text, '\n') == NULL);
    }
    return 0;
}
