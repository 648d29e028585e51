//! The editor's name among the environments.

use std::path::Path;

use lam_env::{Application, Environments, Provider, refuse_screenshots};
use lam_signal::Failure;

use crate::Sim;

/// Offers `sim`.
pub struct SimProvider;

impl Provider for SimProvider {
    fn crate_name(&self) -> &'static str {
        env!("CARGO_PKG_NAME")
    }

    fn names(&self) -> &'static [&'static str] {
        &["sim"]
    }

    fn about(&self, _name: &str) -> &'static str {
        "the embedded Word-like editor"
    }

    fn families(&self, _name: &str) -> Vec<&'static str> {
        crate::family_names()
    }

    fn open(&self, name: &str, screenshots: Option<&Path>, _: &Environments) -> Result<Box<dyn Application>, Failure> {
        refuse_screenshots(name, screenshots)?;
        Ok(Box::new(Sim::new()))
    }
}
