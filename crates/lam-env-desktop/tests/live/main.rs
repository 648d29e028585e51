//! Real applications on private desktops. Skipped, with a word, where the programs are missing, unless
//! `LAM_REQUIRE_ENVIRONMENTS` is set.
#![cfg(target_os = "linux")]

mod applications;
mod faults;
mod support;
