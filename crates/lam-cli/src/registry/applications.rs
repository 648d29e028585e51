//! The environments, by name.

use anyhow::bail;
use lam_env::Application;

/// Names of the registered environments.
pub fn names() -> Vec<&'static str> {
    vec!["sim"]
}

/// The application of the environment called `name`.
pub fn application(name: &str) -> anyhow::Result<Box<dyn Application>> {
    match name {
        "sim" => Ok(Box::new(lam_env_sim::Sim::new())),
        unknown => bail!(crate::failure::Failure::config(format!(
            "unknown environment `{unknown}`\nhint: registered are {}",
            names().join(", ")
        ))),
    }
}
