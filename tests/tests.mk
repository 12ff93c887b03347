# The tests; the Makefile includes this. Parts that have a file of their own are at its end.

TEST_PACKAGES := bind9-dnsutils clang curl iperf3 iproute2 iptables libclang-rt-dev libcmocka-dev mmdebstrap nftables \
                 nginx-light openssh-client openssh-server python3-pexpect python3-pytest python3-pyte python3-pytest-timeout \
                 python3-pytest-xdist strace
# Services that a package would start, and that nobody wants for the sake of a test.
BESIDE_PACKAGES := dbus docker.io firewalld iptables
LINT_PACKAGES := clang clang-format clang-tidy cppcheck libcmocka-dev mandoc pyflakes3 shellcheck

JOBS    := $(shell nproc)
# Most of the time a system test waits for something.
WORKERS ?= $(shell expr 2 \* $(JOBS))

# --- Unit tests: tests/unit/test_*.c, a program each ----------------------------------------------

UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(wildcard tests/unit/test_*.c))

# Each is linked with one of the programs, whose rooms may use the same names.
UNIT_OF_CLIENT := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,\
                  $(shell grep -l '^\#include "client/' tests/unit/test_*.c))
$(UNIT_OF_CLIENT): UNIT_LIBS := $(BUILD)/libclient.a $(BUILD)/libcommon.a -ljson-c
$(UNIT_TESTS): UNIT_LIBS ?= $(BUILD)/libdaemon.a $(BUILD)/libcommon.a $(DAEMON_LIBS)

$(BUILD)/tests/unit/%: $(BUILD)/obj/tests/unit/%.o $(BUILD)/libclient.a $(BUILD)/libdaemon.a \
                       $(BUILD)/libcommon.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -pie $(LDFLAGS) -o $@ $< -lcmocka $(UNIT_LIBS)

.SECONDARY: $(patsubst tests/unit/%.c,$(BUILD)/obj/tests/unit/%.o,$(wildcard tests/unit/test_*.c))

# What a program prints is of interest only when it fails.
.PHONY: $(UNIT_TESTS:=.run)
$(UNIT_TESTS:=.run): %.run: %
	@$* > $*.log 2>&1 || { cat $*.log; exit 1; }
	@echo "unit: $(*F): $$(grep -c '       OK ' $*.log) passed"

.PHONY: unit-programs check
unit-programs: $(UNIT_TESTS)

check: $(UNIT_TESTS:=.run) ## unit tests

# --- Fuzzing: tests/fuzz/fuzz_NAME.c, a corpus in tests/fuzz/corpus/NAME --------------------------

