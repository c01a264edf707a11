//! Options from several places, of which each setting has one value.

use std::collections::HashMap;
use std::hash::Hash;
use std::str::FromStr;

use object_store::ClientConfigKey;
use object_store::aws::AmazonS3ConfigKey;
use object_store::azure::AzureConfigKey;
use object_store::gcp::GoogleConfigKey;

use super::environment::{Environment, Pairs};
use super::secrets::Secrets;
use super::settings;
use super::values;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::location::{Provider, RemoteLocation};
use crate::storage::options::StoreOptions;

/// A setting of a provider's client.
pub(super) trait Setting: FromStr + AsRef<str> + Eq + Hash + Copy {
    /// What variables of the environment begin with.
    const VARIABLES: &'static str;

    /// Whether it says who asks: such settings come from one place, together.
    fn is_credential(self) -> bool;

    /// Whether it is all that a request needs to say who asks: nothing is fetched then.
    fn is_enough(self) -> bool;

    /// Whether it is the one that allows connections which are not encrypted.
    fn allows_http(self) -> bool;
}

impl Setting for AmazonS3ConfigKey {
    const VARIABLES: &'static str = "AWS_";

    fn is_credential(self) -> bool {
        matches!(
            self,
            Self::AccessKeyId | Self::SecretAccessKey | Self::Token | Self::SkipSignature
        )
    }

    fn is_enough(self) -> bool {
        matches!(self, Self::SecretAccessKey | Self::SkipSignature)
    }

    fn allows_http(self) -> bool {
        self == Self::Client(ClientConfigKey::AllowHttp)
    }
}

impl Setting for AzureConfigKey {
    const VARIABLES: &'static str = "AZURE_";

    fn is_credential(self) -> bool {
        matches!(
            self,
            Self::AccessKey
                | Self::SasKey
                | Self::Token
                | Self::ClientId
                | Self::ClientSecret
                | Self::SkipSignature
        )
    }

    fn is_enough(self) -> bool {
        matches!(self, Self::AccessKey | Self::SasKey | Self::Token | Self::SkipSignature)
    }

    fn allows_http(self) -> bool {
        self == Self::Client(ClientConfigKey::AllowHttp) || self == Self::UseEmulator
    }
}

impl Setting for GoogleConfigKey {
    const VARIABLES: &'static str = "GOOGLE_";

    fn is_credential(self) -> bool {
        matches!(
            self,
            Self::ServiceAccount
                | Self::ServiceAccountKey
                | Self::ApplicationCredentials
                | Self::SkipSignature
        )
    }

    fn is_enough(self) -> bool {
        self == Self::SkipSignature
    }

    fn allows_http(self) -> bool {
        self == Self::Client(ClientConfigKey::AllowHttp)
    }
}

impl Setting for ClientConfigKey {
    const VARIABLES: &'static str = "TENROW_HTTP_";

    fn is_credential(self) -> bool {
        false
    }

    fn is_enough(self) -> bool {
        true
    }

    fn allows_http(self) -> bool {
        self == Self::AllowHttp
    }
}

/// The value of each setting.
pub(super) struct Layers<K> {
    values: HashMap<K, String>,
}

impl<K: Setting> Layers<K> {
    /// What is given counts most, then a profile that is asked for, then the environment, then the profile that it names.
    pub(super) fn of(
        provider: Provider,
        options: &StoreOptions,
        environment: &Environment,
    ) -> Result<Self> {
        let is_setting = |name: &str| settings::is_general(name) || name.parse::<K>().is_ok();
        if let Some((name, _)) = options.iter().find(|(name, _)| !is_setting(name)) {
            return Err(settings::unknown(provider, name));
        }
        if let Some((name, _)) = options.iter().find(|(_, value)| value.is_empty()) {
            return Err(values::empty(name));
        }
        let mut layers = Self { values: HashMap::new() };
        let asked = options.get("profile");
        let profile =
            environment.profile(provider, asked.or_else(|| environment.profile_name(provider)))?;
        // What is set to nothing is not set; but nobody gives an option for that.
        let is_set = |(_, value): &(String, String)| !value.is_empty();
        let profile = profile.into_iter().filter(is_set).collect();
        let environment = environment.variables(K::VARIABLES).into_iter().filter(is_set).collect();
        let given =
            options.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let ordered = match asked {
            Some(_) => [environment, profile, given],
            None => [profile, environment, given],
        };
        for layer in ordered {
            layers.add(layer);
        }
        for (setting, value) in &layers.values {
            values::check(setting.as_ref(), value)?;
        }
        Ok(layers)
    }

