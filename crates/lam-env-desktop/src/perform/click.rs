//! Clicks: the object's own action, a choice in its parent, the mouse where neither is there.

use std::time::{Duration, Instant};

use atspi_common::State;
use lam_types::ControlType;

use super::Actor;
use crate::access::{self, Shown};
use crate::fault::Fault;

/// How often an object is asked for its action: while an application is busy with another one it may refuse.
const ACTION_TRIES: usize = 3;
/// How long a button that comes up by itself may stay down.
const UP_LIMIT: Duration = Duration::from_secs(2);

impl Actor<'_> {
    /// Clicks a control and waits for the effect.
    pub(super) async fn click(&mut self, control: &Shown, button: &str, double: bool) -> Result<(), Fault> {
        self.refuse_file_outside(control).await?;
        if !self.can_be_used(control).await? {
            return Err(Fault::refused(format!("`{}` cannot be used now", control.name)));
        }
        self.wait_until_up(control).await?;
        match (button, control.kind) {
            ("" | "left", ControlType::Document) => {
                self.peer().focus(&control.path).await?;
            }
            ("" | "left", _) => {
                for _ in 0..if double { 2 } else { 1 } {
                    self.activate(control).await?;
                }
            }
            _ => self.mouse(control, if button == "middle" { "b2c" } else { "b3c" }).await?,
        }
        self.settle(control).await?;
        self.wait_until_up(control).await
    }

    /// Waits until a button that comes up by itself is up: pressed once more before, it would only come up.
    async fn wait_until_up(&self, control: &Shown) -> Result<(), Fault> {
        if !self.file.momentary.iter().any(|pattern| lam_env::pattern_matches(pattern, &control.name)) {
            return Ok(());
        }
        let started = Instant::now();
        while self.peer().states(&control.path).await?.contains(State::Checked) {
            if started.elapsed() > UP_LIMIT {
                return Err(Fault::refused(format!("`{}` stays pressed", control.name)));
            }
            tokio::time::sleep(super::PAUSE).await;
        }
        Ok(())
    }

    /// Whether a control can be used; an item of a closed menu once its menus are open: applications bring them up to
    /// date no sooner.
    async fn can_be_used(&self, control: &Shown) -> Result<bool, Fault> {
        if control.menus.is_empty() {
            return Ok(control.enabled);
        }
        if self.peer().states(&control.path).await?.contains(State::Sensitive) {
            return Ok(true);
        }
        for menu in &control.menus {
            self.peer().act(menu, 0).await?;
            tokio::time::sleep(2 * super::QUIET).await;
        }
        let enabled = self.peer().states(&control.path).await?.contains(State::Sensitive);
        if !enabled {
            let keys = access::strokes("{ESC}")?;
            for _ in &control.menus {
                access::press(&self.registry(), &keys).await?;
            }
        }
        Ok(enabled)
    }

    /// Does what a click on the control does.
    pub(super) async fn activate(&mut self, control: &Shown) -> Result<(), Fault> {
        let path = &control.path;
        let chosen = matches!(control.kind, ControlType::TabItem | ControlType::ListItem | ControlType::TreeItem);
        if chosen && access::choose(self.peer(), path).await? {
            return Ok(());
        }
        for _ in 0..ACTION_TRIES {
            if self.peer().act(path, 0).await? {
                return Ok(());
            }
            tokio::time::sleep(super::QUIET).await;
        }
        if !control.menus.is_empty() {
            return self.activate_again(control).await;
        }
        // A click on a field puts the caret there; on anything else the focus alone would be a click that was lost.
        let takes_text = matches!(control.kind, ControlType::Edit | ControlType::Spinner);
        if takes_text && self.peer().focus(path).await? {
            return Ok(());
        }
        self.mouse(control, "b1c").await
    }

    /// A menu item that is gone: its menu may have been made anew.
    async fn activate_again(&mut self, control: &Shown) -> Result<(), Fault> {
        let found = access::Menu::find(self.peer(), &self.screen.nodes, std::slice::from_ref(&control.name)).await?;
        let again = found.shown(self.peer()).await?.unwrap_or_default().into_iter().next();
        match again {
            Some(again) if self.peer().act(&again.path, 0).await? => Ok(()),
            _ => Err(Fault::refused(format!("`{}` is not there any more", control.name))),
        }
    }

    async fn mouse(&self, control: &Shown, event: &str) -> Result<(), Fault> {
        if control.kind != ControlType::MenuItem {
            self.refuse_open_menu()?;
        }
        let place = self.centre(control).await?;
        access::mouse(&self.registry(), place, event).await
    }

    async fn centre(&self, control: &Shown) -> Result<(i32, i32), Fault> {
        let extents = self.peer().extents(&control.path).await?;
        let (x, y, width, height) =
            extents.ok_or_else(|| Fault::refused(format!("`{}` has no place on the screen", control.name)))?;
        Ok((x + width / 2, y + height / 2))
    }

    /// Turns the wheel over a control: up when positive.
    pub(super) async fn wheel(&mut self, control: &Shown, notches: i64) -> Result<(), Fault> {
        let place = self.centre(control).await?;
        let registry = self.registry();
        access::mouse(&registry, place, "abs").await?;
        for _ in 0..notches.unsigned_abs().min(64) {
            access::mouse(&registry, place, if notches > 0 { "b4c" } else { "b5c" }).await?;
        }
        self.settle(control).await
    }
}
