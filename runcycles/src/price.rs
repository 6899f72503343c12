//! What model tokens cost.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::protocol::{Amount, AmountError, MAX_AMOUNT};

/// Tokens that a price is for.
const TOKENS_PER_PRICE: u128 = 1_000_000;

/// Microcents in one US dollar.
const MICROCENTS_PER_USD: f64 = 100_000_000.0;

/// The tokens of one call, in classes that do not overlap: each token is counted in one of them.
///
/// Providers differ in what their numbers include. Where the input includes what was read from a cache, take it off before; where
/// the output includes reasoning, as it usually does, leave [`reasoning`](Self::reasoning) at zero or take it off the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Input that was not in a cache.
    pub input: u64,
    /// Input that was read from a cache.
    pub cache_read: u64,
    /// Input that was written to a cache.
    pub cache_write: u64,
    /// Output apart from reasoning.
    pub output: u64,
    /// Reasoning, which is charged as output.
    pub reasoning: u64,
}

/// What a model's tokens cost, in whole microcents for a million tokens. Costs are exact and rounded up to the microcent.
///
/// ```
/// use runcycles::{Price, Usage, usd};
///
/// let price = Price::new(usd!(2.50), usd!(10))?.cache_read(usd!(1.25))?;
/// let cost = price.cost(&Usage { input: 2_000, output: 1_000, ..Usage::default() })?;
/// assert_eq!(cost, usd!(0.015));
/// # Ok::<(), runcycles::models::AmountError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    input: u64,
    output: u64,
    cache_read: Option<u64>,
    cache_write: Option<u64>,
}

impl Price {
    /// A price of a million tokens of input and of output. What is read from or written to a cache costs as much as input.
    ///
    /// # Errors
    ///
    /// [`AmountError::UnitMismatch`] for an amount that is not money.
    pub fn new(input: Amount, output: Amount) -> Result<Self, AmountError> {
        Ok(Self { input: money(input)?, output: money(output)?, cache_read: None, cache_write: None })
    }

    /// The price of a million tokens that are read from a cache.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn cache_read(mut self, price: Amount) -> Result<Self, AmountError> {
        self.cache_read = Some(money(price)?);
        Ok(self)
    }

    /// The price of a million tokens that are written to a cache.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn cache_write(mut self, price: Amount) -> Result<Self, AmountError> {
        self.cache_write = Some(money(price)?);
        Ok(self)
    }

    /// What a call cost.
    ///
    /// # Errors
    ///
    /// [`AmountError::Overflow`] for a cost that no amount can carry.
    pub fn cost(&self, usage: &Usage) -> Result<Amount, AmountError> {
        self.with_buffer(usage, 0)
    }

    /// What a call may cost, for an estimate: the cost of the input and of the most output, and so many per cent on top, rounded
    /// up once.
    ///
    /// # Errors
    ///
    /// As [`cost`](Self::cost).
    pub fn estimate(&self, input: u64, max_output: u64, buffer_percent: u8) -> Result<Amount, AmountError> {
        self.with_buffer(&Usage { input, output: max_output, ..Usage::default() }, buffer_percent)
    }

    fn with_buffer(&self, usage: &Usage, percent: u8) -> Result<Amount, AmountError> {
        let classes = [
            (usage.input, self.input),
            (usage.cache_read, self.cache_read.unwrap_or(self.input)),
            (usage.cache_write, self.cache_write.unwrap_or(self.input)),
            (usage.output, self.output),
            (usage.reasoning, self.output),
        ];
        let mut sum = 0_u128;
        for (tokens, price) in classes {
            let part = u128::from(tokens) * u128::from(price);
            sum = sum.checked_add(part).ok_or(AmountError::Overflow)?;
        }
        let cost = sum.checked_mul(u128::from(percent) + 100).ok_or(AmountError::Overflow)?;
        let cost = u64::try_from(cost.div_ceil(100 * TOKENS_PER_PRICE)).ok().filter(|cost| *cost <= MAX_AMOUNT);
        Ok(Amount::usd_microcents(cost.ok_or(AmountError::Overflow)?))
    }
}

fn money(amount: Amount) -> Result<u64, AmountError> {
    Amount::usd_microcents(0).checked_add(&amount).map(|amount| amount.value())
}

/// Prices by model. There are none to begin with: prices change, and a table that came with a release would be wrong within
/// weeks. It is filled by hand, or from a file in one of two public shapes, and a model that it does not know is an error.
///
/// ```
/// use runcycles::{PriceTable, Usage, usd};
///
/// let table = PriceTable::from_models_dev(
///     r#"{ "openai": { "models": { "gpt-4o": { "cost": { "input": 2.5, "output": 10, "cache_read": 1.25 } } } } }"#,
/// )?;
/// let cost = table.of("openai/gpt-4o")?.cost(&Usage { input: 2_000, output: 1_000, ..Usage::default() });
/// assert_eq!(cost.unwrap(), usd!(0.015));
///
/// let error = table.of("gpt-5").unwrap_err();
/// assert!(error.to_string().contains("add it to the price table"));
/// # Ok::<(), runcycles::PriceError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PriceTable {
    prices: BTreeMap<String, Price>,
}

