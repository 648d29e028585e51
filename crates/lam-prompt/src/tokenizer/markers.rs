//! The special tokens of a tokenizer made here; what they mean is the compact template's business.

/// The marker tokens, in the order of their ids after `<unk>`, `<s>`, `</s>` and `<pad>`.
pub const MARKERS: [&str; 14] = [
    "<|controls|>",
    "<|request|>",
    "<|done|>",
    "<|plan|>",
    "<|answer|>",
    "<|think|>",
    "<|do|>",
    "<|on|>",
    "<|args|>",
    "<|status|>",
    "<|,|>",
    "<|;|>",
    "<|json|>",
    "<|failed|>",
];
