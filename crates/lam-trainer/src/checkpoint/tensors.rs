//! Named tensors in safetensors files, in and out of variables.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{Device, Tensor, Var};
use lam_store::StoreError;
use lam_weights::WeightsError;

use crate::TrainerError;

/// Writes the tensors.
pub(crate) fn save_tensors(path: &Path, tensors: &[(String, Tensor)]) -> Result<(), TrainerError> {
    let contiguous: Vec<(&str, Tensor)> = tensors
        .iter()
        .map(|(name, tensor)| Ok((name.as_str(), tensor.contiguous()?)))
        .collect::<candle_core::Result<_>>()?;
    let views = contiguous.iter().map(|(name, tensor)| (*name, tensor));
    lam_weights::write_tensors(path, views).map_err(|error| match error {
        WeightsError::Io { source, .. } => StoreError::io("write", path)(source).into(),
        WeightsError::File { reason, .. } => TrainerError::Checkpoint { path: path.into(), reason },
    })
}

/// Reads a safetensors file.
pub(crate) fn load_tensors(path: &Path) -> Result<HashMap<String, Tensor>, TrainerError> {
    if !path.exists() {
        return Err(TrainerError::Checkpoint { path: path.into(), reason: "is missing".into() });
    }
    candle_core::safetensors::load(path, &Device::Cpu)
        .map_err(|error| TrainerError::Checkpoint { path: path.into(), reason: error.to_string() })
}

/// Gives every variable the value that the file holds for it.
pub(crate) fn assign_variables(path: &Path, variables: &[(String, Var)]) -> Result<(), TrainerError> {
    let mut tensors = load_tensors(path)?;
    for (name, variable) in variables {
        let refuse = |reason: String| TrainerError::Checkpoint { path: path.into(), reason };
        let tensor = tensors.remove(name).ok_or_else(|| refuse(format!("no tensor `{name}`")))?;
        if tensor.shape() != variable.shape() || tensor.dtype() != variable.dtype() {
            let found = format!("{:?} {:?}", tensor.dtype(), tensor.dims());
            let expected = format!("{:?} {:?}", variable.dtype(), variable.dims());
            return Err(refuse(format!("`{name}` is {found}, the model has {expected}")));
        }
        variable.set(&tensor)?;
    }
    match tensors.keys().min() {
        Some(name) => {
            Err(TrainerError::Checkpoint { path: path.into(), reason: format!("`{name}` is no variable of the model") })
        }
        None => Ok(()),
    }
}
