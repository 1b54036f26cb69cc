//! Names and phrases, from many alphabets and with awkward characters. All invented.
//!
//! The characters are those that break a link of the chain from JSON to a column: quotation marks
//! and backslashes (escapes), line breaks and tabs (log files, CSV), markup, characters outside of
//! the basic plane, and the empty text. The number and the order of the entries must not change:
//! each choice is a place in the list, so a new word would change every account.

/// First names of users and contacts.
pub(crate) const FIRST_NAMES: &[&str] = &[
    "Ada",
    "Zoë",
    "Łukasz",
    "José",
    "Åsa",
    "健太",
    "Mary-Jane",
    "Oğuz",
    "Ines",
    "Tomáš",
    "Noor",
    "Sean",
    "Thu Trang",
    "Владимир",
    "Chloé",
    "Björk",
    "Amina",
    "Pat",
    "Rúben",
    "Ølav",
];
/// Last names of users and contacts.
pub(crate) const LAST_NAMES: &[&str] = &[
    "O'Neill",
    "García",
    "Müller",
    "Wójcik",
    "佐藤",
    "van der Berg",
    "Nguyễn",
    "Smith",
    "Çelik",
    "Dvořák",
    "Haddad",
    "D’Angelo",
    "Ivanova",
    "Løkke",
    "Silva",
    "Okafor",
    "St. Claire",
    "Berg",
];
/// First words of the names of clients.
pub(crate) const COMPANIES: &[&str] = &[
    "Nordlicht",
    "Blue \"Quoted\" Sky",
    "Café Größe",
    "東京設計",
    "Back\\slash",
    "Ñandú",
    "Alpha",
    "Ltd & Sons",
    "Zażółć",
    "Émile et Fils",
    "Orbit",
    "Tab\tbed",
    "Kestrel",
    "Ýmir",
    "Delta 🚀",
];
/// Legal forms, the last words of the names of clients.
pub(crate) const FORMS: &[&str] = &["GmbH", "Inc.", "S.A.", "Ltd", "AG", "K.K.", "AB", "Oy"];
/// First words of the names of projects.
pub(crate) const SUBJECTS: &[&str] = &[
    "Online Store",
    "Relaunch",
    "Support",
    "Audit",
    "Mobile App",
    "Häuser am See",
    "Data Lake",
    "Branding",
    "Migration",
    "Schulung",
    "Prototype",
    "検証",
];
/// Names of the first tasks; further ones are numbered.
pub(crate) const TASKS: &[&str] = &[
    "Programming",
    "Graphic Design",
    "Project Management",
    "Research",
    "Business Development",
    "Réunion",
    "Testing",
    "Support",
    "Travel",
    "Documentation",
];
/// Names of the business roles.
pub(crate) const ROLES: &[&str] = &["Developer", "Designer", "Sales", "Founder", "Büro"];
/// Notes of entries and expenses, before a number is added.
pub(crate) const NOTES: &[&str] = &[
    "Planning meeting",
    "Importing products\r\nand checking them",
    "Adding CSS styling",
    "Fehler behoben: Größe „falsch“",
    "100 % done; see \"Ticket\" #",
    "",
    "Zeile eins\nZeile zwei\ttab",
    "レビュー 🙂",
    "C:\\temp\\log",
    "naïve façade — first draft",
    "<b>not HTML</b> & more",
    "call with 'client'",
];
/// Time zones of users, by their names in Rails, as Harvest has them.
pub(crate) const TIMEZONES: &[&str] = &[
    "Eastern Time (US & Canada)",
    "Berlin",
    "Tokyo",
    "UTC",
    "Brasilia",
    "Mountain Time (US & Canada)",
];
/// Currencies of clients; those named twice are drawn more often. CLF has four decimals, JPY none.
pub(crate) const CURRENCIES: &[&str] = &["USD", "EUR", "USD", "EUR", "GBP", "JPY", "CLF"];
/// Name, unit, and price of a unit in millionths; categories without a unit have no price.
pub(crate) const EXPENSE_CATEGORIES: &[(&str, Option<&str>, i64)] = &[
    ("Meals", None, 0),
    ("Transportation", None, 0),
    ("Mileage", Some("mile"), 535_000),
    ("Lodging", None, 0),
    ("Kilometer", Some("km"), 420_000),
    ("Sonstiges", None, 0),
    ("Per diem", Some("day"), 28_000_000),
];
/// Titles of contacts.
pub(crate) const TITLES: &[&str] = &["Owner", "CTO", "Einkauf", "Finance", "主任"];
