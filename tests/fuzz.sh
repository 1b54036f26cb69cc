#!/usr/bin/env bash
# Looks for inputs of the fuzz targets that reach new code, with libFuzzer: tests/fuzz.sh [target ..].
# Each gets SECONDS_EACH. What is found joins the corpus of the target in .cache/fuzz, which the next
# call goes on from; an input that fails is kept beside it, and `cargo test` repeats it.
#
# The instrumentation is that of `cargo fuzz`. All its flags exist on a stable toolchain, because no
# sanitizer is used: the product has no unsafe code.
# The programs of the package are linked beside the targets, without libFuzzer, hence with symbols
# that nobody has. They are not run.
set -euo pipefail
cd "$(dirname "$0")/.."
host=$(rustc -vV | sed -n 's/^host: //p')
folder=$PWD/.cache/fuzz
mkdir -p "$folder"
export RUSTFLAGS="--cfg fuzzing --cfg fuzzing_libfuzzer \
-Clink-arg=-Wl,--unresolved-symbols=ignore-all \
-Cpasses=sancov-module \
-Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
-Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares"
program=$(cargo test --locked --profile proof --target "$host" --target-dir "${CARGO_TARGET_DIR:-target}/fuzz" \
    -p e2e --test fuzz --no-run --message-format=json |
    sed -n 's/.*"executable":"\([^"]*\/fuzz-[^"]*\)".*/\1/p' | tail -1)
known() { "$program" --list | sed -n 's/^\([a-z_]*\)::fuzzed: test$/\1/p'; }
[ $# -gt 0 ] || mapfile -t targets < <(known)
cd tests
for target in "${@:-${targets[@]}}"; do
    seeds=tests/fuzz/__fuzz__/$target/corpus
    mkdir -p "$folder/$target" "tests/fuzz/__fuzz__/$target/crashes" "$seeds"
    echo "== $target"
    BOLERO_LIBFUZZER_ARGS="$folder/$target $seeds -max_total_time=${SECONDS_EACH:-300} -timeout=10 \
-rss_limit_mb=2048 -max_len=2048 -print_final_stats=1 -verbosity=${VERBOSITY:-0} \
-artifact_prefix=tests/fuzz/__fuzz__/$target/crashes/" \
        "$program" "$target::fuzzed" --exact --include-ignored --nocapture --test-threads 1
done
