/* /etc/hosts, /etc/resolv.conf and /etc/hostname: files of the run directory, mounted over whatever the
 * root file system has there. They need a name until they are mounted, and go with the mounts.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/fdio.h"
#include "common/text.h"
#include "daemon/container/mounts.h"
#include "daemon/container/object.h"
#include "daemon/launch/bind.h"

enum { HOST_FILE_MAX = 256 * 1024 };

struct text {
	char *data;
	size_t size;
};

static FILE *open_text(struct text *text)
{
	FILE *stream = open_memstream(&text->data, &text->size);

	if (!stream)
		abort();
	return stream;
}

static void close_text(FILE *stream)
{
	if (fclose(stream) != 0)
		abort();
}

/* "" if there is none. */
static char *read_host_file(const char *path)
{
	struct error ignored;
	char *text;
	size_t size;

	if (fd_read_file_at(-1, path, HOST_FILE_MAX, &text, &size, &ignored) < 0)
		return alloc_strdup("");
	return text;
}

/* Whose network it is on. */
static const struct container *networked(const struct container *container)
{
	const char *mode = container->spec.network.mode;
	struct container *other;
	struct error ignored;

	if (mode && strncmp(mode, "container:", strlen("container:")) == 0 &&
	    containers_find(container->set, mode + strlen("container:"), &other, &ignored) == 0)
		return other;
	return container;
}

static bool is_on_host(const struct container *container)
{
	return container->spec.network.mode && strcmp(container->spec.network.mode, "host") == 0;
}

/* --- hosts ----------------------------------------------------------------------------------- */

static void write_own_lines(FILE *stream, const struct container *container)
{
	const struct container *on = networked(container);
	char address[ADDRESS_TEXT_SIZE];

	(void)fputs("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n", stream);
	for (size_t i = 0; i < on->n_endpoints; i++) {
		static const int families[] = { AF_INET, AF_INET6 };

		for (size_t k = 0; k < 2; k++) {
			const struct address own = endpoint_address(on->endpoints[i], families[k]);
			const char *hostname = container_hostname(container);

			if (own.family)
				(void)fprintf(stream, "%s\t%s%s%s\n", address_format(&own, address),
					      hostname,
					      strcmp(hostname, container->name) != 0 ? " " : "",
					      strcmp(hostname, container->name) != 0 ?
						      container->name :
						      "");
		}
	}
}

static void write_hosts(FILE *stream, const struct container *container)
{
	const struct container *on = networked(container);

	if (is_on_host(container)) {
		_cleanup_(freep) char *text = read_host_file("/etc/hosts");

		(void)fputs(text, stream);
	} else {
		write_own_lines(stream, container);
	}
	for (char **host = container->spec.network.hosts; host && *host; host++) {
		const char *colon = strchr(*host, ':');
		char address[ADDRESS_TEXT_SIZE];
		struct address gateway = { 0 };

		if (strcmp(colon + 1, "host-gateway") == 0 && on->n_endpoints)
			gateway = network_gateway(endpoint_network(on->endpoints[0]), AF_INET);
		(void)fprintf(stream, "%s\t%.*s\n",
			      strcmp(colon + 1, "host-gateway") != 0 ? colon + 1 :
			      gateway.family ? address_format(&gateway, address) :
					       "127.0.0.1",
			      (int)(colon - *host), *host);
	}
}

/* --- resolv.conf ----------------------------------------------------------------------------- */

static void write_words(FILE *stream, const char *key, char *const *words)
{
	(void)fputs(key, stream);
	for (; words && *words; words++)
		(void)fprintf(stream, " %s", *words);
	(void)fputc('\n', stream);
}

/* The lines of the host's that begin with the key. */
static void copy_lines(FILE *stream, const char *key)
{
	_cleanup_(freep) char *text = read_host_file("/etc/resolv.conf");
	char *rest = text, *line;

	while ((line = strsep(&rest, "\n")))
		if (strncmp(line, key, strlen(key)) == 0 && strspn(line + strlen(key), " \t"))
			(void)fprintf(stream, "%s\n", line);
}

