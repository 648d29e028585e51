//! Clicks: the object's own action, a choice in its parent, the mouse where neither is there.

use atspi_common::State;
use lam_types::ControlType;

use super::Actor;
use crate::access::{self, Shown};
use crate::fault::Fault;

impl Actor<'_> {
    /// Clicks a control and waits for the effect.
    pub(super) async fn click(&mut self, control: &Shown, button: &str, double: bool) -> Result<(), Fault> {
        if !(control.enabled || self.is_enabled_when_open(control).await?) {
            return Err(Fault::refused(format!("`{}` cannot be used now", control.name)));
        }
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
        self.settle(control).await
    }

    /// Whether an item can be used once its menus are open: applications bring closed menus up to date no sooner.
    async fn is_enabled_when_open(&self, control: &Shown) -> Result<bool, Fault> {
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
        Ok(enabled && !control.menus.is_empty())
    }

    /// Does what a click on the control does.
    pub(super) async fn activate(&mut self, control: &Shown) -> Result<(), Fault> {
        let path = &control.path;
        let chosen = matches!(control.kind, ControlType::TabItem | ControlType::ListItem | ControlType::TreeItem);
        if chosen && access::choose(self.peer(), path).await? {
            return Ok(());
        }
        if self.peer().act(path, 0).await? {
            return Ok(());
        }
        if !control.menus.is_empty() {
            return self.activate_again(control).await;
        }
        if self.peer().focus(path).await? {
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
