/* SPDX-License-Identifier: MIT */
/* All workloads of a folder together: loading, the index of their names, finding one. */
#include "model/workload_yaml.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One way to call a workload: `key` is its id, name or alias without case, blanks, - and _. */
typedef struct handle {
    const char *key, *spelled;
    const fy_workload *workload;
    bool alias;
} handle;

struct fy_workloads {
    fy_arena arena;
    fy_workload **all; /* [n], sorted by id once loaded */
    int n;
    handle *handles; /* [n_handles], sorted by key */
    int n_handles;
};

static char *key_of(char *out, const char *name)
{
    char *p = out;
    for (; *name != '\0'; name++) {
        if (*name != ' ' && *name != '-' && *name != '_') {
            *p++ = (char)tolower((unsigned char)*name);
        }
    }
    *p = '\0';
    return out;
}

static int by_key(const void *a, const void *b)
{
    const handle *x = a, *y = b;
    int c = strcmp(x->key, y->key);
    c = c != 0 ? c : strcmp(x->workload->id, y->workload->id);
    return c != 0 ? c : (int)x->alias - (int)y->alias;
}

static void add_handle(fy_workloads *all, const char *spelled, const fy_workload *w, bool alias)
{
    char *key = fy_arena_strdup(&all->arena, spelled);
    all->handles[all->n_handles++] = (handle){key_of(key, spelled), spelled, w, alias};
}

/* Index all ids, names and aliases anew; a name that two have, or an alias in vain, is an error. */
static int index_all(fy_workloads *all, const fy_doc *doc, fy_err *err)
{
    size_t room = 0;
    for (int i = 0; i < all->n; i++) {
        room += 2 + (size_t)all->all[i]->n_aliases;
    }
    all->handles = fy_arena_alloc(&all->arena, room * sizeof *all->handles);
    all->n_handles = 0;
    for (int i = 0; i < all->n; i++) {
        const fy_workload *w = all->all[i];
        add_handle(all, w->id, w, false);
        add_handle(all, w->name, w, false);
        for (int j = 0; j < w->n_aliases; j++) {
            add_handle(all, w->aliases[j], w, true);
        }
    }
    qsort(all->handles, room, sizeof *all->handles, by_key);
    for (int i = 1; i < all->n_handles; i++) {
        const handle *h = &all->handles[i - 1], *next = &all->handles[i];
        if (strcmp(h->key, next->key) == 0 && (h->workload != next->workload || next->alias)) {
            return fy_doc_fail(doc, "workloads", err, FY_EINVAL,
                               "\"%s\" of workload \"%.40s\" already names \"%.40s\"",
                               next->spelled, next->workload->id, h->workload->id);
        }
    }
    return 0;
}

/* Take the workloads of a loaded document. */
static int add_all(fy_workloads *all, const fy_doc *doc, fy_err *err)
{
    int more = fy_workload_count(doc);
    size_t need = (size_t)all->n + (size_t)more;
    fy_workload **list = fy_arena_alloc(&all->arena, need * sizeof(fy_workload *));
    if (all->n > 0) {
        memcpy(list, all->all, (size_t)all->n * sizeof(fy_workload *));
    }
    all->all = list;
    for (int i = 0; i < more; i++) {
        list[all->n] = fy_arena_alloc(&all->arena, sizeof(fy_workload));
        int rc = fy_workload_read(list[all->n], &all->arena, doc, i, err);
        if (rc != 0) {
            return rc;
        }
        all->n++;
    }
    return index_all(all, doc, err);
}

static int by_id(const void *a, const void *b)
{
    return strcmp((*(fy_workload *const *)a)->id, (*(fy_workload *const *)b)->id);
}

/* Hand over what is loaded, or free it where `rc` says that it failed. */
static int finish(fy_workloads **out, fy_workloads *all, int rc)
{
    if (rc != 0) {
        fy_workloads_free(all);
        return rc;
    }
    qsort(all->all, (size_t)all->n, sizeof(fy_workload *), by_id);
    *out = all;
    return 0;
}

static int add_file(fy_workloads *all, const char *path, fy_err *err)
{
    fy_doc *doc = NULL;
    int rc = fy_doc_load(&doc, path, &fy_workloads_schema, err);
    if (rc == 0) {
        rc = add_all(all, doc, err);
        fy_doc_free(doc);
    }
    return rc;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Paths of the *.yaml files in `folder`, sorted. */
static int list_files(fy_arena *arena, const char *folder, const char ***out, size_t *n,
                      fy_err *err)
{
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        int code = errno == ENOENT || errno == ENOTDIR ? FY_ENOENT : FY_EIO;
        return fy_fail(err, code, "%s: %s", folder, strerror(errno));
    }
    const char **paths = NULL;
    size_t capacity = 0;
    for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        size_t len = strlen(e->d_name);
        if (e->d_name[0] != '.' && len > 5 && strcmp(e->d_name + len - 5, ".yaml") == 0) {
            paths = fy_grow(paths, &capacity, *n + 1, sizeof *paths);
            paths[(*n)++] = fy_arena_printf(arena, "%s/%s", folder, e->d_name);
        }
    }
    closedir(dir);
    if (*n == 0) {
        return fy_fail(err, FY_ENOENT, "%s: no *.yaml in it", folder);
    }
    qsort(paths, *n, sizeof *paths, by_text);
    *out = paths;
    return 0;
}

int fy_workloads_load(fy_workloads **out, const char *data_dir, fy_err *err)
{
    fy_workloads *all = fy_calloc(1, sizeof *all);
    const char **paths = NULL;
    size_t n = 0;
    const char *folder = fy_arena_printf(&all->arena, "%s/workloads", data_dir);
    int rc = list_files(&all->arena, folder, &paths, &n, err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        rc = add_file(all, paths[i], err);
    }
    free(paths);
    return finish(out, all, rc);
}

int fy_workloads_load_file(fy_workloads **out, const char *path, fy_err *err)
{
    fy_workloads *all = fy_calloc(1, sizeof *all);
    int rc = add_file(all, path, err);
    if (rc == 0 && all->n != 1) {
        rc = fy_fail(err, FY_EINVAL, "%s: %d workloads in it; a file of one's own has one", path,
                     all->n);
    }
    return finish(out, all, rc);
}

int fy_workloads_parse(fy_workloads **out, const char *name, const char *text, size_t len,
                       fy_err *err)
{
    fy_workloads *all = fy_calloc(1, sizeof *all);
    fy_doc *doc = NULL;
    int rc = fy_doc_parse(&doc, name, text, len, &fy_workloads_schema, err);
    if (rc == 0) {
        rc = add_all(all, doc, err);
        fy_doc_free(doc);
    }
    return finish(out, all, rc);
}

void fy_workloads_free(fy_workloads *workloads)
{
    if (workloads != NULL) {
        fy_arena_free(&workloads->arena);
        free(workloads);
    }
}

int fy_workloads_count(const fy_workloads *workloads)
{
    return workloads->n;
}

const fy_workload *fy_workloads_at(const fy_workloads *workloads, int i)
{
    return workloads->all[i];
}

static int against_key(const void *key, const void *h)
{
    return strcmp(key, ((const handle *)h)->key);
}

const fy_workload *fy_workloads_find(const fy_workloads *workloads, const char *name)
{
    char key[FY_WORKLOAD_NAME + 1];
    if (strlen(name) > FY_WORKLOAD_NAME) {
        return NULL;
    }
    const handle *h = bsearch(key_of(key, name), workloads->handles, (size_t)workloads->n_handles,
                              sizeof *workloads->handles, against_key);
    return h != NULL ? h->workload : NULL;
}
