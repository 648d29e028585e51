//! A small tokenizer, a screen and functions of every kind.

use lam_prompt::{Renderer, Tokenizer, TokenizerConfig};
use lam_types::{ArgKind, ArgSpec, Control, ControlType, FunctionSpec, Observation, State, Target};

const WORDS: [&str; 26] = [
    "click_input",
    "set_edit_text",
    "select_text",
    "insert_table",
    "set_font",
    "texts",
    "button",
    "double",
    "text",
    "rows",
    "columns",
    "font_name",
    "font_size",
    "Bold",
    "Find",
    "Replace",
    "Page",
    "Borders",
    "Document",
    "left",
    "right",
    "Arial",
    "alpha",
    "beta",
    "gamma",
    "table",
];

/// A corpus that lacks most of the words.
pub fn corpus() -> Vec<String> {
    let line = "select the text and make it bold , then find and replace every word of the second paragraph";
    (0..40).map(|n| format!("{line} {n} times ; set the margin to {}", n * 7 % 31)).collect()
}

/// The configuration of the fixture's tokenizer.
pub fn config() -> TokenizerConfig {
    TokenizerConfig { vocab_size: 640, labels: 128, words: WORDS.iter().map(|word| (*word).to_owned()).collect() }
}

/// A renderer of the compact template.
pub fn renderer() -> Renderer {
    let tokenizer = Tokenizer::train(&corpus(), &config()).expect("the words fit");
    Renderer::new(tokenizer).expect("the tokenizer has the markers")
}

/// Functions of every kind of target and argument.
pub fn functions() -> Vec<FunctionSpec> {
    use ControlType::{ComboBox, Edit};
    let words = |words: &[&str]| ArgKind::OneOf(words.iter().map(|word| (*word).to_owned()).collect());
    vec![
        function(
            "click_input",
            Target::Control(ControlType::ALL.to_vec()),
            vec![arg("button", words(&["left", "right"]), false), arg("double", ArgKind::Boolean, false)],
        ),
        function("set_edit_text", Target::Control(vec![Edit, ComboBox]), vec![arg("text", ArgKind::Text, true)]),
        function("select_text", Target::Application, vec![arg("text", ArgKind::DocumentText, true)]),
        function(
            "insert_table",
            Target::Application,
            vec![
                arg("rows", ArgKind::Integer { min: 1, max: 64 }, true),
                arg("columns", ArgKind::Integer { min: -3, max: 12 }, true),
            ],
        ),
        function(
            "set_font",
            Target::Application,
            vec![
                arg("font_name", words(&["Arial", "Arial Black"]), false),
                arg("font_size", ArgKind::Integer { min: 1, max: 400 }, false),
            ],
        ),
        function("select_table", Target::Application, vec![arg("number", ArgKind::ShownNumber("Table".into()), true)]),
        function(
            "select_paragraph",
            Target::Application,
            vec![arg("start_index", ArgKind::Paragraph, true), arg("end_index", ArgKind::Paragraph, true)],
        ),
        function("texts", Target::Control(vec![ControlType::Spinner]), vec![]),
    ]
}

fn function(name: &str, target: Target, args: Vec<ArgSpec>) -> FunctionSpec {
    FunctionSpec { name: name.into(), target, args, doc: format!("Does {name}.") }
}

fn arg(name: &str, kind: ArgKind, required: bool) -> ArgSpec {
    ArgSpec { name: name.into(), kind, required, doc: "A value.".into() }
}

/// A screen on which two controls bear the same name and one cannot be used.
pub fn observation() -> Observation {
    let control = |label: &str, name: &str, kind, enabled| Control {
        label: label.into(),
        control_text: name.into(),
        control_type: kind,
        enabled,
        selected: None,
        value: None,
        rectangle: None,
    };
    Observation {
        controls: vec![
            control("1", "Bold", ControlType::Button, true),
            control("2", "Find and Replace", ControlType::Button, true),
            control("3", "Find", ControlType::Edit, true),
            control("4", "Bold", ControlType::Button, true),
            control("5", "Page Borders", ControlType::ComboBox, false),
            control("6", "Table 1 Row 2", ControlType::DataItem, true),
            control("7", "Table 1", ControlType::Group, true),
            control("8", "Table 2", ControlType::Group, true),
        ],
        // A paragraph that ends in a space, and one of nothing but spaces.
        document: "alpha beta, gamma \n  \nDie Größe \"alpha delta\"".into(),
        selection: String::new(),
    }
}

/// The first state of a task on that screen.
pub fn state() -> State {
    State {
        request: "make 'alpha beta' bold.".into(),
        observation: observation(),
        previous_actions: Vec::new(),
        previous_plan: vec!["click Bold".into()],
    }
}
