/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What cmocka wants included before it, in its order. */
#ifndef QOS_TESTS_UNIT_H
#define QOS_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#endif
