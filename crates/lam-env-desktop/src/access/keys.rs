//! Keys and mouse wheel through the registry's event controller, and UFO's notation for keys. Knows no application.

use super::Peer;
use crate::fault::Fault;

const CONTROLLER: &str = "org.a11y.atspi.DeviceEventController";
const CONTROLLER_PATH: &str = "/org/a11y/atspi/registry/deviceeventcontroller";

/// Kinds of key events (at-spi2 `KeySynthType`).
const PRESS: u32 = 0;
const RELEASE: u32 = 1;
const SYM: u32 = 3;
const STRING: u32 = 4;

/// One stroke of the keyboard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stroke {
    /// Plain text.
    Text(String),
    /// A key by X keysym, with modifiers held down by X keycode.
    Key {
        /// Keysym.
        symbol: i32,
        /// Keycodes of the modifiers.
        held: Vec<i32>,
    },
}

/// Named keys and their X keysyms.
const NAMES: [(&str, i32); 20] = [
    ("ENTER", 0xff0d),
    ("TAB", 0xff09),
    ("ESC", 0xff1b),
    ("BACKSPACE", 0xff08),
    ("DELETE", 0xffff),
    ("HOME", 0xff50),
    ("LEFT", 0xff51),
    ("UP", 0xff52),
    ("RIGHT", 0xff53),
    ("DOWN", 0xff54),
    ("PGUP", 0xff55),
    ("PGDN", 0xff56),
    ("END", 0xff57),
    ("SPACE", 0x20),
    ("INSERT", 0xff63),
    ("F2", 0xffbf),
    ("F5", 0xffc2),
    ("F7", 0xffc4),
    ("F9", 0xffc6),
    ("F12", 0xffc9),
];

/// Modifiers and the keycodes that X.Org's standard keyboard gives them.
const MODIFIERS: [(&str, i32); 3] = [("VK_CONTROL", 37), ("VK_SHIFT", 50), ("VK_MENU", 64)];

/// UFO's notation: names in braces, `{TAB 2}` for several times, `{VK_CONTROL}a` for modifiers, the rest is text.
pub fn strokes(keys: &str) -> Result<Vec<Stroke>, Fault> {
    let mut found = Vec::new();
    let mut held = Vec::new();
    let mut rest = keys;
    while let Some(first) = rest.chars().next() {
        let named = rest.strip_prefix('{').and_then(|inner| inner.split_once('}')).filter(|(name, _)| is_name(name));
        if let Some((name, after)) = named {
            rest = after;
            if let Some((_, code)) = MODIFIERS.iter().find(|(modifier, _)| *modifier == name) {
                held.push(*code);
                continue;
            }
            let (symbol, times) = key(name)?;
            let key = Stroke::Key { symbol, held: std::mem::take(&mut held) };
            found.extend(std::iter::repeat_n(key, times));
        } else if held.is_empty() {
            let end = rest[first.len_utf8()..].find('{').map_or(rest.len(), |at| at + first.len_utf8());
            found.push(Stroke::Text(rest[..end].to_owned()));
            rest = &rest[end..];
        } else {
            found.push(Stroke::Key { symbol: first as i32, held: std::mem::take(&mut held) });
            rest = &rest[first.len_utf8()..];
        }
    }
    match held.is_empty() {
        true => Ok(found),
        false => Err(Fault::invalid(format!("`{keys}` ends in a modifier without a key"))),
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"_ ".contains(&byte))
}

/// Keysym of a named key, and how often it is pressed.
fn key(name: &str) -> Result<(i32, usize), Fault> {
    let (name, times) = match name.split_once(' ') {
        Some((name, times)) => (name, times.parse().ok().filter(|times| (1..=100).contains(times))),
        None => (name, Some(1)),
    };
    let symbol = NAMES.iter().find(|(known, _)| *known == name).map(|(_, symbol)| *symbol);
    symbol.zip(times).ok_or_else(|| Fault::invalid(format!("there is no key `{{{name}}}`")))
}

/// Presses keys: they go to the window under the pointer, to whatever has the focus there.
pub async fn press(registry: &Peer, strokes: &[Stroke]) -> Result<(), Fault> {
    for stroke in strokes {
        match stroke {
            Stroke::Text(text) => event(registry, 0, text, STRING).await?,
            Stroke::Key { symbol, held } => {
                for code in held {
                    event(registry, *code, "", PRESS).await?;
                }
                event(registry, *symbol, "", SYM).await?;
                for code in held.iter().rev() {
                    event(registry, *code, "", RELEASE).await?;
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

    fn plain(symbol: i32) -> Stroke {
        Stroke::Key { symbol, held: Vec::new() }
    }

    #[test]
    fn keys_are_read_in_ufo_s_notation() {
        assert_eq!(strokes("ab c").unwrap(), [Stroke::Text("ab c".into())]);
        assert_eq!(strokes("{TAB 2}x").unwrap(), [plain(0xff09), plain(0xff09), Stroke::Text("x".into())]);
        assert_eq!(strokes("{VK_CONTROL}a").unwrap(), [Stroke::Key { symbol: 0x61, held: vec![37] }]);
        let both = Stroke::Key { symbol: 0xff54, held: vec![37, 50] };
        assert_eq!(strokes("{VK_CONTROL}{VK_SHIFT}{DOWN}").unwrap(), [both]);
        assert_eq!(strokes("a {b} c").unwrap(), [Stroke::Text("a ".into()), Stroke::Text("{b} c".into())]);
    }

    #[test]
    fn unknown_keys_and_lonely_modifiers_are_refused() {
        assert!(strokes("{NOKEY}").is_err());
        assert!(strokes("{VK_SHIFT}").is_err());
        assert!(strokes("{TAB 1000}").is_err());
    }
}
