#include "daemon/init/fill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"

enum { ENTRIES_SIZE = 4096, NAMES_SIZE = 2048, VALUE_SIZE = 4096 };

/* An entry gets this name in the volume's root first. */
static const char unfinished[] = ".dokrust-unfinished";

struct entry {
	uint64_t inode;
	int64_t next; /* where the directory goes on behind it */
	unsigned short size;
	unsigned char type;
	char name[];
};

struct level {
	int from, to;
	int64_t at; /* in from */
};

struct fill {
	int volume;
	struct level levels[FILL_DEPTH_MAX];
	size_t depth;
};

static void fill_done(struct fill *fill)
{
	while (fill->depth) {
		fill->depth--;
		(void)fd_close(fill->levels[fill->depth].from);
		(void)fd_close(fill->levels[fill->depth].to);
	}
	(void)fd_close(fill->volume);
}

/* --- What an entry has beside its content ---------------------------------------------------- */

/* Those that the file system of the volume cannot keep are lost, as with cp(1). */
static void copy_attributes(int from, int to)
{
	char names[NAMES_SIZE], value[VALUE_SIZE];
	long n = syscall(SYS_flistxattr, from, names, sizeof(names));

	for (char *name = names; n > 0 && name < names + n; name += strlen(name) + 1) {
		long size = syscall(SYS_fgetxattr, from, name, value, sizeof(value));

		if (size >= 0)
			(void)syscall(SYS_fsetxattr, to, name, value, size, 0);
	}
}

static int set_times(int to, const char *name, const struct stat *st)
{
	const struct timespec times[] = { st->st_atim, st->st_mtim };

	return (int)syscall(SYS_utimensat, to, name, times, name ? AT_SYMLINK_NOFOLLOW : 0);
}

/* The owner first: a change of it takes the setuid bits and capabilities away. */
static int copy_metadata(int from, int to, const struct stat *st)
{
	if (fchown(to, st->st_uid, st->st_gid) < 0 ||
	    syscall(SYS_fchmod, to, st->st_mode & 07777) < 0)
		return -1;
	copy_attributes(from, to);
	return set_times(to, NULL, st);
}

/* --- Entries --------------------------------------------------------------------------------- */

