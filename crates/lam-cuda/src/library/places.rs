//! Where CUDA's libraries are looked for. Looks at directories, loads nothing.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Folders in which CUDA's libraries may be, in the order in which they are looked at.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// Where `LAM_CUDA_LIBRARIES` points: nothing else is looked at then.
    named: Option<PathBuf>,
    folders: Vec<PathBuf>,
}

impl Places {
    /// Those of this machine, of this user, of this process's environment.
    pub fn here() -> Self {
        Self::of(&|name| std::env::var_os(name).filter(|value| !value.is_empty()))
    }

    /// This folder and no other; the driver may still be the system's.
    pub fn only(folder: &Path) -> Self {
        Self { named: Some(folder.to_path_buf()), folders: Vec::new() }
    }

    fn of(variable: &dyn Fn(&str) -> Option<OsString>) -> Self {
        if let Some(folder) = variable("LAM_CUDA_LIBRARIES") {
            return Self::only(Path::new(&folder));
        }
        let mut folders = Vec::new();
        folders.extend(variable("LD_LIBRARY_PATH").iter().flat_map(std::env::split_paths));
        tool_kits(variable).iter().for_each(|kit| folders.extend(below_tool_kit(kit)));
        if let Some(conda) = variable("CONDA_PREFIX") {
            folders.push(Path::new(&conda).join("lib"));
        }
        pythons(variable).iter().for_each(|python| folders.extend(wheels(python)));
        folders.extend(fetched(variable));
        Self { named: None, folders }
    }

    /// Files that may be the library of one of these names, the most wanted first; a name without a folder is for the
    /// system's loader to find.
    pub(crate) fn candidates(&self, names: &[String]) -> Vec<PathBuf> {
        let folders = self.named.as_slice().iter().chain(&self.folders);
        let files = folders.flat_map(|folder| names.iter().map(move |name| folder.join(name)));
        let mut found: Vec<_> = files.filter(|file| file.exists()).collect();
        if self.named.is_none() {
            found.extend(names.iter().map(PathBuf::from));
        }
        found
    }

    /// Files that may be the driver's library. It comes with the driver, so the system's loader knows it; a named folder
    /// may hold one that stands in for it.
    pub(crate) fn drivers(&self) -> Vec<PathBuf> {
        let named = self.named.iter().map(|folder| folder.join("libcuda.so.1")).filter(|file| file.exists());
        named.chain(["libcuda.so.1".into(), "/usr/lib/wsl/lib/libcuda.so.1".into()]).collect()
    }

    /// In words, for a message about what is not there.
    pub(crate) fn told(&self) -> String {
        match &self.named {
            Some(folder) => format!("{} (LAM_CUDA_LIBRARIES)", folder.display()),
            None => "LD_LIBRARY_PATH, CUDA_HOME, /usr/local/cuda*, Python environments, ~/.cache/lam-train/cuda".into(),
        }
    }
}

fn tool_kits(variable: &dyn Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let named = ["CUDA_HOME", "CUDA_PATH"].into_iter().filter_map(variable).map(PathBuf::from);
    let mut installed = entries(Path::new("/usr/local"), |name| name.starts_with("cuda"));
    installed.sort();
    installed.reverse();
    named.chain(["/usr/local/cuda".into(), "/opt/cuda".into()]).chain(installed).collect()
}

fn below_tool_kit(kit: &Path) -> Vec<PathBuf> {
    ["lib64", "lib", "targets/x86_64-linux/lib", "targets/sbsa-linux/lib"].map(|folder| kit.join(folder)).into()
}

/// Folders in which Python packages lie.
fn pythons(variable: &dyn Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let environments = ["VIRTUAL_ENV", "CONDA_PREFIX"].into_iter().filter_map(variable).map(PathBuf::from);
    let user = variable("HOME").map(|home| Path::new(&home).join(".local"));
    let roots = environments.chain(user).chain(["/usr/local".into(), "/usr".into()]);
    let versions = roots.flat_map(|root| entries(&root.join("lib"), |name| name.starts_with("python3")));
    versions.flat_map(|python| ["site-packages", "dist-packages"].map(|folder| python.join(folder))).collect()
}

/// Where the `nvidia` wheels put their libraries: `nvidia/cublas/lib` (CUDA 12), `nvidia/cu13/lib`.
fn wheels(packages: &Path) -> Vec<PathBuf> {
    let mut found = entries(&packages.join("nvidia"), |_| true);
    found.sort();
    found.into_iter().map(|wheel| wheel.join("lib")).filter(|folder| folder.is_dir()).collect()
}

/// The folder that `scripts/fetch_cuda.sh` fills.
fn fetched(variable: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    Some(cache_of(variable)?.join("cuda/lib"))
}

/// Where this user's programs keep what can be made again, below it our own.
pub(crate) fn cache_of(variable: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let own = variable("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || variable("HOME").map(|home| Path::new(&home).join(".cache"));
    Some(own.or_else(home)?.join("lam-train"))
}

fn entries(folder: &Path, wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths.filter(|path| path.file_name().and_then(OsStr::to_str).is_some_and(&wanted)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(variables: &[(&str, &Path)]) -> Places {
        let of = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_os_str().into());
        Places::of(&of)
    }

    fn touch(file: &Path) -> PathBuf {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, "").unwrap();
        file.to_path_buf()
    }

    #[test]
    fn places_are_looked_at_in_their_order() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| touch(&root.path().join(path));
        let name = "libcublasLt.so.12";
        let fetched = at(&format!("cache/lam-train/cuda/lib/{name}"));
        let wheel = at(&format!("venv/lib/python3.11/site-packages/nvidia/cublas/lib/{name}"));
        let kit = at(&format!("kit/targets/x86_64-linux/lib/{name}"));
        let path = at(&format!("path/{name}"));
        let folders = ["cache", "venv", "kit", "path"].map(|folder| root.path().join(folder));
        let names = ["XDG_CACHE_HOME", "VIRTUAL_ENV", "CUDA_HOME", "LD_LIBRARY_PATH"];
        let variables: Vec<_> = names.into_iter().zip(folders.iter().map(PathBuf::as_path)).collect();
        let found = places(&variables).candidates(&[name.into()]);
        let own: Vec<_> = found.iter().filter(|file| file.starts_with(root.path())).collect();
        assert_eq!(own, [&path, &kit, &wheel, &fetched]);
        assert_eq!(found.last().unwrap(), Path::new(name), "the system's loader comes last");
    }

    #[test]
    fn of_one_folder_the_newer_library_is_taken() {
        let root = tempfile::tempdir().unwrap();
        let names = ["libnvrtc.so.13", "libnvrtc.so.12"].map(String::from);
        let files = names.clone().map(|name| touch(&root.path().join(name)));
        assert_eq!(places(&[("LD_LIBRARY_PATH", root.path())]).candidates(&names)[..2], files);
    }

    #[test]
    fn a_named_folder_is_the_only_one() {
        let root = tempfile::tempdir().unwrap();
        let named = root.path().join("named");
        let file = touch(&named.join("libnvrtc.so.12"));
        touch(&root.path().join("path/libnvrtc.so.12"));
        let places = places(&[("LAM_CUDA_LIBRARIES", &named), ("LD_LIBRARY_PATH", &root.path().join("path"))]);
        assert_eq!(places.candidates(&["libnvrtc.so.12".into()]), [file]);
        assert!(places.told().contains("named (LAM_CUDA_LIBRARIES)"));
    }
}
