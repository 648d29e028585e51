//! Which row of an evaluation's tables is a model's, and where its stage lies. Knows no card.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::ExportError;
use crate::files::read_object;

/// The file in which an evaluation leaves its tables, by table and model.
const TABLES: &str = "tables.json";

/// The directory by a path that has a name and a parent, which `.` and the bare name of a directory have not.
pub fn named(stage: &Path) -> PathBuf {
    let is_named = stage.file_name().is_some() && stage.parent().is_some_and(|above| above != Path::new(""));
    if is_named { stage.to_owned() } else { stage.canonicalize().unwrap_or_else(|_| stage.to_owned()) }
}

/// The tables of an evaluation, by their names.
pub fn tables_of(place: &Path) -> Result<Map<String, Value>, ExportError> {
    read_object(&if place.is_dir() { place.join(TABLES) } else { place.to_owned() })
}

/// What the model's row is called in an evaluation, if it has one.
///
/// # Errors
/// Tables that are damaged.
pub fn row_in(place: &Path, model: (&str, &Path)) -> Result<Option<String>, ExportError> {
    if !place.join(TABLES).is_file() {
        return Ok(None);
    }
    let tables = tables_of(place)?;
    let row = tables.values().filter_map(Value::as_object).find_map(|rows| row_of(rows, model));
    Ok(row.map(str::to_owned))
}

/// The name of the model's row: its own, where case does not count, else, among several of one name, that of its stage,
/// which is told by the end of its path: `LAM4 (RUN, lam4-rft)`.
pub fn row_of<'a>(rows: &'a Map<String, Value>, (model, stage): (&str, &Path)) -> Option<&'a str> {
    let place = std::path::absolute(named(stage)).unwrap_or_else(|_| stage.to_owned());
    let is_told = |name: &str| {
        let parts = name.strip_suffix(')').and_then(|name| Some(name.rsplit_once(" (")?.1.split(", ")));
        parts.is_some_and(|parts| place.ends_with(parts.collect::<PathBuf>()))
    };
    let own = rows.keys().find(|name| name.eq_ignore_ascii_case(model));
    own.or_else(|| rows.keys().find(|name| is_told(name))).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn among_several_of_one_name_the_row_is_told_by_the_stage() {
        let rows = json!({"LAM3": {}, "LAM4 (a, lam4-rft)": {}, "LAM4 (b, lam4-rft)": {}, "LAM4 (a, seed-1, lam4)": {},
            "lam4 (tuned)": {}});
        let row = |model: &str, stage: &str| row_of(rows.as_object().unwrap(), (model, Path::new(stage)));
        assert_eq!(row("lam4-rft", "runs/b/lam4-rft"), Some("LAM4 (b, lam4-rft)"));
        assert_eq!(row("LAM4", "/x/a/seed-1/lam4"), Some("LAM4 (a, seed-1, lam4)"));
        assert_eq!((row("lam3", "runs/c/lam3"), row("lam4", "runs/c/lam4")), (Some("LAM3"), None));
    }

    #[test]
    fn a_directory_is_found_by_its_bare_name_too() {
        assert_eq!(named(Path::new("runs/a/lam4/")), Path::new("runs/a/lam4/"));
        for bare in [".", "src", ".."] {
            let found = named(Path::new(bare));
            assert!(found.is_absolute() && found.parent().is_some_and(Path::is_dir), "{bare}: {}", found.display());
        }
    }
}
