#include "daemon/store/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/fdio.h"
#include "common/text.h"
#include "daemon/store/client.h"
#include "daemon/store/lock.h"
#include "daemon/store/writer.h"

enum { SWEEP_DELAY_MS = 500, DIR_FLAGS = O_RDONLY | O_DIRECTORY | O_CLOEXEC };

struct store {
	struct writer_client *client;
	char *state_dir, *run_dir;
	int state_fd, state_lock, containers_fd, volumes_fd, networks_fd, trash_fd;
	int run_fd, run_lock, run_containers_fd, temporary_fd;
	uint64_t temporary; /* the last name */
	struct event *sweep_timer;
	char **run_left; /* ids whose run directories were not empty after all, to be tried again */
};

/* --- Opening --------------------------------------------------------------------------------- */

static int open_subdirectory(int at, const char *parent, const char *name, int *ret_fd,
			     struct error *err)
{
	int fd;

	if (mkdirat(at, name, 0700) < 0 && errno != EEXIST)
		return error_set_errno(err, errno, "make %s/%s", parent, name);
	fd = openat(at, name, DIR_FLAGS | O_NOFOLLOW);
	if (fd < 0)
		return error_set_errno(err, errno, "%s/%s", parent, name);
	*ret_fd = fd;
	return 0;
}

static int open_directories(struct store *store, const char *state_dir, const char *run_dir,
			    struct error *err)
{
	store->state_fd = open(state_dir, DIR_FLAGS);
	if (store->state_fd < 0)
		return error_set_errno(err, errno, "%s", state_dir);
	store->run_fd = open(run_dir, DIR_FLAGS);
	if (store->run_fd < 0)
		return error_set_errno(err, errno, "%s", run_dir);
	if (lock_directory(store->state_fd, state_dir, &store->state_lock, err) < 0 ||
	    lock_directory(store->run_fd, run_dir, &store->run_lock, err) < 0)
		return -1;
	if (open_subdirectory(store->state_fd, state_dir, "containers", &store->containers_fd,
			      err) < 0 ||
	    open_subdirectory(store->state_fd, state_dir, "volumes", &store->volumes_fd, err) < 0 ||
	    open_subdirectory(store->state_fd, state_dir, "networks", &store->networks_fd, err) <
		    0 ||
	    open_subdirectory(store->state_fd, state_dir, "trash", &store->trash_fd, err) < 0 ||
	    open_subdirectory(store->run_fd, run_dir, "files", &store->temporary_fd, err) < 0 ||
	    open_subdirectory(store->run_fd, run_dir, "containers", &store->run_containers_fd,
			      err) < 0)
		return -1;
	return 0;
}

