//! The streams as the server knows them: the declarations, and the functions of the listings.
//!
//! All other modules match over `Stream`, so the compiler finds many of the places that a new
//! stream needs; the README names the rest.

use engine::spec::{Paging, StreamSpec};

/// Kind of paging of a list (Harvest API v2, Pagination).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListPaging {
    /// Opaque cursors in the links.
    Cursor,
    /// Numbers of pages: `page=N`.
    Offset,
}

macro_rules! streams {
    (
        listings { $($listing:ident $spec:ident $table:ident: $record:ty, above $base:literal;)+ }
        others { $($other:ident $declared:ident;)+ }
    ) => {
        /// One of the streams.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Stream {
            $(#[doc = concat!("Listing `", stringify!($spec), "`")] $listing,)+
            $(#[doc = concat!("`", stringify!($declared), "`")] $other,)+
        }

        impl Stream {
            /// All streams, in the order of their lines.
            pub(crate) const ALL: &'static [Self] =
                &[$(Self::$listing,)+ $(Self::$other,)+];

            /// Returns the declaration.
            pub(crate) fn spec(self) -> &'static StreamSpec {
                match self {
                    $(Self::$listing => &streams::$spec,)+
                    $(Self::$other => &streams::$declared,)+
                }
            }
        }
    };
}
all_streams!(streams);

impl Stream {
    /// Returns the name in the declarations, and in the control face.
    pub(crate) fn name(self) -> &'static str {
        self.spec().name
    }

    /// Returns the path below `/v2`; `{parent}` stands for the parent's id.
    pub(crate) fn path(self) -> &'static str {
        self.spec().path
    }

    /// Returns the kind of paging.
    pub(crate) fn paging(self) -> ListPaging {
        match self.spec().paging() {
            Paging::Cursor => ListPaging::Cursor,
            Paging::Single | Paging::Offset | Paging::DateKeyset { .. } => ListPaging::Offset,
        }
    }

    /// Returns the stream of this name; `None` if there is none.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|stream| stream.name() == name)
    }

    /// Tells whether the path is below `/reports`: rows are computed, and the slower limit applies.
    pub(crate) fn is_report(self) -> bool {
        self.path().starts_with("/reports/")
    }

    /// Tells whether each parent has a list of its own, and no list has the records of all parents.
    pub(crate) fn has_parent(self) -> bool {
        self.path().contains("{parent}")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_declared_stream_is_served() {
        let known: BTreeSet<&str> = Stream::ALL.iter().map(|stream| stream.name()).collect();
        assert_eq!(known.len(), Stream::ALL.len());
        assert_eq!(known, streams::STREAMS.iter().map(|spec| spec.name).collect());
    }
}
