/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* UTF-8 (RFC 3629): text of strangers, read and shown safely. */
#ifndef QOS_BASE_UTF8_H
#define QOS_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The length of the character that text starts with, 0 if it is not UTF-8 or
 * len is 0. */
size_t qos_utf8_decode(const char *text, size_t len, uint32_t *ret_code);

/* Whether a character can be shown without moving the cursor or reordering
 * its neighbours. */
bool qos_utf8_printable(uint32_t code);

/* Every byte that is not UTF-8 and every character that is not printable
 * becomes '?', in place. */
void qos_utf8_clean(char *text);

#endif
