//! The names of environments elsewhere: `remote:ws://HOST:PORT/ws` for what is served, and `ufo-aip:HOST:PORT` for
//! UFO's devices, which dial in.

use std::path::{Path, PathBuf};

use lam_env::{Application, Environments, Provider, refuse_screenshots};
use lam_signal::{Failure, Secret};

use crate::{ClientSettings, Remote, UfoAip};

/// Start of the names of environments that are served elsewhere.
const REMOTE: &str = "remote:";
/// UFO's devices.
const AIP: &str = "ufo-aip";
/// Environment variable with the token that a served environment wants to be shown.
const REMOTE_TOKEN: &str = "LAM_REMOTE_TOKEN";
/// Environment variable with the token that UFO's devices must show.
const AIP_TOKEN: &str = "LAM_AIP_TOKEN";

/// Offers whatever answers at an address.
pub struct RemoteProvider;

impl Provider for RemoteProvider {
    fn crate_name(&self) -> &'static str {
        env!("CARGO_PKG_NAME")
    }

    fn names(&self) -> &'static [&'static str] {
        &[]
    }

    fn other_names(&self) -> &'static str {
        "remote:ws://HOST:PORT/ws for what is served elsewhere, ufo-aip:HOST:PORT for UFO's devices"
    }

    fn claims(&self, name: &str) -> bool {
        name.starts_with(REMOTE) || devices(name).is_some()
    }

    fn knows(&self, name: &str) -> bool {
        name.strip_prefix(REMOTE).is_none_or(|address| Remote::check_address(address).is_ok())
    }

    fn file_of(&self, name: &str) -> Option<PathBuf> {
        let (_, options) = devices(name)?.split_once('?')?;
        options.split('&').find_map(|option| option.strip_prefix("tasks=")).map(PathBuf::from)
    }

    fn open(
        &self,
        name: &str,
        screenshots: Option<&Path>,
        all: &Environments,
    ) -> Result<Box<dyn Application>, Failure> {
        refuse_screenshots(name, screenshots)?;
        match name.strip_prefix(REMOTE) {
            Some(address) => served(address, all),
            None => Ok(Box::new(UfoAip::parse(devices(name).unwrap_or_default(), Secret::of_variable(AIP_TOKEN))?)),
        }
    }
}

/// Where UFO's devices dial in, if the name asks for them.
fn devices(name: &str) -> Option<&str> {
    let address = name.strip_prefix(AIP)?;
    if address.is_empty() { Some("") } else { address.strip_prefix(':') }
}

/// An environment on a server; what is the same on this machine lends its documentation, wordings and expert.
fn served(address: &str, all: &Environments) -> Result<Box<dyn Application>, Failure> {
    let settings = ClientSettings { token: Secret::of_variable(REMOTE_TOKEN), ..ClientSettings::default() };
    let remote = Remote::connect(address, settings)?;
    // Only a registered name is looked up: a server may say anything.
    let twin = all.names().into_iter().find(|name| remote.served_as() == Some(name));
    Ok(Box::new(match twin.and_then(|name| all.open(name).ok()) {
        Some(twin) => remote.with_twin(twin),
        None => remote,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_name_their_file_of_tasks() {
        let name = "ufo-aip:0.0.0.0:5000?devices=2&tasks=word.toml";
        assert_eq!(RemoteProvider.file_of(name), Some("word.toml".into()));
        for name in ["ufo-aip:0.0.0.0:5000", "remote:ws://host/ws?tasks=x"] {
            assert_eq!(RemoteProvider.file_of(name), None, "{name}");
        }
    }
}
