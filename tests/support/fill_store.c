/* SPDX-License-Identifier: MIT */
/*
 * fill-store STATE-FOLDER PACE <JOURNAL: a simulator's journal into a store as a daemon would,
 * PACE records a commit, a snapshot every ten commits. For transcripts.
 */
#include "base/str.h"
#include "daemon/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

static int fail(const fy_err *err)
{
    (void)fprintf(stderr, "fill-store: %s\n", err->text);
    return 1;
}

int main(int argc, char **argv)
{
    fy_store_options options = {.folder = argc == 3 ? argv[1] : "", .tidy_records = 16};
    fy_store *store = NULL;
    fy_err err = {0};
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    long pace = argc == 3 ? strtol(argv[2], NULL, 10) : 0;

    if (pace <= 0 || fy_store_open(&store, &options, &err) != 0) {
        return fail(&err);
    }
    for (int64_t n = 0; (len = getline(&line, &room, stdin)) > 0; n++) {
        int more = 0;

        if (n == 0) {
            continue; /* the header */
        }
        (void)fy_store_append(store, line, (size_t)len - 1, n % 3 == 0 ? "{\"by\":1}" : NULL, 8);
        if (n % (10 * pace) == 0) {
            fy_store_snapshot_put(store, "snapshot", 8);
        }
        if (n % pace == 0 && fy_store_commit(store, &err) != 0) {
            return fail(&err);
        }
        while (n % pace == 0 && (more = fy_store_tidy(store, &err)) > 0) {
        }
        if (more < 0) {
            return fail(&err);
        }
    }
    if (fy_store_commit(store, &err) != 0) {
        return fail(&err);
    }
    printf("%lld records, %lld of them in the archive\n", (long long)fy_store_last(store),
           (long long)fy_store_archived(store));
    fy_store_close(store);
    free(line);
    return 0;
}
