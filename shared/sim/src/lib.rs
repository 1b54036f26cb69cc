//! A fake Harvest account with a history, faults and an HTTP face. Never in a shipped Lambda binary.
