#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Without systemd: as /etc/network/if-up.d/qosctl (mode 755) it shapes what ifup(8) brings up.
[ ! -e "/etc/qosctl/$IFACE.yaml" ] || qosctl apply -- "$IFACE"
