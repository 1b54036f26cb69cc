//! Logins: by a pasted token and by browser, for this machine and for a stack; and commands that use
//! them without any other setting.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a surprise ends the test")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use aws::{ParameterVault, SecretsManagerVault};
use e2e::emulators::{self, free_port};
use e2e::scene::{Ended, Scene, finish};
use runtime::credentials::Vault as _;
use serde_json::{Value, json};
use sim::{ADMINISTRATOR_TOKEN, APPLICATION_ID, APPLICATION_SECRET, Mutation};

/// Machine of a person who has set nothing but the places.
struct Machine {
    scene: Scene,
}

impl Machine {
    fn new() -> Self {
        Self { scene: Scene::new(31) }
    }

    fn folder(&self) -> PathBuf {
        self.scene.folder().join("config/harvest-lake")
    }

    fn file(&self) -> PathBuf {
        self.folder().join(format!("account-{}.json", self.scene.account().0))
    }

    fn stored(&self) -> Value {
        serde_json::from_str(&std::fs::read_to_string(self.file()).unwrap()).unwrap()
    }

    fn command(&self, line: &str) -> Command {
        let mut command = self.scene.command(line);
        command.env_remove("HARVEST_ACCOUNT_ID").env_remove("HARVEST_ACCESS_TOKEN");
        // Where the person's folder of configuration is, and a browser that does nothing.
        command.env("XDG_CONFIG_HOME", self.scene.folder().join("config"));
        command.env("HOME", self.scene.folder()).env("BROWSER", "true");
        command.stdin(Stdio::piped());
        command
    }

    fn begin(&self, line: &str, input: &str) -> Child {
        let mut child = self.command(line).spawn().unwrap();
        child.stdin.as_mut().unwrap().write_all(input.as_bytes()).unwrap();
        child
    }

    /// Runs a command whose standard input is `input`. Its output never has a secret.
    fn run(&self, line: &str, input: &str) -> Ended {
        Self::end(self.begin(line, input), line)
    }

    fn end(mut child: Child, line: &str) -> Ended {
        drop(child.stdin.take());
        let ended = finish(child).answers(line);
        for secret in [APPLICATION_SECRET, "fake-access", "fake-refresh", "fake-code"] {
            assert!(!ended.said().contains(secret), "{}", ended.said());
        }
        ended
    }
}

/// Visits an address as a browser does; returns status, address of a redirect, and page.
fn visit(url: &str) -> (u16, Option<String>, String) {
    let (host, target) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(stream, "GET /{target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, page) = answer.split_once("\r\n\r\n").unwrap();
    let location = head.lines().find_map(|line| line.strip_prefix("location: "));
    (head[9..12].parse().unwrap(), location.map(str::to_owned), page.to_owned())
}

/// Address of Harvest that a login tells its person.
fn told(child: &mut Child) -> String {
    let mut lines = BufReader::new(child.stderr.as_mut().unwrap()).lines();
    let address = lines.find_map(|line| {
        let line = line.unwrap();
        line.trim().strip_prefix("http").map(|rest| format!("http{rest}"))
    });
    address.expect("an address")
}

#[test]
fn a_pasted_token_is_all_that_later_commands_need() {
    let machine = Machine::new();
    let token = format!("{ADMINISTRATOR_TOKEN}\n");
    let document = machine.run("login --json", &token).with(0).json();
    let account = machine.scene.account().0;
    assert_eq!(document["account_id"], account);
    let stored = json!({ "kind": "file", "name": machine.file() });
    assert_eq!((&document["renewable"], &document["stored"]), (&json!(false), &stored));
    let mode = |path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(machine.file()), mode(machine.folder())), (0o600, 0o700));
    machine.run("check", "").with(0).says(&[&account.to_string()]);
    machine.run("sync --json", "").with(0);
    // Another account is none that this token opens.
    machine.run("check --account-id 5", "").with(2).says(&["harvest-lake login"]);
    // With two logins the account has to be named, and a token from elsewhere says nothing of it.
    std::fs::copy(machine.file(), machine.folder().join("account-5.json")).unwrap();
    machine.run("check", "").with(2).says(&["logged in to 5, 1000001", "--account-id"]);
    machine.run(&format!("check --account-id {account}"), "").with(0);
    std::fs::remove_file(machine.folder().join("account-5.json")).unwrap();
    let mut elsewhere = machine.command("check");
    let elsewhere = elsewhere.env("HARVEST_ACCESS_TOKEN", ADMINISTRATOR_TOKEN).spawn().unwrap();
    finish(elsewhere).with(2).says(&["which Harvest account?"]);
}

