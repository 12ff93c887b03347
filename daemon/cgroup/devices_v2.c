/* The device controller of cgroup v2: a program for the kernel's virtual machine. */
#include <assert.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "daemon/cgroup/devices.h"

enum {
	RULE_SIZE = 8, /* instructions, at most */
	PROLOGUE_SIZE = 6,
	PROGRAM_MAX = PROLOGUE_SIZE + RULE_SIZE * CGROUP_DEVICES_MAX + 2,
	PROGRAMS_MAX = 64, /* BPF_CGROUP_MAX_PROGS */
};

/* --- The program ----------------------------------------------------------------------------- */

/* What of the question is where. r1 is the context (struct bpf_cgroup_dev_ctx) at first. */
enum {
	RESULT = BPF_REG_0,
	CONTEXT = BPF_REG_1,
	TYPE = BPF_REG_2,
	ACCESS = BPF_REG_3,
	MAJOR = BPF_REG_4,
	MINOR = BPF_REG_5,
	SCRATCH = BPF_REG_6
};

struct program {
	struct bpf_insn code[PROGRAM_MAX];
	size_t n;
};

static void emit(struct program *program, unsigned int code, unsigned int to, unsigned int from,
		 int offset, int32_t immediate)
{
	assert(program->n < PROGRAM_MAX);
	program->code[program->n++] = (struct bpf_insn){
		.code = (uint8_t)code,
		.dst_reg = (uint8_t)(to & 0xf),
		.src_reg = (uint8_t)(from & 0xf),
		.off = (int16_t)offset,
		.imm = immediate,
	};
}

