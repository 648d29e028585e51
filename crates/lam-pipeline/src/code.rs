//! The code that makes results, as a hash for each crate: what a stage's result depends on besides its settings, seed and inputs.

use std::collections::{BTreeMap, BTreeSet};

/// What a crate is made of.
#[derive(Clone, Copy, Debug)]
pub struct CrateCode {
    /// Its name.
    pub name: &'static str,
    /// Hash of its sources and of the libraries that it uses.
    pub hash: &'static str,
    /// Names of the crates that it uses.
    pub uses: &'static [&'static str],
}

/// Hashes of crates' sources, and which crate uses which.
#[derive(Clone, Debug, Default)]
pub struct Code(BTreeMap<&'static str, CrateCode>);

impl Code {
    /// Of these crates.
    pub fn new(crates: &[CrateCode]) -> Self {
        Self(crates.iter().map(|code| (code.name, *code)).collect())
    }

    /// The hashes of these crates and of all that they use, by name; a crate that is not known has none.
    pub(crate) fn of<'a>(&'a self, roots: impl IntoIterator<Item = &'a str>) -> BTreeMap<String, String> {
        let mut open: Vec<&str> = roots.into_iter().collect();
        let mut seen = BTreeSet::new();
        let mut found = BTreeMap::new();
        while let Some(name) = open.pop() {
            let Some(code) = self.0.get(name).filter(|_| seen.insert(name)) else { continue };
            found.insert(name.to_owned(), code.hash.to_owned());
            open.extend(code.uses);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_counts_with_all_that_it_uses() {
        let of = |name, hash, uses| CrateCode { name, hash, uses };
        let code =
            Code::new(&[of("a", "1", &["b"]), of("b", "2", &["c", "a"]), of("c", "3", &[]), of("d", "4", &["a"])]);
        let names = |roots: &[&'static str]| code.of(roots.iter().copied()).into_keys().collect::<Vec<_>>();
        assert_eq!(names(&["a"]), ["a", "b", "c"]);
        assert_eq!(names(&["c", "unknown"]), ["c"]);
        assert_eq!(code.of(["c"])["c"], "3");
    }
}
