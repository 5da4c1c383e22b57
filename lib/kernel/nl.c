/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/nl.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <linux/rtnetlink.h>

#include "kernel/privileges.h"

/* An attribute's length is 16 bits: one of any size fits, and the rest of a
 * request many times over.
 */
#define REQUEST_SIZE (80 * 1024)
/* No dump message is larger (netlink_dump(), net/netlink/af_netlink.c: 32 KiB). */
#define ANSWER_SIZE (64 * 1024)
/* Dumps are begun anew this often: tables that change all the time end it. */
#define DUMP_TRIES 16

struct qos_nl {
	struct mnl_socket *socket;
	unsigned int seq;
	bool interrupted; /* the dump is not of one state of the tables */
	char said[256];
	char request[REQUEST_SIZE] __attribute__((aligned(8)));
	char answer[ANSWER_SIZE] __attribute__((aligned(8)));
};

/* What to do with an answer's messages; 1: that was the last one. */
typedef int (*message_fn)(const struct nlmsghdr *msg, void *data);

static int socket_open(struct qos_nl *nl)
{
	int one = 1;

	nl->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!nl->socket)
		return -errno;
	if (mnl_socket_bind(nl->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;

	/* All three are in the oldest kernel that we support. Without them we
	 * would only know less, so failure is no error.
	 */
	(void)mnl_socket_setsockopt(nl->socket, NETLINK_EXT_ACK, &one, sizeof(one));
	(void)mnl_socket_setsockopt(nl->socket, NETLINK_CAP_ACK, &one, sizeof(one));
	(void)mnl_socket_setsockopt(nl->socket, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	return 0;
}

static int nl_open(struct qos_nl **ret_nl)
{
	_cleanup_(qos_nl_closep) struct qos_nl *nl = calloc(1, sizeof(*nl));
	int r;

	if (!nl)
		return -ENOMEM;

	r = socket_open(nl);
	if (r < 0)
		return r;

	*ret_nl = TAKE_PTR(nl);
	return 0;
}

int qos_nl_open(struct qos_diags *diags, struct qos_nl **ret_nl)
{
	int r = nl_open(ret_nl);

	if (r < 0)
		qos_diag(diags, QOS_FAILED, "cannot open a netlink socket: %s", strerror(-r));
	return r;
}

struct scratch {
	struct qos_nl *nl;
	int error;
};

static void *scratch_open(void *data)
{
	struct scratch *scratch = data;

	if (unshare(CLONE_NEWNET) < 0)
		scratch->error = -errno;
	else
		scratch->error = nl_open(&scratch->nl);
	return NULL;
}

/* A network namespace belongs to a thread: one that ends right away leaves the
 * caller's alone and nothing but the socket in the new one.
 */
int qos_nl_open_scratch(struct qos_nl **ret_nl)
{
	_raised_ uint64_t raised = qos_kernel_raise(QOS_CAP(CAP_SYS_ADMIN));
	struct scratch scratch = { .error = 0 };
	pthread_t thread;
	int r;

	r = pthread_create(&thread, NULL, scratch_open, &scratch);
	if (r != 0)
		return -r;
	r = pthread_join(thread, NULL);
	if (r != 0)
		return -r;
	if (scratch.error < 0)
		return scratch.error;

	*ret_nl = scratch.nl;
	return 0;
}

void qos_nl_close(struct qos_nl *nl)
{
	if (!nl)
		return;
	if (nl->socket)
		mnl_socket_close(nl->socket);
	free(nl);
}

struct nlmsghdr *qos_nl_message(struct qos_nl *nl, uint16_t type, uint16_t flags, size_t extra)
{
	struct nlmsghdr *msg = mnl_nlmsg_put_header(nl->request);

	msg->nlmsg_type = type;
	msg->nlmsg_flags = NLM_F_REQUEST | flags;
	mnl_nlmsg_put_extra_header(msg, extra);
	return msg;
}

static int take_text(const struct nlattr *attr, void *data)
{
	struct qos_nl *nl = data;

	if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG &&
	    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
		snprintf(nl->said, sizeof(nl->said), "%s", mnl_attr_get_str(attr));
	return MNL_CB_OK;
}

/* NLMSG_ERROR, the acknowledgement included: the errno, and the text after it. */
static int take_error(struct qos_nl *nl, const struct nlmsghdr *msg)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(msg);
	size_t skip = sizeof(*err);

	if (mnl_nlmsg_get_payload_len(msg) < sizeof(*err))
		return -EBADMSG;

	/* Unless capped the request is repeated in front of the attributes. */
	if (!(msg->nlmsg_flags & NLM_F_CAPPED))
		skip += mnl_nlmsg_get_payload_len(&err->msg);
	if (msg->nlmsg_flags & NLM_F_ACK_TLVS)
		mnl_attr_parse(msg, skip, take_text, nl);
	return err->error;
}

/* NLMSG_DONE of a dump carries an int, negative when the dump failed, and then
 * perhaps why.
 */
static int take_done(struct qos_nl *nl, const struct nlmsghdr *msg)
{
	if (mnl_nlmsg_get_payload_len(msg) < sizeof(int))
		return 0;
	if (msg->nlmsg_flags & NLM_F_ACK_TLVS)
		mnl_attr_parse(msg, sizeof(int), take_text, nl);
	return *(const int *)mnl_nlmsg_get_payload(msg);
}

static int take_message(struct qos_nl *nl, const struct nlmsghdr *msg, message_fn fn, void *data)
{
	int r;

	switch (msg->nlmsg_type) {
	case NLMSG_NOOP:
		return 0;
	case NLMSG_OVERRUN:
		return -ENOBUFS;
	case NLMSG_ERROR:
		r = take_error(nl, msg);
		return r < 0 ? r : 1;
	case NLMSG_DONE:
		r = take_done(nl, msg);
		return r < 0 ? r : 1;
	default:
		return fn ? fn(msg, data) : 0;
	}
}

static int receive(struct qos_nl *nl)
{
	ssize_t n;

	do
		n = mnl_socket_recvfrom(nl->socket, nl->answer, sizeof(nl->answer));
	while (n < 0 && errno == EINTR);

	return n < 0 ? -errno : (int)n;
}

/* Read answers until fn, an acknowledgement or the end of a dump says stop.
 * Messages of an earlier exchange that was given up are passed over.
 */
static int read_answers(struct qos_nl *nl, message_fn fn, void *data)
{
	unsigned int portid = mnl_socket_get_portid(nl->socket);

	for (;;) {
		const struct nlmsghdr *msg = (const struct nlmsghdr *)nl->answer;
		int left = receive(nl);

		if (left < 0)
			return left;
		for (; mnl_nlmsg_ok(msg, left); msg = mnl_nlmsg_next(msg, &left)) {
			int r;

			if (msg->nlmsg_seq != nl->seq || msg->nlmsg_pid != portid)
				continue;
			if (msg->nlmsg_flags & NLM_F_DUMP_INTR)
				nl->interrupted = true;
			r = take_message(nl, msg, fn, data);
			if (r != 0)
				return r < 0 ? r : 0;
		}
	}
}

static int exchange(struct qos_nl *nl, struct nlmsghdr *msg, message_fn fn, void *data)
{
	ssize_t n;

	nl->said[0] = '\0';
	nl->interrupted = false;
	msg->nlmsg_seq = ++nl->seq;
	do
		n = mnl_socket_sendto(nl->socket, msg, msg->nlmsg_len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;

	return read_answers(nl, fn, data);
}

int qos_nl_request(struct qos_nl *nl, struct nlmsghdr *msg)
{
	msg->nlmsg_flags |= NLM_F_ACK;
	return exchange(nl, msg, NULL, NULL);
}

static int take_answer(const struct nlmsghdr *msg, void *data)
{
	const struct nlmsghdr **answer = data;

	*answer = msg;
	return 1;
}

int qos_nl_get(struct qos_nl *nl, struct nlmsghdr *msg, const struct nlmsghdr **ret_answer)
{
	const struct nlmsghdr *answer = NULL;
	int r;

	r = exchange(nl, msg, take_answer, &answer);
	if (r < 0)
		return r;
	if (!answer)
		return -ENODATA;

	*ret_answer = answer;
	return 0;
}

struct collect {
	char *data;
	size_t len, size;
};

static void collect_done(struct collect *collect)
{
	free(collect->data);
}

static int collect_message(const struct nlmsghdr *msg, void *data)
{
	struct collect *collect = data;
	size_t len = MNL_ALIGN(msg->nlmsg_len);

	if (!collect->data || collect->size - collect->len < len) {
		size_t size = collect->size * 2 + len;
		char *grown = realloc(collect->data, size);

		if (!grown)
			return -ENOMEM;
		collect->data = grown;
		collect->size = size;
	}

	memset(collect->data + collect->len, 0, len);
	memcpy(collect->data + collect->len, msg, msg->nlmsg_len);
	collect->len += len;
	return 0;
}

int qos_nl_dump(struct qos_nl *nl, struct nlmsghdr *msg, struct qos_nl_dump *ret_dump)
{
	msg->nlmsg_flags |= NLM_F_DUMP;

	for (unsigned int try = 0; try < DUMP_TRIES; try++) {
		_cleanup_(collect_done) struct collect collect = { .len = 0 };
		int r;

		r = exchange(nl, msg, collect_message, &collect);
		if (r == -ENOBUFS || r == -EBUSY || (r == 0 && nl->interrupted))
			continue;
		if (r < 0)
			return r;

		*ret_dump = (struct qos_nl_dump){ .len = collect.len };
		ret_dump->data = TAKE_PTR(collect.data);
		return 0;
	}
	return -EBUSY;
}

void qos_nl_dump_done(struct qos_nl_dump *dump)
{
	free(dump->data);
	*dump = (struct qos_nl_dump){ .data = NULL };
}

const char *qos_nl_said(const struct qos_nl *nl)
{
	return nl->said;
}

static enum qos_status status_of(int error)
{
	switch (error) {
	case -EPERM:
	case -EACCES:
	case -EOPNOTSUPP:
	case -EAFNOSUPPORT:
		return QOS_UNSUPPORTED;
	default:
		return QOS_FAILED;
	}
}

int qos_nl_fail(const struct qos_nl *nl, struct qos_diags *diags, int error, const char *fmt, ...)
{
	char what[256];
	va_list args;

	if (!diags)
		return error;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);

	qos_diag(diags, status_of(error), "%s: %s", what,
		 nl->said[0] ? nl->said : strerror(-error));
	if (error == -EPERM || error == -EACCES)
		qos_diag_hint(diags, "needs root (CAP_NET_ADMIN, CAP_BPF, CAP_PERFMON)");
	return error;
}
