//! Where a key is known that was written in another table. The tables are found by what is said of a key that cannot be.

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::aliases::canonical;
use crate::parse::{parse, table_at};
use crate::span::join;
use crate::value::{Complaint, Refused};

/// How like a word must be to one of another table. Within a table less is enough: it was written there for a reason.
const LIKE: f64 = 0.92;
/// Tables within tables that are looked into.
const DEEPEST: usize = 5;

/// A table of a configuration.
struct Place {
    path: Vec<String>,
    known: Vec<String>,
}

/// Where an unknown key is known with the value that it was given, of several places the nearest.
pub(super) fn elsewhere<T: DeserializeOwned>(table: &Table, path: &[String], key: &str) -> Option<String> {
    let mut whole = Value::Table(table.clone());
    let value = table_at(&mut whole, path)?.remove(key)?;
    let fits = |place: &Place| {
        let is_known = place.known.iter().any(|name| name == key) || canonical(key, &place.known).is_some();
        is_known
            && alone(&place.path, key, value.clone())
                .is_some_and(|table| parse::<T>(&table).is_ok_and(|read| read.is_ok()))
    };
    places_near::<T>(path).into_iter().find(fits).map(|place| join(&place.path.join("."), key))
}

/// The key of another table that an unknown one is nearly: the most alike, of equals the nearest.
pub(super) fn misspelt_elsewhere<T: DeserializeOwned>(path: &[String], key: &str) -> Option<String> {
    let mut best = (LIKE, None);
    for place in places_near::<T>(path) {
        for name in &place.known {
            let score = strsim::jaro_winkler(key, name);
            if score > best.0 {
                best = (score, Some(join(&place.path.join("."), name)));
            }
        }
    }
    best.1
}

/// All tables but the one at `path`, the nearest first, and those below it before those above it.
fn places_near<T: DeserializeOwned>(path: &[String]) -> Vec<Place> {
    let mut places = Vec::new();
    let mut open = vec![Vec::new()];
    while let Some(next) = open.pop() {
        let known = known_at::<T>(&next);
        if next.len() < DEEPEST {
            open.extend(known.iter().map(|name| [&next[..], std::slice::from_ref(name)].concat()));
        }
        if !known.is_empty() {
            places.push(Place { path: next, known });
        }
    }
    places.retain(|place| place.path != path);
    places.sort_by_key(|place| {
        let common = place.path.iter().zip(path).take_while(|(one, other)| one == other).count();
        let (up, down) = (path.len() - common, place.path.len() - common);
        (up + down, up, place.path.clone())
    });
    places
}

/// The keys that are known in a table.
fn known_at<T: DeserializeOwned>(path: &[String]) -> Vec<String> {
    match alone(path, "", Value::Boolean(true)).map(|table| parse::<T>(&table)) {
        Some(Ok(Err(Refused { path: at, complaint: Complaint::Unknown { known, .. } }))) if at == path => known,
        _ => Vec::new(),
    }
}

/// A configuration in which this key alone stands.
fn alone(path: &[String], key: &str, value: Value) -> Option<Table> {
    let wrap = |inner: Value, part: &str| Value::Table(Table::from_iter([(part.to_owned(), inner)]));
    let whole = path.iter().rev().fold(wrap(value, key), |inner, part| wrap(inner, part));
    if let Value::Table(table) = whole { Some(table) } else { None }
}
