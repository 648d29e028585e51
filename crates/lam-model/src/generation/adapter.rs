//! Whether an adapter belongs to a cache. Knows no layout.

use crate::decoder::Linear;
use crate::{Decoder, ModelError};

/// Refuses a decoder without an adapter, a cache that has one in its weights, and another number of layers.
pub(super) fn check_decoder(decoder: &Decoder, has_merged: bool, layers: usize) -> Result<(), ModelError> {
    if decoder.lora.is_none() {
        return Err(ModelError::adapter("the model carries none", ""));
    }
    if has_merged {
        let hint = "make the cache with `AdapterUse::Apart`";
        return Err(ModelError::adapter("the cache already has one merged into its weights", hint));
    }
    let found = decoder.stack.blocks.len();
    if found != layers {
        return Err(foreign(format!("made for {found} layers, the cache has {layers}")));
    }
    Ok(())
}

/// Refuses layers of other inputs and outputs, all of a group's, than the cache's.
pub(super) fn check_layers(linears: &[Linear], outputs: usize, (n, k): (usize, usize)) -> Result<(), ModelError> {
    if outputs == n && linears.iter().all(|linear| linear.size.1 == k) {
        return Ok(());
    }
    let found = linears[0].size.1;
    Err(foreign(format!("made for layers of {found} inputs and {outputs} outputs, the cache has {k} and {n}")))
}

fn foreign(what: String) -> ModelError {
    ModelError::adapter(what, "it belongs to another model")
}
