/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The user of a socket. bpf_get_socket_uid() calls functions that call others, and with what
 * guards returns on some CPUs that costs as much as all else that rules may ask for. So it is read
 * from the socket where the kernel lets a program cast it to its own struct (bpf_rdonly_cast(),
 * Linux 6.2 and later), which costs no instruction. The controller says where, and makes the call:
 * an extern of its name would have libbpf read the kernel's BTF for each policy, users in it or
 * not.
 */
#ifndef QOS_USER_H
#define QOS_USER_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "maps.h"

static const void *(*const rdonly_cast)(const void *obj, __u32 type) = (void *)QOS_CALL_RDONLY_CAST;

/* What is offset bytes into a struct of the kernel's. */
#define READ(type, obj, offset) (*(type *)((const char *)(obj) + (offset)))

/* In the first user namespace a user's number is the one that the kernel has; 0: it is another. */
static __always_inline int read_uid(const struct bpf_sock *sk, __u32 *uid)
{
	const void *sock = rdonly_cast(sk, qos_link.sock.type);
	const void *net = READ(const void *const, sock, qos_link.sock.net);
	const void *ns = READ(const void *const, net, qos_link.sock.user_ns);

	*uid = READ(const __u32, sock, qos_link.sock.uid);
	return READ(const __u32, ns, qos_link.sock.level) == 0;
}

/*
 * A socket that waits for its end has no user, though the helper names one; of a connection that
 * is asked for it is the listener's.
 */
static __always_inline __u32 socket_uid(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	__u32 uid;

	if (!sk || sk->state == BPF_TCP_TIME_WAIT)
		return QOS_NO_UID;
	if (qos_link.sock.type && sk->state != BPF_TCP_NEW_SYN_RECV && read_uid(sk, &uid))
		return uid;
	return bpf_get_socket_uid(skb);
}

#endif
