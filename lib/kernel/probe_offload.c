/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What leaves a device and never was on its egress hook. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <bpf/libbpf.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>

#include "kernel/check.h"
#include "kernel/probe.h"

static int ethtool(int fd, const char *ifname, void *command)
{
	struct ifreq request = { .ifr_data = command };

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", ifname);
	return ioctl(fd, SIOCETHTOOL, &request) < 0 ? -errno : 0;
}

static int count_features(int fd, const char *ifname, uint32_t *ret_count)
{
	_cleanup_(freep) struct ethtool_sset_info *sets =
		calloc(1, sizeof(*sets) + sizeof(sets->data[0]));
	int r;

	if (!sets)
		return -ENOMEM;
	sets->cmd = ETHTOOL_GSSET_INFO;
	sets->sset_mask = 1ULL << ETH_SS_FEATURES;
	r = ethtool(fd, ifname, sets);
	if (r < 0)
		return r;
	*ret_count = sets->data[0];
	return sets->sset_mask ? 0 : -EOPNOTSUPP;
}

/* The number of a feature, of so many, or -ENOENT. */
static int find_feature(int fd, const char *ifname, const char *name, uint32_t count)
{
	size_t size = sizeof(struct ethtool_gstrings) + (size_t)count * ETH_GSTRING_LEN;
	_cleanup_(freep) struct ethtool_gstrings *names = calloc(1, size);
	int r;

	if (!names)
		return -ENOMEM;
	names->cmd = ETHTOOL_GSTRINGS;
	names->string_set = ETH_SS_FEATURES;
	names->len = count;
	r = ethtool(fd, ifname, names);
	for (uint32_t i = 0; r == 0 && i < count && i < names->len; i++)
		if (!strncmp((char *)names->data + (size_t)i * ETH_GSTRING_LEN, name,
			     ETH_GSTRING_LEN))
			return (int)i;
	return r < 0 ? r : -ENOENT;
}

int qos_probe_feature(const char *ifname, const char *name)
{
	_cleanup_(closep) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	_cleanup_(freep) struct ethtool_gfeatures *features = NULL;
	uint32_t count = 0, blocks;
	int r = fd < 0 ? -errno : count_features(fd, ifname, &count), bit;

	if (r < 0)
		return r;
	bit = find_feature(fd, ifname, name, count);
	if (bit < 0)
		return bit;
	blocks = (count + 31) / 32;
	features = calloc(1, sizeof(*features) + blocks * sizeof(features->features[0]));
	if (!features)
		return -ENOMEM;
	features->cmd = ETHTOOL_GFEATURES;
	features->size = blocks;
	r = ethtool(fd, ifname, features);
	if (r < 0)
		return r;
	return features->features[bit / 32].active >> bit % 32 & 1;
}

static bool has_xdp(const struct qos_link_info *link)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	return bpf_xdp_query(link->ifindex, 0, &query) == 0 && query.attach_mode;
}

int qos_probe_say_offloads(bool hardware, bool xdp, json_t *checks)
{
	int r = 0;

	if (hardware)
		r = qos_check_add(checks, "offloads", QOS_CHECK_WARN,
				  "ethtool -K DEV hw-tc-offload off, where nothing needs it",
				  "hw-tc-offload is on: what the hardware forwards by itself "
				  "passes unshaped");
	if (r == 0 && xdp)
		r = qos_check_add(checks, "offloads", QOS_CHECK_WARN, "bpftool net show",
				  "an XDP program is on it: what that sends back, and what AF_XDP "
				  "sockets send, passes unshaped");
	if (r < 0 || hardware || xdp)
		return r;
	return qos_check_add(checks, "offloads", QOS_CHECK_OK, NULL,
			     "none is on; not to be seen are XDP redirects to it from others, "
			     "AF_XDP, and packet sockets that ask to bypass qdiscs");
}

int qos_probe_offloads(const struct qos_link_info *link, json_t *checks)
{
	return qos_probe_say_offloads(qos_probe_feature(link->name, "hw-tc-offload") == 1,
				      has_xdp(link), checks);
}
