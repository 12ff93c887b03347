# Dokrust: many named containers on one host, each with a terminal to come back to.
# `make help` lists the targets.

VERSION := 0.1.0
BUILD   ?= build
PREFIX  ?= /usr/local
DESTDIR ?=
CC      ?= gcc

BUILD_PACKAGES := gcc make pkg-config libc6-dev libevent-dev libjson-c-dev libsystemd-dev \
                  libinih-dev libmnl-dev libnftables-dev libseccomp-dev busybox-static musl-dev

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wformat=2 -Wstrict-prototypes \
            -Wmissing-prototypes -Wvla -Wundef -Wcast-qual -Wwrite-strings -Wnull-dereference \
            $(if $(WERROR),-Werror)
HARDENING := -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection \
             $(if $(filter x86_64,$(shell uname -m)),-fcf-protection) -ftrivial-auto-var-init=zero
LINK_HARDENING := -Wl,-z,relro,-z,now -Wl,--as-needed

# SANITIZE=1 makes a second tree, with everything under ASan and UBSan.
ifdef SANITIZE
override BUILD := $(BUILD)/sanitized
OPTIMISE := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
            -fno-sanitize-recover=undefined -DSANITIZED=1
HARDENING := -fstack-protector-strong -ftrivial-auto-var-init=zero
CLIENT_LIBC := shared
else
OPTIMISE ?= -O2 -g
# The client is one static file: it starts in half the time, and can be copied to any machine. With
# musl it starts faster still: glibc asks the processor for its features first of all, which takes a
# virtual machine 0.8 ms (docs/performance.md). glibc, shared: with that.
CLIENT_LIBC ?= $(if $(filter x86_64,$(shell uname -m)),musl,glibc)
endif

CPPFLAGS += -D_GNU_SOURCE -I. -DDOKRUST_VERSION='"$(VERSION)"' -DDOKRUST_PREFIX='"$(PREFIX)"'
CFLAGS += -std=gnu17 $(OPTIMISE) $(WARNINGS) $(HARDENING) -fPIE -ffunction-sections -fdata-sections
LDFLAGS += $(LINK_HARDENING) -Wl,--gc-sections

COMPILE = $(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

COMMON_SRC := $(wildcard common/*.c)
CLIENT_SRC := $(wildcard client/*.c)
# What the daemon shares with dokrust-init is the plan alone.
DAEMON_SRC := $(filter-out daemon/main.c,$(wildcard daemon/*.c)) daemon/init/plan.c \
              $(filter-out daemon/init/%,$(wildcard daemon/*/*.c))
