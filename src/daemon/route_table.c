/* SPDX-License-Identifier: MIT */
/* The table itself. A line here is a promise: docs/rest.md shows each with an example. */
#include "daemon/route.h"

#include <stddef.h>

/* clang-format off */
static const fy_param none[] = {{0}};
static const fy_param submit[] = {
    {"dry_run", FY_IN_QUERY, "flag", "say what would happen; nothing is changed"},
    {"(body)", FY_IN_BODY, "object", "one submission, or an array of them"},
    {0},
};
static const fy_param jobs[] = {
    {"tenant", FY_IN_QUERY, "text", "only this tenant's"},
    {"user", FY_IN_QUERY, "text", "only this user's"},
    {"name", FY_IN_QUERY, "text", "only jobs of this name"},
    {"state", FY_IN_QUERY, "text", "only these states, with commas; all that have not ended"},
    {"after", FY_IN_QUERY, "integer", "only ids greater than this; -1"},
    {"limit", FY_IN_QUERY, "integer", "at most so many, 1 to 100000; 100000"},
    {"full", FY_IN_QUERY, "flag", "whole objects instead of the columns of the queue"},
    {0},
};
static const fy_param output[] = {
    {"from", FY_IN_QUERY, "integer", "first byte; 0"},
    {"limit", FY_IN_QUERY, "integer", "at most so many bytes, 1 to 1048576; 262144"},
    {0},
};
static const fy_param sign[] = {
    {"signal", FY_IN_BODY, "text", "a name such as USR1, or a number"},
    {0},
};
static const fy_param progress[] = {
    {"attempt", FY_IN_BODY, "integer", "the run that reports, from its environment"},
    {"token", FY_IN_BODY, "text", "the run's secret, from its environment"},
    {"done", FY_IN_BODY, "number", "units of work done since the job began"},
    {0},
};
static const fy_param drain[] = {
    {"reason", FY_IN_BODY, "text", "shown to everybody"},
    {0},
};
static const fy_param reserve[] = {
    {"tenant", FY_IN_BODY, "text", "for whom"},
    {"from_us", FY_IN_BODY, "integer", "first instant, microseconds since 1970"},
    {"to_us", FY_IN_BODY, "integer", "the instant after the last"},
    {0},
};
static const fy_param policy[] = {
    {"policy", FY_IN_BODY, "text", "its name"},
    {"placement", FY_IN_BODY, "text", "how devices are chosen; pack"},
    {"settings", FY_IN_BODY, "object", "key and value as in --set, each a string"},
    {"seed", FY_IN_BODY, "integer", "for policies that draw; 0"},
    {"shadow", FY_IN_BODY, "flag", "it runs along on a copy and decides nothing; policy none ends it"},
    {0},
};
static const fy_param events[] = {
    {"after", FY_IN_QUERY, "integer", "only records after this one; 0"},
    {"Last-Event-ID", FY_IN_HEADER, "integer", "the same, as browsers send it; it wins"},
    {0},
};
static const fy_param usage[] = {
    {"shadow", FY_IN_QUERY, "flag", "the policy that decides beside the one that runs along"},
    {0},
};
static const fy_param token[] = {
    {"name", FY_IN_BODY, "text", "a new name: letters, digits, . _ -"},
    {"tenant", FY_IN_BODY, "text", "whose jobs it sees and hands in"},
    {"uid", FY_IN_BODY, "integer", "as whom its jobs run; never 0"},
    {"scope", FY_IN_BODY, "text", "read, submit or operate"},
    {0},
};

