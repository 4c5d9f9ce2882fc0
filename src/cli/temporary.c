/* SPDX-License-Identifier: MIT */
#include "cli/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST = 8 }; /* no command writes more at once; those beyond would only not be removed */
static _Atomic(char *) names[MOST];
static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
enum { N_SIGNALS = sizeof signals / sizeof signals[0] };

/* Remove what there is and die of the same signal (SA_RESETHAND has put its action back). */
static void on_signal(int number)
{
    for (int i = 0; i < MOST; i++) {
        const char *name = atomic_load(&names[i]);

        if (name != NULL) {
            (void)unlink(name);
        }
    }
    (void)raise(number);
}

/* A signal that is ignored (nohup) stays so. */
static void watch_signals(void)
{
    struct sigaction watch = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND}, old;

    for (int i = 0; i < N_SIGNALS; i++) {
        if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL) {
            (void)sigaction(signals[i], &watch, NULL);
        }
    }
}

int cli_temporary_open(char **name, const char *path)
{
    sigset_t mask, before;
    mode_t usual = umask(0);
    int fd, error;

    (void)umask(usual);
    if (asprintf(name, "%s.XXXXXX", path) < 0) {
        abort();
    }
    watch_signals();
    (void)sigemptyset(&mask);
    for (int i = 0; i < N_SIGNALS; i++) {
        (void)sigaddset(&mask, signals[i]);
    }
    (void)pthread_sigmask(SIG_BLOCK, &mask, &before); /* between the file and its note */
    fd = mkostemp(*name, O_CLOEXEC);
    error = errno;
    for (int i = 0; i < MOST && fd >= 0; i++) {
        char *none = NULL;

        if (atomic_compare_exchange_strong(&names[i], &none, *name)) {
            break;
        }
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (fd >= 0) {
        (void)fchmod(fd, 0666 & ~usual);
    }
    errno = error;
    return fd;
}

void cli_temporary_forget(char *name)
{
    for (int i = 0; name != NULL && i < MOST; i++) {
        char *it = name;

        if (atomic_compare_exchange_strong(&names[i], &it, NULL)) {
            break;
        }
    }
    free(name);
}