#[test]
fn a_login_that_fails_says_why_and_stores_nothing() {
    let machine = Machine::new();
    for (line, input, code, words) in [
        ("login", "", 2, &["nothing was given for the token"][..]),
        ("login", "wrong-token\n", 3, &["does not accept the token", "401"]),
        ("login", "two words\n", 2, &["no token has"]),
        ("login --account-id 5", ADMINISTRATOR_TOKEN, 3, &["not open account 5, but 1000001"]),
        (
            "login --base-url http://127.0.0.1:9/v2",
            "a.b",
            1,
            &["could not be asked", "run it again"],
        ),
        ("login --parameter a --oauth b", "", 2, &["--oauth"]),
        (
            "login --oauth unknown --no-browser",
            "secret\n",
            2,
            &["nothing was given for the address"],
        ),
    ] {
        machine.run(line, input).with(code).says(words);
        assert!(!machine.folder().exists(), "{line}");
    }
}

#[test]
fn an_application_is_let_in_by_browser_and_its_tokens_are_renewed() {
    let machine = Machine::new();
    let port = free_port();
    let line = format!("login --json --oauth {APPLICATION_ID} --port {port}");
    let mut login = machine.begin(&line, &format!("{APPLICATION_SECRET}\n"));
    let harvest = told(&mut login);
    let (status, back, _) = visit(&harvest);
    let back = back.expect("a redirect");
    assert_eq!(status, 302);
    // A browser also asks for a symbol, and opens connections that it does not use; another page
    // may send it here, too.
    let idle = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let foreign = format!("http://localhost:{port}/?code=theirs&state=guessed");
    for other in [&format!("http://localhost:{port}/favicon.ico"), &foreign] {
        assert_eq!(visit(other).0, 404);
    }
    let (status, _, page) = visit(&back);
    assert_eq!((status, page.contains("close this window")), (200, true), "{page}");
    let document = Machine::end(login, &line).with(0).json();
    drop(idle);
    assert_eq!(document["renewable"], json!(true));
    assert_eq!(machine.stored()["access_token"], Value::Null);

    machine.run("sync --json", "").with(0);
    let first = machine.stored();
    // Its end is near: the next command has another one made, and stores what comes with it.
    let mut aged = first.clone();
    aged["lasts"]["expires_at"] = aged["lasts"]["made_at"].clone();
    std::fs::write(machine.file(), aged.to_string()).unwrap();
    machine.run("sync --json", "").with(0);
    let second = machine.stored();
    for member in ["access_token", "refresh_token"] {
        assert_ne!(first[member], second[member], "{member}");
    }
    machine.run("sync --json", "").with(0);
    assert_eq!(machine.stored(), second, "that one lasts");
    // Revoked, which only a refusal tells.
    let token = second["access_token"].as_str().unwrap().to_owned();
    machine.scene.apply(&Mutation::RevokeToken { token });
    let mut aged = second.clone();
    aged["lasts"]["made_at"] = json!("2026-01-01T00:00:00Z");
    std::fs::write(machine.file(), aged.to_string()).unwrap();
    machine.run("sync --json", "").with(0);
    assert_ne!(machine.stored()["access_token"], second["access_token"]);
    // A refresh token that was used elsewhere is of no use any more.
    let mut used = aged;
    used["lasts"]["expires_at"] = used["lasts"]["made_at"].clone();
    std::fs::write(machine.file(), used.to_string()).unwrap();
    machine.run("sync", "").with(3).says(&["login --oauth CLIENT_ID"]);
}