static void closedirp(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

/* A stream of its own over a directory that stays open. */
static DIR *read_directory(int dir_fd)
{
	int fd = openat(dir_fd, ".", DIR_FLAGS);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

	if (!dir)
		fd_close(fd);
	return dir;
}

static bool exists_below(int dir_fd, const char *id, const char *name)
{
	_cleanup_(freep) char *path = alloc_printf("%s/%s", id, name);
	struct stat st;

	return fstatat(dir_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Whether it ran when the daemon before ended, and may still do. */
static bool ran(const struct store *store, const char *id)
{
	_cleanup_(freep) char *path = alloc_printf("%s.json", id);
	struct stat st;

	return fstatat(store->run_containers_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void remove_run_dir(struct store *store, const char *id);

/* What containers that lived only until they exit had below the run directory. */
static void clear_run_orphans(struct store *store)
{
	_cleanup_(closedirp) DIR *dir = read_directory(store->run_containers_fd);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.' &&
		    !ran(store, entry->d_name))
			remove_run_dir(store, entry->d_name);
}

/* Layers of containers that had no durable record, and half-made directories. */
static void clear_orphans(struct store *store, int dir_fd)
{
	_cleanup_(closedirp) DIR *dir = read_directory(dir_fd);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || ran(store, entry->d_name) ||
		    exists_below(dir_fd, entry->d_name, "record.json") ||
		    exists_below(dir_fd, entry->d_name, "record.json.corrupt"))
			continue;
		(void)renameat(dir_fd, entry->d_name, store->trash_fd, entry->d_name);
	}
}

/* Of an earlier daemon. */
static void clear_temporary(const struct store *store)
{
	_cleanup_(closedirp) DIR *dir = read_directory(store->temporary_fd);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			(void)unlinkat(store->temporary_fd, entry->d_name, 0);
}

static void on_sweep(evutil_socket_t fd, short what, void *userdata)
{
	struct store *store = userdata;
	_cleanup_(strv_freep) char **left = TAKE_PTR(store->run_left);

	(void)fd;
	(void)what;
	for (char **id = left; id && *id; id++)
		remove_run_dir(store, *id);
	writer_client_queue(store->client, JOB_SWEEP, JOB_CONTAINER, "", NULL, 0, NULL, NULL);
}

int store_open(struct event_base *base, struct reaper *reaper, const char *state_dir,
	       const char *run_dir, struct store **ret, struct error *err)
{
	struct store *store = ALLOC(struct store);

	store->state_fd = store->state_lock = store->containers_fd = store->trash_fd = -1;
	store->volumes_fd = store->networks_fd = -1;
	store->run_fd = store->run_lock = store->run_containers_fd = store->temporary_fd = -1;
	store->state_dir = alloc_strdup(state_dir);
	store->run_dir = alloc_strdup(run_dir);
	if (open_directories(store, state_dir, run_dir, err) < 0) {
		store_close(store);
		return -1;
	}
	clear_orphans(store, store->containers_fd);
	clear_orphans(store, store->volumes_fd);
	clear_orphans(store, store->networks_fd);
	clear_run_orphans(store);
	clear_temporary(store);
	store->sweep_timer = evtimer_new(base, on_sweep, store);
	if (!store->sweep_timer)
		abort();
	if (writer_client_new(base, reaper, store->state_fd, store->state_lock, &store->client,
			      err) < 0) {
		store_close(store);
		return -1;
	}
	*ret = store;
	return 0;
}

struct store *store_close(struct store *store)
{
	if (!store)
		return NULL;
	writer_client_close(store->client);
	if (store->sweep_timer)
		event_free(store->sweep_timer);
	strv_free(store->run_left);
	fd_close(store->state_fd);
	fd_close(store->state_lock);
	fd_close(store->containers_fd);
	fd_close(store->volumes_fd);
	fd_close(store->networks_fd);
	fd_close(store->trash_fd);
	fd_close(store->run_fd);
	fd_close(store->run_lock);
	fd_close(store->run_containers_fd);
	fd_close(store->temporary_fd);
	free(store->state_dir);
	free(store->run_dir);
	free(store);
	return NULL;
}

/* --- Reading --------------------------------------------------------------------------------- */

static void load_one(int dir_fd, const char *id, const char *path, store_record_callback callback,
		     void *userdata)
{
	_cleanup_(freep) char *text = NULL;
	struct error err;
	size_t size;

	if (fd_read_file_at(dir_fd, path, RECORD_SIZE_MAX, &text, &size, &err) < 0)
		callback(userdata, id, NULL, 0, &err);
	else
		callback(userdata, id, text, size, NULL);
}

static int directory_of(const struct store *store, enum store_place place)
{
	if (place == STORE_RUN)
		return store->run_containers_fd;
	if (place == STORE_NETWORK)
		return store->networks_fd;
	return place == STORE_VOLUME ? store->volumes_fd : store->containers_fd;
}

static void load_durable_record(int dir_fd, const char *name, store_record_callback callback,
				void *userdata)
{
	_cleanup_(freep) char *path = alloc_printf("%s/record.json", name);

	if (exists_below(dir_fd, name, "record.json"))
		load_one(dir_fd, name, path, callback, userdata);
}

static void load_run_record(struct store *store, const char *name, store_record_callback callback,
			    void *userdata)
{
	_cleanup_(freep) char *id = NULL;
	size_t length = strlen(name);

	if (length > 5 && strcmp(name + length - 5, ".json") == 0) {
		id = alloc_printf("%.*s", (int)(length - 5), name);
		load_one(store->run_containers_fd, id, name, callback, userdata);
	} else if (length > 4 && strcmp(name + length - 4, ".new") == 0) {
		(void)unlinkat(store->run_containers_fd, name, 0);
	}
}

int store_load(struct store *store, enum store_place place, store_record_callback callback,
	       void *userdata, struct error *err)
{
	int dir_fd = directory_of(store, place);
	_cleanup_(closedirp) DIR *dir = read_directory(dir_fd);
	struct dirent *entry;

	if (!dir)
		return error_set_errno(err, errno, "list %s", store->state_dir);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		if (place != STORE_RUN)
			load_durable_record(dir_fd, entry->d_name, callback, userdata);
		else
			load_run_record(store, entry->d_name, callback, userdata);
	}
	return 0;
}

char *store_record_path(const struct store *store, enum store_place place, const char *id)
{
	if (place == STORE_RUN)
		return alloc_printf("%s/containers/%s.json", store->run_dir, id);
	return alloc_printf("%s/containers/%s/record.json", store->state_dir, id);
}

int store_set_aside(struct store *store, enum store_place place, const char *id, struct error *err)
{
	bool durable = place != STORE_RUN;
	int dir_fd = directory_of(store, place);
	_cleanup_(freep) char *from = alloc_printf(durable ? "%s/record.json" : "%s.json", id);
	_cleanup_(freep) char *to = alloc_printf("%s.corrupt", from);

	if (renameat(dir_fd, from, dir_fd, to) < 0)
		return error_set_errno(err, errno, "set %s aside", from);
	return 0;
}

int store_open_temporary(struct store *store, char name[STORE_TEMPORARY_SIZE], struct error *err)
{
	int fd;

	(void)snprintf(name, STORE_TEMPORARY_SIZE, "%" PRIu64, ++store->temporary);
	fd = openat(store->temporary_fd, name, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
		    0644);
	return fd < 0 ? error_set_errno(err, errno, "make a file in the run directory") : fd;
}

void store_drop_temporary(struct store *store, const char *name)
{
	(void)unlinkat(store->temporary_fd, name, 0);
}

/* --- Writing --------------------------------------------------------------------------------- */

static int write_run_record(struct store *store, const char *id, const char *text, size_t size,
			    struct error *err)
{
	char path[ID_LENGTH + 16], new_path[ID_LENGTH + 16];
	_cleanup_(fd_closep) int fd = -1;

	(void)snprintf(path, sizeof(path), "%s.json", id);
	(void)snprintf(new_path, sizeof(new_path), "%s.new", id);
	fd = openat(store->run_containers_fd, new_path,
		    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || fd_write_all(fd, text, size) < 0 ||
	    renameat(store->run_containers_fd, new_path, store->run_containers_fd, path) < 0)
		return error_set_errno(err, errno, "write the run-time record");
	return 0;
}

static enum job_place job_place(enum store_place place)
{
	if (place == STORE_NETWORK)
		return JOB_NETWORK;
	return place == STORE_VOLUME ? JOB_VOLUME : JOB_CONTAINER;
}

int store_write(struct store *store, enum store_place place, const char *id, const char *text,
		size_t size, store_callback callback, void *userdata, struct error *err)
{
	if (size > RECORD_SIZE_MAX)
		return error_set_errno(err, EFBIG, "write the record");
	if (place == STORE_RUN)
		return write_run_record(store, id, text, size, err);
	writer_client_queue(store->client, JOB_WRITE, job_place(place), id, text, size, callback,
			    userdata);
	return 0;
}

int store_remove(struct store *store, enum store_place place, const char *id,
		 store_callback callback, void *userdata, struct error *err)
{
	char path[ID_LENGTH + 16];

	if (place != STORE_RUN) {
		writer_client_queue(store->client, JOB_REMOVE, job_place(place), id, NULL, 0,
				    callback, userdata);
		return 0;
	}
	(void)snprintf(path, sizeof(path), "%s.json", id);
	if (unlinkat(store->run_containers_fd, path, 0) < 0 && errno != ENOENT)
		return error_set_errno(err, errno, "remove the run-time record");
	return 0;
}

int store_open_dir(struct store *store, enum store_place place, const char *id, struct error *err)
{
	int at = directory_of(store, place);
	int fd = openat(at, id, DIR_FLAGS | O_NOFOLLOW);

	if (fd < 0 && errno == ENOENT && (mkdirat(at, id, 0700) == 0 || errno == EEXIST))
		fd = openat(at, id, DIR_FLAGS | O_NOFOLLOW);
	return fd < 0 ? error_set_errno(err, errno, "open the directory of %.12s", id) : fd;
}

int store_state_fd(const struct store *store)
{
	return store->state_fd;
}

static void sweep_later(struct store *store)
{
	const struct timeval delay = { .tv_usec = SWEEP_DELAY_MS * 1000 };

	if (!evtimer_pending(store->sweep_timer, NULL))
		(void)event_add(store->sweep_timer, &delay);
}

/* Directories of files, two deep, on tmpfs. The writer of logs, which is another process, may just be
 * making a file there; it is done in a moment.
 */
static void remove_run_dir(struct store *store, const char *id)
{
	_cleanup_(fd_closep) int top = openat(store->run_containers_fd, id, DIR_FLAGS | O_NOFOLLOW);
	_cleanup_(closedirp) DIR *dir = top >= 0 ? read_directory(top) : NULL;
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		_cleanup_(fd_closep) int inner = -1;
		_cleanup_(closedirp) DIR *files = NULL;
		struct dirent *file;

		if (entry->d_name[0] == '.')
			continue;
		inner = openat(top, entry->d_name, DIR_FLAGS | O_NOFOLLOW);
		files = inner >= 0 ? read_directory(inner) : NULL;
		while (files && (file = readdir(files)))
			if (file->d_name[0] != '.')
				(void)unlinkat(inner, file->d_name, 0);
		(void)unlinkat(top, entry->d_name, AT_REMOVEDIR);
	}
	if (top >= 0 && unlinkat(store->run_containers_fd, id, AT_REMOVEDIR) < 0 &&
	    (errno == ENOTEMPTY || errno == EEXIST)) {
		strv_append(&store->run_left, id);
		sweep_later(store);
	}
}

