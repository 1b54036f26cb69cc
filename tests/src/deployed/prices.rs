//! List prices in dollars, us-east-1, as the services' public price lists had them in November 2026;
//! without free tiers, discounts or taxes.

/// Lambda, arm64: a gigabyte for a second.
pub(super) const GIGABYTE_SECOND: f64 = 0.000_013_333_4;
/// Lambda: a million invocations.
pub(super) const MILLION_INVOCATIONS: f64 = 0.20;
/// `DynamoDB` on demand: a million units of writing.
pub(super) const MILLION_WRITE_UNITS: f64 = 0.625;
/// `DynamoDB` on demand: a million units of reading.
pub(super) const MILLION_READ_UNITS: f64 = 0.125;
/// S3: a thousand puts, posts or listings.
pub(super) const THOUSAND_PUTS: f64 = 0.005;
/// S3: a thousand gets.
pub(super) const THOUSAND_GETS: f64 = 0.000_4;
/// S3: a gigabyte for a month.
pub(super) const GIGABYTE_MONTH: f64 = 0.023;
