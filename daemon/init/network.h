/* The container's network namespace. */
#pragma once

#include "common/error.h"

/* Moves the calling thread into a new one, with its loopback interface up. */
int network_enter(struct error *err);
