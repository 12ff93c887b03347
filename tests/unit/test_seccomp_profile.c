/* Profiles: what is read of one, and that a program decides as its rules do. */
#include "tests/unit/seccomp_fixture.h"

#include <linux/capability.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "common/alloc.h"
#include "common/capability.h"
#include "common/cleanup.h"

/* --- Profiles -------------------------------------------------------------------------------- */

static struct seccomp_program compile_text(const char *text, uint64_t capabilities)
{
	struct seccomp_profile *profile;
	struct seccomp_program program = { 0 };
	struct error err;

	if (seccomp_profile_parse(text, &profile, &err) < 0 ||
	    seccomp_compile(profile, capabilities, &program, &err) < 0)
		fail_msg("%s", err.message);
	seccomp_profile_free(profile);
	return program;
}

static void the_first_rule_that_fits_decides(void **state)
{
	struct seccomp_program program = compile_text(
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":["
		"{\"names\":[\"getppid\",\"getpid\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":38},"
		"{\"name\":\"kill\",\"action\":\"SCMP_ACT_ERRNO\",\"args\":["
		"{\"index\":1,\"value\":9,\"op\":\"SCMP_CMP_EQ\"}]},"
		"{\"name\":\"kill\",\"action\":\"SCMP_ACT_LOG\",\"args\":["
		"{\"index\":1,\"value\":8,\"op\":\"SCMP_CMP_GE\"}]},"
		"{\"name\":\"getpid\",\"action\":\"SCMP_ACT_KILL_PROCESS\"},"
		"{\"name\":\"kill\",\"action\":\"SCMP_ACT_TRAP\"}]}",
		0);

	(void)state;
	assert_int_equal(ask(&program, SYS_getppid, 0, 0), SECCOMP_RET_ERRNO | ENOSYS);
	assert_int_equal(ask(&program, SYS_getpid, 0, 0), SECCOMP_RET_ERRNO | ENOSYS);
	assert_int_equal(ask(&program, SYS_kill, 0, 9), REFUSED);
	assert_int_equal(ask(&program, SYS_kill, 0, 10), SECCOMP_RET_LOG);
	assert_int_equal(ask(&program, SYS_kill, 0, HIGH | 9), SECCOMP_RET_LOG);
	assert_int_equal(ask(&program, SYS_kill, 0, 7), SECCOMP_RET_TRAP);
	assert_int_equal(ask(&program, SYS_read, 0, 0), SECCOMP_RET_ALLOW);
	free(program.instructions);
}

