#include "common/idl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/json.h"

/* --- Helpers --------------------------------------------------------------------------------- */

static struct idl *parse(const char *text)
{
	struct error err = ERROR_NULL;
	struct idl *idl = NULL;

	if (idl_parse(text, strlen(text), &idl, &err) < 0)
		fail_msg("%s: %s", text, err.message);
	return idl;
}

/* A body behind the line that names the interface. */
static struct idl *parse_body(const char *body)
{
	_cleanup_(freep) char *text = alloc_printf("interface org.example.test\n%s", body);

	return parse(text);
}

static void assert_refused(const char *text, const char *why)
{
	struct error err = ERROR_NULL;
	struct idl *idl = NULL;

	if (idl_parse(text, strlen(text), &idl, &err) == 0)
		fail_msg("accepted: %s", text);
	assert_null(idl);
	assert_int_equal(err.code, ERROR_INVALID_VALUE);
	if (!strstr(err.message, why))
		fail_msg("%s: expected \"%s\", got \"%s\"", text, why, err.message);
}

static void assert_body_refused(const char *body, const char *why)
{
	_cleanup_(freep) char *text = alloc_printf("interface org.example.test\n%s", body);

	assert_refused(text, why);
}

static int check(const struct idl *idl, const char *method, enum idl_direction direction,
		 const char *text, struct error *err)
{
	_cleanup_(json_putp) struct json_object *value = NULL;
	int index = idl_find_method(idl, method, strlen(method));

	*err = ERROR_NULL;
	assert_true(index >= 0);
	if (text && json_parse(text, strlen(text), &value, err) < 0)
		fail_msg("%s: %s", text, err->message);
	return idl_check_method(idl, index, direction, value, err);
}

static void assert_fits(const struct idl *idl, const char *method, const char *text)
{
	struct error err;

	if (check(idl, method, IDL_IN, text, &err) < 0)
		fail_msg("%s: %s", text, err.message);
}

static void assert_misfit(const struct idl *idl, const char *method, const char *text,
			  const char *path)
{
	struct error err;

	if (check(idl, method, IDL_IN, text, &err) == 0)
		fail_msg("accepted: %s", text);
	assert_int_equal(err.code, ERROR_INVALID_VALUE);
	assert_string_equal(err.subject, path);
	assert_memory_equal(err.message, path, strlen(path));
}

/* --- Definitions ----------------------------------------------------------------------------- */

static void a_definition_is_kept_as_it_was(void **state)
{
	static const char text[] = "# About\n\tinterface org.example.a-b.c2 # here\r\n"
				   "method B()->()\nerror E ()\ntype T(a:int)\n"
				   "method A(t: T) -> ()";
	_cleanup_(idl_freep) struct idl *idl = parse(text);

	(void)state;
	assert_string_equal(idl_name(idl), "org.example.a-b.c2");
	assert_string_equal(idl_text(idl), text);
	assert_string_equal(idl_method_at(idl, 0), "B");
	assert_string_equal(idl_method_at(idl, 1), "A");
	assert_null(idl_method_at(idl, 2));
	assert_null(idl_free(NULL));
}

