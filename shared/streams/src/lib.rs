//! Declares the 33 data streams of the Harvest API.
