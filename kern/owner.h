/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whose a packet's socket is: its user and its cgroup. bpf_get_socket_uid() and
 * bpf_skb_cgroup_id() call functions that call others, and with what guards returns on some CPUs
 * both cost as much as all else that rules may ask for. So they are read from the socket where the
 * kernel lets a program have the skb as its own struct (bpf_cast_to_kern_ctx(), Linux 6.2 and
 * later, a move). The controller makes the call, and puts the offsets that the kernel's BTF says
 * into the loads: libbpf would read that BTF for each policy, users in it or not.
 */
#ifndef QOS_OWNER_H
#define QOS_OWNER_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "facts.h"
#include "maps.h"

static const void *(*const kernel_skb)(struct __sk_buff *skb) = (void *)QOS_CALL_KERNEL_SKB;

/* A member of a struct of the kernel's; type: of the load; which: enum qos_member. */
#define READ(type, obj, which)                              \
	({                                                  \
		__u64 _value;                               \
		asm volatile("%0 = *(" #type " *)(%1 + %2)" \
			     : "=r"(_value)                 \
			     : "r"(obj), "i"(which));       \
		_value;                                     \
	})

/*
 * In the first user namespace a user's number is the one that the kernel has. Of the interface's
 * own network namespace that is known: an interface that leaves it loses its program.
 */
static __always_inline int is_first_namespace(__u64 sock)
{
	__u64 net = READ(u64, sock, QOS_SOCK_NET), ns;

	if (net == qos_link.net)
		return 1;
	ns = READ(u64, net, QOS_NET_USER_NS);
	return READ(u32, ns, QOS_USER_NS_LEVEL) == 0;
}

static __always_inline __u64 read_cgroup(__u64 sock)
{
	__u64 cgroup = READ(u64, sock, QOS_SOCK_CGROUP);
	__u64 node = READ(u64, cgroup, QOS_CGROUP_NODE);

	return READ(u64, node, QOS_NODE_ID);
}

/* A socket that waits for its end has no user, though the helper names one. */
static __always_inline __u32 ask_uid(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;

	return sk && sk->state != BPF_TCP_TIME_WAIT ? bpf_get_socket_uid(skb) : QOS_NO_UID;
}

static __always_inline void ask_owner(struct __sk_buff *skb, struct facts *f)
{
	if (USES(QOS_PIECE_UID))
		f->more.uid = ask_uid(skb);
	if (USES(QOS_PIECE_CGROUP))
		f->more.cgroup = bpf_skb_cgroup_id(skb);
}

static __always_inline void read_owner(struct __sk_buff *skb, struct facts *f)
{
	__u64 sock = READ(u64, kernel_skb(skb), QOS_SKB_SOCK), state;

	if (!sock) {
		if (USES(QOS_PIECE_UID))
			f->more.uid = QOS_NO_UID;
		return;
	}
	/* one that waits for its end is less than a socket; so is that of a connection that is
	 * asked for, and its owner is the listener's, as the helpers know */
	state = READ(u8, sock, QOS_SOCK_STATE);
	if (state == BPF_TCP_TIME_WAIT || state == BPF_TCP_NEW_SYN_RECV) {
		ask_owner(skb, f);
		return;
	}
	if (USES(QOS_PIECE_UID))
		f->more.uid = is_first_namespace(sock) ? READ(u32, sock, QOS_SOCK_UID) :
							 bpf_get_socket_uid(skb);
	if (USES(QOS_PIECE_CGROUP))
		f->more.cgroup = read_cgroup(sock);
}

static __always_inline void find_owner(struct __sk_buff *skb, struct facts *f)
{
	if (!(USES(QOS_PIECE_UID) || USES(QOS_PIECE_CGROUP)))
		return;
	if (qos_link.reads_sockets)
		read_owner(skb, f);
	else
		ask_owner(skb, f);
}

#endif
