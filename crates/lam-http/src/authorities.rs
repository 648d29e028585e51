//! Whose word counts about who a server is: the authorities that a variable names, else the system's, else Mozilla's.

use std::path::Path;

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
        let mut named = Vec::new();
        if let Some((name, path)) = file {
            let found = load_certs_from_paths(Some(Path::new(&path)), None);
            named.push((name, path, found));
        }
        for folder in folders.iter().flat_map(std::env::split_paths) {
            named.push((FOLDERS, folder.display().to_string(), load_certs_from_paths(None, Some(&folder))));
        }
        Self::of(named)
    }

    /// All that the variables name. Some of it may be missing, as on systems that set them for every place there could
    /// be; all of it is a mistake.
    fn of(named: Vec<(&'static str, String, CertificateResult)>) -> Result<Self, HttpError> {
        let (mut certificates, mut sources, mut fault) = (Vec::new(), Vec::new(), None);
        for (variable, value, mut found) in named {
            if found.certs.is_empty() {
                let reason = found.errors.first().map(ToString::to_string);
                fault.get_or_insert((variable, value, reason));
                continue;
            }
            certificates.append(&mut found.certs);
            sources.push(format!("{variable} = {value}"));
        }
        match fault.filter(|_| certificates.is_empty()) {
            None => Ok(Self { certificates, source: format!("those of {}", sources.join(" and ")) }),
            Some((variable, value, reason)) => Err(HttpError::Setting {
                variable: variable.into(),
                value,
                reason: reason.unwrap_or_else(|| "there is no certificate in it".into()),
                hint: "name a PEM file with certificates of authorities (a folder in SSL_CERT_DIR), or unset it".into(),
            }),
        }
    }
}
