//! Reads one object in almost-JSON: single quotes, trailing commas, Python's literals, raw line breaks in strings. Reads
//! a call as Python writes it, too.

use serde_json::{Map, Value};

/// Deepest nesting that is followed.
const MAX_DEPTH: usize = 32;

/// Reads the object at the start of `text`; what follows it does not matter.
pub(super) fn read_object(text: &str) -> Result<Map<String, Value>, String> {
    let mut reader = Reader { text, at: 0 };
    match reader.value(0)? {
        Value::Object(object) => Ok(object),
        _ => Err("no JSON object".to_owned()),
    }
}

/// Reads `name(key=value, …)` at the start of `text`, with values as Python's `repr` writes them; what follows does
/// not matter.
pub(crate) fn read_call(text: &str) -> Result<(String, Map<String, Value>), String> {
    let mut reader = Reader { text, at: 0 };
    let name = reader.name('(').ok_or("no call")?;
    let mut args = Map::new();
    while !reader.take(')') {
        let key = reader.name('=').ok_or("an argument has no name, or the call ends too early")?;
        let value = reader.value(0)?;
        args.insert(key, value);
        if !reader.take(',') && reader.peek() != Some(')') {
            return Err("no comma between two arguments".to_owned());
        }
    }
    Ok((name, args))
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&mut self) -> Option<char> {
        self.at = self.text.len() - self.rest().trim_start().len();
        self.rest().chars().next()
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    /// A name that `end` follows, which is taken too.
    fn name(&mut self, end: char) -> Option<String> {
        self.peek()?;
        let rest = self.rest();
        let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_')?;
        let name = rest[..length].to_owned();
        self.at += length;
        (length > 0 && self.take(end)).then_some(name)
    }

    fn value(&mut self, depth: usize) -> Result<Value, String> {
        if depth > MAX_DEPTH {
            return Err("the JSON is nested too deeply".to_owned());
        }
        match self.peek() {
            Some('{') => self.object(depth),
            Some('[') => self.array(depth),
            Some(quote @ ('"' | '\'')) => Ok(Value::String(self.string(quote)?)),
            Some(_) => self.word(),
            None => Err("the JSON ends too early".to_owned()),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, String> {
        self.take('{');
        let mut object = Map::new();
        while !self.take('}') {
            let key = match self.peek() {
                Some(quote @ ('"' | '\'')) => self.string(quote)?,
                _ => return Err("an object key is not quoted, or the JSON ends too early".to_owned()),
            };
            if !self.take(':') {
                return Err(format!("no colon behind key `{key}`"));
            }
            let value = self.value(depth + 1)?;
            object.insert(key, value);
            if !self.take(',') && self.peek() != Some('}') {
                return Err("no comma between two keys".to_owned());
            }
        }
        Ok(Value::Object(object))
    }

    fn array(&mut self, depth: usize) -> Result<Value, String> {
        self.take('[');
        let mut values = Vec::new();
        while !self.take(']') {
            values.push(self.value(depth + 1)?);
            if !self.take(',') && self.peek() != Some(']') {
                return Err("no comma between two values".to_owned());
            }
        }
        Ok(Value::Array(values))
    }

    fn string(&mut self, quote: char) -> Result<String, String> {
        self.take(quote);
        let mut text = String::new();
        loop {
            let next = self.rest().chars().next().ok_or("a string does not end")?;
            self.at += next.len_utf8();
            match next {
                '\\' => text.push(self.escape()?),
                _ if next == quote => return Ok(text),
                _ => text.push(next),
            }
        }
    }

    fn escape(&mut self) -> Result<char, String> {
        let next = self.rest().chars().next().ok_or("a string does not end")?;
        self.at += next.len_utf8();
        Ok(match next {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'b' => '\u{8}',
            'f' => '\u{c}',
            // Python's; in JSON they stand for themselves.
            letter @ ('x' | 'U') => {
                let digits = if letter == 'x' { 2 } else { 8 };
                self.hex(digits).map_or(letter, |code| char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
            }
            'u' => self.unicode()?,
            other => other,
        })
    }

    /// Four hex digits, or two such groups for one character.
    fn unicode(&mut self) -> Result<char, String> {
        let high = self.hex(4)?;
        if !(0xD800..0xDC00).contains(&high) {
            return Ok(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        if !self.rest().starts_with("\\u") {
            return Ok(char::REPLACEMENT_CHARACTER);
        }
        self.at += 2;
        let low = self.hex(4)?;
        let code = 0x10000 + ((high - 0xD800) << 10) + (low.wrapping_sub(0xDC00) & 0x3FF);
        Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    /// A number of hexadecimal digits.
    fn hex(&mut self, count: usize) -> Result<u32, String> {
        let digits = self.rest().get(..count).ok_or("an escape of a character is cut off")?;
        let code = u32::from_str_radix(digits, 16).map_err(|_| format!("`{digits}` is not a character's number"))?;
        self.at += count;
        Ok(code)
    }

    /// A number or a literal, JSON's or Python's.
    fn word(&mut self) -> Result<Value, String> {
        let rest = self.rest();
        let end = rest.find(|c: char| c.is_whitespace() || ",]}):".contains(c)).unwrap_or(rest.len());
        let word = rest[..end].to_owned();
        self.at += end;
        match word.as_str() {
            "true" | "True" => Ok(Value::Bool(true)),
            "false" | "False" => Ok(Value::Bool(false)),
            "null" | "None" => Ok(Value::Null),
            _ => serde_json::from_str(&word).map_err(|_| format!("`{word}` is not a value")),
        }
    }
}
