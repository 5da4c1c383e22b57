/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libpcap is loaded when a capture is read: on Debian it brings D-Bus, systemd's library and seven
 * more, and to start with them takes each qosctl 1.5 ms, of 4; a router needs none of them.
 */
#include "match/capture.h"

#include <dlfcn.h>
#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define ETHERTYPE_IPV4	  0x0800
#define ETHERTYPE_IPV6	  0x86dd
#define ETHERTYPE_UNKNOWN 0xffff /* of nothing: reserved (RFC 1701) */

/* What is used of it. */
struct libpcap {
	void *handle; /* null: not loaded */
	__typeof__(pcap_fopen_offline) *fopen_offline;
	__typeof__(pcap_datalink) *datalink;
	__typeof__(pcap_datalink_val_to_name) *datalink_val_to_name;
	__typeof__(pcap_next_ex) *next_ex;
	__typeof__(pcap_geterr) *geterr;
	__typeof__(pcap_close) *close;
};

/* Link types that are read. */
struct link_type {
	int number;
	uint8_t header;	 /* bytes before a packet that has no Ethernet header */
	uint8_t type_at; /* where in those its EtherType is */
};

static const struct link_type link_types[] = {
	{ DLT_EN10MB, 0, 0 },	   { DLT_RAW, 0, 0 },	      { DLT_IPV4, 0, 0 },
	{ DLT_IPV6, 0, 0 },	   { DLT_LINUX_SLL, 16, 14 }, /* cooked: of PPP, or of "any"
								 interface */
	{ DLT_LINUX_SLL2, 20, 0 },
};

struct qos_capture {
	struct libpcap lib;
	pcap_t *pcap;
	FILE *file; /* the pcap's, as soon as that is there */
	char *path;
	const struct link_type *link;
};

DEFINE_CLEANUP(struct qos_capture *, capturep, qos_capture_close)

/* Debian's name of it, and everybody else's. */
static const char *const sonames[] = { "libpcap.so.0.8", "libpcap.so.1" };

static bool find(void *handle, const char *name, void *ret_function)
{
	void *function = dlsym(handle, name);

	memcpy(ret_function, &function, sizeof(function));
	return function;
}

/* The first that is missing is what dlerror() tells then. */
static bool find_functions(struct libpcap *lib)
{
	return find(lib->handle, "pcap_fopen_offline", &lib->fopen_offline) &&
	       find(lib->handle, "pcap_datalink", &lib->datalink) &&
	       find(lib->handle, "pcap_datalink_val_to_name", &lib->datalink_val_to_name) &&
	       find(lib->handle, "pcap_next_ex", &lib->next_ex) &&
	       find(lib->handle, "pcap_geterr", &lib->geterr) &&
	       find(lib->handle, "pcap_close", &lib->close);
}

static int load(struct libpcap *lib, struct qos_diags *diags)
{
	for (size_t i = 0; i < ARRAY_SIZE(sonames) && !lib->handle; i++)
		lib->handle = dlopen(sonames[i], RTLD_NOW | RTLD_LOCAL);
	if (lib->handle && find_functions(lib))
		return 0;
	qos_diag(diags, QOS_UNSUPPORTED, "cannot read captures without libpcap: %s", dlerror());
	qos_diag_hint(diags, "apt install libpcap0.8");
	return -EOPNOTSUPP;
}

static int open_error(const char *path, int err, struct qos_diags *diags)
{
	enum qos_status status = err == EACCES || err == EPERM ? QOS_UNSUPPORTED : QOS_INVALID;

	qos_diag(diags, status, "cannot open %s: %s", path, strerror(err));
	return -err;
}

static FILE *open_file(const char *path)
{
	return strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
}

static int begin(struct qos_capture *capture, struct qos_diags *diags)
{
	char why[PCAP_ERRBUF_SIZE] = "";
	FILE *f = open_file(capture->path);

	if (!f)
		return open_error(capture->path, errno, diags);
	capture->pcap = capture->lib.fopen_offline(f, why);
	capture->file = f;
	if (capture->pcap)
		return 0;
	if (f != stdin)
		fclose(f);
	qos_diag(diags, QOS_INVALID, "%s is no capture: %s", capture->path, why);
	qos_diag_hint(diags, "tcpdump -i IFACE -w FILE writes one");
	return -EINVAL;
}

