//! Prices out of a file in the repository, which may not get too old.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use runcycles::{PriceError, PriceTable};

use crate::http::parse_instant;

/// The prices of a file that has its date in its name, such as `prices-2026-11-22.json`: a test computes with the prices that the
/// program is built with, and fails once they are too old or lack a model.
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// use runcycles::usd;
/// use runcycles_authority::testing::FrozenPrices;
///
/// # let dir = std::env::temp_dir().join(format!("frozen-prices-{}", std::process::id()));
/// # std::fs::create_dir_all(&dir)?;
/// # let path = dir.join("prices-2026-11-22.json");
/// # std::fs::write(&path, r#"{ "gpt-4o": { "input_cost_per_token": 0.0000025, "output_cost_per_token": 0.00001 } }"#)?;
/// let prices = FrozenPrices::litellm(&path)?; // as in "prices-2026-11-22.json", beside Cargo.toml
/// assert_eq!(prices.table().of("gpt-4o")?.estimate(2_000, 1_000, 0)?, usd!(0.015));
///
/// prices.assert_has(["gpt-4o"]);
/// # let today = SystemTime::UNIX_EPOCH + Duration::from_secs(1_763_856_000 + 365 * 86_400 + 30 * 86_400);
/// # assert_eq!(prices.date(), "2026-11-22");
/// // `today` is SystemTime::now() where a test is to fail by itself one day.
/// prices.assert_younger_than(Duration::from_secs(90 * 86_400), today);
/// # std::fs::remove_dir_all(&dir)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrozenPrices {
    path: PathBuf,
    date: String,
    /// The start of that day, in UTC.
    since: SystemTime,
    table: PriceTable,
}

impl FrozenPrices {
    /// Reads a file in the shape of litellm: see [`PriceTable::from_litellm`]. A relative path begins where Cargo runs tests, at the
    /// package's `Cargo.toml`.
    ///
    /// # Errors
    ///
    /// [`FrozenPricesError`] where the name has no date, or the file cannot be read or has no such prices.
    pub fn litellm(path: impl AsRef<Path>) -> Result<Self, FrozenPricesError> {
        Self::read(path.as_ref(), PriceTable::from_litellm)
    }

    /// Reads a file in the shape of models.dev, as [`litellm`](Self::litellm) reads the other: see [`PriceTable::from_models_dev`].
    ///
    /// # Errors
    ///
    /// As [`litellm`](Self::litellm).
    pub fn models_dev(path: impl AsRef<Path>) -> Result<Self, FrozenPricesError> {
        Self::read(path.as_ref(), PriceTable::from_models_dev)
    }

    fn read(path: &Path, table: fn(&str) -> Result<PriceTable, PriceError>) -> Result<Self, FrozenPricesError> {
        let owned = || path.to_owned();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let (date, since) = date_in(&name).ok_or_else(|| FrozenPricesError::Date { path: owned() })?;
        let json =
            std::fs::read_to_string(path).map_err(|source| FrozenPricesError::Unreadable { path: owned(), source })?;
        let table = table(&json).map_err(|source| FrozenPricesError::Prices { path: owned(), source })?;
        Ok(Self { path: owned(), date: date.to_owned(), since, table })
    }

    /// The prices.
    pub fn table(&self) -> &PriceTable {
        &self.table
    }

    /// The date, as the file's name has it.
    pub fn date(&self) -> &str {
        &self.date
    }

    /// How old the prices are at a time, from the start of their day in UTC; zero before.
    pub fn age_at(&self, now: SystemTime) -> Duration {
        now.duration_since(self.since).unwrap_or(Duration::ZERO)
    }

    /// Asserts that the prices are not older at a time, which the test gives: no clock is read here.
    ///
    /// # Panics
    ///
    /// With the file and its age.
    #[track_caller]
    pub fn assert_younger_than(&self, most: Duration, now: SystemTime) {
        let days = |age: Duration| age.as_secs() / 86_400;
        let age = self.age_at(now);
        assert!(
            age <= most,
            "expected the prices of {} to be at most {} days old, found {}: take today's, and put their date into the name",
            self.path.display(),
            days(most),
            days(age),
        );
    }

    /// Asserts that models have prices: those that a program names, or those that it used, which are the
    /// [`names`](super::RecordedCalls::names) of its calls.
    ///
    /// # Panics
    ///
    /// With the file, the models that it lacks, and those that it has.
    #[track_caller]
    pub fn assert_has(&self, models: impl IntoIterator<Item = impl AsRef<str>>) {
        let models: BTreeSet<String> = models.into_iter().map(|model| model.as_ref().to_owned()).collect();
        let missing: Vec<_> = models.iter().filter(|model| self.table.of(model).is_err()).map(String::as_str).collect();
        assert!(
            missing.is_empty(),
            "expected prices of all models, found none in {} of {}; it has {}",
            self.path.display(),
            missing.join(", "),
            self.table.models().collect::<Vec<_>>().join(", "),
        );
    }
}

/// Why there are no prices.
#[derive(Debug)]
#[non_exhaustive]
pub enum FrozenPricesError {
    /// The name of the file has no date.
    Date {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file has no prices of the shape that was expected.
    Prices {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: PriceError,
    },
}

impl fmt::Display for FrozenPricesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Date { path } => write!(
                f,
                "the name of {} has no date: expected the day that the prices are of, as in prices-2026-11-22.json",
                path.display()
            ),
            Self::Unreadable { path, .. } => write!(f, "the prices in {} cannot be read", path.display()),
            Self::Prices { path, .. } => write!(f, "{} is no file of prices", path.display()),
        }
    }
}

impl std::error::Error for FrozenPricesError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Date { .. } => None,
            Self::Unreadable { source, .. } => Some(source),
            Self::Prices { source, .. } => Some(source),
        }
    }
}

/// The first date in a name, and the start of its day.
fn date_in(name: &str) -> Option<(&str, SystemTime)> {
    const LENGTH: usize = "2026-11-22".len();
    (0..name.len()).find_map(|start| {
        let date = name.get(start..start + LENGTH)?;
        let (since, _) = parse_instant(&format!("{date}T00:00:00Z"))?;
        Some((date, UNIX_EPOCH + Duration::from_millis(since)))
    })
}
