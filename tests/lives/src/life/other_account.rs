//! Work with the settings and the secret of another account.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use delta::store::ObjectStore as _;
use sim::AccountScale;

use super::Life;
use crate::mishap::Mishap;
use crate::world::now;

impl Life<'_> {
    /// Lets processes work with the settings and the secret of another account. The lake must not
    /// change.
    pub(super) async fn other_account(&mut self) -> Result<(), String> {
        if self.world.store.is_empty() {
            return Ok(());
        }
        let ours = self.world.settings.account.0;
        let mut id = self.chronicle.one(&[1_000_002, ours]);
        // Without its state, nothing tells one company from another with the same id.
        if !self.is_in_state("beispiel.harvestapp.com").await {
            id = 1_000_002;
        }
        // What was read of the company is believed for a while.
        self.world.sleep(2).await;
        let scale = AccountScale { account_id: id, ..AccountScale::tiny() };
        let mut other = sim::Account::generate(&scale, 99, now(&self.world));
        other.set_domain("other.harvestapp.com");
        // The ledger has the runs that failed, but in its own account's lake alone.
        let has_runs = id == ours;
        let before = self.objects(has_runs).await;
        let ours =
            std::mem::replace(&mut self.world.account, Arc::new(std::sync::Mutex::new(other)));
        let account = self.world.settings.account;
        self.world.settings.account = engine::ids::AccountId(id);
        let late = std::mem::take(&mut self.late);
        self.waves(sim::ADMINISTRATOR_TOKEN).await;
        self.late = late;
        self.world.settings.account = account;
        self.world.account = ours;
        self.chronicle.fired(Mishap::OtherAccount, 1);
        if before == self.objects(has_runs).await {
            return Ok(());
        }
        Err("another account changed the lake".to_owned())
    }

    /// Returns all objects of the lake, or all but those of the ledger.
    async fn objects(&self, without_runs: bool) -> BTreeMap<String, Option<Bytes>> {
        let mut objects = BTreeMap::new();
        for object in self.world.store.list("", None).await.unwrap_or_default() {
            if !(without_runs && object.key.starts_with("tables/_runs/")) {
                let bytes = self.world.store.get(&object.key).await.unwrap_or_default();
                objects.insert(object.key, bytes);
            }
        }
        objects
    }
}
