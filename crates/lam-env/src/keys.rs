//! Key strokes in UFO's notation, which is pywinauto's: names in braces, modifiers before or around keys, the rest is
//! text. What cannot be read is refused, not typed. Knows no keyboard and no application.

use std::fmt;

/// A key that is held while another is pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Modifier {
    /// `{VK_CONTROL}`, `^`.
    Control,
    /// `{VK_MENU}`, `%`.
    Alt,
    /// `{VK_SHIFT}`, `+` before another key's notation.
    Shift,
}

/// A key of the keyboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// By its first name in [`NAMES`].
    Named(&'static str),
    /// By the letter on it, in lower case.
    Char(char),
}

/// One stroke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stroke {
    /// Plain text.
    Text(String),
    /// A key, with the modifiers that are held, each once and in order.
    Key(Key, Vec<Modifier>),
}

impl fmt::Display for Stroke {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stroke::Text(text) => write!(out, "{text}"),
            Stroke::Key(key, held) => {
                held.iter().try_for_each(|modifier| write!(out, "{modifier:?}+"))?;
                match key {
                    Key::Named(name) => write!(out, "{name}"),
                    Key::Char(letter) => write!(out, "{letter}"),
                }
            }
        }
    }
}

/// Named keys, each with its other names. A leading `VK_` does not count.
pub const NAMES: [(&str, &[&str]); 27] = [
    ("ENTER", &["RETURN"]),
    ("TAB", &[]),
    ("ESC", &["ESCAPE"]),
    ("BACKSPACE", &["BACK", "BKSP", "BS"]),
    ("DELETE", &["DEL"]),
    ("INSERT", &["INS"]),
    ("SPACE", &[]),
    ("HOME", &[]),
    ("END", &[]),
    ("LEFT", &[]),
    ("UP", &[]),
    ("RIGHT", &[]),
    ("DOWN", &[]),
    ("PGUP", &["PRIOR"]),
    ("PGDN", &["NEXT"]),
    ("F1", &[]),
    ("F2", &[]),
    ("F3", &[]),
    ("F4", &[]),
    ("F5", &[]),
    ("F6", &[]),
    ("F7", &[]),
    ("F8", &[]),
    ("F9", &[]),
    ("F10", &[]),
    ("F11", &[]),
    ("F12", &[]),
];

const MODIFIERS: [(&str, Modifier); 9] = [
    ("CONTROL", Modifier::Control),
    ("LCONTROL", Modifier::Control),
    ("RCONTROL", Modifier::Control),
    ("MENU", Modifier::Alt),
    ("LMENU", Modifier::Alt),
    ("RMENU", Modifier::Alt),
    ("SHIFT", Modifier::Shift),
    ("LSHIFT", Modifier::Shift),
    ("RSHIFT", Modifier::Shift),
];

/// Times that one notation may press a key.
const MOST_TIMES: usize = 100;

/// The strokes that `keys` stands for: `{TAB 2}` for several times, `{VK_CONTROL}a`, `^a` and
/// `{VK_CONTROL down}a{VK_CONTROL up}` for modifiers, `{^}`, `{%}`, `{+}` and `{{}` for the characters themselves.
///
/// # Errors
/// A key that does not exist, or a modifier without a key, in words.
pub fn parse(keys: &str) -> Result<Vec<Stroke>, String> {
    let mut reader = Reader { rest: keys, strokes: Vec::new(), next: Vec::new(), down: Vec::new() };
    while let Some(first) = reader.rest.chars().next() {
        reader.read(first)?;
    }
    match (reader.next.is_empty(), reader.down.is_empty()) {
        (true, true) => Ok(reader.strokes),
        (false, _) => {
            Err(format!("`{keys}` ends in a modifier without a key (`{{^}}` and `{{%}}` are the characters)"))
        }
        (true, false) => Err(format!("`{keys}` holds a modifier down and never lets it up")),
    }
}

struct Reader<'a> {
    rest: &'a str,
    strokes: Vec<Stroke>,
    /// Held for the next key.
    next: Vec<Modifier>,
    /// Held until they are let up.
    down: Vec<Modifier>,
}

