//! The functions that actions may call, with UFO's names and arguments, and how each reaches the page.

use std::sync::LazyLock;

use lam_tasks::functions as ufo;
use lam_types::{Action, ArgKind, Args, Control, ControlType, FunctionSpec, Observation, StepStatus, Target};
use serde_json::{Value, json};

use crate::browser::{Browser, Clicks, ScriptCall};
use crate::keys;
use crate::webdriver::WebDriverError;

/// The functions on offer.
pub static SPECS: LazyLock<Vec<FunctionSpec>> = LazyLock::new(specs);

/// Why a call was not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// `InvalidAction` for what does not exist, `AppError` for what the page refused.
    pub status: StepStatus,
    /// In words.
    pub message: String,
}

fn invalid(message: String) -> Refused {
    Refused { status: StepStatus::InvalidAction, message }
}

fn specs() -> Vec<FunctionSpec> {
    use ControlType::{ComboBox, Edit, Spinner};
    let fields = [Edit, ComboBox, Spinner];
    let said = |spec: FunctionSpec, doc: &str| FunctionSpec { doc: doc.to_owned(), ..spec };
    vec![
        ufo::click_input(),
        said(ufo::set_edit_text(&fields), "Put text into the field, or choose in a list."),
        said(ufo::select_text(), "Select text that stands in the page."),
        ufo::keyboard_input(&fields, "{ENTER}"),
        ufo::wheel_mouse_input(&ControlType::ALL),
        said(ufo::texts(&fields), "Read the field's text."),
    ]
}

/// Checks an action against the functions and the screen it was decided on.
///
/// # Errors
/// An `InvalidAction` that says what does not exist or does not fit.
pub fn check<'a>(action: &Action, screen: &'a Observation) -> Result<Option<&'a Control>, Refused> {
    let spec = SPECS.iter().find(|spec| spec.name == action.function);
    let spec = spec.ok_or_else(|| invalid(format!("no function `{}`", action.function)))?;
    check_args(spec, &action.args, screen)?;
    let Target::Control(kinds) = &spec.target else { return Ok(None) };
    let control = screen.control(&action.control_label);
    let control = control.ok_or_else(|| invalid(format!("no control with label `{}`", action.control_label)))?;
    if !kinds.contains(&control.control_type) {
        let (name, kind) = (&control.control_text, control.control_type.as_str());
        return Err(invalid(format!("{} does not act on `{name}`, a {kind}", spec.name)));
    }
    Ok(Some(control))
}

fn check_args(spec: &FunctionSpec, args: &Args, screen: &Observation) -> Result<(), Refused> {
    if let Some(unknown) = args.keys().find(|key| spec.args.iter().all(|arg| arg.name != **key)) {
        return Err(invalid(format!("{} has no argument `{unknown}`", spec.name)));
    }
    for wanted in &spec.args {
        match args.get(&wanted.name) {
            None if wanted.required => return Err(invalid(format!("{} needs `{}`", spec.name, wanted.name))),
            Some(value) if !fits(&wanted.kind, value, screen) => {
                return Err(invalid(format!("{} cannot take {value} as `{}`", spec.name, wanted.name)));
            }
            _ => {}
        }
    }
    Ok(())
}

fn fits(kind: &ArgKind, value: &Value, screen: &Observation) -> bool {
    match kind {
        ArgKind::Text => value.is_string(),
        ArgKind::DocumentText => {
            value.as_str().is_some_and(|text| !text.trim().is_empty() && screen.document.contains(text))
        }
        ArgKind::Boolean => value.is_boolean(),
        ArgKind::OneOf(words) => value.as_str().is_some_and(|text| words.iter().any(|word| word == text)),
        number => {
            let range = number.range(screen);
            value.as_i64().zip(range).is_some_and(|(number, (min, max))| (min..=max).contains(&number))
        }
    }
}

