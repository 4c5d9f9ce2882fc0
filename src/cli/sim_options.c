/* SPDX-License-Identifier: MIT */
/*
 * The command line of `fuyao sim`, read strictly: every value is checked here, so that nothing runs
 * for minutes before a misspelt option is found. Times are seconds, or carry a unit (`30 d`).
 */
#include "base/num.h"
#include "base/units.h"
#include "cli/cmd.h"
#include "cli/sim.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: fuyao sim --fleet F --trace T [OPTION...]\n"
    "Replay a trace on a fleet under one or more policies and say what came of it.\n\n"
    "  --fleet FILE          the fleet (data/fleets/NAME.yaml)\n"
    "  --trace FILE          the jobs; - is standard input\n"
    "  --format NAME         format of the trace, where its header does not tell\n"
    "  --rates PATH          rates by chip: Gavel's table (JSON) or Sia's profiles folder\n"
    "  --skip-bad            pass over bad rows, count and list them\n"
    "  --policy P[,P...]     policies, below; default gain\n"
    "  --placement NAME      pack (default), spread, bestfit or fgd\n"
    "  --round TIME          decide at multiples of this; default at every event\n"
    "  --limits WHICH        time limits policies may count on: trace (default), none, exact, or\n"
    "                        xF: F times the run on the slowest chip\n"
    "  --set KEY=VALUE       a setting, below; may be repeated\n"
    "  --seed N              of what is drawn; default 1\n"
    "  --seeds N             run with seeds 1 to N and print means with 95 % intervals\n"
    "  --replace A=B[:RATIO] every chip A becomes a B, RATIO times as many\n"
    "  --mtbf TIME           mean time between failures of a node; default none\n"
    "  --events FILE         dated events: time_s,event,name,until_s,tenant,count\n"
    "  --power-cap POWER     never draw more, PUE included (W, or with a unit)\n"
    "  --until TIME          end the run at this time of the trace\n"
    "  --rho NAME            fairness as defined by fuyao (default), gavel or sia\n"
    "  --inflate X           arrivals only, cloned until they ask for X times the devices\n"
    "  --shuffle SEED        order of those arrivals; default 1\n"
    "  --jobs-out CSV        one row a job (of one run)\n"
    "  --journal-out FILE    every event (of one run)\n"
    "  --hash                SHA-256 of the journal without writing it\n"
    "  --json                JSON instead of tables\n\n"
    "TIME is in seconds or has a unit: us, ms, s, min, h, d.\n";

enum {
    OPT_FLEET = 256,
    OPT_TRACE,
    OPT_FORMAT,
    OPT_RATES,
    OPT_SKIP_BAD,
    OPT_POLICY,
    OPT_PLACEMENT,
    OPT_ROUND,
    OPT_LIMITS,
    OPT_SET,
    OPT_SEED,
    OPT_SEEDS,
    OPT_REPLACE,
    OPT_MTBF,
    OPT_EVENTS,
    OPT_POWER_CAP,
    OPT_UNTIL,
    OPT_RHO,
    OPT_INFLATE,
    OPT_SHUFFLE,
    OPT_JOBS_OUT,
    OPT_JOURNAL_OUT,
    OPT_HASH,
    OPT_JSON,
    OPT_HELP,
};

