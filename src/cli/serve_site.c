/* SPDX-License-Identifier: MIT */
/* What the daemon serves: the devices that a fleet file declares, or this machine's own. */
#include "cli/serve.h"
#include "daemon/discover.h"

static void machine_site(serve *s)
{
    fy_nvml *nvml = fy_nvml_open(NULL);
    fy_machine machine = fy_discover(s->catalog, "", nvml, &s->arena);

    s->site = fy_machine_site(&machine, s->catalog, &s->note, &s->arena);
    s->virtual_devices = false;
    fy_nvml_close(nvml);
}

int serve_site(serve *s, fy_err *err)
{
    const char *fleet = s->args.fleet != NULL ? s->args.fleet : s->conf.fleet;
    int status;

    if (fleet == NULL) {
        machine_site(s);
        return 0;
    }
    status = fy_site_load(&s->loaded, s->catalog, fleet, err);
    s->site = s->loaded;
    s->virtual_devices = !s->conf.real_devices;
    return status;
}
