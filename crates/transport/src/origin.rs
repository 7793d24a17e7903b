//! Who may talk to a server from a page: pages of the server's own origin, and of those on an allow-list.
//!
//! A browser lets any page send simple requests and open `WebSockets` to any server; only the *answers* of plain requests are kept from it.
//! So a server has to look at `Origin` itself. A server on the loopback interface also looks at `Host`: a page whose name its owner has
//! made to point at 127.0.0.1 (DNS rebinding) is of the same origin by name, and is told apart by that name alone.

use std::net::SocketAddr;

/// Which origins and hosts a server serves.
#[derive(Debug)]
pub struct Policy {
    allowed: Box<[Box<str>]>,
    is_loopback: bool,
}

/// What a request's `Origin` is to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The server's own.
    Same,
    /// Another one, on the allow-list.
    Allowed,
    /// Any other one, `null` included.
    Foreign,
}

/// Whether `origin` can stand in an allow-list: `http://host[:port]` or `https://…`, as browsers write it.
///
/// # Errors
/// What is wrong with it.
pub fn check(origin: &str) -> Result<(), &'static str> {
    let Some((_, authority)) = split(origin.as_bytes()) else {
        return Err("an origin begins with http:// or https://");
    };
    if authority.is_empty()
        || authority.iter().any(|byte| {
            matches!(byte, b'/' | b'?' | b'#' | b'@' | b'*') || !byte.is_ascii_graphic()
        })
    {
        return Err(
            "an origin is scheme://host or scheme://host:port, without path, user or wildcard",
        );
    }
    Ok(())
}

impl Policy {
    /// The policy of a server on `listener` that also serves pages of the `allowed` origins.
    pub fn new(allowed: &[String], listener: SocketAddr) -> Self {
        let allowed = allowed
            .iter()
            .map(|origin| origin.trim_end_matches('/').into())
            .collect();
        Self {
            allowed,
            is_loopback: listener.ip().to_canonical().is_loopback(),
        }
    }

    /// What `origin` is to a server that the request calls `host` (`host[:port]`).
    pub fn judge(&self, origin: &[u8], host: &[u8]) -> Origin {
        let Some((default_port, authority)) = split(origin) else {
            return Origin::Foreign;
        };
        if is_same(authority, host, default_port) {
            Origin::Same
        } else if self
            .allowed
            .iter()
            .any(|allowed| allowed.as_bytes().eq_ignore_ascii_case(origin))
        {
            Origin::Allowed
        } else {
            Origin::Foreign
        }
    }

    /// Whether a request for `host` is meant for this server. Always so unless it is on the loopback interface.
    pub fn admits_host(&self, host: &[u8]) -> bool {
        !self.is_loopback
            || is_loopback_name(host)
            || self.allowed.iter().any(|allowed| {
                split(allowed.as_bytes())
                    .is_some_and(|(_, authority)| name(authority).eq_ignore_ascii_case(name(host)))
            })
    }
}

/// The default port of an origin's scheme, and what stands behind `://`.
fn split(origin: &[u8]) -> Option<(&'static [u8], &[u8])> {
    let strip = |scheme: &[u8]| {
        let (head, rest) = origin.split_at_checked(scheme.len())?;
        head.eq_ignore_ascii_case(scheme).then_some(rest)
    };
    strip(b"http://")
        .map(|rest| (&b"80"[..], rest))
        .or_else(|| strip(b"https://").map(|rest| (&b"443"[..], rest)))
}

fn is_same(authority: &[u8], host: &[u8], default_port: &[u8]) -> bool {
    if authority.is_empty() {
        return false;
    }
    let port = |authority| match port(authority) {
        [] => default_port,
        port => port,
    };
    authority.eq_ignore_ascii_case(host)
        || name(authority).eq_ignore_ascii_case(name(host)) && port(authority) == port(host)
}

/// `host` of `host:port`; an IPv6 address keeps its brackets.
fn name(authority: &[u8]) -> &[u8] {
    &authority[..authority.len() - port_part(authority)]
}

fn port(authority: &[u8]) -> &[u8] {
    let part = port_part(authority);
    authority[authority.len() - part..]
        .strip_prefix(b":")
        .unwrap_or_default()
}

