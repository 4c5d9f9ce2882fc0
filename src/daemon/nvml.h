/* SPDX-License-Identifier: MIT */
/*
 * NVIDIA's management library, where there is one: loaded at run time, never linked, nothing missed
 * without it. Gives names, ids and power of GPUs; what it does not tell stays unknown.
 */
#ifndef FUYAO_DAEMON_NVML_H
#define FUYAO_DAEMON_NVML_H

#include <stdbool.h>

typedef struct fy_nvml fy_nvml;

typedef struct fy_nvml_device {
    char address[32]; /* PCI address in lower case: 0000:3b:00.0; "" unknown */
    char name[96];    /* "" unknown, so below */
    char uuid[96];
    double power_w, limit_w; /* NAN unknown */
} fy_nvml_device;

/* `library`: path or name; NULL = libnvidia-ml.so.1. Returns NULL where it cannot be used. */
fy_nvml *fy_nvml_open(const char *library);
void fy_nvml_close(fy_nvml *nvml); /* NULL allowed */

int fy_nvml_count(const fy_nvml *nvml); /* 0 for NULL */
/* The device `i`, 0 <= i < count, in order of PCI addresses. */
fy_nvml_device fy_nvml_get(const fy_nvml *nvml, int i);
/* Power drawn by all together [W]; NAN where one does not tell, or there is none. */
double fy_nvml_power_w(const fy_nvml *nvml);

/* NVML writes 00000000:3B:00.0, sysfs 0000:3b:00.0. */
void fy_pci_address(char out[32], const char *text);

#endif
