//! The units an authority keeps budgets in.

use runcycles::models;

/// One of the four units of the protocol, in the protocol's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Unit {
    UsdMicrocents,
    Tokens,
    Credits,
    RiskPoints,
}

impl Unit {
    pub(crate) const ALL: [Self; 4] = [Self::UsdMicrocents, Self::Tokens, Self::Credits, Self::RiskPoints];

    pub(crate) fn from_wire(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.as_str() == text)
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::UsdMicrocents => "USD_MICROCENTS",
            Self::Tokens => "TOKENS",
            Self::Credits => "CREDITS",
            Self::RiskPoints => "RISK_POINTS",
        }
    }

    /// An amount of the protocol. Negative numbers do not occur where this is used, and become zero.
    pub(crate) fn amount(self, value: i64) -> models::Amount {
        models::Amount::new(self.into(), u64::try_from(value).unwrap_or(0))
    }

    /// An amount that may be negative.
    pub(crate) fn signed(self, value: i64) -> models::SignedAmount {
        models::SignedAmount::new(self.into(), value)
    }
}

impl From<Unit> for models::Unit {
    fn from(unit: Unit) -> Self {
        match unit {
            Unit::UsdMicrocents => Self::UsdMicrocents,
            Unit::Tokens => Self::Tokens,
            Unit::Credits => Self::Credits,
            Unit::RiskPoints => Self::RiskPoints,
        }
    }
}

impl TryFrom<&models::Unit> for Unit {
    type Error = ();

    fn try_from(unit: &models::Unit) -> Result<Self, ()> {
        Self::from_wire(unit.as_str()).ok_or(())
    }
}