static int find_link_type(struct qos_capture *capture, struct qos_diags *diags)
{
	int type = capture->lib.datalink(capture->pcap);
	const char *name = capture->lib.datalink_val_to_name(type);

	for (size_t i = 0; i < ARRAY_SIZE(link_types); i++) {
		if (link_types[i].number != type)
			continue;
		capture->link = &link_types[i];
		return 0;
	}
	qos_diag(diags, QOS_INVALID,
		 "%s is of link type %s, not of Ethernet, raw IP or Linux cooked packets",
		 capture->path, name ? name : "unknown");
	qos_diag_hint(diags,
		      "tcpdump -i IFACE -w FILE, on the interface that is shaped, writes one "
		      "of those");
	return -EINVAL;
}

int qos_capture_open(const char *path, struct qos_diags *diags, struct qos_capture **ret_capture)
{
	_cleanup_(capturep) struct qos_capture *capture = calloc(1, sizeof(*capture));
	int r;

	if (!capture)
		return -ENOMEM;
	capture->path = strdup(path);
	r = capture->path ? load(&capture->lib, diags) : -ENOMEM;
	if (r == 0)
		r = begin(capture, diags);
	if (r == 0)
		r = find_link_type(capture, diags);
	if (r < 0)
		return r;
	*ret_capture = TAKE_PTR(capture);
	return 0;
}

void qos_capture_close(struct qos_capture *capture)
{
	if (!capture)
		return;
	if (capture->pcap)
		capture->lib.close(capture->pcap);
	if (capture->lib.handle)
		dlclose(capture->lib.handle);
	free(capture->path);
	free(capture);
}

/* What the packet says itself that it is. */
static uint16_t raw_type(const uint8_t *data, size_t len)
{
	switch (len ? data[0] >> 4 : 0) {
	case 4:
		return ETHERTYPE_IPV4;
	case 6:
		return ETHERTYPE_IPV6;
	default:
		return ETHERTYPE_UNKNOWN;
	}
}

/* 0 where it has an Ethernet header, which says that. */
static uint16_t type_of(const struct link_type *link, const uint8_t *data, size_t len)
{
	uint16_t type;

	if (link->number == DLT_EN10MB)
		return 0;
	if (!link->header)
		return raw_type(data, len);
	if (len < link->header)
		return ETHERTYPE_UNKNOWN;
	type = (uint16_t)(data[link->type_at] << 8 | data[link->type_at + 1]);
	return type ? type : ETHERTYPE_UNKNOWN;
}

/* Without what is before the packet. */
static struct qos_frame frame_of(const struct link_type *link, const struct pcap_pkthdr *header,
				 const uint8_t *data)
{
	size_t before = link->header < header->caplen ? link->header : header->caplen;
	size_t wire_len = header->len > header->caplen ? header->len : header->caplen;

	return (struct qos_frame){
		.data = data + before,
		.len = header->caplen - before,
		.wire_len = wire_len - before,
		.ethertype = type_of(link, data, header->caplen),
		.tag = -1,
	};
}

static int refuse_rest(const struct qos_capture *capture, struct qos_diags *diags)
{
	const char *why = capture->lib.geterr(capture->pcap);

	if (feof(capture->file)) {
		qos_diag(diags, QOS_INVALID, "%s ends in the middle of a packet: %s", capture->path,
			 why);
		qos_diag_hint(diags, "it was cut off, or is still being written");
	} else {
		qos_diag(diags, QOS_INVALID, "cannot read on in %s: %s", capture->path, why);
	}
	return -EINVAL;
}

int qos_capture_next(struct qos_capture *capture, struct qos_diags *diags,
		     struct qos_frame *ret_frame)
{
	struct pcap_pkthdr *header;
	const u_char *data;
	int r = capture->lib.next_ex(capture->pcap, &header, &data);

	if (r == PCAP_ERROR_BREAK)
		return 0;
	if (r != 1)
		return refuse_rest(capture, diags);
	*ret_frame = frame_of(capture->link, header, data);
	return 1;
}
