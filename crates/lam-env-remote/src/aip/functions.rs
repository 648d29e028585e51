//! The functions on offer, which are UFO's tools one to one, and an action as the call of such a tool.

use std::sync::LazyLock;

use lam_tasks::functions::{self as ufo, Vary};
use lam_types::{Action, ArgKind, ControlType, FunctionSpec};
use serde_json::{Map, Value};

use super::device::{Tool, Window};

/// Program whose own tools (`WORD_ONLY`) exist on a device.
const WORD: &str = "WINWORD.EXE";
/// Tools of Word's own interface.
const WORD_ONLY: [&str; 6] = ["insert_table", "select_text", "select_table", "select_paragraph", "save_as", "set_font"];

/// The functions.
pub static SPECS: LazyLock<Vec<FunctionSpec>> = LazyLock::new(specs);

fn specs() -> Vec<FunctionSpec> {
    use ControlType::{ComboBox, Document, Edit, Spinner};
    let number = |min, max| ArgKind::Integer { min, max };
    let flag = |name, doc| ufo::optional(name, ArgKind::Boolean, doc);
    let any = &ControlType::ALL;
    vec![
        ufo::click_input().taking("button", ufo::words(&["left", "right", "middle", "x"])),
        ufo::set_edit_text(&[Edit, ComboBox, Spinner, Document])
            .saying("Type text into the control.")
            .also_taking(flag("clear_current_text", "Whether the text replaces what stands there.")),
        ufo::keyboard_input(any, "{VK_CONTROL}c or {TAB 2}")
            .also_taking(flag("control_focus", "Whether the control gets the focus first, true unless given.")),
        ufo::wheel_mouse_input(any),
        ufo::texts(any),
        // Word knows its document as a whole, of which the screen shows a part.
        ufo::insert_table().taking("rows", number(1, 100)).taking("columns", number(1, 63)),
        ufo::select_text().taking("text", ArgKind::Text),
        ufo::select_table().taking("number", number(1, 1000)),
        ufo::select_paragraph()
            .saying("Select whole paragraphs; -1 as the last one is the end of the document.")
            .taking("start_index", number(1, 10_000))
            .taking("end_index", number(-1, 10_000))
            .also_taking(flag("non_empty", "Whether only paragraphs with text count, true unless given.")),
        ufo::save_as(&[".pdf"]).taking("file_ext", ArgKind::Text),
        ufo::set_font(&[]).taking("font_name", ArgKind::Text).taking("font_size", number(1, 1638)),
    ]
}

/// The call of the tool that an action names; the action is known to fit the screen.
///
/// # Errors
/// A tool that devices have for Word only, in another program: a client gives no answer to tools it does not know.
pub fn tool(action: &Action, window: &Window) -> Result<Tool, String> {
    let spec = SPECS.iter().find(|spec| spec.name == action.function);
    let spec = spec.ok_or_else(|| format!("no function `{}`", action.function))?;
    let name = WORD_ONLY.into_iter().find(|name| *name == spec.name);
    if let Some(name) = name {
        return match window.program.eq_ignore_ascii_case(WORD) {
            true => Ok(Tool { name, is_data: false, parameters: action.args.clone() }),
            false => Err(format!("{name} is Word's, and the window belongs to {}", window.program)),
        };
    }
    let name = ["click_input", "set_edit_text", "keyboard_input", "wheel_mouse_input", "texts"];
    let name = name.into_iter().find(|name| *name == spec.name).expect("every function is in one of the lists");
    let mut parameters = Map::new();
    parameters.insert("id".to_owned(), Value::from(action.control_label.as_str()));
    parameters.insert("name".to_owned(), Value::from(action.control_name.as_str()));
    parameters.extend(action.args.clone());
    Ok(Tool { name, is_data: false, parameters })
}

/// What of a tool's result a policy should read: texts that were asked for, and UFO's warning about a name that does not
/// match its id. The rest says only that something was done.
pub fn message(function: &str, result: &Value) -> String {
    let text = text(result);
    if function == "texts" || text.starts_with("Warning") { text } else { String::new() }
}

/// A result as text; lists of lines are joined.
pub fn text(result: &Value) -> String {
    match result {
        Value::String(text) => text.replace("\r\n", "\n").replace('\r', "\n"),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join("\n"),
        Value::Object(fields) => fields.get("result").map(text).unwrap_or_default(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use lam_types::Status;
    use serde_json::json;

    use super::*;

    fn action(function: &str, label: &str, args: Value) -> Action {
        Action {
            thought: String::new(),
            control_label: label.to_owned(),
            control_name: if label.is_empty() { String::new() } else { "Bold".to_owned() },
            function: function.to_owned(),
            args: args.as_object().cloned().unwrap_or_default(),
            status: Status::Continue,
            plan: Vec::new(),
        }
    }

    #[test]
    fn controls_go_by_id_and_name_and_word_needs_neither() {
        let word = Window { title: "a - Word".to_owned(), program: "WinWord.exe".to_owned() };
        let click = tool(&action("click_input", "7", json!({"button": "left"})), &word).unwrap();
        assert_eq!(Value::from(click.parameters), json!({"id": "7", "name": "Bold", "button": "left"}));
        let select = tool(&action("select_text", "", json!({"text": "x"})), &word).unwrap();
        assert_eq!(Value::from(select.parameters), json!({"text": "x"}));
        let notepad = Window { title: "a - Notepad".to_owned(), program: "notepad.exe".to_owned() };
        let refused = tool(&action("select_text", "", json!({"text": "x"})), &notepad).err().unwrap();
        assert_eq!(refused, "select_text is Word's, and the window belongs to notepad.exe");
    }

    #[test]
    fn every_function_is_a_tool() {
        let word = Window { title: String::new(), program: WORD.to_owned() };
        for spec in SPECS.iter() {
            assert_eq!(tool(&action(&spec.name, "1", json!({})), &word).unwrap().name, spec.name);
        }
    }

    #[test]
    fn only_what_says_something_is_told() {
        assert_eq!(message("texts", &json!(["a", "b"])), "a\nb");
        assert_eq!(message("texts", &json!({"result": "a\rb"})), "a\nb");
        assert_eq!(message("click_input", &json!("Executed action click_input, please check")), "");
        assert_eq!(message("click_input", &json!("Warning: the name")), "Warning: the name");
    }
}
