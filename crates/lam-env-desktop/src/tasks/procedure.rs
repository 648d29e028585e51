//! How a family's task is done: moves with slots for parameters, and the calls they become. Knows no screen.

use lam_types::Args;
use serde_json::{Value, json};

use super::Choice;

/// A parameter that a move puts somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// The quoted text of the document.
    Text,
    /// The new text.
    New,
    /// What the application calls the choice.
    Choice,
    /// The first number.
    First,
    /// The second number.
    Second,
}

/// One move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// Select the quoted text.
    SelectText,
    /// Select the paragraphs from the first number to the second.
    SelectParagraphs,
    /// Click the control with this name or menu path.
    Click(&'static str),
    /// Click the control that the choice names.
    ClickChoice,
    /// Put a parameter into the field with this name.
    Set(&'static str, Slot),
    /// Press keys in the document.
    Press(&'static str),
    /// Type a parameter in the document.
    Write(Slot),
    /// `insert_table` with the numbers.
    InsertTable,
    /// `set_font` with choice and first number.
    SetFont,
    /// `save_as` under the new text with the choice's extension.
    SaveAs,
    /// Click each digit of a number.
    Digits(Slot),
}

/// The parameters of a task; empty and zero where its family has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters {
    /// Text that stands in the document.
    pub text: String,
    /// New text.
    pub new_text: String,
    /// The choice.
    pub choice: Option<Choice>,
    /// The numbers.
    pub numbers: [i64; 2],
}

impl Parameters {
    /// The value of a slot as the application takes it.
    pub fn value(&self, slot: Slot) -> String {
        match slot {
            Slot::Text => self.text.clone(),
            Slot::New => self.new_text.clone(),
            Slot::Choice => self.choice.map(|choice| choice.control).unwrap_or_default().to_owned(),
            Slot::First => self.numbers[0].to_string(),
            Slot::Second => self.numbers[1].to_string(),
        }
    }
}

/// One call of a function.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Its name.
    pub function: String,
    /// Name of the control it needs, or "".
    pub control: String,
    /// Its arguments.
    pub args: Args,
}

impl Call {
    fn new(function: &str, control: &str, args: Value) -> Self {
        let args = args.as_object().cloned().unwrap_or_default();
        Self { function: function.to_owned(), control: control.to_owned(), args }
    }

    /// A click.
    pub fn click(control: &str) -> Self {
        Self::new("click_input", control, Value::Null)
    }
}

/// The calls that carry out `moves`.
pub fn calls(moves: &[Move], parameters: &Parameters) -> Vec<Call> {
    moves.iter().flat_map(|step| calls_of(*step, parameters)).collect()
}

fn calls_of(step: Move, parameters: &Parameters) -> Vec<Call> {
    let [first, second] = parameters.numbers;
    let choice = parameters.value(Slot::Choice);
    let call = match step {
        Move::SelectText => Call::new("select_text", "", json!({"text": parameters.text})),
        Move::SelectParagraphs => Call::new("select_paragraph", "", json!({"start_index": first, "end_index": second})),
        Move::Click(name) => Call::click(name),
        Move::ClickChoice => Call::click(&choice),
        Move::Set(field, slot) => Call::new("set_edit_text", field, json!({"text": parameters.value(slot)})),
        Move::Press(keys) => Call::new("keyboard_input", "Document", json!({"keys": keys})),
        Move::Write(slot) => Call::new("keyboard_input", "Document", json!({"keys": parameters.value(slot)})),
        Move::InsertTable => Call::new("insert_table", "", json!({"rows": first, "columns": second})),
        Move::SetFont => Call::new("set_font", "", json!({"font_name": choice, "font_size": first})),
        Move::SaveAs => Call::new("save_as", "", json!({"file_name": parameters.new_text, "file_ext": choice})),
        Move::Digits(slot) => {
            return parameters.value(slot).chars().map(|digit| Call::click(&digit.to_string())).collect();
        }
    };
    vec![call]
}
