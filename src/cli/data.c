/* SPDX-License-Identifier: MIT */
/* Where the data is, the catalogue in it, and how a command says what went wrong. */
#include "cli/cmd.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int cli_fail(int code, const char *fmt, ...)
{
    va_list args;
    fputs("fuyao: ", stderr);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
    return code;
}

int cli_fail_err(const fy_err *err)
{
    return cli_fail(err->code == FY_EIO ? CLI_ENVIRONMENT : CLI_USAGE, "%s", err->text);
}

/* Is there a catalogue in `folder`? */
static bool has_catalog(const char *folder)
{
    char path[CLI_PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/catalog.yaml", folder);
    return access(path, F_OK) == 0;
}

int cli_data_dir(char out[CLI_PATH_MAX])
{
    const char *named = getenv("FUYAO_DATA");
    if (named != NULL && named[0] != '\0') {
        snprintf(out, CLI_PATH_MAX, "%s", named);
        return has_catalog(out)
                   ? 0
                   : cli_fail(CLI_ENVIRONMENT,
                              "FUYAO_DATA is %s, but there is no catalog.yaml in it", named);
    }
    char self[CLI_PATH_MAX - 16];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n > 0) {
        self[n] = '\0';
        char *slash = strrchr(self, '/');
        *(slash != NULL ? slash : self) = '\0';
        snprintf(out, CLI_PATH_MAX, "%s/../data", self);
        if (has_catalog(out)) {
            return 0;
        }
    }
    snprintf(out, CLI_PATH_MAX, "%s", FY_DATA_DIR);
    return has_catalog(out) ? 0
                            : cli_fail(CLI_ENVIRONMENT,
                                       "cannot find the data folder; set FUYAO_DATA to the folder "
                                       "that holds catalog.yaml");
}

int cli_catalog(fy_catalog **out)
{
    char dir[CLI_PATH_MAX];
    fy_err err = {0};
    int rc = cli_data_dir(dir);
    if (rc != 0) {
        return rc;
    }
    if (fy_catalog_load(out, dir, &err) != 0) {
        return cli_fail_err(&err);
    }
    return 0;
}

/* --------------------------------------------------------------------------------- suggestions */

enum { MAX_ID = 48, N_SUGGESTIONS = 4 };

/* Insertions, deletions and substitutions between two short texts, ignoring case. */
static int distance(const char *a, const char *b)
{
    int row[MAX_ID + 1];
    int n = (int)strnlen(b, MAX_ID);
    for (int j = 0; j <= n; j++) {
        row[j] = j;
    }
    for (int i = 0; a[i] != '\0' && i < MAX_ID; i++) {
        int diagonal = row[0];
        row[0] = i + 1;
        for (int j = 1; j <= n; j++) {
            int same = tolower((unsigned char)a[i]) == tolower((unsigned char)b[j - 1]);
            int best = diagonal + (same ? 0 : 1);
            best = row[j] + 1 < best ? row[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[n];
}

/* How far `id` is from what the chip is called: an alias, a part of its id, else by letters. */
static int chip_distance(const fy_chip *chip, const char *id)
{
    for (int i = 0; i < chip->n_aliases; i++) {
        if (strcasecmp(chip->aliases[i], id) == 0) {
            return 0;
        }
    }
    const char *part = id[0] != '\0' ? strcasestr(chip->id, id) : NULL;
    if (part != NULL) {
        return part == chip->id ? 1 : 2;
    }
    return distance(chip->id, id) + 1;
}

int cli_find_chip(const fy_catalog *catalog, const char *id, const fy_chip **out)
{
    *out = fy_catalog_find_chip(catalog, id);
    if (*out != NULL) {
        return 0;
    }
    char text[N_SUGGESTIONS * (MAX_ID + 4)] = "";
    int found = 0;
    int limit = (int)strnlen(id, MAX_ID) / 3 + 2;
    for (int d = 0; d <= limit && found < N_SUGGESTIONS; d++) {
        for (int i = 0; i < fy_catalog_n_chips(catalog) && found < N_SUGGESTIONS; i++) {
            const fy_chip *c = fy_catalog_chip(catalog, i);
            if (chip_distance(c, id) == d) {
                size_t at = strlen(text);
                snprintf(text + at, sizeof text - at, "%s%.*s", found > 0 ? ", " : "", MAX_ID,
                         c->id);
                found++;
            }
        }
    }
    if (found == 0) {
        return cli_fail(CLI_USAGE, "no chip \"%.60s\"; `fuyao chips` lists them", id);
    }
    return cli_fail(CLI_USAGE, "no chip \"%.60s\"; did you mean %s?", id, text);
}
