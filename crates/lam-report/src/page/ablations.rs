//! What each part of the method is worth: models that lack one, or have one alone, on the same tasks.

use maud::{Markup, html};

use super::scroll;
use crate::ablations::{AblationRow, AblationTable, Difference, Group};
use crate::columns::Unit;
use crate::format;
use crate::run::Run;

/// Every evaluation that compares models within a phase.
pub fn section(run: &Run) -> Markup {
    html! {
        h2 { "Ablations" }
        p {
            "Models of one phase beside each other, all at the same tasks. A difference is taken task by task and stands in points of percent with its 95 % interval"
            @if run.is_repeated() { " over seeds (Student’s)" } @else { " (Bonett and Price’s, over tasks)" }
            "; behind it, the tasks that one of the two alone solved. More of phase 3 learns from the episodes that phase 4 learns from, by imitation alone: what phase 4 is worth is what it adds to that."
        }
        @for table in &run.ablations { (one(table)) }
    }
}

fn one(table: &AblationTable) -> Markup {
    html! {
        h3 { (table.stage) ", " (table.split) " tasks" }
        (scroll("Ablations", html! {
            table.results {
                thead { tr {
                    th scope="col" { "Model" } th.words scope="col" { "By" } th scope="col" { "Task success, %" }
                    th scope="col" { "From its parent" } th scope="col" { "From the reference" }
                } }
                @for group in &table.groups { (rows(group)) }
            }
        }))
    }
}

fn rows(group: &Group) -> Markup {
    html! {
        tbody {
            tr { th scope="rowgroup" colspan="5" {
                "Phase " (group.phase)
                @if let Some(reference) = &group.reference { span.muted { " · reference: " (reference) } }
            } }
            @for row in &group.rows { (model(row)) }
        }
    }
}

fn model(row: &AblationRow) -> Markup {
    html! {
        tr.ours {
            th scope="row" { (row.stage) @if !row.parent.is_empty() { small { " from " (row.parent) } } }
            td.words { (row.by) }
            td { b { (format::percent(row.tsr.value)) } @if let Some(ends) = Unit::Percent.ends(&row.tsr) { small { (ends) } } }
            td { (difference(row.from_parent.as_ref())) }
            td { (difference(row.from_reference.as_ref())) }
        }
    }
}

fn difference(difference: Option<&Difference>) -> Markup {
    html! {
        @match difference {
            None => span.muted { "–" },
            Some(Difference { than, points, won, lost }) => {
                b { (format::signed(points.value)) }
                small { (format::signed_ends(points)) " against " (than) ", +" (won) " / −" (lost) " tasks" }
            }
        }
    }
}
