//! `data show`: rows of a file, trajectories as `act` prints them.

use std::ops::ControlFlow;

use lam_data::Row;
use lam_signal::Failure;
use lam_types::TaskPlan;
use serde_json::json;

use super::{files, visit};
use crate::args::ShowArgs;
use crate::command::episode::print_recorded;
use crate::command::next;
use crate::output::Output;

/// Prints the rows that are asked for, file by file.
pub fn show(args: &ShowArgs, output: &Output) -> Result<(), Failure> {
    let (mut shown, mut fitting) = (Vec::new(), 0);
    for file in files(std::slice::from_ref(&args.path))? {
        let (mut left_out, mut of_file) = (0, 0);
        visit(&file, |_, row| {
            if !fits(args, &row) {
                return ControlFlow::Continue(());
            }
            fitting += 1;
            if left_out < args.skip {
                left_out += 1;
                return ControlFlow::Continue(());
            }
            if of_file == args.count {
                return ControlFlow::Break(());
            }
            of_file += 1;
            match row {
                Row::Pair(pair) => print_pair(pair, output),
                Row::Trajectory(trajectory) => print_recorded(trajectory, output),
            }
            if output.json {
                shown.push(match row {
                    Row::Pair(pair) => json!(pair),
                    Row::Trajectory(trajectory) => json!(trajectory),
                });
            }
            ControlFlow::Continue(())
        })?;
    }
    if fitting == 0 && args.narrows() {
        let what = format!("{}: no row fits --id, --family and --failed as they are given", args.path.display());
        return Err(Failure::data(what).hint("`data stats` counts the families of a file"));
    }
    output.next(&next::data_stats(&args.path));
    output.value(&shown)
}

/// Whether a row is among those that are asked for.
fn fits(args: &ShowArgs, row: &Row<'_>) -> bool {
    let (id, family, failed) = match row {
        Row::Pair(pair) => (&pair.task_id, &pair.family, false),
        Row::Trajectory(one) => (&one.trajectory_id, &one.task.family, !one.succeeded()),
    };
    let has_family = args.family.as_ref().is_none_or(|wanted| wanted == family);
    has_family && args.id.as_ref().is_none_or(|wanted| id.starts_with(wanted)) && (failed || !args.failed)
}

fn print_pair(pair: &TaskPlan, output: &Output) {
    output.line(&format!("id      {}", pair.task_id));
    output.line(&format!("of      {} ({}, {})", pair.document, pair.source.as_str(), pair.split.as_str()));
    output.line(&format!("task    {}\n", pair.task));
    for (index, step) in pair.plan.iter().enumerate() {
        output.line(&format!("{}. {step}", index + 1));
    }
    output.line("");
}
