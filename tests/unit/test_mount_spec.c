/* Mounts as people and programs write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/json.h"
#include "common/mount_spec.h"

typedef int parser(const char *text, struct mount_specs *mounts, struct error *err);

static void expect_text(const char *actual, const char *expected)
{
	if (expected)
		assert_string_equal(actual, expected);
	else
		assert_null(actual);
}

static void expect(parser *parse, const char *text, const struct mount_spec *expected)
{
	_cleanup_(mount_specs_done) struct mount_specs mounts = { 0 };
	const struct mount_spec *mount;
	struct error err;

	if (parse(text, &mounts, &err) < 0)
		fail_msg("%s: %s", text, err.message);
	assert_int_equal(mounts.n, 1);
	mount = mounts.items;
	assert_string_equal(mount->type, expected->type);
	expect_text(mount->source, expected->source);
	assert_string_equal(mount->target, expected->target);
	expect_text(mount->propagation, expected->propagation);
	assert_int_equal(mount->read_only, expected->read_only);
	assert_int_equal(mount->nosuid, expected->nosuid);
	assert_int_equal(mount->noexec, expected->noexec);
	assert_int_equal(mount->recursive, expected->recursive);
	assert_int_equal(mount->copy, expected->copy);
	assert_int_equal(mount->size_bytes, expected->size_bytes);
	assert_int_equal(mount->mode, expected->mode);
}

static void refuse(parser *parse, const char *text, const char *why)
{
	_cleanup_(mount_specs_done) struct mount_specs mounts = { 0 };
	struct error err = ERROR_NULL;

	assert_int_equal(parse(text, &mounts, &err), -1);
	assert_int_equal(err.code, ERROR_INVALID_VALUE);
	if (!strstr(err.message, why))
		fail_msg("%s: \"%s\" does not say \"%s\"", text, err.message, why);
	assert_int_equal(mounts.n, 0);
}

/* Literals, which nothing here writes to or frees. */
#define T(text) ((char *)(uintptr_t)(text))
#define BIND .type = T("bind"), .recursive = true, .copy = true, .mode = MOUNT_MODE_DEFAULT
#define VOLUME .type = T("volume"), .recursive = true, .copy = true, .mode = MOUNT_MODE_DEFAULT
#define TMPFS .type = T("tmpfs"), .recursive = true, .copy = true, .nosuid = true, .noexec = true

static void a_volume_option_is_a_path_or_a_name(void **state)
{
	static const struct {
		const char *text;
		struct mount_spec mount;
	} cases[] = {
		{ "/a:/b", { BIND, .source = T("/a"), .target = T("/b") } },
		{ "/a:/b:ro", { BIND, .source = T("/a"), .target = T("/b"), .read_only = true } },
		{ "/a:/b:rw", { BIND, .source = T("/a"), .target = T("/b") } },
		{ "/a:/b:", { BIND, .source = T("/a"), .target = T("/b") } },
		{ "/a:/b:ro,rslave,nosuid,noexec,nodev",
		  { BIND, .source = T("/a"), .target = T("/b"), .read_only = true, .nosuid = true,
		    .noexec = true, .propagation = T("rslave") } },
		{ "name:/b", { VOLUME, .source = T("name"), .target = T("/b") } },
		{ "/b", { VOLUME, .target = T("/b") } },
		{ "/b//c/./d/", { VOLUME, .target = T("/b/c/d") } },
		{ "/a b,c:/d", { BIND, .source = T("/a b,c"), .target = T("/d") } },
	};
	struct mount_spec nocopy = { VOLUME, .source = T("n"), .target = T("/b") };
	struct mount_spec flat = { BIND, .source = T("/a"), .target = T("/b") };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		expect(mount_parse_volume, cases[i].text, &cases[i].mount);
	nocopy.copy = flat.recursive = false;
	expect(mount_parse_volume, "n:/b:nocopy", &nocopy);
	expect(mount_parse_volume, "/a:/b:bind", &flat);
}