static const struct option long_options[] = {
    {"fleet", required_argument, NULL, OPT_FLEET},
    {"trace", required_argument, NULL, OPT_TRACE},
    {"format", required_argument, NULL, OPT_FORMAT},
    {"rates", required_argument, NULL, OPT_RATES},
    {"skip-bad", no_argument, NULL, OPT_SKIP_BAD},
    {"policy", required_argument, NULL, OPT_POLICY},
    {"placement", required_argument, NULL, OPT_PLACEMENT},
    {"round", required_argument, NULL, OPT_ROUND},
    {"limits", required_argument, NULL, OPT_LIMITS},
    {"set", required_argument, NULL, OPT_SET},
    {"seed", required_argument, NULL, OPT_SEED},
    {"seeds", required_argument, NULL, OPT_SEEDS},
    {"replace", required_argument, NULL, OPT_REPLACE},
    {"mtbf", required_argument, NULL, OPT_MTBF},
    {"events", required_argument, NULL, OPT_EVENTS},
    {"power-cap", required_argument, NULL, OPT_POWER_CAP},
    {"until", required_argument, NULL, OPT_UNTIL},
    {"rho", required_argument, NULL, OPT_RHO},
    {"inflate", required_argument, NULL, OPT_INFLATE},
    {"shuffle", required_argument, NULL, OPT_SHUFFLE},
    {"jobs-out", required_argument, NULL, OPT_JOBS_OUT},
    {"journal-out", required_argument, NULL, OPT_JOURNAL_OUT},
    {"hash", no_argument, NULL, OPT_HASH},
    {"json", no_argument, NULL, OPT_JSON},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

/* The run's own settings; the policies' are those of fy_setting_list. */
static const fy_setting_info own_settings[] = {
    {"costs", "both", "none | default | trace: run with these costs only"},
    {"round.hold", "0", "decide only after an arrival or end, this time after the last decision"},
    {"round.whole_steps", "no", "yes: a unit of work cut by a round's end is done again"},
    {"mtbf.repair", "4 h", "mean time to repair a node"},
    {"mtbf.racks", "0", "share of failures that take a whole rack"},
    {NULL, NULL, NULL},
};

static void print_settings(const fy_setting_info *list)
{
    for (int i = 0; list[i].key != NULL; i++) {
        printf("  %-22s %s (%s)\n", list[i].key, list[i].meaning, list[i].fallback);
    }
}

static void print_help(void)
{
    const fy_policy_info *p;

    fputs(usage, stdout);
    fputs("\nPolicies (* knows what nobody can: the true remaining time)\n", stdout);
    for (int i = 0; (p = fy_policy_at(i)) != NULL; i++) {
        printf("  %-21s%c %s\n", p->name, p->oracle ? '*' : ' ', p->summary);
    }
    fputs("\nSettings (with their defaults)\n", stdout);
    print_settings(own_settings);
    print_settings(fy_setting_list());
    fputs("\nTrace formats\n", stdout);
    for (const fy_trace_format *f = fy_trace_formats(); f->name != NULL; f++) {
        printf("  %-22s %s\n", f->name, f->summary);
    }
}

/* ------------------------------------------------------------------ values */

/* Shows the option as it was given: `--set KEY=` and its value stand without a space. */
static int wrong(const char *option, const char *text, const char *right)
{
    const char *space = option[strlen(option) - 1] == '=' ? "" : " ";

    return cli_fail(CLI_USAGE, "sim: %s%s%.80s: give %s", option, space, text, right);
}

/* A plain number, or a quantity with a unit of `dim`; from low to high. */
static bool is_quantity(const char *text, fy_dim dim, double low, double high, double *out)
{
    double value = 0;
    bool ok = fy_num_double(text, strlen(text), &value) == FY_NUM_OK ||
              (dim != FY_DIM_RATIO && fy_units_parse(text, dim, FY_ANY_SIGN, &value, NULL) == 0);

    if (!ok || !(value >= low && value <= high)) {
        return false;
    }
    *out = value;
    return true;
}

static int read_quantity(const char *option, const char *text, fy_dim dim, double low, double high,
                         const char *right, double *out)
{
    return is_quantity(text, dim, low, high, out) ? 0 : wrong(option, text, right);
}

static int read_time(const char *option, const char *text, double low, double *out)
{
    return read_quantity(option, text, FY_DIM_TIME, low, 1e12,
                         low > 0 ? "a time above 0, in seconds or with a unit, at most 1e12 s"
                                 : "a time from 0 to 1e12 s, in seconds or with a unit",
                         out);
}

static int read_whole(const char *option, const char *text, int64_t low, int64_t high, int64_t *out)
{
    if (fy_num_int(text, strlen(text), low, high, out) != FY_NUM_OK) {
        return cli_fail(CLI_USAGE, "sim: %s %.60s: give a whole number from %lld to %lld", option,
                        text, (long long)low, (long long)high);
    }
    return 0;
}

static int read_word(const char *option, const char *text, const char *const *words, int *out)
{
    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(text, words[i]) == 0) {
            *out = i;
            return 0;
        }
    }
    char list[120] = "";
    for (int i = 0; words[i] != NULL; i++) {
        size_t at = strlen(list);
        snprintf(list + at, sizeof list - at, "%s%s",
                 i == 0 ? "" : (words[i + 1] != NULL ? ", " : " or "), words[i]);
    }
    return wrong(option, text, list);
}

