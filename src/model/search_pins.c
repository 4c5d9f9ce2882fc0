/* SPDX-License-Identifier: MIT */
/* Parts of a layout that are given, against each other, the model and the cluster. */
#include "model/search.h"

static bool pinned(int pin)
{
    return pin != FY_FREE;
}

/* One pin alone against the model or the cluster. */
static int check_one(const char *name, int pin, int most, const char *of, fy_err *err)
{
    if (!pinned(pin) || (pin >= 1 && pin <= most)) {
        return 0;
    }
    return fy_fail(err, FY_EINFEASIBLE, "%s=%d: from 1 to %d, %s", name, pin, most, of);
}

static int check_divides(const char *name, int pin, int n, const char *what, fy_err *err)
{
    if (!pinned(pin) || n % pin == 0) {
        return 0;
    }
    return fy_fail(err, FY_EINFEASIBLE, "%s=%d does not divide %d %s", name, pin, n, what);
}

static int check_product(const fy_search_spec *spec, fy_err *err)
{
    const fy_pins *p = &spec->pins;
    int devices = spec->cluster->devices;
    const int pin[] = {p->tp, p->pp, p->dp, p->cp};
    int64_t product = 1;
    bool all = true;
    for (int i = 0; i < 4; i++) {
        product *= pinned(pin[i]) ? pin[i] : 1;
        all = all && pinned(pin[i]);
        if (product > devices) {
            return fy_fail(err, FY_EINFEASIBLE,
                           "tp x pp x dp x cp is %lld with what is given, there are %d devices",
                           (long long)product, devices);
        }
    }
    if (devices % product != 0 || (all && product != devices)) {
        return fy_fail(err, FY_EINFEASIBLE,
                       "tp x pp x dp x cp is %lld with what is given, which must %s %d devices",
                       (long long)product, all ? "equal" : "divide", devices);
    }
    return 0;
}

/* Layers of the ends. */
static int check_ends(const fy_pins *p, const fy_model *m, fy_err *err)
{
    int between = pinned(p->pp) && p->pp > 2 ? p->pp - 2 : 0;
    if (pinned(p->first_layers) != pinned(p->last_layers)) {
        return fy_fail(err, FY_EINFEASIBLE,
                       "first_layers and last_layers are given together or not at all");
    }
    if (!pinned(p->first_layers)) {
        return 0;
    }
    if (p->pp == 1) {
        return fy_fail(err, FY_EINFEASIBLE, "first_layers=%d needs pp of 2 or more, pp=1 is given",
                       p->first_layers);
    }
    if (p->first_layers < 1 || p->last_layers < 1 ||
        (int64_t)p->first_layers + p->last_layers + between > m->layers ||
        (p->pp == 2 && p->first_layers + p->last_layers != m->layers)) {
        return fy_fail(err, FY_EINFEASIBLE,
                       "first_layers=%d, last_layers=%d: of the %d layers each stage needs one, "
                       "and all must be dealt",
                       p->first_layers, p->last_layers, m->layers);
    }
    return 0;
}

/* Layers computed again. */
static int check_again(const fy_pins *p, const fy_model *m, fy_err *err)
{
    if (!pinned(p->recompute_layers)) {
        return 0;
    }
    if (pinned(p->recompute) && p->recompute != FY_RECOMPUTE_FULL) {
        return fy_fail(err, FY_EINFEASIBLE, "recompute_layers=%d goes with recompute=full",
                       p->recompute_layers);
    }
    int chunks = (pinned(p->pp) ? p->pp : 1) * (pinned(p->vpp) ? p->vpp : 1);
    int most = m->layers / chunks + 1;
    most = chunks == 1 || pinned(p->first_layers) ? m->layers : most;
    if (p->recompute_layers > most) {
        return fy_fail(err, FY_EINFEASIBLE,
                       "recompute_layers=%d: a virtual stage has %d layers at most",
                       p->recompute_layers, most);
    }
    return 0;
}

