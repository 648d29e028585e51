//! What keeps a remote environment from being reached or served.

/// Why an address, a token, a listener or a remote cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// Not an address of this kind.
    #[error("`{text}`: {reason}\nhint: {hint}")]
    Address {
        /// As it was written.
        text: String,
        /// What is wrong with it.
        reason: String,
        /// What it looks like.
        hint: &'static str,
    },
    /// The token is to come from a variable that holds none.
    #[error("environment variable `{variable}` holds no token\nhint: export {variable}=… first")]
    NoToken {
        /// Its name.
        variable: String,
    },
    /// Listening where others can connect, without a token.
    #[error("`{host}` can be reached from other machines, and no token is set\nhint: {hint}")]
    Unprotected {
        /// What was to be bound.
        host: String,
        /// How a token is given.
        hint: &'static str,
    },
    /// The port is taken, or the host is not this machine's.
    #[error("cannot listen on {address}: {source}\nhint: choose another port or host")]
    Bind {
        /// What was to be bound.
        address: String,
        /// Why not.
        source: std::io::Error,
    },
    /// Nobody answers, or not as an environment does.
    #[error("no environment answers at {url}: {reason}\nhint: {hint}")]
    Unreachable {
        /// Where.
        url: String,
        /// What happened.
        reason: String,
        /// What may help.
        hint: &'static str,
    },
    /// An environment whose actions and observations are not ours.
    #[error("{url} speaks {found} of the action schema, this program speaks version {known}\nhint: {hint}")]
    Version {
        /// Where.
        url: String,
        /// `version 2`, or `no version`.
        found: String,
        /// Ours.
        known: u32,
        /// What may help.
        hint: &'static str,
    },
    /// A file of tasks that cannot be used.
    #[error("{file}: {reason}\nhint: {hint}")]
    Tasks {
        /// The file.
        file: String,
        /// What is wrong with it, with the line where it is known.
        reason: String,
        /// What belongs there.
        hint: &'static str,
    },
}

impl RemoteError {
    /// Whether somebody wrote something wrong, as opposed to a network that failed.
    pub fn is_config(&self) -> bool {
        !matches!(self, RemoteError::Bind { .. } | RemoteError::Unreachable { .. } | RemoteError::Version { .. })
    }
}
