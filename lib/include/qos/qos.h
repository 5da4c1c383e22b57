/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libqos: egress shaping of Linux interfaces by eBPF and EDT.
 *
 * Every function returns 0 or a negative errno, and says what went wrong in
 * the caller's struct qos_diags; the library never prints. Outputs (ret_*) are
 * written on success only. Strings returned through a char ** are the
 * caller's, for free(). Nothing is shared between calls: use from several
 * threads is safe with separate objects.
 */
#ifndef QOS_QOS_H
#define QOS_QOS_H

#include <stddef.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

/* All else in the library is compiled as hidden. */
#pragma GCC visibility push(default)

struct qos_diags;  /* what a call had to say */
struct qos_policy; /* a policy file, read and found good */

/* How bad the worst of the diagnostics is; the values are qosctl's exit status. */
enum qos_status {
	QOS_OK = 0,
	QOS_FAILED = 1,	     /* it should have worked and did not */
	QOS_INVALID = 2,     /* the policy or an argument is wrong */
	QOS_UNSUPPORTED = 3, /* the kernel, or the privileges, do not allow it */
};

/* Null when out of memory. */
struct qos_diags *qos_diags_new(void);
void qos_diags_free(struct qos_diags *diags);
enum qos_status qos_diags_status(const struct qos_diags *diags);

/*
 * All diagnostics in the order of their place in the file: for one with a
 * place "FILE:LINE:COL: error: TEXT", the source line and a caret; for one
 * without "error: TEXT" and, where there is one, a line "hint: TEXT". Ends
 * with a newline; empty when there are none. -ENOMEM.
 */
int qos_diags_text(const struct qos_diags *diags, char **ret_text);
/* The same as JSON: [{"severity","file","line","column","message","hint"}]. */
int qos_diags_json(const struct qos_diags *diags, char **ret_json);

/*
 * Read and judge a policy file. Needs no privilege and no kernel.
 * -EINVAL with at least one diagnostic when the policy is wrong, all of its
 * errors reported, those of its schedules included; otherwise the errno of reading it.
 * The policy is as the file has it, whatever its schedules set.
 */
int qos_policy_read(const char *path, struct qos_diags *diags, struct qos_policy **ret_policy);
/*
 * The same, with the values of the schedule that holds at a time: which that is comes
 * from its cron expression, the time and the time zone of the process alone. Without a
 * schedule that ever fired before, as qos_policy_read().
 */
int qos_policy_read_at(const char *path, time_t when, struct qos_diags *diags,
		       struct qos_policy **ret_policy);
void qos_policy_free(struct qos_policy *policy);
/* The interface that the policy is for; valid as long as the policy. */
const char *qos_policy_interface(const struct qos_policy *policy);
/*
 * Warn where the caller is root and others can write the file, or a folder on its
 * way: qos_apply() refuses such a policy. qos_plan() warns by itself.
 */
void qos_policy_judge_file(const struct qos_policy *policy, struct qos_diags *diags);

/*
 * Warn of what is right in a policy and surely not meant: rules that never match, with the one
 * that takes their packets, classes that get none, a default that surprises. qos_plan() warns
 * by itself.
 */
int qos_policy_judge_rules(const struct qos_policy *policy, struct qos_diags *diags);

/*
 * What apply would change on the policy's interface, one line a change
 * ("+ …" made, "- …" gone, in the plan's own order); empty when nothing. Where the plan is the
 * same, but not the text it is of or what is set, a line says that.
 * Changes nothing. With json: {"interface","changes":[{"op":"+","what":"…"}]}.
 */
int qos_plan(const struct qos_policy *policy, int json, struct qos_diags *diags, char **ret_text);

/* The complete plan, without looking at any kernel. */
int qos_plan_full(const struct qos_policy *policy, struct qos_diags *diags, char **ret_text);

/*
 * Make the interface follow the policy: all or nothing, idempotent, under
 * traffic. After an error what was in force is in force. ret_text is what was
 * changed, as qos_plan() says it. Needs CAP_NET_ADMIN, CAP_BPF, CAP_PERFMON.
 * -EPERM where the caller is root and somebody else could have written the policy.
 */
int qos_apply(const struct qos_policy *policy, int json, struct qos_diags *diags, char **ret_text);

/*
 * Put values over the policy's in a class that is in force, or "link" for the link: settings are
 * count times "KEY=VALUE". hold: for how long ("90s", "30min", "2h", "1d"; the kernel's timers end
 * it), or null until the next qos_apply(). Numbers only are changed: no packet is lost, no clock
 * begins anew. -ENOENT where nothing of ours is on the interface. ret_text as with qos_apply(),
 * and of a value that was set before when it ends now.
 */
int qos_set(const char *ifname, const char *class_name, const char *const *settings, size_t count,
	    const char *hold, int json, struct qos_diags *diags, char **ret_text);
/* Take them away again: those of a class (null: of all) and of count keys (0: all). */
int qos_unset(const char *ifname, const char *class_name, const char *const *keys, size_t count,
	      int json, struct qos_diags *diags, char **ret_text);

/* Begin a schedule of the policy in force, as cron does: it holds until the next one fires. */
int qos_schedule_run(const char *ifname, const char *name, int json, struct qos_diags *diags,
		     char **ret_text);
/*
 * Have cron run the schedules of a policy: writes a file of /etc/cron.d, whose path is the
 * caller's. program: the absolute path of qosctl. -ENOENT where the policy has none. -EPERM as with
 * qos_apply().
 */
