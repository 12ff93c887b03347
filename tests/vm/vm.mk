# Virtual machines with what this host may lack: a systemd that runs, and cgroup v2.

VM_PACKAGES := qemu-system-x86 mmdebstrap e2fsprogs python3-pytest
# Two kernels and two systemds; only the newer one has varlinkctl.
VM_SUITES   ?= bookworm trixie
# For one machine, from power-on to power-off. On an idle host it takes a minute or so.
VM_LIMIT_S  ?= 600
VM_STAGE    := $(BUILD)/vm/stage
VM_UNIT     := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(wildcard tests/unit/test_cgroup*.c))

.PHONY: test-vm
test-vm: all $(VM_UNIT) $(BUILD)/tests/attack/attack ## test under systemd and cgroup v2, in virtual machines (PYTEST="-k NAME" for some)
	@tests/install-packages $(VM_PACKAGES)
	@/usr/bin/python3 -m pytest -q -p no:cacheprovider tests/vm/host
	@rm -rf $(VM_STAGE)
	+@$(MAKE) --no-print-directory -s install DESTDIR=$(abspath $(VM_STAGE))
	@PYTEST='$(PYTEST)' tests/vm/test-vm $(BUILD) $(VM_LIMIT_S) $(VM_SUITES)
