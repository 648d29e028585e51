//! Which modules a name, a list of names or a regular expression means, by PEFT's rules.

use fancy_regex::Regex;
use serde::Deserialize;

/// A list of names that modules end with, or a regular expression; `all-linear` is every linear layer of a block.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum ModuleNames {
    /// One expression for the whole name.
    Expression(String),
    /// Whole names, or what names end with after a dot.
    List(Vec<String>),
    /// The expression, ready to be used.
    #[serde(skip)]
    Compiled(Pattern),
}

impl ModuleNames {
    /// Makes an expression ready to be used.
    pub(super) fn compiled(self, key: &'static str) -> Result<Self, String> {
        match self {
            Self::Expression(word) if word.eq_ignore_ascii_case("all-linear") => {
                Ok(Self::List(crate::layout::MODULES.map(str::to_owned).to_vec()))
            }
            Self::Expression(text) => Ok(Self::Compiled(Pattern::new(key, &text, format!("^(?:{text})$"))?)),
            other => Ok(other),
        }
    }

    /// Whether they mean a module.
    pub(super) fn name(&self, module: &str) -> Result<bool, String> {
        let ends =
            |name: &String| module == name || module.strip_suffix(name.as_str()).is_some_and(|m| m.ends_with('.'));
        match self {
            Self::List(names) => Ok(names.iter().any(ends)),
            Self::Compiled(pattern) => pattern.matches(module),
            Self::Expression(_) => Ok(false),
        }
    }

    /// Whether they mean a module whatever its layer: an expression, or its whole name.
    pub(super) fn names_exactly(&self, module: &str) -> bool {
        match self {
            Self::List(names) => names.iter().any(|name| name == module),
            _ => true,
        }
    }
}

/// A regular expression of a config's key.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    key: &'static str,
    text: String,
    regex: Regex,
}

impl Pattern {
    /// Of what names end with after a dot, or the whole name: `rank_pattern`.
    pub(super) fn end(key: &'static str, text: &str) -> Result<Self, String> {
        Self::new(key, text, format!(r"^(?:.*\.)?(?:{text})$"))
    }

    /// Of a part between dots and all below it: `modules_to_save`.
    pub(super) fn part(key: &'static str, text: &str) -> Result<Self, String> {
        Self::new(key, text, format!(r"^(?:|.*\.){text}(?:$|\..*)"))
    }

    /// Of the list that layers stand in, before their number: `layers_pattern`.
    pub(super) fn layers(key: &'static str, text: &str) -> Result<Self, String> {
        Self::new(key, text, format!(r"^(?:|.*?\.){text}\.(?<layer>\d+)\."))
    }

    fn new(key: &'static str, text: &str, expression: String) -> Result<Self, String> {
        match Regex::new(&expression) {
            Ok(regex) => Ok(Self { key, text: text.to_owned(), regex }),
            Err(error) => Err(format!("`{key}`: `{text}` is no regular expression that is known here: {error}")),
        }
    }

    /// Whether it means a module.
    pub(super) fn matches(&self, module: &str) -> Result<bool, String> {
        self.regex.is_match(module).map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &fancy_regex::Error) -> String {
        format!("`{}`: `{}` cannot be matched: {error}", self.key, self.text)
    }
}

/// The number of the layer that a module is part of, found by the first pattern that matches, or in the usual place.
pub(super) fn layer_of(module: &str, patterns: &[Pattern]) -> Result<Option<usize>, String> {
    for pattern in patterns {
        if let Some(found) = pattern.regex.captures(module).map_err(|error| pattern.failed(&error))? {
            return Ok(found.name("layer").and_then(|number| number.as_str().parse().ok()));
        }
    }
    let mut parts = module.split('.').skip(2);
    let number = parts.find_map(|part| part.parse().ok());
    Ok(number.filter(|_| patterns.is_empty()))
}
