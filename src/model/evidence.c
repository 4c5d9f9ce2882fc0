/* SPDX-License-Identifier: MIT */
#include "model/catalog.h"
int fy_catalog_add_evidence(fy_catalog *catalog, const char *path, fy_err *err)
{
    (void)catalog;
    (void)path;
    (void)err;
    return 0;
}
