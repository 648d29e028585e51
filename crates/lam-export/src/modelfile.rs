//! Ollama's Modelfile beside a GGUF file: the chat template in Ollama's language, stop strings, parameters.
//!
//! Ollama knows no Jinja. What a template writes before each message and at the end is seen from conversations that it
//! renders, and said again piece by piece: before the first request and before later ones, before answers, around a
//! system text, and where an answer is to follow.

use std::fmt::Write as _;

use lam_prompt::{Message, PromptError, Renderer, Role};

/// Name of the file.
pub const MODELFILE: &str = "Modelfile";
/// Contents by which messages are found again.
const MARKS: [&str; 4] = ["aaa-system-aaa", "bbb-request-bbb", "ccc-answer-ccc", "ddd-request-ddd"];
/// Positions that Ollama keeps at most unless it is told otherwise; a model may know fewer.
const CONTEXT: usize = 8192;
/// Tokens of an answer at most.
const ANSWER: usize = 1024;

/// What stands around messages.
#[derive(Debug, PartialEq, Eq)]
struct Pieces {
    /// Before the first request, before an answer, before a later request, and after the last one.
    turns: [String; 4],
    /// Before a system text, and between it and the first request; none where the template refuses one.
    system: Option<[String; 2]>,
}

/// What the Modelfile says beside the template.
pub struct Facts<'f> {
    /// The GGUF file beside it.
    pub gguf: &'f str,
    /// Positions that the model knows.
    pub context: usize,
    /// Whether a begin of sequence is put before a text without the template.
    pub adds_bos: bool,
    /// Name of the licence, or its text.
    pub license: &'f str,
}

/// The file's text; without a template where the model's cannot be said so, for Ollama to find one by itself.
///
/// # Errors
/// A template that cannot render a request.
pub fn modelfile(renderer: &Renderer, facts: &Facts<'_>) -> Result<String, PromptError> {
    let mut text = format!("# ollama create NAME -f Modelfile\nFROM ./{}\n\n", facts.gguf);
    let mut put = |line: String| writeln!(text, "{line}").expect("writing to a string cannot fail");
    if let Some(pieces) = pieces(renderer, facts.adds_bos)? {
        put(format!("TEMPLATE \"\"\"{}\"\"\"\n", template(&pieces)));
    }
    let tokenizer = renderer.tokenizer();
    for stop in renderer.stop_tokens().iter().map(|id| tokenizer.decode(&[*id])).filter(|stop| !stop.is_empty()) {
        put(format!("PARAMETER stop {}", quoted(&stop)));
    }
    // One action at a time, the most probable one; its words are copied from the question, which Ollama's usual penalty
    // on repetition would forbid.
    put("PARAMETER temperature 0\nPARAMETER repeat_penalty 1".to_owned());
    put(format!("PARAMETER num_ctx {}", facts.context.min(CONTEXT)));
    put(format!("PARAMETER num_predict {}", (facts.context / 2).clamp(1, ANSWER)));
    put(format!("\nLICENSE {}", quoted(facts.license)));
    Ok(text)
}

/// What the template writes around messages; none where it changes them, or what stands before them.
fn pieces(renderer: &Renderer, adds_bos: bool) -> Result<Option<Pieces>, PromptError> {
    let [system, first, answer, second] = MARKS;
    let begin = renderer.tokenizer().bos().map(|bos| renderer.tokenizer().decode(&[bos])).unwrap_or_default();
    // Where a begin of sequence is put before every text, the template must not write a second one.
    let render = |conversation: &[(Role, &str)]| {
        let messages: Vec<Message> = conversation.iter().map(|(role, text)| Message::new(*role, *text)).collect();
        let text = renderer.chat_text(&messages)?;
        Ok::<_, PromptError>(text.strip_prefix(&begin).filter(|_| adds_bos).map_or(text.clone(), str::to_owned))
    };
    let alone = between(&render(&[(Role::User, first)])?, &[first]);
    let turns = render(&[(Role::User, first), (Role::Assistant, answer), (Role::User, second)])?;
    let turns = between(&turns, &[first, answer, second]);
    let (Some(alone), Some(turns)) = (alone, turns) else { return Ok(None) };
    let [before_first, before_answer, before_second, end] = &turns[..] else { return Ok(None) };
    if alone != [before_first.clone(), end.clone()] {
        return Ok(None);
    }
    let with_system = render(&[(Role::System, system), (Role::User, first)]).ok();
    let with_system = with_system.and_then(|text| between(&text, &[system, first]));
    let system = with_system.filter(|parts| parts[2] == *end).map(|parts| [parts[0].clone(), parts[1].clone()]);
    let turns = [before_first, before_answer, before_second, end].map(String::clone);
    Ok(Some(Pieces { turns, system }))
}

