//! Base URL of Harvest, and the check of which URLs may receive the token.
//!
//! | target | URL |
//! | --- | --- |
//! | path `/clients` | below the base URL: `https://api.harvestapp.com/v2/clients` |
//! | path `/../x` | refused: leads out of the base URL |
//! | link to the same origin | as it is, with any path |
//! | link to another scheme, host or port | refused |
//!
//! A refused target is never sent. An answer that contains a forged link could otherwise make the
//! client send the token to another server.

use core::fmt;
use core::str::FromStr;

use engine::pass::RequestTarget;
use engine::printable::printable;
use engine::retry::RequestFailure;
use url::{Host, Url};

use crate::error::{ApiError, SetupError};

/// Parameters with values that may be shown in messages. Others, such as cursors and those of
/// links, are hidden, because Harvest does not document what they contain.
const SHOWN: &[&str] = &[
    "approval_status",
    "client_id",
    "from",
    "include_fixed_fee",
    "is_active",
    "is_running",
    "page",
    "per_page",
    "project_id",
    "to",
    "updated_since",
    "user_id",
];
/// Maximum number of characters of a parameter's name or value that are shown.
const LONGEST_SHOWN: usize = 60;

/// The base URL of the API, such as `https://api.harvestapp.com/v2`. Plain http is accepted for
/// loopback hosts only.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl(Url);

impl BaseUrl {
    /// Base URL of Harvest's own API.
    pub const HARVEST: &'static str = "https://api.harvestapp.com/v2";

    /// Whether the host is this machine itself, named `localhost` or by a loopback address.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }

    /// Whether the URL uses no TLS.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.0.scheme() == "http"
    }

    /// URL of `path` on the same host; `None` unless that host is this machine. A fake Harvest
    /// answers for all of Harvest's hosts at one address.
    pub(crate) fn beside(&self, path: &str) -> Option<String> {
        let mut url = self.0.clone();
        url.set_path(path);
        self.is_loopback().then(|| url.to_string())
    }

    /// Returns the URL of `target`. Refuses, as [`RequestFailure::ForeignLink`], a link with another
    /// scheme, host or port, a link with credentials, and a path that leads out of the base URL.
    ///
    /// # Errors
    /// When the target is refused.
    pub fn resolve(&self, target: &RequestTarget) -> Result<Url, ApiError> {
        match target {
            RequestTarget::Path { path, query } => self.join(path, query),
            RequestTarget::Link(link) => self.own(link),
        }
    }

    /// Path of `url` below this base URL; the whole path if it is not below it.
    #[must_use]
    pub fn below<'u>(&self, url: &'u Url) -> &'u str {
        let base = self.0.path().trim_end_matches('/');
        match url.path().strip_prefix(base) {
            Some(rest) if rest.starts_with('/') => rest,
            Some(_) | None => url.path(),
        }
    }

    /// URL of a path below the base URL. Characters with a meaning in URLs are escaped, so a `?` in
    /// an id cannot begin a query.
    fn join(&self, path: &str, query: &[(String, String)]) -> Result<Url, ApiError> {
        let refused = || {
            Err(ApiError::new(RequestFailure::ForeignLink, format!("GET {}", printable(path)))
                .with_detail("the path does not lead below the base URL"))
        };
        let leads_out = |part: &str| part == "." || part == ".." || part.contains('\\');
        let relative = path.strip_prefix('/');
        if relative.is_none_or(|rest| rest.is_empty() || rest.split('/').any(leads_out)) {
            return refused();
        }
        let base = self.0.path().trim_end_matches('/');
        let mut url = self.0.clone();
        url.set_path(&format!("{base}{path}"));
        // URLs know further spellings of `..`, such as `%2e.`, and `..` with a line break in it.
        let below = url.path().strip_prefix(base).and_then(|rest| rest.strip_prefix('/'));
        if below.is_none_or(str::is_empty) {
            return refused();
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    /// URL of a link that an answer contained. The path is not compared with the base URL: Harvest
    /// may spell it in another way (`/api/v2/...`), and the origin decides whether the token is
    /// sent.
    fn own(&self, link: &str) -> Result<Url, ApiError> {
        let foreign = |detail: String| {
            Err(ApiError::new(RequestFailure::ForeignLink, "the link to the next page")
                .with_detail(&detail))
        };
        let Ok(mut url) = Url::parse(link) else {
            return foreign("it is no URL".to_owned());
        };
        let same_origin = url.scheme() == self.0.scheme()
            && url.host() == self.0.host()
            && url.port_or_known_default() == self.0.port_or_known_default();
        if !same_origin {
            return foreign(format!("it leads to {}", origin(&url)));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return foreign("it carries credentials of its own".to_owned());
        }
        // Harvest serves no list there.
        if url.path() == "/" {
            return foreign("it has no path".to_owned());
        }
        url.set_fragment(None);
        Ok(url)
    }
}

impl FromStr for BaseUrl {
    type Err = SetupError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = |why| SetupError::BaseUrl { url: without_credentials(text), why };
        let url = Url::parse(text.trim()).map_err(|_| refused("it is no URL"))?;
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            "http" => return Err(refused("plain http would show the token: use https")),
            _ => return Err(refused("it must begin with https://")),
        }
        if url.host().is_none() {
            return Err(refused("it names no host"));
        }
        // In `https://user:1/secret@h/` the password is a part of the path. No path of Harvest has
        // such a character.
        let in_path = url.path().contains('@');
        if !url.username().is_empty() || url.password().is_some() || in_path {
            return Err(refused("credentials do not belong in it"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refused("it must end with the path"));
        }
        Ok(Self(url))
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BaseUrl({self})")
    }
}

