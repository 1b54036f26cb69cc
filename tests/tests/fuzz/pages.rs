//! Pages are decoded to the rows that a second, slow decoder makes of them, and nothing is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use bolero::{TypeGenerator, check};
use decode::{DecodedPage, Decoder};
use engine::ids::AccountId;
use engine::pass::{AnswerPurpose, Parent, Unit};
use engine::privacy::PrivacyRules;
use engine::schema::{Column, ColumnSource};
use engine::spec::{StreamKind, StreamSpec};
use engine::time::Timestamp;
use engine::window::WindowGrid;
use jiff::civil::date;
use lives::declared::declared;
use lives::naive::record::{NaiveReader, RowOrigin, canonical_extra};
use lives::reader::cell::text;

use crate::corpus::{documents, one};
use crate::edit::{ByteEdits, TreeEdits};
use crate::naive_page::{NaiveEnvelope, NaivePage};
use crate::tree::JsonTree;

pub(crate) const ACCOUNT: AccountId = AccountId(7);
/// Creation of the parent of all children.
const PARENT_CREATED: &str = "2021-05-06T07:08:09Z";

/// A page of some stream.
#[derive(Clone, Debug, TypeGenerator)]
pub(crate) struct FuzzedPage {
    stream: u8,
    document: u8,
    edits: TreeEdits,
    spaced: bool,
    bytes: ByteEdits,
}

/// A stream, its documented pages, and its decoder without rules.
#[derive(Debug)]
pub(crate) struct PageSource {
    pub spec: &'static StreamSpec,
    documents: Vec<JsonTree>,
    pub decoder: Decoder,
    compared: &'static [Column],
}

pub(crate) static SOURCES: LazyLock<Vec<PageSource>> = LazyLock::new(|| {
    let of = |spec: &&'static StreamSpec| PageSource {
        spec,
        documents: documents(&[
            &format!("fixtures/{}", spec.name),
            &format!("tests/fuzz/corpus/pages/{}", spec.name),
        ]),
        decoder: Decoder::new(spec),
        compared: &declared(spec).compared,
    };
    streams::STREAMS.iter().map(of).collect()
});

impl FuzzedPage {
    /// Returns the stream.
    pub(crate) fn source(&self) -> &'static PageSource {
        &SOURCES[usize::from(self.stream) % SOURCES.len()]
    }

    /// Returns the page before its bytes are changed.
    pub(crate) fn tree(&self) -> JsonTree {
        let mut tree = one(&self.source().documents, self.document);
        self.edits.apply(&mut tree);
        tree
    }

    /// Returns the text of the page.
    pub(crate) fn body(&self) -> String {
        let mut bytes = self.tree().text(self.spaced).into_bytes();
        self.bytes.apply(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// Returns the part of a stream that pages of tests belong to.
pub(crate) fn unit(spec: &StreamSpec) -> Unit {
    match spec.kind {
        StreamKind::Listing(_) | StreamKind::Snapshot(_) => Unit::Stream,
        StreamKind::PerParent(_) => Unit::Parent(Parent { id: 9, created_year: Some(2021) }),
        StreamKind::ReportWindow(_) => Unit::Window(WindowGrid::Month.window(date(2024, 2, 29))),
    }
}

/// Returns the same part, as rows have it.
pub(crate) fn origin(spec: &StreamSpec) -> RowOrigin<'static> {
    let unit = unit(spec);
    let parent = unit.parent().map(|parent| parent.id);
    RowOrigin { parent, parent_created_at: parent.map(|_| PARENT_CREATED), period: unit.period() }
}

/// Decodes an answer with records.
pub(crate) fn decoded(decoder: &Decoder, spec: &StreamSpec, body: String) -> Option<DecodedPage> {
    let purpose = AnswerPurpose::Records(unit(spec));
    decoder.decode(purpose, ACCOUNT, Timestamp::UNIX_EPOCH, body).ok()
}

/// Returns the texts of the compared columns, by row.
fn rows(source: &PageSource, page: &DecodedPage) -> Vec<Vec<Option<String>>> {
    let cell = |column: &Column, row: usize| {
        let array = page.rows.column_by_name(&column.name).expect("every column is there");
        let text = text(array, row);
        if column.source == ColumnSource::Extra {
            text.map(|text| canonical_extra(&text))
        } else {
            text
        }
    };
    let columns = source.compared;
    let row = |row: usize| columns.iter().map(|column| cell(column, row)).collect();
    (0..page.rows.num_rows()).map(row).collect()
}

fn check_page(source: &PageSource, body: &str) {
    let spec = source.spec;
    let nobody = BTreeSet::new();
    let reader = NaiveReader::new(spec, ACCOUNT, &nobody, PrivacyRules::default());
    let expected = NaivePage::read(&reader, body, &origin(spec));
    let found = decoded(&source.decoder, spec, body.to_owned());
    let (Some(expected), Some(found)) = (&expected, &found) else {
        let (one, other) = (expected.is_some(), found.is_some());
        assert_eq!(one, other, "{}: refused by one of the two decoders:\n{body}", spec.name);
        return;
    };
    let expected_rows: Vec<&[Option<String>]> =
        expected.rows.iter().map(|(_, row)| &**row).collect();
    assert_eq!(rows(source, found), expected_rows, "{}:\n{body}", spec.name);
    let raw: Vec<&String> = found.quarantined.iter().map(|record| &record.raw).collect();
    assert_eq!(counted(raw), counted(expected.quarantined.iter()), "{}:\n{body}", spec.name);
    assert_eq!(found.facts.keys.len(), found.rows.num_rows());
    assert!([0, found.rows.num_rows()].contains(&found.facts.dates.len()));
    assert_eq!(found.facts.quarantined, found.quarantined.len() as u64);
    assert_eq!(NaiveEnvelope::told(&found.facts), expected.envelope, "{}:\n{body}", spec.name);
}

/// Returns how often each text is there.
fn counted<'t>(texts: impl IntoIterator<Item = &'t String>) -> BTreeMap<&'t str, usize> {
    let mut counted = BTreeMap::new();
    for text in texts {
        *counted.entry(text.as_str()).or_default() += 1;
    }
    counted
}

#[test]
fn fuzzed() {
    check!(name = "pages")
        .with_type::<FuzzedPage>()
        .for_each(|page| check_page(page.source(), &page.body()));
}

#[test]
fn documented_pages_are_read_whole() {
    for source in SOURCES.iter() {
        for document in &source.documents {
            check_page(source, &document.text(false));
            check_page(source, &document.text(true));
        }
        let page = decoded(&source.decoder, source.spec, source.documents[0].text(false)).unwrap();
        assert!(page.rows.num_rows() > 0, "{}", source.spec.name);
    }
}
