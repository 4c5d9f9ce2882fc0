/* SPDX-License-Identifier: MIT */
/*
 * `fuyao serve`: the daemon. Reads its configuration, finds or is told the devices, opens engine,
 * journal, controller and sockets in this order, and works until it is told to stop. Runs go on
 * without it; whoever comes next adopts them.
 */
#include "cli/serve.h"

#include "cli/cmd.h"
#include "daemon/engine_local.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char usage[] =
    "usage: fuyao serve [OPTION...]\n"
    "Run tenants' jobs on this machine. Without a configuration it serves what it finds here.\n\n"
    "  --config FILE    configuration (docs/operate.md lists its keys)\n"
    "  --state DIR      journal, runs and archive; default /var/lib/fuyao, else\n"
    "                   ~/.local/state/fuyao\n"
    "  --socket PATH    Unix socket; default $FUYAO_SOCKET, else /run/fuyao/socket, else\n"
    "                   $XDG_RUNTIME_DIR/fuyao/socket\n"
    "  --listen ADDRESS loopback TCP besides, 127.0.0.1:PORT; needs tokens\n"
    "  --fleet FILE     serve the devices of a fleet file as virtual ones\n"
    "  --policy NAME    fifo, backfill, srtf, srsf, las, fair or gain; default fair\n"
    "  --engine NAME    local\n"
    "  --check          read the configuration, say what is wrong with it, and end\n";

/* ------------------------------------------------------------------ the command line */

enum {
    OPT_CONFIG = 256,
    OPT_STATE,
    OPT_SOCKET,
    OPT_LISTEN,
    OPT_FLEET,
    OPT_POLICY,
    OPT_ENGINE,
    OPT_CHECK,
    OPT_HELP
};

static int read_args(serve_args *args, bool *stop, int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, OPT_CONFIG},
                                            {"state", required_argument, NULL, OPT_STATE},
                                            {"socket", required_argument, NULL, OPT_SOCKET},
                                            {"listen", required_argument, NULL, OPT_LISTEN},
                                            {"fleet", required_argument, NULL, OPT_FLEET},
                                            {"policy", required_argument, NULL, OPT_POLICY},
                                            {"engine", required_argument, NULL, OPT_ENGINE},
                                            {"check", no_argument, NULL, OPT_CHECK},
                                            {"help", no_argument, NULL, OPT_HELP},
                                            {NULL, 0, NULL, 0}};
    const char **texts[] = {&args->config, &args->state, &args->socket,
                            &args->listen, &args->fleet, &args->policy};
    int option;

    opterr = 0;
    while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (option >= OPT_CONFIG && option <= OPT_POLICY) {
            *texts[option - OPT_CONFIG] = optarg;
        } else if (option == OPT_ENGINE && strcmp(optarg, "local") != 0) {
            return cli_fail(CLI_USAGE, "serve: no engine \"%.40s\"; there is local", optarg);
        } else if (option == OPT_CHECK) {
            args->check = true;
        } else if (option == OPT_HELP) {
            fputs(usage, stdout);
            *stop = true;
            return 0;
        } else if (option == ':') {
            return cli_fail(CLI_USAGE, "serve: %s needs a value", argv[optind - 1]);
        } else if (option == '?') {
            return cli_fail(CLI_USAGE, "serve: no option %.60s; `fuyao serve --help` lists them",
                            argv[optind - 1]);
        }
    }
    return optind == argc
               ? 0
               : cli_fail(CLI_USAGE, "serve: \"%.60s\" is one word too many", argv[optind]);
}

/* ------------------------------------------------------------------ opening */

static int load_conf(serve *s, fy_err *err)
{
    s->conf = fy_conf_defaults();
    return s->args.config != NULL ? fy_conf_load(&s->conf, s->args.config, err) : 0;
}

/* Names of all nodes: this machine plays each of them. */
static const char *const *node_names(serve *s, int *n)
{
    int count = 0;
    const char **names;

    for (int p = 0; p < s->site->n_pools; p++) {
        count += s->site->pools[p].nodes;
    }
    names = fy_arena_alloc(&s->arena, (size_t)(count + 1) * sizeof *names);
    *n = 0;
    for (int p = 0; p < s->site->n_pools; p++) {
        for (int i = 0; i < s->site->pools[p].nodes; i++) {
            names[(*n)++] = fy_arena_printf(&s->arena, "%s-%04d", s->site->pools[p].name, i);
        }
    }
    return names;
}

static int open_engine(serve *s, fy_err *err)
{
    fy_local_options options = fy_local_defaults();

    options.state = s->state;
    options.nodes = node_names(s, &options.n_nodes);
    return fy_local_open(&s->engine, &options, err);
}

static int open_hooks(serve *s, fy_err *err)
{
    int status = fy_hooks_check(&s->conf.hooks, err);

    if (status == 0) {
        status = fy_hooks_open(&s->hooks, fy_arena_printf(&s->arena, "%s/hooks", s->state), err);
    }
    if (status == 0) {
        fy_hooks_set(s->hooks, &s->conf.hooks);
    }
    return status;
}

