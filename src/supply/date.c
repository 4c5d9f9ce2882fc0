/* SPDX-License-Identifier: MIT */
/* Calendar days as numbers. The Gregorian calendar repeats after 400 years of 146,097 days; years
 * are counted from March, so that a leap day is the last of its year. */
#include "base/num.h"
#include "fuyao/supply.h"

#include <stdio.h>
#include <string.h>

static int days_of(int year, int month, int day)
{
    int y = month <= 2 ? year - 1 : year;
    int era = y / 400, in_era = y % 400;
    int in_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
}

static void date_of(int days, int *year, int *month, int *day)
{
    int z = days + 719468, era = z / 146097, in_era = z % 146097;
    int y = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int in_year = in_era - (365 * y + y / 4 - y / 100);
    int m = (5 * in_year + 2) / 153;
    *day = in_year - (153 * m + 2) / 5 + 1;
    *month = m < 10 ? m + 3 : m - 9;
    *year = y + era * 400 + (*month <= 2 ? 1 : 0);
}

int fy_date_parse(const char *text, int *day, fy_err *err)
{
    int64_t y = 0, m = 0, d = 0;
    bool shape = strlen(text) == 10 && text[4] == '-' && text[7] == '-' &&
                 fy_num_int(text, 4, 1970, 2199, &y) == FY_NUM_OK &&
                 fy_num_int(text + 5, 2, 1, 12, &m) == FY_NUM_OK &&
                 fy_num_int(text + 8, 2, 1, 31, &d) == FY_NUM_OK;
    if (shape) {
        int year, month, of_month, days = days_of((int)y, (int)m, (int)d);
        date_of(days, &year, &month, &of_month);
        if (month == (int)m && of_month == (int)d) { /* no 30 February */
            *day = days;
            return 0;
        }
    }
    return fy_fail(err, FY_EPARSE, "\"%.40s\" is not a date such as 2023-11-17", text);
}

char *fy_date_format(char out[FY_DATE_TEXT], int day)
{
    int year, month, of_month;
    if (day < 0 || day > 84005) { /* beyond 2199-12-31 */
        snprintf(out, FY_DATE_TEXT, "-");
        return out;
    }
    date_of(day, &year, &month, &of_month);
    snprintf(out, FY_DATE_TEXT, "%04u-%02u-%02u", (unsigned)year % 10000, (unsigned)month % 100,
             (unsigned)of_month % 100);
    return out;
}
