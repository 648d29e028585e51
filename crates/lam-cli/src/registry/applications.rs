//! The environments, by name.

use std::path::{Path, PathBuf};

use lam_env::{Application, GuardedApplication};
use lam_env_desktop::Desktop;
use lam_env_remote::{ClientSettings, Remote, Secret, UfoAip};
use lam_env_web::{Clicks, Web};
use lam_signal::Failure;

/// Start of the names of desktop applications: `desktop:writer`, or `desktop:` and the path of an application's file.
const DESKTOP: &str = "desktop:";
/// Start of the names of environments that are served elsewhere: `remote:ws://HOST:PORT/ws`.
const REMOTE: &str = "remote:";
/// UFO's devices, which dial in: `ufo-aip:HOST:PORT`.
const AIP: &str = "ufo-aip";
/// Environment variable with the token that a served environment wants to be shown.
const REMOTE_TOKEN: &str = "LAM_REMOTE_TOKEN";
/// Environment variable with the token that UFO's devices must show.
const AIP_TOKEN: &str = "LAM_AIP_TOKEN";

/// Names of the registered environments.
pub fn names() -> Vec<&'static str> {
    vec!["sim", "web", "web-native", "desktop:writer", "desktop:mousepad", "desktop:galculator"]
}

/// Whether an environment of this name can be asked for.
pub fn is_known(name: &str) -> bool {
    names().contains(&name)
        || (name.starts_with(DESKTOP) && name.ends_with(".toml"))
        || name.strip_prefix(REMOTE).is_some_and(|address| Remote::check_address(address).is_ok())
        || devices(name).is_some()
}

/// The file that describes what an environment of this name is, where one is named.
pub fn file_of(name: &str) -> Option<PathBuf> {
    if let Some(application) = name.strip_prefix(DESKTOP) {
        return application.ends_with(".toml").then(|| application.into());
    }
    let (_, options) = devices(name)?.split_once('?')?;
    options.split('&').find_map(|option| option.strip_prefix("tasks=")).map(PathBuf::from)
}

/// Where UFO's devices dial in, if the name asks for them.
fn devices(name: &str) -> Option<&str> {
    let address = name.strip_prefix(AIP)?;
    if address.is_empty() { Some("") } else { address.strip_prefix(':') }
}

/// The environment called `name`.
pub fn application(name: &str) -> Result<Box<dyn Application>, Failure> {
    with_screenshots(name, None)
}

/// The environment called `name`, which keeps pictures of its screens below `screenshots`.
pub fn with_screenshots(name: &str, screenshots: Option<&Path>) -> Result<Box<dyn Application>, Failure> {
    if let Some(application) = name.strip_prefix(DESKTOP) {
        return desktop(application, screenshots);
    }
    if screenshots.is_some() {
        return Err(
            Failure::config(format!("environment `{name}` keeps no screenshots")).hint("desktop applications do")
        );
    }
    if let Some(address) = name.strip_prefix(REMOTE) {
        return remote(address);
    }
    if let Some(address) = devices(name) {
        return Ok(Box::new(UfoAip::parse(address, Secret::find(AIP_TOKEN))?));
    }
    match name {
        "sim" => Ok(Box::new(lam_env_sim::Sim::new())),
        "web" => web(Clicks::Script),
        "web-native" => web(Clicks::Native),
        unknown => Err(Failure::config(format!("unknown environment `{unknown}`")).hint(hint())),
    }
}

/// What can be asked for, as the end of a refusal.
pub fn hint() -> String {
    format!(
        "registered are {}, desktop:PATH for an application's own .toml file, remote:ws://HOST:PORT/ws for what is \
         served elsewhere, and {AIP}:HOST:PORT for UFO's devices",
        names().join(", ")
    )
}

/// MiniWoB++ in Chromium, with clicks by script or by the browser's own mouse.
fn web(clicks: Clicks) -> Result<Box<dyn Application>, Failure> {
    Ok(Box::new(Web::find(clicks)?))
}

/// A Linux application on private desktops, behind the rules of its file.
fn desktop(application: &str, screenshots: Option<&Path>) -> Result<Box<dyn Application>, Failure> {
    let desktop = Desktop::load(application).map_err(Failure::config)?;
    let rules = desktop.rules();
    let desktop = match screenshots {
        Some(folder) => desktop.with_screenshots(folder.to_owned()),
        None => desktop,
    };
    Ok(Box::new(GuardedApplication::new(Box::new(desktop), rules)))
}

/// An environment on a server; what is the same on this machine lends its documentation, wordings and expert.
fn remote(address: &str) -> Result<Box<dyn Application>, Failure> {
    let settings = ClientSettings { token: Secret::find(REMOTE_TOKEN), ..ClientSettings::default() };
    let remote = Remote::connect(address, settings)?;
    // Only a registered name is looked up: a server may say anything.
    let twin =
        names().into_iter().find(|name| remote.served_as() == Some(name)).and_then(|name| application(name).ok());
    Ok(Box::new(match twin {
        Some(twin) => remote.with_twin(twin),
        None => remote,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_names_its_file() {
        assert_eq!(file_of("desktop:apps/own.toml"), Some("apps/own.toml".into()));
        assert_eq!(file_of("ufo-aip:0.0.0.0:5000?devices=2&tasks=word.toml"), Some("word.toml".into()));
        for name in ["sim", "desktop:writer", "ufo-aip:0.0.0.0:5000", "remote:ws://host/ws?tasks=x"] {
            assert_eq!(file_of(name), None, "{name}");
        }
    }
}
