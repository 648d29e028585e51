//! Keys and mouse wheel through the registry's event controller. Knows no application.

use lam_env::keys::{Key, Modifier, Stroke};

use super::Peer;
use crate::fault::Fault;

const CONTROLLER: &str = "org.a11y.atspi.DeviceEventController";
const CONTROLLER_PATH: &str = "/org/a11y/atspi/registry/deviceeventcontroller";

/// Kinds of key events (at-spi2 `KeySynthType`).
const PRESS: u32 = 0;
const RELEASE: u32 = 1;
const SYM: u32 = 3;
const STRING: u32 = 4;

/// X keysyms of named keys.
const NAMES: [(&str, i32); 27] = [
    ("ENTER", 0xff0d),
    ("TAB", 0xff09),
    ("ESC", 0xff1b),
    ("BACKSPACE", 0xff08),
    ("DELETE", 0xffff),
    ("INSERT", 0xff63),
    ("SPACE", 0x20),
    ("HOME", 0xff50),
    ("LEFT", 0xff51),
    ("UP", 0xff52),
    ("RIGHT", 0xff53),
    ("DOWN", 0xff54),
    ("PGUP", 0xff55),
    ("PGDN", 0xff56),
    ("END", 0xff57),
    ("F1", 0xffbe),
    ("F2", 0xffbf),
    ("F3", 0xffc0),
    ("F4", 0xffc1),
    ("F5", 0xffc2),
    ("F6", 0xffc3),
    ("F7", 0xffc4),
    ("F8", 0xffc5),
    ("F9", 0xffc6),
    ("F10", 0xffc7),
    ("F11", 0xffc8),
    ("F12", 0xffc9),
];

/// Keysyms beyond Latin-1 are Unicode's numbers above this.
const UNICODE: i32 = 0x0100_0000;

/// The strokes that UFO's notation stands for.
pub fn strokes(keys: &str) -> Result<Vec<Stroke>, Fault> {
    lam_env::keys::parse(keys).map_err(Fault::invalid)
}

fn keysym(key: Key) -> Result<i32, Fault> {
    match key {
        Key::Named(name) => {
            let found = NAMES.iter().find(|(known, _)| *known == name).map(|(_, symbol)| *symbol);
            found.ok_or_else(|| Fault::invalid(format!("there is no key `{{{name}}}`")))
        }
        Key::Char(letter) if u32::from(letter) < 0x100 => Ok(letter as i32),
        Key::Char(letter) => Ok(UNICODE | letter as i32),
    }
}

/// The keycode that X.Org's standard keyboard gives a modifier.
fn keycode(modifier: Modifier) -> i32 {
    match modifier {
        Modifier::Control => 37,
        Modifier::Shift => 50,
        Modifier::Alt => 64,
    }
}

/// Presses keys: they go to the window under the pointer, to whatever has the focus there.
pub async fn press(registry: &Peer, strokes: &[Stroke]) -> Result<(), Fault> {
    for stroke in strokes {
        match stroke {
            Stroke::Text(text) => event(registry, 0, text, STRING).await?,
            Stroke::Key(key, held) => {
                let symbol = keysym(*key)?;
                for modifier in held {
                    event(registry, keycode(*modifier), "", PRESS).await?;
                }
                event(registry, symbol, "", SYM).await?;
                for modifier in held.iter().rev() {
                    event(registry, keycode(*modifier), "", RELEASE).await?;
                }
            }
        }
    }
    Ok(())
}

async fn event(registry: &Peer, code: i32, text: &str, kind: u32) -> Result<(), Fault> {
    let body = (code, text, kind);
    let done: Option<()> = registry.call(CONTROLLER_PATH, CONTROLLER, "GenerateKeyboardEvent", &body).await?;
    done.ok_or_else(|| Fault::refused("the keyboard cannot be used"))
}

/// A mouse event at a place of the screen: `abs` to move, `b1c` to click, `b4c` and `b5c` for the wheel.
pub async fn mouse(registry: &Peer, (x, y): (i32, i32), name: &str) -> Result<(), Fault> {
    let done: Option<()> = registry.call(CONTROLLER_PATH, CONTROLLER, "GenerateMouseEvent", &(x, y, name)).await?;
    done.ok_or_else(|| Fault::refused("the mouse cannot be used"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_key_has_a_keysym() {
        for (name, _) in lam_env::keys::NAMES {
            assert!(keysym(Key::Named(name)).is_ok(), "{name}");
        }
        assert_eq!((keysym(Key::Char('a')).ok(), keysym(Key::Char('漢')).ok()), (Some(0x61), Some(0x0100_6f22)));
    }
}