/* ------------------------------------------------------------------ options with a form of their
 * own */

static int read_policies(sim_options *o, const char *text)
{
    char *rest = fy_arena_strdup(&o->arena, text);
    char *name;

    o->n_policies = 0;
    while ((name = strsep(&rest, ",")) != NULL) {
        if (name[0] == '\0' || o->n_policies == SIM_MAX_POLICIES) {
            return cli_fail(CLI_USAGE, "sim: --policy %.60s: give 1 to %d names separated by ','",
                            text, SIM_MAX_POLICIES);
        }
        for (int i = 0; i < o->n_policies; i++) {
            if (strcmp(o->policies[i], name) == 0) {
                return wrong("--policy", text, "each policy once");
            }
        }
        o->policies[o->n_policies++] = name;
    }
    return 0;
}

static int read_limits(sim_options *o, const char *text)
{
    static const char *const words[] = {"none", "trace", "exact"};

    for (int i = 0; i < FY_LIMITS_FACTOR; i++) {
        if (strcmp(text, words[i]) == 0) {
            o->limits = (fy_limits)i;
            return 0;
        }
    }
    if (text[0] == 'x' && is_quantity(text + 1, FY_DIM_RATIO, 1, 1e6, &o->limit_factor)) {
        o->limits = FY_LIMITS_FACTOR;
        return 0;
    }
    return wrong("--limits", text,
                 "none, trace, exact or xF with F from 1 to 1e6 (x1.5: half as long again)");
}

static int read_replace(sim_options *o, const char *text)
{
    char *from = fy_arena_strdup(&o->arena, text);
    char *to = strchr(from, '=');
    char *ratio;

    if (to == NULL || to == from || to[1] == '\0') {
        return wrong("--replace", text, "CHIP=CHIP or CHIP=CHIP:RATIO");
    }
    *to++ = '\0';
    ratio = strchr(to, ':');
    if (ratio != NULL) {
        *ratio++ = '\0';
        if (!is_quantity(ratio, FY_DIM_RATIO, 1e-4, 1e4, &o->replace_ratio)) {
            return wrong("--replace", text, "CHIP=CHIP:RATIO with a ratio from 0.0001 to 10000");
        }
    }
    if (strcmp(from, to) == 0) {
        return wrong("--replace", text, "two different chips");
    }
    o->replace_from = from;
    o->replace_to = to;
    return 0;
}

static int read_costs(sim_options *o, const char *text)
{
    static const char *const words[] = {"none", "default", "trace", NULL};
    int which = 0;

    if (read_word("--set costs=", text, words, &which) != 0) {
        return CLI_USAGE;
    }
    o->costs[0] = (fy_costs)which;
    o->n_costs = 1;
    o->costs_given = true;
    return 0;
}

