/* SPDX-License-Identifier: MIT */
#include "sched/match.h"

#include <stdlib.h>

static void prepare(fy_match *m, fy_assigns *all, const fy_match_rules *rules)
{
    m->first = fy_grow(m->first, &m->first_room, all->n + 1, sizeof *m->first);
    m->count = fy_grow(m->count, &m->count_room, all->n + 1, sizeof *m->count);
    m->next = fy_grow(m->next, &m->next_room, all->n + 1, sizeof *m->next);
    m->n_options = 0;
    m->n_waiting = 0;
    for (size_t i = 0; i < all->n; i++) {
        m->options =
            fy_grow(m->options, &m->options_room, m->n_options + FY_MAX_CHIPS, sizeof *m->options);
        m->first[i] = (int32_t)m->n_options;
        m->next[i] = 0;
        m->count[i] = all->list[i].chip < 0
                          ? rules->options(rules->ctx, all->list[i].job, m->options + m->n_options)
                          : 0;
        m->n_options += (size_t)m->count[i];
    }
    for (int c = 0; c < FY_MAX_CHIPS; c++) {
        while (m->kept[c].n > 0) {
            fy_heap_remove(&m->kept[c], &m->pos, fy_heap_top(&m->kept[c])->item);
        }
    }
}

/*
 * Standing of job i when it asks for option k, the smaller the better: last chances first, within
 * their share before beyond, in the list's order; then the others by what they lose.
 */
static int64_t standing(const fy_match *m, const fy_assigns *all, size_t i, int k,
                        const fy_match_rules *rules)
{
    const fy_option *o = m->options + m->first[i] + k;
    double kept;

    if (k + 1 == m->count[i]) {
        return (int64_t)rules->beyond(rules->ctx, all->list[i].job, o->chip) << 61 | (int64_t)i;
    }
    kept = (double)o[1].rate_q / (double)o->rate_q;
    kept = kept < 1 ? kept : 1;
    return (int64_t)1 << 62 | (int64_t)(kept * 0x1p29) << 31 | (int64_t)i;
}

static void keep(fy_match *m, fy_assigns *all, size_t i, int chip, int64_t stand,
                 const fy_match_rules *rules)
{
    fy_assign_chip(all, &all->list[i], chip);
    fy_heap_set(&m->kept[chip], &m->pos, (int32_t)i, -stand, (int64_t)i);
    rules->moved(rules->ctx, all->list[i].job, chip, 1);
}

static void refuse(fy_match *m, fy_assigns *all, size_t i, const fy_match_rules *rules)
{
    int chip = all->list[i].chip;

    fy_heap_remove(&m->kept[chip], &m->pos, (int32_t)i);
    all->free[chip] += fy_job_takes_milli(all->list[i].job, chip);
    all->list[i].chip = -1;
    rules->moved(rules->ctx, all->list[i].job, chip, -1);
    m->waiting = fy_grow(m->waiting, &m->waiting_room, m->n_waiting + 1, sizeof *m->waiting);
    m->waiting[m->n_waiting++] = (int32_t)i;
}

/* Can refusing those of worse standing make room for `need`? They are refused only if it can. */
static bool make_room(fy_match *m, fy_assigns *all, int chip, int64_t need, int64_t stand,
                      const fy_match_rules *rules)
{
    fy_heap *kept = &m->kept[chip];
    size_t start = m->n_waiting;
    const fy_heap_entry *worst;

    while (all->free[chip] < need && (worst = fy_heap_top(kept)) != NULL && -worst->key > stand) {
        fy_heap_entry out = *worst;

        refuse(m, all, (size_t)out.item, rules);
        /* Remember the standing in case it is taken back. */
        all->list[out.item].stand = -out.key;
    }
    if (all->free[chip] >= need) {
        return true;
    }
    while (m->n_waiting > start) {
        size_t i = (size_t)m->waiting[--m->n_waiting];

        keep(m, all, i, chip, all->list[i].stand, rules);
    }
    return false;
}

static void ask(fy_match *m, fy_assigns *all, size_t i, const fy_match_rules *rules)
{
    while (m->next[i] < m->count[i]) {
        int k = m->next[i]++;
        int chip = m->options[m->first[i] + k].chip;
        int64_t need = fy_job_takes_milli(all->list[i].job, chip);
        int64_t stand = standing(m, all, i, k, rules);

        if (all->free[chip] >= need || make_room(m, all, chip, need, stand, rules)) {
            keep(m, all, i, chip, stand, rules);
            return;
        }
    }
}

void fy_match_run(fy_match *match, fy_assigns *all, const fy_match_rules *rules)
{
    prepare(match, all, rules);
    for (size_t i = 0; i < all->n; i++) {
        if (match->count[i] > 0) {
            ask(match, all, i, rules);
        }
        while (match->n_waiting > 0) {
            ask(match, all, (size_t)match->waiting[--match->n_waiting], rules);
        }
    }
}

void fy_match_free(fy_match *match)
{
    for (int c = 0; c < FY_MAX_CHIPS; c++) {
        fy_heap_free(&match->kept[c]);
    }
    fy_heap_pos_free(&match->pos);
    free(match->options);
    free(match->first);
    free(match->count);
    free(match->next);
    free(match->waiting);
    *match = (fy_match){0};
}
