//! Performs what the engine decides: clock, configuration, permits, driver.
