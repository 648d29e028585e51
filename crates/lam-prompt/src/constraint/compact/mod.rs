//! The compact answer, token by token.

mod document;
mod functions;
mod lists;
mod machine;
mod moves;
mod number;
mod screen;

pub(super) use functions::Functions;
pub(super) use lists::CompactLists;
pub(super) use machine::{ActionConstraint, Parts};
pub(super) use screen::Screen;
