//! The control list: which of the objects on the screen a person can act on, of which type, under which name.

use atspi_common::{Interface, Role, State};
use futures_util::future::join_all;
use lam_types::ControlType;

use super::{Node, Peer};
use crate::fault::Fault;

/// How many ancestors may lend their name: fields of toolbars lie deep below the panel that is called like them.
const NAMING_LEVELS: usize = 8;

/// A control with the object behind it.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Name or menu path.
    pub name: String,
    /// UFO's type.
    pub kind: ControlType,
    /// The object.
    pub path: String,
    /// Whether it can be used now.
    pub enabled: bool,
    /// Pressed, checked or chosen, where it has such a state.
    pub selected: Option<bool>,
    /// Its text, where it holds one.
    pub value: Option<String>,
    /// The closed menus that it stands in, outermost first; empty for what is on the screen.
    pub menus: Vec<String>,
    /// The names of the menus and windows on the way to it, outermost first, and its own.
    pub way: Vec<String>,
}

/// The controls among the nodes of a walk. An open dialog hides what stands behind it.
pub async fn controls(peer: &Peer, nodes: &[Node]) -> Result<Vec<Shown>, Fault> {
    let front = front_window(nodes);
    // The places of a file dialog would lead out of the episode's folder.
    let in_files = is_file_dialog(nodes);
    let is_place =
        |node: &Node| matches!(control_type(node.role), Some(ControlType::ListItem)) || node.role == Role::ToggleButton;
    let wanted = nodes.iter().enumerate().filter(|(place, node)| {
        let in_front = front.is_none_or(|window| is_below(nodes, *place, window));
        in_front && is_control(nodes, *place, node) && !(in_files && is_place(node))
    });
    let asked = wanted.map(|(place, node)| describe(peer, nodes, place, node));
    let shown: Result<Vec<Shown>, Fault> = join_all(asked).await.into_iter().collect();
    Ok(shown?.into_iter().filter(|shown| !shown.name.is_empty()).collect())
}

/// The window that must be answered first, if one is open: the last modal one.
pub fn front_window(nodes: &[Node]) -> Option<usize> {
    nodes.iter().rposition(Node::is_modal)
}

/// Whether the window that must be answered first chooses a file.
pub fn is_file_dialog(nodes: &[Node]) -> bool {
    front_window(nodes).is_some_and(|window| nodes[window].role == Role::FileChooser)
}

fn is_below(nodes: &[Node], place: usize, ancestor: usize) -> bool {
    let mut at = Some(place);
    while let Some(place) = at {
        if place == ancestor {
            return true;
        }
        at = nodes[place].parent;
    }
    false
}

fn is_control(nodes: &[Node], place: usize, node: &Node) -> bool {
    let Some(kind) = kind_of(nodes, place) else { return false };
    let usable = node.has(Interface::Action) || node.has(Interface::EditableText) || node.has(Interface::Value);
    let chosen = matches!(kind, ControlType::TabItem | ControlType::ListItem | ControlType::TreeItem);
    let document = kind == ControlType::Document;
    node.is_showing()
        && (usable || chosen || document)
        && !is_inside_document(nodes, place)
        && !is_repeated(nodes, place)
}

/// Whether it stands in a second menu bar: some applications show their menus twice.
fn is_repeated(nodes: &[Node], place: usize) -> bool {
    let bar = nodes[place].parent.filter(|parent| nodes[*parent].role == Role::MenuBar);
    bar.is_some_and(|bar| nodes[..bar].iter().any(|node| node.role == Role::MenuBar))
}

/// Paragraphs are the document's text, not controls of their own.
fn is_inside_document(nodes: &[Node], place: usize) -> bool {
    let mut at = nodes[place].parent;
    while let Some(parent) = at {
        if is_document(nodes[parent].role) {
            return true;
        }
        at = nodes[parent].parent;
    }
    false
}

/// Whether objects of this role hold a document.
pub fn is_document(role: Role) -> bool {
    matches!(role, Role::DocumentText | Role::DocumentFrame | Role::DocumentWeb | Role::DocumentEmail)
}

/// UFO's type for an object: an area of text that takes lines is the document of an application that has no other, but
/// not in a dialog.
fn kind_of(nodes: &[Node], place: usize) -> Option<ControlType> {
    let node = &nodes[place];
    let is_area = node.states.contains(State::MultiLine) && node.has(Interface::EditableText);
    match control_type(node.role) {
        Some(ControlType::Edit) if is_area && front_window(nodes).is_none() => Some(ControlType::Document),
        kind => kind,
    }
}

/// UFO's type for a role; `None` for what is no control.
pub fn control_type(role: Role) -> Option<ControlType> {
    Some(match role {
        Role::Button | Role::ToggleButton | Role::PushButtonMenu => ControlType::Button,
        Role::Text | Role::Entry | Role::PasswordText | Role::Editbar => ControlType::Edit,
        Role::PageTab => ControlType::TabItem,
        Role::DocumentText | Role::DocumentFrame => ControlType::Document,
        Role::ListItem | Role::TableCell | Role::Icon => ControlType::ListItem,
        Role::Menu | Role::MenuItem | Role::CheckMenuItem | Role::RadioMenuItem => ControlType::MenuItem,
        Role::ScrollBar | Role::Slider => ControlType::ScrollBar,
        Role::TreeItem => ControlType::TreeItem,
        Role::Link => ControlType::Hyperlink,
        Role::ComboBox => ControlType::ComboBox,
        Role::RadioButton => ControlType::RadioButton,
        Role::SpinButton => ControlType::Spinner,
        Role::CheckBox => ControlType::CheckBox,
        _ => return None,
    })
}

