/* SPDX-License-Identifier: MIT */
/*
 * The client side of `make bench-live`: cheap enough (raw sockets, one epoll a process, no parsing
 * beyond the status and the length) to leave the machine to the daemon. It starts no daemon.
 *
 *   bench-live SOCKET load  PROCESSES CONNECTIONS SECONDS     each connection: one job a request,
 *                                                             the next when the answer is there
 *   bench-live SOCKET one   SECONDS                           the same, one connection
 *   bench-live SOCKET rate  PER_S PROCESSES CONNECTIONS SECONDS   requests at set instants
 *   bench-live SOCKET get   TARGET COUNT                      one request after the other
 *
 * BODY in the environment replaces the job. Prints one JSON object: answers a second and latencies
 * in milliseconds. With `rate` a latency counts from the instant at which the request was due, so a
 * server that falls behind does not look fast.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    ROOM = 16 << 10,
    CELLS = 4096 * 16, /* of the histogram: 1/16 of a power of two, see cell_of */
    MAX_PROCESSES = 256
};

typedef struct result {
    int64_t answers, wrong;
    int64_t first_us, last_us;
    uint32_t cells[CELLS];
} result;

typedef struct link {
    int fd;
    bool busy;
    int64_t since_us; /* when its request was sent, or due */
    size_t got;
    char text[ROOM];
} link_t;

typedef struct client {
    link_t *links;
    int n_links, epoll, n_busy;
    char *request;
    size_t request_len;
    double gap_us; /* between two requests of this process; 0 = as fast as answers come */
    int64_t next_due_us, due_count, start_us, end_us;
    result *out;
} client;

static _Noreturn void die(const char *what)
{
    (void)fprintf(stderr, "bench-live: %s: %s\n", what, strerror(errno));
    exit(3);
}

static int64_t now_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Latencies in cells 6 % wide: 16 to every power of two. */
static size_t cell_of(int64_t us)
{
    uint64_t v = us < 0 ? 0 : (uint64_t)us;
    int shift = 0;

    while (v >> shift >= 32) {
        shift++;
    }
    return (size_t)(v < 32 ? v : (uint64_t)shift * 16 + (v >> shift));
}

static double cell_ms(size_t cell) /* its upper end */
{
    size_t shift = cell < 32 ? 0 : cell / 16 - 1;

    return cell < 32 ? (double)(cell + 1) / 1000
                     : (double)(((cell - shift * 16) + 1) << shift) / 1000;
}

static int dial(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        die(path);
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        die(path);
    }
    return fd;
}

static void ask(client *c, link_t *link, int64_t since_us)
{
    link->busy = true;
    link->since_us = since_us;
    link->got = 0;
    c->n_busy++;
    if (send(link->fd, c->request, c->request_len, MSG_NOSIGNAL) != (ssize_t)c->request_len) {
        die("send");
    }
}

/* Read what is there; true once an answer is complete. */
static bool take(client *c, link_t *link)
{
    ssize_t n = recv(link->fd, link->text + link->got, ROOM - 1 - link->got, MSG_DONTWAIT);

    if (n < 0 && errno == EAGAIN) {
        return false;
    }
    if (n <= 0) {
        errno = n == 0 ? ECONNRESET : errno;
        die("the daemon hung up");
    }
    link->got += (size_t)n;
    link->text[link->got] = '\0';
    const char *end = strstr(link->text, "\r\n\r\n");
    const char *length = strstr(link->text, "Content-Length: ");
    if (end == NULL || length == NULL ||
        link->got < (size_t)(end + 4 - link->text) + strtoul(length + 16, NULL, 10)) {
        return false;
    }
    int64_t at_us = now_us();
    result *out = c->out;
    bool good = strncmp(link->text, "HTTP/1.1 20", 11) == 0;
    if (!good && out->wrong == 0) {
        (void)fprintf(stderr, "bench-live: %s\n", end + 4);
    }
    out->wrong += !good;
    out->answers += good;
    out->last_us = at_us;
    size_t cell = cell_of(at_us - link->since_us);
    out->cells[cell < CELLS ? cell : CELLS - 1]++;
    link->busy = false;
    c->n_busy--;
    return true;
}