/// Request for messages: path and harmless parameters.
pub(crate) fn shown(url: &Url) -> String {
    let mut text = format!("GET {}", url.path());
    let mut separator = '?';
    for (name, value) in url.query_pairs() {
        let known = SHOWN.contains(&name.as_ref()) && value.chars().count() <= LONGEST_SHOWN;
        let name: String = name.chars().take(LONGEST_SHOWN).collect();
        text.push(separator);
        text.push_str(&printable(&name));
        text.push('=');
        text.push_str(&if known { printable(&value) } else { "…".to_owned() });
        separator = '&';
    }
    text
}

/// Scheme, host and port for messages, without user and password.
fn origin(url: &Url) -> String {
    let host = url.host_str().unwrap_or("nowhere");
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{host}{port}", url.scheme()).chars().take(100).collect()
}

/// Text of the setting for messages, without user, password and query. All before the last `@` is
/// left out, wherever a parser would see the credentials: in `user:password@host` without a scheme
/// it takes `user` for the scheme, and a password may contain any sign.
fn without_credentials(text: &str) -> String {
    let text = printable(text.trim()).replace("%40", "@");
    let shown = text.rsplit_once('@').map_or(text.clone(), |(_, host)| format!("…@{host}"));
    shown.split(['?', '#']).next().unwrap_or_default().chars().take(100).collect()
}

