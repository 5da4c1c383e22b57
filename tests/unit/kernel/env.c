/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "env.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#define COMMAND_MAX 512

void env_need_root(void)
{
	if (geteuid() == 0)
		return;
	print_message("needs root, for namespaces of its own\n");
	skip();
}

int env_setup(void **state)
{
	struct env *env = calloc(1, sizeof(*env));

	assert_non_null(env);
	*state = env;
	if (geteuid() != 0)
		return 0;

	if (unshare(CLONE_NEWNET) < 0)
		fail_msg("unshare: %s", strerror(errno));
	run("ip link set lo up");
	run("ip link add " DEV " numtxqueues 4 type veth peer name " PEER " numtxqueues 4");
	run("sysctl -qw net.ipv6.conf." DEV ".disable_ipv6=1 net.ipv6.conf." PEER
	    ".disable_ipv6=1");
	run("ip link set " DEV " up && ip link set " PEER " up");

	env->diags = qos_diags_new();
	assert_int_equal(qos_nl_open(env->diags, &env->nl), 0);
	assert_int_equal(qos_link_get(env->nl, DEV, env->diags, &env->link), 0);
	return 0;
}

int env_teardown(void **state)
{
	struct env *env = *state;

	qos_nl_close(env->nl);
	qos_diags_free(env->diags);
	free(env);
	return 0;
}

#define FORMAT(buf, fmt)                                                                     \
	do {                                                                                 \
		va_list args;                                                                \
		va_start(args, fmt);                                                         \
		assert_in_range(vsnprintf(buf, sizeof(buf), fmt, args), 1, sizeof(buf) - 1); \
		va_end(args);                                                                \
	} while (0)

void run(const char *fmt, ...)
{
	char command[COMMAND_MAX];

	FORMAT(command, fmt);
	if (system(command) != 0)
		fail_msg("failed: %s", command);
}

bool try_run(const char *fmt, ...)
{
	char command[COMMAND_MAX], quiet[COMMAND_MAX + 32];

	FORMAT(command, fmt);
	snprintf(quiet, sizeof(quiet), "{ %s; } >/dev/null 2>&1", command);
	return system(quiet) == 0;
}

char *output_of(const char *fmt, ...)
{
	char command[COMMAND_MAX], *text;
	size_t len;
	FILE *pipe;

	FORMAT(command, fmt);
	text = calloc(1, 65536);
	assert_non_null(text);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	len = fread(text, 1, 65535, pipe);
	text[len] = '\0';
	if (pclose(pipe) != 0)
		fail_msg("failed: %s", command);
	return text;
}

char *diags_text(const struct qos_diags *diags)
{
	char *text = NULL;

	assert_int_equal(qos_diags_text(diags, &text), 0);
	return text;
}

void assert_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no \"%s\" in:\n%s", part, text);
}

int load_program(int verdict)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = verdict },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "qk_test", "GPL", insns, 2, NULL);

	if (fd < 0)
		fail_msg("bpf_prog_load: %s", strerror(errno));
	return fd;
}

uint32_t program_id(int fd)
{
	struct bpf_prog_info info = { .id = 0 };
	__u32 len = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &len), 0);
	return info.id;
}

int in_child(int (*fn)(void *data), void *data)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(fn(data));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}
