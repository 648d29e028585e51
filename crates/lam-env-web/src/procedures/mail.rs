//! Mail and posts: rows of one person each, with buttons of their own.

use lam_types::Call;
use lam_types::ControlType::{Button, Edit, Text};

use super::case::{Case, Moves};

/// The icon in a person's row.
fn icon<'a>(case: &Case<'a>, person: &str, icon: &str) -> Option<&'a str> {
    let mut buttons = case.of(&[Button]).map(|button| button.control_text.as_str());
    buttons.find(|name| name.split(' ').any(|word| word == person) && name.ends_with(&format!(" {icon}")))
}

/// Click the trash of a person's mail.
pub fn delete_mail(case: &Case<'_>) -> Option<Moves> {
    Moves::finish(vec![Call::click(icon(case, case.slot("name"), "trash")?)])
}

/// Click the star of a person's mail.
pub fn star_mail(case: &Case<'_>) -> Option<Moves> {
    Moves::finish(vec![Call::click(icon(case, case.slot("name"), "star")?)])
}

/// Open a person's mail, press what leads to the answer, fill its field, send.
fn answer(case: &Case<'_>, lead: &str, text: &str) -> Option<Moves> {
    let sender = case.slot("name");
    let shown = |name: &str| case.of(&[Text]).any(|control| control.control_text == name);
    if let Some(send) = case.named(&format!("send {}", lead.to_lowercase())) {
        let mut fields = case.of(&[Edit]);
        let field = if lead == "Forward" { fields.next() } else { fields.last() };
        return case.script(vec![
            Call::click(sender),
            Call::click(lead),
            Call::write(&field?.control_text, text),
            Call::click(send),
        ]);
    }
    let next = if shown(lead) { lead } else { sender };
    if shown(next) { Moves::look(Call::click(next)) } else { None }
}

/// Reply to a person's mail.
pub fn reply_mail(case: &Case<'_>) -> Option<Moves> {
    answer(case, "Reply", case.slot("sentence"))
}

/// Forward a person's mail.
pub fn forward_mail(case: &Case<'_>) -> Option<Moves> {
    answer(case, "Forward", case.slot("name2"))
}

/// Press a button of a person's post.
pub fn social_media(case: &Case<'_>) -> Option<Moves> {
    let (user, post) = (format!("@{}", case.slot("user")), case.slot("post"));
    if let Some(button) = icon(case, &user, &post.to_lowercase()) {
        return Moves::finish(vec![Call::click(button)]);
    }
    // What is not on the post is in its menu, where some items name the user too.
    let in_menu = |name: &str| name == post || name.strip_prefix(post) == Some(&format!(" {user}"));
    let item = case.controls().iter().find(|control| in_menu(&control.control_text));
    match item {
        Some(item) => Moves::finish(vec![Call::click(&item.control_text)]),
        None => Moves::look(Call::click(icon(case, &user, "more")?)),
    }
}
