//! Outcome of putting a value into its column.

/// Outcome of putting a value into its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CellOutcome {
    /// Stored; JSON's `null` as null.
    Stored,
    /// Stored after conversion from another JSON type or form.
    Converted,
    /// Not storable: the cell is null.
    Misfit,
    /// Not storable only because it has more decimal places than the column: the cell is null.
    Finer,
}

impl CellOutcome {
    /// Whether the column holds the value, so that it needs no place in `extra_json`.
    pub(crate) const fn is_held(self) -> bool {
        match self {
            Self::Stored | Self::Converted => true,
            Self::Misfit | Self::Finer => false,
        }
    }

    /// Outcome of a conversion that succeeded or failed.
    pub(super) const fn converted(held: bool) -> Self {
        if held { Self::Converted } else { Self::Misfit }
    }
}
