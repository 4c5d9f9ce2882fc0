/* SPDX-License-Identifier: MIT */
/* What the compatible programs share: their names, errors, hostlists and output formats. */
#include "cli/slurm.h"

#include "cli/submit.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int slurm_sbatch(int argc, char **argv)
{
    return cli_submit(CLI_AS_SBATCH, argc, argv);
}

slurm_main slurm_program(const char *name)
{
    static const struct {
        const char *name;
        slurm_main run;
    } programs[] = {{"sbatch", slurm_sbatch},
                    {"squeue", slurm_squeue},
                    {"scancel", slurm_scancel},
                    {"sinfo", slurm_sinfo}};

    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        if (strcmp(programs[i].name, name) == 0) {
            return programs[i].run;
        }
    }
    return NULL;
}

int slurm_fail(const char *program, const char *fmt, ...)
{
    va_list args;

    fprintf(stderr, "%s: error: ", program);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
    return 1;
}

bool slurm_in_list(const char *list, const char *text)
{
    for (const char *at = list; text != NULL;) {
        size_t len = strcspn(at, ",");

        if (strlen(text) == len && strncasecmp(at, text, len) == 0) {
            return true;
        }
        if (at[len] == '\0') {
            break;
        }
        at += len + 1;
    }
    return false;
}

/* ------------------------------------------------------------------ hostlists */

/* Digits at the end of a name; at most 9, so that they fit a number. */
static size_t digits_of(const char *name)
{
    size_t len = strlen(name), n = 0;

    while (n < len && n < 9 && name[len - 1 - n] >= '0' && name[len - 1 - n] <= '9') {
        n++;
    }
    return n;
}

/* By what stands before the number, then by the number's width and the number. */
static int by_host(const void *a, const void *b)
{
    const char *x = *(const char *const *)a, *y = *(const char *const *)b;
    size_t nx = strlen(x) - digits_of(x), ny = strlen(y) - digits_of(y);
    int c = strncmp(x, y, nx < ny ? nx : ny);

    if (c != 0 || nx != ny) {
        return c != 0 ? c : nx < ny ? -1 : 1;
    }
    return strlen(x) != strlen(y) ? (strlen(x) < strlen(y) ? -1 : 1) : strcmp(x, y);
}

/* Do two names differ in a number of the same width only? */
static bool alike(const char *x, const char *y)
{
    size_t n = digits_of(x);

    return n > 0 && n == digits_of(y) && strlen(x) == strlen(y) &&
           strncmp(x, y, strlen(x) - n) == 0;
}

static long number_of(const char *name)
{
    return strtol(name + strlen(name) - digits_of(name), NULL, 10);
}

void slurm_hostlist(fy_str *out, const char **names, size_t n)
{
    qsort(names, n, sizeof *names, by_host);
    for (size_t i = 0, end; i < n; i = end) {
        size_t width = digits_of(names[i]);

        end = i + 1;
        while (end < n && alike(names[i], names[end])) {
            end++;
        }
        fy_str_puts(out, i > 0 ? "," : "");
        if (end == i + 1) {
            fy_str_puts(out, names[i]);
            continue;
        }
        fy_str_printf(out, "%.*s[", (int)(strlen(names[i]) - width), names[i]);
        for (size_t k = i, to; k < end; k = to + 1) {
            to = k;
            while (to + 1 < end && number_of(names[to + 1]) <= number_of(names[to]) + 1) {
                to++;
            }
            fy_str_printf(out, "%s%0*ld", k > i ? "," : "", (int)width, number_of(names[k]));
            if (to > k) {
                fy_str_printf(out, "-%0*ld", (int)width, number_of(names[to]));
            }
        }
        fy_str_puts(out, "]");
    }
}

/* Is the number that `name` has after `prefix` in "01-16,20" [len]? */
static bool in_ranges(const char *ranges, size_t len, const char *name, size_t prefix)
{
    const char *end = ranges + len;
    size_t width = digits_of(name);

    if (width == 0 || strlen(name) - width != prefix) {
        return false;
    }
    while (ranges < end) {
        char *after;
        long low = strtol(ranges, &after, 10), high = low;

        if ((size_t)(after - ranges) != width) {
            return false;
        }
        if (*after == '-') {
            high = strtol(after + 1, &after, 10);
        }
        if (number_of(name) >= low && number_of(name) <= high) {
            return true;
        }
        ranges = *after == ',' ? after + 1 : end;
    }
    return false;
}

bool slurm_in_hostlist(const char *list, const char *name)
{
    for (const char *at = list; *at != '\0';) {
        const char *open = at + strcspn(at, ",["), *close;

        if (*open != '[') {
            size_t len = (size_t)(open - at);

            if (strlen(name) == len && strncmp(at, name, len) == 0) {
                return true;
            }
            at = *open == ',' ? open + 1 : open;
            continue;
        }
        close = strchr(open, ']');
        if (close == NULL) {
            return false;
        }
        if (strncmp(at, name, (size_t)(open - at)) == 0 &&
            in_ranges(open + 1, (size_t)(close - open - 1), name, (size_t)(open - at))) {
            return true;
        }
        at = close[1] == ',' ? close + 2 : close + 1;
    }
    return false;
}

/* ------------------------------------------------------------------ formats */

static const slurm_field *field_of(const slurm_field *fields, char letter)
{
    for (; fields->letter != '\0'; fields++) {
        if (fields->letter == letter) {
            return fields;
        }
    }
    return NULL;
}

/* Bytes of the first `most` characters of UTF-8 text, and how many there are. */
static size_t cut(const char *text, size_t most, size_t *characters)
{
    size_t bytes = 0;

    *characters = 0;
    while (text[bytes] != '\0') {
        if (((unsigned char)text[bytes] & 0xc0) != 0x80) {
            if (*characters == most) {
                break;
            }
            ++*characters;
        }
        bytes++;
    }
    return bytes;
}

static void put_cell(fy_str *line, const char *text, bool right, size_t width)
{
    size_t characters, bytes = cut(text, width > 0 ? width : SIZE_MAX, &characters);
    size_t blanks = width > characters ? width - characters : 0;

    if (right) {
        fy_str_printf(line, "%*s", (int)blanks, "");
    }
    fy_str_add(line, text, bytes);
    if (!right) {
        fy_str_printf(line, "%*s", (int)blanks, "");
    }
}

bool slurm_print(const char *format, const slurm_field *fields, const void *row, char *bad)
{
    fy_str line = {0};

    for (const char *at = format; *at != '\0'; at++) {
        const slurm_field *field;
        bool right;
        char *end;
        size_t width;
        char shown[1000];
        fy_str cell = {0};

        if (*at != '%') {
            fy_str_add(&line, at, 1);
            continue;
        }
        right = *++at == '.';
        width = strtoul(at + right, &end, 10);
        width = width < 10000 ? width : 10000;
        at = end;
        field = field_of(fields, *at);
        if (field == NULL) {
            *bad = *at;
            fy_str_free(&line);
            return false;
        }
        if (row == NULL) {
            fy_str_puts(&cell, field->title);
        } else {
            field->put(&cell, row);
        }
        put_cell(&line, cli_shown(shown, sizeof shown, cell.text != NULL ? cell.text : ""), right,
                 width);
        fy_str_free(&cell);
    }
    puts(line.text != NULL ? line.text : "");
    fy_str_free(&line);
    return true;
}