/* As docker has it, see seccomp_rules.c. */
static void conditions_on_one_argument_are_alternatives(void **state)
{
	struct seccomp_program program =
		compile_text("{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":["
			     "{\"name\":\"kill\",\"action\":\"SCMP_ACT_ALLOW\",\"args\":["
			     "{\"index\":1,\"value\":1,\"op\":\"SCMP_CMP_EQ\"},"
			     "{\"index\":1,\"value\":2,\"op\":\"SCMP_CMP_EQ\"}]}]}",
			     0);

	(void)state;
	assert_int_equal(ask(&program, SYS_kill, 0, 1), SECCOMP_RET_ALLOW);
	assert_int_equal(ask(&program, SYS_kill, 0, 2), SECCOMP_RET_ALLOW);
	assert_int_equal(ask(&program, SYS_kill, 0, 3), REFUSED);
	free(program.instructions);
}

static void rules_are_there_for_capabilities_architectures_and_kernels(void **state)
{
	static const char text[] =
		"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":["
		"{\"name\":\"read\",\"action\":\"SCMP_ACT_ALLOW\","
		"\"includes\":{\"caps\":[\"CAP_CHOWN\",\"CAP_KILL\"]}},"
		"{\"name\":\"write\",\"action\":\"SCMP_ACT_ALLOW\","
		"\"excludes\":{\"caps\":[\"CAP_CHOWN\",\"CAP_KILL\"]}},"
		"{\"name\":\"open\",\"action\":\"SCMP_ACT_ALLOW\",\"includes\":{\"arches\":[\"s390\"]}},"
		"{\"name\":\"close\",\"action\":\"SCMP_ACT_ALLOW\","
		"\"includes\":{\"minKernel\":\"4.8\"}},"
		"{\"name\":\"stat\",\"action\":\"SCMP_ACT_ALLOW\",\"includes\":{\"minKernel\":\"99.0\"}}"
		"]}";
	struct seccomp_program one = compile_text(text, CAPABILITY(CAP_CHOWN));
	struct seccomp_program both =
		compile_text(text, CAPABILITY(CAP_CHOWN) | CAPABILITY(CAP_KILL));
	struct seccomp_program none = compile_text(text, 0);

	(void)state;
	assert_int_equal(ask(&one, SYS_read, 0, 0), REFUSED);
	assert_int_equal(ask(&both, SYS_read, 0, 0), SECCOMP_RET_ALLOW);
	assert_int_equal(ask(&one, SYS_write, 0, 0), REFUSED);
	assert_int_equal(ask(&none, SYS_write, 0, 0), SECCOMP_RET_ALLOW);
	assert_int_equal(ask(&none, SYS_close, 0, 0), SECCOMP_RET_ALLOW);
#if defined(__x86_64__)
	assert_int_equal(ask(&none, SYS_open, 0, 0), REFUSED);
	assert_int_equal(ask(&none, SYS_stat, 0, 0), REFUSED);
#endif
	free(one.instructions);
	free(both.instructions);
	free(none.instructions);
}

static void a_system_call_that_nobody_knows_is_an_error(void **state)
{
	static const char text[] =
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":["
		"{\"names\":[\"s390_runtime_instr\",\"cachestat\"],"
		"\"action\":\"SCMP_ACT_ALLOW\"},"
		"{\"names\":[\"read\",\"opne\"],\"action\":\"SCMP_ACT_ERRNO\"}]}";
	struct seccomp_profile *profile;
	struct seccomp_program program;
	struct error err;

	(void)state;
	assert_int_equal(seccomp_profile_parse(text, &profile, &err), 0);
	assert_int_equal(seccomp_compile(profile, 0, &program, &err), -1);
	assert_int_equal(err.code, ERROR_INVALID_VALUE);
	assert_string_equal(err.message, "seccomp profile: syscalls[1].names: there is no system "
					 "call \"opne\"");
	seccomp_profile_free(profile);
}

/* --- Against the rules themselves ------------------------------------------------------------ */

static uint64_t seed = 88172645463325252u;

static uint64_t random_number(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Few values, so that they meet. */
static uint64_t random_value(void)
{
	static const uint64_t values[] = { 0,	       1,	   2,
					   UINT32_MAX, HIGH,	   HIGH | 1,
					   HIGH * 2,   UINT64_MAX, 0x8000000000000000u,
					   0x80000000u };

	return values[random_number() % ARRAY_SIZE(values)];
}

static bool holds(const struct seccomp_condition *condition, const uint64_t args[6])
{
	uint64_t a = args[condition->argument] & condition->mask, b = condition->value;

	switch (condition->comparison) {
	case SECCOMP_EQUAL:
		return a == b;
	case SECCOMP_NOT_EQUAL:
		return a != b;
	case SECCOMP_LESS:
		return a < b;
	case SECCOMP_LESS_OR_EQUAL:
		return a <= b;
	case SECCOMP_GREATER:
		return a > b;
	case SECCOMP_GREATER_OR_EQUAL:
		return a >= b;
	}
	return false;
}

static uint32_t read_rules(const struct seccomp_profile *profile, uint32_t number,
			   const uint64_t args[6])
{
	for (size_t i = 0; i < profile->n_rules; i++) {
		const struct seccomp_rule *rule = &profile->rules[i];
		bool fits = true;
		uint32_t named;

		if (seccomp_number(rule->names[0], &named) != 1 || named != number)
			continue;
		for (size_t n = 0; n < rule->n_conditions; n++)
			fits = fits && holds(&rule->conditions[n], args);
		if (fits)
			return rule->action;
	}
	return profile->default_action;
}

enum { RULES = 400, ROUNDS = 60, QUESTIONS = 400 };

struct random_profile {
	struct seccomp_profile profile;
	struct seccomp_rule rules[RULES];
	struct seccomp_condition conditions[RULES][6];
	const char *names[RULES][2];
};

static void make_rule(struct random_profile *random, size_t i)
{
	static const char *const names[] = {
		"read",	  "write", "close", "mmap",  "brk",   "ioctl", "dup",	"pause", "getpid",
		"socket", "kill",  "uname", "flock", "fsync", "chdir", "mkdir", "sync",	 "mount"
	};
	static const uint32_t actions[] = { SECCOMP_RET_ALLOW, REFUSED, SECCOMP_RET_LOG };
	struct seccomp_rule *rule = &random->rules[i];

	random->names[i][0] = names[random_number() % ARRAY_SIZE(names)];
	rule->names = random->names[i];
	rule->action = actions[random_number() % ARRAY_SIZE(actions)];
	rule->conditions = random->conditions[i];
	rule->n_conditions = random_number() % 20 ? 1 + random_number() % 3 : 0;
	for (size_t n = 0; n < rule->n_conditions; n++)
		random->conditions[i][n] = (struct seccomp_condition){
			.argument = (unsigned int)n,
			.comparison = (enum seccomp_comparison)(random_number() % 6),
			.mask = random_number() % 2 ? UINT64_MAX : random_value(),
			.value = random_value(),
		};
}

static struct random_profile *make_profile(void)
{
	struct random_profile *random = ALLOC(struct random_profile);

	random->profile.rules = random->rules;
	random->profile.default_action = random_number() % 2 ? REFUSED : SECCOMP_RET_ALLOW;
	random->profile.n_rules = 1 + random_number() % (RULES / 2);
	for (size_t i = 0; i < random->profile.n_rules; i++)
		make_rule(random, i);
	return random;
}

static void a_program_decides_as_its_rules_do(void **state)
{
	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		_cleanup_(freep) struct random_profile *random = make_profile();
		struct seccomp_program program;
		struct error err;

		if (seccomp_compile(&random->profile, 0, &program, &err) < 0)
			fail_msg("%s", err.message);
		for (int question = 0; question < QUESTIONS; question++) {
			uint32_t number = (uint32_t)(random_number() % 180);
			struct seccomp_data data = { .nr = (int)number, .arch = NATIVE };
			uint64_t args[6];

			for (size_t i = 0; i < 6; i++)
				data.args[i] = args[i] = random_value();
			assert_int_equal(decide(&program, &data),
					 read_rules(&random->profile, number, args));
		}
		free(program.instructions);
	}
}

static void too_large_a_program_is_an_error(void **state)
{
	_cleanup_(freep) struct random_profile *random = ALLOC(struct random_profile);
	struct seccomp_program program;
	struct error err;

	(void)state;
	random->profile.rules = random->rules;
	random->profile.n_rules = RULES;
	for (size_t i = 0; i < RULES; i++) {
		make_rule(random, i);
		random->rules[i].n_conditions = 3;
		for (size_t n = 0; n < 3; n++)
			random->conditions[i][n] = (struct seccomp_condition){
				.argument = (unsigned int)n,
				.comparison = SECCOMP_GREATER,
				.mask = HIGH | 1,
				.value = HIGH,
			};
	}
	assert_int_equal(seccomp_compile(&random->profile, 0, &program, &err), -1);
	assert_int_equal(err.code, ERROR_INVALID_VALUE);
}

/* --- What is no profile ---------------------------------------------------------------------- */

#define ALLOW "\"action\":\"SCMP_ACT_ALLOW\""
#define RULE(fields) \
	"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"name\":\"read\"," fields "}]}"
#define TOP(fields) "{\"defaultAction\":\"SCMP_ACT_ERRNO\"," fields "}"

static void what_is_wrong_is_said_with_its_place(void **state)
{
	static const struct {
		const char *text, *message;
	} wrong[] = {
		{ "", "" },
		{ "[]", "" },
		{ "{", "" },
		{ "{}", "profile: defaultAction is missing" },
		{ "{\"defaultAction\":\"ALLOW\"}",
		  "profile: \"ALLOW\" is no action, as SCMP_ACT_ERRNO is" },
		{ "{\"defaultAction\":\"SCMP_ACT_NOTIFY\"}",
		  "profile: nobody here could be asked (SCMP_ACT_NOTIFY)" },
		{ "{\"defaultAction\":1}", "profile.defaultAction: has to be a string" },
		{ TOP("\"syscall\":[]"), "profile: there is no \"syscall\"" },
		{ TOP("\"syscalls\":{}"), "syscalls: has to be an array" },
		{ TOP("\"syscalls\":[1]"), "syscalls[0]: has to be an object" },
		{ TOP("\"listenerPath\":\"/x\""), "profile: there is no \"listenerPath\"" },
		{ TOP("\"flags\":[\"SECCOMP_FILTER_FLAG_NEW_LISTENER\"]"),
		  "profile: \"SECCOMP_FILTER_FLAG_NEW_LISTENER\" is no flag that can be set here" },
		{ TOP("\"defaultErrnoRet\":5000"),
		  "profile.defaultErrnoRet: has to be between 0 and 4095" },
		{ TOP("\"defaultErrno\":\"EFOO\""), "profile: \"EFOO\" is no error" },
		{ RULE("\"names\":[\"write\"]," ALLOW),
		  "syscalls[0]: needs either names or a name" },
		{ TOP("\"syscalls\":[{" ALLOW "}]"), "syscalls[0]: needs either names or a name" },
		{ RULE("\"args\":[]"), "syscalls[0]: action is missing" },
		{ RULE(ALLOW ",\"priority\":1"), "syscalls[0]: there is no \"priority\"" },
		{ RULE(ALLOW ",\"args\":[{\"index\":6,\"value\":0,\"op\":\"SCMP_CMP_EQ\"}]"),
		  "syscalls[0].args[0].index: has to be between 0 and 5" },
		{ RULE(ALLOW ",\"args\":[{\"value\":0,\"op\":\"SCMP_CMP_EQ\"}]"),
		  "syscalls[0].args[0]: index is missing" },
		{ RULE(ALLOW ",\"args\":[{\"index\":0,\"value\":-1,\"op\":\"SCMP_CMP_EQ\"}]"),
		  "syscalls[0].args[0].value: has to be between 0 and 9223372036854775807" },
		{ RULE(ALLOW ",\"args\":[{\"index\":0,\"value\":0,\"op\":\"==\"}]"),
		  "syscalls[0].args[0]: \"==\" is no comparison, as SCMP_CMP_EQ is" },
		{ RULE(ALLOW ",\"args\":[{\"index\":0,\"value\":0}]"),
		  "syscalls[0].args[0]: \"\" is no comparison, as SCMP_CMP_EQ is" },
		{ RULE(ALLOW ",\"includes\":{\"caps\":[\"CAP_NOPE\"]}"),
		  "syscalls[0].includes.caps: \"CAP_NOPE\" is no capability" },
		{ RULE(ALLOW ",\"excludes\":{\"kernel\":\"4.8\"}"),
		  "syscalls[0].excludes: there is no \"kernel\"" },
		{ RULE(ALLOW ",\"includes\":{\"minKernel\":\"4\"}"),
		  "syscalls[0].includes: \"4\" is no version of a kernel, as 4.8 is" },
		{ TOP("\"architectures\":[\"SCMP_ARCH_PARISC\"]"), "it is not for this machine" },
		{ TOP("\"archMap\":[{\"architecture\":\"SCMP_ARCH_PARISC\"}]"),
		  "it is not for this machine" },
		{ TOP("\"archMap\":[],\"architectures\":[]"),
		  "it has both architectures and archMap" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct seccomp_profile *profile = NULL;
		struct error err = ERROR_NULL;

		if (seccomp_profile_parse(wrong[i].text, &profile, &err) == 0)
			fail_msg("taken: %s", wrong[i].text);
		assert_int_equal(err.code, ERROR_INVALID_VALUE);
		if (strncmp(err.message, "seccomp profile: ", 17) != 0 ||
		    !strstr(err.message, wrong[i].message))
			fail_msg("%s: %s", wrong[i].text, err.message);
	}
}

static void actions_and_flags_are_what_the_kernel_has(void **state)
{
	static const char text[] =
		"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrno\":\"ENOSYS\","
		"\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\",\"SECCOMP_FILTER_FLAG_TSYNC\"],"
		"\"syscalls\":["
		"{\"name\":\"read\",\"action\":\"SCMP_ACT_KILL\",\"comment\":\"x\",\"args\":null},"
		"{\"name\":\"write\",\"action\":\"SCMP_ACT_TRACE\",\"errnoRet\":7},"
		"{\"name\":\"close\",\"action\":\"SCMP_ACT_ERRNO\",\"errno\":\"EACCES\","
		"\"errnoRet\":1,\"includes\":{},\"excludes\":{\"caps\":[]}}]}";
	struct seccomp_program program = compile_text(text, 0);

	(void)state;
	assert_int_equal(program.flags, SECCOMP_FILTER_FLAG_LOG);
	assert_int_equal(ask(&program, SYS_read, 0, 0), SECCOMP_RET_KILL_THREAD);
	assert_int_equal(ask(&program, SYS_write, 0, 0), SECCOMP_RET_TRACE | 7);
	assert_int_equal(ask(&program, SYS_close, 0, 0), SECCOMP_RET_ERRNO | EACCES);
	assert_int_equal(ask(&program, SYS_openat, 0, 0), SECCOMP_RET_ERRNO | ENOSYS);
	free(program.instructions);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_rule_that_fits_decides),
		cmocka_unit_test(conditions_on_one_argument_are_alternatives),
		cmocka_unit_test(rules_are_there_for_capabilities_architectures_and_kernels),
		cmocka_unit_test(a_system_call_that_nobody_knows_is_an_error),
		cmocka_unit_test(a_program_decides_as_its_rules_do),
		cmocka_unit_test(too_large_a_program_is_an_error),
		cmocka_unit_test(what_is_wrong_is_said_with_its_place),
		cmocka_unit_test(actions_and_flags_are_what_the_kernel_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
