//! Whose word counts about who a server is: the authorities that a variable names, else the system's, else Mozilla's.

use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use rustls_native_certs::{CertificateResult, load_certs_from_paths, load_native_certs};

use crate::HttpError;

/// Variables that name a file of authorities, as OpenSSL, curl and Python's clients read them; the first that is set.
const FILES: [&str; 3] = ["SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"];
/// The variable that names folders of them.
const FOLDERS: &str = "SSL_CERT_DIR";

/// Who is trusted, and who says so.
#[derive(Clone)]
pub(crate) struct Authorities {
    /// Their certificates; none for Mozilla's.
    pub(crate) certificates: Vec<CertificateDer<'static>>,
    /// Where they come from, for a message.
    pub(crate) source: String,
}

impl Authorities {
    /// As the machine is set up.
    pub(crate) fn find(variable: &impl Fn(&str) -> Option<String>) -> Result<Self, HttpError> {
        let file = FILES.iter().find_map(|name| Some((*name, variable(name)?)));
        let folders = variable(FOLDERS);
        if file.is_none() && folders.is_none() {
            let certificates = load_native_certs().certs;
            let source = match certificates.len() {
                0 => "Mozilla's list, for want of the system's".into(),
                count => format!("the system's {count}"),
            };
            return Ok(Self { certificates, source });
        }
        let (mut found, mut sources) = (CertificateResult::default(), Vec::new());
        if let Some((name, path)) = &file {
            merge(&mut found, load_certs_from_paths(Some(Path::new(path)), None), (name, path))?;
            sources.push(format!("{name} = {path}"));
        }
        for folder in folders.iter().flat_map(|value| std::env::split_paths(value).collect::<Vec<PathBuf>>()) {
            let path = folder.display().to_string();
            merge(&mut found, load_certs_from_paths(None, Some(&folder)), (FOLDERS, &path))?;
            sources.push(format!("{FOLDERS} = {path}"));
        }
        Ok(Self { certificates: found.certs, source: format!("those of {}", sources.join(" and ")) })
    }
}

/// Adds what a file or folder holds; a variable that names nothing usable is a mistake.
fn merge(
    all: &mut CertificateResult,
    mut found: CertificateResult,
    (variable, value): (&str, &str),
) -> Result<(), HttpError> {
    if found.certs.is_empty() {
        let reason = found.errors.first().map_or_else(|| "there is no certificate in it".into(), ToString::to_string);
        return Err(HttpError::Setting {
            variable: variable.into(),
            value: value.into(),
            reason,
            hint: "name a PEM file with certificates of authorities (a folder in SSL_CERT_DIR), or unset it".into(),
        });
    }
    all.certs.append(&mut found.certs);
    Ok(())
}
