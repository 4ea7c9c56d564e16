//! How fast names are found in the catalog of a data folder.
//! Leaves how folders come about to [`crate::process`].

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use catalog::{Authentication, Catalog, FirstStart, Settings};
use store::{Engine, OpenOptions};
use types::SystemClock;

use crate::process::now;

/// Gives the time that it takes to find what one of these names means. No server may use the folder meanwhile.
pub fn time_to_resolve(data: &Path, names: &[String]) -> Result<Duration, String> {
    const ROUNDS: u32 = 20;
    let store = store::lmdb::LmdbEngine.open(&data.join("system"), &OpenOptions::default());
    let store = store.map_err(|error| error.to_string())?;
    let settings = Settings {
        first_start: FirstStart::default(),
        authentication: Authentication::Off,
        databases_max: usize::MAX,
        clock: Arc::new(SystemClock),
    };
    let catalog = Catalog::open(store, settings).map_err(|error| error.to_string())?;
    let begun = now();
    for _ in 0..ROUNDS {
        // Neighbours in time are none in the alphabet.
        for number in 0..names.len() {
            let name = &names[number * 7_919 % names.len()];
            black_box(catalog.resolve(name).map_err(|error| error.to_string())?);
        }
    }
    Ok(begun.elapsed() / ROUNDS / u32::try_from(names.len().max(1)).unwrap_or(u32::MAX))
}