async fn describe(peer: &Peer, nodes: &[Node], place: usize, node: &Node) -> Result<Shown, Fault> {
    let kind = kind_of(nodes, place).unwrap_or(ControlType::Group);
    let own = if kind == ControlType::Document { "Document".to_owned() } else { clean(&node.name) };
    let name = if own.is_empty() { borrowed_name(peer, nodes, place).await? } else { own };
    let value = match kind {
        ControlType::Edit | ControlType::Spinner => super::text::whole(peer, &node.path).await?,
        ControlType::ComboBox => Some(peer.name(&node.path).await?).filter(|text| !text.is_empty()),
        _ => None,
    };
    let (enabled, selected) = (node.is_enabled(), selected(node));
    let mut way = way(nodes, nodes[place].parent);
    way.push(name.clone());
    Ok(Shown { name, kind, path: node.path.clone(), enabled, selected, value, menus: Vec::new(), way })
}

/// The names of the menus and windows from `place` outwards, outermost first; the main window's, which names the
/// document, is left out.
pub fn way(nodes: &[Node], place: Option<usize>) -> Vec<String> {
    let mut at = place;
    let mut names = Vec::new();
    while let Some(place) = at {
        let node = &nodes[place];
        let counts = matches!(node.role, Role::Dialog | Role::Alert | Role::FileChooser | Role::Window)
            || control_type(node.role) == Some(ControlType::MenuItem);
        names.extend(Some(clean(&node.name)).filter(|name| counts && !name.is_empty()));
        at = node.parent;
    }
    names.reverse();
    names
}

/// The name of what labels it, else of what is below it, else of what it stands in.
async fn borrowed_name(peer: &Peer, nodes: &[Node], place: usize) -> Result<String, Fault> {
    let label = clean(&peer.label(&nodes[place].path).await?);
    if !label.is_empty() {
        return Ok(label);
    }
    let below = nodes.iter().enumerate().filter(|(_, node)| node.parent == Some(place));
    if let Some(name) = below.map(|(_, node)| clean(&node.name)).find(|name| !name.is_empty()) {
        return Ok(name);
    }
    if !matches!(nodes[place].role, Role::Text | Role::Entry | Role::ComboBox | Role::SpinButton) {
        return Ok(String::new());
    }
    let mut at = nodes[place].parent;
    for _ in 0..NAMING_LEVELS {
        let Some(parent) = at else { break };
        let node = &nodes[parent];
        if matches!(node.role, Role::Frame | Role::Dialog | Role::Window | Role::RootPane) {
            break;
        }
        let name = if node.name.is_empty() { peer.label(&node.path).await? } else { node.name.clone() };
        if !clean(&name).is_empty() {
            return Ok(clean(&name));
        }
        at = node.parent;
    }
    Ok(label_before(nodes, place))
}

/// The last label before it in its window: what stands beside a field that nothing labels.
fn label_before(nodes: &[Node], place: usize) -> String {
    let before = nodes[..place].iter().rev();
    let in_window = before.take_while(|node| !matches!(node.role, Role::Frame | Role::Dialog | Role::Window));
    let label = in_window.into_iter().find(|node| node.role == Role::Label && !node.name.is_empty());
    label.map(|node| clean(&node.name)).unwrap_or_default()
}

/// One line without the colon of a label.
pub fn clean(name: &str) -> String {
    let words: Vec<&str> = name.split_whitespace().collect();
    words.join(" ").trim_end_matches(':').trim_end().to_owned()
}

/// The state of things that are on or off.
pub fn selected(node: &Node) -> Option<bool> {
    let has = |state: State| node.states.contains(state);
    match node.role {
        Role::ToggleButton | Role::CheckBox | Role::RadioButton | Role::CheckMenuItem | Role::RadioMenuItem => {
            Some(has(State::Checked) || has(State::Pressed))
        }
        Role::PageTab | Role::ListItem | Role::TreeItem | Role::TableCell => Some(has(State::Selected)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use atspi_common::{InterfaceSet, StateSet};

    use super::*;

    fn node(role: Role, states: StateSet, parent: Option<usize>) -> Node {
        let (path, name, interfaces) = (String::new(), String::new(), InterfaceSet::from(Interface::EditableText));
        Node { path, name, role, states, interfaces, parent }
    }

    #[test]
    fn an_area_of_text_is_the_document_but_a_field_in_a_dialog() {
        let shown = StateSet::from(State::Showing) | StateSet::from(State::Visible);
        let area = node(Role::Text, shown | StateSet::from(State::MultiLine), Some(0));
        let mut nodes = vec![node(Role::Frame, shown, None), area];
        assert_eq!(kind_of(&nodes, 1), Some(ControlType::Document));
        nodes[0].states |= StateSet::from(State::Modal);
        assert_eq!(kind_of(&nodes, 1), Some(ControlType::Edit));
    }
}
