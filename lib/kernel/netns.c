/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/netns.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/names.h"

/* /proc/sys/net is that of the reader's namespace, and these settings of the
 * whole machine are in the first one only (net_core_table, registered for
 * init_net in net/core/sysctl_net_core.c). Its cookie does not tell: 1 in 6.1
 * and 6.12, another one where all kinds of namespaces are counted together.
 */
#define FIRST_HAS "/proc/sys/net/core/dev_weight"

int qos_netns_cookie(uint64_t *ret_cookie)
{
	_cleanup_(closep) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(*ret_cookie);

	if (fd < 0)
		return -errno;
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, ret_cookie, &len) < 0)
		return -errno;
	return 0;
}

bool qos_netns_is_first(void)
{
	return access(FIRST_HAS, F_OK) == 0;
}

int qos_netns_name(const char *ifname, struct qos_diags *diags, char *buf)
{
	uint64_t cookie = 0;
	int r;

	if (!qos_ifname_valid(ifname)) {
		qos_diag(diags, QOS_INVALID, "'%s' cannot be the name of an interface", ifname);
		return -EINVAL;
	}

	if (qos_netns_is_first()) {
		snprintf(buf, QOS_NETNS_NAME_LEN, "%s", ifname);
		return 0;
	}

	r = qos_netns_cookie(&cookie);
	if (r < 0) {
		qos_diag(diags, QOS_UNSUPPORTED, "cannot tell network namespaces apart: %s",
			 strerror(-r));
		qos_diag_hint(diags, "Linux 6.1 or later is needed");
		return r;
	}

	snprintf(buf, QOS_NETNS_NAME_LEN, "%s:%" PRIu64, ifname, cookie);
	return 0;
}
