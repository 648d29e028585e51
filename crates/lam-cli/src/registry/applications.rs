//! The environments, by name.

use anyhow::bail;
use lam_env::Application;
use lam_env_web::{Clicks, Web};

use crate::failure::Failure;

/// Names of the registered environments.
pub fn names() -> Vec<&'static str> {
    vec!["sim", "web", "web-native"]
}

/// The application of the environment called `name`.
pub fn application(name: &str) -> anyhow::Result<Box<dyn Application>> {
    match name {
        "sim" => Ok(Box::new(lam_env_sim::Sim::new())),
        "web" => web(Clicks::Script),
        "web-native" => web(Clicks::Native),
        unknown => bail!(Failure::config(format!(
            "unknown environment `{unknown}`\nhint: registered are {}",
            names().join(", ")
        ))),
    }
}

/// MiniWoB++ in Chromium, with clicks by script or by the browser's own mouse.
fn web(clicks: Clicks) -> anyhow::Result<Box<dyn Application>> {
    Ok(Box::new(Web::find(clicks)?))
}
