//! The kinds of stages that a pipeline may name, the environments that they may act in, and the code of both.

use std::collections::BTreeMap;

use lam_config::{Range, nearest};
use lam_env::Environments;
use schemars::Schema;
use toml::Table;

use crate::code::Code;
use crate::kind::Kind;
use crate::page::{helps, page, ranges};
use crate::stage::{InputSpec, Stage};

/// The kinds of stages that a pipeline may name.
#[derive(Default)]
pub struct Registry {
    kinds: BTreeMap<&'static str, Box<dyn Kind>>,
    former: BTreeMap<&'static str, &'static str>,
    pub(crate) environments: Environments,
    pub(crate) code: Code,
}

impl Registry {
    /// Knows no kind yet; stages may act in these environments, and `code` says what the crates are made of.
    pub fn new(environments: Environments, code: Code) -> Self {
        Self { kinds: BTreeMap::new(), former: BTreeMap::new(), environments, code }
    }

    /// With a kind; a later one of the same name replaces it.
    pub fn with(mut self, stage: impl Stage) -> Self {
        self.kinds.insert(stage.kind(), Box::new(stage));
        self
    }

    /// With a name that a kind once had: files and finished runs that bear it are still understood.
    pub fn formerly(mut self, former: &'static str, kind: &'static str) -> Self {
        self.former.insert(former, kind);
        self
    }

    /// The environments.
    pub fn environments(&self) -> &Environments {
        &self.environments
    }

    /// Every kind, sorted.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.kinds.keys().copied()
    }

    /// What the model that a stage of this kind makes is called, if it makes one.
    pub fn model_name(&self, kind: &str) -> Option<&'static str> {
        self.get(kind)?.model_name()
    }

    /// The inputs that a stage of this kind takes.
    pub fn inputs(&self, kind: &str) -> Option<&'static [InputSpec]> {
        Some(self.get(kind)?.inputs())
    }

    /// What a kind of stage may be told: every key with its default.
    pub fn defaults(&self, kind: &str) -> Option<Table> {
        Some(self.get(kind)?.defaults())
    }

    /// The same as a JSON schema, with types and help.
    pub fn schema(&self, kind: &str) -> Option<Schema> {
        Some(self.get(kind)?.schema())
    }

    /// The same as TOML, with the help of each key above it.
    pub fn page(&self, kind: &str) -> Option<String> {
        Some(page(&self.defaults(kind)?, self.schema(kind)?.as_value()))
    }

    /// Every key of a kind's settings, dotted, with its help where it has some.
    pub fn helps(&self, kind: &str) -> Option<Vec<(String, Option<String>)>> {
        let schema = self.schema(kind)?;
        Some(helps(schema.as_value()).into_iter().map(|(key, help)| (key, help.map(str::to_owned))).collect())
    }

    /// Every number of a kind's settings, dotted (`[]` for a list's items), with its range.
    pub fn ranges(&self, kind: &str) -> Option<Vec<(String, Range)>> {
        Some(ranges(self.schema(kind)?.as_value()))
    }

    /// What to write instead of a kind that is not known.
    pub fn hint(&self, kind: &str) -> String {
        match nearest(kind, self.kinds()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the kinds are {}", self.kinds().collect::<Vec<_>>().join(", ")),
        }
    }

    pub(crate) fn get(&self, kind: &str) -> Option<&dyn Kind> {
        let kind = self.former.get(kind).copied().unwrap_or(kind);
        self.kinds.get(kind).map(Box::as_ref)
    }
}
