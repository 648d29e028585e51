//! A `~` that the shell has left as it stands, as in `--output-dir=~/runs` and in quotes: it would be taken for a folder of
//! that name, which somebody then removes with a `~` that the shell does not leave.

use lam_signal::Failure;

/// Options whose values are texts.
const TEXTS: [&str; 2] = ["--task", "--message"];

/// The first argument that is, or sets something to, a path from `~` on.
pub fn left_home(arguments: impl Iterator<Item = String>) -> Option<String> {
    let mut before = String::new();
    for argument in arguments {
        let (name, value) = argument.split_once('=').unwrap_or(("", &argument));
        let is_text = TEXTS.iter().any(|text| *text == before || *text == name);
        if !is_text && (value == "~" || value.starts_with("~/")) {
            return Some(argument);
        }
        before = argument;
    }
    None
}

/// Why such an argument is refused.
pub fn home_is_left(argument: &str) -> Failure {
    Failure::config(format!("{argument}: the shell has left `~` as it stands, within a word or in quotes"))
        .hint("write $HOME in its place, or ./~ for a folder of that name")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: &str) -> Option<String> {
        left_home(line.split(' ').map(str::to_owned))
    }

    #[test]
    fn a_path_from_home_is_found_and_texts_are_not() {
        for (line, argument) in [
            ("lam-train run quickstart --runs-dir=~/runs", "--runs-dir=~/runs"),
            ("lam-train export merged --model ~", "~"),
            ("lam-train run quickstart --set base.model_name_or_path=~/model", "base.model_name_or_path=~/model"),
            ("lam-train serve model lam2=~/lam2", "lam2=~/lam2"),
        ] {
            assert_eq!(found(line).as_deref(), Some(argument), "{line}");
        }
        for line in
            ["lam-train act --task ~/x", "lam-train act --task=~/x", "lam-train status ./~/runs", "lam-train run a~/b"]
        {
            assert_eq!(found(line), None, "{line}");
        }
    }
}
