//! Options of a database: what they are called, what they take, and what is set.
//!
//! What an option does is the business of `instance`; this knows only which values make sense.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use store::journal::Keep;
use types::{Map, Value};

use crate::CatalogError;
use crate::limits::{Limit, shown};

/// Longest description, in characters.
const DESCRIPTION_CHARACTERS_MAX: usize = 1_000;
/// Longest time that an option takes: a hundred years, in milliseconds.
const TIME_MAX_MILLIS: u64 = 100 * 365 * 86_400_000;

/// What a database weighs where nobody says it.
pub const WEIGHT_USUAL: u32 = 100;
/// The most that a database weighs.
const WEIGHT_MAX: u32 = 10_000;

/// How large a journal gets where nobody says it.
const JOURNAL_USUAL_BYTES: u64 = 1 << 30;
/// The smallest bound of a journal: it has to hold a few commits.
const JOURNAL_MIN_BYTES: u64 = 1 << 20;
/// How old what a journal keeps gets where nobody says it.
const JOURNAL_AGE_USUAL_MILLIS: u64 = 7 * 86_400_000;

/// What can be set with `SET OPTION`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseOption {
    /// How long it stays open while nobody uses it.
    IdleTimeout,
    /// How long `STOP DATABASE` waits for what is under way.
    DrainTimeout,
    /// What it is for, in words.
    Description,
    /// Whether everything of it on the disk is encrypted; decided when it is made.
    Encryption,
    /// Whether a journal of its commits is kept.
    Journal,
    /// How old what the journal keeps gets.
    JournalAge,
    /// How large the journal gets.
    JournalSize,
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
    /// Whether everything of it on the disk is encrypted, under a key of its own; the server's setting if nobody says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<bool>,
    /// Whether a journal of its commits is kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub journal: bool,
    /// Milliseconds that the journal keeps what it tells of; 0 whatever its age.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal_age_millis: Option<u64>,
    /// Bytes of the journal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal_max_bytes: Option<u64>,
}

impl DatabaseOption {
    /// Every option, in the order in which an error lists them.
    pub const ALL: [Self; 10] = [
        Self::Description,
        Self::DrainTimeout,
        Self::Encryption,
        Self::IdleTimeout,
        Self::Journal,
        Self::JournalAge,
        Self::JournalSize,
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
            Self::Encryption => "encryption",
            Self::Journal => "journal",
            Self::JournalAge => "journalAge",
            Self::JournalSize => "journalSize",
            Self::Weight => "weight",
            Self::TxLogEnrichment => "txLogEnrichment",
            Self::StoreFormat => "storeFormat",
        }
    }

    /// Finds an option by the name that somebody typed, in any case of letters.
    pub fn parse(typed: &str) -> Result<Self, CatalogError> {
        Self::ALL.into_iter().find(|option| option.name().eq_ignore_ascii_case(typed)).ok_or_else(|| {
            let option: String = typed.chars().take(80).collect();
            // Whoever believes that he chose a key or a cipher has to hear that he did not.
            match option.to_ascii_lowercase().contains("encrypt") {
                true => CatalogError::OptionEncryption { option },
                false => CatalogError::OptionUnknown { option },
            }
        })
    }

    /// Tells whether it shares out what the whole server has: its computing time, its disk. Owning a database is not
    /// enough to choose that; it takes what setting limits takes.
    #[must_use]
    pub fn is_of_server(self) -> bool {
        matches!(self, Self::Weight | Self::Journal | Self::JournalAge | Self::JournalSize)
    }

    fn hint(self) -> &'static str {
        match self {
            Self::IdleTimeout => "Write a time such as 10m, 'PT10M' or a number of milliseconds; 0 keeps it open",
            Self::DrainTimeout => "Write a time such as 10s, 'PT10S' or a number of milliseconds",
            Self::Description => "Write a text of at most 1,000 characters",
            Self::Encryption | Self::Journal => "Write true or false",
            Self::JournalAge => "Write a time such as 7d, 'P7D' or a number of milliseconds; 0 keeps whatever has room",
            Self::JournalSize => "Write a number of bytes of at least 1 MiB, or a size such as 10GB or 512MiB",
            Self::Weight => "Write a whole number from 1 to 10,000; 100 is what others have",
            Self::TxLogEnrichment => "Write 'OFF': this server captures no changes",
            Self::StoreFormat => "Write 'aligned', 'standard', 'high_limit' or 'block'; it changes nothing",
        }
    }
}

