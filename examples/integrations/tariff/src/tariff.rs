//! What calls of models are charged by.

use runcycles::models::{Amount, AmountError, Unit};
use runcycles::{Price, PriceError, PriceTable, Usage, tokens};

/// What a call of a model is charged by: prices, or the tokens themselves.
///
/// ```
/// use cycles_tariff::Tariff;
/// use runcycles::{Price, PriceTable, Usage, usd};
///
/// let mut prices = PriceTable::new();
/// prices.insert("gpt-4o", Price::new(usd!(2.50), usd!(10))?);
/// let tariff = Tariff::prices(prices).most_output(500);
///
/// assert_eq!(tariff.estimate("gpt-4o", 2_000, 500)?, usd!(0.012));
/// assert_eq!(tariff.cost("gpt-4o", &Usage { input: 2_000, output: 100, ..Usage::default() })?, usd!(0.006));
/// assert!(tariff.cost("gpt-9", &Usage::default()).is_err(), "a price is never guessed");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Tariff {
    /// Absent where tokens are charged.
    prices: Option<PriceTable>,
    most_output: u64,
    buffer_percent: u8,
}

/// Why nothing can be said about the cost of a call. It does not run then.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TariffError {
    /// The model has no price.
    #[error(transparent)]
    Price(#[from] PriceError),
    /// The cost is more than an amount can say.
    #[error(transparent)]
    Amount(#[from] AmountError),
}

impl Tariff {
    /// Charges money. A model without a price is refused.
    pub fn prices(prices: PriceTable) -> Self {
        Self { prices: Some(prices), most_output: 4_096, buffer_percent: 20 }
    }

    /// Charges tokens, whatever the model: those of the input and of the output, with reasoning.
    pub fn tokens() -> Self {
        Self { prices: None, most_output: 4_096, buffer_percent: 20 }
    }

    /// The most tokens of output of a call whose request says nothing about it; 4,096 by default. It is sent with the request:
    /// only so is the estimate a limit.
    pub fn most_output(mut self, tokens: u32) -> Self {
        self.most_output = u64::from(tokens);
        self
    }

    /// What is reserved on top of an estimate, in per cent; 20 by default, since the tokens of the input are a guess.
    pub fn buffer_percent(mut self, percent: u8) -> Self {
        self.buffer_percent = percent;
        self
    }

    /// The most tokens of output of a call: what its request says, or else the [default](Self::most_output).
    pub fn output_of(&self, requested: Option<u64>) -> u64 {
        requested.unwrap_or(self.most_output)
    }

    /// What is charged.
    pub fn unit(&self) -> Unit {
        if self.prices.is_some() { Unit::UsdMicrocents } else { Unit::Tokens }
    }

    /// What a call may cost: its input, and the most output.
    ///
    /// # Errors
    ///
    /// [`TariffError`] for a model without a price, and for more than an amount can say.
    pub fn estimate(&self, model: &str, input: u64, most_output: u64) -> Result<Amount, TariffError> {
        if let Some(price) = self.price_of(model)? {
            return Ok(price.estimate(input, most_output, self.buffer_percent)?);
        }
        let sum = u128::from(input) + u128::from(most_output);
        let estimate = (sum * (u128::from(self.buffer_percent) + 100)).div_ceil(100);
        Ok(tokens(u64::try_from(estimate).map_err(|_| AmountError::Overflow)?))
    }

    /// What a call cost.
    ///
    /// # Errors
    ///
    /// As [`estimate`](Self::estimate).
    pub fn cost(&self, model: &str, usage: &Usage) -> Result<Amount, TariffError> {
        if let Some(price) = self.price_of(model)? {
            return Ok(price.cost(usage)?);
        }
        let parts = [usage.input, usage.cache_read, usage.cache_write, usage.output, usage.reasoning];
        let sum = parts.iter().try_fold(0_u64, |sum, part| sum.checked_add(*part)).ok_or(AmountError::Overflow)?;
        Ok(tokens(sum))
    }

    fn price_of(&self, model: &str) -> Result<Option<&Price>, TariffError> {
        Ok(self.prices.as_ref().map(|prices| prices.of(model)).transpose()?)
    }
}