    /// Puts a layer over those there are. Names that are no setting are passed by.
    fn add(&mut self, layer: Pairs) {
        let settings =
            layer.into_iter().filter_map(|(name, value)| Some((name.parse::<K>().ok()?, value)));
        let settings: Vec<(K, String)> = settings.collect();
        if settings.iter().any(|(setting, _)| setting.is_credential()) {
            // The token of one identity does not go with the key of another.
            self.values.retain(|setting, _| !setting.is_credential());
        }
        self.values.extend(settings);
    }

    /// Refuses an endpoint without encryption, unless that is allowed.
    pub(super) fn check_encrypted(&self, endpoints: &[K]) -> Result<()> {
        let allows = |(setting, value): (&K, &String)| {
            setting.allows_http() && matches!(value.as_str(), "true" | "1" | "on" | "yes")
        };
        if self.values.iter().any(allows) {
            return Ok(());
        }
        let endpoints = endpoints.iter().filter_map(|setting| self.values.get(setting));
        match endpoints.into_iter().find(|endpoint| endpoint.starts_with("http://")) {
            None => Ok(()),
            Some(_) => Err(Error::invalid(
                "the endpoint begins with http:// and is not encrypted: the option allow_http=true allows that",
            )),
        }
    }

    /// Refuses one of two credentials without the other.
    pub(super) fn check_both(&self, credentials: [(K, &str); 2]) -> Result<()> {
        let has = |(setting, _): (K, &str)| self.values.contains_key(&setting);
        let [(_, first), (_, second)] = credentials;
        let (given, missing) = match credentials.map(has) {
            [true, false] => (first, second),
            [false, true] => (second, first),
            _ => return Ok(()),
        };
        Err(Error::new(
            ErrorKind::Denied,
            format!("{given} without {missing}: credentials come from one place, together"),
        ))
    }

    /// The values that are not shown.
    pub(super) fn secrets(&self) -> Secrets {
        let values = self.values.iter();
        Secrets::of(values.map(|(name, value)| (values::kind_of(name.as_ref()), value.as_str())))
    }

    /// Whether they hold credentials; else the client fetches some.
    pub(super) fn has_credentials(&self) -> bool {
        self.values.keys().any(|setting| setting.is_enough())
    }

    /// What tells a store from others: its bucket, and what these settings say.
    pub(super) fn identity(&self, location: &RemoteLocation, settings: &[K]) -> String {
        let mut identity = format!("{}://{}", location.provider.scheme(), location.bucket);
        for setting in settings {
            identity.push(' ');
            identity.push_str(self.values.get(setting).map_or("", String::as_str));
        }
        identity
    }

