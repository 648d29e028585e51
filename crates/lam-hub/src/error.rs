//! Why a model cannot be had from the hub, or not be sent to it, told with what to do about it.

use std::path::PathBuf;

use lam_http::{HttpError, Wait};
use lam_signal::{Details, Fault, FaultKind};
use lam_store::StoreError;
use lam_weights::WeightsError;

/// Why a model cannot be had, or not be sent.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// Not the name of a model.
    Id {
        /// What was written.
        text: String,
        /// What is wrong with it.
        reason: String,
        /// What to write instead.
        hint: &'static str,
    },
    /// An environment variable that cannot be used.
    Setting {
        /// The variable.
        variable: &'static str,
        /// Its value.
        value: String,
        /// What is wrong.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// The hub was not reached, or stopped answering.
    Network {
        /// What was asked for.
        url: String,
        /// What happened.
        reason: String,
        /// How long the hub asks to wait.
        wait: Option<Wait>,
    },
    /// The hub asks for a longer wait than there is time for.
    Busy {
        /// What was asked for.
        url: String,
        /// How long, and how long is waited.
        reason: String,
    },
    /// The hub cannot be asked from here.
    Http(HttpError),
    /// The hub wants to know who asks, or says no.
    Refused {
        /// The model or data set.
        model: String,
        /// The HTTP status: 401 or 403, of an upload any other that is no failure of the moment.
        status: u16,
        /// What the hub said.
        message: String,
        /// What to do.
        hint: String,
    },
    /// There is no such model, revision or file.
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
    Answer {
        /// What was asked for.
        url: String,
        /// What is wrong with the answer.
        reason: String,
    },
    /// Bytes that are not those that the hub announced, twice.
    Damaged {
        /// The file.
        path: PathBuf,
        /// Size or hash, announced and found.
        reason: String,
    },
    /// A model without what is needed to use it.
    Unusable {
        /// The model.
        model: String,
        /// What is missing.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// There is no room for the files.
    Space {
        /// Where they would go.
        place: PathBuf,
        /// How much is missing.
        needed_mib: u64,
        /// How much room there is.
        free_mib: u64,
        /// The option or the variable that names another place.
        named_by: &'static str,
    },
    /// A directory holds something else.
    Occupied {
        /// The file.
        path: PathBuf,
        /// The model.
        model: String,
    },
    /// Nothing may be downloaded, and it is not in the cache.
    Offline {
        /// The model.
        model: String,
        /// The cache.
        cache: PathBuf,
    },
    /// Nobody is named who sends.
    NoToken {
        /// Where a token is made.
        page: String,
    },
    /// Files that must not be sent.
    Unsendable {
        /// Each with the reason.
        files: Vec<String>,
        /// What to do.
        hint: &'static str,
    },
    /// A directory without a file that could be sent.
    Nothing {
        /// The directory.
        directory: PathBuf,
    },
    /// A file that became another one while it was being sent.
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// A repository that everybody can read, where a private one is asked for.
    Public {
        /// The repository.
        repository: String,
        /// Where that is changed.
        page: String,
    },
    /// After the commit, the hub lists other files than were sent.
    Differs {
        /// The repository.
        repository: String,
        /// Each file with what differs.
        files: Vec<String>,
    },
    /// Files of weights that are not what they should be.
    Weights(#[from] WeightsError),
    /// The disk refuses.
    Store(#[from] StoreError),
    /// Somebody asked to stop.
    Cancelled,
}

impl HubError {
    /// Whether a later try may have more luck.
    pub(crate) fn is_network(&self) -> bool {
        matches!(self, HubError::Network { .. })
    }

    /// Whether the cache may do instead.
    pub(crate) fn is_out_of_reach(&self) -> bool {
        let is_other = matches!(
            self,
            HubError::Busy { .. }
                | HubError::Answer { .. }
                | HubError::Http(HttpError::Untrusted { .. } | HttpError::Proxy { .. })
        );
        is_other || self.is_network()
    }
}

impl Fault for HubError {
    /// A hub that cannot be reached is a failure of the moment; a model that is not there is data.
    fn kind(&self) -> FaultKind {
        match self {
            HubError::Id { .. } | HubError::Setting { .. } | HubError::NoToken { .. } | HubError::Public { .. } => {
                FaultKind::Config
            }
            HubError::Cancelled => FaultKind::Cancelled,
            HubError::Http(error) => error.kind(),
            HubError::Network { .. }
            | HubError::Busy { .. }
            | HubError::Answer { .. }
            | HubError::Space { .. }
            | HubError::Changed { .. }
            | HubError::Differs { .. } => FaultKind::Runtime,
            HubError::Store(error) => error.kind(),
            HubError::Weights(error) => error.kind(),
            _ => FaultKind::Data,
        }
    }

    fn details(&self) -> Details {
        match self {
            HubError::Id { text, reason, hint } => {
                Details::new(format!("`{text}` is no model on the hub")).because(reason).hint(hint)
            }
            HubError::Setting { variable, value, reason, hint } => {
                Details::new(variable).found(value).because(reason).hint(hint)
            }
            HubError::Network { url, reason, .. } => Details::default().at(url).because(reason).hint(
                "check the network and the proxy (https_proxy, all_proxy, no_proxy), or name a mirror in HF_ENDPOINT; \
                 what has come through is kept and the next try continues from there",
            ),
            HubError::Busy { url, reason } => Details::default()
                .at(url)
                .because(reason)
                .hint("come back then; what has come through is kept and the next try continues from there"),
            HubError::Http(error) => error.details(),
            HubError::Refused { model, status, message, hint } => {
                Details::new(format!("the hub refuses with status {status}")).at(model).because(message).hint(hint)
            }
            HubError::NotFound { model, what, message, hint } => {
                Details::new(what).at(model).because(message).hint(hint)
            }
            HubError::Answer { url, reason } => {
                Details::default().at(url).because(reason).hint("is HF_ENDPOINT a Hugging Face hub? try again later")
            }
            HubError::Damaged { path, reason } => Details::default()
                .at(path.display())
                .because(reason)
                .hint("a proxy or mirror changes the files; try again, or another HF_ENDPOINT"),
            HubError::Unusable { model, reason, hint } => Details::default().at(model).because(reason).hint(hint),
            HubError::Space { place, needed_mib, free_mib, named_by } => {
                Details::new(format!("{needed_mib} MiB are to be downloaded and {free_mib} MiB are free"))
                    .at(place.display())
                    .hint(format!("free some space, or choose another place with {named_by}"))
            }
            HubError::Occupied { path, model } => Details::new(format!("is there and is not the file of {model}"))
                .at(path.display())
                .hint("choose another --output-dir"),
            HubError::Offline { model, cache } => {
                Details::new(format!("not complete in {}, and HF_HUB_OFFLINE forbids the network", cache.display()))
                    .at(model)
                    .hint("unset HF_HUB_OFFLINE, or fetch it on a machine with network and copy the directory")
            }
            HubError::NoToken { page } => Details::new("an upload needs a token").hint(format!(
                "make one that may write at {page}, and set HF_TOKEN to it or keep it with `hf auth login`"
            )),
            HubError::Unsendable { files, hint } => {
                Details::new(format!("nothing is sent: {}", files.join("; "))).hint(hint)
            }
            HubError::Nothing { directory } => {
                Details::new("holds no file that could be sent").at(directory.display()).hint("name another directory")
            }
            HubError::Changed { path } => Details::new("was changed while it was being sent; nothing was published")
                .at(path.display())
                .hint("wait until whatever writes it is done, and send again"),
            HubError::Public { repository, page } => {
                Details::new("is there and public, and --private was asked for; nothing was sent")
                    .at(repository)
                    .hint(format!("make it private at {page}, choose another name, or leave out --private"))
            }
            HubError::Differs { repository, files } => {
                Details::new(format!("the hub has not what was sent: {}", files.join("; ")))
                    .at(repository)
                    .hint("send again: what differs is sent anew")
            }
            HubError::Weights(error) => error.details(),
            HubError::Store(error) => error.details(),
            HubError::Cancelled => {
                Details::new("stopped; what has come through is kept and the next try continues from there")
            }
        }
    }
}

lam_signal::display_details!(HubError);