static void the_interfaces_of_the_daemon_are_read(void **state)
{
	static const struct {
		const char *path, *name, *method;
	} files[] = {
		{ "common/io.dokrust.Container.varlink", "io.dokrust.Container", "Inspect" },
		{ "common/io.dokrust.Network.varlink", "io.dokrust.Network", "Create" },
		{ "common/io.dokrust.Daemon.varlink", "io.dokrust.Daemon", "GetVersion" },
		{ "common/org.varlink.service.varlink", "org.varlink.service", "GetInfo" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_(fclosep) FILE *file = fopen(files[i].path, "re");
		_cleanup_(idl_freep) struct idl *idl = NULL;
		char text[65536] = "";

		if (!file) /* not run from the top of the tree */
			skip();
		text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
		idl = parse(text);
		assert_string_equal(idl_name(idl), files[i].name);
		assert_true(idl_find_method(idl, files[i].method, strlen(files[i].method)) >= 0);
	}
}

static void a_method_is_found_by_its_whole_name_only(void **state)
{
	static const char *const names[] = { "List", "Run", "Rum", "Start", "A", "Restart", "Sto" };
	_cleanup_(idl_freep) struct idl *idl =
		parse_body("method List()->() method Run()->() method Rum()->() method Start()->() "
			   "method A()->() method Restart()->() method Sto()->() error No() "
			   "type Kind(a: int)");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_int_equal(idl_find_method(idl, names[i], strlen(names[i])), i);
		assert_string_equal(idl_method_at(idl, i), names[i]);
	}
	assert_int_equal(idl_find_method(idl, "Listing", 4), 0);
	assert_int_equal(idl_find_method(idl, "Listing", 7), -1);
	assert_int_equal(idl_find_method(idl, "Lis", 3), -1);
	assert_int_equal(idl_find_method(idl, "list", 4), -1);
	assert_int_equal(idl_find_method(idl, "", 0), -1);
	assert_int_equal(idl_find_method(idl, "List\0\0\0\0", 8), -1);
	assert_int_equal(idl_find_method(idl, "No", 2), -1);
	assert_int_equal(idl_find_method(idl, "Kind", 4), -1);
}

static void an_interface_without_methods_finds_none(void **state)
{
	_cleanup_(idl_freep) struct idl *idl = parse_body("error E()");

	(void)state;
	assert_int_equal(idl_find_method(idl, "E", 1), -1);
	assert_null(idl_method_at(idl, 0));
}

static void names_of_interfaces_have_parts_with_dots_between(void **state)
{
	static const char *const bad[] = { "",	   "org",  ".a.b", "a..b",  "a.b.", "1a.b",
					   "a.-b", "a-.b", "a.b-", "a_b.c", "-a.b", "a.\xc3\xa4" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_(freep) char *text = alloc_printf("interface %s\n", bad[i]);

		assert_refused(text, "line ");
	}
	idl_free(parse("interface a.b"));
	idl_free(parse("interface com.1and1.x--y"));
	assert_refused("", "expected interface");
	assert_refused("interfacea.b", "expected interface");
	assert_refused("method A()->()", "expected interface");
}

