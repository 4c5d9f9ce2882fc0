/* SPDX-License-Identifier: MIT */
#include "daemon/nvml.h"

#include "base/arena.h"

#include <ctype.h>
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As in NVIDIA's published nvml.h; results other than 0 are errors. */
typedef void *device;
typedef struct pci_info { /* nvmlPciInfo_t of the functions _v3 */
    char legacy[16];
    unsigned domain, bus, device, id, subsystem;
    char address[32];
} pci_info;

struct fy_nvml {
    void *library;
    int n;
    int (*shutdown)(void);
    int (*by_index)(unsigned, device *);
    int (*pci)(device, pci_info *);
    int (*name)(device, char *, unsigned);
    int (*uuid)(device, char *, unsigned);
    int (*power)(device, unsigned *); /* mW */
    int (*limit)(device, unsigned *); /* mW */
};

/* A function's address through an object's: POSIX promises it, ISO C does not. */
static bool find(void *library, const char *name, void *function)
{
    void *found = dlsym(library, name);

    memcpy(function, &found, sizeof found);
    return found != NULL;
}

fy_nvml *fy_nvml_open(const char *library)
{
    void *so = dlopen(library != NULL ? library : "libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    int (*init)(void), (*count)(unsigned *);
    fy_nvml *nvml;
    unsigned n = 0;

    if (so == NULL) {
        return NULL;
    }
    nvml = fy_calloc(1, sizeof *nvml);
    nvml->library = so;
    if (!find(so, "nvmlInit_v2", &init) || !find(so, "nvmlDeviceGetCount_v2", &count) ||
        !find(so, "nvmlShutdown", &nvml->shutdown) ||
        !find(so, "nvmlDeviceGetHandleByIndex_v2", &nvml->by_index) || init() != 0) {
        (void)dlclose(so);
        free(nvml);
        return NULL;
    }
    (void)find(so, "nvmlDeviceGetPciInfo_v3", &nvml->pci);
    (void)find(so, "nvmlDeviceGetName", &nvml->name);
    (void)find(so, "nvmlDeviceGetUUID", &nvml->uuid);
    (void)find(so, "nvmlDeviceGetPowerUsage", &nvml->power);
    (void)find(so, "nvmlDeviceGetPowerManagementLimit", &nvml->limit);
    nvml->n = count(&n) == 0 && n <= 4096 ? (int)n : 0;
    return nvml;
}

void fy_nvml_close(fy_nvml *nvml)
{
    if (nvml != NULL) {
        (void)nvml->shutdown();
        (void)dlclose(nvml->library);
        free(nvml);
    }
}

int fy_nvml_count(const fy_nvml *nvml)
{
    return nvml != NULL ? nvml->n : 0;
}

void fy_pci_address(char out[32], const char *text)
{
    size_t len = strlen(text), skip = 0, n = 0;

    if (len == 16 && strncmp(text, "0000", 4) == 0) { /* a domain of eight digits */
        skip = 4;
    }
    for (size_t i = skip; i < len && n + 1 < 32; i++) {
        out[n++] = (char)tolower((unsigned char)text[i]);
    }
    out[n] = '\0';
}

static double watts(int (*ask)(device, unsigned *), device d)
{
    unsigned milliwatts;

    return ask != NULL && ask(d, &milliwatts) == 0 ? milliwatts / 1e3 : (double)NAN;
}

static void text_of(int (*ask)(device, char *, unsigned), device d, char out[96])
{
    if (ask == NULL || ask(d, out, 96) != 0) {
        out[0] = '\0';
    }
    out[95] = '\0';
}

fy_nvml_device fy_nvml_get(const fy_nvml *nvml, int i)
{
    fy_nvml_device out = {.power_w = (double)NAN, .limit_w = (double)NAN};
    pci_info pci;
    device d;

    if (nvml->by_index((unsigned)i, &d) != 0) {
        return out;
    }
    memset(&pci, 0, sizeof pci);
    if (nvml->pci != NULL && nvml->pci(d, &pci) == 0) {
        pci.address[sizeof pci.address - 1] = '\0';
        fy_pci_address(out.address, pci.address);
    }
    text_of(nvml->name, d, out.name);
    text_of(nvml->uuid, d, out.uuid);
    out.power_w = watts(nvml->power, d);
    out.limit_w = watts(nvml->limit, d);
    return out;
}

double fy_nvml_power_w(const fy_nvml *nvml)
{
    double sum_w = fy_nvml_count(nvml) > 0 ? 0 : (double)NAN;

    for (int i = 0; i < fy_nvml_count(nvml); i++) {
        device d;

        sum_w += nvml->by_index((unsigned)i, &d) == 0 ? watts(nvml->power, d) : (double)NAN;
    }
    return sum_w;
}
