/* SPDX-License-Identifier: MIT */
/*
 * A small real training on one CPU core, for trying out preemption and resume: a character-level
 * language model (embedding, one hidden layer, softmax; Bengio et al. 2003) on a text of its own.
 *
 * It is deterministic: the batch of a step follows from the seed and the step's number alone, so a
 * checkpoint is the weights, their momenta and the step. A run that was stopped, or killed, and
 * started again prints the same losses, digit by digit, as one that never was.
 *
 *     SIGUSR1    writes a checkpoint and goes on; with --usr1 stop it stops as SIGTERM does
 *     SIGTERM    writes a checkpoint and stops, exit 0
 *     anything else loses what came after the last checkpoint, which is written every --every steps
 *
 * A checkpoint gets its name when it is whole and on the disk (write, fsync, rename, fsync of the
 * folder). Steps done are reported to the file $FUYAO_PROGRESS, a line `STEPS` or `STEPS saved`.
 * It needs nothing of Fuyao's: any scheduler may run it. It refuses to be fast or good.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The corpus: written for this program. */
static const char corpus[] =
    "a centre that is short of chips must choose which work goes on which chip. one chip has much "
    "memory and a narrow clock, another is fast and was never sold again. a model of many layers "
    "wants them to speak with each other often, a small one wants to be left alone.\n"
    "so the keeper of the queue asks of every job what it would gain on each kind of chip, and "
    "gives the scarce ones to those who gain the most. who waits is told why, and what would let "
    "it start. who must stop is told in time, writes down how far it came, and goes on from there "
    "as if nothing had happened.\n"
    "the wind lifts the great bird, the book says, for ninety thousand miles; it is called fuyao. "
    "without enough wind below there is no lifting such wings. without a queue that loses nothing "
    "there is no trusting such a centre.\n"
    "every promise is written to the disk before it is spoken. a lamp may go out in the middle of "
    "a "
    "word; the word is there when the lamp is lit again. this text is short, for the learner is "
    "small: it learns that q is followed by u, that a space comes after a comma, and little "
    "else.\n";

enum {
    VOCAB = 32, /* a-z, blank, newline, . , ; and all else */
    CONTEXT = 8,
    EMBED = 10,
    INPUT = CONTEXT * EMBED,
    HIDDEN = 64,
    BATCH = 32
};

/* Everything that is learned; its momenta have the same form. */
typedef struct weights {
    float embed[VOCAB][EMBED];
    float w1[HIDDEN][INPUT], b1[HIDDEN];
    float w2[VOCAB][HIDDEN], b2[VOCAB];
} weights;
enum { N_WEIGHTS = sizeof(weights) / sizeof(float) };

typedef struct checkpoint {
    char magic[8];
    uint64_t seed;
    int64_t step; /* steps done */
    weights w, momentum;
    uint64_t sum; /* FNV-1a of all before it */
} checkpoint;

typedef struct options {
    int64_t steps, every, print, seed, pause_us;
    const char *path;
    bool usr1_stops;
} options;

static volatile sig_atomic_t asked_save, asked_stop;

static void on_signal(int signo)
{
    if (signo == SIGTERM) {
        asked_stop = 1;
    } else {
        asked_save = 1;
    }
}

/* ------------------------------------------------------------------ the text and its batches */

static int symbol(char c)
{
    static const char others[] = " \n.,;:";
    const char *at = strchr(others, c);

    return c >= 'a' && c <= 'z' ? c - 'a' : at != NULL && c != '\0' ? 26 + (int)(at - others) : 31;
}
_Static_assert(26 + 6 == VOCAB, "letters and others are the vocabulary");

