/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Each case is a machine in miniature: PID, mount and network namespaces of
 * its own, in which a child is process 1 and has a fresh /sys.
 */
#include "env.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include <bpf/bpf.h>
#include <linux/magic.h>

#include "kernel/bpffs.h"
#include "kernel/netns.h"

#define EXPECT(condition)                                                               \
	do {                                                                            \
		if (!(condition)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			return 1;                                                       \
		}                                                                       \
	} while (0)

struct machine {
	int (*fn)(void *data);
	void *data;
};

static int mount_sys(void)
{
	return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	       mount("proc", "/proc", "proc", 0, NULL) < 0 ||
	       mount("sysfs", "/sys", "sysfs", 0, NULL) < 0;
}

static int as_first(void *data)
{
	const struct machine *machine = data;

	EXPECT(getpid() == 1);
	EXPECT(mount_sys() == 0);
	return machine->fn(machine->data);
}

static int on_machine(void *data)
{
	EXPECT(unshare(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET) == 0);
	return in_child(as_first, data);
}

static void run_machine(int (*fn)(void *data))
{
	struct machine machine = { .fn = fn };

	env_need_root();
	assert_int_equal(in_child(on_machine, &machine), 0);
}

/* As ip-netns(8) exec does: a mount namespace of its own with a new /sys. */
static int hide_sys(void)
{
	return unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_SLAVE, NULL) < 0 ||
	       umount2("/sys", MNT_DETACH) < 0 || mount("sysfs", "/sys", "sysfs", 0, NULL) < 0;
}

static bool mounted(void)
{
	struct statfs fs;

	return statfs("/sys/fs/bpf", &fs) == 0 && (unsigned long)fs.f_type == BPF_FS_MAGIC;
}

/* Where the pins of qk0 are, and that it can hold one and be removed. */
static int check_path(const char *bpffs)
{
	_cleanup_(freep) char *dir = NULL, *found = NULL;
	struct qos_diags *diags = qos_diags_new();
	char name[QOS_NETNS_NAME_LEN], expected[128], pin[160];
	struct stat st;
	int map;

	EXPECT(qos_bpffs_path("qk0", diags, &dir) == 0);
	EXPECT(qos_netns_name("qk0", diags, name) == 0);
	snprintf(expected, sizeof(expected), "%s/qosctl/%s", bpffs, name);
	EXPECT(!strcmp(dir, expected));
	EXPECT(qos_bpffs_find(&found) == 0);
	EXPECT(!strcmp(found, bpffs));

	EXPECT(qos_bpffs_make(dir, diags) == 0);
	EXPECT(qos_bpffs_make(dir, diags) == 0);
	EXPECT(stat(dir, &st) == 0 && (st.st_mode & 07777) == 0700);
	map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "qk_map", 4, 4, 1, NULL);
	snprintf(pin, sizeof(pin), "%s/map", dir);
	EXPECT(bpf_obj_pin(map, pin) == 0);
	EXPECT(qos_bpffs_remove(dir, diags) == 0);
	EXPECT(stat(dir, &st) < 0 && errno == ENOENT);
	EXPECT(qos_bpffs_remove(dir, diags) == 0);
	EXPECT(qos_diags_status(diags) == QOS_OK);
	qos_diags_free(diags);
	return 0;
}

static int machine_mounted(void *data)
{
	(void)data;
	EXPECT(mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL) == 0);
	return check_path("/sys/fs/bpf");
}

/* Mounted as mount(8) does without options: all may write to it. */
static int machine_shared(void *data)
{
	_cleanup_(freep) char *dir = NULL, *text = NULL;
	struct qos_diags *diags = qos_diags_new();
	struct stat st;

	(void)data;
	EXPECT(mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL) == 0);
	EXPECT(stat("/sys/fs/bpf", &st) == 0 && (st.st_mode & 07777) == 01777);
	EXPECT(check_path("/sys/fs/bpf") == 0);
	EXPECT(stat("/sys/fs/bpf/qosctl", &st) == 0 && (st.st_mode & 07777) == 0700);
	EXPECT(chown("/sys/fs/bpf/qosctl", 65534, 0) == 0);
	EXPECT(qos_bpffs_path("qk0", diags, &dir) == -EPERM);
	EXPECT(dir == NULL);
	text = diags_text(diags);
	EXPECT(!strcmp(text, "error: /sys/fs/bpf/qosctl belongs to user 65534, not to root: it is "
			     "not used\nhint: apply makes it anew, and what is in force stays: "
			     "rm -r /sys/fs/bpf/qosctl\n"));
	qos_diags_free(diags);
	return 0;
}