/// What stands before, between and after the marks, each of which stands there once, in this order.
fn between(text: &str, marks: &[&str]) -> Option<Vec<String>> {
    let (mut parts, mut rest) = (Vec::new(), text);
    for mark in marks {
        let (before, after) = rest.split_once(mark)?;
        parts.push(before.to_owned());
        rest = after;
    }
    parts.push(rest.to_owned());
    parts.iter().all(|part| MARKS.iter().all(|mark| !part.contains(mark))).then_some(parts)
}

/// The template in Ollama's language.
fn template(pieces: &Pieces) -> String {
    let [first, answer, later, end] = pieces.turns.each_ref().map(|piece| literal(piece));
    let (system, after_system) = match &pieces.system {
        Some(around) => {
            let [before, after] = around.each_ref().map(|piece| literal(piece));
            let is_after = "{{ else if and (eq $i 1) (eq (index $.Messages 0).Role \"system\") }}";
            (
                format!("{{{{ if eq .Role \"system\" }}}}{before}{{{{ .Content }}}}{{{{ else }}}}"),
                format!("{is_after}{after}"),
            )
        }
        None => ("{{ if eq .Role \"system\" }}{{ else }}".to_owned(), String::new()),
    };
    format!(
        "{{{{- range $i, $message := .Messages }}}}{system}\
         {{{{ if eq .Role \"assistant\" }}}}{answer}\
         {{{{ else if eq $i 0 }}}}{first}{after_system}{{{{ else }}}}{later}{{{{ end }}}}{{{{ .Content }}}}\
         {{{{ end }}}}{{{{ end }}}}{end}"
    )
}

/// A text as Ollama's language writes it out: as a quoted text where it holds what the language would take for its own.
fn literal(text: &str) -> String {
    let is_plain = !text.contains("{{") && !text.contains("}}") && !text.contains("\"\"\"") && !text.is_empty();
    if is_plain || text.is_empty() { text.to_owned() } else { format!("{{{{ {} }}}}", serde_json::Value::from(text)) }
}

/// A value of the Modelfile. Its quotes know no escapes, so that a text with a quote stands between three.
fn quoted(text: &str) -> String {
    if text.contains(['"', '\n']) { format!("\"\"\"{text}\"\"\"") } else { format!("\"{text}\"") }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn file(name: &str, adds_bos: bool) -> String {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../lam-model/tests/fixtures/gguf").join(name);
        let facts = Facts { gguf: "LAM4-F16.gguf", context: 512, adds_bos, license: "apache-2.0" };
        modelfile(&Renderer::load(&path).unwrap(), &facts).unwrap()
    }

    #[test]
    fn a_template_is_said_in_ollamas_language() {
        // ChatML: each message between its marks, an answer's mark at the end.
        let text = file("qwen3.gguf", false);
        let expected = "TEMPLATE \"\"\"{{- range $i, $message := .Messages }}{{ if eq .Role \"system\" }}<|im_start|>system\n\
                        {{ .Content }}{{ else }}{{ if eq .Role \"assistant\" }}<|im_end|>\n<|im_start|>assistant\n\
                        {{ else if eq $i 0 }}<|im_start|>user\n\
                        {{ else if and (eq $i 1) (eq (index $.Messages 0).Role \"system\") }}<|im_end|>\n<|im_start|>user\n\
                        {{ else }}<|im_end|>\n<|im_start|>user\n{{ end }}{{ .Content }}{{ end }}{{ end }}\
                        <|im_end|>\n<|im_start|>assistant\n\"\"\"\n";
        assert!(text.contains(expected), "{text}");
        for line in
            ["FROM ./LAM4-F16.gguf", "PARAMETER stop \"<|im_end|>\"", "PARAMETER num_ctx 512", "LICENSE \"apache-2.0\""]
        {
            assert!(text.lines().any(|own| own == line), "{line}: {text}");
        }
    }

    #[test]
    fn a_begin_of_sequence_is_written_once() {
        assert!(file("llama.gguf", false).contains("{{ else if eq $i 0 }}<s>[INST] {{ else"));
        let without = file("llama.gguf", true);
        assert!(
            without.contains("{{ else if eq $i 0 }}[INST] {{ else")
                && without.contains("{{ else }}</s>[INST] {{ end }}"),
            "{without}"
        );
    }

    #[test]
    fn what_the_language_would_take_for_its_own_is_quoted() {
        assert_eq!(literal("{{x}}\n"), "{{ \"{{x}}\\n\" }}");
        assert_eq!((literal(""), literal("a\n")), (String::new(), "a\n".to_owned()));
        assert_eq!((quoted("a"), quoted("a\"b")), ("\"a\"".to_owned(), "\"\"\"a\"b\"\"\"".to_owned()));
    }
}