/* splitmix64: a good number from any two. */
static uint64_t mix(uint64_t seed, uint64_t n)
{
    uint64_t z = seed + (n + 1) * 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void start(weights *w, uint64_t seed)
{
    float *all = (float *)w;

    memset(w, 0, sizeof *w);
    for (int i = 0; i < N_WEIGHTS; i++) {
        all[i] = ((float)(mix(seed, (uint64_t)i) >> 40) / 16777216.0f - 0.5f) * 0.2f;
    }
}

/* ------------------------------------------------------------------ one step */

/* Add the gradient of one example to `g`; returns its loss. `from`: where its context begins. */
static float learn(const weights *w, weights *g, int from)
{
    float in[INPUT], h[HIDDEN], p[VOCAB], dh[HIDDEN], din[INPUT] = {0};
    int at[CONTEXT], target = symbol(corpus[from + CONTEXT]);
    float most = -1e30f, sum = 0;

    for (int c = 0; c < CONTEXT; c++) {
        at[c] = symbol(corpus[from + c]);
        memcpy(in + (size_t)c * EMBED, w->embed[at[c]], sizeof w->embed[0]);
    }
    for (int j = 0; j < HIDDEN; j++) { /* h = tanh(W1 x + b1) */
        float z = w->b1[j];

        for (int i = 0; i < INPUT; i++) {
            z += w->w1[j][i] * in[i];
        }
        h[j] = tanhf(z);
        dh[j] = 0;
    }
    for (int v = 0; v < VOCAB; v++) { /* p = softmax(W2 h + b2) */
        p[v] = w->b2[v];
        for (int j = 0; j < HIDDEN; j++) {
            p[v] += w->w2[v][j] * h[j];
        }
        most = p[v] > most ? p[v] : most;
    }
    for (int v = 0; v < VOCAB; v++) {
        p[v] = expf(p[v] - most);
        sum += p[v];
    }
    for (int v = 0; v < VOCAB; v++) { /* dL/dlogit = p - 1[target] */
        float d = p[v] / sum - (v == target ? 1.0f : 0.0f);

        g->b2[v] += d;
        for (int j = 0; j < HIDDEN; j++) {
            g->w2[v][j] += d * h[j];
            dh[j] += d * w->w2[v][j];
        }
    }
    for (int j = 0; j < HIDDEN; j++) {
        float d = dh[j] * (1.0f - h[j] * h[j]);

        g->b1[j] += d;
        for (int i = 0; i < INPUT; i++) {
            g->w1[j][i] += d * in[i];
            din[i] += d * w->w1[j][i];
        }
    }
    for (int i = 0; i < INPUT; i++) {
        g->embed[at[i / EMBED]][i % EMBED] += din[i];
    }
    return logf(sum) - logf(p[target]);
}

/* A batch, a gradient, an update with momentum; returns the batch's mean loss. */
static float step(checkpoint *c)
{
    static weights gradient;
    float *g = (float *)&gradient, *w = (float *)&c->w, *m = (float *)&c->momentum;
    float rate = 0.1f, loss = 0;

    memset(&gradient, 0, sizeof gradient);
    for (int b = 0; b < BATCH; b++) {
        uint64_t draw = mix(c->seed ^ 0x5eed, (uint64_t)c->step * BATCH + (uint64_t)b);

        loss += learn(&c->w, &gradient, (int)(draw % (sizeof corpus - 1 - CONTEXT)));
    }
    for (int i = 0; i < N_WEIGHTS; i++) {
        m[i] = 0.9f * m[i] + g[i] / BATCH;
        w[i] -= rate * m[i];
    }
    c->step++;
    return loss / BATCH;
}

/* ------------------------------------------------------------------ checkpoints */

static const char magic[8] = "charmdl1";

static uint64_t sum_of(const checkpoint *c)
{
    const unsigned char *bytes = (const unsigned char *)c;
    uint64_t sum = 14695981039346656037u;

    for (size_t i = 0; i < offsetof(checkpoint, sum); i++) {
        sum = (sum ^ bytes[i]) * 1099511628211u;
    }
    return sum;
}

static int fail(const char *what, const char *path)
{
    fprintf(stderr, "charmodel: %s %s: %s\n", what, path, strerror(errno));
    return 3;
}

static bool write_whole(int fd, const void *bytes, size_t len)
{
    const char *at = bytes;

    while (len > 0) {
        ssize_t n = write(fd, at, len);

        if (n < 0 && errno != EINTR) {
            return false;
        }
        at += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

/* The name is not there until the file is whole: after any crash there is the old or the new one.
 */
static int save(checkpoint *c, const char *path)
{
    char part[4096], folder[4096];
    char *slash;
    int fd, dir;

    if (snprintf(part, sizeof part, "%s.part", path) >= (int)sizeof part) {
        errno = ENAMETOOLONG;
        return fail("cannot write", path);
    }
    snprintf(folder, sizeof folder, "%s", path);
    slash = strrchr(folder, '/');
    if (slash == NULL) {
        strcpy(folder, ".");
    } else {
        slash[slash == folder ? 1 : 0] = '\0';
    }
    c->sum = sum_of(c);
    fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) {
        return fail("cannot write", part);
    }
    if (!write_whole(fd, c, sizeof *c) || fsync(fd) != 0) {
        (void)close(fd);
        return fail("cannot write", part);
    }
    if (close(fd) != 0 || rename(part, path) != 0) {
        return fail("cannot write", path);
    }
    dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0 || fsync(dir) != 0) {
        return fail("cannot write", folder);
    }
    (void)close(dir);
    return 0;
}

/* Fill `c` from the checkpoint, or begin anew where there is none. */
static int load(checkpoint *c, const options *o)
{
    FILE *file = fopen(o->path, "rb");

    memset(c, 0, sizeof *c);
    if (file == NULL && errno == ENOENT) {
        memcpy(c->magic, magic, sizeof magic);
        c->seed = (uint64_t)o->seed;
        start(&c->w, c->seed);
        return 0;
    }
    if (file == NULL) {
        return fail("cannot read", o->path);
    }
    bool whole = fread(c, sizeof *c, 1, file) == 1 && getc(file) == EOF;
    (void)fclose(file);
    if (!whole || memcmp(c->magic, magic, sizeof magic) != 0 || c->sum != sum_of(c) ||
        c->seed != (uint64_t)o->seed) {
        fprintf(stderr,
                "charmodel: %s is no whole checkpoint of this model and seed; move it "
                "away to begin anew\n",
                o->path);
        return 2;
    }
    printf("resumed at step %lld\n", (long long)c->step);
    return 0;
}

/* ------------------------------------------------------------------ progress */

static void report(int64_t step, bool saved)
{
    const char *path = getenv("FUYAO_PROGRESS");
    char line[64];
    int fd = path != NULL ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;

    if (fd >= 0) { /* nobody to tell otherwise: a training does not stop for it */
        int len = snprintf(line, sizeof line, "%lld%s\n", (long long)step, saved ? " saved" : "");

        (void)write_whole(fd, line, (size_t)len);
        (void)close(fd);
    }
}

static int save_and_report(checkpoint *c, const options *o)
{
    int code = save(c, o->path);

    if (code == 0) {
        report(c->step, true);
    }
    return code;
}

/* ------------------------------------------------------------------ the program */

static const char usage[] =
    "usage: charmodel [--steps N] [--every N] [--print N] [--checkpoint FILE] [--seed N]\n"
    "                 [--usr1 continue|stop] [--pause MS]\n"
    "Train a small character model on one core; 2000 steps take under a second.\n\n"
    "  --steps N          steps in all; default $FUYAO_STEPS, else 2000\n"
    "  --every N          steps between checkpoints; default 500\n"
    "  --print N          steps between losses; default 100\n"
    "  --checkpoint FILE  default charmodel.ckpt; it is resumed from\n"
    "  --usr1 WORD        SIGUSR1 writes a checkpoint and continues (default) or stops\n"
    "  --pause MS         rest after each step: a long job that costs little\n";

static bool number(const char *text, int64_t low, int64_t high, int64_t *out)
{
    char *end;

    errno = 0;
    *out = strtoll(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && *out >= low && *out <= high;
}

/* Returns an exit code, or -1 to go on. */
static int read_options(int argc, char **argv, options *o)
{
    static const struct option known[] = {{"steps", required_argument, NULL, 's'},
                                          {"every", required_argument, NULL, 'e'},
                                          {"print", required_argument, NULL, 'p'},
                                          {"checkpoint", required_argument, NULL, 'c'},
                                          {"seed", required_argument, NULL, 'r'},
                                          {"usr1", required_argument, NULL, 'u'},
                                          {"pause", required_argument, NULL, 'w'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    const char *steps = getenv("FUYAO_STEPS");
    bool right = steps == NULL || number(steps, 1, 1000000000, &o->steps);
    int opt;

    while (right && (opt = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (opt) {
        case 's':
            right = number(optarg, 1, 1000000000, &o->steps);
            break;
        case 'e':
            right = number(optarg, 1, 1000000000, &o->every);
            break;
        case 'p':
            right = number(optarg, 1, 1000000000, &o->print);
            break;
        case 'c':
            o->path = optarg;
            break;
        case 'r':
            right = number(optarg, 0, INT64_MAX, &o->seed);
            break;
        case 'u':
            o->usr1_stops = strcmp(optarg, "stop") == 0;
            right = o->usr1_stops || strcmp(optarg, "continue") == 0;
            break;
        case 'w':
            right = number(optarg, 0, 60000, &o->pause_us);
            o->pause_us *= 1000;
            break;
        case 'h':
            fputs(usage, stdout);
            return 0;
        default:
            right = false;
            break;
        }
    }
    if (!right || optind < argc) {
        fputs(usage, stderr);
        return 2;
    }
    return -1;
}

/* Until all steps are done or somebody asks to stop; returns an exit code. */
static int train(checkpoint *c, const options *o)
{
    while (c->step < o->steps && !asked_stop) {
        float loss = step(c);

        if (c->step % o->print == 0 || c->step == o->steps) {
            printf("step %lld loss %.9g\n", (long long)c->step, (double)loss);
            (void)fflush(stdout);
            report(c->step, false);
        }
        if (asked_save && o->usr1_stops) {
            asked_stop = 1;
        } else if (asked_save || c->step % o->every == 0) {
            int code;

            asked_save = 0;
            code = save_and_report(c, o);
            if (code != 0) {
                return code;
            }
        }
        if (o->pause_us > 0) { /* a signal ends the rest */
            nanosleep(&(struct timespec){o->pause_us / 1000000, o->pause_us % 1000000 * 1000},
                      NULL);
        }
    }
    int code = save_and_report(c, o);
    if (code == 0 && c->step < o->steps) {
        printf("stopped at step %lld\n", (long long)c->step);
    } else if (code == 0) {
        printf("done after %lld steps\n", (long long)c->step);
    }
    return code;
}

int main(int argc, char **argv)
{
    static checkpoint c;
    options o = {.steps = 2000, .every = 500, .print = 100, .path = "charmodel.ckpt"};
    struct sigaction act = {.sa_handler = on_signal};
    int code = read_options(argc, argv, &o);

    if (code >= 0) {
        return code;
    }
    (void)sigaction(SIGUSR1, &act, NULL);
    (void)sigaction(SIGTERM, &act, NULL);
    code = load(&c, &o);
    if (code == 0) {
        code = train(&c, &o);
    }
    return fflush(stdout) == 0 ? code : 3;
}