void store_discard_layer(struct store *store, const char *id)
{
	remove_run_dir(store, id);
	/* What stays is found by the next daemon, which knows no record of it. */
	if (renameat(store->containers_fd, id, store->trash_fd, id) == 0)
		sweep_later(store);
}

static int make_layer_dir(struct store *store, const char *id, const char *name, struct error *err)
{
	char relative[ID_LENGTH + 64];

	(void)snprintf(relative, sizeof(relative), "%s/%s", id, name);
	if (mkdirat(store->containers_fd, relative, 0755) < 0 && errno == ENOENT) {
		if (mkdirat(store->containers_fd, id, 0700) < 0 && errno != EEXIST)
			return error_set_errno(err, errno, "make the container's layer");
		(void)mkdirat(store->containers_fd, relative, 0755);
	}
	if (faccessat(store->containers_fd, relative, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return error_set_errno(err, errno, "make the container's layer");
	return 0;
}

int store_layer(struct store *store, const char *id, char *buffer, size_t size, struct error *err)
{
	int n;

	if (make_layer_dir(store, id, "upper", err) < 0 ||
	    make_layer_dir(store, id, "work", err) < 0)
		return -1;
	n = snprintf(buffer, size, "%s/containers/%s", store->state_dir, id);
	if (n < 0 || (size_t)n >= size)
		return error_set_errno(err, ENAMETOOLONG, "the container's layer");
	return 0;
}

int store_volume_dir(struct store *store, const char *id, struct error *err)
{
	_cleanup_(freep) char *data = alloc_printf("%s/data", id);

	if ((mkdirat(store->volumes_fd, id, 0700) < 0 && errno != EEXIST) ||
	    (mkdirat(store->volumes_fd, data, 0755) < 0 && errno != EEXIST))
		return error_set_errno(err, errno, "make the volume's directory");
	return 0;
}

char *store_volume_path(const struct store *store, const char *id)
{
	return alloc_printf("%s/volumes/%s/data", store->state_dir, id);
}
