//! How a family's task is done: steps with slots, and the calls they become. Knows no screen.

use lam_types::Call;
use serde_json::Value;

use crate::functions::takes_number;
use crate::step::{parse_plain, step_text};
use crate::template::{Slots, each, fill, slots_of};

/// The calls of a procedure.
///
/// A step is read before its slots are filled, so that nothing a slot holds can be taken for the step's own words.
///
/// # Panics
/// A step that is not of the language: procedures are tables, and their tests call this for each.
pub fn calls(procedure: &[&str], slots: &Slots) -> Vec<Call> {
    let number = |text: &str| match text.parse::<i64>() {
        Ok(number) => Some(number.into()),
        Err(_) => (!slots_of(text).is_empty()).then(|| text.into()),
    };
    let calls_of = |step: &&str| -> Vec<Call> {
        let call = parse_plain(step, &number).unwrap_or_else(|| panic!("`{step}` is not a step"));
        each(step, slots).iter().map(|slots| filled(&call, slots)).collect()
    };
    procedure.iter().flat_map(calls_of).collect()
}

/// The steps of a procedure as text.
pub fn steps(procedure: &[&str], slots: &Slots) -> Vec<String> {
    calls(procedure, slots).iter().map(step_text).collect()
}

fn filled(call: &Call, slots: &Slots) -> Call {
    let value = |name: &str, value: &Value| match value {
        Value::String(text) => {
            let text = fill(text, slots);
            let number = takes_number(name).then(|| text.parse::<i64>().ok()).flatten();
            number.map_or_else(|| text.into(), Value::from)
        }
        other => other.clone(),
    };
    Call {
        function: call.function.clone(),
        control_name: fill(&call.control_name, slots),
        args: call.args.iter().map(|(name, given)| (name.clone(), value(name, given))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(pairs: &[(&str, &str)]) -> Slots {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn steps_take_slots_apart() {
        let given = slots(&[("codes", "a1, b2"), ("name", "Ann"), ("letters", "upper case"), ("date", "02/07/2016")]);
        let procedure = ["type {name:letters} in field", "click {codes:each}", "click {date:day}"];
        assert_eq!(steps(&procedure, &given), ["type ANN in field", "click a1", "click b2", "click 7"]);
        assert_eq!(steps(&["click {a:each_digit}"], &slots(&[("a", "40")])), ["click 4", "click 0"]);
    }

    #[test]
    fn what_a_slot_holds_is_not_read_as_words_of_the_step() {
        let given = slots(&[("x", "DELETE"), ("y", "a in b"), ("a", "3"), ("c", "-")]);
        let todo = calls(&["press {x}", "press DELETE", "press {y}", "scroll {c}{a}", "font {o} {a}"], &given);
        let keys = |index: usize| (todo[index].args["keys"].as_str(), todo[index].control_name.as_str());
        assert_eq!(keys(0), (Some("DELETE"), "Document"));
        assert_eq!(keys(1), (Some("{DELETE}"), "Document"));
        assert_eq!(keys(2), (Some("a in b"), "Document"));
        assert_eq!((&todo[3].args["wheel_dist"], &todo[4].args["font_size"]), (&Value::from(-3), &Value::from(3)));
    }

    #[test]
    #[should_panic(expected = "`jump over Bold` is not a step")]
    fn a_step_of_another_language_is_named() {
        calls(&["jump over Bold"], &Slots::new());
    }
}
