//! Runs tests that need what not every machine has: a browser, an office, help pages. One that lacks its part is listed
//! as ignored with what is missing, never as passed; with `LAM_REQUIRE_ENVIRONMENTS` set it fails. Not a module of the
//! integration tests: crates include it in test targets without the standard harness. Knows no environment.

use std::panic::{AssertUnwindSafe, catch_unwind};

use libtest_mimic::{Arguments, Completion, Failed, Trial};

/// A test, and what this machine lacks for it.
pub struct LiveTest {
    pub name: &'static str,
    pub missing: Option<String>,
    pub body: fn(),
}

/// Lists tests as `what is missing => path of the function`.
macro_rules! live_tests {
    ($($missing:expr => $body:path),+ $(,)?) => {
        vec![$(crate::live::LiveTest { name: stringify!($body), missing: $missing, body: $body }),+]
    };
}
pub(crate) use live_tests;

/// Runs the tests that the command line asks for and ends the process. One after the other: browsers and desktops of
/// several would slow each other down, and desktops are told apart by the process they belong to.
pub fn run(tests: Vec<LiveTest>) -> ! {
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    let trials = tests.into_iter().map(|test| Trial::ignorable_test(test.name, move || result(&test)));
    libtest_mimic::run(&arguments, trials.collect()).exit()
}

fn result(test: &LiveTest) -> Result<Completion, Failed> {
    match &test.missing {
        None => several_tries(test),
        Some(missing) if std::env::var_os("LAM_REQUIRE_ENVIRONMENTS").is_some_and(|value| !value.is_empty()) => {
            Err(missing.into())
        }
        Some(missing) => Ok(Completion::ignored_with(missing.replace('\n', "; "))),
    }
}

/// A machine that is too busy for a browser may lose one: `LAM_TRIES` says how often a test may be tried (once where
/// it is not set). A try that fails is told in a line of its own, whatever comes after it.
fn several_tries(test: &LiveTest) -> Result<Completion, Failed> {
    let tries = std::env::var("LAM_TRIES").ok().and_then(|tries| tries.parse().ok()).unwrap_or(1);
    for attempt in 1..=tries {
        if catch_unwind(AssertUnwindSafe(test.body)).is_ok() {
            return Ok(Completion::Completed);
        }
        eprintln!("\n{} failed at try {attempt} of {tries}", test.name);
    }
    Err(format!("failed at each of {tries} tries").into())
}
