//! The control question: whether the URL of a single record can prove anything.
//!
//! A wrong path, or one that a proxy cuts off, answers 404 for every record. So before a 404
//! counts, a record of a page of the same pass must answer under its own URL.

use serde::{Deserialize, Serialize};

/// Largest number of records that are asked for, one after the other: any of them may have gone
/// since its page was read.
const CANDIDATES: usize = 3;

/// The control question about one kind of URL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
pub(super) struct ControlQuestion<T> {
    candidates: Vec<T>,
    #[serde(skip)]
    asked: Option<T>,
    found: ControlFound,
    /// Whether a question brought neither the record nor 404.
    troubled: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum ControlFound {
    Nothing,
    There,
    Gone,
}

/// Meaning of 404 under the URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UrlStanding {
    /// Not known yet: control questions are to be asked.
    Open,
    /// 404 proves that the record is gone.
    Answers,
    /// 404 proves nothing: existing records answer 404, or there is none to ask for.
    NoSuchUrl,
    /// Not known: the control questions brought neither a record nor 404.
    Unknown,
}

/// Answer to the request for a single record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RecordAnswer {
    /// The record.
    There,
    /// 404.
    Gone,
    /// Neither, and the request is not repeated.
    Nothing,
}

impl<T> Default for ControlQuestion<T> {
    fn default() -> Self {
        Self { candidates: Vec::new(), asked: None, found: ControlFound::Nothing, troubled: false }
    }
}

impl<T: Copy + PartialEq> ControlQuestion<T> {
    /// Offers a record of a page as a candidate.
    pub(super) fn offer(&mut self, record: T) {
        if self.candidates.len() < CANDIDATES && !self.candidates.contains(&record) {
            self.candidates.push(record);
        }
    }

    pub(super) fn standing(&self) -> UrlStanding {
        match self.found {
            ControlFound::There => UrlStanding::Answers,
            _ if self.asked.is_some() || !self.candidates.is_empty() => UrlStanding::Open,
            ControlFound::Nothing | ControlFound::Gone if self.troubled => UrlStanding::Unknown,
            ControlFound::Nothing | ControlFound::Gone => UrlStanding::NoSuchUrl,
        }
    }

    /// Whether existing records answered 404: the URL is wrong.
    pub(super) fn is_refuted(&self) -> bool {
        self.found == ControlFound::Gone && self.standing() == UrlStanding::NoSuchUrl
    }

    /// Notes that a record, requested for any reason, answered under the URL.
    pub(super) fn prove(&mut self) {
        self.found = ControlFound::There;
    }

    /// Returns the next record to ask for, unless one is being asked for.
    pub(super) fn next(&mut self) -> Option<T> {
        if self.asked.is_some() || self.found == ControlFound::There {
            return None;
        }
        self.asked = self.candidates.pop();
        self.asked
    }

    /// Takes the answer about `record`; returns whether it answers the control question.
    pub(super) fn take(&mut self, record: T, answered: RecordAnswer) -> bool {
        if self.asked != Some(record) {
            return false;
        }
        self.asked = None;
        match answered {
            RecordAnswer::There => self.found = ControlFound::There,
            RecordAnswer::Gone => self.found = ControlFound::Gone,
            RecordAnswer::Nothing => self.troubled = true,
        }
        true
    }

    /// Repeats the question under way if it is about `record`; returns whether it is.
    pub(super) fn put_back(&mut self, record: T) -> bool {
        let own = self.asked == Some(record);
        if own {
            self.suspend();
        }
        own
    }

    /// Repeats the question under way.
    pub(super) fn suspend(&mut self) {
        self.candidates.extend(self.asked.take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Meaning of a 404 after these answers to the control questions.
    fn after(answers: &[RecordAnswer]) -> UrlStanding {
        let mut control = ControlQuestion::default();
        for record in 0..answers.len() {
            control.offer(record);
        }
        for answered in answers {
            let Some(record) = control.next() else { break };
            assert_eq!(control.standing(), UrlStanding::Open);
            assert!(control.take(record, *answered));
        }
        control.standing()
    }

    #[test]
    fn a_404_counts_as_the_control_questions_were_answered() {
        use RecordAnswer::{Gone, Nothing, There};
        for (answers, standing) in [
            (&[][..], UrlStanding::NoSuchUrl),
            (&[There], UrlStanding::Answers),
            (&[Gone, There], UrlStanding::Answers),
            (&[Gone, Gone, Gone], UrlStanding::NoSuchUrl),
            (&[Nothing], UrlStanding::Unknown),
            (&[Nothing, There], UrlStanding::Answers),
            (&[Gone, Nothing, Gone], UrlStanding::Unknown),
        ] {
            assert_eq!(after(answers), standing, "{answers:?}");
        }
    }

    #[test]
    fn a_question_without_an_answer_yet_is_asked_again_by_the_next_run() {
        let mut control = ControlQuestion::default();
        control.offer(7);
        assert_eq!((control.next(), control.next()), (Some(7), None));
        control.suspend();
        assert_eq!((control.standing(), control.next()), (UrlStanding::Open, Some(7)));
        assert!(!control.put_back(8) && control.put_back(7));
        assert_eq!(control.next(), Some(7));
    }
}
