//! Chat templates as transformers renders them: Jinja with Python's methods and Hugging Face's functions. Knows neither
//! tokens nor what is said.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use chrono::{DateTime, Local};
use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind, context};
use sha2::{Digest, Sha256};

use super::{Message, Tool, printed, python};
use crate::PromptError;

/// Steps that one rendering may take: a template that loops for ever ends in an error.
const FUEL: u64 = 5_000_000;
/// Characters of the construct that an error shows.
const SHOWN: usize = 160;

/// A template, compiled anew for each rendering, with the values that it may name.
#[derive(Clone)]
pub(crate) struct ChatTemplate {
    source: String,
    /// The file that it comes from, for errors.
    path: PathBuf,
    environment: Arc<Environment<'static>>,
    /// `bos_token` and its like.
    special: Value,
    hash: String,
}

impl ChatTemplate {
    /// The template in `text`, which comes from `path`.
    ///
    /// # Errors
    /// What is no template: with its line and the construct.
    pub(crate) fn new(text: &str, path: &Path, special: Value) -> Result<Self, PromptError> {
        let hash = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
        let source = python::translated(text);
        let template = Self { source, path: path.to_owned(), environment: Arc::new(environment()), special, hash };
        let compiled = template.environment.template_from_str(&template.source).map(drop);
        compiled.map_err(|error| template.refused(&error))?;
        Ok(template)
    }

    /// SHA-256 of the template as it was read, hex.
    pub(crate) fn hash(&self) -> &str {
        &self.hash
    }

    /// Whether the template spells `text`.
    pub(crate) fn spells(&self, text: &str) -> bool {
        self.source.contains(text)
    }

    /// The conversation as text, with the tools that may be called; none are `None` to the template.
    ///
    /// # Errors
    /// What the template refuses or cannot do: with its line and the construct.
    pub(crate) fn render(
        &self,
        messages: &[Message],
        tools: &[Tool],
        add_generation_prompt: bool,
    ) -> Result<String, PromptError> {
        let none = Value::from(());
        let tools = if tools.is_empty() { none.clone() } else { Value::from_serialize(tools) };
        let context = context! { messages, add_generation_prompt, tools, documents => none, ..self.special.clone() };
        self.environment.render_str(&self.source, context).map_err(|error| self.refused(&error))
    }

    /// An error of this template, where it is and why.
    pub(crate) fn refused_because(&self, reason: &str) -> PromptError {
        let hint = "a template must write each answer as it is after an unchanged conversation; correct it, or lay \
                    another chat_template.jinja beside the tokenizer";
        PromptError::format(&self.path, format!("the chat template {reason}"), hint)
    }

    fn refused(&self, error: &Error) -> PromptError {
        let line = error.line().map_or_else(String::new, |line| format!("line {line}: "));
        let reason = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
        let cause = std::error::Error::source(error).map_or_else(String::new, |cause| format!(" ({cause})"));
        let construct = self.construct(error).map_or_else(String::new, |text| format!(", in `{text}`"));
        let hint = "correct the template, or lay another chat_template.jinja beside the tokenizer";
        PromptError::format(&self.path, format!("chat template, {line}{reason}{cause}{construct}"), hint)
    }

    /// The tag in which an error is, or else its line.
    fn construct(&self, error: &Error) -> Option<String> {
        let whole = match error.range().filter(|range| self.source.is_char_boundary(range.start)) {
            Some(range) => {
                let (before, after) = self.source.split_at(range.start);
                let start = before.rfind("{{").max(before.rfind("{%")).unwrap_or(0);
                let end = after.find("}}").into_iter().chain(after.find("%}")).min().map_or(after.len(), |at| at + 2);
                &self.source[start..range.start + end]
            }
            None => self.source.lines().nth(error.line()?.checked_sub(1)?)?,
        };
        let short: String = whole.trim().chars().take(SHOWN).collect();
        Some(if short.len() < whole.trim().len() { format!("{short}…") } else { short })
    }
}

/// Jinja as transformers sets it up.
fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.set_fuel(Some(FUEL));
    environment.set_unknown_method_callback(python::method);
    environment.set_formatter(python::write);
    environment.add_filter("tojson", python::to_json);
    environment.add_filter("string", python::string);
    environment.add_filter("dictsort", printed::dictsort);
    environment.add_filter("safe", printed::safe);
    environment.add_filter("e", printed::escape);
    environment.add_filter("escape", printed::escape);
    environment.add_test("string", printed::is_string);
    environment.add_function(printed::TUPLE, printed::tuple);
    environment.add_function("strftime_now", strftime_now);
    environment.add_function("raise_exception", |reason: String| -> Result<String, Error> {
        Err(Error::new(ErrorKind::InvalidOperation, reason))
    });
    environment
}