impl PriceTable {
    /// A table without prices.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the price of a model.
    pub fn insert(&mut self, model: impl Into<String>, price: Price) {
        self.prices.insert(model.into(), price);
    }

    /// The price of a model.
    ///
    /// # Errors
    ///
    /// [`PriceError`] for a model that is not in the table: a cost is never guessed.
    pub fn of(&self, model: &str) -> Result<&Price, PriceError> {
        self.prices.get(model).ok_or_else(|| PriceError {
            what: format!("no price of the model {model:?}"),
            cure: "add it to the price table, or correct the name",
        })
    }

    /// The models with a price, in alphabetical order.
    pub fn models(&self) -> impl Iterator<Item = &str> {
        self.prices.keys().map(String::as_str)
    }

    /// Reads the shape of `models.dev`: providers with their models, and US dollars for a million tokens. A model is called
    /// `provider/model`. Models without prices of input and output are left out, and so are unknown to the table.
    ///
    /// # Errors
    ///
    /// [`PriceError`] naming the model and what is wrong with it.
    pub fn from_models_dev(json: &str) -> Result<Self, PriceError> {
        let mut table = Self::new();
        for (provider, about) in &object(json)? {
            let models = about.get("models").and_then(Value::as_object);
            for (model, about) in models.into_iter().flatten() {
                let Some(cost) = about.get("cost") else { continue };
                let names = ["input", "output", "cache_read", "cache_write"];
                table.read(format!("{provider}/{model}"), cost, names, 1.0)?;
            }
        }
        table.or_empty("providers with models that have a cost of input and output")
    }

    /// Reads the shape of `litellm`'s `model_prices_and_context_window.json`: models, and US dollars for one token. Models without
    /// prices of input and output are left out, and so are unknown to the table.
    ///
    /// # Errors
    ///
    /// [`PriceError`] naming the model and what is wrong with it.
    pub fn from_litellm(json: &str) -> Result<Self, PriceError> {
        let mut table = Self::new();
        for (model, about) in object(json)? {
            // Its first entry describes the others.
            if model == "sample_spec" {
                continue;
            }
            let names = [
                "input_cost_per_token",
                "output_cost_per_token",
                "cache_read_input_token_cost",
                "cache_creation_input_token_cost",
            ];
            table.read(model, &about, names, 1_000_000.0)?;
        }
        table.or_empty("models with input_cost_per_token and output_cost_per_token")
    }

    /// Reads one model's prices, each of so many tokens' worth.
    fn read(&mut self, model: String, about: &Value, names: [&str; 4], factor: f64) -> Result<(), PriceError> {
        let read = |name: &str| match about.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => microcents(value, factor).map(Some).ok_or_else(|| PriceError {
                what: format!("{name} of the model {model:?} is {value}"),
                cure: "a price is a number of US dollars that is not negative",
            }),
        };
        let [input, output, cache_read, cache_write] = names;
        if let (Some(input), Some(output)) = (read(input)?, read(output)?) {
            let price = Price { input, output, cache_read: read(cache_read)?, cache_write: read(cache_write)? };
            self.prices.insert(model, price);
        }
        Ok(())
    }

    /// A file of another shape gives no price at all, which nobody means.
    fn or_empty(self, expected: &'static str) -> Result<Self, PriceError> {
        if self.prices.is_empty() {
            return Err(PriceError {
                what: format!("no prices found: expected {expected}"),
                cure: "check the file's shape",
            });
        }
        Ok(self)
    }
}

fn object(json: &str) -> Result<serde_json::Map<String, Value>, PriceError> {
    serde_json::from_str(json).map_err(|error| PriceError {
        what: format!("the prices are not a JSON object: {error}"),
        cure: "check the file",
    })
}

/// Dollars as whole microcents. List prices have few digits, so that the nearest whole number is the price itself.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
fn microcents(dollars: &Value, factor: f64) -> Option<u64> {
    let microcents = (dollars.as_f64()? * factor * MICROCENTS_PER_USD).round();
    // Whole numbers are exact below 2⁵³.
    (0.0..9_007_199_254_740_992.0).contains(&microcents).then_some(microcents as u64)
}

/// A price that is not known, or not readable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceError {
    what: String,
    cure: &'static str,
}

impl fmt::Display for PriceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.what, self.cure)
    }
}

impl std::error::Error for PriceError {}