static void text_that_is_not_well_formed_is_refused_with_its_line(void **state)
{
	static const struct {
		const char *body, *why;
	} cases[] = {
		{ "method A()->()\n\nmethod", "line 4: a member's name" },
		{ "method a()->()", "line 2: a member's name" },
		{ "method 1()->()", "a member's name" },
		{ "methodA()->()", "expected type, method or error" },
		{ "()", "expected type, method or error" },
		{ "# x\nmethod A\n()\n()", "line 5: expected \"->\"" },
		{ "method A() -> int", "expected \"(\"" },
		{ "method A(a, b) -> ()", "parameters have a type each" },
		{ "method A() -> (a)", "parameters have a type each" },
		{ "error E(a)", "parameters have a type each" },
		{ "error E", "expected \"(\"" },
		{ "type T int", "expected \"(\"" },
		{ "type T []int", "expected \"(\"" },
		{ "type T (a: int", "expected \",\" or \")\"" },
		{ "type T (a: int b: int)", "expected \",\" or \")\"" },
		{ "type T (a: int,)", "expected the name of a field" },
		{ "type T (,a: int)", "expected the name of a field" },
		{ "type T (_a: int)", "expected the name of a field" },
		{ "type T (a_: int)", "expected the name of a field" },
		{ "type T (a__b: int)", "expected the name of a field" },
		{ "type T (1a: int)", "expected the name of a field" },
		{ "type T (a: int, b)", "either all fields" },
		{ "type T (a, b: int)", "either all fields" },
		{ "type T (a: )", "expected a type" },
		{ "type T (a: ??int)", "expected a type" },
		{ "type T (a: [int]int)", "expected a type" },
		{ "type T (a: [])", "expected a type" },
		{ "type T (a: integer)", "line 2: there is no type integer" },
		{ "type T (\na: int,\nb: ?[]Nothing,\nc: int)",
		  "line 4: there is no type Nothing" },
		{ "method A() -> (\na: [string]No)", "line 3: there is no type No" },
		{ "error A(a: E)\nerror E()", "line 2: there is no type E" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_body_refused(cases[i].body, cases[i].why);
}

static void a_name_is_defined_once(void **state)
{
	(void)state;
	assert_body_refused("type A(a: int)\ntype A(b: int)", "line 3: a second definition of A");
	assert_body_refused("method A()->()\nerror A()", "line 3: a second definition of A");
	assert_body_refused("type T (a: int,\na: string)", "line 3: a second field a");
	assert_body_refused("type T (a, b, a)", "a second field a");
}

static void a_nul_in_a_definition_is_refused(void **state)
{
	static const char text[] = "interface a.b\n#\0\nmethod A()->()";
	struct idl *idl = NULL;
	struct error err;

	(void)state;
	assert_int_equal(idl_parse(text, sizeof(text) - 1, &idl, &err), -1);
	assert_int_equal(err.code, ERROR_INVALID_VALUE);
	assert_null(idl);
}

static void types_nest_16_deep(void **state)
{
	char most[64] = "type T (a: ", more[64] = "type T (a: ";

	(void)state;
	for (int i = 0; i < 16; i++) {
		(void)strcat(more, "[]");
		if (i)
			(void)strcat(most, "[]");
	}
	idl_free(parse_body(strcat(most, "int)")));
	assert_body_refused(strcat(more, "int)"), "nested too deeply");
}

static void no_part_of_a_definition_is_read_beyond_its_end(void **state)
{
	static const char text[] = "interface a.b # x\ntype T (a: ?[]int, b: [string](x, y))\n"
				   "method M(t: T) -> (u: ?T)\nerror E(m: string)";

	(void)state;
	for (size_t size = 0; size < sizeof(text); size++) {
		_cleanup_(freep) char *copy = alloc_zero(1, size);
		_cleanup_(idl_freep) struct idl *idl = NULL;
		struct error err;

		(void)memcpy(copy, text, size);
		(void)idl_parse(copy, size, &idl, &err);
	}
}

/* --- Values ---------------------------------------------------------------------------------- */

static const char everything[] =
	"type Color (red, green)\n"
	"type Tree (name: string, children: ?[]Tree)\n"
	"type Spec (command: ?[]string, labels: ?[string]string, mounts: []Mount)\n"
	"type Mount (target: string, color: ?Color, at: ?(x: int, y: int))\n"
	"method Basic(b: ?bool, i: ?int, f: ?float, s: ?string, o: ?object, a: ?any) -> (r: int)\n"
	"method Need(a: any, s: string) -> ()\n"
	"method Make(spec: Spec, name: ?string) -> (id: string)\n"
	"method Grow(tree: Tree, grid: ?[][]int, holes: ?[]?int, table: ?[string]?Color) -> ()\n"
	"method Nothing() -> ()\n"
	"error Failed(what: string, errno: int)\n"
	"error Plain()\n";

static void values_of_each_basic_type_fit_only_that_type(void **state)
{
	static const char *const values[] = { "true", "1", "1.5", "\"x\"", "{\"k\":[1]}", "[1]" };
	/* Which of the values each field takes; an integer is a number, too. */
	static const struct {
		const char *field;
		bool takes[ARRAY_SIZE(values)];
	} fields[] = {
		{ "b", { true } },
		{ "i", { false, true } },
		{ "f", { false, true, true } },
		{ "s", { false, false, false, true } },
		{ "o", { false, false, false, false, true } },
		{ "a", { true, true, true, true, true, true } },
	};
	_cleanup_(idl_freep) struct idl *idl = parse_body(everything);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(values); k++) {
			_cleanup_(freep) char *text =
				alloc_printf("{\"%s\":%s}", fields[i].field, values[k]);

			if (fields[i].takes[k])
				assert_fits(idl, "Basic", text);
			else
				assert_misfit(idl, "Basic", text, fields[i].field);
		}
	}
}

