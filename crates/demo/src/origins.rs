//! The demo's own origins: its pages talk to servers on other ports, which are other origins, and those let exactly these in.

use std::net::{IpAddr, SocketAddr};

/// The addresses of this machine's interfaces; none if the kernel doesn't tell. Those that hold on one link alone have no place in a URL.
pub(crate) fn interfaces() -> Vec<IpAddr> {
    let Ok(interfaces) = nix::ifaddrs::getifaddrs() else {
        return Vec::new();
    };
    let ips = interfaces.filter_map(|interface| {
        let address = interface.address?;
        let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
        v4.or_else(|| Some(IpAddr::V6(address.as_sockaddr_in6()?.ip())))
    });
    ips.filter(|ip| !matches!(ip, IpAddr::V6(v6) if v6.is_unicast_link_local()))
        .collect()
}

/// Every origin that a page of a demo at `listen` can have: on loopback its three names, on one address that address, on all addresses those in
/// `interfaces`.
pub(crate) fn of(listen: SocketAddr, interfaces: &[IpAddr]) -> Vec<String> {
    let port = listen.port();
    let origin = |host: &str| match port {
        // Browsers leave the scheme's own port out (RFC 6454 section 6.2).
        80 => format!("http://{host}"),
        port => format!("http://{host}:{port}"),
    };
    let ip = listen.ip();
    let loopback = ["127.0.0.1", "localhost", "[::1]"];
    if ip.is_loopback() {
        let own = name(ip);
        let others = (!loopback.contains(&own.as_str())).then(|| origin(&own));
        return loopback.map(origin).into_iter().chain(others).collect();
    }
    if !ip.is_unspecified() {
        return vec![origin(&name(ip))];
    }
    let reachable = interfaces
        .iter()
        .filter(|address| ip.is_ipv6() || address.is_ipv4())
        .map(|address| origin(&name(*address)));
    let mut all: Vec<String> = loopback.map(origin).into_iter().chain(reachable).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// As it stands in a URL.
fn name(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins(listen: &str, interfaces: &[&str]) -> Vec<String> {
        let interfaces: Vec<IpAddr> = interfaces.iter().map(|ip| ip.parse().unwrap()).collect();
        of(listen.parse().unwrap(), &interfaces)
    }

    #[test]
    fn loopback_has_three_names() {
        let three = [
            "http://127.0.0.1:7000",
            "http://localhost:7000",
            "http://[::1]:7000",
        ];
        assert_eq!(origins("127.0.0.1:7000", &["10.0.0.7"]), three);
        assert_eq!(origins("[::1]:7000", &[]), three);
        assert_eq!(origins("127.0.0.9:7000", &[])[3], "http://127.0.0.9:7000");
    }

    #[test]
    fn an_address_is_itself_and_all_addresses_are_those_of_the_machine() {
        assert_eq!(
            origins("10.0.0.7:80", &["10.0.0.7", "10.0.0.8"]),
            ["http://10.0.0.7"]
        );
        let all = origins("0.0.0.0:1", &["127.0.0.1", "10.0.0.7", "fe80::1"]);
        assert!(all.contains(&"http://10.0.0.7:1".to_owned()));
        assert!(all.contains(&"http://localhost:1".to_owned()));
        assert_eq!(all.len(), 4);
        assert!(
            origins("[::]:1", &["10.0.0.7", "fd00::1"]).contains(&"http://[fd00::1]:1".to_owned())
        );
    }
}
