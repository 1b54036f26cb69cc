//! List prices in dollars, us-east-1, as the services' public price lists had them in November 2026;
//! without free tiers, discounts or taxes.

/// Lambda, arm64: a gigabyte for a second.
pub const GIGABYTE_SECOND: f64 = 0.000_013_333_4;
/// Lambda: a million invocations.
pub const MILLION_INVOCATIONS: f64 = 0.20;
/// DynamoDB on demand: a million units of writing.
pub const MILLION_WRITE_UNITS: f64 = 0.625;
/// DynamoDB on demand: a million units of reading.
pub const MILLION_READ_UNITS: f64 = 0.125;
/// S3: a thousand puts, posts or listings.
pub const THOUSAND_PUTS: f64 = 0.005;
/// S3: a thousand gets.
pub const THOUSAND_GETS: f64 = 0.000_4;
/// S3: a gigabyte for a month.
pub const GIGABYTE_MONTH: f64 = 0.023;
/// EventBridge Scheduler: a million invocations.
pub const MILLION_TICKS: f64 = 1.0;
/// `CloudWatch` Logs: a gigabyte taken in, and kept for a month.
pub const GIGABYTE_LOG: f64 = 0.53;
/// `CloudWatch`: an alarm for a month.
pub const ALARM: f64 = 0.10;
/// `CloudWatch`: a metric of one's own for a month.
pub const METRIC: f64 = 0.30;
/// `CloudWatch`: a dashboard for a month.
pub const DASHBOARD: f64 = 3.0;
/// KMS: a key for a month.
pub const KEY: f64 = 1.0;
/// Secrets Manager: a secret for a month.
pub const SECRET: f64 = 0.40;
