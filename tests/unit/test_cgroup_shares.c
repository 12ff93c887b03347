/* What limits of CPU time and of block devices do, on v1 and v2 alike. */
#include "tests/unit/cgroup_fixture.h"

#include <sched.h>
#include <sys/sysmacros.h>

/* --- CPU ------------------------------------------------------------------------------------- */

/* Burns until it is told to stop, on the first CPU if argument[1] says so. */
static void body_burn(void *argument)
{
	volatile int64_t *page = argument;

	if (page[1]) {
		cpu_set_t first;

		CPU_ZERO(&first);
		CPU_SET(0, &first);
		(void)sched_setaffinity(0, sizeof(first), &first);
	}
	while (page[0] == 0)
		;
}

static int64_t cpu_used_us(const struct cgroup *cgroup)
{
	struct cgroup_figures figures;

	cgroup_sample(cgroup, &figures);
	assert_true(figures.cpu_usage_us >= 0);
	return figures.cpu_usage_us;
}

static void a_part_of_a_cpu_is_all_that_is_had(void **state)
{
	struct cgroup_limits limits = CGROUP_LIMITS_NULL;
	volatile int64_t *page = shared_page();
	int64_t began_us, used_us, wall_us;
	struct cgroup *cgroup;
	pid_t pid;

	(void)state;
	limits.nano_cpus = 200000000;
	cgroup = make_limited(ID_A, &limits);
	began_us = clock_monotonic_us();
	pid = spawn(cgroup, body_burn, (void *)(uintptr_t)page);
	sleep_ms(1000);
	wall_us = clock_monotonic_us() - began_us;
	used_us = cpu_used_us(cgroup);
	page[0] = 1;
	expect_exit(wait_for(pid), 0);
	/* A fifth, and what runs over where the machine's clock ticks late. Without the limit it is
	 * all of it on an idle machine; on a busy one others decide.
	 */
	assert_in_range(used_us, 1000, wall_us / 2);
	end_group(cgroup);
	drop_page(page);
}

static void without_a_limit_time_is_measured_as_it_is_used(void **state)
{
	struct cgroup *cgroup = make_group(ID_A);
	volatile int64_t *page = shared_page();
	pid_t pid = spawn(cgroup, body_burn, (void *)(uintptr_t)page);

	(void)state;
	wait_until(cpu_used_us(cgroup) > 100000);
	page[0] = 1;
	expect_exit(wait_for(pid), 0);
	end_group(cgroup);
	drop_page(page);
}

/* 512 shares beside a group that asked for nothing: one part of three. */
static void shares_are_parts_of_what_there_is(void **state)
{
	struct cgroup_limits limits = CGROUP_LIMITS_NULL;
	volatile int64_t *page = shared_page();
	struct cgroup *half, *whole;
	int64_t half_us, whole_us;
	pid_t a, b;

	(void)state;
	limits.cpu_shares = 512;
	half = make_limited(ID_A, &limits);
	whole = make_group(ID_B);
	page[1] = 1;
	a = spawn(half, body_burn, (void *)(uintptr_t)page);
	b = spawn(whole, body_burn, (void *)(uintptr_t)page);
	sleep_ms(200);
	half_us = -cpu_used_us(half);
	whole_us = -cpu_used_us(whole);
	sleep_ms(1500);
	half_us += cpu_used_us(half);
	whole_us += cpu_used_us(whole);
	page[0] = 1;
	expect_exit(wait_for(a), 0);
	expect_exit(wait_for(b), 0);
	assert_in_range(100 * whole_us / half_us, 140, 300);
	end_group(half);
	end_group(whole);
	drop_page(page);
}

static void body_count_cpus(void *argument)
{
	cpu_set_t set;

	(void)argument;
	_exit(sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 200);
}

