/* SPDX-License-Identifier: MIT */
#include "daemon/zygote.h"

#include "daemon/shim.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { N_FDS = 3, SOCKET_AT = 3 };

typedef union passing {
    struct cmsghdr head;
    char bytes[CMSG_SPACE(N_FDS * sizeof(int))];
} passing;

/* ------------------------------------------------------------------ in the zygote */

static _Noreturn void be_shim(const int fds[N_FDS])
{
    struct stat st;
    void *bytes;

    (void)close(SOCKET_AT);
    if (fstat(fds[2], &st) != 0 || st.st_size <= 0 || st.st_size > FY_ORDER_MAX) {
        _exit(1);
    }
    bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fds[2], 0);
    if (bytes == MAP_FAILED) {
        _exit(1);
    }
    (void)close(fds[2]);
    fy_shim_main(fds[0], fds[1], bytes, (size_t)st.st_size);
}

/* 1: got them; 0: the daemon is gone; -1: not a message of ours. */
static int receive(int fds[N_FDS])
{
    passing control;
    char byte;
    struct iovec part = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    struct cmsghdr *head;
    ssize_t n;

    do {
        n = recvmsg(SOCKET_AT, &message, MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    head = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (n <= 0) {
        return 0;
    }
    if (head == NULL || head->cmsg_type != SCM_RIGHTS ||
        head->cmsg_len != CMSG_LEN(N_FDS * sizeof(int))) {
        return -1;
    }
    memcpy(fds, CMSG_DATA(head), N_FDS * sizeof(int));
    return 1;
}

static void settle_descriptors(int socket)
{
    int null = fcntl(open("/dev/null", O_RDWR), F_DUPFD, SOCKET_AT + 1);

    socket = fcntl(socket, F_DUPFD, SOCKET_AT + 1);
    if (null < 0 || socket < 0 || dup2(socket, SOCKET_AT) < 0) {
        _exit(1);
    }
    for (int fd = 0; fd < SOCKET_AT; fd++) {
        (void)dup2(null, fd);
    }
    (void)fcntl(SOCKET_AT, F_SETFD, FD_CLOEXEC);
    (void)close_range(SOCKET_AT + 1, ~0U, 0);
}

static _Noreturn void be_zygote(int socket, pid_t daemon)
{
    int fds[N_FDS], got;
    sigset_t none;

    (void)setsid();
    (void)prctl(PR_SET_NAME, "fuyao-zygote", 0, 0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != daemon) {
        _exit(0);
    }
    for (int signo = 1; signo < NSIG; signo++) {
        (void)signal(signo, SIG_DFL);
    }
    (void)signal(SIGINT, SIG_IGN); /* the terminal's are for the daemon */
    (void)signal(SIGHUP, SIG_IGN);
    (void)signal(SIGCHLD, SIG_IGN); /* shims that end leave nothing behind */
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    settle_descriptors(socket);
    if (chdir("/") != 0) {
        _exit(1);
    }
    while ((got = receive(fds)) != 0) {
        if (got > 0 && fork() == 0) {
            be_shim(fds);
        }
        for (int i = 0; got > 0 && i < N_FDS; i++) {
            (void)close(fds[i]);
        }
    }
    _exit(0);
}

/* ------------------------------------------------------------------ in the daemon */

int fy_zygote_open(fy_zygote *z, fy_err *err)
{
    int pair[2], room = 1 << 20;
    pid_t daemon = getpid();

    z->socket = -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        return fy_fail(err, FY_EIO, "cannot make a socket pair: %s", strerror(errno));
    }
    (void)setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    z->pid = fork();
    if (z->pid == 0) {
        (void)close(pair[0]);
        be_zygote(pair[1], daemon);
    }
    (void)close(pair[1]);
    if (z->pid < 0) {
        (void)close(pair[0]);
        return fy_fail(err, FY_EIO, "cannot fork: %s", strerror(errno));
    }
    z->socket = pair[0];
    return 0;
}

void fy_zygote_close(fy_zygote *z)
{
    if (z->socket >= 0) {
        (void)close(z->socket);
        z->socket = -1;
        (void)kill(z->pid, SIGCONT); /* a stopped one would be waited for in vain */
        while (waitpid(z->pid, NULL, 0) < 0 && errno == EINTR) {
        }
    }
}

static ssize_t hand_over(const fy_zygote *z, const int fds[N_FDS])
{
    passing control;
    char byte = 1;
    struct iovec part = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    struct cmsghdr *head;
    ssize_t n;

    memset(&control, 0, sizeof control);
    head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(N_FDS * sizeof(int));
    memcpy(CMSG_DATA(head), fds, N_FDS * sizeof(int));
    do {
        n = sendmsg(z->socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    return n;
}

int fy_zygote_start(fy_zygote *z, int run, int folder, int order, fy_err *err)
{
    const int fds[N_FDS] = {run, folder, order};
    ssize_t n = z->socket >= 0 ? hand_over(z, fds) : -1;

    if (n < 0 && (z->socket < 0 || errno == EPIPE || errno == ECONNRESET)) {
        int code;

        fy_zygote_close(z);
        code = fy_zygote_open(z, err);
        if (code != 0) {
            return code;
        }
        n = hand_over(z, fds);
    }
    return n > 0 ? 0
                 : fy_fail(err, FY_EIO, "the process that starts runs takes no more: %s",
                           strerror(errno));
}