#define JOB "/v1/jobs/{id}"
#define NODE "/v1/nodes/{name}"
static const fy_route routes[FY_N_ROUTES] = {
    {FY_ROUTE_SUBMIT, "POST", "/v1/jobs", false, FY_SCOPE_SUBMIT, "submit",
     "hand in jobs; answered once they are durable", submit},
    {FY_ROUTE_JOBS, "GET", "/v1/jobs", false, FY_SCOPE_READ, "queue",
     "the queue, in order of ids, page by page", jobs},
    {FY_ROUTE_JOB, "GET", JOB, false, FY_SCOPE_READ, "show",
     "everything about one job", none},
    {FY_ROUTE_EXPLAIN, "GET", JOB "/explain", false, FY_SCOPE_READ, "explain",
     "why a job waits, when it will start, what would start it now", none},
    {FY_ROUTE_OUTPUT, "GET", JOB "/output", false, FY_SCOPE_READ, "logs",
     "bytes of a job's output, read as its user", output},
    {FY_ROUTE_CANCEL, "POST", JOB "/cancel", false, FY_SCOPE_SUBMIT, "cancel",
     "end a job", none},
    {FY_ROUTE_HOLD, "POST", JOB "/hold", false, FY_SCOPE_SUBMIT, "hold",
     "keep a waiting job from starting", none},
    {FY_ROUTE_RELEASE, "POST", JOB "/release", false, FY_SCOPE_SUBMIT, "release",
     "let a held job start", none},
    {FY_ROUTE_REQUEUE, "POST", JOB "/requeue", false, FY_SCOPE_SUBMIT, "requeue",
     "stop a running job and queue it again", none},
    {FY_ROUTE_SIGNAL, "POST", JOB "/signal", false, FY_SCOPE_SUBMIT, "cancel",
     "send a running job a signal", sign},
    {FY_ROUTE_PROGRESS, "POST", JOB "/progress", true, FY_SCOPE_READ, NULL,
     "a run reports work done; its own secret is the proof", progress},
    {FY_ROUTE_NODES, "GET", "/v1/nodes", false, FY_SCOPE_READ, "nodes",
     "nodes, their devices and who holds them", none},
    {FY_ROUTE_DRAIN, "POST", NODE "/drain", false, FY_SCOPE_OPERATE, "drain",
     "start nothing new on a node", drain},
    {FY_ROUTE_RESUME, "POST", NODE "/resume", false, FY_SCOPE_OPERATE, "resume",
     "use a node again", none},
    {FY_ROUTE_RESERVE, "POST", NODE "/reserve", false, FY_SCOPE_OPERATE, NULL,
     "keep a node for a tenant for a while", reserve},
    {FY_ROUTE_TENANTS, "GET", "/v1/tenants", false, FY_SCOPE_READ, "tenants",
     "tenants, their shares and what they hold", none},
    {FY_ROUTE_USAGE, "GET", "/v1/usage", false, FY_SCOPE_READ, "usage",
     "what was used, by whom, on which chip", usage},
    {FY_ROUTE_STATUS, "GET", "/v1/status", false, FY_SCOPE_READ, NULL,
     "the daemon: policy, engine, journal, queue lengths", none},
    {FY_ROUTE_POLICY, "POST", "/v1/policy", false, FY_SCOPE_OPERATE, NULL,
     "decide by another policy from now on", policy},
    {FY_ROUTE_RELOAD, "POST", "/v1/reload", false, FY_SCOPE_OPERATE, "reload",
     "read the configuration again", none},
    {FY_ROUTE_EVENTS, "GET", "/v1/events", false, FY_SCOPE_READ, NULL,
     "the journal as it grows (server-sent events)", events},
    {FY_ROUTE_TOKENS, "GET", "/v1/tokens", false, FY_SCOPE_OPERATE, NULL,
     "access tokens, without their secrets", none},
    {FY_ROUTE_TOKEN_NEW, "POST", "/v1/tokens", false, FY_SCOPE_OPERATE, NULL,
     "a new access token; its secret is shown this once; Unix socket only", token},
    {FY_ROUTE_TOKEN_DROP, "POST", "/v1/tokens/{name}/drop", false, FY_SCOPE_OPERATE, NULL,
     "an access token opens nothing from now on", none},
    {FY_ROUTE_METRICS, "GET", "/metrics", false, FY_SCOPE_READ, NULL,
     "for Prometheus; of tenants only the own one, to others than operators", none},
    {FY_ROUTE_HEALTH, "GET", "/healthz", true, FY_SCOPE_READ, NULL,
     "answers while the daemon works", none},
    {FY_ROUTE_INDEX, "GET", "/api", true, FY_SCOPE_READ, NULL,
     "this table as JSON", none},
};
/* clang-format on */

const fy_route *fy_route_at(int i)
{
    return i >= 0 && i < FY_N_ROUTES ? &routes[i] : NULL;
}
