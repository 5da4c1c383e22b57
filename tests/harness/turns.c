// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Gives each virtual CPU its turn. With -icount, QEMU 7.2 runs a CPU until the next timer is due,
 * then runs the timers, then begins again with the first CPU: as long as CPU 0 is busy no other one
 * runs at all. (QEMU 8.1 shares the instructions out: "accel/tcg: Distribute the instruction budget
 * among vCPUs".) A PAUSE instruction ends a CPU's turn, so here every CPU but the last executes one
 * at each millisecond, before anything else. Used by scripts/vm, and of no use outside.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define PERIOD_NS 1000000

static int take_cpu(int cpu)
{
	struct sched_param first = { .sched_priority = sched_get_priority_max(SCHED_FIFO) };
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		return -1;
	return sched_setscheduler(0, SCHED_FIFO, &first);
}

static void pause_for_ever(void)
{
	struct timespec next;

	clock_gettime(CLOCK_MONOTONIC, &next);
	for (;;) {
		next.tv_nsec += PERIOD_NS;
		if (next.tv_nsec >= 1000000000) {
			next.tv_nsec -= 1000000000;
			next.tv_sec++;
		}
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
		__asm__ volatile("pause");
	}
}

int main(int argc, char **argv)
{
	int cpus = argc == 2 ? atoi(argv[1]) : 0;

	if (cpus < 1) {
		fputs("usage: turns CPUS   (in the background, for CPU 0 to CPUS - 2)\n", stderr);
		return 2;
	}
	for (int cpu = 0; cpu < cpus - 1; cpu++) {
		if (fork())
			continue;
		if (take_cpu(cpu) < 0) {
			perror("turns");
			return 1;
		}
		pause_for_ever();
	}
	return 0;
}
