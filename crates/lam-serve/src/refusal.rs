//! Refusals as OpenAI writes them: `{"error": {message, type, param, code}}` under a status of HTTP.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use lam_prompt::PromptError;
use lam_signal::printable;
use serde_json::{Value, json};

/// Characters of a message that are told.
const LONGEST: usize = 1000;

/// Why a request gets no answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// Status of HTTP.
    pub status: StatusCode,
    /// What is wrong, and what would be right.
    pub message: String,
    /// The field that it is about.
    pub param: Option<String>,
    /// OpenAI's word for it, for programs.
    pub code: Option<&'static str>,
    /// Seconds after which to ask again.
    pub retry_after: Option<u64>,
}

impl Refusal {
    /// A status and a message.
    pub fn new(status: StatusCode, message: impl ToString) -> Self {
        Self { status, message: message.to_string(), param: None, code: None, retry_after: None }
    }

    /// A field that cannot be used.
    pub fn of_field(param: impl ToString, message: impl ToString) -> Self {
        Self { param: Some(param.to_string()), ..Self::new(StatusCode::BAD_REQUEST, message) }
    }

    /// A field whose words the model's template or tokenizer refuses. Where their files lie is nobody else's business.
    pub fn of_words(param: impl ToString, error: &PromptError) -> Self {
        let refusal = Self::of_field(param, error.for_others());
        match error {
            PromptError::TooLong { .. } => refusal.code("context_length_exceeded"),
            _ => refusal,
        }
    }

    /// The server's own failure.
    pub fn failed(message: impl ToString) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, message).code("server_error")
    }

    /// The server is about to stop.
    pub fn stopping() -> Self {
        let refusal = Self::new(StatusCode::SERVICE_UNAVAILABLE, "the server is stopping").code("server_stopping");
        Self { retry_after: Some(1), ..refusal }
    }

    /// With a code.
    #[must_use]
    pub fn code(self, code: &'static str) -> Self {
        Self { code: Some(code), ..self }
    }

    /// OpenAI's object.
    pub fn body(&self) -> Value {
        let kind = match self.status.as_u16() {
            429 => "rate_limit_error",
            500.. => "server_error",
            _ => "invalid_request_error",
        };
        let message: String = printable(&self.message).chars().take(LONGEST).collect();
        json!({"error": {"message": message, "type": kind, "param": self.param, "code": self.code}})
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, json_body(&self.body())).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// A value as an answer's body.
pub fn json_body(value: &Value) -> Response {
    let kind = HeaderValue::from_static("application/json");
    let mut response = Response::new(Body::from(value.to_string()));
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
