//! Amounts: whole numbers in a unit, never negative, never a float.

use std::fmt;
use std::str::FromStr;

use serde::ser::SerializeStruct as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Unit;
use super::validation::shorten;
use super::wire_object::{MemberName, set_once};

/// The largest amount the protocol can carry: 2⁶³ − 1.
pub const MAX_AMOUNT: u64 = i64::MAX as u64;

/// Microcents in one US dollar.
const MICROCENTS_PER_USD: u64 = 100_000_000;

/// Digits after the decimal point that a microcent can express.
const USD_DECIMALS: usize = 8;

/// An amount in one unit: a whole number between 0 and 2⁶³ − 1 (protocol: `Amount`).
///
/// Money is counted in microcents; [`usd!`](crate::usd) writes it as people do and checks it at compile time. Arithmetic is
/// checked, and mixing units is an error.
///
/// ```
/// use runcycles::{models::Amount, usd};
///
/// let estimate = usd!(0.02);
/// assert_eq!(estimate, Amount::usd_microcents(2_000_000));
/// assert_eq!(estimate.to_string(), "$0.02");
/// assert_eq!(estimate.checked_add(&usd!(0.005))?.to_string(), "$0.025");
/// assert!(estimate.checked_add(&Amount::tokens(1)).is_err());
/// # Ok::<(), runcycles::models::AmountError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Amount {
    unit: Unit,
    value: u64,
}

impl Amount {
    /// An amount of `value` in `unit`. Values above [`MAX_AMOUNT`] are refused when a request is made from them.
    pub const fn new(unit: Unit, value: u64) -> Self {
        Self { unit, value }
    }

    /// Money in microcents (10⁻⁸ US dollars). [`usd!`](crate::usd) is easier to read.
    pub const fn usd_microcents(value: u64) -> Self {
        Self::new(Unit::UsdMicrocents, value)
    }

    /// Model tokens.
    pub const fn tokens(value: u64) -> Self {
        Self::new(Unit::Tokens, value)
    }

    /// Credits.
    pub const fn credits(value: u64) -> Self {
        Self::new(Unit::Credits, value)
    }

    /// Points of risk.
    pub const fn risk_points(value: u64) -> Self {
        Self::new(Unit::RiskPoints, value)
    }

    /// Reads dollars from text such as `"0.02"`, `"5"` or `"1_000.50"`, exactly.
    ///
    /// # Errors
    ///
    /// [`AmountError::NotMoney`] for a sign, an exponent, more than eight digits after the point, anything else that is not
    /// a plain decimal number, and numbers above about $92 billion.
    pub const fn parse_usd(text: &str) -> Result<Self, AmountError> {
        match microcents(text) {
            Ok(value) => Ok(Self::usd_microcents(value)),
            Err(reason) => Err(AmountError::NotMoney(reason)),
        }
    }

    /// The unit.
    pub const fn unit(&self) -> &Unit {
        &self.unit
    }

    /// The number, in [`unit`](Self::unit)s.
    pub const fn value(&self) -> u64 {
        self.value
    }

    /// Whether the number is zero.
    pub const fn is_zero(&self) -> bool {
        self.value == 0
    }

    /// The sum.
    ///
    /// # Errors
    ///
    /// [`AmountError::UnitMismatch`] and [`AmountError::Overflow`].
    pub fn checked_add(&self, other: &Self) -> Result<Self, AmountError> {
        self.combine(other, |a, b| a.checked_add(b).filter(|sum| *sum <= MAX_AMOUNT))
    }

    /// The difference.
    ///
    /// # Errors
    ///
    /// [`AmountError::UnitMismatch`], and [`AmountError::Overflow`] where it would be negative.
    pub fn checked_sub(&self, other: &Self) -> Result<Self, AmountError> {
        self.combine(other, u64::checked_sub)
    }

    /// This amount `factor` times.
    ///
    /// # Errors
    ///
    /// [`AmountError::Overflow`].
    pub fn checked_mul(&self, factor: u64) -> Result<Self, AmountError> {
        let product = self.value.checked_mul(factor).filter(|product| *product <= MAX_AMOUNT);
        Ok(Self::new(self.unit.clone(), product.ok_or(AmountError::Overflow)?))
    }

    fn combine(&self, other: &Self, with: fn(u64, u64) -> Option<u64>) -> Result<Self, AmountError> {
        if self.unit != other.unit {
            return Err(AmountError::UnitMismatch { expected: self.unit.clone(), found: other.unit.clone() });
        }
        Ok(Self::new(self.unit.clone(), with(self.value, other.value).ok_or(AmountError::Overflow)?))
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_amount(f, &self.unit, "", self.value)
    }
}

