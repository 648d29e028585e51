//! Things that are not on the screen at first: behind tabs, in folders, on other pages.

use lam_types::ControlType::{Button, Edit, Hyperlink, TabItem, Text};
use lam_types::{Call, Control};

use super::case::{Case, Moves};

/// What is thought at every step of a search, whether the screen has the name or not: what to click is then read off
/// the screen, not decided before the name was said.
fn looking_for(name: &str) -> String {
    format!("look for {name}")
}

/// Open tabs or sections one after the other, from the one that is open on, until the link is there.
pub fn open_and_find(case: &Case<'_>) -> Option<Moves> {
    let word = case.slot("word");
    let moves = match case.of(&[Hyperlink]).find(|link| link.control_text == word) {
        Some(link) => Moves::finish(vec![Call::click(&link.control_text)]),
        None => Moves::look(Call::click(&next_tab(case)?.control_text)),
    };
    Some(moves?.thinking(looking_for(word)))
}

/// The tab behind the last one that is open or was clicked, or else the first other one: of the tab that was open at the
/// start the screen keeps no trace, so a search that finds nothing ends with it.
fn next_tab<'a>(case: &Case<'a>) -> Option<&'a Control> {
    let tabs: Vec<&Control> = case.of(&[TabItem]).collect();
    let is_known = |tab: &&Control| tab.selected == Some(true) || case.clicked(&tab.control_text);
    let (before, behind) = tabs.split_at(tabs.iter().rposition(is_known).map_or(0, |last| last + 1));
    behind.iter().chain(before).find(|tab| !is_known(tab)).copied()
}

/// Open folders one after the other until the name is there.
pub fn tree(case: &Case<'_>) -> Option<Moves> {
    let (controls, name) = (case.controls(), case.slot("name"));
    let is_closed = |pair: &&[Control]| {
        pair[0].control_type == Button && pair[0].control_text.to_lowercase().contains("expandable")
    };
    let mut folders = controls.windows(2).filter(is_closed).map(|pair| &pair[1]);
    let moves = match controls.iter().find(|control| control.control_text == name) {
        Some(found) => Moves::finish(vec![Call::click(&found.control_text)]),
        None => Moves::look(Call::click(&folders.find(|folder| !case.clicked(&folder.control_text))?.control_text)),
    };
    Some(moves?.thinking(looking_for(name)))
}

/// Search, turn the pages, click the n-th result of all.
pub fn search_engine(case: &Case<'_>) -> Option<Moves> {
    const RESULTS_A_PAGE: usize = 3;
    let field = &case.of(&[Edit]).next()?.control_text;
    let start = [Call::write(field, case.slot("name")), Call::click("Search")];
    if let Some(next) = start.iter().find(|call| !case.did(call)) {
        return Moves::look(next.clone());
    }
    let wanted = case.place("ordinal")?;
    let turned = case.past().iter().filter(|past| past.control_name == ">").count();
    if turned < wanted / RESULTS_A_PAGE {
        return Moves::look(Call::click(">"));
    }
    // A title is a link with the address below it.
    let is_title = |pair: &&[Control]| pair[0].control_type == Hyperlink && pair[1].control_text.starts_with("http");
    let title = case.controls().windows(2).filter(is_title).nth(wanted % RESULTS_A_PAGE)?;
    let label = Some(title[0].label.clone());
    Some(Moves { calls: vec![Call::click(&title[0].control_text)], label, ..Moves::default() })
}

/// Turn the pages until the person is there, then click what is asked of them.
pub fn phone_book(case: &Case<'_>) -> Option<Moves> {
    let person = case.of(&[Text]).next()?;
    if person.control_text != case.slot("name") {
        return Moves::look(Call::click(case.named(">")?));
    }
    let word = case.slot("contact").split(' ').next()?;
    let of_word = |text: &str| text.to_lowercase().starts_with(word) && text.ends_with(':');
    let mut behind = case.controls().iter().skip_while(|control| !of_word(&control.control_text));
    let link = behind.find(|control| control.control_type == Hyperlink)?;
    Moves::finish(vec![Call::click(&link.control_text)])
}

#[cfg(test)]
mod tests {
    use lam_env::Expert;
    use lam_types::{ControlType, Observation, PastAction, State, StepStatus};

    use super::*;
    use crate::expert::WebExpert;

    /// A screen of three tabs, this one open, and one link.
    fn screen(request: &str, open: &str, link: &str) -> State {
        let control = |(index, (name, kind)): (usize, (&str, ControlType))| Control {
            label: (index + 1).to_string(),
            control_text: name.to_owned(),
            control_type: kind,
            enabled: true,
            selected: Some(name == open),
            value: None,
            rectangle: None,
        };
        let tabs = ["Tab #1", "Tab #2", "Tab #3"].map(|name| (name, TabItem));
        let controls = tabs.into_iter().chain([(link, Hyperlink)]).enumerate().map(control).collect();
        let observation = Observation { controls, document: String::new(), selection: String::new() };
        State { request: request.to_owned(), observation, previous_actions: Vec::new(), previous_plan: Vec::new() }
    }

    #[test]
    fn tabs_are_opened_from_the_open_one_on_with_one_thought_until_the_link_is_there() {
        let request = "Switch between the tabs to find and click on the link \"sem\".";
        let (mut open, mut past) = ("Tab #2".to_owned(), Vec::new());
        for next in ["Tab #3", "Tab #1", "Tab #2"] {
            let state = State { previous_actions: past.clone(), ..screen(request, &open, "sit") };
            let action = WebExpert.decide(&state).unwrap();
            assert_eq!((action.control_name.as_str(), action.thought.as_str()), (next, "look for sem"));
            past.push(PastAction::of(&action, StepStatus::Ok));
            open = action.control_name;
        }
        let found = State { previous_actions: past.clone(), ..screen(request, &open, "sem") };
        let action = WebExpert.decide(&found).unwrap();
        assert_eq!((action.control_label.as_str(), action.thought.as_str()), ("4", "look for sem"));
        let missing = State { previous_actions: past, ..screen(request, &open, "sit") };
        assert_eq!(WebExpert.decide(&missing).unwrap().thought, "it is not there");
    }
}
