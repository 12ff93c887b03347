/* What the program takes from glibc and musl has not, or has under another name. Every source of the
 * client is compiled with it in front when it is built with musl (Makefile).
 */
#pragma once

/* A constant string, or NULL: sigabbrev_np(3). Only for the signals that have one name everywhere. */
const char *sigabbrev_np(int number);

/* strerror(3), which in musl neither depends on a locale nor shares a buffer. */
const char *strerrordesc_np(int number);

/* "EPERM", or NULL: strerrorname_np(3). */
const char *strerrorname_np(int number);
