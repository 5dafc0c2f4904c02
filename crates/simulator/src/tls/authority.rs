//! The simulator's own certificate authority: made once, kept in a folder, trusted by whoever chooses to.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::DOMAINS;

const CERTIFICATE_FILE: &str = "ca.pem";
const KEY_FILE: &str = "ca.key";

/// What can go wrong with the authority's folder or keys.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorityError {
    /// A file of the authority could not be read or written.
    #[error("the certificate authority's file {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The stored key is not one of ours, or a certificate could not be made.
    #[error(
        "the certificate authority in {path} is unusable ({source}): remove {path} and a new one is made, to be trusted anew"
    )]
    Certificate {
        /// The authority's folder.
        path: PathBuf,
        /// What the certificate library said.
        source: rcgen::Error,
    },
    /// The TLS library refused the certificate.
    #[error("the certificate was refused: {0}")]
    Tls(#[from] rustls::Error),
}

/// A certificate authority that vouches for Zoom's hosts, for clients that were told to trust it.
///
/// Trust it in the one program under test (`NODE_EXTRA_CA_CERTS`, `SSL_CERT_FILE`, `REQUESTS_CA_BUNDLE`), never in a system's
/// store: whoever holds `ca.key` can pretend to be Zoom to those who trust it.
pub struct Authority {
    folder: PathBuf,
    certificate_pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

impl Authority {
    /// Opens the authority kept in `folder`, or makes one there (`ca.pem`, and `ca.key` readable by its owner alone).
    ///
    /// # Errors
    /// When the folder cannot be read or written, or holds something else.
    pub fn open(folder: &Path) -> Result<Self, AuthorityError> {
        let unusable = |source| AuthorityError::Certificate {
            path: folder.to_owned(),
            source,
        };
        let (certificate, key) = (folder.join(CERTIFICATE_FILE), folder.join(KEY_FILE));
        if certificate.exists() && key.exists() {
            let key_pair = KeyPair::from_pem(&read(&key)?).map_err(unusable)?;
            return Ok(Self {
                folder: folder.to_owned(),
                certificate_pem: read(&certificate)?,
                issuer: Issuer::new(authority_parameters().map_err(unusable)?, key_pair),
            });
        }
        std::fs::create_dir_all(folder).map_err(|source| AuthorityError::File {
            path: folder.to_owned(),
            source,
        })?;
        let key_pair = KeyPair::generate().map_err(unusable)?;
        let parameters = authority_parameters().map_err(unusable)?;
        let certificate_pem = parameters.self_signed(&key_pair).map_err(unusable)?.pem();
        write_private(&key, &key_pair.serialize_pem())?;
        std::fs::write(&certificate, &certificate_pem).map_err(|source| AuthorityError::File {
            path: certificate,
            source,
        })?;
        Ok(Self {
            folder: folder.to_owned(),
            certificate_pem,
            issuer: Issuer::new(parameters, key_pair),
        })
    }

    /// The authority's certificate in PEM form: what a client is given to trust.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The file that holds [`Authority::certificate_pem`].
    pub fn certificate_file(&self) -> PathBuf {
        self.folder.join(CERTIFICATE_FILE)
    }

    /// TLS settings with a fresh certificate for Zoom's hosts and for this machine.
    ///
    /// # Errors
    /// When a certificate cannot be made.
    pub fn server_config(&self) -> Result<Arc<ServerConfig>, AuthorityError> {
        let unusable = |source| AuthorityError::Certificate {
            path: self.folder.clone(),
            source,
        };
        let mut names: Vec<String> = DOMAINS
            .iter()
            .flat_map(|domain| [(*domain).to_owned(), format!("*.{domain}")])
            .collect();
        names.extend(["localhost", "127.0.0.1", "::1"].map(str::to_owned));
        let mut parameters = CertificateParams::new(names).map_err(unusable)?;
        parameters
            .distinguished_name
            .push(DnType::CommonName, "Parfocal simulator");
        parameters.use_authority_key_identifier_extension = true;
        parameters
            .key_usages
            .push(KeyUsagePurpose::DigitalSignature);
        parameters
            .extended_key_usages
            .push(ExtendedKeyUsagePurpose::ServerAuth);
        (parameters.not_before, parameters.not_after) =
            (date_time_ymd(2025, 1, 1), date_time_ymd(2045, 1, 1));
        let key = KeyPair::generate().map_err(unusable)?;
        let certificate = parameters.signed_by(&key, &self.issuer).map_err(unusable)?;
        let chain: Vec<CertificateDer<'static>> = vec![certificate.der().clone()];
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

fn authority_parameters() -> Result<CertificateParams, rcgen::Error> {
    let mut parameters = CertificateParams::new(Vec::<String>::new())?;
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters
        .distinguished_name
        .push(DnType::OrganizationName, "Parfocal simulator");
    parameters.distinguished_name.push(
        DnType::CommonName,
        "Parfocal simulator authority, for tests only",
    );
    parameters
        .key_usages
        .extend([KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign]);
    (parameters.not_before, parameters.not_after) =
        (date_time_ymd(2025, 1, 1), date_time_ymd(2045, 1, 1));
    Ok(parameters)
}

fn read(path: &Path) -> Result<String, AuthorityError> {
    std::fs::read_to_string(path).map_err(|source| AuthorityError::File {
        path: path.to_owned(),
        source,
    })
}

fn write_private(path: &Path, text: &str) -> Result<(), AuthorityError> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|source| AuthorityError::File {
            path: path.to_owned(),
            source,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_made_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let first = Authority::open(folder.path()).unwrap();
        let again = Authority::open(folder.path()).unwrap();
        assert_eq!(first.certificate_pem(), again.certificate_pem());
        again.server_config().unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn the_key_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        Authority::open(folder.path()).unwrap();
        let mode = std::fs::metadata(folder.path().join(KEY_FILE))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_broken_key_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        Authority::open(folder.path()).unwrap();
        std::fs::write(folder.path().join(KEY_FILE), "not a key").unwrap();
        let error = Authority::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains("remove"), "{error}");
    }
}