FUZZ_SECONDS ?= 60
FUZZERS      := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SRC     := $(COMMON_SRC) daemon/init/plan.c $(wildcard daemon/session/*.c)
FUZZ_CFLAGS  := -std=gnu17 -O1 -g -fno-omit-frame-pointer $(WARNINGS) \
                -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined

$(BUILD)/fuzz/obj/%.o: %.c
	@mkdir -p $(@D)
	clang $(CPPFLAGS) $(FUZZ_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/fuzz/obj/tests/fuzz/fuzz_message.o: $(INTERFACES)

$(BUILD)/fuzz/lib.a: $(patsubst %.c,$(BUILD)/fuzz/obj/%.o,$(FUZZ_SRC))

$(BUILD)/fuzz/fuzz_%: $(BUILD)/fuzz/obj/tests/fuzz/fuzz_%.o $(BUILD)/fuzz/lib.a
	clang -fsanitize=fuzzer,address,undefined -o $@ $^ -ljson-c -levent_core

.SECONDARY: $(FUZZERS:$(BUILD)/fuzz/%=$(BUILD)/fuzz/obj/tests/fuzz/%.o)

# First the corpus alone, then on from it. What is new goes below $(BUILD), to be looked at there.
.PHONY: $(FUZZERS:=.run)
$(FUZZERS:=.run): $(BUILD)/fuzz/fuzz_%.run: $(BUILD)/fuzz/fuzz_%
	@mkdir -p $(BUILD)/fuzz/found/$*
	@$< -runs=0 $(wildcard tests/fuzz/corpus/$*) > $<.log 2>&1 || { cat $<.log; exit 1; }
	@$< -max_total_time=$(FUZZ_SECONDS) -timeout=20 -artifact_prefix=$(BUILD)/fuzz/ \
		$(BUILD)/fuzz/found/$* $(wildcard tests/fuzz/corpus/$*) > $<.log 2>&1 || \
		{ tail -60 $<.log; exit 1; }
	@echo "fuzz: $*: $$(sed -n 's/^Done \([0-9]*\) runs.*/\1/p' $<.log) runs"

.PHONY: fuzz
fuzz: $(FUZZERS:=.run) ## fuzz each parser for FUZZ_SECONDS (60)

# --- System tests ---------------------------------------------------------------------------------

DEBIAN := $(patsubst %/sanitized,%,$(abspath $(BUILD)))/debian

$(DEBIAN):
	@tests/make-debian $@
# The one with many packages is made by the tests that need it (test_services.py), beside this one.

# $(call system,DIRECTORY OF THE BUILD)
system = DOKRUST_BUILD=$(abspath $(1)) DOKRUST_DEBIAN=$(DEBIAN) PYTHONDONTWRITEBYTECODE=1 \
         /usr/bin/python3 -m pytest -c tests/system/pytest.ini -n $(WORKERS) tests/system $(PYTEST)

# What the system tests need beside what is installed; other parts add to it.
.PHONY: system system-programs
system-programs: all

system: system-programs $(DEBIAN) ## system tests of what is built (PYTEST="-k NAME" for some)
	@$(call system,$(BUILD))

.PHONY: test-beside
test-beside: deps test-deps ## test beside docker and firewalld, which it installs
	@tests/install-packages $(BESIDE_PACKAGES)
	+@$(MAKE) --no-print-directory -s -j$(JOBS) system-programs
	@DOKRUST_BESIDE=yes $(call system,$(BUILD)) -k test_beside_

LIFECYCLES ?= 20000

.PHONY: test-leaks
test-leaks: system-programs $(DEBIAN) ## LIFECYCLES (20000) of containers, after which all is as it was
	@DOKRUST_LIFECYCLES=$(LIFECYCLES) $(call system,$(BUILD)) -k test_lifecycles

# --- All of it ------------------------------------------------------------------------------------

.PHONY: test test-deps test-programs sanitized-programs sanitized-check
test-deps:
	@tests/install-packages $(TEST_PACKAGES)

sanitized-programs sanitized-check:
	+@$(MAKE) --no-print-directory SANITIZE=1 $(subst sanitized-programs,unit-programs \
		system-programs,$(subst sanitized-check,check,$@))

test-programs: unit-programs system-programs sanitized-programs $(FUZZERS) $(DEBIAN)

# The parts one after the other, each with its jobs side by side.
test: deps test-deps ## install what is missing, build, run every test
	@tests/check-includes
	+@$(MAKE) --no-print-directory -s -j$(JOBS) test-programs
	+@$(MAKE) --no-print-directory -j$(JOBS) check sanitized-check fuzz FUZZ_SECONDS=3
	@$(call system,$(BUILD)/sanitized)
	@$(call system,$(BUILD))

# --- Coverage -------------------------------------------------------------------------------------

# dokrust-init is not measured: it has no C library to write the figures with.
.PHONY: coverage
coverage: ## what the unit and system tests do not reach: BUILD/coverage/index.html
	@tests/install-packages $(TEST_PACKAGES) gcovr
	+@$(MAKE) --no-print-directory -s -j$(JOBS) BUILD=$(BUILD)/coverage \
		CLIENT_LIBC=glibc OPTIMISE='-Og -g --coverage -fprofile-update=atomic' unit-programs system-programs
	+@$(MAKE) --no-print-directory BUILD=$(BUILD)/coverage check
	@tests/make-debian $(DEBIAN)
	@$(call system,$(BUILD)/coverage)
	@/usr/bin/python3 -m gcovr --root . --filter '(client|common|daemon)/' --print-summary \
		--html-details $(BUILD)/coverage/index.html $(BUILD)/coverage/obj

# --- Lint -----------------------------------------------------------------------------------------

LINT_DIRS    := client common daemon daemon/* daemon/*/* tests tests/*
LINT_C       := $(sort $(wildcard $(addsuffix /*.c,$(LINT_DIRS))))
LINT_H       := $(sort $(wildcard $(addsuffix /*.h,$(LINT_DIRS))))
LINT_SCRIPTS := $(sort $(shell grep -lsE '^\#!.*[/ ](ba)?sh$$' .ci/* tests/* tests/*/* daemon/*/*))
LINT_PYTHON  := $(sort $(wildcard tests/*/*.py tests/*/*/*.py) \
                $(shell grep -lsE '^\#!.*python3$$' tests/* tests/*/*))
