/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef QOS_KERNEL_JSON_TEXT_H
#define QOS_KERNEL_JSON_TEXT_H

#include <jansson.h>

/*
 * What json_dumps() says, compact. Null when out of memory, or of null: json_dumps()
 * may leave out a key for which there is none, and not say so.
 */
char *qos_json_text(const json_t *json);

#endif
