//! The names of MiniWoB++'s pages among the environments: with clicks by script, or by the browser's own mouse.

use std::path::Path;

use lam_env::{Application, Environments, Missing, Provider, refuse_screenshots};
use lam_signal::Failure;

use crate::{Clicks, Parts, Web};

/// Offers `web` and `web-native`.
pub struct WebProvider;

impl Provider for WebProvider {
    fn crate_name(&self) -> &'static str {
        env!("CARGO_PKG_NAME")
    }

    fn names(&self) -> &'static [&'static str] {
        &["web", "web-native"]
    }

    fn about(&self, name: &str) -> &'static str {
        match name {
            "web-native" => "MiniWoB++'s pages in Chromium, with clicks by the browser's own mouse",
            _ => "MiniWoB++'s pages in Chromium, with clicks by script",
        }
    }

    fn families(&self, _name: &str) -> Vec<&'static str> {
        crate::family_names()
    }

    fn missing(&self, _name: &str) -> Vec<Missing> {
        Parts::missing()
    }

    fn open(&self, name: &str, screenshots: Option<&Path>, _: &Environments) -> Result<Box<dyn Application>, Failure> {
        refuse_screenshots(name, screenshots)?;
        Ok(Box::new(Web::find(if name == "web-native" { Clicks::Native } else { Clicks::Script })?))
    }
}
