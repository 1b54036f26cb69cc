//! Tokens that have changed: another person's, another account's.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use delta::store::ObjectStore;
use delta::table::Table;
use engine::ids::AccountId;
use engine::pass::Pass;
use lives::oracle::After;
use lives::world::{Conduct, Synced, World, in_simulated_time, now, sync};
use runtime::RunError;
use runtime::records;
use sim::{ADMINISTRATOR_TOKEN, AccountScale, MANAGER_TOKEN, MEMBER_TOKEN, Mutation};

fn world() -> World {
    let mut world = World::new(&AccountScale::tiny(), 5);
    world.settings.streams = Some(["clients".to_owned(), "projects".to_owned()].into());
    world
}

async fn sync_with(world: &World, token: &'static str, pass: Option<Pass>) -> Synced {
    world.sleep(1).await;
    let context = world.process_with(Conduct { token, ..Conduct::default() });
    sync(&context, pass).await.unwrap()
}

fn set_roles(world: &World, token: &str, roles: &[&str]) {
    let roles = roles.iter().map(|&role| role.to_owned()).collect();
    let mutation = Mutation::SetRoles { token: token.to_owned(), roles };
    world.account.lock().unwrap().apply(now(world), &mutation).unwrap();
}

async fn objects(world: &World) -> Vec<String> {
    let listed = world.store.list("", None).await.unwrap();
    // The ledger has all runs, also those that write nothing.
    let ours = |key: &String| !key.starts_with("tables/_runs/");
    listed.into_iter().map(|object| object.key).filter(ours).collect()
}

#[test]
fn another_person_with_the_same_roles_writes_nothing_unless_an_administrator() {
    in_simulated_time(async {
        let mut world = world();
        let roles = ["manager", "client_and_task_manager"];
        set_roles(&world, MANAGER_TOKEN, &roles);
        set_roles(&world, MEMBER_TOKEN, &roles);
        let first = sync_with(&world, MANAGER_TOKEN, None).await;
        assert_eq!(first.failures(), Vec::<String>::new());
        let before = objects(&world).await;
        let cursor = world.item("clients").await.position.cursor;

        for pass in [None, Some(Pass::Full)] {
            let synced = sync_with(&world, MEMBER_TOKEN, pass).await;
            assert_eq!(synced.reports.len(), 2);
            for report in &synced.reports {
                let other = matches!(report.error(), Some(RunError::OtherPerson { .. }));
                assert!(other, "{:?}", report.outcome);
            }
            assert_eq!(objects(&world).await, before);
            assert_eq!(world.item("clients").await.position.cursor, cursor);
        }
        // The former person goes on, and an administrator may take over.
        assert_eq!(sync_with(&world, MANAGER_TOKEN, None).await.failures(), Vec::<String>::new());
        let synced = sync_with(&world, ADMINISTRATOR_TOKEN, Some(Pass::Full)).await;
        assert_eq!(synced.failures(), Vec::<String>::new());
        assert_eq!(world.oracle().differences_of("clients", After::FullPasses).await, [""; 0]);
        let account = records::account(&*world.state, world.settings.account, &world.present())
            .await
            .unwrap()
            .value;
        assert!(account.person_changed.is_some());
        assert_eq!(account.person_id, world.item("clients").await.position.person);
        // Back to a person who sees less: only where the operator accepts that.
        assert!(!sync_with(&world, MEMBER_TOKEN, None).await.failures().is_empty());
        world.settings.accept_role = true;
        assert_eq!(sync_with(&world, MEMBER_TOKEN, None).await.failures(), Vec::<String>::new());
    });
}

#[test]
fn an_account_at_another_address_is_refused_before_anything_is_written() {
    in_simulated_time(async {
        let mut world = world();
        assert_eq!(
            sync_with(&world, ADMINISTRATOR_TOKEN, None).await.failures(),
            Vec::<String>::new()
        );
        let id = world.settings.account;
        let mut account = records::account(&*world.state, id, &world.present()).await.unwrap();
        let found = account.value.domain.clone();
        assert!(found.ends_with(".harvestapp.com"), "{found}");
        account.value.domain = "other.harvestapp.com".to_owned();
        assert!(
            records::write(&*world.state, &records::account_key(id), &mut account).await.unwrap()
        );
        let before = objects(&world).await;
        world.mutate(3, 30);
        world.sleep(1).await;
        let refused = sync(&world.process(None), None).await.unwrap_err();
        let said = refused.to_string();
        assert!(said.contains("other.harvestapp.com") && said.contains(&found), "{said}");
        assert!(said.contains(&format!("--accept-domain {found}")), "{said}");
        assert_eq!(objects(&world).await, before);
        let kept = records::account(&*world.state, id, &world.present()).await.unwrap();
        assert_eq!(kept.value, account.value);
        // An accepted address that is not the one that answers does not count.
        world.settings.accept_domain = Some("third.harvestapp.com".to_owned());
        assert!(sync(&world.process(None), None).await.is_err());
        world.settings.accept_domain = Some(found.clone());
        assert_eq!(
            sync_with(&world, ADMINISTRATOR_TOKEN, None).await.failures(),
            Vec::<String>::new()
        );
        let kept = records::account(&*world.state, id, &world.present()).await.unwrap();
        assert_eq!(kept.value.domain, found);
    });
}

#[test]
fn a_lake_of_another_account_is_left_alone() {
    in_simulated_time(async {
        let world = world();
        let store: Arc<dyn ObjectStore> = Arc::<delta::store::MemoryStore>::clone(&world.store);
        let spec = streams::find("users").unwrap();
        Table::create(store, spec, AccountId(4711), now(&world)).await.unwrap();
        let before = objects(&world).await;
        let refused = sync(&world.process(None), None).await.unwrap_err();
        assert!(matches!(refused, RunError::Table { stream: "users", .. }), "{refused:?}");
        assert_eq!(objects(&world).await, before);
    });
}
