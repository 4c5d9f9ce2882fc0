/* SPDX-License-Identifier: MIT */
/* The program `fuyao`: finds the command named on the command line and runs it. */
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        puts("fuyao " FY_VERSION);
        return 0;
    }
    fputs("usage: fuyao --version\n", stderr);
    return 2;
}