/// Reads an amount as people write it in settings: `$5`, `100_000 tokens`, `3 credits`, `50 risk points`.
///
/// ```
/// use runcycles::{models::Amount, tokens, usd};
///
/// assert_eq!("$0.02".parse::<Amount>(), Ok(usd!(0.02)));
/// assert_eq!("100_000 tokens".parse::<Amount>(), Ok(tokens(100_000)));
/// assert!("5 euros".parse::<Amount>().is_err());
/// ```
impl FromStr for Amount {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        let text = text.trim();
        if let Some(dollars) = text.strip_prefix('$') {
            return Self::parse_usd(dollars);
        }
        let unknown = || AmountError::NotAnAmount(shorten(text).into());
        let (number, unit) = text.split_once(char::is_whitespace).ok_or_else(unknown)?;
        let number = number.replace('_', "").parse().ok().filter(|number| *number <= MAX_AMOUNT).ok_or_else(unknown)?;
        match unit.trim() {
            "token" | "tokens" => Ok(Self::tokens(number)),
            "credit" | "credits" => Ok(Self::credits(number)),
            "risk point" | "risk points" => Ok(Self::risk_points(number)),
            _ => Err(unknown()),
        }
    }
}

/// Why an amount could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AmountError {
    /// The text is not an amount of dollars.
    #[error("not an amount of US dollars: {0}; write a plain decimal such as 0.02")]
    NotMoney(&'static str),
    /// The text is not an amount in any unit.
    #[error("found {0:?}, expected an amount such as $5, 100_000 tokens, 3 credits or 50 risk points")]
    NotAnAmount(Box<str>),
    /// Two amounts in different units were combined.
    #[error("cannot combine {found} with {expected}; keep one amount per unit")]
    UnitMismatch {
        /// The unit of the first amount.
        expected: Unit,
        /// The unit of the second.
        found: Unit,
    },
    /// The result lies outside 0 to 2⁶³ − 1.
    #[error("the result is outside 0 to 9223372036854775807")]
    Overflow,
}

/// Money as people write it: `usd!(0.02)` is two cents, exact, and usable in a `const`.
///
/// A sign, an exponent, or more than eight digits after the point is a compile error.
///
/// ```
/// use runcycles::{models::Amount, usd};
///
/// const DAILY: Amount = usd!(5);
/// assert_eq!(DAILY, Amount::usd_microcents(500_000_000));
/// ```
///
/// ```compile_fail
/// let too_fine = runcycles::usd!(0.123456789);
/// ```
#[macro_export]
macro_rules! usd {
    ($amount:literal) => {
        const { $crate::__private::usd_literal(stringify!($amount)) }
    };
    ($($other:tt)*) => {
        compile_error!("usd! takes one plain number, such as usd!(0.02); for text use Amount::parse_usd")
    };
}

/// The amount a `usd!` literal stands for; evaluated in a const, so that a panic is a compile error.
#[doc(hidden)]
pub const fn usd_literal(text: &str) -> Amount {
    match microcents(text) {
        Ok(value) => Amount::usd_microcents(value),
        Err(reason) => panic!("{}", reason),
    }
}

/// `value` model tokens.
pub const fn tokens(value: u64) -> Amount {
    Amount::tokens(value)
}

/// `value` credits.
pub const fn credits(value: u64) -> Amount {
    Amount::credits(value)
}

/// `value` points of risk.
pub const fn risk_points(value: u64) -> Amount {
    Amount::risk_points(value)
}