impl DatabaseOptions {
    /// Sets an option to a value of its kind.
    pub fn set(&mut self, option: DatabaseOption, value: &Value) -> Result<(), CatalogError> {
        let refused = || CatalogError::OptionValue { option: option.name(), value: shown(value), hint: option.hint() };
        let one_of = |words: &[&str]| match value {
            Value::String(text) if words.iter().any(|word| text.eq_ignore_ascii_case(word)) => Ok(()),
            _ => Err(refused()),
        };
        // Times are written as those of limits are.
        let millis = || {
            let read = Limit::MaxQueryTime.read(value).map_err(|_| refused())?;
            if read <= TIME_MAX_MILLIS { Ok(Some(read)) } else { Err(refused()) }
        };
        let switch = || match value {
            Value::Boolean(on) => Ok(*on),
            Value::String(text) if ["true", "on"].iter().any(|word| text.eq_ignore_ascii_case(word)) => Ok(true),
            Value::String(text) if ["false", "off"].iter().any(|word| text.eq_ignore_ascii_case(word)) => Ok(false),
            _ => Err(refused()),
        };
        match option {
            DatabaseOption::IdleTimeout => self.idle_timeout_millis = millis()?,
            DatabaseOption::DrainTimeout => self.drain_timeout_millis = millis()?,
            DatabaseOption::Encryption => self.encryption = Some(switch()?),
            DatabaseOption::Description => match value {
                Value::String(text) if text.chars().count() <= DESCRIPTION_CHARACTERS_MAX => {
                    self.description = Some(text.to_string());
                }
                _ => return Err(refused()),
            },
            DatabaseOption::Journal => self.journal = switch()?,
            DatabaseOption::JournalAge => self.journal_age_millis = millis()?,
            DatabaseOption::JournalSize => {
                let bytes = Limit::MaxStorageBytes.read(value).ok().filter(|bytes| *bytes >= JOURNAL_MIN_BYTES);
                self.journal_max_bytes = Some(bytes.ok_or_else(refused)?);
            }
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

    /// Tells whether everything of it on the disk is encrypted.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.encryption == Some(true)
    }

    /// Sets an option back to what the server's settings say.
    pub fn remove(&mut self, option: DatabaseOption) {
        match option {
            DatabaseOption::IdleTimeout => self.idle_timeout_millis = None,
            DatabaseOption::DrainTimeout => self.drain_timeout_millis = None,
            DatabaseOption::Description => self.description = None,
            DatabaseOption::Journal => self.journal = false,
            DatabaseOption::JournalAge => self.journal_age_millis = None,
            DatabaseOption::JournalSize => self.journal_max_bytes = None,
            DatabaseOption::Weight => self.weight = None,
            DatabaseOption::TxLogEnrichment | DatabaseOption::StoreFormat | DatabaseOption::Encryption => {}
        }
    }

    /// Says how much of a journal is kept; nothing where none is.
    #[must_use]
    pub fn kept_journal(&self) -> Option<Keep> {
        let age_millis = self.journal_age_millis.unwrap_or(JOURNAL_AGE_USUAL_MILLIS);
        self.journal.then(|| Keep {
            bytes_max: self.journal_max_bytes.unwrap_or(JOURNAL_USUAL_BYTES),
            age_max: (age_millis > 0).then(|| Duration::from_millis(age_millis)),
        })
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
        if self.is_encrypted() {
            map.insert(DatabaseOption::Encryption.name().into(), true.into());
        }
        if let Some(millis) = self.idle_timeout_millis {
            map.insert(DatabaseOption::IdleTimeout.name().into(), time(millis));
        }
        if self.journal {
            map.insert(DatabaseOption::Journal.name().into(), true.into());
        }
        if let Some(millis) = self.journal_age_millis {
            map.insert(DatabaseOption::JournalAge.name().into(), time(millis));
        }
        if let Some(bytes) = self.journal_max_bytes {
            let size = Value::string(Limit::MaxStorageBytes.show(bytes));
            map.insert(DatabaseOption::JournalSize.name().into(), size);
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
        check("journal", true, "{journal: true}");
        check("JOURNAL", "off", "{}");
        check("journalAge", "P2D", "{journalAge: '2d'}");
        check("journalSize", "512MiB", "{journalSize: '512MiB'}");
        let size = "Write a number of bytes of at least 1 MiB, or a size such as 10GB or 512MiB";
        check("journalSize", 0, &format!("ArgumentError: 0 is no value for the option journalSize. {size}."));
        let is_kept = "Write true or false";
        check("journal", 1, &format!("ArgumentError: 1 is no value for the option journal. {is_kept}."));
        check("txLogEnrichment", "off", "{}");
        check("storeFormat", "block", "{}");
        let time = "Write a time such as 10s, 'PT10S' or a number of milliseconds";
        check(
            "drainTimeout",
            "soon",
            &format!("ArgumentError: 'soon' is no value for the option drainTimeout. {time}."),
        );
        let long = "x".repeat(1_000);
        let cut = format!("ArgumentError: '{}' is no value for the option drainTimeout. {time}.", &long[..80]);
        check("drainTimeout", long.as_str(), &cut);
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
        let known = "description, drainTimeout, encryption, idleTimeout, journal, journalAge, journalSize, storeFormat, \
                     txLogEnrichment, weight";
        check("encryption", true, "{encryption: true}");
        check("encryption", false, "{}");
        check("encryption", "aes", "ArgumentError: 'aes' is no value for the option encryption. Write true or false.");
        let made = "The option is encryption, true or false; the server makes the key and chooses the cipher";
        check("encryptionKey", "k", &format!("ArgumentError: There is no option 'encryptionKey'. {made}."));
        check("pageCache", 1, &format!("ArgumentError: Unknown option 'pageCache'. The options are: {known}."));
    }

    #[test]
    fn what_is_removed_is_unset() {
        let mut options = DatabaseOptions::default();
        for option in [DatabaseOption::IdleTimeout, DatabaseOption::DrainTimeout, DatabaseOption::Description] {
            options.set(option, &"5s".into()).expect("fits all three");
        }
        options.set(DatabaseOption::Weight, &7.into()).expect("it is a weight");
        options.set(DatabaseOption::Journal, &true.into()).expect("it is a choice");
        options.set(DatabaseOption::JournalAge, &"1h".into()).expect("it is a time");
        options.set(DatabaseOption::JournalSize, &"1GB".into()).expect("it is a size");
        let hour = Some(Duration::from_secs(3_600));
        assert_eq!(options.kept_journal(), Some(Keep { bytes_max: 1_000_000_000, age_max: hour }));
        DatabaseOption::ALL.into_iter().for_each(|option| options.remove(option));
        assert_eq!(options, DatabaseOptions::default());
    }
}
