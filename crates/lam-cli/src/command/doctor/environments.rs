//! What the environments are made of and this machine has not.

use lam_env::{Environments, Missing};
use serde_json::{Value, json};

/// What is missing, each with the environments that cannot be opened without it.
pub struct NotInstalled(Vec<(Missing, Vec<&'static str>)>);

impl NotInstalled {
    /// Of all environments that can be listed.
    pub fn of(environments: &Environments) -> Self {
        let mut found: Vec<(Missing, Vec<&'static str>)> = Vec::new();
        for name in environments.names() {
            for missing in environments.missing(name) {
                match found.iter_mut().find(|(known, _)| *known == missing) {
                    Some((_, names)) => names.push(name),
                    None => found.push((missing, vec![name])),
                }
            }
        }
        Self(found)
    }

    /// For machines.
    pub fn value(&self) -> Value {
        let one = |(missing, names): &(Missing, Vec<&str>)| json!({ "missing": missing.what, "hint": missing.hint, "environments": names });
        self.0.iter().map(one).collect()
    }

    /// For people: what is missing, then what to do, each once.
    pub fn lines(&self) -> Vec<(String, String)> {
        let told = self.0.iter().map(|(missing, names)| {
            ("not installed".to_owned(), format!("{}; {} cannot be used without it", missing.what, names.join(", ")))
        });
        let mut hints: Vec<&str> = Vec::new();
        for (missing, _) in &self.0 {
            if !hints.contains(&missing.hint) {
                hints.push(missing.hint);
            }
        }
        told.chain(hints.into_iter().map(|hint| ("hint".to_owned(), hint.to_owned()))).collect()
    }
}