static int read_setting(sim_options *o, const char *text)
{
    static const char *const no_yes[] = {"no", "yes", NULL};
    char *key = fy_arena_strdup(&o->arena, text);
    char *value = strchr(key, '=');
    int yes = 0;
    int rc;

    if (value == NULL || value == key) {
        return wrong("--set", text, "KEY=VALUE; fuyao sim --help lists the keys");
    }
    *value++ = '\0';
    if (strcmp(key, "costs") == 0) {
        return read_costs(o, value);
    }
    if (strcmp(key, "round.hold") == 0) {
        return read_time("--set round.hold=", value, 0, &o->round_hold_s);
    }
    if (strcmp(key, "round.whole_steps") == 0) {
        rc = read_word("--set round.whole_steps=", value, no_yes, &yes);
        o->whole_steps = yes == 1;
        return rc;
    }
    if (strcmp(key, "mtbf.repair") == 0) {
        return read_time("--set mtbf.repair=", value, 1e-6, &o->repair_s);
    }
    if (strcmp(key, "mtbf.racks") == 0) {
        return read_quantity("--set mtbf.racks=", value, FY_DIM_RATIO, 0, 1, "a share from 0 to 1",
                             &o->rack_share);
    }
    if (o->n_settings == SIM_MAX_SETTINGS) {
        return cli_fail(CLI_USAGE, "sim: more than %d settings", SIM_MAX_SETTINGS);
    }
    o->settings[o->n_settings++] = (fy_setting){key, value};
    return 0;
}

static int read_seed(sim_options *o, int opt, const char *text)
{
    int64_t value = 0;
    int rc = opt == OPT_SEEDS
                 ? read_whole("--seeds", text, 1, SIM_MAX_SEEDS, &value)
                 : read_whole(opt == OPT_SEED ? "--seed" : "--shuffle", text, 0, INT64_MAX, &value);

    if (opt == OPT_SEEDS) {
        o->n_seeds = (int)value;
        o->seeds_given = true;
    } else {
        o->seed = (uint64_t)value;
        o->seed_given |= opt == OPT_SEED;
        o->shuffle_given |= opt == OPT_SHUFFLE;
    }
    return rc;
}

/* ------------------------------------------------------------------ the whole line */

static int read_number(sim_options *o, int opt, const char *text)
{
    static const char *const rhos[] = {"fuyao", "gavel", "sia", NULL};
    int rho = 0;
    int rc;

    switch (opt) {
    case OPT_ROUND:
        return read_time("--round", text, 1e-6, &o->round_s);
    case OPT_MTBF:
        return read_time("--mtbf", text, 1e-6, &o->mtbf_s);
    case OPT_UNTIL:
        return read_time("--until", text, 0, &o->until_s);
    case OPT_POWER_CAP:
        return read_quantity("--power-cap", text, FY_DIM_POWER, 1, 1e12,
                             "a power from 1 W to 1e12 W, in watts or with a unit",
                             &o->power_cap_w);
    case OPT_INFLATE:
        return read_quantity("--inflate", text, FY_DIM_RATIO, 1e-3, 100,
                             "a number from 0.001 to 100", &o->inflate);
    case OPT_RHO:
        rc = read_word("--rho", text, rhos, &rho);
        o->rho = (fy_rho)rho;
        return rc;
    case OPT_LIMITS:
        return read_limits(o, text);
    default:
        return read_seed(o, opt, text);
    }
}

/* Where the text of an option that is taken as it is goes; NULL for the others. */
static const char **text_of(sim_options *o, int opt)
{
    switch (opt) {
    case OPT_FLEET:
        return &o->fleet;
    case OPT_TRACE:
        return &o->trace;
    case OPT_FORMAT:
        return &o->format;
    case OPT_RATES:
        return &o->rates;
    case OPT_PLACEMENT:
        return &o->placement;
    case OPT_EVENTS:
        return &o->events;
    case OPT_JOBS_OUT:
        return &o->jobs_out;
    case OPT_JOURNAL_OUT:
        return &o->journal_out;
    default:
        return NULL;
    }
}

