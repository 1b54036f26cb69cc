//! Each event in `events/` is one that its function accepts, and the template deploys that function:
//! the built binaries answer them under a stand-in for the Lambda runtime API.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a surprise ends the test")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use e2e::scene::{Scene, binary};
use serde_json::{Value, json};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Function by function, its event.
fn events() -> BTreeMap<String, String> {
    let entries = fs::read_dir(root().join("events")).unwrap();
    let events = entries.map(|entry| {
        let path = entry.unwrap().path();
        assert_eq!(path.extension().unwrap(), "json", "{}", path.display());
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(path).unwrap())
    });
    events.collect()
}

/// One request: its first line and its body. `None` at the end of the connection.
fn request(stream: &mut BufReader<TcpStream>) -> Option<(String, Vec<u8>)> {
    let (mut first, mut length, mut line) = (String::new(), 0, String::new());
    stream.read_line(&mut first).ok().filter(|read| *read > 0)?;
    while stream.read_line(&mut line).ok()? > 2 {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        line.clear();
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some((first, body))
}

/// Gives out `event` once and hands on what the function says to it.
fn converse(stream: TcpStream, event: &str, said: &mpsc::Sender<(String, Value)>) {
    let mut stream = BufReader::new(stream);
    while let Some((first, body)) = request(&mut stream) {
        let path = first.split(' ').nth(1).unwrap();
        let answer = if path.ends_with("/invocation/next") {
            let headers = "Lambda-Runtime-Aws-Request-Id: 1\r\n\
                 Lambda-Runtime-Deadline-Ms: 4102444800000\r\n\
                 Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:eu-west-1:1:function:f\r\n";
            let length = event.len();
            format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: {length}\r\n\r\n{event}")
        } else {
            let body = serde_json::from_slice(&body).unwrap();
            said.send((path.to_owned(), body)).ok();
            "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n".to_owned()
        };
        if stream.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// What the function answers, and whether it calls it an error.
fn invoked(scene: &Scene, function: &str, event: &str) -> Result<Value, Value> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (said, answers) = mpsc::channel();
    let event = event.to_owned();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (event, said) = (event.clone(), said.clone());
            std::thread::spawn(move || converse(stream.unwrap(), &event, &said));
        }
    });
    let mut command = Command::new(binary(function));
    scene.settings(&mut command);
    let mut child = command
        .env("AWS_LAMBDA_RUNTIME_API", address)
        .env("AWS_LAMBDA_FUNCTION_NAME", function)
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let answer = answers.recv_timeout(Duration::from_secs(30));
    child.kill().unwrap();
    child.wait().unwrap();
    let (path, body) = answer.expect("the function says nothing");
    if path.ends_with("/response") { Ok(body) } else { Err(body) }
}

#[test]
fn each_function_accepts_its_event_and_refuses_another() {
    let scene = Scene::new(71);
    let events = events();
    let tick = invoked(&scene, "orchestrator", &events["orchestrator"]).unwrap();
    assert!(!tick["due"].as_array().unwrap().is_empty(), "{tick}");
    // What the orchestrator asks for is what a worker accepts.
    let due = tick["due"][0].to_string();
    let done = invoked(&scene, "worker", &due).unwrap();
    assert_eq!(done["outcome"], "complete", "{done}");
    let done = invoked(&scene, "worker", &events["worker"]).unwrap();
    assert_eq!(done["outcome"], "complete", "{done}");
    assert_eq!(done["stream"], "time_entries");
    for (function, event, wanted) in [
        ("worker", json!({ "stream": "time_entires", "pass": "full" }), "UnknownStream"),
        ("worker", json!({}), "UnknownEvent"),
        ("orchestrator", json!({ "stream": "clients" }), "UnknownEvent"),
        ("orchestrator", json!({ "streams": ["client"], "now": true }), "UnknownStream"),
    ] {
        let error = invoked(&scene, function, &event.to_string()).unwrap_err();
        assert_eq!(error["errorType"], wanted, "{function} {event}: {error}");
    }
}

#[test]
fn the_template_deploys_each_function_that_has_an_event_and_no_other() {
    let template = fs::read_to_string(root().join("infra/template.yaml")).unwrap();
    let deployed = template.lines().filter_map(|line| line.trim().strip_prefix("Binary: "));
    let mut deployed: Vec<&str> = deployed.collect();
    deployed.sort_unstable();
    let events = events();
    assert_eq!(deployed, events.keys().map(String::as_str).collect::<Vec<_>>());
}
