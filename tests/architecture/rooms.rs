//! Rooms inside a crate: folders and files in an order, each of which may read only what stands before it. And no
//! circles between files.

use std::collections::BTreeMap;
use std::path::Path;

use super::imports::{Imports, Module, circles, of_crate, of_files};

/// Crate → its rooms, lowest first: folders, or files, below `src/`. A file belongs to the innermost room that holds
/// it; it may read its own room and those before it. Another crate is one more entry.
const ROOMS: &[(&str, &[&str])] = &[
    (
        "lam-collect",
        &[
            "error",
            "english",
            "aside",
            "pair",
            "duplicate",
            "import/numbering",
            "import/block",
            "import/procedure",
            "import/content",
            "import/limits",
            "import/decode",
            "import/unpack",
            "import/apart",
            "import/brackets",
            "import/json",
            "import/html",
            "import/markdown",
            "import/gnome_help",
            "import/libreoffice_help",
            "import/wikihow",
            "import/config",
            "import/files",
            "import/queries",
            "import/trajectory",
            "import",
            "plans",
            "trajectories",
            "stage",
        ],
    ),
    (
        "lam-prompt",
        &[
            "error",
            "tokenizer",
            "answer",
            "callable",
            "chat",
            "compact",
            "template",
            "constraint",
            "preview",
            "ufo",
            "renderer",
            "gguf",
        ],
    ),
    (
        "lam-model",
        &[
            "allocator",
            "threads",
            "token_set",
            "error",
            "keys",
            "hub_model",
            "architecture",
            "config",
            "rotary",
            "window",
            "layout",
            "lora",
            "precision",
            "finite_difference",
            "batch",
            "backend/heads",
            "backend/cpu/kernel",
            "processor",
            "backend/cpu/storage",
            "backend/cpu/ops",
            "backend/run",
            "backend/cpu/storage/linear",
            "backend/cpu/group",
            "backend/cuda/sources",
            "backend/cuda/quantised",
            "backend/cuda/ops",
            "backend/cuda/rows",
            "backend/cuda/group",
            "backend/cuda/panels",
            "backend",
            "files",
            "init",
            "device",
            "decoder",
            "source",
            "generation",
            "head",
            "matrix_product",
        ],
    ),
];

/// (crate, room, a lower room that it must not read, why).
type Absent = (&'static str, &'static str, &'static str, &'static str);

/// What a room must not read although it is lower.
const ABSENT: &[Absent] = &[
    ("lam-model", "decoder", "backend/cpu/kernel", "layers are written over operations, which every device has"),
    ("lam-model", "files", "backend/cpu/kernel", "files know storage, which every device has"),
    ("lam-model", "init", "backend/cpu/kernel", "fresh weights know storage, which every device has"),
];

/// Circles that are known: the crate, all files of the circle, and why. A type in a neighbour's file is a reason to let
/// one stay; of the others, the reason says what has to move for it to open.
const CIRCLES: &[(&str, &[&str], &str)] = &[
    (
        "lam-env-desktop",
        &["access/control", "access/text"],
        "one asks the other for a text, and whether it is a document",
    ),
    ("lam-env-desktop", &["document/docx/formats", "document/docx/parts"], "the type of a document's parts"),
];

fn named(module: &Module) -> String {
    module.join("/")
}

/// The place of a file's room in the order.
fn room(rooms: &[&str], module: &Module) -> Option<usize> {
    let holds = |room: &str| (1..=module.len()).rev().find(|&length| named(&module[..length].to_vec()) == room);
    let held = rooms.iter().enumerate().filter_map(|(place, room)| Some((holds(room)?, place)));
    held.max().map(|(_, place)| place)
}

/// Every sentence that a crate's imports break. The crate's root only lists and re-exports, and may read everything.
fn broken(name: &str, rooms: &[&str], imports: &Imports, absent: &[Absent]) -> Vec<String> {
    let mut sentences = Vec::new();
    for (module, reads) in imports.iter().filter(|(module, _)| !module.is_empty()) {
        let Some(own) = room(rooms, module) else {
            sentences.push(format!("{name}: {} stands in no room: add it to ROOMS", named(module)));
            continue;
        };
        for read in reads {
            let Some(other) = room(rooms, read) else { continue };
            let absent = absent.iter().find(|rule| (rule.0, rule.1, rule.2) == (name, rooms[own], rooms[other]));
            let higher = (other > own).then_some("it stands in a higher room");
            if let Some(why) = higher.or(absent.map(|rule| rule.3)) {
                sentences.push(format!("{name}: {} must not read {}: {why}", named(module), named(read)));
            }
        }
    }
    sentences
}

