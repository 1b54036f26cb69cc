//! The fields of a record, and the functions by which a declaration writes them.

/// One field of a record.
#[derive(Clone, Copy, Debug)]
pub struct FieldSpec {
    /// Name as in Harvest's JSON.
    pub name: &'static str,
    /// Type of its value.
    pub ty: FieldType,
    /// Whether a record without it cannot become a row: ids only.
    pub required: bool,
    /// Whether a new value alone is no change of the row (download links that differ with each
    /// read).
    pub volatile: bool,
    /// Column comment for readers of the table: units, meaning, surprises. May be empty.
    pub doc: &'static str,
}

/// Type of a field.
#[derive(Clone, Copy, Debug)]
pub enum FieldType {
    /// A 64-bit integer.
    Int,
    /// Text, times of day and enumerations included.
    Text,
    /// True or false.
    Bool,
    /// A day, `YYYY-MM-DD`.
    Date,
    /// An instant in UTC.
    Instant,
    /// An amount of money: `decimal(18,4)`.
    Money,
    /// A rate, price, quantity, percentage, number of hours or budget: `decimal(18,6)`.
    Decimal,
    /// One nested object: flattened, `client.id` becomes `client_id`.
    Object(&'static [FieldSpec]),
    /// An array of objects: a list of structs, objects inside flattened likewise.
    Objects(&'static [FieldSpec]),
    /// An array of texts.
    Texts,
    /// An array of integers.
    Ints,
}

const fn field(name: &'static str, ty: FieldType) -> FieldSpec {
    FieldSpec { name, ty, required: false, volatile: false, doc: "" }
}

/// A 64-bit integer.
#[must_use]
pub const fn int(name: &'static str) -> FieldSpec {
    field(name, FieldType::Int)
}

/// Text.
#[must_use]
pub const fn text(name: &'static str) -> FieldSpec {
    field(name, FieldType::Text)
}

/// True or false.
#[must_use]
pub const fn flag(name: &'static str) -> FieldSpec {
    field(name, FieldType::Bool)
}

/// A day.
#[must_use]
pub const fn date(name: &'static str) -> FieldSpec {
    field(name, FieldType::Date)
}

/// An instant in UTC.
#[must_use]
pub const fn instant(name: &'static str) -> FieldSpec {
    field(name, FieldType::Instant)
}

/// An amount of money, `decimal(18,4)`.
#[must_use]
pub const fn money(name: &'static str) -> FieldSpec {
    field(name, FieldType::Money)
}

/// A rate, price, quantity, percentage, number of hours or budget, `decimal(18,6)`.
#[must_use]
pub const fn decimal(name: &'static str) -> FieldSpec {
    field(name, FieldType::Decimal)
}

/// One nested object, flattened into columns.
#[must_use]
pub const fn object(name: &'static str, fields: &'static [FieldSpec]) -> FieldSpec {
    field(name, FieldType::Object(fields))
}

/// An array of objects.
#[must_use]
pub const fn objects(name: &'static str, fields: &'static [FieldSpec]) -> FieldSpec {
    field(name, FieldType::Objects(fields))
}

/// An array of texts.
#[must_use]
pub const fn texts(name: &'static str) -> FieldSpec {
    field(name, FieldType::Texts)
}

/// An array of integers.
#[must_use]
pub const fn ints(name: &'static str) -> FieldSpec {
    field(name, FieldType::Ints)
}

impl FieldSpec {
    /// Returns the same field, without which a record has no usable identity.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Returns the same field, whose changes alone are no change of the record.
    #[must_use]
    pub const fn volatile(mut self) -> Self {
        self.volatile = true;
        self
    }

    /// Returns the same field with its column comment.
    #[must_use]
    pub const fn doc(mut self, doc: &'static str) -> Self {
        self.doc = doc;
        self
    }
}
