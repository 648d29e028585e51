//! Which trackers a run reports to, as a person writes it. Knows no file.

use std::fmt;
use std::str::FromStr;

use lam_config::{Origin, nearest};
use lam_signal::Details;
use toml::Value;

use crate::PipelineError;

/// A program that shows figures, fed by files of its own form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tracker {
    /// TensorBoard: event files.
    Tensorboard,
    /// Weights & Biases: the directory of an offline run.
    Wandb,
    /// MLflow: its file store.
    Mlflow,
}

impl Tracker {
    /// All of them.
    pub const ALL: [Tracker; 3] = [Tracker::Tensorboard, Tracker::Wandb, Tracker::Mlflow];

    /// Its name, as Hugging Face's `report_to` has it.
    pub fn name(self) -> &'static str {
        match self {
            Tracker::Tensorboard => "tensorboard",
            Tracker::Wandb => "wandb",
            Tracker::Mlflow => "mlflow",
        }
    }

    /// The folder in which its files lie, as its own programs call it.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Tracker::Tensorboard => "tensorboard",
            Tracker::Wandb => "wandb",
            Tracker::Mlflow => "mlruns",
        }
    }
}

/// The trackers that figures go to: a name or a list of names, `all`, or `none`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportTo(Vec<Tracker>);

impl Default for ReportTo {
    fn default() -> Self {
        Self(vec![Tracker::Tensorboard])
    }
}

/// A word that names no tracker of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownTracker {
    /// What was written.
    pub found: String,
}

/// A tracker whose database is its own, and how it takes figures all the same.
const IMPORTER: (&str, &str) = (
    "trackio",
    "report to `tensorboard`, then `trackio.import_tf_events(\"RUN/trackers/tensorboard/STAGE\", project)`",
);

impl UnknownTracker {
    /// The error of a pipeline in which it was written there.
    pub(crate) fn at(&self, origin: Option<&Origin>) -> PipelineError {
        PipelineError::definition(origin, self.sentence(), self.hint())
    }

    fn sentence(&self) -> String {
        format!("`report_to` cannot be `{}`: no files are written for it", self.found.escape_debug())
    }

    /// What to write instead.
    pub fn hint(&self) -> String {
        let (imported, import) = IMPORTER;
        let names = || Tracker::ALL.iter().map(|tracker| tracker.name()).chain(["none", "all"]);
        match nearest(&self.found, names()) {
            _ if self.found.eq_ignore_ascii_case(imported) => import.to_owned(),
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known are {}", names().collect::<Vec<_>>().join(", ")),
        }
    }
}

impl fmt::Display for UnknownTracker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Details::new(self.sentence()).hint(self.hint()).fmt(f)
    }
}

impl std::error::Error for UnknownTracker {}

impl ReportTo {
    /// The trackers, each once.
    pub fn trackers(&self) -> &[Tracker] {
        &self.0
    }

    /// Of what a file says: text, or a list of texts.
    pub fn of_value(value: &Value) -> Result<Self, UnknownTracker> {
        let words = match value {
            Value::Array(items) => items.as_slice(),
            one => std::slice::from_ref(one),
        };
        let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Self::of_words(words.iter().map(word))
    }

    fn of_words(words: impl Iterator<Item = String>) -> Result<Self, UnknownTracker> {
        let mut trackers = Vec::new();
        for found in words {
            match found.as_str() {
                "none" => {}
                "all" => trackers.extend(Tracker::ALL),
                name => match Tracker::ALL.into_iter().find(|tracker| tracker.name() == name) {
                    Some(tracker) => trackers.push(tracker),
                    None => return Err(UnknownTracker { found }),
                },
            }
        }
        trackers.sort_unstable();
        trackers.dedup();
        Ok(Self(trackers))
    }
}

impl FromStr for ReportTo {
    type Err = UnknownTracker;

    /// Names with commas between them.
    fn from_str(text: &str) -> Result<Self, UnknownTracker> {
        Self::of_words(text.split(',').map(|word| word.trim().to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Result<ReportTo, UnknownTracker> {
        let table: toml::Table = format!("report_to = {value}").parse().unwrap();
        ReportTo::of_value(&table["report_to"])
    }

    #[test]
    fn text_and_lists_are_read_as_hugging_face_reads_them() {
        let both = ReportTo(vec![Tracker::Tensorboard, Tracker::Mlflow]);
        assert_eq!(read("\"tensorboard\"").unwrap(), ReportTo::default());
        assert_eq!(read("[\"mlflow\", \"tensorboard\", \"mlflow\"]").unwrap(), both);
        assert_eq!("mlflow, tensorboard".parse(), Ok(both));
        assert_eq!(read("\"all\"").unwrap(), "wandb,mlflow,tensorboard".parse().unwrap());
        for nothing in ["[]", "\"none\"", "[\"none\"]"] {
            assert_eq!(read(nothing).unwrap(), ReportTo(Vec::new()), "{nothing}");
        }
    }

    #[test]
    fn what_no_files_are_written_for_says_what_to_do() {
        for (value, hint) in [
            ("\"wand\"", "did you mean `wandb`?"),
            ("[\"trackio\"]", "trackio.import_tf_events"),
            ("\"tensorbord\"", "did you mean `tensorboard`?"),
            ("3", "known are tensorboard, wandb, mlflow, none, all"),
        ] {
            let said = read(value).unwrap_err().to_string();
            assert!(said.starts_with("`report_to` cannot be `") && said.contains(hint), "{value}: {said}");
        }
    }
}