/* Gives the unfinished entry its name. */
static int finish(struct fill *fill, const char *name)
{
	int to = fill->levels[fill->depth - 1].to;

	if (syscall(SYS_renameat2, fill->volume, unfinished, to, name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL)
		return -1;
	/* A file system without that flag: nobody else is filling, and nobody uses it yet. */
	return (int)syscall(SYS_renameat2, fill->volume, unfinished, to, name, 0);
}

static int copy_file(struct fill *fill, const char *name)
{
	_cleanup_(fd_closep) int from = openat(fill->levels[fill->depth - 1].from, name,
					       O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	_cleanup_(fd_closep) int to = -1;
	struct stat st;
	ssize_t n;

	if (from < 0 || fstat(from, &st) < 0)
		return -1;
	if (!S_ISREG(st.st_mode))
		return 0;
	to = (int)syscall(SYS_openat, fill->volume, unfinished,
			  O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return -1;
	while ((n = syscall(SYS_sendfile, to, from, NULL, (size_t)1 << 20)) > 0)
		;
	if (n < 0 || copy_metadata(from, to, &st) < 0)
		return -1;
	return finish(fill, name);
}

static int copy_link(struct fill *fill, const char *name, const struct stat *st)
{
	char target[4096];
	ssize_t n =
		readlinkat(fill->levels[fill->depth - 1].from, name, target, sizeof(target) - 1);

	if (n < 0)
		return -1;
	target[n] = '\0';
	if (symlinkat(target, fill->volume, unfinished) < 0 ||
	    syscall(SYS_fchownat, fill->volume, unfinished, st->st_uid, st->st_gid,
		    AT_SYMLINK_NOFOLLOW) < 0 ||
	    set_times(fill->volume, unfinished, st) < 0)
		return -1;
	return finish(fill, name);
}

static int copy_fifo(struct fill *fill, const char *name, const struct stat *st)
{
	if (mknodat(fill->volume, unfinished, S_IFIFO | (st->st_mode & 07777), 0) < 0 ||
	    syscall(SYS_fchownat, fill->volume, unfinished, st->st_uid, st->st_gid,
		    AT_SYMLINK_NOFOLLOW) < 0 ||
	    set_times(fill->volume, unfinished, st) < 0)
		return -1;
	return finish(fill, name);
}

static int make_directory(struct fill *fill, int from, const char *name, const struct stat *st)
{
	_cleanup_(fd_closep) int to = -1;

	if (mkdirat(fill->volume, unfinished, 0700) < 0)
		return -1;
	to = openat(fill->volume, unfinished, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (to < 0 || copy_metadata(from, to, st) < 0)
		return -1;
	return finish(fill, name);
}

/* Makes the directory, where it is missing, and goes on in it. */
static int enter_directory(struct fill *fill, const char *name)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	const struct level *here = &fill->levels[fill->depth - 1];
	_cleanup_(fd_closep) int from = openat(here->from, name, flags);
	_cleanup_(fd_closep) int to = openat(here->to, name, flags);
	struct stat st;

	if (from < 0 || fstat(from, &st) < 0)
		return -1;
	if (fill->depth == FILL_DEPTH_MAX) {
		errno = ELOOP;
		return -1;
	}
	if (to < 0) {
		if (errno != ENOENT)
			return errno == ENOTDIR || errno == ELOOP ? 0 : -1;
		if (make_directory(fill, from, name, &st) < 0)
			return -1;
		to = openat(here->to, name, flags);
		if (to < 0)
			return -1;
	}
	fill->levels[fill->depth++] = (struct level){ .from = TAKE_FD(from), .to = TAKE_FD(to) };
	return 0;
}

static int copy_entry(struct fill *fill, const char *name)
{
	const struct level *here = &fill->levels[fill->depth - 1];
	struct stat st, there;

	if (fstatat(here->from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	if (S_ISDIR(st.st_mode))
		return enter_directory(fill, name);
	if (fstatat(here->to, name, &there, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	if (S_ISREG(st.st_mode))
		return copy_file(fill, name);
	if (S_ISLNK(st.st_mode))
		return copy_link(fill, name, &st);
	return S_ISFIFO(st.st_mode) ? copy_fifo(fill, name, &st) : 0;
}

/* --- The tree -------------------------------------------------------------------------------- */

static bool is_dot(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* One buffer of the innermost directory, or less: up to the first directory in it. *ret_end tells
 * that there is no more.
 */
static int copy_some(struct fill *fill, bool *ret_end, struct error *err)
{
	_Alignas(struct entry) char entries[ENTRIES_SIZE];
	size_t depth = fill->depth;
	struct level *here = &fill->levels[depth - 1];
	long n = -1;

	if (syscall(SYS_lseek, here->from, here->at, SEEK_SET) >= 0)
		n = syscall(SYS_getdents64, here->from, entries, sizeof(entries));
	if (n < 0)
		return error_set_errno(err, errno, "list a directory");
	*ret_end = n == 0;
	for (long at = 0; at < n && fill->depth == depth;) {
		const struct entry *entry = (const struct entry *)(const void *)(entries + at);

		here->at = entry->next;
		at += entry->size;
		if (!is_dot(entry->name) && copy_entry(fill, entry->name) < 0)
			return error_set_errno(err, errno, "copy %.200s", entry->name);
	}
	return 0;
}

static int copy_tree(struct fill *fill, struct error *err)
{
	while (fill->depth) {
		bool end;

		if (copy_some(fill, &end, err) < 0)
			return -1;
		if (end) {
			fill->depth--;
			(void)fd_close(fill->levels[fill->depth].from);
			(void)fd_close(fill->levels[fill->depth].to);
		}
	}
	return 0;
}

/* What an end at a bad moment left. */
static void remove_unfinished(int volume)
{
	if (syscall(SYS_unlinkat, volume, unfinished, 0) < 0 && errno != ENOENT)
		(void)syscall(SYS_unlinkat, volume, unfinished, AT_REMOVEDIR);
}

int fill(int volume_fd, int target_fd, struct error *err)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	_cleanup_(fill_done) struct fill fill = { .volume = openat(volume_fd, ".", flags) };
	struct level *top = &fill.levels[0];
	struct stat st;

	if (fill.volume < 0 || syscall(SYS_flock, fill.volume, LOCK_EX) < 0)
		return error_set_errno(err, errno, "open the volume");
	remove_unfinished(fill.volume);
	*top = (struct level){ .from = openat(target_fd, ".", flags),
			       .to = openat(volume_fd, ".", flags) };
	fill.depth = 1;
	if (top->from < 0 || top->to < 0 || fstat(top->from, &st) < 0)
		return error_set_errno(err, errno, "open what fills the volume");
	if (copy_metadata(top->from, top->to, &st) < 0)
		return error_set_errno(err, errno, "copy the directory itself");
	return copy_tree(&fill, err) < 0 ? error_prefix(err, "fill the volume") : 0;
}
