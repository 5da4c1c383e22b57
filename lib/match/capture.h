/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The frames of a file that tcpdump(1) wrote. */
#ifndef QOS_MATCH_CAPTURE_H
#define QOS_MATCH_CAPTURE_H

#include "match/packet.h"

struct qos_capture;

/*
 * A file of pcap or pcapng, of Ethernet frames, IP packets, or Linux cooked ones, or "-" for
 * standard input. -EINVAL, or the errno of opening it, or -EOPNOTSUPP where libpcap is not
 * installed, with a diagnostic.
 */
int qos_capture_open(const char *path, struct qos_diags *diags, struct qos_capture **ret_capture);
void qos_capture_close(struct qos_capture *capture);

/* 1 and the next frame, valid until the one after it; 0 at the end; -EINVAL with a diagnostic. */
int qos_capture_next(struct qos_capture *capture, struct qos_diags *diags,
		     struct qos_frame *ret_frame);

#endif
