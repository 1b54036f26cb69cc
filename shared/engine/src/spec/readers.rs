//! People whose token may read a stream.

/// Name of the access role that reads all of every stream.
const ADMINISTRATOR: &str = "administrator";
/// Name of the access role that reads the work of others.
const MANAGER: &str = "manager";

/// Readers of a stream besides administrators, who read all of every stream. Harvest refuses the
/// stream to all others (403).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamReaders {
    /// None.
    Administrators,
    /// Managers.
    Managers {
        /// Access roles of which a manager needs one; empty: each manager may read.
        with: &'static [&'static str],
        /// Part of the records that a manager reads, in words.
        read: &'static str,
    },
    /// Managers and members.
    Everybody {
        /// Part of the records that a manager reads, in words.
        managers_read: &'static str,
        /// Part of the records that a member reads, in words.
        members_read: &'static str,
    },
}

impl StreamReaders {
    /// Whether a person with these access roles may read the stream, or a part of it.
    #[must_use]
    pub fn admit(&self, roles: &[String]) -> bool {
        let holds = |wanted: &str| roles.iter().any(|role| role == wanted);
        let admitted = match self {
            Self::Administrators => false,
            Self::Managers { with: [], .. } => holds(MANAGER),
            Self::Managers { with, .. } => with.iter().any(|role| holds(role)),
            Self::Everybody { .. } => true,
        };
        admitted || holds(ADMINISTRATOR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_admits_to_the_streams_that_name_it_and_the_administrators_to_all() {
        let each = StreamReaders::Managers { with: &[], read: "" };
        let some = StreamReaders::Managers { with: &["estimates_manager"], read: "" };
        let everybody = StreamReaders::Everybody { managers_read: "", members_read: "" };
        let all = [StreamReaders::Administrators, some, each, everybody];
        for (roles, admitted) in [
            (&["member"][..], [false, false, false, true]),
            (&["manager"], [false, false, true, true]),
            (&["manager", "billable_rates_manager"], [false, false, true, true]),
            (&["manager", "estimates_manager"], [false, true, true, true]),
            (&["administrator"], [true, true, true, true]),
        ] {
            let held: Vec<String> = roles.iter().map(|&role| role.to_owned()).collect();
            assert_eq!(all.map(|readers| readers.admit(&held)), admitted, "{roles:?}");
        }
    }
}
