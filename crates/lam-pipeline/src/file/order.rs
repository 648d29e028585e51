//! The order of stages: each after the stages that it names, else as written. Names what makes that impossible.

use std::collections::BTreeSet;

use lam_config::{Origin, nearest};

use super::raw::RawStage;
use crate::PipelineError;
use crate::tracker::TRACKERS_DIR;

/// The stage that an input such as `explore/failures.parquet` names, and the path below its result.
pub(super) fn split_input(text: &str) -> (&str, &str) {
    text.split_once('/').unwrap_or((text, ""))
}

/// Most characters of a name.
const LONGEST_NAME: usize = 64;
/// Names that some systems keep for devices.
const RESERVED: [&str; 4] = ["con", "prn", "aux", "nul"];

/// Refuse what cannot be the name of a directory: `whose` it is, such as `a stage's`.
pub(super) fn check_name(whose: &str, name: &str, origin: Option<&Origin>) -> Result<(), PipelineError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let begins_well = name.starts_with(|c: char| c != '-' && plain(c));
    let is_reserved = RESERVED.contains(&name.to_ascii_lowercase().as_str());
    if begins_well && name.chars().all(plain) && name.len() <= LONGEST_NAME && !is_reserved {
        return Ok(());
    }
    let reason = format!("`{}` cannot be {whose} name", name.escape_debug());
    let hint = format!("use letters, digits, `-` and `_`, {LONGEST_NAME} at most, and no `-` at the beginning");
    Err(PipelineError::definition(origin, reason, hint))
}

/// Refuse bad and repeated names.
pub(super) fn check_names(stages: &[RawStage]) -> Result<(), PipelineError> {
    let mut seen = BTreeSet::new();
    for stage in stages {
        let name = stage.keys.name.as_str();
        let origin = stage.origin("name");
        check_name("a stage's", name, origin)?;
        if name.strip_prefix("seed-").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit())) {
            let reason = format!("`{name}` cannot be a stage's name");
            return Err(PipelineError::definition(
                origin,
                reason,
                "the results of each seed lie in directories of this name",
            ));
        }
        if name == TRACKERS_DIR {
            let reason = format!("`{name}` cannot be a stage's name");
            return Err(PipelineError::definition(
                origin,
                reason,
                "the files of trackers lie in a folder of this name",
            ));
        }
        if !seen.insert(name) {
            let reason = format!("two stages are called `{name}`");
            return Err(PipelineError::definition(origin, reason, "rename one of them"));
        }
    }
    Ok(())
}

/// Every stage after its inputs; stages that do not depend on each other stay as written.
pub(super) fn in_order(stages: Vec<RawStage>) -> Result<Vec<RawStage>, PipelineError> {
    let names: BTreeSet<String> = stages.iter().map(|stage| stage.keys.name.clone()).collect();
    let mut waiting = stages;
    let mut placed: Vec<RawStage> = Vec::new();
    let mut done: BTreeSet<String> = BTreeSet::new();
    while !waiting.is_empty() {
        let ready = |stage: &RawStage| stage_inputs(stage).all(|name| !names.contains(name) || done.contains(name));
        let Some(position) = waiting.iter().position(ready) else { return Err(cycle(&waiting)) };
        let stage = waiting.remove(position);
        done.insert(stage.keys.name.clone());
        placed.push(stage);
    }
    Ok(placed)
}

/// The names of the stages that `stage` may name as inputs.
fn stage_inputs(stage: &RawStage) -> impl Iterator<Item = &str> {
    stage.keys.inputs.values().flatten().map(|text| split_input(text).0)
}

/// The error that names one cycle among stages of which each waits for another.
fn cycle(waiting: &[RawStage]) -> PipelineError {
    let find = |name: &str| waiting.iter().find(|stage| stage.keys.name == name);
    let mut path: Vec<&RawStage> = Vec::new();
    let mut stage = waiting.first();
    while let Some(current) = stage {
        if let Some(start) = path.iter().position(|seen| seen.keys.name == current.keys.name) {
            path.drain(..start);
            break;
        }
        path.push(current);
        stage = stage_inputs(current).find_map(find);
    }
    let mut names: Vec<&str> = path.iter().map(|stage| stage.keys.name.as_str()).collect();
    names.extend(names.first().copied());
    let origin = path.first().and_then(|stage| stage.origin("inputs"));
    let reason = format!("the stages wait for each other: {}", names.join(" ← "));
    PipelineError::definition(origin, reason, "take one of these inputs out")
}

/// The error of an input that is neither a stage nor a path.
pub(super) fn unknown_input<'a>(
    stage: &RawStage,
    input: &str,
    text: &str,
    known: impl Iterator<Item = &'a str>,
) -> PipelineError {
    let name = &stage.keys.name;
    let reason = format!("stage `{name}` takes `{text}` as `{input}`, which is neither a stage nor a path that exists");
    let hint = match nearest(split_input(text).0, known.filter(|known| known != name)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "name an earlier stage, or a file".to_string(),
    };
    PipelineError::definition(stage.origin(&format!("inputs.{input}")), reason, hint)
}
