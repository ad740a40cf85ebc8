//! Whose certificates are believed.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

/// Whose certificates a client believes.
#[derive(Clone, Debug)]
pub enum Trust {
    /// Anybody's: to find out whether a server answers, not who it is.
    Anybody,
    /// This authority's, in DER.
    Authority(CertificateDer<'static>),
    /// Those of the authorities of this machine, and of these.
    System(Vec<CertificateDer<'static>>),
}

impl Trust {
    /// This machine's authorities and those in some files, in PEM.
    pub fn system(files: &[PathBuf]) -> std::io::Result<Trust> {
        let mut more = Vec::new();
        for file in files {
            let broken = |error| std::io::Error::other(format!("{}: {error}", file.display()));
            for certificate in CertificateDer::pem_file_iter(file).map_err(broken)? {
                more.push(certificate.map_err(broken)?);
            }
        }
        Ok(Trust::System(more))
    }

    pub fn config(&self) -> Result<Arc<ClientConfig>, Error> {
        static ANYBODY: OnceLock<Arc<ClientConfig>> = OnceLock::new();
        match self {
            Trust::Anybody => {
                if let Some(config) = ANYBODY.get() {
                    return Ok(Arc::clone(config));
                }
                let config = Arc::new(credulous()?);
                Ok(Arc::clone(ANYBODY.get_or_init(|| config)))
            }
            Trust::Authority(authority) => Ok(Arc::new(strict([authority])?)),
            Trust::System(more) => Ok(Arc::new(strict(system().iter().chain(more))?)),
        }
    }
}

/// Read once. A machine without any trusts nobody, which the first connection says.
fn system() -> &'static [CertificateDer<'static>] {
    static SYSTEM: OnceLock<Vec<CertificateDer<'static>>> = OnceLock::new();
    SYSTEM.get_or_init(|| rustls_native_certs::load_native_certs().certs)
}

fn strict<'a>(authorities: impl IntoIterator<Item = &'a CertificateDer<'static>>) -> Result<ClientConfig, Error> {
    let mut roots = RootCertStore::empty();
    // One odd certificate among a hundred, as systems have them, takes nothing from the others.
    let (_, ignored) = roots.add_parsable_certificates(authorities.into_iter().cloned());
    if roots.is_empty() && ignored > 0 {
        return Err(Error::General("the authority's certificate cannot be read".to_owned()));
    }
    let versions = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?;
    Ok(versions.with_root_certificates(roots).with_no_client_auth())
}

fn credulous() -> Result<ClientConfig, Error> {
    let provider = Arc::new(ring::default_provider());
    let versions = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let verifier = Arc::new(Credulous(provider));
    Ok(versions
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth())
}

/// Believes any certificate, but not that somebody else's key goes with it.
#[derive(Debug)]
struct Credulous(Arc<CryptoProvider>);

impl ServerCertVerifier for Credulous {
    fn verify_server_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _stapled: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
