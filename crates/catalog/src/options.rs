//! Options of a database: what they are called, what they take, and what is set.
//!
//! What an option does is the business of `instance`; this knows only which values make sense.

use serde::{Deserialize, Serialize};
use types::{Map, Value};

use crate::CatalogError;
use crate::limits::Limit;

/// Longest description, in characters.
const DESCRIPTION_CHARACTERS_MAX: usize = 1_000;
/// Longest time that an option takes: a hundred years, in milliseconds.
const TIME_MAX_MILLIS: u64 = 100 * 365 * 86_400_000;

/// What a database weighs where nobody says it.
pub const WEIGHT_USUAL: u32 = 100;
/// The most that a database weighs.
const WEIGHT_MAX: u32 = 10_000;

/// What can be set with `SET OPTION`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseOption {
    /// How long it stays open while nobody uses it.
    IdleTimeout,
    /// How long `STOP DATABASE` waits for what is under way.
    DrainTimeout,
    /// What it is for, in words.
    Description,
    /// How much of the machine it gets beside others that want all of it too.
    Weight,
    /// Neo4j's capture of changes, which is always off here.
    TxLogEnrichment,
    /// Neo4j's choice among its formats, of which there is one here.
    StoreFormat,
}

/// What is set on one database; what is not set is as the server's settings say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseOptions {
    /// Milliseconds that it stays open while nobody uses it; 0 keeps it open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_timeout_millis: Option<u64>,
    /// Milliseconds that `STOP DATABASE` waits for what is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drain_timeout_millis: Option<u64>,
    /// What it is for, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its part of the machine beside others, of which each has its own; [`WEIGHT_USUAL`] if nobody says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<u32>,
}

impl DatabaseOption {
    /// Every option, in the order in which an error lists them.
    pub const ALL: [Self; 6] = [
        Self::Description,
        Self::DrainTimeout,
        Self::IdleTimeout,
        Self::StoreFormat,
        Self::TxLogEnrichment,
        Self::Weight,
    ];

    /// Tells how it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::IdleTimeout => "idleTimeout",
            Self::DrainTimeout => "drainTimeout",
            Self::Description => "description",
            Self::Weight => "weight",
            Self::TxLogEnrichment => "txLogEnrichment",
            Self::StoreFormat => "storeFormat",
        }
    }

    /// Finds an option by the name that somebody typed, in any case of letters.
    pub fn parse(typed: &str) -> Result<Self, CatalogError> {
        Self::ALL.into_iter().find(|option| option.name().eq_ignore_ascii_case(typed)).ok_or_else(|| {
            let option: String = typed.chars().take(80).collect();
            // Whoever believes that his data is encrypted has to hear that it is not.
            match option.to_ascii_lowercase().contains("encrypt") {
                true => CatalogError::OptionEncryption { option },
                false => CatalogError::OptionUnknown { option },
            }
        })
    }

    fn hint(self) -> &'static str {
        match self {
            Self::IdleTimeout => "Write a time such as 10m, 'PT10M' or a number of milliseconds; 0 keeps it open",
            Self::DrainTimeout => "Write a time such as 10s, 'PT10S' or a number of milliseconds",
            Self::Description => "Write a text of at most 1,000 characters",
            Self::Weight => "Write a whole number from 1 to 10,000; 100 is what others have",
            Self::TxLogEnrichment => "Write 'OFF': this server captures no changes",
            Self::StoreFormat => "Write 'aligned', 'standard', 'high_limit' or 'block'; it changes nothing",
        }
    }
}

impl DatabaseOptions {
    /// Sets an option to a value of its kind.
    pub fn set(&mut self, option: DatabaseOption, value: &Value) -> Result<(), CatalogError> {
        let refused = || CatalogError::OptionValue {
            option: option.name(),
            value: types::text::literal(value).chars().take(80).collect(),
            hint: option.hint(),
        };
        let one_of = |words: &[&str]| match value {
            Value::String(text) if words.iter().any(|word| text.eq_ignore_ascii_case(word)) => Ok(()),
            _ => Err(refused()),
        };
        // Times are written as those of limits are.
        let millis = || {
            let read = Limit::MaxQueryTime.read(value).map_err(|_| refused())?;
            if read <= TIME_MAX_MILLIS { Ok(Some(read)) } else { Err(refused()) }
        };
        match option {
            DatabaseOption::IdleTimeout => self.idle_timeout_millis = millis()?,
            DatabaseOption::DrainTimeout => self.drain_timeout_millis = millis()?,
            DatabaseOption::Description => match value {
                Value::String(text) if text.chars().count() <= DESCRIPTION_CHARACTERS_MAX => {
                    self.description = Some(text.to_string());
                }
                _ => return Err(refused()),
            },
            DatabaseOption::Weight => {
                let weight = match value {
                    Value::Integer(number) => u32::try_from(*number).ok(),
                    _ => None,
                };
                self.weight = Some(weight.filter(|weight| (1..=WEIGHT_MAX).contains(weight)).ok_or_else(refused)?);
            }
            DatabaseOption::TxLogEnrichment => one_of(&["OFF"])?,
            DatabaseOption::StoreFormat => one_of(&["aligned", "standard", "high_limit", "block"])?,
        }
        Ok(())
    }

