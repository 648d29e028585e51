//! Why there is no answer at all.

use lam_signal::{Details, Fault, FaultKind};

use crate::told::{plain, unsigned};

/// Why there is no answer. Addresses in it are without what stands behind `?`, which may be a signature.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// An environment variable that cannot be used.
    Setting {
        /// The variable.
        variable: String,
        /// Its value.
        value: String,
        /// What is wrong.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// Not an address, or a header that cannot be sent.
    Request {
        /// What was asked for.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// Nobody answered, or the connection broke; a later try may have more luck.
    Network {
        /// What was asked for.
        url: String,
        /// What happened.
        reason: String,
    },
    /// The server is not trusted.
    Untrusted {
        /// What was asked for.
        url: String,
        /// Why not.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// The proxy does not let it through.
    Proxy {
        /// What was asked for.
        url: String,
        /// The variable that names the proxy.
        variable: String,
    },
    /// Somebody asked to stop.
    Cancelled,
}

impl HttpError {
    /// The same with addresses as messages may tell them. Every error passes here on its way out.
    pub(crate) fn unsigned(self) -> Self {
        let cut = |url: String| plain(&url).to_owned();
        match self {
            HttpError::Request { url, reason } => HttpError::Request { url: cut(url), reason: unsigned(&reason) },
            HttpError::Network { url, reason } => HttpError::Network { url: cut(url), reason: unsigned(&reason) },
            HttpError::Untrusted { url, reason, hint } => {
                HttpError::Untrusted { url: cut(url), reason: unsigned(&reason), hint }
            }
            HttpError::Proxy { url, variable } => HttpError::Proxy { url: cut(url), variable },
            error @ (HttpError::Setting { .. } | HttpError::Cancelled) => error,
        }
    }
}

impl Fault for HttpError {
    fn kind(&self) -> FaultKind {
        match self {
            HttpError::Setting { .. } | HttpError::Request { .. } => FaultKind::Config,
            HttpError::Network { .. } | HttpError::Untrusted { .. } | HttpError::Proxy { .. } => FaultKind::Runtime,
            HttpError::Cancelled => FaultKind::Cancelled,
        }
    }

    fn details(&self) -> Details {
        match self {
            HttpError::Setting { variable, value, reason, hint } => {
                Details::new(variable).found(value).because(reason).hint(hint)
            }
            HttpError::Request { url, reason } => Details::default().at(url).because(reason),
            HttpError::Network { url, reason } => Details::default()
                .at(url)
                .because(reason)
                .hint("check the network and the proxy (https_proxy, http_proxy, all_proxy, no_proxy)"),
            HttpError::Untrusted { url, reason, hint } => Details::default().at(url).because(reason).hint(hint),
            HttpError::Proxy { url, variable } => Details::default()
                .at(url)
                .because(format!("the proxy that `{variable}` names asks for a name and a password (status 407)"))
                .hint(format!("write {variable}=http://NAME:PASSWORD@HOST:PORT, what is no letter in percent escapes")),
            HttpError::Cancelled => Details::new("stopped on request"),
        }
    }
}

lam_signal::display_details!(HttpError);
