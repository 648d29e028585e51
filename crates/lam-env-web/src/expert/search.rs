//! Things that are not on the screen at first: behind tabs, in folders, on other pages.

use lam_types::Control;
use lam_types::ControlType::{Button, Edit, Hyperlink, TabItem, Text};

use super::case::{Case, Moves};
use crate::steps::Call;

/// Open tabs or sections one after the other until the link is there.
pub fn open_and_find(case: &Case<'_>) -> Option<Moves> {
    if let Some(link) = case.of(&[Hyperlink]).find(|link| link.control_text == case.slot("word")) {
        return Moves::finish(vec![Call::click(&link.control_text)]);
    }
    let is_new = |tab: &&Control| tab.selected != Some(true) && !case.clicked(&tab.control_text);
    Moves::look(Call::click(&case.of(&[TabItem]).find(is_new)?.control_text))
}

/// Open folders one after the other until the name is there.
pub fn tree(case: &Case<'_>) -> Option<Moves> {
    let controls = case.controls();
    if let Some(found) = controls.iter().find(|control| control.control_text == case.slot("name")) {
        return Moves::finish(vec![Call::click(&found.control_text)]);
    }
    let is_closed = |pair: &&[Control]| pair[0].control_type == Button && pair[0].control_text.to_lowercase().contains("expandable");
    let folder = controls.windows(2).filter(is_closed).map(|pair| &pair[1]).find(|folder| !case.clicked(&folder.control_text));
    Moves::look(Call::click(&folder?.control_text))
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
    Some(Moves { calls: vec![Call::click(&title[0].control_text)], is_open: false, label })
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
