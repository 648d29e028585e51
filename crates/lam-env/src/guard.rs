//! The policy layer between whoever acts and the application: what may be called, on which controls, with how much
//! text. Knows rules, and no particular application.

use std::path::{Component, Path};
use std::time::{Duration, Instant};

use lam_types::{Action, Call, FunctionSpec, Observation, StepStatus, Task, Verdict};
use serde::{Deserialize, Serialize};

use crate::keys::{self, Stroke};
use crate::{Application, Confinement, Document, EnvError, Environment, Expert, Outcome, TaskQuery};

/// Between the names of a path to a control.
pub const PATH_SEPARATOR: &str = " > ";
/// The argument that holds key strokes.
const KEYS: &str = "keys";

/// What an agent may do. Patterns know `*` for any run of characters and ignore case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GuardRules {
    /// Functions that may be called; empty for all.
    pub allow_functions: Vec<String>,
    /// Names of controls that may not be used, and paths such as `File > Open*`: whatever stands below one is denied too.
    pub deny_controls: Vec<String>,
    /// Whole paths that may be used although a pattern above fits them.
    pub allow_controls: Vec<String>,
    /// Keys that may be pressed beside plain text, as UFO writes them, such as `{VK_CONTROL}a`; empty for all.
    pub allow_keys: Vec<String>,
    /// Names of controls that need a person's consent.
    pub confirm_controls: Vec<String>,
    /// Whether that consent is given beforehand.
    pub confirmed: bool,
    /// Longest text in one argument, in characters.
    pub max_text_chars: usize,
    /// Arguments that hold paths: they may only lead below the episode's folder.
    pub path_arguments: Vec<String>,
    /// Actions an episode may take; 0 for any number. What comes after them is told as a timeout.
    pub max_steps: u32,
    /// Seconds an episode may take; 0 for any time.
    pub max_seconds: u64,
}

impl Default for GuardRules {
    fn default() -> Self {
        Self {
            allow_functions: Vec::new(),
            deny_controls: Vec::new(),
            allow_controls: Vec::new(),
            allow_keys: Vec::new(),
            confirm_controls: Vec::new(),
            confirmed: false,
            max_text_chars: 2000,
            path_arguments: ["file_dir", "file_name", "path"].map(str::to_owned).into(),
            max_steps: 0,
            max_seconds: 0,
        }
    }
}

impl GuardRules {
    /// Refuses rules that cannot be read.
    ///
    /// # Errors
    /// The keys, and what is wrong with them.
    pub fn check(&self) -> Result<(), String> {
        self.allow_keys.iter().try_for_each(|keys| keys::parse(keys).map(drop))
    }

    /// Why `action` may not be carried out on this screen, if so.
    ///
    /// Patterns are held against the name the action gives and against the text of the control it points to.
    pub fn refusal(&self, action: &Action, observation: &Observation) -> Option<String> {
        let function = &action.function;
        if !self.allow_functions.is_empty() && !self.allow_functions.contains(function) {
            return Some(format!("function `{function}` is not allowed"));
        }
        let shown = observation.control(&action.control_label).map(|control| control.control_text.as_str());
        let forbidden = |name: &str| self.forbidden(&name.split(PATH_SEPARATOR).collect::<Vec<_>>());
        let forbidden = [Some(action.control_name.as_str()), shown].into_iter().flatten().find_map(forbidden);
        forbidden.or_else(|| action.args.iter().find_map(|(key, value)| self.unfit(key, value.as_str()?)))
    }

    /// Why a control may not be used, if so: `path` are the names on the way to it, outermost first, its own last.
    pub fn forbidden(&self, path: &[&str]) -> Option<String> {
        let whole = path.join(PATH_SEPARATOR);
        let fits = |patterns: &[String], name: &str| patterns.iter().any(|pattern| pattern_matches(pattern, name));
        let hit = |patterns: &[String]| runs(path).any(|run| fits(patterns, &run));
        // A menu that leads to something allowed can be opened.
        let below = format!("{}{PATH_SEPARATOR}", whole.to_lowercase());
        let leads = || self.allow_controls.iter().any(|allowed| allowed.to_lowercase().starts_with(&below));
        if hit(&self.deny_controls) && !fits(&self.allow_controls, &whole) && !leads() {
            return Some(format!("control `{whole}` is denied"));
        }
        (!self.confirmed && hit(&self.confirm_controls)).then(|| format!("control `{whole}` needs a confirmation"))
    }