/// The length of `:port` at the end, 0 when there is none.
fn port_part(authority: &[u8]) -> usize {
    match authority.iter().rposition(|byte| !byte.is_ascii_digit()) {
        Some(colon) if authority[colon] == b':' => authority.len() - colon,
        _ => 0,
    }
}

fn is_loopback_name(host: &[u8]) -> bool {
    let name = name(host);
    if let Some(rest) = name.strip_prefix(b"127.") {
        // An address, not `127.evil.example`.
        return rest
            .iter()
            .all(|byte| byte.is_ascii_digit() || *byte == b'.');
    }
    let name = name.strip_suffix(b".").unwrap_or(name);
    name == b"[::1]"
        || name.eq_ignore_ascii_case(b"localhost")
        // RFC 6761 section 6.3: these are never looked up either.
        || name.len() > 10 && name[name.len() - 10..].eq_ignore_ascii_case(b".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(address: &str, allowed: &[&str]) -> Policy {
        let allowed: Vec<String> = allowed.iter().map(ToString::to_string).collect();
        Policy::new(&allowed, address.parse().unwrap())
    }

    #[test]
    fn an_origin_is_the_servers_own_if_it_is_how_the_request_calls_it() {
        let policy = policy("0.0.0.0:80", &[]);
        for (origin, host, expected) in [
            ("http://lab:8080", "lab:8080", Origin::Same),
            ("https://lab:8080", "lab:8080", Origin::Same),
            ("http://lab", "lab", Origin::Same),
            ("http://lab", "lab:80", Origin::Same),
            ("https://lab", "lab:443", Origin::Same),
            ("http://LAB:1", "lab:1", Origin::Same),
            ("http://[::1]:9", "[::1]:9", Origin::Same),
            ("http://[::1]", "[::1]:80", Origin::Same),
            ("http://lab", "lab:443", Origin::Foreign),
            ("https://lab", "lab:80", Origin::Foreign),
            ("http://lab:80801", "lab:8080", Origin::Foreign),
            ("http://lab.evil", "lab", Origin::Foreign),
            ("http://evil", "lab", Origin::Foreign),
            ("http://lab:8080/", "lab:8080", Origin::Foreign),
            ("http://lab@evil", "evil", Origin::Foreign),
            ("null", "lab", Origin::Foreign),
            ("", "lab", Origin::Foreign),
            ("http://", "", Origin::Foreign),
            ("lab", "lab", Origin::Foreign),
            ("file://lab", "lab", Origin::Foreign),
        ] {
            assert_eq!(
                policy.judge(origin.as_bytes(), host.as_bytes()),
                expected,
                "{origin} {host}"
            );
        }
    }

    #[test]
    fn an_allowed_origin_is_exact() {
        let policy = policy("127.0.0.1:1", &["http://page.example:3000/", "null"]);
        let judge = |origin: &str| policy.judge(origin.as_bytes(), b"127.0.0.1:1");
        assert_eq!(judge("http://page.example:3000"), Origin::Allowed);
        assert_eq!(judge("http://page.example"), Origin::Foreign);
        assert_eq!(judge("https://page.example:3000"), Origin::Foreign);
        assert_eq!(judge("null"), Origin::Foreign);
    }

    #[test]
    fn on_the_loopback_interface_only_its_own_names_count() {
        let policy = policy("127.0.0.1:1", &["http://lab.example:3000"]);
        for host in [
            "127.0.0.1:1",
            "localhost",
            "LOCALHOST:1",
            "127.0.1.9",
            "[::1]:1",
            "a.localhost:2",
            "localhost.",
            "lab.example:1",
        ] {
            assert!(policy.admits_host(host.as_bytes()), "{host}");
        }
        for host in [
            "evil.example",
            "127.evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil",
            "xlocalhost",
            "",
            "[::2]",
        ] {
            assert!(!policy.admits_host(host.as_bytes()), "{host}");
        }
        assert!(super::tests::policy("0.0.0.0:1", &[]).admits_host(b"evil.example"));
    }

    #[test]
    fn an_allow_list_takes_origins_only() {
        assert_eq!(check("http://localhost:3000"), Ok(()));
        for bad in [
            "localhost",
            "http://",
            "http://a/b",
            "http://*",
            "ftp://a",
            "null",
            "http://u@a",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