static void only_the_cpus_of_the_list_are_used(void **state)
{
	struct cgroup_limits limits = CGROUP_LIMITS_NULL;
	struct cgroup *cgroup;
	struct error err;

	(void)state;
	limits.cpuset_cpus = alloc_strdup("0");
	limits.cpuset_mems = alloc_strdup("0");
	cgroup = make_limited(ID_A, &limits);
	expect_exit(wait_for(spawn(cgroup, body_count_cpus, NULL)), 1);
	free(limits.cpuset_cpus);
	limits.cpuset_cpus = alloc_strdup("4000");
	assert_int_equal(cgroup_update(cgroup, &limits, &err), -1);
	assert_int_equal(err.code, ERROR_INVALID_VALUE);
	assert_string_equal(err.subject, "cpuset_cpus");
	assert_non_null(strstr(err.message, "cpuset.cpus=4000: this host has 0"));
	end_group(cgroup);
	cgroup_limits_done(&limits);
}

/* --- Block devices --------------------------------------------------------------------------- */

/* Reading a device itself needs more rights than some hosts give, so it is a file on it that is
 * read, past the page cache.
 */
static struct disk {
	char file[32]; /* without a name of its own: a path of /proc */
	unsigned int major, minor;
} disk;

enum { DISK_BLOCK = 64 * 1024, DISK_FILE = 512 * 1024 };

/* Of a partition, the numbers of the disk that it is on (sysfs: a link to it in the disk's
 * directory).
 */
static void find_numbers(dev_t device)
{
	_cleanup_(freep) char *partition =
		alloc_printf("/sys/dev/block/%u:%u/partition", major(device), minor(device));
	_cleanup_(freep) char *whole =
		alloc_printf("/sys/dev/block/%u:%u/%s", major(device), minor(device),
			     access(partition, F_OK) == 0 ? "../dev" : "dev");
	_cleanup_(fclosep) FILE *file = fopen(whole, "re");

	if (!file)
		fail_msg("%s: %s, so /var/tmp is on no disk", whole, strerror(errno));
	assert_int_equal(fscanf(file, "%u:%u", &disk.major, &disk.minor), 2);
}

