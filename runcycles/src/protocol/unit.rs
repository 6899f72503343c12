//! Units of account.

use super::string_enum::string_enum;

string_enum! {
    /// What an amount counts. A reservation lives in exactly one unit (protocol: `UnitEnum`).
    pub enum Unit {
        /// 10⁻⁸ US dollars: one dollar is 100,000,000 microcents.
        UsdMicrocents = "USD_MICROCENTS",
        /// Model tokens.
        Tokens = "TOKENS",
        /// Credits, as an application defines them.
        Credits = "CREDITS",
        /// Points of risk, for actions whose cost is not money.
        RiskPoints = "RISK_POINTS",
    }
}
