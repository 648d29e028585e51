//! The task families of a calculator.

use super::goal::Sum;
use super::wording::SUM;
use super::{Family, Goal, Numbers, family};

/// The families.
pub static FAMILIES: [Family; 3] = [
    family(
        "sum",
        &["add", "sum up"],
        &SUM,
        &["click {a:each_digit}", "click +", "click {b:each_digit}", "click ="],
        &[Goal::Screen(Sum::Plus)],
    )
    .numbers(Numbers::Two(10, 999)),
    family(
        "difference",
        &["subtract the second from the first of", "find the difference of"],
        &SUM,
        &["click {a:each_digit}", "click -", "click {b:each_digit}", "click ="],
        &[Goal::Screen(Sum::Minus)],
    )
    .numbers(Numbers::Two(10, 999)),
    family(
        "product",
        &["multiply", "find the product of"],
        &SUM,
        &["click {a:each_digit}", "click *", "click {b:each_digit}", "click ="],
        &[Goal::Screen(Sum::Times)],
    )
    .numbers(Numbers::Two(10, 999)),
];
