//! What a check found, counted.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use lam_signal::Details;
use serde::Serialize;

/// Kinds of findings. All but the last are errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Problem {
    /// The function is not one of the application's.
    UnknownFunction,
    /// The label is not on the step's screen.
    UnknownLabel,
    /// The control with this label cannot be used on the step's screen.
    DisabledControl,
    /// The name is not that of the control with this label.
    WrongName,
    /// The loss would count no token.
    NothingToTrain,
    /// The example is longer than the model is trained on.
    TooLong,
    /// One id in two splits.
    SharedId,
    /// A request of the test set is, or is nearly, one that is trained on.
    SharedRequest,
    /// A wording kept for the test set occurs in training.
    SharedTemplate,
    /// The same request with other documents in training and test: no error where a family has no parameters.
    SameWording,
}

impl Problem {
    /// The word used in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Problem::UnknownFunction => "unknown_function",
            Problem::UnknownLabel => "unknown_label",
            Problem::DisabledControl => "disabled_control",
            Problem::WrongName => "wrong_name",
            Problem::NothingToTrain => "nothing_to_train",
            Problem::TooLong => "too_long",
            Problem::SharedId => "shared_id",
            Problem::SharedRequest => "shared_request",
            Problem::SharedTemplate => "shared_template",
            Problem::SameWording => "same_wording",
        }
    }

    /// Whether the data must not be trained on as it is.
    pub fn is_error(self) -> bool {
        self != Problem::SameWording
    }

    /// What to do about it.
    pub fn hint(self) -> &'static str {
        match self {
            Problem::UnknownFunction => "check the function's name, or collect with this application's functions",
            Problem::UnknownLabel => "labels are those of the step's own screen",
            Problem::DisabledControl => {
                "no prompt shows it, so no answer can name it: leave the row out, or mark it invalid"
            }
            Problem::WrongName => "control_name is the control_text of the control with this label",
            Problem::NothingToTrain => "remove the row, or give it an answer",
            Problem::TooLong => "raise max_length, or leave the row out",
            Problem::SharedId => "keep each task in one split",
            Problem::SharedRequest => "move the row to the split of its near-duplicate",
            Problem::SharedTemplate => "word the training task otherwise, or call the test task's phrasing seen",
            Problem::SameWording => "the documents differ; nothing to do",
        }
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// The file.
    pub file: PathBuf,
    /// The row, from 0.
    pub row: usize,
    /// The field.
    pub field: &'static str,
    /// Its value.
    pub value: String,
    /// What is wrong.
    pub problem: Problem,
    /// In words.
    pub detail: String,
}

impl Finding {
    /// In one line, without the hint.
    pub fn told(&self) -> String {
        let Self { file, row, field, value, detail, .. } = self;
        format!("{}:{row}: {field} `{value}`: {detail}", file.display())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, row, field, value, problem, detail } = self;
        let row = format!("{}:{row}", file.display());
        let details = Details::new(format!("{field} `{value}`")).at(row).because(detail).hint(problem.hint());
        details.fmt(out)
    }
}

/// Everything a check found.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct CheckReport {
    /// Rows looked at: pairs, and steps of trajectories.
    pub rows: usize,
    /// What was found, in the order of files and rows, leaks last; of each kind no more than were asked for.
    pub findings: Vec<Finding>,
    /// How many were found of each kind, those that are not told included.
    pub found: BTreeMap<Problem, usize>,
    /// Findings of a kind that are told.
    #[serde(skip)]
    pub(super) max_findings: usize,
}

impl CheckReport {
    pub(super) fn tell(&mut self, finding: Finding) {
        let found = self.found.entry(finding.problem).or_insert(0);
        *found += 1;
        if *found <= self.max_findings {
            self.findings.push(finding);
        }
    }

    pub(super) fn tell_all(&mut self, findings: impl IntoIterator<Item = Finding>) {
        findings.into_iter().for_each(|finding| self.tell(finding));
    }

    /// How many findings are errors.
    pub fn errors(&self) -> usize {
        self.found.iter().filter(|(problem, _)| problem.is_error()).map(|(_, count)| count).sum()
    }
}

impl fmt::Display for CheckReport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in self.findings.iter().filter(|finding| finding.problem.is_error()) {
            writeln!(out, "{finding}")?;
        }
        write!(out, "{} rows, {} errors", self.rows, self.errors())?;
        for (problem, count) in &self.found {
            write!(out, "\n  {}: {count}", problem.as_str())?;
            if *count > self.max_findings {
                write!(out, ", of which {} are told", self.max_findings)?;
            }
        }
        Ok(())
    }
}
