# Fuzzing of the parsers in C. The Makefiles of guest/, gate/, keeper/ and e2b/ include it, after they have set:
#   FUZZERS       the targets: the sources are fuzz/NAME_fuzz.c, the seeds come from fuzz/seed.py
#   FUZZED        sources that each target is linked with; REPLAYED are their objects, where there are any
#   FUZZ_NEEDS    other files of which a change makes the targets again
#   FUZZ_MAX_LEN  the length of the longest input
# The npm package has the Makefiles without this file, since it only builds.
FUZZ := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g -O1
REPLAYED ?= $(FUZZED)

# Each target gets its share of the seconds, or FUZZ_RUNS executions.
FUZZ_SECONDS ?= 60
FUZZ_RUNS ?=
FUZZ_UNTIL = $(if $(FUZZ_RUNS),-runs=$(FUZZ_RUNS),-max_total_time=$$(($(FUZZ_SECONDS) / $(words $(FUZZERS)))))
# With FUZZ_KEEP=1 inputs that reach something of their own are kept in fuzz/corpus.
FUZZ_KEEP ?=
KEEP = if [ "$(FUZZ_KEEP)" = 1 ]; then rm -rf $(BUILD)/kept && mkdir $(BUILD)/kept && \
    $(BUILD)/$$name-fuzz -merge=1 -max_len=256 $(BUILD)/kept $(BUILD)/corpus/$$name && \
    python3 $(FUZZ)/corpus.py keep fuzz/corpus/$$name.txt $(BUILD)/kept; fi
fuzz: $(FUZZERS:%=$(BUILD)/%-fuzz)
	@for name in $(FUZZERS); do \
	    mkdir -p $(BUILD)/corpus/$$name && python3 fuzz/seed.py $$name $(BUILD)/corpus/$$name && \
	    $(BUILD)/$$name-fuzz $(FUZZ_UNTIL) -max_len=$(FUZZ_MAX_LEN) -print_final_stats=1 \
	        -artifact_prefix=$(BUILD)/ $(BUILD)/corpus/$$name && $(KEEP) || exit 1; \
	done

$(BUILD)/%-fuzz: fuzz/%_fuzz.c $(FUZZED) $(FUZZ_NEEDS)
	@mkdir -p $(BUILD)
	clang -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -Isrc $(WARNINGS) -Wno-unknown-attributes -o $@ $< $(FUZZED)

# The same targets on seeds and their mutations, with gcc alone.
replay: $(FUZZERS:%=$(BUILD)/%-replay)
	@for name in $(FUZZERS); do \
	    rm -rf $(BUILD)/seeds/$$name && mkdir -p $(BUILD)/seeds/$$name && \
	    python3 fuzz/seed.py $$name $(BUILD)/seeds/$$name && $(BUILD)/$$name-replay $(BUILD)/seeds/$$name/* || exit 1; \
	done

$(BUILD)/%-replay: fuzz/%_fuzz.c $(FUZZ)/replay.c $(REPLAYED) $(FUZZ_NEEDS)
	@mkdir -p $(BUILD)
	@gcc $(SANITIZE) -Isrc $(WARNINGS) -o $@ $< $(FUZZ)/replay.c $(REPLAYED)

.PHONY: fuzz replay