#[test]
fn a_person_may_refuse_the_application_and_harvest_its_secret() {
    let machine = Machine::new();
    let port = free_port();
    let line = format!("login --oauth {APPLICATION_ID} --port {port}");
    let mut login = machine.begin(&line, "a-secret\n");
    let harvest = url(&told(&mut login), "state");
    let back = format!("http://localhost:{port}/?error=access_denied&state={harvest}");
    assert_eq!(visit(&back).0, 403);
    Machine::end(login, &line).with(3).says(&["access_denied"]);
    let mut login = machine.begin(&line, "a-secret\n");
    let (_, back, _) = visit(&told(&mut login));
    assert_eq!(visit(&back.unwrap()).0, 200);
    Machine::end(login, &line).with(3).says(&["does not accept the application"]);
    let taken = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    machine.run(&line, "a-secret\n").with(2).says(&["--port", "redirect URL"]);
    drop(taken);
    assert!(!machine.folder().exists());
}

/// Value of a parameter of an address, which needs no decoding.
fn url(address: &str, name: &str) -> String {
    let found = address.split(['?', '&']).find_map(|pair| pair.strip_prefix(&format!("{name}=")));
    found.unwrap().to_owned()
}

#[test]
fn a_browser_of_another_machine_ends_at_an_address_to_be_pasted() {
    let machine = Machine::new();
    let line = format!("login --oauth {APPLICATION_ID} --no-browser");
    let mut login = machine.begin(&line, &format!("{APPLICATION_SECRET}\n"));
    let (_, back, _) = visit(&told(&mut login));
    let back = back.unwrap();
    writeln!(login.stdin.as_mut().unwrap(), "{back}").unwrap();
    Machine::end(login, &line).with(0).says(&["logged in", "harvest-lake check"]);
    machine.run("check", "").with(0);
    let mut login = machine.begin(&line, &format!("{APPLICATION_SECRET}\n"));
    told(&mut login);
    writeln!(login.stdin.as_mut().unwrap(), "{back}").unwrap();
    Machine::end(login, &line).with(2).says(&["the state of this login"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stack_gets_what_it_needs_and_keeps_its_key_of_hashes() {
    let server = emulators::moto().await;
    let aws = server.aws().await;
    let secrets = aws.secrets().await;
    secrets.create_secret().name("of-a-login").send().await.unwrap();
    let name = "/harvest-lake/of-a-login/token";
    let run = |line: String, input: String| {
        let services =
            ["SSM", "SECRETS_MANAGER"].map(|service| (service, server.endpoint.as_str()));
        let variables = emulators::environment(&services);
        tokio::task::spawn_blocking(move || {
            let machine = Machine::new();
            let mut command = machine.command(&line);
            let mut login = command.envs(variables).spawn().unwrap();
            let stdin = login.stdin.as_mut().unwrap();
            stdin.write_all(input.as_bytes()).unwrap();
            if line.contains("--oauth") {
                let (_, back, _) = visit(&told(&mut login));
                writeln!(login.stdin.as_mut().unwrap(), "{}", back.unwrap()).unwrap();
            }
            let ended = Machine::end(login, &line).with(0);
            assert!(!machine.folder().exists(), "nothing is stored here");
            ended.json()
        })
    };
    let vault = ParameterVault::new(aws.parameters().await, name);
    vault.write(r#"{"access_token":"old","hash_key":"a key of many letters"}"#).await.unwrap();
    let line = format!("login --json --parameter {name}");
    let document = run(line, format!("{ADMINISTRATOR_TOKEN}\n")).await.unwrap();
    assert_eq!(document["stored"], json!({ "kind": "parameter", "name": name }));
    let text = vault.read().await.unwrap().text;
    let expected =
        json!({ "access_token": ADMINISTRATOR_TOKEN, "hash_key": "a key of many letters" });
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);

    let line = format!("login --json --secret of-a-login --no-browser --oauth {APPLICATION_ID}");
    let document = run(line, format!("{APPLICATION_SECRET}\n")).await.unwrap();
    assert_eq!(document["stored"], json!({ "kind": "secret", "name": "of-a-login" }));
    let stored = SecretsManagerVault::new(secrets, "of-a-login").read().await.unwrap().text;
    let members: Value = serde_json::from_str(&stored).unwrap();
    assert_eq!(
        (&members["client_id"], &members["access_token"]),
        (&json!(APPLICATION_ID), &Value::Null)
    );
    assert!(members["refresh_token"].as_str().unwrap().starts_with("fake-refresh"));
}
