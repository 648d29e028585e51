//! Families that change a table.

use super::super::goal::Grid;
use super::super::wording::CELL;
use super::super::{Family, Goal, Move, Quote, Setup};

const fn cell(
    name: &'static str,
    words: &'static [&'static str],
    moves: &'static [Move],
    goals: &'static [Goal],
) -> Family {
    Family::new(name, words, &CELL, moves, goals).quote(Quote::Word).setup(Setup::Table)
}

/// The families of this topic.
pub static FAMILIES: [Family; 7] = [
    cell(
        "row_above",
        &["insert a row above", "put a row on top"],
        &[Move::SelectText, Move::Click("Table > Insert > Rows Above")],
        &[Goal::Grid(Grid::RowAbove)],
    ),
    cell(
        "row_below",
        &["insert a row below", "put a row underneath"],
        &[Move::SelectText, Move::Click("Table > Insert > Rows Below")],
        &[Goal::Grid(Grid::RowBelow)],
    ),
    cell(
        "column_before",
        &["insert a column before", "put a column to the left"],
        &[Move::SelectText, Move::Click("Table > Insert > Columns Before")],
        &[Goal::Grid(Grid::ColumnBefore)],
    ),
    cell(
        "column_after",
        &["insert a column after", "put a column to the right"],
        &[Move::SelectText, Move::Click("Table > Insert > Columns After")],
        &[Goal::Grid(Grid::ColumnAfter)],
    ),
    cell(
        "delete_row",
        &["delete the row", "take away the row"],
        &[Move::SelectText, Move::Click("Table > Delete > Delete Rows")],
        &[Goal::Grid(Grid::NoRow)],
    ),
    cell(
        "delete_column",
        &["delete the column", "take away the column"],
        &[Move::SelectText, Move::Click("Table > Delete > Delete Columns")],
        &[Goal::Grid(Grid::NoColumn)],
    ),
    cell(
        "delete_table",
        &["delete the table", "take away the table"],
        &[Move::SelectText, Move::Click("Table > Delete > Table")],
        &[Goal::Grid(Grid::NoTable)],
    ),
];