    pub(super) fn fold<B>(self, builder: B, with: impl Fn(B, K, String) -> B) -> B {
        self.values
            .into_iter()
            .fold(builder, |builder, (setting, value)| with(builder, setting, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(layers: &Layers<AmazonS3ConfigKey>, name: &str) -> Option<String> {
        layers.values.get(&name.parse().unwrap()).cloned()
    }

    fn layers(
        variables: &[(&str, &str)],
        files: &[(&str, &str)],
        options: &[(&str, &str)],
    ) -> Result<Layers<AmazonS3ConfigKey>> {
        let home = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let file = home.path().join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        let options = options.iter().copied().collect();
        Layers::of(Provider::S3, &options, &Environment::of(variables, home.path()))
    }

    const CREDENTIALS: &str = "[default]\naws_access_key_id = home\naws_secret_access_key = a/b+c=\n[other]\naws_access_key_id = other\naws_secret_access_key = x\n";

    #[test]
    fn options_count_more_than_the_environment_and_that_more_than_profiles() {
        let files = [
            (".aws/credentials", CREDENTIALS),
            (".aws/config", "[default]\nregion = home-1\ns3 =\n  max_concurrent_requests = 20\n"),
            (".config/tenrow/profiles", "[default]\nendpoint = https://home\n"),
        ];
        let found = layers(&[], &files, &[]).unwrap();
        assert_eq!(value(&found, "region").unwrap(), "home-1");
        assert_eq!(value(&found, "endpoint").unwrap(), "https://home");
        assert_eq!(value(&found, "secret_access_key").unwrap(), "a/b+c=");
        let variables = [("AWS_REGION", "env-1"), ("AWS_ENDPOINT_URL", "https://env")];
        let found = layers(&variables, &files, &[("endpoint", "https://given")]).unwrap();
        assert_eq!(value(&found, "region").unwrap(), "env-1");
        assert_eq!(value(&found, "endpoint").unwrap(), "https://given");
    }

    #[test]
    fn a_profile_that_is_asked_for_counts_more_than_the_environment() {
        let files = [(".aws/credentials", CREDENTIALS)];
        let variables = [("AWS_ACCESS_KEY_ID", "env"), ("AWS_SECRET_ACCESS_KEY", "y")];
        let found = layers(&variables, &files, &[]).unwrap();
        assert_eq!(value(&found, "access_key_id").unwrap(), "env");
        let found = layers(&variables, &files, &[("profile", "other")]).unwrap();
        assert_eq!(value(&found, "access_key_id").unwrap(), "other");
        let missing = layers(&variables, &files, &[("profile", "third")]).err().unwrap();
        assert!(missing.chain().contains("no profile \"third\""), "{}", missing.chain());
    }

    #[test]
    fn the_token_of_one_identity_does_not_go_with_the_key_of_another() {
        let variables = [
            ("AWS_ACCESS_KEY_ID", "env"),
            ("AWS_SECRET_ACCESS_KEY", "y"),
            ("AWS_SESSION_TOKEN", "t"),
        ];
        let options = [("access_key_id", "given"), ("secret_access_key", "z")];
        let found = layers(&variables, &[], &options).unwrap();
        assert_eq!(value(&found, "access_key_id").unwrap(), "given");
        assert_eq!(value(&found, "session_token"), None);
    }

    #[test]
    fn one_half_of_credentials_is_refused() {
        let credentials = [
            (AmazonS3ConfigKey::AccessKeyId, "access_key_id"),
            (AmazonS3ConfigKey::SecretAccessKey, "secret_access_key"),
        ];
        let variables = [("AWS_ACCESS_KEY_ID", "env"), ("AWS_SECRET_ACCESS_KEY", "y")];
        assert!(layers(&variables, &[], &[]).unwrap().check_both(credentials).is_ok());
        let half = layers(&variables, &[], &[("secret_access_key", "marker")]).unwrap();
        let error = half.check_both(credentials).unwrap_err().chain();
        assert!(error.contains("secret_access_key without access_key_id"), "{error}");
        assert!(!error.contains("marker"));
    }

    #[test]
    fn an_unknown_option_is_told_the_known_ones() {
        let error = layers(&[], &[], &[("regoin", "marker")]).err().unwrap().chain();
        assert!(error.contains("\"regoin\"") && error.contains("region"), "{error}");
        assert!(!error.contains("marker"));
    }

    #[test]
    fn an_endpoint_without_encryption_is_used_only_if_that_is_allowed() {
        let endpoints = [AmazonS3ConfigKey::Endpoint];
        let endpoint = ("endpoint", "http://host:9000");
        assert!(layers(&[], &[], &[endpoint]).unwrap().check_encrypted(&endpoints).is_err());
        let allowed = [endpoint, ("allow_http", "true")];
        assert!(layers(&[], &[], &allowed).unwrap().check_encrypted(&endpoints).is_ok());
    }

    #[test]
    fn lines_of_profiles_are_never_repeated() {
        let files = [(".aws/credentials", "[default\nmarker")];
        let error = layers(&[], &files, &[]).err().unwrap().chain();
        assert!(error.contains("credentials, line") && !error.contains("marker"), "{error}");
    }
}
