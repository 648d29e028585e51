//! UFO's prompts, in texts of our own that have its form: what is read of them, and what is answered.

mod answers;
mod by_rule;
mod prompts;
mod reading;
