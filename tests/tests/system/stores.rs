//! The conformance suites of the stores, on servers that stand in for AWS.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use aws::{DynamoStore, ParameterVault, S3Store};
use e2e::emulators;
use runtime::credentials::{Vault as _, VaultError};
use runtime::random::SharedRandom;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_bucket_conforms() {
    let server = emulators::s3().await;
    let client = server.aws().await.s3().await;
    let bucket = emulators::new_bucket(server, "conformance").await;
    let number = AtomicU32::new(0);
    delta::store::conformance::check(|| {
        // Each prefix is a store of its own.
        let prefix = format!("some/prefix-{}", number.fetch_add(1, Ordering::Relaxed));
        Arc::new(S3Store::new(client.clone(), &bucket, prefix))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_state_table_conforms() {
    let server = emulators::dynamodb().await;
    let client = server.aws().await.dynamodb().await;
    state::conformance::check(|| async {
        let table = emulators::new_table(server, "conformance").await;
        let random = SharedRandom::from_system();
        Arc::new(DynamoStore::new(client.clone(), table, move || random.next()))
    })
    .await;
}

#[tokio::test]
async fn a_parameter_holds_a_token_but_none_that_is_replaced_when_it_is_used() {
    let client = emulators::moto().await.aws().await.parameters().await;
    let name = "/harvest-lake/vault/token";
    let vault = ParameterVault::new(client.clone(), name);
    assert_eq!(vault.read().await.unwrap().text, "", "until one is stored");
    let store = async |text: &str| {
        let kind = client.put_parameter().r#type("SecureString".into()).overwrite(true);
        kind.name(name).value(text).send().await.unwrap();
    };
    store("{\"access_token\": \"one\"}").await;
    let one = vault.read().await.unwrap();
    store("{\"access_token\": \"two\"}").await;
    let two = vault.read().await.unwrap();
    assert_eq!(two.text, "{\"access_token\": \"two\"}");
    assert_ne!(one.version, two.version);
    assert_eq!(vault.read().await.unwrap(), two);
    store("{\"client_id\": \"a\", \"refresh_token\": \"hush\"}").await;
    let refused = vault.read().await.unwrap_err();
    assert!(matches!(refused, VaultError::ReadOnly { .. }), "{refused:?}");
    assert!(!format!("{refused:?} {refused}").contains("hush"));
    let refused = vault.write("{\"refresh_token\": \"hush\"}").await.unwrap_err();
    assert!(matches!(refused, VaultError::ReadOnly { .. }), "{refused:?}");
}

#[tokio::test]
async fn what_is_not_there_is_named_with_what_to_do() {
    use delta::store::ObjectStore as _;
    use state::StateStore as _;

    let server = emulators::s3().await;
    let store = S3Store::new(server.aws().await.s3().await, "no-such-bucket-at-all", "");
    let error = store.get("a/b").await.expect_err("there is no bucket");
    assert!(error.to_string().contains("`no-such-bucket-at-all`"), "{error}");
    assert!(!error.may_pass());

    let server = emulators::dynamodb().await;
    let state = DynamoStore::new(server.aws().await.dynamodb().await, "no-such-table", || 1);
    let error = state.list(engine::ids::AccountId(1), "").await.expect_err("there is no table");
    assert_eq!(error.kind, state::StateErrorKind::Missing);
    assert!(error.to_string().contains("deploy the stack"), "{error}");
}
