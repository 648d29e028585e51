//! Text on the screen: paragraphs of a document, their selections, the contents of fields.

use atspi_common::{Interface, Role, State};
use futures_util::future::join_all;

use super::control::is_document;
use super::{Node, Peer};
use crate::fault::Fault;

const TEXT: &str = "org.a11y.atspi.Text";
const EDITABLE: &str = "org.a11y.atspi.EditableText";

/// One paragraph as the screen shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextPlace {
    /// The object.
    pub path: String,
    /// Its text.
    pub text: String,
    /// What is selected in it, in characters.
    pub selection: Option<(i32, i32)>,
    /// Whether the caret stands in it.
    pub focused: bool,
}

impl TextPlace {
    /// The selected part.
    pub fn selected(&self) -> String {
        let Some((from, to)) = self.selection else { return String::new() };
        let length = (to - from).max(0) as usize;
        self.text.chars().skip(from.max(0) as usize).take(length).collect()
    }

    /// Where `text` stands in it, in characters.
    pub fn find(&self, text: &str) -> Option<(i32, i32)> {
        let at = self.text.find(text)?;
        let from = self.text[..at].chars().count() as i32;
        Some((from, from + text.chars().count() as i32))
    }
}

/// The paragraphs of the document, or the text of the text area of an application without paragraphs.
pub async fn paragraphs(peer: &Peer, nodes: &[Node]) -> Result<Vec<TextPlace>, Fault> {
    let in_document = |place: usize| {
        let mut at = nodes[place].parent;
        std::iter::from_fn(|| {
            let parent = at?;
            at = nodes[parent].parent;
            Some(parent)
        })
        .any(|parent| is_document(nodes[parent].role))
    };
    let has_text = |node: &Node| node.is_showing() && node.has(Interface::Text);
    let wanted: Vec<&Node> = nodes
        .iter()
        .enumerate()
        .filter(|(place, node)| has_text(node) && is_paragraph(node.role) && in_document(*place))
        .map(|(_, node)| node)
        .collect();
    let areas = nodes
        .iter()
        .filter(|node| has_text(node) && node.states.contains(State::MultiLine) && node.has(Interface::EditableText));
    let wanted = if wanted.is_empty() { areas.collect() } else { wanted };
    join_all(wanted.into_iter().map(|node| read(peer, node))).await.into_iter().collect()
}

fn is_paragraph(role: Role) -> bool {
    matches!(role, Role::Paragraph | Role::Heading | Role::Caption | Role::BlockQuote)
}

async fn read(peer: &Peer, node: &Node) -> Result<TextPlace, Fault> {
    let text = whole(peer, &node.path).await?.unwrap_or_default();
    let count: Option<i32> = peer.call(&node.path, TEXT, "GetNSelections", &()).await?;
    let selection: Option<(i32, i32)> = match count {
        Some(1..) => peer.call(&node.path, TEXT, "GetSelection", &(0i32)).await?,
        _ => None,
    };
    let selection = selection.map(|(from, to)| (from.min(to), from.max(to))).filter(|(from, to)| from < to);
    Ok(TextPlace { path: node.path.clone(), text, selection, focused: node.states.contains(State::Focused) })
}

/// The whole text of an object.
pub async fn whole(peer: &Peer, path: &str) -> Result<Option<String>, Fault> {
    peer.call(path, TEXT, "GetText", &(0i32, -1i32)).await
}

/// Selects characters `from` to `to`.
pub async fn select(peer: &Peer, path: &str, from: i32, to: i32) -> Result<bool, Fault> {
    let count: Option<i32> = peer.call(path, TEXT, "GetNSelections", &()).await?;
    let done: Option<bool> = match count {
        Some(1..) => peer.call(path, TEXT, "SetSelection", &(0i32, from, to)).await?,
        _ => peer.call(path, TEXT, "AddSelection", &(from, to)).await?,
    };
    Ok(done.unwrap_or(false))
}

/// Takes the selection back.
pub async fn unselect(peer: &Peer, path: &str) -> Result<(), Fault> {
    let _: Option<bool> = peer.call(path, TEXT, "RemoveSelection", &(0i32)).await?;
    Ok(())
}

/// Where the caret stands.
pub async fn caret(peer: &Peer, path: &str) -> Result<Option<i32>, Fault> {
    let value: Option<zbus::zvariant::OwnedValue> =
        peer.call(path, "org.freedesktop.DBus.Properties", "Get", &(TEXT, "CaretOffset")).await?;
    Ok(value.and_then(|value| i32::try_from(value).ok()))
}

/// Puts the caret before character `offset`.
pub async fn set_caret(peer: &Peer, path: &str, offset: i32) -> Result<bool, Fault> {
    let done: Option<bool> = peer.call(path, TEXT, "SetCaretOffset", &(offset)).await?;
    Ok(done.unwrap_or(false))
}

/// Writes `text` before character `offset`.
pub async fn insert(peer: &Peer, path: &str, offset: i32, text: &str) -> Result<bool, Fault> {
    let length = text.chars().count() as i32;
    let done: Option<bool> = peer.call(path, EDITABLE, "InsertText", &(offset, text, length)).await?;
    Ok(done.unwrap_or(false))
}

/// Puts `text` in the place of all there is.
pub async fn replace(peer: &Peer, path: &str, text: &str) -> Result<bool, Fault> {
    let done: Option<bool> = peer.call(path, EDITABLE, "SetTextContents", &(text)).await?;
    Ok(done.unwrap_or(false))
}

/// Removes characters `from` to `to`.
pub async fn delete(peer: &Peer, path: &str, from: i32, to: i32) -> Result<bool, Fault> {
    let done: Option<bool> = peer.call(path, EDITABLE, "DeleteText", &(from, to)).await?;
    Ok(done.unwrap_or(false))
}
