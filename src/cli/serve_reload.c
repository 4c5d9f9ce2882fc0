/* SPDX-License-Identifier: MIT */
/*
 * The configuration read again while the daemon works: users, quotas, policy, hooks, power cap and
 * what the fleet file has gained. A file with a mistake changes nothing.
 */
#include "cli/cmd.h"
#include "cli/serve.h"

#include <stdio.h>

int serve_reload(serve *s, fy_err *err)
{
    const char *fleet;
    serve next = *s;
    fy_ctl_options options;
    int status;

    if (s->args.config == NULL) {
        return fy_fail(err, FY_EINVAL,
                       "the daemon was started without --config: there is nothing "
                       "to read again");
    }
    next.loaded = NULL;
    status = fy_conf_load(&next.conf, s->args.config, err);
    if (status != 0) {
        return status;
    }
    fleet = s->args.fleet != NULL ? s->args.fleet : next.conf.fleet;
    status = fy_hooks_check(&next.conf.hooks, err);
    if (status == 0 && fleet == NULL && s->loaded != NULL) {
        status = fy_fail(err, FY_EINVAL, "fleet: it names no file any more; that needs a restart");
    } else if (status == 0 && fleet != NULL && s->loaded == NULL) {
        status = fy_fail(err, FY_EINVAL,
                         "fleet: another file than this machine's own devices "
                         "needs a restart");
    } else if (status == 0 && fleet != NULL) {
        status = fy_site_load(&next.loaded, s->catalog, fleet, err);
        next.site = next.loaded;
    }
    if (status == 0) {
        status = fy_auth_rules(s->auth, next.conf.rules, next.conf.n_rules, err);
    }
    if (status != 0) {
        fy_site_free(next.loaded);
        fy_conf_free(&next.conf);
        return status;
    }
    next.planner = cli_planner_new(next.site, next.site, NULL);
    options = serve_ctl_options(&next);
    status = fy_ctl_reload(s->ctl, &options, err);
    if (status != 0) { /* the users as they were: they were fine then */
        fy_err ignored = {0};

        (void)!fy_auth_rules(s->auth, s->conf.rules, s->conf.n_rules, &ignored);
        cli_planner_free(next.planner);
        fy_site_free(next.loaded);
        fy_conf_free(&next.conf);
        return status;
    }
    fy_hooks_set(s->hooks, &next.conf.hooks);
    cli_planner_free(s->planner);
    fy_site_free(s->loaded);
    fy_conf_free(&s->conf);
    s->conf = next.conf;
    s->planner = next.planner;
    s->site = next.site;
    s->loaded = next.loaded;
    return 0;
}

int serve_reload_asked(void *ctx, fy_err *err)
{
    return serve_reload(ctx, err);
}

void serve_reload_hup(void *ctx)
{
    fy_err err = {0};

    if (serve_reload(ctx, &err) != 0) {
        fprintf(stderr, "fuyao: serve: nothing is changed: %s\n", err.text);
    } else {
        fputs("fuyao: serve: the configuration is read again\n", stderr);
    }
}
