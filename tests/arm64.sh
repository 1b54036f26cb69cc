#!/usr/bin/env bash
# The functions for arm64, as `make build` left them, under qemu: the test of a whole deployment that the functions of this
# machine pass, unchanged. It finds the functions beside its own program. PROGRAM names that program, if it is built already,
# BIN the folder of the command, BUILD that of the functions, SYSROOT that of the C library for arm64. `check` only looks
# whether qemu and the C library are there.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
bin=${BIN:-$target/proof}
build=${BUILD:-.aws-sam/build}
sysroot=${SYSROOT:-/usr/aarch64-linux-gnu}
qemu=$(command -v qemu-aarch64-static || command -v qemu-aarch64 || true)
[ -n "$qemu" ] || { echo "qemu-aarch64 is missing: install the package qemu-user-static or qemu-user"; exit 1; }
[ -e "$sysroot/lib/ld-linux-aarch64.so.1" ] || { echo "no C library for arm64 in $sysroot: install the package libc6-arm64-cross"; exit 1; }
[ "${1:-}" != check ] || exit 0
folder=arm64
. tests/beside.sh
for function in Orchestrator Worker; do
    bootstrap=$(realpath "$build/$function/bootstrap")
    head -c 20 "$bootstrap" | tail -c 2 | od -An -tu2 | grep -qx ' *183' || { echo "$bootstrap is not for arm64: make build"; exit 1; }
    printf '#!/bin/sh\nexec %s -L %s %s\n' "$qemu" "$sysroot" "$bootstrap" >"$beside/${function,,}"
    chmod +x "$beside/${function,,}"
done
deployment
