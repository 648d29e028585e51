//! llama.cpp's names of tensors, in Hugging Face's. Knows no shapes.

/// What a tensor is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// Hugging Face's name.
    pub tensor: String,
    /// Whether llama.cpp lays its rows otherwise in Llamas: `attn_q`, `attn_k`.
    pub is_rotated: bool,
}

/// Parts of a block: llama.cpp's name and Hugging Face's.
const PARTS: [(&str, &str); 11] = [
    ("attn_norm", "input_layernorm"),
    ("ffn_norm", "post_attention_layernorm"),
    ("attn_q", "self_attn.q_proj"),
    ("attn_k", "self_attn.k_proj"),
    ("attn_v", "self_attn.v_proj"),
    ("attn_output", "self_attn.o_proj"),
    ("attn_q_norm", "self_attn.q_norm"),
    ("attn_k_norm", "self_attn.k_norm"),
    ("ffn_gate", "mlp.gate_proj"),
    ("ffn_up", "mlp.up_proj"),
    ("ffn_down", "mlp.down_proj"),
];
/// Parts beside the blocks.
const OTHERS: [(&str, &str); 3] =
    [("token_embd", "model.embed_tokens"), ("output_norm", "model.norm"), ("output", "lm_head")];

/// Hugging Face's name of a tensor; none where llama.cpp's means nothing here.
pub fn hugging_face(name: &str) -> Option<Name> {
    let (module, kind) = name.rsplit_once('.')?;
    if !matches!(kind, "weight" | "bias") {
        return None;
    }
    let of =
        |pairs: &[(&str, &'static str)], part: &str| pairs.iter().find(|(ours, _)| *ours == part).map(|pair| pair.1);
    if let Some(module) = of(&OTHERS, module) {
        return Some(Name { tensor: format!("{module}.{kind}"), is_rotated: false });
    }
    let (layer, part) = module.strip_prefix("blk.")?.split_once('.')?;
    // Another way to write a number would be a second name of the same tensor.
    let layer = layer.parse::<usize>().ok().filter(|number| number.to_string() == layer)?;
    let tensor = format!("model.layers.{layer}.{}.{kind}", of(&PARTS, part)?);
    Some(Name { tensor, is_rotated: matches!(part, "attn_q" | "attn_k") })
}

/// llama.cpp's name of a tensor; none where Hugging Face's means nothing there.
pub fn llama_cpp(name: &str) -> Option<String> {
    let (module, kind) = name.rsplit_once('.')?;
    let of = |pairs: &[(&'static str, &str)], part: &str| {
        pairs.iter().find(|(_, theirs)| *theirs == part).map(|pair| pair.0)
    };
    let ours = match (of(&OTHERS, module), module.strip_prefix("model.layers.")) {
        (Some(module), _) => format!("{module}.{kind}"),
        (None, Some(rest)) => {
            let (layer, part) = rest.split_once('.')?;
            format!("blk.{layer}.{}.{kind}", of(&PARTS, part)?)
        }
        (None, None) => return None,
    };
    // What is read again is the same.
    hugging_face(&ours).filter(|read| read.tensor == name).map(|_| ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_hugging_faces() {
        let name = |name: &str| hugging_face(name).map(|name| name.tensor);
        assert_eq!(name("token_embd.weight").as_deref(), Some("model.embed_tokens.weight"));
        assert_eq!(name("blk.12.attn_q.bias").as_deref(), Some("model.layers.12.self_attn.q_proj.bias"));
        assert_eq!(name("blk.0.ffn_down.weight").as_deref(), Some("model.layers.0.mlp.down_proj.weight"));
        for unknown in ["blk.x.attn_q.weight", "blk.0.ffn_gate_exps.weight", "rope_freqs.weight", "output.scale", "a"]
            .into_iter()
            .chain(["blk.00.attn_q.weight", "blk.+0.attn_q.weight", "blk.-0.attn_q.weight"])
        {
            assert_eq!(name(unknown), None, "{unknown}");
        }
        assert!(hugging_face("blk.0.attn_k.weight").is_some_and(|name| name.is_rotated));
    }

    #[test]
    fn names_are_the_same_after_both_ways() {
        let parts = PARTS.iter().map(|(ours, _)| format!("blk.7.{ours}.weight"));
        for ours in
            parts.chain(OTHERS.iter().map(|(ours, _)| format!("{ours}.weight"))).chain(["blk.0.attn_q.bias".into()])
        {
            let theirs = hugging_face(&ours).unwrap().tensor;
            assert_eq!(llama_cpp(&theirs), Some(ours));
        }
        for unknown in
            ["score.weight", "model.layers.00.mlp.up_proj.weight", "model.layers.0.mlp.up_proj.lora_A.weight", "x"]
        {
            assert_eq!(llama_cpp(unknown), None, "{unknown}");
        }
    }
}
