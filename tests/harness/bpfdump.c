// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What of BPF is in the kernel, for tests that look hundreds of times: bpftool loads a program of
 * its own for each look.
 */
#include <bpf/bpf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAPS_MAX 64

static const char help[] =
	"usage: bpfdump PROGRAM-ID MAP-NAME...\n"
	"       bpfdump --count PROGRAM-NAME MAP-NAME-PREFIX\n"
	"       bpfdump --verified PROGRAM-ID\n"
	"\n"
	"Prints the values of a program's array maps in hexadecimal, \"NAME KEY VALUE\" in each\n"
	"line. With --count: how many programs of a name are in the kernel, and how many maps\n"
	"whose names begin so. With --verified: how many instructions the verifier looked at.\n";

static __attribute__((noreturn)) void die(const char *what)
{
	perror(what);
	exit(1);
}

/* False for one that has gone meanwhile. */
static bool map_info(uint32_t id, struct bpf_map_info *info, int *fd)
{
	uint32_t len = sizeof(*info);

	*fd = bpf_map_get_fd_by_id(id);
	memset(info, 0, sizeof(*info));
	return *fd >= 0 && !bpf_obj_get_info_by_fd(*fd, info, &len);
}

static void dump_values(int fd, const struct bpf_map_info *info)
{
	uint8_t *value = malloc(info->value_size);

	if (!value)
		die("malloc");
	for (uint32_t key = 0; key < info->max_entries; key++) {
		if (bpf_map_lookup_elem(fd, &key, value))
			die(info->name);
		printf("%s %u ", info->name, key);
		for (uint32_t i = 0; i < info->value_size; i++)
			printf("%02x", value[i]);
		putchar('\n');
	}
	free(value);
}

static void dump_map(const uint32_t *ids, uint32_t count, const char *name)
{
	for (uint32_t i = 0; i < count; i++) {
		struct bpf_map_info info;
		int fd;
		bool it_is = map_info(ids[i], &info, &fd) && !strcmp(info.name, name);

		if (it_is)
			dump_values(fd, &info);
		close(fd);
		if (it_is)
			return;
	}
	fprintf(stderr, "bpfdump: the program has no map %s\n", name);
	exit(1);
}

static void dump(uint32_t prog_id, char **names)
{
	uint32_t ids[MAPS_MAX], len = sizeof(struct bpf_prog_info);
	struct bpf_prog_info info = { .nr_map_ids = MAPS_MAX, .map_ids = (uintptr_t)ids };
	int fd = bpf_prog_get_fd_by_id(prog_id);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len))
		die("the program");
	for (; *names; names++)
		dump_map(ids, info.nr_map_ids, *names);
	close(fd);
}

static uint32_t count_programs(const char *name)
{
	uint32_t count = 0;

	for (uint32_t id = 0; !bpf_prog_get_next_id(id, &id);) {
		struct bpf_prog_info info = {};
		uint32_t len = sizeof(info);
		int fd = bpf_prog_get_fd_by_id(id);

		if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &len))
			count += !strcmp(info.name, name);
		close(fd);
	}
	return count;
}

static uint32_t count_maps(const char *prefix)
{
	uint32_t count = 0;

	for (uint32_t id = 0; !bpf_map_get_next_id(id, &id);) {
		struct bpf_map_info info;
		int fd;

		if (map_info(id, &info, &fd))
			count += !strncmp(info.name, prefix, strlen(prefix));
		close(fd);
	}
	return count;
}

static void print_verified(uint32_t id)
{
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len))
		die("bpfdump: program");
	printf("%u\n", info.verified_insns);
	close(fd);
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "--count")) {
		printf("%u programs, %u maps\n", count_programs(argv[2]), count_maps(argv[3]));
		return 0;
	}
	if (argc == 3 && !strcmp(argv[1], "--verified")) {
		print_verified((uint32_t)strtoul(argv[2], NULL, 10));
		return 0;
	}
	if (argc < 3 || *argv[1] == '-') {
		bool asked = argc == 2 && !strcmp(argv[1], "--help");

		fputs(help, asked ? stdout : stderr);
		return asked ? 0 : 2;
	}
	dump((uint32_t)strtoul(argv[1], NULL, 10), argv + 2);
	return 0;
}
