#include "daemon/launch/init_image.h"

/* INIT_PATH comes from the Makefile. */
__asm__(".pushsection .rodata.init_image, \"a\"\n"
	".balign 4096\n"
	".globl init_image, init_image_size\n"
	".hidden init_image, init_image_size\n"
	"init_image:\n"
	".incbin \"" INIT_PATH "\"\n"
	"1:\n"
	".balign 8\n"
	"init_image_size:\n"
	".8byte 1b - init_image\n"
	".popsection\n");
