//! Every module through NVRTC, and the list of what ran on a card.

use std::path::Path;

use lam_cuda::{Architecture, Compiler};
use sha2::{Digest, Sha256};

use super::*;

const PROVEN: &str = include_str!("../kernels/PROVEN.md");

/// Every module that some card runs, with the capabilities that it is tried for.
fn modules() -> Vec<(Family, &'static [(u32, u32)])> {
    const ALL: &[(u32, u32)] = &[(8, 0), (9, 0), (10, 0)];
    let plain = [
        Family::Norm,
        Family::Rope,
        Family::Swiglu,
        Family::Embedding,
        Family::CrossEntropy,
        Family::Rows,
        Family::Score,
        Family::Dequantise,
        Family::Optimizer,
        Family::Totals,
        Family::Decode,
        Family::Single,
        Family::Gather,
        Family::AttentionDelta,
    ];
    let mut modules = plain.map(|family| (family, ALL)).to_vec();
    let roads = [
        (Road::Mma, &[32, 64, 80, 96, 128][..], ALL),
        (Road::Wgmma, &[64, 128], &ALL[1..2]),
        (Road::Roles, &[64, 128], &ALL[1..2]),
    ];
    for (road, dims, capabilities) in roads {
        for (&dim, shared) in dims.iter().flat_map(|dim| [(dim, false), (dim, true)]) {
            modules.push((Family::Attention(Tiles { road, dim, shared, narrow: false }), capabilities));
        }
    }
    let narrow = Tiles { road: Road::Mma, dim: 128, shared: true, narrow: true };
    modules.push((Family::Attention(narrow), &ALL[..1]));
    modules.extend([BlockForm::Q8_0, BlockForm::Q4_0, BlockForm::Q4K].map(|form| (Family::SingleBlocks(form), ALL)));
    modules.extend([BlockForm::Q8_0, BlockForm::Q4_0, BlockForm::Q4K].map(|form| (Family::FewBlocks(form), ALL)));
    for (dim, at_once) in [(32, 1), (64, 2), (64, 4), (80, 4), (128, 1), (128, 2), (128, 4), (256, 4)] {
        modules.push((Family::Cached(CachedHeads { dim, at_once }), ALL));
    }
    modules
}

/// What was compiled before is not compiled again: its digests are kept beside the build.
#[test]
fn nvrtc_takes_every_module_for_every_architecture() {
    let compiler = match Compiler::find() {
        Ok(compiler) => compiler,
        Err(error) => return crate::not_run::not_run(&error.to_string()),
    };
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/nvrtc");
    std::fs::create_dir_all(&kept).unwrap();
    let tasks = modules().into_iter().flat_map(|(family, of)| of.iter().map(move |&of| (family, of)));
    let tasks = std::sync::Mutex::new(tasks);
    let next = || tasks.lock().unwrap().next();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((family, capability)) = next() {
                    compiles(&compiler, family, capability, &kept);
                }
            });
        }
    });
}

fn compiles(compiler: &Compiler, family: Family, capability: (u32, u32), kept: &Path) {
    let (source, architecture) = (family.source(), Architecture::of(capability));
    let key = format!("{architecture} {} {}", compiler.version(), source.text);
    let file = kept.join(Sha256::digest(key).iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    if file.exists() {
        return;
    }
    let (_, told) =
        compiler.compile_and_tell(&source, architecture).unwrap_or_else(|error| panic!("{family:?}: {error}"));
    // A wgmma that waits for the one before it is worth nothing.
    assert!(!told.contains("warning") && !told.contains("serializ"), "{family:?} for {architecture}: {told}");
    std::fs::write(file, told).unwrap();
}
/// What a kernel is compiled of: its module without the module's other kernels.
fn text_of(source: &Source, kernel: &str) -> String {
    let (mut text, mut others) = (String::new(), false);
    let mut lines = source.text.lines().peekable();
    while let Some(line) = lines.next() {
        if line.starts_with("KERNEL") {
            // The name may stand on the next line.
            let whole = format!("{line} {}", lines.peek().unwrap_or(&""));
            others = !whole.contains(&format!(" {kernel}("));
            assert!(whole.contains('('), "a kernel's first line: {line}");
        }
        if !others {
            text += line;
            text.push('\n');
        }
        if line == "}" || (line.starts_with("KERNEL") && line.ends_with('}')) {
            others = false;
        }
    }
    text
}

fn digest(family: Family, kernel: &str) -> String {
    let text = text_of(&family.source(), kernel);
    assert!(text.contains(&format!("{kernel}(")), "{family:?} has no kernel {kernel}");
    Sha256::digest(text).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// A module as PROVEN.md names it: its source's name, for attention with the head dimension.
fn named(name: &str) -> Family {
    let of = |(family, _): (Family, _)| match family {
        Family::Attention(Tiles { dim, shared: false, narrow: false, .. }) => {
            (format!("{} {dim}", family.source().name), family)
        }
        Family::Attention(_) => (String::new(), family),
        _ => (family.source().name.to_owned(), family),
    };
    let mut modules = modules().into_iter().map(of);
    modules.find(|(own, _)| own == name).unwrap_or_else(|| panic!("PROVEN.md: no module `{name}`")).1
}

#[test]
fn a_kernel_that_changed_is_not_proven() {
    let rows = PROVEN.lines().filter(|line| line.starts_with("| `"));
    let mut stale = Vec::new();
    for row in rows {
        let cells: Vec<&str> = row.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        let (kernel, module, hash) = (cells[1], cells[2], cells[3]);
        let own = digest(named(module), kernel);
        if own != hash {
            stale.push(format!("`{kernel}` of {module} is {own} now, not {hash}"));
        }
    }
    let what = "was changed since it ran on a card: its line goes until one has run it again (kernels/PROVEN.md)";
    assert!(stale.is_empty(), "{what}\n{}", stale.join("\n"));
}

/// How many kernels there are is known where their sources are.
#[test]
fn the_readme_counts_the_kernels() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("src/backend/cuda/kernels");
    let files = [folder.clone(), folder.join("attention")].into_iter().flat_map(|folder| folder.read_dir().unwrap());
    let texts = files.map(|file| file.unwrap().path()).filter(|file| file.extension().is_some_and(|kind| kind == "cu"));
    let count = |text: String| text.lines().filter(|line| line.starts_with("KERNEL void")).count();
    let all: usize = texts.map(|file| count(std::fs::read_to_string(file).unwrap())).sum();
    // A kernel that is listed for two head dimensions is one.
    let rows = PROVEN.lines().filter(|line| line.starts_with("| `"));
    let name = |row: &'static str| {
        let mut cells = row.split('|').skip(1).map(str::trim);
        (cells.next(), cells.next().and_then(|module| module.split(' ').next()))
    };
    let proven = rows.map(name).collect::<std::collections::BTreeSet<_>>();
    let readme = std::fs::read_to_string(root.join("../../README.md")).unwrap();
    let sentence = format!("Of its {all} kernels {} have", proven.len());
    assert!(readme.contains(&sentence), "README.md should say: {sentence}");
}
