//! Constraints for any use: a JSON schema, a regular expression or a Lark grammar over the tokens of one tokenizer.
//! llguidance compiles and parses; this file shows it our vocabulary and puts it behind [`TokenConstraint`].
//! Knows nothing of actions or screens.

use std::sync::Arc;

use llguidance::api::TopLevelGrammar;
use llguidance::toktrie::{InferenceCapabilities, TokEnv, TokRxInfo, TokTrie, TokenizerEnv};
use llguidance::{Matcher, ParserFactory};
use serde_json::Value;

use super::calls::{self, CallFormat};
use super::patience::{Patience, Unfinished};
use super::{TokenConstraint, schema};
use crate::{PromptError, Tokenizer};

/// What an answer must be.
#[derive(Clone, Debug, PartialEq)]
pub enum OutputFormat {
    /// JSON that fits a schema, written as Python's `json.dumps` does. The schema's `x-guidance` may say otherwise.
    JsonSchema(Value),
    /// Text that a regular expression in Rust's syntax matches as a whole.
    Regex(String),
    /// Text of a context-free grammar in llguidance's variant of Lark's syntax.
    Lark(String),
    /// Calls of tools.
    Calls(CallFormat),
}

impl OutputFormat {
    /// What it is, for people.
    fn name(&self) -> &'static str {
        match self {
            Self::JsonSchema(_) => "JSON schema",
            Self::Regex(_) => "regular expression",
            Self::Lark(_) => "grammar",
            Self::Calls(_) => "tools",
        }
    }

    /// The grammar of an answer.
    fn grammar(&self) -> Result<TopLevelGrammar, PromptError> {
        Ok(match self {
            Self::JsonSchema(schema) => TopLevelGrammar::from_json_schema(schema::prepared(schema)?),
            Self::Regex(pattern) => TopLevelGrammar::from_regex(pattern),
            Self::Lark(grammar) => TopLevelGrammar::from_lark(grammar.clone()),
            Self::Calls(format) => TopLevelGrammar::from_lark(calls::grammar(format)?),
        })
    }

    fn refused(&self, reason: &impl ToString) -> PromptError {
        PromptError::output(self.name(), reason, "see llguidance's documentation of what it knows")
    }
}

/// Tokens without choice that are followed to find out whether an answer can begin.
const TRIED: usize = 64;
/// Most tokens of a choice that are all tried.
const CHOICES: usize = 16;
/// Most controls of a screen, about; llguidance's own limit is 2000 items.
const MOST_CONTROLS: usize = 50_000;

/// Compiles output formats for one tokenizer. Make it once for a model.
pub struct StructuredOutputs {
    factory: Arc<ParserFactory>,
    eos: u32,
    patience: Patience,
}

impl StructuredOutputs {
    /// Prepares the tokenizer's vocabulary.
    ///
    /// # Errors
    /// When llguidance cannot use the vocabulary.
    pub fn new(tokenizer: &Tokenizer) -> Result<Self, PromptError> {
        Self::ending_with(tokenizer, tokenizer.eos())
    }

    /// The same for answers that end with `end`, as a chat template may have it.
    ///
    /// # Errors
    /// As [`StructuredOutputs::new`].
    pub fn ending_with(tokenizer: &Tokenizer, end: u32) -> Result<Self, PromptError> {
        Self::over(Arc::new(tokenizer.clone()), end)
    }

    /// The same over a tokenizer that others hold too, for answers that end with `eos`.
    pub(crate) fn over(tokenizer: Arc<Tokenizer>, eos: u32) -> Result<Self, PromptError> {
        let environment: TokEnv = Arc::new(Vocabulary::new(tokenizer, eos));
        let unusable =
            |error| PromptError::output("tokenizer", &error, "its vocabulary cannot be used for constraints");
        let ff_tokens = environment.tokenize_is_canonical();
        let mut factory = ParserFactory::new(
            &environment,
            InferenceCapabilities { ff_tokens, ..InferenceCapabilities::default() },
            &llguidance::earley::SlicedBiasComputer::general_slices(),
        )
        .map_err(unusable)?;
        factory.quiet();
        // An error is for people: not the whole grammar, and the parser's state with it.
        factory.limits_mut().verbose_errors = false;
        Ok(Self { factory: Arc::new(factory), eos, patience: Patience::default() })
    }

