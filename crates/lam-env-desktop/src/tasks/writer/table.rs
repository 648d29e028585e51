//! Families that change a table.

use super::super::goal::Grid;
use super::super::wording::CELL;
use super::super::{Family, Goal, Quote, Setup, family};

const fn cell(
    name: &'static str,
    words: &'static [&'static str],
    steps: &'static [&'static str],
    goals: &'static [Goal],
) -> Family {
    family(name, words, &CELL, steps, goals).quote(Quote::Word).setup(Setup::Table)
}

/// The families of this topic.
pub static FAMILIES: [Family; 7] = [
    cell(
        "row_above",
        &["insert a row above", "put a row on top"],
        &["select {x}", "click Table > Insert > Rows Above"],
        &[Goal::Grid(Grid::RowAbove)],
    ),
    cell(
        "row_below",
        &["insert a row below", "put a row underneath"],
        &["select {x}", "click Table > Insert > Rows Below"],
        &[Goal::Grid(Grid::RowBelow)],
    ),
    cell(
        "column_before",
        &["insert a column before", "put a column to the left"],
        &["select {x}", "click Table > Insert > Columns Before"],
        &[Goal::Grid(Grid::ColumnBefore)],
    ),
    cell(
        "column_after",
        &["insert a column after", "put a column to the right"],
        &["select {x}", "click Table > Insert > Columns After"],
        &[Goal::Grid(Grid::ColumnAfter)],
    ),
    cell(
        "delete_row",
        &["delete the row", "take away the row"],
        &["select {x}", "click Table > Delete > Delete Rows"],
        &[Goal::Grid(Grid::NoRow)],
    ),
    cell(
        "delete_column",
        &["delete the column", "take away the column"],
        &["select {x}", "click Table > Delete > Delete Columns"],
        &[Goal::Grid(Grid::NoColumn)],
    ),
    cell(
        "delete_table",
        &["delete the table", "take away the table"],
        &["select {x}", "click Table > Delete > Table"],
        &[Goal::Grid(Grid::NoTable)],
    ),
];
