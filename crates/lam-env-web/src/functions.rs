//! The functions that actions may call, with UFO's names and arguments, and how each reaches the page.

use std::sync::LazyLock;

use lam_tasks::functions::{self as ufo, Vary};
use lam_types::{Action, Control, ControlType, FunctionSpec, StepStatus};
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

impl Refused {
    /// What does not exist or does not fit.
    pub fn invalid(message: String) -> Self {
        Self { status: StepStatus::InvalidAction, message }
    }
}

fn specs() -> Vec<FunctionSpec> {
    use ControlType::{ComboBox, Edit, Spinner};
    let fields = [Edit, ComboBox, Spinner];
    vec![
        ufo::click_input(),
        ufo::set_edit_text(&fields).saying("Put text into the field, or choose in a list."),
        ufo::select_text().saying("Select text that stands in the page."),
        ufo::keyboard_input(&fields, "{ENTER}"),
        ufo::wheel_mouse_input(&ControlType::ALL),
        ufo::texts(&fields).saying("Read the field's text."),
    ]
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
            Err(reason) => return Ok(Err(Refused::invalid(reason))),
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
