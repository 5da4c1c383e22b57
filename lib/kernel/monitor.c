/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/monitor.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "kernel/bpf_state.h"
#include "kernel/clsact.h"
#include "kernel/listener.h"
#include "kernel/live.h"

#define RING_SIZE (4U << 20) /* some 18,000 events, while somebody listens */
#define FOLLOW_NS 250000000ULL

DEFINE_CLEANUP(char **, namesp, qos_device_list_free)
DEFINE_CLEANUP(struct qos_monitor *, monitorp, qos_kernel_monitor_free)

/* An interface. */
struct watched {
	char name[IFNAMSIZ]; /* as it was when it was seen last */
	int ifindex;
	struct qos_listener *listener; /* null: it is not shaped */
	struct qos_listener *before;   /* stopped: events of it may still be in the ring */
};

struct qos_monitor {
	struct qos_nl *nl;
	int ring_fd;
	struct ring_buffer *ring;
	struct watched *watched;
	size_t count;
	uint32_t last_id; /* of a listener */
	uint64_t follow_at;
	struct qos_monitor_filter filter;
	char *class_name; /* the filter's */
	/* of the call that waits: */
	qos_monitor_fn *fn;
	void *arg;
	int ended; /* what fn or telling returned, if not 0 */
};

void qos_kernel_monitor_free(struct qos_monitor *monitor)
{
	if (!monitor)
		return;
	for (size_t i = 0; i < monitor->count; i++) {
		qos_listener_free(monitor->watched[i].listener);
		qos_listener_free(monitor->watched[i].before);
	}
	ring_buffer__free(monitor->ring);
	closep(&monitor->ring_fd);
	qos_nl_close(monitor->nl);
	free(monitor->watched);
	free(monitor->class_name);
	free(monitor);
}

/* --- telling --------------------------------------------------------------------------------- */

/* Takes json over. What the function returned, or -ENOMEM. */
static int tell(struct qos_monitor *monitor, json_t *json)
{
	_cleanup_(freep) char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	monitor->ended = text ? monitor->fn(text, monitor->arg) : -ENOMEM;
	return monitor->ended;
}

static const struct qos_listener *find_listener(const struct qos_monitor *monitor, uint32_t id)
{
	for (size_t i = 0; i < monitor->count; i++) {
		const struct watched *watched = &monitor->watched[i];

		if (watched->listener && watched->listener->id == id)
			return watched->listener;
		if (watched->before && watched->before->id == id)
			return watched->before;
	}
	return NULL;
}

static int take_event(void *ctx, void *data, size_t size)
{
	struct qos_monitor *monitor = ctx;
	const struct qos_event *event = data;
	const struct qos_listener *listener;

	if (size < sizeof(*event))
		return 0;
	listener = find_listener(monitor, event->listener);
	/* the ring goes on after anything that is not below 0 */
	return listener && tell(monitor, qos_listener_event(listener, event)) ? -ECANCELED : 0;
}

static int tell_lost(struct qos_monitor *monitor, struct qos_listener *listener)
{
	uint64_t lost = listener ? qos_listener_take_lost(listener) : 0;

	return lost ? tell(monitor, qos_listener_news(listener->ifname, "lost", "events", lost)) :
		      0;
}

static int tell_all_lost(struct qos_monitor *monitor)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < monitor->count; i++)
		r = tell_lost(monitor, monitor->watched[i].listener);
	return r;
}

/* --- following ------------------------------------------------------------------------------- */

static int listen_to(struct qos_monitor *monitor, const char *ifname, bool expect_class,
		     struct qos_diags *diags, struct watched *watched)
{
	_cleanup_(qos_device_closep) struct qos_device *device = NULL;
	int r = qos_device_open(ifname, NULL, diags, &device);

	if (r == 0)
		r = qos_device_expect_running(device, diags);
	if (r < 0)
		return r;
	memcpy(watched->name, device->link.name, sizeof(watched->name));
	watched->ifindex = device->link.ifindex;
	return qos_listener_new(device, &monitor->filter, expect_class, monitor->ring_fd,
				++monitor->last_id, diags, &watched->listener);
}

/* The program that shapes an interface now; 0: none. */
static int find_program(struct qos_monitor *monitor, struct watched *watched,
			struct qos_diags *diags, uint32_t *ret_id)
{
	_cleanup_(qos_filters_done) struct qos_filters filters = { 0 };
	const struct qos_filter *ours;
	struct qos_link_info link;
	int r = qos_link_get_index(monitor->nl, watched->ifindex, diags, &link);

	*ret_id = 0;
	if (r == -ENODEV)
		return 0;
	if (r == 0)
		r = qos_filters_get(monitor->nl, &link, diags, &filters);
	if (r < 0)
		return r;
	memcpy(watched->name, link.name, sizeof(watched->name));
	ours = qos_filters_ours(&filters);
	*ret_id = ours ? ours->prog_id : 0;
	return 0;
}

/* Off a program that was replaced or removed; what it lost is told. */
static int stop_listening(struct qos_monitor *monitor, struct watched *watched)
{
	int r = tell_lost(monitor, watched->listener);

	qos_listener_free(watched->before);
	watched->before = TAKE_PTR(watched->listener);
	qos_listener_stop(watched->before);
	return r;
}

/* To the one that took its place, which the classes may be others of. */
static int go_on(struct qos_monitor *monitor, struct watched *watched, struct qos_diags *diags)
{
	struct watched next = { .ifindex = 0 };
	int r = listen_to(monitor, watched->name, false, diags, &next);

	if (r < 0)
		return r;
	if (watched->listener)
		r = stop_listening(monitor, watched);
	watched->listener = next.listener;
	return r ? r :
		   tell(monitor, qos_listener_news(watched->name, "replaced", "prog_id",
						   next.listener->prog_id));
}

