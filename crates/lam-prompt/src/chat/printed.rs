//! Values that Python's Jinja prints otherwise than minijinja: tuples, marked texts, floats. Knows no templates.

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use minijinja::value::{Enumerator, Kwargs, Object, ObjectRepr, Rest, Value, ValueKind};
use minijinja::{Error, filters};

use crate::answer::python_float;

/// The function that tuples in a template are translated to.
pub(super) const TUPLE: &str = "__tuple";

/// A list with another look: Python's tuple, and its views of a mapping.
#[derive(Debug)]
struct Listed {
    items: Vec<Value>,
    open: &'static str,
    close: &'static str,
}

impl Object for Listed {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.items.get(key.as_usize()?).cloned()
    }

    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(self.items.len())
    }

    fn render(self: &Arc<Self>, f: &mut Formatter<'_>) -> fmt::Result {
        let parts: Result<Vec<String>, _> = self.items.iter().map(representation).collect();
        let last = if self.items.len() == 1 && self.open == "(" { "," } else { "" };
        write!(f, "{}{}{last}{}", self.open, parts.map_err(|_| fmt::Error)?.join(", "), self.close)
    }
}

/// A text that is marked as HTML. In Python, what is joined to it with `+` is escaped: here, only printing it and
/// joining it with `~` are known, all else is an error that names the construct.
struct Markup(String);

impl Debug for Markup {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Object for Markup {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }
}

/// A tuple of these.
pub(super) fn tuple(items: Rest<Value>) -> Value {
    Value::from_object(Listed { items: items.0, open: "(", close: ")" })
}

/// A list of lists as a list of tuples.
fn tuples(pairs: &Value) -> Result<Vec<Value>, Error> {
    pairs.try_iter()?.map(|pair| Ok(tuple(Rest(pair.try_iter()?.collect())))).collect()
}

/// `keys`, `values` or `items` of a mapping, out of what minijinja gives for them; `None` for other methods.
pub(super) fn view(method: &str, listed: &Value) -> Result<Option<Value>, Error> {
    let (items, open) = match method {
        "keys" => (listed.try_iter()?.collect(), "dict_keys(["),
        "values" => (listed.try_iter()?.collect(), "dict_values(["),
        "items" => (tuples(listed)?, "dict_items(["),
        _ => return Ok(None),
    };
    Ok(Some(Value::from_object(Listed { items, open, close: "])" })))
}

/// A mapping's pairs in their order.
pub(super) fn dictsort(value: &Value, options: Kwargs) -> Result<Value, Error> {
    Ok(tuples(&filters::dictsort(value, options)?)?.into())
}

/// The text as it is, marked.
pub(super) fn safe(text: &Value) -> Value {
    Value::from_object(Markup(text.to_string()))
}

/// The text with markupsafe's escapes, marked.
pub(super) fn escape(text: &Value) -> Value {
    if is_markup(text) {
        return text.clone();
    }
    let mut escaped = String::new();
    for c in text.to_string().chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\'' => escaped.push_str("&#39;"),
            '"' => escaped.push_str("&#34;"),
            _ => escaped.push(c),
        }
    }
    Value::from_object(Markup(escaped))
}

/// Jinja's test `string`.
pub(super) fn is_string(value: &Value) -> bool {
    value.as_str().is_some() || is_markup(value)
}

fn is_markup(value: &Value) -> bool {
    value.downcast_object_ref::<Markup>().is_some()
}

/// Whether it is a list that has a look of its own.
fn has_own_look(value: &Value) -> bool {
    value.downcast_object_ref::<Listed>().is_some()
}

/// A number's digits as Python's `repr` writes them, if it is a float.
pub(super) fn float(value: &Value) -> Option<String> {
    if !value.is_number() || value.is_integer() {
        return None;
    }
    f64::try_from(value.clone()).ok().map(python_float)
}

/// A value as Python's `repr` writes it.
pub(super) fn representation(value: &Value) -> Result<String, Error> {
    let joined = |parts: Vec<String>| parts.join(", ");
    Ok(match value.kind() {
        ValueKind::String => quoted(value.as_str().unwrap_or_default()),
        ValueKind::Seq if has_own_look(value) => value.to_string(),
        ValueKind::Seq | ValueKind::Iterable => {
            let parts = value.try_iter()?.map(|item| representation(&item)).collect::<Result<_, _>>()?;
            format!("[{}]", joined(parts))
        }
        ValueKind::Map => {
            let pair = |key: Value| -> Result<String, Error> {
                Ok(format!("{}: {}", representation(&key)?, representation(&value.get_item(&key)?)?))
            };
            format!("{{{}}}", joined(value.try_iter()?.map(pair).collect::<Result<_, _>>()?))
        }
        _ => float(value).unwrap_or_else(|| value.to_string()),
    })
}

/// A string as Python's `repr` writes it.
fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let escaped = |c: char| match c {
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        '\\' => "\\\\".to_owned(),
        _ if c == quote => format!("\\{c}"),
        _ if c.is_ascii_control() => format!("\\x{:02x}", u32::from(c)),
        _ => c.to_string(),
    };
    format!("{quote}{}{quote}", text.chars().map(escaped).collect::<String>())
}
