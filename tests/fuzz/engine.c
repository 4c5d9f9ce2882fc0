/* SPDX-License-Identifier: MIT */
/* What the local engine reads: a run's record, an order, /proc/PID/stat, a run folder's name. An
 * order that is read is packed again to the same bytes. */
#include "daemon/order.h"
#include "daemon/run_record.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_record(const char *bytes, size_t size)
{
    fy_run_record record;

    fy_run_record_parse(bytes, size, &record);
    if (memchr(record.text, '\0', sizeof record.text) == NULL ||
        memchr(record.boot, '\0', sizeof record.boot) == NULL ||
        (record.shim && record.shim_pid <= 0) || (record.job_us > 0 && record.job_pid <= 0)) {
        abort();
    }
    for (const char *c = record.text; *c != '\0'; c++) {
        if (*c < 0x20 || *c >= 0x7f) {
            abort();
        }
    }
}

static void read_order(const char *bytes, size_t size)
{
    fy_arena arena = {0};
    fy_str again = {0};
    fy_order order;

    if (fy_order_unpack(&order, bytes, size, &arena, NULL) == 0) {
        fy_order_pack(&again, &order);
        if (again.len != size || memcmp(again.text, bytes, size) != 0) {
            abort();
        }
        fy_str_free(&again);
    }
    fy_arena_free(&arena);
}

static void read_name(const char *bytes, size_t size)
{
    char name[300], again[FY_RUN_NAME];
    fy_run_key key;

    memcpy(name, bytes, size < sizeof name ? size : sizeof name - 1);
    name[size < sizeof name ? size : sizeof name - 1] = '\0';
    if (fy_run_name_parse(name, &key)) {
        fy_run_name(again, key);
        if (!fy_run_name_parse(again, &key)) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    fy_process process;

    read_record(bytes, size);
    read_order(bytes, size);
    read_name(bytes, size);
    if (fy_process_parse(bytes, size, &process) && process.pid <= 0) {
        abort();
    }
    return 0;
}
