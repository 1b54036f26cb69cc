//! The conformance suites of the stores, on servers that stand in for AWS.

use std::io::Write as _;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use aws::{DynamoStore, ParameterVault, S3Store};
use bytes::Bytes;
use delta::store::{PutIfAbsent, ReplaceOutcome};
use e2e::emulators;
use e2e::http::{self, Answered};
use runtime::credentials::{Vault as _, VaultError};
use runtime::random::SharedRandom;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

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

/// S3 that answers the first `conflicts` puts by 409, and the number of puts so far.
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
async fn conflicting(conflicts: usize) -> (S3Store, Arc<AtomicUsize>) {
    let puts = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&puts);
    let listener = http::listen().await;
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    http::serve(listener, move |asked| {
        let puts = Arc::clone(&counted);
        async move {
            if asked.method == "GET" {
                return Answered::new(200, &json!("old")).with("etag", "\"1\"");
            }
            let before = puts.fetch_add(1, Ordering::SeqCst);
            Answered::new(if before < conflicts { 409 } else { 200 }, &Value::Null)
        }
    });
    let client = emulators::aws_at(&endpoint).await.s3().await;
    (S3Store::new(client, "bucket", ""), puts)
}

#[tokio::test]
async fn a_put_that_meets_another_one_is_sent_again_after_a_pause() {
    use delta::store::ObjectStore as _;

    let (old, new) = (Bytes::from("\"old\""), Bytes::from("new"));
    let put = async |conflicts: usize, replaces: bool| {
        let (store, puts) = conflicting(conflicts).await;
        let stored = if replaces {
            store.replace("a", &old, new.clone()).await.map(|it| it == ReplaceOutcome::Replaced)
        } else {
            store.put_if_absent("a", new.clone()).await.map(|it| it == PutIfAbsent::Stored)
        };
        (stored.ok(), puts.load(Ordering::SeqCst))
    };
    let ended = tokio::join!(put(2, false), put(2, true), put(100, false));
    let stored = (Some(true), 3);
    assert_eq!(ended, (stored, stored, (None, 5)), "five are the attempts of one call");
}

#[tokio::test]
async fn the_signature_of_a_stored_file_covers_its_bytes() {
    use delta::store::{FileObject, ObjectStore as _};

    let (heard, listener) = (Arc::new(Mutex::new(Vec::new())), http::listen().await);
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let hear = Arc::clone(&heard);
    http::serve(listener, move |asked| {
        let header = |name| asked.headers.get(name).unwrap().to_str().unwrap().to_owned();
        let signed = header("authorization");
        hear.lock().unwrap().push((header("x-amz-content-sha256"), signed, asked.body.clone()));
        async { Answered::new(200, &Value::Null) }
    });
    let store = S3Store::new(emulators::aws_at(&endpoint).await.s3().await, "bucket", "");
    let mut file = tempfile::tempfile().unwrap();
    let bytes: Vec<u8> = (0..600_000_u32).map(|at| (at % 251) as u8).collect();
    file.write_all(&bytes).unwrap();
    let sum = Sha256::digest(&bytes);
    let object = FileObject::new(Arc::new(file), 0..bytes.len() as u64, sum.into());
    assert_eq!(store.put_file_if_absent("a", &object).await.unwrap(), PutIfAbsent::Stored);
    store.put_file("b", &object).await.unwrap();
    let heard = heard.lock().unwrap();
    assert_eq!(heard.len(), 2);
    for (sha256, authorization, body) in heard.iter() {
        assert_eq!(*sha256, hex::encode(sum));
        assert!(authorization.contains("x-amz-content-sha256"), "{authorization}");
        assert_eq!(*body, bytes);
    }
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
