//! The task engine that the environments share: families as data, the sentences in which they ask, the draw of tasks,
//! steps as text, procedures, the following of them, documentation made of them, and UFO's functions.
//!
//! An environment keeps its tables, how parameters are drawn from what it shows, and how a result is judged.
//!
//! ```
//! use lam_tasks::{Choice, Family, Numbers, Parameters, Quote, Wording, calls, parse_step, step_text};
//! use lam_types::Call;
//!
//! const MARK: Wording = Wording::new(&["make '{x}' {s}"], &["let '{x}' have {s}"], &["'{x}' should be {s}"]);
//! const BOLD: Family<(), ()> = Family::new("bold", &["bold"], &MARK, &["select {x}", "click Bold"], (), ())
//!     .quote(Quote::Words);
//!
//! let parameters = Parameters { text: "red barn".to_owned(), ..Parameters::default() };
//! assert_eq!(BOLD.imperative(&parameters), "make 'red barn' bold");
//!
//! let todo = calls(BOLD.steps, &parameters.slots(""));
//! assert_eq!(todo[1], Call::click("Bold"));
//! assert_eq!(step_text(&todo[0]), "select red barn");
//! assert_eq!(parse_step("select red barn"), Some(todo[0].clone()));
//! # assert_eq!((BOLD.numbers, BOLD.choices.iter().next()), (Numbers::None, None::<Choice>));
//! ```
//!
//! Knows no application, no screen, no model and no token.

mod catalog;
mod choice;
pub mod documentation;
mod family;
mod follow;
pub mod functions;
mod language;
mod parameters;
mod procedure;
mod step;
pub mod template;
mod wording;

pub use catalog::{Catalog, Named, Turn, order_of_turns};
pub use choice::{Choice, Choices};
pub use family::{Family, Numbers, Quote};
pub use follow::{act, gave_up, left, thought};
pub use language::check_language;
pub use parameters::Parameters;
pub use procedure::{calls, steps};
pub use step::{parse_step, step_text, words};
pub use template::Slots;
pub use wording::{Wording, check_sets, phrase};
