# A daemon with fault points (daemon/loop/fault.h): what has some is compiled once more, and the rest
# is the same.

FAULT_SRC := $(shell grep -rl --include=*.c 'fault_point."' daemon) tests/faults/fault.c
FAULT_OBJ := $(patsubst %.c,$(BUILD)/faults/%.o,$(FAULT_SRC))

$(BUILD)/faults/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -DFAULT_POINTS $(CFLAGS) -MMD -MP -c -o $@ $<

# Before the library, whose objects with the same functions are then not needed.
$(BUILD)/tests/dokrustd-faults: $(BUILD)/obj/daemon/main.o $(FAULT_OBJ) $(BUILD)/libdaemon.a \
                                $(BUILD)/libcommon.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -pie $(LDFLAGS) -o $@ $^ $(DAEMON_LIBS)

system-programs: $(BUILD)/tests/dokrustd-faults

$(BUILD)/tests/shim.so: tests/faults/shim.c
	@mkdir -p $(@D)
	$(CC) -std=gnu17 -D_GNU_SOURCE -O2 $(WARNINGS) -fPIC -shared -o $@ $<

system-programs: $(BUILD)/tests/shim.so
