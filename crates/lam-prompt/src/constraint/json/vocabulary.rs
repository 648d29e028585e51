//! The vocabulary as a tree of bytes, so that tokens which share a beginning are tried together.

use crate::Tokenizer;

/// A node: its children by byte, ascending, and the tokens that end here.
#[derive(Default)]
struct Node {
    children: Vec<(u8, u32)>,
    tokens: Vec<u32>,
}

/// Tokens by their bytes.
pub(super) struct Tree {
    nodes: Vec<Node>,
}

/// The vocabulary of one tokenizer.
pub(crate) struct Vocabulary {
    /// Every token of text.
    pub(super) all: Tree,
    /// Tokens that cannot stand inside a JSON string without ending or escaping something.
    pub(super) marked: Tree,
    /// The others, ascending.
    pub(super) plain: Vec<u32>,
    /// Bytes of the longest of them.
    pub(super) longest: usize,
    /// What the template puts before an answer, such as a space.
    pub(super) lead: Vec<u8>,
}

impl Vocabulary {
    /// The vocabulary of `tokenizer`, for answers that begin with `lead`.
    pub(crate) fn new(tokenizer: &Tokenizer, lead: &str) -> Self {
        let is_plain =
            |id: &u32| tokenizer.token_bytes(*id).iter().all(|byte| *byte >= 0x20 && !b"\"\\".contains(byte));
        let ids = tokenizer.text_ids();
        let (plain, marked): (Vec<u32>, Vec<u32>) = ids.iter().copied().partition(is_plain);
        Self {
            all: Tree::new(tokenizer, &ids),
            marked: Tree::new(tokenizer, &marked),
            longest: plain.iter().map(|id| tokenizer.token_bytes(*id).len()).max().unwrap_or(0),
            plain,
            lead: lead.as_bytes().to_vec(),
        }
    }
}

impl Tree {
    fn new(tokenizer: &Tokenizer, ids: &[u32]) -> Self {
        let mut tree = Self { nodes: vec![Node::default()] };
        for id in ids {
            tree.insert(*id, tokenizer.token_bytes(*id));
        }
        tree
    }

    fn insert(&mut self, id: u32, bytes: &[u8]) {
        let mut node = 0;
        for byte in bytes {
            let next = u32::try_from(self.nodes.len()).expect("vocabularies have far fewer than 4 billion bytes");
            let children = &mut self.nodes[node].children;
            node = match children.binary_search_by_key(byte, |child| child.0) {
                Ok(place) => children[place].1,
                Err(place) => {
                    children.insert(place, (*byte, next));
                    self.nodes.push(Node::default());
                    next
                }
            } as usize;
        }
        self.nodes[node].tokens.push(id);
    }

    /// Puts the tokens into `out` along whose bytes `step` leads from `state`.
    pub(super) fn collect<S: Copy>(&self, state: S, step: &impl Fn(S, u8) -> Option<S>, out: &mut Vec<u32>) {
        let mut open = vec![(0_usize, state)];
        while let Some((node, state)) = open.pop() {
            out.extend_from_slice(&self.nodes[node].tokens);
            for (byte, child) in &self.nodes[node].children {
                if let Some(next) = step(state, *byte) {
                    open.push((*child as usize, next));
                }
            }
        }
    }
}
