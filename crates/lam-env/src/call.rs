//! Calls held against the functions an application offers and against the screen. Knows no particular application.

use lam_types::{Action, Control, FunctionSpec, Observation, Target};

/// The control that a call acts on, or none for one that needs none. An action without a function calls nothing and can
/// always be made.
///
/// # Errors
/// Why the action is not a call that can be made on this screen.
pub fn check_call<'o>(
    action: &Action,
    functions: &[FunctionSpec],
    observation: &'o Observation,
) -> Result<Option<&'o Control>, String> {
    if action.function.is_empty() {
        return Ok(None);
    }
    let spec = functions.iter().find(|spec| spec.name == action.function);
    let spec = spec.ok_or_else(|| format!("no function `{}`", action.function))?;
    let untypable = action.args.iter().find_map(|(key, value)| control_character(key, value.as_str()?));
    untypable.map_or(Ok(()), Err)?;
    spec.check_args(&action.args, observation)?;
    let Target::Control(kinds) = &spec.target else { return Ok(None) };
    let label = &action.control_label;
    let control = observation.control(label).ok_or_else(|| format!("no control with label `{label}`"))?;
    if kinds.contains(&control.control_type) {
        return Ok(Some(control));
    }
    let (name, kind) = (&control.control_text, control.control_type.as_str());
    Err(format!("{} does not act on `{name}`, a {kind}", spec.name))
}

/// Why an argument's text cannot be typed, if it holds what no key writes: some would end an application's bus.
fn control_character(key: &str, text: &str) -> Option<String> {
    let found = text.chars().find(|letter| letter.is_control() && !"\n\r\t".contains(*letter))?;
    Some(format!("argument `{key}` holds the control character U+{:04X}", u32::from(found)))
}

#[cfg(test)]
mod tests {
    use lam_types::{ArgKind, ArgSpec, Control, ControlType, Status};
    use serde_json::{Value, json};

    use super::*;

    fn function() -> FunctionSpec {
        let arg = |name: &str, kind, required| ArgSpec { name: name.into(), kind, required, doc: String::new() };
        FunctionSpec {
            name: "put".into(),
            target: Target::Control(vec![ControlType::Edit]),
            args: vec![
                arg("text", ArgKind::DocumentText, true),
                arg("times", ArgKind::Integer { min: 1, max: 3 }, false),
            ],
            doc: String::new(),
        }
    }

    fn screen() -> Observation {
        let control = |label: &str, control_type| Control {
            label: label.into(),
            control_text: "Box".into(),
            control_type,
            enabled: true,
            selected: None,
            value: None,
            rectangle: None,
        };
        let controls = vec![control("1", ControlType::Edit), control("2", ControlType::Button)];
        Observation { controls, document: "red barn\nold mill".into(), selection: String::new() }
    }

    fn problem(function_name: &str, label: &str, args: Value) -> Option<String> {
        let action = Action {
            thought: String::new(),
            control_label: label.into(),
            control_name: String::new(),
            function: function_name.into(),
            args: args.as_object().cloned().unwrap_or_default(),
            status: Status::Continue,
            plan: Vec::new(),
        };
        check_call(&action, &[function()], &screen()).err()
    }

    #[test]
    fn a_call_that_fits_has_no_problem() {
        assert_eq!(problem("put", "1", json!({"text": "barn", "times": 2})), None);
        assert_eq!(problem("", "", json!({})), None);
    }

    #[test]
    fn every_misfit_is_named() {
        for (function, label, args, words) in [
            ("pull", "1", json!({}), "no function `pull`"),
            ("put", "9", json!({"text": "barn"}), "no control with label `9`"),
            ("put", "2", json!({"text": "barn"}), "put does not act on `Box`, a Button"),
            ("put", "1", json!({}), "put needs `text`"),
            ("put", "1", json!({"text": "barn", "size": 1}), "put has no argument `size`"),
            ("put", "1", json!({"text": "barn\nold"}), "put cannot take"),
            ("put", "1", json!({"text": "barn\0"}), "`text` holds the control character U+0000"),
            ("put", "1", json!({"text": "barn", "times": 4}), "put cannot take 4 as `times`"),
        ] {
            let found = problem(function, label, args).expect("a problem");
            assert!(found.contains(words), "{found}");
        }
    }
}
