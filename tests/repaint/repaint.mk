# What the test of snapshots against real terminals needs (tests/system/test_repaint.py), and how
# fast a screen is: `make bench-screen`.

$(BUILD)/repaint/snapshot: $(BUILD)/obj/tests/repaint/snapshot.o $(BUILD)/libdaemon.a \
                           $(BUILD)/libcommon.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -pie $(LDFLAGS) -o $@ $^ $(DAEMON_LIBS)

$(BUILD)/bench/bench_screen: $(BUILD)/obj/tests/bench/bench_screen.o $(BUILD)/libdaemon.a \
                             $(BUILD)/libcommon.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -pie $(LDFLAGS) -o $@ $^ $(DAEMON_LIBS)

# Wherever the programs of unit tests are made, this one is, too.
unit-programs system: $(BUILD)/repaint/snapshot

.PHONY: bench-screen
bench-screen: $(BUILD)/bench/bench_screen ## how fast a screen follows output and is painted
	@$<