    /// Why an argument may not be given, if so.
    fn unfit(&self, key: &str, text: &str) -> Option<String> {
        let (length, limit) = (text.chars().count(), self.max_text_chars);
        if length > limit {
            return Some(format!("argument `{key}` has {length} characters, {limit} are allowed"));
        }
        if self.path_arguments.iter().any(|name| name == key) && leads_out(text) {
            return Some(format!("argument `{key}` leads out of the episode's folder: `{text}`"));
        }
        if key == KEYS { self.denied_key(text) } else { None }
    }

    /// Why these keys may not be pressed, if so: one is not on the list, or they cannot be read.
    fn denied_key(&self, text: &str) -> Option<String> {
        if self.allow_keys.is_empty() {
            return None;
        }
        let allowed: Vec<Stroke> = self.allow_keys.iter().filter_map(|keys| keys::parse(keys).ok()).flatten().collect();
        let denied = |stroke: &Stroke| matches!(stroke, Stroke::Key(..)) && !allowed.contains(stroke);
        match keys::parse(text) {
            Ok(strokes) => strokes.into_iter().find(denied).map(|stroke| format!("key `{stroke}` is not allowed")),
            Err(reason) => Some(reason),
        }
    }

    /// Why an episode is over after `steps` actions in `time`, if so.
    fn end(&self, steps: u32, time: Duration) -> Option<String> {
        if self.max_steps > 0 && steps >= self.max_steps {
            return Some(format!("the {} steps of the episode are taken", self.max_steps));
        }
        let over = self.max_seconds > 0 && time >= Duration::from_secs(self.max_seconds);
        over.then(|| format!("the {} seconds of the episode are over", self.max_seconds))
    }
}

/// The runs of neighbouring names in a path, each joined.
fn runs(path: &[&str]) -> impl Iterator<Item = String> {
    let ends = move |from| (from + 1..=path.len()).map(move |to| path[from..to].join(PATH_SEPARATOR));
    (0..path.len()).flat_map(ends)
}

/// Whether a path is absolute, climbs, or begins at somebody's home.
pub fn leads_out(path: &str) -> bool {
    let below = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    path.starts_with('~') || path.contains('\\') || path.contains("://") || !Path::new(path).components().all(below)
}

/// An environment that refuses what the rules forbid: such an action is invalid and has no effect.
pub struct Guarded {
    inner: Box<dyn Environment>,
    rules: GuardRules,
    observation: Observation,
    steps: u32,
    started: Instant,
}

impl Guarded {
    /// `inner` behind `rules`.
    pub fn new(inner: Box<dyn Environment>, rules: GuardRules) -> Self {
        Self { inner, rules, observation: Observation::default(), steps: 0, started: Instant::now() }
    }
}

impl Environment for Guarded {
    fn reset(&mut self, task: &Task) -> Result<Observation, EnvError> {
        self.observation = self.inner.reset(task)?;
        (self.steps, self.started) = (0, Instant::now());
        Ok(self.observation.clone())
    }

