/* dokrust-init, carried inside the daemon. */
#pragma once

#include <stdint.h>

extern const unsigned char init_image[];
extern const uint64_t init_image_size;
