// SPDX-License-Identifier: LGPL-2.1-or-later
/* Sends frames as they are given: ARP, fragments, tags, broken headers. */
#include "common.h"

#include <ctype.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_FRAME  65536
#define MAX_FRAMES 256

struct frame {
	uint8_t *data;
	size_t len;
};

struct options {
	const char *interface;
	uint64_t count, priority;
	int64_t interval_ns;
	struct frame frame[MAX_FRAMES];
	size_t frames;
};

static const char help[] =
	"usage: rawsend IFACE [--count N] [--interval SECONDS] FRAME...\n"
	"\n"
	"Sends each FRAME in turn through a packet socket, then prints JSON. A frame is hex from\n"
	"the destination address on, with spaces or colons at will, or @FILE with such hex, where\n"
	"# begins a comment.\n"
	"\n"
	"  --count N           rounds over all frames (default 1)\n"
	"  --interval SECONDS  between two frames (default 0); also 10ms\n"
	"  --priority N        SO_PRIORITY\n";

static int hex_digit(int c)
{
	if (isdigit(c))
		return c - '0';
	return isxdigit(c) ? tolower(c) - 'a' + 10 : -1;
}

static int parse_hex(struct frame *f, const char *text)
{
	bool comment = false, half = false;

	f->data = calloc(1, MAX_FRAME);
	f->len = 0;
	if (!f->data)
		return -ENOMEM;
	for (; *text; text++) {
		int digit = hex_digit((unsigned char)*text);

		if (*text == '#' || *text == '\n')
			comment = *text == '#';
		if (comment || isspace((unsigned char)*text) || *text == ':')
			continue;
		if (digit < 0 || f->len == MAX_FRAME)
			return -EINVAL;
		f->data[f->len] = (uint8_t)(f->data[f->len] << 4 | digit);
		f->len += half;
		half = !half;
	}
	return half || f->len < ETH_HEADER ? -EINVAL : 0;
}

static int parse_file(struct frame *f, const char *path)
{
	char text[4 * MAX_FRAME];
	FILE *in = fopen(path, "re");
	size_t len;

	if (!in)
		return -errno;
	len = fread(text, 1, sizeof(text) - 1, in);
	text[len] = 0;
	fclose(in);
	return parse_hex(f, text);
}

static void parse_options(struct options *o, int argc, char **argv)
{
	const struct option_row rows[] = {
		OPTION("count", NUMBER, &o->count),
		OPTION("interval", SECONDS, &o->interval_ns),
		OPTION("priority", NUMBER, &o->priority, .most = UINT32_MAX),
		{ 0 },
	};
	int at = take_options(rows, help, argc, argv), r;

	if (argc - at < 2 || argc - at > MAX_FRAMES)
		usage_error("an interface and at least one frame are needed", NULL);
	o->interface = argv[at++];
	for (; at < argc; at++) {
		struct frame *f = &o->frame[o->frames++];

		r = *argv[at] == '@' ? parse_file(f, argv[at] + 1) : parse_hex(f, argv[at]);
		if (r < 0)
			usage_error("not a frame in hex", argv[at]);
	}
}

static int open_socket(const struct options *o)
{
	struct sockaddr_ll addr = { .sll_family = AF_PACKET };
	uint32_t priority = (uint32_t)o->priority;
	int fd;

	addr.sll_ifindex = (int)if_nametoindex(o->interface);
	if (!addr.sll_ifindex)
		return -errno;
	/* Protocol 0: it never receives. */
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &priority, sizeof(priority)) < 0) {
		close(fd);
		return -errno;
	}
	return fd;
}

int main(int argc, char **argv)
{
	static struct options o = { .count = 1 };
	uint64_t packets = 0, bytes = 0, errors = 0, number = 0;
	int64_t start;
	int fd, last = 0;

	parse_options(&o, argc, argv);
	catch_signals();
	fd = open_socket(&o);
	if (fd < 0) {
		fprintf(stderr, "rawsend: %s: %s\n", o.interface, strerror(-fd));
		return 1;
	}
	start = now_ns();
	for (uint64_t round = 0; round < o.count; round++) {
		for (size_t i = 0; i < o.frames && !stopped; i++) {
			sleep_until(start + (int64_t)number++ * o.interval_ns);
			if (send(fd, o.frame[i].data, o.frame[i].len, 0) < 0) {
				last = errno;
				errors++;
				continue;
			}
			packets++;
			bytes += o.frame[i].len;
		}
	}
	printf("{\"packets\":%ju,\"bytes\":%ju,\"errors\":%ju,\"last_error\":\"%s\"}\n",
	       (uintmax_t)packets, (uintmax_t)bytes, (uintmax_t)errors, last ? strerror(last) : "");
	return 0;
}
