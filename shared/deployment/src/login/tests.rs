use std::os::unix::fs::PermissionsExt as _;
use std::sync::Mutex;

use engine::retry::RequestFailure;
use harvest_api::{ApiError, TokenGrant};
use runtime::credentials::{SecretContent, SecretCredentials};

use super::*;

/// Makes numbered tokens that last for an hour; each refresh token is good for one.
#[derive(Debug, Default)]
struct NumberedTokens {
    made: Mutex<u32>,
    down: Mutex<Option<RequestFailure>>,
}

#[async_trait]
impl TokenEndpoint for NumberedTokens {
    async fn refresh(&self, id: &str, secret: &str, refresh: &str) -> Result<TokenGrant, ApiError> {
        if let Some(failure) = self.down.lock().unwrap().clone() {
            return Err(ApiError::new(failure, "POST"));
        }
        let mut made = self.made.lock().unwrap();
        if (id, secret, refresh) != ("id", "hush", format!("refresh-{made}").as_str()) {
            return Err(ApiError::new(RequestFailure::Unauthorized, "POST"));
        }
        *made += 1;
        Ok(TokenGrant {
            access_token: format!("access-{made}"),
            refresh_token: Some(format!("refresh-{made}")),
            expires_in_seconds: 3600,
        })
    }
}

/// A clock that stands.
#[derive(Debug, Default)]
struct StandingClock(Mutex<Timestamp>);

#[async_trait]
impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    async fn sleep_until(&self, _at: Timestamp) {}
}

struct Machine {
    folder: tempfile::TempDir,
    harvest: Arc<NumberedTokens>,
    clock: Arc<StandingClock>,
}

impl Machine {
    async fn with(text: &str) -> Self {
        let machine = Self {
            folder: tempfile::tempdir().unwrap(),
            harvest: Arc::default(),
            clock: Arc::default(),
        };
        machine.vault().write(text).await.unwrap();
        machine
    }

    fn file(&self) -> PathBuf {
        login_file(&self.folder.path().join("a/b"), AccountId(7))
    }

    /// A process.
    fn vault(&self) -> LoginVault {
        let endpoint = Arc::<NumberedTokens>::clone(&self.harvest);
        LoginVault::new(self.file(), endpoint, Arc::<StandingClock>::clone(&self.clock))
    }

    fn pass(&self, minutes: i64) {
        let mut now = self.clock.0.lock().unwrap();
        *now = plus(*now, SignedDuration::from_mins(minutes));
    }

    async fn token(&self) -> Result<String, VaultError> {
        let text = self.vault().read().await?.text;
        let SecretCredentials::Token(token) = SecretContent::parse(&text)?.token else {
            panic!("no token in {text}");
        };
        let made = ["access-1", "access-2", "access-3"].map(|text| Token::new(text).unwrap());
        let place = made.iter().position(|one| *one == token).unwrap();
        Ok(format!("access-{}", place + 1))
    }
}

const APPLICATION: &str = r#"{"client_id":"id","client_secret":"hush","refresh_token":"refresh-0","hash_key":"a key of many letters"}"#;

