//! A TOML value read as any struct; what serde refuses is told in fields: where, which key, what was found and expected.
//!
//! Serde hands these facts to its error one by one; `Refused` keeps them instead of a sentence. Knows no configuration.

use std::fmt::{self, Display};

use serde::Deserializer;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Error, Expected, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::forward_to_deserialize_any;
use toml::{Table, Value};

/// A value that does not fit, and where it stands.
#[derive(Debug)]
pub(super) struct Refused {
    /// The keys that lead to it, list items by index.
    pub path: Vec<String>,
    pub complaint: Complaint,
}

/// What does not fit.
#[derive(Debug)]
pub(super) enum Complaint {
    /// A key that is not one of those known here.
    Unknown { key: String, known: Vec<String> },
    /// A key that must be there.
    Missing { key: String },
    /// A word that is not one of those known here.
    Word { word: String, known: Vec<String> },
    /// A value of another type, or out of its type's range.
    Type { found: String, expected: String },
    /// What a struct's own code says.
    Other(String),
}

impl Refused {
    fn at_top(complaint: Complaint) -> Self {
        Self { path: Vec::new(), complaint }
    }

    fn below(mut self, key: impl Into<String>) -> Self {
        self.path.insert(0, key.into());
        self
    }
}

impl Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?}", self.path.join("."), self.complaint)
    }
}

impl std::error::Error for Refused {}

impl Error for Refused {
    fn custom<T: Display>(message: T) -> Self {
        Self::at_top(Complaint::Other(message.to_string()))
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::at_top(Complaint::Type { found: found.to_string(), expected: in_words(&expected.to_string()) })
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn unknown_variant(word: &str, known: &'static [&'static str]) -> Self {
        Self::at_top(Complaint::Word { word: word.to_owned(), known: owned(known) })
    }

    fn unknown_field(key: &str, known: &'static [&'static str]) -> Self {
        Self::at_top(Complaint::Unknown { key: key.to_owned(), known: owned(known) })
    }

    fn missing_field(key: &'static str) -> Self {
        Self::at_top(Complaint::Missing { key: key.to_owned() })
    }
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// The name of a type as a person says it.
fn in_words(expected: &str) -> String {
    match expected {
        "f32" | "f64" => "a number".to_owned(),
        "u8" => "a whole number from 0 to 255".to_owned(),
        "u16" => "a whole number from 0 to 65535".to_owned(),
        "u32" => "a whole number from 0 to 4294967295".to_owned(),
        "u64" | "usize" => "a whole number, 0 or greater".to_owned(),
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a string" | "a borrowed string" => "text in quotes".to_owned(),
        other => other.to_owned(),
    }
}

/// A value that is being read.
pub(super) struct Reader<'de>(pub &'de Value);

impl<'de> Reader<'de> {
    fn refuse(&self, expected: &str) -> Refused {
        let found = match self.0 {
            Value::String(text) => Unexpected::Str(text),
            Value::Integer(number) => Unexpected::Signed(*number),
            Value::Float(number) => Unexpected::Float(*number),
            Value::Boolean(flag) => Unexpected::Bool(*flag),
            Value::Datetime(_) => Unexpected::Other("date"),
            Value::Array(_) => Unexpected::Other("list"),
            Value::Table(_) => Unexpected::Other("table"),
        };
        Refused::invalid_type(found, &expected)
    }
}

impl<'de> Deserializer<'de> for Reader<'de> {
    type Error = Refused;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        match self.0 {
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Integer(number) => visitor.visit_i64(*number),
            Value::Float(number) => visitor.visit_f64(*number),
            Value::Boolean(flag) => visitor.visit_bool(*flag),
            Value::Datetime(date) => visitor.visit_string(date.to_string()),
            Value::Array(items) => visitor.visit_seq(Items { items: items.iter().enumerate() }),
            Value::Table(table) => visitor.visit_map(Entries::of(table)),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        if self.0.is_table() { self.deserialize_any(visitor) } else { Err(self.refuse("a table")) }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        self.deserialize_map(visitor)
    }

    /// A list, or the only item of one, as in `report_to = "tensorboard"`.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        match self.0 {
            Value::Array(_) => self.deserialize_any(visitor),
            Value::Table(_) => Err(self.refuse("a list")),
            _ => visitor.visit_seq(OnlyItem(Some(self))),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, Refused> {
        visitor.visit_newtype_struct(self)
    }

    /// A word alone, or a table whose only key is the word and whose value belongs to it.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        words: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        match self.0 {
            Value::String(word) => visitor.visit_enum(word.as_str().into_deserializer()),
            Value::Table(table) if table.len() == 1 => {
                visitor.visit_enum(MapAccessDeserializer::new(Entries::of(table)))
            }
            Value::Table(_) => Err(self.refuse(&format!("a table with one of {}", words.join(", ")))),
            _ => Err(self.refuse("text in quotes")),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        tuple tuple_struct identifier ignored_any
    }
}

/// The items of a list.
struct Items<'de> {
    items: std::iter::Enumerate<std::slice::Iter<'de, Value>>,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Refused;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Refused> {
        let Some((index, item)) = self.items.next() else { return Ok(None) };
        seed.deserialize(Reader(item)).map(Some).map_err(|refused| refused.below(index.to_string()))
    }
}

/// A list that was written as its only item: what is wrong with that stands where the list does.
struct OnlyItem<'de>(Option<Reader<'de>>);

impl<'de> SeqAccess<'de> for OnlyItem<'de> {
    type Error = Refused;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Refused> {
        self.0.take().map(|item| seed.deserialize(item)).transpose()
    }
}

/// The entries of a table, and the one whose key was read last.
struct Entries<'de> {
    entries: toml::map::Iter<'de, String, Value>,
    open: Option<(&'de String, &'de Value)>,
}

impl<'de> Entries<'de> {
    fn of(table: &'de Table) -> Self {
        Self { entries: table.iter(), open: None }
    }
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Refused;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Refused> {
        self.open = self.entries.next();
        let Some((key, _)) = self.open else { return Ok(None) };
        seed.deserialize(key.as_str().into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Refused> {
        let (key, value) = self.open.take().expect("a key is read before its value");
        seed.deserialize(Reader(value)).map_err(|refused| refused.below(key))
    }
}
