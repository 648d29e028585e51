//! Buttons, links, boxes and items: click what is named.

use lam_types::Call;
use lam_types::ControlType::{Button, CheckBox, Edit, Hyperlink, MenuItem, RadioButton, TabItem};

use super::case::{Case, Moves};

/// Click the control that the request names.
pub fn click_named(case: &Case<'_>) -> Option<Moves> {
    let slot = ["button", "label", "word", "digit"].iter().find(|slot| !case.slot(slot).is_empty())?;
    let wanted = match (*slot, case.slot(slot)) {
        ("digit", digit) => format!("Tab #{digit}"),
        ("button", "x") => "Close".to_owned(),
        (_, name) => name.to_owned(),
    };
    Moves::finish(vec![Call::click(case.named(&wanted)?)])
}

/// Close the dialog.
pub fn close_dialog(case: &Case<'_>) -> Option<Moves> {
    Moves::finish(vec![Call::click(case.named("Close")?)])
}

/// Click the one button there is.
pub fn click_button_of(case: &Case<'_>) -> Option<Moves> {
    let button = case.of(&[Button]).next()?;
    Moves::finish(vec![Call::click(&button.control_text)])
}

/// Click one button, then another.
pub fn click_sequence(case: &Case<'_>) -> Option<Moves> {
    let (first, second) = (case.named(case.slot("label"))?, case.named(case.slot("label2"))?);
    case.script(vec![Call::click(first), Call::click(second)])
}

/// Click each box or item that the request lists, then submit.
pub fn pick_items(case: &Case<'_>) -> Option<Moves> {
    let listed =
        ["codes", "code", "countries", "country"].iter().map(|slot| case.slot(slot)).find(|list| !list.is_empty());
    let items = listed.filter(|list| *list != "nothing").unwrap_or_default();
    let names = items.split(", ").filter(|item| !item.is_empty());
    let mut calls = names.map(|name| case.named(name).map(Call::click)).collect::<Option<Vec<_>>>()?;
    calls.push(case.submit()?);
    case.script(calls)
}

/// Click a control of the kind that the request names.
pub fn widget(case: &Case<'_>) -> Option<Moves> {
    let mut fields = case.of(&[Edit]);
    let control = match case.slot("widget") {
        "button" => case.of(&[Button]).next(),
        "radio" => case.of(&[RadioButton]).next(),
        "checkbox" => case.of(&[CheckBox]).next(),
        "textarea" => fields.find(|field| field.control_text.starts_with("text area")),
        _ => fields.find(|field| field.control_text.starts_with("text field")),
    };
    Moves::finish(vec![Call::click(&control?.control_text)])
}

/// Open the one section, then submit.
pub fn expand_section(case: &Case<'_>) -> Option<Moves> {
    let section = case.of(&[TabItem]).find(|tab| tab.control_text.starts_with("Section"))?;
    case.script(vec![Call::click(&section.control_text), case.submit().unwrap_or_else(|| Call::click("Submit"))])
}

/// Type the beginning, choose among what is offered, submit.
pub fn autocomplete(case: &Case<'_>) -> Option<Moves> {
    let (start, end) = (case.slot("start"), case.slot("finish"));
    let field = &case.of(&[Edit]).next()?.control_text;
    if !case.did(&Call::write(field, start)) {
        return Moves::look(Call::write(field, start));
    }
    let fits = |name: &&str| name.starts_with(start) && name.ends_with(end);
    let chosen = case.of(&[MenuItem, Hyperlink]).map(|item| item.control_text.as_str()).find(fits);
    match chosen {
        Some(item) => Moves::finish(vec![Call::click(item), case.submit()?]),
        None => Moves::finish(vec![case.submit()?]),
    }
}
