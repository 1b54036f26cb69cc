//! The allocator of every program that has a deployment: jemalloc, with one arena.
//!
//! Decoding, merging and encoding run on threads of a pool, and each allocates what another frees.
//! glibc gives each thread an arena of its own, whose free memory the others cannot use: nearly half
//! of the peak of a first load was such memory. Freed pages go back to the system after one second.
//! `.cargo/config.toml` has these settings, `docs/adr/0033-jemalloc-with-one-arena.md` the figures.

use tikv_jemallocator::Jemalloc;

#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;
