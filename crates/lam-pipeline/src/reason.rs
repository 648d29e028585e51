//! Why a stage runs or does not, in words.

use std::fmt;

use serde::Serialize;

/// Crates that are named where the code of many changed.
const MOST_NAMED: usize = 4;

/// One reason; several may hold at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are what the sentence names")]
pub enum Reason {
    /// There is no result.
    New,
    /// The user asked for it.
    Forced,
    /// The user named the checkpoint from which it resumes.
    Resumed { checkpoint: String },
    /// The result is not as it was recorded.
    Damaged { what: String },
    /// The configuration differs.
    ConfigChanged { changes: Vec<ConfigChange> },
    /// The seed differs.
    SeedChanged { old: u64, new: u64 },
    /// Another kind of stage made the result.
    KindChanged { old: String, new: String },
    /// The code of these crates is not what made the result.
    CodeChanged { crates: Vec<String> },
    /// An input has other content.
    InputChanged { input: String, paths: Vec<String> },
    /// An earlier stage runs, so the input may change.
    Upstream { stages: Vec<String> },
    /// There is unfinished work that fits.
    Unfinished,
    /// There is unfinished work that does not fit.
    Restarted,
    /// There is unfinished work that does not fit, and nobody said that it may go.
    Stranded { differences: Vec<Reason> },
    /// A finished result would be replaced, and nobody said that it may go.
    Standing { stage: String },
    /// Nothing differs.
    Unchanged,
    /// Another run has made it: `pipeline/stage`.
    Reused { made_by: String },
    /// Left out by `--from`, `--until` or `--only`.
    LeftOut,
}

/// One key of a configuration that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConfigChange {
    /// The key, with dots.
    pub key: String,
    /// Its value then.
    pub old: String,
    /// Its value now.
    pub new: String,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::New => f.write_str("new"),
            Reason::Forced => f.write_str("forced"),
            Reason::Resumed { checkpoint } => write!(f, "goes on from {checkpoint}"),
            Reason::Damaged { what } => write!(f, "its result is damaged: {what}"),
            Reason::ConfigChanged { changes } => {
                let shown = changes.iter().map(|change| format!("{} {} → {}", change.key, change.old, change.new));
                write!(f, "config changed: {}", shown.collect::<Vec<_>>().join(", "))
            }
            Reason::SeedChanged { old, new } => write!(f, "seed changed: {old} → {new}"),
            Reason::KindChanged { old, new } => write!(f, "kind changed: {old} → {new}"),
            Reason::CodeChanged { crates } => {
                let (named, more) = crates.split_at(crates.len().min(MOST_NAMED));
                let more = if more.is_empty() { String::new() } else { format!(" and {} more crates", more.len()) };
                write!(f, "the code of {}{more} changed", named.join(", "))
            }
            Reason::InputChanged { input, paths } if paths.is_empty() => write!(f, "input {input} is no longer given"),
            Reason::InputChanged { input, paths } => write!(f, "input {input} changed: {}", paths.join(", ")),
            Reason::Upstream { stages } => write!(f, "after {}", stages.join(", ")),
            Reason::Unfinished => f.write_str("goes on where it stopped"),
            Reason::Restarted => f.write_str("its unfinished work no longer fits and is made again"),
            Reason::Stranded { differences } => {
                write!(f, "refused, as its unfinished work was made otherwise ({})", sentence(differences))
            }
            Reason::Standing { stage } => write!(f, "needs `--force {stage}`, as its finished result would be lost"),
            Reason::Unchanged => f.write_str("nothing changed"),
            Reason::Reused { made_by } => write!(f, "made by {made_by}"),
            Reason::LeftOut => f.write_str("left out"),
        }
    }
}

/// Reasons as one line.
pub(crate) fn sentence(reasons: &[Reason]) -> String {
    reasons.iter().map(Reason::to_string).collect::<Vec<_>>().join("; ")
}
