/* SPDX-License-Identifier: MIT */
#include "daemon/output.h"

#include "base/arena.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NOBODY = 65534, GROUPS = 1024 };

/* The groups of this thread alone; the library's setgroups() would change all threads'. */
static int set_thread_groups(int n, const gid_t *groups)
{
    return (int)syscall(SYS_setgroups, (size_t)n, groups);
}

/*
 * Open as another user. While the file-system user is not 0 the kernel takes away the capabilities
 * that override permissions, CAP_DAC_OVERRIDE among them, and gives them back with 0
 * (capabilities(7)). A thread that could not go back would serve the next tenant with this one's
 * rights, so that ends the program.
 */
static int open_as(const char *path, int flags, uid_t uid)
{
    struct passwd entry, *user = NULL;
    char room[4096];
    gid_t *groups = fy_calloc(GROUPS, sizeof *groups), *own = NULL;
    gid_t gid = NOBODY;
    int n = GROUPS, n_own, fd, failed;

    (void)getpwuid_r(uid, &entry, room, sizeof room, &user);
    if (user == NULL) {
        n = 0;
    } else {
        gid = user->pw_gid;
        if (getgrouplist(user->pw_name, gid, groups, &n) < 0) {
            n = GROUPS; /* more than the array holds: those it holds */
        }
    }
    n_own = getgroups(0, NULL);
    assert(n_own >= 0);
    own = fy_calloc((size_t)n_own + 1, sizeof *own);
    n_own = getgroups(n_own, own);
    assert(n_own >= 0);

    if (set_thread_groups(n, groups) != 0) {
        fd = -1;
        failed = errno;
    } else {
        (void)setfsgid(gid);
        (void)setfsuid(uid);
        assert((uid_t)setfsuid((uid_t)-1) == uid && (gid_t)setfsgid((gid_t)-1) == gid);
        fd = open(path, flags);
        failed = errno;
        (void)setfsuid(geteuid());
        (void)setfsgid(getegid());
        assert((uid_t)setfsuid((uid_t)-1) == geteuid());
        assert((gid_t)setfsgid((gid_t)-1) == getegid());
        int restored = set_thread_groups(n_own, own);
        assert(restored == 0);
    }
    free(own);
    free(groups);
    errno = failed;
    return fd;
}

static int check(int fd, uid_t owner, int64_t *size, fy_err *err)
{
    struct stat st;

    if (fstat(fd, &st) != 0) {
        return fy_fail(err, FY_EIO, "the job's output cannot be looked at: %s", strerror(errno));
    }
    if (!S_ISREG(st.st_mode)) {
        return fy_fail(err, FY_EINVAL, "the job's output is no plain file");
    }
    if (st.st_uid != owner) {
        return fy_fail(err, FY_EINVAL, "the job's output is a file of another user");
    }
    *size = st.st_size;
    return 0;
}

static int read_part(int fd, int64_t from, size_t most, fy_str *out, fy_err *err)
{
    char block[65536];

    while (most > 0) {
        ssize_t n = pread(fd, block, most < sizeof block ? most : sizeof block, from);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return fy_fail(err, FY_EIO, "the job's output cannot be read: %s", strerror(errno));
        }
        if (n == 0) {
            break;
        }
        fy_str_add(out, block, (size_t)n);
        from += n;
        most -= (size_t)n;
    }
    return 0;
}

int fy_output_read(const char *path, int64_t uid, int64_t from, size_t most, fy_str *out,
                   int64_t *size, fy_err *err)
{
    const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    bool root = geteuid() == 0;
    uid_t owner = root ? (uid_t)uid : geteuid();
    int fd = root && owner != 0 ? open_as(path, flags, owner) : open(path, flags);

    if (fd < 0 && errno == ELOOP) {
        return fy_fail(err, FY_EINVAL, "the job's output is a link, which is not followed");
    }
    if (fd < 0) {
        return fy_fail(err, FY_ENOENT, "the job has no output that its user can read: %s",
                       strerror(errno));
    }
    int code = check(fd, owner, size, err);
    if (code == 0 && from < *size) {
        code = read_part(fd, from, most, out, err);
    }
    (void)close(fd);
    return code;
}