static int make_disk_file(void)
{
	static char block[DISK_BLOCK];
	int fd = open("/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	struct stat st;

	assert_true(fd >= 0);
	for (int i = 0; i < DISK_FILE / DISK_BLOCK; i++)
		assert_int_equal(write(fd, block, sizeof(block)), sizeof(block));
	assert_int_equal(fsync(fd), 0);
	assert_int_equal(fstat(fd, &st), 0);
	find_numbers(st.st_dev);
	(void)snprintf(disk.file, sizeof(disk.file), "/proc/self/fd/%d", fd);
	return fd;
}

static void body_read_disk(void *argument)
{
	static _Alignas(4096) char block[DISK_BLOCK];
	int fd = open(disk.file, O_RDONLY | O_DIRECT | O_CLOEXEC);

	(void)argument;
	for (int i = 0; i < DISK_FILE / DISK_BLOCK; i++)
		if (read(fd, block, sizeof(block)) != sizeof(block))
			_exit(1);
}

static int64_t read_disk_us(struct cgroup *cgroup)
{
	int64_t began_us = clock_monotonic_us();

	expect_exit(wait_for(spawn(cgroup, body_read_disk, NULL)), 0);
	return clock_monotonic_us() - began_us;
}

static void a_disk_is_read_no_faster_than_its_rate(void **state)
{
	struct cgroup_limits limits = CGROUP_LIMITS_NULL;
	struct cgroup_figures figures;
	struct cgroup *cgroup;
	struct error err;
	int file = make_disk_file();

	(void)state;
	assert_int_equal(cgroup_limits_add_rate(&limits, disk.major, disk.minor,
						CGROUP_RATE_READ_BYTES, DISK_FILE, &err),
			 0);
	cgroup = make_limited(ID_A, &limits);
	assert_in_range(read_disk_us(cgroup), 700000, 60000000);
	cgroup_sample(cgroup, &figures);
	assert_in_range(figures.io_read_bytes, DISK_FILE, 2 * DISK_FILE);
	assert_in_range(figures.io_reads, 1, 100);
	/* 8 reads, or more if they are split. */
	limits.devices[0].read_bytes_per_s = 0;
	limits.devices[0].read_ios_per_s = 10;
	expect_update(cgroup, &limits);
	assert_in_range(read_disk_us(cgroup), 500000, 60000000);
	limits.devices[0].read_ios_per_s = 0;
	expect_update(cgroup, &limits);
	expect_file(cgroup, "io", "blkio.throttle.read_bps_device", "io.max", "", "");
	(void)close(file);
	end_group(cgroup);
	cgroup_limits_done(&limits);
}

static void a_device_that_is_none_is_refused_and_the_others_keep_their_rates(void **state)
{
	struct cgroup_limits limits = CGROUP_LIMITS_NULL;
	struct cgroup *cgroup = make_group(ID_A);
	struct error err;
	int file = make_disk_file();

	(void)state;
	assert_int_equal(cgroup_limits_add_rate(&limits, disk.major, disk.minor,
						CGROUP_RATE_WRITE_BYTES, MIB, &err),
			 0);
	assert_int_equal(
		cgroup_limits_add_rate(&limits, 1023, 77, CGROUP_RATE_WRITE_BYTES, MIB, &err), 0);
	assert_int_equal(cgroup_update(cgroup, &limits, &err), -1);
	assert_int_equal(err.code, ERROR_INVALID_VALUE);
	assert_string_equal(err.subject, "devices");
	assert_non_null(strstr(err.message, "1023:77 "));
	assert_non_null(strstr(err.message, "No such device"));
	expect_file(cgroup, "io", "blkio.throttle.write_bps_device", "io.max", "", "");
	(void)close(file);
	end_group(cgroup);
	cgroup_limits_done(&limits);
}

/* What schedulers make of it depends on which is used; that they have it can be seen. */
static void an_io_weight_reaches_the_scheduler(void **state)
{
	struct cgroup_limits limits = CGROUP_LIMITS_NULL;
	struct cgroup *cgroup;

	(void)state;
	limits.blkio_weight = 250;
	cgroup = make_limited(ID_A, &limits);
	expect_file(cgroup, "io", "blkio.bfq.weight", "io.weight", "250", "default 250");
	end_group(cgroup);
}

/* --- Waiting --------------------------------------------------------------------------------- */

static void waiting_for_a_cpu_is_pressure(void **state)
{
	struct cgroup_limits limits = CGROUP_LIMITS_NULL;
	volatile int64_t *page = shared_page();
	struct cgroup_figures figures;
	struct cgroup *cgroup;
	pid_t pid;

	(void)state;
	limits.nano_cpus = 50000000;
	cgroup = make_limited(ID_A, &limits);
	pid = spawn(cgroup, body_burn, (void *)(uintptr_t)page);
	sleep_ms(300);
	page[0] = 1;
	expect_exit(wait_for(pid), 0);
	cgroup_sample(cgroup, &figures);
	if (cgroups_v2(fixture.cgroups)) {
		assert_true(figures.cpu_pressure.some_total_us > 0);
		assert_true(figures.cpu_pressure.some_avg10_percent_hundredths >= 0);
		assert_true(figures.memory_pressure.full_total_us >= 0);
		assert_true(figures.io_pressure.some_total_us >= 0);
	} else {
		assert_int_equal(figures.cpu_pressure.some_total_us, -1);
	}
	end_group(cgroup);
	drop_page(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cgroup_test(a_part_of_a_cpu_is_all_that_is_had),
		cgroup_test(without_a_limit_time_is_measured_as_it_is_used),
		cgroup_test(shares_are_parts_of_what_there_is),
		cgroup_test(only_the_cpus_of_the_list_are_used),
		cgroup_test(a_disk_is_read_no_faster_than_its_rate),
		cgroup_test(a_device_that_is_none_is_refused_and_the_others_keep_their_rates),
		cgroup_test(an_io_weight_reaches_the_scheduler),
		cgroup_test(waiting_for_a_cpu_is_pressure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