static void write_servers(FILE *stream, const struct container *container)
{
	const struct container *on = networked(container);
	const struct network_spec *spec = &container->spec.network;
	char address[ADDRESS_TEXT_SIZE];
	struct address gateway;

	if (on->n_endpoints) {
		gateway = network_gateway(endpoint_network(on->endpoints[0]), AF_INET);
		(void)fprintf(stream, "nameserver %s\n", address_format(&gateway, address));
		return;
	}
	for (char **dns = spec->dns; dns && *dns; dns++)
		(void)fprintf(stream, "nameserver %s\n", *dns);
	if (!spec->dns && is_on_host(container))
		copy_lines(stream, "nameserver");
}

static void write_resolv_conf(FILE *stream, const struct container *container)
{
	const struct network_spec *spec = &container->spec.network;

	write_servers(stream, container);
	if (spec->dns_search && strcmp(spec->dns_search[0], ".") != 0)
		write_words(stream, "search", spec->dns_search);
	else if (!spec->dns_search)
		copy_lines(stream, "search");
	if (spec->dns_options)
		write_words(stream, "options", spec->dns_options);
	else if (networked(container)->n_endpoints)
		(void)fputs("options ndots:0\n", stream); /* names without a dot are ours first */
}

static void write_hostname(FILE *stream, const struct container *container)
{
	(void)fprintf(stream, "%s\n", container_hostname(container));
}

/* --- Mounts ---------------------------------------------------------------------------------- */

static int make_file(struct container *container,
		     void (*write_it)(FILE *stream, const struct container *container), int *ret_fd,
		     struct error *err)
{
	const struct bind_params params = {
		.attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
		.propagation = MS_PRIVATE,
		.userns_fd = -1, /* the host's ids: all may read it */
	};
	char name[STORE_TEMPORARY_SIZE];
	_cleanup_(fd_closep) int fd = store_open_temporary(container->set->params.store, name, err);
	struct text text = { 0 };
	FILE *stream;
	int r;

	if (fd < 0)
		return -1;
	strv_append(&container->files, name);
	stream = open_text(&text);
	write_it(stream, container);
	close_text(stream);
	r = fd_write_all(fd, text.data, text.size);
	if (r < 0)
		(void)error_set_errno(err, errno, "write");
	free(text.data);
	return r < 0 ? -1 : bind_clone(fd, &params, ret_fd, err);
}

/* With a loopback interface alone there is nothing to say, unless its user has something to. */
static bool wants_files(const struct container *container)
{
	const struct network_spec *spec = &container->spec.network;
	const bool alone = !container->n_endpoints &&
			   (!spec->mode || strcmp(spec->mode, "none") == 0);

	return !alone || spec->dns || spec->dns_search || spec->dns_options || spec->hosts;
}

static const struct {
	const char *path;
	void (*write)(FILE *stream, const struct container *container);
} files[] = {
	{ "/etc/hosts", write_hosts },
	{ "/etc/resolv.conf", write_resolv_conf },
	{ "/etc/hostname", write_hostname },
};

void container_remove_files(const struct container *container, struct mounts *mounts)
{
	for (size_t i = 0; container->has_files && i < ARRAY_SIZE(files); i++) {
		struct launch_mount mount = {
			.target = files[i].path, .fd = -1, .detach = true, .lazy = true
		};

		if (mount_specs_find(&container->spec.mounts, files[i].path) < 0)
			mounts_append(mounts, &mount);
	}
}

int container_add_files(struct container *container, struct mounts *mounts, struct error *err)
{
	container->has_files = wants_files(container);
	if (!container->has_files)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct launch_mount mount = { .target = files[i].path, .fd = -1 };

		if (mount_specs_find(&container->spec.mounts, files[i].path) >= 0)
			continue;
		if (make_file(container, files[i].write, &mount.fd, err) < 0)
			return error_prefix(err, "%s", files[i].path);
		mounts_append(mounts, &mount);
	}
	return 0;
}

void container_drop_files(struct container *container)
{
	for (char **name = container->files; name && *name; name++)
		store_drop_temporary(container->set->params.store, *name);
	container->files = strv_free(container->files);
}
