//! What a month of a deployment costs at list prices.

pub mod estimate;
pub mod month;
pub mod prices;
