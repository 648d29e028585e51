//! JSON schemas as llguidance takes them, and what is refused of them: what answers would not fit, because it cannot say
//! so, and what it would compute for very long. Knows no tokens.

use llguidance::JsonCompileOptions;
use regex_syntax::hir::{Hir, HirKind};
use serde_json::{Map, Number, Value};

use crate::PromptError;

/// Names and texts of a schema by themselves, of any length.
const WORDS: [&str; 6] = ["default", "description", "examples", "title", "x-guidance", "$comment"];
/// Largest whole number of which llguidance, which has f64, holds all up to it.
const EXACT: f64 = 9_007_199_254_740_992.0;
/// Largest of f64 with a place in 64 bits.
const WIDEST: f64 = 9_223_372_036_854_774_784.0;
/// Most schemas and names in a schema: llguidance calls itself for each that stands in another, or behind one.
const PARTS: usize = 10_000;
/// Longest text of an answer that is given word for word, in bytes: it is split into tokens as one.
const LONGEST: usize = 1 << 14;
/// Most characters that a pattern spells out, its repetitions among them.
const CHARACTERS: u64 = 10_000;
/// Most remainders of `multipleOf`: each is a state of the grammar's lexer, and digits behind its point.
const REMAINDERS: u64 = 10_000;
const DIGITS: u32 = 8;
/// How many numbers of f64 on either side may stand for one.
const NEIGHBOURS: usize = 9;
/// What a backslash may stand before in a JSON string, without the `u` by which one text has several ways to be written.
const ESCAPES: &str = "nrbtf\\\"";

/// The schema, with the separators that `json.dumps` writes where it does not name its own.
///
/// # Errors
/// What is no schema, or cannot be kept to, with its place in the schema.
pub(super) fn prepared(schema: &Value) -> Result<Value, PromptError> {
    let mut schema = match schema {
        Value::Bool(true) => Value::Object(Map::new()),
        other => other.clone(),
    };
    if !schema.is_object() {
        let reason = format!("{schema} is neither an object nor true");
        let hint = "a schema is an object such as {\"type\": \"object\"}";
        return Err(PromptError::output("JSON schema", &reason, hint));
    }
    let mut checked = Checked::default();
    let check = checked.schema(&mut schema, "").and_then(|()| checked.multiples());
    check.map_err(|reason| PromptError::output("JSON schema", &reason, "say it otherwise, or leave it out"))?;
    if schema.get("x-guidance").is_none() {
        let (item_separator, key_separator) = (", ".to_owned(), ": ".to_owned());
        // Otherwise an answer could write the name of a property in another way, and then it would have two of it.
        let json_allowed_escapes = (!checked.has_controls).then(|| ESCAPES.to_owned());
        let whitespace_flexible = false;
        let options = JsonCompileOptions {
            item_separator,
            key_separator,
            whitespace_flexible,
            json_allowed_escapes,
            ..Default::default()
        };
        options.apply_to(&mut schema);
    }
    Ok(schema)
}

/// What is known of a schema while it is looked through.
#[derive(Default)]
struct Checked {
    /// The values of `multipleOf`.
    multiples: Vec<Multiple>,
    /// Whether several of them may hold for one number.
    merges: bool,
    /// Schemas and names.
    parts: usize,
    /// Whether texts that are given word for word have characters that `\u` alone can write.
    has_controls: bool,
}

impl Checked {
    /// Looks through a schema at `path`, wherever schemas may stand in it, and writes numbers as llguidance holds them.
    fn schema(&mut self, value: &mut Value, path: &str) -> Result<(), String> {
        let fields = match value {
            Value::Object(fields) => fields,
            Value::Array(several) => {
                let mut each = several.iter_mut().enumerate();
                return each.try_for_each(|(place, value)| self.schema(value, &format!("{path}[{place}]")));
            }
            _ => return Ok(()),
        };
        self.count(1, path)?;
        check_count(fields, path)?;
        self.merges |= fields.contains_key("allOf")
            || fields.contains_key("multipleOf")
                && ["$ref", "anyOf", "oneOf"].iter().any(|key| fields.contains_key(*key));
        for (key, bound) in bounds(fields, path)? {
            fields.insert(key.to_owned(), bound);
        }
        for (key, value) in fields.iter_mut().filter(|(key, _)| !WORDS.contains(&key.as_str())) {
            let path = below(path, key);
            match (key.as_str(), &mut *value) {
                ("const" | "enum", value) => self.literal(value, &path)?,
                ("pattern", Value::String(pattern)) => check_pattern(pattern, &path)?,
                ("multipleOf", Value::Number(number)) => {
                    let multiple = Multiple::of(number, &path)?;
                    self.multiples.push(multiple);
                    *number = multiple.held().ok_or_else(|| multiple.refusal(number, &path))?;
                }
                // Their keys are names.
                ("properties" | "patternProperties" | "$defs" | "definitions", Value::Object(named)) => {
                    self.count(named.len(), &path)?;
                    for (name, value) in named {
                        let path = below(&path, name);
                        match key.as_str() {
                            "patternProperties" => check_pattern(name, &path)?,
                            _ => check_length(name, &path)?,
                        }
                        self.schema(value, &path)?;
                    }
                }
                ("required", Value::Array(names)) => self.count(names.len(), &path)?,
                (_, value) => self.schema(value, &path)?,
            }
        }
        Ok(())
    }

