//! Reading of lists of Harvest to their end, within the shared budget.

use decode::{DecodedPage, Decoder, PageError, ParentRecord, ReadAt};
use engine::pass::{ChainLinkage, ChainVerdict, PageChain, PageFacts, RequestTarget, Unit};
use engine::retry::FailureReach;
use engine::spec::{PerParent, StreamSpec};
use engine::time::Timestamp;
use harvest_api::{ApiAnswer, ApiError};
use lake::collect::{CollectError, Collector, UnitBuffer};
use lake::verify::VerifyError;
use runtime::account::{PermitPatience, try_ask};
use runtime::{Context, RunError};

/// Most attempts at reading a list that changes while it is read.
pub(super) const TRIES: u32 = 3;

/// List of Harvest, and the part of it to read.
#[derive(Clone, Debug)]
pub(super) struct ListPart {
    pub(super) path: String,
    pub(super) filters: Vec<(String, String)>,
    /// Records per page; `None` for Harvest's default.
    pub(super) per_page: Option<u64>,
    /// Whether only the first page is read.
    pub(super) first_page: bool,
}

/// Result of reading a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ListOutcome {
    pub(super) requests: u64,
    pub(super) records: u64,
    pub(super) quarantined: u64,
    /// Whether all pages were read, as far as the pages tell.
    pub(super) whole: bool,
}

impl ListOutcome {
    /// Counts a page. Returns the link to the next one, unless the list ends here or its links run
    /// in a circle.
    fn take(&mut self, chain: &mut PageChain, facts: PageFacts, list: &ListPart) -> Option<String> {
        self.records += facts.keys.len() as u64;
        self.quarantined += facts.quarantined;
        let verdict = chain.take(&facts, ChainLinkage::Links);
        self.whole = verdict == ChainVerdict::Whole;
        let goes_on = verdict == ChainVerdict::GoesOn && !list.first_page;
        facts.next.filter(|_| goes_on)
    }
}

/// Reason why a list was not read.
#[derive(Debug)]
pub(super) enum ListError {
    /// Harvest refused the list, or its answer is not usable.
    Api(Box<ApiError>),
    /// The whole command cannot go on.
    Run(Box<RunError>),
    /// The rows that were read could not be kept.
    Kept(VerifyError),
}

impl From<RunError> for ListError {
    fn from(error: RunError) -> Self {
        Self::Run(Box::new(error))
    }
}

impl From<CollectError> for ListError {
    fn from(error: CollectError) -> Self {
        Self::Kept(error.into())
    }
}

impl ListPart {
    /// Returns the whole list at `path`.
    pub(super) fn all(path: &str) -> Self {
        let per_page = Some(u64::from(engine::pass::PER_PAGE));
        Self { path: path.to_owned(), filters: Vec::new(), per_page, first_page: false }
    }

    fn target(&self) -> RequestTarget {
        let mut query = self.filters.clone();
        query.extend(self.per_page.map(|size| ("per_page".to_owned(), size.to_string())));
        RequestTarget::Path { path: self.path.clone(), query }
    }
}

/// Sends a request, with a permit and with retries.
async fn ask(
    context: &Context,
    spec: &'static StreamSpec,
    target: &RequestTarget,
) -> Result<ApiAnswer, ListError> {
    let patience = PermitPatience::Budget;
    match try_ask(context, spec.name, spec.rate_class, target, patience).await? {
        Ok(answer) => Ok(answer),
        Err(error) if error.failure().reach() == FailureReach::StopAccount => {
            let account = context.settings.account.0;
            Err(RunError::Credentials { account, source: Box::new(error) }.into())
        }
        Err(error) => Err(ListError::Api(Box::new(error))),
    }
}

fn page_error(spec: &StreamSpec, path: &str, error: PageError) -> ListError {
    let (path, source) = (path.to_owned(), Box::new(error));
    RunError::Page { stream: spec.name, path, source }.into()
}

