//! The environments, by name.

use std::path::Path;

use anyhow::bail;
use lam_env::{Application, GuardedApplication};
use lam_env_desktop::Desktop;
use lam_env_web::{Clicks, Web};

use crate::failure::Failure;

/// Start of the names of desktop applications: `desktop:writer`, or `desktop:` and the path of an application's file.
const DESKTOP: &str = "desktop:";

/// Names of the registered environments.
pub fn names() -> Vec<&'static str> {
    vec!["sim", "web", "web-native", "desktop:writer", "desktop:mousepad", "desktop:galculator"]
}

/// Whether an environment of this name can be asked for.
pub fn is_known(name: &str) -> bool {
    names().contains(&name) || (name.starts_with(DESKTOP) && name.ends_with(".toml"))
}

/// The environment called `name`.
pub fn application(name: &str) -> anyhow::Result<Box<dyn Application>> {
    with_screenshots(name, None)
}

/// The environment called `name`, which keeps pictures of its screens below `screenshots`.
pub fn with_screenshots(name: &str, screenshots: Option<&Path>) -> anyhow::Result<Box<dyn Application>> {
    if let Some(application) = name.strip_prefix(DESKTOP) {
        return desktop(application, screenshots);
    }
    if screenshots.is_some() {
        bail!(Failure::config(format!("environment `{name}` keeps no screenshots\nhint: desktop applications do")));
    }
    match name {
        "sim" => Ok(Box::new(lam_env_sim::Sim::new())),
        "web" => web(Clicks::Script),
        "web-native" => web(Clicks::Native),
        unknown => bail!(Failure::config(format!("unknown environment `{unknown}`\nhint: {}", hint()))),
    }
}

/// What can be asked for, as the end of a refusal.
pub fn hint() -> String {
    format!("registered are {}, and desktop:PATH for an application's own .toml file", names().join(", "))
}

/// MiniWoB++ in Chromium, with clicks by script or by the browser's own mouse.
fn web(clicks: Clicks) -> anyhow::Result<Box<dyn Application>> {
    Ok(Box::new(Web::find(clicks)?))
}

/// A Linux application on private desktops, behind the rules of its file.
fn desktop(application: &str, screenshots: Option<&Path>) -> anyhow::Result<Box<dyn Application>> {
    let desktop = Desktop::load(application).map_err(Failure::config)?;
    let rules = desktop.rules();
    let desktop = match screenshots {
        Some(folder) => desktop.with_screenshots(folder.to_owned()),
        None => desktop,
    };
    Ok(Box::new(GuardedApplication::new(Box::new(desktop), rules)))
}