static void a_volume_option_that_cannot_be_is_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "absolute" },
		{ ":", "empty" },
		{ ":/b", "empty" },
		{ "/a:", "absolute" },
		{ "/a:b", "absolute" },
		{ "./a:/b", "absolute" },
		{ "~/a:/b", "absolute" },
		{ "a/b:/c", "absolute" },
		{ "-a:/c", "name" },
		{ "/a:/b:ro:rw", "OPTIONS" },
		{ "/a:/b:rr", "unknown option" },
		{ "/a:/b:source=/c", "unknown option" },
		{ "/a:/b:ro=maybe", "neither" },
		{ "/a:/..", ".." },
		{ "/a:/b/../c", ".." },
		{ "/a:/", "root" },
		{ "/a:/.//", "root" },
		{ "/a:/proc", "/proc" },
		{ "/a://proc/./x", "/proc" },
		{ "/a:/sys/", "/sys" },
		{ "/a:/dev", "/dev" },
		{ "/a:/dev/pts/x", "/dev/pts" },
		{ "n:/b:shared", "propagation" },
		{ "/a:/b:nocopy", "copy" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		refuse(mount_parse_volume, cases[i].text, cases[i].why);
}

static void what_only_begins_like_proc_is_none(void **state)
{
	static const struct mount_spec mount = { BIND, .source = T("/a"), .target = T("/process") };

	(void)state;
	expect(mount_parse_volume, "/a:/process", &mount);
}

static void a_mount_option_has_keys_in_any_order(void **state)
{
	static const struct {
		const char *text;
		struct mount_spec mount;
	} cases[] = {
		{ "target=/b,readonly,source=/a,type=bind",
		  { BIND, .source = T("/a"), .target = T("/b"), .read_only = true } },
		{ "type=bind,src=/a,dst=/b,readonly=false,bind-propagation=rshared",
		  { BIND, .source = T("/a"), .target = T("/b"), .propagation = T("rshared") } },
		{ "type=bind,\"source=/a,\"\"b\"\",c\",destination=/b",
		  { BIND, .source = T("/a,\"b\",c"), .target = T("/b") } },
		{ "type=bind,source=/a=b,target=/b",
		  { BIND, .source = T("/a=b"), .target = T("/b") } },
		{ "source=n,target=/b", { VOLUME, .source = T("n"), .target = T("/b") } },
		{ "target=/b", { VOLUME, .target = T("/b") } },
		{ "target=/t,tmpfs-size=64m,tmpfs-mode=0700,type=tmpfs",
		  { TMPFS, .target = T("/t"), .size_bytes = 64 << 20, .mode = 0700 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		expect(mount_parse_mount, cases[i].text, &cases[i].mount);
	refuse(mount_parse_mount, "type=nfs,target=/b", "no type");
	refuse(mount_parse_mount, "type=,target=/b", "no type");
	refuse(mount_parse_mount, "type=bind,target=/b", "source");
	refuse(mount_parse_mount, "type=bind,source=/a", "target");
	refuse(mount_parse_mount, "type=bind,source=,target=/b", "needs a value");
	refuse(mount_parse_mount, "type=bind,source=/a,target=/b,tmpfs-size=1m", "tmpfs");
	refuse(mount_parse_mount, "type=tmpfs,source=/a,target=/b", "no source");
	refuse(mount_parse_mount, "targte=/b", "\"target\"");
}

static void a_tmpfs_option_has_sizes_and_modes(void **state)
{
	static const struct {
		const char *text;
		int64_t bytes;
	} sizes[] = {
		{ "/t:size=4096", 4096 },	    { "/t:size=4k", 4096 },
		{ "/t:size=64M", 64 << 20 },	    { "/t:size=2g", INT64_C(2) << 30 },
		{ "/t:size=1t", INT64_C(1) << 40 },
	};
	static const char *const wrong[] = { "0",	"-1", "4095", "k",    "1.5m",
					     "1mm",	"1x", " 64m", "64 m", "99999999999999t",
					     "0x100000" };
	struct mount_spec mount = { TMPFS, .target = T("/t"), .mode = MOUNT_MODE_DEFAULT };

	(void)state;
	expect(mount_parse_tmpfs, "/t", &mount);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		mount.size_bytes = sizes[i].bytes;
		expect(mount_parse_tmpfs, sizes[i].text, &mount);
	}
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		_cleanup_(freep) char *text = alloc_printf("/t:size=%s", wrong[i]);

		refuse(mount_parse_tmpfs, text, "size");
	}
	refuse(mount_parse_tmpfs, "/t:mode=8", "mode");
	refuse(mount_parse_tmpfs, "/t:mode=17777", "mode");
	refuse(mount_parse_tmpfs, "/t:mode=", "needs a value");
	refuse(mount_parse_tmpfs, "/t:nr_inodes=5", "unknown option");
	refuse(mount_parse_tmpfs, "t", "absolute");
	mount.size_bytes = 0;
	mount.mode = 0;
	mount.noexec = mount.nosuid = false;
	mount.read_only = true;
	expect(mount_parse_tmpfs, "/t:exec,suid,ro,mode=0", &mount);
}

static void a_target_comes_once_in_whatever_spelling(void **state)
{
	_cleanup_(mount_specs_done) struct mount_specs mounts = { 0 };
	struct error err;

	(void)state;
	assert_int_equal(mount_parse_tmpfs("/a/b", &mounts, &err), 0);
	assert_int_equal(mount_parse_volume("/x://a/./b/", &mounts, &err), -1);
	assert_int_equal(mounts.n, 1);
	assert_int_equal(mount_specs_find(&mounts, "/a//b/"), 0);
	assert_int_equal(mount_specs_find(&mounts, "/a"), -1);
}

static void mounts_are_put_into_an_order_that_works(void **state)
{
	static const char *const targets[] = { "/a/b/c", "/d", "/a", "/a/b", "/e" };
	static const size_t expected[] = { 1, 2, 4, 3, 0 };
	_cleanup_(mount_specs_done) struct mount_specs mounts = { 0 };
	size_t order[MOUNTS_MAX];
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++)
		assert_int_equal(mount_parse_tmpfs(targets[i], &mounts, &err), 0);
	mount_specs_sort(&mounts, order);
	assert_memory_equal(order, expected, sizeof(expected));
}