/// Reads the records of a list, and passes each page to `take`.
pub(super) async fn records(
    context: &Context,
    decoder: &Decoder,
    list: &ListPart,
    unit: Unit,
    take: &mut (dyn FnMut(DecodedPage) -> Result<(), CollectError> + Send),
) -> Result<ListOutcome, ListError> {
    let spec = decoder.schema().spec;
    let mut seen = ListOutcome::default();
    let mut chain = PageChain::default();
    let mut target = list.target();
    loop {
        let at = read_at(context, unit, context.clock.now());
        let answer = ask(context, spec, &target).await?;
        seen.requests += 1;
        let page = decoder.answer(answer.body, &at);
        let (page, _) = page.map_err(|error| page_error(spec, &list.path, error))?;
        let facts = PageFacts {
            keys: page.keys.clone(),
            quarantined: page.quarantined.len() as u64,
            ..page.envelope.clone().into()
        };
        take(page)?;
        match seen.take(&mut chain, facts, list) {
            Some(next) => target = RequestTarget::Link(next),
            None => return Ok(seen),
        }
    }
}

/// Reads a list into a collector of its own; reads it again if it changed meanwhile.
pub(super) async fn collected(
    context: &Context,
    decoder: &Decoder,
    list: &ListPart,
) -> Result<(ListOutcome, Collector), ListError> {
    let mut requests = 0;
    let mut tries = 0;
    loop {
        let memory = context.settings.collect_memory;
        let mut rows = Collector::new(decoder.schema(), context.scratch.clone(), memory)?;
        let mut take = |page: DecodedPage| rows.push(page.rows);
        let mut seen = records(context, decoder, list, Unit::Stream, &mut take).await?;
        requests += seen.requests;
        tries += 1;
        if seen.whole || list.first_page || tries >= TRIES {
            seen.requests = requests;
            return Ok((seen, rows));
        }
    }
}

/// Reads one unit; reads it again if it changed meanwhile.
pub(super) async fn unit(
    context: &Context,
    decoder: &Decoder,
    list: &ListPart,
    unit: Unit,
) -> Result<(ListOutcome, UnitBuffer), ListError> {
    let mut requests = 0;
    let mut tries = 0;
    loop {
        let mut rows = UnitBuffer::new(decoder.schema()).map_err(CollectError::from)?;
        let mut take = |page: DecodedPage| {
            rows.push(page.rows);
            Ok(())
        };
        let mut seen = records(context, decoder, list, unit, &mut take).await?;
        requests += seen.requests;
        tries += 1;
        if seen.whole || tries >= TRIES {
            seen.requests = requests;
            return Ok((seen, rows));
        }
    }
}

/// Reads the parents that a trigger listing has.
pub(super) async fn parents(
    context: &Context,
    spec: &'static StreamSpec,
    per_parent: &PerParent,
    list: &ListPart,
) -> Result<(ListOutcome, Vec<ParentRecord>), ListError> {
    let mut seen = ListOutcome::default();
    let mut chain = PageChain::default();
    let mut found = Vec::new();
    let mut target = list.target();
    loop {
        let answer = ask(context, spec, &target).await?;
        seen.requests += 1;
        let page = decode::parents(&answer.body, per_parent.trigger, per_parent.parent_id);
        let page = page.map_err(|error| page_error(spec, &list.path, error))?;
        let facts = PageFacts {
            keys: page.parents.iter().map(|parent| parent.key.clone()).collect(),
            quarantined: page.quarantined.len() as u64,
            ..page.envelope.into()
        };
        found.extend(page.parents);
        match seen.take(&mut chain, facts, list) {
            Some(next) => target = RequestTarget::Link(next),
            None => return Ok((seen, found)),
        }
    }
}

fn read_at(context: &Context, unit: Unit, synced_at: Timestamp) -> ReadAt {
    let account = context.settings.account;
    let (parent, period) = match unit {
        Unit::Stream => (None, None),
        Unit::Parent(parent) => (Some(parent), None),
        Unit::Window(period) => (None, Some(period)),
    };
    ReadAt { account, synced_at, parent, period }
}