static int follow_one(struct qos_monitor *monitor, struct watched *watched, struct qos_diags *diags)
{
	uint32_t id = watched->listener ? watched->listener->prog_id : 0, now;
	int r = find_program(monitor, watched, diags, &now);

	if (r < 0 || now == id)
		return r;
	if (now)
		return go_on(monitor, watched, diags);
	r = stop_listening(monitor, watched);
	return r ? r : tell(monitor, qos_listener_news(watched->name, "removed", NULL, 0));
}

static int refuse_end(const struct qos_monitor *monitor, struct qos_diags *diags)
{
	if (monitor->count == 1)
		qos_diag(diags, QOS_FAILED, "%s is not shaped any more", monitor->watched[0].name);
	else
		qos_diag(diags, QOS_FAILED, "no interface is shaped any more");
	return -ENOENT;
}

static int follow(struct qos_monitor *monitor, struct qos_diags *diags)
{
	size_t shaped = 0;
	int r = 0;

	if (qos_live_now() < monitor->follow_at)
		return 0;
	for (size_t i = 0; r == 0 && i < monitor->count; i++) {
		r = follow_one(monitor, &monitor->watched[i], diags);
		shaped += monitor->watched[i].listener != NULL;
	}
	monitor->follow_at = qos_live_now() + FOLLOW_NS;
	return r || shaped ? r : refuse_end(monitor, diags);
}

/* --- the whole ------------------------------------------------------------------------------- */

static int refuse_ring(int error, struct qos_diags *diags)
{
	if (error != -EPERM)
		return qos_bpf_fail(diags, error, "cannot make a ring for events");
	qos_diag(diags, QOS_UNSUPPORTED, "cannot make a ring for events: %s", strerror(-error));
	qos_diag_hint(diags, QOS_LISTENER_NEEDS);
	return error;
}

static int open_ring(struct qos_monitor *monitor, struct qos_diags *diags)
{
	monitor->ring_fd =
		bpf_map_create(BPF_MAP_TYPE_RINGBUF, "qos_events", 0, 0, RING_SIZE, NULL);
	if (monitor->ring_fd >= 0)
		monitor->ring = ring_buffer__new(monitor->ring_fd, take_event, monitor, NULL);
	return monitor->ring ? 0 : refuse_ring(-errno, diags);
}

static int copy_filter(struct qos_monitor *monitor, const struct qos_monitor_filter *filter)
{
	monitor->filter = *filter;
	if (!filter->class_name)
		return 0;
	monitor->class_name = strdup(filter->class_name);
	monitor->filter.class_name = monitor->class_name;
	return monitor->class_name ? 0 : -ENOMEM;
}

static int watch(struct qos_monitor *monitor, const char *const *ifnames, size_t count,
		 struct qos_diags *diags)
{
	int r = 0;

	if (!count) {
		qos_diag(diags, QOS_FAILED, "no interface is shaped");
		qos_diag_hint(diags, "qosctl apply IFACE");
		return -ENOENT;
	}
	monitor->watched = calloc(count, sizeof(*monitor->watched));
	if (!monitor->watched)
		return -ENOMEM;
	for (; r == 0 && monitor->count < count; monitor->count++)
		r = listen_to(monitor, ifnames[monitor->count], true, diags,
			      &monitor->watched[monitor->count]);
	return r;
}

static int watch_all(struct qos_monitor *monitor, struct qos_diags *diags)
{
	_cleanup_(namesp) char **names = NULL;
	size_t count = 0;
	int r = qos_device_list(false, diags, &names);

	if (r < 0)
		return r;
	while (names[count])
		count++;
	return watch(monitor, (const char *const *)names, count, diags);
}

int qos_kernel_monitor_open(const char *const *ifnames, size_t count,
			    const struct qos_monitor_filter *filter, struct qos_diags *diags,
			    struct qos_monitor **ret_monitor)
{
	_cleanup_(monitorp) struct qos_monitor *monitor = calloc(1, sizeof(*monitor));
	int r;

	if (!monitor)
		return -ENOMEM;
	monitor->ring_fd = -1;
	r = copy_filter(monitor, filter);
	if (r == 0)
		r = qos_nl_open(diags, &monitor->nl);
	if (r == 0)
		r = open_ring(monitor, diags);
	if (r == 0)
		r = count ? watch(monitor, ifnames, count, diags) : watch_all(monitor, diags);
	if (r < 0)
		return r;
	monitor->follow_at = qos_live_now() + FOLLOW_NS;
	*ret_monitor = TAKE_PTR(monitor);
	return 0;
}

/* Not beyond the next look at which program runs. */
static int limit_timeout(const struct qos_monitor *monitor, int timeout_ms)
{
	uint64_t now = qos_live_now();
	int left = now < monitor->follow_at ? (int)((monitor->follow_at - now) / 1000000) + 1 : 0;

	return timeout_ms < left ? timeout_ms : left;
}

int qos_kernel_monitor_wait(struct qos_monitor *monitor, int timeout_ms, qos_monitor_fn *fn,
			    void *arg, struct qos_diags *diags)
{
	int r;

	monitor->fn = fn;
	monitor->arg = arg;
	monitor->ended = 0;
	r = ring_buffer__poll(monitor->ring, limit_timeout(monitor, timeout_ms));
	if (monitor->ended)
		return monitor->ended;
	if (r < 0 && r != -EINTR)
		return qos_bpf_fail(diags, r, "cannot read events");
	/* what is lost came after what is in the ring, which a signal left unread */
	r = r < 0 ? 0 : tell_all_lost(monitor);
	return r ? r : follow(monitor, diags);
}
