/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files about BPF share. */
#ifndef QOS_KERNEL_BPF_STATE_H
#define QOS_KERNEL_BPF_STATE_H

#include "base/buffer.h"
#include "kernel/bpf.h"

#define QOS_STATE_MAP	     "qos_state"
#define QOS_STATE_UNFINISHED "unfinished"
#define QOS_PROGRAM_PIN	     "qos_egress"
#define QOS_LINK_PIN	     "link_" /* how the names of links' begin; others are maps' */

/* Empty, no descriptor open. Null when out of memory. */
struct qos_bpf *qos_bpf_new(void);

/* A map that holds the document, bound to the program, which alone keeps it. */
int qos_bpf_state_bind(int prog_fd, const json_t *state, int *ret_fd);
/* Of document->fd, of size; sets its serial. "show" is text. -EBADMSG when there is none. */
int qos_bpf_state_read(struct qos_bpf_document *document, json_t **ret_state);
/* Makes an object of "show": of a thousand classes most of the work, and for who looks only. */
int qos_bpf_state_unfold(json_t *state);
/* A new version in place of the one before that in force. -ENOSPC when there is no room. */
int qos_bpf_state_write(struct qos_bpf_document *document, const json_t *state);
/* The same in two steps: says that it is unfinished until the second, which needs what the first
 * made in a buffer that was empty. */
int qos_bpf_state_begin(struct qos_bpf_document *document, const json_t *state,
			struct qos_buffer *made);
int qos_bpf_state_end(struct qos_bpf_document *document, struct qos_buffer *made);

/* A class's numbers as the maps have them: slots of the program instead of the plan's. */
struct qos_class_cfg qos_bpf_class_bound(const struct qos_class_cfg *cfg, const uint32_t *slots);
/* The class table of a plan; slots: of its classes in the maps, by their index. before: what is
 * there, by slot, and is not written again; null: nothing yet. */
int qos_bpf_classes_put(int fd, const struct qos_plan *plan, const uint32_t *slots,
			const struct qos_class_cfg *before);

/* Report a failed bpf() call as "WHAT: WHY"; returns error. diags may be null. */
int qos_bpf_fail(struct qos_diags *diags, int error, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