    /// Counts parts, and refuses more than can be compiled.
    fn count(&mut self, parts: usize, path: &str) -> Result<(), String> {
        self.parts += parts;
        if self.parts <= PARTS {
            return Ok(());
        }
        Err(format!("with `{path}` it has more than {PARTS} schemas and names"))
    }

    /// Refuses multiples whose common multiple llguidance would not find.
    fn multiples(&self) -> Result<(), String> {
        let digits = self.multiples.iter().map(|one| one.digits).max().unwrap_or_default();
        let scaled = self.multiples.iter().map(|one| one.count * 10_u64.pow(digits - one.digits));
        let common = |common: u64, next: u64| match common.checked_mul(next).filter(|all| *all <= u64::from(u32::MAX)) {
            Some(product) if product > 0 => Some(product / divisor(common, next)),
            other => other,
        };
        match self.merges && scaled.clone().try_fold(1, common).is_none() {
            true => Err("the numbers of `multipleOf` have no common multiple that is small enough".to_owned()),
            false => Ok(()),
        }
    }

    /// Refuses a value whose digits would not be those of the answer, or with texts that are very long.
    fn literal(&mut self, value: &Value, path: &str) -> Result<(), String> {
        match value {
            Value::Number(number) => {
                let rounded = number.as_f64().unwrap_or(f64::INFINITY);
                let is_kept = whole(number).is_none_or(|exact| rounded as i128 == exact);
                if is_kept && rounded.abs() <= WIDEST {
                    return Ok(());
                }
                Err(format!("`{path}` has {number}, of whose digits an answer would lose some: write it as a string"))
            }
            Value::String(text) => {
                let is_short = |c: char| matches!(c, '\n' | '\r' | '\t' | '\u{8}' | '\u{c}');
                self.has_controls |= text.chars().any(|c| c.is_ascii_control() && !is_short(c));
                check_length(text, path)
            }
            Value::Array(list) => list.iter().try_for_each(|value| self.literal(value, path)),
            Value::Object(map) => {
                self.count(map.len(), path)?;
                map.iter().try_for_each(|(name, value)| {
                    check_length(name, path)?;
                    self.literal(value, path)
                })
            }
            Value::Null | Value::Bool(_) => Ok(()),
        }
    }
}

/// The path of a field.
fn below(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// Refuses an object that must have several free names: an answer may repeat one, and then it has fewer.
fn check_count(fields: &Map<String, Value>, path: &str) -> Result<(), String> {
    let Some(least) = fields.get("minProperties").and_then(Value::as_u64) else { return Ok(()) };
    let required = fields.get("required").and_then(Value::as_array).map_or(0, Vec::len) as u64;
    let is_closed = fields.get("additionalProperties") == Some(&Value::Bool(false));
    if is_closed && !fields.contains_key("patternProperties") || least <= required + 1 {
        return Ok(());
    }
    let path = below(path, "minProperties");
    Err(format!(
        "`{path}` is {least}, and {required} of the names are `required`: an answer might repeat one of the others, so at \
         most one more than those can be counted"
    ))
}

/// The bounds of a number that f64 does not hold, or that 64 bits do not, each moved to the next number that may be.
fn bounds(fields: &Map<String, Value>, path: &str) -> Result<Vec<(&'static str, Value)>, String> {
    let mut moved = Vec::new();
    for (key, strict, is_most) in [
        ("minimum", "exclusiveMinimum", false),
        ("exclusiveMinimum", "", false),
        ("maximum", "exclusiveMaximum", true),
        ("exclusiveMaximum", "", true),
    ] {
        let Some(Value::Number(number)) = fields.get(key) else { continue };
        // The fourth draft says with `true` that the bound itself is excluded.
        let is_strict = strict.is_empty() || fields.get(strict) == Some(&Value::Bool(true));
        let side = if is_most { 1.0 } else { -1.0 };
        let inward = nearest_below(number, is_most, is_strict);
        if inward.is_some_and(|bound| bound < -WIDEST) {
            return Err(format!(
                "`{}` is {number}, of which no number of 64 bits is on the right side",
                below(path, key)
            ));
        }
        moved.extend(inward.map(|bound| (key, Value::from(side * bound.min(WIDEST)))));
    }
    Ok(moved)
}

/// The largest of f64 that is no more than a maximum, or less than one that is excluded, where that is another number; a
/// minimum is a maximum with its sign changed.
fn nearest_below(number: &Number, is_most: bool, is_strict: bool) -> Option<f64> {
    let side = if is_most { 1.0 } else { -1.0 };
    let (rounded, exact) = (side * number.as_f64()?, whole(number));
    if exact.map_or(rounded.abs() <= EXACT, |exact| exact.unsigned_abs() <= EXACT as u128) {
        return None;
    }
    let is_above = exact.is_some_and(|exact| rounded as i128 > side as i128 * exact);
    let below = if is_above { rounded.next_down() } else { rounded };
    Some(if is_strict { below.next_down() } else { below })
}

/// A number that is written without fraction or exponent.
fn whole(number: &Number) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
}

