// SPDX-License-Identifier: LGPL-2.1-or-later
#include <curses.h>
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report.h"
#include "top_screen.h"
#include "top_paint.h"

static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

static struct {
	SCREEN *terminal; /* null: not taken */
	sigset_t mask;	  /* of signals, as it was before */
} screen;

static volatile sig_atomic_t ended; /* the signal that did, or 0 */

static void note_end(int signal_number)
{
	ended = signal_number;
}

/* They come while screen_wait() waits, and at no other time: the screen is whole then. */
static void hold_signals(void)
{
	struct sigaction action = { .sa_handler = note_end };
	sigset_t held;

	sigemptyset(&held);
	sigaddset(&held, SIGWINCH);
	for (size_t i = 0; i < ARRAY_SIZE(ending); i++) {
		sigaddset(&held, ending[i]);
		sigaction(ending[i], &action, NULL);
	}
	sigprocmask(SIG_BLOCK, &held, &screen.mask);
}

static void release_signals(void)
{
	struct sigaction action = { .sa_handler = SIG_DFL };

	for (size_t i = 0; i < ARRAY_SIZE(ending); i++)
		sigaction(ending[i], &action, NULL);
	sigprocmask(SIG_SETMASK, &screen.mask, NULL);
}

/* That of the terminal, other than what the rest of the command has; only UTF-8 is known here. */
static bool set_locale(void)
{
	if (setlocale(LC_CTYPE, "") && !strcmp(nl_langinfo(CODESET), "UTF-8"))
		return true;
	setlocale(LC_CTYPE, "C");
	return false;
}

/* Of the terminals that have no more than their own letters, the ones that are still met. */
static bool has_blocks(void)
{
	const char *term = getenv("TERM");

	return term && strncmp(term, "vt", 2) != 0 && strcmp(term, "linux") != 0;
}

static bool refuse(struct report *report, const char *why)
{
	report_error(report, QOS_FAILED, "qosctl stats --watch needs no terminal",
		     "top needs a terminal: %s", why);
	return false;
}

static void set_up(bool blocks)
{
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(50);
	curs_set(0);
	paint_begin(blocks);
}

bool screen_open(struct report *report)
{
	const char *term = getenv("TERM");
	bool utf8;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return refuse(report, "this is none");
	utf8 = set_locale();
	screen.terminal = newterm(NULL, stdout, stdin);
	if (!screen.terminal || !tigetstr("cup")) {
		_cleanup_(freep) char *why = text_format(
			screen.terminal ? "%s cannot move its cursor" : "TERM is unknown: %s",
			term ? term : "");

		screen_close();
		return refuse(report, why);
	}
	hold_signals();
	set_up(utf8 && has_blocks());
	/* out_of_memory() exits */
	atexit(screen_close);
	return true;
}

void screen_close(void)
{
	if (screen.terminal) {
		/* where there is no other screen to go back to, the shell goes on here */
		move(LINES - 1, 0);
		clrtoeol();
		refresh();
		endwin();
		delscreen(screen.terminal);
		release_signals();
	}
	screen.terminal = NULL;
	setlocale(LC_CTYPE, "C.UTF-8");
	if (ended)
		raise(ended);
}

enum screen_event screen_wait(double seconds, int *ret_key)
{
	struct timespec time = { .tv_sec = (time_t)seconds };
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	int key = getch();

	time.tv_nsec = (long)((seconds - (double)time.tv_sec) * 1e9);
	if (key == ERR) {
		int r = ppoll(&input, 1, &time, &screen.mask);

		if (ended || (r > 0 && !(input.revents & POLLIN)))
			return SCREEN_END;
		/* a change of the size is a key too */
		key = getch();
		if (key == ERR)
			return r > 0 ? SCREEN_END : SCREEN_TIME;
	}
	*ret_key = key;
	return SCREEN_KEY;
}

static int page(void)
{
	return LINES > 4 ? LINES - 4 : 1;
}

bool screen_key(struct top *top, int key)
{
	switch (key) {
	case 'q':
		return false;
	case 'p':
		top_sort(top, TOP_BY_POLICY);
		break;
	case 'n':
		top_sort(top, TOP_BY_NAME);
		break;
	case 'r':
		top_sort(top, TOP_BY_RATE);
		break;
	case 'd':
		top_sort(top, TOP_BY_DELAY);
		break;
	case 'x':
		top_sort(top, TOP_BY_DROPS);
		break;
	case 'm':
		top_sort(top, TOP_BY_MARKS);
		break;
	case 't':
		top_flatten(top);
		break;
	case ' ':
	case '\r':
	case KEY_ENTER:
		top_fold(top, TOP_FOLD_OTHER);
		break;
	case KEY_LEFT:
		top_fold(top, TOP_FOLD);
		break;
	case KEY_RIGHT:
		top_fold(top, TOP_UNFOLD);
		break;
	case '-':
		top_fold_all(top, TOP_FOLD);
		break;
	case '+':
		top_fold_all(top, TOP_UNFOLD);
		break;
	case KEY_UP:
	case 'k':
		top_move(top, -1);
		break;
	case KEY_DOWN:
	case 'j':
		top_move(top, 1);
		break;
	case KEY_PPAGE:
		top_move(top, -page());
		break;
	case KEY_NPAGE:
		top_move(top, page());
		break;
	case KEY_HOME:
		top->selected = 0;
		break;
	case KEY_END:
		top_move(top, (long)top->shown);
		break;
	}
	return true;
}
