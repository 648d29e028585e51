//! Words to tokens and back: the one renderer, the parsers, the answer constraint, tokenizer training.
//!
//! Collection, training, acting, evaluation and serving all go through [`Renderer`], so a model is never asked in
//! a form in which it was not trained. The model directory's own files choose the
//! form: its chat template around the JSON of the paper's App. C, or a compact one for small models.
//! Knows no tensor, no file of records and no environment.
//!
//! ```
//! use lam_prompt::{Renderer, Tokenizer, TokenizerConfig};
//! use lam_types::{Observation, State};
//!
//! let texts = ["make the heading bold", "insert a table", "look at the screen"];
//! let renderer = Renderer::new(Tokenizer::train(&texts, &TokenizerConfig::default())?)?;
//!
//! // What a model is asked, and what it has to answer, are tokens of one renderer.
//! let state = State {
//!     request: "make the heading bold".to_owned(),
//!     observation: Observation::default(),
//!     previous_actions: vec![],
//!     previous_plan: vec![],
//! };
//! assert!(renderer.action_prompt(&state, &[])?.len() > 4);
//! let plan = vec!["insert a table".to_owned()];
//! assert_eq!(renderer.parse_plan(&renderer.plan_answer(&plan)?)?, plan);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answer;
mod callable;
mod chat;
mod compact;
mod constraint;
mod error;
mod gguf;
mod preview;
mod renderer;
mod template;
mod tokenizer;
mod ufo;

pub use answer::{action_json, parse_action_text, parse_action_text_tolerant, parse_plan_text};
pub use chat::{
    CallPart, CallReader, CalledFunction, Message, Question, Role, Said, Tool, ToolCall, ToolFunction, ToolQuestion,
    ToolQuestionError, messages, plan_messages, read_question, shows_screen,
};
pub use constraint::{
    AnswerLimits, CallFormat, OutputFormat, StructuredConstraint, StructuredOutputs, TokenConstraint,
};
pub use error::{ParseError, PromptError};
pub use gguf::gguf_tokenizer;
pub use preview::{Piece, Style, draw};
pub use renderer::Renderer;
pub use tokenizer::{GgufTokenizer, MARKERS, Tokenizer, TokenizerConfig, has_tokenizer, tokenizer_files};
pub use ufo::{UfoAction, UfoEvaluation, UfoHost, UfoQuestion, ends_as_ufo, read_ufo};