fn check_length(text: &str, path: &str) -> Result<(), String> {
    if text.len() <= LONGEST {
        return Ok(());
    }
    // The path may be that text.
    let path: String = path.chars().take(80).collect();
    Err(format!("`{path}` has a text of {} bytes, and at most {LONGEST} are written word for word", text.len()))
}

/// Refuses a pattern that spells out very many characters.
fn check_pattern(pattern: &str, path: &str) -> Result<(), String> {
    // Another parser says what is wrong with it.
    let Ok(parsed) = regex_syntax::parse(pattern) else { return Ok(()) };
    let characters = characters(&parsed);
    if characters <= CHARACTERS {
        return Ok(());
    }
    let path: String = path.chars().take(80).collect();
    Err(format!(
        "`{path}`: with its repetitions the pattern has {characters} characters, at most {CHARACTERS} are taken"
    ))
}

/// Characters that a pattern spells out.
fn characters(pattern: &Hir) -> u64 {
    let sum = |parts: &[Hir]| parts.iter().map(characters).fold(0, u64::saturating_add);
    match pattern.kind() {
        HirKind::Empty | HirKind::Look(_) => 0,
        HirKind::Literal(text) => text.0.len() as u64,
        HirKind::Class(_) => 1,
        HirKind::Repetition(repeated) => {
            let times = repeated.max.unwrap_or(repeated.min).max(1);
            characters(&repeated.sub).saturating_mul(u64::from(times))
        }
        HirKind::Capture(group) => characters(&group.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => sum(parts),
    }
}

/// A number of which multiples are taken, as a whole number of tenths, hundredths and so on, without zeros at the end of
/// what is behind the point.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Multiple {
    count: u64,
    /// How many digits stand behind the point.
    digits: u32,
}

impl Multiple {
    /// As it is written, without its sign: in f64 itself, 0.07 is no whole number of hundredths.
    fn of(number: &Number, path: &str) -> Result<Self, String> {
        let written = number.as_f64().unwrap_or(f64::INFINITY).abs().to_string();
        let (whole, behind) = written.split_once('.').unwrap_or((&written, ""));
        let digits = behind.len() as u32;
        match format!("{whole}{behind}").parse() {
            Ok(count) if digits <= DIGITS && count <= REMAINDERS => Ok(Self { count, digits }),
            _ => Err(format!(
                "`{path}` is {number}, and what can be kept to has up to {DIGITS} digits behind the point and makes at most \
                 {REMAINDERS} without it"
            )),
        }
    }

    /// The number from which llguidance reads this one, if there is one. It multiplies by ten until nothing is left behind
    /// the point, which rounding may keep from happening: then it happens with a neighbour.
    fn held(self) -> Option<Number> {
        let nearest = self.count as f64 / 10_f64.powi(self.digits as i32);
        let above = std::iter::successors(Some(nearest), |number| Some(number.next_up()));
        let below = std::iter::successors(Some(nearest), |number| Some(number.next_down()));
        let mut neighbours = above.zip(below).take(NEIGHBOURS).flat_map(|(above, below)| [above, below]);
        neighbours.find(|number| Self::as_read(*number) == Some(self)).and_then(Number::from_f64)
    }

    /// What llguidance reads from a number; none where it finds too many digits.
    fn as_read(mut number: f64) -> Option<Self> {
        let mut digits = 0;
        while number.fract() != 0.0 {
            (number, digits) = (number * 10.0, digits + 1);
        }
        let mut count = (number <= f64::from(u32::MAX)).then_some(number as u64)?;
        while digits > 0 && count.is_multiple_of(10) {
            (count, digits) = (count / 10, digits - 1);
        }
        Some(Self { count, digits })
    }

    /// Why its multiples cannot be kept to although it is small enough, and which can be.
    fn refusal(self, number: &Number, path: &str) -> String {
        let near = [self.count - 1, self.count + 1].map(|count| Self { count, ..self });
        let finer = Self { count: 1, ..self };
        let can = near.into_iter().chain([finer]).filter(|one| one.count > 0 && one.held().is_some());
        let can: Vec<String> = can.map(|one| (one.count as f64 / 10_f64.powi(one.digits as i32)).to_string()).collect();
        format!("`{path}` is {number}, which rounding keeps from being held; {} can be", can.join(" and "))
    }
}

/// The greatest common divisor.
fn divisor(mut a: u64, mut b: u64) -> u64 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}
