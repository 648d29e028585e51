//! `report`: the page and the figures of a run.

use std::path::Path;

use lam_report::{Report, ReportError};
use lam_signal::Failure;
use serde_json::json;

use crate::output::Output;

/// Builds report.html and report.json.
pub fn report(run: &Path, output_dir: Option<&Path>, output: &Output) -> Result<(), Failure> {
    let report = lam_report::build(run, output_dir.unwrap_or(run), "")?;
    output.line(&format!("{}\n{}", report.page.display(), report.figures.display()));
    for missing in &report.missing {
        output.line(&format!("not in it: {missing}"));
    }
    tell_stale(&report, output);
    let Report { page, figures, missing, stale } = report;
    output.value(&json!({ "page": page, "figures": figures, "missing": missing, "stale": stale }))
}

fn tell_stale(report: &Report, output: &Output) {
    if !report.stale.is_empty() {
        output.line(&format!("left out, made from what has changed since: {}", report.stale.join(", ")));
    }
}

/// The report that closes a run, with the command line that made it.
pub fn after_run(run: &Path, output: &Output) -> Result<(), Failure> {
    let command: Vec<String> = std::env::args().collect();
    match lam_report::refresh(run, run, &command.join(" ")) {
        Ok(Some(report)) => {
            output.line(&format!("report: {}", report.page.display()));
            tell_stale(&report, output);
        }
        Ok(None) => output.line(&format!("report: {} (unchanged)", run.join("report.html").display())),
        Err(error @ ReportError::NoRun { .. }) => output.line(&error.to_string()),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}
