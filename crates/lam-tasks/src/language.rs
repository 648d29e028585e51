//! Whether an application's steps read back as the calls that they were written from. The tests of each environment ask
//! this of the names on its screens.

use lam_env::Application;
use lam_env::random::{pick, stream};
use lam_types::{ArgKind, Args, Call, FunctionSpec, Target};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

/// Calls of each function on each control.
const DRAWS: usize = 4;

/// Texts that a step must not mistake for words of its own.
const ODD: [&str; 12] = [
    "",
    "a in b",
    "1 by 2",
    "report as .pdf to here",
    "DELETE",
    "{DELETE}",
    "{VK_CONTROL}a",
    "3",
    "\"",
    "\\",
    "\n",
    "Zoë",
];

/// Reads back the steps of calls of every function that acts on controls, on every control of these names, and of every
/// other function. Arguments are drawn: all that a function takes, or those that it must have.
///
/// # Errors
/// The first step that is not read back as its call.
pub fn check_language<'n>(app: &dyn Application, names: impl IntoIterator<Item = &'n str>) -> Result<(), String> {
    let mut random = stream(&["language", app.environment()], 1);
    let of_application = app.functions().iter().filter(|spec| spec.target == Target::Application);
    for spec in of_application {
        check_function(app, spec, "", &mut random)?;
    }
    for name in names {
        for spec in app.functions().iter().filter(|spec| spec.target != Target::Application) {
            check_function(app, spec, name, &mut random)?;
        }
    }
    Ok(())
}

fn check_function(
    app: &dyn Application,
    spec: &FunctionSpec,
    name: &str,
    random: &mut ChaCha8Rng,
) -> Result<(), String> {
    for _ in 0..DRAWS {
        let call = Call { function: spec.name.clone(), control_name: name.to_owned(), args: args(spec, name, random) };
        let step = app.step_text(&call);
        let read = app.parse_step(&step).map_err(|error| error.to_string())?;
        if read.as_ref() != Some(&call) {
            return Err(format!("`{step}` was written for {call:?} and read as {read:?}"));
        }
    }
    Ok(())
}

fn args(spec: &FunctionSpec, name: &str, random: &mut ChaCha8Rng) -> Args {
    let mut args = Args::new();
    for arg in &spec.args {
        if !arg.required && random.random_bool(0.5) {
            continue;
        }
        let value: Value = match &arg.kind {
            ArgKind::Text | ArgKind::DocumentText if random.random_bool(0.2) => name.into(),
            ArgKind::Text | ArgKind::DocumentText => pick(random, &ODD).into(),
            ArgKind::Boolean => random.random_bool(0.5).into(),
            ArgKind::OneOf(words) => words[random.random_range(0..words.len())].as_str().into(),
            ArgKind::Integer { min, max } => random.random_range(*min..=*max).into(),
            ArgKind::ShownNumber(_) | ArgKind::Paragraph => random.random_range(1..=20).into(),
        };
        args.insert(arg.name.clone(), value);
    }
    args
}
