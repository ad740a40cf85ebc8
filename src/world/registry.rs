//! Image registries, spoken to directly: what a tag stands for, images pushed without sending a blob twice, and images that
//! a team shares by what they were made from.
//!
//! `oci-client` gives the documents (manifests, error codes). Its client is not used: it hides `Retry-After`, takes no
//! identity tokens, treats "not mounted" as a fault, cuts uploads into small pieces, and wants a TLS provider for the
//! whole process.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::model::image::Reference;
use crate::world::docker::RegistryAuth;

mod blob;
mod challenge;
mod error;
mod known;
mod manifest;
mod push;
mod saved;
mod shared;
mod site;
#[cfg(test)]
mod tests;
mod tries;

pub use error::RegistryError;
pub use known::Descriptor;
pub use push::{Destination, Layer, News, Packed, Pushed};
pub use shared::{Look, Shared};
pub use site::Content;
pub use tries::Patience;

use known::Known;
use site::{Access, Site};

/// All registries, with what was learned about them. Cheap to copy.
#[derive(Clone)]
pub struct Registries(Arc<Inner>);

struct Inner {
    insecure: Vec<String>,
    patience: Patience,
    known: Known,
    /// A mutex, because builds run side by side; held for a look-up.
    sites: Mutex<HashMap<String, Arc<Site>>>,
    /// Which repositories of a host have which blobs; the same goes for it.
    seen: Mutex<HashMap<(String, String), BTreeSet<String>>>,
}

impl Registries {
    /// `insecure` are hosts (`name`, `name:port`, `10.0.0.0/8`) that may speak plain HTTP or show any certificate; this machine
    /// always may. Into `folder` goes what is remembered across runs.
    pub fn new(insecure: &[String], folder: &Path) -> Registries {
        Registries::patient(insecure, folder, Patience::default())
    }

    pub fn patient(insecure: &[String], folder: &Path, patience: Patience) -> Registries {
        Registries(Arc::new(Inner {
            insecure: insecure.to_vec(),
            patience,
            known: Known::at(folder),
            sites: Mutex::default(),
            seen: Mutex::default(),
        }))
    }

    /// The digest that a name has in its registry now; nothing where there is no such image.
    pub async fn digest(&self, name: &Reference, auth: &RegistryAuth) -> Result<Option<String>, RegistryError> {
        let site = self.site(name.domain())?;
        let access = Access {
            site: &site,
            repository: name.path(),
            auth,
            actions: "pull",
            sources: Vec::new(),
        };
        access.digest_of(tag_of(name)).await
    }

    fn site(&self, host: &str) -> Result<Arc<Site>, RegistryError> {
        let mut sites = self.0.sites.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(site) = sites.get(host) {
            return Ok(Arc::clone(site));
        }
        let site = Arc::new(Site::new(host, is_insecure(host, &self.0.insecure), self.0.patience)?);
        sites.insert(host.to_owned(), Arc::clone(&site));
        Ok(site)
    }

    /// The repositories of a host that are known to have a blob.
    fn owners(&self, host: &str, digest: &str) -> BTreeSet<String> {
        let seen = self.0.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (host.to_owned(), digest.to_owned());
        seen.get(&key).cloned().unwrap_or_default()
    }

    fn saw(&self, access: &Access<'_>, digest: &str) {
        let mut seen = self.0.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (access.site.host.clone(), digest.to_owned());
        seen.entry(key).or_default().insert(access.repository.to_owned());
    }

    /// The registry lost something: nothing that was seen there counts any more.
    fn forget(&self, host: &str) {
        let mut seen = self.0.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.retain(|(at, _), _| at != host);
    }
}

/// What comes behind the name.
fn tag_of(name: &Reference) -> &str {
    name.digest().or(name.tag()).unwrap_or("latest")
}

fn is_insecure(authority: &str, insecure: &[String]) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    let address: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
        return true;
    }
    insecure.iter().any(|rule| match (rule.split_once('/'), address) {
        (Some((network, bits)), Some(address)) => is_within(address, network, bits).unwrap_or(false),
        _ => rule == authority || rule == host,
    })
}

fn is_within(address: IpAddr, network: &str, bits: &str) -> Option<bool> {
    let bits: u32 = bits.parse().ok()?;
    Some(match (address, network.parse().ok()?) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            let shift = 32u32.checked_sub(bits)?;
            u32::from(address).checked_shr(shift) == u32::from(network).checked_shr(shift)
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            let shift = 128u32.checked_sub(bits)?;
            u128::from(address).checked_shr(shift) == u128::from(network).checked_shr(shift)
        }
        _ => false,
    })
}

/// No annotations.
fn bare() -> BTreeMap<String, String> {
    BTreeMap::new()
}
