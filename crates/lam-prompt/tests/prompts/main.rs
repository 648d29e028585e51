//! The renderer from outside: what it writes it reads, and what it allows can be carried out.

mod constraint;
mod fixture;
mod guidance;
mod mistral;
mod round_trip;
mod same_masks;
mod structured;
mod templates;
mod tokenizer;
mod tool_questions;
mod tools;
mod ufo;
