//! `report`: the page and the figures of a run.

use std::path::Path;

use lam_report::{Report, ReportError};
use lam_signal::Failure;
use serde_json::{Value, json};

use super::next;
use crate::output::Output;

/// Builds report.html and report.json.
pub fn report(run: &Path, output_dir: Option<&Path>, output: &Output) -> Result<(), Failure> {
    let report = lam_report::build(run, output_dir.unwrap_or(run), "")?;
    output.line(&format!("{}\n{}", report.page.display(), report.figures.display()));
    for missing in &report.missing {
        output.line(&format!("not in it: {missing}"));
    }
    tell_stale(&report, output);
    output.next(&next::compare(run));
    let Report { page, figures, missing, stale } = report;
    output.value(&json!({ "page": page, "figures": figures, "missing": missing, "stale": stale }))
}

fn tell_stale(report: &Report, output: &Output) {
    if !report.stale.is_empty() {
        output.line(&format!("left out, made from what has changed since: {}", report.stale.join(", ")));
    }
}

/// The tables of a run, as far as it has come.
pub fn tables(run: &Path, output: &Output) -> Result<(), Failure> {
    let text = where_there_is_a_run(lam_report::tables_text(run))?.unwrap_or_default();
    if !text.is_empty() {
        output.line(&text);
    }
    Ok(())
}

/// The same for `--json`; nothing of a run that is not there yet.
pub fn tables_json(run: &Path) -> Result<Option<Value>, Failure> {
    where_there_is_a_run(lam_report::tables_json(run))
}

fn where_there_is_a_run<T>(read: Result<T, ReportError>) -> Result<Option<T>, Failure> {
    match read {
        Err(ReportError::NoRun { .. }) => Ok(None),
        read => Ok(Some(read?)),
    }
}

/// The tables of one evaluation.
pub fn stage_tables(stage: &Path, output: &Output) -> Result<(), Failure> {
    let text = lam_report::stage_tables_text(stage)?;
    if !text.is_empty() {
        output.line(&text);
    }
    Ok(())
}

/// The tables and the report that close a run, with the command line that made it.
pub fn after_run(run: &Path, output: &Output) -> Result<(), Failure> {
    // As it can be typed again.
    let command: Vec<String> =
        std::env::args_os().map(|argument| next::word(&argument.to_string_lossy()).into_owned()).collect();
    tables(run, output)?;
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
