//! Fields: what the request or the page gives is put into them.

use lam_types::ControlType::{DataItem, Edit, Hyperlink, Spinner, Text};
use lam_types::{Call, Control};

use super::case::{Case, Moves};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

fn write_and_submit(case: &Case<'_>, field: &str, text: &str) -> Option<Moves> {
    case.script(vec![Call::write(field, text), case.submit()?])
}

/// The first field that is not a text area.
fn line<'a>(case: &Case<'a>) -> Option<&'a str> {
    let is_line = |field: &&Control| !field.control_text.starts_with("text area");
    case.of(&[Edit]).find(is_line).map(|field| field.control_text.as_str())
}

/// The request's text into the one field, in capitals or small letters where it says so.
pub fn enter_text(case: &Case<'_>) -> Option<Moves> {
    let given = ["name", "code", "date", "time"].iter().find(|slot| !case.slot(slot).is_empty())?;
    let text = case.slot(given);
    let text = match case.slot("letters") {
        "upper case" => text.to_uppercase(),
        "lower case" => text.to_lowercase(),
        _ => text.to_owned(),
    };
    write_and_submit(case, line(case)?, &text)
}

/// The password into every field.
pub fn fill_form(case: &Case<'_>) -> Option<Moves> {
    let text = case.slot("code");
    let mut calls: Vec<Call> = case.of(&[Edit]).map(|field| Call::write(&field.control_text, text)).collect();
    calls.push(case.submit()?);
    case.script(calls)
}

/// User name and password; what pops up in between is sent away.
pub fn log_in(case: &Case<'_>) -> Option<Moves> {
    if let Some(popup) = case.named("Cancel").filter(|_| case.named("Username").is_some()) {
        return Moves::look(Call::click(popup));
    }
    let login = case.submit()?;
    case.script(vec![Call::write("Username", case.slot("user")), Call::write("Password", case.slot("code")), login])
}

/// Click into the field that the request counts to.
pub fn focus_field(case: &Case<'_>) -> Option<Moves> {
    let field = case.of(&[Edit]).nth(case.place("ordinal").unwrap_or(0))?;
    Moves::finish(vec![Call::click(&field.control_text)])
}

/// The text of a text area into the text field.
pub fn copy_text(case: &Case<'_>) -> Option<Moves> {
    let areas: Vec<&Control> = case.of(&[Edit]).filter(|field| field.control_text.starts_with("text area")).collect();
    let text = areas.get(case.place("ordinal").unwrap_or(0))?.value.as_deref()?;
    write_and_submit(case, line(case)?, text)
}

/// The last word of the text area into the text field.
pub fn type_last_word(case: &Case<'_>) -> Option<Moves> {
    let text = case.of(&[Edit]).find(|field| field.control_text.starts_with("text area"))?.value.as_deref()?;
    write_and_submit(case, line(case)?, text.split_whitespace().last()?)
}

/// The letters that stand in the page into the text field.
pub fn type_shown_text(case: &Case<'_>) -> Option<Moves> {
    write_and_submit(case, line(case)?, &case.texts().collect::<String>())
}

/// The date by the calendar that opens below the field.
pub fn choose_date(case: &Case<'_>) -> Option<Moves> {
    let [month, day, _] = case.slot("date").split('/').collect::<Vec<_>>()[..] else { return None };
    let wanted: usize = month.parse().ok()?;
    let day = day.trim_start_matches('0');
    if case.past().iter().any(|past| past.control_name == day) {
        return Moves::finish(vec![case.submit()?]);
    }
    let Some(shown) = case.texts().find_map(|text| MONTHS.iter().position(|month| *month == text)) else {
        return Moves::look(Call::click(line(case)?));
    };
    match wanted.cmp(&(shown + 1)) {
        std::cmp::Ordering::Less => Moves::look(Call::click("Prev")),
        std::cmp::Ordering::Greater => Moves::look(Call::click("Next")),
        std::cmp::Ordering::Equal => {
            let day = case.of(&[Hyperlink]).find(|link| link.control_text == day)?;
            Moves::finish(vec![Call::click(&day.control_text), case.submit()?])
        }
    }
}

/// A word of the table, and what stands beside it.
fn beside<'a>(case: &Case<'a>, word: &str) -> Option<[&'a Control; 2]> {
    let mut cells = case.of(&[DataItem]).skip_while(|cell| cell.control_text != word);
    Some([cells.next()?, cells.next()?])
}

