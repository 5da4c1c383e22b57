/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What top puts on a terminal that screen_open() took. */
#ifndef QOSCTL_TOP_PAINT_H
#define QOSCTL_TOP_PAINT_H

#include <stdbool.h>

/* blocks: the terminal has the letters of which bars are made; else ASCII does. */
void paint_begin(bool blocks);

#endif
