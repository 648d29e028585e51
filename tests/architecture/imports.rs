//! Which file of a crate reads which: the `crate::…` and `super::…` paths of its source, followed through re-exports.
//! Knows no rules about them. Tests inside a file (from `mod tests {` on) do not count.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A module by its path below the crate's root, such as `["batch", "sharing"]`; the root itself is empty.
pub type Module = Vec<String>;

/// The files of a crate and, for each, the other files of the same crate that it reads.
pub type Imports = BTreeMap<Module, BTreeSet<Module>>;

/// Every re-export of a crate: (module, name) → where it comes from.
type Reexports = BTreeMap<(Module, String), Module>;

/// Reads all files below `src`.
pub fn of_crate(src: &Path) -> Imports {
    let mut files = BTreeMap::new();
    collect(src, &mut Vec::new(), &mut files);
    of_files(&files)
}

/// As [`of_crate`], from texts.
pub fn of_files(files: &BTreeMap<Module, String>) -> Imports {
    let codes: BTreeMap<&Module, String> = files.iter().map(|(module, text)| (module, code_of(text))).collect();
    let mut reexports = Reexports::new();
    for (&module, code) in &codes {
        for path in paths(code, "pub use ").into_iter().chain(paths(code, "pub(crate) use ")) {
            if let (Some(name), Some(target)) = (path.last().cloned(), absolute(module, &path, files)) {
                reexports.insert((module.clone(), name), target);
            }
        }
    }
    let read = |module: &Module, code: &str| {
        let all = ["crate::", "super::"].into_iter().flat_map(|start| paths(code, start));
        let owners = all.filter_map(|path| Some(owner(absolute(module, &path, files)?, files, &reexports, 0)));
        owners.filter(|owner| owner != module).collect()
    };
    codes.into_iter().map(|(module, code)| (module.clone(), read(module, &code))).collect()
}

/// Groups of files that read one another in a circle. A folder's `mod.rs` and the files below it count as one house:
/// that a file reads its own parents is no part of a circle.
pub fn circles(imports: &Imports) -> Vec<Vec<Module>> {
    let next = |module: &Module| -> Vec<Module> {
        imports[module].iter().filter(|other| !module.starts_with(other)).cloned().collect()
    };
    let reached: BTreeMap<&Module, BTreeSet<Module>> = imports
        .keys()
        .map(|start| {
            let (mut seen, mut open) = (BTreeSet::new(), next(start));
            while let Some(module) = open.pop() {
                if imports.contains_key(&module) && seen.insert(module.clone()) {
                    open.extend(next(&module));
                }
            }
            (start, seen)
        })
        .collect();
    let mut found: BTreeSet<Vec<Module>> = BTreeSet::new();
    for (module, seen) in reached.iter().filter(|(module, seen)| seen.contains(**module)) {
        let back = |other: &&Module| reached[*other].contains(*module);
        found.insert(seen.iter().filter(back).cloned().collect());
    }
    found.into_iter().collect()
}

fn collect(folder: &Path, module: &mut Module, files: &mut BTreeMap<Module, String>) {
    for entry in std::fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("readable entry").path();
        let stem = path.file_stem().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() {
            module.push(stem);
            collect(&path, module, files);
            module.pop();
        } else if path.extension().is_some_and(|extension| extension == "rs") && stem != "tests" {
            let mut own = module.clone();
            if !["lib", "main", "mod"].contains(&stem.as_str()) {
                own.push(stem);
            }
            files.insert(own, std::fs::read_to_string(&path).expect("a readable source"));
        }
    }
}

/// The text without comments and without its tests.
pub fn code_of(text: &str) -> String {
    let end = text.find("\nmod tests {").unwrap_or(text.len());
    text[..end].lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// All paths that begin with `start` at the start of a word; a list in braces gives one path for each of its items.
fn paths(code: &str, start: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices(start) {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        let from = if start.ends_with("use ") { at + start.len() } else { at };
        tree(&code[from..], &[], &mut found);
    }
    found
}

/// Reads a path or a tree of paths; returns what stands behind it.
fn tree<'a>(code: &'a str, before: &[String], found: &mut Vec<Vec<String>>) -> &'a str {
    let mut path = before.to_vec();
    let mut rest = code.trim_start();
    loop {
        if let Some(list) = rest.strip_prefix('{') {
            rest = list;
            while !rest.trim_start().starts_with('}') && !rest.trim_start().is_empty() {
                let behind = tree(rest, &path, found).trim_start();
                rest = behind.strip_prefix(',').unwrap_or(if behind.starts_with('}') { behind } else { "" });
            }
            return rest.trim_start().strip_prefix('}').unwrap_or("");
        }
        let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        if length == 0 {
            // A glob, a type's arguments: what was read so far is what is named.
            found.push(path);
            return rest.strip_prefix('*').unwrap_or(rest);
        }
        path.push(rest[..length].to_owned());
        rest = &rest[length..];
        match rest.strip_prefix("::") {
            Some(behind) => rest = behind,
            None => {
                let alias = rest.trim_start().strip_prefix("as ");
                if let Some(alias) = alias {
                    rest = alias.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_');
                }
                if path.last().is_some_and(|last| last == "self") {
                    path.pop();
                }
                found.push(path);
                return rest;
            }
        }
    }
}

/// The path from the crate's root; none where it begins with something that is not a module of this crate.
fn absolute(module: &Module, path: &[String], files: &BTreeMap<Module, String>) -> Option<Module> {
    let first = path.first()?.as_str();
    let (mut base, mut rest) = match first {
        "crate" => (Module::new(), &path[1..]),
        "self" => (module.clone(), &path[1..]),
        "super" => (module.clone(), path),
        _ => (module.clone(), path),
    };
    while let Some(behind) = rest.strip_prefix(&["super".to_owned()]) {
        base.pop();
        rest = behind;
    }
    let known =
        ["crate", "self", "super"].contains(&first) || files.contains_key(&[module.as_slice(), &path[..1]].concat());
    known.then(|| [base.as_slice(), rest].concat())
}

/// The file in which the thing at an absolute path is written.
fn owner(path: Module, files: &BTreeMap<Module, String>, reexports: &Reexports, depth: usize) -> Module {
    let held = (0..=path.len()).rev().find(|&length| files.contains_key(&path[..length])).unwrap_or(0);
    let module = path[..held].to_vec();
    let target = path.get(held).and_then(|name| reexports.get(&(module.clone(), name.clone())));
    match target {
        Some(target) if depth < 8 && *target != path => {
            let whole = [target.as_slice(), &path[held + 1..]].concat();
            owner(whole, files, reexports, depth + 1)
        }
        _ => module,
    }
}
