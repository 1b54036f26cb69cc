//! Harvest ID as an application meets it.

use serde_json::{Value, json};

use super::{Caller, ORIGIN};
use crate::{APPLICATION_ID, APPLICATION_SECRET, LIFETIME_SECONDS, ServerRequest, ServerResponse};

impl Caller {
    fn grant(&mut self, secret: &str, member: &str, value: &str) -> ServerResponse {
        let kind = if member == "code" { "authorization_code" } else { member };
        let body = json!({
            "grant_type": kind, "client_id": APPLICATION_ID, "client_secret": secret, member: value,
        });
        let mut request = ServerRequest::new("POST", ORIGIN, "/api/v2/oauth2/token");
        request.body = body.to_string().into();
        self.account.handle(self.now, &request)
    }

    fn code(&mut self) -> String {
        let target = format!(
            "/oauth2/authorize?client_id={APPLICATION_ID}&response_type=code&state=s%26t\
             &redirect_uri=http%3A%2F%2Flocalhost%3A8%2F"
        );
        let answer = self.account.handle(self.now, &ServerRequest::new("GET", ORIGIN, &target));
        assert_eq!(answer.status, 302);
        let back = url::Url::parse(answer.header_value("location").unwrap()).unwrap();
        let given: Vec<_> = back.query_pairs().into_owned().collect();
        assert_eq!(
            given[1..],
            [
                ("scope".to_owned(), "harvest:1000001".to_owned()),
                ("state".to_owned(), "s&t".to_owned()),
            ]
        );
        given[0].1.clone()
    }
}

fn read(answer: &ServerResponse) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

#[test]
fn codes_and_refresh_tokens_are_good_for_one_use_and_access_tokens_end() {
    let mut caller = Caller::tiny();
    let code = caller.code();
    assert_eq!(caller.grant("wrong", "code", &code).status, 401);
    let first = caller.grant(APPLICATION_SECRET, "code", &code);
    assert_eq!(caller.grant(APPLICATION_SECRET, "code", &code).status, 400);
    let refresh = read(&first)["refresh_token"].as_str().unwrap().to_owned();
    let second = caller.grant(APPLICATION_SECRET, "refresh_token", &refresh);
    assert_eq!(caller.grant(APPLICATION_SECRET, "refresh_token", &refresh).status, 400);
    let access = read(&second)["access_token"].as_str().unwrap().to_owned();
    caller.token = access.leak();
    assert_eq!(caller.ask("/v2/users/me").status, 200);
    let opened = caller.get("/api/v2/accounts");
    let products: Vec<_> = opened["accounts"].as_array().unwrap().iter().collect();
    assert_eq!(
        (&products[0]["product"], &products[1]["id"]),
        (&json!("forecast"), &json!(1_000_001))
    );
    caller.wait(LIFETIME_SECONDS);
    assert_eq!(caller.ask("/v2/users/me").status, 401);
    assert_eq!(caller.ask("/api/v2/accounts").status, 401);
}
