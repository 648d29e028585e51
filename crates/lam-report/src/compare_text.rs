//! Runs beside each other, for a terminal: each against the first.

use crate::columns::Unit;
use crate::compare::{Comparison, written};
use crate::grid::grid;
use crate::text::heading;

/// Families that are told of a pair of runs at most; all stand in the page and in the JSON.
const MOST_FAMILIES: usize = 20;
/// Characters of a setting's value at most.
const LONGEST_VALUE: usize = 30;

/// The comparison in lines.
pub fn text(comparison: &Comparison) -> String {
    let mut parts = vec![settings(comparison)];
    for other in 1..comparison.runs.len() {
        parts.extend(tables(comparison, other));
        parts.extend(families(comparison, other));
    }
    parts.push(
        "Differences have 95 % intervals. [+a −b]: task by task, a and b tasks that one of the two alone\n\
         solved. Over seeds where both runs have the same; else between the two figures by themselves.\n"
            .to_owned(),
    );
    parts.join("\n")
}

fn settings(comparison: &Comparison) -> String {
    if comparison.settings.is_empty() {
        return "No setting differs.\n".to_owned();
    }
    let head: Vec<String> =
        ["stage", "setting"].into_iter().map(str::to_owned).chain(comparison.runs.iter().cloned()).collect();
    let rows: Vec<Vec<String>> = comparison
        .settings
        .iter()
        .map(|row| {
            let values = row.values.iter().map(|value| value.as_deref().map_or_else(|| "–".to_owned(), shortened));
            [row.stage.clone(), row.key.clone()].into_iter().chain(values).collect()
        })
        .collect();
    format!("Settings that differ\n{}", grid(&head, &rows, 2))
}

fn shortened(value: &str) -> String {
    match value.char_indices().nth(LONGEST_VALUE) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}

fn tables(comparison: &Comparison, other: usize) -> Vec<String> {
    let (first, second) = (comparison.runs[0].clone(), comparison.runs[other].clone());
    let head = ["model".to_owned(), "figure".to_owned(), first, second, "difference".to_owned()];
    let table = |table: &crate::compare::ComparedTable| {
        let rows = table.rows.iter().filter(|row| row.figures[0].is_some() || row.figures[other].is_some());
        let rows = rows.map(|row| {
            let difference = row.differences[other - 1].as_ref().map(|one| written(one, row.metric.unit));
            // Their intervals stand in the tables of each run; there is no room for them beside the difference's.
            let value = |run: usize| row.figures[run].map(|figure| row.metric.unit.write(figure.value));
            let figures = [0, other].map(|run| value(run).unwrap_or_else(|| "–".to_owned()));
            let [one, two] = figures;
            vec![row.model.clone(), heading(row.metric), one, two, difference.unwrap_or_default()]
        });
        let rows: Vec<Vec<String>> = rows.collect();
        format!("{}\n{}", table.title, grid(&head, &rows, 2))
    };
    comparison.tables.iter().map(table).collect()
}

fn families(comparison: &Comparison, other: usize) -> Option<String> {
    let differs = |row: &&crate::compare::FamilyRow| {
        row.differences[other - 1].as_ref().is_some_and(|difference| difference.size.value != 0.0)
    };
    let rows: Vec<&crate::compare::FamilyRow> = comparison.families.iter().filter(differs).collect();
    if rows.is_empty() {
        return None;
    }
    let (first, second) = (comparison.runs[0].clone(), comparison.runs[other].clone());
    let head = ["model".to_owned(), "family".to_owned(), first, second, "difference, points".to_owned()];
    let solved = |one: Option<(u64, u64)>| one.map_or("–".to_owned(), |(solved, tasks)| format!("{solved}/{tasks}"));
    let line = |row: &&crate::compare::FamilyRow| {
        let difference = row.differences[other - 1].as_ref().map(|one| written(one, Unit::Percent));
        let counts = [0, other].map(|run| solved(row.solved[run]));
        let [one, two] = counts;
        vec![row.model.clone(), row.family.clone(), one, two, difference.unwrap_or_default()]
    };
    let shown: Vec<Vec<String>> = rows.iter().take(MOST_FAMILIES).map(line).collect();
    let more = rows.len().saturating_sub(MOST_FAMILIES);
    let more = if more > 0 { format!("… and {more} more: --html and --json have all\n") } else { String::new() };
    Some(format!("Families that differ, tasks solved online\n{}{more}", grid(&head, &shown, 2)))
}
