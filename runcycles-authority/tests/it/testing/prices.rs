//! Prices out of a file that has a date.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use runcycles::usd;
use runcycles_authority::testing::{FrozenPrices, FrozenPricesError};

use super::failure;

const DAY: Duration = Duration::from_secs(86_400);

/// A file that is removed with this.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let dir = std::env::temp_dir().join(format!(
            "cycles-prices-{}-{}",
            std::process::id(),
            super::super::support::fresh_key()
        ));
        std::fs::create_dir_all(&dir).expect("a directory");
        let path = dir.join(name);
        std::fs::write(&path, text).expect("a file");
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = self.0.parent().map(std::fs::remove_dir_all);
    }
}

const LITELLM: &str = r#"{ "gpt-4o": { "input_cost_per_token": 0.0000025, "output_cost_per_token": 0.00001 } }"#;
const MODELS_DEV: &str = r#"{ "openai": { "models": { "gpt-4o": { "cost": { "input": 2.5, "output": 10 } } } } }"#;

/// The start of 2026-11-22, in UTC.
fn that_day() -> SystemTime {
    UNIX_EPOCH + DAY * 20_779
}

#[test]
fn both_shapes_are_read_with_the_date_in_the_name() {
    let file = File::new("prices-2026-11-22.json", LITELLM);
    let other = File::new("2026-11-22.models.json", MODELS_DEV);

    let (prices, others) =
        (FrozenPrices::litellm(&file.0).expect("prices"), FrozenPrices::models_dev(&other.0).expect("prices"));

    assert_eq!((prices.date(), others.date()), ("2026-11-22", "2026-11-22"));
    assert_eq!(prices.table().of("gpt-4o").expect("a price").estimate(2_000, 1_000, 0), Ok(usd!(0.015)));
    assert_eq!(prices.table().of("gpt-4o").ok(), others.table().of("openai/gpt-4o").ok());
    assert_eq!((prices.age_at(that_day()), prices.age_at(that_day() + DAY)), (Duration::ZERO, DAY));
}

#[test]
fn prices_that_are_too_old_fail_a_test() {
    let file = File::new("prices-2026-11-22.json", LITELLM);
    let prices = FrozenPrices::litellm(&file.0).expect("prices");

    prices.assert_younger_than(DAY * 30, that_day() + DAY * 30);
    let message = failure(|| prices.assert_younger_than(DAY * 30, that_day() + DAY * 31));
    assert!(message.contains("prices-2026-11-22.json to be at most 30 days old, found 31"), "{message}");
}

#[test]
fn a_model_without_a_price_fails_a_test() {
    let file = File::new("prices-2026-11-22.json", LITELLM);
    let prices = FrozenPrices::litellm(&file.0).expect("prices");

    prices.assert_has(["gpt-4o"]);
    let message = failure(|| prices.assert_has(vec!["gpt-9".to_owned(), "gpt-4o".to_owned()]));
    assert!(message.contains("found none in") && message.contains("of gpt-9; it has gpt-4o"), "{message}");
}

#[test]
fn a_file_that_cannot_be_taken_says_why() {
    let undated = FrozenPrices::litellm("prices-2026-13-22.json").expect_err("no date");
    assert!(undated.to_string().contains("has no date"), "{undated}");
    let missing = FrozenPrices::litellm("no-such-prices-2026-11-22.json").expect_err("no file");
    assert!(matches!(missing, FrozenPricesError::Unreadable { .. }), "{missing}");
    let file = File::new("prices-2026-11-22.json", MODELS_DEV);
    let other = FrozenPrices::litellm(&file.0).expect_err("another shape");
    assert!(matches!(other, FrozenPricesError::Prices { .. }), "{other}");
}
