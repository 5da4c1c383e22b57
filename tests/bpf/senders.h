/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whose the socket of a test run is: the kernel makes one each time, of the cgroup that the caller
 * is in, and of user 0 of its network namespace. So the caller moves: among cgroups of our own,
 * and into a network namespace of a user namespace that has no user 0, whose sockets are nobody's.
 * There is no run without a socket, and none of another user.
 */
#ifndef QOS_TESTS_BPF_SENDERS_H
#define QOS_TESTS_BPF_SENDERS_H

#include "random.h"

struct sender {
	uint32_t uid;
	const char *cgroup;
};

/* Makes the cgroups that random_cgroup() names. To be closed, from where it was opened. */
struct senders;
struct senders *senders_open(void);
void senders_close(struct senders *senders);

/* From here on test runs are of a random one, */
struct sender senders_become(struct senders *senders, struct random *r);
/* or of who the caller was at first. */
struct sender senders_return(struct senders *senders);

#endif