/// Carries out a checked action; the screen afterwards, as the script tells it.
///
/// # Errors
/// A key that does not exist, or a browser that fails.
pub fn call(
    browser: &Browser,
    clicks: Clicks,
    action: &Action,
    control: Option<&Control>,
) -> Result<Result<Value, Refused>, WebDriverError> {
    let label = control.and_then(|control| control.label.parse().ok()).unwrap_or(0);
    let get = |name: &str| action.args.get(name);
    let text = |name: &str| get(name).and_then(Value::as_str).unwrap_or_default();
    let by_script = |name, args| browser.act(&ScriptCall { name, label, args });
    let kind = control.map(|control| control.control_type);
    let is_native = clicks == Clicks::Native;
    Ok(Ok(match action.function.as_str() {
        "click_input" => {
            let double = get("double").and_then(Value::as_bool).unwrap_or(false);
            let button = match text("button") {
                "middle" => 1,
                "right" => 2,
                _ => 0,
            };
            match is_native {
                true => browser.click(label, button, double)?,
                false => by_script("click", vec![json!(button), json!(double)])?,
            }
        }
        // Lists, and fields that keep another form than is typed, are filled in by script either way.
        "set_edit_text" if is_native && kind == Some(ControlType::Edit) && is_plain(text("text")) => {
            browser.type_text(label, text("text"), true)?
        }
        "set_edit_text" => by_script("write", vec![json!(text("text"))])?,
        "select_text" => by_script("select", vec![json!(text("text"))])?,
        "keyboard_input" => match keys::parse(text("keys")) {
            Err(reason) => return Ok(Err(invalid(reason))),
            Ok(keys) if is_native => {
                browser.type_text(label, &keys.iter().map(|key| key.code).collect::<String>(), false)?
            }
            Ok(keys) => by_script("type", vec![json!(keys.iter().map(|key| &key.name).collect::<Vec<_>>())])?,
        },
        "wheel_mouse_input" => by_script("wheel", vec![json!(get("wheel_dist"))])?,
        _ => by_script("none", Vec::new())?,
    }))
}

/// Whether a keyboard can type it into any field and the field keeps it as it is.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.is_ascii() && !text.contains(['/', ':', '\n', '\t'])
}

#[cfg(test)]
mod tests {
    use lam_types::Status;

    use super::*;

    fn screen() -> Observation {
        let control = |label: &str, kind| Control {
            label: label.into(),
            control_text: "Name".into(),
            control_type: kind,
            enabled: true,
            selected: None,
            value: None,
            rectangle: None,
        };
        let controls = vec![control("1", ControlType::Edit), control("2", ControlType::Button)];
        Observation { controls, document: "one two".into(), selection: String::new() }
    }

    fn refusal(function: &str, label: &str, args: Value) -> Option<String> {
        let Value::Object(args) = args else { panic!("an object") };
        let action = Action {
            thought: String::new(),
            control_label: label.into(),
            control_name: "Name".into(),
            function: function.into(),
            args,
            status: Status::Continue,
            plan: Vec::new(),
        };
        check(&action, &screen()).err().map(|refused| refused.message)
    }

    #[test]
    fn what_does_not_exist_or_fit_is_refused_by_name() {
        assert_eq!(refusal("click_input", "2", json!({"button": "left", "double": true})), None);
        assert_eq!(refusal("set_edit_text", "1", json!({"text": "x"})), None);
        assert_eq!(refusal("select_text", "", json!({"text": "two"})), None);
        let said = |function, label, args| refusal(function, label, args).expect("a refusal");
        assert_eq!(said("fly", "1", json!({})), "no function `fly`");
        assert_eq!(said("click_input", "9", json!({})), "no control with label `9`");
        assert_eq!(said("set_edit_text", "2", json!({"text": "x"})), "set_edit_text does not act on `Name`, a Button");
        assert_eq!(said("set_edit_text", "1", json!({})), "set_edit_text needs `text`");
        assert_eq!(said("texts", "1", json!({"text": "x"})), "texts has no argument `text`");
        assert_eq!(
            said("wheel_mouse_input", "1", json!({"wheel_dist": 65})),
            "wheel_mouse_input cannot take 65 as `wheel_dist`"
        );
        assert_eq!(said("select_text", "", json!({"text": "three"})), "select_text cannot take \"three\" as `text`");
    }
}
