//! The HTTP face over real sockets of this machine.

use std::io::Read as _;
use std::sync::{Arc, Mutex};

use flate2::read::GzDecoder;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::Caller;
use crate::{FaultChoice, FaultEffect, FaultRule, HttpFace, RunningFace, serve};

async fn served() -> RunningFace {
    let Caller { account, .. } = Caller::tiny();
    serve(Arc::new(Mutex::new(account)), HttpFace::local()).await.unwrap()
}

/// Returns all bytes that the server sends for one request.
async fn ask(served: &RunningFace, target: &str, extra: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    let request = format!(
        "GET {target} HTTP/1.1\r\nHost: {}\r\nUser-Agent: tests\r\nHarvest-Account-Id: 1000001\r\n\
         Authorization: Bearer fake-administrator\r\nConnection: close\r\n{extra}\r\n",
        served.address
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A reset after a dropped answer is an end, too.
    drop(stream.read_to_end(&mut answer).await);
    answer
}

fn split(answer: &[u8]) -> (String, &[u8]) {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    (String::from_utf8(answer[..end].to_vec()).unwrap(), &answer[end + 4..])
}

#[tokio::test]
async fn answers_come_with_links_of_their_own_origin_and_zipped_when_asked() {
    let served = served().await;
    let plain = ask(&served, "/v2/clients?per_page=2", "").await;
    let (head, body) = split(&plain);
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    assert!(head.contains("content-type: application/json; charset=utf-8"), "{head}");
    assert_eq!(head.matches("date: ").count(), 1, "{head}");
    let page: serde_json::Value = serde_json::from_slice(body).unwrap();
    let next = page["links"]["next"].as_str().unwrap();
    assert!(next.starts_with(&served.base_url()), "{next}");
    let zipped = ask(&served, "/v2/clients?per_page=2", "Accept-Encoding: gzip\r\n").await;
    let (head, body) = split(&zipped);
    assert!(head.contains("content-encoding: gzip"), "{head}");
    let mut unzipped = Vec::new();
    GzDecoder::new(body).read_to_end(&mut unzipped).unwrap();
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&unzipped).unwrap(), page);
}

#[tokio::test]
async fn a_cut_body_is_shorter_than_announced_and_a_dropped_answer_is_none() {
    let served = served().await;
    let rule = |select, effect| FaultRule { path: String::new(), select, effect };
    served.with(|account| {
        account.add_fault(rule(FaultChoice::Nth(1), FaultEffect::CutBody));
        account.add_fault(rule(FaultChoice::Nth(2), FaultEffect::Drop));
    });
    let cut = ask(&served, "/v2/time_entries", "").await;
    let (head, body) = split(&cut);
    let announced = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    assert!(body.len() < announced.parse().unwrap(), "{} of {announced}", body.len());
    assert!(ask(&served, "/v2/time_entries", "").await.is_empty());
    assert!(split(&ask(&served, "/v2/company", "").await).0.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn many_connections_are_served_at_once() {
    let served = Arc::new(served().await);
    let asking: Vec<_> = (0..40)
        .map(|_| {
            let served = served.clone();
            tokio::spawn(async move { ask(&served, "/v2/company", "").await.len() })
        })
        .collect();
    for one in asking {
        assert!(one.await.unwrap() > 500);
    }
    assert_eq!(served.with(|account| account.statistics().general.requests), 40);
}
