//! End-to-end, simulation and declaration tests.
