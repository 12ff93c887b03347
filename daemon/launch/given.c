#include "daemon/launch/given.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/json.h"
#include "common/text.h"
#include "daemon/launch/mountinfo.h"

enum {
	PATH_SIZE = 4096,
	ORIGIN_PATH_MAX = 1024, /* 128 mounts have to fit into a record */
	HANDLE_MAX = 128,	/* MAX_HANDLE_SZ (open_by_handle_at(2)) */
	HANDLE_SIZE = 2 * HANDLE_MAX + 1,
	IDENTITY_SIZE = 160,
	FD_PATH_SIZE = 32,
};

struct origin {
	char *mount_root, *mount_point; /* as mountinfo has them */
	char *path;			/* where it was found; compared, never looked up */
	char *identity, *handle;
	int64_t handle_type;
};

static const struct json_field fields[] = {
	JSON_FIELD(struct origin, mount_root, JSON_STRING),
	JSON_FIELD(struct origin, mount_point, JSON_STRING),
	JSON_FIELD(struct origin, path, JSON_STRING),
	JSON_FIELD(struct origin, identity, JSON_STRING),
	JSON_FIELD(struct origin, handle, JSON_STRING),
	JSON_FIELD(struct origin, handle_type, JSON_INT),
};

static void origin_done(struct origin *origin)
{
	json_free_fields(fields, ARRAY_SIZE(fields), origin);
}

union handle {
	struct file_handle head;
	unsigned char bytes[sizeof(struct file_handle) + HANDLE_MAX];
};

static int refused(struct error *err, const char *name, const char *why)
{
	return error_set_subject(err, ERROR_INVALID_VALUE, "source_fd", "source %.256s: %s", name,
				 why);
}

#define AGAIN "; remove the mount and add it again"
#define DELETED "what was given has been deleted since" AGAIN

/* --- Looking --------------------------------------------------------------------------------- */

static bool is_for_data(const char *type)
{
	static const char *const types[] = {
		"ext2", "ext3",	    "ext4", "xfs",   "btrfs",
		"f2fs", "bcachefs", "zfs",  "tmpfs", "overlay",
	};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (strcmp(types[i], type) == 0)
			return true;
	return false;
}

/* *ret is what it is mounted by. */
static int check(int fd, const char *name, struct mountinfo *ret, struct error *err)
{
	_cleanup_(mountinfo_done) struct mountinfo mount = { 0 };
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE | STATX_MNT_ID, &st) < 0)
		return error_set_errno(err, errno, "source %.256s", name);
	if (!S_ISDIR(st.stx_mode) && !S_ISREG(st.stx_mode))
		return refused(err, name, "neither a directory nor a regular file");
	/* A mount of the caller's own namespace, or none, could be anything. */
	if (!mountinfo_find(st.stx_mnt_id, &mount))
		return refused(err, name, "not mounted where the daemon is");
	if (!is_for_data(mount.type))
		return error_set_subject(
			err, ERROR_INVALID_VALUE, "source_fd",
			"source %.256s: nothing can be mounted from a file system of "
			"type %.32s",
			name, mount.type);
	*ret = mount;
	mount = (struct mountinfo){ 0 };
	return 0;
}

static const char *fd_path(int fd, char buffer[FD_PATH_SIZE])
{
	(void)snprintf(buffer, FD_PATH_SIZE, "/proc/self/fd/%d", fd);
	return buffer;
}

