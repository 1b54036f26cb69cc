//! The person of a request, and the records that this person may see.
//!
//! Harvest shows each person a part of the account, and mostly without saying so: the same request
//! is answered with 200 and fewer records, or with fields that are null or absent. To a reader this
//! looks like deletions. A reader must therefore look at the person's access roles before it
//! deletes anything, and the tests switch roles in the middle of a history to see whether it does.
//!
//! | | administrator | manager | member |
//! | --- | --- | --- | --- |
//! | entries, expenses | all | own, of teammates, on managed projects | own |
//! | projects | all | managed ones | 403 |
//! | users | all | self and teammates | 403 |
//! | other streams | all | as `readers` of the declaration says, else 403 | the same |
//! | billable rates and amounts | all | with finer roles, else null or absent | the same |
//! | cost rates | all | absent | absent |
//!
//! The finer access roles are those that Harvest has since 2022, such as `billable_rates_manager`.

use std::collections::BTreeSet;

use crate::books::Books;
use crate::stream::Stream;

/// Bearer token of the administrator of a fresh account. Mutations can take away the role or the
/// token.
pub const ADMINISTRATOR_TOKEN: &str = "fake-administrator";
/// Bearer token of a manager of a fresh account.
pub const MANAGER_TOKEN: &str = "fake-manager";
/// Bearer token of an ordinary member of a fresh account.
pub const MEMBER_TOKEN: &str = "fake-member";

/// Level of access of a person, according to the access roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AccessLevel {
    /// Level of a person who sees everything.
    Administrator,
    /// Level of a person who sees own work, that of teammates, and managed projects.
    Manager,
    /// Level of a person who sees own work.
    Member,
}

/// Person of a request, with everything that decides what this person sees. It is made anew for
/// each request, so a change of roles counts from the next one on.
#[derive(Clone, Debug)]
pub(crate) struct Viewer {
    /// Id of the person; 0 for the control face.
    pub(crate) user: i64,
    pub(crate) standing: AccessLevel,
    /// Access roles, by their names in Harvest.
    roles: Vec<String>,
    /// Projects on which the person is project manager.
    managed: BTreeSet<i64>,
    /// Users whose work the person sees: self, and teammates of a manager.
    team: BTreeSet<i64>,
}

impl Viewer {
    /// Returns the person with this id and the current roles. A user who does not exist any more
    /// holds no role, and is a member.
    pub(crate) fn of(books: &Books, user: i64) -> Self {
        let roles = books.users.get(user).map(|one| one.access_roles.clone()).unwrap_or_default();
        let holds = |role: &str| roles.iter().any(|held| held == role);
        let standing = if holds("administrator") {
            AccessLevel::Administrator
        } else if holds("manager") {
            AccessLevel::Manager
        } else {
            AccessLevel::Member
        };
        // Only managers see the work of others. For a member who is project manager somewhere, the
        // flag of the assignment counts for nothing.
        let mut managed = BTreeSet::new();
        let mut team = BTreeSet::from([user]);
        if standing == AccessLevel::Manager {
            let own = books.user_assignments.iter().filter(|one| one.user == user);
            managed.extend(own.filter(|one| one.is_project_manager).map(|one| one.project));
            team.extend(books.users.get(user).into_iter().flat_map(|one| &one.teammates));
        }
        Self { user, standing, roles, managed, team }
    }

    /// Returns a person who sees everything, for the control face.
    pub(crate) const fn omniscient() -> Self {
        Self {
            user: 0,
            standing: AccessLevel::Administrator,
            roles: Vec::new(),
            managed: BTreeSet::new(),
            team: BTreeSet::new(),
        }
    }

    /// Tells whether the person sees everything, so that filters by person can be left out.
    pub(crate) fn is_administrator(&self) -> bool {
        self.standing == AccessLevel::Administrator
    }

    /// Tells whether the person holds this access role. Administrators hold all of them.
    fn holds(&self, role: &str) -> bool {
        self.is_administrator() || self.roles.iter().any(|held| held == role)
    }

    /// Tells whether billable rates and amounts are shown.
    pub(crate) fn sees_rates(&self) -> bool {
        self.holds("billable_rates_manager")
    }

    /// Tells whether cost rates are shown.
    pub(crate) fn sees_costs(&self) -> bool {
        self.is_administrator()
    }

    /// Tells whether work of `user` on `project` is shown.
    pub(crate) fn sees_work(&self, user: i64, project: i64) -> bool {
        self.is_administrator() || self.team.contains(&user) || self.managed.contains(&project)
    }

    /// Tells whether a project is shown in the list of projects.
    pub(crate) fn sees_project(&self, project: i64) -> bool {
        self.is_administrator() || self.managed.contains(&project)
    }

    /// Tells whether a user is shown in the list of users.
    pub(crate) fn sees_user(&self, user: i64) -> bool {
        self.is_administrator() || self.team.contains(&user)
    }

    /// Tells whether the person may read the stream at all; otherwise the answer is 403. Lists that
    /// are merely shorter for this person are read, and are cut by `ListedRecord::is_shown`.
    pub(crate) fn may_read(&self, stream: Stream, parent: Option<i64>) -> bool {
        let own = stream == Stream::UserProjectAssignments && parent == Some(self.user);
        own || self.is_administrator() || stream.spec().readers.admit(&self.roles)
    }
}
