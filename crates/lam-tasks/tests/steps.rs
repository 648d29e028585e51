//! The language of plans as a property: whatever can be called, its step reads back as the same call.

use lam_env::random::{pick, stream};
use lam_tasks::{functions, parse_step, step_text, words};
use lam_types::{ArgKind, Args, Call, ControlType, FunctionSpec, Target};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

/// Pieces of which names and texts are made: the language's own words, keys, what needs quoting, and nothing.
const PIECES: [&str; 28] = [
    "",
    "in",
    "to",
    "as",
    "by",
    "click",
    "type",
    "select",
    "table",
    "paragraphs",
    "Document",
    "DELETE",
    "{DELETE}",
    "{VK_CONTROL}a",
    "3",
    "-3",
    ".pdf",
    "\"",
    "'",
    "\\",
    "{}",
    "{\"text\":\"x\"}",
    "red",
    "Zoë",
    "\n",
    "double",
    "font",
    "set_edit_text \"a\" {}",
];

fn text(random: &mut ChaCha8Rng) -> String {
    let count = random.random_range(0..=4);
    (0..count).map(|_| pick(random, &PIECES)).collect::<Vec<_>>().join(" ")
}

fn every_function() -> Vec<FunctionSpec> {
    vec![
        functions::click_input(),
        functions::set_edit_text(&[ControlType::Edit]),
        functions::keyboard_input(&[ControlType::Edit], "{ENTER}"),
        functions::wheel_mouse_input(&ControlType::ALL),
        functions::texts(&[ControlType::Edit]),
        functions::select_text(),
        functions::select_paragraph(),
        functions::select_table(),
        functions::insert_table(),
        functions::set_font(&["Arial", "Times New Roman", "12"]),
        functions::save_as(&[".docx", ".pdf"]),
    ]
}

fn call(random: &mut ChaCha8Rng, functions: &[FunctionSpec]) -> Call {
    let spec = &functions[random.random_range(0..functions.len())];
    let control = if spec.target == Target::Application { String::new() } else { text(random) };
    let mut args = Args::new();
    for arg in &spec.args {
        let value: Value = match &arg.kind {
            _ if !arg.required && random.random_bool(0.5) => continue,
            ArgKind::Text | ArgKind::DocumentText => text(random).into(),
            ArgKind::Boolean => random.random_bool(0.5).into(),
            ArgKind::OneOf(words) => words[random.random_range(0..words.len())].as_str().into(),
            ArgKind::Integer { .. } | ArgKind::ShownNumber(_) | ArgKind::Paragraph => {
                random.random_range(-70..70).into()
            }
        };
        args.insert(arg.name.clone(), value);
    }
    Call::new(&spec.name, &control, Value::Object(args))
}

#[test]
fn every_step_reads_back_as_its_call() {
    let (functions, mut random) = (every_function(), stream(&["steps"], 1));
    let mut exact = 0;
    for _ in 0..20_000 {
        let call = call(&mut random, &functions);
        let step = step_text(&call);
        assert_eq!(parse_step(&step).as_ref(), Some(&call), "{step}");
        exact += usize::from(step != words(&call.function, &call.control_name, &call.args));
    }
    assert!((1_000..19_000).contains(&exact), "{exact} of 20000 steps are in the exact form");
}

#[test]
fn usual_calls_have_plain_words() {
    let cases = [
        ("click Go", Call::click("Go")),
        ("double click Go", Call::new("click_input", "Go", json!({"double": true}))),
        ("type Ann in Name", Call::write("Name", "Ann")),
        ("select red barn", Call::select("red barn")),
        ("choose paragraphs 1 to 2", Call::new("select_paragraph", "", json!({"start_index": 1, "end_index": 2}))),
        ("insert table 3 by 4", Call::new("insert_table", "", json!({"rows": 3, "columns": 4}))),
        ("font Arial 12", Call::new("set_font", "", json!({"font_name": "Arial", "font_size": 12}))),
        ("press DELETE", Call::new("keyboard_input", "Document", json!({"keys": "{DELETE}"}))),
        ("press red barn in Name", Call::new("keyboard_input", "Name", json!({"keys": "red barn"}))),
        ("scroll -3", Call::scroll("Document", -3)),
        ("scroll text area by -3", Call::scroll("text area", -3)),
        ("save report as .pdf", Call::new("save_as", "", json!({"file_name": "report", "file_ext": ".pdf"}))),
    ];
    for (step, call) in cases {
        assert_eq!(step_text(&call), step);
        assert_eq!(parse_step(step), Some(call));
    }
}

#[test]
fn what_is_no_step_is_no_call() {
    for step in ["", "jump over Bold", "type Ann", "choose table x", "insert table 3", "scroll up", "save it"] {
        assert_eq!(parse_step(step), None, "{step}");
    }
}

#[test]
fn words_that_mean_another_call_give_way_to_the_exact_form() {
    let call = Call::write("Made in Oslo", "yes");
    assert_eq!(words(&call.function, &call.control_name, &call.args), "type yes in Made in Oslo");
    assert_eq!(step_text(&Call::write("Made in", "Oslo")), "type Oslo in Made in");
    assert_eq!(step_text(&call), "set_edit_text \"Made in Oslo\" {\"text\":\"yes\"}");
    assert_eq!(step_text(&Call::default()), "");
}
