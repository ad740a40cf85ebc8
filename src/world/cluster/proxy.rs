//! Which proxy, if any, stands between us and a server.

use std::collections::BTreeMap;
use std::net::IpAddr;

use hyper::Uri;

/// The proxy for a server: the one that was declared for it, else that of the environment, as Go's programs find it.
/// Fails with a URL that is none.
pub fn of(server: &Uri, declared: Option<&str>, env: &BTreeMap<String, String>) -> Result<Option<Uri>, String> {
    let is_plain = server.scheme_str() == Some("http");
    let names = if is_plain {
        ["HTTP_PROXY", "http_proxy"]
    } else {
        ["HTTPS_PROXY", "https_proxy"]
    };
    let host = server.host().unwrap_or_default();
    let url = match declared {
        Some(url) => url,
        None => match set(env, names).filter(|_| !is_direct(host, set(env, ["NO_PROXY", "no_proxy"]))) {
            Some(url) => url,
            None => return Ok(None),
        },
    };
    let whole = if url.contains("://") {
        url.to_owned()
    } else {
        format!("http://{url}")
    };
    whole.parse().map(Some).map_err(|_| url.to_owned())
}

fn set<'a>(env: &'a BTreeMap<String, String>, names: [&str; 2]) -> Option<&'a str> {
    let values = names.into_iter().filter_map(|name| env.get(name));
    values.map(String::as_str).find(|value| !value.is_empty())
}

/// Whether a host is reached without the environment's proxy. This machine always is.
fn is_direct(host: &str, exceptions: Option<&str>) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']').to_lowercase();
    let address: Option<IpAddr> = host.parse().ok();
    if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
        return true;
    }
    let entries = exceptions
        .unwrap_or_default()
        .split(',')
        .map(|entry| entry.trim().to_lowercase());
    entries.filter(|entry| !entry.is_empty()).any(|entry| match address {
        Some(address) => entry == "*" || entry == host || is_within(address, &entry),
        None => entry == "*" || names(&entry, &host),
    })
}

/// `example.com` names its subdomains too, `.example.com` only them.
fn names(entry: &str, host: &str) -> bool {
    let entry = entry.strip_prefix('*').unwrap_or(entry);
    match entry.strip_prefix('.') {
        Some(_) => host.ends_with(entry),
        None => host
            .strip_suffix(entry)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.')),
    }
}

/// Whether an address is one of a network such as `10.0.0.0/8`.
fn is_within(address: IpAddr, network: &str) -> bool {
    let Some((base, bits)) = network.split_once('/') else {
        return false;
    };
    let (Ok(base), Ok(bits)) = (base.parse::<IpAddr>(), bits.parse::<u32>()) else {
        return false;
    };
    let differing = match (address, base) {
        (IpAddr::V4(one), IpAddr::V4(other)) => (one.to_bits() ^ other.to_bits()).leading_zeros(),
        (IpAddr::V6(one), IpAddr::V6(other)) => (one.to_bits() ^ other.to_bits()).leading_zeros(),
        _ => return false,
    };
    differing >= bits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(server: &str, declared: Option<&str>, env: &[(&str, &str)]) -> Result<Option<String>, String> {
        let env = env
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let proxy = of(&server.parse().unwrap(), declared, &env.collect())?;
        Ok(proxy.map(|url| url.to_string()))
    }

    #[test]
    fn a_servers_proxy_is_the_declared_one_else_that_of_the_environment() {
        let env = [("HTTPS_PROXY", "http://p:1"), ("http_proxy", "q:2")];
        for (server, declared, expected) in [
            ("https://k.example.com", None, Some("http://p:1/")),
            ("http://k.example.com", None, Some("http://q:2/")),
            ("https://k.example.com", Some("socks5://s:3"), Some("socks5://s:3/")),
            ("https://localhost:6443", Some("socks5://s:3"), Some("socks5://s:3/")),
            ("https://localhost:6443", None, None),
            ("https://127.0.0.1:6443", None, None),
            ("https://[::1]:6443", None, None),
        ] {
            assert_eq!(
                found(server, declared, &env),
                Ok(expected.map(str::to_owned)),
                "{server}"
            );
        }
        assert_eq!(found("https://k.example.com", None, &[]), Ok(None));
        assert_eq!(
            found("https://k", Some("http://a b"), &[]),
            Err("http://a b".to_owned())
        );
    }

    #[test]
    fn exceptions_are_names_domains_addresses_and_networks() {
        for (server, exceptions, is_direct) in [
            ("https://k.example.com", "example.com", true),
            ("https://k.example.com", ".example.com", true),
            ("https://k.example.com", "*.example.com", true),
            ("https://example.com", ".example.com", false),
            ("https://notexample.com", "example.com", false),
            ("https://K.example.com:6443", "a, k.EXAMPLE.com", true),
            ("https://10.1.2.3:6443", "10.0.0.0/8", true),
            ("https://11.1.2.3:6443", "10.0.0.0/8", false),
            ("https://10.1.2.3:6443", "10.1.2.3", true),
            ("https://[fd00::1]:6443", "fd00::/8", true),
            ("https://10.1.2.3:6443", "fd00::/8", false),
            ("https://k", "*", true),
            ("https://k", "", false),
        ] {
            let env = [("HTTPS_PROXY", "http://p:1"), ("NO_PROXY", exceptions)];
            let proxy = found(server, None, &env).unwrap();
            assert_eq!(proxy.is_none(), is_direct, "{server} {exceptions}");
        }
    }
}
