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
//! | `keyboard_input` | `press DELETE`, or `press TEXT`; `press ENTER in Address` outside the document |
//! | `wheel_mouse_input` | `scroll -3`; `scroll Address by -3` outside the document |
//! | `texts` | `read Document` |
//! | `save_as` | `save NAME as .pdf`, or `save NAME as .pdf to DIRECTORY` |
//! | any other, and one whose words could mean another call | `set_edit_text "Made in" {"text":"Oslo"}` |
//!
//! The last form makes the language exact: what [`step_text`] writes, [`parse_step`] reads back as the same call.

use lam_types::{Args, Call};
use serde_json::{Deserializer, Value, json};

/// The control that keys and the wheel go to when a step names none.
const DOCUMENT: &str = "Document";

/// The step that describes a call: in plain words where they mean this call and no other, else in the exact form; ""
/// for no function.
pub fn step_text(call: &Call) -> String {
    let plain = words(&call.function, &call.control_name, &call.args);
    if call.function.is_empty() || parse_step(&plain).as_ref() == Some(call) {
        return plain;
    }
    format!("{} {} {}", call.function, json!(call.control_name), Value::Object(call.args.clone()))
}

/// The call that a step describes; `None` when it is not a step of this language.
pub fn parse_step(step: &str) -> Option<Call> {
    parse_exact(step).or_else(|| parse_plain(step, &|text| Some(text.parse::<i64>().ok()?.into())))
}

/// A call in plain words, "" for no function. They may leave something out: a mouse's middle button, for example.
pub fn words(function: &str, control_name: &str, args: &Args) -> String {
    let get = |name: &str| match args.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => String::new(),
    };
    let in_document = control_name == DOCUMENT;
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
        "keyboard_input" if in_document => format!("press {}", bare_key(&get("keys"))),
        "keyboard_input" => format!("press {} in {control_name}", bare_key(&get("keys"))),
        "wheel_mouse_input" if in_document => format!("scroll {}", get("wheel_dist")),
        "wheel_mouse_input" => format!("scroll {control_name} by {}", get("wheel_dist")),
        "texts" => format!("read {control_name}"),
        "save_as" => save_words(&get("file_name"), &get("file_ext"), &get("file_dir")),
        other => format!("{other} {control_name}").trim_end().to_owned(),
    }
}

fn save_words(name: &str, extension: &str, directory: &str) -> String {
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

/// `FUNCTION "CONTROL" {ARGUMENTS}`: name and arguments as JSON.
fn parse_exact(step: &str) -> Option<Call> {
    let (function, rest) = step.split_once(' ')?;
    let values: Vec<Value> = Deserializer::from_str(rest).into_iter().collect::<Result<_, _>>().ok()?;
    match values.as_slice() {
        [Value::String(control_name), args @ Value::Object(_)] => Some(Call::new(function, control_name, args.clone())),
        _ => None,
    }
}

/// What a piece of text stands for where a number is expected.
type Number<'a> = &'a dyn Fn(&str) -> Option<Value>;

/// The call of a step in plain words.
pub(crate) fn parse_plain(step: &str, number: Number<'_>) -> Option<Call> {
    let (verb, rest) = step.split_once(' ').unwrap_or((step, ""));
    match verb {
        "double" => Some(Call::new("click_input", rest.strip_prefix("click ")?, json!({"double": true}))),
        "right" => Some(Call::new("click_input", rest.strip_prefix("click ")?, json!({"button": "right"}))),
        "click" => Some(Call::click(rest)),
        "type" => {
            let (text, control) = rest.rsplit_once(" in ")?;
            Some(Call::write(control, text))
        }
        "select" => Some(Call::select(rest)),
        "choose" => parse_choice(rest, number),
        "insert" => {
            let (rows, columns) = rest.strip_prefix("table ")?.split_once(" by ")?;
            Some(Call::new("insert_table", "", json!({"rows": number(rows)?, "columns": number(columns)?})))
        }
        "font" => Some(parse_font(rest, number)),
        "press" => Some(parse_keys(rest)),
        "scroll" => {
            let (control, notches) = rest.rsplit_once(" by ").unwrap_or((DOCUMENT, rest));
            Some(Call::new("wheel_mouse_input", control, json!({"wheel_dist": number(notches)?})))
        }
        "read" => Some(Call::new("texts", rest, Value::Null)),
        "save" => parse_save(rest),
        _ => None,
    }
}

fn parse_choice(rest: &str, number: Number<'_>) -> Option<Call> {
    if let Some(table) = rest.strip_prefix("table ") {
        return Some(Call::new("select_table", "", json!({"number": number(table)?})));
    }
    let (first, last) = rest.strip_prefix("paragraphs ")?.split_once(" to ")?;
    Some(Call::new("select_paragraph", "", json!({"start_index": number(first)?, "end_index": number(last)?})))
}

fn parse_font(rest: &str, number: Number<'_>) -> Call {
    let args = match rest.rsplit_once(' ').map(|(name, size)| (name, number(size))) {
        Some((name, Some(size))) => json!({"font_name": name, "font_size": size}),
        _ if rest.is_empty() => Value::Null,
        _ => number(rest).map_or_else(|| json!({"font_name": rest}), |size| json!({"font_size": size})),
    };
    Call::new("set_font", "", args)
}

fn parse_keys(rest: &str) -> Call {
    let (keys, control) = rest.rsplit_once(" in ").unwrap_or((rest, DOCUMENT));
    let keys = if is_key_name(keys) { format!("{{{keys}}}") } else { keys.to_owned() };
    Call::new("keyboard_input", control, json!({"keys": keys}))
}

/// What is empty was not given.
fn parse_save(rest: &str) -> Option<Call> {
    let (name, kind) = rest.rsplit_once(" as ")?;
    let (extension, directory) = kind.split_once(" to ").unwrap_or((kind, ""));
    let mut call = Call::new("save_as", "", Value::Null);
    for (key, value) in [("file_dir", directory), ("file_name", name), ("file_ext", extension)] {
        if !value.is_empty() {
            call.args.insert(key.to_owned(), value.into());
        }
    }
    Some(call)
}
