//! Cost of a month of a deployment at list prices.

pub mod estimate;
pub mod month;
pub mod prices;