/// Whether the host of a URL is this machine itself.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(text: &str) -> BaseUrl {
        text.parse().unwrap()
    }

    fn path(path: &str, query: &[(&str, &str)]) -> RequestTarget {
        let query = query.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        RequestTarget::Path { path: path.to_owned(), query }
    }

    #[test]
    fn a_path_is_put_below_the_base_url() {
        let check = |base_url: &str, target: &RequestTarget, url: &str| {
            assert_eq!(base(base_url).resolve(target).unwrap().as_str(), url);
        };
        let clients = path("/clients", &[]);
        check("https://api.harvestapp.com/v2", &clients, "https://api.harvestapp.com/v2/clients");
        check("https://api.harvestapp.com/v2/", &clients, "https://api.harvestapp.com/v2/clients");
        check("http://127.0.0.1:8080", &clients, "http://127.0.0.1:8080/clients");
        check("http://[::1]:8080/x", &clients, "http://[::1]:8080/x/clients");
        check("http://localhost:1", &path("/a?b#c d", &[]), "http://localhost:1/a%3Fb%23c%20d");
        check(
            "https://h/v2",
            &path("/e", &[("updated_since", "2026-01-01T00:00:00Z"), ("x", "a&b=c")]),
            "https://h/v2/e?updated_since=2026-01-01T00%3A00%3A00Z&x=a%26b%3Dc",
        );
    }

    #[test]
    fn a_path_cannot_leave_the_base_url() {
        for text in [
            "",
            "/",
            "clients",
            "/../x",
            "/a/../../x",
            "/.",
            "/a\\..\\b",
            "/..\n",
            "/.\t./x",
            "/%2e%2E/x",
            "/a/%2e./.%2e/x",
            "/%2e",
        ] {
            let error = base("https://h/v2").resolve(&path(text, &[])).unwrap_err();
            assert_eq!(error.failure(), &RequestFailure::ForeignLink, "{text}");
        }
        let url = base("https://h/v2").resolve(&path("//evil.example/x", &[])).unwrap();
        assert_eq!(url.host_str(), Some("h"));
    }

    #[test]
    fn links_within_the_origin_are_followed_whatever_their_path() {
        let base = base("https://api.harvestapp.com/v2");
        for link in [
            "https://api.harvestapp.com/v2/clients?cursor=eyJ&per_page=2000",
            "https://api.harvestapp.com/api/v2/clients?cursor=eyJ",
            "https://API.harvestapp.com:443/v2/clients",
        ] {
            assert!(base.resolve(&RequestTarget::Link(link.to_owned())).is_ok(), "{link}");
        }
    }

    #[test]
    fn links_out_of_the_origin_are_refused() {
        let base = base("https://api.harvestapp.com/v2");
        for link in [
            "http://api.harvestapp.com/v2/clients",
            "https://api.harvestapp.com:444/v2/clients",
            "https://api.harvestapp.com.evil.example/v2/clients",
            "https://api.harvestapp.com@evil.example/v2/clients",
            "https://user:word@api.harvestapp.com/v2/clients",
            "https://evil.example\\@api.harvestapp.com/v2",
            "//evil.example/v2",
            "/v2/clients",
            "https://api.harvestapp.com",
            "file:///v2/clients",
            "",
        ] {
            let error = base.resolve(&RequestTarget::Link(link.to_owned())).unwrap_err();
            assert_eq!(error.failure(), &RequestFailure::ForeignLink, "{link}");
            assert!(!error.to_string().contains("word"), "{error}");
        }
    }

    #[test]
    fn base_urls_that_would_show_the_token_are_refused() {
        let refused = |text: &str, why: &str| {
            let error = text.parse::<BaseUrl>().unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
            assert!(!error.contains("secret"), "{error}");
        };
        refused("http://api.harvestapp.com/v2", "use https");
        refused("http://localhost.evil.example/", "use https");
        refused("http://128.0.0.1/", "use https");
        refused("ftp://localhost/", "https://");
        refused("api.harvestapp.com/v2", "no URL");
        refused("https://user:secret@h/", "credentials");
        refused("https://h/v2?access_token=secret", "end with the path");
        // Shapes in which a parser sees the password as path, port, query or nothing at all.
        for text in [
            "user:secret@h/v2",
            "user:secret@h",
            "secret@h/v2",
            "user:secret@",
            "//user:secret@h/v2",
            "https:user:secret@h/v2",
            "https://user:secret@",
            "https://user:secret@h/v2?x#y",
            "https://user:se@secret@h/v2",
            "https://user:1/secret@h/v2",
            "https://user:secret/1@h/v2",
            "https://user:secret?1@h/v2",
            "https://user:secret#1@h/v2",
            "https://user:secret 1@h/v2",
            "https://user:secret%40h/v2",
            "ftp://user:secret@h/v2",
            "mailto:secret@h",
            " \tuser:secret@h/v2\n",
            "h/v2?token=secret",
        ] {
            refused(text, "");
        }
        let error = "user:secret@h/v2".parse::<BaseUrl>().unwrap_err().to_string();
        assert!(error.contains("…@h/v2"), "the host is shown: {error}");
        for text in ["https://h", "http://127.0.0.2/v2", "http://localhost:9/", "http://[::1]/"] {
            assert!(text.parse::<BaseUrl>().is_ok(), "{text}");
        }
    }

    #[test]
    fn messages_show_harmless_parameters_only() {
        let url = "https://h/v2/clients?page=2&access_token=secret&cursor=eyJhZnRlciI6MX0&from=2026-01-01";
        assert_eq!(
            shown(&Url::parse(url).unwrap()),
            "GET /v2/clients?page=2&access_token=…&cursor=…&from=2026-01-01"
        );
    }
}
