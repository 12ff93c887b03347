/* dokrust-init's reading of a plan, from any bytes. What is accepted must be written the same. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/init/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *vector[PLAN_VECTOR_MAX];
	static struct plan_mount mounts[PLAN_MOUNTS_MAX];
	static unsigned char again[PLAN_SIZE_MAX];
	struct error err;
	struct plan plan;
	size_t n;

	if (plan_decode(data, size, vector, mounts, &plan, &err) < 0)
		return 0;
	if (plan_encode(&plan, again, sizeof(again), &n, &err) < 0)
		return size > sizeof(again) ? 0 : (abort(), 0);
	if (n != size || memcmp(again, data, n) != 0)
		abort();
	plan_add_variable(&plan, "HOME=/");
	return 0;
}