    /// The same for grammars of our own, which list what a screen shows: a row of the parser has an item for each control.
    pub(crate) fn for_screens(mut self) -> Self {
        let factory = Arc::get_mut(&mut self.factory).expect("nobody compiles with it yet");
        factory.limits_mut().max_items_in_row = MOST_CONTROLS;
        self
    }

    /// A constraint for one answer.
    ///
    /// # Errors
    /// A format that cannot be understood, that no text fits, that is too large for an answer to begin, or that takes
    /// longer than a second of processor time: what others ask must not wait for it.
    pub fn constraint(&self, format: &OutputFormat) -> Result<StructuredConstraint, PromptError> {
        let (factory, eos, own) = (Arc::clone(&self.factory), self.eos, format.clone());
        let compiled = self.patience.wait_for(move || compiled(&factory, eos, &own));
        compiled.map_err(|unfinished| match unfinished {
            Unfinished::Late(longest) => {
                let seconds = longest.as_secs_f32();
                format
                    .refused(&format!("it takes longer than {seconds} s of processor time to compile; make it simpler"))
            }
            Unfinished::Failed => format.refused(&"it cannot be compiled"),
        })?
    }

    /// A constraint for one answer that may be split into tokens in any way: a token is forced only where the mask has
    /// no other. A grammar that cannot be compiled gives a constraint that allows nothing and says why.
    pub(crate) fn of_any_split(&self, grammar: String) -> StructuredConstraint {
        let matcher = Matcher::new(self.factory.create_parser(TopLevelGrammar::from_lark(grammar)));
        StructuredConstraint { any_split: true, ..StructuredConstraint::new(matcher, self.eos) }
    }
}

/// The constraint of a format, of which an answer can begin.
fn compiled(factory: &ParserFactory, eos: u32, format: &OutputFormat) -> Result<StructuredConstraint, PromptError> {
    let parser = factory.create_parser(format.grammar()?).map_err(|error| format.refused(&error))?;
    let mut constraint = StructuredConstraint::new(Matcher::new(Ok(parser)), eos);
    // Kept, so that a long text without choice is not split again where answers are made.
    constraint.forced();
    constraint.clone().fails_at_once().map_or(Ok(constraint), |failure| Err(format.refused(&failure)))
}

/// One answer's constraint. Clones share what was compiled.
#[derive(Clone)]
pub struct StructuredConstraint {
    matcher: Matcher,
    eos: u32,
    /// Tokens that may come next, once asked for.
    allowed: Option<Vec<u32>>,
    /// Tokens that must come next, the last one first, once asked for.
    forced: Option<Vec<u32>>,
    any_split: bool,
    done: bool,
    failure: Option<String>,
}

impl StructuredConstraint {
    fn new(matcher: Matcher, eos: u32) -> Self {
        let failure = matcher.get_error();
        Self { matcher, eos, allowed: None, forced: None, any_split: false, done: false, failure }
    }

    fn fail(&mut self, error: &dyn std::fmt::Display) {
        let reason = error.to_string();
        // llguidance's mark that it left its state out.
        self.failure = Some(reason.trim_end_matches("<non-verbose/>").trim_end().to_owned());
    }

    /// Whether it has failed: a matcher that stopped for another reason than an end has.
    fn has_failed(&mut self) -> bool {
        let reason = self.matcher.stop_reason();
        if self.failure.is_none() && !reason.is_ok() {
            let error = self.matcher.get_error().unwrap_or_else(|| reason.to_string());
            self.fail(&error);
        }
        self.failure.is_some()
    }

    /// Whether nothing but the end can follow.
    fn is_at_end(&mut self) -> bool {
        !self.has_failed() && self.matcher.is_stopped()
    }

    /// Why no answer can begin, as far as that shows in the tokens without choice at its head and in the first choice.
    /// Some limits of the parser hold only once it reads; a schema that needs itself without end meets them too.
    fn fails_at_once(mut self) -> Option<String> {
        for _ in 0..TRIED {
            if self.done || self.failure.is_some() {
                return self.failure;
            }
            let next = self.forced().map_or_else(|| self.allowed().to_vec(), |token| vec![token]);
            match next.as_slice() {
                [] => return self.failure,
                [only] => self.advance(*only),
                few if few.len() <= CHOICES => {
                    let failures = few.iter().map(|token| self.clone().fails_with(*token));
                    return failures.collect::<Option<Vec<String>>>()?.pop();
                }
                _ => return None,
            }
        }
        None
    }

