//! The language of plans: one short imperative line for each call.

use lam_types::{Args, StepStatus};
use serde_json::{Value, json};

/// A function call as a plan names it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Call {
    /// The function.
    pub function: &'static str,
    /// Name of its control, "" when it needs none.
    pub control_name: String,
    /// Its arguments.
    pub args: Args,
}

impl Call {
    fn new(function: &'static str, control_name: &str, args: Value) -> Self {
        let args = if let Value::Object(args) = args { args } else { Args::new() };
        Self { function, control_name: control_name.to_owned(), args }
    }

    /// A plain left click.
    pub fn click(control_name: &str) -> Self {
        Self::new("click_input", control_name, Value::Null)
    }

    /// A text put into a field.
    pub fn write(control_name: &str, text: &str) -> Self {
        Self::new("set_edit_text", control_name, json!({"text": text}))
    }

    /// A text of the page selected.
    pub fn select(text: &str) -> Self {
        Self::new("select_text", "", json!({"text": text}))
    }

    /// The wheel turned over a control.
    pub fn scroll(control_name: &str, notches: i64) -> Self {
        Self::new("wheel_mouse_input", control_name, json!({"wheel_dist": notches}))
    }

    /// Whether that is what was done, with success.
    pub fn is(&self, past: &lam_types::PastAction) -> bool {
        past.outcome == StepStatus::Ok
            && (self.function, &self.control_name, &self.args)
                == (past.function.as_str(), &past.control_name, &past.args)
    }

    /// The step that describes it.
    pub fn step(&self) -> String {
        step_text(self.function, &self.control_name, &self.args)
    }
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
        "keyboard_input" => format!("press {} in {control_name}", get("keys")),
        "wheel_mouse_input" => format!("scroll {control_name} by {}", get("wheel_dist")),
        "texts" => format!("read {control_name}"),
        other => format!("{other} {control_name}").trim_end().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_have_words() {
        assert_eq!(Call::click("Go").step(), "click Go");
        assert_eq!(Call::write("Name", "Ann").step(), "type Ann in Name");
        assert_eq!(Call::scroll("text area", -3).step(), "scroll text area by -3");
        assert_eq!(step_text("", "", &Args::new()), "");
    }
}