#[tokio::test]
async fn an_access_token_is_made_where_none_lasts_and_used_by_all_processes() {
    let machine = Machine::with(APPLICATION).await;
    let mode = std::fs::metadata(machine.file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let (one, other) = (machine.vault(), machine.vault());
    let (one, other) = tokio::join!(one.read(), other.read());
    assert_eq!(one.unwrap(), other.unwrap(), "one of them asked");
    machine.pass(39);
    assert_eq!(machine.token().await.unwrap(), "access-1");
    machine.pass(2);
    assert_eq!(machine.token().await.unwrap(), "access-2", "less than 20 minutes were left");
    let text = machine.vault().read().await.unwrap().text;
    assert!(text.contains("a key of many letters") && !text.contains("refresh"), "{text}");
}

#[tokio::test]
async fn a_token_that_lasts_is_used_while_harvest_makes_none() {
    let machine = Machine::with(APPLICATION).await;
    machine.token().await.unwrap();
    machine.pass(50);
    *machine.harvest.down.lock().unwrap() = Some(RequestFailure::Server(503));
    assert_eq!(machine.token().await.unwrap(), "access-1");
    machine.pass(10);
    let error = machine.token().await.unwrap_err();
    assert!(matches!(error, VaultError::LoginRefresh { .. }), "{error:?}");
    *machine.harvest.down.lock().unwrap() = None;
    assert_eq!(machine.token().await.unwrap(), "access-2");
    // A refresh token that Harvest refuses needs a person, at once.
    machine.pass(50);
    *machine.harvest.down.lock().unwrap() = Some(RequestFailure::Unauthorized);
    let error = machine.token().await.unwrap_err();
    assert!(error.to_string().contains("login --oauth"), "{error}");
    // The key of the hashes is not lost with it.
    let key = machine.vault().hash_key().await.unwrap();
    assert_eq!(key.as_deref(), Some("a key of many letters"));
    assert!(!format!("{error:?}").contains("hush"));
}

#[tokio::test]
async fn harvest_is_asked_only_where_the_answer_can_be_stored() {
    let machine = Machine::with(APPLICATION).await;
    machine.token().await.unwrap();
    let lock = machine.file().with_extension("lock");
    // A folder in place of the lock stops the administrator of a machine, too.
    std::fs::remove_file(&lock).unwrap();
    std::fs::create_dir(&lock).unwrap();
    machine.pass(50);
    assert_eq!(machine.token().await.unwrap(), "access-1", "it still lasts");
    machine.pass(10);
    let error = machine.token().await.unwrap_err();
    let told = engine::causes::chained(&error);
    assert!(told.contains("unharmed") && told.contains("a/b"), "{told}");
    assert!(!told.contains("harvest-lake login"), "{told}");
    assert_eq!(*machine.harvest.made.lock().unwrap(), 1, "Harvest was not asked");
    std::fs::remove_dir(&lock).unwrap();
    assert_eq!(machine.token().await.unwrap(), "access-2");
}

#[test]
fn the_place_of_a_login_is_on_disk_before_its_text() {
    let folder = tempfile::tempdir().unwrap();
    let file = login_file(folder.path(), AccountId(7));
    std::fs::write(&file, "former").unwrap();
    let count = || std::fs::read_dir(folder.path()).unwrap().count();
    let reserved = ReservedFile::beside(&file).unwrap();
    let larger = std::fs::read_dir(folder.path()).unwrap().any(|entry| {
        let entry = entry.unwrap();
        entry.path() != file && entry.metadata().unwrap().len() > 4096
    });
    assert!(larger, "blanks are written");
    drop(reserved);
    assert_eq!(count(), 1, "a place that is not used goes");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "former");
    std::fs::write(file.with_extension("new"), "of a process that was killed").unwrap();
    for text in ["{}".to_owned(), "x".repeat(10_000)] {
        ReservedFile::beside(&file).unwrap().replace(&file, &text).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), format!("{text}\n"));
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!((mode & 0o777, count()), (0o600, 1));
    }
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let machine = Machine::with(APPLICATION).await;
    machine.token().await.unwrap();
    let first = Token::new("access-1").unwrap();
    machine.vault().refused(&first).await.unwrap();
    assert_eq!(machine.token().await.unwrap(), "access-1", "Harvest refuses something else");
    machine.pass(2);
    machine.vault().refused(&first).await.unwrap();
    assert_eq!(machine.token().await.unwrap(), "access-2");
    machine.pass(2);
    machine.vault().refused(&first).await.unwrap();
    assert_eq!(machine.token().await.unwrap(), "access-2", "that is another token");
    // A personal token is replaced by its person alone.
    let machine = Machine::with(r#"{"access_token":"access-1"}"#).await;
    machine.pass(2);
    machine.vault().refused(&first).await.unwrap();
    assert_eq!(machine.token().await.unwrap(), "access-1");
}

#[tokio::test]
async fn what_is_no_login_is_said_without_showing_it() {
    let machine = Machine::with("{}").await;
    for text in ["", "hush", r#"{"access_token":"hush","acces":1}"#, r#"["hush"]"#] {
        std::fs::write(machine.file(), text).unwrap();
        let error = machine.vault().read().await.unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("hush") && shown.contains("account-7.json"), "{shown}");
    }
    std::fs::remove_file(machine.file()).unwrap();
    assert_eq!(machine.vault().read().await.unwrap().text, "");
}

#[test]
fn only_files_of_logins_count_as_such() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["account-12.json", "account-3.json", "account-3.lock", "account-.json", "b.json"] {
        std::fs::write(folder.path().join(name), "{}").unwrap();
    }
    assert_eq!(logged_in(folder.path()), [AccountId(3), AccountId(12)]);
    assert_eq!(logged_in(&folder.path().join("none")), []);
}
