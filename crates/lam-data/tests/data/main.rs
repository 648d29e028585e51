//! Rows in, examples and findings out.

mod check;
mod example;
mod rows;
