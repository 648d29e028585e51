//! Hashes the code of every crate of the workspace, so that results are made again when the code that makes them
//! changes. Reads manifests (features of libraries stand in the workspace's), sources and Cargo.lock; the same files give the same hashes on any machine and at any
//! path. Knows no stage.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// What carries settings, progress and failures to a stage: all of it that reaches a result stands in the fingerprint
/// by itself, so their code does not count.
const CARRIERS: [&str; 3] = ["lam-signal", "lam-config", "lam-pipeline"];

fn main() {
    let root = Path::new(&std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("../..");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={}", root.join("Cargo.lock").display());
    println!("cargo::rerun-if-changed={}", root.join("Cargo.toml").display());
    let libraries = Libraries::read(&root.join("Cargo.lock"), &root.join("Cargo.toml"));
    let folders = fs::read_dir(root.join("crates")).expect("the workspace has crates").flatten();
    let names: BTreeSet<String> = folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    let mut table = String::from("[\n");
    for name in names.iter().filter(|name| !CARRIERS.contains(&name.as_str()) && *name != "lam-cli") {
        let folder = root.join("crates").join(name);
        let Ok(manifest) = fs::read_to_string(folder.join("Cargo.toml")) else { continue };
        let uses = dependencies(&manifest);
        let (ours, theirs): (Vec<&str>, Vec<&str>) = uses.iter().copied().partition(|used| names.contains(*used));
        let hash = hash_of(&folder, &theirs, &libraries);
        writeln!(table, "CrateCode {{ name: {name:?}, hash: {hash:?}, uses: &{ours:?} }},")
            .expect("text can be written");
    }
    table.push_str("]\n");
    let out = PathBuf::from(std::env::var("OUT_DIR").expect("cargo sets it")).join("code.rs");
    fs::write(out, table).expect("cargo's directory can be written");
}

/// The crates and libraries that results may depend on: what a manifest lists, but for tests.
fn dependencies(manifest: &str) -> Vec<&str> {
    let mut counts = false;
    let mut found = Vec::new();
    for line in manifest.lines() {
        if let Some(section) = line.strip_prefix('[') {
            counts = section.ends_with("dependencies]") && !section.contains("dev-dependencies");
        } else if let Some(name) = line.split(['.', ' ', '=']).next().filter(|name| counts && !name.is_empty()) {
            found.push(name);
        }
    }
    found
}

/// Hash of a crate's manifest and sources, and of the libraries that it uses.
fn hash_of(folder: &Path, libraries: &[&str], known: &Libraries) -> String {
    let mut files = vec![folder.join("Cargo.toml")];
    collect(&folder.join("src"), &mut files);
    let named = |path: PathBuf| {
        let below = path.strip_prefix(folder).expect("it was found there");
        (below.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/"), path)
    };
    let files: BTreeMap<String, PathBuf> = files.into_iter().map(named).collect();
    let mut hash = Hash::new();
    for (name, path) in files {
        println!("cargo::rerun-if-changed={}", path.display());
        let text = fs::read(&path).expect("sources can be read");
        hash.add(name.as_bytes());
        hash.add(&text);
        for included in included(&String::from_utf8_lossy(&text)) {
            // Outside `src`, such as the shipped configurations; what is made by a build script is no file here.
            let Ok(bytes) = fs::read(path.with_file_name(included)) else { continue };
            println!("cargo::rerun-if-changed={}", path.with_file_name(included).display());
            hash.add(&bytes);
        }
    }
    libraries.iter().filter_map(|library| known.asked.get(*library)).for_each(|line| hash.add(line.as_bytes()));
    known.closure(libraries).into_iter().for_each(|library| hash.add(library.as_bytes()));
    format!("{:032x}", hash.0)
}

/// The files that a source includes as text or bytes, relative to it.
fn included(source: &str) -> impl Iterator<Item = &str> {
    let after = ["include_str!(\"", "include_bytes!(\""].into_iter().flat_map(|start| source.split(start).skip(1));
    after.filter_map(|rest| Some(rest.split_once('"')?.0))
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    println!("cargo::rerun-if-changed={}", folder.display());
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}

/// The libraries that the workspace uses.
struct Libraries {
    /// Of Cargo.lock: name → every version of it, with the names it depends on.
    locked: BTreeMap<String, Vec<(String, Vec<String>)>>,
    /// Of the workspace's manifest: name → its line there, which has the features.
    asked: BTreeMap<String, String>,
}

impl Libraries {
    fn read(lock: &Path, manifest: &Path) -> Self {
        let text = fs::read_to_string(lock).expect("the workspace has a Cargo.lock");
        let mut found: BTreeMap<String, Vec<(String, Vec<String>)>> = BTreeMap::new();
        for package in text.split("[[package]]").skip(1) {
            let field = |name: &str| {
                let line = package.lines().find_map(|line| line.strip_prefix(&format!("{name} = ")));
                line.unwrap_or_default().trim_matches('"')
            };
            let uses = package.lines().filter_map(|line| line.strip_prefix(" \"")?.split(['"', ' ']).next());
            let entry = format!("{} {} {}", field("name"), field("version"), field("checksum"));
            found.entry(field("name").to_owned()).or_default().push((entry, uses.map(str::to_owned).collect()));
        }
        let manifest = fs::read_to_string(manifest).expect("the workspace has a manifest");
        let asked = manifest.lines().filter_map(|line| Some((line.split_once(" = ")?.0.to_owned(), line.to_owned())));
        Self { locked: found, asked: asked.collect() }
    }

    /// Names, versions and checksums of these libraries and of all that they use.
    fn closure(&self, names: &[&str]) -> BTreeSet<&str> {
        let mut open: Vec<&str> = names.to_vec();
        let mut seen = BTreeSet::new();
        let mut found = BTreeSet::new();
        while let Some(name) = open.pop() {
            if seen.insert(name) {
                for (entry, uses) in self.locked.get(name).into_iter().flatten() {
                    found.insert(entry.as_str());
                    open.extend(uses.iter().map(String::as_str));
                }
            }
        }
        found
    }
}

/// Fowler–Noll–Vo 1a in 128 bits (RFC 9923): no cryptography is needed to see that a file changed.
struct Hash(u128);

impl Hash {
    fn new() -> Self {
        Self(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d)
    }

    /// The bytes and their number, so that no two lists of parts look alike.
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes.iter().copied().chain((bytes.len() as u64).to_le_bytes()) {
            self.0 = (self.0 ^ u128::from(byte)).wrapping_mul(0x0100_0000_0000_0000_0000_013b);
        }
    }
}
