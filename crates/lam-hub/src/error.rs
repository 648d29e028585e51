//! Why a model cannot be had from the hub, told with what to do about it.

use std::path::PathBuf;

use lam_store::StoreError;

/// Why a model cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// Not the name of a model.
    #[error(
        "`{text}` is no model on the hub: {reason}\nhint: write OWNER/NAME or OWNER/NAME@REVISION, or a directory that exists"
    )]
    Id {
        /// What was written.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An environment variable that cannot be used.
    #[error("{variable} = {value}: {reason}")]
    Setting {
        /// The variable.
        variable: &'static str,
        /// Its value.
        value: String,
        /// What is wrong, with a hint.
        reason: String,
    },
    /// The hub was not reached, or stopped answering.
    #[error(
        "{url}: {reason}\nhint: check the network and the proxy (HTTPS_PROXY), or name a mirror in HF_ENDPOINT; \
         what was downloaded is kept and the next try continues from there"
    )]
    Network {
        /// What was asked for.
        url: String,
        /// What happened.
        reason: String,
    },
    /// The hub wants to know who asks, or says no.
    #[error("{model}: the hub refuses with status {status}{}\nhint: {hint}", said(message))]
    Refused {
        /// The model.
        model: String,
        /// The HTTP status, 401 or 403.
        status: u16,
        /// What the hub said.
        message: String,
        /// What to do.
        hint: String,
    },
    /// There is no such model, revision or file.
    #[error("{model}: {what}{}\nhint: {hint}", said(message))]
    NotFound {
        /// The model.
        model: String,
        /// What is missing.
        what: String,
        /// What the hub said.
        message: String,
        /// What to do.
        hint: String,
    },
    /// An answer that cannot be understood, or a status that is not expected.
    #[error("{url}: {reason}\nhint: is HF_ENDPOINT a Hugging Face hub? try again later")]
    Answer {
        /// What was asked for.
        url: String,
        /// What is wrong with the answer.
        reason: String,
    },
    /// Bytes that are not those that the hub announced, twice.
    #[error("{}: {reason}\nhint: a proxy or mirror changes the files; try again, or another HF_ENDPOINT", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Size or hash, announced and found.
        reason: String,
    },
    /// A model without what is needed to use it.
    #[error("{model}: {reason}\nhint: {hint}")]
    Unusable {
        /// The model.
        model: String,
        /// What is missing.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// There is no room for the files.
    #[error(
        "{}: {needed_mib} MiB are to be downloaded and {free_mib} MiB are free\n\
         hint: free some space, or choose another place with HF_HOME or --output-dir",
        place.display()
    )]
    Space {
        /// Where they would go.
        place: PathBuf,
        /// How much is missing.
        needed_mib: u64,
        /// How much room there is.
        free_mib: u64,
    },
    /// A directory holds something else.
    #[error("{}: is there and is not the file of {model}\nhint: choose another --output-dir", path.display())]
    Occupied {
        /// The file.
        path: PathBuf,
        /// The model.
        model: String,
    },
    /// Nothing may be downloaded, and it is not in the cache.
    #[error(
        "{model}: not complete in {}, and HF_HUB_OFFLINE forbids the network\n\
         hint: unset HF_HUB_OFFLINE, or fetch it on a machine with network and copy the directory",
        cache.display()
    )]
    Offline {
        /// The model.
        model: String,
        /// The cache.
        cache: PathBuf,
    },
    /// A safetensors file whose header cannot be read.
    #[error("{file}: {reason}\nhint: the file is cut short or not a safetensors file; fetch it again")]
    Header {
        /// The file.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// The disk refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Somebody asked to stop.
    #[error("stopped; what was downloaded is kept and the next try continues from there")]
    Cancelled,
}

impl HubError {
    /// Whether another answer may come from the cache or from a later try.
    pub(crate) fn is_network(&self) -> bool {
        matches!(self, HubError::Network { .. })
    }
}

fn said(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(": {message}") }
}