LINT_MAN     := $(wildcard docs/man/*)

.PHONY: lint lint-format lint-tidy lint-cppcheck lint-builds lint-rest
lint: ## format, clang-tidy, cppcheck, -fanalyzer, both compilers, includes, scripts, man pages
	@tests/install-packages $(BUILD_PACKAGES) $(LINT_PACKAGES)
	+@$(MAKE) --no-print-directory -j$(JOBS) lint-format lint-rest
	+@$(MAKE) --no-print-directory -s lint-builds
	+@$(MAKE) --no-print-directory lint-cppcheck
	+@$(MAKE) --no-print-directory lint-tidy

.PHONY: format
format: ## put C files into the form that lint wants
	@clang-format -i $(LINT_C) $(LINT_H) $(wildcard client/musl/*)

lint-format:
	@clang-format --dry-run -Werror $(LINT_C) $(LINT_H) $(wildcard client/musl/*)
	@echo "lint: format"

lint-rest:
	@tests/check-includes --self-test
	@tests/check-includes
	@tests/check-promises
	@shellcheck $(LINT_SCRIPTS)
	@/usr/bin/python3 -m pyflakes $(LINT_PYTHON)
	@mandoc -T lint -W warning $(LINT_MAN)
	@echo "lint: includes, scripts, man pages"

# clang 14 wants to be begged for zeroed variables. Its warnings are what it is here for.
CLANG_HARDENING := $(filter-out -ftrivial-auto-var-init=zero,$(HARDENING))

lint-builds:
	+@$(MAKE) -j$(JOBS) BUILD=$(BUILD)/lint/gcc WERROR=1 CLIENT_LIBC=glibc OPTIMISE='-O2 -g -fanalyzer -DANALYSED' \
		all unit-programs
	+@$(MAKE) -j$(JOBS) BUILD=$(BUILD)/lint/clang WERROR=1 \
		CC='clang -Wno-unused-command-line-argument' \
		HARDENING='$(CLANG_HARDENING)' all unit-programs
	@echo "lint: gcc -fanalyzer, clang"

# One file a run: clang-tidy 14 finds what is not there when it is given several.
lint-tidy:
	@mkdir -p $(BUILD)/lint
	@printf '%s\n' -std=gnu17 -I$(CURDIR) $(CPPFLAGS) -DINIT_PATH='"x"' > \
		$(BUILD)/lint/compile_flags.txt
	@printf '%s\n' $(LINT_C) | xargs -P $(JOBS) -n 1 clang-tidy --quiet -p $(BUILD)/lint 2>&1 | \
		{ ! grep -v 'warnings generated\.$$'; }
	@echo "lint: clang-tidy"

# It does not look for system headers; of their macros it needs to know these. That NULL may be an
# integer, which varFuncNullUB is about, is true of no C library of Linux.
lint-cppcheck:
	@cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
		--suppress=varFuncNullUB \
		--include=$(firstword $(wildcard /usr/include/*/sys/queue.h /usr/include/sys/queue.h)) \
		--error-exitcode=1 -j $(JOBS) $(CPPFLAGS) $(LINT_C)
	@echo "lint: cppcheck"

-include $(wildcard tests/*/*.mk)
