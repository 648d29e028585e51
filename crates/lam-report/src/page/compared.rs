//! The page that sets runs beside each other: one HTML document with everything in it.

use maud::{DOCTYPE, Markup, html};

use super::{STYLE_ALONE, head, scroll};
use crate::columns::Unit;
use crate::compare::{ComparedTable, Comparison, FamilyRow, SettingRow, written};
use crate::difference::Difference;
use crate::text::{figure, heading};

/// The whole document.
pub fn document(comparison: &Comparison) -> String {
    let title = comparison.runs.join(" · ");
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            (head(&format!("{title} · lam-train comparison"), Some(STYLE_ALONE)))
            body {
                main id="main" {
                    header {
                        p.eyebrow { "Large Action Model · runs beside each other" }
                        h1 { (title) }
                        p.note { "Differences are those from " strong { (comparison.runs[0]) } ", with 95 % intervals; bold where the interval leaves out 0. [+a −b]: taken task by task, a and b tasks that one of the two alone solved. Over seeds where both runs have the same; else between the two figures by themselves." }
                    }
                    section id="settings" { h2 { "Settings that differ" } (settings(comparison)) }
                    @for one in &comparison.tables { section { h2 { (one.title) } (table(comparison, one)) } }
                    @if !comparison.families.is_empty() {
                        section id="families" { h2 { "Families that differ, tasks solved online" } (families(comparison)) }
                    }
                }
            }
        }
    };
    page.into_string()
}

fn settings(comparison: &Comparison) -> Markup {
    if comparison.settings.is_empty() {
        return html! { p { "No setting differs." } };
    }
    let row = |row: &SettingRow| {
        html! {
            tr.ours {
                th scope="row" { (row.stage) }
                td.words { @if row.key.is_empty() { "the stage itself" } @else { (row.key) } }
                @for value in &row.values { td.words { (value.as_deref().unwrap_or("–")) } }
            }
        }
    };
    scroll(
        "Settings that differ",
        html! {
            table.results {
                thead { tr { th scope="col" { "Stage" } th.words scope="col" { "Setting" } @for run in &comparison.runs { th.words scope="col" { (run) } } } }
                tbody { @for one in &comparison.settings { (row(one)) } }
            }
        },
    )
}

/// The heads of columns: the runs, and behind each but the first what it differs by.
fn heads(comparison: &Comparison) -> Markup {
    html! {
        @for (index, run) in comparison.runs.iter().enumerate() {
            th scope="col" { (run) }
            @if index > 0 { th scope="col" { "difference" } }
        }
    }
}

fn table(comparison: &Comparison, table: &ComparedTable) -> Markup {
    scroll(
        table.title,
        html! {
            table.results {
                thead { tr { th scope="col" { "Model" } th.words scope="col" { "Figure" } (heads(comparison)) } }
                tbody {
                    @for row in &table.rows {
                        tr.ours {
                            th scope="row" { (row.model) }
                            td.words { (heading(row.metric)) }
                            @for (index, one) in row.figures.iter().enumerate() {
                                td { (figure(row.metric, one.as_ref())) }
                                @if index > 0 { td { (difference(row.differences[index - 1].as_ref(), row.metric.unit)) } }
                            }
                        }
                    }
                }
            }
        },
    )
}

fn families(comparison: &Comparison) -> Markup {
    let solved = |one: Option<(u64, u64)>| one.map_or("–".to_owned(), |(solved, tasks)| format!("{solved}/{tasks}"));
    let row = |row: &FamilyRow| {
        html! {
            tr.ours {
                th scope="row" { (row.model) }
                td.words { (row.family) }
                @for (index, one) in row.solved.iter().enumerate() {
                    td { (solved(*one)) }
                    @if index > 0 { td { (difference(row.differences[index - 1].as_ref(), Unit::Percent)) } }
                }
            }
        }
    };
    scroll(
        "Families that differ",
        html! {
            table.results {
                thead { tr { th scope="col" { "Model" } th.words scope="col" { "Family" } (heads(comparison)) } }
                tbody { @for one in &comparison.families { (row(one)) } }
            }
        },
    )
}

fn difference(difference: Option<&Difference>, unit: Unit) -> Markup {
    html! {
        @match difference {
            None => span.muted { "–" },
            Some(one) if one.is_clear() == Some(true) => b { (written(one, unit)) },
            Some(one) => (written(one, unit)),
        }
    }
}
