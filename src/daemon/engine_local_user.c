/* SPDX-License-Identifier: MIT */
/* Whom a run belongs to, asked of the system once and remembered: a directory service is slow. */
#include "daemon/engine_local_run.h"

#include <dirent.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_GROUPS = 1024 };

void fy_local_user_free(fy_local_user *user)
{
    free(user->name);
    free(user->home);
    free(user->shell);
    free(user->groups);
    *user = (fy_local_user){0};
}

static void look_up(fy_local_user *user, uid_t uid, gid_t gid)
{
    char room[16384], number[32];
    gid_t groups[MOST_GROUPS];
    struct passwd entry, *found = NULL;
    int n = MOST_GROUPS;

    (void)snprintf(number, sizeof number, "%u", (unsigned)uid);
    if (getpwuid_r(uid, &entry, room, sizeof room, &found) != 0) {
        found = NULL;
    }
    *user = (fy_local_user){
        .uid = uid,
        .gid = gid,
        .name = strdup(found != NULL ? found->pw_name : number),
        .home = strdup(found != NULL ? found->pw_dir : "/"),
        .shell = strdup(found != NULL && found->pw_shell[0] != '\0' ? found->pw_shell : "/bin/sh"),
    };
    if (found == NULL || getgrouplist(found->pw_name, gid, groups, &n) < 0) {
        groups[0] = gid; /* without a name it is in no other group */
        n = 1;
    }
    user->groups = fy_calloc((size_t)n, sizeof *user->groups);
    for (int i = 0; i < n; i++) {
        user->groups[i] = (int64_t)groups[i];
    }
    user->n_groups = n;
}

const fy_local_user *fy_local_user_of(fy_local *e, uid_t uid, gid_t gid)
{
    fy_local_user *user;

    for (int i = 0; i < e->n_users; i++) {
        if (e->users[i].uid == uid && e->users[i].gid == gid) {
            return &e->users[i];
        }
    }
    user = &e->users[e->next_user];
    e->next_user = (e->next_user + 1) % FY_LOCAL_USERS;
    if (e->n_users < FY_LOCAL_USERS) {
        e->n_users++;
    } else {
        fy_local_user_free(user);
    }
    look_up(user, uid, gid);
    return user;
}

/* How many threads this user has now: the limit on processes counts them all, so runs that share a
 * user with others are given room on top. As root runs have users of their own. */
int64_t fy_local_processes_now(void)
{
    DIR *proc = geteuid() != 0 ? opendir("/proc") : NULL;
    struct dirent *entry;
    int64_t n = 0;

    while (proc != NULL && (entry = readdir(proc)) != NULL) {
        char path[300];
        struct stat st;

        (void)snprintf(path, sizeof path, "/proc/%s/task", entry->d_name);
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && stat(path, &st) == 0 &&
            st.st_uid == geteuid()) {
            n += st.st_nlink > 2 ? (int64_t)st.st_nlink - 2 : 1;
        }
    }
    if (proc != NULL) {
        (void)closedir(proc);
    }
    return n;
}