static void mounts_survive_the_way_through_json(void **state)
{
	_cleanup_(mount_specs_done) struct mount_specs mounts = { 0 };
	_cleanup_(mount_specs_done) struct mount_specs again = { 0 };
	_cleanup_(json_putp) struct json_object *array = NULL;
	_cleanup_(json_putp) struct json_object *second = NULL;
	struct error err;

	(void)state;
	assert_int_equal(mount_parse_volume("/a:/b:ro,shared,noexec,bind", &mounts, &err), 0);
	assert_int_equal(mount_parse_volume("n:/c:nocopy", &mounts, &err), 0);
	assert_int_equal(mount_parse_tmpfs("/t:size=1m,mode=700,exec", &mounts, &err), 0);
	assert_int_equal(mount_parse_volume("/anonymous", &mounts, &err), 0);
	array = mount_specs_to_json(&mounts);
	assert_int_equal(mount_specs_from_json(array, &again, &err), 0);
	assert_int_equal(mount_specs_check(&again, &err), 0);
	second = mount_specs_to_json(&again);
	assert_string_equal(json_object_to_json_string(array), json_object_to_json_string(second));
	assert_int_equal(again.items[2].mode, 0700);
	assert_false(again.items[0].recursive);
}

static void refuse_json(const char *text, const char *subject)
{
	_cleanup_(mount_specs_done) struct mount_specs mounts = { 0 };
	_cleanup_(freep) char *whole = alloc_printf("{\"mounts\":[%s]}", text);
	_cleanup_(json_putp) struct json_object *object = NULL;
	struct error err;

	assert_int_equal(json_parse(whole, strlen(whole), &object, &err), 0);
	if (mount_specs_from_json(json_object_object_get(object, "mounts"), &mounts, &err) == 0)
		assert_int_equal(mount_specs_check(&mounts, &err), -1);
	assert_int_equal(err.code, ERROR_INVALID_VALUE);
	assert_string_equal(err.subject, subject);
}

