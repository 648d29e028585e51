//! Text: typed, replaced, read, selected.

use std::time::{Duration, Instant};

use atspi_common::{Interface, State};
use lam_env::keys::Stroke;
use lam_types::ControlType;

use super::Actor;
use crate::access::{self, Shown, TextPlace};
use crate::fault::Fault;

/// How often text is put into a field that takes it back.
const FILL_TRIES: usize = 4;
/// How long a field may take to give the keyboard back after Enter; some keep it.
const LEAVE_LIMIT: Duration = Duration::from_millis(600);
/// Lines that a selection of paragraphs may have.
const MOST_LINES: usize = 80;

impl Actor<'_> {
    /// Puts text into a control: fields get it in place of what they held, a document at its caret.
    pub(super) async fn set_text(&mut self, control: &Shown, text: &str) -> Result<(), Fault> {
        if !control.enabled {
            return Err(Fault::refused(format!("`{}` cannot be used now", control.name)));
        }
        self.refuse_way_out(text)?;
        let path = control.path.as_str();
        let is_set = control.kind == ControlType::Spinner && self.set_number(control, text).await?;
        match control.kind {
            ControlType::Document => self.write(text).await?,
            ControlType::ComboBox => self.choose_in_list(control, text).await?,
            ControlType::Spinner if is_set => {}
            _ => {
                // Some fields take back what they held when they get the focus: it comes first.
                self.peer().focus(path).await?;
                self.fill(control, text).await?;
                self.commit(control).await?;
            }
        }
        self.settle(control).await
    }

    /// Puts text in the place of what a field holds, again where the field has meanwhile been brought up to date with
    /// the document. A field that words its contents in its own way is left after some tries.
    async fn fill(&self, control: &Shown, text: &str) -> Result<(), Fault> {
        for _ in 0..FILL_TRIES {
            if !access::replace(self.peer(), &control.path, text).await? {
                return Err(Fault::refused(format!("`{}` does not take text", control.name)));
            }
            tokio::time::sleep(super::PAUSE).await;
            if access::whole(self.peer(), &control.path).await?.is_none_or(|found| found == text) {
                break;
            }
        }
        Ok(())
    }

    /// Sets the number of a field; whether the text is a number and the field takes it.
    async fn set_number(&self, control: &Shown, text: &str) -> Result<bool, Fault> {
        match text.trim().parse() {
            Ok(number) => self.peer().set_value(&control.path, number).await,
            Err(_) => Ok(false),
        }
    }

    /// Makes a field take what was put into it. In a dialog a field's text counts when the dialog is confirmed, and
    /// Enter would press its default button; only the fields of numbers have to be told.
    async fn commit(&mut self, control: &Shown) -> Result<(), Fault> {
        let path = control.path.as_str();
        if !self.screen.has_dialog() && !self.is_in_window_of_its_own(path) {
            self.refuse_open_menu()?;
            access::press(&self.registry(), &access::strokes("{ENTER}")?).await?;
            return self.wait_until_left(path).await;
        }
        let actions = self.peer().actions(path).await?;
        if let Some(index) = actions.iter().position(|name| name == "activate")
            && control.kind == ControlType::Spinner
        {
            self.peer().act(path, index as i32).await?;
        }
        Ok(())
    }

    /// Waits until a field has given the keyboard back: the key is on its way through the display, and must not reach
    /// what gets the keyboard next.
    async fn wait_until_left(&self, path: &str) -> Result<(), Fault> {
        let started = Instant::now();
        while started.elapsed() < LEAVE_LIMIT && self.peer().states(path).await?.contains(State::Focused) {
            tokio::time::sleep(super::PAUSE).await;
        }
        Ok(())
    }

    /// Whether a control stands in a dialog, though one that leaves the rest usable.
    fn is_in_window_of_its_own(&self, path: &str) -> bool {
        let nodes = &self.screen.nodes;
        let mut at = nodes.iter().position(|node| node.path == path);
        while let Some(place) = at {
            if nodes[place].role == atspi_common::Role::Dialog {
                return true;
            }
            at = nodes[place].parent;
        }
        false
    }

    async fn choose_in_list(&mut self, control: &Shown, text: &str) -> Result<(), Fault> {
        let chosen = access::choose_by_name(self.peer(), &control.path, text).await?;
        if chosen {
            return Ok(());
        }
        Err(Fault::refused(format!("`{}` has no entry `{text}`", control.name)))
    }

    /// Presses keys in a control. Text goes through the text interface where the caret can be found.
    pub(super) async fn keys(&mut self, control: &Shown, keys: &str) -> Result<(), Fault> {
        let strokes = access::strokes(keys)?;
        self.refuse_way_out(keys)?;
        if control.kind != ControlType::Document {
            self.peer().focus(&control.path).await?;
        }
        for run in strokes.chunk_by(|one, next| !is_text(one) && !is_text(next)) {
            match run {
                [Stroke::Text(text)] if control.kind == ControlType::Document => self.write(text).await?,
                keys => self.press(keys).await?,
            }
        }
        self.settle(control).await
    }

    /// Writes at the caret, over the selection if there is one.
    async fn write(&mut self, text: &str) -> Result<(), Fault> {
        self.refresh().await?;
        let selected = self.screen.paragraphs.iter().find(|place| place.selection.is_some()).cloned();
        if let Some(TextPlace { path, selection: Some((from, to)), .. }) = selected {
            access::delete(self.peer(), &path, from, to).await?;
            return self.insert(&path, from, text).await;
        }
        let editable = |interfaces: &crate::access::Node| {
            interfaces.has(Interface::EditableText) && interfaces.states.contains(State::Focused)
        };
        let focused = self.screen.nodes.iter().rev().find(|node| editable(node)).map(|node| node.path.clone());
        match focused {
            Some(path) => {
                let at = access::caret(self.peer(), &path).await?.unwrap_or(0);
                self.insert(&path, at, text).await
            }
            None => self.press(&[Stroke::Text(text.to_owned())]).await,
        }
    }

    async fn insert(&mut self, path: &str, at: i32, text: &str) -> Result<(), Fault> {
        if access::insert(self.peer(), path, at, text).await? {
            access::set_caret(self.peer(), path, at + text.chars().count() as i32).await?;
            return Ok(());
        }
        Err(Fault::refused("the text cannot be written here"))
    }

    /// The text of a control.
    pub(super) async fn texts(&self, control: &Shown) -> Result<String, Fault> {
        if control.kind == ControlType::Document {
            return Ok(self.screen.observation().document);
        }
        let text = access::whole(self.peer(), &control.path).await?;
        Ok(text.unwrap_or_else(|| control.value.clone().unwrap_or_default()))
    }

    /// Selects the first occurrence of `text` in the document.
    pub(super) async fn select_text(&mut self, text: &str) -> Result<(), Fault> {
        self.refuse_dialog()?;
        let found = self.screen.paragraphs.iter().find_map(|place| Some((place.path.clone(), place.find(text)?)));
        let (path, (from, to)) = found.ok_or_else(|| Fault::invalid(format!("the document does not hold `{text}`")))?;
        self.unselect().await?;
        if access::select(self.peer(), &path, from, to).await? {
            return Ok(());
        }
        Err(Fault::refused(format!("`{text}` cannot be selected")))
    }

    async fn unselect(&self) -> Result<(), Fault> {
        for place in self.screen.paragraphs.iter().filter(|place| place.selection.is_some()) {
            access::unselect(self.peer(), &place.path).await?;
        }
        Ok(())
    }

    /// Selects whole paragraphs, counted from 1: one by its text, several with the keyboard.
    pub(super) async fn select_paragraphs(&mut self, first: i64, last: i64) -> Result<(), Fault> {
        self.refuse_dialog()?;
        let count = self.screen.paragraphs.len();
        let place = |number: i64| {
            let index = usize::try_from(number - 1).ok().filter(|index| *index < count);
            index.ok_or_else(|| Fault::invalid(format!("there is no paragraph {number}: the document shows {count}")))
        };
        let (first, last) = (place(first)?, place(last)?);
        if first > last {
            return Err(Fault::invalid(format!("paragraph {} comes after paragraph {}", first + 1, last + 1)));
        }
        self.unselect().await?;
        let start = self.screen.paragraphs[first].clone();
        if first == last {
            let end = start.text.chars().count() as i32;
            access::select(self.peer(), &start.path, 0, end).await?;
            return Ok(());
        }
        access::set_caret(self.peer(), &start.path, 0).await?;
        self.extend_to(last, last - first).await
    }

    /// Extends the selection line by line until it holds paragraph `last`; at least `lines` times.
    async fn extend_to(&mut self, last: usize, lines: usize) -> Result<(), Fault> {
        let (down, end) = (access::strokes("{VK_SHIFT}{DOWN}")?, access::strokes("{VK_SHIFT}{END}")?);
        for line in 0..MOST_LINES {
            self.press(&down).await?;
            if line + 1 < lines {
                continue;
            }
            self.press(&end).await?;
            tokio::time::sleep(super::QUIET).await;
            self.refresh().await?;
            let reached = self.screen.paragraphs.get(last);
            if reached
                .is_some_and(|place| place.selection.is_some_and(|(_, to)| to as usize == place.text.chars().count()))
            {
                return Ok(());
            }
        }
        Err(Fault::refused(format!("paragraph {} cannot be selected", last + 1)))
    }

    /// Names in a file dialog lead below the episode's folder, where such dialogs begin.
    fn refuse_way_out(&self, text: &str) -> Result<(), Fault> {
        if access::is_file_dialog(&self.screen.nodes) && lam_env::leads_out(text) {
            return Err(Fault::invalid(format!("`{text}` leads out of the episode's folder")));
        }
        Ok(())
    }

    pub(super) fn refuse_dialog(&self) -> Result<(), Fault> {
        if self.screen.has_dialog() {
            return Err(Fault::refused("a dialog is open: answer or cancel it first"));
        }
        Ok(())
    }
}

fn is_text(stroke: &Stroke) -> bool {
    matches!(stroke, Stroke::Text(_))
}