    /// Why nothing can follow `token`, if so.
    fn fails_with(mut self, token: u32) -> Option<String> {
        self.advance(token);
        if !self.done {
            self.allowed();
        }
        self.failure
    }
}

impl TokenConstraint for StructuredConstraint {
    fn allowed(&mut self) -> &[u32] {
        if self.done || self.failure.is_some() {
            return &[];
        }
        if self.allowed.is_none() {
            let allowed = match self.matcher.compute_mask_or_eos() {
                // An end that is none.
                Ok(_) if self.has_failed() => Vec::new(),
                Ok(mask) => mask.to_list(),
                Err(error) => {
                    self.fail(&error);
                    Vec::new()
                }
            };
            self.allowed = Some(allowed);
        }
        self.allowed.as_deref().unwrap_or(&[])
    }

    fn is_costly(&self) -> bool {
        true
    }

    /// What the grammar forces as bytes, in the tokens in which the tokenizer writes them.
    fn forced(&mut self) -> Option<u32> {
        if self.done || self.failure.is_some() {
            return None;
        }
        if self.any_split {
            return match self.allowed() {
                [only] => Some(*only),
                _ => None,
            };
        }
        if self.has_failed() {
            return None;
        }
        if self.matcher.is_stopped() {
            return Some(self.eos);
        }
        let forced = self.forced.get_or_insert_with(|| {
            let mut tokens = self.matcher.compute_ff_tokens();
            tokens.reverse();
            tokens
        });
        forced.last().copied()
    }

    fn advance(&mut self, token: u32) {
        self.allowed = None;
        self.forced = self.forced.take().filter(|forced| forced.len() > 1 && forced.last() == Some(&token));
        if let Some(forced) = &mut self.forced {
            forced.pop();
        }
        if token == self.eos && self.is_at_end() {
            self.done = true;
            return;
        }
        match self.matcher.consume_token(token) {
            Ok(()) => self.done = token == self.eos,
            Err(error) => self.fail(&error),
        }
    }

    fn is_done(&self) -> bool {
        self.done
    }

    fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }
}

/// A tokenizer as llguidance wants to see it.
struct Vocabulary {
    trie: TokTrie,
    tokenizer: Arc<Tokenizer>,
    canonical: bool,
}

impl Vocabulary {
    fn new(tokenizer: Arc<Tokenizer>, eos: u32) -> Self {
        let size = u32::try_from(tokenizer.vocab_size()).expect("vocabularies are far smaller than 4 billion");
        let word = |id: u32| match tokenizer.is_special(id) {
            // A special token must not be taken for text that spells it.
            true => [&[TokTrie::SPECIAL_TOKEN_MARKER], tokenizer.token_bytes(id)].concat(),
            false => tokenizer.token_bytes(id).to_vec(),
        };
        let words: Vec<Vec<u8>> = (0..size).map(word).collect();
        let info = TokRxInfo { tok_bos: tokenizer.bos(), ..TokRxInfo::new(size, eos) };
        let canonical = tokenizer.writes_text_as_it_is();
        Self { trie: TokTrie::from(&info, &words), tokenizer, canonical }
    }
}

impl TokenizerEnv for Vocabulary {
    fn tok_trie(&self) -> &TokTrie {
        &self.trie
    }

    fn tokenize_bytes(&self, bytes: &[u8]) -> Vec<u32> {
        self.trie.tokenize_with_greedy_fallback(bytes, |text| self.tokenizer.encode(text))
    }

    /// SentencePiece puts a space before every text, so it cannot be asked how it writes the middle of one.
    fn tokenize_is_canonical(&self) -> bool {
        self.canonical
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TokenizerConfig;

    #[test]
    fn a_grammar_that_cannot_be_compiled_allows_nothing_and_says_why() {
        let tokenizer = Tokenizer::train(&["a corpus"], &TokenizerConfig::default()).expect("bytes fit");
        let outputs = StructuredOutputs::new(&tokenizer).expect("a vocabulary of bytes");
        let mut constraint = outputs.of_any_split("start: missing\n".into());
        assert!(constraint.allowed().is_empty() && constraint.forced().is_none() && !constraint.is_done());
        assert!(constraint.failure().is_some_and(|reason| reason.contains("missing")), "{:?}", constraint.failure());
    }
}
