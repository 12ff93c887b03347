/* usage: attack NAME...	tries each; prints NAME and 0, an errno's name, or what killed it
 *	  attack --list
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/attack/attack.h"

static const struct attack *const groups[] = {
	attacks_on_kernel,
	attacks_on_host,
	attacks_on_runtime,
	attacks_by_other_abis,
};

enum { N_GROUPS = sizeof(groups) / sizeof(groups[0]) };

int outcome(long result)
{
	if (result < 0)
		return errno;
	if (result > 2)
		(void)close((int)result);
	return 0;
}

static const struct attack *find(const char *name)
{
	for (size_t i = 0; i < N_GROUPS; i++)
		for (const struct attack *attack = groups[i]; attack->name; attack++)
			if (strcmp(attack->name, name) == 0)
				return attack;
	return NULL;
}

/* In a child: it may be killed, or change what the next one would find. */
static void try(const struct attack *attack)
{
	const char *name;
	int status;
	pid_t pid;

	(void)fflush(stdout);
	pid = fork();
	if (pid == 0)
		_exit(attack->run());
	if (pid < 0 || waitpid(pid, &status, 0) < 0) {
		perror("attack");
		exit(EXIT_FAILURE);
	}
	if (WIFSIGNALED(status)) {
		printf("%s SIG%s\n", attack->name, sigabbrev_np(WTERMSIG(status)));
		return;
	}
	name = strerrorname_np(WEXITSTATUS(status));
	printf("%s %s\n", attack->name, name ? name : "unknown");
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--list") == 0) {
		for (size_t i = 0; i < N_GROUPS; i++)
			for (const struct attack *attack = groups[i]; attack->name; attack++)
				printf("%s\n", attack->name);
		return EXIT_SUCCESS;
	}
	for (char **name = argv + 1; *name; name++) {
		const struct attack *attack = find(*name);

		if (!attack) {
			(void)fprintf(stderr, "attack: there is no %s\n", *name);
			return EXIT_FAILURE;
		}
		try(attack);
	}
	return EXIT_SUCCESS;
}
