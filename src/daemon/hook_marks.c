/* SPDX-License-Identifier: MIT */
#include "daemon/hook_marks.h"

#include "daemon/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_PATH = 4400, MOST_MARK = 600 };

void fy_hook_mark_write(const char *folder, const char *name, const char *state, const char *node,
                        const char *why)
{
    char path[MOST_PATH], fresh[MOST_PATH + 8], text[MOST_MARK];
    int len = snprintf(text, sizeof text, "%s\n%s\n%s\n", state, node, why), fd;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    (void)snprintf(fresh, sizeof fresh, "%s.new", path);
    fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0) {
        bool written = write(fd, text, (size_t)len) == len;

        (void)close(fd);
        (void)(written ? rename(fresh, path) : unlink(fresh));
    }
}

void fy_hook_mark_drop(const char *folder, const char *name)
{
    char path[MOST_PATH];

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    (void)unlink(path);
}

static bool read_mark(const char *folder, const char *name, char text[MOST_MARK])
{
    char path[MOST_PATH];
    ssize_t n = 0;
    int fd;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0) {
        n = read(fd, text, MOST_MARK - 1);
        (void)close(fd);
    }
    text[n > 0 ? n : 0] = '\0';
    return n > 0;
}

/* Kill what was started for these hooks: it has both the folder and the name in its environment. */
static void kill_left(const char *folder, const char *name)
{
    char mark[300], where[300];
    fy_process *all;
    size_t n = fy_process_all(&all);

    (void)snprintf(mark, sizeof mark, FY_HOOK_MARK "%s", name);
    (void)snprintf(where, sizeof where, "FUYAO_HOOK_FOLDER=%.200s", folder);
    for (size_t i = 0; i < n; i++) {
        if (fy_process_has(all[i].pid, mark) && fy_process_has(all[i].pid, where)) {
            (void)fy_process_signal(all[i].pid, all[i].start, SIGKILL);
        }
    }
    free(all);
}

void fy_hook_marks_read(const char *folder,
                        void (*each)(void *ctx, const char *name, const char *state,
                                     const char *node, const char *why),
                        void *ctx)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        char text[MOST_MARK], *rest = text;
        const char *state, *node, *why;

        if (entry->d_name[0] == '.') {
            continue;
        }
        (void)read_mark(folder, entry->d_name, text);
        state = strsep(&rest, "\n");
        node = rest != NULL ? strsep(&rest, "\n") : NULL;
        why = rest != NULL ? strsep(&rest, "\n") : NULL;
        if (why != NULL && (strcmp(state, "passed") == 0 || strcmp(state, "failed") == 0)) {
            each(ctx, entry->d_name, state, node, why);
        } else {
            kill_left(folder, entry->d_name);
            fy_hook_mark_drop(folder, entry->d_name);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
}