static void nullable_fields_may_be_absent_or_null_and_others_not(void **state)
{
	_cleanup_(idl_freep) struct idl *idl = parse_body(everything);

	(void)state;
	assert_fits(idl, "Basic", "{}");
	assert_fits(idl, "Basic", NULL);
	assert_fits(idl, "Basic", "{\"b\":null,\"i\":null,\"s\":null,\"o\":null,\"a\":null}");
	assert_fits(idl, "Nothing", NULL);
	assert_fits(idl, "Nothing", "{}");
	assert_fits(idl, "Need", "{\"a\":0,\"s\":\"\"}");
	assert_misfit(idl, "Need", NULL, "a");
	assert_misfit(idl, "Need", "{\"s\":\"\"}", "a");
	assert_misfit(idl, "Need", "{\"s\":\"\",\"a\":null}", "a");
	assert_misfit(idl, "Need", "{\"a\":1}", "s");
	assert_misfit(idl, "Need", "{\"a\":1,\"s\":null}", "s");
}

static void the_subject_is_the_path_of_the_field(void **state)
{
	static const struct {
		const char *method, *text, *path;
	} cases[] = {
		{ "Nothing", "{\"x\":null}", "x" },
		{ "Make", "{\"spec\":{\"mounts\":[]},\"nmae\":\"a\"}", "nmae" },
		{ "Make", "{\"spec\":[]}", "spec" },
		{ "Make", "{\"spec\":{}}", "spec.mounts" },
		{ "Make", "{\"spec\":{\"mounts\":{}}}", "spec.mounts" },
		{ "Make", "{\"spec\":{\"mounts\":[],\"command\":[\"a\",\"b\",3]}}",
		  "spec.command[2]" },
		{ "Make", "{\"spec\":{\"mounts\":[],\"command\":[null]}}", "spec.command[0]" },
		{ "Make", "{\"spec\":{\"mounts\":[],\"command\":\"a\"}}", "spec.command" },
		{ "Make", "{\"spec\":{\"mounts\":[],\"labels\":{\"a\":\"b\",\"tier\":1}}}",
		  "spec.labels.tier" },
		{ "Make", "{\"spec\":{\"mounts\":[],\"labels\":{\"tier\":null}}}",
		  "spec.labels.tier" },
		{ "Make", "{\"spec\":{\"mounts\":[],\"labels\":[]}}", "spec.labels" },
		{ "Make", "{\"spec\":{\"mounts\":[{\"target\":\"/\"},{\"target\":1}]}}",
		  "spec.mounts[1].target" },
		{ "Make", "{\"spec\":{\"mounts\":[{\"target\":\"/\",\"extra\":1}]}}",
		  "spec.mounts[0].extra" },
		{ "Make", "{\"spec\":{\"mounts\":[{\"target\":\"/\",\"color\":\"blue\"}]}}",
		  "spec.mounts[0].color" },
		{ "Make", "{\"spec\":{\"mounts\":[{\"target\":\"/\",\"color\":1}]}}",
		  "spec.mounts[0].color" },
		{ "Make", "{\"spec\":{\"mounts\":[{\"target\":\"/\",\"at\":{\"x\":1}}]}}",
		  "spec.mounts[0].at.y" },
		{ "Grow",
		  "{\"tree\":{\"name\":\"a\",\"children\":[{\"name\":\"b\"},"
		  "{\"name\":\"c\",\"children\":[{}]}]}}",
		  "tree.children[1].children[0].name" },
		{ "Grow", "{\"tree\":{\"name\":\"\"},\"grid\":[[1],[2,true]]}", "grid[1][1]" },
		{ "Grow", "{\"tree\":{\"name\":\"\"},\"table\":{\"k\":\"blue\"}}", "table.k" },
	};
	_cleanup_(idl_freep) struct idl *idl = parse_body(everything);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_misfit(idl, cases[i].method, cases[i].text, cases[i].path);
	assert_fits(idl, "Make",
		    "{\"name\":null,\"spec\":{\"command\":[],\"labels\":{\"\":\"\"},\"mounts\":["
		    "{\"target\":\"/\",\"color\":\"green\",\"at\":{\"x\":1,\"y\":-1}}]}}");
	assert_fits(idl, "Grow",
		    "{\"tree\":{\"name\":\"a\",\"children\":[{\"name\":\"b\",\"children\":[]}]},"
		    "\"grid\":[[],[1,2]],\"holes\":[1,null],\"table\":{\"a\":null,\"b\":\"red\"}}");
}

