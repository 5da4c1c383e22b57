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

struct qos_capture {
	struct libpcap lib;
	pcap_t *pcap; /* has the file */
	char *path;
	bool raw;
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

	capture->raw = type == DLT_RAW || type == DLT_IPV4 || type == DLT_IPV6;
	if (capture->raw || type == DLT_EN10MB)
		return 0;
	qos_diag(diags, QOS_INVALID, "%s is of link type %s, not of Ethernet or raw IP",
		 capture->path, name ? name : "unknown");
	qos_diag_hint(diags, "capture on the interface itself: tcpdump -i IFACE, not -i any");
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

/* Without a header the packet says itself what it is. */
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

int qos_capture_next(struct qos_capture *capture, struct qos_diags *diags,
		     struct qos_frame *ret_frame)
{
	struct pcap_pkthdr *header;
	const u_char *data;
	int r = capture->lib.next_ex(capture->pcap, &header, &data);

	if (r == PCAP_ERROR_BREAK)
		return 0;
	if (r != 1) {
		qos_diag(diags, QOS_INVALID, "cannot read on in %s: %s", capture->path,
			 capture->lib.geterr(capture->pcap));
		return -EINVAL;
	}
	*ret_frame = (struct qos_frame){
		.data = data,
		.len = header->caplen,
		.wire_len = header->len > header->caplen ? header->len : header->caplen,
		.ethertype = capture->raw ? raw_type(data, header->caplen) : 0,
		.tag = -1,
	};
	return 1;
}
