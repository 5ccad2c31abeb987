//! Profiles of the AWS command line: `~/.aws/credentials` and `~/.aws/config`, of which the library knows nothing. Keys, the
//! region and the endpoint of a profile are read; what has to run a program or a browser for its keys is said.

use std::env;
use std::fs;
use std::path::PathBuf;

use super::Fault;

/// What a profile says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Profile {
    pub(super) keys: Option<Keys>,
    pub(super) region: Option<String>,
    pub(super) endpoint: Option<String>,
    /// What it gets its keys by, where that is not read.
    by: Option<&'static str>,
}

/// An id, its secret, and the token where they are a session's.
pub(super) type Keys = (String, String, Option<String>);

/// What a profile may get its keys by that is not read.
const OTHER: [&str; 4] = ["credential_process", "sso_session", "sso_start_url", "role_arn"];

impl Profile {
    /// The profile of the environment: that of `AWS_PROFILE`, else `default`.
    pub(super) fn of_environment() -> Self {
        let name = env::var("AWS_PROFILE").or_else(|_| env::var("AWS_DEFAULT_PROFILE"));
        let name = name.unwrap_or_else(|_| "default".to_owned());
        let read = |variable: &str, file: &str| {
            let path =
                env::var_os(variable).map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(".aws").join(file)));
            path.and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default()
        };
        let credentials = read("AWS_SHARED_CREDENTIALS_FILE", "credentials");
        Self::of(&credentials, &read("AWS_CONFIG_FILE", "config"), &name)
    }

    /// The profile of a name. What `credentials` says goes before what `config` says.
    fn of(credentials: &str, config: &str, name: &str) -> Self {
        let titles = if name == "default" { vec![name.to_owned()] } else { vec![format!("profile {name}")] };
        let settings = [section(credentials, &[name.to_owned()]), section(config, &titles)].concat();
        let value = |key: &str| settings.iter().find(|(known, _)| *known == key).map(|(_, value)| (*value).to_owned());
        let keys = value("aws_access_key_id").zip(value("aws_secret_access_key"));
        Self {
            keys: keys.map(|(id, secret)| (id, secret, value("aws_session_token"))),
            region: value("region"),
            endpoint: value("endpoint_url"),
            by: OTHER.iter().copied().find(|key| value(key).is_some()),
        }
    }

    /// The keys, where the profile has some.
    pub(super) fn usable_keys(&self) -> Result<Option<&Keys>, Fault> {
        match (&self.keys, self.by) {
            (None, Some(by)) => Err(Fault::Configuration(format!(
                "the AWS profile has `{by}`, which is not read; put its keys into the environment: \
                 eval \"$(aws configure export-credentials --format env)\""
            ))),
            (keys, _) => Ok(keys.as_ref()),
        }
    }
}

/// The settings of a section. Those that are indented belong to the one before, and to nothing that is read.
fn section<'t>(text: &'t str, titles: &[String]) -> Vec<(&'t str, &'t str)> {
    let mut is_within = false;
    let mut settings = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with([' ', '\t', '#', ';'])) {
        if let Some(title) = line.trim().strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            is_within = titles.iter().any(|wanted| wanted == title.trim());
        } else if let Some((key, value)) = line.split_once('=').filter(|_| is_within) {
            settings.push((key.trim(), value.trim()));
        }
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    const CREDENTIALS: &str =
        "[default]\naws_access_key_id = A\naws_secret_access_key = a/b=\n[other]\naws_access_key_id=B\n";
    const CONFIG: &str =
        "[profile other]\nregion = eu-west-1\ns3 =\n  endpoint_url = http://x\n[profile sso]\nsso_session = x\n";

    #[test]
    fn keys_come_from_the_credentials_and_the_region_from_the_configuration() {
        let default = Profile::of(CREDENTIALS, CONFIG, "default");
        assert_eq!(default.keys, Some(("A".to_owned(), "a/b=".to_owned(), None)));
        let other = Profile::of(CREDENTIALS, CONFIG, "other");
        assert_eq!((other.keys, other.region.as_deref(), other.endpoint), (None, Some("eu-west-1"), None));
    }

    #[test]
    fn a_profile_that_needs_a_program_for_its_keys_says_how_to_get_them() {
        let fault = Profile::of(CREDENTIALS, CONFIG, "sso").usable_keys().unwrap_err();
        assert!(matches!(fault, Fault::Configuration(what) if what.contains("export-credentials")));
    }
}
