//! What the constraints of one renderer share: lists of tokens and the functions compiled to tokens for the compact
//! template, llguidance over the vocabulary for JSON. Why there are two: `crates/decisions/020`.

use std::sync::{Arc, Mutex, PoisonError};

use lam_types::{FunctionSpec, Observation};

use super::compact::{self, CompactLists};
use super::{AnswerLimits, StructuredOutputs, TokenConstraint, json};
use crate::callable::Callable;
use crate::compact::{Compact, Markers};
use crate::template::Template;
use crate::{PromptError, Tokenizer};

/// The shared part of all constraints of one renderer.
pub(crate) struct Grammar {
    form: Form,
}

enum Form {
    Compact { markers: Markers, lists: Arc<CompactLists>, functions: Mutex<Option<Arc<compact::Functions>>> },
    Json { outputs: StructuredOutputs, surroundings: (String, String) },
}

impl Grammar {
    /// The grammar of a template over a tokenizer.
    ///
    /// # Errors
    /// When llguidance cannot use the vocabulary.
    pub(crate) fn new(tokenizer: &Arc<Tokenizer>, template: &Template) -> Result<Self, PromptError> {
        let form = match template {
            Template::Compact(markers) => Form::Compact {
                markers: *markers,
                lists: Arc::new(CompactLists::new(tokenizer, *markers)),
                functions: Mutex::new(None),
            },
            Template::Chat(chat) => Form::Json {
                outputs: StructuredOutputs::over(Arc::clone(tokenizer), chat.end())?.for_screens(),
                surroundings: chat.surroundings(tokenizer),
            },
        };
        Ok(Self { form })
    }

    /// A constraint for one answer.
    pub(crate) fn constraint(
        &self,
        tokenizer: &Arc<Tokenizer>,
        observation: &Observation,
        callable: Callable<'_>,
        limits: AnswerLimits,
    ) -> Box<dyn TokenConstraint> {
        match &self.form {
            Form::Compact { markers, lists, functions: cache } => {
                let form = Compact { tokenizer, markers: *markers };
                let functions = compiled(cache, form, callable.functions);
                let parts = compact::Parts {
                    screen: compact::Screen::new(form, observation, callable),
                    tokenizer: Arc::clone(tokenizer),
                    markers: *markers,
                    lists: Arc::clone(lists),
                    functions,
                    limits,
                    must_call: callable.must_call,
                };
                Box::new(compact::ActionConstraint::new(parts))
            }
            Form::Json { outputs, surroundings } => {
                Box::new(outputs.of_any_split(json::grammar(surroundings, observation, callable, limits)))
            }
        }
    }
}

/// The functions as tokens: those of the last call, when they are the same.
fn compiled(
    cache: &Mutex<Option<Arc<compact::Functions>>>,
    form: Compact<'_>,
    specs: &[FunctionSpec],
) -> Arc<compact::Functions> {
    let mut cached = cache.lock().unwrap_or_else(PoisonError::into_inner);
    match &*cached {
        Some(functions) if functions.specs() == specs => Arc::clone(functions),
        _ => Arc::clone(cached.insert(Arc::new(compact::Functions::new(form, specs)))),
    }
}