impl Reader<'_> {
    fn read(&mut self, first: char) -> Result<(), String> {
        let holds = !self.next.is_empty() || !self.down.is_empty();
        if let Some((inside, length)) = braced(self.rest, holds) {
            self.rest = &self.rest[length..];
            return self.named(inside);
        }
        let after = &self.rest[first.len_utf8()..];
        let modifier = match first {
            '^' => Some(Modifier::Control),
            '%' => Some(Modifier::Alt),
            '+' if !self.next.is_empty() || after.starts_with(['{', '^', '%']) => Some(Modifier::Shift),
            _ => None,
        };
        self.rest = after;
        match modifier {
            Some(modifier) => self.next.push(modifier),
            None if holds => self.press(Key::Char(lower(first)), 1),
            None => self.text(first),
        }
        Ok(())
    }

    /// What stands in braces: a key, a modifier, or a character that would mean something without them.
    fn named(&mut self, inside: &str) -> Result<(), String> {
        let mut letters = inside.chars();
        if let (Some(letter), None) = (letters.next(), letters.next()) {
            match self.next.is_empty() && self.down.is_empty() {
                true => self.text(letter),
                false => self.press(Key::Char(lower(letter)), 1),
            }
            return Ok(());
        }
        let unknown = || format!("there is no key `{{{inside}}}`");
        let (name, how) = inside.split_once(' ').unwrap_or((inside, "1"));
        let upper = name.to_uppercase();
        let name = upper.strip_prefix("VK_").unwrap_or(&upper);
        if let Some((_, modifier)) = MODIFIERS.iter().find(|(known, _)| *known == name) {
            match how {
                "1" => self.next.push(*modifier),
                "down" => self.down.push(*modifier),
                "up" => self.down.retain(|held| held != modifier),
                _ => return Err(unknown()),
            }
            return Ok(());
        }
        let known = NAMES.iter().find(|(first, others)| *first == name || others.contains(&name));
        let times = how.parse().ok().filter(|times| (1..=MOST_TIMES).contains(times));
        let ((known, _), times) = known.zip(times).ok_or_else(unknown)?;
        self.press(Key::Named(known), times);
        Ok(())
    }

    fn press(&mut self, key: Key, times: usize) {
        let mut held = std::mem::take(&mut self.next);
        held.extend(&self.down);
        held.sort_unstable();
        held.dedup();
        self.strokes.extend(std::iter::repeat_n(Stroke::Key(key, held), times));
    }

    fn text(&mut self, letter: char) {
        match self.strokes.last_mut() {
            Some(Stroke::Text(text)) => text.push(letter),
            _ => self.strokes.push(Stroke::Text(letter.to_string())),
        }
    }
}

/// What stands in the braces at the start of a text, and how long it is with them; nothing where they hold no notation.
/// After a modifier, any one character in braces is a key.
fn braced(text: &str, holds: bool) -> Option<(&str, usize)> {
    let inner = text.strip_prefix('{')?;
    // `{}}` is the closing brace itself.
    let end = inner.char_indices().skip(1).find(|(_, letter)| *letter == '}')?.0;
    let inside = &inner[..end];
    let is_special = ["{", "}", "^", "%", "+", "~", "(", ")", "[", "]"].contains(&inside);
    let is_name = inside.len() > 1 && inside.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_ ".contains(&byte));
    let is_letter = holds && inside.chars().count() == 1;
    (is_special || is_letter || is_name && looks_like_a_key(inside)).then_some((inside, end + 2))
}

/// Capitals are meant as a key, known or not; other words only where they are one.
fn looks_like_a_key(inside: &str) -> bool {
    let name = inside.split(' ').next().unwrap_or_default();
    let upper = name.to_uppercase();
    let bare = upper.strip_prefix("VK_").unwrap_or(&upper);
    let is_known = NAMES.iter().any(|(first, others)| *first == bare || others.contains(&bare))
        || MODIFIERS.iter().any(|(known, _)| *known == bare);
    is_known || upper == name || upper.starts_with("VK_")
}

/// A letter in lower case where that is one letter: a chord names the key, not what it types.
fn lower(letter: char) -> char {
    let mut lower = letter.to_lowercase();
    lower.next().filter(|_| lower.next().is_none()).unwrap_or(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Stroke {
        Stroke::Text(text.to_owned())
    }

    fn shown(keys: &str) -> Vec<String> {
        parse(keys).expect("a notation").iter().map(ToString::to_string).collect()
    }

    #[test]
    fn names_counts_and_text() {
        assert_eq!(parse("ab c"), Ok(vec![text("ab c")]));
        assert_eq!(shown("{TAB 2}x"), ["TAB", "TAB", "x"]);
        assert_eq!(shown("{VK_RETURN}{esc}{BS}"), ["ENTER", "ESC", "BACKSPACE"]);
        assert_eq!(parse("a {b} c"), Ok(vec![text("a {b} c")]));
        assert_eq!(parse("1 + 1 (x) ~ é 漢"), Ok(vec![text("1 + 1 (x) ~ é 漢")]));
        assert_eq!(parse("{^}{%}{+}{{}{}}"), Ok(vec![text("^%+{}")]));
    }

    #[test]
    fn every_way_to_hold_a_modifier_is_one_chord() {
        for keys in ["{VK_CONTROL}o", "{VK_CONTROL}O", "^o", "{VK_LCONTROL down}o{VK_LCONTROL up}", "{vk_control}o"] {
            assert_eq!(shown(keys), ["Control+o"], "{keys}");
        }
        for keys in ["{VK_MENU}f", "%f", "{VK_MENU down}f{VK_MENU up}", "%{f}"] {
            assert_eq!(shown(keys), ["Alt+f"], "{keys}");
        }
        assert_eq!(shown("^+{END}"), ["Control+Shift+END"]);
        assert_eq!(shown("+{DOWN}{VK_SHIFT}{VK_CONTROL}{DOWN}"), ["Shift+DOWN", "Control+Shift+DOWN"]);
        assert_eq!(shown("{VK_CONTROL down}ac{VK_CONTROL up}b"), ["Control+a", "Control+c", "b"]);
        assert_eq!(shown("^ö^漢"), ["Control+ö", "Control+漢"]);
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for keys in [
            "{NOKEY}",
            "{VK_SHIFT}",
            "{TAB 1000}",
            "{TAB 0}",
            "{TAB x}",
            "50%",
            "^",
            "{VK_CONTROL down}o",
            "{LWIN}r",
            "{VK_LWIN}",
            "{VK_APPS}",
            "{vk_nokey}",
            "{VK_CONTROL sideways}o",
            "{F99}",
        ] {
            assert!(parse(keys).is_err(), "{keys}: {:?}", parse(keys));
        }
    }
}
