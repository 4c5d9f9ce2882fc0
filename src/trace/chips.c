/* SPDX-License-Identifier: MIT */
#include "trace/chips.h"

#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS = 256, MAX_TEXT = 255 };

typedef struct slot {
    char text[MAX_TEXT + 1];
    size_t len;
    bool used;
    fy_chip_list list;
} slot;

struct fy_chip_lists {
    const fy_site *site;
    slot *slots[SLOTS]; /* by hash of the text; a newer list drives out an older one */
    slot long_list;     /* text too long to keep */
};

fy_chip_lists *fy_chip_lists_new(const fy_site *site)
{
    fy_chip_lists *lists = fy_calloc(1, sizeof *lists);

    lists->site = site;
    return lists;
}

void fy_chip_lists_free(fy_chip_lists *lists)
{
    if (lists == NULL) {
        return;
    }
    for (int i = 0; i < SLOTS; i++) {
        free(lists->slots[i]);
    }
    free(lists);
}

static void accept_chip(fy_chip_list *list, int chip)
{
    list->accept[list->n_accept++] =
        (fy_accept){.chip = chip, .rate = 1, .rate_spread = 1, .grade = FY_GRADE_MEASURED};
}

static int add_name(const fy_site *site, fy_chip_list *list, fy_field name, fy_err *err)
{
    char shown[FY_SHOWN];
    int chip = name.len > 0 ? fy_site_chip(site, name.text, name.len) : FY_CHIP_UNKNOWN;

    if (chip == FY_CHIP_UNKNOWN) {
        return fy_fail(err, FY_EPARSE,
                       "chip '%s' is not in the catalogue; use an id or alias that `fuyao chips` "
                       "lists",
                       fy_field_shown(shown, name));
    }
    if (list->n_named == FY_MAX_CHIPS) {
        return fy_fail(err, FY_EPARSE, "more than %d chips; name each once", FY_MAX_CHIPS);
    }
    for (int i = 0; chip >= 0 && i < list->n_accept; i++) {
        if (list->accept[i].chip == chip) {
            return fy_fail(err, FY_EPARSE, "chip '%s' is named twice; name each once",
                           fy_field_shown(shown, name));
        }
    }
    list->chip[list->n_named++] = chip;
    if (chip >= 0) {
        accept_chip(list, chip);
    } else {
        list->n_absent++;
    }
    return 0;
}

static int resolve(const fy_site *site, fy_field text, fy_chip_list *list, fy_err *err)
{
    const char *p = text.text, *end = text.text + text.len;

    *list = (fy_chip_list){.any = text.len == 0};
    if (text.len == 0) {
        for (int i = 0; i < site->n_chips; i++) {
            accept_chip(list, i);
        }
        return 0;
    }
    if (*p == '*' && text.len > 2 && p[1] == '|') {
        list->any = true;
        p += 2;
    }
    for (;;) {
        const char *bar = memchr(p, '|', (size_t)(end - p));
        const char *stop = bar != NULL ? bar : end;
        int rc = add_name(site, list, (fy_field){p, (size_t)(stop - p)}, err);

        if (rc < 0 || bar == NULL) {
            return rc;
        }
        p = bar + 1;
    }
}

static size_t hash(fy_field text)
{
    uint64_t h = 14695981039346656037u; /* FNV-1a */

    for (size_t i = 0; i < text.len; i++) {
        h = (h ^ (unsigned char)text.text[i]) * 1099511628211u;
    }
    return (size_t)((h ^ (h >> 32)) % SLOTS);
}

int fy_chip_lists_get(fy_chip_lists *lists, fy_field text, const fy_chip_list **out, fy_err *err)
{
    slot *s = &lists->long_list;
    int rc;

    if (text.len <= MAX_TEXT) {
        slot **at = &lists->slots[hash(text)];

        if (*at == NULL) {
            *at = fy_calloc(1, sizeof **at);
        }
        s = *at;
        if (s->used && s->len == text.len && memcmp(s->text, text.text, text.len) == 0) {
            *out = &s->list;
            return 0;
        }
        memcpy(s->text, text.text, text.len);
        s->len = text.len;
    }
    rc = resolve(lists->site, text, &s->list, err);
    s->used = rc == 0;
    *out = &s->list;
    return rc;
}
