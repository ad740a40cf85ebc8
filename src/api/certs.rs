//! The server's certificate: made anew at every start, for this machine's own names only.
//!
//! The authority that signs it is thrown away at once: nobody can make a second certificate that our clients would trust.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use thiserror::Error;

use crate::world::files::FileError;

#[derive(Debug, Error)]
pub enum CertificateError {
    #[error("cannot make a certificate: {0}")]
    Making(#[from] rcgen::Error),
    #[error(transparent)]
    Keeping(#[from] FileError),
}

pub struct Certificate {
    pub chain: Vec<CertificateDer<'static>>,
    pub key: PrivateKeyDer<'static>,
    /// What clients have to trust.
    pub authority: String,
    pem: String,
    key_pem: String,
}

const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

impl Certificate {
    pub fn make() -> Result<Certificate, CertificateError> {
        let authority_key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "tilt authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let authority = params.self_signed(&authority_key)?;
        let issuer = Issuer::new(params, authority_key);

        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(NAMES.map(String::from))?;
        params.distinguished_name.push(DnType::CommonName, "tilt");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let leaf = params.signed_by(&key, &issuer)?;
        Ok(Certificate {
            chain: vec![leaf.der().clone(), authority.der().clone()],
            key: PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
            authority: authority.pem(),
            pem: leaf.pem() + &authority.pem(),
            key_pem: key.serialize_pem(),
        })
    }

    /// Keeps certificate and key as `<host>_<port>.crt` and `.key`; those of earlier starts go.
    pub fn keep(&self, folder: &Path, host: &str, port: u16) -> Result<(), CertificateError> {
        let failed = |operation, path: &Path, source| FileError::new(operation, path, source);
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder
            .create(folder)
            .map_err(|source| failed("mkdir", folder, source))?;
        for entry in fs::read_dir(folder)
            .map_err(|source| failed("open", folder, source))?
            .flatten()
        {
            let is_ours = entry.path().extension().is_some_and(|end| end == "crt" || end == "key");
            if is_ours {
                fs::remove_file(entry.path()).map_err(|source| failed("remove", &entry.path(), source))?;
            }
        }
        for (end, text) in [("crt", &self.pem), ("key", &self.key_pem)] {
            let path = folder.join(format!("{host}_{port}.{end}"));
            let mut options = fs::OpenOptions::new();
            options.write(true).create_new(true).mode(0o600);
            let written = options.open(&path).and_then(|mut file| file.write_all(text.as_bytes()));
            written.map_err(|source| failed("write", &path, source))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn keys_are_private_and_only_those_of_this_start_are_kept() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("certs/tilt-default");
        let certificate = Certificate::make().unwrap();
        certificate.keep(&folder, "127.0.0.1", 1).unwrap();
        certificate.keep(&folder, "127.0.0.1", 2).unwrap();
        let mut names: Vec<_> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        assert_eq!(names, ["127.0.0.1_2.crt", "127.0.0.1_2.key"]);
        let mode = fs::metadata(folder.join("127.0.0.1_2.key"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