/// Values of the table into fields, one after the other. What is still to be typed is read out first, word by word and
/// as it stands on the screen, labels and all, so that reading is repeating, and so are the call and the plan then.
fn copy_cells<'f>(case: &Case<'_>, fields: impl IntoIterator<Item = (&'f str, &'f str)>) -> Option<Moves> {
    let (mut calls, mut said) = (Vec::new(), Vec::new());
    for (field, word) in fields {
        let [key, value] = beside(case, word)?;
        let call = Call::write(field, &value.control_text);
        if !case.did(&call) {
            said.push(format!("{word} {} {}", key.label, value.control_text));
        }
        calls.push(call);
    }
    calls.push(case.submit()?);
    let moves = case.script(calls)?;
    Some(if said.is_empty() { moves } else { moves.thinking(said.join(" , ")) })
}

/// One value of the table into the field.
pub fn read_table(case: &Case<'_>) -> Option<Moves> {
    copy_cells(case, [(line(case)?, case.slot("field"))])
}

/// The values of the table into the fields of their names.
pub fn read_table_form(case: &Case<'_>) -> Option<Moves> {
    copy_cells(case, case.of(&[Edit]).map(|field| (field.control_text.as_str(), field.control_text.as_str())))
}

/// Genre, director and year into their fields, wherever they stand.
pub fn search_movies(case: &Case<'_>) -> Option<Moves> {
    let call = |words: [&str; 2], slot: &str| {
        let field = case.of(&[Edit]).find(|field| words.iter().any(|word| field.control_text.contains(word)))?;
        Some(Call::write(&field.control_text, case.slot(slot)))
    };
    let (genre, director) = (call(["Genre"; 2], "genre")?, call(["Director"; 2], "lastname")?);
    case.script(vec![genre, director, call(["Year", "Released"], "year")?, case.submit()?])
}

/// The number into the field with arrows.
pub fn set_spinner(case: &Case<'_>) -> Option<Moves> {
    let field = case.of(&[Spinner]).next()?;
    write_and_submit(case, &field.control_text, case.slot("number"))
}

/// The wheel turned to one end of the text area.
pub fn scroll_area(case: &Case<'_>) -> Option<Moves> {
    let area = case.of(&[Edit]).next()?;
    let notches = if case.slot("end") == "top" { 64 } else { -64 };
    case.script(vec![Call::scroll(&area.control_text, notches), case.submit()?])
}

/// A paragraph selected.
pub fn highlight(case: &Case<'_>) -> Option<Moves> {
    let paragraph = case.of(&[Text]).nth(case.place("ordinal").unwrap_or(0))?;
    case.script(vec![Call::select(&paragraph.control_text), case.submit()?])
}

#[cfg(test)]
mod tests {
    use lam_env::Expert;
    use lam_types::{ControlType, Observation, PastAction, State, StepStatus};

    use super::*;
    use crate::expert::WebExpert;

    /// A table of two rows above a form of two fields, in the other order.
    fn screen(past: &[PastAction]) -> State {
        let cells = ["Gender", "Female", "Language", "Javanese"].map(|name| (name, DataItem));
        let form = [("Language", Edit), ("Gender", Edit), ("Submit", ControlType::Button)];
        let control = |(index, (name, kind)): (usize, (&str, ControlType))| Control {
            label: (index + 1).to_string(),
            control_text: name.to_owned(),
            control_type: kind,
            enabled: true,
            selected: None,
            value: None,
            rectangle: None,
        };
        let controls = cells.into_iter().chain(form).enumerate().map(control).collect();
        let request = "Enter the value that corresponds with each label into the form and submit when done.";
        State {
            request: request.to_owned(),
            observation: Observation { controls, document: String::new(), selection: String::new() },
            previous_actions: past.to_vec(),
            previous_plan: Vec::new(),
        }
    }

    #[test]
    fn what_is_still_to_be_typed_is_read_out_before_the_first_of_it_is_typed_and_planned() {
        let mut past = Vec::new();
        let expected = [
            ("Language 3 Javanese , Gender 1 Female", "Language", vec!["type Female in Gender", "click Submit"]),
            ("Gender 1 Female", "Gender", vec!["click Submit"]),
            ("click Submit", "Submit", vec![]),
        ];
        for (thought, control, plan) in expected {
            let action = WebExpert.decide(&screen(&past)).unwrap();
            assert_eq!((action.thought.as_str(), action.control_name.as_str()), (thought, control));
            assert_eq!(action.plan, plan);
            past.push(PastAction::of(&action, StepStatus::Ok));
        }
    }
}
