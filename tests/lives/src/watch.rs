//! Invariants that must hold at every moment, not only at the end.

mod limits;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use delta::store::ObjectStore;
use engine::item::{ItemValue, StreamPosition};
use engine::spec::{StreamKind, StreamSpec};
use engine::time::{SignedDuration, Timestamp, minus, plus};

use self::limits::KnownTables;
use crate::changes::{Behind, behind};
use crate::oracle::{Contents, Versions, versions};
use crate::reader::LakeTable;
use crate::reader::lake::LakeReading;
use crate::reader::view::SEQUENCE;
use crate::world::{World, now};

/// Time by which a record becomes visible late at most: less than incremental passes read again.
pub(crate) const LATENESS: SignedDuration = SignedDuration::from_mins(4);

/// Watch over one world.
#[derive(Debug, Default)]
pub struct Watch {
    /// First cursor of each stream. The first full pass may still have to read records from before
    /// it.
    floors: BTreeMap<&'static str, Timestamp>,
    /// Rows of each listing's table at the last check.
    rows: BTreeMap<&'static str, Arc<Contents>>,
    /// Streams whose rows another engine changed, by the time. They are not checked until a later
    /// full pass has read them again.
    excused: BTreeMap<&'static str, Timestamp>,
    /// Streams that are not checked until the end.
    half_erased: BTreeSet<&'static str>,
    /// Streams about which Harvest has lied in a way that nothing in its answers shows, by the time.
    misled: BTreeMap<&'static str, Timestamp>,
    /// Files and commits of the tables at the last check.
    known: KnownTables,
    /// Streams of which a reset has begun and not ended.
    pub(crate) half_reset: BTreeSet<&'static str>,
}

impl Watch {
    /// Excludes `stream` from the checks until it is read again, because another engine changed its
    /// rows.
    pub async fn excuse(&mut self, world: &World, stream: &'static str) {
        self.excused.insert(stream, present(world, stream).await);
        self.rows.remove(stream);
    }

    /// Excludes `stream` from the checks to the end: a part of it is erased, and only the erasure
    /// itself does the rest.
    pub fn excuse_half_erased(&mut self, stream: &'static str) {
        self.half_erased.insert(stream);
        self.rows.remove(stream);
    }

    /// Excludes `stream` from the check of its cursor until a full pass has read it again, because
    /// Harvest lied about it in a way that nothing in its answers shows.
    pub async fn mislead(&mut self, world: &World, stream: &'static str) {
        self.misled.insert(stream, present(world, stream).await);
    }

    /// Forgets the first cursors of streams that were never read to the end: they begin anew if their
    /// state is lost.
    pub fn forget_floors(&mut self) {
        self.floors.clear();
    }

    /// Tells whether runs since the last check may have deleted any number of rows.
    pub fn permit(&mut self, is_permitted: bool) {
        self.known.is_permitted = is_permitted;
    }

    /// Forgets the last state of all tables, because others are in their place.
    pub fn forget_tables(&mut self) {
        self.known.forget();
    }

    /// Excludes files from the checks that are removed already: others may delete them, or a process
    /// whose clock is wrong.
    pub fn forget_removed(&mut self) {
        self.known.forget_removed();
    }

    /// Whether no full pass has read `stream` since another engine changed its rows.
    pub async fn is_excused(&mut self, world: &World, stream: &'static str) -> bool {
        is_unread(&mut self.excused, world, stream).await
    }

    /// Whether no full pass has read `stream` since Harvest lied about it.
    pub async fn is_misled(&mut self, world: &World, stream: &'static str) -> bool {
        is_unread(&mut self.misled, world, stream).await
    }

    /// Includes all streams again, because every table was read since other engines changed it.
    pub fn expect_all(&mut self) {
        self.excused.clear();
        self.misled.clear();
        self.half_erased.clear();
    }

