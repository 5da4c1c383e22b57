// SPDX-License-Identifier: LGPL-2.1-or-later
/* A program that dies in the middle: SIGKILL just before one of its system calls. */
#include "common.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define OPTIONS                                                                                \
	(PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEFORK | \
	 PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE)

static const char help[] =
	"usage: killat N COMMAND [ARG]...\n"
	"\n"
	"Runs COMMAND and kills it before its Nth system call, those of its threads and\n"
	"children counted, from the first after the one that started it on. The call is\n"
	"not made. Status: 137 when it was killed, else COMMAND's.\n";

static __attribute__((noreturn)) void die(const char *what)
{
	fprintf(stderr, "killat: %s: %s\n", what, strerror(errno));
	exit(125);
}

static bool is_entry(pid_t pid)
{
	struct __ptrace_syscall_info info;

	return ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) > 0 &&
	       info.op == PTRACE_SYSCALL_INFO_ENTRY;
}

/* The signal that a stopped process is to get; what only stops it for us is none. */
static int signal_of(int status)
{
	int signal = WSTOPSIG(status);

	return signal == SIGTRAP || signal == SIGSTOP ? 0 : signal;
}

/* Until the first process has ended; how it did. */
static int trace(pid_t first, uint64_t at)
{
	bool started = false;
	uint64_t calls = 0;

	for (;;) {
		int status, signal = 0;
		pid_t pid = waitpid(-1, &status, __WALL);

		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0)
			die("waitpid");
		if (WIFEXITED(status) || WIFSIGNALED(status)) {
			if (pid == first)
				return WIFEXITED(status) ? WEXITSTATUS(status) :
							   128 + WTERMSIG(status);
			continue;
		}
		if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXEC << 8))
			started = true;
		else if (WSTOPSIG(status) != (SIGTRAP | 0x80))
			signal = signal_of(status);
		else if (started && is_entry(pid) && ++calls == at)
			kill(first, SIGKILL);
		/* fails for one that dies meanwhile */
		ptrace(PTRACE_SYSCALL, pid, 0, signal);
	}
}

int main(int argc, char **argv)
{
	uint64_t at;
	pid_t pid;

	if (argc < 3 || parse_u64(argv[1], &at) < 0) {
		fputs(help, argc == 2 && !strcmp(argv[1], "--help") ? stdout : stderr);
		return argc == 2 && !strcmp(argv[1], "--help") ? 0 : 2;
	}
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, 0, 0) < 0 || raise(SIGSTOP))
			die("ptrace");
		execvp(argv[2], argv + 2);
		die(argv[2]);
	}
	if (waitpid(pid, NULL, 0) < 0 || ptrace(PTRACE_SETOPTIONS, pid, 0, OPTIONS) < 0 ||
	    ptrace(PTRACE_SYSCALL, pid, 0, 0) < 0)
		die("ptrace");
	return trace(pid, at);
}
