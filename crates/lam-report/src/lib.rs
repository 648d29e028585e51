//! One self-contained HTML page and one JSON file for a run; its tables for a terminal; runs beside each other.
//!
//! Reads what the stages have left on disk, as far as it exists: manifests, training metrics, evaluation
//! tables, trajectories. [`Watch`] serves the same page while the run goes on, [`EpisodePage`] an episode while it is
//! played. Knows no stage's code, no model and no environment.
//!
//! ```no_run
//! # fn main() -> Result<(), lam_report::ReportError> {
//! let run = std::path::Path::new("runs/quickstart");
//! let report = lam_report::build(run, run, "lam-train run pipelines/quickstart.toml")?;
//! println!("{}", report.page.display());
//! # Ok(())
//! # }
//! ```

mod ablations;
mod columns;
mod compare;
mod compare_text;
mod conditions;
mod coverage;
mod difference;
mod episode;
mod error;
mod families;
mod figures;
mod format;
mod gather;
mod grid;
mod page;
mod paired;
mod paper;
mod run;
mod seeds;
mod seen;
mod tables;
mod text;
mod watch;

use std::path::{Path, PathBuf};

pub use compare::Comparison;
pub use episode::EpisodePage;
pub use error::ReportError;
pub use tables::{Figures, Row, Rows, Tables};
pub use watch::Watch;

/// What was written.
#[derive(Debug)]
pub struct Report {
    /// The page.
    pub page: PathBuf,
    /// The figures.
    pub figures: PathBuf,
    /// Parts that the run does not hold, as the page says too.
    pub missing: Vec<&'static str>,
    /// Stages that are left out since what they were made from has changed, as the page says too.
    pub stale: Vec<String>,
}

/// Reads the run in `run` and writes `report.html` and `report.json` into `output`.
///
/// `command` is the command line that made the run, shown on the page; "" keeps the one of an earlier report.
///
/// # Errors
/// When `run` holds no completed stage, a file in it is damaged, or `output` cannot be written.
pub fn build(run: &Path, output: &Path, command: &str) -> Result<Report, ReportError> {
    let mut gathered = gather::gather(run)?;
    if output != run {
        lam_store::refuse_foreign(output, &["report.html", "report.json"])?;
    }
    let (page, json) = (output.join("report.html"), output.join("report.json"));
    gathered.state = gather::state(run)?;
    gathered.command = if command.is_empty() { recorded(&json, "command") } else { command.to_owned() };
    let text = serde_json::to_string_pretty(&figures::report_json(&gathered)).expect("a JSON value can be written");
    lam_store::write_atomic(&page, page::document(&gathered, page::Above::Nothing).as_bytes())?;
    lam_store::write_atomic(&json, text.as_bytes())?;
    let stale = gathered.stale.iter().map(|stage| stage.name.clone()).collect();
    Ok(Report { page, figures: json, missing: figures::missing(&gathered), stale })
}

/// As [`build`], unless the report in `output` already shows these results: then `None`, and nothing is read but manifests.
///
/// # Errors
/// As [`build`].
pub fn refresh(run: &Path, output: &Path, command: &str) -> Result<Option<Report>, ReportError> {
    let is_current = recorded(&output.join("report.json"), "state") == gather::state(run)?;
    if is_current && output.join("report.html").is_file() { Ok(None) } else { build(run, output, command).map(Some) }
}

/// A text of an earlier `report.json`; "" when there is none.
fn recorded(json: &Path, key: &str) -> String {
    let earlier = std::fs::read(json).ok().and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok());
    earlier.and_then(|earlier| earlier[key].as_str().map(str::to_owned)).unwrap_or_default()
}

/// The tables of the run in `run` for a terminal: lines of at most 100 characters, with 95 % intervals. "" where no
/// evaluation has completed.
///
/// # Errors
/// When `run` holds no completed stage, or a file in it is damaged.
pub fn tables_text(run: &Path) -> Result<String, ReportError> {
    let texts = gather::tables(run)?.map(|(tables, repetitions)| text::text(&tables, repetitions));
    Ok(texts.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n"))
}

/// The same figures as `report.json` has them, in an object by tables; of a run of several seeds the means over them. Empty
/// where no evaluation has completed.
///
/// # Errors
/// As [`tables_text`].
pub fn tables_json(run: &Path) -> Result<serde_json::Value, ReportError> {
    let [(tables, _), (once, _)] = gather::tables(run)?;
    Ok(figures::tables_json(&tables.and(&once)).into())
}

/// The same of one evaluation, in the directory of its stage.
///
/// # Errors
/// A file in it that is damaged.
pub fn stage_tables_text(stage: &Path) -> Result<String, ReportError> {
    Ok(text::text(&gather::of_stage(stage)?, 1))
}

/// The runs in these directories beside each other, the others against the first.
///
/// # Errors
/// A directory without a completed stage, or a file in it that is unreadable or damaged.
pub fn compare(runs: &[PathBuf]) -> Result<Comparison, ReportError> {
    gather::compare(runs)
}

impl Comparison {
    /// For a terminal: lines of at most 100 characters.
    pub fn to_text(&self) -> String {
        compare_text::text(self)
    }

    /// As one self-contained HTML document.
    pub fn to_html(&self) -> String {
        page::comparison_document(self)
    }
}