/// The time at which the program first asked, so that one run writes one date.
fn strftime_now(format: &str) -> Result<String, Error> {
    use std::fmt::Write;
    static NOW: OnceLock<DateTime<Local>> = OnceLock::new();
    let mut text = String::new();
    let written = write!(text, "{}", NOW.get_or_init(now).format(format));
    let unknown = || Error::new(ErrorKind::InvalidOperation, format!("`{format}` is no format of a date"));
    written.map(|()| text).map_err(|_| unknown())
}

/// The present time, or that of `SOURCE_DATE_EPOCH`, with which a run can be repeated on another day.
fn now() -> DateTime<Local> {
    let fixed = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|seconds| seconds.parse().ok());
    fixed.and_then(|seconds| DateTime::from_timestamp(seconds, 0)).map_or_else(Local::now, DateTime::from)
}

#[cfg(test)]
mod tests {
    use super::super::Role;
    use super::*;

    fn template(text: &str) -> Result<ChatTemplate, PromptError> {
        ChatTemplate::new(text, Path::new("chat_template.jinja"), context! { bos_token => "<s>", eos_token => "</s>" })
    }

    fn messages() -> [Message; 2] {
        [Message::new(Role::User, " O'Brien <b> & \"x\"\n"), Message::new(Role::Assistant, "é 漢")]
    }

