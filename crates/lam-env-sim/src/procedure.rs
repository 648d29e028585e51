//! How a family's task is done: moves with slots for parameters, and the calls they become.
//!
//! A call knows the tab that holds its command, which is all that is needed to find it from anywhere.

use serde_json::{Value, json};

use crate::ribbon::Tab;
use crate::steps::{Call, step_text};

/// A parameter that a move puts into a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// The text of the document.
    Text,
    /// The new text.
    NewText,
    /// The option.
    Option,
    /// The first number.
    First,
}

/// One move of a procedure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// Select the text.
    SelectText,
    /// Select the paragraphs.
    SelectParagraphs,
    /// Select the table.
    SelectTable,
    /// Click a command that stands on a tab, on the quick-access bar or in the text area.
    Click(&'static str),
    /// Click the command that the option names.
    ClickOption,
    /// Click the numbered object of this kind.
    ClickObject(&'static str),
    /// Click an item or a box of what is open.
    Choose(&'static str),
    /// Click the item that the option names.
    ChooseOption,
    /// Type into a command that stands on a tab or in the text area.
    Type(&'static str, Slot),
    /// Type into a field of the open dialog.
    Fill(&'static str, Slot),
    /// Type into the field that the option names.
    FillOption(Slot),
    /// Click the button that confirms.
    Confirm(&'static str),
    /// Insert a table of the numbers' size.
    InsertTable,
    /// Set font and size together.
    SetFont,
    /// Press a key in the document.
    Press(&'static str),
    /// Type the new text in the document.
    Write,
    /// Turn the wheel.
    Scroll,
    /// Save under the new text's name with the option's extension.
    SaveAs,
}

/// The parameters of one part of a task; empty and zero where the family has none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Parameters {
    /// Text that stands in the document.
    pub text: String,
    /// New text.
    pub new_text: String,
    /// The option.
    pub option: &'static str,
    /// The numbers.
    pub numbers: [i64; 2],
}

/// A call, and the tab that must be shown for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// The tab that holds the command, if it stands on one.
    pub tab: Option<Tab>,
    /// The call.
    pub call: Call,
}

/// The calls that carry out moves with these parameters.
pub fn planned(moves: &[Move], parameters: &Parameters) -> Vec<Planned> {
    moves.iter().map(|step| plan_move(*step, parameters)).collect()
}

fn plan_move(step: Move, parameters: &Parameters) -> Planned {
    let [first, second] = parameters.numbers;
    let value = |slot| match slot {
        Slot::Text => parameters.text.clone(),
        Slot::NewText => parameters.new_text.clone(),
        Slot::Option => parameters.option.to_owned(),
        Slot::First => first.to_string(),
    };
    let free = |call| Planned { tab: None, call };
    let call = |function: &str, control: &str, args: Value| Call::new(function, control, args);
    let typed = |field: &str, slot| call("set_edit_text", field, json!({"text": value(slot)}));
    match step {
        Move::SelectText => free(call("select_text", "", json!({"text": parameters.text}))),
        Move::SelectParagraphs => {
            free(call("select_paragraph", "", json!({"start_index": first, "end_index": second})))
        }
        Move::SelectTable => free(call("select_table", "", json!({"number": first}))),
        Move::Click(name) => Planned { tab: Tab::of(name), call: Call::click(name) },
        Move::ClickOption => Planned { tab: Tab::of(parameters.option), call: Call::click(parameters.option) },
        Move::ClickObject(kind) => free(Call::click(&format!("{kind} {first}"))),
        Move::Choose(name) | Move::Confirm(name) => free(Call::click(name)),
        Move::ChooseOption => free(Call::click(parameters.option)),
        Move::Type(name, slot) => Planned { tab: Tab::of(name), call: typed(name, slot) },
        Move::Fill(field, slot) => free(typed(field, slot)),
        Move::FillOption(slot) => free(typed(parameters.option, slot)),
        Move::InsertTable => free(call("insert_table", "", json!({"rows": first, "columns": second}))),
        Move::SetFont => free(call("set_font", "", json!({"font_name": parameters.option, "font_size": first}))),
        Move::Press(keys) => free(call("keyboard_input", "Document", json!({"keys": keys}))),
        Move::Write => free(call("keyboard_input", "Document", json!({"keys": parameters.new_text}))),
        Move::Scroll => {
            let notches = if parameters.option == "up" { first } else { -first };
            free(call("wheel_mouse_input", "Document", json!({"wheel_dist": notches})))
        }
        Move::SaveAs => {
            free(call("save_as", "", json!({"file_name": parameters.new_text, "file_ext": parameters.option})))
        }
    }
}

/// The steps of a plan that knows no screen: every tab is named, also one that may already be shown.
pub fn plan_steps(calls: &[Planned]) -> Vec<String> {
    let mut shown = None;
    let mut steps = Vec::new();
    for planned in calls {
        if let Some(tab) = planned.tab.filter(|tab| shown != Some(*tab)) {
            steps.push(step_text("click_input", tab.name(), &lam_types::Args::new()));
            shown = Some(tab);
        }
        let Call { function, control_name, args } = &planned.call;
        steps.push(step_text(function, control_name, args));
    }
    steps
}
