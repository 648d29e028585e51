//! What the explorations of a run solved, as far as they say so.

use std::path::{Path, PathBuf};

use lam_data::COVERAGE_FILE;

use super::read_text;
use crate::coverage::Coverage;
use crate::error::ReportError;
use crate::run::StageRecord;

/// The coverage of every stage that tells one, in the order of the stages.
///
/// # Errors
/// A file that cannot be read, or is not of this form.
pub fn read(stages: &[(StageRecord, PathBuf)]) -> Result<Vec<Coverage>, ReportError> {
    let files = stages.iter().map(|(stage, path)| (stage, path.join(COVERAGE_FILE))).filter(|(_, file)| file.is_file());
    files.map(|(stage, file)| Ok(Coverage { stage: stage.name.clone(), ..of(&file)? })).collect()
}

fn of(file: &Path) -> Result<Coverage, ReportError> {
    serde_json::from_str(&read_text(file)?).map_err(|source| ReportError::Json { path: file.to_owned(), source })
}
