//! The policy layer between whoever acts and the application: what may be called, on which controls, with how much
//! text. Knows rules, and no particular application.

use lam_types::{Action, FunctionSpec, Observation, StepStatus, Task, Verdict};
use serde::{Deserialize, Serialize};

use crate::{Application, Document, EnvError, Environment, Expert, Outcome, TaskQuery};

/// What an agent may do. Patterns know `*` for any run of characters and ignore case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GuardRules {
    /// Functions that may be called; empty for all.
    pub allow_functions: Vec<String>,
    /// Names of controls that may not be used.
    pub deny_controls: Vec<String>,
    /// Names of controls that need a person's consent.
    pub confirm_controls: Vec<String>,
    /// Whether that consent is given beforehand.
    pub confirmed: bool,
    /// Longest text in one argument, in characters.
    pub max_text_chars: usize,
}

impl Default for GuardRules {
    fn default() -> Self {
        Self {
            allow_functions: Vec::new(),
            deny_controls: Vec::new(),
            confirm_controls: Vec::new(),
            confirmed: false,
            max_text_chars: 2000,
        }
    }
}

impl GuardRules {
    /// Why `action` may not be carried out on this screen, if so.
    ///
    /// Patterns are held against the name the action gives and against the text of the control it points to.
    pub fn refusal(&self, action: &Action, observation: &Observation) -> Option<String> {
        let function = &action.function;
        if !self.allow_functions.is_empty() && !self.allow_functions.contains(function) {
            return Some(format!("function `{function}` is not allowed"));
        }
        let shown = observation.control(&action.control_label).map(|control| control.control_text.as_str());
        let names = [Some(action.control_name.as_str()), shown];
        let hit = |patterns: &[String]| {
            names.iter().flatten().find(|name| patterns.iter().any(|pattern| matches(pattern, name))).copied()
        };
        if let Some(name) = hit(&self.deny_controls) {
            return Some(format!("control `{name}` is denied"));
        }
        if let Some(name) = hit(&self.confirm_controls).filter(|_| !self.confirmed) {
            return Some(format!("control `{name}` needs a confirmation"));
        }
        action.args.iter().find_map(|(key, value)| {
            let length = value.as_str().map_or(0, |text| text.chars().count());
            let limit = self.max_text_chars;
            (length > limit).then(|| format!("argument `{key}` has {length} characters, {limit} are allowed"))
        })
    }
}

/// An environment that refuses what the rules forbid: such an action is invalid and has no effect.
pub struct Guarded {
    inner: Box<dyn Environment>,
    rules: GuardRules,
    observation: Observation,
}

impl Guarded {
    /// `inner` behind `rules`.
    pub fn new(inner: Box<dyn Environment>, rules: GuardRules) -> Self {
        Self { inner, rules, observation: Observation::default() }
    }
}

impl Environment for Guarded {
    fn reset(&mut self, task: &Task) -> Result<Observation, EnvError> {
        self.observation = self.inner.reset(task)?;
        Ok(self.observation.clone())
    }

    fn act(&mut self, action: &Action) -> Result<Outcome, EnvError> {
        if let Some(reason) = self.rules.refusal(action, &self.observation) {
            let observation = self.observation.clone();
            return Ok(Outcome { status: StepStatus::InvalidAction, message: reason, observation });
        }
        let outcome = self.inner.act(action)?;
        self.observation = outcome.observation.clone();
        Ok(outcome)
    }

    fn verify(&mut self) -> Result<Verdict, EnvError> {
        self.inner.verify()
    }

    fn has_ended(&self) -> bool {
        self.inner.has_ended()
    }

    fn acceptable_labels(&mut self, action: &Action) -> Vec<String> {
        self.inner.acceptable_labels(action)
    }
}

/// An application whose instances are all [`Guarded`].
pub struct GuardedApplication {
    inner: Box<dyn Application>,
    rules: GuardRules,
}

