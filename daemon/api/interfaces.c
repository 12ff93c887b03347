#include "daemon/api/interfaces.h"

#define EMBED(name, file)                               \
	__asm__(".pushsection .rodata\n"                \
		".global interface_" name "_text\n"     \
		"interface_" name "_text:\n"            \
		".incbin \"common/" file ".varlink\"\n" \
		".global interface_" name "_end\n"      \
		"interface_" name "_end:\n"             \
		".byte 0\n"                             \
		".popsection\n")

EMBED("service", "org.varlink.service");
EMBED("container", "io.dokrust.Container");
EMBED("daemon", "io.dokrust.Daemon");
EMBED("network", "io.dokrust.Network");
EMBED("volume", "io.dokrust.Volume");
