//! The JSON answer of App. C, byte by byte, over any vocabulary.
//!
//! The keys stand in their order, so the label comes before the function: a control is offered when some function
//! can act on it, and then only those functions are. Its name follows from the label.

mod constraint;
mod document;
mod lists;
mod state;
mod vocabulary;

pub(super) use constraint::JsonConstraint;
pub(super) use vocabulary::Vocabulary;
