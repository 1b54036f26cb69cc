//! Use of AWS in a month, and its price.

use super::prices;

/// Length of a month, in hours.
pub const HOURS: f64 = 30.4 * 24.0;

/// Use of AWS in a month.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MonthlyUse {
    /// Gigabyte-seconds of the orchestrator.
    pub orchestrator: f64,
    /// Gigabyte-seconds of the large worker.
    pub worker: f64,
    /// Gigabyte-seconds of the small worker.
    pub small_worker: f64,
    /// Invocations of all functions.
    pub invocations: f64,
    /// Units of reading of DynamoDB.
    pub read_units: f64,
    /// Units of writing of DynamoDB.
    pub write_units: f64,
    /// Puts and listings of S3.
    pub puts: f64,
    /// Gets of S3.
    pub gets: f64,
    /// Gigabytes kept in S3.
    pub stored: f64,
    /// Ticks of the schedule.
    pub ticks: f64,
    /// Gigabytes of logs.
    pub log: f64,
    /// Alarms.
    pub alarms: f64,
    /// Metrics of one's own.
    pub metrics: f64,
    /// Dashboards.
    pub dashboards: f64,
    /// Keys of one's own.
    pub keys: f64,
    /// Secrets of Secrets Manager.
    pub secrets: f64,
}

/// One item of a month.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CostLine {
    /// Name of the item.
    pub name: &'static str,
    /// Quantity.
    pub quantity: f64,
    /// Unit of the quantity.
    pub unit: &'static str,
    /// Price of one unit, in dollars.
    pub price: f64,
}

impl CostLine {
    /// Price of the quantity, in dollars.
    #[must_use]
    pub fn dollars(&self) -> f64 {
        self.quantity * self.price
    }
}

impl MonthlyUse {
    /// Returns the items in the order of a bill: the functions, the stores, and what stands beside
    /// them.
    #[must_use]
    pub fn lines(&self) -> Vec<CostLine> {
        let million = |price: f64| price / 1e6;
        let thousand = |price: f64| price / 1e3;
        [
            ("orchestrator", self.orchestrator, "GB-s", prices::GIGABYTE_SECOND),
            ("worker", self.worker, "GB-s", prices::GIGABYTE_SECOND),
            ("small worker", self.small_worker, "GB-s", prices::GIGABYTE_SECOND),
            ("invocations", self.invocations, "", million(prices::MILLION_INVOCATIONS)),
            ("DynamoDB reads", self.read_units, "units", million(prices::MILLION_READ_UNITS)),
            ("DynamoDB writes", self.write_units, "units", million(prices::MILLION_WRITE_UNITS)),
            ("S3 puts, listings", self.puts, "", thousand(prices::THOUSAND_PUTS)),
            ("S3 gets", self.gets, "", thousand(prices::THOUSAND_GETS)),
            ("S3 storage", self.stored, "GB", prices::GIGABYTE_MONTH),
            ("schedule", self.ticks, "ticks", million(prices::MILLION_TICKS)),
            ("logs", self.log, "GB", prices::GIGABYTE_LOG),
            ("alarms", self.alarms, "", prices::ALARM),
            ("metrics", self.metrics, "", prices::METRIC),
            ("dashboard", self.dashboards, "", prices::DASHBOARD),
            ("key", self.keys, "", prices::KEY),
            ("secret", self.secrets, "", prices::SECRET),
        ]
        .into_iter()
        .filter(|(_, quantity, ..)| *quantity > 0.0)
        .map(|(name, quantity, unit, price)| CostLine { name, quantity, unit, price })
        .collect()
    }

    /// Returns the price of the month, in dollars.
    #[must_use]
    pub fn dollars(&self) -> f64 {
        self.lines().iter().map(CostLine::dollars).sum()
    }
}