    fn act(&mut self, action: &Action) -> Result<Outcome, EnvError> {
        let over = self.rules.end(self.steps, self.started.elapsed()).map(|reason| (StepStatus::Timeout, reason));
        let refused = || Some((StepStatus::InvalidAction, self.rules.refusal(action, &self.observation)?));
        if let Some((status, message)) = over.or_else(refused) {
            return Ok(Outcome { status, message, observation: self.observation.clone() });
        }
        self.steps += 1;
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

    fn confinement(&self) -> Option<Confinement> {
        self.inner.confinement()
    }

    fn prepare(&self, next: &[&Task]) {
        self.inner.prepare(next);
    }

    fn open(&self) -> Result<Box<dyn Environment>, EnvError> {
        Ok(Box::new(Guarded::new(self.inner.open()?, self.rules.clone())))
    }

    fn tasks(&self, query: &TaskQuery) -> Result<Vec<Task>, EnvError> {
        self.inner.tasks(query)
    }

    fn draw_tasks(&self, query: &TaskQuery, drawn: &(dyn Fn(usize) -> bool + Sync)) -> Result<Vec<Task>, EnvError> {
        self.inner.draw_tasks(query, drawn)
    }

    fn documents(&self, entries: usize, seed: u64) -> Vec<Document> {
        self.inner.documents(entries, seed)
    }

    fn vocabulary(&self) -> Vec<String> {
        self.inner.vocabulary()
    }

    fn step_text(&self, call: &Call) -> String {
        self.inner.step_text(call)
    }

    fn parse_step(&self, step: &str) -> Result<Option<Call>, EnvError> {
        self.inner.parse_step(step)
    }

    fn expert(&self) -> Option<Box<dyn Expert>> {
        self.inner.expert()
    }
}

/// Whether `name` is what `pattern` describes: `*` stands for any run of characters, case does not count.
pub fn pattern_matches(pattern: &str, name: &str) -> bool {
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
            assert_eq!(pattern_matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn a_denied_control_cannot_be_reached_under_another_name() {
        let rules = GuardRules { deny_controls: vec!["delete*".into()], ..GuardRules::default() };
        assert!(rules.refusal(&action("1", "Bold", ""), &screen()).is_some_and(|why| why.contains("denied")));
    }

    #[test]
    fn a_path_is_denied_whatever_part_of_it_is_named() {
        let words = |patterns: &[&str]| patterns.iter().map(|&pattern| pattern.to_owned()).collect();
        let rules = GuardRules {
            deny_controls: words(&["File > *", "Tools > Macros*", "Open*"]),
            allow_controls: words(&["File > Save As...", "File > Export As > *"]),
            ..GuardRules::default()
        };
        for (path, denied) in [
            (&["File", "Save As..."] as &[&str], false),
            (&["File", "Export As", "PDF"], false),
            (&["File", "Export As"], false),
            (&["File", "Print..."], true),
            (&["File"], false),
            (&["Tools", "Macros"], true),
            (&["Tools", "Macros", "Run"], true),
            (&["Edit", "Open Link"], true),
            (&["Open", "Cancel"], true),
            (&["Save As...", "Reopen"], false),
        ] {
            assert_eq!(rules.forbidden(path).is_some(), denied, "{path:?}");
        }
    }

    #[test]
    fn only_listed_keys_are_pressed() {
        let rules = GuardRules { allow_keys: vec!["{VK_CONTROL}a".into(), "{ENTER}".into()], ..GuardRules::default() };
        for (keys, allowed) in [
            ("some text{ENTER}", true),
            ("^a", true),
            ("{VK_CONTROL down}a{VK_CONTROL up}", true),
            ("{VK_CONTROL}o", false),
            ("x^o", false),
            ("%f", false),
            ("{F1}", false),
            ("{VK_CONTROL}", false),
        ] {
            let args = Args::from_iter([("keys".to_owned(), keys.into())]);
            let action = Action { args, ..action("", "", "") };
            assert_eq!(rules.refusal(&action, &screen()).is_none(), allowed, "{keys}");
        }
    }

    #[test]
    fn consent_is_refused_unless_given() {
        let mut rules = GuardRules { confirm_controls: vec!["*everything".into()], ..GuardRules::default() };
        assert!(rules.refusal(&action("1", "", ""), &screen()).is_some());
        rules.confirmed = true;
        assert_eq!(rules.refusal(&action("1", "", ""), &screen()), None);
    }

    #[test]
    fn paths_stay_below_the_episode_s_folder() {
        let rules = GuardRules::default();
        for (path, allowed) in [
            ("report", true),
            ("sub/report", true),
            ("", true),
            ("/etc/passwd", false),
            ("../report", false),
            ("sub/../../report", false),
            ("~/report", false),
            ("file:///etc", false),
        ] {
            let mut action = action("", "", "");
            action.args = Args::from_iter([("file_name".to_owned(), path.into())]);
            assert_eq!(rules.refusal(&action, &screen()).is_none(), allowed, "{path}");
        }
    }

    #[test]
    fn episodes_end_after_their_steps_and_seconds() {
        let rules = GuardRules { max_steps: 3, max_seconds: 10, ..GuardRules::default() };
        assert_eq!(rules.end(2, Duration::from_secs(9)), None);
        assert!(rules.end(3, Duration::ZERO).is_some_and(|why| why.contains("3 steps")));
        assert!(rules.end(0, Duration::from_secs(10)).is_some_and(|why| why.contains("10 seconds")));
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