    /// Returns the broken invariants. Streams that the settings leave out are not looked at, and
    /// tables that a reset is about to delete neither.
    ///
    /// Every version of every table is legal, every file of it is there, and those of older versions
    /// until the retention has passed. No commit deletes many rows unasked. No key occurs twice. No
    /// row of a listing was deleted that Harvest still returns. No cursor is ahead of its table: a
    /// record that changed before the cursor has a row of at least that version. The server refused
    /// nothing, and none of its windows had too many requests.
    pub async fn wrong(&mut self, world: &World) -> Vec<String> {
        let mut wrong = Vec::new();
        for spec in streams::STREAMS {
            if world.settings.includes(spec.name) {
                wrong.extend(self.wrong_table(world, spec).await);
            }
        }
        if let Some(ledger) = world.oracle().read(LakeTable::of(&streams::RUNS)).await {
            wrong.extend(ledger.breaches());
            wrong.extend(ledger.kept(&world.memory).doubled);
        }
        let hasty = world.hasty.load(Ordering::SeqCst);
        if hasty > 0 {
            wrong.push(format!("{hasty} requests before the end of Retry-After"));
        }
        let account = world.account.lock().expect("no panic");
        let seen = account.statistics();
        let most = world.settings.general.requests() as usize;
        for (name, class, most) in
            [("general", &seen.general, most), ("reports", &seen.reports, 100)]
        {
            if class.refused > 0 || class.peak > most {
                wrong.push(format!("{name}: {} refused, peak {}", class.refused, class.peak));
            }
        }
        wrong
    }

    async fn wrong_table(&mut self, world: &World, spec: &'static StreamSpec) -> Vec<String> {
        let oracle = world.oracle();
        if world.item(spec.name).await.resetting.is_some() {
            // The next run completes the reset, and deletes files at once.
            self.known.forget_stream(spec.name);
            self.rows.remove(spec.name);
            return Vec::new();
        }
        let Some(table) = oracle.read(LakeTable::of(spec)).await else {
            // All processes died before they made the table.
            return Vec::new();
        };
        let changes = oracle.read(LakeTable::changes_of(spec)).await;
        let mut both = [Some(&table), changes.as_ref()].into_iter().flatten();
        if self.half_reset.contains(spec.name) && both.any(|table| table.log.is_beheaded()) {
            // The mark of a reset that died was lost with the state. The operator does it again.
            self.known.forget_stream(spec.name);
            self.rows.remove(spec.name);
            return Vec::new();
        }
        let mut wrong = table.breaches();
        wrong.extend(changes.iter().flat_map(LakeReading::breaches));
        for reading in [Some(&table), changes.as_ref()].into_iter().flatten() {
            wrong.extend(self.known.wrong(world, reading).await);
        }
        // At the end of the pass that reads everything again the changes begin anew, and a process may die
        // before.
        let begins = self.excused.contains_key(spec.name)
            && changes.as_ref().is_some_and(|changes| behind(&table, changes) == Behind::All);
        if self.half_erased.contains(spec.name) || begins || self.is_excused(world, spec.name).await
        {
            return wrong;
        }
        let kept = table.kept(&world.memory);
        wrong.extend(kept.doubled);
        // An id of these streams never comes back after its deletion.
        let once = match &spec.kind {
            StreamKind::Listing(_) => true,
            StreamKind::PerParent(_) => spec.primary_key == ["id"],
            StreamKind::Snapshot(_) | StreamKind::ReportWindow(_) => false,
        };
        if once {
            wrong.extend(self.lost(world, spec, &kept.rows));
        }
        wrong.extend(oracle.changes_wrong_with(&table).await);
        let moves = match &spec.kind {
            StreamKind::Listing(_) => true,
            // A payment changes the `updated_at` of its invoice; other children do not change
            // theirs.
            StreamKind::PerParent(_) => spec.name == "invoice_payments",
            StreamKind::Snapshot(_) | StreamKind::ReportWindow(_) => false,
        };
        // After a reset anybody may fill the table: its cursor is then about what that person sees.
        let roles = world.item(spec.name).await.position.roles;
        if !roles.is_empty() && !roles.iter().any(|role| role == "administrator") {
            self.mislead(world, spec.name).await;
        }
        if moves && !self.is_misled(world, spec.name).await {
            wrong.extend(self.behind(world, &table, &kept.versions).await);
        }
        wrong
    }

    /// Returns the rows that were deleted although Harvest still has their records. `rows` are
    /// those of the table now.
    fn lost(
        &mut self,
        world: &World,
        spec: &'static StreamSpec,
        rows: &Arc<Contents>,
    ) -> Vec<String> {
        let before = self.rows.insert(spec.name, Arc::clone(rows)).unwrap_or_default();
        let gone: Vec<&String> = before.keys().filter(|key| !rows.contains_key(*key)).collect();
        if gone.is_empty() {
            return Vec::new();
        }
        let truth = world.oracle().kept_truth(spec);
        // Lists of active children lack one that is inactive. If it is active again, it has changed.
        let returns = matches!(spec.kind, StreamKind::PerParent(_));
        let (then, today) = (versions(spec, &before), world.oracle().kept_versions(spec));
        let is_back = |key: &str| {
            let id = key.parse().ok();
            let version = |of: &Versions| of.get(&id?).copied();
            returns && version(&then) != version(&today)
        };
        let lost = gone.into_iter().filter(|key| truth.contains_key(*key) && !is_back(key));
        lost.map(|key| format!("{}: {key} was deleted and is still there", spec.name)).collect()
    }

