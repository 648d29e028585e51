//! The binary `lam-train`.
fn main() {}
