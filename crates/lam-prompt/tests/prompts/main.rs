//! The renderer from outside: what it writes it reads, and what it allows can be carried out.

mod constraint;
mod fixture;
mod mistral;
mod round_trip;
mod structured;
mod tokenizer;
