// SPDX-License-Identifier: LGPL-2.1-or-later
/* The machine code of a BPF program, all of its functions, as the kernel runs it. */
#include "common.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] = "usage: jited PROG_ID\n"
			   "\n"
			   "Writes the machine code of a BPF program to standard output.\n";

static int write_code(int fd)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info), size;
	void *code;

	if (bpf_obj_get_info_by_fd(fd, &info, &len) || !info.jited_prog_len)
		return -1;
	size = info.jited_prog_len;
	code = calloc(1, size);
	info = (struct bpf_prog_info){
		.jited_prog_len = size,
		.jited_prog_insns = (__u64)(uintptr_t)code,
	};
	if (!code || bpf_obj_get_info_by_fd(fd, &info, &len) || !info.jited_prog_insns)
		return -1;
	return write(STDOUT_FILENO, code, size) == (ssize_t)size ? 0 : -1;
}

int main(int argc, char **argv)
{
	int fd;

	if (argc != 2) {
		fputs(help, stderr);
		return 2;
	}
	fd = bpf_prog_get_fd_by_id((__u32)strtoul(argv[1], NULL, 10));
	if (fd < 0 || write_code(fd)) {
		fprintf(stderr, "jited: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	return 0;
}
