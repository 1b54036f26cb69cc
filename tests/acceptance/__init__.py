"""Proves a deployed stack: what no emulator can show, in an AWS account."""
