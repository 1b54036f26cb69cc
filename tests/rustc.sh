#!/bin/sh
# Compiler of the workspace's crates in `make test`: a call of rustc, with the tests of a library without optimization.
# Cargo has one level for a library and for its tests, and the library needs a high one for the lives. Its tests take seconds
# at any level, and minutes to compile at a high one.
#
# cargo calls: tests/rustc.sh rustc --crate-name lake ... -C opt-level=2 -C codegen-units=1 --test ...
case " $* " in
*" --crate-name simulation "*) exec "$@" ;;
*" --test "*) ;;
*) exec "$@" ;;
esac
left=$#
while [ "$left" -gt 0 ]; do
	argument=$1
	shift
	case $argument in
	opt-level=*) argument=opt-level=0 ;;
	codegen-units=*) argument=codegen-units=8 ;;
	esac
	set -- "$@" "$argument"
	left=$((left - 1))
done
exec "$@"