int qos_schedule_install(const struct qos_policy *policy, const char *program,
			 struct qos_diags *diags, char **ret_path);
/* Remove that file. -ENOENT when it is not there. */
int qos_schedule_uninstall(const char *ifname, struct qos_diags *diags, char **ret_path);
/* The schedules of the policy in force, as a JSON document (an object). */
int qos_schedules(const char *ifname, struct qos_diags *diags, char **ret_json);

/* Take everything of ours off the interface and put back what was there
 * before. -ENOENT when nothing of ours is on it. ret_text: what was done. Of one
 * that is gone, what it left; with a null ifname that of all that are gone. */
int qos_remove(const char *ifname, int json, struct qos_diags *diags, char **ret_text);

/*
 * States, as JSON documents; the keys of each are in qosctl(8). With a null
 * ifname: every interface that is shaped here. Always an array of interfaces
 * (show, stats), or one object (doctor; of who may not look at the interface it
 * says that, and what else it finds).
 */
int qos_show(const char *ifname, struct qos_diags *diags, char **ret_json);
int qos_stats(const char *ifname, struct qos_diags *diags, char **ret_json);
int qos_doctor(const char *ifname, struct qos_diags *diags, char **ret_json);

/*
 * How often each rule of the policies in force took a packet, as a JSON document: an array of
 * interfaces, as qos_stats(). Begins anew when an apply changes rules.
 */
int qos_rules(const char *ifname, struct qos_diags *diags, char **ret_json);

/*
 * The flows of an interface that send now, those that send most first, as a JSON
 * document (an object): the first most of them, or all with 0. Looks twice, 200 ms
 * apart. -EOPNOTSUPP with mode police, which follows no flows.
 */
int qos_flows(const char *ifname, unsigned int most, struct qos_diags *diags, char **ret_json);

/*
 * What becomes of a packet by a policy's rules: its class, the rule, and what kept others from
 * it, as a JSON document (an object). The packet is text, "udp 10.0.0.2:5000 > 1.1.1.1:53 dscp
 * ef"; -EINVAL with the word that is wrong. Needs no privilege and no kernel.
 */
int qos_explain_policy(const struct qos_policy *policy, const char *packet, struct qos_diags *diags,
		       char **ret_json);
/*
 * The same of the packets of a file of pcap, path, or standard input ("-"): each of them goes to
 * each() as such an object, on one line, valid during the call; a negative errno that it returns
 * ends it, and is returned. each may be null. ret_json: the sums of the classes (an object); there
 * are some with an error too where packets came before it, as in a file that was cut off (-EINVAL).
 */
typedef int (*qos_explain_each)(void *arg, const char *json);
int qos_explain_policy_capture(const struct qos_policy *policy, const char *path,
			       qos_explain_each each, void *arg, struct qos_diags *diags,
			       char **ret_json);

/*
 * The same by the program that an interface has, asked through BPF_PROG_TEST_RUN, which sends,
 * charges and counts nothing; and how long the packet would wait now. -ENOENT where nothing of ours
 * is on the interface. Of a frame that the kernel does not take for that the policy in force says
 * it, with a warning. Needs CAP_NET_ADMIN, CAP_BPF, CAP_PERFMON.
 */
int qos_explain(const char *ifname, const char *packet, struct qos_diags *diags, char **ret_json);
int qos_explain_capture(const char *ifname, const char *path, qos_explain_each each, void *arg,
			struct qos_diags *diags, char **ret_json);

/* What a monitor is to tell. All zero: drops and marks, of all classes. */
struct qos_monitor_filter {
	int drops, marks;    /* these only; neither, or both: both */
	unsigned int sample; /* and of the packets that pass as they came one in so many; 0: none */
	const char *class_name; /* only of this class and those in it; null: of all */
};

/*
 * Listen to what happens to packets of interfaces: count names, or with 0 all that are shaped
 * here. Until it is freed, or the process ends however it does, each packet costs a little more;
 * when nobody listens nothing is left of it. -EOPNOTSUPP where the kernel cannot. Needs
 * CAP_SYS_ADMIN, to read what the program says of itself; that includes CAP_BPF and CAP_PERFMON.
 */
struct qos_monitor;
int qos_monitor_open(const char *const *ifnames, size_t count,
		     const struct qos_monitor_filter *filter, struct qos_diags *diags,
		     struct qos_monitor **ret_monitor);
/*
 * Wait for events, for timeout_ms at most, and hand over those that there are by then, in their
 * order: each as a JSON document (an object), valid until the function returns. What that returns,
 * if not 0 (then more), ends the call and is what this returns. Programs that are replaced are
 * followed from here. -ENOENT when no interface is shaped any more.
 */
typedef int qos_monitor_fn(const char *json, void *arg);
int qos_monitor_wait(struct qos_monitor *monitor, int timeout_ms, qos_monitor_fn *fn, void *arg,
		     struct qos_diags *diags);
void qos_monitor_free(struct qos_monitor *monitor);

/* What calls of this library need; capabilities(7). */
enum qos_privileges {
	QOS_PRIVILEGES_NONE,  /* nothing more of the kernel, nor of a policy's file */
	QOS_PRIVILEGES_READ,  /* qos_policy_read() of any user's file */
	QOS_PRIVILEGES_SHAPE, /* all */
};

/*
 * Give up the capabilities of the calling thread, for a program that does nothing
 * else with them, but what it has of those that are needed. There is no way
 * back, for the programs that it starts neither. Not for use beside other calls.
 */
int qos_privileges_keep(enum qos_privileges keep, struct qos_diags *diags);

const char *qos_version(void);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