/* Send what is due, to idle connections; returns how long to wait at most, in microseconds. */
static int64_t send_due(client *c)
{
    int64_t at_us = now_us();

    for (int i = 0; i < c->n_links && at_us < c->end_us; i++) {
        if (c->links[i].busy) {
            continue;
        }
        if (c->gap_us <= 0) {
            ask(c, &c->links[i], at_us);
        } else if (c->next_due_us <= at_us) {
            ask(c, &c->links[i], c->next_due_us);
            c->due_count++;
            c->next_due_us = c->start_us + (int64_t)((double)c->due_count * c->gap_us);
        }
    }
    if (c->gap_us > 0 && c->n_busy < c->n_links && at_us < c->end_us) {
        int64_t wait_us = c->next_due_us - now_us();
        return wait_us <= 0 ? 0 : wait_us;
    }
    return 1000000;
}

static void work(client *c)
{
    struct epoll_event events[64];

    c->out->first_us = c->start_us;
    while (now_us() < c->end_us || c->n_busy > 0) {
        int64_t wait_us = send_due(c);
        struct timespec wait = {.tv_sec = wait_us / 1000000, .tv_nsec = wait_us % 1000000 * 1000};
        int n = epoll_pwait2(c->epoll, events, 64, &wait, NULL);
        for (int i = 0; i < n; i++) {
            link_t *link = events[i].data.ptr;
            int64_t at_us;
            if (take(c, link) && c->gap_us <= 0 && (at_us = now_us()) < c->end_us) {
                ask(c, link, at_us);
            }
        }
    }
}

/* One process: its connections, then its share of the load from `start_us` on. */
static void run(const char *path, client *c)
{
    c->epoll = epoll_create1(EPOLL_CLOEXEC);
    c->links = calloc((size_t)c->n_links, sizeof *c->links);
    if (c->epoll < 0 || c->links == NULL) {
        die("epoll");
    }
    for (int i = 0; i < c->n_links; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &c->links[i]};
        c->links[i].fd = dial(path);
        if (epoll_ctl(c->epoll, EPOLL_CTL_ADD, c->links[i].fd, &event) != 0) {
            die("epoll_ctl");
        }
    }
    while (now_us() < c->start_us) { /* all connect, then all begin */
        struct timespec rest = {.tv_nsec = 1000000};
        (void)nanosleep(&rest, NULL);
    }
    work(c);
    free(c->links);
}

static void report(const result *results, int n, const char *mode)
{
    static result sum;
    double at[] = {0.5, 0.99, 0.999}, ms[3] = {0};
    int64_t total = 0, seen = 0;

    sum.first_us = INT64_MAX;
    for (int i = 0; i < n; i++) {
        sum.answers += results[i].answers;
        sum.wrong += results[i].wrong;
        sum.first_us = results[i].first_us < sum.first_us ? results[i].first_us : sum.first_us;
        sum.last_us = results[i].last_us > sum.last_us ? results[i].last_us : sum.last_us;
        for (size_t k = 0; k < CELLS; k++) {
            sum.cells[k] += results[i].cells[k];
            total += results[i].cells[k];
        }
    }
    for (size_t k = 0, q = 0; k < CELLS && q < 3; k++) {
        seen += sum.cells[k];
        while (q < 3 && (double)seen >= at[q] * (double)total && seen > 0) {
            ms[q++] = cell_ms(k);
        }
    }
    double seconds = (double)(sum.last_us - sum.first_us) / 1e6;
    (void)printf("{\"mode\": \"%s\", \"answers\": %lld, \"wrong\": %lld, \"seconds\": %.3f, "
                 "\"per_s\": %.0f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, \"p999_ms\": %.3f}\n",
                 mode, (long long)sum.answers, (long long)sum.wrong, seconds,
                 seconds > 0 ? (double)sum.answers / seconds : 0, ms[0], ms[1], ms[2]);
}