INTERFACES := $(wildcard common/*.varlink)

objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

.PHONY: all
all: $(BUILD)/dokrustd $(BUILD)/dokrustctl $(BUILD)/images/busybox/.complete

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(COMPILE)

$(BUILD)/libcommon.a: $(call objects,$(COMMON_SRC))
$(BUILD)/libdaemon.a: $(call objects,$(DAEMON_SRC))
$(BUILD)/libclient.a: $(call objects,$(filter-out client/main.c,$(CLIENT_SRC)))
$(BUILD)/%.a:
	@rm -f $@
	$(AR) rcs $@ $^

DAEMON_LIBS := -levent_core -ljson-c -lsystemd -linih -lseccomp -lnftables -lmnl

$(BUILD)/dokrustd: $(BUILD)/obj/daemon/main.o $(BUILD)/libdaemon.a $(BUILD)/libcommon.a
	$(CC) $(CFLAGS) -pie $(LDFLAGS) -o $@ $^ $(DAEMON_LIBS)

ifeq ($(CLIENT_LIBC),musl)
MUSL         := $(shell uname -m)-linux-musl
musl_objects  = $(patsubst %.c,$(BUILD)/musl/%.o,$(1))
MUSL_CLIENT  := $(call musl_objects,$(CLIENT_SRC) $(wildcard client/musl/*.c))
MUSL_COMMON  := $(call musl_objects,$(COMMON_SRC))
compiler's    = $(shell $(CC) -print-file-name=$(1))
# Of all that is in /usr/include, what is not glibc's. Conversions within musl's macros are its own
# affair; those of the sources are checked where they are compiled for the unit tests.
MUSL_INCLUDE := $(BUILD)/musl/include
MUSL_CFLAGS   = -nostdinc -isystem /usr/include/$(MUSL) -isystem $(call compiler's,include) \
                -isystem $(MUSL_INCLUDE) -include client/musl/gnu.h

$(MUSL_INCLUDE)/errno_names.h:
	@mkdir -p $(@D)
	@ln -sfn /usr/include/json-c /usr/include/linux /usr/include/asm-generic \
		/usr/include/$(shell uname -m)-linux-gnu/asm $(@D)
	@echo '#include <errno.h>' | $(CC) -E -dM $(MUSL_CFLAGS) - | \
		sed -n 's/^#define \(E[A-Z0-9]*\) [0-9]*$$/[\1] = "\1",/p' > $@

$(MUSL_CLIENT) $(MUSL_COMMON): $(BUILD)/musl/%.o: %.c $(MUSL_INCLUDE)/errno_names.h
	@mkdir -p $(@D)
	$(CC) $(MUSL_CFLAGS) $(CPPFLAGS) $(CFLAGS) -Wno-conversion -Wno-sign-compare -MMD -MP -c -o $@ $<

MUSL_BEGIN = $(addprefix /usr/lib/$(MUSL)/,rcrt1.o crti.o) $(call compiler's,crtbeginS.o)
MUSL_END   = /usr/lib/$(MUSL)/libc.a $(call compiler's,libgcc.a) $(call compiler's,crtendS.o) \
             /usr/lib/$(MUSL)/crtn.o

$(BUILD)/musl/libcommon.a: $(MUSL_COMMON)

$(BUILD)/dokrustctl: $(MUSL_CLIENT) $(BUILD)/musl/libcommon.a
	$(CC) $(CFLAGS) -nostdlib -static-pie $(LDFLAGS) -o $@ $(MUSL_BEGIN) $^ -l:libjson-c.a \
		$(MUSL_END)
else
CTL_FLAGS := $(if $(filter glibc,$(CLIENT_LIBC)),-static-pie)
CTL_LIBS  := $(if $(filter glibc,$(CLIENT_LIBC)),-l:libjson-c.a,-ljson-c)

$(BUILD)/dokrustctl: $(BUILD)/obj/client/main.o $(BUILD)/libclient.a $(BUILD)/libcommon.a
	$(CC) $(CFLAGS) $(CTL_FLAGS) $(LDFLAGS) -o $@ $^ $(CTL_LIBS)
endif

# dokrust-init is built on its own: small, static, never sanitized. The daemon carries it inside.
# On x86-64 it does without the C library (daemon/init/bare/bare.h). INIT_LIBC=1, with a BUILD of
# its own, links that.
INIT_CFLAGS := -std=gnu17 -Os $(WARNINGS) -fstack-protector-strong \
               $(filter -ftrivial-auto-var-init%,$(HARDENING)) -ffunction-sections -fdata-sections \
               -fno-pie -fno-asynchronous-unwind-tables
INIT_LDFLAGS := -static -no-pie -Wl,--gc-sections -Wl,-z,noseparate-code -s
INIT_COMMON := common/error.c common/fdio.c common/rlimit.c
INIT_SRC    := $(wildcard daemon/init/*.c)
ifeq ($(INIT_LIBC)$(shell uname -m),x86_64)
INIT_SRC    += $(wildcard daemon/init/bare/*.c)
INIT_CFLAGS += -ffreestanding -mstack-protector-guard=global
INIT_LDFLAGS += -nostdlib
else
INIT_SRC    += $(wildcard daemon/init/libc/*.c)
INIT_COMMON += common/alloc.c
endif
INIT_OBJ := $(patsubst %.c,$(BUILD)/init/%.o,$(INIT_SRC) $(INIT_COMMON))

$(BUILD)/init/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(INIT_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/dokrust-init: $(INIT_OBJ)
	$(CC) $(INIT_CFLAGS) $(INIT_LDFLAGS) -o $@ $^

# Files that the daemon carries inside, by the assembler's .incbin.
$(BUILD)/obj/daemon/launch/init_image.o: $(BUILD)/dokrust-init
$(BUILD)/obj/daemon/launch/init_image.o: CPPFLAGS += -DINIT_PATH='"$(BUILD)/dokrust-init"'
$(BUILD)/obj/daemon/api/interfaces.o: $(INTERFACES)

# The built-in image: a root file system with Debian's static busybox and links to its applets.
$(BUILD)/images/busybox/.complete: /bin/busybox daemon/image/make-busybox.sh
	sh daemon/image/make-busybox.sh /bin/busybox $(@D)
	touch $@

.PHONY: run
run: deps all ## install what is missing, build, open a shell in a container of a private daemon
	@tests/run-private $(BUILD)

.PHONY: deps
deps: ## install the Debian packages that the build needs
	@tests/install-packages $(BUILD_PACKAGES)

include tests/tests.mk

# Under a prefix of its own the units go below it, too; DESTDIR stages all of it for a package.
UNITDIR      ?= $(if $(filter /usr /usr/local,$(PREFIX)),/usr/lib/systemd/system,$(PREFIX)/lib/systemd/system)
SYSUSERSDIR  ?= $(if $(filter /usr /usr/local,$(PREFIX)),/usr/lib/sysusers.d,$(PREFIX)/lib/sysusers.d)
MANDIR       := $(PREFIX)/share/man
INSTALL_TO   := install -D -m 644

.PHONY: install uninstall
install: all ## install programs, image, units and man pages under DESTDIR and PREFIX
	install -D -m 755 $(BUILD)/dokrustd $(DESTDIR)$(PREFIX)/sbin/dokrustd
	install -D -m 755 $(BUILD)/dokrustctl $(DESTDIR)$(PREFIX)/bin/dokrustctl
	rm -rf $(DESTDIR)$(PREFIX)/share/dokrust/images/busybox
	mkdir -p $(DESTDIR)$(PREFIX)/share/dokrust/images
	cp -a $(BUILD)/images/busybox $(DESTDIR)$(PREFIX)/share/dokrust/images/busybox
	$(INSTALL_TO) docs/man/dokrustd.8 $(DESTDIR)$(MANDIR)/man8/dokrustd.8
	$(INSTALL_TO) docs/man/dokrustctl.1 $(DESTDIR)$(MANDIR)/man1/dokrustctl.1
	$(INSTALL_TO) systemd/dokrustd.socket $(DESTDIR)$(UNITDIR)/dokrustd.socket
	$(INSTALL_TO) systemd/dokrust-containers.service $(DESTDIR)$(UNITDIR)/dokrust-containers.service
	sed 's|@PREFIX@|$(PREFIX)|' systemd/dokrustd.service.in > $(BUILD)/dokrustd.service
	$(INSTALL_TO) $(BUILD)/dokrustd.service $(DESTDIR)$(UNITDIR)/dokrustd.service
	sed 's|@PREFIX@|$(PREFIX)|' systemd/dokrust@.service.in > $(BUILD)/dokrust@.service
	$(INSTALL_TO) $(BUILD)/dokrust@.service $(DESTDIR)$(UNITDIR)/dokrust@.service
	$(INSTALL_TO) systemd/sysusers.conf $(DESTDIR)$(SYSUSERSDIR)/dokrust.conf
	$(INSTALL_TO) systemd/dokrustd.conf $(DESTDIR)$(PREFIX)/share/dokrust/dokrustd.conf.example

uninstall: ## remove what install put there; containers and settings stay
	rm -f $(DESTDIR)$(PREFIX)/sbin/dokrustd $(DESTDIR)$(PREFIX)/bin/dokrustctl
	rm -f $(DESTDIR)$(MANDIR)/man8/dokrustd.8 $(DESTDIR)$(MANDIR)/man1/dokrustctl.1
	rm -f $(DESTDIR)$(UNITDIR)/dokrustd.socket $(DESTDIR)$(UNITDIR)/dokrustd.service
	rm -f $(DESTDIR)$(UNITDIR)/dokrust@.service
	rm -f $(DESTDIR)$(UNITDIR)/dokrust-containers.service
	rm -f $(DESTDIR)$(SYSUSERSDIR)/dokrust.conf
	rm -rf $(DESTDIR)$(PREFIX)/share/dokrust

.PHONY: clean
clean: ## remove everything that was built
	rm -rf $(BUILD)

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Not those of a Debian tree that tests have made there, or of a machine's: it has such names, too.
-include $(shell find $(BUILD) \( -name 'debian*' -o -name vm \) -prune -o -type f -name '*.d' -print 2>/dev/null)
