/* SPDX-License-Identifier: MIT */
/* What the files of src/fleet/ share among themselves: the writing side of state.h. */
#ifndef FUYAO_FLEET_INTERNAL_H
#define FUYAO_FLEET_INTERNAL_H

#include "fleet/state.h"

/* job.c: jobs' slots, records and arrays */
int fy_job_new(fy_fleet *fleet, const fy_event *event, fy_err *err) FY_NODISCARD;
int fy_job_record_check(const fy_fleet *fleet, const fy_job_record *rec, int64_t id,
                        fy_err *err) FY_NODISCARD;
void fy_job_copy_record(fy_fleet *fleet, fy_job *job, const fy_job_record *rec);
int32_t fy_array_at(fy_fleet *fleet, int64_t of); /* made where it is new */
void fy_job_end(fy_fleet *fleet, fy_job *job, int32_t how);
void fy_job_wait(fy_fleet *fleet, fy_job *job); /* begins to wait */
void fy_job_unwait(fy_fleet *fleet, fy_job *job, fy_job_state state);

/* class.c: like asks, and what can never be placed */
int32_t fy_class_of(fy_fleet *fleet, const fy_job_record *rec);
/* The class with this key made as one more, not yet looked at; NULL where there is one already. */
fy_class *fy_class_restore(fy_fleet *fleet, const fy_class_key *key);
/* Does the record belong to the class, its time limit aside? */
bool fy_class_suits(const fy_fleet *fleet, const fy_class *cls, const fy_job_record *rec);
void fy_class_refresh(fy_fleet *fleet, fy_class *cls);
void fy_jobs_refresh(fy_fleet *fleet); /* the shape has changed: who can be placed now? */
void fy_job_wake(fy_fleet *fleet, const fy_job *job);
uint64_t fy_hash_bytes(const void *bytes, size_t len);

/* node.c: nodes, their free sets, and what is held on them */
int fy_node_new(fy_fleet *fleet, const fy_event *event, fy_err *err) FY_NODISCARD;
void fy_node_list(fy_fleet *fleet, fy_node *node);   /* put into or take out of the free sets, */
void fy_node_unlist(fy_fleet *fleet, fy_node *node); /* before and after a change */
void fy_node_set_up(fy_fleet *fleet, fy_node *node, bool up);
int fy_place_check(const fy_fleet *fleet, const fy_job *job, const fy_place *place,
                   const fy_job *holder, fy_err *err) FY_NODISCARD;
void fy_place_hold(fy_fleet *fleet, fy_job *job, const fy_place *place);
void fy_place_release(fy_fleet *fleet, fy_job *job);

/* account.c: lazy integration */
void fy_pool_integrate(fy_pool *pool, int64_t t_us);
void fy_tenant_integrate(fy_tenant *tenant, int64_t t_us);
void fy_job_segment(fy_job *job, int64_t t_us);
void fy_job_anchor(fy_job *job, int64_t t_us, int64_t rate_q, int64_t pause_us);

/* frag.c */
int fy_mix_set(fy_fleet *fleet, const fy_event *event, fy_err *err) FY_NODISCARD;
bool fy_mix_fits(int64_t weight, size_t devices);                 /* does F fit 62 bits? */
int64_t fy_node_frag(const fy_fleet *fleet, const fy_node *node); /* as it is, stale or not */
void fy_frag_flush(fy_fleet *fleet);

#endif