static int read_option(sim_options *o, int opt, const char *text)
{
    const char **plain = text_of(o, opt);

    if (plain != NULL) {
        *plain = text;
        return 0;
    }
    switch (opt) {
    case OPT_SKIP_BAD:
        o->skip_bad = true;
        return 0;
    case OPT_HASH:
        o->hash = true;
        return 0;
    case OPT_JSON:
        o->json = true;
        return 0;
    case OPT_POLICY:
        return read_policies(o, text);
    case OPT_SET:
        return read_setting(o, text);
    case OPT_REPLACE:
        return read_replace(o, text);
    default:
        return read_number(o, opt, text);
    }
}

/* What does not go together; then the defaults that depend on the rest. */
static int check_options(sim_options *o)
{
    bool inflate = fy_known(o->inflate);

    if (o->fleet == NULL || o->trace == NULL) {
        return cli_fail(CLI_USAGE, "sim: give --fleet FILE and --trace FILE; `fuyao sim --help`");
    }
    if (o->seeds_given && (o->seed_given || o->shuffle_given)) {
        return cli_fail(CLI_USAGE,
                        "sim: --seeds runs seeds 1 to N; leave out --seed and --shuffle");
    }
    if (o->shuffle_given && !inflate) {
        return cli_fail(CLI_USAGE, "sim: --shuffle goes with --inflate only");
    }
    if ((o->round_hold_s > 0 || o->whole_steps) && o->round_s <= 0) {
        return cli_fail(CLI_USAGE, "sim: round.hold and round.whole_steps go with --round only");
    }
    if (o->n_costs == 0) {
        o->costs[0] = FY_COSTS_NONE; /* the second is the trace's own, where it states costs */
        o->costs[1] = FY_COSTS_DEFAULT;
        o->n_costs = inflate ? 1 : 2;
    }
    if ((o->jobs_out != NULL || o->journal_out != NULL) &&
        o->n_policies * o->n_costs * o->n_seeds != 1) {
        return cli_fail(CLI_USAGE,
                        "sim: %s takes one run, these options make %d; name one policy, no "
                        "--seeds, and --set costs=none, default or trace",
                        o->jobs_out != NULL ? "--jobs-out" : "--journal-out",
                        o->n_policies * o->n_costs * o->n_seeds);
    }
    if (inflate && o->jobs_out != NULL) {
        return cli_fail(CLI_USAGE, "sim: --jobs-out: with --inflate no job ends");
    }
    return sim_files_check(o);
}

int sim_options_read(sim_options *o, bool *stop, int argc, char **argv)
{
    int opt;

    *o = (sim_options){.policies = {"gain"},
                       .n_policies = 1,
                       .repair_s = 4 * 3600,
                       .until_s = NAN,
                       .power_cap_w = NAN,
                       .inflate = NAN,
                       .limits = FY_LIMITS_TRACE,
                       .limit_factor = 1,
                       .seed = 1,
                       .n_seeds = 1};
    *stop = false;
    opterr = 0;
    while ((opt = getopt_long(argc, argv, ":h", long_options, NULL)) != -1) {
        if (opt == ':') {
            return cli_fail(CLI_USAGE, "sim: %s needs a value", argv[optind - 1]);
        }
        if (opt == OPT_HELP || opt == 'h') {
            print_help();
            *stop = true;
            return 0;
        }
        if (opt == '?') {
            return cli_fail(CLI_USAGE, "sim: unknown option %.60s; `fuyao sim --help`",
                            argv[optind - 1]);
        }
        int rc = read_option(o, opt, optarg);
        if (rc != 0) {
            return rc;
        }
    }
    if (optind < argc) {
        return cli_fail(CLI_USAGE, "sim: unexpected \"%.60s\"; `fuyao sim --help`", argv[optind]);
    }
    return check_options(o);
}

void sim_options_free(sim_options *options)
{
    fy_arena_free(&options->arena);
}
