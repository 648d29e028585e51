//! The task families of a calculator.

use super::goal::Sum;
use super::wording::SUM;
use super::{Family, Goal, Move, Numbers, Slot};

/// The families.
pub static FAMILIES: [Family; 3] = [
    Family::new(
        "sum",
        &["add", "sum up"],
        &SUM,
        &[Move::Digits(Slot::First), Move::Click("+"), Move::Digits(Slot::Second), Move::Click("=")],
        &[Goal::Screen(Sum::Plus)],
    )
    .numbers(Numbers::Two(10, 999)),
    Family::new(
        "difference",
        &["subtract the second from the first of", "find the difference of"],
        &SUM,
        &[Move::Digits(Slot::First), Move::Click("-"), Move::Digits(Slot::Second), Move::Click("=")],
        &[Goal::Screen(Sum::Minus)],
    )
    .numbers(Numbers::Two(10, 999)),
    Family::new(
        "product",
        &["multiply", "find the product of"],
        &SUM,
        &[Move::Digits(Slot::First), Move::Click("*"), Move::Digits(Slot::Second), Move::Click("=")],
        &[Goal::Screen(Sum::Times)],
    )
    .numbers(Numbers::Two(10, 999)),
];
