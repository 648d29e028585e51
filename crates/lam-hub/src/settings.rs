//! Where the hub is, who asks, where downloads are kept: Hugging Face's own environment variables.

use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lam_http::{AddressFault, address};
use lam_signal::{REDACTED, Secret};

use crate::HubError;

const HUB: &str = "https://huggingface.co";

/// How the hub is used.
#[derive(Clone)]
pub struct HubSettings {
    /// Address of the hub or of a mirror (`HF_ENDPOINT`).
    pub endpoint: String,
    /// Who asks (`HF_TOKEN`, else the file that `hf auth login` leaves); never shown or written.
    pub token: Option<Secret>,
    /// Where downloads are kept (`HF_HUB_CACHE`, else `hub` in `HF_HOME`).
    pub cache: PathBuf,
    /// Whether the network is forbidden (`HF_HUB_OFFLINE`).
    pub offline: bool,
    /// Longest silence of a connection (`HF_HUB_DOWNLOAD_TIMEOUT`, in seconds).
    pub timeout: Duration,
    /// Tries in a row without a new byte before it is given up.
    pub retries: u32,
    /// Pause before the second try; it doubles with each.
    pub pause: Duration,
    /// Longest time in all that a busy hub is waited for, as it asks.
    pub max_wait: Duration,
}

impl HubSettings {
    /// As the environment says.
    ///
    /// # Errors
    /// A variable whose value cannot be used, or no place for the cache.
    pub fn from_env() -> Result<Self, HubError> {
        Self::from_variables(|name| env::var(name).ok().filter(|value| !value.trim().is_empty()))
    }

    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, HubError> {
        let home = match variable("HF_HOME") {
            Some(path) => PathBuf::from(path),
            None => default_home(&variable)?,
        };
        Ok(Self {
            endpoint: endpoint(variable("HF_ENDPOINT"))?,
            token: token(&variable, &home)?,
            cache: variable("HF_HUB_CACHE").map_or_else(|| home.join("hub"), PathBuf::from),
            offline: is_set(variable("HF_HUB_OFFLINE")),
            timeout: timeout(variable("HF_HUB_DOWNLOAD_TIMEOUT"))?,
            retries: 5,
            pause: Duration::from_millis(500),
            max_wait: Duration::from_secs(600),
        })
    }
}

fn default_home(variable: &impl Fn(&str) -> Option<String>) -> Result<PathBuf, HubError> {
    let caches = variable("XDG_CACHE_HOME").map(PathBuf::from);
    let caches = caches.or_else(|| Some(PathBuf::from(variable("HOME")?).join(".cache")));
    caches.map(|path| path.join("huggingface")).ok_or_else(|| HubError::Setting {
        variable: "HF_HOME",
        value: "\"\"".into(),
        reason: "there is no home directory to keep downloads in".into(),
        hint: "name a directory in HF_HOME".into(),
    })
}

fn endpoint(value: Option<String>) -> Result<String, HubError> {
    let Some(value) = value else { return Ok(HUB.to_owned()) };
    let place = value.trim().trim_end_matches('/');
    if let Err(AddressFault { reason, .. }) = address(place) {
        let hint = format!("write the whole address, such as {HUB}");
        return Err(HubError::Setting { variable: "HF_ENDPOINT", value, reason, hint });
    }
    Ok(place.to_owned())
}

fn token(variable: &impl Fn(&str) -> Option<String>, home: &Path) -> Result<Option<Secret>, HubError> {
    let file = || {
        let path = variable("HF_TOKEN_PATH").map_or_else(|| home.join("token"), PathBuf::from);
        std::fs::read_to_string(path).ok()
    };
    let token = variable("HF_TOKEN").or_else(file).and_then(|text| Secret::new(&text));
    match token.as_ref().and_then(Secret::unfit_for_header) {
        None => Ok(token),
        Some(fault) => Err(HubError::Setting {
            variable: "HF_TOKEN",
            value: REDACTED.into(),
            reason: format!("no token: it {fault}"),
            hint: "set it, or the file that `hf auth login` leaves, to the token alone".into(),
        }),
    }
}

fn is_set(value: Option<String>) -> bool {
    value.is_some_and(|value| ["1", "true", "yes", "on"].contains(&value.trim().to_lowercase().as_str()))
}

fn timeout(value: Option<String>) -> Result<Duration, HubError> {
    let Some(value) = value else { return Ok(Duration::from_secs(30)) };
    match value.trim().parse::<u64>() {
        Ok(seconds) if seconds > 0 => Ok(Duration::from_secs(seconds)),
        _ => {
            let (reason, hint) = ("not a number of seconds".to_owned(), "30 is the default".to_owned());
            Err(HubError::Setting { variable: "HF_HUB_DOWNLOAD_TIMEOUT", value, reason, hint })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(variables: &[(&str, &str)]) -> Result<HubSettings, HubError> {
        let find =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        HubSettings::from_variables(find)
    }

    #[test]
    fn the_variables_are_those_of_hugging_face() {
        let plain = settings(&[("HOME", "/home/ada")]).unwrap();
        assert_eq!(plain.endpoint, HUB);
        assert_eq!(plain.cache, Path::new("/home/ada/.cache/huggingface/hub"));
        assert!(plain.token.is_none() && !plain.offline);
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("token"), " hf_of-a-file\n").unwrap();
        let place = home.path().to_str().unwrap();
        let set =
            settings(&[("HF_HOME", place), ("HF_ENDPOINT", "http://mirror/"), ("HF_HUB_OFFLINE", "True")]).unwrap();
        assert_eq!(
            (set.endpoint.as_str(), set.token, set.offline),
            ("http://mirror", Secret::new("hf_of-a-file"), true)
        );
        let named = settings(&[("HF_HOME", place), ("HF_TOKEN", "hf_of-a-variable"), ("HF_HUB_CACHE", "/c")]).unwrap();
        assert_eq!((named.token, named.cache.as_path()), (Secret::new("hf_of-a-variable"), Path::new("/c")));
    }

    #[test]
    fn values_that_cannot_be_used_are_named() {
        let text = |variables: &[(&str, &str)]| settings(variables).err().expect("refused").to_string();
        assert!(text(&[]).contains("HF_HOME"));
        let error = text(&[("HOME", "/h"), ("HF_ENDPOINT", "mirror.org")]);
        assert!(error.contains("HF_ENDPOINT = mirror.org") && error.contains("hint:"), "{error}");
        let error = text(&[("HOME", "/h"), ("HF_HUB_DOWNLOAD_TIMEOUT", "soon")]);
        assert!(error.contains("HF_HUB_DOWNLOAD_TIMEOUT = soon"), "{error}");
        let error = text(&[("HOME", "/h"), ("HF_TOKEN", "hf_0123456789\nX-Other: 1")]);
        assert!(error.contains("HF_TOKEN") && error.contains("line end") && !error.contains("012345"), "{error}");
    }
}
