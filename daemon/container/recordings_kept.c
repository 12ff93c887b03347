/* The recordings that a container's directory has. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/parse.h"
#include "daemon/container/object.h"
#include "daemon/logs/reader.h"

static void closedirp(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

/* NULL if it has none; a container that was never recorded has no such directory. */
static DIR *open_recordings(struct container *container)
{
	struct error ignored;
	_cleanup_(fd_closep) int top = container_open_dir(container, &ignored);
	_cleanup_(fd_closep) int fd = -1;
	DIR *dir;

	if (top < 0)
		return NULL;
	fd = openat(top, RECORDING_DIRECTORY, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (dir)
		(void)TAKE_FD(fd);
	return dir;
}

/* "N.cast"; 0 if it is none. */
static unsigned int number_of(const char *name)
{
	unsigned int number = 0;
	int used = 0;

	if (name[0] < '1' || name[0] > '9' || sscanf(name, "%9u.cast%n", &number, &used) != 1 ||
	    used == 0 || name[used])
		return 0;
	return number;
}

int recordings_next_number(struct container *container, unsigned int *ret, struct error *err)
{
	_cleanup_(closedirp) DIR *dir = open_recordings(container);
	unsigned int last = container->last_recording, n = 0;
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		unsigned int number = number_of(entry->d_name);

		n += number > 0;
		last = number > last ? number : last;
	}
	if (n >= RECORDINGS_MAX)
		return error_set(err, ERROR_LIMIT_REACHED,
				 "container \"%s\" has %u recordings already; remove some",
				 container->name, n);
	container->last_recording = *ret = last + 1;
	return 0;
}

static int compare(const void *a, const void *b)
{
	unsigned int x = *(const unsigned int *)a, y = *(const unsigned int *)b;

	return (x > y) - (x < y);
}

/* Their numbers, in order; returns how many. */
static size_t list(DIR *dir, unsigned int numbers[RECORDINGS_MAX])
{
	struct dirent *entry;
	size_t n = 0;

	while (dir && n < RECORDINGS_MAX && (entry = readdir(dir))) {
		numbers[n] = number_of(entry->d_name);
		n += numbers[n] > 0;
	}
	if (n > 1)
		qsort(numbers, n, sizeof(numbers[0]), compare);
	return n;
}

struct json_object *container_recordings(struct container *container)
{
	_cleanup_(closedirp) DIR *dir = open_recordings(container);
	struct json_object *array = json_object_new_array();
	unsigned int numbers[RECORDINGS_MAX];
	size_t n = list(dir, numbers);

	for (size_t i = 0; i < n; i++) {
		struct json_object *object;
		struct stat st;
		char name[32];

		(void)snprintf(name, sizeof(name), "%u.cast", numbers[i]);
		if (fstatat(dirfd(dir), name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		object = json_object_new_object();
		record_add_int(object, "recording", numbers[i]);
		record_add_int(object, "size_bytes", st.st_size);
		record_add_time(object, "changed_at",
				(int64_t)st.st_mtim.tv_sec * 1000000 + st.st_mtim.tv_nsec / 1000);
		json_object_object_add(
			object, "active",
			json_object_new_boolean(recordings_has_active(container, numbers[i])));
		json_object_array_add(array, object);
	}
	return array;
}

/* Its name below the container's directory, of the newest for 0. */
static int find(struct container *container, unsigned int number, char name[RECORDING_NAME_SIZE],
		struct error *err)
{
	_cleanup_(closedirp) DIR *dir = open_recordings(container);
	unsigned int numbers[RECORDINGS_MAX];
	size_t n = list(dir, numbers);

	if (n && !number)
		number = numbers[n - 1];
	if (!n || !bsearch(&number, numbers, n, sizeof(number), compare))
		return error_set_subject(err, ERROR_INVALID_VALUE, "recording",
					 number ? "container \"%s\" has no recording %u" :
						  "container \"%s\" has no recordings",
					 container->name, number);
	(void)snprintf(name, RECORDING_NAME_SIZE, RECORDING_DIRECTORY "/%u.cast", number);
	return 0;
}

int container_read_recording(struct container *container, int socket, unsigned int number,
			     const void *first, size_t first_bytes, struct error *err)
{
	_cleanup_(fd_closep) int dir = container_open_dir(container, err);
	char name[RECORDING_NAME_SIZE];
	const struct log_reader_params params = {
		.dir_fd = dir,
		.name = name,
		.recording = true,
		.socket = socket,
		.first = first,
		.first_bytes = first_bytes,
	};

	if (dir < 0 || find(container, number, name, err) < 0)
		return -1;
	return log_reader_start(container->set->params.logs, &params, &container->log.followers,
				err);
}

int container_remove_recording(struct container *container, unsigned int number, struct error *err)
{
	_cleanup_(fd_closep) int dir = container_open_dir(container, err);
	char name[RECORDING_NAME_SIZE];

	if (dir < 0 || find(container, number, name, err) < 0)
		return -1;
	if (recordings_has_active(container, number))
		return error_set_subject(err, ERROR_WRONG_STATE, "running",
					 "recording %u of container \"%s\" goes on; stop it first",
					 number, container->name);
	return unlinkat(dir, name, 0) < 0 ? error_set_errno(err, errno, "remove %s", name) : 0;
}