static int load(const char *path, const char *mode, double per_s, int processes, int connections,
                double seconds)
{
    const char *body = getenv("BODY");
    size_t room = (size_t)MAX_PROCESSES * sizeof(result);
    result *results = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int64_t start_us = now_us() + 300000;
    int status = 0, wrong = 0;

    if (body == NULL) {
        body = "{\"name\":\"bench\",\"args\":[\"/bin/true\"],\"workdir\":\"/tmp\"}";
    }
    if (results == MAP_FAILED || processes < 1 || processes > MAX_PROCESSES || connections < 1) {
        die("processes and connections");
    }
    for (int i = 0; i < processes; i++) {
        client c = {.n_links = connections,
                    .gap_us = per_s > 0 ? 1e6 * processes / per_s : 0,
                    .start_us = start_us,
                    .next_due_us = start_us,
                    .end_us = start_us + (int64_t)(seconds * 1e6),
                    .out = &results[i]};
        int n = asprintf(&c.request,
                         "POST /v1/jobs HTTP/1.1\r\nHost: fuyao\r\nContent-Length: %zu\r\n\r\n%s",
                         strlen(body), body);
        if (n < 0) {
            die("memory");
        }
        c.request_len = (size_t)n;
        pid_t child = fork();
        if (child == 0) {
            run(path, &c);
            _exit(0);
        }
        if (child < 0) {
            die("fork");
        }
        free(c.request);
    }
    while (wait(&status) > 0) {
        wrong |= status;
    }
    report(results, processes, mode);
    return wrong != 0 ? 3 : 0;
}

/* The whole of an answer of any size. */
static size_t get_once(int fd, const char *target, char **text, size_t *room)
{
    char request[1024];
    size_t got = 0, want = SIZE_MAX;
    int n = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: fuyao\r\n\r\n", target);

    if (send(fd, request, (size_t)n, MSG_NOSIGNAL) != n) {
        die("send");
    }
    while (got < want) {
        if (*room < got + 65536) {
            *room = 2 * *room + 65536;
            *text = realloc(*text, *room);
        }
        ssize_t part = *text == NULL ? -1 : recv(fd, *text + got, *room - 1 - got, 0);
        if (part <= 0) {
            die("recv");
        }
        got += (size_t)part;
        (*text)[got] = '\0';
        char *end = want == SIZE_MAX ? strstr(*text, "\r\n\r\n") : NULL;
        if (end != NULL) {
            const char *length = strstr(*text, "Content-Length: ");
            want = length == NULL ? 0 : (size_t)(end + 4 - *text) + strtoul(length + 16, NULL, 10);
        }
    }
    if (strncmp(*text, "HTTP/1.1 200", 12) != 0) {
        (void)fprintf(stderr, "bench-live: %s\n", *text);
        exit(1);
    }
    return got;
}

static int get(const char *path, const char *target, int count)
{
    static result r;
    char *text = NULL;
    size_t room = 0, bytes = 0;
    int fd = dial(path);

    r.first_us = now_us();
    for (int i = 0; i < count; i++) {
        int64_t since_us = now_us();
        bytes = get_once(fd, target, &text, &room);
        r.last_us = now_us();
        size_t cell = cell_of(r.last_us - since_us);
        r.cells[cell < CELLS ? cell : CELLS - 1]++;
        r.answers++;
    }
    (void)fprintf(stderr, "bench-live: %zu bytes an answer\n", bytes);
    report(&r, 1, "get");
    free(text);
    return 0;
}

int main(int argc, char **argv)
{
    const char *mode = argc > 2 ? argv[2] : "";

    if (strcmp(mode, "load") == 0 && argc == 6) {
        return load(argv[1], mode, 0, atoi(argv[3]), atoi(argv[4]), atof(argv[5]));
    }
    if (strcmp(mode, "one") == 0 && argc == 4) {
        return load(argv[1], mode, 0, 1, 1, atof(argv[3]));
    }
    if (strcmp(mode, "rate") == 0 && argc == 7) {
        return load(argv[1], mode, atof(argv[3]), atoi(argv[4]), atoi(argv[5]), atof(argv[6]));
    }
    if (strcmp(mode, "get") == 0 && argc == 5) {
        return get(argv[1], argv[3], atoi(argv[4]));
    }
    (void)fprintf(stderr, "usage: bench-live SOCKET load PROCESSES CONNECTIONS SECONDS\n"
                          "       bench-live SOCKET one SECONDS\n"
                          "       bench-live SOCKET rate PER_S PROCESSES CONNECTIONS SECONDS\n"
                          "       bench-live SOCKET get TARGET COUNT\n");
    return 2;
}
