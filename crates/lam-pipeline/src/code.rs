//! The code that makes results, as a hash for each crate: what a stage's result depends on besides its settings, seed and inputs.

use std::collections::{BTreeMap, BTreeSet};

/// Hashes of crates' sources, and which crate uses which.
#[derive(Clone, Debug, Default)]
pub struct Code {
    crates: BTreeMap<String, CrateCode>,
}

#[derive(Clone, Debug)]
struct CrateCode {
    hash: String,
    uses: Vec<String>,
}

impl Code {
    /// Of crates by name, with the hash of what each is made of and the names of those it uses.
    pub fn new<'a>(crates: impl IntoIterator<Item = (&'a str, &'a str, &'a [&'a str])>) -> Self {
        let code = |(name, hash, uses): (&str, &str, &[&str])| {
            (
                name.to_owned(),
                CrateCode { hash: hash.to_owned(), uses: uses.iter().map(|&name| name.to_owned()).collect() },
            )
        };
        Self { crates: crates.into_iter().map(code).collect() }
    }

    /// The hashes of these crates and of all that they use, by name; a crate that is not known has none.
    pub(crate) fn of<'a>(&'a self, roots: impl IntoIterator<Item = &'a str>) -> BTreeMap<String, String> {
        let mut open: Vec<&str> = roots.into_iter().collect();
        let mut seen = BTreeSet::new();
        let mut found = BTreeMap::new();
        while let Some(name) = open.pop() {
            let Some(code) = self.crates.get(name).filter(|_| seen.insert(name)) else { continue };
            found.insert(name.to_owned(), code.hash.clone());
            open.extend(code.uses.iter().map(String::as_str));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_counts_with_all_that_it_uses() {
        let code = Code::new([("a", "1", &["b"][..]), ("b", "2", &["c", "a"]), ("c", "3", &[]), ("d", "4", &["a"])]);
        let names = |roots: &[&'static str]| code.of(roots.iter().copied()).into_keys().collect::<Vec<_>>();
        assert_eq!(names(&["a"]), ["a", "b", "c"]);
        assert_eq!(names(&["c", "unknown"]), ["c"]);
        assert_eq!(code.of(["c"])["c"], "3");
    }
}
