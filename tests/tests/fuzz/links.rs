//! Links of answers: only those to Harvest itself are followed, because each request carries the
//! token.

use std::sync::LazyLock;

use bolero::{TypeGenerator, check};
use engine::pass::RequestTarget;
use engine::retry::RequestFailure;
use harvest_api::BaseUrl;
use serde_json::json;

use crate::edit::ByteEdits;
use crate::odd::OddText;
use crate::pages::{SOURCES, decoded};

/// A password in a link, which no message may have.
const PASSWORD: &str = "hush-hush";
/// Addresses that the API may have; the first is Harvest's.
const BASES: [&str; 4] = [
    "https://api.harvestapp.com/v2",
    "http://127.0.0.1:8080/v2",
    "http://[::1]:80",
    "https://harvest.example:444/a/b/",
];
const SCHEMES: [&str; 12] = [
    "https://",
    "http://",
    "",
    "//",
    "https:",
    "https:/",
    "HTTPS://",
    " https://",
    "https:\\\\",
    "ftp://",
    "\thttps://",
    "htt\nps://",
];
const USERS: [&str; 7] = ["", "", "", "me:hush-hush@", "hush-hush@", ":hush-hush@", "@"];
const HOSTS: [&str; 20] = [
    "api.harvestapp.com",
    "api.harvestapp.com",
    "api.harvestapp.com",
    "API.HARVESTAPP.COM",
    "api.harvestapp.com.",
    "api.harvestapp.com.evil.example",
    "evil.example",
    "127.0.0.1",
    "[::1]",
    "harvest.example",
    "localhost",
    "2130706433",
    "0x7f.1",
    "[::ffff:127.0.0.1]",
    "",
    ".",
    "api\u{3002}harvestapp\u{ff0e}com",
    "\u{ff41}pi.harvestapp.com",
    "api.harvestapp.com%2eevil.example",
    "evil.example\\@api.harvestapp.com",
];
const PORTS: [&str; 11] =
    ["", "", ":443", ":80", ":8080", ":444", ":0", ":65536", ":", ":0443", ":8080@evil.example"];
const PATHS: [&str; 12] = [
    "/v2/clients?cursor=eyJhIjoxfQ%3D%3D&per_page=2000",
    "/v2/clients",
    "/api/v2/clients?page=2",
    "/",
    "",
    "/..",
    "/v2/../../x",
    "//evil.example/x",
    "/\\evil.example",
    "/v2/clients#part",
    "?page=2",
    "/v2/cl\nients",
];

/// Where a request goes.
#[derive(Clone, Debug, TypeGenerator)]
enum FuzzedTarget {
    Link(FuzzedLink),
    Path(FuzzedPath),
}

/// A link of an answer, and the address of the API.
#[derive(Clone, Debug, TypeGenerator)]
struct FuzzedLink {
    base: u8,
    scheme: u8,
    user: u8,
    host: u8,
    port: u8,
    path: u8,
    end: Option<OddText>,
    bytes: ByteEdits,
}

/// A path below the address, and its parameters.
#[derive(Clone, Debug, TypeGenerator)]
struct FuzzedPath {
    base: u8,
    rooted: bool,
    path: OddText,
    #[generator(bolero::produce::<Vec<(OddText, OddText)>>().with().len(0..=2usize))]
    query: Vec<(OddText, OddText)>,
}

impl FuzzedLink {
    fn text(&self) -> String {
        let mut text = String::new();
        for (parts, which) in [
            (&SCHEMES[..], self.scheme),
            (&USERS, self.user),
            (&HOSTS, self.host),
            (&PORTS, self.port),
            (&PATHS, self.path),
        ] {
            text.push_str(parts[usize::from(which) % parts.len()]);
        }
        text.extend(self.end.as_ref().map(OddText::plain));
        let mut bytes = text.into_bytes();
        self.bytes.apply(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

static PARSED: LazyLock<[BaseUrl; 4]> = LazyLock::new(|| BASES.map(|base| base.parse().unwrap()));

/// Returns an address and its origin, with which every URL of its begins.
fn base(which: u8) -> (&'static BaseUrl, String) {
    let which = usize::from(which) % BASES.len();
    let (scheme, rest) = BASES[which].split_once("://").unwrap();
    let authority = rest.split('/').next().unwrap();
    // URLs leave out the port that the scheme implies.
    let port = if scheme == "http" { ":80" } else { ":443" };
    let authority = authority.strip_suffix(port).unwrap_or(authority);
    (&PARSED[which], format!("{scheme}://{authority}/"))
}

fn check_link(link: &FuzzedLink) {
    let (base, origin) = base(link.base);
    let text = link.text();
    // As it comes: from a page.
    let source = SOURCES.iter().find(|source| source.spec.name == "clients").unwrap();
    let body = json!({ "clients": [], "links": { "next": text } }).to_string();
    let page = decoded(&source.decoder, source.spec, body).expect("a page");
    let next = page.facts.next.unwrap_or_default();
    assert_eq!(next, text);
    match base.resolve(&RequestTarget::Link(next)) {
        Ok(url) => {
            let found = url.as_str();
            assert!(found.starts_with(&origin), "{text:?} leads to {found}");
            assert!(found.len() > origin.len(), "{text:?} leads nowhere");
            assert!(
                url.username().is_empty() && url.password().is_none() && url.fragment().is_none()
            );
        }
        Err(error) => {
            assert_eq!(error.failure(), &RequestFailure::ForeignLink, "{text:?}");
            // Changed bytes may make it a host.
            let is_changed = link.bytes.is_some();
            assert!(is_changed || !error.to_string().contains(PASSWORD), "{text:?}: {error}");
        }
    }
}

fn check_path(input: &FuzzedPath) {
    let (base, _) = base(input.base);
    let root = base.to_string();
    let path = if input.rooted { format!("/{}", input.path.plain()) } else { input.path.plain() };
    let query: Vec<(String, String)> =
        input.query.iter().map(|(name, value)| (name.plain(), value.plain())).collect();
    let target = RequestTarget::Path { path: path.clone(), query: query.clone() };
    match base.resolve(&target) {
        Ok(url) => {
            let found = url.as_str();
            assert!(found.starts_with(&format!("{root}/")), "{path:?} leads to {found}");
            assert!(url.fragment().is_none());
            let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
            assert_eq!(pairs, query, "{found}");
        }
        Err(error) => assert_eq!(error.failure(), &RequestFailure::ForeignLink),
    }
}

#[test]
fn fuzzed() {
    check!(name = "links").with_type::<FuzzedTarget>().for_each(|target| match target {
        FuzzedTarget::Link(link) => check_link(link),
        FuzzedTarget::Path(path) => check_path(path),
    });
}

#[test]
fn a_link_of_harvest_is_followed() {
    let (base, _) = base(0);
    let link = format!("{}{}", HOSTS[0], PATHS[0]);
    let link = format!("https://{link}");
    assert_eq!(base.resolve(&RequestTarget::Link(link.clone())).unwrap().as_str(), link);
}