static void what_is_wrong_in_json_is_named(void **state)
{
	(void)state;
	refuse_json("{\"type\":\"bind\",\"source\":\"/a\"}", "spec.mounts[0].target");
	refuse_json("{\"target\":\"/a\"}", "spec.mounts[0].type");
	refuse_json(
		"{\"type\":\"tmpfs\",\"target\":\"/a\"},{\"type\":\"tmpfs\",\"target\":\"/a/.\"}",
		"spec.mounts[1].target");
	refuse_json("{\"type\":\"tmpfs\",\"target\":5}", "spec.mounts[0].target");
	refuse_json("{\"type\":\"tmpfs\",\"target\":\"/a\",\"size_bytes\":-5}",
		    "spec.mounts[0].size_bytes");
	refuse_json("{\"type\":\"tmpfs\",\"target\":\"/a\",\"mode\":4096}", "spec.mounts[0].mode");
	refuse_json("{\"type\":\"volume\",\"target\":\"/a\",\"source\":\"../x\"}",
		    "spec.mounts[0].source");
}

static void nothing_is_below_what_the_host_shares(void **state)
{
	_cleanup_(mount_specs_done) struct mount_specs mounts = { 0 };
	struct error err;

	(void)state;
	assert_int_equal(mount_parse_volume("/a:/b:rshared", &mounts, &err), 0);
	assert_int_equal(mount_parse_tmpfs("/bc", &mounts, &err), 0);
	assert_int_equal(mount_specs_check(&mounts, &err), 0);
	assert_int_equal(mount_parse_tmpfs("/b/c", &mounts, &err), 0);
	assert_int_equal(mount_specs_check(&mounts, &err), -1);
	assert_string_equal(err.subject, "spec.mounts[2].target");
}

static void one_more_than_there_may_be_is_refused(void **state)
{
	_cleanup_(mount_specs_done) struct mount_specs mounts = { 0 };
	struct error err;

	(void)state;
	for (int i = 0; i <= MOUNTS_MAX; i++) {
		_cleanup_(freep) char *target = alloc_printf("/m/%d", i);

		assert_int_equal(mount_parse_tmpfs(target, &mounts, &err), 0);
		assert_int_equal(mount_specs_check(&mounts, &err), i < MOUNTS_MAX ? 0 : -1);
	}
	assert_string_equal(err.subject, "spec.mounts");
}

static void a_removed_mount_leaves_the_others(void **state)
{
	_cleanup_(mount_specs_done) struct mount_specs mounts = { 0 };
	struct error err;

	(void)state;
	assert_int_equal(mount_parse_tmpfs("/a", &mounts, &err), 0);
	assert_int_equal(mount_parse_tmpfs("/b", &mounts, &err), 0);
	assert_int_equal(mount_parse_tmpfs("/c", &mounts, &err), 0);
	mount_specs_remove(&mounts, 1);
	assert_int_equal(mounts.n, 2);
	assert_string_equal(mounts.items[1].target, "/c");
	mount_specs_remove(&mounts, 1);
	mount_specs_remove(&mounts, 0);
	assert_int_equal(mounts.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_volume_option_is_a_path_or_a_name),
		cmocka_unit_test(a_volume_option_that_cannot_be_is_refused),
		cmocka_unit_test(what_only_begins_like_proc_is_none),
		cmocka_unit_test(a_mount_option_has_keys_in_any_order),
		cmocka_unit_test(a_tmpfs_option_has_sizes_and_modes),
		cmocka_unit_test(a_target_comes_once_in_whatever_spelling),
		cmocka_unit_test(mounts_are_put_into_an_order_that_works),
		cmocka_unit_test(mounts_survive_the_way_through_json),
		cmocka_unit_test(what_is_wrong_in_json_is_named),
		cmocka_unit_test(nothing_is_below_what_the_host_shares),
		cmocka_unit_test(one_more_than_there_may_be_is_refused),
		cmocka_unit_test(a_removed_mount_leaves_the_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