/// Plain decimal dollars as microcents, or what is wrong with them.
const fn microcents(text: &str) -> Result<u64, &'static str> {
    let bytes = text.as_bytes();
    let (mut value, mut digits, mut decimals, mut in_fraction) = (0_u64, 0_usize, 0_usize, false);
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            digit @ b'0'..=b'9' => {
                if in_fraction {
                    decimals += 1;
                    if decimals > USD_DECIMALS {
                        return Err("at most eight digits after the point, since one microcent is $0.00000001");
                    }
                }
                digits += 1;
                value = match value.checked_mul(10) {
                    Some(value) => value,
                    None => return Err("larger than $92,233,720,368.54775807"),
                };
                value = match value.checked_add((digit - b'0') as u64) {
                    Some(value) => value,
                    None => return Err("larger than $92,233,720,368.54775807"),
                };
            }
            b'_' => {}
            b'.' if !in_fraction => in_fraction = true,
            b'-' => return Err("an amount cannot be negative"),
            b'e' | b'E' => return Err("no exponents"),
            _ => return Err("only digits, one point and underscores"),
        }
        at += 1;
    }
    if digits == 0 {
        return Err("no digits");
    }
    while decimals < USD_DECIMALS {
        value = match value.checked_mul(10) {
            Some(value) => value,
            None => return Err("larger than $92,233,720,368.54775807"),
        };
        decimals += 1;
    }
    if value > MAX_AMOUNT {
        return Err("larger than $92,233,720,368.54775807");
    }
    Ok(value)
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Amount", 2)?;
        object.serialize_field("unit", &self.unit)?;
        object.serialize_field("amount", &self.value)?;
        object.end()
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (unit, amount) = deserializer.deserialize_map(UnitAndNumber::<u64>::default())?;
        if amount > MAX_AMOUNT {
            return Err(de::Error::custom(format_args!("amount {amount} is above 9223372036854775807")));
        }
        Ok(Self::new(unit, amount))
    }
}

/// An amount that may be negative: what remains of a budget in overdraft (protocol: `SignedAmount`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SignedAmount {
    unit: Unit,
    value: i64,
}

impl SignedAmount {
    /// An amount of `value` in `unit`.
    pub const fn new(unit: Unit, value: i64) -> Self {
        Self { unit, value }
    }

    /// The unit.
    pub const fn unit(&self) -> &Unit {
        &self.unit
    }

    /// The number, in [`unit`](Self::unit)s.
    pub const fn value(&self) -> i64 {
        self.value
    }
}

impl fmt::Display for SignedAmount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_amount(f, &self.unit, if self.value < 0 { "-" } else { "" }, self.value.unsigned_abs())
    }
}

impl Serialize for SignedAmount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("SignedAmount", 2)?;
        object.serialize_field("unit", &self.unit)?;
        object.serialize_field("amount", &self.value)?;
        object.end()
    }
}

impl<'de> Deserialize<'de> for SignedAmount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (unit, value) = deserializer.deserialize_map(UnitAndNumber::<i64>::default())?;
        Ok(Self { unit, value })
    }
}

/// Reads `{unit, amount}` for both kinds of amount; members it does not know are skipped.
struct UnitAndNumber<N>(std::marker::PhantomData<N>);

impl<N> Default for UnitAndNumber<N> {
    fn default() -> Self {
        Self(std::marker::PhantomData)
    }
}

impl<'de, N: Deserialize<'de>> de::Visitor<'de> for UnitAndNumber<N> {
    type Value = (Unit, N);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an amount: {\"unit\": …, \"amount\": …}")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut unit, mut amount) = (None, None);
        while let Some(name) = map.next_key::<MemberName<'de>>()? {
            match &*name.0 {
                "unit" => set_once(&mut unit, "unit", &mut map)?,
                "amount" => set_once(&mut amount, "amount", &mut map)?,
                _ => {
                    map.next_value::<de::IgnoredAny>()?;
                }
            }
        }
        let unit = unit.ok_or_else(|| de::Error::missing_field("unit"))?;
        let amount = amount.ok_or_else(|| de::Error::missing_field("amount"))?;
        Ok((unit, amount))
    }
}

/// Writes money as `$1,234.50` and other units as `1,234 tokens`.
fn write_amount(f: &mut fmt::Formatter<'_>, unit: &Unit, sign: &str, value: u64) -> fmt::Result {
    if *unit == Unit::UsdMicrocents {
        let (dollars, fraction) = (value / MICROCENTS_PER_USD, value % MICROCENTS_PER_USD);
        let fraction = format!("{fraction:0USD_DECIMALS$}");
        let shown = fraction.trim_end_matches('0').len().max(2);
        return f.pad(&format!("{sign}${}.{}", grouped(dollars), &fraction[..shown]));
    }
    let name = match (unit, value) {
        (Unit::Tokens, 1) => "token",
        (Unit::Tokens, _) => "tokens",
        (Unit::Credits, 1) => "credit",
        (Unit::Credits, _) => "credits",
        (Unit::RiskPoints, 1) => "risk point",
        (Unit::RiskPoints, _) => "risk points",
        (other, _) => other.as_str(),
    };
    f.pad(&format!("{sign}{} {name}", grouped(value)))
}

/// A number with a comma between groups of three digits.
fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
