/* SPDX-License-Identifier: MIT */
/* What hooks leave on the disk: one small file a run and kind, written whole or not at all. They
 * outlive a killed daemon, not the machine, after which no run lives either. */
#ifndef FUYAO_DAEMON_HOOK_MARKS_H
#define FUYAO_DAEMON_HOOK_MARKS_H

/* In a hook's environment, followed by its name: by it the next daemon finds what is left of it. */
#define FY_HOOK_MARK "FUYAO_HOOK="

/* state: busy, passed or failed; a mark that cannot be written is none: the hook may run again. */
void fy_hook_mark_write(const char *folder, const char *name, const char *state, const char *node,
                        const char *why);
void fy_hook_mark_drop(const char *folder, const char *name);

/* Hand over the marks that say passed or failed. Of those that say busy, or nothing readable, what
 * is left of the hook is killed and the mark dropped. */
void fy_hook_marks_read(const char *folder,
                        void (*each)(void *ctx, const char *name, const char *state,
                                     const char *node, const char *why),
                        void *ctx);

#endif
