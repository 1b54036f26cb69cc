//! The command harvest-lake: orchestrator and workers in one process, and the operator's commands.