static int machine_without(void *data)
{
	_cleanup_(freep) char *found = NULL;

	(void)data;
	EXPECT(!mounted());
	EXPECT(qos_bpffs_find(&found) == -ENOENT);
	EXPECT(check_path("/sys/fs/bpf") == 0);
	EXPECT(mounted());
	return 0;
}

static int pin_hidden(void *data)
{
	struct qos_diags *diags = qos_diags_new();
	_cleanup_(freep) char *dir = NULL;

	(void)data;
	EXPECT(hide_sys() == 0);
	EXPECT(!mounted());
	EXPECT(check_path("/proc/1/root/sys/fs/bpf") == 0);
	EXPECT(qos_bpffs_path("qk0", diags, &dir) == 0);
	EXPECT(qos_bpffs_make(dir, diags) == 0);
	qos_diags_free(diags);
	return 0;
}

/* What was pinned where /sys was hidden is in the first process's bpffs. */
static int see_pins(void)
{
	char name[QOS_NETNS_NAME_LEN], dir[128];
	struct qos_diags *diags = qos_diags_new();
	struct stat st;

	EXPECT(qos_netns_name("qk0", diags, name) == 0);
	snprintf(dir, sizeof(dir), "/sys/fs/bpf/qosctl/%s", name);
	EXPECT(stat(dir, &st) == 0);
	qos_diags_free(diags);
	return 0;
}

static int machine_hidden(void *data)
{
	(void)data;
	EXPECT(mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL) == 0);
	EXPECT(in_child(pin_hidden, NULL) == 0);
	return see_pins();
}

/* Mounted where it stays when the hidden one is gone. */
static int machine_hidden_without(void *data)
{
	(void)data;
	EXPECT(in_child(pin_hidden, NULL) == 0);
	EXPECT(mounted());
	return see_pins();
}

static int machine_unprivileged(void *data)
{
	struct qos_diags *diags = qos_diags_new();
	_cleanup_(freep) char *dir = NULL, *text = NULL;

	(void)data;
	EXPECT(setuid(65534) == 0);
	EXPECT(qos_bpffs_path("qk0", diags, &dir) == -EPERM);
	EXPECT(dir == NULL);
	EXPECT(qos_diags_status(diags) == QOS_UNSUPPORTED);
	text = diags_text(diags);
	EXPECT(!strcmp(text, "error: there is no bpf file system, and none can be mounted at "
			     "/sys/fs/bpf: Operation not permitted\nhint: as root, outside of any "
			     "container: mount -t bpf bpf /sys/fs/bpf\n"));
	qos_diags_free(diags);
	return 0;
}

static void test_mounted(void **state)
{
	(void)state;
	run_machine(machine_mounted);
}

static void test_shared(void **state)
{
	(void)state;
	run_machine(machine_shared);
}

static void test_without(void **state)
{
	(void)state;
	run_machine(machine_without);
}

static void test_hidden(void **state)
{
	(void)state;
	run_machine(machine_hidden);
}

static void test_hidden_without(void **state)
{
	(void)state;
	run_machine(machine_hidden_without);
}

static void test_unprivileged(void **state)
{
	(void)state;
	run_machine(machine_unprivileged);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mounted),	     cmocka_unit_test(test_without),
		cmocka_unit_test(test_hidden),	     cmocka_unit_test(test_hidden_without),
		cmocka_unit_test(test_unprivileged), cmocka_unit_test(test_shared),
	};

	return cmocka_run_group_tests_name("kernel/bpffs", tests, NULL, NULL);
}
