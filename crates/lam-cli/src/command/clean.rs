//! `clean`: what runs have left for other runs, and none holds any more.

use std::path::Path;

use lam_pipeline::RUNS_DIR;
use lam_signal::Failure;
use lam_store::{Cleaned, SharedResults};

use super::size::size;
use crate::args::CleanArgs;
use crate::output::Output;

/// Removes it, and says how much that was.
pub fn clean(args: &CleanArgs, output: &Output) -> Result<(), Failure> {
    // The folder that is meant where none is named need not be there; one that is named is.
    if args.runs_dir != Path::new(RUNS_DIR) && !args.runs_dir.is_dir() {
        let what = format!("{}: no such folder", args.runs_dir.display());
        return Err(Failure::config(what).hint("--runs-dir names the folder of all runs"));
    }
    let cleaned = SharedResults::of_runs(&args.runs_dir).clean(args.all, args.dry_run)?;
    output.line(&sentence(&cleaned, args.dry_run));
    for path in &cleaned.foreign {
        output.line(&format!("left alone, as no run put it there: {}", path.display()));
    }
    output.value(&cleaned)
}

fn sentence(cleaned: &Cleaned, dry_run: bool) -> String {
    let counted = |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    let results = counted(cleaned.results, "result", "results");
    let leftovers = match cleaned.leftovers {
        0 => String::new(),
        count => format!(" and {}", counted(count, "leftover of a killed run", "leftovers of killed runs")),
    };
    let (verb, free) = if dry_run { ("would remove", "would be free") } else { ("removed", "are free") };
    let kept = counted(cleaned.kept, "result stays", "results stay");
    format!("{verb} {results}{leftovers}: {} {free}; {kept}, as runs hold them", size(cleaned.bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_is_counted() {
        let cleaned = Cleaned { results: 1, leftovers: 2, bytes: 3 << 20, kept: 4, foreign: Vec::new() };
        let text =
            "removed 1 result and 2 leftovers of killed runs: 3.0 MiB are free; 4 results stay, as runs hold them";
        assert_eq!(sentence(&cleaned, false), text);
        let nothing = "would remove 0 results: 0 B would be free; 0 results stay, as runs hold them";
        assert_eq!(sentence(&Cleaned::default(), true), nothing);
    }
}
