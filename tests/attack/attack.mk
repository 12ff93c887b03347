# The programs that attack from inside a container: one static file, driven by
# tests/system/test_attacks.py.

ATTACK_SRC := $(wildcard tests/attack/*.c)
ATTACK_OBJ := $(patsubst %.c,$(BUILD)/attack/%.o,$(ATTACK_SRC))

# Never sanitized: it runs in a bare root file system, and does what sanitizers stop.
$(BUILD)/attack/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -std=gnu17 -O1 $(WARNINGS) -MMD -MP -c -o $@ $<

$(BUILD)/tests/attack/attack: $(ATTACK_OBJ)
	@mkdir -p $(@D)
	$(CC) -static -o $@ $^

system-programs: $(BUILD)/tests/attack/attack