static bool read_path(int fd, char path[PATH_SIZE])
{
	char link[FD_PATH_SIZE];
	ssize_t n = readlink(fd_path(fd, link), path, PATH_SIZE - 1);

	path[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* The file and its file system, whatever the device's number is after a boot. Handles have the inode's
 * generation where there is one; the time of birth tells an inode's number from its next owner's, too.
 */
static bool read_identity(int fd, char identity[IDENTITY_SIZE], unsigned int *ret_links)
{
	struct statfs fs;
	struct statx st;
	uint64_t fsid = 0;

	_Static_assert(sizeof(fs.f_fsid) == sizeof(fsid), "statfs(2)");
	if (fstatfs(fd, &fs) < 0 ||
	    statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC,
		  STATX_TYPE | STATX_INO | STATX_NLINK | STATX_BTIME, &st) < 0)
		return false;
	(void)memcpy(&fsid, &fs.f_fsid, sizeof(fsid));
	if (!(st.stx_mask & STATX_BTIME))
		st.stx_btime = (struct statx_timestamp){ 0 };
	(void)snprintf(identity, IDENTITY_SIZE, "%lx:%llx:%llx:%o:%lld.%09u",
		       (unsigned long)fs.f_type, (unsigned long long)fsid,
		       (unsigned long long)st.stx_ino, (unsigned int)st.stx_mode & S_IFMT,
		       (long long)st.stx_btime.tv_sec, st.stx_btime.tv_nsec);
	*ret_links = st.stx_nlink;
	return true;
}

/* --- Remembering ----------------------------------------------------------------------------- */

static bool is_text(const char *path)
{
	size_t n = strlen(path);

	return n <= ORIGIN_PATH_MAX && text_is_utf8(path, n);
}

static void write_handle(const union handle *handle, char text[HANDLE_SIZE])
{
	for (unsigned int i = 0; i < handle->head.handle_bytes; i++)
		(void)snprintf(text + 2 * (size_t)i, 3, "%02x", handle->head.f_handle[i]);
}

static struct json_object *origin_of(int fd, const struct mountinfo *mount)
{
	union handle handle = { .head.handle_bytes = HANDLE_MAX };
	char path[PATH_SIZE], identity[IDENTITY_SIZE], text[HANDLE_SIZE] = "";
	struct json_object *object;
	unsigned int links;
	int mount_id;

	if (name_to_handle_at(fd, "", &handle.head, &mount_id, AT_EMPTY_PATH) < 0 ||
	    !read_identity(fd, identity, &links) || !read_path(fd, path) || !is_text(path) ||
	    !is_text(mount->root) || !is_text(mount->point))
		return NULL;
	write_handle(&handle, text);
	object = json_object_new_object();
	json_write_fields(object, fields, ARRAY_SIZE(fields),
			  &(struct origin){
				  .mount_root = (char *)(uintptr_t)mount->root,
				  .mount_point = (char *)(uintptr_t)mount->point,
				  .path = path,
				  .identity = identity,
				  .handle = text,
				  .handle_type = handle.head.handle_type,
			  });
	return object;
}

int given_accept(int fd, const char *name, struct json_object **ret_origin, struct error *err)
{
	_cleanup_(mountinfo_done) struct mountinfo mount = { 0 };

	if (check(fd, name, &mount, err) < 0)
		return -1;
	*ret_origin = origin_of(fd, &mount);
	return 0;
}

int given_copy(int fd, const char *name, int *ret_fd, struct error *err)
{
	struct stat st;
	int copy;

	if (fstat(fd, &st) == 0 && !st.st_nlink)
		return refused(err, name, DELETED);
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (copy < 0)
		return error_set_errno(err, errno, "copy a descriptor");
	*ret_fd = copy;
	return 0;
}

/* --- Opening again --------------------------------------------------------------------------- */

static int read_origin(struct json_object *object, struct origin *ret, union handle *ret_handle)
{
	struct error ignored;
	size_t n;

	if (json_read_fields(object, fields, ARRAY_SIZE(fields), ret, &ignored) < 0 ||
	    !ret->mount_root || !ret->mount_point || !ret->path || !ret->identity || !ret->handle)
		return -1;
	n = strlen(ret->handle);
	if (n % 2 || n / 2 > HANDLE_MAX)
		return -1;
	ret_handle->head.handle_bytes = (unsigned int)(n / 2);
	ret_handle->head.handle_type = (int)ret->handle_type;
	for (size_t i = 0; i < n / 2; i++)
		if (sscanf(ret->handle + 2 * i, "%2hhx", &ret_handle->head.f_handle[i]) != 1)
			return -1;
	return 0;
}

/* mountinfo has spaces and the like as three octal digits. In place. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *at = text; *at; at++) {
		unsigned int byte;

		if (*at == '\\' && sscanf(at + 1, "%3o", &byte) == 1) {
			*to++ = (char)byte;
			at += 3;
		} else {
			*to++ = *at;
		}
	}
	*to = '\0';
}

/* The mount on which it was. The place comes from the kernel's own table, has no links, and is in the
 * cache as long as something is mounted there, so that nobody is asked who could take their time; and
 * what is found there counts only if the table has the same at that place now.
 */
static int open_mount(const struct origin *origin)
{
	const struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_CACHED | RESOLVE_NO_SYMLINKS,
	};
	_cleanup_(mountinfo_done) struct mountinfo mount = { 0 };
	_cleanup_(freep) char *place = alloc_strdup(origin->mount_point);
	_cleanup_(fd_closep) int fd = -1;
	char path[FD_PATH_SIZE];
	struct statx st;

	unescape(place);
	fd = (int)syscall(SYS_openat2, AT_FDCWD, place, &how, sizeof(how));
	if (fd < 0 || statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MNT_ID, &st) < 0 ||
	    !mountinfo_find(st.stx_mnt_id, &mount) || strcmp(mount.root, origin->mount_root) != 0 ||
	    strcmp(mount.point, origin->mount_point) != 0 || !is_for_data(mount.type))
		return -1;
	/* A descriptor for paths alone will not do for open_by_handle_at. */
	return open(fd_path(fd, path), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/* Whether it is still the same, at the same place. A regular file that nobody has looked up since it
 * was opened by its handle has no place that could be told, and the root's name.
 */
static bool is_same(int fd, const struct origin *origin, bool *ret_moved)
{
	char path[PATH_SIZE], identity[IDENTITY_SIZE];
	unsigned int links;

	if (!read_identity(fd, identity, &links) || !links ||
	    strcmp(identity, origin->identity) != 0 || !read_path(fd, path))
		return false;
	*ret_moved = strcmp(path, origin->path) != 0 && strcmp(path, "/") != 0;
	return !*ret_moved;
}

int given_open(struct json_object *object, const char *name, int *ret_fd, struct error *err)
{
	_cleanup_(mountinfo_done) struct mountinfo info = { 0 };
	_cleanup_(origin_done) struct origin origin = { 0 };
	_cleanup_(fd_closep) int mount = -1, fd = -1;
	union handle handle = { 0 };
	bool moved = false;

	if (!object || read_origin(object, &origin, &handle) < 0)
		return refused(err, name,
			       "the daemon that it was given to has ended, and what is there now "
			       "cannot be told from it" AGAIN);
	mount = open_mount(&origin);
	if (mount < 0)
		return refused(err, name, "its file system is not mounted as it was" AGAIN);
	fd = open_by_handle_at(mount, &handle.head, O_PATH | O_CLOEXEC);
	if (fd < 0 && errno != ESTALE)
		return error_set_errno(err, errno, "source %.256s: open it again", name);
	if (fd < 0 || !is_same(fd, &origin, &moved))
		return refused(err, name,
			       moved ? "what was given has been moved since" AGAIN : DELETED);
	if (check(fd, name, &info, err) < 0)
		return -1;
	*ret_fd = TAKE_FD(fd);
	return 0;
}
