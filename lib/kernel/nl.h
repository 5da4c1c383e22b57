/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One NETLINK_ROUTE socket: requests, dumps, and the kernel's own words about
 * what it refused. The socket belongs to the network namespace that it was
 * opened in.
 */
#ifndef QOS_KERNEL_NL_H
#define QOS_KERNEL_NL_H

#include <stddef.h>
#include <stdint.h>

#include <libmnl/libmnl.h>

#include "base/cleanup.h"
#include "base/diag.h"

struct qos_nl;

/* Messages of a dump, one after the other. */
struct qos_nl_dump {
	void *data;
	size_t len;
};

int qos_nl_open(struct qos_diags *diags, struct qos_nl **ret_nl);
/*
 * The same in a new, empty network namespace that lives as long as the socket,
 * to try things without touching a real interface. The caller's own namespace
 * does not change, not even for a moment. -EPERM without CAP_SYS_ADMIN; no
 * diagnostic.
 */
int qos_nl_open_scratch(struct qos_nl **ret_nl);
void qos_nl_close(struct qos_nl *nl);
DEFINE_CLEANUP(struct qos_nl *, qos_nl_closep, qos_nl_close)

/*
 * An empty message of a type (RTM_…) in the socket's own buffer, valid until
 * the next call on nl. It has room for any one attribute and a few kilobytes.
 * extra: size of the family's header (struct tcmsg, struct ifinfomsg), zeroed;
 * mnl_nlmsg_get_payload() is its place.
 */
struct nlmsghdr *qos_nl_message(struct qos_nl *nl, uint16_t type, uint16_t flags, size_t extra);

/* Send the message and wait for its acknowledgement: 0 or what the kernel said. */
int qos_nl_request(struct qos_nl *nl, struct nlmsghdr *msg);
/* Send it and wait for its one answer; valid until the next call on nl. */
int qos_nl_get(struct qos_nl *nl, struct nlmsghdr *msg, const struct nlmsghdr **ret_answer);
/*
 * Everything of a dump, consistent: begun anew when the kernel's tables
 * changed meanwhile or its answer did not fit the socket.
 */
int qos_nl_dump(struct qos_nl *nl, struct nlmsghdr *msg, struct qos_nl_dump *ret_dump);
void qos_nl_dump_done(struct qos_nl_dump *dump);

#define qos_nl_dump_for_each(msg, left, dump)                                              \
	for ((msg) = (dump)->data, (left) = (int)(dump)->len; mnl_nlmsg_ok((msg), (left)); \
	     (msg) = mnl_nlmsg_next((msg), &(left)))

/* What the kernel said about the last request (its extended acknowledgement), or "". */
const char *qos_nl_said(const struct qos_nl *nl);

/*
 * Report a failed request as "WHAT: WHY", where WHAT is the caller's text
 * ("cannot create fq on eth0") and WHY the kernel's own words or else those of
 * the error; with what to do about it where that is known. diags may be null.
 * Returns error, for `return qos_nl_fail(…)`.
 */
int qos_nl_fail(const struct qos_nl *nl, struct qos_diags *diags, int error, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif
