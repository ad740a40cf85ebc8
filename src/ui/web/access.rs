//! Pure. Who may ask: allowed hosts, origins, and the token. Everything that is not allowed here is refused.

use core::net::IpAddr;

use subtle::ConstantTimeEq;

/// What a browser keeps the token in, and what a program sends it in.
pub const COOKIE: &str = "Tilt-Token";
pub const HEADER: &str = "X-Tilt-Token";

/// What the server lets in.
#[derive(Clone, Debug)]
pub struct Access {
    /// Names besides those that always mean this machine, in lower case.
    hosts: Vec<String>,
    addresses: Addresses,
    token: Option<String>,
}

/// Which addresses a client may name as the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Addresses {
    Loopback,
    /// The server listens on all of them. A page elsewhere can point its name at us, but not its address.
    All,
}

/// One request, as far as access is concerned.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    pub host: Option<&'a str>,
    pub origin: Option<&'a str>,
    /// `Sec-Fetch-Site`.
    pub site: Option<&'a str>,
    pub purpose: Purpose,
    /// The value of the header.
    pub header: Option<&'a str>,
    /// All cookies.
    pub cookies: Option<&'a str>,
    pub needs: Needs,
}

/// What the browser wants the answer for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// Somebody followed a link or typed the address: what a page elsewhere can make happen and never see.
    Visit,
    #[default]
    Other,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Needs {
    #[default]
    Nothing,
    Token,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    #[error("host not allowed: use localhost, or the name that `tilt up --host` was given")]
    Host,
    #[error("cross-origin request forbidden")]
    CrossOrigin,
    #[error("missing session token")]
    NoToken,
    #[error("invalid session token")]
    WrongToken,
}

impl Access {
    /// `host` is what the server was told to listen on; without a token everybody who is at the right host may ask.
    pub fn new(host: &str, others: &[String], token: Option<String>) -> Access {
        let is_any = host.is_empty() || address(host).is_some_and(|address| address.is_unspecified());
        let named = std::iter::once(host).chain(others.iter().map(String::as_str));
        Access {
            hosts: named.filter(|host| !host.is_empty()).map(canonical).collect(),
            addresses: if is_any { Addresses::All } else { Addresses::Loopback },
            token,
        }
    }

    /// What a browser is given with the page.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    pub fn check(&self, asked: &Asked) -> Result<(), Denied> {
        let host = asked.host.filter(|host| self.lets_in(host)).ok_or(Denied::Host)?;
        let is_ours = |origin: &str| authority(origin).is_some_and(|origin| origin.eq_ignore_ascii_case(host));
        if !asked.origin.is_none_or(is_ours) || !from_here(asked) {
            return Err(Denied::CrossOrigin);
        }
        match (&self.token, asked.needs) {
            (Some(token), Needs::Token) => present(token, asked),
            _ => Ok(()),
        }
    }

    /// Whether the `Host` that a client names is one of ours. A name that anybody could point at this machine is not.
    pub fn lets_in(&self, host: &str) -> bool {
        let Some(name) = without_port(host).map(canonical) else {
            return false;
        };
        if name == "localhost" || name.ends_with(".localhost") || self.hosts.contains(&name) {
            return true;
        }
        address(&name).is_some_and(|address| address.is_loopback() || self.addresses == Addresses::All)
    }
}

/// Browsers say whether the page that asks is ours. A sibling on another port is not.
fn from_here(asked: &Asked) -> bool {
    match asked.site {
        None | Some("same-origin" | "none") => true,
        Some(_) => asked.purpose == Purpose::Visit,
    }
}

fn present(token: &str, asked: &Asked) -> Result<(), Denied> {
    let mut shown = asked.header.into_iter().chain(cookies(asked.cookies)).peekable();
    if shown.peek().is_none() {
        return Err(Denied::NoToken);
    }
    // Other servers of this host may set a cookie of the same name, so each is looked at.
    if shown.any(|shown| same(token, shown)) {
        Ok(())
    } else {
        Err(Denied::WrongToken)
    }
}

/// Takes as long for a wrong one as for the right one.
pub fn same(secret: &str, shown: &str) -> bool {
    secret.as_bytes().ct_eq(shown.as_bytes()).into()
}

/// The values of our cookie.
fn cookies(header: Option<&str>) -> impl Iterator<Item = &str> {
    let pairs = header.unwrap_or_default().split(';');
    pairs.filter_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == COOKIE).then(|| value.trim_matches('"'))
    })
}

/// Host and port of an origin.
fn authority(origin: &str) -> Option<&str> {
    let rest = origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"))?;
    (!rest.is_empty() && !rest.contains(['/', '@', '?', '#'])).then_some(rest)
}

/// The host without its port; `None` for what is no host.
fn without_port(host: &str) -> Option<&str> {
    if host.is_empty() || host.contains(['/', '@', '?', '#', ' ', ',']) {
        return None;
    }
    let name = match host.strip_prefix('[') {
        Some(rest) => {
            let (name, port) = rest.split_once(']')?;
            (port.is_empty() || is_port(port.strip_prefix(':')?)).then_some(name)?
        }
        None => match host.rsplit_once(':') {
            Some((name, port)) => is_port(port).then_some(name)?,
            None => host,
        },
    };
    (!name.is_empty()).then_some(name)
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.parse::<u16>().is_ok()
}

/// Lower case, without the dot that ends a full name, and without the brackets of an address.
fn canonical(host: &str) -> String {
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host = inner.map_or(host.clone(), str::to_owned);
    address(&host).map_or(host, |address| address.to_string())
}

fn address(host: &str) -> Option<IpAddr> {
    host.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "2f1c0a4e";

    fn access() -> Access {
        Access::new("localhost", &["Dev.Example.com".to_owned()], Some(TOKEN.to_owned()))
    }

    fn at(host: &'static str) -> Asked<'static> {
        Asked {
            host: Some(host),
            ..Asked::default()
        }
    }

    #[test]
    fn only_names_that_mean_this_machine_are_let_in() {
        let allowed = [
            "localhost",
            "localhost:10350",
            "LOCALHOST:1",
            "localhost.",
            "web.localhost:10350",
            "127.0.0.1:10350",
            "127.8.9.1",
            "[::1]",
            "[::1]:10350",
            "dev.example.com:443",
        ];
        let refused = [
            "",
            "evil.com",
            "evil.com:10350",
            "localhost.evil.com",
            "127.0.0.1.nip.io",
            "xlocalhost",
            "192.168.1.7:10350",
            "localhost@evil.com",
            "evil.com/localhost",
            "[::1",
            "[::1]x",
            "::1",
            "localhost:x",
            "localhost:",
            "localhost, evil.com",
        ];
        for host in allowed {
            assert!(access().lets_in(host), "{host}");
        }
        for host in refused {
            assert!(!access().lets_in(host), "{host}");
        }
    }

    #[test]
    fn a_server_that_listens_everywhere_goes_by_addresses_and_still_by_no_foreign_name() {
        for host in ["0.0.0.0", "::", ""] {
            let access = Access::new(host, &[], None);
            assert!(access.lets_in("192.168.1.7:10350"), "{host}");
            assert!(access.lets_in("[fe80::1]:10350"), "{host}");
            assert!(!access.lets_in("evil.com"), "{host}");
        }
        let access = Access::new("192.168.1.7", &[], None);
        assert!(access.lets_in("192.168.1.7:10350"));
        assert!(!access.lets_in("192.168.1.8:10350"));
    }

    proptest::proptest! {
        #[test]
        fn no_foreign_name_is_let_in_however_it_is_written(start in ".{0,20}", port in "(:[0-9]{0,6})?") {
            let everywhere = Access::new("0.0.0.0", &[], None);
            for host in [format!("{start}.evil.com{port}"), format!("{start}evil.com.{port}")] {
                proptest::prop_assert!(!access().lets_in(&host), "{}", host);
                proptest::prop_assert!(!everywhere.lets_in(&host), "{}", host);
            }
        }

        #[test]
        fn whatever_comes_is_checked_without_a_panic(host in ".*", origin in ".*", cookies in ".*", header in ".*") {
            let asked = Asked {
                host: Some(&host),
                origin: Some(&origin),
                cookies: Some(&cookies),
                header: Some(&header),
                needs: Needs::Token,
                ..Asked::default()
            };
            proptest::prop_assert!(access().check(&asked).is_err());
        }
    }

    #[test]
    fn an_origin_has_to_be_the_host_with_its_port() {
        let checked = |origin| {
            let asked = Asked {
                origin: Some(origin),
                ..at("localhost:10350")
            };
            access().check(&asked)
        };
        assert_eq!(checked("http://localhost:10350"), Ok(()));
        assert_eq!(checked("https://LOCALHOST:10350"), Ok(()));
        let foreign = [
            "http://localhost:8000",
            "http://127.0.0.1:10350",
            "http://evil.com",
            "null",
            "",
            "file://localhost:10350",
            "http://localhost:10350@evil.com",
            "http://localhost:10350/",
        ];
        for origin in foreign {
            assert_eq!(checked(origin), Err(Denied::CrossOrigin), "{origin}");
        }
    }

    #[test]
    fn other_sites_may_link_to_the_page_and_do_nothing_else() {
        let checked = |site, purpose| {
            access().check(&Asked {
                site: Some(site),
                purpose,
                ..at("localhost")
            })
        };
        for site in ["same-origin", "none"] {
            assert_eq!(checked(site, Purpose::Other), Ok(()), "{site}");
        }
        for site in ["cross-site", "same-site", "whatever"] {
            assert_eq!(checked(site, Purpose::Other), Err(Denied::CrossOrigin), "{site}");
            assert_eq!(checked(site, Purpose::Visit), Ok(()), "{site}");
        }
    }

    #[test]
    fn the_token_comes_in_the_header_or_in_one_of_the_cookies() {
        let checked = |header, cookies| {
            access().check(&Asked {
                header,
                cookies,
                needs: Needs::Token,
                ..at("localhost")
            })
        };
        assert_eq!(checked(None, None), Err(Denied::NoToken));
        assert_eq!(
            checked(None, Some("other=1; Tilt-Tokens=2f1c0a4e")),
            Err(Denied::NoToken)
        );
        assert_eq!(checked(Some(TOKEN), None), Ok(()));
        assert_eq!(checked(None, Some("a=b; Tilt-Token=2f1c0a4e")), Ok(()));
        assert_eq!(checked(None, Some("Tilt-Token=wrong; Tilt-Token=2f1c0a4e")), Ok(()));
        for wrong in ["", "2f1c0a4", "2f1c0a4ee", "2F1C0A4E"] {
            assert_eq!(checked(Some(wrong), None), Err(Denied::WrongToken), "{wrong}");
        }
        assert_eq!(checked(None, Some("Tilt-Token=")), Err(Denied::WrongToken));
    }

    #[test]
    fn without_a_token_host_and_origin_are_checked_all_the_same() {
        let access = Access::new("localhost", &[], None);
        let asked = Asked {
            needs: Needs::Token,
            ..at("localhost")
        };
        assert_eq!(access.check(&asked), Ok(()));
        assert_eq!(access.check(&Asked { host: None, ..asked }), Err(Denied::Host));
        assert_eq!(
            access.check(&Asked {
                origin: Some("http://evil.com"),
                ..asked
            }),
            Err(Denied::CrossOrigin)
        );
    }
}
