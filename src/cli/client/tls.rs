//! Whom a connection trusts: the certificates that a server listed, or those of this machine.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::ClientError;
use crate::world::files;

/// Where systems keep the certificates that everybody trusts.
const SYSTEM_BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// A configuration that trusts the certificates of a PEM text, and nobody else.
pub fn config(roots: &[u8]) -> Result<ClientConfig, ClientError> {
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(roots) {
        let certificate =
            certificate.map_err(|error| ClientError::Config(format!("certificate-authority-data: {error}")))?;
        // A bundle of the system may hold one that this library does not read; the others still count.
        store.add_parsable_certificates([certificate]);
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| ClientError::Config(error.to_string()))?;
    Ok(builder.with_root_certificates(store).with_no_client_auth())
}

/// The certificates that this machine trusts, for what is fetched from elsewhere.
pub fn system_roots(variable: impl Fn(&str) -> Option<String>) -> Vec<u8> {
    let chosen = variable("SSL_CERT_FILE").into_iter();
    let paths = chosen.chain(SYSTEM_BUNDLES.into_iter().map(str::to_owned));
    paths
        .filter_map(|path| files::read(Path::new(&path)).ok())
        .next()
        .unwrap_or_default()
}
