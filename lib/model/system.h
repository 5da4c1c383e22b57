/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names that the machine gives a meaning. */
#ifndef QOS_MODEL_SYSTEM_H
#define QOS_MODEL_SYSTEM_H

#include <stdint.h>

/* The port of a service, the number of a user. -ENOENT, or the errno of asking. */
int qos_system_service(const char *name, uint32_t *ret_port);
int qos_system_user(const char *name, uint32_t *ret_uid);

#endif
