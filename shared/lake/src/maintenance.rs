//! (maintenance)