fy_ctl_options serve_ctl_options(const serve *s)
{
    fy_ctl_options options = fy_ctl_defaults();
    const char *policy = s->args.policy != NULL ? s->args.policy : s->conf.sched.policy;

    options.site = s->site;
    options.virtual_devices = s->virtual_devices;
    options.sched = s->conf.sched;
    options.sched.policy = policy != NULL ? policy : fy_ctl_defaults().sched.policy;
    options.shadow = s->conf.sched;
    options.shadow.policy = s->conf.shadow;
    options.planner = cli_planner_face(s->planner);
    options.layouts = cli_planner_layouts(s->planner);
    options.socket = s->socket;
    options.quotas = s->conf.quotas;
    options.n_quotas = s->conf.n_quotas;
    options.secret = s->secret;
    options.hooks = s->hooks;
    options.power_cap_mw = fy_power_cap_mw(s->conf.power_cap_w, s->site);
    if (s->conf.default_estimate_us > 0) {
        options.default_estimate_us = s->conf.default_estimate_us;
    }
    if (s->conf.snapshot_every > 0) {
        options.snapshot_every = s->conf.snapshot_every;
    }
    return options;
}

static int64_t wall_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int open_loop(serve *s, fy_err *err)
{
    fy_loop_options options = fy_loop_defaults();

    options.http = s->conf.http;
    options.http.socket_path = s->socket;
    options.http.socket_mode = s->conf.socket_mode;
    options.http.listen = s->args.listen != NULL   ? s->args.listen
                          : s->conf.listen != NULL ? fy_arena_strdup(&s->arena, s->conf.listen)
                                                   : NULL;
    serve_descriptors(&options.http); /* after the zygote: a run keeps the limit that it had */
    options.hooks = s->hooks;
    options.http.reload = serve_reload_asked;
    options.http.reload_ctx = s;
    options.hup = serve_reload_hup;
    options.ctx = s;
    return fy_loop_open(&s->loop, &options, s->ctl, s->engine, s->auth, err);
}

static int open_all(serve *s, fy_err *err)
{
    fy_store_options store;
    fy_ctl_options options;
    int status = serve_folders(s, err);

    status = status == 0 ? serve_secret(s, err) : status;
    status = status == 0 ? serve_site(s, err) : status;
    if (status != 0) {
        return status;
    }
    store = (fy_store_options){.folder = s->state};
    status = fy_store_open(&s->store, &store, err); /* the lock: nobody else serves this folder */
    status = status == 0 ? open_engine(s, err) : status;
    status = status == 0 ? open_hooks(s, err) : status;
    status = status == 0 ? fy_auth_open(&s->auth, s->conf.rules, s->conf.n_rules, s->store, err)
                         : status;
    if (status != 0) {
        return status;
    }
    s->planner = cli_planner_new(s->site, s->site, NULL);
    options = serve_ctl_options(s);
    status = fy_ctl_open(&s->ctl, &options, s->store, s->engine, wall_us(), err);
    return status == 0 ? open_loop(s, err) : status;
}

static void close_all(serve *s)
{
    fy_loop_close(s->loop);
    fy_ctl_close(s->ctl);
    fy_auth_close(s->auth);
    if (s->engine != NULL) {
        s->engine->ops->close(s->engine);
    }
    fy_hooks_close(s->hooks);
    fy_store_close(s->store);
    cli_planner_free(s->planner);
    fy_site_free(s->loaded);
    fy_catalog_free(s->catalog);
    fy_conf_free(&s->conf);
    fy_arena_free(&s->arena);
}

/* ------------------------------------------------------------------ serving */

/* Tell a service manager, where there is one. */
static void notify_ready(void)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd;

    if (path == NULL || strlen(path) >= sizeof to.sun_path) {
        return;
    }
    memcpy(to.sun_path, path, strlen(path));
    if (path[0] == '@') {
        to.sun_path[0] = '\0';
    }
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        (void)sendto(fd, "READY=1", 7, MSG_NOSIGNAL, (const struct sockaddr *)(const void *)&to,
                     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path)));
        (void)close(fd);
    }
}

static void say_ready(const serve *s)
{
    int devices = 0;

    for (int p = 0; p < s->site->n_pools; p++) {
        devices += s->site->pools[p].nodes * s->site->pools[p].devices;
    }
    printf("fuyao: serving %d %sdevices of %s on %s\n", devices,
           s->virtual_devices ? "VIRTUAL " : "", s->site->name, s->socket);
    if (s->note != NULL) {
        printf("fuyao: %s\n", s->note);
    }
    printf("fuyao: state in %s, %lld events; %s\n", s->state,
           (long long)fy_store_committed(s->store), fy_local_isolation(s->engine));
    (void)fflush(stdout);
    notify_ready();
}

static int check_only(serve *s, fy_err *err)
{
    int status = serve_site(s, err);

    if (status == 0) {
        printf("configuration is fine: %s, %d pools%s\n", s->site->name, s->site->n_pools,
               s->virtual_devices ? ", virtual devices" : "");
    }
    return status;
}

int cmd_serve(int argc, char **argv)
{
    serve s = {0};
    fy_err err = {0};
    bool stop = false;
    int code = read_args(&s.args, &stop, argc, argv);
    int status;

    if (code != 0 || stop) {
        return code;
    }
    code = cli_catalog(&s.catalog);
    if (code != 0) {
        return code;
    }
    status = load_conf(&s, &err);
    if (status == 0 && s.args.check) {
        status = check_only(&s, &err);
    } else if (status == 0) {
        status = open_all(&s, &err);
        if (status == 0) {
            say_ready(&s);
            status = fy_loop_run(s.loop, &err);
        }
    }
    close_all(&s);
    return status != 0 ? cli_fail_err(&err) : CLI_OK;
}