static void a_path_of_hostile_keys_is_escaped_and_cut_between_characters(void **state)
{
	_cleanup_(idl_freep) struct idl *idl = parse_body(everything);
	char text[512] = "{\"", expected[ERROR_SUBJECT_SIZE] = "";
	struct error err;

	(void)state;
	assert_misfit(idl, "Nothing", "{\"a\\n\\u001b[2J\":1}", "a\\x0a\\x1b[2J");
	for (int i = 0; i < 100; i++)
		(void)strcat(text, "\xe2\x82\xac");
	(void)strcat(text, "\":1}");
	for (int i = 0; i < (ERROR_SUBJECT_SIZE - 1) / 3; i++)
		(void)strcat(expected, "\xe2\x82\xac");
	assert_int_equal(check(idl, "Nothing", IDL_IN, text, &err), -1);
	assert_string_equal(err.subject, expected);
}

static void calls_and_replies_are_checked_apart(void **state)
{
	_cleanup_(idl_freep) struct idl *idl = parse_body(everything);
	struct error err;

	(void)state;
	assert_int_equal(check(idl, "Make", IDL_OUT, "{\"id\":\"x\"}", &err), 0);
	assert_int_equal(check(idl, "Make", IDL_OUT, "{\"spec\":{\"mounts\":[]}}", &err), -1);
	assert_string_equal(err.subject, "id");
	assert_int_equal(check(idl, "Make", IDL_IN, "{\"id\":\"x\"}", &err), -1);
	assert_string_equal(err.subject, "spec");
	assert_int_equal(check(idl, "Nothing", IDL_OUT, NULL, &err), 0);
}

static void the_parameters_of_an_error_are_checked(void **state)
{
	_cleanup_(json_putp) struct json_object *o = json_object_new_object();
	_cleanup_(idl_freep) struct idl *idl = parse_body(everything);
	struct error err;

	(void)state;
	assert_int_equal(idl_check_error(idl, "Plain", NULL, &err), 0);
	assert_int_equal(idl_check_error(idl, "Failed", o, &err), -1);
	assert_string_equal(err.subject, "what");
	json_object_object_add(o, "what", json_object_new_string("x"));
	json_object_object_add(o, "errno", json_object_new_int64(2));
	assert_int_equal(idl_check_error(idl, "Failed", o, &err), 0);
	assert_int_equal(idl_check_error(idl, "Plain", o, &err), -1);
	assert_string_equal(err.subject, "what");
	assert_int_equal(idl_check_error(idl, "Nothing", NULL, &err), -1);
	assert_int_equal(idl_check_error(idl, "", NULL, &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_definition_is_kept_as_it_was),
		cmocka_unit_test(the_interfaces_of_the_daemon_are_read),
		cmocka_unit_test(a_method_is_found_by_its_whole_name_only),
		cmocka_unit_test(an_interface_without_methods_finds_none),
		cmocka_unit_test(names_of_interfaces_have_parts_with_dots_between),
		cmocka_unit_test(text_that_is_not_well_formed_is_refused_with_its_line),
		cmocka_unit_test(a_name_is_defined_once),
		cmocka_unit_test(a_nul_in_a_definition_is_refused),
		cmocka_unit_test(types_nest_16_deep),
		cmocka_unit_test(no_part_of_a_definition_is_read_beyond_its_end),
		cmocka_unit_test(values_of_each_basic_type_fit_only_that_type),
		cmocka_unit_test(nullable_fields_may_be_absent_or_null_and_others_not),
		cmocka_unit_test(the_subject_is_the_path_of_the_field),
		cmocka_unit_test(a_path_of_hostile_keys_is_escaped_and_cut_between_characters),
		cmocka_unit_test(calls_and_replies_are_checked_apart),
		cmocka_unit_test(the_parameters_of_an_error_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
