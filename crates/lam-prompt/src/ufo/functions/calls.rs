//! Functions documented as calls: a signature in Python, its arguments, and the controls it acts on.

use lam_types::{FunctionSpec, Target};

use super::{Argument, acts_on, function};

const CALL: &str = "[1] API call:";
const ARGUMENTS: &str = "[2]";
const CONTROLS: &str = "[4]";
/// What announces the functions of an application's own interface, which need no control.
const OF_APPLICATION: &str = "additional shortcut APIs";

/// All functions that can be called.
pub(super) fn read(system: &str) -> Result<Vec<FunctionSpec>, String> {
    let lines: Vec<&str> = system.lines().map(str::trim).collect();
    let starts: Vec<usize> = (0..lines.len()).filter(|at| lines[*at].starts_with(CALL)).collect();
    let shortcuts = lines.iter().position(|line| line.contains(OF_APPLICATION)).unwrap_or(lines.len());
    let mut functions = Vec::new();
    for (place, start) in starts.iter().enumerate() {
        let end = starts.get(place + 1).copied().unwrap_or(lines.len());
        let doc = lines[..*start].iter().rev().find(|line| !line.is_empty()).copied().unwrap_or_default();
        functions.extend(read_one(&lines[*start..end], doc, *start > shortcuts)?);
    }
    Ok(functions)
}

/// The function of these lines, of which the first has its signature.
fn read_one(lines: &[&str], doc: &str, is_of_application: bool) -> Result<Option<FunctionSpec>, String> {
    let unread = || format!("the functions' documentation: `{}`", lines[0]);
    let signature = lines[0].trim_start_matches(CALL).trim();
    let (name, rest) = signature.split_once('(').ok_or_else(unread)?;
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let parameters = parameters(rest).filter(|_| is_name).ok_or_else(unread)?;
    let is_part = |line: &&&str| !line.starts_with('[') || line.starts_with(ARGUMENTS);
    let notes: Vec<&str> = lines[1..].iter().take_while(is_part).copied().collect();
    let arguments: Vec<Argument<'_>> = parameters.into_iter().map(|parameter| argument(parameter, &notes)).collect();
    let target = match is_of_application {
        true => Target::Application,
        false => acts_on(name, lines.iter().find_map(|line| line.strip_prefix(CONTROLS)).unwrap_or_default()),
    };
    // `"name" is to …`
    let doc = doc.strip_prefix(&format!("\"{name}\" is to ")).unwrap_or(doc);
    Ok(function(name, target, doc, &arguments))
}

/// `NAME: KIND = VALUE`, and the note that begins with its name.
fn argument<'t>(parameter: &'t str, notes: &[&'t str]) -> Argument<'t> {
    let (declared, has_value) = match parameter.split_once('=') {
        // A text as value is an example: a call needs the argument.
        Some((declared, value)) => (declared, !value.trim_start().starts_with(['"', '\'']) || value.trim().len() == 2),
        None => (parameter, false),
    };
    let (name, kind) = declared.split_once(':').unwrap_or((declared, ""));
    let (name, kind) = (name.trim(), kind.trim());
    let note = notes.iter().find_map(|note| note.strip_prefix("- ")?.strip_prefix(name)?.strip_prefix(':'));
    let doc = note.map(|note| note.trim().trim_matches('\'')).unwrap_or_default();
    Argument { name, kind, is_optional: has_value || doc.contains("(Default:"), doc }
}

/// The parameters up to the closing bracket, split at commas outside of brackets and quotes; nothing where it does not
/// close.
fn parameters(text: &str) -> Option<Vec<&str>> {
    let (mut depth, mut quote, mut start, mut found) = (0_usize, None, 0, Vec::new());
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(letter),
            (None, '(' | '[') => depth += 1,
            (None, ']') => depth = depth.checked_sub(1)?,
            (None, ')') if depth == 0 => {
                found.push(text[start..at].trim());
                found.retain(|parameter| !parameter.is_empty());
                return Some(found);
            }
            (None, ')') => depth -= 1,
            (None, ',') if depth == 0 => {
                found.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    None
}
