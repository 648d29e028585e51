//! safetensors files written: what Python's readers expect of them, and the mode of a new file.

use std::collections::HashMap;
use std::fmt::Display;
use std::fs;
use std::path::Path;

use safetensors::{SafeTensorError, View};

use crate::WeightsError;

/// Writes named tensors to a file; what stands there is replaced. Whoever may read other new files here may read it: the
/// library itself lets nobody but its owner.
///
/// # Errors
/// Names the file where it cannot be written, or the tensors not be brought into it.
pub fn write_tensors<S, V>(path: &Path, tensors: impl IntoIterator<Item = (S, V)>) -> Result<(), WeightsError>
where
    S: AsRef<str> + Ord + Display,
    V: View,
{
    let io = WeightsError::io;
    let made = fs::File::create(path).map_err(io(path))?;
    let mode = made.metadata().map_err(io(path))?.permissions();
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    safetensors::serialize_to_file(tensors, Some(metadata), path).map_err(|error| match error {
        SafeTensorError::IoError(source) => io(path)(source),
        other => WeightsError::file(path, other, ""),
    })?;
    fs::set_permissions(path, mode).map_err(io(path))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use safetensors::Dtype;
    use safetensors::tensor::TensorView;

    use super::*;
    use crate::WeightFiles;

    #[test]
    fn whoever_reads_new_files_reads_these() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        fs::write(place("plain"), "x").unwrap();
        let tensor = || TensorView::new(Dtype::BF16, vec![1, 2], &[0; 4]).unwrap();
        for _ in ["new", "replaced"] {
            write_tensors(&place("model.safetensors"), [("embed", tensor())]).unwrap();
            let mode = |name: &str| fs::metadata(place(name)).unwrap().permissions().mode();
            assert_eq!(mode("model.safetensors"), mode("plain"));
        }
        assert_eq!(WeightFiles::open(folder.path(), "model").unwrap().shards[0].parameters(), 2);
        let error = write_tensors(&place("none/model.safetensors"), [("embed", tensor())]).unwrap_err();
        assert!(error.to_string().contains("none/model.safetensors"), "{error}");
    }
}
