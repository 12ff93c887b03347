#include <stdlib.h>

#include "common/log.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/keeper.h"
#include "daemon/loop/memory.h"

static int run(const struct config *config, char **argv, struct error *err)
{
	struct daemon *daemon = NULL;
	enum daemon_end end = DAEMON_ENDED;
	int r;

	r = daemon_new(config, &daemon, err);
	if (r == 0)
		r = daemon_run(daemon, &end, err);
	if (r == 0 && end == DAEMON_EXECUTES)
		r = daemon_execute(daemon, argv, err);
	daemon_free(daemon);
	return r;
}

int main(int argc, char **argv)
{
	struct config config = { 0 };
	enum config_outcome outcome;
	struct error err;
	int status = EXIT_FAILURE;

	log_open("dokrustd", LOG_LEVEL_INFO);
	if (config_read(argc, argv, &config, &outcome, &err) < 0) {
		log_error("%s", err.message);
		return EXIT_FAILURE;
	}
	if (outcome == CONFIG_SHOWED_HELP)
		return EXIT_SUCCESS;
	log_open("dokrustd", config.log_level);
	memory_set_aside();
	if (config.keep && keeper_is_wanted())
		status = keeper_run(config.executable, argv);
	else if (run(&config, argv, &err) < 0)
		log_error("%s", err.message);
	else
		status = EXIT_SUCCESS;
	config_done(&config);
	return status;
}