impl GuardedApplication {
    /// `inner` behind `rules`.
    pub fn new(inner: Box<dyn Application>, rules: GuardRules) -> Self {
        Self { inner, rules }
    }
}

impl Application for GuardedApplication {
    fn environment(&self) -> &str {
        self.inner.environment()
    }

    fn version(&self) -> &str {
        self.inner.version()
    }

    fn functions(&self) -> &[FunctionSpec] {
        self.inner.functions()
    }

    fn instances(&self) -> Option<usize> {
        self.inner.instances()
    }

    fn open(&self) -> Result<Box<dyn Environment>, EnvError> {
        Ok(Box::new(Guarded::new(self.inner.open()?, self.rules.clone())))
    }

    fn tasks(&self, query: &TaskQuery) -> Result<Vec<Task>, EnvError> {
        self.inner.tasks(query)
    }

    fn documents(&self, entries: usize, seed: u64) -> Vec<Document> {
        self.inner.documents(entries, seed)
    }

    fn vocabulary(&self) -> Vec<String> {
        self.inner.vocabulary()
    }

    fn step_text(&self, function: &str, control_name: &str, args: &lam_types::Args) -> String {
        self.inner.step_text(function, control_name, args)
    }

    fn expert(&self) -> Option<Box<dyn Expert>> {
        self.inner.expert()
    }
}

/// Whether `name` is what `pattern` describes.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.to_lowercase(), name.to_lowercase());
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut left) = name.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().expect("a split has at least one part");
    for part in parts {
        let Some(at) = left.find(part) else { return false };
        left = &left[at + part.len()..];
    }
    left.ends_with(last)
}

#[cfg(test)]
mod tests {
    use lam_types::{Args, Control, ControlType, Status};

    use super::*;

    fn action(label: &str, name: &str, text: &str) -> Action {
        let mut args = Args::new();
        args.insert("text".into(), text.into());
        Action {
            thought: String::new(),
            control_label: label.into(),
            control_name: name.into(),
            function: "set_edit_text".into(),
            args,
            status: Status::Continue,
            plan: Vec::new(),
        }
    }

    fn screen() -> Observation {
        let control = Control {
            label: "1".into(),
            control_text: "Delete Everything".into(),
            control_type: ControlType::Button,
            enabled: true,
            selected: None,
            value: None,
            rectangle: None,
        };
        Observation { controls: vec![control], document: String::new(), selection: String::new() }
    }

    #[test]
    fn patterns_match_whole_names_in_any_case() {
        for (pattern, name, expected) in [
            ("Save", "save", true),
            ("Save", "Save As", false),
            ("save*", "Save As", true),
            ("*delete*", "Bulk Delete Rows", true),
            ("a*a", "a", false),
            ("a*b*c", "a-c-b", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn a_denied_control_cannot_be_reached_under_another_name() {
        let rules = GuardRules { deny_controls: vec!["delete*".into()], ..GuardRules::default() };
        assert!(rules.refusal(&action("1", "Bold", ""), &screen()).is_some_and(|why| why.contains("denied")));
    }

    #[test]
    fn consent_is_refused_unless_given() {
        let mut rules = GuardRules { confirm_controls: vec!["*everything".into()], ..GuardRules::default() };
        assert!(rules.refusal(&action("1", "", ""), &screen()).is_some());
        rules.confirmed = true;
        assert_eq!(rules.refusal(&action("1", "", ""), &screen()), None);
    }

    #[test]
    fn functions_and_text_have_limits() {
        let rules =
            GuardRules { allow_functions: vec!["set_edit_text".into()], max_text_chars: 3, ..GuardRules::default() };
        assert_eq!(rules.refusal(&action("", "", "abc"), &screen()), None);
        assert!(rules.refusal(&action("", "", "abcd"), &screen()).is_some());
        let other = Action { function: "texts".into(), ..action("", "", "") };
        assert!(rules.refusal(&other, &screen()).is_some());
    }
}
