//! UFO's functions grounded on the accessibility bus: action, text, editable text, value and selection interfaces,
//! keys where nothing else is there. Knows no particular application.

mod click;
mod edit;
mod guard;
mod tool;

use std::path::Path;
use std::time::{Duration, Instant};

use atspi_common::State;
use lam_env::GuardRules;
use lam_types::{Action, Args};
use serde_json::Value;

use crate::access::{self, Node, Peer, Shown};
use crate::application::ApplicationFile;
use crate::fault::Fault;
use crate::running::{Running, Screen};

/// Pause between two looks at the windows.
const PAUSE: Duration = Duration::from_millis(15);
/// How long a dialog that was announced may take to appear.
const DIALOG_LIMIT: Duration = Duration::from_millis(2500);
/// How long a button may take to close its dialog.
const CLOSE_LIMIT: Duration = Duration::from_millis(500);
/// How long something that may or may not open a window is waited for.
const QUIET: Duration = Duration::from_millis(30);

/// Who acts, on what.
pub struct Actor<'a> {
    /// The application.
    pub running: &'a mut Running,
    /// Its description.
    pub file: &'a ApplicationFile,
    /// What may be done in it.
    pub rules: &'a GuardRules,
    /// The screen as it was last seen: labels are held against it.
    pub screen: &'a mut Screen,
}

impl Actor<'_> {
    /// Carries out an action whose arguments fit its function.
    pub async fn perform(&mut self, action: &Action) -> Result<String, Fault> {
        let args = &action.args;
        match action.function.as_str() {
            "" => Ok(String::new()),
            "click_input" => {
                let control = self.control(action)?;
                self.click(&control, text(args, "button"), flag(args, "double")).await?;
                Ok(misnamed(action, &control))
            }
            "set_edit_text" => {
                let control = self.control(action)?;
                self.set_text(&control, text(args, "text")).await?;
                Ok(misnamed(action, &control))
            }
            "keyboard_input" => {
                let control = self.control(action)?;
                self.keys(&control, text(args, "keys")).await?;
                Ok(misnamed(action, &control))
            }
            "wheel_mouse_input" => {
                let control = self.control(action)?;
                self.wheel(&control, integer(args, "wheel_dist")).await?;
                Ok(misnamed(action, &control))
            }
            "texts" => {
                let control = self.control(action)?;
                self.texts(&control).await
            }
            "select_text" => self.select_text(text(args, "text")).await.map(|()| String::new()),
            "select_paragraph" => {
                let (first, last) = (integer(args, "start_index"), integer(args, "end_index"));
                self.select_paragraphs(first, last).await.map(|()| String::new())
            }
            tool => self.tool(tool, args).await.map(|()| String::new()),
        }
    }

    /// Answers open dialogs with Escape, then saves the document.
    pub async fn save(&mut self) -> Result<(), Fault> {
        for _ in 0..4 {
            if !self.screen.has_dialog() {
                break;
            }
            access::press(&self.registry(), &access::strokes("{ESC}")?).await?;
            tokio::time::sleep(CLOSE_LIMIT / 2).await;
            self.refresh().await?;
        }
        if self.file.save.is_empty() {
            return Ok(());
        }
        let control = self.named(&self.file.save).await?;
        let states = self.peer().states(&control.path).await?;
        if !(states.contains(State::Enabled) || states.contains(State::Sensitive)) {
            return Ok(());
        }
        let before = changed_at(&self.running.document);
        self.activate(&control).await?;
        let started = Instant::now();
        while changed_at(&self.running.document) == before && started.elapsed() < DIALOG_LIMIT {
            tokio::time::sleep(PAUSE).await;
        }
        self.wait_until_written().await;
        Ok(())
    }

    /// Waits until the document's size stays the same.
    async fn wait_until_written(&self) {
        let size = || std::fs::metadata(&self.running.document).map(|data| data.len()).unwrap_or(0);
        let mut last = 0;
        for _ in 0..50 {
            let now = size();
            if now > 0 && now == last {
                break;
            }
            last = now;
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn control(&self, action: &Action) -> Result<Shown, Fault> {
        let label = &action.control_label;
        let shown = self.screen.control(label).cloned();
        let shown = shown.ok_or_else(|| Fault::invalid(format!("no control with label `{label}`")))?;
        self.refuse_denied(&shown.way).map(|()| shown)
    }

    /// The control with this name or menu path, whether or not its menu is shown.
    async fn named(&mut self, name: &str) -> Result<Shown, Fault> {
        let mut shown = self.screen.controls.iter().find(|shown| shown.name == name).cloned();
        if shown.is_none() {
            let found = access::Menu::find(self.peer(), &self.screen.nodes, &[name.to_owned()]).await?;
            shown = found.shown(self.peer()).await?.unwrap_or_default().into_iter().next();
        }
        let shown = shown.ok_or_else(|| Fault::refused(format!("there is no control `{name}`")))?;
        self.refuse_denied(&shown.way).map(|()| shown)
    }

    fn peer(&self) -> &Peer {
        &self.running.peer
    }

    fn registry(&self) -> Peer {
        self.running.peer.other("org.a11y.atspi.Registry")
    }

    async fn refresh(&mut self) -> Result<(), Fault> {
        *self.screen = self.running.look(self.file).await?;
        Ok(())
    }

    /// Waits until a click has shown its effect on the windows, as long as this kind of click may take.
    async fn settle(&self, clicked: &Shown) -> Result<(), Fault> {
        let before = windows_of(&self.screen.nodes);
        let announced = clicked.name.ends_with("...") || clicked.name.ends_with('…');
        let limit = match (announced, self.screen.has_dialog()) {
            (true, _) => DIALOG_LIMIT,
            (false, true) if clicked.kind == lam_types::ControlType::Button => CLOSE_LIMIT,
            _ => QUIET,
        };
        let started = Instant::now();
        while started.elapsed() < limit {
            tokio::time::sleep(PAUSE).await;
            if access::windows(self.peer()).await? != before {
                return self.wait_until_complete().await;
            }
        }
        Ok(())
    }

    /// A window that has just appeared is complete once two looks find the same in it.
    async fn wait_until_complete(&self) -> Result<(), Fault> {
        let mut last = 0;
        for _ in 0..20 {
            tokio::time::sleep(2 * PAUSE).await;
            let now = access::walk(self.peer()).await?.len();
            if now == last {
                break;
            }
            last = now;
        }
        Ok(())
    }
}

/// Paths of the windows that are showing.
fn windows_of(nodes: &[Node]) -> Vec<String> {
    nodes.iter().filter(|node| node.parent == Some(0)).map(|node| node.path.clone()).collect()
}

fn changed_at(path: &Path) -> Option<std::time::SystemTime> {
    std::fs::metadata(path).and_then(|data| data.modified()).ok()
}

fn misnamed(action: &Action, control: &Shown) -> String {
    if control.name == action.control_name {
        return String::new();
    }
    format!("control {} is `{}`, not `{}`", action.control_label, control.name, action.control_name)
}

fn text<'a>(args: &'a Args, name: &str) -> &'a str {
    args.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn integer(args: &Args, name: &str) -> i64 {
    args.get(name).and_then(Value::as_i64).unwrap_or_default()
}

fn flag(args: &Args, name: &str) -> bool {
    args.get(name).and_then(Value::as_bool).unwrap_or_default()
}