/* Interleaved stages: layers and schedule. */
static int check_interleaved(const fy_search_spec *spec, fy_err *err)
{
    const fy_pins *p = &spec->pins;
    const fy_model *m = spec->model;
    if (!pinned(p->vpp) || p->vpp == 1) {
        return 0;
    }
    if (p->pp == 1) {
        return fy_fail(err, FY_EINFEASIBLE, "vpp=%d needs pp of 2 or more, pp=1 is given", p->vpp);
    }
    if (p->schedule == FY_ZERO_BUBBLE) {
        return fy_fail(err, FY_EINFEASIBLE, "schedule=zero-bubble is not interleaved: vpp=%d",
                       p->vpp);
    }
    if (!pinned(p->pp)) {
        return 0;
    }
    int64_t chunks = (int64_t)p->pp * p->vpp;
    bool deals = false;
    for (int more = 0; more <= 2 + m->mtp_layers; more++) {
        deals = deals || (m->layers + more) % chunks == 0;
    }
    if (!deals && !pinned(p->first_layers)) {
        return fy_fail(err, FY_EINFEASIBLE,
                       "pp=%d, vpp=%d: %d layers, or up to %d with embedding and head, do not "
                       "divide by %lld",
                       p->pp, p->vpp, m->layers, m->layers + 2 + m->mtp_layers, (long long)chunks);
    }
    return 0;
}

/* What is told to be hidden or split must be there. */
static int check_groups(const fy_search_spec *spec, fy_err *err)
{
    const fy_pins *p = &spec->pins;
    unsigned hide = pinned(p->overlap) ? (unsigned)p->overlap : 0;
    if (p->seq_parallel == 1 && p->tp == 1) {
        return fy_fail(err, FY_EINFEASIBLE, "seq_parallel=1 needs tp of 2 or more, tp=1 is given");
    }
    if (hide & FY_OVERLAP_EP && (spec->model->experts == 0 || p->ep == 1)) {
        return fy_fail(err, FY_EINFEASIBLE, "overlap=ep: no experts are dealt");
    }
    if (pinned(p->dp) && pinned(p->microbatch) &&
        spec->global_batch % ((int64_t)p->dp * p->microbatch) != 0) {
        return fy_fail(err, FY_EINFEASIBLE,
                       "dp=%d x microbatch=%d does not divide %d sequences of the batch", p->dp,
                       p->microbatch, spec->global_batch);
    }
    return 0;
}

int fy_pins_check(const fy_search_spec *spec, fy_err *err)
{
    const fy_pins *p = &spec->pins;
    const fy_model *m = spec->model;
    int devices = spec->cluster->devices;
    int rc = check_one("tp", p->tp, devices, "the devices", err);
    rc = rc ? rc : check_one("pp", p->pp, devices, "the devices", err);
    rc = rc ? rc : check_one("dp", p->dp, devices, "the devices", err);
    rc = rc ? rc : check_one("cp", p->cp, devices, "the devices", err);
    rc = rc ? rc : check_one("pp", p->pp, m->layers, "the layers", err);
    rc = rc ? rc : check_one("vpp", p->vpp, m->layers, "the layers", err);
    rc = rc ? rc : check_one("microbatch", p->microbatch, spec->global_batch, "the batch", err);
    rc = rc ? rc : check_divides("tp", p->tp, m->heads, "attention heads", err);
    rc = rc ? rc : check_divides("dp", p->dp, spec->global_batch, "sequences of the batch", err);
    rc = rc ? rc
            : check_divides("microbatch", p->microbatch, spec->global_batch,
                            "sequences of the batch", err);
    rc = rc ? rc : check_divides("cp", p->cp, m->seq_len, "tokens of a sequence", err);
    if (rc == 0 && pinned(p->ep) && p->ep != 1) {
        rc = m->experts > 0
                 ? check_one("ep", p->ep, m->experts, "the experts", err)
                 : fy_fail(err, FY_EINFEASIBLE, "ep=%d: the model has no experts", p->ep);
        rc = rc ? rc : check_divides("ep", p->ep, m->experts, "experts", err);
    }
    rc = rc ? rc : check_ends(p, m, err);
    rc = rc ? rc : check_again(p, m, err);
    rc = rc ? rc : check_interleaved(spec, err);
    rc = rc ? rc : check_groups(spec, err);
    return rc ? rc : check_product(spec, err);
}