static void emit_exit(struct program *program, bool allowed)
{
	emit(program, BPF_ALU64 | BPF_MOV | BPF_K, RESULT, 0, 0, allowed);
	emit(program, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* access_type: the kind of access above, the type of the device below. */
static void emit_prologue(struct program *program)
{
	emit(program, BPF_LDX | BPF_W | BPF_MEM, TYPE, CONTEXT,
	     offsetof(struct bpf_cgroup_dev_ctx, access_type), 0);
	emit(program, BPF_ALU64 | BPF_MOV | BPF_X, ACCESS, TYPE, 0, 0);
	emit(program, BPF_ALU64 | BPF_AND | BPF_K, TYPE, 0, 0, 0xffff);
	emit(program, BPF_ALU64 | BPF_RSH | BPF_K, ACCESS, 0, 0, 16);
	emit(program, BPF_LDX | BPF_W | BPF_MEM, MAJOR, CONTEXT,
	     offsetof(struct bpf_cgroup_dev_ctx, major), 0);
	emit(program, BPF_LDX | BPF_W | BPF_MEM, MINOR, CONTEXT,
	     offsetof(struct bpf_cgroup_dev_ctx, minor), 0);
}

/* Falls through to the next rule where this one does not fit: each comparison's jump goes to the
 * end of the rule. False if it always fits: the kernel refuses a program with more behind that.
 */
static bool emit_rule(struct program *program, const struct cgroup_device *device)
{
	const unsigned int unless = BPF_JMP | BPF_JNE;
	size_t start = program->n;
	bool compares = false;

	if (device->type != 'a')
		emit(program, unless | BPF_K, TYPE, 0, 0,
		     device->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
	if (device->access != CGROUP_DEVICE_ALL) {
		emit(program, BPF_ALU64 | BPF_MOV | BPF_X, SCRATCH, ACCESS, 0, 0);
		emit(program, BPF_ALU64 | BPF_AND | BPF_K, SCRATCH, 0, 0, (int32_t)device->access);
		emit(program, unless | BPF_X, SCRATCH, ACCESS, 0, 0);
	}
	if (device->major != CGROUP_DEVICE_ANY)
		emit(program, unless | BPF_K, MAJOR, 0, 0, (int32_t)device->major);
	if (device->minor != CGROUP_DEVICE_ANY)
		emit(program, unless | BPF_K, MINOR, 0, 0, (int32_t)device->minor);
	emit_exit(program, true);
	for (size_t i = start; i < program->n; i++) {
		if (BPF_CLASS(program->code[i].code) == BPF_JMP &&
		    BPF_OP(program->code[i].code) == BPF_JNE) {
			program->code[i].off = (int16_t)(program->n - i - 1);
			compares = true;
		}
	}
	return compares;
}

static int load(const struct program *program, int *ret, struct error *err)
{
	static const char license[] = "", name[] = "dokrust_devices";
	union bpf_attr attr = { 0 };

	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insns = (uintptr_t)program->code;
	attr.insn_cnt = (uint32_t)program->n;
	attr.license = (uintptr_t)license;
	_Static_assert(sizeof(name) <= BPF_OBJ_NAME_LEN, "a name that fits");
	(void)memcpy(attr.prog_name, name, sizeof(name));
	*ret = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	if (*ret < 0)
		return error_set_errno(err, errno, "load the program that decides on devices");
	return 0;
}

/* --- Its place ------------------------------------------------------------------------------- */

struct attached {
	uint32_t ids[PROGRAMS_MAX];
	uint32_t n;
};

static int query(int group_fd, struct attached *ret, struct error *err)
{
	union bpf_attr attr = { 0 };

	attr.query.target_fd = (uint32_t)group_fd;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	attr.query.prog_ids = (uintptr_t)ret->ids;
	attr.query.prog_cnt = PROGRAMS_MAX;
	if (syscall(SYS_bpf, BPF_PROG_QUERY, &attr, sizeof(attr)) < 0)
		return error_set_errno(err, errno, "look at the group's programs");
	ret->n = attr.query.prog_cnt;
	return 0;
}

static int attach(int group_fd, int program_fd, struct error *err)
{
	union bpf_attr attr = { 0 };

	attr.target_fd = (uint32_t)group_fd;
	attr.attach_bpf_fd = (uint32_t)program_fd;
	attr.attach_type = BPF_CGROUP_DEVICE;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	if (syscall(SYS_bpf, BPF_PROG_ATTACH, &attr, sizeof(attr)) < 0)
		return error_set_errno(err, errno, "attach the program that decides on devices");
	return 0;
}

/* One that is gone meanwhile is no error. */
static int detach(int group_fd, uint32_t id, struct error *err)
{
	_cleanup_(fd_closep) int fd = -1;
	union bpf_attr attr = { 0 };

	attr.prog_id = id;
	fd = (int)syscall(SYS_bpf, BPF_PROG_GET_FD_BY_ID, &attr, sizeof(attr));
	if (fd < 0)
		return errno == ENOENT ? 0 : error_set_errno(err, errno, "open program %u", id);
	(void)memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)group_fd;
	attr.attach_bpf_fd = (uint32_t)fd;
	attr.attach_type = BPF_CGROUP_DEVICE;
	if (syscall(SYS_bpf, BPF_PROG_DETACH, &attr, sizeof(attr)) < 0 && errno != ENOENT)
		return error_set_errno(err, errno, "detach program %u", id);
	return 0;
}

/* All programs of a group have to agree: with the new one before the old one goes, there is no
 * moment in which more is allowed than by one of them.
 */
int cgroup_devices_use_v2(int group_fd, int program_fd, struct error *err)
{
	struct attached before = { .n = 0 };

	if (query(group_fd, &before, err) < 0 || attach(group_fd, program_fd, err) < 0)
		return -1;
	for (uint32_t i = 0; i < before.n; i++)
		if (detach(group_fd, before.ids[i], err) < 0)
			return -1;
	return 0;
}

int cgroup_devices_load_v2(const struct cgroup_device *allowed, size_t n, int *ret_fd,
			   struct error *err)
{
	struct program program = { .n = 0 };
	size_t i = 0;

	assert(n <= CGROUP_DEVICES_MAX);
	emit_prologue(&program);
	while (i < n && emit_rule(&program, &allowed[i]))
		i++;
	if (i == n)
		emit_exit(&program, false);
	return load(&program, ret_fd, err);
}

int cgroup_devices_set_v2(int group_fd, const struct cgroup_device *allowed, size_t n,
			  struct error *err)
{
	_cleanup_(fd_closep) int fd = -1;

	if (cgroup_devices_load_v2(allowed, n, &fd, err) < 0)
		return -1;
	return cgroup_devices_use_v2(group_fd, fd, err);
}
