# `make bench`: Dokrust measured against its peers (docs/performance.md).
#
#	RUNS=N		samples of each measure, in place of its own number
#	ONLY=A,B	those measures only: start, network, throughput, exec, flood, echo, attach, list, memory
#	PEERS=A,B	those peers only: bwrap, crun, runc, docker, podman, none; without it, all
#			but podman
#	STRICT=1	fail where a target is missed

BENCH_MEASURES := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(wildcard tests/bench/measure-*.c))
BENCH_PROGRAMS := $(BENCH_MEASURES) $(BUILD)/bench/relay

$(BENCH_MEASURES): $(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o \
                                     $(BUILD)/obj/tests/bench/contender.o $(BUILD)/libcommon.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -pie $(LDFLAGS) -o $@ $^

$(BUILD)/bench/relay: $(BUILD)/obj/tests/bench/relay.o $(BUILD)/libcommon.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -pie $(LDFLAGS) -o $@ $^

.PHONY: bench
bench: all $(BENCH_PROGRAMS) ## measure against peers and targets; RUNS= ONLY= PEERS= STRICT=1
	$(if $(SANITIZE),$(error a sanitized build is not measured))
	@/usr/bin/python3 -B tests/bench/bench.py --build $(BUILD) --json $(BUILD)/bench.json \
		$(if $(RUNS),--runs $(RUNS)) $(if $(ONLY),--only $(ONLY)) \
		$(if $(PEERS),--peers $(PEERS)) $(if $(STRICT),--strict)

.PHONY: bench-scale
bench-scale: all ## a thousand containers at once: what they cost, and how that grows; NUMBERS=250,500,1000
	$(if $(SANITIZE),$(error a sanitized build is not measured))
	@$(if $(NUMBERS),NUMBERS=$(NUMBERS)) DOKRUST_BUILD=$(abspath $(BUILD)) \
		/usr/bin/python3 -B tests/bench/scale.py
