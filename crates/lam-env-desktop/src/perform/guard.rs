//! What stands between an action and the application: menus and windows that are denied by any part of the way to them,
//! keys that would press what happens to have the keyboard, names in file dialogs. Knows no particular application.

use std::path::Path;

use atspi_common::{Interface, Role, State};
use lam_env::keys::{Key, Stroke};
use lam_types::ControlType;

use super::Actor;
use crate::access::{self, Node, Shown};
use crate::fault::Fault;

impl Actor<'_> {
    /// Refuses a control that the application's rules forbid.
    pub(super) fn refuse_denied(&self, way: &[String]) -> Result<(), Fault> {
        let way: Vec<&str> = way.iter().map(String::as_str).collect();
        self.rules.forbidden(&way).map_or(Ok(()), |reason| Err(Fault::invalid(reason)))
    }

    /// Refuses to press a button that would let a file dialog write or open outside the episode's folder.
    pub(super) async fn refuse_file_outside(&self, pressed: &Shown) -> Result<(), Fault> {
        match pressed.kind == ControlType::Button && pressed.name != "Cancel" {
            true => self.refuse_files_outside().await,
            false => Ok(()),
        }
    }

    /// Refuses when a file dialog is open whose fields name anything outside the episode's folder: what stands there
    /// counts, however it came there.
    async fn refuse_files_outside(&self) -> Result<(), Fault> {
        let nodes = &self.screen.nodes;
        if !access::is_file_dialog(nodes) {
            return Ok(());
        }
        for node in nodes.iter().filter(|node| node.has(Interface::EditableText)) {
            let name = access::whole(self.peer(), &node.path).await?.unwrap_or_default();
            if !name.is_empty() && !is_inside(self.running.episode(), &name) {
                return Err(Fault::invalid(format!("`{name}` leads out of the episode's folder")));
            }
        }
        Ok(())
    }

    /// Refuses keys while a menu is open: they would choose in it, whatever they were meant for.
    pub(super) fn refuse_open_menu(&self) -> Result<(), Fault> {
        if is_menu_open(&self.screen.nodes) {
            return Err(Fault::refused("a menu is open: click one of its items, or close it with {ESC}"));
        }
        Ok(())
    }

    /// Presses keys. What could press something is held against what has the keyboard at that moment.
    pub(super) async fn press(&mut self, strokes: &[Stroke]) -> Result<(), Fault> {
        let mut is_checked = false;
        for stroke in strokes.iter().filter(|stroke| !is_escape(stroke)) {
            self.refuse_open_menu()?;
            self.refuse_in_file_dialog(stroke, strokes.len())?;
        }
        for stroke in strokes {
            if activates(stroke) && !is_checked {
                self.refresh().await?;
                self.refuse_keyboard_elsewhere().await?;
            }
            is_checked = activates(stroke) || is_checked && !moves(stroke);
            access::press(&self.registry(), std::slice::from_ref(stroke)).await?;
        }
        Ok(())
    }

    /// In a file dialog, names are put into its field whole, where they can be looked at: keys only confirm or leave it.
    fn refuse_in_file_dialog(&self, stroke: &Stroke, count: usize) -> Result<(), Fault> {
        let is_enter = matches!(stroke, Stroke::Key(Key::Named("ENTER"), held) if held.is_empty());
        if !access::is_file_dialog(&self.screen.nodes) || is_enter && count == 1 {
            return Ok(());
        }
        let hint = "put the name in with set_edit_text, then press {ENTER} alone or click the button";
        Err(Fault::invalid(format!("`{stroke}` cannot be typed into a file dialog: {hint}")))
    }

    /// Refuses when what has the keyboard is denied, or would confirm a file outside the episode's folder.
    async fn refuse_keyboard_elsewhere(&self) -> Result<(), Fault> {
        self.refuse_open_menu()?;
        let nodes = &self.screen.nodes;
        let focused = |node: &Node| node.states.contains(State::Focused);
        for place in (0..nodes.len()).filter(|place| focused(&nodes[*place])) {
            let mut way = access::way(nodes, nodes[place].parent);
            way.push(nodes[place].name.clone());
            self.refuse_denied(&way)?;
        }
        self.refuse_files_outside().await
    }

    /// Why a window that is open now should not be, if one is.
    pub fn denied_window(&self) -> Option<String> {
        let nodes = &self.screen.nodes;
        let is_window = |node: &Node| matches!(node.role, Role::Dialog | Role::Alert | Role::FileChooser);
        let ways =
            (0..nodes.len()).filter(|place| is_window(&nodes[*place])).map(|place| access::way(nodes, Some(place)));
        ways.filter_map(|way| self.refuse_denied(&way).err()).map(|fault| fault.to_string()).next()
    }

    /// Leaves a window that should not be open.
    pub async fn leave(&mut self) -> Result<(), Fault> {
        access::press(&self.registry(), &access::strokes("{ESC}")?).await?;
        tokio::time::sleep(super::CLOSE_LIMIT).await;
        self.refresh().await
    }
}

/// Whether a menu is open: its items are on the screen. The entries of a closed list are items too.
fn is_menu_open(nodes: &[Node]) -> bool {
    let is_item = |node: &Node| access::control_type(node.role) == Some(ControlType::MenuItem);
    let is_menu = |place: usize| matches!(nodes[place].role, Role::Menu | Role::PopupMenu);
    let in_list = |place: usize| nodes[place].parent.is_some_and(|parent| nodes[parent].role == Role::ComboBox);
    nodes.iter().any(|node| is_item(node) && node.parent.is_some_and(|menu| is_menu(menu) && !in_list(menu)))
}

fn is_escape(stroke: &Stroke) -> bool {
    matches!(stroke, Stroke::Key(Key::Named("ESC"), _))
}

/// Whether a stroke can press what has the keyboard.
fn activates(stroke: &Stroke) -> bool {
    matches!(stroke, Stroke::Text(_) | Stroke::Key(Key::Named("ENTER" | "SPACE"), _))
}

/// Whether a stroke can give the keyboard to something else.
fn moves(stroke: &Stroke) -> bool {
    matches!(stroke, Stroke::Key(..)) && !activates(stroke)
}

/// Whether `name` names a file in `folder` or below it, links followed, and no folder.
fn is_inside(folder: &Path, name: &str) -> bool {
    let path = folder.join(name);
    if lam_env::leads_out(name) || path.is_dir() {
        return false;
    }
    let existing = path.ancestors().find(|part| part.symlink_metadata().is_ok());
    let real = existing.and_then(|part| part.canonicalize().ok()).zip(folder.canonicalize().ok());
    real.is_some_and(|(part, folder)| part.starts_with(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_inside_links_followed() {
        let outside = tempfile::tempdir().expect("a folder");
        let folder = outside.path().join("episode");
        std::fs::create_dir_all(folder.join("sub")).expect("folders");
        std::os::unix::fs::symlink(outside.path(), folder.join("up")).expect("a link");
        std::os::unix::fs::symlink(outside.path().join("none"), folder.join("dangling")).expect("a link");
        for (name, inside) in [
            ("report.docx", true),
            ("sub/report.docx", true),
            ("new/report.docx", true),
            ("sub", false),
            ("..", false),
            ("../report.docx", false),
            ("sub/../../report.docx", false),
            ("/tmp/report.docx", false),
            ("~/report.docx", false),
            ("up/report.docx", false),
            ("dangling", false),
            ("file:///tmp/report.docx", false),
        ] {
            assert_eq!(is_inside(&folder, name), inside, "{name}");
        }
    }
}