    /// Returns the changes before the cursor that the table lacks.
    async fn behind(&mut self, world: &World, table: &LakeReading, ours: &Versions) -> Vec<String> {
        let spec = table.table.spec;
        let noted = table.view.note.as_ref().map(|note| note["state"].clone());
        let noted = noted.map(serde_json::from_value::<StreamPosition>);
        let noted = noted.transpose().expect("a readable note");
        let mut wrong = Vec::new();
        let truth = world.oracle().kept_versions(spec);
        let item = world.item(spec.name).await;
        // A run does not believe an item that was restored from before the newest commits.
        let recorded = u64::try_from(table.view.recorded(SEQUENCE)).expect("a sequence");
        let believed = (item.sequence.0 >= recorded).then_some(item.position);
        for (whose, position) in [("item", believed), ("commit", noted)] {
            let Some(position) = position else { continue };
            let Some(cursor) = position.cursor else { continue };
            let first = *self.floors.entry(spec.name).or_insert(cursor);
            let floor = if position.full.last_begun.is_some() { Timestamp::MIN } else { first };
            if position.parked != ItemValue::default() {
                continue;
            }
            // Records become visible late, and are read by the next pass.
            let claims = minus(cursor, LATENESS);
            for (id, changed) in &*truth {
                let claimed = *changed >= floor && *changed < claims;
                if claimed && ours.get(id).is_none_or(|ours| ours < changed) {
                    let ours = ours.get(id);
                    wrong.push(format!(
                        "{}: the {whose}'s cursor is {cursor}, {id} of {changed} is {ours:?}",
                        spec.name
                    ));
                }
            }
        }
        wrong
    }
}

/// Present time, or the beginning of the last full pass of `stream` by its item or its table if the
/// clock of its process was ahead.
async fn present(world: &World, stream: &'static str) -> Timestamp {
    let spec = streams::find(stream).expect("a stream");
    // A process of today would not see one that lies in the future, and one of tomorrow does.
    let later = plus(now(world), SignedDuration::from_hours(365 * 24));
    let by_item = world.item_as_of(stream, later).await.position.full.last_begun;
    let table = world.oracle().read(LakeTable::of(spec)).await;
    let note = table.and_then(|table| table.view.note.clone());
    let by_table = note.and_then(|note| note["state"]["full"]["last_begun"].as_str()?.parse().ok());
    [by_item, by_table].into_iter().flatten().fold(now(world), Timestamp::max)
}

/// Whether no full pass has read `stream` since the time in `since`. If one has, the time goes.
async fn is_unread(
    since: &mut BTreeMap<&'static str, Timestamp>,
    world: &World,
    stream: &'static str,
) -> bool {
    let Some(from) = since.get(stream) else { return false };
    let begun = world.item(stream).await.position.full.last_begun;
    let unread = begun.is_none_or(|begun| begun <= *from);
    if !unread {
        since.remove(stream);
    }
    unread
}

/// Returns epoch and operation of the commits that are still in the log of a table, in their order.
pub async fn commits(world: &World, spec: &'static StreamSpec) -> Vec<(u64, String)> {
    let prefix = format!("tables/{}/_delta_log/", spec.name);
    let mut commits = Vec::new();
    let objects = world.store.list(&prefix, None).await.expect("a store");
    for object in objects.into_iter().filter(|object| object.key.strip_suffix(".json").is_some()) {
        let bytes = world.store.get(&object.key).await.expect("a store").expect("the file");
        let text = core::str::from_utf8(&bytes).expect("text");
        let lines = text.lines().map(serde_json::from_str::<serde_json::Value>);
        let lines: Vec<_> = lines.map(|line| line.expect("JSON")).collect();
        let epoch = lines.iter().find_map(|line| {
            let txn = line.get("txn")?;
            let epoch = txn.get("appId")?.as_str()? == "harvest-lake/epoch";
            epoch.then(|| txn.get("version")?.as_u64()).flatten()
        });
        let operation = lines.iter().find_map(|line| line.get("commitInfo")?.get("operation"));
        let operation = operation.and_then(|name| name.as_str()).unwrap_or_default();
        commits.extend(epoch.map(|epoch| (epoch, operation.to_owned())));
    }
    commits
}