    /// Sets an option back to what the server's settings say.
    pub fn remove(&mut self, option: DatabaseOption) {
        match option {
            DatabaseOption::IdleTimeout => self.idle_timeout_millis = None,
            DatabaseOption::DrainTimeout => self.drain_timeout_millis = None,
            DatabaseOption::Description => self.description = None,
            DatabaseOption::Weight => self.weight = None,
            DatabaseOption::TxLogEnrichment | DatabaseOption::StoreFormat => {}
        }
    }

    /// Gives what is set, as people would write it.
    #[must_use]
    pub fn shown(&self) -> Map {
        let mut map = Map::new();
        let time =
            |millis: u64| Value::string(if millis == 0 { "0s".to_owned() } else { Limit::MaxQueryTime.show(millis) });
        if let Some(text) = &self.description {
            map.insert(DatabaseOption::Description.name().into(), Value::string(text.as_str()));
        }
        if let Some(millis) = self.drain_timeout_millis {
            map.insert(DatabaseOption::DrainTimeout.name().into(), time(millis));
        }
        if let Some(millis) = self.idle_timeout_millis {
            map.insert(DatabaseOption::IdleTimeout.name().into(), time(millis));
        }
        if let Some(weight) = self.weight {
            map.insert(DatabaseOption::Weight.name().into(), i64::from(weight).into());
        }
        map
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(option: &str, value: impl Into<Value>, expected: &str) {
        let mut options = DatabaseOptions::default();
        let set = DatabaseOption::parse(option).and_then(|option| options.set(option, &value.into()));
        let got = match set {
            Ok(()) => types::text::literal(&Value::map(options.shown())),
            Err(error) => format!("{:?}: {error}", error.code()),
        };
        assert_eq!(got, expected);
    }

    #[test]
    fn f15_options_have_types() {
        check("idletimeout", "10m", "{idleTimeout: '10m'}");
        check("idleTimeout", 1_500, "{idleTimeout: '1500ms'}");
        check("idleTimeout", 0, "{idleTimeout: '0s'}");
        check("drainTimeout", "PT2S", "{drainTimeout: '2s'}");
        check("description", "bills of 2024", "{description: 'bills of 2024'}");
        check("weight", 250, "{weight: 250}");
        check("txLogEnrichment", "off", "{}");
        check("storeFormat", "block", "{}");
        let time = "Write a time such as 10s, 'PT10S' or a number of milliseconds";
        check(
            "drainTimeout",
            "soon",
            &format!("ArgumentError: 'soon' is no value for the option drainTimeout. {time}."),
        );
        check("drainTimeout", -1, &format!("ArgumentError: -1 is no value for the option drainTimeout. {time}."));
        let weight = "Write a whole number from 1 to 10,000; 100 is what others have";
        for (value, shown) in [(Value::Integer(0), "0"), (Value::Integer(10_001), "10001"), (Value::Float(1.5), "1.5")]
        {
            let text = format!("ArgumentError: {shown} is no value for the option weight. {weight}.");
            check("weight", value, &text);
        }
        let off = "Write 'OFF': this server captures no changes";
        check(
            "txLogEnrichment",
            "FULL",
            &format!("ArgumentError: 'FULL' is no value for the option txLogEnrichment. {off}."),
        );
        let known = "description, drainTimeout, idleTimeout, storeFormat, txLogEnrichment, weight";
        let volume = "databases are written to the disk as they are. Put the data folder on a volume that is encrypted";
        check("Encrypted", true, &format!("ArgumentError: There is no option 'Encrypted': {volume}."));
        check("pageCache", 1, &format!("ArgumentError: Unknown option 'pageCache'. The options are: {known}."));
    }

    #[test]
    fn what_is_removed_is_unset() {
        let mut options = DatabaseOptions::default();
        for option in [DatabaseOption::IdleTimeout, DatabaseOption::DrainTimeout, DatabaseOption::Description] {
            options.set(option, &"5s".into()).expect("fits all three");
        }
        options.set(DatabaseOption::Weight, &7.into()).expect("it is a weight");
        DatabaseOption::ALL.into_iter().for_each(|option| options.remove(option));
        assert_eq!(options, DatabaseOptions::default());
    }
}
