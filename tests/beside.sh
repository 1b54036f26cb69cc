# Sourced: makes the folder `beside`, below the targets and named $folder, with the program of the system tests and
# `harvest-lake`. A caller puts functions of its own there, where the test of a whole deployment looks for them, and calls
# `deployment`. PROGRAM names the program of the tests, if it is built already; `bin` is the folder of the command.
# With the compiler of `make test`: with another one all crates would be compiled again.
program=${PROGRAM:-$(RUSTC_WORKSPACE_WRAPPER="$PWD/tests/rustc.sh" cargo test --locked --profile proof --workspace \
    --test system --no-run --message-format json | sed -n 's/.*"name":"system".*"executable":"\([^"]*\)".*/\1/p')}
[ -x "$program" ] || { echo "the test program is not built"; exit 1; }

# Not below `deps`, so that this folder is where the test looks.
beside=$target/$folder
rm -rf "$beside"
mkdir -p "$beside"
beside=$(cd "$beside" && pwd)
ln "$program" "$beside/system" 2>/dev/null || cp "$program" "$beside/system"
ln -s "$(realpath "$bin/harvest-lake")" "$beside/harvest-lake"

deployment() {
    "$beside/system" --exact lambda::a_tick_becomes_33_exact_tables_and_changes_follow --nocapture
}