    // from transformers.utils.chat_template_utils import render_jinja_template    # transformers 5.24
    // render_jinja_template([messages], chat_template=template, tools=None, documents=None,
    //     add_generation_prompt=False, bos_token="<s>", eos_token="</s>")[0][0]
    #[test]
    fn templates_are_rendered_as_by_transformers() {
        for (text, expected) in REFERENCES {
            assert_eq!(template(text).unwrap().render(&messages(), &[], false).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_rendered_is_named_with_line_and_construct() {
        for (text, words) in [
            ("a\n{{ messages | shuffle }}", ["line 2", "shuffle", "`{{ messages | shuffle }}`"]),
            ("a\n\n{% include 'other' %}", ["line 3", "other", "`{% include 'other' %}`"]),
            ("{% for m in messages %}", ["line 1", "unexpected end", "`{% for m in messages %}`"]),
            ("{{ raise_exception('no such\\nrole') }}", ["line 1", "no such", "raise_exception"]),
            ("{{ messages[0].content.swap() }}", ["line 1", "swap", "`{{ messages[0].content.swap() }}`"]),
            ("{{ '<' + (messages[0].content | safe) }}", ["line 1", "+ operator", "| safe"]),
            ("{{ {'a': [1e308 * 10]} | tojson }}", ["line 1", "inf has no spelling", "tojson"]),
            ("{{ [1e308 * 10 - 1e308 * 10] | tojson }}", ["line 1", "nan has no spelling", "tojson"]),
            (
                "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
                ["line 1", "fuel", "{%"],
            ),
        ] {
            let error = match template(text) {
                Ok(template) => template.render(&messages(), &[], false).unwrap_err(),
                Err(error) => error,
            };
            let error = error.to_string();
            assert!(error.contains("chat_template.jinja") && words.iter().all(|word| error.contains(word)), "{error}");
        }
    }

    const REFERENCES: [(&str, &str); 22] = [
        (
            r#"{{ [1e-5, 1e16, 0.0001, 1.5e300, -2.5e-7, 5e-324, 123456789012345680.0, 1.0] | tojson }}{{ {'a': [1e-5]} | tojson(indent=1) }}{{ [1e-05, 2e22] | tojson(separators=(',', ':')) }}"#,
            "[1e-05, 1e+16, 0.0001, 1.5e+300, -2.5e-07, 5e-324, 1.2345678901234568e+17, 1.0]{\n \"a\": [\n  1e-05\n ]\n}[1e-05,2e+22]",
        ),
        (
            r#"{{ (1, 2) }}{{ (1,) }}{{ () }}{{ ('a', (none, "it's")) }}{{ [(1, 2.0)] }}{{ [1] + [2] }}"#,
            "(1, 2)(1,)()('a', (None, \"it's\"))[(1, 2.0)][1, 2]",
        ),
        (
            r#"{{ {'b': 1, 'a': 2} | dictsort }}{% for k, v in {'b': 1, 'a': 2} | dictsort %}{{ k }}{{ v }}{% endfor %}{{ {'a': 1}.items() | list }}{{ {'a': 1}.items() }}{{ {'a': 1}.keys() }}"#,
            "[('a', 2), ('b', 1)]a2b1[('a', 1)]dict_items([('a', 1)])dict_keys(['a'])",
        ),
        (
            r#"{{ messages[0].content | safe }}{{ messages[0].content | e }}{{ ('x' | safe) is string }}{{ '<' ~ (messages[1].content | safe) }}"#,
            " O'Brien <b> & \"x\"\n O&#39;Brien &lt;b&gt; &amp; &#34;x&#34;\nTrue<é 漢",
        ),
        (
            r#"{{ 1e20 }} {{ 0.1 + 0.2 }} {{ 1e-7 }} {{ 1e15 }} {{ 0.0001 }} {{ [1e16, 2.5e-5, 1.0] }} {{ [1e16, 'a'] | string }}"#,
            "1e+20 0.30000000000000004 1e-07 1000000000000000.0 0.0001 [1e+16, 2.5e-05, 1.0] [1e+16, 'a']",
        ),
        (
            r#"{% for (a, b) in [(1, 2)] %}{{ a + b }}{% endfor %}{% set (x, y) = (3, 4) %}{{ x }}{{ 'user' in ('user', 'x') }}{{ messages[0].role.endswith(('r', 's')) }}{{ (1, 2)[1] }}{{ (x, y) | length }}{{ (x + 1) * 2 }}{{ 'a-b'.partition('-') }}{{ (1, 2) | tojson }}"#,
            "33TrueTrue228('a', '-', 'b')[1, 2]",
        ),
        (
            r#"{{ bos_token }}{% for m in messages %}{% if m['role'] == 'user' %}{{ '[INST] ' + m['content'] + '[/INST]' }}{% else %}{{ ' ' + m['content'] + eos_token }}{% endif %}{% endfor %}"#,
            "<s>[INST]  O'Brien <b> & \"x\"\n[/INST] é 漢</s>",
        ),
        (
            r#"{% for m in messages %}{{ m['content'].strip() }}|{{ m.content.split(' ')[0] }}|{{ m.get('role') }}|{{ m.get('name', 'none') }}{% endfor %}"#,
            "O'Brien <b> & \"x\"||user|noneé 漢|é|assistant|none",
        ),
        (
            r#"{% for m in messages %}{% if m.role.startswith('u') %}{{ m.content.lstrip() }}{% endif %}{{ m.role.title() + m.role.upper() }}{% endfor %}"#,
            "O'Brien <b> & \"x\"\nUserUSERAssistantASSISTANT",
        ),
        (
            r#"{% for m in messages %}{% if m.role == 'assistant' %}{% generation %}{{ m.content }}{%- endgeneration %}
{% endif %}{% endfor %}"#,
            "é 漢",
        ),
        (r#"{% for m in messages %}{% if loop.index > 1 %}{% break %}{% endif %}{{ m.role }}{% endfor %}"#, "user"),
        (r#"{% for m in messages %}{% if loop.first %}{% continue %}{% endif %}{{ m.role }}{% endfor %}"#, "assistant"),
        (
            r#"{{ '[INST] %s ' % messages[0]['role'] }}{{ '%s-%d' % (messages[1].role, messages|length) }}{{ 7 % 4 }}"#,
            "[INST] user assistant-23",
        ),
        (
            r#"{{ messages[0].content | tojson }}{{ messages | tojson(indent=2) }}{{ {'b': [1, 2.5, none, true], 'a': {}} | tojson }}"#,
            "\" O'Brien <b> & \\\"x\\\"\\n\"[\n  {\n    \"role\": \"user\",\n    \"content\": \" O'Brien <b> & \\\"x\\\"\\n\"\n  },\n  {\n    \"role\": \"assistant\",\n    \"content\": \"é 漢\"\n  }\n]{\"b\": [1, 2.5, null, true], \"a\": {}}",
        ),
        (
            r#"{{ messages[1].content | tojson(ensure_ascii=true) }}{{ {'b': 1, 'a': [1, 2]} | tojson(separators=(',', ':'), sort_keys=true) }}"#,
            "\"\\u00e9 \\u6f22\"{\"a\":[1,2],\"b\":1}",
        ),
        (
            r#"{%- if not tools is defined %}no{% endif %}{{ tools is none }} {{ documents }} {{ add_generation_prompt }} {{ undefined_name }}."#,
            "True None False .",
        ),
        (
            r#"  {% if true %}
  x
  {% endif %}
{# a comment #}
y
"#,
            "  x\ny",
        ),
        (
            r#"{% set ns = namespace(n=0) %}{% for m in messages[::-1] %}{% set ns.n = ns.n + loop.index0 %}{{ m.role[0] }}{% endfor %}{{ ns.n }}"#,
            "au1",
        ),
        (
            r#"{% macro shout(x) %}{{ x | upper }}!{% endmacro %}{{ shout(messages[1].role) }}{{ strftime_now('%%') }}"#,
            "ASSISTANT!%",
        ),
        (r#"{{ messages | selectattr('role', 'equalto', 'user') | map(attribute='role') | join(',') }}"#, "user"),
        (
            r#"{{ 'a-b-c'.rsplit('-', 1) | join('|') }}{{ 'pre-x'.removeprefix('pre-') }}{{ messages[0]['missing'] is defined }}"#,
            "a-b|cxFalse",
        ),
        (
            r#"{{ messages[1] }}{{ {'a': [1, none, true, "it's", 'x"\n']} }}{{ 'abc'.index('c') }}"#,
            "{'role': 'assistant', 'content': 'é 漢'}{'a': [1, None, True, \"it's\", 'x\"\\n']}2",
        ),
    ];
}