/// Every circle of a crate that is not among those that may stay.
fn unexplained(name: &str, imports: &Imports, allowed: &[(&str, &[&str], &str)]) -> Vec<String> {
    let mut sentences = Vec::new();
    for circle in circles(imports) {
        let files: Vec<String> = circle.iter().map(named).collect();
        let explained = |(owner, allowed, _): &&(&str, &[&str], &str)| {
            *owner == name && files.iter().all(|file| allowed.contains(&file.as_str()))
        };
        if !allowed.iter().any(|entry| explained(&entry)) {
            sentences.push(format!("{name}: {} read one another in a circle", files.join(", ")));
        }
    }
    sentences
}

fn crates() -> BTreeMap<String, Imports> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates");
    let entries = std::fs::read_dir(folder).expect("crates/ exists").map(|entry| entry.expect("readable entry").path());
    let sources = entries.filter(|path| path.join("src").is_dir());
    sources
        .map(|path| (path.file_name().expect("a name").to_string_lossy().into(), of_crate(&path.join("src"))))
        .collect()
}

#[test]
fn every_file_reads_only_its_own_room_and_lower_ones() {
    let crates = crates();
    let sentences: Vec<_> =
        ROOMS.iter().flat_map(|(name, rooms)| broken(name, rooms, &crates[*name], ABSENT)).collect();
    assert!(sentences.is_empty(), "\n{}", sentences.join("\n"));
}

#[test]
fn no_files_read_one_another_in_a_circle() {
    let sentences: Vec<_> = crates().iter().flat_map(|(name, imports)| unexplained(name, imports, CIRCLES)).collect();
    assert!(sentences.is_empty(), "\n{}", sentences.join("\n"));
}

fn imports(files: &[(&[&str], &str)]) -> Imports {
    let owned =
        |(module, text): &(&[&str], &str)| (module.iter().map(|part| part.to_string()).collect(), text.to_string());
    of_files(&files.iter().map(owned).collect())
}

#[test]
fn paths_are_followed_through_lists_and_re_exports() {
    let imports = imports(&[
        (&[], "mod low; mod high; mod other; pub use low::{Thing, deep::{Deep as Renamed}}; pub use other::help;"),
        (&["low"], "mod deep; pub(crate) use deep::Deep; pub struct Thing;"),
        (&["low", "deep"], "use super::Thing; // crate::other::help\npub struct Deep;"),
        (&["high"], "use crate::{Thing, low::Deep};\nfn f() { $crate::other::help() }"),
        (&["other"], "pub fn help() {}\n#[cfg(test)]\nmod tests {\n use crate::high::x; }"),
    ]);
    let of = |name: &[&str]| -> Vec<String> {
        imports[&name.iter().map(|part| part.to_string()).collect::<Vec<_>>()].iter().map(named).collect()
    };
    assert_eq!(of(&["high"]), ["low", "low/deep", "other"]);
    assert_eq!(of(&["low", "deep"]), ["low"]);
    assert!(of(&["other"]).is_empty());
}

#[test]
fn a_higher_room_and_a_file_without_one_are_named() {
    let imports = imports(&[(&["low"], "use crate::high::x;"), (&["high"], "use crate::low::y;"), (&["stray"], "")]);
    assert_eq!(
        broken("a", &["low", "high"], &imports, &[("a", "high", "low", "so it is")]),
        [
            "a: high must not read low: so it is",
            "a: low must not read high: it stands in a higher room",
            "a: stray stands in no room: add it to ROOMS",
        ]
    );
}

#[test]
fn a_circle_is_named_unless_it_is_explained() {
    let imports = imports(&[
        (&["a"], "use crate::b::x;"),
        (&["b"], "use super::c::y;"),
        (&["c"], "use crate::a::z;"),
        (&["d"], "use crate::a::z;"),
        (&["a", "part"], "use super::z;"),
    ]);
    let explained: &[(&str, &[&str], &str)] = &[("it", &["a", "b", "c"], "a type")];
    assert_eq!(unexplained("it", &imports, &[]), ["it: a, b, c read one another in a circle"]);
    assert!(unexplained("it", &imports, explained).is_empty());
    assert_eq!(unexplained("another", &imports, explained).len(), 1);
}
