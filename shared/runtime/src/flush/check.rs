//! Checks directly before a commit: whether the person of the token still sees enough, and whether
//! a person was erased meanwhile.

use engine::account::{PersonRoles, PersonSight, sight};
use engine::item::StreamPosition;
use engine::report::RowCounts;

use crate::account::{self, PermitPatience};
use crate::erased::erased_of;
use crate::error::RunError;
use crate::error::module::UnknownModule;
use crate::heard::TokenPerson;
use crate::run::Run;

impl Run {
    /// Fails where a person was erased since the run read the list: their data may be in its rows.
    pub(super) async fn check_erased(&self) -> Result<(), RunError> {
        let now = erased_of(&self.context, self.order.spec).await?;
        let stream = self.stream();
        if now == self.erased { Ok(()) } else { Err(RunError::ErasedMeanwhile { stream }) }
    }

    /// Fails unless `person` with `roles` sees all that the writer of the rows saw, or the operator
    /// accepts it.
    pub(crate) fn suffices(&self, person: Option<i64>, roles: &[String]) -> Result<(), RunError> {
        let StreamPosition { roles: before, person: writer, .. } = &self.item.value.position;
        let stream = self.stream();
        match self.sight(person, roles) {
            _ if self.context.settings.accept_role => Ok(()),
            PersonSight::Enough => Ok(()),
            PersonSight::RolesLost => {
                let (now, before) = (roles.join(", "), before.join(", "));
                Err(RunError::RolesLost { stream, now, before })
            }
            PersonSight::OtherPerson => Err(RunError::OtherPerson {
                stream,
                now: person.unwrap_or_default(),
                before: writer.unwrap_or_default(),
                roles: roles.join(", "),
            }),
        }
    }

    /// Compares a person with the one with whose token the rows were last written.
    pub(crate) fn sight(&self, person: Option<i64>, roles: &[String]) -> PersonSight {
        let StreamPosition { roles: before, person: writer, .. } = &self.item.value.position;
        let now = PersonRoles { person, roles };
        sight(PersonRoles { person: *writer, roles: before }, now)
    }

    /// Asks again for the person of the token, because a lost permission looks like nulls and
    /// deletions. Before deletions also asks whether the stream's module is still on.
    pub(super) async fn person_before_commit(
        &mut self,
        counts: RowCounts,
    ) -> Result<TokenPerson, RunError> {
        let stream = self.stream();
        let (person, asked) = account::person_since(&self.context, stream, self.read_until).await?;
        self.report.requests = self.report.requests.saturating_add(u64::from(asked));
        self.suffices(person.id, &person.roles)?;
        if counts.deleted > 0
            && let Some(module) = self.order.spec.module
        {
            let company = account::company(&self.context, stream, PermitPatience::Budget).await?;
            self.report.requests = self.report.requests.saturating_add(1);
            if company.modules_off.iter().any(|off| off == module.feature()) {
                return Err(RunError::ModuleOff { stream, module: module.feature() });
            }
            let unknown = company.modules_unknown.iter().any(|one| one == module.feature());
            if unknown && !self.accepts_deletes() {
                let (module, rows) = (module.feature(), counts.deleted);
                return Err(RunError::ModuleUnknown(UnknownModule { stream, module, rows }));
            }
        }
        Ok(person)
    }
}
