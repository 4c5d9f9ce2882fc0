/* SPDX-License-Identifier: MIT */
/*
 * Replays a corpus through a fuzz target as an ordinary test: every file in the folders (or the
 * files) named on the command line, once, in the order of their names. For compilers without
 * libFuzzer; it finds nothing new.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Returns the number of inputs run: 1, or 0 after saying why not. */
static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat st;
    uint8_t *data;
    size_t size;

    if (file == NULL || fstat(fileno(file), &st) != 0) {
        perror(path);
        return 0;
    }
    size = (size_t)st.st_size;
    data = malloc(size > 0 ? size : 1); /* exactly as large, so that one byte too far is seen */
    if (data == NULL || fread(data, 1, size, file) != size) {
        perror(path);
        exit(1);
    }
    (void)fclose(file);
    (void)LLVMFuzzerTestOneInput(data, size);
    free(data);
    return 1;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int replay_folder(const char *folder)
{
    struct dirent **entries;
    int n = scandir(folder, &entries, is_visible, alphasort);
    int run = 0;

    if (n < 0) {
        perror(folder);
        return 0;
    }
    for (int i = 0; i < n; i++) {
        char path[4096];

        (void)snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        run += replay_file(path);
        free(entries[i]);
    }
    free(entries);
    return run;
}

int main(int argc, char **argv)
{
    int run = 0;

    for (int i = 1; i < argc; i++) {
        struct stat st;
        int is_folder = stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode);
        int here = is_folder ? replay_folder(argv[i]) : replay_file(argv[i]);

        if (here == 0) {
            fprintf(stderr, "%s: no input to replay\n", argv[i]);
            return 1;
        }
        run += here;
    }
    printf("%d inputs replayed\n", run);
    return run > 0 ? 0 : 1;
}
