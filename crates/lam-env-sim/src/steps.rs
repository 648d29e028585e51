//! The language of plans: one short imperative line for each call, and back.
//!
//! | call | step |
//! |---|---|
//! | `click_input` on Margins | `click Margins` (`double click …`, `right click …`) |
//! | `set_edit_text` on Address | `type TEXT in Address` |
//! | `select_text` | `select TEXT` |
//! | `select_paragraph` | `choose paragraphs 1 to 2` |
//! | `select_table` | `choose table 1` |
//! | `insert_table` | `insert table 3 by 4` (rows by columns) |
//! | `set_font` | `font Arial 12` |
//! | `keyboard_input` | `press DELETE`, or `press TEXT` |
//! | `wheel_mouse_input` | `scroll -3` |
//! | `texts` | `read Document` |
//! | `save_as` | `save NAME as .pdf`, or `save NAME as .pdf to DIRECTORY` |

use lam_types::{Action, Args};
use serde_json::{Value, json};

/// A function call as a plan names it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Call {
    /// The function.
    pub function: String,
    /// Name of its control, "" when it needs none.
    pub control_name: String,
    /// Its arguments.
    pub args: Args,
}

impl Call {
    /// A call; `args` must be a JSON object.
    pub fn new(function: &str, control_name: &str, args: Value) -> Self {
        let args = match args {
            Value::Object(args) => args,
            _ => Args::new(),
        };
        Self { function: function.to_owned(), control_name: control_name.to_owned(), args }
    }

    /// A plain left click.
    pub fn click(control_name: &str) -> Self {
        Self::new("click_input", control_name, Value::Null)
    }
}

/// The step that describes an action, "" when the action calls nothing.
pub fn step_of_action(action: &Action) -> String {
    step_text(&action.function, &action.control_name, &action.args)
}

/// The step that describes a call, "" for no function.
pub fn step_text(function: &str, control_name: &str, args: &Args) -> String {
    let get = |name: &str| match args.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => String::new(),
    };
    match function {
        "" => String::new(),
        "click_input" if get("double") == "true" => format!("double click {control_name}"),
        "click_input" if get("button") == "right" => format!("right click {control_name}"),
        "click_input" => format!("click {control_name}"),
        "set_edit_text" => format!("type {} in {control_name}", get("text")),
        "select_text" => format!("select {}", get("text")),
        "select_paragraph" => format!("choose paragraphs {} to {}", get("start_index"), get("end_index")),
        "select_table" => format!("choose table {}", get("number")),
        "insert_table" => format!("insert table {} by {}", get("rows"), get("columns")),
        "set_font" => {
            format!("font {} {}", get("font_name"), get("font_size")).replace("  ", " ").trim_end().to_owned()
        }
        "keyboard_input" => format!("press {}", bare_key(&get("keys"))),
        "wheel_mouse_input" => format!("scroll {}", get("wheel_dist")),
        "texts" => format!("read {control_name}"),
        "save_as" => save_text(&get("file_name"), &get("file_ext"), &get("file_dir")),
        other => format!("{other} {control_name}").trim_end().to_owned(),
    }
}

fn save_text(name: &str, extension: &str, directory: &str) -> String {
    match directory {
        "" => format!("save {name} as {extension}"),
        _ => format!("save {name} as {extension} to {directory}"),
    }
}

/// `DELETE` for `{DELETE}`; text and shortcuts stay as they are.
fn bare_key(keys: &str) -> &str {
    let inner = keys.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    inner.filter(|key| is_key_name(key)).unwrap_or(keys)
}

fn is_key_name(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// The call that a step describes; `None` when it is no step of this language.
pub fn parse_step(step: &str) -> Option<Call> {
    let step = step.trim();
    for (prefix, args) in [("double click ", json!({"double": true})), ("right click ", json!({"button": "right"}))] {
        if let Some(name) = step.strip_prefix(prefix) {
            return Some(Call::new("click_input", name, args));
        }
    }
    let (verb, rest) = step.split_once(' ')?;
    match verb {
        "click" => Some(Call::click(rest)),
        "type" => {
            let (text, control) = rest.rsplit_once(" in ")?;
            Some(Call::new("set_edit_text", control, json!({"text": text})))
        }
        "select" => Some(Call::new("select_text", "", json!({"text": rest}))),
        "choose" => parse_choice(rest),
        "insert" => {
            let (rows, columns) = rest.strip_prefix("table ")?.split_once(" by ")?;
            Some(Call::new("insert_table", "", json!({"rows": number(rows)?, "columns": number(columns)?})))
        }
        "font" => Some(parse_font(rest)),
        "press" if is_key_name(rest) => {
            Some(Call::new("keyboard_input", "Document", json!({"keys": format!("{{{rest}}}")})))
        }
        "press" => Some(Call::new("keyboard_input", "Document", json!({"keys": rest}))),
        "scroll" => Some(Call::new("wheel_mouse_input", "Document", json!({"wheel_dist": number(rest)?}))),
        "read" => Some(Call::new("texts", rest, Value::Null)),
        "save" => parse_save(rest),
        _ => None,
    }
}

fn number(text: &str) -> Option<i64> {
    text.parse().ok()
}

fn parse_choice(rest: &str) -> Option<Call> {
    if let Some(table) = rest.strip_prefix("table ") {
        return Some(Call::new("select_table", "", json!({"number": number(table)?})));
    }
    let (first, last) = rest.strip_prefix("paragraphs ")?.split_once(" to ")?;
    Some(Call::new("select_paragraph", "", json!({"start_index": number(first)?, "end_index": number(last)?})))
}

fn parse_font(rest: &str) -> Call {
    let args = match rest.rsplit_once(' ').map(|(name, size)| (name, number(size))) {
        Some((name, Some(size))) => json!({"font_name": name, "font_size": size}),
        _ => number(rest).map_or_else(|| json!({"font_name": rest}), |size| json!({"font_size": size})),
    };
    Call::new("set_font", "", args)
}

fn parse_save(rest: &str) -> Option<Call> {
    let (name, kind) = rest.rsplit_once(" as ")?;
    let args = match kind.split_once(" to ") {
        Some((extension, directory)) => {
            json!({"file_dir": directory, "file_name": name, "file_ext": extension})
        }
        None => json!({"file_name": name, "file_ext": kind}),
    };
    Some(Call::new("save_as", "", args))
}
