# Virtual machines with what this host may lack: a systemd that runs, and cgroup v2.

VM_PACKAGES := qemu-system-x86 mmdebstrap e2fsprogs libcmocka-dev python3-pytest
# Two kernels and two systemds; only the newer one has varlinkctl.
VM_SUITES   ?= bookworm trixie
# Where those of tests/system that are about the kernel are run, too: none of the suites but this.
VM_SYSTEM   ?= bookworm
# For one machine, from power-on to power-off. On an idle host it takes two minutes, or six.
VM_LIMIT_S  ?= 1800
VM_STAGE    := $(BUILD)/vm/stage
VM_UNIT     := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(wildcard tests/unit/test_cgroup*.c))

.PHONY: test-vm
test-vm: ## test under systemd and cgroup v2, in virtual machines (PYTEST="-k NAME" for some)
	@tests/install-packages $(BUILD_PACKAGES) $(VM_PACKAGES)
	+@$(MAKE) --no-print-directory -s -j$(JOBS) all system-programs $(VM_UNIT)
	@tests/make-debian $(DEBIAN)
	@/usr/bin/python3 -m pytest -q -p no:cacheprovider tests/vm/host
	@rm -rf $(VM_STAGE)
	+@$(MAKE) --no-print-directory -s install DESTDIR=$(abspath $(VM_STAGE))
	@PYTEST='$(PYTEST)' tests/vm/test-vm $(BUILD) $(DEBIAN) $(VM_LIMIT_S) \
		$(VM_SUITES:%=guest:%) $(VM_SYSTEM:%=system:%)
